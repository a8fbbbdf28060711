//! Answers to commands, and the two static maps of actions.

use maestro_model::Str;
use maestro_model::definition::User;
use maestro_model::json::{ToJson, Writer};
use maestro_model::run::{Initiator, TimelineEvent as WireEvent, TimelineEventKind};
use maestro_model::state::{ActionKind, InstanceRef, InstanceStatus, Millis, StepStatus};
use maestro_model::validate::is_inline_workflow_id;
use uuid::Uuid;

use super::Written;
use crate::message::StartOutcome;
use crate::workflow::{MESSAGE, REASON, UNBLOCK, UNBLOCKED_ALL, reason_of_all};

/// The text of the first event of a run: who or what started it (spec 05 IN-6).
#[must_use]
pub fn initiator_text(initiator: &Initiator) -> String {
    let trigger = |kind: &str, uuid: &Str| {
        format!("{kind}-based trigger runs a new workflow instance by trigger uuid [{uuid}]")
    };
    match initiator {
        Initiator::Manual { user, .. } => {
            let name = user.as_ref().map_or("unknown", |user| user.name());
            format!("Manually run a new workflow instance by a user [{name}]")
        }
        Initiator::Time { trigger_uuid, .. } => trigger("TIME", trigger_uuid),
        Initiator::Signal { trigger_uuid, .. } => trigger("SIGNAL", trigger_uuid),
        Initiator::Upstream { kind, ancestors } => {
            let parent = ancestors.parent();
            format!(
                "{} step ([{}][{}][{}][{}][{}]) runs a new workflow instance",
                kind.as_str(),
                parent.workflow_id,
                parent.instance_id,
                parent.run_id,
                parent.step_id.as_deref().unwrap_or_default(),
                parent.step_attempt_id
            )
        }
    }
}

/// The answer to a start (spec 05 section 4.1), and to a restart that made a run.
#[derive(Clone, PartialEq, Debug)]
pub struct StartAnswer<'a> {
    /// The workflow.
    pub workflow_id: &'a str,
    /// The version that runs.
    pub version: i64,
    /// The run; zeros for a duplicate (ID-8).
    pub id: InstanceRef,
    /// Its uuid.
    pub uuid: Uuid,
    /// What became of the request.
    pub outcome: StartOutcome,
    /// Who or what started it.
    pub initiator: &'a Initiator,
    /// When.
    pub at: Millis,
}

impl ToJson for StartAnswer<'_> {
    fn write(&self, out: &mut Writer) {
        out.object(|o| {
            o.always("workflow_id", self.workflow_id);
            o.always("workflow_version_id", &self.version);
            o.always("workflow_instance_id", &self.id.instance);
            o.always("workflow_run_id", &self.id.run);
            o.always("workflow_uuid", &self.uuid);
            o.always("status", self.outcome.name());
            o.always(
                "timeline_event",
                &WireEvent::log(self.at, initiator_text(self.initiator)),
            );
        });
    }
}

/// What an action has done to a run (spec 04 section 10.2).
fn write_done(
    out: &mut Writer,
    workflow: &str,
    id: InstanceRef,
    status: InstanceStatus,
    info: &str,
    event: &WireEvent,
    completed: bool,
) {
    out.object(|o| {
        o.always("workflow_id", workflow);
        o.always("workflow_instance_id", &id.instance);
        o.always("workflow_run_id", &id.run);
        o.always("workflow_instance_status", &status);
        o.always("info", info);
        o.always("timeline_event", event);
        o.always("completed", &completed);
    });
}

/// The answer to a stop or kill of an instance (spec 05 section 13.1).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EndAnswer<'a> {
    /// The workflow.
    pub workflow_id: &'a str,
    /// The run that it hit.
    pub id: InstanceRef,
    /// Its status now.
    pub status: InstanceStatus,
    /// Whether it is over.
    pub completed: bool,
    /// What was done, as [`crate::message::Reply::Ended`] says it.
    pub reason: &'a str,
    /// When.
    pub at: Millis,
}

impl ToJson for EndAnswer<'_> {
    fn write(&self, out: &mut Writer) {
        let info = if self.completed {
            "The action is completed."
        } else {
            "The action is accepted and is still running. Please check it again."
        };
        let (status, event) = (self.status, WireEvent::log(self.at, self.reason));
        write_done(
            out,
            self.workflow_id,
            self.id,
            status,
            info,
            &event,
            self.completed,
        );
    }
}

/// The answer to unblocking a run (spec 05 AC-28).
#[derive(Clone, PartialEq, Debug)]
pub struct UnblockAnswer<'a> {
    /// The workflow.
    pub workflow_id: &'a str,
    /// The run.
    pub id: InstanceRef,
    /// It held its workflow up until now.
    pub changed: bool,
    /// Who wanted it.
    pub author: &'a User,
    /// When.
    pub at: Millis,
}

impl ToJson for UnblockAnswer<'_> {
    fn write(&self, out: &mut Writer) {
        let info = if self.changed {
            "The action is done."
        } else {
            "The action is done without any operation."
        };
        let event = unblock_event(self.author, MESSAGE, REASON, self.at);
        let status = InstanceStatus::Failed;
        write_done(out, self.workflow_id, self.id, status, info, &event, true);
    }
}

