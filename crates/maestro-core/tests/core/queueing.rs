//! Ids, duplicates, run strategies and the queue (spec 05 sections 2, 4 and 7).

use maestro_core::Settings;
use maestro_core::message::{Command, News, Outcome, Refusal, Reply, StartOutcome};
use maestro_model::state::{ActionKind, InstanceStatus};
use uuid::Uuid;

use crate::world::{SHELL, World, graph};

fn job() -> String {
    graph("a", &[("a", SHELL)])
}

fn strategy(rule: &str) -> String {
    format!(r#"{{"owner":"tester","run_strategy":{rule}}}"#)
}

fn running(w: &World) -> Vec<i64> {
    w.rows
        .runs
        .values()
        .filter(|r| r.head.status.public() == InstanceStatus::InProgress)
        .map(|r| r.id.instance)
        .collect()
}

#[test]
fn sequential_runs_one_after_the_other() {
    // [05:12] [05:1] [09:44] [05:11]
    let w = World::play(&job(), r#"{"owner":"t"}"#, |w| {
        assert_eq!([w.start(), w.start(), w.start()], [1, 2, 3]);
        for i in 1..=3 {
            assert_eq!(running(w), [i]);
            w.done(i, "a");
        }
    });
    assert!((1..=3).all(|i| w.status(i) == "SUCCEEDED"));
}

#[test]
fn parallel_runs_as_many_as_it_says() {
    // [05:13]
    World::play(&job(), &strategy("2"), |w| {
        for _ in 0..5 {
            w.start();
        }
        assert_eq!(running(w), [1, 2]);
        w.push(&strategy("4"));
        assert_eq!(running(w), [1, 2, 3, 4]);
        w.done(3, "a");
        assert_eq!(running(w), [1, 2, 4, 5]);
    });
}

