//! From the syntax tree to the form that is evaluated: names are slots, members are known, costs are summed.

use crate::{
    ast::*,
    error::Span,
    names::{Class, Member, predefined},
    value::Val,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NodeId(pub(crate) u32);

/// A part of one of the lists of [`Code`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    start: u32,
    len: u32,
}

/// An expression. `cost` are its visits (SM-5), counted when it is entered; those of a member when its base is done.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) kind: Kind,
    pub(crate) cost: u32,
    /// What all of it costs, if it is fit for the short way.
    pub(crate) short: Option<ShortCost>,
}

/// The cost of a literal, a name, or an operation over such, all of its parts included.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ShortCost {
    /// Visits (SM-5).
    pub(crate) visits: u32,
    /// Operations, each of which makes a value (SM-6).
    pub(crate) operations: u8,
    /// Slots of the operand stack (SM-1).
    pub(crate) slots: u8,
}

/// Operations in an expression that are worth the look of the short way; few, since a look may be in vain.
const SHORT_OPERATIONS: u8 = 4;

#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    Const(u32),
    Long(i64),
    Name(u32),
    Unary(UnOp, NodeId),
    Binary(BinOp, NodeId, NodeId),
    Chain(NodeId, Run),
    Ternary(NodeId, NodeId, NodeId),
    Assign {
        slot: u32,
        op: AssignOp,
        value: NodeId,
    },
    AssignIndex {
        slot: u32,
        op: AssignOp,
        operands: Run,
    },
    NewArray {
        class: ClassRef,
        size: NodeId,
    },
    NewInit {
        class: ClassRef,
        elements: Run,
    },
    NewObject {
        class: ClassRef,
        args: Run,
    },
    /// A base with members; flat, since a program may have thousands in a row.
    Members(NodeId, Run),
}

/// A class name that was looked up: known, or the number of its name.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ClassRef {
    Known(Class),
    Unknown(u32),
}

#[derive(Debug)]
pub(crate) struct MemberNode {
    pub(crate) kind: MemberKind,
    pub(crate) cost: u32,
    pub(crate) span: Span,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum MemberKind {
    Index(NodeId),
    Field(Member, u32),
    Call(Member, u32, Run),
}

#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) kind: StepKind,
    pub(crate) cost: u32,
    pub(crate) span: Span,
}

#[derive(Debug)]
pub(crate) enum StepKind {
    Declare(DeclareStep),
    Expr(NodeId),
    Block(Vec<Step>),
    If(Vec<(u32, NodeId, Step)>, Option<Box<Step>>),
    While(NodeId, Box<Step>),
    For(Box<ForStep>),
    Break,
    Continue,
    Return(NodeId),
    Throw(NodeId),
    Import,
}

#[derive(Debug)]
pub(crate) struct DeclareStep {
    pub(crate) class: ClassRef,
    pub(crate) array: bool,
    pub(crate) declarators: Vec<(u32, Option<NodeId>)>,
}

#[derive(Debug)]
pub(crate) struct ForStep {
    pub(crate) init_cost: u32,
    pub(crate) init: Option<ForInitStep>,
    pub(crate) condition: Option<NodeId>,
    pub(crate) update_cost: u32,
    pub(crate) update: Option<NodeId>,
    pub(crate) body: Step,
}

#[derive(Debug)]
pub(crate) enum ForInitStep {
    Declare(DeclareStep),
    Expr(NodeId),
}

/// The form that is evaluated. Immutable, thus shared between threads.
#[derive(Debug, Default)]
pub(crate) struct Code {
    pub(crate) steps: Vec<Step>,
    nodes: Vec<Node>,
    spans: Vec<Span>,
    pub(crate) consts: Vec<Val>,
    lists: Vec<NodeId>,
    chains: Vec<(BinOp, NodeId)>,
    members: Vec<MemberNode>,
    /// Every name of the program and its content at the start, if it is predefined.
    pub(crate) names: Vec<(String, Option<Val>)>,
}

