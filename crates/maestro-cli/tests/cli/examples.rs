//! The examples of the repository, and what they survive.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use maestro_model::json::Json;

use crate::bed::{Home, Server};

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples")
}

fn example(name: &str) -> String {
    examples().join(name).to_str().unwrap().to_owned()
}

/// The orders, made by the script that the examples come with.
fn orders() -> String {
    static ONE: Mutex<()> = Mutex::new(());
    let _one = ONE.lock().unwrap();
    let made = examples().join("data/orders.csv");
    let made_now = Command::new("python3")
        .arg(examples().join("make-data.py"))
        .output()
        .unwrap();
    assert!(made_now.status.success(), "{made_now:?}");
    made.to_str().unwrap().to_owned()
}

fn get(home: &Home, server: &Server, what: &[&str]) -> Option<Json> {
    let mut args = vec!["--server", &server.url, "--json", "get"];
    args.extend(what);
    let said = home.run(&args);
    (said.status == 0).then(|| Json::parse(said.stdout.as_bytes()).unwrap())
}

fn text(json: &Json, pointer: &str) -> String {
    json.pointer(pointer)
        .and_then(Json::as_str)
        .unwrap_or_default()
        .to_owned()
}

#[test]
fn the_etl_example_makes_its_chart_or_puts_bad_rows_aside() {
    let home = Home::new();
    let source = format!("source={}", orders());
    let run = |more: &[&str]| {
        let mut args = vec!["run", "--local", "--param", &source];
        args.extend(more);
        let file = example("etl.yaml");
        args.push(&file);
        let said = home.run(&args);
        assert_eq!(said.status, 0, "{said:?}");
        said
    };
    let said = run(&["--logs"]);
    let chart = said
        .stdout
        .split("chart: ")
        .nth(1)
        .expect("the report names its chart")
        .lines()
        .next()
        .unwrap();
    let svg = std::fs::read_to_string(chart).unwrap();
    assert!(svg.starts_with("<svg"));
    // The path and the title are put together from params and outputs.
    assert!(chart.contains("/orders/day=2"), "{chart}");
    assert!(
        svg.contains("<title>") && svg.contains(" orders of 2"),
        "{svg}"
    );
    let said = run(&["--param", "max_bad=0"]);
    assert!(
        said.stderr.contains("quarantine: SUCCEEDED") && said.stderr.contains("load: UNSATISFIED"),
        "{said:?}"
    );
}

#[test]
fn the_flaky_example_succeeds_at_the_third_attempt() {
    let home = Home::new();
    let server = home.server();
    let said = home.run(&["--server", &server.url, "run", &example("flaky.yaml")]);
    assert_eq!(said.status, 0, "{said:?}");
    let step = get(&home, &server, &["flaky", "1", "fetch"]).unwrap();
    assert_eq!(
        step.pointer("/step_attempt_id").and_then(Json::as_i64),
        Some(3)
    );
}

/// The workflows in a page of the reference.
fn workflows_of(page: &str) -> Vec<String> {
    let path = examples().join("../docs/reference").join(page);
    let text = std::fs::read_to_string(path).unwrap();
    let blocks = text
        .split(
            "```yaml
",
        )
        .skip(1);
    blocks
        .map(|block| block.split("```").next().unwrap().to_owned())
        .collect()
}

#[test]
fn the_examples_of_the_page_on_steps_run() {
    let home = Home::new();
    let workflows = workflows_of("steps.md");
    assert!(!workflows.is_empty());
    for workflow in workflows {
        let file = home.file("example.yaml", &workflow);
        let said = home.run(&["run", "--local", &file]);
        assert_eq!(said.status, 0, "{workflow}: {said:?}");
    }
}

