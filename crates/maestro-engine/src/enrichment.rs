//! Params of a version as defaults, job templates and definition make them.

use maestro_core::view::MergedParams;
use maestro_model::definition::Workflow;
use maestro_store::Snapshot;

use crate::engine::{Engine, EngineError};

impl Engine {
    /// The merged params that `enriched=true` shows (spec 01 section 10.6); `None` as long as params are not merged.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn merged_params(
        &self,
        _workflow: &Workflow,
        _snapshot: &dyn Snapshot,
    ) -> Result<Option<MergedParams>, EngineError> {
        Ok(None)
    }
}
