//! A version of a definition, compiled once for all its runs.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::{Arc, OnceLock};

use maestro_model::Str;
use maestro_model::definition::{
    FailureMode, LeafType, ParsableLong, ResolvedRetryPolicy, RetryLimits, RetryPolicy, Step,
    StepKind, StepType, Workflow,
};
use maestro_model::param::{ParamMap, ParamSource};
use maestro_model::state::StepOrd;

use crate::condition::Condition;
use crate::params::{
    ParamError, ParamSet, Results, Rules, RunParams, Stage, Template, Verbatim, WorkflowParams,
    clean_up, merge,
};

/// The longest time-out, in milliseconds: 120 days (spec 06 TO-11).
pub const MAX_TIMEOUT: i64 = 120 * 86_400_000;
/// The time-out where a definition gives none, in milliseconds: 10 days (spec 05 section 1.1).
pub const DEFAULT_TIMEOUT: i64 = 10 * 86_400_000;

/// What an attempt does once it starts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Work {
    /// Nothing (spec 07 section 1).
    Nothing,
    /// Waits (spec 07 section 2).
    Sleep,
    /// Is run by a runtime outside of the core, which reports.
    Job(LeafType),
    /// Is not there yet.
    Unsupported(StepType),
}

/// A time-out of a definition.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Timeout {
    /// None given: [`DEFAULT_TIMEOUT`].
    Default,
    /// Milliseconds.
    Millis(i64),
    /// A text that does not come to a valid time (spec 06 TO-11).
    Invalid(Str),
    /// A text with params of the workflow in it (spec 02 A-2).
    Template(Template),
}

impl Timeout {
    /// Understands a number of seconds or a duration text (spec 06 TO-10).
    #[must_use]
    pub fn parse(spec: Option<&ParsableLong>) -> Self {
        let millis = match spec {
            None => return Self::Default,
            Some(ParsableLong::Text(text)) if let Some(template) = Template::parse(text) => {
                return Self::Template(template);
            }
            Some(spec) => spec.timeout_ms(),
        };
        match (millis, spec) {
            (1..=MAX_TIMEOUT, _) => Self::Millis(millis),
            (_, Some(spec)) => Self::Invalid(spec.to_string().into()),
            (_, None) => Self::Default,
        }
    }

    /// The time in force with the params of a run put in; `None` where none is given.
    ///
    /// # Errors
    /// It does not come to a valid time.
    pub fn resolve<'a>(
        &self,
        run: impl FnOnce() -> RunParams<'a>,
    ) -> Result<Option<i64>, ParamError> {
        let text = match self {
            Self::Default => return Ok(None),
            Self::Millis(ms) => return Ok(Some(*ms)),
            Self::Invalid(text) => text.clone(),
            Self::Template(template) => {
                let text: Str = run().fill(template).map_err(unprocessable)?.into();
                let spec = ParsableLong::Text(text.clone());
                match spec.timeout_ms() {
                    millis @ 1..=MAX_TIMEOUT => return Ok(Some(millis)),
                    _ => format!("\"{text}\"").into(),
                }
            }
        };
        Err(ParamError::illegal(format!(
            "time-out {text} is not between 1 ms and 120 days"
        )))
    }
}

fn unprocessable(error: ParamError) -> ParamError {
    ParamError {
        kind: crate::params::ParamErrorKind::Unprocessable,
        message: format!("the time-out cannot be used: {}", error.message),
        ..error
    }
}

/// One step, with names resolved.
#[derive(Debug)]
pub struct PlanStep {
    /// Its id.
    pub id: Str,
    /// What it does.
    pub work: Work,
    /// Steps that must be complete before, in the order in which the definition gives or implies them.
    pub predecessors: Vec<StepOrd>,
    /// Steps after it with their conditions, in definition order.
    pub successors: Vec<(StepOrd, Condition)>,
    /// Every condition is the literal `true`.
    pub unconditional: bool,
    /// What a failure does to the run.
    pub failure_mode: FailureMode,
    /// Its retry policy.
    pub retry: Retry,
    /// Its time-out.
    pub timeout: Timeout,
    /// Its params with the defaults, or why they cannot be merged. Steps without params of their own share those of their
    /// type.
    pub params: Result<Arc<ParamSet>, ParamError>,
    /// Whether it waits for signals.
    pub waits_for_signals: bool,
    /// Its type.
    pub ty: StepType,
    type_info: Str,
}

