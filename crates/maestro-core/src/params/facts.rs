//! What evaluations may know of the run and the step that they are for.

use std::borrow::Cow;

use maestro_model::Str;
use maestro_model::codec::read;
use maestro_model::definition::{Properties, User, Workflow};
use maestro_model::param::EvaluatedValue;
use maestro_model::run::Initiator;
use maestro_model::state::{InstanceRef, Millis, Origin, RunPolicy, RunRow, StepOrd, StepStatus};
use maestro_sel::{Environment, FixedEnvironment, Interrupt};
use uuid::Uuid;

use super::results::Results;

/// Who or what started a run.
#[derive(Clone, Copy, Debug)]
pub enum StartedBy<'a> {
    /// As the request says.
    Initiator(&'a Initiator),
    /// As the row of the run says.
    Stored(&'a Origin),
    /// Nobody: a definition is tried out for this user (spec 02 section 23).
    DryRun(&'a User),
}

/// A run, as expressions see it (spec 02 X-11a).
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// Its definition.
    pub workflow: &'a Workflow,
    /// Its numbers; none before it is created.
    pub id: Option<InstanceRef>,
    /// How it starts.
    pub policy: RunPolicy,
    /// What started it.
    pub started_by: StartedBy<'a>,
    /// Name of the workflow's owner (spec 02 F-8).
    pub owner: &'a str,
    /// When it was created: the time of its workflow params.
    pub created: Millis,
    /// Its uuid, from which its chance comes.
    pub uuid: Uuid,
}

impl<'a> Facts<'a> {
    /// Those of a run that is stored.
    #[must_use]
    pub fn of_run(row: &'a RunRow, workflow: &'a Workflow, properties: &'a Properties) -> Self {
        Self {
            workflow,
            id: Some(row.id),
            policy: row.body.policy,
            started_by: StartedBy::Stored(&row.body.origin),
            owner: owner_of(properties),
            created: row.body.create_time,
            uuid: row.body.uuid,
        }
    }

    /// The initiator; `None` in a dry run or where the row is damaged.
    pub(crate) fn initiator(&self) -> Option<Cow<'a, Initiator>> {
        match self.started_by {
            StartedBy::Initiator(initiator) => Some(Cow::Borrowed(initiator)),
            StartedBy::DryRun(_) => None,
            StartedBy::Stored(origin) => match (&origin.initiator, &origin.user) {
                (Some(text), _) => read(text.as_bytes()).ok().map(Cow::Owned),
                (None, user) => Some(Cow::Owned(Initiator::Manual {
                    depth: 0,
                    user: user.as_deref().and_then(|text| read(text.as_bytes()).ok()),
                })),
            },
        }
    }

    /// Whether a time trigger started it, which makes its default params a matter of the trigger.
    pub(crate) fn is_scheduled(&self) -> bool {
        match self.started_by {
            StartedBy::Stored(Origin {
                initiator: None, ..
            })
            | StartedBy::DryRun(_) => false,
            _ => matches!(self.initiator().as_deref(), Some(Initiator::Time { .. })),
        }
    }

    /// Whether this tries a definition out that has a schedule, whose zone the bundled defaults must understand (spec 01
    /// TT-1a).
    pub(super) fn tries_a_schedule(&self) -> bool {
        matches!(self.started_by, StartedBy::DryRun(_)) && self.workflow.time_triggers.is_some()
    }

    /// The moment of its creation.
    pub(crate) fn moment(&self) -> Moment {
        Moment::new(self.created, &self.uuid)
    }
}

/// The owner's name; empty if the properties have none.
pub(crate) fn owner_of(properties: &Properties) -> &str {
    properties.owner.as_ref().map_or("", |owner| owner.name())
}

/// An attempt, as expressions see it (spec 02 X-12a).
#[derive(Clone, Copy, Debug)]
pub struct StepFacts<'a> {
    /// Its step.
    pub id: &'a Str,
    /// Its uuid.
    pub uuid: Uuid,
    /// Its number.
    pub attempt: u32,
    /// `step_instance_id`.
    pub seq: u32,
    /// The sub type, else the word of the type.
    pub type_info: &'a str,
    /// Retries after errors of the user's code.
    pub error_retries: u32,
    /// When its params are evaluated.
    pub now: Millis,
}

