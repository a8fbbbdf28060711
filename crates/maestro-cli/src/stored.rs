//! Definitions of a server as files, and what a file would change.

use anstyle::{AnsiColor, Style};
use maestro_model::codec::{FromJson, to_text};
use maestro_model::definition::{Properties, WorkflowCreateRequest};
use maestro_model::json::{Json, Object};
use maestro_model::yaml;
use similar::TextDiff;

use crate::client::{Answer, CallError, Client, list_at, str_at, workflow_path};

/// Members of a snapshot that are not properties that a push can give.
const NOT_PUSHED: [&str; 4] = ["workflow_id", "create_time", "author", "tags"];
/// Members of the metadata that are not extras.
const NOT_EXTRA: [&str; 5] = [
    "workflow_id",
    "workflow_version_id",
    "create_time",
    "version_author",
    "git_info",
];

/// A version as the create request that would make it again.
pub(crate) fn as_request(version: &Json) -> Json {
    let mut request = Object::new();
    request.insert("properties", Json::Object(properties(version)));
    let workflow = version.pointer("/workflow").cloned().unwrap_or_default();
    request.insert("workflow", workflow);
    if version.pointer("/is_active").and_then(Json::as_bool) == Some(false) {
        request.insert("is_active", Json::from(false));
    }
    let metadata = version.pointer("/metadata").and_then(Json::as_object);
    for (key, value) in metadata.into_iter().flat_map(Object::iter) {
        if !NOT_EXTRA.contains(&key) {
            request.insert(key, value.clone());
        }
    }
    Json::Object(request)
}

/// The properties that are in force where a version was read.
fn properties(version: &Json) -> Object {
    let snapshot = version.pointer("/properties_snapshot");
    let members = snapshot
        .and_then(Json::as_object)
        .into_iter()
        .flat_map(Object::iter);
    let mut properties = Object::new();
    for (key, value) in members.filter(|(key, _)| !NOT_PUSHED.contains(key)) {
        properties.insert(key, value.clone());
    }
    properties
}

/// What would be in force after a push: the definition, and the properties (spec 01 PR-1 to PR-3).
fn after(version: Option<&Json>, request: &WorkflowCreateRequest) -> Json {
    let current = version.map(|version| Json::Object(properties(version)));
    let read = |json: Json| Properties::from_json(json, &maestro_model::codec::At::ROOT).ok();
    let now = current.clone().and_then(read).unwrap_or_default();
    let properties = match (&request.properties, version) {
        (None, _) => current,
        (Some(given), None) => parsed(&to_text(given)),
        (Some(given), Some(_)) => parsed(&to_text(&now.after_push(given))),
    };
    let mut whole = Object::new();
    whole.insert("properties", properties.unwrap_or_default());
    whole.insert(
        "workflow",
        parsed(&to_text(&request.workflow)).unwrap_or_default(),
    );
    Json::Object(whole)
}

fn parsed(text: &str) -> Option<Json> {
    Json::parse(text.as_bytes()).ok()
}

/// What is in force now, in the form of [`after`].
fn now(version: &Json) -> Json {
    let mut whole = Object::new();
    whole.insert("properties", Json::Object(properties(version)));
    whole.insert(
        "workflow",
        version.pointer("/workflow").cloned().unwrap_or_default(),
    );
    Json::Object(whole)
}

/// What a push of the request would change; empty for nothing, `None` for a workflow that is not there.
pub(crate) fn changes(version: Option<&Json>, request: &WorkflowCreateRequest) -> Option<String> {
    let version = version?;
    let (old, new) = (now(version), after(Some(version), request));
    Some(if old == new {
        String::new()
    } else {
        diff(&old, &new)
    })
}

/// How two values differ, as YAML.
pub(crate) fn diff(old: &Json, new: &Json) -> String {
    let (old, new) = (yaml::emit(old), yaml::emit(new));
    let diff = TextDiff::from_lines(&old, &new);
    diff.unified_diff().context_radius(3).to_string()
}

/// A diff with colours.
pub(crate) fn colored(diff: &str) -> String {
    let lines = diff.lines().map(|line| {
        let color = match line.as_bytes().first() {
            Some(b'+') => AnsiColor::Green,
            Some(b'-') => AnsiColor::Red,
            Some(b'@') => AnsiColor::Cyan,
            _ => return line.to_owned(),
        };
        let style = Style::new().fg_color(Some(color.into()));
        format!("{style}{line}{style:#}")
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The newest version of a workflow; `None` if there is no such workflow.
pub(crate) fn latest(client: &Client, id: &str) -> Result<Option<Answer>, CallError> {
    match client.get(&workflow_path(id, "/versions/latest")) {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if error.status() == Some(404) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The ids of all workflows that begin with a prefix.
pub(crate) fn ids(client: &Client, prefix: &str) -> Result<Vec<String>, CallError> {
    let mut ids = Vec::new();
    let mut cursor = String::new();
    loop {
        let escaped = crate::client::segment;
        let path = format!(
            "/api/v3/workflows?first=200&prefix={}&cursor={}",
            escaped(prefix),
            escaped(&cursor)
        );
        let page = client.get(&path)?;
        let found = list_at(&page.json, "/elements");
        ids.extend(found.iter().map(|w| str_at(w, "/workflow_id").to_owned()));
        let more = page
            .json
            .pointer("/page_info/has_next_page")
            .and_then(Json::as_bool);
        page.str("/page_info/end_cursor").clone_into(&mut cursor);
        if more != Some(true) || cursor.is_empty() {
            return Ok(ids);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version() -> Json {
        parsed(
            r#"{"properties_snapshot":{"workflow_id":"w","create_time":1,"author":"a","owner":"ana","step_concurrency":3,"tags":[]},
                "metadata":{"workflow_id":"w","workflow_version_id":1,"team":"x"},
                "workflow":{"id":"w","steps":[{"step":{"id":"a","transition":{},"type":"NoOp"}}]},"is_active":false}"#,
        )
        .unwrap()
    }

    fn request(properties: &str, step: &str) -> WorkflowCreateRequest {
        let text = format!(
            r#"{{{properties}"workflow":{{"id":"w","steps":[{{"step":{{"id":"{step}","type":"NoOp"}}}}]}}}}"#
        );
        maestro_model::codec::read(text.as_bytes()).unwrap()
    }

    #[test]
    fn what_is_pulled_changes_nothing() {
        let pulled = as_request(&version());
        assert_eq!(pulled.pointer("/team"), Some(&Json::from("x")));
        assert_eq!(pulled.pointer("/is_active"), Some(&Json::from(false)));
        let request: WorkflowCreateRequest =
            maestro_model::codec::read(pulled.to_text().as_bytes()).unwrap();
        assert_eq!(changes(Some(&version()), &request).as_deref(), Some(""));
    }

    #[test]
    fn only_what_a_push_would_change_is_a_change() {
        let changes = |properties: &str, step: &str| {
            changes(Some(&version()), &request(properties, step)).unwrap()
        };
        assert_eq!(changes("", "a"), "");
        let same = r#""properties":{"step_concurrency":3},"#;
        assert_eq!(changes(same, "a"), "");
        // What is left out of given properties is reset by a push (spec 01 PR-2).
        let reset = changes(r#""properties":{"owner":"ana"},"#, "a");
        assert!(reset.contains("-  step_concurrency: 3"), "{reset}");
        let step = changes("", "b");
        assert!(
            step.contains("-        id: a") && step.contains("+        id: b"),
            "{step}"
        );
        assert_eq!(super::changes(None, &request("", "a")), None);
    }
}
