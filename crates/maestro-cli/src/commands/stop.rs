//! `maestro stop`.

use super::Context;
use crate::args::StopArgs;
use crate::client::workflow_path;
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
        let message = answer.str("/message");
        let message = if message.is_empty() {
            "the server stops it"
        } else {
            message
        };
        ui::out(message)?;
    }
    Ok(Exit::Done)
}
