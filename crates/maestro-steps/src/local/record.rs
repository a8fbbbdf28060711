//! The records of a job's folder: what server and supervisor tell each other, over the death of either.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::process::ProcessIdentity;

/// The version of the folder's layout and of its records. A newer server reads older ones (`spec 07 BX-18`).
pub(crate) const FORMAT_VERSION: u32 = 1;

/// `job.json`: all that the supervisor has to know.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct JobRecord {
    pub(crate) version: u32,
    pub(crate) key: String,
    pub(crate) argv: Vec<String>,
    pub(crate) env: Vec<(String, String)>,
    pub(crate) workdir: PathBuf,
    pub(crate) log: PathBuf,
    pub(crate) max_log_bytes: u64,
    pub(crate) grace_ms: u64,
    pub(crate) keep_background: bool,
    /// The most memory that a process of the job may use as data.
    pub(crate) memory_bytes: Option<u64>,
}

/// `main.json`: the job's main process, written when it has been started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MainRecord {
    pub(crate) process: ProcessIdentity,
    /// Milliseconds since the epoch.
    pub(crate) started_at: i64,
}

/// `exit.json`: how the job ended. Written when no process of it is left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ExitRecord {
    pub(crate) version: u32,
    pub(crate) end: End,
    /// Whether the supervisor was asked to end the job before it ended by itself.
    pub(crate) stop_asked: bool,
    /// Milliseconds since the epoch.
    pub(crate) started_at: i64,
    /// Milliseconds since the epoch.
    pub(crate) ended_at: i64,
    /// Why bytes are missing in the log, if writing it failed.
    pub(crate) log_error: Option<String>,
}

/// The end of a job's main process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum End {
    /// It ended by itself.
    Exited(i32),
    /// A signal ended it.
    Signalled(i32),
    /// It was never started: this is why.
    NotStarted(StartFailure),
    /// It was never started, since it was stopped before.
    StoppedBefore,
}

/// Why a job could not be started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StartFailure {
    pub(crate) message: String,
    /// Whether the node was at fault (out of processes or memory) and not the job.
    pub(crate) node: bool,
}

/// What a claim says: who has the right to decide about the start of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Claim {
    /// The supervisor that starts it, or has started it.
    Supervisor(ProcessIdentity),
    /// It was cancelled before it started; nobody will start it.
    Cancelled,
    /// It was declared lost; nobody will start it.
    Lost(String),
}

/// What a supervisor tells the server that started it, one line of JSON each.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Report {
    Started(MainRecord),
    Ended(ExitRecord),
    /// Somebody else holds the claim: it did not start anything.
    Refused,
    /// It could not even claim the job.
    Failed(String),
}
