//! What the tests and the server that they kill have in common: attempts written as JSON.

use std::sync::Arc;

use maestro_model::definition::LeafType;
use maestro_model::json::Json;
use maestro_model::param::{Evaluated, EvaluatedValue, Param, ParamBody, ParamDefinition, Params};
use maestro_model::{Map, Str};
use maestro_steps::local::{JobIdentity, JobKey};
use maestro_steps::runtimes::Launch;

/// An attempt from `{"key":"k","type":"Shell","workflow":{..},"step":{"shell":{..}}}`, with params as plain results.
pub(crate) fn launch(json: &Json) -> Launch {
    let text = |name: &str| json.pointer(name).and_then(Json::as_str);
    let key = text("/key").expect("has a key");
    Launch {
        step_type: LeafType::from_text(text("/type").unwrap_or("Shell")).expect("is a type"),
        identity: JobIdentity {
            workflow_id: "wf".into(),
            instance_id: 3,
            run_id: 2,
            step_id: "job1".into(),
            attempt_id: 1,
            key: JobKey::new(key).expect("is plain"),
            root: ("wf".into(), 3),
        },
        workflow_params: Arc::new(params(json.pointer("/workflow"))),
        step_params: params(json.pointer("/step")),
    }
}

fn params(json: Option<&Json>) -> Params {
    let members = json.and_then(Json::as_object);
    let param = |(name, json): (&str, &Json)| {
        let result = evaluated(json);
        let param = Param {
            definition: ParamDefinition::new(ParamBody::Unset(result.ty())),
            evaluated: Some(Evaluated { result, time: 1 }),
        };
        (name.into(), param)
    };
    members.map_or_else(Params::default, |m| m.iter().map(param).collect())
}

fn evaluated(json: &Json) -> EvaluatedValue {
    match json {
        Json::Null => panic!("a param has a value"),
        Json::Bool(value) => EvaluatedValue::Boolean(*value),
        Json::Number(number) => match number.as_i64() {
            Some(value) => EvaluatedValue::Long(value),
            None => EvaluatedValue::Double(number.to_f64()),
        },
        Json::String(text) => EvaluatedValue::String((**text).into()),
        Json::Array(values) => match values.first() {
            Some(Json::Number(_)) => {
                EvaluatedValue::LongArray(values.iter().filter_map(Json::as_i64).collect())
            }
            _ => EvaluatedValue::StringArray(
                values
                    .iter()
                    .map(|value| value.as_str().map(Str::from))
                    .collect(),
            ),
        },
        Json::Object(object) => {
            let entries: Map<EvaluatedValue> = object
                .iter()
                .map(|(name, value)| (name.into(), evaluated(value)))
                .collect();
            EvaluatedValue::Map(Arc::new(entries))
        }
    }
}
