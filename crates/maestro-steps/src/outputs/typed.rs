//! Bare values of the short form and their types (`spec 07 BX-4`).

use std::sync::Arc;

use super::{
    Evaluated, EvaluatedValue, Json, Map, Param, ParamDefinition, ParamType, ParamValue, Str,
};
use maestro_model::param::ParamMap;

/// A literal with the result that it evaluates to.
type Typed = (ParamValue, EvaluatedValue);

/// A param that was evaluated at this time.
pub(super) fn evaluated(literal: ParamValue, result: EvaluatedValue, time: i64) -> Param {
    Param {
        definition: ParamDefinition::literal(literal),
        evaluated: Some(Evaluated { result, time }),
    }
}

/// Takes the value as one of the type, or says what it should be. Numbers and truth values are texts as well, as they are
/// for whole parameters (`spec 07 C-16`); nothing else is converted.
pub(super) fn of_type(ty: ParamType, json: &Json) -> Result<Typed, &'static str> {
    match ty {
        ParamType::String => match json {
            Json::String(text) => Ok(string(text)),
            Json::Number(number) => Ok(string(number.as_str())),
            Json::Bool(value) => Ok(string(if *value { "true" } else { "false" })),
            _ => Err("a STRING"),
        },
        ParamType::Long => json
            .as_i64()
            .map(|value| (ParamValue::Long(value), EvaluatedValue::Long(value)))
            .ok_or("a LONG, an integer of 64 bits"),
        ParamType::Double => double(json).ok_or("a DOUBLE, a number"),
        ParamType::Boolean => json
            .as_bool()
            .map(|value| (ParamValue::Boolean(value), EvaluatedValue::Boolean(value)))
            .ok_or("a BOOLEAN"),
        ParamType::StringMap => string_map(json).ok_or("a STRING_MAP, an object of strings"),
        ParamType::StringArray => elements(json, |json| json.as_str().map(Str::from))
            .map(|texts| {
                let texts: Arc<[Option<Str>]> = texts.into_iter().map(Some).collect();
                (
                    ParamValue::StringArray(texts.clone()),
                    EvaluatedValue::StringArray(texts),
                )
            })
            .ok_or("a STRING_ARRAY, an array of strings"),
        ParamType::LongArray => elements(json, Json::as_i64)
            .map(|values| {
                let values: Arc<[i64]> = values.into();
                (
                    ParamValue::LongArray(values.clone()),
                    EvaluatedValue::LongArray(values),
                )
            })
            .ok_or("a LONG_ARRAY, an array of integers"),
        ParamType::DoubleArray => double_array(json).ok_or("a DOUBLE_ARRAY, an array of numbers"),
        ParamType::BooleanArray => elements(json, Json::as_bool)
            .map(|values| {
                let values: Arc<[bool]> = values.into();
                (
                    ParamValue::BooleanArray(values.clone()),
                    EvaluatedValue::BooleanArray(values),
                )
            })
            .ok_or("a BOOLEAN_ARRAY, an array of true and false"),
        ParamType::Map => {
            map(json).ok_or("a MAP, an object of scalars, arrays of one kind and objects")
        }
    }
}

/// The type that the value itself suggests.
pub(super) fn inferred(json: &Json) -> Result<Typed, &'static str> {
    let candidates: &[ParamType] = match json {
        Json::Null => &[],
        Json::Bool(_) => &[ParamType::Boolean],
        Json::Number(_) => &[ParamType::Long, ParamType::Double],
        Json::String(_) => &[ParamType::String],
        Json::Array(_) => &[
            ParamType::StringArray,
            ParamType::LongArray,
            ParamType::DoubleArray,
            ParamType::BooleanArray,
        ],
        Json::Object(_) => &[ParamType::StringMap, ParamType::Map],
    };
    candidates
        .iter()
        .find_map(|ty| of_type(*ty, json).ok())
        .ok_or("a scalar, an array of one kind or an object of such")
}

fn string(text: &str) -> Typed {
    let text: Str = text.into();
    (
        ParamValue::String(text.clone()),
        EvaluatedValue::String(text),
    )
}

fn double(json: &Json) -> Option<Typed> {
    let Json::Number(number) = json else {
        return None;
    };
    let decimal = number.to_decimal()?;
    let value = decimal.to_f64();
    Some((ParamValue::Double(decimal), EvaluatedValue::Double(value)))
}

fn double_array(json: &Json) -> Option<Typed> {
    let pairs = elements(json, |json| match double(json)? {
        (ParamValue::Double(decimal), EvaluatedValue::Double(value)) => Some((decimal, value)),
        _ => None,
    })?;
    let (decimals, values): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
    Some((
        ParamValue::DoubleArray(decimals.into_iter().map(Some).collect()),
        EvaluatedValue::DoubleArray(values.into()),
    ))
}

fn string_map(json: &Json) -> Option<Typed> {
    let texts: Option<Map<Str>> = json
        .as_object()?
        .iter()
        .map(|(name, value)| Some((name.into(), value.as_str()?.into())))
        .collect();
    let texts = texts?;
    let literal = texts
        .iter()
        .map(|(name, text)| (name.clone(), Some(text.clone())))
        .collect();
    Some((
        ParamValue::StringMap(Arc::new(literal)),
        EvaluatedValue::StringMap(Arc::new(texts)),
    ))
}

fn map(json: &Json) -> Option<Typed> {
    let mut literal = ParamMap::default();
    let mut result = Map::default();
    for (name, value) in json.as_object()?.iter() {
        let nested = match value {
            // In a result all maps are of one kind (`spec 02 J-12`).
            Json::Object(_) => map(value)?,
            _ => inferred(value).ok()?,
        };
        literal.insert(name.into(), ParamDefinition::literal(nested.0));
        result.insert(name.into(), nested.1);
    }
    Some((
        ParamValue::Map(Arc::new(literal)),
        EvaluatedValue::Map(Arc::new(result)),
    ))
}

fn elements<T>(json: &Json, read: impl Fn(&Json) -> Option<T>) -> Option<Vec<T>> {
    json.as_array()?.iter().map(read).collect()
}
