//! The strict reader (RFC 8259, spec 04 ER-5a).

use super::{Json, Number, Object};
use crate::decimal::MAX_NUMBER_CHARS;

/// The deepest nesting of arrays and objects that is read.
pub const MAX_DEPTH: usize = 1000;

/// A place in a text, both counted from 1; the column counts characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Line.
    pub line: usize,
    /// Character in the line.
    pub column: usize,
}

/// Why a text is not JSON.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason} at line {}, column {}", position.line, position.column)]
pub struct SyntaxError {
    /// What is wrong, and what was expected.
    pub reason: String,
    /// Where it is.
    pub position: Position,
    /// The same in bytes from the start of the body.
    pub offset: usize,
}

pub(super) fn parse(body: &[u8]) -> Result<Json, SyntaxError> {
    let skipped = if body.starts_with(b"\xEF\xBB\xBF") {
        3
    } else {
        0
    };
    let text = match std::str::from_utf8(body) {
        Ok(text) => text,
        Err(fault) => {
            let valid = std::str::from_utf8(&body[..fault.valid_up_to()]).unwrap_or_default();
            return Err(Reader {
                text: valid,
                at: valid.len(),
            }
            .fault("bytes that are not UTF-8"));
        }
    };
    let mut reader = Reader { text, at: skipped };
    reader.skip_blanks();
    reader.value(0)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn value(&mut self, depth: usize) -> Result<Json, SyntaxError> {
        match self.peek() {
            Some(b'{') => self.object(depth + 1),
            Some(b'[') => self.array(depth + 1),
            Some(b'"') => Ok(Json::String(self.string()?)),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Json::Bool(true)),
            Some(b'f') => self.word("false", Json::Bool(false)),
            Some(b'n') => self.word("null", Json::Null),
            Some(_) => Err(self.unexpected("a JSON value")),
            None => Err(self.fault("unexpected end of the text, expected a JSON value")),
        }
    }

    fn object(&mut self, depth: usize) -> Result<Json, SyntaxError> {
        self.enter(depth)?;
        let mut members = Vec::new();
        if self.closes(b'}') {
            return Ok(Json::Object(Object::new()));
        }
        loop {
            if self.peek() != Some(b'"') {
                return Err(self.unexpected("a member name in double quotes"));
            }
            let name = self.string()?;
            self.skip_blanks();
            if self.peek() != Some(b':') {
                return Err(self.unexpected("`:`"));
            }
            self.at += 1;
            self.skip_blanks();
            members.push((name, self.value(depth)?));
            if self.ends_list(b'}', "`,` or `}`")? {
                return Ok(Json::Object(Object::from_members(members)));
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<Json, SyntaxError> {
        self.enter(depth)?;
        let mut elements = Vec::new();
        if self.closes(b']') {
            return Ok(Json::Array(elements));
        }
        loop {
            elements.push(self.value(depth)?);
            if self.ends_list(b']', "`,` or `]`")? {
                elements.shrink_to_fit();
                return Ok(Json::Array(elements));
            }
        }
    }

    fn enter(&mut self, depth: usize) -> Result<(), SyntaxError> {
        if depth > MAX_DEPTH {
            return Err(self.fault(&format!("more than {MAX_DEPTH} levels of nesting")));
        }
        self.at += 1;
        self.skip_blanks();
        Ok(())
    }

    fn closes(&mut self, close: u8) -> bool {
        let closes = self.peek() == Some(close);
        self.at += usize::from(closes);
        closes
    }

    /// After an element: whether the list ends here; else the next element follows.
    fn ends_list(&mut self, close: u8, expected: &str) -> Result<bool, SyntaxError> {
        self.skip_blanks();
        if self.closes(close) {
            return Ok(true);
        }
        if self.peek() != Some(b',') {
            return Err(self.unexpected(expected));
        }
        self.at += 1;
        self.skip_blanks();
        Ok(false)
    }

    fn string(&mut self) -> Result<Box<str>, SyntaxError> {
        self.at += 1;
        let start = self.at;
        let plain = self
            .rest()
            .iter()
            .position(|b| matches!(b, b'"' | b'\\' | 0..=0x1f));
        self.at += plain.unwrap_or(self.text.len() - start);
        if self.peek() == Some(b'"') {
            let text = self.text[start..self.at].into();
            self.at += 1;
            return Ok(text);
        }
        let mut text = self.text[start..self.at].to_owned();
        loop {
            let run = self
                .rest()
                .iter()
                .position(|b| matches!(b, b'"' | b'\\' | 0..=0x1f));
            let end = self.at + run.unwrap_or(self.text.len() - self.at);
            text.push_str(&self.text[self.at..end]);
            self.at = end;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(text.into());
                }
                Some(b'\\') => text.push(self.escape()?),
                Some(_) => {
                    return Err(self.fault(
                        "a control character in a text; write it as an escape such as `\\n`",
                    ));
                }
                None => return Err(self.fault("unexpected end of the text, expected `\"`")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, SyntaxError> {
        let start = self.at;
        let Some(kind) = self.text.as_bytes().get(start + 1).copied() else {
            return Err(self.fault("unexpected end of the text after `\\`"));
        };
        self.at += 2;
        let character = match kind {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode(start),
            _ => {
                self.at = start;
                return Err(self.fault(
                    "an unknown escape; JSON knows \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX",
                ));
            }
        };
        Ok(character)
    }

    fn unicode(&mut self, start: usize) -> Result<char, SyntaxError> {
        let first = self.hex()?;
        let code = match first {
            0xD800..=0xDBFF if self.rest().starts_with(b"\\u") => {
                self.at += 2;
                match self.hex()? {
                    low @ 0xDC00..=0xDFFF => 0x10000 + ((first - 0xD800) << 10) + (low - 0xDC00),
                    _ => first,
                }
            }
            _ => first,
        };
        match char::from_u32(code) {
            Some('\0') => {
                self.at = start;
                Err(self.fault("the character U+0000, which no text may hold"))
            }
            Some(character) => Ok(character),
            None => {
                self.at = start;
                Err(self.fault("half of a surrogate pair"))
            }
        }
    }

    fn hex(&mut self) -> Result<u32, SyntaxError> {
        let digits = self
            .rest()
            .get(..4)
            .filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        let code = digits
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|d| u32::from_str_radix(d, 16).ok());
        let code =
            code.ok_or_else(|| self.fault("expected four hexadecimal digits after `\\u`"))?;
        self.at += 4;
        Ok(code)
    }

    fn number(&mut self) -> Result<Json, SyntaxError> {
        let start = self.at;
        self.at += usize::from(self.peek() == Some(b'-'));
        let leading_zero = self.peek() == Some(b'0');
        if self.digits() == 0 {
            return Err(self.unexpected("a digit"));
        }
        if leading_zero && self.at - start > 1 + usize::from(self.text.as_bytes()[start] == b'-') {
            self.at = start;
            return Err(self.fault("a number with a leading zero"));
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            if self.digits() == 0 {
                return Err(self.unexpected("a digit after the point"));
            }
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            self.at += usize::from(matches!(self.peek(), Some(b'+' | b'-')));
            if self.digits() == 0 {
                return Err(self.unexpected("a digit of the exponent"));
            }
        }
        if self.at - start > MAX_NUMBER_CHARS {
            self.at = start;
            return Err(self.fault(&format!(
                "a number of more than {MAX_NUMBER_CHARS} characters"
            )));
        }
        if !self.at_token_end() {
            return Err(self.unexpected("the end of the number"));
        }
        Ok(Json::Number(Number::raw(&self.text[start..self.at])))
    }

    fn digits(&mut self) -> usize {
        let count = self
            .rest()
            .iter()
            .take_while(|b| b.is_ascii_digit())
            .count();
        self.at += count;
        count
    }

    fn word(&mut self, word: &str, value: Json) -> Result<Json, SyntaxError> {
        if !self.rest().starts_with(word.as_bytes()) {
            return Err(self.unexpected("a JSON value"));
        }
        self.at += word.len();
        if self.at_token_end() {
            Ok(value)
        } else {
            Err(self.unexpected("the end of the word"))
        }
    }

    fn at_token_end(&self) -> bool {
        self.peek().is_none_or(|b| {
            matches!(
                b,
                b' ' | b'\t' | b'\n' | b'\r' | b',' | b'}' | b']' | b':' | b'"' | b'{' | b'['
            )
        })
    }

    fn skip_blanks(&mut self) {
        self.at += self
            .rest()
            .iter()
            .take_while(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r'))
            .count();
    }

    fn rest(&self) -> &[u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn unexpected(&self, expected: &str) -> SyntaxError {
        match self
            .text
            .get(self.at..)
            .and_then(|rest| rest.chars().next())
        {
            Some(found) => self.fault(&format!(
                "unexpected `{}`, expected {expected}",
                found.escape_debug()
            )),
            None => self.fault(&format!("unexpected end of the text, expected {expected}")),
        }
    }

    fn fault(&self, reason: &str) -> SyntaxError {
        let before = self.text.get(..self.at).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        SyntaxError {
            reason: reason.to_owned(),
            position: Position {
                line: before.bytes().filter(|b| *b == b'\n').count() + 1,
                column: before[line_start..].chars().count() + 1,
            },
            offset: self.at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn refused(text: &str) -> String {
        match Json::parse(text.as_bytes()) {
            Ok(value) => panic!("{text} was read as {value:?}"),
            Err(fault) => fault.to_string(),
        }
    }

    #[test]
    fn only_strict_json_is_read() {
        for text in [
            "",
            " ",
            "{",
            "[1,]",
            "{\"a\":1,}",
            "{'a':1}",
            "{a:1}",
            "// c\n1",
            "/* c */1",
            "01",
            "-01",
            "1.",
            ".5",
            "+1",
            "1e",
            "NaN",
            "Infinity",
            "-",
            "tru",
            "truex",
            "1x",
            "\"a\tb\"",
            "\"\\x\"",
            "\"\\u12\"",
            "\u{a0}1",
            "\"a",
            "[1 2]",
            "{\"a\" 1}",
            "0x10",
        ] {
            refused(text);
        }
        assert!(Json::parse(b"\"\xff\"").is_err());
    }

    #[test]
    fn what_is_tolerated_is_read() {
        for (text, out) in [
            ("\u{feff}{}", "{}"),
            (" [1 , 2]\r\n\t", "[1,2]"),
            ("{} trailing", "{}"),
            ("{\"a\":1,\"b\":2,\"a\":3}", "{\"a\":3,\"b\":2}"),
            ("1e999999999", "1e999999999"),
            ("-0.00", "-0.00"),
            ("\"\\u00e9\\ud83d\\ude00\\n\\/\"", "\"\u{e9}\u{1f600}\\n/\""),
            (
                "12345678901234567890.1234567890",
                "12345678901234567890.1234567890",
            ),
        ] {
            assert_eq!(
                Json::parse(text.as_bytes()).map(|v| v.to_text()).as_deref(),
                Ok(out)
            );
        }
    }

    #[test]
    fn nul_and_lone_surrogates_are_refused() {
        for text in [
            "\"\\u0000\"",
            "\"\\ud800\"",
            "\"\\udc00\"",
            "\"\\ud800\\u0041\"",
            "\"\\ud800x\"",
            "{\"a\\u0000\":1}",
        ] {
            refused(text);
        }
        assert!(Json::parse(b"\"\x00\"").is_err());
    }

    #[test]
    fn faults_name_their_place() {
        assert_eq!(
            refused("{\n  \"\u{e9}\": tru\n}"),
            "unexpected `t`, expected a JSON value at line 2, column 8"
        );
        assert_eq!(
            refused("[1,"),
            "unexpected end of the text, expected a JSON value at line 1, column 4"
        );
    }

    #[test]
    fn nesting_is_bounded_and_fits_a_small_stack() {
        let nest = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
        let run = move || {
            let value = Json::parse(nest(MAX_DEPTH).as_bytes()).expect("1000 levels are read");
            assert_eq!(value.to_text(), nest(MAX_DEPTH));
            drop(value.clone());
            assert!(Json::parse(nest(MAX_DEPTH + 1).as_bytes()).is_err());
            assert!(Json::parse("[".repeat(10_000_000).as_bytes()).is_err());
        };
        std::thread::Builder::new()
            .stack_size(512 * 1024)
            .spawn(run)
            .expect("a thread")
            .join()
            .expect("no overflow");
    }

    #[test]
    fn long_numbers_are_refused() {
        assert!(Json::parse("1".repeat(1000).as_bytes()).is_ok());
        refused(&"1".repeat(1001));
    }

    #[test]
    fn many_equal_keys_are_merged_in_linear_time() {
        let members: Vec<String> = (0..100_000)
            .map(|n| format!("\"k{}\":{n}", n % 50_000))
            .collect();
        let value =
            Json::parse(format!("{{{}}}", members.join(",")).as_bytes()).expect("an object");
        let object = value.as_object().expect("an object");
        assert_eq!(object.len(), 50_000);
        assert_eq!(object.get("k0").and_then(Json::as_i64), Some(50_000));
    }

    pub(crate) fn any_json() -> impl Strategy<Value = Json> {
        let number = "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,9})?([eE][+-]?[0-9]{1,4})?";
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::Bool),
            number.prop_map(|text| Json::Number(Number::raw(&text))),
            "[^\u{0}]{0,12}".prop_map(|text| Json::String(text.into())),
        ];
        leaf.prop_recursive(5, 60, 6, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(Json::Array),
                proptest::collection::vec(("[^\u{0}]{0,5}", inner), 0..6).prop_map(|members| {
                    Json::Object(Object::from_members(
                        members.into_iter().map(|(k, v)| (k.into(), v)).collect(),
                    ))
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn written_text_reads_back(value in any_json()) {
            prop_assert_eq!(Json::parse(value.to_text().as_bytes()), Ok(value));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Json::parse(&bytes);
        }

        #[test]
        fn no_text_makes_it_panic(text in "[\\[\\]{}\",:\\\\ntfu0-9.eE+ d-]{0,60}") {
            let _ = Json::parse(text.as_bytes());
        }
    }
}