/// A step that is over, as references see it (spec 02 E-11).
#[derive(Clone, Copy, Debug)]
pub struct Finished<'a> {
    /// Its position in the definition.
    pub step: StepOrd,
    /// Its latest attempt.
    pub attempt: u32,
    /// How it ended.
    pub status: StepStatus,
    /// When.
    pub end: Option<Millis>,
    /// Whether its params were evaluated, all of them.
    pub evaluated: bool,
    /// What they came to beyond the definition.
    pub results: &'a Results,
}

/// The steps of a run.
pub trait Steps {
    /// A step that ended well or was passed over (spec 02 E-11).
    fn finished(&self, step: &str) -> Option<Finished<'_>>;
}

/// No steps: what workflow params see.
#[derive(Clone, Copy, Debug)]
pub struct NoSteps;

impl Steps for NoSteps {
    fn finished(&self, _: &str) -> Option<Finished<'_>> {
        None
    }
}

/// Params that live outside of the run. What is not overridden answers that there is none: the engine parts of
/// signals, loops and sub-workflows supply the rest.
pub trait Outside {
    /// A param of the instance of a signal that started the run (spec 02 X-6).
    ///
    /// # Errors
    /// There is none, with the reason.
    fn signal(&self, signal: &str, param: &str) -> Result<EvaluatedValue, String> {
        Err(format!(
            "the run was not started by signal [{signal}], so it has no param `{param}` of it"
        ))
    }

    /// A param of the signal that the dependency at this position of the step matched (spec 02 X-10).
    ///
    /// # Errors
    /// There is none, with the reason.
    fn dependency(&self, index: usize, param: &str) -> Result<EvaluatedValue, String> {
        Err(format!(
            "the step has no matched signal dependency number {index} with a param `{param}`"
        ))
    }

    /// A param of a step in all iterations of a foreach (spec 02 X-8).
    ///
    /// # Errors
    /// There is none, with the reason.
    fn foreach(&self, step: &str, inner: &str, param: &str) -> Result<EvaluatedValue, String> {
        Err(format!(
            "step [{step}] is no finished foreach whose step [{inner}] has a param `{param}`"
        ))
    }

    /// A param of a step in a sub-workflow (spec 02 X-9).
    ///
    /// # Errors
    /// There is none, with the reason.
    fn subworkflow(&self, step: &str, inner: &str, param: &str) -> Result<EvaluatedValue, String> {
        Err(format!(
            "step [{step}] is no finished sub-workflow whose step [{inner}] has a param `{param}`"
        ))
    }
}

/// Nothing outside.
#[derive(Clone, Copy, Debug)]
pub struct Nothing;

impl Outside for Nothing {}

/// Time that stands still, chance that follows from an identity, and how long an evaluation may take before it goes on
/// elsewhere: the same evaluation has the same result wherever and whenever it is made.
#[derive(Clone, Debug)]
pub struct Moment {
    fixed: FixedEnvironment,
    polls: Option<u32>,
}

impl Moment {
    /// A moment without a limit. `identity` is a random uuid of a run, or one made from it.
    #[must_use]
    pub fn new(now: Millis, identity: &Uuid) -> Self {
        let (high, low) = identity.as_u64_pair();
        Self {
            fixed: FixedEnvironment::seeded(now, high ^ low),
            polls: None,
        }
    }

    /// With at most so many pauses of an evaluation, each after some thousand steps of it.
    #[must_use]
    pub fn with_fuel(mut self, polls: u32) -> Self {
        self.polls = Some(polls);
        self
    }
}

impl Environment for Moment {
    fn now_millis(&mut self) -> i64 {
        self.fixed.now_millis()
    }

    fn random_bits(&mut self) -> u64 {
        self.fixed.random_bits()
    }

    fn poll(&mut self) -> Result<(), Interrupt> {
        match &mut self.polls {
            None => Ok(()),
            Some(0) => Err(Interrupt::Yield),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
        }
    }
}
