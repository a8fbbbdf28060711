//! Random rows against a map in memory.

use std::collections::BTreeMap;

use maestro_model::state::{
    InstanceStatus, RowSink, RunKey, RunRow, RunStatus, StatusChange, StepRow, StepState,
    StepStatus, TimelineEvent, WorkflowKey, WorkflowRow,
};
use maestro_store::{
    Batch, ChangeRecord, InstanceFilter, LiveRuns, ShardSet, Store, decode_changes,
};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::build::{T0, deleted, head, run, state, workflow};
use crate::sqlite::Sqlite;
use crate::suite::Backend;

#[derive(Clone, Debug)]
enum Op {
    Workflow {
        key: i64,
        counter: i64,
    },
    DeleteWorkflow {
        key: i64,
    },
    /// Inserts the run, or updates it where it exists.
    Run {
        key: i64,
        status: RunStatus,
    },
    Step {
        run: i64,
        step: u32,
        attempt: u32,
        state: Box<StepState>,
        params: Option<String>,
    },
    Events {
        run: i64,
        step: Option<(u32, u32)>,
        path: Vec<(u8, i64)>,
    },
    /// Ends the open batch; the next goes into the same transaction.
    NextBatch,
    Commit,
}

fn run_status() -> impl Strategy<Value = RunStatus> {
    (0_u8..16).prop_filter_map("a gap in the numbers", RunStatus::from_number)
}

fn step_state() -> impl Strategy<Value = Box<StepState>> {
    (0..StepStatus::ALL.len(), 0_u32..9, vec("[a-z]{0,40}", 0..4)).prop_map(
        |(status, seq, texts)| {
            let mut state = state(StepStatus::ALL[status], seq);
            for text in texts {
                state.timeline.push(TimelineEvent::info(T0, text));
            }
            Box::new(state)
        },
    )
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        2 => (0_i64..4, 0_i64..100).prop_map(|(key, counter)| Op::Workflow { key, counter }),
        1 => (0_i64..4).prop_map(|key| Op::DeleteWorkflow { key }),
        6 => (0_i64..12, run_status()).prop_map(|(key, status)| Op::Run { key, status }),
        8 => (0_i64..5, 0_u32..3, 1_u32..4, step_state(), proptest::option::of("[a-zä]{0,20}"))
            .prop_map(|(run, step, attempt, state, params)| Op::Step { run, step, attempt, state, params }),
        2 => (0_i64..5, proptest::option::of((0_u32..3, 1_u32..4)), vec((0_u8..22, 0_i64..50), 0..5))
            .prop_map(|(run, step, path)| Op::Events { run, step, path }),
        1 => Just(Op::NextBatch),
        2 => Just(Op::Commit),
    ]
}

/// What the store should hold.
#[derive(Default)]
struct Model {
    workflows: BTreeMap<i64, WorkflowRow>,
    runs: BTreeMap<i64, RunRow>,
    steps: BTreeMap<(i64, u32, u32), (StepState, Option<String>)>,
    events: Vec<(ChangeIdentity, StatusChange, i64)>,
}

type ChangeIdentity = (i64, i64, i64, i64, Option<(u32, u32)>);

fn row(key: i64, status: RunStatus) -> RunRow {
    // Instances of two runs each, over four workflows.
    let mut row = run(key, key % 4, key / 8 + 1, key / 4 % 2 + 1, status);
    row.body.named = key % 3 == 0;
    row
}

impl Model {
    fn apply(&mut self, op: &Op, batch: &mut Batch) {
        match op {
            Op::Workflow { key, counter } => {
                let mut row = workflow(*key, &key.to_string());
                row.last_instance = *counter;
                batch.workflow(&row);
                self.workflows.insert(*key, row);
            }
            Op::DeleteWorkflow { key } => {
                batch.delete_workflow(&deleted(*key, &key.to_string(), 1));
                self.workflows.remove(key);
            }
            Op::Run { key, status } => {
                if let Some(row) = self.runs.get_mut(key) {
                    row.head = head(*status, row.head.modify_time + 1);
                    batch.update_run(row.key, &row.head);
                } else {
                    let row = row(*key, *status);
                    batch.insert_run(&row);
                    self.runs.insert(*key, row);
                }
            }
            Op::Step {
                run,
                step,
                attempt,
                state,
                params,
            } => {
                batch.step(RunKey(*run), *step, *attempt, state, params.as_deref());
                let stored = self.steps.entry((*run, *step, *attempt));
                let stored = stored.or_insert_with(|| ((**state).clone(), None));
                stored.0 = (**state).clone();
                if params.is_some() {
                    stored.1.clone_from(params);
                }
            }
            Op::Events { run, step, path } => {
                let row = row(*run, RunStatus::InProgress);
                let changes = changes(step.is_some(), path);
                batch.events(&row, *step, &changes);
                let identity = (
                    row.workflow.0,
                    row.id.instance,
                    row.id.run,
                    row.key.0,
                    *step,
                );
                self.events
                    .extend(changes.iter().map(|(change, at)| (identity, *change, *at)));
            }
            Op::NextBatch | Op::Commit => {}
        }
    }

