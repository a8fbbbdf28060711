//! Properties, tags, activation, deletion, over HTTP.

use serde_json::{Value, json};

use crate::support::{MANUAL, Server, no_op, no_ops};

const W: &str = "/api/v3/workflows";

async fn push(server: &Server, body: Value) -> crate::support::Got {
    server.call("POST", W, &body.to_string()).await
}

fn request(id: &str, properties: &Value) -> Value {
    json!({ "properties": properties, "workflow": { "id": id, "steps": [no_op("a")] } })
}

// [01:2] [01:3] [04:11] [04:12] [04:13] [04:15]
#[tokio::test(flavor = "multi_thread")]
async fn a_push_keeps_and_resets_properties() {
    let server = Server::start().await;
    let body = json!({ "workflow": { "id": "w", "steps": [no_op("a")] } });
    let anonymous = server.call_as("POST", W, &body.to_string(), &[]).await;
    anonymous.is_details(400, "BAD_REQUEST");
    push(&server, body.clone())
        .await
        .is_details(400, "BAD_REQUEST");
    let full = json!({ "owner": "ana", "run_strategy": 5, "step_concurrency": 3, "alerting": {}, "description": "old" });
    let first = push(&server, request("w", &full)).await.json();
    // The owner stays, and so does the snapshot.
    let second = push(&server, body).await.json();
    let (first, second) = (
        &first["workflow_definition"],
        &second["workflow_definition"],
    );
    assert_eq!(first["properties_snapshot"], second["properties_snapshot"]);
    assert_eq!(first["internal_id"], second["internal_id"]);
    assert_eq!(second["metadata"]["workflow_version_id"], 2);
    let third = push(&server, request("w", &json!({ "description": "d" })))
        .await
        .json();
    let snapshot = &third["workflow_definition"]["properties_snapshot"];
    assert_eq!(
        (&snapshot["owner"], &snapshot["description"]),
        (&json!("ana"), &json!("d"))
    );
    for gone in ["run_strategy", "step_concurrency", "alerting"] {
        assert_eq!(snapshot.get(gone), None, "{gone}");
    }
    push(&server, request("w", &json!({ "tags": ["a"] })))
        .await
        .is_details(400, "BAD_REQUEST");
    assert_eq!(
        push(&server, request("w", &json!({ "tags": [] })))
            .await
            .status,
        200
    );
    let mut inactive = request("w", &json!({}));
    inactive["is_active"] = json!(false);
    let got = push(&server, inactive).await.json();
    let flags = |name: &str| got["workflow_definition"][name].clone();
    assert_eq!(
        (flags("is_active"), flags("is_latest"), flags("is_default")),
        (json!(false), json!(true), json!(false))
    );
    server.stop().await;
}

// [01:45] [01:46] [01:47] [01:48] [01:49]
#[tokio::test(flavor = "multi_thread")]
async fn versions_are_activated_and_deactivated() {
    let server = Server::start().await;
    let mut inactive = request("w", &json!({ "owner": "ana" }));
    inactive["is_active"] = json!(false);
    let pushed = push(&server, inactive.clone()).await.json();
    assert_eq!(pushed["workflow_definition"]["is_default"], true);
    let put = async |path: &str| server.call("PUT", &format!("{W}/w/{path}"), "").await;
    let get = async |version: &str| server.get(&format!("{W}/w/versions/{version}")).await;
    get("active").await.is_details(404, "NOT_FOUND");
    assert_eq!(
        get("DEFAULT").await.json()["metadata"]["workflow_version_id"],
        1
    );
    push(&server, inactive).await;
    let answer = put("versions/1/actions/activate").await.json();
    assert_eq!(
        (
            &answer["workflow_version_id"],
            &answer["timeline_event"]["action"]
        ),
        (&json!(1), &json!("ACTIVATE"))
    );
    let active = get("active").await.json();
    assert_eq!(active["activated_by"], "tester");
    // Decision 1.
    let again = put("versions/active/actions/activate").await.json();
    assert_eq!(again["workflow_version_id"], 1);
    assert_eq!(get("active").await.json(), active);
    put("versions/zero/actions/activate")
        .await
        .is_details(400, "BAD_REQUEST");
    put("versions/9/actions/activate")
        .await
        .is_details(404, "NOT_FOUND");
    let unknown = format!("{W}/none/versions/zero/actions/activate");
    server
        .call("PUT", &unknown, "")
        .await
        .is_details(404, "NOT_FOUND");
    for _ in 0..2 {
        let answer = put("actions/deactivate").await.json();
        assert_eq!(
            (
                &answer["workflow_version_id"],
                &answer["timeline_event"]["action"]
            ),
            (&json!(0), &json!("DEACTIVATE"))
        );
    }
    put("versions/active/actions/activate")
        .await
        .is_details(404, "NOT_FOUND");
    let timeline = server.get(&format!("{W}/w/timeline")).await.json();
    // Two pushes, two activations and two deactivations, the ones that did nothing, too.
    assert_eq!(
        timeline["timeline_events"].as_array().map(Vec::len),
        Some(6)
    );
    server.stop().await;
}

