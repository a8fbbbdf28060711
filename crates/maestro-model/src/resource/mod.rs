//! What the API keeps beside workflows (spec 04 section 13): job templates, tag permits, announced signals, outputs that
//! jobs hand in.

mod artifact;
mod job_template;
mod output;
mod signal;
mod tag_permit;

pub use job_template::{JobTemplate, JobTemplateDefinition, JobTemplateRequest};
pub use output::OutputData;
pub use signal::{SignalInstance, SignalRequest, SignalScalar};
pub use tag_permit::{TagPermit, TagPermitRequest};

pub(crate) use artifact::artifacts;

use crate::codec::{At, FromJson, JsonError, free_form};
use crate::json::{Json, Object};

/// The unknown members of an open object; an object with the name `own` among them replaces those before it.
pub(crate) fn open_members(object: Object, own: &str, at: &At<'_>) -> Result<Object, JsonError> {
    let mut extras = Object::new();
    for (key, value) in object {
        let at = at.name(&key);
        match value {
            Json::Null if &*key == own => extras = Object::new(),
            value if &*key == own => extras = Object::from_json(value, &at)?,
            value => extras.insert(&key, free_form(value, &at)?),
        }
    }
    Ok(extras)
}

/// Refuses extras with the name of a field.
pub(crate) fn refuse_reserved(
    extras: &Object,
    reserved: &[&str],
    at: &At<'_>,
) -> Result<(), JsonError> {
    match reserved.iter().find(|key| extras.get(key).is_some()) {
        None => Ok(()),
        Some(key) => Err(at
            .name(key)
            .fault(format!(
                "the extra info must not contain the reserved key `{key}`"
            ))
            .hint("rename it")),
    }
}
