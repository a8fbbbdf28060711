//! One run: its DAG and how it comes to an end (spec 05 section 9).

mod attempt;
mod driving;
mod finishing;
mod resume;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use maestro_model::definition::{Properties, ResolvedRetryPolicy};
use maestro_model::state::{
    ActionKind, AttemptRef, Conditions, InstanceStatus, Millis, Retries, RunKey, RunRow, RunStatus,
    Stamp, StatusChange, StepOrd, StepState, StepStatus, Termination, Text, TimelineEvent,
};

use crate::message::{Counter, Effect, News, Report};
use crate::params::{Evaluated, Kept, KeptSteps, Results, RunParams, Sources};
use crate::permits::{Holder, Permits};
use crate::plan::{DEFAULT_TIMEOUT, Plan, PlanStep};
use crate::retry::next_counters;
use crate::workflow::Turn;

use attempt::{Attempt, Flow};

/// What is due at a deadline.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Due {
    /// The run's time-out.
    Run,
    /// The time-out of the attempt in progress.
    Timeout(StepOrd),
    /// The end of a sleep or of a retry delay.
    Wake(StepOrd),
}

/// What the runs of one workflow share.
#[derive(Default, Debug)]
pub(crate) struct Shared {
    /// Step concurrency.
    pub(crate) permits: Permits,
    /// Deadlines of all runs.
    pub(crate) deadlines: BTreeSet<(Millis, RunKey, Due)>,
    /// Runs with steps to drive, in order.
    pub(crate) work: VecDeque<RunKey>,
}

/// The hands of a transition: what the runs share, and where rows and effects go.
pub(crate) struct Cx<'a, 'b> {
    pub(crate) shared: &'a mut Shared,
    pub(crate) turn: &'a mut Turn<'b>,
}

impl Cx<'_, '_> {
    fn now(&self) -> Millis {
        self.turn.now
    }

    fn arm(&mut self, at: Millis, run: RunKey, due: Due) {
        self.shared.deadlines.insert((at, run, due));
    }

    fn disarm(&mut self, at: Option<Millis>, run: RunKey, due: Due) {
        if let Some(at) = at {
            self.shared.deadlines.remove(&(at, run, due));
        }
    }
}

/// What is kept of a step that is over in this run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Ended {
    pub(crate) status: StepStatus,
    pub(crate) attempt: u32,
}

/// Where a step of the run is.
#[derive(Debug)]
pub(crate) enum Slot {
    /// Not in this run's DAG.
    Outside,
    /// Not created: so many predecessors are not complete; whether a complete one leads here.
    Waiting { pending: u32, reached: bool },
    /// The latest attempt is at work.
    Active(Box<Attempt>),
    /// The latest attempt failed, the next one comes after a delay.
    Backoff(Box<Attempt>),
    /// Over.
    Ended(Ended),
}

/// How the steps that are over ended, for the status formula (spec 05 DG-32).
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
struct Tally {
    complete: u32,
    failed: u32,
    timed_out: u32,
    stopped: u32,
}

impl Tally {
    fn add(&mut self, status: StepStatus) {
        match status.class() {
            InstanceStatus::Failed => self.failed += 1,
            InstanceStatus::TimedOut => self.timed_out += 1,
            InstanceStatus::Stopped => self.stopped += 1,
            _ => self.complete += 1,
        }
    }

    fn result(self) -> RunStatus {
        if self.failed > 0 {
            RunStatus::Failed
        } else if self.timed_out > 0 {
            RunStatus::TimedOut
        } else if self.stopped > 0 {
            RunStatus::Stopped
        } else if self.complete == 0 {
            RunStatus::Failed
        } else {
            RunStatus::Succeeded
        }
    }
}

/// A run in memory.
#[derive(Debug)]
pub(crate) struct RunState {
    pub(crate) row: RunRow,
    pub(crate) plan: Arc<Plan>,
    results: Arc<Results>,
    properties: Arc<Properties>,
    /// Finished steps, if others refer to their params.
    kept: KeptSteps,
    slots: Vec<Slot>,
    ready: VecDeque<StepOrd>,
    /// The run stands in the line of runs with work.
    pub(crate) in_work: bool,
    active: u32,
    backoff: u32,
    tally: Tally,
    /// The row is in the store or in the open batch.
    stored: bool,
    dirty: bool,
    timeout_at: Option<Millis>,
}

