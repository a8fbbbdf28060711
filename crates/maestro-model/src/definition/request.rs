//! Requests that change definitions and properties (spec 01 sections 4.5, 5.1).

use super::{Properties, Workflow};
use crate::Str;
use crate::codec::{At, FromJson, JsonError, Members, object};
use crate::json::{Json, Object, ToJson, Writer};
use crate::resource::open_members;
use std::sync::Arc;

/// The body of a push or a validation (spec 01 section 5.1).
#[derive(Debug, Clone, PartialEq)]
pub struct WorkflowCreateRequest {
    /// Properties; required, with an owner, for the first version.
    pub properties: Option<Properties>,
    /// The definition.
    pub workflow: Arc<Workflow>,
    /// Whether the version becomes the active one; true when not given, `None` for an explicit null, which only a push
    /// refuses (spec 01 JS-3).
    pub is_active: Option<bool>,
    /// Where the definition comes from.
    pub git_info: Option<GitInfo>,
    /// Whatever else was sent: becomes part of the metadata.
    pub extra_info: Object,
}

/// Where a definition comes from (spec 01 section 2.6).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GitInfo {
    /// Repository.
    pub origin: Option<Str>,
    /// Branch.
    pub branch: Option<Str>,
    /// Commit.
    pub sha: Option<Str>,
    /// File.
    pub path: Option<Str>,
    /// Who wrote it.
    pub author: Option<Str>,
    /// Epoch milliseconds.
    pub timestamp: Option<i64>,
    /// Whether the working copy differed.
    pub uncommitted_changes: Option<bool>,
}

/// The body of a change of properties (spec 01 section 4.5).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PropertiesUpdate {
    /// New values of what is given; tags have endpoints of their own.
    pub properties: Properties,
    /// Unsets the run strategy.
    pub reset_run_strategy_rule: bool,
    /// Sets a PARALLEL strategy to its default concurrency.
    pub reset_workflow_concurrency: bool,
    /// Unsets the step concurrency.
    pub reset_step_concurrency: bool,
}

object!(GitInfo, skip null { origin, branch, sha, path, author, timestamp, uncommitted_changes });

impl FromJson for WorkflowCreateRequest {
    fn from_json(json: Json, at: &At<'_>) -> Result<Self, JsonError> {
        let mut members = Members::open(json, at)?;
        let is_active = if members.has("is_active") {
            members.field("is_active")?
        } else {
            Some(true)
        };
        Ok(Self {
            properties: members.field("properties")?,
            workflow: members.required("workflow")?,
            is_active,
            git_info: members.field("git_info")?,
            extra_info: open_members(members.rest(), "extra_info", at)?,
        })
    }
}

impl ToJson for WorkflowCreateRequest {
    fn write(&self, out: &mut Writer) {
        out.object(|members| {
            members.member("properties", &self.properties);
            members.always("workflow", &self.workflow);
            members.member("is_active", &self.is_active);
            members.member("git_info", &self.git_info);
            members.members(&self.extra_info);
        });
    }
}

const RESETS: [&str; 3] = [
    "reset_run_strategy_rule",
    "reset_workflow_concurrency",
    "reset_step_concurrency",
];

impl FromJson for PropertiesUpdate {
    fn from_json(json: Json, at: &At<'_>) -> Result<Self, JsonError> {
        let mut members = Members::open(json, at)?;
        let mut reset = |name| {
            members
                .field(name)
                .map(|set: Option<bool>| set.unwrap_or(false))
        };
        let [rule, workflow, step] = RESETS.map(&mut reset);
        let nested: Option<Properties> = members.field("properties")?;
        if members.has("tags") {
            return Err(at
                .name("tags")
                .fault("tags cannot be set here")
                .hint("use the tag endpoints of the workflow"));
        }
        let flat = Properties::take(&mut members)?;
        let known: Vec<&str> = Properties::FIELDS
            .iter()
            .copied()
            .filter(|f| *f != "tags")
            .chain(RESETS)
            .collect();
        members.close(&known)?;
        let update = Self {
            properties: nested.unwrap_or(flat),
            reset_run_strategy_rule: rule?,
            reset_workflow_concurrency: workflow?,
            reset_step_concurrency: step?,
        };
        update.check(at)?;
        Ok(update)
    }
}

impl PropertiesUpdate {
    fn check(&self, at: &At<'_>) -> Result<(), JsonError> {
        if self
            .properties
            .tags
            .as_ref()
            .is_some_and(|tags| !tags.is_empty())
        {
            let at = at.name("properties");
            return Err(at
                .name("tags")
                .fault("tags cannot be set here")
                .hint("use the tag endpoints of the workflow"));
        }
        let both = |value: &str, reset: &str| {
            at.name(value)
                .fault(format!("`{value}` cannot be set and reset at once"))
                .hint(format!("remove `{reset}`"))
        };
        if self.properties.run_strategy.is_some() {
            let given = [
                self.reset_run_strategy_rule,
                self.reset_workflow_concurrency,
            ];
            if let Some((_, reset)) = given.iter().zip(RESETS).find(|(given, _)| **given) {
                return Err(both("run_strategy", reset));
            }
        }
        if self.reset_step_concurrency && self.properties.step_concurrency.is_some() {
            return Err(both("step_concurrency", RESETS[2]));
        }
        Ok(())
    }
}

impl ToJson for PropertiesUpdate {
    fn write(&self, out: &mut Writer) {
        out.object(|members| {
            self.properties.put(members);
            let given = [
                self.reset_run_strategy_rule,
                self.reset_workflow_concurrency,
                self.reset_step_concurrency,
            ];
            for (name, _) in RESETS.iter().zip(given).filter(|(_, given)| *given) {
                members.always(name, &true);
            }
        });
    }
}
