//! `maestro run` with an engine of its own, and with a server.

use maestro_model::json::Json;
use rustix::process::Signal;

use crate::bed::{Home, shell, wait_for_lines};

/// [R-44]
#[test]
fn a_run_that_succeeds_ends_with_0_and_one_that_fails_with_1() {
    let home = Home::new();
    let good = home.file(
        "good.yaml",
        &shell("good", &[("a", "echo hello"), ("b", "true")]),
    );
    let said = home.run(&["run", "--local", "--logs", &good]);
    assert_eq!(said.status, 0, "{said:?}");
    assert!(said.stdout.contains("[a] hello\n"), "{said:?}");
    assert!(said.stdout.contains("good 1: SUCCEEDED"), "{said:?}");
    assert!(said.stderr.contains("b: SUCCEEDED"), "{said:?}");

    let bad = home.file(
        "bad.yaml",
        "id: bad\nsteps:\n  - step:\n      id: a\n      type: Shell\n      retry_policy: {error_retry_limit: 0}\n      params:\n        shell:\n          type: MAP\n          value: {script: {type: STRING, value: exit 3}}\n",
    );
    let said = home.run(&["run", "--local", &bad]);
    assert_eq!(said.status, 1, "{said:?}");
    assert!(said.stdout.contains("bad 1: FAILED"), "{said:?}");
}

/// [R-44]
#[test]
fn a_run_that_fails_says_why() {
    let home = Home::new();
    let server = home.server();
    let file = home.file(
        "why.json",
        r#"{"properties":{"owner":"a"},"workflow":{"id":"why","steps":[
            {"step":{"id":"sum","type":"NoOp","params":{"n":{"type":"LONG","value":0},
                "x":{"type":"LONG","expression":"1 / n"}}}},
            {"step":{"id":"job","type":"Shell","retry_policy":{"error_retry_limit":0},"params":{
                "shell":{"type":"MAP","value":{"script":{"type":"STRING","value":"exit 3"}}}}}}]}}"#,
    );
    let said = home.run(&["--server", &server.url, "run", &file]);
    assert_eq!(said.status, 1, "{said:?}");
    let shown = home.done(&["--server", &server.url, "get", "why", "1"]);
    let step = home.done(&["--server", &server.url, "get", "why", "1", "sum"]);
    for text in [&said.stderr, &shown] {
        assert!(
            text.contains("job: the process ended with exit code 3"),
            "{text}"
        );
        assert!(text.contains("sum: ") && text.contains("`1 / n`"), "{text}");
    }
    assert!(step.contains("`1 / n`"), "{step}");
}

#[test]
fn with_json_standard_output_is_json_alone() {
    let home = Home::new();
    let file = home.file("w.yaml", &shell("w", &[("a", "echo hello")]));
    let said = home.run(&["run", "--local", "--json", "--logs", &file]);
    assert_eq!(said.status, 0, "{said:?}");
    let instance = Json::parse(said.stdout.as_bytes()).unwrap();
    assert_eq!(
        instance.pointer("/status").and_then(Json::as_str),
        Some("SUCCEEDED")
    );
    assert_eq!(said.stdout.lines().count(), 1);
    assert!(said.stderr.contains("[a] hello"), "{said:?}");
}

/// [R-40]
#[test]
fn a_file_is_pushed_only_if_the_newest_version_differs() {
    let home = Home::new();
    let file = home.file("w.yaml", &shell("w", &[("a", "true")]));
    let version = |home: &Home| {
        let said = home.run(&["run", "--local", &file]);
        assert_eq!(said.status, 0, "{said:?}");
        said.stderr
            .lines()
            .find(|line| line.contains("started"))
            .unwrap()
            .to_owned()
    };
    assert_eq!(version(&home), "w 1 started (version 1)");
    assert_eq!(version(&home), "w 2 started (version 1)");
    home.file("w.yaml", &shell("w", &[("a", "true"), ("b", "true")]));
    assert_eq!(version(&home), "w 3 started (version 2)");
}

/// [R-46]
#[test]
fn ctrl_c_stops_the_run_and_nothing_of_it_goes_on() {
    let home = Home::new();
    let pids = home.path("pids");
    let script = format!("echo $$ >>{}\nexec sleep 600", pids.display());
    let file = home.file("long.yaml", &shell("long", &[("a", &script)]));
    for signal in [Signal::INT, Signal::TERM] {
        let _ = std::fs::remove_file(&pids);
        let run = home.spawn(&["run", "--local", &file]);
        let pid = wait_for_lines(&pids, 1);
        run.signal(signal);
        let said = run.wait();
        assert_eq!(said.status, 130, "{said:?}");
        assert!(
            said.stderr.contains("is stopped; nothing of it runs on"),
            "{said:?}"
        );
        assert!(said.stdout.contains("STOPPED"), "{said:?}");
        assert!(!is_alive(&pid), "{pid} is still there");
    }
}

/// [R-46]
#[test]
fn a_second_ctrl_c_leaves_at_once_and_says_what_goes_on() {
    let home = Home::new();
    let pids = home.path("pids");
    // Does not listen to a stop, so that the second signal finds the first at work.
    let script = format!("trap '' TERM\necho $$ >>{}\nsleep 20", pids.display());
    let file = home.file("deaf.yaml", &shell("deaf", &[("a", &script)]));
    let server = home.server();
    let run = home.spawn(&["--server", &server.url, "run", &file]);
    wait_for_lines(&pids, 1);
    run.signal(Signal::INT);
    run.stderr.wait_for("Ctrl-C again leaves at once");
    run.signal(Signal::INT);
    let said = run.wait();
    assert_eq!(said.status, 130, "{said:?}");
    assert!(!said.stderr.contains("is stopped"), "{said:?}");
    assert!(
        said.stderr.contains("`maestro stop deaf 1` stops it"),
        "{said:?}"
    );
    home.done(&["--server", &server.url, "stop", "deaf", "1", "--kill"]);
}

fn is_alive(pid: &str) -> bool {
    std::path::Path::new(&format!("/proc/{}/exe", pid.trim())).exists()
}