impl PlanStep {
    /// The sub type, else the type in capitals (spec 02 X-12a).
    #[must_use]
    pub fn type_info(&self) -> &str {
        &self.type_info
    }
}

/// A retry policy.
#[derive(Clone, Debug)]
pub enum Retry {
    /// The same for all runs.
    Fixed(ResolvedRetryPolicy),
    /// With params of the workflow in it.
    Params(Box<RetryPolicy>),
}

impl Retry {
    fn compile(spec: Option<&RetryPolicy>) -> Self {
        let Some(spec) = spec else {
            return Self::Fixed(ResolvedRetryPolicy::default());
        };
        let has_params = std::cell::Cell::new(false);
        let policy = spec.resolve(RetryLimits::default(), |text| {
            has_params.set(has_params.get() || Template::parse(text).is_some());
            Ok(text.into())
        });
        match has_params.get() {
            true => Self::Params(Box::new(spec.clone())),
            // The whole default if anything in it cannot be read (spec 06 ).
            false => Self::Fixed(policy.unwrap_or_default()),
        }
    }

    /// The policy in force for a run (spec 02 A-2).
    #[must_use]
    pub fn resolve<'a>(&self, run: impl FnOnce() -> RunParams<'a>) -> ResolvedRetryPolicy {
        match self {
            Self::Fixed(policy) => *policy,
            Self::Params(spec) => {
                let run = run();
                spec.resolve(RetryLimits::default(), |text| match Template::parse(text) {
                    None => Ok(text.into()),
                    Some(template) => run.fill(&template).map(Str::from).map_err(|e| e.message),
                })
                .unwrap_or_default()
            }
        }
    }
}

/// A compiled version.
#[derive(Debug)]
pub struct Plan {
    /// The version, from 1.
    pub version: i64,
    /// The definition.
    pub workflow: Arc<Workflow>,
    /// Its steps in definition order; a [`StepOrd`] is a position here.
    pub steps: Vec<PlanStep>,
    /// Positions by id.
    pub index: BTreeMap<Str, StepOrd>,
    /// The workflow's params with the defaults, or why they cannot be merged.
    pub params: Result<WorkflowParams, ParamError>,
    /// What evaluations follow.
    pub rules: Arc<Rules>,
    /// The run's time-out.
    pub timeout: Timeout,
    /// A step or a condition may ask for params of other steps.
    pub(crate) refers_to_steps: bool,
    no_results: Arc<Results>,
    /// What every view of a run of the whole DAG shows alike; written for the first of them.
    pub(crate) shown: OnceLock<Shown>,
}

/// Parts of the JSON of a run that are the same for all runs of a version.
#[derive(Debug)]
pub(crate) struct Shown {
    /// The definitions of the steps.
    pub(crate) steps: Box<str>,
    /// The edges of the whole DAG.
    pub(crate) dag: Box<str>,
}

/// Why a definition cannot be compiled. Validation (spec 01 section 8) finds all of these before.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PlanError {
    /// Two steps have one id.
    #[error("step id [{0}] is given twice")]
    Duplicate(Str),
    /// A successor does not exist.
    #[error("step [{step}] names [{successor}] as its successor, which is no step of the workflow")]
    UnknownSuccessor {
        /// The step.
        step: Str,
        /// The name.
        successor: Str,
    },
    /// The steps form a cycle.
    #[error("the steps form a cycle: {0}")]
    Cycle(String),
}

impl Plan {
    /// Compiles a definition.
    ///
    /// # Errors
    /// See [`PlanError`].
    pub fn compile(
        workflow: Arc<Workflow>,
        version: i64,
        rules: Arc<Rules>,
    ) -> Result<Self, PlanError> {
        let mut index = BTreeMap::new();
        for (ord, step) in (0..).zip(&workflow.steps) {
            if index.insert(step.id.clone(), ord).is_some() {
                return Err(PlanError::Duplicate(step.id.clone()));
            }
        }
        let mut step_params = StepParams::new(&rules);
        let mut steps = workflow
            .steps
            .iter()
            .map(|s| compile_step(s, &index, &mut step_params))
            .collect::<Result<Vec<_>, _>>()?;
        let mut derived = vec![Vec::new(); steps.len()];
        for (ord, step) in (0..).zip(&steps) {
            for (successor, _) in &step.successors {
                derived[*successor as usize].push(ord);
            }
        }
        for ((step, spec), derived) in steps.iter_mut().zip(&workflow.steps).zip(derived) {
            let given: Option<Vec<StepOrd>> = spec
                .transition
                .predecessors
                .iter()
                .map(|id| index.get(id).copied())
                .collect();
            step.predecessors = match given {
                Some(given) if given.len() == derived.len() && !given.is_empty() => given,
                _ => derived,
            };
        }
        if let Some(cycle) = find_cycle(&steps) {
            return Err(PlanError::Cycle(cycle));
        }
        let params = WorkflowParams::compile(workflow.params.as_ref(), &rules);
        let timeout = Timeout::parse(workflow.timeout.as_ref());
        let refers_to_steps = steps.iter().any(|step| {
            step.params.as_ref().is_ok_and(|set| set.refers_to_steps())
                || step
                    .successors
                    .iter()
                    .any(|(_, condition)| condition.refers_to_steps(&rules))
        });
        Ok(Self {
            version,
            workflow,
            steps,
            index,
            params,
            rules,
            timeout,
            refers_to_steps,
            no_results: Arc::default(),
            shown: OnceLock::new(),
        })
    }

