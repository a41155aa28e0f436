//! Households of a database from before there was an index. The schema step lists them; they are read a few at a time while the
//! server runs, or when they change, whichever comes first. Until then they are found by nobody.

use sojourn_sync_protocol::{ChangeHash, DocKind, DocumentId, HouseholdId, Timestamp};

use super::{Occasion, record};
use crate::documents;
use crate::params;
use crate::projection::{self, IdHashKey};
use crate::store::{StoreError, Tx};

/// A household has been read.
pub(super) fn done(tx: &Tx<'_>, household: HouseholdId) -> Result<(), StoreError> {
    tx.execute(
        "DELETE FROM families_unread WHERE household = ?1",
        params![household.as_bytes()],
    )?;
    Ok(())
}

/// Whether a household has not been read yet.
pub(super) fn waits(tx: &Tx<'_>, household: HouseholdId) -> Result<bool, StoreError> {
    let found = tx.query_opt(
        "SELECT 1 FROM families_unread WHERE household = ?1",
        params![household.as_bytes()],
        |row| row.i64(0),
    )?;
    Ok(found.is_some())
}

/// Reads at most so many; gives how many were read. None: there are no more.
pub(crate) fn read_some(tx: &Tx<'_>, most: usize) -> Result<usize, StoreError> {
    let some = tx.query(
        "SELECT household FROM families_unread ORDER BY household LIMIT ?1",
        params![most],
        |row| row.array(0).map(HouseholdId::from_bytes),
    )?;
    for household in &some {
        done(tx, *household)?;
        let id = DocumentId::new(*household, DocKind::Core);
        let held = match documents::load(tx, id) {
            Ok(Some(held)) => held,
            // What cannot be read is named by `check`; the others are read all the same.
            Ok(None) | Err(StoreError::Corrupt(_)) => continue,
            Err(error) => return Err(error),
        };
        let rows = projection::stored(tx, *household)?;
        let key = IdHashKey::get_or_draw(tx)?;
        let last = tx.query_opt(
            "SELECT hash, arrived_at FROM changes WHERE household = ?1 AND kind = ?2
             ORDER BY position DESC LIMIT 1",
            params![household.as_bytes(), DocKind::Core.code()],
            |row| {
                Ok(Occasion {
                    change: ChangeHash(row.array(0)?),
                    at: Timestamp::from_millis(row.i64(1)?),
                })
            },
        )?;
        if let Some(occasion) = last {
            record(tx, &held.document, &rows, &key, occasion)?;
        }
    }
    Ok(some.len())
}
