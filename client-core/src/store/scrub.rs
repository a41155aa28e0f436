//! What was taken off leaves no trace in the file. SQLite overwrites what it deletes, but not the former place of a row that it
//! moved when a page was split or joined with another: such a copy stays until the room is used again. So once rows were
//! taken off for good, the next opening writes the database anew, row by row, beside the old one, and puts it in its place.
//!
//! Costs what the whole database costs, at an opening after a day on which something left. On a full disk it waits for
//! another opening. A cut midway leaves the old file, or the new one with the mark still in it, and it is done again.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::key::DatabaseKey;
use super::migrations::Schema;
use super::open::{self, DATABASE};
use super::salvage::{remove, rename};
use super::{StoreError, Tx, layout, log};

/// The database as it is written anew; means nothing after a cut.
pub(super) const ANEW: &str = "tablet.db.anew";
/// In `store_state`: rows were taken off for good since the database was last written anew.
const SCRUB: &str = "scrub";

/// Has the next opening write the database anew.
///
/// # Errors
/// [`StoreError`].
pub(crate) fn ask(tx: &Tx<'_>) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO store_state (name, value) VALUES (?1, x'01') ON CONFLICT (name) DO NOTHING",
        [SCRUB],
    )?;
    Ok(())
}

/// Whether rows were taken off for good since.
pub(super) fn is_due(connection: &Connection) -> Result<bool, StoreError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM store_state WHERE name = ?1)";
    Ok(connection.query_row(sql, [SCRUB], |row| row.get(0))?)
}

/// Writes the database anew, where there is room, and gives a connection to what is in its place. The log has to be empty,
/// and nobody else connected.
pub(super) fn rewrite(
    dir: &Path,
    key: &DatabaseKey,
    schema: &Schema,
    old: Connection,
) -> Result<Connection, StoreError> {
    match write_anew(dir, key, &old) {
        Ok(()) => {}
        Err(error @ StoreError::Corrupt(_)) => return Err(error),
        Err(_) => {
            // It is done at another opening; what is there is whole.
            remove(dir, ANEW)?;
            return Ok(old);
        }
    }
    old.close().map_err(|(_, error)| error)?;
    for log in ["-wal", "-shm"] {
        remove(dir, &format!("{DATABASE}{log}"))?;
    }
    rename(&dir.join(ANEW), &dir.join(DATABASE))?;
    let new = open::connect(&dir.join(DATABASE), key, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    layout::save(dir, &new, schema)?;
    // Cut before this, it is done again. On a full disk it is, too.
    match new.execute("DELETE FROM store_state WHERE name = ?1", [SCRUB]) {
        Ok(_) => log::fold(&new).or_else(only_full)?,
        Err(error) => only_full(error.into())?,
    }
    Ok(new)
}

fn write_anew(dir: &Path, key: &DatabaseKey, old: &Connection) -> Result<(), StoreError> {
    remove(dir, ANEW)?;
    let anew = dir.join(ANEW);
    old.execute("VACUUM INTO ?1", [anew.to_string_lossy()])?;
    // Opened once with the settings of this store, so that all of it is on the disk before it counts.
    let written = open::connect(&anew, key, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    log::fold(&written)?;
    written.close().map_err(|(_, error)| error)?;
    Ok(())
}

fn only_full(error: StoreError) -> Result<(), StoreError> {
    match error {
        StoreError::DiskFull | StoreError::Busy(_) => Ok(()),
        other => Err(other),
    }
}
