//! Merging: modes, types, sources (spec 02 sections 6 to 8), freezing (section 4).

use maestro_core::params::{ParamErrorKind as Kind, Stage, clean_up, freeze};
use maestro_model::codec::to_text;
use maestro_model::param::{ParamMap, ParamMode, ParamSource};

use crate::bed::{Bed, expression, merged, params, shown, stage};

const LAUNCH: Stage = Stage::fresh(ParamSource::Launch);
const DEFINITION: Stage = Stage::fresh(ParamSource::Definition);

fn show(params: &ParamMap, name: &str) -> String {
    to_text(&params[name])
}

#[test]
fn a_definition_may_not_loosen_or_fix_a_default() {
    // [02:20]
    let base = r#"{"h":{"value":"1","type":"STRING","mode":"MUTABLE_ON_START"}}"#;
    let loose = merged(
        base,
        r#"{"h":{"value":"9","type":"STRING","mode":"MUTABLE"}}"#,
        DEFINITION,
    )
    .unwrap_err();
    assert!(loose.message.contains("loosened"), "{loose}");
    let fixed = merged(
        base,
        r#"{"h":{"value":"9","type":"STRING","mode":"CONSTANT"}}"#,
        DEFINITION,
    )
    .unwrap_err();
    assert_eq!(
        (loose.kind, fixed.kind),
        (Kind::Validation, Kind::Validation)
    );
    assert!(fixed.message.contains("CONSTANT"), "{fixed}");
}

