//! What the dry run of a push accepts and refuses (spec 01 section 9), over the validate endpoint.

use serde_json::{Value, json};

use crate::support::{Server, no_op};

async fn status(server: &Server, workflow: Value) -> u16 {
    let mut workflow = workflow;
    workflow["id"] = json!("w");
    let body = json!({ "properties": { "owner": "ana" }, "workflow": workflow });
    let path = "/api/v3/workflows/actions/validate";
    let got = server.call("PUT", path, &body.to_string()).await;
    assert!(matches!(got.status, 200 | 400), "{}", got.text);
    got.status
}

fn with_params(params: &Value) -> Value {
    json!({ "steps": [no_op("a")], "params": params })
}

fn step(body: &Value) -> Value {
    json!({ "steps": [{ "step": body }] })
}

// [01:38] [01:39] [01:79]
#[tokio::test(flavor = "multi_thread")]
async fn workflow_params_are_evaluated_and_step_params_are_not() {
    let server = Server::start().await;
    let broken = json!({ "p": { "type": "LONG", "expression": "1 +" } });
    assert_eq!(status(&server, with_params(&broken)).await, 400);
    assert_eq!(
        status(
            &server,
            step(&json!({ "id": "a", "type": "NoOp", "params": broken }))
        )
        .await,
        200
    );
    let date = json!({
        "FROM_DATE": { "type": "STRING", "value": "yyyyMMdd" },
        "first": { "type": "LONG", "expression": "DateTimeFormat.forPattern('yyyyMMdd').parseMillis(FROM_DATE)" },
    });
    assert_eq!(status(&server, with_params(&date)).await, 200);
    for (params, expected) in [
        (
            json!({ "RUN_TS": { "type": "STRING", "value": "12" } }),
            200,
        ),
        (
            json!({ "RUN_TS": { "type": "STRING", "value": "later" } }),
            400,
        ),
        (
            json!({ "DSL_DEFAULT_TZ": { "type": "STRING", "value": "Middle/Earth" } }),
            400,
        ),
        (
            json!({ "a": { "type": "STRING_ARRAY", "expression": "new String[]{'a'}" } }),
            400,
        ),
        (
            json!({ "a": { "type": "STRING_ARRAY", "expression": "new String[]{'a'};" } }),
            200,
        ),
    ] {
        assert_eq!(
            status(&server, with_params(&params)).await,
            expected,
            "{params}"
        );
    }
    server.stop().await;
}

// [01:35] [01:78]
#[tokio::test(flavor = "multi_thread")]
async fn a_subworkflow_needs_its_target() {
    let server = Server::start().await;
    let sub =
        |params: Value| json!({ "steps": [{ "subworkflow": { "id": "s", "params": params } }] });
    for (params, expected) in [
        (json!({}), 400),
        (
            json!({ "subworkflow_id": { "type": "STRING", "value": "x" } }),
            200,
        ),
        (
            json!({ "subworkflow_id": { "type": "STRING", "value": "" } }),
            200,
        ),
        (
            json!({ "subworkflow_id": { "type": "LONG", "value": 5 } }),
            200,
        ),
        (
            json!({ "subworkflow_id": { "type": "STRING_ARRAY", "value": ["x"] } }),
            400,
        ),
        (
            json!({ "subworkflow_id": { "type": "STRING", "value": "x", "mode": "CONSTANT" } }),
            400,
        ),
        (
            json!({ "subworkflow_id": { "type": "STRING", "value": "x", "mode": "MUTABLE" } }),
            400,
        ),
    ] {
        assert_eq!(
            status(&server, sub(params.clone())).await,
            expected,
            "{params}"
        );
    }
    server.stop().await;
}

// [01:77]
#[tokio::test(flavor = "multi_thread")]
async fn jobs_need_the_params_of_their_type() {
    let server = Server::start().await;
    for ty in ["Http", "Kubernetes", "Notebook"] {
        let bare = json!({ "id": "a", "type": ty });
        assert_eq!(status(&server, step(&bare)).await, 400, "{ty}");
        let nested = json!({ "steps": [{ "foreach": {
            "id": "f", "params": { "loop_params": { "type": "MAP", "value": {} } }, "steps": [{ "step": bare }],
        } }] });
        assert_eq!(status(&server, nested).await, 200, "{ty} in a loop");
    }
    let input = json!({ "notebook": { "type": "MAP", "value": { "input_path": { "type": "STRING", "value": "x" } } } });
    let notebook = json!({ "id": "a", "type": "Notebook", "params": input });
    assert_eq!(status(&server, step(&notebook)).await, 400);
    for ty in ["NoOp", "Sleep"] {
        assert_eq!(
            status(&server, step(&json!({ "id": "a", "type": ty }))).await,
            200,
            "{ty}"
        );
    }
    server.stop().await;
}

// [01:75]
#[tokio::test(flavor = "multi_thread")]
async fn zones_of_time_triggers_are_regions_or_offsets() {
    let server = Server::start().await;
    let triggers = |zones: &[&str]| {
        let triggers: Vec<Value> = zones
            .iter()
            .map(|zone| json!({ "type": "cron", "cron": "0 1 * * *", "timezone": zone }))
            .collect();
        json!({ "steps": [no_op("a")], "time_triggers": triggers })
    };
    for zone in ["Z", "UT", "UTC+1", "+2"] {
        assert_eq!(status(&server, triggers(&[zone])).await, 400, "{zone}");
        assert_eq!(
            status(&server, triggers(&["UTC", zone])).await,
            200,
            "{zone}"
        );
    }
    for zone in ["+02", "-0330", "CET"] {
        assert_eq!(status(&server, triggers(&[zone])).await, 200, "{zone}");
    }
    server.stop().await;
}

// [01:65], the part of the dry run
#[tokio::test(flavor = "multi_thread")]
async fn steps_get_params_from_job_templates() {
    let server = Server::start().await;
    let put = async |definition: Value| {
        let body =
            json!({ "owner": "ana", "status": "ok", "support": "us", "definition": definition });
        server
            .call("POST", "/api/v3/job-templates", &body.to_string())
            .await
    };
    let typed = |ty: &str| step(&json!({ "id": "a", "type": ty, "sub_type": "fetch" }));
    assert_eq!(status(&server, typed("Http")).await, 400);
    let url = json!({ "http": { "type": "MAP", "value": { "url": { "type": "STRING", "value": "http://localhost/" } } } });
    let base = json!({ "job_type": "base", "version": "v1", "step_type": "Http", "params": url });
    assert_eq!(put(base).await.status, 200);
    let heir = json!({ "job_type": "fetch", "version": "default", "step_type": "Http", "inherit_from": { "base": "v1" } });
    assert_eq!(put(heir).await.status, 200);
    assert_eq!(status(&server, typed("Http")).await, 200);
    assert_eq!(status(&server, typed("Kubernetes")).await, 400);
    let round = json!({ "job_type": "base", "version": "v1", "step_type": "Http", "params": url,
        "inherit_from": { "fetch": "default" } });
    assert_eq!(put(round).await.status, 200);
    let body = json!({ "properties": { "owner": "ana" }, "workflow": { "id": "w",
        "steps": [{ "step": { "id": "a", "type": "Http", "sub_type": "fetch" } }] } });
    let got = server
        .call("POST", "/api/v3/workflows", &body.to_string())
        .await;
    assert_eq!(got.status, 400);
    assert!(got.text.contains("inherits from itself"), "{}", got.text);
    server.stop().await;
}
