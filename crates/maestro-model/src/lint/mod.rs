//! All problems of a workflow file, each at its place, for people who write such files.
//!
//! The readers of requests stop at the first fault, as the server does. Here a value that is at fault is reported, taken
//! out or replaced by one that is in order, and the rest is read again. Rules are those of [`crate::validate`]; what needs
//! params evaluated, or a server, is not looked at.

mod expressions;
mod locate;
mod mend;
mod place;
mod traps;

use crate::codec::{At, FromJson, JsonError};
use crate::definition::WorkflowCreateRequest;
use crate::json::{Json, Object, Position};
use crate::validate::{self, Limits};
use crate::yaml::{self, Templates, YamlError};
use locate::Flavour;
use mend::Mender;
pub(crate) use place::{Entry, Place, PlaceKind};

/// One problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where it is.
    pub position: Position,
    /// The field in the words of the file, such as `workflow.jobs[0].job.type`; empty for the file itself.
    pub path: String,
    /// What is wrong.
    pub text: String,
    /// How to mend it.
    pub hint: Option<String>,
}

/// What was found in a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// In the order of their places.
    pub problems: Vec<Problem>,
    /// What is in order but hardly meant, likewise.
    pub warnings: Vec<Problem>,
    /// The request, if there are no problems.
    pub request: Option<WorkflowCreateRequest>,
}

/// Whether a text is meant to be JSON rather than YAML.
pub fn is_json(body: &[u8]) -> bool {
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{')
}

/// Whether YAML is the workflow DSL, which has `jobs` where the JSON model has `steps` (spec 01 section 12).
pub fn is_dsl(json: &Json) -> bool {
    let Some(root) = json.as_object() else {
        return true;
    };
    let workflow = root.get("workflow").or_else(|| root.get("Workflow"));
    match workflow.and_then(Json::as_object) {
        Some(workflow) => workflow.get("steps").is_none(),
        None => root.get("id").is_none() && root.get("steps").is_none(),
    }
}

/// A bare workflow object as a create request; a create request as it is.
pub fn as_request(json: Json) -> Json {
    let is_bare = json
        .as_object()
        .is_some_and(|root| root.get("workflow").is_none() && root.get("steps").is_some());
    if is_bare {
        Json::Object(Object::from_members(vec![("workflow".into(), json)]))
    } else {
        json
    }
}

/// What the rules need to know besides the file.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// The step types of job templates.
    pub templates: Templates<'a>,
    /// Why an expression cannot be read, if it cannot.
    pub expression: &'a dyn Fn(&str) -> Option<String>,
    /// What may be configured.
    pub limits: &'a Limits,
    /// Epoch milliseconds, for time triggers.
    pub now: i64,
}

/// Looks for all problems of a file: JSON or YAML; a create request, a bare workflow, or the DSL.
pub fn lint(body: &[u8], around: Surroundings<'_>) -> Report {
    let mut found = Found::default();
    let request = found.read(body, around);
    let mut problems = found.problems;
    problems.sort_by_key(|problem| (problem.position.line, problem.position.column));
    problems.dedup();
    Report {
        request: request.filter(|_| problems.is_empty()),
        problems,
        warnings: found.warnings,
    }
}

/// Keys that are given twice in one object of a JSON text, with the positions of both, as [`yaml::repeated_keys`].
pub fn repeated_keys(body: &[u8]) -> Vec<(String, Position, Position)> {
    place::of_json(body).map_or_else(Vec::new, |place| place.repeated_keys())
}

/// The place of a value of a request in the file that it was read from, and its path in the words of the file.
pub fn place_in(body: &[u8], path: &str, templates: Templates<'_>) -> Option<(Position, String)> {
    let (_, place, flavour) = Found::default().open(body, templates)?;
    Some(locate::locate(&place, path, flavour))
}

/// Whether a path leads on from another one.
fn is_inside(path: &str, around: &str) -> bool {
    path.strip_prefix(around)
        .is_some_and(|rest| rest.starts_with(['.', '[']))
}

#[derive(Default)]
struct Found {
    problems: Vec<Problem>,
    warnings: Vec<Problem>,
}

impl Found {
    fn read(&mut self, body: &[u8], around: Surroundings<'_>) -> Option<WorkflowCreateRequest> {
        let (json, place, flavour) = self.open(body, around.templates)?;
        for (key, first, second) in place.repeated_keys() {
            self.problems.push(Problem {
                position: second,
                path: key.clone(),
                text: format!("the key `{key}` is given twice"),
                hint: Some(format!(
                    "remove one of them; the first one is at line {}",
                    first.line
                )),
            });
        }
        let mut mender = Mender::new(json);
        let request = loop {
            match WorkflowCreateRequest::from_json(mender.json().clone(), &At::ROOT) {
                Ok(request) => break request,
                Err(fault) => {
                    if mender.is_new(&fault.path) {
                        self.json_fault(&fault, &place, flavour);
                    }
                    if !mender.mend(&fault.path) {
                        return None;
                    }
                }
            }
        };
        self.rules(&request, &mender, &place, flavour, around);
        expressions::visit(&request.workflow, &mut |path, text| {
            if let Some(text) = (around.expression)(text).filter(|_| !mender.covers(path)) {
                let (position, path) = locate::locate(&place, path, flavour);
                self.problems.push(Problem {
                    position,
                    path,
                    text,
                    hint: None,
                });
            }
        });
        Some(request)
    }

