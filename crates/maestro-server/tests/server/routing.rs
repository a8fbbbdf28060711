//! Paths, verbs, media types, and who may call.

use maestro_server::ServeOptions;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{MANUAL, Server, no_ops};

const W: &str = "/api/v3/workflows";

#[tokio::test(flavor = "multi_thread")]
async fn literal_segments_win_but_leave_other_paths_to_variables() {
    let server = Server::start().await;
    server.push("steps", no_ops(&["a"])).await;
    let overview = server.get(&format!("{W}/steps/overview")).await.json();
    assert_eq!(overview["workflow_id"], "steps");
    let map = server.get(&format!("{W}/steps/instances/action-map")).await;
    // [04:47]
    assert_eq!(
        map.json()["PAUSED"],
        json!(["RESUME", "STOP", "KILL", "SKIP"])
    );
    assert_eq!(map.json().get("NOT_CREATED"), None);
    server
        .get(&format!("{W}/steps/instances/x"))
        .await
        .is_problem(400);
    server
        .get(&format!("{W}/steps/instances/1"))
        .await
        .is_details(404, "NOT_FOUND");
    let page = server
        .get(&format!("{W}/steps/versions/pagination?first=1"))
        .await;
    assert_eq!(page.json()["total_count"], 1);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_are_exact() {
    let server = Server::start().await;
    server.push("etl-1", no_ops(&["a"])).await;
    for path in [
        "/api/v3/nothing",
        "/",
        "/api/v3//workflows",
        "/api/v3/workflows/etl-1/overview/",
    ] {
        let got = server.get(path).await;
        assert_eq!(got.is_problem(404).json()["instance"], path);
    }
    server
        .get(&format!("{W}/etl-1/Overview"))
        .await
        .is_problem(404);
    // [04:64]
    assert_eq!(
        server.get(&format!("{W}/etl%2D1/overview")).await.status,
        200
    );
    assert_eq!(server.get(&format!("{W}/a%2Fb/overview")).await.status, 400);
    server
        .get(&format!("{W}/etl%252D1/overview"))
        .await
        .is_details(404, "NOT_FOUND");
    let timeline = server.get(&format!("{W}/x%20y/timeline")).await.json();
    assert_eq!(
        timeline,
        json!({ "workflow_id": "x y", "timeline_events": [] })
    );
    server.stop().await;
}

// [04:62]
#[tokio::test(flavor = "multi_thread")]
async fn checks_come_in_order() {
    let server = Server::start().await;
    let text = [("user", "tester"), ("content-type", "text/plain")];
    let got = server
        .call_as("PUT", "/api/v3/tag-permits", "x", &text)
        .await;
    assert_eq!(got.is_problem(405).header("allow"), "POST, OPTIONS");
    let start = format!("{W}/w/versions/1/actions/start");
    server
        .call_as("POST", &start, "{", &text)
        .await
        .is_problem(415);
    let restart = format!("{W}/w/instances/q/actions/restart");
    server.call("POST", &restart, "{").await.is_problem(400);
    let step = format!("{W}/w/instances/1/steps/s/actions");
    let restart = format!("{step}/restart?blocking=maybe");
    let got = server.call("POST", &restart, "{").await;
    got.is_details(400, "BAD_REQUEST");
    server.call("POST", &restart, "{}").await.is_problem(400);
    let kill = format!("{step}/kill?blocking=maybe");
    server.call_as("PUT", &kill, "", &[]).await.is_problem(400);
    let stop = format!("{W}/w/instances/q/actions/stop");
    server.call_as("PUT", &stop, "", &[]).await.is_problem(400);
    server.stop().await;
}

// [04:63]
#[tokio::test(flavor = "multi_thread")]
async fn head_is_answered_like_get_and_options_by_any_path() {
    let server = Server::start().await;
    server.push("w", no_ops(&["a"])).await;
    for (path, status) in [
        ("/w/versions/1", 200),
        ("/w/versions/9", 404),
        ("/w/versions/v2", 400),
        ("/w", 405),
    ] {
        let got = server.call_as("HEAD", &format!("{W}{path}"), "", &[]).await;
        assert_eq!((got.status, got.text.as_str()), (status, ""), "{path}");
    }
    let got = server
        .call_as("OPTIONS", &format!("{W}/none/instances/q/runs"), "", &[])
        .await;
    assert_eq!(
        (got.status, got.header("allow")),
        (200, "GET, HEAD, OPTIONS")
    );
    let got = server.call_as("OPTIONS", "/api/v3/nothing", "", &[]).await;
    got.is_problem(404);
    let got = server
        .call_as("BREW", &format!("{W}/w/overview"), "", &[])
        .await;
    assert_eq!(got.is_problem(405).header("allow"), "GET, HEAD, OPTIONS");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn media_types_are_minded() {
    let server = Server::start().await;
    server.push("w", no_ops(&["a"])).await;
    let overview = format!("{W}/w/overview");
    // [04:61]
    for (accept, status) in [
        ("application/xml", 406),
        ("text/csv, application/json;q=0.3", 200),
        ("*/*", 200),
    ] {
        let got = server
            .call_as("GET", &overview, "", &[("accept", accept)])
            .await;
        assert_eq!(got.status, status, "{accept}");
        assert!(status == 200 || got.is_problem(406).status == 406);
    }
    let got = server
        .call_as("GET", &overview, "", &[("accept", "json")])
        .await;
    assert_eq!((got.status, got.text.as_str()), (406, ""));
    // [04:8]
    let yaml = [("user", "tester"), ("content-type", "application/yaml")];
    server
        .call("POST", &format!("{W}/yaml"), "{}")
        .await
        .is_problem(415);
    server
        .call_as("POST", W, "a: b", &yaml)
        .await
        .is_problem(415);
    let got = server
        .call_as("POST", &format!("{W}/yaml"), "{", &yaml)
        .await;
    got.is_details(400, "BAD_REQUEST");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_beyond_the_limit_is_refused() {
    let options = ServeOptions {
        max_body_bytes: 1000,
        ..ServeOptions::default()
    };
    let server = Server::with(options).await;
    let long = " ".repeat(1001);
    server.call("POST", W, &long).await.is_problem(413);
    let fits = " ".repeat(1000);
    server
        .call("POST", W, &fits)
        .await
        .is_details(400, "BAD_REQUEST");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn web_pages_cannot_reach_a_loopback_server() {
    let options = ServeOptions {
        allowed_origins: vec!["https://ui.example".to_owned()],
        ..ServeOptions::default()
    };
    let server = Server::with(options).await;
    for (host, status) in [("evil.example", 403), ("localhost:80", 200), ("[::1]", 200)] {
        let got = server.call_as("GET", W, "", &[("host", host)]).await;
        assert_eq!(got.status, status, "{host}");
    }
    let stop = format!("{W}/w/actions/stop");
    let own = format!("http://{}", server.address);
    for (origin, status) in [
        ("https://evil.example", 403),
        ("null", 403),
        ("https://ui.example", 202),
        (own.as_str(), 202),
    ] {
        let headers = [("user", "tester"), ("origin", origin)];
        let got = server.call_as("PUT", &stop, "", &headers).await;
        assert_eq!(got.status, status, "{origin}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_needs_a_user_says_so_and_nothing_else_does() {
    let server = Server::start().await;
    // [04:1]
    let body = json!({ "workflow": { "id": "a", "steps": [] } }).to_string();
    let got = server.call_as("POST", W, &body, &[]).await;
    assert!(!got.is_details(400, "BAD_REQUEST").json()["errors"].is_null());
    let body = json!({ "workflow": no_ops(&["a"]) })
        .to_string()
        .replace("\"steps\"", "\"id\":\"a\",\"steps\"");
    let got = server.call_as("POST", W, &body, &[]).await;
    assert!(got.is_details(400, "BAD_REQUEST").json()["errors"].is_null());
    // [04:2] [04:3]
    server
        .get(&format!("{W}/x/versions/latest"))
        .await
        .is_details(404, "NOT_FOUND");
    // The table tells the document which operations need one; those without a body are tried here.
    let document = maestro_server::openapi_document();
    let mut tried = 0;
    for (path, verbs) in document["paths"].as_object().expect("paths") {
        let path = path
            .replace("{i}", "1")
            .replace("{r}", "1")
            .replace("{a}", "1")
            .replace("{run}", "1")
            .replace(['{', '}'], "");
        for (verb, operation) in verbs.as_object().expect("verbs") {
            if operation.get("requestBody").is_some() {
                continue;
            }
            let parameters = operation["parameters"].as_array();
            let required = parameters
                .into_iter()
                .flatten()
                .filter(|p| p["in"] == "query" && p["required"] == true);
            let query: Vec<String> = required
                .map(|p| format!("{}=x", p["name"].as_str().unwrap_or_default()))
                .collect();
            let path = format!("{path}?{}", query.join("&"));
            let needs_user = parameters.is_some_and(|all| {
                all.iter()
                    .any(|p| p["in"] == "header" && p["name"] == "user")
            });
            let got = server.call_as(&verb.to_uppercase(), &path, "", &[]).await;
            let is_missed = got.text.contains("user name must not be null");
            assert_eq!(is_missed, needs_user, "{verb} {path}: {}", got.text);
            tried += 1;
        }
    }
    assert!(tried > 20);
    server.stop().await;
}

// [04:65]
#[tokio::test(flavor = "multi_thread")]
async fn the_user_is_read_as_latin_1_without_blanks_around() {
    let server = Server::start().await;
    server.push("w", no_ops(&["a"])).await;
    let path = format!("{W}/w/versions/1/actions/start");
    for (headers, name) in [
        (&[("user", " ana ")][..], "ana"),
        (&[("user", "ñ")][..], "Ã±"),
        (&[("user", "one"), ("user", "two")][..], "one"),
        (&[("user", "")][..], ""),
    ] {
        let got = server.call_as("POST", &path, MANUAL, headers).await.json();
        let instance = format!("{W}/w/instances/{}", got["workflow_instance_id"]);
        let instance = server.get(&instance).await.json();
        assert_eq!(instance["initiator"]["user"], name);
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_done_yet_is_said_plainly() {
    let server = Server::start().await;
    server.push("w", no_ops(&["a"])).await;
    let point = r#"{"workflow_id":"w","step_id":"a"}"#;
    let got = server
        .call("POST", &format!("{W}/steps/breakpoints"), point)
        .await;
    assert_eq!(got.status, 501);
    assert_eq!(got.json()["status"], "NOT_IMPLEMENTED");
    assert!(got.text.contains("yet"));
    server.stop().await;
}

/// Sends bytes as they are; the status of the answer.
async fn status_of(server: &Server, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(server.address).await.expect("connects");
    let (mut read, mut write) = stream.split();
    let mut answer = Vec::new();
    // The server may answer and close before it has read everything.
    let send = async { drop(write.write_all(bytes).await) };
    let receive = async { drop(read.read_to_end(&mut answer).await) };
    tokio::join!(send, receive);
    let answer = String::from_utf8_lossy(&answer).into_owned();
    answer.split(' ').nth(1).unwrap_or_default().to_owned()
}

/// A client that sends everything before it reads gets the answer to what was refused at once.
#[tokio::test(flavor = "multi_thread")]
async fn an_early_answer_is_not_lost() {
    let server = Server::start().await;
    let body = "x".repeat(20 << 20);
    let ask = async |line: &str, more: &str| {
        let (host, length) = (server.address, body.len());
        let request = format!(
            "{line} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nuser: ana\r\n{more}Content-Length: {length}\r\n\r\n{body}"
        );
        status_of(&server, request.as_bytes()).await
    };
    let json = "Content-Type: application/json\r\n";
    assert_eq!(ask("POST /api/v3/workflows", json).await, "413");
    assert_eq!(ask("POST /api/v3/workflows", "").await, "415");
    assert_eq!(ask("POST /nowhere", json).await, "404");
    server.stop().await;
}

// 04 H-6, H-17: what is no request of HTTP is answered all the same.
#[tokio::test(flavor = "multi_thread")]
async fn malformed_heads_are_answered() {
    let server = Server::start().await;
    let host = format!("Host: {}\r\nConnection: close\r\n", server.address);
    for head in [
        "GET /api/v3/workflows/a b HTTP/1.1\r\n",
        "hello\r\n",
        "\u{16}\u{3}\u{1}\r\n",
        "G@T / HTTP/1.1\r\n",
        "GET / HTTP/3.0\r\n",
        "GET / HTTP/1.1\r\na b: c\r\n",
        "POST /api/v3/workflows HTTP/1.1\r\nContent-Length: -1\r\n",
        "POST /api/v3/workflows HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n",
        "GET /api/v3/workflows/a\"b HTTP/1.1\r\n",
        "GET /api/v3/workflows/\u{e4} HTTP/1.1\r\n",
    ] {
        let bytes = format!("{head}{host}\r\n");
        assert_eq!(status_of(&server, bytes.as_bytes()).await, "400", "{head}");
    }
    // The reference says 400 for these as well; 431 says what is wrong.
    let long = format!("GET /{} HTTP/1.1\r\n{host}\r\n", "a".repeat(200_000));
    assert_eq!(status_of(&server, long.as_bytes()).await, "431");
    let near = format!("GET /{} HTTP/1.1\r\n{host}\r\n", "a".repeat(60_000));
    assert_eq!(status_of(&server, near.as_bytes()).await, "404");
    server.get("/health").await.is(200);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_tells_of_itself() {
    let server = Server::start().await;
    assert_eq!(
        server.get("/health").await.json(),
        json!({ "status": "up" })
    );
    assert_eq!(
        server.get("/actuator/health").await.json(),
        json!({ "status": "UP" })
    );
    assert!(server.get("/actuator").await.json()["_links"]["health"].is_object());
    let got = server.get("/metrics").await;
    for name in [
        "process_resident_memory_bytes ",
        "process_cpu_seconds_total ",
        "maestro_http_requests_total{method=\"GET\",route=\"/health\",status=\"2xx\"} 1",
        "maestro_steps_ended_total ",
        "# EOF",
    ] {
        assert!(got.text.contains(name), "{name} is not in {}", got.text);
    }
    let document = server.get("/api/openapi.json").await.json();
    assert_eq!(document, maestro_server::openapi_document());
    assert_eq!(document["openapi"], "3.1.0");
    let page = server.get("/api/docs").await;
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    // Nothing is fetched from elsewhere.
    assert!(!page.text.contains("http://") && !page.text.contains("https://"));
    server.stop().await;
}
