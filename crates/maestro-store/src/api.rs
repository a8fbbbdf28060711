//! What a store offers: one writer, any number of snapshots.

use std::sync::Arc;

use maestro_model::state::{
    InstanceRef, InstanceStatus, Millis, PropertiesRow, RunKey, RunRow, StepOrd, StepRow,
    VersionRow, WorkflowKey, WorkflowRow,
};
use uuid::Uuid;

use crate::{Batch, CommitError, DocumentChange, DocumentKind, ReadError};

/// Number of shards; a workflow's shard is its key modulo this.
pub const SHARDS: u32 = 64;

/// A set of shards.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ShardSet(u64);

impl ShardSet {
    /// All shards.
    pub const ALL: Self = Self(u64::MAX);
    /// No shard.
    pub const NONE: Self = Self(0);

    /// With one more shard (taken modulo [`SHARDS`]).
    #[must_use]
    pub fn with(self, shard: u32) -> Self {
        Self(self.0 | 1 << (shard % SHARDS))
    }

    /// The shard of this workflow is in the set.
    #[must_use]
    pub fn contains(self, workflow: WorkflowKey) -> bool {
        self.0 >> (workflow.0 & i64::from(SHARDS - 1)) & 1 == 1
    }

    /// The set as bits, shard 0 lowest.
    #[must_use]
    pub fn bits(self) -> u64 {
        self.0
    }
}

/// An open store: the two roles, to be given to those who play them.
pub struct Store {
    /// For the committer.
    pub writer: Box<dyn Writer>,
    /// For everybody else.
    pub readers: Arc<dyn Readers>,
}

/// The only one who changes the store.
pub trait Writer: Send {
    /// Commits all rows of all batches as one transaction; later batches win over earlier ones. When it returns `Ok`
    /// they are durable. Costs about one fsync plus 1-2 microseconds per row.
    ///
    /// # Errors
    /// [`CommitError::Retry`]: nothing was written, the same call may be repeated. [`CommitError::Fatal`]: the process
    /// has to end.
    fn commit(&mut self, batches: &mut dyn Iterator<Item = &Batch>) -> Result<(), CommitError>;

    /// Removes at most `limit` rows that a deleted workflow left in one stage (spec 05 DL-3). A stage is over when
    /// fewer than `limit` were removed. Only for workflows that were moved to the deleted ones.
    ///
    /// # Errors
    /// As [`Writer::commit`].
    fn purge(
        &mut self,
        workflow: WorkflowKey,
        stage: PurgeStage,
        limit: u32,
    ) -> Result<Purged, CommitError>;

    /// Removes at most `limit` outbox rows with numbers up to `through`, and with `before` only those whose newest
    /// record is older. Returns how many went. Numbers are never used again.
    ///
    /// # Errors
    /// As [`Writer::commit`].
    fn prune_outbox(
        &mut self,
        through: i64,
        before: Option<Millis>,
        limit: u32,
    ) -> Result<u64, CommitError>;

    /// Changes documents as one transaction; returns how many were removed.
    ///
    /// # Errors
    /// As [`Writer::commit`].
    fn documents(&mut self, changes: &[DocumentChange]) -> Result<u64, CommitError>;

    /// Gives up to `bytes` of unused space back to the file system; returns how many are still unused.
    ///
    /// # Errors
    /// As [`Writer::commit`].
    fn reclaim(&mut self, bytes: u64) -> Result<u64, CommitError>;
}

/// A stage of the removal of a deleted workflow (spec 05 DL-3), in the order in which they are done. Breakpoints,
/// actions and permits will get theirs with their tables.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum PurgeStage {
    /// Versions of the definition.
    Versions,
    /// Change history.
    Timeline,
    /// Properties snapshots.
    Properties,
    /// Runs, each after its steps.
    Runs,
    /// Marks the workflow as gone, so that the id may be used again (DL-6). Removes nothing.
    Done,
}

impl PurgeStage {
    /// All, in order.
    pub const ALL: [Self; 5] = [
        Self::Versions,
        Self::Timeline,
        Self::Properties,
        Self::Runs,
        Self::Done,
    ];
}

/// What one call of [`Writer::purge`] removed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Purged {
    /// All rows.
    pub rows: u64,
    /// Step rows among them.
    pub steps: u64,
}

