//! The YAML front door: the workflow DSL (spec 01 section 12), and YAML of the JSON model (decision 24).
//!
//! A text becomes a tree with positions, the tree becomes the JSON of a request, and from there everything is as for
//! JSON: one place decides what a request means.

mod dsl;
mod emit;
mod node;
mod param;
mod scalar;
mod transition;

use crate::codec::{At, FromJson, JsonError};
use crate::definition::{StepType, WorkflowCreateRequest};
use crate::json::{Json, Object, Position};
use crate::lint::Place;
pub use emit::emit;
use node::Node;

/// Why a YAML text was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum YamlError {
    /// The text, or what the DSL makes of it.
    #[error("{reason} at line {}, column {}", position.line, position.column)]
    Text {
        /// What is wrong, and how to mend it.
        reason: String,
        /// Where it is.
        position: Position,
    },
    /// The request that the DSL makes of it.
    #[error(transparent)]
    Request(#[from] JsonError),
}

/// Finds the step type of a job template by its type and version (spec 01 D-20).
pub type Templates<'a> = &'a dyn Fn(&str, &str) -> Option<StepType>;

/// Reads a workflow of the DSL as a push (spec 01 section 12.2). Only the first document counts.
///
/// # Errors
/// The first fault.
pub fn workflow(body: &[u8], templates: Templates<'_>) -> Result<WorkflowCreateRequest, YamlError> {
    let json = dsl::request(&node::parse(body)?, templates)?;
    Ok(WorkflowCreateRequest::from_json(json, &At::ROOT)?)
}

/// Reads YAML of the JSON model: maps, lists and scalars by the rules of spec 01 section 12.1.
///
/// # Errors
/// The first fault of the text.
pub fn json(body: &[u8]) -> Result<Json, YamlError> {
    to_json(&node::parse(body)?)
}

/// Where a second document begins, which is not read (spec 01 case 87); `None` if there is none that says something.
pub fn second_document(body: &[u8]) -> Option<Position> {
    node::second_document(body)
}

/// Keys that are given twice in one map, with the positions of both: the server lets the last one win, the command line
/// refuses them (decision 17).
///
/// # Errors
/// The first fault of the text.
pub fn repeated_keys(body: &[u8]) -> Result<Vec<(String, Position, Position)>, YamlError> {
    Ok(node::parse(body)?.repeated_keys())
}

/// Where the values of a text are; `None` if it cannot be read.
pub(crate) fn places(body: &[u8]) -> Option<Place> {
    node::parse(body).ok().map(|node| node.place())
}

/// What the DSL makes of a text with faults in it.
pub(crate) struct Lenient {
    /// All faults.
    pub(crate) faults: Vec<YamlError>,
    /// Where the values of the text are.
    pub(crate) whole: Option<Place>,
    /// The request without what is at fault, and the places of the values that it was made from.
    pub(crate) request: Option<(Json, Place)>,
}

/// Reads the DSL; what is at fault is left out.
pub(crate) fn lenient(body: &[u8], templates: Templates<'_>) -> Lenient {
    const MOST: usize = 200;
    let mut faults: Vec<YamlError> = Vec::new();
    let mut node = match node::parse(body) {
        Ok(node) => node,
        Err(fault) => {
            return Lenient {
                faults: vec![fault],
                whole: None,
                request: None,
            };
        }
    };
    let whole = Some(node.place());
    for _ in 0..MOST {
        let (fault, position) = match dsl::request(&node, templates) {
            Ok(json) => {
                let request = Some((json, node.place()));
                return Lenient {
                    faults,
                    whole,
                    request,
                };
            }
            Err(YamlError::Text { reason, position }) => {
                (YamlError::Text { reason, position }, position)
            }
            Err(fault @ YamlError::Request(_)) => {
                faults.push(fault);
                break;
            }
        };
        // What was left out may be missed at the same place.
        let is_new = |known: &YamlError| !matches!(known, YamlError::Text { position: at, .. } if *at == position);
        if faults.iter().all(is_new) {
            faults.push(fault);
        }
        match node.without(position) {
            Some(rest) => node = rest,
            None => break,
        }
    }
    Lenient {
        faults,
        whole,
        request: None,
    }
}

fn to_json(node: &Node) -> Result<Json, YamlError> {
    if let Some(elements) = node.elements() {
        return elements
            .iter()
            .map(to_json)
            .collect::<Result<_, _>>()
            .map(Json::Array);
    }
    if let Some(members) = node.members()? {
        let member = |(key, value): &(&str, &Node)| Ok(((*key).into(), to_json(value)?));
        return members
            .iter()
            .map(member)
            .collect::<Result<_, YamlError>>()
            .map(|m| Json::Object(Object::from_members(m)));
    }
    scalar::to_json(node)
}
