//! Reads. Statements name their index where a wrong choice of the planner would read a whole table.

use std::collections::HashSet;
use std::sync::Arc;

use maestro_model::state::{
    DeletedWorkflow, InstanceRef, Millis, PropertiesRow, RunKey, RunRow, StepOrd, StepRow,
    VersionRow, WorkflowKey, WorkflowRow,
};
use rusqlite::{Connection, Params, Row};
use uuid::Uuid;

use super::pool::Idle;
use super::rows::{self, RUN, STEP};
use super::{classify, documents, search};
use crate::{
    DocumentKind, HistoryLine, InstanceFilter, InstanceList, LiveRuns, OutboxRow, PreviousWorkflow,
    ReadError, RunRange, RunSteps, SHARDS, ShardSet, Snapshot, StatusCounts,
};

/// A connection within a read transaction.
pub(super) struct SqliteSnapshot {
    /// Absent only while it is being dropped.
    connection: Option<Connection>,
    pool: Arc<Idle>,
}

impl SqliteSnapshot {
    pub(super) fn begin(connection: Connection, pool: Arc<Idle>) -> rusqlite::Result<Self> {
        connection.prepare_cached("BEGIN")?.raw_execute()?;
        Ok(Self {
            connection: Some(connection),
            pool,
        })
    }

    fn connection(&self) -> &Connection {
        self.connection
            .as_ref()
            .expect("only drop takes the connection")
    }

    fn one<T>(
        &self,
        sql: &str,
        params: impl Params,
        decode: impl FnMut(&Row<'_>) -> Result<T, ReadError>,
    ) -> Result<Option<T>, ReadError> {
        Ok(self.many(sql, params, decode)?.pop())
    }

    fn many<T>(
        &self,
        sql: &str,
        params: impl Params,
        mut decode: impl FnMut(&Row<'_>) -> Result<T, ReadError>,
    ) -> Result<Vec<T>, ReadError> {
        let mut all = Vec::new();
        each(self.connection(), sql, params, |row| {
            all.push(decode(row)?);
            Ok(true)
        })?;
        Ok(all)
    }

    fn run_where(&self, condition: &str, params: impl Params) -> Result<Option<RunRow>, ReadError> {
        Ok(self.runs_where(condition, params)?.pop())
    }

    fn runs_where(&self, condition: &str, params: impl Params) -> Result<Vec<RunRow>, ReadError> {
        let sql = format!("SELECT {RUN} FROM run r {condition}");
        self.many(&sql, params, rows::run)
    }

    fn bounds(&self, sql: &str, params: impl Params) -> Result<Option<RunRange>, ReadError> {
        let range = self.one(sql, params, |row| {
            let low: Option<i64> = get(row, 0)?;
            let high: Option<i64> = get(row, 1)?;
            Ok(low.zip(high).map(|(low, high)| RunRange { low, high }))
        })?;
        Ok(range.flatten())
    }
}

impl Drop for SqliteSnapshot {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            // Where even this fails the connection is closed instead of used again.
            let ended = connection
                .prepare_cached("COMMIT")
                .and_then(|mut commit| commit.raw_execute());
            if ended.is_ok() {
                self.pool.give_back(connection);
            }
        }
    }
}

