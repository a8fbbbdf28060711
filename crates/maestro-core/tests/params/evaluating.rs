//! Evaluation: expressions, texts, references, functions (spec 02 sections 5, 13 to 16).

use maestro_core::params::{
    DefaultOverrides, Moment, Outside, ParamErrorKind as Kind, evaluate_step,
};
use maestro_model::param::EvaluatedValue;
use maestro_model::state::StepStatus;

use crate::bed::{Bed, NOW, expression, one, params, result, rules, shown};

#[test]
fn types_are_read_in_any_case_and_written_in_capitals() {
    // [02:1] [02:4] [02:5] [02:6] [02:63]
    let mut bed = Bed::new(
        r#"{"a":{"value":"5","type":"long"},"d":{"value":"10.229999999999","type":"DOUBLE"},"e":{"value":15,"type":"DOUBLE"},
            "n":{"value":1,"type":"LONG","name":"zzz","owner_team":"x"},"s":{"value":1.50,"type":"STRING"},
            "l":{"value":" 7 ","type":"LONG"},"b":{"value":-1,"type":"BOOLEAN"},"f":{"value":false,"type":"STRING"}}"#,
        &[],
    );
    let p = bed.start("{}").unwrap();
    assert!(shown(&p, "a").starts_with(r#"{"value":5,"type":"LONG","tags":[],"mode":"MUTABLE","evaluated_result":5,"evaluated_time":1640998800000,"source":"DEFINITION"}"#), "{}", shown(&p, "a"));
    assert!(shown(&p, "d").contains(r#""value":10.229999999999"#));
    assert!(shown(&p, "e").contains(r#""value":15,"#) && result(&p, "e") == "15.0");
    assert!(!shown(&p, "n").contains("owner_team") && !shown(&p, "n").contains("zzz"));
    assert_eq!(result(&p, "s"), r#""1.50""#);
    assert_eq!(
        (result(&p, "l"), result(&p, "b"), result(&p, "f")),
        ("7".into(), "true".into(), r#""false""#.into())
    );
}

#[test]
fn every_type_has_a_text() {
    // [02:7] [02:10]
    let mut bed = Bed::new(
        r#"{"x":{"value":3,"type":"LONG"},"s":{"value":"hi","type":"STRING"},"d":{"value":2,"type":"DOUBLE"},
            "arr":{"value":[1,2],"type":"LONG_ARRAY"},"m":{"value":{"k":"v"},"type":"STRING_MAP"},
            "t1":{"value":"a$x-${s}.","type":"STRING"},"t2":{"value":"$d","type":"STRING"},"t3":{"value":"$arr","type":"STRING"},
            "t4":{"value":"$m","type":"STRING"},"esc":{"value":"$$x","type":"STRING"},"s2":{"value":"$esc","type":"STRING"}}"#,
        &[],
    );
    let p = bed.start("{}").unwrap();
    let texts: Vec<String> = ["t1", "t2", "t3", "t4", "s2"]
        .iter()
        .map(|n| result(&p, n))
        .collect();
    assert_eq!(
        texts,
        [
            r#""a3-hi.""#,
            r#""2.0""#,
            r#""[1,2]""#,
            r#""{\"k\":\"v\"}""#,
            r#""$x""#
        ]
    );
}

#[test]
fn keys_that_become_equal_are_refused() {
    // [02:11]
    let mut bed = Bed::new(
        r#"{"s":{"value":"hi","type":"STRING"},"m":{"value":{"${s}":"1","hi":"2"},"type":"STRING_MAP"}}"#,
        &[],
    );
    let error = bed.start("{}").unwrap_err();
    assert_eq!(error.kind, Kind::IllegalArgument);
    assert!(
        error.message.starts_with("param `m`: two keys become `hi`"),
        "{error}"
    );
}

#[test]
fn an_unknown_name_is_an_error_of_its_scope() {
    // [02:12] [02:67]
    assert_eq!(
        one(r#"{"value":"$nope","type":"STRING"}"#),
        Err(Kind::Validation)
    );
    assert_eq!(
        one(r#"{"value":"$$$$nope","type":"STRING"}"#),
        Err(Kind::Validation)
    );
    assert_eq!(
        one(r#"{"value":"$$nope","type":"STRING"}"#),
        Ok(r#""$nope""#.into())
    );
    let bed = Bed::new("{}", &[("s", r#"{"x":{"value":"$nope","type":"STRING"}}"#)]);
    assert_eq!(bed.step("s").unwrap_err().kind, Kind::Internal);
}

#[test]
fn results_are_converted_to_the_declared_type() {
    // [02:13] [02:14] [02:15] [02:16] [02:18]
    let of = |ty, text| one(&expression(ty, text));
    assert_eq!(of("STRING", "1 + 2"), Ok(r#""3""#.into()));
    assert_eq!(of("LONG", "'42'"), Ok("42".into()));
    assert_eq!(of("LONG", "'4x'"), Err(Kind::IllegalArgument));
    assert_eq!(of("LONG", "0.5"), Err(Kind::IllegalArgument));
    assert_eq!(of("BOOLEAN", "'trUe'"), Ok("true".into()));
    assert_eq!(of("BOOLEAN", "1"), Err(Kind::IllegalArgument));
    assert_eq!(of("DOUBLE", "7"), Ok("7.0".into()));
    assert_eq!(of("DOUBLE", "'1.5'"), Ok("1.5".into()));
    assert_eq!(of("DOUBLE", "true"), Err(Kind::IllegalArgument));
    assert_eq!(
        of("STRING_ARRAY", "return new long[]{1, 2};"),
        Ok(r#"["1","2"]"#.into())
    );
    assert_eq!(
        of("DOUBLE_ARRAY", "return new long[]{1, 2};"),
        Err(Kind::Internal)
    );
    assert_eq!(of("STRING", "null"), Err(Kind::BadExpression));
    assert_eq!(of("STRING", "new DateTime(0)"), Err(Kind::BadExpression));
    assert_eq!(of("STRING", "String s; s"), Err(Kind::NullReference));
    let mut bed = Bed::new(
        &format!(r#"{{"a":{}}}"#, expression("LONG", "throw 'bad'")),
        &[],
    );
    assert!(bed.start("{}").unwrap_err().message.contains("bad"));
    let mut bed = Bed::new(
        &format!(
            r#"{{"i":{},"w":{}}}"#,
            expression("STRING", "1 + 2"),
            expression("LONG", "'42'")
        ),
        &[],
    );
    let p = bed.start("{}").unwrap();
    assert!(shown(&p, "i").contains(r#""info":"#) && shown(&p, "w").contains(r#""warn":"#));
}

#[test]
fn entries_of_a_map_are_not_converted_and_do_not_see_each_other() {
    // [02:17] [02:34]
    let map = |entries: &str| format!(r#"{{"value":{{{entries}}},"type":"MAP"}}"#);
    assert_eq!(
        one(&map(&format!(r#""n":{}"#, expression("LONG", "'5'")))),
        Ok(r#"{"n":"5"}"#.into())
    );
    let sibling = map(&format!(
        r#""a":{{"value":1,"type":"LONG"}},"b":{}"#,
        expression("LONG", "a + 1")
    ));
    assert_eq!(one(&sibling), Err(Kind::Validation));
    assert_eq!(
        one(&map(&format!(r#""a":{}"#, expression("LONG", "it")))),
        Err(Kind::IllegalArgument)
    );
}

#[test]
fn maps_out_of_expressions_are_in_hash_order() {
    // [02:65] [02:66]
    let text = "m = new Map(); m.put('north', 1); m.put('south', 2); m.put('east', 3); m.put('west', 4); m";
    assert_eq!(
        one(&expression("MAP", text)),
        Ok(r#"{"east":3,"south":2,"north":1,"west":4}"#.into())
    );
    assert_eq!(one(&expression("STRING_MAP", text)), Err(Kind::Internal));
    let literal = r#"{"value":{"north":{"value":1,"type":"LONG"},"east":{"value":3,"type":"LONG"}},"type":"MAP"}"#;
    assert_eq!(one(literal), Ok(r#"{"north":1,"east":3}"#.into()));
}

#[test]
fn steps_read_workflow_params_before_their_own_later_ones() {
    // [02:27] [02:28] [02:29]
    let plus = |name: &str| expression("LONG", &format!("{name} + 1"));
    let workflow = r#"{"foo":{"value":1,"type":"LONG"},"bar":{"value":6,"type":"LONG"}}"#;
    let bed = Bed::new(
        workflow,
        &[
            (
                "a",
                &format!(r#"{{"foo":{},"bar":{}}}"#, plus("bar"), plus("foo")),
            ),
            (
                "b",
                &format!(r#"{{"bar":{},"foo":{}}}"#, plus("foo"), plus("bar")),
            ),
        ],
    );
    let values = bed.step("a").unwrap();
    assert_eq!(
        (values.json("foo"), values.json("bar")),
        ("7".into(), "8".into())
    );
    let values = bed.step("b").unwrap();
    assert_eq!(
        (values.json("bar"), values.json("foo")),
        ("2".into(), "3".into())
    );
    // A literal of the step that comes later is shadowed as well.
    let bed = Bed::new(
        workflow,
        &[(
            "a",
            &format!(
                r#"{{"x":{},"foo":{{"value":50,"type":"LONG"}}}}"#,
                plus("foo")
            ),
        )],
    );
    assert_eq!(bed.step("a").unwrap().json("x"), "2");

    let own = r#"{"x":{"value":"${x}-s","type":"STRING"}}"#;
    let bed = Bed::new(r#"{"x":{"value":"w","type":"STRING"}}"#, &[("a", own)]);
    assert_eq!(bed.step("a").unwrap().json("x"), r#""w-s""#);
    let bed = Bed::new("{}", &[("a", own)]);
    let error = bed.step("a").unwrap_err();
    assert_eq!(error.kind, Kind::IllegalArgument);
    assert!(
        error.message.contains("step [a] refers to itself: x -> x"),
        "{error}"
    );
    let mut bed = Bed::new(
        &format!(
            r#"{{"a":{},"b":{}}}"#,
            expression("LONG", "b"),
            expression("LONG", "a")
        ),
        &[],
    );
    let error = bed.start("{}").unwrap_err();
    assert!(
        error
            .message
            .contains("workflow [wf] refers to itself: a -> b -> a"),
        "{error}"
    );
}

#[test]
fn one_moment_serves_all_params() {
    // [02:30] [02:19]
    let mut bed = Bed::new(
        &format!(r#"{{"c":{}}}"#, expression("LONG", "RUN_TS + 1")),
        &[],
    );
    let p = bed.start("{}").unwrap();
    assert_eq!(result(&p, "c"), (NOW + 1).to_string());
    assert_eq!(result(&p, "RUN_TS"), NOW.to_string());
    assert_eq!(result(&p, "TARGET_RUN_DATE"), r#""20220101""#);
    assert_eq!(result(&p, "DERIVED_RUN_DATE_US_PACIFIC"), r#""20211231""#);
    assert_eq!(result(&p, "DERIVED_RUN_HOUR_UTC_MINUS_ONE_HOUR"), r#""00""#);
    assert_eq!(result(&p, "RUN_DATE_MINUS_7"), r#""20211225""#);
    assert_eq!(result(&p, "owner"), r#""ada""#);
    assert!(!p.contains_key("job_template_version"));
    assert_eq!(p.keys().next().map(|n| &**n), Some("DSL_DEFAULT_TZ"));
    let p = bed
        .start(r#"{"TARGET_RUN_HOUR":{"value":7,"type":"LONG"}}"#)
        .unwrap();
    assert!(shown(&p, "TARGET_RUN_HOUR").starts_with(
        r#"{"value":"7","type":"STRING","tags":[],"mode":"MUTABLE_ON_START","evaluated_result":"7""#
    ));
    assert!(shown(&p, "TARGET_RUN_HOUR").contains(r#""source":"LAUNCH""#));
    assert_eq!(result(&p, "DERIVED_RUN_HOUR_UTC"), r#""07""#);
    assert!(p.values().all(|param| param.result().is_some()));
}

#[test]
fn params_reaches_the_params_of_the_workflow() {
    // [02:31] [02:68]
    let bed = Bed::new(
        r#"{"w1":{"value":"v","type":"STRING"},"params":{"value":7,"type":"LONG"}}"#,
        &[(
            "s",
            &format!(
                r#"{{"a":{},"b":{},"params":{{"value":9,"type":"LONG"}},"c":{{"value":"$params","type":"STRING"}}}}"#,
                expression("BOOLEAN", "params.get('q') == null"),
                expression("STRING", "params['w1']")
            ),
        )],
    );
    let values = bed.step("s").unwrap();
    assert_eq!(
        (values.json("a"), values.json("b"), values.json("c")),
        ("true".into(), r#""v""#.into(), r#""7""#.into())
    );
    let mut bed = Bed::new(
        &format!(
            r#"{{"w1":{{"value":"v","type":"STRING"}},"x":{},"y":{},"params":{{"value":7,"type":"LONG"}},"z":{{"value":"$params","type":"STRING"}}}}"#,
            expression("BOOLEAN", "params['w1'] == null"),
            expression("STRING", "w1 + params['w1']")
        ),
        &[],
    );
    let p = bed.start("{}").unwrap();
    assert_eq!(
        (result(&p, "x"), result(&p, "y"), result(&p, "z")),
        ("true".into(), r#""vv""#.into(), r#""7""#.into())
    );
}

#[test]
fn finished_steps_can_be_referred_to() {
    // [02:32] [02:33] [02:38]
    let x = |text: &str| format!(r#"{{"x":{}}}"#, expression("LONG", text));
    let mut bed = Bed::new(
        "{}",
        &[
            (
                "s1",
                r#"{"n":{"value":4,"type":"LONG"},"t":{"type":"STRING","expression":"step_id + step_attempt_id"}}"#,
            ),
            ("good", &x("s1__n * 2")),
            ("unknown", &x("nobody__n")),
            ("missing", &x("s1__zz")),
            (
                "own",
                &format!(
                    r#"{{"k":{{"value":3,"type":"LONG"}},"x":{}}}"#,
                    expression("LONG", "own__k + 1")
                ),
            ),
            ("_a", r#"{"_p":{"value":8,"type":"LONG"}}"#),
            ("_a_", r#"{"p":{"value":9,"type":"LONG"}}"#),
            ("split", &x("_a___p")),
            (
                "status",
                r#"{"x":{"type":"STRING","expression":"params.getFromStep('s1', 'MAESTRO_STEP_STATUS') + params.getFromStep('s1', 'step_id')"}}"#,
            ),
            (
                "end",
                &x("params.getFromStep('s1', 'MAESTRO_STEP_END_TIME')"),
            ),
            ("bad", &x("params.getFromStep(1)")),
            ("skipped", r#"{"v":{"type":"LONG","expression":"1"}}"#),
            ("unevaluated", &x("skipped__v")),
        ],
    );
    bed.finish("s1", StepStatus::Succeeded);
    bed.finish("skipped", StepStatus::Unsatisfied);
    assert_eq!(bed.step("good").unwrap().json("x"), "8");
    assert_eq!(bed.step("s1").unwrap().json("t"), r#""s13""#);
    assert_eq!(bed.step("unknown").unwrap_err().kind, Kind::BadExpression);
    assert_eq!(bed.step("missing").unwrap_err().kind, Kind::NullReference);
    assert_eq!(
        bed.step("unevaluated").unwrap_err().kind,
        Kind::IllegalArgument
    );
    assert_eq!(bed.step("own").unwrap().json("x"), "4");
    assert_eq!(bed.step("status").unwrap().json("x"), r#""SUCCEEDEDs1""#);
    assert_eq!(bed.step("end").unwrap().json("x"), (NOW + 5).to_string());
    assert_eq!(bed.step("bad").unwrap_err().kind, Kind::BadExpression);
    assert_eq!(
        bed.step("split").unwrap_err().kind,
        Kind::Internal,
        "neither has finished"
    );
    bed.finish("_a", StepStatus::Succeeded);
    assert_eq!(bed.step("split").unwrap().json("x"), "8");
    bed.finish("_a_", StepStatus::Succeeded);
    let error = bed.step("split").unwrap_err();
    assert!(error.message.contains("ambiguous"), "{error}");
}

#[test]
fn fields_of_the_run_and_the_step() {
    // [02:36] [02:37]
    let of = |field: &str| expression("STRING", &format!("'' + params.getFromInstance('{field}')"));
    let mut bed = Bed::new(
        &format!(
            r#"{{"a":{},"b":{},"c":{},"d":{},"e":{}}}"#,
            of("workflow_instance_id"),
            of("owner"),
            of("INITIATOR_TYPE"),
            of("INITIATOR_RUNNER_NAME"),
            of("RUN_POLICY")
        ),
        &[
            (
                "s",
                &format!(
                    r#"{{"a":{},"u":{}}}"#,
                    of("workflow_instance_id"),
                    expression(
                        "STRING",
                        "step_instance_uuid + params.getFromStep('step_type_info') + params.getFromStep('MAESTRO_STEP_ERROR_RETRIES')"
                    )
                ),
            ),
            ("t", &format!(r#"{{"a":{}}}"#, of("owner"))),
        ],
    );
    let p = bed.start("{}").unwrap();
    let fields: Vec<String> = ["a", "b", "c", "d", "e"]
        .iter()
        .map(|n| result(&p, n))
        .collect();
    assert_eq!(
        fields,
        [
            r#""""#,
            r#""ada""#,
            r#""MANUAL""#,
            r#""ana""#,
            r#""START_FRESH_NEW_RUN""#
        ]
    );
    let values = bed.step("s").unwrap();
    assert_eq!(values.json("a"), r#""7""#);
    assert_eq!(
        values.json("u"),
        r#""00000000-0000-0000-0000-000000000063NOOP2""#
    );
    assert_eq!(bed.step("t").unwrap_err().kind, Kind::BadExpression);
}

/// What later rooms supply, in small.
struct Fake;

impl Outside for Fake {
    fn signal(&self, signal: &str, param: &str) -> Result<EvaluatedValue, String> {
        match (signal, param) {
            ("ready", "day") => Ok(EvaluatedValue::Long(20_220_102)),
            _ => Err("no such signal".to_owned()),
        }
    }

    fn dependency(&self, index: usize, param: &str) -> Result<EvaluatedValue, String> {
        match (index, param) {
            (0, "p") => Ok(EvaluatedValue::String("matched".into())),
            _ => Err("no such dependency".to_owned()),
        }
    }

    fn foreach(&self, step: &str, inner: &str, param: &str) -> Result<EvaluatedValue, String> {
        match (step, inner, param) {
            ("f", "in", "v") => Ok(EvaluatedValue::LongArray([4, 0, 6].into())),
            _ => Err("no such loop".to_owned()),
        }
    }

    fn subworkflow(&self, _: &str, inner: &str, _: &str) -> Result<EvaluatedValue, String> {
        Ok(EvaluatedValue::String(inner.into()))
    }
}

#[test]
fn functions_reach_what_later_rooms_supply() {
    // [02:39] [02:40] [02:41]
    let x = |ty, text: &str| format!(r#"{{"x":{}}}"#, expression(ty, text));
    let mut bed = Bed::new(
        &x("STRING", "params.getFromSignalOrDefault('s', 'p', 'z')"),
        &[
            (
                "a",
                &x("LONG_ARRAY", "params.getFromForeach('f', 'in', 'v')"),
            ),
            (
                "b",
                &x("STRING", "params.getFromSubworkflow('w', 'job', 'v')"),
            ),
            (
                "c",
                &x("STRING", "params.getFromSignalDependency('0', 'p')"),
            ),
            (
                "d",
                &x("STRING", "params.getFromSignalDependency('9', 'p')"),
            ),
            (
                "e",
                &x("LONG", "ready__day + params.getFromSignal('ready', 'day')"),
            ),
            ("f", &x("STRING", "params.getFromSignal('p')")),
        ],
    );
    assert_eq!(result(&bed.start("{}").unwrap(), "x"), r#""z""#);
    let json = |step: &str| {
        bed.step_with(step, &Fake)
            .map(|v| v.json("x"))
            .map_err(|e| e.kind)
    };
    assert_eq!(json("a"), Ok("[4,0,6]".into()));
    assert_eq!(json("b"), Ok(r#""job""#.into()));
    assert_eq!(json("c"), Ok(r#""matched""#.into()));
    assert_eq!(json("d"), Err(Kind::BadExpression));
    assert_eq!(json("e"), Ok("40440204".into()));
    assert_eq!(json("f"), Err(Kind::BadExpression));
    assert_eq!(bed.step("a").unwrap_err().kind, Kind::BadExpression);
    // Signals can be asked for at workflow level too (spec 02 X-15, mended).
    let mut bed = Bed::new(&x("LONG", "ready__day"), &[]);
    assert_eq!(
        result(&bed.start_with("{}", &Fake).unwrap(), "x"),
        "20220102"
    );
    assert_eq!(bed.start("{}").unwrap_err().kind, Kind::BadExpression);
}

#[test]
fn params_are_limited_in_size() {
    // [02:35]
    let run = |length: usize| {
        let mut bed = Bed::new(
            &format!(
                r#"{{"x":{{"value":"{}","type":"STRING"}}}}"#,
                "a".repeat(length)
            ),
            &[],
        );
        bed.start("{}")
    };
    let size = maestro_model::codec::to_text(&run(10).unwrap()).len();
    // The value shows twice.
    let room = (750_000 - size) / 2 + 10;
    let odd = 750_000 - size - 2 * (room - 10);
    assert!(odd < 2);
    assert!(run(room).is_ok());
    assert_eq!(run(room + 1).unwrap_err().kind, Kind::IllegalArgument);
}

#[test]
fn an_expression_is_limited_in_length() {
    // [02:76]
    let text = |units: usize| {
        format!("{}1", " 1 +".repeat((units - 2) / 4)) + &" ".repeat((units - 2) % 4)
    };
    assert!(one(&expression("STRING", &format!("'{}'", "a".repeat(9_996)))).is_ok());
    assert_eq!(
        one(&expression("STRING", &format!("'{}'", "a".repeat(9_997)))),
        Err(Kind::BadExpression)
    );
    assert!(text(20).len() > 10);
}

#[test]
fn scripts_are_taken_as_they_are_written() {
    // Decision 10; the rest of the entries are put together.
    let shell = r#"{"shell":{"value":{"script":{"value":"echo $HOME $nope","type":"STRING"},"cwd":{"value":"${w}","type":"STRING"}},"type":"MAP"}}"#;
    let bed = Bed::new(
        r#"{"w":{"value":"here","type":"STRING"}}"#,
        &[("s:Shell", shell)],
    );
    assert_eq!(
        bed.step("s").unwrap().json("shell"),
        r#"{"script":"echo $HOME $nope","cwd":"here"}"#
    );
}

#[test]
fn steps_of_a_type_have_its_defaults() {
    let http = r#"{"http":{"value":{"url":{"value":"http://x/","type":"STRING"},"headers":{"value":{"A":"1"},"type":"STRING_MAP"}},"type":"MAP"}}"#;
    let bed = Bed::new("{}", &[("h:Http", http), ("bad:Http", "{}")]);
    let values = bed.step("h").unwrap();
    assert_eq!(
        values.json("http"),
        r#"{"url":"http://x/","method":"GET","headers":{"Content-Type":"application/json","Accept":"application/json","A":"1"}}"#
    );
    assert_eq!(values.json("status_code"), "200");
    let error = bed.dry_run().unwrap_err();
    assert!(
        error.message.contains("step [bad]") && error.message.contains("`url`"),
        "{error}"
    );
}

#[test]
fn a_dry_run_finds_what_a_start_would_fail_with() {
    // [02:59] [02:60]
    let bad = expression("LONG", "1 +");
    assert!(
        Bed::new(&format!(r#"{{"x":{bad}}}"#), &[])
            .dry_run()
            .is_err()
    );
    assert!(
        Bed::new("{}", &[("s", &format!(r#"{{"x":{bad}}}"#))])
            .dry_run()
            .is_ok()
    );
    let thrown = expression("STRING", "throw 'x'");
    assert!(
        Bed::new(&format!(r#"{{"FROM_DATE":{thrown}}}"#), &[])
            .dry_run()
            .is_ok()
    );
    let thrown = expression("LONG", "throw 'x'");
    assert!(
        Bed::new(&format!(r#"{{"FROM_DATE":{thrown}}}"#), &[])
            .dry_run()
            .is_err()
    );
    let initiator = expression(
        "STRING",
        "params.getFromInstance('INITIATOR_TYPE') == 'VALIDATION' ? 'ok' : throw 'no'",
    );
    let _ = initiator;
    let kind = expression(
        "STRING",
        "if (params.getFromInstance('INITIATOR_TYPE') != 'VALIDATION') throw 'no'; return 'ok';",
    );
    assert!(
        Bed::new(&format!(r#"{{"x":{kind}}}"#), &[])
            .dry_run()
            .is_ok()
    );
}

#[test]
fn functions_of_params_answer_without_a_schedule_or_signal() {
    // [03:416] [03:417] [03:418]
    let x = |ty, text: &str| format!(r#"{{"x":{}}}"#, expression(ty, text));
    let zone = x("STRING", "params.getFromInstance('INITIATOR_TIMEZONE')");
    assert_eq!(
        result(&Bed::new(&zone, &[]).start("{}").unwrap(), "x"),
        r#""""#
    );
    let or_default = x("STRING", "params.getFromSignalOrDefault('s', 'p', 'd')");
    assert_eq!(
        result(&Bed::new(&or_default, &[]).start("{}").unwrap(), "x"),
        r#""d""#
    );
    // The dry run has a stand-in for signals that the workflow knows.
    let known = expression(
        "LONG",
        "v = params.getFromSignal('known', 'p'); if (v != 20220101) throw 'another value'; return v;",
    );
    let text = format!(
        r#"{{"id":"wf","params":{{"x":{known}}},"signal_triggers":[{{"definitions":{{"known":{{}}}}}}],
            "steps":[{{"step":{{"id":"a","type":"NoOp"}}}}]}}"#
    );
    let bed = Bed::of(&text, maestro_core::params::Rules::default());
    bed.dry_run().unwrap();
    let unknown = Bed::of(
        &text.replace("('known'", "('unknown'"),
        maestro_core::params::Rules::default(),
    );
    assert!(unknown.dry_run().is_err());
}

#[test]
fn defaults_can_be_replaced() {
    // [02:61]
    let overrides = DefaultOverrides {
        workflow:
            "TARGET_RUN_HOUR: {value: \"00\", type: STRING}\nTEAM: {value: ours, type: STRING}"
                .to_owned(),
        ..DefaultOverrides::default()
    };
    let mut bed = Bed::with_rules("{}", &[], rules(&overrides));
    let p = bed.start("{}").unwrap();
    assert!(
        shown(&p, "TARGET_RUN_HOUR")
            .starts_with(r#"{"value":"00","type":"STRING","tags":[],"mode":"MUTABLE","#)
    );
    assert_eq!(
        (result(&p, "DERIVED_RUN_HOUR_UTC"), result(&p, "TEAM")),
        (r#""00""#.into(), r#""ours""#.into())
    );
    assert_eq!(p.keys().last().map(|n| &**n), Some("TEAM"));
    let broken = DefaultOverrides {
        step: "a: [".to_owned(),
        ..DefaultOverrides::default()
    };
    let error = maestro_core::params::Defaults::new(&broken).unwrap_err();
    assert!(error.to_string().contains("`step`"), "{error}");
}

#[test]
fn an_evaluation_can_be_given_up_and_made_again() {
    let slow = expression(
        "LONG",
        "s = 0; for (i = 0; i < 20000; i += 1) { s += i; } s + params.nextUniqueId() * 0",
    );
    let bed = Bed::new(
        "{}",
        &[(
            "s",
            &format!(
                r#"{{"x":{slow},"id":{}}}"#,
                expression("LONG", "params.nextUniqueId()")
            ),
        )],
    );
    let with = |moment: Moment| {
        bed.with_input("s", &maestro_core::params::Nothing, |input| {
            evaluate_step(input, &mut moment.clone())
        })
    };
    let uuid = uuid::Uuid::from_u128(99);
    assert!(
        with(Moment::new(NOW, &uuid).with_fuel(0))
            .unwrap_err()
            .is_yield()
    );
    let one = with(Moment::new(NOW, &uuid)).unwrap();
    assert_eq!(
        one,
        with(Moment::new(NOW, &uuid)).unwrap(),
        "chance follows from the identity"
    );
    assert!(matches!(one.values["id"], EvaluatedValue::Long(id) if id > 0));
}

#[test]
fn a_failed_expression_shows_the_place() {
    let mut bed = Bed::new(
        &format!(r#"{{"x":{}}}"#, expression("LONG", "1 +\n foo.bar()")),
        &[],
    );
    let _ = params("{}");
    let error = bed
        .start(r#"{"foo":{"value":"a","type":"STRING"}}"#)
        .unwrap_err();
    assert_eq!(error.kind, Kind::BadExpression);
    assert!(error.message.starts_with("param `x`: "), "{error}");
    assert!(
        error
            .excerpt
            .as_deref()
            .is_some_and(|text| text.contains('^')),
        "{error:?}"
    );
}

/// Params `p0` to `pN`, each made of the next one by `of`.
fn chain(n: usize, last: &str, of: impl Fn(&str) -> String) -> String {
    let link = |i: usize| format!(r#""p{i}":{}"#, of(&format!("p{}", i + 1)));
    let links: Vec<String> = (0..n).map(link).collect();
    format!(r#"{{{},"p{n}":{last}}}"#, links.join(","))
}

#[test]
fn a_chain_of_params_does_not_use_up_the_stack() {
    let text = |next: &str| format!(r#"{{"value":"${{{next}}}","type":"STRING"}}"#);
    let number = |next: &str| expression("LONG", next);
    // Each link lies deep within MAPs, too.
    let nested = |next: &str| {
        (0..100).fold(text(next), |inner, _| {
            format!(r#"{{"value":{{"m":{inner}}},"type":"MAP"}}"#)
        })
    };
    let (a, one) = (
        r#"{"value":"a","type":"STRING"}"#,
        r#"{"value":1,"type":"LONG"}"#,
    );
    for (deep, fine) in [
        (chain(5_000, a, text), chain(300, a, text)),
        (chain(5_000, one, number), chain(300, one, number)),
        (chain(50, a, nested), chain(2, a, nested)),
    ] {
        let refused = |error: maestro_core::params::ParamError| {
            assert_eq!(error.kind, Kind::IllegalArgument);
            assert!(
                error.message.contains("over more than 400 levels"),
                "{error}"
            );
        };
        refused(Bed::new(&deep, &[]).start("{}").unwrap_err());
        refused(Bed::new("{}", &[("a", &deep)]).step("a").err().unwrap());
        assert!(Bed::new(&fine, &[]).start("{}").is_ok());
        assert!(Bed::new("{}", &[("a", &fine)]).step("a").is_ok());
    }
}

#[test]
fn what_is_too_large_is_not_built_first() {
    let refused = |workflow: &str| {
        let error = Bed::new(workflow, &[]).start("{}").unwrap_err();
        assert_eq!(error.kind, Kind::IllegalArgument);
        assert!(error.message.contains("the limit of 750000"), "{error}");
    };
    let a = r#"{"value":"aaaaaaaaaa","type":"STRING"}"#;
    // Ten thousand million million characters, if somebody built them.
    refused(&chain(50, a, |next| {
        format!(r#"{{"value":"${{{next}}}${{{next}}}","type":"STRING"}}"#)
    }));
    refused(&chain(50, a, |next| {
        expression("STRING", &format!("{next} + {next}"))
    }));
    let long = format!(r#"{{"value":"{}","type":"STRING"}}"#, "x".repeat(100_000));
    let many = "${x}".repeat(100_000);
    refused(&format!(
        r#"{{"x":{long},"y":{{"value":"{many}","type":"STRING"}}}}"#
    ));
    let items = vec![r#""${x}""#; 10_000].join(",");
    refused(&format!(
        r#"{{"x":{long},"y":{{"value":[{items}],"type":"STRING_ARRAY"}}}}"#
    ));
}
