//! What goes back to a client: answers, and the forms of faults (spec 04 sections 2 and 5).

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::Stream;
use hyper::body::{Body, Frame, SizeHint};
use hyper::header::{ALLOW, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use hyper::{Response, StatusCode};
use maestro_core::message::Refusal;
use maestro_core::params::{ParamError, ParamErrorKind};
use maestro_engine::EngineError;
use maestro_model::codec::{JsonError, to_text};
use maestro_model::error::{ErrorBody, ErrorCode};
use maestro_model::json::ToJson;
use maestro_model::validate::Invalid;
use maestro_model::yaml::YamlError;
use maestro_store::ReadError;

/// JSON.
pub(crate) const JSON: &str = "application/json";
/// Faults of routes, media types and conversions (spec 04 ER-9).
pub(crate) const PROBLEM: &str = "application/problem+json";

/// Seconds after which a client may try again what was refused because of load.
const BUSY_RETRY: &str = "1";
/// Seconds after which a client may try again what was refused because the store is away.
const UNAVAILABLE_RETRY: &str = "5";

type Pieces = Pin<Box<dyn Stream<Item = Bytes> + Send>>;

/// The body of a response: whole, or in pieces that come later.
pub(crate) enum Payload {
    /// Whole; taken when it is sent.
    Whole(Option<Bytes>),
    /// In pieces. Dropped when the client goes away.
    Pieces(Pieces),
}

impl Body for Payload {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.get_mut() {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Pieces(pieces) => pieces
                .as_mut()
                .poll_next(cx)
                .map(|piece| piece.map(|bytes| Ok(Frame::data(bytes)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
            Self::Pieces(_) => SizeHint::default(),
        }
    }
}

/// A response that is being made.
pub(crate) struct Answer {
    status: StatusCode,
    content_type: Option<&'static str>,
    headers: Vec<(HeaderName, HeaderValue)>,
    payload: Payload,
}

impl Answer {
    fn new(status: StatusCode, content_type: Option<&'static str>, body: impl Into<Bytes>) -> Self {
        let body: Bytes = body.into();
        Self {
            status,
            content_type,
            headers: Vec::new(),
            payload: Payload::Whole((!body.is_empty()).then_some(body)),
        }
    }

    /// 200 with the JSON of a value.
    pub(crate) fn json(value: &(impl ToJson + ?Sized)) -> Self {
        Self::new(StatusCode::OK, Some(JSON), to_text(value))
    }

    /// 200 with a text of another kind.
    pub(crate) fn text(content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Self::new(StatusCode::OK, Some(content_type), body)
    }

    /// 200 with a text that comes in pieces.
    pub(crate) fn pieces(
        content_type: &'static str,
        pieces: impl Stream<Item = Bytes> + Send + 'static,
    ) -> Self {
        Self {
            payload: Payload::Pieces(Box::pin(pieces)),
            ..Self::new(StatusCode::OK, Some(content_type), "")
        }
    }

    /// 200 without a body.
    pub(crate) fn empty() -> Self {
        Self::new(StatusCode::OK, None, "")
    }

    /// With another status.
    pub(crate) fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// With one more header.
    pub(crate) fn with_header(mut self, name: &'static str, value: impl Into<HeaderValue>) -> Self {
        self.headers
            .push((HeaderName::from_static(name), value.into()));
        self
    }

    /// The answer to OPTIONS.
    pub(crate) fn options(allow: &str) -> Self {
        let mut answer = Self::empty();
        answer.headers.extend(allow_header(allow));
        answer
    }

    /// As hyper takes it.
    pub(crate) fn into_response(self) -> Response<Payload> {
        let mut response = Response::new(self.payload);
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        if let Some(content_type) = self.content_type {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        if let Payload::Whole(None) = response.body() {
            response
                .headers_mut()
                .insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        response.headers_mut().extend(self.headers);
        response
    }
}

fn allow_header(allow: &str) -> Option<(HeaderName, HeaderValue)> {
    Some((ALLOW, HeaderValue::from_str(allow).ok()?))
}

/// Why a request got no answer.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The Details form (ER-1).
    Details(ErrorBody),
    /// The problem form (ER-9).
    Problem { status: StatusCode, detail: String },
    /// 405, with what is allowed.
    Method { allow: String },
    /// An `Accept` that does not parse: 406 without a body.
    Unacceptable,
    /// This server cannot do it yet: 501.
    Absent(&'static str),
    /// A fault of ours that nobody foresaw (ER-10).
    Unhandled,
}

impl Fault {
    /// The Details form with a message alone.
    pub(crate) fn details(code: ErrorCode, message: impl Into<String>) -> Self {
        Self::Details(ErrorBody::new(code, message))
    }

    /// 400 in the Details form.
    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::details(ErrorCode::BadRequest, message)
    }

    /// 404 in the Details form.
    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::details(ErrorCode::NotFound, message)
    }

    /// The problem form.
    pub(crate) fn problem(status: StatusCode, detail: impl Into<String>) -> Self {
        Self::Problem {
            status,
            detail: detail.into(),
        }
    }

    /// A path variable or query parameter of the wrong kind (H-7, H-8).
    pub(crate) fn conversion(place: &str, name: &str, text: &str, wanted: &str) -> Self {
        Self::problem(
            StatusCode::BAD_REQUEST,
            format!("the {place} `{name}` must be {wanted}, but is `{text}`"),
        )
    }

    /// The response. `path` is that of the request as sent, `now` in epoch milliseconds.
    pub(crate) fn into_answer(self, path: &str, now: i64) -> Answer {
        match self {
            Self::Details(body) => {
                let status = StatusCode::from_u16(body.status.http_status())
                    .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                let mut answer = Answer::new(status, Some(JSON), to_text(&body));
                let retry = match body.status {
                    ErrorCode::TooManyRequests => Some(BUSY_RETRY),
                    ErrorCode::Unavailable => Some(UNAVAILABLE_RETRY),
                    _ => None,
                };
                let retry = retry.map(|after| (RETRY_AFTER, HeaderValue::from_static(after)));
                answer.headers.extend(retry);
                answer
            }
            Self::Problem { status, detail } => problem(status, &detail, path),
            Self::Method { allow } => {
                let detail = format!("this path takes {allow}");
                let mut answer = problem(StatusCode::METHOD_NOT_ALLOWED, &detail, path);
                answer.headers.extend(allow_header(&allow));
                answer
            }
            Self::Unacceptable => Answer::empty().with_status(StatusCode::NOT_ACCEPTABLE),
            Self::Absent(what) => {
                let body = serde_json::json!({
                    "status": "NOT_IMPLEMENTED",
                    "message": format!("this server cannot do that yet: {what}"),
                });
                Answer::new(StatusCode::NOT_IMPLEMENTED, Some(JSON), body.to_string())
            }
            Self::Unhandled => {
                let body = serde_json::json!({
                    "timestamp": now,
                    "status": 500,
                    "error": "Internal Server Error",
                    "path": path,
                });
                Answer::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    Some(JSON),
                    body.to_string(),
                )
            }
        }
    }
}

fn problem(status: StatusCode, detail: &str, path: &str) -> Answer {
    let body = serde_json::json!({
        "type": "about:blank",
        "title": status.canonical_reason().unwrap_or_default(),
        "status": status.as_u16(),
        "detail": detail,
        "instance": path,
    });
    Answer::new(status, Some(PROBLEM), body.to_string())
}

impl From<ErrorBody> for Fault {
    fn from(body: ErrorBody) -> Self {
        Self::Details(body)
    }
}

impl From<JsonError> for Fault {
    fn from(fault: JsonError) -> Self {
        Self::Details(fault.into())
    }
}

impl From<Invalid> for Fault {
    fn from(invalid: Invalid) -> Self {
        Self::Details(invalid.into())
    }
}

impl From<YamlError> for Fault {
    fn from(error: YamlError) -> Self {
        match error {
            YamlError::Text { .. } => Self::bad_request(format!("YAML error: {error}")),
            YamlError::Request(fault) => fault.into(),
        }
    }
}

impl From<ReadError> for Fault {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Retry(_) => Self::details(ErrorCode::Unavailable, error.to_string()),
            ReadError::Failed(_) | ReadError::Decode { .. } => {
                tracing::error!(error = &error as &dyn std::error::Error, "a read failed");
                Self::details(ErrorCode::InternalError, error.to_string())
            }
        }
    }
}

