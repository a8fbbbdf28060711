//! Error kinds, diagnostics of a text, and errors of an evaluation.

use std::fmt;

use crate::{
    excerpt::{excerpt, position},
    value::TypeName,
};

/// What went wrong, in the words of the specification (spec 03 section 0).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Character or token error, such as an unterminated string.
    Lex,
    /// The tokens do not match the grammar.
    Parse,
    /// A text is not a number; also a bad integer literal.
    NumFmt,
    /// Two types must be equal and are not.
    Type,
    /// Bad argument, index type, pattern, date field, gap, escape; over-long program or array.
    Illegal,
    /// A String or DateTime method was found by name and arity but failed.
    Call,
    /// Operation, method, field, class or constructor does not exist for the type.
    Unsupp,
    /// A value of one type was required.
    Cast,
    /// Use of an absent content.
    NullP,
    /// Array index out of range, or operand stack exhausted.
    Index,
    /// Negative array size.
    NegSize,
    /// LONG division by zero, or a day count that does not fit.
    Arith,
    /// Loop, visit, memory, nesting or regular expression limit.
    Limit,
    /// `Util.toJson` of a value that has no JSON form.
    Unprocessable,
    /// Malformed control flow at run time.
    Internal,
    /// The program executed `throw`; the message is the thrown text.
    Thrown,
    /// The type of the result may not leave SEL.
    BadType,
    /// The host gave up waiting.
    Timeout,
    /// An extension function or an input of the host failed.
    Extension,
    /// The host needs time to supply an input or the result of a call: evaluate again later.
    Pending,
    /// The result has a type that may leave SEL but a content that may not, such as a map that contains itself.
    Unconvertible,
}

impl ErrorKind {
    /// The name of the kind as the recorded answers spell it, such as `NUMFMT`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Lex => "LEX",
            Self::Parse => "PARSE",
            Self::NumFmt => "NUMFMT",
            Self::Type => "TYPE",
            Self::Illegal => "ILLEGAL",
            Self::Call => "CALL",
            Self::Unsupp => "UNSUPP",
            Self::Cast => "CAST",
            Self::NullP => "NULLP",
            Self::Index => "INDEX",
            Self::NegSize => "NEGSIZE",
            Self::Arith => "ARITH",
            Self::Limit => "LIMIT",
            Self::Unprocessable => "UNPROCESSABLE",
            Self::Internal => "INTERNAL",
            Self::Thrown => "THROWN",
            Self::BadType => "BADTYPE",
            Self::Timeout => "TIMEOUT",
            Self::Extension => "EXTENSION",
            Self::Pending => "PENDING",
            Self::Unconvertible => "UNCONVERTIBLE",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A part of a program text, as byte offsets of the text that was given to the parser.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    pub(crate) fn new(start: u32, end: u32) -> Self {
        Self {
            start,
            end: end.max(start),
        }
    }

    /// The smallest span that covers both.
    pub(crate) fn to(self, other: Self) -> Self {
        Self::new(self.start.min(other.start), self.end.max(other.end))
    }
}

/// A place in a text for people: both numbers count from 1, columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

/// One fault of a program text, found while parsing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Diagnostic {
    /// LEX, PARSE, NUMFMT, ILLEGAL or LIMIT.
    pub kind: ErrorKind,
    /// What is wrong and how to mend it, without the place.
    pub message: String,
    /// Where.
    pub span: Span,
}

impl Diagnostic {
    pub(crate) fn new(kind: ErrorKind, span: Span, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            span,
        }
    }

    /// The message of the wrapping error as callers of the engine see it when they validate a text (spec 03 SE-5 row 5).
    #[must_use]
    pub fn summary(&self, text: &str) -> String {
        format!("BAD_REQUEST - Expression validator throws an exception for expr=[{text}]")
    }

    /// Line and column of the start.
    #[must_use]
    pub fn position(&self, text: &str) -> Position {
        position(text, self.span.start)
    }

    /// The message with its line of the text and a caret below the place; ends without a line break.
    #[must_use]
    pub fn render(&self, text: &str) -> String {
        render(text, self.span, self.kind, &self.message)
    }
}

