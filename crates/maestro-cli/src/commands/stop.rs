//! `maestro stop`.

use maestro_model::json::Json;

use super::Context;
use crate::args::StopArgs;
use crate::client::{Answer, workflow_path};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::ui;

pub(crate) fn run(context: &Context, args: &StopArgs) -> Result<Exit, Failure> {
    let client = context.client()?;
    let action = if args.kill { "kill" } else { "stop" };
    let target = match args.instance {
        Some(instance) => format!("/instances/{instance}/actions/{action}"),
        None => {
            // The server answers zeros for a workflow that is not there (spec 04 section 8.4).
            client.get(&workflow_path(&args.workflow, "/overview"))?;
            format!("/actions/{action}")
        }
    };
    let answer = client.put(&workflow_path(&args.workflow, &target))?;
    if context.json {
        ui::out(&answer.text)?;
    } else {
        ui::out(&words(&answer))?;
    }
    Ok(Exit::Done)
}

/// What the server did, or goes on doing.
fn words(answer: &Answer) -> String {
    let Some(instance) = answer.number("/workflow_instance_id") else {
        return answer.str("/message").to_owned();
    };
    let workflow = answer.str("/workflow_id");
    let status = answer.str("/workflow_instance_status");
    let completed = answer.json.pointer("/completed").and_then(Json::as_bool);
    match completed {
        Some(true) => format!("{workflow} {instance} is {}", ui::status(status)),
        _ => format!(
            "{workflow} {instance} is {} and being ended",
            ui::status(status)
        ),
    }
}
