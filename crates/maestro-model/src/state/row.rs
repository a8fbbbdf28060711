//! What the rows of the store hold.

use minicbor::decode::{Decoder, Error as DecodeError};
use minicbor::encode::{Encoder, Error as EncodeError, Write};
use minicbor::{Decode, Encode};
use uuid::Uuid;

use crate::text_enum::{same_word, word_codec};

use super::{InstanceRef, Millis, RunKey, RunStatus, StepOrd, StepStatus, Timeline, WorkflowKey};

/// One workflow id: counters and pointers (spec 05 ID-2, 01 section 10). Small, since every start changes it.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct WorkflowRow {
    /// Its number in the store.
    #[n(0)]
    pub key: WorkflowKey,
    /// Its id.
    #[n(1)]
    pub id: Box<str>,
    /// The newest version.
    #[n(2)]
    pub latest_version: i64,
    /// The active version; none after a deactivation.
    #[n(3)]
    pub active_version: Option<i64>,
    /// The last instance number that was used.
    #[n(4)]
    pub last_instance: i64,
    /// `create_time` of the current properties snapshot.
    #[n(5)]
    pub properties: Millis,
    /// When the active version became active.
    #[n(6)]
    pub activate_time: Option<Millis>,
    /// Who made it active: a user as JSON.
    #[n(7)]
    pub activated_by: Option<Box<str>>,
    /// Last change of the definition side.
    #[n(8)]
    pub modify_time: Millis,
}

/// One version of a definition.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct VersionRow {
    /// The workflow.
    #[n(0)]
    pub workflow: WorkflowKey,
    /// The version, from 1.
    #[n(1)]
    pub version: i64,
    /// The workflow object as pushed, compact JSON.
    #[n(2)]
    pub definition: Box<str>,
    /// The metadata object (create time, author, git info, extras), compact JSON.
    #[n(3)]
    pub metadata: Box<str>,
}

/// One snapshot of a workflow's properties.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct PropertiesRow {
    /// The workflow.
    #[n(0)]
    pub workflow: WorkflowKey,
    /// Its time is its id, unique per workflow.
    #[n(1)]
    pub create_time: Millis,
    /// Who made it: a user as JSON.
    #[n(2)]
    pub author: Box<str>,
    /// The properties object, compact JSON.
    #[n(3)]
    pub properties: Box<str>,
}

/// What is left of a deleted workflow: its counter goes on when the id is created again (spec 05 ID-3), and its data
/// is removed in the background (section 15).
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct DeletedWorkflow {
    /// Its number in the store.
    #[n(0)]
    pub key: WorkflowKey,
    /// Its id.
    #[n(1)]
    pub id: Box<str>,
    /// The last instance number that was used.
    #[n(2)]
    pub last_instance: i64,
    /// Who deleted it: a user as JSON.
    #[n(3)]
    pub author: Box<str>,
    /// When.
    #[n(4)]
    pub at: Millis,
}

/// How a run starts: fresh, or again from somewhere (spec 05 section 12.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(index_only)]
#[expect(missing_docs, reason = "the names are the specification's")]
pub enum RunPolicy {
    #[n(0)]
    StartFreshNewRun,
    #[n(1)]
    StartCustomizedRun,
    #[n(2)]
    RestartFromIncomplete,
    #[n(3)]
    RestartFromBeginning,
    #[n(4)]
    RestartFromSpecific,
    #[n(5)]
    RestartCustomizedRun,
}

impl RunPolicy {
    /// All policies.
    pub const ALL: [Self; 6] = [
        Self::StartFreshNewRun,
        Self::StartCustomizedRun,
        Self::RestartFromIncomplete,
        Self::RestartFromBeginning,
        Self::RestartFromSpecific,
        Self::RestartCustomizedRun,
    ];

