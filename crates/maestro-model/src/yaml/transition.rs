//! Transitions of the DSL (spec 01 section 12.5).

use super::YamlError;
use super::node::Node;
use super::scalar::{self, Scalar};
use crate::json::{Json, Object};

/// One entry of a transition list.
enum Entry<'a> {
    To(&'a str),
    If(&'a str, &'a str),
    Otherwise(&'a str),
}

/// The successors that a list of entries means.
///
/// # Errors
/// The first entry that is none of the forms.
pub(super) fn successors(entries: &[Node]) -> Result<Object, YamlError> {
    let mut successors = Object::new();
    let mut conditions: Vec<&str> = Vec::new();
    for (at, node) in entries.iter().enumerate() {
        let text = match scalar::of(node)? {
            Some(Scalar::Null | Scalar::Text("")) => continue,
            Some(Scalar::Text(text)) => text,
            _ => {
                return Err(node.fault(format!(
                    "a transition must be a text, found {}",
                    node.shown()
                )));
            }
        };
        match entry(text.trim()) {
            Some(Entry::To(id)) => successors.insert(id, Json::from("true")),
            Some(Entry::If(condition, id)) => {
                conditions.push(condition);
                successors.insert(id, Json::from(condition));
            }
            Some(Entry::Otherwise(_)) if at + 1 < entries.len() => {
                return Err(node.fault("OTHERWISE must be the last entry of a transition"));
            }
            Some(Entry::Otherwise(id)) => {
                let condition = if conditions.is_empty() {
                    "true".to_owned()
                } else {
                    format!("!(({}))", conditions.join(") || ("))
                };
                successors.insert(id, Json::from(condition.as_str()));
            }
            None => {
                let reason = format!(
                    "the transition `{text}` is none of `STEP`, `IF condition THEN STEP` and `OTHERWISE STEP`"
                );
                return Err(node.fault(reason));
            }
        }
    }
    Ok(successors)
}

fn entry(text: &str) -> Option<Entry<'_>> {
    if is_id(text) {
        return Some(Entry::To(text));
    }
    if let Some(id) = after_keyword(text, "OTHERWISE")
        .map(str::trim_start)
        .filter(|id| is_id(id))
    {
        return Some(Entry::Otherwise(id));
    }
    let rest = after_keyword(text, "IF")?;
    // The shortest condition that leaves a valid tail: it may itself hold the word.
    rest.char_indices().find_map(|(at, _)| {
        let condition = rest[..at]
            .strip_suffix(char::is_whitespace)
            .map(str::trim)
            .filter(|c| !c.is_empty())?;
        let id = after_keyword(&rest[at..], "THEN")
            .map(str::trim_start)
            .filter(|id| is_id(id))?;
        (!condition.contains(['\n', '\r'])).then_some(Entry::If(condition, id))
    })
}

/// What follows a keyword in any case and a blank.
fn after_keyword<'a>(text: &'a str, keyword: &str) -> Option<&'a str> {
    let head = text
        .get(..keyword.len())
        .filter(|head| head.eq_ignore_ascii_case(keyword))?;
    text[head.len()..].strip_prefix(char::is_whitespace)
}

/// The pattern of reference ids (spec 01 ID-2).
fn is_id(text: &str) -> bool {
    let mut characters = text.chars();
    characters
        .next()
        .is_some_and(|c| c == '_' || c.is_ascii_alphabetic())
        && characters.all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
}
