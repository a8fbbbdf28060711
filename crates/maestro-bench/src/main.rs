//! Load generator: measures a server through its API, and the engine in process.
//!
//! Figures go to `docs/benchmarks.md` with the command that made them. Nothing here asserts a time.

mod definitions;
mod http;
mod inproc;
mod report;
mod server;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "maestro-bench", about = "Measure the speed of maestro")]
struct Args {
    #[command(subcommand)]
    what: What,
    /// Write the figures as JSON lines instead of a table
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum What {
    /// The engine in this process, without HTTP
    Inproc(inproc::Options),
    /// A release server through its API, all workloads
    Http(http::Options),
    /// A release server through its API: pushes and reads at a pace, and many stored definitions
    Definitions(definitions::Options),
}

fn main() -> anyhow::Result<()> {
    let mut args = std::env::args_os();
    if args
        .nth(1)
        .is_some_and(|a| a == maestro_steps::supervisor::SUBCOMMAND)
    {
        let code = maestro_steps::supervisor::main(args);
        std::process::exit(if code == std::process::ExitCode::SUCCESS {
            0
        } else {
            1
        });
    }
    let args = Args::parse();
    let mut out = report::Report::new(args.json);
    match args.what {
        What::Inproc(options) => inproc::run(&options, &mut out),
        What::Http(options) => http::run(&options, &mut out),
        What::Definitions(options) => definitions::run(&options, &mut out),
    }
}
