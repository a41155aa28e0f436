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

/// A watermark taken apart; nothing but zeros before the first batch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Mark {
    batches: u64,
    digest: [u8; DIGEST_BYTES],
}

impl From<Mark> for Watermark {
    fn from(mark: Mark) -> Self {
        let mut bytes = [0; 24];
        let (batches, digest) = bytes.split_at_mut(8);
        batches.copy_from_slice(&mark.batches.to_be_bytes());
        digest.copy_from_slice(&mark.digest);
        Watermark(bytes)
    }
}

impl From<Watermark> for Mark {
    fn from(Watermark(bytes): Watermark) -> Self {
        let mut mark = Mark::default();
        let (batches, digest) = bytes.split_at(8);
        mark.batches = batches
            .iter()
            .fold(0, |all, byte| all << 8 | u64::from(*byte));
        mark.digest.copy_from_slice(digest);
        mark
    }
}

/// The present watermark.
pub(crate) fn latest(tx: &Tx<'_>) -> Result<Watermark, StoreError> {
    last(tx).map(Watermark::from)
}

fn last(tx: &Tx<'_>) -> Result<Mark, StoreError> {
    let found = tx.query_opt(
        "SELECT batches, digest FROM watermarks ORDER BY batches DESC LIMIT 1",
        &[],
        |row| {
            Ok(Mark {
                batches: row.u64(0)?,
                digest: row.array(1)?,
            })
        },
    )?;
    Ok(found.unwrap_or_default())
}

/// Whether this register came by here on its way.
pub(crate) fn is_passed(tx: &Tx<'_>, told: Watermark) -> Result<bool, StoreError> {
    let told = Mark::from(told);
    if told == Mark::default() {
        return Ok(true);
    }
    // No register of ours counts so far; the number is the tablet's word.
    let Ok(batches) = i64::try_from(told.batches) else {
        return Ok(false);
    };
    let found = tx.query_opt(
        "SELECT digest FROM watermarks WHERE batches = ?1",
        params![batches],
        |row| row.array::<DIGEST_BYTES>(0),
    )?;
    Ok(found == Some(told.digest))
}

/// Another batch is settled.
pub(super) fn advance(tx: &Tx<'_>, batch: &[u8; 32]) -> Result<(), StoreError> {
    let before = last(tx)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watermark_can_be_taken_apart() {
        let mark = Mark {
            batches: 0x0102_0304_0506_0708,
            digest: [9; DIGEST_BYTES],
        };
        assert_eq!(Mark::from(Watermark::from(mark)), mark);
        assert_eq!(Watermark::from(mark).0[..9], [1, 2, 3, 4, 5, 6, 7, 8, 9]);
        assert_eq!(Watermark::from(Mark::default()), Watermark::default());
    }
}
