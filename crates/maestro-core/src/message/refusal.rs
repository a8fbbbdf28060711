//! Why a command is refused.

use maestro_model::state::{ActionKind, InstanceStatus};

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
