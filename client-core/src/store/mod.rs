//! The tablet's database: one SQLCipher file, opened with a passphrase, read and written in named
//! transactions.
//!
//! A transaction happens whole or not at all, and once `write` has returned it survives a cut of power
//! (WAL, `synchronous=FULL`). A wrong passphrase never touches the file; a corrupt file is moved aside,
//! never deleted, and what can be read of it is carried over (`salvage`); a full disk rolls back. A second
//! process on the same folder is told that it is busy.
//!
//! Knows no table of any concept: their SQL stands beside them, and `migrations` only lists it.

mod carried;
mod key;
pub(crate) mod migrations;
mod open;
pub(crate) mod place;
pub(crate) mod scrub;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, ErrorCode, Params, Row, TransactionBehavior};

pub use carried::{Salvage, SalvagedTable};
pub use key::KeyCost;
pub use migrations::{Kept, Schema};

/// Why the store could not do what was asked, by what the caller can do about it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The passphrase is not the one this database was made with. Nothing was touched.
    #[error("the passphrase is wrong")]
    WrongKey,
    /// The key file cannot be used; put it back from a copy of the folder.
    #[error("the key file {path} cannot be used: {reason}")]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Another process has this folder open; wait for it or close it.
    #[error("another process is using {0}")]
    Busy(PathBuf),
    /// The disk (or the page limit) is full; the transaction was rolled back. Make room and repeat.
    #[error("the disk is full")]
    DiskFull,
    /// A page of the database cannot be read. Open the store again: it salvages.
    #[error("the database is corrupt: {0}")]
    Corrupt(String),
    /// The database was written by a newer program; install that.
    #[error("the database has schema {found}, this program knows {known}")]
    Newer {
        /// Migrations the database has had.
        found: usize,
        /// Migrations this program knows.
        known: usize,
    },
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// A statement failed for a reason no caller can mend.
    #[error("database: {0}")]
    Sql(rusqlite::Error),
}

impl StoreError {
    /// The error of a file operation; a full disk is told apart.
    pub fn io(path: &Path, source: std::io::Error) -> Self {
        if matches!(
            source.kind(),
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded
        ) {
            Self::DiskFull
        } else {
            Self::Io {
                path: path.into(),
                source,
            }
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        // Extended codes of SQLITE_IOERR that say the bytes are wrong rather than the device busy.
        const SHORT_READ: i32 = 10 | (2 << 8);
        const DATA: i32 = 10 | (32 << 8);
        const CORRUPT_FS: i32 = 10 | (33 << 8);
        // Room for the log's index could not be had.
        const INDEX_SIZE: i32 = 10 | (19 << 8);
        let rusqlite::Error::SqliteFailure(code, _) = &error else {
            return Self::Sql(error);
        };
        match code.code {
            ErrorCode::DiskFull => Self::DiskFull,
            ErrorCode::SystemIoFailure if code.extended_code == INDEX_SIZE => Self::DiskFull,
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => {
                Self::Corrupt(error.to_string())
            }
            ErrorCode::SystemIoFailure
                if [SHORT_READ, DATA, CORRUPT_FS].contains(&code.extended_code) =>
            {
                Self::Corrupt(error.to_string())
            }
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => {
                Self::Busy(PathBuf::from(open::DATABASE))
            }
            _ => Self::Sql(error),
        }
    }
}

/// An open database. Closing (dropping) it writes the log back and marks the folder clean.
pub struct Store {
    writer: Mutex<Connection>,
    /// A second connection that only reads; none where the place has room for one connection.
    reader: Option<Mutex<Connection>>,
    transactions: Mutex<BTreeMap<&'static str, u64>>,
    /// The log was folded since the store was opened; before that nothing is promised.
    folded: AtomicBool,
    // Last: the place is given back after the connections have closed.
    place: place::Place,
}

/// A store and what had to be done to open it.
pub struct Opened {
    /// The store.
    pub store: Store,
    /// What was carried over, if the file was corrupt.
    pub salvage: Option<Salvage>,
}

/// One named transaction.
pub struct Tx<'c> {
    sql: rusqlite::Transaction<'c>,
    damage: Cell<bool>,
}

