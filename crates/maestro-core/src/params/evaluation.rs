//! An evaluation with everything that it needs, so that it can be made anywhere.

use std::collections::BTreeMap;
use std::sync::Arc;

use maestro_model::definition::Properties;
use maestro_model::state::{AttemptRef, Millis, RunRow, StepOrd, StepStatus, step_uuid};

use super::error::ParamError;
use super::facts::{Facts, Finished, Moment, Nothing, StepFacts, Steps};
use super::results::Results;
use super::scope::{Outcomes, RunParams, StepInput, evaluate_conditions};
use crate::plan::Plan;

/// What is kept of a finished step for those that refer to it.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub(crate) status: StepStatus,
    pub(crate) attempt: u32,
    pub(crate) end: Option<Millis>,
    pub(crate) evaluated: bool,
    pub(crate) results: Arc<Results>,
}

/// Finished steps of a run by position.
pub(crate) type KeptSteps = BTreeMap<StepOrd, Kept>;

/// Finished steps by id.
pub(crate) struct KeptById<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) kept: &'a KeptSteps,
}

impl Steps for KeptById<'_> {
    fn finished(&self, step: &str) -> Option<Finished<'_>> {
        let ord = *self.plan.index.get(step)?;
        let kept = self.kept.get(&ord)?;
        Some(Finished {
            step: ord,
            attempt: kept.attempt,
            status: kept.status,
            end: kept.end,
            evaluated: kept.evaluated,
            results: &kept.results,
        })
    }
}

/// What is to be evaluated.
#[derive(Clone, Debug)]
pub enum Wanted {
    /// The params of the attempt.
    Params,
    /// The conditions of its successors. `None` for an attempt that never came to its params.
    Conditions(Option<Arc<Results>>),
}

/// What came of it.
#[derive(Clone, PartialEq, Debug)]
pub enum Evaluated {
    /// The params of the attempt.
    Params(Result<Arc<Results>, ParamError>),
    /// The conditions of its successors.
    Conditions(Result<Outcomes, ParamError>),
}

impl Evaluated {
    /// Whether more time is needed.
    #[must_use]
    pub fn is_yield(&self) -> bool {
        match self {
            Self::Params(result) => matches!(result, Err(error) if error.is_yield()),
            Self::Conditions(Ok(outcomes)) => {
                outcomes.error.as_ref().is_some_and(ParamError::is_yield)
            }
            Self::Conditions(Err(_)) => false,
        }
    }
}

/// An attempt in the numbers that expressions see.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AttemptFacts {
    pub(crate) ord: StepOrd,
    pub(crate) attempt: u32,
    pub(crate) seq: u32,
    pub(crate) error_retries: u32,
    pub(crate) now: Millis,
}

/// Everything that an evaluation reads, borrowed.
pub(crate) struct Sources<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) run: &'a RunRow,
    pub(crate) properties: &'a Properties,
    pub(crate) results: &'a Results,
    pub(crate) kept: &'a KeptSteps,
}

impl Sources<'_> {
    /// The params of the run.
    pub(crate) fn run_params(&self) -> RunParams<'_> {
        let facts = Facts::of_run(self.run, &self.plan.workflow, self.properties);
        RunParams::new(self.plan, self.results, facts)
    }

    /// Hands what an attempt sees to `use_it`.
    pub(crate) fn with_step<T>(
        &self,
        attempt: AttemptFacts,
        use_it: impl FnOnce(Result<StepInput<'_>, ParamError>) -> T,
    ) -> T {
        let step = self.plan.step(attempt.ord);
        let set = match &step.params {
            Ok(set) => set,
            Err(error) => return use_it(Err(error.clone())),
        };
        let workflow = &self.plan.workflow.id;
        let by_id = KeptById {
            plan: self.plan,
            kept: self.kept,
        };
        use_it(Ok(StepInput {
            plan: self.plan,
            set,
            run: self.run_params(),
            step: StepFacts {
                id: &step.id,
                uuid: step_uuid(workflow, &self.run.body.uuid, &step.id, attempt.attempt),
                attempt: attempt.attempt,
                seq: attempt.seq,
                type_info: step.type_info(),
                error_retries: attempt.error_retries,
                now: attempt.now,
            },
            steps: &by_id,
            outside: &Nothing,
        }))
    }

    /// Makes an evaluation.
    pub(crate) fn evaluate(
        &self,
        attempt: AttemptFacts,
        wanted: &Wanted,
        fuel: Option<u32>,
    ) -> Evaluated {
        self.with_step(attempt, |input| match wanted {
            Wanted::Params => Evaluated::Params(input.and_then(|input| {
                super::evaluate_step(input, &mut moment(&input, fuel)).map(Arc::new)
            })),
            Wanted::Conditions(results) => Evaluated::Conditions(input.map(|input| {
                let successors = &self.plan.step(attempt.ord).successors;
                let conditions = successors
                    .iter()
                    .map(|(ord, condition)| (&*self.plan.step(*ord).id, condition));
                let mut moment = moment(&input, fuel);
                evaluate_conditions(input, results.as_deref(), conditions, &mut moment)
            })),
        })
    }
}

fn moment(input: &StepInput<'_>, fuel: Option<u32>) -> Moment {
    let moment = Moment::new(input.step.now, &input.step.uuid);
    match fuel {
        Some(polls) => moment.with_fuel(polls),
        None => moment,
    }
}

/// An evaluation that goes on outside of the shard, with a copy of all that it needs.
#[derive(Debug)]
pub struct StepEvaluation {
    /// The attempt that waits.
    pub at: AttemptRef,
    pub(crate) attempt: AttemptFacts,
    pub(crate) wanted: Wanted,
    pub(crate) plan: Arc<Plan>,
    pub(crate) run: Box<RunRow>,
    pub(crate) properties: Arc<Properties>,
    pub(crate) results: Arc<Results>,
    pub(crate) kept: KeptSteps,
}

impl StepEvaluation {
    /// Makes it, without a limit but those of the expressions themselves.
    #[must_use]
    pub fn make(&self) -> Evaluated {
        let sources = Sources {
            plan: &self.plan,
            run: &self.run,
            properties: &self.properties,
            results: &self.results,
            kept: &self.kept,
        };
        sources.evaluate(self.attempt, &self.wanted, None)
    }
}
