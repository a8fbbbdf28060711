//! Restarts, ad-hoc params, and what goes down to children (spec 02 sections 11, 18, 19).

use maestro_core::params::{
    AdHoc, Combinations, LoopValues, Moment, Nothing, ParamErrorKind as Kind, Parent, RunParams,
    evaluate_set, iteration_params, loop_base, restart_set, step_set, subworkflow_params,
};
use maestro_model::codec::to_text;
use maestro_model::param::{EvaluatedValue, ParamMap, ParamSource, Params};
use maestro_model::run::{Ancestor, Ancestors, Initiator, UpstreamKind};
use uuid::Uuid;

use crate::bed::{Bed, NOW, expression, params, result, shown, stage};

/// Evaluates a restart an hour after the first run.
fn restart(
    bed: &Bed,
    previous: Option<&Params>,
    given: &str,
) -> Result<Params, maestro_core::params::ParamError> {
    let at_restart = stage(ParamSource::Restart, false, true);
    let set = restart_set(
        &bed.plan,
        previous,
        &ParamMap::default(),
        &params(given),
        at_restart,
    )?;
    let facts = maestro_core::params::Facts {
        created: NOW + 3_600_000,
        ..bed.facts()
    };
    let mut moment = Moment::new(facts.created, &Uuid::from_u128(6));
    let results = evaluate_set(&set, &bed.plan, facts, &Nothing, &mut moment)?;
    Ok(RunParams::with_set(&bed.plan, &set, &results, facts).all())
}

