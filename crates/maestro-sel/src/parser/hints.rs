//! What is added to "expected this, found that": how to mend what people coming from Java often write.

use super::Parser;
use crate::lexer::{Kw, Tok, Token};

impl Parser<'_> {
    /// A hint for the current token, where something else was wanted; empty, or with `; ` before it.
    pub(super) fn hint(&self, wanted: &str) -> String {
        let (token, before) = (self.token(), self.token_before());
        let wants_expression = wanted == "an expression";
        if self.lexed.is_end(token) {
            return self.hint_at_end(wanted).to_owned();
        }
        let starts_statement = matches!(before, None | Some(Tok::P(";" | "}")));
        let fixed = match token.kind {
            Tok::P(op @ ("++" | "--")) => {
                let sign = &op[..1];
                return format!(
                    "; there is no `{op}`: write `x {sign}= 1`, or `{sign} {sign}` for two signs"
                );
            }
            Tok::P("&") => "; there are no bit operators, `&&` is the logical one",
            Tok::P("|") => "; there are no bit operators, `||` is the logical one",
            Tok::P(
                "^" | "~" | "<<" | ">>" | ">>>" | "&=" | "|=" | "^=" | "<<=" | ">>=" | ">>>=",
            ) => "; there are no bit operators",
            Tok::P("=" | "+=" | "-=" | "*=" | "/=" | "%=") if !wants_expression => {
                "; only a name, or one index of a name, can be assigned"
            }
            Tok::P("(") if !wants_expression && matches!(before, Some(Tok::Ident)) => {
                "; there are no functions, only methods of a value, such as `s.length()`"
            }
            Tok::P("{") if wants_expression => "; an array is written `new int[]{1, 2}`",
            Tok::P(";") if wants_expression => match before {
                Some(Tok::Kw(Kw::Return)) => "; `return` needs a value",
                Some(Tok::Kw(Kw::Throw)) => "; `throw` needs a text",
                None | Some(Tok::P(";" | "{" | "}" | ")") | Tok::Kw(Kw::Else)) => {
                    "; there are no empty statements, `{ }` does nothing"
                }
                _ => "",
            },
            Tok::P("}") if wants_expression && starts_statement => "; there is no `{` for it",
            Tok::Kw(Kw::Else) if wants_expression && starts_statement => {
                "; there is no `if` for it"
            }
            Tok::Kw(Kw::Import) => "; imports stand before everything else",
            Tok::Kw(Kw::Boolean | Kw::Int | Kw::Long | Kw::Float | Kw::Double)
                if before == Some(Tok::P("(")) =>
            {
                "; there are no casts"
            }
            Tok::Kw(Kw::Boolean | Kw::Int | Kw::Long | Kw::Float | Kw::Double)
                if wants_expression =>
            {
                "; a declaration here must stand in `{` and `}`"
            }
            Tok::Reserved => "; SEL has no use for it",
            Tok::Kw(_) if !wants_expression && !wanted.contains(';') => "; it is a reserved word",
            _ => return self.hint_of_place(token, wanted),
        };
        fixed.to_owned()
    }

    fn hint_at_end(&self, wanted: &str) -> &'static str {
        if !wanted.starts_with("`;`") {
            return "";
        }
        if self.lexed.semicolon_is_lost() {
            "; it must be written before a comment at the end"
        } else if self.token_before() == Some(Tok::P("}")) {
            "; it must be written after a `}` at the end"
        } else {
            ""
        }
    }

    /// Hints that follow from what stands before.
    fn hint_of_place(&self, token: Token, wanted: &str) -> String {
        let Some(before) = self.at.checked_sub(1).map(|at| self.lexed.tokens[at]) else {
            return String::new();
        };
        let written = self.lexed.written(self.lexed.span(before));
        let adjacent = before.end == token.start;
        if adjacent && before.kind == Tok::Float && written.ends_with('.') {
            return format!(
                "; `{written}` is a DOUBLE: put a number in parentheses before its method"
            );
        }
        if adjacent
            && matches!(token.kind, Tok::Int | Tok::Float)
            && before.kind == Tok::Int
            && written.starts_with('0')
        {
            return "; a number does not begin with 0, or has no digits 8 and 9 then".to_owned();
        }
        if wanted.starts_with("`;`")
            && let Some(line) = self.lexed.line_between(before, token)
        {
            return format!("; is a `;` missing at the end of line {line}?");
        }
        String::new()
    }
}
