//! `maestro params`: what the params of a start would be, and where the values of a run came from.

use std::fmt::Write;

use maestro_model::json::{Json, Object};

use super::{Context, start};
use crate::args::ParamsArgs;
use crate::client::{Answer, Client, list_at, segment, str_at, workflow_path};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::ui;

pub(crate) fn run(context: &Context, args: &ParamsArgs) -> Result<Exit, Failure> {
    let client = context.client()?;
    let answer = match args.instance {
        Some(instance) => of_run(&client, &args.workflow, instance)?,
        None => {
            let request = start::request(&client, &args.workflow, &args.version, &args.params)?;
            let path = workflow_path(
                &args.workflow,
                &format!(
                    "/versions/{}/actions/preview-params",
                    segment(&args.version)
                ),
            );
            client.post(&path, &request)?
        }
    };
    if let Some(step) = &args.step {
        check_step(&answer, step)?;
    }
    if context.json {
        ui::out(&answer.text)?;
    } else {
        ui::out(&show(&answer, args.step.as_deref(), args.all))?;
    }
    let failed = !list_at(&answer.json, "/errors").is_empty();
    Ok(if failed { Exit::Failed } else { Exit::Done })
}

/// A step that is not there is a mistake in the command, not a step without params.
pub(super) fn check_step(answer: &Answer, step: &str) -> Result<(), Failure> {
    let steps = answer.json.pointer("/step_params");
    let steps = steps.and_then(Json::as_object);
    let failed = list_at(&answer.json, "/errors").iter();
    let mut known: Vec<&str> = steps
        .into_iter()
        .flat_map(Object::iter)
        .map(|(id, _)| id)
        .collect();
    known.extend(
        failed
            .map(|fault| str_at(fault, "/step"))
            .filter(|id| !id.is_empty()),
    );
    match known.contains(&step) {
        true => Ok(()),
        false => {
            known.dedup();
            let failure = Failure::new(
                Exit::Failed,
                format!("there are no params of a step `{step}`"),
            );
            Err(failure.hint(format!("there are those of {}", known.join(", "))))
        }
    }
}

/// The params of the latest run of an instance.
pub(super) fn of_run(client: &Client, workflow: &str, instance: i64) -> Result<Answer, Failure> {
    let path = workflow_path(
        workflow,
        &format!("/instances/{instance}/runs/latest/params"),
    );
    Ok(client.get(&path)?)
}

/// The params for people: those of the workflow, then those of each step.
pub(super) fn show(answer: &Answer, only: Option<&str>, all: bool) -> String {
    let mut text = String::new();
    if only.is_none() {
        text.push_str(&block(answer.json.pointer("/workflow_params"), all));
    }
    let steps = answer
        .json
        .pointer("/step_params")
        .and_then(Json::as_object);
    for (step, params) in steps.into_iter().flat_map(Object::iter) {
        if only.is_none_or(|only| only == step) {
            let block = block(Some(params), all);
            if !block.is_empty() {
                let _ = write!(text, "\nStep {step}\n{block}");
            }
        }
    }
    for fault in list_at(&answer.json, "/errors") {
        let step = str_at(fault, "/step");
        if only.is_some_and(|only| only != step) {
            continue;
        }
        let place = match step {
            "" => String::new(),
            step => format!("step {step}: "),
        };
        let _ = writeln!(text, "\nerror: {place}{}", str_at(fault, "/message"));
        for line in str_at(fault, "/excerpt").lines() {
            let _ = writeln!(text, "  {line}");
        }
    }
    if text.is_empty() {
        "no params but the defaults; --all shows those\n".to_owned()
    } else {
        text
    }
}

fn block(params: Option<&Json>, all: bool) -> String {
    let params = params.and_then(Json::as_object);
    let rows: Vec<Vec<String>> = params
        .into_iter()
        .flat_map(Object::iter)
        .filter(|(_, param)| all || is_of_users(param))
        .map(|(name, param)| {
            let value = param
                .pointer("/value")
                .map_or_else(|| "-".to_owned(), |value| shortened(&value.to_text(), 60));
            vec![
                name.to_owned(),
                str_at(param, "/type").to_owned(),
                value,
                str_at(param, "/source").to_owned(),
                str_at(param, "/mode").to_owned(),
                origin(param),
            ]
        })
        .collect();
    if rows.is_empty() {
        return String::new();
    }
    ui::table(&["PARAM", "TYPE", "VALUE", "SOURCE", "MODE", "FROM"], &rows)
}

/// Whether somebody wrote it, or it failed.
fn is_of_users(param: &Json) -> bool {
    str_at(param, "/source") != "SYSTEM_DEFAULT"
        || !list_at(param, "/overrides").is_empty()
        || param.pointer("/error").is_some()
}

/// What was written, and what that overrode.
fn origin(param: &Json) -> String {
    let written = |json: &Json, literal: &str| match str_at(json, "/expression") {
        "" => json.pointer(literal).map(Json::to_text),
        expression => Some(expression.to_owned()),
    };
    let mut text = written(param, "/literal").map_or_else(String::new, |t| shortened(&t, 60));
    for layer in list_at(param, "/overrides").iter().rev() {
        if !text.is_empty() {
            text.push(' ');
        }
        let said = written(layer, "/value").unwrap_or_default();
        let _ = write!(
            text,
            "(over {} {})",
            str_at(layer, "/source"),
            shortened(&said, 30)
        );
    }
    text
}

fn shortened(text: &str, length: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(length) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line,
    }
}
