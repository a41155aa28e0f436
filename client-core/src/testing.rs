//! Tablets, families and a stand-in for the server's answers, for unit tests of this crate.

use ed25519_dalek::SigningKey;
use sojourn_sync_protocol::message::{AreasReply, Grant, WholeDocument};
use sojourn_sync_protocol::record::{Authorship, Document, Edit, NewHousehold, NewPerson};
use sojourn_sync_protocol::{
    ActorId, Area, AreaCode, DeviceId, DocKind, DocumentId, HouseholdId, PersonId, StaffId,
    Timestamp,
};

use crate::clock::SeededRandom;
use crate::identity::Identity;
use crate::store::KeyCost;
use crate::tablet::{Opened, Tablet};
use crate::{areas, documents};

pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_795_000_000_000);
pub(crate) const HOME: &str = "370701001001";
pub(crate) const NEAR: &str = "370701001002";
pub(crate) const FAR: &str = "370702001001";

pub(crate) fn area(code: &str) -> AreaCode {
    code.parse().unwrap()
}

pub(crate) fn reopen(dir: &std::path::Path, seed: u64) -> Opened {
    let random = Box::new(SeededRandom::new(seed));
    Tablet::open_at_cost(dir, "pass", KeyCost::TESTS, NOW, random)
        .unwrap_or_else(|error| panic!("{error}"))
}

/// A tablet enrolled for one town of two villages.
pub(crate) fn enrolled(dir: &std::path::Path, seed: u64) -> Tablet {
    enrolled_at(dir, seed, "http://127.0.0.1:1")
}

/// The same at a server of this address.
pub(crate) fn enrolled_at(dir: &std::path::Path, seed: u64, server: &str) -> Tablet {
    let tablet = reopen(dir, seed).tablet;
    let key = SigningKey::from_bytes(&[u8::try_from(seed % 251).unwrap(); 32]);
    let mut id = [1; 16];
    id[8..].copy_from_slice(&seed.to_be_bytes());
    let identity = Identity::new(
        DeviceId::from_bytes(id),
        StaffId::from_bytes(id),
        "staff".into(),
        server.into(),
        &key,
    );
    let grant = Grant {
        version: 1,
        areas: vec![area(HOME), area("town")],
        kinds: DocKind::ALL.to_vec(),
    };
    tablet.enrol(NOW, &identity, &grant).unwrap();
    let one = |code: &str, parent: Option<&str>, level: &str| Area {
        code: area(code),
        parent: parent.map(area),
        level: level.into(),
        name: code.into(),
    };
    let tree = AreasReply {
        version: 1,
        areas: vec![
            one("town", None, "town"),
            one("far-town", None, "town"),
            one(HOME, Some("town"), "village"),
            one(NEAR, Some("town"), "village"),
            one(FAR, Some("far-town"), "village"),
        ],
    };
    tablet
        .write::<_, crate::Error>("areas", NOW, |work| Ok(areas::replace(work.tx, &tree)?))
        .unwrap();
    tablet
}

pub(crate) fn family(n: usize) -> NewHousehold {
    const SURNAMES: [&str; 10] = ["王", "李", "张", "刘", "陈", "杨", "吕", "单", "曾", "欧阳"];
    const GIVEN: [&str; 24] = [
        "小明", "芳", "伟", "娜", "秀英", "敏", "静", "丽", "强", "磊", "军", "洋", "勇", "艳",
        "杰", "娟", "涛", "明", "超", "秀兰", "霞", "平", "刚", "桂英",
    ];
    let person = |at: usize, relation: &str| NewPerson {
        name: format!("{}{}", SURNAMES[n % 10], GIVEN[(n / 10 + at * 7) % 24]),
        relation: Some(relation.into()),
        phone: (at == 0).then(|| format!("100{:08}", n * 7919 % 100_000_000)),
        ..NewPerson::default()
    };
    NewHousehold {
        address: Some(format!("{} 号", n + 1)),
        phone: Some(format!("1000{:07}", n * 104_729 % 10_000_000)),
        persons: vec![
            person(0, "head"),
            person(1, "spouse"),
            person(2, "child"),
            person(3, "child"),
        ],
        ..NewHousehold::default()
    }
}

/// Another tablet's copy of a document, edited there and seen by the server.
pub(crate) struct Elsewhere {
    pub(crate) document: Document,
    actor: ActorId,
    drawn: u8,
}

impl Elsewhere {
    pub(crate) fn of(id: DocumentId, actor: u8) -> Self {
        Self {
            document: Document::new(id),
            actor: ActorId([actor; 16]),
            drawn: 0,
        }
    }

    pub(crate) fn household(n: u8, actor: u8) -> Self {
        let mut id = [n; 16];
        (id[6], id[8]) = (0x70, 0x80);
        let mut elsewhere = Self::of(
            DocumentId::new(HouseholdId::from_bytes(id), DocKind::Core),
            actor,
        );
        elsewhere.edit(Edit::RegisterHousehold(family(n.into())));
        elsewhere
    }

    pub(crate) fn id(&self) -> HouseholdId {
        self.document.id().household
    }

    /// Makes an edit there and returns the change's bytes.
    pub(crate) fn edit(&mut self, edit: Edit) -> Vec<u8> {
        self.try_edit(edit).unwrap()
    }

    /// The same; `None` when the edit cannot be made.
    pub(crate) fn try_edit(&mut self, edit: Edit) -> Option<Vec<u8>> {
        let by = Authorship {
            actor: self.actor,
            staff: StaffId::from_bytes([8; 16]),
            area: area(NEAR),
            at: NOW.plus_millis(5000),
        };
        let edit = edit.with_ids(NOW, &mut || {
            self.drawn += 1;
            [self.drawn; 10]
        });
        self.document
            .edit(&edit, &by)
            .ok()
            .map(|change| change.bytes)
    }

    pub(crate) fn whole(&self, area_code: &str) -> WholeDocument {
        WholeDocument {
            document: self.document.id(),
            area: area(area_code),
            epoch: documents::FIRST_EPOCH,
            saved: self.document.save(),
        }
    }
}

pub(crate) fn set_phone(phone: &str) -> Edit {
    Edit::from_assignments(&[format!("contact/phone={phone}")])
        .unwrap()
        .remove(0)
}

pub(crate) fn rename(person: PersonId, name: &str) -> Edit {
    Edit::from_assignments(&[format!("persons/{person}/name={name}")])
        .unwrap()
        .remove(0)
}
