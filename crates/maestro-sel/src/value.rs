//! Values: inside of an evaluation (`Val`), and at the border to the host ([`Value`], [`Output`]).

use std::{fmt, ops::Deref, sync::Arc};

use crate::time::{DateTime, Formatter, Property, Zone};

/// A type name as it shows in errors and results (spec 03 ST-1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(
    missing_docs,
    reason = "the variants are the names of the specification"
)]
pub enum TypeName {
    String,
    Long,
    Double,
    Boolean,
    StringArray,
    LongArray,
    DoubleArray,
    BooleanArray,
    Map,
    DateTime,
    DateTimeZone,
    DateTimeFormatter,
    DateTimeProperty,
    DateTimeDays,
    Uuid,
    Math,
    Util,
    Misc,
    Params,
    Null,
    Void,
}

impl TypeName {
    /// The name in capitals, such as `LONG_ARRAY`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::String => "STRING",
            Self::Long => "LONG",
            Self::Double => "DOUBLE",
            Self::Boolean => "BOOLEAN",
            Self::StringArray => "STRING_ARRAY",
            Self::LongArray => "LONG_ARRAY",
            Self::DoubleArray => "DOUBLE_ARRAY",
            Self::BooleanArray => "BOOLEAN_ARRAY",
            Self::Map => "MAP",
            Self::DateTime => "DATETIME",
            Self::DateTimeZone => "DATETIME_ZONE",
            Self::DateTimeFormatter => "DATETIME_FORMATTER",
            Self::DateTimeProperty => "DATETIME_PROPERTY",
            Self::DateTimeDays => "DATETIME_DAYS",
            Self::Uuid => "UUID",
            Self::Math => "MATH",
            Self::Util => "PRESET_UTIL_FUNCTION",
            Self::Misc => "PRESET_MISC_FUNC_FIELDS",
            Self::Params => "PRESET_PARAMS",
            Self::Null => "NULL",
            Self::Void => "VOID",
        }
    }
}

impl fmt::Display for TypeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A value that the host hands to a program, or gets from one (spec 03 SE-4, SE-8).
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// The host's null; inside of SEL the NULL value. Not allowed inside of a map that goes in.
    Null,
    /// A text.
    String(String),
    /// A 64-bit integer.
    Long(i64),
    /// A double, which may be NaN or infinite.
    Double(f64),
    /// A truth value.
    Boolean(bool),
    /// Texts, which may be null.
    StringArray(Vec<Option<String>>),
    /// Integers.
    LongArray(Vec<i64>),
    /// Doubles.
    DoubleArray(Vec<f64>),
    /// Truth values.
    BooleanArray(Vec<bool>),
    /// Names and values, in order. Maps that come out of SEL are in hash order (spec 03 SF-6).
    Map(Vec<(String, Value)>),
    /// Something of the host that SEL cannot take, with its description: an error when it is used, UNSUPP at the top
    /// and ILLEGAL inside of a map.
    Foreign(String),
}

/// The result of a program before its conversion for the host (spec 03 section 15).
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// A text, or a STRING without content.
    String(Option<String>),
    /// An integer.
    Long(i64),
    /// A double, which may be NaN or infinite.
    Double(f64),
    /// A truth value.
    Boolean(bool),
    /// Texts, which may be absent.
    StringArray(Vec<Option<String>>),
    /// Integers.
    LongArray(Vec<i64>),
    /// Doubles.
    DoubleArray(Vec<f64>),
    /// Truth values.
    BooleanArray(Vec<bool>),
    /// Entries in hash order (spec 03 SF-6), or a MAP without content. A key may be an absent STRING.
    Map(Option<Vec<(Option<String>, Output)>>),
    /// Inside of a map only: an entry whose type may not leave SEL.
    Other(TypeName),
}

impl Output {
    /// The type of the result.
    #[must_use]
    pub fn type_name(&self) -> TypeName {
        match self {
            Self::String(_) => TypeName::String,
            Self::Long(_) => TypeName::Long,
            Self::Double(_) => TypeName::Double,
            Self::Boolean(_) => TypeName::Boolean,
            Self::StringArray(_) => TypeName::StringArray,
            Self::LongArray(_) => TypeName::LongArray,
            Self::DoubleArray(_) => TypeName::DoubleArray,
            Self::BooleanArray(_) => TypeName::BooleanArray,
            Self::Map(_) => TypeName::Map,
            Self::Other(name) => *name,
        }
    }

    /// The host's value (spec 03 SE-4): absent content is null, the key of an absent STRING is `null`.
    ///
    /// # Errors
    /// A map holds an entry that may not leave SEL, at any depth.
    pub fn into_value(self) -> Result<Value, Unconvertible> {
        Ok(match self {
            Self::String(text) => text.map_or(Value::Null, Value::String),
            Self::Long(number) => Value::Long(number),
            Self::Double(number) => Value::Double(number),
            Self::Boolean(truth) => Value::Boolean(truth),
            Self::StringArray(items) => Value::StringArray(items),
            Self::LongArray(items) => Value::LongArray(items),
            Self::DoubleArray(items) => Value::DoubleArray(items),
            Self::BooleanArray(items) => Value::BooleanArray(items),
            Self::Map(None) => Value::Null,
            Self::Map(Some(entries)) => Value::Map(
                entries
                    .into_iter()
                    .map(|(key, entry)| {
                        let key = key.unwrap_or_else(|| "null".to_owned());
                        match entry {
                            Self::Other(name) => Err(Unconvertible { key, name }),
                            entry => Ok((key, entry.into_value()?)),
                        }
                    })
                    .collect::<Result<_, _>>()?,
            ),
            Self::Other(name) => {
                return Err(Unconvertible {
                    key: String::new(),
                    name,
                });
            }
        })
    }
}

