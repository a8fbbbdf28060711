//! The front door: step attempts in, reports out, whatever runs them.

mod artifact;
mod environment;
mod python;
mod quantity;
mod settings;
mod shell;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use maestro_model::codec::to_text;
use maestro_model::definition::LeafType;
use maestro_model::json::Json;
use maestro_model::param::Params;

use crate::local::{
    CommandLine, Ended, Event, Job, JobIdentity, JobKey, LocalExecutor, LocalSettings, OpenError,
    Outcome, Started, first_chars,
};
use crate::outputs::{Declared, Outputs};
use settings::Settings;

pub use settings::Refusal;

/// How much of a script an artifact shows (`spec 07` 16.2).
const SCRIPT_CHARS: usize = 10_240;

/// An attempt that is to be run.
#[derive(Clone, Debug)]
pub struct Launch {
    /// The type of the step.
    pub step_type: LeafType,
    /// Whose attempt it is.
    pub identity: JobIdentity,
    /// The evaluated params of the workflow.
    pub workflow_params: Arc<Params>,
    /// The evaluated params of the step.
    pub step_params: Params,
}

/// What becomes of an attempt. After `start` or `adopt`: at most one `Started`, then one `Ended`. Adopting it again in the
/// same process repeats the last of them.
#[derive(Clone, Debug)]
pub enum Report {
    /// It runs: RUNNING, with this artifact.
    Started {
        /// The attempt.
        key: JobKey,
        /// The artifact as it is now.
        artifact: StepArtifact,
    },
    /// It is over, and nothing of it is left.
    Ended(Box<AttemptEnd>),
}

/// The end of an attempt.
#[derive(Clone, Debug)]
pub struct AttemptEnd {
    /// The attempt.
    pub key: JobKey,
    /// What it means for the step; what becomes of the step is the core's affair (`spec 07 C-3, C-4`).
    pub outcome: Outcome,
    /// One sentence for the timeline; empty for a plain success.
    pub message: String,
    /// To be merged on success; on failure only `maestro_retry` has an effect (`spec 07 C-16, C-18`).
    pub outputs: Outputs,
    /// The artifact in its last form; absent for an attempt that was cancelled without being known.
    pub artifact: Option<StepArtifact>,
}

/// The artifact of a runtime, with its key among the artifacts of the step.
#[derive(Clone, Debug, PartialEq)]
pub struct StepArtifact {
    /// Such as `maestro_shell`.
    pub key: &'static str,
    /// The object (`spec 07 BX-10`).
    pub json: Json,
}

/// What a step's map says to run; the rest of the map is still to be read.
struct Program<'a> {
    command: CommandLine,
    execution_script: Option<&'a str>,
    needs_file: Option<PathBuf>,
    settings: Settings<'a>,
}

/// All runtimes of this server.
///
/// Calls return at once. Reports come from other threads, in the order in which things happened to each attempt.
#[derive(Debug)]
pub struct Runtimes {
    local: LocalExecutor,
    python: python::Paths,
    report: Arc<dyn ReportTo>,
}

/// Where reports go.
trait ReportTo: Send + Sync {
    fn report(&self, report: Report);
}

impl std::fmt::Debug for dyn ReportTo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ReportTo")
    }
}

impl<F: Fn(Report) + Send + Sync> ReportTo for F {
    fn report(&self, report: Report) {
        self(report);
    }
}

impl Runtimes {
    /// Opens the runtimes, with local jobs in a folder of the data directory. Waits for the disk.
    pub fn open(
        folder: &Path,
        settings: LocalSettings,
        report: impl Fn(Report) + Send + Sync + 'static,
    ) -> Result<Self, OpenError> {
        let report: Arc<dyn ReportTo> = Arc::new(report);
        let to = report.clone();
        let local = LocalExecutor::open(folder, settings, move |event| to.report(event.into()))?;
        let python = python::Paths::install(&local.lib()).map_err(|source| OpenError::Io {
            path: local.lib(),
            source,
        })?;
        Ok(Self {
            local,
            python,
            report,
        })
    }

    /// Launches an attempt; again for the same attempt it does nothing (`spec 07 BX-2`).
    pub fn start(&self, launch: &Launch) {
        match self.job(launch) {
            Ok(job) => self.local.launch(job),
            Err(refusal) => self.refuse(launch, &refusal),
        }
    }

