use std::fs;

use proptest::prelude::*;

use super::*;

fn declared(params: &[(&str, ParamType)]) -> Declared {
    Declared(params.iter().map(|&(name, ty)| (name.into(), ty)).collect())
}

fn read(log: &[u8], file: Option<&[u8]>, declared: &Declared) -> Result<Outputs, OutputError> {
    let dir = tempfile::tempdir().expect("a folder");
    let (log_path, file_path) = (dir.path().join("x.log"), dir.path().join("out"));
    fs::write(&log_path, log).expect("writes");
    if let Some(text) = file {
        fs::write(&file_path, text).expect("writes");
    }
    collect(&log_path, &file_path, declared, false, 7)
}

fn marked(text: &str) -> Vec<u8> {
    format!("some text {START}{text}{END} more\n").into_bytes()
}

fn results(outputs: &Outputs) -> String {
    let shown = outputs.params.iter().map(|(name, param)| {
        let result = param.result().expect("is evaluated");
        format!(
            "{name}={}:{}",
            result.ty(),
            maestro_model::codec::to_text(result)
        )
    });
    shown.collect::<Vec<_>>().join(" ")
}

// 07:51, as far as the runtime goes.
#[test]
fn a_whole_parameter_is_read_with_its_type_and_time() {
    let text =
        r#"{"params":{"rows":{"type":"LONG","value":7,"evaluated_result":7,"evaluated_time":1}}}"#;
    let outputs =
        read(&marked(text), None, &declared(&[("rows", ParamType::Long)])).expect("reads");
    let rows = &outputs.params["rows"];
    assert_eq!(rows.definition.value(), Some(&ParamValue::Long(7)));
    let evaluated = rows.evaluated.as_ref().expect("is evaluated");
    assert_eq!(
        (&evaluated.result, evaluated.time),
        (&EvaluatedValue::Long(7), 1)
    );
}