/// Gives out snapshots, to any number of threads.
pub trait Readers: Send + Sync {
    /// Opens a snapshot. It keeps resources of the store (a connection, the log since then): drop it soon.
    ///
    /// # Errors
    /// If no connection can be had.
    fn snapshot(&self) -> Result<Box<dyn Snapshot>, ReadError>;
}

/// Which of the live runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LiveRuns {
    /// All that are not terminal.
    All,
    /// Without those that wait in the queue.
    Begun,
}

/// What is known of earlier workflows with an id (spec 05 ID-3, DL-6).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PreviousWorkflow {
    /// The largest instance number ever used with the id.
    pub last_instance: i64,
    /// Data of one of them is still being removed: the id cannot be used yet. Its key.
    pub purging: Option<WorkflowKey>,
}

/// A line of a workflow's change history.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HistoryLine {
    /// When.
    pub at: Millis,
    /// Who: a user as JSON.
    pub author: String,
    /// What.
    pub log: String,
}

/// Numbers of runs by status, for the overview (spec 05 RD-5).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct StatusCounts {
    /// Queued or picked up.
    pub created: u64,
    /// In progress.
    pub in_progress: u64,
    /// Raw FAILED only.
    pub failed: u64,
}

/// A run with those of its steps that no later run of the instance made again.
#[derive(Clone, PartialEq, Debug)]
pub struct RunSteps {
    /// The run.
    pub run: RunRow,
    /// Latest attempts, by step.
    pub steps: Vec<StepRow>,
}

/// Inclusive range of instance or run numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RunRange {
    /// Lowest.
    pub low: i64,
    /// Highest.
    pub high: i64,
}

/// Selects instances over all workflows.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct InstanceFilter {
    /// Only this workflow.
    pub workflow: Option<WorkflowKey>,
    /// Only these statuses; empty for all.
    pub statuses: Vec<InstanceStatus>,
    /// Only runs to which the caller gave this uuid.
    pub uuid: Option<Uuid>,
    /// Created at this time or later.
    pub created_from: Option<Millis>,
    /// Created before this time.
    pub created_before: Option<Millis>,
}

/// A page of [`Snapshot::instances_everywhere`].
#[derive(Clone, PartialEq, Debug, Default)]
pub struct InstanceList {
    /// The latest run of each instance, newest first.
    pub rows: Vec<RunRow>,
    /// Where the next page begins; absent at the end. May be present with a page that is not full: the search is cut
    /// when it has looked at many rows.
    pub next: Option<RunKey>,
}

/// A row of the outbox: the status events of one batch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OutboxRow {
    /// Its number; grows, with gaps.
    pub seq: i64,
    /// Time of its newest record.
    pub at: Millis,
    /// The records, see [`crate::decode_changes`].
    pub body: Vec<u8>,
}

/// The store at one moment: what was committed when it was first read.
pub trait Snapshot: Send {
    // ---- workflows
    /// A workflow by id. One index lookup.
    ///
    /// # Errors
    /// As all reads: the database cannot be read, or a row cannot be decoded.
    fn workflow(&self, id: &str) -> Result<Option<WorkflowRow>, ReadError>;

    /// A workflow by key. One lookup.
    ///
    /// # Errors
    /// See [`Snapshot::workflow`].
    fn workflow_by_key(&self, key: WorkflowKey) -> Result<Option<WorkflowRow>, ReadError>;

