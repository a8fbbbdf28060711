//! Error bodies (spec 04 section 5.1).

use crate::codec::{At, FromJson, JsonError, Members};
use crate::json::{Json, ToJson, Writer};
use crate::text_enum::text_enum;
use crate::validate::{Invalid, PushFault, Violation};

text_enum! {
    /// The kind of a fault, with its HTTP status.
    pub enum ErrorCode as "error code" {
        /// 400: the input is wrong, or the state does not allow the action.
        BadRequest = "BAD_REQUEST",
        /// 401: nobody knows the caller.
        Unauthorized = "UNAUTHORIZED",
        /// 403: the caller may not do this.
        Forbidden = "FORBIDDEN",
        /// 404: it is not there.
        NotFound = "NOT_FOUND",
        /// 408: not observed in time.
        RequestTimeout = "REQUEST_TIMEOUT",
        /// 409: something else is going on.
        Conflict = "CONFLICT",
        /// 410: it is no longer there.
        Gone = "GONE",
        /// 412: a change of the run strategy is refused.
        PreconditionFailed = "PRECONDITION_FAILED",
        /// 422: it cannot be done with this.
        UnprocessableEntity = "UNPROCESSABLE_ENTITY",
        /// 429: too much at once (decision 15).
        TooManyRequests = "TOO_MANY_REQUESTS",
        /// 500: our fault.
        InternalError = "INTERNAL_ERROR",
        /// 502: the fault of another server.
        BadGateway = "BAD_GATEWAY",
        /// 503: the store is away (decision 15).
        Unavailable = "UNAVAILABLE",
    }
}

impl ErrorCode {
    /// The HTTP status.
    pub const fn http_status(self) -> u16 {
        match self {
            Self::BadRequest => 400,
            Self::Unauthorized => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::RequestTimeout => 408,
            Self::Conflict => 409,
            Self::Gone => 410,
            Self::PreconditionFailed => 412,
            Self::UnprocessableEntity => 422,
            Self::TooManyRequests => 429,
            Self::InternalError => 500,
            Self::BadGateway => 502,
            Self::Unavailable => 503,
        }
    }
}

/// The body of an error answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorBody {
    /// Kind.
    pub status: ErrorCode,
    /// What is wrong; left out when empty.
    pub message: String,
    /// One entry per fault; left out when empty.
    pub errors: Vec<String>,
}

impl ErrorBody {
    /// A body with a message alone.
    pub fn new(status: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            errors: Vec::new(),
        }
    }
}

/// A body that cannot be read (spec 04 ER-5).
impl From<JsonError> for ErrorBody {
    fn from(fault: JsonError) -> Self {
        if fault.is_violation {
            let violations = vec![Violation {
                path: bean_path(&fault.path),
                text: fault.reason,
            }];
            return Invalid { violations }.into();
        }
        Self::new(ErrorCode::BadRequest, format!("JSON parse error: {fault}"))
    }
}

/// A path in the form of violations: camel case, without the key around a step.
fn bean_path(path: &str) -> String {
    let mut out = String::new();
    let mut is_wrapper = false;
    for segment in path.split('.') {
        if !is_wrapper {
            if !out.is_empty() {
                out.push('.');
            }
            let mut upper = false;
            for character in segment.chars() {
                if character == '_' {
                    upper = true;
                } else {
                    out.push(if upper {
                        character.to_ascii_uppercase()
                    } else {
                        character
                    });
                    upper = false;
                }
            }
        }
        is_wrapper = segment.starts_with("steps[");
    }
    out
}

/// A request that breaks rules (spec 04 ER-4): one entry per violation; one of the body itself has none, but is told in
/// the message.
impl From<Invalid> for ErrorBody {
    fn from(invalid: Invalid) -> Self {
        const MESSAGE: &str = "400 BAD_REQUEST \"Validation failure\"";
        let (of_body, errors): (Vec<Violation>, Vec<Violation>) = invalid
            .violations
            .into_iter()
            .partition(|violation| violation.path.is_empty());
        let mut message = MESSAGE.to_owned();
        for violation in of_body {
            message.push_str(": ");
            message.push_str(&violation.text);
        }
        Self {
            status: ErrorCode::BadRequest,
            message,
            errors: errors.iter().map(ToString::to_string).collect(),
        }
    }
}

impl From<PushFault> for ErrorBody {
    fn from(fault: PushFault) -> Self {
        Self::new(ErrorCode::BadRequest, fault.to_string())
    }
}