impl Code {
    pub(crate) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    pub(crate) fn span(&self, id: NodeId) -> Span {
        self.spans[id.0 as usize]
    }

    pub(crate) fn list(&self, run: Run) -> &[NodeId] {
        &self.lists[run.start as usize..(run.start + run.len) as usize]
    }

    pub(crate) fn chain(&self, run: Run) -> &[(BinOp, NodeId)] {
        &self.chains[run.start as usize..(run.start + run.len) as usize]
    }

    pub(crate) fn members(&self, run: Run) -> &[MemberNode] {
        &self.members[run.start as usize..(run.start + run.len) as usize]
    }

    pub(crate) fn name(&self, slot: u32) -> &str {
        &self.names[slot as usize].0
    }
}

/// Visits of a program before its first item (SM-5).
pub(crate) const PROGRAM_COST: u32 = 1;
const STATEMENT: u32 = 1;
const EXPR: u32 = 1;
const PRIMARY: u32 = 1;
const ASSIGNMENT: u32 = 3;

/// Translates a syntax tree.
pub(crate) fn compile(ast: &Ast) -> Code {
    let names = ast
        .names
        .iter()
        .map(|name| (name.clone(), predefined(name)))
        .collect();
    let mut compiler = Compiler {
        ast,
        code: Code {
            names,
            ..Code::default()
        },
    };
    let imports = ast.imports.iter().map(|_| Step {
        kind: StepKind::Import,
        cost: 1,
        span: Span::default(),
    });
    let mut steps: Vec<Step> = imports.collect();
    steps.extend(ast.items.iter().map(|item| compiler.stmt(item)));
    compiler.code.steps = steps;
    compiler.code
}

struct Compiler<'a> {
    ast: &'a Ast,
    code: Code,
}

fn run(start: usize, end: usize) -> Run {
    Run {
        start: start as u32,
        len: (end - start) as u32,
    }
}

