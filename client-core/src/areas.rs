//! The tablet's copy of the area tree: to name places, and to say where a family can move.
//!
//! Codes are opaque; what lies below an area follows from the parent column alone.

use sojourn_sync_protocol::message::AreasReply;
use sojourn_sync_protocol::{Area, AreaCode};

use crate::store::{StoreError, Tx};

pub(crate) const SCHEMA: &str = "
CREATE TABLE areas (
    code   TEXT NOT NULL PRIMARY KEY,
    parent TEXT,
    level  TEXT NOT NULL,
    name   TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX areas_parent ON areas (parent);
CREATE TABLE areas_version (id INTEGER PRIMARY KEY CHECK (id = 1), version INTEGER NOT NULL);
";

/// Replaces the tree.
///
/// # Errors
/// [`StoreError`].
pub fn replace(tx: &Tx<'_>, tree: &AreasReply) -> Result<(), StoreError> {
    tx.execute("DELETE FROM areas", [])?;
    for area in &tree.areas {
        tx.execute(
            "INSERT OR REPLACE INTO areas (code, parent, level, name) VALUES (?1, ?2, ?3, ?4)",
            rusqlite::params![
                area.code.as_str(),
                area.parent.as_ref().map(AreaCode::as_str),
                area.level,
                area.name
            ],
        )?;
    }
    tx.execute(
        "INSERT OR REPLACE INTO areas_version (id, version) VALUES (1, ?1)",
        [i64::try_from(tree.version).unwrap_or(i64::MAX)],
    )?;
    Ok(())
}

/// The version of the tree held; 0 for none.
///
/// # Errors
/// [`StoreError`].
pub fn version(tx: &Tx<'_>) -> Result<u64, StoreError> {
    let version = tx.one(
        "SELECT version FROM areas_version WHERE id = 1",
        [],
        |row| row.get::<_, i64>(0),
    )?;
    Ok(version
        .and_then(|version| u64::try_from(version).ok())
        .unwrap_or(0))
}

/// One area.
///
/// # Errors
/// [`StoreError`].
pub fn area(tx: &Tx<'_>, code: &AreaCode) -> Result<Option<Area>, StoreError> {
    let row = tx.one(
        "SELECT parent, level, name FROM areas WHERE code = ?1",
        [code.as_str()],
        |row| {
            Ok((
                row.get::<_, Option<String>>(0)?,
                row.get::<_, String>(1)?,
                row.get::<_, String>(2)?,
            ))
        },
    )?;
    Ok(row.map(|(parent, level, name)| Area {
        code: code.clone(),
        parent: parent.and_then(|parent| parent.parse().ok()),
        level,
        name,
    }))
}

/// Every area, by code.
///
/// # Errors
/// [`StoreError`].
pub fn all(tx: &Tx<'_>) -> Result<Vec<Area>, StoreError> {
    let rows = tx.all(
        "SELECT code, parent, level, name FROM areas ORDER BY code",
        [],
        |row| {
            Ok((
                row.get::<_, String>(0)?,
                row.get::<_, Option<String>>(1)?,
                row.get::<_, String>(2)?,
                row.get::<_, String>(3)?,
            ))
        },
    )?;
    let area = |(code, parent, level, name): (String, Option<String>, _, _)| {
        let code = code.parse().ok()?;
        let parent = parent.and_then(|parent| parent.parse().ok());
        Some(Area {
            code,
            parent,
            level,
            name,
        })
    };
    Ok(rows.into_iter().filter_map(area).collect())
}

/// The names from the top of the tree down to the area, for the screen. Empty when it is not in the tree.
///
/// # Errors
/// [`StoreError`].
pub fn path_names(tx: &Tx<'_>, code: &AreaCode) -> Result<Vec<String>, StoreError> {
    // A parent that leads back to its child ends the walk instead of going round for ever.
    const LEVELS_MAX: usize = 16;
    let mut names = Vec::new();
    let mut next = Some(code.clone());
    while let Some(found) = next
        .as_ref()
        .map(|code| area(tx, code))
        .transpose()?
        .flatten()
    {
        names.push(found.name);
        next = found.parent;
        if names.len() == LEVELS_MAX {
            break;
        }
    }
    names.reverse();
    Ok(names)
}

/// Whether `code` is one of `roots` or lies below one.
///
/// # Errors
/// [`StoreError`].
pub fn is_within(tx: &Tx<'_>, code: &AreaCode, roots: &[AreaCode]) -> Result<bool, StoreError> {
    if roots.contains(code) {
        return Ok(true);
    }
    let above = tx.all(
        "WITH RECURSIVE above (code) AS (
             SELECT parent FROM areas WHERE code = ?1
             UNION
             SELECT areas.parent FROM areas JOIN above ON areas.code = above.code
         )
         SELECT code FROM above WHERE code IS NOT NULL",
        [code.as_str()],
        |row| row.get::<_, String>(0),
    )?;
    Ok(above
        .iter()
        .any(|code| roots.iter().any(|root| root.as_str() == code)))
}
