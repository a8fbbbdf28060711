//! `maestro server`.

use tracing_subscriber::EnvFilter;

use super::config;
use crate::args::ServerArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::host::Host;
use crate::interrupts::Interrupts;
use crate::ui;

pub(crate) fn run(args: &ServerArgs) -> Result<Exit, Failure> {
    let loaded = config::load(&config::server_sources(args))?;
    log(&loaded.config.log)?;
    for warning in loaded.config.warnings() {
        ui::error("warning", &warning);
    }
    let interrupts = Interrupts::install()?;
    interrupts.last_words("ended at once; what was acknowledged is stored, and jobs go on");
    let host = Host::start(&loaded.config)?;
    ui::note(&format!(
        "maestro listens on http://{} and keeps its data in {}",
        host.address,
        loaded.config.engine.data.display()
    ));
    interrupts.wait();
    ui::note("stopping; a second signal ends the server at once");
    host.stop();
    Ok(Exit::Done)
}

/// Writes log lines to standard error.
pub(super) fn log(filter: &str) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(filter)
        .map_err(|error| Failure::usage(format!("`{filter}` is not a filter of logs: {error}")))?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never)
        .init();
    Ok(())
}
