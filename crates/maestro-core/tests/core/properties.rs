//! Random definitions and events: whatever happens, every run ends, and memory equals the rows.

use std::fmt::Write as _;

use maestro_core::Settings;
use maestro_core::message::{News, Outcome};
use maestro_model::state::ActionKind;
use proptest::prelude::*;

use crate::world::{SHELL, World, graph};

/// What happens next to some step of some instance.
#[derive(Clone, Copy, Debug)]
enum Do {
    Start,
    Began,
    Done,
    UserError,
    PlatformError,
    Fatal,
    Stopped,
    Stop,
    Kill,
    Pass(u32),
    TakeUp,
}

fn doing() -> impl Strategy<Value = (Do, u8, u8)> {
    let what = prop_oneof![
        2 => Just(Do::Start),
        4 => Just(Do::Began),
        6 => Just(Do::Done),
        2 => Just(Do::UserError),
        1 => Just(Do::PlatformError),
        1 => Just(Do::Fatal),
        1 => Just(Do::Stopped),
        1 => Just(Do::Stop),
        1 => Just(Do::Kill),
        3 => (1_u32..200_000).prop_map(Do::Pass),
        2 => Just(Do::TakeUp),
    ];
    (what, any::<u8>(), any::<u8>())
}

/// Steps `s0..`, edges only forward.
fn definitions() -> impl Strategy<Value = String> {
    let step = (0_u8..4, 0_u8..4, any::<u32>());
    prop::collection::vec(step, 1..8).prop_map(|steps| {
        let mut edges = String::new();
        let mut bodies = Vec::new();
        for (i, (kind, mode, links)) in steps.iter().enumerate() {
            write!(edges, "s{i} ").expect("a string takes text");
            for j in i + 1..steps.len() {
                if links >> (2 * j % 32) & 3 == 0 {
                    let condition = if links >> (j % 32) & 1 == 0 {
                        "true"
                    } else {
                        "false"
                    };
                    write!(edges, "s{i}>s{j}:{condition} ").expect("a string takes text");
                }
            }
            let mode = [
                "FAIL_AFTER_RUNNING",
                "FAIL_IMMEDIATELY",
                "IGNORE_FAILURE",
                "FAIL_AFTER_RUNNING",
            ][*mode as usize];
            let work = match kind {
                0 => r#""type":"NoOp""#.to_owned(),
                1 => r#""type":"Sleep","params":{"sleep_seconds":{"type":"LONG","value":30}}"#
                    .to_owned(),
                2 => format!(r#"{SHELL},"timeout":90,"retry_policy":{{"timeout_retry_limit":1}}"#),
                _ => SHELL.to_owned(),
            };
            bodies.push((
                format!("s{i}"),
                format!(r#"{work},"failure_mode":"{mode}""#),
            ));
        }
        let types: Vec<(&str, &str)> = bodies
            .iter()
            .map(|(a, b)| (a.as_str(), b.as_str()))
            .collect();
        let mut text = graph(&edges, &types);
        text.insert_str(text.len() - 1, r#","timeout":600"#);
        text
    })
}

fn act(w: &mut World, what: Do, a: u8, b: u8) {
    let count = w.rows.workflow.as_ref().map_or(0, |row| row.last_instance);
    if count == 0 || matches!(what, Do::Start) {
        if count < 12 {
            w.start();
        }
        return;
    }
    let instance = i64::from(a) % count + 1;
    let step = format!("s{}", usize::from(b) % w.plan.steps.len());
    let news = match what {
        Do::Began => News::Started,
        Do::Done => News::Ended(Outcome::Done {
            outputs: Default::default(),
        }),
        Do::UserError => News::Ended(Outcome::UserError {
            retryable: !b.is_multiple_of(5),
        }),
        Do::PlatformError => News::Ended(Outcome::PlatformError { retryable: true }),
        Do::Fatal => News::Ended(Outcome::FatalError),
        Do::Stopped => News::Ended(Outcome::Stopped),
        Do::Stop => return drop(w.end(instance, ActionKind::Stop)),
        Do::Kill => return drop(w.end(instance, ActionKind::Kill)),
        Do::Pass(ms) => return w.pass(ms.into()),
        Do::TakeUp => return w.take_up(),
        Do::Start => return,
    };
    w.report(instance, &step, news);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn every_run_ends_and_rows_equal_memory(
        text in definitions(),
        doings in prop::collection::vec(doing(), 0..60),
        strategy in prop_oneof![Just("1"), Just("3"), Just("\"LAST_ONLY\""), Just("\"SERIAL_LATEST_ONLY\""), Just("\"FIRST_ONLY\"")],
        window in 1_usize..6,
        cascade in 1_u32..40,
    ) {
        let settings = Settings { queue_window: window, cascade, ..Settings::default() };
        let scenario = |w: &mut World| {
            for (what, a, b) in &doings {
                act(w, *what, *a, *b);
            }
            // No more faults: jobs end well, time passes, everything must finish.
            for _ in 0..200 {
                let jobs: Vec<_> = w.rows.steps.iter()
                    .filter(|(_, (s, _))| !s.status.is_terminal())
                    .map(|((run, step, attempt), _)| maestro_model::state::AttemptRef { run: *run, step: *step, attempt: *attempt })
                    .collect();
                for at in jobs {
                    w.report_at(at, News::Ended(Outcome::Done { outputs: Default::default() }));
                }
                w.pass(100_000);
                if w.rows.runs.values().all(|r| r.head.status.is_terminal()) {
                    break;
                }
            }
        };
        // Where steps queue for permits, a restart may change who is next; so only one mode at a time.
        let properties = |limit: u32| {
            format!(r#"{{"owner":"t","run_strategy":{strategy},"step_concurrency":{limit}}}"#)
        };
        let worlds = [
            World::play_with(&text, &properties(900), settings, scenario),
            World::play_once(&text, &properties(2), settings, false, scenario),
            World::play_once(&text, &properties(2), settings, true, scenario),
        ];
        for w in worlds {
            for run in w.rows.runs.values() {
                prop_assert!(run.head.status.is_terminal(), "{}", w.summary());
            }
            for (key, (state, _)) in &w.rows.steps {
                prop_assert!(state.status.is_terminal(), "{key:?}");
            }
            prop_assert_eq!(w.queued(), 0);
        }
    }
}
