//! The smoke set of seeds, and planted faults that the checkers must find within it.

use maestro_sim::{Bug, Edges, Ground, Swarm, play};

fn folder() -> tempfile::TempDir {
    let memory = std::path::Path::new("/dev/shm");
    if memory.is_dir() {
        tempfile::tempdir_in(memory)
    } else {
        tempfile::tempdir()
    }
    .expect("a folder")
}

/// Plays a range of seeds; the first broken promise, if any, with the seed.
fn seeds(range: std::ops::Range<u64>, bug: Option<Bug>, edges: &mut Edges) -> Result<(), String> {
    for share in range.clone().step_by(200) {
        let dir = folder();
        let mut ground = Ground::new(dir.path()).expect("a store");
        for seed in share..(share + 200).min(range.end) {
            let swarm = Swarm::draw(seed, bug);
            let outcome = play(&swarm, &mut ground).map_err(|broken| {
                format!("{swarm}\n{broken}\nagain: cargo run -p maestro-sim -- --from {seed} --seeds 1 --threads 1")
            })?;
            edges.add(&outcome.edges);
        }
    }
    Ok(())
}

fn clean(range: std::ops::Range<u64>) {
    let mut edges = Edges::default();
    if let Err(broken) = seeds(range, None, &mut edges) {
        panic!("{broken}");
    }
    assert_eq!(edges.missing(), [], "transitions that no seed took");
}

#[test]
fn promises_hold_under_faults_first_half() {
    // [05:58] [05:59] [09:28] [09:34] [09:52] [09:54]
    clean(0..5_000);
}

#[test]
fn promises_hold_under_faults_second_half() {
    clean(5_000..10_000);
}

fn is_found(bug: Bug) {
    let found = seeds(0..5_000, Some(bug), &mut Edges::default());
    assert!(found.is_err(), "{bug:?} was not found");
}

#[test]
fn a_launch_before_its_commit_is_found() {
    is_found(Bug::EarlyLaunch);
}

#[test]
fn a_lost_timer_is_found() {
    is_found(Bug::LostTimer);
}

#[test]
fn a_stale_report_that_is_applied_is_found() {
    is_found(Bug::StaleReport);
}
