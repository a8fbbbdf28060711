//! The listening socket and its connections.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use maestro_engine::Engine;
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::metrics::HttpMetrics;
use crate::route::Table;
use crate::{dispatch, table};

/// How long a client may take to send the head of a request; also how long a connection may be idle.
const HEAD_TIME: Duration = Duration::from_secs(75);
/// How long connections may go on after the end was asked for.
const LAST_TIME: Duration = Duration::from_secs(5);
/// The largest head of a request (spec 04 H-17: at least 8 KiB).
const HEAD_BYTES: usize = 64 << 10;

/// What can be chosen about the server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ServeOptions {
    /// Where to listen. Default: port 8080 of the loopback address.
    pub listen: SocketAddr,
    /// The largest body of a request, in bytes (decision 20). Default: 8 MiB.
    pub max_body_bytes: u64,
    /// Web sites, such as `https://ui.example`, that may change something besides the server's own.
    pub allowed_origins: Vec<String>,
}

impl Default for ServeOptions {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            max_body_bytes: 8 << 20,
            allowed_origins: Vec::new(),
        }
    }
}

/// What all requests share.
pub(crate) struct State {
    pub(crate) engine: Engine,
    pub(crate) options: ServeOptions,
    pub(crate) registry: Registry,
    pub(crate) metrics: HttpMetrics,
    pub(crate) table: Table,
    /// Each read takes a connection of the store and a thread: more at once would only cost memory.
    pub(crate) reads: Arc<Semaphore>,
    /// Only this machine can connect, so that only its names are taken for `Host` (decision 6).
    pub(crate) is_loopback: bool,
}

fn reads_at_once() -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    (2 * cores).max(4)
}

/// Listens where the options say, and serves until `shutdown` is ready; see [`serve_on`].
///
/// # Errors
/// The address cannot be listened on.
pub async fn serve(
    engine: Engine,
    options: ServeOptions,
    registry: Registry,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let listener = TcpListener::bind(options.listen).await?;
    serve_on(listener, engine, options, registry, shutdown).await
}

/// Serves a socket until `shutdown` is ready; then takes no more connections and gives those at work some seconds.
/// `registry` is what `/metrics` shows; the server adds its own. The engine goes on.
///
/// # Errors
/// The socket has no address.
pub async fn serve_on(
    listener: TcpListener,
    engine: Engine,
    options: ServeOptions,
    mut registry: Registry,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let table = Table::new(table::routes());
    let state = Arc::new(State {
        metrics: HttpMetrics::new(&mut registry, table.routes()),
        is_loopback: listener.local_addr()?.ip().is_loopback(),
        reads: Arc::new(Semaphore::new(reads_at_once())),
        engine,
        options,
        registry,
        table,
    });
    let mut server = http1::Builder::new();
    server
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(HEAD_BYTES);
    let connections = GracefulShutdown::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        // Both can be dropped while they wait: a connection that was not accepted stays in the queue of the system.
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut shutdown => break,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                // Out of descriptors, most likely: others have to end first.
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        // Without it small answers wait for acknowledgements; if it fails they do.
        let _ = stream.set_nodelay(true);
        let state = state.clone();
        let service = service_fn(move |request| {
            let state = state.clone();
            async move { Ok::<_, std::convert::Infallible>(dispatch::answer(state, request).await) }
        });
        let connection = server.serve_connection(TokioIo::new(stream), service);
        let connection = connections.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection broke");
            }
        });
    }
    drop(listener);
    if tokio::time::timeout(LAST_TIME, connections.shutdown())
        .await
        .is_err()
    {
        tracing::info!("connections were cut off");
    }
    Ok(())
}
