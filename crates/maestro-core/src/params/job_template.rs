//! Job templates: params that a step pulls in by its sub type (spec 02 section 21, 07 section 10).

use std::sync::Arc;

use maestro_model::Str;
use maestro_model::definition::{LeafType, Step, StepKind};
use maestro_model::param::{ParamMap, ParamSource, Params};
use maestro_model::resource::JobTemplateDefinition;

use super::convert::freeze;
use super::error::ParamError;
use super::merge::{Stage, merge};

/// Finds a template by its job type and version; `None` where there is none.
pub type FindTemplate<'a> = &'a dyn Fn(&str, &str) -> Option<Arc<JobTemplateDefinition>>;

/// How deep templates may inherit, and how many all together: diamonds over diamonds double with every level.
const DEEPEST: usize = 64;
const MOST: usize = 1_000;

/// Which template a step names: its job type, and the version if it gives one (spec 07 JT-1, JT-2).
#[must_use]
pub fn template_of(step: &Step) -> Option<(&Str, Option<&Str>)> {
    let StepKind::Leaf(leaf) = &step.kind else {
        return None;
    };
    let has_templates = matches!(
        leaf.ty,
        LeafType::Kubernetes | LeafType::Notebook | LeafType::Http
    );
    let version = leaf.sub_type_version.as_ref().filter(|v| !v.is_empty());
    Some((leaf.sub_type.as_ref().filter(|_| has_templates)?, version))
}

/// The params that the template of a step brings; `None` without one. `version` is that of the workflow's param
/// `job_template_version`. The params of the workflow, where given, are put over those of the same names (spec 07 JT-7).
///
/// # Errors
/// The template is for steps of another type, inherits from itself, or a param of the workflow does not fit.
pub fn template_params(
    step: &Step,
    version: Option<&str>,
    workflow: Option<&Params>,
    find: FindTemplate<'_>,
) -> Result<Option<ParamMap>, ParamError> {
    let Some((job_type, own)) = template_of(step) else {
        return Ok(None);
    };
    let version = own
        .map_or(version, |own| Some(own))
        .filter(|v| !v.is_empty());
    let Some(template) = find(job_type, version.unwrap_or("default")) else {
        return Ok(None);
    };
    if template.step_type != step.ty() {
        return Err(ParamError::illegal(format!(
            "job template [{job_type}] is for steps of the type {}, not {}",
            template.step_type.as_str(),
            step.ty().as_str()
        )));
    }
    let mut line = Vec::new();
    lineage(&template, &mut Vec::new(), find, &mut line)?;
    let mut union = ParamMap::default();
    for template in &line {
        for (name, param) in template.params.iter().flatten() {
            union.insert(name.clone(), param.clone());
        }
    }
    let Some(workflow) = workflow else {
        return Ok(Some(union));
    };
    let over: ParamMap = union
        .keys()
        .filter_map(|name| Some((name, workflow.get(name)?)))
        .map(|(name, param)| Ok((name.clone(), freeze(name, param)?)))
        .collect::<Result<_, ParamError>>()?;
    let stage = Stage {
        upstream: true,
        ..Stage::fresh(ParamSource::WorkflowParameter)
    };
    merge(union, &over, stage).map(Some)
}

/// A template after all that it inherits from (spec 07 JT-5). A missing one brings nothing.
fn lineage(
    template: &Arc<JobTemplateDefinition>,
    path: &mut Vec<Str>,
    find: FindTemplate<'_>,
    line: &mut Vec<Arc<JobTemplateDefinition>>,
) -> Result<(), ParamError> {
    if path.len() > DEEPEST || line.len() >= MOST {
        return Err(ParamError::illegal(format!(
            "job template [{}] inherits from too many others",
            template.job_type
        )));
    }
    for (job_type, version) in template.inherit_from.iter().flatten() {
        if path.contains(job_type) {
            return Err(ParamError::illegal(format!(
                "job template [{job_type}] inherits from itself: {}",
                path.join(" -> ")
            )));
        }
        if let Some(ancestor) = find(job_type, version) {
            path.push(job_type.clone());
            lineage(&ancestor, path, find, line)?;
            path.pop();
        }
    }
    line.push(Arc::clone(template));
    Ok(())
}
