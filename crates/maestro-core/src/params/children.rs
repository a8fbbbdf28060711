//! What a step passes to the runs that it starts (spec 02 section 18).

use std::sync::Arc;

use maestro_model::param::{
    EvaluatedValue as V, Param, ParamDefinition, ParamMap, ParamType, ParamValue, Params,
};
use maestro_model::{Map, Str};

use super::convert::{assign, freeze, plain_literal};
use super::error::ParamError;

const LOOP_PARAMS: &str = "loop_params";
const LOOP_INDEX: &str = "loop_index";
const CONDITION: &str = "condition";

/// Params of a run and of its step that starts others.
#[derive(Clone, Copy, Debug)]
pub struct Parent<'a> {
    /// Of the run.
    pub run: &'a Params,
    /// Of the step.
    pub step: &'a Params,
    /// Those of the step that its definition has.
    pub declared: &'a ParamMap,
}

impl Parent<'_> {
    fn of_run(&self, keep: impl Fn(&str) -> bool) -> Result<ParamMap, ParamError> {
        self.run
            .iter()
            .filter(|(name, _)| keep(name))
            .map(|(name, param)| Ok((name.clone(), freeze(name, param)?)))
            .collect()
    }

    fn add_step(&self, params: &mut ParamMap) -> Result<(), ParamError> {
        for name in self.declared.keys() {
            if let Some(param) = self.step.get(name) {
                params.insert(name.clone(), freeze(name, param)?);
            }
        }
        Ok(())
    }
}

/// The run params of a sub-workflow (spec 02 F-1). With `explicit`, of the run's params only those of `always` go down.
///
/// # Errors
/// A param cannot be frozen.
pub fn subworkflow_params(
    parent: Parent<'_>,
    explicit: bool,
    always: &[Str],
) -> Result<ParamMap, ParamError> {
    let mut params = parent.of_run(|name| !explicit || always.iter().any(|a| **a == *name))?;
    parent.add_step(&mut params)?;
    for name in ["subworkflow_id", "subworkflow_version"] {
        params.shift_remove(name);
    }
    Ok(params)
}

/// What the iterations of a loop have in common (spec 02 F-2); computed once for all of them.
///
/// # Errors
/// A param cannot be frozen.
pub fn loop_base(parent: Parent<'_>) -> Result<ParamMap, ParamError> {
    let mut params = parent.of_run(|_| true)?;
    parent.add_step(&mut params)?;
    params.shift_remove(LOOP_PARAMS);
    Ok(params)
}

/// The run params of one iteration: `index` counts from 0; a while has a condition too (spec 02 F-2, F-3).
#[must_use]
pub fn iteration_params(base: &ParamMap, index: i64, values: &Map<V>, is_while: bool) -> ParamMap {
    let mut params = base.clone();
    let mut put = |name: &str, value: ParamValue| {
        params.insert(name.into(), ParamDefinition::literal(value));
    };
    put(LOOP_INDEX, ParamValue::Long(index));
    for (name, value) in values {
        if let Some(literal) = plain_literal(value) {
            put(name, literal);
        }
    }
    if is_while {
        put(CONDITION, ParamValue::Boolean(true));
    }
    params
}

/// The loop params of a step, each converted to its declared type (spec 02 C-5).
fn entries(loop_params: &Param) -> Result<Vec<(Str, V)>, ParamError> {
    let Some(V::Map(results)) = loop_params.result() else {
        return Err(ParamError::internal(format!(
            "param `{LOOP_PARAMS}` must be a MAP, but is a {}",
            loop_params.definition.ty().as_str()
        )));
    };
    let declared = loop_params.definition.entries();
    results
        .iter()
        .map(|(name, value)| {
            let ty = declared
                .and_then(|entries| entries.get(name))
                .map(ParamDefinition::ty);
            let value = match ty {
                Some(ty) => assign(name, ty, value.clone())?.0,
                None => value.clone(),
            };
            Ok((name.clone(), value))
        })
        .collect()
}

/// The combinations that a foreach goes through (spec 02 F-4).
#[derive(Clone, Debug)]
pub struct Combinations {
    lists: Vec<(Str, V)>,
    count: u64,
}

