//! Runs that end badly.

use maestro_core::message::{News, Outcome};
use maestro_model::state::ActionKind;

use crate::golden::Golden;
use crate::stage::*;
use crate::world::SHELL;

const SLEEP: &str = r#""type":"Sleep","params":{"sleep_seconds":{"value":30,"type":"LONG"}}"#;

#[test]
fn a_killed_run_names_its_failed_leaf() {
    let mut golden = Golden::load("lifecycle/lifecycle-kill-running");
    let workflow = format!(
        r#"{{"id":"{{p}}-kr","steps":[
        {{"step":{{"id":"a",{SLEEP},"transition":{{"successors":{{"b":"true"}}}}}}}},
        {{"step":{{"id":"b","type":"NoOp","transition":{{}}}}}}]}}"#
    );
    let mut w = world(&workflow, OWNER);
    plain(&mut w);
    let answer = end(&mut w, 1, ActionKind::Kill).unwrap();
    golden.check("/actions/kill", &answer);
    assert_eq!(
        text_at(&answer, "/info"),
        r#""The action is accepted and is still running. Please check it again.""#
    );
    golden.check("/instances/1/runs/1", &aggregated(&w, 1));
    golden.check("/actions/kill", &end(&mut w, 1, ActionKind::Kill).unwrap());
    assert!(end(&mut w, 1, ActionKind::Stop).is_err());
}

#[test]
fn an_ignored_failure_counts_as_complete() {
    // [05:30]
    let mut golden = Golden::load("lifecycle/lifecycle-ignore-failure");
    let workflow = format!(
        r#"{{"id":"{{p}}-ign","steps":[
        {{"step":{{"id":"a",{SHELL},"failure_mode":"IGNORE_FAILURE","transition":{{"successors":{{"b":"true"}}}}}}}},
        {{"step":{{"id":"b","type":"NoOp","transition":{{}}}}}}]}}"#
    );
    let mut w = world(&workflow, OWNER);
    plain(&mut w);
    w.report(1, "a", News::Ended(Outcome::FatalError));
    golden.check("/instances/1/runs/1", &aggregated(&w, 1));
}

#[test]
fn a_failure_that_stops_the_others_is_told_apart() {
    // [05:29]
    let mut golden = Golden::load("lifecycle/lifecycle-fail-immediately");
    let workflow = format!(
        r#"{{"id":"{{p}}-fim","steps":[
        {{"step":{{"id":"a","type":"NoOp","transition":{{"successors":{{"b":"true"}}}}}}}},
        {{"step":{{"id":"b",{SHELL},"failure_mode":"FAIL_IMMEDIATELY","transition":{{}}}}}},
        {{"step":{{"id":"c",{SLEEP},"transition":{{"successors":{{"d":"true"}}}}}}}},
        {{"step":{{"id":"d","type":"NoOp","transition":{{}}}}}}]}}"#
    );
    let mut w = world(&workflow, OWNER);
    plain(&mut w);
    w.report(1, "b", News::Ended(Outcome::FatalError));
    golden.check("/instances/1/runs/1", &aggregated(&w, 1));
}

#[test]
fn a_run_that_took_too_long_says_its_limit() {
    // [05:34]
    let mut golden = Golden::load("lifecycle/lifecycle-workflow-timeout");
    let workflow = format!(
        r#"{{"id":"{{p}}-wto","timeout":5,"steps":[
        {{"step":{{"id":"a","type":"NoOp","transition":{{"successors":{{"b":"true"}}}}}}}},
        {{"step":{{"id":"b",{SLEEP},"transition":{{"successors":{{"c":"true"}}}}}}}},
        {{"step":{{"id":"c","type":"NoOp","transition":{{}}}}}}]}}"#
    );
    let mut w = world(&workflow, OWNER);
    plain(&mut w);
    w.pass(5_000);
    golden.check("/instances/1/runs/1", &aggregated(&w, 1));
}

#[test]
fn a_stopped_step_keeps_its_conditions_open() {
    let mut golden = Golden::load("steps/steps-stop-running");
    let workflow = format!(
        r#"{{"id":"{{p}}-stop","steps":[
        {{"step":{{"id":"busy",{SLEEP},"transition":{{"successors":{{"after":"true"}}}}}}}},
        {{"step":{{"id":"after","type":"NoOp"}}}}]}}"#
    );
    let mut w = world(&workflow, TESTER);
    plain(&mut w);
    end(&mut w, 1, ActionKind::Stop).unwrap();
    golden.check("steps/busy/attempts/latest", &step(&w, 1, "busy", 0, false));
    golden.check("/instances/1$", &aggregated(&w, 1));
}

#[test]
fn a_step_that_took_too_long_says_its_limit() {
    let mut golden = Golden::load("steps/steps-timed-out");
    let workflow = r#"{"id":"{p}-slow","steps":[
        {"step":{"id":"only","type":"Sleep","params":{"sleep_seconds":{"type":"LONG","value":4}},"timeout":2,
            "failure_mode":"IGNORE_FAILURE","transition":{"successors":{"after":"true"}}}},
        {"step":{"id":"after","type":"NoOp"}}]}"#;
    let mut w = world(workflow, TESTER);
    plain(&mut w);
    w.pass(3_000);
    golden.check("steps/only/attempts/latest", &step(&w, 1, "only", 0, false));
    golden.check("/instances/1$", &aggregated(&w, 1));
}

#[test]
fn an_attempt_that_is_ended_in_backoff_never_got_anywhere() {
    // [06:76]
    let mut golden = Golden::load("steps/steps-stop-in-backoff");
    let workflow = format!(
        r#"{{"id":"{{p}}-waiting","steps":[{{"step":{{"id":"call",{SHELL},"retry_policy":{{"error_retry_limit":5,
            "backoff":{{"type":"FIXED_BACKOFF","error_retry_backoff_in_secs":60}}}}}}}}]}}"#
    );
    let mut w = world(&workflow, TESTER);
    plain(&mut w);
    w.user_error(1, "call");
    // While the delay lasts, the failed attempt is the one that is seen (spec 06 AV-6).
    let overview = "/runtime_overview/step_overview/USER_FAILED/cnt";
    assert_eq!(text_at(&aggregated(&w, 1), overview), "1");
    end(&mut w, 1, ActionKind::Stop).unwrap();
    golden.check("attempts/1?", &step(&w, 1, "call", 1, false));
    let second = step(&w, 1, "call", 2, false);
    golden.check("attempts/2?", &second);
    assert_eq!(text_at(&second, "/params"), "{}");
    assert_eq!(at(&second, "/signal_outputs"), None);
}
