//! Edits the server has not acknowledged. Only an acknowledgement removes one.
//!
//! A row keeps the change's bytes and the edit as it was made, so that the same bytes are sent until they
//! are answered, and so that the edit can be made again on another copy of the document. Every row is kept
//! in two tables: a page is the unit of loss. Knows nothing of HTTP; `sync` carries the batches.

use std::collections::HashSet;

use rusqlite::ToSql;
use serde::{Deserialize, Serialize};
use sojourn_sync_protocol::batch::{Batch, PushedChange};
use sojourn_sync_protocol::limits::{BATCH_BYTES_MAX, BATCH_CHANGES_MAX};
use sojourn_sync_protocol::message::{Fate, QuarantineReason};
use sojourn_sync_protocol::record::{Authorship, Edit, RawChange};
use sojourn_sync_protocol::{
    ActorId, AreaCode, ChangeHash, DocKind, DocumentId, HouseholdId, StaffId, Timestamp,
};

use crate::areas;
use crate::error::Error;
use crate::identity::{self, Chain, Identity};
use crate::store::{StoreError, Tx};
use crate::work::Work;

pub(crate) use crate::again::{go_on_with_household, make_again, put_back};
pub use crate::settle::{Settled, rewrite_all, settle};
pub(crate) use crate::settle::{hand_in_again, set_aside};

pub(crate) const SCHEMA: &str = "
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY, household BLOB NOT NULL, kind INTEGER NOT NULL, epoch INTEGER NOT NULL,
    hash BLOB NOT NULL, actor BLOB NOT NULL, bytes BLOB NOT NULL,
    staff BLOB NOT NULL, area TEXT NOT NULL, at INTEGER NOT NULL, edit TEXT,
    granted INTEGER NOT NULL, batch INTEGER, held BLOB, seen INTEGER NOT NULL
);
CREATE INDEX outbox_document ON outbox (household, kind);
CREATE TABLE outbox_twin (
    id INTEGER PRIMARY KEY, household BLOB NOT NULL, kind INTEGER NOT NULL, epoch INTEGER NOT NULL,
    hash BLOB NOT NULL, actor BLOB NOT NULL, bytes BLOB NOT NULL,
    staff BLOB NOT NULL, area TEXT NOT NULL, at INTEGER NOT NULL, edit TEXT,
    granted INTEGER NOT NULL, batch INTEGER, held BLOB, seen INTEGER NOT NULL
);
";

/// Where an edit stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EditState {
    /// To be sent.
    Queued,
    /// In the batch of this number, which may have been sent.
    Batched {
        /// The batch's number.
        number: u64,
    },
    /// Not in the document any more; shown to staff.
    Held(HeldReason),
}

/// Why an edit is held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
pub enum HeldReason {
    /// The server kept the change aside with its bytes; a reviewer can adopt it.
    Quarantined {
        /// Why.
        why: QuarantineReason,
    },
    /// The server lacks what it builds on; it is made again when the server's copy arrives.
    MissingDeps,
    /// The document was redacted; it is made again when the document's present epoch arrives.
    OldEpoch {
        /// The present epoch.
        epoch: u64,
    },
    /// The device's history went two ways, and the server may have this very edit already; it is made again
    /// on the server's copy, unless that says so.
    Forked,
    /// It could not be made again on the server's copy.
    CannotRepeat {
        /// What stood against it.
        why: String,
    },
}

impl HeldReason {
    /// Whether the edit waits for the server's copy of the document, to be made again on it.
    pub const fn waits(&self) -> bool {
        matches!(
            self,
            Self::MissingDeps | Self::OldEpoch { .. } | Self::Forked
        )
    }
}

/// One edit in the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxRow {
    /// Its place in line.
    pub id: i64,
    /// The document it belongs to.
    pub document: DocumentId,
    /// The document's epoch when the change was made.
    pub epoch: u64,
    /// The change.
    pub change: ChangeHash,
    /// The change's actor.
    pub actor: ActorId,
    /// The change's bytes.
    pub bytes: Vec<u8>,
    /// Who made it.
    pub staff: StaffId,
    /// The area they worked for.
    pub area: AreaCode,
    /// When it was made, by this tablet's clock then.
    pub at: Timestamp,
    /// The edit as it was made; `None` for a change handed in again after the server lost it.
    pub edit: Option<Edit>,
    /// The grant version it was made under.
    pub grant: u32,
    /// Where it stands.
    pub state: EditState,
    /// The server's feed has shown the change, though its batch is not answered yet.
    pub seen: bool,
}

