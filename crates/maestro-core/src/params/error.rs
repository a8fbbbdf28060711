//! What can be wrong with params (spec 02 sections 0 and 27).

use std::fmt;

use maestro_model::Str;
use maestro_sel::{Diagnostic, EvalError};

/// The kinds of errors (spec 02 section 0). They decide the HTTP status; inside of a step they make no difference.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ParamErrorKind {
    /// A rule of params is broken.
    Validation,
    /// An expression cannot be parsed or evaluated.
    BadExpression,
    /// A definition or a number that cannot be.
    IllegalArgument,
    /// Something is missing where it may not be.
    NullReference,
    /// An attribute of the definition cannot be used.
    Unprocessable,
    /// A value is not what the engine needs.
    Internal,
    /// Another failure.
    Unclassified,
    /// Not an error: the evaluation goes on elsewhere, with more time.
    Yield,
}

/// Why params cannot be merged or evaluated.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ParamError {
    /// The kind.
    pub kind: ParamErrorKind,
    /// One sentence that names the param.
    pub message: String,
    /// The expression with a caret under the fault, where it has a place.
    pub excerpt: Option<Box<str>>,
}

impl fmt::Display for ParamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ParamError {}

impl ParamError {
    pub(crate) fn new(kind: ParamErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            excerpt: None,
        }
    }

    pub(crate) fn validation(message: impl Into<String>) -> Self {
        Self::new(ParamErrorKind::Validation, message)
    }

    pub(crate) fn illegal(message: impl Into<String>) -> Self {
        Self::new(ParamErrorKind::IllegalArgument, message)
    }

    pub(crate) fn null(message: impl Into<String>) -> Self {
        Self::new(ParamErrorKind::NullReference, message)
    }

    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::new(ParamErrorKind::Internal, message)
    }

    pub(crate) fn bad_expression(message: impl Into<String>) -> Self {
        Self::new(ParamErrorKind::BadExpression, message)
    }

    /// An expression that cannot be parsed.
    pub(crate) fn unparsable(text: &str, fault: &Diagnostic) -> Self {
        Self {
            kind: ParamErrorKind::BadExpression,
            message: format!("expression `{text}` is not valid: {}", fault.summary(text)),
            excerpt: Some(fault.render(text).into()),
        }
    }

    /// An expression that failed (spec 02 B-4, B-5).
    pub(crate) fn failed(text: &str, error: &EvalError) -> Self {
        Self {
            kind: ParamErrorKind::BadExpression,
            message: format!("expression `{text}` failed: {}", error.summary(text)),
            excerpt: Some(error.render(text).into()),
        }
    }

    /// What it says to people: the sentence, and the excerpt if there is one.
    #[must_use]
    pub fn texts(&self) -> Vec<Box<str>> {
        let mut texts: Vec<Box<str>> = vec![self.to_string().into()];
        texts.extend(self.excerpt.clone());
        texts
    }

    /// Whether the evaluation only needs more time.
    #[must_use]
    pub fn is_yield(&self) -> bool {
        self.kind == ParamErrorKind::Yield
    }

    /// Says which param the error is about, unless it does already.
    pub(crate) fn of(mut self, name: &str) -> Self {
        if !self.is_yield() && !self.message.starts_with("param `") {
            self.message = format!("param `{name}`: {}", self.message);
        }
        self
    }

    /// Says whose param it is.
    #[must_use]
    pub fn in_step(mut self, step: &Str) -> Self {
        if !self.is_yield() {
            self.message = format!("step [{step}]: {}", self.message);
        }
        self
    }
}
