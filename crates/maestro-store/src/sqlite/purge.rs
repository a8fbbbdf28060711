//! Removal in small pieces.

use maestro_model::state::{Millis, WorkflowKey};
use rusqlite::Connection;

use crate::{PurgeStage, Purged};

/// Removes up to `limit` rows of one stage. Does nothing for a workflow that was not deleted.
pub(super) fn stage(
    connection: &Connection,
    workflow: WorkflowKey,
    stage: PurgeStage,
    limit: u32,
) -> rusqlite::Result<Purged> {
    let deleted: bool = connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM deleted_workflow WHERE key = ?1)")?
        .query_row([workflow.0], |row| row.get(0))?;
    if !deleted {
        return Ok(Purged::default());
    }
    let delete = |sql: &str| -> rusqlite::Result<Purged> {
        let rows = connection
            .prepare_cached(sql)?
            .execute((workflow.0, limit))? as u64;
        Ok(Purged { rows, steps: 0 })
    };
    match stage {
        PurgeStage::Versions => delete(
            "DELETE FROM version WHERE rowid IN (SELECT rowid FROM version WHERE workflow = ?1 LIMIT ?2)",
        ),
        PurgeStage::Timeline => delete(
            "DELETE FROM history WHERE seq IN (SELECT seq FROM history WHERE workflow = ?1 LIMIT ?2)",
        ),
        PurgeStage::Properties => delete(
            "DELETE FROM properties
             WHERE rowid IN (SELECT rowid FROM properties WHERE workflow = ?1 LIMIT ?2)",
        ),
        PurgeStage::Runs => runs(connection, workflow, limit),
        PurgeStage::Done => {
            connection
                .prepare_cached("UPDATE deleted_workflow SET purged = 1 WHERE key = ?1")?
                .execute([workflow.0])?;
            Ok(Purged::default())
        }
    }
}

/// A run goes after its last step, so that no step is left without a way to find it, and so that the next call does not
/// look again at runs that are already empty.
fn runs(connection: &Connection, workflow: WorkflowKey, limit: u32) -> rusqlite::Result<Purged> {
    let mut purged = Purged::default();
    let mut next = connection
        .prepare_cached("SELECT key FROM run INDEXED BY run_id WHERE workflow = ?1 LIMIT ?2")?;
    let keys: Vec<i64> = next
        .query_map((workflow.0, limit), |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let mut steps = connection.prepare_cached(
        "DELETE FROM step WHERE run = ?1 AND (step, attempt) IN
            (SELECT step, attempt FROM step WHERE run = ?1 LIMIT ?2)",
    )?;
    let mut run = connection.prepare_cached("DELETE FROM run WHERE key = ?1")?;
    for key in keys {
        let left = u64::from(limit) - purged.rows;
        let removed = steps.execute((key, left))? as u64;
        purged.steps += removed;
        purged.rows += removed;
        if removed == left {
            break;
        }
        purged.rows += run.execute([key])? as u64;
        if purged.rows == u64::from(limit) {
            break;
        }
    }
    Ok(purged)
}

/// Removes outbox rows, and remembers the last number (`last`) for a time when there are none.
pub(super) fn outbox(
    connection: &Connection,
    last: i64,
    through: i64,
    before: Option<Millis>,
    limit: u32,
) -> rusqlite::Result<u64> {
    let removed = connection
        .prepare_cached(
            "DELETE FROM outbox WHERE seq IN
                (SELECT seq FROM outbox WHERE seq <= ?1 AND at < ?2 ORDER BY seq LIMIT ?3)",
        )?
        .execute((through, before.unwrap_or(Millis::MAX), limit))?;
    if removed > 0 {
        connection
            .prepare_cached("INSERT OR REPLACE INTO meta(name, value) VALUES ('outbox', ?1)")?
            .execute([last])?;
    }
    Ok(removed as u64)
}

/// Gives up to `pages` free pages back; returns how many are left.
pub(super) fn reclaim(connection: &Connection, pages: u64) -> rusqlite::Result<u64> {
    if pages > 0 {
        let mut vacuum = connection.prepare(&format!("PRAGMA incremental_vacuum({pages})"))?;
        // Each step frees one page.
        let mut rows = vacuum.query([])?;
        while rows.next()?.is_some() {}
    }
    let left: i64 = connection.pragma_query_value(None, "freelist_count", |row| row.get(0))?;
    Ok(left.unsigned_abs())
}
