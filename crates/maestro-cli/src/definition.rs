//! Files with definitions: JSON or YAML; a create request, a bare workflow, or the workflow DSL.

use std::io::Read;
use std::path::Path;

use maestro_model::codec::{At, FromJson, to_text};
use maestro_model::definition::{Properties, User, WorkflowCreateRequest};
use maestro_model::json::{Json, Object, Position};
use maestro_model::{lint, yaml};

use crate::client::{Answer, CallError, Client, workflow_path};
use crate::failure::Failure;

/// The bytes of a file, or of standard input for `-`.
pub(crate) fn bytes(path: &Path) -> Result<Vec<u8>, Failure> {
    let body = if path == Path::new("-") {
        let mut body = Vec::new();
        std::io::stdin().lock().read_to_end(&mut body).map(|_| body)
    } else {
        std::fs::read(path)
    };
    body.map_err(|error| Failure::usage(format!("cannot read `{}`: {error}", path.display())))
}

/// Reads a file, or standard input for `-`.
pub(crate) fn read(path: &Path) -> Result<WorkflowCreateRequest, Failure> {
    let fault = |fault| Failure::usage(format!("`{}`: {fault}", path.display()));
    parse(&bytes(path)?).map_err(fault)
}

fn parse(body: &[u8]) -> Result<WorkflowCreateRequest, String> {
    if lint::is_json(body) {
        let json = Json::parse(body)
            .map_err(|fault| maestro_model::codec::JsonError::from(fault).to_string())?;
        given_once(&lint::repeated_keys(body))?;
        return request(json);
    }
    given_once(&yaml::repeated_keys(body).map_err(|e| e.to_string())?)?;
    if let Some(position) = yaml::second_document(body) {
        return Err(format!(
            "a second document begins at line {}: one file holds one workflow",
            position.line
        ));
    }
    match yaml::json(body) {
        Ok(json) if !lint::is_dsl(&json) => request(json),
        _ => yaml::workflow(body, &|_, _| None).map_err(|e| e.to_string()),
    }
}

/// Which of two values of a key was meant, nobody knows (decision 17).
fn given_once(repeated: &[(String, Position, Position)]) -> Result<(), String> {
    match repeated.first() {
        None => Ok(()),
        Some((key, first, second)) => Err(format!(
            "the key `{key}` is given twice: at line {}, and again at line {}",
            first.line, second.line
        )),
    }
}

/// Of a create request, or of a bare workflow object.
fn request(json: Json) -> Result<WorkflowCreateRequest, String> {
    WorkflowCreateRequest::from_json(lint::as_request(json), &At::ROOT).map_err(|e| e.to_string())
}

/// What a push did.
pub(crate) struct Pushed {
    pub(crate) version: i64,
    /// The answer; `None` if the newest version says the same already.
    pub(crate) answer: Option<Answer>,
}

/// Pushes. With `only_changes` nothing is pushed that says what the newest version says already.
pub(crate) fn push(
    client: &Client,
    mut request: WorkflowCreateRequest,
    owner: Option<&str>,
    only_changes: bool,
) -> Result<Pushed, CallError> {
    let id = request.workflow.id.to_string();
    let latest = match client.get(&workflow_path(&id, "/versions/latest")) {
        Ok(answer) => Some(answer),
        Err(error) if error.status() == Some(404) => None,
        Err(error) => return Err(error),
    };
    // A first version needs an owner; that of a later one stays unless it is named.
    let has_owner = request
        .properties
        .as_ref()
        .is_some_and(|p| p.owner.is_some());
    let owner = owner.or_else(|| latest.is_none().then(|| client.user()));
    if let Some(owner) = owner.filter(|_| !has_owner) {
        let properties = request.properties.get_or_insert_with(Properties::default);
        properties.owner = Some(User::from(owner));
    }
    if only_changes
        && let Some(latest) = &latest
        && is_same(&request, latest)
    {
        return Ok(Pushed {
            version: latest.number("/metadata/workflow_version_id").unwrap_or(0),
            answer: None,
        });
    }
    let answer = client.post("/api/v3/workflows", &to_text(&request))?;
    Ok(Pushed {
        version: answer
            .number("/workflow_definition/metadata/workflow_version_id")
            .unwrap_or(0),
        answer: Some(answer),
    })
}

/// Whether a version says all that the request says.
fn is_same(request: &WorkflowCreateRequest, latest: &Answer) -> bool {
    let Some(stored) = latest.json.pointer("/workflow") else {
        return false;
    };
    let Ok(ours) = Json::parse(to_text(&request.workflow).as_bytes()) else {
        return false;
    };
    let empty = Object::new();
    let snapshot = latest
        .json
        .pointer("/properties_snapshot")
        .and_then(Json::as_object)
        .unwrap_or(&empty);
    let properties = request.properties.as_ref().map(to_text);
    let properties = properties.and_then(|text| Json::parse(text.as_bytes()).ok());
    let are_properties_same = properties
        .as_ref()
        .and_then(Json::as_object)
        .is_none_or(|given| {
            given
                .iter()
                .all(|(name, value)| snapshot.get(name) == Some(value))
        });
    ours == *stored && are_properties_same
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP: &str = r#"{"step":{"id":"a","type":"NoOp"}}"#;

    #[test]
    fn all_forms_of_a_definition_are_read() {
        let bare = format!(r#"{{"id":"w","steps":[{STEP}]}}"#);
        let full = format!(r#"{{"properties":{{"owner":"ana"}},"workflow":{bare}}}"#);
        let yaml = "id: w\nsteps:\n  - step: {id: a, type: NoOp}\n";
        let full_yaml = "properties: {owner: ana}\nworkflow:\n  id: w\n  steps:\n    - step: {id: a, type: NoOp}\n";
        let dsl = "Workflow:\n  id: w\n  jobs:\n    - job:\n        id: a\n        type: NoOp\n";
        for text in [&*bare, &*full, yaml, full_yaml, dsl] {
            let request = parse(text.as_bytes()).unwrap_or_else(|fault| panic!("{text}: {fault}"));
            assert_eq!(&*request.workflow.id, "w");
            assert_eq!(request.workflow.steps.len(), 1);
        }
    }

    /// Decision 17.
    #[test]
    fn a_key_that_is_given_twice_is_refused_with_both_lines() {
        for text in [
            "id: w\nsteps: []\nid: v\n",
            "{\"id\":\"w\",\n\"steps\":[],\n\"id\":\"v\"}",
        ] {
            let fault = parse(text.as_bytes()).unwrap_err();
            assert_eq!(
                fault,
                "the key `id` is given twice: at line 1, and again at line 3"
            );
        }
    }

    #[test]
    fn a_second_document_is_refused() {
        let one = "id: w\nsteps:\n  - step: {id: a, type: NoOp}\n";
        let fault = parse(format!("{one}---\n{one}").as_bytes()).unwrap_err();
        assert_eq!(
            fault,
            "a second document begins at line 4: one file holds one workflow"
        );
    }

    #[test]
    fn a_fault_names_its_place() {
        assert!(parse(b"{\"id\": \n}").unwrap_err().contains("line 2"));
        assert!(parse(b"nonsense").is_err());
        assert!(parse(b"").is_err());
    }
}
