//! A server that dies in the middle of a workflow.

use maestro_model::json::Json;

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
