//! A program that is a supervisor, or a server that a test can kill.

use std::process::ExitCode;

use maestro_steps::supervisor;

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    match args.next() {
        Some(arg) if arg == supervisor::SUBCOMMAND => supervisor::main(args),
        _ => ExitCode::FAILURE,
    }
}
