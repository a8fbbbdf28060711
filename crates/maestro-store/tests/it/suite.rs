//! What every backend promises.

use maestro_model::state::{
    DeletedWorkflow, InstanceRef, InstanceStatus, RowSink, RunKey, RunRow, RunStatus, StatusChange,
    StepRow, StepStatus, WorkflowKey,
};
use maestro_store::{
    Batch, CommitError, InstanceFilter, LiveRuns, PurgeStage, Purged, RunRange, SHARDS, ShardSet,
    Snapshot, StatusCounts, Store, decode_changes,
};
use uuid::Uuid;

use crate::build::{T0, deleted, head, properties, run, state, version, workflow};

/// Makes stores.
pub(crate) trait Backend {
    /// Opens the store of this backend: the same data each time. The one before must be dropped.
    fn open(&self) -> Store;
}

/// Makes a test of each case, on a backend of its own.
macro_rules! suite {
    ($backend:expr) => {
        suite! { $backend;
            rows_come_back_as_they_were_given
            a_later_row_of_a_batch_replaces_an_earlier_one
            a_later_batch_replaces_an_earlier_one
            an_update_leaves_the_body_alone
            params_stay_where_none_are_given
            a_broken_constraint_is_fatal_and_leaves_nothing
            an_update_of_an_unknown_run_is_fatal
            a_snapshot_shows_one_moment
            everything_is_there_after_opening_again
            runs_are_found_by_each_of_their_names
            pages_show_each_instance_once
            the_list_over_workflows_filters_and_pages
            versions_and_properties_are_found_by_number_and_latest
            workflows_are_listed_by_prefix_in_byte_order
            queued_and_failed_runs_come_in_order
            counts_follow_the_raw_status
            steps_come_with_their_latest_attempt
            newest_attempts_span_the_runs_of_an_instance
            live_runs_come_with_latest_attempts_by_shard
            largest_keys_count_deleted_workflows_too
            an_id_can_be_deleted_and_used_again
            purging_goes_in_pieces
            only_deleted_workflows_are_purged
            outbox_rows_keep_their_order_and_numbers
            snapshots_are_used_from_several_threads
        }
    };
    ($backend:expr; $($case:ident)*) => {
        $(#[test] fn $case() { crate::suite::$case(&$backend); })*
    };
}
pub(crate) use suite;

const W: WorkflowKey = WorkflowKey(64);

pub(crate) fn commit(store: &mut Store, fill: impl FnOnce(&mut Batch)) {
    let mut batch = Batch::default();
    fill(&mut batch);
    store.writer.commit(&mut [&batch].into_iter()).unwrap();
}

fn read(store: &Store) -> Box<dyn Snapshot> {
    store.readers.snapshot().unwrap()
}

fn ids(rows: &[RunRow]) -> Vec<(i64, i64)> {
    rows.iter().map(|r| (r.id.instance, r.id.run)).collect()
}

fn at(instance: i64, run: i64) -> InstanceRef {
    InstanceRef { instance, run }
}

fn range(low: i64, high: i64) -> RunRange {
    RunRange { low, high }
}

fn attempts(rows: &[StepRow]) -> Vec<(u32, u32)> {
    rows.iter().map(|r| (r.step, r.attempt)).collect()
}

pub(crate) fn rows_come_back_as_they_were_given(backend: &dyn Backend) {
    let mut store = backend.open();
    let (flow, ver, props) = (workflow(64, "etl"), version(64, 1), properties(64, T0));
    let row = run(1, 64, 1, 1, RunStatus::InProgress);
    let step = state(StepStatus::Running, 3);
    commit(&mut store, |batch| {
        batch.workflow(&flow);
        batch.version(&ver);
        batch.properties(&props);
        batch.history(W, T0, "a", "first");
        batch.history(W, T0, "b", "second");
        batch.history(W, T0 + 1, "c", "third");
        batch.insert_run(&row);
        batch.step(row.key, 0, 1, &step, Some(r#"{"p":"ä"}"#));
    });
    let snapshot = read(&store);
    assert_eq!(snapshot.workflow("etl").unwrap(), Some(flow.clone()));
    assert_eq!(snapshot.workflow("ETL").unwrap(), None);
    assert_eq!(snapshot.workflow_by_key(W).unwrap(), Some(flow));
    assert_eq!(snapshot.version(W, 1).unwrap(), Some(ver));
    assert_eq!(snapshot.properties(W, Some(T0)).unwrap(), Some(props));
    let lines = snapshot.history(W, 2).unwrap();
    let lines: Vec<_> = lines.iter().map(|l| (l.at, &*l.author, &*l.log)).collect();
    assert_eq!(lines, [(T0 + 1, "c", "third"), (T0, "b", "second")]);
    assert_eq!(snapshot.run_by_key(row.key).unwrap(), Some(row.clone()));
    let stored = StepRow {
        step: 0,
        attempt: 1,
        state: step,
        params: Some(r#"{"p":"ä"}"#.into()),
    };
    assert_eq!(snapshot.steps(row.key).unwrap(), [stored]);
}

pub(crate) fn a_later_row_of_a_batch_replaces_an_earlier_one(backend: &dyn Backend) {
    let mut store = backend.open();
    let row = run(1, 64, 1, 1, RunStatus::Queued);
    let mut last = workflow(64, "etl");
    last.last_instance = 7;
    commit(&mut store, |batch| {
        batch.workflow(&workflow(64, "etl"));
        batch.workflow(&last);
        batch.insert_run(&row);
        for status in [
            StepStatus::Created,
            StepStatus::Running,
            StepStatus::Succeeded,
        ] {
            batch.step(
                row.key,
                0,
                1,
                &state(status, 3),
                (status == StepStatus::Created).then_some("{}"),
            );
            batch.step(row.key, 1, 1, &state(status, 4), None);
        }
        batch.update_run(row.key, &head(RunStatus::InProgress, T0));
        batch.update_run(row.key, &head(RunStatus::Succeeded, T0 + 5));
        assert_eq!(batch.len_rows(), 4);
    });
    let snapshot = read(&store);
    assert_eq!(snapshot.workflow("etl").unwrap(), Some(last));
    let stored = snapshot.run_by_key(row.key).unwrap().unwrap();
    assert_eq!(stored.head, head(RunStatus::Succeeded, T0 + 5));
    assert_eq!(stored.body, row.body);
    let steps = snapshot.steps(row.key).unwrap();
    assert_eq!(steps[0].state, state(StepStatus::Succeeded, 3));
    assert_eq!(steps[0].params.as_deref(), Some("{}"));
    assert_eq!(steps[1].state, state(StepStatus::Succeeded, 4));
    assert_eq!(steps[1].params, None);
}

pub(crate) fn a_later_batch_replaces_an_earlier_one(backend: &dyn Backend) {
    let mut store = backend.open();
    let row = run(1, 64, 1, 1, RunStatus::Queued);
    let (mut first, mut second) = (Batch::default(), Batch::default());
    first.workflow(&workflow(64, "etl"));
    first.insert_run(&row);
    first.step(row.key, 0, 1, &state(StepStatus::Created, 3), Some("{}"));
    let mut later = workflow(64, "etl");
    later.last_instance = 1;
    second.workflow(&later);
    second.update_run(row.key, &head(RunStatus::InProgress, T0));
    second.step(row.key, 0, 1, &state(StepStatus::Running, 3), None);
    store
        .writer
        .commit(&mut [&first, &second].into_iter())
        .unwrap();
    let snapshot = read(&store);
    assert_eq!(snapshot.workflow("etl").unwrap(), Some(later));
    let stored = snapshot.run_by_key(row.key).unwrap().unwrap();
    assert_eq!(stored.head.status, RunStatus::InProgress);
    let step = snapshot.step(row.key, 0, Some(1)).unwrap().unwrap();
    assert_eq!(step.state.status, StepStatus::Running);
    assert_eq!(step.params.as_deref(), Some("{}"));
}

pub(crate) fn an_update_leaves_the_body_alone(backend: &dyn Backend) {
    let mut store = backend.open();
    let row = run(1, 64, 1, 1, RunStatus::Queued);
    commit(&mut store, |batch| batch.insert_run(&row));
    commit(&mut store, |batch| {
        batch.update_run(row.key, &head(RunStatus::Failed, T0));
    });
    let stored = read(&store).run_by_key(row.key).unwrap().unwrap();
    assert_eq!(stored.body, row.body);
    assert_eq!(stored.head, head(RunStatus::Failed, T0));
}

pub(crate) fn params_stay_where_none_are_given(backend: &dyn Backend) {
    let mut store = backend.open();
    let params = |store: &Store| {
        read(store)
            .step(RunKey(1), 2, None)
            .unwrap()
            .unwrap()
            .params
    };
    for (given, then) in [
        (None, None),
        (Some("1"), Some("1")),
        (None, Some("1")),
        (Some("2"), Some("2")),
    ] {
        commit(&mut store, |batch| {
            batch.step(RunKey(1), 2, 1, &state(StepStatus::Running, 3), given);
        });
        assert_eq!(params(&store).as_deref(), then);
    }
}

pub(crate) fn a_broken_constraint_is_fatal_and_leaves_nothing(backend: &dyn Backend) {
    let mut store = backend.open();
    commit(&mut store, |batch| {
        batch.insert_run(&run(1, 64, 1, 1, RunStatus::Queued));
    });
    let named = |key, instance| {
        let mut row = run(key, 64, instance, 1, RunStatus::Queued);
        row.body.named = true;
        row.body.uuid = Uuid::from_u128(99);
        row
    };
    commit(&mut store, |batch| batch.insert_run(&named(2, 2)));
    // The same instance and run; the same uuid of a caller.
    for wrong in [run(10, 64, 1, 1, RunStatus::Queued), named(10, 3)] {
        let (mut good, mut bad) = (Batch::default(), Batch::default());
        good.insert_run(&run(9, 64, 9, 1, RunStatus::Queued));
        good.step(RunKey(9), 0, 1, &state(StepStatus::Created, 3), None);
        bad.insert_run(&wrong);
        let error = store.writer.commit(&mut [&good, &bad].into_iter());
        assert!(matches!(error, Err(CommitError::Fatal { .. })), "{error:?}");
        let snapshot = read(&store);
        assert_eq!(snapshot.run_by_key(RunKey(9)).unwrap(), None);
        assert_eq!(snapshot.steps(RunKey(9)).unwrap(), []);
    }
}

pub(crate) fn an_update_of_an_unknown_run_is_fatal(backend: &dyn Backend) {
    let mut store = backend.open();
    let mut batch = Batch::default();
    batch.update_run(RunKey(5), &head(RunStatus::Failed, T0));
    let error = store.writer.commit(&mut [&batch].into_iter());
    assert!(matches!(error, Err(CommitError::Fatal { .. })), "{error:?}");
}

pub(crate) fn a_snapshot_shows_one_moment(backend: &dyn Backend) {
    let mut store = backend.open();
    commit(&mut store, |batch| {
        batch.insert_run(&run(1, 64, 1, 1, RunStatus::Queued));
    });
    let before = read(&store);
    assert_eq!(before.counts(W).unwrap().created, 1);
    commit(&mut store, |batch| {
        batch.update_run(RunKey(1), &head(RunStatus::InProgress, T0));
        batch.insert_run(&run(2, 64, 2, 1, RunStatus::Queued));
    });
    let stored = before.run_by_key(RunKey(1)).unwrap().unwrap();
    assert_eq!(stored.head.status, RunStatus::Queued);
    assert_eq!(before.run_by_key(RunKey(2)).unwrap(), None);
    let after = read(&store);
    assert!(after.run_by_key(RunKey(2)).unwrap().is_some());
    drop(before);
    // The connection of the old snapshot does not remember its moment.
    assert!(read(&store).run_by_key(RunKey(2)).unwrap().is_some());
}

pub(crate) fn everything_is_there_after_opening_again(backend: &dyn Backend) {
    let mut store = backend.open();
    commit(&mut store, |batch| {
        batch.workflow(&workflow(64, "etl"));
        batch.insert_run(&run(1, 64, 1, 1, RunStatus::Queued));
    });
    drop(store);
    let store = backend.open();
    let snapshot = read(&store);
    assert!(snapshot.workflow("etl").unwrap().is_some());
    assert!(snapshot.run_by_key(RunKey(1)).unwrap().is_some());
}

pub(crate) fn runs_are_found_by_each_of_their_names(backend: &dyn Backend) {
    let mut store = backend.open();
    let mut named = run(3, 64, 2, 2, RunStatus::Succeeded);
    named.body.named = true;
    commit(&mut store, |batch| {
        batch.insert_run(&run(1, 64, 1, 1, RunStatus::Succeeded));
        batch.insert_run(&run(2, 64, 2, 1, RunStatus::Failed));
        batch.insert_run(&named);
        batch.insert_run(&run(4, 65, 2, 3, RunStatus::Failed));
    });
    let snapshot = read(&store);
    assert_eq!(snapshot.run(W, at(2, 2)).unwrap(), Some(named.clone()));
    assert_eq!(snapshot.run(W, at(2, 3)).unwrap(), None);
    assert_eq!(snapshot.latest_run(W, 2).unwrap(), Some(named.clone()));
    assert_eq!(snapshot.latest_run(W, 3).unwrap(), None);
    let uuid = named.body.uuid;
    assert_eq!(snapshot.run_by_uuid(W, &uuid).unwrap(), Some(named));
    assert_eq!(snapshot.run_by_uuid(WorkflowKey(65), &uuid).unwrap(), None);
    assert_eq!(snapshot.run_by_uuid(W, &Uuid::from_u128(1)).unwrap(), None);
    assert_eq!(snapshot.instance_bounds(W).unwrap(), Some(range(1, 2)));
    assert_eq!(snapshot.instance_bounds(WorkflowKey(1)).unwrap(), None);
    assert_eq!(snapshot.run_bounds(W, 2).unwrap(), Some(range(1, 2)));
    assert_eq!(snapshot.run_bounds(W, 9).unwrap(), None);
    assert_eq!(snapshot.largest_run_key().unwrap(), Some(RunKey(4)));
    assert_eq!(
        ids(&snapshot.runs(W, 2, range(1, 9)).unwrap()),
        [(2, 2), (2, 1)]
    );
    assert_eq!(ids(&snapshot.runs(W, 2, range(1, 1)).unwrap()), [(2, 1)]);
}

pub(crate) fn pages_show_each_instance_once(backend: &dyn Backend) {
    // [R-41] All of one time; every third was run again, in another order.
    let mut store = backend.open();
    commit(&mut store, |batch| {
        for i in 1..=500 {
            let mut row = run(i, 64, i, 1, RunStatus::Failed);
            row.body.create_time = T0;
            batch.insert_run(&row);
        }
        for i in (1..=500).rev().step_by(3) {
            let mut row = run(1000 - i, 64, i, 2, RunStatus::Succeeded);
            row.body.create_time = T0;
            batch.insert_run(&row);
        }
    });
    let snapshot = read(&store);
    let all = ids(&snapshot.instances(W, range(i64::MIN, i64::MAX)).unwrap());
    let latest = |i| (i, if (500 - i) % 3 == 0 { 2 } else { 1 });
    assert_eq!(all, (1..=500).map(latest).collect::<Vec<_>>());
    assert_eq!(
        ids(&snapshot.instances(W, range(3, 5)).unwrap()),
        [3, 4, 5].map(latest)
    );
    for size in [1, 7, 200] {
        let (mut seen, mut cursor) = (Vec::new(), None);
        loop {
            let page = snapshot
                .instances_everywhere(&InstanceFilter::default(), cursor, size)
                .unwrap();
            assert!(page.rows.len() <= size as usize);
            assert!(page.rows.is_sorted_by(|a, b| a.key > b.key));
            seen.extend(ids(&page.rows));
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        seen.sort_unstable();
        assert_eq!(seen, all, "pages of {size}");
    }
}

pub(crate) fn the_list_over_workflows_filters_and_pages(backend: &dyn Backend) {
    let mut store = backend.open();
    let statuses = [
        RunStatus::Queued,
        RunStatus::InProgress,
        RunStatus::Failed,
        RunStatus::FailedSuperseded,
        RunStatus::Succeeded,
    ];
    commit(&mut store, |batch| {
        for i in 0..1000_i64 {
            let status = statuses[usize::try_from(i % 5).unwrap()];
            batch.insert_run(&run(i, 64 + i % 3, i, 1, status));
        }
    });
    let snapshot = read(&store);
    let keys = |filter: &InstanceFilter| {
        let (mut keys, mut cursor) = (Vec::new(), None);
        loop {
            let page = snapshot.instances_everywhere(filter, cursor, 30).unwrap();
            keys.extend(page.rows.iter().map(|r| r.key.0));
            cursor = page.next;
            if cursor.is_none() {
                return keys;
            }
        }
    };
    let expected =
        |wanted: &dyn Fn(i64) -> bool| (0..1000).rev().filter(|i| wanted(*i)).collect::<Vec<_>>();
    let with = |statuses: &[InstanceStatus]| InstanceFilter {
        statuses: statuses.to_vec(),
        ..InstanceFilter::default()
    };
    assert_eq!(keys(&with(&[])), expected(&|_| true));
    assert_eq!(
        keys(&with(&[InstanceStatus::Created])),
        expected(&|i| i % 5 == 0)
    );
    assert_eq!(
        keys(&with(&[InstanceStatus::InProgress, InstanceStatus::Failed])),
        expected(&|i| (1..=3).contains(&(i % 5)))
    );
    let of_one = InstanceFilter {
        workflow: Some(W),
        ..with(&[InstanceStatus::InProgress])
    };
    assert_eq!(keys(&of_one), expected(&|i| i % 3 == 0 && i % 5 == 1));
    let of_one = InstanceFilter {
        statuses: Vec::new(),
        ..of_one
    };
    assert_eq!(keys(&of_one), expected(&|i| i % 3 == 0));
    let between = InstanceFilter {
        created_from: Some(T0 + 200_000),
        created_before: Some(T0 + 700_000),
        ..InstanceFilter::default()
    };
    assert_eq!(keys(&between), expected(&|i| (200..700).contains(&i)));
}

pub(crate) fn versions_and_properties_are_found_by_number_and_latest(backend: &dyn Backend) {
    let mut store = backend.open();
    commit(&mut store, |batch| {
        for i in 1..=9 {
            batch.version(&version(64, i));
            batch.properties(&properties(64, T0 + i));
        }
        batch.version(&version(65, 20));
        batch.properties(&properties(65, T0 + 20));
    });
    let snapshot = read(&store);
    assert_eq!(snapshot.version(W, 4).unwrap(), Some(version(64, 4)));
    assert_eq!(snapshot.version(W, 10).unwrap(), None);
    assert_eq!(snapshot.latest_version(W).unwrap(), Some(version(64, 9)));
    let page = snapshot.versions(W, range(1, 7), 3).unwrap();
    assert_eq!(page, [7, 6, 5].map(|i| version(64, i)));
    assert_eq!(
        snapshot.properties(W, Some(T0 + 3)).unwrap(),
        Some(properties(64, T0 + 3))
    );
    assert_eq!(snapshot.properties(W, Some(T0)).unwrap(), None);
    assert_eq!(
        snapshot.properties(W, None).unwrap(),
        Some(properties(64, T0 + 9))
    );
}

pub(crate) fn workflows_are_listed_by_prefix_in_byte_order(backend: &dyn Backend) {
    let mut store = backend.open();
    let names = [
        "a",
        "a.b",
        "a.b.c",
        "a.b_d",
        "aB",
        "ab",
        "b",
        "ä",
        "a.\u{10ffff}",
    ];
    commit(&mut store, |batch| {
        for (i, name) in (0..).zip(names) {
            batch.workflow(&workflow(64 + i, name));
        }
    });
    let snapshot = read(&store);
    let list = |prefix: &str, after: Option<&str>, limit| {
        let rows = snapshot.workflows(prefix, after, limit).unwrap();
        rows.into_iter()
            .map(|row| String::from(row.id))
            .collect::<Vec<_>>()
    };
    let mut sorted = names.map(str::to_owned);
    sorted.sort();
    assert_eq!(list("", None, 100), sorted);
    assert_eq!(
        list("a.", None, 100),
        ["a.b", "a.b.c", "a.b_d", "a.\u{10ffff}"]
    );
    assert_eq!(list("a.", Some("a.b.c"), 1), ["a.b_d"]);
    assert_eq!(list("a.", Some("A"), 1), ["a.b"]);
    assert_eq!(list("c", None, 100), [""; 0]);
    let mut keys = Vec::new();
    let mut visit = |row: maestro_model::state::WorkflowRow| keys.push(row.key.0);
    snapshot
        .workflows_of(ShardSet::NONE.with(2).with(0), &mut visit)
        .unwrap();
    assert_eq!(keys, [64, 66]);
}

pub(crate) fn queued_and_failed_runs_come_in_order(backend: &dyn Backend) {
    let mut store = backend.open();
    commit(&mut store, |batch| {
        for (key, instance) in [(1, 5), (2, 3), (3, 4), (4, 9)] {
            batch.insert_run(&run(key, 64, instance, 1, RunStatus::Queued));
        }
        batch.insert_run(&run(5, 64, 4, 2, RunStatus::Queued));
        batch.insert_run(&run(6, 64, 6, 1, RunStatus::PickedUp));
        batch.insert_run(&run(7, 65, 1, 1, RunStatus::Queued));
        for (key, instance) in [(8, 12), (9, 11)] {
            batch.insert_run(&run(key, 64, instance, 1, RunStatus::Failed));
        }
        batch.insert_run(&run(10, 64, 13, 1, RunStatus::FailedUnblocked));
    });
    let snapshot = read(&store);
    let queued = |after, limit| ids(&snapshot.queued(W, after, limit).unwrap());
    assert_eq!(queued(None, 9), [(3, 1), (4, 1), (4, 2), (5, 1), (9, 1)]);
    assert_eq!(queued(Some(at(4, 1)), 2), [(4, 2), (5, 1)]);
    assert_eq!(
        ids(&snapshot.failed(W, None, 9).unwrap()),
        [(11, 1), (12, 1)]
    );
    assert_eq!(
        ids(&snapshot.failed(W, Some(at(11, 1)), 9).unwrap()),
        [(12, 1)]
    );
    let counts = snapshot.queued_counts(ShardSet::ALL).unwrap();
    assert_eq!(counts, [(W, 5), (WorkflowKey(65), 1)]);
    let counts = snapshot.queued_counts(ShardSet::NONE.with(1)).unwrap();
    assert_eq!(counts, [(WorkflowKey(65), 1)]);
}

pub(crate) fn counts_follow_the_raw_status(backend: &dyn Backend) {
    let mut store = backend.open();
    let all = [
        (RunStatus::Queued, 1),
        (RunStatus::PickedUp, 2),
        (RunStatus::InProgress, 4),
        (RunStatus::TimedOut, 1),
        (RunStatus::Stopped, 1),
        (RunStatus::Failed, 5),
        (RunStatus::FailedUnblocked, 2),
        (RunStatus::FailedSuperseded, 2),
        (RunStatus::Succeeded, 3),
    ];
    let mut key = 0;
    commit(&mut store, |batch| {
        for (status, n) in all {
            for _ in 0..n {
                key += 1;
                batch.insert_run(&run(key, 64, key, 1, status));
            }
        }
    });
    let expected = StatusCounts {
        created: 3,
        in_progress: 4,
        failed: 5,
    };
    assert_eq!(read(&store).counts(W).unwrap(), expected);
    assert_eq!(
        read(&store).counts(WorkflowKey(1)).unwrap(),
        StatusCounts::default()
    );
    commit(&mut store, |batch| {
        batch.update_run(RunKey(1), &head(RunStatus::Failed, T0));
    });
    let expected = StatusCounts {
        created: 2,
        in_progress: 4,
        failed: 6,
    };
    assert_eq!(read(&store).counts(W).unwrap(), expected);
}

pub(crate) fn steps_come_with_their_latest_attempt(backend: &dyn Backend) {
    let mut store = backend.open();
    commit(&mut store, |batch| {
        for (step, attempt) in [(0, 1), (2, 1), (2, 2), (2, 10), (1, 1), (1, 2)] {
            batch.step(
                RunKey(7),
                step,
                attempt,
                &state(StepStatus::Running, attempt),
                None,
            );
        }
        batch.step(RunKey(8), 0, 5, &state(StepStatus::Running, 1), None);
    });
    let snapshot = read(&store);
    assert_eq!(
        attempts(&snapshot.steps(RunKey(7)).unwrap()),
        [(0, 1), (1, 2), (2, 10)]
    );
    assert_eq!(
        attempts(&snapshot.attempts(RunKey(7), 2).unwrap()),
        [(2, 1), (2, 2), (2, 10)]
    );
    let step = |attempt| {
        snapshot
            .step(RunKey(7), 2, attempt)
            .unwrap()
            .map(|row| row.state.seq)
    };
    assert_eq!(
        [step(None), step(Some(2)), step(Some(3))],
        [Some(10), Some(2), None]
    );
}

pub(crate) fn newest_attempts_span_the_runs_of_an_instance(backend: &dyn Backend) {
    let mut store = backend.open();
    let mut other = run(3, 64, 1, 3, RunStatus::InProgress);
    other.body.version = 2;
    commit(&mut store, |batch| {
        batch.insert_run(&run(1, 64, 1, 1, RunStatus::Failed));
        batch.insert_run(&run(2, 64, 1, 2, RunStatus::Failed));
        batch.insert_run(&other);
        batch.insert_run(&run(4, 64, 2, 1, RunStatus::Failed));
        for (key, step, attempt) in [
            (1, 0, 1),
            (1, 1, 2),
            (2, 1, 1),
            (2, 2, 1),
            (3, 1, 1),
            (4, 5, 1),
        ] {
            batch.step(
                RunKey(key),
                step,
                attempt,
                &state(StepStatus::Running, 3),
                None,
            );
        }
    });
    let found = read(&store).instance_steps(W, 1).unwrap();
    let found: Vec<_> = found
        .iter()
        .map(|r| (r.run.id.run, attempts(&r.steps)))
        .collect();
    // The third run has another definition, in which the numbers mean other steps.
    assert_eq!(
        found,
        [
            (3, vec![(1, 1)]),
            (2, vec![(1, 1), (2, 1)]),
            (1, vec![(0, 1)])
        ]
    );
}

pub(crate) fn live_runs_come_with_latest_attempts_by_shard(backend: &dyn Backend) {
    let mut store = backend.open();
    commit(&mut store, |batch| {
        // Keys in another order than workflows and statuses.
        for (key, workflow, status) in [
            (1, 70, RunStatus::InProgress),
            (2, 64, RunStatus::Queued),
            (3, 64, RunStatus::Succeeded),
            (4, 128, RunStatus::PickedUp),
            (5, 65, RunStatus::InProgress),
            (6, 64, RunStatus::InProgress),
        ] {
            batch.insert_run(&run(key, workflow, key, 1, status));
            if key != 4 {
                for (step, attempt) in [(0, 1), (0, 2), (1, 1)] {
                    batch.step(
                        RunKey(key),
                        step,
                        attempt,
                        &state(StepStatus::Running, 3),
                        None,
                    );
                }
            }
        }
    });
    let snapshot = read(&store);
    let live = |shards, which| {
        let mut found = Vec::new();
        snapshot
            .live_runs(shards, which, &mut |run, steps| {
                found.push((run.key.0, attempts(&steps)));
            })
            .unwrap();
        found
    };
    let two = || vec![(0, 2), (1, 1)];
    assert_eq!(
        live(ShardSet::ALL, LiveRuns::All),
        [(1, two()), (2, two()), (4, vec![]), (5, two()), (6, two())]
    );
    let some = ShardSet::NONE.with(0).with(6);
    assert_eq!(
        live(some, LiveRuns::Begun),
        [(1, two()), (4, vec![]), (6, two())]
    );
    assert_eq!(live(ShardSet::NONE.with(63), LiveRuns::All), []);
}

pub(crate) fn largest_keys_count_deleted_workflows_too(backend: &dyn Backend) {
    let mut store = backend.open();
    commit(&mut store, |batch| {
        batch.workflow(&workflow(64, "a"));
        batch.workflow(&workflow(127, "b"));
        batch.workflow(&workflow(191, "c"));
    });
    commit(&mut store, |batch| {
        batch.delete_workflow(&deleted(191, "c", 3));
    });
    let mut expected = [None; SHARDS as usize];
    expected[0] = Some(W);
    expected[63] = Some(WorkflowKey(191));
    assert_eq!(read(&store).largest_workflow_keys().unwrap(), expected);
}

pub(crate) fn an_id_can_be_deleted_and_used_again(backend: &dyn Backend) {
    let mut store = backend.open();
    commit(&mut store, |batch| batch.workflow(&workflow(64, "etl")));
    assert_eq!(read(&store).previous_workflow("etl").unwrap(), None);
    commit(&mut store, |batch| {
        batch.delete_workflow(&deleted(64, "etl", 12));
    });
    let snapshot = read(&store);
    assert_eq!(snapshot.workflow("etl").unwrap(), None);
    assert_eq!(snapshot.workflow_by_key(W).unwrap(), None);
    assert_eq!(
        snapshot.purging(ShardSet::ALL).unwrap(),
        [deleted(64, "etl", 12)]
    );
    assert_eq!(
        snapshot.purging(ShardSet::NONE.with(1)).unwrap(),
        [] as [DeletedWorkflow; 0]
    );
    let previous = snapshot.previous_workflow("etl").unwrap().unwrap();
    assert_eq!((previous.last_instance, previous.purging), (12, Some(W)));
    drop(snapshot);
    assert_eq!(
        store.writer.purge(W, PurgeStage::Done, 9).unwrap(),
        Purged::default()
    );
    // Spec 05 ID-3: the largest counter of all, in whatever order they were deleted.
    commit(&mut store, |batch| batch.workflow(&workflow(128, "etl")));
    commit(&mut store, |batch| {
        batch.delete_workflow(&deleted(128, "etl", 7));
        batch.workflow(&workflow(192, "etl"));
    });
    let snapshot = read(&store);
    assert_eq!(
        snapshot.workflow("etl").unwrap(),
        Some(workflow(192, "etl"))
    );
    let previous = snapshot.previous_workflow("etl").unwrap().unwrap();
    assert_eq!(
        (previous.last_instance, previous.purging),
        (12, Some(WorkflowKey(128)))
    );
}

pub(crate) fn purging_goes_in_pieces(backend: &dyn Backend) {
    let mut store = backend.open();
    commit(&mut store, |batch| {
        for key in [64, 65] {
            batch.workflow(&workflow(key, &key.to_string()));
            for i in 1..=5 {
                batch.version(&version(key, i));
                batch.properties(&properties(key, T0 + i));
                batch.history(WorkflowKey(key), T0 + i, "a", "l");
                let row = run(key * 100 + i, key, i, 1, RunStatus::Succeeded);
                batch.insert_run(&row);
                for step in 0..4 {
                    batch.step(row.key, step, 1, &state(StepStatus::Succeeded, 3), None);
                }
            }
        }
    });
    commit(&mut store, |batch| {
        batch.delete_workflow(&deleted(64, "64", 5));
    });
    let mut purge = |stage, limit| {
        let mut all = Vec::new();
        loop {
            let purged = store.writer.purge(W, stage, limit).unwrap();
            all.push((purged.rows, purged.steps));
            if purged.rows < u64::from(limit) {
                return all;
            }
        }
    };
    for stage in [
        PurgeStage::Versions,
        PurgeStage::Timeline,
        PurgeStage::Properties,
    ] {
        assert_eq!(purge(stage, 2), [(2, 0), (2, 0), (1, 0)], "{stage:?}");
    }
    assert_eq!(purge(PurgeStage::Runs, 10), [(10, 8), (10, 8), (5, 4)]);
    purge(PurgeStage::Done, 1);
    let snapshot = read(&store);
    assert_eq!(snapshot.instance_bounds(W).unwrap(), None);
    assert_eq!(snapshot.latest_version(W).unwrap(), None);
    assert_eq!(snapshot.properties(W, None).unwrap(), None);
    assert_eq!(snapshot.history(W, 9).unwrap(), []);
    assert_eq!(
        snapshot.purging(ShardSet::ALL).unwrap(),
        [] as [DeletedWorkflow; 0]
    );
    for i in 1..=5 {
        assert_eq!(snapshot.steps(RunKey(6400 + i)).unwrap(), []);
        assert_eq!(snapshot.steps(RunKey(6500 + i)).unwrap().len(), 4);
    }
    let other = WorkflowKey(65);
    assert_eq!(snapshot.instance_bounds(other).unwrap(), Some(range(1, 5)));
    assert_eq!(snapshot.versions(other, range(0, 9), 9).unwrap().len(), 5);
    assert_eq!(snapshot.history(other, 9).unwrap().len(), 5);
    assert_eq!(
        snapshot.properties(other, None).unwrap(),
        Some(properties(65, T0 + 5))
    );
}

pub(crate) fn only_deleted_workflows_are_purged(backend: &dyn Backend) {
    let mut store = backend.open();
    commit(&mut store, |batch| {
        batch.workflow(&workflow(64, "etl"));
        batch.version(&version(64, 1));
    });
    for stage in PurgeStage::ALL {
        assert_eq!(store.writer.purge(W, stage, 9).unwrap(), Purged::default());
    }
    assert!(read(&store).version(W, 1).unwrap().is_some());
}

pub(crate) fn outbox_rows_keep_their_order_and_numbers(backend: &dyn Backend) {
    let mut store = backend.open();
    let row = run(1, 64, 1, 1, RunStatus::InProgress);
    let change = StatusChange::Step {
        old: StepStatus::Created,
        new: StepStatus::Initialized,
    };
    let emit = |store: &mut Store, at: i64| {
        commit(store, |batch| {
            batch.events(&row, Some((0, 1)), &[(change, at)]);
        });
    };
    for i in 1..=4 {
        emit(&mut store, T0 + i);
    }
    let rows = read(&store).outbox(0, 9).unwrap();
    let times: Vec<_> = rows.iter().map(|r| r.at - T0).collect();
    assert_eq!(times, [1, 2, 3, 4]);
    let record = decode_changes(&rows[1].body).next().unwrap().unwrap();
    assert_eq!((record.run, record.step), (row.key, Some((0, 1))));
    assert_eq!(record.changes, [(change, T0 + 2)]);
    assert_eq!(read(&store).outbox(rows[1].seq, 1).unwrap(), rows[2..3]);
    let last = rows[3].seq;
    assert_eq!(store.writer.prune_outbox(last, Some(T0 + 3), 9).unwrap(), 2);
    assert_eq!(store.writer.prune_outbox(rows[2].seq, None, 9).unwrap(), 1);
    assert_eq!(store.writer.prune_outbox(last, None, 9).unwrap(), 1);
    assert_eq!(store.writer.prune_outbox(last, None, 9).unwrap(), 0);
    assert_eq!(read(&store).outbox(0, 9).unwrap(), []);
    drop(store);
    // A reader that has seen `last` must see what comes later, also where nothing was left to count from.
    let mut store = backend.open();
    emit(&mut store, T0 + 9);
    let rows = read(&store).outbox(last, 9).unwrap();
    assert_eq!(rows.len(), 1);
}

pub(crate) fn snapshots_are_used_from_several_threads(backend: &dyn Backend) {
    // [R-42] Reads go on beside commits, without an error on either side.
    let mut store = backend.open();
    commit(&mut store, |batch| batch.workflow(&workflow(64, "etl")));
    let readers = &store.readers;
    let writer = &mut store.writer;
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    let mut seen = 0;
                    while seen < 200 {
                        let snapshot = readers.snapshot().unwrap();
                        let instances = snapshot.workflow("etl").unwrap().unwrap().last_instance;
                        // The counter and the runs of one commit are seen together.
                        let high = snapshot.instance_bounds(W).unwrap().map_or(0, |b| b.high);
                        assert_eq!(high, instances);
                        assert!(instances >= seen);
                        seen = instances;
                    }
                })
            })
            .collect();
        let mut batch = Batch::default();
        for i in 1..=200 {
            batch.clear();
            let mut row = workflow(64, "etl");
            row.last_instance = i;
            batch.workflow(&row);
            batch.insert_run(&run(i, 64, i, 1, RunStatus::Queued));
            writer.commit(&mut [&batch].into_iter()).unwrap();
        }
        for thread in threads {
            thread.join().unwrap();
        }
    });
}
