//! Job templates, tag permits, signals and output data over HTTP; and what comes with later issues.

use serde_json::json;

use crate::support::{Server, no_ops, shell};

const W: &str = "/api/v3/workflows";
const TEMPLATES: &str = "/api/v3/job-templates";
const PERMITS: &str = "/api/v3/tag-permits";

// [04:48]
#[tokio::test(flavor = "multi_thread")]
async fn job_templates_are_stored_by_type_and_version() {
    let server = Server::start().await;
    let template = |version: &str| {
        json!({
            "owner": "ana", "status": "live", "support": "me", "lane": 2,
            "definition": { "job_type": "etl", "step_type": "noop", "version": version },
        })
        .to_string()
    };
    let stored = server.call("POST", TEMPLATES, &template("v1")).await.json();
    assert_eq!(
        (
            &stored["metadata"]["version_author"],
            &stored["metadata"]["lane"]
        ),
        (&json!("tester"), &json!(2))
    );
    server
        .call("POST", TEMPLATES, &template("1"))
        .await
        .is_details(400, "BAD_REQUEST");
    server
        .call_as("POST", TEMPLATES, &template("v1"), &[])
        .await
        .is_details(400, "BAD_REQUEST");
    assert_eq!(
        server
            .get(&format!("{TEMPLATES}/etl?version=v1"))
            .await
            .json(),
        stored
    );
    server
        .get(&format!("{TEMPLATES}/etl"))
        .await
        .is_details(404, "NOT_FOUND");
    assert_eq!(
        server.get(&format!("{TEMPLATES}?version=v1")).await.json(),
        json!([stored])
    );
    // A job of the DSL may have its type.
    let yaml = [("user", "ana"), ("content-type", "application/yaml")];
    let text = "workflow:\n  id: w\n  owner: ana\n  jobs:\n  - job: {id: a, type: etl, type_version: v1}\n";
    let pushed = server
        .call_as("POST", &format!("{W}/yaml"), text, &yaml)
        .await
        .json();
    let step = &pushed["workflow_definition"]["workflow"]["steps"][0]["step"];
    assert_eq!(
        (&step["type"], &step["sub_type"]),
        (&json!("NoOp"), &json!("etl"))
    );
    let remove = async |query: &str| {
        server
            .call("DELETE", &format!("{TEMPLATES}/etl{query}"), "")
            .await
            .text
    };
    assert!(remove("?version=").await.contains("[0]"));
    let text = remove("").await;
    assert!(text.contains("[1]") && !text.starts_with('"'), "{text}");
    assert!(remove("").await.contains("[0]"));
    server.stop().await;
}

