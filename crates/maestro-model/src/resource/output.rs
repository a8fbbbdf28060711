//! Outputs that a job hands in itself (spec 04 section 13.4).

use super::artifact::artifacts;
use crate::codec::{At, FromJson, JsonError, Members};
use crate::definition::StepType;
use crate::json::{Json, ToJson, Writer};
use crate::param::{EvaluatedValue, ParamBody, ParamValue, Params};
use crate::{Map, Str};

/// What a job handed in.
#[derive(Debug, Clone, PartialEq)]
pub struct OutputData {
    /// The type of the step that runs it.
    pub external_job_type: StepType,
    /// Its id there.
    pub external_job_id: Str,
    /// The workflow that it belongs to.
    pub workflow_id: Str,
    /// Evaluated params by name.
    pub params: Option<Params>,
    /// Artifacts by key: objects.
    pub artifacts: Option<Map<Json>>,
}

/// Stands for a value that equals its result (spec 02 O-2).
const IDENTICAL: &str = "PARAM_VALUE_IDENTICAL_TO_EVALUATED_RESULT";
/// Longer texts are kept once, in characters.
const LONG_TEXT: usize = 1_000;

impl OutputData {
    /// As it is kept: a long value that equals its result is not kept twice (spec 02 O-2).
    #[must_use]
    pub fn shortened(mut self) -> Self {
        for param in self.params.iter_mut().flat_map(Map::values_mut) {
            let ParamBody::Literal { value, .. } = &mut param.definition.body else {
                continue;
            };
            let result = param.evaluated.as_ref().map(|e| &e.result);
            match (&*value, result) {
                (ParamValue::StringArray(own), Some(EvaluatedValue::StringArray(result)))
                    if own == result =>
                {
                    *value = ParamValue::StringArray([Some(IDENTICAL.into())].into());
                }
                (ParamValue::String(own), Some(EvaluatedValue::String(result)))
                    if own == result && own.chars().nth(LONG_TEXT).is_some() =>
                {
                    *value = ParamValue::String(IDENTICAL.into());
                }
                _ => {}
            }
        }
        self
    }
}

impl FromJson for OutputData {
    fn from_json(json: Json, at: &At<'_>) -> Result<Self, JsonError> {
        let mut members = Members::open(json, at)?;
        let params = match members.raw("params") {
            None | Some(Json::Null) => None,
            Some(json) => Some(params(json, &at.name("params"))?),
        };
        let artifacts = match members.raw("artifacts") {
            None | Some(Json::Null) => None,
            Some(json) => Some(artifacts(json, &at.name("artifacts"))?),
        };
        let nothing = |(_, artifact): &(&Str, &Json)| **artifact == Json::Null;
        if let Some((key, json)) = artifacts.iter().flatten().find(|entry| nothing(entry)) {
            return Err(at
                .name("artifacts")
                .name(key)
                .wrong(json, "an artifact: an object"));
        }
        let has = |count: Option<usize>| count.is_some_and(|count| count > 0);
        if !has(params.as_ref().map(Map::len)) && !has(artifacts.as_ref().map(Map::len)) {
            return Err(at
                .fault("output data without `params` and without `artifacts`")
                .hint("give at least one of them"));
        }
        Ok(Self {
            external_job_type: members.required("external_job_type")?,
            external_job_id: members.required("external_job_id")?,
            workflow_id: members.required("workflow_id")?,
            params,
            artifacts,
        })
    }
}

/// The time of the evaluation may be missing.
fn params(json: Json, at: &At<'_>) -> Result<Params, JsonError> {
    let Json::Object(object) = json else {
        return Err(at.wrong(&json, "an object"));
    };
    let timed = object.into_iter().map(|(name, mut param)| {
        if let Json::Object(members) = &mut param
            && members
                .get("evaluated_time")
                .is_none_or(|time| *time == Json::Null)
        {
            members.insert("evaluated_time", Json::from(0_i64));
        }
        (name, param)
    });
    let timed = crate::json::Object::from_members(timed.collect());
    Params::from_json(Json::Object(timed), at)
}

impl ToJson for OutputData {
    fn write(&self, out: &mut Writer) {
        out.object(|members| {
            members.always("external_job_type", &self.external_job_type);
            members.always("external_job_id", &self.external_job_id);
            members.always("workflow_id", &self.workflow_id);
            members.member("params", &self.params);
            members.member("artifacts", &self.artifacts);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::read;

    #[test]
    fn long_values_are_kept_once() {
        let long = "x".repeat(1_001);
        let kept = |ty: &str, value: &str, result: &str| {
            let text = format!(
                r#"{{"external_job_id":"7","external_job_type":"kubernetes","workflow_id":"w",
                    "params":{{"p":{{"type":"{ty}","value":{value},"evaluated_result":{result},"evaluated_time":1}}}}}}"#
            );
            let data: OutputData = read(text.as_bytes()).unwrap_or_else(|e| panic!("{e}"));
            let before = data.clone();
            let after = data.shortened();
            let result = |data: &OutputData| {
                let param = data.params.as_ref().and_then(|p| p.get("p"));
                param.and_then(|p| p.result().cloned())
            };
            assert_eq!(result(&before), result(&after));
            crate::codec::to_text(&after).contains(IDENTICAL)
        };
        assert!(kept(
            "STRING",
            &format!("\"{long}\""),
            &format!("\"{long}\"")
        ));
        assert!(!kept("STRING", &format!("\"{long}\""), "\"other\""));
        assert!(!kept("STRING", "\"short\"", "\"short\""));
        assert!(kept("STRING_ARRAY", r#"["a"]"#, r#"["a"]"#));
        assert!(!kept("STRING_ARRAY", r#"["a"]"#, r#"["b"]"#));
        assert!(!kept("LONG", "5", "5"));
    }

    // [04:52] [04:75]
    #[test]
    fn what_is_accepted_and_refused() {
        let ids = r#""external_job_id":"7","external_job_type":"kubernetes","workflow_id":"w""#;
        let param = r#""params":{"p":{"type":"LONG","value":1,"evaluated_result":1}}"#;
        let is_read = |body: &str| read::<OutputData>(format!("{{{body}}}").as_bytes()).is_ok();
        assert!(is_read(&format!("{ids},{param},\"more\":1")));
        assert!(is_read(&format!(
            r#"{ids},"artifacts":{{"a":{{"k":null}}}}"#
        )));
        for body in [
            param.to_owned(),
            ids.to_owned(),
            format!(r#"{ids},"params":{{}},"artifacts":{{}}"#),
            format!(r#"{ids},"params":{{"p":null}}"#),
            format!(r#"{ids},"params":{{"p":{{"type":"LONG","value":1}}}}"#),
            format!(r#"{ids},"params":{{"p":{{"value":1,"evaluated_result":1}}}}"#),
            format!(r#"{ids},"params":{{"p":{{"type":"LONG","evaluated_result":"x","value":1}}}}"#),
            format!(r#"{ids},"artifacts":{{"a":5}}"#),
            format!(r#"{ids},{param},"artifacts":{{"a":null}}"#),
            format!(r#"{ids},"artifacts":{{"a":{{"type":"http","url":"x"}}}}"#),
            format!(r#""external_job_id":"7","workflow_id":"w",{param}"#),
        ] {
            assert!(!is_read(&body), "{body}");
        }
    }
}
