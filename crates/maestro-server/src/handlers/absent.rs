//! Requests for what the engine cannot do yet: their faults are told as they will be, the rest is 501.

use hyper::StatusCode;
use maestro_model::codec::{At, FromJson, JsonError, read};
use maestro_model::definition::{PropertiesUpdate, Tag};
use maestro_model::json::Json;
use maestro_model::run::{RestartRequest, StepRestartRequest};
use maestro_model::validate;

use crate::answer::Fault;
use crate::call::Call;

/// Nothing to look at.
pub(crate) fn nothing(_: &Call) -> Result<(), Fault> {
    Ok(())
}

/// A body that has to be JSON, at least.
pub(crate) fn json(call: &Call) -> Result<(), Fault> {
    call.json::<AnyJson>().map(drop)
}

/// E3.
pub(crate) fn properties(call: &Call) -> Result<(), Fault> {
    let update: PropertiesUpdate = call.json()?;
    let limits = &call.engine().settings().limits;
    Ok(validate::properties_update(&update, limits)?)
}

/// E4.
pub(crate) fn tag(call: &Call) -> Result<(), Fault> {
    let tag: Tag = call.json()?;
    Ok(validate::tag(&tag, &call.engine().settings().limits)?)
}

/// E27.
pub(crate) fn restart(call: &Call) -> Result<(), Fault> {
    let request: RestartRequest = call.json()?;
    Ok(validate::restart(
        &request,
        &call.engine().settings().limits,
    )?)
}

/// E39.
pub(crate) fn step_restart(call: &Call) -> Result<(), Fault> {
    let parsed = read::<StepRestartRequest>(&call.body);
    // A missing member is found in reading, but told as late as other violations (H-16).
    if parsed.as_ref().err().is_none_or(|fault| fault.is_violation) {
        step_action(call)?;
    }
    let request = parsed?;
    Ok(validate::step_restart(
        &request,
        &call.engine().settings().limits,
    )?)
}

/// E40 to E43.
pub(crate) fn step_action(call: &Call) -> Result<(), Fault> {
    call.query.flag("blocking", true).map(drop)
}

/// E45 to E47: both ids must be given.
pub(crate) fn breakpoints(call: &Call) -> Result<(), Fault> {
    call.query.flag("resume", true)?;
    for name in ["workflowId", "stepId"] {
        if call.query.text(name).is_none() {
            return Err(Fault::problem(
                StatusCode::BAD_REQUEST,
                format!("the query parameter `{name}` is required"),
            ));
        }
    }
    Ok(())
}

/// Any JSON value.
struct AnyJson;

impl FromJson for AnyJson {
    fn from_json(_: Json, _: &At<'_>) -> Result<Self, JsonError> {
        Ok(Self)
    }
}
