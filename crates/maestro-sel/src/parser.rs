//! From tokens to the syntax tree (spec 03 section 3), with recovery, so that one run finds all faults of a text.

use std::collections::BTreeMap;

use crate::{
    ast::*,
    error::{Diagnostic, ErrorKind, Span},
    lexer::{Kw, Lexed, Tok, Token, lex, unescape},
    value::Text,
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
    lexed: &'a Lexed,
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

    fn note(&mut self, kind: ErrorKind, span: Span, message: impl Into<String>) -> Fault {
        self.faults.push(Diagnostic::new(kind, span, message));
        Fault
    }

    /// The lexical error that wins over a fault at the current token (SL-12): the parser has read one token ahead.
    fn lexical(&self) -> Option<(Span, &'static str)> {
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

    fn unexpected<T>(&mut self, wanted: &str) -> Parsed<T> {
        if let Some((span, problem)) = self.lexical() {
            return Err(self.note(ErrorKind::Lex, span, problem));
        }
        let token = self.token();
        let (span, found) = match token.kind {
            Tok::End => (self.span(), "the end of the program".to_owned()),
            Tok::Reserved => (
                self.span(),
                format!("the reserved word `{}`", self.lexed.text(token)),
            ),
            _ => (self.span(), format!("`{}`", self.lexed.text(token))),
        };
        Err(self.note(
            ErrorKind::Parse,
            span,
            format!("unexpected {found}, expected {wanted}{}", hint(token.kind)),
        ))
    }

    /// A literal that cannot be converted.
    fn bad_literal<T>(&mut self, kind: ErrorKind, message: String) -> Parsed<T> {
        let fault = match self.lexical() {
            Some((span, problem)) => self.note(ErrorKind::Lex, span, problem),
            None => self.note(kind, self.span(), message),
        };
        // The syntax around it may still be read, but the first fault counts.
        self.at += 1;
        Err(fault)
    }

    fn deeper<T>(&mut self, inner: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        self.depth += 1;
        let result = if self.depth > DEPTH {
            self.fatal = true;
            Err(self.note(
                ErrorKind::Limit,
                self.span(),
                format!("nested more than {DEPTH} levels deep"),
            ))
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
        let lexed: &'a Lexed = self.lexed;
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

    fn at_declaration(&self) -> bool {
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

    fn declaration(&mut self) -> Parsed<Declaration> {
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

    fn statement(&mut self) -> Parsed<Stmt> {
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
                self.expect(";")?;
                if kw == Kw::Return {
                    StmtKind::Return(value)
                } else {
                    StmtKind::Throw(value)
                }
            }
            _ => {
                let value = self.expr()?;
                self.expect(";")?;
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

    fn expr(&mut self) -> Parsed<ExprId> {
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
    fn assignment(&mut self, target: ExprId) -> Parsed<Option<ExprId>> {
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
            return Err(self.note(
                ErrorKind::Limit,
                start,
                format!("nested more than {DEPTH} levels deep"),
            ));
        }
        let operand = self.primary()?;
        if ops.is_empty() {
            return Ok(operand);
        }
        let span = start.to(self.ast.expr(operand).span);
        Ok(self.push(ExprKind::Unary(ops, operand), span))
    }

    fn primary(&mut self) -> Parsed<ExprId> {
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
                        let message = format!(
                            "`{text}` is not a number: decimal digits up to {} are",
                            i64::MAX
                        );
                        return self.bad_literal(ErrorKind::NumFmt, message);
                    }
                }
            }
            Tok::Float => {
                let text = self.lexed.text(token);
                // The lexer accepts nothing that Rust refuses, suffix apart.
                match text.trim_end_matches(['f', 'F', 'd', 'D']).parse() {
                    Ok(number) => ExprKind::Double(number),
                    Err(_) => {
                        return self
                            .bad_literal(ErrorKind::NumFmt, format!("`{text}` is not a number"));
                    }
                }
            }
            Tok::Str => match unescape(self.lexed.units(token)) {
                Ok(units) => ExprKind::Str(Text::from(units)),
                Err((kind, message)) => return self.bad_literal(kind, message.to_owned()),
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

/// What people coming from Java often mean by a token without a rule.
fn hint(tok: Tok) -> &'static str {
    match tok {
        Tok::P("++" | "--") => "; write `x += 1` or `x -= 1`",
        Tok::P("&" | "|" | "^" | "~" | "<<" | ">>" | ">>>") => "; there are no bit operators",
        Tok::End => "; a statement ends with `;`",
        _ => "",
    }
}
