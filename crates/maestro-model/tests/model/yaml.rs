//! The conformance cases of the YAML DSL (spec 01 section 12).

use maestro_model::codec;
use maestro_model::definition::{StepType, WorkflowCreateRequest};
use maestro_model::json::Json;
use maestro_model::validate::{self, Limits};
use maestro_model::yaml::{self, YamlError};

fn template(ty: &str, version: &str) -> Option<StepType> {
    matches!((ty, version), ("my_tpl", "default" | "v2")).then_some(StepType::Notebook)
}

fn read(text: &str) -> Result<WorkflowCreateRequest, YamlError> {
    yaml::workflow(text.as_bytes(), &template)
}

/// A workflow with further lines and one job.
fn workflow(lines: &str) -> String {
    let lines: String = lines.lines().map(|line| format!("  {line}\n")).collect();
    format!(
        "workflow:\n  id: wf-y\n  owner: dana\n{lines}  jobs: [{{job: {{id: j1, type: noop}}}}]\n"
    )
}

fn with_jobs(jobs: &[&str], dag: &str) -> String {
    let jobs: String = jobs.iter().map(|job| format!("    - {job}\n")).collect();
    let dag = if dag.is_empty() {
        String::new()
    } else {
        format!("  dag: {dag}\n")
    };
    format!("workflow:\n  id: wf-y\n  owner: dana\n{dag}  jobs:\n{jobs}")
}

#[track_caller]
fn at(text: &str, path: &str) -> String {
    let request = read(text).unwrap_or_else(|fault| panic!("{fault}: {text}"));
    let json = Json::parse(codec::to_text(&request).as_bytes()).expect("our own JSON");
    json.pointer(path).map(Json::to_text).unwrap_or_default()
}

/// Refused while it is read, or by a rule.
#[track_caller]
fn refused(text: &str) {
    if let Ok(request) = read(text) {
        let outcome = validate::request(&request, &Limits::default(), 1_760_000_000_000);
        assert!(outcome.is_err(), "accepted: {text}");
    }
}

fn param(line: &str, name: &str) -> String {
    at(&workflow(line), &format!("/workflow/params/{name}"))
}

// Spec 01 section 12.6.
#[test]
fn the_example_of_the_specification_converts_as_it_says() {
    let text = r#"
workflow:
  id: nightly-billing
  owner: finops
  run_strategy: parallel
  workflow_concurrency: 3
  timeout: 6h
  region: eu-west
  '!cutoff<long>(constant)': "RUN_TS - 3600000"
  jobs:
    - job:
        id: fetch
        type: http
        'http<pmap>': {url: "https://svc/x", method: GET}
        transition: ["IF cutoff > 0 THEN fan_out", "OTHERWISE done"]
    - foreach:
        id: fan_out
        concurrency: 4
        params: {account: [a1, a2]}
        ranges: {page: {to: 5}}
        jobs: [{job: {id: charge, type: NoOp}}]
        transition: [done]
    - job: {id: done, type: noop}
"#;
    let expected = r#"{"properties":{"owner":"finops","run_strategy":{"rule":"PARALLEL","workflow_concurrency":3},"step_concurrency":20},
      "is_active":true,
      "workflow":{"id":"nightly-billing","timeout":"6h",
       "params":{"region":{"value":"eu-west","type":"STRING"},
                 "cutoff":{"expression":"RUN_TS - 3600000","type":"LONG","mode":"CONSTANT"}},
       "steps":[
        {"step":{"id":"fetch","transition":{"successors":{"fan_out":"cutoff > 0","done":"!((cutoff > 0))"}},"type":"Http",
          "params":{"http":{"value":{"url":{"value":"https://svc/x","type":"STRING"},"method":{"value":"GET","type":"STRING"}},"type":"MAP"}}}},
        {"foreach":{"id":"fan_out","transition":{"successors":{"done":"true"}},"concurrency":4,
          "params":{"loop_params":{"value":{"account":{"value":["a1","a2"],"type":"STRING_ARRAY"},
             "page":{"expression":"Util.intsBetween(0, 5, 1);","type":"LONG_ARRAY"}},"type":"MAP"}},
          "steps":[{"step":{"id":"charge","transition":{},"type":"NoOp","params":{}}}]}},
        {"step":{"id":"done","transition":{},"type":"NoOp","params":{}}}]}}"#;
    let expected: WorkflowCreateRequest = codec::read(expected.as_bytes()).expect("readable");
    assert_eq!(read(text), Ok(expected));
}

