//! The database: opens it, brings its schema up to date, runs named transactions.
//!
//! Contract: a write is acknowledged only after it is on the disk; a failed one leaves nothing; a read sees
//! one snapshot; one process at a time has a data folder open. A transaction's body may run more than once.
//! Holds no concept's SQL and lets no type of the engine out.

mod error;
mod log;
pub(crate) mod migrations;
mod readers;
mod row;
#[cfg(test)]
mod tests;
mod turns;
mod tx;
mod writer;

use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::config::DbConfig;
use tokio::sync::{mpsc, oneshot};

pub use error::StoreError;
pub use row::{Row, Value};
pub use turns::{Turn, TurnKey};
pub use tx::Tx;

use crate::clock::Stopwatch;
use migrations::Step;
use readers::Readers;
use turns::Turns;
use writer::{Message, QUEUE_JOBS_MAX, TypedJob};

/// Name of the database inside the data folder.
pub const DATABASE_FILE: &str = "sojourn.db";
/// Name of the file whose lock says that a process has the folder open.
pub const LOCK_FILE: &str = "sojourn.lock";
/// Prepared statements kept by each connection.
const STATEMENTS_CACHED: usize = 256;
/// Page cache of the writer, KiB.
const WRITER_CACHE_KIB: i64 = 16 * 1024;
/// Page cache of each reader, KiB. Every commit empties it, so it serves one snapshot.
const READER_CACHE_KIB: i64 = 4 * 1024;
/// How long a connection waits for a lock of the engine before it gives up.
const LOCK_WAIT: Duration = Duration::from_secs(5);
/// Size the write-ahead log is cut back to once it has been folded in, bytes.
const LOG_KEPT_BYTES: i64 = 64 * 1024 * 1024;

/// How a store is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreOptions {
    /// Read snapshots at once.
    pub readers: usize,
    /// The database refuses to grow past this many bytes, as on a full disk.
    pub bytes_max: Option<u64>,
}

impl Default for StoreOptions {
    fn default() -> Self {
        StoreOptions {
            readers: 4,
            bytes_max: None,
        }
    }
}

/// The open database of one data folder. Clones share it; the last one closes it.
#[derive(Debug, Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    queue: Mutex<Option<mpsc::Sender<Message>>>,
    readers: Arc<Readers>,
    turns: Turns,
    writer: Mutex<Option<JoinHandle<()>>>,
    /// Held for as long as the folder is open; the writer has ended before it is released.
    _lock: File,
}

impl Store {
    /// Opens the database in `dir`, making the folder if there is none.
    ///
    /// # Errors
    /// `Locked` when another process has the folder open, `Newer` when a newer program wrote it,
    /// `Corrupt`, `DiskFull`, `Unreachable`.
    pub fn open(dir: &Path) -> Result<Store, StoreError> {
        Store::open_with(dir, StoreOptions::default())
    }

    /// Opens the database in `dir` with other bounds than the usual ones.
    pub fn open_with(dir: &Path, options: StoreOptions) -> Result<Store, StoreError> {
        Store::open_steps(dir, options, migrations::STEPS)
    }

