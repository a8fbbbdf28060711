//! `maestro versions`, `activate`, `deactivate`, `tags`, `properties`.

use maestro_model::json::{Json, Object};
use maestro_model::yaml;

use super::Context;
use crate::args::{ActivateArgs, PropertiesArgs, Reset, TagsArgs, VersionsArgs, WorkflowArgs};
use crate::client::{Answer, list_at, segment, str_at, workflow_path};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::ui;

pub(crate) fn versions(context: &Context, args: &VersionsArgs) -> Result<Exit, Failure> {
    let client = context.client()?;
    let rest = format!("/versions/pagination?first={}", args.first);
    let answer = client.get(&workflow_path(&args.workflow, &rest))?;
    let elements = list_at(&answer.json, "/elements");
    if elements.is_empty() {
        // An empty list is no proof that the workflow exists.
        client.get(&workflow_path(&args.workflow, "/overview"))?;
    }
    if context.json {
        ui::out(&answer.text)?;
        return Ok(Exit::Done);
    }
    let is = |element: &Json, flag: &str, word: &'static str| {
        let set = element.pointer(flag).and_then(Json::as_bool) == Some(true);
        if set { word } else { "" }
    };
    let rows: Vec<Vec<String>> = elements
        .iter()
        .map(|element| {
            let number = |at: &str| element.pointer(at).and_then(Json::as_i64);
            vec![
                number("/metadata/workflow_version_id")
                    .unwrap_or(0)
                    .to_string(),
                is(element, "/is_active", "active").to_owned(),
                number("/metadata/create_time")
                    .map(ui::time)
                    .unwrap_or_default(),
                user(element, "/metadata/version_author"),
                list_at(element, "/workflow/steps").len().to_string(),
                str_at(element, "/workflow/description")
                    .lines()
                    .next()
                    .unwrap_or_default()
                    .to_owned(),
            ]
        })
        .collect();
    let head = [
        "VERSION",
        "ACTIVE",
        "CREATED",
        "AUTHOR",
        "STEPS",
        "DESCRIPTION",
    ];
    ui::out(&ui::table(&head, &rows))?;
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

fn user(json: &Json, pointer: &str) -> String {
    let name = str_at(json, pointer);
    if name.is_empty() {
        str_at(json, &format!("{pointer}/name")).to_owned()
    } else {
        name.to_owned()
    }
}

pub(crate) fn activate(context: &Context, args: &ActivateArgs) -> Result<Exit, Failure> {
    let rest = format!("/versions/{}/actions/activate", segment(&args.version));
    let answer = context
        .client()?
        .put(&workflow_path(&args.workflow, &rest))?;
    said(context, &answer, || {
        let version = answer.number("/workflow_version_id").unwrap_or(0);
        format!("{}: version {version} is active", args.workflow)
    })
}

pub(crate) fn deactivate(context: &Context, args: &WorkflowArgs) -> Result<Exit, Failure> {
    let path = workflow_path(&args.workflow, "/actions/deactivate");
    let answer = context.client()?.put(&path)?;
    said(context, &answer, || {
        format!("{}: no version is active", args.workflow)
    })
}

pub(crate) fn tags(context: &Context, args: &TagsArgs) -> Result<Exit, Failure> {
    if let Some(tag) = args.add.iter().find(|tag| tag.contains(['/', '\\'])) {
        return Err(Failure::usage(format!(
            "the tag `{tag}` could not be removed again: it has a slash"
        ))
        .hint(
            "the path of a request cannot name it (docs/reference/rest.md); use `.` or `:` instead",
        ));
    }
    let client = context.client()?;
    let mut answer = client.get(&workflow_path(
        &args.workflow,
        "/properties-snapshot/latest",
    ))?;
    let mut done: Vec<String> = Vec::new();
    let adding = args.add.iter().map(|tag| (true, tag));
    for (adds, tag) in adding.chain(args.remove.iter().map(|tag| (false, tag))) {
        let path = |rest: &str| workflow_path(&args.workflow, rest);
        let changed = match adds {
            true => client.post(&path("/properties/tag"), &Json::from(&**tag).to_text()),
            false => client.delete(&path(&format!("/properties/tag/{}", segment(tag)))),
        };
        let word = if adds { "added" } else { "removed" };
        answer = changed.map_err(|error| match &*done {
            [] => Failure::from(error),
            done => Failure::from(error).hint(format!("done before: {}", done.join(", "))),
        })?;
        done.push(format!("{word} `{tag}`"));
    }
    let names = list_at(&answer.json, "/tags")
        .iter()
        .map(|tag| str_at(tag, "/name"));
    let names: Vec<&str> = names.collect();
    said(context, &answer, || {
        if names.is_empty() {
            format!("{} has no tags", args.workflow)
        } else {
            names.join("\n")
        }
    })
}

pub(crate) fn properties(context: &Context, args: &PropertiesArgs) -> Result<Exit, Failure> {
    let client = context.client()?;
    let answer = if args.set.is_empty() && args.reset.is_empty() {
        client.get(&workflow_path(
            &args.workflow,
            "/properties-snapshot/latest",
        ))?
    } else {
        let path = workflow_path(&args.workflow, "/properties");
        client.post(&path, &update(args)?.to_text())?
    };
    said(context, &answer, || {
        yaml::emit(&answer.json).trim_end().to_owned()
    })
}

/// The body of the change.
fn update(args: &PropertiesArgs) -> Result<Json, Failure> {
    let mut update = Object::new();
    for pair in &args.set {
        let (name, value) = pair
            .split_once('=')
            .ok_or_else(|| Failure::usage(format!("`{pair}` is not of the form NAME=VALUE")))?;
        let whole = Json::parse(format!("[{value}]").as_bytes()).ok();
        let value = match whole.as_ref().and_then(Json::as_array) {
            Some([one]) => one.clone(),
            _ => Json::from(value),
        };
        update.insert(name, value);
    }
    for reset in &args.reset {
        let name = match reset {
            Reset::RunStrategy => "reset_run_strategy_rule",
            Reset::WorkflowConcurrency => "reset_workflow_concurrency",
            Reset::StepConcurrency => "reset_step_concurrency",
        };
        update.insert(name, Json::from(true));
    }
    Ok(Json::Object(update))
}

/// The answer as it came, or a text for people.
fn said(
    context: &Context,
    answer: &Answer,
    text: impl FnOnce() -> String,
) -> Result<Exit, Failure> {
    if context.json {
        ui::out(&answer.text)?;
    } else {
        ui::out(&text())?;
    }
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_json_or_texts() {
        let args = PropertiesArgs {
            workflow: "w".to_owned(),
            set: [
                "run_strategy=5",
                "owner=ana",
                "description=a, b",
                "alerting={\"emails\":[]}",
            ]
            .map(str::to_owned)
            .to_vec(),
            reset: vec![Reset::StepConcurrency],
        };
        assert_eq!(
            update(&args).map(|json| json.to_text()).ok().as_deref(),
            Some(
                r#"{"run_strategy":5,"owner":"ana","description":"a, b","alerting":{"emails":[]},"reset_step_concurrency":true}"#
            )
        );
        let args = PropertiesArgs {
            set: vec!["odd".to_owned()],
            ..args
        };
        assert!(update(&args).is_err());
    }
}
