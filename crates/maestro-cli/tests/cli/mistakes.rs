//! What people get wrong, and what long lists and steps without a log look like.

use maestro_model::json::Json;

use crate::bed::{Home, Server, shell};

/// A definition of the JSON model: steps that do nothing.
fn no_ops(id: &str, steps: &str) -> String {
    format!(r#"{{"properties":{{"owner":"ana"}},"workflow":{{"id":"{id}","steps":[{steps}]}}}}"#)
}

const NOOP: &str = r#"{"step":{"id":"a","type":"NoOp"}}"#;

fn ids(list: &str) -> Vec<String> {
    let list = Json::parse(list.as_bytes()).unwrap();
    let elements = list.pointer("/elements").and_then(Json::as_array).unwrap();
    let id = |element: &Json| element.pointer("/workflow_id")?.as_str().map(str::to_owned);
    elements.iter().filter_map(id).collect()
}

fn push(server: &Server, body: &str) {
    let got = server.call("POST", "/api/v3/workflows", body).unwrap();
    assert_eq!(got.status, 200, "{got:?}");
}

#[test]
fn lists_go_on_over_pages() {
    let home = Home::new();
    let server = home.server();
    for n in 0..205 {
        push(&server, &no_ops(&format!("w{n:03}"), NOOP));
    }
    push(&server, &no_ops("x", NOOP));
    let done = |args: &[&str]| home.done(&[&["--server", &*server.url, "list"], args].concat());
    let all = ids(&done(&["--all", "--json"]));
    assert_eq!((all.len(), &*all[0], &*all[205]), (206, "w000", "x"));
    assert_eq!(ids(&done(&["--limit", "203", "--json"])).len(), 203);
    assert_eq!(ids(&done(&["--prefix", "w20", "--json"])).len(), 5);
    assert_eq!(ids(&done(&["--owner", "bea", "--all", "--json"])).len(), 0);
    assert_eq!(ids(&done(&["--active", "-n", "300", "--json"])).len(), 206);
    let said = home.run(&["--server", &server.url, "list"]);
    assert!(
        said.stderr
            .contains("there are more: see --limit and --all"),
        "{said:?}"
    );
    for id in ["w000", "x", "x"] {
        home.done(&["--server", &server.url, "start", id]);
    }
    home.done(&["--server", &server.url, "watch", "x", "2"]);
    home.done(&["--server", &server.url, "watch", "w000", "1"]);
    let everywhere = done(&["--instances"]);
    assert!(
        everywhere.contains("w000") && everywhere.lines().count() == 4,
        "{everywhere}"
    );
    assert_eq!(
        ids(&done(&["--status", "succeeded", "--json"])),
        ["x", "x", "w000"]
    );
    assert_eq!(
        ids(&done(&["x", "--status", "FAILED,STOPPED", "--json"])).len(),
        0
    );
    assert_eq!(done(&["x", "-n", "1"]).lines().count(), 2);
    let said = home.run(&["--server", &server.url, "list", "--status", "fine"]);
    assert!(
        said.status == 1 && said.stderr.contains("[fine]"),
        "{said:?}"
    );
}

#[test]
fn what_cannot_be_is_told_before_anything_is_sent() {
    let home = Home::new();
    for (args, words) in [
        (
            &["--server", "ftp://x", "list"][..],
            "it cannot be reached by `ftp`",
        ),
        (
            &["--server", "http://", "list"],
            "is not the address of a server",
        ),
        (
            &["--server", "http://h:99999", "list"],
            "is not the address of a server",
        ),
        (
            &["--server", "a b", "list"],
            "is not the address of a server",
        ),
        (&["get", ""], "the id of a workflow has letters"),
        (&["get", ".."], "the id of a workflow has letters"),
        (&["start", "a/b"], "the id of a workflow has letters"),
        (&["tags", "w", "--add", "a/b"], "could not be removed again"),
        (&["--user", "ł", "list"], "the user name `ł` cannot be sent"),
        (&["list", "w", "--prefix", "x"], "cannot be used with"),
        (&["list", "-n", "0"], "invalid value '0'"),
    ] {
        let said = home.run(args);
        assert_eq!((said.status, &*said.stdout), (2, ""), "{args:?}: {said:?}");
        assert!(said.stderr.contains(words), "{args:?}: {said:?}");
    }
    let said = home
        .command(&["get"])
        .env("MAESTRO_SERVER", "http://127.0.0.1:1")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&said.stderr);
    assert!(text.contains("Usage: maestro get <WORKFLOW>"), "{text}");
}

