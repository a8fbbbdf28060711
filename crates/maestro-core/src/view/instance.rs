//! A run as clients see it (spec 05 section 5.2, 04 section 9.1).

use maestro_model::Str;
use maestro_model::codec::to_text;
use maestro_model::definition::{TagList, Transition, User};
use maestro_model::json::{RawJson, ToJson, Writer};
use maestro_model::param::{ParamMap, Params};
use maestro_model::run::{Initiator, TimelineEvent as WireEvent};
use maestro_model::state::{InstanceStatus, RunStatus, StepOrd, StepRow, TimelineEvent};

use super::overview::{Aggregated, Attempts, RuntimeOverview};
use super::{Damaged, RunSource, Written, alerting, params, predecessors, stored, timeline};
use crate::plan::{Plan, Shown};

/// Which `aggregated_info` a view of a run has.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Aggregation {
    /// None.
    #[default]
    None,
    /// That of this moment (spec 05 AG-2).
    Live,
    /// What was stored when the run was created: the state before a restart run, nothing for a first run. A quirk of
    /// two lists that is matched (spec 05 RD-4a).
    Stored,
}

/// A run as clients see it.
#[derive(Debug)]
pub struct InstanceView<'a> {
    source: RunSource<'a>,
    attempts: Attempts<'a>,
    initiator: Initiator,
    runtime_tags: Option<TagList>,
    /// `None` where they could not be evaluated (spec 05 CR-9).
    params: Option<Params>,
    timeline: Vec<WireEvent>,
    baseline: Option<Aggregated>,
    aggregation: Aggregation,
}

impl<'a> InstanceView<'a> {
    /// Of a run and the latest attempt of each of its steps, in any order. `enriched` adds STATUS events to the timeline
    /// (spec 05 RD-2).
    ///
    /// # Errors
    /// A row is damaged.
    pub fn new(
        source: RunSource<'a>,
        steps: &'a [StepRow],
        enriched: bool,
        aggregation: Aggregation,
    ) -> Result<Self, Damaged> {
        let run = source.run;
        let origin = &*run.body.origin;
        let place = || {
            format!(
                "run [{}][{}][{}]",
                source.workflow_id(),
                run.id.instance,
                run.id.run
            )
        };
        let run_params = match &origin.run_params {
            Some(text) => stored(text, "run_params", place)?,
            None => ParamMap::default(),
        };
        let initiator = match (&origin.initiator, &origin.user) {
            (Some(text), _) => stored(text, "initiator", place)?,
            (None, user) => Initiator::Manual {
                depth: 0,
                user: user
                    .as_deref()
                    .map(|user| stored::<User>(user, "user", place))
                    .transpose()?,
            },
        };
        let tags = origin.runtime_tags.as_deref();
        let baseline = run.body.baseline.as_deref();
        Ok(Self {
            attempts: Attempts::new(&source, steps),
            initiator,
            runtime_tags: tags.map(|t| stored(t, "runtime_tags", place)).transpose()?,
            params: was_prepared(&source)
                .then(|| params::of_run(&source, &run_params))
                .transpose()?,
            timeline: events(&source, enriched),
            baseline: baseline
                .map(|text| stored(text, "baseline", place))
                .transpose()?,
            aggregation,
            source,
        })
    }

    fn write_run_config(&self, out: &mut Writer) {
        let body = &self.source.run.body;
        out.object(|o| {
            o.member("runtime_tags", &self.runtime_tags);
            o.member("correlation_id", &body.origin.correlation_id);
            o.always("policy", &body.policy);
            o.member(
                "restart_config",
                &raw(body.origin.restart_config.as_deref()),
            );
        });
    }

    /// The properties that the run started with (spec 05 CR-2), with its params in the alerting (spec 05 CR-7).
    fn write_properties(&self, out: &mut Writer) {
        let properties = self.source.properties;
        let alerting = properties
            .alerting
            .as_deref()
            .map(|alerting| match &self.params {
                Some(params) => alerting::of_run(alerting, params, self.source.plan.rules.size),
                None => alerting.clone(),
            });
        out.object(|o| {
            o.always("create_time", &self.source.run.body.properties);
            o.member("owner", &properties.owner.as_ref().map(User::name));
            o.member("alerting", &alerting);
            o.member("step_concurrency", &properties.step_concurrency);
            o.member("tags", &properties.tags);
        });
    }

    /// The version's definition with the tags of the run (spec 05 CR-1).
    fn write_workflow(&self, out: &mut Writer) {
        let workflow = &*self.source.plan.workflow;
        let tags: Option<TagList> = match (&workflow.tags, &self.runtime_tags) {
            (None, None) => None,
            (own, given) => Some(own.iter().chain(given).flatten().cloned().collect()),
        };
        out.object(|o| {
            o.always("id", &workflow.id);
            o.member("name", &workflow.name);
            o.member("description", &workflow.description);
            o.member("tags", &tags);
            o.member("timeout", &workflow.timeout);
            o.member("time_triggers", &workflow.time_triggers);
            o.member("signal_triggers", &workflow.signal_triggers);
            o.member("criticality", &workflow.criticality);
            o.member(
                "instance_step_concurrency",
                &self.source.run.body.instance_step_concurrency,
            );
            o.member("params", &workflow.params);
            o.always("steps", &RawJson(&self.shown().steps));
        });
    }