    /// The wire name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::StartFreshNewRun => "START_FRESH_NEW_RUN",
            Self::StartCustomizedRun => "START_CUSTOMIZED_RUN",
            Self::RestartFromIncomplete => "RESTART_FROM_INCOMPLETE",
            Self::RestartFromBeginning => "RESTART_FROM_BEGINNING",
            Self::RestartFromSpecific => "RESTART_FROM_SPECIFIC",
            Self::RestartCustomizedRun => "RESTART_CUSTOMIZED_RUN",
        }
    }

    /// Reads a wire name in any case.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|policy| same_word(policy.as_str(), text))
    }

    /// Whether it makes a new instance; the others make a new run of one that is there.
    #[must_use]
    pub const fn is_fresh(self) -> bool {
        matches!(self, Self::StartFreshNewRun | Self::StartCustomizedRun)
    }
}

word_codec!(RunPolicy as "run policy");

/// Who or what started a run, and the parts of its request that are shown again. Absent members are the ordinary case:
/// started by hand with nothing but a user.
#[derive(Clone, PartialEq, Eq, Debug, Default, Encode, Decode)]
#[cbor(map)]
pub struct Origin {
    /// The user of a MANUAL initiator, as JSON.
    #[n(0)]
    pub user: Option<Box<str>>,
    /// The whole initiator as JSON where it is more than a user.
    #[n(1)]
    pub initiator: Option<Box<str>>,
    /// `run_params` of the request, as JSON; absent for none.
    #[n(2)]
    pub run_params: Option<Box<str>>,
    /// `artifacts` of the request, as JSON.
    #[n(3)]
    pub artifacts: Option<Box<str>>,
    /// `runtime_tags` of the request, as JSON.
    #[n(4)]
    pub runtime_tags: Option<Box<str>>,
    /// `restart_config`, as JSON.
    #[n(5)]
    pub restart_config: Option<Box<str>>,
    /// `step_run_params`, as JSON.
    #[n(6)]
    pub step_run_params: Option<Box<str>>,
    /// The correlation id where it is not `workflow:instance:1`.
    #[n(7)]
    pub correlation_id: Option<Box<str>>,
}

/// The part of a run that never changes.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct RunBody {
    /// `workflow_uuid`.
    #[cbor(n(0), with = "uuid_bytes")]
    pub uuid: Uuid,
    /// The caller gave the uuid (`request_id`), so that it is looked up to find duplicates.
    #[n(1)]
    pub named: bool,
    /// The version that runs.
    #[n(2)]
    pub version: i64,
    /// The properties snapshot that it started with.
    #[n(3)]
    pub properties: Millis,
    /// The policy.
    #[n(4)]
    pub policy: RunPolicy,
    /// When the request was made, by the request.
    #[n(5)]
    pub request_time: Millis,
    /// When the run was created.
    #[n(6)]
    pub create_time: Millis,
    /// Where it came from.
    #[n(7)]
    pub origin: Box<Origin>,
    /// Evaluated workflow params as JSON; absent for none.
    #[n(8)]
    pub params: Option<Box<str>>,
    /// The run's own time-out in milliseconds.
    #[n(9)]
    pub timeout: Option<i64>,
    /// The steps of a restart run's DAG; absent for all.
    #[n(10)]
    pub dag: Option<Vec<StepOrd>>,
    /// The aggregated view before a restart run, as JSON.
    #[n(11)]
    pub baseline: Option<Box<str>>,
    /// Limit of leaf steps over the whole tree.
    #[n(12)]
    pub instance_step_concurrency: Option<i64>,
    /// The partitioning hint shown as `group_info`.
    #[n(13)]
    pub group_info: i64,
}

/// The part of a run that changes.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct RunHead {
    /// Its status.
    #[n(0)]
    pub status: RunStatus,
    /// When it left the queue; its time-out counts from here (spec 05 DG-7).
    #[n(1)]
    pub dequeue_time: Option<Millis>,
    /// When its steps began.
    #[n(2)]
    pub start_time: Option<Millis>,
    /// When it ended.
    #[n(3)]
    pub end_time: Option<Millis>,
    /// Last change.
    #[n(4)]
    pub modify_time: Millis,
    /// The run's own result where the instance's status differs (spec 05 AG-6).
    #[n(5)]
    pub own_result: Option<RunStatus>,
    /// The run is being ended: every step that is not complete goes that way (spec 05 AC-9, section 20).
    #[n(6)]
    pub ending: Option<Box<Termination>>,
    /// The next `step_instance_id` (spec 06 I-6).
    #[n(7)]
    pub next_seq: u32,
    /// What happened.
    #[n(8)]
    pub timeline: Timeline,
}

