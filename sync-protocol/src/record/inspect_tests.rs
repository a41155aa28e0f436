use super::*;
use crate::DocKind;
use crate::record::scene::*;
use crate::record::{Authorship, Edit, NewVisit};
use automerge::transaction::{CommitOptions, Transactable, Transaction};
use automerge::{ActorId as AmActor, AutomergeError};
use proptest::prelude::*;

/// A change that a stranger's program makes on a copy of the document.
fn foreign(
    document: &Document,
    write: impl FnOnce(&mut Transaction<'_>) -> Result<(), AutomergeError>,
) -> Vec<u8> {
    let mut copy = document.inner().clone();
    copy.set_actor(AmActor::from([0x66; 16]));
    let attribution = Attribution {
        kind: "set".into(),
        staff: by(9).staff,
        area: by(9).area,
    };
    let mut tx = copy.transaction();
    write(&mut tx).unwrap();
    let options = CommitOptions::default()
        .with_message(attribution.to_string())
        .with_time(5);
    let hash = tx.commit_with(options).0.unwrap();
    copy.get_change_by_hash(&hash).unwrap().raw_bytes().to_vec()
}

fn judge(document: &Document, bytes: &[u8]) -> Result<Vec<Touch>, Unfit> {
    document.touches(&inspect(bytes)?)
}

fn map(tx: &Transaction<'_>, names: &[&str]) -> ObjId {
    let mut at = ROOT;
    for name in names {
        at = tx.get(&at, *name).unwrap().unwrap().1;
    }
    at
}

#[test]
fn honest_changes_are_resolved_to_paths() {
    let mut core = registered();
    let birth = core.edit(&correct(1, "birth", "1990"), &by(2)).unwrap();
    let path = format!("persons/{}/birth", person(1));
    let touches = judge(&core, &birth.bytes).unwrap();
    assert_eq!(touches.len(), 1);
    assert_eq!(
        (touches[0].path.as_str(), &touches[0].value),
        (path.as_str(), &text("1990"))
    );
    assert_eq!(touches[0].field.unwrap().path, "persons/{person}/birth");

    // The same before the change is taken in.
    let mut before = document(DocKind::Core);
    pull(&mut before, &registered());
    assert_eq!(judge(&before, &birth.bytes).unwrap(), touches);

    let register = &core.changes()[0];
    let written = judge(&document(DocKind::Core), &register.bytes).unwrap();
    assert!(written.iter().all(|touch| touch.field.is_some()));
    assert!(
        written
            .iter()
            .any(|touch| touch.path == format!("persons/{}/name", person(2)))
    );

    let called = core.edit(&Edit::NobodyHome {}, &by(2)).unwrap();
    assert_eq!(
        judge(&core, &called.bytes).unwrap()[0].value,
        Some(Value::Int(1))
    );
}

#[test]
fn a_key_of_a_newer_schema_is_reported_not_refused() {
    let core = registered();
    let bytes = foreign(&core, |tx| tx.put(map(tx, &["contact"]), "messenger", "x"));
    let touches = judge(&core, &bytes).unwrap();
    assert_eq!(
        (touches[0].path.as_str(), touches[0].field),
        ("contact/messenger", None)
    );
}

#[test]
fn what_the_record_never_does_is_told() {
    let core = registered();
    let one = person(1).to_string();
    let entry = |tx: &Transaction<'_>| map(tx, &["persons", &one]);
    type Write<'a> = Box<dyn Fn(&mut Transaction<'_>) -> Result<(), AutomergeError> + 'a>;
    let cases: Vec<(Write<'_>, Unfit)> = vec![
        (
            Box::new(|tx| tx.delete(entry(tx), "name")),
            Unfit::Forbidden("a deletion"),
        ),
        (
            Box::new(|tx| tx.put(ROOT, "x", 1)),
            Unfit::Forbidden("a write to the root"),
        ),
        (
            Box::new(|tx| tx.put_object(ROOT, "contact", ObjType::Map).map(drop)),
            Unfit::Forbidden("a write to the root"),
        ),
        (
            Box::new(|tx| tx.put_object(entry(tx), "name", ObjType::Map).map(drop)),
            Unfit::Forbidden("a nested map, list or text"),
        ),
        (
            Box::new(|tx| tx.put_object(entry(tx), "names", ObjType::List).map(drop)),
            Unfit::Forbidden("a nested map, list or text"),
        ),
        (
            Box::new(|tx| {
                tx.put_object(map(tx, &["contact"]), "extra", ObjType::Map)
                    .map(drop)
            }),
            Unfit::Forbidden("a map where a value belongs"),
        ),
        (
            Box::new(|tx| tx.put(map(tx, &["persons"]), one.as_str(), "gone")),
            Unfit::Forbidden("a value where an entry belongs"),
        ),
        (
            Box::new(|tx| {
                tx.put_object(map(tx, &["persons"]), one.as_str(), ObjType::Map)
                    .map(drop)
            }),
            Unfit::BadEntry(format!("persons/{one}")),
        ),
        (
            Box::new(|tx| {
                tx.put_object(map(tx, &["persons"]), "head", ObjType::Map)
                    .map(drop)
            }),
            Unfit::BadEntry("persons/head".into()),
        ),
        (
            Box::new(|tx| tx.put(entry(tx), "name", 7)),
            Unfit::WrongType(format!("persons/{one}/name")),
        ),
        (
            Box::new(|tx| tx.put(entry(tx), "height", 1.5)),
            Unfit::WrongType(format!("persons/{one}/height")),
        ),
        (
            Box::new(|tx| tx.put(map(tx, &["residence"]), "area", "no area")),
            Unfit::WrongType("residence/area".into()),
        ),
        (
            Box::new(|tx| tx.increment(map(tx, &["contact"]), "unanswered", -5)),
            Unfit::WrongType("contact/unanswered".into()),
        ),
        (
            Box::new(|tx| tx.put(map(tx, &["contact"]), "unanswered", 0)),
            Unfit::WrongType("contact/unanswered".into()),
        ),
        (
            Box::new(|tx| tx.put(map(tx, &["contact"]), "note", "长".repeat(2000))),
            Unfit::TooLong("contact/note".into()),
        ),
    ];
    for (write, expected) in cases {
        let bytes = foreign(&core, |tx| write(tx));
        assert_eq!(judge(&core, &bytes), Err(expected));
    }
    // A wrong date is meaning, not structure: a person reviews it.
    let bytes = foreign(&core, |tx| tx.put(entry(tx), "birth", "someday"));
    assert!(judge(&core, &bytes).is_ok());
}

