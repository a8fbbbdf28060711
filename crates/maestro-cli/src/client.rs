//! The HTTP client: calls of the REST API, and the one place where a server's refusal becomes words and an exit status.

use std::io::Read;
use std::time::Duration;

use maestro_model::json::Json;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use ureq::http::uri::InvalidUri;
use ureq::http::{HeaderValue, Request, Response, Uri};
use ureq::{Agent, Body};

use crate::exit::Exit;
use crate::failure::Failure;

/// Where a server is looked for if nobody says.
pub(crate) const DEFAULT_SERVER: &str = "http://127.0.0.1:8080";

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long an answer may take to begin.
const ANSWER: Duration = Duration::from_secs(60);
/// The largest answer that is read whole, in bytes.
const ANSWER_BYTES: u64 = 512 << 20;

/// Ids may hold these as they are.
const SEGMENT: AsciiSet = NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// Why a call did not do what was wanted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    /// Nobody answers there, or the connection broke.
    #[error("the server {server} cannot be reached: {reason}")]
    Unreachable { server: String, reason: String },
    /// Somebody answers, but no maestro server.
    #[error("{server} answers, but not like a maestro server (status {status})")]
    Foreign { server: String, status: u16 },
    /// The server refused the request.
    #[error("{0}")]
    Refused(Refused),
    /// The address or a header cannot be sent.
    #[error("{0}")]
    Unsendable(String),
}

/// A refusal (spec 04 section 5).
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) status: u16,
    pub(crate) message: String,
    pub(crate) errors: Vec<String>,
    hint: Option<String>,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl CallError {
    /// The HTTP status of a refusal.
    pub(crate) fn status(&self) -> Option<u16> {
        match self {
            CallError::Refused(refused) => Some(refused.status),
            CallError::Unreachable { .. }
            | CallError::Foreign { .. }
            | CallError::Unsendable(_) => None,
        }
    }

    /// Whether the same call may succeed in a while: the server is away, busy, or its store is.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            CallError::Unreachable { .. } => true,
            CallError::Refused(refused) => matches!(refused.status, 429 | 503),
            CallError::Foreign { .. } | CallError::Unsendable(_) => false,
        }
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        match &error {
            CallError::Unreachable { .. } => Failure::new(Exit::Unreachable, &error).hint(
                "start one with `maestro server`, or name another with --server or the variable MAESTRO_SERVER",
            ),
            CallError::Foreign { .. } => Failure::new(Exit::Unreachable, &error)
                .hint("name the server with --server or the variable MAESTRO_SERVER"),
            CallError::Unsendable(_) => Failure::usage(&error),
            CallError::Refused(refused) => {
                let failure = Failure::new(Exit::Failed, &refused.message).details(refused.errors.clone());
                match (&refused.hint, refused.status) {
                    (Some(hint), _) => failure.hint(hint),
                    (None, 429 | 503) => failure.hint("try again in a moment"),
                    (None, _) => failure,
                }
            }
        }
    }
}

/// An answer: its text as it came, and what it says.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) text: String,
    pub(crate) json: Json,
}

impl Answer {
    /// The text of a member; empty if there is none.
    pub(crate) fn str(&self, pointer: &str) -> &str {
        str_at(&self.json, pointer)
    }

    /// The number of a member.
    pub(crate) fn number(&self, pointer: &str) -> Option<i64> {
        self.json.pointer(pointer).and_then(Json::as_i64)
    }
}

/// The text of a member; empty if there is none.
pub(crate) fn str_at<'a>(json: &'a Json, pointer: &str) -> &'a str {
    json.pointer(pointer)
        .and_then(Json::as_str)
        .unwrap_or_default()
}

/// The elements of a list member.
pub(crate) fn list_at<'a>(json: &'a Json, pointer: &str) -> &'a [Json] {
    json.pointer(pointer)
        .and_then(Json::as_array)
        .unwrap_or_default()
}

/// A server, and who calls it. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    agent: Agent,
    server: String,
    name: String,
    /// The name as the header has it.
    user: HeaderValue,
}

