//! `maestro apply`.

use std::collections::BTreeMap;
use std::io::{BufRead, IsTerminal};
use std::path::{Path, PathBuf};

use anstyle::{AnsiColor, Style};
use maestro_model::codec::to_text;
use maestro_model::definition::{Properties, User, WorkflowCreateRequest};
use maestro_model::json::{ToJson, Writer};

use super::{Context, validate};
use crate::args::ApplyArgs;
use crate::client::{Client, workflow_path};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::problems::Checked;
use crate::{definition, stored, ui};

/// What becomes of a workflow.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Action {
    New,
    Changed,
    Unchanged,
    Gone,
}

impl Action {
    const ALL: [Self; 4] = [Self::New, Self::Changed, Self::Unchanged, Self::Gone];

    fn word(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Changed => "changed",
            Self::Unchanged => "unchanged",
            Self::Gone => "gone",
        }
    }
}

/// One line of the plan.
struct Item {
    id: String,
    file: Option<String>,
    action: Action,
    diff: String,
    request: Option<WorkflowCreateRequest>,
}

pub(crate) fn run(context: &Context, args: &ApplyArgs) -> Result<Exit, Failure> {
    let client = context.client()?;
    let plan = plan(&client, args)?;
    let is_empty = plan.iter().all(|item| item.action == Action::Unchanged);
    let changes_nothing = args.dry_run || args.check;
    if !context.json {
        show(&plan)?;
    }
    if !changes_nothing {
        confirm(&plan, args)?;
        for item in &plan {
            let done = apply(&client, item).map_err(|failure| {
                failure.hint("what came before it is applied; mend it and apply again")
            })?;
            if let Some(done) = done.filter(|_| !context.json) {
                ui::out(&done)?;
            }
        }
    }
    if context.json {
        ui::out(&to_text(&PlanView {
            plan: &plan,
            applied: !changes_nothing,
        }))?;
    }
    if args.check && !is_empty {
        return Err(Failure::new(
            Exit::Failed,
            "the server differs from the files",
        ));
    }
    Ok(Exit::Done)
}

/// Reads and checks everything; nothing is changed.
fn plan(client: &Client, args: &ApplyArgs) -> Result<Vec<Item>, Failure> {
    let mut by_id: BTreeMap<String, Item> = BTreeMap::new();
    let mut problems = 0;
    for path in files(&args.paths)? {
        let body = definition::bytes(&path)?;
        let mut checked = Checked::of(&path, &body, Some(client));
        let mut item = None;
        if let Some(request) = &checked.report.request {
            let id = request.workflow.id.to_string();
            let version = stored::latest(client, &id)?;
            let mut request = request.clone();
            if version.is_none() {
                own(&mut request, args.owner.as_deref().unwrap_or(client.user()));
            }
            let diff = stored::changes(version.as_ref().map(|v| &v.json), &request);
            let action = match diff.as_deref() {
                None => Action::New,
                Some("") => Action::Unchanged,
                Some(_) => Action::Changed,
            };
            if action != Action::Unchanged {
                validate::on_server(client, &mut checked)?;
            }
            item = Some(Item {
                id,
                file: Some(checked.file.clone()),
                action,
                diff: diff.unwrap_or_default(),
                request: Some(request),
            });
        }
        checked.print();
        problems += checked.report.problems.len();
        let Some(item) = item else { continue };
        if let Some(other) = by_id.insert(item.id.clone(), item) {
            return Err(Failure::usage(format!(
                "two files define the workflow `{}`: `{}` and `{}`",
                other.id,
                other.file.unwrap_or_default(),
                checked.file
            )));
        }
    }
    if problems > 0 {
        let problems = ui::plural(problems, "problem");
        return Err(Failure::usage(format!("{problems}; nothing was changed")));
    }
    if args.prune {
        for id in stored::ids(client, args.prefix.as_deref().unwrap_or_default())? {
            by_id.entry(id.clone()).or_insert(Item {
                id,
                file: None,
                action: Action::Gone,
                diff: String::new(),
                request: None,
            });
        }
    }
    Ok(by_id.into_values().collect())
}

/// A first version needs an owner.
fn own(request: &mut WorkflowCreateRequest, owner: &str) {
    let properties = request.properties.get_or_insert_with(Properties::default);
    properties.owner.get_or_insert_with(|| User::from(owner));
}

