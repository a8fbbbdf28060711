//! The store in one SQLite file.
//!
//! # Layout
//! A data directory holds `maestro.db` with its write-ahead log, and `lock`, which the server holds locked while it runs
//! (SQLite's exclusive mode would shut out the readers' own connections). Runs are appended: the integer key grows with
//! time, steps are clustered by (run, step, attempt), so that a batch touches few pages. Partial indexes cover what is
//! rare: live runs, runs with raw FAILED, runs that a client named by uuid.
//!
//! # The log
//! Commits append to the log and fsync it (`synchronous=FULL`). A thread of its own copies the log into the file, since
//! that costs 14-66 ms inside of a commit; only the end of such a round, a few pages, keeps commits waiting. The log
//! starts from its beginning again when all of it is copied and no reader needs it: a snapshot that is held for long
//! lets it grow.
//!
//! # Choices, measured with `benches/commit.rs`
//! - Pages of 4096 bytes: 8192 saves nothing for whole runs and doubles what a commit of a single row writes.
//! - `ON CONFLICT DO UPDATE` for steps: `INSERT OR REPLACE` costs the same but loses params that are to stay. Statements
//!   of four or ten rows are no faster than those of one.
//! - Rows are written in key order over all batches of a commit, since appending packs pages full.
//! - Room for rows to grow (16 or 24 bytes per step that is not over) saves 10 % of the space that page splits cost and
//!   no time: not worth it.
//!
//! Durability is that of the file system. A network share without working locks is not supported.

mod checkpoint;
mod classify;
mod documents;
mod gate;
mod open;
mod pool;
mod purge;
mod rows;
mod schema;
mod search;
mod snapshot;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::{OpenError, Store};

/// What can be chosen about the store. The defaults fit a server of some 50 MiB.
#[derive(Clone, Debug)]
pub struct Options {
    /// How long a commit waits for a lock that another program holds before it reports
    /// [`CommitError::Retry`](crate::CommitError::Retry).
    pub busy_timeout: Duration,
    /// Page cache of the writer, in bytes.
    pub writer_cache_bytes: u32,
    /// Page cache of each reading connection, in bytes.
    pub reader_cache_bytes: u32,
    /// Reading connections that are kept open; more are opened when needed and closed again.
    pub readers_kept: usize,
    /// The log is copied into the file when it is this long, in bytes.
    pub checkpoint_bytes: u64,
    /// Limit of the database file, in bytes; a commit beyond it fails like one on a full disk.
    pub max_bytes: Option<u64>,
    /// Size of a page of a new database: a power of two from 512 to 65536.
    pub page_bytes: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            busy_timeout: Duration::from_millis(100),
            writer_cache_bytes: 16 << 20,
            reader_cache_bytes: 2 << 20,
            readers_kept: 4,
            checkpoint_bytes: 16 << 20,
            max_bytes: None,
            page_bytes: 4096,
        }
    }
}

/// Opens the store in `dir`, creates or migrates it first. Holds the directory's lock until writer and readers are
/// dropped.
///
/// # Errors
/// See [`OpenError`].
pub fn open(dir: &Path, options: &Options) -> Result<Store, OpenError> {
    let database = Arc::new(open::database(dir, options)?);
    Ok(Store {
        writer: Box::new(writer::SqliteWriter::new(&database)?),
        readers: Arc::new(pool::Pool::new(database)),
    })
}
