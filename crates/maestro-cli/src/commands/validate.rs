//! `maestro validate`.

use maestro_model::codec::to_text;

use super::Context;
use crate::args::ValidateArgs;
use crate::client::{CallError, Client};
use crate::definition;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::problems::{Checked, ProblemView};
use crate::ui;

pub(crate) fn run(context: &Context, args: &ValidateArgs) -> Result<Exit, Failure> {
    let client = context.named_client()?;
    let mut checked = Vec::new();
    for file in &args.files {
        let body = definition::bytes(file)?;
        let mut one = Checked::of(file, &body, client.as_ref());
        if let Some(client) = &client {
            on_server(client, &mut one)?;
        }
        checked.push(one);
    }
    let count: usize = checked.iter().map(|c| c.report.problems.len()).sum();
    if context.json {
        let views: Vec<ProblemView<'_>> = checked
            .iter()
            .flat_map(|c| {
                let errors = c.report.problems.iter().map(|p| ("error", p));
                let warnings = c.report.warnings.iter().map(|p| ("warning", p));
                errors
                    .chain(warnings)
                    .map(|(severity, problem)| ProblemView {
                        file: &c.file,
                        severity,
                        problem,
                    })
            })
            .collect();
        ui::out(&to_text(&views[..]))?;
    } else {
        checked.iter().for_each(Checked::print);
        if count == 0 {
            let files = ui::plural(checked.len(), "file");
            ui::out(&format!("{files} without a problem"))?;
        }
    }
    if count == 0 {
        return Ok(Exit::Done);
    }
    let message = format!(
        "{} in {}",
        ui::plural(count, "problem"),
        ui::plural(checked.len(), "file")
    );
    Err(Failure::usage(message))
}

/// What the server finds in a file without problems.
pub(crate) fn on_server(client: &Client, checked: &mut Checked) -> Result<(), Failure> {
    let Some(request) = &checked.report.request else {
        return Ok(());
    };
    match client.put_json("/api/v3/workflows/actions/validate", &to_text(request)) {
        Ok(_) => Ok(()),
        Err(CallError::Refused(refused)) if refused.status == 400 => {
            checked.refused(&refused);
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}
