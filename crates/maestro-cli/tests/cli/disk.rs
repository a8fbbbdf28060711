//! No room on the disk while the server runs: what is refused, what goes on, what is there afterwards.

use std::sync::{Arc, Mutex};

use rustix::process::Signal;

use crate::bed::{Home, Server, call, shell, wait_for_lines};

const W: &str = "/api/v3/workflows";
const START: &str = "/api/v3/workflows/w/versions/latest/actions/start";
const MANUAL: &str = r#"{"initiator":{"type":"MANUAL"}}"#;

/// Commands are refused in the way that clients understand, and reads go on.
fn store_is_away(server: &Server) {
    let health = server.wait_for_health("degraded");
    assert_eq!(health.status, 503, "{health:?}");
    let health = server.call("GET", "/actuator/health", "").unwrap();
    assert_eq!((health.status, health.text("/status")), (503, "DOWN"));
    let push = r#"{"properties":{"owner":"ana"},"workflow":{"id":"v","steps":[{"step":{"id":"a","type":"NoOp"}}]}}"#;
    for (path, body) in [(START, MANUAL), (W, push)] {
        let refused = server.call("POST", path, body).unwrap();
        assert_eq!(refused.status, 503, "{refused:?}");
        assert_eq!(refused.retry_after.as_deref(), Some("5"), "{refused:?}");
        assert_eq!(refused.text("/status"), "UNAVAILABLE", "{refused:?}");
        assert!(refused.text("/message").contains("cannot store anything"));
    }
    let run = server.call("GET", &format!("{W}/w/instances/1"), "");
    assert_eq!(run.unwrap().status, 200);
    let list = server.call("GET", &format!("{W}?first=10"), "");
    assert_eq!(list.unwrap().status, 200);
    let none = server.call("GET", &format!("{W}/v/versions/latest"), "");
    assert_eq!(none.unwrap().status, 404, "a refused push stores nothing");
}

/// [R-42] [09:28]
#[test]
fn a_full_disk_refuses_commands_and_the_server_goes_on_when_there_is_room() {
    let home = Home::new();
    let ran = home.path("ran");
    let gate = home.path("gate");
    let note = |what: &str| format!("echo {what} >>{}", ran.display());
    let wait = format!("until [ -e {} ]; do sleep 0.05; done", gate.display());
    let first = format!("{}\n{wait}\n{}", note("a"), note("a-end"));
    let text = shell("w", &[("a", &first), ("b", &note("b"))]);
    let file = home.file("w.yaml", &text);
    let server = home.server_with(&["--data", "data"]);
    home.done(&["--server", &server.url, "push", &file]);
    home.done(&["--server", &server.url, "start", "w"]);
    // All that the first start causes is stored, so that the second start is what meets the full disk.
    server.wait_for(
        &format!("{W}/w/instances/1/steps/a"),
        "/runtime_state/status",
        "RUNNING",
    );
    wait_for_lines(&ran, 1);

    let log = std::fs::metadata(home.path("data/maestro.db-wal")).unwrap();
    server.running.limit_files(Some(log.len()));
    let waiting = home.spawn(&["--server", &server.url, "start", "w"]);
    store_is_away(&server);
    let said = home.run(&["--server", &server.url, "start", "w"]);
    assert_eq!(said.status, 1, "{said:?}");
    assert!(said.stderr.contains("try again in a moment"), "{said:?}");
    // The job ends meanwhile; its end is not durable, so nothing may follow from it.
    std::fs::write(&gate, "").unwrap();
    wait_for_lines(&ran, 2);
    store_is_away(&server);
    assert_eq!(waiting.stdout.now(), "", "acknowledged, but not stored");
    assert_eq!(std::fs::read_to_string(&ran).unwrap(), "a\na-end\n");

    server.running.limit_files(None);
    let said = waiting.wait();
    assert_eq!(said.stdout, "w 2: CREATED (version 1)\n", "{said:?}");
    assert_eq!(server.wait_for_health("up").status, 200);
    for instance in ["1", "2"] {
        let said = home.run(&["--server", &server.url, "watch", "w", instance]);
        assert_eq!(said.status, 0, "{said:?}");
    }
    assert_eq!(
        std::fs::read_to_string(&ran).unwrap(),
        "a\na-end\nb\na\na-end\nb\n",
        "every step once"
    );
    assert_eq!(
        home.done(&["--server", &server.url, "start", "w"]),
        "w 3: CREATED (version 1)\n",
        "what was refused took no number"
    );
    // Its job would outlive the test.
    home.done(&["--server", &server.url, "watch", "w", "3"]);
}

/// Starts instances until the server answers no more; the numbers that it acknowledged.
fn start_until_full(server: &Server, acknowledged: &Arc<Mutex<Vec<i64>>>) {
    let url = server.url.clone();
    let acknowledged = acknowledged.clone();
    std::thread::spawn(move || {
        while let Some(got) = call(&url, "POST", START, MANUAL) {
            if got.status == 200 {
                let number = got.number("/workflow_instance_id").unwrap();
                acknowledged.lock().unwrap().push(number);
            }
        }
    });
}

/// The bound of the database is met like a full disk, and the server ends and starts in order with it.
#[test]
fn a_bounded_database_fills_up_and_keeps_all_that_was_acknowledged() {
    let home = Home::new();
    let steps: Vec<String> = (0..5)
        .map(|n| format!("    - job: {{id: s{n}, type: NoOp}}\n"))
        .collect();
    let text = format!(
        "Workflow:\n  id: w\n  dag: sequential\n  jobs:\n{}",
        steps.concat()
    );
    let file = home.file("w.yaml", &text);
    let bounded = |bytes: &str| home.server_with(&["--set", &format!("store.max_bytes={bytes}")]);
    let acknowledged = Arc::default();
    let mut before = 0;
    for (bytes, signal) in [("1MiB", Signal::TERM), ("1200KiB", Signal::KILL)] {
        let server = bounded(bytes);
        if before == 0 {
            home.done(&["--server", &server.url, "push", &file]);
        }
        start_until_full(&server, &acknowledged);
        store_is_away(&server);
        server.running.signal(signal);
        let said = server.running.wait();
        if signal == Signal::TERM {
            assert_eq!(said.status, 0, "{said:?}");
        }
        let now = acknowledged.lock().unwrap().len();
        assert!(now > before, "room for more after the bound was raised");
        before = now;
    }
    let server = bounded("none");
    let mut numbers = acknowledged.lock().unwrap().clone();
    numbers.sort_unstable();
    let distinct = numbers.windows(2).all(|pair| pair[0] < pair[1]);
    assert!(distinct, "a number was given twice: {numbers:?}");
    for number in &numbers {
        server.wait_for(&format!("{W}/w/instances/{number}"), "/status", "SUCCEEDED");
    }
    let next = server.call("POST", START, MANUAL).unwrap();
    assert!(next.number("/workflow_instance_id") > numbers.last().copied());
}
