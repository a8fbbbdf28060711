//! Stop and kill (spec 05 section 13, 06 section 9).

use maestro_core::message::{Command, News, Outcome, Refusal, Reply};
use maestro_model::state::{ActionKind, InstanceStatus, Stamp, StepStatus};

use crate::world::{SHELL, World, graph};

const OWNER: &str = r#"{"owner":"tester"}"#;

#[test]
fn a_stop_is_only_a_wish_until_the_work_is_gone() {
    // [05:51] [06:31]
    let w = World::play(&graph("a>b", &[("a", SHELL)]), OWNER, |w| {
        w.start();
        w.report(1, "a", News::Started);
        assert_eq!(
            w.end(1, ActionKind::Stop),
            Ok((InstanceStatus::InProgress, false))
        );
        assert_eq!(w.summary(), "1: IN_PROGRESS a=RUNNING");
        // The script ended with 0 after all; it is stopped (pitfall R-08).
        w.report(
            1,
            "a",
            News::Ended(Outcome::Done {
                outputs: Default::default(),
            }),
        );
    });
    assert_eq!(w.summary(), "1: STOPPED a=STOPPED");
    assert_eq!(w.jobs, ["launch a#1", "cancel a#1"]);
    assert_eq!(w.end_again(), Err("already ended".to_owned()));
}

