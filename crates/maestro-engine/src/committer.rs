//! The one thread that writes: batches of all workers in one transaction, then their effects (output commit).

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use maestro_model::state::WorkflowKey;
use maestro_store::{CommitError, DocumentChange, PurgeStage, Purged, Writer};

use crate::metrics::Metrics;
use crate::partition::{Released, Sealed};
use crate::worker::Inbox;

/// The longest pause before a failed commit is tried again.
const PAUSE_MAX: Duration = Duration::from_secs(1);
/// How long an engine that shall end goes on trying to store what nobody was told yet.
const LAST_TRIES: Duration = Duration::from_secs(2);

/// Work for the writer besides batches.
pub(crate) enum Chore {
    /// Remove some rows of a deleted workflow; the answer goes to whoever asked: `None` if the store takes no changes at
    /// present.
    Purge(
        WorkflowKey,
        PurgeStage,
        u32,
        Box<dyn FnOnce(Option<Purged>) + Send>,
    ),
    /// Change documents; whoever asked is told how many were removed, or that nothing was stored.
    Documents(Vec<DocumentChange>, Box<dyn FnOnce(Option<u64>) + Send>),
}

#[derive(Default)]
struct State {
    sealed: Vec<(usize, Sealed)>,
    chores: Vec<Chore>,
    /// Workers that still run.
    workers: usize,
    loads: Vec<(u64, u64)>,
}

/// The way from the workers to the committer.
pub(crate) struct Pipeline {
    state: Mutex<State>,
    wake: Condvar,
    /// The store does not take commits at present (design, rule 2).
    stuck: AtomicBool,
    /// The engine shall end.
    stopping: AtomicBool,
    /// It ends without its last batches.
    given_up: AtomicBool,
}

impl Pipeline {
    pub(crate) fn new(workers: usize) -> Self {
        let state = State {
            workers,
            loads: vec![(0, 0); workers],
            ..State::default()
        };
        Self {
            state: Mutex::new(state),
            wake: Condvar::new(),
            stuck: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
            given_up: AtomicBool::new(false),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn submit(&self, worker: usize, sealed: Sealed) {
        self.lock().sealed.push((worker, sealed));
        self.wake.notify_one();
    }

    pub(crate) fn chore(&self, chore: Chore) {
        self.lock().chores.push(chore);
        self.wake.notify_one();
    }

    /// A worker has submitted its last batch.
    pub(crate) fn finished(&self) {
        self.lock().workers -= 1;
        self.wake.notify_one();
    }

    pub(crate) fn is_stuck(&self) -> bool {
        self.stuck.load(Ordering::Relaxed)
    }

    /// The engine shall end: a store that takes no commits is not waited for much longer. What is lost then was
    /// acknowledged to nobody, and the next start goes on from what is stored.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// Whether nothing is committed any more.
    pub(crate) fn has_given_up(&self) -> bool {
        self.given_up.load(Ordering::Relaxed)
    }

    /// Keeps a worker's share of the gauges.
    pub(crate) fn publish(&self, worker: usize, live: u64, queued: u64, metrics: &Metrics) {
        let mut state = self.lock();
        if let Some(load) = state.loads.get_mut(worker) {
            *load = (live, queued);
        }
        let (live, queued) = state
            .loads
            .iter()
            .fold((0, 0), |(a, b), (c, d)| (a + c, b + d));
        drop(state);
        metrics
            .live_runs
            .set(i64::try_from(live).unwrap_or(i64::MAX));
        metrics
            .queued_runs
            .set(i64::try_from(queued).unwrap_or(i64::MAX));
    }
}

/// What the committer does with effects, and with an end that it cannot avoid.
pub(crate) trait Release: Send {
    /// One effect of a durable batch.
    fn release(&mut self, effect: Released);
    /// The store is broken: the process has to end (design, rule 2).
    fn fatal(&mut self, error: &CommitError);
}

pub(crate) struct Committer<R> {
    pub(crate) writer: Box<dyn Writer>,
    pub(crate) pipeline: Arc<Pipeline>,
    pub(crate) inboxes: Vec<Arc<Inbox>>,
    pub(crate) release: R,
    pub(crate) metrics: Metrics,
}

impl<R: Release> Committer<R> {
    /// Runs until all workers have finished.
    pub(crate) fn run(mut self) {
        loop {
            let (sealed, chores) = {
                let mut state = self.pipeline.lock();
                while state.sealed.is_empty() && state.chores.is_empty() && state.workers > 0 {
                    state = self
                        .pipeline
                        .wake
                        .wait(state)
                        .unwrap_or_else(PoisonError::into_inner);
                }
                if state.sealed.is_empty() && state.workers == 0 {
                    return;
                }
                (
                    std::mem::take(&mut state.sealed),
                    std::mem::take(&mut state.chores),
                )
            };
            if !self.commit(&sealed) {
                return;
            }
            for (worker, mut sealed) in sealed {
                for effect in sealed.effects.drain(..) {
                    self.release.release(effect);
                }
                sealed.batch.clear();
                self.inboxes[worker].committed(sealed);
            }
            for chore in chores {
                self.chore(chore);
            }
        }
    }

    /// Writes until it is written. False if the store is broken, or away while the engine ends.
    fn commit(&mut self, sealed: &[(usize, Sealed)]) -> bool {
        if sealed.iter().all(|(_, s)| s.batch.is_empty()) {
            return true;
        }
        let mut pause = Duration::from_millis(10);
        let mut last_tries: Option<Instant> = None;
        loop {
            let began = Instant::now();
            match self
                .writer
                .commit(&mut sealed.iter().map(|(_, s)| &s.batch))
            {
                Ok(()) => {
                    self.metrics.commit.observe(began.elapsed().as_secs_f64());
                    if self.pipeline.stuck.swap(false, Ordering::Relaxed) {
                        tracing::info!("the store takes commits again");
                    }
                    return true;
                }
                Err(error) if error.is_retry() => {
                    self.metrics.commit_retries.inc();
                    if !self.pipeline.stuck.swap(true, Ordering::Relaxed) {
                        tracing::error!(%error, "the store takes no commits; trying again until it does");
                    }
                    if self.pipeline.stopping.load(Ordering::Relaxed)
                        && last_tries.get_or_insert_with(Instant::now).elapsed() >= LAST_TRIES
                    {
                        tracing::error!(%error, "ending without the last changes, which nobody was told of");
                        self.pipeline.given_up.store(true, Ordering::Relaxed);
                        return false;
                    }
                    std::thread::sleep(pause);
                    pause = (pause * 2).min(PAUSE_MAX);
                }
                Err(error) => {
                    self.release.fatal(&error);
                    return false;
                }
            }
        }
    }

    fn chore(&mut self, chore: Chore) {
        match chore {
            Chore::Purge(workflow, stage, limit, done) => {
                match self.writer.purge(workflow, stage, limit) {
                    Ok(purged) => done(Some(purged)),
                    Err(error) if error.is_retry() => done(None),
                    Err(error) => self.release.fatal(&error),
                }
            }
            Chore::Documents(changes, done) => match self.writer.documents(&changes) {
                Ok(removed) => done(Some(removed)),
                // Unlike a batch it is not decided yet: the caller may try again.
                Err(error) if error.is_retry() => {
                    tracing::warn!(%error, "documents are not stored");
                    done(None);
                }
                Err(error) => self.release.fatal(&error),
            },
        }
    }
}