#[test]
fn sixty_waiting_runs_start_when_there_is_room() {
    // [05:25] [09:43]
    let w = World::play(
        &job(),
        &strategy(r#"{"rule":"PARALLEL","workflow_concurrency":100}"#),
        |w| {
            for _ in 0..60 {
                w.start();
            }
        },
    );
    assert_eq!(running(&w).len(), 20 + 40);
}

#[test]
fn a_request_id_starts_once() {
    // [05:2] [09:14]
    World::play(&job(), &strategy("5"), |w| {
        let id = Uuid::from_u128(77);
        w.start_as(id, true);
        w.start_as(id, true);
        w.start_as(Uuid::from_u128(78), true);
        let got: Vec<(i64, StartOutcome)> = w
            .replies
            .iter()
            .map(|r| match r {
                Ok(Reply::Started { id, outcome, .. }) => (id.instance, *outcome),
                other => panic!("{other:?}"),
            })
            .collect();
        let expected = [
            (1, StartOutcome::Created),
            (0, StartOutcome::Duplicated),
            (2, StartOutcome::Created),
        ];
        assert_eq!(got, expected);
    });
}

#[test]
fn first_only_stops_newcomers() {
    // [05:19]
    let w = World::play(&job(), &strategy(r#""FIRST_ONLY""#), |w| {
        w.start();
        w.start();
        assert!(matches!(
            w.replies.last(),
            Some(Ok(Reply::Started {
                outcome: StartOutcome::Stopped,
                ..
            }))
        ));
        w.done(1, "a");
        w.start();
        assert_eq!(running(w), [3]);
    });
    let stopped = w.run(2);
    assert_eq!(stopped.head.start_time, stopped.head.end_time);
    assert!(w.rows.events.contains(&"2.1 CREATED->STOPPED".to_owned()));
}

#[test]
fn last_only_waits_until_the_old_one_is_gone() {
    // [05:21] [09:45]
    let w = World::play(&job(), &strategy(r#""LAST_ONLY""#), |w| {
        w.start();
        w.start();
        assert_eq!(running(w), [1]);
        w.start();
        assert_eq!(w.status(2), "STOPPED");
        w.report(1, "a", News::Ended(Outcome::Stopped));
        assert_eq!(running(w), [3]);
        w.done(3, "a");
    });
    assert_eq!(
        w.summary(),
        "1: STOPPED a=STOPPED\n2: STOPPED\n3: SUCCEEDED a=SUCCEEDED"
    );
    assert!(
        w.timeline("a", 1)
            .last()
            .unwrap()
            .contains("maestro_run_strategy")
    );
}

#[test]
fn serial_latest_only_keeps_the_last_of_those_that_wait() {
    // [05:22]
    let w = World::play(&job(), &strategy(r#""SERIAL_LATEST_ONLY""#), |w| {
        for _ in 0..4 {
            w.start();
        }
        assert_eq!(running(w), [1]);
        w.done(1, "a");
        assert_eq!(running(w), [4]);
    });
    assert_eq!([w.status(2), w.status(3)], ["STOPPED", "STOPPED"]);
    assert!(w.run(2).head.start_time.is_none());
}

#[test]
fn a_failure_blocks_the_strict_strategy() {
    // [05:15] [05:16] [05:18]
    let w = World::play(&job(), &strategy(r#""STRICT_SEQUENTIAL""#), |w| {
        w.start();
        w.start();
        w.end(1, ActionKind::Stop).unwrap();
        w.report(1, "a", News::Ended(Outcome::Stopped));
        assert_eq!(running(w), [2], "a stopped run does not block");
        w.start();
        w.report(2, "a", News::Ended(Outcome::FatalError));
        assert_eq!(running(w), Vec::<i64>::new());
    });
    assert_eq!(w.status(3), "CREATED");
}

#[test]
fn a_strategy_that_the_instances_cannot_fulfil_is_refused() {
    // [05:23]
    let mut w = World::new(&job(), &strategy("5"));
    w.start();
    w.start();
    let push = |w: &mut World, rule: &str| {
        let properties = maestro_model::codec::read(strategy(rule).as_bytes()).unwrap();
        let workflow = std::sync::Arc::clone(&w.plan.workflow);
        w.command(Command::Push(Box::new(maestro_core::message::Push {
            definition: "{}".into(),
            workflow,
            properties: Some(properties),
            activate: true,
            author: maestro_model::definition::User::Name("t".into()),
            git_info: None,
            extra_info: Default::default(),
        })));
        w.replies.pop().unwrap().map(|_| ())
    };
    assert!(matches!(
        push(&mut w, r#""LAST_ONLY""#),
        Err(Refusal::StrategyRefused(_))
    ));
    w.report(2, "a", News::Ended(Outcome::FatalError));
    assert_eq!(push(&mut w, r#""LAST_ONLY""#), Ok(()));
    assert!(matches!(
        push(&mut w, r#""STRICT_SEQUENTIAL""#),
        Err(Refusal::StrategyRefused(_))
    ));
}

#[test]
fn a_long_queue_stays_in_the_store_and_keeps_its_order() {
    let settings = Settings {
        queue_window: 4,
        ..Settings::default()
    };
    let w = World::play_with(&job(), r#"{"owner":"t"}"#, settings, |w| {
        for _ in 0..30 {
            w.start();
        }
        assert_eq!(w.queued(), 29);
        for i in 1..=30 {
            if [13, 14, 25, 26].contains(&i) {
                continue;
            }
            assert_eq!(running(w), [i]);
            if i == 12 {
                // One that only the store has, and one whose turn is near.
                assert_eq!(
                    w.end(25, ActionKind::Stop),
                    Ok((InstanceStatus::Stopped, true))
                );
                assert_eq!(
                    w.end(13, ActionKind::Stop),
                    Ok((InstanceStatus::Stopped, true))
                );
            }
            if i == 12 || i == 24 {
                w.done(i, "a");
                assert_eq!(running(w), [i + 2]);
                w.done(i + 2, "a");
                continue;
            }
            w.done(i, "a");
        }
    });
    assert_eq!(w.queued(), 0);
    let ended = |s: &str| (1..=30).filter(|i| w.status(*i) == s).count();
    assert_eq!((ended("SUCCEEDED"), ended("STOPPED")), (28, 2));
}

#[test]
fn stopping_everything_reaches_the_stored_queue() {
    let settings = Settings {
        queue_window: 4,
        ..Settings::default()
    };
    let w = World::play_with(&job(), r#"{"owner":"t"}"#, settings, |w| {
        for _ in 0..30 {
            w.start();
        }
        w.command(Command::EndAll {
            action: ActionKind::Kill,
            user: "ana".into(),
        });
        assert!(matches!(
            w.replies.pop(),
            Some(Ok(Reply::EndedAll {
                queued: 29,
                running: 1
            }))
        ));
        w.report(1, "a", News::Ended(Outcome::Stopped));
    });
    assert!((1..=30).all(|i| w.status(i) == "FAILED"));
}

#[test]
fn a_start_while_everything_is_being_stopped_is_not_lost() {
    // Questions about the queue crossed each other: what the answer of one had counted, the other did not know of. Found
    // by the simulator (seed 1003635).
    let settings = Settings {
        queue_window: 1,
        ..Settings::default()
    };
    let everything = |w: &mut World| {
        w.command(Command::EndAll {
            action: ActionKind::Stop,
            user: "ana".into(),
        });
    };
    for (stopped_first, last_first) in [(true, true), (true, false), (false, true), (false, false)]
    {
        World::play_once(&job(), r#"{"owner":"t"}"#, settings, false, |w| {
            for _ in 0..4 {
                w.start();
            }
            w.held = Some(Vec::new());
            if stopped_first {
                everything(w);
                w.start();
            } else {
                // The window is empty, so that the queue asks for more.
                w.end(2, ActionKind::Stop).expect("ended");
                everything(w);
                w.start();
                everything(w);
            }
            while let Some(last) = w.held.as_ref().and_then(|held| held.len().checked_sub(1)) {
                w.answer(if last_first { last } else { 0 });
            }
            w.held = None;
            w.report(1, "a", News::Ended(Outcome::Stopped));
            let ended = |s: &str| (1..=5).filter(|i| w.status(*i) == s).count();
            assert_eq!(ended("STOPPED") + ended("SUCCEEDED"), 5);
            assert_eq!(w.queued(), 0);
            let texts: Vec<_> = w
                .rows
                .events
                .iter()
                .filter(|e| e.contains("STOPPED"))
                .collect();
            let mut once = texts.clone();
            once.dedup();
            assert_eq!(texts.len(), once.len(), "ended twice");
        });
    }
}

#[test]
fn a_workflow_with_live_instances_is_not_deleted() {
    // [05:57] [05:3]
    let mut w = World::new(&job(), r#"{"owner":"t"}"#);
    w.start();
    w.start();
    w.command(Command::Delete {
        author: "\"t\"".into(),
    });
    assert!(matches!(
        w.replies.pop(),
        Some(Err(Refusal::StillRunning { count: 2, .. }))
    ));
    w.command(Command::EndAll {
        action: ActionKind::Stop,
        user: "t".into(),
    });
    w.report(1, "a", News::Ended(Outcome::Stopped));
    w.replies.clear();
    w.command(Command::Delete {
        author: "\"t\"".into(),
    });
    assert!(matches!(w.replies.pop(), Some(Ok(Reply::Deleted))));
    w.start_as(Uuid::from_u128(5), false);
    assert!(matches!(w.replies.pop(), Some(Err(Refusal::NoWorkflow(_)))));
    // The id goes on counting (spec 05 ID-3).
    w.push(r#"{"owner":"t"}"#);
    assert_eq!(w.start(), 3);
}
