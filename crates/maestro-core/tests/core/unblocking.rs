//! Unblocking of failed instances (spec 05 section 13.6).

use maestro_core::Settings;
use maestro_core::message::{Command, News, Outcome, Refusal, Reply};
use maestro_model::state::{ActionKind, RunStatus, TimelineEvent};

use crate::world::{SHELL, World, graph};

const STRICT: &str = r#"{"owner":"t","run_strategy":"STRICT_SEQUENTIAL"}"#;

fn job() -> String {
    graph("a", &[("a", SHELL)])
}

fn ask(w: &mut World, instance: i64, run: Option<i64>) {
    let user = "ana".into();
    w.command(Command::Unblock {
        instance,
        run,
        user,
    });
}

/// Whether it held its workflow up until now.
fn unblock(w: &mut World, instance: i64) -> Result<bool, Refusal> {
    ask(w, instance, None);
    match w.replies.pop().expect("a reply")? {
        Reply::Unblocked { id, changed } => {
            assert_eq!((id.instance, id.run), (instance, 1));
            Ok(changed)
        }
        other => panic!("{other:?}"),
    }
}

fn ask_all(w: &mut World) {
    let user = "ana".into();
    w.command(Command::UnblockAll { user });
}

fn unblock_all(w: &mut World) -> u64 {
    ask_all(w);
    match w.replies.pop() {
        Some(Ok(Reply::UnblockedAll { count })) => count,
        other => panic!("{other:?}"),
    }
}

fn fail(w: &mut World, instance: i64) {
    w.report(instance, "a", News::Ended(Outcome::FatalError));
}

/// In memory alone, with a store that may be slow.
fn once(scenario: impl Fn(&mut World)) {
    World::play_once(&job(), STRICT, Settings::default(), false, scenario);
}

/// How often a run was unblocked.
fn times(w: &World, instance: i64) -> usize {
    let events = w.run(instance).head.timeline.events();
    let actions = events
        .iter()
        .filter(|e| matches!(e, TimelineEvent::Action { action, .. } if **action == *"UNBLOCK"));
    actions.count()
}

#[test]
fn an_unblocked_failure_lets_the_next_one_start() {
    // [05:15] [05:55]
    World::play(&job(), STRICT, |w| {
        w.start();
        w.start();
        let refused = |result: Result<bool, Refusal>| match result {
            Err(Refusal::NotFailed { status, .. }) => status.as_str(),
            other => panic!("{other:?}"),
        };
        assert_eq!(refused(unblock(w, 1)), "IN_PROGRESS");
        assert_eq!(refused(unblock(w, 2)), "CREATED");
        fail(w, 1);
        assert_eq!((w.status(2), w.failed()), ("CREATED", 1));
        let events = w.rows.events.len();
        assert_eq!(unblock(w, 1), Ok(true));
        assert_eq!((w.status(1), w.failed()), ("FAILED", 0));
        assert_eq!(w.run(1).head.status, RunStatus::FailedUnblocked);
        assert!(
            !w.rows.events[events..]
                .iter()
                .any(|e| e.starts_with("1.1 "))
        );
        assert_eq!(w.status(2), "IN_PROGRESS");
        assert_eq!(unblock(w, 1), Ok(false));
        assert_eq!(times(w, 1), 1);
        w.done(2, "a");
        assert_eq!(refused(unblock(w, 2)), "SUCCEEDED");
        assert!(matches!(
            unblock(w, 3),
            Err(Refusal::NoInstance { instance: 3, .. })
        ));
        ask(w, 1, Some(2));
        assert!(matches!(
            w.replies.pop(),
            Some(Err(Refusal::NotLatestRun {
                given: 2,
                latest: 1,
                ..
            }))
        ));
    });
}

#[test]
fn one_that_was_killed_in_the_queue_holds_up_too() {
    // [05:18]
    World::play(&job(), STRICT, |w| {
        for _ in 0..3 {
            w.start();
        }
        w.end(2, ActionKind::Kill).expect("killed");
        w.done(1, "a");
        assert_eq!(w.status(3), "CREATED");
        assert_eq!(unblock(w, 2), Ok(true));
        assert_eq!(w.status(3), "IN_PROGRESS");
    });
}

#[test]
fn all_are_unblocked_page_by_page() {
    World::play(&job(), STRICT, |w| {
        for _ in 0..250 {
            w.start();
        }
        w.command(Command::EndAll {
            action: ActionKind::Kill,
            user: "ana".into(),
        });
        w.report(1, "a", News::Ended(Outcome::Stopped));
        assert_eq!(w.failed(), 250);
        assert_eq!(unblock(w, 7), Ok(true));
        assert_eq!(w.start(), 251);
        assert_eq!(unblock_all(w), 249);
        assert_eq!((w.failed(), w.status(251)), (0, "IN_PROGRESS"));
        assert_eq!(unblock_all(w), 0);
        assert!((1..=250).all(|instance| times(w, instance) == 1));
    });
}

#[test]
fn answers_of_a_slow_store_unblock_once() {
    for order in [[0, 0, 0], [2, 1, 0], [1, 0, 0], [0, 1, 0]] {
        once(|w| {
            w.start();
            w.start();
            fail(w, 1);
            w.replies.clear();
            w.held = Some(Vec::new());
            ask(w, 1, None);
            ask_all(w);
            ask(w, 1, None);
            for nth in order {
                w.answer(nth);
            }
            w.held = None;
            assert_eq!((times(w, 1), w.failed(), w.replies.len()), (1, 0, 3));
            assert_eq!(w.status(2), "IN_PROGRESS");
        });
    }
}

#[test]
fn one_that_fails_while_the_store_is_asked_is_read_again() {
    once(|w| {
        w.start();
        w.held = Some(Vec::new());
        ask(w, 1, None);
        fail(w, 1);
        // What comes is the run as it was before.
        w.answer(0);
        w.answer(0);
        w.held = None;
        assert!(matches!(
            w.replies.pop(),
            Some(Ok(Reply::Unblocked { changed: true, .. }))
        ));
        let run = w.run(1);
        assert_eq!(run.head.status, RunStatus::FailedUnblocked);
        assert!(run.head.end_time.is_some(), "not the old row");
        assert_eq!((times(w, 1), w.failed()), (1, 0));
    });
}
