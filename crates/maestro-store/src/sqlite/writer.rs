//! Commits batches.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use maestro_model::state::{Millis, RunKey, StepOrd, WorkflowKey};
use rusqlite::{Connection, ErrorCode, ffi};

use super::checkpoint::Due;
use super::open::Database;
use super::{classify, documents, open, purge};
use crate::batch::{RunEntry, StepEntry};
use crate::{Batch, CommitError, DocumentChange, OpenError, PurgeStage, Purged, Writer};

/// The one connection that writes.
pub(super) struct SqliteWriter {
    connection: Connection,
    /// The next number of the outbox.
    next_seq: i64,
    /// Frames in the log after the last commit.
    log_frames: Arc<AtomicU64>,
    checkpoint: Due,
    page_bytes: u64,
    runs: Vec<Position<RunKey>>,
    steps: Vec<Position<(RunKey, StepOrd, u32)>>,
    /// After the connection: dropped last, with the lock.
    database: Arc<Database>,
}

/// Where a row lies in the batches of a commit. Rows are written in key order, since appending packs pages full, and
/// those of a key in the order of their batches.
type Position<K> = (K, usize, usize);

impl SqliteWriter {
    pub(super) fn new(database: &Arc<Database>) -> Result<Self, OpenError> {
        Self::connect(database).map_err(|source| open::refused(database.path(), source))
    }

    fn connect(database: &Arc<Database>) -> rusqlite::Result<Self> {
        let mut connection = database.writer()?;
        let log_frames = Arc::new(AtomicU64::new(0));
        let seen = Arc::clone(&log_frames);
        connection.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, frames| {
            seen.store(u64::try_from(frames).unwrap_or(0), Ordering::Relaxed);
            Ok(())
        }))?;
        let page_bytes: i64 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
        let last: i64 = connection.query_row(
            "SELECT max(coalesce((SELECT max(seq) FROM outbox), 0),
                        coalesce((SELECT value FROM meta WHERE name = 'outbox'), 0))",
            [],
            |row| row.get(0),
        )?;
        Ok(Self {
            connection,
            next_seq: last + 1,
            log_frames,
            checkpoint: Due::every(database.options.checkpoint_bytes),
            page_bytes: page_bytes.unsigned_abs(),
            runs: Vec::new(),
            steps: Vec::new(),
            database: Arc::clone(database),
        })
    }

    /// Runs `work` as one transaction, with the end of checkpoints kept away.
    fn transaction<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> rusqlite::Result<T>,
    ) -> Result<T, CommitError> {
        let database = Arc::clone(&self.database);
        let gate = database.gate.commit();
        let result = self.begin_to_end(work).map_err(classify::commit);
        drop(gate);
        let log = self.log_frames.load(Ordering::Relaxed) * self.page_bytes;
        if self.checkpoint.log_is(log) {
            database.checkpointer.wake();
        }
        result
    }

    fn begin_to_end<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        execute(&self.connection, "BEGIN IMMEDIATE")?;
        let result = work(self).and_then(|value| {
            execute(&self.connection, "COMMIT")?;
            Ok(value)
        });
        if let Err(error) = result {
            // Some errors end the transaction by themselves; where it is still there, nothing may be left of it.
            if !self.connection.is_autocommit() {
                execute(&self.connection, "ROLLBACK")?;
            }
            return Err(error);
        }
        result
    }

    fn write(&mut self, batches: &[&Batch]) -> rusqlite::Result<()> {
        workflows(&self.connection, batches)?;
        versions(&self.connection, batches)?;
        self.runs.clear();
        self.steps.clear();
        for (batch, rows) in batches.iter().enumerate() {
            let runs = rows.runs().iter().enumerate();
            self.runs
                .extend(runs.map(|(at, (key, _))| (*key, batch, at)));
            let steps = rows.steps().iter().enumerate();
            self.steps
                .extend(steps.map(|(at, (key, _))| (*key, batch, at)));
        }
        self.runs.sort_unstable();
        self.steps.sort_unstable();
        runs(&self.connection, batches, &self.runs)?;
        steps(&self.connection, batches, &self.steps)
    }

    fn outbox(&self, batches: &[&Batch]) -> rusqlite::Result<i64> {
        let mut seq = self.next_seq;
        let mut insert = self
            .connection
            .prepare_cached("INSERT INTO outbox(seq, at, body) VALUES (?1, ?2, ?3)")?;
        for (at, body) in batches.iter().flat_map(|batch| batch.outbox()) {
            insert.execute((seq, at, body))?;
            seq += 1;
        }
        Ok(seq)
    }
}

