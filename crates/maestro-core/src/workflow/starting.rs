//! New instances (spec 05 sections 2, 4, 5 and 7).

use std::collections::BTreeMap;
use std::sync::Arc;

use maestro_model::definition::RunStrategyRule;
use maestro_model::state::{
    ActionKind, InstanceRef, RunBody, RunHead, RunRow, RunStatus, Termination, Timeline,
    TimelineEvent,
};
use uuid::Uuid;

use super::{Pending, Turn, WorkflowState};
use crate::message::{Effect, Fetch, Refusal, Reply, Start, StartOutcome, Token};
use crate::run::RunState;

/// The user of actions that a run strategy takes (spec 05 RS-15).
const STRATEGY_USER: &str = "maestro_run_strategy";

/// A start that waits, and who waits for it.
type Asked = (Option<Token>, Box<Start>);

/// Uuids that callers gave, where the store does not know or was not asked yet (spec 05 ID-7).
#[derive(Default, Debug)]
pub(super) struct Uuids {
    /// Taken, but maybe not durable: with the number of the notice that says so.
    taken: BTreeMap<Uuid, u64>,
    /// The store is being asked; who wants it, in order. Requests for one uuid wait for each other, so that the answer
    /// for the first is never older than what the second one sees.
    checking: BTreeMap<Uuid, Vec<Asked>>,
    notices: u64,
}

impl Uuids {
    pub(super) fn is_empty(&self) -> bool {
        self.taken.is_empty() && self.checking.is_empty()
    }

    pub(super) fn durable(&mut self, number: u64) {
        self.taken.retain(|_, n| *n > number);
    }

    fn take(&mut self, uuid: Uuid) -> u64 {
        self.notices += 1;
        self.taken.insert(uuid, self.notices);
        self.notices
    }
}

impl WorkflowState {
    pub(super) fn start(&mut self, token: Option<Token>, start: Box<Start>, turn: &mut Turn<'_>) {
        if self.row.is_none() {
            return turn.reply(token, Err(Refusal::NoWorkflow((&*self.id).into())));
        }
        if !start.named {
            return self.accept(token, *start, turn);
        }
        let uuid = start.uuid;
        if self.uuids.taken.contains_key(&uuid) {
            return turn.reply(token, Ok(duplicate(&start)));
        }
        if let Some(waiting) = self.uuids.checking.get_mut(&uuid) {
            return waiting.push((token, start));
        }
        self.uuids.checking.insert(uuid, vec![(token, start)]);
        self.fetch(Pending::Uuid(uuid), Fetch::Uuid(uuid), turn);
    }

    /// The store has said whether a uuid is taken.
    pub(super) fn uuid_checked(&mut self, uuid: Uuid, mut taken: bool, turn: &mut Turn<'_>) {
        for (token, start) in self.uuids.checking.remove(&uuid).unwrap_or_default() {
            if taken {
                turn.reply(token, Ok(duplicate(&start)));
            } else if self.row.is_none() {
                turn.reply(token, Err(Refusal::NoWorkflow((&*self.id).into())));
            } else {
                taken = true;
                let notice = self.uuids.take(uuid);
                turn.effects.push(Effect::NotifyDurable(notice));
                self.accept(token, *start, turn);
            }
        }
    }

    /// Makes the run and decides what becomes of it (spec 05 section 7.2).
    fn accept(&mut self, token: Option<Token>, start: Start, turn: &mut Turn<'_>) {
        let Some(row) = &mut self.row else { return };
        row.last_instance += 1;
        self.row_changed = true;
        let id = InstanceRef {
            instance: row.last_instance,
            run: 1,
        };
        let (version, uuid) = (start.plan.version, start.uuid);
        let failed = start.failed;
        let run = RunRow {
            key: turn.keys.run(turn.now),
            workflow: row.key,
            id,
            head: RunHead {
                status: RunStatus::Queued,
                dequeue_time: None,
                start_time: None,
                end_time: None,
                modify_time: turn.now,
                own_result: None,
                ending: None,
                next_seq: 3,
                timeline: Timeline::default(),
            },
            body: RunBody {
                uuid,
                named: start.named,
                version,
                properties: row.properties,
                policy: start.policy,
                request_time: start.request_time,
                create_time: turn.now,
                origin: Box::new(start.origin),
                params: (!start.results.is_empty()).then(|| start.results.to_json().into()),
                timeout: start.timeout,
                dag: None,
                baseline: None,
                instance_step_concurrency: start.instance_step_concurrency,
                group_info: 1,
            },
        };
        let mut run = RunState::new(
            run,
            start.plan,
            start.results,
            Arc::clone(&self.properties),
            false,
        );
        let outcome = match failed {
            Some(events) => {
                self.store_failed(run, events, turn);
                StartOutcome::Created
            }
            None => match self.strategy().rule {
                RunStrategyRule::FirstOnly if !self.runs.is_empty() || !self.queue.is_empty() => {
                    let text = self.first_only_text();
                    run.end_unbegun(
                        RunStatus::Stopped,
                        true,
                        TimelineEvent::info(turn.now, text),
                        turn,
                    );
                    StartOutcome::Stopped
                }
                rule => {
                    self.make_room(rule, id, turn);
                    run.save(turn);
                    self.queue.add(run, turn.settings);
                    StartOutcome::Created
                }
            },
        };
        turn.reply(
            token,
            Ok(Reply::Started {
                version,
                id,
                uuid,
                outcome,
            }),
        );
    }