#[test]
fn a_restart_keeps_results_as_literals() {
    // [02:49]
    let mut bed = Bed::new(
        &format!(
            r#"{{"i":{{"expression":"System.currentTimeMillis()","type":"LONG","mode":"IMMUTABLE"}},"m":{}}}"#,
            expression("LONG", "System.currentTimeMillis()")
        ),
        &[],
    );
    let first = bed.start("{}").unwrap();
    let again = restart(&bed, Some(&first), "{}").unwrap();
    assert_eq!(result(&again, "RUN_TS"), NOW.to_string());
    assert!(
        shown(&again, "RUN_TS").starts_with(&format!(r#"{{"value":{NOW},"#)),
        "{}",
        shown(&again, "RUN_TS")
    );
    assert_eq!(result(&again, "m"), NOW.to_string());
    assert_eq!(result(&again, "i"), (NOW + 3_600_000).to_string());
    assert!(
        shown(&again, "m").contains(r#""source":"DEFINITION""#),
        "{}",
        shown(&again, "m")
    );
    // Without a run before it, it starts from the definition (W-2a).
    let fresh = restart(&bed, None, "{}").unwrap();
    assert_eq!(result(&fresh, "m"), (NOW + 3_600_000).to_string());
}

#[test]
fn a_restart_may_change_less_than_a_start() {
    // [02:50] [02:51] [02:52]
    let mut bed = Bed::new(
        &format!(
            r#"{{"a":{},"b":{{"value":1,"type":"LONG"}},"e":{{"value":"$$x","type":"STRING"}},"x":{{"value":3,"type":"LONG"}}}}"#,
            expression("LONG", "b + 1")
        ),
        &[],
    );
    let first = bed.start("{}").unwrap();
    let zone = |zone: &str| format!(r#"{{"DSL_DEFAULT_TZ":{{"value":"{zone}","type":"STRING"}}}}"#);
    assert_eq!(
        restart(&bed, Some(&first), &zone("CET")).unwrap_err().kind,
        Kind::Validation
    );
    assert!(restart(&bed, Some(&first), &zone("UTC")).is_ok());
    let again = restart(&bed, Some(&first), r#"{"b":{"value":5,"type":"LONG"}}"#).unwrap();
    assert_eq!(
        (result(&again, "b"), result(&again, "a")),
        ("5".into(), "2".into())
    );
    assert!(shown(&again, "b").contains(r#""source":"RESTART""#));
    // A frozen text is put together once more: a quirk that is matched (I-9).
    assert_eq!(
        (result(&first, "e"), result(&again, "e")),
        (r#""$x""#.into(), r#""3""#.into())
    );
    let mut bed = Bed::new(r#"{"e":{"value":"$$x","type":"STRING"}}"#, &[]);
    let first = bed.start("{}").unwrap();
    assert!(restart(&bed, Some(&first), "{}").is_err());
}

#[test]
fn params_of_an_attempt_have_their_places() {
    // [02:53]
    let bed = Bed::new(
        "{}",
        &[(
            "s",
            r#"{"p1":{"value":1,"type":"LONG"},"p2":{"value":2,"type":"LONG"}}"#,
        )],
    );
    let ad_hoc = AdHoc {
        run: params(r#"{"p2":{"value":20,"type":"LONG"},"p3":{"value":30,"type":"LONG"}}"#),
        restart: params(r#"{"p2":{"value":200,"type":"LONG"},"pp":{"value":400,"type":"LONG"}}"#),
        ..AdHoc::default()
    };
    let at_restart = stage(ParamSource::Restart, false, true);
    let set = step_set(&bed.plan, 0, &ad_hoc, at_restart).unwrap();
    let names: Vec<&str> = set.definitions().keys().map(|n| &**n).skip(4).collect();
    assert_eq!(names, ["pp", "p3", "p1", "p2"]);
    let text = |name: &str| to_text(&set.definitions()[name]);
    assert!(text("p2").starts_with(r#"{"value":200,"#) && text("p2").contains("RESTART"));
    assert!(text("p1").contains("DEFINITION") && text("p3").contains("RESTART"));
    let fixed = AdHoc {
        restart: params(r#"{"step_id":{"value":"x","type":"STRING"}}"#),
        ..AdHoc::default()
    };
    assert_eq!(
        step_set(&bed.plan, 0, &fixed, at_restart).unwrap_err().kind,
        Kind::Validation
    );
}

fn step_params(bed: &Bed, step: &str) -> Params {
    bed.with_input(step, &Nothing, |input| {
        let mut moment = Moment::new(NOW, &input.step.uuid);
        let results = maestro_core::params::evaluate_step(input, &mut moment)?;
        Ok(input.all(&results))
    })
    .unwrap()
}

/// A loop step is no leaf, so the bed makes a NoOp with the same params.
fn looping(loop_params: &str) -> (Params, ParamMap) {
    let definition = format!(r#"{{"loop_params":{{"value":{{{loop_params}}},"type":"MAP"}}}}"#);
    let bed = Bed::new("{}", &[("f", &definition)]);
    (step_params(&bed, "f"), params(&definition))
}

#[test]
fn a_foreach_goes_through_all_combinations() {
    // [02:42] [02:71] [02:43]
    let of = |text: &str| {
        let (step, _) = looping(text);
        Combinations::new(&step["loop_params"], 25_000)
    };
    let all = of(r#""i":{"value":[1,2,3],"type":"LONG_ARRAY"},"j":{"value":["a","b"],"type":"STRING_ARRAY"}"#).unwrap();
    let shown: Vec<String> = (0..all.count()).map(|n| to_text(&all.get(n))).collect();
    assert_eq!(
        shown,
        [
            r#"{"i":1,"j":"a"}"#,
            r#"{"i":2,"j":"a"}"#,
            r#"{"i":3,"j":"a"}"#,
            r#"{"i":1,"j":"b"}"#,
            r#"{"i":2,"j":"b"}"#,
            r#"{"i":3,"j":"b"}"#
        ]
    );
    assert_eq!(
        of("").unwrap().count(),
        1,
        "no loop params make one iteration"
    );
    assert_eq!(
        of(r#""i":{"value":[],"type":"LONG_ARRAY"}"#)
            .unwrap()
            .count(),
        0
    );
    assert_eq!(
        of(r#""i":{"value":5,"type":"LONG"}"#).unwrap_err().kind,
        Kind::Internal
    );
    let texts = of(&format!(
        r#""i":{}"#,
        expression("STRING_ARRAY", "Util.intsBetween(0, 2, 1)")
    ))
    .unwrap();
    assert_eq!(
        to_text(&texts.get(1)),
        r#"{"i":"1"}"#,
        "converted to the declared type"
    );
    let many = of(r#""i":{"value":[1,2,3],"type":"LONG_ARRAY"}"#)
        .map(|_| ())
        .and_then(|()| {
            let (step, _) = looping(r#""i":{"value":[1,2,3],"type":"LONG_ARRAY"}"#);
            Combinations::new(&step["loop_params"], 2)
        });
    assert_eq!(many.unwrap_err().kind, Kind::IllegalArgument);
}

#[test]
fn a_while_goes_on_with_what_its_steps_supply() {
    // [02:45] [02:70] [02:43]
    let (step, _) = looping(&format!(r#""left":{}"#, expression("LONG", "'40'")));
    let mut values = LoopValues::new(&step["loop_params"]).unwrap();
    assert_eq!(
        to_text(values.raw()),
        r#"{"left":"40"}"#,
        "raw, as the artifact shows it"
    );
    assert_eq!(to_text(&values.typed().unwrap()), r#"{"left":40}"#);
    let supplied = Bed::new(
        "{}",
        &[(
            "s",
            r#"{"left":{"value":"20","type":"STRING"},"other":{"value":1,"type":"LONG"}}"#,
        )],
    );
    values.advance([&step_params(&supplied, "s")]);
    assert_eq!(
        (to_text(values.raw()), to_text(&values.typed().unwrap())),
        (r#"{"left":"20"}"#.into(), r#"{"left":20}"#.into())
    );
    let scope = values.scope(&step).unwrap();
    assert!(!scope.contains_key("loop_params") && scope["left"] == EvaluatedValue::Long(20));
    let (step, _) = looping(r#""i":{"value":[1],"type":"LONG_ARRAY"}"#);
    assert_eq!(
        LoopValues::new(&step["loop_params"]).unwrap_err().kind,
        Kind::Internal
    );
}

#[test]
fn an_iteration_gets_everything_of_its_parent() {
    // [02:44]: the index of the outer loop is a param of the workflow of the inner one.
    let mut bed = Bed::new(
        r#"{"w":{"value":"x","type":"STRING"}}"#,
        &[(
            "f",
            r#"{"loop_params":{"value":{"i":{"value":[1],"type":"LONG_ARRAY"}},"type":"MAP"},"own":{"value":"${w}y","type":"STRING"}}"#,
        )],
    );
    let run = bed.start("{}").unwrap();
    let step = step_params(&bed, "f");
    let declared = bed.plan.definition(0).params.clone().unwrap();
    let parent = Parent {
        run: &run,
        step: &step,
        declared: &declared,
    };
    let base = loop_base(parent).unwrap();
    let values = Combinations::new(&step["loop_params"], 10).unwrap().get(0);
    let given = iteration_params(&base, 0, &values, true);
    let text = |name: &str| to_text(&given[name]);
    assert_eq!(
        (text("loop_index"), text("i"), text("condition")),
        (
            r#"{"value":0,"type":"LONG"}"#.into(),
            r#"{"value":1,"type":"LONG"}"#.into(),
            r#"{"value":true,"type":"BOOLEAN"}"#.into()
        )
    );
    assert!(
        !given.contains_key("loop_params")
            && text("own").contains("xy")
            && text("w").contains("DEFINITION")
    );
}

fn upstream() -> Initiator {
    Initiator::Upstream {
        kind: UpstreamKind::Subworkflow,
        ancestors: Ancestors::new(vec![Ancestor {
            workflow_id: "p".into(),
            instance_id: 1,
            run_id: 1,
            step_id: Some("sub".into()),
            step_attempt_id: 1,
            sync: None,
        }])
        .unwrap(),
    }
}

#[test]
fn a_child_takes_over_the_params_of_its_parent() {
    // [02:46] [02:47]
    let step =
        r#"{"subworkflow_id":{"value":"wf","type":"STRING"},"extra":{"value":9,"type":"LONG"}}"#;
    let pass = |parent: &str, start: &str, explicit: bool| {
        let mut bed = Bed::new(parent, &[("sub", step)]);
        let run = bed.start(start).unwrap();
        let step = step_params(&bed, "sub");
        let declared = bed.plan.definition(0).params.clone().unwrap();
        let parent = Parent {
            run: &run,
            step: &step,
            declared: &declared,
        };
        to_text(&subworkflow_params(parent, explicit, &["owner".into()]).unwrap())
    };
    let constant = r#"{"k":{"value":1,"type":"LONG","mode":"CONSTANT"}}"#;
    let implicit = pass(constant, "{}", false);
    assert!(
        implicit.contains("\"workflow_id\"")
            && implicit.contains("\"extra\"")
            && !implicit.contains("subworkflow_id")
    );
    let explicit = pass(constant, "{}", true);
    assert!(
        explicit.contains("\"owner\"")
            && explicit.contains("\"extra\"")
            && !explicit.contains("\"k\"")
            && !explicit.contains("RUN_TS")
    );

    let child = |definition: &str, given: &str| {
        let mut bed = Bed::new(definition, &[]);
        bed.initiator = upstream();
        bed.start(given)
    };
    let p = child("{}", &implicit).unwrap();
    assert!(
        shown(&p, "k").contains(r#""source":"SUBWORKFLOW""#)
            && shown(&p, "RUN_TS").starts_with(r#"{"value":"#)
    );
    let own = r#"{"k":{"value":2,"type":"LONG"}}"#;
    assert_eq!(
        child(own, &implicit).unwrap_err().kind,
        Kind::Validation,
        "the parent's is CONSTANT"
    );
    let fixed = r#"{"k":{"value":2,"type":"LONG","mode":"CONSTANT"}}"#;
    let loose = pass(r#"{"k":{"value":1,"type":"LONG"}}"#, "{}", false);
    assert_eq!(
        child(fixed, &loose).unwrap_err().kind,
        Kind::Validation,
        "the child's is CONSTANT"
    );
    let launched = pass(
        r#"{"k":{"value":1,"type":"LONG"}}"#,
        r#"{"k":{"value":5,"type":"LONG"}}"#,
        false,
    );
    assert_eq!(result(&child(fixed, &launched).unwrap(), "k"), "5");
}
