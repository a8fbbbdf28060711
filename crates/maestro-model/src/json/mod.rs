//! Our own JSON: a tree with exact numbers and ordered members, a strict reader, a writer (spec 04 ER-5a, S-10).
//!
//! `serde_json` cannot keep numbers as written without changing them for the whole workspace, so this is ours: numbers
//! stay raw text and are never expanded, members keep their order, the last of equal keys wins, and the nesting is
//! bounded, which also bounds the stack that reading, writing and dropping a tree needs.

mod double;
mod object;
mod read;
mod write;

pub use double::double_text;
pub use object::Object;
pub use read::{MAX_DEPTH, Position, SyntaxError};
pub use write::{ObjectWriter, RawJson, ToJson, Writer};

use crate::decimal::Decimal;

/// A JSON value.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Json {
    /// `null`.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number as it was written.
    Number(Number),
    /// A text.
    String(Box<str>),
    /// An array.
    Array(Vec<Json>),
    /// An object with its members in order.
    Object(Object),
}

impl Json {
    /// Reads the first JSON value of a body; text after it is ignored (spec 01 JS-13).
    ///
    /// # Errors
    /// Names the place of the first fault: anything that is not strict JSON in UTF-8, more than [`MAX_DEPTH`] levels,
    /// numbers over 1000 characters, and U+0000 or a lone surrogate in a text.
    pub fn parse(body: &[u8]) -> Result<Self, SyntaxError> {
        read::parse(body)
    }

    /// The value as compact JSON text.
    pub fn to_text(&self) -> String {
        write::to_text(self)
    }

    /// What this value is, for messages: `a string`, `null`...
    pub const fn kind(&self) -> &'static str {
        match self {
            Json::Null => "null",
            Json::Bool(_) => "a boolean",
            Json::Number(_) => "a number",
            Json::String(_) => "a string",
            Json::Array(_) => "an array",
            Json::Object(_) => "an object",
        }
    }

    /// The text of a string value.
    pub fn as_str(&self) -> Option<&str> {
        if let Json::String(text) = self {
            Some(text)
        } else {
            None
        }
    }

    /// The members of an object value.
    pub fn as_object(&self) -> Option<&Object> {
        if let Json::Object(object) = self {
            Some(object)
        } else {
            None
        }
    }

    /// The elements of an array value.
    pub fn as_array(&self) -> Option<&[Json]> {
        if let Json::Array(elements) = self {
            Some(elements)
        } else {
            None
        }
    }

    /// The integer of a number that is written without fraction and exponent and fits 64 bits.
    pub fn as_i64(&self) -> Option<i64> {
        if let Json::Number(number) = self {
            number.as_i64()
        } else {
            None
        }
    }

    /// The value of a boolean.
    pub fn as_bool(&self) -> Option<bool> {
        if let Json::Bool(value) = self {
            Some(*value)
        } else {
            None
        }
    }

    /// The value at a path of member names and array indexes such as `/workflow/steps/0` (RFC 6901 without escapes).
    pub fn pointer(&self, path: &str) -> Option<&Json> {
        path.split('/')
            .skip(1)
            .try_fold(self, |value, key| match value {
                Json::Object(object) => object.get(key),
                Json::Array(elements) => elements.get(key.parse::<usize>().ok()?),
                _ => None,
            })
    }
}

impl From<i64> for Json {
    fn from(value: i64) -> Self {
        Json::Number(Number::from(value))
    }
}

impl From<bool> for Json {
    fn from(value: bool) -> Self {
        Json::Bool(value)
    }
}

impl From<&str> for Json {
    fn from(value: &str) -> Self {
        Json::String(value.into())
    }
}

/// A JSON number, kept as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Number(Box<str>);

impl Number {
    /// Of a text that is known to follow the grammar of JSON numbers.
    fn raw(text: &str) -> Self {
        Self(text.into())
    }

    /// The number as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is written without fraction and exponent.
    pub fn is_integer(&self) -> bool {
        !self.0.contains(['.', 'e', 'E'])
    }

    /// The integer, if it is written as one and fits 64 bits.
    pub fn as_i64(&self) -> Option<i64> {
        self.0.parse().ok()
    }

    /// The exact decimal; `None` when its scale is beyond 32 bits.
    pub fn to_decimal(&self) -> Option<Decimal> {
        Decimal::parse(&self.0)
    }

    /// The nearest double, infinite beyond the range.
    pub fn to_f64(&self) -> f64 {
        self.0.parse().unwrap_or(f64::NAN)
    }

    /// The number of a double in the form of Java; `None` if JSON has no number for it.
    pub fn from_f64(value: f64) -> Option<Self> {
        value.is_finite().then(|| Self(double_text(value).into()))
    }
}

impl From<i64> for Number {
    fn from(value: i64) -> Self {
        Self(value.to_string().into())
    }
}

impl From<&Decimal> for Number {
    fn from(value: &Decimal) -> Self {
        Self(value.to_string().into())
    }
}
