//! What the core wants done: effects, jobs to launch, and what it asks the store for.

use std::sync::Arc;

use maestro_model::definition::{LeafType, Properties};
use maestro_model::param::{ParamBody, ParamDefinition, Params};
use maestro_model::state::{
    AttemptRef, InstanceRef, InstanceStatus, Millis, RunRow, StepOrd, WorkflowKey,
};
use uuid::Uuid;

use super::{Refusal, Reply, Token};
use crate::params::{
    Facts, NoSteps, Nothing, Results, RunParams, StepEvaluation, StepFacts, StepInput,
};
use crate::plan::Plan;

/// What the core wants done. Except for [`Effect::Continue`], [`Effect::Fetch`] and [`Effect::Evaluate`], which change
/// nothing outside, an effect is released only after the rows of its transition are durable (output commit).
#[derive(Debug)]
pub enum Effect {
    /// Answer a command.
    Reply {
        /// Who waits.
        token: Token,
        /// The answer.
        result: Result<Reply, Refusal>,
    },
    /// Start the work of an attempt.
    Launch(Box<Launch>),
    /// End the work of an attempt; its runtime reports [`News::Ended`] when nothing is left of it.
    Cancel {
        /// The attempt.
        at: AttemptRef,
        /// Its uuid.
        uuid: Uuid,
        /// The type of its step.
        ty: LeafType,
    },
    /// The attempt's end is stored: what the runtime kept for it may go.
    Release {
        /// The attempt.
        at: AttemptRef,
        /// Its uuid.
        uuid: Uuid,
        /// The type of its step.
        ty: LeafType,
    },
    /// Come back with [`Event::Continue`] after others had their turn.
    Continue,
    /// Read from the store, once everything before is durable.
    Fetch {
        /// The number of the request.
        request: u64,
        /// What to read.
        what: Fetch,
    },
    /// Send [`Event::Durable`] with this number back.
    NotifyDurable(u64),
    /// Make an evaluation that takes longer than a shard may wait, and come back with [`Event::Evaluated`].
    Evaluate(Box<StepEvaluation>),
    /// An instance has changed in a way that somebody may wait for.
    Changed {
        /// The instance and run.
        id: InstanceRef,
        /// Its run's status.
        status: InstanceStatus,
    },
    /// The definition side has changed: what is cached of it is old.
    DefinitionChanged,
    /// The workflow is deleted: remove its data in the background.
    Purge(WorkflowKey),
    /// A count for the metrics.
    Count(Counter),
}

/// Things that are counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Counter {
    /// A step attempt ended.
    StepEnded,
    /// A run ended.
    RunEnded,
    /// A report came for an attempt that is not in progress.
    StaleReport,
}

/// The work of an attempt.
#[derive(Debug)]
pub struct Launch {
    /// The attempt.
    pub at: AttemptRef,
    /// Its uuid: the identity under which a runtime must not start twice.
    pub uuid: Uuid,
    /// The type of its step.
    pub ty: LeafType,
    /// The instance and run.
    pub id: InstanceRef,
    /// The plan; the step is `plan.step(at.step)`.
    pub plan: Arc<Plan>,
    /// The run.
    pub run: Box<RunRow>,
    /// The properties that it started with.
    pub properties: Arc<Properties>,
    /// `step_instance_id`.
    pub seq: u32,
    /// When it was launched.
    pub now: Millis,
    /// Evaluated params of the step, beyond what the plan gives.
    pub step_results: Arc<Results>,
    /// Evaluated params of the workflow, beyond what the plan gives.
    pub run_results: Arc<Results>,
    /// The work may have been started before a crash: find it again; start it only if nobody did.
    pub adopt: bool,
    /// Its start follows from the end of another step.
    pub follows: bool,
}

impl Launch {
    fn run_params(&self) -> RunParams<'_> {
        let facts = Facts::of_run(&self.run, &self.plan.workflow, &self.properties);
        RunParams::new(&self.plan, &self.run_results, facts)
    }

    /// All params of the run. Those that it brought itself come last.
    #[must_use]
    pub fn workflow_params(&self) -> Params {
        let run = self.run_params();
        let mut params = run.all();
        for (name, value) in &self.run_results.values {
            if !params.contains_key(name) {
                let body = ParamBody::Unset(value.ty());
                let param = crate::params::instance(
                    &ParamDefinition::new(body),
                    Some(value.clone()),
                    None,
                    self.run.body.create_time,
                );
                params.insert(name.clone(), param);
            }
        }
        params
    }

    /// All params of the attempt.
    #[must_use]
    pub fn step_params(&self) -> Params {
        let step = self.plan.step(self.at.step);
        let Ok(set) = &step.params else {
            return Params::default();
        };
        let input = StepInput {
            plan: &self.plan,
            set,
            run: self.run_params(),
            step: StepFacts {
                id: &step.id,
                uuid: self.uuid,
                attempt: self.at.attempt,
                seq: self.seq,
                type_info: step.type_info(),
                error_retries: 0,
                now: self.now,
            },
            steps: &NoSteps,
            outside: &Nothing,
        };
        crate::params::step_instances(input, &self.step_results, self.now)
    }
}

/// Something to read from the store.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fetch {
    /// Queued runs after this one (or the first ones), in order.
    Queued {
        /// Those after it.
        after: Option<InstanceRef>,
        /// At most so many.
        limit: usize,
    },
    /// The latest run of an instance.
    Instance(i64),
    /// Runs with raw status FAILED after this one (or the first ones), in order.
    Failed {
        /// Those after it.
        after: Option<InstanceRef>,
        /// At most so many.
        limit: usize,
    },
    /// Whether a run with this uuid exists.
    Uuid(Uuid),
    /// The purging state of an id that was deleted before, before its first version is made.
    Deleted,
}

/// What was read.
#[derive(Debug)]
pub enum Fetched {
    /// Queued runs with the plans and params that they need.
    Queued(Vec<LoadedRun>),
    /// A run, or none.
    Instance(Option<Box<LoadedRun>>),
    /// Failed runs.
    Failed(Vec<RunRow>),
    /// Whether there is one.
    Uuid(bool),
    /// The last instance number of deleted workflows of this id, and whether their data is still being removed.
    Deleted {
        /// The largest number.
        last_instance: i64,
        /// Not all data is gone.
        purging: bool,
    },
}

/// A run read from the store, with what its row only names.
#[derive(Debug)]
pub struct LoadedRun {
    /// The row.
    pub row: RunRow,
    /// Its version.
    pub plan: Arc<Plan>,
    /// Its evaluated params, beyond what the plan gives.
    pub results: Arc<Results>,
    /// The properties that it started with.
    pub properties: Arc<Properties>,
    /// The latest attempt of each step.
    pub steps: Vec<LoadedStep>,
}

/// A step attempt read from the store.
#[derive(Debug)]
pub struct LoadedStep {
    /// The step.
    pub step: StepOrd,
    /// The attempt.
    pub attempt: u32,
    /// Its state.
    pub state: maestro_model::state::StepState,
    /// Evaluated params, beyond what the plan gives.
    pub results: Option<Arc<Results>>,
}
