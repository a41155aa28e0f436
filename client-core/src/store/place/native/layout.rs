//! Where the tables begin, kept beside the database (`tablet.layout.json`).
//!
//! The first page of an SQLite file says which page each table begins at. When that page is lost the rest
//! is whole but cannot be found; with the layout a first page can be written again. It holds table names
//! and page numbers, nothing of any household.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};
use serde::{Deserialize, Serialize};

use super::write_whole;
use crate::store::StoreError;
use crate::store::key::DatabaseKey;
use crate::store::migrations::Schema;

const LAYOUT: &str = "tablet.layout.json";
pub(crate) const PAGE_BYTES: u64 = 4096;
/// Largest blob written at once when the stand-in file is grown.
const BALLAST_BYTES: u64 = 256 * 1024 * 1024;

#[derive(Debug, Serialize, Deserialize)]
struct Table {
    name: String,
    root: i64,
    sql: String,
}

/// Writes where the kept tables begin. Called after a migration: nothing else moves a table.
pub(crate) fn save(dir: &Path, connection: &Connection, schema: &Schema) -> Result<(), StoreError> {
    let mut statement =
        connection.prepare("SELECT name, rootpage, sql FROM sqlite_schema WHERE type = 'table'")?;
    let tables = statement
        .query_map([], |row| {
            Ok(Table {
                name: row.get(0)?,
                root: row.get(1)?,
                sql: row.get(2)?,
            })
        })?
        .collect::<Result<Vec<_>, _>>()?;
    let kept: Vec<Table> = tables
        .into_iter()
        .filter(|table| schema.keeps(&table.name))
        .collect();
    let text = serde_json::to_vec_pretty(&kept).expect("a layout is plain data");
    write_whole(&dir.join(LAYOUT), &text)
}

/// Writes a first page for `damaged`, made from the layout, over the start of that file. Every page is
/// sealed with the key and its own number, so the page of a stand-in database with the same key fits.
pub(crate) fn restore_first_page(
    dir: &Path,
    damaged: &Path,
    stand_in: &Path,
    key: &DatabaseKey,
) -> Result<(), StoreError> {
    let text = std::fs::read(dir.join(LAYOUT))
        .map_err(|error| StoreError::io(&dir.join(LAYOUT), error))?;
    let tables: Vec<Table> =
        serde_json::from_slice(&text).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    let bytes = std::fs::metadata(damaged)
        .map_err(|error| StoreError::io(damaged, error))?
        .len();

    let connection = Connection::open_with_flags(
        stand_in,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
    )?;
    connection.execute_batch(&key.pragma())?;
    connection.execute_batch(
        "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
         CREATE TABLE ballast (id INTEGER PRIMARY KEY, bytes BLOB);",
    )?;
    // The first page also says how many pages there are: at least as many as the damaged file has.
    let mut left = bytes + 8 * PAGE_BYTES;
    while left > 0 {
        let blob = left.min(BALLAST_BYTES);
        connection.execute(
            "INSERT INTO ballast (bytes) VALUES (zeroblob(?1))",
            [i64::try_from(blob).unwrap_or(i64::MAX)],
        )?;
        left -= blob;
    }
    connection.execute_batch("PRAGMA writable_schema = ON; BEGIN; DELETE FROM sqlite_schema;")?;
    for table in &tables {
        connection.execute(
            "INSERT INTO sqlite_schema (type, name, tbl_name, rootpage, sql) VALUES ('table', ?1, ?1, ?2, ?3)",
            rusqlite::params![table.name, table.root, table.sql],
        )?;
    }
    connection.execute_batch("COMMIT")?;
    connection.close().map_err(|(_, error)| error)?;

    let copy = || -> std::io::Result<()> {
        use std::io::{Read, Write};
        let mut page = vec![0; usize::try_from(PAGE_BYTES).expect("a page fits in memory")];
        std::fs::File::open(stand_in)?.read_exact(&mut page)?;
        std::fs::OpenOptions::new()
            .write(true)
            .open(damaged)?
            .write_all(&page)
    };
    copy().map_err(|error| StoreError::io(damaged, error))
}
