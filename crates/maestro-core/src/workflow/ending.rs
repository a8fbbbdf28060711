//! Stop and kill of instances (spec 05 sections 13.1 and 13.5).

use maestro_model::state::{
    ActionKind, InstanceRef, InstanceStatus, RunStatus, Termination, TimelineEvent,
};

use super::{Pending, Turn, WorkflowState};
use crate::message::{Fetch, LoadedRun, Refusal, Reply, Token};
use crate::run::RunState;

/// How many stored runs are ended at once.
const PAGE: usize = 500;

/// A stop or kill of the latest run of an instance.
#[derive(Clone, Debug)]
pub(super) struct End {
    pub(super) instance: i64,
    pub(super) run: Option<i64>,
    pub(super) action: ActionKind,
    pub(super) user: Box<str>,
}

impl End {
    /// The text of the action (spec 05 AC-3).
    fn reason(&self) -> String {
        format!(
            "User [{}] take an action to {} the running workflow instance run",
            self.user,
            self.action.name()
        )
    }

    fn target(&self) -> RunStatus {
        target(self.action)
    }
}

/// A stop or kill of everything, while the stored part of the queue is being ended.
#[derive(Debug)]
pub(super) struct EndAll {
    token: Option<Token>,
    action: ActionKind,
    user: Box<str>,
    queued: u64,
}

/// The status that an action aims at (spec 05 AC-2).
fn target(action: ActionKind) -> RunStatus {
    if action == ActionKind::Kill {
        RunStatus::Failed
    } else {
        RunStatus::Stopped
    }
}

impl WorkflowState {
    pub(super) fn end(&mut self, token: Option<Token>, end: End, turn: &mut Turn<'_>) {
        if let Some(key) = self.live.get(&end.instance).copied()
            && let Some(run) = self.runs.get_mut(&key)
        {
            let id = run.row.id;
            if let Err(refusal) = check_run(&self.id, end.run, id) {
                return turn.reply(token, Err(refusal));
            }
            run.end_all(
                Termination {
                    action: end.action,
                    user: end.user.clone(),
                    reason: "manual workflow instance API call".into(),
                    at: turn.now,
                    workflow_action: true,
                },
                turn.now,
            );
            let status = run.row.head.status.public();
            self.enlist(key);
            return turn.reply(
                token,
                Ok(Reply::Ended {
                    id,
                    status,
                    completed: false,
                    reason: end.reason(),
                }),
            );
        }
        if let Some(run) = self.queue.remove(end.instance) {
            let id = run.row.id;
            if let Err(refusal) = check_run(&self.id, end.run, id) {
                self.queue.add(run, turn.settings);
                return turn.reply(token, Err(refusal));
            }
            self.end_queued(run, end.action, &end.reason(), turn);
            return turn.reply(token, Ok(self.ended(&end, id)));
        }
        let instance = end.instance;
        self.fetch(Pending::End { token, end }, Fetch::Instance(instance), turn);
    }

    /// Ends an instance that was not in memory when that was asked for.
    pub(super) fn end_stored(
        &mut self,
        token: Option<Token>,
        end: End,
        run: Option<Box<LoadedRun>>,
        turn: &mut Turn<'_>,
    ) {
        // It may have come into memory meanwhile.
        if self.live.contains_key(&end.instance) {
            return self.end(token, end, turn);
        }
        if let Some(run) = self.queue.remove(end.instance) {
            self.queue.add(run, turn.settings);
            return self.end(token, end, turn);
        }
        let Some(run) = run else {
            let refusal = Refusal::NoInstance {
                workflow: (&*self.id).into(),
                instance: end.instance,
            };
            return turn.reply(token, Err(refusal));
        };
        let (id, head) = (run.row.id, &run.row.head);
        if let Err(refusal) = check_run(&self.id, end.run, id) {
            return turn.reply(token, Err(refusal));
        }
        let stored = self.ended.get(&id).copied().unwrap_or(head.status);
        let status = stored.public();
        let own_result = head.own_result.unwrap_or(stored).public();
        if !stored.is_terminal() {
            self.queue.gone();
            let run = RunState::new(run.row, run.plan, run.results, run.properties, true);
            self.end_queued(run, end.action, &end.reason(), turn);
            turn.reply(token, Ok(self.ended(&end, id)));
        } else if own_result == end.target().public() {
            turn.reply(token, Ok(self.ended(&end, id)));
        } else {
            let refusal = Refusal::AlreadyEnded {
                workflow: (&*self.id).into(),
                instance: id.instance,
                run: id.run,
                action: end.action,
                status,
            };
            turn.reply(token, Err(refusal));
        }
    }

