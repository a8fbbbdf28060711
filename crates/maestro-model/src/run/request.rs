//! Bodies of start and restart requests (spec 05 sections 4.1, 12.2), and what they come to inside.

use super::{Initiator, RestartConfig, UpstreamRestartMode};
use crate::codec::{At, FromJson, JsonError, Members};
use crate::definition::{TagList, User};
use crate::json::{Json, ToJson, Writer};
use crate::param::{ParamMap, exactly_one_body};
use crate::resource::artifacts;
use crate::state::RunPolicy;
use crate::{Map, Str};
use uuid::Uuid;

/// The body of a start (spec 05 section 4.1).
#[derive(Debug, Clone, PartialEq)]
pub struct StartRequest {
    /// Who starts.
    pub initiator: Initiator,
    /// Epoch milliseconds; now when not given, 0 when given as null.
    pub request_time: Option<i64>,
    /// Makes the call idempotent; becomes the run's uuid.
    pub request_id: Option<Uuid>,
    /// Tags for this run. Absent and empty are two things.
    pub runtime_tags: Option<TagList>,
    /// Params for this run.
    pub run_params: Option<ParamMap>,
    /// Stored on the run: an object, or null, by name.
    pub artifacts: Option<Map<Json>>,
    /// Whether params that fail make a failed run instead of an error.
    pub persist_failed_run: bool,
}

/// The body of a restart (spec 05 section 12.2).
#[derive(Debug, Clone, PartialEq)]
pub struct RestartRequest {
    /// As for a start.
    pub request_time: Option<i64>,
    /// As for a start.
    pub request_id: Option<Uuid>,
    /// From incomplete steps, or from the beginning.
    pub restart_policy: RunPolicy,
    /// Params for the new run.
    pub run_params: Option<ParamMap>,
}

/// The body of a restart of a step (spec 05 section 12.2).
#[derive(Debug, Clone, PartialEq)]
pub struct StepRestartRequest {
    /// As for a start.
    pub request_time: Option<i64>,
    /// As for a start.
    pub request_id: Option<Uuid>,
    /// For what is nested in the step.
    pub restart_policy: RunPolicy,
    /// Params for the step.
    pub step_run_params: Option<ParamMap>,
    /// Where the restart takes hold.
    pub upstream_restart_mode: UpstreamRestartMode,
}

/// What a run is made from: a request of the API or of a step, with everything filled in.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRequest {
    /// Who starts.
    pub initiator: Initiator,
    /// Epoch milliseconds.
    pub request_time: i64,
    /// Becomes the run's uuid.
    pub request_id: Uuid,
    /// How the run starts.
    pub policy: RunPolicy,
    /// Where it is restarted.
    pub restart_config: Option<RestartConfig>,
    /// Ties runs together; a child has that of its parent.
    pub correlation_id: Option<Str>,
    /// Largest group number; a child has that of its parent.
    pub group_info: Option<i64>,
    /// Tags for this run.
    pub runtime_tags: Option<TagList>,
    /// Params for this run.
    pub run_params: ParamMap,
    /// Params by step.
    pub step_run_params: Option<Map<ParamMap>>,
    /// Stored on the run.
    pub artifacts: Option<Map<Json>>,
    /// How many leaf steps of the run may be at work at once.
    pub instance_step_concurrency: Option<i64>,
    /// Whether params that fail make a failed run instead of an error.
    pub persist_failed_run: bool,
}

impl StartRequest {
    /// What a start by `caller` comes to: the caller is the user of a manual start (spec 05 IN-4). `now` is in epoch
    /// milliseconds; `id` is taken if the request has none.
    pub fn into_run_request(self, caller: User, now: i64, id: Uuid) -> RunRequest {
        let initiator = match self.initiator {
            Initiator::Manual { depth, .. } => Initiator::Manual {
                depth,
                user: Some(caller),
            },
            other => other,
        };
        RunRequest {
            initiator,
            request_time: self.request_time.unwrap_or(now),
            request_id: self.request_id.unwrap_or(id),
            policy: RunPolicy::StartFreshNewRun,
            restart_config: None,
            correlation_id: None,
            group_info: None,
            runtime_tags: self.runtime_tags,
            run_params: self.run_params.unwrap_or_default(),
            step_run_params: None,
            artifacts: self.artifacts,
            instance_step_concurrency: None,
            persist_failed_run: self.persist_failed_run,
        }
    }
}

