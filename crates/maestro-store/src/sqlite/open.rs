//! Opening: the directory's lock, pragmas, migration.

use std::fs::{self, File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::checkpoint::Checkpointer;
use super::gate::Gate;
use super::{Options, classify, schema};
use crate::OpenError;

/// An open data directory, shared by all connections. Its lock goes with the last of them.
pub(super) struct Database {
    path: PathBuf,
    pub(super) options: Options,
    pub(super) gate: Arc<Gate>,
    pub(super) checkpointer: Checkpointer,
    _lock: File,
}

/// Locks the directory, creates or migrates the file, starts the checkpointer.
pub(super) fn database(dir: &Path, options: &Options) -> Result<Database, OpenError> {
    let lock = lock(dir)?;
    let path = dir.join("maestro.db");
    let mut connection = connect(&path, options).map_err(|source| refused(&path, source))?;
    prepare(&mut connection, &path, options)?;
    let gate = Arc::new(Gate::default());
    let checkpointer = Checkpointer::start(connection, Arc::clone(&gate))
        .map_err(|source| failed(&path, source))?;
    Ok(Database {
        path,
        options: options.clone(),
        gate,
        checkpointer,
        _lock: lock,
    })
}

impl Database {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// A connection for the one who writes.
    pub(super) fn writer(&self) -> rusqlite::Result<Connection> {
        let connection = connect(&self.path, &self.options)?;
        set_cache(&connection, self.options.writer_cache_bytes)?;
        if let Some(bytes) = self.options.max_bytes {
            let page: i64 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
            let pages = i64::try_from(bytes).unwrap_or(i64::MAX) / page.max(1);
            connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))?;
        }
        Ok(connection)
    }

    /// A connection that only reads.
    pub(super) fn reader(&self) -> rusqlite::Result<Connection> {
        let connection = connect(&self.path, &self.options)?;
        set_cache(&connection, self.options.reader_cache_bytes)?;
        connection.pragma_update(None, "query_only", true)?;
        Ok(connection)
    }
}

fn set_cache(connection: &Connection, bytes: u32) -> rusqlite::Result<()> {
    connection.pragma_update(None, "cache_size", -i64::from(bytes / 1024))
}

fn failed(path: &Path, source: impl Into<crate::error::Source>) -> OpenError {
    OpenError::Failed {
        path: path.to_owned(),
        source: source.into(),
    }
}

/// What a failure while opening says about the file.
pub(super) fn refused(path: &Path, source: rusqlite::Error) -> OpenError {
    match source.sqlite_error_code() {
        _ if classify::is_no_room(&source) => OpenError::NoRoom {
            path: path.to_owned(),
            source: source.into(),
        },
        Some(ErrorCode::NotADatabase) => OpenError::Foreign {
            path: path.to_owned(),
        },
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen) => OpenError::NotWritable {
            path: path.parent().unwrap_or(path).to_owned(),
            source: std::io::Error::other(source),
        },
        _ => failed(path, source),
    }
}

fn lock(dir: &Path) -> Result<File, OpenError> {
    let not_writable = |source| OpenError::NotWritable {
        path: dir.to_owned(),
        source,
    };
    fs::create_dir_all(dir).map_err(not_writable)?;
    let mut file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(dir.join("lock"))
        .map_err(not_writable)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            let pid = file.read_to_string(&mut text).ok();
            return Err(OpenError::InUse {
                path: dir.to_owned(),
                pid: pid.and_then(|_| text.trim().parse().ok()),
            });
        }
        Err(TryLockError::Error(source)) => return Err(not_writable(source)),
    }
    // Whom to stop is a courtesy: the lock counts, so a full disk here does no harm.
    let _ = file
        .set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| writeln!(file, "{}", std::process::id()));
    Ok(file)
}

fn connect(path: &Path, options: &Options) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(options.busy_timeout)?;
    connection.set_prepared_statement_cache_capacity(64);
    // Otherwise statements are compiled anew whenever a bound value changes that the planner had looked at.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update_and_check(None, "wal_autocheckpoint", 0, |_| Ok(()))?;
    // Checkpoints cut the log file back to this after it was reset.
    connection.pragma_update_and_check(
        None,
        "journal_size_limit",
        i64::try_from(options.checkpoint_bytes).unwrap_or(i64::MAX),
        |_| Ok(()),
    )?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    Ok(connection)
}

fn prepare(connection: &mut Connection, path: &Path, options: &Options) -> Result<(), OpenError> {
    let fail = |source| refused(path, source);
    let number = |connection: &Connection, name: &str| {
        connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0))
    };
    let found = number(connection, "user_version").map_err(fail)?;
    let application = number(connection, "application_id").map_err(fail)?;
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(fail)?;
    if application != i64::from(schema::APPLICATION_ID) && (tables > 0 || found != 0) {
        return Err(OpenError::Foreign {
            path: path.to_owned(),
        });
    }
    if found > schema::VERSION {
        return Err(OpenError::NewerVersion {
            path: path.to_owned(),
            found,
            known: schema::VERSION,
        });
    }
    let mut set_up = || {
        if tables == 0 {
            // Both are fixed once there is a table, and the page size once there is a log.
            connection.pragma_update(None, "page_size", options.page_bytes)?;
            connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
        }
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
        schema::migrate(connection, found)
    };
    set_up().map_err(fail)
}
