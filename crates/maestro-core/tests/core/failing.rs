//! Retries, time-outs and failure modes (spec 06 sections 5 to 7).

use maestro_core::message::{News, Outcome};
use maestro_model::state::{Stamp, StepStatus};

use crate::world::{SHELL, T0, World, graph};

const OWNER: &str = r#"{"owner":"tester"}"#;

fn shell(rest: &str) -> String {
    format!("{SHELL},{rest}")
}

#[test]
fn user_errors_are_retried_with_growing_delays() {
    // [06:11] [05:33] [06:9]
    let w = World::play(&graph("a>b", &[("a", SHELL)]), OWNER, |w| {
        w.start();
        w.user_error(1, "a");
        assert_eq!(w.summary(), "1: IN_PROGRESS a=USER_FAILED");
        w.pass(59_999);
        assert_eq!(w.summary(), "1: IN_PROGRESS a=USER_FAILED");
        w.pass(1);
        w.user_error(1, "a");
        w.pass(120_000);
        w.user_error(1, "a");
    });
    assert_eq!(
        w.summary(),
        "1: FAILED a=USER_FAILED,USER_FAILED,FATALLY_FAILED"
    );
    assert_eq!(w.jobs, ["launch a#1", "launch a#2", "launch a#3"]);
    let seqs: Vec<u32> = (1..=3).map(|n| w.step("a", n).seq).collect();
    assert_eq!(seqs, [3, 3, 3]);
    assert_eq!(w.step("a", 2).retries.as_ref().unwrap().error, 1);
    assert_eq!(
        w.timeline("a", 1).last().unwrap(),
        "Task will be retried after 1m."
    );
}

#[test]
fn each_kind_of_failure_has_its_own_limit() {
    // [06:13] [06:16]
    let policy = r#""retry_policy":{"error_retry_limit":1,"platform_retry_limit":1,
        "backoff":{"type":"FIXED_BACKOFF","error_retry_backoff_in_secs":12}}"#;
    let w = World::play(&graph("a", &[("a", &shell(policy))]), OWNER, |w| {
        w.start();
        w.user_error(1, "a");
        w.pass(12_000);
        w.report(
            1,
            "a",
            News::Ended(Outcome::PlatformError { retryable: true }),
        );
        w.pass(59_999);
        assert_eq!(w.summary(), "1: IN_PROGRESS a=USER_FAILED,PLATFORM_FAILED");
        w.pass(1);
        w.user_error(1, "a");
    });
    assert_eq!(
        w.summary(),
        "1: FAILED a=USER_FAILED,PLATFORM_FAILED,FATALLY_FAILED"
    );
    let retries = w.step("a", 3).retries.as_deref().copied().unwrap();
    assert_eq!(
        (retries.error, retries.platform, retries.exhausted),
        (1, 1, true)
    );
}

#[test]
fn a_hundred_attempts_at_most() {
    // [R-05]
    let policy = r#""retry_policy":{"error_retry_limit":99,"backoff":{"type":"EXPONENTIAL_BACKOFF",
        "error_retry_backoff_in_secs":1,"error_retry_exponent":2147483647,"error_retry_limit_in_secs":1}}"#;
    let w = World::play(&graph("a", &[("a", &shell(policy))]), OWNER, |w| {
        w.start();
        for _ in 0..99 {
            w.user_error(1, "a");
            w.pass(1000);
        }
        w.user_error(1, "a");
    });
    assert_eq!(w.status(1), "FAILED");
    assert_eq!(w.jobs.len(), 100);
    assert_eq!(w.step("a", 100).status, StepStatus::FatallyFailed);
    assert_eq!(w.run(1).head.end_time, Some(T0 + 99_000));
}

