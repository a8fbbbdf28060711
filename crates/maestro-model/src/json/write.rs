//! The writer: compact JSON straight into one text.

use super::{Json, Number, Object, double_text};
use crate::Map;
use crate::decimal::Decimal;
use std::sync::Arc;

/// A value with a JSON form.
pub trait ToJson {
    /// Appends the form.
    fn write(&self, out: &mut Writer);

    /// Whether a member with this value is left out where null members are (spec 04 S-3).
    fn is_absent(&self) -> bool {
        false
    }

    /// Whether a member with this value is left out where empty members are, too (spec 01 JS-4).
    fn is_empty(&self) -> bool {
        self.is_absent()
    }
}

/// The form as a text.
pub(crate) fn to_text(value: &(impl ToJson + ?Sized)) -> String {
    let mut out = Writer {
        text: String::new(),
    };
    value.write(&mut out);
    out.text
}

/// A text that is being written.
#[derive(Debug, Default)]
pub struct Writer {
    text: String,
}

impl Writer {
    /// Writes an object: `fill` adds its members.
    pub fn object(&mut self, fill: impl FnOnce(&mut ObjectWriter<'_>)) {
        self.text.push('{');
        let mut members = ObjectWriter {
            out: self,
            first: true,
        };
        fill(&mut members);
        self.text.push('}');
    }

    /// Writes an array of the elements.
    pub fn array<T: ToJson>(&mut self, elements: impl IntoIterator<Item = T>) {
        self.text.push('[');
        for (at, element) in elements.into_iter().enumerate() {
            if at > 0 {
                self.text.push(',');
            }
            element.write(self);
        }
        self.text.push(']');
    }

    /// Writes a text.
    pub fn string(&mut self, text: &str) {
        self.text.push('"');
        // Nearly all texts are plain; looking at all bytes without a branch is the fastest way to know.
        let is_special = |byte: u8| (byte < 0x20) | (byte == b'"') | (byte == b'\\');
        if text.bytes().fold(false, |any, byte| any | is_special(byte)) {
            self.escaped(text);
        } else {
            self.text.push_str(text);
        }
        self.text.push('"');
    }

    fn escaped(&mut self, text: &str) {
        const HEX: &[u8; 16] = b"0123456789ABCDEF";
        let mut plain = 0;
        for (at, byte) in text.bytes().enumerate() {
            let escape = match byte {
                b'"' => "\\\"",
                b'\\' => "\\\\",
                b'\n' => "\\n",
                b'\r' => "\\r",
                b'\t' => "\\t",
                0x08 => "\\b",
                0x0c => "\\f",
                0..=0x1f => "\\u00",
                _ => continue,
            };
            self.text.push_str(&text[plain..at]);
            self.text.push_str(escape);
            if escape == "\\u00" {
                self.text.push(char::from(HEX[usize::from(byte >> 4)]));
                self.text.push(char::from(HEX[usize::from(byte & 15)]));
            }
            plain = at + 1;
        }
        self.text.push_str(&text[plain..]);
    }

    /// Writes a double; what JSON has no number for is written as a text (spec 02 T-4).
    pub fn double(&mut self, value: f64) {
        let text = double_text(value);
        if value.is_finite() {
            self.text.push_str(&text);
        } else {
            self.string(&text);
        }
    }

    /// The text written so far.
    pub fn into_text(self) -> String {
        self.text
    }

    fn number(&mut self, number: std::fmt::Arguments<'_>) {
        // Writing to a text cannot fail.
        let _ = std::fmt::Write::write_fmt(&mut self.text, number);
    }
}

/// Members of an object that is being written.
#[derive(Debug)]
pub struct ObjectWriter<'a> {
    out: &'a mut Writer,
    first: bool,
}

impl ObjectWriter<'_> {
    /// Writes a member whatever its value is.
    pub fn always(&mut self, name: &str, value: &(impl ToJson + ?Sized)) {
        if !self.first {
            self.out.text.push(',');
        }
        self.first = false;
        self.out.string(name);
        self.out.text.push(':');
        value.write(self.out);
    }

    /// Writes a member unless it is absent.
    pub fn member(&mut self, name: &str, value: &(impl ToJson + ?Sized)) {
        if !value.is_absent() {
            self.always(name, value);
        }
    }

    /// Writes all members of an object, nulls included.
    pub fn members(&mut self, object: &Object) {
        object
            .iter()
            .for_each(|(name, value)| self.always(name, value));
    }

    /// Writes a member unless it is absent or empty.
    pub fn filled(&mut self, name: &str, value: &(impl ToJson + ?Sized)) {
        if !value.is_empty() {
            self.always(name, value);
        }
    }
}

