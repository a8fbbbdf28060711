//! What a commit does, and what is seen of it.

use maestro_model::state::{RowSink, RunKey, RunStatus, StatusChange, StepRow, StepStatus};
use maestro_store::{Batch, CommitError, Store, decode_changes};
use uuid::Uuid;

use super::{Backend, W, commit, read};
use crate::build::{T0, head, properties, run, state, version, workflow};

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
