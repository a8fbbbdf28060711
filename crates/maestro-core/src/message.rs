//! What comes into the core and what goes out.

use std::sync::Arc;

use maestro_model::definition::{
    GitInfo, LeafType, Properties, PropertiesUpdate, Tag, User, Workflow,
};
use maestro_model::json::Object;
use maestro_model::param::{ParamBody, ParamDefinition, Params};
use maestro_model::state::{
    ActionKind, AttemptRef, InstanceRef, InstanceStatus, Millis, Origin, PropertiesRow, RunPolicy,
    RunRow, StepOrd, TimelineEvent, WorkflowKey, WorkflowRow,
};
use uuid::Uuid;

use crate::params::{
    Evaluated, Facts, NoSteps, Nothing, Results, RunParams, StepEvaluation, StepFacts, StepInput,
    Values,
};
use crate::plan::Plan;

/// Who waits for an answer; made by the caller, given back with the reply.
pub type Token = u64;

/// Something that happened to a workflow.
#[derive(Debug)]
pub enum Event {
    /// Somebody wants something.
    Command {
        /// Where the answer goes; `None` if nobody waits.
        token: Option<Token>,
        /// What is wanted.
        command: Command,
    },
    /// A runtime reports on an attempt.
    Report(Report),
    /// The deadline that [`crate::WorkflowState::next_deadline`] named has passed.
    Timer,
    /// The cascade that was cut may go on ([`Effect::Continue`]).
    Continue,
    /// The answer to [`Effect::Fetch`].
    Fetched {
        /// The number of the request.
        request: u64,
        /// What the store has.
        answer: Fetched,
    },
    /// The answer to [`Effect::Evaluate`].
    Evaluated {
        /// The attempt that waits.
        at: AttemptRef,
        /// What came of it.
        outcome: Evaluated,
    },
    /// What [`Effect::NotifyDurable`] with this number waited for is durable.
    Durable(u64),
    /// The wall clock jumped: deadlines move by this many milliseconds (design, rule 4).
    ClockShift(Millis),
}

/// What a user or the system wants of a workflow.
#[derive(Debug)]
pub enum Command {
    /// A new version.
    Push(Box<Push>),
    /// A new instance.
    Start(Box<Start>),
    /// Stop or kill the latest run of an instance (spec 05 section 13.1).
    End {
        /// The instance.
        instance: i64,
        /// The run it must be, if the caller said so.
        run: Option<i64>,
        /// Stop or kill.
        action: ActionKind,
        /// Who.
        user: Box<str>,
    },
    /// Stop or kill every run (spec 05 AC-25).
    EndAll {
        /// Stop or kill.
        action: ActionKind,
        /// Who.
        user: Box<str>,
    },
    /// Unblock the latest run of an instance (spec 05 AC-28).
    Unblock {
        /// The instance.
        instance: i64,
        /// The run it must be, if the caller said so.
        run: Option<i64>,
        /// Who.
        user: Box<str>,
    },
    /// Unblock all failed runs (spec 05 AC-29).
    UnblockAll {
        /// Who.
        user: Box<str>,
    },
    /// Delete the workflow (spec 05 section 15).
    Delete {
        /// Who, as a user in JSON.
        author: Box<str>,
    },
    /// Make a version the active one (spec 01 section 10.4).
    Activate {
        /// Which.
        version: VersionSelector,
        /// Who.
        author: User,
    },
    /// Have no active version (spec 01 section 10.4).
    Deactivate {
        /// Who.
        author: User,
    },
    /// Change the properties without a push (spec 01 section 4.4).
    ChangeProperties {
        /// How.
        change: Box<PropertiesChange>,
        /// Who.
        author: User,
    },
}

/// Which version is meant (spec 04 section 4.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum VersionSelector {
    /// The active one.
    Active,
    /// The newest one.
    Latest,
    /// The active one, else the newest.
    Default,
    /// This one.
    Number(i64),
}

