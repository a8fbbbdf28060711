//! Statements (spec 03 section 3).

use super::{FAULTS, Fault, Parsed, Parser};
use crate::{
    ast::*,
    lexer::{Kw, Tok},
};

impl Parser<'_> {
    pub(super) fn at_declaration(&self) -> bool {
        if self.peek() != Tok::Ident && !Self::is_primitive(self.peek()) {
            return false;
        }
        let name = if self.peek_at(1) == Tok::P("[") && self.peek_at(2) == Tok::P("]") {
            3
        } else {
            1
        };
        self.peek_at(name) == Tok::Ident
    }

    pub(super) fn declaration(&mut self) -> Parsed<Declaration> {
        let class = self.intern(self.token());
        self.at += 1;
        let array = self.eat("[") && self.eat("]");
        let mut declarators = Vec::new();
        loop {
            let name = self.ident("a variable name")?;
            let value = if self.eat("=") {
                Some(self.expr()?)
            } else {
                None
            };
            declarators.push((name, value));
            if !self.eat(",") {
                return Ok(Declaration {
                    class,
                    array,
                    declarators,
                });
            }
        }
    }

    pub(super) fn statement(&mut self) -> Parsed<Stmt> {
        self.deeper(Self::statement_here)
    }

    fn statement_here(&mut self) -> Parsed<Stmt> {
        let start = self.span();
        let kind = match self.peek() {
            Tok::P("{") => {
                self.at += 1;
                StmtKind::Block(self.block()?)
            }
            Tok::Kw(Kw::If) => self.if_statement()?,
            Tok::Kw(Kw::While) => {
                self.at += 1;
                let condition = self.parenthesised()?;
                StmtKind::While(condition, Box::new(self.statement()?))
            }
            Tok::Kw(Kw::For) => self.for_statement()?,
            Tok::Kw(kw @ (Kw::Break | Kw::Continue)) => {
                self.at += 1;
                self.expect(";")?;
                if kw == Kw::Break {
                    StmtKind::Break
                } else {
                    StmtKind::Continue
                }
            }
            Tok::Kw(kw @ (Kw::Return | Kw::Throw)) => {
                self.at += 1;
                let value = self.expr()?;
                self.end_of_statement()?;
                if kw == Kw::Return {
                    StmtKind::Return(value)
                } else {
                    StmtKind::Throw(value)
                }
            }
            _ => {
                let value = self.expr()?;
                self.end_of_statement()?;
                StmtKind::Expr(value)
            }
        };
        Ok(Stmt {
            kind,
            span: start.to(self.last_span()),
        })
    }

    fn block(&mut self) -> Parsed<Vec<Stmt>> {
        let mut items = Vec::new();
        let mut fault = None;
        loop {
            if self.eat("}") {
                break;
            }
            if self.peek() == Tok::End || self.fatal || self.faults.len() >= FAULTS {
                return if fault.is_some() {
                    Err(Fault)
                } else {
                    self.unexpected("a statement or `}`")
                };
            }
            match self.item() {
                Ok(item) => items.push(item),
                Err(caught) => {
                    fault = Some(caught);
                    self.recover(true);
                }
            }
        }
        // The faults are noted and the block is closed: the statements behind it can be read as usual.
        Ok(items)
    }

    fn parenthesised(&mut self) -> Parsed<ExprId> {
        self.expect("(")?;
        let value = self.expr()?;
        self.expect(")")?;
        Ok(value)
    }

    fn if_statement(&mut self) -> Parsed<StmtKind> {
        let mut arms = Vec::new();
        loop {
            self.at += 1;
            let condition = self.parenthesised()?;
            arms.push((condition, self.statement()?));
            if !self.eat_kw(Kw::Else) {
                return Ok(StmtKind::If(arms, None));
            }
            if self.peek() != Tok::Kw(Kw::If) {
                return Ok(StmtKind::If(arms, Some(Box::new(self.statement()?))));
            }
        }
    }

    fn for_statement(&mut self) -> Parsed<StmtKind> {
        self.at += 1;
        self.expect("(")?;
        let init = if self.peek() == Tok::P(";") {
            None
        } else if self.at_declaration() {
            Some(ForInit::Declare(self.declaration()?))
        } else {
            Some(ForInit::Expr(self.simple()?))
        };
        self.expect(";")?;
        let condition = if self.peek() == Tok::P(";") {
            None
        } else {
            Some(self.expr()?)
        };
        self.expect(";")?;
        let update = if self.peek() == Tok::P(")") {
            None
        } else {
            Some(self.simple()?)
        };
        self.expect(")")?;
        let body = self.statement()?;
        Ok(StmtKind::For(Box::new(For {
            init,
            condition,
            update,
            body,
        })))
    }

    /// An assignment or a primary.
    fn simple(&mut self) -> Parsed<ExprId> {
        let first = self.primary()?;
        match self.assignment(first)? {
            Some(assignment) => Ok(assignment),
            None => Ok(first),
        }
    }
}
