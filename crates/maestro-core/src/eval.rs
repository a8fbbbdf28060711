//! Evaluation of params: the seam to the expression language.
//!
//! In the shard the core evaluates with little fuel; what needs more, or needs rows of other runs, goes out as an
//! `Evaluate` effect and comes back as an event with the attempt's identity (design, rule 8). Until expressions exist,
//! params are literals, so an evaluation can only be large, never foreign.

use std::sync::Arc;

use indexmap::IndexMap;
use maestro_model::codec::to_text;
use maestro_model::json::{Json, ToJson, Writer};
use maestro_model::param::{EvaluatedValue, ParamBody, ParamMap, ParamType, ParamValue};
use maestro_model::{Map, Str};

/// Evaluated params by name.
pub type Values = Map<EvaluatedValue>;

/// What an evaluation came to.
#[derive(Clone, PartialEq, Debug)]
pub enum Evaluation<T> {
    /// Done.
    Done(T),
    /// Goes on elsewhere.
    Later(Need),
    /// Cannot be evaluated.
    Failed(String),
}

/// What an evaluation needs that the state does not have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Need {
    /// More time than a shard may spend on one transition.
    Fuel,
}

/// Names that an expression or condition sees: those of the step hide those of the workflow.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// Of the step.
    pub step: &'a Values,
    /// Of the workflow.
    pub workflow: &'a Values,
}

impl<'a> Scope<'a> {
    /// The value of a name.
    pub fn get(&self, name: &str) -> Option<&'a EvaluatedValue> {
        self.step.get(name).or_else(|| self.workflow.get(name))
    }
}

/// Evaluates definitions that consist of literals only.
///
/// # Errors
/// A param is an expression, has no value, or holds a null where none may be; the text names it.
pub fn literals(params: &ParamMap) -> Result<Values, String> {
    let mut values = IndexMap::with_capacity_and_hasher(params.len(), Default::default());
    for (name, definition) in params {
        let value = match &definition.body {
            ParamBody::Literal { value, .. } => {
                literal(value).map_err(|e| format!("param `{name}`: {e}"))?
            }
            ParamBody::Expression { text, .. } => {
                return Err(format!(
                    "param `{name}`: expressions are not supported yet, but it has `{text}`"
                ));
            }
            ParamBody::Unset(_) => return Err(format!("param `{name}` has no value")),
        };
        values.insert(name.clone(), value);
    }
    Ok(values)
}

/// The result of a literal.
pub(crate) fn literal(value: &ParamValue) -> Result<EvaluatedValue, String> {
    fn all<T: Clone, U>(items: &[Option<T>], f: impl Fn(&T) -> U) -> Result<Arc<[U]>, String> {
        items
            .iter()
            .map(|i| {
                i.as_ref()
                    .map(&f)
                    .ok_or_else(|| "an element is null".to_owned())
            })
            .collect()
    }
    Ok(match value {
        ParamValue::String(text) => EvaluatedValue::String(text.clone()),
        ParamValue::Long(n) => EvaluatedValue::Long(*n),
        ParamValue::Double(d) => EvaluatedValue::Double(d.to_f64()),
        ParamValue::Boolean(b) => EvaluatedValue::Boolean(*b),
        ParamValue::StringMap(map) => EvaluatedValue::StringMap(Arc::new(
            map.iter()
                .map(|(k, v)| {
                    v.clone()
                        .map(|v| (k.clone(), v))
                        .ok_or_else(|| format!("the value of `{k}` is null"))
                })
                .collect::<Result<_, _>>()?,
        )),
        ParamValue::StringArray(items) => {
            all(items, Arc::clone)?;
            EvaluatedValue::StringArray(items.clone())
        }
        ParamValue::LongArray(items) => EvaluatedValue::LongArray(items.clone()),
        ParamValue::DoubleArray(items) => EvaluatedValue::DoubleArray(all(items, |d| d.to_f64())?),
        ParamValue::BooleanArray(items) => EvaluatedValue::BooleanArray(items.clone()),
        ParamValue::Map(entries) => EvaluatedValue::Map(Arc::new(literals(entries)?)),
    })
}

