//! What an error of SQLite means for the caller.

use rusqlite::{Error, ErrorCode, ffi};

use crate::{CommitError, FatalReason, ReadError, RetryReason};

/// The verdict on a transaction that was rolled back.
pub(super) fn commit(error: Error) -> CommitError {
    match verdict(&error) {
        Ok(reason) => CommitError::Retry {
            reason,
            source: error.into(),
        },
        Err(reason) => CommitError::Fatal {
            reason,
            source: error.into(),
        },
    }
}

/// The verdict on a read.
pub(super) fn read(error: Error) -> ReadError {
    match verdict(&error) {
        Ok(_) => ReadError::Retry(error.into()),
        Err(_) => ReadError::Failed(error.into()),
    }
}

/// Whether there was no room: a full disk, or a quota or a size limit of files reached.
pub(super) fn is_no_room(error: &Error) -> bool {
    matches!(verdict(error), Ok(RetryReason::Full | RetryReason::Write))
}

fn verdict(error: &Error) -> Result<RetryReason, FatalReason> {
    let Error::SqliteFailure(failure, _) = error else {
        return Err(FatalReason::Other);
    };
    match (failure.code, failure.extended_code) {
        (ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked, _) => Ok(RetryReason::Busy),
        // A log index that cannot grow is the same full disk under another name.
        (ErrorCode::DiskFull, _) | (_, ffi::SQLITE_IOERR_SHMSIZE) => Ok(RetryReason::Full),
        // A quota or a file size limit comes as a failed write. Nothing of it counts without the commit's own frame.
        (_, ffi::SQLITE_IOERR_WRITE) => Ok(RetryReason::Write),
        (ErrorCode::OutOfMemory, _) | (_, ffi::SQLITE_IOERR_NOMEM) => Ok(RetryReason::Memory),
        (_, ffi::SQLITE_IOERR_LOCK | ffi::SQLITE_IOERR_BLOCKED) => Ok(RetryReason::Busy),
        (ErrorCode::ConstraintViolation, _) => Err(FatalReason::Constraint),
        (ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase, _) => Err(FatalReason::Corrupt),
        (ErrorCode::SystemIoFailure, _) => Err(FatalReason::Io),
        _ => Err(FatalReason::Other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict_on(code: i32) -> Result<RetryReason, FatalReason> {
        verdict(&Error::SqliteFailure(ffi::Error::new(code), None))
    }

    #[test]
    fn what_goes_away_by_itself_is_tried_again_and_nothing_else() {
        for (code, reason) in [
            (ffi::SQLITE_BUSY, RetryReason::Busy),
            (ffi::SQLITE_BUSY_RECOVERY, RetryReason::Busy),
            (ffi::SQLITE_BUSY_SNAPSHOT, RetryReason::Busy),
            (ffi::SQLITE_LOCKED, RetryReason::Busy),
            (ffi::SQLITE_IOERR_LOCK, RetryReason::Busy),
            (ffi::SQLITE_FULL, RetryReason::Full),
            (ffi::SQLITE_IOERR_SHMSIZE, RetryReason::Full),
            (ffi::SQLITE_IOERR_WRITE, RetryReason::Write),
            (ffi::SQLITE_NOMEM, RetryReason::Memory),
        ] {
            assert_eq!(verdict_on(code), Ok(reason), "{code}");
        }
        for (code, reason) in [
            (ffi::SQLITE_IOERR_FSYNC, FatalReason::Io),
            (ffi::SQLITE_IOERR_DIR_FSYNC, FatalReason::Io),
            (ffi::SQLITE_IOERR_READ, FatalReason::Io),
            (ffi::SQLITE_CORRUPT, FatalReason::Corrupt),
            (ffi::SQLITE_NOTADB, FatalReason::Corrupt),
            (ffi::SQLITE_CONSTRAINT_UNIQUE, FatalReason::Constraint),
            (ffi::SQLITE_READONLY, FatalReason::Other),
            (ffi::SQLITE_ERROR, FatalReason::Other),
        ] {
            assert_eq!(verdict_on(code), Err(reason), "{code}");
        }
    }
}