impl Client {
    /// Of an address such as `http://127.0.0.1:8080` or `localhost:8080`.
    pub(crate) fn new(server: &str, name: &str) -> Result<Self, Failure> {
        let server = address(server)?;
        let user = latin1(name).ok_or_else(|| {
            Failure::usage(format!("the user name `{name}` cannot be sent"))
                .hint("a name may have the characters of ISO-8859-1, none of them a control; give one with --user")
        })?;
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .max_redirects(0)
            .timeout_connect(Some(CONNECT))
            .timeout_recv_response(Some(ANSWER))
            .build()
            .into();
        Ok(Self {
            agent,
            server,
            name: name.to_owned(),
            user,
        })
    }

    /// Its address.
    pub(crate) fn server(&self) -> &str {
        &self.server
    }

    /// Who calls.
    pub(crate) fn user(&self) -> &str {
        &self.name
    }

    /// Whether a maestro server answers, be it in trouble.
    pub(crate) fn answers(&self) -> Result<(), CallError> {
        match self.call("GET", "/actuator/health", None) {
            Ok(_) => Ok(()),
            Err(CallError::Refused(refused)) if refused.status == 503 => Ok(()),
            Err(CallError::Refused(refused)) => Err(CallError::Foreign {
                server: self.server.clone(),
                status: refused.status,
            }),
            Err(error) => Err(error),
        }
    }

    pub(crate) fn get(&self, path: &str) -> Result<Answer, CallError> {
        self.call("GET", path, None)
    }

    pub(crate) fn put(&self, path: &str) -> Result<Answer, CallError> {
        self.call("PUT", path, None)
    }

    pub(crate) fn put_json(&self, path: &str, json: &str) -> Result<Answer, CallError> {
        self.call("PUT", path, Some(json))
    }

    pub(crate) fn delete(&self, path: &str) -> Result<Answer, CallError> {
        self.call("DELETE", path, None)
    }

    pub(crate) fn post(&self, path: &str, json: &str) -> Result<Answer, CallError> {
        self.call("POST", path, Some(json))
    }

    /// A text that grows until the server ends it.
    pub(crate) fn stream(&self, path: &str) -> Result<impl Read + 'static, CallError> {
        let response = self.send("GET", path, None)?;
        if response.status().as_u16() == 200 {
            return Ok(response.into_body().into_reader());
        }
        Err(self
            .read(response, path)
            .err()
            .unwrap_or(CallError::Foreign {
                server: self.server.clone(),
                status: 0,
            }))
    }

    fn call(&self, verb: &str, path: &str, body: Option<&str>) -> Result<Answer, CallError> {
        self.read(self.send(verb, path, body)?, path)
    }

    fn send(
        &self,
        verb: &str,
        path: &str,
        body: Option<&str>,
    ) -> Result<Response<Body>, CallError> {
        let unsendable = |error: ureq::http::Error| {
            CallError::Unsendable(format!("cannot call `{}{path}`: {error}", self.server))
        };
        let request = Request::builder()
            .method(verb)
            .uri(format!("{}{path}", self.server))
            .header("user", self.user.clone());
        let sent = match body {
            Some(text) => {
                let request = request
                    .header("content-type", "application/json")
                    .body(text);
                self.agent.run(request.map_err(unsendable)?)
            }
            None => self.agent.run(request.body(()).map_err(unsendable)?),
        };
        sent.map_err(|error| match error {
            ureq::Error::BadUri(_) | ureq::Error::Http(_) => CallError::Unsendable(format!(
                "`{}` is not the address of a server: {error}",
                self.server
            )),
            other => self.unreachable(&other),
        })
    }

    fn unreachable(&self, error: &ureq::Error) -> CallError {
        let reason = match error {
            ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
                "nobody listens there".to_owned()
            }
            other => other.to_string(),
        };
        CallError::Unreachable {
            server: self.server.clone(),
            reason,
        }
    }

    fn read(&self, mut response: Response<Body>, path: &str) -> Result<Answer, CallError> {
        let status = response.status().as_u16();
        let text = response
            .body_mut()
            .with_config()
            .limit(ANSWER_BYTES)
            .read_to_string()
            .map_err(|error| self.unreachable(&error))?;
        let json = if text.is_empty() {
            Ok(Json::Null)
        } else {
            Json::parse(text.as_bytes())
        };
        let Ok(json) = json else {
            return Err(CallError::Foreign {
                server: self.server.clone(),
                status,
            });
        };
        if (200..300).contains(&status) {
            return Ok(Answer { text, json });
        }
        // Details have `message` and `errors`, problems have `detail` (spec 04 ER-1, ER-9).
        let message = [str_at(&json, "/message"), str_at(&json, "/detail")]
            .into_iter()
            .find(|text| !text.is_empty())
            .map_or_else(
                || format!("the server refused the request with status {status}"),
                str::to_owned,
            );
        let errors = list_at(&json, "/errors")
            .iter()
            .filter_map(|error| error.as_str().map(str::to_owned))
            .collect();
        let hint = if status == 404 {
            self.nearest_workflow(path)
        } else {
            None
        };
        Err(CallError::Refused(Refused {
            status,
            message,
            errors,
            hint,
        }))
    }

    /// For a workflow that is not there: the one with the most similar id.
    fn nearest_workflow(&self, path: &str) -> Option<String> {
        let id = path
            .strip_prefix("/api/v3/workflows/")?
            .split(['/', '?'])
            .next()?;
        let id = percent_encoding::percent_decode_str(id)
            .decode_utf8()
            .ok()?;
        // A path of its own, so that a refusal here asks nothing again.
        let page = self.get("/api/v3/workflows?first=200").ok()?;
        let ids: Vec<&str> = list_at(&page.json, "/elements")
            .iter()
            .map(|element| str_at(element, "/workflow_id"))
            .collect();
        if ids.contains(&&*id) {
            return None;
        }
        let (similarity, nearest) = ids
            .into_iter()
            .map(|known| (strsim::normalized_damerau_levenshtein(known, &id), known))
            .max_by(|a, b| a.0.total_cmp(&b.0))?;
        (similarity > 0.6)
            .then(|| format!("did you mean `{nearest}`? `maestro list` shows all workflows"))
    }
}

