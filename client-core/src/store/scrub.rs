//! What was taken off leaves no trace in the file. SQLite overwrites what it deletes, but not the former place of a row that it
//! moved when a page was split or joined with another: such a copy stays until the room is used again. So once rows were
//! taken off for good, the next opening writes the database anew, row by row.
//!
//! Costs what the whole database costs, at an opening after a day on which something left. On a full disk it waits for
//! another opening; cut midway, it is done again.

use rusqlite::Connection;

use super::{StoreError, Tx};

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

/// The database was written anew.
pub(super) fn done(connection: &Connection) -> Result<(), StoreError> {
    connection.execute("DELETE FROM store_state WHERE name = ?1", [SCRUB])?;
    Ok(())
}
