//! Printing of programs: one layout for all, and the same tree when it is read again.

use crate::{ast::*, text::double_text};

/// The program with one statement to a line, four blanks for each level and `'` around texts. Comments are lost.
pub(crate) fn print(ast: &Ast) -> String {
    let mut printer = Printer {
        ast,
        out: String::new(),
        level: 0,
    };
    for import in &ast.imports {
        let path: Vec<&str> = import.path.iter().map(|name| ast.name(*name)).collect();
        let is_static = if import.is_static { "static " } else { "" };
        let wildcard = if import.wildcard { ".*" } else { "" };
        printer.line(&format!("import {is_static}{}{wildcard};", path.join(".")));
    }
    for item in &ast.items {
        printer.indent();
        printer.stmt(item);
        printer.out.push('\n');
    }
    printer.out
}

struct Printer<'a> {
    ast: &'a Ast,
    out: String,
    level: usize,
}

impl Printer<'_> {
    fn line(&mut self, text: &str) {
        self.out.push_str(text);
        self.out.push('\n');
    }

    fn indent(&mut self) {
        for _ in 0..self.level {
            self.out.push_str("    ");
        }
    }

    fn stmt(&mut self, stmt: &Stmt) {
        match &stmt.kind {
            StmtKind::Declare(declaration) => {
                self.declaration(declaration);
                self.out.push(';');
            }
            StmtKind::Expr(value) => self.words("", *value, ";"),
            StmtKind::Return(value) => self.words("return ", *value, ";"),
            StmtKind::Throw(value) => self.words("throw ", *value, ";"),
            StmtKind::Break => self.out.push_str("break;"),
            StmtKind::Continue => self.out.push_str("continue;"),
            StmtKind::Block(items) => {
                self.out.push_str("{\n");
                self.level += 1;
                for item in items {
                    self.indent();
                    self.stmt(item);
                    self.out.push('\n');
                }
                self.level -= 1;
                self.indent();
                self.out.push('}');
            }
            StmtKind::If(arms, otherwise) => {
                for (i, (condition, body)) in arms.iter().enumerate() {
                    self.words(if i == 0 { "if (" } else { " else if (" }, *condition, ") ");
                    self.stmt(body);
                }
                if let Some(body) = otherwise {
                    self.out.push_str(" else ");
                    self.stmt(body);
                }
            }
            StmtKind::While(condition, body) => {
                self.words("while (", *condition, ") ");
                self.stmt(body);
            }
            StmtKind::For(parts) => {
                self.out.push_str("for (");
                match &parts.init {
                    Some(ForInit::Declare(declaration)) => self.declaration(declaration),
                    Some(ForInit::Expr(value)) => self.expr(*value),
                    None => {}
                }
                self.out.push(';');
                if let Some(condition) = parts.condition {
                    self.words(" ", condition, "");
                }
                self.out.push(';');
                if let Some(update) = parts.update {
                    self.words(" ", update, "");
                }
                self.out.push_str(") ");
                self.stmt(&parts.body);
            }
        }
    }

    fn declaration(&mut self, declaration: &Declaration) {
        self.name(declaration.class);
        if declaration.array {
            self.out.push_str("[]");
        }
        for (i, (name, value)) in declaration.declarators.iter().enumerate() {
            self.out.push_str(if i == 0 { " " } else { ", " });
            self.name(*name);
            if let Some(value) = value {
                self.words(" = ", *value, "");
            }
        }
    }

    fn name(&mut self, name: NameId) {
        self.out.push_str(self.ast.name(name));
    }

    fn words(&mut self, before: &str, value: ExprId, after: &str) {
        self.out.push_str(before);
        self.expr(value);
        self.out.push_str(after);
    }

    fn list(&mut self, open: &str, values: &[ExprId], close: &str) {
        self.out.push_str(open);
        for (i, value) in values.iter().enumerate() {
            self.words(if i == 0 { "" } else { ", " }, *value, "");
        }
        self.out.push_str(close);
    }

    fn expr(&mut self, id: ExprId) {
        match &self.ast.expr(id).kind {
            ExprKind::Null => self.out.push_str("null"),
            ExprKind::Boolean(truth) => self.out.push_str(if *truth { "true" } else { "false" }),
            ExprKind::Long(number) => self.out.push_str(&number.to_string()),
            ExprKind::Double(number) if number.is_infinite() => self.out.push_str("1.0E999"),
            ExprKind::Double(number) => self.out.push_str(&double_text(*number)),
            ExprKind::Str(text) => self.out.push_str(&quote(text)),
            ExprKind::Name(name) => self.name(*name),
            ExprKind::Paren(inner) => self.words("(", *inner, ")"),
            ExprKind::Unary(ops, operand) => {
                for (i, op) in ops.iter().enumerate() {
                    // `--` and `++` would be one token.
                    if i > 0 && ops[i - 1] == *op && *op != UnOp::Not {
                        self.out.push(' ');
                    }
                    self.out.push_str(op.as_str());
                }
                self.expr(*operand);
            }
            ExprKind::Chain(first, rest) => {
                self.expr(*first);
                for (op, operand) in rest {
                    self.words(&format!(" {} ", op.as_str()), *operand, "");
                }
            }
            ExprKind::Ternary(condition, yes, no) => {
                self.words("", *condition, " ? ");
                self.words("", *yes, " : ");
                self.expr(*no);
            }
            ExprKind::Assign {
                target,
                index,
                op,
                value,
            } => {
                self.name(*target);
                if let Some(index) = index {
                    self.words("[", *index, "]");
                }
                self.words(&format!(" {} ", op.as_str()), *value, "");
            }
            ExprKind::NewArray { class, size } => {
                self.out.push_str("new ");
                self.name(*class);
                self.words("[", *size, "]");
            }
            ExprKind::NewInit { class, elements } => {
                self.out.push_str("new ");
                self.name(*class);
                self.list("[]{", elements, "}");
            }
            ExprKind::NewObject { class, args } => {
                self.out.push_str("new ");
                self.name(*class);
                self.list("(", args, ")");
            }
            ExprKind::Index { .. } | ExprKind::Field { .. } | ExprKind::Call { .. } => {
                self.members(id);
            }
        }
    }

    fn members(&mut self, id: ExprId) {
        let mut members = Vec::new();
        let mut at = id;
        while let ExprKind::Index { base, .. }
        | ExprKind::Field { base, .. }
        | ExprKind::Call { base, .. } = &self.ast.expr(at).kind
        {
            members.push(at);
            at = *base;
        }
        self.expr(at);
        let members = members.into_iter().rev();
        for (i, member) in members.enumerate() {
            let member = &self.ast.expr(member).kind;
            // Digits with a point are a DOUBLE.
            if i == 0
                && matches!(self.ast.expr(at).kind, ExprKind::Long(_))
                && !matches!(member, ExprKind::Index { .. })
            {
                self.out.push('L');
            }
            match member {
                ExprKind::Index { index, .. } => self.words("[", *index, "]"),
                ExprKind::Field { name, .. } => {
                    self.out.push('.');
                    self.name(*name);
                }
                ExprKind::Call { name, args, .. } => {
                    self.out.push('.');
                    self.name(*name);
                    self.list("(", args, ")");
                }
                _ => {}
            }
        }
    }
}

fn quote(units: &[u16]) -> String {
    let mut out = String::from("'");
    for unit in char::decode_utf16(units.iter().copied()) {
        match unit {
            Ok('\n') => out.push_str("\\n"),
            Ok('\t') => out.push_str("\\t"),
            Ok('\r') => out.push_str("\\r"),
            Ok('\u{8}') => out.push_str("\\b"),
            Ok('\u{c}') => out.push_str("\\f"),
            Ok(c @ ('\\' | '\'')) => out.extend(['\\', c]),
            Ok(c) => out.push(c),
            Err(lone) => out.push_str(&format_lone(lone.unpaired_surrogate())),
        }
    }
    out.push('\'');
    out
}

fn format_lone(unit: u16) -> String {
    format!("\\u{unit:04x}")
}