/// A new row, before it has its place.
pub(crate) struct NewRow<'a> {
    pub(crate) document: DocumentId,
    pub(crate) epoch: u64,
    pub(crate) change: &'a RawChange,
    pub(crate) by: &'a Authorship,
    pub(crate) edit: Option<&'a Edit>,
    pub(crate) grant: u32,
}

const TABLES: [&str; 2] = ["outbox", "outbox_twin"];
const COLUMNS: &str = "id, household, kind, epoch, hash, actor, bytes, staff, area, at, edit, granted, batch, held, seen";

/// Puts an edit at the end of the line; its place.
pub(crate) fn add(tx: &Tx<'_>, new: &NewRow<'_>) -> Result<i64, StoreError> {
    // Internally tagged values keep their ids as text only in a text format.
    let edit = new
        .edit
        .map(|edit| serde_json::to_string(edit).expect("an edit is plain data"));
    let mut id: Option<i64> = None;
    for table in TABLES {
        tx.execute(
            &format!(
                "INSERT INTO {table} ({COLUMNS})
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, NULL, NULL, 0)"
            ),
            rusqlite::params![
                id,
                new.document.household.as_bytes(),
                new.document.kind.code(),
                i64::try_from(new.epoch).unwrap_or(i64::MAX),
                new.change.hash.as_bytes(),
                new.change.actor.as_bytes(),
                new.change.bytes,
                new.by.staff.as_bytes(),
                new.by.area.as_str(),
                new.by.at.millis(),
                edit,
                new.grant,
            ],
        )?;
        id = Some(tx.last_id());
    }
    Ok(id.unwrap_or_default())
}

fn both(tx: &Tx<'_>, sql: &str, params: &[&dyn ToSql]) -> Result<usize, StoreError> {
    let mut changed = 0;
    for table in TABLES {
        changed = tx.execute(&sql.replace("{outbox}", table), params)?;
    }
    Ok(changed)
}

pub(crate) fn remove(tx: &Tx<'_>, id: i64) -> Result<(), StoreError> {
    both(tx, "DELETE FROM {outbox} WHERE id = ?1", &[&id]).map(drop)
}

pub(crate) fn hold(tx: &Tx<'_>, id: i64, reason: &HeldReason) -> Result<(), StoreError> {
    let reason = serde_json::to_vec(reason).expect("a reason is plain data");
    both(
        tx,
        "UPDATE {outbox} SET batch = NULL, held = ?2 WHERE id = ?1",
        &[&id, &reason],
    )
    .map(drop)
}

/// Ends the wait of a change of which only the bytes are known, after the server said that another change has its actor and
/// number: it cannot be made again, and handed in again it would be told the same. The server has its bytes aside. Says whether
/// it is such a one.
pub(crate) fn end_wait_after_fork(tx: &Tx<'_>, row: &OutboxRow) -> Result<bool, StoreError> {
    let forked = row.state == EditState::Held(HeldReason::Forked);
    if forked {
        let why = QuarantineReason::Descendant;
        hold(tx, row.id, &HeldReason::Quarantined { why })?;
    }
    Ok(forked)
}

/// Lets a held edit go on its way as it is.
pub(crate) fn release(tx: &Tx<'_>, id: i64) -> Result<(), StoreError> {
    both(
        tx,
        "UPDATE {outbox} SET held = NULL, batch = NULL, seen = 0 WHERE id = ?1",
        &[&id],
    )
    .map(drop)
}

