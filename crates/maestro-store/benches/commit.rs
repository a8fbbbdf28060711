//! What a commit of batches like the engine's costs: runs of ten steps that go through all their statuses.
//!
//! `cargo bench -p maestro-store --bench commit -- [rounds of 2,000,000 step rows] [page size] [directory]`
//!
//! A harness of its own, since the figures of interest are how cost and size change while the store grows, and what the
//! commit and the thread beside it spend. Time includes every fsync.
#![expect(clippy::print_stdout, reason = "a benchmark reports on stdout")]
#![allow(missing_docs, reason = "a benchmark has no API")]

use std::path::Path;
use std::time::{Duration, Instant};

use maestro_model::state::{
    Conditions, InstanceRef, Origin, RowSink, RunBody, RunHead, RunKey, RunPolicy, RunRow,
    RunStatus, Stamp, StatusChange, StepState, StepStatus, StepTimes, Text, Timeline,
    TimelineEvent, WorkflowKey, WorkflowRow,
};
use maestro_store::{Batch, LiveRuns, ShardSet, Store, sqlite};
use uuid::Uuid;

const T0: i64 = 1_700_000_000_000;
const STEPS: u32 = 10;
const WORKFLOWS: i64 = 10;

/// The statuses of a step that needs no outside work.
const PATH: [StepStatus; 9] = [
    StepStatus::NotCreated,
    StepStatus::Created,
    StepStatus::Initialized,
    StepStatus::WaitingForSignals,
    StepStatus::EvaluatingParams,
    StepStatus::WaitingForPermits,
    StepStatus::Starting,
    StepStatus::Running,
    StepStatus::Succeeded,
];

fn main() {
    // `cargo bench` adds `--bench`.
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| a != "--bench")
        .collect();
    let rounds: i64 = arguments.first().and_then(|a| a.parse().ok()).unwrap_or(1);
    let page_bytes = arguments
        .get(1)
        .and_then(|a| a.parse().ok())
        .unwrap_or(4096);
    let dir = tempfile::tempdir_in(arguments.get(2).map_or(".", String::as_str))
        .expect("a directory for the store");
    let options = sqlite::Options {
        page_bytes,
        ..sqlite::Options::default()
    };
    let mut bench = Bench {
        store: sqlite::open(dir.path(), &options).expect("an empty store"),
        batch: Batch::default(),
        next: 1,
    };
    println!("page size {page_bytes}");
    for _ in 0..rounds {
        for batch in [1, 10, 100, 1000] {
            bench.measure(
                dir.path(),
                "whole runs",
                batch,
                20_000.min(batch * 300),
                Bench::whole,
            );
            bench.measure(
                dir.path(),
                "in two commits",
                batch,
                20_000.min(batch * 300),
                Bench::halves,
            );
        }
        let left = 200_000 - bench.next % 200_000;
        bench.measure(dir.path(), "whole runs", 1000, left, Bench::whole);
    }
    bench.recover();
    let (runs, memory) = (bench.next - 1, memory());
    drop(bench);
    println!(
        "{} bytes on disk per run of all {runs}, resident memory {memory}",
        disk(dir.path()) / runs.unsigned_abs()
    );
}

struct Bench {
    store: Store,
    batch: Batch,
    next: i64,
}

#[derive(Default)]
struct Spent {
    fill: Duration,
    commits: Vec<Duration>,
}

impl Bench {
    fn measure(
        &mut self,
        dir: &Path,
        what: &str,
        batch: i64,
        runs: i64,
        write: fn(&mut Self, i64, &mut Spent),
    ) {
        let (bytes, cpu) = (disk(dir), cpu());
        let mut spent = Spent::default();
        let begin = Instant::now();
        let mut done = 0;
        while done < runs {
            let size = batch.min(runs - done);
            write(self, size, &mut spent);
            done += size;
        }
        let wall = begin.elapsed();
        spent.commits.sort();
        let per_run = |d: Duration| d.as_secs_f64() * 1e6 / runs as f64;
        let commit: Duration = spent.commits.iter().sum();
        let at = |part: usize| {
            spent.commits[(spent.commits.len() - 1) * part / 1000].as_secs_f64() * 1e3
        };
        println!(
            "{what:14} batches of {batch:4}: {:7.1} us per run (fill {:.1}, commit {:.1}, process CPU {:.1}), \
             {:8.0} steps/s, commit p50 {:.2} p99 {:.2} max {:.2} ms, {:.0} bytes per run, {} steps stored",
            per_run(wall),
            per_run(spent.fill),
            per_run(commit),
            per_run(self::cpu().saturating_sub(cpu)),
            runs as f64 * f64::from(STEPS) / wall.as_secs_f64(),
            at(500),
            at(990),
            at(1000),
            disk(dir).saturating_sub(bytes) as f64 / runs as f64,
            (self.next - 1) * i64::from(STEPS),
        );
    }

    /// Runs that begin and end within one batch.
    fn whole(&mut self, runs: i64, spent: &mut Spent) {
        let begin = Instant::now();
        for key in self.next..self.next + runs {
            let row = run(key, RunStatus::Succeeded);
            self.batch.insert_run(&row);
            for step in 0..STEPS {
                self.step(&row, step, &PATH);
            }
            self.finish_run(&row);
        }
        self.next += runs;
        spent.fill += begin.elapsed();
        self.commit(spent);
    }