impl RunState {
    /// A new run, or one that waits in the store.
    pub(crate) fn new(
        row: RunRow,
        plan: Arc<Plan>,
        results: Arc<Results>,
        properties: Arc<Properties>,
        stored: bool,
    ) -> Self {
        Self {
            row,
            plan,
            results,
            properties,
            kept: BTreeMap::new(),
            slots: Vec::new(),
            ready: VecDeque::new(),
            in_work: false,
            active: 0,
            backoff: 0,
            tally: Tally::default(),
            stored,
            dirty: !stored,
            timeout_at: None,
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.row.head.status.is_terminal()
    }

    /// Whether there is a step to drive.
    pub(crate) fn has_work(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Writes the run's row if it changed since the last time.
    pub(crate) fn save(&mut self, turn: &mut Turn<'_>) {
        if !self.dirty {
            return;
        }
        self.dirty = false;
        if self.stored {
            turn.rows.update_run(self.row.key, &self.row.head);
        } else {
            turn.rows.insert_run(&self.row);
            self.stored = true;
        }
    }

    fn change_status(&mut self, new: RunStatus, turn: &mut Turn<'_>) {
        let old = self.row.head.status;
        self.row.head.status = new;
        self.row.head.modify_time = turn.now;
        self.dirty = true;
        // What clients do not see as a change is none (spec 05 SM-9).
        if old.public() != new.public() {
            turn.rows.events(
                &self.row,
                None,
                &[(StatusChange::Run { old, new }, turn.now)],
            );
            turn.effects.push(Effect::Changed {
                id: self.row.id,
                status: new.public(),
            });
        }
    }

    /// Ends a run that never began, with the rows and events of the table in spec 05 section 6.
    pub(crate) fn end_unbegun(
        &mut self,
        status: RunStatus,
        starts: bool,
        event: TimelineEvent,
        turn: &mut Turn<'_>,
    ) {
        self.row.head.timeline.push(event);
        self.row.head.end_time = Some(turn.now);
        if starts {
            self.row.head.start_time = Some(turn.now);
        }
        self.change_status(status, turn);
        self.save(turn);
    }

    /// Takes the run out of the queue and begins its first steps (spec 05 DG-5, DG-20).
    pub(crate) fn begin(&mut self, cx: &mut Cx<'_, '_>) {
        let now = cx.now();
        let head = &mut self.row.head;
        head.dequeue_time = Some(now);
        head.start_time = Some(now);
        head.timeline.push(TimelineEvent::info(now, Text::Dequeued));
        self.change_status(RunStatus::InProgress, cx.turn);
        self.lay_out();
        for (ord, slot) in (0..).zip(&self.slots) {
            if matches!(slot, Slot::Waiting { pending: 0, .. }) {
                self.ready.push_back(ord);
            }
        }
        self.timeout_at = Some(now.saturating_add(self.timeout()));
    }

    fn timeout(&self) -> Millis {
        self.row.body.timeout.unwrap_or(DEFAULT_TIMEOUT)
    }

    /// Makes the slots of the run's DAG, all waiting.
    fn lay_out(&mut self) {
        let plan = &self.plan;
        let inside = |ord: StepOrd| {
            self.row
                .body
                .dag
                .as_ref()
                .is_none_or(|dag| dag.contains(&ord))
        };
        self.slots = (0..)
            .zip(&plan.steps)
            .map(|(ord, step)| {
                if !inside(ord) {
                    return Slot::Outside;
                }
                let pending = step.predecessors.iter().filter(|p| inside(**p)).count();
                Slot::Waiting {
                    pending: u32::try_from(pending).unwrap_or(u32::MAX),
                    reached: pending == 0,
                }
            })
            .collect();
    }

    /// Drives the steps that are ready until none is, or the turn's budget is used up. Returns true if the run ended.
    pub(crate) fn work(&mut self, cx: &mut Cx<'_, '_>) -> bool {
        while cx.turn.budget > 0 {
            let Some(ord) = self.ready.pop_front() else {
                break;
            };
            self.drive(ord, cx);
        }
        if self.ready.is_empty() && self.active == 0 && self.backoff == 0 && !self.is_over() {
            self.finish(cx);
        } else if let Some(at) = self.timeout_at {
            // A run that ends within its first cascade never needs the timer.
            cx.arm(at, self.row.key, Due::Run);
        }
        self.save(cx.turn);
        self.is_over()
    }

    fn finish(&mut self, cx: &mut Cx<'_, '_>) {
        self.row.head.end_time = Some(cx.now());
        self.row.head.ending = None;
        self.change_status(self.tally.result(), cx.turn);
        cx.disarm(self.timeout_at.take(), self.row.key, Due::Run);
        cx.turn.effects.push(Effect::Count(Counter::RunEnded));
    }

    /// Lets every step that is not complete end this way (spec 05 AC-9): those at work, those that wait for a retry,
    /// and those that become ready later. The last wish counts.
    pub(crate) fn end_all(&mut self, termination: Termination, modify: Millis) {
        self.row.head.ending = Some(Box::new(termination));
        self.row.head.modify_time = modify;
        self.dirty = true;
        for (ord, slot) in (0..).zip(&self.slots) {
            if matches!(slot, Slot::Active(_) | Slot::Backoff(_)) {
                self.ready.push_back(ord);
            }
        }
    }

    /// A report of a runtime. False if it is stale.
    pub(crate) fn report(&mut self, report: Report, cx: &mut Cx<'_, '_>) -> bool {
        let Some(Slot::Active(attempt)) = self.slots.get_mut(report.at.step as usize) else {
            return false;
        };
        if attempt.number != report.at.attempt || !attempt.expects_report() {
            return false;
        }
        attempt.merge(report.artifacts, report.timeline, cx.now());
        match report.news {
            News::Started => attempt.started(cx.now()),
            News::Ended(outcome) => attempt.outcome = Some(outcome),
        }
        self.ready.push_back(report.at.step);
        true
    }

    /// What was evaluated elsewhere. False if nobody waits for it any more.
    pub(crate) fn evaluated(&mut self, at: AttemptRef, outcome: Evaluated) -> bool {
        let Some(Slot::Active(attempt)) = self.slots.get_mut(at.step as usize) else {
            return false;
        };
        if attempt.number != at.attempt || !attempt.evaluating {
            return false;
        }
        attempt.evaluating = false;
        attempt.evaluation = Some(outcome);
        self.ready.push_back(at.step);
        true
    }

    /// The permits that a step waited for are its own now.
    pub(crate) fn granted(&mut self, ord: StepOrd) {
        if let Some(Slot::Active(attempt)) = self.slots.get_mut(ord as usize) {
            attempt.permitted();
            self.ready.push_back(ord);
        }
    }

    /// A deadline has passed.
    pub(crate) fn due(&mut self, due: Due, cx: &mut Cx<'_, '_>) {
        let now = cx.now();
        match due {
            Due::Run => {
                self.timeout_at = None;
                if self.ending().is_some() {
                    return;
                }
                let reason = format!(
                    "the run is timed out: it ran longer than {} ms",
                    self.timeout()
                );
                self.end_all(
                    Termination {
                        action: ActionKind::TimeOut,
                        user: ENGINE_USER.into(),
                        reason: reason.into(),
                        at: now,
                        workflow_action: true,
                    },
                    now,
                );
            }
            Due::Timeout(ord) => {
                if let Some(Slot::Active(attempt)) = self.slots.get_mut(ord as usize) {
                    attempt.timed_out(now);
                    self.ready.push_back(ord);
                }
            }
            Due::Wake(ord) => {
                match self.slots.get_mut(ord as usize) {
                    Some(Slot::Active(attempt)) => attempt.woken(),
                    Some(Slot::Backoff(attempt)) => attempt.wake_at = None,
                    _ => return,
                }
                self.ready.push_back(ord);
            }
        }
    }

    /// Moves what is due in memory after a jump of the wall clock.
    pub(crate) fn shift(&mut self, by: Millis, cx: &mut Cx<'_, '_>) {
        let key = self.row.key;
        let mut move_one = |at: &mut Option<Millis>, due: Due| {
            if let Some(at) = at
                && cx.shared.deadlines.remove(&(*at, key, due))
            {
                *at = at.saturating_add(by);
                cx.shared.deadlines.insert((*at, key, due));
            }
        };
        move_one(&mut self.timeout_at, Due::Run);
        for (ord, slot) in (0..).zip(&mut self.slots) {
            if let Slot::Active(attempt) | Slot::Backoff(attempt) = slot {
                move_one(&mut attempt.timeout_at, Due::Timeout(ord));
                move_one(&mut attempt.wake_at, Due::Wake(ord));
            }
        }
    }

    /// Runs the state machine of one step as far as it goes by itself.
    fn drive(&mut self, ord: StepOrd, cx: &mut Cx<'_, '_>) {
        let Some(mut attempt) = self.take(ord, cx) else {
            return;
        };
        loop {
            cx.turn.budget = cx.turn.budget.saturating_sub(1);
            match self.advance(&mut attempt, ord, cx) {
                Flow::Again => {}
                Flow::Wait => {
                    self.sync(&mut attempt, ord, cx);
                    self.slots[ord as usize] = Slot::Active(attempt);
                    return;
                }
                Flow::Over => return self.close(attempt, ord, cx),
            }
        }
    }

    /// The attempt to drive: the one at work, the next one after a delay, or the first one.
    fn take(&mut self, ord: StepOrd, cx: &mut Cx<'_, '_>) -> Option<Box<Attempt>> {
        let slot = &mut self.slots[ord as usize];
        match std::mem::replace(slot, Slot::Outside) {
            Slot::Active(attempt) => Some(attempt),
            Slot::Waiting {
                pending: 0,
                reached,
            } => {
                self.active += 1;
                Some(self.first_attempt(ord, reached, cx))
            }
            Slot::Backoff(failed) if failed.wake_at.is_none() || self.row.head.ending.is_some() => {
                cx.disarm(failed.wake_at, self.row.key, Due::Wake(ord));
                self.backoff -= 1;
                self.active += 1;
                Some(self.next_attempt(&failed, cx))
            }
            other => {
                self.slots[ord as usize] = other;
                None
            }
        }
    }

    fn first_attempt(&mut self, ord: StepOrd, reached: bool, cx: &mut Cx<'_, '_>) -> Box<Attempt> {
        let step = self.plan.step(ord);
        let head = &mut self.row.head;
        // The reference spends a number on each of its gates: one where branches meet, one for each further branch.
        if step.predecessors.len() > 1 {
            head.next_seq += 1;
        }
        let seq = head.next_seq;
        let branches = u32::try_from(step.successors.len()).unwrap_or(u32::MAX);
        head.next_seq = head
            .next_seq
            .saturating_add(1)
            .saturating_add(branches.saturating_sub(1));
        self.dirty = true;
        if !step.predecessors.is_empty() {
            cx.turn.followed += 1;
        }
        Box::new(Attempt::new(1, seq, None, reached, cx.now()))
    }

    fn next_attempt(&mut self, failed: &Attempt, cx: &mut Cx<'_, '_>) -> Box<Attempt> {
        self.row.head.next_seq = self.row.head.next_seq.saturating_add(1);
        self.dirty = true;
        let retries = next_counters(failed.retries(), failed.state.status);
        Box::new(Attempt::new(
            failed.number + 1,
            failed.state.seq,
            Some(retries),
            true,
            cx.now(),
        ))
    }

    /// Writes an attempt that changed: its row and the records of its statuses, in one batch (spec 06 SY-1).
    fn sync(&mut self, attempt: &mut Attempt, ord: StepOrd, cx: &mut Cx<'_, '_>) {
        if !attempt.changed {
            return;
        }
        attempt.changed = false;
        let params = attempt.params_to_store();
        cx.turn.rows.step(
            self.row.key,
            ord,
            attempt.number,
            &attempt.state,
            params.as_deref(),
        );
        if !attempt.changes.is_empty() {
            cx.turn
                .rows
                .events(&self.row, Some((ord, attempt.number)), &attempt.changes);
            // Freed, not kept: an attempt may wait for days.
            attempt.changes = Vec::new();
        }
    }

    /// An attempt is over: store it, give back what it held, and go on from there.
    fn close(&mut self, mut attempt: Box<Attempt>, ord: StepOrd, cx: &mut Cx<'_, '_>) {
        let key = self.row.key;
        let status = attempt.state.status;
        let retry = attempt.plan_retry(|| self.retry_policy(self.plan.step(ord)), cx.now());
        self.sync(&mut attempt, ord, cx);
        cx.disarm(attempt.timeout_at.take(), key, Due::Timeout(ord));
        cx.disarm(attempt.wake_at.take(), key, Due::Wake(ord));
        self.return_permit(&mut attempt, ord, cx);
        self.release_job(&attempt, ord, cx);
        self.active -= 1;
        cx.turn.effects.push(Effect::Count(Counter::StepEnded));
        if let Some(at) = retry {
            self.backoff += 1;
            attempt.wake_at = Some(at);
            cx.arm(at, key, Due::Wake(ord));
            if self.row.head.ending.is_some() {
                self.ready.push_back(ord);
            }
            self.slots[ord as usize] = Slot::Backoff(attempt);
            return;
        }
        self.tally.add(status);
        self.slots[ord as usize] = Slot::Ended(Ended {
            status,
            attempt: attempt.number,
        });
        self.keep(&attempt, ord);
        if status.is_complete() {
            self.open_successors(ord, attempt.state.conditions.as_ref());
        }
    }

    fn open_successors(&mut self, ord: StepOrd, conditions: Option<&Conditions>) {
        let plan = Arc::clone(&self.plan);
        for (index, (successor, _)) in plan.step(ord).successors.iter().enumerate() {
            let leads = conditions.and_then(|c| c.get(index)).unwrap_or(false);
            if let Slot::Waiting { pending, reached } = &mut self.slots[*successor as usize] {
                *reached |= leads;
                *pending -= 1;
                if *pending == 0 {
                    self.ready.push_back(*successor);
                }
            }
        }
    }

    /// Keeps what others may refer to of a step that ended well (spec 02 E-11).
    fn keep(&mut self, attempt: &Attempt, ord: StepOrd) {
        let status = attempt.state.status;
        if self.plan.refers_to_steps && status.is_complete() {
            let kept = Kept {
                status,
                attempt: attempt.number,
                end: attempt.state.times.get(Stamp::End),
                evaluated: attempt.state.times.get(Stamp::WaitPermit).is_some(),
                results: attempt.results(),
            };
            self.kept.insert(ord, kept);
        }
    }

    fn sources(&self) -> Sources<'_> {
        Sources {
            plan: &self.plan,
            run: &self.row,
            properties: &self.properties,
            results: &self.results,
            kept: &self.kept,
        }
    }

    fn run_params(&self) -> RunParams<'_> {
        let facts = crate::params::Facts::of_run(&self.row, &self.plan.workflow, &self.properties);
        RunParams::new(&self.plan, &self.results, facts)
    }

