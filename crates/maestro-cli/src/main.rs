//! The `maestro` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    // Before anything else: a supervisor is started for every job and has to be quick and alone.
    if args
        .next()
        .is_some_and(|first| first == maestro_steps::supervisor::SUBCOMMAND)
    {
        return maestro_steps::supervisor::main(args);
    }
    maestro_cli::main()
}
