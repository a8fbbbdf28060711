//! The client commands against a server, and without one.

use maestro_model::json::Json;

use crate::bed::{Home, shell};

/// Nobody listens there.
const NOBODY: &str = "http://127.0.0.1:1";

///
#[test]
fn without_a_server_the_status_is_3_and_standard_output_is_empty() {
    let home = Home::new();
    let file = home.file("w.yaml", &shell("w", &[("a", "true")]));
    for args in [
        &["list"][..],
        &["list", "--json"],
        &["start", "w", "--json"],
        &["get", "w"],
        &["stop", "w", "1"],
        &["watch", "w", "1"],
        &["logs", "w", "1", "a", "-f"],
        &["delete", "w", "--yes"],
        &["push", &file],
        &["run", &file],
    ] {
        let said = home.run(&[&["--server", NOBODY], args].concat());
        assert_eq!(said.status, 3, "{args:?}: {said:?}");
        assert_eq!(said.stdout, "", "{args:?}");
        assert!(said.stderr.starts_with("error: the server http://127.0.0.1:1 cannot be reached: nobody listens there\nhint: "), "{said:?}");
    }
}

#[test]
fn wrong_arguments_have_status_2() {
    let home = Home::new();
    for args in [
        &["nonsense"][..],
        &["get"],
        &["push", "missing.yaml"],
        &["run", "missing.yaml"],
        &["--server", "https://x", "list"],
    ] {
        let said = home.run(args);
        assert_eq!(said.status, 2, "{args:?}: {said:?}");
        assert_eq!(said.stdout, "", "{args:?}");
    }
    let twice = home.file("twice.yaml", "id: w\nid: v\nsteps: []\n");
    let said = home.run(&["push", &twice]);
    assert_eq!(said.status, 2);
    assert!(
        said.stderr
            .contains("the key `id` is given twice: at line 1, and again at line 2"),
        "{said:?}"
    );
}

#[test]
fn a_workflow_from_push_to_delete() {
    let home = Home::new();
    let server = home.server();
    let call = |args: &[&str]| home.run(&[&["--server", &*server.url], args].concat());
    let done = |args: &[&str]| {
        let said = call(args);
        assert_eq!(said.status, 0, "{args:?}: {said:?}");
        said.stdout
    };
    let json = |args: &[&str]| Json::parse(done(&[args, &["--json"]].concat()).as_bytes()).unwrap();

    let mut text = shell("etl", &[("load", "echo \"day $day\"")]);
    text.push_str("  day<long>: 1\n");
    let file = home.file("etl.yaml", &text);
    assert_eq!(done(&["push", &file]), "etl: version 1\n");
    assert_eq!(
        done(&["start", "etl", "--param", "day=7"]),
        "etl 1: CREATED (version 1)\n"
    );
    let said = call(&["watch", "etl", "1"]);
    assert_eq!(said.status, 0, "{said:?}");
    assert_eq!(done(&["logs", "etl", "1", "load"]), "day 7\n");
    assert_eq!(done(&["logs", "etl", "1", "load", "-f"]), "day 7\n");

    let said = call(&["start", "etl", "--param", "day=monday"]);
    assert_eq!(said.status, 2, "{said:?}");
    assert!(
        said.stderr
            .contains("declares `day` as LONG: give a whole number"),
        "{said:?}"
    );

    let instance = json(&["get", "etl", "1"]);
    assert_eq!(
        instance.pointer("/status").and_then(Json::as_str),
        Some("SUCCEEDED")
    );
    assert_eq!(
        instance
            .pointer("/params/day/evaluated_result")
            .and_then(Json::as_i64),
        Some(7)
    );
    assert!(done(&["get", "etl", "1"]).contains("SUCCEEDED"));
    assert!(done(&["get", "etl", "1", "load"]).contains("SUCCEEDED"));
    assert!(done(&["get", "etl"]).contains("Latest version   1"));
    assert!(done(&["list"]).contains("etl"));
    assert!(done(&["list", "etl"]).contains("SUCCEEDED"));
    json(&["list"]);
    json(&["get", "etl"]);
    json(&["push", &file]);

    let said = call(&["get", "elt"]);
    assert_eq!(said.status, 1, "{said:?}");
    assert!(
        said.stderr.contains("hint: did you mean `etl`?"),
        "{said:?}"
    );
    let said = call(&["logs", "etl", "1", "lod"]);
    assert!(
        said.status == 1 && said.stderr.contains("its steps are load"),
        "{said:?}"
    );

    let said = call(&["delete", "etl"]);
    assert_eq!(said.status, 2, "{said:?}");
    assert!(
        said.stderr.contains("2 versions and 1 instance"),
        "{said:?}"
    );
    done(&["delete", "etl", "--yes"]);
    assert_eq!(call(&["get", "etl"]).status, 1);
}

