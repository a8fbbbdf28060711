//! A run from its rows, after a restart of the server (spec 06 section 19.1).

use std::sync::Arc;

use maestro_model::state::{Millis, Stamp, StepOrd, StepStatus};

use super::attempt::Attempt;
use super::{Cx, Due, Ended, RunState, Slot};
use crate::message::LoadedStep;
use crate::plan::Work;
use crate::retry::{delay, failure_of};

impl RunState {
    /// Takes up the steps of a run that had begun: counters, permits and deadlines are derived again; every attempt at
    /// work is driven once more from its stored status, which asks its runtime to find the work.
    pub(crate) fn resume(&mut self, steps: Vec<LoadedStep>, cx: &mut Cx<'_, '_>) {
        self.lay_out();
        let mut complete = Vec::new();
        for loaded in steps {
            let Some(slot) = self.slots.get(loaded.step as usize) else {
                continue;
            };
            if matches!(slot, Slot::Outside) {
                continue;
            }
            if loaded.state.status.is_complete() {
                complete.push((loaded.step, loaded.state.conditions.clone()));
            }
            self.resume_step(loaded, cx);
        }
        for (ord, conditions) in complete {
            self.open_successors(ord, conditions.as_ref());
        }
        self.ready.clear();
        let waiting_for_retry = self.row.head.ending.is_some();
        for (ord, slot) in (0..).zip(&self.slots) {
            match slot {
                Slot::Waiting { pending: 0, .. } | Slot::Active(_) => self.ready.push_back(ord),
                Slot::Backoff(_) if waiting_for_retry => self.ready.push_back(ord),
                _ => {}
            }
        }
        // A run that is being ended is ended by what its head says, not once more.
        let over = self.row.head.ending.is_some();
        let now = cx.now();
        let length = self.timeout();
        let from = self.row.head.dequeue_time.unwrap_or(now);
        self.timeout_at = (!over).then(|| rest(from, length, now));
    }

    fn resume_step(&mut self, loaded: LoadedStep, cx: &mut Cx<'_, '_>) {
        let ord: StepOrd = loaded.step;
        let plan = Arc::clone(&self.plan);
        let step = plan.step(ord);
        let status = loaded.state.status;
        let results = loaded.results;
        let mut attempt = Box::new(Attempt::of(loaded.attempt, loaded.state));
        if let Some(failure) = failure_of(status) {
            attempt.restore(results, None, false);
            let now = cx.now();
            let wait = delay(&self.retry_policy(step), failure, &attempt.retries());
            let end = attempt.state.times.get(Stamp::End).unwrap_or(now);
            let at = rest(end, wait, now);
            attempt.wake_at = Some(at);
            cx.arm(at, self.row.key, Due::Wake(ord));
            self.backoff += 1;
            self.slots[ord as usize] = Slot::Backoff(attempt);
            return;
        }
        if status.is_terminal() {
            self.tally.add(status);
            attempt.restore(results, None, false);
            self.keep(&attempt, ord);
            self.slots[ord as usize] = Slot::Ended(Ended {
                status,
                attempt: attempt.number,
            });
            return;
        }
        let need = self.need(step, cx);
        if matches!(
            status,
            StepStatus::Starting | StepStatus::Running | StepStatus::Finishing
        ) && let Some(need) = &need
        {
            cx.shared.permits.assume(need);
        }
        attempt.restore(results, need, matches!(step.work, Work::Job(_)));
        self.active += 1;
        self.slots[ord as usize] = Slot::Active(attempt);
    }
}

/// When something that takes `length` from `from` is due: never later than a full length from now (design, rule 4).
fn rest(from: Millis, length: Millis, now: Millis) -> Millis {
    from.saturating_add(length)
        .clamp(now, now.saturating_add(length))
}