// [04:21] [04:22]
#[tokio::test(flavor = "multi_thread")]
async fn properties_and_tags_are_changed_without_a_push() {
    let server = Server::start().await;
    server.push("w", no_ops(&["a"])).await;
    let change = async |id: &str, body: &str| {
        server
            .call("POST", &format!("{W}/{id}/properties"), body)
            .await
    };
    change(
        "w",
        r#"{"reset_step_concurrency":true,"step_concurrency":3}"#,
    )
    .await
    .is_details(400, "BAD_REQUEST");
    change("none", "{}").await.is_details(400, "BAD_REQUEST");
    let bad = change("w", r#"{"step_concurrency":0}"#).await;
    let errors = bad.is_details(400, "BAD_REQUEST").json()["errors"].clone();
    assert!(
        errors[0]
            .as_str()
            .is_some_and(|e| e.starts_with("properties.stepConcurrency"))
    );
    let changed = change("w", r#"{"run_strategy":4}"#).await.json();
    assert_eq!(
        (&changed["owner"], &changed["author"]),
        (&json!("ana"), &json!("tester"))
    );
    let tag = format!("{W}/w/properties/tag");
    for body in [r#""gold""#, r#"{"name":"gold","carat":24}"#] {
        assert_eq!(server.call("POST", &tag, body).await.status, 200);
    }
    let snapshot = server
        .get(&format!("{W}/w/properties-snapshot/latest"))
        .await
        .json();
    let tags = snapshot["tags"].as_array().expect("tags");
    assert_eq!(tags.len(), 1);
    assert_eq!(
        (
            &tags[0]["namespace"],
            &tags[0]["creator"],
            &tags[0]["carat"]
        ),
        (&json!("PLATFORM"), &json!("tester"), &json!(24))
    );
    assert!(tags[0]["created_at_milli"].is_i64());
    let gold = format!("{tag}/gold");
    assert_eq!(
        server.call("DELETE", &gold, "").await.json()["tags"],
        json!([])
    );
    server
        .call("DELETE", &gold, "")
        .await
        .is_details(404, "NOT_FOUND");
    let none = format!("{W}/none/properties/tag/gold");
    server
        .call("DELETE", &none, "")
        .await
        .is_details(400, "BAD_REQUEST");
    server.stop().await;
}

// [04:20]
#[tokio::test(flavor = "multi_thread")]
async fn a_strategy_that_waiting_instances_forbid_is_412() {
    let server = Server::start().await;
    server.push("w", crate::support::shell("sleep 60")).await;
    for _ in 0..2 {
        server.start_instance("w").await;
    }
    let properties = format!("{W}/w/properties");
    let refused = server
        .call("POST", &properties, r#"{"run_strategy":"last_only"}"#)
        .await;
    refused.is_details(412, "PRECONDITION_FAILED");
    let push = push(
        &server,
        request("w", &json!({ "run_strategy": "last_only" })),
    )
    .await;
    push.is_details(412, "PRECONDITION_FAILED");
    // [01:55] [01:56]
    server
        .call("DELETE", &format!("{W}/w"), "")
        .await
        .is_details(400, "BAD_REQUEST");
    let all = format!("{W}/w/actions/stop");
    assert_eq!(server.call("PUT", &all, "").await.status, 202);
    server
        .wait(&format!("{W}/w/instances/1"), "/status", &["STOPPED"])
        .await;
    assert_eq!(
        server.call("DELETE", &format!("{W}/w"), "").await.status,
        200
    );
    // Until the data is gone the id cannot be used (409), then it is fresh, but goes on counting instances.
    let pushed = loop {
        let pushed = server
            .call(
                "POST",
                W,
                &request("w", &json!({ "owner": "b" })).to_string(),
            )
            .await;
        if pushed.status != 409 {
            break pushed.json();
        }
    };
    assert_eq!(
        pushed["workflow_definition"]["metadata"]["workflow_version_id"],
        1
    );
    assert_eq!(server.start_instance("w").await, 3);
    server.stop().await;
}

// [01:57]
#[tokio::test(flavor = "multi_thread")]
async fn a_validation_stores_nothing() {
    let server = Server::start().await;
    let check = format!("{W}/actions/validate");
    let body = json!({ "workflow": { "id": "w", "steps": [no_op("a")] }, "is_active": null });
    let event = server.call("PUT", &check, &body.to_string()).await.json();
    assert_eq!(
        (&event["type"], &event["action"]),
        (&json!("ACTION"), &json!("VALIDATE"))
    );
    let mut cyclic = body;
    cyclic["workflow"]["steps"][0]["step"]["transition"] = json!({ "successors": { "a": "true" } });
    let refused = server.call("PUT", &check, &cyclic.to_string()).await;
    let errors = refused.is_details(400, "BAD_REQUEST").json()["errors"].clone();
    assert_eq!(errors.as_array().map(Vec::len), Some(1), "{errors}");
    server
        .get(&format!("{W}/w/overview"))
        .await
        .is_details(404, "NOT_FOUND");
    server.stop().await;
}

// [01:67] [01:68]
#[tokio::test(flavor = "multi_thread")]
async fn an_overview_invents_nothing_but_the_strategy() {
    let server = Server::start().await;
    for _ in 0..6 {
        server.push("w", no_ops(&["a"])).await;
    }
    let overview = server.get(&format!("{W}/w/overview")).await.json();
    assert_eq!(
        overview["properties_snapshot"]["run_strategy"],
        json!({ "rule": "SEQUENTIAL", "workflow_concurrency": 1 })
    );
    assert_eq!(
        overview["nonterminal_instances"],
        json!({ "CREATED": 0, "IN_PROGRESS": 0, "PAUSED": 0 })
    );
    assert_eq!(overview["failed_instances"], 0);
    assert_eq!(overview.get("latest_instance_id"), None);
    let page = server
        .get(&format!("{W}/w/versions/pagination?last=3&cursor=3"))
        .await
        .json();
    let info = &page["page_info"];
    assert_eq!(
        (
            &info["has_previous_page"],
            &info["has_next_page"],
            &info["start_index"]
        ),
        (&json!(false), &json!(true), &json!(1))
    );
    let both = server
        .get(&format!("{W}/w/versions/pagination?first=1&last=1"))
        .await;
    both.is_details(400, "BAD_REQUEST");
    server.stop().await;
}

// [04:6]
#[tokio::test(flavor = "multi_thread")]
async fn next_executions_come_with_the_enriched_form() {
    let server = Server::start().await;
    let mut workflow = no_ops(&["a"]);
    workflow["time_triggers"] = json!([{ "type": "cron", "cron": "0 0 1 1 *" }]);
    server.push("w", workflow).await;
    let get = async |query: &str| server.get(&format!("{W}/w/versions/1{query}")).await.json();
    let extras = get("?enriched=True").await["enriched_extras"].clone();
    assert_eq!(
        extras["next_execution_times"][0],
        extras["next_execution_time"]
    );
    assert!(extras["next_execution_time"].is_i64());
    assert_eq!(get("?enriched=False").await.get("enriched_extras"), None);
    server.stop().await;
}

// [01:82]
#[tokio::test(flavor = "multi_thread")]
async fn a_trigger_may_go_and_come_back() {
    let server = Server::start().await;
    let mut triggered = no_ops(&["a"]);
    triggered["time_triggers"] = json!([{ "type": "cron", "cron": "0 0 1 1 *" }]);
    for workflow in [&triggered, &no_ops(&["a"]), &triggered] {
        assert_eq!(server.push("w", workflow.clone()).await.status, 200);
    }
    server.stop().await;
}

// [04:60]
#[tokio::test(flavor = "multi_thread")]
async fn a_dag_may_name_one_successor_as_a_text() {
    let server = Server::start().await;
    let yaml = [("user", "ana"), ("content-type", "application/yaml")];
    let mut pushed = Vec::new();
    for dag in ["{a: b}", "{a: [b]}"] {
        let text = format!(
            "workflow:\n  id: w\n  owner: ana\n  dag: {dag}\n  jobs:\n  - job: {{id: a, type: NoOp}}\n  - job: {{id: b, type: NoOp}}\n"
        );
        let got = server
            .call_as("POST", &format!("{W}/yaml"), &text, &yaml)
            .await;
        pushed.push(got.json()["workflow_definition"]["workflow"].clone());
    }
    assert_eq!(pushed[0], pushed[1]);
    assert_eq!(
        pushed[0]["steps"][0]["step"]["transition"],
        json!({ "successors": { "b": "true" } })
    );
    server.stop().await;
}

/// Decision 16.
#[tokio::test(flavor = "multi_thread")]
async fn workflows_and_instances_are_found_again() {
    let server = Server::start().await;
    for (id, owner, tags) in [
        ("a", "ana", json!(["red"])),
        ("b", "bob", json!([])),
        ("c", "ana", json!([])),
    ] {
        let mut body = request(id, &json!({ "owner": owner }));
        body["workflow"]["tags"] = tags;
        assert_eq!(push(&server, body).await.status, 200);
    }
    server
        .call("POST", &format!("{W}/c/properties/tag"), r#""red""#)
        .await;
    server
        .call("PUT", &format!("{W}/c/actions/deactivate"), "")
        .await;
    let list = async |path: &str, member: &str| {
        let page = server.get(path).await.json();
        let elements = page["elements"]
            .as_array()
            .unwrap_or_else(|| panic!("{page}"));
        elements
            .iter()
            .map(|e| e[member].clone())
            .collect::<Vec<_>>()
    };
    let workflows = async |query: &str| list(&format!("{W}?{query}"), "workflow_id").await;
    assert_eq!(workflows("tag=red").await, ["a", "c"]);
    assert_eq!(workflows("owner=ana&active=true").await, ["a"]);
    assert_eq!(workflows("active=false").await, ["c"]);
    assert_eq!(workflows("tag=red&first=1").await, ["a"]);
    assert_eq!(workflows("tag=red&first=1&cursor=a").await, ["c"]);
    let uuid = "11111111-2222-3333-4444-555555555555";
    let body = json!({ "initiator": { "type": "manual" }, "request_id": uuid });
    for id in ["a", "b"] {
        let path = format!("{W}/{id}/versions/1/actions/start");
        assert_eq!(
            server.call("POST", &path, &body.to_string()).await.status,
            200
        );
        let path = format!("{W}/{id}/versions/1/actions/start");
        assert_eq!(server.call("POST", &path, MANUAL).await.status, 200);
    }
    let instances =
        async |query: &str| list(&format!("/api/v3/instances?{query}"), "workflow_id").await;
    assert_eq!(instances(&format!("request_id={uuid}")).await, ["b", "a"]);
    assert_eq!(
        instances(&format!("request_id={uuid}&workflow=a")).await,
        ["a"]
    );
    assert_eq!(instances("workflow=b").await, ["b", "b"]);
    assert_eq!(instances("workflow=none").await, [""; 0]);
    assert_eq!(instances("to=1000").await, [""; 0]);
    assert_eq!(instances("from=1000&first=3").await.len(), 3);
    assert_eq!(instances("status=failed").await, [""; 0]);
    for wrong in ["request_id=x", "status=odd", "cursor=x", "from=x"] {
        let got = server.get(&format!("/api/v3/instances?{wrong}")).await;
        assert_eq!(got.status, 400, "{wrong}");
    }
    server.stop().await;
}
