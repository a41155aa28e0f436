//! The documents this tablet holds: a saved base and the raw changes that came after it.
//!
//! Raw change bytes are the truth; the base holds the same changes and may be made again from them. Each
//! document knows the area in whose feed it stands, its epoch, its heads, and the heads of what the server
//! has acknowledged; the digest of an area is a sum over the latter and is kept with every write, so that
//! both sides can be compared at any time in one step, whatever is still unsent.

use sojourn_sync_protocol::digest::{self, Digest};
use sojourn_sync_protocol::gate;
use sojourn_sync_protocol::message::{DocumentLeaf, Grant};
use sojourn_sync_protocol::record::{Document, RawChange};
use sojourn_sync_protocol::{AreaCode, ChangeHash, DocKind, DocumentId, HouseholdId};

use crate::cache::{Cache, Loaded};
use crate::error::Error;
use crate::store::{StoreError, Tx, scrub};
use crate::work::Work;
use crate::{areas, identity, outbox, settle};

pub use crate::arrivals::{Taken, append_changes, install, leave};

pub(crate) const SCHEMA: &str = "
CREATE TABLE documents (
    id        INTEGER PRIMARY KEY,
    household BLOB NOT NULL,
    kind      INTEGER NOT NULL,
    area      TEXT NOT NULL,
    epoch     INTEGER NOT NULL,
    heads     BLOB NOT NULL,
    acked     BLOB NOT NULL,
    leaf      BLOB,
    leaving   INTEGER NOT NULL,
    base      BLOB NOT NULL
);
CREATE UNIQUE INDEX documents_document ON documents (household, kind);
CREATE INDEX documents_area ON documents (area, kind);
CREATE TABLE changes (
    id        INTEGER PRIMARY KEY,
    household BLOB NOT NULL,
    kind      INTEGER NOT NULL,
    hash      BLOB NOT NULL,
    bytes     BLOB NOT NULL
);
CREATE UNIQUE INDEX changes_change ON changes (household, kind, hash);
CREATE TABLE area_digests (
    area  TEXT NOT NULL,
    kind  INTEGER NOT NULL,
    count INTEGER NOT NULL,
    sum   BLOB NOT NULL,
    PRIMARY KEY (area, kind)
) WITHOUT ROWID;
";

/// Changes kept apart from the base before they are folded into it.
const CHANGES_APART_MAX: i64 = 32;
/// The epoch of a document that was never redacted.
pub const FIRST_EPOCH: u64 = 1;

/// What is stored of a document beside its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The area in whose feed it stands.
    pub area: AreaCode,
    /// Its epoch.
    pub epoch: u64,
    /// Its heads, sorted.
    pub heads: Vec<ChangeHash>,
    /// Heads of what the server has acknowledged, sorted; empty for a document it has not seen.
    pub acked: Vec<ChangeHash>,
    /// The household left the area; the document goes once nothing of it is pending.
    pub leaving: bool,
}

impl Stored {
    /// The document's part of its area's digest.
    pub fn leaf(&self, id: DocumentId) -> Option<[u8; 32]> {
        let counts = !self.acked.is_empty() && !self.leaving;
        counts.then(|| digest::leaf(id, self.epoch, &self.acked))
    }

    /// Notes that the server has this change now. Each change is to be noted once, parents first.
    pub(crate) fn acknowledge(&mut self, bytes: &[u8]) {
        if let Ok(head) = gate::read_head(bytes) {
            self.acked.retain(|acked| !head.deps.contains(acked));
            self.acked.push(head.hash);
            self.acked.sort_unstable();
        }
    }
}

/// What is stored of a document; `None` when the tablet does not hold it.
///
/// # Errors
/// [`StoreError`].
pub fn stored(tx: &Tx<'_>, id: DocumentId) -> Result<Option<Stored>, StoreError> {
    let row = tx.one(
        "SELECT area, epoch, heads, acked, leaving FROM documents WHERE household = ?1 AND kind = ?2",
        rusqlite::params![id.household.as_bytes(), id.kind.code()],
        |row| {
            Ok((
                row.get::<_, String>(0)?,
                row.get::<_, i64>(1)?,
                row.get::<_, Vec<u8>>(2)?,
                row.get::<_, Vec<u8>>(3)?,
                row.get::<_, bool>(4)?,
            ))
        },
    )?;
    let Some((area, epoch, heads, acked, leaving)) = row else {
        return Ok(None);
    };
    let wrong = || StoreError::Corrupt(format!("row of document {id}"));
    Ok(Some(Stored {
        area: area.parse().map_err(|_| wrong())?,
        epoch: u64::try_from(epoch).map_err(|_| wrong())?,
        heads: hashes(&heads).ok_or_else(wrong)?,
        acked: hashes(&acked).ok_or_else(wrong)?,
        leaving,
    }))
}

