//! A step attempt as clients see it (spec 06 section 1.2, 04 section 11.1).

use maestro_model::Map;
use maestro_model::definition::{
    Backoff, ExponentialBackoff, FailureMode, ParsableLong, PerClass, ResolvedBackoff,
    ResolvedRetryPolicy, Step, TagList,
};
use maestro_model::json::{RawJson, ToJson, Writer};
use maestro_model::param::{Param, Params};
use maestro_model::run::TimelineEvent as WireEvent;
use maestro_model::state::{Retries, Stamp, StepRow, StepStatus, step_uuid};

use super::instance::{raw, transition};
use super::{Damaged, RunSource, Written, params, timeline};
use crate::plan::{PlanStep, Timeout};

/// A step attempt as clients see it.
#[derive(Debug)]
pub struct StepView<'a> {
    source: RunSource<'a>,
    row: &'a StepRow,
    params: Params,
    retry: ResolvedRetryPolicy,
    timeline: Vec<WireEvent>,
}

impl<'a> StepView<'a> {
    /// Of an attempt of a step of the run. `enriched` adds STATUS events to the timeline (spec 06 section 15.4).
    ///
    /// # Errors
    /// A row is damaged: its JSON, or a step that the version does not have.
    pub fn new(source: RunSource<'a>, row: &'a StepRow, enriched: bool) -> Result<Self, Damaged> {
        if source.plan.steps.len() <= row.step as usize {
            let (id, run) = (source.workflow_id(), source.run.id);
            return Err(Damaged::new(
                "step number",
                format!("run [{id}][{}][{}]", run.instance, run.run),
                format!("version [{}] has no step {}", source.plan.version, row.step),
            ));
        }
        Ok(Self {
            params: params::of_step(&source, row)?,
            retry: params::retry_policy(&source, row)?,
            timeline: events(row, enriched),
            source,
            row,
        })
    }

    fn plan(&self) -> &'a PlanStep {
        self.source.plan.step(self.row.step)
    }

    /// The definition with what the run knows of it (spec 06 section 1.2).
    fn definition(&self) -> Step {
        let mut step = self.source.plan.definition(self.row.step).clone();
        step.transition = transition(&self.source, self.row.step);
        step.failure_mode
            .get_or_insert(FailureMode::FailAfterRunning);
        step.params.get_or_insert_default();
        step
    }

    /// The tags of the definition. (Runtimes that add tags will store theirs, spec 06 P-7.)
    fn tags(&self) -> TagList {
        let definition = self.source.plan.definition(self.row.step);
        definition.tags.clone().unwrap_or_default()
    }

    /// The edges with the results of their conditions (spec 06 section 1.5).
    fn write_transition(&self, out: &mut Writer) {
        let state = &self.row.state;
        let at = state
            .times
            .get(Stamp::End)
            .or(state.times.get(Stamp::Modify));
        let definition = self.source.plan.definition(self.row.step);
        let mut successors: Map<Param> = Map::default();
        for (index, (id, text)) in definition.transition.successors.iter().enumerate() {
            let step = self.source.plan.index.get(id);
            if step.is_some_and(|step| self.source.has_step(*step)) {
                let result = state.conditions.as_ref().and_then(|c| c.get(index));
                let text = text.clone().unwrap_or_default();
                successors.insert(id.clone(), params::condition(&text, result, at));
            }
        }
        out.object(|o| {
            o.filled("predecessors", &self.source.predecessors(self.row.step));
            o.filled("successors", &successors);
        });
    }

    fn write_retry(&self, out: &mut Writer) {
        let policy = &self.retry;
        let made: Retries = self
            .row
            .state
            .retries
            .as_deref()
            .copied()
            .unwrap_or_default();
        out.object(|o| {
            o.always("error_retries", &i64::from(made.error));
            o.always("error_retry_limit", &policy.limit.error);
            o.always("platform_retries", &i64::from(made.platform));
            o.always("platform_retry_limit", &policy.limit.platform);
            o.always("timeout_retries", &i64::from(made.timeout));
            o.always("timeout_retry_limit", &policy.limit.timeout);
            o.always("manual_retries", &i64::from(made.manual));
            o.always("retryable", &!made.exhausted);
            o.always("backoff", &backoff(policy));
        });
    }

    fn write_runtime_state(&self, out: &mut Writer) {
        let state = &self.row.state;
        out.object(|o| {
            o.always("status", &state.status);
            for stamp in Stamp::ALL {
                o.member(stamp.field(), &state.times.get(stamp));
            }
        });
    }

    fn write_artifacts(&self, out: &mut Writer) {
        out.object(|o| {
            for (key, json) in self.row.state.artifacts.iter().flat_map(|a| a.iter()) {
                o.always(key, &RawJson(json));
            }
        });
    }

    /// The time-out in force, once it is known: from initialization on.
    fn timeout(&self) -> Option<i64> {
        let state = &self.row.state;
        state.times.get(Stamp::Initialize)?;
        state.timeout.or(match self.plan().timeout {
            Timeout::Millis(millis) => Some(millis),
            Timeout::Default | Timeout::Invalid(_) | Timeout::Template(_) => None,
        })
    }

    /// What the attempt announced. An attempt that got through FINISHING and stored nothing has no outputs
    /// (spec 06 SO-1).
    fn signal_outputs(&self) -> Option<RawJson<'_>> {
        let state = &self.row.state;
        let none = (state.status == StepStatus::Succeeded).then_some("{}");
        raw(state.signal_outputs.as_deref().or(none))
    }
}

