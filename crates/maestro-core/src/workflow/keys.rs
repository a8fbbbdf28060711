//! Numbers of new rows.

use maestro_model::state::{Millis, RunKey, WorkflowKey};

/// Bits of a run's number below the time: six for the shard, sixteen for runs of one millisecond.
const TIME_SHIFT: u32 = 22;
const SHARD_SHIFT: u32 = 16;
/// 2025-01-01: the zero of the time in run numbers.
const EPOCH: Millis = 1_735_689_600_000;

/// A multiple of the number of shards.
const FIRST_WORKFLOW: i64 = 9_984;

/// Gives numbers to the workflows and runs of one shard. Run numbers grow with time over all shards, so that rows are
/// appended in time order; they differ between shards, so that nobody has to be asked.
#[derive(Clone, Debug)]
pub struct Keys {
    shard: u8,
    last_workflow: i64,
    last_run: i64,
}

impl Keys {
    /// How many shards there are.
    pub const SHARDS: u8 = 64;

    /// Numbers above those that are in the store already: the largest of this shard's workflows (0 for none), and the
    /// largest of all runs (0 for none).
    #[must_use]
    pub fn new(shard: u8, last_workflow: i64, last_run: i64) -> Self {
        let shard = shard % Self::SHARDS;
        // The reference counts from 10,000 (spec 01 section 10.1).
        let first = last_workflow.max(FIRST_WORKFLOW + i64::from(shard));
        Self {
            shard,
            last_workflow: first,
            last_run,
        }
    }

    /// The shard.
    #[must_use]
    pub fn shard(&self) -> u8 {
        self.shard
    }

    pub(crate) fn workflow(&mut self) -> WorkflowKey {
        self.last_workflow += i64::from(Self::SHARDS);
        WorkflowKey(self.last_workflow)
    }

    pub(crate) fn run(&mut self, now: Millis) -> RunKey {
        let base = |millis: Millis| (millis << TIME_SHIFT) | (i64::from(self.shard) << SHARD_SHIFT);
        let fresh = base((now - EPOCH).max(0));
        let mut next = fresh;
        if self.last_run >= fresh {
            // More than fit into a millisecond, or a clock that stood still: the next number of this shard.
            next = self.last_run + 1;
            if (next >> SHARD_SHIFT) & 63 != i64::from(self.shard) {
                next = base((self.last_run >> TIME_SHIFT) + 1);
            }
        }
        self.last_run = next;
        RunKey(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn run_numbers_grow_and_differ_between_shards() {
        let mut a = Keys::new(3, 0, 0);
        let mut b = Keys::new(4, 0, 0);
        let now = EPOCH + 1_000_000;
        let mut last = 0;
        for i in 0..200_000 {
            let key = a.run(now + i / 100_000).0;
            assert!(key > last);
            assert_eq!((key >> SHARD_SHIFT) & 63, 3);
            last = key;
        }
        assert_ne!(a.run(now).0, b.run(now).0);
    }

    #[test]
    fn numbers_go_on_above_those_in_the_store() {
        let stored = Keys::new(5, 0, 0).run(EPOCH + 500).0;
        let mut keys = Keys::new(3, 0, stored);
        let key = keys.run(EPOCH + 1).0;
        assert!(key > stored);
        assert_eq!((key >> SHARD_SHIFT) & 63, 3);
        assert!(keys.run(EPOCH + 1).0 > key);
    }

    #[test]
    fn workflow_numbers_name_their_shard() {
        let mut keys = Keys::new(7, 0, 0);
        assert_eq!(keys.workflow().0, 10_055);
        assert_eq!(keys.workflow().0 & 63, 7);
        assert_eq!(Keys::new(7, 20_039, 0).workflow().0, 20_103);
    }
}
