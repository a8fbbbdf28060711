//! Types of scalars by the rules of YAML 1.1 (spec 01 D-1).

use super::YamlError;
use super::node::{Kind, Node, Typing};
use crate::json::{Json, Number};

/// A scalar with its type.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Scalar<'a> {
    Null,
    Bool(bool),
    /// `None` beyond 64 bits.
    Int(Option<i64>),
    Float(f64),
    Text(&'a str),
}

/// The scalar of a node; `None` for lists and maps.
///
/// # Errors
/// A tag that the text does not fit.
pub(super) fn of(node: &Node) -> Result<Option<Scalar<'_>>, YamlError> {
    let Kind::Scalar(text, typing) = &node.kind else {
        return Ok(None);
    };
    let found = match typing {
        Typing::Text => Scalar::Text(text),
        Typing::Plain => plain(text),
        Typing::Tagged(tag) => {
            let value = match *tag {
                "int" => integer(text).map(Scalar::Int),
                "float" => float(text)
                    .or_else(|| integer(text).flatten().map(|int| int as f64))
                    .map(Scalar::Float),
                _ => boolean(text).map(Scalar::Bool),
            };
            value.ok_or_else(|| node.fault(format!("`{text}` does not fit its tag !!{tag}")))?
        }
    };
    Ok(Some(found))
}

/// Whether a node is a null.
pub(super) fn is_null(node: &Node) -> bool {
    matches!(of(node), Ok(Some(Scalar::Null)))
}

/// A scalar as JSON.
///
/// # Errors
/// A list or a map, and numbers that JSON does not know.
pub(super) fn to_json(node: &Node) -> Result<Json, YamlError> {
    Ok(match of(node)? {
        Some(Scalar::Null) => Json::Null,
        Some(Scalar::Bool(value)) => Json::Bool(value),
        Some(Scalar::Int(Some(value))) => Json::from(value),
        Some(Scalar::Int(None)) => {
            return Err(node.fault(format!("the integer {} does not fit 64 bits", node.shown())));
        }
        Some(Scalar::Float(value)) => Json::Number(
            Number::from_f64(value)
                .ok_or_else(|| node.fault(format!("the number {} is not finite", node.shown())))?,
        ),
        Some(Scalar::Text(text)) => Json::from(text),
        None => return Err(node.fault(format!("expected a scalar, found {}", node.shown()))),
    })
}

fn plain(text: &str) -> Scalar<'_> {
    if matches!(text, "" | "~" | "null" | "Null" | "NULL") {
        return Scalar::Null;
    }
    if let Some(value) = boolean(text) {
        return Scalar::Bool(value);
    }
    if let Some(value) = integer(text) {
        return Scalar::Int(value);
    }
    float(text).map_or(Scalar::Text(text), Scalar::Float)
}

fn boolean(text: &str) -> Option<bool> {
    match text {
        "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Some(true),
        "false" | "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => Some(false),
        _ => None,
    }
}

/// An integer; the inner value is absent beyond 64 bits.
fn integer(text: &str) -> Option<Option<i64>> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'-' => ("-", &text[1..]),
        b'+' => ("", &text[1..]),
        _ => ("", text),
    };
    let (radix, digits) = if let Some(hex) = digits.strip_prefix("0x") {
        (16, hex)
    } else if let Some(binary) = digits.strip_prefix("0b") {
        (2, binary)
    } else if digits.len() > 1 && digits.starts_with('0') {
        (8, &digits[1..])
    } else {
        (10, digits)
    };
    if digits.starts_with('_') && radix != 8 || digits.ends_with('_') {
        return None;
    }
    let digits: String = digits.chars().filter(|c| *c != '_').collect();
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    Some(i64::from_str_radix(&format!("{sign}{digits}"), radix).ok())
}

fn float(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    match unsigned {
        ".inf" | ".Inf" | ".INF" => {
            return Some(if text.starts_with('-') {
                f64::NEG_INFINITY
            } else {
                f64::INFINITY
            });
        }
        ".nan" | ".NaN" | ".NAN" => return Some(f64::NAN),
        _ => {}
    }
    let starts = unsigned.bytes().next()?;
    let is_float = unsigned.contains(['.', 'e', 'E']);
    let known = unsigned
        .bytes()
        .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-' | b'_'));
    if !is_float || !known || !(starts.is_ascii_digit() || starts == b'.') {
        return None;
    }
    let digits: String = text.chars().filter(|c| *c != '_').collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    // [01:62] [01:84]
    #[test]
    fn plain_scalars_follow_yaml_1_1() {
        for (text, value) in [
            ("yes", Scalar::Bool(true)),
            ("Off", Scalar::Bool(false)),
            ("y", Scalar::Text("y")),
            ("oN", Scalar::Text("oN")),
            ("+4", Scalar::Int(Some(4))),
            ("1_000", Scalar::Int(Some(1000))),
            ("010", Scalar::Int(Some(8))),
            ("0", Scalar::Int(Some(0))),
            ("09", Scalar::Text("09")),
            ("0o7", Scalar::Text("0o7")),
            ("-0x2F", Scalar::Int(Some(-47))),
            ("0X1F", Scalar::Text("0X1F")),
            ("0b101", Scalar::Int(Some(5))),
            ("9223372036854775808", Scalar::Int(None)),
            ("-9223372036854775808", Scalar::Int(Some(i64::MIN))),
            ("1.5", Scalar::Float(1.5)),
            ("1.", Scalar::Float(1.0)),
            (".25", Scalar::Float(0.25)),
            ("-.25", Scalar::Float(-0.25)),
            ("2e4", Scalar::Float(20_000.0)),
            ("2_0.5", Scalar::Float(20.5)),
            (".inf", Scalar::Float(f64::INFINITY)),
            ("1e400", Scalar::Float(f64::INFINITY)),
            ("~", Scalar::Null),
            ("", Scalar::Null),
            ("nULL", Scalar::Text("nULL")),
            ("2024-01-31", Scalar::Text("2024-01-31")),
            ("9:45", Scalar::Text("9:45")),
            ("1.2.3", Scalar::Text("1.2.3")),
            ("=", Scalar::Text("=")),
            (".", Scalar::Text(".")),
            ("e4", Scalar::Text("e4")),
            ("inf", Scalar::Text("inf")),
            ("-", Scalar::Text("-")),
        ] {
            assert_eq!(plain(text), value, "{text}");
        }
    }
}
