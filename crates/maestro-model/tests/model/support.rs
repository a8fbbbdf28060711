//! Requests around one field, and what becomes of them.

use maestro_model::codec;
use maestro_model::definition::WorkflowCreateRequest;
use maestro_model::error::ErrorBody;
use maestro_model::json::Json;
use maestro_model::validate::{self, Limits};

pub(crate) const NOW: i64 = 1_760_000_000_000;

/// A request around fields of the workflow, such as `"timeout":5`, and a list of steps.
pub(crate) fn request(fields: &str, steps: &str) -> String {
    let comma = if fields.is_empty() { "" } else { "," };
    format!(
        r#"{{"properties":{{"owner":"qa"}},"workflow":{{"id":"wf-a",{fields}{comma}"steps":[{steps}]}}}}"#
    )
}

/// A NoOp step with further fields.
pub(crate) fn step(fields: &str) -> String {
    let comma = if fields.is_empty() { "" } else { "," };
    format!(r#"{{"step":{{"id":"s1","type":"noop"{comma}{fields}}}}}"#)
}

pub(crate) fn with_step(fields: &str) -> String {
    request("", &step(fields))
}

pub(crate) fn with_workflow(fields: &str) -> String {
    request(fields, &step(""))
}

pub(crate) fn with_properties(properties: &str) -> String {
    format!(
        r#"{{"properties":{{{properties}}},"workflow":{{"id":"wf-a","steps":[{}]}}}}"#,
        step("")
    )
}

/// The refusal of a validation.
pub(crate) fn refusal(body: &str) -> Option<ErrorBody> {
    match codec::read::<WorkflowCreateRequest>(body.as_bytes()) {
        Err(fault) => Some(fault.into()),
        Ok(request) => validate::request(&request, &Limits::default(), NOW)
            .err()
            .map(ErrorBody::from),
    }
}

#[track_caller]
pub(crate) fn accepts(body: &str) {
    assert_eq!(refusal(body), None, "{body}");
}

/// Refused while the body is read: a message, no list.
#[track_caller]
pub(crate) fn unreadable(body: &str) {
    let body_of = refusal(body).unwrap_or_else(|| panic!("accepted: {body}"));
    assert!(
        body_of.message.starts_with("JSON parse error: ") && body_of.errors.is_empty(),
        "{body}: {body_of:?}"
    );
}

/// Refused by a rule: an entry that starts with the path.
#[track_caller]
pub(crate) fn violates(body: &str, path: &str) {
    let body_of = refusal(body).unwrap_or_else(|| panic!("accepted: {body}"));
    let entry = format!("{path} ");
    assert!(
        body_of.errors.iter().any(|error| error.starts_with(&entry)),
        "{body}: {body_of:?}"
    );
}

/// How the workflow comes back, at a path.
#[track_caller]
pub(crate) fn echo(body: &str, path: &str) -> String {
    accepts(body);
    let request: WorkflowCreateRequest = codec::read(body.as_bytes()).expect("accepted above");
    let json = Json::parse(codec::to_text(&request).as_bytes()).expect("our own JSON");
    json.pointer(path).map(Json::to_text).unwrap_or_default()
}

pub(crate) fn param_echo(param: &str) -> String {
    echo(
        &with_workflow(&format!(r#""params":{{"p":{param}}}"#)),
        "/workflow/params/p",
    )
}

pub(crate) fn param_unreadable(param: &str) {
    unreadable(&with_workflow(&format!(r#""params":{{"p":{param}}}"#)));
}

pub(crate) fn foreach(id: &str, fields: &str, steps: &str) -> String {
    format!(r#"{{"foreach":{{"id":"{id}",{fields},"steps":[{steps}]}}}}"#)
}

pub(crate) const LOOP: &str = r#""params":{"loop_params":{"type":"MAP","value":{}}}"#;