impl Compiler<'_> {
    fn stmt(&mut self, stmt: &Stmt) -> Step {
        let (kind, cost) = match &stmt.kind {
            StmtKind::Declare(declaration) => {
                let (step, cost) = self.declaration(declaration);
                (StepKind::Declare(step), cost)
            }
            StmtKind::Expr(value) => (StepKind::Expr(self.expr(*value, EXPR)), STATEMENT),
            // A block of one statement is that statement.
            StmtKind::Block(items) if items.len() == 1 => {
                let mut only = self.stmt(&items[0]);
                only.cost += STATEMENT + 1;
                return only;
            }
            StmtKind::Block(items) => (
                StepKind::Block(items.iter().map(|item| self.stmt(item)).collect()),
                STATEMENT + 1,
            ),
            StmtKind::If(arms, otherwise) => {
                let arms = arms
                    .iter()
                    .enumerate()
                    .map(|(i, (condition, body))| {
                        let cost = if i == 0 { 0 } else { STATEMENT + 1 };
                        (cost, self.expr(*condition, EXPR), self.stmt(body))
                    })
                    .collect();
                (
                    StepKind::If(
                        arms,
                        otherwise.as_ref().map(|body| Box::new(self.stmt(body))),
                    ),
                    STATEMENT + 1,
                )
            }
            StmtKind::While(condition, body) => (
                StepKind::While(self.expr(*condition, EXPR), Box::new(self.stmt(body))),
                STATEMENT + 1,
            ),
            StmtKind::For(parts) => (StepKind::For(Box::new(self.for_step(parts))), STATEMENT + 1),
            StmtKind::Break => (StepKind::Break, STATEMENT + 1),
            StmtKind::Continue => (StepKind::Continue, STATEMENT + 1),
            StmtKind::Return(value) => (StepKind::Return(self.expr(*value, EXPR)), STATEMENT + 1),
            StmtKind::Throw(value) => (StepKind::Throw(self.expr(*value, EXPR)), STATEMENT + 1),
        };
        Step {
            kind,
            cost,
            span: stmt.span,
        }
    }

    fn for_step(&mut self, parts: &For) -> ForStep {
        let (init, init_cost) = match &parts.init {
            Some(ForInit::Declare(declaration)) => {
                let (step, cost) = self.declaration(declaration);
                (Some(ForInitStep::Declare(step)), 1 + cost)
            }
            Some(ForInit::Expr(value)) => (Some(ForInitStep::Expr(self.expr(*value, 0))), 1),
            None => (None, 1),
        };
        ForStep {
            init_cost,
            init,
            condition: parts.condition.map(|condition| self.expr(condition, EXPR)),
            update_cost: 1,
            update: parts.update.map(|update| self.expr(update, 0)),
            body: self.stmt(&parts.body),
        }
    }

    fn declaration(&mut self, declaration: &Declaration) -> (DeclareStep, u32) {
        let declarators: Vec<_> = declaration
            .declarators
            .iter()
            .map(|(name, value)| (name.0, value.map(|value| self.expr(value, EXPR))))
            .collect();
        let cost = 3 + 2 * declarators.len() as u32;
        (
            DeclareStep {
                class: self.class(declaration.class),
                array: declaration.array,
                declarators,
            },
            cost,
        )
    }

    fn class(&self, name: NameId) -> ClassRef {
        Class::named(self.ast.name(name)).map_or(ClassRef::Unknown(name.0), ClassRef::Known)
    }

    fn constant(&mut self, value: Val) -> Kind {
        self.code.consts.push(value);
        Kind::Const(self.code.consts.len() as u32 - 1)
    }

    fn list(&mut self, values: &[ExprId]) -> Run {
        let nodes: Vec<NodeId> = values.iter().map(|value| self.expr(*value, EXPR)).collect();
        let start = self.code.lists.len();
        self.code.lists.extend(nodes);
        run(start, self.code.lists.len())
    }

    /// `before` are the visits of the positions around the expression.
    fn expr(&mut self, id: ExprId, before: u32) -> NodeId {
        let ast = self.ast;
        let expr = ast.expr(id);
        let (kind, cost) = match &expr.kind {
            ExprKind::Paren(inner) => return self.expr(*inner, before + PRIMARY + EXPR),
            ExprKind::Null => (self.constant(Val::Null), PRIMARY + 1),
            ExprKind::Boolean(truth) => (self.constant(Val::Boolean(*truth)), PRIMARY + 1),
            ExprKind::Long(number) => (Kind::Long(*number), PRIMARY + 1),
            ExprKind::Double(number) => (self.constant(Val::Double(*number)), PRIMARY + 1),
            ExprKind::Str(text) => (self.constant(Val::Str(Some(text.clone()))), PRIMARY + 1),
            ExprKind::Name(name) => (Kind::Name(name.0), PRIMARY + 1),
            ExprKind::Unary(ops, operand) => {
                // From the inside out; the visits of all of them come first.
                let mut node = self.expr(*operand, 0);
                for op in ops.iter().skip(1).rev() {
                    node = self.push(Kind::Unary(*op, node), 0, expr.span);
                }
                (Kind::Unary(ops[0], node), ops.len() as u32)
            }
            ExprKind::Chain(first, rest) => {
                let first = self.expr(*first, 0);
                let rest: Vec<_> = rest
                    .iter()
                    .map(|(op, operand)| (*op, self.expr(*operand, 0)))
                    .collect();
                let cost = rest.len() as u32;
                if let [(op, right)] = rest[..] {
                    (Kind::Binary(op, first, right), cost)
                } else {
                    let start = self.code.chains.len();
                    self.code.chains.extend(rest);
                    (Kind::Chain(first, run(start, self.code.chains.len())), cost)
                }
            }
            ExprKind::Ternary(condition, yes, no) => {
                let condition = self.expr(*condition, 0);
                (
                    Kind::Ternary(condition, self.expr(*yes, EXPR), self.expr(*no, EXPR)),
                    1,
                )
            }
            ExprKind::Assign {
                target,
                index: None,
                op,
                value,
            } => (
                Kind::Assign {
                    slot: target.0,
                    op: *op,
                    value: self.expr(*value, EXPR),
                },
                ASSIGNMENT,
            ),
            ExprKind::Assign {
                target,
                index: Some(index),
                op,
                value,
            } => {
                let operands = self.list(&[*index, *value]);
                (
                    Kind::AssignIndex {
                        slot: target.0,
                        op: *op,
                        operands,
                    },
                    ASSIGNMENT,
                )
            }
            ExprKind::NewArray { class, size } => {
                let class = self.class(*class);
                (
                    Kind::NewArray {
                        class,
                        size: self.expr(*size, EXPR),
                    },
                    PRIMARY + 3,
                )
            }
            ExprKind::NewInit { class, elements } => {
                let class = self.class(*class);
                (
                    Kind::NewInit {
                        class,
                        elements: self.list(elements),
                    },
                    PRIMARY + 3,
                )
            }
            ExprKind::NewObject { class, args } => {
                let class = self.class(*class);
                (
                    Kind::NewObject {
                        class,
                        args: self.list(args),
                    },
                    PRIMARY + 4,
                )
            }
            ExprKind::Index { .. } | ExprKind::Field { .. } | ExprKind::Call { .. } => {
                return self.members(id, before);
            }
        };
        self.push(kind, before + cost, expr.span)
    }

    fn members(&mut self, id: ExprId, before: u32) -> NodeId {
        let ast = self.ast;
        let mut chain = Vec::new();
        let mut at = id;
        while let ExprKind::Index { base, .. }
        | ExprKind::Field { base, .. }
        | ExprKind::Call { base, .. } = &ast.expr(at).kind
        {
            chain.push(at);
            at = *base;
        }
        let base = self.expr(at, before);
        let mut members = Vec::with_capacity(chain.len());
        for member in chain.into_iter().rev() {
            let expr = ast.expr(member);
            let (kind, cost) = match &expr.kind {
                ExprKind::Index { index, .. } => (MemberKind::Index(self.expr(*index, EXPR)), 2),
                ExprKind::Field { name, .. } => {
                    (MemberKind::Field(Member::named(ast.name(*name)), name.0), 2)
                }
                ExprKind::Call { name, args, .. } => {
                    let args = self.list(args);
                    (
                        MemberKind::Call(Member::named(ast.name(*name)), name.0, args),
                        4,
                    )
                }
                _ => continue,
            };
            members.push(MemberNode {
                kind,
                cost,
                span: expr.span,
            });
        }
        let start = self.code.members.len();
        self.code.members.extend(members);
        self.push(
            Kind::Members(base, run(start, self.code.members.len())),
            0,
            ast.expr(id).span,
        )
    }

    fn short(&self, kind: Kind, visits: u32) -> Option<ShortCost> {
        match kind {
            Kind::Long(_) | Kind::Name(_) => Some(ShortCost {
                visits,
                operations: 0,
                slots: 1,
            }),
            Kind::Binary(_, left, right) => {
                let (left, right) = (self.code.node(left).short?, self.code.node(right).short?);
                let operations = 1 + left.operations + right.operations;
                (operations <= SHORT_OPERATIONS).then_some(ShortCost {
                    visits: visits + left.visits + right.visits,
                    operations,
                    slots: left.slots.max(1 + right.slots),
                })
            }
            _ => None,
        }
    }

    fn push(&mut self, kind: Kind, cost: u32, span: Span) -> NodeId {
        let id = NodeId(self.code.nodes.len() as u32);
        let short = self.short(kind, cost);
        self.code.nodes.push(Node { kind, cost, short });
        self.code.spans.push(span);
        id
    }
}
