//! The constant changes every document begins with: one genesis per kind, then one per later schema.
//!
//! They are bytes, not code that makes bytes: two programs that each made a map would make two maps,
//! and one would hide the other. Nothing here is ever edited; a new schema appends a constant that
//! depends on the one before it.

use automerge::{ActorId, Change};
use std::sync::LazyLock;

use crate::{ChangeHash, DocKind};

/// The newest schema this program knows.
pub const SCHEMA_VERSION: u16 = 1;

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

/// The constant changes of one kind of document, oldest first.
#[derive(Debug)]
pub(crate) struct Lineage(Vec<Change>);

static CORE: LazyLock<Lineage> = LazyLock::new(|| Lineage::of(&[CORE_1]));
static HEALTH: LazyLock<Lineage> = LazyLock::new(|| Lineage::of(&[HEALTH_1]));

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
    use crate::record::schema::{COLLECTIONS, FIELDS, MergeRule, place};
    use automerge::transaction::{CommitOptions, Transactable};
    use automerge::{Automerge, ObjType, ROOT, ReadDoc, ScalarValue};

    /// How the constants were made, once: the actor of zeros, first sequence number, time zero, no message.
    fn make(kind: DocKind) -> Vec<u8> {
        let mut doc = Automerge::new();
        doc.set_actor(ActorId::from(GENESIS_ACTOR));
        let mut tx = doc.transaction();
        let roots = |root: &str| {
            FIELDS
                .iter()
                .any(|f| f.kind == kind && place(f.path).unwrap().root == root)
        };
        for collection in COLLECTIONS
            .iter()
            .filter(|collection| roots(collection.name))
        {
            tx.put_object(ROOT, collection.name, ObjType::Map).unwrap();
        }
        for field in FIELDS
            .iter()
            .filter(|f| f.kind == kind && f.rule == MergeRule::Counter)
        {
            let place = place(field.path).unwrap();
            let map = tx.get(ROOT, place.root).unwrap().unwrap().1;
            tx.put(map, place.key, ScalarValue::counter(0)).unwrap();
        }
        tx.commit_with(CommitOptions::default().with_time(0));
        let changes = doc.get_changes(&[]);
        assert_eq!((changes.len(), changes[0].seq()), (1, 1));
        changes[0].raw_bytes().to_vec()
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn the_constants_are_what_they_say() {
        assert_eq!(hex(&make(DocKind::Core)), hex(CORE_1));
        assert_eq!(hex(&make(DocKind::Health)), hex(HEALTH_1));
    }

    #[test]
    fn the_constants_are_frozen() {
        let hash = |kind| ChangeHash(Lineage::of_kind(kind).genesis().0).to_string();
        assert_eq!(
            hash(DocKind::Core),
            "a20766c5c02ca77e9740476c135edbb102e0bc3b3567ea7b4313d58841a812e3"
        );
        assert_eq!(
            hash(DocKind::Health),
            "f77aa9a9f8c9c44bf22c025361d0b315228ad7c5a38178f50ee8f0df6e4755df"
        );
        assert_eq!(
            Lineage::of_kind(DocKind::Core).changes().len(),
            usize::from(SCHEMA_VERSION)
        );
    }
}
