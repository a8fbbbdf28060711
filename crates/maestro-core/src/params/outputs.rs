//! Outputs of a step become its params (spec 02 section 20).

use maestro_model::param::{
    Evaluated, EvaluatedValue as V, Param, ParamBody, ParamDefinition, ParamMap, ParamMode,
    ParamSource, ParamValue,
};

use super::convert::{assign, freeze, literal, plain_literal};
use super::error::ParamError;
use super::merge::{Stage, merge};
use super::results::{Results, Values};
use super::scope::StepInput;

/// Merges outputs over the evaluated params of a step (spec 02 O-3).
///
/// # Errors
/// An output that the step does not declare, may not change, or declares with another type.
pub(crate) fn merge_outputs(
    input: StepInput<'_>,
    mut results: Results,
    outputs: &Values,
) -> Result<Results, ParamError> {
    let params = super::step_instances(input, &results, input.step.now);
    for (name, output) in outputs {
        let declared = params.get(name).ok_or_else(|| {
            ParamError::validation(format!(
                "output param `{name}` is not defined in the params of the step"
            ))
        })?;
        let merged = merge_output(name, declared, output)?;
        results.converted.retain(|(converted, _)| converted != name);
        results.values.insert(name.clone(), merged);
        if !results.outputs.contains(name) {
            results.outputs.push(name.clone());
        }
    }
    Ok(results)
}

fn merge_output(name: &str, declared: &Param, output: &V) -> Result<V, ParamError> {
    let ty = declared.definition.ty();
    if let V::Map(_) = output {
        let base = ParamMap::from_iter([(name.into(), freeze(name, declared)?)]);
        let incoming = ParamMap::from_iter([(name.into(), definition(output)?)]);
        let merged = merge(base, &incoming, Stage::fresh(ParamSource::OutputParameter))?;
        return match merged.get(name).and_then(ParamDefinition::value) {
            Some(value) => literal(value),
            None => Err(ParamError::internal(format!(
                "output param `{name}` has no value"
            ))),
        };
    }
    if let (V::StringMap(new), Some(V::StringMap(old))) = (output, declared.result()) {
        let mut union = maestro_model::Map::clone(old);
        union.extend(new.iter().map(|(k, v)| (k.clone(), v.clone())));
        return Ok(V::StringMap(union.into()));
    }
    let mode = declared.definition.mode.unwrap_or(ParamMode::Mutable);
    if mode != ParamMode::Mutable && declared.result() != Some(output) {
        return Err(ParamError::validation(format!(
            "param `{name}` has mode {} and may not be changed by the output of a step",
            mode.as_str()
        )));
    }
    let (value, _) = assign(name, ty, output.clone()).map_err(|_| {
        ParamError::validation(format!(
            "output param `{name}` is a {}, but the step declares a {}",
            output.ty().as_str(),
            ty.as_str()
        ))
    })?;
    Ok(value)
}

/// An output as a definition.
fn definition(output: &V) -> Result<ParamDefinition, ParamError> {
    let value = match output {
        V::Map(entries) => ParamValue::Map(std::sync::Arc::new(
            entries
                .iter()
                .map(|(name, value)| Ok((name.clone(), definition(value)?)))
                .collect::<Result<_, ParamError>>()?,
        )),
        other => plain_literal(other)
            .ok_or_else(|| ParamError::illegal("an output is no number that can be kept"))?,
    };
    Ok(ParamDefinition::new(ParamBody::Literal {
        value,
        expression: None,
    }))
}

/// A param that the work gave a value, as it shows (spec 06 section 12.5).
pub(crate) fn put_out(name: &str, declared: &ParamDefinition, output: &V, at: i64) -> Param {
    let mut shown = declared.clone();
    if let Ok(value) = super::freeze_as(name, output, declared) {
        shown.body = ParamBody::Literal {
            value,
            expression: None,
        };
    }
    shown.meta.set_source(Some(ParamSource::OutputParameter));
    Param {
        definition: shown,
        evaluated: Some(Evaluated {
            result: output.clone(),
            time: at,
        }),
    }
}
