//! Documents and the changes they are made of. Raw change bytes are the truth (one log per household, in
//! the order of arrival); a saved document is a cache that the log can rebuild.
//!
//! Nothing here decides whether a change belongs; `ingest` does, and `check` proves the cache.

use std::ops::ControlFlow;

use sojourn_sync_protocol::{
    ActorId, AreaCode, ChangeHash, DeviceId, DocKind, DocumentId, HouseholdId, StaffId, Timestamp,
    digest, record::Document,
};

use crate::params;
use crate::store::{Row, StoreError, Tx};

pub(crate) const SCHEMA: &str = "
CREATE TABLE documents (
    household BLOB NOT NULL,
    kind BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    heads BLOB NOT NULL,
    leaf BLOB NOT NULL,
    saved BLOB NOT NULL,
    PRIMARY KEY (household, kind)
);
CREATE TABLE changes (
    household BLOB NOT NULL,
    kind BIGINT NOT NULL,
    hash BLOB NOT NULL,
    position BIGINT NOT NULL,
    actor BLOB NOT NULL,
    seq BIGINT NOT NULL,
    deps BLOB NOT NULL,
    bytes BLOB NOT NULL,
    device BLOB NOT NULL,
    staff BLOB NOT NULL,
    area TEXT NOT NULL,
    grant_version BIGINT NOT NULL,
    batch BLOB NOT NULL,
    arrived_at BIGINT NOT NULL,
    late BIGINT NOT NULL,
    unknown_areas TEXT NOT NULL,
    feed_area TEXT NOT NULL,
    feed_seq BIGINT NOT NULL,
    PRIMARY KEY (household, kind, hash)
);
CREATE UNIQUE INDEX changes_by_position ON changes (household, position);
CREATE UNIQUE INDEX changes_by_actor ON changes (household, kind, actor, seq);
CREATE INDEX changes_by_feed ON changes (household, kind, feed_area, feed_seq);
";

/// The epoch in which every document begins.
pub(crate) const FIRST_EPOCH: u64 = 1;

/// A document read from its cache, or rebuilt from its log where the cache cannot be read.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    /// Its epoch.
    pub epoch: u64,
    /// Its content.
    pub document: Document,
}

/// What is kept of a document beside its changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Saved {
    /// Which document.
    pub id: DocumentId,
    /// Its epoch.
    pub epoch: u64,
    /// Its heads, in ascending order.
    pub heads: Vec<ChangeHash>,
    /// Its part of a digest.
    pub leaf: [u8; 32],
    /// The whole document, uncompressed.
    pub bytes: Vec<u8>,
}

impl Saved {
    /// Of a document and the bytes that it was saved as.
    pub(crate) fn with_bytes(document: &Document, epoch: u64, bytes: Vec<u8>) -> Self {
        let heads = document.heads();
        Self {
            id: document.id(),
            epoch,
            leaf: digest::leaf(document.id(), epoch, &heads),
            heads,
            bytes,
        }
    }
}

/// One change of the log, with who brought it and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LoggedChange {
    /// The document it belongs to.
    pub document: DocumentId,
    /// SHA-256 of the change.
    pub hash: ChangeHash,
    /// Its place in the household's log, from 1.
    pub position: u64,
    /// Who made it, in Automerge's sense.
    pub actor: ActorId,
    /// The actor's how-manieth change of the document.
    pub seq: u64,
    /// What it builds on.
    pub deps: Vec<ChangeHash>,
    /// The change itself.
    pub bytes: Vec<u8>,
    /// The device that handed it in.
    pub device: DeviceId,
    /// The member of staff that it names.
    pub staff: StaffId,
    /// The area that they worked for.
    pub area: AreaCode,
    /// The grant it was judged by.
    pub grant_version: u32,
    /// Digest of the batch it came in.
    pub batch: [u8; 32],
    /// When, by the server's clock.
    pub arrived_at: Timestamp,
    /// The household had left the author's area.
    pub late: bool,
    /// Areas of residence standing after it that were not in the tree as it arrived.
    pub unknown_areas: Vec<AreaCode>,
    /// The feed that tells of it.
    pub feed_area: AreaCode,
    /// Its place there.
    pub feed_seq: u64,
}

/// The document's cache as bytes, with its epoch.
pub(crate) fn saved(tx: &Tx<'_>, id: DocumentId) -> Result<Option<(u64, Vec<u8>)>, StoreError> {
    tx.query_opt(
        "SELECT epoch, saved FROM documents WHERE household = ?1 AND kind = ?2",
        params![id.household.as_bytes(), id.kind.code()],
        |row| Ok((row.u64(0)?, row.blob(1)?)),
    )
}

/// The document, from its cache or else from its log.
pub(crate) fn load(tx: &Tx<'_>, id: DocumentId) -> Result<Option<Held>, StoreError> {
    let Some((epoch, bytes)) = saved(tx, id)? else {
        return Ok(None);
    };
    let document = match Document::load_stored(id, &bytes) {
        Ok(document) => document,
        Err(_) => rebuild(tx, id)?,
    };
    Ok(Some(Held { epoch, document }))
}

