//! SQLite: the suite, and what is particular to files.

use std::path::Path;
use std::time::Duration;

use maestro_model::state::{RowSink, RunKey, RunStatus, StepStatus, WorkflowKey};
use maestro_store::{Batch, CommitError, OpenError, PurgeStage, RetryReason, Store, sqlite};
use rusqlite::Connection;
use tempfile::TempDir;

use crate::build::{deleted, run, state, version, workflow};
use crate::suite::{Backend, commit, suite};

pub(crate) struct Sqlite(TempDir);

impl Sqlite {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn other_program(&self) -> Connection {
        Connection::open(self.path().join("maestro.db")).unwrap()
    }

    fn open_error(&self) -> OpenError {
        match sqlite::open(self.path(), &sqlite::Options::default()) {
            Ok(_) => panic!("it opened"),
            Err(error) => error,
        }
    }
}

impl Backend for Sqlite {
    fn open(&self) -> Store {
        sqlite::open(self.path(), &sqlite::Options::default()).unwrap()
    }
}

suite!(Sqlite::new());

#[test]
fn a_lock_of_another_program_is_waited_for() {
    //
    let dir = Sqlite::new();
    let mut store = dir.open();
    commit(&mut store, |batch| {
        batch.insert_run(&run(1, 64, 1, 1, RunStatus::Queued));
    });
    let other = dir.other_program();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut batch = Batch::default();
    batch.insert_run(&run(2, 64, 2, 1, RunStatus::Queued));
    for _ in 0..2 {
        let error = store.writer.commit(&mut [&batch].into_iter());
        let busy = matches!(
            error,
            Err(CommitError::Retry {
                reason: RetryReason::Busy,
                ..
            })
        );
        assert!(busy, "{error:?}");
        let snapshot = store.readers.snapshot().unwrap();
        assert!(snapshot.run_by_key(RunKey(1)).unwrap().is_some());
        assert_eq!(snapshot.run_by_key(RunKey(2)).unwrap(), None);
    }
    other.execute_batch("ROLLBACK").unwrap();
    store.writer.commit(&mut [&batch].into_iter()).unwrap();
    let snapshot = store.readers.snapshot().unwrap();
    assert!(snapshot.run_by_key(RunKey(2)).unwrap().is_some());
}

#[test]
fn a_full_store_takes_the_same_batch_when_there_is_room() {
    let dir = Sqlite::new();
    let options = sqlite::Options {
        max_bytes: Some(512 << 10),
        ..sqlite::Options::default()
    };
    let mut store = sqlite::open(dir.path(), &options).unwrap();
    commit(&mut store, |batch| {
        batch.workflow(&workflow(64, "old"));
        batch.delete_workflow(&deleted(64, "old", 0));
        for i in 1..=100 {
            let mut version = version(64, i);
            version.definition = "x".repeat(2000).into();
            batch.version(&version);
        }
    });
    let mut batch = Batch::default();
    let mut next = 1;
    let error = loop {
        batch.clear();
        for key in next..next + 50 {
            batch.insert_run(&run(key, 65, key, 1, RunStatus::Succeeded));
            batch.step(
                RunKey(key),
                0,
                1,
                &state(StepStatus::Succeeded, 3),
                Some("0123456789"),
            );
        }
        match store.writer.commit(&mut [&batch].into_iter()) {
            Ok(()) => next += 50,
            Err(error) => break error,
        }
    };
    assert!(
        matches!(
            error,
            CommitError::Retry {
                reason: RetryReason::Full,
                ..
            }
        ),
        "{error:?}"
    );
    assert!(next > 1);
    let last = |store: &Store| store.readers.snapshot().unwrap().largest_run_key().unwrap();
    assert_eq!(last(&store), Some(RunKey(next - 1)));
    let purged = store
        .writer
        .purge(WorkflowKey(64), PurgeStage::Versions, 1000)
        .unwrap();
    assert_eq!(purged.rows, 100);
    store.writer.commit(&mut [&batch].into_iter()).unwrap();
    assert_eq!(last(&store), Some(RunKey(next + 49)));
}

