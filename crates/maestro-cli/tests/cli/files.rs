//! Commands around workflow files: validate, apply, pull, diff, schema; and those around versions and properties.

use serde_json::Value;

use crate::bed::Home;

const DSL: &str = "workflow:\n  id: etl\n  owner: ana\n  jobs:\n    - job: {id: a, type: NoOp}\n";
const MODEL: &str = "id: second\nsteps:\n  - step: {id: a, type: NoOp}\n";

#[test]
fn problems_are_shown_like_those_of_a_compiler() {
    let home = Home::new();
    let bad = home.file(
        "bad.yaml",
        "workflow:\n  id: a b\n  jobs:\n    - job:\n        id: x\n        type: NoOp\n        timeout: 0\n",
    );
    let json = home.file(
        "bad.json",
        "{\"id\": \"w\",\n \"step\": [],\n \"steps\": []}",
    );
    let said = home.run(&["validate", &bad, &json]);
    assert_eq!(said.status, 2, "{said:?}");
    for part in [
        "bad.yaml:2:3: error: workflow.id: [maestro id] [a b]",
        "2 |   id: a b",
        "  |   ^",
        "bad.yaml:7:9: error: workflow.jobs[0].job.timeout:",
        "bad.json:2:2: error: step: unknown field `step`",
        "hint: did you mean `steps`?",
        "bad.json:3:2: error: steps:",
        "error: 4 problems in 2 files",
    ] {
        assert!(
            said.stderr.contains(part),
            "{part} is not in {}",
            said.stderr
        );
    }
    let said = home.run(&["--json", "validate", &json]);
    let found: Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(
        (&found[0]["line"], &found[0]["path"]),
        (&Value::from(2), &Value::from("step"))
    );
    let good = home.file("good.yaml", DSL);
    assert_eq!(
        home.done(&["validate", &good]),
        "1 file without a problem\n"
    );
}

#[test]
fn apply_brings_a_server_in_line_and_then_has_nothing_to_do() {
    let home = Home::new();
    let server = home.server();
    let run = |args: &[&str]| {
        let mut all = vec!["--server", &*server.url];
        all.extend(args);
        home.run(&all)
    };
    std::fs::create_dir_all(home.path("flows/deep")).unwrap();
    home.file("flows/etl.yaml", DSL);
    home.file("flows/deep/second.yml", MODEL);
    home.file("flows/notes.txt", "not looked at");
    let folder = home.path("flows").to_str().unwrap().to_owned();
    let apply = |flags: &[&str]| {
        let mut all = vec!["apply", &*folder];
        all.extend(flags);
        run(&all)
    };

    let said = apply(&["--check"]);
    assert_eq!(said.status, 1, "{said:?}");
    assert!(said.stdout.contains("+ new       etl"), "{said:?}");
    let said = apply(&["--dry-run"]);
    assert_eq!(said.status, 0, "{said:?}");
    assert!(
        said.stdout
            .contains("2 new, 0 changed, 0 unchanged, 0 gone")
    );
    assert_eq!(run(&["versions", "etl"]).status, 1);

    assert!(apply(&[]).stdout.contains("second: version 1"));
    for flags in [&["--check"][..], &[]] {
        let said = apply(flags);
        assert_eq!(said.status, 0, "{said:?}");
        assert!(
            said.stdout
                .contains("0 new, 0 changed, 2 unchanged, 0 gone"),
            "{said:?}"
        );
    }

    home.file("flows/deep/second.yml", &MODEL.replace("id: a", "id: b"));
    let said = apply(&["--dry-run"]);
    assert!(
        said.stdout.contains("-        id: a") && said.stdout.contains("+        id: b"),
        "{said:?}"
    );
    // Everything is checked before anything is pushed.
    home.file("flows/third.yaml", "id: third\nsteps: []\n");
    let said = apply(&[]);
    assert_eq!(said.status, 2, "{said:?}");
    assert!(
        said.stderr.contains("nothing was changed") && said.stderr.contains("third.yaml:2:1"),
        "{said:?}"
    );
    std::fs::remove_file(home.path("flows/third.yaml")).unwrap();
    home.file("flows/twice.yaml", DSL);
    assert!(
        apply(&[])
            .stderr
            .contains("two files define the workflow `etl`")
    );
    std::fs::remove_file(home.path("flows/twice.yaml")).unwrap();
    assert!(apply(&[]).stdout.contains("second: version 2"));

    std::fs::remove_file(home.path("flows/deep/second.yml")).unwrap();
    let said = apply(&["--prune"]);
    assert_eq!(said.status, 2, "{said:?}");
    assert!(
        said.stdout.contains("- gone      second") && said.stderr.contains("--yes"),
        "{said:?}"
    );
    assert_eq!(apply(&["--prune", "--prefix", "x", "--check"]).status, 0);
    assert!(
        apply(&["--prune", "--yes"])
            .stdout
            .contains("second: deleted")
    );
    assert_eq!(run(&["get", "second"]).status, 1);
}

