//! Params of the DSL: types and modes from keys and values (spec 01 section 12.4).

use super::YamlError;
use super::node::Node;
use super::scalar::{self, Scalar};
use crate::json::{Json, Number, Object, double_text};
use crate::param::{ParamMode, ParamType};
use std::collections::HashSet;

/// A key: `["!"] NAME ["<" TYPE ">"] ["(" MODE ")"]`.
struct Key<'a> {
    is_expression: bool,
    name: &'a str,
    ty: Option<ParamType>,
    mode: Option<ParamMode>,
}

/// The params of a map.
///
/// # Errors
/// The first key or value that is refused.
pub(super) fn params(members: &[(&str, &Node)]) -> Result<Object, YamlError> {
    let mut params = Vec::with_capacity(members.len());
    let mut names = HashSet::new();
    for (key, value) in members {
        let key = parse_key(key).map_err(|reason| value.fault(reason))?;
        if !names.insert(key.name) {
            return Err(value.fault(format!(
                "the param `{}` is given by two different keys; remove one",
                key.name
            )));
        }
        params.push((key.name.into(), param(&key, value)?));
    }
    Ok(Object::from_members(params))
}

fn parse_key(raw: &str) -> Result<Key<'_>, String> {
    let key = raw.trim();
    let (is_expression, mut rest) = key
        .strip_prefix('!')
        .map_or((false, key), |rest| (true, rest));
    let mut mode = None;
    let mut is_bare = true;
    if let (Some(open), Some(close)) = (rest.rfind('(').filter(|at| *at > 0), rest.rfind(')'))
        && close > open
    {
        let word = rest[open + 1..close].trim();
        mode = Some(
            ParamMode::from_text(word)
                .ok_or_else(|| format!("unknown param mode `{word}` in the key `{raw}`"))?,
        );
        rest = &rest[..open];
        is_bare = false;
    }
    let mut ty = None;
    if let (Some(open), Some(close)) = (rest.find('<').filter(|at| *at > 0), rest.rfind('>'))
        && close > open
    {
        let word = rest[open + 1..close].trim();
        ty = Some(
            parse_type(word)
                .ok_or_else(|| format!("unknown param type `{word}` in the key `{raw}`"))?,
        );
        rest = &rest[..open];
        is_bare = false;
    }
    // A blank after the `!` stays in a bare key and makes its name invalid, as in the reference (D-33).
    let name = if is_bare { rest } else { rest.trim() };
    if name.trim().is_empty() {
        return Err(format!("the key `{raw}` has no param name"));
    }
    Ok(Key {
        is_expression,
        name,
        ty,
        mode,
    })
}

fn parse_type(word: &str) -> Option<ParamType> {
    let word = word.to_lowercase();
    if let Some(element) = word
        .strip_prefix("array<")
        .and_then(|rest| rest.strip_suffix('>'))
    {
        return match element.trim() {
            "string" => Some(ParamType::StringArray),
            "long" => Some(ParamType::LongArray),
            "double" => Some(ParamType::DoubleArray),
            "boolean" => Some(ParamType::BooleanArray),
            _ => None,
        };
    }
    match word.as_str() {
        "map" => Some(ParamType::StringMap),
        "pmap" => Some(ParamType::Map),
        _ => ParamType::from_text(&word),
    }
}

fn param(key: &Key<'_>, value: &Node) -> Result<Json, YamlError> {
    let mut body = Object::new();
    if key.is_expression {
        if scalar::is_null(value) {
            return Err(value.fault(format!(
                "the expression of the param `{}` is null",
                key.name
            )));
        }
        let mut text = String::new();
        print(value, &mut text)?;
        body.insert("expression", Json::from(text.as_str()));
        body.insert(
            "type",
            Json::from(key.ty.unwrap_or(ParamType::String).as_str()),
        );
    } else {
        let (ty, value) = literal(key, value)?;
        body.insert("value", value);
        body.insert("type", Json::from(ty.as_str()));
    }
    if let Some(mode) = key.mode {
        body.insert("mode", Json::from(mode.as_str()));
    }
    Ok(Json::Object(body))
}

/// A literal with its type: the inferred one, which a declared one must equal (D-34, D-35).
fn literal(key: &Key<'_>, value: &Node) -> Result<(ParamType, Json), YamlError> {
    let (inferred, json) = match scalar::of(value)? {
        Some(scalar) => of_scalar(key, value, &scalar)?,
        None => match value.elements() {
            Some([]) => return Ok((empty_list_type(key, value)?, Json::Array(Vec::new()))),
            Some(elements) => of_list(key, value, elements)?,
            None => of_map(key, value)?,
        },
    };
    match key.ty {
        Some(declared) if declared != inferred => {
            let is_scalar = value.text().is_some();
            let advice = if declared == ParamType::String && is_scalar {
                "; put it in quotes"
            } else {
                ""
            };
            Err(value.fault(format!(
                "the param `{}` is declared as {declared}, its value {} is of type {inferred}{advice}",
                key.name,
                value.shown()
            )))
        }
        _ => Ok((inferred, json)),
    }
}