// [01:59] [04:9]
#[test]
fn properties_are_always_set() {
    assert_eq!(
        at(&workflow("workflow_concurrency: 9"), "/properties"),
        r#"{"owner":"dana","run_strategy":{"rule":"SEQUENTIAL","workflow_concurrency":1},"step_concurrency":20}"#
    );
    assert_eq!(
        at(
            &workflow("run_strategy: Parallel\nworkflow_concurrency: '7'"),
            "/properties/run_strategy"
        ),
        r#"{"rule":"PARALLEL","workflow_concurrency":7}"#
    );
    refused(&workflow(
        "run_strategy: sequential\nworkflow_concurrency: 2",
    ));
    refused(&workflow("run_strategy: 5"));
    refused(&workflow("run_strategy: random"));
    refused(&workflow("owner: {name: x}"));
    assert_eq!(at(&workflow(""), "/workflow/params"), "{}");
    assert_eq!(at(&workflow("workflow_params: ~"), "/workflow/params"), "");
    assert_eq!(
        at(
            &workflow("gone: 1\nworkflow_params: {a: 1}\nb: 2"),
            "/workflow/params"
        ),
        r#"{"a":{"value":1,"type":"LONG"},"b":{"value":2,"type":"LONG"}}"#
    );
}

// [01:60]
#[test]
fn types_and_modes_come_from_keys_and_values() {
    for (line, name, param_json) in [
        (
            "'!a': x + y",
            "a",
            r#"{"expression":"x + y","type":"STRING"}"#,
        ),
        ("b<long>: 3", "b", r#"{"value":3,"type":"LONG"}"#),
        (
            "c(constant): x",
            "c",
            r#"{"value":"x","type":"STRING","mode":"CONSTANT"}"#,
        ),
        (
            "d<array<long>>: []",
            "d",
            r#"{"value":[],"type":"LONG_ARRAY"}"#,
        ),
        ("e: []", "e", r#"{"value":[],"type":"STRING_ARRAY"}"#),
        ("f: {}", "f", r#"{"value":{},"type":"MAP"}"#),
        (
            "g: {k: v}",
            "g",
            r#"{"value":{"k":"v"},"type":"STRING_MAP"}"#,
        ),
        (
            "h<pmap>: {k: v}",
            "h",
            r#"{"value":{"k":{"value":"v","type":"STRING"}},"type":"MAP"}"#,
        ),
        ("i<pmap>: {}", "i", r#"{"value":{},"type":"MAP"}"#),
        (
            "j<map>: {k: v}",
            "j",
            r#"{"value":{"k":"v"},"type":"STRING_MAP"}"#,
        ),
        (
            "k: {n: 1, '!m<long>': 2}",
            "k",
            r#"{"value":{"n":{"value":1,"type":"LONG"},"m":{"expression":"2","type":"LONG"}},"type":"MAP"}"#,
        ),
        ("l: [1, 2.9]", "l", r#"{"value":[1,2],"type":"LONG_ARRAY"}"#),
        (
            "m: [0.5, 2, '3.5']",
            "m",
            r#"{"value":[0.5,2.0,3.5],"type":"DOUBLE_ARRAY"}"#,
        ),
        (
            "n: [true, no]",
            "n",
            r#"{"value":[true,false],"type":"BOOLEAN_ARRAY"}"#,
        ),
        ("'!o': 2.50", "o", r#"{"expression":"2.5","type":"STRING"}"#),
        ("'!p': 0x1F", "p", r#"{"expression":"31","type":"STRING"}"#),
        (
            "'!q': [a, {k: v, l: w}]",
            "q",
            r#"{"expression":"[a, {k=v, l=w}]","type":"STRING"}"#,
        ),
        (
            "'! r <array<string>> ( Immutable )': x",
            "r",
            r#"{"expression":"x","type":"STRING_ARRAY","mode":"IMMUTABLE"}"#,
        ),
    ] {
        assert_eq!(param(line, name), param_json, "{line}");
    }
}

// [01:61] [01:85]
#[test]
fn odd_keys_and_values_are_refused() {
    for line in [
        "x<double>: 5",
        "x<string>: 5",
        "x<map>: {}",
        "x(odd): 1",
        "x<foo>: 1",
        "x<array<double>>: [1, 2]",
        "x<array<map>>: []",
        "x<long>: []",
        "x<pmap>: []",
        "x<long>: 1.5",
        "x<boolean>: t",
        "x<map>: {k: 1}",
        "x: ~",
        "x: {k: ~}",
        "x: 1\nx<long>: 2",
        "a: 1\n'!a': 2",
        "x: [{a: 1}]",
        "x: [[1]]",
        "x: [~]",
        "x: [a, 1]",
        "x: [1, a]",
        "x: [true, 1]",
        "'!': 1",
        "'!x': ~",
        "'! a': 1",
        "<string>: a",
        "(mutable): a",
        "q( ): 1",
        "'q< >': 1",
        "q<array <long>>: [1]",
        "'9x': 1",
        "a__b: 1",
    ] {
        refused(&workflow(line));
    }
    assert_eq!(param("a: 1\na: 2", "a"), r#"{"value":2,"type":"LONG"}"#);
    assert_eq!(
        param("'a< array<long>>(mutable)': [1]", "a"),
        r#"{"value":[1],"type":"LONG_ARRAY","mode":"MUTABLE"}"#
    );
    // The type after the mode is lost, as in the reference.
    assert_eq!(
        param("x(constant)<long>: a", "x"),
        r#"{"value":"a","type":"STRING","mode":"CONSTANT"}"#
    );
}

// [01:62] [01:84]
#[test]
fn scalars_are_those_of_yaml_1_1() {
    for (value, json) in [
        ("yes", r#"{"value":true,"type":"BOOLEAN"}"#),
        ("010", r#"{"value":8,"type":"LONG"}"#),
        ("2024-01-31", r#"{"value":"2024-01-31","type":"STRING"}"#),
        ("2e4", r#"{"value":20000.0,"type":"DOUBLE"}"#),
        (".25", r#"{"value":0.25,"type":"DOUBLE"}"#),
        ("+4", r#"{"value":4,"type":"LONG"}"#),
        ("-0x2F", r#"{"value":-47,"type":"LONG"}"#),
        ("0o7", r#"{"value":"0o7","type":"STRING"}"#),
        ("9:45", r#"{"value":"9:45","type":"STRING"}"#),
        ("oN", r#"{"value":"oN","type":"STRING"}"#),
        ("2_0.5", r#"{"value":20.5,"type":"DOUBLE"}"#),
        ("'42'", r#"{"value":"42","type":"STRING"}"#),
        ("!!str 42", r#"{"value":"42","type":"STRING"}"#),
        ("!!int '42'", r#"{"value":42,"type":"LONG"}"#),
        ("!own 42", r#"{"value":"42","type":"STRING"}"#),
    ] {
        assert_eq!(param(&format!("x: {value}"), "x"), json, "{value}");
    }
    for value in [
        ".inf",
        ".nan",
        "1e400",
        "9223372036854775808",
        "!!binary aGk=",
        "!!int a",
    ] {
        refused(&workflow(&format!("x: {value}")));
    }
    assert_eq!(
        at(&workflow("name: 010\ndescription: off"), "/workflow/name"),
        "\"010\""
    );
    assert_eq!(
        at(
            &workflow("name: 010\ndescription: off"),
            "/workflow/description"
        ),
        "\"off\""
    );
    assert_eq!(
        at(&workflow("tags: [a, 7]"), "/workflow/tags"),
        r#"[{"name":"a"},{"name":"7"}]"#
    );
    refused(&workflow("tags: a"));
}

fn transition(entries: &str) -> String {
    let jobs: Vec<String> = ["x", "y", "z", "b", "OTHERWISE"]
        .iter()
        .map(|id| format!("job: {{id: {id}, type: noop}}"))
        .collect();
    let first = format!("job: {{id: a, type: noop, transition: {entries}}}");
    let mut all = vec![first.as_str()];
    all.extend(jobs.iter().map(String::as_str));
    with_jobs(&all, "")
}

// [01:63] [01:86]
#[test]
fn transitions_have_three_forms() {
    let of = |entries: &str| at(&transition(entries), "/workflow/steps/0/step/transition");
    assert_eq!(
        of("['IF a > 0 THEN x', 'if b then y', 'otherwise z']"),
        r#"{"successors":{"x":"a > 0","y":"b","z":"!((a > 0) || (b))"}}"#
    );
    assert_eq!(
        of("[x, ' y ']"),
        r#"{"successors":{"x":"true","y":"true"}}"#
    );
    assert_eq!(of("['OTHERWISE z']"), r#"{"successors":{"z":"true"}}"#);
    assert_eq!(of("['', ~]"), "{}");
    assert_eq!(
        of("['If p THEN q theN b']"),
        r#"{"successors":{"b":"p THEN q"}}"#
    );
    assert_eq!(of("[OTHERWISE]"), r#"{"successors":{"OTHERWISE":"true"}}"#);
    assert_eq!(
        of("['IF a THEN x', y, 'IF b THEN x']"),
        r#"{"successors":{"x":"b","y":"true"}}"#
    );
    for entries in [
        "['OTHERWISE z', x]",
        "['foo bar']",
        "['  ']",
        "['OTHERWISE z', '']",
        "['IF THEN b']",
        "['IF x b']",
        "[[x]]",
        "[1]",
        "x",
    ] {
        assert!(read(&transition(entries)).is_err(), "{entries}");
    }
}

// [01:64] [01:87]
#[test]
fn a_dag_fills_in_transitions() {
    let jobs = [
        "job: {id: j1, type: noop, transition: [j3]}",
        "job: {id: j2, type: noop, transition: []}",
        "job: {id: j3, type: noop}",
    ];
    let of = |dag: &str, step: usize| {
        at(
            &with_jobs(&jobs, dag),
            &format!("/workflow/steps/{step}/step/transition"),
        )
    };
    assert_eq!(of("Sequential", 0), r#"{"successors":{"j3":"true"}}"#);
    assert_eq!(of("Sequential", 1), r#"{"successors":{"j3":"true"}}"#);
    assert_eq!(of("Sequential", 2), "{}");
    assert_eq!(of("{j2: j3}", 1), of("{j2: [j3]}", 1));
    assert_eq!(of("{j2: ~, j3: []}", 1), "{}");
    assert_eq!(of("{j1: [j2]}", 0), r#"{"successors":{"j3":"true"}}"#);
    for dag in [
        "zigzag",
        "{nope: [j1]}",
        "[j1]",
        "5",
        "yes",
        "''",
        "{j2: [1]}",
        "{j2: {}}",
    ] {
        assert!(read(&with_jobs(&jobs, dag)).is_err(), "{dag}");
    }
    let doubles = ["job: {id: j1, type: noop}", "job: {id: j1, type: noop}"];
    assert!(read(&with_jobs(&doubles, "{j1: []}")).is_err());
}

// [01:65]
#[test]
fn another_type_is_a_job_template() {
    let job = |fields: &str| with_jobs(&[&format!("job: {{id: a, {fields}}}")], "");
    assert_eq!(
        at(&job("type: my_tpl"), "/workflow/steps/0"),
        r#"{"step":{"id":"a","transition":{},"type":"Notebook","sub_type":"my_tpl","params":{}}}"#
    );
    assert_eq!(
        at(
            &job("type: my_tpl, type_version: v2"),
            "/workflow/steps/0/step/sub_type_version"
        ),
        ""
    );
    assert_eq!(
        at(
            &job("type: SLEEP, type_version: v9"),
            "/workflow/steps/0/step/type"
        ),
        "\"Sleep\""
    );
    for fields in [
        "type: gone",
        "type: my_tpl, type_version: v3",
        "type: ''",
        "type: ~",
        "type: foreach",
        "name: x",
    ] {
        refused(&job(fields));
    }
}

// [01:66]
#[test]
fn ranges_become_expressions() {
    let foreach = |fields: &str| {
        with_jobs(
            &[&format!(
                "foreach: {{id: f, {fields}, jobs: [{{job: {{id: n, type: noop}}}}]}}"
            )],
            "",
        )
    };
    let path = "/workflow/steps/0/foreach/params/loop_params/value";
    assert_eq!(
        at(
            &foreach("ranges: {h: {from: 10, to: 0, increment: -2}}"),
            path
        ),
        r#"{"h":{"expression":"Util.intsBetween(10, 0, -2);","type":"LONG_ARRAY"}}"#
    );
    assert_eq!(
        at(
            &foreach("loop_params: {h: [1], k: [a]}, ranges: {h: {to: 3}}"),
            path
        ),
        r#"{"h":{"expression":"Util.intsBetween(0, 3, 1);","type":"LONG_ARRAY"},"k":{"value":["a"],"type":"STRING_ARRAY"}}"#
    );
    assert_eq!(at(&foreach("name: x"), path), "{}");
    for fields in [
        "ranges: {h: {from: 1}}",
        "ranges: {h: {to: 1, by: 2}}",
        "ranges: {h: {to: x}}",
        "ranges: {h: 5}",
    ] {
        refused(&foreach(fields));
    }
}

// [01:87] [04:10]
#[test]
fn the_root_is_one_key_and_only_the_first_document_counts() {
    let jobs = "jobs: [{job: {id: a, type: noop}}]";
    assert!(read(&format!("Workflow: {{id: a, {jobs}}}")).is_ok());
    assert!(read(&format!("workflow: {{id: a, {jobs}}}\n---\nother: 1\n")).is_ok());
    assert!(read(r#"{"workflow":{"id":"a","jobs":[{"job":{"id":"a","type":"noop"}}]}}"#).is_ok());
    for text in [
        format!("workflow: {{id: a, {jobs}}}\nWorkflow: {{id: a, {jobs}}}\n"),
        format!("workflow: {{id: a, {jobs}}}\nworkflow: {{id: a, {jobs}}}\n"),
        format!("workflow: {{id: a, {jobs}}}\nextra: 1\n"),
        format!("Flow: {{id: a, {jobs}}}\n"),
        "- workflow\n".to_owned(),
        "plain\n".to_owned(),
        "workflow:\n".to_owned(),
        String::new(),
        "workflow: {id: a, jobs: [}\n".to_owned(),
        "workflow: {id: a}\n".to_owned(),
    ] {
        refused(&text);
    }
}

// [01:88]
#[test]
fn a_subworkflow_takes_its_target_as_text() {
    let text = with_jobs(
        &["subworkflow: {id: s, workflow_id: 19, workflow_version: 8}"],
        "",
    );
    assert_eq!(
        at(&text, "/workflow/steps/0/subworkflow/params"),
        r#"{"workflow_version":{"value":8,"type":"LONG"},"subworkflow_id":{"value":"19","type":"STRING"}}"#
    );
    let plain = with_jobs(&["subworkflow: {id: s}"], "");
    assert_eq!(
        at(&plain, "/workflow/steps/0/subworkflow/params"),
        r#"{"subworkflow_id":{"value":"s","type":"STRING"}}"#
    );
}

// [R-39] Decisions 17, 18.
#[test]
fn aliases_are_resolved_within_a_budget_and_doubles_are_found() {
    assert_eq!(
        param("a: &x [1, 2]\nb: *x", "b"),
        r#"{"value":[1,2],"type":"LONG_ARRAY"}"#
    );
    let bomb: String = (1..12).fold("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned(), |text, n| {
        let refs = vec![format!("*a{}", n - 1); 10].join(",");
        format!("{text}a{n}: &a{n} [{refs}]\n")
    });
    let fault = read(&workflow(&bomb)).expect_err("refused").to_string();
    assert!(
        fault.contains("aliases") && fault.contains("line "),
        "{fault}"
    );
    let doubles = yaml::repeated_keys(b"a: 1\nb: {c: 1, c: 2}\na: 3\n").expect("readable");
    let mut found: Vec<(String, usize, usize)> = doubles
        .into_iter()
        .map(|(key, first, second)| (key, first.line, second.line))
        .collect();
    found.sort();
    assert_eq!(found, [("a".to_owned(), 1, 3), ("c".to_owned(), 2, 2)]);
}

#[test]
fn faults_name_line_and_column() {
    let fault = read("workflow:\n  id: a\n  x<foo>: 1\n")
        .expect_err("refused")
        .to_string();
    assert_eq!(
        fault,
        "unknown param type `foo` in the key `x<foo>` at line 3, column 11"
    );
    for levels in [5000, 290, 140] {
        let nested = format!("{}1{}", "{a: ".repeat(levels), "}".repeat(levels));
        assert_eq!(
            read(&workflow(&format!("x: {nested}"))).is_ok(),
            levels == 140,
            "{levels}"
        );
    }
}

#[test]
fn a_word_that_became_a_boolean_is_told_to_be_quoted() {
    let fault = read(&workflow("x<string>: no"))
        .expect_err("refused")
        .to_string();
    assert_eq!(
        fault,
        "the param `x` is declared as STRING, its value `no` is of type BOOLEAN; put it in quotes at line 4, column 14"
    );
    let shell = with_jobs(
        &["job: {id: a, type: shell, 'shell<pmap>': {script: x, env: {FLAG: off}}}"],
        "",
    );
    let invalid = validate::request(&read(&shell).expect("readable"), &Limits::default(), 0)
        .expect_err("refused");
    assert_eq!(
        invalid.to_string(),
        "workflow.steps[0].params.shell.value.env.value.FLAG the variable [FLAG] must be a text, it is a BOOLEAN; put it in quotes"
    );
}

// Decision 24.
#[test]
fn json_of_the_model_may_be_written_as_yaml() {
    let json = yaml::json(b"a: 010\nb: [yes, ~, 1.50]\nc: {d: '1'}\n").map(|json| json.to_text());
    assert_eq!(
        json.as_deref(),
        Ok(r#"{"a":8,"b":[true,null,1.5],"c":{"d":"1"}}"#)
    );
}
