//! One attempt in memory, and how it changes (spec 06 section 3.3).

use std::sync::Arc;

use maestro_model::definition::ResolvedRetryPolicy;
use maestro_model::state::{
    ActionKind, Millis, Retries, Stamp, StatusChange, StepOrd, StepState, StepStatus as S,
    StepTimes, Termination, Text, Timeline, TimelineEvent,
};

use super::ENGINE_USER;
use crate::message::Outcome;
use crate::params::{AttemptFacts, Evaluated, ParamError, Results};
use crate::permits::Need;
use crate::retry::{delay, failure_of};

/// What one look at an attempt led to.
pub(super) enum Flow {
    /// It changed: look again.
    Again,
    /// It waits for an event.
    Wait,
    /// It is over.
    Over,
}

/// Where the permits of an attempt are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Permit {
    /// Not asked for, or given back.
    None,
    /// Asked for.
    Waiting(Need),
    /// Held; `None` where none is needed.
    Held(Option<Need>),
}

/// Where the work outside of the core is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Job {
    /// Never asked for.
    None,
    /// Asked for before a crash: to be found again.
    Lost,
    /// Asked for.
    Launched,
    /// Asked to end.
    Cancelled,
}

/// An attempt in memory.
#[derive(Debug)]
pub(crate) struct Attempt {
    pub(super) number: u32,
    pub(super) state: StepState,
    /// Evaluated params, beyond what the plan gives; none before they are, and where there are none.
    pub(super) results: Option<Arc<Results>>,
    /// The stored params are behind `results`.
    pub(super) store_params: bool,
    /// Whether a predecessor leads here.
    pub(super) reached: bool,
    pub(super) permit: Permit,
    pub(super) job: Job,
    /// The work's end, until it is dealt with.
    pub(super) outcome: Option<Outcome>,
    /// Something of it is being evaluated elsewhere.
    pub(super) evaluating: bool,
    /// What came of that.
    pub(super) evaluation: Option<Evaluated>,
    /// A sleep is over.
    pub(super) awake: bool,
    /// The failure mode does not count (spec 06 F-5).
    pub(super) ignore_failure_mode: bool,
    pub(super) timeout_at: Option<Millis>,
    pub(super) wake_at: Option<Millis>,
    /// Records of statuses that are not in the outbox yet.
    pub(super) changes: Vec<(StatusChange, Millis)>,
    /// Something to store.
    pub(super) changed: bool,
}

impl Attempt {
    /// A new attempt, CREATED.
    pub(super) fn new(
        number: u32,
        seq: u32,
        retries: Option<Retries>,
        reached: bool,
        now: Millis,
    ) -> Self {
        let state = StepState {
            status: S::NotCreated,
            seq,
            times: StepTimes::default(),
            retries: retries.map(Box::new),
            satisfied: None,
            conditions: None,
            ending: None,
            artifacts: None,
            timeout: None,
            signal_outputs: None,
            timeline: Timeline::default(),
        };
        let mut attempt = Self::of(number, state);
        attempt.reached = reached;
        attempt.enter(S::Created, now);
        attempt
    }

    /// An attempt as the store has it.
    pub(super) fn of(number: u32, state: StepState) -> Self {
        Self {
            number,
            reached: state.satisfied.unwrap_or(true),
            state,
            results: None,
            store_params: false,
            permit: Permit::None,
            job: Job::None,
            outcome: None,
            evaluating: false,
            evaluation: None,
            awake: false,
            ignore_failure_mode: false,
            timeout_at: None,
            wake_at: None,
            changes: Vec::new(),
            changed: false,
        }
    }

    /// Takes up what an attempt at work had before a crash (spec 06 RC-2).
    pub(super) fn restore(
        &mut self,
        results: Option<Arc<Results>>,
        need: Option<Need>,
        is_job: bool,
    ) {
        self.results = results;
        if matches!(self.state.status, S::Starting | S::Running | S::Finishing) {
            self.permit = Permit::Held(need);
            if is_job {
                self.job = Job::Lost;
            }
        }
    }

    pub(super) fn enter(&mut self, new: S, now: Millis) {
        let old = std::mem::replace(&mut self.state.status, new);
        if let Some(stamp) = Stamp::of(new) {
            self.state.times.set(stamp, now);
        }
        self.state.times.set(Stamp::Modify, now);
        // Whatever was restartable has had its automatic retries in this run (spec 06 R-7).
        if new.is_restartable() {
            let mut retries = self.state.retries.as_deref().copied().unwrap_or_default();
            retries.exhausted = true;
            self.state.retries = Some(Box::new(retries));
        }
        self.changes.push((StatusChange::Step { old, new }, now));
        self.changed = true;
    }

