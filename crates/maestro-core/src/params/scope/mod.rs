//! Evaluation by need, within the scope of a workflow or a step (spec 02 sections 13 to 16).

mod budget;
mod run;
mod step;

use std::sync::Arc;

use maestro_model::codec::to_text;
use maestro_model::param::{
    Evaluated, EvaluatedValue as V, Param, ParamDefinition, ParamType, Params,
};
use maestro_model::{Map, Str};
use maestro_sel::{Access, Environment, ErrorKind, Host, HostError, Interrupt, Output, Value};

use super::compile::{Expression, Node, ParamSet, Piece, Rules};
use super::convert::{assign, remark};
use super::error::{ParamError, ParamErrorKind};
use super::results::Results;
use super::template::Template;

use budget::Budget;
pub use run::RunParams;
pub(super) use run::{ExplainedSet, evaluate_run, explain_run};
pub(crate) use step::step_instances;
pub use step::{Outcomes, StepInput};
pub(super) use step::{evaluate_conditions, evaluate_step, explain_step};

/// The name that references, `params.maestro_step_satisfied` and the view share (spec 02 L-3).
pub(crate) const SATISFIED: &str = "maestro_step_satisfied";

/// Where names come from.
trait Scope {
    /// The result of a param that an expression or a text names.
    fn resolve(&mut self, name: &str, in_text: bool) -> Result<V, ParamError>;

    /// What `params.get(name)` sees beside the names of the expression itself.
    fn through_params(&mut self, name: &str) -> Option<V>;

    /// A function of `params`.
    fn call(&mut self, name: &str, args: &[Value]) -> Result<Value, HostError>;

    fn environment(&mut self) -> &mut dyn Environment;

    fn rules(&self) -> &Rules;

    fn budget(&mut self) -> &mut Budget;
}

fn evaluate(node: &Node, scope: &mut dyn Scope) -> Result<V, ParamError> {
    scope.budget().descend()?;
    let value = compute(node, scope);
    scope.budget().ascend();
    value
}

fn compute(node: &Node, scope: &mut dyn Scope) -> Result<V, ParamError> {
    Ok(match node {
        Node::Static(value) => value.clone(),
        Node::Fault(error) => return Err(error.clone()),
        Node::Expression(_, expression) => run(expression, scope)?,
        Node::Text(template) => V::String(fill(template, scope)?.into()),
        Node::Texts(pieces) => V::StringArray(
            pieces
                .iter()
                .map(|piece| put_in(piece, scope).map(Some))
                .collect::<Result<_, _>>()?,
        ),
        Node::TextMap(entries) => {
            let mut filled = Map::default();
            for (key, value) in entries {
                let key = put_in(key, scope)?;
                if filled.contains_key(&key) {
                    return Err(ParamError::illegal(format!(
                        "two keys become `{key}` when params are put in"
                    )));
                }
                filled.insert(key, put_in(value, scope)?);
            }
            V::StringMap(Arc::new(filled))
        }
        // Entries see the scope, not each other, and are not converted (spec 02 E-3, C-5).
        Node::Map(entries) => V::Map(Arc::new(
            entries
                .iter()
                .map(|(name, node)| {
                    let value = evaluate(node, scope).map_err(|mut error| {
                        if !error.is_yield() {
                            error.message = format!("entry `{name}`: {}", error.message);
                        }
                        error
                    })?;
                    Ok((name.clone(), value))
                })
                .collect::<Result<_, ParamError>>()?,
        )),
    })
}

fn put_in(piece: &Piece, scope: &mut dyn Scope) -> Result<Str, ParamError> {
    match piece {
        Piece::Plain(text) => Ok(text.clone()),
        Piece::Template(template) => fill(template, scope).map(Str::from),
    }
}

fn fill(template: &Template, scope: &mut dyn Scope) -> Result<String, ParamError> {
    let texts = template
        .names()
        .iter()
        .map(|name| scope.resolve(name, true).map(|value| value.text()))
        .collect::<Result<Vec<_>, _>>()?;
    let limit = scope.rules().size;
    scope.budget().take_text(template.length(&texts), limit)?;
    Ok(template.fill(&texts))
}

/// Evaluates an expression: names first, all of them, then the program (spec 02 E-3).
fn run(expression: &Expression, scope: &mut dyn Scope) -> Result<V, ParamError> {
    let program = expression.program.as_ref().map_err(Clone::clone)?;
    let mut inputs = Vec::with_capacity(expression.names.len());
    for name in &expression.names {
        inputs.push((name.clone(), to_sel(&scope.resolve(name, false)?)));
    }
    let limits = scope.rules().limits.clone();
    let mut host = SelHost {
        scope,
        inputs,
        keep: expression.uses_params,
    };
    let output = program
        .eval(&mut host, &limits)
        .map_err(|error| match error.kind() {
            ErrorKind::Pending => ParamError::new(ParamErrorKind::Yield, ""),
            ErrorKind::Timeout => {
                ParamError::internal(format!("expression `{}` took too long", expression.text))
            }
            _ => ParamError::failed(&expression.text, &error),
        })?;
    let value = from_output(output, &expression.text)?;
    let limit = host.scope.rules().size;
    host.scope.budget().take_value(&value, limit)?;
    Ok(value)
}

