//! Versions and snapshots as they are stored and answered (spec 01 sections 4.6, 10.6).

use super::{GitInfo, Properties, User, Workflow};
use crate::Str;
use crate::codec::{At, FromJson, JsonError, Members, free_members, object};
use crate::json::{Json, Object, ToJson, Writer};
use std::sync::Arc;

/// The properties of a workflow at a time.
#[derive(Debug, Clone, PartialEq)]
pub struct PropertiesSnapshot {
    /// Workflow.
    pub workflow_id: Str,
    /// Epoch milliseconds; strictly increasing per workflow, serves as the snapshot's version.
    pub create_time: i64,
    /// Who made it.
    pub author: User,
    /// The values.
    pub properties: Properties,
}

/// Where a version comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct Metadata {
    /// Workflow.
    pub workflow_id: Str,
    /// Version, from 1.
    pub workflow_version_id: i64,
    /// Epoch milliseconds; absent in the synthetic definition of an inline workflow (spec 01 section 10.5).
    pub create_time: Option<i64>,
    /// Who pushed it.
    pub version_author: Option<User>,
    /// Where it comes from.
    pub git_info: Option<GitInfo>,
    /// What else the push said.
    pub extra_info: Object,
}

/// A version as it is answered (spec 01 section 10.6, 04 T-WorkflowDefinition).
#[derive(Debug, Clone, PartialEq)]
pub struct WorkflowDefinition {
    /// The current snapshot, not the one at the time of the push.
    pub properties_snapshot: Option<PropertiesSnapshot>,
    /// Where the version comes from.
    pub metadata: Metadata,
    /// As pushed.
    pub workflow: Arc<Workflow>,
    /// Whether this is the active version.
    pub is_active: Option<bool>,
    /// Since when it is active, in epoch milliseconds.
    pub activate_time: Option<i64>,
    /// Who activated it.
    pub activated_by: Option<User>,
    /// Whether this is the latest version.
    pub is_latest: Option<bool>,
    /// Whether this is the default version.
    pub is_default: Option<bool>,
    /// Number of the workflow row.
    pub internal_id: Option<i64>,
    /// Merged params and next executions, if asked for.
    pub enriched_extras: Option<Json>,
    /// When the workflow row changed last, in epoch milliseconds.
    pub modify_time: Option<i64>,
}

impl FromJson for PropertiesSnapshot {
    fn from_json(json: Json, at: &At<'_>) -> Result<Self, JsonError> {
        let mut members = Members::open(json, at)?;
        let snapshot = Self {
            workflow_id: members.field("workflow_id")?,
            create_time: members.field("create_time")?,
            author: members.field("author")?,
            properties: Properties::take(&mut members)?,
        };
        members.close(Properties::FIELDS)?;
        Ok(snapshot)
    }
}

impl ToJson for PropertiesSnapshot {
    fn write(&self, out: &mut Writer) {
        out.object(|members| {
            members.always("workflow_id", &self.workflow_id);
            members.always("create_time", &self.create_time);
            members.always("author", &self.author);
            self.properties.put(members);
        });
    }
}

impl FromJson for Metadata {
    fn from_json(json: Json, at: &At<'_>) -> Result<Self, JsonError> {
        let mut members = Members::open(json, at)?;
        Ok(Self {
            workflow_id: members.field("workflow_id")?,
            workflow_version_id: members.field("workflow_version_id")?,
            create_time: members.field("create_time")?,
            version_author: members.field("version_author")?,
            git_info: members.field("git_info")?,
            extra_info: free_members(members.rest(), at)?,
        })
    }
}

impl ToJson for Metadata {
    fn write(&self, out: &mut Writer) {
        out.object(|members| {
            members.always("workflow_id", &self.workflow_id);
            members.always("workflow_version_id", &self.workflow_version_id);
            members.member("create_time", &self.create_time);
            members.member("version_author", &self.version_author);
            members.member("git_info", &self.git_info);
            members.members(&self.extra_info);
        });
    }
}

object!(WorkflowDefinition, skip null {
    properties_snapshot, metadata, workflow, is_active, activate_time, activated_by, is_latest, is_default, internal_id,
    enriched_extras, modify_time,
});
