//! Evaluation by need, within the scope of a workflow or a step (spec 02 sections 13 to 16).

use std::sync::Arc;

use maestro_model::codec::to_text;
use maestro_model::param::{
    Evaluated, EvaluatedValue as V, Param, ParamDefinition, ParamType, Params,
};
use maestro_model::state::step_uuid;
use maestro_model::{Map, Str};
use maestro_sel::{Access, Environment, ErrorKind, Host, HostError, Interrupt, Output, Value};

use super::compile::{Expression, Node, ParamSet, Piece, Rules};
use super::convert::{assign, remark};
use super::error::{ParamError, ParamErrorKind};
use super::facts::{Facts, NoSteps, Outside, StepFacts, Steps};
use super::functions::Context;
use super::results::Results;
use super::template::Template;
use crate::condition::Condition;
use crate::plan::Plan;

/// The name that references, `params.maestro_step_satisfied` and the view share (spec 02 L-3).
pub(crate) const SATISFIED: &str = "maestro_step_satisfied";

// ---- one param ----------------------------------------------------------------------------------------------------

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
}

fn evaluate(node: &Node, scope: &mut dyn Scope) -> Result<V, ParamError> {
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
    from_output(output, &expression.text)
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

// ---- the params of a set --------------------------------------------------------------------------------------------

/// Results as they come, with the chain of those that are being evaluated.
struct Memo<'a> {
    set: &'a ParamSet,
    values: Vec<Option<V>>,
    converted: Vec<(Str, ParamType)>,
    chain: Vec<usize>,
    /// Those before it have been evaluated.
    progress: usize,
}

impl<'a> Memo<'a> {
    fn empty(set: &'a ParamSet) -> Self {
        Self {
            set,
            values: vec![None; set.len()],
            converted: Vec::new(),
            chain: Vec::new(),
            progress: 0,
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

// ---- workflow params --------------------------------------------------------------------------------------------------

struct RunScope<'a> {
    memo: Memo<'a>,
    facts: Facts<'a>,
    rules: &'a Rules,
    outside: &'a dyn Outside,
    environment: &'a mut dyn Environment,
}

impl RunScope<'_> {
    fn value_at(&mut self, index: usize) -> Result<V, ParamError> {
        if let Some(value) = self.memo.known(index) {
            return Ok(value);
        }
        let whose = format!("workflow [{}]", self.facts.workflow.id);
        self.memo.enter(index, &whose)?;
        let set = self.memo.set;
        let value = evaluate(set.node(index), self).map_err(|e| e.of(set.name(index)))?;
        self.memo.chain.pop();
        self.memo.store(index, value)
    }
}

impl Scope for RunScope<'_> {
    fn resolve(&mut self, name: &str, _: bool) -> Result<V, ParamError> {
        if let Some(index) = self.memo.set.index_of(name) {
            return self.value_at(index);
        }
        let separator = &self.rules.separator;
        if name.contains(&**separator) {
            let (signal, param) = split(name, separator, |_| false)?;
            return self.context().signal(signal, param).map_err(|reason| {
                ParamError::bad_expression(format!(
                    "reference `{name}` cannot be resolved: {reason}"
                ))
            });
        }
        Err(ParamError::validation(format!(
            "reference to `{name}`, which workflow [{}] has no param of",
            self.facts.workflow.id
        )))
    }

    fn through_params(&mut self, _: &str) -> Option<V> {
        // Only what the expression names as well (spec 02 E-6).
        None
    }

    fn call(&mut self, name: &str, args: &[Value]) -> Result<Value, HostError> {
        let context = self.context();
        let none = &mut |step: &str, _: &str| Err(format!("step [{step}] has not finished"));
        context.call(name, args, &NoSteps, none, self.environment)
    }

    fn environment(&mut self) -> &mut dyn Environment {
        self.environment
    }

    fn rules(&self) -> &Rules {
        self.rules
    }
}

impl<'a> RunScope<'a> {
    fn context(&self) -> Context<'a> {
        Context {
            facts: self.facts,
            environment: &self.rules.environment,
            outside: self.outside,
            step: None,
        }
    }
}

/// Evaluates the params of a run (spec 02 E-1). With `eager`, also those that follow from bundled defaults.
pub(super) fn evaluate_run(
    set: &ParamSet,
    facts: Facts<'_>,
    rules: &Rules,
    outside: &dyn Outside,
    environment: &mut dyn Environment,
    eager: bool,
) -> Result<Results, ParamError> {
    let mut scope = RunScope {
        memo: Memo::empty(set),
        facts,
        rules,
        outside,
        environment,
    };
    for index in 0..set.len() {
        if eager || !set.is_lazy(index) {
            scope.value_at(index)?;
        }
    }
    Ok(scope.memo.into_results(eager))
}

