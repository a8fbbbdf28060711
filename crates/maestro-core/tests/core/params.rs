//! Params in a run: when they are evaluated, what a failure does, outputs.

use maestro_core::Settings;
use maestro_core::message::{News, Outcome};
use maestro_model::param::EvaluatedValue;

use crate::world::{World, graph};

const OWNER: &str = r#"{"owner":"ana"}"#;

fn shell(params: &str) -> String {
    format!(r#""type":"Shell","params":{{"shell":{{"type":"MAP","value":{{}}}},{params}}}"#)
}

fn output(w: &mut World, step: &str, name: &str, value: EvaluatedValue) {
    w.report(1, step, News::Started);
    let outputs = World::outputs(name, value);
    w.report(1, step, News::Ended(Outcome::Done { outputs }));
}

/// One step with a declared param, and what becomes of it with an output of this name and value.
fn with_output(declared: &str, name: &str, value: &EvaluatedValue) -> (String, World) {
    let w = World::play(
        &graph("a>b:o.equals(o)", &[("a", &shell(declared))]),
        OWNER,
        |w| {
            w.start();
            output(w, "a", name, value.clone());
        },
    );
    (w.summary(), w)
}

#[test]
fn outputs_change_what_is_declared_and_mutable() {
    // [02:54]
    let text = r#""o":{"type":"STRING","value":"x"}"#;
    let (summary, w) = with_output(text, "o", &EvaluatedValue::Long(5));
    assert_eq!(summary, "1: SUCCEEDED a=SUCCEEDED b=SUCCEEDED");
    assert!(
        w.params("a", 1)
            .contains(r#""o":{"STRING":"5","output":true}"#),
        "{}",
        w.params("a", 1)
    );
    for (declared, name, value, fault) in [
        (text, "p", EvaluatedValue::Long(5), "`p` is not defined"),
        (
            r#""o":{"type":"STRING","value":"x","mode":"MUTABLE_ON_START"}"#,
            "o",
            EvaluatedValue::String("y".into()),
            "MUTABLE_ON_START",
        ),
        (
            r#""o":{"type":"LONG","value":1}"#,
            "o",
            EvaluatedValue::String("x".into()),
            "declares a LONG",
        ),
    ] {
        let (summary, w) = with_output(declared, name, &value);
        assert_eq!(summary, "1: FAILED a=INTERNALLY_FAILED");
        let said = w.timeline("a", 1);
        assert!(
            said.iter().any(|line| line.contains(fault)),
            "{fault}: {said:?}"
        );
    }
}

#[test]
fn an_output_map_is_merged_entry_by_entry() {
    // [02:56]
    let declared = r#""o":{"type":"MAP","value":{"a":{"type":"LONG","value":1},"b":{"type":"LONG","value":3}}}"#;
    let map = EvaluatedValue::Map(std::sync::Arc::new(World::outputs(
        "a",
        EvaluatedValue::Long(2),
    )));
    let w = World::play(&graph("a", &[("a", &shell(declared))]), OWNER, |w| {
        w.start();
        output(w, "a", "o", map.clone());
    });
    assert_eq!(w.summary(), "1: SUCCEEDED a=SUCCEEDED");
    assert!(
        w.params("a", 1)
            .contains(r#"{"a":{"LONG":2},"b":{"LONG":3}}"#),
        "{}",
        w.params("a", 1)
    );
}

#[test]
fn later_steps_see_outputs_and_conditions_decide_by_them() {
    let count = r#""rows":{"type":"LONG","value":0},"limit":{"type":"LONG","expression":"step_attempt_id * 10"}"#;
    let next = r#""type":"NoOp","params":{"half":{"type":"LONG","expression":"a__rows / 2"},"say":{"type":"STRING","value":"${a__rows} of ${a__limit}, ${a__step_id}"}}"#;
    let workflow = graph(
        "a>b:rows>limit a>c:rows<=limit b>d:half==21",
        &[("a", &shell(count)), ("b", next), ("c", next)],
    );
    let w = World::play(&workflow, OWNER, |w| {
        w.start();
        output(w, "a", "rows", EvaluatedValue::Long(42));
    });
    assert_eq!(
        w.summary(),
        "1: SUCCEEDED a=SUCCEEDED b=SUCCEEDED c=UNSATISFIED d=SUCCEEDED"
    );
    assert_eq!(
        w.params("b", 1),
        r#"{"half":{"LONG":21},"say":{"STRING":"42 of 10, a"}}"#
    );
}

#[test]
fn params_that_fail_end_the_step_without_a_retry() {
    // [02:72]
    let bad = r#""type":"NoOp","params":{"fine":{"type":"LONG","expression":"1"},"x":{"type":"LONG","expression":"1 / 0"}}"#;
    let w = World::play(&graph("a>b", &[("a", bad)]), OWNER, |w| {
        w.start();
    });
    assert_eq!(w.summary(), "1: FAILED a=INTERNALLY_FAILED");
    assert!(
        w.timeline("a", 1).iter().any(|line| line.contains('^')),
        "it shows the place: {:?}",
        w.timeline("a", 1)
    );
    assert_eq!(w.params("a", 1), "", "nothing of what was built is stored");
    assert!(
        w.timeline("a", 1)
            .iter()
            .any(|l| l.contains("param `x`") && l.contains("1 / 0")),
        "{:?}",
        w.timeline("a", 1)
    );
}

#[test]
fn slow_params_and_conditions_are_evaluated_elsewhere() {
    let slow = "s = 0; for (i = 0; i < 20000; i += 1) { s += 1; } s";
    let step = format!(r#""type":"NoOp","params":{{"n":{{"type":"LONG","expression":"{slow}"}}}}"#);
    let workflow = graph("a>b:yes a>c:no", &[("a", &step), ("b", &step)])
        .replace(r#""yes""#, &format!(r#""{slow} == n""#))
        .replace(r#""no""#, &format!(r#""{slow} != n""#));
    for fuel in [0, 1, 1000] {
        let settings = Settings {
            evaluation_fuel: fuel,
            ..Settings::default()
        };
        let w = World::play_with(&workflow, OWNER, settings, |w| {
            w.start();
        });
        assert_eq!(
            w.summary(),
            "1: SUCCEEDED a=SUCCEEDED b=SUCCEEDED c=UNSATISFIED",
            "{fuel}"
        );
        assert_eq!(w.params("b", 1), r#"{"n":{"LONG":20000}}"#);
    }
}

#[test]
fn time_outs_and_retries_may_have_params_of_the_workflow() {
    let workflow = graph(
        "a",
        &[(
            "a",
            r#""type":"Shell","params":{"shell":{"type":"MAP","value":{}}},"timeout":"${secs}","retry_policy":{"error_retry_limit":"$tries","backoff":{"type":"FIXED_BACKOFF","error_retry_backoff_in_secs":"${secs}"}}"#,
        )],
    )
    .replacen(
        r#""steps""#,
        r#""params":{"secs":{"type":"STRING","expression":"'' + 6 * 10"},"tries":{"type":"LONG","value":1}},"steps""#,
        1,
    );
    let w = World::play(&workflow, OWNER, |w| {
        w.start();
        w.user_error(1, "a");
        let wait = w.deadline().unwrap() - w.now;
        assert_eq!(wait, 60_000, "the back-off");
        w.pass(wait);
        w.user_error(1, "a");
    });
    assert_eq!(w.summary(), "1: FAILED a=USER_FAILED,FATALLY_FAILED");
    assert_eq!(w.step("a", 2).timeout, Some(60_000));
    let unknown = workflow.replace("${secs}\",\"retry", "${nobody}\",\"retry");
    let w = World::play(&unknown, OWNER, |w| {
        w.start();
    });
    assert_eq!(w.summary(), "1: FAILED a=INTERNALLY_FAILED");
}