    /// What is the same for all runs of the version that run the whole DAG.
    fn shown(&self) -> &'a Shown {
        let plan = self.source.plan;
        plan.shown.get_or_init(|| {
            let all = (0..).zip(&plan.steps).map(|(step, _)| step);
            let mut dag = Writer::default();
            write_dag(&mut dag, plan, all, |_| true);
            Shown {
                steps: to_text(&plan.workflow.steps).into(),
                dag: dag.into_text().into(),
            }
        })
    }

    fn write_dag(&self, out: &mut Writer) {
        let source = &self.source;
        match source.run.body.dag {
            None => RawJson(&self.shown().dag).write(out),
            Some(_) => write_dag(out, source.plan, source.dag(), |step| source.has_step(step)),
        }
    }

    fn aggregated(&self) -> Option<Aggregated> {
        match self.aggregation {
            Aggregation::None => None,
            Aggregation::Stored => self.baseline.clone(),
            Aggregation::Live => Some(Aggregated::now(
                &self.source,
                &self.attempts,
                self.baseline.as_ref(),
            )),
        }
    }
}

fn write_dag(
    out: &mut Writer,
    plan: &Plan,
    steps: impl Iterator<Item = StepOrd>,
    has_step: impl Fn(StepOrd) -> bool + Copy,
) {
    out.object(|o| {
        for step in steps {
            o.always(&plan.step(step).id, &edges(plan, step, has_step));
        }
    });
}

/// A step's edges in the run's DAG, its predecessors filled in.
pub(super) fn transition(source: &RunSource<'_>, step: StepOrd) -> Transition {
    edges(source.plan, step, |step| source.has_step(step))
}

fn edges(plan: &Plan, step: StepOrd, has_step: impl Fn(StepOrd) -> bool) -> Transition {
    let definition = plan.definition(step);
    let inside = |id: &Str| {
        let successor = plan.index.get(id);
        successor.is_some_and(|successor| has_step(*successor))
    };
    Transition {
        predecessors: predecessors(plan, step, &has_step),
        successors: definition
            .transition
            .successors
            .iter()
            .filter(|(id, _)| inside(id))
            .map(|(id, condition)| (id.clone(), condition.clone()))
            .collect(),
    }
}

/// Whether the params of the run could be evaluated (spec 05 CR-9): if not, it has failed without having been at work, and
/// its timeline says why.
fn was_prepared(source: &RunSource<'_>) -> bool {
    let head = &source.run.head;
    let events = head.timeline.events();
    head.status.public() != InstanceStatus::Failed
        || head.dequeue_time.is_some()
        || !events
            .iter()
            .any(|event| matches!(event, TimelineEvent::Details { .. }))
}

fn events(source: &RunSource<'_>, enriched: bool) -> Vec<WireEvent> {
    let head = &source.run.head;
    // Without a stored timeline there is none (spec 05 RD-2).
    let statuses = [
        (
            InstanceStatus::Created.as_str(),
            Some(source.run.body.create_time),
        ),
        (InstanceStatus::InProgress.as_str(), head.start_time),
        (head.status.public().as_str(), head.end_time),
    ];
    let added = enriched && !head.timeline.is_empty();
    timeline::events(&head.timeline, statuses.into_iter().filter(|_| added))
}

/// A JSON text of a row as it is.
pub(super) fn raw(text: Option<&str>) -> Option<RawJson<'_>> {
    text.map(RawJson)
}

impl ToJson for InstanceView<'_> {
    fn write(&self, out: &mut Writer) {
        let run = self.source.run;
        let (head, body) = (&run.head, &run.body);
        let origin = &*body.origin;
        let picked_up = head.dequeue_time.is_some() || head.status == RunStatus::PickedUp;
        let begun = picked_up && head.start_time.is_some();
        out.object(|o| {
            o.always("workflow_id", self.source.workflow_id());
            o.always("workflow_instance_id", &run.id.instance);
            o.always("workflow_run_id", &run.id.run);
            o.always("workflow_uuid", &body.uuid);
            o.always("correlation_id", &*self.source.correlation_id());
            o.always("workflow_version_id", &body.version);
            o.always("group_info", &body.group_info);
            o.always("internal_id", &run.workflow.0);
            o.member("execution_id", &picked_up.then_some(body.uuid));
            o.always(
                "run_config",
                &Written(|out: &mut Writer| self.write_run_config(out)),
            );
            o.always(
                "run_params",
                &RawJson(origin.run_params.as_deref().unwrap_or("{}")),
            );
            o.member("step_run_params", &raw(origin.step_run_params.as_deref()));
            o.always(
                "run_properties",
                &Written(|out: &mut Writer| self.write_properties(out)),
            );
            o.always(
                "runtime_workflow",
                &Written(|out: &mut Writer| self.write_workflow(out)),
            );
            o.always(
                "runtime_dag",
                &Written(|out: &mut Writer| self.write_dag(out)),
            );
            o.member("timeout_in_millis", &body.timeout);
            o.member("params", &self.params);
            o.always("initiator", &self.initiator);
            o.always("status", &head.status.public());
            o.always("request_time", &body.request_time);
            o.always("create_time", &body.create_time);
            o.member("start_time", &head.start_time);
            o.member("end_time", &head.end_time);
            o.always("modify_time", &head.modify_time);
            o.member(
                "runtime_overview",
                &begun.then_some(RuntimeOverview {
                    source: self.source,
                    attempts: &self.attempts,
                    baseline: self.baseline.as_ref(),
                }),
            );
            o.filled("artifacts", &raw(origin.artifacts.as_deref()));
            o.filled("timeline", &self.timeline);
            o.member("aggregated_info", &self.aggregated());
        });
    }
}