/// Why an evaluation gave no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.message)]
pub struct EvalError(Box<Inner>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Inner {
    kind: ErrorKind,
    message: String,
    span: Option<Span>,
    bad_type: Option<TypeName>,
}

impl EvalError {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            span: None,
            bad_type: None,
        }))
    }

    pub(crate) fn bad_type(name: TypeName) -> Self {
        let why = match name {
            TypeName::Void => {
                "the program ends without a value; end it with an expression or `return`"
            }
            TypeName::Null => "the result is null, for instance a name without a value",
            _ => "a result is a STRING, LONG, DOUBLE, BOOLEAN, an array or a MAP",
        };
        let mut error = Self::new(
            ErrorKind::BadType,
            format!("invalid return type [{name}]: {why}"),
        );
        error.0.bad_type = Some(name);
        error
    }

    /// The kind of the failure.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What went wrong; for THROWN exactly the thrown text.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The part of the program that failed, where there is one.
    #[must_use]
    pub fn span(&self) -> Option<Span> {
        self.0.span
    }

    /// For BADTYPE: the type of the result.
    #[must_use]
    pub fn result_type(&self) -> Option<TypeName> {
        self.0.bad_type
    }

    /// Whether the failure is none of the expression's (spec 03 SE-5 row 4): time ran out, or the result is of a type
    /// that may leave SEL with a content that may not.
    #[must_use]
    pub fn is_internal(&self) -> bool {
        matches!(
            self.0.kind,
            ErrorKind::Timeout | ErrorKind::Pending | ErrorKind::Unconvertible
        )
    }

    /// The message of the wrapping error as callers of the engine see it, with the text as it was given (spec 03 SE-5).
    /// The message of this error is its cause.
    #[must_use]
    pub fn summary(&self, text: &str) -> String {
        match self.0.kind {
            ErrorKind::Thrown => format!(
                "Expression throws an error [ERROR: {}] for expr=[{text}]",
                self.0.message
            ),
            ErrorKind::BadType => {
                let name = self.0.bad_type.map_or("VOID", TypeName::as_str);
                format!("Invalid return type [{name}] for expr=[{text}]")
            }
            _ if self.is_internal() => {
                format!(
                    "INTERNAL_ERROR - Expression evaluation is failed with an exception for expr=[{text}]"
                )
            }
            _ => {
                format!("BAD_REQUEST - Expression evaluation throws an exception for expr=[{text}]")
            }
        }
    }

    /// The message with its line of the text and a caret below the place; ends without a line break.
    #[must_use]
    pub fn render(&self, text: &str) -> String {
        match self.0.span {
            Some(span) => render(text, span, self.0.kind, &self.0.message),
            None => format!("{}: {}", self.0.kind, self.0.message),
        }
    }

    /// Sets the place unless an inner expression has set it before.
    #[must_use]
    pub(crate) fn at(mut self, span: Span) -> Self {
        self.0.span.get_or_insert(span);
        self
    }

    /// The same failure as the cause of a failed method call (kind CALL), unless it has to keep its kind.
    pub(crate) fn into_call(self, method: &str, argc: usize) -> Self {
        match self.0.kind {
            ErrorKind::Limit | ErrorKind::Timeout | ErrorKind::Pending | ErrorKind::Extension => {
                self
            }
            _ => Self::new(
                ErrorKind::Call,
                format!("Failed calling method {method}{argc}: {}", self.0.message),
            ),
        }
    }
}

fn render(text: &str, span: Span, kind: ErrorKind, message: &str) -> String {
    format!("{kind}: {message}\n{}", excerpt(text, span))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rendering_points_at_the_place() {
        let text = "x = 1;\n\ty = é + ;\n";
        let at = text.find(" ;").unwrap() as u32 + 1;
        let fault = Diagnostic::new(ErrorKind::Parse, Span::new(at, at + 1), "unexpected `;`");
        assert_eq!(
            fault.position(text),
            Position {
                line: 2,
                column: 10
            }
        );
        assert_eq!(
            fault.render(text),
            "PARSE: unexpected `;`\n --> 2:10\n  |\n2 |     y = é + ;\n  |             ^"
        );
    }

    #[test]
    fn rendering_survives_offsets_beyond_the_text() {
        let fault = Diagnostic::new(ErrorKind::Parse, Span::new(40, 90), "unexpected end");
        assert!(fault.render("é").ends_with('^'));
    }
}
