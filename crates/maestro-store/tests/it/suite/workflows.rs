//! Workflows, their versions, their end.

use maestro_model::state::{DeletedWorkflow, RowSink, RunKey, RunStatus, StepStatus, WorkflowKey};
use maestro_store::{PurgeStage, Purged, SHARDS, ShardSet};

use super::{Backend, W, commit, range, read};
use crate::build::{T0, deleted, properties, run, state, version, workflow};

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
