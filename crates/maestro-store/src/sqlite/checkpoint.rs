//! Copies the log into the file, off the commit path.
//!
//! A passive checkpoint runs beside commits, but under steady load it never reaches the end of the log, which then grows
//! for ever: the log starts from the beginning only when all of it is copied. So a round copies twice without stopping
//! anybody, and then once with the gate closed, when only what the second pass left is to do.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use rusqlite::Connection;

use super::gate::Gate;

/// The thread, ended when this is dropped.
pub(super) struct Checkpointer {
    wake: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Checkpointer {
    pub(super) fn start(connection: Connection, gate: Arc<Gate>) -> std::io::Result<Self> {
        let (wake, woken) = sync_channel(1);
        let thread = std::thread::Builder::new()
            .name("checkpoint".into())
            .spawn(move || run(&connection, &gate, &woken))?;
        Ok(Self {
            wake: Some(wake),
            thread: Some(thread),
        })
    }

    /// Asks for a round.
    pub(super) fn wake(&self) {
        if let Some(wake) = &self.wake {
            match wake.try_send(()) {
                // It will look again after the round that it is in, or it has ended with the process.
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

fn run(connection: &Connection, gate: &Gate, woken: &Receiver<()>) {
    while woken.recv().is_ok() {
        // Errors (a full disk, a lock) are those that the next commit meets too and reports; a later round tries again.
        if passive(connection)
            .and_then(|()| passive(connection))
            .is_ok()
        {
            let closed = gate.checkpoint();
            let _ = passive(connection);
            drop(closed);
        }
    }
}

fn passive(connection: &Connection) -> rusqlite::Result<()> {
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
}

/// Decides when a round is due: each time that the log has grown by so much, also where a reader keeps it from starting
/// again.
pub(super) struct Due {
    every_bytes: u64,
    at_bytes: u64,
}

impl Due {
    pub(super) fn every(bytes: u64) -> Self {
        Self {
            every_bytes: bytes,
            at_bytes: bytes,
        }
    }

    /// Told the length of the log after each commit.
    pub(super) fn log_is(&mut self, bytes: u64) -> bool {
        if bytes < self.every_bytes {
            self.at_bytes = self.every_bytes;
        }
        let due = bytes >= self.at_bytes;
        if due {
            self.at_bytes = bytes.saturating_add(self.every_bytes);
        }
        due
    }
}
