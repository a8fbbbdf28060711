//! Unblocking of failed instances (spec 05 section 13.6): they hold a strictly sequential workflow up no longer.

use maestro_model::state::{InstanceRef, RunRow, RunStatus, TimelineEvent};

use super::ending::check_run;
use super::{Pending, Turn, WorkflowState};
use crate::message::{Fetch, LoadedRun, Refusal, Reply, Token};

/// How many runs are unblocked at once (spec 05 AC-29).
const PAGE: usize = 100;

/// The name of the action.
pub(crate) const UNBLOCK: &str = "UNBLOCK";

/// Why an instance is unblocked, as its event says (spec 05 AC-30).
pub(crate) const REASON: &str = "[API] call to UNBLOCK a failed workflow instance run.";

/// What was done to an instance, as its event says (spec 05 AC-30).
pub(crate) const MESSAGE: &str = "Unblocked the workflow instance.";

/// What was done to each instance of a workflow, as its event says (spec 05 AC-29).
pub(crate) const UNBLOCKED_ALL: &str = "Unblocked the workflow.";

/// Why the instances of a workflow are unblocked (spec 05 AC-29).
pub(crate) fn reason_of_all(workflow: &str) -> String {
    format!("Unblock workflow [{workflow}]")
}

/// Who wants the latest run of an instance unblocked.
#[derive(Clone, Debug)]
pub(super) struct Unblock {
    pub(super) token: Option<Token>,
    pub(super) instance: i64,
    pub(super) run: Option<i64>,
    pub(super) user: Box<str>,
    /// The store is asked once more, as the run ended while it was being asked.
    pub(super) again: bool,
}

/// Who wants all unblocked, while the failed runs are being read.
#[derive(Debug)]
pub(super) struct UnblockAll {
    pub(super) token: Option<Token>,
    pub(super) user: Box<str>,
    pub(super) count: u64,
}

impl WorkflowState {
    pub(super) fn unblock(&mut self, ask: Unblock, turn: &mut Turn<'_>) {
        let what = Fetch::Instance(ask.instance);
        self.fetch(Pending::Unblock(ask), what, turn);
    }

    /// The latest run of the instance has come. One that memory knows better has not failed.
    pub(super) fn unblock_stored(
        &mut self,
        ask: Unblock,
        run: Option<Box<LoadedRun>>,
        turn: &mut Turn<'_>,
    ) {
        let token = ask.token;
        let Some(run) = run else {
            let refusal = Refusal::NoInstance {
                workflow: (&*self.id).into(),
                instance: ask.instance,
            };
            return turn.reply(token, Err(refusal));
        };
        let id = run.row.id;
        if let Err(refusal) = check_run(&self.id, ask.run, id) {
            return turn.reply(token, Err(refusal));
        }
        let known = self.ended.get(&id).copied();
        match known.unwrap_or(run.row.head.status) {
            RunStatus::Failed if known.is_some() && !ask.again => {
                let ask = Unblock { again: true, ..ask };
                self.unblock(ask, turn);
            }
            RunStatus::Failed => {
                self.unblock_run(run.row, &ask.user, MESSAGE, REASON, turn);
                turn.reply(token, Ok(Reply::Unblocked { id, changed: true }));
            }
            RunStatus::FailedUnblocked | RunStatus::FailedSuperseded => {
                turn.reply(token, Ok(Reply::Unblocked { id, changed: false }));
            }
            other => {
                let refusal = Refusal::NotFailed {
                    workflow: (&*self.id).into(),
                    instance: id.instance,
                    run: id.run,
                    status: other.public(),
                };
                turn.reply(token, Err(refusal));
            }
        }
    }

    pub(super) fn unblock_all(
        &mut self,
        ask: UnblockAll,
        after: Option<InstanceRef>,
        turn: &mut Turn<'_>,
    ) {
        let what = Fetch::Failed { after, limit: PAGE };
        self.fetch(Pending::UnblockAll(ask), what, turn);
    }

    /// A page of the failed runs has come.
    pub(super) fn unblock_page(
        &mut self,
        mut ask: UnblockAll,
        rows: Vec<RunRow>,
        turn: &mut Turn<'_>,
    ) {
        let last = rows.last().map(|row| row.id);
        let is_full = rows.len() >= PAGE;
        let reason = reason_of_all(&self.id);
        for row in rows {
            // Another one may have been faster.
            if self.ended.get(&row.id) != Some(&RunStatus::FailedUnblocked) {
                self.unblock_run(row, &ask.user, UNBLOCKED_ALL, &reason, turn);
                ask.count += 1;
            }
        }
        if is_full {
            return self.unblock_all(ask, last, turn);
        }
        turn.reply(ask.token, Ok(Reply::UnblockedAll { count: ask.count }));
    }

    /// No status event is told (spec 05 SM-3).
    fn unblock_run(
        &mut self,
        mut row: RunRow,
        user: &str,
        message: &str,
        reason: &str,
        turn: &mut Turn<'_>,
    ) {
        row.head.status = RunStatus::FailedUnblocked;
        row.head.modify_time = turn.now;
        row.head.timeline.push(TimelineEvent::Action {
            at: turn.now,
            action: UNBLOCK.into(),
            author: user.into(),
            message: Some(message.into()),
            reason: Some(reason.into()),
        });
        turn.rows.update_run(row.key, &row.head);
        self.failed = self.failed.saturating_sub(1);
        self.note_ended(row.id, RunStatus::FailedUnblocked);
    }
}
