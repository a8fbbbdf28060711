//! Retry policies (spec 01 section 6.7).

use super::ParsableLong;
use crate::codec::{At, FromJson, JsonError, Members, object};
use crate::json::{Json, ToJson, Writer};
use crate::text_enum::text_enum;

/// How often and when a step is tried again; unset parts have defaults.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RetryPolicy {
    /// Retries after errors of the user's code; 2 when unset.
    pub error_retry_limit: Option<ParsableLong>,
    /// Retries after errors of the platform; 10 when unset.
    pub platform_retry_limit: Option<ParsableLong>,
    /// Retries after time-outs; 0 when unset.
    pub timeout_retry_limit: Option<ParsableLong>,
    /// The waiting times; exponential when unset.
    pub backoff: Option<Backoff>,
}

text_enum! {
    /// What a retry is for; each class has its own limit and waiting time.
    pub enum FailureClass as "failure class" {
        /// The user's code failed.
        Error = "error",
        /// The platform failed.
        Platform = "platform",
        /// The attempt took too long.
        Timeout = "timeout",
    }
}

/// A value for each class of failures.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PerClass<T> {
    /// After errors of the user's code.
    pub error: T,
    /// After errors of the platform.
    pub platform: T,
    /// After time-outs.
    pub timeout: T,
}

impl<T> PerClass<T> {
    /// The value of a class.
    pub const fn get(&self, class: FailureClass) -> &T {
        match class {
            FailureClass::Error => &self.error,
            FailureClass::Platform => &self.platform,
            FailureClass::Timeout => &self.timeout,
        }
    }
}

/// Waiting times between attempts.
#[derive(Debug, Clone, PartialEq)]
pub enum Backoff {
    /// `EXPONENTIAL_BACKOFF`.
    Exponential(PerClass<ExponentialBackoff>),
    /// `FIXED_BACKOFF`: seconds; 60 when unset.
    Fixed(PerClass<Option<ParsableLong>>),
}

/// A waiting time that grows: `min(limit, base * exponent^n)` seconds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ExponentialBackoff {
    /// Seconds before the first retry; 60 when unset.
    pub backoff_in_secs: Option<ParsableLong>,
    /// Factor; 2 when unset.
    pub exponent: Option<ParsableLong>,
    /// Most seconds; 600 (error), 3600 (platform, time-out) when unset.
    pub limit_in_secs: Option<ParsableLong>,
}

object!(RetryPolicy, skip null { error_retry_limit, platform_retry_limit, timeout_retry_limit, backoff });

text_enum! {
    /// The discriminator of a backoff.
    enum BackoffType as "backoff type" {
        /// Grows.
        Exponential = "EXPONENTIAL_BACKOFF",
        /// Stays.
        Fixed = "FIXED_BACKOFF",
    }
}

const SECS: PerClass<&str> = PerClass {
    error: "error_retry_backoff_in_secs",
    platform: "platform_retry_backoff_in_secs",
    timeout: "timeout_retry_backoff_in_secs",
};
const EXPONENT: PerClass<&str> = PerClass {
    error: "error_retry_exponent",
    platform: "platform_retry_exponent",
    timeout: "timeout_retry_exponent",
};
const LIMIT: PerClass<&str> = PerClass {
    error: "error_retry_limit_in_secs",
    platform: "platform_retry_limit_in_secs",
    timeout: "timeout_retry_limit_in_secs",
};

impl<T> PerClass<T> {
    /// Makes a value for each class.
    ///
    /// # Errors
    /// The first fault.
    pub fn try_of<E>(mut make: impl FnMut(FailureClass) -> Result<T, E>) -> Result<Self, E> {
        Ok(Self {
            error: make(FailureClass::Error)?,
            platform: make(FailureClass::Platform)?,
            timeout: make(FailureClass::Timeout)?,
        })
    }
}

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
