//! Driving an attempt from its creation to the end of its work (spec 06 sections 3.3 and 4).

use std::sync::Arc;

use maestro_model::definition::{FailureClass, StepType};
use maestro_model::param::EvaluatedValue;
use maestro_model::state::{
    ActionKind, AttemptRef, Millis, Stamp, StepOrd, StepStatus as S, Text, TimelineEvent, step_uuid,
};
use uuid::Uuid;

use super::attempt::{Attempt, Flow, Job, Permit};
use super::{Cx, Due, RunState};
use crate::message::{Effect, Launch};
use crate::params::{Evaluated, Results, StepEvaluation, Wanted};
use crate::permits::{Need, Tag};
use crate::plan::{DEFAULT_TIMEOUT, PlanStep, Timeout, Work};
use crate::retry::allows;

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
    pub(super) fn evaluate(
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
