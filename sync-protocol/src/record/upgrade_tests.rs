use super::*;
use crate::record::genesis::{GENESIS_ACTOR, Lineage};
use crate::record::scene::*;
use crate::record::{Edit, RecordError, history};
use crate::{DocKind, DocumentId};
use automerge::transaction::{CommitOptions, Transactable};
use automerge::{ObjType, ROOT, ReadDoc};

fn id() -> DocumentId {
    DocumentId::new(household(), DocKind::Core)
}

/// The schema after this program's: one more map, made as constants are made.
fn next_schema() -> &'static Lineage {
    let genesis = &Lineage::of_kind(DocKind::Core).changes()[0];
    let mut doc = Document::new(id()).inner().clone();
    doc.set_actor(automerge::ActorId::from(GENESIS_ACTOR));
    let mut tx = doc.transaction();
    tx.put_object(ROOT, "cards", ObjType::Map).unwrap();
    let hash = tx
        .commit_with(CommitOptions::default().with_time(0))
        .0
        .unwrap();
    let second = doc.get_change_by_hash(&hash).unwrap();
    assert_eq!(second.deps(), [genesis.hash()]);
    Box::leak(Box::new(Lineage::of(&[
        genesis.raw_bytes(),
        second.raw_bytes(),
    ])))
}

/// Writes into the newer schema's map and a newer key of an old one, as its program would.
fn write_newer(document: &mut Document) {
    upgrade(document);
    let inner = document.inner_mut();
    inner.set_actor(automerge::ActorId::from([8; 16]));
    let cards = inner.get(ROOT, "cards").unwrap().unwrap().1;
    let contact = inner.get(ROOT, "contact").unwrap().unwrap().1;
    let mut tx = inner.transaction();
    tx.put(cards, "number", "C-1").unwrap();
    tx.put(contact, "messenger", "m1").unwrap();
    tx.commit_with(
        CommitOptions::default()
            .with_message("1;set-card;01a1ee56-5e00-7101-8101-010101010101;1")
            .with_time(0),
    );
}

#[test]
fn copies_upgraded_apart_agree() {
    let lineage = next_schema();
    let saved = registered().save();
    let mut a = Document::load_with_lineage(id(), &saved, lineage).unwrap();
    let mut b = a.clone();
    assert!(upgrade(&mut a));
    assert!(!upgrade(&mut a));
    write_newer(&mut b);
    a.edit(&set(&[("contact/phone", "10000000007")]), &by(2))
        .unwrap();
    merge(&mut a, &mut b);
    assert_eq!(a.inner().get_all(ROOT, "cards").unwrap().len(), 1);
    assert_eq!(seen(&a), seen(&b));
    assert!(
        a.changes()
            .iter()
            .all(|change| change.actor.0 != GENESIS_ACTOR)
    );
}

#[test]
fn a_copy_takes_the_constant_that_an_edit_builds_on() {
    let lineage = next_schema();
    let mut old = Document::load_with_lineage(id(), &registered().save(), lineage).unwrap();
    let mut new = old.clone();
    write_newer(&mut new);
    pull(&mut old, &new);
    assert_eq!(old.heads(), new.heads());

    // A program that has never heard of the constant says what is missing rather than guess.
    let mut older = registered();
    let changes = new.changes();
    let error = older
        .apply_changes(&[&changes.last().unwrap().bytes])
        .unwrap_err();
    assert!(matches!(error, RecordError::MissingDeps { deps, .. } if deps.len() == 1));
}

#[test]
fn what_a_newer_program_wrote_survives_an_older_one() {
    let saved = unhex(include_str!("fixtures/core-newer.hex"));
    let mut newer = Document::load_with_lineage(id(), &registered().save(), next_schema()).unwrap();
    write_newer(&mut newer);
    assert_eq!(hex(&newer.save()), hex(&saved));

    // This program loads it, edits it and saves it without knowing the map or the key.
    let mut document = Document::load(id(), &saved).unwrap();
    document
        .edit(&set(&[("contact/phone", "10000000008")]), &by(2))
        .unwrap();
    document
        .edit(&Edit::AddPerson(new_person(3)), &by(2))
        .unwrap();
    let again = Document::load(id(), &document.save()).unwrap();
    assert_eq!(again.heads(), document.heads());
    let cards = again.inner().get(ROOT, "cards").unwrap().unwrap().1;
    let number = again.inner().get(cards, "number").unwrap().unwrap().0;
    assert_eq!(number, "C-1".into());
    assert_eq!(again.values_at("contact/messenger"), [text("m1")]);
    assert_eq!(history(&again, Some("cards")).len(), 1);
    assert_eq!(seen(&again).persons.len(), 3);

    // The newer program reads it back and finds everything in place.
    let back = Document::load_with_lineage(id(), &again.save(), next_schema()).unwrap();
    assert_eq!(back.heads(), again.heads());
}

#[test]
fn a_document_saved_by_the_first_version_still_reads() {
    let core = Document::load(id(), &unhex(include_str!("fixtures/core-1.hex"))).unwrap();
    let health_id = DocumentId::new(household(), DocKind::Health);
    let health = Document::load(health_id, &unhex(include_str!("fixtures/health-1.hex"))).unwrap();
    assert_eq!(
        core.heads()[0].to_string(),
        "08ac880d0c4a7dd6195bcfcebdad4153205e0e91c07d7066dcdb8fe89fd8566b"
    );
    assert_eq!(
        health.heads()[0].to_string(),
        "c6ca9bdf8a74d8feda1c6cb008f074ac1078f0f4599b45d4d0b73eb77e9aeedf"
    );
    let (core_now, health_now) = family();
    let read = |core, health| crate::record::view(household(), core, Some(health)).unwrap();
    assert_eq!(read(&core, &health), read(&core_now, &health_now));
    assert_eq!(core.changes(), core_now.changes());
    assert_eq!(health.changes(), health_now.changes());
}

#[test]
fn damaged_and_foreign_bytes_are_refused() {
    let saved = registered().save();
    for at in (0..saved.len()).step_by(7) {
        let mut damaged = saved.clone();
        damaged[at] ^= 0x10;
        assert!(Document::load(id(), &damaged).is_err(), "{at}");
    }
    assert!(Document::load(id(), &saved[..saved.len() - 3]).is_err());
    let health_id = DocumentId::new(household(), DocKind::Health);
    assert_eq!(
        Document::load(health_id, &saved).unwrap_err(),
        RecordError::OtherGenesis
    );
    assert!(Document::load(id(), &[]).is_err());
}

#[test]
fn a_family_of_four_with_ten_visits_stays_small() {
    let (core, health) = family();
    let (core, health) = (core.save().len(), health.save().len());
    assert!(
        core < 1_000 && health < 2_300,
        "core {core} B, health {health} B"
    );
}
