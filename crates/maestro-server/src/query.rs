//! Query strings (spec 04 H-8).

use crate::answer::Fault;
use crate::number;

/// The parameters of a request, decoded, in the order in which they were sent.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads the part behind the question mark. Escapes that are none stay as they are.
    pub(crate) fn parse(raw: &str) -> Self {
        let pair = |pair: &str| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        };
        Self(raw.split('&').filter(|p| !p.is_empty()).map(pair).collect())
    }

    fn first(&self, name: &str) -> Option<&str> {
        let mut found = self.0.iter().filter(|(n, _)| n == name);
        found.next().map(|(_, value)| value.as_str())
    }

    /// A number: absent when empty, the first of several.
    ///
    /// # Errors
    /// It is none: the problem form.
    pub(crate) fn number(&self, name: &'static str) -> Result<Option<i64>, Fault> {
        let Some(text) = self.first(name).filter(|text| !text.is_empty()) else {
            return Ok(None);
        };
        let read = number::lenient(text);
        read.map(Some)
            .ok_or_else(|| Fault::conversion("query parameter", name, text, "a number"))
    }

    /// A number of 32 bits.
    ///
    /// # Errors
    /// As [`Query::number`].
    pub(crate) fn int(&self, name: &'static str) -> Result<Option<i64>, Fault> {
        let number = self.number(name)?;
        if number.is_some_and(|n| i32::try_from(n).is_err()) {
            let text = self.first(name).unwrap_or_default();
            return Err(Fault::conversion(
                "query parameter",
                name,
                text,
                "a number of 32 bits",
            ));
        }
        Ok(number)
    }

    /// A boolean: the default when empty, the first of several.
    ///
    /// # Errors
    /// It is none: the problem form.
    pub(crate) fn flag(&self, name: &'static str, default: bool) -> Result<bool, Fault> {
        let Some(text) = self.first(name) else {
            return Ok(default);
        };
        match text.trim_matches([' ', '\t']).to_ascii_lowercase().as_str() {
            "" => Ok(default),
            "true" | "on" | "yes" | "1" => Ok(true),
            "false" | "off" | "no" | "0" => Ok(false),
            _ => Err(Fault::conversion(
                "query parameter",
                name,
                text,
                "true or false",
            )),
        }
    }

    /// A text: several are joined by commas.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        let found: Vec<&str> = self
            .0
            .iter()
            .filter(|(n, _)| n == name)
            .map(|(_, value)| value.as_str())
            .collect();
        (!found.is_empty()).then(|| found.join(","))
    }
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let raw = text.as_bytes();
    let digit = |at: usize| raw.get(at).and_then(|b| char::from(*b).to_digit(16));
    let mut at = 0;
    while let Some(byte) = raw.get(at) {
        match (byte, digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push(u8::try_from(high * 16 + low).unwrap_or(b'%'));
                at += 2;
            }
            (b'+', ..) => bytes.push(b' '),
            (other, ..) => bytes.push(*other),
        }
        at += 1;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn booleans_have_many_spellings() {
        for (raw, value) in [
            ("e=False", Some(false)),
            ("e=TRUE", Some(true)),
            ("e=+on+", Some(true)),
            ("e=%09no", Some(false)),
            ("e=1", Some(true)),
            ("e=", Some(true)),
            ("e", Some(true)),
            ("E=false", Some(true)),
            ("e=0&e=maybe", Some(false)),
            ("e=maybe", None),
        ] {
            assert_eq!(Query::parse(raw).flag("e", true).ok(), value, "{raw}");
        }
    }

    // [04:70]
    #[test]
    fn an_empty_number_is_absent_and_the_first_of_several_counts() {
        let query = Query::parse("first=&last=2&last=3&c=%2B12&c=x&n=x&big=9999999999");
        assert_eq!(query.number("first").ok(), Some(None));
        assert_eq!(query.number("last").ok(), Some(Some(2)));
        assert_eq!(query.text("c").as_deref(), Some("+12,x"));
        assert_eq!(query.text("d"), None);
        assert!(query.number("n").is_err());
        assert_eq!(query.number("big").ok(), Some(Some(9_999_999_999)));
        assert!(query.int("big").is_err());
    }

    proptest::proptest! {
        #[test]
        fn nothing_panics(raw: String) {
            let _ = Query::parse(&raw);
        }
    }
}