    fn open_steps(dir: &Path, options: StoreOptions, steps: &[Step]) -> Result<Store, StoreError> {
        make_folder(dir)?;
        let lock = lock_folder(dir)?;
        let file = dir.join(DATABASE_FILE);
        make_private_file(&file)?;
        log::write_anew(&file)?;
        let connection = open_connection(&file, WRITER_CACHE_KIB)?;
        if let Some(bytes) = options.bytes_max {
            limit_size(&connection, bytes)?;
        }
        // A full disk can still be read, and the writer folds the log before it promises anything.
        let folded = match log::fold(&connection) {
            Ok(()) => true,
            Err(StoreError::DiskFull | StoreError::Busy { .. }) => false,
            Err(error) => return Err(error),
        };
        migrate(&connection, steps)?;
        let (queue, jobs) = mpsc::channel(QUEUE_JOBS_MAX);
        let writer = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || writer::run(&connection, jobs, folded))
            .map_err(|error| StoreError::Io(error.to_string()))?;
        Ok(Store {
            inner: Arc::new(Inner {
                queue: Mutex::new(Some(queue)),
                readers: Arc::new(Readers::new(&file, options.readers)),
                turns: Turns::default(),
                writer: Mutex::new(Some(writer)),
                _lock: lock,
            }),
        })
    }

    /// Runs `body` as the transaction `name` and answers once it is on the disk. `Err` from `body` undoes
    /// what it wrote. `body` may run more than once and the last run counts, so it keeps its inputs.
    pub async fn write<T, E, F>(&self, name: &'static str, body: F) -> Result<T, E>
    where
        F: FnMut(&Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let Some(queue) = self.queue() else {
            return Err(StoreError::Closed.into());
        };
        let (caller, answer) = oneshot::channel();
        let job = TypedJob {
            name,
            body,
            result: None,
            caller,
        };
        if queue.send(Message::Run(Box::new(job))).await.is_err() {
            return Err(StoreError::Closed.into());
        }
        answer
            .await
            .unwrap_or_else(|_| Err(StoreError::Abandoned(name).into()))
    }

    /// Waits for a turn on these keys: see [`Turn`]. Two who wait for each other's keys cannot be: all are taken at once.
    pub async fn turn(&self, keys: impl IntoIterator<Item = TurnKey>) -> Turn {
        self.inner.turns.take(keys.into_iter().collect()).await
    }

    /// Runs `body` as the transaction `name` on a snapshot of what is committed. It cannot write.
    pub async fn read<T, E, F>(&self, name: &'static str, body: F) -> Result<T, E>
    where
        F: FnOnce(&Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let readers = Arc::clone(&self.inner.readers);
        let Ok(_permit) = self.inner.readers.permits.acquire().await else {
            return Err(StoreError::Closed.into());
        };
        let watch = Stopwatch::start();
        let result = tokio::task::spawn_blocking(move || readers.run(body))
            .await
            .unwrap_or_else(|_| Err(StoreError::Abandoned(name).into()));
        metrics::histogram!("sojourn_store_transaction_seconds", "kind" => "read", "name" => name)
            .record(watch.elapsed().as_secs_f64());
        result
    }

    /// The same where it stands, for a look at a few rows by their keys: handing that to another thread takes longer than
    /// the look. Waits like `read` while all snapshots are out.
    pub async fn glance<T, E, F>(&self, body: F) -> Result<T, E>
    where
        F: FnOnce(&Tx<'_>) -> Result<T, E>,
        E: From<StoreError>,
    {
        let Ok(_permit) = self.inner.readers.permits.acquire().await else {
            return Err(StoreError::Closed.into());
        };
        self.inner.readers.run(body)
    }

    /// Finishes what waits, folds the write-ahead log into the database and closes it. Later calls
    /// of any clone say `Closed`.
    pub async fn close(&self) {
        let queue = self
            .inner
            .queue
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        self.inner.readers.close();
        if let Some(queue) = queue {
            let (done, closed) = oneshot::channel();
            if queue.send(Message::Close(done)).await.is_ok() {
                // An error means that the writer has ended already.
                let _ = closed.await;
            }
        }
    }

    fn queue(&self) -> Option<mpsc::Sender<Message>> {
        self.inner
            .queue
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.queue
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let writer = self
            .writer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(writer) = writer
            && writer.thread().id() != std::thread::current().id()
        {
            // A panic of the writer has been logged by the panic hook; there is nobody left to tell.
            let _ = writer.join();
        }
    }
}

fn make_folder(dir: &Path) -> Result<(), StoreError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(dir)
        .map_err(|error| unreachable(dir, &error))
}

fn lock_folder(dir: &Path) -> Result<File, StoreError> {
    let path = dir.join(LOCK_FILE);
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(|error| unreachable(&path, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::Locked(dir.to_owned())),
        Err(TryLockError::Error(error)) => Err(unreachable(&path, &error)),
    }
}

/// Makes the database readable by its owner alone; the engine gives its log the same mode.
fn make_private_file(path: &Path) -> Result<(), StoreError> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
        .open(path)
        .map(|_| ())
        .map_err(|error| unreachable(path, &error))
}

fn unreachable(path: &Path, error: &std::io::Error) -> StoreError {
    if matches!(
        error.kind(),
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded
    ) {
        return StoreError::DiskFull;
    }
    StoreError::Unreachable {
        path: PathBuf::from(path),
        reason: error.to_string(),
    }
}

fn open_connection(file: &Path, cache_kib: i64) -> Result<rusqlite::Connection, StoreError> {
    let open = || -> rusqlite::Result<rusqlite::Connection> {
        let connection = rusqlite::Connection::open(file)?;
        connection.busy_timeout(LOCK_WAIT)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS_CACHED);
        // Otherwise a statement whose plan could depend on a bound value is prepared again whenever one is bound.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "trusted_schema", false)?;
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        connection.pragma_update(None, "cache_size", -cache_kib)?;
        connection
            .pragma_update_and_check(None, "journal_size_limit", LOG_KEPT_BYTES, |_| Ok(()))?;
        Ok(connection)
    };
    open().map_err(StoreError::from_sqlite)
}

fn limit_size(connection: &rusqlite::Connection, bytes: u64) -> Result<(), StoreError> {
    let page: i64 = connection
        .pragma_query_value(None, "page_size", |row| row.get(0))
        .map_err(StoreError::from_sqlite)?;
    let pages = i64::try_from(bytes).unwrap_or(i64::MAX) / page.max(1);
    connection
        .pragma_update_and_check(None, "max_page_count", pages.max(1), |_| Ok(()))
        .map_err(StoreError::from_sqlite)
}

fn migrate(connection: &rusqlite::Connection, steps: &[Step]) -> Result<(), StoreError> {
    let run = |sql| {
        connection
            .execute_batch(sql)
            .map_err(StoreError::from_sqlite)
    };
    run("BEGIN IMMEDIATE")?;
    match migrations::migrate(&Tx::sqlite(connection), steps) {
        Ok(new) => {
            run("COMMIT")?;
            if new > 0 {
                tracing::info!(steps = new, "schema brought up to date");
            }
            Ok(())
        }
        Err(error) => {
            // The first error is the one to tell; a rollback that fails too leaves nothing committed.
            let _ = run("ROLLBACK");
            Err(error)
        }
    }
}
