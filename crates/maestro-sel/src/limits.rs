//! Limits of one evaluation and of all together (spec 03 section 11).

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use crate::time::Zone;

/// What one evaluation may use. The default is what the reference's server ships (spec 03 SE-1).
#[derive(Debug, Clone)]
pub struct Limits {
    /// Slots of the operand stack; one more is INDEX (SM-1).
    pub stack: u32,
    /// Passes of one loop statement; this many are LIMIT (SM-2).
    pub loops: u64,
    /// Elements of `new T[n]` and `new T[]{...}`; this many are ILLEGAL (SM-3).
    pub array: u64,
    /// UTF-16 units of a completed program; this many are ILLEGAL (SM-4).
    pub length: usize,
    /// Visits of syntax nodes; LIMIT when the count reaches it (SM-5).
    pub visits: u64,
    /// Bytes allocated over the whole evaluation; LIMIT when the count reaches it (SM-6).
    pub memory: u64,
    /// Backtracking steps of one regular expression search that needs look-around or back-references; beyond it LIMIT.
    pub regex_steps: usize,
    /// The memory that all evaluations share, if there is a bound for it.
    pub budget: Option<Budget>,
    /// The zone of dates that name none (SD-1).
    pub default_zone: Zone,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            stack: 128,
            loops: 25_001,
            array: 25_001,
            length: 10_000,
            visits: 100_000_000,
            memory: 100_000_000,
            regex_steps: 2_000_000,
            budget: None,
            default_zone: Zone::UTC,
        }
    }
}

/// A bound for the memory of all evaluations that are running at one time. Clones share one account.
#[derive(Debug, Clone)]
pub struct Budget(Arc<Account>);

#[derive(Debug)]
struct Account {
    limit: u64,
    used: AtomicU64,
}

impl Budget {
    /// A budget of so many bytes.
    #[must_use]
    pub fn new(bytes: u64) -> Self {
        Self(Arc::new(Account {
            limit: bytes,
            used: AtomicU64::new(0),
        }))
    }

    /// Bytes that running evaluations hold at the moment.
    #[must_use]
    pub fn used(&self) -> u64 {
        self.0.used.load(Ordering::Relaxed)
    }

    fn take(&self, bytes: u64) -> bool {
        self.0
            .used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                used.checked_add(bytes).filter(|sum| *sum <= self.0.limit)
            })
            .is_ok()
    }

    fn give_back(&self, bytes: u64) {
        self.0.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// The share of one evaluation in a [`Budget`]; what it took goes back when it is dropped.
#[derive(Debug)]
pub(crate) struct Share {
    budget: Option<Budget>,
    taken: u64,
}

/// The account is asked for pieces of this size, so that evaluations seldom meet at the shared counter.
const PIECE: u64 = 64 * 1024;

impl Share {
    pub(crate) fn new(budget: Option<Budget>) -> Self {
        Self { budget, taken: 0 }
    }

    /// Makes sure that the share covers `total` bytes; false if the budget has not so much left.
    #[must_use]
    pub(crate) fn cover(&mut self, total: u64) -> bool {
        let Some(budget) = &self.budget else {
            return true;
        };
        if total <= self.taken {
            return true;
        }
        let more = (total - self.taken).next_multiple_of(PIECE);
        if budget.take(more) {
            self.taken += more;
            return true;
        }
        false
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        if let Some(budget) = &self.budget {
            budget.give_back(self.taken);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_go_back_when_an_evaluation_ends() {
        let budget = Budget::new(100_000);
        let mut one = Share::new(Some(budget.clone()));
        assert!(one.cover(1));
        assert_eq!(budget.used(), PIECE);
        let mut two = Share::new(Some(budget.clone()));
        assert!(!two.cover(1), "a second piece is beyond the budget");
        drop(one);
        assert!(two.cover(1));
        drop(two);
        assert_eq!(budget.used(), 0);
    }
}
