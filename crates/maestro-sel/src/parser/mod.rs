//! From tokens to the syntax tree (spec 03 section 3), with recovery, so that one run finds all faults of a text.

mod expressions;
mod hints;
mod statements;

use std::collections::BTreeMap;

use crate::{
    ast::*,
    error::{Diagnostic, ErrorKind, Span},
    lexer::{Kw, Lexed, Problem, Tok, Token, lex},
};

/// Levels of nesting that a program may have (SG-10); one more is LIMIT. Evaluation recurses as deep as this.
const DEPTH: u32 = 256;
/// Faults that are reported for one text.
const FAULTS: usize = 50;

/// Parses `text`, whose bytes are counted from `base`; `completed` adds a semicolon at its end (SE-2).
pub(crate) fn parse(text: &str, base: u32, completed: bool) -> Result<Ast, Vec<Diagnostic>> {
    let lexed = lex(text, base, completed);
    let mut parser = Parser {
        lexed: &lexed,
        at: 0,
        depth: 0,
        ast: Ast::default(),
        ids: BTreeMap::new(),
        faults: Vec::new(),
        fatal: false,
    };
    parser.program();
    if parser.faults.is_empty() {
        Ok(parser.ast)
    } else {
        Err(parser.faults)
    }
}

/// A fault was noted; the caller goes up to where it can go on.
struct Fault;

type Parsed<T> = Result<T, Fault>;

struct Parser<'a> {
    lexed: &'a Lexed<'a>,
    at: usize,
    depth: u32,
    ast: Ast,
    ids: BTreeMap<&'a [u16], NameId>,
    faults: Vec<Diagnostic>,
    fatal: bool,
}

impl<'a> Parser<'a> {
    fn program(&mut self) {
        while self.peek() == Tok::Kw(Kw::Import) {
            match self.import() {
                Ok(import) => self.ast.imports.push(import),
                Err(Fault) => self.recover(false),
            }
        }
        while self.peek() != Tok::End && !self.fatal && self.faults.len() < FAULTS {
            match self.item() {
                Ok(item) => self.ast.items.push(item),
                Err(Fault) => self.recover(false),
            }
        }
        // A lexical error behind the last item, such as a comment that is not closed.
        if self.faults.is_empty() && matches!(self.peek(), Tok::Error(_)) {
            let _noted: Parsed<()> = self.unexpected("the end");
        }
    }

    /// Goes on behind the next semicolon, or before the next word that begins a statement, or at the end of the block.
    fn recover(&mut self, in_block: bool) {
        let start = self.at;
        loop {
            match self.peek() {
                Tok::End => return,
                Tok::P(";") => {
                    self.at += 1;
                    return;
                }
                Tok::P("}") if in_block => return,
                // The end of a block whose beginning was skipped.
                Tok::P("}") if self.at == start => {
                    self.at += 1;
                    return;
                }
                Tok::Kw(
                    Kw::If
                    | Kw::While
                    | Kw::For
                    | Kw::Return
                    | Kw::Throw
                    | Kw::Break
                    | Kw::Continue,
                ) if self.at > start => {
                    return;
                }
                _ => self.at += 1,
            }
        }
    }

    fn token(&self) -> Token {
        self.lexed.tokens[self.at.min(self.lexed.tokens.len() - 1)]
    }

    fn peek(&self) -> Tok {
        self.token().kind
    }

    fn token_before(&self) -> Option<Tok> {
        let at = self.at.checked_sub(1)?;
        self.lexed.tokens.get(at).map(|token| token.kind)
    }

    fn peek_at(&self, ahead: usize) -> Tok {
        self.lexed
            .tokens
            .get(self.at + ahead)
            .map_or(Tok::End, |token| token.kind)
    }

    fn span(&self) -> Span {
        self.lexed.span(self.token())
    }

    fn last_span(&self) -> Span {
        self.lexed
            .span(self.lexed.tokens[self.at.saturating_sub(1)])
    }

    fn eat(&mut self, text: &str) -> bool {
        let found = matches!(self.peek(), Tok::P(p) if p == text);
        self.at += usize::from(found);
        found
    }

    fn eat_kw(&mut self, kw: Kw) -> bool {
        let found = self.peek() == Tok::Kw(kw);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, text: &'static str) -> Parsed<()> {
        if self.eat(text) {
            Ok(())
        } else {
            self.unexpected(&format!("`{text}`"))
        }
    }

