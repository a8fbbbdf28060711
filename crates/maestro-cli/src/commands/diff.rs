//! `maestro diff`.

use super::Context;
use crate::args::DiffArgs;
use crate::client::{segment, workflow_path};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::{stored, ui};
use maestro_model::json::Json;

pub(crate) fn run(context: &Context, args: &DiffArgs) -> Result<Exit, Failure> {
    let client = context.client()?;
    let mut versions = Vec::new();
    for version in [&args.from, &args.to] {
        let rest = format!("/versions/{}", segment(version));
        let answer = client.get(&workflow_path(&args.workflow, &rest))?;
        versions.push(
            answer
                .json
                .pointer("/workflow")
                .cloned()
                .unwrap_or_default(),
        );
    }
    let diff = stored::diff(&versions[0], &versions[1]);
    if context.json {
        let mut object = maestro_model::json::Object::new();
        object.insert("workflow", Json::from(&*args.workflow));
        object.insert("diff", Json::from(&*diff));
        ui::out(&Json::Object(object).to_text())?;
    } else if diff.is_empty() {
        ui::note("the versions do not differ");
    } else {
        ui::out(&stored::colored(&diff))?;
    }
    Ok(Exit::Done)
}
