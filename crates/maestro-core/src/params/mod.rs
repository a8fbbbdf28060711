//! Params: merging, defaults, evaluation (spec 02).
//!
//! A version's definitions are merged with the defaults and read once, when its plan is made ([`ParamSet`]); all runs
//! share that. What an evaluation comes to beyond it, a run or an attempt keeps as [`Results`]: not what literals say
//! anyway, and not what follows from bundled defaults and the run's identity, which is computed when somebody looks.
//!
//! An evaluation depends on nothing but its input: time stands still in it, and its chance comes from the identity of
//! what it is for ([`Moment`]). So it may be given up halfway and made again elsewhere.

mod children;
mod compile;
mod convert;
mod defaults;
mod dry_run;
mod error;
mod evaluation;
mod facts;
mod functions;
mod job_template;
mod merge;
mod origin;
mod outputs;
mod restart;
mod results;
mod scope;
mod template;

use maestro_model::param::{ParamMap, ParamSource};
use maestro_model::run::{Initiator, UpstreamKind};
use maestro_sel::Environment;

use crate::plan::Plan;

pub use children::{
    Combinations, LoopValues, Parent, iteration_params, loop_base, subworkflow_params,
};
pub use compile::{Expression, ParamSet, Rules};
pub use convert::freeze;
pub use defaults::{DefaultOverrides, Defaults, DefaultsError};
pub use dry_run::dry_run;
pub use error::{ParamError, ParamErrorKind};
pub use evaluation::{Evaluated, StepEvaluation, Wanted};
pub use facts::{Facts, Finished, Moment, NoSteps, Nothing, Outside, StartedBy, StepFacts, Steps};
pub use job_template::{FindTemplate, template_of, template_params};
pub use merge::{Stage, clean_up, merge};
pub use origin::{Explained, Layer, Preview, origins, preview};
pub use restart::{AdHoc, restart_set, step_set};
pub use results::{Results, Values};
pub use scope::{Outcomes, RunParams, StepInput};
pub use template::Template;

pub use maestro_sel::{Budget, Limits as SelLimits};

pub(crate) use compile::Verbatim;
pub(crate) use convert::freeze_as;
pub(crate) use evaluation::{AttemptFacts, Kept, KeptSteps, Sources};
pub(crate) use outputs::{merge_outputs, put_out};
pub(crate) use scope::{SATISFIED, instance, step_instances};

/// The params of a version: defaults and definition.
#[derive(Debug)]
pub struct WorkflowParams {
    /// Merged, as the enriched definition shows them (spec 02 ES-1).
    pub merged: ParamMap,
    /// Cleaned up, to be evaluated.
    pub set: ParamSet,
}

impl WorkflowParams {
    /// Merges and reads them.
    ///
    /// # Errors
    /// The definition may not say what it says.
    pub fn compile(definition: Option<&ParamMap>, rules: &Rules) -> Result<Self, ParamError> {
        let merged = with_definition(definition, Stage::fresh(ParamSource::Definition), rules)?;
        let set = ParamSet::compile(clean_up(merged.clone())?, rules, None, None);
        Ok(Self { merged, set })
    }
}

fn with_definition(
    definition: Option<&ParamMap>,
    stage: Stage,
    rules: &Rules,
) -> Result<ParamMap, ParamError> {
    let defaults = rules.defaults.workflow.clone();
    match definition {
        Some(definition) => merge(defaults, definition, stage),
        None => Ok(defaults),
    }
}

/// The stage of the params that come with a start (spec 02 M-7, section 6.4).
#[must_use]
pub fn start_stage(initiator: Option<&Initiator>, fresh: bool) -> Stage {
    let source = match initiator {
        Some(Initiator::Upstream { kind, .. }) => match kind {
            UpstreamKind::Subworkflow => ParamSource::Subworkflow,
            UpstreamKind::Foreach => ParamSource::Foreach,
            UpstreamKind::While => ParamSource::While,
            UpstreamKind::Template => ParamSource::Template,
        },
        _ if fresh => ParamSource::Launch,
        _ => ParamSource::Restart,
    };
    Stage {
        source,
        upstream: matches!(initiator, Some(Initiator::Upstream { .. })),
        restart: !fresh,
    }
}

