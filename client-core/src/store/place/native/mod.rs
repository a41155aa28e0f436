//! A folder of a system's own: a lock file, the database with a second connection that reads, and what only files with names allow,
//! which is to carry over what can be read of a damaged database and to put another in its place.
//!
//! The lock file also holds one word that says how the folder was left: `clean`, `open` (the process ended
//! without closing) or `suspect` (an operation met damage). Only the last two cost a check of every page.

mod layout;
mod log;
mod rewrite;
mod salvage;

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::{Connection, OpenFlags};

use crate::store::key::DatabaseKey;
use crate::store::{StoreError, held, open};

pub(crate) use layout::save as note_layout;
pub(crate) use rewrite::rewrite;
pub(crate) use salvage::salvage;
#[cfg(test)]
pub(crate) use {layout::PAGE_BYTES, rewrite::ANEW};

const LOCK: &str = "tablet.lock";
/// What a connection is told before it reads anything.
pub(crate) const FIRST: &str = "";

/// The locked folder.
pub(crate) struct Place {
    path: PathBuf,
    lock: Mutex<File>,
    suspect: AtomicBool,
}

impl Place {
    /// Locks the folder, making it when there is none, and finishes what an earlier opening began; whether it was left in order.
    pub(crate) fn take(path: &Path) -> Result<(Self, bool), StoreError> {
        std::fs::create_dir_all(path).map_err(|error| StoreError::io(path, error))?;
        let name = path.join(LOCK);
        let io = |error| StoreError::io(&name, error);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&name)
            .map_err(io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StoreError::Busy(path.into())),
            Err(TryLockError::Error(error)) => return Err(io(error)),
        }
        let mut word = String::new();
        // A lock file that is no text, or says another word, says nothing good about the folder: check.
        let in_order = file.read_to_string(&mut word).is_ok() && word == "clean";
        salvage::finish_interrupted(path)?;
        let place = Self {
            path: path.into(),
            lock: Mutex::new(file),
            suspect: AtomicBool::new(false),
        };
        Ok((place, in_order))
    }

    /// Says that the database is about to be opened, and makes sure of the log that was left.
    pub(crate) fn begin(&self) -> Result<(), StoreError> {
        // On a full disk the word cannot be written; then at worst a later opening does not check.
        let _ = self.mark("open");
        log::write_anew(&self.path)
    }

    fn mark(&self, word: &str) -> std::io::Result<()> {
        let mut file = held(&self.lock);
        file.set_len(0)?;
        file.rewind()?;
        file.write_all(word.as_bytes())?;
        file.sync_data()
    }

    /// Notes that damage was met.
    pub(crate) fn suspect(&self) {
        // A mark that cannot be written leaves `open`, which is checked too.
        if !self.suspect.swap(true, Ordering::Relaxed) {
            let _ = self.mark("suspect");
        }
    }

    /// Notes that the database was closed in order.
    pub(crate) fn closed(&self) {
        if !self.suspect.load(Ordering::Relaxed) {
            let _ = self.mark("clean");
        }
    }

    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// Whether there is such a file.
pub(crate) fn exists(path: &Path) -> bool {
    path.exists()
}

/// A small file, whole.
pub(crate) fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    std::fs::read(path)
}

/// Writes a small file so that after a cut either the old or the whole new one stands.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let fresh = path.with_extension("fresh");
    let write = || -> std::io::Result<()> {
        let mut file = std::fs::File::create(&fresh)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&fresh, path)
    };
    write().map_err(|error| StoreError::io(path, error))
}

/// A second connection, which only reads and so never waits for the one that writes.
pub(crate) fn reader(path: &Path, key: &DatabaseKey) -> Result<Option<Connection>, StoreError> {
    let reader = open::connect(path, key, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    reader.execute_batch("PRAGMA query_only = ON")?;
    Ok(Some(reader))
}