    #[expect(
        clippy::unused_self,
        reason = "reads as one of the answers of this state"
    )]
    fn ended(&self, end: &End, id: InstanceRef) -> Reply {
        Reply::Ended {
            id,
            status: end.target().public(),
            completed: true,
            reason: end.reason(),
        }
    }

    /// Ends a run that waits (spec 05 AC-3, SM-8).
    fn end_queued(
        &mut self,
        mut run: RunState,
        action: ActionKind,
        reason: &str,
        turn: &mut Turn<'_>,
    ) {
        let status = target(action);
        let text = format!(
            "Workflow instance status becomes [{}] due to reason [{reason}]",
            InstanceStatus::as_str(status.public())
        );
        run.end_unbegun(status, false, TimelineEvent::warn(turn.now, text), turn);
        self.note_ended(run.row.id, status);
    }

    pub(super) fn end_everything(
        &mut self,
        token: Option<Token>,
        action: ActionKind,
        user: Box<str>,
        turn: &mut Turn<'_>,
    ) {
        let end = EndAll {
            token,
            action,
            user,
            queued: 0,
        };
        // One question at a time to the store: what it answers is to be counted once.
        if self.queue.is_reading() {
            return self.ending_all.push(end);
        }
        self.end_waiting(end, Vec::new(), turn);
    }

    /// A page of the stored queue has come.
    pub(super) fn end_queue(&mut self, end: EndAll, rows: Vec<LoadedRun>, turn: &mut Turn<'_>) {
        // An empty page means that nothing is left, whatever the count says.
        if rows.is_empty() {
            self.queue.forget_beyond();
        }
        let rows = self.not_ended(rows);
        let rows = self.queue.answered(rows);
        self.end_waiting(end, rows, turn);
        self.end_others(turn);
    }

    /// Goes on with those who wanted everything ended while the store was being asked.
    pub(super) fn end_others(&mut self, turn: &mut Turn<'_>) {
        while !self.queue.is_reading() && !self.ending_all.is_empty() {
            let next = self.ending_all.remove(0);
            self.end_waiting(next, Vec::new(), turn);
        }
    }

    /// Whether everything is being ended, so that nothing begins meanwhile.
    pub(super) fn is_ending_all(&self) -> bool {
        let asking = |pending: &Pending| matches!(pending, Pending::EndQueue(_));
        !self.ending_all.is_empty() || self.pending.values().any(asking)
    }

    /// Ends what waits in memory and these stored runs, then what is still in the store, then what is at work.
    fn end_waiting(&mut self, mut end: EndAll, stored: Vec<LoadedRun>, turn: &mut Turn<'_>) {
        let stored = stored
            .into_iter()
            .map(|run| RunState::new(run.row, run.plan, run.results, run.properties, true));
        let waiting: Vec<_> = stored.chain(self.queue.drain()).collect();
        end.queued += waiting.len() as u64;
        for run in waiting {
            self.end_queued(run, end.action, &reason_of_all(&self.id, &end), turn);
        }
        if self.queue.beyond() > 0 {
            self.queue.ask();
            return self.fetch(
                Pending::EndQueue(end),
                Fetch::Queued {
                    after: None,
                    limit: PAGE,
                },
                turn,
            );
        }
        let keys: Vec<_> = self.runs.keys().copied().collect();
        let running = keys.len() as u64;
        let reason = reason_of_all(&self.id, &end);
        for key in keys {
            if let Some(run) = self.runs.get_mut(&key) {
                run.end_all(
                    Termination {
                        action: end.action,
                        user: end.user.clone(),
                        reason: reason.clone().into(),
                        at: turn.now,
                        workflow_action: true,
                    },
                    turn.now,
                );
            }
            self.enlist(key);
        }
        turn.reply(
            end.token,
            Ok(Reply::EndedAll {
                queued: end.queued,
                running,
            }),
        );
    }
}

fn reason_of_all(workflow: &str, end: &EndAll) -> String {
    end_all_reason(workflow, end.action, &end.user)
}

/// Why the runs of a workflow are ended (spec 05 AC-26).
pub(crate) fn end_all_reason(workflow: &str, action: ActionKind, user: &str) -> String {
    let status = target(action).public().as_str();
    format!(
        "All workflow instances of workflow id [{workflow}] are terminated to status [{status}] by the caller [{user}]"
    )
}

/// An action names the latest run or none; 0 is the latest (spec 05 AC-1).
pub(super) fn check_run(
    workflow: &str,
    given: Option<i64>,
    latest: InstanceRef,
) -> Result<(), Refusal> {
    match given {
        Some(given) if given != 0 && given != latest.run => Err(Refusal::NotLatestRun {
            workflow: workflow.into(),
            instance: latest.instance,
            given,
            latest: latest.run,
        }),
        _ => Ok(()),
    }
}
