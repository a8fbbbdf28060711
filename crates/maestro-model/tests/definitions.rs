//! The conformance cases of spec 01 and of the JSON part of spec 02 that this crate decides: what is refused where, and
//! how it comes back.

use maestro_model::codec;
use maestro_model::definition::WorkflowCreateRequest;
use maestro_model::error::ErrorBody;
use maestro_model::json::Json;
use maestro_model::validate::{self, Limits};

const NOW: i64 = 1_760_000_000_000;

/// A request around fields of the workflow, such as `"timeout":5`, and a list of steps.
fn request(fields: &str, steps: &str) -> String {
    let comma = if fields.is_empty() { "" } else { "," };
    format!(
        r#"{{"properties":{{"owner":"qa"}},"workflow":{{"id":"wf-a",{fields}{comma}"steps":[{steps}]}}}}"#
    )
}

/// A NoOp step with further fields.
fn step(fields: &str) -> String {
    let comma = if fields.is_empty() { "" } else { "," };
    format!(r#"{{"step":{{"id":"s1","type":"noop"{comma}{fields}}}}}"#)
}

fn with_step(fields: &str) -> String {
    request("", &step(fields))
}

fn with_workflow(fields: &str) -> String {
    request(fields, &step(""))
}

fn with_properties(properties: &str) -> String {
    format!(
        r#"{{"properties":{{{properties}}},"workflow":{{"id":"wf-a","steps":[{}]}}}}"#,
        step("")
    )
}

/// The refusal of a validation.
fn refusal(body: &str) -> Option<ErrorBody> {
    match codec::read::<WorkflowCreateRequest>(body.as_bytes()) {
        Err(fault) => Some(fault.into()),
        Ok(request) => validate::request(&request, &Limits::default(), NOW)
            .err()
            .map(ErrorBody::from),
    }
}

#[track_caller]
fn accepts(body: &str) {
    assert_eq!(refusal(body), None, "{body}");
}

/// Refused while the body is read: a message, no list.
#[track_caller]
fn unreadable(body: &str) {
    let body_of = refusal(body).unwrap_or_else(|| panic!("accepted: {body}"));
    assert!(
        body_of.message.starts_with("JSON parse error: ") && body_of.errors.is_empty(),
        "{body}: {body_of:?}"
    );
}

/// Refused by a rule: an entry that starts with the path.
#[track_caller]
fn violates(body: &str, path: &str) {
    let body_of = refusal(body).unwrap_or_else(|| panic!("accepted: {body}"));
    let entry = format!("{path} ");
    assert!(
        body_of.errors.iter().any(|error| error.starts_with(&entry)),
        "{body}: {body_of:?}"
    );
}

/// How the workflow comes back, at a path.
#[track_caller]
fn echo(body: &str, path: &str) -> String {
    accepts(body);
    let request: WorkflowCreateRequest = codec::read(body.as_bytes()).expect("accepted above");
    let json = Json::parse(codec::to_text(&request).as_bytes()).expect("our own JSON");
    json.pointer(path).map(Json::to_text).unwrap_or_default()
}

fn param_echo(param: &str) -> String {
    echo(
        &with_workflow(&format!(r#""params":{{"p":{param}}}"#)),
        "/workflow/params/p",
    )
}

fn param_unreadable(param: &str) {
    unreadable(&with_workflow(&format!(r#""params":{{"p":{param}}}"#)));
}

fn foreach(id: &str, fields: &str, steps: &str) -> String {
    format!(r#"{{"foreach":{{"id":"{id}",{fields},"steps":[{steps}]}}}}"#)
}

const LOOP: &str = r#""params":{"loop_params":{"type":"MAP","value":{}}}"#;

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

// [01:74]
#[test]
fn extra_info_replaces_what_came_before_it() {
    let extras = |members: &str| {
        let body = with_workflow("").replacen('{', &format!("{{{members},"), 1);
        codec::read::<WorkflowCreateRequest>(body.as_bytes())
            .map(|request| codec::to_text(&request.extra_info))
    };
    assert_eq!(extras(r#""none":null"#).as_deref(), Ok(r#"{"none":null}"#));
    assert_eq!(
        extras(r#""a":1,"extra_info":{"b":2},"c":3"#).as_deref(),
        Ok(r#"{"b":2,"c":3}"#)
    );
    assert_eq!(extras(r#""a":1,"extra_info":null"#).as_deref(), Ok("{}"));
    assert!(extras(r#""extra_info":5"#).is_err());
    assert_eq!(
        extras(r#""CREATE_TIME":1"#).as_deref(),
        Ok(r#"{"CREATE_TIME":1}"#)
    );
    assert_eq!(
        extras(r#""n":[1.10,1e2,{"k":null}]"#).as_deref(),
        Ok(r#"{"n":[1.1,100.0,{"k":null}]}"#)
    );
    assert!(extras(r#""n":1e400"#).is_err() && extras(r#""n":9223372036854775808"#).is_err());
}

// [01:7-12] [04:19]
#[test]
fn run_strategies_have_three_forms_and_limits() {
    let strategy = |json: &str| with_properties(&format!(r#""run_strategy":{json}"#));
    let stored = |json: &str| echo(&strategy(json), "/properties/run_strategy");
    assert_eq!(
        stored("7"),
        r#"{"rule":"PARALLEL","workflow_concurrency":7}"#
    );
    assert_eq!(
        stored("\"parallel\""),
        r#"{"rule":"PARALLEL","workflow_concurrency":20}"#
    );
    assert_eq!(
        stored("\"First_Only\""),
        r#"{"rule":"FIRST_ONLY","workflow_concurrency":1}"#
    );
    assert_eq!(
        stored(r#"{"rule":"parallel","workflow_concurrency":" 3 "}"#),
        r#"{"rule":"PARALLEL","workflow_concurrency":3}"#
    );
    for json in [
        r#"{"rule":"sequential","workflow_concurrency":2}"#,
        r#"{"workflow_concurrency":2}"#,
        "7.0",
        "true",
        "[]",
        "\"\"",
        "\"5\"",
        "\" parallel\"",
    ] {
        unreadable(&strategy(json));
    }
    for json in [
        "0",
        "-3",
        "1001",
        r#"{"rule":"sequential","workflow_concurrency":0}"#,
    ] {
        violates(
            &strategy(json),
            "properties.runStrategy.workflowConcurrency",
        );
    }
    violates(
        &with_properties(r#""step_concurrency":1001"#),
        "properties.stepConcurrency",
    );
    accepts(&with_properties(r#""step_concurrency":1000"#));
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

// [01:16,17,73] [04:73]
#[test]
fn tags_come_back_as_objects_and_their_names_are_unique() {
    let tags = |json: &str| {
        echo(
            &with_workflow(&format!(r#""tags":{json}"#)),
            "/workflow/tags",
        )
    };
    assert_eq!(
        tags(r#"["a",{"name":"b","team":"x"}]"#),
        r#"[{"name":"a"},{"name":"b","team":"x"}]"#
    );
    assert_eq!(
        tags(r#"[{"name":"b","permit":9,"x":null}]"#),
        r#"[{"name":"b","permit":9,"x":null}]"#
    );
    assert_eq!(
        tags(r#"[{"p":true,"name":"n","attributes":{"q":2},"r":"s"}]"#),
        r#"[{"name":"n","q":2,"r":"s"}]"#
    );
    assert_eq!(tags(r#"["a","A"]"#), r#"[{"name":"a"},{"name":"A"}]"#);
    assert_eq!(
        tags(r#"[{"name":5,"namespace":"system"}]"#),
        r#"[{"name":"5","namespace":"SYSTEM"}]"#
    );
    unreadable(&with_workflow(
        r#""tags":["a",{"name":"a","namespace":"system"}]"#,
    ));
    violates(&with_step(r#""tags":["a","a"]"#), "workflow.steps[0].tags");
    for json in [
        "[1]",
        "[null]",
        "[true]",
        "[[]]",
        "\"a\"",
        r#"[{"name":"a","namespace":""}]"#,
        r#"[{"name":"a","attributes":3}]"#,
    ] {
        unreadable(&with_workflow(&format!(r#""tags":{json}"#)));
    }
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

// [01:37] [02:2,3] [04:58]
#[test]
fn params_have_a_type_and_one_of_value_and_expression() {
    param_unreadable(r#"{"type":"LONG","value":1,"expression":"1"}"#);
    param_unreadable(r#"{"type":"LONG"}"#);
    param_unreadable(r#"{"value":5}"#);
    param_unreadable(r#"{"value":5,"type":"INT"}"#);
    let fault = refusal(&with_workflow(r#""params":{"odd":{"type":"LONG"}}"#)).expect("refused");
    assert!(fault.message.contains("`odd`"), "{fault:?}");
    assert_eq!(
        param_echo(r#"{"value":1.10,"type":"double"}"#),
        r#"{"value":1.10,"type":"DOUBLE"}"#
    );
    assert_eq!(
        param_echo(r#"{"type":"double","value":1.10}"#),
        r#"{"value":1.10,"type":"DOUBLE"}"#
    );
    // Nested entries are not looked at here.
    let nested = r#"{"value":{"n":{"type":"LONG"},"b":{"value":1,"expression":"x","type":"LONG"}},"type":"MAP"}"#;
    assert_eq!(param_echo(nested), nested);
}

// [01:40] [01:69]
#[test]
fn integers_are_read_leniently() {
    let value = |json: &str| with_workflow(&format!(r#""instance_step_concurrency":{json}"#));
    let path = "/workflow/instance_step_concurrency";
    for json in ["\"20\"", "\" +20 \"", "20.9", "2e1"] {
        assert_eq!(echo(&value(json), path), "20", "{json}");
    }
    for json in ["\"\"", "\" \"", "\"null\"", "null"] {
        assert_eq!(echo(&value(json), path), "", "{json}");
    }
    for json in [
        "\"2e1\"",
        "true",
        "\"1.5\"",
        "\"0x1\"",
        "\"NULL\"",
        "[1]",
        "9223372036854775808",
    ] {
        unreadable(&value(json));
    }
    accepts(&value("999"));
    violates(&value("1000"), "workflow.instanceStepConcurrency");
    violates(&value("0"), "workflow.instanceStepConcurrency");
}

// [01:70]
#[test]
fn booleans_are_read_leniently() {
    let value = |json: &str| with_properties(&format!(r#""alerting_disabled":{json}"#));
    for json in ["\"True\"", "\" true \"", "2", "-1"] {
        assert_eq!(
            echo(&value(json), "/properties/alerting_disabled"),
            "true",
            "{json}"
        );
    }
    assert_eq!(echo(&value("0"), "/properties/alerting_disabled"), "false");
    assert_eq!(echo(&value("\"\""), "/properties/alerting_disabled"), "");
    for json in ["\"1\"", "\"tRUE\"", "0.0", "\"yes\"", "[]"] {
        unreadable(&value(json));
    }
}

// [01:71] [02:1,4,6,62,63]
#[test]
fn values_of_params_are_read_by_their_type() {
    for (ty, value, echoed) in [
        ("LONG", "\"5\"", "5"),
        ("LONG", "1e3", "1000"),
        ("LONG", "2.7", "2"),
        ("LONG", "\" 7 \"", "7"),
        ("DOUBLE", "1e5", "1E+5"),
        ("DOUBLE", "\"10.229999999999\"", "10.229999999999"),
        ("DOUBLE", "15", "15"),
        ("DOUBLE", "-0.0", "0.0"),
        ("STRING", "2.50", "\"2.50\""),
        ("STRING", "1e5", "\"1e5\""),
        ("STRING", "false", "\"false\""),
        ("STRING", "\"\"", "\"\""),
        ("BOOLEAN", "\"TRUE\"", "true"),
        ("BOOLEAN", "-1", "true"),
        ("LONG_ARRAY", "[null,\"\",\" 5 \"]", "[0,0,5]"),
        ("BOOLEAN_ARRAY", "[null,1]", "[false,true]"),
        (
            "STRING_ARRAY",
            "[2.50,true,null]",
            "[\"2.50\",\"true\",null]",
        ),
        ("DOUBLE_ARRAY", "[1.50,\"2\",null]", "[1.50,2,null]"),
        (
            "STRING_MAP",
            "{\"a\":1,\"b\":null}",
            "{\"a\":\"1\",\"b\":null}",
        ),
    ] {
        let param = format!(r#"{{"type":"{}","value":{value}}}"#, ty.to_lowercase());
        assert_eq!(
            param_echo(&param),
            format!(r#"{{"value":{echoed},"type":"{ty}"}}"#)
        );
    }
    for (ty, value) in [
        ("LONG", "\"\""),
        ("LONG", "9.3e18"),
        ("LONG", "true"),
        ("LONG", "\"7L\""),
        ("DOUBLE", "\"NaN\""),
        ("DOUBLE", "true"),
        ("BOOLEAN", "\"tRue\""),
        ("BOOLEAN", "1.0"),
        ("STRING_ARRAY", "\"x\""),
        ("STRING_ARRAY", "5"),
        ("STRING_ARRAY", "[[]]"),
        ("STRING_MAP", "{\"a\":[]}"),
        ("STRING_MAP", "[]"),
        ("STRING", "[]"),
        ("MAP", "5"),
    ] {
        param_unreadable(&format!(r#"{{"type":"{ty}","value":{value}}}"#));
    }
}

// [02:64]
#[test]
fn a_null_is_no_param() {
    param_unreadable("null");
    param_unreadable(r#"{"value":{"a":null},"type":"MAP"}"#);
    param_unreadable("\"shorthand\"");
}

// [01:72]
#[test]
fn unknown_members_of_a_param_are_meta() {
    assert_eq!(
        param_echo(r#"{"type":"LONG","value":1,"name":"n","z":1,"meta":{"y":2},"k":null}"#),
        r#"{"value":1,"type":"LONG","y":2,"k":null}"#
    );
    param_unreadable(r#"{"type":"LONG","value":1,"meta":5}"#);
    param_unreadable(r#"{"type":"LONG","value":1,"validator":5}"#);
    let as_sent = r#"{"value":1,"type":"LONG","validator":"v","tags":[],"mode":"CONSTANT","source":7,"internal_mode":"optional","Type":1}"#;
    assert_eq!(param_echo(as_sent), as_sent);
}

// [01:41] [01:42] [08:35,45]
#[test]
fn time_triggers_are_checked_and_come_back_canonical() {
    let triggers = |json: &str| with_workflow(&format!(r#""time_triggers":[{json}]"#));
    let cron = |cron: &str| triggers(&format!(r#"{{"type":"CRON","cron":"{cron}"}}"#));
    violates(&cron("*/1 * * * *"), "workflow.timeTriggers[0]");
    accepts(&cron("*/2 * * * *"));
    accepts(&cron("0 0 12 1/1 * ? *"));
    violates(&cron("* * x y"), "workflow.timeTriggers[0].cron");
    violates(&cron("* * x y"), "workflow.timeTriggers[0]");
    violates(
        &triggers(r#"{"type":"CRON","cron":"0 1 * * *","timezone":"US/Nowhere"}"#),
        "workflow.timeTriggers[0].timezone",
    );
    violates(
        &triggers(r#"{"type":"INTERVAL","interval":"1 hour"}"#),
        "workflow.timeTriggers[0]",
    );
    violates(
        &triggers(r#"{"type":"CRON","cron":"0 1 * * *","fuzzy_max_delay":"999ms"}"#),
        "workflow.timeTriggers[0]",
    );
    violates(
        &triggers(r#"{"type":"CRON","cron":"0 1 * * *","fuzzy_max_delay":0}"#),
        "workflow.timeTriggers[0].fuzzyMaxDelay",
    );
    violates(
        &triggers(r#"{"type":"CRON"}"#),
        "workflow.timeTriggers[0].cron",
    );
    let daily = triggers(r#"{"type":"predefined","expression":"Daily"}"#);
    assert_eq!(
        echo(&daily, "/workflow/time_triggers/0"),
        r#"{"expression":"@daily","type":"PREDEFINED"}"#
    );
    unreadable(&triggers("null"));
}

// [01:43] [01:81]
#[test]
fn signals_have_limits_at_triggers_and_steps() {
    let trigger = |definitions: &str| {
        with_workflow(&format!(
            r#""signal_triggers":[{{"definitions":{{{definitions}}}}}]"#
        ))
    };
    let path = "workflow.signalTriggers[0]";
    let many: Vec<String> = (0..9).map(|n| format!(r#""s{n}":{{}}"#)).collect();
    violates(&trigger(&many.join(",")), path);
    accepts(&trigger(&many[..8].join(",")));
    violates(
        &trigger(r#""a":{"join_keys":["x"]},"b":{"join_keys":["x","y"]}"#),
        path,
    );
    violates(&trigger(r#""a":{"join_keys":["x"]},"b":{}"#), path);
    violates(
        &trigger(r#""a":{"join_keys":["x"],"match_params":{"x":{"value":1,"operator":"="}}}"#),
        path,
    );
    accepts(&trigger(
        r#""a":{"match_params":{"x":{"value":1,"operator":">"},"y":{"value":1.9,"operator":"<"}}}"#,
    ));
    accepts(&trigger(""));
    accepts(&with_workflow(r#""signal_triggers":[{}]"#));
    violates(
        &with_workflow(r#""signal_triggers":[{},{}]"#),
        "workflow.signalTriggers[1]",
    );
    unreadable(&trigger(r#""a":{"join_keys":"x"}"#));
    unreadable(&trigger(r#""a":{"match_params":{"x":{"value":true}}}"#));
    let range = r#"{"param":{"type":"LONG","value":1},"operator":">"}"#;
    violates(
        &with_step(&format!(
            r#""signal_dependencies":[{{"name":"a","match_params":{{"x":{range},"y":{range}}}}}]"#
        )),
        "workflow.steps[0].signalDependencies[0].matchParams",
    );
    violates(
        &with_step(r#""signal_dependencies":[]"#),
        "workflow.steps[0].signalDependencies",
    );
    violates(
        &with_step(r#""signal_outputs":[{"name":""}]"#),
        "workflow.steps[0].signalOutputs[0].name",
    );
    unreadable(&with_step(
        r#""signal_outputs":[{"name":"a","params":{"x":{"type":"DOUBLE","value":1}}}]"#,
    ));
    unreadable(&with_step(
        r#""signal_outputs":[{"name":"a","params":null}]"#,
    ));
    accepts(&with_step(
        r#""signal_outputs":[{"name":"a","payload":null}]"#,
    ));
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

// [01:83]
#[test]
fn conditions_come_back_as_sent() {
    for condition in ["\"\"", "\"  n\"", "null"] {
        let transition = format!(r#"{{"successors":{{"b":{condition}}}}}"#);
        let body = request(
            "",
            &format!(
                r#"{{"step":{{"id":"a","type":"NoOp","transition":{transition}}}}},{{"step":{{"id":"b","type":"NoOp"}}}}"#
            ),
        );
        assert_eq!(echo(&body, "/workflow/steps/0/step/transition"), transition);
    }
}

// [04:57]
#[test]
fn users_come_back_in_their_form() {
    for owner in [
        r#""ann""#,
        r#"{"name":"ann"}"#,
        r#"{"name":"ann","team":{"x":null}}"#,
        r#"{"name":""}"#,
    ] {
        assert_eq!(
            echo(
                &with_properties(&format!(r#""owner":{owner}"#)),
                "/properties/owner"
            ),
            owner
        );
    }
    let dropped = with_properties(r#""owner":{"team":"etl","name":"ann","gone":null}"#);
    assert_eq!(
        echo(&dropped, "/properties/owner"),
        r#"{"name":"ann","team":"etl"}"#
    );
    for owner in ["5", "true", "[]", "{}", r#"{"name":7}"#, r#"{"team":"x"}"#] {
        unreadable(&with_properties(&format!(r#""owner":{owner}"#)));
    }
}

// [04:66]
#[test]
fn step_concurrency_is_read_leniently() {
    for json in ["5.9", "\"5\"", "\" 5 \"", "5e0"] {
        assert_eq!(
            echo(
                &with_properties(&format!(r#""step_concurrency":{json}"#)),
                "/properties/step_concurrency"
            ),
            "5"
        );
    }
    for json in ["\"5.5\"", "\"0x5\"", "true", "[5]", "9223372036854775808"] {
        unreadable(&with_properties(&format!(r#""step_concurrency":{json}"#)));
    }
}

// [04:67]
#[test]
fn bodies_are_strict_json() {
    let good = with_workflow("");
    for bad in [
        good.replace("]}}", "],}}"),
        good.replace('{', "{/**/"),
        good.replace("\"wf-a\"", "NaN"),
        good.replace("wf-a", "wf\t-a"),
    ] {
        unreadable(&bad);
    }
    accepts(&format!("\u{feff}{good}"));
    let deep = |levels: usize| {
        format!(
            r#"{{"deep":{}{},{}"#,
            "[".repeat(levels),
            "]".repeat(levels),
            &good[1..]
        )
    };
    accepts(&deep(900));
    unreadable(&deep(1100));
    for missing in ["", "  ", "null"] {
        assert!(refusal(missing).is_some());
    }
}

// Decision 27, spec 07 BX-1, BX-3.
#[test]
fn literal_jobs_need_exactly_one_script() {
    let job = |ty: &str, fields: &str, params: &str| {
        request(
            "",
            &format!(r#"{{"step":{{"id":"s1","type":"{ty}"{fields},"params":{{{params}}}}}}}"#),
        )
    };
    let shell = |entries: &str| {
        job(
            "shell",
            "",
            &format!(r#""shell":{{"type":"MAP","value":{{{entries}}}}}"#),
        )
    };
    let script = r#""script":{"type":"STRING","value":"echo"}"#;
    let path = "workflow.steps[0].params.shell";
    accepts(&shell(script));
    accepts(&shell(
        r#""script":{"type":"STRING","expression":"'echo'"},"args":{"type":"STRING_ARRAY","value":[]}"#,
    ));
    violates(&shell(""), &format!("{path}.value.script"));
    violates(&job("shell", "", ""), &format!("{path}.value.script"));
    violates(
        &shell(r#""script":{"type":"STRING"}"#),
        &format!("{path}.value.script"),
    );
    violates(
        &shell(&format!(
            r#"{script},"script_path":{{"type":"STRING","value":"a"}}"#
        )),
        &format!("{path}.value"),
    );
    violates(
        &shell(&format!(
            r#"{script},"scrpt":{{"type":"STRING","value":"a"}}"#
        )),
        &format!("{path}.value.scrpt"),
    );
    violates(
        &shell(&format!(
            r#"{script},"env":{{"type":"STRING_MAP","value":{{"MAESTRO_STEP_ID":"x"}}}}"#
        )),
        &format!("{path}.value.env"),
    );
    violates(
        &job("shell", "", r#""shell":{"type":"STRING","value":"echo"}"#),
        path,
    );
    accepts(&job(
        "shell",
        "",
        r#""shell":{"type":"MAP","expression":"m"}"#,
    ));
    accepts(&job("shell", r#","sub_type":"tpl""#, ""));
    accepts(&job(
        "python",
        "",
        r#""python":{"type":"MAP","value":{"module":{"type":"STRING","value":"m"}}}"#,
    ));
    violates(
        &job("python", "", ""),
        "workflow.steps[0].params.python.value.script",
    );
    violates(
        &job(
            "sql",
            "",
            r#""sql":{"type":"MAP","value":{"query":{"type":"STRING","value":"q"}}}"#,
        ),
        "workflow.steps[0].params.sql.value.connection",
    );
    violates(
        &job("docker", "", ""),
        "workflow.steps[0].params.docker.value.image",
    );
    let nested = foreach("f", LOOP, r#"{"step":{"id":"s1","type":"Shell"}}"#);
    violates(
        &request("", &nested),
        "workflow.steps[0].steps[0].params.shell.value.script",
    );
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

// [01:52]
#[test]
fn tags_cannot_be_set_with_other_properties() {
    let update =
        |json: &str| codec::read::<maestro_model::definition::PropertiesUpdate>(json.as_bytes());
    let fault = update(r#"{"tags":["x"]}"#).expect_err("refused");
    assert_eq!(fault.path, "tags");
}