/// The files, and those in the folders, in the order of their names.
fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    for path in paths {
        if path.is_dir() {
            let before = found.len();
            walk(path, &mut found)?;
            found[before..].sort();
            if found.len() == before {
                return Err(Failure::usage(format!(
                    "the folder `{}` holds no file that ends in .json, .yaml or .yml",
                    path.display()
                )));
            }
        } else {
            found.push(path.clone());
        }
    }
    Ok(found)
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let unreadable = |error: std::io::Error| {
        Failure::usage(format!(
            "cannot read the folder `{}`: {error}",
            folder.display()
        ))
    };
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let path = entry.path();
        let name = entry.file_name();
        if name.to_string_lossy().starts_with('.') {
            continue;
        }
        // A link to a folder could lead around in a circle.
        if entry.file_type().map_err(unreadable)?.is_dir() {
            walk(&path, found)?;
        } else if path
            .extension()
            .is_some_and(|ending| ["json", "yaml", "yml"].iter().any(|known| ending == *known))
        {
            found.push(path);
        }
    }
    Ok(())
}

fn show(plan: &[Item]) -> Result<(), Failure> {
    for item in plan {
        let (sign, color) = match item.action {
            Action::New => ("+", Some(AnsiColor::Green)),
            Action::Changed => ("~", Some(AnsiColor::Yellow)),
            Action::Unchanged => ("=", None),
            Action::Gone => ("-", Some(AnsiColor::Red)),
        };
        let style = Style::new().bold().fg_color(color.map(Into::into));
        let file = item.file.as_ref().map(|file| format!(" ({file})"));
        ui::out(&format!(
            "{style}{sign} {:<9}{style:#} {}{}",
            item.action.word(),
            item.id,
            file.unwrap_or_default()
        ))?;
        if !item.diff.is_empty() {
            ui::out(&stored::colored(&item.diff))?;
        }
    }
    let counts = Action::ALL.map(|action| {
        let count = plan.iter().filter(|item| item.action == action).count();
        format!("{count} {}", action.word())
    });
    ui::out(&counts.join(", "))?;
    Ok(())
}

/// Workflows are not deleted by a slip.
fn confirm(plan: &[Item], args: &ApplyArgs) -> Result<(), Failure> {
    let gone = plan
        .iter()
        .filter(|item| item.action == Action::Gone)
        .count();
    if gone == 0 || args.yes {
        return Ok(());
    }
    let what = ui::plural(gone, "workflow");
    if !std::io::stdin().is_terminal() {
        return Err(
            Failure::usage(format!("this would delete {what} with all instances"))
                .hint("say so with --yes"),
        );
    }
    ui::note(&format!(
        "This deletes {what} with all instances. Type `yes` to go on."
    ));
    let mut answer = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut answer)
        .map_err(|error| Failure::new(Exit::Failed, format!("cannot read the answer: {error}")))?;
    if answer.trim() == "yes" {
        Ok(())
    } else {
        Err(Failure::new(Exit::Failed, "nothing was changed"))
    }
}

/// Does what one line of the plan says.
fn apply(client: &Client, item: &Item) -> Result<Option<String>, Failure> {
    match (item.action, &item.request) {
        (Action::New | Action::Changed, Some(request)) => {
            let answer = client.post("/api/v3/workflows", &to_text(request))?;
            let version = answer
                .number("/workflow_definition/metadata/workflow_version_id")
                .unwrap_or(0);
            Ok(Some(format!("{}: version {version}", item.id)))
        }
        (Action::Gone, _) => {
            client.delete(&workflow_path(&item.id, ""))?;
            Ok(Some(format!("{}: deleted", item.id)))
        }
        _ => Ok(None),
    }
}

struct PlanView<'a> {
    plan: &'a [Item],
    applied: bool,
}

impl ToJson for PlanView<'_> {
    fn write(&self, out: &mut Writer) {
        out.object(|o| {
            o.always("plan", self.plan);
            o.always("applied", &self.applied);
        });
    }
}

impl ToJson for Item {
    fn write(&self, out: &mut Writer) {
        out.object(|o| {
            o.always("workflow_id", self.id.as_str());
            o.always("action", self.action.word());
            o.member("file", &self.file.as_deref());
            o.filled("diff", self.diff.as_str());
        });
    }
}
