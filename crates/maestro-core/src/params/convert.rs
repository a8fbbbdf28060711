//! Conversions between types: of results (spec 02 section 5), between literals and results (section 4).

use std::sync::Arc;

use maestro_model::Str;
use maestro_model::decimal::Decimal;
use maestro_model::json::{Json, double_text};
use maestro_model::param::{
    EvaluatedValue as V, Meta, Param, ParamBody, ParamDefinition, ParamMode, ParamType, ParamValue,
};

use super::error::ParamError;

/// A result, and the type that it was converted from where that is worth a remark (spec 02 C-2).
pub(crate) type Assigned = (V, Option<ParamType>);

/// Assigns a result to a declared type (spec 02 C-1).
pub(crate) fn assign(name: &str, ty: ParamType, value: V) -> Result<Assigned, ParamError> {
    let from = value.ty();
    let wrong = |value: &V| {
        ParamError::illegal(format!(
            "param `{name}` is declared as {}, but its result is a {}: {}",
            ty.as_str(),
            value.ty().as_str(),
            shortened(&value.text())
        ))
    };
    let plain = |value| Ok((value, None));
    let noted = |value| Ok((value, Some(from)));
    match (ty, value) {
        (ParamType::String, value @ V::String(_))
        | (ParamType::Long, value @ V::Long(_))
        | (ParamType::Boolean, value @ V::Boolean(_))
        | (ParamType::StringArray, value @ V::StringArray(_))
        | (ParamType::LongArray, value @ V::LongArray(_))
        | (ParamType::DoubleArray, value @ V::DoubleArray(_))
        | (ParamType::BooleanArray, value @ V::BooleanArray(_))
        | (ParamType::StringMap, value @ V::StringMap(_))
        | (ParamType::Map, value @ V::Map(_)) => plain(value),
        // What is no number has no decimal text (spec 02 C-1).
        (ParamType::Double, value @ V::Double(number)) if number.is_finite() => plain(value),
        (ParamType::String, value @ (V::Long(_) | V::Double(_) | V::Boolean(_))) => {
            noted(V::String(value.text().into()))
        }
        (ParamType::Long, V::String(digits)) => match parse_long(&digits) {
            Some(number) => noted(V::Long(number)),
            None => Err(ParamError::illegal(format!(
                "param `{name}` is declared as LONG, but its result is the text `{}`, which is no integer",
                shortened(&digits)
            ))),
        },
        (ParamType::Double, value) => {
            match Decimal::parse(&value.text()).filter(|_| !matches!(value, V::Boolean(_))) {
                Some(decimal) => plain(V::Double(decimal.to_f64())),
                None => Err(wrong(&value)),
            }
        }
        (ParamType::Boolean, V::String(word)) if word.eq_ignore_ascii_case("true") => {
            noted(V::Boolean(true))
        }
        (ParamType::Boolean, V::String(word)) if word.eq_ignore_ascii_case("false") => {
            noted(V::Boolean(false))
        }
        (ParamType::StringArray, V::LongArray(items)) => {
            noted(texts(items.iter().map(i64::to_string)))
        }
        (ParamType::StringArray, V::DoubleArray(items)) => {
            noted(texts(items.iter().map(|item| double_text(*item))))
        }
        (ParamType::StringArray, V::BooleanArray(items)) => {
            noted(texts(items.iter().map(bool::to_string)))
        }
        // A map of texts is one, whatever it came from; others cannot be written (spec 02 C-4).
        (ParamType::StringMap, V::Map(entries)) => entries
            .iter()
            .map(|(key, value)| match value {
                V::String(text) => Ok((key.clone(), text.clone())),
                other => Err(ParamError::internal(format!(
                    "param `{name}` is a STRING_MAP, but its entry `{key}` is a {}",
                    other.ty().as_str()
                ))),
            })
            .collect::<Result<_, _>>()
            .map(|entries| (V::StringMap(Arc::new(entries)), None)),
        (ParamType::Map, V::StringMap(entries)) => plain(V::Map(Arc::new(
            entries
                .iter()
                .map(|(key, text)| (key.clone(), V::String(text.clone())))
                .collect(),
        ))),
        (ParamType::String | ParamType::Long | ParamType::Boolean, value) => Err(wrong(&value)),
        (
            ParamType::StringArray
            | ParamType::LongArray
            | ParamType::DoubleArray
            | ParamType::BooleanArray,
            value,
        ) => Err(ParamError::internal(wrong(&value).message)),
        (ParamType::StringMap | ParamType::Map, value) => Err(ParamError::new(
            super::error::ParamErrorKind::Unclassified,
            wrong(&value).message,
        )),
    }
}

