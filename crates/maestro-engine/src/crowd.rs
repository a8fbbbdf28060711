//! How many commands may wait for their answers: all of a burst, but no standing queue, since in one everybody waits longer
//! and nothing is done sooner.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

/// A queue of more than half the limit that lasts longer than this is a standing one.
const BURST_MS: u64 = 100;

/// Commands that wait.
pub(crate) struct Crowd {
    limit: usize,
    waiting: AtomicUsize,
    /// Since when more than half the limit waits, in milliseconds from `began`; 0 if that is over. It is over when less
    /// than an eighth waits: those who were let in come back at once.
    since_ms: AtomicU64,
    began: Instant,
}

/// One command that waits, until it is dropped.
pub(crate) struct Place<'a>(&'a Crowd);

impl Crowd {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit,
            waiting: AtomicUsize::new(0),
            since_ms: AtomicU64::new(0),
            began: Instant::now(),
        }
    }

    /// A place for a command; none if too many wait.
    pub(crate) fn enter(&self) -> Option<Place<'_>> {
        self.enter_at(|| u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    fn enter_at(&self, now_ms: impl FnOnce() -> u64) -> Option<Place<'_>> {
        let before = self.waiting.fetch_add(1, Ordering::Relaxed);
        let place = Place(self);
        if before >= self.limit {
            return None;
        }
        // Only hints about load: it does no harm if two commands at one moment see it differently.
        let since = self.since_ms.load(Ordering::Relaxed);
        if before < self.limit / 8 {
            if since != 0 {
                self.since_ms.store(0, Ordering::Relaxed);
            }
        } else if before >= self.limit.div_ceil(2) {
            let now = now_ms().max(1);
            if since == 0 {
                self.since_ms.store(now, Ordering::Relaxed);
            } else if now.saturating_sub(since) > BURST_MS {
                return None;
            }
        }
        Some(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lets in as many as there is room for at this moment.
    fn fill(crowd: &Crowd, now_ms: u64) -> Vec<Place<'_>> {
        std::iter::from_fn(|| crowd.enter_at(|| now_ms)).collect()
    }

    #[test]
    fn a_burst_is_let_in_up_to_the_limit() {
        let crowd = Crowd::new(80);
        let burst = fill(&crowd, 1_000);
        assert_eq!(burst.len(), 80);
        drop(burst);
        assert_eq!(fill(&crowd, 1_050).len(), 80, "and another one");
    }

    #[test]
    fn of_a_crowd_that_stays_only_half_is_let_in_until_it_has_gone() {
        let crowd = Crowd::new(80);
        let mut places = fill(&crowd, 1_000);
        // Whoever gets an answer asks again at once.
        places.truncate(60);
        assert!(crowd.enter_at(|| 1_100).is_some());
        assert!(crowd.enter_at(|| 1_101).is_none());
        places.truncate(35);
        places.extend(fill(&crowd, 1_200));
        assert_eq!(places.len(), 40);
        places.truncate(10);
        places.extend(fill(&crowd, 9_000));
        assert_eq!(places.len(), 40, "it has not gone yet");
        places.truncate(9);
        places.extend(fill(&crowd, 9_001));
        assert_eq!(places.len(), 80);
    }

    #[test]
    fn a_small_limit_counts_too() {
        let crowd = Crowd::new(1);
        let places = fill(&crowd, 1);
        assert_eq!(places.len(), 1);
        drop(places);
        assert!(crowd.enter().is_some());
    }
}
