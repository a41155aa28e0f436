//! Batches as they were handed in, and how each device's chains continue. A batch met again gets the fates
//! it got; one that does not continue its chain shows a restored backup or a copied tablet.

use sojourn_sync_protocol::{
    ActorId, ChangeHash, DeviceId, DocumentId, Timestamp,
    batch::{Batch, CHAIN_START},
    codec,
    message::Fate,
};

use crate::params;
use crate::store::{StoreError, Tx};

pub(crate) const SCHEMA: &str = "
CREATE TABLE batches (
    device BLOB NOT NULL,
    digest BLOB NOT NULL,
    actor BLOB NOT NULL,
    number BIGINT NOT NULL,
    previous BLOB NOT NULL,
    grant_version BIGINT NOT NULL,
    manifest BLOB NOT NULL,
    signature BLOB NOT NULL,
    fates BLOB NOT NULL,
    continues BIGINT NOT NULL,
    arrived_at BIGINT NOT NULL,
    PRIMARY KEY (device, digest)
);
CREATE TABLE chains (
    device BLOB NOT NULL,
    actor BLOB NOT NULL,
    number BIGINT NOT NULL,
    digest BLOB NOT NULL,
    PRIMARY KEY (device, actor)
);
";

/// Bytes of one change in a manifest.
const MANIFEST_ENTRY_BYTES: usize = 17 + 8 + 32;

/// The end of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Link {
    /// Number of the last batch; 0 before the first.
    pub number: u64,
    /// Its digest.
    pub digest: [u8; 32],
}

impl Link {
    const START: Self = Self {
        number: 0,
        digest: CHAIN_START,
    };

    /// Whether a batch is the next of this chain.
    pub(super) fn is_continued_by(&self, batch: &Batch) -> bool {
        self.number.checked_add(1) == Some(batch.number) && self.digest == batch.previous
    }
}

/// The fates that a batch got when it came before.
pub(super) fn stored(
    tx: &Tx<'_>,
    device: DeviceId,
    digest: &[u8; 32],
) -> Result<Option<Vec<Fate>>, StoreError> {
    tx.query_opt(
        "SELECT fates FROM batches WHERE device = ?1 AND digest = ?2",
        params![device.as_bytes(), digest],
        |row| {
            codec::from_cbor(row.bytes(0)?).map_err(|_| StoreError::Shape {
                column: 0,
                expected: "fates",
            })
        },
    )
}

/// Where a chain ends.
pub(super) fn end(tx: &Tx<'_>, device: DeviceId, actor: ActorId) -> Result<Link, StoreError> {
    let found = tx.query_opt(
        "SELECT number, digest FROM chains WHERE device = ?1 AND actor = ?2",
        params![device.as_bytes(), actor.as_bytes()],
        |row| {
            Ok(Link {
                number: row.u64(0)?,
                digest: row.array(1)?,
            })
        },
    )?;
    Ok(found.unwrap_or(Link::START))
}

/// Keeps a batch with its fates, so that whoever doubts it can verify the signature again.
pub(super) fn put(
    tx: &Tx<'_>,
    device: DeviceId,
    batch: &Batch,
    digest: &[u8; 32],
    fates: &Vec<Fate>,
    continues: bool,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO batches (device, digest, actor, number, previous, grant_version, manifest, signature,
            fates, continues, arrived_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        params![
            device.as_bytes(),
            digest,
            batch.actor.as_bytes(),
            batch.number,
            batch.previous,
            batch.grant,
            manifest(batch),
            batch.signature,
            codec::to_cbor(fates),
            continues,
            now.millis(),
        ],
    )?;
    if continues {
        tx.execute(
            "INSERT INTO chains (device, actor, number, digest) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (device, actor) DO UPDATE SET number = excluded.number, digest = excluded.digest",
            params![
                device.as_bytes(),
                batch.actor.as_bytes(),
                batch.number,
                digest
            ],
        )?;
    }
    Ok(())
}

/// How a change of the log should have come.
pub(crate) struct Came {
    /// The grant that its batch names.
    pub grant_version: u32,
    /// When its batch arrived.
    pub arrived_at: Timestamp,
    /// Whether the batch names the change.
    pub named: bool,
}

/// What the batch says about one of its changes; `None` when the device handed in no such batch.
pub(crate) fn came(
    tx: &Tx<'_>,
    device: DeviceId,
    digest: &[u8; 32],
    document: DocumentId,
    hash: &ChangeHash,
) -> Result<Option<Came>, StoreError> {
    tx.query_opt(
        "SELECT grant_version, arrived_at, manifest FROM batches WHERE device = ?1 AND digest = ?2",
        params![device.as_bytes(), digest],
        |row| {
            let mut entries = row.bytes(2)?.chunks(MANIFEST_ENTRY_BYTES);
            Ok(Came {
                grant_version: u32::try_from(row.u64(0)?).unwrap_or(u32::MAX),
                arrived_at: Timestamp::from_millis(row.i64(1)?),
                named: entries.any(|entry| {
                    entry.starts_with(&document.to_bytes()) && entry.ends_with(hash.as_bytes())
                }),
            })
        },
    )
}

/// What the signature covers of the changes: document (17), epoch (8, big endian) and hash (32) of each.
fn manifest(batch: &Batch) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(batch.changes.len() * MANIFEST_ENTRY_BYTES);
    for change in &batch.changes {
        bytes.extend(change.document.to_bytes());
        bytes.extend(change.epoch.to_be_bytes());
        bytes.extend(change.hash().as_bytes());
    }
    bytes
}
