//! The conformance cases of spec 01 about whole workflows, steps and loops.

use crate::support::*;
use maestro_model::codec;
use maestro_model::definition::WorkflowCreateRequest;
use maestro_model::json::Json;
use maestro_model::validate;

// [01:1]
#[test]
fn smallest_request_comes_back_without_inventions() {
    let body = with_workflow("");
    assert_eq!(
        echo(&body, "/workflow"),
        r#"{"id":"wf-a","steps":[{"step":{"id":"s1","transition":{},"type":"NoOp"}}]}"#
    );
    assert_eq!(echo(&body, "/properties"), r#"{"owner":"qa"}"#);
}

// [01:4] [01:18] [01:19]
#[test]
fn a_push_needs_an_owner_first_and_has_reserved_keys() {
    let push = |body: &str, first: bool| {
        let request: WorkflowCreateRequest = codec::read(body.as_bytes()).expect("readable");
        validate::push_fault(&request, first).map(|fault| fault.to_string())
    };
    let none = format!(r#"{{"workflow":{{"id":"a","steps":[{}]}}}}"#, step(""));
    assert!(push(&none, true).is_some_and(|fault| fault.contains("owner")));
    assert!(push(&with_properties(""), true).is_some());
    assert_eq!(push(&none, false), None);
    assert_eq!(push(&with_properties(r#""owner":"a""#), true), None);
    assert!(push(&with_properties(r#""owner":"a","tags":["x"]"#), false).is_some());
    assert_eq!(
        push(&with_properties(r#""owner":"a","tags":[]"#), false),
        None
    );

    unreadable(&with_workflow(r#""foo":1"#));
    let extra = |key: &str| with_workflow("").replacen('{', &format!(r#"{{{key},"#), 1);
    assert_eq!(push(&extra(r#""build":"77""#), true), None);
    let request: WorkflowCreateRequest =
        codec::read(extra(r#""build":"77""#).as_bytes()).expect("readable");
    assert_eq!(
        request.extra_info.get("build").and_then(Json::as_str),
        Some("77")
    );
    accepts(&extra(r#""create_time":1"#));
    assert!(
        push(&extra(r#""create_time":1"#), true).is_some_and(|fault| fault.contains("create_time"))
    );
    accepts(&extra(r#""is_active":null"#));
    assert!(push(&extra(r#""is_active":null"#), true).is_some());
    assert!(push(&extra(r#""is_active":"""#), true).is_some());
}

// [01:13-15] [04:16]
#[test]
fn ids_and_names_are_checked_with_their_path() {
    let id = |id: &str| with_workflow("").replace("wf-a", id);
    accepts(&id("9lives__x"));
    violates(&id("Maestro_x"), "workflow.id");
    violates(&id("x_MAESTRO"), "workflow.id");
    violates(
        &with_step("").replace("\"s1\"", "\"a__b\""),
        "workflow.steps[0].id",
    );
    violates(
        &with_step("").replace("\"s1\"", "\"9lives\""),
        "workflow.steps[0].id",
    );
    accepts(&with_step("").replace("\"s1\"", "\"x_maestro\""));
    violates(
        &with_workflow(&format!(r#""name":"{}""#, "n".repeat(257))),
        "workflow.name",
    );
    accepts(&with_workflow(r#""name":"~!\u00fc""#));
    violates(&with_workflow(r#""tags":["~x"]"#), "workflow.tags[0].name");
    violates(&with_workflow(r#""tags":["   "]"#), "workflow.tags[0].name");
    violates(
        &with_workflow(&format!(r#""description":"{}""#, "d".repeat(16_385))),
        "workflow.description",
    );
    accepts(&with_workflow(&format!(
        r#""description":"{}""#,
        "d".repeat(16_384)
    )));
    // A character beyond the basic plane counts twice, as in Java.
    violates(
        &with_workflow(&format!(r#""name":"{}""#, "\u{1f600}".repeat(129))),
        "workflow.name",
    );
}

// [01:20,21]
#[test]
fn timeouts_come_back_as_written_and_have_limits() {
    for json in [
        "\"2h\"",
        "3600",
        "\"3600\"",
        "\"${x}\"",
        "\"10 minutes 5 seconds 1 day\"",
        "\"120 days\"",
        "10368000",
    ] {
        let body = request(
            &format!(r#""timeout":{json}"#),
            &step(&format!(r#""timeout":{json}"#)),
        );
        assert_eq!(echo(&body, "/workflow/timeout"), json);
    }
    assert_eq!(
        echo(&with_workflow(r#""timeout":12.9"#), "/workflow/timeout"),
        "12"
    );
    for json in [
        "0",
        "\"0\"",
        "\"5m\"",
        "\"abc\"",
        "10368001",
        "\"121 days\"",
        "\"\"",
        "-0.5",
    ] {
        violates(
            &with_workflow(&format!(r#""timeout":{json}"#)),
            "workflow.timeout",
        );
        violates(
            &with_step(&format!(r#""timeout":{json}"#)),
            "workflow.steps[0].timeout",
        );
    }
    for json in ["-5", "true", "[5]", "{}", "1e30"] {
        unreadable(&with_workflow(&format!(r#""timeout":{json}"#)));
    }
}

// [01:23-25]
#[test]
fn retry_policies_are_resolved_and_echoed() {
    let policy = |json: &str| with_step(&format!(r#""retry_policy":{json}"#));
    for json in [
        r#"{"error_retry_limit":99}"#,
        r#"{"error_retry_limit":"${r}"}"#,
        "{}",
        r#"{"backoff":{"error_retry_backoff_in_secs":"5mins","type":"FIXED_BACKOFF"}}"#,
    ] {
        assert_eq!(
            echo(&policy(json), "/workflow/steps/0/step/retry_policy"),
            json
        );
    }
    for json in [
        r#"{"error_retry_limit":100}"#,
        r#"{"error_retry_limit":"x"}"#,
        r#"{"backoff":{"type":"FIXED_BACKOFF","error_retry_backoff_in_secs":"3 day"}}"#,
        r#"{"backoff":{"type":"FIXED_BACKOFF","error_retry_backoff_in_secs":"500ms"}}"#,
    ] {
        violates(&policy(json), "workflow.steps[0].retryPolicy");
    }
    unreadable(&policy(r#"{"backoff":{}}"#));
    let lower = r#"{"backoff":{"type":"fixed_backoff"}}"#;
    assert_eq!(
        echo(
            &policy(lower),
            "/workflow/steps/0/step/retry_policy/backoff/type"
        ),
        "\"FIXED_BACKOFF\""
    );
}

// [01:28,29]
#[test]
fn the_graph_has_known_steps_no_cycle_and_the_given_predecessors() {
    let two = |a: &str, b: &str| {
        let step = |id: &str, transition: &str| {
            format!(r#"{{"step":{{"id":"{id}","type":"NoOp","transition":{transition}}}}}"#)
        };
        request("", &format!("{},{}", step("s1", a), step("s2", b)))
    };
    let to = |id: &str| format!(r#"{{"successors":{{"{id}":"true"}}}}"#);
    violates(&two(&to("s9"), "{}"), "workflow.steps");
    violates(&two(&to("s1"), "{}"), "workflow.steps");
    violates(&two(&to("s2"), &to("s1")), "workflow.steps");
    let cycle = refusal(&two(&to("s2"), &to("s1"))).expect("refused");
    assert_eq!(cycle.errors.len(), 1);
    assert!(cycle.errors[0].contains("[s1 -> s2 -> s1]"), "{cycle:?}");
    let near = refusal(&two(&to("s22"), "{}")).expect("refused");
    assert!(near.errors[0].contains("did you mean [s2]?"), "{near:?}");
    accepts(&two(&to("s2"), r#"{"predecessors":["s1"]}"#));
    violates(
        &two(&to("s2"), r#"{"predecessors":["s3"]}"#),
        "workflow.steps",
    );
    violates(&two("{}", r#"{"predecessors":["s1"]}"#), "workflow.steps");
    unreadable(&two(&to("s2"), r#"{"predecessors":["s1","s1"]}"#));
    for null in ["null", r#"{"successors":null}"#, r#"{"predecessors":null}"#] {
        unreadable(&two(null, "{}"));
    }
}

// [01:30,31]
#[test]
fn steps_are_counted_and_named_over_all_levels() {
    let many = |count: usize, prefix: &str| {
        let steps: Vec<String> = (0..count)
            .map(|n| format!(r#"{{"step":{{"id":"{prefix}{n}","type":"NoOp"}}}}"#))
            .collect();
        steps.join(",")
    };
    let workflow = |nested: usize, top: usize| {
        request(
            "",
            &format!(
                "{},{}",
                foreach("f", LOOP, &many(nested, "n")),
                many(top, "s")
            ),
        )
    };
    accepts(&workflow(19, 280));
    violates(&workflow(20, 280), "workflow.steps");
    let inner = format!(
        r#"{{"while":{{"id":"w","condition":"true",{LOOP},"steps":[{}]}}}}"#,
        step("")
    );
    violates(
        &request("", &format!("{},{inner}", step(""))),
        "workflow.steps",
    );
}

// [01:32-34]
#[test]
fn loops_need_a_literal_map_and_own_names() {
    let one = |fields: &str| request("", &foreach("f", fields, &step("")));
    let params = "workflow.steps[0].params";
    violates(&one(r#""name":"x""#), &format!("{params}.loop_params"));
    violates(&one(r#""params":{}"#), &format!("{params}.loop_params"));
    violates(
        &one(r#""params":{"loop_params":{"type":"MAP","expression":"1"}}"#),
        &format!("{params}.loop_params"),
    );
    violates(
        &one(r#""params":{"loop_params":{"type":"STRING_MAP","value":{}}}"#),
        &format!("{params}.loop_params"),
    );
    accepts(&one(LOOP));
    let named = r#""params":{"loop_params":{"type":"MAP","value":{"i":{"type":"LONG_ARRAY","value":[1]}}}}"#;
    let nested = foreach("f", named, &foreach("g", named, &step("")));
    violates(
        &request("", &nested),
        "workflow.steps[0].steps[0].params.loop_params.i",
    );
    accepts(&request(
        "",
        &format!(
            "{},{}",
            foreach("f", named, ""),
            foreach("g", named, &step(""))
        ),
    ));
    let concurrency = |n: i64| one(&format!(r#"{LOOP},"concurrency":{n}"#));
    violates(&concurrency(501), "workflow.steps[0].concurrency");
    accepts(&concurrency(500));
    accepts(&concurrency(-1));
    unreadable(&one(&format!(r#"{LOOP},"retry_policy":{{}}"#)));
    accepts(&one(&format!(r#"{LOOP},"type":"whatever""#)));
    unreadable(&one(&format!(r#"{LOOP},"Type":"foreach""#)));
}

// [01:36]
#[test]
fn wrappers_and_types_are_read_in_any_case() {
    let body = request("", r#"{"Step":{"id":"a","type":"sLeEp"}}"#);
    assert_eq!(
        echo(&body, "/workflow/steps/0"),
        r#"{"step":{"id":"a","transition":{},"type":"Sleep"}}"#
    );
    for step in [
        "{}",
        r#"{"job":{}}"#,
        r#"{"step":[]}"#,
        r#"{"step":{"id":"a","type":"NoOp"},"foreach":{}}"#,
        "null",
        "\"a\"",
    ] {
        unreadable(&request("", step));
    }
    let own = refusal(&request("", r#"{"step":{"id":"a","type":"foreach"}}"#)).expect("refused");
    assert!(
        own.message.contains(r#"`workflow.steps[0].step.type`"#)
            && own.message.contains(r#"{"foreach": "#),
        "{own:?}"
    );
    for ty in ["Titus", "JOIN"] {
        violates(
            &request("", &format!(r#"{{"step":{{"id":"a","type":"{ty}"}}}}"#)),
            "workflow.steps[0].type",
        );
    }
    violates(
        &request("", r#"{"template":{"id":"a"}}"#),
        "workflow.steps[0]",
    );
    violates(
        &request("", r#"{"step":{"id":"a"}}"#),
        "workflow.steps[0].type",
    );
}

// [01:58] [04:17]
#[test]
fn the_size_of_a_request_is_exact() {
    let sized = |bytes: usize| {
        let body = |blob: usize| {
            with_workflow(&format!(
                r#""params":{{"p":{{"value":"{}","type":"STRING"}}}}"#,
                "x".repeat(blob)
            ))
        };
        let empty: WorkflowCreateRequest = codec::read(body(0).as_bytes()).expect("readable");
        body(bytes - codec::to_text(&empty).len())
    };
    accepts(&sized(262_144));
    let refused = refusal(&sized(262_145)).expect("refused");
    assert!(
        refused.errors.is_empty()
            && refused.message.contains("262145")
            && refused.message.contains("262144"),
        "{refused:?}"
    );
}

// [01:80]
#[test]
fn graphs_inside_of_loops_are_not_looked_at() {
    let inner = r#"{"step":{"id":"x","type":"NoOp","transition":{"predecessors":["q"],"successors":{"gone":"true","x":"true"}}}}"#;
    accepts(&request("", &foreach("f", LOOP, inner)));
    accepts(&request(
        "",
        &foreach(
            "f",
            LOOP,
            r#"{"step":{"id":"x","type":"NoOp","transition":null}}"#,
        ),
    ));
}

#[test]
fn all_independent_violations_are_told_at_once() {
    let body = with_step(r#""timeout":0,"tags":["~"]"#)
        .replace("wf-a", "a b")
        .replace("\"s1\"", "\"9\"");
    let errors = refusal(&body).expect("refused").errors;
    let paths: Vec<&str> = errors
        .iter()
        .filter_map(|error| error.split(' ').next())
        .collect();
    assert_eq!(
        paths,
        [
            "workflow.id",
            "workflow.steps[0].id",
            "workflow.steps[0].tags[0].name",
            "workflow.steps[0].timeout"
        ]
    );
}

#[test]
fn an_unknown_field_is_told_with_its_path_and_the_nearest_name() {
    let fault = refusal(&with_step(r#""retry_polcy":{}"#)).expect("refused");
    assert_eq!(
        fault.message,
        "JSON parse error: `workflow.steps[0].step.retry_polcy`: unknown field `retry_polcy`; did you mean `retry_policy`?"
    );
}

#[test]
fn a_workflow_without_steps_is_told_beside_other_violations() {
    let missing = r#"{"workflow":{"id":"a b"}}"#;
    violates(missing, "workflow.steps");
    violates(missing, "workflow.id");
    violates(r#"{"workflow":{"id":"a","steps":[]}}"#, "workflow.steps");
    violates(r#"{"workflow":{"id":"a","steps":null}}"#, "workflow.steps");
    violates(r#"{"workflow":{"steps":[]}}"#, "workflow.id");
    violates(r#"{"properties":{"owner":"a"}}"#, "workflow");
}
