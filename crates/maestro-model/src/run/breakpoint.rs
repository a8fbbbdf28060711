//! Bodies that name steps of runs (spec 04 sections 9.9, 12.2).

use crate::Str;
use crate::codec::{At, FromJson, JsonError, Members};
use crate::json::Json;

/// The body that sets a breakpoint; only breakpoints of a step of all versions, instances and attempts can be set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BreakpointRequest {
    /// The workflow.
    pub workflow_id: Str,
    /// The step.
    pub step_id: Str,
}

/// An element of the path from a root instance to a step inside of loops.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeRef {
    /// The workflow; empty where it was left out.
    pub workflow_id: Str,
    /// The instance; 0 where it was left out.
    pub instance_id: i64,
    /// The step.
    pub step_id: Option<Str>,
}

impl FromJson for BreakpointRequest {
    fn from_json(json: Json, at: &At<'_>) -> Result<Self, JsonError> {
        const FINER: [&str; 4] = [
            "workflow_version",
            "workflow_instance_id",
            "workflow_run",
            "step_attempt_id",
        ];
        let mut members = Members::open(json, at)?;
        let request = Self {
            workflow_id: members.required("workflow_id")?,
            step_id: members.required("step_id")?,
        };
        for name in FINER {
            if members.raw(name).is_some_and(|json| json != Json::Null) {
                return Err(JsonError {
                    is_violation: true,
                    ..at.name(name).fault("must be null")
                });
            }
        }
        let known = ["workflow_id", "step_id"];
        members.close(&[&known[..], &FINER].concat())?;
        Ok(request)
    }
}

impl FromJson for NodeRef {
    fn from_json(json: Json, at: &At<'_>) -> Result<Self, JsonError> {
        let mut members = Members::open(json, at)?;
        let workflow_id: Option<Str> = members.field("workflow_id")?;
        let instance_id: Option<i64> = members.field("instance_id")?;
        let step_id = members.field("step_id")?;
        let _: Option<i64> = members.field("run_id")?;
        let _: Option<i64> = members.field("step_attempt_id")?;
        let _: Option<bool> = members.field("sync")?;
        members.close(&[
            "workflow_id",
            "instance_id",
            "run_id",
            "step_id",
            "step_attempt_id",
            "sync",
        ])?;
        Ok(Self {
            workflow_id: workflow_id.unwrap_or_default(),
            instance_id: instance_id.unwrap_or(0),
            step_id,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::read;

    // [04:46]
    #[test]
    fn finer_breakpoints_are_refused() {
        let is_read = |json: &str| read::<BreakpointRequest>(json.as_bytes()).is_ok();
        assert!(is_read(
            r#"{"workflow_id":"w","step_id":"s","workflow_version":null}"#
        ));
        for more in [
            r#""workflow_version":1"#,
            r#""workflow_instance_id":1"#,
            r#""workflow_run":1"#,
            r#""step_attempt_id":1"#,
            r#""foo":null"#,
        ] {
            let json = format!(r#"{{"workflow_id":"w","step_id":"s",{more}}}"#);
            assert!(!is_read(&json), "{more}");
        }
        assert!(!is_read(r#"{"step_id":"s"}"#));
    }
}
