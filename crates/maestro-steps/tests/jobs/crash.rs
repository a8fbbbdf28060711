//! Servers that are killed, and the next one on the same folder.

use std::collections::HashSet;
use std::fs;

use maestro_steps::local::Outcome;
use rustix::process::Signal;

use crate::bed::{
    Bed, Server, gate, is_alive, jobs, key, kill, kill_group, open_gate, pid_of, settings, shell,
    supervisor_of, text_of, wait_at, wait_gone,
};

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

// [R-01] [07:60]
#[test]
fn a_job_outlives_its_server_and_is_found_again() {
    let dir = folder();
    let (gate, pids) = (gate(dir.path(), "g"), dir.path().join("pids"));
    let script = format!(
        "echo before; echo $$ >>{}; echo >{1}; cat {1} >/dev/null; echo after; exit 7",
        pids.display(),
        gate.display()
    );
    let json = shell("k", &script, "");
    let mut server = Server::on(&dir);
    server.tell("start", &json);
    let line = server.line();
    wait_at(&gate);
    server.kill();

    let bed = Bed::on(dir, settings());
    bed.adopt(&json);
    let (name, artifact) = bed.started();
    assert_eq!(format!("started {name} {}", pid_of(&artifact)), line);
    open_gate(&gate);
    let end = bed.ended();
    assert_eq!(end.outcome, Outcome::UserError, "{}", end.message);
    assert!(end.message.contains("exit code 7"), "{}", end.message);
    assert_eq!(bed.log_text("k"), "before\nafter\n");
    assert_eq!(
        fs::read_to_string(pids).expect("is there").lines().count(),
        1
    );
}

// [R-01]
#[test]
fn a_job_that_ended_while_no_server_was_there_is_reported_with_its_status() {
    let dir = folder();
    let gate = gate(dir.path(), "g");
    let json = shell(
        "k",
        &format!(
            "echo >{0}; cat {0}; echo {{\\\"params\\\":{{}}}} >$MAESTRO_OUTPUT_FILE; exit 5",
            gate.display()
        ),
        r#","fatal_exit_codes":[5]"#,
    );
    let mut server = Server::on(&dir);
    server.tell("start", &json);
    server.line();
    wait_at(&gate);
    server.kill();
    let supervisor = supervisor_of(&jobs(&dir).join("claims/k"));
    open_gate(&gate);
    wait_gone(&supervisor);

    let bed = Bed::on(dir, settings());
    bed.adopt(&json);
    let end = bed.ended();
    assert_eq!(end.outcome, Outcome::FatalError, "{}", end.message);
    assert_eq!(text_of(&end, "/execution_output"), "go\n");
    assert!(
        end.artifact
            .is_some_and(|a| a.json.pointer("/start_time").is_some())
    );
}

// [R-02]
#[test]
fn when_server_supervisor_and_job_die_together_the_job_is_lost() {
    for stop in [false, true] {
        let dir = folder();
        let gate = gate(dir.path(), "g");
        let json = shell("k", &format!("echo $$ >{}; sleep 600", gate.display()), "");
        let mut server = Server::on(&dir);
        server.tell("start", &json);
        server.line();
        let main = wait_at(&gate);
        let supervisor = supervisor_of(&jobs(&dir).join("claims/k"));
        server.kill();
        kill(&supervisor, Signal::KILL);
        kill_group(&main, Signal::KILL);
        wait_gone(&supervisor);

        let bed = Bed::on(dir, settings());
        if stop {
            // Also of an attempt that this server was not told of.
            bed.cancel("k");
            let end = bed.ended();
            assert_eq!(end.outcome, Outcome::Stopped, "{}", end.message);
        } else {
            bed.adopt(&json);
            let end = bed.ended();
            assert_eq!(end.outcome, Outcome::PlatformError);
            assert!(end.message.contains("job lost"), "{}", end.message);
        }
    }
}

