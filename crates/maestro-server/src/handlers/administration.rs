//! Changes of the definition side that are no pushes: properties, tags, activation.

use maestro_core::message::{Refusal, VersionSelector};
use maestro_core::view::{VersionAnswer, properties_snapshot};
use maestro_engine::EngineError;
use maestro_model::definition::{PropertiesUpdate, Tag};
use maestro_model::state::PropertiesRow;
use maestro_model::validate;

use super::definitions::invalid_version;
use crate::answer::{Answer, Fault};
use crate::call::Call;
use crate::dispatch;
use crate::route::Acting;

/// E3.
pub(crate) fn properties(call: Call) -> Acting {
    Box::pin(async move {
        let update: PropertiesUpdate = call.json()?;
        let engine = call.engine();
        // What is wrong with the body is told before a missing caller (H-16).
        validate::properties_update(&update, &engine.settings().limits)?;
        let user = call.caller()?.clone();
        let changed = engine.update_properties(call.workflow(), update, user);
        snapshot(&call, changed.await)
    })
}

/// E4.
pub(crate) fn add_tag(call: Call) -> Acting {
    Box::pin(async move {
        let tag: Tag = call.json()?;
        let engine = call.engine();
        validate::tag(&tag, &engine.settings().limits)?;
        let user = call.caller()?.clone();
        snapshot(&call, engine.add_tag(call.workflow(), tag, user).await)
    })
}

/// E5.
pub(crate) fn remove_tag(call: Call) -> Acting {
    Box::pin(async move {
        let user = call.caller()?.clone();
        let tag = call.text("tagName");
        let removed = call.engine().remove_tag(call.workflow(), tag, user);
        snapshot(&call, removed.await)
    })
}

/// The new snapshot; a workflow that is not there is a fault of the request (spec 04 sections 7.6, 7.7).
fn snapshot(call: &Call, changed: Result<PropertiesRow, EngineError>) -> Result<Answer, Fault> {
    match changed {
        Ok(row) => Ok(Answer::json(&properties_snapshot(call.workflow(), &row)?)),
        Err(EngineError::Refused(refusal @ Refusal::NoWorkflow(_))) => {
            Err(Fault::bad_request(refusal.to_string()))
        }
        Err(error) => Err(error.into()),
    }
}

/// E15.
pub(crate) fn deactivate(call: Call) -> Acting {
    Box::pin(async move {
        let user = call.caller()?;
        let engine = call.engine();
        let log = engine.deactivate(call.workflow(), user.clone()).await?;
        Ok(Answer::json(&VersionAnswer {
            workflow_id: call.workflow(),
            version: None,
            author: user,
            log: &log,
            at: engine.now(),
        }))
    })
}

/// E16.
pub(crate) fn activate(call: Call) -> Acting {
    Box::pin(async move {
        let user = call.caller()?;
        let (engine, workflow) = (call.engine(), call.workflow());
        let Some(selector) = VersionSelector::parse(call.text("version")) else {
            let (id, text) = (workflow.to_owned(), call.text("version").to_owned());
            // That there is no such workflow is told first (spec 04 section 4.2).
            let read = dispatch::read(&call.state, move |moment| {
                moment.workflow(&id)?;
                Err(invalid_version(&text, &id))
            });
            return read.await;
        };
        let (version, log) = engine.activate(workflow, selector, user.clone()).await?;
        Ok(Answer::json(&VersionAnswer {
            workflow_id: workflow,
            version: Some(version),
            author: user,
            log: &log,
            at: engine.now(),
        }))
    })
}
