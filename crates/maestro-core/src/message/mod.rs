//! What comes into the core and what goes out: events and commands, their replies and refusals, and effects.

mod effect;
mod refusal;

use std::sync::Arc;

use maestro_model::definition::{GitInfo, Properties, PropertiesUpdate, Tag, User, Workflow};
use maestro_model::json::Object;
use maestro_model::state::{
    ActionKind, AttemptRef, InstanceRef, InstanceStatus, Millis, Origin, PropertiesRow, RunPolicy,
    TimelineEvent, WorkflowRow,
};
use uuid::Uuid;

use crate::params::{Evaluated, Results, Values};
use crate::plan::Plan;

pub use effect::{Counter, Effect, Fetch, Fetched, Launch, LoadedRun, LoadedStep};
pub use refusal::Refusal;

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
