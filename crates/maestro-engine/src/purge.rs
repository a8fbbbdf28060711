//! Removes the data of deleted workflows in small pieces (spec 05 section 15).

use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use maestro_core::plan::{Plan, Work};
use maestro_model::Str;
use maestro_model::state::{RunRow, WorkflowKey, step_uuid};
use maestro_steps::local::LocalExecutor;
use maestro_store::{PurgeStage, RunRange, Snapshot};

use crate::committer::Chore;
use crate::definitions::LoadError;
use crate::engine::{Shared, retry};
use crate::jobs::{Jobs, key_of};

/// Rows removed at once, and the pause between two pieces, so that commits go on meanwhile.
const PIECE: u32 = 500;
const PAUSE: Duration = Duration::from_millis(5);
/// The pause after a piece that the store did not take.
const AWAY: Duration = Duration::from_secs(1);
/// Instances whose files are removed with one snapshot of the store.
const INSTANCES: i64 = 100;

/// Removes everything of a workflow on a thread of its own. One that is cut short goes on at the next start.
pub(crate) fn purge(shared: &Arc<Shared>, id: Str, workflow: WorkflowKey) {
    let shared = shared.clone();
    let work = move || {
        // While the rows are there that say which files there are.
        if files(&shared, &id, workflow).is_ok() {
            rows(&shared, workflow);
        }
    };
    if let Err(error) = std::thread::Builder::new()
        .name("purge".to_owned())
        .spawn(work)
    {
        tracing::warn!(%error, "cannot remove the data of a deleted workflow now; the next start will");
    }
}

/// Removes the logs of its jobs and the folders that they shared (spec 07 BX-15). A file that cannot be removed stays and
/// is reported: it is no reason to keep the id of the workflow from being used again.
///
/// # Errors
/// The store cannot be read and the engine goes down.
fn files(shared: &Shared, id: &Str, workflow: WorkflowKey) -> Result<(), LoadError> {
    let Some(local) = shared.jobs.get().and_then(Jobs::local) else {
        return Ok(());
    };
    let mut next = 1;
    loop {
        let remove = |snapshot: &dyn Snapshot| {
            let Some(bounds) = snapshot.instance_bounds(workflow)? else {
                return Ok(None);
            };
            let low = bounds.low.max(next);
            let high = bounds.high.min(low.saturating_add(INSTANCES - 1));
            for instance in low..=high {
                let all = RunRange {
                    low: 1,
                    high: i64::MAX,
                };
                for run in snapshot.runs(workflow, instance, all)? {
                    logs(shared, local, id, &run, snapshot)?;
                }
            }
            Ok((high < bounds.high).then_some(high + 1))
        };
        match retry(shared, remove) {
            Ok(Some(instance)) => next = instance,
            Ok(None) => break,
            // What a row says that cannot be read is lost; the rest of the workflow goes.
            Err(error @ LoadError::Damaged(_)) => {
                tracing::warn!(workflow = %id, %error, "logs of jobs of the deleted workflow stay");
                break;
            }
            Err(error) => return Err(error),
        }
    }
    if let Err(error) = local.remove_workflow(id) {
        tracing::warn!(workflow = %id, %error, "the folder of the deleted workflow's jobs stays");
    }
    Ok(())
}

fn logs(
    shared: &Shared,
    local: &LocalExecutor,
    id: &Str,
    run: &RunRow,
    snapshot: &dyn Snapshot,
) -> Result<(), LoadError> {
    let Some(plan) = shared
        .definitions
        .plan(run.workflow, run.body.version, snapshot)?
    else {
        return Ok(());
    };
    for (ord, step) in job_steps(&plan) {
        for attempt in snapshot.attempts(run.key, ord)? {
            let uuid = step_uuid(id, &run.body.uuid, &step, attempt.attempt);
            if let Some(key) = key_of(&uuid)
                && let Err(error) = local.remove_log(&key)
            {
                tracing::warn!(workflow = %id, %error, "a log of the deleted workflow stays");
            }
        }
    }
    Ok(())
}

fn job_steps(plan: &Plan) -> impl Iterator<Item = (u32, Str)> {
    let steps = (0..).zip(&plan.steps);
    steps
        .filter(|(_, step)| matches!(step.work, Work::Job(_)))
        .map(|(ord, step)| (ord, step.id.clone()))
}

fn rows(shared: &Shared, workflow: WorkflowKey) {
    for stage in PurgeStage::ALL {
        loop {
            let (done, purged) = mpsc::channel();
            let answer = Box::new(move |purged| {
                // Nobody listens when the server stops.
                let _ = done.send(purged);
            });
            shared
                .pipeline
                .chore(Chore::Purge(workflow, stage, PIECE, answer));
            // The committer is gone: the server stops.
            let Ok(purged) = purged.recv() else { return };
            let Some(purged) = purged else {
                std::thread::sleep(AWAY);
                continue;
            };
            if purged.rows < u64::from(PIECE) {
                break;
            }
            std::thread::sleep(PAUSE);
        }
    }
}
