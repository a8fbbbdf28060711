//! Where values come from: every param of a start with what it would be, and what overrode what. Nothing is stored.

use maestro_model::param::{Param, ParamDefinition, ParamMap, ParamSource, Params};
use maestro_model::state::{StepOrd, StepStatus, step_uuid};
use maestro_model::{Map, Str};

use super::error::ParamError;
use super::evaluation::{Kept, KeptById, KeptSteps};
use super::facts::{Facts, Nothing, StepFacts};
use super::results::Results;
use super::scope::{RunParams, StepInput, explain_run, explain_step};
use super::{run_set, start_stage};
use crate::plan::Plan;

/// What one stage said of a param.
#[derive(Clone, Debug)]
pub struct Layer {
    /// The stage.
    pub source: ParamSource,
    /// What it said.
    pub definition: ParamDefinition,
}

/// A param with its origin.
#[derive(Clone, Debug)]
pub struct Explained {
    /// As it would show.
    pub param: Param,
    /// What the stages before the last one said, the first one first.
    pub overridden: Vec<Layer>,
    /// Why it has no result.
    pub error: Option<ParamError>,
}

/// The params of a start that is not made.
#[derive(Clone, Debug)]
pub struct Preview {
    /// Of the workflow.
    pub workflow: Map<Explained>,
    /// Of each step, or why they cannot be merged; as if every step before it had succeeded.
    pub steps: Map<Result<Map<Explained>, ParamError>>,
}

/// The params of a start with these run params, as far as they can be known.
///
/// # Errors
/// The start may not say what it says, or the definition may not.
pub fn preview(
    plan: &Plan,
    run_params: &ParamMap,
    facts: Facts<'_>,
) -> Result<Preview, ParamError> {
    let initiator = facts.initiator();
    let stage = start_stage(initiator.as_deref(), facts.policy.is_fresh());
    let set = run_set(plan, run_params, stage)?;
    let (params, results, errors) = explain_run(&set, facts, &plan.rules);
    let workflow = explain(
        params,
        &workflow_stages(plan, run_params, stage.source),
        errors,
    );
    let run = RunParams::with_set(plan, &set, &results, facts);
    let mut kept = KeptSteps::new();
    let mut steps: Vec<(StepOrd, Result<Map<Explained>, ParamError>)> = Vec::new();
    for ord in in_order(plan) {
        let step = plan.step(ord);
        let explained = match &step.params {
            Err(error) => Err(error.clone()),
            Ok(set) => {
                let by_id = KeptById { plan, kept: &kept };
                let input = StepInput {
                    plan,
                    set,
                    run,
                    step: StepFacts {
                        id: &step.id,
                        uuid: step_uuid(&plan.workflow.id, &facts.uuid, &step.id, 1),
                        attempt: 1,
                        seq: ord + 1,
                        type_info: step.type_info(),
                        error_retries: 0,
                        now: facts.created,
                    },
                    steps: &by_id,
                    outside: &Nothing,
                };
                let (params, results, errors) = explain_step(input);
                kept.insert(ord, finished(results, facts.created));
                Ok(explain(params, &step_stages(plan, ord), errors))
            }
        };
        steps.push((ord, explained));
    }
    steps.sort_by_key(|(ord, _)| *ord);
    let steps = steps
        .into_iter()
        .map(|(ord, explained)| (plan.step(ord).id.clone(), explained))
        .collect();
    Ok(Preview { workflow, steps })
}

/// The params of a run that was made, or of one of its steps (`None` for the run), with their origins.
#[must_use]
pub fn origins(
    plan: &Plan,
    run_params: &ParamMap,
    start: ParamSource,
    step: Option<StepOrd>,
    params: Params,
) -> Map<Explained> {
    let stages = match step {
        None => workflow_stages(plan, run_params, start),
        Some(ord) => step_stages(plan, ord),
    };
    explain(params, &stages, Vec::new())
}

type Stages<'a> = Vec<(ParamSource, &'a ParamMap)>;

fn workflow_stages<'a>(plan: &'a Plan, run_params: &'a ParamMap, start: ParamSource) -> Stages<'a> {
    let defaults = (ParamSource::SystemDefault, &plan.rules.defaults.workflow);
    let declared = plan.workflow.params.as_ref();
    let declared = declared.map(|params| (ParamSource::Definition, params));
    let stages = [Some(defaults), declared, Some((start, run_params))];
    stages.into_iter().flatten().collect()
}

fn step_stages(plan: &Plan, ord: StepOrd) -> Stages<'_> {
    let defaults = &plan.rules.defaults;
    let own = plan.definition(ord).params.as_ref();
    let stages = [
        Some((ParamSource::SystemDefault, &defaults.step)),
        defaults
            .of_type(plan.step(ord).ty)
            .map(|params| (ParamSource::SystemDefault, params)),
        own.map(|params| (ParamSource::Definition, params)),
    ];
    stages.into_iter().flatten().collect()
}

fn explain(
    params: Params,
    stages: &[(ParamSource, &ParamMap)],
    mut errors: Vec<(Str, ParamError)>,
) -> Map<Explained> {
    params
        .into_iter()
        .map(|(name, param)| {
            let mut layers: Vec<Layer> = stages
                .iter()
                .filter_map(|(source, params)| {
                    Some(Layer {
                        source: *source,
                        definition: params.get(&name)?.clone(),
                    })
                })
                .collect();
            // An output of the step overrides them all; else the last one is what counts.
            if param.definition.meta.source() != Ok(Some(ParamSource::OutputParameter)) {
                layers.pop();
            }
            let error = errors.iter().position(|(failed, _)| *failed == name);
            let explained = Explained {
                param,
                overridden: layers,
                error: error.map(|at| errors.swap_remove(at).1),
            };
            (name, explained)
        })
        .collect()
}

fn finished(results: Results, now: i64) -> Kept {
    Kept {
        status: StepStatus::Succeeded,
        attempt: 1,
        end: Some(now),
        evaluated: true,
        results: results.into(),
    }
}

/// The steps, predecessors first.
fn in_order(plan: &Plan) -> Vec<StepOrd> {
    let mut order = Vec::with_capacity(plan.steps.len());
    let mut pending: Vec<usize> = plan.steps.iter().map(|s| s.predecessors.len()).collect();
    let mut free: std::collections::VecDeque<StepOrd> = (0..)
        .zip(&pending)
        .filter(|(_, n)| **n == 0)
        .map(|(ord, _)| ord)
        .collect();
    while let Some(ord) = free.pop_front() {
        order.push(ord);
        for (successor, _) in &plan.step(ord).successors {
            let left = &mut pending[*successor as usize];
            *left = left.saturating_sub(1);
            if *left == 0 {
                free.push_back(*successor);
            }
        }
    }
    order
}