#[test]
fn output_that_forbids_a_retry_is_obeyed() {
    // [06:21] [06:22]
    let w = World::play(&graph("a", &[("a", SHELL)]), OWNER, |w| {
        w.start();
        w.report(1, "a", News::Started);
        w.report(1, "a", News::Ended(Outcome::UserError { retryable: false }));
    });
    assert_eq!(w.summary(), "1: FAILED a=FATALLY_FAILED");
    assert!(
        w.rows
            .events
            .iter()
            .any(|e| e.ends_with("USER_FAILED->FATALLY_FAILED"))
    );
    let ignoring = shell(r#""failure_mode":"IGNORE_FAILURE""#);
    let w = World::play(&graph("a>b", &[("a", &ignoring)]), OWNER, |w| {
        w.start();
        w.report(1, "a", News::Ended(Outcome::UserError { retryable: false }));
    });
    assert_eq!(
        w.summary(),
        "1: SUCCEEDED a=COMPLETED_WITH_ERROR b=SUCCEEDED"
    );
}

#[test]
fn a_fatal_failure_leaves_what_follows_out() {
    // [05:28]
    let w = World::play(&graph("a>b b>c", &[("b", SHELL)]), OWNER, |w| {
        w.start();
        w.report(1, "b", News::Ended(Outcome::FatalError));
    });
    assert_eq!(w.summary(), "1: FAILED a=SUCCEEDED b=FATALLY_FAILED");
}

#[test]
fn others_go_on_after_a_failure_unless_the_mode_says_immediately() {
    // [05:29] [06:28]
    let w = World::play(
        &graph("a>b x>y", &[("a", SHELL), ("x", SHELL)]),
        OWNER,
        |w| {
            w.start();
            w.report(1, "a", News::Ended(Outcome::FatalError));
            w.done(1, "x");
        },
    );
    assert_eq!(
        w.summary(),
        "1: FAILED a=FATALLY_FAILED x=SUCCEEDED y=SUCCEEDED"
    );
    let at_once = shell(r#""failure_mode":"FAIL_IMMEDIATELY""#);
    let w = World::play(
        &graph("a>b x>y", &[("a", &at_once), ("x", SHELL)]),
        OWNER,
        |w| {
            w.start();
            w.report(1, "x", News::Started);
            w.report(1, "a", News::Ended(Outcome::FatalError));
            assert_eq!(w.summary(), "1: IN_PROGRESS a=FATALLY_FAILED x=RUNNING");
            w.report(1, "x", News::Ended(Outcome::Stopped));
        },
    );
    assert_eq!(w.summary(), "1: FAILED a=FATALLY_FAILED x=STOPPED");
    assert_eq!(w.jobs, ["launch a#1", "launch x#1", "cancel x#1"]);
    assert!(
        w.timeline("x", 1)
            .last()
            .unwrap()
            .starts_with("User [MAESTRO_TASK] take action [STOP]")
    );
}

#[test]
fn an_ignored_failure_lets_the_run_succeed() {
    // [05:30]
    let ignoring = shell(r#""failure_mode":"IGNORE_FAILURE""#);
    let w = World::play(&graph("a>b b>c", &[("b", &ignoring)]), OWNER, |w| {
        w.start();
        w.report(1, "b", News::Ended(Outcome::FatalError));
    });
    assert_eq!(
        w.summary(),
        "1: SUCCEEDED a=SUCCEEDED b=COMPLETED_WITH_ERROR c=SUCCEEDED"
    );
}

#[test]
fn a_step_that_runs_too_long_is_ended_before_it_is_timed_out() {
    // [06:25] [05:31]
    let w = World::play(
        &graph(
            "a>b",
            &[(
                "a",
                &shell(r#""timeout":2,"failure_mode":"IGNORE_FAILURE""#),
            )],
        ),
        OWNER,
        |w| {
            w.start();
            w.report(1, "a", News::Started);
            w.pass(1999);
            assert_eq!(w.jobs, ["launch a#1"]);
            w.pass(1);
            assert_eq!(w.jobs, ["launch a#1", "cancel a#1"]);
            assert_eq!(w.summary(), "1: IN_PROGRESS a=RUNNING");
            w.report(1, "a", News::Ended(Outcome::Stopped));
        },
    );
    assert_eq!(w.summary(), "1: TIMED_OUT a=TIMED_OUT");
}

#[test]
fn a_timed_out_attempt_is_retried_only_when_it_is_gone() {
    // [06:26] [R-06]
    let policy = r#""timeout":3,"retry_policy":{"timeout_retry_limit":1}"#;
    let w = World::play(&graph("a", &[("a", &shell(policy))]), OWNER, |w| {
        w.start();
        w.report(1, "a", News::Started);
        w.pass(3000);
        w.pass(100_000);
        assert_eq!(
            w.jobs,
            ["launch a#1", "cancel a#1"],
            "no second attempt while the first one lives"
        );
        // What it was doing ended well in the end; it is timed out all the same (spec 06 RT-5).
        w.report(
            1,
            "a",
            News::Ended(Outcome::Done {
                outputs: Default::default(),
            }),
        );
        assert_eq!(w.summary(), "1: IN_PROGRESS a=TIMEOUT_FAILED");
        w.pass(60_000);
        w.report(1, "a", News::Started);
        w.pass(3000);
        w.report(1, "a", News::Ended(Outcome::Stopped));
    });
    assert_eq!(w.summary(), "1: TIMED_OUT a=TIMEOUT_FAILED,TIMED_OUT");
}

#[test]
fn a_sleeping_step_times_out_at_once() {
    // [06:25]
    let sleep =
        r#""type":"Sleep","timeout":2,"params":{"sleep_seconds":{"type":"LONG","value":60}}"#;
    let w = World::play(&graph("a", &[("a", sleep)]), OWNER, |w| {
        w.start();
        w.pass(2000);
    });
    assert_eq!(w.summary(), "1: TIMED_OUT a=TIMED_OUT");
    assert_eq!(w.deadline(), None, "nothing is left to fire later");
}

#[test]
fn the_run_times_out_with_all_its_steps() {
    // [05:34] [06:84] [09:33]
    let mut text = graph(
        "a b c",
        &[("a", SHELL), ("b", SHELL), ("c", r#""type":"Sleep""#)],
    );
    text.insert_str(text.len() - 1, r#","timeout":2"#);
    let w = World::play(&text, OWNER, |w| {
        w.start();
        w.report(1, "a", News::Started);
        w.user_error(1, "b");
        w.pass(2000);
        assert_eq!(
            w.summary(),
            "1: IN_PROGRESS a=RUNNING b=USER_FAILED,TIMED_OUT c=TIMED_OUT"
        );
        w.report(1, "a", News::Ended(Outcome::Stopped));
    });
    // A step in back-off gets its next attempt, which ends at once; the failed one stays as it is.
    assert_eq!(
        w.summary(),
        "1: TIMED_OUT a=TIMED_OUT b=USER_FAILED,TIMED_OUT c=TIMED_OUT"
    );
    assert_eq!(
        w.timeline("c", 1).len(),
        2,
        "no entry for the time-out of the run"
    );
    assert_eq!(w.deadline(), None);
}

#[test]
fn a_back_off_survives_a_restart_with_its_rest() {
    // [06:20] [09:20] [09:21] [09:31]
    let mut w = World::new(&graph("a", &[("a", SHELL)]), OWNER);
    w.start();
    w.user_error(1, "a");
    w.now += 40_000;
    w.take_up();
    w.pass(19_999);
    assert_eq!(w.jobs, ["launch a#1"]);
    w.pass(1);
    assert_eq!(w.jobs, ["launch a#1", "launch a#2"]);
    w.user_error(1, "a");
    // Longer away than the delay: at once.
    w.now += 500_000;
    w.take_up();
    w.pass(0);
    assert_eq!(w.jobs.last().unwrap(), "launch a#3");
}

#[test]
fn lengths_survive_a_jump_of_the_clock() {
    // [R-24]
    let sleep = r#""type":"Sleep","params":{"sleep_seconds":{"type":"LONG","value":60}}"#;
    let mut w = World::new(&graph("a b", &[("a", sleep), ("b", SHELL)]), OWNER);
    w.start();
    w.user_error(1, "b");
    w.pass(20_000);
    w.now += 7_200_000;
    w.feed(maestro_core::message::Event::ClockShift(7_200_000));
    w.pass(39_999);
    assert_eq!(w.summary(), "1: IN_PROGRESS a=RUNNING b=USER_FAILED");
    w.pass(2);
    assert_eq!(
        w.summary(),
        "1: IN_PROGRESS a=SUCCEEDED b=USER_FAILED,STARTING"
    );
}

#[test]
fn late_reports_of_an_old_attempt_are_stale() {
    let mut w = World::new(&graph("a", &[("a", SHELL)]), OWNER);
    w.start();
    let first = w.at(1, "a");
    w.user_error(1, "a");
    w.report_at(first, News::Ended(Outcome::FatalError));
    w.pass(60_000);
    w.report_at(first, News::Ended(Outcome::FatalError));
    w.report_at(first, News::Started);
    assert_eq!(w.summary(), "1: IN_PROGRESS a=USER_FAILED,STARTING");
    assert_eq!(w.step("a", 1).times.get(Stamp::End), Some(T0));
}

#[test]
fn waiting_for_a_permit_is_not_part_of_the_time_out() {
    // [R-07], the part that permits have in it; breakpoints and signals come with their issues.
    let sleep =
        r#""type":"Sleep","timeout":10,"params":{"sleep_seconds":{"type":"LONG","value":5}}"#;
    let text = graph("a b", &[("a", SHELL), ("b", sleep)]);
    let w = World::play(&text, r#"{"owner":"t","step_concurrency":1}"#, |w| {
        w.start();
        w.pass(30_000);
        assert_eq!(
            w.summary(),
            "1: IN_PROGRESS a=STARTING b=WAITING_FOR_PERMITS"
        );
        w.done(1, "a");
        w.pass(5_001);
        let events = w.rows.events.len();
        w.pass(60_000);
        assert_eq!(w.rows.events.len(), events, "nothing fires later");
    });
    assert_eq!(w.summary(), "1: SUCCEEDED a=SUCCEEDED b=SUCCEEDED");
}
