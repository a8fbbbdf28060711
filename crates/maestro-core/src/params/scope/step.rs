//! The params and conditions of an attempt (spec 02 section 12).

use std::sync::Arc;

use maestro_model::param::{EvaluatedValue as V, ParamType, Params};
use maestro_model::state::step_uuid;
use maestro_sel::{Environment, HostError, Value};

use super::super::compile::{Expression, ParamSet, Rules};
use super::super::convert::assign;
use super::super::error::ParamError;
use super::super::facts::{Outside, StepFacts, Steps};
use super::super::functions::Context;
use super::super::results::Results;
use super::run::RunParams;
use super::{Budget, ExplainedSet, Memo, SATISFIED, Scope, evaluate, instance, note, run, split};
use crate::condition::Condition;
use crate::plan::Plan;

/// What the params and conditions of an attempt are evaluated from.
#[derive(Clone, Copy)]
pub struct StepInput<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// The params of the step.
    pub set: &'a ParamSet,
    /// The params of the run.
    pub run: RunParams<'a>,
    /// The attempt.
    pub step: StepFacts<'a>,
    /// The other steps.
    pub steps: &'a dyn Steps,
    /// Everything else.
    pub outside: &'a dyn Outside,
}

impl StepInput<'_> {
    /// All params of the attempt, as they show.
    #[must_use]
    pub fn all(&self, results: &Results) -> Params {
        step_instances(*self, results, self.step.now)
    }
}

impl std::fmt::Debug for StepInput<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StepInput")
            .field("step", &self.step)
            .finish_non_exhaustive()
    }
}

struct StepScope<'a> {
    memo: Memo<'a>,
    input: StepInput<'a>,
    environment: &'a mut dyn Environment,
}

impl StepScope<'_> {
    fn value_at(&mut self, index: usize) -> Result<V, ParamError> {
        if let Some(value) = self.memo.known(index) {
            if self.memo.values[index].is_none() {
                self.memo.values[index] = Some(value.clone());
            }
            return Ok(value);
        }
        let whose = format!("step [{}]", self.input.step.id);
        self.memo.enter(index, &whose)?;
        let set = self.memo.set;
        let value = evaluate(set.node(index), self).map_err(|e| e.of(set.name(index)))?;
        self.memo.chain.pop();
        self.memo.store(index, value)
    }

    /// A param of a step, of this one or of a finished one, or of a signal (spec 02 E-9, E-10).
    fn reference(&mut self, name: &str) -> Result<V, ParamError> {
        let own = self.input.step.id.clone();
        let steps = self.input.steps;
        let separator = &self.input.run.rules.separator;
        let known = |id: &str| *own == *id || steps.finished(id).is_some();
        let (step, param) = split(name, separator, known)?;
        if *step == *own {
            if param == SATISFIED {
                return Ok(V::Boolean(true));
            }
            let index = self.memo.set.index_of(param).ok_or_else(|| {
                ParamError::internal(format!(
                    "reference `{name}`: step [{step}] has no param `{param}`"
                ))
            })?;
            return self.value_at(index);
        }
        if steps.finished(step).is_some() {
            return step_param(&self.input, step, param);
        }
        let context = self.context();
        context.signal(step, param).map_err(|reason| {
            ParamError::bad_expression(format!(
                "reference `{name}` cannot be resolved: there is no finished step [{step}], and {reason}"
            ))
        })
    }
}

impl<'a> StepScope<'a> {
    fn context(&self) -> Context<'a> {
        Context {
            facts: self.input.run.facts,
            environment: &self.input.run.rules.environment,
            outside: self.input.outside,
            step: Some(self.input.step),
        }
    }
}

impl Scope for StepScope<'_> {
    /// Spec 02 E-7, with the shadowing of E-8.
    fn resolve(&mut self, name: &str, in_text: bool) -> Result<V, ParamError> {
        if name.contains(&*self.input.run.rules.separator) {
            return self.reference(name);
        }
        if name == SATISFIED {
            return Ok(V::Boolean(true));
        }
        if in_text && name == "params" {
            return self.input.run.get(name).ok_or_else(|| {
                ParamError::internal("reference to `params`, which is no param of the workflow")
            });
        }
        let own = self.memo.set.index_of(name);
        if let Some(index) = own
            && self.memo.is_evaluated(index)
        {
            return self.value_at(index);
        }
        if let Some(value) = self.input.run.get(name) {
            return Ok(value);
        }
        match own {
            Some(index) => self.value_at(index),
            None => Err(ParamError::internal(format!(
                "reference to `{name}`, which is a param neither of step [{}] nor of its workflow",
                self.input.step.id
            ))),
        }
    }

    fn through_params(&mut self, name: &str) -> Option<V> {
        self.input.run.get(name)
    }

    fn call(&mut self, name: &str, args: &[Value]) -> Result<Value, HostError> {
        let input = self.input;
        let step = &mut |step: &str, param: &str| {
            step_param(&input, step, param).map_err(|error| error.message)
        };
        self.context()
            .call(name, args, input.steps, step, self.environment)
    }

    fn environment(&mut self) -> &mut dyn Environment {
        self.environment
    }

    fn rules(&self) -> &Rules {
        self.input.run.rules
    }

    fn budget(&mut self) -> &mut Budget {
        &mut self.memo.budget
    }
}

