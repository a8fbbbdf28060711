//! Retry policies (spec 01 section 6.7).

use super::ParsableLong;
use super::backoff_codec::{EXPONENT, LIMIT, SECS};
use crate::codec::object;
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

/// A retry policy with all its numbers (spec 01 RP-3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResolvedRetryPolicy {
    /// Most retries.
    pub limit: PerClass<i64>,
    /// Waiting times.
    pub backoff: ResolvedBackoff,
}

/// Waiting times in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResolvedBackoff {
    /// Grows with each retry.
    Exponential(PerClass<Growth>),
    /// Stays.
    Fixed(PerClass<i64>),
}

/// A waiting time that grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Growth {
    /// Seconds before the first retry.
    pub base: i64,
    /// Factor.
    pub exponent: i64,
    /// Most seconds.
    pub limit: i64,
}

/// Why a retry policy cannot be resolved (spec 01 RP-2).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RetryFault {
    /// A number is needed.
    #[error("RetryPolicy: {field} {given} is not a number; it may be from {min} to {max}")]
    NotANumber {
        /// Path of the field.
        field: String,
        /// As given.
        given: String,
        /// Least value.
        min: i64,
        /// Most value.
        max: i64,
    },
    /// The number is out of range.
    #[error("RetryPolicy: {field} {given} gives {value}; it must be from {min} to {max}")]
    OutOfRange {
        /// Path of the field.
        field: String,
        /// As given.
        given: String,
        /// What it came to.
        value: i64,
        /// Least value.
        min: i64,
        /// Most value.
        max: i64,
    },
    /// Params could not be put in.
    #[error("RetryPolicy: {field} {given}: {reason}")]
    NotResolved {
        /// Path of the field.
        field: String,
        /// As given.
        given: String,
        /// Why.
        reason: String,
    },
}

/// The ranges that retry policies must keep to (spec 01 section 13).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryLimits {
    /// Most retries.
    pub retries: i64,
    /// Most seconds between attempts.
    pub backoff_secs: i64,
}

impl Default for RetryLimits {
    fn default() -> Self {
        Self {
            retries: 99,
            backoff_secs: 86_400,
        }
    }
}

const DEFAULT_LIMIT: PerClass<i64> = PerClass {
    error: 2,
    platform: 10,
    timeout: 0,
};
const DEFAULT_SECS: i64 = 60;
const DEFAULT_EXPONENT: i64 = 2;
const DEFAULT_LIMIT_SECS: PerClass<i64> = PerClass {
    error: 600,
    platform: 3600,
    timeout: 3600,
};

/// What counts without a policy, and where one cannot be resolved (spec 01 RP-3).
impl Default for ResolvedRetryPolicy {
    fn default() -> Self {
        let growth = |limit| Growth {
            base: DEFAULT_SECS,
            exponent: DEFAULT_EXPONENT,
            limit,
        };
        let PerClass {
            error,
            platform,
            timeout,
        } = DEFAULT_LIMIT_SECS;
        Self {
            limit: DEFAULT_LIMIT,
            backoff: ResolvedBackoff::Exponential(PerClass {
                error: growth(error),
                platform: growth(platform),
                timeout: growth(timeout),
            }),
        }
    }
}

impl ResolvedRetryPolicy {
    /// Whether one more retry is allowed after `retries` of this class (spec 01 RP-5).
    pub const fn allows(&self, class: FailureClass, retries: i64) -> bool {
        retries < *self.limit.get(class)
    }

    /// Seconds to wait after `retries` retries of this class (spec 01 RP-4).
    pub fn delay_secs(&self, class: FailureClass, retries: i64) -> i64 {
        match &self.backoff {
            ResolvedBackoff::Fixed(secs) => *secs.get(class),
            ResolvedBackoff::Exponential(backoff) => {
                let Growth {
                    base,
                    exponent,
                    limit,
                } = *backoff.get(class);
                // Doubles saturate on their own, and so does the cast back.
                let grown = base as f64 * (exponent as f64).powf(retries as f64);
                limit.min(grown as i64)
            }
        }
    }
}