///
#[test]
fn logs_wait_for_a_step_that_has_not_started_and_say_why() {
    let home = Home::new();
    let gate = home.path("gate");
    let first = format!("until [ -e {} ]; do sleep 0.05; done", gate.display());
    let server = home.server();
    let file = home.file(
        "w.yaml",
        &shell("w", &[("a", &first), ("b", "echo from b")]),
    );
    home.done(&["--server", &server.url, "push", &file]);
    home.done(&["--server", &server.url, "start", "w"]);
    let logs = home.spawn(&["--server", &server.url, "logs", "w", "1", "b", "-f"]);
    logs.stderr.wait_for("step b has not started yet");
    std::fs::write(&gate, "").unwrap();
    let said = logs.wait();
    assert_eq!(said.status, 0, "{said:?}");
    assert_eq!(said.stdout, "from b\n");
}

///
#[test]
fn logs_go_on_to_the_next_attempt() {
    let home = Home::new();
    let mark = home.path("mark");
    let script = format!(
        "if [ -e {0} ]; then echo second; else touch {0}; echo first; exit 1; fi",
        mark.display()
    );
    let text = format!(
        "id: w\nsteps:\n  - step:\n      id: a\n      type: Shell\n      retry_policy: {{error_retry_limit: 1, backoff: {{type: FIXED_BACKOFF, error_retry_backoff_in_secs: 1}}}}\n      params:\n        shell:\n          type: MAP\n          value: {{script: {{type: STRING, value: '{script}'}}}}\n"
    );
    let server = home.server();
    let file = home.file("w.yaml", &text);
    home.done(&["--server", &server.url, "push", &file]);
    home.done(&["--server", &server.url, "start", "w"]);
    let said = home.run(&["--server", &server.url, "logs", "w", "1", "a", "-f"]);
    assert_eq!(said.status, 0, "{said:?}");
    assert_eq!(said.stdout, "first\nsecond\n", "{said:?}");
}

#[test]
fn completions_are_written_for_each_shell() {
    let home = Home::new();
    for (shell, part) in [
        ("bash", "_maestro()"),
        ("zsh", "#compdef maestro"),
        ("fish", "complete -c maestro"),
    ] {
        assert!(home.done(&["completions", shell]).contains(part), "{shell}");
    }
}

#[test]
fn a_reader_that_has_seen_enough_ends_the_program_quietly() {
    let home = Home::new();
    let mut command = home.command(&["config"]);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = command.stdout(writer).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn what_failed_is_unblocked() {
    let home = Home::new();
    let server = home.server();
    let call = |args: &[&str]| home.run(&[&["--server", &*server.url], args].concat());
    let file = home.file("bad.yaml", &shell("bad", &[("a", "sleep 600")]));
    assert_eq!(call(&["push", &file]).status, 0);
    let strict = [
        "properties",
        "bad",
        "--set",
        "run_strategy=STRICT_SEQUENTIAL",
    ];
    let said = call(&strict);
    assert_eq!(said.status, 0, "{said:?}");
    assert_eq!(call(&["start", "bad"]).status, 0);
    assert_eq!(call(&["stop", "bad", "1", "--kill"]).status, 0);
    let said = call(&["watch", "bad", "1"]);
    assert_eq!(said.status, 1, "{said:?}");
    let unblock = |args: &[&str]| call(&[&["unblock", "bad"], args].concat());
    assert_eq!(unblock(&["1"]).stdout, "The action is done.\n");
    let said = unblock(&[]);
    assert_eq!(said.stdout, "Unblocked [0] failed workflow instances.\n");
    let said = unblock(&["7"]);
    assert_eq!((said.status, &*said.stdout), (1, ""), "{said:?}");
    assert_eq!(call(&["unblock", "none"]).status, 1);
}
