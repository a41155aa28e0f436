//! A place in the browser's private files of this origin: a pool of slots that the browser lends to one worker at a time, which is
//! the lock, and in which SQLite's own file system finds database and log by name.
//!
//! There is one connection, since the pool has no memory that two could share. A small file is a database of one value, so that a
//! cut leaves the old one or the new one. A tab ends without a word, so its end says nothing about the database: only damage that
//! was met has every page checked. What is damaged is not carried over here; the server has what was handed in.

use std::cell::RefCell;
use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension as _};
use sqlite_wasm_rs::WasmOsCallback;
use sqlite_wasm_vfs::sahpool::{self, OpfsSAHError, OpfsSAHPoolCfgBuilder, OpfsSAHPoolUtil};

use crate::clock;
use crate::store::carried::Salvage;
use crate::store::key::DatabaseKey;
use crate::store::migrations::Schema;
use crate::store::{StoreError, scrub};

/// Of the folder in the browser's private files.
const POOL: &str = "register";
/// Databases, their logs and the small files of a few people who share the device, and room for what SQLite makes for a moment.
const SLOTS: usize = 32;
const SUSPECT: &str = "suspect";
/// A worker that ended gives its files back a moment later, and the browser does not say when.
const TRIES: u32 = 100;
const BETWEEN_TRIES_MS: u64 = 30;
/// What the browser calls a file that another worker has.
const TAKEN: &str = "NoModificationAllowedError";
/// What a connection is told before it reads anything: it is alone, so the log needs no memory that is shared.
pub(crate) const FIRST: &str = "PRAGMA locking_mode = EXCLUSIVE;";

thread_local! {
    static FILES: RefCell<Option<OpfsSAHPoolUtil>> = const { RefCell::new(None) };
}

/// Why the browser lends this worker no files.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct NoFiles(String);

/// Borrows the private files of this origin, once for a worker; every place is found in them.
///
/// # Errors
/// [`NoFiles`]: the browser has none (a private window, an old browser), or another worker has them.
pub(crate) async fn borrow_files() -> Result<(), NoFiles> {
    let wanted = OpfsSAHPoolCfgBuilder::new()
        .vfs_name(POOL)
        .directory(POOL)
        .initial_capacity(SLOTS)
        .build();
    for _ in 1..TRIES {
        match sahpool::install::<WasmOsCallback>(&wanted, true).await {
            Err(OpfsSAHError::Opfs { message, .. }) if message.starts_with(TAKEN) => {
                clock::pause(BETWEEN_TRIES_MS).await;
            }
            Err(error) => return Err(NoFiles(error.to_string())),
            Ok(pool) => {
                FILES.set(Some(pool));
                return Ok(());
            }
        }
    }
    Err(NoFiles("another worker has the files".into()))
}

/// One person's part of the private files.
pub(crate) struct Place(PathBuf);

impl Place {
    /// The worker has the pool, so it has every place in it; whether no damage was met when it was open last.
    pub(crate) fn take(path: &Path) -> Result<(Self, bool), StoreError> {
        let place = Self(path.into());
        let in_order = !exists(&place.suspected());
        Ok((place, in_order))
    }

    fn suspected(&self) -> PathBuf {
        self.0.join(SUSPECT)
    }

    /// Nothing is left over from an earlier opening: the log is SQLite's own affair.
    pub(crate) fn begin(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Notes that damage was met.
    pub(crate) fn suspect(&self) {
        let _ = write_whole(&self.suspected(), &[1]);
    }

    /// Notes that the database was closed in order, which here says nothing.
    pub(crate) fn closed(&self) {}

    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

/// Whether there is such a file.
pub(crate) fn exists(path: &Path) -> bool {
    use sqlite_wasm_rs::vfs::VfsFilesManager as _;
    let name = path.to_string_lossy();
    FILES.with_borrow(|files| {
        files
            .as_ref()
            .is_some_and(|files| files.contains(&name).unwrap_or(false))
    })
}

/// A small file, whole.
pub(crate) fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    if !exists(path) {
        return Err(ErrorKind::NotFound.into());
    }
    let find = || {
        let sql = "SELECT bytes FROM whole";
        let file = Connection::open(path)?;
        file.query_row(sql, [], |row| row.get(0)).optional()
    };
    find()
        .map_err(Error::other)?
        .ok_or_else(|| ErrorKind::UnexpectedEof.into())
}

/// Writes a small file so that after a cut either the old or the whole new one stands.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let mut file = Connection::open(path)?;
    file.execute_batch("PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;")?;
    let tx = file.transaction()?;
    tx.execute_batch("CREATE TABLE IF NOT EXISTS whole (bytes BLOB NOT NULL); DELETE FROM whole;")?;
    tx.execute("INSERT INTO whole (bytes) VALUES (?1)", [bytes])?;
    Ok(tx.commit()?)
}

/// There is one connection.
pub(crate) fn reader(_: &Path, _: &DatabaseKey) -> Result<Option<Connection>, StoreError> {
    Ok(None)
}

/// Nothing is ever found again by where its table began.
pub(crate) fn note_layout(_: &Path, _: &Connection, _: &Schema) -> Result<(), StoreError> {
    Ok(())
}

/// What is damaged stays as it is, and is said.
///
/// # Errors
/// [`StoreError::Corrupt`], always.
pub(crate) fn salvage(_: &Path, _: &DatabaseKey, _: &Schema) -> Result<Salvage, StoreError> {
    Err(StoreError::Corrupt("a page cannot be read".into()))
}

/// Writes the database anew in its own place, by way of its log.
pub(crate) fn rewrite(
    _: &Path,
    _: &DatabaseKey,
    _: &Schema,
    old: Connection,
) -> Result<Connection, StoreError> {
    match old.execute_batch("VACUUM").map_err(StoreError::from) {
        Ok(()) => scrub::done(&old)?,
        // It is done at another opening; what is there is whole.
        Err(StoreError::DiskFull) => {}
        Err(error) => return Err(error),
    }
    Ok(old)
}
