//! Params of runs and steps as they look after a merge and an evaluation (spec 02 section 3, 06 section 1.2).

use maestro_model::Str;
use maestro_model::definition::ResolvedRetryPolicy;
use maestro_model::param::{
    Evaluated, EvaluatedValue, Param, ParamDefinition, ParamMap, ParamType, ParamValue, Params,
};
use maestro_model::state::{Millis, Stamp, StepRow, step_uuid};

use super::{Damaged, RunSource};
use crate::params::{
    Facts, NoSteps, Nothing, Results, RunParams, SATISFIED, StepFacts, StepInput, instance,
    put_out, run_set, start_stage, step_instances,
};
use crate::plan::Retry;

/// The evaluated params of a run. They were evaluated when it was created (spec 05 CR-6).
pub(super) fn of_run(source: &RunSource<'_>, run_params: &ParamMap) -> Result<Params, Damaged> {
    let results = stored_results(source.run.body.params.as_deref(), source)?;
    let facts = Facts::of_run(source.run, &source.plan.workflow, source.properties);
    let initiator = facts.initiator();
    let stage = start_stage(initiator.as_deref(), facts.policy.is_fresh());
    let set = run_set(source.plan, run_params, stage).map_err(|e| damaged(source, e.message))?;
    Ok(RunParams::with_set(source.plan, &set, &results, facts).all())
}

/// The params of an attempt, as far as it got (spec 06 section 1.2).
pub(super) fn of_step(source: &RunSource<'_>, row: &StepRow) -> Result<Params, Damaged> {
    let mut params = Params::default();
    let state = &row.state;
    let Some(satisfied) = state.satisfied else {
        return Ok(params);
    };
    let times = &state.times;
    let initialized = times.get(Stamp::Initialize).or(times.get(Stamp::Create));
    params.insert(
        SATISFIED.into(),
        Param {
            definition: ParamDefinition::literal(ParamValue::Boolean(satisfied)),
            evaluated: Some(Evaluated {
                result: EvaluatedValue::Boolean(satisfied),
                time: initialized.unwrap_or_default(),
            }),
        },
    );
    let step = source.plan.step(row.step);
    let Ok(set) = &step.params else {
        return Ok(params);
    };
    let results = stored_results(row.params.as_deref(), source)?;
    if times.get(Stamp::WaitPermit).is_none() {
        // Only what a condition asked for was evaluated (spec 06 P-19).
        let at = times.get(Stamp::End).unwrap_or_default();
        for (name, value) in &results.values {
            if let Some(definition) = set.definitions().get(name) {
                let from = results.converted_from(name);
                let param = instance(definition, Some(value.clone()), from, at);
                params.insert(name.clone(), param);
            }
        }
        return Ok(params);
    }
    let at = times.get(Stamp::EvaluateParam).unwrap_or_default();
    let run_results = stored_results(source.run.body.params.as_deref(), source)?;
    let facts = Facts::of_run(source.run, &source.plan.workflow, source.properties);
    let input = StepInput {
        plan: source.plan,
        set,
        run: RunParams::new(source.plan, &run_results, facts),
        step: StepFacts {
            id: &step.id,
            uuid: step_uuid(
                source.workflow_id(),
                &source.run.body.uuid,
                &step.id,
                row.attempt,
            ),
            attempt: row.attempt,
            seq: state.seq,
            type_info: step.type_info(),
            error_retries: state.retries.as_deref().map_or(0, |r| r.error),
            now: at,
        },
        steps: &NoSteps,
        outside: &Nothing,
    };
    params.extend(step_instances(input, &results, at));
    let finished = times.get(Stamp::Finish).unwrap_or(at);
    for name in &results.outputs {
        if let (Some(value), Some(declared)) =
            (results.values.get(name), set.definitions().get(name))
        {
            params.insert(name.clone(), put_out(name, declared, value, finished));
        }
    }
    Ok(params)
}

/// The retry policy of a step with the params of the run put in.
pub(super) fn retry_policy(
    source: &RunSource<'_>,
    row: &StepRow,
) -> Result<ResolvedRetryPolicy, Damaged> {
    let retry = &source.plan.step(row.step).retry;
    if let Retry::Fixed(policy) = retry {
        return Ok(*policy);
    }
    let results = stored_results(source.run.body.params.as_deref(), source)?;
    let facts = Facts::of_run(source.run, &source.plan.workflow, source.properties);
    Ok(retry.resolve(|| RunParams::new(source.plan, &results, facts)))
}

fn stored_results(text: Option<&str>, source: &RunSource<'_>) -> Result<Results, Damaged> {
    text.map_or_else(
        || Ok(Results::default()),
        |text| Results::from_json(text).map_err(|fault| damaged(source, fault)),
    )
}

fn damaged(source: &RunSource<'_>, fault: String) -> Damaged {
    let place = format!("[{}]{:?}", source.workflow_id(), source.run.id);
    Damaged::new("params", place, fault)
}

/// A condition as a param (spec 06 section 1.5).
pub(super) fn condition(text: &Str, result: Option<bool>, at: Option<Millis>) -> Param {
    Param {
        definition: ParamDefinition::expression(ParamType::Boolean, text.clone()),
        evaluated: result.zip(at).map(|(result, time)| Evaluated {
            result: EvaluatedValue::Boolean(result),
            time,
        }),
    }
}