/// The params of one run: the version's, with those of the start over them (spec 02 W-1).
///
/// # Errors
/// The start may not say what it says.
pub fn run_set<'a>(
    plan: &'a Plan,
    run_params: &ParamMap,
    stage: Stage,
) -> Result<RunSet<'a>, ParamError> {
    let params = plan.params.as_ref().map_err(Clone::clone)?;
    if run_params.is_empty() && !stage.upstream {
        return Ok(RunSet::Shared(&params.set));
    }
    let base = match stage.upstream {
        false => params.merged.clone(),
        true => {
            let definition = Stage {
                source: ParamSource::Definition,
                ..stage
            };
            with_definition(plan.workflow.params.as_ref(), definition, &plan.rules)?
        }
    };
    let merged = clean_up(merge(base, run_params, stage)?)?;
    let known = Some((&params.set, run_params));
    let set = ParamSet::compile(merged, &plan.rules, None, known);
    Ok(RunSet::Own(Box::new(set)))
}

/// The params of one run.
#[derive(Debug)]
pub enum RunSet<'a> {
    /// Those of its version.
    Shared(&'a ParamSet),
    /// The run brought some of its own.
    Own(Box<ParamSet>),
}

impl std::ops::Deref for RunSet<'_> {
    type Target = ParamSet;

    fn deref(&self) -> &ParamSet {
        match self {
            Self::Shared(set) => set,
            Self::Own(set) => set,
        }
    }
}

/// Evaluates the params of a run that is to be created (spec 02 W-1, W-3).
///
/// # Errors
/// See [`ParamError`]; nothing may be created then.
pub fn evaluate_start(
    plan: &Plan,
    run_params: &ParamMap,
    facts: Facts<'_>,
    outside: &dyn Outside,
    environment: &mut dyn Environment,
) -> Result<Results, ParamError> {
    let initiator = facts.initiator();
    let stage = start_stage(initiator.as_deref(), facts.policy.is_fresh());
    let set = run_set(plan, run_params, stage)?;
    // Bundled defaults of a scheduled run follow from its trigger, which may change later.
    let eager = facts.is_scheduled() || facts.tries_a_schedule() || stage.upstream;
    if set.is_settled() && !eager && run_params.is_empty() && set.is_small(&plan.rules) {
        return Ok(Results::default());
    }
    let mut results = scope::evaluate_run(&set, facts, &plan.rules, outside, environment, eager)?;
    // A literal of the start is no literal of the plan.
    for name in run_params.keys() {
        if let Some(index) = set.index_of(name)
            && let Some(value) = set.static_value(index)
        {
            results.values.insert(name.clone(), value.clone());
        }
    }
    check_run_size(&set, &results, facts, &plan.rules)?;
    Ok(results)
}

fn check_run_size(
    set: &ParamSet,
    results: &Results,
    facts: Facts<'_>,
    rules: &Rules,
) -> Result<(), ParamError> {
    if set.size_bound(results) <= rules.size {
        return Ok(());
    }
    let params = RunParams {
        set,
        results,
        facts,
        rules,
    };
    scope::check_size(&params.all(), rules.size)
}

/// Evaluates a set that is no plan's, such as that of a restart: all of it is kept.
///
/// # Errors
/// See [`ParamError`].
pub fn evaluate_set(
    set: &ParamSet,
    plan: &Plan,
    facts: Facts<'_>,
    outside: &dyn Outside,
    environment: &mut dyn Environment,
) -> Result<Results, ParamError> {
    let results = scope::evaluate_run(set, facts, &plan.rules, outside, environment, true)?;
    check_run_size(set, &results, facts, &plan.rules)?;
    Ok(results)
}

/// Evaluates the params of an attempt (spec 02 S-1, E-2).
///
/// # Errors
/// See [`ParamError`].
pub fn evaluate_step(
    input: StepInput<'_>,
    environment: &mut dyn Environment,
) -> Result<Results, ParamError> {
    let results = scope::evaluate_step(input, environment)?;
    if input.set.size_bound(&results) > input.run.rules.size {
        let params = step_instances(input, &results, input.step.now);
        scope::check_size(&params, input.run.rules.size)?;
    }
    Ok(results)
}