#[test]
fn what_is_pulled_is_in_line() {
    let home = Home::new();
    let server = home.server();
    let run = |args: &[&str]| {
        let mut all = vec!["--server", &*server.url];
        all.extend(args);
        home.done(&all)
    };
    run(&["push", &home.file("etl.yaml", DSL)]);
    run(&["push", &home.file("second.yaml", MODEL)]);
    run(&[
        "properties",
        "second",
        "--set",
        "run_strategy=5",
        "--set",
        "description=a: b",
    ]);
    run(&["deactivate", "second"]);
    let one = run(&["pull", "etl"]);
    assert!(one.starts_with("properties:\n  owner: ana\n"), "{one}");
    let folder = home.path("pulled").to_str().unwrap().to_owned();
    run(&["pull", "--out", &folder]);
    run(&[
        "validate",
        &format!("{folder}/etl.yaml"),
        &format!("{folder}/second.yaml"),
    ]);
    let said = run(&["apply", &folder, "--check"]);
    assert!(
        said.contains("0 new, 0 changed, 2 unchanged, 0 gone"),
        "{said}"
    );
    let text = std::fs::read_to_string(home.path("pulled/second.yaml")).unwrap();
    assert!(text.contains("is_active: false"), "{text}");
    // As JSON, too.
    run(&["--json", "pull", "etl", "--out", &folder]);
    std::fs::remove_file(home.path("pulled/etl.yaml")).unwrap();
    run(&["apply", &folder, "--check"]);
}

#[test]
fn versions_tags_and_properties_are_shown_and_changed() {
    let home = Home::new();
    let server = home.server();
    let run = |args: &[&str]| {
        let mut all = vec!["--server", &*server.url];
        all.extend(args);
        home.run(&all)
    };
    let done = |args: &[&str]| {
        let said = run(args);
        assert_eq!(said.status, 0, "{args:?}: {said:?}");
        said.stdout
    };
    let file = home.file("etl.yaml", DSL);
    done(&["push", &file]);
    home.file("etl.yaml", &DSL.replace("id: a", "id: b"));
    done(&["push", &file]);
    let table = done(&["versions", "etl"]);
    let lines: Vec<&str> = table.lines().collect();
    assert!(
        lines[1].starts_with("2        active") && lines[2].starts_with("1  "),
        "{table}"
    );
    assert!(done(&["activate", "etl", "1"]).contains("version 1 is active"));
    assert!(done(&["deactivate", "etl"]).contains("no version is active"));
    let diff = done(&["diff", "etl", "1"]);
    assert!(
        diff.contains("-      id: a") && diff.contains("+      id: b"),
        "{diff}"
    );
    assert_eq!(done(&["diff", "etl", "1", "1"]), "");
    assert_eq!(
        done(&["tags", "etl", "--add", "gold", "--add", "red"]),
        "gold\nred\n"
    );
    assert_eq!(done(&["tags", "etl", "--remove", "gold"]), "red\n");
    assert!(done(&["properties", "etl", "--set", "run_strategy=5"]).contains("rule: PARALLEL"));
    let after = done(&["properties", "etl", "--reset", "run-strategy"]);
    assert!(!after.contains("PARALLEL"), "{after}");
    assert_eq!(run(&["versions", "none"]).status, 1);
    assert_eq!(run(&["tags", "etl", "--remove", "gold"]).status, 1);
    assert_eq!(run(&["properties", "etl", "--set", "odd"]).status, 2);
}

fn fixtures() -> Vec<(String, Value)> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut found = Vec::new();
    for entry in std::fs::read_dir(root.join("examples")).unwrap().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(".yaml") {
            let body = std::fs::read(entry.path()).unwrap();
            let json = maestro_model::yaml::json(&body).unwrap();
            found.push((name, serde_json::from_str(&json.to_text()).unwrap()));
        }
    }
    // Definitions that the reference accepted and answered.
    for entry in std::fs::read_dir(root.join("conformance/golden/definitions"))
        .unwrap()
        .flatten()
    {
        let name = entry.file_name().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(entry.path()).unwrap();
        let text = text.replace("{p}", "p").replace("\"<millis>\"", "1");
        let recorded: Value = serde_json::from_str(&text).unwrap();
        collect(&name, &recorded, &mut found);
    }
    found
}

fn collect(name: &str, value: &Value, found: &mut Vec<(String, Value)>) {
    match value {
        Value::Array(elements) => elements.iter().for_each(|e| collect(name, e, found)),
        Value::Object(members) => {
            if members.contains_key("steps") && members.contains_key("id") {
                let is_workflow = members["steps"].as_array().is_some_and(|s| !s.is_empty());
                if is_workflow && !members.contains_key("transition") {
                    found.push((name.to_owned(), value.clone()));
                }
            } else {
                members.values().for_each(|m| collect(name, m, found));
            }
        }
        _ => {}
    }
}

#[test]
fn the_schema_takes_what_is_right_and_refuses_what_is_not() {
    let home = Home::new();
    let schema: Value = serde_json::from_str(&home.done(&["schema"])).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    let fixtures = fixtures();
    assert!(fixtures.len() > 15, "{}", fixtures.len());
    for (name, file) in &fixtures {
        let faults: Vec<String> = schema
            .iter_errors(file)
            .map(|e| format!("{} at {}", e, e.instance_path()))
            .collect();
        assert!(faults.is_empty(), "{name}: {faults:#?}\n{file:#}");
    }
    for wrong in [
        r#"{"id":"w","steps":[]}"#,
        r#"{"id":"w","steps":[{"step":{"id":"a","type":"Nope"}}]}"#,
        r#"{"id":"w","colour":"red","steps":[{"step":{"id":"a","type":"NoOp"}}]}"#,
        r#"{"workflow":{"id":"a b","steps":[{"step":{"id":"a","type":"NoOp"}}]}}"#,
        r#"{"workflow":{"id":"w","jobs":[{"job":{"id":"a"}}]}}"#,
        r#"{"workflow":{"id":"w","jobs":[{"task":{"id":"a","type":"NoOp"}}]}}"#,
        r#"{"workflow":{"id":"w","params":{"p":{"type":"LONG"}},"steps":[{"step":{"id":"a","type":"NoOp"}}]}}"#,
        "{}",
        "[]",
    ] {
        let wrong: Value = serde_json::from_str(wrong).unwrap();
        assert!(!schema.is_valid(&wrong), "{wrong}");
    }
}
