//! The engine's time (design, rule 4): runs on the monotonic clock, never goes back, and follows jumps of the wall clock
//! forward; those who wait are told by how much, so that waiting times keep their length.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use maestro_model::state::Millis;

/// A difference between wall clock and engine time that is a jump and not drift.
const JUMP: Millis = 1000;

/// The time of one engine.
#[derive(Debug)]
pub(crate) struct Clock {
    anchor: Instant,
    /// Wall time of `anchor`, in epoch milliseconds, with all jumps since.
    base: AtomicI64,
}

impl Clock {
    pub(crate) fn new() -> Self {
        Self {
            anchor: Instant::now(),
            base: AtomicI64::new(wall()),
        }
    }

    /// The time, in epoch milliseconds.
    pub(crate) fn now(&self) -> Millis {
        self.base.load(Ordering::Relaxed) + elapsed(self.anchor)
    }

    /// All jumps so far; a worker that sees it change moves its deadlines by the difference.
    pub(crate) fn base(&self) -> Millis {
        self.base.load(Ordering::Relaxed)
    }

    /// Looks whether the wall clock has jumped. Set back, the engine's time goes on alone until the wall clock has
    /// caught up: nothing freezes and nothing happens twice.
    pub(crate) fn watch(&self) {
        self.compare(wall());
    }

    fn compare(&self, wall: Millis) {
        let ahead = wall - self.now();
        if ahead > JUMP {
            self.base.fetch_add(ahead, Ordering::Relaxed);
            tracing::warn!(
                millis = ahead,
                "the wall clock jumped forward; waiting times keep their length"
            );
        }
    }
}

fn wall() -> Millis {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

fn elapsed(since: Instant) -> Millis {
    i64::try_from(since.elapsed().as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jump_forward_is_followed_and_a_jump_back_is_not() {
        //
        let clock = Clock::new();
        let start = clock.now();
        clock.compare(start + 7_200_000);
        let after = clock.now();
        assert!(after >= start + 7_200_000);
        assert!(clock.base() >= start + 7_199_000);
        clock.compare(start);
        assert!(clock.now() >= after);
        let base = clock.base();
        clock.compare(clock.now() + 900);
        assert_eq!(clock.base(), base, "drift below a second is none");
    }
}
