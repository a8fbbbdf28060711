//! When a failed attempt is followed by another (spec 06 section 5). The policies are those of the model; here they meet
//! the counters of an attempt.

use maestro_model::definition::{FailureClass, ResolvedRetryPolicy};
use maestro_model::state::{Millis, Retries, StepStatus};

/// The status of an attempt that failed this way and will be retried.
#[must_use]
pub fn status_of(failure: FailureClass) -> StepStatus {
    match failure {
        FailureClass::Error => StepStatus::UserFailed,
        FailureClass::Platform => StepStatus::PlatformFailed,
        FailureClass::Timeout => StepStatus::TimeoutFailed,
    }
}

/// The failure behind a retryable status.
#[must_use]
pub fn failure_of(status: StepStatus) -> Option<FailureClass> {
    match status {
        StepStatus::UserFailed => Some(FailureClass::Error),
        StepStatus::PlatformFailed => Some(FailureClass::Platform),
        StepStatus::TimeoutFailed => Some(FailureClass::Timeout),
        _ => None,
    }
}

/// Whether an attempt with these counters that fails this way is followed by another (spec 06 ).
#[must_use]
pub fn allows(policy: &ResolvedRetryPolicy, failure: FailureClass, retries: &Retries) -> bool {
    !retries.exhausted && policy.allows(failure, count(failure, retries))
}

/// How long to wait after an attempt with these counters that failed this way (spec 06 ).
#[must_use]
pub fn delay(policy: &ResolvedRetryPolicy, failure: FailureClass, retries: &Retries) -> Millis {
    policy
        .delay_secs(failure, count(failure, retries))
        .saturating_mul(1000)
}

/// The counters of the attempt after one that ended with `status` (spec 06 C-3).
#[must_use]
pub fn next_counters(mut retries: Retries, status: StepStatus) -> Retries {
    match failure_of(status) {
        Some(FailureClass::Error) => retries.error += 1,
        Some(FailureClass::Platform) => retries.platform += 1,
        Some(FailureClass::Timeout) => retries.timeout += 1,
        None => retries.manual += 1,
    }
    retries
}

fn count(failure: FailureClass, retries: &Retries) -> i64 {
    i64::from(match failure {
        FailureClass::Error => retries.error,
        FailureClass::Platform => retries.platform,
        FailureClass::Timeout => retries.timeout,
    })
}

#[cfg(test)]
mod tests {
    use maestro_model::definition::{Growth, PerClass, ResolvedBackoff};

    use super::*;

    fn exponential(base: i64, exponent: i64, limit: i64) -> ResolvedRetryPolicy {
        let growth = Growth {
            base,
            exponent,
            limit,
        };
        ResolvedRetryPolicy {
            limit: PerClass {
                error: 99,
                platform: 99,
                timeout: 99,
            },
            backoff: ResolvedBackoff::Exponential(PerClass {
                error: growth,
                platform: growth,
                timeout: growth,
            }),
        }
    }

    fn nth(policy: &ResolvedRetryPolicy, error: u32) -> Millis {
        delay(
            policy,
            FailureClass::Error,
            &Retries {
                error,
                ..Retries::default()
            },
        )
    }

    #[test]
    fn exponential_delays_are_cut_at_the_limit() {
        // [06:14] [06:15] [06:19]
        assert_eq!(nth(&exponential(100, 2, 600), 6), 600_000);
        assert_eq!(nth(&exponential(100, 2, 600), 0), 100_000);
        assert_eq!(nth(&exponential(30, 0, 600), 0), 30_000);
        assert_eq!(nth(&exponential(30, 0, 600), 1), 0);
        for (n, secs) in [(0, 300), (1, 900), (2, 1000)] {
            assert_eq!(nth(&exponential(300, 3, 1000), n), secs * 1000);
        }
    }

    #[test]
    fn the_largest_exponent_saturates() {
        //
        for n in 0..=99 {
            assert_eq!(
                nth(&exponential(1, i32::MAX.into(), 1), n),
                1000,
                "retry {n}"
            );
        }
        assert_eq!(
            nth(&exponential(86_400, i32::MAX.into(), 86_400), 99),
            86_400_000
        );
    }

    #[test]
    fn limit_n_means_n_retries() {
        // [06:12]
        let mut policy = ResolvedRetryPolicy::default();
        let after = |error| Retries {
            error,
            ..Retries::default()
        };
        policy.limit.error = 0;
        assert!(!allows(&policy, FailureClass::Error, &after(0)));
        policy.limit.error = 1;
        assert!(allows(&policy, FailureClass::Error, &after(0)));
        assert!(!allows(&policy, FailureClass::Error, &after(1)));
        let exhausted = Retries {
            exhausted: true,
            ..Retries::default()
        };
        assert!(!allows(&policy, FailureClass::Error, &exhausted));
    }
}
