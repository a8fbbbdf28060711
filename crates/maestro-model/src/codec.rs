//! From the JSON tree to types: paths, faults, lenient scalars, and tables of fields (spec 01 section 1, 04 S-10).
//!
//! Each object type says its JSON form once, as a table (`object!`): names in output order. Reading, the refusal of
//! unknown members and writing follow from it.

use crate::decimal::Decimal;
use crate::json::{Json, Object, Position, SyntaxError, ToJson, Writer};
use crate::{Map, Str};
use std::fmt;
use std::sync::Arc;

/// Why a body could not be read: the place, what is wrong there, and how to mend it (spec 01 JS-11).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonError {
    /// Path of the value, such as `workflow.steps[2].step.transition.successors`; empty for the body itself.
    pub path: String,
    /// Line and column, where the fault is in the text itself.
    pub position: Option<Position>,
    /// What is wrong, with the offending value.
    pub reason: String,
    /// How to mend it.
    pub hint: Option<String>,
    /// Whether the fault is a missing value that the reference reports as a violation, with its path among `errors`
    /// (spec 01 V-25, V-30), rather than as a body that cannot be read.
    pub is_violation: bool,
}

impl JsonError {
    /// Adds how to mend it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "`{}`: ", self.path)?;
        }
        f.write_str(&self.reason)?;
        if let Some(Position { line, column }) = self.position {
            write!(f, " at line {line}, column {column}")?;
        }
        self.hint.iter().try_for_each(|hint| write!(f, "; {hint}"))
    }
}

impl std::error::Error for JsonError {}

impl From<SyntaxError> for JsonError {
    fn from(fault: SyntaxError) -> Self {
        Self {
            path: String::new(),
            position: Some(fault.position),
            reason: fault.reason,
            hint: None,
            is_violation: false,
        }
    }
}

/// The place of a value while it is read: a list on the stack, turned into text only for a fault.
#[derive(Debug, Clone, Copy)]
pub struct At<'a> {
    parent: Option<&'a At<'a>>,
    step: Step<'a>,
    depth: u16,
}

/// Most names and indexes on the way to a param or a step. Ours, and less than what JSON may nest: all that is done with
/// params and loops follows their nesting on the stack. Loops more than ten deep could not run (spec 01 ST-6).
pub const PATH_MAX: u16 = 300;

#[derive(Debug, Clone, Copy)]
enum Step<'a> {
    Root,
    Name(&'a str),
    Index(usize),
}

impl<'a> At<'a> {
    /// The body itself.
    pub const ROOT: At<'static> = At {
        parent: None,
        step: Step::Root,
        depth: 0,
    };

    /// The place of a member.
    pub const fn name(&'a self, name: &'a str) -> At<'a> {
        At {
            parent: Some(self),
            step: Step::Name(name),
            depth: self.depth.saturating_add(1),
        }
    }

    /// The place of an element.
    pub const fn index(&'a self, index: usize) -> At<'a> {
        At {
            parent: Some(self),
            step: Step::Index(index),
            depth: self.depth.saturating_add(1),
        }
    }

    /// Refuses values that are nested too deep to be worked with; see [`PATH_MAX`].
    ///
    /// # Errors
    /// The place is deeper than that.
    pub fn check_depth(&self) -> Result<(), JsonError> {
        if self.depth <= PATH_MAX {
            return Ok(());
        }
        Err(JsonError {
            path: String::new(),
            ..self.fault(format!(
                "params or steps are nested too deep: more than {PATH_MAX} names and indexes"
            ))
        })
    }

    /// A fault at this place.
    pub fn fault(&self, reason: impl Into<String>) -> JsonError {
        JsonError {
            path: self.to_string(),
            position: None,
            reason: reason.into(),
            hint: None,
            is_violation: false,
        }
    }

    /// The fault of a value of the wrong kind.
    pub fn wrong(&self, value: &Json, expected: &str) -> JsonError {
        self.fault(format!("expected {expected}, found {}", shown(value)))
    }
}

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = matches!(
            self.parent,
            Some(At {
                step: Step::Name(_) | Step::Index(_),
                ..
            })
        );
        self.parent.iter().try_for_each(|parent| parent.fmt(f))?;
        match self.step {
            Step::Root => Ok(()),
            Step::Name(name) if inner => write!(f, ".{name}"),
            Step::Name(name) => f.write_str(name),
            Step::Index(index) => write!(f, "[{index}]"),
        }
    }
}

