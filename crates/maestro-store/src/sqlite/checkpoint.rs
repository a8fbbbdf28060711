//! Copies the log into the file, off the commit path.
//!
//! A passive checkpoint runs beside commits, but under steady load it never reaches the end of the log, which then grows
//! for ever: the log starts from the beginning only when all of it is copied. So a round copies twice without stopping
//! anybody, and then once with the gate closed, when only what the second pass left is to do.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use rusqlite::Connection;

/// The thread, ended when this is dropped.
pub(super) struct Checkpointer {
    wake: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
    log_bytes_max: u64,
}

impl Checkpointer {
    pub(super) fn start(
        connection: Connection,
        gate: Arc<Mutex<()>>,
        log_bytes_max: u64,
    ) -> std::io::Result<Self> {
        let (wake, woken) = sync_channel(1);
        let thread = std::thread::Builder::new()
            .name("checkpoint".into())
            .spawn(move || run(&connection, &gate, &woken))?;
        Ok(Self {
            wake: Some(wake),
            thread: Some(thread),
            log_bytes_max,
        })
    }

    /// Told by the writer after each commit how long the log is.
    pub(super) fn log_is(&self, bytes: u64) {
        if bytes < self.log_bytes_max {
            return;
        }
        if let Some(wake) = &self.wake {
            match wake.try_send(()) {
                // It is busy and will look again, or it has ended with the process.
                Ok(()) | Err(TrySendError::Full(()) | TrySendError::Disconnected(())) => {}
            }
        }
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.wake = None;
        if let Some(thread) = self.thread.take() {
            // A panic of the thread is reported by the panic hook; there is nobody else to tell.
            let _ = thread.join();
        }
    }
}

fn run(connection: &Connection, gate: &Mutex<()>, woken: &Receiver<()>) {
    while woken.recv().is_ok() {
        // Errors (a full disk, a lock) are those that the next commit meets too and reports; the next call tries again.
        if passive(connection)
            .and_then(|()| passive(connection))
            .is_err()
        {
            continue;
        }
        let closed = gate.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = passive(connection);
        drop(closed);
    }
}

fn passive(connection: &Connection) -> rusqlite::Result<()> {
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
}
