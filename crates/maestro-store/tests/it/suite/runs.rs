//! Finding runs and steps.

use maestro_model::state::{InstanceStatus, RowSink, RunKey, RunStatus, StepStatus, WorkflowKey};
use maestro_store::{InstanceFilter, LiveRuns, ShardSet, StatusCounts};
use uuid::Uuid;

use super::{Backend, W, at, attempts, commit, ids, range, read};
use crate::build::{T0, head, run, state};

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
    // All of one time; every third was run again, in another order.
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
            let mut row = run(i, 64 + i % 3, i, 1, status);
            row.body.named = i == 777;
            batch.insert_run(&row);
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
    let failed = with(&[InstanceStatus::Failed, InstanceStatus::Stopped]);
    assert_eq!(keys(&failed), expected(&|i| matches!(i % 5, 2 | 3)));
    let by_uuid = |key, workflow| InstanceFilter {
        uuid: Some(run(key, 64, key, 1, RunStatus::Queued).body.uuid),
        workflow,
        ..InstanceFilter::default()
    };
    assert_eq!(keys(&by_uuid(777, None)), [777]);
    assert_eq!(keys(&by_uuid(777, Some(W))), [777]);
    assert_eq!(keys(&by_uuid(777, Some(WorkflowKey(65)))), [0; 0]);
    // The caller did not give this one.
    assert_eq!(keys(&by_uuid(776, None)), [0; 0]);
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