impl From<maestro_core::view::Damaged> for Fault {
    fn from(error: maestro_core::view::Damaged) -> Self {
        tracing::error!(%error, "the store holds something that cannot be shown");
        Self::details(ErrorCode::InternalError, error.to_string())
    }
}

impl From<EngineError> for Fault {
    fn from(error: EngineError) -> Self {
        let code = match error {
            EngineError::Invalid(invalid) => return invalid.into(),
            EngineError::Read(error) => return error.into(),
            EngineError::Refused(ref refusal) => refusal_code(refusal),
            EngineError::BadRequest(_) => ErrorCode::BadRequest,
            EngineError::InvalidVersion { ref version, .. } => {
                let mut body = ErrorBody::new(ErrorCode::BadRequest, error.to_string());
                body.errors = vec![format!("Invalid workflow version: {version}")];
                return Self::Details(body);
            }
            EngineError::Params(cause) => return param_fault(&cause),
            EngineError::DryRun { ref cause, .. } => {
                // Whatever the kind (spec 02 DR-4).
                let mut body = ErrorBody::new(ErrorCode::BadRequest, error.to_string());
                body.errors.push(cause.to_string());
                body.errors.extend(cause.excerpt.as_deref().map(Into::into));
                return Self::Details(body);
            }
            EngineError::NoVersion(_) => ErrorCode::NotFound,
            EngineError::Busy => ErrorCode::TooManyRequests,
            EngineError::Unavailable => ErrorCode::Unavailable,
            EngineError::Damaged(ref text) => {
                tracing::error!(text, "the store holds something that cannot be understood");
                ErrorCode::InternalError
            }
        };
        Self::details(code, error.to_string())
    }
}

