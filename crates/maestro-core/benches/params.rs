//! What params cost: `cargo bench -p maestro-core`.

use std::sync::Arc;

use maestro_core::Results;
use maestro_core::params::{
    Facts, Moment, NoSteps, Nothing, Rules, RunParams, StartedBy, StepFacts, StepInput,
    evaluate_start, evaluate_step,
};
use maestro_core::plan::Plan;
use maestro_model::codec::{read, to_text};
use maestro_model::definition::Workflow;
use maestro_model::param::ParamMap;
use maestro_model::run::Initiator;
use maestro_model::state::{InstanceRef, RunPolicy};
use uuid::Uuid;

fn main() {
    divan::main();
}

const NOW: i64 = 1_640_998_800_000;

/// 20 literals and 5 expressions.
fn definition() -> String {
    let literals: Vec<String> = (0..20)
        .map(|i| match i % 4 {
            0 => format!(r#""p{i}":{{"value":"text number {i}","type":"STRING"}}"#),
            1 => format!(r#""p{i}":{{"value":{i},"type":"LONG"}}"#),
            2 => format!(r#""p{i}":{{"value":{i}.5,"type":"DOUBLE"}}"#),
            _ => format!(r#""p{i}":{{"value":["a","b","c"],"type":"STRING_ARRAY"}}"#),
        })
        .collect();
    let expressions = [
        ("e1", "STRING", "p0 + '-' + p1"),
        ("e2", "LONG", "p1 * 3 + p5"),
        ("e3", "BOOLEAN", "p2 > 1.0 && p9 < 10"),
        (
            "e4",
            "STRING",
            "new DateTime(run_ts, DateTimeZone.UTC).minusDays(1).toString('yyyy-MM-dd')",
        ),
        ("e5", "STRING", "p3[1] + e1"),
    ]
    .map(|(name, ty, text)| format!(r#""{name}":{{"expression":"{text}","type":"{ty}"}}"#));
    format!(
        r#"{{"id":"w","params":{{"run_ts":{{"value":{NOW},"type":"LONG"}}}},"steps":[{{"step":{{"id":"s","type":"NoOp","params":{{{},{}}}}}}}]}}"#,
        literals.join(","),
        expressions.join(",")
    )
}

fn plan(text: &str) -> Plan {
    let workflow: Workflow = read(text.as_bytes()).expect("a definition");
    Plan::compile(Arc::new(workflow), 1, Arc::new(Rules::default())).expect("a plan")
}

fn facts<'a>(plan: &'a Plan, initiator: &'a Initiator) -> Facts<'a> {
    Facts {
        workflow: &plan.workflow,
        id: Some(InstanceRef {
            instance: 1,
            run: 1,
        }),
        policy: RunPolicy::StartFreshNewRun,
        started_by: StartedBy::Initiator(initiator),
        owner: "ada",
        created: NOW,
        uuid: Uuid::from_u128(5),
    }
}

/// From a compiled definition to the evaluated params of an attempt as JSON.
#[divan::bench]
fn step_of_20_literals_and_5_expressions(bencher: divan::Bencher<'_, '_>) {
    step(bencher, true);
}

/// The part of it that the engine does when the step runs.
#[divan::bench]
fn the_same_without_json(bencher: divan::Bencher<'_, '_>) {
    step(bencher, false);
}

fn step(bencher: divan::Bencher<'_, '_>, json: bool) {
    let plan = plan(&definition());
    let initiator = Initiator::manual("ana".into());
    let results = Results::default();
    let set = plan.step(0).params.as_ref().expect("params");
    let input = StepInput {
        plan: &plan,
        set,
        run: RunParams::new(&plan, &results, facts(&plan, &initiator)),
        step: StepFacts {
            id: &plan.step(0).id,
            uuid: Uuid::from_u128(9),
            attempt: 1,
            seq: 1,
            type_info: "NOOP",
            error_retries: 0,
            now: NOW,
        },
        steps: &NoSteps,
        outside: &Nothing,
    };
    bencher.bench_local(|| {
        let mut moment = Moment::new(NOW, &input.step.uuid);
        let results = evaluate_step(input, &mut moment).expect("params");
        if json {
            to_text(&input.all(&results)).len()
        } else {
            results.values.len()
        }
    });
}

/// The params of a start without any of its own.
#[divan::bench]
fn plain_start(bencher: divan::Bencher<'_, '_>) {
    start(bencher, "{}");
}

/// A start that pins `RUN_TS`, so that all defaults are evaluated and stored.
#[divan::bench]
fn start_with_a_run_time(bencher: divan::Bencher<'_, '_>) {
    start(
        bencher,
        r#"{"RUN_TS":{"value":1640998800000,"type":"LONG"}}"#,
    );
}

fn start(bencher: divan::Bencher<'_, '_>, run_params: &str) {
    let plan = plan(&definition());
    let initiator = Initiator::manual("ana".into());
    let run_params: ParamMap = read(run_params.as_bytes()).expect("params");
    bencher.bench_local(|| {
        let mut moment = Moment::new(NOW, &Uuid::from_u128(5));
        let results = evaluate_start(
            &plan,
            &run_params,
            facts(&plan, &initiator),
            &Nothing,
            &mut moment,
        );
        results.expect("params").to_json().len()
    });
}
