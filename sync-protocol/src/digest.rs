//! What a set of documents adds up to: a count and a sum of leaves mod 2²⁵⁶.
//!
//! A sum does not depend on order, and one document's change costs one subtraction and one addition.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::ids::{ChangeHash, DocumentId};

/// Count and sum of a set of documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Digest {
    /// How many documents.
    pub count: u64,
    /// Sum of their leaves as 256-bit big-endian numbers, mod 2²⁵⁶.
    #[serde(with = "serde_bytes")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Binary))]
    pub sum: [u8; 32],
}

/// One document's leaf: SHA-256 over its id (17 bytes), its epoch (8, big endian) and its heads (32
/// each, in ascending order).
pub fn leaf(document: DocumentId, epoch: u64, heads: &[ChangeHash]) -> [u8; 32] {
    let mut sorted: Vec<_> = heads.iter().collect();
    sorted.sort_unstable();
    let mut hasher = Sha256::new();
    hasher.update(document.to_bytes());
    hasher.update(epoch.to_be_bytes());
    for head in sorted {
        hasher.update(head.as_bytes());
    }
    hasher.finalize().into()
}

impl Digest {
    /// Adds a document.
    pub fn add(&mut self, leaf: &[u8; 32]) {
        self.count = self.count.wrapping_add(1);
        let mut carry = 0u16;
        for (sum, part) in self.sum.iter_mut().zip(leaf).rev() {
            let total = u16::from(*sum) + u16::from(*part) + carry;
            [_, *sum] = total.to_be_bytes();
            carry = total >> 8;
        }
    }

    /// Takes a document away.
    pub fn remove(&mut self, leaf: &[u8; 32]) {
        self.count = self.count.wrapping_sub(1);
        let mut borrow = 0i16;
        for (sum, part) in self.sum.iter_mut().zip(leaf).rev() {
            let total = i16::from(*sum) - i16::from(*part) - borrow;
            borrow = i16::from(total < 0);
            [_, *sum] = total.to_be_bytes();
        }
    }

    /// Adds a whole other set, disjoint from this one.
    pub fn merge(&mut self, other: &Self) {
        let count = self.count.wrapping_add(other.count);
        self.add(&other.sum);
        self.count = count;
    }

    /// The bucket of a document when a digest is narrowed: the first byte of SHA-256 of its id (17 bytes).
    pub fn bucket(document: DocumentId) -> u8 {
        Sha256::digest(document.to_bytes())[0]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn order_does_not_matter_and_removing_undoes(mut leaves in prop::collection::vec(any::<[u8; 32]>(), 1..20)) {
            let mut forward = Digest::default();
            leaves.iter().for_each(|leaf| forward.add(leaf));
            leaves.reverse();
            let mut backward = Digest::default();
            leaves.iter().for_each(|leaf| backward.add(leaf));
            prop_assert_eq!(forward, backward);
            let mut halves = (Digest::default(), Digest::default());
            for (at, leaf) in leaves.iter().enumerate() {
                if at % 2 == 0 { halves.0.add(leaf) } else { halves.1.add(leaf) }
            }
            halves.0.merge(&halves.1);
            prop_assert_eq!(halves.0, forward);
            leaves.iter().for_each(|leaf| forward.remove(leaf));
            prop_assert_eq!(forward, Digest::default());
        }
    }
}
