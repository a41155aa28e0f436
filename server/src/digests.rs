//! What each area holds, per kind of document: a count and a sum of leaves, kept up with every change.
//! Buckets narrow a digest that differs; they are added up when asked for.

use std::collections::BTreeMap;

use sojourn_sync_protocol::{
    AreaCode, DocKind, DocumentId,
    digest::Digest,
    message::{BucketDigest, DocumentLeaf},
};

use crate::documents::kind;
use crate::params;
use crate::store::{Row, StoreError, Tx};

pub(crate) const SCHEMA: &str = "
CREATE TABLE area_digests (
    area TEXT NOT NULL,
    kind BIGINT NOT NULL,
    documents BIGINT NOT NULL,
    total BLOB NOT NULL,
    PRIMARY KEY (area, kind)
);
";

/// The digest of one kind of document in an area.
pub(crate) fn of_kind(tx: &Tx<'_>, area: &AreaCode, kind: DocKind) -> Result<Digest, StoreError> {
    let found = tx.query_opt(
        "SELECT documents, total FROM area_digests WHERE area = ?1 AND kind = ?2",
        params![area.as_str(), kind.code()],
        |row| read(row, 0),
    )?;
    Ok(found.unwrap_or_default())
}

/// The digest of an area over some kinds of document.
pub(crate) fn of(tx: &Tx<'_>, area: &AreaCode, kinds: &[DocKind]) -> Result<Digest, StoreError> {
    let mut all = Digest::default();
    for kind in kinds {
        all.merge(&of_kind(tx, area, *kind)?);
    }
    Ok(all)
}

/// Puts a document's new leaf in the place of its old one; `None` where the area did not or does not hold it.
pub(crate) fn replace(
    tx: &Tx<'_>,
    area: &AreaCode,
    kind: DocKind,
    old: Option<&[u8; 32]>,
    new: Option<&[u8; 32]>,
) -> Result<(), StoreError> {
    let mut digest = of_kind(tx, area, kind)?;
    if let Some(leaf) = old {
        digest.remove(leaf);
    }
    if let Some(leaf) = new {
        digest.add(leaf);
    }
    tx.execute(
        "INSERT INTO area_digests (area, kind, documents, total) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (area, kind) DO UPDATE SET documents = excluded.documents, total = excluded.total",
        params![area.as_str(), kind.code(), digest.count, digest.sum],
    )?;
    Ok(())
}

/// The digests of an area's buckets that hold any document.
pub(crate) fn buckets(
    tx: &Tx<'_>,
    area: &AreaCode,
    kinds: &[DocKind],
) -> Result<Vec<BucketDigest>, StoreError> {
    let mut buckets: BTreeMap<u8, Digest> = BTreeMap::new();
    for leaf in leaves(tx, area, kinds)? {
        let bucket = Digest::bucket(leaf.document);
        buckets.entry(bucket).or_default().add(&leaf.leaf);
    }
    let named = |(bucket, digest)| BucketDigest { bucket, digest };
    Ok(buckets.into_iter().map(named).collect())
}

/// The leaves of every document that an area holds.
pub(crate) fn leaves(
    tx: &Tx<'_>,
    area: &AreaCode,
    kinds: &[DocKind],
) -> Result<Vec<DocumentLeaf>, StoreError> {
    let mut found = tx.query(
        "SELECT d.household, d.kind, d.leaf FROM households h
         JOIN documents d ON d.household = h.household WHERE h.area = ?1
         ORDER BY d.household, d.kind",
        params![area.as_str()],
        |row| {
            let household = sojourn_sync_protocol::HouseholdId::from_bytes(row.array(0)?);
            Ok(DocumentLeaf {
                document: DocumentId::new(household, kind(row, 1)?),
                leaf: row.array(2)?,
            })
        },
    )?;
    found.retain(|leaf| kinds.contains(&leaf.document.kind));
    Ok(found)
}

/// Every digest that is kept, for `check`.
pub(crate) fn all(tx: &Tx<'_>) -> Result<BTreeMap<(AreaCode, DocKind), Digest>, StoreError> {
    let rows = tx.query(
        "SELECT area, kind, documents, total FROM area_digests ORDER BY area, kind",
        &[],
        |row| Ok(((row.parse(0)?, kind(row, 1)?), read(row, 2)?)),
    )?;
    Ok(rows.into_iter().collect())
}

fn read(row: &Row<'_>, column: usize) -> Result<Digest, StoreError> {
    Ok(Digest {
        count: row.u64(column)?,
        sum: row.array(column + 1)?,
    })
}