/// A text that is JSON already: what a row holds as text is shown without being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RawJson<'a>(pub &'a str);

impl ToJson for RawJson<'_> {
    fn write(&self, out: &mut Writer) {
        out.text.push_str(self.0);
    }

    fn is_empty(&self) -> bool {
        matches!(self.0, "{}" | "[]")
    }
}

impl ToJson for Json {
    fn write(&self, out: &mut Writer) {
        match self {
            Json::Null => out.text.push_str("null"),
            Json::Bool(value) => value.write(out),
            Json::Number(number) => number.write(out),
            Json::String(text) => out.string(text),
            Json::Array(elements) => out.array(elements),
            Json::Object(object) => object.write(out),
        }
    }
}

impl ToJson for Object {
    fn write(&self, out: &mut Writer) {
        out.object(|members| members.members(self));
    }

    fn is_empty(&self) -> bool {
        Object::is_empty(self)
    }
}

impl ToJson for Number {
    fn write(&self, out: &mut Writer) {
        out.text.push_str(self.as_str());
    }
}

impl ToJson for Decimal {
    fn write(&self, out: &mut Writer) {
        out.number(format_args!("{self}"));
    }
}

impl ToJson for i64 {
    fn write(&self, out: &mut Writer) {
        out.text.push_str(itoa::Buffer::new().format(*self));
    }
}

impl ToJson for i32 {
    fn write(&self, out: &mut Writer) {
        out.text.push_str(itoa::Buffer::new().format(*self));
    }
}

impl ToJson for f64 {
    fn write(&self, out: &mut Writer) {
        out.double(*self);
    }
}

impl ToJson for bool {
    fn write(&self, out: &mut Writer) {
        out.text.push_str(if *self { "true" } else { "false" });
    }
}

impl ToJson for str {
    fn write(&self, out: &mut Writer) {
        out.string(self);
    }

    fn is_empty(&self) -> bool {
        str::is_empty(self)
    }
}

impl<T: ToJson + ?Sized> ToJson for &T {
    fn write(&self, out: &mut Writer) {
        (**self).write(out);
    }

    fn is_absent(&self) -> bool {
        (**self).is_absent()
    }

    fn is_empty(&self) -> bool {
        ToJson::is_empty(&**self)
    }
}

impl<T: ToJson + ?Sized> ToJson for Arc<T> {
    fn write(&self, out: &mut Writer) {
        (**self).write(out);
    }

    fn is_empty(&self) -> bool {
        ToJson::is_empty(&**self)
    }
}

impl<T: ToJson + ?Sized> ToJson for Box<T> {
    fn write(&self, out: &mut Writer) {
        (**self).write(out);
    }

    fn is_empty(&self) -> bool {
        ToJson::is_empty(&**self)
    }
}

impl<T: ToJson> ToJson for Option<T> {
    fn write(&self, out: &mut Writer) {
        match self {
            Some(value) => value.write(out),
            None => out.text.push_str("null"),
        }
    }

    fn is_absent(&self) -> bool {
        self.is_none()
    }

    fn is_empty(&self) -> bool {
        self.as_ref().is_none_or(ToJson::is_empty)
    }
}

impl<T: ToJson> ToJson for [T] {
    fn write(&self, out: &mut Writer) {
        out.array(self);
    }

    fn is_empty(&self) -> bool {
        <[T]>::is_empty(self)
    }
}

impl<T: ToJson> ToJson for Vec<T> {
    fn write(&self, out: &mut Writer) {
        out.array(self);
    }

    fn is_empty(&self) -> bool {
        Vec::is_empty(self)
    }
}

impl<T: ToJson> ToJson for Map<T> {
    fn write(&self, out: &mut Writer) {
        out.object(|members| {
            self.iter()
                .for_each(|(name, value)| members.always(name, value));
        });
    }

    fn is_empty(&self) -> bool {
        Map::is_empty(self)
    }
}