/// A time that is now when not given, but 0 when null (spec 04 section 8.1).
fn request_time(members: &mut Members<'_>) -> Result<Option<i64>, JsonError> {
    if !members.has("request_time") {
        return Ok(None);
    }
    members
        .field("request_time")
        .map(|time: Option<i64>| Some(time.unwrap_or(0)))
}

/// The hyphenated form in either case (spec 04 S-10); the empty text means none.
impl FromJson for Uuid {
    fn from_json(json: Json, at: &At<'_>) -> Result<Self, JsonError> {
        let text = json.as_str().filter(|text| text.len() == 36);
        text.and_then(|text| Uuid::parse_str(text).ok())
            .ok_or_else(|| at.wrong(&json, "a UUID such as 123e4567-e89b-12d3-a456-426614174000"))
    }

    fn from_nullable(json: Json, at: &At<'_>) -> Result<Option<Self>, JsonError> {
        match json.as_str() {
            Some("") => Ok(None),
            _ if json == Json::Null => Ok(None),
            _ => Self::from_json(json, at).map(Some),
        }
    }
}

impl ToJson for Uuid {
    fn write(&self, out: &mut Writer) {
        out.string(self.hyphenated().encode_lower(&mut Uuid::encode_buffer()));
    }
}

fn params(
    members: &mut Members<'_>,
    name: &str,
    at: &At<'_>,
) -> Result<Option<ParamMap>, JsonError> {
    let params: Option<ParamMap> = members.field(name)?;
    exactly_one_body(params.as_ref(), &at.name(name))?;
    Ok(params)
}

impl FromJson for StartRequest {
    fn from_json(json: Json, at: &At<'_>) -> Result<Self, JsonError> {
        const FIELDS: &[&str] = &[
            "initiator",
            "request_time",
            "request_id",
            "runtime_tags",
            "run_params",
            "artifacts",
            "persist_failed_run",
        ];
        let mut members = Members::open(json, at)?;
        let persist: Option<bool> = members.field("persist_failed_run")?;
        let request = Self {
            initiator: members.required("initiator")?,
            request_time: request_time(&mut members)?,
            request_id: members.field("request_id")?,
            runtime_tags: members.field("runtime_tags")?,
            run_params: params(&mut members, "run_params", at)?,
            artifacts: match members.raw("artifacts") {
                None | Some(Json::Null) => None,
                Some(json) => Some(artifacts(json, &at.name("artifacts"))?),
            },
            persist_failed_run: persist.unwrap_or(false),
        };
        members.close(FIELDS)?;
        Ok(request)
    }
}

impl ToJson for StartRequest {
    fn write(&self, out: &mut Writer) {
        out.object(|members| {
            members.always("initiator", &self.initiator);
            members.member("request_time", &self.request_time);
            members.member("request_id", &self.request_id);
            members.member("runtime_tags", &self.runtime_tags);
            members.member("run_params", &self.run_params);
            members.member("artifacts", &self.artifacts);
            members.always("persist_failed_run", &self.persist_failed_run);
        });
    }
}

impl FromJson for RestartRequest {
    fn from_json(json: Json, at: &At<'_>) -> Result<Self, JsonError> {
        let mut members = Members::open(json, at)?;
        let request = Self {
            request_time: request_time(&mut members)?,
            request_id: members.field("request_id")?,
            restart_policy: RunPolicy::of_request(&mut members, at)?,
            run_params: params(&mut members, "run_params", at)?,
        };
        members.close(&["request_time", "request_id", "restart_policy", "run_params"])?;
        Ok(request)
    }
}

