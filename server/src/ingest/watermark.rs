//! How far this register has come: the number of settled batches, and a digest over all of them in their order. A register
//! that was put back to a backup, or that lost the end of its log, never again comes to a watermark that it told before,
//! however many batches follow. (A bare number would not do: others may have filled it up again.)

use sha2::{Digest as _, Sha256};
use sojourn_sync_protocol::message::Watermark;

use crate::params;
use crate::store::{StoreError, Tx};

pub(crate) const SCHEMA: &str = "
CREATE TABLE watermarks (
    batches BIGINT NOT NULL PRIMARY KEY,
    digest BLOB NOT NULL
);
";

/// Bytes kept of a digest: enough that none comes twice by chance.
const DIGEST_BYTES: usize = 16;

/// The present watermark; nothing but zeros before the first batch.
pub(crate) fn latest(tx: &Tx<'_>) -> Result<Watermark, StoreError> {
    let found = tx.query_opt(
        "SELECT batches, digest FROM watermarks ORDER BY batches DESC LIMIT 1",
        &[],
        |row| {
            Ok(Watermark {
                batches: row.u64(0)?,
                digest: row.array(1)?,
            })
        },
    )?;
    Ok(found.unwrap_or_default())
}

/// Whether this register came by here on its way.
pub(crate) fn is_passed(tx: &Tx<'_>, told: &Watermark) -> Result<bool, StoreError> {
    if *told == Watermark::default() {
        return Ok(true);
    }
    let found = tx.query_opt(
        "SELECT digest FROM watermarks WHERE batches = ?1",
        params![told.batches],
        |row| row.array::<DIGEST_BYTES>(0),
    )?;
    Ok(found == Some(told.digest))
}

/// Another batch is settled.
pub(super) fn advance(tx: &Tx<'_>, batch: &[u8; 32]) -> Result<(), StoreError> {
    let before = latest(tx)?;
    let whole = Sha256::new()
        .chain_update(before.digest)
        .chain_update(batch)
        .finalize();
    tx.execute(
        "INSERT INTO watermarks (batches, digest) VALUES (?1, ?2)",
        params![before.batches + 1, &whole[..DIGEST_BYTES]],
    )?;
    Ok(())
}
