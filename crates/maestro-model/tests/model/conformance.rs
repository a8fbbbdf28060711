//! The recorded answers of the reference, as far as this crate can give them: which requests are refused, and how a
//! definition comes back. `requests.py` writes the request bodies from the scenarios.

use maestro_model::codec;
use maestro_model::definition::{
    PropertiesSnapshot, PropertiesUpdate, StepType, Tag, User, WorkflowCreateRequest,
};
use maestro_model::json::Json;
use maestro_model::run::StartRequest;
use maestro_model::validate::{self, Limits};
use maestro_model::yaml;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// What stands for the prefix of ids, which differs from recording to recording.
const PREFIX: &str = "conf.abc12";

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
        format!(
            "{} {}",
            self.scenario.rsplit('/').next().unwrap_or_default(),
            self.number
        )
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn calls() -> Vec<Call> {
    let lines = fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/model/requests.jsonl"),
    )
    .expect("requests");
    let mut golden: BTreeMap<String, Json> = BTreeMap::new();
    let call = |line: &str| {
        let line =
            Json::parse(expand(line).replace("{p}", PREFIX).as_bytes()).expect("a line of JSON");
        let field = |at: usize| &line.as_array().expect("an array")[at];
        let text = |at: usize| field(at).as_str().expect("a text").to_owned();
        let scenario = text(0);
        let answers = golden.entry(scenario.clone()).or_insert_with(|| {
            let file = root()
                .join("conformance/golden")
                .join(format!("{scenario}.json"));
            let text = fs::read_to_string(file)
                .expect("a recording")
                .replace("{p}", PREFIX);
            Json::parse(text.as_bytes()).expect("JSON")
        });
        let number = usize::try_from(field(1).as_i64().expect("a number")).expect("small");
        let recorded = answers.as_array().expect("an array")[number].clone();
        let body = field(3)
            .as_str()
            .map_or_else(|| field(3).to_text(), str::to_owned);
        Call {
            line: text(2),
            number,
            body: body.into_bytes(),
            yaml: field(4).as_str() == Some("application/yaml"),
            status: recorded
                .pointer("/status")
                .and_then(Json::as_i64)
                .expect("a status"),
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
        (Json::Number(a), Json::Number(b)) => a
            .to_decimal()
            .zip(b.to_decimal())
            .is_some_and(|(a, b)| a.same_number(&b)),
        (Json::Array(a), Json::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Json::Object(a), Json::Object(b)) => {
            a.len() == b.len()
                && a.iter()
                    .all(|(name, value)| b.get(name).is_some_and(|other| same(value, other)))
        }
        _ => a == b,
    }
}

fn is_definition(call: &Call) -> bool {
    let line = call.line.trim_end_matches("/yaml");
    line == "POST /api/v3/workflows" || line == "PUT /api/v3/workflows/actions/validate"
}

/// The job templates that the scenarios push.
fn template(ty: &str, version: &str) -> Option<StepType> {
    match (ty.strip_prefix(PREFIX)?, version) {
        ("_tpl", "default") => Some(StepType::Notebook),
        ("_ver", "v2") => Some(StepType::Kubernetes),
        _ => None,
    }
}

/// Reads a request; the flag of a fault says whether it is one of reading.
fn read(call: &Call) -> Result<WorkflowCreateRequest, (String, bool)> {
    if call.yaml {
        return yaml::workflow(&call.body, &template).map_err(|fault| (fault.to_string(), true));
    }
    codec::read::<WorkflowCreateRequest>(&call.body)
        .map_err(|fault| (fault.to_string(), !fault.is_violation))
}

/// A time at which the recordings could have been made, in epoch milliseconds.
const NOW: i64 = 1_760_000_000_000;

/// What this crate says to a push or a validation: `None`, or the fault and whether it is one of reading.
fn refusal(call: &Call, first: bool) -> Option<(String, bool)> {
    let request = match read(call) {
        Ok(request) => request,
        Err(fault) => return Some(fault),
    };
    if let Err(invalid) = validate::request(&request, &Limits::default(), NOW) {
        return Some((invalid.to_string(), false));
    }
    let push = call.line.starts_with("POST");
    push.then(|| validate::push_fault(&request, first))
        .flatten()
        .map(|fault| (fault.to_string(), false))
}