/// Puts every edit under the present grant, since earlier ones belong to an enrolment that is over. An area that it
/// does not cover is replaced by its first.
pub(crate) fn grant_anew(tx: &Tx<'_>) -> Result<(), Error> {
    let grant = identity::grant(tx)?.ok_or(Error::NotEnrolled)?;
    both(tx, "UPDATE {outbox} SET granted = ?1", &[&grant.version])?;
    let Some(first) = grant.areas.first() else {
        return Ok(());
    };
    let written_for = tx.all("SELECT DISTINCT area FROM outbox", [], |row| {
        row.get::<_, String>(0)
    })?;
    for area in written_for {
        let covered = match area.parse() {
            Ok(area) => areas::is_within(tx, &area, &grant.areas)?,
            Err(_) => false,
        };
        if !covered {
            let sql = "UPDATE {outbox} SET area = ?2 WHERE area = ?1";
            both(tx, sql, &[&area, &first.as_str()])?;
        }
    }
    Ok(())
}

/// Notes that the feed has shown a pending change; says whether that was news. A held one was adopted by a
/// reviewer and needs no more showing.
pub(crate) fn note_seen(
    tx: &Tx<'_>,
    id: DocumentId,
    hash: &ChangeHash,
) -> Result<bool, StoreError> {
    let household: &[u8] = id.household.as_bytes();
    let hash: &[u8] = hash.as_bytes();
    both(
        tx,
        "DELETE FROM {outbox} WHERE household = ?1 AND hash = ?2 AND held IS NOT NULL",
        &[&household, &hash],
    )?;
    let news = both(
        tx,
        "UPDATE {outbox} SET seen = 1 WHERE household = ?1 AND hash = ?2 AND seen = 0",
        &[&household, &hash],
    )?;
    Ok(news > 0)
}

fn select(
    tx: &Tx<'_>,
    condition: &str,
    params: &[&dyn ToSql],
) -> Result<Vec<OutboxRow>, StoreError> {
    select_at_most(tx, condition, params, i64::MAX)
}

fn select_at_most(
    tx: &Tx<'_>,
    condition: &str,
    params: &[&dyn ToSql],
    rows_max: i64,
) -> Result<Vec<OutboxRow>, StoreError> {
    let sql =
        format!("SELECT {COLUMNS} FROM outbox WHERE {condition} ORDER BY id LIMIT {rows_max}");
    let rows = tx.all(&sql, params, |row| {
        let id: i64 = row.get(0)?;
        Ok((id, read(row)?))
    })?;
    rows.into_iter()
        .map(|(id, row)| row.ok_or_else(|| StoreError::Corrupt(format!("row {id} of the outbox"))))
        .collect()
}

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Option<OutboxRow>> {
    let household: [u8; 16] = row.get(1)?;
    let kind: u8 = row.get(2)?;
    let epoch: i64 = row.get(3)?;
    let area: String = row.get(8)?;
    let edit: Option<String> = row.get(10)?;
    let batch: Option<i64> = row.get(12)?;
    let held: Option<Vec<u8>> = row.get(13)?;
    let (id, hash, actor): (i64, [u8; 32], [u8; 16]) = (row.get(0)?, row.get(4)?, row.get(5)?);
    let (bytes, staff): (Vec<u8>, [u8; 16]) = (row.get(6)?, row.get(7)?);
    let (at, grant, seen): (i64, u32, bool) = (row.get(9)?, row.get(11)?, row.get(14)?);
    let whole = || {
        let state = match (held, batch) {
            (Some(held), _) => EditState::Held(serde_json::from_slice(&held).ok()?),
            (None, Some(number)) => EditState::Batched {
                number: u64::try_from(number).ok()?,
            },
            (None, None) => EditState::Queued,
        };
        Some(OutboxRow {
            id,
            document: DocumentId::new(
                HouseholdId::from_bytes(household),
                DocKind::from_code(kind)?,
            ),
            epoch: u64::try_from(epoch).ok()?,
            change: ChangeHash(hash),
            actor: ActorId(actor),
            bytes,
            staff: StaffId::from_bytes(staff),
            area: area.parse().ok()?,
            at: Timestamp::from_millis(at),
            edit: edit
                .map(|edit| serde_json::from_str(&edit))
                .transpose()
                .ok()?,
            grant,
            state,
            seen,
        })
    };
    Ok(whole())
}

/// Every edit not yet acknowledged, held ones left out; first to be sent first.
///
/// # Errors
/// [`StoreError`].
pub fn pending(tx: &Tx<'_>) -> Result<Vec<OutboxRow>, StoreError> {
    select(tx, "held IS NULL", &[])
}

