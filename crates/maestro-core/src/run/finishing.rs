//! What the end of its work means for an attempt, its successors and the run (spec 06 sections 4.8, 7 and 12.5).

use std::sync::Arc;

use maestro_model::definition::{FailureClass, FailureMode};
use maestro_model::state::{
    ActionKind, Conditions, Millis, Stamp, StepOrd, StepStatus as S, Termination, Text,
    TimelineEvent,
};

use super::attempt::{Attempt, Flow};
use super::{Cx, ENGINE_USER, RunState};
use crate::message::Outcome;
use crate::params::{Evaluated, ParamError, Results, Values, Wanted, merge_outputs};
use crate::plan::PlanStep;
use crate::retry::{allows, status_of};

impl RunState {
    /// The work has ended by itself: what that means for the attempt (spec 06 SM-18 to SM-24).
    pub(super) fn conclude(
        &mut self,
        a: &mut Attempt,
        ord: StepOrd,
        step: &PlanStep,
        now: Millis,
    ) -> Flow {
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
    pub(super) fn decide_successors(
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

    /// Puts output values into the params of the step (spec 06 section 12.5).
    pub(super) fn take_outputs(
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

    /// What a fatal failure does to the step and the run (spec 06 section 7).
    pub(super) fn apply_failure_mode(
        &mut self,
        a: &mut Attempt,
        step: &PlanStep,
        now: Millis,
    ) -> Flow {
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
}
