//! `maestro completions`.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::args::Args;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::ui;

pub(crate) fn run(shell: Shell) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "maestro", &mut script);
    ui::out(String::from_utf8_lossy(&script).trim_end())?;
    Ok(Exit::Done)
}