// 07:52, as far as the runtime goes.
#[test]
fn the_last_pair_counts_and_an_end_before_the_start_means_none() {
    let types = declared(&[("a", ParamType::Long)]);
    let two = [
        marked(r#"{"params":{"a":1}}"#),
        marked(r#"{"params":{"a":2}}"#),
    ]
    .concat();
    assert_eq!(
        results(&read(&two, None, &types).expect("reads")),
        "a=LONG:2"
    );
    let turned = format!("{END} {{}} {START}");
    assert_eq!(
        read(turned.as_bytes(), None, &types).expect("reads"),
        Outputs::default()
    );
    let no_start = format!("x {{\"params\":{{\"a\":1}}}} {END}");
    assert_eq!(
        read(no_start.as_bytes(), None, &types).expect("reads"),
        Outputs::default()
    );
}

// 07:52, as far as the runtime goes.
#[test]
fn what_is_no_output_fails_with_a_quote() {
    let types = declared(&[("a", ParamType::Long)]);
    for (text, quoted) in [
        ("{bad", "{bad"),
        ("[1]", "[1]"),
        (r#"{"params":{"a":"abc"}}"#, r#""a": "abc""#),
        (r#"{"params":{"a":1.5}}"#, r#""a": 1.5"#),
        (r#"{"params":{"a":null}}"#, r#""a": null"#),
        (
            r#"{"params":{"a":{"type":"LONG","value":1}}}"#,
            r#""a": {"type":"LONG","value":1}"#,
        ),
        (r#"{"params":[]}"#, r#"{"params":[]}"#),
        (r#"{"artifacts":{"x":1}}"#, r#""x": 1"#),
        (r#"{"parms":{}}"#, r#""parms": {}"#),
    ] {
        let error = read(&marked(text), None, &types)
            .expect_err(text)
            .to_string();
        assert!(error.contains(&format!("`{quoted}`")), "{text}: {error}");
    }
    let long = format!("{{{}", "x".repeat(1000));
    let error = read(&marked(&long), None, &types)
        .expect_err("is malformed")
        .to_string();
    assert!(error.len() < 400, "{error}");
}

#[test]
fn null_and_empty_objects_put_out_nothing() {
    for text in [
        "null",
        "{}",
        " \n ",
        r#"{"params":{},"artifacts":null}"#,
        r#"{"workflow_id":"w"}"#,
    ] {
        let outputs = read(&marked(text), None, &Declared::default()).expect(text);
        assert_eq!(outputs, Outputs::default(), "{text}");
    }
}

#[test]
fn a_bare_value_takes_the_declared_type() {
    let types = declared(&[
        ("s", ParamType::String),
        ("n", ParamType::String),
        ("d", ParamType::Double),
        ("b", ParamType::Boolean),
        ("sa", ParamType::StringArray),
        ("la", ParamType::LongArray),
        ("da", ParamType::DoubleArray),
        ("ba", ParamType::BooleanArray),
        ("sm", ParamType::StringMap),
        ("m", ParamType::Map),
    ]);
    let text = r#"{"params":{"s":"x","n":1.50,"d":1,"b":true,"sa":[],"la":[1],"da":[1,2.5],"ba":[true],
        "sm":{"type":"STRING"},"m":{"a":1,"b":{"c":"d"}}}}"#;
    let outputs = read(&marked(text), None, &types).expect("reads");
    assert_eq!(
        results(&outputs),
        r#"s=STRING:"x" n=STRING:"1.50" d=DOUBLE:1.0 b=BOOLEAN:true sa=STRING_ARRAY:[] la=LONG_ARRAY:[1] da=DOUBLE_ARRAY:[1.0,2.5] ba=BOOLEAN_ARRAY:[true] sm=STRING_MAP:{"type":"STRING"} m=MAP:{"a":1,"b":{"c":"d"}}"#
    );
    assert!(
        outputs
            .params
            .values()
            .all(|p| p.evaluated.as_ref().is_some_and(|e| e.time == 7))
    );
}

// The core refuses it then: the other half of 07:58.
#[test]
fn an_undeclared_bare_value_is_handed_on_with_the_type_it_suggests() {
    let text = r#"{"params":{"a":12,"b":1.5,"c":["x"],"d":{"k":"v"},"e":{"k":1}}}"#;
    let outputs = read(b"", Some(text.as_bytes()), &Declared::default()).expect("reads");
    assert_eq!(
        results(&outputs),
        r#"a=LONG:12 b=DOUBLE:1.5 c=STRING_ARRAY:["x"] d=STRING_MAP:{"k":"v"} e=MAP:{"k":1}"#
    );
}

// [R-14]
#[test]
fn the_file_wins_over_what_foreign_text_in_the_log_sets() {
    let types = declared(&[("rows", ParamType::Long), ("other", ParamType::Long)]);
    let foreign = marked(r#"{"params":{"rows":666,"other":1},"artifacts":{"k":{"from":"log"}}}"#);
    let own = br#"{"params":{"rows":7},"artifacts":{"k":{"from":"file"}}}"#;
    let outputs = read(&foreign, Some(own), &types).expect("reads");
    assert_eq!(results(&outputs), "rows=LONG:7 other=LONG:1");
    assert_eq!(
        outputs.artifacts.get("k").map(Json::to_text),
        Some(r#"{"from":"file"}"#.into())
    );
    // A wrong type fails the step, whether the file sets the param or not.
    let wrong = marked(r#"{"params":{"rows":"many"}}"#);
    let error = read(&wrong, Some(own), &types)
        .expect_err("has the wrong type")
        .to_string();
    assert!(error.contains(r#"`"rows": "many"`"#), "{error}");
}

#[test]
fn a_file_that_is_none_is_not_waited_for() {
    let dir = tempfile::tempdir().expect("a folder");
    let (log, fifo) = (dir.path().join("x.log"), dir.path().join("out"));
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &fifo,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .expect("makes");
    let error = collect(&log, &fifo, &Declared::default(), true, 0).expect_err("is refused");
    assert!(error.to_string().contains("not a file"), "{error}");
}

#[test]
fn an_output_of_more_than_750000_characters_is_refused() {
    let types = declared(&[("s", ParamType::String)]);
    let text = |length: usize| format!(r#"{{"params":{{"s":"{}"}}}}"#, "é".repeat(length - 20));
    read(b"", Some(text(750_000).as_bytes()), &types).expect("fits");
    for place in [None, Some(text(750_002))] {
        let log = if place.is_none() {
            marked(&text(750_002))
        } else {
            Vec::new()
        };
        let result = read(&log, place.as_deref().map(str::as_bytes), &types);
        assert!(
            matches!(result, Err(OutputError::TooLong { .. })),
            "{result:?}"
        );
    }
}

// Only a success sets it (BX-12), only where the step has it, and the job's own value counts.
#[test]
fn success_sets_a_declared_exit_code() {
    let dir = tempfile::tempdir().expect("a folder");
    let nowhere = dir.path().join("nothing");
    let types = declared(&[("exit_code", ParamType::Long)]);
    let of = |declared: &Declared, succeeded| {
        results(&collect(&nowhere, &nowhere, declared, succeeded, 7).expect("reads"))
    };
    assert_eq!(of(&types, true), "exit_code=LONG:0");
    assert_eq!(of(&types, false), "");
    assert_eq!(of(&Declared::default(), true), "");
}

proptest! {
    #[test]
    fn no_text_between_markers_makes_it_panic(text in "\\PC{0,80}", ty in 0usize..10) {
        let kinds = [ParamType::String, ParamType::Long, ParamType::Double, ParamType::Boolean, ParamType::StringMap,
            ParamType::StringArray, ParamType::LongArray, ParamType::DoubleArray, ParamType::BooleanArray, ParamType::Map];
        let types = declared(&[("a", kinds[ty])]);
        let _ = parse(text.as_bytes(), Place::Log, &types, 0);
        let _ = parse(format!(r#"{{"params":{{"a":{text}}}}}"#).as_bytes(), Place::Log, &types, 0);
    }
}

proptest! {
    // Each case is a megabyte.
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn markers_are_found_wherever_pieces_are_cut(before in 0usize..70, filler in 0usize..3) {
        let length = filler * 256 * 1024 + before;
        let (text, blanks) = ("y".repeat(length), " ".repeat(length));
        let log = format!("{text}{START}{{\"params\":{{\"a\":5}}}}{blanks}{END}");
        let outputs = read(log.as_bytes(), None, &declared(&[("a", ParamType::Long)])).expect("reads");
        prop_assert_eq!(results(&outputs), "a=LONG:5");
    }
}
