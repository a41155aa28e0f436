//! Finds where the tablet and the server differ within one area: bucket by bucket, then document by
//! document. Pure.

use std::collections::{BTreeMap, BTreeSet};

use sojourn_sync_protocol::DocumentId;
use sojourn_sync_protocol::digest::Digest;
use sojourn_sync_protocol::message::{BucketDigest, DocumentLeaf};

/// The leaves of the documents a tablet holds in an area.
pub type Leaves = BTreeMap<DocumentId, [u8; 32]>;

/// What has to be done about the documents of some buckets.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Difference {
    /// The server holds another state, or the tablet lacks it.
    pub fetch: Vec<DocumentId>,
    /// The server does not hold it in this area.
    pub absent: Vec<DocumentId>,
}

/// The digest of every bucket that holds any of these documents.
pub fn buckets(leaves: &Leaves) -> Vec<BucketDigest> {
    let mut found: BTreeMap<u8, Digest> = BTreeMap::new();
    for (document, leaf) in leaves {
        found
            .entry(Digest::bucket(*document))
            .or_default()
            .add(leaf);
    }
    found
        .into_iter()
        .map(|(bucket, digest)| BucketDigest { bucket, digest })
        .collect()
}

/// The buckets that differ, ascending.
pub fn differing_buckets(ours: &[BucketDigest], theirs: &[BucketDigest]) -> Vec<u8> {
    let by_bucket = |side: &[BucketDigest]| -> BTreeMap<u8, Digest> {
        side.iter()
            .map(|bucket| (bucket.bucket, bucket.digest))
            .collect()
    };
    let (ours, theirs) = (by_bucket(ours), by_bucket(theirs));
    let all: BTreeSet<u8> = ours.keys().chain(theirs.keys()).copied().collect();
    all.into_iter()
        .filter(|bucket| ours.get(bucket) != theirs.get(bucket))
        .collect()
}

/// Compares the documents of the buckets `asked` about.
pub fn difference(ours: &Leaves, theirs: &[DocumentLeaf], asked: &[u8]) -> Difference {
    let theirs: Leaves = theirs
        .iter()
        .map(|leaf| (leaf.document, leaf.leaf))
        .collect();
    let considered = |document: &DocumentId| asked.contains(&Digest::bucket(*document));
    let fetch = theirs
        .iter()
        .filter(|(document, leaf)| considered(document) && ours.get(document) != Some(leaf))
        .map(|(document, _)| *document)
        .collect();
    let absent = ours
        .keys()
        .filter(|document| considered(document) && !theirs.contains_key(document))
        .copied()
        .collect();
    Difference { fetch, absent }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sojourn_sync_protocol::{DocKind, HouseholdId};

    fn document(n: u8) -> DocumentId {
        DocumentId::new(HouseholdId::from_bytes([n; 16]), DocKind::Core)
    }

    #[test]
    fn narrowing_finds_exactly_what_differs() {
        let ours: Leaves = (0..50).map(|n| (document(n), [n; 32])).collect();
        let mut theirs = ours.clone();
        theirs.remove(&document(3));
        theirs.insert(document(7), [0xff; 32]);
        theirs.insert(document(99), [99; 32]);
        let asked = differing_buckets(&buckets(&ours), &buckets(&theirs));
        assert!(asked.len() <= 3 && !asked.is_empty());
        let leaves: Vec<_> = theirs
            .iter()
            .map(|(document, leaf)| DocumentLeaf {
                document: *document,
                leaf: *leaf,
            })
            .collect();
        let found = difference(&ours, &leaves, &asked);
        assert_eq!(found.fetch, vec![document(7), document(99)]);
        assert_eq!(found.absent, vec![document(3)]);
        assert!(differing_buckets(&buckets(&ours), &buckets(&ours)).is_empty());
    }
}
