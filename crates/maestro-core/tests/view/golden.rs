//! Recorded answers, and the normalisation and comparison of `conformance.py` as far as these tests need it.

use std::collections::BTreeSet;
use std::path::Path;

use maestro_model::json::Json;
use uuid::Uuid;

/// What stands for `{p}` in the ids of a scenario.
pub(crate) const PREFIX: &str = "cfdeadbeef";

/// One recorded scenario.
pub(crate) struct Golden {
    name: String,
    entries: Vec<Json>,
    /// Entries that were compared.
    seen: BTreeSet<usize>,
}

impl Golden {
    /// `lifecycle/lifecycle-chain`.
    pub(crate) fn load(name: &str) -> Self {
        let file = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../conformance/golden")
            .join(format!("{name}.json"));
        let text = std::fs::read_to_string(&file).expect("a recorded answer");
        let json = Json::parse(text.as_bytes()).expect("JSON");
        Self {
            name: name.to_owned(),
            entries: json.as_array().expect("a list of calls").to_vec(),
            seen: BTreeSet::new(),
        }
    }

    /// The calls with a recorded body, with their bodies.
    pub(crate) fn bodies(&self) -> impl Iterator<Item = (&str, &Json)> {
        self.entries.iter().filter_map(|entry| {
            let entry = entry.as_object()?;
            Some((entry.get("call")?.as_str()?, entry.get("body")?))
        })
    }

    /// Compares an answer with the next recorded one to a call that contains `call` (a `$` is its end), except for the members in `except`:
    /// what this engine cannot do yet.
    pub(crate) fn check_but(&mut self, call: &str, answer: &str, except: &[&str]) {
        let found = self.entries.iter().enumerate().find(|(at, entry)| {
            let matches = |json: &Json| {
                json.as_str()
                    .is_some_and(|text| format!("{text}$").contains(call))
            };
            let object = entry.as_object();
            let call = object.and_then(|entry| entry.get("call"));
            !self.seen.contains(at)
                && call.is_some_and(matches)
                && object.is_some_and(|entry| entry.get("body").is_some())
        });
        let (at, entry) = found.unwrap_or_else(|| panic!("{}: no call {call}", self.name));
        self.seen.insert(at);
        let want = entry
            .as_object()
            .and_then(|e| e.get("body"))
            .expect("a body");
        let got = Json::parse(answer.as_bytes()).expect("the answer is JSON");
        let rows = differences(want, &got, except);
        assert!(
            rows.is_empty(),
            "{} {call}:\n  {}\n{answer}",
            self.name,
            rows.join("\n  ")
        );
    }

    pub(crate) fn check(&mut self, call: &str, answer: &str) {
        self.check_but(call, answer, &[]);
    }
}

/// Differences of an answer from a recorded body: either all of it or some members by their paths.
pub(crate) fn differences(want: &Json, got: &Json, except: &[&str]) -> Vec<String> {
    let mut rows = Vec::new();
    let object = want.as_object().expect("a recorded body is an object");
    let by_path = object
        .iter()
        .next()
        .is_some_and(|(key, _)| key.starts_with('/'));
    if by_path {
        for (path, want) in object.iter().filter(|(path, _)| !except.contains(path)) {
            let last = path.rsplit('/').next().filter(|key| TEXTS.contains(key));
            let got = pointer(got, path).map_or(Json::Null, |json| normal(json, last));
            diff(want, &got, path, &mut rows);
        }
    } else {
        diff(want, &normal(got, None), "", &mut rows);
        rows.retain(|row| !except.iter().any(|path| row.starts_with(path)));
    }
    rows
}

/// Wording is each server's own.
const TEXTS: [&str; 4] = ["message", "reason", "info", "detail"];
/// Facts of one recording.
const BLANKS: [&str; 3] = ["internal_id", "group_info", "correlation_id"];
/// The text of their expressions is each server's own.
const SYSTEM_PARAMS: [&str; 6] = [
    "owner",
    "workflow_id",
    "workflow_instance_id",
    "step_id",
    "step_attempt_id",
    "step_instance_uuid",
];

