//! Starting and ending instances.

use hyper::StatusCode;
use maestro_core::message::{Refusal, Reply};
use maestro_core::view::{
    EndAnswer, OriginsView, StartAnswer, UnblockAnswer, end_all_event, unblock_all_event,
};
use maestro_engine::EngineError;
use maestro_model::run::{Initiator, StartRequest};
use maestro_model::state::ActionKind;
use maestro_model::validate;

use crate::answer::{Answer, Fault};
use crate::call::Call;
use crate::route::Acting;

/// E12.
pub(crate) fn start(call: Call) -> Acting {
    Box::pin(async move {
        let request: StartRequest = call.json()?;
        let engine = call.engine();
        if call.user.is_none() {
            // What is wrong with the body is told first (H-16).
            validate::start(&request, &engine.settings().limits)?;
        }
        let user = call.caller()?;
        let initiator = match &request.initiator {
            Initiator::Manual { depth, .. } => Initiator::Manual {
                depth: *depth,
                user: Some(user.clone()),
            },
            other => other.clone(),
        };
        let workflow = call.workflow();
        let version = call.text("version");
        let started = engine.start(workflow, version, request, user).await?;
        Ok(Answer::json(&StartAnswer {
            workflow_id: workflow,
            version: started.version,
            id: started.id,
            uuid: started.uuid,
            outcome: started.outcome,
            initiator: &initiator,
            at: engine.now(),
        }))
    })
}

/// The params of a start, with where they come from; nothing is started (ours).
pub(crate) fn preview(call: Call) -> Acting {
    Box::pin(async move {
        let request: StartRequest = call.json()?;
        let user = call.caller()?;
        let workflow = call.workflow();
        let engine = call.engine();
        let (version, preview) = engine
            .preview(workflow, call.text("version"), request, user)
            .await?;
        Ok(Answer::json(&OriginsView {
            workflow_id: workflow,
            version,
            run: None,
            workflow: &preview.workflow,
            steps: &preview.steps,
        }))
    })
}

/// E28, E31.
pub(crate) fn stop(call: Call) -> Acting {
    Box::pin(end(call, ActionKind::Stop))
}

/// E29, E32.
pub(crate) fn kill(call: Call) -> Acting {
    Box::pin(end(call, ActionKind::Kill))
}

async fn end(call: Call, action: ActionKind) -> Result<Answer, Fault> {
    let user = call.caller()?;
    let workflow = call.workflow();
    // Run 0 is the latest one.
    let run = Some(call.number("r")).filter(|run| *run != 0);
    let engine = call.engine();
    let reply = engine
        .end(workflow, call.number("i"), run, action, user)
        .await?;
    let Reply::Ended {
        id,
        status,
        completed,
        reason,
    } = reply
    else {
        return Err(Fault::Unhandled);
    };
    Ok(Answer::json(&EndAnswer {
        workflow_id: workflow,
        id,
        status,
        completed,
        reason: &reason,
        at: engine.now(),
    }))
}

/// E17.
pub(crate) fn stop_all(call: Call) -> Acting {
    Box::pin(end_all(call, ActionKind::Stop))
}

/// E18.
pub(crate) fn kill_all(call: Call) -> Acting {
    Box::pin(end_all(call, ActionKind::Kill))
}

async fn end_all(call: Call, action: ActionKind) -> Result<Answer, Fault> {
    let user = call.caller()?;
    let workflow = call.workflow();
    let engine = call.engine();
    let (queued, running) = match engine.end_all(workflow, action, user).await {
        Ok(counts) => counts,
        // Nobody looks whether the workflow exists (spec 04 section 8.4).
        Err(EngineError::Refused(Refusal::NoWorkflow(_))) => (0, 0),
        Err(error) => return Err(error.into()),
    };
    let now = engine.now();
    let event = end_all_event(workflow, action, user.clone(), queued, running, now);
    Ok(Answer::json(&event).with_status(StatusCode::ACCEPTED))
}

/// E30, E33.
pub(crate) fn unblock(call: Call) -> Acting {
    Box::pin(async move {
        let author = call.caller()?;
        let (workflow, run) = (call.workflow(), Some(call.number("r")));
        let engine = call.engine();
        let (id, changed) = engine
            .unblock(workflow, call.number("i"), run, author)
            .await?;
        Ok(Answer::json(&UnblockAnswer {
            workflow_id: workflow,
            id,
            changed,
            author,
            at: engine.now(),
        }))
    })
}

/// E19. Nobody looks whether the workflow exists (spec 04 section 8.5).
pub(crate) fn unblock_all(call: Call) -> Acting {
    Box::pin(async move {
        let author = call.caller()?;
        let (workflow, engine) = (call.workflow(), call.engine());
        let count = engine.unblock_all(workflow, author).await?;
        let event = unblock_all_event(workflow, author, count, engine.now());
        Ok(Answer::json(&event))
    })
}
