//! Trying definitions out, and new instances: params are evaluated here, beside the shards (design, rule 8).

use std::sync::Arc;

use maestro_core::message::{Command, Refusal, Reply, Start};
use maestro_core::params::{
    Facts, Moment, Nothing, ParamError, Preview, RunParams, StartedBy, dry_run, evaluate_start,
    preview, template_of,
};
use maestro_core::plan::{Plan, PlanError};
use maestro_core::view::initiator_text;
use maestro_core::{Results, initiation};
use maestro_model::codec::to_text;
use maestro_model::definition::{Properties, StepType, User, Workflow, WorkflowCreateRequest};
use maestro_model::param::ParamMap;
use maestro_model::run::{Initiator, StartRequest};
use maestro_model::state::{InstanceRef, Origin, RunPolicy, TimelineEvent};
use maestro_model::validate;
use uuid::Uuid;

use crate::VersionSelector;
use crate::engine::{Engine, EngineError, Started, unexpected};

/// Pauses that an evaluation may take before it goes to a thread that may be kept busy.
const FUEL: u32 = 4;

/// What a start needs of the workflow.
struct Target {
    plan: Arc<Plan>,
    properties: Arc<Properties>,
    /// The active version of the workflow.
    active: Option<i64>,
}

impl Engine {
    /// Checks a definition like a push, without storing it (spec 01 section 9): its rules, and a dry run of its params.
    ///
    /// # Errors
    /// All broken rules, or why it could not be started.
    pub fn check(&self, request: &WorkflowCreateRequest, user: &User) -> Result<(), EngineError> {
        let settings = self.settings();
        validate::request(request, &settings.limits, self.now())?;
        let workflow = Arc::clone(&request.workflow);
        let plan = compile(workflow, &settings.params)?;
        check_scripts(&plan)?;
        let uuid = Uuid::new_v4();
        let (steps, now) = (&plan.workflow.steps, self.now());
        let result = match steps.iter().any(|step| template_of(step).is_some()) {
            false => dry_run(&plan, user, now, uuid, &|_, _| None),
            true => self.with_templates(&*self.snapshot()?, |find| {
                dry_run(&plan, user, now, uuid, find)
            })?,
        };
        result.map_err(|cause| EngineError::DryRun {
            workflow: plan.workflow.id.clone(),
            cause,
        })
    }

    /// Starts an instance (spec 05 section 4).
    ///
    /// # Errors
    /// See [`EngineError`].
    pub async fn start(
        &self,
        workflow: &str,
        version: &str,
        request: StartRequest,
        user: &User,
    ) -> Result<Started, EngineError> {
        validate::start(&request, &self.settings().limits)?;
        let target = self.target(workflow, version).await?;
        let plan = &target.plan;
        initiation::check_trigger(
            &request.initiator,
            &plan.workflow,
            plan.version,
            target.active,
            &target.properties,
        )?;
        let start = self.prepare(target, request, user).await?;
        match self
            .command(workflow, Command::Start(Box::new(start)))
            .await?
        {
            Reply::Started {
                version,
                id,
                uuid,
                outcome,
            } => Ok(Started {
                version,
                id,
                uuid,
                outcome,
            }),
            other => Err(unexpected(&other)),
        }
    }

    /// The params of a start, with their origins, without starting anything.
    ///
    /// # Errors
    /// See [`EngineError`].
    pub async fn preview(
        &self,
        workflow: &str,
        version: &str,
        request: StartRequest,
        user: &User,
    ) -> Result<(i64, Preview), EngineError> {
        validate::start(&request, &self.settings().limits)?;
        let target = self.target(workflow, version).await?;
        let version = target.plan.version;
        let starting = Starting::new(target, request, user, self.now());
        // Every expression is evaluated, whatever it costs.
        let preview = tokio::task::spawn_blocking(move || starting.preview())
            .await
            .map_err(|_| EngineError::Unavailable)??;
        Ok((version, preview))
    }