    /// The semicolon behind an expression, where the expression could go on as well.
    fn end_of_statement(&mut self) -> Parsed<()> {
        if self.eat(";") {
            Ok(())
        } else {
            self.unexpected("`;` or an operator")
        }
    }

    fn note(&mut self, kind: ErrorKind, span: Span, message: impl Into<String>) -> Fault {
        self.faults.push(Diagnostic::new(kind, span, message));
        Fault
    }

    /// The lexical error that wins over a fault at the current token (SL-12): the parser has read one token ahead.
    fn lexical(&self) -> Option<(Span, Problem)> {
        [
            self.token(),
            self.lexed
                .tokens
                .get(self.at + 1)
                .copied()
                .unwrap_or(self.token()),
        ]
        .into_iter()
        .find_map(|token| match token.kind {
            Tok::Error(problem) => Some((self.lexed.span(token), problem)),
            _ => None,
        })
    }

    /// Notes that something else was expected here.
    fn unexpected<T>(&mut self, wanted: &str) -> Parsed<T> {
        if let Some((span, problem)) = self.lexical() {
            let complaint = self.lexed.complaint(problem, span);
            return Err(self.note(ErrorKind::Lex, span, complaint));
        }
        let (token, span) = (self.token(), self.span());
        let written = self.lexed.written(span);
        let found = match token.kind {
            _ if self.lexed.is_end(token) => "the end of the program".to_owned(),
            Tok::Reserved => format!("the reserved word `{written}`"),
            _ => format!("`{written}`"),
        };
        let hint = self.hint(wanted);
        Err(self.note(
            ErrorKind::Parse,
            span,
            format!("expected {wanted}, found {found}{hint}"),
        ))
    }

    /// A literal that cannot be converted.
    fn bad_literal<T>(&mut self, kind: ErrorKind, span: Span, message: String) -> Parsed<T> {
        let fault = match self.lexical() {
            Some((at, problem)) => {
                let complaint = self.lexed.complaint(problem, at);
                self.note(ErrorKind::Lex, at, complaint)
            }
            None => self.note(kind, span, message),
        };
        // The syntax around it may still be read, but the first fault counts.
        self.at += 1;
        Err(fault)
    }

    fn deeper<T>(&mut self, inner: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        self.depth += 1;
        let result = if self.depth > DEPTH {
            self.fatal = true;
            Err(self.note(ErrorKind::Limit, self.span(), too_deep()))
        } else {
            inner(self)
        };
        self.depth -= 1;
        result
    }

    fn push(&mut self, kind: ExprKind, span: Span) -> ExprId {
        let id = ExprId(self.ast.exprs.len() as u32);
        self.ast.exprs.push(Expr { kind, span });
        id
    }

    fn intern(&mut self, token: Token) -> NameId {
        let lexed: &'a Lexed<'a> = self.lexed;
        let units = lexed.units(token);
        if let Some(id) = self.ids.get(units) {
            return *id;
        }
        let id = NameId(self.ast.names.len() as u32);
        self.ast.names.push(lexed.text(token));
        self.ids.insert(units, id);
        id
    }

    fn ident(&mut self, wanted: &str) -> Parsed<NameId> {
        if self.peek() != Tok::Ident {
            return self.unexpected(wanted);
        }
        let id = self.intern(self.token());
        self.at += 1;
        Ok(id)
    }

    fn import(&mut self) -> Parsed<Import> {
        self.at += 1;
        let is_static = self.eat_kw(Kw::Static);
        let mut path = vec![self.ident("a name")?];
        let mut wildcard = false;
        while self.eat(".") {
            if self.eat("*") {
                wildcard = true;
                break;
            }
            path.push(self.ident("a name or `*`")?);
        }
        self.expect(";")?;
        Ok(Import {
            is_static,
            path,
            wildcard,
        })
    }

    fn item(&mut self) -> Parsed<Stmt> {
        if !self.at_declaration() {
            return self.statement();
        }
        let start = self.span();
        let declaration = self.declaration()?;
        self.expect(";")?;
        Ok(Stmt {
            kind: StmtKind::Declare(declaration),
            span: start.to(self.last_span()),
        })
    }

    fn is_primitive(tok: Tok) -> bool {
        matches!(
            tok,
            Tok::Kw(Kw::Boolean | Kw::Int | Kw::Long | Kw::Float | Kw::Double)
        )
    }
}

fn too_deep() -> String {
    format!("the program is nested more than {DEPTH} levels deep here")
}
