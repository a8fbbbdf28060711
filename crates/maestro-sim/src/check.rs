//! The checkers: they look at the store and at what was released, never at how it came about.

use std::collections::{BTreeMap, BTreeSet};

use maestro_core::plan::Plan;
use maestro_model::state::{RunKey, RunRow, RunStatus, StatusChange, StepRow, StepStatus};
use maestro_store::{Snapshot, decode_changes};

/// Transitions of attempts that were seen, over all seeds.
#[derive(Default, Clone, Debug)]
pub struct Edges(pub BTreeMap<(StepStatus, StepStatus), u64>);

/// Transitions that this part of the specification has (spec 06 section 3.3), and that no seed may leave out for ever.
pub(crate) const EXPECTED: &[(StepStatus, StepStatus)] = {
    use StepStatus as S;
    &[
        (S::NotCreated, S::Created),
        (S::Created, S::Initialized),
        (S::Created, S::Unsatisfied),
        (S::Created, S::Stopped),
        (S::Created, S::TimedOut),
        (S::Initialized, S::WaitingForSignals),
        (S::WaitingForSignals, S::EvaluatingParams),
        (S::EvaluatingParams, S::WaitingForPermits),
        (S::WaitingForPermits, S::Starting),
        (S::WaitingForPermits, S::Stopped),
        (S::Starting, S::Running),
        (S::Running, S::Finishing),
        (S::Running, S::UserFailed),
        (S::Running, S::PlatformFailed),
        (S::Running, S::FatallyFailed),
        (S::Running, S::Stopped),
        (S::Running, S::TimeoutFailed),
        (S::Running, S::TimedOut),
        (S::Finishing, S::Succeeded),
        (S::Succeeded, S::InternallyFailed),
        (S::FatallyFailed, S::CompletedWithError),
    ]
};

impl Edges {
    /// Adds what another thread saw.
    pub fn add(&mut self, other: &Self) {
        for (edge, count) in &other.0 {
            *self.0.entry(*edge).or_default() += count;
        }
    }

    /// Expected transitions that were never taken.
    #[must_use]
    pub fn missing(&self) -> Vec<(StepStatus, StepStatus)> {
        EXPECTED
            .iter()
            .filter(|edge| !self.0.contains_key(edge))
            .copied()
            .collect()
    }
}

type Ended = (RunRow, BTreeMap<u32, StepRow>);

/// Whether nothing else has happened to a failed run than that it was unblocked.
fn is_unblocked(before: &Ended, now: &Ended) -> bool {
    let (old, new) = (&before.0.head, &now.0.head);
    let (past, events) = (old.timeline.events(), new.timeline.events());
    let mut expected = before.clone();
    expected.0.head.status = RunStatus::FailedUnblocked;
    expected.0.head.modify_time = new.modify_time;
    expected.0.head.timeline = new.timeline.clone();
    old.status == RunStatus::Failed
        && events.len() == past.len() + 1
        && events.starts_with(past)
        && expected == *now
}

/// What is known of the store's past.
#[derive(Default)]
pub(crate) struct Past {
    /// Runs that were seen over, with their steps.
    ended: BTreeMap<RunKey, Ended>,
    outbox: i64,
    /// The status that the outbox left each attempt in.
    attempts: BTreeMap<(RunKey, u32, u32), StepStatus>,
}

impl Past {
    /// Looks only at what comes from now on: the store may hold other seeds.
    pub(crate) fn from_now(snapshot: &dyn Snapshot, past_outbox: i64) -> Result<Self, String> {
        let mut past = Self {
            outbox: past_outbox,
            ..Self::default()
        };
        while let Some(row) = read(snapshot.outbox(past.outbox, 100))?.last() {
            past.outbox = row.seq;
        }
        Ok(past)
    }

    pub(crate) fn outbox(&self) -> i64 {
        self.outbox
    }

    /// What is over never changes, in no column (views of it are kept as they are), unless it is unblocked; a step has a
    /// row only if all its predecessors are complete; the outbox tells every transition once, in order.
    pub(crate) fn check(
        &mut self,
        workflow: &str,
        plan: &Plan,
        snapshot: &dyn Snapshot,
    ) -> Result<(), String> {
        let Some(row) = read(snapshot.workflow(workflow))? else {
            return Ok(());
        };
        let all = maestro_store::RunRange {
            low: 1,
            high: row.last_instance,
        };
        for run in read(snapshot.instances(row.key, all))? {
            let steps: BTreeMap<u32, StepRow> = read(snapshot.steps(run.key))?
                .into_iter()
                .map(|s| (s.step, s))
                .collect();
            for (ord, step) in &steps {
                for predecessor in &plan.step(*ord).predecessors {
                    let complete = steps
                        .get(predecessor)
                        .is_some_and(|p| p.state.status.is_complete());
                    if !complete {
                        let id = &plan.step(*ord).id;
                        return Err(format!(
                            "{:?}: step {id} has a row before its predecessor is complete",
                            run.id
                        ));
                    }
                }
                if run.head.status.is_terminal() && !step.state.status.is_terminal() {
                    return Err(format!(
                        "{:?} is over, but its step {ord} is {:?}",
                        run.id, step.state.status
                    ));
                }
            }
            if run.head.status.is_terminal() {
                let now = (run, steps);
                if let Some(before) = self.ended.get(&now.0.key)
                    && *before != now
                    && !is_unblocked(before, &now)
                {
                    return Err(format!("what was over has changed: {before:?} is {now:?}"));
                }
                self.ended.insert(now.0.key, now);
            }
        }
        Ok(())
    }

    /// Reads new status events.
    pub(crate) fn events(
        &mut self,
        snapshot: &dyn Snapshot,
        edges: &mut Edges,
    ) -> Result<(), String> {
        loop {
            let rows = read(snapshot.outbox(self.outbox, 100))?;
            if rows.is_empty() {
                return Ok(());
            }
            for row in rows {
                self.outbox = row.seq;
                for record in decode_changes(&row.body) {
                    let record = record.map_err(|e| e.to_string())?;
                    for (change, _) in &record.changes {
                        let (StatusChange::Step { old, new }, Some((step, attempt))) =
                            (change, record.step)
                        else {
                            continue;
                        };
                        *edges.0.entry((*old, *new)).or_default() += 1;
                        let key = (record.run, step, attempt);
                        let last = self
                            .attempts
                            .insert(key, *new)
                            .unwrap_or(StepStatus::NotCreated);
                        if last != *old {
                            return Err(format!(
                                "events of {:?} step {step} attempt {attempt}: {last:?}, then {old:?} to {new:?}",
                                record.id
                            ));
                        }
                    }
                }
            }
        }
    }
}

pub(crate) fn read<T>(result: Result<T, maestro_store::ReadError>) -> Result<T, String> {
    result.map_err(|e| e.to_string())
}

/// Names each uuid once.
pub(crate) fn repeated(ids: &[i64]) -> Option<i64> {
    let mut seen = BTreeSet::new();
    ids.iter().copied().find(|id| !seen.insert(*id))
}
