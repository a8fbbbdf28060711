//! The store: it remembers what the engine decided, and answers what readers ask.
//!
//! It owns the rows on disk: how they are encoded, found, migrated and deleted. It knows nothing of rules: a transition
//! pushes rows into a [`Batch`] (a [`maestro_model::state::RowSink`]), the committer hands batches to the one [`Writer`],
//! and whoever renders something takes a [`Snapshot`] from [`Readers`]. No clock, no async, no knowledge of definitions.
//!
//! # Promises
//! - [`Writer::commit`] is atomic over all batches that it is given, and durable when it returns `Ok`.
//! - [`CommitError::Retry`] left nothing behind: the same batches may be committed again unchanged.
//!   [`CommitError::Fatal`] means that the process has to end; recovery is the only roll-back (design, rule 2).
//! - A snapshot shows one moment, and everything that was committed before its first read.
//!
//! # Use
//! ```no_run
//! use maestro_store::{Batch, sqlite};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut store = sqlite::open("data".as_ref(), &sqlite::Options::default())?;
//! let batch = Batch::default(); // a RowSink: transitions push rows into it
//! store.writer.commit(&mut [&batch].into_iter())?;
//! let snapshot = store.readers.snapshot()?;
//! let workflow = snapshot.workflow("etl")?;
//! # Ok(())
//! # }
//! ```
//! The layout on disk, the choices behind it and their figures are described in [`sqlite`].

mod api;
mod batch;
mod document;
mod error;
mod outbox;
pub mod sqlite;

pub use api::{
    HistoryLine, InstanceFilter, InstanceList, LiveRuns, OutboxRow, PreviousWorkflow, PurgeStage,
    Purged, Readers, RunRange, RunSteps, SHARDS, ShardSet, Snapshot, StatusCounts, Store, Writer,
};
pub use batch::Batch;
pub use document::{DocumentChange, DocumentKind};
pub use error::{CommitError, FatalReason, OpenError, ReadError, RetryReason, Source};
pub use outbox::{ChangeRecord, Changes, decode_changes};