fn events(row: &StepRow, enriched: bool) -> Vec<WireEvent> {
    let times = &row.state.times;
    let entered = StepStatus::ALL
        .into_iter()
        .filter(|status| !status.is_terminal())
        .filter_map(|status| Some((status.as_str(), times.get(Stamp::of(status)?))));
    let ended = (row.state.status.as_str(), times.get(Stamp::End));
    let added = entered.chain([ended]).filter(|_| enriched);
    timeline::events(&row.state.timeline, added)
}

/// The waiting times of a policy with all numbers filled in.
fn backoff(policy: &ResolvedRetryPolicy) -> Backoff {
    let number = |n: i64| Some(ParsableLong::Number(n));
    fn each<T, U>(values: &PerClass<T>, of: impl Fn(&T) -> U) -> PerClass<U> {
        PerClass {
            error: of(&values.error),
            platform: of(&values.platform),
            timeout: of(&values.timeout),
        }
    }
    match &policy.backoff {
        ResolvedBackoff::Fixed(secs) => Backoff::Fixed(each(secs, |secs| number(*secs))),
        ResolvedBackoff::Exponential(growth) => {
            Backoff::Exponential(each(growth, |growth| ExponentialBackoff {
                backoff_in_secs: number(growth.base),
                exponent: number(growth.exponent),
                limit_in_secs: number(growth.limit),
            }))
        }
    }
}

impl ToJson for StepView<'_> {
    fn write(&self, out: &mut Writer) {
        let (run, row) = (self.source.run, self.row);
        let id = &self.plan().id;
        out.object(|o| {
            o.always("workflow_id", self.source.workflow_id());
            o.always("workflow_instance_id", &run.id.instance);
            o.always("workflow_run_id", &run.id.run);
            o.always("step_id", id);
            o.always("step_attempt_id", &i64::from(row.attempt));
            o.always("workflow_uuid", &run.body.uuid);
            o.always(
                "step_uuid",
                &step_uuid(self.source.workflow_id(), &run.body.uuid, id, row.attempt),
            );
            o.always("correlation_id", &*self.source.correlation_id());
            o.always("step_instance_id", &i64::from(row.state.seq));
            o.always("workflow_version_id", &run.body.version);
            o.always("group_info", &run.body.group_info);
            o.member("owner", &self.source.properties.owner);
            o.always("definition", &self.definition());
            o.always("tags", &self.tags());
            o.always("params", &self.params);
            o.always(
                "transition",
                &Written(|out: &mut Writer| self.write_transition(out)),
            );
            o.always(
                "step_retry",
                &Written(|out: &mut Writer| self.write_retry(out)),
            );
            o.member("timeout_in_millis", &self.timeout());
            o.always(
                "runtime_state",
                &Written(|out: &mut Writer| self.write_runtime_state(out)),
            );
            o.member("signal_outputs", &self.signal_outputs());
            o.always(
                "artifacts",
                &Written(|out: &mut Writer| self.write_artifacts(out)),
            );
            o.filled("timeline", &self.timeline);
        });
    }
}
