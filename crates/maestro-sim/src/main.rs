//! Plays seeds until one breaks a promise, or the time is over.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use clap::Parser;
use maestro_sim::{Edges, Ground, Swarm, play};

/// Seeds that share a store.
const SHARE: u32 = 200;

#[derive(Parser)]
#[command(
    name = "maestro-sim",
    about = "Play random workflows with faults in virtual time"
)]
struct Args {
    /// Seeds to play
    #[arg(long, default_value_t = 10_000)]
    seeds: u64,
    /// The first seed
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Go on with further seeds until so many minutes have passed
    #[arg(long)]
    minutes: Option<u64>,
    /// Threads
    #[arg(long, default_value_t = 2)]
    threads: u64,
    /// Print the options of each seed
    #[arg(long)]
    verbose: bool,
}

#[expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the output of the program"
)]
fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let began = Instant::now();
    let deadline = args.minutes.map(|m| began + Duration::from_secs(m * 60));
    let (next, failed) = (AtomicU64::new(args.from), AtomicBool::new(false));
    let totals = Mutex::new((0_u64, 0_u64, 0_u64, 0_u64, Edges::default()));
    std::thread::scope(|scope| {
        for _ in 0..args.threads {
            scope.spawn(|| {
                let mut ground: Option<(Ground, tempfile::TempDir)> = None;
                while !failed.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    let more = match deadline {
                        Some(deadline) => Instant::now() < deadline,
                        None => seed < args.from + args.seeds,
                    };
                    if !more {
                        return;
                    }
                    if ground.as_ref().is_none_or(|(ground, _)| ground.seeds >= SHARE) {
                        // The old store goes before the new one comes.
                        drop(ground.take());
                        let Ok(dir) = maestro_sim_folder() else { return };
                        match Ground::new(dir.path()) {
                            Ok(fresh) => ground = Some((fresh, dir)),
                            Err(error) => return eprintln!("{error}"),
                        }
                    }
                    let Some((ground, _)) = &mut ground else { return };
                    let swarm = Swarm::draw(seed, None);
                    if args.verbose {
                        println!("{swarm}");
                    }
                    match play(&swarm, ground) {
                        Ok(outcome) => {
                            if let Ok(mut totals) = totals.lock() {
                                totals.0 += 1;
                                totals.1 += outcome.events;
                                totals.2 += u64::from(outcome.crashes);
                                totals.3 += u64::from(outcome.lost);
                                totals.4.add(&outcome.edges);
                            }
                        }
                        Err(broken) => {
                            failed.store(true, Ordering::Relaxed);
                            println!("{swarm}");
                            println!("BROKEN: {broken}");
                            println!("again: cargo run -p maestro-sim -- --from {seed} --seeds 1 --threads 1");
                        }
                    }
                }
            });
        }
    });
    let (seeds, events, crashes, lost, edges) = totals.into_inner().unwrap_or_default();
    println!(
        "{seeds} seeds, {events} events, {crashes} crashes survived, {lost} reports lost, {:.1} s",
        began.elapsed().as_secs_f64()
    );
    for (old, new) in edges.missing().into_iter().filter(|_| seeds > 1_000) {
        println!("never taken: {} -> {}", old.as_str(), new.as_str());
    }
    if failed.load(Ordering::Relaxed) {
        std::process::exit(1);
    }
    Ok(())
}

/// A folder in memory where there is one: the disk is not what is simulated.
fn maestro_sim_folder() -> std::io::Result<tempfile::TempDir> {
    let memory = std::path::Path::new("/dev/shm");
    if memory.is_dir() {
        tempfile::tempdir_in(memory)
    } else {
        tempfile::tempdir()
    }
}