    /// The params of the runs that bring none of their own.
    #[must_use]
    pub fn param_set(&self) -> &ParamSet {
        match &self.params {
            Ok(params) => &params.set,
            Err(_) => &self.rules.nothing,
        }
    }

    /// Results of a run whose params are all known beforehand; shared by all of them.
    #[must_use]
    pub fn no_results(&self) -> Arc<Results> {
        Arc::clone(&self.no_results)
    }

    /// The params of a step with the defaults, as the enriched definition shows them: nothing is evaluated, and what is
    /// optional and unset is there (spec 02 ES-1).
    ///
    /// # Errors
    /// The definition may not say what it says.
    pub fn enriched_step_params(&self, ord: StepOrd) -> Result<ParamMap, ParamError> {
        let defaults = &self.rules.defaults;
        let sets = [Some(&defaults.step), defaults.of_type(self.step(ord).ty)];
        merged_step_params(self.definition(ord), sets.into_iter().flatten())
    }

    /// Bytes that the plan takes in memory, about, with what views keep of it.
    #[must_use]
    pub fn weight(&self) -> usize {
        let steps = self.steps.iter().map(|step| {
            let params = step.params.as_ref().ok();
            let own = params.filter(|set| Arc::strong_count(set) == 1);
            1024 + own.map_or(0, |set| 512 + set.weight()) + 128 * step.successors.len()
        });
        4096 + 2 * self.param_set().weight() + steps.sum::<usize>()
    }

    /// A step of this version.
    #[must_use]
    pub fn step(&self, ord: StepOrd) -> &PlanStep {
        &self.steps[ord as usize]
    }

    /// The definition of a step.
    #[must_use]
    pub fn definition(&self, ord: StepOrd) -> &Step {
        &self.workflow.steps[ord as usize]
    }
}

fn compile_step(
    step: &Step,
    index: &BTreeMap<Str, StepOrd>,
    params: &mut StepParams<'_>,
) -> Result<PlanStep, PlanError> {
    let rules = params.rules;
    let successors = step
        .transition
        .successors
        .iter()
        .map(|(id, text)| {
            let ord = *index.get(id).ok_or_else(|| PlanError::UnknownSuccessor {
                step: step.id.clone(),
                successor: id.clone(),
            })?;
            let text = text.clone().unwrap_or_default();
            Ok((ord, Condition::parse(&text, rules)))
        })
        .collect::<Result<Vec<_>, PlanError>>()?;
    let (work, retry, sub_type) = match &step.kind {
        StepKind::Leaf(leaf) => {
            let work = match leaf.ty {
                LeafType::NoOp => Work::Nothing,
                LeafType::Sleep => Work::Sleep,
                LeafType::Shell | LeafType::Python => Work::Job(leaf.ty),
                other => Work::Unsupported(other.into()),
            };
            (
                work,
                Retry::compile(leaf.retry_policy.as_deref()),
                leaf.sub_type.clone(),
            )
        }
        _ => (Work::Unsupported(step.ty()), Retry::compile(None), None),
    };
    Ok(PlanStep {
        id: step.id.clone(),
        work,
        predecessors: Vec::new(),
        unconditional: successors
            .iter()
            .all(|(_, c)| matches!(c, Condition::Literal(true))),
        successors,
        failure_mode: step.failure_mode.unwrap_or(FailureMode::FailAfterRunning),
        retry,
        timeout: Timeout::parse(step.timeout.as_ref()),
        params: params.of(step),
        waits_for_signals: step
            .signal_dependencies
            .as_ref()
            .is_some_and(|d| !d.is_empty()),
        ty: step.ty(),
        type_info: sub_type.unwrap_or_else(|| step.ty().as_str().to_ascii_uppercase().into()),
    })
}

