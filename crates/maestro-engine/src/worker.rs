//! The thread that runs a partition.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use maestro_model::state::Millis;

use crate::clock::Clock;
use crate::committer::Pipeline;
use crate::metrics::Metrics;
use crate::partition::{Input, Partition, Sealed};

/// Batches of one worker that may be on their way to the disk (design, rule 1).
const IN_FLIGHT: u32 = 2;
/// How often a worker looks at the wall clock and publishes its gauges.
const LOOK_AROUND: Duration = Duration::from_millis(500);
/// Inputs between two looks at the batch's size.
const CHUNK: usize = 256;

/// Too many commands wait.
#[derive(Debug)]
pub(crate) struct Full;

#[derive(Default)]
struct State {
    commands: VecDeque<Input>,
    /// Reports, answers of the store: the engine's own, never refused.
    internal: VecDeque<Input>,
    /// Batches that are not durable yet.
    in_flight: u32,
    /// Memory of batches that are.
    spare: Vec<Sealed>,
    stop: bool,
}

/// Where a worker's inputs arrive.
pub(crate) struct Inbox {
    state: Mutex<State>,
    wake: Condvar,
    limit: usize,
}

impl Inbox {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            state: Mutex::default(),
            wake: Condvar::new(),
            limit,
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A command; refused if too many wait.
    pub(crate) fn command(&self, input: Input) -> Result<(), Full> {
        let mut state = self.lock();
        if state.commands.len() >= self.limit || state.stop {
            return Err(Full);
        }
        state.commands.push_back(input);
        drop(state);
        self.wake.notify_one();
        Ok(())
    }

    /// Something of the engine itself.
    pub(crate) fn internal(&self, input: Input) {
        self.lock().internal.push_back(input);
        self.wake.notify_one();
    }

    /// A batch is durable.
    pub(crate) fn committed(&self, spare: Sealed) {
        let mut state = self.lock();
        state.in_flight -= 1;
        if state.spare.len() < 4 {
            state.spare.push(spare);
        }
        drop(state);
        self.wake.notify_one();
    }

    pub(crate) fn stop(&self) {
        self.lock().stop = true;
        self.wake.notify_one();
    }
}

/// One worker: its partition and what it needs.
pub(crate) struct Worker {
    pub(crate) index: usize,
    pub(crate) partition: Partition,
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) pipeline: Arc<Pipeline>,
    pub(crate) clock: Arc<Clock>,
    pub(crate) metrics: Metrics,
    pub(crate) batch_bytes: usize,
    pub(crate) idle_workflows: usize,
}

impl Worker {
    /// Runs until it is told to stop and everything is on its way to the disk, or nothing gets there any more.
    pub(crate) fn run(mut self) {
        let mut inputs: Vec<Input> = Vec::new();
        let mut base = self.clock.base();
        let mut looked = Instant::now();
        loop {
            let stop = self.receive(&mut inputs);
            if looked.elapsed() >= LOOK_AROUND {
                looked = Instant::now();
                self.clock.watch();
                self.publish();
            }
            let now = self.clock.now();
            let jumped = self.clock.base() - base;
            if jumped != 0 {
                base += jumped;
                self.partition.shift_clock(jumped, now);
            }
            let began = Instant::now();
            for input in inputs.drain(..) {
                self.partition.handle(input, now);
            }
            self.partition.tick(now);
            if self.partition.open_bytes() < self.batch_bytes {
                self.partition.go_on(now);
            }
            self.count(began);
            self.submit();
            if (stop && !self.partition.is_open()) || self.pipeline.has_given_up() {
                self.pipeline.finished();
                return;
            }
        }
    }

    /// Waits for something to do; takes a chunk of inputs, commands first. True if the worker shall stop.
    fn receive(&self, inputs: &mut Vec<Input>) -> bool {
        let mut state = self.inbox.lock();
        loop {
            let full = self.partition.open_bytes() >= self.batch_bytes;
            let may_submit = self.partition.is_open() && state.in_flight < IN_FLIGHT;
            if !full {
                for _ in 0..CHUNK {
                    let Some(input) = state
                        .commands
                        .pop_front()
                        .or_else(|| state.internal.pop_front())
                    else {
                        break;
                    };
                    inputs.push(input);
                }
            }
            let due = self.partition.next_deadline().map(|at| self.until(at));
            let idle = inputs.is_empty() && !may_submit && (full || !self.partition.has_work());
            // What is open at the end waits for a batch that is on its way.
            let ends = state.stop && !self.partition.is_open();
            if !idle || ends || due == Some(Duration::ZERO) {
                return state.stop && state.commands.is_empty() && state.internal.is_empty();
            }
            let wait = due.unwrap_or(LOOK_AROUND).min(LOOK_AROUND);
            let (guard, timeout) = self
                .inbox
                .wake
                .wait_timeout(state, wait)
                .unwrap_or_else(PoisonError::into_inner);
            state = guard;
            if timeout.timed_out() {
                return false;
            }
        }
    }

    fn until(&self, at: Millis) -> Duration {
        Duration::from_millis(u64::try_from(at - self.clock.now()).unwrap_or(0))
    }

    /// Hands the open batch to the committer, if not too many are on their way.
    fn submit(&mut self) {
        if !self.partition.is_open() {
            return;
        }
        let mut state = self.inbox.lock();
        if state.in_flight >= IN_FLIGHT {
            return;
        }
        state.in_flight += 1;
        let empty = state.spare.pop().unwrap_or_default();
        drop(state);
        let sealed = self.partition.seal(empty);
        self.pipeline.submit(self.index, sealed);
    }

    fn count(&mut self, began: Instant) {
        let counts = self.partition.take_counts();
        self.metrics.steps.inc_by(counts.steps);
        self.metrics.runs.inc_by(counts.runs);
        self.metrics.stale_reports.inc_by(counts.stale);
        if counts.followed > 0 {
            // Steps of one turn follow each other: each took its share of it. Those with a job are measured at launch.
            let each = began.elapsed().as_secs_f64()
                / f64::from(u32::try_from(counts.followed).unwrap_or(u32::MAX));
            for _ in 0..counts.followed {
                self.metrics.step_to_step.observe(each);
            }
        }
    }

    fn publish(&mut self) {
        let (live, queued) = self.partition.runs();
        self.pipeline
            .publish(self.index, live, queued, &self.metrics);
        let quiet = self.inbox.lock().in_flight == 0;
        if quiet {
            self.partition.evict(self.idle_workflows);
        }
    }
}
