//! A server in a folder of its own, and a client.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::TokioIo;
use maestro_engine::{Engine, EngineSettings};
use maestro_server::{ServeOptions, serve_on};
use maestro_steps::local::LocalSettings;
use prometheus_client::registry::Registry;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// This test binary is its own supervisor: `/proc/self/exe` with the sub-command, before the test harness sees it.
#[used]
#[unsafe(link_section = ".init_array")]
#[expect(
    unsafe_code,
    reason = "runs before main, so that the test binary can play the supervisor"
)]
static SUPERVISE: extern "C" fn() = {
    extern "C" fn supervise() {
        let mut args = std::env::args_os();
        if args
            .nth(1)
            .is_some_and(|a| a == maestro_steps::supervisor::SUBCOMMAND)
        {
            let code = maestro_steps::supervisor::main(args.collect::<Vec<OsString>>());
            std::process::exit(i32::from(!format!("{code:?}").contains('0')));
        }
    }
    supervise
};

/// A running server.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    engine: Engine,
    stop: Option<oneshot::Sender<()>>,
    served: Option<JoinHandle<std::io::Result<()>>>,
    folder: TempDir,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::with(ServeOptions::default()).await
    }

    pub(crate) async fn with(options: ServeOptions) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let local = LocalSettings {
            spare_supervisor: false,
            ..LocalSettings::default()
        };
        let settings = EngineSettings {
            local: Some(local),
            ..EngineSettings::new(folder.path().to_owned())
        };
        let mut registry = Registry::default();
        let engine = Engine::open(settings, &mut registry, |error| panic!("{error}"));
        let engine = engine.expect("an engine");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (stop, stopped) = oneshot::channel();
        let end = async {
            let _ = stopped.await;
        };
        let served = tokio::spawn(serve_on(listener, engine.clone(), options, registry, end));
        Self {
            address,
            engine,
            stop: Some(stop),
            served: Some(served),
            folder,
        }
    }

    /// Where its data is.
    pub(crate) fn data(&self) -> &Path {
        self.folder.path()
    }

    /// Ends the server and the engine; both have to end without a fault.
    pub(crate) async fn stop(mut self) {
        drop(self.stop.take());
        let served = self.served.take().expect("it runs").await;
        served.expect("no panic").expect("no fault");
        let engine = self.engine.clone();
        tokio::task::spawn_blocking(move || engine.shutdown())
            .await
            .expect("no panic");
    }

    /// Sends a request as it is given; `Host` is added if it is missing.
    pub(crate) async fn send(&self, request: Request<Full<Bytes>>) -> Response<Incoming> {
        let (mut head, body) = request.into_parts();
        if !head.headers.contains_key("host") {
            let host = self.address.to_string().parse().expect("a header");
            head.headers.insert("host", host);
        }
        let stream = TcpStream::connect(self.address)
            .await
            .expect("a connection");
        let (mut client, connection) =
            hyper::client::conn::http1::handshake::<_, Full<Bytes>>(TokioIo::new(stream))
                .await
                .expect("a handshake");
        tokio::spawn(connection);
        client
            .send_request(Request::from_parts(head, body))
            .await
            .expect("an answer")
    }

    /// A request of the user `tester`, with a JSON body unless it is empty.
    pub(crate) async fn call(&self, verb: &str, path: &str, body: &str) -> Got {
        self.call_as(verb, path, body, &[("user", "tester")]).await
    }

    /// A request with these headers; the content type is JSON unless they say otherwise or the body is empty.
    pub(crate) async fn call_as(
        &self,
        verb: &str,
        path: &str,
        body: &str,
        headers: &[(&str, &str)],
    ) -> Got {
        let mut request = Request::builder().method(verb).uri(path);
        for (name, value) in headers {
            let value = hyper::header::HeaderValue::from_bytes(value.as_bytes()).expect("a value");
            request = request.header(*name, value);
        }
        let is_typed = headers.iter().any(|(name, _)| *name == "content-type");
        if !body.is_empty() && !is_typed {
            request = request.header("content-type", "application/json");
        }
        let body = Full::from(Bytes::from(body.to_owned()));
        let response = self.send(request.body(body).expect("a request")).await;
        let (head, body) = response.into_parts();
        let bytes = body.collect().await.expect("a body").to_bytes();
        Got {
            status: head.status.as_u16(),
            headers: head.headers,
            text: String::from_utf8(bytes.to_vec()).expect("UTF-8"),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Got {
        self.call_as("GET", path, "", &[]).await
    }

    /// Pushes a workflow with these steps and an owner; other members of the workflow may be given.
    pub(crate) async fn push(&self, id: &str, workflow: Value) -> Got {
        let mut workflow = workflow;
        workflow["id"] = json!(id);
        let body = json!({ "properties": { "owner": "ana" }, "workflow": workflow });
        let got = self
            .call("POST", "/api/v3/workflows", &body.to_string())
            .await;
        assert_eq!(got.status, 200, "{}", got.text);
        got
    }

    /// Starts an instance of the default version.
    pub(crate) async fn start_instance(&self, id: &str) -> i64 {
        let path = format!("/api/v3/workflows/{id}/versions/default/actions/start");
        let got = self.call("POST", &path, MANUAL).await;
        assert_eq!(got.status, 200, "{}", got.text);
        got.json()["workflow_instance_id"]
            .as_i64()
            .expect("a number")
    }

    /// Asks again and again, as clients do, until the member at the pointer is one of these.
    pub(crate) async fn wait(&self, path: &str, pointer: &str, wanted: &[&str]) -> Value {
        for _ in 0..3000 {
            let got = self.get(path).await.json();
            let found = got.pointer(pointer).and_then(Value::as_str);
            if found.is_some_and(|found| wanted.contains(&found)) {
                return got;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{path} never had {pointer} as {wanted:?}");
    }
}

/// The body of a start by hand.
pub(crate) const MANUAL: &str = r#"{"initiator":{"type":"manual"}}"#;

/// A step of a type that does nothing.
pub(crate) fn no_op(id: &str) -> Value {
    json!({ "step": { "id": id, "type": "NoOp" } })
}

/// A workflow of such steps, without edges.
pub(crate) fn no_ops(ids: &[&str]) -> Value {
    json!({ "steps": ids.iter().map(|id| no_op(id)).collect::<Vec<_>>() })
}

/// A workflow with one shell step `job`.
pub(crate) fn shell(script: &str) -> Value {
    let param = json!({
        "type": "MAP",
        "value": { "script": { "type": "STRING", "value": script } },
    });
    json!({ "steps": [{ "step": { "id": "job", "type": "Shell", "params": { "shell": param } } }] })
}

/// An answer.
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Got {
    pub(crate) fn is(&self, status: u16) -> &Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// It is a fault in the Details form with this status.
    pub(crate) fn is_details(&self, status: u16, code: &str) -> &Self {
        let body = self.json();
        assert_eq!(
            (self.status, &body["status"]),
            (status, &json!(code)),
            "{}",
            self.text
        );
        assert_eq!(self.header("content-type"), "application/json");
        self
    }

    /// It is a fault in the problem form with this status.
    pub(crate) fn is_problem(&self, status: u16) -> &Self {
        let body = self.json();
        assert_eq!(
            (self.status, &body["status"]),
            (status, &json!(status)),
            "{}",
            self.text
        );
        assert_eq!(body["type"], "about:blank");
        assert_eq!(self.header("content-type"), "application/problem+json");
        self
    }
}
