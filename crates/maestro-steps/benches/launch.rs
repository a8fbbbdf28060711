//! How long a job takes that does nothing, from `launch()` to its `Ended`.
//!
//! `cargo bench -p maestro-steps --bench launch`; needs `/bin/bash`.

#![expect(clippy::print_stdout, reason = "figures are what it is for")]

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use maestro_steps::local::{
    CommandLine, Event, Job, JobIdentity, JobKey, Label, LocalExecutor, LocalSettings,
};
use maestro_steps::outputs::Declared;
use maestro_steps::supervisor;

fn job(key: &str, script: &str) -> Job {
    Job {
        identity: JobIdentity {
            workflow_id: "bench".into(),
            instance_id: 1,
            run_id: 1,
            step_id: "step".into(),
            attempt_id: 1,
            key: JobKey::new(key).expect("is plain"),
            root: ("bench".into(), 1),
        },
        dedup_key: None,
        command: CommandLine {
            before: ["/bin/bash", "-euo", "pipefail"]
                .map(str::to_owned)
                .to_vec(),
            script: Some(script.into()),
            after: Vec::new(),
        },
        env: BTreeMap::new(),
        params: b"{}".to_vec(),
        workdir: None,
        grace: Duration::from_secs(30),
        fatal_exit_codes: Vec::new(),
        keep_background: false,
        memory_bytes: None,
        first_log_line: None,
        declared: Declared::default(),
        needs_file: None,
        label: Label::default(),
    }
}

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    if args.next().is_some_and(|arg| arg == supervisor::SUBCOMMAND) {
        return supervisor::main(args);
    }
    bare_shell();
    for spare_supervisor in [false, true] {
        let dir = tempfile::tempdir().expect("a folder");
        let (send, events) = channel();
        let settings = LocalSettings {
            spare_supervisor,
            ..LocalSettings::default()
        };
        let executor = LocalExecutor::open(dir.path(), settings, move |event| {
            let _ = send.send(event);
        })
        .expect("opens");
        println!("spare supervisor: {spare_supervisor}");
        one_after_another(&executor, &events, "true");
        at_once(&executor, &events);
        flood(&executor, &events);
    }
    ExitCode::SUCCESS
}

/// What the shell itself costs: no job can be faster.
fn bare_shell() {
    let dir = tempfile::tempdir().expect("a folder");
    let script = dir.path().join("script");
    std::fs::write(&script, "true").expect("writes");
    let mut times: Vec<Duration> = (0..200)
        .map(|_| {
            let begin = Instant::now();
            let status = std::process::Command::new("/bin/bash")
                .args(["-euo", "pipefail"])
                .arg(&script)
                .status();
            assert!(status.is_ok_and(|status| status.success()));
            begin.elapsed()
        })
        .collect();
    times.sort_unstable();
    println!("the shell alone: p50 {:?}", times[100]);
}

fn next_end(events: &Receiver<Event>) -> JobKey {
    loop {
        if let Event::Ended(ended) = events.recv().expect("the executor lives") {
            assert_eq!(ended.exit_code, Some(0), "{}", ended.message);
            return ended.key;
        }
    }
}

fn one_after_another(executor: &LocalExecutor, events: &Receiver<Event>, script: &str) {
    let mut times: Vec<Duration> = Vec::new();
    for round in 0..5 {
        let begin = Instant::now();
        for n in 0..40 {
            let launched = Instant::now();
            executor.launch(job(&format!("s{round}-{n}"), script));
            let key = next_end(events);
            times.push(launched.elapsed());
            executor.release(&key);
        }
        println!("  40 one after another: {:?}", begin.elapsed());
    }
    times.sort_unstable();
    println!(
        "  launch to end: p50 {:?}, p90 {:?}, max {:?}",
        times[times.len() / 2],
        times[times.len() * 9 / 10],
        times[times.len() - 1]
    );
}

fn at_once(executor: &LocalExecutor, events: &Receiver<Event>) {
    let begin = Instant::now();
    for n in 0..500 {
        executor.launch(job(&format!("p{n}"), "true"));
    }
    for _ in 0..500 {
        let key = next_end(events);
        executor.release(&key);
    }
    println!("  500 at once: {:?}", begin.elapsed());
}

fn flood(executor: &LocalExecutor, events: &Receiver<Event>) {
    let begin = Instant::now();
    executor.launch(job(
        "flood",
        "head -c 1000000000 /dev/zero | tr '\\0' a | fold -w 200",
    ));
    let key = next_end(events);
    let log = executor.read_log(&key, u64::MAX / 2, 1).expect("reads");
    println!("  a log of {} bytes: {:?}", log.end, begin.elapsed());
    let status = std::fs::read_to_string("/proc/self/status").expect("reads");
    let peak = status.lines().find(|line| line.starts_with("VmHWM"));
    println!("  peak memory of the server: {}", peak.unwrap_or_default());
    executor.release(&key);
}
