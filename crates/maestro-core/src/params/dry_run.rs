//! Trying a definition out before it is stored (spec 01 section 9, 02 section 23).

use maestro_model::definition::User;
use maestro_model::param::{EvaluatedValue, ParamMap, ParamSource, Params};
use maestro_model::state::{Millis, RunPolicy, StepOrd};
use uuid::Uuid;

use super::error::ParamError;
use super::facts::{Facts, Moment, Nothing, StartedBy};
use super::job_template::{FindTemplate, template_of, template_params};
use super::merge::{Stage, clean_up, merge};
use super::scope::RunParams;
use super::{evaluate_start, run_set, start_stage};
use crate::plan::Plan;

/// Starts a version for a user without starting anything.
///
/// # Errors
/// What a start would fail with, and params of steps that cannot be merged.
pub fn dry_run(
    plan: &Plan,
    user: &User,
    now: Millis,
    uuid: Uuid,
    find: FindTemplate<'_>,
) -> Result<(), ParamError> {
    let run_params = injected(plan);
    let facts = Facts {
        workflow: &plan.workflow,
        id: None,
        policy: RunPolicy::StartFreshNewRun,
        started_by: StartedBy::DryRun(user),
        owner: user.name(),
        created: now,
        uuid,
    };
    let mut moment = Moment::new(now, &uuid);
    let results = evaluate_start(plan, &run_params, facts, &Nothing, &mut moment)?;
    plan.timeout
        .resolve(|| RunParams::new(plan, &results, facts))?;
    let all = || {
        let set = run_set(plan, &run_params, start_stage(None, true))?;
        Ok(RunParams::with_set(plan, &set, &results, facts).all())
    };
    for (ord, step) in (0..).zip(&plan.steps) {
        let checked = match template_of(plan.definition(ord)) {
            None => step.params.as_ref().map(drop).map_err(Clone::clone),
            Some(_) => all().and_then(|workflow| with_template(plan, ord, &workflow, find)),
        };
        checked.map_err(|error| error.in_step(&step.id))?;
    }
    Ok(())
}

/// Dates that jobs get in a dry run where the workflow declares them (spec 01 DR-2).
fn injected(plan: &Plan) -> ParamMap {
    let declared = plan.workflow.params.as_ref();
    let is_declared = |name: &str, default: &maestro_model::param::ParamDefinition| {
        declared
            .and_then(|declared| declared.get(name))
            .is_some_and(|own| own.ty() == default.ty())
    };
    plan.rules
        .defaults
        .dry_run
        .iter()
        .filter(|(name, default)| is_declared(name, default))
        .map(|(name, default)| (name.clone(), default.clone()))
        .collect()
}

/// Merges the params of a step that names a job template (spec 01 DR-6, 02 S-1).
fn with_template(
    plan: &Plan,
    ord: StepOrd,
    workflow: &Params,
    find: FindTemplate<'_>,
) -> Result<(), ParamError> {
    let step = plan.definition(ord);
    let version = match workflow
        .get("job_template_version")
        .and_then(|p| p.result())
    {
        Some(EvaluatedValue::String(version)) => Some(&**version),
        _ => None,
    };
    let template = template_params(step, version, Some(workflow), find)?;
    let defaults = &plan.rules.defaults;
    let system = Stage::fresh(ParamSource::SystemDefault);
    let layers = [
        (Some(&defaults.step), system),
        (defaults.of_type(step.ty()), system),
        (template.as_ref(), Stage::fresh(ParamSource::TemplateSchema)),
        (step.params.as_ref(), Stage::fresh(ParamSource::Definition)),
    ];
    let merged = layers
        .into_iter()
        .filter_map(|(layer, stage)| Some((layer?, stage)))
        .try_fold(ParamMap::default(), |merged, (layer, stage)| {
            merge(merged, layer, stage)
        })?;
    clean_up(merged).map(drop)
}