/// A value for a message: its kind, with the text of a short scalar.
fn shown(value: &Json) -> String {
    const LONGEST: usize = 60;
    match value {
        Json::Null => "null".to_owned(),
        Json::Array(_) | Json::Object(_) => value.kind().to_owned(),
        Json::Bool(_) | Json::Number(_) | Json::String(_) => {
            let text = value.to_text();
            match text.char_indices().nth(LONGEST) {
                None => format!("{} `{text}`", value.kind()),
                Some((cut, _)) => format!("{} `{}...`", value.kind(), &text[..cut]),
            }
        }
    }
}

/// A type that is read from JSON.
pub trait FromJson: Sized {
    /// Reads a value that is there.
    ///
    /// # Errors
    /// The first fault in the value.
    fn from_json(json: Json, at: &At<'_>) -> Result<Self, JsonError>;

    /// Reads a value that may be null; some texts mean null for a number or a boolean (spec 01 JS-7a).
    ///
    /// # Errors
    /// The first fault in the value.
    fn from_nullable(json: Json, at: &At<'_>) -> Result<Option<Self>, JsonError> {
        if json == Json::Null {
            Ok(None)
        } else {
            Self::from_json(json, at).map(Some)
        }
    }
}

/// How a member is read: required as `T`, optional as `Option<T>`.
pub trait Field: Sized {
    /// Reads a member that may be missing.
    ///
    /// # Errors
    /// The first fault in the value, or that a required one is missing.
    fn field(json: Option<Json>, at: &At<'_>) -> Result<Self, JsonError>;
}

impl<T: FromJson> Field for Option<T> {
    fn field(json: Option<Json>, at: &At<'_>) -> Result<Self, JsonError> {
        json.map_or(Ok(None), |json| T::from_nullable(json, at))
    }
}

impl<T: FromJson> Field for T {
    fn field(json: Option<Json>, at: &At<'_>) -> Result<Self, JsonError> {
        json.map_or(Ok(None), |json| T::from_nullable(json, at))?
            .ok_or_else(|| {
                at.fault("a value is required here")
                    .hint("add it, it may not be null")
            })
    }
}

/// Reads a body.
///
/// # Errors
/// The first fault, of the text or of a value in it. A missing body and `null` are faults (spec 01 JS-13).
pub fn read<T: FromJson>(body: &[u8]) -> Result<T, JsonError> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(At::ROOT.fault("the request body is missing"));
    }
    T::field(Some(Json::parse(body)?), &At::ROOT)
}

/// The compact JSON of a value.
pub fn to_text(value: &(impl ToJson + ?Sized)) -> String {
    let mut out = Writer::default();
    value.write(&mut out);
    out.into_text()
}

/// The members of an object while it is read.
#[derive(Debug)]
pub struct Members<'a> {
    object: Object,
    at: &'a At<'a>,
}

impl<'a> Members<'a> {
    /// Opens an object.
    ///
    /// # Errors
    /// The value is no object.
    pub fn open(json: Json, at: &'a At<'a>) -> Result<Self, JsonError> {
        if let Json::Object(object) = json {
            Ok(Self { object, at })
        } else {
            Err(at.wrong(&json, "an object"))
        }
    }

    /// Whether a member is given, be it null.
    pub fn has(&self, name: &str) -> bool {
        self.object.get(name).is_some()
    }

    /// Takes a member as it is.
    pub fn raw(&mut self, name: &str) -> Option<Json> {
        self.object.remove(name)
    }

    /// Takes and reads a member.
    ///
    /// # Errors
    /// As [`Field::field`].
    pub fn field<F: Field>(&mut self, name: &str) -> Result<F, JsonError> {
        F::field(self.object.remove(name), &self.at.name(name))
    }

