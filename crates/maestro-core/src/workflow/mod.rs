//! One workflow with its runs: the unit that decides (design, rule 6).

mod definitions;
mod ending;
mod keys;
mod queue;
mod starting;
mod unblocking;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use maestro_model::Str;
use maestro_model::definition::{Properties, RunStrategy};
use maestro_model::state::{InstanceRef, Millis, RowSink, RunKey, RunStatus, WorkflowRow};

use crate::message::{
    Command, Counter, Effect, Event, Fetch, Fetched, LoadedRun, Refusal, Reply, Token,
};
use crate::run::{Cx, RunSnapshot, RunState, Shared};
use crate::settings::Settings;

pub(crate) use ending::end_all_reason;
pub use keys::Keys;
use queue::Queue;
use starting::Uuids;
pub(crate) use unblocking::{MESSAGE, REASON, UNBLOCK, UNBLOCKED_ALL, reason_of_all};

/// What one event may use, and where its rows and effects go.
pub struct Turn<'a> {
    /// The time, which never goes back.
    pub now: Millis,
    /// Limits.
    pub settings: &'a Settings,
    /// Numbers for new rows.
    pub keys: &'a mut Keys,
    /// Takes the rows.
    pub rows: &'a mut dyn RowSink,
    /// Takes the effects.
    pub effects: &'a mut Vec<Effect>,
    /// Transitions that are left before others get their turn.
    pub budget: u32,
    /// Counts steps that began because another one ended, for the metrics.
    pub followed: u32,
}

impl Turn<'_> {
    fn reply(&mut self, token: Option<Token>, result: Result<Reply, Refusal>) {
        if let Some(token) = token {
            self.effects.push(Effect::Reply { token, result });
        }
    }
}

/// Something that waits for an answer of the store.
#[derive(Debug)]
enum Pending {
    /// More of the queue.
    Queue,
    /// All of the queue, to end it.
    EndQueue(ending::EndAll),
    /// An instance that is not in memory, to end it.
    End {
        token: Option<Token>,
        end: ending::End,
    },
    /// The latest run of an instance, to unblock it.
    Unblock(unblocking::Unblock),
    /// Failed runs, to unblock them.
    UnblockAll(unblocking::UnblockAll),
    /// Whether the uuid of a start is taken.
    Uuid(uuid::Uuid),
    /// Whether an id that was deleted may be used again.
    Push {
        token: Option<Token>,
        push: Box<crate::message::Push>,
    },
}

/// What a workflow has that is loaded from the store.
#[derive(Debug)]
pub struct Resumed {
    /// Its row; absent for an id that does not exist (any more).
    pub row: Option<WorkflowRow>,
    /// Its current properties.
    pub properties: Properties,
    /// The largest instance number of deleted workflows of this id.
    pub deleted_instances: i64,
    /// Data of a deleted workflow of this id is still being removed.
    pub purging: bool,
    /// Runs with raw status FAILED (spec 05 SM-3).
    pub failed: u64,
    /// Runs that wait in the store.
    pub queued: u64,
    /// Runs that had begun.
    pub live: Vec<LoadedRun>,
}

/// A workflow in memory.
#[derive(Debug)]
pub struct WorkflowState {
    id: Str,
    row: Option<WorkflowRow>,
    row_changed: bool,
    properties: Arc<Properties>,
    deleted_instances: i64,
    purging: bool,
    /// Runs with raw status FAILED.
    failed: u64,
    shared: Shared,
    /// Runs that have begun and are not over. Boxed: keys grow, which leaves half of each node of the map empty.
    runs: BTreeMap<RunKey, Box<RunState>>,
    /// The latest of them of each instance.
    live: BTreeMap<i64, RunKey>,
    queue: Queue,
    /// Those who want everything ended, while a question about the queue is on its way.
    ending_all: Vec<ending::EndAll>,
    pending: BTreeMap<u64, Pending>,
    next_request: u64,
    /// Runs that ended, or were unblocked, while the store was being asked: what it answers of them is old.
    ended: BTreeMap<InstanceRef, RunStatus>,
    uuids: Uuids,
}

impl WorkflowState {
    /// Takes a workflow up from its rows. The first event should be [`Event::Continue`], which goes on with what was at
    /// work and with the queue.
    pub fn resume(id: Str, loaded: Resumed, turn: &mut Turn<'_>) -> Self {
        let mut state = Self {
            id,
            row: loaded.row,
            row_changed: false,
            properties: Arc::new(loaded.properties),
            deleted_instances: loaded.deleted_instances,
            purging: loaded.purging,
            failed: loaded.failed,
            shared: Shared::default(),
            runs: BTreeMap::new(),
            live: BTreeMap::new(),
            queue: Queue::stored(loaded.queued),
            ending_all: Vec::new(),
            pending: BTreeMap::new(),
            next_request: 0,
            ended: BTreeMap::new(),
            uuids: Uuids::default(),
        };
        for run in loaded.live {
            let (key, instance) = (run.row.key, run.row.id.instance);
            let mut cx = Cx {
                shared: &mut state.shared,
                turn,
            };
            let mut taken = RunState::new(run.row, run.plan, run.results, run.properties, true);
            taken.resume(run.steps, &mut cx);
            taken.in_work = true;
            state.shared.work.push_back(key);
            state.live.insert(instance, key);
            state.runs.insert(key, Box::new(taken));
        }
        state
    }

