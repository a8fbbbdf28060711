//! A server that dies in the middle of a workflow.

use maestro_model::json::Json;
use rustix::process::Signal;

use crate::bed::{Home, shell, wait_for_lines};

///
#[test]
fn after_kill_9_and_a_restart_every_step_has_run_once() {
    let home = Home::new();
    let ran = home.path("ran");
    let gate = home.path("gate");
    let note = |step: &str| format!("echo {step} >>{}", ran.display());
    let middle = format!(
        "{}\nuntil [ -e {} ]; do sleep 0.05; done\necho done",
        note("b"),
        gate.display()
    );
    let file = home.file(
        "w.yaml",
        &shell("w", &[("a", &note("a")), ("b", &middle), ("c", &note("c"))]),
    );
    let server = home.server();
    home.done(&["--server", &server.url, "push", &file]);
    home.done(&["--server", &server.url, "start", "w"]);
    wait_for_lines(&ran, 2);
    server.running.kill();

    let server = home.server();
    std::fs::write(&gate, "").unwrap();
    let said = home.run(&["--server", &server.url, "watch", "w", "1", "--json"]);
    assert_eq!(said.status, 0, "{said:?}");
    assert_eq!(std::fs::read_to_string(&ran).unwrap(), "a\nb\nc\n");
    assert_eq!(
        home.done(&["--server", &server.url, "logs", "w", "1", "b"]),
        "done\n"
    );
    for step in ["a", "b", "c"] {
        let step = home.done(&["--server", &server.url, "--json", "get", "w", "1", step]);
        let step = Json::parse(step.as_bytes()).unwrap();
        assert_eq!(
            step.pointer("/step_attempt_id").and_then(Json::as_i64),
            Some(1)
        );
    }
}

///
#[test]
fn a_run_keeps_its_version_over_a_push_and_a_restart() {
    for signal in [Signal::TERM, Signal::KILL] {
        let home = Home::new();
        let ran = home.path("ran");
        let gate = home.path("gate");
        let note = |what: &str| format!("echo {what} >>{}", ran.display());
        let wait = format!("until [ -e {} ]; do sleep 0.05; done", gate.display());
        let first = format!("{}\n{wait}\n{}", note("a1"), note("a1-end"));
        let one = shell("w", &[("a", &first), ("b", &note("b1"))]);
        let file = home.file("w.yaml", &one);
        let server = home.server();
        home.done(&["--server", &server.url, "push", &file]);
        home.done(&["--server", &server.url, "start", "w"]);
        wait_for_lines(&ran, 1);
        home.file("w.yaml", &shell("w", &[("a", &note("a2"))]));
        let pushed = home.done(&["--server", &server.url, "push", &file]);
        assert_eq!(pushed, "w: version 2\n");
        server.running.signal(signal);
        server.running.wait();

        let server = home.server();
        std::fs::write(&gate, "").unwrap();
        let said = home.run(&["--server", &server.url, "watch", "w", "1"]);
        assert_eq!(said.status, 0, "{said:?}");
        assert_eq!(std::fs::read_to_string(&ran).unwrap(), "a1\na1-end\nb1\n");
        let run = server.call("GET", "/api/v3/workflows/w/instances/1", "");
        let run = run.unwrap();
        assert_eq!(run.number("/workflow_version_id"), Some(1));
        assert!(run.json.pointer("/runtime_dag/b").is_some(), "{run:?}");

        let started = home.done(&["--server", &server.url, "start", "w"]);
        assert_eq!(started, "w 2: CREATED (version 2)\n");
        let said = home.run(&["--server", &server.url, "watch", "w", "2"]);
        assert_eq!(said.status, 0, "{said:?}");
        let all = std::fs::read_to_string(&ran).unwrap();
        assert_eq!(all, "a1\na1-end\nb1\na2\n");
        let run = server.call("GET", "/api/v3/workflows/w/instances/2", "");
        assert!(run.unwrap().json.pointer("/runtime_dag/b").is_none());
    }
}