impl RetryPolicy {
    /// Puts params into all fields, checks them, and fills in what is unset from the defaults of the same kind.
    ///
    /// # Errors
    /// The first field that cannot be resolved or is out of range (spec 01 RP-2); at run time the whole policy then
    /// falls back to [`ResolvedRetryPolicy::default`].
    pub fn resolve(
        &self,
        limits: RetryLimits,
        put_in: impl Fn(&str) -> Result<crate::Str, String>,
    ) -> Result<ResolvedRetryPolicy, RetryFault> {
        let resolver = Resolver { put_in };
        let retries = |field: &str, value: &Option<ParsableLong>, default: i64| {
            let range = Range {
                min: 0,
                max: limits.retries,
            };
            resolver.number(field, value.as_ref(), range, default)
        };
        let secs_range = Range {
            min: 1,
            max: limits.backoff_secs,
        };
        let secs = |field: &str, value: &Option<ParsableLong>, default: i64| {
            resolver.seconds(
                &format!("backoff.{field}"),
                value.as_ref(),
                secs_range,
                default,
            )
        };
        let limit = PerClass {
            error: retries(
                "error_retry_limit",
                &self.error_retry_limit,
                DEFAULT_LIMIT.error,
            )?,
            platform: retries(
                "platform_retry_limit",
                &self.platform_retry_limit,
                DEFAULT_LIMIT.platform,
            )?,
            timeout: retries(
                "timeout_retry_limit",
                &self.timeout_retry_limit,
                DEFAULT_LIMIT.timeout,
            )?,
        };
        let backoff = match &self.backoff {
            None => ResolvedRetryPolicy::default().backoff,
            Some(Backoff::Fixed(fixed)) => ResolvedBackoff::Fixed(PerClass::try_of(|class| {
                secs(SECS.get(class), fixed.get(class), DEFAULT_SECS)
            })?),
            Some(Backoff::Exponential(backoff)) => {
                ResolvedBackoff::Exponential(PerClass::try_of(|class| {
                    let given = backoff.get(class);
                    let exponent_field = format!("backoff.{}", EXPONENT.get(class));
                    let exponent_range = Range {
                        min: 0,
                        max: i64::from(i32::MAX),
                    };
                    Ok(Growth {
                        base: secs(SECS.get(class), &given.backoff_in_secs, DEFAULT_SECS)?,
                        exponent: resolver.number(
                            &exponent_field,
                            given.exponent.as_ref(),
                            exponent_range,
                            DEFAULT_EXPONENT,
                        )?,
                        limit: secs(
                            LIMIT.get(class),
                            &given.limit_in_secs,
                            *DEFAULT_LIMIT_SECS.get(class),
                        )?,
                    })
                })?)
            }
        };
        Ok(ResolvedRetryPolicy { limit, backoff })
    }
}

#[derive(Clone, Copy)]
struct Range {
    min: i64,
    max: i64,
}

struct Resolver<F> {
    put_in: F,
}

impl<F: Fn(&str) -> Result<crate::Str, String>> Resolver<F> {
    fn number(
        &self,
        field: &str,
        given: Option<&ParsableLong>,
        range: Range,
        default: i64,
    ) -> Result<i64, RetryFault> {
        let Some(given) = given else {
            return Ok(default);
        };
        let Range { min, max } = range;
        match self.put_in(field, given)?.integer() {
            Some(value) => within(field, given, value, range),
            None => Err(RetryFault::NotANumber {
                field: field.into(),
                given: given.to_string(),
                min,
                max,
            }),
        }
    }

    fn seconds(
        &self,
        field: &str,
        given: Option<&ParsableLong>,
        range: Range,
        default: i64,
    ) -> Result<i64, RetryFault> {
        let Some(given) = given else {
            return Ok(default);
        };
        within(field, given, self.put_in(field, given)?.seconds(), range)
    }

