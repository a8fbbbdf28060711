//! The definition side: versions, properties, the overview and the change history of a workflow.

use maestro_model::codec::to_text;
use maestro_model::definition::{
    Properties, PropertiesSnapshot, RunStrategy, User, WorkflowDefinition,
};
use maestro_model::json::{Json, RawJson, ToJson, Writer};
use maestro_model::state::{Millis, PropertiesRow, VersionRow, WorkflowRow};

use super::{Damaged, Written, stored};

/// A snapshot of properties from its row (spec 01 section 4.6).
///
/// # Errors
/// The row is damaged.
pub fn properties_snapshot(
    workflow_id: &str,
    row: &PropertiesRow,
) -> Result<PropertiesSnapshot, Damaged> {
    let place = || format!("workflow [{workflow_id}], properties [{}]", row.create_time);
    Ok(PropertiesSnapshot {
        workflow_id: workflow_id.into(),
        create_time: row.create_time,
        author: stored(&row.author, "author", place)?,
        properties: stored::<Properties>(&row.properties, "properties", place)?,
    })
}

/// A version as it is answered (spec 04 section 7.1), without enrichment. `properties` is the current snapshot.
///
/// # Errors
/// A row is damaged.
pub fn definition(
    workflow: &WorkflowRow,
    version: &VersionRow,
    properties: &PropertiesRow,
) -> Result<WorkflowDefinition, Damaged> {
    let place = || format!("workflow [{}], version [{}]", workflow.id, version.version);
    let is_active = workflow.active_version == Some(version.version);
    let is_default = workflow.active_version.unwrap_or(workflow.latest_version) == version.version;
    let activated_by = workflow.activated_by.as_deref().filter(|_| is_active);
    Ok(WorkflowDefinition {
        properties_snapshot: Some(properties_snapshot(&workflow.id, properties)?),
        metadata: stored(&version.metadata, "metadata", place)?,
        workflow: stored(&version.definition, "definition", place)?,
        is_active: Some(is_active),
        activate_time: workflow.activate_time.filter(|_| is_active),
        activated_by: activated_by
            .map(|user| stored::<User>(user, "activating user", place))
            .transpose()?,
        is_latest: Some(version.version == workflow.latest_version),
        is_default: Some(is_default),
        internal_id: Some(workflow.key.0),
        enriched_extras: None,
        modify_time: Some(workflow.modify_time),
    })
}

/// A version as it is answered, like [`definition`], with the stored texts as they are: reading a definition only to write
/// it again is most of the work of a read.
#[derive(Clone, Copy, Debug)]
pub struct DefinitionText<'a> {
    /// The workflow.
    pub workflow: &'a WorkflowRow,
    /// The version.
    pub version: &'a VersionRow,
    /// The current snapshot.
    pub properties: &'a PropertiesRow,
    /// `enriched_extras`, if asked for.
    pub extras: Option<&'a Json>,
}

impl ToJson for DefinitionText<'_> {
    fn write(&self, out: &mut Writer) {
        let (workflow, version) = (self.workflow, self.version);
        let is_active = workflow.active_version == Some(version.version);
        let default = workflow.active_version.unwrap_or(workflow.latest_version);
        out.object(|o| {
            o.always(
                "properties_snapshot",
                &SnapshotText(workflow, self.properties),
            );
            o.always("metadata", &RawJson(&version.metadata));
            o.always("workflow", &RawJson(&version.definition));
            o.always("is_active", &is_active);
            if is_active {
                o.member("activate_time", &workflow.activate_time);
                if let Some(user) = &workflow.activated_by {
                    o.always("activated_by", &RawJson(user));
                }
            }
            o.always("is_latest", &(version.version == workflow.latest_version));
            o.always("is_default", &(version.version == default));
            o.always("internal_id", &workflow.key.0);
            if let Some(extras) = self.extras {
                o.always("enriched_extras", extras);
            }
            o.always("modify_time", &workflow.modify_time);
        });
    }
}

