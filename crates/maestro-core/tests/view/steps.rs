//! Step attempts.

use maestro_core::message::{News, Outcome};
use maestro_core::view::StepActionMap;
use maestro_model::codec::to_text;
use maestro_model::param::EvaluatedValue;
use maestro_model::state::{Conditions, Stamp, StepStatus, Timeline};

use crate::golden::Golden;
use crate::stage::*;
use crate::world::World;

#[test]
fn a_step_that_does_nothing_shows_everything() {
    let mut golden = Golden::load("steps/steps-noop-full");
    let mut w = world(
        r#"{"id":"{p}-noop","steps":[{"step":{"id":"only","type":"NoOp"}}]}"#,
        TESTER,
    );
    plain(&mut w);
    let answer = step(&w, 1, "only", 0, false);
    golden.check("steps/only/attempts/latest", &answer);
    assert_eq!(
        text_at(&answer, "/step_uuid"),
        text_at(&answer, "/params/step_instance_uuid/evaluated_result")
    );
    let json = at(&answer, "").unwrap();
    let names: Vec<&str> = json
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, _)| name)
        .collect();
    assert_eq!(
        names.join(" "),
        "workflow_id workflow_instance_id workflow_run_id step_id step_attempt_id workflow_uuid step_uuid \
         correlation_id step_instance_id workflow_version_id group_info owner definition tags params transition \
         step_retry runtime_state signal_outputs artifacts timeline"
    );
}

#[test]
fn an_unreached_step_has_one_param_and_no_outputs() {
    // [04:74]
    let mut golden = Golden::load("steps/steps-unsatisfied-full");
    let workflow = r#"{"id":"{p}-unsat","steps":[
        {"step":{"id":"a","type":"NoOp","transition":{"successors":{"b":"false"}}}},
        {"step":{"id":"b","type":"NoOp"}}]}"#;
    let mut w = world(workflow, TESTER);
    plain(&mut w);
    golden.check("steps/b/attempts/latest", &step(&w, 1, "b", 0, false));
    golden.check("steps/a/attempts/latest", &step(&w, 1, "a", 0, false));
}

#[test]
fn a_step_that_waits_for_a_signal_shows_its_frame() {
    // [06:69] [06:64]: the row is made by hand, since the engine knows no signals yet.
    let workflow = r#"{"id":"{p}-sig","steps":[{"step":{"id":"s","type":"NoOp","timeout":9,
        "signal_dependencies":[{"name":"x"}]}}]}"#;
    let mut w = world(workflow, TESTER);
    plain(&mut w);
    let mut row = rows(&w, w.run(1)).remove(0);
    row.state.status = StepStatus::WaitingForSignals;
    row.state.timeline = Timeline::default();
    let answer = shown(&w, 1, &row, false);
    assert_eq!(text_at(&answer, "/artifacts"), "{}");
    assert_eq!(text_at(&answer, "/transition"), "{}");
    for path in ["/timeline", "/signal_outputs", "/timeout_in_millis"] {
        assert_eq!(at(&answer, path), None, "{path}");
    }
    let step = at(&answer, "/definition/step").unwrap();
    let step = step.as_object().unwrap();
    for (name, text) in [
        ("transition", "{}"),
        ("params", "{}"),
        ("failure_mode", r#""FAIL_AFTER_RUNNING""#),
    ] {
        assert_eq!(step.get(name).unwrap().to_text(), text, "{name}");
    }
}

#[test]
fn stored_events_come_before_statuses_of_the_same_millisecond() {
    // [06:65]
    let mut golden = Golden::load("steps/steps-enriched-timeline");
    let mut w = world(
        r#"{"id":"{p}-rich","steps":[{"step":{"id":"only","type":"NoOp"}}]}"#,
        TESTER,
    );
    plain(&mut w);
    let enriched = step(&w, 1, "only", 0, true);
    golden.check("steps/only", &enriched);
    golden.check("attempts/latest", &step(&w, 1, "only", 0, false));
    // Everything happened in one millisecond.
    let kinds: Vec<String> = (0..11)
        .map(|n| match at(&enriched, &format!("/timeline/{n}/status")) {
            Some(status) => status.as_str().unwrap().to_owned(),
            None => text_at(&enriched, &format!("/timeline/{n}/type")),
        })
        .collect();
    assert_eq!(
        kinds.join(" "),
        "\"LOG\" \"LOG\" CREATED INITIALIZED WAITING_FOR_SIGNALS EVALUATING_PARAMS WAITING_FOR_PERMITS STARTING \
         RUNNING FINISHING SUCCEEDED"
    );
    assert_eq!(at(&enriched, "/timeline/11"), None);
}

