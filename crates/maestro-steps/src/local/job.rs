//! What the executor is given, and what it reports.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::outputs::{Declared, Outputs};

/// The name of an attempt's job: the attempt's uuid.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JobKey(String);

/// A text that cannot name a job.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` cannot name a job; a step uuid has 1 to 64 letters, digits, `-` and `_`")]
pub struct InvalidJobKey(String);

impl JobKey {
    /// Takes the uuid of a step attempt. It becomes the name of files, so it has 1 to 64 letters, digits, `-`, `_`.
    pub fn new(step_uuid: impl Into<String>) -> Result<Self, InvalidJobKey> {
        let text = step_uuid.into();
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        if (1..=64).contains(&text.len()) && text.bytes().all(plain) {
            Ok(Self(text))
        } else {
            Err(InvalidJobKey(text))
        }
    }

    /// The uuid.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for JobKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The attempt that a job belongs to. It is durable before the launch and the same after a crash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobIdentity {
    /// The workflow, possibly an inline one.
    pub workflow_id: String,
    /// The workflow instance.
    pub instance_id: i64,
    /// The run of the instance.
    pub run_id: i64,
    /// The step.
    pub step_id: String,
    /// The attempt of the step, from 1.
    pub attempt_id: i64,
    /// The attempt's uuid.
    pub key: JobKey,
    /// The topmost instance, whose jobs share a folder (`spec 07 BX-15`).
    pub root: (String, i64),
}

/// The command of a job: `before`, then the path of the file that holds `script` if there is one, then `after`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommandLine {
    /// The program and its first arguments.
    pub before: Vec<String>,
    /// Text that is written to a file, verbatim.
    pub script: Option<String>,
    /// The other arguments.
    pub after: Vec<String>,
}

/// A job to run. Holds everything; nothing of it is looked up later.
#[derive(Clone, Debug)]
pub struct Job {
    /// Whose it is.
    pub identity: JobIdentity,
    /// `job_deduplication_key`: within a workflow at most one job of a key runs at a time; an attempt that is launched
    /// with the key of a running job takes part in that one (`spec 07 BX-2, BX-17`).
    pub dedup_key: Option<String>,
    /// What to run.
    pub command: CommandLine,
    /// Environment beside what every job gets; may override the latter's `PATH`, `LANG`, `TZ` and `HOME`.
    pub env: BTreeMap<String, String>,
    /// The content of the file that `MAESTRO_PARAMS_FILE` names.
    pub params: Vec<u8>,
    /// The folder to run in; absent: a fresh one that goes with the job.
    pub workdir: Option<PathBuf>,
    /// The time between `TERM` and `KILL`.
    pub grace: Duration,
    /// Exit codes after which the step is not retried.
    pub fatal_exit_codes: Vec<i64>,
    /// Whether processes that the job leaves behind live on.
    pub keep_background: bool,
    /// The most memory in bytes that a process of the job may use.
    pub memory_bytes: Option<u64>,
    /// The log's first line, if there is something to say.
    pub first_log_line: Option<String>,
    /// The params that the job's output can set.
    pub declared: Declared,
    /// A file that must be there, relative to the working folder: `script_path`.
    pub needs_file: Option<PathBuf>,
    /// What the job is for its runtime; comes back with its events.
    pub label: Label,
}

/// What a runtime wants to know when it hears of its job.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Label {
    /// The key of the artifact, such as `maestro_shell`.
    pub artifact_key: &'static str,
    /// Its type, such as `SHELL`.
    pub artifact_type: &'static str,
    /// `execution_script` of the artifact.
    pub execution_script: Option<String>,
}

impl Job {
    /// The name of the job's attempt.
    pub fn key(&self) -> &JobKey {
        &self.identity.key
    }

    /// `job_id` in the artifact (`spec 07 BX-2`).
    pub fn job_id(&self) -> &str {
        self.dedup_key.as_deref().unwrap_or(self.key().as_str())
    }
}

/// What the executor reports. For an attempt that was launched or adopted: at most one `Started`, then exactly one
/// `Ended`; adopting it again in the same process repeats the last of them, so a receiver has to be idempotent.
#[derive(Clone, Debug)]
pub enum Event {
    /// The job's process runs.
    Started(Started),
    /// The job is over and none of its processes is left.
    Ended(Box<Ended>),
}

/// A running job, for the artifact (`spec 07 BX-10`).
#[derive(Clone, Debug)]
pub struct Started {
    /// The attempt.
    pub key: JobKey,
    /// The job.
    pub job: Arc<Job>,
    /// `node`.
    pub node: String,
    /// `pid` of the main process.
    pub pid: i32,
    /// Start of the main process in clock ticks since boot: with `pid`, who it is.
    pub pid_start_ticks: u64,
    /// `command`: what is actually run.
    pub command: Vec<String>,
    /// `start_time`, milliseconds since the epoch.
    pub start_time: i64,
    /// `log_location`.
    pub log_location: PathBuf,
}

/// The end of a job.
#[derive(Clone, Debug)]
pub struct Ended {
    /// The attempt.
    pub key: JobKey,
    /// The job; of an attempt that was cancelled without being known, only its name.
    pub job: Arc<Job>,
    /// What was reported when it started; absent if it never did.
    pub started: Option<Started>,
    /// What it means for the step.
    pub outcome: Outcome,
    /// One sentence about the end for the timeline; empty for a plain success.
    pub message: String,
    /// What the job put out; on failure only the artifact `maestro_retry` has an effect (`spec 07 C-18`).
    pub outputs: Outputs,
    /// `exit_code`, if it ended by itself.
    pub exit_code: Option<i32>,
    /// `signal`: the name of the signal that ended it, such as `SIGSEGV`.
    pub signal: Option<String>,
    /// `start_time`, milliseconds since the epoch; absent if it never started.
    pub start_time: Option<i64>,
    /// `end_time`, milliseconds since the epoch; absent if nobody knows it.
    pub end_time: Option<i64>,
    /// `execution_output`: the log's end (`spec 07 K8-5`); absent if it never started.
    pub execution_output: Option<String>,
}

/// The runtime's result (`spec 07 C-3, BX-5`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It succeeded.
    Done,
    /// The job failed.
    UserError,
    /// The job failed and trying again makes no sense.
    FatalError,
    /// The machine or we failed.
    PlatformError,
    /// It was stopped because that was asked for.
    Stopped,
}
