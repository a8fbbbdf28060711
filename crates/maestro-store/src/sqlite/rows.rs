//! From columns to rows.

use maestro_model::state::{
    InstanceRef, RunBody, RunHead, RunKey, RunRow, StepRow, StepState, WorkflowKey,
};
use minicbor::Decode;
use rusqlite::Row;
use rusqlite::types::ValueRef;

use super::classify;
use crate::ReadError;

/// Columns of [`run`], in its order.
pub(super) const RUN: &str = "r.key, r.workflow, r.instance, r.run, r.head, r.body";

pub(super) fn run(row: &Row<'_>) -> Result<RunRow, ReadError> {
    let get = |at| row.get(at).map_err(classify::read);
    Ok(RunRow {
        key: RunKey(get(0)?),
        workflow: WorkflowKey(get(1)?),
        id: InstanceRef {
            instance: get(2)?,
            run: get(3)?,
        },
        head: cbor::<RunHead>(row, 4, "run")?,
        body: cbor::<RunBody>(row, 5, "run")?,
    })
}

/// Columns of [`step`], in its order, `step` being the first.
pub(super) const STEP: &str = "s.step, s.attempt, s.state, s.params";

pub(super) fn step(row: &Row<'_>, first: usize) -> Result<StepRow, ReadError> {
    Ok(StepRow {
        step: row.get(first).map_err(classify::read)?,
        attempt: row.get(first + 1).map_err(classify::read)?,
        state: cbor::<StepState>(row, first + 2, "step")?,
        params: row
            .get::<_, Option<String>>(first + 3)
            .map_err(classify::read)?
            .map(Into::into),
    })
}

/// Decodes a column in place.
pub(super) fn cbor<T: for<'b> Decode<'b, ()>>(
    row: &Row<'_>,
    column: usize,
    what: &'static str,
) -> Result<T, ReadError> {
    match row.get_ref(column).map_err(classify::read)? {
        ValueRef::Blob(bytes) => minicbor::decode(bytes).map_err(|source| ReadError::Decode {
            what,
            source: source.into(),
        }),
        other => Err(ReadError::Decode {
            what,
            source: format!("a blob was expected, found {}", other.data_type()).into(),
        }),
    }
}