    /// Workflows whose id begins with `prefix`, in byte order, after `after`. One index range.
    ///
    /// # Errors
    /// See [`Snapshot::workflow`].
    fn workflows(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<WorkflowRow>, ReadError>;

    /// Calls `visit` with each workflow of these shards, in key order. Reads the whole table: for recovery.
    ///
    /// # Errors
    /// See [`Snapshot::workflow`].
    fn workflows_of(
        &self,
        shards: ShardSet,
        visit: &mut dyn FnMut(WorkflowRow),
    ) -> Result<(), ReadError>;

    /// What deleted workflows with this id left. One index range, as long as the id was deleted often.
    ///
    /// # Errors
    /// See [`Snapshot::workflow`].
    fn previous_workflow(&self, id: &str) -> Result<Option<PreviousWorkflow>, ReadError>;

    /// Deleted workflows of these shards whose data is not yet removed, in key order. A partial index.
    ///
    /// # Errors
    /// See [`Snapshot::workflow`].
    fn purging(
        &self,
        shards: ShardSet,
    ) -> Result<Vec<maestro_model::state::DeletedWorkflow>, ReadError>;

    /// The largest key of a workflow, deleted ones too, by shard. Reads all keys: for recovery.
    ///
    /// # Errors
    /// See [`Snapshot::workflow`].
    fn largest_workflow_keys(&self) -> Result<[Option<WorkflowKey>; SHARDS as usize], ReadError>;

    /// A version. One index lookup.
    ///
    /// # Errors
    /// See [`Snapshot::workflow`].
    fn version(&self, workflow: WorkflowKey, version: i64)
    -> Result<Option<VersionRow>, ReadError>;

    /// The newest version. One index lookup.
    ///
    /// # Errors
    /// See [`Snapshot::workflow`].
    fn latest_version(&self, workflow: WorkflowKey) -> Result<Option<VersionRow>, ReadError>;

    /// Versions in the range, newest first (spec 04 P-7). One index range.
    ///
    /// # Errors
    /// See [`Snapshot::workflow`].
    fn versions(
        &self,
        workflow: WorkflowKey,
        range: RunRange,
        limit: u32,
    ) -> Result<Vec<VersionRow>, ReadError>;

    /// A properties snapshot by its time, or the newest. One index lookup.
    ///
    /// # Errors
    /// See [`Snapshot::workflow`].
    fn properties(
        &self,
        workflow: WorkflowKey,
        create_time: Option<Millis>,
    ) -> Result<Option<PropertiesRow>, ReadError>;

    /// Change history, newest first. One index range.
    ///
    /// # Errors
    /// See [`Snapshot::workflow`].
    fn history(&self, workflow: WorkflowKey, limit: u32) -> Result<Vec<HistoryLine>, ReadError>;

    // ---- runs
    /// A run by key. One lookup.
    ///
    /// # Errors
    /// See [`Snapshot::workflow`].
    fn run_by_key(&self, key: RunKey) -> Result<Option<RunRow>, ReadError>;

    /// A run as a client names it. One index lookup.
    ///
    /// # Errors
    /// See [`Snapshot::workflow`].
    fn run(&self, workflow: WorkflowKey, id: InstanceRef) -> Result<Option<RunRow>, ReadError>;

    /// The latest run of an instance. One index lookup.
    ///
    /// # Errors
    /// See [`Snapshot::workflow`].
    fn latest_run(&self, workflow: WorkflowKey, instance: i64)
    -> Result<Option<RunRow>, ReadError>;

    /// The run to which the caller gave this uuid (spec 05 ID-7). Runs without a `request_id` are not found by uuid.
    /// One lookup in a partial index.
    ///
    /// # Errors
    /// See [`Snapshot::workflow`].
    fn run_by_uuid(&self, workflow: WorkflowKey, uuid: &Uuid) -> Result<Option<RunRow>, ReadError>;

    /// Lowest and highest instance number. Two index lookups.
    ///
    /// # Errors
    /// See [`Snapshot::workflow`].
    fn instance_bounds(&self, workflow: WorkflowKey) -> Result<Option<RunRange>, ReadError>;

    /// Lowest and highest run number of an instance. Two index lookups.
    ///
    /// # Errors
    /// See [`Snapshot::workflow`].
    fn run_bounds(
        &self,
        workflow: WorkflowKey,
        instance: i64,
    ) -> Result<Option<RunRange>, ReadError>;

    /// The latest run of each instance in the range, ascending (spec 04 P-4, P-8). One index range over all runs of
    /// these instances.
    ///
    /// # Errors
    /// See [`Snapshot::workflow`].
    fn instances(&self, workflow: WorkflowKey, range: RunRange) -> Result<Vec<RunRow>, ReadError>;

    /// Runs of an instance in the range, newest first. One index range.
    ///
    /// # Errors
    /// See [`Snapshot::workflow`].
    fn runs(
        &self,
        workflow: WorkflowKey,
        instance: i64,
        range: RunRange,
    ) -> Result<Vec<RunRow>, ReadError>;

    /// Instances over workflows, newest first by the key of their latest run, which must be below `before`. Walks the
    /// table of runs backwards, or an index where the filter names a workflow, a uuid, only live runs or only runs that
    /// did not end well; looks at no more than 10,000 runs per call.
    ///
    /// # Errors
    /// See [`Snapshot::workflow`].
    fn instances_everywhere(
        &self,
        filter: &InstanceFilter,
        before: Option<RunKey>,
        limit: u32,
    ) -> Result<InstanceList, ReadError>;

    /// Queued runs of a workflow by (instance, run), after one of them. A range of a partial index.
    ///
    /// # Errors
    /// See [`Snapshot::workflow`].
    fn queued(
        &self,
        workflow: WorkflowKey,
        after: Option<InstanceRef>,
        limit: u32,
    ) -> Result<Vec<RunRow>, ReadError>;

    /// Numbers of queued runs by workflow, of these shards. A partial index over all live runs.
    ///
    /// # Errors
    /// See [`Snapshot::workflow`].
    fn queued_counts(&self, shards: ShardSet) -> Result<Vec<(WorkflowKey, u64)>, ReadError>;

    /// Runs with raw FAILED of a workflow by (instance, run), after one of them. A range of a partial index.
    ///
    /// # Errors
    /// See [`Snapshot::workflow`].
    fn failed(
        &self,
        workflow: WorkflowKey,
        after: Option<InstanceRef>,
        limit: u32,
    ) -> Result<Vec<RunRow>, ReadError>;

    /// Numbers by status. Counts entries of two partial indexes.
    ///
    /// # Errors
    /// See [`Snapshot::workflow`].
    fn counts(&self, workflow: WorkflowKey) -> Result<StatusCounts, ReadError>;

    /// Calls `visit` with each live run of these shards, in key order, and the latest attempt of each of its steps, by
    /// step. One pass over a partial index, the runs and their steps.
    ///
    /// # Errors
    /// See [`Snapshot::workflow`].
    fn live_runs(
        &self,
        shards: ShardSet,
        which: LiveRuns,
        visit: &mut dyn FnMut(RunRow, Vec<StepRow>),
    ) -> Result<(), ReadError>;

    /// The largest key of a run. One lookup.
    ///
    /// # Errors
    /// See [`Snapshot::workflow`].
    fn largest_run_key(&self) -> Result<Option<RunKey>, ReadError>;

    // ---- steps
    /// The latest attempt of each step of a run, by step. One range.
    ///
    /// # Errors
    /// See [`Snapshot::workflow`].
    fn steps(&self, run: RunKey) -> Result<Vec<StepRow>, ReadError>;

    /// All attempts of a step, oldest first. One range.
    ///
    /// # Errors
    /// See [`Snapshot::workflow`].
    fn attempts(&self, run: RunKey, step: StepOrd) -> Result<Vec<StepRow>, ReadError>;

    /// One attempt, or the latest. One lookup.
    ///
    /// # Errors
    /// See [`Snapshot::workflow`].
    fn step(
        &self,
        run: RunKey,
        step: StepOrd,
        attempt: Option<u32>,
    ) -> Result<Option<StepRow>, ReadError>;

    /// The newest attempt of each step over all runs of an instance: runs newest first, each with the steps that no
    /// later run made again. A step's number belongs to the definition of a version, so a step of runs with different
    /// versions comes once for each version. One range per run of the instance.
    ///
    /// # Errors
    /// See [`Snapshot::workflow`].
    fn instance_steps(
        &self,
        workflow: WorkflowKey,
        instance: i64,
    ) -> Result<Vec<RunSteps>, ReadError>;

    // ---- documents
    /// A document; without a part the one whose part comes last. One lookup.
    ///
    /// # Errors
    /// See [`Snapshot::workflow`].
    fn document(
        &self,
        kind: DocumentKind,
        name: &str,
        part: Option<&str>,
    ) -> Result<Option<String>, ReadError>;

    /// All documents of a kind with this part, by name. An index for job templates, else a walk over the kind.
    ///
    /// # Errors
    /// See [`Snapshot::workflow`].
    fn documents(&self, kind: DocumentKind, part: &str) -> Result<Vec<String>, ReadError>;

    // ---- outbox
    /// Outbox rows with larger numbers, in order. One range.
    ///
    /// # Errors
    /// See [`Snapshot::workflow`].
    fn outbox(&self, after: i64, limit: u32) -> Result<Vec<OutboxRow>, ReadError>;
}