    /// Takes up attempts that the store knows as launched and not over, at recovery (`spec 07 BX-8`).
    pub fn adopt(&self, launches: &[Launch]) {
        let mut jobs = Vec::new();
        for launch in launches {
            match self.job(launch) {
                Ok(job) => jobs.push(job),
                Err(refusal) => self.refuse(launch, &refusal),
            }
        }
        self.local.adopt(jobs);
    }

    /// Ends an attempt (`spec 07 BX-6`); `Ended` comes when nothing of it is left. Harmless for one that is over.
    pub fn cancel(&self, key: &JobKey) {
        self.local.cancel(key);
    }

    /// Forgets an attempt whose terminal status is durable. Its log stays.
    pub fn release(&self, key: &JobKey) {
        self.local.release(key);
    }

    /// Removes what belongs to no attempt of `known`; to be called once, after `adopt`.
    pub fn sweep(&self, known: HashSet<JobKey>) {
        self.local.sweep(known);
    }

    /// The executor of local jobs: logs and folders of instances.
    pub fn local(&self) -> &LocalExecutor {
        &self.local
    }

    /// Makes sure that the step could run, as far as its evaluated params tell.
    pub fn check(&self, launch: &Launch) -> Result<(), Refusal> {
        self.job(launch).map(drop)
    }

    /// Nothing was started, and no retry would change that.
    fn refuse(&self, launch: &Launch, refusal: &Refusal) {
        let end = AttemptEnd {
            key: launch.identity.key.clone(),
            outcome: Outcome::FatalError,
            message: refusal.to_string(),
            outputs: Outputs::default(),
            artifact: None,
        };
        let report = self.report.clone();
        // The caller may hold what it needs to take in a report.
        self.local
            .later(move || report.report(Report::Ended(Box::new(end))));
    }

    /// The job that an attempt comes to.
    fn job(&self, launch: &Launch) -> Result<Job, Refusal> {
        let params = &launch.step_params;
        let (map_param, program) = match launch.step_type {
            LeafType::Shell => (shell::KEY, shell::program(params)?),
            LeafType::Python => (python::KEY, python::program(params, &self.python)?),
            other => {
                return Err(Refusal(format!(
                    "steps of type `{other}` cannot run on this server yet"
                )));
            }
        };
        let common = program.settings.common()?;
        let all = settings::all_params(&launch.workflow_params, params);
        let mut environment = environment::export(&all, map_param, common.env);
        if launch.step_type == LeafType::Python {
            let name = "PYTHONPATH";
            let users = environment.variables.get(name);
            let path = self.python.python_path(users, common.workdir.as_deref());
            environment.variables.insert(name.into(), path);
        }
        Ok(Job {
            identity: launch.identity.clone(),
            dedup_key: common.dedup_key,
            command: program.command,
            env: environment.variables,
            params: to_text(&all).into_bytes(),
            workdir: common.workdir,
            grace: common.grace,
            fatal_exit_codes: common.fatal_exit_codes,
            keep_background: common.keep_background,
            memory_bytes: common.memory_bytes,
            first_log_line: first_log_line(&environment.too_large, &common.not_enforced),
            declared: Declared::of(params),
            needs_file: program.needs_file,
            label: artifact::label(
                launch.step_type,
                program
                    .execution_script
                    .map(|text| first_chars(text, SCRIPT_CHARS).to_owned()),
            ),
        })
    }
}

impl From<Event> for Report {
    fn from(event: Event) -> Self {
        match event {
            Event::Started(started) => Report::Started {
                artifact: artifact::running(&started),
                key: started.key,
            },
            Event::Ended(ended) => Report::Ended(Box::new(AttemptEnd {
                artifact: artifact::ended(&ended),
                key: ended.key,
                outcome: ended.outcome,
                message: ended.message,
                outputs: ended.outputs,
            })),
        }
    }
}

/// What a user has to know before reading the log (`spec 07 BX-14`).
fn first_log_line(too_large: &[String], not_enforced: &[&str]) -> Option<String> {
    let mut parts = Vec::new();
    if !too_large.is_empty() {
        parts.push(format!(
            "too large for the environment, read from the file that MAESTRO_PARAMS_FILE names: {}",
            too_large.join(", ")
        ));
    }
    if !not_enforced.is_empty() {
        parts.push(format!(
            "not enforced by the local executor: {}",
            not_enforced.join(", ")
        ));
    }
    (!parts.is_empty()).then(|| format!("[maestro: {}]", parts.join("; ")))
}
