//! What an evaluation came to, and how it is stored.

use std::sync::Arc;

use maestro_model::codec::to_text;
use maestro_model::json::{Json, ToJson, Writer};
use maestro_model::param::{EvaluatedValue, ParamType};
use maestro_model::{Map, Str};

/// Evaluated params by name.
pub type Values = Map<EvaluatedValue>;

/// Results of params: all but those that literals and bundled defaults have anyway.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct Results {
    /// By name.
    pub values: Values,
    /// Results that were converted to the declared type, with the type that they had (spec 02 C-2).
    pub converted: Vec<(Str, ParamType)>,
    /// Names that the work of the step gave values.
    pub outputs: Vec<Str>,
}

impl Results {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The type that a result was converted from.
    #[must_use]
    pub fn converted_from(&self, name: &str) -> Option<ParamType> {
        self.converted
            .iter()
            .find(|(converted, _)| **converted == *name)
            .map(|(_, ty)| *ty)
    }

    /// As JSON text, to store it: `{"name": {"LONG": 1}}`, with `"from"` where it was converted and
    /// `"output"` where the work put it out.
    #[must_use]
    pub fn to_json(&self) -> String {
        to_text(&Stored(self))
    }

    /// As [`Results::to_json`] wrote it.
    ///
    /// # Errors
    /// The text is something else.
    pub fn from_json(text: &str) -> Result<Self, String> {
        let damaged = || "stored params are damaged".to_owned();
        let json = Json::parse(text.as_bytes()).map_err(|e| e.to_string())?;
        let mut results = Self::default();
        for (name, value) in json.as_object().ok_or_else(damaged)?.iter() {
            let name: Str = name.into();
            if let Some(from) = value.as_object().and_then(|o| o.get(FROM)) {
                let from = from.as_str().and_then(ParamType::from_text);
                results
                    .converted
                    .push((name.clone(), from.ok_or_else(damaged)?));
            }
            if value.as_object().is_some_and(|o| o.get(OUTPUT).is_some()) {
                results.outputs.push(name.clone());
            }
            results
                .values
                .insert(name, read_value(value).ok_or_else(damaged)?);
        }
        Ok(results)
    }
}

const FROM: &str = "from";
const OUTPUT: &str = "output";

struct Stored<'a>(&'a Results);

impl ToJson for Stored<'_> {
    fn write(&self, writer: &mut Writer) {
        writer.object(|o| {
            for (name, value) in &self.0.values {
                let from = self.0.converted_from(name);
                let output = self.0.outputs.contains(name);
                o.always(name, &TypedValue(value, from, output));
            }
        });
    }
}

struct TypedValue<'a>(&'a EvaluatedValue, Option<ParamType>, bool);

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
            if let Some(from) = self.1 {
                o.always(FROM, from.as_str());
            }
            if self.2 {
                o.always(OUTPUT, &true);
            }
        });
    }
}

struct Typed<'a>(&'a Values);

impl ToJson for Typed<'_> {
    fn write(&self, writer: &mut Writer) {
        writer.object(|o| {
            for (name, value) in self.0 {
                o.always(name, &TypedValue(value, None, false));
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
