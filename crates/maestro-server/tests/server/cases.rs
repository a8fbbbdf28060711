//! Conformance cases of the lifecycles that a client can see in one or two requests.

use serde_json::{Value, json};

use crate::support::{Server, no_op, no_ops};

const W: &str = "/api/v3/workflows";

async fn start(server: &Server, id: &str, version: &str, more: Value) -> crate::support::Got {
    let mut body = json!({ "initiator": { "type": "manual" } });
    if let (Some(body), Some(more)) = (body.as_object_mut(), more.as_object()) {
        body.extend(more.clone());
    }
    let path = format!("{W}/{id}/versions/{version}/actions/start");
    server.call("POST", &path, &body.to_string()).await
}

// [05:4] [05:6] [05:8] [05:10]
#[tokio::test(flavor = "multi_thread")]
async fn a_start_is_refused_for_what_is_wrong_with_it() {
    let server = Server::start().await;
    let body = json!({ "is_active": false, "properties": { "owner": "ana" }, "workflow": {
        "id": "w", "tags": ["nightly"], "steps": [no_op("a")] } });
    server.call("POST", W, &body.to_string()).await.is(200);
    start(&server, "w", "Latest", json!({})).await.is(200);
    for (version, status, code) in [
        ("active", 404, "NOT_FOUND"),
        ("foo", 400, "BAD_REQUEST"),
        ("99", 404, "NOT_FOUND"),
    ] {
        start(&server, "w", version, json!({}))
            .await
            .is_details(status, code);
    }
    let param = json!({ "value": 1, "type": "LONG" });
    let many: serde_json::Map<String, Value> =
        (0..129).map(|i| (format!("p{i}"), param.clone())).collect();
    for more in [
        json!({ "run_params": many }),
        json!({ "run_params": { "params": param } }),
        json!({ "run_params": { "x": { "value": 1, "type": "LONG", "source": "LAUNCH" } } }),
        json!({ "step_run_params": {} }),
        json!({ "runtime_tags": ["nightly"] }),
        json!({ "runtime_tags": ["x", "x"] }),
    ] {
        start(&server, "w", "latest", more)
            .await
            .is_details(400, "BAD_REQUEST");
    }
    let eve = json!({ "initiator": { "type": "MANUAL", "user": "eve" } });
    let started = start(&server, "w", "latest", eve).await.json();
    // What was refused took no number.
    assert_eq!(started["workflow_instance_id"], 2);
    let run = server.get(&format!("{W}/w/instances/2")).await.json();
    assert_eq!(run["initiator"]["user"], "tester");
    server.stop().await;
}

// [05:9] [05:14]
#[tokio::test(flavor = "multi_thread")]
async fn time_outs_and_strategies_have_bounds() {
    let server = Server::start().await;
    let mut workflow = no_ops(&["a"]);
    workflow["timeout"] = json!("${days} days");
    workflow["params"] = json!({ "days": { "value": 1, "type": "LONG" } });
    server.push("t", workflow).await;
    let days = |n: i64| json!({ "run_params": { "days": { "value": n, "type": "LONG" } } });
    for bad in [0, 121] {
        start(&server, "t", "active", days(bad))
            .await
            .is_details(400, "BAD_REQUEST");
    }
    start(&server, "t", "active", days(120)).await.is(200);
    let run = server.get(&format!("{W}/t/instances/1")).await.json();
    assert_eq!(run["timeout_in_millis"], 10_368_000_000_i64);
    let strategy = async |strategy: Value| {
        let body = json!({ "run_strategy": strategy });
        let path = format!("{W}/t/properties");
        server.call("POST", &path, &body.to_string()).await
    };
    for (given, rule, concurrency) in [
        (json!(3), "PARALLEL", 3),
        (json!("first_only"), "FIRST_ONLY", 1),
    ] {
        let stored = strategy(given).await.is(200).json();
        let found = &stored["run_strategy"];
        assert_eq!(
            *found,
            json!({ "rule": rule, "workflow_concurrency": concurrency })
        );
    }
    let sequential = json!({ "rule": "SEQUENTIAL", "workflow_concurrency": 2 });
    strategy(sequential).await.is_details(400, "BAD_REQUEST");
    server.stop().await;
}

