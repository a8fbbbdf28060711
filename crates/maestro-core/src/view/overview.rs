//! Overviews of a run's steps: by status, rolled up, and aggregated over runs (spec 05 sections 10 and 11).

use std::collections::BTreeSet;

use maestro_model::codec::{At, FromJson, JsonError, Members};
use maestro_model::json::{Json, ToJson, Writer};
use maestro_model::state::{
    InstanceStatus, Millis, RunPolicy, RunStatus, Stamp, StepOrd, StepRow, StepStatus,
};
use maestro_model::{Map, Str};

use super::{RunSource, Written};

/// The latest attempt of each step of the run's DAG that has one, with the step's ordinal, in DAG order.
#[derive(Debug)]
pub(super) struct Attempts<'a>(Vec<(i64, &'a StepRow)>);

impl<'a> Attempts<'a> {
    /// Of rows in any order; of several attempts of a step the last one counts.
    pub(super) fn new(source: &RunSource<'_>, rows: &'a [StepRow]) -> Self {
        let mut latest: Vec<Option<&StepRow>> = vec![None; source.plan.steps.len()];
        for row in rows {
            if let Some(slot) = latest.get_mut(row.step as usize)
                && slot.is_none_or(|known| known.attempt < row.attempt)
            {
                *slot = Some(row);
            }
        }
        let numbered = (1..).zip(source.dag());
        Self(
            numbered
                .filter_map(|(ordinal, step)| Some((ordinal, latest[step as usize]?)))
                .collect(),
        )
    }

    /// The attempts with a status.
    fn with(&self, status: StepStatus) -> impl Iterator<Item = &(i64, &'a StepRow)> {
        self.0
            .iter()
            .filter(move |(_, row)| row.state.status == status)
    }
}

/// `runtime_overview` (spec 05 section 10.1); only of a run whose steps have begun.
pub(super) struct RuntimeOverview<'a> {
    pub(super) source: RunSource<'a>,
    pub(super) attempts: &'a Attempts<'a>,
    /// The aggregated view before the run, if it is a restart run.
    pub(super) baseline: Option<&'a Aggregated>,
}

impl RuntimeOverview<'_> {
    /// Leaves of earlier runs that this run does not run again (spec 05 OV-10).
    fn inherited(&self) -> impl Iterator<Item = (&Str, &StepSummary)> {
        let begins_anew = self.source.run.body.policy == RunPolicy::RestartFromBeginning;
        self.baseline
            .filter(|_| !begins_anew)
            .into_iter()
            .flat_map(|baseline| &baseline.steps)
            .filter(|(id, _)| {
                let step = self.source.plan.index.get(*id);
                step.is_none_or(|step| !self.source.has_step(*step))
            })
    }

    /// The leaves with a status: how many, and which, by `workflow:run` (spec 05 OV-4, OV-8).
    fn leaves(&self, status: StepStatus) -> (i64, Map<Vec<Str>>) {
        let workflow = self.source.workflow_id();
        let id = self.source.run.id;
        let mut count = 0;
        let mut refs: Map<Vec<Str>> = Map::default();
        let mut add = |run: i64, step: &str, attempt: u32| {
            count += 1;
            if status.keeps_reference() {
                refs.entry(format!("{workflow}:{run}").into())
                    .or_default()
                    .push(format!("{}:{step}:{attempt}", id.instance).into());
            }
        };
        for (_, row) in self.attempts.with(status) {
            add(id.run, &self.source.plan.step(row.step).id, row.attempt);
        }
        for (step, view) in self.inherited() {
            if view.status == status {
                add(view.run.unwrap_or_default(), step, 0);
            }
        }
        (count, refs)
    }

    fn write_steps(&self, out: &mut Writer) {
        out.object(|o| {
            for status in StepStatus::ALL {
                let count = self.attempts.with(status).count();
                if count == 0 {
                    continue;
                }
                let steps = Written(|out: &mut Writer| {
                    out.array(self.attempts.with(status).map(|(ordinal, row)| {
                        let times = &row.state.times;
                        vec![
                            Some(*ordinal),
                            times.get(Stamp::Start),
                            times.get(Stamp::End),
                        ]
                    }));
                });
                o.always(
                    status.as_str(),
                    &Written(|out: &mut Writer| {
                        out.object(|o| {
                            o.always("cnt", &length(count));
                            o.always("steps", &steps);
                        });
                    }),
                );
            }
        });
    }

    fn write_rollup(&self, out: &mut Writer) {
        let leaves: Vec<_> = StepStatus::ALL
            .into_iter()
            .map(|status| (status, self.leaves(status)))
            .filter(|(_, (count, _))| *count > 0)
            .collect();
        let total: i64 = leaves.iter().map(|(_, (count, _))| count).sum();
        out.object(|o| {
            o.always("total_leaf_count", &total);
            if leaves.is_empty() {
                return;
            }
            o.always(
                "overview",
                &Written(|out: &mut Writer| {
                    out.object(|o| {
                        for (status, (count, refs)) in &leaves {
                            o.always(
                                status.as_str(),
                                &Written(|out: &mut Writer| {
                                    out.object(|o| {
                                        o.always("cnt", count);
                                        o.filled("ref", refs);
                                    });
                                }),
                            );
                        }
                    });
                }),
            );
        });
    }
}

