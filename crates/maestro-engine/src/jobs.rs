//! The way to the step runtimes and back.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use maestro_core::message::{Launch, News, Outcome, Report};
use maestro_model::Str;
use maestro_model::codec::to_text;
use maestro_model::definition::LeafType;
use maestro_model::state::{AttemptRef, TimelineEvent};
use maestro_steps::local::{JobIdentity, JobKey, LocalExecutor};
use maestro_steps::runtimes::{self, AttemptEnd, Runtimes};
use uuid::Uuid;

/// Which attempt of which workflow a job is.
type Routes = Arc<Mutex<HashMap<JobKey, (Str, AttemptRef)>>>;

/// Takes reports for workflows.
type ReportTo = Arc<dyn Fn(&Str, Report) + Send + Sync>;

/// The runtimes, as the engine uses them.
pub(crate) struct Jobs {
    runtimes: Option<Runtimes>,
    routes: Routes,
    /// Takes reports.
    report: ReportTo,
    clock: Arc<crate::clock::Clock>,
}

impl Jobs {
    pub(crate) fn new(
        open: impl FnOnce(
            Box<dyn Fn(runtimes::Report) + Send + Sync>,
        ) -> Result<Option<Runtimes>, maestro_steps::local::OpenError>,
        clock: Arc<crate::clock::Clock>,
        report: ReportTo,
    ) -> Result<Self, maestro_steps::local::OpenError> {
        let routes = Routes::default();
        let (to, known, time) = (report.clone(), routes.clone(), clock.clone());
        let runtimes = open(Box::new(move |news| {
            let key = match &news {
                runtimes::Report::Started { key, .. } => key,
                runtimes::Report::Ended(end) => &end.key,
            };
            let route = known
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .get(key)
                .cloned();
            if let Some((workflow, at)) = route {
                to(&workflow, translate(at, news, time.now()));
            }
        }))?;
        Ok(Self {
            runtimes,
            routes,
            report,
            clock,
        })
    }

    pub(crate) fn local(&self) -> Option<&LocalExecutor> {
        self.runtimes.as_ref().map(Runtimes::local)
    }

    /// Removes what belongs to no attempt at work.
    pub(crate) fn sweep(&self, known: std::collections::HashSet<JobKey>) {
        if let Some(runtimes) = &self.runtimes {
            runtimes.sweep(known);
        }
    }

    pub(crate) fn launch(&self, workflow: &Str, launch: &Launch) {
        let Some(key) = key_of(&launch.uuid) else {
            return;
        };
        let Some(runtimes) = &self.runtimes else {
            let text = format!(
                "step type {} runs as a local process, and this server does not run local jobs; see the setting \
                 steps.local.enabled",
                launch.ty.as_str()
            );
            return (self.report)(
                workflow,
                ended(launch.at, Outcome::FatalError, &text, self.clock.now()),
            );
        };
        let mut routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        routes.insert(key.clone(), (workflow.clone(), launch.at));
        drop(routes);
        let step = launch.plan.definition(launch.at.step);
        let launched = runtimes::Launch {
            step_type: launch.ty,
            identity: JobIdentity {
                workflow_id: workflow.to_string(),
                instance_id: launch.id.instance,
                run_id: launch.id.run,
                step_id: step.id.to_string(),
                attempt_id: launch.at.attempt.into(),
                key,
                root: (workflow.to_string(), launch.id.instance),
            },
            workflow_params: Arc::new(launch.workflow_params()),
            step_params: launch.step_params(),
        };
        if launch.adopt {
            runtimes.adopt(std::slice::from_ref(&launched));
        } else {
            runtimes.start(&launched);
        }
    }

    pub(crate) fn cancel(&self, uuid: &Uuid, _ty: LeafType) {
        if let (Some(runtimes), Some(key)) = (&self.runtimes, key_of(uuid)) {
            runtimes.cancel(&key);
        }
    }

    pub(crate) fn release(&self, uuid: &Uuid, _ty: LeafType) {
        let Some(key) = key_of(uuid) else { return };
        self.routes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&key);
        if let Some(runtimes) = &self.runtimes {
            runtimes.release(&key);
        }
    }
}

pub(crate) fn key_of(uuid: &Uuid) -> Option<JobKey> {
    JobKey::new(uuid.to_string()).ok()
}

fn ended(at: AttemptRef, outcome: Outcome, message: &str, now: i64) -> Report {
    let timeline = if message.is_empty() {
        Vec::new()
    } else {
        vec![TimelineEvent::info(now, message.to_owned())]
    };
    Report {
        at,
        news: News::Ended(outcome),
        artifacts: Vec::new(),
        timeline,
    }
}

/// A runtime's report in the core's words.
fn translate(at: AttemptRef, news: runtimes::Report, now: i64) -> Report {
    match news {
        runtimes::Report::Started { artifact, .. } => Report {
            at,
            news: News::Started,
            artifacts: vec![(artifact.key.into(), to_text(&artifact.json).into())],
            timeline: Vec::new(),
        },
        runtimes::Report::Ended(end) => {
            let AttemptEnd {
                outcome,
                message,
                outputs,
                artifact,
                ..
            } = *end;
            let retryable = outputs
                .artifacts
                .get("maestro_retry")
                .and_then(|retry| retry.pointer("/retryable")?.as_bool())
                .unwrap_or(true);
            let done = outcome == maestro_steps::local::Outcome::Done;
            let outcome = match outcome {
                maestro_steps::local::Outcome::Done => {
                    let values = outputs
                        .params
                        .iter()
                        .filter_map(|(name, param)| Some((name.clone(), param.result()?.clone())))
                        .collect();
                    Outcome::Done { outputs: values }
                }
                maestro_steps::local::Outcome::UserError => Outcome::UserError { retryable },
                maestro_steps::local::Outcome::PlatformError => {
                    Outcome::PlatformError { retryable }
                }
                maestro_steps::local::Outcome::FatalError => Outcome::FatalError,
                maestro_steps::local::Outcome::Stopped => Outcome::Stopped,
            };
            let mut report = ended(at, outcome, &message, now);
            if let Some(artifact) = artifact {
                report
                    .artifacts
                    .push((artifact.key.into(), to_text(&artifact.json).into()));
            }
            // Output may not overwrite what the system keeps there (spec 07 C-16).
            for (key, json) in outputs.artifacts.iter() {
                let own = key == "maestro_retry" || key == "maestro_dynamic_output";
                if own || (done && !key.starts_with("maestro_")) {
                    report.artifacts.push((key.into(), to_text(json).into()));
                }
            }
            report
        }
    }
}