/// Every held edit, oldest first.
///
/// # Errors
/// [`StoreError`].
pub fn held(tx: &Tx<'_>) -> Result<Vec<OutboxRow>, StoreError> {
    select(tx, "held IS NOT NULL", &[])
}

/// Every held edit of a household, oldest first.
pub(crate) fn held_of(tx: &Tx<'_>, household: HouseholdId) -> Result<Vec<OutboxRow>, StoreError> {
    let household: &[u8] = household.as_bytes();
    select(tx, "household = ?1 AND held IS NOT NULL", &[&household])
}

/// Every row of a document, held ones among them.
pub(crate) fn rows_of(tx: &Tx<'_>, id: DocumentId) -> Result<Vec<OutboxRow>, StoreError> {
    let household: &[u8] = id.household.as_bytes();
    select(
        tx,
        "household = ?1 AND kind = ?2",
        &[&household, &id.kind.code()],
    )
}

pub(crate) fn hashes_of(tx: &Tx<'_>, id: DocumentId) -> Result<HashSet<ChangeHash>, StoreError> {
    Ok(rows_of(tx, id)?.into_iter().map(|row| row.change).collect())
}

/// Every household with edits that are pending or held.
pub(crate) fn households(tx: &Tx<'_>) -> Result<HashSet<HouseholdId>, StoreError> {
    let sql = "SELECT DISTINCT household FROM outbox";
    let ids = tx.all(sql, [], |row| row.get::<_, [u8; 16]>(0))?;
    Ok(ids.into_iter().map(HouseholdId::from_bytes).collect())
}

/// How many edits of a document are pending.
pub(crate) fn pending_of(tx: &Tx<'_>, id: DocumentId) -> Result<u64, StoreError> {
    let household: &[u8] = id.household.as_bytes();
    let sql = "SELECT count(*) FROM outbox WHERE household = ?1 AND kind = ?2 AND held IS NULL";
    Ok(tx
        .one(sql, rusqlite::params![household, id.kind.code()], |row| {
            row.get::<_, u32>(0)
        })?
        .unwrap_or(0)
        .into())
}

/// Whether anything of a document is still to be handed in: edits that are pending, or held until they can be
/// made again.
pub(crate) fn is_wanted(tx: &Tx<'_>, id: DocumentId) -> Result<bool, StoreError> {
    Ok(rows_of(tx, id)?.iter().any(|row| match &row.state {
        EditState::Held(reason) => reason.waits() && row.edit.is_some(),
        EditState::Queued | EditState::Batched { .. } => true,
    }))
}

/// Whether edits of a document are made again once the server's copy is here.
pub(crate) fn awaits_copy(tx: &Tx<'_>, id: DocumentId) -> Result<bool, StoreError> {
    Ok(rows_of(tx, id)?
        .iter()
        .any(|row| matches!(&row.state, EditState::Held(reason) if reason.waits())))
}

/// How many edits of a household are pending, and how many are held.
pub(crate) fn counts_of(tx: &Tx<'_>, household: HouseholdId) -> Result<(u32, u32), StoreError> {
    let sql = "SELECT count(*) - count(held), count(held) FROM outbox WHERE household = ?1";
    let row = tx.one(sql, [household.as_bytes().as_slice()], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })?;
    Ok(row.unwrap_or((0, 0)))
}

/// How many edits are pending, and how many are held.
///
/// # Errors
/// [`StoreError`].
pub fn counts(tx: &Tx<'_>) -> Result<(u64, u64), StoreError> {
    let sql = "SELECT count(*) - count(held), count(held) FROM outbox";
    let row = tx.one(sql, [], |row| {
        Ok((row.get::<_, u32>(0)?, row.get::<_, u32>(1)?))
    })?;
    Ok(row.map_or((0, 0), |(pending, held)| (pending.into(), held.into())))
}

/// How much one batch may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchBounds {
    /// Changes.
    pub changes: usize,
    /// Bytes of raw changes. One change may exceed it.
    pub bytes: usize,
}

impl Default for BatchBounds {
    fn default() -> Self {
        Self {
            changes: BATCH_CHANGES_MAX,
            bytes: BATCH_BYTES_MAX,
        }
    }
}

