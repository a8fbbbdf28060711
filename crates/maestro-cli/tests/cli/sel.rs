//! `maestro sel`.

use std::path::Path;
use std::process::Command;

use crate::bed::Home;

#[test]
fn every_recorded_program_gives_the_recorded_answer() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conformance/sel");
    let output = Command::new("python3")
        .arg(folder.join("check"))
        .arg(&folder)
        .env("MAESTRO", env!("CARGO_BIN_EXE_maestro"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    assert!(said.ends_with("1664 passed, 0 failed\n"), "{said}");
}

#[test]
fn an_expression_is_evaluated_with_params_from_the_line_or_a_file() {
    let home = Home::new();
    let line = home.done(&["sel", "eval", "x + 1", "--params", r#"{"x": 2}"#]);
    assert_eq!(line, "{\"type\":\"LONG\",\"value\":3}\n");
    let file = home.file("params.json", r#"{"x": 2.5}"#);
    assert!(
        home.done(&["sel", "eval", "x + 1", "--params", &file])
            .contains("DOUBLE")
    );
}

#[test]
fn a_fault_is_shown_at_its_place_and_all_of_a_file_are() {
    let home = Home::new();
    let said = home.run(&["sel", "eval", "1 + * 2"]);
    assert_eq!((said.status, said.stdout.as_str()), (1, ""));
    assert!(
        said.stderr.contains('^') && said.stderr.contains("1:5"),
        "{said:?}"
    );
    let file = home.file("two.sel", "x = 1 +;\ny = );\nreturn x;\n");
    let said = home.run(&["sel", "check", &file, "--json"]);
    assert_eq!(said.status, 1);
    assert!(
        said.stdout.contains("\"line\":1") && said.stdout.contains("\"line\":2"),
        "{said:?}"
    );
    assert!(said.stdout.contains("expected an expression"), "{said:?}");
}

#[test]
fn an_expression_may_begin_with_a_minus() {
    let home = Home::new();
    let said = home.run(&["sel", "eval", "-n * 2", "--params", r#"{"n":4}"#]);
    assert_eq!(said.status, 0, "{said:?}");
    assert!(said.stdout.contains("-8"), "{said:?}");
    let said = home.run(&["sel", "eval", "--params", r#"{"n":4}"#, "-n"]);
    assert!(said.stdout.contains("-4"), "{said:?}");
    let said = home.run(&["sel", "eval", "1", "--parms", "{}"]);
    assert_eq!(said.status, 2, "{said:?}");
}

#[test]
fn a_line_that_is_no_request_is_named() {
    use std::io::Write as _;
    use std::process::Stdio;
    let home = Home::new();
    let mut command = home.command(&["sel", "eval", "--jsonl"]);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(b"{\"id\":1,\"expr\":\"1\"}\nnonsense\n")
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("line 2"),
        "{output:?}"
    );
}
