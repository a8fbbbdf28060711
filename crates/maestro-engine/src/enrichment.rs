//! Params of a version as defaults, job templates and definition make them.

use std::cell::RefCell;

use maestro_core::plan::Plan;
use maestro_core::view::MergedParams;
use maestro_model::definition::{Step, StepKind};
use maestro_model::param::ParamMap;
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
        let failed = RefCell::new(None);
        let template = |step: &Step| {
            self.template_params(step, snapshot)
                .unwrap_or_else(|error| {
                    failed.replace(Some(error));
                    None
                })
        };
        let merged = MergedParams::of(plan, &template);
        match failed.take() {
            Some(error) => Err(error),
            None => merged.map_err(|error| EngineError::BadRequest(error.to_string())),
        }
    }

    /// The params of the job template that a step names by its sub type (spec 01 DR-6); none for an unknown one.
    fn template_params(
        &self,
        step: &Step,
        snapshot: &dyn Snapshot,
    ) -> Result<Option<ParamMap>, EngineError> {
        let StepKind::Leaf(leaf) = &step.kind else {
            return Ok(None);
        };
        let Some(sub_type) = &leaf.sub_type else {
            return Ok(None);
        };
        let version = leaf.sub_type_version.as_deref().unwrap_or("default");
        let template = self.job_template(sub_type, version, snapshot)?;
        Ok(template.and_then(|template| template.request.definition.params))
    }
}
