//! The shards of one worker: workflows in memory, their timers, the open batch. No threads, no clock, no I/O, so that
//! the simulator runs it in virtual time.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use maestro_core::message::{Counter, Effect, Event, Fetch, Launch, Refusal, Reply, Token};
use maestro_core::params::StepEvaluation;
use maestro_core::{Keys, Resumed, Settings, Turn, WorkflowState};
use maestro_model::Str;
use maestro_model::definition::LeafType;
use maestro_model::state::{AttemptRef, InstanceRef, InstanceStatus, Millis, WorkflowKey};
use maestro_store::Batch;
use uuid::Uuid;

/// Takes the answer to a command; dropped unanswered if the process ends first.
pub type Answer = Box<dyn FnOnce(Result<Reply, Refusal>) + Send>;

/// Something for a partition.
pub enum Input {
    /// An event for a workflow. A command's token is the partition's affair: give `answer` instead.
    Event {
        /// The workflow.
        workflow: Str,
        /// What happened.
        event: Event,
        /// Where the answer goes.
        answer: Option<Answer>,
    },
    /// The answer to [`Released::Load`].
    Loaded {
        /// The workflow.
        workflow: Str,
        /// What the store has of it, or why that cannot be read.
        loaded: Result<Box<Resumed>, String>,
    },
}

/// An effect that is released once the batch it belongs to is durable.
pub enum Released {
    /// Answer a command.
    Reply(Answer, Result<Reply, Refusal>),
    /// Start the work of an attempt.
    Launch(Str, Box<Launch>),
    /// End the work of an attempt.
    Cancel(AttemptRef, Uuid, LeafType),
    /// Forget the work of an attempt.
    Release(AttemptRef, Uuid, LeafType),
    /// Read from the store and send [`Event::Fetched`].
    Fetch(Str, u64, Fetch),
    /// Read a workflow from the store and send [`Input::Loaded`].
    Load(Str),
    /// Evaluate and send [`Event::Evaluated`].
    Evaluate(Str, Box<StepEvaluation>),
    /// Send [`Event::Durable`].
    NotifyDurable(Str, u64),
    /// Somebody may wait for this.
    Changed(Str, InstanceRef, InstanceStatus),
    /// Caches of the workflow's definition are old.
    DefinitionChanged(Str),
    /// Remove the data of a deleted workflow.
    Purge(Str, WorkflowKey),
}

/// A batch with the effects that wait for it. Batches of a partition commit in order.
#[derive(Default)]
pub struct Sealed {
    /// Rows.
    pub batch: Batch,
    /// Effects, in order.
    pub effects: Vec<Released>,
}

/// Counts since the last time they were taken.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Counts {
    /// Step attempts that ended.
    pub steps: u64,
    /// Runs that ended.
    pub runs: u64,
    /// Reports for attempts that are not in progress.
    pub stale: u64,
    /// Steps that began because another one ended.
    pub followed: u64,
}

struct Home {
    state: WorkflowState,
    armed: Option<Millis>,
    continuing: bool,
}

enum Slot {
    /// Being read; what came meanwhile.
    Loading(Vec<(Event, Option<Answer>)>),
    Here(Box<Home>),
}

/// Shards with their workflows.
pub struct Partition {
    settings: Settings,
    keys: BTreeMap<u8, Keys>,
    homes: BTreeMap<Str, Slot>,
    timers: BTreeSet<(Millis, Str)>,
    continuing: VecDeque<Str>,
    answers: BTreeMap<Token, Answer>,
    next_token: Token,
    open: Sealed,
    counts: Counts,
    scratch: Vec<Effect>,
}

/// The shard of a workflow id: FNV-1a, since it must be the same for ever (it is stored in workflow numbers).
#[must_use]
pub fn shard_of(workflow: &str) -> u8 {
    let hash = workflow.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| {
        (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)
    });
    u8::try_from(hash % u64::from(Keys::SHARDS)).unwrap_or(0)
}

impl Partition {
    /// A partition with these shards.
    #[must_use]
    pub fn new(settings: Settings, keys: impl IntoIterator<Item = Keys>) -> Self {
        Self {
            settings,
            keys: keys.into_iter().map(|k| (k.shard(), k)).collect(),
            homes: BTreeMap::new(),
            timers: BTreeSet::new(),
            continuing: VecDeque::new(),
            answers: BTreeMap::new(),
            next_token: 0,
            open: Sealed::default(),
            counts: Counts::default(),
            scratch: Vec::new(),
        }
    }