struct SelHost<'a> {
    scope: &'a mut dyn Scope,
    inputs: Vec<(Str, Value)>,
    /// `params` may ask for an input again.
    keep: bool,
}

impl Environment for SelHost<'_> {
    fn now_millis(&mut self) -> i64 {
        self.scope.environment().now_millis()
    }

    fn random_bits(&mut self) -> u64 {
        self.scope.environment().random_bits()
    }

    fn poll(&mut self) -> Result<(), Interrupt> {
        self.scope.environment().poll()
    }
}

impl Host for SelHost<'_> {
    fn input(&mut self, name: &str, how: Access) -> Result<Option<Value>, HostError> {
        if how == Access::Params
            && let Some(value) = self.scope.through_params(name)
        {
            return Ok(Some(to_sel(&value)));
        }
        let found = self.inputs.iter_mut().find(|(known, _)| **known == *name);
        Ok(found.map(|(_, value)| match self.keep {
            true => value.clone(),
            false => std::mem::replace(value, Value::Null),
        }))
    }

    fn call(&mut self, name: &str, args: Vec<Value>) -> Result<Value, HostError> {
        self.scope.call(name, &args)
    }

    fn has_extension(&self) -> bool {
        true
    }
}

/// A result as an input of an expression (spec 02 B-3).
pub(crate) fn to_sel(value: &V) -> Value {
    match value {
        V::String(text) => Value::String(text.to_string()),
        V::Long(number) => Value::Long(*number),
        V::Double(number) => Value::Double(*number),
        V::Boolean(truth) => Value::Boolean(*truth),
        V::StringArray(items) => Value::StringArray(
            items
                .iter()
                .map(|item| item.as_ref().map(ToString::to_string))
                .collect(),
        ),
        V::LongArray(items) => Value::LongArray(items.to_vec()),
        V::DoubleArray(items) => Value::DoubleArray(items.to_vec()),
        V::BooleanArray(items) => Value::BooleanArray(items.to_vec()),
        V::StringMap(entries) => Value::Map(
            entries
                .iter()
                .map(|(key, text)| (key.to_string(), Value::String(text.to_string())))
                .collect(),
        ),
        V::Map(entries) => Value::Map(
            entries
                .iter()
                .map(|(key, value)| (key.to_string(), to_sel(value)))
                .collect(),
        ),
    }
}

/// The result of an expression (spec 02 B-4).
fn from_output(output: Output, expression: &str) -> Result<V, ParamError> {
    let texts = |items: Vec<Option<String>>| {
        V::StringArray(items.into_iter().map(|item| item.map(Str::from)).collect())
    };
    Ok(match output {
        Output::String(Some(text)) => V::String(text.into()),
        Output::String(None) => {
            return Err(ParamError::null(format!(
                "expression `{expression}` has no result"
            )));
        }
        Output::Long(number) => V::Long(number),
        Output::Double(number) => V::Double(number),
        Output::Boolean(truth) => V::Boolean(truth),
        Output::StringArray(items) => texts(items),
        Output::LongArray(items) => V::LongArray(items.into()),
        Output::DoubleArray(items) => V::DoubleArray(items.into()),
        Output::BooleanArray(items) => V::BooleanArray(items.into()),
        Output::Map(Some(entries)) => V::Map(Arc::new(
            entries
                .into_iter()
                .map(|(key, entry)| {
                    let key: Str = key.unwrap_or_else(|| "null".to_owned()).into();
                    let entry = from_output(entry, expression).map_err(|_| {
                        ParamError::internal(format!(
                            "entry `{key}` of the result of expression `{expression}` is no value"
                        ))
                    })?;
                    Ok((key, entry))
                })
                .collect::<Result<_, ParamError>>()?,
        )),
        Output::Map(None) | Output::Other(_) => {
            return Err(ParamError::bad_expression(format!(
                "expression `{expression}` has no result that a param can hold"
            )));
        }
    })
}

/// Results as they come, with the chain of those that are being evaluated.
struct Memo<'a> {
    set: &'a ParamSet,
    values: Vec<Option<V>>,
    converted: Vec<(Str, ParamType)>,
    chain: Vec<usize>,
    /// Those before it have been evaluated.
    progress: usize,
    budget: Budget,
}

impl<'a> Memo<'a> {
    fn empty(set: &'a ParamSet) -> Self {
        Self {
            set,
            values: vec![None; set.len()],
            converted: Vec::new(),
            chain: Vec::new(),
            progress: 0,
            budget: Budget::default(),
        }
    }