#[test]
fn the_etl_example_survives_kill_9_at_several_points() {
    // [R-01]
    for at in ["extract", "validate", "load"] {
        let home = Home::new();
        let server = home.server();
        home.done(&["--server", &server.url, "push", &example("etl.yaml")]);
        let source = format!("source={}", orders());
        home.done(&[
            "--server",
            &server.url,
            "start",
            "etl-orders",
            "--param",
            &source,
        ]);
        // As soon as the step is there, wherever it is by then.
        while get(&home, &server, &["etl-orders", "1", at]).is_none() {}
        server.running.kill();
        let server = home.server();
        let said = home.run(&["--server", &server.url, "watch", "etl-orders", "1"]);
        assert_eq!(said.status, 0, "killed at {at}: {said:?}");
        for step in ["extract", "validate", "load", "report"] {
            let step = get(&home, &server, &["etl-orders", "1", step]).unwrap();
            assert_eq!(
                step.pointer("/step_attempt_id").and_then(Json::as_i64),
                Some(1),
                "killed at {at}"
            );
            assert_eq!(text(&step, "/runtime_state/status"), "SUCCEEDED");
        }
    }
}

#[test]
fn nothing_acknowledged_is_lost_and_nothing_runs_twice_over_twenty_crashes() {
    // [R-01] [09:53]
    let home = Home::new();
    let marks = home.path("marks");
    std::fs::create_dir(&marks).unwrap();
    let script = format!(
        "echo x >>{}/$MAESTRO_WORKFLOW_INSTANCE_ID; sleep 0.2",
        marks.display()
    );
    let parallel = r#""properties":{"owner":"ana","run_strategy":20}"#;
    let chain = r#"{"step":{"id":"a","type":"NoOp","transition":{"successors":{"b":"true"}}}},{"step":{"id":"b","type":"NoOp"}}"#;
    let sleep = r#"{"step":{"id":"a","type":"Sleep","params":{"sleep_seconds":{"type":"LONG","value":1}}}}"#;
    let shell = format!(
        r#"{{"step":{{"id":"a","type":"Shell","params":{{"shell":{{"type":"MAP","value":{{"script":{{"type":"STRING","value":"{script}"}}}}}}}}}}}}"#
    );
    let kinds = [
        ("noops", chain),
        ("sleeps", sleep),
        ("shells", shell.as_str()),
    ];
    let server = home.server();
    for (id, steps) in kinds {
        let text = format!(r#"{{{parallel},"workflow":{{"id":"{id}","steps":[{steps}]}}}}"#);
        let file = home.file(&format!("{id}.json"), &text);
        home.done(&["--server", &server.url, "push", &file]);
    }
    let url = Mutex::new(server.url.clone());
    let mut server = Some(server);
    let acknowledged = Mutex::new(Vec::new());
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for n in 0.. {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                let id = kinds[n % kinds.len()].0;
                let at = url.lock().unwrap().clone();
                let said = home.run(&["--server", &at, "--json", "start", id]);
                if said.status == 0 {
                    let answer = Json::parse(said.stdout.as_bytes()).unwrap();
                    let instance = answer
                        .pointer("/workflow_instance_id")
                        .and_then(Json::as_i64)
                        .unwrap();
                    acknowledged.lock().unwrap().push((id, instance));
                }
            }
        });
        for round in 0..20 {
            // Killed after some more were acknowledged, in the middle of whatever is at work then.
            let goal = acknowledged.lock().unwrap().len() + 1 + round * 7 % 5;
            while acknowledged.lock().unwrap().len() < goal {
                std::thread::sleep(Duration::from_millis(1));
            }
            server.take().unwrap().running.kill();
            let next = home.server();
            url.lock().unwrap().clone_from(&next.url);
            server = Some(next);
        }
        stop.store(true, Ordering::Relaxed);
    });
    let server = server.unwrap();
    let acknowledged = acknowledged.into_inner().unwrap();
    assert!(acknowledged.len() >= 20);
    for (id, instance) in acknowledged {
        let instance = instance.to_string();
        let said = home.run(&["--server", &server.url, "--json", "watch", id, &instance]);
        assert_eq!(said.status, 0, "{id} {instance}: {said:?}");
        if id == "shells" {
            let mark = std::fs::read_to_string(marks.join(&instance)).unwrap();
            assert_eq!(mark, "x\n", "instance {instance} ran once");
        }
    }
}
