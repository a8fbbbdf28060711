//! `maestro get`.

use maestro_model::json::Json;

use super::{Context, params};
use crate::args::GetArgs;
use crate::client::{Answer, Client, list_at, segment, str_at, workflow_path};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::follow::RunView;
use crate::ui;

/// What people see of an answer.
type Show = fn(&Answer) -> String;

pub(crate) fn run(context: &Context, args: &GetArgs) -> Result<Exit, Failure> {
    let client = context.client()?;
    if let (true, Some(instance)) = (args.params, args.instance) {
        let answer = params::of_run(&client, &args.workflow, instance)?;
        if let Some(step) = &args.step {
            params::check_step(&answer, step)?;
        }
        ui::out(&match context.json {
            true => answer.text,
            false => params::show(&answer, args.step.as_deref(), false),
        })?;
        return Ok(Exit::Done);
    }
    let (rest, show): (String, Option<Show>) = match (args.instance, &args.step) {
        (None, _) => ("/overview".to_owned(), Some(workflow)),
        (Some(instance), None) => (format!("/instances/{instance}"), None),
        (Some(instance), Some(name)) => (
            format!("/instances/{instance}/steps/{}", segment(name)),
            Some(step),
        ),
    };
    let answer = fetch(&client, &args.workflow, &rest)?;
    let text = match show {
        _ if context.json => answer.text,
        Some(show) => show(&answer),
        None => {
            let view = RunView::of(answer);
            let table = run_table(&view);
            match &*failures(&client, &view).join("\n") {
                "" => table,
                why => format!("{table}\n\n{why}"),
            }
        }
    };
    ui::out(&text)?;
    Ok(Exit::Done)
}

/// Why a run failed: of each step that failed for good, the last words of its latest attempt; else those of the run.
pub(super) fn failures(client: &Client, view: &RunView) -> Vec<String> {
    const MOST: usize = 5;
    if view.status != "FAILED" && view.status != "TIMED_OUT" {
        return Vec::new();
    }
    let failed: Vec<_> = view
        .steps
        .iter()
        .filter(|step| has_failed(&step.status))
        .collect();
    let workflow = view.answer.str("/workflow_id");
    let instance = view.answer.number("/workflow_instance_id").unwrap_or(0);
    let mut lines: Vec<String> = failed
        .iter()
        .take(MOST)
        .map(|step| {
            let rest = format!("/instances/{instance}/steps/{}", segment(&step.id));
            let why = client.get(&workflow_path(workflow, &rest));
            let why = why.ok().and_then(|answer| last_words(&answer.json));
            format!("{}: {}", step.id, why.as_deref().unwrap_or(&step.status))
        })
        .collect();
    if failed.len() > MOST {
        lines.push(format!("and {} more", failed.len() - MOST));
    }
    if failed.is_empty() {
        lines.extend(last_words(&view.answer.json));
    }
    lines
}

fn has_failed(status: &str) -> bool {
    matches!(
        status,
        "USER_FAILED"
            | "PLATFORM_FAILED"
            | "TIMEOUT_FAILED"
            | "FATALLY_FAILED"
            | "INTERNALLY_FAILED"
            | "TIMED_OUT"
    )
}

/// The last event of a timeline that says more than a status.
fn last_words(json: &Json) -> Option<String> {
    let mut events = list_at(json, "/timeline").iter().rev();
    let event = events.find(|event| !str_at(event, "/message").is_empty())?;
    Some(event_text(event))
}

/// An event in words, with its errors.
fn event_text(event: &Json) -> String {
    let texts = ["/message", "/status", "/action"].map(|pointer| str_at(event, pointer));
    let text = texts.into_iter().find(|text| !text.is_empty());
    let errors = list_at(event, "/errors").iter().filter_map(Json::as_str);
    text.into_iter()
        .chain(errors)
        .fold(String::new(), |words, part| {
            // What comes with a caret needs lines of its own.
            let gap = match part.contains('\n') {
                _ if words.is_empty() => "",
                true => "\n",
                false => " ",
            };
            words + gap + part
        })
}