/// The answer to unblocking all failed runs of a workflow (spec 05 AC-29).
#[must_use]
pub fn unblock_all_event(workflow_id: &str, author: &User, count: u64, at: Millis) -> WireEvent {
    let message = match is_inline_workflow_id(workflow_id) {
        true => UNBLOCKED_ALL.to_owned(),
        false => format!("Unblocked [{count}] failed workflow instances."),
    };
    unblock_event(author, &message, &reason_of_all(workflow_id), at)
}

fn unblock_event(author: &User, message: &str, reason: &str, at: Millis) -> WireEvent {
    WireEvent {
        timestamp: at,
        kind: TimelineEventKind::Action {
            action: UNBLOCK.into(),
            author: Some(author.clone()),
            message: Some(message.into()),
            reason: Some(reason.into()),
            info: None,
        },
    }
}

/// The answer to stopping or killing all runs of a workflow (spec 05 AC-26).
#[must_use]
pub fn end_all_event(
    workflow_id: &str,
    action: ActionKind,
    author: User,
    queued: u64,
    running: u64,
    at: Millis,
) -> WireEvent {
    let reason = crate::workflow::end_all_reason(workflow_id, action, author.name());
    WireEvent {
        timestamp: at,
        kind: TimelineEventKind::Action {
            action: action.name().into(),
            author: Some(author),
            message: Some(
                format!(
                    "Terminated [{queued}] queued instances and terminating [{running}] running instances"
                )
                .into(),
            ),
            reason: Some(reason.into()),
            info: None,
        },
    }
}

/// The answer to an activation or deactivation (spec 04 section 8.3).
#[derive(Clone, PartialEq, Debug)]
pub struct VersionAnswer<'a> {
    /// The workflow.
    pub workflow_id: &'a str,
    /// The version that is active now; `None` after a deactivation.
    pub version: Option<i64>,
    /// Who wanted it.
    pub author: &'a User,
    /// The line of the change history.
    pub log: &'a str,
    /// When.
    pub at: Millis,
}

impl ToJson for VersionAnswer<'_> {
    fn write(&self, out: &mut Writer) {
        let action = self.version.map_or("DEACTIVATE", |_| "ACTIVATE");
        let event = action_event(action, self.author.clone(), self.log, self.at);
        out.object(|o| {
            o.always("workflow_id", self.workflow_id);
            o.always("workflow_version_id", &self.version.unwrap_or(0));
            o.always("timeline_event", &event);
        });
    }
}

/// What was done, and by whom.
#[must_use]
pub fn action_event(action: &str, author: User, message: &str, at: Millis) -> WireEvent {
    WireEvent {
        timestamp: at,
        kind: TimelineEventKind::Action {
            action: action.into(),
            author: Some(author),
            message: Some(message.into()),
            reason: None,
            info: None,
        },
    }
}

/// The answer to a deletion (spec 05 section 15).
#[must_use]
pub fn deleted_event(author: &User, at: Millis) -> WireEvent {
    WireEvent::log(
        at,
        format!(
            "The workflow is deleted by [{}]. All associated workflow data (e.g. versions and instances) will be deleted \
             shortly.",
            author.name()
        ),
    )
}

/// `GET /workflows/instances/action-map` (spec 05 SM-6).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WorkflowActionMap;

impl ToJson for WorkflowActionMap {
    fn write(&self, out: &mut Writer) {
        out.object(|o| {
            for status in InstanceStatus::ALL {
                o.always(status.as_str(), &Words(instance_actions(status)));
            }
        });
    }
}

/// What users may do to an instance with a status.
fn instance_actions(status: InstanceStatus) -> &'static [&'static str] {
    use InstanceStatus as S;
    match status {
        S::Created | S::InProgress | S::Paused => &["STOP", "KILL"],
        S::TimedOut | S::Stopped | S::Succeeded => &["RESTART"],
        S::Failed => &["RESTART", "UNBLOCK"],
    }
}

/// `GET /workflows/steps/instances/action-map` (spec 06 ST-3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StepActionMap;

impl ToJson for StepActionMap {
    fn write(&self, out: &mut Writer) {
        out.object(|o| {
            for status in StepStatus::ALL {
                let actions = step_actions(status);
                if !actions.is_empty() {
                    o.always(status.as_str(), &Words(actions));
                }
            }
        });
    }
}

/// What users may do to a step with a status.
fn step_actions(status: StepStatus) -> &'static [&'static str] {
    use StepStatus as S;
    match status {
        S::NotCreated => &[],
        S::Created => &["PAUSE", "STOP", "KILL"],
        S::Initialized => &["PAUSE", "STOP", "KILL", "SKIP"],
        S::Paused => &["RESUME", "STOP", "KILL", "SKIP"],
        S::WaitingForSignals => &["STOP", "KILL", "SKIP", "BYPASS_STEP_DEPENDENCIES"],
        S::EvaluatingParams
        | S::WaitingForPermits
        | S::Starting
        | S::Running
        | S::Finishing
        | S::UserFailed
        | S::PlatformFailed
        | S::TimeoutFailed => &["STOP", "KILL", "SKIP"],
        S::Disabled | S::Unsatisfied => &["RESTART"],
        S::Skipped
        | S::Succeeded
        | S::CompletedWithError
        | S::FatallyFailed
        | S::InternallyFailed
        | S::Stopped
        | S::TimedOut => &["RESTART", "SKIP"],
    }
}

struct Words(&'static [&'static str]);

impl ToJson for Words {
    fn write(&self, out: &mut Writer) {
        out.array(
            self.0
                .iter()
                .map(|word| Written(move |out: &mut Writer| out.string(word))),
        );
    }
}