/// The address of a server as all requests begin with it.
fn address(text: &str) -> Result<String, Failure> {
    const WANTED: &str = "an address looks like http://127.0.0.1:8080 or localhost:8080";
    let wrong = |reason: &str| {
        Failure::usage(format!("`{text}` is not the address of a server: {reason}")).hint(WANTED)
    };
    let rest = match text.split_once("://") {
        None => text,
        Some(("http", rest)) => rest,
        Some(("https", _)) => {
            return Err(
                Failure::usage(format!("`{text}`: this client does not speak TLS yet"))
                    .hint("reach the server through a tunnel, and name it with http://"),
            );
        }
        Some((scheme, _)) => return Err(wrong(&format!("it cannot be reached by `{scheme}`"))),
    };
    let rest = rest.trim_end_matches('/');
    let server = format!("http://{rest}");
    let uri: Uri = server
        .parse()
        .map_err(|error: InvalidUri| wrong(&error.to_string()))?;
    let (Some(authority), Some(host)) = (uri.authority(), uri.host().filter(|h| !h.is_empty()))
    else {
        return Err(wrong("it names no host"));
    };
    let place = authority.as_str();
    let place = place.rsplit_once('@').map_or(place, |(_, place)| place);
    // The reader of addresses lets ports pass that are none.
    let port = place
        .strip_prefix(host)
        .and_then(|port| port.strip_prefix(':'));
    if port.is_some_and(|port| port.parse::<u16>().is_err()) {
        return Err(wrong("its port is no number up to 65535"));
    }
    match uri.query() {
        None => Ok(server),
        Some(_) => Err(wrong("it has a query")),
    }
}

/// A name as the server reads it (spec 04 H-4).
fn latin1(name: &str) -> Option<HeaderValue> {
    let bytes: Option<Vec<u8>> = name
        .chars()
        .map(|c| u8::try_from(u32::from(c)).ok())
        .collect();
    HeaderValue::from_bytes(&bytes?).ok()
}

/// The path of something of a workflow.
pub(crate) fn workflow_path(workflow: &str, rest: &str) -> String {
    format!("/api/v3/workflows/{}{rest}", segment(workflow))
}

/// A text as one segment of a path.
pub(crate) fn segment(text: &str) -> String {
    utf8_percent_encode(text, &SEGMENT).to_string()
}
