//! The maestro command: a server, and a client for people.
//!
//! Owns arguments, what is written to the terminal, exit statuses, signals, and the HTTP client. Absent on purpose: rules
//! of workflows (the server has them), the REST surface. Every command is one file of [`commands`]; what it writes goes
//! through [`ui`]: standard output is data, standard error is everything else.
//!
//! Start reading at [`args::Args`]; then [`commands`].

pub mod args;
mod client;
mod commands;
mod definition;
pub mod exit;
mod failure;
mod follow;
mod host;
mod interrupts;
mod params;
mod problems;
mod progress;
pub mod reference;
mod stored;
mod ui;

use std::process::ExitCode;

use clap::Parser;

use args::Args;
pub use exit::Exit;

/// Runs the command that the process's arguments name.
#[must_use]
pub fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            // Help and version are no errors; if nobody reads them, there is nobody to tell.
            let _ = error.print();
            return if error.use_stderr() {
                Exit::Usage
            } else {
                Exit::Done
            }
            .into();
        }
    };
    args.color.choose();
    match commands::run(args) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            failure.print();
            failure.exit.into()
        }
    }
}