/// The document made again from its log.
fn rebuild(tx: &Tx<'_>, id: DocumentId) -> Result<Document, StoreError> {
    tracing::warn!("a saved document could not be read and was rebuilt from its changes");
    let raw = tx.query(
        "SELECT bytes FROM changes WHERE household = ?1 AND kind = ?2 ORDER BY position",
        params![id.household.as_bytes(), id.kind.code()],
        |row| row.blob(0),
    )?;
    let raw: Vec<&[u8]> = raw.iter().map(Vec::as_slice).collect();
    let mut document = Document::new(id);
    document.apply_changes(&raw).map_err(|_| {
        StoreError::Corrupt("a stored change cannot be read; `check` names it".to_owned())
    })?;
    Ok(document)
}

/// The epoch of a document.
pub(crate) fn epoch(tx: &Tx<'_>, id: DocumentId) -> Result<Option<u64>, StoreError> {
    tx.query_opt(
        "SELECT epoch FROM documents WHERE household = ?1 AND kind = ?2",
        params![id.household.as_bytes(), id.kind.code()],
        |row| row.u64(0),
    )
}

/// The leaf of one stored document.
pub(crate) fn leaf(tx: &Tx<'_>, id: DocumentId) -> Result<Option<[u8; 32]>, StoreError> {
    tx.query_opt(
        "SELECT leaf FROM documents WHERE household = ?1 AND kind = ?2",
        params![id.household.as_bytes(), id.kind.code()],
        |row| row.array(0),
    )
}

/// Whether a document's log holds a change.
pub(crate) fn has_change(
    tx: &Tx<'_>,
    id: DocumentId,
    hash: &ChangeHash,
) -> Result<bool, StoreError> {
    let found = tx.query_opt(
        "SELECT 1 FROM changes WHERE household = ?1 AND kind = ?2 AND hash = ?3",
        params![id.household.as_bytes(), id.kind.code(), hash.as_bytes()],
        |row| row.i64(0),
    )?;
    Ok(found.is_some())
}

/// The leaves of a household's documents.
pub(crate) fn leaves(
    tx: &Tx<'_>,
    household: HouseholdId,
) -> Result<Vec<(DocKind, [u8; 32])>, StoreError> {
    tx.query(
        "SELECT kind, leaf FROM documents WHERE household = ?1 ORDER BY kind",
        params![household.as_bytes()],
        |row| Ok((kind(row, 0)?, row.array(1)?)),
    )
}

/// Keeps a document's cache.
pub(crate) fn put(tx: &Tx<'_>, saved: &Saved) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO documents (household, kind, epoch, heads, leaf, saved)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (household, kind) DO UPDATE
         SET epoch = excluded.epoch, heads = excluded.heads, leaf = excluded.leaf, saved = excluded.saved",
        params![
            saved.id.household.as_bytes(),
            saved.id.kind.code(),
            saved.epoch,
            joined(&saved.heads),
            saved.leaf,
            &saved.bytes,
        ],
    )?;
    Ok(())
}

/// Appends a change to its household's log.
pub(crate) fn append(tx: &Tx<'_>, change: &LoggedChange) -> Result<(), StoreError> {
    let unknown: Vec<&str> = change.unknown_areas.iter().map(AreaCode::as_str).collect();
    tx.execute(
        "INSERT INTO changes (household, kind, hash, position, actor, seq, deps, bytes, device, staff,
            area, grant_version, batch, arrived_at, late, unknown_areas, feed_area, feed_seq)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)",
        params![
            change.document.household.as_bytes(),
            change.document.kind.code(),
            change.hash.as_bytes(),
            change.position,
            change.actor.as_bytes(),
            change.seq,
            joined(&change.deps),
            &change.bytes,
            change.device.as_bytes(),
            change.staff.as_bytes(),
            change.area.as_str(),
            change.grant_version,
            change.batch,
            change.arrived_at.millis(),
            change.late,
            unknown.join(" "),
            change.feed_area.as_str(),
            change.feed_seq,
        ],
    )?;
    Ok(())
}

/// The number of an actor's last change of a document; 0 when it has none.
pub(crate) fn last_seq(tx: &Tx<'_>, id: DocumentId, actor: ActorId) -> Result<u64, StoreError> {
    let last = tx.query_opt(
        "SELECT seq FROM changes WHERE household = ?1 AND kind = ?2 AND actor = ?3
         ORDER BY seq DESC LIMIT 1",
        params![id.household.as_bytes(), id.kind.code(), actor.as_bytes()],
        |row| row.u64(0),
    )?;
    Ok(last.unwrap_or(0))
}

/// The changes of a document that an area's feed told of after `cursor`, parents first.
pub(crate) fn told_after(
    tx: &Tx<'_>,
    id: DocumentId,
    area: &AreaCode,
    cursor: u64,
) -> Result<Vec<(ChangeHash, Vec<u8>)>, StoreError> {
    tx.query(
        "SELECT hash, bytes FROM changes
         WHERE household = ?1 AND kind = ?2 AND feed_area = ?3 AND feed_seq > ?4 ORDER BY position",
        params![
            id.household.as_bytes(),
            id.kind.code(),
            area.as_str(),
            cursor
        ],
        |row| Ok((ChangeHash(row.array(0)?), row.blob(1)?)),
    )
}