/// A run as the store returns it.
#[derive(Clone, PartialEq, Debug)]
pub struct RunRow {
    /// Its number in the store.
    pub key: RunKey,
    /// Its workflow.
    pub workflow: WorkflowKey,
    /// Instance and run number.
    pub id: InstanceRef,
    /// What changes.
    pub head: RunHead,
    /// What does not.
    pub body: RunBody,
}

/// How something is ended early (spec 06 section 9.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(index_only)]
#[expect(missing_docs, reason = "the names are the specification's")]
pub enum ActionKind {
    #[n(0)]
    Stop,
    #[n(1)]
    Kill,
    #[n(2)]
    Skip,
    #[n(3)]
    TimeOut,
}

impl ActionKind {
    /// The wire name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Stop => "STOP",
            Self::Kill => "KILL",
            Self::Skip => "SKIP",
            Self::TimeOut => "TIME_OUT",
        }
    }
}

/// A stored "terminating as ...": the terminal status comes only when the work is gone (design, rule 5).
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct Termination {
    /// What it ends as.
    #[n(0)]
    pub action: ActionKind,
    /// Who wanted it: a user name, or the engine's own.
    #[n(1)]
    pub user: Box<str>,
    /// Why.
    #[n(2)]
    pub reason: Box<str>,
    /// When it was accepted.
    #[n(3)]
    pub at: Millis,
    /// Part of an action on the whole run, or from above: the failure mode does not count (spec 06 F-5).
    #[n(4)]
    pub workflow_action: bool,
}

/// Counters of attempts (spec 06 section 1.4).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode)]
pub struct Retries {
    /// Attempts that were made because of a user error.
    #[n(0)]
    pub error: u32,
    /// Because of a platform error.
    #[n(1)]
    pub platform: u32,
    /// Because of a time-out.
    #[n(2)]
    pub timeout: u32,
    /// By hand.
    #[n(3)]
    pub manual: u32,
    /// No automatic retry any more in this run.
    #[n(4)]
    pub exhausted: bool,
}

/// Results of the conditions of a step's successors, in definition order.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub enum Conditions {
    /// All alike.
    #[n(0)]
    All(#[n(0)] bool),
    /// One by one; an absent one was not evaluated.
    #[n(1)]
    Each(#[n(0)] Vec<Option<bool>>),
}

impl Conditions {
    /// The result for the successor at `index`.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<bool> {
        match self {
            Self::All(value) => Some(*value),
            Self::Each(values) => values.get(index).copied().flatten(),
        }
    }
}

/// One time stamp of an attempt (spec 06 section 1.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(usize)]
#[expect(missing_docs, reason = "the names are the specification's")]
pub enum Stamp {
    Create,
    Initialize,
    Pause,
    WaitSignal,
    EvaluateParam,
    WaitPermit,
    Start,
    Execute,
    Finish,
    End,
    Modify,
}

impl Stamp {
    /// All, in the order in which they are shown.
    pub const ALL: [Self; 11] = [
        Self::Create,
        Self::Initialize,
        Self::Pause,
        Self::WaitSignal,
        Self::EvaluateParam,
        Self::WaitPermit,
        Self::Start,
        Self::Execute,
        Self::Finish,
        Self::End,
        Self::Modify,
    ];