    /// Decides what an event means: changes the state, and hands out rows and effects.
    pub fn on(&mut self, event: Event, turn: &mut Turn<'_>) {
        match event {
            Event::Command { token, command } => self.command(token, command, turn),
            Event::Report(report) => {
                let key = report.at.run;
                let mut cx = Cx {
                    shared: &mut self.shared,
                    turn,
                };
                let fresh = self
                    .runs
                    .get_mut(&key)
                    .is_some_and(|run| run.report(report, &mut cx));
                if fresh {
                    self.enlist(key);
                } else {
                    turn.effects.push(Effect::Count(Counter::StaleReport));
                }
            }
            Event::Timer => self.timer(turn),
            Event::Continue => {}
            Event::Fetched { request, answer } => self.fetched(request, answer, turn),
            Event::Evaluated { at, outcome } => {
                if self
                    .runs
                    .get_mut(&at.run)
                    .is_some_and(|run| run.evaluated(at, outcome))
                {
                    self.enlist(at.run);
                }
            }
            Event::Durable(number) => self.uuids.durable(number),
            Event::ClockShift(by) => {
                let mut cx = Cx {
                    shared: &mut self.shared,
                    turn,
                };
                for run in self.runs.values_mut() {
                    run.shift(by, &mut cx);
                }
            }
        }
        self.go_on(turn);
    }

    fn command(&mut self, token: Option<Token>, command: Command, turn: &mut Turn<'_>) {
        match command {
            Command::Push(push) => self.push(token, push, turn),
            Command::Start(start) => self.start(token, start, turn),
            Command::End {
                instance,
                run,
                action,
                user,
            } => {
                self.end(
                    token,
                    ending::End {
                        instance,
                        run,
                        action,
                        user,
                    },
                    turn,
                );
            }
            Command::EndAll { action, user } => self.end_everything(token, action, user, turn),
            Command::Unblock {
                instance,
                run,
                user,
            } => self.unblock(
                unblocking::Unblock {
                    token,
                    instance,
                    run,
                    user,
                    again: false,
                },
                turn,
            ),
            Command::UnblockAll { user } => {
                let ask = unblocking::UnblockAll {
                    token,
                    user,
                    count: 0,
                };
                self.unblock_all(ask, None, turn);
            }
            Command::Delete { author } => self.delete(token, author, turn),
            Command::Activate { version, author } => {
                let result = self.activate(version, &author, turn);
                turn.reply(token, result);
            }
            Command::Deactivate { author } => {
                let result = self.deactivate(&author, turn);
                turn.reply(token, result);
            }
            Command::ChangeProperties { change, author } => {
                let result = self.change_properties(&change, &author, turn);
                turn.reply(token, result);
            }
        }
    }

    fn timer(&mut self, turn: &mut Turn<'_>) {
        while let Some(&(at, key, due)) = self.shared.deadlines.first()
            && at <= turn.now
        {
            self.shared.deadlines.pop_first();
            let mut cx = Cx {
                shared: &mut self.shared,
                turn,
            };
            if let Some(run) = self.runs.get_mut(&key) {
                run.due(due, &mut cx);
                self.enlist(key);
            }
        }
    }

    fn fetched(&mut self, request: u64, answer: Fetched, turn: &mut Turn<'_>) {
        let Some(pending) = self.pending.remove(&request) else {
            return;
        };
        match (pending, answer) {
            (Pending::Queue, Fetched::Queued(rows)) => {
                self.queue.loaded(self.not_ended(rows), turn.settings);
                self.end_others(turn);
            }
            (Pending::EndQueue(end), Fetched::Queued(rows)) => self.end_queue(end, rows, turn),
            (Pending::End { token, end }, Fetched::Instance(run)) => {
                self.end_stored(token, end, run, turn);
            }
            (Pending::Unblock(ask), Fetched::Instance(run)) => self.unblock_stored(ask, run, turn),
            (Pending::UnblockAll(ask), Fetched::Failed(rows)) => {
                self.unblock_page(ask, rows, turn);
            }
            (Pending::Uuid(uuid), Fetched::Uuid(taken)) => self.uuid_checked(uuid, taken, turn),
            (
                Pending::Push { token, push },
                Fetched::Deleted {
                    last_instance,
                    purging,
                },
            ) => {
                self.deleted_instances = self.deleted_instances.max(last_instance);
                self.purging = purging;
                self.push_checked(token, *push, turn);
            }
            // An answer to another question than the one that was asked cannot come.
            _ => debug_assert!(false, "answer of another kind"),
        }
        if self.pending.is_empty() {
            self.ended.clear();
        }
    }