#[test]
fn policies_show_all_their_numbers() {
    let mut golden = Golden::load("steps/steps-retry-policy-exponential");
    let workflow = r#"{"id":"{p}-expo","steps":[{"step":{"id":"only","type":"NoOp","retry_policy":{
        "platform_retry_limit":"3","timeout_retry_limit":2,"backoff":{"type":"exponential_backoff",
        "platform_retry_backoff_in_secs":"5min","platform_retry_exponent":3,"error_retry_limit_in_secs":900}}}}]}"#;
    let mut w = world(workflow, TESTER);
    plain(&mut w);
    golden.check("steps/only/attempts/latest", &step(&w, 1, "only", 0, false));
}

#[test]
fn timeouts_are_shown_in_milliseconds() {
    let mut golden = Golden::load("steps/steps-timeout-text");
    let workflow = r#"{"id":"{p}-tmo","steps":[
        {"step":{"id":"num","type":"NoOp","timeout":45,"transition":{"successors":{"text":"true"}}}},
        {"step":{"id":"text","type":"NoOp","timeout":"1h 5 min"}}]}"#;
    let mut w = world(workflow, TESTER);
    plain(&mut w);
    golden.check("steps/num/attempts/latest", &step(&w, 1, "num", 0, false));
    golden.check("steps/text/attempts/latest", &step(&w, 1, "text", 0, false));
}

#[test]
fn tags_of_the_definition_are_those_of_the_attempt() {
    let mut golden = Golden::load("steps/steps-tags");
    let workflow = r#"{"id":"{p}-tags","steps":[{"step":{"id":"only","type":"NoOp",
        "tags":["{p}-gold",{"name":"{p}-tier","level":2,"namespace":"platform"}]}}]}"#;
    let mut w = world(workflow, TESTER);
    plain(&mut w);
    golden.check("steps/only/attempts/latest", &step(&w, 1, "only", 0, false));
}

#[test]
fn params_look_as_after_a_merge() {
    let mut golden = Golden::load("steps/steps-params-shape");
    let workflow = r#"{"id":"{p}-shape","steps":[{"step":{"id":"only","type":"NoOp","params":{
        "flags":{"type":"BOOLEAN_ARRAY","value":[true,false]},"ratio":{"type":"DOUBLE","value":1.5},
        "nest":{"type":"MAP","team":"lost","value":{"a":{"type":"LONG","value":1}}}}}}]}"#;
    let mut w = world(workflow, TESTER);
    plain(&mut w);
    let answer = step(&w, 1, "only", 0, false);
    // The others are expressions.
    let except = ["count", "label", "nest", "opts"].map(|name| format!("/params/{name}"));
    golden.check_but(
        "steps/only/attempts/latest",
        &answer,
        &except.each_ref().map(String::as_str),
    );
    let entered = w.step("only", 1).times.get(Stamp::EvaluateParam).unwrap();
    assert_eq!(
        text_at(&answer, "/params/nest"),
        format!(
            "{{\"value\":{{\"a\":{{\"value\":1,\"type\":\"LONG\",\"tags\":[],\"mode\":\"MUTABLE\",\"source\":\"DEFINITION\"}}}},\
             \"type\":\"MAP\",\"tags\":[],\"mode\":\"MUTABLE\",\"evaluated_result\":{{\"a\":1}},\"evaluated_time\":{entered},\
             \"source\":\"DEFINITION\"}}"
        )
    );
}