    /// The member of `runtime_state`.
    #[must_use]
    pub fn field(self) -> &'static str {
        match self {
            Self::Create => "create_time",
            Self::Initialize => "initialize_time",
            Self::Pause => "pause_time",
            Self::WaitSignal => "wait_signal_time",
            Self::EvaluateParam => "evaluate_param_time",
            Self::WaitPermit => "wait_permit_time",
            Self::Start => "start_time",
            Self::Execute => "execute_time",
            Self::Finish => "finish_time",
            Self::End => "end_time",
            Self::Modify => "modify_time",
        }
    }

    /// The stamp that entering a status sets.
    #[must_use]
    pub fn of(status: StepStatus) -> Option<Self> {
        Some(match status {
            StepStatus::NotCreated => return None,
            StepStatus::Created => Self::Create,
            StepStatus::Initialized => Self::Initialize,
            StepStatus::Paused => Self::Pause,
            StepStatus::WaitingForSignals => Self::WaitSignal,
            StepStatus::EvaluatingParams => Self::EvaluateParam,
            StepStatus::WaitingForPermits => Self::WaitPermit,
            StepStatus::Starting => Self::Start,
            StepStatus::Running => Self::Execute,
            StepStatus::Finishing => Self::Finish,
            _ => Self::End,
        })
    }
}

/// The time stamps of an attempt; stored as distances from the first one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct StepTimes([Millis; Stamp::ALL.len()]);

impl StepTimes {
    /// A stamp, if that status was reached.
    #[must_use]
    pub fn get(&self, stamp: Stamp) -> Option<Millis> {
        let at = self.0[stamp as usize];
        (at != 0).then_some(at)
    }

    /// Sets a stamp.
    pub fn set(&mut self, stamp: Stamp, at: Millis) {
        self.0[stamp as usize] = at;
    }
}

impl<C> Encode<C> for StepTimes {
    fn encode<W: Write>(&self, e: &mut Encoder<W>, _: &mut C) -> Result<(), EncodeError<W::Error>> {
        let len = self.0.iter().rposition(|t| *t != 0).map_or(0, |i| i + 1);
        e.array(len as u64)?;
        let base = self.0[0];
        for (i, at) in self.0[..len].iter().enumerate() {
            match (i, *at) {
                (_, 0) => e.null()?,
                (0, at) => e.i64(at)?,
                (_, at) => e.i64(at - base)?,
            };
        }
        Ok(())
    }
}

impl<'b, C> Decode<'b, C> for StepTimes {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, DecodeError> {
        let len = d
            .array()?
            .ok_or_else(|| DecodeError::message("array of time stamps without length"))?;
        let mut times = Self::default();
        for i in
            0..usize::try_from(len).map_err(|_| DecodeError::message("too many time stamps"))?
        {
            let value: Option<i64> = d.decode()?;
            let (Some(value), Some(_)) = (value, times.0.get(i)) else {
                continue;
            };
            times.0[i] = if i == 0 {
                value
            } else {
                times.0[0].saturating_add(value)
            };
        }
        Ok(times)
    }
}

/// One attempt of a step: all that changes and cannot be derived from definition and run.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct StepState {
    /// Its status.
    #[n(0)]
    pub status: StepStatus,
    /// `step_instance_id`: the order of starting in the run; all attempts share it.
    #[n(1)]
    pub seq: u32,
    /// When it reached what.
    #[n(2)]
    pub times: StepTimes,
    /// Counters of attempts; absent while all are zero.
    #[n(3)]
    pub retries: Option<Box<Retries>>,
    /// Whether a predecessor leads here (spec 06 P-1); absent before that is known.
    #[n(4)]
    pub satisfied: Option<bool>,
    /// Results of the conditions; absent before they are evaluated.
    #[n(5)]
    pub conditions: Option<Conditions>,
    /// The attempt is being ended.
    #[n(6)]
    pub ending: Option<Box<Termination>>,
    /// Artifacts by key, each compact JSON.
    #[n(7)]
    pub artifacts: Option<Box<Vec<(Box<str>, Box<str>)>>>,
    /// The time-out in milliseconds where it is not the literal of the definition.
    #[n(8)]
    pub timeout: Option<i64>,
    /// Signal outputs were built (spec 06 SO-1), as JSON.
    #[n(9)]
    pub signal_outputs: Option<Box<str>>,
    /// What happened.
    #[n(10)]
    pub timeline: Timeline,
}

