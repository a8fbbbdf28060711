//! Params: what is declared (definitions) and what came out (instances) (spec 02 sections 1-6).

mod codec;
mod meta;
mod value;

pub(crate) use codec::exactly_one_body;
pub use meta::{Meta, MetaFault};
pub use value::{EvaluatedValue, ParamValue};

use crate::definition::TagList;
use crate::text_enum::text_enum;
use crate::{Map, Str};

/// Declared params by name, in order (spec 01 section 3).
pub type ParamMap = Map<ParamDefinition>;

/// Params of a run or a step by name, in order (spec 02 section 3).
pub type Params = Map<Param>;

text_enum! {
    /// The type of a param (spec 02 T-1).
    pub enum ParamType as "param type" {
        /// Text.
        String = "STRING",
        /// Integer of 64 bits.
        Long = "LONG",
        /// Decimal number; evaluates to a double.
        Double = "DOUBLE",
        /// True or false.
        Boolean = "BOOLEAN",
        /// Names with texts.
        StringMap = "STRING_MAP",
        /// Texts.
        StringArray = "STRING_ARRAY",
        /// Integers.
        LongArray = "LONG_ARRAY",
        /// Decimal numbers.
        DoubleArray = "DOUBLE_ARRAY",
        /// Truth values.
        BooleanArray = "BOOLEAN_ARRAY",
        /// Names with params.
        Map = "MAP",
    }
}

text_enum! {
    /// Who may change a param when (spec 02 M-1), from weak to strong.
    pub enum ParamMode as "param mode" {
        /// Changeable at any stage; what counts when nothing is said.
        Mutable = "MUTABLE",
        /// Changeable at start and restart.
        MutableOnStartRestart = "MUTABLE_ON_START_RESTART",
        /// Changeable at start.
        MutableOnStart = "MUTABLE_ON_START",
        /// Never changeable; evaluated again at a restart.
        Immutable = "IMMUTABLE",
        /// Never changeable; keeps its result.
        Constant = "CONSTANT",
    }
}

text_enum! {
    /// The role that the system gives a param (spec 02 M-2).
    pub enum InternalMode as "internal mode" {
        /// Must have a value in the end.
        Required = "REQUIRED",
        /// Dropped if it has no value in the end.
        Optional = "OPTIONAL",
        /// Has a value from the system.
        Provided = "PROVIDED",
        /// Not for users.
        Reserved = "RESERVED",
    }
}

text_enum! {
    /// The stage that set a param last (spec 02 M-5).
    pub enum ParamSource as "param source" {
        /// Carried over from an earlier run.
        System = "SYSTEM",
        /// A job template.
        TemplateSchema = "TEMPLATE_SCHEMA",
        /// Injected by the system; never produced (spec 02 M-6).
        SystemInjected = "SYSTEM_INJECTED",
        /// The bundled defaults.
        SystemDefault = "SYSTEM_DEFAULT",
        /// The pushed definition.
        Definition = "DEFINITION",
        /// A signal; never produced (spec 02 M-6).
        Signal = "SIGNAL",
        /// A time trigger; never produced (spec 02 M-6).
        TimeTrigger = "TIME_TRIGGER",
        /// Output of a job.
        OutputParameter = "OUTPUT_PARAMETER",
        /// A start request.
        Launch = "LAUNCH",
        /// A restart request.
        Restart = "RESTART",
        /// The parent step of a sub-workflow.
        Subworkflow = "SUBWORKFLOW",
        /// A template step.
        Template = "TEMPLATE",
        /// A foreach step.
        Foreach = "FOREACH",
        /// A while step.
        While = "WHILE",
        /// A workflow param over a param of a template.
        WorkflowParameter = "WORKFLOW_PARAMETER",
    }
}

impl ParamSource {
    /// Whether the stage belongs to the system, which may change any mode (spec 02 M-5).
    pub const fn is_system(self) -> bool {
        matches!(
            self,
            Self::System | Self::TemplateSchema | Self::SystemInjected | Self::SystemDefault
        )
    }
}

