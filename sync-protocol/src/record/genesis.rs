//! The constant changes every document begins with: one genesis per kind, then one per later schema.
//!
//! They are bytes, not code that makes bytes: two programs that each made a map would make two maps,
//! and one would hide the other. Nothing here is ever edited; a new schema appends a constant that
//! depends on the one before it.

use automerge::{ActorId, Change};
use std::sync::LazyLock;

use crate::{ChangeHash, DocKind};

/// The newest schema this program knows.
pub const SCHEMA_VERSION: u16 = 2;

/// The actor of constant changes. No person's change may use it.
pub(crate) const GENESIS_ACTOR: [u8; 16] = [0; 16];

/// Schema 1, core: the maps residence, contact, consent, persons, moves, needs and the counter contact/unanswered.
const CORE_1: &[u8] = &[
    0x85, 0x6f, 0x4a, 0x83, 0xa2, 0x07, 0x66, 0xc5, 0x01, 0x76, 0x00, 0x10, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x01, 0x00, 0x00,
    0x00, 0x08, 0x01, 0x04, 0x02, 0x04, 0x15, 0x3a, 0x34, 0x01, 0x42, 0x04, 0x56, 0x04, 0x57, 0x01,
    0x70, 0x02, 0x00, 0x06, 0x7f, 0x00, 0x00, 0x06, 0x7f, 0x02, 0x79, 0x09, 0x72, 0x65, 0x73, 0x69,
    0x64, 0x65, 0x6e, 0x63, 0x65, 0x07, 0x63, 0x6f, 0x6e, 0x74, 0x61, 0x63, 0x74, 0x07, 0x63, 0x6f,
    0x6e, 0x73, 0x65, 0x6e, 0x74, 0x07, 0x70, 0x65, 0x72, 0x73, 0x6f, 0x6e, 0x73, 0x05, 0x6d, 0x6f,
    0x76, 0x65, 0x73, 0x05, 0x6e, 0x65, 0x65, 0x64, 0x73, 0x0a, 0x75, 0x6e, 0x61, 0x6e, 0x73, 0x77,
    0x65, 0x72, 0x65, 0x64, 0x07, 0x06, 0x00, 0x7f, 0x01, 0x06, 0x00, 0x7f, 0x18, 0x00, 0x07, 0x00,
];

/// Schema 1, health: the maps visits and facts.
const HEALTH_1: &[u8] = &[
    0x85, 0x6f, 0x4a, 0x83, 0xf7, 0x7a, 0xa9, 0xa9, 0x01, 0x37, 0x00, 0x10, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x01, 0x00, 0x00,
    0x00, 0x05, 0x15, 0x0e, 0x34, 0x01, 0x42, 0x02, 0x56, 0x02, 0x70, 0x02, 0x7e, 0x06, 0x76, 0x69,
    0x73, 0x69, 0x74, 0x73, 0x05, 0x66, 0x61, 0x63, 0x74, 0x73, 0x02, 0x02, 0x00, 0x02, 0x00, 0x02,
    0x00,
];

/// Schema 2, core: the map decisions.
const CORE_2: &[u8] = &[
    0x85, 0x6f, 0x4a, 0x83, 0x80, 0x3a, 0x07, 0xfd, 0x01, 0x54, 0x01, 0xa2, 0x07, 0x66, 0xc5, 0xc0,
    0x2c, 0xa7, 0x7e, 0x97, 0x40, 0x47, 0x6c, 0x13, 0x5e, 0xdb, 0xb1, 0x02, 0xe0, 0xbc, 0x3b, 0x35,
    0x67, 0xea, 0x7b, 0x43, 0x13, 0xd5, 0x88, 0x41, 0xa8, 0x12, 0xe3, 0x10, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x08, 0x00, 0x00,
    0x00, 0x05, 0x15, 0x0b, 0x34, 0x01, 0x42, 0x02, 0x56, 0x02, 0x70, 0x02, 0x7f, 0x09, 0x64, 0x65,
    0x63, 0x69, 0x73, 0x69, 0x6f, 0x6e, 0x73, 0x01, 0x7f, 0x00, 0x7f, 0x00, 0x7f, 0x00,
];

/// Schema 2, health: the map health_decisions.
const HEALTH_2: &[u8] = &[
    0x85, 0x6f, 0x4a, 0x83, 0x31, 0x49, 0x4a, 0x5c, 0x01, 0x5b, 0x01, 0xf7, 0x7a, 0xa9, 0xa9, 0xf8,
    0xc9, 0xc4, 0x4b, 0xf2, 0x2c, 0x02, 0x53, 0x61, 0xd0, 0xb3, 0x15, 0x22, 0x8a, 0xd7, 0xc5, 0xa3,
    0x81, 0x78, 0xf5, 0x0e, 0xe8, 0xf0, 0xdf, 0x6e, 0x47, 0x55, 0xdf, 0x10, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0x00, 0x00,
    0x00, 0x05, 0x15, 0x12, 0x34, 0x01, 0x42, 0x02, 0x56, 0x02, 0x70, 0x02, 0x7f, 0x10, 0x68, 0x65,
    0x61, 0x6c, 0x74, 0x68, 0x5f, 0x64, 0x65, 0x63, 0x69, 0x73, 0x69, 0x6f, 0x6e, 0x73, 0x01, 0x7f,
    0x00, 0x7f, 0x00, 0x7f, 0x00,
];

