//! A push batch: changes in order, chained to the batch before it and signed once by the device.
//!
//! The chain is per actor. A tablet restored from a backup, or copied, sends a batch that does not
//! continue the chain, and the server sees it at once.

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{
    gate,
    ids::{ActorId, ChangeHash, DocumentId},
};

/// The `previous` of the first batch of a chain.
pub const CHAIN_START: [u8; 32] = [0; 32];

/// Changes handed in together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Batch {
    /// The actor whose chain this continues. Changes by an earlier actor of the same device may ride along.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub actor: ActorId,
    /// 1 for the first batch of the chain, then one more each time.
    pub number: u64,
    /// [`Batch::digest`] of the batch before; [`CHAIN_START`] for the first.
    #[serde(with = "serde_bytes")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Binary))]
    pub previous: [u8; 32],
    /// The grant version that the changes were written under.
    pub grant: u32,
    /// Parents before children.
    pub changes: Vec<PushedChange>,
    /// Ed25519 (RFC 8032) by the device's key over [`Batch::digest`].
    #[serde(with = "serde_bytes")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Binary))]
    pub signature: [u8; 64],
}

/// One change on its way to the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PushedChange {
    /// The document it belongs to.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub document: DocumentId,
    /// The document's epoch as the tablet knew it.
    pub epoch: u64,
    /// One uncompressed Automerge change.
    #[serde(with = "serde_bytes")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Binary))]
    pub bytes: Vec<u8>,
}

impl PushedChange {
    /// The change's hash; for bytes that are no change, the SHA-256 of the bytes.
    pub fn hash(&self) -> ChangeHash {
        gate::change_hash(&self.bytes)
            .unwrap_or_else(|_| ChangeHash(Sha256::digest(&self.bytes).into()))
    }
}

impl Batch {
    /// Makes and signs a batch.
    pub fn sign(
        key: &SigningKey,
        actor: ActorId,
        number: u64,
        previous: [u8; 32],
        grant: u32,
        changes: Vec<PushedChange>,
    ) -> Self {
        let mut batch = Self {
            actor,
            number,
            previous,
            grant,
            changes,
            signature: [0; 64],
        };
        batch.signature = key.sign(&batch.digest()).to_bytes();
        batch
    }

    /// SHA-256 of what the signature covers: the text `sojourn-batch-1` and a zero byte, actor (16),
    /// number (8, big endian), previous (32), grant (4, big endian), number of changes (4, big
    /// endian), then for each change its document (17), epoch (8, big endian) and hash (32). A
    /// change's hash covers its author, so the signature does.
    pub fn digest(&self) -> [u8; 32] {
        let mut hasher = Sha256::new();
        hasher.update(b"sojourn-batch-1\0");
        hasher.update(self.actor.as_bytes());
        hasher.update(self.number.to_be_bytes());
        hasher.update(self.previous);
        hasher.update(self.grant.to_be_bytes());
        hasher.update(
            u32::try_from(self.changes.len())
                .unwrap_or(u32::MAX)
                .to_be_bytes(),
        );
        for change in &self.changes {
            hasher.update(change.document.to_bytes());
            hasher.update(change.epoch.to_be_bytes());
            hasher.update(change.hash().as_bytes());
        }
        hasher.finalize().into()
    }

    /// Whether this device signed it.
    pub fn is_signed_by(&self, device: &VerifyingKey) -> bool {
        let signature = Signature::from_bytes(&self.signature);
        device.verify_strict(&self.digest(), &signature).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{DocKind, HouseholdId};

    fn batch(key: &SigningKey) -> Batch {
        let document = DocumentId::new(HouseholdId::from_bytes([1; 16]), DocKind::Core);
        let changes = vec![PushedChange {
            document,
            epoch: 1,
            bytes: vec![1, 2, 3],
        }];
        Batch::sign(key, ActorId([2; 16]), 1, CHAIN_START, 1, changes)
    }

    #[test]
    fn a_signature_covers_everything() {
        let key = SigningKey::from_bytes(&[3; 32]);
        let signed = batch(&key);
        assert!(signed.is_signed_by(&key.verifying_key()));
        let alter: [fn(&mut Batch); 7] = [
            |b| b.actor = ActorId([9; 16]),
            |b| b.number = 2,
            |b| b.previous[0] = 1,
            |b| b.grant = 2,
            |b| b.changes[0].epoch = 2,
            |b| b.changes[0].bytes[0] = 9,
            |b| b.changes.clear(),
        ];
        for change in alter {
            let mut altered = signed.clone();
            change(&mut altered);
            assert!(!altered.is_signed_by(&key.verifying_key()));
        }
        assert!(!signed.is_signed_by(&SigningKey::from_bytes(&[4; 32]).verifying_key()));
    }
}
