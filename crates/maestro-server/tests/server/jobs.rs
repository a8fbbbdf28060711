//! Logs of local jobs over HTTP.

use std::path::{Path, PathBuf};
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::Request;
use hyper::body::Incoming;
use serde_json::json;

use crate::support::{Server, no_ops, shell};

const LOGS: &str = "/api/v3/workflows/w/instances/1/runs/1/steps/job/attempts/1/logs";
const W: &str = "/api/v3/workflows";

#[tokio::test(flavor = "multi_thread")]
async fn a_log_is_read_piece_by_piece() {
    let server = Server::start().await;
    // [R-12]
    server.push("w", shell(r"printf 'ok\n\377\376\n'; printf '\342\202\254 end\n'; printf 'one\rtwo\nthree\r\n'")).await;
    server.start_instance("w").await;
    server
        .wait(&format!("{W}/w/instances/1"), "/status", &["SUCCEEDED"])
        .await;
    let whole = server.get(LOGS).await;
    assert_eq!(whole.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(
        whole.text,
        "ok\n\u{fffd}\u{fffd}\n\u{20ac} end\none\rtwo\nthree\r\n"
    );
    assert_eq!(whole.header("maestro-next-offset"), "29");
    let mut text = String::new();
    let mut offset = "0".to_owned();
    loop {
        let piece = server.get(&format!("{LOGS}?offset={offset}&limit=4")).await;
        if piece.text.is_empty() {
            break;
        }
        text.push_str(&piece.text);
        piece.header("maestro-next-offset").clone_into(&mut offset);
    }
    assert_eq!(
        (text.as_str(), offset.as_str()),
        (whole.text.as_str(), "29")
    );
    for wrong in ["offset=-1", "limit=0", "limit=1048577"] {
        server
            .get(&format!("{LOGS}?{wrong}"))
            .await
            .is_details(400, "BAD_REQUEST");
    }
    server
        .get(&format!("{LOGS}?offset=x"))
        .await
        .is_problem(400);
    server
        .get(&LOGS.replace("attempts/1", "attempts/2"))
        .await
        .is_details(404, "NOT_FOUND");
    server
        .get(&LOGS.replace("job", "other"))
        .await
        .is_details(404, "NOT_FOUND");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_without_a_job_has_no_log() {
    let server = Server::start().await;
    server.push("w", no_ops(&["job"])).await;
    server.start_instance("w").await;
    server
        .wait(&format!("{W}/w/instances/1"), "/status", &["SUCCEEDED"])
        .await;
    server.get(LOGS).await.is_details(404, "NOT_FOUND");
    assert_eq!(server.get(&format!("{LOGS}?follow=true")).await.text, "");
    server.stop().await;
}

/// Reads until the text holds the words.
async fn read_until(body: &mut Incoming, text: &mut String, words: &str) {
    while !text.contains(words) {
        let frame = tokio::time::timeout(Duration::from_secs(30), body.frame()).await;
        let frame = frame.expect("in time").expect("more").expect("no fault");
        let data = frame.into_data().expect("data");
        text.push_str(std::str::from_utf8(&data).expect("UTF-8"));
    }
}

// [R-45] (server part)
#[tokio::test(flavor = "multi_thread")]
async fn following_waits_for_an_attempt_and_ends_with_it() {
    let server = Server::start().await;
    let gate = tempfile::tempdir().expect("a folder");
    let wait_for = |name: &str| {
        format!(
            "until [ -e {}/{name} ]; do sleep 0.05; done;",
            gate.path().display()
        )
    };
    let open = |name: &str| std::fs::write(gate.path().join(name), "").expect("a file");
    let script = |text: &str| json!({ "shell": { "type": "MAP", "value": { "script": { "type": "STRING", "value": text } } } });
    let steps = json!([
        { "step": { "id": "before", "type": "Shell", "params": script(&wait_for("one")), "transition": { "successors": { "job": "true" } } } },
        { "step": { "id": "job", "type": "Shell", "params": script(&format!("echo begun; {} echo ended", wait_for("two"))) } },
    ]);
    server.push("w", json!({ "steps": steps })).await;
    server.start_instance("w").await;
    server
        .wait(
            &format!("{W}/w/instances/1/steps/before"),
            "/runtime_state/status",
            &["RUNNING"],
        )
        .await;
    server.get(LOGS).await.is_details(404, "NOT_FOUND");
    let request = Request::get(format!("{LOGS}?follow=true"))
        .body(Default::default())
        .expect("a request");
    let mut body = server.send(request).await.into_body();
    let mut text = String::new();
    open("one");
    read_until(&mut body, &mut text, "begun").await;
    assert!(!text.contains("ended"));
    open("two");
    read_until(&mut body, &mut text, "ended").await;
    let rest = tokio::time::timeout(Duration::from_secs(30), body.collect()).await;
    let rest = rest.expect("it ends").expect("no fault").to_bytes();
    assert_eq!((text.as_str(), &rest[..]), ("begun\nended\n", &b""[..]));
    // From the middle.
    assert_eq!(
        server
            .get(&format!("{LOGS}?follow=true&offset=6"))
            .await
            .text,
        "ended\n"
    );
    server.stop().await;
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths
        .flat_map(|path| match path.is_dir() {
            true => files(&path),
            false => vec![path],
        })
        .collect()
}

// 07 BX-15: the folder of an instance goes with it, and so do the logs.
#[tokio::test(flavor = "multi_thread")]
async fn what_jobs_left_goes_with_their_workflow() {
    let server = Server::start().await;
    let script = r#"echo "I was here"; echo x > "$MAESTRO_INSTANCE_DIR/file""#;
    let jobs = server.data().join("jobs");
    for id in ["w", "other"] {
        server.push(id, shell(script)).await;
        for _ in 0..2 {
            let instance = server.start_instance(id).await;
            let path = format!("{W}/{id}/instances/{instance}");
            server.wait(&path, "/status", &["SUCCEEDED"]).await;
        }
    }
    let shared = |id: &str| files(&jobs.join("instances").join(id)).len();
    assert_eq!((shared("w"), shared("other")), (2, 2));
    assert_eq!(files(&jobs.join("logs")).len(), 4);
    server.call("DELETE", &format!("{W}/w"), "").await.is(200);
    // The id can be used again once all is gone.
    let body = json!({ "properties": { "owner": "ana" }, "workflow": { "id": "w", "steps": no_ops(&["a"])["steps"].clone() } });
    while server.call("POST", W, &body.to_string()).await.status == 409 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!((shared("w"), shared("other")), (0, 2));
    assert!(!jobs.join("instances/w").exists());
    assert_eq!(files(&jobs.join("logs")).len(), 2);
    server.stop().await;
}