    /// Takes one input in and lets the core decide.
    pub fn handle(&mut self, input: Input, now: Millis) {
        match input {
            Input::Event {
                workflow,
                event,
                answer,
            } => match self.homes.get_mut(&workflow) {
                Some(Slot::Here(_)) => self.decide(&workflow, event, answer, now),
                Some(Slot::Loading(waiting)) => waiting.push((event, answer)),
                // Only commands reach workflows that are not in memory; what else comes late is stale.
                None if matches!(event, Event::Command { .. }) => {
                    self.homes
                        .insert(workflow.clone(), Slot::Loading(vec![(event, answer)]));
                    self.open.effects.push(Released::Load(workflow));
                }
                None => self.counts.stale += u64::from(matches!(event, Event::Report(_))),
            },
            Input::Loaded { workflow, loaded } => {
                let Some(Slot::Loading(waiting)) = self.homes.remove(&workflow) else {
                    return;
                };
                match loaded {
                    Ok(resumed) => {
                        self.resume(&workflow, *resumed, now);
                        for (event, answer) in waiting {
                            self.decide(&workflow, event, answer, now);
                        }
                    }
                    // Answers that are dropped tell their callers that the store is away.
                    Err(error) => tracing::error!(%workflow, error, "cannot load a workflow"),
                }
            }
        }
    }

    /// Takes a workflow up from its rows, and goes on with what was at work.
    pub fn resume(&mut self, workflow: &Str, resumed: Resumed, now: Millis) {
        let settings = self.settings;
        let Some(keys) = self.keys.get_mut(&shard_of(workflow)) else {
            return;
        };
        let mut effects = std::mem::take(&mut self.scratch);
        let mut turn = Turn {
            now,
            settings: &settings,
            keys,
            rows: &mut self.open.batch,
            effects: &mut effects,
            budget: settings.cascade,
            followed: 0,
        };
        let state = WorkflowState::resume(workflow.clone(), resumed, &mut turn);
        let home = Home {
            state,
            armed: None,
            continuing: false,
        };
        self.homes
            .insert(workflow.clone(), Slot::Here(Box::new(home)));
        self.collect(workflow, &mut effects);
        self.scratch = effects;
        self.decide(workflow, Event::Continue, None, now);
    }

    fn decide(&mut self, workflow: &Str, mut event: Event, answer: Option<Answer>, now: Millis) {
        if let Event::Command { token, .. } = &mut event {
            *token = answer.map(|answer| {
                self.next_token += 1;
                self.answers.insert(self.next_token, answer);
                self.next_token
            });
        }
        let settings = self.settings;
        let Some(Slot::Here(home)) = self.homes.get_mut(workflow) else {
            return;
        };
        let Some(keys) = self.keys.get_mut(&shard_of(workflow)) else {
            return;
        };
        let mut effects = std::mem::take(&mut self.scratch);
        let mut turn = Turn {
            now,
            settings: &settings,
            keys,
            rows: &mut self.open.batch,
            effects: &mut effects,
            budget: settings.cascade,
            followed: 0,
        };
        home.state.on(event, &mut turn);
        self.counts.followed += u64::from(turn.followed);
        let deadline = home.state.next_deadline();
        if deadline != home.armed {
            if let Some(at) = home.armed {
                self.timers.remove(&(at, workflow.clone()));
            }
            if let Some(at) = deadline {
                self.timers.insert((at, workflow.clone()));
            }
            home.armed = deadline;
        }
        self.collect(workflow, &mut effects);
        self.scratch = effects;
    }