fn of_scalar(
    key: &Key<'_>,
    node: &Node,
    scalar: &Scalar<'_>,
) -> Result<(ParamType, Json), YamlError> {
    let ty = match scalar {
        Scalar::Null => {
            return Err(node.fault(format!("the param `{}` is null; give it a value", key.name)));
        }
        Scalar::Bool(_) => ParamType::Boolean,
        Scalar::Int(_) => ParamType::Long,
        Scalar::Float(_) => ParamType::Double,
        Scalar::Text(_) => ParamType::String,
    };
    Ok((ty, scalar::to_json(node)?))
}

fn empty_list_type(key: &Key<'_>, node: &Node) -> Result<ParamType, YamlError> {
    match key.ty.unwrap_or(ParamType::StringArray) {
        ty @ (ParamType::StringArray
        | ParamType::LongArray
        | ParamType::DoubleArray
        | ParamType::BooleanArray) => Ok(ty),
        other => Err(node.fault(format!(
            "the param `{}` is declared as {other}, its value is a list",
            key.name
        ))),
    }
}

/// A list by its first element; later ones are fitted where D-37 allows it.
fn of_list(key: &Key<'_>, node: &Node, elements: &[Node]) -> Result<(ParamType, Json), YamlError> {
    let odd = |element: &Node| {
        element.fault(format!(
            "the list of the param `{}` holds {}, which does not fit its first element",
            key.name,
            element.shown()
        ))
    };
    let first = elements
        .first()
        .and_then(|first| scalar::of(first).transpose())
        .transpose()?;
    let (ty, fit): (_, fn(&Scalar<'_>) -> Option<Json>) = match first {
        Some(Scalar::Text(_)) => (ParamType::StringArray, |scalar| match scalar {
            Scalar::Text(text) => Some(Json::from(*text)),
            _ => None,
        }),
        Some(Scalar::Bool(_)) => (ParamType::BooleanArray, |scalar| match scalar {
            Scalar::Bool(value) => Some(Json::Bool(*value)),
            _ => None,
        }),
        Some(Scalar::Int(_)) => (ParamType::LongArray, |scalar| match scalar {
            Scalar::Int(value) => value.map(Json::from),
            Scalar::Float(value) => truncated(*value).map(Json::from),
            _ => None,
        }),
        Some(Scalar::Float(_)) => (ParamType::DoubleArray, |scalar| {
            let value = match scalar {
                Scalar::Float(value) => Some(*value),
                Scalar::Int(value) => value.map(|value| value as f64),
                Scalar::Text(text) => text.trim().parse().ok(),
                Scalar::Null | Scalar::Bool(_) => None,
            };
            value.and_then(Number::from_f64).map(Json::Number)
        }),
        Some(Scalar::Null) | None => {
            return Err(node.fault(format!(
                "the list of the param `{}` may hold texts, numbers or booleans",
                key.name
            )));
        }
    };
    let fitted = elements.iter().map(|element| {
        let scalar = scalar::of(element)?.ok_or_else(|| odd(element))?;
        fit(&scalar).ok_or_else(|| odd(element))
    });
    Ok((ty, Json::Array(fitted.collect::<Result<_, _>>()?)))
}

fn truncated(value: f64) -> Option<i64> {
    crate::decimal::Decimal::from_f64(value).and_then(|decimal| decimal.truncate())
}

/// A map: texts alone make a `STRING_MAP`, unless `pmap` is declared; else its entries are params themselves.
fn of_map(key: &Key<'_>, node: &Node) -> Result<(ParamType, Json), YamlError> {
    let members = node.map("a param")?;
    let text = |node: &Node| {
        matches!(scalar::of(node), Ok(Some(Scalar::Text(_))))
            .then(|| node.text().map(Json::from))
            .flatten()
    };
    if key.ty != Some(ParamType::Map) && !members.is_empty() {
        let texts: Option<Vec<_>> = members
            .iter()
            .map(|(name, value)| Some(((*name).into(), text(value)?)))
            .collect();
        if let Some(texts) = texts {
            return Ok((
                ParamType::StringMap,
                Json::Object(Object::from_members(texts)),
            ));
        }
    }
    Ok((ParamType::Map, Json::Object(params(&members)?)))
}

/// A value as the text of an expression: `[a, b]`, `{k=v}` (D-30).
fn print(node: &Node, out: &mut String) -> Result<(), YamlError> {
    if let Some(elements) = node.elements() {
        out.push('[');
        for (at, element) in elements.iter().enumerate() {
            out.push_str(if at > 0 { ", " } else { "" });
            print(element, out)?;
        }
        out.push(']');
        return Ok(());
    }
    if let Some(members) = node.members()? {
        out.push('{');
        for (at, (name, value)) in members.iter().enumerate() {
            out.push_str(if at > 0 { ", " } else { "" });
            out.push_str(name);
            out.push('=');
            print(value, out)?;
        }
        out.push('}');
        return Ok(());
    }
    match scalar::of(node)? {
        None | Some(Scalar::Null) => out.push_str("null"),
        Some(Scalar::Bool(value)) => out.push_str(if value { "true" } else { "false" }),
        Some(Scalar::Int(Some(value))) => out.push_str(&value.to_string()),
        Some(Scalar::Float(value)) => out.push_str(&double_text(value)),
        Some(Scalar::Int(None)) => out.push_str(node.text().unwrap_or_default()),
        Some(Scalar::Text(text)) => out.push_str(text),
    }
    Ok(())
}
