//! Params of restarts, and params that only one attempt has (spec 02 W-2, S-1, section 19).

use maestro_model::param::{ParamMap, ParamSource, Params};
use maestro_model::state::StepOrd;

use super::compile::ParamSet;
use super::convert::freeze;
use super::error::ParamError;
use super::merge::{Stage, clean_up, merge};
use super::with_definition;
use crate::plan::{Plan, verbatim_of};

/// Names that a run never takes over from the one before it (spec 02 V-3).
const NOT_CARRIED: [&str; 17] = [
    "maestro",
    "Maestro",
    "MAESTRO",
    "scheduler",
    "Scheduler",
    "SCHEDULER",
    "util",
    "Util",
    "UTIL",
    "params",
    "Params",
    "PARAMS",
    "AUTH_BLOB",
    "AUTH_DATA",
    "AUTH_ACTING_ON_BEHALF_OF_BLOB",
    "AUTH_TRIGGERING_ON_BEHALF_OF_BLOB",
    "AUTHORIZED_MANAGERS",
];

/// The params of a run that restarts an instance: those of the run before it, frozen, then what its parent step passes,
/// then what the user gives (`restart_params`, where this workflow is what is restarted). A run that never had params
/// starts from defaults and definition (spec 02 W-2, W-2a).
///
/// # Errors
/// A change that a restart may not make.
pub fn restart_set(
    plan: &Plan,
    previous: Option<&Params>,
    run_params: &ParamMap,
    restart_params: &ParamMap,
    stage: Stage,
) -> Result<ParamSet, ParamError> {
    let base = match previous {
        Some(previous) => {
            let carried = previous
                .iter()
                .filter(|(name, _)| !NOT_CARRIED.contains(&&***name))
                .map(|(name, param)| Ok((name.clone(), freeze(name, param)?)))
                .collect::<Result<ParamMap, ParamError>>()?;
            let system = Stage {
                source: ParamSource::System,
                upstream: false,
                restart: stage.restart,
            };
            merge(ParamMap::default(), &carried, system)?
        }
        None => with_definition(
            plan.workflow.params.as_ref(),
            Stage {
                source: ParamSource::Definition,
                ..stage
            },
            &plan.rules,
        )?,
    };
    let merged = merge(merge(base, run_params, stage)?, restart_params, stage)?;
    Ok(ParamSet::compile(
        clean_up(merged)?,
        &plan.rules,
        None,
        None,
    ))
}

/// What one attempt has beside its definition (spec 02 S-1).
#[derive(Clone, Debug, Default)]
pub struct AdHoc {
    /// Of its job template, merged.
    pub injected: ParamMap,
    /// Given with the attempt or the run.
    pub run: ParamMap,
    /// Given with a restart of the step.
    pub restart: ParamMap,
}

/// The params of an attempt with params of its own. `stage` is that of the run (spec 02 M-7), never upstream.
///
/// # Errors
/// A change that the stage may not make.
pub fn step_set(
    plan: &Plan,
    ord: StepOrd,
    ad_hoc: &AdHoc,
    stage: Stage,
) -> Result<ParamSet, ParamError> {
    let defaults = &plan.rules.defaults;
    let definition = plan.definition(ord);
    let own = definition.params.clone().unwrap_or_default();
    let stage = Stage {
        upstream: false,
        ..stage
    };
    // New names come before those of the definition, so that these may refer to them (spec 02 S-2).
    let mut early = ad_hoc.restart.clone();
    early.extend(ad_hoc.run.iter().map(|(n, d)| (n.clone(), d.clone())));
    early.retain(|name, _| !own.contains_key(name));
    let stages = [
        (
            Stage::fresh(ParamSource::SystemDefault),
            Some(&defaults.step),
        ),
        (
            Stage::fresh(ParamSource::SystemDefault),
            defaults.of_type(plan.step(ord).ty),
        ),
        (
            Stage::fresh(ParamSource::TemplateSchema),
            Some(&ad_hoc.injected),
        ),
        (stage, Some(&early)),
        (Stage::fresh(ParamSource::Definition), Some(&own)),
        (stage, Some(&ad_hoc.run)),
        (stage, Some(&ad_hoc.restart)),
    ];
    let mut merged = ParamMap::default();
    for (stage, params) in stages {
        if let Some(params) = params {
            merged = merge(merged, params, stage)?;
        }
    }
    Ok(ParamSet::compile(
        clean_up(merged)?,
        &plan.rules,
        verbatim_of(definition.ty()),
        None,
    ))
}