    /// A run whose params could not be evaluated is stored as FAILED (spec 05 CR-9).
    fn store_failed(&mut self, mut run: RunState, events: Vec<TimelineEvent>, turn: &mut Turn<'_>) {
        run.row.head.status = RunStatus::Failed;
        run.row.head.end_time = Some(turn.now);
        for event in events {
            run.row.head.timeline.push(event);
        }
        run.save(turn);
        // The reference names FAILED as old and as new status (CR-9, match).
        let change = maestro_model::state::StatusChange::Run {
            old: RunStatus::Failed,
            new: RunStatus::Failed,
        };
        turn.rows.events(&run.row, None, &[(change, turn.now)]);
        self.failed += 1;
    }

    fn first_only_text(&self) -> String {
        let found = self
            .runs
            .values()
            .next()
            .map(|run| (run.row.id, run.row.body.uuid));
        let (id, uuid) = found.unwrap_or((
            InstanceRef {
                instance: 0,
                run: 0,
            },
            Uuid::nil(),
        ));
        format!(
            "[\"With FIRST_ONLY run strategy, this run is stopped due to a running one \
             [InstanceRunUuid(instanceId={}, runId={}, uuid={uuid})].\"]",
            id.instance, id.run
        )
    }

    /// What a newcomer does to those before it (spec 05 RS-15, RS-19).
    fn make_room(&mut self, rule: RunStrategyRule, new: InstanceRef, turn: &mut Turn<'_>) {
        let text = match rule {
            RunStrategyRule::LastOnly => {
                "[\"With LAST_ONLY run strategy, this run is stopped due to starting a new run.\"]"
                    .to_owned()
            }
            RunStrategyRule::SerialLatestOnly => format!(
                "[\"With SERIAL_LATEST_ONLY run strategy, this run is stopped because new instance {} with run {} \
                 arrived.\"]",
                new.instance, new.run
            ),
            _ => return,
        };
        for mut run in self.queue.drain() {
            let starts = rule == RunStrategyRule::LastOnly;
            run.end_unbegun(
                RunStatus::Stopped,
                starts,
                TimelineEvent::info(turn.now, text.clone()),
                turn,
            );
            self.note_ended(run.row.id, RunStatus::Stopped);
        }
        if rule == RunStrategyRule::LastOnly {
            let id = &self.id;
            let reason = format!(
                "Stopped due to LAST_ONLY run strategy to start a new instance: [{id}][{}][{}]",
                new.instance, new.run
            );
            let keys: Vec<_> = self.runs.keys().copied().collect();
            for key in keys {
                if let Some(run) = self.runs.get_mut(&key) {
                    run.end_all(
                        Termination {
                            action: ActionKind::Stop,
                            user: STRATEGY_USER.into(),
                            reason: reason.clone().into(),
                            at: turn.now,
                            workflow_action: true,
                        },
                        turn.now,
                    );
                }
                self.enlist(key);
            }
        }
    }
}

/// The answer to a request whose uuid is taken: zeros (spec 05 ID-8, a quirk that is matched).
fn duplicate(start: &Start) -> Reply {
    Reply::Started {
        version: start.plan.version,
        id: InstanceRef {
            instance: 0,
            run: 0,
        },
        uuid: start.uuid,
        outcome: StartOutcome::Duplicated,
    }
}
