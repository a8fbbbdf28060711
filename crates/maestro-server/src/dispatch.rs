//! From a request to its answer: the order of the checks (spec 04 H-16).

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Body, Incoming};
use hyper::header::EXPECT;
use hyper::http::request::Parts;
use hyper::{HeaderMap, Request, Response, StatusCode};
use maestro_model::error::ErrorCode;

use crate::answer::{Answer, Fault, JSON, Payload};
use crate::call::{Call, Moment, PathValue, user};
use crate::media::{Acceptance, acceptance, is_of_type};
use crate::query::Query;
use crate::route::{Consumes, Found, Handler, Route, Segment};
use crate::serve::State;
use crate::{guard, number, path};

/// How long a client may take to send a body.
const BODY_TIME: Duration = Duration::from_secs(60);

/// How much of a body that nobody wants is read all the same, and for how long.
const UNWANTED_BYTES: usize = 64 << 20;
const UNWANTED_TIME: Duration = Duration::from_secs(5);

/// Answers a request.
pub(crate) async fn answer(state: Arc<State>, request: Request<Incoming>) -> Response<Payload> {
    let begun = Instant::now();
    let path = request.uri().path().to_owned();
    let mut route = None;
    let (head, mut body) = request.into_parts();
    let waits = head.headers.contains_key(EXPECT);
    let result = handle(&state, head, &mut body, &path, &mut route).await;
    if !body.is_end_stream() && !waits {
        drop_unwanted(&mut body).await;
    }
    let answer = result.unwrap_or_else(|fault| fault.into_answer(&path, state.engine.now()));
    let response = answer.into_response();
    state
        .metrics
        .answered(route, response.status(), begun.elapsed());
    response
}

async fn handle(
    state: &Arc<State>,
    head: Parts,
    body: &mut Incoming,
    path: &str,
    number: &mut Option<usize>,
) -> Result<Answer, Fault> {
    let options = &state.options;
    guard::check(
        &head.method,
        &head.uri,
        &head.headers,
        state.is_loopback,
        &options.allowed_origins,
    )
    .map_err(|refused| Fault::details(ErrorCode::Forbidden, refused.to_string()))?;
    let segments = path::segments(path).map_err(|bad| Fault::bad_request(bad.to_string()))?;
    let nothing = || Fault::problem(StatusCode::NOT_FOUND, "there is nothing at this path");
    let segments = segments.ok_or_else(nothing)?;
    let route = match state.table.find(head.method.as_str(), &segments) {
        Found::Nothing => return Err(nothing()),
        Found::Allow(allow) if head.method == hyper::Method::OPTIONS => {
            return Ok(Answer::options(&allow));
        }
        Found::Allow(allow) => return Err(Fault::Method { allow }),
        Found::Route(found, route) => {
            *number = Some(found);
            route
        }
    };
    check_media(route, &head.headers)?;
    let variables = variables(route, segments)?;
    let body = match route.consumes {
        Consumes::Nothing => Bytes::new(),
        Consumes::Json | Consumes::Yaml => read_body(body, options.max_body_bytes).await?,
    };
    let call = Call {
        state: state.clone(),
        variables,
        query: Query::parse(head.uri.query().unwrap_or_default()),
        user: user(&head.headers),
        body,
    };
    match route.handler {
        Handler::Now(handle) => handle(&call),
        Handler::Act(handle) => handle(call).await,
        Handler::Read(handle) => read(state, move |moment| handle(&call, moment)).await,
    }
}

/// Most clients read no answer before they have sent everything, and lose it if the connection is closed meanwhile. One
/// that waits for leave to send needs none of this.
async fn drop_unwanted(body: &mut Incoming) {
    let drop = async {
        let mut left = UNWANTED_BYTES;
        while let Some(Ok(frame)) = body.frame().await {
            let length = frame.data_ref().map_or(0, Bytes::len);
            match left.checked_sub(length) {
                Some(rest) => left = rest,
                None => break,
            }
        }
    };
    // The answer goes out either way.
    let _ = tokio::time::timeout(UNWANTED_TIME, drop).await;
}

/// Reads one moment of the store on a thread that may wait.
pub(crate) async fn read<T: Send + 'static>(
    state: &Arc<State>,
    read: impl FnOnce(&Moment<'_>) -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    let permit = state.reads.clone().acquire_owned().await;
    let permit = permit.map_err(|_| Fault::Unhandled)?;
    let state = state.clone();
    let reading = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        let moment = Moment {
            engine: &state.engine,
            snapshot: state.engine.snapshot()?,
        };
        read(&moment)
    });
    reading.await.unwrap_or_else(|error| {
        tracing::error!(%error, "a read broke off");
        Err(Fault::Unhandled)
    })
}

fn check_media(route: &Route, headers: &HeaderMap) -> Result<(), Fault> {
    let wanted = match route.consumes {
        Consumes::Nothing => None,
        Consumes::Json => Some(JSON),
        Consumes::Yaml => Some("application/yaml"),
    };
    if let Some(wanted) = wanted
        && !is_of_type(headers, wanted)
    {
        return Err(Fault::problem(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            format!("send the body with `Content-Type: {wanted}`"),
        ));
    }
    if route.produces != JSON {
        return Ok(());
    }
    match acceptance(headers) {
        Acceptance::Json => Ok(()),
        Acceptance::Other => Err(Fault::problem(
            StatusCode::NOT_ACCEPTABLE,
            "the answer is application/json, which the header `Accept` excludes",
        )),
        Acceptance::Malformed => Err(Fault::Unacceptable),
    }
}

fn variables(
    route: &Route,
    segments: Vec<String>,
) -> Result<Vec<(&'static str, PathValue)>, Fault> {
    let mut found = Vec::with_capacity(4);
    for (segment, text) in route.segments.iter().zip(segments) {
        let (name, is_int) = match *segment {
            Segment::Literal(_) => continue,
            Segment::Text(name) => {
                found.push((name, PathValue::Text(text)));
                continue;
            }
            Segment::Long(name) => (name, false),
            Segment::Int(name) => (name, true),
        };
        let read = number::lenient(&text).filter(|n| !is_int || i32::try_from(*n).is_ok());
        let read =
            read.ok_or_else(|| Fault::conversion("path variable", name, &text, "a number"))?;
        found.push((name, PathValue::Number(read)));
    }
    Ok(found)
}

async fn read_body(body: &mut Incoming, max: u64) -> Result<Bytes, Fault> {
    let too_large = || {
        Fault::problem(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("the body is larger than {max} bytes"),
        )
    };
    if body.size_hint().lower() > max {
        return Err(too_large());
    }
    let limit = usize::try_from(max).unwrap_or(usize::MAX);
    let collecting = Limited::new(body, limit).collect();
    match tokio::time::timeout(BODY_TIME, collecting).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(error)) => Err(Fault::bad_request(format!(
            "the body cannot be read: {error}"
        ))),
        Err(_) => Err(Fault::details(
            ErrorCode::RequestTimeout,
            "the body did not come in time",
        )),
    }
}