#[test]
fn what_the_work_put_out_is_a_value() {
    // [06:60]
    let workflow = r#"{"id":"{p}-out","steps":[{"step":{"id":"job","type":"Shell","params":{
        "shell":{"type":"MAP","value":{}},"rows":{"type":"LONG","value":1,"tags":["t"]},
        "kept":{"type":"STRING","value":"k"}}}}]}"#;
    let mut w = world(workflow, TESTER);
    plain(&mut w);
    w.report(1, "job", News::Started);
    let outputs = World::outputs("rows", EvaluatedValue::Long(42));
    w.report(1, "job", News::Ended(Outcome::Done { outputs }));
    let answer = step(&w, 1, "job", 0, false);
    let rows = at(&answer, "/params/rows").unwrap();
    let rows = rows.as_object().unwrap();
    for (name, text) in [
        ("value", "42"),
        ("evaluated_result", "42"),
        ("source", r#""OUTPUT_PARAMETER""#),
        ("tags", r#"[{"name":"t"}]"#),
    ] {
        assert_eq!(rows.get(name).unwrap().to_text(), text, "{name}");
    }
    assert_eq!(text_at(&answer, "/params/kept/source"), r#""DEFINITION""#);
}

#[test]
fn conditions_show_their_results_up_to_the_failing_one() {
    // [06:71]
    let workflow = r#"{"id":"{p}-cond","steps":[
        {"step":{"id":"s","type":"NoOp","transition":{"successors":{"a":"true","b":"nobody","c":"true"}}}},
        {"step":{"id":"a","type":"NoOp"}},{"step":{"id":"b","type":"NoOp"}},{"step":{"id":"c","type":"NoOp"}}]}"#;
    let mut w = world(workflow, TESTER);
    plain(&mut w);
    let answer = step(&w, 1, "s", 0, false);
    assert_eq!(
        text_at(&answer, "/runtime_state/status"),
        r#""INTERNALLY_FAILED""#
    );
    assert_eq!(
        text_at(&answer, "/transition/successors/a/evaluated_result"),
        "true"
    );
    assert_eq!(
        text_at(&answer, "/transition/successors/b"),
        r#"{"expression":"nobody","type":"BOOLEAN"}"#
    );
    assert_eq!(
        text_at(&answer, "/transition/successors/c"),
        r#"{"expression":"true","type":"BOOLEAN"}"#
    );
    // It had succeeded before (spec 06 SM-29).
    assert_eq!(text_at(&answer, "/signal_outputs"), "{}");
    assert_eq!(text_at(&answer, "/step_retry/retryable"), "false");
}

#[test]
fn a_step_that_is_skipped_early_has_the_params_that_its_conditions_asked_for() {
    // The row is made by hand, since nothing skips steps yet; the names are all that conditions can be (spec 06 P-19).
    let workflow = r#"{"id":"{p}-skip","steps":[
        {"step":{"id":"s","type":"NoOp","params":{"go":{"type":"BOOLEAN","value":true},"no":{"type":"LONG","value":1}},
            "transition":{"successors":{"a":"go"}}}},{"step":{"id":"a","type":"NoOp"}}]}"#;
    let mut w = world(workflow, TESTER);
    plain(&mut w);
    let mut row = rows(&w, w.run(1)).remove(0);
    let mut times = maestro_model::state::StepTimes::default();
    for stamp in [
        Stamp::Create,
        Stamp::Initialize,
        Stamp::WaitSignal,
        Stamp::End,
        Stamp::Modify,
    ] {
        times.set(stamp, w.now);
    }
    row.state.times = times;
    row.state.status = StepStatus::Skipped;
    row.state.conditions = Some(Conditions::Each(vec![Some(true)]));
    row.params = Some(r#"{"go":{"BOOLEAN":true}}"#.into());
    let answer = shown(&w, 1, &row, false);
    let params = at(&answer, "/params").unwrap();
    let names: Vec<&str> = params
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, _)| name)
        .collect();
    assert_eq!(names, ["maestro_step_satisfied", "go"]);
    assert_eq!(at(&answer, "/signal_outputs"), None);
}

#[test]
fn a_row_of_another_version_is_refused() {
    let mut w = world(
        r#"{"id":"{p}-x","steps":[{"step":{"id":"only","type":"NoOp"}}]}"#,
        TESTER,
    );
    plain(&mut w);
    let mut row = rows(&w, w.run(1)).remove(0);
    row.step = 7;
    let properties = maestro_model::definition::Properties::default();
    let source = maestro_core::view::RunSource {
        plan: &w.plan,
        run: w.run(1),
        properties: &properties,
    };
    let fault = maestro_core::view::StepView::new(source, &row, false).unwrap_err();
    assert!(fault.to_string().contains("has no step 7"), "{fault}");
    row.step = 0;
    row.params = Some("{".into());
    let fault = maestro_core::view::StepView::new(source, &row, false).unwrap_err();
    assert!(fault.to_string().contains("params"), "{fault}");
}

#[test]
fn the_map_of_actions_is_the_table() {
    let mut golden = Golden::load("steps/steps-action-map");
    golden.check("action-map", &to_text(&StepActionMap));
}
