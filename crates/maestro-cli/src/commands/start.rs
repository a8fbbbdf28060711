//! `maestro start`.

use maestro_model::json::{Json, Object};
use uuid::Uuid;

use super::Context;
use crate::args::StartArgs;
use crate::client::{Answer, Client, segment, workflow_path};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::params;
use crate::ui;

pub(crate) fn run(context: &Context, args: &StartArgs) -> Result<Exit, Failure> {
    let client = context.client()?;
    let answer = start(&client, &args.workflow, &args.version, &args.params)?;
    if context.json {
        ui::out(&answer.text)?;
    } else {
        ui::out(&format!(
            "{} {}: {} (version {})",
            args.workflow,
            answer.number("/workflow_instance_id").unwrap_or(0),
            answer.str("/status"),
            answer.number("/workflow_version_id").unwrap_or(0)
        ))?;
    }
    Ok(Exit::Done)
}

/// Starts an instance.
pub(super) fn start(
    client: &Client,
    workflow: &str,
    version: &str,
    given: &[String],
) -> Result<Answer, Failure> {
    let path = workflow_path(
        workflow,
        &format!("/versions/{}/actions/start", segment(version)),
    );
    let request = request(client, workflow, version, given)?;
    Ok(client.post(&path, &request)?)
}

/// The body of a start.
pub(super) fn request(
    client: &Client,
    workflow: &str,
    version: &str,
    given: &[String],
) -> Result<String, Failure> {
    let text = |text: &str| Json::String(text.into());
    let mut request = Object::new();
    let initiator = vec![("type".into(), text("MANUAL"))];
    request.insert("initiator", Json::Object(Object::from_members(initiator)));
    request.insert("request_id", text(&Uuid::new_v4().to_string()));
    if let Some(params) = params::of_version(client, workflow, version, given)? {
        request.insert("run_params", params);
    }
    Ok(Json::Object(request).to_text())
}