/// Calls `visit` with the rows of a statement until it returns false.
pub(super) fn each(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    mut visit: impl FnMut(&Row<'_>) -> Result<bool, ReadError>,
) -> Result<(), ReadError> {
    let mut statement = connection.prepare_cached(sql).map_err(classify::read)?;
    let mut rows = statement.query(params).map_err(classify::read)?;
    while let Some(row) = rows.next().map_err(classify::read)? {
        if !visit(row)? {
            break;
        }
    }
    Ok(())
}

pub(super) fn get<T: rusqlite::types::FromSql>(row: &Row<'_>, at: usize) -> Result<T, ReadError> {
    row.get(at).map_err(classify::read)
}

fn text(row: &Row<'_>, at: usize) -> Result<Box<str>, ReadError> {
    Ok(get::<String>(row, at)?.into())
}

fn workflow(row: &Row<'_>) -> Result<WorkflowRow, ReadError> {
    rows::cbor(row, 0, "workflow")
}

fn version(row: &Row<'_>) -> Result<VersionRow, ReadError> {
    Ok(VersionRow {
        workflow: WorkflowKey(get(row, 0)?),
        version: get(row, 1)?,
        definition: text(row, 2)?,
        metadata: text(row, 3)?,
    })
}

fn properties(row: &Row<'_>) -> Result<PropertiesRow, ReadError> {
    Ok(PropertiesRow {
        workflow: WorkflowKey(get(row, 0)?),
        create_time: get(row, 1)?,
        author: text(row, 2)?,
        properties: text(row, 3)?,
    })
}

/// The set as SQL sees it.
fn bits(shards: ShardSet) -> i64 {
    shards.bits().cast_signed()
}

/// The bounds of "after this one" for a row comparison.
fn after(id: Option<InstanceRef>) -> (i64, i64) {
    id.map_or((i64::MIN, i64::MIN), |id| (id.instance, id.run))
}

impl Snapshot for SqliteSnapshot {
    fn workflow(&self, id: &str) -> Result<Option<WorkflowRow>, ReadError> {
        self.one("SELECT body FROM workflow WHERE id = ?1", [id], workflow)
    }

    fn workflow_by_key(&self, key: WorkflowKey) -> Result<Option<WorkflowRow>, ReadError> {
        self.one(
            "SELECT body FROM workflow WHERE key = ?1",
            [key.0],
            workflow,
        )
    }

    fn workflows(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<WorkflowRow>, ReadError> {
        // One bound, the higher one: of two the planner may take the lower, and read all that lies between.
        let (sql, low) = match after {
            Some(after) if after >= prefix => {
                let sql = "SELECT body FROM workflow WHERE id > ?1 ORDER BY id LIMIT ?2";
                (sql, after)
            }
            _ => {
                let sql = "SELECT body FROM workflow WHERE id >= ?1 ORDER BY id LIMIT ?2";
                (sql, prefix)
            }
        };
        let mut all = Vec::new();
        each(self.connection(), sql, (low, limit), |row| {
            let row = workflow(row)?;
            let within = row.id.starts_with(prefix);
            if within {
                all.push(row);
            }
            Ok(within)
        })?;
        Ok(all)
    }

    fn workflows_of(
        &self,
        shards: ShardSet,
        visit: &mut dyn FnMut(WorkflowRow),
    ) -> Result<(), ReadError> {
        let sql = "SELECT body FROM workflow WHERE (?1 >> (key & 63)) & 1 ORDER BY key";
        each(self.connection(), sql, [bits(shards)], |row| {
            visit(workflow(row)?);
            Ok(true)
        })
    }

    fn previous_workflow(&self, id: &str) -> Result<Option<PreviousWorkflow>, ReadError> {
        let sql = "SELECT max(last_instance), max(CASE purged WHEN 0 THEN key END)
                   FROM deleted_workflow WHERE id = ?1";
        let found = self.one(sql, [id], |row| {
            let purging: Option<i64> = get(row, 1)?;
            Ok(
                get::<Option<i64>>(row, 0)?.map(|last_instance| PreviousWorkflow {
                    last_instance,
                    purging: purging.map(WorkflowKey),
                }),
            )
        })?;
        Ok(found.flatten())
    }

    fn purging(&self, shards: ShardSet) -> Result<Vec<DeletedWorkflow>, ReadError> {
        let sql = "SELECT body FROM deleted_workflow INDEXED BY deleted_workflow_purging
                   WHERE purged = 0 AND (?1 >> (key & 63)) & 1 ORDER BY key";
        self.many(sql, [bits(shards)], |row| {
            rows::cbor(row, 0, "deleted workflow")
        })
    }

    fn largest_workflow_keys(&self) -> Result<[Option<WorkflowKey>; SHARDS as usize], ReadError> {
        let sql = "SELECT max(key) FROM
                       (SELECT key FROM workflow UNION ALL SELECT key FROM deleted_workflow)
                   GROUP BY key & 63";
        let mut largest = [None; SHARDS as usize];
        each(self.connection(), sql, [], |row| {
            let key: i64 = get(row, 0)?;
            let shard = usize::try_from(key & 63).unwrap_or(0);
            largest[shard] = Some(WorkflowKey(key));
            Ok(true)
        })?;
        Ok(largest)
    }

    fn version(&self, workflow: WorkflowKey, number: i64) -> Result<Option<VersionRow>, ReadError> {
        let sql = "SELECT workflow, version, definition, metadata FROM version
                   WHERE workflow = ?1 AND version = ?2";
        self.one(sql, [workflow.0, number], version)
    }

    fn latest_version(&self, workflow: WorkflowKey) -> Result<Option<VersionRow>, ReadError> {
        let everything = RunRange {
            low: i64::MIN,
            high: i64::MAX,
        };
        Ok(self.versions(workflow, everything, 1)?.pop())
    }

    fn versions(
        &self,
        workflow: WorkflowKey,
        range: RunRange,
        limit: u32,
    ) -> Result<Vec<VersionRow>, ReadError> {
        let sql = "SELECT workflow, version, definition, metadata FROM version
                   WHERE workflow = ?1 AND version BETWEEN ?2 AND ?3 ORDER BY version DESC LIMIT ?4";
        self.many(sql, (workflow.0, range.low, range.high, limit), version)
    }

    fn properties(
        &self,
        workflow: WorkflowKey,
        create_time: Option<Millis>,
    ) -> Result<Option<PropertiesRow>, ReadError> {
        let (low, high) = create_time.map_or((i64::MIN, i64::MAX), |at| (at, at));
        let sql = "SELECT workflow, create_time, author, properties FROM properties
                   WHERE workflow = ?1 AND create_time BETWEEN ?2 AND ?3
                   ORDER BY create_time DESC LIMIT 1";
        self.one(sql, [workflow.0, low, high], properties)
    }

    fn history(&self, workflow: WorkflowKey, limit: u32) -> Result<Vec<HistoryLine>, ReadError> {
        let sql = "SELECT at, author, log FROM history
                   WHERE workflow = ?1 ORDER BY at DESC, seq DESC LIMIT ?2";
        self.many(sql, (workflow.0, limit), |row| {
            Ok(HistoryLine {
                at: get(row, 0)?,
                author: get(row, 1)?,
                log: get(row, 2)?,
            })
        })
    }

    fn run_by_key(&self, key: RunKey) -> Result<Option<RunRow>, ReadError> {
        self.run_where("WHERE r.key = ?1", [key.0])
    }

    fn run(&self, workflow: WorkflowKey, id: InstanceRef) -> Result<Option<RunRow>, ReadError> {
        self.run_where(
            "WHERE r.workflow = ?1 AND r.instance = ?2 AND r.run = ?3",
            [workflow.0, id.instance, id.run],
        )
    }

    fn latest_run(
        &self,
        workflow: WorkflowKey,
        instance: i64,
    ) -> Result<Option<RunRow>, ReadError> {
        self.run_where(
            "WHERE r.workflow = ?1 AND r.instance = ?2 ORDER BY r.run DESC LIMIT 1",
            [workflow.0, instance],
        )
    }

    fn run_by_uuid(&self, workflow: WorkflowKey, uuid: &Uuid) -> Result<Option<RunRow>, ReadError> {
        self.run_where(
            "INDEXED BY run_uuid WHERE r.uuid = ?2 AND r.workflow = ?1",
            (workflow.0, &uuid.as_bytes()[..]),
        )
    }

    fn instance_bounds(&self, workflow: WorkflowKey) -> Result<Option<RunRange>, ReadError> {
        // One aggregate per subquery: only a lone min or max is answered from the end of an index.
        self.bounds(
            "SELECT (SELECT min(instance) FROM run WHERE workflow = ?1),
                    (SELECT max(instance) FROM run WHERE workflow = ?1)",
            [workflow.0],
        )
    }

    fn run_bounds(
        &self,
        workflow: WorkflowKey,
        instance: i64,
    ) -> Result<Option<RunRange>, ReadError> {
        self.bounds(
            "SELECT (SELECT min(run) FROM run WHERE workflow = ?1 AND instance = ?2),
                    (SELECT max(run) FROM run WHERE workflow = ?1 AND instance = ?2)",
            [workflow.0, instance],
        )
    }

    fn instances(&self, workflow: WorkflowKey, range: RunRange) -> Result<Vec<RunRow>, ReadError> {
        self.runs_where(
            "INDEXED BY run_id WHERE r.workflow = ?1 AND r.instance BETWEEN ?2 AND ?3 AND r.run =
                 (SELECT max(x.run) FROM run x WHERE x.workflow = r.workflow AND x.instance = r.instance)
             ORDER BY r.instance",
            [workflow.0, range.low, range.high],
        )
    }

    fn runs(
        &self,
        workflow: WorkflowKey,
        instance: i64,
        range: RunRange,
    ) -> Result<Vec<RunRow>, ReadError> {
        self.runs_where(
            "INDEXED BY run_id WHERE r.workflow = ?1 AND r.instance = ?2 AND r.run BETWEEN ?3 AND ?4
             ORDER BY r.run DESC",
            [workflow.0, instance, range.low, range.high],
        )
    }

    fn instances_everywhere(
        &self,
        filter: &InstanceFilter,
        before: Option<RunKey>,
        limit: u32,
    ) -> Result<InstanceList, ReadError> {
        search::instances(self.connection(), filter, before, limit)
    }

    fn queued(
        &self,
        workflow: WorkflowKey,
        last: Option<InstanceRef>,
        limit: u32,
    ) -> Result<Vec<RunRow>, ReadError> {
        let (instance, run) = after(last);
        // The planner does not see that 0 is below 10.
        self.runs_where(
            "INDEXED BY run_live WHERE r.workflow = ?1 AND r.status = 0 AND r.status < 10
                 AND (r.instance, r.run) > (?2, ?3)
             ORDER BY r.instance, r.run LIMIT ?4",
            (workflow.0, instance, run, limit),
        )
    }

    fn queued_counts(&self, shards: ShardSet) -> Result<Vec<(WorkflowKey, u64)>, ReadError> {
        let sql = "SELECT workflow, count(*) FROM run INDEXED BY run_live
                   WHERE status < 10 AND status = 0 AND (?1 >> (workflow & 63)) & 1
                   GROUP BY workflow";
        self.many(sql, [bits(shards)], |row| {
            Ok((WorkflowKey(get(row, 0)?), get(row, 1)?))
        })
    }

    fn failed(
        &self,
        workflow: WorkflowKey,
        last: Option<InstanceRef>,
        limit: u32,
    ) -> Result<Vec<RunRow>, ReadError> {
        let (instance, run) = after(last);
        self.runs_where(
            "INDEXED BY run_failed WHERE r.workflow = ?1 AND r.status = 12
                 AND (r.instance, r.run) > (?2, ?3)
             ORDER BY r.instance, r.run LIMIT ?4",
            (workflow.0, instance, run, limit),
        )
    }

    fn counts(&self, workflow: WorkflowKey) -> Result<StatusCounts, ReadError> {
        let sql = "SELECT
            (SELECT count(*) FROM run INDEXED BY run_live
             WHERE workflow = ?1 AND status < 10 AND status < 2),
            (SELECT count(*) FROM run INDEXED BY run_live
             WHERE workflow = ?1 AND status < 10 AND status >= 2),
            (SELECT count(*) FROM run INDEXED BY run_failed WHERE workflow = ?1 AND status = 12)";
        let counts = self.one(sql, [workflow.0], |row| {
            Ok(StatusCounts {
                created: get(row, 0)?,
                in_progress: get(row, 1)?,
                failed: get(row, 2)?,
            })
        })?;
        Ok(counts.unwrap_or_default())
    }

    fn live_runs(
        &self,
        shards: ShardSet,
        which: LiveRuns,
        visit: &mut dyn FnMut(RunRow, Vec<StepRow>),
    ) -> Result<(), ReadError> {
        // The keys alone are sorted, not the rows; a materialized table is read in the order in which it was filled.
        let sql = format!(
            "WITH live AS MATERIALIZED (
                SELECT key FROM run INDEXED BY run_live
                WHERE status < 10 AND status >= ?2 AND (?1 >> (workflow & 63)) & 1
                ORDER BY key)
             SELECT {RUN}, {STEP} FROM live
             CROSS JOIN run r ON r.key = live.key
             LEFT JOIN step s ON s.run = r.key"
        );
        let lowest = match which {
            LiveRuns::All => 0,
            LiveRuns::Begun => 1,
        };
        let mut open: Option<(RunRow, Vec<StepRow>)> = None;
        each(self.connection(), &sql, (bits(shards), lowest), |row| {
            let key: i64 = get(row, 0)?;
            if open.as_ref().is_none_or(|(run, _)| run.key.0 != key)
                && let Some((run, steps)) = open.replace((rows::run(row)?, Vec::new()))
            {
                visit(run, steps);
            }
            if let (Some((_, steps)), Some(step)) = (&mut open, get::<Option<StepOrd>>(row, 6)?) {
                if steps.last().is_some_and(|last| last.step == step) {
                    steps.pop();
                }
                steps.push(rows::step(row, 6)?);
            }
            Ok(true)
        })?;
        if let Some((run, steps)) = open {
            visit(run, steps);
        }
        Ok(())
    }

    fn largest_run_key(&self) -> Result<Option<RunKey>, ReadError> {
        let key = self.one("SELECT max(key) FROM run", [], |row| {
            get::<Option<i64>>(row, 0)
        })?;
        Ok(key.flatten().map(RunKey))
    }

    fn steps(&self, run: RunKey) -> Result<Vec<StepRow>, ReadError> {
        // Backwards, so that only the latest attempts are decoded.
        let sql = format!(
            "SELECT {STEP} FROM step s WHERE s.run = ?1 ORDER BY s.step DESC, s.attempt DESC"
        );
        let mut latest: Vec<StepRow> = Vec::new();
        each(self.connection(), &sql, [run.0], |row| {
            let step: StepOrd = get(row, 0)?;
            if latest.last().is_none_or(|last| last.step != step) {
                latest.push(rows::step(row, 0)?);
            }
            Ok(true)
        })?;
        latest.reverse();
        Ok(latest)
    }

    fn attempts(&self, run: RunKey, step: StepOrd) -> Result<Vec<StepRow>, ReadError> {
        let sql = format!(
            "SELECT {STEP} FROM step s WHERE s.run = ?1 AND s.step = ?2 ORDER BY s.attempt"
        );
        self.many(&sql, (run.0, step), |row| rows::step(row, 0))
    }

    fn step(
        &self,
        run: RunKey,
        step: StepOrd,
        attempt: Option<u32>,
    ) -> Result<Option<StepRow>, ReadError> {
        let (low, high) = attempt.map_or((0, u32::MAX), |attempt| (attempt, attempt));
        let sql = format!(
            "SELECT {STEP} FROM step s WHERE s.run = ?1 AND s.step = ?2 AND s.attempt BETWEEN ?3 AND ?4
             ORDER BY s.attempt DESC LIMIT 1"
        );
        self.one(&sql, (run.0, step, low, high), |row| rows::step(row, 0))
    }

    fn instance_steps(
        &self,
        workflow: WorkflowKey,
        instance: i64,
    ) -> Result<Vec<RunSteps>, ReadError> {
        let everything = RunRange {
            low: i64::MIN,
            high: i64::MAX,
        };
        let mut seen = HashSet::new();
        let mut all = Vec::new();
        for run in self.runs(workflow, instance, everything)? {
            let mut steps = self.steps(run.key)?;
            steps.retain(|row| seen.insert((run.body.version, row.step)));
            all.push(RunSteps { run, steps });
        }
        Ok(all)
    }

    fn document(
        &self,
        kind: DocumentKind,
        name: &str,
        part: Option<&str>,
    ) -> Result<Option<String>, ReadError> {
        documents::one(self.connection(), kind, name, part)
    }

    fn documents(&self, kind: DocumentKind, part: &str) -> Result<Vec<String>, ReadError> {
        documents::with_part(self.connection(), kind, part)
    }

    fn outbox(&self, after: i64, limit: u32) -> Result<Vec<OutboxRow>, ReadError> {
        let sql = "SELECT seq, at, body FROM outbox WHERE seq > ?1 ORDER BY seq LIMIT ?2";
        self.many(sql, (after, limit), |row| {
            Ok(OutboxRow {
                seq: get(row, 0)?,
                at: get(row, 1)?,
                body: get(row, 2)?,
            })
        })
    }
}
