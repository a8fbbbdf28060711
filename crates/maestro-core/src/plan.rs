//! A version of a definition, compiled once for all its runs.

use std::collections::BTreeMap;
use std::sync::Arc;

use maestro_model::Str;
use maestro_model::definition::{
    FailureMode, LeafType, ParsableLong, ResolvedRetryPolicy, RetryLimits, RetryPolicy, Step,
    StepKind, StepType, Workflow,
};
use maestro_model::state::StepOrd;

use crate::condition::Condition;
use crate::eval::{Values, literals};

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
}

impl Timeout {
    /// Understands a number of seconds or a duration text (spec 06 TO-10).
    #[must_use]
    pub fn parse(spec: Option<&ParsableLong>) -> Self {
        let millis = match spec {
            None => return Self::Default,
            Some(spec) => spec.timeout_ms(),
        };
        match (millis, spec) {
            (1..=MAX_TIMEOUT, _) => Self::Millis(millis),
            (_, Some(spec)) => Self::Invalid(spec.to_string().into()),
            (_, None) => Self::Default,
        }
    }

    /// The time in force; `None` for an invalid one.
    #[must_use]
    pub fn millis(&self) -> Option<i64> {
        match self {
            Self::Default => Some(DEFAULT_TIMEOUT),
            Self::Millis(ms) => Some(*ms),
            Self::Invalid(_) => None,
        }
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
    pub retry: ResolvedRetryPolicy,
    /// Its time-out.
    pub timeout: Timeout,
    /// Its params, or why they cannot be evaluated.
    pub params: Result<Arc<Values>, String>,
    /// Number of params: what an evaluation costs.
    pub param_count: usize,
    /// Whether it waits for signals.
    pub waits_for_signals: bool,
    /// Position among the predecessors of each successor is not needed; its own wire type is.
    pub ty: StepType,
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
    /// The workflow's params, or why they cannot be evaluated.
    pub params: Result<Arc<Values>, String>,
    /// The run's time-out.
    pub timeout: Timeout,
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
    pub fn compile(workflow: Arc<Workflow>, version: i64) -> Result<Self, PlanError> {
        let mut index = BTreeMap::new();
        for (ord, step) in (0..).zip(&workflow.steps) {
            if index.insert(step.id.clone(), ord).is_some() {
                return Err(PlanError::Duplicate(step.id.clone()));
            }
        }
        let mut steps = workflow
            .steps
            .iter()
            .map(|s| compile_step(s, &index))
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
        let params = match &workflow.params {
            Some(params) => literals(params).map(Arc::new),
            None => Ok(Arc::default()),
        };
        let timeout = Timeout::parse(workflow.timeout.as_ref());
        Ok(Self {
            version,
            workflow,
            steps,
            index,
            params,
            timeout,
        })
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

fn compile_step(step: &Step, index: &BTreeMap<Str, StepOrd>) -> Result<PlanStep, PlanError> {
    let successors = step
        .transition
        .successors
        .iter()
        .map(|(id, text)| {
            let ord = *index.get(id).ok_or_else(|| PlanError::UnknownSuccessor {
                step: step.id.clone(),
                successor: id.clone(),
            })?;
            Ok((ord, Condition::parse(text.as_deref().unwrap_or_default())))
        })
        .collect::<Result<Vec<_>, PlanError>>()?;
    let (work, retry) = match &step.kind {
        StepKind::Leaf(leaf) => {
            let work = match leaf.ty {
                LeafType::NoOp => Work::Nothing,
                LeafType::Sleep => Work::Sleep,
                LeafType::Shell | LeafType::Python => Work::Job(leaf.ty),
                other => Work::Unsupported(other.into()),
            };
            (
                work,
                leaf.retry_policy
                    .as_ref()
                    .map_or_else(ResolvedRetryPolicy::default, |spec| compile_retry(spec)),
            )
        }
        _ => (Work::Unsupported(step.ty()), ResolvedRetryPolicy::default()),
    };
    Ok(PlanStep {
        id: step.id.clone(),
        work,
        predecessors: Vec::new(),
        unconditional: successors
            .iter()
            .all(|(_, c)| *c == Condition::Literal(true)),
        successors,
        failure_mode: step.failure_mode.unwrap_or(FailureMode::FailAfterRunning),
        retry,
        timeout: Timeout::parse(step.timeout.as_ref()),
        params: match &step.params {
            Some(params) => literals(params).map(Arc::new),
            None => Ok(Arc::default()),
        },
        param_count: step.params.as_ref().map_or(0, indexmap::IndexMap::len),
        waits_for_signals: step
            .signal_dependencies
            .as_ref()
            .is_some_and(|d| !d.is_empty()),
        ty: step.ty(),
    })
}

/// The effective policy; the whole default if anything in it cannot be read (spec 06 ). Params are not put in
/// yet, so a policy that has some falls back like one that cannot be read.
fn compile_retry(spec: &RetryPolicy) -> ResolvedRetryPolicy {
    spec.resolve(RetryLimits::default(), |text| Ok(text.into()))
        .unwrap_or_default()
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