fn normal(json: &Json, key: Option<&str>) -> Json {
    let text = |text: String| Json::from(&*text);
    if let (Some(key), false) = (
        key,
        matches!(json, Json::Null | Json::Object(_) | Json::Array(_)),
    ) && BLANKS.contains(&key)
    {
        return text(format!("<{key}>"));
    }
    match json {
        Json::Object(object) => {
            let system = key.is_some_and(|key| SYSTEM_PARAMS.contains(&key));
            let members = object.iter().map(|(name, value)| {
                let value = if system && name == "expression" {
                    text("<expression>".to_owned())
                } else {
                    normal(value, Some(name))
                };
                (Box::from(name.replace(PREFIX, "{p}")), value)
            });
            Json::Object(maestro_model::json::Object::from_members(members.collect()))
        }
        Json::Array(elements) => Json::Array(elements.iter().map(|e| normal(e, None)).collect()),
        Json::Number(number) => match number.as_i64() {
            Some(1_700_000_000_000..=2_200_000_000_000) => text("<millis>".to_owned()),
            _ => json.clone(),
        },
        Json::String(value) => match key {
            Some(key) if TEXTS.contains(&key) => text(format!("<{key}>")),
            _ => {
                let value = value.replace(PREFIX, "{p}");
                text(match Uuid::parse_str(&value) {
                    Ok(_) => "<uuid>".to_owned(),
                    Err(_) => value,
                })
            }
        },
        Json::Null | Json::Bool(_) => json.clone(),
    }
}

/// The value at a path; a negative index counts from the end.
pub(crate) fn pointer<'a>(json: &'a Json, path: &str) -> Option<&'a Json> {
    path.split('/')
        .skip(1)
        .try_fold(json, |value, key| match value {
            Json::Object(object) => object.get(key),
            Json::Array(elements) => match key.parse::<isize>().ok()? {
                index if index < 0 => elements.iter().rev().nth(index.unsigned_abs() - 1),
                index => elements.get(index.unsigned_abs()),
            },
            _ => None,
        })
}

fn diff(want: &Json, got: &Json, path: &str, rows: &mut Vec<String>) {
    match (want, got) {
        (Json::Object(a), Json::Object(b)) => {
            let names: BTreeSet<&str> = a.iter().chain(b.iter()).map(|(name, _)| name).collect();
            for name in names {
                let here = format!("{path}/{name}");
                match (a.get(name), b.get(name)) {
                    (Some(want), Some(got)) => diff(want, got, &here, rows),
                    (Some(want), None) => {
                        rows.push(format!("{here}: missing, want {}", want.to_text()));
                    }
                    (None, Some(got)) => {
                        rows.push(format!("{here}: not expected, got {}", got.to_text()));
                    }
                    (None, None) => {}
                }
            }
        }
        (Json::Array(a), Json::Array(b)) if a.len() == b.len() => {
            for (at, (want, got)) in a.iter().zip(b).enumerate() {
                diff(want, got, &format!("{path}/{at}"), rows);
            }
        }
        (Json::Number(a), Json::Number(b)) if a.to_f64().to_bits() == b.to_f64().to_bits() => {}
        _ if want == got => {}
        _ => rows.push(format!(
            "{path}: got {}, want {}",
            got.to_text(),
            want.to_text()
        )),
    }
}

#[test]
fn a_difference_is_found() {
    let json = |text: &str| Json::parse(text.as_bytes()).unwrap();
    let want = json(r#"{"a":{"n":1,"t":"<millis>"},"id":"{p}-x","message":"<message>"}"#);
    let same = json(r#"{"id":"cfdeadbeef-x","a":{"t":1800000000000,"n":1},"message":"anything"}"#);
    assert!(differences(&want, &same, &[]).is_empty());
    let other = json(r#"{"id":"cfdeadbeef-x","a":{"t":1,"n":2},"more":null}"#);
    assert_eq!(differences(&want, &other, &[]).len(), 4);
    let want = json(r#"{"/a/-1":2,"/none":null}"#);
    assert!(differences(&want, &json(r#"{"a":[1,2]}"#), &[]).is_empty());
    assert_eq!(
        differences(&want, &json(r#"{"a":[2,1],"none":0}"#), &[]).len(),
        2
    );
}