/// The params of the steps of a version: the defaults of all steps, those of the type, and the step's own (spec 02 S-1).
struct StepParams<'a> {
    rules: &'a Rules,
    /// What the defaults of a type come to, and the params of its steps that have none of their own, which the others
    /// share what they do not change with.
    of_types: BTreeMap<StepType, (ParamMap, Result<Arc<ParamSet>, ParamError>)>,
}

impl<'a> StepParams<'a> {
    fn new(rules: &'a Rules) -> Self {
        Self {
            rules,
            of_types: BTreeMap::new(),
        }
    }

    fn of(&mut self, step: &Step) -> Result<Arc<ParamSet>, ParamError> {
        let (rules, ty) = (self.rules, step.ty());
        let compile = |merged, known| {
            let set = ParamSet::compile(clean_up(merged)?, rules, verbatim_of(ty), known);
            Ok::<_, ParamError>(Arc::new(set))
        };
        let (defaults, shared) = match self.of_types.entry(ty) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                let sets = [Some(&rules.defaults.step), rules.defaults.of_type(ty)];
                let merged = merged_defaults(sets.into_iter().flatten())?;
                let shared = compile(merged.clone(), None);
                new.insert((merged, shared))
            }
        };
        match step.params.as_ref().filter(|own| !own.is_empty()) {
            Some(own) => {
                let stage = Stage::fresh(ParamSource::Definition);
                // Defaults alone may lack something that each step has to give.
                let known = shared.as_deref().ok().map(|known| (known, own));
                compile(merge(defaults.clone(), own, stage)?, known)
            }
            None => shared.clone(),
        }
    }
}

/// Scripts are run as they are written (decision 10).
pub(crate) fn verbatim_of(ty: StepType) -> Verbatim {
    match ty {
        StepType::Shell => Some(("shell", "script")),
        StepType::Python => Some(("python", "script")),
        _ => None,
    }
}

/// The definition of a step over defaults, not cleaned up.
fn merged_step_params<'a>(
    step: &Step,
    defaults: impl Iterator<Item = &'a ParamMap>,
) -> Result<ParamMap, ParamError> {
    let merged = merged_defaults(defaults)?;
    match &step.params {
        Some(own) => merge(merged, own, Stage::fresh(ParamSource::Definition)),
        None => Ok(merged),
    }
}

fn merged_defaults<'a>(
    mut sets: impl Iterator<Item = &'a ParamMap>,
) -> Result<ParamMap, ParamError> {
    let system = Stage::fresh(ParamSource::SystemDefault);
    sets.try_fold(ParamMap::default(), |merged, set| {
        merge(merged, set, system)
    })
}

/// A cycle, written as its ids with arrows, if there is one.
fn find_cycle(steps: &[PlanStep]) -> Option<String> {
    let mut pending: Vec<usize> = steps.iter().map(|s| s.predecessors.len()).collect();
    let mut free: Vec<usize> = (0..steps.len()).filter(|i| pending[*i] == 0).collect();
    let mut seen = 0;
    while let Some(i) = free.pop() {
        seen += 1;
        for (successor, _) in &steps[i].successors {
            let p = &mut pending[*successor as usize];
            *p -= 1;
            if *p == 0 {
                free.push(*successor as usize);
            }
        }
    }
    if seen == steps.len() {
        return None;
    }
    // Going backwards among the steps that never got free must come back to where it was.
    let mut at = pending.iter().position(|p| *p > 0)?;
    let mut path = vec![at];
    loop {
        at = steps[at]
            .predecessors
            .iter()
            .map(|p| *p as usize)
            .find(|p| pending[*p] > 0)?;
        if let Some(first) = path.iter().position(|p| *p == at) {
            let mut cycle: Vec<usize> = path.drain(first..).rev().collect();
            let start = (0..cycle.len()).min_by_key(|i| cycle[*i])?;
            cycle.rotate_left(start);
            cycle.push(cycle[0]);
            let ids: Vec<&str> = cycle.into_iter().map(|i| &*steps[i].id).collect();
            return Some(ids.join(" -> "));
        }
        path.push(at);
    }
}