impl ToJson for RuntimeOverview<'_> {
    fn write(&self, out: &mut Writer) {
        let head = &self.source.run.head;
        let own = head.own_result.map(RunStatus::public);
        out.object(|o| {
            o.always("total_step_count", &length(self.source.dag().count()));
            o.always(
                "step_overview",
                &Written(|out: &mut Writer| self.write_steps(out)),
            );
            o.always(
                "rollup_overview",
                &Written(|out: &mut Writer| self.write_rollup(out)),
            );
            o.member(
                "run_status",
                &own.filter(|own| *own != head.status.public()),
            );
        });
    }
}

fn length(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// One step over all runs of an instance (spec 06 section 1.6).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct StepSummary {
    run: Option<i64>,
    status: StepStatus,
    start: Option<Millis>,
    end: Option<Millis>,
}

/// `aggregated_info` (spec 05 section 11).
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Aggregated {
    status: InstanceStatus,
    steps: Map<StepSummary>,
}

impl Aggregated {
    /// The view as it is now: that before the run, overlaid by the attempts of the run (spec 05 AG-1 to AG-4).
    pub(super) fn now(
        source: &RunSource<'_>,
        attempts: &Attempts<'_>,
        baseline: Option<&Self>,
    ) -> Self {
        let mut steps = baseline.map_or_else(Map::default, |baseline| baseline.steps.clone());
        // Every step of the DAG runs again. (A run from one step will leave roots out, spec 05 AG-4.)
        if !steps.is_empty() {
            let attempted: BTreeSet<StepOrd> = attempts.0.iter().map(|(_, row)| row.step).collect();
            let again = source.dag().filter(|step| !attempted.contains(step));
            let again: BTreeSet<&Str> = again.map(|step| &source.plan.step(step).id).collect();
            steps.retain(|id, _| !again.contains(id));
        }
        for (_, row) in &attempts.0 {
            let times = &row.state.times;
            steps.insert(
                source.plan.step(row.step).id.clone(),
                StepSummary {
                    run: Some(source.run.id.run),
                    status: row.state.status,
                    start: times.get(Stamp::Start),
                    end: times.get(Stamp::End),
                },
            );
        }
        for step in &source.plan.steps {
            steps.entry(step.id.clone()).or_insert(StepSummary {
                run: None,
                status: StepStatus::NotCreated,
                start: None,
                end: None,
            });
        }
        Self {
            status: source.run.head.status.public(),
            steps,
        }
    }
}

impl ToJson for Aggregated {
    fn write(&self, out: &mut Writer) {
        out.object(|o| {
            o.always("workflow_instance_status", &self.status);
            o.filled("step_aggregated_views", &self.steps);
        });
    }
}

impl FromJson for Aggregated {
    fn from_json(json: Json, at: &At<'_>) -> Result<Self, JsonError> {
        let mut members = Members::open(json, at)?;
        let steps: Option<Map<StepSummary>> = members.field("step_aggregated_views")?;
        Ok(Self {
            status: members.field("workflow_instance_status")?,
            steps: steps.unwrap_or_default(),
        })
    }
}

impl ToJson for StepSummary {
    fn write(&self, out: &mut Writer) {
        out.object(|o| {
            o.member("workflow_run_id", &self.run);
            o.always("status", &self.status);
            o.member("start_time", &self.start);
            o.member("end_time", &self.end);
        });
    }
}

impl FromJson for StepSummary {
    fn from_json(json: Json, at: &At<'_>) -> Result<Self, JsonError> {
        let mut members = Members::open(json, at)?;
        Ok(Self {
            run: members.field("workflow_run_id")?,
            status: members.field("status")?,
            start: members.field("start_time")?,
            end: members.field("end_time")?,
        })
    }
}