/// A step attempt as the store returns it.
#[derive(Clone, PartialEq, Debug)]
pub struct StepRow {
    /// The step.
    pub step: StepOrd,
    /// The attempt, from 1.
    pub attempt: u32,
    /// What changes.
    pub state: StepState,
    /// The evaluated params as JSON; absent where they follow from the rest.
    pub params: Option<Box<str>>,
}

/// One record of a status event (spec 05 EV-1, 06 section 17); those of one attempt or run follow each other in order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StatusChange {
    /// A step changed.
    Step {
        /// From.
        old: StepStatus,
        /// To.
        new: StepStatus,
    },
    /// A run changed.
    Run {
        /// From.
        old: RunStatus,
        /// To.
        new: RunStatus,
    },
}

/// Takes the rows that a transition changed. Within one batch a later row with the same key replaces an earlier one.
pub trait RowSink {
    /// Inserts or replaces a workflow.
    fn workflow(&mut self, row: &WorkflowRow);
    /// Inserts a version.
    fn version(&mut self, row: &VersionRow);
    /// Inserts a properties snapshot.
    fn properties(&mut self, row: &PropertiesRow);
    /// Adds a line to a workflow's change history.
    fn history(&mut self, workflow: WorkflowKey, at: Millis, author: &str, log: &str);
    /// Moves a workflow to the deleted ones.
    fn delete_workflow(&mut self, row: &DeletedWorkflow);
    /// Inserts a run.
    fn insert_run(&mut self, run: &RunRow);
    /// Updates the changing part of a run.
    fn update_run(&mut self, key: RunKey, head: &RunHead);
    /// Inserts or replaces an attempt. `params` is `None` where the stored ones stay.
    fn step(
        &mut self,
        run: RunKey,
        step: StepOrd,
        attempt: u32,
        state: &StepState,
        params: Option<&str>,
    );
    /// Adds records of one attempt (`Some`) or of the run itself to the outbox, oldest first.
    fn events(
        &mut self,
        run: &RunRow,
        step: Option<(StepOrd, u32)>,
        changes: &[(StatusChange, Millis)],
    );
}

/// CBOR of uuids as byte strings.
mod uuid_bytes {
    use super::{DecodeError, Decoder, EncodeError, Encoder, Uuid, Write};

    pub(super) fn encode<C, W: Write>(
        uuid: &Uuid,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), EncodeError<W::Error>> {
        e.bytes(uuid.as_bytes())?.ok()
    }

    pub(super) fn decode<C>(d: &mut Decoder<'_>, _: &mut C) -> Result<Uuid, DecodeError> {
        Uuid::from_slice(d.bytes()?).map_err(|_| DecodeError::message("a uuid has 16 bytes"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_survive_the_store() {
        let mut state = StepState {
            status: StepStatus::Running,
            seq: 3,
            times: StepTimes::default(),
            retries: Some(Box::new(Retries {
                error: 2,
                ..Retries::default()
            })),
            satisfied: Some(true),
            conditions: Some(Conditions::Each(vec![Some(true), None])),
            ending: None,
            artifacts: Some(Box::new(vec![("k".into(), "{}".into())])),
            timeout: None,
            signal_outputs: None,
            timeline: Timeline::default(),
        };
        state.times.set(Stamp::Create, 1_700_000_000_000);
        state.times.set(Stamp::Start, 1_700_000_000_007);
        let bytes = minicbor::to_vec(&state).unwrap();
        assert_eq!(minicbor::decode::<StepState>(&bytes).unwrap(), state);
        assert!(bytes.len() < 60, "{} bytes", bytes.len());
    }

    #[test]
    fn a_newer_servers_field_is_skipped() {
        let mut bytes = Vec::new();
        let mut e = Encoder::new(&mut bytes);
        e.map(5).unwrap();
        e.u8(0).unwrap().u8(13).unwrap(); // status SUCCEEDED
        e.u8(1).unwrap().u8(3).unwrap();
        e.u8(2).unwrap().array(0).unwrap();
        e.u8(10).unwrap().array(0).unwrap();
        e.u8(99).unwrap().str("from the future").unwrap();
        let state: StepState = minicbor::decode(&bytes).unwrap();
        assert_eq!(state.status, StepStatus::Succeeded);
    }
}
