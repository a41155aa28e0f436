//! Opening the folder: lock, key, database, migrations, and salvage when a page cannot be read.
//!
//! The lock file also holds one word that says how the folder was left: `clean`, `open` (the process ended
//! without closing) or `suspect` (an operation met damage). Only the last two cost a check of every page.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::key::{self, DatabaseKey, KeyCost};
use super::migrations::Schema;
use super::{Opened, Store, StoreError, layout, log, salvage, scrub};
use crate::clock::Random;

pub(crate) const DATABASE: &str = "tablet.db";
const LOCK: &str = "tablet.lock";
const STATEMENTS_CACHED: usize = 128;
/// Pages in the log before a commit also writes them back, which takes several times as long as the commit itself: so
/// many that fewer than one edit in a hundred waits for it, since an edit writes a dozen.
const LOG_PAGES: u32 = 4000;

/// The locked folder.
pub(crate) struct Folder {
    path: PathBuf,
    lock: Mutex<File>,
    suspect: AtomicBool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Left {
    Clean,
    Open,
    Suspect,
}

impl Folder {
    fn lock(path: &Path) -> Result<(Self, Left), StoreError> {
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
        // A lock file that is no text says nothing good about the folder: check.
        let left = match file.read_to_string(&mut word) {
            Ok(_) if word == "clean" => Left::Clean,
            Ok(_) if word.is_empty() || word == "open" => Left::Open,
            _ => Left::Suspect,
        };
        let folder = Self {
            path: path.into(),
            lock: Mutex::new(file),
            suspect: AtomicBool::new(false),
        };
        Ok((folder, left))
    }

    fn mark(&self, word: &str) -> std::io::Result<()> {
        let mut file = super::held(&self.lock);
        file.set_len(0)?;
        file.rewind()?;
        file.write_all(word.as_bytes())?;
        file.sync_data()
    }

    pub(crate) fn suspect(&self) {
        // A mark that cannot be written leaves `open`, which is checked too.
        if !self.suspect.swap(true, Ordering::Relaxed) {
            let _ = self.mark("suspect");
        }
    }

    pub(crate) fn closed(&self) {
        if !self.suspect.load(Ordering::Relaxed) {
            let _ = self.mark("clean");
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Store {
    /// Opens the database in `dir`, making folder, key and database when there are none.
    ///
    /// # Errors
    /// [`StoreError::Busy`] when another process has the folder; [`StoreError::WrongKey`] without
    /// touching the database; [`StoreError::Newer`]; [`StoreError::KeyFile`]; [`StoreError::DiskFull`].
    /// A corrupt file is no error: see [`Opened::salvage`].
    pub fn open(
        dir: &Path,
        passphrase: &str,
        cost: KeyCost,
        schema: &Schema,
        random: &mut dyn Random,
    ) -> Result<Opened, StoreError> {
        let (folder, left) = Folder::lock(dir)?;
        salvage::finish_interrupted(dir)?;
        let database = dir.join(DATABASE);
        let existed = database.exists();
        let key = if key::exists(dir) || existed {
            key::open(dir, passphrase)?
        } else {
            key::create(dir, passphrase, cost, random)?
        };
        // On a full disk the word cannot be written; then at worst a later opening does not check.
        let _ = folder.mark("open");

        log::write_anew(dir)?;
        let check = existed && left != Left::Clean;
        let connected = match connect_pair(dir, &key, schema, check) {
            // To the check a page that could not be read this once is a damaged one: damage is what is found twice.
            Err(StoreError::Corrupt(_)) if check => connect_pair(dir, &key, schema, check),
            other => other,
        };
        let (connections, salvaged) = match connected {
            Err(StoreError::Corrupt(_)) if existed => {
                let report = salvage::salvage(dir, &key, schema)?;
                (connect_pair(dir, &key, schema, false)?, Some(report))
            }
            other => (other?, None),
        };
        let (writer, reader, folded) = connections;
        let store = Store {
            writer: Mutex::new(writer),
            reader: Mutex::new(reader),
            transactions: Mutex::default(),
            folded: AtomicBool::new(folded),
            folder,
        };
        Ok(Opened {
            store,
            salvage: salvaged,
        })
    }
}

fn connect_pair(
    dir: &Path,
    key: &DatabaseKey,
    schema: &Schema,
    check: bool,
) -> Result<(Connection, Connection, bool), StoreError> {
    let path = dir.join(DATABASE);
    let mut writer = connect(
        &path,
        key,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
    )?;
    if check {
        quick_check(&writer)?;
    }
    // A full disk can still be read, and the log is folded before anything is written.
    let folded = match log::fold(&writer) {
        Ok(()) => true,
        Err(StoreError::DiskFull | StoreError::Busy(_)) => false,
        Err(error) => return Err(error),
    };
    if migrate(&mut writer, schema)? {
        layout::save(dir, &writer, schema)?;
    }
    if folded && scrub::is_due(&writer)? {
        writer = scrub::rewrite(dir, key, schema, writer)?;
    }
    let reader = connect(&path, key, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    reader.execute_batch("PRAGMA query_only = ON")?;
    Ok((writer, reader, folded))
}

/// A connection with the key given and the settings of this store. What is deleted is overwritten, on pages that become
/// free too; what was only moved is left to [`scrub`].
pub(crate) fn connect(
    path: &Path,
    key: &DatabaseKey,
    flags: OpenFlags,
) -> Result<Connection, StoreError> {
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_CACHED);
    // Otherwise a statement whose plan could depend on a bound value is prepared again whenever one is bound.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    // Damage is answered as an error; SQLCipher would also write about it on the terminal.
    connection.execute_batch("PRAGMA cipher_log_level = NONE")?;
    connection.execute_batch(&key.pragma())?;
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    connection.execute_batch(
        "PRAGMA temp_store = MEMORY;
         PRAGMA secure_delete = ON;
         PRAGMA cache_size = -8192;
         PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;",
    )?;
    connection.pragma_update_and_check(None, "wal_autocheckpoint", LOG_PAGES, |_| Ok(()))?;
    // The first read of page 1: here a file that is no database of this key shows itself.
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| {
        row.get::<_, i64>(0)
    })?;
    Ok(connection)
}

fn quick_check(connection: &Connection) -> Result<(), StoreError> {
    let mut statement = connection.prepare("PRAGMA quick_check(1)")?;
    let mut rows = statement.query([])?;
    match rows
        .next()
        .map_err(|error| StoreError::Corrupt(error.to_string()))?
    {
        Some(row) => match row.get::<_, String>(0)?.as_str() {
            "ok" => Ok(()),
            found => Err(StoreError::Corrupt(found.into())),
        },
        None => Ok(()),
    }
}

/// Brings the database to the newest schema; says whether anything was done.
pub(crate) fn migrate(connection: &mut Connection, schema: &Schema) -> Result<bool, StoreError> {
    let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let found = usize::try_from(found).unwrap_or(usize::MAX);
    let known = schema.migrations.len();
    if found > known {
        return Err(StoreError::Newer { found, known });
    }
    for (position, step) in schema.migrations.iter().enumerate().skip(found) {
        let tx = connection.transaction()?;
        for sql in *step {
            tx.execute_batch(sql)?;
        }
        tx.pragma_update(
            None,
            "user_version",
            i64::try_from(position + 1).unwrap_or(i64::MAX),
        )?;
        tx.commit()?;
    }
    Ok(found < known)
}