    /// Each run is there half-way in one commit, and ends in the next.
    fn halves(&mut self, runs: i64, spent: &mut Spent) {
        let begin = Instant::now();
        let keys = self.next..self.next + runs;
        for key in keys.clone() {
            let row = run(key, RunStatus::InProgress);
            self.batch.insert_run(&row);
            for step in 0..STEPS {
                self.step(&row, step, &PATH[..5]);
            }
        }
        spent.fill += begin.elapsed();
        self.commit(spent);
        let begin = Instant::now();
        for key in keys {
            let row = run(key, RunStatus::Succeeded);
            for step in 0..STEPS {
                self.step(&row, step, &PATH[4..]);
            }
            self.batch.update_run(row.key, &row.head);
            self.finish_run(&row);
        }
        self.next += runs;
        spent.fill += begin.elapsed();
        self.commit(spent);
    }

    fn step(&mut self, run: &RunRow, step: u32, path: &[StepStatus]) {
        let at = run.body.create_time;
        let mut changes = [(
            StatusChange::Step {
                old: path[0],
                new: path[0],
            },
            at,
        ); 8];
        for (i, pair) in path.windows(2).enumerate() {
            changes[i].0 = StatusChange::Step {
                old: pair[0],
                new: pair[1],
            };
        }
        self.batch.step(
            run.key,
            step,
            1,
            &state(path[path.len() - 1], step, at),
            None,
        );
        self.batch
            .events(run, Some((step, 1)), &changes[..path.len() - 1]);
    }

    fn finish_run(&mut self, run: &RunRow) {
        let at = run.body.create_time;
        let changes = [
            (
                StatusChange::Run {
                    old: RunStatus::PickedUp,
                    new: RunStatus::InProgress,
                },
                at,
            ),
            (
                StatusChange::Run {
                    old: RunStatus::InProgress,
                    new: RunStatus::Succeeded,
                },
                at,
            ),
        ];
        self.batch.events(run, None, &changes);
        self.batch
            .workflow(&workflow(run.workflow, run.id.instance));
    }

    fn commit(&mut self, spent: &mut Spent) {
        let begin = Instant::now();
        let done = self.store.writer.commit(&mut [&self.batch].into_iter());
        done.expect("a commit");
        spent.commits.push(begin.elapsed());
        let begin = Instant::now();
        self.batch.clear();
        spent.fill += begin.elapsed();
    }

    /// 100,000 live runs with a step each.
    fn recover(&mut self) {
        let mut spent = Spent::default();
        for _ in 0..100 {
            for key in self.next..self.next + 1000 {
                let row = run(key, RunStatus::InProgress);
                self.batch.insert_run(&row);
                self.step(&row, 0, &PATH[..8]);
            }
            self.next += 1000;
            self.commit(&mut spent);
        }
        let snapshot = self.store.readers.snapshot().expect("a snapshot");
        let begin = Instant::now();
        let mut live = 0;
        snapshot
            .live_runs(ShardSet::ALL, LiveRuns::Begun, &mut |_, steps| {
                live += steps.len();
            })
            .expect("recovery");
        println!(
            "recovery: {live} live runs with a step each in {:?}",
            begin.elapsed()
        );
    }
}

fn workflow(key: WorkflowKey, last_instance: i64) -> WorkflowRow {
    WorkflowRow {
        key,
        id: format!("team.pipeline_{}", key.0).into(),
        latest_version: 1,
        active_version: Some(1),
        last_instance,
        properties: T0,
        activate_time: Some(T0),
        activated_by: Some(r#"{"name":"someone"}"#.into()),
        modify_time: T0,
    }
}

fn run(key: i64, status: RunStatus) -> RunRow {
    let at = T0 + key / 10;
    let mut timeline = Timeline::default();
    timeline.push(TimelineEvent::info(at, Text::Dequeued));
    RunRow {
        key: RunKey(key),
        workflow: WorkflowKey(64 + key % WORKFLOWS),
        id: InstanceRef {
            instance: key / WORKFLOWS + 1,
            run: 1,
        },
        head: RunHead {
            status,
            dequeue_time: Some(at),
            start_time: Some(at),
            end_time: status.is_terminal().then_some(at + 2),
            modify_time: at + 2,
            own_result: None,
            ending: None,
            next_seq: 13,
            timeline,
        },
        body: RunBody {
            uuid: Uuid::new_v5(&Uuid::NAMESPACE_OID, &key.to_le_bytes()),
            named: false,
            version: 1,
            properties: T0,
            policy: RunPolicy::StartFreshNewRun,
            request_time: at,
            create_time: at,
            origin: Box::new(Origin {
                user: Some(r#"{"name":"someone"}"#.into()),
                ..Origin::default()
            }),
            params: None,
            timeout: None,
            dag: None,
            baseline: None,
            instance_step_concurrency: None,
            group_info: 5,
        },
    }
}

fn state(status: StepStatus, step: u32, at: i64) -> StepState {
    let mut times = StepTimes::default();
    for reached in PATH.iter().take_while(|s| **s <= status).chain([&status]) {
        if let Some(stamp) = Stamp::of(*reached) {
            times.set(stamp, at + 1);
        }
    }
    times.set(Stamp::Modify, at + 2);
    let mut timeline = Timeline::default();
    timeline.push(TimelineEvent::info(at, Text::PermitsNotNeeded));
    StepState {
        status,
        seq: step + 3,
        times,
        retries: None,
        satisfied: Some(true),
        conditions: Some(Conditions::All(true)),
        ending: None,
        artifacts: None,
        timeout: None,
        signal_outputs: None,
        timeline,
    }
}

/// Size of the database without its log.
fn disk(dir: &Path) -> u64 {
    std::fs::metadata(dir.join("maestro.db")).map_or(0, |m| m.len())
}

/// What all threads of the process have used, where the system tells.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let ticks: u64 = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|t| t.parse::<u64>().ok())
        .sum();
    Duration::from_millis(ticks * 10)
}

/// As the system prints it.
fn memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS"));
    line.unwrap_or("unknown").to_owned()
}
