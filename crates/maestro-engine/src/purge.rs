//! Removes the data of deleted workflows in small pieces (spec 05 section 15).

use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use maestro_model::state::WorkflowKey;
use maestro_store::PurgeStage;

use crate::committer::{Chore, Pipeline};

/// Rows removed at once, and the pause between two pieces, so that commits go on meanwhile.
const PIECE: u32 = 500;
const PAUSE: Duration = Duration::from_millis(5);
/// The pause after a piece that the store did not take.
const AWAY: Duration = Duration::from_secs(1);

/// Removes everything of a workflow on a thread of its own. One that is cut short goes on at the next start.
pub(crate) fn purge(pipeline: &Arc<Pipeline>, workflow: WorkflowKey) {
    let pipeline = pipeline.clone();
    let work = move || {
        for stage in PurgeStage::ALL {
            loop {
                let (done, purged) = mpsc::channel();
                let answer = Box::new(move |purged| {
                    // Nobody listens when the server stops.
                    let _ = done.send(purged);
                });
                pipeline.chore(Chore::Purge(workflow, stage, PIECE, answer));
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
    };
    if let Err(error) = std::thread::Builder::new()
        .name("purge".to_owned())
        .spawn(work)
    {
        tracing::warn!(%error, "cannot remove the data of a deleted workflow now; the next start will");
    }
}
