//! A program that is a supervisor, and a server that a test can kill.
//!
//! `maestro-steps-testbed FOLDER` reads commands from its standard input, one a line: `start JSON`, `adopt JSON`,
//! `cancel KEY`; and prints what is reported: `started KEY PID`, `ended KEY OUTCOME`.

#[path = "../support/mod.rs"]
mod support;

use std::io::{self, BufRead, Write};
use std::path::Path;
use std::process::ExitCode;

use maestro_model::json::Json;
use maestro_steps::local::{JobKey, LocalSettings};
use maestro_steps::runtimes::{Report, Runtimes};
use maestro_steps::supervisor;

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    match args.next() {
        Some(arg) if arg == supervisor::SUBCOMMAND => supervisor::main(args),
        Some(folder) => serve(Path::new(&folder)),
        None => ExitCode::FAILURE,
    }
}

fn serve(folder: &Path) -> ExitCode {
    let runtimes = Runtimes::open(folder, LocalSettings::default(), |report| {
        let line = match report {
            Report::Started { key, artifact } => {
                let pid = artifact.json.pointer("/pid").and_then(Json::as_i64);
                format!("started {key} {}\n", pid.unwrap_or(0))
            }
            Report::Ended(end) => format!("ended {} {:?}\n", end.key, end.outcome),
        };
        let mut out = io::stdout().lock();
        let _ = out.write_all(line.as_bytes()).and_then(|()| out.flush());
    })
    .expect("opens");
    for line in io::stdin().lock().lines() {
        let line = line.expect("reads");
        let (command, rest) = line.split_once(' ').expect("has an argument");
        let attempt = || support::launch(&Json::parse(rest.as_bytes()).expect("is JSON"));
        match command {
            "start" => runtimes.start(&attempt()),
            "adopt" => runtimes.adopt(&[attempt()]),
            _ => runtimes.cancel(&JobKey::new(rest).expect("is plain")),
        }
    }
    ExitCode::SUCCESS
}
