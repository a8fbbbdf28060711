//! Errors, by what the caller can do next.

use std::path::PathBuf;

/// The error of the backend underneath, for the log.
pub type Source = Box<dyn std::error::Error + Send + Sync>;

/// A commit did not happen.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// The store cannot take it now. The transaction left nothing: commit the same batches again, unchanged.
    #[error("the store takes no writes at the moment: {reason}")]
    Retry {
        /// What is in the way.
        reason: RetryReason,
        /// What the backend said.
        #[source]
        source: Source,
    },
    /// The store can no longer be trusted, or the engine broke an invariant: the process has to end.
    #[error("the store failed and the server must be restarted: {reason}")]
    Fatal {
        /// What broke.
        reason: FatalReason,
        /// What the backend said.
        #[source]
        source: Source,
    },
}

impl CommitError {
    /// The same batches may be committed again.
    #[must_use]
    pub fn is_retry(&self) -> bool {
        matches!(self, Self::Retry { .. })
    }
}

/// Why a commit has to wait.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RetryReason {
    /// Another program holds the database.
    #[error("the database is locked by another program")]
    Busy,
    /// No space left, or a quota or the configured size is reached.
    #[error("the disk is full")]
    Full,
    /// A write was refused before anything of it counted.
    #[error("the disk refused a write")]
    Write,
    /// Not enough memory.
    #[error("out of memory")]
    Memory,
    /// The connection to the database is lost.
    #[error("the database cannot be reached")]
    Away,
}

/// Why a commit must not be repeated.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum FatalReason {
    /// The file is damaged.
    #[error("the database file is damaged")]
    Corrupt,
    /// An I/O error after which nobody knows what is on disk (a failed fsync).
    #[error("an I/O error of the disk")]
    Io,
    /// A row contradicts those that are stored.
    #[error("a row breaks a constraint")]
    Constraint,
    /// Anything else that is not expected to go away by itself.
    #[error("an unexpected error of the database")]
    Other,
}

/// A read failed.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The database cannot be read at the moment; try again.
    #[error("the store cannot be read at the moment")]
    Retry(#[source] Source),
    /// The database failed.
    #[error("the store cannot be read")]
    Failed(#[source] Source),
    /// A stored row is not what this server writes.
    #[error("a stored {what} row cannot be decoded")]
    Decode {
        /// Kind of row.
        what: &'static str,
        /// Where it is wrong.
        #[source]
        source: Source,
    },
}

/// The store cannot be opened. Each is one sentence for whoever started the server.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The data directory cannot be created or written.
    #[error("the data directory `{}` is not writable: check its owner and permissions, or choose another", path.display())]
    NotWritable {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// Another server uses the data directory.
    #[error("the data directory `{}` is in use by another maestro server{}: stop that one first, or choose another", path.display(), holder(*pid))]
    InUse {
        /// The directory.
        path: PathBuf,
        /// Its process id, where it could be read.
        pid: Option<u32>,
    },
    /// A newer server wrote the database.
    #[error("the database `{}` has format {found}, this server knows formats up to {known}: start a newer server, or restore a backup", path.display())]
    NewerVersion {
        /// The database.
        path: PathBuf,
        /// Its format.
        found: i64,
        /// The newest known.
        known: i64,
    },
    /// Some other program's database.
    #[error("the file `{}` is not a maestro database: move it away, or choose another data directory", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The disk is full, or a quota or a size limit of files is reached.
    #[error("there is no room for the database `{}`: free some space on its disk, or raise the quota or the limit of file sizes (`ulimit -f`)", path.display())]
    NoRoom {
        /// The database.
        path: PathBuf,
        /// What the backend said.
        #[source]
        source: Source,
    },
    /// Anything else.
    #[error("the database `{}` cannot be opened", path.display())]
    Failed {
        /// The database.
        path: PathBuf,
        /// What the backend said.
        #[source]
        source: Source,
    },
}

fn holder(pid: Option<u32>) -> String {
    pid.map_or_else(String::new, |pid| format!(" (process {pid})"))
}
