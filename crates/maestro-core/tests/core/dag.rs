//! Spec 05 section 9: DAG, conditions, joins, the sequence of statuses.

use maestro_model::param::EvaluatedValue;
use maestro_model::state::{Stamp, StepStatus};

use maestro_core::Settings;
use maestro_core::message::{News, Outcome};

use crate::world::{SHELL, T0, World, graph};

const OWNER: &str = r#"{"owner":"tester"}"#;

#[test]
fn a_noop_passes_through_every_status() {
    // [06:1] [09:51] [05:61] [06:2]
    let w = World::play(&graph("a", &[]), OWNER, |w| {
        w.start();
    });
    assert_eq!(w.summary(), "1: SUCCEEDED a=SUCCEEDED");
    let path = "NOT_CREATED CREATED INITIALIZED WAITING_FOR_SIGNALS EVALUATING_PARAMS WAITING_FOR_PERMITS STARTING \
                RUNNING FINISHING SUCCEEDED";
    let names: Vec<&str> = path.split_whitespace().collect();
    let mut expected = vec!["1.1 CREATED->IN_PROGRESS".to_owned()];
    expected.extend(
        names
            .windows(2)
            .map(|p| format!("1.1#0#1 {}->{}", p[0], p[1])),
    );
    expected.push("1.1 IN_PROGRESS->SUCCEEDED".to_owned());
    assert_eq!(w.rows.events, expected);
    let step = w.step("a", 1);
    for stamp in Stamp::ALL {
        assert_eq!(
            step.times.get(stamp).is_some(),
            stamp != Stamp::Pause,
            "{}",
            stamp.field()
        );
    }
    assert_eq!(
        w.timeline("a", 1),
        [
            "Step is waiting for its tag permits.",
            "Step acquired its tag permits."
        ]
    );
    assert_eq!(w.run(1).head.timeline.events().len(), 1);
}

#[test]
fn ids_of_steps_count_from_three() {
    // [06:70] [06:10]
    let w = World::play(&graph("a>b b>c", &[]), OWNER, |w| {
        w.start();
    });
    let seqs: Vec<u32> = ["a", "b", "c"].map(|s| w.step(s, 1).seq).into();
    assert_eq!(seqs, [3, 4, 5]);
    let w = World::play(&graph("a>b a>c b>d c>d", &[]), OWNER, |w| {
        w.start();
    });
    let seqs: Vec<u32> = ["a", "b", "c", "d"].map(|s| w.step(s, 1).seq).into();
    assert_eq!(seqs, [3, 5, 6, 8]);
}

#[test]
fn a_join_runs_if_one_branch_leads_to_it() {
    // [05:26] [06:4] [R-33]
    let w = World::play(&graph("a>b:false a>c b>d c>d b>e e>f", &[]), OWNER, |w| {
        w.start();
    });
    assert_eq!(
        w.summary(),
        "1: SUCCEEDED a=SUCCEEDED b=UNSATISFIED c=SUCCEEDED d=SUCCEEDED e=UNSATISFIED f=UNSATISFIED"
    );
}

#[test]
fn a_dead_path_goes_through_joins() {
    // [05:27] [06:3]
    let w = World::play(&graph("a>b:false a>c:false b>d c>d", &[]), OWNER, |w| {
        w.start();
    });
    assert_eq!(
        w.summary(),
        "1: SUCCEEDED a=SUCCEEDED b=UNSATISFIED c=UNSATISFIED d=UNSATISFIED"
    );
    assert_eq!(
        w.step("b", 1).conditions.as_ref().and_then(|c| c.get(0)),
        Some(false)
    );
}

#[test]
fn conditions_read_boolean_params_of_step_and_workflow() {
    let steps = r#"[{"step":{"id":"a","type":"NoOp","params":{"ok":{"type":"BOOLEAN","value":true}},
        "transition":{"successors":{"b":"ok","c":"!ok","d":"all","e":"!all"}}}},
        {"step":{"id":"b","type":"NoOp"}},{"step":{"id":"c","type":"NoOp"}},
        {"step":{"id":"d","type":"NoOp"}},{"step":{"id":"e","type":"NoOp"}}]"#;
    let text = format!(
        r#"{{"id":"w","params":{{"all":{{"type":"BOOLEAN","value":false}},"ok":{{"type":"BOOLEAN","value":false}}}},"steps":{steps}}}"#
    );
    let w = World::play(&text, OWNER, |w| {
        w.start();
    });
    assert_eq!(
        w.summary(),
        "1: SUCCEEDED a=SUCCEEDED b=SUCCEEDED c=UNSATISFIED d=UNSATISFIED e=SUCCEEDED"
    );
}

