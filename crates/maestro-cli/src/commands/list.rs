//! `maestro list`.

use std::fmt::Write;

use maestro_model::json::{Json, Object};

use super::Context;
use crate::args::ListArgs;
use crate::client::{Client, list_at, segment, str_at, workflow_path};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::ui;

/// The most that one request gives.
const PAGE: u64 = 200;

pub(crate) fn run(context: &Context, args: &ListArgs) -> Result<Exit, Failure> {
    let client = context.client()?;
    let list = fetch(&client, args)?;
    if context.json {
        ui::out(&list.to_text())?;
        return Ok(Exit::Done);
    }
    let elements = list_at(&list, "/elements");
    let table = match is_of_instances(args) {
        false => workflows(elements),
        true => {
            if let Some(id) = args.workflow.as_ref().filter(|_| elements.is_empty()) {
                // An empty list is no proof that the workflow exists.
                client.get(&workflow_path(id, "/overview"))?;
            }
            instances(elements, args.workflow.is_none())
        }
    };
    ui::out(&table)?;
    if has_more(&list) {
        ui::note("there are more: see --limit and --all");
    }
    Ok(Exit::Done)
}

fn is_of_instances(args: &ListArgs) -> bool {
    args.workflow.is_some() || args.instances || args.status.is_some()
}

/// What a request asks for, without the number of elements.
fn path(args: &ListArgs) -> String {
    let (what, filters) = match is_of_instances(args) {
        true => (
            "instances",
            vec![("workflow", &args.workflow), ("status", &args.status)],
        ),
        false => (
            "workflows",
            vec![
                ("prefix", &args.prefix),
                ("tag", &args.tag),
                ("owner", &args.owner),
            ],
        ),
    };
    let mut path = format!("/api/v3/{what}?");
    for (name, value) in filters {
        if let Some(value) = value {
            let _ = write!(path, "{name}={}&", segment(value));
        }
    }
    if let Some(active) = args.active {
        let _ = write!(path, "active={active}&");
    }
    path
}

/// The list, page after page, as if it were one page.
fn fetch(client: &Client, args: &ListArgs) -> Result<Json, Failure> {
    let path = path(args);
    let wanted = if args.all { u64::MAX } else { args.limit };
    let mut whole: Option<Json> = None;
    let mut cursor = String::new();
    loop {
        let have = whole
            .as_ref()
            .map_or(0, |whole| list_at(whole, "/elements").len() as u64);
        let first = wanted.saturating_sub(have).min(PAGE);
        let page = client.get(&format!("{path}first={first}&cursor={}", segment(&cursor)))?;
        // A page may be short, or even empty, and yet not the last one.
        page.str("/page_info/end_cursor").clone_into(&mut cursor);
        let whole = match &mut whole {
            None => whole.insert(page.json),
            Some(whole) => {
                append(whole, page.json);
                whole
            }
        };
        let have = list_at(whole, "/elements").len() as u64;
        if have >= wanted || !has_more(whole) || cursor.is_empty() {
            return Ok(std::mem::take(whole));
        }
    }
}

fn has_more(list: &Json) -> bool {
    let more = list.pointer("/page_info/has_next_page");
    more.and_then(Json::as_bool) == Some(true)
}

/// Puts a page behind those before it.
fn append(whole: &mut Json, page: Json) {
    let (Json::Object(whole), Json::Object(mut page)) = (whole, page) else {
        return;
    };
    if let (Some(Json::Array(all)), Some(Json::Array(more))) =
        (whole.get_mut("elements"), page.remove("elements"))
    {
        all.extend(more);
        let count = all.len() as i64;
        whole.insert("total_count", Json::from(count));
    }
    let info = |object: &Object, name: &str| {
        let info = object.get("page_info").and_then(Json::as_object);
        info.and_then(|info| info.get(name)).cloned()
    };
    for name in ["end_cursor", "has_next_page"] {
        if let (Some(value), Some(Json::Object(own))) =
            (info(&page, name), whole.get_mut("page_info"))
        {
            own.insert(name, value);
        }
    }
}

fn number(element: &Json, pointer: &str) -> Option<i64> {
    element.pointer(pointer).and_then(Json::as_i64)
}

fn count(element: &Json, pointer: &str) -> String {
    number(element, pointer).map_or_else(|| "-".to_owned(), |n| n.to_string())
}

fn workflows(elements: &[Json]) -> String {
    let row = |workflow: &Json| {
        vec![
            str_at(workflow, "/workflow_id").to_owned(),
            count(workflow, "/latest_version_id"),
            count(workflow, "/active_version_id"),
            count(workflow, "/latest_instance_id"),
            count(workflow, "/nonterminal_instances/IN_PROGRESS"),
            count(workflow, "/failed_instances"),
        ]
    };
    let rows: Vec<Vec<String>> = elements.iter().map(row).collect();
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

fn instances(elements: &[Json], of_all: bool) -> String {
    let row = |run: &Json| {
        let (start, end) = (number(run, "/start_time"), number(run, "/end_time"));
        let took = start.zip(end).map(|(start, end)| ui::span(end - start));
        let mut row = vec![
            count(run, "/workflow_instance_id"),
            count(run, "/workflow_run_id"),
            count(run, "/workflow_version_id"),
            ui::status(str_at(run, "/status")),
            number(run, "/create_time")
                .map(ui::time)
                .unwrap_or_default(),
            took.unwrap_or_default(),
        ];
        if of_all {
            row.insert(0, str_at(run, "/workflow_id").to_owned());
        }
        row
    };
    let rows: Vec<Vec<String>> = elements.iter().map(row).collect();
    let head = [
        "WORKFLOW", "INSTANCE", "RUN", "VERSION", "STATUS", "CREATED", "TOOK",
    ];
    ui::table(if of_all { &head } else { &head[1..] }, &rows)
}
