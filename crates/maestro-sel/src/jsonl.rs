//! Programs and answers line by line, in the form of the recorded ones (spec 03 section 15).

use std::{
    fmt,
    io::{self, BufRead, Write},
};

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value as Json, json};

use crate::{
    error::{ErrorKind, EvalError},
    host::{Environment, Inputs},
    limits::Limits,
    program::Program,
    value::{Output, TypeName, Value},
};

/// Evaluates programs from lines `{"id", "expr", "params"?}` and writes one line for each, in order: `{"id", "type",
/// "value"}`, or `{"id", "error"}` with `"message"` for THROWN and `"of"` for BADTYPE. Empty lines are skipped.
///
/// # Errors
/// Reading or writing fails, or a line does not have that form (kind [`io::ErrorKind::InvalidData`], with its number).
pub fn eval_jsonl(
    reader: impl BufRead,
    mut writer: impl Write,
    limits: &Limits,
    environment: &mut dyn Environment,
) -> io::Result<()> {
    for (number, line) in reader.lines().enumerate() {
        let line = line?;
        if line.trim().is_empty() {
            continue;
        }
        let request: Request = serde_json::from_str(&line).map_err(|error| {
            io::Error::new(
                io::ErrorKind::InvalidData,
                format!("line {}: {error}", number + 1),
            )
        })?;
        let mut answer = Map::new();
        answer.insert("id".to_owned(), request.id);
        match evaluate(&request.expr, &request.params.0, limits, environment) {
            Ok(output) => {
                let Json::Object(value) = output_json(&output) else {
                    continue;
                };
                answer.extend(value);
            }
            Err(error) => {
                answer.insert("error".to_owned(), error.kind().as_str().into());
                match error.kind() {
                    ErrorKind::Thrown => {
                        answer.insert("message".to_owned(), error.message().into());
                    }
                    ErrorKind::BadType => {
                        answer.insert(
                            "of".to_owned(),
                            error.result_type().map(TypeName::as_str).into(),
                        );
                    }
                    _ => {}
                }
            }
        }
        serde_json::to_writer(&mut writer, &answer)?;
        writer.write_all(b"\n")?;
    }
    writer.flush()
}

/// Parses and evaluates one program (spec 03 SE-2, SE-3); the first fault of the text is the error.
///
/// # Errors
/// As [`Program::parse_within`] and [`Program::eval`].
pub fn evaluate(
    text: &str,
    inputs: &[(String, Value)],
    limits: &Limits,
    environment: &mut dyn Environment,
) -> Result<Output, EvalError> {
    let program = Program::parse_within(text, limits)?;
    program.eval(&mut Inputs::new(inputs, environment), limits)
}

#[derive(serde::Deserialize)]
struct Request {
    id: Json,
    expr: String,
    #[serde(default)]
    params: Params,
}

/// Inputs in their order; the last one of a name wins.
#[derive(Default)]
struct Params(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Params {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Input::deserialize(deserializer)?.0 {
            Value::Map(entries) => Ok(Self(entries)),
            Value::Null => Ok(Self::default()),
            _ => Err(serde::de::Error::custom("`params` must be an object")),
        }
    }
}

/// A JSON value as the host value that it stands for.
struct Input(Value);

impl<'de> Deserialize<'de> for Input {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(InputVisitor).map(Self)
    }
}

/// Reads a JSON value for SEL from its text: numbers without point and exponent become LONG, others DOUBLE, lists typed
/// arrays (spec 03 section 15).
///
/// # Errors
/// The text is no JSON.
pub fn value_from_json(text: &str) -> serde_json::Result<Value> {
    serde_json::from_str::<Input>(text).map(|input| input.0)
}

struct InputVisitor;

impl<'de> Visitor<'de> for InputVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Value, E> {
        Ok(Value::Boolean(truth))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Long(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(i64::try_from(number).map_or_else(
            |_| Value::Foreign(format!("number {number} beyond 64 bits")),
            Value::Long,
        ))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Value::Double(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(Input(value)) = items.next_element()? {
            values.push(value);
        }
        Ok(typed_array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut values: Vec<(String, Value)> = Vec::new();
        let mut places = std::collections::BTreeMap::new();
        while let Some((key, Input(value))) = entries.next_entry::<String, Input>()? {
            match places.get(&key) {
                Some(at) => {
                    let at: usize = *at;
                    values[at].1 = value;
                }
                None => {
                    places.insert(key.clone(), values.len());
                    values.push((key, value));
                }
            }
        }
        Ok(Value::Map(values))
    }
}

/// The typed array of its elements; a list that is none cannot go into SEL.
fn typed_array(values: Vec<Value>) -> Value {
    let all = |test: fn(&Value) -> bool| values.iter().all(test);
    if all(|value| matches!(value, Value::String(_) | Value::Null)) {
        let text = |value| {
            if let Value::String(text) = value {
                Some(text)
            } else {
                None
            }
        };
        return Value::StringArray(values.into_iter().map(text).collect());
    }
    if all(|value| matches!(value, Value::Long(_))) {
        return Value::LongArray(
            values
                .iter()
                .filter_map(|v| {
                    if let Value::Long(n) = v {
                        Some(*n)
                    } else {
                        None
                    }
                })
                .collect(),
        );
    }
    if all(|value| matches!(value, Value::Long(_) | Value::Double(_))) {
        let number = |value: &Value| match value {
            Value::Long(number) => *number as f64,
            Value::Double(number) => *number,
            _ => 0.0,
        };
        return Value::DoubleArray(values.iter().map(number).collect());
    }
    if all(|value| matches!(value, Value::Boolean(_))) {
        return Value::BooleanArray(
            values
                .iter()
                .map(|value| *value == Value::Boolean(true))
                .collect(),
        );
    }
    Value::Foreign("list of mixed or nested values".to_owned())
}

fn number_json(number: f64) -> Json {
    match Number::from_f64(number) {
        Some(number) => Json::Number(number),
        None => crate::text::double_text(number).into(),
    }
}

/// A result as `{"type", "value"}` (spec 03 section 15).
#[must_use]
pub fn output_json(output: &Output) -> Json {
    let value = match output {
        Output::String(text) => json!(text),
        Output::Long(number) => json!(number),
        Output::Double(number) => number_json(*number),
        Output::Boolean(truth) => json!(truth),
        Output::StringArray(items) => json!(items),
        Output::LongArray(items) => json!(items),
        Output::DoubleArray(items) => items.iter().map(|number| number_json(*number)).collect(),
        Output::BooleanArray(items) => json!(items),
        Output::Map(None) => Json::Null,
        Output::Map(Some(entries)) => {
            let entry = |(key, value): &(Option<String>, Output)| {
                (
                    key.clone().unwrap_or_else(|| "null".to_owned()),
                    output_json(value),
                )
            };
            Json::Object(entries.iter().map(entry).collect())
        }
        Output::Other(name) => return json!({ "type": name.as_str() }),
    };
    json!({ "type": output.type_name().as_str(), "value": value })
}