impl Writer for SqliteWriter {
    fn commit(&mut self, batches: &mut dyn Iterator<Item = &Batch>) -> Result<(), CommitError> {
        let batches: Vec<&Batch> = batches.filter(|batch| !batch.is_empty()).collect();
        if batches.is_empty() {
            return Ok(());
        }
        let next_seq = self.transaction(|writer| {
            writer.write(&batches)?;
            writer.outbox(&batches)
        })?;
        self.next_seq = next_seq;
        Ok(())
    }

    fn purge(
        &mut self,
        workflow: WorkflowKey,
        stage: PurgeStage,
        limit: u32,
    ) -> Result<Purged, CommitError> {
        self.transaction(|writer| purge::stage(&writer.connection, workflow, stage, limit))
    }

    fn prune_outbox(
        &mut self,
        through: i64,
        before: Option<Millis>,
        limit: u32,
    ) -> Result<u64, CommitError> {
        self.transaction(|writer| {
            let last = writer.next_seq - 1;
            purge::outbox(&writer.connection, last, through, before, limit)
        })
    }

    fn documents(&mut self, changes: &[DocumentChange]) -> Result<u64, CommitError> {
        self.transaction(|writer| documents::change(&writer.connection, changes))
    }

    fn reclaim(&mut self, bytes: u64) -> Result<u64, CommitError> {
        let pages = bytes / self.page_bytes;
        let left = self.transaction(|writer| purge::reclaim(&writer.connection, pages))?;
        Ok(left * self.page_bytes)
    }
}

fn execute(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.raw_execute()?;
    Ok(())
}

/// Within a batch deletions go first: the id of a workflow may be used again at once.
fn workflows(connection: &Connection, batches: &[&Batch]) -> rusqlite::Result<()> {
    let mut delete = connection.prepare_cached("DELETE FROM workflow WHERE key = ?1")?;
    let mut bury = connection.prepare_cached(
        "INSERT INTO deleted_workflow(key, id, last_instance, purged, body) VALUES (?1, ?2, ?3, 0, ?4)
         ON CONFLICT(key) DO UPDATE SET last_instance = excluded.last_instance, body = excluded.body",
    )?;
    let mut upsert = connection.prepare_cached(
        "INSERT INTO workflow(key, id, body) VALUES (?1, ?2, ?3)
         ON CONFLICT(key) DO UPDATE SET body = excluded.body",
    )?;
    for batch in batches {
        for (key, row) in batch.workflows() {
            if let Some(last_instance) = row.deleted {
                delete.execute([key.0])?;
                bury.execute((
                    key.0,
                    batch.text(row.id),
                    last_instance,
                    batch.bytes(row.body),
                ))?;
            }
        }
        for (key, row) in batch.workflows() {
            if row.deleted.is_none() {
                upsert.execute((key.0, batch.text(row.id), batch.bytes(row.body)))?;
            }
        }
    }
    Ok(())
}

