//! Instances over HTTP.

use serde_json::{Value, json};

use crate::support::{MANUAL, Server, no_ops, shell};

const W: &str = "/api/v3/workflows";

// [04:23] [04:24] [04:25]
#[tokio::test(flavor = "multi_thread")]
async fn starting_answers_with_the_new_run() {
    let server = Server::start().await;
    server.push("w", no_ops(&["a", "b"])).await;
    let start = async |body: &str| {
        server
            .call(
                "POST",
                &format!("{W}/w/versions/default/actions/start"),
                body,
            )
            .await
    };
    let body = r#"{"initiator":{"type":"manual","user":"somebody"},"request_id":"123e4567-e89b-12d3-a456-426614174000"}"#;
    let first = start(body).await.json();
    assert_eq!(first["status"], "CREATED");
    assert_eq!(
        (&first["workflow_instance_id"], &first["workflow_run_id"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(first["timeline_event"]["type"], "LOG");
    let again = start(body).await.json();
    assert_eq!(again["status"], "DUPLICATED");
    assert_eq!(
        (&again["workflow_instance_id"], &again["workflow_run_id"]),
        (&json!(0), &json!(0))
    );
    assert_eq!(again["workflow_uuid"], first["workflow_uuid"]);
    let done = server
        .wait(&format!("{W}/w/instances/1"), "/status", &["SUCCEEDED"])
        .await;
    assert_eq!(
        done["initiator"],
        json!({ "depth": 0, "type": "MANUAL", "user": "tester" })
    );
    let got = start("{}").await.is_details(400, "BAD_REQUEST").json();
    assert_eq!(got["errors"], json!(["initiator may not be null"]));
    for unreadable in [
        r#"{"initiator":{"type":"robot"}}"#,
        r#"{"initiator":{"type":"manual"},"run_params":{"p":{"value":1,"expression":"1","type":"LONG"}}}"#,
    ] {
        assert_eq!(
            start(unreadable)
                .await
                .is_details(400, "BAD_REQUEST")
                .json()
                .get("errors"),
            None
        );
    }
    let reserved =
        r#"{"initiator":{"type":"manual"},"run_params":{"params":{"value":1,"type":"LONG"}}}"#;
    start(reserved).await.is_details(400, "BAD_REQUEST");
    let version = async |version: &str| {
        server
            .call(
                "POST",
                &format!("{W}/w/versions/{version}/actions/start"),
                MANUAL,
            )
            .await
    };
    version("9").await.is_details(404, "NOT_FOUND");
    version("x").await.is_details(400, "BAD_REQUEST");
    server.stop().await;
}

// [04:30] [04:31]
#[tokio::test(flavor = "multi_thread")]
async fn runs_are_selected_by_word_or_number() {
    let server = Server::start().await;
    server.push("w", no_ops(&["a"])).await;
    server.start_instance("w").await;
    server
        .wait(&format!("{W}/w/instances/1"), "/status", &["SUCCEEDED"])
        .await;
    let get = async |path: &str| server.get(&format!("{W}/w/instances/{path}")).await;
    let plain = get("1/runs/1").await.json();
    assert_eq!(plain.get("aggregated_info"), None);
    for same in ["1/runs/latest", "1/runs/LATEST", "1/runs/0", "0001/runs/+1"] {
        assert_eq!(get(same).await.json(), plain, "{same}");
    }
    let aggregated = get("1/runs/1?aggregated=true").await.json();
    assert_eq!(
        aggregated["aggregated_info"]["workflow_instance_status"],
        "SUCCEEDED"
    );
    assert_eq!(get("1").await.json(), aggregated);
    get("1/runs/abc").await.is_details(400, "BAD_REQUEST");
    get("1/runs/%201").await.is_details(400, "BAD_REQUEST");
    get("1/runs/-5").await.is_details(404, "NOT_FOUND");
    get("1/runs/2").await.is_details(404, "NOT_FOUND");
    get("abc").await.is_problem(400);
    get("9").await.is_details(404, "NOT_FOUND");
    // [04:69]
    server
        .get(&format!("{W}/none/instances/1/runs/x"))
        .await
        .is_details(400, "BAD_REQUEST");
    let statuses = |instance: &Value| -> Vec<Value> {
        let events = instance["timeline"].as_array().cloned().unwrap_or_default();
        let changes = events.iter().filter(|e| e["type"] == "STATUS");
        changes.map(|e| e["status"].clone()).collect()
    };
    assert_eq!(statuses(&plain), ["CREATED", "IN_PROGRESS", "SUCCEEDED"]);
    assert!(statuses(&get("1?enriched=off").await.json()).is_empty());
    server.stop().await;
}

// [04:32] [04:33] [04:34]
#[tokio::test(flavor = "multi_thread")]
async fn instances_come_in_pages() {
    let server = Server::start().await;
    server.push("w", no_ops(&["a"])).await;
    for _ in 0..10 {
        server.start_instance("w").await;
    }
    let get = async |query: &str| server.get(&format!("{W}/w/instances?{query}")).await;
    let ids = |page: &Value| -> Vec<i64> {
        let elements = page["elements"].as_array().expect("elements");
        elements
            .iter()
            .filter_map(|e| e["workflow_instance_id"].as_i64())
            .collect()
    };
    let page = get("first=4").await.json();
    assert_eq!(ids(&page), [7, 8, 9, 10]);
    let info = json!({
        "start_cursor": "10", "end_cursor": "7", "has_previous_page": false, "has_next_page": true, "start_index": 1,
    });
    assert_eq!(
        (&page["page_info"], &page["total_count"]),
        (&info, &json!(10))
    );
    let page = get("first=4&cursor=7").await.json();
    assert_eq!(
        (ids(&page), &page["page_info"]["start_index"]),
        (vec![3, 4, 5, 6], &json!(5))
    );
    let page = get("first=4&cursor=1").await.json();
    assert_eq!((ids(&page), &page["total_count"]), (vec![], &json!(10)));
    assert_eq!(ids(&get("last=3").await.json()), [1, 2, 3]);
    assert_eq!(ids(&get("last=3&cursor=10").await.json()), [10]);
    for wrong in [
        "",
        "first=1&last=1",
        "first=0",
        "first=201",
        "first=9999999999",
        "first=1&cursor=x",
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
    get("first=x").await.is_problem(400);
    let none = server
        .get(&format!("{W}/none/instances?first=10"))
        .await
        .json();
    let empty = json!({
        "page_info": {
            "start_cursor": null, "end_cursor": null, "has_previous_page": false, "has_next_page": false, "start_index": null,
        },
        "total_count": 0,
        "elements": [],
    });
    assert_eq!(none, empty);
    let runs = server
        .get(&format!("{W}/w/instances/3/runs?first=5"))
        .await
        .json();
    assert_eq!((ids(&runs), &runs["total_count"]), (vec![3], &json!(1)));
    server.stop().await;
}

// [R-41]
#[tokio::test(flavor = "multi_thread")]
async fn pages_neither_repeat_nor_leave_out_instances_of_one_moment() {
    const COUNT: i64 = 500;
    let server = Server::start().await;
    server.push("w", no_ops(&["a"])).await;
    let starts = (0..COUNT).map(|_| server.start_instance("w"));
    let mut numbers = futures_util::future::join_all(starts).await;
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=COUNT).collect::<Vec<_>>());
    for first in [7, 200] {
        for path in [format!("{W}/w/instances"), "/api/v3/instances".to_owned()] {
            let mut seen = Vec::new();
            let mut cursor = String::new();
            loop {
                let page = server
                    .get(&format!("{path}?first={first}&cursor={cursor}"))
                    .await
                    .json();
                let elements = page["elements"].as_array().expect("elements");
                seen.extend(
                    elements
                        .iter()
                        .filter_map(|e| e["workflow_instance_id"].as_i64()),
                );
                if page["page_info"]["has_next_page"] != true {
                    break;
                }
                cursor = page["page_info"]["end_cursor"]
                    .as_str()
                    .expect("a cursor")
                    .to_owned();
            }
            seen.sort_unstable();
            assert_eq!(seen, numbers, "{path} by {first}");
        }
    }
    server.stop().await;
}

// [04:36] [04:37] [04:38]
#[tokio::test(flavor = "multi_thread")]
async fn instances_are_ended_one_by_one_and_all_together() {
    let server = Server::start().await;
    server.push("w", shell("sleep 600")).await;
    for _ in 0..3 {
        server.start_instance("w").await;
    }
    server
        .wait(
            &format!("{W}/w/instances/1/steps/job"),
            "/runtime_state/status",
            &["RUNNING"],
        )
        .await;
    let act = async |path: &str| server.call("PUT", &format!("{W}/{path}"), "").await;
    // The run strategy is sequential: the second one waits.
    // [04:29]
    let queued = server.get(&format!("{W}/w/instances/2")).await.json();
    for member in ["timeline", "execution_id", "runtime_overview"] {
        assert_eq!(queued.get(member), None, "{member}");
    }
    let info = json!({
        "workflow_instance_status": "CREATED",
        "step_aggregated_views": { "job": { "status": "NOT_CREATED" } },
    });
    assert_eq!(queued["aggregated_info"], info);
    for _ in 0..2 {
        let stopped = act("w/instances/2/actions/stop").await.json();
        assert_eq!(
            (&stopped["completed"], &stopped["workflow_instance_status"]),
            (&json!(true), &json!("STOPPED"))
        );
    }
    act("w/instances/2/actions/kill")
        .await
        .is_details(400, "BAD_REQUEST");
    act("w/instances/1/runs/7/actions/stop")
        .await
        .is_details(400, "BAD_REQUEST");
    act("w/instances/9/actions/stop")
        .await
        .is_details(404, "NOT_FOUND");
    server
        .call("DELETE", &format!("{W}/w"), "")
        .await
        .is_details(400, "BAD_REQUEST");
    let running = act("w/instances/1/runs/0/actions/stop").await.json();
    assert_eq!(
        (&running["completed"], &running["workflow_instance_status"]),
        (&json!(false), &json!("IN_PROGRESS"))
    );
    server
        .wait(&format!("{W}/w/instances/1"), "/status", &["STOPPED"])
        .await;
    let all = act("w/actions/kill").await;
    assert_eq!((all.status, &all.json()["action"]), (202, &json!("KILL")));
    server
        .wait(&format!("{W}/w/instances/3"), "/status", &["FAILED"])
        .await;
    let none = act("none/actions/stop").await;
    assert_eq!((none.status, &none.json()["action"]), (202, &json!("STOP")));
    server.stop().await;
}

// [04:54] for one run
#[tokio::test(flavor = "multi_thread")]
async fn steps_are_read_by_attempt_run_and_instance() {
    let server = Server::start().await;
    server
        .push(
            "w",
            json!({ "steps": [
        { "step": { "id": "a", "type": "NoOp", "transition": { "successors": { "b": "true" } } } },
        { "step": { "id": "b", "type": "NoOp" } },
    ] }),
        )
        .await;
    server.start_instance("w").await;
    server
        .wait(&format!("{W}/w/instances/1"), "/status", &["SUCCEEDED"])
        .await;
    let get = async |path: &str| server.get(&format!("{W}/w/instances/{path}")).await;
    let all = get("1/steps").await.json();
    let ids: Vec<&str> = all
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|s| s["step_id"].as_str())
        .collect();
    assert_eq!(ids, ["a", "b"]);
    assert_eq!(get("1/runs/1/steps").await.json(), all);
    assert_eq!(
        (&all[0]["step_instance_id"], &all[1]["step_instance_id"]),
        (&json!(3), &json!(4))
    );
    let one = get("1/steps/a").await.json();
    assert_eq!(one["runtime_state"]["status"], "SUCCEEDED");
    for same in [
        "1/runs/1/steps/a/attempts/1",
        "1/runs/1/steps/a/attempts/LATEST",
    ] {
        assert_eq!(get(same).await.json(), one);
    }
    for none in [
        "1/runs/1/steps/a/attempts/0",
        "1/runs/1/steps/a/attempts/-1",
        "1/runs/0/steps/a/attempts/1",
        "1/steps/x",
        "9/steps/a",
        "1/runs/2/steps",
    ] {
        get(none).await.is_details(404, "NOT_FOUND");
    }
    get("1/runs/1/steps/a/attempts/x")
        .await
        .is_details(400, "BAD_REQUEST");
    get("1/runs/x/steps/a/attempts/1").await.is_problem(400);
    assert_eq!(get("9/steps").await.json(), json!([]));
    server.stop().await;
}

// [R-40] (without the restart)
#[tokio::test(flavor = "multi_thread")]
async fn a_push_does_not_change_what_runs() {
    let server = Server::start().await;
    let gate = tempfile::tempdir().expect("a folder");
    let script = format!(
        "until [ -e {}/go ]; do sleep 0.05; done; echo first",
        gate.path().display()
    );
    let mut first = shell(&script);
    first["steps"][0]["step"]["transition"] = json!({ "successors": { "b": "true" } });
    first["steps"]
        .as_array_mut()
        .expect("steps")
        .push(json!({ "step": { "id": "b", "type": "NoOp" } }));
    server.push("w", first).await;
    server.start_instance("w").await;
    server
        .wait(
            &format!("{W}/w/instances/1/steps/job"),
            "/runtime_state/status",
            &["RUNNING"],
        )
        .await;
    server.push("w", shell("echo second")).await;
    std::fs::write(gate.path().join("go"), "").expect("a file");
    let done = server
        .wait(&format!("{W}/w/instances/1"), "/status", &["SUCCEEDED"])
        .await;
    assert_eq!(done["workflow_version_id"], 1);
    assert_eq!(
        done["runtime_dag"].as_object().map(serde_json::Map::len),
        Some(2)
    );
    let b = server
        .get(&format!("{W}/w/instances/1/steps/b"))
        .await
        .json();
    assert_eq!(b["runtime_state"]["status"], "SUCCEEDED");
    let log = server
        .get(&format!(
            "{W}/w/instances/1/runs/1/steps/job/attempts/1/logs"
        ))
        .await;
    assert_eq!(log.text, "first\n");
    server.start_instance("w").await;
    let second = server
        .wait(&format!("{W}/w/instances/2"), "/status", &["SUCCEEDED"])
        .await;
    assert_eq!(second["workflow_version_id"], 2);
    assert_eq!(
        second["runtime_dag"].as_object().map(serde_json::Map::len),
        Some(1)
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_of_all_workflows_are_listed_and_filtered() {
    let server = Server::start().await;
    for id in ["u", "v"] {
        server.push(id, no_ops(&["a"])).await;
        server.start_instance(id).await;
        server
            .wait(&format!("{W}/{id}/instances/1"), "/status", &["SUCCEEDED"])
            .await;
    }
    let list = async |query: &str| {
        let page = server
            .get(&format!("/api/v3/instances?{query}"))
            .await
            .json();
        let elements = page["elements"].as_array().expect("elements").clone();
        elements
            .iter()
            .filter_map(|e| e["workflow_id"].as_str().map(str::to_owned))
            .collect::<Vec<_>>()
    };
    assert_eq!(list("").await, ["v", "u"]);
    assert_eq!(list("workflow=u").await, ["u"]);
    assert_eq!(list("status=failed").await, [""; 0]);
    assert_eq!(list("status=FAILED,succeeded&first=1").await, ["v"]);
    assert_eq!(list("workflow=none").await, [""; 0]);
    server
        .get("/api/v3/instances?status=gone")
        .await
        .is_details(400, "BAD_REQUEST");
    server
        .get("/api/v3/instances?first=x")
        .await
        .is_problem(400);
    server.stop().await;
}

/// The members that the OpenAPI document names are those that answers have.
#[tokio::test(flavor = "multi_thread")]
async fn answers_have_only_described_members() {
    let server = Server::start().await;
    server.push("w", no_ops(&["a"])).await;
    server.start_instance("w").await;
    server
        .wait(&format!("{W}/w/instances/1"), "/status", &["SUCCEEDED"])
        .await;
    let document = maestro_server::openapi_document();
    for (path, schema) in [
        ("/w/versions/1", "WorkflowDefinition"),
        ("/w/overview", "WorkflowOverview"),
        ("/w/timeline", "WorkflowTimeline"),
        ("/w/instances/1", "WorkflowInstance"),
        ("/w/instances/1/steps/a", "StepInstance"),
        ("/w/instances?first=1", "WorkflowInstancePage"),
        ("/w/properties-snapshot/latest", "PropertiesSnapshot"),
    ] {
        let answer = server.get(&format!("{W}{path}")).await.json();
        let described = &document["components"]["schemas"][schema]["properties"];
        for name in answer.as_object().expect("an object").keys() {
            assert!(described.get(name).is_some(), "{schema} lacks {name}");
        }
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn params_that_fail_leave_nothing_or_a_failed_run() {
    // [02:75] [02:57]
    let server = Server::start().await;
    let path = format!("{W}/p/versions/active/actions/start");
    let push = r#"{"properties":{"owner":"tester"},"workflow":{"id":"p","params":{"n":{"value":4,"type":"LONG"}},
        "steps":[{"step":{"id":"a","type":"NoOp","params":{"x":{"expression":"n * 2","type":"LONG"}}}}]}}"#;
    assert_eq!(server.call("POST", W, push).await.status, 200);
    let start = async |more: &str| {
        let body = format!(r#"{{"initiator":{{"type":"manual"}}{more}}}"#);
        server.call("POST", &path, &body).await
    };
    let thrown = r#","run_params":{"n":{"expression":"throw 'no'","type":"LONG"}}"#;
    let got = start(thrown).await.is_details(400, "BAD_REQUEST").json();
    let text = got.to_string();
    assert!(text.contains("param `n`") && text.contains('^'), "{text}");
    let missing = format!("{W}/p/instances/1/runs/1");
    server.get(&missing).await.is_details(404, "NOT_FOUND");
    let kept = start(&format!(r#"{thrown},"persist_failed_run":true"#))
        .await
        .json();
    assert_eq!(kept["status"], "CREATED");
    let run = server.get(&missing).await.json();
    assert_eq!(run["status"], "FAILED");
    assert_eq!((run.get("params"), run.get("start_time")), (None, None));
    assert_eq!(run["timeline"][1]["status"], "INTERNAL_ERROR");
    // The limits of the params of a start.
    let many: Vec<String> = (0..129)
        .map(|i| format!(r#""p{i}":{{"value":1,"type":"LONG"}}"#))
        .collect();
    let many = format!(r#","run_params":{{{}}}"#, many.join(","));
    start(&many).await.is_details(400, "BAD_REQUEST");
    let reserved = r#","run_params":{"params":{"value":1,"type":"LONG"}}"#;
    start(reserved).await.is_details(400, "BAD_REQUEST");
    let near = r#","run_params":{"AUTHORIZED_managers":{"value":1,"type":"LONG"}}"#;
    assert_eq!(start(near).await.json()["status"], "CREATED");
    // A preview says the same and starts nothing.
    let preview = format!("{W}/p/versions/active/actions/preview-params");
    let body = r#"{"initiator":{"type":"manual"},"run_params":{"n":{"value":7,"type":"LONG"}}}"#;
    let got = server.call("POST", &preview, body).await.json();
    assert_eq!(got["workflow_params"]["n"]["value"], 7);
    assert_eq!(got["workflow_params"]["n"]["overrides"][0]["value"], 4);
    assert_eq!(got["step_params"]["a"]["x"]["value"], 14);
    server
        .get(&format!("{W}/p/instances/3/runs/1"))
        .await
        .is_details(404, "NOT_FOUND");
    server.stop().await;
}

// [05:5]
#[tokio::test(flavor = "multi_thread")]
async fn triggers_start_what_they_belong_to() {
    let server = Server::start().await;
    let mut workflow = no_ops(&["a"]);
    workflow["time_triggers"] =
        json!([{ "type": "CRON", "cron": "15 3 * * *", "timezone": "Europe/Paris" }]);
    workflow["instance_step_concurrency"] = json!(3);
    server.push("t", workflow.clone()).await;
    server.push("t", workflow).await;
    let start = async |version: &str, initiator: Value| {
        let path = format!("{W}/t/versions/{version}/actions/start");
        let body = json!({ "initiator": initiator }).to_string();
        server.call("POST", &path, &body).await
    };
    let time = |uuid: &str| json!({ "type": "TIME", "trigger_uuid": uuid, "trigger_time": 1, "timezone": "Europe/Paris" });
    let own = "cace173c-0497-36c1-b8eb-f16328ba992f";
    let got = start("active", time(own)).await.json();
    assert_eq!(got["status"], "CREATED");
    let text = got["timeline_event"]["message"].to_string();
    assert!(text.contains("TIME-based trigger"), "{text}");
    let inactive = start("1", time(own)).await;
    inactive.is_details(400, "BAD_REQUEST");
    let unknown = start("active", time("7b92bd31-8478-35db-bb77-dfdb3d7260fc")).await;
    unknown.is_details(409, "CONFLICT");
    let signal =
        json!({ "type": "SIGNAL", "trigger_uuid": own, "signal_id_map": {}, "params": {} });
    start("active", signal).await.is_details(409, "CONFLICT");
    // What a run starts takes no limit from its definition.
    let parent = json!({ "workflow_id": "p", "instance_id": 1, "run_id": 1, "step_id": "s", "step_attempt_id": 1 });
    let sub = json!({ "type": "SUBWORKFLOW", "ancestors": [parent] });
    assert_eq!(start("active", sub).await.json()["status"], "CREATED");
    let limit = async |instance: i64| {
        let run = server
            .get(&format!("{W}/t/instances/{instance}/runs/1"))
            .await;
        run.json()["runtime_workflow"]["instance_step_concurrency"].clone()
    };
    assert_eq!((limit(1).await, limit(2).await), (json!(3), Value::Null));
    // A run that is stored although its params fail says who wanted it (05 IN-6).
    let path = format!("{W}/t/versions/active/actions/start");
    let failing = json!({
        "initiator": time(own),
        "run_params": { "x": { "expression": "throw 'no'", "type": "LONG" } },
        "persist_failed_run": true,
    });
    server
        .call("POST", &path, &failing.to_string())
        .await
        .is(200);
    let failed = server.get(&format!("{W}/t/instances/3")).await.json();
    let text = failed["timeline"][0]["message"].to_string();
    assert!(text.contains("TIME-based trigger"), "{text}");
    let properties = format!("{W}/t/properties");
    let off = r#"{"time_trigger_disabled":true}"#;
    assert_eq!(server.call("POST", &properties, off).await.status, 200);
    let disabled = start("active", time(own)).await;
    disabled.is_details(422, "UNPROCESSABLE_ENTITY");
    assert!(
        disabled
            .text
            .contains("Trigger type [TIME] is disabled for the workflow"),
        "{}",
        disabled.text
    );
    server.stop().await;
}

/// What is kept of a run that has ended answers for it alone, in its own form.
#[tokio::test(flavor = "multi_thread")]
async fn ended_runs_are_read_again_as_they_are() {
    let server = Server::start().await;
    server.push("e", no_ops(&["a", "b"])).await;
    let path = format!("{W}/e/instances/1");
    assert_eq!(server.start_instance("e").await, 1);
    server.wait(&path, "/status", &["SUCCEEDED"]).await;
    let read = async |more: &str| server.get(&format!("{path}{more}")).await.text;
    let forms = ["", "?enriched=false", "/runs/1", "/runs/1?enriched=false"];
    let mut first = Vec::new();
    for form in forms {
        first.push(read(form).await);
    }
    assert_ne!(first[0], first[1], "one has the events of statuses");
    for (form, text) in forms.iter().zip(&first) {
        assert_eq!(read(form).await, *text, "{form}");
    }
    server.stop().await;
}

// [05:15] [05:18] [05:55] [04:40]
#[tokio::test(flavor = "multi_thread")]
async fn what_failed_is_unblocked() {
    let server = Server::start().await;
    server.push("ok", no_ops(&["a"])).await;
    server.start_instance("ok").await;
    server
        .wait(&format!("{W}/ok/instances/1"), "/status", &["SUCCEEDED"])
        .await;
    let ended_well = format!("{W}/ok/instances/1/actions/unblock");
    let refused = server.call("PUT", &ended_well, "").await;
    refused.is_details(400, "BAD_REQUEST");
    server.push("strict", shell("sleep 600")).await;
    let properties = format!("{W}/strict/properties");
    let strict = r#"{"run_strategy":"STRICT_SEQUENTIAL"}"#;
    assert_eq!(server.call("POST", &properties, strict).await.status, 200);
    let act = async |path: &str| server.call("PUT", &format!("{W}/strict{path}"), "").await;
    let instance = |i: i64| format!("{W}/strict/instances/{i}");
    for _ in 0..3 {
        server.start_instance("strict").await;
    }
    act("/instances/1/actions/kill").await;
    let before = server.wait(&instance(1), "/status", &["FAILED"]).await;
    let read = async |i: i64| server.get(&instance(i)).await.json();
    assert_eq!(read(2).await["status"], "CREATED");
    for (run, info) in [
        ("", "The action is done."),
        ("/runs/1", "The action is done without any operation."),
    ] {
        let got = act(&format!("/instances/1{run}/actions/unblock"))
            .await
            .json();
        assert_eq!(
            (&got["info"], &got["completed"]),
            (&json!(info), &json!(true))
        );
        assert_eq!(got["workflow_instance_status"], "FAILED");
        let event = &got["timeline_event"];
        assert_eq!(
            (&event["action"], &event["author"]),
            (&json!("UNBLOCK"), &json!("tester"))
        );
        assert_eq!(event["message"], "Unblocked the workflow instance.");
    }
    // The answer that was given before is not kept.
    let after = read(1).await;
    assert_eq!(after["status"], "FAILED");
    let events = |run: &Value| run["timeline"].as_array().map_or(0, Vec::len);
    assert_eq!(events(&after), events(&before) + 1);
    server.wait(&instance(2), "/status", &["IN_PROGRESS"]).await;
    for path in [
        "/instances/2/actions/unblock",
        "/instances/3/actions/unblock",
        "/instances/1/runs/2/actions/unblock",
    ] {
        act(path).await.is_details(400, "BAD_REQUEST");
    }
    act("/instances/9/actions/unblock")
        .await
        .is_details(404, "NOT_FOUND");
    act("/actions/kill").await;
    server.wait(&instance(2), "/status", &["FAILED"]).await;
    let failed = async || {
        let overview = server.get(&format!("{W}/strict/overview")).await.json();
        overview["failed_instances"].clone()
    };
    assert_eq!(failed().await, 2);
    for count in [2, 0] {
        let event = act("/actions/unblock").await.json();
        let text = format!("Unblocked [{count}] failed workflow instances.");
        assert_eq!(event["message"], json!(text));
        assert_eq!(event["reason"], "Unblock workflow [strict]");
    }
    assert_eq!(failed().await, 0);
    let inline = format!("{W}/maestro_foreach_x/actions/unblock");
    let event = server.call("PUT", &inline, "").await.json();
    assert_eq!(event["message"], "Unblocked the workflow.");
    server.stop().await;
}

// [05:72]: 05 CR-7, 01 AL-2
#[tokio::test(flavor = "multi_thread")]
async fn a_run_shows_its_alerting_and_artifacts_in_their_full_form() {
    let server = Server::start().await;
    let body = json!({
        "properties": {
            "owner": "ana",
            "alerting": {
                "emails": ["${who}@x.org", "ana@x.org", "$who$at"],
                "slack": { "channels": ["team-${team}"] },
                "tct": { "completed_by_hour": 5, "tz": "Europe/Paris" },
            },
        },
        "workflow": {
            "id": "w",
            "params": {
                "who": { "value": "bea", "type": "STRING" },
                "team": { "expression": "return 'a' + 1;", "type": "STRING" },
            },
            "steps": no_ops(&["a"])["steps"].clone(),
        },
    });
    server.call("POST", W, &body.to_string()).await.is(200);
    let start = json!({
        "initiator": { "type": "manual" },
        "run_params": {
            "who": { "value": "ana", "type": "STRING" },
            "TARGET_RUN_DATE": { "value": "20260329", "type": "STRING" },
        },
        "artifacts": {
            "free": { "type": "default", "n": null },
            "loop": { "type": "foreach", "total_loop_count": 2 },
        },
    });
    let path = format!("{W}/w/versions/default/actions/start");
    server.call("POST", &path, &start.to_string()).await.is(200);
    let run = server.get(&format!("{W}/w/instances/1")).await.json();
    let alerting = &run["run_properties"]["alerting"];
    // Equal ones fall together; what names no param stays as it is.
    assert_eq!(alerting["emails"], json!(["ana@x.org", "$who$at"]));
    assert_eq!(alerting["slack"]["channels"], json!(["team-a1"]));
    // 2026-03-29 00:00 in Paris is an hour before midnight UTC; the hours are those of a clock that runs on.
    assert_eq!(
        alerting["tct"],
        json!({ "completed_by_hour": 5, "completed_by_ts": 1_774_738_800_000_i64 + 18_000_000 - 1_000, "tz": "Europe/Paris" })
    );
    assert_eq!(run["artifacts"]["free"], json!({ "n": null }));
    assert_eq!(
        run["artifacts"]["loop"],
        json!({ "foreach_run_id": 0, "run_id": 0, "total_loop_count": 2, "next_loop_index": 0, "type": "FOREACH" })
    );
    let bad = json!({ "initiator": { "type": "manual" }, "artifacts": { "x": { "type": "http", "url": "u" } } });
    let refused = server.call("POST", &path, &bad.to_string()).await;
    assert!(
        refused
            .is_details(400, "BAD_REQUEST")
            .text
            .contains("artifacts.x.url")
    );
    // The properties themselves stay as they were given.
    let stored = server.get(&format!("{W}/w/versions/1")).await.json();
    assert_eq!(
        stored["properties_snapshot"]["alerting"],
        body["properties"]["alerting"]
    );
    server.stop().await;
}