/// The constant changes of one kind of document, oldest first.
#[derive(Debug)]
pub(crate) struct Lineage(Vec<Change>);

static CORE: LazyLock<Lineage> = LazyLock::new(|| Lineage::of(&[CORE_1, CORE_2]));
static HEALTH: LazyLock<Lineage> = LazyLock::new(|| Lineage::of(&[HEALTH_1, HEALTH_2]));

impl Lineage {
    /// Reads constants, which are part of the program.
    pub(crate) fn of(constants: &[&[u8]]) -> Self {
        let read = |bytes: &&[u8]| {
            Change::try_from(*bytes).expect("a constant of this program is a change")
        };
        Self(constants.iter().map(read).collect())
    }

    /// The constants of a kind.
    pub(crate) fn of_kind(kind: DocKind) -> &'static Self {
        match kind {
            DocKind::Core => &CORE,
            DocKind::Health => &HEALTH,
        }
    }

    pub(crate) fn changes(&self) -> &[Change] {
        &self.0
    }

    pub(crate) fn genesis(&self) -> automerge::ChangeHash {
        self.0[0].hash()
    }

    pub(crate) fn position(&self, hash: &ChangeHash) -> Option<usize> {
        self.0.iter().position(|change| change.hash().0 == hash.0)
    }
}

/// Whether this is the actor of constants.
pub(crate) fn is_reserved(actor: &ActorId) -> bool {
    actor.to_bytes() == GENESIS_ACTOR
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::schema::{COLLECTIONS, FIELDS, MergeRule, collection_named, place};
    use automerge::transaction::{CommitOptions, Transactable};
    use automerge::{Automerge, ObjType, ROOT, ReadDoc, ScalarValue};

    /// How the constants were made, once: the actor of zeros, time zero, no message, each on the one before.
    fn make(kind: DocKind) -> Vec<Vec<u8>> {
        let mut doc = Automerge::new();
        doc.set_actor(ActorId::from(GENESIS_ACTOR));
        for schema in 1..=SCHEMA_VERSION {
            make_next(&mut doc, kind, schema);
        }
        let changes = doc.get_changes(&[]);
        changes
            .iter()
            .map(|change| change.raw_bytes().to_vec())
            .collect()
    }

    fn make_next(doc: &mut Automerge, kind: DocKind, schema: u16) {
        let mut tx = doc.transaction();
        let roots = |root: &str| {
            FIELDS
                .iter()
                .any(|f| f.kind == kind && place(f.path).unwrap().root == root)
        };
        for collection in COLLECTIONS
            .iter()
            .filter(|collection| collection.since == schema && roots(collection.name))
        {
            tx.put_object(ROOT, collection.name, ObjType::Map).unwrap();
        }
        for field in FIELDS
            .iter()
            .filter(|f| f.kind == kind && f.rule == MergeRule::Counter)
        {
            let place = place(field.path).unwrap();
            if collection_named(place.root).unwrap().since != schema {
                continue;
            }
            let map = tx.get(ROOT, place.root).unwrap().unwrap().1;
            tx.put(map, place.key, ScalarValue::counter(0)).unwrap();
        }
        tx.commit_with(CommitOptions::default().with_time(0));
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn the_constants_are_what_they_say() {
        let made = |kind| {
            make(kind)
                .iter()
                .map(|bytes| hex(bytes))
                .collect::<Vec<_>>()
        };
        assert_eq!(made(DocKind::Core), [hex(CORE_1), hex(CORE_2)]);
        assert_eq!(made(DocKind::Health), [hex(HEALTH_1), hex(HEALTH_2)]);
    }

    #[test]
    fn the_constants_are_frozen() {
        let hashes = |kind| {
            let constants = Lineage::of_kind(kind).changes();
            assert_eq!(constants.len(), usize::from(SCHEMA_VERSION));
            let hashes = constants.iter().map(|change| change.hash().to_string());
            hashes.collect::<Vec<_>>()
        };
        assert_eq!(
            hashes(DocKind::Core),
            [
                "a20766c5c02ca77e9740476c135edbb102e0bc3b3567ea7b4313d58841a812e3",
                "803a07fdf1637d716450c0c661a77f891c6b238961982d493f9bcb43aab0f486"
            ]
        );
        assert_eq!(
            hashes(DocKind::Health),
            [
                "f77aa9a9f8c9c44bf22c025361d0b315228ad7c5a38178f50ee8f0df6e4755df",
                "31494a5c4bd5cb6a54a0177562d11795e02cf094e5d16ec2968c6d736b6d1d24"
            ]
        );
    }
}