/// A snapshot whose properties are written as they are stored, behind what the row holds apart from them.
struct SnapshotText<'a>(&'a WorkflowRow, &'a PropertiesRow);

impl ToJson for SnapshotText<'_> {
    fn write(&self, out: &mut Writer) {
        let Self(workflow, row) = self;
        let head = to_text(&Written(|out: &mut Writer| {
            out.object(|o| {
                o.always("workflow_id", &*workflow.id);
                o.always("create_time", &row.create_time);
                o.always("author", &RawJson(&row.author));
            });
        }));
        let members = row.properties.trim_start_matches('{');
        let comma = if members == "}" { "" } else { "," };
        let head = head.trim_end_matches('}');
        RawJson(&format!("{head}{comma}{members}")).write(out);
    }
}

/// Numbers of runs by status.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct RunCounts {
    /// Queued or picked up.
    pub created: u64,
    /// In progress.
    pub in_progress: u64,
    /// Raw FAILED only: neither unblocked nor superseded.
    pub failed: u64,
}

/// The overview of a workflow (spec 05 RD-5).
#[derive(Clone, PartialEq, Debug)]
pub struct OverviewView<'a> {
    workflow: &'a WorkflowRow,
    properties: PropertiesSnapshot,
    counts: RunCounts,
}

impl<'a> OverviewView<'a> {
    /// Of a workflow with its current properties and the numbers of its runs.
    ///
    /// # Errors
    /// A row is damaged.
    pub fn new(
        workflow: &'a WorkflowRow,
        properties: &PropertiesRow,
        counts: RunCounts,
    ) -> Result<Self, Damaged> {
        let mut properties = properties_snapshot(&workflow.id, properties)?;
        properties
            .properties
            .run_strategy
            .get_or_insert(RunStrategy::DEFAULT);
        Ok(Self {
            workflow,
            properties,
            counts,
        })
    }
}

impl ToJson for OverviewView<'_> {
    fn write(&self, out: &mut Writer) {
        let count = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        let given = |id: i64| (id > 0).then_some(id);
        let row = self.workflow;
        out.object(|o| {
            o.always("workflow_id", &*row.id);
            o.member("active_version_id", &row.active_version);
            o.member("latest_version_id", &given(row.latest_version));
            let default = row.active_version.unwrap_or(row.latest_version);
            o.member("default_version_id", &given(default));
            o.always("properties_snapshot", &self.properties);
            o.member(
                "step_concurrency",
                &self.properties.properties.step_concurrency,
            );
            o.always(
                "nonterminal_instances",
                &Written(|out: &mut Writer| {
                    out.object(|o| {
                        o.always("CREATED", &count(self.counts.created));
                        o.always("IN_PROGRESS", &count(self.counts.in_progress));
                        o.always("PAUSED", &0_i64);
                    });
                }),
            );
            o.always("failed_instances", &count(self.counts.failed));
            o.member("latest_instance_id", &given(row.last_instance));
        });
    }
}

/// A line of a workflow's change history.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HistoryEntry<'a> {
    /// Who: a user as JSON.
    pub author: &'a str,
    /// What.
    pub log: &'a str,
    /// When.
    pub at: Millis,
}

/// The change history of a workflow (spec 04 section 7.11); of one that does not exist, too.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HistoryView<'a> {
    /// The workflow.
    pub workflow_id: &'a str,
    /// Its newest lines, the newest first.
    pub entries: &'a [HistoryEntry<'a>],
}

impl HistoryView<'_> {
    /// The most lines that are shown.
    pub const MAX: u32 = 300;
}

impl ToJson for HistoryView<'_> {
    fn write(&self, out: &mut Writer) {
        out.object(|o| {
            o.always("workflow_id", self.workflow_id);
            o.always("timeline_events", self.entries);
        });
    }
}

impl ToJson for HistoryEntry<'_> {
    fn write(&self, out: &mut Writer) {
        out.object(|o| {
            o.always("author", &RawJson(self.author));
            o.always("log", self.log);
            o.always("timestamp", &self.at);
        });
    }
}
