//! A server on a folder that goes with it: `serve [PORT]`. For trying things, and for the conformance scenarios.

use std::net::SocketAddr;
use std::process::ExitCode;

use maestro_engine::{Engine, EngineSettings};
use maestro_server::{ServeOptions, serve_on};
use prometheus_client::registry::Registry;

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    let first = args.next();
    if first
        .as_ref()
        .is_some_and(|arg| arg == maestro_steps::supervisor::SUBCOMMAND)
    {
        return maestro_steps::supervisor::main(args);
    }
    let port = first.and_then(|arg| arg.to_str()?.parse().ok());
    match run(port.unwrap_or(0)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn run(port: u16) -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let mut registry = Registry::default();
    let settings = EngineSettings::new(folder.path().to_owned());
    let engine = Engine::open(settings, &mut registry, |error| {
        eprintln!("error: {error}");
        std::process::abort();
    })?;
    let options = ServeOptions {
        listen: SocketAddr::from(([127, 0, 0, 1], port)),
        ..ServeOptions::default()
    };
    let listener = tokio::net::TcpListener::bind(options.listen).await?;
    eprintln!("listening on http://{}", listener.local_addr()?);
    let end = async {
        let _ = tokio::signal::ctrl_c().await;
    };
    serve_on(listener, engine.clone(), options, registry, end).await?;
    tokio::task::spawn_blocking(move || engine.shutdown()).await?;
    Ok(())
}