impl Store {
    /// Runs `body` in a write transaction and commits it. `body` may run again after a rollback, so it
    /// must not change anything outside the transaction that it cannot change twice.
    ///
    /// # Errors
    /// What `body` returns (then nothing has been written), or [`StoreError`] when the commit fails.
    pub fn write<T, E: From<StoreError>>(
        &self,
        name: &'static str,
        body: impl FnOnce(&Tx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut connection = held(&self.writer);
        if !self.folded.load(Ordering::Relaxed) {
            open::fold(&connection)?;
            self.folded.store(true, Ordering::Relaxed);
        }
        self.run(name, &mut connection, TransactionBehavior::Immediate, body)
    }

    /// Runs `body` on one snapshot of the database.
    ///
    /// # Errors
    /// What `body` returns, or [`StoreError`].
    pub fn read<T, E: From<StoreError>>(
        &self,
        name: &'static str,
        body: impl FnOnce(&Tx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut connection = held(self.reader.as_ref().unwrap_or(&self.writer));
        self.run(name, &mut connection, TransactionBehavior::Deferred, body)
    }

    fn run<T, E: From<StoreError>>(
        &self,
        name: &'static str,
        connection: &mut Connection,
        behavior: TransactionBehavior,
        body: impl FnOnce(&Tx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let sql = connection
            .transaction_with_behavior(behavior)
            .map_err(|error| self.noted(error))?;
        let tx = Tx {
            sql,
            damage: Cell::new(false),
        };
        let value = body(&tx);
        // A page found corrupt inside the body is wrapped in the body's own error; the statement noted it.
        if tx.damage.get() {
            self.place.suspect();
        }
        let value = value?;
        tx.sql.commit().map_err(|error| self.noted(error))?;
        *held(&self.transactions).entry(name).or_default() += 1;
        Ok(value)
    }

    fn noted(&self, error: rusqlite::Error) -> StoreError {
        let error = StoreError::from(error);
        if matches!(error, StoreError::Corrupt(_)) {
            self.place.suspect();
        }
        error
    }

    /// Says that an operation met damage, so that the next opening checks every page.
    pub fn suspect(&self) {
        self.place.suspect();
    }

    /// How often the transaction of this name has been committed since the store was opened.
    pub fn committed(&self, name: &str) -> u64 {
        held(&self.transactions).get(name).copied().unwrap_or(0)
    }

    /// Bounds the database to `pages` of 4 KiB, as a small disk would; writing past it is
    /// [`StoreError::DiskFull`].
    ///
    /// # Errors
    /// [`StoreError::Sql`].
    pub fn limit_pages(&self, pages: u32) -> Result<(), StoreError> {
        held(&self.writer).pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))?;
        Ok(())
    }

    /// How many pages of 4 KiB the database has.
    ///
    /// # Errors
    /// [`StoreError::Sql`].
    pub fn pages(&self) -> Result<u32, StoreError> {
        Ok(held(&self.writer).pragma_query_value(None, "page_count", |row| row.get(0))?)
    }

    /// Every page of the database as it is under its cipher, free ones too: to see what is no longer there. Takes as
    /// much memory as the database has bytes.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn image(&self) -> Result<Vec<u8>, StoreError> {
        Ok(held(&self.writer).serialize("main")?.to_vec())
    }

    /// The folder the store is in.
    pub fn dir(&self) -> &Path {
        self.place.path()
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        if open::fold(&held(&self.writer)).is_ok() {
            self.place.closed();
        }
    }
}

impl Tx<'_> {
    /// Runs a statement; the number of rows it changed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn execute(&self, sql: &str, params: impl Params) -> Result<usize, StoreError> {
        self.noted(
            self.sql
                .prepare_cached(sql)
                .and_then(|mut statement| statement.execute(params)),
        )
    }

    /// The first row of a query, if there is one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn one<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, StoreError> {
        self.noted(self.sql.prepare_cached(sql).and_then(|mut statement| {
            let mut rows = statement.query(params)?;
            rows.next()?.map(read).transpose()
        }))
    }

    /// Every row of a query.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn all<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        self.noted(self.sql.prepare_cached(sql).and_then(|mut statement| {
            statement
                .query_map(params, read)?
                .collect::<Result<Vec<T>, _>>()
        }))
    }

    /// Every row of a query, one after the other, none kept.
    ///
    /// # Errors
    /// [`StoreError`]; what `look` returns ends the reading.
    pub fn each(
        &self,
        sql: &str,
        params: impl Params,
        mut look: impl FnMut(&Row<'_>) -> rusqlite::Result<()>,
    ) -> Result<(), StoreError> {
        self.noted(self.sql.prepare_cached(sql).and_then(|mut statement| {
            let mut rows = statement.query(params)?;
            while let Some(row) = rows.next()? {
                look(row)?;
            }
            Ok(())
        }))
    }

    fn noted<T>(&self, result: rusqlite::Result<T>) -> Result<T, StoreError> {
        result.map_err(|error| {
            let error = StoreError::from(error);
            if matches!(error, StoreError::Corrupt(_)) {
                self.damage.set(true);
            }
            error
        })
    }

    /// The key SQLite gave to the row inserted last.
    pub fn last_id(&self) -> i64 {
        self.sql.last_insert_rowid()
    }
}

/// A value under a mutex. A panic while it was held rolled its transaction back, so it is whole.
fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
