//! Changes kept aside with their bytes: those with a fault of structure or authority, and those of a
//! history that went two ways. A reviewer sees them; nothing merges them by itself.

use sojourn_sync_protocol::{AreaCode, ChangeHash, DeviceId, DocumentId, HouseholdId, Timestamp};

use crate::params;
use crate::store::{StoreError, Tx};

pub(crate) const SCHEMA: &str = "
CREATE TABLE quarantine (
    device BLOB NOT NULL,
    batch BLOB NOT NULL,
    place BIGINT NOT NULL,
    household BLOB NOT NULL,
    kind BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    hash BLOB NOT NULL,
    bytes BLOB NOT NULL,
    reason TEXT NOT NULL,
    area TEXT NOT NULL,
    arrived_at BIGINT NOT NULL,
    PRIMARY KEY (device, batch, place)
);
CREATE INDEX quarantine_by_household ON quarantine (household, kind, hash);
";

/// One change to keep aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Aside {
    /// Its place in the batch, from 0.
    pub place: usize,
    /// Why: the name of a reason, or `fork`.
    pub reason: &'static str,
    /// Where it waits when its household is not there.
    pub area: AreaCode,
}

/// Keeps one change aside.
pub(super) fn put(
    tx: &Tx<'_>,
    device: DeviceId,
    batch: &[u8; 32],
    aside: &Aside,
    change: &sojourn_sync_protocol::batch::PushedChange,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO quarantine (device, batch, place, household, kind, epoch, hash, bytes, reason, area,
            arrived_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        params![
            device.as_bytes(),
            batch,
            aside.place,
            change.document.household.as_bytes(),
            change.document.kind.code(),
            change.epoch,
            change.hash().as_bytes(),
            &change.bytes,
            aside.reason,
            aside.area.as_str(),
            now.millis(),
        ],
    )?;
    Ok(())
}

/// Whether a change of this document that the device handed in was kept aside. What another device handed in says
/// nothing: the change's author may still hand it in.
pub(super) fn holds(
    tx: &Tx<'_>,
    device: DeviceId,
    document: DocumentId,
    hash: &ChangeHash,
) -> Result<bool, StoreError> {
    let found = tx.query_opt(
        "SELECT 1 FROM quarantine WHERE household = ?1 AND kind = ?2 AND hash = ?3 AND device = ?4 LIMIT 1",
        params![
            document.household.as_bytes(),
            document.kind.code(),
            hash.as_bytes(),
            device.as_bytes()
        ],
        |row| row.i64(0),
    )?;
    Ok(found.is_some())
}

/// Whether any change of this household that the device handed in was kept aside.
pub(super) fn holds_of(
    tx: &Tx<'_>,
    device: DeviceId,
    household: HouseholdId,
) -> Result<bool, StoreError> {
    let found = tx.query_opt(
        "SELECT 1 FROM quarantine WHERE household = ?1 AND device = ?2 LIMIT 1",
        params![household.as_bytes(), device.as_bytes()],
        |row| row.i64(0),
    )?;
    Ok(found.is_some())
}