/// What could be evaluated, and why the rest could not.
pub(super) type ExplainedSet = (Params, Results, Vec<(Str, ParamError)>);

/// Evaluates as many params of a run as possible.
pub(super) fn explain_run(set: &ParamSet, facts: Facts<'_>, rules: &Rules) -> ExplainedSet {
    let mut moment = facts.moment();
    let mut scope = RunScope {
        memo: Memo::empty(set),
        facts,
        rules,
        outside: &super::facts::Nothing,
        environment: &mut moment,
    };
    let mut errors = Vec::new();
    let mut results = Vec::with_capacity(set.len());
    for index in 0..set.len() {
        scope.memo.chain.clear();
        results.push(note(scope.value_at(index), set.name(index), &mut errors));
    }
    scope.memo.explained(results, facts.created, errors)
}

/// Evaluates as many params of an attempt as possible.
pub(super) fn explain_step(input: StepInput<'_>) -> ExplainedSet {
    let set = input.set;
    let mut moment = super::facts::Moment::new(input.step.now, &input.step.uuid);
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

fn note(
    result: Result<V, ParamError>,
    name: &Str,
    errors: &mut Vec<(Str, ParamError)>,
) -> Option<V> {
    result
        .map_err(|error| errors.push((name.clone(), error)))
        .ok()
}

/// The evaluated params of a run, as others see them.
#[derive(Clone, Copy)]
pub struct RunParams<'a> {
    pub(super) set: &'a ParamSet,
    pub(super) results: &'a Results,
    pub(super) facts: Facts<'a>,
    pub(super) rules: &'a Rules,
}

impl std::fmt::Debug for RunParams<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RunParams")
            .field("results", self.results)
            .finish_non_exhaustive()
    }
}

impl<'a> RunParams<'a> {
    /// Those of a run of this plan.
    #[must_use]
    pub fn new(plan: &'a Plan, results: &'a Results, facts: Facts<'a>) -> Self {
        Self {
            set: plan.param_set(),
            results,
            facts,
            rules: &plan.rules,
        }
    }

    /// Those of a run with a set of its own.
    #[must_use]
    pub fn with_set(
        plan: &'a Plan,
        set: &'a ParamSet,
        results: &'a Results,
        facts: Facts<'a>,
    ) -> Self {
        Self {
            set,
            results,
            facts,
            rules: &plan.rules,
        }
    }

    /// The result of a param; `None` if the run has none of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<V> {
        if let Some(value) = self.results.values.get(name) {
            return Some(value.clone());
        }
        let index = self.set.index_of(name)?;
        match self.set.static_value(index) {
            Some(value) => Some(value.clone()),
            None => self.derive(index),
        }
    }

    fn derive(&self, index: usize) -> Option<V> {
        let mut moment = self.facts.moment();
        let mut scope = RunScope {
            memo: Memo::finished(self.set, self.results),
            facts: self.facts,
            rules: self.rules,
            outside: &super::facts::Nothing,
            environment: &mut moment,
        };
        scope.value_at(index).ok()
    }

    /// Puts params into an attribute of the definition (spec 02 A-1).
    ///
    /// # Errors
    /// It names a param that the run has not.
    pub fn fill(&self, template: &Template) -> Result<String, ParamError> {
        let texts = template
            .names()
            .iter()
            .map(|name| {
                self.get(name).map(|value| value.text()).ok_or_else(|| {
                    ParamError::validation(format!(
                        "reference to `{name}`, which workflow [{}] has no param of",
                        self.facts.workflow.id
                    ))
                })
            })
            .collect::<Result<Vec<_>, _>>()?;
        Ok(template.fill(&texts))
    }

    /// All of them, as they show.
    #[must_use]
    pub fn all(&self) -> Params {
        let mut moment = self.facts.moment();
        let mut scope = RunScope {
            memo: Memo::finished(self.set, self.results),
            facts: self.facts,
            rules: self.rules,
            outside: &super::facts::Nothing,
            environment: &mut moment,
        };
        let results = self.results;
        let at = self.facts.created;
        (0..self.set.len())
            .map(|index| {
                let name = self.set.name(index);
                let result = scope.value_at(index).ok();
                let definition = self.set.definition(index);
                let from = results.converted_from(name);
                (name.clone(), instance(definition, result, from, at))
            })
            .collect()
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

// ---- step params ------------------------------------------------------------------------------------------------------

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
    let mut moment = super::facts::Moment::new(input.step.now, &input.step.uuid);
    let mut scope = StepScope {
        memo: Memo::finished(set, results),
        input: StepInput { set, ..input },
        environment: &mut moment,
    };
    scope.value_at(index).ok()
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

/// Evaluates the params of an attempt in their order (spec 02 E-2).
pub(super) fn evaluate_step(
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
pub(super) fn evaluate_conditions<'a>(
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
    let mut moment = super::facts::Moment::new(at, &input.step.uuid);
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