#[test]
fn requests_are_refused_exactly_where_the_reference_refuses_them() {
    let mut wrong = Vec::new();
    let mut accepted = Vec::new();
    let mut pushed: Vec<(String, String)> = Vec::new();
    for call in calls().iter().filter(|call| is_definition(call)) {
        let id = read(call)
            .map(|r| r.workflow.id.to_string())
            .unwrap_or_default();
        let key = (call.scenario.clone(), id);
        let refused = refusal(call, !pushed.contains(&key));
        match (call.status, refused) {
            (200, Some((fault, _))) => wrong.push(format!("{}: refused: {fault}", call.name())),
            (200, None) => pushed.push(key),
            (_, None) => accepted.push(call.name()),
            (_, Some((fault, reading))) => {
                // The recordings that look at `errors` show where a fault is one of reading (spec 01 JS-11).
                let recorded = call
                    .recorded
                    .pointer("/body")
                    .and_then(Json::as_object)
                    .and_then(|body| body.get("/errors"));
                if recorded == Some(&Json::Null)
                    && !reading
                    && !fault.contains("bytes as compact JSON")
                {
                    wrong.push(format!("{}: found too late: {fault}", call.name()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    accepted.retain(|name| !ELSEWHERE.iter().any(|known| name.starts_with(known)));
    assert!(
        accepted.is_empty(),
        "accepted here, refused by the reference: {accepted:?}"
    );
}

/// What the reference refuses for reasons that this crate does not know: state, or merging and evaluating in the dry run.
const ELSEWHERE: &[&str] = &[
    "definitions-strategy-guard-queued 4",
    "definitions-timeout-interpolation 6",
    "definitions-subworkflow-target 0",
    "definitions-subworkflow-target 1",
    "definitions-dry-run-",
    "definitions-job-template-in-push ",
    "definitions-yaml-param-keys 0",
    "definitions-yaml-job-template 3",
    "params-def-value-or-expression 3",
    "params-def-value-or-expression 5",
    "params-attr-timeout ",
    "params-conv-arrays 4",
    "params-mode-over-default ",
    "params-mode-step-defaults ",
    "params-internal-modes ",
    "params-source-field 9",
    "params-ref-errors-push ",
    "params-fn-",
    "params-dry-run-dates ",
    "params-validate-answer ",
    "params-sel-",
];

#[test]
fn definitions_come_back_as_recorded() {
    let mut compared = 0;
    let mut wrong = Vec::new();
    for call in calls()
        .iter()
        .filter(|call| is_definition(call) && call.status == 200)
    {
        let request = read(call).expect("see the other test");
        let ours = Json::parse(codec::to_text(&request.workflow).as_bytes()).expect("our own JSON");
        let body = call.recorded.pointer("/body").and_then(Json::as_object);
        for (pointer, recorded) in body.into_iter().flat_map(maestro_model::json::Object::iter) {
            let Some(rest) = pointer
                .strip_prefix("/workflow_definition/workflow")
                .or(pointer.strip_prefix("workflow_definition"))
            else {
                continue;
            };
            let (ours, recorded) = if pointer.starts_with('/') {
                (
                    if rest.is_empty() {
                        Some(&ours)
                    } else {
                        ours.pointer(rest)
                    },
                    Some(recorded),
                )
            } else {
                (Some(&ours), recorded.pointer("/workflow"))
            };
            let (ours, recorded) = (ours.unwrap_or(&Json::Null), recorded.unwrap_or(&Json::Null));
            compared += 1;
            if !same(ours, recorded) {
                wrong.push(format!(
                    "{} {pointer}\n  ours     {}\n  recorded {}",
                    call.name(),
                    ours.to_text(),
                    recorded.to_text()
                ));
            }
        }
        let text = codec::to_text(&request);
        let again = codec::read::<WorkflowCreateRequest>(text.as_bytes())
            .map(|again| codec::to_text(&again));
        assert_eq!(
            again,
            Ok(text),
            "{} does not survive a round trip",
            call.name()
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(compared >= 39, "only {compared} definitions were compared");
}

#[test]
fn start_requests_are_refused_where_the_reference_refuses_their_form() {
    let mut wrong = Vec::new();
    let mut refused = 0;
    for call in calls()
        .iter()
        .filter(|call| call.line.ends_with("/actions/start"))
    {
        let fault = match codec::read::<StartRequest>(&call.body) {
            Err(fault) => Some(fault.to_string()),
            Ok(request) => {
                let text = codec::to_text(&request);
                let again = codec::read::<StartRequest>(text.as_bytes());
                assert_eq!(
                    again.as_ref(),
                    Ok(&request),
                    "{} does not survive a round trip",
                    call.name()
                );
                validate::start(&request, &Limits::default())
                    .err()
                    .map(|invalid| invalid.to_string())
            }
        };
        refused += usize::from(fault.is_some());
        if let Some(fault) = fault.filter(|_| call.status != 400) {
            wrong.push(format!("{}: {fault}", call.name()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(refused > 5, "only {refused} were refused");
}

#[test]
fn properties_follow_pushes_and_changes_as_recorded() {
    let mut current: BTreeMap<String, PropertiesSnapshot> = BTreeMap::new();
    let mut compared = 0;
    let mut now = 0;
    for call in calls().iter().filter(|call| call.status == 200) {
        now += 1;
        let user = User::from("caller");
        let (id, next, within) = if call.line.trim_end_matches("/yaml") == "POST /api/v3/workflows"
        {
            let request = read(call).expect("see the other test");
            let key = format!("{} {}", call.scenario, request.workflow.id);
            let pushed = request.properties.as_ref();
            let next = PropertiesSnapshot::after_push(
                current.get(&key),
                &request.workflow.id,
                pushed,
                &user,
                now,
            );
            (key, next, "/workflow_definition/properties_snapshot")
        } else {
            let path = call.line.trim_start_matches("POST /api/v3/workflows/");
            let Some((id, endpoint)) = path.split_once('/') else {
                continue;
            };
            let key = format!("{} {id}", call.scenario);
            let Some(snapshot) = current.get(&key) else {
                continue;
            };
            let properties = match endpoint {
                "properties" => {
                    let update = codec::read::<PropertiesUpdate>(&call.body)
                        .expect("accepted by the reference");
                    validate::properties_update(&update, &Limits::default())
                        .expect("accepted by the reference");
                    snapshot.properties.after_update(&update)
                }
                "properties/tag" => {
                    let tag = codec::read::<Tag>(&call.body).expect("accepted by the reference");
                    snapshot.properties.with_tag(&tag, &"caller".into(), now)
                }
                _ => continue,
            };
            (
                key.clone(),
                Some(snapshot.changed(properties, &user, now)),
                "",
            )
        };
        let Some(next) = next else { continue };
        let ours = Json::parse(codec::to_text(&next).as_bytes()).expect("our own JSON");
        let body = call.recorded.pointer("/body").and_then(Json::as_object);
        for (pointer, recorded) in body.into_iter().flat_map(maestro_model::json::Object::iter) {
            let Some(field) = pointer
                .strip_prefix(within)
                .filter(|field| field.starts_with('/'))
            else {
                continue;
            };
            // Callers, times and deletions differ from recording to recording.
            if recorded.to_text().contains("creator")
                || field == "/author"
                || call.name().contains("delete")
            {
                continue;
            }
            compared += 1;
            let ours = ours.pointer(field).unwrap_or(&Json::Null);
            assert!(
                same(ours, recorded),
                "{} {pointer}: {} {}",
                call.name(),
                ours.to_text(),
                recorded.to_text()
            );
        }
        current.insert(id, next);
    }
    assert!(compared > 25, "only {compared} values were compared");
}
