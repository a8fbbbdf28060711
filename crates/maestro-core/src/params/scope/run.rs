//! The params of a run (spec 02 section 11).

use maestro_model::Str;
use maestro_model::param::{EvaluatedValue as V, Params};
use maestro_sel::{Environment, HostError, Value};

use super::super::compile::{ParamSet, Rules};
use super::super::error::ParamError;
use super::super::facts::{Facts, NoSteps, Outside};
use super::super::functions::Context;
use super::super::results::Results;
use super::super::template::Template;
use super::{Budget, Memo, Scope, evaluate, instance, note, split};
use crate::plan::Plan;

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

    fn budget(&mut self) -> &mut Budget {
        &mut self.memo.budget
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
pub(in crate::params) fn evaluate_run(
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
pub(in crate::params) type ExplainedSet = (Params, Results, Vec<(Str, ParamError)>);

/// Evaluates as many params of a run as possible.
pub(in crate::params) fn explain_run(
    set: &ParamSet,
    facts: Facts<'_>,
    rules: &Rules,
) -> ExplainedSet {
    let mut moment = facts.moment();
    let mut scope = RunScope {
        memo: Memo::empty(set),
        facts,
        rules,
        outside: &super::super::facts::Nothing,
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

/// The evaluated params of a run, as others see them.
#[derive(Clone, Copy)]
pub struct RunParams<'a> {
    pub(in crate::params) set: &'a ParamSet,
    pub(in crate::params) results: &'a Results,
    pub(in crate::params) facts: Facts<'a>,
    pub(in crate::params) rules: &'a Rules,
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
            outside: &super::super::facts::Nothing,
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
        Budget::default().take_text(template.length(&texts), self.rules.size)?;
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
            outside: &super::super::facts::Nothing,
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