    /// All evaluated before.
    fn finished(set: &'a ParamSet, results: &Results) -> Self {
        let mut memo = Self::empty(set);
        for (name, value) in &results.values {
            if let Some(index) = set.index_of(name) {
                memo.values[index] = Some(value.clone());
            }
        }
        memo.progress = set.len();
        memo
    }

    fn is_evaluated(&self, index: usize) -> bool {
        self.values[index].is_some() || (index < self.progress && self.set.is_lazy(index))
    }

    fn known(&self, index: usize) -> Option<V> {
        self.values[index]
            .clone()
            .or_else(|| self.set.static_value(index).cloned())
    }

    fn enter(&mut self, index: usize, whose: &str) -> Result<(), ParamError> {
        if let Some(start) = self.chain.iter().position(|i| *i == index) {
            let names: Vec<&str> = self.chain[start..]
                .iter()
                .chain([&index])
                .map(|i| &**self.set.name(*i))
                .collect();
            return Err(ParamError::illegal(format!(
                "param `{}` of {whose} refers to itself: {}",
                self.set.name(index),
                names.join(" -> ")
            )));
        }
        self.chain.push(index);
        Ok(())
    }

    fn store(&mut self, index: usize, value: V) -> Result<V, ParamError> {
        let definition = self.set.definition(index);
        let name = self.set.name(index);
        let value = match self.set.node(index) {
            Node::Expression(ty, _) => {
                let (value, from) = assign(name, *ty, value)?;
                if let Some(from) = from {
                    self.converted.push((name.clone(), from));
                }
                value
            }
            _ => value,
        };
        debug_assert_eq!(value.ty(), definition.ty());
        self.values[index] = Some(value.clone());
        Ok(value)
    }

    fn explained(
        self,
        results: Vec<Option<V>>,
        at: i64,
        errors: Vec<(Str, ParamError)>,
    ) -> ExplainedSet {
        let set = self.set;
        let all = self.into_results(true);
        let params = results
            .into_iter()
            .enumerate()
            .map(|(index, result)| {
                let name = set.name(index);
                let from = all.converted_from(name);
                (
                    name.clone(),
                    instance(set.definition(index), result, from, at),
                )
            })
            .collect();
        (params, all, errors)
    }

    /// Everything that neither literals nor the identity give anyway; `all` for those too.
    fn into_results(self, all: bool) -> Results {
        let mut results = Results {
            converted: self.converted,
            ..Results::default()
        };
        for (index, value) in self.values.into_iter().enumerate() {
            if let Some(value) = value
                && (all || !self.set.is_lazy(index))
            {
                results.values.insert(self.set.name(index).clone(), value);
            }
        }
        results
    }
}

/// A param as it shows: what was declared, the result, and the remark of a conversion (spec 02 J-10, C-2).
pub(crate) fn instance(
    definition: &ParamDefinition,
    result: Option<V>,
    from: Option<ParamType>,
    at: i64,
) -> Param {
    let mut definition = definition.clone();
    if let Some(from) = from {
        let ty = definition.ty();
        remark(&mut definition.meta, ty, from);
    }
    Param {
        definition,
        evaluated: result.map(|result| Evaluated { result, time: at }),
    }
}

/// Refuses params whose JSON is too large (spec 02 E-14).
pub(super) fn check_size(params: &Params, limit: usize) -> Result<(), ParamError> {
    let size = to_text(params).encode_utf16().count();
    if size <= limit {
        return Ok(());
    }
    Err(ParamError::illegal(format!(
        "the params take {size} characters as JSON, more than the limit of {limit}"
    )))
}

fn note(
    result: Result<V, ParamError>,
    name: &Str,
    errors: &mut Vec<(Str, ParamError)>,
) -> Option<V> {
    result
        .map_err(|error| errors.push((name.clone(), error)))
        .ok()
}

/// Splits a reference into step and param (spec 02 E-9).
fn split<'a>(
    name: &'a str,
    separator: &str,
    known: impl Fn(&str) -> bool,
) -> Result<(&'a str, &'a str), ParamError> {
    let (Some(first), Some(last)) = (name.find(separator), name.rfind(separator)) else {
        return Ok((name, ""));
    };
    let at = |end: usize, start: usize| (&name[..end], name.get(start..).unwrap_or_default());
    if first == last {
        return Ok(at(first, first + separator.len()));
    }
    let next = name[first..].chars().next().map_or(1, char::len_utf8) + first;
    match (known(&name[..first]), known(&name[..next])) {
        (false, true) => Ok(at(next, next + separator.len())),
        (true, false) => Ok(at(first, first + separator.len())),
        (both, _) => Err(ParamError::internal(format!(
            "reference `{name}` {}: is the step [{}] or [{}]?",
            if both {
                "is ambiguous"
            } else {
                "leads nowhere"
            },
            &name[..first],
            &name[..next]
        ))),
    }
}
