//! Rules of start and restart requests (spec 04 V-13).

use super::{Checker, Invalid, Limits, step};
use crate::codec::At;
use crate::definition::{Tag, Workflow};
use crate::param::ParamMap;
use crate::run::{RestartRequest, StartRequest, StepRestartRequest};

/// Names that no param of a start request may have.
const RESERVED: [&str; 17] = [
    "maestro",
    "Maestro",
    "MAESTRO",
    "scheduler",
    "Scheduler",
    "SCHEDULER",
    "util",
    "Util",
    "UTIL",
    "params",
    "Params",
    "PARAMS",
    "AUTH_BLOB",
    "AUTH_DATA",
    "AUTH_ACTING_ON_BEHALF_OF_BLOB",
    "AUTH_TRIGGERING_ON_BEHALF_OF_BLOB",
    "AUTHORIZED_MANAGERS",
];

/// Checks a start.
///
/// # Errors
/// All violations.
pub fn start(request: &StartRequest, limits: &Limits) -> Result<(), Invalid> {
    let mut checker = Checker::new(limits);
    checker.tags(
        &At::ROOT.name("runtimeTags"),
        request.runtime_tags.as_deref(),
    );
    run_params(
        &mut checker,
        request.run_params.as_ref(),
        &At::ROOT.name("runParams"),
    );
    checker.into_result()
}

/// Checks a restart.
///
/// # Errors
/// All violations.
pub fn restart(request: &RestartRequest, limits: &Limits) -> Result<(), Invalid> {
    let mut checker = Checker::new(limits);
    run_params(
        &mut checker,
        request.run_params.as_ref(),
        &At::ROOT.name("runParams"),
    );
    checker.into_result()
}

/// Checks a restart of a step.
///
/// # Errors
/// All violations.
pub fn step_restart(request: &StepRestartRequest, limits: &Limits) -> Result<(), Invalid> {
    let mut checker = Checker::new(limits);
    run_params(
        &mut checker,
        request.step_run_params.as_ref(),
        &At::ROOT.name("stepRunParams"),
    );
    checker.into_result()
}

/// A runtime tag whose name a tag of the workflow has, too (spec 05 section 4.1).
pub fn repeated_runtime_tag<'a>(workflow: &Workflow, runtime_tags: &'a [Tag]) -> Option<&'a Tag> {
    let tags = workflow.tags.as_deref().unwrap_or_default();
    runtime_tags
        .iter()
        .find(|tag| tags.iter().any(|other| other.name == tag.name))
}

fn run_params(checker: &mut Checker<'_>, params: Option<&ParamMap>, at: &At<'_>) {
    let count = params.map_or(0, ParamMap::len);
    let limit = checker.limits.run_params;
    if count > limit {
        checker.add(at, format!("has {count} params, the limit is {limit}"));
    }
    for (name, param) in params.into_iter().flatten() {
        if RESERVED.contains(&&**name) {
            checker.add(
                &at.name(name),
                format!("the param name [{name}] is reserved; rename it"),
            );
        }
        if param.meta.has_source() {
            checker.add(
                &at.name(name),
                format!("the param [{name}] must not have a `source`, which the system sets"),
            );
        }
    }
    step::params(checker, params, at);
}
