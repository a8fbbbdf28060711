//! Stopping jobs, and what they leave behind.

use std::time::{Duration, Instant};

use maestro_steps::local::Outcome;
use rustix::process::Signal;

use crate::bed::{Bed, is_alive, kill, pid_of, shell, supervisor_of, wait_at, wait_gone};

// [R-08]
#[test]
fn the_whole_group_gets_term_and_a_clean_up_its_grace() {
    let bed = Bed::new();
    let (gate, file) = (bed.gate("g"), bed.path("f"));
    let script = format!(
        "trap 'sleep 0.3; echo clean >>{}; exit 0' TERM; (sleep 1000 & sleep 1000) & echo $(pgrep -g $$) >{}; wait",
        file.display(),
        gate.display()
    );
    bed.start(&shell("k", &script, ""));
    let family = wait_at(&gate);
    bed.cancel("k");
    let end = bed.ended();
    // Although the script ended with 0.
    assert_eq!(end.outcome, Outcome::Stopped, "{}", end.message);
    assert_eq!(
        std::fs::read_to_string(file).expect("was cleaned up"),
        "clean\n"
    );
    assert!(family.split(' ').count() >= 3, "{family}");
    for pid in family.split(' ') {
        assert!(!is_alive(pid), "{pid} of {family}");
    }
}

