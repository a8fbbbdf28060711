//! From rows to what the core takes up.

use std::sync::Arc;

use maestro_core::message::{LoadedRun, LoadedStep};
use maestro_core::{Resumed, Values, values_from_json};
use maestro_model::definition::Properties;
use maestro_model::state::{RunRow, StepRow, StepStatus, WorkflowRow};
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
    load_run(row, steps, plan, properties.step_concurrency).map_err(LoadError::Damaged)
}

/// A run with its plan, and the values that its rows hold on top of the definition's.
fn load_run(
    row: RunRow,
    steps: Vec<StepRow>,
    plan: Arc<maestro_core::plan::Plan>,
    step_concurrency: Option<i64>,
) -> Result<LoadedRun, String> {
    let literal = plan.params.clone().unwrap_or_default();
    let values = overlay(&literal, row.body.params.as_deref())?;
    let steps = steps
        .into_iter()
        .map(|step| {
            let own = match &step.params {
                // Only attempts at work need them.
                Some(params)
                    if !step.state.status.is_terminal()
                        || step.state.status == StepStatus::Succeeded =>
                {
                    let literal = plan.step(step.step).params.clone().unwrap_or_default();
                    Some(overlay(&literal, Some(params))?)
                }
                _ => None,
            };
            Ok(LoadedStep {
                step: step.step,
                attempt: step.attempt,
                state: step.state,
                values: own,
            })
        })
        .collect::<Result<_, String>>()?;
    Ok(LoadedRun {
        row,
        plan,
        values,
        step_concurrency,
        steps,
    })
}

fn overlay(literal: &Arc<Values>, stored: Option<&str>) -> Result<Arc<Values>, String> {
    let Some(stored) = stored else {
        return Ok(Arc::clone(literal));
    };
    let mut values = Values::clone(literal);
    values.extend(values_from_json(stored)?);
    Ok(Arc::new(values))
}
