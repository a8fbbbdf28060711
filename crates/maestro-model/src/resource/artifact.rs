//! Artifacts: what runs and steps leave behind for those who look (spec 04 section 11.2, 05 section 4.1).
//!
//! The `type` of an artifact decides what it is. Those of the known kinds are closed and have one written form, which the
//! tables here describe; all others are free and stay as they are, without their `type`.

use crate::codec::{At, FromJson, JsonError, free_form, free_members};
use crate::json::{Json, Object};
use crate::run::RestartConfig;
use crate::state::{InstanceStatus, RunPolicy, StepStatus};
use crate::{Map, Str};

/// What a member of an artifact holds.
#[derive(Clone, Copy)]
enum Shape {
    Text,
    Long,
    Int,
    Flag,
    Policy,
    Restart,
    InstanceStatus,
    /// Anything.
    Free,
    /// An array.
    List(&'static Shape),
    /// An object with any names.
    Map(&'static Shape),
    /// An object by the statuses of steps.
    BySteps(&'static Shape),
    /// An object by the statuses of instances.
    ByInstances(&'static Shape),
    /// An object with these members and no others.
    Object(&'static [Field]),
    /// As [`Shape::Object`], or a bare number, which stands for its first member.
    Counted(&'static [Field]),
}

/// What a member is written as where it is not given.
#[derive(Clone, Copy)]
enum Otherwise {
    /// Not at all.
    Left,
    /// Not at all, and not when it is empty.
    LeftEmpty,
    Zero,
    True,
    NoElements,
}

/// Name, shape, and what is written where it is not given, in the order of writing.
type Field = (&'static str, Shape, Otherwise);

use Otherwise::{Left, LeftEmpty, NoElements, True, Zero};
use Shape::{Counted, Flag, Free, Int, List, Long, Policy, Restart, Text};

const TEXTS: Shape = List(&Text);
const TEXT_BY_NAME: Shape = Shape::Map(&Text);

const ROLLUP: Shape = Shape::Object(&[
    ("total_leaf_count", Long, Zero),
    ("overview", Shape::BySteps(&LEAVES), Left),
]);
const LEAVES: Shape = Counted(&[("cnt", Int, Zero), ("ref", Shape::Map(&TEXTS), Left)]);
const OVERVIEW: Shape = Shape::Object(&[
    ("total_step_count", Long, Zero),
    ("step_overview", Shape::BySteps(&STEPS), Left),
    ("rollup_overview", ROLLUP, Left),
    ("run_status", Shape::InstanceStatus, Left),
]);
const STEPS: Shape = Counted(&[("cnt", Long, Zero), ("steps", List(&List(&Long)), Left)]);
const ITERATIONS: Shape = Shape::Object(&[
    ("checkpoint", Long, Zero),
    ("stats", Shape::ByInstances(&Long), Left),
    ("running_stats", Shape::ByInstances(&Long), Left),
    ("rollup", ROLLUP, Left),
    ("running_rollup", ROLLUP, Left),
    ("details", Shape::ByInstances(&List(&Free)), Left),
    ("restart_info", List(&Long), LeftEmpty),
]);
const PENDING_ACTION: Shape = Shape::Object(&[
    ("instance_id", Long, Zero),
    ("instance_run_id", Long, Zero),
    ("restart_config", Restart, Left),
    ("action", Text, Left),
    ("user", Free, Left),
    ("create_time", Long, Left),
]);
const COMMAND: Shape = Shape::Object(&[
    ("app_name", Text, Left),
    ("args", TEXTS, Left),
    ("command", TEXTS, Left),
    ("cpu", Text, Left),
    ("disk", Text, Left),
    ("gpu", Text, Left),
    ("memory", Text, Left),
    ("image", Text, Left),
    ("entrypoint", Text, Left),
    ("env", TEXT_BY_NAME, Left),
    ("job_deduplication_key", Text, Left),
    ("owner_email", Text, Left),
    ("pre_stop", Shape::Object(&[("exec", EXEC, Left)]), Left),
]);
const EXEC: Shape = Shape::Object(&[("command", TEXTS, Left)]);
const REQUEST: Shape = Shape::Object(&[
    ("url", Text, Left),
    ("method", Text, Left),
    ("headers", TEXT_BY_NAME, Left),
    ("body", Text, Left),
]);

/// The kinds by name.
const KINDS: [(&str, &[Field]); 9] = [
    (
        "SUBWORKFLOW",
        &[
            ("subworkflow_id", Text, Left),
            ("subworkflow_version_id", Long, Zero),
            ("subworkflow_instance_id", Long, Zero),
            ("subworkflow_run_id", Long, Zero),
            ("subworkflow_uuid", Text, Left),
            ("subworkflow_overview", OVERVIEW, Left),
        ],
    ),
    (
        "FOREACH",
        &[
            ("foreach_workflow_id", Text, Left),
            ("foreach_identity", Text, Left),
            ("foreach_run_id", Long, Zero),
            ("run_policy", Policy, Left),
            ("run_id", Long, Zero),
            ("ancestor_iteration_count", Long, Left),
            ("total_loop_count", Int, Zero),
            ("next_loop_index", Int, Zero),
            ("foreach_overview", ITERATIONS, Left),
            ("pending_action", PENDING_ACTION, Left),
        ],
    ),
    (
        "WHILE",
        &[
            ("loop_workflow_id", Text, Left),
            ("loop_identity", Text, Left),
            ("loop_run_id", Long, Zero),
            ("run_policy", Policy, Left),
            ("run_id", Long, Zero),
            ("first_iteration", Long, Zero),
            ("last_iteration", Long, Zero),
            ("last_status", Shape::InstanceStatus, Left),
            ("last_overview", OVERVIEW, Left),
            ("rollup", ROLLUP, Left),
            ("loop_param_values", Shape::Map(&List(&Free)), Left),
        ],
    ),
    (
        "KUBERNETES",
        &[
            ("job_id", Text, Left),
            ("execution_script", Text, Left),
            ("execution_output", Text, Left),
            ("command", COMMAND, Left),
        ],
    ),
    (
        "HTTP",
        &[
            ("request", REQUEST, Left),
            ("status", Text, Left),
            ("status_code", Int, Zero),
            ("body", Text, Left),
        ],
    ),
    ("NOTEBOOK", &[("output_path", Text, Left)]),
    (
        "DYNAMIC_OUTPUT",
        &[("signal_outputs", List(&Free), Left), ("info", Free, Left)],
    ),
    ("RETRY", &[("retryable", Flag, True)]),
    (
        "TITUS",
        &[
            ("cmb_job_id", Text, Left),
            ("cmb_ui_link", Text, Left),
            ("execution_script", Text, Left),
            ("titus_job_id", Text, Left),
            ("titus_log_ui_link", Text, Left),
            ("titus_execution_output", Text, Left),
            ("titus_execution_error_output", Text, Left),
            ("titus_options", Free, Left),
            ("titus_task_id", Text, Left),
            ("milestones", List(&Free), NoElements),
        ],
    ),
];

/// An artifact in the form in which it is kept and shown.
///
/// # Errors
/// It is no object, or its type is known and it is not one of these.
pub(crate) fn artifact(json: Json, at: &At<'_>) -> Result<Json, JsonError> {
    let Json::Object(mut members) = json else {
        return Err(at.wrong(&json, "an artifact: an object"));
    };
    let ty = members.remove("type");
    let kind = ty.as_ref().and_then(Json::as_str).and_then(|ty| {
        let mut kinds = KINDS.iter();
        kinds.find(|(name, _)| crate::text_enum::same_word(name, ty))
    });
    let Some((name, fields)) = kind else {
        return free_members(members, at).map(Json::Object);
    };
    let mut written = shaped(members, fields, at).map_err(|fault| match fault.hint {
        Some(_) => fault,
        None => fault.hint(format!("the artifact is of type {name}")),
    })?;
    written.insert("type", Json::from(*name));
    Ok(Json::Object(written))
}

/// The members of an object in the order of its fields.
fn shaped(mut members: Object, fields: &[Field], at: &At<'_>) -> Result<Object, JsonError> {
    let mut written = Object::new();
    for (name, shape, otherwise) in fields {
        let given = members.remove(name).filter(|json| *json != Json::Null);
        let value = match (given, otherwise) {
            (Some(Json::Array(elements)), LeftEmpty) if elements.is_empty() => continue,
            (Some(json), _) => shape.read(json, &at.name(name))?,
            (None, Left | LeftEmpty) => continue,
            (None, Zero) => Json::from(0_i64),
            (None, True) => Json::Bool(true),
            (None, NoElements) => Json::Array(Vec::new()),
        };
        written.insert(name, value);
    }
    match members.into_iter().next() {
        None => Ok(written),
        Some((name, _)) => Err(at.name(&name).fault(format!("unknown field `{name}`"))),
    }
}

impl Shape {
    fn read(self, json: Json, at: &At<'_>) -> Result<Json, JsonError> {
        Ok(match self {
            Self::Text => Json::from(&*Str::from_json(json, at)?),
            Self::Long => Json::from(i64::from_json(json, at)?),
            Self::Int => Json::from(i64::from(i32::from_json(json, at)?)),
            Self::Flag => Json::Bool(bool::from_json(json, at)?),
            Self::Policy => Json::from(RunPolicy::from_json(json, at)?.as_str()),
            Self::InstanceStatus => Json::from(InstanceStatus::from_json(json, at)?.as_str()),
            Self::Restart => {
                RestartConfig::from_json(json.clone(), at)?;
                free_form(json, at)?
            }
            Self::Free => free_form(json, at)?,
            Self::List(element) => {
                let Json::Array(elements) = json else {
                    return Err(at.wrong(&json, "an array"));
                };
                let elements = elements.into_iter().enumerate();
                let read = |(index, json)| element.nullable(json, &at.index(index));
                Json::Array(elements.map(read).collect::<Result<_, _>>()?)
            }
            Self::Map(value) => value.each(json, at, |name, _| Ok((0, name.into())))?,
            Self::BySteps(value) => value.each(json, at, |name, at| {
                let status = StepStatus::from_json(Json::from(name), at)?;
                Ok((status as usize, status.as_str().into()))
            })?,
            Self::ByInstances(value) => value.each(json, at, |name, at| {
                let status = InstanceStatus::from_json(Json::from(name), at)?;
                Ok((status as usize, status.as_str().into()))
            })?,
            Self::Object(fields) => match json {
                Json::Object(members) => Json::Object(shaped(members, fields, at)?),
                other => return Err(at.wrong(&other, "an object")),
            },
            Self::Counted(fields) => match (json, fields) {
                (number @ Json::Number(_), [(name, ..), ..]) => {
                    let members = vec![((*name).into(), number)];
                    Json::Object(shaped(Object::from_members(members), fields, at)?)
                }
                (json, _) => Self::Object(fields).read(json, at)?,
            },
        })
    }

    /// An element or a value, which may be null.
    fn nullable(self, json: Json, at: &At<'_>) -> Result<Json, JsonError> {
        match json {
            Json::Null => Ok(Json::Null),
            json => self.read(json, at),
        }
    }

    /// An object with any number of such values. `key` gives the place among the others, where the order is not that of the
    /// text, and the written name.
    fn each(
        self,
        json: Json,
        at: &At<'_>,
        key: impl Fn(&str, &At<'_>) -> Result<(usize, Box<str>), JsonError>,
    ) -> Result<Json, JsonError> {
        let Json::Object(members) = json else {
            return Err(at.wrong(&json, "an object"));
        };
        let read = |(name, json): (Box<str>, Json)| {
            let at = at.name(&name);
            Ok((key(&name, &at)?, self.nullable(json, &at)?))
        };
        let read: Result<Vec<_>, JsonError> = members.into_iter().map(read).collect();
        let mut read = read?;
        read.sort_by_key(|((place, _), _)| *place);
        let members = read.into_iter().map(|((_, name), json)| (name, json));
        Ok(Json::Object(Object::from_members(members.collect())))
    }
}

/// Artifacts by key; a value may be null.
pub(crate) fn artifacts(json: Json, at: &At<'_>) -> Result<Map<Json>, JsonError> {
    let Json::Object(members) = json else {
        return Err(at.wrong(&json, "an object"));
    };
    let read = |(key, json): (Box<str>, Json)| {
        let at = at.name(&key);
        match json {
            Json::Null => Ok((Str::from(&*key), Json::Null)),
            json => Ok((Str::from(&*key), artifact(json, &at)?)),
        }
    };
    members.into_iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<String, String> {
        let json = Json::parse(json.as_bytes()).map_err(|fault| fault.to_string())?;
        artifact(json, &At::ROOT)
            .map(|json| json.to_text())
            .map_err(|fault| fault.to_string())
    }

    // [05:72]
    #[test]
    fn free_artifacts_stay_as_they_are_without_their_type() {
        for (sent, kept) in [
            (r#"{"n":1}"#, r#"{"n":1}"#),
            (r#"{"n":null,"e":{},"l":[]}"#, r#"{"n":null,"e":{},"l":[]}"#),
            (r#"{"type":"default","n":1}"#, r#"{"n":1}"#),
            (r#"{"type":"Strange","n":1}"#, r#"{"n":1}"#),
            (r#"{"type":null,"n":1}"#, r#"{"n":1}"#),
            ("{}", "{}"),
        ] {
            assert_eq!(read(sent).as_deref(), Ok(kept), "{sent}");
        }
        for bad in [r#""text""#, "5", "[]", "null"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn known_kinds_have_one_form() {
        for (sent, kept) in [
            (
                r#"{"type":"retry"}"#,
                r#"{"retryable":true,"type":"RETRY"}"#,
            ),
            (
                r#"{"type":"Foreach","total_loop_count":"3","foreach_identity":"x","foreach_overview":{"details":{"succeeded":[1,[2,3]]}}}"#,
                r#"{"foreach_identity":"x","foreach_run_id":0,"run_id":0,"total_loop_count":3,"next_loop_index":0,"foreach_overview":{"checkpoint":0,"details":{"SUCCEEDED":[1,[2,3]]}},"type":"FOREACH"}"#,
            ),
            (
                r#"{"type":"SUBWORKFLOW","subworkflow_overview":{"step_overview":{"RUNNING":1,"CREATED":{"steps":[[1,null,5]]}},"rollup_overview":{}}}"#,
                r#"{"subworkflow_version_id":0,"subworkflow_instance_id":0,"subworkflow_run_id":0,"subworkflow_overview":{"total_step_count":0,"step_overview":{"CREATED":{"cnt":0,"steps":[[1,null,5]]},"RUNNING":{"cnt":1}},"rollup_overview":{"total_leaf_count":0}},"type":"SUBWORKFLOW"}"#,
            ),
            (
                r#"{"body":"ok","type":"http","status_code":200,"request":{"method":"GET","url":"u"}}"#,
                r#"{"request":{"url":"u","method":"GET"},"status_code":200,"body":"ok","type":"HTTP"}"#,
            ),
            (r#"{"type":"titus"}"#, r#"{"milestones":[],"type":"TITUS"}"#),
        ] {
            let once = read(sent).unwrap_or_else(|fault| panic!("{sent}: {fault}"));
            assert_eq!(once, kept);
            assert_eq!(read(&once), Ok(once.clone()), "the form is its own");
        }
    }

    #[test]
    fn known_kinds_are_closed() {
        for (bad, place) in [
            (r#"{"type":"http","url":"x"}"#, "url"),
            (r#"{"type":"http","request":{"uri":"x"}}"#, "request.uri"),
            (r#"{"type":"notebook","output_path":{}}"#, "output_path"),
            (
                r#"{"type":"foreach","total_loop_count":"many"}"#,
                "total_loop_count",
            ),
            (r#"{"type":"while","last_status":"FINE"}"#, "last_status"),
            (
                r#"{"type":"while","rollup":{"overview":{"NOPE":1}}}"#,
                "rollup.overview",
            ),
            (r#"{"type":"kubernetes","command":[]}"#, "command"),
            (r#"{"type":"kubernetes","command":{"args":"x"}}"#, "args"),
        ] {
            let fault = read(bad).expect_err(bad);
            assert!(fault.contains(place), "{bad}: {fault}");
        }
    }
}
