//! The syntax tree (spec 03 section 3). Chains are flat lists, so that walking it needs no deep recursion.

use crate::{error::Span, value::Text};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ExprId(pub(crate) u32);

/// A name of the program; bare names, and the same texts as type, method or field names, share one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NameId(pub(crate) u32);

/// A parsed program. Expressions lie in one list and refer to each other by number.
#[derive(Debug, Default)]
pub(crate) struct Ast {
    pub(crate) names: Vec<String>,
    pub(crate) exprs: Vec<Expr>,
    pub(crate) imports: Vec<Import>,
    pub(crate) items: Vec<Stmt>,
}

impl Ast {
    pub(crate) fn expr(&self, id: ExprId) -> &Expr {
        &self.exprs[id.0 as usize]
    }

    pub(crate) fn name(&self, id: NameId) -> &str {
        &self.names[id.0 as usize]
    }
}

#[derive(Debug, PartialEq)]
pub(crate) struct Import {
    pub(crate) is_static: bool,
    pub(crate) path: Vec<NameId>,
    pub(crate) wildcard: bool,
}

#[derive(Debug)]
pub(crate) struct Expr {
    pub(crate) kind: ExprKind,
    pub(crate) span: Span,
}

#[derive(Debug)]
pub(crate) enum ExprKind {
    Null,
    Boolean(bool),
    Long(i64),
    Double(f64),
    Str(Text),
    Name(NameId),
    Paren(ExprId),
    /// Operators from the outside in.
    Unary(Vec<UnOp>, ExprId),
    /// Operators of one level of precedence, from left to right.
    Chain(ExprId, Vec<(BinOp, ExprId)>),
    Ternary(ExprId, ExprId, ExprId),
    Assign {
        target: NameId,
        index: Option<ExprId>,
        op: AssignOp,
        value: ExprId,
    },
    NewArray {
        class: NameId,
        size: ExprId,
    },
    NewInit {
        class: NameId,
        elements: Vec<ExprId>,
    },
    NewObject {
        class: NameId,
        args: Vec<ExprId>,
    },
    Index {
        base: ExprId,
        index: ExprId,
    },
    Field {
        base: ExprId,
        name: NameId,
    },
    Call {
        base: ExprId,
        name: NameId,
        args: Vec<ExprId>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UnOp {
    Plus,
    Minus,
    Not,
}

impl UnOp {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Plus => "+",
            Self::Minus => "-",
            Self::Not => "!",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BinOp {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    Greater,
    LessEqual,
    GreaterEqual,
    Add,
    Sub,
    Mul,
    Div,
    Rem,
}

impl BinOp {
    /// From 0, the weakest (`||`), to 5.
    pub(crate) fn level(self) -> u8 {
        match self {
            Self::Or => 0,
            Self::And => 1,
            Self::Equal | Self::NotEqual => 2,
            Self::Less | Self::Greater | Self::LessEqual | Self::GreaterEqual => 3,
            Self::Add | Self::Sub => 4,
            Self::Mul | Self::Div | Self::Rem => 5,
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Or => "||",
            Self::And => "&&",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::Greater => ">",
            Self::LessEqual => "<=",
            Self::GreaterEqual => ">=",
            Self::Add => "+",
            Self::Sub => "-",
            Self::Mul => "*",
            Self::Div => "/",
            Self::Rem => "%",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "||" => Self::Or,
            "&&" => Self::And,
            "==" => Self::Equal,
            "!=" => Self::NotEqual,
            "<" => Self::Less,
            ">" => Self::Greater,
            "<=" => Self::LessEqual,
            ">=" => Self::GreaterEqual,
            "+" => Self::Add,
            "-" => Self::Sub,
            "*" => Self::Mul,
            "/" => Self::Div,
            "%" => Self::Rem,
            _ => return None,
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AssignOp {
    Set,
    Add,
    Sub,
    Mul,
    Div,
    Rem,
}

impl AssignOp {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Set => "=",
            Self::Add => "+=",
            Self::Sub => "-=",
            Self::Mul => "*=",
            Self::Div => "/=",
            Self::Rem => "%=",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "=" => Self::Set,
            "+=" => Self::Add,
            "-=" => Self::Sub,
            "*=" => Self::Mul,
            "/=" => Self::Div,
            "%=" => Self::Rem,
            _ => return None,
        })
    }
}

#[derive(Debug)]
pub(crate) struct Stmt {
    pub(crate) kind: StmtKind,
    pub(crate) span: Span,
}

#[derive(Debug)]
pub(crate) enum StmtKind {
    Declare(Declaration),
    Expr(ExprId),
    Block(Vec<Stmt>),
    /// `if`, then every `else if`, then the `else`.
    If(Vec<(ExprId, Stmt)>, Option<Box<Stmt>>),
    While(ExprId, Box<Stmt>),
    For(Box<For>),
    Break,
    Continue,
    Return(ExprId),
    Throw(ExprId),
}

#[derive(Debug)]
pub(crate) struct Declaration {
    pub(crate) class: NameId,
    pub(crate) array: bool,
    pub(crate) declarators: Vec<(NameId, Option<ExprId>)>,
}

#[derive(Debug)]
pub(crate) struct For {
    pub(crate) init: Option<ForInit>,
    pub(crate) condition: Option<ExprId>,
    pub(crate) update: Option<ExprId>,
    pub(crate) body: Stmt,
}

#[derive(Debug)]
pub(crate) enum ForInit {
    Declare(Declaration),
    Expr(ExprId),
}