fn hashes(bytes: &[u8]) -> Option<Vec<ChangeHash>> {
    let chunks = bytes.chunks_exact(32);
    chunks
        .remainder()
        .is_empty()
        .then(|| chunks.filter_map(ChangeHash::from_slice).collect())
}

fn joined(hashes: &[ChangeHash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| *hash.as_bytes()).collect()
}

/// Loads a document with what is stored of it.
///
/// # Errors
/// [`Error::Store`]; [`Error::Record`] when its bytes cannot be read.
pub fn load<'c>(
    tx: &Tx<'_>,
    cache: &'c Cache,
    id: DocumentId,
) -> Result<Option<(Stored, Loaded<'c>)>, Error> {
    let Some(stored) = stored(tx, id)? else {
        return Ok(None);
    };
    if let Some(loaded) = cache.take(id, stored.epoch, &stored.heads) {
        return Ok(Some((stored, loaded)));
    }
    let key = rusqlite::params![id.household.as_bytes(), id.kind.code()];
    let base = tx
        .one(
            "SELECT base FROM documents WHERE household = ?1 AND kind = ?2",
            key,
            |row| row.get::<_, Vec<u8>>(0),
        )?
        .unwrap_or_default();
    let changes = tx.all(
        "SELECT bytes FROM changes WHERE household = ?1 AND kind = ?2 ORDER BY id",
        key,
        |row| row.get::<_, Vec<u8>>(0),
    )?;
    let read = || {
        let mut document = Document::load(id, &base)?;
        let raw: Vec<&[u8]> = changes.iter().map(Vec::as_slice).collect();
        document.apply_changes(&raw)?;
        Ok(document)
    };
    let document = read().map_err(|error| Error::record(id, error))?;
    let epoch = stored.epoch;
    Ok(Some((stored, cache.adopt(epoch, document))))
}

/// The saved base of a document when nothing came after it; the inner `None` when the tablet does not hold the document,
/// the outer when it has later changes and must be loaded.
#[allow(
    clippy::option_option,
    reason = "absent and not enough are two answers"
)]
pub(crate) fn saved(tx: &Tx<'_>, id: DocumentId) -> Result<Option<Option<Vec<u8>>>, StoreError> {
    let key = rusqlite::params![id.household.as_bytes(), id.kind.code()];
    let changes = "SELECT 1 FROM changes WHERE household = ?1 AND kind = ?2";
    if tx.one(changes, key, |_| Ok(()))?.is_some() {
        return Ok(None);
    }
    let base = "SELECT base FROM documents WHERE household = ?1 AND kind = ?2";
    Ok(Some(tx.one(base, key, |row| row.get(0))?))
}

/// Whether the document that the tablet holds has this change.
pub(crate) fn holds(work: &Work<'_>, id: DocumentId, change: &ChangeHash) -> Result<bool, Error> {
    let sql = "SELECT 1 FROM changes WHERE household = ?1 AND kind = ?2 AND hash = ?3";
    let key = rusqlite::params![id.household.as_bytes(), id.kind.code(), change.as_bytes()];
    // What is not kept apart may be in the base.
    Ok(work.tx.one(sql, key, |_| Ok(()))?.is_some()
        || load(work.tx, work.cache, id)?.is_some_and(|(_, document)| document.has(change)))
}

/// What is stored of a document that begins on this tablet.
pub(crate) fn first_stored(area: &AreaCode) -> Stored {
    Stored {
        area: area.clone(),
        epoch: FIRST_EPOCH,
        heads: Vec::new(),
        acked: Vec::new(),
        leaving: false,
    }
}