/// The hashes of a document's changes, but none when there are more than `most`.
pub(crate) fn hashes_up_to(
    tx: &Tx<'_>,
    id: DocumentId,
    most: usize,
) -> Result<Option<Vec<ChangeHash>>, StoreError> {
    let hashes = tx.query(
        "SELECT hash FROM changes WHERE household = ?1 AND kind = ?2 ORDER BY position LIMIT ?3",
        params![id.household.as_bytes(), id.kind.code(), most + 1],
        |row| Ok(ChangeHash(row.array(0)?)),
    )?;
    Ok((hashes.len() <= most).then_some(hashes))
}

/// Walks the households that have a log.
pub(crate) fn each_household(
    tx: &Tx<'_>,
    mut visit: impl FnMut(HouseholdId) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    tx.scan(
        "SELECT DISTINCT household FROM changes ORDER BY household",
        &[],
        |row| {
            visit(HouseholdId::from_bytes(row.array(0)?))?;
            Ok(ControlFlow::Continue(()))
        },
    )
}

/// Whether a household has a log.
pub(crate) fn has_log(tx: &Tx<'_>, household: HouseholdId) -> Result<bool, StoreError> {
    let found = tx.query_opt(
        "SELECT 1 FROM changes WHERE household = ?1 LIMIT 1",
        params![household.as_bytes()],
        |row| row.i64(0),
    )?;
    Ok(found.is_some())
}

/// A row of the log with a column that does not hold what it should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UnreadableChange {
    /// The hash under which it is kept, as hexadecimal.
    pub hash: String,
}

/// Walks a household's log in order.
pub(crate) fn log(
    tx: &Tx<'_>,
    household: HouseholdId,
    mut visit: impl FnMut(Result<LoggedChange, UnreadableChange>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    tx.scan(
        "SELECT kind, hash, position, actor, seq, deps, bytes, device, staff, area, grant_version, batch,
            arrived_at, late, unknown_areas, feed_area, feed_seq
         FROM changes WHERE household = ?1 ORDER BY position",
        params![household.as_bytes()],
        |row| {
            let logged = read_logged(household, row).map_err(|_| UnreadableChange {
                hash: hexadecimal(row.bytes(1).unwrap_or_default()),
            });
            visit(logged)?;
            Ok(ControlFlow::Continue(()))
        },
    )
}

fn read_logged(household: HouseholdId, row: &Row<'_>) -> Result<LoggedChange, StoreError> {
    let shape = |column, expected| StoreError::Shape { column, expected };
    let unknown = row.str(14)?.split(' ').filter(|code| !code.is_empty());
    Ok(LoggedChange {
        document: DocumentId::new(household, kind(row, 0)?),
        hash: ChangeHash(row.array(1)?),
        position: row.u64(2)?,
        actor: ActorId(row.array(3)?),
        seq: row.u64(4)?,
        deps: split(row.bytes(5)?),
        bytes: row.blob(6)?,
        device: DeviceId::from_bytes(row.array(7)?),
        staff: StaffId::from_bytes(row.array(8)?),
        area: row.parse(9)?,
        grant_version: u32::try_from(row.u64(10)?).map_err(|_| shape(10, "a grant version"))?,
        batch: row.array(11)?,
        arrived_at: Timestamp::from_millis(row.i64(12)?),
        late: row.bool(13)?,
        unknown_areas: unknown
            .map(|code| code.parse().map_err(|_| shape(14, "area codes")))
            .collect::<Result<_, _>>()?,
        feed_area: row.parse(15)?,
        feed_seq: row.u64(16)?,
    })
}

/// The stored cache of a household's documents.
pub(crate) fn caches(tx: &Tx<'_>, household: HouseholdId) -> Result<Vec<Saved>, StoreError> {
    tx.query(
        "SELECT kind, epoch, heads, leaf, saved FROM documents WHERE household = ?1 ORDER BY kind",
        params![household.as_bytes()],
        |row| {
            Ok(Saved {
                id: DocumentId::new(household, kind(row, 0)?),
                epoch: row.u64(1)?,
                heads: split(row.bytes(2)?),
                leaf: row.array(3)?,
                bytes: row.blob(4)?,
            })
        },
    )
}

/// Reads a kind of document from its number.
pub(crate) fn kind(row: &Row<'_>, column: usize) -> Result<DocKind, StoreError> {
    let code = u8::try_from(row.i64(column)?).ok();
    code.and_then(DocKind::from_code).ok_or(StoreError::Shape {
        column,
        expected: "a kind of document",
    })
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Hashes as they are stored, one after the other.
pub(crate) fn joined(hashes: &[ChangeHash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}

/// The same read again.
pub(crate) fn split(bytes: &[u8]) -> Vec<ChangeHash> {
    bytes
        .chunks(32)
        .filter_map(ChangeHash::from_slice)
        .collect()
}
