//! Params of runs and steps as they look after a merge and an evaluation (spec 02 sections 3 and 9, 06 section 1.2).

use std::sync::Arc;

use maestro_model::Str;
use maestro_model::decimal::Decimal;
use maestro_model::json::double_text;
use maestro_model::param::{
    Evaluated, EvaluatedValue, Meta, Param, ParamBody, ParamDefinition, ParamMap, ParamMode,
    ParamSource, ParamType, ParamValue, Params,
};
use maestro_model::state::{Conditions, Millis, Stamp, StepRow, StepStatus, step_uuid};

use super::{Damaged, RunSource};
use crate::condition::Condition;
use crate::eval::{Values, literal, values_from_json};

/// The evaluated params of a run. They were evaluated when it was created (spec 05 CR-6).
pub(super) fn of_run(source: &RunSource<'_>, run_params: &ParamMap) -> Result<Params, Damaged> {
    let body = &source.run.body;
    let stored = stored_values(body.params.as_deref(), source)?;
    let mut params = Params::default();
    let launch = if body.policy.is_fresh() {
        ParamSource::Launch
    } else {
        ParamSource::Restart
    };
    let declared = source.plan.workflow.params.iter().flatten();
    let stages = declared
        .map(|param| (param, ParamSource::Definition))
        .chain(run_params.iter().map(|param| (param, launch)));
    for ((name, definition), stage) in stages {
        let result = result(name, definition, &stored);
        params.insert(
            name.clone(),
            evaluated(merged(definition, stage), result, body.create_time),
        );
    }
    // What nobody declared comes from the bundled defaults.
    for (name, value) in &stored {
        if !params.contains_key(name)
            && let Some(frozen) = freeze(value, None)
        {
            let definition = merged(
                &ParamDefinition::literal(frozen),
                ParamSource::SystemDefault,
            );
            let param = evaluated(definition, Some(value.clone()), body.create_time);
            params.insert(name.clone(), param);
        }
    }
    Ok(params)
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
        evaluated(
            ParamDefinition::literal(ParamValue::Boolean(satisfied)),
            Some(EvaluatedValue::Boolean(satisfied)),
            initialized.unwrap_or_default(),
        ),
    );
    let declared = source.plan.definition(row.step).params.as_ref();
    if times.get(Stamp::WaitPermit).is_some() {
        let at = times.get(Stamp::EvaluateParam).unwrap_or_default();
        let stored = stored_values(row.params.as_deref(), source)?;
        for (name, definition, value) in system_params(source, row) {
            params.insert(name.into(), evaluated(definition, Some(value), at));
        }
        for (name, definition) in declared.into_iter().flatten() {
            let param = match stored.get(name) {
                Some(output) => put_out(definition, output, at),
                None => {
                    let result = result(name, definition, &stored);
                    evaluated(merged(definition, ParamSource::Definition), result, at)
                }
            };
            params.insert(name.clone(), param);
        }
    } else if state.status.is_complete() {
        // Only what a condition asked for was evaluated (spec 06 P-19).
        let at = times.get(Stamp::End).unwrap_or_default();
        for name in asked_for(source, row) {
            if let Some(definition) = declared.and_then(|declared| declared.get(name)) {
                let result = result(name, definition, &Values::default());
                let param = evaluated(merged(definition, ParamSource::Definition), result, at);
                params.insert(name.clone(), param);
            }
        }
    }
    Ok(params)
}

/// Whether a predecessor leads to the step (spec 05 DG-10).
const SATISFIED: &str = "maestro_step_satisfied";

/// The params that every step has (spec 02 D-3).
fn system_params(
    source: &RunSource<'_>,
    row: &StepRow,
) -> [(&'static str, ParamDefinition, EvaluatedValue); 4] {
    let id = &source.plan.step(row.step).id;
    let uuid = step_uuid(source.workflow_id(), &source.run.body.uuid, id, row.attempt);
    [
        (
            "workflow_instance_id",
            "params.getFromInstance(\"workflow_instance_id\")",
            EvaluatedValue::Long(source.run.id.instance),
        ),
        (
            "step_instance_uuid",
            "params.getFromStep(\"step_instance_uuid\")",
            EvaluatedValue::String(uuid.to_string().into()),
        ),
        (
            "step_attempt_id",
            "params.getFromStep(\"step_attempt_id\")",
            EvaluatedValue::Long(i64::from(row.attempt)),
        ),
        (
            "step_id",
            "params.getFromStep(\"step_id\")",
            EvaluatedValue::String(id.clone()),
        ),
    ]
    .map(|(name, text, value)| {
        let mut definition = ParamDefinition::expression(value.ty(), text);
        definition.mode = Some(ParamMode::Constant);
        (name, merged(&definition, ParamSource::SystemDefault), value)
    })
}

/// The names in the conditions that were evaluated.
fn asked_for<'a>(
    source: &RunSource<'a>,
    row: &'a StepRow,
) -> impl Iterator<Item = &'a Str> + use<'a> {
    let evaluated = row.state.conditions.as_ref();
    let unreached = row.state.status == StepStatus::Unsatisfied;
    let step = source.plan.step(row.step);
    step.successors
        .iter()
        .enumerate()
        .filter(move |(index, _)| {
            !unreached && evaluated.and_then(|e: &Conditions| e.get(*index)).is_some()
        })
        .filter_map(|(_, (_, condition))| match condition {
            Condition::Param { name, .. } => Some(name),
            _ => None,
        })
}