fn fetch(client: &Client, workflow: &str, rest: &str) -> Result<Answer, Failure> {
    Ok(client.get(&workflow_path(workflow, rest))?)
}

fn workflow(answer: &Answer) -> String {
    let number = |pointer: &str| {
        answer
            .number(pointer)
            .map_or_else(|| "none".to_owned(), |n| n.to_string())
    };
    let rows = [
        ("Workflow", answer.str("/workflow_id").to_owned()),
        ("Owner", owner(answer)),
        ("Latest version", number("/latest_version_id")),
        ("Active version", number("/active_version_id")),
        (
            "Run strategy",
            answer
                .str("/properties_snapshot/run_strategy/rule")
                .to_owned(),
        ),
        ("Latest instance", number("/latest_instance_id")),
        ("Queued", number("/nonterminal_instances/CREATED")),
        ("In progress", number("/nonterminal_instances/IN_PROGRESS")),
        ("Failed", number("/failed_instances")),
    ];
    lines(&rows)
}

fn owner(answer: &Answer) -> String {
    let name = answer.str("/properties_snapshot/owner");
    let name = if name.is_empty() {
        answer.str("/properties_snapshot/owner/name")
    } else {
        name
    };
    name.to_owned()
}

/// A run with its steps.
pub(super) fn run_table(view: &RunView) -> String {
    let answer = &view.answer;
    let time = |pointer: &str| answer.number(pointer).map(ui::time).unwrap_or_default();
    let mut rows = vec![
        (
            "Instance",
            format!(
                "{} {}",
                answer.str("/workflow_id"),
                answer.number("/workflow_instance_id").unwrap_or(0)
            ),
        ),
        (
            "Run",
            answer.number("/workflow_run_id").unwrap_or(0).to_string(),
        ),
        (
            "Version",
            answer
                .number("/workflow_version_id")
                .unwrap_or(0)
                .to_string(),
        ),
        ("Status", ui::status(&view.status)),
        ("Created", time("/create_time")),
    ];
    for (name, pointer) in [("Started", "/start_time"), ("Ended", "/end_time")] {
        if answer.number(pointer).is_some() {
            rows.push((name, time(pointer)));
        }
    }
    let steps: Vec<Vec<String>> = view
        .steps
        .iter()
        .map(|step| {
            vec![
                step.id.clone(),
                ui::status(&step.status),
                step.start.map(ui::time).unwrap_or_default(),
                step.took().map(ui::span).unwrap_or_default(),
            ]
        })
        .collect();
    format!(
        "{}\n\n{}",
        lines(&rows),
        ui::table(&["STEP", "STATUS", "STARTED", "TOOK"], &steps)
    )
}

fn step(answer: &Answer) -> String {
    let time = |pointer: &str| answer.number(pointer).map(ui::time).unwrap_or_default();
    let mut rows = vec![
        ("Step", answer.str("/step_id").to_owned()),
        (
            "Attempt",
            answer.number("/step_attempt_id").unwrap_or(0).to_string(),
        ),
        ("Status", ui::status(answer.str("/runtime_state/status"))),
        ("Created", time("/runtime_state/create_time")),
    ];
    for (name, pointer) in [
        ("Started", "/runtime_state/start_time"),
        ("Ended", "/runtime_state/end_time"),
    ] {
        if answer.number(pointer).is_some() {
            rows.push((name, time(pointer)));
        }
    }
    let events: Vec<Vec<String>> = list_at(&answer.json, "/timeline")
        .iter()
        .map(|event| {
            let at = event.pointer("/timestamp").and_then(Json::as_i64);
            vec![at.map(ui::time).unwrap_or_default(), event_text(event)]
        })
        .collect();
    format!(
        "{}\n\n{}",
        lines(&rows),
        ui::table(&["TIME", "EVENT"], &events)
    )
}

fn lines(rows: &[(&str, String)]) -> String {
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let lines = rows
        .iter()
        .map(|(name, value)| format!("{name:width$}  {value}"));
    lines.collect::<Vec<_>>().join("\n")
}