impl VersionSelector {
    /// Reads `active`, `latest`, `default` in any case, or a number from 1.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text.to_ascii_lowercase().as_str() {
            "active" => Some(Self::Active),
            "latest" => Some(Self::Latest),
            "default" => Some(Self::Default),
            number => number.parse().ok().filter(|n| *n >= 1).map(Self::Number),
        }
    }

    /// The version number; `None` if no version is active but the active one is meant.
    #[must_use]
    pub fn resolve(self, row: &WorkflowRow) -> Option<i64> {
        match self {
            Self::Active => row.active_version,
            Self::Latest => Some(row.latest_version),
            Self::Default => row.active_version.or(Some(row.latest_version)),
            Self::Number(number) => Some(number),
        }
    }
}

/// A change of a workflow's properties that is no push.
#[derive(Clone, PartialEq, Debug)]
pub enum PropertiesChange {
    /// New values and resets (spec 01 PR-4 to PR-7).
    Update(PropertiesUpdate),
    /// Add a tag, or replace the one of its name (PR-9).
    AddTag(Tag),
    /// Remove the tag of this name (PR-10).
    RemoveTag(Box<str>),
}

/// A new version, parsed and validated.
#[derive(Debug)]
pub struct Push {
    /// The definition.
    pub workflow: Arc<Workflow>,
    /// Its compact JSON.
    pub definition: Box<str>,
    /// Properties given with it.
    pub properties: Option<Properties>,
    /// Whether it becomes the active version.
    pub activate: bool,
    /// Who pushes.
    pub author: User,
    /// Where the definition comes from.
    pub git_info: Option<GitInfo>,
    /// Whatever else was sent.
    pub extra_info: Object,
}

/// A new instance; its params are evaluated already (design, rule 8).
#[derive(Debug)]
pub struct Start {
    /// The version that runs.
    pub plan: Arc<Plan>,
    /// `workflow_uuid`.
    pub uuid: Uuid,
    /// The caller gave it, so that a repeated request is recognised.
    pub named: bool,
    /// The policy.
    pub policy: RunPolicy,
    /// When the request was made.
    pub request_time: Millis,
    /// Where it comes from.
    pub origin: Origin,
    /// Evaluated workflow params, beyond what the plan gives.
    pub results: Arc<Results>,
    /// The run's time-out in milliseconds, if the definition has one.
    pub timeout: Option<i64>,
    /// See [`crate::initiation::instance_step_concurrency`].
    pub instance_step_concurrency: Option<i64>,
    /// The params could not be evaluated and the caller wants that stored (spec 05 CR-9): the failure's events.
    pub failed: Option<Vec<TimelineEvent>>,
}

/// An answer to a command.
#[derive(Debug)]
pub enum Reply {
    /// To [`Command::Push`].
    Pushed {
        /// The workflow as it is now.
        row: WorkflowRow,
        /// The version that was made.
        version: i64,
    },
    /// To [`Command::Start`].
    Started {
        /// The version.
        version: i64,
        /// The run; zeros for a duplicate (spec 05 ID-8).
        id: InstanceRef,
        /// Its uuid.
        uuid: Uuid,
        /// What became of the request.
        outcome: StartOutcome,
    },
    /// To [`Command::End`].
    Ended {
        /// The run that it hit.
        id: InstanceRef,
        /// Its status now.
        status: InstanceStatus,
        /// Whether it is over.
        completed: bool,
        /// The text of what was done.
        reason: String,
    },
    /// To [`Command::EndAll`].
    EndedAll {
        /// Runs that waited and are over.
        queued: u64,
        /// Runs that are being ended.
        running: u64,
    },
    /// To [`Command::Unblock`].
    Unblocked {
        /// The run.
        id: InstanceRef,
        /// It held its workflow up until now.
        changed: bool,
    },
    /// To [`Command::UnblockAll`].
    UnblockedAll {
        /// How many held it up.
        count: u64,
    },
    /// To [`Command::Delete`].
    Deleted,
    /// To [`Command::Activate`].
    Activated {
        /// The version that is active now.
        version: i64,
        /// The line of the change history.
        log: String,
    },
    /// To [`Command::Deactivate`].
    Deactivated {
        /// The line of the change history.
        log: String,
    },
    /// To [`Command::ChangeProperties`]: the new snapshot.
    PropertiesChanged(Box<PropertiesRow>),
}

/// What became of a start (spec 05 section 4.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StartOutcome {
    /// A row was made.
    Created,
    /// There is a run with this uuid already.
    Duplicated,
    /// The run strategy stopped it at once.
    Stopped,
}

