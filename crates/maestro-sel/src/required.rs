//! The names that a program needs from outside (spec 03 section 4).

use std::collections::{BTreeMap, BTreeSet};

use crate::{ast::*, names::predefined};

/// Required names: those whose first event in source order is a reference, without the predefined ones (SV-2, SV-3).
pub(crate) fn required_names(ast: &Ast) -> BTreeSet<String> {
    let mut walk = Walk {
        ast,
        first: BTreeMap::new(),
    };
    ast.items.iter().for_each(|item| walk.stmt(item));
    let needed = walk
        .first
        .into_iter()
        .filter(|(_, event)| *event == Event::Reference)
        .map(|(id, _)| ast.names[id as usize].as_str());
    needed
        .filter(|name| *name == "params" || predefined(name).is_none())
        .map(str::to_owned)
        .collect()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    Reference,
    Target,
}

struct Walk<'a> {
    ast: &'a Ast,
    first: BTreeMap<u32, Event>,
}

impl Walk<'_> {
    fn event(&mut self, name: NameId, event: Event) {
        self.first.entry(name.0).or_insert(event);
    }

    fn declaration(&mut self, declaration: &Declaration) {
        for (name, value) in &declaration.declarators {
            self.event(*name, Event::Target);
            value.iter().for_each(|value| self.expr(*value));
        }
    }

    fn stmt(&mut self, stmt: &Stmt) {
        match &stmt.kind {
            StmtKind::Declare(declaration) => self.declaration(declaration),
            StmtKind::Expr(value) | StmtKind::Return(value) | StmtKind::Throw(value) => {
                self.expr(*value);
            }
            StmtKind::Block(items) => items.iter().for_each(|item| self.stmt(item)),
            StmtKind::If(arms, otherwise) => {
                for (condition, body) in arms {
                    self.expr(*condition);
                    self.stmt(body);
                }
                otherwise.iter().for_each(|body| self.stmt(body));
            }
            StmtKind::While(condition, body) => {
                self.expr(*condition);
                self.stmt(body);
            }
            StmtKind::For(parts) => {
                match &parts.init {
                    Some(ForInit::Declare(declaration)) => self.declaration(declaration),
                    Some(ForInit::Expr(value)) => self.expr(*value),
                    None => {}
                }
                parts
                    .condition
                    .iter()
                    .chain(&parts.update)
                    .for_each(|value| self.expr(*value));
                self.stmt(&parts.body);
            }
            StmtKind::Break | StmtKind::Continue => {}
        }
    }

    fn expr(&mut self, id: ExprId) {
        match &self.ast.expr(id).kind {
            ExprKind::Null
            | ExprKind::Boolean(_)
            | ExprKind::Long(_)
            | ExprKind::Double(_)
            | ExprKind::Str(_) => {}
            ExprKind::Name(name) => self.event(*name, Event::Reference),
            ExprKind::Paren(inner) | ExprKind::Unary(_, inner) => self.expr(*inner),
            ExprKind::Chain(first, rest) => {
                self.expr(*first);
                rest.iter().for_each(|(_, operand)| self.expr(*operand));
            }
            ExprKind::Ternary(condition, yes, no) => [*condition, *yes, *no]
                .into_iter()
                .for_each(|part| self.expr(part)),
            ExprKind::Assign {
                target,
                index,
                value,
                ..
            } => {
                self.event(*target, Event::Target);
                index.iter().for_each(|index| self.expr(*index));
                self.expr(*value);
            }
            ExprKind::NewArray { size, .. } => self.expr(*size),
            ExprKind::NewInit {
                elements: parts, ..
            }
            | ExprKind::NewObject { args: parts, .. } => {
                parts.iter().for_each(|part| self.expr(*part));
            }
            // The base comes first, down to a name or a parenthesis; a long chain of members must not recurse.
            ExprKind::Index { .. } | ExprKind::Field { .. } | ExprKind::Call { .. } => {
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
                for member in members.into_iter().rev() {
                    match &self.ast.expr(member).kind {
                        ExprKind::Index { index, .. } => self.expr(*index),
                        ExprKind::Call { args, .. } => args.iter().for_each(|arg| self.expr(*arg)),
                        _ => {}
                    }
                }
            }
        }
    }
}
