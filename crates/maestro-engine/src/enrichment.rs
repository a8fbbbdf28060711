//! Params of a version as defaults, job templates and definition make them.

use std::cell::RefCell;
use std::sync::Arc;

use maestro_core::params::FindTemplate;
use maestro_core::plan::Plan;
use maestro_core::view::MergedParams;
use maestro_store::Snapshot;

use crate::engine::{Engine, EngineError};

impl Engine {
    /// The merged params that `enriched=true` shows (spec 01 section 10.6, 02 ES-1).
    ///
    /// # Errors
    /// The store cannot be read, or the definition may not say what it says.
    pub fn merged_params(
        &self,
        plan: &Plan,
        snapshot: &dyn Snapshot,
    ) -> Result<MergedParams, EngineError> {
        let merged = self.with_templates(snapshot, |find| MergedParams::of(plan, find))?;
        merged.map_err(|error| EngineError::BadRequest(error.to_string()))
    }

    /// Does something that looks for job templates. That a template cannot be read comes before whatever it came to.
    pub(crate) fn with_templates<T>(
        &self,
        snapshot: &dyn Snapshot,
        work: impl FnOnce(FindTemplate<'_>) -> T,
    ) -> Result<T, EngineError> {
        let failed = RefCell::new(None);
        let find = |job_type: &str, version: &str| {
            let found = self.job_template(job_type, version, snapshot);
            let found = found.unwrap_or_else(|error| {
                failed.replace(Some(error));
                None
            });
            found.map(|template| Arc::new(template.request.definition))
        };
        let result = work(&find);
        failed.into_inner().map_or(Ok(result), Err)
    }
}