/// A map of a result holds an entry of a type that may not leave SEL (spec 03 SE-4).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("map entry `{key}` has type {name}, which cannot leave an expression")]
pub struct Unconvertible {
    /// The key of the entry.
    pub key: String,
    /// Its type.
    pub name: TypeName,
}

/// A text inside of SEL: UTF-16 units, which may hold lone surrogates (spec 03 SL-1). Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Text(Arc<Vec<u16>>);

impl Text {
    pub(crate) fn push(&mut self, units: &[u16]) {
        Arc::make_mut(&mut self.0).extend_from_slice(units);
    }

    /// The text for the world outside: lone surrogates show as `?`.
    pub(crate) fn show(&self) -> String {
        show(&self.0)
    }
}

/// UTF-16 units as a Rust text, lone surrogates as `?`.
pub(crate) fn show(units: &[u16]) -> String {
    char::decode_utf16(units.iter().copied())
        .map(|unit| unit.unwrap_or('?'))
        .collect()
}

/// A text for a message, cut short if it is long: a message must not be as large as what it complains about.
pub(crate) fn show_cut(units: &[u16]) -> String {
    const MOST: usize = 200;
    if units.len() <= MOST {
        return show(units);
    }
    format!("{}…", show(&units[..MOST]))
}

impl Deref for Text {
    type Target = [u16];

    fn deref(&self) -> &[u16] {
        &self.0
    }
}

impl From<Vec<u16>> for Text {
    fn from(units: Vec<u16>) -> Self {
        Self(Arc::new(units))
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(Arc::new(text.encode_utf16().collect()))
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.show())
    }
}

/// A cell of the arena: a place that names, array slots and map entries refer to (spec 03 SX-9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CellId(pub(crate) u32);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ArrayId(pub(crate) u32);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MapId(pub(crate) u32);

/// The element family of an array.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Element {
    String,
    Long,
    Double,
    Boolean,
}

impl Element {
    pub(crate) fn array_type(self) -> TypeName {
        match self {
            Self::String => TypeName::StringArray,
            Self::Long => TypeName::LongArray,
            Self::Double => TypeName::DoubleArray,
            Self::Boolean => TypeName::BooleanArray,
        }
    }

    pub(crate) fn default_value(self) -> Val {
        match self {
            Self::String => Val::Str(None),
            Self::Long => Val::Long(0),
            Self::Double => Val::Double(0.0),
            Self::Boolean => Val::Boolean(false),
        }
    }
}

/// Type and content of a cell. `None` is an absent content.
#[derive(Debug, Clone)]
pub(crate) enum Val {
    Null,
    Long(i64),
    Double(f64),
    Boolean(bool),
    Str(Option<Text>),
    Array(Element, ArrayId),
    Map(Option<MapId>),
    DateTime(Option<DateTime>),
    Zone(Option<Zone>),
    Formatter(Option<Arc<Formatter>>),
    Property(Option<Arc<Property>>),
    Days(Option<i32>),
    Uuid(Option<Arc<[u8; 16]>>),
    Math,
    Util,
    Misc,
    Params,
}

impl Val {
    pub(crate) fn text(text: impl Into<Text>) -> Self {
        Self::Str(Some(text.into()))
    }

    pub(crate) fn type_name(&self) -> TypeName {
        match self {
            Self::Null => TypeName::Null,
            Self::Long(_) => TypeName::Long,
            Self::Double(_) => TypeName::Double,
            Self::Boolean(_) => TypeName::Boolean,
            Self::Str(_) => TypeName::String,
            Self::Array(element, _) => element.array_type(),
            Self::Map(_) => TypeName::Map,
            Self::DateTime(_) => TypeName::DateTime,
            Self::Zone(_) => TypeName::DateTimeZone,
            Self::Formatter(_) => TypeName::DateTimeFormatter,
            Self::Property(_) => TypeName::DateTimeProperty,
            Self::Days(_) => TypeName::DateTimeDays,
            Self::Uuid(_) => TypeName::Uuid,
            Self::Math => TypeName::Math,
            Self::Util => TypeName::Util,
            Self::Misc => TypeName::Misc,
            Self::Params => TypeName::Params,
        }
    }

    /// UUID, `Math`, `Util`, `System` and its like, `params`: types without a text form and without a host value.
    pub(crate) fn is_opaque(&self) -> bool {
        matches!(
            self,
            Self::Uuid(_) | Self::Math | Self::Util | Self::Misc | Self::Params
        )
    }

    /// NULL, or a type with its content absent.
    pub(crate) fn is_absent(&self) -> bool {
        matches!(
            self,
            Self::Null
                | Self::Str(None)
                | Self::Map(None)
                | Self::DateTime(None)
                | Self::Zone(None)
                | Self::Formatter(None)
                | Self::Property(None)
                | Self::Days(None)
                | Self::Uuid(None)
        )
    }
}

/// What an expression yields: an existing cell, whose content is read late (spec 03 SX-10), or a fresh value that nothing
/// else refers to, which becomes a cell only when something keeps it.
#[derive(Debug, Clone)]
pub(crate) enum Operand {
    Cell(CellId),
    Fresh(Val),
}