    pub(super) fn log(&mut self, event: TimelineEvent) {
        self.changed |= self.state.timeline.push(event);
    }

    /// The step fails by itself: an error of evaluation or of the engine (spec 06 E-1).
    pub(super) fn fail_internally(&mut self, error: &str, now: Millis) -> Flow {
        self.fail_with(vec![error.into()], now)
    }

    /// The step fails by itself because of its params, and shows the place of what is wrong.
    pub(super) fn fail_for(&mut self, error: &ParamError, now: Millis) -> Flow {
        self.fail_with(error.texts(), now)
    }

    pub(super) fn fail_with(&mut self, errors: Vec<Box<str>>, now: Millis) -> Flow {
        self.log(TimelineEvent::Details {
            at: now,
            status: "INTERNAL_ERROR".into(),
            message: "Step is marked as INTERNALLY_FAILED because of an error.".into(),
            errors,
            retryable: false,
        });
        self.enter(S::InternallyFailed, now);
        Flow::Again
    }

    /// Whether a report of a runtime can be meant for this attempt now.
    pub(super) fn expects_report(&self) -> bool {
        matches!(self.job, Job::Launched | Job::Cancelled)
            && self.outcome.is_none()
            && matches!(self.state.status, S::Starting | S::Running)
    }

    /// Takes over artifacts and events of a report (spec 06 section 14.2, TL-3).
    pub(super) fn merge(
        &mut self,
        artifacts: Vec<(Box<str>, Box<str>)>,
        timeline: Vec<TimelineEvent>,
        now: Millis,
    ) {
        for event in timeline {
            self.log(event);
        }
        for (key, json) in artifacts {
            let stored = self.state.artifacts.get_or_insert_default();
            match stored.iter_mut().find(|(k, _)| *k == key) {
                Some((_, old)) if *old == json => continue,
                Some((_, old)) => *old = json,
                None => stored.push((key, json)),
            }
            self.state.times.set(Stamp::Modify, now);
            self.changed = true;
        }
    }

    pub(super) fn started(&mut self, now: Millis) {
        if self.state.status == S::Starting {
            self.enter(S::Running, now);
        }
    }

    pub(super) fn permitted(&mut self) {
        if let Permit::Waiting(need) = &self.permit {
            self.permit = Permit::Held(Some(need.clone()));
        }
    }

    pub(super) fn woken(&mut self) {
        self.wake_at = None;
        self.awake = true;
    }

    /// The step's own time-out has passed (spec 06 TO-4, TO-6): its work is ended first, like after a user's action.
    pub(super) fn timed_out(&mut self, now: Millis) {
        self.timeout_at = None;
        if self.state.ending.is_none() {
            self.state.ending = Some(Box::new(Termination {
                action: ActionKind::TimeOut,
                user: ENGINE_USER.into(),
                reason: "the step ran longer than its time-out".into(),
                at: now,
                workflow_action: false,
            }));
            self.changed = true;
        }
    }

    /// When the next attempt is due, if this one is followed by one; notes it in the timeline (spec 06 CY-5).
    pub(super) fn plan_retry(
        &mut self,
        policy: impl FnOnce() -> ResolvedRetryPolicy,
        now: Millis,
    ) -> Option<Millis> {
        let failure = failure_of(self.state.status)?;
        let delay = delay(&policy(), failure, &self.retries());
        self.log(TimelineEvent::info(now, Text::RetryIn(delay)));
        Some(now.saturating_add(delay))
    }

    /// The params to store, where they are newer than the stored ones.
    pub(super) fn params_to_store(&mut self) -> Option<String> {
        if !std::mem::take(&mut self.store_params) {
            return None;
        }
        self.results.as_deref().map(Results::to_json)
    }

    /// The params as their row has them.
    pub(super) fn stored_params(&self) -> Option<String> {
        self.results.as_deref().map(Results::to_json)
    }

    /// Evaluated params, beyond what the plan gives.
    pub(super) fn results(&self) -> Arc<Results> {
        self.results.clone().unwrap_or_default()
    }

    pub(super) fn set_results(&mut self, results: Arc<Results>) {
        if !results.is_empty() {
            self.results = Some(results);
            self.store_params = true;
            self.changed = true;
        }
    }

    pub(super) fn facts(&self, ord: StepOrd, now: Millis) -> AttemptFacts {
        AttemptFacts {
            ord,
            attempt: self.number,
            seq: self.state.seq,
            error_retries: self.retries().error,
            now,
        }
    }
}