/// A declared param. Its name is its key in the enclosing map (spec 02 J-3).
#[derive(Debug, Clone, PartialEq)]
pub struct ParamDefinition {
    /// The literal or the expression, with the type.
    pub body: ParamBody,
    /// Free rule text; stored and echoed, never executed.
    pub validator: Option<Str>,
    /// Tags. Absent and empty are two things on output.
    pub tags: Option<TagList>,
    /// Who may change it when; [`ParamMode::Mutable`] when nothing is said.
    pub mode: Option<ParamMode>,
    /// Further members, among them source and internal mode (spec 02 J-2).
    pub meta: Meta,
}

impl ParamDefinition {
    /// A param without anything but its body.
    pub fn new(body: ParamBody) -> Self {
        Self {
            body,
            validator: None,
            tags: None,
            mode: None,
            meta: Meta::default(),
        }
    }

    /// A literal without anything else.
    pub fn literal(value: ParamValue) -> Self {
        Self::new(ParamBody::Literal {
            value,
            expression: None,
        })
    }

    /// An expression without anything else.
    pub fn expression(ty: ParamType, text: impl Into<Str>) -> Self {
        Self::new(ParamBody::Expression {
            ty,
            text: text.into(),
        })
    }

    /// The type.
    pub fn ty(&self) -> ParamType {
        self.body.ty()
    }

    /// The literal; `None` for an expression (spec 02 section 0).
    pub fn value(&self) -> Option<&ParamValue> {
        self.body.value()
    }

    /// The nested definitions of a literal `MAP`.
    pub fn entries(&self) -> Option<&ParamMap> {
        match self.value()? {
            ParamValue::Map(entries) => Some(entries),
            _ => None,
        }
    }
}

/// What a param holds before it is evaluated.
#[derive(Debug, Clone, PartialEq)]
pub enum ParamBody {
    /// A value.
    Literal {
        /// The value; its kind is the type.
        value: ParamValue,
        /// An expression that was given beside it, without effect: only where both are not refused (spec 01 PD-8).
        expression: Option<Str>,
    },
    /// SEL text that yields the value.
    Expression {
        /// The declared type.
        ty: ParamType,
        /// The SEL text.
        text: Str,
    },
    /// Neither: allowed in nested entries and in defaults, which fail or are dropped later (spec 02 J-7, K-4).
    Unset(ParamType),
}

impl ParamBody {
    /// The type.
    pub fn ty(&self) -> ParamType {
        match self {
            ParamBody::Literal { value, .. } => value.ty(),
            ParamBody::Expression { ty, .. } | ParamBody::Unset(ty) => *ty,
        }
    }

    /// The literal.
    pub fn value(&self) -> Option<&ParamValue> {
        match self {
            ParamBody::Literal { value, .. } => Some(value),
            ParamBody::Expression { .. } | ParamBody::Unset(_) => None,
        }
    }

    /// The SEL text, with or without effect.
    pub fn expression(&self) -> Option<&Str> {
        match self {
            ParamBody::Literal { expression, .. } => expression.as_ref(),
            ParamBody::Expression { text, .. } => Some(text),
            ParamBody::Unset(_) => None,
        }
    }
}

/// A param of a run or a step (spec 02 section 3).
#[derive(Debug, Clone, PartialEq)]
pub struct Param {
    /// What was declared, after merging.
    pub definition: ParamDefinition,
    /// The result, once evaluated.
    pub evaluated: Option<Evaluated>,
}

impl Param {
    /// A param that is still to be evaluated.
    pub fn unevaluated(definition: ParamDefinition) -> Self {
        Self {
            definition,
            evaluated: None,
        }
    }

    /// The result, once evaluated.
    pub fn result(&self) -> Option<&EvaluatedValue> {
        self.evaluated.as_ref().map(|evaluated| &evaluated.result)
    }
}

/// The result of a param.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluated {
    /// The value.
    pub result: EvaluatedValue,
    /// When it was evaluated, in epoch milliseconds.
    pub time: i64,
}