impl StartOutcome {
    /// The wire name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Created => "CREATED",
            Self::Duplicated => "DUPLICATED",
            Self::Stopped => "STOPPED",
        }
    }
}

/// Why a command was refused; nothing has changed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refusal {
    /// There is no such workflow.
    #[error("workflow [{0}] has not been created yet")]
    NoWorkflow(Box<str>),
    /// There is no such version.
    #[error("Cannot find version [{version}] of workflow [{workflow}]")]
    NoVersion {
        /// The workflow.
        workflow: Box<str>,
        /// The version.
        version: i64,
    },
    /// The active version is meant, but none is.
    #[error("Cannot find an active version for workflow [{0}]")]
    NoActiveVersion(Box<str>),
    /// There is no such tag among the properties (spec 01 PR-10).
    #[error("workflow [{workflow}] has no tag [{tag}] among its properties")]
    NoTag {
        /// The workflow.
        workflow: Box<str>,
        /// The tag.
        tag: Box<str>,
    },
    /// There is no such instance.
    #[error("no such workflow instance: [{workflow}][{instance}]")]
    NoInstance {
        /// The workflow.
        workflow: Box<str>,
        /// The instance.
        instance: i64,
    },
    /// The action names an old run.
    #[error("run [{given}] of [{workflow}][{instance}] is not the latest one, which is [{latest}]")]
    NotLatestRun {
        /// The workflow.
        workflow: Box<str>,
        /// The instance.
        instance: i64,
        /// The run that was named.
        given: i64,
        /// The latest run.
        latest: i64,
    },
    /// The run is over in another way.
    #[error("cannot {action} [{workflow}][{instance}][{run}]: it has ended as {status}", action = action.name(), status = status.as_str())]
    AlreadyEnded {
        /// The workflow.
        workflow: Box<str>,
        /// The instance.
        instance: i64,
        /// The run.
        run: i64,
        /// What was wanted.
        action: ActionKind,
        /// How it ended.
        status: InstanceStatus,
    },
    /// Only what has failed can be unblocked (spec 05 AC-28).
    #[error("cannot unblock [{workflow}][{instance}][{run}]: its status is [{status}], not FAILED", status = status.as_str())]
    NotFailed {
        /// The workflow.
        workflow: Box<str>,
        /// The instance.
        instance: i64,
        /// The run.
        run: i64,
        /// Its status.
        status: InstanceStatus,
    },
    /// Instances that are not over forbid a deletion (spec 05 DL-1).
    #[error(
        "cannot delete workflow [{workflow}]: [{count}] of its instances are not over; stop them first"
    )]
    StillRunning {
        /// The workflow.
        workflow: Box<str>,
        /// How many.
        count: u64,
    },
    /// The data of a deleted workflow of this id is still being removed (spec 05 DL-6).
    #[error("workflow [{0}] is being deleted; try again when its data is gone")]
    BeingDeleted(Box<str>),
    /// The first version must say who owns the workflow (spec 01 section 10).
    #[error(
        "the first version of workflow [{0}] must have an owner in its properties (`properties.owner`)"
    )]
    NoOwner(Box<str>),
    /// A trigger starts the active version only (spec 05 ST-5).
    #[error(
        "version [{version}] of workflow [{workflow}] is not the active one, which is what triggers start"
    )]
    NotActive {
        /// The workflow.
        workflow: Box<str>,
        /// The version that was asked for.
        version: i64,
    },
    /// The workflow has no such trigger (spec 05 ST-6).
    #[error("workflow [{workflow}] has no trigger with the uuid [{trigger}] at present")]
    NoTrigger {
        /// The workflow.
        workflow: Box<str>,
        /// The uuid.
        trigger: Box<str>,
    },
    /// A signal trigger of an active version waits for no signal (spec 08 ST-4).
    #[error(
        "workflow.signal_triggers[{index}].definitions: the trigger of workflow [{workflow}] names no signal, so it cannot be active; name one, or push with `is_active` false"
    )]
    EmptyTrigger {
        /// The workflow.
        workflow: Box<str>,
        /// Its place in the list.
        index: usize,
    },
    /// Triggers of the kind are switched off (spec 05 ST-7). Callers know this by its text.
    #[error("Trigger type [{kind}] is disabled for the workflow [{workflow}]")]
    TriggerDisabled {
        /// The workflow.
        workflow: Box<str>,
        /// `TIME` or `SIGNAL`.
        kind: &'static str,
    },
    /// A properties change that the instances at hand forbid (spec 05 RS-21).
    #[error("{0}")]
    StrategyRefused(String),
}

