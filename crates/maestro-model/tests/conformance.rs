//! The recorded answers of the reference, as far as this crate can give them: which requests are refused, and how a
//! definition comes back. `requests.py` writes the request bodies from the scenarios.

use maestro_model::codec;
use maestro_model::definition::{PropertiesUpdate, Tag, WorkflowCreateRequest};
use maestro_model::json::Json;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// What stands for the prefix of ids, which differs from recording to recording.
const PREFIX: &str = "wf.p";

struct Call {
    scenario: String,
    number: usize,
    line: String,
    body: Vec<u8>,
    yaml: bool,
    status: i64,
    recorded: Json,
}

impl Call {
    fn name(&self) -> String {
        format!("{} {}", self.scenario.rsplit('/').next().unwrap_or_default(), self.number)
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn calls() -> Vec<Call> {
    let lines = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/requests.jsonl")).expect("requests");
    let mut golden: BTreeMap<String, Json> = BTreeMap::new();
    let call = |line: &str| {
        let line = Json::parse(expand(line).replace("{p}", PREFIX).as_bytes()).expect("a line of JSON");
        let field = |at: usize| &line.as_array().expect("an array")[at];
        let text = |at: usize| field(at).as_str().expect("a text").to_owned();
        let scenario = text(0);
        let answers = golden.entry(scenario.clone()).or_insert_with(|| {
            let file = root().join("conformance/golden").join(format!("{scenario}.json"));
            let text = fs::read_to_string(file).expect("a recording").replace("{p}", PREFIX);
            Json::parse(text.as_bytes()).expect("JSON")
        });
        let number = usize::try_from(field(1).as_i64().expect("a number")).expect("small");
        let recorded = answers.as_array().expect("an array")[number].clone();
        let body = field(3).as_str().map_or_else(|| field(3).to_text(), str::to_owned);
        Call {
            line: text(2),
            number,
            body: body.into_bytes(),
            yaml: field(4).as_str() == Some("application/yaml"),
            status: recorded.pointer("/status").and_then(Json::as_i64).expect("a status"),
            recorded,
            scenario,
        }
    };
    lines.lines().map(call).collect()
}

/// Writes out the runs of one character that `requests.py` has shortened.
fn expand(line: &str) -> String {
    let mut parts = line.split('⟦');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (run, rest) = part.split_once('⟧').expect("a closed run");
        let (character, count) = run.rsplit_once('*').expect("a run");
        out.push_str(&character.repeat(count.parse().expect("a count")));
        out.push_str(rest);
    }
    out
}

/// Equal but for the order of members and the spelling of numbers.
fn same(a: &Json, b: &Json) -> bool {
    match (a, b) {
        (Json::Number(a), Json::Number(b)) => {
            a.to_decimal().zip(b.to_decimal()).is_some_and(|(a, b)| a.same_number(&b))
        }
        (Json::Array(a), Json::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Json::Object(a), Json::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(name, value)| b.get(name).is_some_and(|other| same(value, other)))
        }
        _ => a == b,
    }
}

fn is_definition(call: &Call) -> bool {
    !call.yaml && (call.line == "POST /api/v3/workflows" || call.line == "PUT /api/v3/workflows/actions/validate")
}

#[test]
fn parse_failures_are_those_of_the_reference() {
    let mut wrong = Vec::new();
    for call in calls().iter().filter(|call| is_definition(call)) {
        let read = codec::read::<WorkflowCreateRequest>(&call.body);
        if let (200, Err(fault)) = (call.status, &read) {
            wrong.push(format!("{}: {fault}", call.name()));
        }
    }
    assert!(wrong.is_empty(), "refused, though the reference accepts them:\n{}", wrong.join("\n"));
}

#[test]
fn definitions_come_back_as_recorded() {
    let mut compared = 0;
    let mut wrong = Vec::new();
    for call in calls().iter().filter(|call| is_definition(call) && call.status == 200) {
        let request = codec::read::<WorkflowCreateRequest>(&call.body).expect("see the other test");
        let ours = Json::parse(codec::to_text(&request.workflow).as_bytes()).expect("our own JSON");
        let body = call.recorded.pointer("/body").and_then(Json::as_object);
        for (pointer, recorded) in body.into_iter().flat_map(|body| body.iter()) {
            let Some(rest) = pointer.strip_prefix("/workflow_definition/workflow").or(pointer.strip_prefix("workflow_definition")) else {
                continue;
            };
            let (ours, recorded) = if pointer.starts_with('/') {
                (if rest.is_empty() { Some(&ours) } else { ours.pointer(rest) }, Some(recorded))
            } else {
                (Some(&ours), recorded.pointer("/workflow"))
            };
            let (ours, recorded) = (ours.unwrap_or(&Json::Null), recorded.unwrap_or(&Json::Null));
            compared += 1;
            if !same(ours, recorded) {
                wrong.push(format!("{} {pointer}\n  ours     {}\n  recorded {}", call.name(), ours.to_text(), recorded.to_text()));
            }
        }
        let text = codec::to_text(&request);
        let again = codec::read::<WorkflowCreateRequest>(text.as_bytes()).map(|again| codec::to_text(&again));
        assert_eq!(again, Ok(text), "{} does not survive a round trip", call.name());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(compared > 100, "only {compared} definitions were compared");
}