impl World {
    /// Kill after the end.
    fn end_again(&self) -> Result<(), String> {
        let mut copy = World::new(&graph("a>b", &[("a", SHELL)]), OWNER);
        copy.start();
        copy.end(1, ActionKind::Stop).expect("a stop");
        copy.report(1, "a", News::Ended(Outcome::Stopped));
        assert_eq!(
            copy.end(1, ActionKind::Stop),
            Ok((InstanceStatus::Stopped, true)),
            "a repeated stop is no fault"
        );
        match copy.end(1, ActionKind::Kill) {
            Err(Refusal::AlreadyEnded { .. }) => Err("already ended".to_owned()),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_kill_fails_the_run_whatever_the_failure_mode() {
    // [06:29] [05:30]
    let body = format!(r#"{SHELL},"failure_mode":"IGNORE_FAILURE""#);
    let w = World::play(&graph("a>b", &[("a", &body)]), OWNER, |w| {
        w.start();
        w.end(1, ActionKind::Kill).unwrap();
        w.report(1, "a", News::Ended(Outcome::Stopped));
    });
    assert_eq!(w.summary(), "1: FAILED a=FATALLY_FAILED");
}

#[test]
fn a_stop_during_back_off_ends_the_next_attempt() {
    // [06:34] [06:76] [05:51] [R-04]
    let policy = format!(
        r#"{SHELL},"retry_policy":{{"error_retry_limit":3,"backoff":{{"type":"FIXED_BACKOFF","error_retry_backoff_in_secs":300}}}}"#
    );
    let w = World::play(&graph("a>b", &[("a", &policy)]), OWNER, |w| {
        w.start();
        w.user_error(1, "a");
        w.pass(5_000);
        w.end(1, ActionKind::Stop).unwrap();
        w.pass(1_000_000);
    });
    assert_eq!(w.summary(), "1: STOPPED a=USER_FAILED,STOPPED");
    assert_eq!(w.jobs, ["launch a#1"], "nothing is started any more");
    let step = w.step("a", 2);
    let set: Vec<&str> = Stamp::ALL
        .iter()
        .filter(|s| step.times.get(**s).is_some())
        .map(|s| s.field())
        .collect();
    assert_eq!(set, ["create_time", "end_time", "modify_time"]);
    let retries = step.retries.as_deref().copied().unwrap();
    assert_eq!((retries.error, retries.exhausted), (1, true));
}

#[test]
fn a_stopped_sleep_never_fires() {
    // [R-04]
    let sleep = r#""type":"Sleep","params":{"sleep_seconds":{"type":"LONG","value":60}}"#;
    let w = World::play(&graph("a", &[("a", sleep)]), OWNER, |w| {
        w.start();
        w.pass(5_000);
        w.end(1, ActionKind::Stop).unwrap();
        let events = w.rows.events.len();
        w.take_up();
        w.pass(70_000);
        assert_eq!(w.rows.events.len(), events, "no event after the stop");
    });
    assert_eq!(w.summary(), "1: STOPPED a=STOPPED");
}

#[test]
fn steps_that_wait_for_permits_are_stopped_at_once() {
    let w = World::play(
        &graph("a b", &[("a", SHELL), ("b", SHELL)]),
        r#"{"owner":"t","step_concurrency":1}"#,
        |w| {
            w.start();
            assert_eq!(
                w.summary(),
                "1: IN_PROGRESS a=STARTING b=WAITING_FOR_PERMITS"
            );
            w.end(1, ActionKind::Stop).unwrap();
            assert_eq!(w.summary(), "1: IN_PROGRESS a=STARTING b=STOPPED");
            w.report(1, "a", News::Ended(Outcome::Stopped));
        },
    );
    assert_eq!(w.status(1), "STOPPED");
    assert_eq!(w.jobs, ["launch a#1", "cancel a#1"]);
}

#[test]
fn a_queued_instance_ends_at_once() {
    // [05:50] [05:18]
    let w = World::play(&graph("a", &[("a", SHELL)]), OWNER, |w| {
        w.start();
        w.start();
        w.start();
        assert_eq!(
            w.end(2, ActionKind::Stop),
            Ok((InstanceStatus::Stopped, true))
        );
        assert_eq!(
            w.end(2, ActionKind::Stop),
            Ok((InstanceStatus::Stopped, true))
        );
        assert!(matches!(
            w.end(2, ActionKind::Kill),
            Err(Refusal::AlreadyEnded { .. })
        ));
        assert_eq!(
            w.end(3, ActionKind::Kill),
            Ok((InstanceStatus::Failed, true))
        );
        assert!(matches!(
            w.end(9, ActionKind::Kill),
            Err(Refusal::NoInstance { .. })
        ));
        w.done(1, "a");
    });
    assert_eq!(
        w.summary(),
        "1: SUCCEEDED a=SUCCEEDED\n2: STOPPED\n3: FAILED"
    );
    let run = w.run(2);
    assert!(run.head.start_time.is_none() && run.head.end_time.is_some());
    assert!(w.rows.events.contains(&"2.1 CREATED->STOPPED".to_owned()));
}

#[test]
fn an_action_on_an_old_run_is_refused() {
    // [05:52] [05:68]
    let mut w = World::new(&graph("a", &[("a", SHELL)]), OWNER);
    w.start();
    w.command(Command::End {
        instance: 1,
        run: Some(2),
        action: ActionKind::Stop,
        user: "ana".into(),
    });
    assert!(matches!(
        w.replies.pop(),
        Some(Err(Refusal::NotLatestRun {
            given: 2,
            latest: 1,
            ..
        }))
    ));
    w.command(Command::End {
        instance: 1,
        run: Some(0),
        action: ActionKind::Stop,
        user: "ana".into(),
    });
    assert!(matches!(
        w.replies.pop(),
        Some(Ok(Reply::Ended {
            completed: false,
            ..
        }))
    ));
}

#[test]
fn stopping_everything_counts_queued_and_running() {
    // [05:52]
    let w = World::play(&graph("a", &[("a", SHELL)]), OWNER, |w| {
        for _ in 0..5 {
            w.start();
        }
        w.command(Command::EndAll {
            action: ActionKind::Stop,
            user: "ana".into(),
        });
        assert!(matches!(
            w.replies.pop(),
            Some(Ok(Reply::EndedAll {
                queued: 4,
                running: 1
            }))
        ));
        w.report(1, "a", News::Ended(Outcome::Stopped));
    });
    assert!((1..=5).all(|i| w.status(i) == "STOPPED"));
    assert_eq!(w.queued(), 0);
}

#[test]
fn a_stop_before_the_work_began_is_not_lost() {
    let w = World::play(&graph("a>b", &[("a", SHELL)]), OWNER, |w| {
        w.start();
        w.end(1, ActionKind::Stop).unwrap();
        w.report(1, "a", News::Started);
        assert_eq!(w.step("a", 1).status, StepStatus::Running);
        w.report(1, "a", News::Ended(Outcome::Stopped));
    });
    assert_eq!(w.summary(), "1: STOPPED a=STOPPED");
}