/// A report of a runtime on one attempt.
#[derive(Clone, PartialEq, Debug)]
pub struct Report {
    /// The attempt. Reports on any but the attempt in progress are stale and change nothing.
    pub at: AttemptRef,
    /// What it says.
    pub news: News,
    /// Artifacts to merge: key and compact JSON.
    pub artifacts: Vec<(Box<str>, Box<str>)>,
    /// Events for the timeline.
    pub timeline: Vec<TimelineEvent>,
}

/// What a runtime reports.
#[derive(Clone, PartialEq, Debug)]
pub enum News {
    /// The work has begun (spec 07 C-3: CONTINUE after `start`).
    Started,
    /// The work is over, and nothing of it is left.
    Ended(Outcome),
}

/// How the work of an attempt ended (spec 07 C-3).
#[derive(Clone, PartialEq, Debug)]
pub enum Outcome {
    /// Well, with values for params of the step.
    Done {
        /// Output params: name and value; each is declared by the step with this type.
        outputs: Values,
    },
    /// The user's code failed.
    UserError {
        /// Whether another attempt may help (spec 07 C-18).
        retryable: bool,
    },
    /// The platform failed.
    PlatformError {
        /// Whether another attempt may help.
        retryable: bool,
    },
    /// No attempt can help.
    FatalError,
    /// It was ended from outside.
    Stopped,
    /// The output cannot be used (spec 07 C-16): the step fails internally.
    Broken(String),
}

/// What the core wants done. Except for [`Effect::Continue`], [`Effect::Fetch`] and [`Effect::Evaluate`], which change
/// nothing outside, an effect is released only after the rows of its transition are durable (output commit).
#[derive(Debug)]
pub enum Effect {
    /// Answer a command.
    Reply {
        /// Who waits.
        token: Token,
        /// The answer.
        result: Result<Reply, Refusal>,
    },
    /// Start the work of an attempt.
    Launch(Box<Launch>),
    /// End the work of an attempt; its runtime reports [`News::Ended`] when nothing is left of it.
    Cancel {
        /// The attempt.
        at: AttemptRef,
        /// Its uuid.
        uuid: Uuid,
        /// The type of its step.
        ty: LeafType,
    },
    /// The attempt's end is stored: what the runtime kept for it may go.
    Release {
        /// The attempt.
        at: AttemptRef,
        /// Its uuid.
        uuid: Uuid,
        /// The type of its step.
        ty: LeafType,
    },
    /// Come back with [`Event::Continue`] after others had their turn.
    Continue,
    /// Read from the store, once everything before is durable.
    Fetch {
        /// The number of the request.
        request: u64,
        /// What to read.
        what: Fetch,
    },
    /// Send [`Event::Durable`] with this number back.
    NotifyDurable(u64),
    /// Make an evaluation that takes longer than a shard may wait, and come back with [`Event::Evaluated`].
    Evaluate(Box<StepEvaluation>),
    /// An instance has changed in a way that somebody may wait for.
    Changed {
        /// The instance and run.
        id: InstanceRef,
        /// Its run's status.
        status: InstanceStatus,
    },
    /// The definition side has changed: what is cached of it is old.
    DefinitionChanged,
    /// The workflow is deleted: remove its data in the background.
    Purge(WorkflowKey),
    /// A count for the metrics.
    Count(Counter),
}

/// Things that are counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Counter {
    /// A step attempt ended.
    StepEnded,
    /// A run ended.
    RunEnded,
    /// A report came for an attempt that is not in progress.
    StaleReport,
}

