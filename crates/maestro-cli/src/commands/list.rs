//! `maestro list`.

use maestro_model::json::Json;

use super::Context;
use crate::args::ListArgs;
use crate::client::{list_at, segment, str_at};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::ui;

pub(crate) fn run(context: &Context, args: &ListArgs) -> Result<Exit, Failure> {
    let client = context.client()?;
    let first = args.first;
    let path = match &args.workflow {
        None => format!("/api/v3/workflows?first={first}"),
        Some(id) => format!("/api/v3/instances?workflow={}&first={first}", segment(id)),
    };
    let answer = client.get(&path)?;
    if context.json {
        ui::out(&answer.text)?;
        return Ok(Exit::Done);
    }
    let elements = list_at(&answer.json, "/elements");
    let number = |element: &Json, pointer: &str| element.pointer(pointer).and_then(Json::as_i64);
    let count = |element: &Json, pointer: &str| {
        number(element, pointer).map_or_else(|| "-".to_owned(), |n| n.to_string())
    };
    let table = match &args.workflow {
        None => {
            let rows: Vec<Vec<String>> = elements
                .iter()
                .map(|workflow| {
                    vec![
                        str_at(workflow, "/workflow_id").to_owned(),
                        count(workflow, "/latest_version_id"),
                        count(workflow, "/active_version_id"),
                        count(workflow, "/latest_instance_id"),
                        count(workflow, "/nonterminal_instances/IN_PROGRESS"),
                        count(workflow, "/failed_instances"),
                    ]
                })
                .collect();
            ui::table(
                &[
                    "WORKFLOW",
                    "LATEST",
                    "ACTIVE",
                    "INSTANCES",
                    "RUNNING",
                    "FAILED",
                ],
                &rows,
            )
        }
        Some(id) => {
            if elements.is_empty() {
                // An empty list is no proof that the workflow exists.
                client.get(&crate::client::workflow_path(id, "/overview"))?;
            }
            let rows: Vec<Vec<String>> = elements
                .iter()
                .map(|run| {
                    let (start, end) = (number(run, "/start_time"), number(run, "/end_time"));
                    vec![
                        count(run, "/workflow_instance_id"),
                        count(run, "/workflow_run_id"),
                        count(run, "/workflow_version_id"),
                        ui::status(str_at(run, "/status")),
                        number(run, "/create_time")
                            .map(ui::time)
                            .unwrap_or_default(),
                        start
                            .zip(end)
                            .map(|(start, end)| ui::span(end - start))
                            .unwrap_or_default(),
                    ]
                })
                .collect();
            ui::table(
                &["INSTANCE", "RUN", "VERSION", "STATUS", "CREATED", "TOOK"],
                &rows,
            )
        }
    };
    ui::out(&table)?;
    if answer
        .json
        .pointer("/page_info/has_next_page")
        .and_then(Json::as_bool)
        == Some(true)
    {
        ui::note("there are more: see --first");
    }
    Ok(Exit::Done)
}
