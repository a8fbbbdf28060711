//! What a job puts out: params and artifacts (`spec 07` 12.4, BX-4).
//!
//! A job prints a JSON object between two markers, the last pair of which counts, or writes one to the file that
//! `MAESTRO_OUTPUT_FILE` names, which wins name by name. Params are whole parameters, or, in the short form, bare values
//! that take the type of the step's param of that name. Whether a param may be set is the core's affair
//! (`spec 07 C-16`); here every output gets a type or the step fails with a message that quotes it.

mod marked;
mod typed;

use std::fs::OpenOptions;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use maestro_model::codec::{At, FromJson};
use maestro_model::json::{Json, Object};
use maestro_model::param::{
    Evaluated, EvaluatedValue, Param, ParamDefinition, ParamType, ParamValue, Params,
};
use maestro_model::{Map, Str};

/// What comes before an output in the log.
pub const START: &str = "MAESTRO_OUTPUT_START_TOKEN";
/// What comes after it.
pub const END: &str = "MAESTRO_OUTPUT_END_TOKEN";

/// The longest output, in characters (`spec 07 C-13`).
const MAX_CHARS: usize = 750_000;
/// No text of so many characters has more bytes.
const MAX_BYTES: u64 = MAX_CHARS as u64 * 4;
/// How much of a wrong output a message quotes.
const QUOTED_CHARS: usize = 200;
/// Members of an output that say whose it is; we know that better (`spec 07 K8-7`).
const IGNORED: [&str; 5] = [
    "external_job_type",
    "external_job_id",
    "workflow_id",
    "create_time",
    "modify_time",
];
/// The output that a job sets by ending well (`spec 07 BX-12`).
const EXIT_CODE: &str = "exit_code";

/// The step's params with their types: what the short form of an output goes by.
#[derive(Clone, Debug, Default)]
pub struct Declared(Map<ParamType>);

impl Declared {
    /// Those of a step.
    pub fn of(params: &Params) -> Self {
        let types = params.iter();
        Self(
            types
                .map(|(name, param)| (name.clone(), param.definition.ty()))
                .collect(),
        )
    }
}

/// The output of a job.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outputs {
    /// Evaluated params, to be merged on success (`spec 07 C-16`).
    pub params: Params,
    /// Artifacts by key, as they came.
    pub artifacts: Object,
}

/// An output that cannot be taken. Each message quotes what is wrong.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// It is not the JSON that it should be.
    #[error("the output in {place} is malformed: {reason}; it reads `{quote}`")]
    Malformed {
        /// `the log` or the file.
        place: Place,
        /// What is wrong.
        reason: String,
        /// How it begins.
        quote: String,
    },
    /// It is too long.
    #[error(
        "the output in {place} is longer than {MAX_CHARS} characters; write large results to a file and put out its path"
    )]
    TooLong {
        /// Where.
        place: Place,
    },
    /// The log was cut between its markers.
    #[error(
        "the output between the markers lies where the log was cut; use the file that MAESTRO_OUTPUT_FILE names"
    )]
    Cut,
    /// It cannot be read.
    #[error("the output in {place} cannot be read: {reason}")]
    Unreadable {
        /// Where.
        place: Place,
        /// Why.
        reason: String,
    },
}

/// Where an output was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Between markers in the log.
    Log,
    /// In the file.
    File,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Place::Log => "the log",
            Place::File => "MAESTRO_OUTPUT_FILE",
        })
    }
}

/// Reads both outputs of a job that has ended. `now` becomes the time of evaluation in the short form, in epoch
/// milliseconds. `succeeded`: whether the job sets `exit_code`.
pub(crate) fn collect(
    log: &Path,
    file: &Path,
    declared: &Declared,
    succeeded: bool,
    now: i64,
) -> Result<Outputs, OutputError> {
    let mut outputs = Outputs::default();
    if succeeded && declared.0.get(EXIT_CODE) == Some(&ParamType::Long) {
        let zero = typed::evaluated(ParamValue::Long(0), EvaluatedValue::Long(0), now);
        outputs.params.insert(EXIT_CODE.into(), zero);
    }
    if let Some(text) = marked::last_pair(log)? {
        parse(&text, Place::Log, declared, now)?.over(&mut outputs);
    }
    if let Some(text) = read_file(file)? {
        parse(&text, Place::File, declared, now)?.over(&mut outputs);
    }
    Ok(outputs)
}

impl Outputs {
    /// Lays this over another output, name by name.
    fn over(self, below: &mut Self) {
        below.params.extend(self.params);
        for (key, artifact) in self.artifacts.iter() {
            below.artifacts.insert(key, artifact.clone());
        }
    }
}