// [R-02]
#[test]
fn what_a_killed_supervisor_left_is_ended_before_the_job_is_called_lost() {
    let dir = folder();
    let gate = gate(dir.path(), "g");
    let json = shell(
        "k",
        &format!("setsid sleep 600 & echo $$ $! >{}; wait", gate.display()),
        "",
    );
    let mut server = Server::on(&dir);
    server.tell("start", &json);
    server.line();
    let pids = wait_at(&gate);
    server.kill();
    let supervisor = supervisor_of(&jobs(&dir).join("claims/k"));
    kill(&supervisor, Signal::KILL);
    wait_gone(&supervisor);
    for pid in pids.split(' ') {
        assert!(is_alive(pid), "{pid}");
    }

    let bed = Bed::on(dir, settings());
    bed.adopt(&json);
    assert_eq!(bed.ended().outcome, Outcome::PlatformError);
    for pid in pids.split(' ') {
        assert!(!is_alive(pid), "{pid}");
    }
}

// [R-03]
#[test]
fn a_stranger_with_the_number_of_supervisor_and_job_is_neither_waited_for_nor_killed() {
    for stop in [false, true] {
        let bed = Bed::new();
        let mut stranger = std::process::Command::new("sleep")
            .arg("600")
            .spawn()
            .expect("spawns");
        let identity = format!(r#"{{"pid":{},"start_ticks":5,"boot":"b"}}"#, stranger.id());
        fs::create_dir_all(bed.job_file("k", "")).expect("makes");
        fs::write(
            bed.claim_file("k"),
            format!(r#"{{"Supervisor":{identity}}}"#),
        )
        .expect("writes");
        fs::write(
            bed.job_file("k", "main.json"),
            format!(r#"{{"process":{identity},"started_at":1}}"#),
        )
        .expect("writes");
        bed.adopt(&shell("k", "true", ""));
        if stop {
            bed.cancel("k");
        }
        let end = bed.ended();
        let expected = if stop {
            vec![Outcome::Stopped, Outcome::PlatformError]
        } else {
            vec![Outcome::PlatformError]
        };
        // A stop may come when the loss is reported already.
        assert!(expected.contains(&end.outcome), "{end:?}");
        assert!(end.message.contains("job lost"), "{}", end.message);
        assert!(is_alive(&stranger.id().to_string()));
        stranger.kill().expect("is ours");
        stranger.wait().expect("is ours");
    }
}

#[test]
fn a_job_that_nobody_had_claimed_is_started_by_the_next_server() {
    let bed = Bed::new();
    // The folder is there: the server died between making it and starting the supervisor.
    fs::create_dir_all(bed.job_file("k", "work")).expect("makes");
    fs::write(bed.job_file("k", "job.json"), "half writ").expect("writes");
    bed.adopt(&shell("k", "echo ran", ""));
    assert_eq!(bed.ended().outcome, Outcome::Done);
    assert_eq!(bed.log_text("k"), "ran\n");
}

// Design, rule 5: the first claim wins, the loser never starts.
#[test]
fn a_job_that_was_cancelled_before_its_start_never_starts() {
    let dir = folder();
    let mut server = Server::on(&dir);
    server.tell("cancel", "k");
    assert_eq!(server.line(), "ended k Stopped");
    server.kill();
    // A supervisor that is on its way meets the claim, as does a launch by the next server.
    let file = dir.path().join("ran");
    let bed = Bed::on(dir, settings());
    assert!(bed.claim_file("k").exists());
    bed.adopt(&shell("k", &format!("touch {}", file.display()), ""));
    assert_eq!(bed.ended().outcome, Outcome::Stopped);
    assert!(!file.exists());
}

// Design, rule 5.
#[test]
fn two_supervisors_of_one_job_start_it_once() {
    use std::io::Write;
    use std::process::{Command, Stdio};
    let bed = Bed::new();
    let file = bed.path("ran");
    let first = bed.run(&shell("k", &format!("echo x >>{}", file.display()), ""));
    assert_eq!(first.outcome, Outcome::Done);
    // As if neither had got far: many at once, of one folder without a claim.
    fs::remove_file(bed.claim_file("k")).expect("is there");
    fs::remove_file(bed.job_file("k", "exit.json")).expect("is there");
    fs::remove_file(&file).expect("is there");
    let supervisors: Vec<_> = (0..8)
        .map(|_| {
            let mut command = settings().supervisor.into_iter();
            let mut child = Command::new(command.next().expect("has a program"))
                .args(command)
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .spawn()
                .expect("spawns");
            let mut input = child.stdin.take().expect("is piped");
            writeln!(
                input,
                "{}",
                bed.job_file("k", "")
                    .display()
                    .to_string()
                    .trim_end_matches('/')
            )
            .expect("listens");
            child
        })
        .collect();
    for mut supervisor in supervisors {
        assert!(supervisor.wait().expect("ends").success());
    }
    assert_eq!(fs::read_to_string(file).expect("is there"), "x\n");
}

#[test]
fn a_stop_after_a_restart_reaches_the_job_of_the_server_before() {
    let dir = folder();
    let gate = gate(dir.path(), "g");
    let json = shell("k", &format!("echo $$ >{}; sleep 600", gate.display()), "");
    let mut server = Server::on(&dir);
    server.tell("start", &json);
    server.line();
    let main = wait_at(&gate);
    server.kill();
    let bed = Bed::on(dir, settings());
    bed.adopt(&json);
    bed.cancel("k");
    assert_eq!(bed.ended().outcome, Outcome::Stopped);
    assert!(!is_alive(&main));
}

#[test]
fn attempts_that_share_a_job_share_it_after_a_restart() {
    let dir = folder();
    let (gate, file) = (gate(dir.path(), "g"), dir.path().join("f"));
    let script = format!(
        "echo x >>{}; echo >{1}; cat {1}",
        file.display(),
        gate.display()
    );
    let more = r#","job_deduplication_key":"d""#;
    let (a, b) = (shell("a", &script, more), shell("b", &script, more));
    let mut server = Server::on(&dir);
    server.tell("start", &a);
    server.line();
    wait_at(&gate);
    server.tell("start", &b);
    assert!(server.line().starts_with("started b "));
    server.kill();
    let supervisor = supervisor_of(&jobs(&dir).join("claims/a"));
    open_gate(&gate);
    wait_gone(&supervisor);
    let bed = Bed::on(dir, settings());
    bed.adopt(&b);
    bed.adopt(&a);
    let mut names = [bed.ended(), bed.ended()].map(|end| {
        assert_eq!(end.outcome, Outcome::Done, "{}", end.message);
        end.key.to_string()
    });
    names.sort_unstable();
    assert_eq!(names, ["a", "b"]);
    assert_eq!(fs::read_to_string(file).expect("is there"), "x\n");
}

#[test]
fn a_sweep_removes_what_no_attempt_needs() {
    let bed = Bed::new();
    bed.run(&shell("ended", "true", ""));
    for name in ["known", "stray"] {
        fs::create_dir_all(bed.job_file(name, "work")).expect("makes");
    }
    fs::write(bed.claim_file("stray2"), "").expect("writes");
    bed.runtimes.sweep(HashSet::from([key("known")]));
    bed.start(r#"{"key":"bad","step":{}}"#);
    bed.ended();
    let left: Vec<bool> = ["ended", "known", "stray"]
        .map(|name| bed.job_file(name, "").exists())
        .into();
    assert_eq!(left, [true, true, false]);
    assert!(!bed.claim_file("stray2").exists() && bed.claim_file("ended").exists());
}

#[test]
fn the_folder_of_another_server_is_refused_until_that_is_dead() {
    use maestro_steps::local::OpenError;
    use maestro_steps::runtimes::Runtimes;
    let dir = folder();
    let mut server = Server::on(&dir);
    server.tell("cancel", "k");
    server.line();
    let opened = Runtimes::open(&jobs(&dir), settings(), |_| {});
    assert!(matches!(opened, Err(OpenError::InUse(_))), "{opened:?}");
    server.kill();
    Runtimes::open(&jobs(&dir), settings(), |_| {}).expect("is free");
}
