//! The state machine of one attempt (spec 06 section 3.3).

use std::sync::Arc;

use maestro_model::definition::{FailureClass, FailureMode, ResolvedRetryPolicy, StepType};
use maestro_model::param::EvaluatedValue;
use maestro_model::state::{
    ActionKind, AttemptRef, Conditions, Millis, Retries, Stamp, StatusChange, StepOrd, StepState,
    StepStatus as S, StepTimes, Termination, Text, Timeline, TimelineEvent, step_uuid,
};

use super::{Cx, Due, ENGINE_USER, RunState};
use crate::message::{Effect, Launch, Outcome};
use crate::params::{
    AttemptFacts, Evaluated, ParamError, Results, StepEvaluation, Values, Wanted, merge_outputs,
};
use crate::permits::{Need, Tag};
use uuid::Uuid;

use crate::plan::{DEFAULT_TIMEOUT, PlanStep, Timeout, Work};
use crate::retry::{allows, delay, failure_of, status_of};

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
enum Permit {
    /// Not asked for, or given back.
    None,
    /// Asked for.
    Waiting(Need),
    /// Held; `None` where none is needed.
    Held(Option<Need>),
}

/// Where the work outside of the core is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Job {
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
    results: Option<Arc<Results>>,
    /// The stored params are behind `results`.
    store_params: bool,
    /// Whether a predecessor leads here.
    reached: bool,
    permit: Permit,
    job: Job,
    /// The work's end, until it is dealt with.
    pub(super) outcome: Option<Outcome>,
    /// Something of it is being evaluated elsewhere.
    pub(super) evaluating: bool,
    /// What came of that.
    pub(super) evaluation: Option<Evaluated>,
    /// A sleep is over.
    awake: bool,
    /// The failure mode does not count (spec 06 F-5).
    ignore_failure_mode: bool,
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

    fn enter(&mut self, new: S, now: Millis) {
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

    fn log(&mut self, event: TimelineEvent) {
        self.changed |= self.state.timeline.push(event);
    }

    /// The step fails by itself: an error of evaluation or of the engine (spec 06 E-1).
    fn fail_internally(&mut self, error: &str, now: Millis) -> Flow {
        self.fail_with(vec![error.into()], now)
    }

    /// The step fails by itself because of its params, and shows the place of what is wrong.
    fn fail_for(&mut self, error: &ParamError, now: Millis) -> Flow {
        self.fail_with(error.texts(), now)
    }

    fn fail_with(&mut self, errors: Vec<Box<str>>, now: Millis) -> Flow {
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

    fn set_results(&mut self, results: Arc<Results>) {
        if !results.is_empty() {
            self.results = Some(results);
            self.store_params = true;
            self.changed = true;
        }
    }

    fn facts(&self, ord: StepOrd, now: Millis) -> AttemptFacts {
        AttemptFacts {
            ord,
            attempt: self.number,
            seq: self.state.seq,
            error_retries: self.retries().error,
            now,
        }
    }
}

impl RunState {
    /// One look at an attempt.
    pub(super) fn advance(&mut self, a: &mut Attempt, ord: StepOrd, cx: &mut Cx<'_, '_>) -> Flow {
        let now = cx.now();
        let plan = Arc::clone(&self.plan);
        let step = plan.step(ord);
        // User actions and time-outs are looked at before every handler, so that merged passes leave them a chance
        // (spec 09 FD-21).
        if !a.state.status.is_terminal()
            && let Some(flow) = self.end_early(a, ord, step, cx)
        {
            return flow;
        }
        match a.state.status {
            S::NotCreated => Flow::Over,
            S::Created => self.initialize(a, step, now),
            S::Initialized => {
                a.enter(S::WaitingForSignals, now);
                Flow::Again
            }
            S::Paused | S::WaitingForSignals => {
                a.enter(S::EvaluatingParams, now);
                Flow::Again
            }
            S::EvaluatingParams => self.evaluate_params(a, ord, step, cx),
            S::WaitingForPermits => self.acquire_permits(a, ord, step, cx),
            S::Starting => self.start(a, ord, step, cx),
            S::Running => self.execute(a, ord, step, cx),
            S::Finishing => {
                a.enter(S::Succeeded, now);
                Flow::Again
            }
            S::Disabled | S::Unsatisfied | S::Skipped | S::Succeeded | S::CompletedWithError => {
                self.decide_successors(a, ord, step, cx)
            }
            S::FatallyFailed => self.apply_failure_mode(a, step, now),
            S::UserFailed
            | S::PlatformFailed
            | S::InternallyFailed
            | S::Stopped
            | S::TimeoutFailed
            | S::TimedOut => Flow::Over,
        }
    }

    /// Ends an attempt early where somebody wants that: its work first, its status when nothing of the work is left
    /// (spec 06 A-13, design rule 5).
    fn end_early(
        &mut self,
        a: &mut Attempt,
        ord: StepOrd,
        step: &PlanStep,
        cx: &mut Cx<'_, '_>,
    ) -> Option<Flow> {
        let wish = self
            .row
            .head
            .ending
            .as_deref()
            .or(a.state.ending.as_deref())?
            .clone();
        let now = cx.now();
        let at_work = matches!(a.state.status, S::Starting | S::Running) && a.job != Job::None;
        if at_work && a.outcome.is_none() {
            if a.state.ending.as_deref() != Some(&wish) {
                a.state.ending = Some(Box::new(wish));
                a.state.times.set(Stamp::Modify, now);
                a.changed = true;
            }
            if a.job == Job::Lost {
                self.launch(a, ord, step, cx);
            }
            if a.job == Job::Launched {
                a.job = Job::Cancelled;
                if let Work::Job(ty) = step.work {
                    let (at, uuid) = self.identity(a, ord);
                    cx.turn.effects.push(Effect::Cancel { at, uuid, ty });
                }
            }
            return Some(Flow::Wait);
        }
        a.outcome = None;
        let status = match wish.action {
            ActionKind::Stop => S::Stopped,
            ActionKind::Kill => {
                a.ignore_failure_mode = wish.workflow_action;
                S::FatallyFailed
            }
            ActionKind::Skip => S::Skipped,
            ActionKind::TimeOut
                if !wish.workflow_action
                    && allows(
                        &self.retry_policy(step),
                        FailureClass::Timeout,
                        &a.retries(),
                    ) =>
            {
                S::TimeoutFailed
            }
            ActionKind::TimeOut => S::TimedOut,
        };
        match (wish.action, wish.workflow_action) {
            (ActionKind::TimeOut, true) => {}
            (ActionKind::TimeOut, false) => {
                let limit = time_limit(a, step);
                a.log(TimelineEvent::info(now, Text::TimedOut(limit)));
            }
            (action, _) => {
                let text = format!(
                    "User [{}] take action [{}] on the step because {}",
                    wish.user,
                    action.name(),
                    wish.reason
                );
                a.log(TimelineEvent::info(now, text));
            }
        }
        a.enter(status, now);
        Some(Flow::Again)
    }

    fn evaluate_params(
        &mut self,
        a: &mut Attempt,
        ord: StepOrd,
        step: &PlanStep,
        cx: &mut Cx<'_, '_>,
    ) -> Flow {
        let now = cx.now();
        if let Ok(set) = &step.params
            && set.is_settled()
            && set.is_small(&self.plan.rules)
        {
            a.enter(S::WaitingForPermits, now);
            return Flow::Again;
        }
        match self.evaluate(a, ord, Wanted::Params, cx) {
            None => Flow::Wait,
            Some(Evaluated::Params(Ok(results))) => {
                a.set_results(results);
                a.enter(S::WaitingForPermits, now);
                Flow::Again
            }
            Some(Evaluated::Params(Err(error))) => a.fail_for(&error, now),
            Some(Evaluated::Conditions(_)) => {
                a.fail_internally("the engine has lost an evaluation", now)
            }
        }
    }

    /// Evaluates here with little fuel; what takes longer goes out and comes back (design, rule 8). `None` while it is
    /// out.
    fn evaluate(
        &self,
        a: &mut Attempt,
        ord: StepOrd,
        wanted: Wanted,
        cx: &mut Cx<'_, '_>,
    ) -> Option<Evaluated> {
        if let Some(outcome) = a.evaluation.take() {
            return Some(outcome);
        }
        if a.evaluating {
            return None;
        }
        let attempt = a.facts(ord, cx.now());
        let fuel = cx.turn.settings.evaluation_fuel;
        let done = (fuel > 0).then(|| self.sources().evaluate(attempt, &wanted, Some(fuel)));
        if let Some(done) = done
            && !done.is_yield()
        {
            return Some(done);
        }
        a.evaluating = true;
        cx.turn
            .effects
            .push(Effect::Evaluate(Box::new(StepEvaluation {
                at: self.identity(a, ord).0,
                attempt,
                wanted,
                plan: Arc::clone(&self.plan),
                run: Box::new(self.row.clone()),
                properties: Arc::clone(&self.properties),
                results: Arc::clone(&self.results),
                kept: self.kept.clone(),
            })));
        None
    }

    fn acquire_permits(
        &mut self,
        a: &mut Attempt,
        ord: StepOrd,
        step: &PlanStep,
        cx: &mut Cx<'_, '_>,
    ) -> Flow {
        let now = cx.now();
        match &a.permit {
            Permit::Waiting(_) => return Flow::Wait,
            Permit::Held(_) => {}
            Permit::None => match self.need(step, cx) {
                None => {
                    a.log(TimelineEvent::info(now, Text::PermitsNotNeeded));
                    a.permit = Permit::Held(None);
                }
                Some(need) => {
                    a.log(TimelineEvent::info(now, Text::PermitsWaiting));
                    if cx.shared.permits.request(self.holder(ord), &need) {
                        a.permit = Permit::Held(Some(need));
                    } else {
                        a.permit = Permit::Waiting(need);
                        return Flow::Wait;
                    }
                }
            },
        }
        if matches!(a.permit, Permit::Held(Some(_))) {
            a.log(TimelineEvent::info(now, Text::PermitsAcquired));
        }
        a.enter(S::Starting, now);
        Flow::Again
    }

    /// The permits that a step needs (spec 06 section 11.1).
    pub(super) fn need(&self, step: &PlanStep, cx: &Cx<'_, '_>) -> Option<Need> {
        let settings = cx.turn.settings;
        if !settings.permits {
            return None;
        }
        let own = self
            .properties
            .step_concurrency
            .map(|n| u32::try_from(n).unwrap_or(0));
        match self.row.body.instance_step_concurrency {
            None => Some(Need {
                workflow: Some(own.unwrap_or(settings.step_concurrency)),
                tag: Tag::Step(step.id.clone()),
                tag_limit: settings.single_step_concurrency,
            }),
            Some(limit) => {
                let leaf = !matches!(step.work, Work::Unsupported(_));
                let tag = if leaf {
                    Tag::Tree(self.row.body.uuid.to_string().into())
                } else {
                    Tag::Nothing
                };
                let tag_limit = if leaf {
                    u32::try_from(limit).unwrap_or(0)
                } else {
                    u32::MAX
                };
                (leaf || own.is_some()).then_some(Need {
                    workflow: own,
                    tag,
                    tag_limit,
                })
            }
        }
    }

    fn start(
        &mut self,
        a: &mut Attempt,
        ord: StepOrd,
        step: &PlanStep,
        cx: &mut Cx<'_, '_>,
    ) -> Flow {
        let now = cx.now();
        match step.work {
            Work::Nothing | Work::Sleep => {
                a.enter(S::Running, now);
                Flow::Again
            }
            Work::Job(_) if a.outcome.is_some() => self.conclude(a, ord, step, now),
            Work::Job(_) => {
                if matches!(a.job, Job::None | Job::Lost) {
                    self.launch(a, ord, step, cx);
                }
                Flow::Wait
            }
            Work::Unsupported(ty) => a.fail_internally(&unsupported(ty), now),
        }
    }

    fn execute(
        &mut self,
        a: &mut Attempt,
        ord: StepOrd,
        step: &PlanStep,
        cx: &mut Cx<'_, '_>,
    ) -> Flow {
        let now = cx.now();
        match step.work {
            Work::Nothing => {
                a.enter(S::Finishing, now);
                Flow::Again
            }
            Work::Sleep if a.awake => {
                a.enter(S::Finishing, now);
                Flow::Again
            }
            Work::Sleep => match sleep_length(step, a.results.as_deref()) {
                Err(error) => a.fail_internally(&error, now),
                Ok(length) => {
                    if a.wake_at.is_none() {
                        // Strictly longer than asked for (spec 07 SL-2).
                        let at = self.deadline(a, length.max(0).saturating_add(1), now);
                        a.wake_at = Some(at);
                        cx.arm(at, self.row.key, Due::Wake(ord));
                        self.arm_timeout(a, ord, step, cx);
                    }
                    Flow::Wait
                }
            },
            Work::Job(_) if a.outcome.is_some() => self.conclude(a, ord, step, now),
            Work::Job(_) => {
                if a.job == Job::Lost {
                    self.launch(a, ord, step, cx);
                }
                Flow::Wait
            }
            Work::Unsupported(ty) => a.fail_internally(&unsupported(ty), now),
        }
    }

    /// A moment counted from the attempt's start; after a crash not further away than it was at first (design, rule 4).
    fn deadline(&self, a: &Attempt, length: Millis, now: Millis) -> Millis {
        let start = a.state.times.get(Stamp::Start).unwrap_or(now);
        start
            .saturating_add(length)
            .clamp(now, now.saturating_add(length))
    }

    fn arm_timeout(&mut self, a: &mut Attempt, ord: StepOrd, step: &PlanStep, cx: &mut Cx<'_, '_>) {
        // What is being ended already needs no time-out.
        if a.timeout_at.is_none() && a.state.ending.is_none() {
            let length = time_limit(a, step);
            let at = self.deadline(a, length, cx.now());
            a.timeout_at = Some(at);
            cx.arm(at, self.row.key, Due::Timeout(ord));
        }
    }

    /// Asks for the work of an attempt, or for finding it again.
    fn launch(&mut self, a: &mut Attempt, ord: StepOrd, step: &PlanStep, cx: &mut Cx<'_, '_>) {
        let Work::Job(ty) = step.work else { return };
        let adopt = a.job == Job::Lost;
        a.job = Job::Launched;
        self.arm_timeout(a, ord, step, cx);
        let (at, uuid) = self.identity(a, ord);
        cx.turn.effects.push(Effect::Launch(Box::new(Launch {
            at,
            uuid,
            ty,
            id: self.row.id,
            plan: Arc::clone(&self.plan),
            run: Box::new(self.row.clone()),
            properties: Arc::clone(&self.properties),
            seq: a.state.seq,
            now: cx.now(),
            step_results: a.results(),
            run_results: Arc::clone(&self.results),
            adopt,
            follows: !adopt && !step.predecessors.is_empty(),
        })));
    }

    /// The work has ended by itself: what that means for the attempt (spec 06 SM-18 to SM-24).
    fn conclude(&mut self, a: &mut Attempt, ord: StepOrd, step: &PlanStep, now: Millis) -> Flow {
        let failed = |a: &mut Attempt, failure: FailureClass, retryable: bool| {
            let allowed = allows(&self.retry_policy(step), failure, &a.retries());
            if allowed && !retryable {
                // The output says that another attempt is useless (spec 06 SM-30).
                let text = format!(
                    "Step failed with [{}] and its output data classified it as non-retryable.",
                    status_of(failure).as_str()
                );
                a.enter(status_of(failure), now);
                a.log(TimelineEvent::info(now, text));
            }
            a.enter(
                if allowed && retryable {
                    status_of(failure)
                } else {
                    S::FatallyFailed
                },
                now,
            );
        };
        match a.outcome.take() {
            None => return Flow::Wait,
            Some(Outcome::Done { outputs }) => {
                if a.state.status == S::Starting {
                    a.enter(S::Running, now);
                }
                a.enter(S::Finishing, now);
                if let Err(error) = self.take_outputs(a, ord, &outputs, now) {
                    return a.fail_for(&error, now);
                }
            }
            Some(Outcome::UserError { retryable }) => failed(a, FailureClass::Error, retryable),
            Some(Outcome::PlatformError { retryable }) => {
                failed(a, FailureClass::Platform, retryable);
            }
            Some(Outcome::FatalError) => a.enter(S::FatallyFailed, now),
            Some(Outcome::Stopped) => a.enter(S::Stopped, now),
            Some(Outcome::Broken(error)) => return a.fail_internally(&error, now),
        }
        Flow::Again
    }

    /// Evaluates the conditions of a complete step (spec 06 P-17, P-18).
    fn decide_successors(
        &mut self,
        a: &mut Attempt,
        ord: StepOrd,
        step: &PlanStep,
        cx: &mut Cx<'_, '_>,
    ) -> Flow {
        if a.state.conditions.is_some() || step.successors.is_empty() {
            return Flow::Over;
        }
        if !a.state.satisfied.unwrap_or(a.reached) {
            a.changed = true;
            a.state.conditions = Some(Conditions::All(false));
            return Flow::Over;
        }
        if step.unconditional {
            a.changed = true;
            a.state.conditions = Some(Conditions::All(true));
            return Flow::Over;
        }
        // A step that never got to its params sees them all the same (spec 06 P-19).
        let evaluated = a.state.times.get(Stamp::WaitPermit).is_some();
        let wanted = Wanted::Conditions(evaluated.then(|| a.results()));
        let (results, error) = match self.evaluate(a, ord, wanted, cx) {
            None => return Flow::Wait,
            Some(Evaluated::Conditions(Ok(outcomes))) => {
                if let Some(early) = outcomes.early {
                    a.set_results(early);
                }
                (outcomes.results, outcomes.error)
            }
            Some(Evaluated::Conditions(Err(error))) => (Vec::new(), Some(error)),
            Some(Evaluated::Params(_)) => {
                return a.fail_internally("the engine has lost an evaluation", cx.now());
            }
        };
        let mut results = results;
        results.resize(step.successors.len(), None);
        a.changed = true;
        a.state.conditions = Some(Conditions::Each(results));
        let Some(error) = error else {
            return Flow::Over;
        };
        if a.state.status == S::Succeeded {
            a.state.signal_outputs = Some("{}".into());
        }
        a.fail_for(&error, cx.now())
    }

    /// The attempt for runtimes: where it is, and its uuid.
    fn identity(&self, a: &Attempt, ord: StepOrd) -> (AttemptRef, Uuid) {
        let at = AttemptRef {
            run: self.row.key,
            step: ord,
            attempt: a.number,
        };
        let plan = &self.plan;
        let uuid = step_uuid(
            &plan.workflow.id,
            &self.row.body.uuid,
            &plan.step(ord).id,
            a.number,
        );
        (at, uuid)
    }

    /// Puts output values into the params of the step (spec 06 section 12.5).
    fn take_outputs(
        &self,
        a: &mut Attempt,
        ord: StepOrd,
        outputs: &Values,
        now: Millis,
    ) -> Result<(), ParamError> {
        if outputs.is_empty() {
            return Ok(());
        }
        let results = Results::clone(&a.results());
        let merged = self.sources().with_step(a.facts(ord, now), |input| {
            input.and_then(|input| merge_outputs(input, results, outputs))
        })?;
        a.set_results(Arc::new(merged));
        Ok(())
    }

    /// CREATED: is the step reached, and can it run at all (spec 06 section 4.1)?
    fn initialize(&self, a: &mut Attempt, step: &PlanStep, now: Millis) -> Flow {
        a.state.satisfied = Some(a.reached);
        if !a.reached {
            a.log(TimelineEvent::info(now, Text::Unsatisfied));
            a.enter(S::Unsatisfied, now);
            return Flow::Again;
        }
        match step.timeout.resolve(|| self.run_params()) {
            // What the definition says literally need not be stored.
            Ok(millis) if matches!(step.timeout, Timeout::Template(_)) => a.state.timeout = millis,
            Ok(_) => {}
            Err(error) => return a.fail_for(&error, now),
        }
        if step.waits_for_signals {
            return a.fail_internally("signal dependencies are not supported yet", now);
        }
        a.enter(S::Initialized, now);
        Flow::Again
    }

    /// What a fatal failure does to the step and the run (spec 06 section 7).
    fn apply_failure_mode(&mut self, a: &mut Attempt, step: &PlanStep, now: Millis) -> Flow {
        if a.ignore_failure_mode {
            return Flow::Over;
        }
        match step.failure_mode {
            FailureMode::FailAfterRunning => Flow::Over,
            FailureMode::IgnoreFailure => {
                a.log(TimelineEvent::info(now, Text::FailureIgnored));
                a.state.satisfied.get_or_insert(a.reached);
                a.enter(S::CompletedWithError, now);
                Flow::Again
            }
            FailureMode::FailImmediately => {
                // A stronger wish of a user stays.
                if self.ending().is_none() {
                    let id = &step.id;
                    let reason = format!(
                        "Stop all steps because step [{id}] with FAIL_IMMEDIATELY mode is failed."
                    );
                    self.end_all(
                        Termination {
                            action: ActionKind::Stop,
                            user: ENGINE_USER.into(),
                            reason: reason.into(),
                            at: now,
                            workflow_action: true,
                        },
                        now,
                    );
                }
                Flow::Over
            }
        }
    }

    /// Gives back the permits of an attempt that is over, and withdraws a request that was not granted.
    pub(super) fn return_permit(&mut self, a: &mut Attempt, ord: StepOrd, cx: &mut Cx<'_, '_>) {
        match std::mem::replace(&mut a.permit, Permit::None) {
            Permit::Held(Some(need)) => cx.shared.permits.release(&need),
            Permit::Waiting(need) => cx.shared.permits.withdraw(self.holder(ord), &need),
            Permit::None | Permit::Held(None) => {}
        }
    }

    /// Lets the runtime of an attempt that is over forget it.
    pub(super) fn release_job(&mut self, a: &Attempt, ord: StepOrd, cx: &mut Cx<'_, '_>) {
        let step = self.plan.step(ord);
        if let Work::Job(ty) = step.work
            && a.job != Job::None
        {
            let (at, uuid) = self.identity(a, ord);
            cx.turn.effects.push(Effect::Release { at, uuid, ty });
        }
    }
}

fn unsupported(ty: StepType) -> String {
    format!(
        "step type {} is not supported by this server yet",
        ty.as_str()
    )
}

/// The time-out of the attempt in milliseconds: put together for it, or the definition's.
fn time_limit(a: &Attempt, step: &PlanStep) -> Millis {
    a.state.timeout.unwrap_or(match step.timeout {
        Timeout::Millis(millis) => millis,
        _ => DEFAULT_TIMEOUT,
    })
}

/// The length of a sleep in milliseconds (spec 07 SL-1).
fn sleep_length(step: &PlanStep, results: Option<&Results>) -> Result<Millis, String> {
    const NAME: &str = "sleep_seconds";
    let own = results.and_then(|results| results.values.get(NAME));
    let literal = step.params.as_ref().ok().and_then(|set| set.literal(NAME));
    match own.or(literal) {
        None => Ok(3000),
        Some(EvaluatedValue::Long(secs)) => Ok(secs.saturating_mul(1000)),
        Some(other) => Err(format!(
            "param `{NAME}` must be a LONG, but is a {}",
            other.ty().as_str()
        )),
    }
}