/// The file's content. What a job has put in its place may be anything, so it is opened with care.
fn read_file(path: &Path) -> Result<Option<Vec<u8>>, OutputError> {
    let unreadable = |error: &dyn std::fmt::Display| OutputError::Unreadable {
        place: Place::File,
        reason: error.to_string(),
    };
    let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOFOLLOW;
    let flags = i32::try_from(flags.bits()).unwrap_or(0);
    let file = match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(&error)),
    };
    let data = file.metadata().map_err(|error| unreadable(&error))?;
    if !data.is_file() {
        return Err(unreadable(&"it is not a file"));
    }
    let mut text = Vec::new();
    file.take(MAX_BYTES + 1)
        .read_to_end(&mut text)
        .map_err(|error| unreadable(&error))?;
    if text.len() as u64 > MAX_BYTES {
        return Err(OutputError::TooLong { place: Place::File });
    }
    Ok(Some(text))
}

fn parse(text: &[u8], place: Place, declared: &Declared, now: i64) -> Result<Outputs, OutputError> {
    let malformed = |reason: String, wrong: &str| OutputError::Malformed {
        place,
        reason,
        quote: quote(wrong),
    };
    let shown = String::from_utf8_lossy(text);
    let shown = shown.trim();
    if shown.is_empty() {
        return Ok(Outputs::default());
    }
    if shown.chars().count() > MAX_CHARS {
        return Err(OutputError::TooLong { place });
    }
    let json = Json::parse(text).map_err(|error| malformed(error.to_string(), shown))?;
    let object = match json {
        Json::Null => return Ok(Outputs::default()),
        Json::Object(object) => object,
        other => {
            let reason = format!("expected an object, found {}", other.kind());
            return Err(malformed(reason, shown));
        }
    };
    let mut outputs = Outputs::default();
    for (name, value) in object.iter() {
        match (name, value) {
            ("params" | "artifacts", Json::Null) => {}
            ("params", Json::Object(params)) => {
                for (name, value) in params.iter() {
                    let param = param(name, value, declared, now)
                        .map_err(|reason| malformed(reason, &member(name, value)))?;
                    outputs.params.insert(name.into(), param);
                }
            }
            ("artifacts", Json::Object(artifacts)) => {
                for (key, value) in artifacts.iter() {
                    if !matches!(value, Json::Object(_)) {
                        let reason = format!(
                            "the artifact `{key}` must be an object, it is {}",
                            value.kind()
                        );
                        return Err(malformed(reason, &member(key, value)));
                    }
                    outputs.artifacts.insert(key, value.clone());
                }
            }
            ("params" | "artifacts", other) => {
                let reason = format!("`{name}` must be an object, it is {}", other.kind());
                return Err(malformed(reason, shown));
            }
            (name, _) if IGNORED.contains(&name) => {}
            (name, value) => {
                let reason = format!(
                    "`{name}` is none of its members; put params under `params` and artifacts under `artifacts`"
                );
                return Err(malformed(reason, &member(name, value)));
            }
        }
    }
    Ok(outputs)
}

/// An output param in either form.
fn param(name: &str, value: &Json, declared: &Declared, now: i64) -> Result<Param, String> {
    if let Json::Object(object) = value
        && is_parameter(object)
    {
        return Param::from_json(value.clone(), &At::ROOT)
            .map_err(|error| format!("the param `{name}`: {error}"));
    }
    let (literal, result) = match declared.0.get(name) {
        Some(ty) => typed::of_type(*ty, value),
        // Nothing tells its type. The core refuses it, since it is not declared; it does not get lost.
        None => typed::inferred(value),
    }
    .map_err(|expected| {
        format!(
            "the param `{name}` must be {expected}, it is {}",
            value.kind()
        )
    })?;
    Ok(typed::evaluated(literal, result, now))
}

/// A whole parameter says its type and something about its value; a string map that happens to hold such names is put
/// out as a whole parameter.
fn is_parameter(object: &Object) -> bool {
    let says_type = object
        .get("type")
        .and_then(Json::as_str)
        .is_some_and(|text| ParamType::from_text(text).is_some());
    let value = ["value", "expression", "evaluated_result"];
    says_type && value.iter().any(|name| object.get(name).is_some())
}

fn member(name: &str, value: &Json) -> String {
    format!("{}: {}", Json::from(name).to_text(), value.to_text())
}

fn quote(text: &str) -> String {
    let short = crate::local::first_chars(text, QUOTED_CHARS);
    if short.len() < text.len() {
        format!("{short}...")
    } else {
        short.to_owned()
    }
}

#[cfg(test)]
mod tests;
