//! The database written anew beside the old one, and put in its place. A cut midway leaves the old file, or the new one with the
//! mark of `scrub` still in it.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::layout;
use super::salvage::{remove, rename};
use crate::store::key::DatabaseKey;
use crate::store::migrations::Schema;
use crate::store::open::{self, DATABASE};
use crate::store::{StoreError, scrub};

/// The database as it is written anew; means nothing after a cut.
pub(crate) const ANEW: &str = "tablet.db.anew";
/// Writes the database anew, where there is room, and gives a connection to what is in its place. The log has to be empty,
/// and nobody else connected.
pub(crate) fn rewrite(
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
    match scrub::done(&new) {
        Ok(()) => open::fold(&new).or_else(only_full)?,
        Err(error) => only_full(error)?,
    }
    Ok(new)
}

fn write_anew(dir: &Path, key: &DatabaseKey, old: &Connection) -> Result<(), StoreError> {
    remove(dir, ANEW)?;
    let anew = dir.join(ANEW);
    old.execute("VACUUM INTO ?1", [anew.to_string_lossy()])?;
    // Opened once with the settings of this store, so that all of it is on the disk before it counts.
    let written = open::connect(&anew, key, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    open::fold(&written)?;
    written.close().map_err(|(_, error)| error)?;
    Ok(())
}

fn only_full(error: StoreError) -> Result<(), StoreError> {
    match error {
        StoreError::DiskFull | StoreError::Busy(_) => Ok(()),
        other => Err(other),
    }
}