/// The work of an attempt.
#[derive(Debug)]
pub struct Launch {
    /// The attempt.
    pub at: AttemptRef,
    /// Its uuid: the identity under which a runtime must not start twice.
    pub uuid: Uuid,
    /// The type of its step.
    pub ty: LeafType,
    /// The instance and run.
    pub id: InstanceRef,
    /// The plan; the step is `plan.step(at.step)`.
    pub plan: Arc<Plan>,
    /// The run.
    pub run: Box<RunRow>,
    /// The properties that it started with.
    pub properties: Arc<Properties>,
    /// `step_instance_id`.
    pub seq: u32,
    /// When it was launched.
    pub now: Millis,
    /// Evaluated params of the step, beyond what the plan gives.
    pub step_results: Arc<Results>,
    /// Evaluated params of the workflow, beyond what the plan gives.
    pub run_results: Arc<Results>,
    /// The work may have been started before a crash: find it again; start it only if nobody did.
    pub adopt: bool,
    /// Its start follows from the end of another step.
    pub follows: bool,
}

impl Launch {
    fn run_params(&self) -> RunParams<'_> {
        let facts = Facts::of_run(&self.run, &self.plan.workflow, &self.properties);
        RunParams::new(&self.plan, &self.run_results, facts)
    }

    /// All params of the run. Those that it brought itself come last.
    #[must_use]
    pub fn workflow_params(&self) -> Params {
        let run = self.run_params();
        let mut params = run.all();
        for (name, value) in &self.run_results.values {
            if !params.contains_key(name) {
                let body = ParamBody::Unset(value.ty());
                let param = crate::params::instance(
                    &ParamDefinition::new(body),
                    Some(value.clone()),
                    None,
                    self.run.body.create_time,
                );
                params.insert(name.clone(), param);
            }
        }
        params
    }

    /// All params of the attempt.
    #[must_use]
    pub fn step_params(&self) -> Params {
        let step = self.plan.step(self.at.step);
        let Ok(set) = &step.params else {
            return Params::default();
        };
        let input = StepInput {
            plan: &self.plan,
            set,
            run: self.run_params(),
            step: StepFacts {
                id: &step.id,
                uuid: self.uuid,
                attempt: self.at.attempt,
                seq: self.seq,
                type_info: step.type_info(),
                error_retries: 0,
                now: self.now,
            },
            steps: &NoSteps,
            outside: &Nothing,
        };
        crate::params::step_instances(input, &self.step_results, self.now)
    }
}

/// Something to read from the store.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fetch {
    /// Queued runs after this one (or the first ones), in order.
    Queued {
        /// Those after it.
        after: Option<InstanceRef>,
        /// At most so many.
        limit: usize,
    },
    /// The latest run of an instance.
    Instance(i64),
    /// Runs with raw status FAILED after this one (or the first ones), in order.
    Failed {
        /// Those after it.
        after: Option<InstanceRef>,
        /// At most so many.
        limit: usize,
    },
    /// Whether a run with this uuid exists.
    Uuid(Uuid),
    /// The purging state of an id that was deleted before, before its first version is made.
    Deleted,
}

/// What was read.
#[derive(Debug)]
pub enum Fetched {
    /// Queued runs with the plans and params that they need.
    Queued(Vec<LoadedRun>),
    /// A run, or none.
    Instance(Option<Box<LoadedRun>>),
    /// Failed runs.
    Failed(Vec<RunRow>),
    /// Whether there is one.
    Uuid(bool),
    /// The last instance number of deleted workflows of this id, and whether their data is still being removed.
    Deleted {
        /// The largest number.
        last_instance: i64,
        /// Not all data is gone.
        purging: bool,
    },
}

/// A run read from the store, with what its row only names.
#[derive(Debug)]
pub struct LoadedRun {
    /// The row.
    pub row: RunRow,
    /// Its version.
    pub plan: Arc<Plan>,
    /// Its evaluated params, beyond what the plan gives.
    pub results: Arc<Results>,
    /// The properties that it started with.
    pub properties: Arc<Properties>,
    /// The latest attempt of each step.
    pub steps: Vec<LoadedStep>,
}

/// A step attempt read from the store.
#[derive(Debug)]
pub struct LoadedStep {
    /// The step.
    pub step: StepOrd,
    /// The attempt.
    pub attempt: u32,
    /// Its state.
    pub state: maestro_model::state::StepState,
    /// Evaluated params, beyond what the plan gives.
    pub results: Option<Arc<Results>>,
}