#[test]
fn an_equal_value_passes_in_any_mode() {
    // [02:21] [02:73]
    let base = r#"{"k":{"value":"a","type":"STRING","mode":"CONSTANT"}}"#;
    let same = merged(base, r#"{"k":{"value":"a","type":"STRING"}}"#, LAUNCH).unwrap();
    assert!(show(&same, "k").contains(r#""source":"LAUNCH""#));
    assert_eq!(
        merged(base, r#"{"k":{"value":"b","type":"STRING"}}"#, LAUNCH)
            .unwrap_err()
            .kind,
        Kind::Validation
    );
    let base = r#"{"k":{"value":1,"type":"LONG"}}"#;
    assert!(
        merged(
            base,
            r#"{"k":{"value":1,"type":"LONG","internal_mode":"OPTIONAL"}}"#,
            LAUNCH
        )
        .is_ok()
    );
    let reserved = merged(
        base,
        r#"{"k":{"value":1,"type":"LONG","internal_mode":"RESERVED"}}"#,
        LAUNCH,
    )
    .unwrap_err();
    assert!(reserved.message.contains("CONSTANT"), "{reserved}");
}

#[test]
fn literals_are_converted_to_the_type_of_the_base() {
    // [02:22]
    let base = r#"{"n":{"value":1,"type":"LONG"}}"#;
    let error = merged(base, r#"{"n":{"value":"abc","type":"STRING"}}"#, DEFINITION).unwrap_err();
    assert_eq!(error.kind, Kind::Validation);
    assert!(
        error.message.contains("STRING") && error.message.contains("LONG"),
        "{error}"
    );
    let twelve = merged(base, r#"{"n":{"value":"12","type":"STRING"}}"#, DEFINITION).unwrap();
    assert!(show(&twelve, "n").starts_with(r#"{"value":12,"type":"LONG""#));
    let later = merged(
        base,
        &format!(r#"{{"n":{}}}"#, expression("STRING", "'5'")),
        DEFINITION,
    )
    .unwrap();
    assert!(show(&later, "n").starts_with(r#"{"expression":"'5'","type":"LONG""#));
    let double = merged(
        r#"{"d":{"value":1.5,"type":"DOUBLE"}}"#,
        r#"{"d":{"value":15,"type":"DOUBLE"}}"#,
        LAUNCH,
    )
    .unwrap();
    assert!(
        show(&double, "d").starts_with(r#"{"value":15.0,"#),
        "{}",
        show(&double, "d")
    );
    let same = merged(
        r#"{"d":{"value":1.0,"type":"DOUBLE"}}"#,
        r#"{"d":{"value":1.00,"type":"DOUBLE","mode":"CONSTANT"}}"#,
        LAUNCH,
    );
    assert!(same.is_err(), "the mode is a change, the scale is none");
}

#[test]
fn entries_of_a_map_have_its_mode() {
    // [02:23] [02:24]
    let base = r#"{"m":{"value":{"a":{"value":1,"type":"LONG"},"b":{"value":2,"type":"LONG"}},"type":"MAP","mode":"MUTABLE_ON_START"}}"#;
    let restart = stage(ParamSource::Restart, false, true);
    let error = merged(
        base,
        r#"{"m":{"value":{"b":{"value":3,"type":"LONG"}},"type":"MAP"}}"#,
        restart,
    )
    .unwrap_err();
    assert!(error.message.starts_with("param `b`"), "{error}");
    let more = merged(
        base,
        r#"{"m":{"value":{"c":{"value":9,"type":"LONG"}},"type":"MAP"}}"#,
        restart,
    )
    .unwrap();
    let entry = &more["m"].entries().unwrap()["c"];
    assert_eq!(entry.mode, Some(ParamMode::MutableOnStart));
    assert_eq!(more["m"].entries().unwrap().len(), 3);
    let text = expression("MAP", "new Map()");
    let over = merged(
        &format!(r#"{{"m":{text}}}"#),
        r#"{"m":{"value":{},"type":"MAP"}}"#,
        LAUNCH,
    )
    .unwrap_err();
    assert_eq!(over.kind, Kind::IllegalArgument);
    let becomes = merged(
        r#"{"m":{"value":{},"type":"MAP"}}"#,
        &format!(r#"{{"m":{text}}}"#),
        LAUNCH,
    )
    .unwrap();
    assert!(becomes["m"].value().is_none());
}

#[test]
fn a_constant_string_map_can_be_extended() {
    // [02:25]: a quirk of the reference that is matched.
    let base = r#"{"m":{"value":{"k":"v"},"type":"STRING_MAP","mode":"CONSTANT"}}"#;
    let more = merged(
        base,
        r#"{"m":{"value":{"k":"w","z":"1"},"type":"STRING_MAP"}}"#,
        LAUNCH,
    )
    .unwrap();
    assert!(show(&more, "m").starts_with(r#"{"value":{"k":"w","z":"1"},"#));
}

#[test]
fn tags_are_united_and_validators_stay() {
    // [02:26] [02:74]
    let base = r#"{"k":{"value":1,"type":"LONG","tags":["t1"],"validator":"v"}}"#;
    let more = merged(
        base,
        r#"{"k":{"value":1,"type":"LONG","tags":["t2","t1"]}}"#,
        LAUNCH,
    )
    .unwrap();
    assert!(
        show(&more, "k").contains(r#""validator":"v""#)
            && more["k"].tags.as_ref().unwrap().len() == 2
    );
    let other = merged(
        r#"{"k":{"value":1,"type":"LONG","tags":[{"name":"t","k":1}]}}"#,
        r#"{"k":{"value":1,"type":"LONG","tags":[{"name":"t","k":2}]}}"#,
        LAUNCH,
    )
    .unwrap();
    assert_eq!(other["k"].tags.as_ref().unwrap().len(), 2);
}

#[test]
fn what_is_optional_and_empty_goes() {
    let entries = r#"{"gone":{"type":"LONG","internal_mode":"OPTIONAL"},"m":{"type":"MAP","internal_mode":"OPTIONAL","value":{
        "x":{"type":"LONG","internal_mode":"OPTIONAL"}}},"kept":{"value":1,"type":"LONG","internal_mode":"OPTIONAL"}}"#;
    let cleaned = clean_up(params(entries)).unwrap();
    assert_eq!(cleaned.keys().map(|k| &**k).collect::<Vec<_>>(), ["kept"]);
    assert!(!to_text(&cleaned).contains("internal_mode"));
    let error = clean_up(params(
        r#"{"m":{"type":"MAP","value":{"x":{"type":"LONG","internal_mode":"REQUIRED"}}}}"#,
    ))
    .unwrap_err();
    assert_eq!(error.kind, Kind::IllegalArgument);
    assert!(error.message.contains("`x`"), "{error}");
}

#[test]
fn a_parent_may_loosen_but_not_for_long() {
    // [02:48]
    let base = r#"{"RUN_DATE":{"value":"a","type":"STRING","mode":"MUTABLE_ON_START"}}"#;
    let incoming = r#"{"RUN_DATE":{"value":"x","type":"STRING","mode":"MUTABLE"}}"#;
    let upstream = stage(ParamSource::Definition, true, false);
    let passed = merged(base, incoming, upstream).unwrap();
    assert_eq!(passed["RUN_DATE"].mode, Some(ParamMode::MutableOnStart));
    assert_eq!(
        merged(base, incoming, DEFINITION).unwrap_err().kind,
        Kind::Validation
    );
    // A param of the parent that a user gave passes any mode, one of its definition does not.
    let base = r#"{"k":{"value":2,"type":"LONG","mode":"CONSTANT"}}"#;
    let child = stage(ParamSource::Subworkflow, true, false);
    let given = |source| format!(r#"{{"k":{{"value":1,"type":"LONG","source":"{source}"}}}}"#);
    assert!(merged(base, &given("DEFINITION"), child).is_err());
    let passed = merged(base, &given("LAUNCH"), child).unwrap();
    assert!(show(&passed, "k").contains(r#""source":"SUBWORKFLOW""#));
}

#[test]
fn evaluated_params_are_frozen_to_be_passed_on() {
    // [02:69]
    let mut bed = Bed::new(
        &format!(
            r#"{{"a":{},"m":{{"value":{{"n":{}}},"type":"MAP"}},"i":{{"expression":"RUN_TS","type":"LONG","mode":"IMMUTABLE"}},"e":{}}}"#,
            expression("STRING", "4 * 4"),
            expression("LONG", "'31'"),
            expression("MAP", "m = new Map(); m.put('x', 1.5); m")
        ),
        &[],
    );
    let p = bed.start("{}").unwrap();
    let frozen = |name: &str| to_text(&freeze(name, &p[name]).unwrap());
    assert!(
        frozen("a").starts_with(r#"{"value":"16","type":"STRING","#)
            && frozen("a").contains("info")
    );
    assert!(
        frozen("m").contains(r#""n":{"value":31,"type":"LONG""#) && frozen("m").contains("warn"),
        "{}",
        frozen("m")
    );
    assert!(
        frozen("i").starts_with(r#"{"expression":"RUN_TS","#),
        "{}",
        frozen("i")
    );
    assert!(
        frozen("e").starts_with(r#"{"value":{"x":{"value":1.5,"type":"DOUBLE""#),
        "{}",
        frozen("e")
    );
    // A child's merge drops the remarks.
    let mut child = Bed::new("{}", &[]);
    child.initiator = maestro_model::run::Initiator::Upstream {
        kind: maestro_model::run::UpstreamKind::Subworkflow,
        ancestors: maestro_model::run::Ancestors::new(vec![maestro_model::run::Ancestor {
            workflow_id: "p".into(),
            instance_id: 1,
            run_id: 1,
            step_id: None,
            step_attempt_id: 1,
            sync: None,
        }])
        .unwrap(),
    };
    let own = child.start(&format!(r#"{{"a":{}}}"#, frozen("a"))).unwrap();
    assert!(!shown(&own, "a").contains("info"), "{}", shown(&own, "a"));
    assert!(shown(&own, "a").contains(r#""source":"SUBWORKFLOW""#));
}