    fn retry_policy(&self, step: &PlanStep) -> ResolvedRetryPolicy {
        step.retry.resolve(|| self.run_params())
    }

    fn holder(&self, ord: StepOrd) -> Holder {
        (self.row.key, ord)
    }

    /// Whether a FAIL_IMMEDIATELY step or a user ends the run.
    pub(crate) fn ending(&self) -> Option<&Termination> {
        self.row.head.ending.as_deref()
    }

    /// What memory holds of the run, in the form of rows: to compare with the store.
    pub(crate) fn snapshot(&self) -> RunSnapshot {
        let steps = (0..)
            .zip(&self.slots)
            .filter_map(|(ord, slot)| match slot {
                Slot::Active(a) | Slot::Backoff(a) => Some(StepSnapshot {
                    step: ord,
                    attempt: a.number,
                    status: a.state.status,
                    state: Some(a.state.clone()),
                    params: a.stored_params(),
                }),
                Slot::Ended(e) => Some(StepSnapshot {
                    step: ord,
                    attempt: e.attempt,
                    status: e.status,
                    state: None,
                    params: None,
                }),
                Slot::Outside | Slot::Waiting { .. } => None,
            })
            .collect();
        RunSnapshot {
            row: self.row.clone(),
            steps,
        }
    }
}

/// The user of actions that the engine takes by itself (spec 05 section 9.4).
pub(crate) const ENGINE_USER: &str = "MAESTRO_TASK";

/// What memory holds of a run.
#[derive(Clone, PartialEq, Debug)]
pub struct RunSnapshot {
    /// Its row.
    pub row: RunRow,
    /// The latest attempt of each step.
    pub steps: Vec<StepSnapshot>,
}

/// What memory holds of the latest attempt of a step.
#[derive(Clone, PartialEq, Debug)]
pub struct StepSnapshot {
    /// The step.
    pub step: StepOrd,
    /// The attempt.
    pub attempt: u32,
    /// Its status.
    pub status: StepStatus,
    /// All of it, while it is not over.
    pub state: Option<StepState>,
    /// Its params as they are stored, while it is not over.
    pub params: Option<String>,
}

impl Attempt {
    fn retries(&self) -> Retries {
        self.state.retries.as_deref().copied().unwrap_or_default()
    }
}