// [04:49]
#[tokio::test(flavor = "multi_thread")]
async fn tag_permits_keep_a_line_for_each_change() {
    let server = Server::start().await;
    let set = async |body: &str| server.call("POST", PERMITS, body).await;
    set(r#"{"tag":"gpu","max_allowed":-1}"#)
        .await
        .is_details(400, "BAD_REQUEST");
    let got = set(r#"{"tag":"gpu","max_allowed":2,"team":"x"}"#).await;
    assert_eq!(
        (got.status, &*got.text, got.header("content-length")),
        (200, "", "0")
    );
    let permit = server.get(&format!("{PERMITS}/gpu")).await.json();
    assert_eq!(
        (&permit["max_allowed"], &permit["team"]),
        (&json!(2), &json!("x"))
    );
    let lines = async || {
        let permit = server.get(&format!("{PERMITS}/gpu")).await.json();
        permit["timeline"].as_array().map(Vec::len)
    };
    assert_eq!(lines().await, Some(1));
    for _ in 0..2 {
        set(r#"{"tag":"gpu","max_allowed":3}"#).await;
        assert_eq!(lines().await, Some(2));
    }
    for _ in 0..2 {
        assert_eq!(
            server
                .call("DELETE", &format!("{PERMITS}/gpu"), "")
                .await
                .status,
            200
        );
    }
    server
        .get(&format!("{PERMITS}/gpu"))
        .await
        .is_details(404, "NOT_FOUND");
    server.stop().await;
}

// [04:50] [04:51]
#[tokio::test(flavor = "multi_thread")]
async fn signals_are_numbered_and_repetitions_are_told() {
    let server = Server::start().await;
    let announce = async |body: &str| server.call_as("POST", "/api/v3/signals", body, &[]).await;
    let body = r#"{"name":"tbl/ready","params":{"d":20250101},"src":"job"}"#;
    let first = announce(body).await.json();
    assert_eq!(
        (&first["seq_id"], &first["payload"]),
        (&json!(1), &json!({ "src": "job" }))
    );
    announce(body).await.is_details(409, "CONFLICT");
    let second =
        announce(r#"{"name":"tbl/ready","params":{"d":20250101},"request_id":"k2"}"#).await;
    assert_eq!(second.json()["seq_id"], 2);
    announce(r#"{"name":"tbl/ready","params":{"x":true}}"#)
        .await
        .is_details(400, "BAD_REQUEST");
    announce(r#"{"name":"~"}"#)
        .await
        .is_details(400, "BAD_REQUEST");
    let get = async |path: &str| server.get(&format!("/api/v3/signals/{path}")).await;
    let unknown = get("unknown/instances/1").await;
    assert_eq!(
        (
            unknown.status,
            &*unknown.text,
            unknown.header("content-type")
        ),
        (200, "", "")
    );
    get("unknown/instances/x")
        .await
        .is_details(400, "BAD_REQUEST");
    announce(r#"{"name":"one"}"#).await;
    assert_eq!(get("one/instances/latest").await.json()["seq_id"], 1);
    assert_eq!(get("one/instances/0").await.text, "");
    server.stop().await;
}

// [04:52]
#[tokio::test(flavor = "multi_thread")]
async fn output_data_needs_its_job() {
    let server = Server::start().await;
    let put = async |body: &str| {
        server
            .call_as("PUT", "/api/v3/output-data", body, &[])
            .await
    };
    let ids = r#""external_job_id":"7","external_job_type":"kubernetes","workflow_id":"w""#;
    let param = r#""params":{"p":{"type":"LONG","value":1,"evaluated_result":1}}"#;
    let got = put(&format!("{{{ids},{param}}}")).await;
    assert_eq!((got.status, &*got.text), (200, ""));
    put(&format!("{{{param}}}"))
        .await
        .is_details(400, "BAD_REQUEST");
    put(&format!("{{{ids}}}"))
        .await
        .is_details(400, "BAD_REQUEST");
    // [04:75]
    let text = server
        .call_as(
            "PUT",
            "/api/v3/output-data",
            "{}",
            &[("content-type", "text/plain")],
        )
        .await;
    text.is_problem(415);
    server.stop().await;
}

// [04:43] [04:44] [04:46] [04:53] [04:54]
#[tokio::test(flavor = "multi_thread")]
async fn actions_of_later_issues_refuse_what_they_will_refuse() {
    let server = Server::start().await;
    server.push("done", no_ops(&["s"])).await;
    server.start_instance("done").await;
    server
        .wait(&format!("{W}/done/instances/1"), "/status", &["SUCCEEDED"])
        .await;
    let put = async |path: &str| {
        server
            .call_as(
                "PUT",
                &format!("{W}/{path}"),
                "",
                &[("user", "ana"), ("content-type", "application/json")],
            )
            .await
    };
    let step = "done/instances/1/steps/s/actions";
    put(&format!("{step}/stop"))
        .await
        .is_details(400, "BAD_REQUEST");
    put(&format!("{step}/bypass"))
        .await
        .is_details(400, "BAD_REQUEST");
    put("done/instances/1/steps/zz/actions/skip")
        .await
        .is_details(400, "BAD_REQUEST");
    put("done/instances/2/steps/s/actions/stop")
        .await
        .is_details(404, "NOT_FOUND");
    put("done/instances/1/actions/unblock")
        .await
        .is_details(400, "BAD_REQUEST");
    put("done/instances/1/runs/2/actions/unblock")
        .await
        .is_details(400, "BAD_REQUEST");
    put("none/instances/1/actions/unblock")
        .await
        .is_details(404, "NOT_FOUND");
    assert_eq!(
        put("done/actions/unblock").await.json()["action"],
        "UNBLOCK"
    );
    server.push("busy", shell("sleep 60")).await;
    server.start_instance("busy").await;
    server
        .wait(
            &format!("{W}/busy/instances/1/steps/job"),
            "/runtime_state/status",
            &["RUNNING"],
        )
        .await;
    put("busy/instances/1/steps/job/actions/bypass")
        .await
        .is_details(400, "BAD_REQUEST");
    let restart = r#"{"restart_policy":"RESTART_FROM_BEGINNING"}"#;
    let path = format!("{W}/busy/instances/1/actions/restart");
    server
        .call("POST", &path, restart)
        .await
        .is_details(400, "BAD_REQUEST");
    put("busy/actions/kill").await;

    let points = format!("{W}/steps/breakpoints");
    let set = async |body: &str| server.call("POST", &points, body).await;
    set(r#"{"workflow_id":"done","step_id":"s","workflow_version":1}"#)
        .await
        .is_details(400, "BAD_REQUEST");
    set(r#"{"workflow_id":"done","step_id":"zz"}"#)
        .await
        .is_details(400, "BAD_REQUEST");
    set(r#"{"workflow_id":"none","step_id":"s"}"#)
        .await
        .is_details(404, "NOT_FOUND");
    let list = async |query: &str| server.get(&format!("{points}{query}")).await;
    assert_eq!(list("?workflowId=done&stepId=zz").await.text, "[]");
    list("?workflowId=none&stepId=s")
        .await
        .is_details(404, "NOT_FOUND");
    list("?workflowId=done").await.is_problem(400);
    let paused = list("/paused-step-attempts?workflowId=done&stepId=s").await;
    assert_eq!(paused.text, "[]");
    let remove = format!("{points}?workflowId=done&stepId=s");
    server
        .call("DELETE", &remove, "")
        .await
        .is_details(404, "NOT_FOUND");
    put("steps/breakpoints/done/instances/1/runs/latest/steps/s/attempts/1/actions/resume")
        .await
        .is_details(404, "NOT_FOUND");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn views_of_loops_are_empty_as_long_as_there_are_no_loops() {
    let server = Server::start().await;
    server.push("w", no_ops(&["s"])).await;
    server.start_instance("w").await;
    let base = "/api/v3/views/flatten/workflows/w/instances/1/runs/1/steps/s";
    let page = server.get(&format!("{base}?first=2")).await.json();
    assert_eq!(
        (&page["total_count"], &page["elements"]),
        (&json!(0), &json!([]))
    );
    server.get(base).await.is_details(400, "BAD_REQUEST");
    server
        .get(&format!("{base}?first=2&cursor=*"))
        .await
        .is_details(400, "BAD_REQUEST");
    server
        .get(&format!("{base}/iterations/1-2"))
        .await
        .is_details(404, "NOT_FOUND");
    let summary = server
        .get(&format!("{base}/summary?statusCount=true"))
        .await
        .json();
    assert_eq!(
        summary,
        json!({ "count_by_status": {}, "loop_param_values": {} })
    );
    let path = format!("{W}/w/instances/1/inline-path");
    server.get(&path).await.is_details(400, "BAD_REQUEST");
    let path = format!("{W}/instances/inline-workflow-id");
    let ask = async |body: &str| server.call("GET", &path, body).await;
    ask("[]").await.is_details(400, "BAD_REQUEST");
    ask("5").await.is_details(400, "BAD_REQUEST");
    ask(r#"[{"workflow_id":"w","instance_id":1,"step_id":"s"}]"#)
        .await
        .is_details(400, "BAD_REQUEST");
    ask(r#"[{"workflow_id":"no","instance_id":1,"step_id":"s"}]"#)
        .await
        .is_details(404, "NOT_FOUND");
    server.stop().await;
}
