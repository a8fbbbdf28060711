//! Expressions (spec 03 section 3).

use super::{DEPTH, Parsed, Parser, too_deep};
use crate::{
    ast::*,
    error::ErrorKind,
    lexer::{Kw, Tok, Token, unescape},
    value::Text,
};

impl Parser<'_> {
    pub(super) fn expr(&mut self) -> Parsed<ExprId> {
        self.deeper(|parser| {
            if parser.peek() != Tok::Ident {
                return parser.conditional(None);
            }
            let first = parser.primary()?;
            match parser.assignment(first)? {
                Some(assignment) => Ok(assignment),
                None => parser.conditional(Some(first)),
            }
        })
    }

    /// The rest of an assignment, if `target` is one and an assignment operator follows (SG-2).
    pub(super) fn assignment(&mut self, target: ExprId) -> Parsed<Option<ExprId>> {
        let Tok::P(text) = self.peek() else {
            return Ok(None);
        };
        let Some(op) = AssignOp::parse(text) else {
            return Ok(None);
        };
        let (target, index, span) = match self.ast.expr(target) {
            Expr {
                kind: ExprKind::Name(name),
                span,
            } => (*name, None, *span),
            Expr {
                kind: ExprKind::Index { base, index },
                span,
            } => match self.ast.expr(*base).kind {
                ExprKind::Name(name) => (name, Some(*index), *span),
                _ => return Ok(None),
            },
            _ => return Ok(None),
        };
        self.at += 1;
        let value = self.expr()?;
        let span = span.to(self.ast.expr(value).span);
        Ok(Some(self.push(
            ExprKind::Assign {
                target,
                index,
                op,
                value,
            },
            span,
        )))
    }

    fn conditional(&mut self, first: Option<ExprId>) -> Parsed<ExprId> {
        let condition = self.binary(0, first)?;
        if !self.eat("?") {
            return Ok(condition);
        }
        let yes = self.expr()?;
        self.expect(":")?;
        let no = self.expr()?;
        let span = self.ast.expr(condition).span.to(self.ast.expr(no).span);
        Ok(self.push(ExprKind::Ternary(condition, yes, no), span))
    }

    /// Precedence climbing: operators of `level` and above. `first` is the operand that was read already.
    fn binary(&mut self, level: u8, first: Option<ExprId>) -> Parsed<ExprId> {
        let mut left = match first {
            Some(first) => first,
            None => self.unary()?,
        };
        // From the strongest level down: each collects a flat chain.
        while let Some(op) = self.binary_op().filter(|op| op.level() >= level) {
            let here = op.level();
            let mut rest = Vec::new();
            let mut span = self.ast.expr(left).span;
            while let Some(op) = self.binary_op().filter(|op| op.level() == here) {
                self.at += 1;
                let right = self.binary(here + 1, None)?;
                span = span.to(self.ast.expr(right).span);
                rest.push((op, right));
            }
            left = self.push(ExprKind::Chain(left, rest), span);
        }
        Ok(left)
    }

    fn binary_op(&self) -> Option<BinOp> {
        match self.peek() {
            Tok::P(text) => BinOp::parse(text),
            _ => None,
        }
    }

    fn unary(&mut self) -> Parsed<ExprId> {
        let start = self.span();
        let mut ops = Vec::new();
        loop {
            let op = match self.peek() {
                Tok::P("+") => UnOp::Plus,
                Tok::P("-") => UnOp::Minus,
                Tok::P("!") => UnOp::Not,
                _ => break,
            };
            self.at += 1;
            ops.push(op);
        }
        // Each operator nests the operand one level deeper (SG-10).
        if self.depth as usize + ops.len() > DEPTH as usize {
            self.fatal = true;
            return Err(self.note(ErrorKind::Limit, start, too_deep()));
        }
        let operand = self.primary()?;
        if ops.is_empty() {
            return Ok(operand);
        }
        let span = start.to(self.ast.expr(operand).span);
        Ok(self.push(ExprKind::Unary(ops, operand), span))
    }

    pub(super) fn primary(&mut self) -> Parsed<ExprId> {
        let start = self.span();
        let kind = match self.peek() {
            Tok::Kw(Kw::New) => self.alloc()?,
            Tok::P("(") => {
                self.at += 1;
                let inner = self.expr()?;
                self.expect(")")?;
                ExprKind::Paren(inner)
            }
            Tok::Ident => {
                let name = self.intern(self.token());
                self.at += 1;
                ExprKind::Name(name)
            }
            _ => self.literal()?,
        };
        let mut base = self.push(kind, start.to(self.last_span()));
        loop {
            let kind = if self.eat("[") {
                let index = self.expr()?;
                self.expect("]")?;
                ExprKind::Index { base, index }
            } else if self.eat(".") {
                let name = self.ident("a method or field name")?;
                if self.eat("(") {
                    ExprKind::Call {
                        base,
                        name,
                        args: self.arguments()?,
                    }
                } else {
                    ExprKind::Field { base, name }
                }
            } else {
                return Ok(base);
            };
            base = self.push(kind, start.to(self.last_span()));
        }
    }

    fn literal(&mut self) -> Parsed<ExprKind> {
        let token = self.token();
        let kind = match token.kind {
            Tok::Kw(Kw::True) => ExprKind::Boolean(true),
            Tok::Kw(Kw::False) => ExprKind::Boolean(false),
            Tok::Kw(Kw::Null) => ExprKind::Null,
            Tok::Int => {
                let text = self.lexed.text(token);
                match text.trim_end_matches(['l', 'L']).parse() {
                    Ok(number) => ExprKind::Long(number),
                    Err(_) => {
                        let message = bad_integer(&self.lexed.written(self.span()));
                        return self.bad_literal(ErrorKind::NumFmt, self.span(), message);
                    }
                }
            }
            Tok::Float => {
                let text = self.lexed.text(token);
                // The lexer accepts nothing that Rust refuses, suffix apart.
                match text.trim_end_matches(['f', 'F', 'd', 'D']).parse() {
                    Ok(number) => ExprKind::Double(number),
                    Err(_) => {
                        let message =
                            format!("`{}` is not a number", self.lexed.written(self.span()));
                        return self.bad_literal(ErrorKind::NumFmt, self.span(), message);
                    }
                }
            }
            Tok::Str => match unescape(self.lexed.units(token)) {
                Ok(units) => ExprKind::Str(Text::from(units)),
                Err(escape) => {
                    let span = self.lexed.span(Token {
                        start: token.start + escape.start,
                        end: token.start + escape.end,
                        ..token
                    });
                    let message = format!(
                        "`{}` is an octal escape, which SEL does not have; write `\\u0041` for `A`",
                        self.lexed.written(span)
                    );
                    return self.bad_literal(ErrorKind::Illegal, span, message);
                }
            },
            _ => return self.unexpected("an expression"),
        };
        self.at += 1;
        Ok(kind)
    }

    fn arguments(&mut self) -> Parsed<Vec<ExprId>> {
        let mut args = Vec::new();
        if self.eat(")") {
            return Ok(args);
        }
        loop {
            args.push(self.expr()?);
            if self.eat(")") {
                return Ok(args);
            }
            if !self.eat(",") {
                return self.unexpected("`,` or `)`");
            }
        }
    }

    fn alloc(&mut self) -> Parsed<ExprKind> {
        self.at += 1;
        let primitive = Self::is_primitive(self.peek());
        if !primitive && self.peek() != Tok::Ident {
            return self.unexpected("a class name");
        }
        let class = self.intern(self.token());
        self.at += 1;
        if !primitive && self.eat("(") {
            return Ok(ExprKind::NewObject {
                class,
                args: self.arguments()?,
            });
        }
        if !self.eat("[") {
            return self.unexpected(if primitive { "`[`" } else { "`(` or `[`" });
        }
        if !self.eat("]") {
            let size = self.expr()?;
            self.expect("]")?;
            return Ok(ExprKind::NewArray { class, size });
        }
        self.expect("{")?;
        let mut elements = Vec::new();
        if self.eat(",") {
            self.expect("}")?;
            return Ok(ExprKind::NewInit { class, elements });
        }
        while !self.eat("}") {
            elements.push(self.expr()?);
            if !self.eat(",") {
                self.expect("}")?;
                break;
            }
        }
        Ok(ExprKind::NewInit { class, elements })
    }
}

/// Why an integer literal is none (SL-7).
fn bad_integer(written: &str) -> String {
    if written.starts_with("0x") || written.starts_with("0X") {
        format!("`{written}` is a hexadecimal number; SEL has decimal ones only")
    } else {
        format!(
            "`{written}` is too large: the greatest LONG is {}",
            i64::MAX
        )
    }
}