impl FromJson for StepRestartRequest {
    fn from_json(json: Json, at: &At<'_>) -> Result<Self, JsonError> {
        const MODE: &str = "upstream_restart_mode";
        let mut members = Members::open(json, at)?;
        let mode: Option<Str> = members.field(MODE)?;
        let mode = match mode {
            None => UpstreamRestartMode::RestartFromStep,
            Some(text) => {
                UpstreamRestartMode::ALL.iter().copied().find(|mode| mode.as_str() == &*text).ok_or_else(|| {
                    at.name(MODE)
                        .fault(format!("unknown upstream restart mode `{text}`"))
                        .hint("known, in exactly this case: RESTART_FROM_INLINE_ROOT, RESTART_FROM_STEP")
                })?
            }
        };
        let request = Self {
            request_time: request_time(&mut members)?,
            request_id: members.field("request_id")?,
            restart_policy: RunPolicy::of_request(&mut members, at)?,
            step_run_params: params(&mut members, "step_run_params", at)?,
            upstream_restart_mode: mode,
        };
        members.close(&[
            "request_time",
            "request_id",
            "restart_policy",
            "step_run_params",
            MODE,
        ])?;
        Ok(request)
    }
}

impl ToJson for RestartRequest {
    fn write(&self, out: &mut Writer) {
        out.object(|members| {
            members.member("request_time", &self.request_time);
            members.member("request_id", &self.request_id);
            members.always("restart_policy", &self.restart_policy);
            members.member("run_params", &self.run_params);
        });
    }
}