fn texts(items: impl Iterator<Item = String>) -> V {
    V::StringArray(items.map(|item| Some(Str::from(item))).collect())
}

/// An optional sign and digits, within 64 bits.
fn parse_long(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    (!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
        .then(|| text.parse().ok())
        .flatten()
}

/// So much of a text as an error may hold (spec 02 C-7).
fn shortened(text: &str) -> &str {
    match text.char_indices().nth(1000) {
        Some((end, _)) => &text[..end],
        None => text,
    }
}

/// The remark of a conversion, as meta of the param (spec 02 C-2).
pub(crate) fn remark(meta: &mut Meta, ty: ParamType, from: ParamType) {
    let key = match ty {
        ParamType::Long | ParamType::Boolean => "warn",
        _ => "info",
    };
    let words = format!(
        "Implicitly converted the evaluated result to a {} from type {}",
        ty.as_str(),
        from.as_str()
    );
    meta.insert(key, Json::from(words.as_str()));
}

/// The result of a literal without anything to put in; `Err` names what is missing (spec 02 I-8, T-3).
pub(crate) fn literal(value: &ParamValue) -> Result<V, ParamError> {
    let null = || ParamError::null("an element is null");
    Ok(match value {
        ParamValue::String(text) => V::String(text.clone()),
        ParamValue::Long(n) => V::Long(*n),
        ParamValue::Double(d) => V::Double(d.to_f64()),
        ParamValue::Boolean(b) => V::Boolean(*b),
        ParamValue::StringMap(map) => V::StringMap(Arc::new(
            map.iter()
                .map(|(key, value)| {
                    value
                        .clone()
                        .map(|value| (key.clone(), value))
                        .ok_or_else(|| ParamError::null(format!("the value of `{key}` is null")))
                })
                .collect::<Result<_, _>>()?,
        )),
        ParamValue::StringArray(items) if items.iter().any(Option::is_none) => return Err(null()),
        ParamValue::StringArray(items) => V::StringArray(items.clone()),
        ParamValue::LongArray(items) => V::LongArray(items.clone()),
        ParamValue::DoubleArray(items) => V::DoubleArray(
            items
                .iter()
                .map(|item| item.as_ref().map(Decimal::to_f64).ok_or_else(null))
                .collect::<Result<_, _>>()?,
        ),
        ParamValue::BooleanArray(items) => V::BooleanArray(items.clone()),
        ParamValue::Map(entries) => V::Map(Arc::new(
            entries
                .iter()
                .map(|(name, entry)| match entry.value() {
                    Some(value) => Ok((name.clone(), literal(value)?)),
                    None => Err(ParamError::null(format!("entry `{name}` has no value"))),
                })
                .collect::<Result<_, _>>()?,
        )),
    })
}

/// A literal in the form of another type, by way of its result (spec 02 G-6). `None` if it cannot be converted.
pub(crate) fn convert_literal(name: &str, value: &ParamValue, ty: ParamType) -> Option<ParamValue> {
    match (value, ty) {
        // Interpolation comes later, so texts stay as they are; nested definitions stay definitions.
        (ParamValue::Map(_), ParamType::Map)
        | (ParamValue::String(_), ParamType::String)
        | (ParamValue::StringArray(_), ParamType::StringArray)
        | (ParamValue::StringMap(_), ParamType::StringMap) => Some(value.clone()),
        _ => plain_literal(&assign(name, ty, literal(value).ok()?).ok()?.0),
    }
}

/// A result as a literal without declarations; `None` for a double that JSON numbers cannot hold and for a MAP, whose
/// entries need declarations.
pub(crate) fn plain_literal(value: &V) -> Option<ParamValue> {
    Some(match value {
        V::String(text) => ParamValue::String(text.clone()),
        V::Long(value) => ParamValue::Long(*value),
        V::Double(value) => ParamValue::Double(Decimal::from_f64(*value)?),
        V::Boolean(value) => ParamValue::Boolean(*value),
        V::StringMap(map) => ParamValue::StringMap(Arc::new(
            map.iter()
                .map(|(key, value)| (key.clone(), Some(value.clone())))
                .collect(),
        )),
        V::StringArray(elements) => ParamValue::StringArray(elements.clone()),
        V::LongArray(elements) => ParamValue::LongArray(elements.clone()),
        V::DoubleArray(elements) => ParamValue::DoubleArray(
            elements
                .iter()
                .map(|value| Decimal::from_f64(*value).map(Some))
                .collect::<Option<_>>()?,
        ),
        V::BooleanArray(elements) => ParamValue::BooleanArray(elements.clone()),
        V::Map(_) => return None,
    })
}

/// Turns an evaluated param back into a definition (spec 02 section 4), to pass it on.
///
/// # Errors
/// It is not evaluated, or a nested result has no definition or is no number that a literal can hold.
pub fn freeze(name: &str, param: &Param) -> Result<ParamDefinition, ParamError> {
    let Some(result) = param.result() else {
        return Err(ParamError::illegal(format!(
            "param `{name}` is not evaluated yet"
        )));
    };
    let mut frozen = param.definition.clone();
    if frozen.mode != Some(ParamMode::Immutable) {
        let declared = &param.definition;
        frozen.body = ParamBody::Literal {
            value: freeze_as(name, result, declared)?,
            expression: None,
        };
    }
    Ok(frozen)
}

/// A result as a literal whose entries have the decorations of `declared` (spec 02 Z-2).
pub(crate) fn freeze_as(
    name: &str,
    result: &V,
    declared: &ParamDefinition,
) -> Result<ParamValue, ParamError> {
    let V::Map(entries) = result else {
        return plain_literal(result).ok_or_else(|| {
            ParamError::illegal(format!(
                "param `{name}`: {} is no number that can be passed on",
                result.text()
            ))
        });
    };
    let literal = declared.entries();
    let entry = |(key, value): (&Str, &V)| {
        let definition = match literal {
            Some(nested) => nested.get(key).ok_or_else(|| {
                ParamError::null(format!("entry `{key}` of param `{name}` has no definition"))
            })?,
            // Out of an expression: the entries have the decorations of the whole (spec 02 Z-2).
            None => declared,
        };
        let mut frozen = definition.clone();
        if literal.is_some() && definition.mode == Some(ParamMode::Immutable) {
            return Ok((key.clone(), frozen));
        }
        let ty = match literal {
            Some(_) => definition.ty(),
            None => value.ty(),
        };
        let (value, from) = assign(key, ty, value.clone())?;
        if let Some(from) = from {
            remark(&mut frozen.meta, ty, from);
        }
        let nested = match literal {
            Some(_) => definition.clone(),
            None => ParamDefinition {
                body: ParamBody::Unset(ty),
                ..declared.clone()
            },
        };
        frozen.body = ParamBody::Literal {
            value: freeze_as(key, &value, &nested)?,
            expression: None,
        };
        Ok((key.clone(), frozen))
    };
    Ok(ParamValue::Map(Arc::new(
        entries
            .iter()
            .map(entry)
            .collect::<Result<_, ParamError>>()?,
    )))
}
