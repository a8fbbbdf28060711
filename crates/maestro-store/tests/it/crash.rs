//! A process that commits is killed: what it acknowledged is there, and nothing by halves.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use maestro_model::state::{RowSink, RunKey, RunStatus, StepStatus, WorkflowKey};
use maestro_store::{Batch, CommitError, Store, sqlite};

use crate::build::{run, state, workflow};

const DIR: &str = "MAESTRO_STORE_TEST_DIR";
const STEPS: u32 = 10;

/// Small, so that checkpoints happen in the time of a test.
fn options() -> sqlite::Options {
    sqlite::Options {
        checkpoint_bytes: 256 << 10,
        ..sqlite::Options::default()
    }
}

/// Commits a run after the other, and says so on stdout. Ends only when a commit fails.
#[test]
#[ignore = "this is the process that the other tests kill"]
fn child() {
    let Some(dir) = std::env::var_os(DIR) else {
        return;
    };
    let mut store = sqlite::open(dir.as_ref(), &options()).unwrap();
    let snapshot = store.readers.snapshot().unwrap();
    let last = snapshot.largest_run_key().unwrap().map_or(0, |key| key.0);
    drop(snapshot);
    let mut out = std::io::stdout();
    let mut batch = Batch::default();
    for key in last + 1.. {
        fill(&mut batch, key);
        match store.writer.commit(&mut [&batch].into_iter()) {
            Ok(()) => writeln!(out, "\nacknowledged {key}").unwrap(),
            Err(error) => {
                let kind = if error.is_retry() { "retry" } else { "fatal" };
                // The same again: as long as the trouble lasts, so does the answer.
                let again = store.writer.commit(&mut [&batch].into_iter());
                assert_eq!(again.err().map(|e| e.is_retry()), Some(error.is_retry()));
                writeln!(out, "\nrefused {key} {kind}").unwrap();
                return;
            }
        }
        out.flush().unwrap();
    }
}

fn fill(batch: &mut Batch, key: i64) {
    batch.clear();
    let mut flow = workflow(64, "etl");
    flow.last_instance = key;
    batch.workflow(&flow);
    batch.insert_run(&run(key, 64, key, 1, RunStatus::Queued));
    for step in 0..STEPS {
        batch.step(
            RunKey(key),
            step,
            1,
            &state(StepStatus::Running, 3),
            Some("0123456789"),
        );
    }
    if key > 1 {
        let mut before = run(key - 1, 64, key - 1, 1, RunStatus::Succeeded);
        before.head.modify_time += 1;
        batch.update_run(before.key, &before.head);
    }
}

fn command(dir: &Path, shell: &str) -> Command {
    let mut command = Command::new("sh");
    command
        .args(["-c", &format!("{shell} exec \"$0\" \"$@\"")])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "crash::child", "--ignored", "--nocapture"])
        .env(DIR, dir)
        .stdout(Stdio::piped());
    command
}

fn number(line: &str, word: &str) -> Option<i64> {
    let rest = line.strip_prefix(word)?;
    rest.split_whitespace().next()?.parse().ok()
}

/// All runs up to `acknowledged` are there, with all their steps; one more may be.
fn check(dir: &Path, acknowledged: i64) -> Store {
    let store = sqlite::open(dir, &options()).unwrap();
    let snapshot = store.readers.snapshot().unwrap();
    let last = snapshot.largest_run_key().unwrap().map_or(0, |key| key.0);
    assert!(
        last == acknowledged || last == acknowledged + 1,
        "{acknowledged} were acknowledged, {last} are there"
    );
    for key in 1..=last {
        let row = snapshot.run_by_key(RunKey(key)).unwrap().unwrap();
        let status = if key == last {
            RunStatus::Queued
        } else {
            RunStatus::Succeeded
        };
        assert_eq!(row.head.status, status, "run {key} of {last}");
        assert_eq!(snapshot.steps(RunKey(key)).unwrap().len(), STEPS as usize);
    }
    let flow = snapshot.workflow_by_key(WorkflowKey(64)).unwrap().unwrap();
    assert_eq!(flow.last_instance, last);
    drop(snapshot);
    store
}

#[test]
fn what_was_acknowledged_survives_kill_9() {
    let dir = tempfile::tempdir().unwrap();
    let mut acknowledged = 0;
    for round in [1, 40, 300] {
        let mut child = command(dir.path(), "").spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = acknowledged;
        while acknowledged < first + round {
            let line = lines
                .next()
                .expect("the child commits until it is killed")
                .unwrap();
            acknowledged = number(&line, "acknowledged ").unwrap_or(acknowledged);
        }
        child.kill().unwrap();
        child.wait().unwrap();
        // What it said before it died; the last line may be cut.
        let mut rest = String::new();
        while let Some(Ok(line)) = lines.next() {
            rest = line;
            acknowledged = number(&rest, "acknowledged ")
                .filter(|n| *n == acknowledged + 1)
                .unwrap_or(acknowledged);
        }
        drop(rest);
        check(dir.path(), acknowledged);
    }
}

#[test]
fn a_disk_that_takes_no_more_costs_nothing_that_was_acknowledged() {
    // A limit on the size of files is what an unprivileged test can do to a disk: writes fail, at any place.
    let dir = tempfile::tempdir().unwrap();
    let mut child = command(dir.path(), "ulimit -f 1024; trap '' XFSZ;")
        .spawn()
        .unwrap();
    let mut said = String::new();
    child
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    child.wait().unwrap();
    let acknowledged = said
        .lines()
        .filter_map(|l| number(l, "acknowledged "))
        .next_back();
    let refused = said.lines().find(|l| l.starts_with("refused "));
    let acknowledged = acknowledged.expect("some commits fit");
    assert_eq!(
        refused,
        Some(&*format!("refused {} retry", acknowledged + 1)),
        "{said}"
    );
    let mut store = check(dir.path(), acknowledged);
    let mut batch = Batch::default();
    fill(&mut batch, acknowledged + 1);
    let done: Result<(), CommitError> = store.writer.commit(&mut [&batch].into_iter());
    done.unwrap();
    drop(store);
    check(dir.path(), acknowledged + 1);
}