/// A param of a finished step.
fn step_param(input: &StepInput<'_>, step: &str, param: &str) -> Result<V, ParamError> {
    let missing = || ParamError::null(format!("step [{step}] has no param `{param}`"));
    let finished = input.steps.finished(step).ok_or_else(missing)?;
    if param == SATISFIED {
        let satisfied = finished.status != maestro_model::state::StepStatus::Unsatisfied;
        return Ok(V::Boolean(satisfied));
    }
    if let Some(value) = finished.results.values.get(param) {
        return Ok(value.clone());
    }
    let plan_step = input.plan.step(finished.step);
    let set = plan_step.params.as_ref().map_err(|_| missing())?;
    let index = set.index_of(param).ok_or_else(missing)?;
    if !finished.evaluated {
        return Err(ParamError::illegal(format!(
            "param `{param}` of step [{step}] was not evaluated"
        )));
    }
    if let Some(value) = set.static_value(index) {
        return Ok(value.clone());
    }
    let workflow = &input.plan.workflow.id;
    let facts = StepFacts {
        id: &plan_step.id,
        uuid: step_uuid(
            workflow,
            &input.run.facts.uuid,
            &plan_step.id,
            finished.attempt,
        ),
        attempt: finished.attempt,
        ..input.step
    };
    derived_step_param(
        set,
        StepInput {
            step: facts,
            ..*input
        },
        finished.results,
        index,
    )
    .ok_or_else(missing)
}

fn derived_step_param(
    set: &ParamSet,
    input: StepInput<'_>,
    results: &Results,
    index: usize,
) -> Option<V> {
    let mut moment = super::super::facts::Moment::new(input.step.now, &input.step.uuid);
    let mut scope = StepScope {
        memo: Memo::finished(set, results),
        input: StepInput { set, ..input },
        environment: &mut moment,
    };
    scope.value_at(index).ok()
}

/// Evaluates the params of an attempt in their order (spec 02 E-2).
pub(in crate::params) fn evaluate_step(
    input: StepInput<'_>,
    environment: &mut dyn Environment,
) -> Result<Results, ParamError> {
    let set = input.set;
    let mut scope = StepScope {
        memo: Memo::empty(set),
        input,
        environment,
    };
    for index in 0..set.len() {
        if !set.is_lazy(index) {
            scope.value_at(index)?;
        }
        scope.memo.progress = index + 1;
    }
    Ok(scope.memo.into_results(false))
}

/// What conditions came to, up to the first that cannot be evaluated.
#[derive(Clone, PartialEq, Debug)]
pub struct Outcomes {
    /// In the order of the successors.
    pub results: Vec<Option<bool>>,
    /// Params that they needed, where those were not evaluated before.
    pub early: Option<Arc<Results>>,
    /// Why the first one without a result has none.
    pub error: Option<ParamError>,
}

/// Evaluates the conditions of an attempt. Without `results`, it never came to its params: they are evaluated by need
/// (spec 02 L-6).
pub(in crate::params) fn evaluate_conditions<'a>(
    input: StepInput<'_>,
    results: Option<&Results>,
    conditions: impl Iterator<Item = (&'a str, &'a Condition)>,
    environment: &mut dyn Environment,
) -> Outcomes {
    let mut scope = StepScope {
        memo: match results {
            Some(results) => Memo::finished(input.set, results),
            None => Memo::empty(input.set),
        },
        input,
        environment,
    };
    let mut outcomes = Outcomes {
        results: Vec::new(),
        early: None,
        error: None,
    };
    for (name, condition) in conditions {
        outcomes.results.push(match condition {
            _ if outcomes.error.is_some() => None,
            Condition::Literal(value) => Some(*value),
            Condition::Expression(expression) => {
                match condition_result(name, expression, &mut scope) {
                    Ok(value) => Some(value),
                    Err(error) => {
                        outcomes.error = Some(error);
                        None
                    }
                }
            }
        });
    }
    if results.is_none() {
        outcomes.early = Some(Arc::new(scope.memo.into_results(true)));
    }
    outcomes
}

fn condition_result(
    name: &str,
    condition: &Expression,
    scope: &mut dyn Scope,
) -> Result<bool, ParamError> {
    let value = run(condition, scope)
        .and_then(|value| assign(name, ParamType::Boolean, value))
        .map_err(|mut error| {
            if !error.is_yield() {
                error.message = format!("condition of successor [{name}]: {}", error.message);
            }
            error
        })?
        .0;
    Ok(value == V::Boolean(true))
}

/// The params of an attempt as they show, all of them evaluated at `at`.
#[must_use]
pub(crate) fn step_instances(input: StepInput<'_>, results: &Results, at: i64) -> Params {
    let set = input.set;
    let mut moment = super::super::facts::Moment::new(at, &input.step.uuid);
    let mut scope = StepScope {
        memo: Memo::finished(set, results),
        input,
        environment: &mut moment,
    };
    (0..set.len())
        .map(|index| {
            let name = set.name(index);
            let result = scope.value_at(index).ok();
            let from = results.converted_from(name);
            (
                name.clone(),
                instance(set.definition(index), result, from, at),
            )
        })
        .collect()
}

/// Evaluates as many params of an attempt as possible.
pub(in crate::params) fn explain_step(input: StepInput<'_>) -> ExplainedSet {
    let set = input.set;
    let mut moment = super::super::facts::Moment::new(input.step.now, &input.step.uuid);
    let mut scope = StepScope {
        memo: Memo::empty(set),
        input,
        environment: &mut moment,
    };
    let mut errors = Vec::new();
    let mut results = Vec::with_capacity(set.len());
    for index in 0..set.len() {
        scope.memo.chain.clear();
        results.push(note(scope.value_at(index), set.name(index), &mut errors));
        scope.memo.progress = index + 1;
    }
    scope.memo.explained(results, input.step.now, errors)
}