    fn put_in(&self, field: &str, given: &ParsableLong) -> Result<ParsableLong, RetryFault> {
        given
            .resolve(&self.put_in)
            .map_err(|reason| RetryFault::NotResolved {
                field: field.into(),
                given: given.to_string(),
                reason,
            })
    }
}

fn within(field: &str, given: &ParsableLong, value: i64, range: Range) -> Result<i64, RetryFault> {
    let Range { min, max } = range;
    if (min..=max).contains(&value) {
        return Ok(value);
    }
    Err(RetryFault::OutOfRange {
        field: field.into(),
        given: given.to_string(),
        value,
        min,
        max,
    })
}

object!(RetryPolicy, skip null { error_retry_limit, platform_retry_limit, timeout_retry_limit, backoff });

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec;

    fn resolve(json: &str) -> Result<ResolvedRetryPolicy, RetryFault> {
        let policy: RetryPolicy = codec::read(json.as_bytes()).expect("a policy");
        policy.resolve(RetryLimits::default(), |text| {
            Ok(text.replace("${r}", "7").into())
        })
    }

    fn delays(policy: &ResolvedRetryPolicy, class: FailureClass, count: i64) -> Vec<i64> {
        (0..count).map(|n| policy.delay_secs(class, n)).collect()
    }

    // [01:26]
    #[test]
    fn default_policy_doubles_up_to_its_limit() {
        let policy = resolve("{}").expect("defaults");
        assert_eq!(policy, ResolvedRetryPolicy::default());
        assert_eq!(
            policy.limit,
            PerClass {
                error: 2,
                platform: 10,
                timeout: 0
            }
        );
        assert_eq!(
            delays(&policy, FailureClass::Error, 6),
            [60, 120, 240, 480, 600, 600]
        );
        assert_eq!(
            delays(&policy, FailureClass::Platform, 8),
            [60, 120, 240, 480, 960, 1920, 3600, 3600]
        );
        assert!(policy.allows(FailureClass::Error, 1) && !policy.allows(FailureClass::Error, 2));
        assert!(!policy.allows(FailureClass::Timeout, 0));
        assert_eq!(policy.delay_secs(FailureClass::Platform, i64::MAX), 3600);
    }

    // [01:27]
    #[test]
    fn missing_members_of_a_backoff_come_from_the_same_kind() {
        let policy =
            resolve(r#"{"backoff":{"type":"FIXED_BACKOFF","error_retry_backoff_in_secs":5}}"#)
                .expect("valid");
        assert_eq!(
            policy.backoff,
            ResolvedBackoff::Fixed(PerClass {
                error: 5,
                platform: 60,
                timeout: 60
            })
        );
        assert_eq!(
            policy.limit,
            PerClass {
                error: 2,
                platform: 10,
                timeout: 0
            }
        );
    }

    #[test]
    fn an_exponent_of_0_gives_the_base_once() {
        let json = r#"{"backoff":{"type":"EXPONENTIAL_BACKOFF","error_retry_exponent":"0"}}"#;
        assert_eq!(
            delays(&resolve(json).expect("valid"), FailureClass::Error, 3),
            [60, 0, 0]
        );
    }

    #[test]
    fn params_are_put_in_and_faults_name_field_value_and_range() {
        assert_eq!(
            resolve(r#"{"error_retry_limit":"${r}"}"#).map(|p| p.limit.error),
            Ok(7)
        );
        let fault = |json: &str| {
            resolve(json)
                .map_err(|fault| fault.to_string())
                .expect_err("refused")
        };
        assert_eq!(
            fault(r#"{"error_retry_limit":"x"}"#),
            "RetryPolicy: error_retry_limit \"x\" is not a number; it may be from 0 to 99"
        );
        assert_eq!(
            fault(r#"{"backoff":{"type":"FIXED_BACKOFF","error_retry_backoff_in_secs":"3 day"}}"#),
            "RetryPolicy: backoff.error_retry_backoff_in_secs \"3 day\" gives 259200; it must be from 1 to 86400"
        );
    }
}