/// Writes a document that has just arrived, unless the tablet holds it; says whether it was written. Its leaf is left to be counted
/// by [`count_arrived`].
pub(crate) fn write_new(
    tx: &Tx<'_>,
    id: DocumentId,
    arrived: &Stored,
    leaf: &[u8; 32],
    base: &[u8],
) -> Result<bool, StoreError> {
    let heads = joined(&arrived.heads);
    let written = tx.execute(
        "INSERT INTO documents (household, kind, area, epoch, heads, acked, leaf, leaving, base)
         VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6, 0, ?7)
         ON CONFLICT (household, kind) DO NOTHING",
        rusqlite::params![
            id.household.as_bytes(),
            id.kind.code(),
            arrived.area.as_str(),
            i64::try_from(arrived.epoch).unwrap_or(i64::MAX),
            heads,
            leaf,
            base,
        ],
    )?;
    Ok(written > 0)
}

/// Counts documents that [`write_new`] wrote.
pub(crate) fn count_arrived(
    tx: &Tx<'_>,
    area: &AreaCode,
    kind: DocKind,
    arrived: &Digest,
) -> Result<(), StoreError> {
    change_digest(tx, area, kind, |digest| digest.merge(arrived))
}

/// Writes a document whole: `base` replaces whatever bytes are there.
pub(crate) fn write_whole(
    tx: &Tx<'_>,
    id: DocumentId,
    after: &Stored,
    base: &[u8],
) -> Result<(), StoreError> {
    let before = stored(tx, id)?;
    count(tx, id, before.as_ref(), Some(after))?;
    tx.execute(
        "INSERT INTO documents (household, kind, area, epoch, heads, acked, leaf, leaving, base)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
         ON CONFLICT (household, kind) DO UPDATE SET area = excluded.area, epoch = excluded.epoch,
             heads = excluded.heads, acked = excluded.acked, leaf = excluded.leaf,
             leaving = excluded.leaving, base = excluded.base",
        rusqlite::params![
            id.household.as_bytes(),
            id.kind.code(),
            after.area.as_str(),
            i64::try_from(after.epoch).unwrap_or(i64::MAX),
            joined(&after.heads),
            joined(&after.acked),
            after.leaf(id).map(|leaf| leaf.to_vec()),
            after.leaving,
            base,
        ],
    )?;
    tx.execute(
        "DELETE FROM changes WHERE household = ?1 AND kind = ?2",
        rusqlite::params![id.household.as_bytes(), id.kind.code()],
    )?;
    Ok(())
}

/// Writes what is stored beside the bytes.
pub(crate) fn write_stored(tx: &Tx<'_>, id: DocumentId, after: &Stored) -> Result<(), StoreError> {
    let before = stored(tx, id)?;
    count(tx, id, before.as_ref(), Some(after))?;
    tx.execute(
        "UPDATE documents SET area = ?3, epoch = ?4, heads = ?5, acked = ?6, leaf = ?7, leaving = ?8
         WHERE household = ?1 AND kind = ?2",
        rusqlite::params![
            id.household.as_bytes(),
            id.kind.code(),
            after.area.as_str(),
            i64::try_from(after.epoch).unwrap_or(i64::MAX),
            joined(&after.heads),
            joined(&after.acked),
            after.leaf(id).map(|leaf| leaf.to_vec()),
            after.leaving,
        ],
    )?;
    Ok(())
}

/// Appends changes that `document` has taken in; folds them into the base when they have become many.
pub(crate) fn append(
    tx: &Tx<'_>,
    document: &Document,
    after: &Stored,
    changes: &[RawChange],
) -> Result<(), StoreError> {
    let id = document.id();
    for change in changes {
        tx.execute(
            "INSERT OR IGNORE INTO changes (household, kind, hash, bytes) VALUES (?1, ?2, ?3, ?4)",
            rusqlite::params![
                id.household.as_bytes(),
                id.kind.code(),
                change.hash.as_bytes(),
                change.bytes
            ],
        )?;
    }
    let apart = tx
        .one(
            "SELECT count(*) FROM changes WHERE household = ?1 AND kind = ?2",
            rusqlite::params![id.household.as_bytes(), id.kind.code()],
            |row| row.get::<_, i64>(0),
        )?
        .unwrap_or(0);
    if apart > CHANGES_APART_MAX {
        write_whole(tx, id, after, &document.save())
    } else {
        write_stored(tx, id, after)
    }
}

