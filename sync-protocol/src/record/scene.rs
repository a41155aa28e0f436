//! Households, authors and copies for the record's tests. Everything is made from numbers.

use super::*;
use crate::{
    ActorId, AreaCode, DocKind, DocumentId, HouseholdId, PersonId, StaffId, Timestamp, VisitId,
};

pub(crate) const DAY: i64 = 86_400_000;
const START: i64 = 1_795_000_000_000;

pub(crate) fn household() -> HouseholdId {
    HouseholdId::new(Timestamp::from_millis(START), [1; 10])
}

pub(crate) fn person(number: u8) -> PersonId {
    PersonId::new(Timestamp::from_millis(START), [number; 10])
}

pub(crate) fn visit(number: u8) -> VisitId {
    VisitId::new(Timestamp::from_millis(START + DAY), [number; 10])
}

pub(crate) fn area(code: &str) -> AreaCode {
    code.parse().unwrap()
}

/// An author by number, at the hour of that number.
pub(crate) fn by(number: u8) -> Authorship {
    Authorship {
        actor: ActorId([number; 16]),
        staff: StaffId::new(Timestamp::from_millis(START), [number; 10]),
        area: area("370724001001"),
        at: Timestamp::from_millis(START + i64::from(number) * 3_600_000),
    }
}

pub(crate) fn document(kind: DocKind) -> Document {
    Document::new(DocumentId::new(household(), kind))
}

pub(crate) fn new_person(number: u8) -> NewPerson {
    NewPerson {
        id: Some(person(number)),
        name: format!("测试{number}"),
        ..NewPerson::default()
    }
}

/// A registered household of two persons, written by author 1.
pub(crate) fn registered() -> Document {
    let mut core = document(DocKind::Core);
    let new = NewHousehold {
        address: Some("一号".into()),
        phone: Some("10000000001".into()),
        persons: vec![new_person(1), new_person(2)],
        ..NewHousehold::default()
    };
    core.edit(&Edit::RegisterHousehold(new), &by(1)).unwrap();
    core
}

pub(crate) fn assign<const N: usize>(pairs: [(&str, Option<Value>); N]) -> Assignments {
    pairs
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
}

pub(crate) fn text(value: &str) -> Option<Value> {
    Some(Value::from(value))
}

pub(crate) fn set(pairs: &[(&str, &str)]) -> Edit {
    Edit::Set {
        set: pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), text(value)))
            .collect(),
    }
}

pub(crate) fn correct(number: u8, key: &str, value: &str) -> Edit {
    Edit::CorrectPerson {
        person: person(number),
        set: assign([(key, text(value))]),
    }
}

pub(crate) fn remove(number: u8, note: &str) -> Edit {
    Edit::RemovePerson {
        person: person(number),
        reason: "moved-away".into(),
        on: None,
        note: Some(note.into()),
        to: None,
    }
}

/// Takes in everything the other has.
pub(crate) fn pull(into: &mut Document, from: &Document) {
    let changes = from.changes();
    let raw: Vec<&[u8]> = changes
        .iter()
        .map(|change| change.bytes.as_slice())
        .collect();
    into.apply_changes(&raw).unwrap();
}

/// Makes two copies agree.
pub(crate) fn merge(a: &mut Document, b: &mut Document) {
    pull(a, b);
    pull(b, a);
    assert_eq!(a.heads(), b.heads());
}

pub(crate) fn seen(core: &Document) -> HouseholdView {
    view(household(), core, None).unwrap()
}

/// A family of four with ten visits, as the figures of size are given for.
pub(crate) fn family() -> (Document, Document) {
    let mut core = document(DocKind::Core);
    let persons = (1..=4).map(|number| NewPerson {
        latin_name: Some(format!("Ceshi {number}")),
        sex: Some("female".into()),
        birth: Some(format!("19{number}0-0{number}-1{number}")),
        relation: Some(if number == 1 { "head" } else { "child" }.into()),
        languages: ["zh".to_owned()].into(),
        ..new_person(number)
    });
    let new = NewHousehold {
        address: Some("测试路1号".into()),
        phone: Some("10000000001".into()),
        consent: NewConsent {
            care: Some("given".into()),
            sharing: Some("given".into()),
        },
        persons: persons.collect(),
        ..NewHousehold::default()
    };
    core.edit(&Edit::RegisterHousehold(new), &by(1)).unwrap();
    let mut health = document(DocKind::Health);
    for number in 1..=10u8 {
        let new = NewVisit {
            id: Some(visit(number)),
            person: Some(person(1 + number % 4)),
            on: format!("2026-10-{number:02}"),
            kind: "child".into(),
            note: Some("发育正常,按时接种".into()),
            weight_g: Some(9_000 + i64::from(number) * 130),
            height_mm: Some(700 + i64::from(number) * 5),
            temperature_dc: Some(365 + i64::from(number % 3)),
            ..NewVisit::default()
        };
        let author = Authorship {
            at: by(1).at.plus_millis(i64::from(number) * DAY),
            ..by(1)
        };
        health.edit(&Edit::RecordVisit(new), &author).unwrap();
    }
    (core, health)
}

/// The bytes of hexadecimal text; white space is ignored.
pub(crate) fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
