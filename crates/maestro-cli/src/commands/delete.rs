//! `maestro delete`.

use std::io::{BufRead, IsTerminal};

use super::Context;
use crate::args::DeleteArgs;
use crate::client::workflow_path;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::ui;

pub(crate) fn run(context: &Context, args: &DeleteArgs) -> Result<Exit, Failure> {
    let client = context.client()?;
    let overview = client.get(&workflow_path(&args.workflow, "/overview"))?;
    let count = |pointer: &str| usize::try_from(overview.number(pointer).unwrap_or(0)).unwrap_or(0);
    let what = format!(
        "the workflow `{}` with {} and {}",
        args.workflow,
        ui::plural(count("/latest_version_id"), "version"),
        ui::plural(count("/latest_instance_id"), "instance")
    );
    if !args.yes {
        if !std::io::stdin().is_terminal() {
            return Err(
                Failure::usage(format!("this would delete {what}")).hint("say so with --yes")
            );
        }
        ui::note(&format!("This deletes {what}. Type `yes` to go on."));
        let mut answer = String::new();
        std::io::stdin()
            .lock()
            .read_line(&mut answer)
            .map_err(|error| {
                Failure::new(Exit::Failed, format!("cannot read the answer: {error}"))
            })?;
        if answer.trim() != "yes" {
            return Err(Failure::new(Exit::Failed, "nothing was deleted"));
        }
    }
    let answer = client.delete(&workflow_path(&args.workflow, ""))?;
    ui::out(&if context.json {
        answer.text
    } else {
        format!("deleted {what}")
    })?;
    Ok(Exit::Done)
}
