//! The conformance cases of spec 01 and 02 about single values: how they are read, refused and echoed.

use crate::support::*;
use maestro_model::codec;
use maestro_model::definition::WorkflowCreateRequest;

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
        &format!("{path}.value.env.value.MAESTRO_STEP_ID"),
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

// [01:52]
#[test]
fn tags_cannot_be_set_with_other_properties() {
    let update =
        |json: &str| codec::read::<maestro_model::definition::PropertiesUpdate>(json.as_bytes());
    let fault = update(r#"{"tags":["x"]}"#).expect_err("refused");
    assert_eq!(fault.path, "tags");
}
