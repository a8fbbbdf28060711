//! Reading connections.

use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;

use super::classify;
use super::open::Database;
use super::snapshot::SqliteSnapshot;
use crate::{ReadError, Readers, Snapshot};

/// Connections that nobody uses at the moment.
pub(super) struct Pool {
    idle: Arc<Idle>,
}

/// Shared with the snapshots, which bring their connections back.
pub(super) struct Idle {
    connections: Mutex<Vec<Connection>>,
    database: Arc<Database>,
}

impl Pool {
    pub(super) fn new(database: Arc<Database>) -> Self {
        Self {
            idle: Arc::new(Idle {
                connections: Mutex::new(Vec::new()),
                database,
            }),
        }
    }
}

impl Idle {
    fn take(&self) -> rusqlite::Result<Connection> {
        let idle = self
            .connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        idle.map_or_else(|| self.database.reader(), Ok)
    }

    pub(super) fn give_back(&self, connection: Connection) {
        let mut idle = self
            .connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if idle.len() < self.database.options.readers_kept {
            idle.push(connection);
        }
    }
}

impl Readers for Pool {
    fn snapshot(&self) -> Result<Box<dyn Snapshot>, ReadError> {
        let connection = self.idle.take().map_err(classify::read)?;
        let snapshot = SqliteSnapshot::begin(connection, Arc::clone(&self.idle));
        Ok(Box::new(snapshot.map_err(classify::read)?))
    }
}