    fn check(&self, store: &Store) -> Result<(), TestCaseError> {
        let snapshot = store.readers.snapshot().unwrap();
        let mut workflows = Vec::new();
        snapshot
            .workflows_of(ShardSet::ALL, &mut |row| workflows.push(row))
            .unwrap();
        prop_assert_eq!(
            workflows,
            self.workflows.values().cloned().collect::<Vec<_>>()
        );
        for (key, row) in &self.runs {
            let found = snapshot.run_by_key(RunKey(*key)).unwrap();
            prop_assert_eq!(found.as_ref(), Some(row));
            let found = snapshot.run(row.workflow, row.id).unwrap();
            prop_assert_eq!(found.as_ref(), Some(row));
            let by_uuid = snapshot.run_by_uuid(row.workflow, &row.body.uuid).unwrap();
            prop_assert_eq!(by_uuid.as_ref(), row.body.named.then_some(row));
        }
        self.check_lists(&*snapshot)?;
        for run in 0..5 {
            let mut attempts = Vec::new();
            for step in 0..3 {
                attempts.extend(snapshot.attempts(RunKey(run), step).unwrap());
            }
            prop_assert_eq!(attempts, self.attempts(run));
            prop_assert_eq!(snapshot.steps(RunKey(run)).unwrap(), self.latest(run));
        }
        let mut events = Vec::new();
        for row in snapshot.outbox(0, u32::MAX).unwrap() {
            for record in decode_changes(&row.body) {
                let ChangeRecord {
                    workflow,
                    id,
                    run,
                    step,
                    changes,
                } = record.unwrap();
                let identity = (workflow.0, id.instance, id.run, run.0, step);
                events.extend(changes.iter().map(|(change, at)| (identity, *change, *at)));
            }
        }
        prop_assert_eq!(&events, &self.events);
        Ok(())
    }

    fn check_lists(&self, snapshot: &dyn maestro_store::Snapshot) -> Result<(), TestCaseError> {
        let mut live = Vec::new();
        let mut visit = |run, steps| live.push((run, steps));
        snapshot
            .live_runs(ShardSet::ALL, LiveRuns::All, &mut visit)
            .unwrap();
        let expected = self
            .runs
            .values()
            .filter(|row| !row.head.status.is_terminal());
        let expected: Vec<_> = expected
            .map(|row| (row.clone(), self.latest(row.key.0)))
            .collect();
        prop_assert_eq!(live, expected);
        for workflow in 0..4 {
            let of = |status: fn(RunStatus) -> bool| {
                let mut rows: Vec<_> = self
                    .runs
                    .values()
                    .filter(|row| row.workflow.0 == workflow && status(row.head.status))
                    .cloned()
                    .collect();
                rows.sort_by_key(|row| row.id);
                rows
            };
            let key = WorkflowKey(workflow);
            prop_assert_eq!(
                snapshot.queued(key, None, 99).unwrap(),
                of(|s| s == RunStatus::Queued)
            );
            prop_assert_eq!(
                snapshot.failed(key, None, 99).unwrap(),
                of(|s| s == RunStatus::Failed)
            );
            let counts = snapshot.counts(key).unwrap();
            let created = of(|s| s.public() == InstanceStatus::Created).len();
            prop_assert_eq!(counts.created, created as u64);
        }
        let latest = |row: &&RunRow| {
            let later = |other: &RunRow| {
                other.workflow == row.workflow
                    && other.id.instance == row.id.instance
                    && other.id.run > row.id.run
            };
            !self.runs.values().any(later)
        };
        let expected: Vec<_> = self.runs.values().rev().filter(latest).cloned().collect();
        let list = snapshot
            .instances_everywhere(&InstanceFilter::default(), None, 99)
            .unwrap();
        prop_assert_eq!(list.rows, expected);
        Ok(())
    }

    fn attempts(&self, run: i64) -> Vec<StepRow> {
        let range = self.steps.range((run, 0, 0)..(run + 1, 0, 0));
        let row = |((_, step, attempt), (state, params)): (
            &(i64, u32, u32),
            &(StepState, Option<String>),
        )| StepRow {
            step: *step,
            attempt: *attempt,
            state: state.clone(),
            params: params.as_deref().map(Into::into),
        };
        range.map(row).collect()
    }

    fn latest(&self, run: i64) -> Vec<StepRow> {
        let latest: BTreeMap<u32, StepRow> = self
            .attempts(run)
            .into_iter()
            .map(|row| (row.step, row))
            .collect();
        latest.into_values().collect()
    }
}

fn changes(step: bool, path: &[(u8, i64)]) -> Vec<(StatusChange, i64)> {
    let steps = |n: u8| StepStatus::ALL[usize::from(n)];
    let runs = |n: u8| RunStatus::from_number(n).unwrap_or(RunStatus::InProgress);
    let mut old = 0;
    let mut all = Vec::new();
    for (new, at) in path {
        let change = if step {
            StatusChange::Step {
                old: steps(old),
                new: steps(*new),
            }
        } else {
            StatusChange::Run {
                old: runs(old),
                new: runs(*new),
            }
        };
        all.push((change, T0 + at));
        // Sometimes a chain, sometimes not.
        old = if *new < 15 { *new } else { 2 };
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn the_store_is_a_map_of_the_last_rows(ops in vec(op(), 0..120)) {
        let backend = Sqlite::new();
        let mut store = backend.open();
        let mut model = Model::default();
        let mut batches = vec![Batch::default()];
        // At the end everything is committed.
        for op in ops.iter().chain([&Op::Commit]) {
            model.apply(op, batches.last_mut().unwrap());
            match op {
                Op::NextBatch => batches.push(Batch::default()),
                Op::Commit => {
                    store.writer.commit(&mut batches.iter()).unwrap();
                    // A batch is used again, as the engine does.
                    batches.truncate(1);
                    batches[0].clear();
                }
                _ => {}
            }
        }
        model.check(&store)?;
        drop(store);
        model.check(&backend.open())?;
    }
}