#[test]
fn mistakes_against_a_server_are_told_with_what_was_done() {
    let home = Home::new();
    let server = home.server();
    push(&server, &no_ops("w", NOOP));
    let call = |args: &[&str]| home.run(&[&["--server", &*server.url], args].concat());
    let said = call(&[
        "tags",
        "w",
        "--add",
        "one",
        "--add",
        "maestro_x",
        "--remove",
        "one",
    ]);
    assert_eq!(said.status, 1, "{said:?}");
    assert!(said.stderr.contains("done before: added `one`"), "{said:?}");
    assert_eq!(call(&["tags", "w"]).stdout, "one\n");
    let said = call(&["params", "w", "--step", "zz"]);
    assert!(
        said.status == 1 && said.stderr.contains("there are those of a"),
        "{said:?}"
    );
    // A name beyond ASCII arrives as it was typed.
    assert_eq!(call(&["--user", "Zoë", "start", "w"]).status, 0);
    assert_eq!(call(&["watch", "w", "1"]).status, 0);
    let run = server
        .call("GET", "/api/v3/workflows/w/instances/1", "")
        .unwrap();
    assert_eq!(run.text("/initiator/user"), "Zoë");
    let said = call(&["params", "w", "--instance", "1", "--step", "zz"]);
    assert_eq!(said.status, 1, "{said:?}");
    let said = call(&["stop", "w", "1"]);
    assert!(
        said.status == 1 && said.stderr.contains("it has ended as SUCCEEDED"),
        "{said:?}"
    );
    let large = home.file(
        "large.json",
        &no_ops("big", &NOOP.replace("NoOp", &"x".repeat(9 << 20))),
    );
    let said = call(&["push", &large]);
    assert!(
        said.status == 2 || said.stderr.contains("larger than"),
        "{}",
        said.status
    );
    let mut large = no_ops("big", NOOP);
    large.insert_str(1, &format!("\"note\":\"{}\",", "x".repeat(9 << 20)));
    let said = call(&["push", &home.file("large.json", &large)]);
    assert_eq!(said.status, 1);
    assert!(
        said.stderr.contains("the body is larger than"),
        "{}",
        said.stderr
    );
}

#[test]
fn a_stopped_run_is_told_to_be_stopped() {
    let home = Home::new();
    let server = home.server();
    let file = home.file("w.yaml", &shell("w", &[("a", "sleep 600")]));
    let call = |args: &[&str]| home.run(&[&["--server", &*server.url], args].concat());
    assert_eq!(call(&["push", &file]).status, 0);
    assert_eq!(call(&["start", "w"]).status, 0);
    server.wait_for(
        "/api/v3/workflows/w/instances/1/steps/a",
        "/runtime_state/status",
        "RUNNING",
    );
    let said = call(&["stop", "w", "1"]);
    assert!(
        said.status == 0 && said.stdout.starts_with("w 1 is "),
        "{said:?}"
    );
    server.wait_for("/api/v3/workflows/w/instances/1", "/status", "STOPPED");
    assert_eq!(call(&["stop", "w", "1"]).stdout, "w 1 is STOPPED\n");
}

/// [R-45]: whoever follows a step that never runs is told so.
#[test]
fn a_step_without_a_log_says_why() {
    let home = Home::new();
    let server = home.server();
    let steps = r#"{"step":{"id":"a","type":"NoOp","transition":{"successors":{"b":"false"}}}},
        {"step":{"id":"b","type":"Shell","params":{"shell":{"type":"MAP","value":{"script":{"type":"STRING","value":"true"}}}}}}"#;
    push(&server, &no_ops("w", steps));
    let call = |args: &[&str]| home.run(&[&["--server", &*server.url], args].concat());
    assert_eq!(call(&["start", "w"]).status, 0);
    for (step, status) in [("b", "UNSATISFIED"), ("a", "SUCCEEDED")] {
        let said = call(&["logs", "w", "1", step, "-f"]);
        assert_eq!((said.status, &*said.stdout), (0, ""), "{said:?}");
        assert!(said.stderr.contains(status), "{said:?}");
        let said = call(&["logs", "w", "1", step]);
        assert!(said.status == 1 && said.stderr.contains(status), "{said:?}");
    }
}

#[test]
fn what_a_server_refuses_is_shown_in_the_file() {
    let home = Home::new();
    let server = home.server();
    let call = |args: &[&str]| home.run(&[&["--server", &*server.url], args].concat());
    let head = "Workflow:\n  id: w\n";
    let job = "  jobs:\n  - job:\n      id: a\n      type: NoOp\n";
    for (text, line) in [
        (
            format!("{head}  '!x<long>': nope + 1\n{job}"),
            "3:3: error: Workflow.!x<long>: ",
        ),
        (
            format!("{head}{job}      '!step_id<long>': 1 + 1\n"),
            "7:7: error: Workflow.jobs[0].job.!step_id<long>: ",
        ),
        (
            format!("{head}{job}      '!n<long>': (1 +\n"),
            "7:7: error: Workflow.jobs[0].job.!n<long>: the expression cannot be read",
        ),
    ] {
        let said = call(&["validate", &home.file("w.yaml", &text)]);
        assert_eq!(said.status, 2, "{said:?}");
        assert!(said.stderr.contains(line), "{line}: {said:?}");
        assert!(said.stderr.contains("1 problem in 1 file"), "{said:?}");
    }
}

#[test]
fn an_expression_that_fails_is_told_once() {
    let said = Home::new().run(&["sel", "eval", "1/0"]);
    assert_eq!(said.stderr.matches("by zero").count(), 1, "{said:?}");
    assert!(
        said.stderr.contains("1 | 1/0") && said.status == 1,
        "{said:?}"
    );
}

#[test]
fn a_place_in_a_long_line_is_shown_with_what_is_around_it() {
    let home = Home::new();
    let text = format!(
        r#"{{"workflow":{{"id":"w","description":"{}","colour":1,"steps":[{NOOP}]}}}}"#,
        "x".repeat(5_000)
    );
    let said = home.run(&["validate", &home.file("w.json", &text)]);
    let lines: Vec<&str> = said.stderr.lines().collect();
    assert!(
        lines[1].contains("…") && lines[1].contains("colour"),
        "{said:?}"
    );
    assert!(
        lines.iter().all(|line| line.chars().count() < 300),
        "{said:?}"
    );
    let column = |line: &str, c: &str| line.chars().position(|x| x.to_string() == *c);
    let caret = column(lines[2], "^").unwrap();
    assert_eq!(
        lines[1].chars().skip(caret).take(8).collect::<String>(),
        "\"colour\""
    );
}