    /// The version to start: from memory, or from the disk on a thread that may wait.
    async fn target(&self, workflow: &str, version: &str) -> Result<Target, EngineError> {
        let selector = VersionSelector::parse(version);
        let definitions = &self.shared.definitions;
        if let (Some(selector), Some(head)) = (selector, definitions.cached(workflow))
            && let Some(number) = selector.resolve(&head.row)
            && let Some(plan) = definitions.cached_plan(head.row.key, number)
            && let Some(properties) =
                definitions.cached_properties(head.row.key, head.row.properties)
        {
            let active = head.row.active_version;
            return Ok(Target {
                plan,
                properties,
                active,
            });
        }
        let (engine, workflow, version) = (self.clone(), workflow.to_owned(), version.to_owned());
        tokio::task::spawn_blocking(move || engine.read_target(&workflow, &version))
            .await
            .map_err(|_| EngineError::Unavailable)?
    }

    fn read_target(&self, workflow: &str, version: &str) -> Result<Target, EngineError> {
        let head = self
            .head(workflow)?
            .ok_or_else(|| Refusal::NoWorkflow(workflow.into()))?;
        let selector =
            VersionSelector::parse(version).ok_or_else(|| EngineError::InvalidVersion {
                workflow: workflow.into(),
                version: version.into(),
            })?;
        let number = selector.resolve(&head.row).ok_or_else(|| {
            EngineError::NoVersion(format!(
                "Cannot find an active version for workflow [{workflow}]"
            ))
        })?;
        let snapshot = self.snapshot()?;
        let plan = self
            .plan(head.row.key, number, &*snapshot)?
            .ok_or_else(|| {
                EngineError::NoVersion(format!(
                    "Cannot find version [{number}] of workflow [{workflow}]"
                ))
            })?;
        let properties = self.properties(head.row.key, head.row.properties, &*snapshot)?;
        Ok(Target {
            plan,
            properties,
            active: head.row.active_version,
        })
    }

    /// A start as the core takes it: params evaluated (spec 05 section 5).
    async fn prepare(
        &self,
        target: Target,
        request: StartRequest,
        user: &User,
    ) -> Result<Start, EngineError> {
        let now = self.now();
        if let Some(tag) = request
            .runtime_tags
            .as_deref()
            .and_then(|tags| validate::repeated_runtime_tag(&target.plan.workflow, tags))
        {
            return Err(EngineError::BadRequest(format!(
                "runtime tag [{}] is given already",
                tag.name
            )));
        }
        let named = request.request_id.is_some();
        let persist = request.persist_failed_run;
        let request_time = request.request_time.unwrap_or(now);
        let artifacts = request.artifacts.as_ref().filter(|a| !a.is_empty());
        let artifacts = artifacts.map(|a| to_text(a).into());
        let runtime_tags = request.runtime_tags.as_ref().map(|t| to_text(t).into());
        let plan = target.plan.clone();
        let starting = Starting::new(target, request, user, now);
        let instance_step_concurrency =
            initiation::instance_step_concurrency(&starting.initiator, &plan.workflow);
        let origin = Origin {
            artifacts,
            runtime_tags,
            ..origin(&starting)
        };
        let uuid = starting.uuid;
        let initiator = starting.initiator.clone();
        let evaluated = match starting.evaluate(Some(FUEL)) {
            Err(error) if error.is_yield() => {
                tokio::task::spawn_blocking(move || starting.evaluate(None))
                    .await
                    .map_err(|_| EngineError::Unavailable)?
            }
            other => other,
        };
        let (results, timeout, failed) = match evaluated {
            Ok((results, timeout)) => (results, timeout, None),
            Err(error) if persist => (Arc::default(), None, Some(failure(&error, &initiator, now))),
            Err(error) => return Err(error.into()),
        };
        Ok(Start {
            plan,
            uuid,
            named,
            policy: RunPolicy::StartFreshNewRun,
            request_time,
            origin,
            results,
            timeout,
            instance_step_concurrency,
            failed,
        })
    }
}

/// A start whose params are to be evaluated.
struct Starting {
    plan: Arc<Plan>,
    properties: Arc<Properties>,
    uuid: Uuid,
    initiator: Initiator,
    run_params: ParamMap,
    now: i64,
}