/// The batch to send next: the one not yet answered, byte for byte as it was, or else a new one of the edits
/// first in line. Which edits it has is committed before it can be sent.
///
/// # Errors
/// [`Error::NotEnrolled`]; [`Error::Store`].
pub fn next_batch(work: &mut Work<'_>, bounds: BatchBounds) -> Result<Option<Batch>, Error> {
    let identity: Identity = identity::identity(work.tx)?.ok_or(Error::NotEnrolled)?;
    let chain = identity::chain(work.tx)?.ok_or(Error::NotEnrolled)?;
    let rows = fix(work.tx, &chain, bounds)?;
    let Some(grant) = rows.first().map(|row| row.grant) else {
        return Ok(None);
    };
    let changes = rows
        .into_iter()
        .map(|row| PushedChange {
            document: row.document,
            epoch: row.epoch,
            bytes: row.bytes,
        })
        .collect();
    let key = identity.signing_key();
    Ok(Some(Batch::sign(
        &key,
        chain.actor,
        chain.number + 1,
        chain.digest,
        grant,
        changes,
    )))
}

/// Fixes which edits go next, without making the batch: in the transaction that makes an edit this spares the session
/// a transaction of its own before it can send.
pub(crate) fn fix_next(tx: &Tx<'_>) -> Result<(), Error> {
    let chain = identity::chain(tx)?.ok_or(Error::NotEnrolled)?;
    fix(tx, &chain, BatchBounds::default()).map(drop)
}

/// The edits of the batch in flight, or of a new one of those first in line.
fn fix(tx: &Tx<'_>, chain: &Chain, bounds: BatchBounds) -> Result<Vec<OutboxRow>, Error> {
    let in_flight = in_flight(tx)?;
    if !in_flight.is_empty() {
        return Ok(in_flight);
    }
    let most = i64::try_from(BATCH_CHANGES_MAX).unwrap_or(i64::MAX);
    let waiting = select_at_most(tx, "held IS NULL AND batch IS NULL", &[], most)?;
    let Some(first) = waiting.first() else {
        return Ok(waiting);
    };
    let (grant, mut bytes) = (first.grant, 0);
    let rows: Vec<OutboxRow> = waiting
        .into_iter()
        .take(bounds.changes.clamp(1, BATCH_CHANGES_MAX))
        .take_while(|row| {
            let fits = bytes == 0 || bytes + row.bytes.len() <= bounds.bytes;
            bytes += row.bytes.len();
            fits && row.grant == grant
        })
        .collect();
    let number = i64::try_from(chain.number + 1).unwrap_or(i64::MAX);
    for row in &rows {
        both(
            tx,
            "UPDATE {outbox} SET batch = ?2 WHERE id = ?1",
            &[&row.id, &number],
        )?;
    }
    Ok(rows)
}

/// The rows of the batch that is not answered yet, in its order.
pub(crate) fn in_flight(tx: &Tx<'_>) -> Result<Vec<OutboxRow>, StoreError> {
    select(tx, "held IS NULL AND batch IS NOT NULL", &[])
}

/// A fate as it is kept of an answered edit that is not merged.
pub(crate) fn held_reason(fate: &Fate) -> Option<HeldReason> {
    match fate {
        Fate::Quarantined { reason } => Some(HeldReason::Quarantined { why: *reason }),
        Fate::MissingDeps => Some(HeldReason::MissingDeps),
        Fate::OldEpoch { epoch } => Some(HeldReason::OldEpoch { epoch: *epoch }),
        Fate::Accepted { .. } | Fate::Duplicate | Fate::Fork => None,
    }
}

/// Bytes that the pending edits take on their way, about.
///
/// # Errors
/// [`StoreError`].
pub fn pending_bytes(tx: &Tx<'_>) -> Result<u64, StoreError> {
    let sql = "SELECT coalesce(sum(length(bytes)), 0) FROM outbox WHERE held IS NULL";
    let bytes = tx.one(sql, [], |row| row.get::<_, i64>(0))?.unwrap_or(0);
    Ok(u64::try_from(bytes).unwrap_or(0))
}