/// Takes the leaf before out of its area's digest and puts the leaf after into its area's.
fn count(
    tx: &Tx<'_>,
    id: DocumentId,
    before: Option<&Stored>,
    after: Option<&Stored>,
) -> Result<(), StoreError> {
    let part = |stored: Option<&Stored>| {
        stored.and_then(|stored| Some((stored.area.clone(), stored.leaf(id)?)))
    };
    let (before, after) = (part(before), part(after));
    if before == after {
        return Ok(());
    }
    if let Some((area, leaf)) = before {
        change_digest(tx, &area, id.kind, |digest| digest.remove(&leaf))?;
    }
    if let Some((area, leaf)) = after {
        change_digest(tx, &area, id.kind, |digest| digest.add(&leaf))?;
    }
    Ok(())
}

fn change_digest(
    tx: &Tx<'_>,
    area: &AreaCode,
    kind: DocKind,
    change: impl FnOnce(&mut Digest),
) -> Result<(), StoreError> {
    let mut digest = area_digest(tx, area, &[kind])?;
    change(&mut digest);
    tx.execute(
        "INSERT INTO area_digests (area, kind, count, sum) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (area, kind) DO UPDATE SET count = excluded.count, sum = excluded.sum",
        rusqlite::params![
            area.as_str(),
            kind.code(),
            i64::try_from(digest.count).unwrap_or(0),
            digest.sum.as_slice()
        ],
    )?;
    Ok(())
}

/// What this tablet holds of an area, as far as the server has acknowledged it.
///
/// # Errors
/// [`StoreError`].
pub fn area_digest(tx: &Tx<'_>, area: &AreaCode, kinds: &[DocKind]) -> Result<Digest, StoreError> {
    let mut total = Digest::default();
    for kind in kinds {
        let row = tx.one(
            "SELECT count, sum FROM area_digests WHERE area = ?1 AND kind = ?2",
            rusqlite::params![area.as_str(), kind.code()],
            |row| Ok((row.get::<_, i64>(0)?, row.get::<_, [u8; 32]>(1)?)),
        )?;
        if let Some((count, sum)) = row {
            total.merge(&Digest {
                count: u64::try_from(count).unwrap_or(0),
                sum,
            });
        }
    }
    Ok(total)
}

/// Every document of an area that counts in its digest, with its leaf; for narrowing a digest that differs.
///
/// # Errors
/// [`StoreError`].
pub fn leaves(
    tx: &Tx<'_>,
    area: &AreaCode,
    kinds: &[DocKind],
) -> Result<Vec<DocumentLeaf>, StoreError> {
    let mut leaves = Vec::new();
    for kind in kinds {
        let rows = tx.all(
            "SELECT household, leaf FROM documents
             WHERE area = ?1 AND kind = ?2 AND leaf IS NOT NULL ORDER BY household",
            rusqlite::params![area.as_str(), kind.code()],
            |row| Ok((row.get::<_, [u8; 16]>(0)?, row.get::<_, [u8; 32]>(1)?)),
        )?;
        leaves.extend(rows.into_iter().map(|(household, leaf)| DocumentLeaf {
            document: DocumentId::new(HouseholdId::from_bytes(household), *kind),
            leaf,
        }));
    }
    Ok(leaves)
}

/// Takes a household off this tablet: at once, or once its pending edits are acknowledged. Held edits stay.
///
/// # Errors
/// [`Error`].
pub fn purge(work: &mut Work<'_>, household: HouseholdId) -> Result<(), Error> {
    for kind in DocKind::ALL {
        purge_document(work, DocumentId::new(household, kind))?;
    }
    Ok(())
}

/// Takes one document off this tablet: at once, or once its pending edits are acknowledged. While it is in doubt what
/// the server still has, its changes are handed in again first.
///
/// # Errors
/// [`Error`].
pub fn purge_document(work: &mut Work<'_>, id: DocumentId) -> Result<(), Error> {
    let Some(before) = self::stored(work.tx, id)? else {
        return Ok(());
    };
    if !before.leaving && identity::in_doubt(work.tx)? {
        settle::offer_again(work, id)?;
    }
    let mut stored = self::stored(work.tx, id)?.unwrap_or(before);
    if outbox::is_wanted(work.tx, id)? {
        stored.leaving = true;
        write_stored(work.tx, id, &stored)?;
    } else {
        count(work.tx, id, Some(&stored), None)?;
        delete(work, id)?;
    }
    work.changed(id.household)
}

