//! How a run starts: fresh, or again from somewhere (spec 05 section 12).

use crate::codec::{At, FromJson, JsonError, Members, object};
use crate::definition::TagList;
use crate::json::{Json, ToJson, Writer};
use crate::param::{ParamMap, exactly_one_body};
use crate::state::RunPolicy;
use crate::text_enum::text_enum;
use crate::{Map, Str};

impl RunPolicy {
    /// Reads the policy of a restart request: two of the words, in upper case only (spec 05 section 12.2).
    pub(super) fn of_request(members: &mut Members<'_>, at: &At<'_>) -> Result<Self, JsonError> {
        const FIELD: &str = "restart_policy";
        let text: Str = members.required(FIELD)?;
        [Self::RestartFromIncomplete, Self::RestartFromBeginning].into_iter().find(|policy| policy.as_str() == &*text).ok_or_else(
            || {
                at.name(FIELD)
                    .fault(format!("unknown restart policy `{text}`"))
                    .hint("known, in exactly this case: RESTART_FROM_INCOMPLETE, RESTART_FROM_BEGINNING")
            },
        )
    }
}

text_enum! {
    /// Where a restart of a step inside of a loop takes hold.
    pub enum UpstreamRestartMode as "upstream restart mode" {
        /// At the closest instance that is not inside of a loop.
        RestartFromInlineRoot = "RESTART_FROM_INLINE_ROOT",
        /// At the step.
        RestartFromStep = "RESTART_FROM_STEP",
    }
}

/// What a run was started with (spec 05 CR-3).
#[derive(Debug, Clone, PartialEq)]
pub struct RunConfig {
    /// Tags of the start request.
    pub runtime_tags: Option<TagList>,
    /// Ties runs together; as requested.
    pub correlation_id: Option<Str>,
    /// How the run started.
    pub policy: RunPolicy,
    /// Where it was restarted.
    pub restart_config: Option<RestartConfig>,
}

object!(RunConfig, skip null { runtime_tags, correlation_id, policy, restart_config });

/// Where and how a run is restarted (spec 05 section 12.1).
#[derive(Debug, Clone, PartialEq)]
pub struct RestartConfig {
    /// From the leaf to the root; the last one is the node at hand.
    pub restart_path: Vec<RestartNode>,
    /// For the node at hand.
    pub restart_policy: RunPolicy,
    /// For what is nested in it.
    pub downstream_policy: RunPolicy,
    /// Params of the workflow at the leaf.
    pub restart_params: Option<ParamMap>,
    /// Params of steps at the leaf.
    pub step_restart_params: Option<Map<ParamMap>>,
    /// Steps to be skipped.
    pub skip_steps: Option<Vec<Str>>,
}

impl FromJson for RestartConfig {
    fn from_json(json: Json, at: &At<'_>) -> Result<Self, JsonError> {
        const FIELDS: &[&str] = &[
            "restart_path",
            "restart_policy",
            "downstream_policy",
            "restart_params",
            "step_restart_params",
            "skip_steps",
        ];
        let mut members = Members::open(json, at)?;
        let policy = |policy: Option<RunPolicy>| policy.unwrap_or(RunPolicy::RestartFromIncomplete);
        let config = Self {
            restart_path: members.field("restart_path")?,
            restart_policy: policy(members.field("restart_policy")?),
            downstream_policy: policy(members.field("downstream_policy")?),
            restart_params: members.field("restart_params")?,
            step_restart_params: members.field("step_restart_params")?,
            skip_steps: members.field("skip_steps")?,
        };
        members.close(FIELDS)?;
        exactly_one_body(config.restart_params.as_ref(), &at.name("restart_params"))?;
        for (step, params) in config.step_restart_params.iter().flatten() {
            exactly_one_body(Some(params), &at.name("step_restart_params").name(step))?;
        }
        Ok(config)
    }
}

impl ToJson for RestartConfig {
    fn write(&self, out: &mut Writer) {
        out.object(|members| {
            members.always("restart_path", &self.restart_path);
            members.always("restart_policy", &self.restart_policy);
            members.always("downstream_policy", &self.downstream_policy);
            members.member("restart_params", &self.restart_params);
            members.member("step_restart_params", &self.step_restart_params);
            members.member("skip_steps", &self.skip_steps);
        });
    }
}

/// One instance on the way of a restart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestartNode {
    /// Workflow.
    pub workflow_id: Str,
    /// Instance.
    pub instance_id: i64,
    /// Step; printed even if absent (spec 04 S-3).
    pub step_id: Option<Str>,
}

impl FromJson for RestartNode {
    fn from_json(json: Json, at: &At<'_>) -> Result<Self, JsonError> {
        let mut members = Members::open(json, at)?;
        let node = Self {
            workflow_id: members.field("workflow_id")?,
            instance_id: members.field("instance_id")?,
            step_id: members.field("step_id")?,
        };
        members.close(&["workflow_id", "instance_id", "step_id"])?;
        Ok(node)
    }
}

impl ToJson for RestartNode {
    fn write(&self, out: &mut Writer) {
        out.object(|members| {
            members.always("workflow_id", &self.workflow_id);
            members.always("instance_id", &self.instance_id);
            members.always("step_id", &self.step_id);
        });
    }
}