impl Combinations {
    /// Of the evaluated `loop_params`; at most `limit` of them.
    ///
    /// # Errors
    /// An entry is no array, or there are too many combinations.
    pub fn new(loop_params: &Param, limit: u64) -> Result<Self, ParamError> {
        let lists = entries(loop_params)?;
        let mut count = 1_u64;
        for (name, list) in &lists {
            let length = length(list).ok_or_else(|| {
                ParamError::internal(format!(
                    "loop param `{name}` must be an array, but is a {}",
                    list.ty().as_str()
                ))
            })?;
            count = count.saturating_mul(length as u64);
        }
        if count > limit {
            return Err(ParamError::illegal(format!(
                "the loop params make {count} iterations, more than the limit of {limit}"
            )));
        }
        Ok(Self { lists, count })
    }

    /// How many; 1 without loop params, 0 if one of them is empty.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The values of one iteration, from 0: the first loop param changes fastest.
    #[must_use]
    pub fn get(&self, index: u64) -> Map<V> {
        let mut rest = index;
        self.lists
            .iter()
            .filter_map(|(name, list)| {
                let length = length(list)? as u64;
                let at = usize::try_from(rest.checked_rem(length)?).ok()?;
                rest /= length;
                Some((name.clone(), element(list, at)?))
            })
            .collect()
    }
}

fn length(list: &V) -> Option<usize> {
    match list {
        V::StringArray(items) => Some(items.len()),
        V::LongArray(items) => Some(items.len()),
        V::DoubleArray(items) => Some(items.len()),
        V::BooleanArray(items) => Some(items.len()),
        _ => None,
    }
}

fn element(list: &V, at: usize) -> Option<V> {
    Some(match list {
        V::StringArray(items) => V::String(items.get(at)?.clone()?),
        V::LongArray(items) => V::Long(*items.get(at)?),
        V::DoubleArray(items) => V::Double(*items.get(at)?),
        V::BooleanArray(items) => V::Boolean(*items.get(at)?),
        _ => return None,
    })
}

/// The values of a while, which go from iteration to iteration (spec 02 F-6).
#[derive(Clone, PartialEq, Debug)]
pub struct LoopValues {
    /// As the steps supplied them.
    raw: Map<V>,
    types: Map<ParamType>,
}

impl LoopValues {
    /// Those of the first iteration.
    ///
    /// # Errors
    /// An entry is no scalar.
    pub fn new(loop_params: &Param) -> Result<Self, ParamError> {
        let entries = entries(loop_params)?;
        let mut types = Map::default();
        for (name, value) in &entries {
            let ty = value.ty();
            let scalar = [
                ParamType::String,
                ParamType::Long,
                ParamType::Double,
                ParamType::Boolean,
            ];
            if !scalar.contains(&ty) {
                return Err(ParamError::internal(format!(
                    "loop param `{name}` must be a single value, but is a {}",
                    ty.as_str()
                )));
            }
            types.insert(name.clone(), ty);
        }
        let raw = match loop_params.result() {
            Some(V::Map(results)) => Map::clone(results),
            _ => Map::default(),
        };
        Ok(Self { raw, types })
    }

    /// As the artifact shows them.
    #[must_use]
    pub fn raw(&self) -> &Map<V> {
        &self.raw
    }

    /// As the condition and the next iteration see them.
    ///
    /// # Errors
    /// A step supplied something that does not fit.
    pub fn typed(&self) -> Result<Map<V>, ParamError> {
        self.raw
            .iter()
            .map(|(name, value)| {
                let ty = self.types.get(name).copied().unwrap_or_else(|| value.ty());
                Ok((name.clone(), assign(name, ty, value.clone())?.0))
            })
            .collect()
    }

    /// Takes over what the steps of an iteration that succeeded supply, in the order of their numbers.
    pub fn advance<'a>(&mut self, steps: impl IntoIterator<Item = &'a Params>) {
        for params in steps {
            for (name, value) in &mut self.raw {
                if let Some(new) = params.get(name).and_then(Param::result) {
                    *value = new.clone();
                }
            }
        }
    }

    /// The params over which the condition is evaluated: the step's without its loop params, overlaid with these.
    ///
    /// # Errors
    /// As [`LoopValues::typed`].
    pub fn scope(&self, step: &Params) -> Result<Arc<Map<V>>, ParamError> {
        let mut scope: Map<V> = step
            .iter()
            .filter(|(name, _)| &***name != LOOP_PARAMS)
            .filter_map(|(name, param)| Some((name.clone(), param.result()?.clone())))
            .collect();
        scope.extend(self.typed()?);
        Ok(Arc::new(scope))
    }
}