    /// Takes and reads a member whose absence is a violation rather than an unreadable body.
    ///
    /// # Errors
    /// As [`Field::field`].
    pub fn required<T: FromJson>(&mut self, name: &str) -> Result<T, JsonError> {
        self.field::<Option<T>>(name)?.ok_or_else(|| JsonError {
            is_violation: true,
            ..self.at.name(name).fault("may not be null")
        })
    }

    /// Takes and reads a member that may be missing but not null (spec 01 JS-3).
    ///
    /// # Errors
    /// As [`Field::field`], and for a null.
    pub fn unless_null<T: FromJson>(&mut self, name: &str) -> Result<Option<T>, JsonError> {
        let at = self.at.name(name);
        match self.object.remove(name) {
            None => Ok(None),
            Some(json) => T::field(Some(json), &at).map(Some),
        }
    }

    /// Refuses what is left over (spec 01 JS-2).
    ///
    /// # Errors
    /// The first member that is not among the known ones, with the nearest known name.
    pub fn close(self, known: &[&str]) -> Result<(), JsonError> {
        let Some((name, _)) = self.object.iter().next() else {
            return Ok(());
        };
        let fault = self.at.name(name).fault(format!("unknown field `{name}`"));
        Err(match nearest(name, known) {
            Some(near) => fault.hint(format!("did you mean `{near}`?")),
            None => fault.hint(format!("known fields: {}", known.join(", "))),
        })
    }

    /// What is left over, for open objects.
    pub fn rest(self) -> Object {
        self.object
    }
}

/// The known word that is nearest to one that is not known, if any is near.
pub(crate) fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let word = word.to_lowercase();
    let distance = |other: &str| edits(&word, &other.to_lowercase());
    let best = known.iter().copied().min_by_key(|other| distance(other))?;
    (distance(best) <= (word.chars().count() / 3).max(1)).then_some(best)
}

/// Edit distance; words beyond 64 characters are never near.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(65).collect();
    if a.len() > 64 || b.len() > 64 {
        return usize::MAX;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let changed = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row.last().copied().unwrap_or(usize::MAX)
}

/// A word of a closed list in JSON.
pub trait Word: Sized + 'static {
    /// What the word is, for messages: `step type`.
    const WHAT: &'static str;
    /// All words.
    fn words() -> impl Iterator<Item = &'static str>;
    /// Reads a word.
    fn parse(text: &str) -> Option<Self>;
}

/// Reads a word.
pub(crate) fn read_word<T: Word>(json: &Json, at: &At<'_>) -> Result<T, JsonError> {
    let Json::String(text) = json else {
        return Err(at.wrong(json, &format!("the {} as a string", T::WHAT)));
    };
    T::parse(text).ok_or_else(|| unknown_word::<T>(text, at))
}

fn unknown_word<T: Word>(text: &str, at: &At<'_>) -> JsonError {
    let words: Vec<&str> = T::words().collect();
    let fault = at.fault(format!(
        "unknown {} `{}`",
        T::WHAT,
        text.chars().take(60).collect::<String>()
    ));
    match nearest(text, &words) {
        Some(near) => fault.hint(format!("did you mean `{near}`?")),
        None => fault.hint(format!("known: {}", words.join(", "))),
    }
}

/// A text that means null for numbers and booleans (spec 01 JS-7a).
fn means_null(text: &str) -> bool {
    matches!(trim(text), "" | "null")
}

/// Takes off blanks and control characters at both ends, as Java does.
fn trim(text: &str) -> &str {
    text.trim_matches(|c| c <= ' ')
}

impl FromJson for Str {
    fn from_json(json: Json, at: &At<'_>) -> Result<Self, JsonError> {
        match json {
            Json::String(text) => Ok(text.into()),
            Json::Number(number) => Ok(number.as_str().into()),
            Json::Bool(value) => Ok(if value { "true" } else { "false" }.into()),
            Json::Null | Json::Array(_) | Json::Object(_) => Err(at.wrong(&json, "a string")),
        }
    }
}

