//! `maestro pull`.

use maestro_model::yaml;

use super::Context;
use crate::args::PullArgs;
use crate::client::CallError;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::{stored, ui};

pub(crate) fn run(context: &Context, args: &PullArgs) -> Result<Exit, Failure> {
    let client = context.client()?;
    let all = args.workflows.is_empty();
    let ids = if all {
        stored::ids(&client, args.prefix.as_deref().unwrap_or_default())?
    } else {
        args.workflows.clone()
    };
    if ids.len() > 1 && args.out.is_none() {
        return Err(
            Failure::usage(format!("these are {}", ui::plural(ids.len(), "file")))
                .hint("name a folder for them with --out"),
        );
    }
    if let Some(folder) = &args.out {
        std::fs::create_dir_all(folder).map_err(|error| {
            Failure::usage(format!(
                "cannot make the folder `{}`: {error}",
                folder.display()
            ))
        })?;
    }
    for id in ids {
        let version = match stored::latest(&client, &id) {
            Ok(Some(version)) => version,
            // It went while the others were being written.
            Ok(None) if all => continue,
            Ok(None) => client.get(&crate::client::workflow_path(&id, "/versions/latest"))?,
            Err(error @ CallError::Refused(_)) => return Err(error.into()),
            Err(error) => return Err(error.into()),
        };
        let request = stored::as_request(&version.json);
        let text = if context.json {
            request.to_text() + "\n"
        } else {
            yaml::emit(&request)
        };
        let Some(folder) = &args.out else {
            ui::out(text.trim_end())?;
            continue;
        };
        let ending = if context.json { "json" } else { "yaml" };
        let path = folder.join(format!("{id}.{ending}"));
        std::fs::write(&path, text).map_err(|error| {
            Failure::new(
                Exit::Failed,
                format!("cannot write `{}`: {error}", path.display()),
            )
        })?;
        ui::note(&format!("{id}: {}", path.display()));
    }
    Ok(Exit::Done)
}