    /// Rows without those that were over when the store answered with them.
    fn not_ended(&self, mut rows: Vec<LoadedRun>) -> Vec<LoadedRun> {
        rows.retain(|run| !self.ended.contains_key(&run.row.id));
        rows
    }

    /// Remembers a run's end, or that it was unblocked, as long as an older answer of the store may be on its way.
    fn note_ended(&mut self, id: InstanceRef, status: RunStatus) {
        if !self.pending.is_empty() {
            self.ended.insert(id, status);
        }
        self.failed += u64::from(status == RunStatus::Failed);
    }

    fn fetch(&mut self, pending: Pending, what: Fetch, turn: &mut Turn<'_>) {
        let request = self.next_request;
        self.next_request += 1;
        self.pending.insert(request, pending);
        turn.effects.push(Effect::Fetch { request, what });
    }

    /// Puts a run into the line of those with work.
    fn enlist(&mut self, key: RunKey) {
        if let Some(run) = self.runs.get_mut(&key)
            && !run.in_work
        {
            run.in_work = true;
            self.shared.work.push_back(key);
        }
    }

    /// Goes on with whatever can go on: runs with work, freed permits, the queue; within the turn's budget.
    fn go_on(&mut self, turn: &mut Turn<'_>) {
        loop {
            self.dequeue(turn);
            let Some(key) = self.shared.work.pop_front() else {
                break;
            };
            if turn.budget == 0 {
                self.shared.work.push_front(key);
                break;
            }
            let mut ended = false;
            if let Some(run) = self.runs.get_mut(&key) {
                run.in_work = false;
                ended = run.work(&mut Cx {
                    shared: &mut self.shared,
                    turn,
                });
                if run.has_work() {
                    run.in_work = true;
                    self.shared.work.push_back(key);
                }
            }
            if ended {
                self.run_ended(key);
            }
            while let Some((key, ord)) = self.shared.permits.grant() {
                if let Some(run) = self.runs.get_mut(&key) {
                    run.granted(ord);
                    self.enlist(key);
                }
            }
        }
        self.save(turn);
        // A used up budget may have kept the next of the queue from beginning.
        if !self.shared.work.is_empty() || (turn.budget == 0 && !self.queue.is_empty()) {
            turn.effects.push(Effect::Continue);
        }
    }

    fn run_ended(&mut self, key: RunKey) {
        let Some(run) = self.runs.remove(&key) else {
            return;
        };
        if self.live.get(&run.row.id.instance) == Some(&key) {
            self.live.remove(&run.row.id.instance);
        }
        self.note_ended(run.row.id, run.row.head.status);
    }

    fn save(&mut self, turn: &mut Turn<'_>) {
        if std::mem::take(&mut self.row_changed)
            && let Some(row) = &self.row
        {
            turn.rows.workflow(row);
        }
    }

    /// When the earliest deadline passes, in the time of [`Turn::now`].
    #[must_use]
    pub fn next_deadline(&self) -> Option<Millis> {
        self.shared.deadlines.first().map(|(at, _, _)| *at)
    }

    /// Whether nothing in memory is more than what the store has, so that the workflow may be dropped from memory.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.runs.is_empty()
            && self.queue.is_empty()
            && self.pending.is_empty()
            && self.uuids.is_empty()
    }

    /// The id.
    #[must_use]
    pub fn id(&self) -> &Str {
        &self.id
    }

    /// Runs that have begun and are not over.
    #[must_use]
    pub fn live_runs(&self) -> usize {
        self.runs.len()
    }

    /// Runs that wait, in memory or not.
    #[must_use]
    pub fn queued_runs(&self) -> u64 {
        self.queue.len()
    }

    /// Runs with raw status FAILED (spec 05 SM-3).
    #[must_use]
    pub fn failed_runs(&self) -> u64 {
        self.failed
    }

    /// The workflow's row as it is now.
    #[must_use]
    pub fn row(&self) -> Option<&WorkflowRow> {
        self.row.as_ref()
    }

    /// What memory holds of the runs that have begun: to compare with the store.
    #[must_use]
    pub fn snapshot(&self) -> Vec<RunSnapshot> {
        self.runs.values().map(|run| run.snapshot()).collect()
    }

    /// Checks what must always hold, for the simulator.
    ///
    /// # Errors
    /// Says what does not hold.
    pub fn check(&self) -> Result<(), String> {
        let limit = self.strategy().workflow_concurrency;
        if limit < 1 && !self.runs.is_empty() {
            return Err("a run is at work although the strategy allows none".to_owned());
        }
        let lined: VecDeque<_> = self.shared.work.iter().copied().collect();
        for (key, run) in &self.runs {
            if run.has_work() && !lined.contains(key) {
                return Err(format!("run {key:?} has work but stands in no line"));
            }
            if run.is_over() {
                return Err(format!("run {key:?} is over but kept"));
            }
        }
        Ok(())
    }

    /// The strategy in force (spec 05 RS-4).
    fn strategy(&self) -> RunStrategy {
        self.properties.run_strategy.unwrap_or(RunStrategy::DEFAULT)
    }
}