/// Takes off whatever the grant no longer covers.
///
/// # Errors
/// [`Error`].
pub fn purge_outside(work: &mut Work<'_>, grant: &Grant) -> Result<(), Error> {
    let held = work
        .tx
        .all("SELECT DISTINCT area, kind FROM documents", [], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, u8>(1)?))
        })?;
    for (area, code) in held {
        let (Ok(code_of_area), Some(kind)) = (area.parse::<AreaCode>(), DocKind::from_code(code))
        else {
            continue;
        };
        if grant.kinds.contains(&kind) && areas::is_within(work.tx, &code_of_area, &grant.areas)? {
            continue;
        }
        let outside = work.tx.all(
            "SELECT household FROM documents WHERE area = ?1 AND kind = ?2",
            rusqlite::params![area, code],
            |row| row.get::<_, [u8; 16]>(0),
        )?;
        for household in outside {
            purge_document(
                work,
                DocumentId::new(HouseholdId::from_bytes(household), kind),
            )?;
        }
    }
    Ok(())
}

/// Documents that go once their pending edits are acknowledged.
pub(crate) fn leaving(tx: &Tx<'_>) -> Result<Vec<DocumentId>, StoreError> {
    let sql = "SELECT household, kind FROM documents WHERE leaving = 1 ORDER BY household, kind";
    let rows = tx.all(sql, [], |row| {
        Ok((row.get::<_, [u8; 16]>(0)?, row.get::<_, u8>(1)?))
    })?;
    let document = |(household, kind): ([u8; 16], u8)| {
        let kind = DocKind::from_code(kind)?;
        Some(DocumentId::new(HouseholdId::from_bytes(household), kind))
    };
    Ok(rows.into_iter().filter_map(document).collect())
}

/// Every area of which anything acknowledged is held.
///
/// # Errors
/// [`StoreError`].
pub fn areas(tx: &Tx<'_>) -> Result<Vec<AreaCode>, StoreError> {
    let codes = tx.all(
        "SELECT DISTINCT area FROM area_digests WHERE count > 0 ORDER BY area",
        [],
        |row| row.get::<_, String>(0),
    )?;
    Ok(codes.iter().filter_map(|code| code.parse().ok()).collect())
}

/// Every household of which a document is held.
///
/// # Errors
/// [`StoreError`].
pub fn households(tx: &Tx<'_>) -> Result<Vec<HouseholdId>, StoreError> {
    let ids = tx.all(
        "SELECT DISTINCT household FROM documents ORDER BY household",
        [],
        |row| row.get::<_, [u8; 16]>(0),
    )?;
    Ok(ids.into_iter().map(HouseholdId::from_bytes).collect())
}

/// Makes digests again from the documents, and drops documents whose bytes are not whole: the server has
/// them, or the outbox has every change of them. Says which were dropped.
pub(crate) fn recount(work: &mut Work<'_>) -> Result<Vec<DocumentId>, Error> {
    let mut dropped = Vec::new();
    work.tx.execute("DELETE FROM area_digests", [])?;
    // Changes whose document was lost with its page would stay for ever, or join a later copy of another epoch.
    work.tx.execute(
        "DELETE FROM changes WHERE NOT EXISTS (SELECT 1 FROM documents
             WHERE documents.household = changes.household AND documents.kind = changes.kind)",
        [],
    )?;
    for household in households(work.tx)? {
        for kind in DocKind::ALL {
            let id = DocumentId::new(household, kind);
            let whole = match load(work.tx, work.cache, id) {
                Ok(None) => continue,
                Ok(Some((stored, document))) => {
                    (document.heads() == stored.heads).then_some(stored)
                }
                Err(Error::Record { .. } | Error::Store(StoreError::Corrupt(_))) => None,
                Err(other) => return Err(other),
            };
            match whole {
                Some(stored) => count(work.tx, id, None, Some(&stored))?,
                None => {
                    delete(work, id)?;
                    dropped.push(id);
                }
            }
        }
        work.changed(household)?;
    }
    Ok(dropped)
}

fn delete(work: &Work<'_>, id: DocumentId) -> Result<(), StoreError> {
    for table in ["documents", "changes"] {
        work.tx.execute(
            &format!("DELETE FROM {table} WHERE household = ?1 AND kind = ?2"),
            rusqlite::params![id.household.as_bytes(), id.kind.code()],
        )?;
    }
    scrub::ask(work.tx)?;
    work.cache.forget(id);
    Ok(())
}