#[test]
fn a_change_out_of_place_is_told() {
    let mut core = registered();
    let health_change = document(DocKind::Health)
        .edit(
            &Edit::RecordVisit(NewVisit {
                id: Some(visit(1)),
                on: "2026".into(),
                kind: "other".into(),
                ..NewVisit::default()
            }),
            &by(1),
        )
        .unwrap();
    assert!(matches!(
        judge(&core, &health_change.bytes),
        Err(Unfit::MissingDeps(_))
    ));
    assert!(matches!(
        core.apply_changes(&[&health_change.bytes]),
        Err(crate::record::RecordError::MissingDeps { .. })
    ));

    // Operations numbered from far away would use up the document's numbers.
    let mut expanded = automerge::Change::try_from(core.changes()[0].bytes.as_slice())
        .unwrap()
        .decode();
    expanded.start_op = std::num::NonZeroU64::new(4_000_000_000).unwrap();
    expanded.actor_id = AmActor::from([0x66; 16]);
    expanded.operations.truncate(1);
    let far = automerge::Change::from(expanded).raw_bytes().to_vec();
    assert!(matches!(
        judge(&core, &far),
        Err(Unfit::Numbering {
            found: 4_000_000_000,
            ..
        })
    ));

    let genesis = &genesis::Lineage::of_kind(DocKind::Core).changes()[0];
    assert!(matches!(
        inspect(genesis.raw_bytes()),
        Err(Unfit::ReservedActor)
    ));
    let mut unsigned = core.inner().clone();
    unsigned.set_actor(AmActor::from([0x66; 16]));
    let hash = unsigned.empty_commit(CommitOptions::default().with_time(0));
    let empty = unsigned.get_change_by_hash(&hash).unwrap();
    assert!(matches!(inspect(empty.raw_bytes()), Err(Unfit::Hollow)));
    let mut tx = unsigned.transaction();
    let contact = map(&tx, &["contact"]);
    tx.put(contact, "note", "x").unwrap();
    let hash = tx
        .commit_with(CommitOptions::default().with_time(0))
        .0
        .unwrap();
    let nameless = unsigned.get_change_by_hash(&hash).unwrap();
    assert!(matches!(
        inspect(nameless.raw_bytes()),
        Err(Unfit::NoAttribution)
    ));
    assert_eq!(
        inspect(nameless.raw_bytes()).unwrap_err().reason(),
        QuarantineReason::WrongAuthor
    );
    assert_eq!(
        inspect(&core.save()).unwrap_err().reason(),
        QuarantineReason::Malformed
    );
}

#[test]
fn two_changes_under_one_number_leave_the_document_as_it_was() {
    let mut a = registered();
    let mut b = document(DocKind::Core);
    pull(&mut b, &a);
    let clone = Authorship {
        at: by(3).at,
        ..by(2)
    };
    a.edit(&correct(1, "birth", "1990"), &by(2)).unwrap();
    let fork = b.edit(&correct(1, "birth", "1991"), &clone).unwrap();
    let before = a.save();
    assert!(matches!(
        a.apply_changes(&[&fork.bytes]),
        Err(crate::record::RecordError::Refused(_))
    ));
    assert_eq!(a.save(), before);
}

proptest! {
    #[test]
    fn no_forged_change_panics(edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        let mut core = registered();
        let mut bytes = core.edit(&correct(1, "birth", "1990"), &by(2)).unwrap().bytes;
        for (at, byte) in edits {
            let at = 10 + at.index(bytes.len() - 10);
            bytes[at] = byte;
        }
        let checksum = <sha2::Sha256 as sha2::Digest>::digest(&bytes[8..]);
        bytes[4..8].copy_from_slice(&checksum[..4]);
        let _ = judge(&core, &bytes);
        let before = core.save();
        if core.apply_changes(&[&bytes]).is_err() {
            prop_assert_eq!(core.save(), before);
        }
    }
}