impl ToJson for ErrorBody {
    fn write(&self, out: &mut Writer) {
        out.object(|members| {
            members.always("status", &self.status);
            members.filled("message", self.message.as_str());
            if !self.errors.is_empty() {
                let errors: Vec<&str> = self.errors.iter().map(String::as_str).collect();
                members.always("errors", &errors);
            }
        });
    }
}

/// Tolerates further members, which other servers may send.
impl FromJson for ErrorBody {
    fn from_json(json: Json, at: &At<'_>) -> Result<Self, JsonError> {
        let mut members = Members::open(json, at)?;
        let message: Option<crate::Str> = members.field("message")?;
        let errors: Option<Vec<crate::Str>> = members.field("errors")?;
        Ok(Self {
            status: members.field("status")?,
            message: message.map(|text| text.to_string()).unwrap_or_default(),
            errors: errors
                .into_iter()
                .flatten()
                .map(|text| text.to_string())
                .collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec;

    #[test]
    fn empty_members_are_left_out() {
        let body = ErrorBody::new(
            ErrorCode::NotFound,
            "no such workflow instance: [nightly][7][0]",
        );
        let json =
            r#"{"status":"NOT_FOUND","message":"no such workflow instance: [nightly][7][0]"}"#;
        assert_eq!(codec::to_text(&body), json);
        assert_eq!(codec::read(json.as_bytes()), Ok(body));
        assert_eq!(
            codec::to_text(&ErrorBody::new(ErrorCode::Conflict, "")),
            r#"{"status":"CONFLICT"}"#
        );
    }

    #[test]
    fn violations_become_entries_but_not_that_of_the_body() {
        let violation = |path: &str, text: &str| Violation {
            path: path.into(),
            text: text.into(),
        };
        let invalid = Invalid {
            violations: vec![
                violation("", "too large"),
                violation("workflow.id", "is bad"),
            ],
        };
        assert_eq!(
            codec::to_text(&ErrorBody::from(invalid)),
            r#"{"status":"BAD_REQUEST","message":"400 BAD_REQUEST \"Validation failure\": too large","errors":["workflow.id is bad"]}"#
        );
    }

    #[test]
    fn a_missing_value_is_a_violation_with_its_path() {
        let body = |json: &str| {
            let fault = codec::read::<crate::definition::WorkflowCreateRequest>(json.as_bytes());
            ErrorBody::from(fault.expect_err("refused")).errors
        };
        assert_eq!(body("{}"), ["workflow may not be null"]);
        assert_eq!(
            body(
                r#"{"workflow":{"id":"w","steps":[{"while":{"id":"w","condition":"c","steps":[{"step":{"id":"s"}}]}}]}}"#
            ),
            ["workflow.steps[0].steps[0].type may not be null"]
        );
        // [04:25]
        let fault = codec::read::<crate::run::StartRequest>(b"{}").expect_err("refused");
        assert_eq!(ErrorBody::from(fault).errors, ["initiator may not be null"]);
        let fault = codec::read::<crate::run::StartRequest>(br#"{"initiator":{"type":"robot"}}"#)
            .expect_err("refused");
        assert_eq!(ErrorBody::from(fault).errors, [""; 0]);
        let fault = codec::read::<crate::run::RestartRequest>(b"{}").expect_err("refused");
        assert_eq!(
            ErrorBody::from(fault).errors,
            ["restartPolicy may not be null"]
        );
        let lower = br#"{"restart_policy":"restart_from_beginning"}"#;
        let fault = codec::read::<crate::run::RestartRequest>(lower).expect_err("refused");
        assert_eq!(ErrorBody::from(fault).errors, [""; 0]);
    }

    #[test]
    fn a_body_that_cannot_be_read_names_its_place() {
        let fault = codec::read::<crate::definition::WorkflowCreateRequest>(br#"{"workflow":{"id":"w","steps":[{"step":{"id":"s","type":"Http","transition":{"successors":[]}}}]}}"#);
        assert_eq!(
            ErrorBody::from(fault.expect_err("an array for a map")).message,
            "JSON parse error: `workflow.steps[0].step.transition.successors`: expected an object, found an array"
        );
        let fault =
            codec::read::<crate::definition::WorkflowCreateRequest>(b"{\n \"workflow\": nul}")
                .expect_err("no JSON");
        assert_eq!(
            ErrorBody::from(fault).message,
            "JSON parse error: unexpected `n`, expected a JSON value at line 2, column 14"
        );
    }
}
