//! From the store back into memory: what was at work when the engine stopped, and single answers while it runs.

use std::collections::{BTreeMap, BTreeSet};

use maestro_core::message::{Fetch, Fetched, LoadedRun};
use maestro_core::{Keys, Resumed, Settings};
use maestro_model::Str;
use maestro_model::definition::Properties;
use maestro_model::state::{Millis, RunKey, RunRow, StepStatus, WorkflowKey, step_uuid};
use maestro_store::{LiveRuns, ShardSet, Snapshot};
use uuid::Uuid;

use crate::definitions::{Definitions, LoadError};
use crate::loader;
use crate::partition::{Partition, shard_of};

/// What was taken up.
pub struct Recovered {
    /// One for each worker; shard `s` is with worker `s % count`.
    pub partitions: Vec<Partition>,
    /// Uuids of the attempts whose work may be going on.
    pub jobs: Vec<Uuid>,
}

/// Takes up what was at work (design, "Durability and recovery").
///
/// # Errors
/// The store cannot be read, or holds something that cannot be understood.
pub fn recover(
    snapshot: &dyn Snapshot,
    definitions: &Definitions,
    settings: Settings,
    count: usize,
    now: Millis,
) -> Result<Recovered, LoadError> {
    let last_run = snapshot.largest_run_key()?.map_or(0, |RunKey(key)| key);
    let workflow_keys = snapshot.largest_workflow_keys()?;
    let mut partitions: Vec<Partition> = (0..count)
        .map(|worker| {
            let shards = (0..Keys::SHARDS).filter(|s| usize::from(*s) % count == worker);
            let keys = shards.map(|s| {
                Keys::new(
                    s,
                    workflow_keys[usize::from(s)].map_or(0, |k| k.0),
                    last_run,
                )
            });
            Partition::new(settings, keys)
        })
        .collect();

    let mut live: BTreeMap<WorkflowKey, Vec<LoadedRun>> = BTreeMap::new();
    let mut jobs = Vec::new();
    let mut failure = None;
    snapshot.live_runs(ShardSet::ALL, LiveRuns::Begun, &mut |row, steps| {
        if failure.is_some() {
            return;
        }
        match loader::run(row, steps, definitions, snapshot) {
            Ok(run) => {
                jobs.extend(jobs_of(&run));
                live.entry(run.row.workflow).or_default().push(run);
            }
            Err(error) => failure = Some(error),
        }
    })?;
    if let Some(error) = failure {
        return Err(error);
    }
    let mut queued: BTreeMap<WorkflowKey, u64> =
        snapshot.queued_counts(ShardSet::ALL)?.into_iter().collect();
    let keys: BTreeSet<WorkflowKey> = live.keys().chain(queued.keys()).copied().collect();
    for key in keys {
        let row = snapshot.workflow_by_key(key)?.ok_or_else(|| {
            LoadError::Damaged(format!(
                "there are runs of workflow number {}, which is not there",
                key.0
            ))
        })?;
        let id: Str = (&*row.id).into();
        let mut resumed = Resumed {
            row: None,
            properties: Properties::default(),
            deleted_instances: 0,
            purging: false,
            failed: 0,
            queued: queued.remove(&key).unwrap_or(0),
            live: live.remove(&key).unwrap_or_default(),
        };
        loader::fill(&mut resumed, row, snapshot)?;
        partitions[usize::from(shard_of(&id)) % count].resume(&id, resumed, now);
    }
    Ok(Recovered { partitions, jobs })
}

/// The attempts of a run whose work may be going on.
fn jobs_of(run: &LoadedRun) -> Vec<Uuid> {
    run.steps
        .iter()
        .filter(|s| matches!(s.state.status, StepStatus::Starting | StepStatus::Running))
        .map(|s| {
            step_uuid(
                &run.plan.workflow.id,
                &run.row.body.uuid,
                &run.plan.step(s.step).id,
                s.attempt,
            )
        })
        .collect()
}

/// The answer to a question of the core.
///
/// # Errors
/// The store cannot be read, or holds something that cannot be understood.
pub fn fetch(
    definitions: &Definitions,
    workflow: &str,
    what: &Fetch,
    snapshot: &dyn Snapshot,
) -> Result<Fetched, LoadError> {
    let key = snapshot.workflow(workflow)?.map(|row| row.key);
    // What waits or is over needs no steps.
    let without_steps = |row: RunRow| loader::run(row, Vec::new(), definitions, snapshot);
    Ok(match what {
        Fetch::Queued { after, limit } => {
            let limit = u32::try_from(*limit).unwrap_or(u32::MAX);
            let rows = match key {
                Some(key) => snapshot.queued(key, *after, limit)?,
                None => Vec::new(),
            };
            Fetched::Queued(
                rows.into_iter()
                    .map(without_steps)
                    .collect::<Result<_, _>>()?,
            )
        }
        Fetch::Instance(instance) => {
            let row = match key {
                Some(key) => snapshot.latest_run(key, *instance)?,
                None => None,
            };
            Fetched::Instance(row.map(without_steps).transpose()?.map(Box::new))
        }
        Fetch::Failed { after, limit } => Fetched::Failed(match key {
            Some(key) => snapshot.failed(key, *after, u32::try_from(*limit).unwrap_or(u32::MAX))?,
            None => Vec::new(),
        }),
        Fetch::Uuid(uuid) => Fetched::Uuid(match key {
            Some(key) => snapshot.run_by_uuid(key, uuid)?.is_some(),
            None => false,
        }),
        Fetch::Deleted => {
            let previous = snapshot.previous_workflow(workflow)?;
            Fetched::Deleted {
                last_instance: previous.map_or(0, |p| p.last_instance),
                purging: previous.is_some_and(|p| p.purging.is_some()),
            }
        }
    })
}

/// What the store has of a workflow that is not in memory.
///
/// # Errors
/// The store cannot be read, or holds something that cannot be understood.
pub fn load(workflow: &str, snapshot: &dyn Snapshot) -> Result<Resumed, LoadError> {
    loader::workflow(workflow, snapshot)
}
