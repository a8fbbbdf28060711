//! From rows to what the core takes up.

use std::sync::Arc;

use maestro_core::message::{LoadedRun, LoadedStep};
use maestro_core::{Results, Resumed};
use maestro_model::definition::Properties;
use maestro_model::state::{RunRow, StepRow, WorkflowRow};
use maestro_store::Snapshot;

use crate::definitions::{Definitions, LoadError};

/// A workflow without runs at work, as the store has it.
pub(crate) fn workflow(id: &str, snapshot: &dyn Snapshot) -> Result<Resumed, LoadError> {
    let row = snapshot.workflow(id)?;
    let previous = snapshot.previous_workflow(id)?;
    let mut resumed = Resumed {
        row: None,
        properties: Properties::default(),
        deleted_instances: previous.map_or(0, |p| p.last_instance),
        purging: previous.is_some_and(|p| p.purging.is_some()),
        failed: 0,
        queued: 0,
        live: Vec::new(),
    };
    if let Some(row) = row {
        fill(&mut resumed, row, snapshot)?;
    }
    Ok(resumed)
}

/// Adds what an existing workflow has.
pub(crate) fn fill(
    resumed: &mut Resumed,
    row: WorkflowRow,
    snapshot: &dyn Snapshot,
) -> Result<(), LoadError> {
    if let Some(properties) = snapshot.properties(row.key, Some(row.properties))? {
        resumed.properties = maestro_model::codec::read(properties.properties.as_bytes())
            .map_err(|e| LoadError::Damaged(format!("properties of workflow [{}]: {e}", row.id)))?;
    }
    resumed.failed = snapshot.counts(row.key)?.failed;
    resumed.row = Some(row);
    Ok(())
}

/// A run with what its row only names. `steps` are the latest attempts.
///
/// # Errors
/// Something of it cannot be read.
pub(crate) fn run(
    row: RunRow,
    steps: Vec<StepRow>,
    definitions: &Definitions,
    snapshot: &dyn Snapshot,
) -> Result<LoadedRun, LoadError> {
    let plan = definitions
        .plan(row.workflow, row.body.version, snapshot)?
        .ok_or_else(|| {
            LoadError::Damaged(format!("version {} of a run is gone", row.body.version))
        })?;
    let properties = definitions.properties(row.workflow, row.body.properties, snapshot)?;
    load_run(row, steps, plan, properties).map_err(LoadError::Damaged)
}

/// A run with its plan, and the results that its rows hold beyond it.
fn load_run(
    row: RunRow,
    steps: Vec<StepRow>,
    plan: Arc<maestro_core::plan::Plan>,
    properties: Arc<Properties>,
) -> Result<LoadedRun, String> {
    let results = match &row.body.params {
        Some(text) => Arc::new(Results::from_json(text)?),
        None => plan.no_results(),
    };
    let steps = steps
        .into_iter()
        .map(|step| {
            let results = match &step.params {
                Some(text) => Some(Arc::new(Results::from_json(text)?)),
                None => None,
            };
            Ok(LoadedStep {
                step: step.step,
                attempt: step.attempt,
                state: step.state,
                results,
            })
        })
        .collect::<Result<_, String>>()?;
    Ok(LoadedRun {
        row,
        plan,
        results,
        properties,
        steps,
    })
}