#[test]
fn a_faulty_condition_fails_the_step_that_has_it() {
    // [05:32] [06:5] [06:71]
    let text = graph(
        "a>b a>c:nobody a>d",
        &[("a", r#""type":"NoOp","failure_mode":"IGNORE_FAILURE""#)],
    );
    let w = World::play(&text, OWNER, |w| {
        w.start();
    });
    assert_eq!(w.summary(), "1: FAILED a=INTERNALLY_FAILED");
    let conditions = w.step("a", 1).conditions.as_ref().unwrap();
    assert_eq!(
        [0, 1, 2].map(|i| conditions.get(i)),
        [Some(true), None, None]
    );
    let last: Vec<&str> = w
        .rows
        .events
        .iter()
        .rev()
        .skip(1)
        .take(2)
        .map(|e| e.split(' ').nth(1).unwrap())
        .collect();
    assert_eq!(
        last,
        ["SUCCEEDED->INTERNALLY_FAILED", "FINISHING->SUCCEEDED"]
    );
    assert!(w.timeline("a", 1).last().unwrap().contains("`nobody`"));
}

#[test]
fn an_output_steers_a_branch() {
    let shell = r#""type":"Shell","params":{"shell":{"type":"MAP","value":{}},"ok":{"type":"BOOLEAN","value":false}}"#;
    let w = World::play(
        &graph("a>load:ok a>quarantine:!ok", &[("a", shell)]),
        OWNER,
        |w| {
            w.start();
            w.report(1, "a", News::Started);
            let outputs = World::outputs("ok", EvaluatedValue::Boolean(true));
            w.report(1, "a", News::Ended(Outcome::Done { outputs }));
        },
    );
    assert_eq!(
        w.summary(),
        "1: SUCCEEDED a=SUCCEEDED load=SUCCEEDED quarantine=UNSATISFIED"
    );
}

#[test]
fn an_output_that_is_not_declared_breaks_the_step() {
    // [06:60]
    let w = World::play(&graph("a", &[("a", SHELL)]), OWNER, |w| {
        w.start();
        w.report(1, "a", News::Started);
        let outputs = World::outputs("nobody", EvaluatedValue::Long(1));
        w.report(1, "a", News::Ended(Outcome::Done { outputs }));
    });
    assert_eq!(w.summary(), "1: FAILED a=INTERNALLY_FAILED");
    assert!(w.timeline("a", 1).last().unwrap().contains("`nobody`"));
}

#[test]
fn a_join_waits_for_all_and_starts_at_once() {
    // [09:29]
    let w = World::play(
        &graph("a>b a>c b>d c>d", &[("b", SHELL), ("c", SHELL)]),
        OWNER,
        |w| {
            w.start();
            w.done(1, "b");
            assert_eq!(
                w.summary(),
                "1: IN_PROGRESS a=SUCCEEDED b=SUCCEEDED c=STARTING"
            );
            w.done(1, "c");
        },
    );
    assert_eq!(
        w.summary(),
        "1: SUCCEEDED a=SUCCEEDED b=SUCCEEDED c=SUCCEEDED d=SUCCEEDED"
    );
}

#[test]
fn a_sleep_is_longer_than_what_was_asked_for() {
    let sleep = r#""type":"Sleep","params":{"sleep_seconds":{"type":"LONG","value":2}}"#;
    let w = World::play(&graph("a", &[("a", sleep)]), OWNER, |w| {
        w.start();
        w.pass(2000);
        assert_eq!(w.summary(), "1: IN_PROGRESS a=RUNNING");
        w.pass(1);
    });
    assert_eq!(w.summary(), "1: SUCCEEDED a=SUCCEEDED");
    assert_eq!(w.run(1).head.end_time, Some(T0 + 2001));
}

#[test]
fn a_sleep_without_a_number_fails_internally() {
    let sleep = r#""type":"Sleep","params":{"sleep_seconds":{"type":"STRING","value":"2"}}"#;
    let w = World::play(&graph("a", &[("a", sleep)]), OWNER, |w| {
        w.start();
    });
    assert_eq!(w.summary(), "1: FAILED a=INTERNALLY_FAILED");
}

#[test]
fn a_wide_fan_out_is_cut_into_turns_and_loses_nothing() {
    // [09:56] [06:57]
    let edges: String = (0..2_000).map(|i| format!("root>s{i} s{i}>end ")).collect();
    let mut w = World::new(
        &graph(&edges, &[]),
        r#"{"owner":"t","step_concurrency":10}"#,
    );
    w.start();
    let all = w
        .rows
        .steps
        .values()
        .filter(|(s, _)| s.status == StepStatus::Succeeded)
        .count();
    assert_eq!((w.status(1), all), ("SUCCEEDED", 2_002));
}

#[test]
fn at_most_twenty_steps_of_a_workflow_are_at_work() {
    // [06:57]
    let shells: Vec<(String, &str)> = (0..25).map(|i| (format!("s{i}"), SHELL)).collect();
    let types: Vec<(&str, &str)> = shells
        .iter()
        .map(|(id, body)| (id.as_str(), *body))
        .collect();
    let edges: String = (0..25).map(|i| format!("s{i} ")).collect();
    let w = World::play(&graph(&edges, &types), OWNER, |w| {
        w.start();
        let count = |w: &World, status| {
            w.rows
                .steps
                .values()
                .filter(|(s, _)| s.status == status)
                .count()
        };
        assert_eq!(
            (
                count(w, StepStatus::Starting),
                count(w, StepStatus::WaitingForPermits)
            ),
            (20, 5)
        );
        for i in 0..25 {
            w.done(1, &format!("s{i}"));
        }
    });
    assert_eq!(w.status(1), "SUCCEEDED");
}

#[test]
fn params_beyond_the_fuel_are_evaluated_elsewhere() {
    let step = r#""type":"NoOp","params":{"x":{"type":"LONG","expression":"n = 0; for (i = 0; i < 9; i += 1) n += i; n"}}"#;
    let settings = Settings {
        evaluation_fuel: 0,
        ..Settings::default()
    };
    let w = World::play_with(&graph("a>b", &[("a", step)]), OWNER, settings, |w| {
        w.start();
    });
    assert_eq!(w.summary(), "1: SUCCEEDED a=SUCCEEDED b=SUCCEEDED");
}

#[test]
fn a_definition_with_a_cycle_has_no_plan() {
    // [05:36]
    let text = graph("a>b b>c c>b", &[]);
    let workflow = maestro_model::codec::read(text.as_bytes()).unwrap();
    let error =
        maestro_core::plan::Plan::compile(std::sync::Arc::new(workflow), 1, Default::default())
            .unwrap_err();
    assert_eq!(error.to_string(), "the steps form a cycle: b -> c -> b");
}
