//! Runs that wait for their turn (spec 05 section 7.3). They stay in the store; a window of those whose turn is near is
//! in memory (design, rule 6).

use std::collections::BTreeMap;

use maestro_model::definition::RunStrategyRule;
use maestro_model::state::{InstanceRef, RunStatus, TimelineEvent};

use super::{Pending, Turn, WorkflowState};
use crate::message::{Fetch, LoadedRun};
use crate::run::{Cx, RunState};
use crate::settings::Settings;

/// The queue of a workflow, in order of instance and run. Each run that waits is counted in one place: the window, the
/// arrivals, or the number beyond.
#[derive(Default, Debug)]
pub(super) struct Queue {
    /// The first ones.
    window: BTreeMap<InstanceRef, RunState>,
    /// How many more are only in the store; all of them come after the window.
    beyond: u64,
    /// The store is being asked for some of them, by one question at a time. What comes meanwhile waits in `arrivals`,
    /// since its place is not known yet.
    reading: bool,
    arrivals: BTreeMap<InstanceRef, RunState>,
}

impl Queue {
    pub(super) fn stored(queued: u64) -> Self {
        Self {
            beyond: queued,
            ..Self::default()
        }
    }

    pub(super) fn len(&self) -> u64 {
        (self.window.len() + self.arrivals.len()) as u64 + self.beyond
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn beyond(&self) -> u64 {
        self.beyond
    }

    /// Takes a new run in.
    pub(super) fn add(&mut self, run: RunState, settings: &Settings) {
        let id = run.row.id;
        if self.reading {
            self.arrivals.insert(id, run);
            return;
        }
        let after_window = self
            .window
            .last_key_value()
            .is_none_or(|(last, _)| id > *last);
        if self.beyond > 0 && after_window {
            self.beyond += 1;
            return;
        }
        self.window.insert(id, run);
        self.trim(settings);
    }

    /// Leaves to the store what is too much for memory.
    fn trim(&mut self, settings: &Settings) {
        while self.window.len() > settings.queue_window {
            self.window.pop_last();
            self.beyond += 1;
        }
    }

    /// Whether a question is on its way to the store.
    pub(super) fn is_reading(&self) -> bool {
        self.reading
    }

    /// The store is being asked for runs beyond the window.
    pub(super) fn ask(&mut self) {
        self.reading = true;
    }

    /// The store has answered, without what ended meanwhile: what of it memory does not have is handed out, and counted
    /// no more.
    pub(super) fn answered(&mut self, mut rows: Vec<LoadedRun>) -> Vec<LoadedRun> {
        self.reading = false;
        rows.retain(|run| !self.arrivals.contains_key(&run.row.id));
        self.beyond = self.beyond.saturating_sub(rows.len() as u64);
        rows
    }

    /// The store has answered with the first runs after the window.
    pub(super) fn loaded(&mut self, rows: Vec<LoadedRun>, settings: &Settings) {
        for run in self.answered(rows) {
            self.window.insert(
                run.row.id,
                RunState::new(run.row, run.plan, run.results, run.properties, true),
            );
        }
        for (_, run) in std::mem::take(&mut self.arrivals) {
            self.add(run, settings);
        }
        self.trim(settings);
    }

    /// Takes a run out, if memory has it.
    pub(super) fn remove(&mut self, instance: i64) -> Option<RunState> {
        let range = InstanceRef {
            instance,
            run: i64::MIN,
        }..=InstanceRef {
            instance,
            run: i64::MAX,
        };
        let id = *self
            .window
            .range(range.clone())
            .next_back()
            .or_else(|| self.arrivals.range(range).next_back())?
            .0;
        self.window
            .remove(&id)
            .or_else(|| self.arrivals.remove(&id))
    }

    /// Takes all out that memory has.
    pub(super) fn drain(&mut self) -> Vec<RunState> {
        let window = std::mem::take(&mut self.window);
        let arrivals = std::mem::take(&mut self.arrivals);
        window.into_values().chain(arrivals.into_values()).collect()
    }

    /// A run that was only in the store is over.
    pub(super) fn gone(&mut self) {
        self.beyond = self.beyond.saturating_sub(1);
    }

    /// The store has nothing more.
    pub(super) fn forget_beyond(&mut self) {
        self.beyond = 0;
    }

    fn pop(&mut self) -> Option<RunState> {
        self.window.pop_first().map(|(_, run)| run)
    }
}

impl WorkflowState {
    /// Begins waiting runs as far as the strategy lets them (spec 05 RS-8, RS-9).
    pub(super) fn dequeue(&mut self, turn: &mut Turn<'_>) {
        let strategy = self.strategy();
        let slots = match strategy.rule {
            RunStrategyRule::Parallel => {
                usize::try_from(strategy.workflow_concurrency).unwrap_or(0)
            }
            _ => usize::from(strategy.workflow_concurrency > 0),
        };
        let ending_all = self.is_ending_all();
        while self.runs.len() < slots && !ending_all && turn.budget > 0 {
            if strategy.rule == RunStrategyRule::StrictSequential && self.failed > 0 {
                return;
            }
            let Some(mut run) = self.queue.pop() else {
                self.refill(turn);
                return;
            };
            // Of several that wait these rules keep the last one only: what a fetch brought late goes the same way.
            if matches!(
                strategy.rule,
                RunStrategyRule::LastOnly | RunStrategyRule::SerialLatestOnly
            ) && !self.queue.is_empty()
            {
                let text = format!(
                    "[\"With {} run strategy, this run is stopped.\"]",
                    strategy.rule.as_str()
                );
                run.end_unbegun(
                    RunStatus::Stopped,
                    false,
                    TimelineEvent::info(turn.now, text),
                    turn,
                );
                self.note_ended(run.row.id, RunStatus::Stopped);
                continue;
            }
            self.begin(run, turn);
        }
        if !ending_all && self.queue.window.len() <= turn.settings.queue_window / 2 {
            self.refill(turn);
        }
    }

    /// Begins a run.
    pub(super) fn begin(&mut self, mut run: RunState, turn: &mut Turn<'_>) {
        turn.budget = turn.budget.saturating_sub(1);
        let (key, instance) = (run.row.key, run.row.id.instance);
        run.begin(&mut Cx {
            shared: &mut self.shared,
            turn,
        });
        run.in_work = true;
        self.live.insert(instance, key);
        self.runs.insert(key, Box::new(run));
        self.shared.work.push_back(key);
    }

    fn refill(&mut self, turn: &mut Turn<'_>) {
        if self.queue.beyond == 0 || self.queue.reading {
            return;
        }
        self.queue.ask();
        let after = self.queue.window.last_key_value().map(|(id, _)| *id);
        self.fetch(
            Pending::Queue,
            Fetch::Queued {
                after,
                limit: turn.settings.queue_window,
            },
            turn,
        );
    }
}
