//! JSON as YAML that is read back as the same JSON (spec 01 section 12.1, decision 24).

use super::json;
use crate::json::{Json, Number, ToJson, Writer};

/// The text of a value, in block style.
pub fn emit(value: &Json) -> String {
    let mut out = String::new();
    match value {
        Json::Object(object) if !object.is_empty() => block(&mut out, value, 0),
        Json::Array(elements) if !elements.is_empty() => block(&mut out, value, 0),
        _ => {
            out.push_str(&scalar(value, 0));
            out.push('\n');
        }
    }
    out
}

/// A map or list that is not empty; the indentation of its first line is there already where it stands in a list.
fn block(out: &mut String, value: &Json, indent: usize) {
    match value {
        Json::Object(object) => {
            for (at, (key, value)) in object.iter().enumerate() {
                if at > 0 || !out.ends_with("- ") {
                    pad(out, indent);
                }
                out.push_str(&text(key, None));
                out.push(':');
                member(out, value, indent);
            }
        }
        Json::Array(elements) => {
            for (at, element) in elements.iter().enumerate() {
                if at > 0 || !out.ends_with("- ") {
                    pad(out, indent);
                }
                out.push_str("- ");
                if is_block(element) {
                    block(out, element, indent + 2);
                } else {
                    out.push_str(&scalar(element, indent + 2));
                    out.push('\n');
                }
            }
        }
        _ => {}
    }
}

fn member(out: &mut String, value: &Json, indent: usize) {
    if is_block(value) {
        out.push('\n');
        block(out, value, indent + 2);
    } else {
        out.push(' ');
        out.push_str(&scalar(value, indent + 2));
        out.push('\n');
    }
}

fn is_block(value: &Json) -> bool {
    match value {
        Json::Object(object) => !object.is_empty(),
        Json::Array(elements) => !elements.is_empty(),
        _ => false,
    }
}

fn pad(out: &mut String, indent: usize) {
    out.extend(std::iter::repeat_n(' ', indent));
}

fn scalar(value: &Json, indent: usize) -> String {
    match value {
        Json::Null => "null".to_owned(),
        Json::Bool(value) => value.to_string(),
        Json::Number(number) => self::number(number),
        Json::String(text) => self::text(text, Some(indent)),
        Json::Array(_) => "[]".to_owned(),
        Json::Object(_) => "{}".to_owned(),
    }
}

/// As a number where it stays the same, else as a text: params and time-outs take both.
fn number(number: &Number) -> String {
    let plain = number.as_str();
    if json(plain.as_bytes()) == Ok(Json::Number(number.clone())) {
        plain.to_owned()
    } else {
        format!("\"{plain}\"")
    }
}

/// A text: plain where that is read as a text, in lines where it has some and may, else in double quotes.
fn text(text: &str, lines_at: Option<usize>) -> String {
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '/' | '-' | ' ');
    let is_plain = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || c == '/')
        && text.chars().all(is_word)
        && !text.ends_with(' ')
        && json(text.as_bytes()) == Ok(Json::from(text));
    if is_plain {
        return text.to_owned();
    }
    if let Some(indent) = lines_at
        && can_be_lines(text)
    {
        let mut out = "|".to_owned();
        for line in text.lines() {
            out.push('\n');
            if !line.is_empty() {
                pad(&mut out, indent);
                out.push_str(line);
            }
        }
        return out;
    }
    quoted(text)
}

/// Ends with one line break, has no blanks that would get lost, and no signs that only an escape can write.
fn can_be_lines(text: &str) -> bool {
    text.ends_with('\n')
        && !text.ends_with("\n\n")
        && text.len() > 1
        && !text.starts_with([' ', '\n', '\t'])
        && text.lines().all(|line| !line.ends_with([' ', '\t']))
        && text.chars().all(|c| {
            c == '\n'
                || c == '\t'
                || (' '..='~').contains(&c)
                || ('\u{a1}'..='\u{2000}').contains(&c)
        })
}

/// As JSON, which YAML reads as it is; signs that YAML takes for line breaks or refuses are escaped.
fn quoted(text: &str) -> String {
    let mut out = Writer::default();
    Json::from(text).write(&mut out);
    let mut safe = String::new();
    for character in out.into_text().chars() {
        let code = u32::from(character);
        let is_odd = (0x7f..0xa0).contains(&code)
            || matches!(code, 0x2028 | 0x2029 | 0xfeff | 0xfffe | 0xffff);
        if is_odd {
            safe = format!("{safe}\\u{code:04x}");
        } else {
            safe.push(character);
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Object;
    use proptest::prelude::*;

    #[test]
    fn it_reads_well() {
        let value = Json::parse(
            br#"{"properties":{"owner":"ana"},"workflow":{"id":"w","tags":[],"steps":[
                {"step":{"id":"a","script":"set -e\nrun it\n","if":"x > 1","n":5,"d":1.10,"yes":"yes"}},[1,[2]]]}}"#,
        )
        .expect("JSON");
        assert_eq!(
            emit(&value),
            "\
properties:
  owner: ana
workflow:
  id: w
  tags: []
  steps:
    - step:
        id: a
        script: |
          set -e
          run it
        if: \"x > 1\"
        n: 5
        d: \"1.10\"
        \"yes\": \"yes\"
    - - 1
      - - 2
"
        );
    }

    fn any_json() -> impl Strategy<Value = Json> {
        let text = prop_oneof![
            "[a-z ]{0,6}",
            "\\PC{0,12}",
            "([ -~]{0,8}\n){1,3}",
            Just("null".to_owned()),
            Just("010".to_owned()),
            Just("1e3".to_owned()),
        ];
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::from),
            any::<i64>().prop_map(Json::from),
            text.prop_map(|text| Json::from(&*text)),
        ];
        leaf.prop_recursive(4, 40, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Json::Array),
                prop::collection::vec(("\\PC{0,8}", inner), 0..5).prop_map(|members| {
                    let members = members.into_iter().map(|(k, v)| (k.into(), v));
                    Json::Object(Object::from_members(members.collect()))
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn it_is_read_back_as_the_same(value in any_json()) {
            let text = emit(&value);
            prop_assert_eq!(json(text.as_bytes()), Ok(value), "{}", text);
        }
    }
}
