//! A server in this process: the engine on its data folder, and HTTP in front of it.

use std::net::SocketAddr;
use std::net::TcpListener;
use std::sync::Arc;

use maestro_engine::Engine;
use maestro_server::ServeOptions;
use maestro_server::config::Config;
use prometheus_client::registry::Registry;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::ui;

/// A running server.
pub(crate) struct Host {
    pub(crate) address: SocketAddr,
    engine: Engine,
    runtime: Runtime,
    end: oneshot::Sender<()>,
    served: JoinHandle<std::io::Result<()>>,
}

impl Host {
    /// Starts it; every failure is one sentence.
    pub(crate) fn start(config: &Config) -> Result<Self, Failure> {
        let settings = config
            .engine()
            .map_err(|error| Failure::chain(Exit::Failed, &error))?;
        survive_file_size_limits()?;
        // The address first, since it is taken more often than the data is.
        let listener = listen(config.listen)?;
        let address = listener
            .local_addr()
            .map_err(|e| cannot_listen(config.listen, &e))?;
        let mut registry = Registry::default();
        let engine = Engine::open(settings, &mut registry, |error| {
            // Recovery is the only roll-back (design, rule 2).
            Failure::chain(Exit::Internal, error).print();
            std::process::exit(i32::from(Exit::Internal as u8));
        })
        .map_err(|error| Failure::chain(Exit::Failed, &error))?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .thread_name("http")
            .build()
            .map_err(|error| {
                Failure::new(Exit::Failed, format!("cannot start threads: {error}"))
            })?;
        let options = ServeOptions {
            listen: address,
            max_body_bytes: u64::try_from(config.body_bytes).unwrap_or(u64::MAX),
            allowed_origins: config.allowed_origins.clone(),
        };
        let (end, ended) = oneshot::channel();
        let served = {
            let engine = engine.clone();
            runtime.spawn(async move {
                let listener = tokio::net::TcpListener::from_std(listener)?;
                let ended = async {
                    // A sender that is dropped ends it, too.
                    let _ = ended.await;
                };
                maestro_server::serve_on(listener, engine, options, registry, ended).await
            })
        };
        Ok(Self {
            address,
            engine,
            runtime,
            end,
            served,
        })
    }

    /// Answers what is asked, commits what is decided, and ends. Jobs go on under their supervisors.
    pub(crate) fn stop(self) {
        let _ = self.end.send(());
        match self.runtime.block_on(self.served) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => ui::error("error", &format!("the HTTP server failed: {error}")),
            Err(error) => ui::error("error", &format!("the HTTP server failed: {error}")),
        }
        self.engine.shutdown();
    }
}

/// A limit of file sizes shall refuse writes, as a full disk does, and not end the process.
fn survive_file_size_limits() -> Result<(), Failure> {
    signal_hook::flag::register(signal_hook::consts::SIGXFSZ, Arc::default())
        .map(drop)
        .map_err(|error| {
            Failure::new(
                Exit::Internal,
                format!("cannot listen for signals: {error}"),
            )
        })
}

fn listen(address: SocketAddr) -> Result<TcpListener, Failure> {
    let listener = TcpListener::bind(address).map_err(|e| cannot_listen(address, &e))?;
    listener
        .set_nonblocking(true)
        .map_err(|e| cannot_listen(address, &e))?;
    Ok(listener)
}

fn cannot_listen(address: SocketAddr, error: &std::io::Error) -> Failure {
    let message = match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            format!(
                "another program listens on {address} already: stop it, or choose another address with --listen"
            )
        }
        std::io::ErrorKind::AddrNotAvailable => {
            format!(
                "this machine has no address {}: choose another with --listen",
                address.ip()
            )
        }
        std::io::ErrorKind::PermissionDenied => {
            format!(
                "the system does not let you listen on {address}: choose a port above 1023 with --listen"
            )
        }
        _ => format!("cannot listen on {address}: {error}"),
    };
    Failure::new(Exit::Failed, message)
}
