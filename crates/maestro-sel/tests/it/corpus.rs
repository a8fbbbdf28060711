//! Every program of `conformance/sel` gives its recorded answer.

use std::{collections::BTreeMap, fs, path::PathBuf};

use maestro_sel::{FixedEnvironment, Limits, jsonl::eval_jsonl};
use serde_json::Value;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../conformance/sel")
}

/// Equality as `conformance/sel/check` has it: a LONG is not a DOUBLE's neighbour, and a zero keeps its sign.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => match (a.as_i64(), b.as_i64()) {
            (Some(a), Some(b)) => a == b,
            _ => {
                let (a, b) = (
                    a.as_f64().unwrap_or(f64::NAN),
                    b.as_f64().unwrap_or(f64::NAN),
                );
                a.to_bits() == b.to_bits()
            }
        },
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter()
                    .all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        (a, b) => a == b,
    }
}

fn matches(want: &Value, have: &Value) -> bool {
    match want["error"].as_str() {
        Some(kinds) => {
            let kind = have["error"].as_str().unwrap_or("");
            kinds.split('|').any(|wanted| wanted == kind)
                && ["message", "of"]
                    .iter()
                    .all(|key| want[*key].is_null() || want[*key] == have[*key])
        }
        None => {
            have.get("error").is_none()
                && want["type"] == have["type"]
                && same(&want["value"], &have["value"])
        }
    }
}

// Covers the whole collection, whose ids stand for the rules of sections 2 to 11.
#[test]
fn every_recorded_program_gives_its_answer() {
    let corpus = fs::read(folder().join("corpus.jsonl")).unwrap();
    let golden = fs::read_to_string(folder().join("golden.jsonl")).unwrap();
    let mut out = Vec::new();
    // The time of the recordings does not show in them; it only has to lie between the deadlines that they use.
    eval_jsonl(
        &corpus[..],
        &mut out,
        &Limits::default(),
        &mut FixedEnvironment::at(1_750_000_000_000),
    )
    .unwrap();
    let text = String::from_utf8(out).unwrap();
    let answers: BTreeMap<String, Value> = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|answer| (answer["id"].as_str().unwrap().to_owned(), answer))
        .collect();
    let programs: BTreeMap<String, String> = corpus
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice::<Value>(line).unwrap())
        .map(|line| (line["id"].as_str().unwrap().to_owned(), line.to_string()))
        .collect();
    let mut wrong = Vec::new();
    let mut count = 0;
    for line in golden.lines() {
        let want: Value = serde_json::from_str(line).unwrap();
        let id = want["id"].as_str().unwrap();
        count += 1;
        if !answers.get(id).is_some_and(|have| matches(&want, have)) {
            let have = answers.get(id).map(ToString::to_string).unwrap_or_default();
            wrong.push(format!("{}\n   want {want}\n   have {have}", programs[id]));
        }
    }
    assert!(count >= 1664);
    assert!(
        wrong.is_empty(),
        "{} of {count} wrong\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