impl Starting {
    fn new(target: Target, request: StartRequest, user: &User, now: i64) -> Self {
        Self {
            uuid: request.request_id.unwrap_or_else(Uuid::new_v4),
            initiator: match request.initiator {
                Initiator::Manual { depth, .. } => Initiator::Manual {
                    depth,
                    user: Some(user.clone()),
                },
                other => other,
            },
            run_params: request.run_params.unwrap_or_default(),
            now,
            plan: target.plan,
            properties: target.properties,
        }
    }

    fn facts(&self) -> Facts<'_> {
        Facts {
            workflow: &self.plan.workflow,
            id: None,
            policy: RunPolicy::StartFreshNewRun,
            started_by: StartedBy::Initiator(&self.initiator),
            owner: self.properties.owner.as_ref().map_or("", |o| o.name()),
            created: self.now,
            uuid: self.uuid,
        }
    }

    fn preview(&self) -> Result<Preview, ParamError> {
        // An instance that is not there has the number 0.
        let id = InstanceRef {
            instance: 0,
            run: 1,
        };
        let facts = Facts {
            id: Some(id),
            ..self.facts()
        };
        preview(&self.plan, &self.run_params, facts)
    }

    /// The params and the time-out.
    fn evaluate(&self, fuel: Option<u32>) -> Result<(Arc<Results>, Option<i64>), ParamError> {
        let facts = self.facts();
        let mut moment = Moment::new(self.now, &self.uuid);
        if let Some(fuel) = fuel {
            moment = moment.with_fuel(fuel);
        }
        let results = evaluate_start(&self.plan, &self.run_params, facts, &Nothing, &mut moment)?;
        let results = match results.is_empty() {
            true => self.plan.no_results(),
            false => Arc::new(results),
        };
        let timeout = self
            .plan
            .timeout
            .resolve(|| RunParams::new(&self.plan, &results, facts))?;
        Ok((results, timeout))
    }
}

/// Where a run comes from, as it is stored.
fn origin(starting: &Starting) -> Origin {
    let text = |json: String| -> Option<Box<str>> { Some(json.into()) };
    let mut origin = Origin::default();
    match &starting.initiator {
        Initiator::Manual {
            depth: 0,
            user: Some(user),
        } => origin.user = text(to_text(user)),
        other => origin.initiator = text(to_text(other)),
    }
    if !starting.run_params.is_empty() {
        origin.run_params = text(to_text(&starting.run_params));
    }
    origin
}

/// The events of a run that is stored although its params failed (spec 02 W-5, 05 CR-9).
fn failure(error: &ParamError, initiator: &Initiator, now: i64) -> Vec<TimelineEvent> {
    vec![
        TimelineEvent::info(now, initiator_text(initiator)),
        TimelineEvent::Details {
            at: now,
            status: "INTERNAL_ERROR".into(),
            message: "Failed to initiate workflow params and properties".into(),
            errors: error.texts(),
            retryable: false,
        },
    ]
}

fn compile(
    workflow: Arc<Workflow>,
    rules: &Arc<maestro_core::params::Rules>,
) -> Result<Plan, EngineError> {
    Plan::compile(workflow, 0, rules.clone())
        .map_err(|error: PlanError| EngineError::BadRequest(error.to_string()))
}

/// Shell and Python steps whose literal settings cannot run are refused where the user can still mend them (decision 27).
fn check_scripts(plan: &Plan) -> Result<(), EngineError> {
    for (ord, step) in plan.steps.iter().enumerate() {
        let definition = &plan.workflow.steps[ord];
        let key = match step.ty {
            StepType::Shell => "shell",
            StepType::Python => "python",
            _ => continue,
        };
        if definition
            .params
            .as_ref()
            .is_none_or(|params| !params.contains_key(key))
        {
            return Err(EngineError::BadRequest(format!(
                "workflow.steps[{ord}].step.params: step [{}] of type {} needs a MAP param `{key}` with its script",
                step.id,
                step.ty.as_str()
            )));
        }
    }
    Ok(())
}