/// Spec 02 section 0: the kinds of errors of params and their statuses.
fn param_fault(error: &ParamError) -> Fault {
    let code = match error.kind {
        ParamErrorKind::Validation
        | ParamErrorKind::BadExpression
        | ParamErrorKind::IllegalArgument
        | ParamErrorKind::NullReference => ErrorCode::BadRequest,
        ParamErrorKind::Unprocessable => ErrorCode::UnprocessableEntity,
        ParamErrorKind::Internal | ParamErrorKind::Yield => ErrorCode::InternalError,
        // The reference answers these like a fault that it did not foresee.
        ParamErrorKind::Unclassified => {
            tracing::warn!(%error, "params that cannot be used");
            return Fault::Unhandled;
        }
    };
    let mut body = ErrorBody::new(code, error.to_string());
    body.errors.extend(error.excerpt.as_deref().map(Into::into));
    Fault::Details(body)
}

fn refusal_code(refusal: &Refusal) -> ErrorCode {
    match refusal {
        Refusal::NoWorkflow(_)
        | Refusal::NoVersion { .. }
        | Refusal::NoActiveVersion(_)
        | Refusal::NoTag { .. }
        | Refusal::NoInstance { .. } => ErrorCode::NotFound,
        Refusal::NotLatestRun { .. }
        | Refusal::AlreadyEnded { .. }
        | Refusal::NotFailed { .. }
        | Refusal::StillRunning { .. }
        | Refusal::NotActive { .. }
        | Refusal::EmptyTrigger { .. }
        | Refusal::NoOwner(_) => ErrorCode::BadRequest,
        Refusal::BeingDeleted(_) | Refusal::NoTrigger { .. } => ErrorCode::Conflict,
        Refusal::TriggerDisabled { .. } => ErrorCode::UnprocessableEntity,
        Refusal::StrategyRefused(_) => ErrorCode::PreconditionFailed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(fault: impl Into<Fault>) -> Response<Payload> {
        fault.into().into_answer("/x", 7).into_response()
    }

    fn text(response: Response<Payload>) -> String {
        match response.into_body() {
            Payload::Whole(Some(bytes)) => String::from_utf8_lossy(&bytes).into_owned(),
            Payload::Whole(None) | Payload::Pieces(_) => String::new(),
        }
    }

    #[test]
    fn load_and_a_store_that_is_away_say_when_to_try_again() {
        for (error, status, kind, after) in [
            (EngineError::Busy, 429, "TOO_MANY_REQUESTS", "1"),
            (EngineError::Unavailable, 503, "UNAVAILABLE", "5"),
        ] {
            let response = response(error);
            assert_eq!(response.status().as_u16(), status);
            assert_eq!(response.headers()[RETRY_AFTER], after);
            assert!(text(response).contains(kind));
        }
        let away = ReadError::Retry("the disk is gone".into());
        assert_eq!(response(away).status().as_u16(), 503);
    }

    #[test]
    fn refusals_of_the_core_have_their_status() {
        let strategy = Refusal::StrategyRefused("two instances wait".to_owned());
        for (refusal, status) in [
            (Refusal::NoWorkflow("w".into()), 404),
            (Refusal::NoOwner("w".into()), 400),
            (Refusal::BeingDeleted("w".into()), 409),
            (strategy, 412),
        ] {
            let response = response(EngineError::from(refusal));
            assert_eq!(response.status().as_u16(), status);
            assert!(!response.headers().contains_key(RETRY_AFTER));
        }
    }

    #[test]
    fn a_fault_that_nobody_foresaw_has_a_form_of_its_own() {
        let response = response(Fault::Unhandled);
        assert_eq!(response.status().as_u16(), 500);
        assert_eq!(
            text(response),
            r#"{"timestamp":7,"status":500,"error":"Internal Server Error","path":"/x"}"#
        );
    }
}
