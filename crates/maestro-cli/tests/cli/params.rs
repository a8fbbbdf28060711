//! Where values come from: `maestro params`, `maestro get --params`.

use maestro_model::json::Json;

use crate::bed::{Home, Said, Server};

const WORKFLOW: &str = r#"
properties: { owner: ada }
workflow:
  id: daily
  params:
    limit: { type: LONG, value: 100 }
    day: { type: STRING, expression: "new DateTime(RUN_TS, DateTimeZone.UTC).toString('yyyy-MM-dd')" }
    path: { type: STRING, value: "in/${day}" }
  steps:
    - step:
        id: load
        type: NoOp
        params:
          rows: { type: LONG, expression: limit * 2 }
        transition: { successors: { report: rows > limit } }
    - step:
        id: report
        type: NoOp
        params:
          title: { type: STRING, value: "${load__rows} rows of ${day}" }
"#;

fn call(home: &Home, server: &Server, args: &[&str]) -> Said {
    home.run(&[&["--server", &*server.url], args].concat())
}

fn line<'a>(said: &'a Said, name: &str) -> Vec<&'a str> {
    let found = said.stdout.lines().find(|line| line.starts_with(name));
    found
        .unwrap_or_else(|| panic!("no {name}: {said:?}"))
        .split_whitespace()
        .collect()
}

#[test]
fn values_show_their_origins_before_and_after_a_start() {
    let home = Home::new();
    let server = home.server();
    let call = |args: &[&str]| call(&home, &server, args);
    let file = home.file("daily.yaml", WORKFLOW);
    assert_eq!(call(&["push", &file]).status, 0);

    let pinned = &["-p", "RUN_TS=1640998800000", "-p", "limit=7"];
    let said = call(&[&["params", "daily"][..], pinned].concat());
    assert_eq!(said.status, 0, "{said:?}");
    assert_eq!(
        line(&said, "limit"),
        [
            "limit",
            "LONG",
            "7",
            "LAUNCH",
            "MUTABLE",
            "(over",
            "DEFINITION",
            "100)"
        ]
    );
    assert_eq!(line(&said, "path")[2], "\"in/2022-01-01\"");
    assert!(
        line(&said, "RUN_TS").contains(&"SYSTEM_DEFAULT"),
        "{said:?}"
    );
    assert!(
        said.stdout.contains("Step report") && said.stdout.contains("\"14 rows of 2022-01-01\"")
    );
    assert!(
        !said.stdout.contains("DSL_DEFAULT_TZ"),
        "defaults are hidden"
    );
    let all = call(&["params", "daily", "--all"]);
    assert!(all.stdout.contains("DSL_DEFAULT_TZ") && all.stdout.contains("step_attempt_id"));
    let one = call(&["params", "daily", "--step", "load"]);
    assert!(
        one.stdout.contains("rows") && !one.stdout.contains("path"),
        "{one:?}"
    );
    // Nothing was started.
    assert!(
        call(&["get", "daily", "1"])
            .stderr
            .contains("no such workflow instance")
    );

    assert_eq!(call(&[&["start", "daily"][..], pinned].concat()).status, 0);
    assert_eq!(call(&["watch", "daily", "1"]).status, 0);
    for args in [
        &["params", "daily", "--instance", "1"][..],
        &["get", "daily", "1", "--params"],
    ] {
        let was = call(args);
        assert_eq!(was.status, 0, "{was:?}");
        assert_eq!(line(&was, "limit"), line(&said, "limit"));
        assert!(was.stdout.contains("\"14 rows of 2022-01-01\""), "{was:?}");
    }
    let json = call(&["--json", "params", "daily", "--instance", "1"]);
    let json = Json::parse(json.stdout.as_bytes()).unwrap();
    let at = |pointer: &str| json.pointer(pointer).map(Json::to_text).unwrap_or_default();
    assert_eq!(at("/workflow_params/limit/value"), "7");
    assert_eq!(
        at("/workflow_params/limit/overrides/0/source"),
        "\"DEFINITION\""
    );
    assert_eq!(at("/step_params/load/rows/expression"), "\"limit * 2\"");
    assert_eq!(at("/workflow_run_id"), "1");
}

#[test]
fn what_cannot_be_evaluated_is_shown_with_its_place() {
    let home = Home::new();
    let server = home.server();
    let call = |args: &[&str]| call(&home, &server, args);
    let file = home.file("daily.yaml", WORKFLOW);
    assert_eq!(call(&["push", &file]).status, 0);
    // A definition that could not be started is not taken.
    let broken = home.file(
        "broken.yaml",
        &WORKFLOW.replace("toString('yyyy-MM-dd')", "nonsense()"),
    );
    let said = call(&["push", &broken]);
    assert_eq!(said.status, 1, "{said:?}");
    assert!(
        said.stderr.contains("param `day`") && said.stderr.contains("nonsense"),
        "{said:?}"
    );
    // What a step would fail with is only known when it runs; or before, if one asks.
    let late = home.file("late.yaml", &WORKFLOW.replace("limit * 2", "limit * tow"));
    assert_eq!(call(&["push", &late]).status, 0);
    let said = call(&["params", "daily"]);
    assert_eq!(said.status, 1, "{said:?}");
    assert!(
        said.stdout
            .contains("error: step load: param `rows`: reference to `tow`"),
        "{said:?}"
    );
    let said = call(&["start", "daily", "-p", "limit=many"]);
    assert_eq!(said.status, 2, "{said:?}");
    let said = call(&["params", "daily", "--instance", "9"]);
    assert_eq!(said.status, 1);
    assert!(
        said.stderr.contains("no such workflow instance"),
        "{said:?}"
    );
    let said = call(&["params", "nobody"]);
    assert_eq!(said.status, 1);
}
