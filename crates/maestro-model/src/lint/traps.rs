//! Keys of the DSL that are no mistake to the server, but do not do what they say: what the DSL has no word for becomes a
//! param of that name (spec 01 D-11).

use super::Problem;
use super::place::{Entry, Place, PlaceKind};

const OF_WORKFLOW: [&str; 6] = [
    "time_triggers",
    "signal_triggers",
    "instance_step_concurrency",
    "step_concurrency",
    "alerting",
    "is_active",
];
const OF_JOB: [&str; 4] = [
    "retry_policy",
    "signal_dependencies",
    "signal_outputs",
    "sub_type",
];

/// All of them, in the order of the text.
pub(super) fn traps(whole: &Place, body: &[u8]) -> Vec<Problem> {
    let text = String::from_utf8_lossy(body);
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    let workflow = whole.entry(|key| key.eq_ignore_ascii_case("workflow"));
    if let Some(workflow) = workflow {
        let path = &workflow.key;
        for entry in entries(&workflow.value) {
            if entry.key == "params" {
                found.push(own_params(entry, path, "workflow"));
            } else if OF_WORKFLOW.contains(&&*entry.key) {
                found.push(no_word(entry, path));
            }
            found.extend(tagged(entry, path, &lines));
        }
        jobs(&workflow.value, path, &lines, &mut found);
    }
    found
}

fn jobs(place: &Place, path: &str, lines: &[&str], found: &mut Vec<Problem>) {
    let Some(jobs) = place.entry(|key| key == "jobs") else {
        return;
    };
    let PlaceKind::List(elements) = &jobs.value.kind else {
        return;
    };
    for (index, element) in elements.iter().enumerate() {
        for job in entries(element) {
            let path = format!("{path}.jobs[{index}].{}", job.key);
            let is_loop = ["foreach", "while"]
                .iter()
                .any(|kind| job.key.eq_ignore_ascii_case(kind));
            for entry in entries(&job.value) {
                if entry.key == "params" && !is_loop {
                    found.push(own_params(entry, &path, "job"));
                } else if OF_JOB.contains(&&*entry.key) {
                    found.push(no_word(entry, &path));
                }
                found.extend(tagged(entry, &path, lines));
            }
            if is_loop {
                self::jobs(&job.value, &path, lines, found);
            }
        }
    }
}

/// A value such as `!n + 1`: to YAML `!n` is a tag, and what follows is a text.
fn tagged(entry: &Entry, path: &str, lines: &[&str]) -> Option<Problem> {
    let key = &entry.key;
    let line = lines.get(entry.at.line.checked_sub(1)?)?;
    let (_, value) = line.split_once(&format!("{key}:"))?;
    let value = value.trim_start();
    let tag = value.split_whitespace().next()?;
    let is_local = value.starts_with('!') && !value.starts_with("!!");
    is_local.then(|| Problem {
        position: entry.at,
        path: format!("{path}.{key}"),
        text: format!("`{tag}` is a tag of YAML here, which is ignored"),
        hint: Some(format!(
            "an expression is marked in front of its key: `\"!{key}\": \"{}\"`",
            value.trim_start_matches('!')
        )),
    })
}

fn entries(place: &Place) -> &[Entry] {
    match &place.kind {
        PlaceKind::Map(entries) => entries,
        _ => &[],
    }
}

fn own_params(entry: &Entry, path: &str, whose: &str) -> Problem {
    Problem {
        position: entry.at,
        path: format!("{path}.params"),
        text: "this makes one param with the name `params`".to_owned(),
        hint: Some(format!(
            "params of a {whose} are keys of their own, or go under `{whose}_params`"
        )),
    }
}

fn no_word(entry: &Entry, path: &str) -> Problem {
    let key = &entry.key;
    Problem {
        position: entry.at,
        path: format!("{path}.{key}"),
        text: format!("the DSL has no key `{key}`: this makes a param of that name"),
        hint: Some(
            "write the workflow in the full model (`maestro pull` shows how it looks there) to set it"
                .to_owned(),
        ),
    }
}