fn versions(connection: &Connection, batches: &[&Batch]) -> rusqlite::Result<()> {
    let mut version = connection.prepare_cached(
        "INSERT INTO version(workflow, version, definition, metadata) VALUES (?1, ?2, ?3, ?4)",
    )?;
    let mut properties = connection.prepare_cached(
        "INSERT INTO properties(workflow, create_time, author, properties) VALUES (?1, ?2, ?3, ?4)",
    )?;
    let mut history = connection
        .prepare_cached("INSERT INTO history(workflow, at, author, log) VALUES (?1, ?2, ?3, ?4)")?;
    for batch in batches {
        for ((workflow, number), row) in batch.versions() {
            version.execute((
                workflow.0,
                number,
                batch.text(row.definition),
                batch.text(row.metadata),
            ))?;
        }
        for ((workflow, create_time), row) in batch.properties() {
            properties.execute((
                workflow.0,
                create_time,
                batch.text(row.author),
                batch.text(row.properties),
            ))?;
        }
        for row in batch.history() {
            history.execute((
                row.workflow.0,
                row.at,
                batch.text(row.author),
                batch.text(row.log),
            ))?;
        }
    }
    Ok(())
}

fn runs(
    connection: &Connection,
    batches: &[&Batch],
    order: &[Position<RunKey>],
) -> rusqlite::Result<()> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO run(key, workflow, instance, run, status, uuid, head, body)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    let mut update =
        connection.prepare_cached("UPDATE run SET status = ?2, head = ?3 WHERE key = ?1")?;
    for (key, batch, at) in order {
        let batch = batches[*batch];
        let (
            _,
            RunEntry {
                status,
                head,
                insert: new,
            },
        ) = batch.runs()[*at];
        let head = batch.bytes(head);
        match new {
            Some(new) => {
                insert.raw_bind_parameter(1, key.0)?;
                insert.raw_bind_parameter(2, new.workflow.0)?;
                insert.raw_bind_parameter(3, new.id.instance)?;
                insert.raw_bind_parameter(4, new.id.run)?;
                insert.raw_bind_parameter(5, status)?;
                insert.raw_bind_parameter(6, new.uuid.as_ref().map(|uuid| &uuid.as_bytes()[..]))?;
                insert.raw_bind_parameter(7, head)?;
                insert.raw_bind_parameter(8, batch.bytes(new.body))?;
                insert.raw_execute()?;
            }
            None if update.execute((key.0, status, head))? == 0 => {
                return Err(missing(&format!("run {} is updated but not stored", key.0)));
            }
            None => {}
        }
    }
    Ok(())
}

fn steps(
    connection: &Connection,
    batches: &[&Batch],
    order: &[Position<(RunKey, StepOrd, u32)>],
) -> rusqlite::Result<()> {
    let mut keep = connection.prepare_cached(
        "INSERT INTO step(run, step, attempt, status, state) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT DO UPDATE SET status = excluded.status, state = excluded.state",
    )?;
    let mut replace = connection.prepare_cached(
        "INSERT OR REPLACE INTO step(run, step, attempt, status, state, params)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for ((run, step, attempt), batch, at) in order {
        let batch = batches[*batch];
        let (
            _,
            StepEntry {
                status,
                state,
                params,
            },
        ) = batch.steps()[*at];
        let statement = if let Some(params) = params {
            replace.raw_bind_parameter(6, batch.text(params))?;
            &mut replace
        } else {
            &mut keep
        };
        statement.raw_bind_parameter(1, run.0)?;
        statement.raw_bind_parameter(2, step)?;
        statement.raw_bind_parameter(3, attempt)?;
        statement.raw_bind_parameter(4, status)?;
        statement.raw_bind_parameter(5, batch.bytes(state))?;
        statement.raw_execute()?;
    }
    Ok(())
}

/// An update without its row is a broken constraint: the engine believes in something that the store never got.
fn missing(message: &str) -> rusqlite::Error {
    let failure = ffi::Error {
        code: ErrorCode::ConstraintViolation,
        extended_code: ffi::SQLITE_CONSTRAINT,
    };
    rusqlite::Error::SqliteFailure(failure, Some(message.to_owned()))
}
