//! `maestro schema`.

use crate::exit::Exit;
use crate::failure::Failure;
use crate::ui;

/// The schema, which is committed beside the documentation.
pub(crate) const SCHEMA: &str = include_str!("../../../../docs/schema/workflow.schema.json");

pub(crate) fn run() -> Result<Exit, Failure> {
    ui::out(SCHEMA.trim_end())?;
    Ok(Exit::Done)
}