/// Runs one step with a successor; the step and the run once they have ended.
async fn run(server: &Server, id: &str, params: Value, step: Value) -> (Value, Value) {
    let mut step = step;
    step["id"] = json!("a");
    if step.get("type").is_none() {
        step["type"] = json!("NoOp");
    }
    if step.get("transition").is_none() {
        step["transition"] = json!({ "successors": { "b": "true" } });
    }
    let workflow = json!({ "params": params, "steps": [{ "step": step }, no_op("b")] });
    server.push(id, workflow).await;
    server.start_instance(id).await;
    let path = format!("{W}/{id}/instances/1");
    let run = server
        .wait(&path, "/status", &["SUCCEEDED", "FAILED"])
        .await;
    let step = server.get(&format!("{path}/steps/a")).await.json();
    (step, run)
}

fn has(step: &Value, member: &str) -> bool {
    step["runtime_state"].get(member).is_some()
}

// [06:7] [06:74] [06:72]
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_evaluated_fails_the_step_for_good() {
    let server = Server::start().await;
    let status = |step: &Value| step["runtime_state"]["status"].clone();
    let throws = json!({ "params": { "x": { "expression": "throw 'no'", "type": "LONG" } } });
    let (step, _) = run(&server, "throws", json!({}), throws).await;
    assert_eq!(status(&step), "INTERNALLY_FAILED");
    assert!(
        !has(&step, "wait_permit_time") && !has(&step, "start_time"),
        "{step}"
    );
    let (step, _) = run(
        &server,
        "timeout",
        json!({ "t": { "value": "soon", "type": "STRING" } }),
        json!({ "timeout": "$t" }),
    )
    .await;
    assert_eq!(status(&step), "INTERNALLY_FAILED");
    let state = step["runtime_state"].as_object().expect("an object");
    let times: Vec<&str> = state
        .keys()
        .filter(|k| k.ends_with("_time"))
        .map(String::as_str)
        .collect();
    assert_eq!(times, ["create_time", "end_time", "modify_time"]);
    let params = step["params"].as_object().expect("an object");
    assert_eq!(
        params.keys().collect::<Vec<_>>(),
        ["maestro_step_satisfied"]
    );
    for (index, (condition, wanted, next)) in [
        ("'False'", "SUCCEEDED", "UNSATISFIED"),
        ("'yes'", "INTERNALLY_FAILED", "NOT_CREATED"),
        ("null", "INTERNALLY_FAILED", "NOT_CREATED"),
        ("1", "INTERNALLY_FAILED", "NOT_CREATED"),
        ("new boolean[]{true}", "INTERNALLY_FAILED", "NOT_CREATED"),
    ]
    .into_iter()
    .enumerate()
    {
        let step = json!({ "transition": { "successors": { "b": condition } } });
        let (step, run) = run(&server, &format!("c{index}"), json!({}), step).await;
        assert_eq!(status(&step), wanted, "{condition}");
        let b = &run["aggregated_info"]["step_aggregated_views"]["b"]["status"];
        assert_eq!(*b, next, "{condition}");
    }
    server.stop().await;
}

// [06:87] [06:18] [06:23]
#[tokio::test(flavor = "multi_thread")]
async fn retry_policies_and_time_outs_may_come_from_params() {
    let server = Server::start().await;
    let limits = |step: &Value| {
        let retry = &step["step_retry"];
        (
            retry["error_retry_limit"].clone(),
            retry["platform_retry_limit"].clone(),
        )
    };
    let text = |value: &str| json!({ "value": value, "type": "STRING" });
    let params = json!({ "far": { "value": 99, "type": "LONG" }, "x": text("3"), "bad": text("abc"),
        "d": { "value": 2.0, "type": "DOUBLE" } });
    for (id, limit, wanted) in [
        ("far", "${far}", 99),
        ("tens", "1${x}", 13),
        ("bad", "${bad}", 2),
        ("double", "${d}", 2),
    ] {
        let policy =
            json!({ "retry_policy": { "error_retry_limit": limit, "platform_retry_limit": 7 } });
        let (step, _) = run(&server, id, params.clone(), policy).await;
        let platform = if wanted == 2 { 10 } else { 7 };
        assert_eq!(
            limits(&step),
            (json!(wanted), json!(platform)),
            "{id}: {step}"
        );
    }
    let push = async |step: Value| {
        let mut workflow = no_ops(&["a"]);
        workflow["id"] = json!("p");
        workflow["params"] = params.clone();
        for (name, value) in step.as_object().expect("an object") {
            workflow["steps"][0]["step"][name] = value.clone();
        }
        let body = json!({ "properties": { "owner": "ana" }, "workflow": workflow });
        server.call("POST", W, &body.to_string()).await
    };
    for bad in ["0", "-5", "abc", "121 days"] {
        push(json!({ "timeout": bad }))
            .await
            .is_details(400, "BAD_REQUEST");
    }
    for bad in [json!(100), json!("2.9")] {
        let policy = json!({ "retry_policy": { "error_retry_limit": bad } });
        push(policy).await.is_details(400, "BAD_REQUEST");
    }
    push(json!({ "timeout": "1 day 10min", "retry_policy": { "error_retry_limit": "$x" } }))
        .await
        .is(200);
    server.start_instance("p").await;
    let path = format!("{W}/p/instances/1");
    server.wait(&path, "/status", &["SUCCEEDED"]).await;
    let step = server.get(&format!("{path}/steps/a")).await.json();
    assert_eq!(step["timeout_in_millis"], 87_000_000);
    server.stop().await;
}

