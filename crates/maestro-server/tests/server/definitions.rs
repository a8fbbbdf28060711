//! Definitions over HTTP.

use serde_json::{Value, json};

use crate::support::{MANUAL, Server, no_ops};

const W: &str = "/api/v3/workflows";

// [04:4] [04:5]
#[tokio::test(flavor = "multi_thread")]
async fn versions_are_selected_by_word_or_number() {
    let server = Server::start().await;
    let body = json!({
        "properties": { "owner": { "name": "ana", "team": "x" } },
        "workflow": { "id": "w", "steps": [{ "step": { "id": "a", "type": "NoOp" } }] },
        "is_active": false,
        "team": "y",
    });
    let pushed = server.call("POST", W, &body.to_string()).await.json();
    let definition = &pushed["workflow_definition"];
    // [04:14]
    assert_eq!(definition["metadata"]["team"], "y");
    assert_eq!(definition["metadata"]["workflow_version_id"], 1);
    assert_eq!(
        definition["properties_snapshot"]["owner"],
        json!({ "name": "ana", "team": "x" })
    );
    let get = async |version: &str| server.get(&format!("{W}/w/versions/{version}")).await;
    get("ACTIVE").await.is_details(404, "NOT_FOUND");
    let default = get("default").await.json();
    assert_eq!(
        (&default["is_default"], &default["is_active"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(default.get("activate_time"), None);
    for wrong in ["0", "-1", "v2"] {
        let got = get(wrong).await;
        let errors = got.is_details(400, "BAD_REQUEST").json()["errors"].clone();
        assert_eq!(errors.as_array().map(Vec::len), Some(1), "{wrong}");
    }
    get("99").await.is_details(404, "NOT_FOUND");
    // [04:69]
    server
        .get(&format!("{W}/none/versions/x"))
        .await
        .is_details(404, "NOT_FOUND");
    assert_eq!(
        get("1?enriched=False").await.json().get("enriched_extras"),
        None
    );
    get("1?enriched=maybe").await.is_problem(400);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_definition_comes_back_as_it_was_pushed() {
    let server = Server::start().await;
    let mut workflow = no_ops(&["a"]);
    workflow["params"] = json!({ "x": { "value": "1.10", "type": "DOUBLE" } });
    let text = server.push("w", workflow).await.text;
    // [04:58]
    assert!(text.contains(r#""value":1.10"#), "{text}");
    let pushed: Value = serde_json::from_str(&text).expect("JSON");
    let again = json!({ "workflow": pushed["workflow_definition"]["workflow"] });
    let again = server.call("POST", W, &again.to_string()).await.json();
    assert_eq!(
        again["workflow_definition"]["workflow"],
        pushed["workflow_definition"]["workflow"]
    );
    assert_eq!(
        again["workflow_definition"]["metadata"]["workflow_version_id"],
        2
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_of_a_push_have_their_forms() {
    let server = Server::start().await;
    let push = async |body: &str| server.call("POST", W, body).await;
    for unreadable in [
        " ",
        "null",
        "{",
        r#"{"workflow":{"id":"w","steps":[],"x":1}}"#,
    ] {
        let got = push(unreadable).await;
        assert_eq!(
            got.is_details(400, "BAD_REQUEST").json().get("errors"),
            None,
            "{unreadable}"
        );
    }
    // [04:16]
    let bad_id = json!({ "properties": { "owner": "ana" }, "workflow": { "id": "w", "steps": [{ "step": { "id": "a__b", "type": "NoOp" } }] } });
    let got = push(&bad_id.to_string())
        .await
        .is_details(400, "BAD_REQUEST")
        .json();
    let first = got["errors"][0].as_str().expect("an entry");
    assert!(first.starts_with("workflow.steps[0].id "), "{first}");
    // [04:17]
    let mut large = no_ops(&["a"]);
    large["id"] = json!("w");
    large["params"] = json!({ "p": { "type": "STRING", "value": "x".repeat(262_144) } });
    let got = push(&json!({ "workflow": large }).to_string()).await;
    assert_eq!(
        got.is_details(400, "BAD_REQUEST").json().get("errors"),
        None
    );
    // The first version needs an owner.
    let mut ownerless = no_ops(&["a"]);
    ownerless["id"] = json!("w");
    push(&json!({ "workflow": ownerless }).to_string())
        .await
        .is_details(400, "BAD_REQUEST");
    server.stop().await;
}

// [R-16]
#[tokio::test(flavor = "multi_thread")]
async fn variables_of_the_system_cannot_be_set() {
    let server = Server::start().await;
    let push = async |ty: &str, env: Value| {
        let settings = json!({
            "script": { "type": "STRING", "value": "true" },
            "env": env,
        });
        let step = json!({ "step": {
            "id": "load",
            "type": ty,
            "params": { ty.to_lowercase(): { "type": "MAP", "value": settings } },
        } });
        let workflow = json!({ "id": "w", "steps": [crate::support::no_op("first"), step] });
        let body = json!({ "properties": { "owner": "ana" }, "workflow": workflow });
        server.call("POST", W, &body.to_string()).await
    };
    let text = |value: &str| json!({ "type": "STRING", "value": value });
    for ty in ["Shell", "Python"] {
        for name in ["MAESTRO_STEP_ID", "MAESTRO_OUTPUT_FILE"] {
            for env in [
                json!({ "type": "MAP", "value": { "FOO": text("bar"), name: text("x") } }),
                json!({ "type": "STRING_MAP", "value": { "FOO": "bar", name: "x" } }),
            ] {
                let got = push(ty, env).await;
                let errors = got.is_details(400, "BAD_REQUEST").json()["errors"].clone();
                let path = format!(
                    "workflow.steps[1].params.{}.value.env.value.{name}",
                    ty.to_lowercase()
                );
                let expected = format!(
                    "{path} step [load]: the variable [{name}] is set by the system; rename it"
                );
                let errors = errors.as_array().expect("entries");
                assert!(errors.contains(&json!(expected)), "{errors:?}");
            }
        }
    }
    let stored = server.get(&format!("{W}/w/versions/latest")).await;
    stored.is_details(404, "NOT_FOUND");
    // Others may be set, also those that every step has.
    let env = json!({ "type": "STRING_MAP", "value": { "PATH": "/bin", "MAESTRO_MINE": "x" } });
    assert_eq!(push("Shell", env).await.status, 200);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn yaml_is_pushed_and_checked() {
    const TEXT: &str = "Workflow:\n  id: daily-load\n  owner: ana\n  tags:\n  - demo\n  jobs:\n  - job:\n      id: fetch\n      tags: []\n      transition:\n      - publish\n      type: NoOp\n  - job:\n      id: publish\n      tags: []\n      transition: []\n      type: NoOp\n  limit<long>: 5\n";
    let server = Server::start().await;
    let yaml = [("user", "tester"), ("content-type", "application/yaml")];
    let check = format!("{W}/actions/validate/yaml");
    let event = server.call_as("PUT", &check, TEXT, &yaml).await.json();
    assert_eq!(
        (&event["type"], &event["action"], &event["author"]),
        (&json!("ACTION"), &json!("VALIDATE"), &json!("tester"))
    );
    server
        .get(&format!("{W}/daily-load/overview"))
        .await
        .is_details(404, "NOT_FOUND");
    let push = format!("{W}/yaml");
    let pushed = server.call_as("POST", &push, TEXT, &yaml).await.json();
    let definition = &pushed["workflow_definition"];
    assert_eq!(definition["workflow"]["tags"], json!([{ "name": "demo" }]));
    assert_eq!(
        definition["properties_snapshot"]["run_strategy"],
        json!({ "rule": "SEQUENTIAL", "workflow_concurrency": 1 })
    );
    assert_eq!(definition["properties_snapshot"]["step_concurrency"], 20);
    assert_eq!(definition["workflow"]["params"]["limit"]["value"], 5);
    // [04:10]
    let lower = server
        .call_as(
            "POST",
            &push,
            &TEXT.replace("Workflow:", "workflow:"),
            &yaml,
        )
        .await;
    assert_eq!(lower.status, 200);
    let other = server
        .call_as("POST", &push, &TEXT.replace("Workflow:", "Flow:"), &yaml)
        .await;
    other.is_details(400, "BAD_REQUEST");
    let broken = server.call_as("PUT", &check, "Workflow: [", &yaml).await;
    broken.is_details(400, "BAD_REQUEST");
    server.stop().await;
}

// [04:35] [04:70]
#[tokio::test(flavor = "multi_thread")]
async fn versions_come_in_pages() {
    let server = Server::start().await;
    for _ in 0..6 {
        server.push("w", no_ops(&["a"])).await;
    }
    let page = async |query: &str| {
        let page = server
            .get(&format!("{W}/w/versions/pagination?{query}"))
            .await
            .json();
        let elements = page["elements"].as_array().expect("elements");
        let ids: Vec<i64> = elements
            .iter()
            .filter_map(|e| e["metadata"]["workflow_version_id"].as_i64())
            .collect();
        (ids, page["page_info"].clone())
    };
    let (ids, info) = page("first=3&cursor=4").await;
    assert_eq!(ids, [3, 2, 1]);
    let expected = json!({
        "start_cursor": "3", "end_cursor": "1", "has_previous_page": true, "has_next_page": false, "start_index": 4,
    });
    assert_eq!(info, expected);
    assert_eq!(page("last=3&cursor=3").await.0, [6, 5, 4]);
    assert_eq!(page("last=3&cursor=5").await.0, [6]);
    assert_eq!(page("first=&last=2").await.0, [2, 1]);
    assert_eq!(page("first=005&cursor=%2B3").await.0, [2, 1]);
    let get = async |query: &str| {
        server
            .get(&format!("{W}/w/versions/pagination?{query}"))
            .await
    };
    for wrong in [
        "",
        "LAST=2",
        "first=1&last=1",
        "first=0",
        "first=201",
        "first=1&cursor=0xA",
        "first=1&cursor=+1",
    ] {
        assert_eq!(
            get(wrong)
                .await
                .is_details(400, "BAD_REQUEST")
                .json()
                .get("errors"),
            None
        );
    }
    get("first=9999999999").await.is_problem(400);
    get("first=x").await.is_problem(400);
    // [04:69]
    let none = server
        .get(&format!("{W}/none/versions/pagination?first=1&cursor=x"))
        .await;
    assert_eq!(none.json()["total_count"], 0);
    server.stop().await;
}

// [04:72]
#[tokio::test(flavor = "multi_thread")]
async fn snapshots_are_found_by_their_time() {
    let server = Server::start().await;
    let pushed = server.push("w", no_ops(&["a"])).await.json();
    let snapshot = &pushed["workflow_definition"]["properties_snapshot"];
    let get = async |id: &str| server.get(&format!("{W}/w/properties-snapshot/{id}")).await;
    assert_eq!(get("LATEST").await.json(), *snapshot);
    assert_eq!(
        get(&snapshot["create_time"].to_string()).await.json(),
        *snapshot
    );
    get("7").await.is_details(404, "NOT_FOUND");
    get("x").await.is_details(400, "BAD_REQUEST");
    server
        .get(&format!("{W}/none/properties-snapshot/x"))
        .await
        .is_details(404, "NOT_FOUND");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_takes_a_workflow_away_at_once() {
    let server = Server::start().await;
    server.push("w", no_ops(&["a"])).await;
    let event = server.call("DELETE", &format!("{W}/w"), "").await.json();
    assert_eq!(event["type"], "LOG");
    server
        .get(&format!("{W}/w/overview"))
        .await
        .is_details(404, "NOT_FOUND");
    server
        .call("DELETE", &format!("{W}/w"), "")
        .await
        .is_details(404, "NOT_FOUND");
    let start = format!("{W}/w/versions/1/actions/start");
    server
        .call("POST", &start, MANUAL)
        .await
        .is_details(404, "NOT_FOUND");
    let inline = format!("{W}/maestro_foreach_x");
    server
        .call("DELETE", &inline, "")
        .await
        .is_details(422, "UNPROCESSABLE_ENTITY");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn workflows_are_listed_page_by_page() {
    let server = Server::start().await;
    for id in ["b1", "a", "b2", "b3"] {
        server.push(id, no_ops(&["a"])).await;
    }
    let page = async |query: &str| {
        let page = server.get(&format!("{W}?{query}")).await.json();
        let elements = page["elements"].as_array().expect("elements");
        let ids: Vec<String> = elements
            .iter()
            .filter_map(|e| e["workflow_id"].as_str().map(str::to_owned))
            .collect();
        (
            ids,
            page["page_info"]["end_cursor"].clone(),
            page["page_info"]["has_next_page"].clone(),
        )
    };
    assert_eq!(page("").await.0, ["a", "b1", "b2", "b3"]);
    let (ids, cursor, more) = page("prefix=b&first=2").await;
    assert_eq!(
        (&ids[..], &cursor, &more),
        (
            &["b1".to_owned(), "b2".to_owned()][..],
            &json!("b2"),
            &json!(true)
        )
    );
    let (ids, _, more) = page("prefix=b&first=2&cursor=b2").await;
    assert_eq!((&ids[..], &more), (&["b3".to_owned()][..], &json!(false)));
    server
        .get(&format!("{W}?first=0"))
        .await
        .is_details(400, "BAD_REQUEST");
    server.stop().await;
}

// [01:81]
#[tokio::test(flavor = "multi_thread")]
async fn a_signal_trigger_without_signals_cannot_become_active() {
    let server = Server::start().await;
    for trigger in [json!({}), json!({ "definitions": {} })] {
        let push = async |active: bool, disabled: bool| {
            let mut workflow = no_ops(&["a"]);
            workflow["id"] = json!("w");
            workflow["signal_triggers"] = json!([{ "definitions": { "s": {} } }, trigger]);
            let body = json!({
                "properties": { "owner": "ana", "signal_trigger_disabled": disabled },
                "workflow": workflow,
                "is_active": active,
            });
            let valid = server
                .call("PUT", &format!("{W}/actions/validate"), &body.to_string())
                .await;
            valid.is(200);
            server.call("POST", W, &body.to_string()).await
        };
        let refused = push(true, false).await;
        let text = &refused.is_details(400, "BAD_REQUEST").text;
        assert!(
            text.contains("workflow.signal_triggers[1].definitions"),
            "{text}"
        );
        push(false, false).await.is(200);
        push(true, true).await.is(200);
    }
    let stored = server.get(&format!("{W}/w/versions/latest")).await.json();
    // What was refused made no version.
    assert_eq!(stored["metadata"]["workflow_version_id"], 4);
    server.stop().await;
}
