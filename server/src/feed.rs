//! The feed of each area: one row per document that is or was there, at its latest place. Places are given
//! out inside the transaction that records a change, so a cursor never skips; areas do not contend.
//!
//! Reads and writes feeds; what a page may hold is `exchange`'s concern.

use std::ops::ControlFlow;

use sojourn_sync_protocol::{AreaCode, DocKind, DocumentId, HouseholdId};

use crate::documents::kind;
use crate::pages;
use crate::params;
use crate::store::{Row, StoreError, Tx};

pub(crate) const SCHEMA: &str = "
CREATE TABLE area_feeds (
    area TEXT NOT NULL PRIMARY KEY,
    last_seq BIGINT NOT NULL
);
CREATE TABLE feed (
    area TEXT NOT NULL,
    household BLOB NOT NULL,
    kind BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    entered_seq BIGINT NOT NULL,
    moved_to TEXT,
    PRIMARY KEY (area, household, kind)
);
CREATE UNIQUE INDEX feed_by_seq ON feed (area, seq, kind);
CREATE INDEX feed_by_household ON feed (household);
";

/// Where a document of a feed is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Whereabouts {
    /// In the area, since this place in its feed.
    Here {
        /// A tablet behind this place lacks the whole document.
        entered_seq: u64,
    },
    /// The household left for this area.
    Gone {
        /// Where to.
        to: AreaCode,
    },
}

/// One row of a feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FeedRow {
    /// The document.
    pub document: DocumentId,
    /// Its place.
    pub seq: u64,
    /// Where it is.
    pub whereabouts: Whereabouts,
}

/// One row of a feed with what its document is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    /// The row.
    pub row: FeedRow,
    /// The document's part of a digest.
    pub leaf: Option<[u8; 32]>,
    /// Bytes of the document as saved; 0 for one that left.
    pub bytes: usize,
}

/// Gives out the next place in an area's feed.
fn next_seq(tx: &Tx<'_>, area: &AreaCode) -> Result<u64, StoreError> {
    let seq = tx.query_opt(
        "INSERT INTO area_feeds (area, last_seq) VALUES (?1, 1)
         ON CONFLICT (area) DO UPDATE SET last_seq = area_feeds.last_seq + 1
         RETURNING last_seq",
        params![area.as_str()],
        |row| row.u64(0),
    )?;
    seq.ok_or_else(|| StoreError::Statement("a feed gave out no place".to_owned()))
}

/// A document enters an area: whoever is behind this place lacks all of it.
pub(crate) fn enter(tx: &Tx<'_>, area: &AreaCode, id: DocumentId) -> Result<u64, StoreError> {
    let seq = next_seq(tx, area)?;
    put(tx, area, id, seq, None)?;
    Ok(seq)
}

/// A document of an area has new changes.
pub(crate) fn touch(tx: &Tx<'_>, area: &AreaCode, id: DocumentId) -> Result<u64, StoreError> {
    let seq = next_seq(tx, area)?;
    tx.execute(
        "UPDATE feed SET seq = ?4 WHERE area = ?1 AND household = ?2 AND kind = ?3",
        params![area.as_str(), id.household.as_bytes(), id.kind.code(), seq],
    )?;
    Ok(seq)
}

/// A document leaves an area with its household.
pub(crate) fn leave(
    tx: &Tx<'_>,
    area: &AreaCode,
    id: DocumentId,
    to: &AreaCode,
) -> Result<(), StoreError> {
    let seq = next_seq(tx, area)?;
    let stood = tx.query_opt(
        "SELECT seq FROM feed WHERE area = ?1 AND household = ?2 AND kind = ?3",
        params![area.as_str(), id.household.as_bytes(), id.kind.code()],
        |row| row.u64(0),
    )?;
    if let Some(place) = stood {
        pages::forget(tx, area, place)?;
    }
    put(tx, area, id, seq, Some(to))
}

fn put(
    tx: &Tx<'_>,
    area: &AreaCode,
    id: DocumentId,
    seq: u64,
    moved_to: Option<&AreaCode>,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO feed (area, household, kind, seq, entered_seq, moved_to)
         VALUES (?1, ?2, ?3, ?4, ?4, ?5)
         ON CONFLICT (area, household, kind) DO UPDATE
         SET seq = excluded.seq, entered_seq = excluded.entered_seq, moved_to = excluded.moved_to",
        params![
            area.as_str(),
            id.household.as_bytes(),
            id.kind.code(),
            seq,
            moved_to.map(AreaCode::as_str),
        ],
    )?;
    Ok(())
}