    fn collect(&mut self, workflow: &Str, effects: &mut Vec<Effect>) {
        for effect in effects.drain(..) {
            let id = || workflow.clone();
            let released = match effect {
                Effect::Reply { token, result } => match self.answers.remove(&token) {
                    Some(answer) => Released::Reply(answer, result),
                    None => continue,
                },
                Effect::Launch(launch) => Released::Launch(id(), launch),
                Effect::Cancel { at, uuid, ty } => Released::Cancel(at, uuid, ty),
                Effect::Release { at, uuid, ty } => Released::Release(at, uuid, ty),
                Effect::Fetch { request, what } => Released::Fetch(id(), request, what),
                Effect::NotifyDurable(number) => Released::NotifyDurable(id(), number),
                Effect::Evaluate(work) => Released::Evaluate(id(), work),
                Effect::Changed {
                    id: instance,
                    status,
                } => Released::Changed(id(), instance, status),
                Effect::DefinitionChanged => Released::DefinitionChanged(id()),
                Effect::Purge(key) => Released::Purge(id(), key),
                Effect::Continue => {
                    if let Some(Slot::Here(home)) = self.homes.get_mut(workflow)
                        && !home.continuing
                    {
                        home.continuing = true;
                        self.continuing.push_back(id());
                    }
                    continue;
                }
                Effect::Count(counter) => {
                    match counter {
                        Counter::StepEnded => self.counts.steps += 1,
                        Counter::RunEnded => self.counts.runs += 1,
                        Counter::StaleReport => self.counts.stale += 1,
                    }
                    continue;
                }
            };
            self.open.effects.push(released);
        }
    }

    /// Lets the workflows whose deadlines have passed act.
    pub fn tick(&mut self, now: Millis) {
        while let Some((at, workflow)) = self.timers.first().cloned()
            && at <= now
        {
            self.timers.pop_first();
            if let Some(Slot::Here(home)) = self.homes.get_mut(&workflow) {
                home.armed = None;
            }
            self.decide(&workflow, Event::Timer, None, now);
        }
    }

    /// Goes on with the cascade that waits longest. False if none does.
    pub fn go_on(&mut self, now: Millis) -> bool {
        let Some(workflow) = self.continuing.pop_front() else {
            return false;
        };
        if let Some(Slot::Here(home)) = self.homes.get_mut(&workflow) {
            home.continuing = false;
        }
        self.decide(&workflow, Event::Continue, None, now);
        true
    }

    /// The wall clock has jumped.
    pub fn shift_clock(&mut self, by: Millis, now: Millis) {
        let waiting: Vec<Str> = self
            .timers
            .iter()
            .map(|(_, workflow)| workflow.clone())
            .collect();
        for workflow in waiting {
            self.decide(&workflow, Event::ClockShift(by), None, now);
        }
    }

    /// Whether a cascade waits to go on.
    #[must_use]
    pub fn has_work(&self) -> bool {
        !self.continuing.is_empty()
    }

    /// When the earliest deadline passes.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Millis> {
        self.timers.first().map(|(at, _)| *at)
    }

    /// Bytes of rows that wait in the open batch.
    #[must_use]
    pub fn open_bytes(&self) -> usize {
        self.open.batch.len_bytes()
    }

    /// Whether the open batch has anything to release.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !self.open.batch.is_empty() || !self.open.effects.is_empty()
    }

    /// Closes the open batch and opens the one given, which must be empty: its memory is used again.
    pub fn seal(&mut self, empty: Sealed) -> Sealed {
        std::mem::replace(&mut self.open, empty)
    }

    /// Takes the counts since the last time.
    pub fn take_counts(&mut self) -> Counts {
        std::mem::take(&mut self.counts)
    }

    /// Drops workflows without work beyond `keep`. Call it only when everything sealed is durable and nothing is open.
    pub fn evict(&mut self, keep: usize) {
        let excess = self.homes.len().saturating_sub(keep);
        if excess == 0 || self.is_open() {
            return;
        }
        let idle: Vec<Str> = self
            .homes
            .iter()
            .filter(|(_, slot)| matches!(slot, Slot::Here(home) if home.state.is_idle()))
            .take(excess)
            .map(|(id, _)| id.clone())
            .collect();
        for id in idle {
            self.homes.remove(&id);
        }
    }

    /// How many workflows are in memory.
    #[must_use]
    pub fn workflows(&self) -> usize {
        self.homes.len()
    }

    /// Runs at work and runs that wait, over all workflows in memory.
    #[must_use]
    pub fn runs(&self) -> (u64, u64) {
        self.states().fold((0, 0), |(live, queued), s| {
            (live + s.live_runs() as u64, queued + s.queued_runs())
        })
    }

    /// The workflows in memory.
    pub fn states(&self) -> impl Iterator<Item = &WorkflowState> {
        self.homes.values().filter_map(|slot| match slot {
            Slot::Here(home) => Some(&home.state),
            Slot::Loading(_) => None,
        })
    }
}
