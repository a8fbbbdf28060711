//! `maestro unblock`.

use super::Context;
use crate::args::UnblockArgs;
use crate::client::workflow_path;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::ui;

pub(crate) fn run(context: &Context, args: &UnblockArgs) -> Result<Exit, Failure> {
    let client = context.client()?;
    let target = match args.instance {
        Some(instance) => format!("/instances/{instance}/actions/unblock"),
        None => {
            // The server answers zero for a workflow that is not there (spec 05 AC-29).
            client.get(&workflow_path(&args.workflow, "/overview"))?;
            "/actions/unblock".to_owned()
        }
    };
    let answer = client.put(&workflow_path(&args.workflow, &target))?;
    let text = match (context.json, args.instance) {
        (true, _) => &answer.text,
        (false, Some(_)) => answer.str("/info"),
        (false, None) => answer.str("/message"),
    };
    ui::out(text)?;
    Ok(Exit::Done)
}
