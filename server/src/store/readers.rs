//! A bounded pool of read connections. Each read sees one snapshot from its first statement to its
//! last, whatever the writer commits meanwhile. Cannot write.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use tokio::sync::Semaphore;

use super::writer::statement;
use super::{READER_CACHE_KIB, StoreError, Tx, open_connection};

/// The idle connections and how many may be out at once.
#[derive(Debug)]
pub(super) struct Readers {
    file: PathBuf,
    idle: Mutex<Vec<rusqlite::Connection>>,
    pub(super) permits: Semaphore,
}

impl Readers {
    pub(super) fn new(file: &Path, count: usize) -> Self {
        Readers {
            file: file.to_owned(),
            idle: Mutex::new(Vec::new()),
            permits: Semaphore::new(count.max(1)),
        }
    }

    /// Runs `body` on a snapshot. Blocks; the caller holds a permit. A panic in `body` passes through
    /// and costs one connection.
    pub(super) fn run<T, E: From<StoreError>>(
        &self,
        body: impl FnOnce(&Tx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let connection = match self.take() {
            Some(connection) => connection,
            None => open_read_only(&self.file)?,
        };
        statement(&connection, "BEGIN DEFERRED")?;
        let tx = Tx::sqlite(&connection);
        let result = body(&tx);
        metrics::counter!("sojourn_store_statements_total").increment(tx.statements());
        // Nothing was written: ending the snapshot cannot lose anything, and a connection that
        // cannot end it is not used again.
        if statement(&connection, "ROLLBACK").is_ok() {
            self.idle
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(connection);
        }
        result
    }

    fn take(&self) -> Option<rusqlite::Connection> {
        self.idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop()
    }

    /// Closes the idle connections.
    pub(super) fn close(&self) {
        self.permits.close();
        self.idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }
}

fn open_read_only(file: &Path) -> Result<rusqlite::Connection, StoreError> {
    let connection = open_connection(file, READER_CACHE_KIB)?;
    connection
        .pragma_update(None, "query_only", true)
        .map_err(StoreError::from_sqlite)?;
    Ok(connection)
}