impl FromJson for i64 {
    fn from_json(json: Json, at: &At<'_>) -> Result<Self, JsonError> {
        Self::from_nullable(json, at).map(Option::unwrap_or_default)
    }

    fn from_nullable(json: Json, at: &At<'_>) -> Result<Option<Self>, JsonError> {
        let value = match &json {
            Json::Null => return Ok(None),
            Json::String(text) if means_null(text) => return Ok(None),
            Json::Number(number) => number
                .as_i64()
                .or_else(|| number.to_decimal().and_then(|d| d.truncate())),
            Json::String(text) => trim(text).parse().ok(),
            Json::Bool(_) | Json::Array(_) | Json::Object(_) => None,
        };
        value
            .map(Some)
            .ok_or_else(|| at.wrong(&json, "an integer of 64 bits"))
    }
}

impl FromJson for i32 {
    fn from_json(json: Json, at: &At<'_>) -> Result<Self, JsonError> {
        Self::from_nullable(json, at).map(Option::unwrap_or_default)
    }

    fn from_nullable(json: Json, at: &At<'_>) -> Result<Option<Self>, JsonError> {
        let fault = at.wrong(&json, "an integer of 32 bits");
        i64::from_nullable(json, at)?
            .map(i32::try_from)
            .transpose()
            .map_err(|_| fault)
    }
}

impl FromJson for bool {
    fn from_json(json: Json, at: &At<'_>) -> Result<Self, JsonError> {
        Self::from_nullable(json, at).map(Option::unwrap_or_default)
    }

    fn from_nullable(json: Json, at: &At<'_>) -> Result<Option<Self>, JsonError> {
        let value = match &json {
            Json::Null => return Ok(None),
            Json::String(text) if means_null(text) => return Ok(None),
            Json::Bool(value) => Some(*value),
            Json::Number(number) if number.is_integer() => {
                Some(number.as_str().bytes().any(|b| (b'1'..=b'9').contains(&b)))
            }
            Json::String(text) => match trim(text) {
                "true" | "True" | "TRUE" => Some(true),
                "false" | "False" | "FALSE" => Some(false),
                _ => None,
            },
            Json::Number(_) | Json::Array(_) | Json::Object(_) => None,
        };
        value
            .map(Some)
            .ok_or_else(|| at.wrong(&json, "true or false"))
    }
}

impl FromJson for Decimal {
    fn from_json(json: Json, at: &At<'_>) -> Result<Self, JsonError> {
        Self::from_nullable(json, at)?.ok_or_else(|| at.fault("a number is required here"))
    }

    fn from_nullable(json: Json, at: &At<'_>) -> Result<Option<Self>, JsonError> {
        let value = match &json {
            Json::Null => return Ok(None),
            Json::String(text) if means_null(text) => return Ok(None),
            Json::Number(number) => number.to_decimal(),
            Json::String(text) => Decimal::parse(trim(text)),
            Json::Bool(_) | Json::Array(_) | Json::Object(_) => None,
        };
        value
            .map(Some)
            .ok_or_else(|| at.wrong(&json, "a decimal number"))
    }
}

impl<T: FromJson> FromJson for Vec<T> {
    fn from_json(json: Json, at: &At<'_>) -> Result<Self, JsonError> {
        let Json::Array(elements) = json else {
            return Err(at.wrong(&json, "an array"));
        };
        elements
            .into_iter()
            .enumerate()
            .map(|(index, element)| T::field(Some(element), &at.index(index)))
            .collect()
    }
}

impl<T: FromJson> FromJson for Map<T> {
    fn from_json(json: Json, at: &At<'_>) -> Result<Self, JsonError> {
        let Json::Object(object) = json else {
            return Err(at.wrong(&json, "an object"));
        };
        let member = |(name, value): (Box<str>, Json)| {
            let value = T::field(Some(value), &at.name(&name))?;
            Ok((Str::from(name), value))
        };
        object.into_iter().map(member).collect()
    }
}