// [R-06] [07:57]
#[test]
fn what_ignores_term_is_killed_after_its_grace_and_only_then_over() {
    let bed = Bed::new();
    let gate = bed.gate("g");
    let script = format!(
        "trap '' TERM; bash -c 'trap \"\" TERM; sleep 1000' & echo $$ $! >{}; while :; do sleep 1000; done",
        gate.display()
    );
    bed.start(&shell("k", &script, r#","grace_period_secs":1"#));
    let pids = wait_at(&gate);
    let begin = Instant::now();
    bed.cancel("k");
    bed.cancel("k");
    let end = bed.ended();
    assert_eq!(end.outcome, Outcome::Stopped, "{}", end.message);
    assert!(
        begin.elapsed() >= Duration::from_secs(1),
        "{:?}",
        begin.elapsed()
    );
    for pid in pids.split(' ') {
        assert!(!is_alive(pid), "{pid}");
    }
}

#[test]
fn the_end_of_a_job_that_is_over_is_told_again_to_whoever_stops_it() {
    let bed = Bed::new();
    let first = bed.shell("exit 3");
    assert_eq!(first.outcome, Outcome::UserError);
    bed.cancel("k");
    let again = bed.ended();
    // Not what the stop would have made of it.
    assert_eq!(again.outcome, Outcome::UserError);
    assert_eq!(again.message, first.message);
}

// [R-09]
#[test]
fn a_job_ends_with_its_main_process_and_takes_what_it_left_with_it() {
    let bed = Bed::new();
    let pids = bed.path("pids");
    let script = format!(
        "nohup sleep 600 & echo $! >>{0}; setsid sleep 600 & echo $! >>{0}; (setsid -f sh -c 'echo $$ >>{0}; echo >{1}; exec sleep 600'); cat {1}; echo done",
        pids.display(),
        bed.gate("g").display()
    );
    let end = bed.shell(&script);
    assert_eq!(end.outcome, Outcome::Done, "{}", end.message);
    assert!(bed.log_text("k").ends_with("done\n"));
    let pids = std::fs::read_to_string(pids).expect("is there");
    assert_eq!(pids.lines().count(), 3);
    for pid in pids.lines() {
        assert!(!is_alive(pid), "{pid}");
    }
}

// [R-09]
#[test]
fn keep_background_spares_what_was_left_and_its_output_does_not_break() {
    let bed = Bed::new();
    let (gate, pid) = (bed.gate("g"), bed.path("pid"));
    // It writes to the job's output after the job's end: a broken pipe would end it before it comes to the gate again.
    let script = format!(
        "(cat {0} >/dev/null; echo late; echo still >{0}; exec sleep 600) & echo $! >{1}; echo done",
        gate.display(),
        pid.display()
    );
    let end = bed.run(&shell("k", &script, r#","keep_background":true"#));
    assert_eq!(
        (end.outcome, bed.log_text("k")),
        (Outcome::Done, "done\n".into())
    );
    let pid = std::fs::read_to_string(pid).expect("is there");
    assert!(is_alive(pid.trim()));
    crate::bed::open_gate(&gate);
    assert_eq!(wait_at(&gate), "still");
    kill(pid.trim(), Signal::KILL);
}

#[test]
fn a_halted_job_is_woken_to_hear_that_it_is_to_end() {
    let bed = Bed::new();
    let gate = bed.gate("g");
    let script = format!(
        "trap 'echo heard; exit 0' TERM; echo >{}; sleep 600 & wait",
        gate.display()
    );
    bed.start(&shell("k", &script, ""));
    let (_, artifact) = bed.started();
    wait_at(&gate);
    kill(&pid_of(&artifact), Signal::STOP);
    bed.cancel("k");
    assert_eq!(bed.ended().outcome, Outcome::Stopped);
    // The shell may say before that its `sleep` was ended.
    assert!(bed.log_text("k").ends_with("heard\n"));
}

#[test]
fn a_stop_at_any_moment_of_the_start_is_a_stop() {
    let bed = Bed::new();
    for n in 0..40 {
        let name = format!("k{n}");
        bed.start(&shell(&name, "sleep 600", ""));
        // From at once to well after the start.
        std::thread::sleep(Duration::from_micros(n * 150));
        bed.cancel(&name);
        let end = bed.ended();
        assert_eq!(
            (end.key.as_str(), end.outcome),
            (name.as_str(), Outcome::Stopped),
            "{}",
            end.message
        );
    }
}

// [R-02]
#[test]
fn when_the_supervisor_is_killed_nothing_of_the_job_is_left() {
    let bed = Bed::new();
    let (gate, pids) = (bed.gate("g"), bed.path("pids"));
    let script = format!(
        "echo $$ >>{0}; setsid -f sh -c 'echo $$ >>{0}; echo >{1}; exec sleep 600'; sleep 600",
        pids.display(),
        gate.display()
    );
    bed.start(&shell("k", &script, ""));
    wait_at(&gate);
    kill(&supervisor_of(&bed.claim_file("k")), Signal::KILL);
    let end = bed.ended();
    assert_eq!(end.outcome, Outcome::PlatformError);
    assert!(end.message.contains("job lost"), "{}", end.message);
    for pid in std::fs::read_to_string(pids).expect("is there").lines() {
        assert!(!is_alive(pid), "{pid}");
    }
}

#[test]
fn a_supervisor_that_somebody_else_ends_is_no_success_and_no_failure_of_the_job() {
    let bed = Bed::new();
    let gate = bed.gate("g");
    bed.start(&shell(
        "k",
        &format!("echo >{}; sleep 600", gate.display()),
        "",
    ));
    wait_at(&gate);
    let supervisor = supervisor_of(&bed.claim_file("k"));
    kill(&supervisor, Signal::TERM);
    let end = bed.ended();
    assert_eq!(end.outcome, Outcome::PlatformError);
    assert!(end.message.contains("from outside"), "{}", end.message);
    wait_gone(&supervisor);
}

#[test]
fn a_supervisor_leads_a_session_of_its_own_and_the_job_a_group() {
    let bed = Bed::new();
    let gate = bed.gate("g");
    bed.start(&shell(
        "k",
        &format!("echo >{0}; cat {0}", gate.display()),
        "",
    ));
    let (_, artifact) = bed.started();
    wait_at(&gate);
    let supervisor = supervisor_of(&bed.claim_file("k"));
    let of = |pid: &str| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("lives");
        let fields: Vec<String> = stat
            .rsplit(") ")
            .next()
            .expect("has fields")
            .split(' ')
            .map(str::to_owned)
            .collect();
        (fields[1].clone(), fields[2].clone(), fields[3].clone())
    };
    let main = pid_of(&artifact);
    assert_eq!(of(&supervisor).2, supervisor);
    assert_eq!(of(&main), (supervisor.clone(), main.clone(), supervisor));
    crate::bed::open_gate(&gate);
    assert_eq!(bed.ended().outcome, Outcome::Done);
}
