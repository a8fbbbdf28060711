//! Counts what an evaluation uses (spec 03 SM-5 to SM-7).

use super::{Result, fail};
use crate::{
    error::ErrorKind,
    host::{Host, Interrupt},
    limits::{Limits, Share},
};

/// Visits between two questions to the host: some tens of microseconds.
const CHUNK: u64 = 4096;
/// Units of library work between two questions to the host.
const WORK: usize = 100_000;

#[derive(Debug)]
pub(crate) struct Meter {
    /// Visits until the next look at the limit and the host.
    ticks: i64,
    chunk: u64,
    /// Visits left behind this chunk.
    visits: u64,
    visit_limit: u64,
    memory: u64,
    /// The memory at which the limit or the taken share of the budget has to be looked at.
    memory_next: u64,
    memory_limit: u64,
    /// Bytes of cells that the language does not count; they have a bound of the same size.
    held: u64,
    share: Share,
    work: usize,
}

impl Meter {
    pub(crate) fn new(limits: &Limits) -> Self {
        let chunk = limits.visits.min(CHUNK);
        Self {
            ticks: chunk as i64,
            chunk,
            visits: limits.visits - chunk,
            visit_limit: limits.visits,
            memory: 0,
            memory_next: 0,
            memory_limit: limits.memory,
            held: 0,
            share: Share::new(limits.budget.clone()),
            work: 0,
        }
    }

    /// Counts visits; false when it is time for [`Meter::refill`].
    #[inline]
    pub(crate) fn spend(&mut self, cost: u32) -> bool {
        self.ticks -= i64::from(cost);
        self.ticks > 0
    }

    /// Whether so many visits and bytes need no look at any limit, the budget or the host.
    #[inline]
    pub(crate) fn has_room(&self, visits: u32, bytes: u64) -> bool {
        self.ticks > i64::from(visits) && (bytes == 0 || self.memory + bytes < self.memory_next)
    }

    /// Counts visits and bytes that there is room for.
    #[inline]
    pub(crate) fn pay(&mut self, visits: u32, bytes: u64) {
        self.ticks -= i64::from(visits);
        self.memory += bytes;
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn refill(&mut self, host: &mut dyn Host) -> Result<()> {
        let overdrawn = self.ticks.unsigned_abs();
        self.visits = self.visits.saturating_sub(overdrawn);
        if self.visits == 0 {
            return fail(
                ErrorKind::Limit,
                format!("too many operations over the limit {}", self.visit_limit),
            );
        }
        self.chunk = self.visits.min(CHUNK);
        self.visits -= self.chunk;
        self.ticks = self.chunk as i64;
        poll(host)
    }

    #[inline]
    pub(crate) fn work(&mut self, amount: usize, host: &mut dyn Host) -> Result<()> {
        self.work = self.work.saturating_add(amount);
        if self.work < WORK {
            return Ok(());
        }
        self.work = 0;
        poll(host)
    }

    /// Counts allocated bytes (SM-6).
    #[inline]
    pub(crate) fn charge(&mut self, bytes: u64) -> Result<()> {
        self.memory = self.memory.saturating_add(bytes);
        if self.memory < self.memory_next {
            return Ok(());
        }
        self.memory_check()
    }

    #[cold]
    #[inline(never)]
    fn memory_check(&mut self) -> Result<()> {
        if self.memory >= self.memory_limit {
            return fail(
                ErrorKind::Limit,
                format!(
                    "too much memory (in byte) over the limit {}",
                    self.memory_limit
                ),
            );
        }
        let next = self.memory.saturating_add(32 * 1024).min(self.memory_limit);
        if !self.share.cover(next) {
            return fail(
                ErrorKind::Limit,
                "too much memory (in byte) over the limit of all evaluations together",
            );
        }
        self.memory_next = next;
        Ok(())
    }

    /// Fails if so many more bytes would be too many; for results whose size is known before they are made.
    pub(crate) fn would_fit(&self, bytes: usize) -> Result<()> {
        if self.memory.saturating_add(bytes as u64) >= self.memory_limit {
            return fail(
                ErrorKind::Limit,
                format!(
                    "too much memory (in byte) over the limit {}",
                    self.memory_limit
                ),
            );
        }
        Ok(())
    }

    /// Cells that are kept although the language does not count them, such as those of literals.
    #[inline]
    pub(crate) fn hold(&mut self, cells: u64) -> Result<()> {
        self.held += 32 * cells;
        if self.held < self.memory_limit {
            return Ok(());
        }
        fail(
            ErrorKind::Limit,
            format!(
                "too much memory (in byte) over the limit {}",
                self.memory_limit
            ),
        )
    }
}

fn poll(host: &mut dyn Host) -> Result<()> {
    match host.poll() {
        Ok(()) => Ok(()),
        Err(Interrupt::Deadline) => fail(
            ErrorKind::Timeout,
            "the evaluation took too long and was stopped",
        ),
        Err(Interrupt::Yield) => fail(ErrorKind::Pending, "the evaluation has to go on elsewhere"),
    }
}