fn stored_values(text: Option<&str>, source: &RunSource<'_>) -> Result<Values, Damaged> {
    let Some(text) = text else {
        return Ok(Values::default());
    };
    values_from_json(text).map_err(|fault| {
        let place = format!("[{}]{:?}", source.workflow_id(), source.run.id);
        Damaged::new("params", place, fault)
    })
}

/// A stored result, else that of the literal.
fn result(name: &str, definition: &ParamDefinition, stored: &Values) -> Option<EvaluatedValue> {
    match stored.get(name) {
        Some(value) => Some(value.clone()),
        None => definition.value().and_then(|value| literal(value).ok()),
    }
}

fn evaluated(definition: ParamDefinition, result: Option<EvaluatedValue>, time: Millis) -> Param {
    Param {
        definition,
        evaluated: result.map(|result| Evaluated { result, time }),
    }
}

/// A definition as it is after a merge: decorated, and without further members (spec 02 J-14, G-10).
fn merged(definition: &ParamDefinition, stage: ParamSource) -> ParamDefinition {
    let mut merged = definition.clone();
    merged.mode.get_or_insert(ParamMode::Mutable);
    merged.tags.get_or_insert_default();
    merged.meta = Meta::default();
    merged.meta.set_source(Some(stage));
    if let ParamBody::Literal {
        value: ParamValue::Map(entries),
        ..
    } = &mut merged.body
    {
        *entries = Arc::new(
            entries
                .iter()
                .map(|(name, entry)| (name.clone(), self::merged(entry, stage)))
                .collect(),
        );
    }
    merged
}

/// A param that the work gave a value (spec 06 section 12.5).
fn put_out(declared: &ParamDefinition, output: &EvaluatedValue, at: Millis) -> Param {
    let mut definition = merged(declared, ParamSource::OutputParameter);
    if let Some(value) = freeze(output, Some(declared)) {
        definition.body = ParamBody::Literal {
            value,
            expression: None,
        };
    }
    evaluated(definition, Some(output.clone()), at)
}

/// A result as a literal (spec 02 section 4); `None` for a double that is no number.
fn freeze(value: &EvaluatedValue, declared: Option<&ParamDefinition>) -> Option<ParamValue> {
    let decimal = |value: f64| Decimal::parse(&double_text(value));
    Some(match value {
        EvaluatedValue::String(text) => ParamValue::String(text.clone()),
        EvaluatedValue::Long(value) => ParamValue::Long(*value),
        EvaluatedValue::Double(value) => ParamValue::Double(decimal(*value)?),
        EvaluatedValue::Boolean(value) => ParamValue::Boolean(*value),
        EvaluatedValue::StringMap(map) => ParamValue::StringMap(Arc::new(
            map.iter()
                .map(|(key, value)| (key.clone(), Some(value.clone())))
                .collect(),
        )),
        EvaluatedValue::StringArray(elements) => ParamValue::StringArray(elements.clone()),
        EvaluatedValue::LongArray(elements) => ParamValue::LongArray(elements.clone()),
        EvaluatedValue::DoubleArray(elements) => ParamValue::DoubleArray(
            elements
                .iter()
                .map(|value| decimal(*value).map(Some))
                .collect::<Option<_>>()?,
        ),
        EvaluatedValue::BooleanArray(elements) => ParamValue::BooleanArray(elements.clone()),
        EvaluatedValue::Map(entries) => {
            let nested = declared.and_then(ParamDefinition::entries);
            let entry = |(name, value): (&Str, &EvaluatedValue)| {
                let declared = nested.and_then(|nested| nested.get(name));
                let frozen = freeze(value, declared)?;
                let mut entry = ParamDefinition::literal(frozen);
                entry.mode = declared.and_then(|declared| declared.mode);
                entry.tags = declared.and_then(|declared| declared.tags.clone());
                Some((name.clone(), merged(&entry, ParamSource::OutputParameter)))
            };
            ParamValue::Map(Arc::new(entries.iter().map(entry).collect::<Option<_>>()?))
        }
    })
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