#[test]
fn a_second_server_is_refused() {
    let dir = Sqlite::new();
    let store = dir.open();
    let error = dir.open_error();
    let message = error.to_string();
    assert!(
        matches!(error, OpenError::InUse { pid: Some(pid), .. } if pid == std::process::id()),
        "{error:?}"
    );
    assert!(
        message.contains("in use by another maestro server (process "),
        "{message}"
    );
    // Readers that outlive the writer still hold the directory.
    let Store { writer, readers } = store;
    drop(writer);
    assert!(matches!(dir.open_error(), OpenError::InUse { .. }));
    drop(readers);
    dir.open();
}

#[test]
fn a_newer_database_is_refused() {
    let dir = Sqlite::new();
    drop(dir.open());
    dir.other_program()
        .pragma_update(None, "user_version", 999)
        .unwrap();
    let error = dir.open_error();
    assert!(
        matches!(error, OpenError::NewerVersion { found: 999, .. }),
        "{error:?}"
    );
    assert!(
        error
            .to_string()
            .contains("has format 999, this server knows formats up to 2"),
        "{error}"
    );
    // It was left as it is.
    let version: i64 = dir
        .other_program()
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap();
    assert_eq!(version, 999);
}

#[test]
fn a_foreign_file_is_refused() {
    let dir = Sqlite::new();
    std::fs::write(
        dir.path().join("maestro.db"),
        "this is no database, whatever its name says".repeat(50),
    )
    .unwrap();
    let error = dir.open_error();
    assert!(matches!(error, OpenError::Foreign { .. }), "{error:?}");
    let dir = Sqlite::new();
    dir.other_program()
        .execute_batch("CREATE TABLE mine(x); INSERT INTO mine VALUES (1)")
        .unwrap();
    let error = dir.open_error();
    assert!(matches!(error, OpenError::Foreign { .. }), "{error:?}");
}

#[test]
fn a_directory_that_cannot_be_written_is_refused() {
    let dir = Sqlite::new();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = sqlite::open(&file.join("data"), &sqlite::Options::default()).err();
    assert!(
        matches!(error, Some(OpenError::NotWritable { .. })),
        "{error:?}"
    );
}

#[test]
fn the_log_stays_bounded_and_space_is_given_back() {
    let dir = Sqlite::new();
    let options = sqlite::Options {
        checkpoint_bytes: 256 << 10,
        busy_timeout: Duration::from_secs(5),
        ..sqlite::Options::default()
    };
    let mut store = sqlite::open(dir.path(), &options).unwrap();
    let size = |file: &str| std::fs::metadata(dir.path().join(file)).unwrap().len();
    let mut longest = 0;
    commit(&mut store, |batch| batch.workflow(&workflow(64, "etl")));
    for key in 1..=500 {
        commit(&mut store, |batch| {
            batch.insert_run(&run(key, 64, key, 1, RunStatus::Succeeded));
            for step in 0..100 {
                batch.step(
                    RunKey(key),
                    step,
                    1,
                    &state(StepStatus::Succeeded, 3),
                    Some("0123456789"),
                );
            }
        });
        longest = longest.max(size("maestro.db-wal"));
    }
    // Each of these commits adds some ten pages: without the end of a round the log would be 20 MB long.
    assert!(longest < 8 << 20, "{longest} bytes");
    commit(&mut store, |batch| {
        batch.delete_workflow(&deleted(64, "etl", 500));
    });
    while store
        .writer
        .purge(WorkflowKey(64), PurgeStage::Runs, 10_000)
        .unwrap()
        .rows
        > 0
    {}
    let unused = store.writer.reclaim(0).unwrap();
    assert!(unused > 1 << 20, "{unused} bytes");
    let left = store.writer.reclaim(1 << 20).unwrap();
    assert_eq!(left, unused - (1 << 20));
    assert_eq!(store.writer.reclaim(u64::MAX).unwrap(), 0);
    drop(store);
    // Closing the last connection copies the rest of the log.
    assert!(
        size("maestro.db") < 256 << 10,
        "{} bytes",
        size("maestro.db")
    );
}