impl ToJson for StepRestartRequest {
    fn write(&self, out: &mut Writer) {
        out.object(|members| {
            members.member("request_time", &self.request_time);
            members.member("request_id", &self.request_id);
            members.always("restart_policy", &self.restart_policy);
            members.member("step_run_params", &self.step_run_params);
            members.always("upstream_restart_mode", &self.upstream_restart_mode);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec;
    use crate::validate::{self, Limits};

    fn start(fields: &str) -> Result<StartRequest, JsonError> {
        codec::read(format!(r#"{{"initiator":{{"type":"manual"}}{fields}}}"#).as_bytes())
    }

    fn run(fields: &str) -> RunRequest {
        let request = start(fields).expect("readable");
        request.into_run_request("ann".into(), 99, Uuid::nil())
    }

    // [04:68]
    #[test]
    fn start_requests_are_read_strictly_where_it_matters() {
        for fields in [
            r#","run_params":{"limit":null}"#,
            r#","run_params":"x""#,
            r#","runtime_tags":[null]"#,
            r#","runtime_tags":"a""#,
            r#","artifacts":{"a":5}"#,
            r#","request_id":"abc""#,
            r#","colour":1"#,
        ] {
            assert!(start(fields).is_err(), "{fields}");
        }
        assert_eq!(run(r#","request_id":"""#).request_id, Uuid::nil());
        let id = run(r#","request_id":"7B92BD31-8478-35DB-BB77-DFDB3D7260FC""#).request_id;
        assert_eq!(
            codec::to_text(&id),
            "\"7b92bd31-8478-35db-bb77-dfdb3d7260fc\""
        );
        assert_eq!(run(r#","request_time":null"#).request_time, 0);
        assert_eq!(run("").request_time, 99);
        let deep: StartRequest =
            codec::read(br#"{"initiator":{"type":"manual","depth":3}}"#).expect("readable");
        assert_eq!(
            codec::to_text(
                &deep
                    .into_run_request("ann".into(), 0, Uuid::nil())
                    .initiator
            ),
            r#"{"depth":3,"type":"MANUAL","user":"ann"}"#
        );
    }

    // [04:26]
    #[test]
    fn run_params_follow_the_rules_of_definitions() {
        assert!(
            start(r#","run_params":{"p":{"value":1,"expression":"1","type":"LONG"}}"#).is_err()
        );
        let params = run(r#","run_params":{"p":{"value":"4","type":"long"}}"#).run_params;
        assert_eq!(
            codec::to_text(&params),
            r#"{"p":{"value":4,"type":"LONG"}}"#
        );
    }

    // [02:57,58] [04:27]
    #[test]
    fn names_number_and_source_of_run_params_are_limited() {
        let violations = |params: &str| {
            let request = start(&format!(r#","run_params":{{{params}}}"#)).expect("readable");
            validate::start(&request, &Limits::default())
                .err()
                .map_or(0, |invalid| invalid.violations.len())
        };
        let param = |name: &str| format!(r#""{name}":{{"type":"LONG","value":1}}"#);
        let many = |count: usize| {
            (0..count)
                .map(|n| param(&format!("p{n}")))
                .collect::<Vec<_>>()
                .join(",")
        };
        assert_eq!(violations(&many(128)), 0);
        assert_eq!(violations(&many(129)), 1);
        for name in [
            "params",
            "MAESTRO",
            "Util",
            "AUTH_BLOB",
            "AUTHORIZED_MANAGERS",
            "a__b",
            "9a",
            "Maestro_x",
        ] {
            assert_eq!(violations(&param(name)), 1, "{name}");
        }
        assert_eq!(
            violations(&format!(
                "{},{}",
                param("AUTHORIZED_managers"),
                param("_a.b-c")
            )),
            0
        );
        assert_eq!(
            violations(r#""p":{"type":"LONG","value":1,"source":"LAUNCH"}"#),
            1
        );
        assert_eq!(
            violations(r#""p":{"type":"LONG","value":1,"source":null}"#),
            1
        );
        assert_eq!(
            violations(
                r#""p":{"type":"MAP","value":{"q":{"type":"LONG","value":1,"source":"LAUNCH"}}}"#
            ),
            0
        );
    }

    #[test]
    fn ancestors_give_depth_and_parents() {
        let json = r#"{"ancestors":[{"workflow_id":"a","instance_id":1,"run_id":1,"step_id":"s","step_attempt_id":1,"sync":true},{"workflow_id":"maestro_foreach_x","instance_id":2,"run_id":1,"step_id":"t","step_attempt_id":1}],"depth":2,"type":"SUBWORKFLOW"}"#;
        let initiator: Initiator = codec::read(json.as_bytes()).expect("an initiator");
        assert_eq!(codec::to_text(&initiator), json);
        let ancestors = initiator.ancestors().expect("nested");
        assert_eq!(&*ancestors.parent().workflow_id, "maestro_foreach_x");
        assert_eq!(&*ancestors.non_inline_parent().workflow_id, "a");
        assert!(codec::read::<Initiator>(br#"{"type":"FOREACH","ancestors":[]}"#).is_err());
        assert!(
            codec::read::<Initiator>(br#"{"type":"TIME","trigger_uuid":"u","trigger_time":1}"#)
                .is_err()
        );
        assert!(codec::read::<Initiator>(br#"{"type":"MANUAL","foo":1}"#).is_err());
    }

    #[test]
    fn restart_requests_come_back() {
        let json =
            r#"{"request_time":5,"restart_policy":"RESTART_FROM_BEGINNING","run_params":{}}"#;
        let request: RestartRequest = codec::read(json.as_bytes()).expect("readable");
        assert_eq!(codec::to_text(&request), json);
        let json = r#"{"restart_policy":"RESTART_FROM_INCOMPLETE","upstream_restart_mode":"RESTART_FROM_STEP"}"#;
        let request: StepRestartRequest = codec::read(json.as_bytes()).expect("readable");
        assert_eq!(codec::to_text(&request), json);
        assert!(
            codec::read::<StepRestartRequest>(br#"{"restart_policy":"RESTART_FROM_SPECIFIC"}"#)
                .is_err()
        );
    }
}
