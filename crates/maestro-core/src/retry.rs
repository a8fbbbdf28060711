//! Retry policies and their delays (spec 06 section 5).

use maestro_model::state::{Millis, Retries, StepStatus};

/// The largest number of retries that a policy may give (spec 06 R-5).
pub const MAX_RETRIES: u32 = 99;

/// A kind of failure that has a retry counter of its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Failure {
    /// The user's work failed.
    Error,
    /// The platform failed.
    Platform,
    /// The attempt ran too long.
    Timeout,
}

impl Failure {
    /// The status of an attempt that failed this way and will be retried.
    #[must_use]
    pub fn status(self) -> StepStatus {
        match self {
            Self::Error => StepStatus::UserFailed,
            Self::Platform => StepStatus::PlatformFailed,
            Self::Timeout => StepStatus::TimeoutFailed,
        }
    }

    /// The failure behind a retryable status.
    #[must_use]
    pub fn of(status: StepStatus) -> Option<Self> {
        match status {
            StepStatus::UserFailed => Some(Self::Error),
            StepStatus::PlatformFailed => Some(Self::Platform),
            StepStatus::TimeoutFailed => Some(Self::Timeout),
            _ => None,
        }
    }
}

/// A delay that grows from retry to retry, or not. Seconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Backoff {
    /// Always the same.
    Fixed {
        /// The delay.
        secs: u32,
    },
    /// `base * exponent ^ n`, at most `limit`.
    Exponential {
        /// The first delay.
        base: u32,
        /// The factor from one to the next.
        exponent: u32,
        /// The ceiling.
        limit: u32,
    },
}

impl Backoff {
    /// The delay after the failure that `n` retries of the kind preceded (spec 06 ): in double precision,
    /// truncated, saturating; `0^0` is 1.
    #[must_use]
    pub fn delay(self, n: u32) -> Millis {
        let secs = match self {
            Self::Fixed { secs } => secs,
            Self::Exponential {
                base,
                exponent,
                limit,
            } => {
                let grown = f64::from(base) * f64::from(exponent).powf(f64::from(n));
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "the rule is truncation with saturation"
                )]
                let grown = grown as u32;
                grown.min(limit)
            }
        };
        i64::from(secs) * 1000
    }
}

/// Limit and delays for one kind of failure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RetryRule {
    /// How many retries (not attempts).
    pub limit: u32,
    /// How long to wait before each.
    pub backoff: Backoff,
}

/// The effective policy of a step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RetryPolicy {
    /// For user errors.
    pub error: RetryRule,
    /// For platform errors.
    pub platform: RetryRule,
    /// For time-outs.
    pub timeout: RetryRule,
}

impl Default for RetryPolicy {
    /// Spec 06 R-2 and the table of section 5.3.
    fn default() -> Self {
        let rule = |limit, ceiling| RetryRule {
            limit,
            backoff: Backoff::Exponential {
                base: 60,
                exponent: 2,
                limit: ceiling,
            },
        };
        Self {
            error: rule(2, 600),
            platform: rule(10, 3600),
            timeout: rule(0, 3600),
        }
    }
}

impl RetryPolicy {
    /// The rule for a kind of failure.
    #[must_use]
    pub fn rule(&self, failure: Failure) -> RetryRule {
        match failure {
            Failure::Error => self.error,
            Failure::Platform => self.platform,
            Failure::Timeout => self.timeout,
        }
    }

    /// Whether an attempt with these counters that fails this way is followed by another (spec 06 ).
    #[must_use]
    pub fn allows(&self, failure: Failure, retries: &Retries) -> bool {
        !retries.exhausted && count(failure, retries) < self.rule(failure).limit
    }

    /// The delay before the attempt after one with these counters that failed this way.
    #[must_use]
    pub fn delay(&self, failure: Failure, retries: &Retries) -> Millis {
        self.rule(failure).backoff.delay(count(failure, retries))
    }
}

fn count(failure: Failure, retries: &Retries) -> u32 {
    match failure {
        Failure::Error => retries.error,
        Failure::Platform => retries.platform,
        Failure::Timeout => retries.timeout,
    }
}

/// The counters of the attempt after one that ended with `status` (spec 06 C-3).
#[must_use]
pub fn next_counters(mut retries: Retries, status: StepStatus) -> Retries {
    match Failure::of(status) {
        Some(Failure::Error) => retries.error += 1,
        Some(Failure::Platform) => retries.platform += 1,
        Some(Failure::Timeout) => retries.timeout += 1,
        None => retries.manual += 1,
    }
    retries
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exponential(base: u32, exponent: u32, limit: u32) -> Backoff {
        Backoff::Exponential {
            base,
            exponent,
            limit,
        }
    }

    #[test]
    fn exponential_delays_are_cut_at_the_limit() {
        // [06:14] [06:15] [06:19]
        assert_eq!(exponential(100, 2, 600).delay(6), 600_000);
        assert_eq!(exponential(100, 2, 600).delay(0), 100_000);
        assert_eq!(exponential(30, 0, 600).delay(0), 30_000);
        assert_eq!(exponential(30, 0, 600).delay(1), 0);
        for (n, secs) in [(0, 300), (1, 900), (2, 1000)] {
            assert_eq!(exponential(300, 3, 1000).delay(n), secs * 1000);
        }
    }

    #[test]
    fn default_sequences_are_those_of_the_table() {
        // [06:11]
        let policy = RetryPolicy::default();
        let secs = |rule: RetryRule| {
            (0..rule.limit)
                .map(|n| rule.backoff.delay(n) / 1000)
                .collect::<Vec<_>>()
        };
        assert_eq!(secs(policy.error), [60, 120]);
        assert_eq!(
            secs(policy.platform),
            [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600, 3600]
        );
        assert_eq!(policy.timeout.limit, 0);
    }

    #[test]
    fn the_largest_exponent_saturates() {
        //
        for n in 0..=MAX_RETRIES {
            let delay = exponential(1, i32::MAX as u32, 1).delay(n);
            assert_eq!(delay, 1000, "retry {n}");
        }
        assert_eq!(
            exponential(86_400, i32::MAX as u32, 86_400).delay(99),
            86_400_000
        );
    }

    #[test]
    fn limit_n_means_n_retries() {
        // [06:12]
        let mut policy = RetryPolicy::default();
        policy.error.limit = 0;
        assert!(!policy.allows(Failure::Error, &Retries::default()));
        policy.error.limit = 1;
        assert!(policy.allows(Failure::Error, &Retries::default()));
        assert!(!policy.allows(
            Failure::Error,
            &Retries {
                error: 1,
                ..Retries::default()
            }
        ));
        assert!(!policy.allows(
            Failure::Error,
            &Retries {
                exhausted: true,
                ..Retries::default()
            }
        ));
    }
}
