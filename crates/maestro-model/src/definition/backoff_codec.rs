//! JSON of backoffs (spec 01 section 6.7).

use super::{Backoff, ExponentialBackoff, FailureClass, PerClass};
use crate::codec::{At, FromJson, JsonError, Members};
use crate::json::{Json, ToJson, Writer};
use crate::text_enum::text_enum;

text_enum! {
    /// The discriminator of a backoff.
    enum BackoffType as "backoff type" {
        /// Grows.
        Exponential = "EXPONENTIAL_BACKOFF",
        /// Stays.
        Fixed = "FIXED_BACKOFF",
    }
}

pub(super) const SECS: PerClass<&str> = PerClass {
    error: "error_retry_backoff_in_secs",
    platform: "platform_retry_backoff_in_secs",
    timeout: "timeout_retry_backoff_in_secs",
};
pub(super) const EXPONENT: PerClass<&str> = PerClass {
    error: "error_retry_exponent",
    platform: "platform_retry_exponent",
    timeout: "timeout_retry_exponent",
};
pub(super) const LIMIT: PerClass<&str> = PerClass {
    error: "error_retry_limit_in_secs",
    platform: "platform_retry_limit_in_secs",
    timeout: "timeout_retry_limit_in_secs",
};

impl FromJson for Backoff {
    fn from_json(json: Json, at: &At<'_>) -> Result<Self, JsonError> {
        let mut members = Members::open(json, at)?;
        match members.field("type")? {
            BackoffType::Fixed => {
                let backoff = PerClass::try_of(|class| members.field(SECS.get(class)))?;
                members.close(&[SECS.error, SECS.platform, SECS.timeout, "type"])?;
                Ok(Backoff::Fixed(backoff))
            }
            BackoffType::Exponential => {
                let backoff = PerClass::try_of(|class| {
                    Ok::<_, JsonError>(ExponentialBackoff {
                        backoff_in_secs: members.field(SECS.get(class))?,
                        exponent: members.field(EXPONENT.get(class))?,
                        limit_in_secs: members.field(LIMIT.get(class))?,
                    })
                })?;
                let known: Vec<&str> = [SECS, EXPONENT, LIMIT]
                    .iter()
                    .flat_map(|n| [n.error, n.platform, n.timeout])
                    .collect();
                members.close(&known)?;
                Ok(Backoff::Exponential(backoff))
            }
        }
    }
}

impl ToJson for Backoff {
    fn write(&self, out: &mut Writer) {
        out.object(|members| match self {
            Backoff::Fixed(secs) => {
                FailureClass::ALL
                    .iter()
                    .for_each(|class| members.member(SECS.get(*class), secs.get(*class)));
                members.always("type", &BackoffType::Fixed);
            }
            Backoff::Exponential(backoff) => {
                for class in FailureClass::ALL.iter().copied() {
                    members.member(SECS.get(class), &backoff.get(class).backoff_in_secs);
                    members.member(EXPONENT.get(class), &backoff.get(class).exponent);
                    members.member(LIMIT.get(class), &backoff.get(class).limit_in_secs);
                }
                members.always("type", &BackoffType::Exponential);
            }
        });
    }
}