    /// The request of a file as it is, its places, and how it says it.
    fn open(&mut self, body: &[u8], templates: Templates<'_>) -> Option<(Json, Place, Flavour)> {
        let (json, place, flavour) = if is_json(body) {
            let json = Json::parse(body).map_err(|fault| self.syntax(fault.reason, fault.position));
            (json.ok()?, place::of_json(body)?, Flavour::Model)
        } else {
            self.yaml(body, templates)?
        };
        match flavour {
            Flavour::Model
                if json
                    .as_object()
                    .is_some_and(|o| o.get("workflow").is_none()) =>
            {
                Some((as_request(json), place, Flavour::Bare))
            }
            flavour => Some((json, place, flavour)),
        }
    }

    fn yaml(&mut self, body: &[u8], templates: Templates<'_>) -> Option<(Json, Place, Flavour)> {
        match yaml::json(body) {
            Err(YamlError::Text { reason, position }) => {
                self.syntax(reason, position);
                return None;
            }
            Ok(json) if !is_dsl(&json) => {
                self.second_document(body);
                return Some((json, yaml::places(body)?, Flavour::Model));
            }
            _ => {}
        }
        self.second_document(body);
        let lenient = yaml::lenient(body, templates);
        let mut told: Vec<String> = Vec::new();
        for fault in &lenient.faults {
            if let YamlError::Text { reason, position } = fault {
                let path = lenient.whole.as_ref().map(|whole| whole.path_of(*position));
                let path = path.unwrap_or_default();
                // What a value lacks once a part of it was left out is no fault of its own.
                if told.iter().any(|inner| is_inside(inner, &path)) {
                    continue;
                }
                told.push(path.clone());
                self.problems.push(Problem {
                    position: *position,
                    path,
                    text: reason.clone(),
                    hint: None,
                });
            }
        }
        self.warnings = lenient
            .whole
            .as_ref()
            .map(|whole| traps::traps(whole, body))
            .unwrap_or_default();
        let (json, place) = lenient.request?;
        Some((json, place, Flavour::Dsl))
    }

    fn second_document(&mut self, body: &[u8]) {
        if let Some(position) = yaml::second_document(body) {
            self.problems.push(Problem {
                position,
                path: String::new(),
                text: "a second document, which nobody would read".to_owned(),
                hint: Some("one file holds one workflow: move it to a file of its own".to_owned()),
            });
        }
    }

    fn syntax(&mut self, text: String, position: Position) {
        self.problems.push(Problem {
            position,
            path: String::new(),
            text,
            hint: None,
        });
    }

    fn json_fault(&mut self, fault: &JsonError, place: &Place, flavour: Flavour) {
        let (position, path) = locate::locate(place, &fault.path, flavour);
        self.problems.push(Problem {
            position,
            path,
            text: fault.reason.clone(),
            hint: fault.hint.clone(),
        });
    }

    fn rules(
        &mut self,
        request: &WorkflowCreateRequest,
        mender: &Mender,
        place: &Place,
        flavour: Flavour,
        around: Surroundings<'_>,
    ) {
        let violations = validate::request(request, around.limits, around.now).err();
        let mut faults: Vec<(String, String)> = violations
            .into_iter()
            .flat_map(|invalid| invalid.violations)
            .map(|violation| (violation.path, violation.text))
            .collect();
        if let Some(fault) = validate::push_fault(request, false) {
            let path = match fault {
                validate::PushFault::NullIsActive => "is_active",
                validate::PushFault::ReservedExtra(key) => key,
                validate::PushFault::Tags => "properties.tags",
                validate::PushFault::NoOwner => "properties",
            };
            faults.push((path.to_owned(), fault.to_string()));
        }
        for (path, text) in faults {
            // Without jobs because none of them could be read.
            let is_left_out =
                flavour == Flavour::Dsl && path.ends_with("steps") && !self.problems.is_empty();
            if mender.covers(&path) || is_left_out {
                continue;
            }
            let (position, path) = locate::locate(place, &path, flavour);
            // The commonest of the DSL's traps (spec 01 D-34).
            let is_string_map = flavour == Flavour::Dsl && text.ends_with("it is a STRING_MAP");
            let key = path.rsplit('.').next().unwrap_or_default();
            let hint = is_string_map.then(|| {
                format!("write `{key}<pmap>:`, since a map that holds only texts is a STRING_MAP")
            });
            self.problems.push(Problem {
                position,
                path,
                text,
                hint,
            });
        }
    }
}

#[cfg(test)]
mod tests;