/// Values with their types as JSON, to store them: `{"name": {"LONG": 1}}`.
#[must_use]
pub fn values_to_json(values: &Values) -> String {
    to_text(&Typed(values))
}

/// Values as [`values_to_json`] wrote them.
///
/// # Errors
/// The text is something else.
pub fn values_from_json(text: &str) -> Result<Values, String> {
    let json = Json::parse(text.as_bytes()).map_err(|e| e.to_string())?;
    read_values(&json).ok_or_else(|| "stored params are damaged".to_owned())
}

struct Typed<'a>(&'a Values);

impl ToJson for Typed<'_> {
    fn write(&self, writer: &mut Writer) {
        writer.object(|o| {
            for (name, value) in self.0 {
                o.always(name, &TypedValue(value));
            }
        });
    }
}

struct TypedValue<'a>(&'a EvaluatedValue);

impl ToJson for TypedValue<'_> {
    fn write(&self, writer: &mut Writer) {
        writer.object(|o| {
            let name = self.0.ty().as_str();
            match self.0 {
                EvaluatedValue::Map(entries) => o.always(name, &Typed(entries)),
                // Doubles as bits: what is not finite has no JSON, and nothing may be rounded.
                EvaluatedValue::Double(value) => o.always(name, &bits(*value)),
                EvaluatedValue::DoubleArray(values) => {
                    o.always(name, &values.iter().map(|v| bits(*v)).collect::<Vec<_>>());
                }
                other => o.always(name, other),
            }
        });
    }
}

fn bits(value: f64) -> i64 {
    value.to_bits().cast_signed()
}

fn from_bits(json: &Json) -> Option<f64> {
    Some(f64::from_bits(json.as_i64()?.cast_unsigned()))
}

fn read_values(json: &Json) -> Option<Values> {
    json.as_object()?
        .iter()
        .map(|(name, value)| Some((name.into(), read_value(value)?)))
        .collect()
}

fn read_value(json: &Json) -> Option<EvaluatedValue> {
    let (name, value) = json.as_object()?.iter().next()?;
    let text = |json: &Json| json.as_str().map(Str::from);
    Some(match ParamType::from_text(name)? {
        ParamType::String => EvaluatedValue::String(text(value)?),
        ParamType::Long => EvaluatedValue::Long(value.as_i64()?),
        ParamType::Double => EvaluatedValue::Double(from_bits(value)?),
        ParamType::Boolean => EvaluatedValue::Boolean(value.as_bool()?),
        ParamType::StringMap => EvaluatedValue::StringMap(Arc::new(
            value
                .as_object()?
                .iter()
                .map(|(k, v)| Some((k.into(), text(v)?)))
                .collect::<Option<_>>()?,
        )),
        ParamType::StringArray => EvaluatedValue::StringArray(
            value
                .as_array()?
                .iter()
                .map(|v| {
                    if *v == Json::Null {
                        Some(None)
                    } else {
                        text(v).map(Some)
                    }
                })
                .collect::<Option<_>>()?,
        ),
        ParamType::LongArray => EvaluatedValue::LongArray(
            value
                .as_array()?
                .iter()
                .map(Json::as_i64)
                .collect::<Option<_>>()?,
        ),
        ParamType::DoubleArray => EvaluatedValue::DoubleArray(
            value
                .as_array()?
                .iter()
                .map(from_bits)
                .collect::<Option<_>>()?,
        ),
        ParamType::BooleanArray => EvaluatedValue::BooleanArray(
            value
                .as_array()?
                .iter()
                .map(Json::as_bool)
                .collect::<Option<_>>()?,
        ),
        ParamType::Map => EvaluatedValue::Map(Arc::new(read_values(value)?)),
    })
}
