//! `--param name=value`: typed by what the workflow declares.

use maestro_model::json::{Json, Object};
use maestro_model::param::ParamType;

use crate::client::{Client, str_at, workflow_path};
use crate::failure::Failure;

/// The params of a start request; `None` without any. Asks the server what the version declares.
pub(crate) fn of_version(
    client: &Client,
    workflow: &str,
    version: &str,
    given: &[String],
) -> Result<Option<Json>, Failure> {
    if given.is_empty() {
        return Ok(None);
    }
    let path = workflow_path(
        workflow,
        &format!("/versions/{}", crate::client::segment(version)),
    );
    let definition = client.get(&path)?;
    let empty = Object::new();
    let declared = definition
        .json
        .pointer("/workflow/params")
        .and_then(Json::as_object)
        .unwrap_or(&empty);
    let mut params = Object::new();
    for text in given {
        let (name, value) = text
            .split_once('=')
            .filter(|(name, _)| !name.is_empty())
            .ok_or_else(|| Failure::usage(format!("`--param {text}`: write it as NAME=VALUE")))?;
        let ty = declared
            .get(name)
            .map_or("", |param| str_at(param, "/type"));
        let param = typed(ty, value).map_err(|expected| {
            Failure::usage(format!(
                "`--param {text}`: the workflow declares `{name}` as {ty}: give {expected}"
            ))
        })?;
        params.insert(name, param);
    }
    Ok(Some(Json::Object(params)))
}

/// A param of a declared type, STRING if nobody declares it; the error says what would be right.
fn typed(ty: &str, text: &str) -> Result<Json, &'static str> {
    let ty = ParamType::ALL
        .iter()
        .copied()
        .find(|known| known.as_str().eq_ignore_ascii_case(ty))
        .unwrap_or(ParamType::String);
    let literal = || Json::parse(text.trim().as_bytes()).ok();
    let elements = |fits: fn(&Json) -> bool| {
        literal().filter(|json| json.as_array().is_some_and(|all| all.iter().all(fits)))
    };
    let (value, expected) = match ty {
        ParamType::String => (Some(Json::String(text.into())), ""),
        ParamType::Long => (
            literal().filter(|json| json.as_i64().is_some()),
            "a whole number of 64 bits",
        ),
        ParamType::Double => (
            literal().filter(|json| matches!(json, Json::Number(_))),
            "a number",
        ),
        ParamType::Boolean => (
            literal().filter(|json| json.as_bool().is_some()),
            "true or false",
        ),
        ParamType::StringArray => (
            elements(|json| json.as_str().is_some()),
            "a JSON array of texts such as [\"a\", \"b\"]",
        ),
        ParamType::LongArray => (
            elements(|json| json.as_i64().is_some()),
            "a JSON array of whole numbers of 64 bits such as [1, 2]",
        ),
        ParamType::DoubleArray => (
            elements(|json| matches!(json, Json::Number(_))),
            "a JSON array of numbers such as [1.5, 2]",
        ),
        ParamType::BooleanArray => (
            elements(|json| json.as_bool().is_some()),
            "a JSON array such as [true, false]",
        ),
        ParamType::StringMap => (
            literal().filter(|json| {
                json.as_object()
                    .is_some_and(|map| map.iter().all(|(_, value)| value.as_str().is_some()))
            }),
            "a JSON object of texts such as {\"a\": \"b\"}",
        ),
        ParamType::Map => (
            literal().filter(|json| json.as_object().is_some()),
            "a JSON object of params such as {\"a\": {\"value\": 1, \"type\": \"LONG\"}}",
        ),
    };
    let mut param = Object::new();
    param.insert("value", value.ok_or(expected)?);
    param.insert("type", Json::String(ty.as_str().into()));
    Ok(Json::Object(param))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_typed_by_the_declaration() {
        let text = |ty, value| typed(ty, value).map(|json| json.to_text());
        assert_eq!(text("LONG", "42").unwrap(), r#"{"value":42,"type":"LONG"}"#);
        assert_eq!(
            text("STRING", "42").unwrap(),
            r#"{"value":"42","type":"STRING"}"#
        );
        assert_eq!(text("", "42").unwrap(), r#"{"value":"42","type":"STRING"}"#);
        assert_eq!(
            text("BOOLEAN", "true").unwrap(),
            r#"{"value":true,"type":"BOOLEAN"}"#
        );
        assert_eq!(
            text("DOUBLE", "1.50").unwrap(),
            r#"{"value":1.50,"type":"DOUBLE"}"#
        );
        assert_eq!(
            text("LONG_ARRAY", "[1,2]").unwrap(),
            r#"{"value":[1,2],"type":"LONG_ARRAY"}"#
        );
        assert_eq!(
            text("STRING_MAP", r#"{"a":"b"}"#).unwrap(),
            r#"{"value":{"a":"b"},"type":"STRING_MAP"}"#
        );
    }

    #[test]
    fn a_value_of_another_type_is_refused() {
        for (ty, value) in [
            ("LONG", "4.5"),
            ("LONG", "x"),
            ("BOOLEAN", "yes"),
            ("DOUBLE", "\"1\""),
            ("LONG", "9223372036854775808"),
            ("STRING_ARRAY", "a,b"),
            ("STRING_ARRAY", "[1]"),
            ("LONG_ARRAY", "[1.5]"),
            ("LONG_ARRAY", "[9223372036854775808]"),
            ("DOUBLE_ARRAY", "[true]"),
            ("BOOLEAN_ARRAY", "[1]"),
            ("STRING_MAP", r#"{"a":1}"#),
            ("MAP", "[]"),
        ] {
            assert!(typed(ty, value).is_err(), "{ty} {value}");
        }
    }
}