/// The last place given out in an area's feed; 0 when it has none.
pub(crate) fn last_seq(tx: &Tx<'_>, area: &AreaCode) -> Result<u64, StoreError> {
    let last = tx.query_opt(
        "SELECT last_seq FROM area_feeds WHERE area = ?1",
        params![area.as_str()],
        |row| row.u64(0),
    )?;
    Ok(last.unwrap_or(0))
}

/// Every area with a feed and the last place in it, by area.
pub(crate) fn last_seqs(tx: &Tx<'_>) -> Result<Vec<(AreaCode, u64)>, StoreError> {
    tx.query(
        "SELECT area, last_seq FROM area_feeds ORDER BY area",
        &[],
        |row| Ok((row.parse(0)?, row.u64(1)?)),
    )
}

/// Up to `most` rows of an area after a place, in order.
pub(crate) fn rows_after(
    tx: &Tx<'_>,
    area: &AreaCode,
    seq: u64,
    most: usize,
) -> Result<Vec<FeedRow>, StoreError> {
    tx.query(
        "SELECT household, kind, seq, entered_seq, moved_to FROM feed
         WHERE area = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3",
        params![area.as_str(), seq, most],
        read,
    )
}

/// Walks the rows of an area after a place up to another, in order, with what their documents are now.
pub(crate) fn scan_told(
    tx: &Tx<'_>,
    area: &AreaCode,
    after: u64,
    up_to: u64,
    mut visit: impl FnMut(Told) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    tx.scan(
        "SELECT f.household, f.kind, f.seq, f.entered_seq, f.moved_to, d.leaf, LENGTH(d.saved)
         FROM feed f LEFT JOIN documents d
         ON f.moved_to IS NULL AND d.household = f.household AND d.kind = f.kind
         WHERE f.area = ?1 AND f.seq > ?2 AND f.seq <= ?3 ORDER BY f.seq",
        params![area.as_str(), after, up_to],
        |row| {
            visit(Told {
                row: read(row)?,
                leaf: row.optional(5, Row::array)?,
                bytes: usize::try_from(row.optional(6, Row::u64)?.unwrap_or(0)).unwrap_or(0),
            })?;
            Ok(ControlFlow::Continue(()))
        },
    )
}

/// The place at which a document entered an area; `None` when it is not there.
pub(crate) fn entered_seq(
    tx: &Tx<'_>,
    area: &AreaCode,
    id: DocumentId,
) -> Result<Option<u64>, StoreError> {
    tx.query_opt(
        "SELECT entered_seq FROM feed
         WHERE area = ?1 AND household = ?2 AND kind = ?3 AND moved_to IS NULL",
        params![area.as_str(), id.household.as_bytes(), id.kind.code()],
        |row| row.u64(0),
    )
}

/// How many rows of an area stand after a place, of some kinds of document.
pub(crate) fn count_after(
    tx: &Tx<'_>,
    area: &AreaCode,
    seq: u64,
    kinds: &[DocKind],
) -> Result<u64, StoreError> {
    let mut count = 0;
    for kind in kinds {
        let found = tx.query_opt(
            "SELECT COUNT(*) FROM feed WHERE area = ?1 AND seq > ?2 AND kind = ?3",
            params![area.as_str(), seq, kind.code()],
            |row| row.u64(0),
        )?;
        count += found.unwrap_or(0);
    }
    Ok(count)
}

/// The rows of a household in every feed, with their areas.
pub(crate) fn of_household(
    tx: &Tx<'_>,
    household: HouseholdId,
) -> Result<Vec<(AreaCode, FeedRow)>, StoreError> {
    tx.query(
        "SELECT household, kind, seq, entered_seq, moved_to, area FROM feed
         WHERE household = ?1 ORDER BY area, kind",
        params![household.as_bytes()],
        |row| Ok((row.parse(5)?, read(row)?)),
    )
}

/// Walks the households that any feed names.
pub(crate) fn each_household(
    tx: &Tx<'_>,
    mut visit: impl FnMut(HouseholdId) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    tx.scan(
        "SELECT DISTINCT household FROM feed ORDER BY household",
        &[],
        |row| {
            visit(HouseholdId::from_bytes(row.array(0)?))?;
            Ok(ControlFlow::Continue(()))
        },
    )
}

fn read(row: &Row<'_>) -> Result<FeedRow, StoreError> {
    let household = HouseholdId::from_bytes(row.array(0)?);
    let whereabouts = match row.optional(4, Row::parse)? {
        Some(to) => Whereabouts::Gone { to },
        None => Whereabouts::Here {
            entered_seq: row.u64(3)?,
        },
    };
    Ok(FeedRow {
        document: DocumentId::new(household, kind(row, 1)?),
        seq: row.u64(2)?,
        whereabouts,
    })
}
