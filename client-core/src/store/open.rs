//! Opening the database of a folder: the place is taken, then key, database, migrations, and salvage when a page cannot be read.
//! A place that was not left in order costs a check of every page.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::key::{self, DatabaseKey, KeyCost};
use super::migrations::Schema;
use super::place::{self, Place};
use super::{Opened, Store, StoreError, scrub};
use crate::clock::Random;

pub(crate) const DATABASE: &str = "tablet.db";
const STATEMENTS_CACHED: usize = 128;
/// Pages in the log before a commit also writes them back, which takes several times as long as the commit itself: so
/// many that fewer than one edit in a hundred waits for it, since an edit writes a dozen.
const LOG_PAGES: u32 = 4000;

impl Store {
    /// Whether somebody has made a database in `dir`.
    pub fn exists(dir: &Path) -> bool {
        key::exists(dir) || place::exists(&dir.join(DATABASE))
    }

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
        let (place, in_order) = Place::take(dir)?;
        let existed = place::exists(&dir.join(DATABASE));
        let key = if key::exists(dir) || existed {
            key::open(dir, passphrase)?
        } else {
            key::create(dir, passphrase, cost, random)?
        };
        place.begin()?;
        let check = existed && !in_order;
        let connected = match connect_pair(dir, &key, schema, check) {
            // To the check a page that could not be read this once is a damaged one: damage is what is found twice.
            Err(StoreError::Corrupt(_)) if check => connect_pair(dir, &key, schema, check),
            other => other,
        };
        let (connections, salvaged) = match connected {
            Err(StoreError::Corrupt(_)) if existed => {
                let report = place::salvage(dir, &key, schema)?;
                (connect_pair(dir, &key, schema, false)?, Some(report))
            }
            other => (other?, None),
        };
        let (writer, reader, folded) = connections;
        let store = Store {
            writer: Mutex::new(writer),
            reader: reader.map(Mutex::new),
            transactions: Mutex::default(),
            folded: AtomicBool::new(folded),
            place,
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
) -> Result<(Connection, Option<Connection>, bool), StoreError> {
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
    let folded = match fold(&writer) {
        Ok(()) => true,
        Err(StoreError::DiskFull | StoreError::Busy(_)) => false,
        Err(error) => return Err(error),
    };
    if migrate(&mut writer, schema)? {
        place::note_layout(dir, &writer, schema)?;
    }
    if folded && scrub::is_due(&writer)? {
        writer = place::rewrite(dir, key, schema, writer)?;
    }
    Ok((writer, place::reader(&path, key)?, folded))
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
    connection.execute_batch(place::FIRST)?;
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

/// Writes all that is in the log back into the database and empties the log.
pub(super) fn fold(connection: &Connection) -> Result<(), StoreError> {
    let sql = "PRAGMA wal_checkpoint(TRUNCATE)";
    if connection.query_row(sql, [], |row| row.get::<_, bool>(0))? {
        return Err(StoreError::Busy(PathBuf::from(DATABASE)));
    }
    Ok(())
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