// [07:1] [07:2]
#[tokio::test(flavor = "multi_thread")]
async fn types_of_steps_are_known_by_name() {
    let server = Server::start().await;
    let push = async |steps: Value| {
        let body =
            json!({ "properties": { "owner": "ana" }, "workflow": { "id": "w", "steps": steps } });
        server.call("POST", W, &body.to_string()).await
    };
    push(json!([{ "step": { "id": "a", "type": "NOOP" } }]))
        .await
        .is(200);
    let stored = server.get(&format!("{W}/w/versions/latest")).await.json();
    assert_eq!(stored["workflow"]["steps"][0]["step"]["type"], "NoOp");
    for bad in [
        json!({ "step": { "id": "a", "type": "Join" } }),
        json!({ "step": { "id": "a", "type": "Titus" } }),
        json!({ "step": { "id": "a", "type": "foreach" } }),
        json!({ "template": { "id": "a" } }),
    ] {
        push(json!([bad])).await.is_details(400, "BAD_REQUEST");
        let nested = json!({ "foreach": { "id": "f", "steps": [bad],
            "params": { "loop_params": { "type": "MAP", "value": { "i": { "type": "LONG_ARRAY", "value": [1] } } } } } });
        push(json!([nested])).await.is_details(400, "BAD_REQUEST");
    }
    server.stop().await;
}

// 01 section 10.2 and 10.5, 05 AC-31, AC-32, RD-1.
#[tokio::test(flavor = "multi_thread")]
async fn selectors_cursors_and_logs_are_those_of_the_specification() {
    let server = Server::start().await;
    for _ in 0..3 {
        server.push("w", no_ops(&["a"])).await;
    }
    for version in ["abc", "0", "1.0"] {
        let wanted = json!([format!("Invalid workflow version: {version}")]);
        let read = server.get(&format!("{W}/w/versions/{version}")).await;
        assert_eq!(read.is_details(400, "BAD_REQUEST").json()["errors"], wanted);
        let started = start(&server, "w", version, json!({})).await;
        assert_eq!(
            started.is_details(400, "BAD_REQUEST").json()["errors"],
            wanted
        );
    }
    for cursor in ["0", "-1", "-4"] {
        let page = format!("{W}/w/versions/pagination?first=2&cursor={cursor}");
        let page = server.get(&page).await.json();
        assert_eq!(page["page_info"]["start_cursor"], "3", "{cursor}");
    }
    for workflow in ["none", "w"] {
        let bad = format!("{W}/{workflow}/instances?first=1&cursor=x");
        server.get(&bad).await.is_details(400, "BAD_REQUEST");
        let runs = format!("{W}/{workflow}/instances/7/runs?first=1&cursor=x");
        server.get(&runs).await.is(200);
    }
    let act = async |path: &str| {
        let path = format!("{W}/w/{path}");
        server.call("PUT", &path, "").await.is(200).json()["timeline_event"]["message"].clone()
    };
    let log = [
        (
            "versions/1/actions/activate",
            "Caller [tester] activates workflow version [w][1], previous active version is [3]",
        ),
        (
            "versions/1/actions/activate",
            "Caller [tester] do nothing as workflow version [w][1] is already active",
        ),
        (
            "actions/deactivate",
            "Caller [tester] deactivated workflow [w], whose last active version is [1]",
        ),
        (
            "actions/deactivate",
            "Caller [tester] do nothing as there is no active workflow version for [w]",
        ),
        (
            "versions/2/actions/activate",
            "Caller [tester] activates workflow version [w][2], previous active version is [0]",
        ),
    ];
    for (path, text) in log {
        assert_eq!(act(path).await, text);
    }
    server.stop().await;
}
