//! The workflow object (spec 01 section 5.2).

use super::{ParsableLong, SignalTrigger, Step, Tag, TagList, TimeTrigger};
use crate::Str;
use crate::codec::{At, Field, FromJson, JsonError, Members};
use crate::json::{Json, ToJson, Writer};
use crate::param::{ParamMap, exactly_one_body};
use crate::text_enum::text_enum;

/// A workflow as it was pushed. Defaults are never written into it (spec 01 section 11).
#[derive(Debug, Clone, PartialEq)]
pub struct Workflow {
    /// Id.
    pub id: Str,
    /// Display name; the id when absent.
    pub name: Option<Str>,
    /// Free text.
    pub description: Option<Str>,
    /// Tags.
    pub tags: Option<TagList>,
    /// Longest time of a run; 10 days when absent.
    pub timeout: Option<ParsableLong>,
    /// Starts by the clock.
    pub time_triggers: Option<Vec<TimeTrigger>>,
    /// Starts by signals.
    pub signal_triggers: Option<Vec<SignalTrigger>>,
    /// How much it matters; handed to the step runtimes.
    pub criticality: Option<Criticality>,
    /// How many leaf steps of one run may be at work at once, 1..=999; unlimited when absent.
    pub instance_step_concurrency: Option<i64>,
    /// Params.
    pub params: Option<ParamMap>,
    /// Steps.
    pub steps: Vec<Step>,
}

impl Workflow {
    /// The steps of all levels, a loop before its nested steps.
    pub fn all_steps(&self) -> impl Iterator<Item = &Step> {
        let mut stack: Vec<&Step> = self.steps.iter().rev().collect();
        std::iter::from_fn(move || {
            let step = stack.pop()?;
            stack.extend(step.nested().iter().rev());
            Some(step)
        })
    }
}

text_enum! {
    /// How much a workflow matters.
    pub enum Criticality as "criticality" {
        /// Most.
        Critical = "CRITICAL",
        /// Much.
        High = "HIGH",
        /// Some.
        Medium = "MEDIUM",
        /// Little.
        Low = "LOW",
    }
}

const FIELDS: &[&str] = &[
    "id",
    "name",
    "description",
    "tags",
    "timeout",
    "time_triggers",
    "signal_triggers",
    "criticality",
    "instance_step_concurrency",
    "params",
    "steps",
];

impl FromJson for Workflow {
    fn from_json(json: Json, at: &At<'_>) -> Result<Self, JsonError> {
        let mut members = Members::open(json, at)?;
        let steps = members.raw("steps");
        let steps_at = at.name("steps");
        no_null_transitions(steps.as_ref(), &steps_at)?;
        let workflow = Self {
            id: members.required("id")?,
            name: members.field("name")?,
            description: members.field("description")?,
            tags: members.field("tags")?,
            timeout: members.field("timeout")?,
            time_triggers: members.field("time_triggers")?,
            signal_triggers: members.field("signal_triggers")?,
            criticality: members.field("criticality")?,
            instance_step_concurrency: members.field("instance_step_concurrency")?,
            params: members.field("params")?,
            // A missing list is told by the rule about empty ones (spec 01 V-31), beside other violations.
            steps: Option::<Vec<Step>>::field(steps, &steps_at)?.unwrap_or_default(),
        };
        members.close(FIELDS)?;
        exactly_one_body(workflow.params.as_ref(), &at.name("params"))?;
        unique_names(workflow.tags.as_deref(), &at.name("tags"))?;
        Ok(workflow)
    }
}

/// Refuses explicit nulls for the transition of top-level steps; nested steps may have them (spec 01 JS-3).
fn no_null_transitions(steps: Option<&Json>, at: &At<'_>) -> Result<(), JsonError> {
    for (index, step) in steps
        .and_then(Json::as_array)
        .unwrap_or_default()
        .iter()
        .enumerate()
    {
        let Some((kind, body)) = step.as_object().and_then(|wrapper| wrapper.iter().next()) else {
            continue;
        };
        let (at, step_body) = (at.index(index), body.as_object());
        let at = at.name(kind);
        let at = at.name("transition");
        let no_null = |json: Option<&Json>, at: &At<'_>| match json {
            Some(Json::Null) => Err(at.fault("null is not allowed here").hint("leave it out")),
            _ => Ok(()),
        };
        let transition = step_body.and_then(|body| body.get("transition"));
        no_null(transition, &at)?;
        for field in ["successors", "predecessors"] {
            no_null(
                transition
                    .and_then(Json::as_object)
                    .and_then(|t| t.get(field)),
                &at.name(field),
            )?;
        }
    }
    Ok(())
}

/// Refuses equal tag names (spec 01 TG-4).
fn unique_names(tags: Option<&[Tag]>, at: &At<'_>) -> Result<(), JsonError> {
    match super::tag::repeated_name(tags.unwrap_or_default()) {
        Some(name) => Err(at
            .fault(format!("the tag name `{name}` is given more than once"))
            .hint("remove one of them")),
        None => Ok(()),
    }
}

impl ToJson for Workflow {
    fn write(&self, out: &mut Writer) {
        out.object(|members| {
            members.always("id", &self.id);
            members.member("name", &self.name);
            members.member("description", &self.description);
            members.member("tags", &self.tags);
            members.member("timeout", &self.timeout);
            members.member("time_triggers", &self.time_triggers);
            members.member("signal_triggers", &self.signal_triggers);
            members.member("criticality", &self.criticality);
            members.member("instance_step_concurrency", &self.instance_step_concurrency);
            members.member("params", &self.params);
            members.always("steps", &self.steps);
        });
    }
}
