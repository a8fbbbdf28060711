//! The built-in step concurrency (spec 05 section 14, 06 section 11): permits of tags that only this workflow uses, so
//! that its shard decides alone and at once.
//!
//! An attempt needs a permit of the workflow's own tag (unless it has none) and of one further tag: its step's, or that
//! of the instance tree. Requests are granted in the order in which they came; one that cannot be granted does not hold
//! up those behind it (TP-11). Requests for the same further tag wait in one line, of which only the head can be next,
//! so that a grant looks at one request per line instead of at all of them.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use maestro_model::state::{RunKey, StepOrd};

/// The further tag of a request.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Tag {
    /// `maestro_<workflow>:<step>`.
    Step(Arc<str>),
    /// `maestro_<correlation id>`: the leaf steps of one instance tree.
    Tree(Arc<str>),
    /// None.
    Nothing,
}

/// Which permits an attempt needs, with the limits that its run gives (spec 06 section 11.1).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Need {
    /// Limit of the workflow's own tag; `None` if it is not needed.
    pub workflow: Option<u32>,
    /// The further tag.
    pub tag: Tag,
    /// Its limit.
    pub tag_limit: u32,
}

/// Who asks.
pub type Holder = (RunKey, StepOrd);

#[derive(Default, Debug)]
struct Line {
    in_use: u32,
    waiting: VecDeque<(u64, Holder, Need)>,
}

/// Permits in use and requests that wait, of one workflow.
#[derive(Default, Debug)]
pub struct Permits {
    in_use: u32,
    next: u64,
    waiting: usize,
    lines: BTreeMap<Tag, Line>,
}

impl Permits {
    /// Grants the request at once if no limit is reached, else puts it into its line. True if granted.
    pub fn request(&mut self, holder: Holder, need: &Need) -> bool {
        let line = self.lines.entry(need.tag.clone()).or_default();
        let free =
            need.workflow.is_none_or(|limit| self.in_use < limit) && line.in_use < need.tag_limit;
        if free && line.waiting.is_empty() {
            line.in_use += 1;
            self.in_use += u32::from(need.workflow.is_some());
            return true;
        }
        line.waiting.push_back((self.next, holder, need.clone()));
        self.next += 1;
        self.waiting += 1;
        false
    }

    /// Counts a permit that is held already: at recovery, from the rows (spec 09 FD-25).
    pub fn assume(&mut self, need: &Need) {
        self.lines.entry(need.tag.clone()).or_default().in_use += 1;
        self.in_use += u32::from(need.workflow.is_some());
    }

    /// Gives the permits of an attempt back (spec 06 TP-14). Follow with [`Permits::grant`].
    pub fn release(&mut self, need: &Need) {
        self.in_use = self
            .in_use
            .saturating_sub(u32::from(need.workflow.is_some()));
        if let Some(line) = self.lines.get_mut(&need.tag) {
            line.in_use = line.in_use.saturating_sub(1);
            if line.in_use == 0 && line.waiting.is_empty() {
                self.lines.remove(&need.tag);
            }
        }
    }

    /// Drops a request that was not granted yet (spec 06 TP-13).
    pub fn withdraw(&mut self, holder: Holder, need: &Need) {
        if let Some(line) = self.lines.get_mut(&need.tag) {
            let before = line.waiting.len();
            line.waiting.retain(|(_, waiter, _)| *waiter != holder);
            self.waiting -= before - line.waiting.len();
            if line.in_use == 0 && line.waiting.is_empty() {
                self.lines.remove(&need.tag);
            }
        }
    }

    /// Grants the oldest request that can be granted, if there is one. Call until `None`.
    pub fn grant(&mut self) -> Option<Holder> {
        if self.waiting == 0 {
            return None;
        }
        let in_use = self.in_use;
        let (_, tag) = self
            .lines
            .iter()
            .filter_map(|(tag, line)| {
                let (seq, _, need) = line.waiting.front()?;
                let free = need.workflow.is_none_or(|limit| in_use < limit)
                    && line.in_use < need.tag_limit;
                free.then_some((*seq, tag))
            })
            .min_by_key(|(seq, _)| *seq)?;
        let tag = tag.clone();
        let line = self.lines.get_mut(&tag)?;
        let (_, holder, need) = line.waiting.pop_front()?;
        line.in_use += 1;
        self.waiting -= 1;
        self.in_use += u32::from(need.workflow.is_some());
        Some(holder)
    }

    /// How many permits of the workflow's own tag are in use.
    #[must_use]
    pub fn in_use(&self) -> u32 {
        self.in_use
    }

    /// How many requests wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn need(step: &str, workflow: u32, step_limit: u32) -> Need {
        Need {
            workflow: Some(workflow),
            tag: Tag::Step(step.into()),
            tag_limit: step_limit,
        }
    }

    fn holder(n: u32) -> Holder {
        (RunKey(1), n)
    }

    #[test]
    fn requests_are_granted_in_order_up_to_the_limit() {
        // [06:57]
        let mut permits = Permits::default();
        let granted = (0..25)
            .filter(|n| permits.request(holder(*n), &need(&format!("s{n}"), 20, 20)))
            .count();
        assert_eq!((granted, permits.in_use(), permits.waiting()), (20, 20, 5));
        permits.release(&need("s3", 20, 20));
        assert_eq!(permits.grant(), Some(holder(20)));
        assert_eq!(permits.grant(), None);
    }

    #[test]
    fn a_blocked_request_does_not_hold_up_others() {
        // [06:56]
        let mut permits = Permits::default();
        assert!(permits.request(holder(0), &need("x", 20, 1)));
        assert!(!permits.request(holder(1), &need("x", 20, 1)));
        assert!(permits.request(holder(2), &need("y", 20, 1)));
        permits.release(&need("x", 20, 1));
        assert_eq!(permits.grant(), Some(holder(1)));
    }

    #[test]
    fn a_withdrawn_request_is_forgotten() {
        let mut permits = Permits::default();
        assert!(permits.request(holder(0), &need("x", 1, 1)));
        assert!(!permits.request(holder(1), &need("y", 1, 1)));
        permits.withdraw(holder(1), &need("y", 1, 1));
        permits.release(&need("x", 1, 1));
        assert_eq!(permits.grant(), None);
        assert_eq!((permits.in_use(), permits.lines.len()), (0, 0));
    }

    #[test]
    fn a_line_keeps_its_order_for_late_comers() {
        let mut permits = Permits::default();
        assert!(permits.request(holder(0), &need("x", 20, 1)));
        assert!(!permits.request(holder(1), &need("x", 20, 1)));
        permits.release(&need("x", 20, 1));
        // Nobody asked for a grant yet: a newcomer does not overtake the one that waits.
        assert!(!permits.request(holder(2), &need("x", 20, 1)));
        assert_eq!(permits.grant(), Some(holder(1)));
    }
}
