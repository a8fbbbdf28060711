//! The expressions of a workflow with their paths.

use crate::definition::{Step, StepKind, Workflow};
use crate::param::{ParamBody, ParamDefinition, ParamMap, ParamValue};

/// Calls `visit` with the path and the text of each: of params, of entries of literal maps, and of conditions.
pub(super) fn visit(workflow: &Workflow, visit: &mut dyn FnMut(&str, &str)) {
    params(workflow.params.as_ref(), "workflow.params", visit);
    steps(&workflow.steps, "workflow.steps", visit);
}

fn steps(all: &[Step], at: &str, visit: &mut dyn FnMut(&str, &str)) {
    for (index, step) in all.iter().enumerate() {
        let (word, nested) = match &step.kind {
            StepKind::Leaf(_) => ("step", None),
            StepKind::Subworkflow(_) => ("subworkflow", None),
            StepKind::Template(_) => ("template", None),
            StepKind::Foreach(inner) => ("foreach", Some(&inner.steps)),
            StepKind::While(inner) => ("while", Some(&inner.steps)),
        };
        let at = format!("{at}[{index}].{word}");
        params(step.params.as_ref(), &format!("{at}.params"), visit);
        for (successor, condition) in step.transition.successors.iter() {
            if let Some(condition) = condition {
                visit(
                    &format!("{at}.transition.successors.{successor}"),
                    condition,
                );
            }
        }
        if let StepKind::While(inner) = &step.kind {
            visit(&format!("{at}.condition"), &inner.condition);
        }
        if let Some(nested) = nested {
            steps(nested, &format!("{at}.steps"), visit);
        }
    }
}

fn params(all: Option<&ParamMap>, at: &str, visit: &mut dyn FnMut(&str, &str)) {
    for (name, param) in all.into_iter().flat_map(ParamMap::iter) {
        one(param, &format!("{at}.{name}"), visit);
    }
}

fn one(param: &ParamDefinition, at: &str, visit: &mut dyn FnMut(&str, &str)) {
    match &param.body {
        ParamBody::Expression { text, .. } => visit(&format!("{at}.expression"), text),
        ParamBody::Literal {
            value: ParamValue::Map(entries),
            ..
        } => params(Some(entries), &format!("{at}.value"), visit),
        ParamBody::Literal { .. } | ParamBody::Unset(_) => {}
    }
}
