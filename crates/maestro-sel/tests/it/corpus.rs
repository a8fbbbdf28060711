//! Every program of `conformance/sel` gives its recorded answer.

use std::{collections::BTreeMap, fs, path::PathBuf};

use maestro_sel::{FixedEnvironment, Limits, Program, jsonl::eval_jsonl};
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
fn read(name: &str) -> Vec<Value> {
    let text = fs::read_to_string(folder().join(name)).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The programs whose answers are not the recorded ones.
fn wrong(corpus: &[Value]) -> Vec<String> {
    let text: String = corpus.iter().map(|line| format!("{line}\n")).collect();
    let mut out = Vec::new();
    // The time of the recordings does not show in them; it only has to lie between the deadlines that they use.
    eval_jsonl(
        text.as_bytes(),
        &mut out,
        &Limits::default(),
        &mut FixedEnvironment::at(1_750_000_000_000),
    )
    .unwrap();
    let by_id = |line: Value| (line["id"].as_str().unwrap().to_owned(), line);
    let text = String::from_utf8(out).unwrap();
    let answers: BTreeMap<String, Value> = text
        .lines()
        .map(|line| by_id(serde_json::from_str(line).unwrap()))
        .collect();
    let programs: BTreeMap<String, Value> = corpus.iter().cloned().map(by_id).collect();
    let golden = read("golden.jsonl");
    assert!(golden.len() >= 1664);
    let is_wrong = |want: &&Value| {
        let id = want["id"].as_str().unwrap();
        !answers.get(id).is_some_and(|have| matches(want, have))
    };
    golden
        .iter()
        .filter(is_wrong)
        .map(|want| {
            let id = want["id"].as_str().unwrap();
            let have = answers.get(id).map(ToString::to_string).unwrap_or_default();
            format!("{}\n   want {want}\n   have {have}\n", programs[id])
        })
        .collect()
}

// Covers the whole collection, whose ids stand for the rules of sections 2 to 11.
#[test]
fn every_recorded_program_gives_its_answer() {
    let wrong = wrong(&read("corpus.jsonl"));
    assert!(
        wrong.is_empty(),
        "{} wrong\n{}",
        wrong.len(),
        wrong.concat()
    );
}

/// A printed program is the same program: it has the same answer.
#[test]
fn every_printed_program_gives_the_recorded_answer() {
    let mut corpus = read("corpus.jsonl");
    let mut printed = 0;
    for line in &mut corpus {
        let text = line["expr"].as_str().unwrap();
        if let Ok(program) = Program::parse_within(text, &Limits::default()) {
            line["expr"] = program.to_string().into();
            printed += 1;
        }
    }
    assert!(printed > 1000, "{printed}");
    let wrong = wrong(&corpus);
    assert!(
        wrong.is_empty(),
        "{} wrong\n{}",
        wrong.len(),
        wrong.concat()
    );
}