/// Any object, with free-form values.
impl FromJson for Object {
    fn from_json(json: Json, at: &At<'_>) -> Result<Self, JsonError> {
        free_members(Members::open(json, at)?.rest(), at)
    }
}

impl FromJson for Json {
    fn from_json(json: Json, at: &At<'_>) -> Result<Self, JsonError> {
        free_form(json, at)
    }
}

impl<T: FromJson> FromJson for Box<T> {
    fn from_json(json: Json, at: &At<'_>) -> Result<Self, JsonError> {
        T::from_json(json, at).map(Box::new)
    }
}

impl<T: FromJson> FromJson for Arc<T> {
    fn from_json(json: Json, at: &At<'_>) -> Result<Self, JsonError> {
        T::from_json(json, at).map(Arc::new)
    }
}

/// A value of any shape, with numbers in their canonical form (spec 01 JS-8): integers of 64 bits, else doubles.
///
/// # Errors
/// An integer beyond 64 bits, a double that is not finite.
pub fn free_form(json: Json, at: &At<'_>) -> Result<Json, JsonError> {
    use crate::json::Number;
    Ok(match json {
        Json::Number(number) if number.is_integer() => match number.as_i64() {
            Some(value) => Json::from(value),
            None => {
                return Err(at.fault(format!(
                    "the integer `{}` does not fit 64 bits",
                    number.as_str()
                )));
            }
        },
        Json::Number(number) => match Number::from_f64(number.to_f64()) {
            Some(double) => Json::Number(double),
            None => {
                return Err(at.fault(format!(
                    "the number `{}` is beyond the range of a double",
                    number.as_str()
                )));
            }
        },
        Json::Array(elements) => Json::Array(
            elements
                .into_iter()
                .enumerate()
                .map(|(index, json)| free_form(json, &at.index(index)))
                .collect::<Result<_, _>>()?,
        ),
        Json::Object(object) => Json::Object(free_members(object, at)?),
        Json::Null | Json::Bool(_) | Json::String(_) => json,
    })
}

/// The members of an object of any shape.
///
/// # Errors
/// As [`free_form`].
pub fn free_members(object: Object, at: &At<'_>) -> Result<Object, JsonError> {
    let member = |(name, value): (Box<str>, Json)| {
        let value = free_form(value, &at.name(&name))?;
        Ok((name, value))
    };
    object
        .into_iter()
        .map(member)
        .collect::<Result<Vec<_>, _>>()
        .map(Object::from_members)
}

/// Gives an object type its JSON form: a table of its fields in output order.
///
/// `skip null` leaves out absent members, `skip empty` also empty texts, lists and maps (spec 01 JS-4).
macro_rules! object {
    ($name:ident, skip $skip:ident { $($field:ident),+ $(,)? }) => {
        impl $name {
            /// Names of the fields in output order.
            pub(crate) const FIELDS: &[&str] = &[$(stringify!($field)),+];

            /// Takes the fields out of an object.
            pub(crate) fn take(members: &mut $crate::codec::Members<'_>) -> Result<Self, $crate::codec::JsonError> {
                Ok(Self { $($field: members.field(stringify!($field))?,)+ })
            }

            /// Writes the fields into an object.
            pub(crate) fn put(&self, out: &mut $crate::json::ObjectWriter<'_>) {
                $($crate::codec::object!(@member out, $skip, stringify!($field), &self.$field);)+
            }
        }

        impl $crate::codec::FromJson for $name {
            fn from_json(json: $crate::json::Json, at: &$crate::codec::At<'_>) -> Result<Self, $crate::codec::JsonError> {
                let mut members = $crate::codec::Members::open(json, at)?;
                let value = Self::take(&mut members)?;
                members.close(Self::FIELDS)?;
                Ok(value)
            }
        }

        impl $crate::json::ToJson for $name {
            fn write(&self, out: &mut $crate::json::Writer) {
                out.object(|members| self.put(members));
            }
        }
    };
    (@member $members:ident, null, $name:expr, $value:expr) => { $members.member($name, $value) };
    (@member $members:ident, empty, $name:expr, $value:expr) => { $members.filled($name, $value) };
}
pub(crate) use object;
