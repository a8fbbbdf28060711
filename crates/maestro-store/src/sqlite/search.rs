//! The list of instances over all workflows.

use maestro_model::state::{InstanceStatus, Millis, RunBody, RunKey, RunStatus};
use rusqlite::{Connection, OptionalExtension};

use super::classify;
use super::rows::{self, RUN};
use super::snapshot::{each, get};
use crate::{InstanceFilter, InstanceList, ReadError};

/// One call looks at this many runs at most.
const LOOKS: usize = 10_000;

/// Keys follow creation times but for this much: shards read their clocks before they get a key.
const SLACK: Millis = 60_000;

pub(super) fn instances(
    connection: &Connection,
    filter: &InstanceFilter,
    before: Option<RunKey>,
    limit: u32,
) -> Result<InstanceList, ReadError> {
    let mut before = before.map_or(i64::MAX, |key| key.0);
    if let Some(time) = filter.created_before {
        let first = first_created_at(connection, time.saturating_add(SLACK))?;
        before = before.min(first.unwrap_or(i64::MAX));
    }
    let sql = format!(
        "SELECT {RUN}, r.status,
                EXISTS (SELECT 1 FROM run x WHERE x.workflow = r.workflow AND x.instance = r.instance
                                              AND x.run > r.run)
         FROM ({}) k CROSS JOIN run r ON r.key = k.key",
        keys(filter)
    );
    let workflow = filter.workflow.map_or(0, |key| key.0);
    let uuid = filter.uuid.as_ref().map(|uuid| &uuid.as_bytes()[..]);
    let limit = limit as usize;
    let mut list = InstanceList::default();
    let mut looks = 0;
    let mut last = None;
    each(connection, &sql, (before, workflow, LOOKS, uuid), |row| {
        looks += 1;
        last = Some(RunKey(get(row, 0)?));
        if !wanted(filter, get(row, 6)?) || get(row, 7)? {
            return Ok(true);
        }
        let run = rows::run(row)?;
        let created = run.body.create_time;
        if filter
            .created_from
            .is_some_and(|from| created < from.saturating_sub(SLACK))
        {
            last = None;
            looks = 0;
            return Ok(false);
        }
        let within = filter.created_from.is_none_or(|from| created >= from)
            && filter.created_before.is_none_or(|end| created < end);
        if within {
            list.rows.push(run);
        }
        Ok(list.rows.len() < limit)
    })?;
    if list.rows.len() >= limit || looks >= LOOKS {
        list.next = last;
    }
    Ok(list)
}

/// Keys of candidates below `?1`, the newest first: by the cheapest way that the filter allows. Each mentions all params.
fn keys(filter: &InstanceFilter) -> &'static str {
    if filter.uuid.is_some() {
        return "SELECT key FROM run INDEXED BY run_uuid
                WHERE uuid = ?4 AND key < ?1 AND (?2 = 0 OR workflow = ?2)
                ORDER BY key DESC LIMIT ?3";
    }
    let given = !filter.statuses.is_empty();
    let live = given && !filter.statuses.iter().any(|s| s.is_terminal());
    let unhappy = given
        && filter
            .statuses
            .iter()
            .all(|s| s.is_terminal() && *s != InstanceStatus::Succeeded);
    match (live, unhappy, filter.workflow.is_some()) {
        (true, _, true) => {
            "SELECT key FROM run INDEXED BY run_live
             WHERE status < 10 AND workflow = ?2 AND key < ?1 AND ?4 IS NULL
             ORDER BY key DESC LIMIT ?3"
        }
        (true, _, false) => {
            "SELECT key FROM run INDEXED BY run_live
             WHERE status < 10 AND key < ?1 AND ?2 = ?2 AND ?4 IS NULL
             ORDER BY key DESC LIMIT ?3"
        }
        (false, true, false) => {
            "SELECT key FROM run INDEXED BY run_unhappy
             WHERE status BETWEEN 10 AND 14 AND key < ?1 AND ?2 = ?2 AND ?4 IS NULL
             ORDER BY key DESC LIMIT ?3"
        }
        (false, _, true) => {
            "SELECT key FROM run INDEXED BY run_id WHERE workflow = ?2 AND key < ?1 AND ?4 IS NULL
             ORDER BY key DESC LIMIT ?3"
        }
        (false, false, false) => {
            "SELECT key FROM run WHERE key < ?1 AND ?2 = ?2 AND ?4 IS NULL ORDER BY key DESC LIMIT ?3"
        }
    }
}

fn wanted(filter: &InstanceFilter, number: u8) -> bool {
    let status: Option<InstanceStatus> = RunStatus::from_number(number).map(RunStatus::public);
    filter.statuses.is_empty() || status.is_some_and(|status| filter.statuses.contains(&status))
}

/// The first run that was created at `time` or later, by bisection over the keys.
fn first_created_at(connection: &Connection, time: Millis) -> Result<Option<i64>, ReadError> {
    let mut at_or_after = connection
        .prepare_cached("SELECT key, body FROM run WHERE key >= ?1 ORDER BY key LIMIT 1")
        .map_err(classify::read)?;
    let mut probe = |key: i64| -> Result<Option<(i64, Millis)>, ReadError> {
        at_or_after
            .query_row([key], |row| {
                Ok(get(row, 0)
                    .and_then(|key| Ok((key, rows::cbor::<RunBody>(row, 1, "run")?.create_time))))
            })
            .optional()
            .map_err(classify::read)?
            .transpose()
    };
    let mut found = None;
    // Keys are positive, and below zero a midpoint rounds up, which would never end.
    let (mut low, mut high) = (0, i64::MAX);
    while low < high {
        let middle = low.midpoint(high);
        match probe(middle)? {
            Some((key, created)) if created < time => low = key.saturating_add(1),
            Some((key, _)) => {
                found = Some(key);
                high = middle;
            }
            None => high = middle,
        }
    }
    Ok(found)
}
