//! What can go wrong with the store, told by what the caller can do about it.
//! Carries no statement text and no values: an error may be logged.

use std::path::PathBuf;
use std::time::Duration;

/// A failed store operation. Whatever it was, nothing of it has been written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// No room left on the disk, or the configured size is reached: free some and try again.
    #[error("the disk is full")]
    DiskFull,
    /// Somebody else holds what is needed: try again after this long.
    #[error("the store is busy")]
    Busy {
        /// How long to wait before trying again.
        retry_after: Duration,
    },
    /// The database file is damaged: restore a backup, or rebuild from another copy.
    #[error("the database is damaged: {0}")]
    Corrupt(String),
    /// The database was written by a newer program: run that one.
    #[error("the database has {found} schema steps, this program knows {known}")]
    Newer {
        /// Steps the database has had.
        found: usize,
        /// Steps this program knows.
        known: usize,
    },
    /// Another process has this data folder open: stop it, or choose another folder.
    #[error("another process has {0} open")]
    Locked(PathBuf),
    /// The data folder or its database cannot be opened: look at its permissions.
    #[error("cannot open {path}: {reason}")]
    Unreachable {
        /// The folder or file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// The disk failed to read or write.
    #[error("the disk failed: {0}")]
    Io(String),
    /// A row breaks a constraint of its table. A statement that expects this says `ON CONFLICT`.
    #[error("a constraint refused the row: {0}")]
    Constraint(String),
    /// A column holds something its reader does not expect.
    #[error("column {column} does not hold {expected}")]
    Shape {
        /// Position in the row, from 0.
        column: usize,
        /// What it should have held.
        expected: &'static str,
    },
    /// A statement the engine refuses: a mistake in this program.
    #[error("the engine refused a statement: {0}")]
    Statement(String),
    /// The store has been closed.
    #[error("the store is closed")]
    Closed,
    /// The named transaction panicked and was rolled back: a mistake in this program.
    #[error("transaction {0:?} was abandoned")]
    Abandoned(&'static str),
}

/// How long a caller should wait when the database is held by somebody else.
pub(super) const BUSY_RETRY: Duration = Duration::from_millis(500);

impl StoreError {
    /// Reads an engine error.
    pub(super) fn from_sqlite(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode as Code;
        let rusqlite::Error::SqliteFailure(failure, message) = &error else {
            return StoreError::Statement(error.to_string());
        };
        let said = message.clone().unwrap_or_else(|| failure.to_string());
        match failure.code {
            Code::DiskFull => StoreError::DiskFull,
            Code::DatabaseBusy | Code::DatabaseLocked | Code::FileLockingProtocolFailed => {
                StoreError::Busy {
                    retry_after: BUSY_RETRY,
                }
            }
            Code::DatabaseCorrupt | Code::NotADatabase => StoreError::Corrupt(said),
            Code::ConstraintViolation => StoreError::Constraint(said),
            Code::SystemIoFailure
            | Code::CannotOpen
            | Code::ReadOnly
            | Code::PermissionDenied
            | Code::OutOfMemory => StoreError::Io(said),
            _ => StoreError::Statement(said),
        }
    }
}
