//! Tables, and how older ones become newer ones.

use rusqlite::Connection;

/// Marks the file as ours (`PRAGMA application_id`): "mstr".
pub(super) const APPLICATION_ID: i32 = 0x6d73_7472;

/// Scripts by version, from 1. Never change one that was released: add the next.
const MIGRATIONS: &[&str] = &[V1, V2];

/// The newest version.
pub(super) const VERSION: i64 = MIGRATIONS.len() as i64;

/// The first version.
const V1: &str = "
CREATE TABLE meta(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID, STRICT;
INSERT INTO meta VALUES ('shards', 64);

CREATE TABLE workflow(key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, body BLOB NOT NULL) STRICT;

CREATE TABLE deleted_workflow(
    key INTEGER PRIMARY KEY, id TEXT NOT NULL, last_instance INTEGER NOT NULL, purged INTEGER NOT NULL,
    body BLOB NOT NULL
) STRICT;
CREATE INDEX deleted_workflow_id ON deleted_workflow(id);
CREATE INDEX deleted_workflow_purging ON deleted_workflow(key) WHERE purged = 0;

CREATE TABLE version(
    workflow INTEGER NOT NULL, version INTEGER NOT NULL, definition TEXT NOT NULL, metadata TEXT NOT NULL,
    PRIMARY KEY (workflow, version)
) STRICT;

CREATE TABLE properties(
    workflow INTEGER NOT NULL, create_time INTEGER NOT NULL, author TEXT NOT NULL, properties TEXT NOT NULL,
    PRIMARY KEY (workflow, create_time)
) STRICT;

CREATE TABLE history(
    seq INTEGER PRIMARY KEY, workflow INTEGER NOT NULL, at INTEGER NOT NULL, author TEXT NOT NULL, log TEXT NOT NULL
) STRICT;
CREATE INDEX history_workflow ON history(workflow, at);

CREATE TABLE run(
    key INTEGER PRIMARY KEY, workflow INTEGER NOT NULL, instance INTEGER NOT NULL, run INTEGER NOT NULL,
    status INTEGER NOT NULL, uuid BLOB, head BLOB NOT NULL, body BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX run_id ON run(workflow, instance, run);
CREATE INDEX run_live ON run(workflow, status, instance, run) WHERE status < 10;
CREATE INDEX run_failed ON run(workflow, instance, run) WHERE status = 12;
CREATE UNIQUE INDEX run_uuid ON run(workflow, uuid) WHERE uuid IS NOT NULL;

CREATE TABLE step(
    run INTEGER NOT NULL, step INTEGER NOT NULL, attempt INTEGER NOT NULL, status INTEGER NOT NULL,
    state BLOB NOT NULL, params TEXT,
    PRIMARY KEY (run, step, attempt)
) WITHOUT ROWID, STRICT;

CREATE TABLE outbox(seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, body BLOB NOT NULL) STRICT;
";

/// Documents; runs found by their uuid alone, and those that did not end well by their status.
const V2: &str = "
CREATE TABLE document(
    kind INTEGER NOT NULL, name TEXT NOT NULL, part TEXT NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (kind, name, part)
) WITHOUT ROWID, STRICT;
CREATE INDEX document_part ON document(kind, part) WHERE kind = 1;

DROP INDEX run_uuid;
CREATE UNIQUE INDEX run_uuid ON run(uuid, workflow) WHERE uuid IS NOT NULL;

CREATE INDEX run_unhappy ON run(key, status) WHERE status BETWEEN 10 AND 14;
";

/// Brings the tables to the newest version, each step in a transaction of its own.
pub(super) fn migrate(connection: &mut Connection, found: i64) -> rusqlite::Result<()> {
    run(connection, found, MIGRATIONS)
}

fn run(connection: &mut Connection, found: i64, scripts: &[&str]) -> rusqlite::Result<()> {
    let done = usize::try_from(found).unwrap_or(0);
    for (at, script) in scripts.iter().enumerate().skip(done) {
        let transaction =
            connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        transaction.execute_batch(script)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", at as i64 + 1)?;
        transaction.commit()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "CREATE TABLE t(x); INSERT INTO t VALUES (1)";
    const TWO: &str = "ALTER TABLE t ADD COLUMN y; UPDATE t SET y = x + 1";
    const BROKEN: &str = "DELETE FROM t; CREATE TABLE t(x)";

    fn version(connection: &Connection) -> i64 {
        connection
            .pragma_query_value(None, "user_version", |row| row.get(0))
            .unwrap()
    }

    #[test]
    fn each_script_runs_once() {
        let mut connection = Connection::open_in_memory().unwrap();
        run(&mut connection, 0, &[ONE]).unwrap();
        for _ in 0..2 {
            let found = version(&connection);
            run(&mut connection, found, &[ONE, TWO]).unwrap();
        }
        let row = connection.query_row("SELECT x, y FROM t", [], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
        });
        assert_eq!(row, Ok((1, 2)));
        assert_eq!(version(&connection), 2);
    }

    #[test]
    fn a_script_that_fails_leaves_the_version_before() {
        let mut connection = Connection::open_in_memory().unwrap();
        assert!(run(&mut connection, 0, &[ONE, BROKEN]).is_err());
        assert_eq!(version(&connection), 1);
        let rows: i64 = connection
            .query_row("SELECT count(*) FROM t", [], |row| row.get(0))
            .unwrap();
        assert_eq!(rows, 1);
    }
}
