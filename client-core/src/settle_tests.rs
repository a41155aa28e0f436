//! What becomes of edits when a batch is answered, and of households that leave.

use std::collections::BTreeSet;

use sojourn_sync_protocol::batch::Batch;
use sojourn_sync_protocol::gate;
use sojourn_sync_protocol::message::{Fate, Leave, QuarantineReason};
use sojourn_sync_protocol::record::{Document, Edit, NewHousehold, NewMove, NewPerson, NewVisit};
use sojourn_sync_protocol::{DocKind, DocumentId, HouseholdId};

use crate::documents;
use crate::outbox::{self, BatchBounds, EditState, HeldReason, Settled};
use crate::testing::{Elsewhere, FAR, HOME, NEAR, NOW, area, enrolled, family, reopen, set_phone};
use crate::{Error, Tablet, identity};

pub(crate) fn next(tablet: &Tablet) -> Option<Batch> {
    tablet
        .write::<_, Error>("next", NOW, |work| {
            outbox::next_batch(work, BatchBounds::default())
        })
        .unwrap()
}

pub(crate) fn settle(tablet: &Tablet, fates: &[Fate]) -> Settled {
    tablet
        .write("settle", NOW, |work| outbox::settle(work, fates))
        .unwrap()
}

pub(crate) fn accept_all(tablet: &Tablet) {
    while let Some(batch) = next(tablet) {
        settle(
            tablet,
            &vec![Fate::Accepted { late: false }; batch.changes.len()],
        );
    }
}

pub(crate) fn actor(tablet: &Tablet) -> sojourn_sync_protocol::ActorId {
    tablet
        .read::<_, Error>("chain", |tx| Ok(identity::chain(tx)?.unwrap().actor))
        .unwrap()
}

pub(crate) fn phone(tablet: &Tablet, id: HouseholdId) -> String {
    tablet.show(id).unwrap().0.phone
}

fn quarantined(reason: QuarantineReason) -> Fate {
    Fate::Quarantined { reason }
}

/// What the digest of the area should be, counted anew from the documents the server would hold.
pub(crate) fn assert_digest(tablet: &Tablet, at: &str, held: &[(&Document, u64)]) {
    let mut expected = sojourn_sync_protocol::digest::Digest::default();
    for (document, epoch) in held {
        let leaf = sojourn_sync_protocol::digest::leaf(document.id(), *epoch, &document.heads());
        expected.add(&leaf);
    }
    let found = tablet
        .read::<_, Error>("digest", |tx| {
            Ok(documents::area_digest(tx, &area(at), &DocKind::ALL)?)
        })
        .unwrap();
    assert_eq!(found, expected);
}

/// Plays the server's part of merging a batch.
fn merge(server: &mut Document, batch: &Batch) {
    let id = server.id();
    for change in batch.changes.iter().filter(|change| change.document == id) {
        server.apply_changes(&[&change.bytes]).unwrap();
    }
}

#[test]
fn a_batch_is_the_same_until_it_is_answered_and_the_next_continues_the_chain() {
    let dir = tempfile::tempdir().unwrap();
    let first = {
        let tablet = enrolled(dir.path(), 1);
        let id = tablet.register(NOW, family(1)).unwrap().household;
        let first = next(&tablet).unwrap();
        tablet.edit(NOW, id, set_phone("100 2222")).unwrap();
        assert_eq!(next(&tablet).unwrap(), first);
        first
    };
    let tablet = reopen(dir.path(), 9).tablet;
    assert_eq!(next(&tablet).unwrap(), first);
    assert_eq!((first.number, first.changes.len()), (1, 1));
    let wrong = tablet.write::<_, Error>("settle", NOW, |work| outbox::settle(work, &[]));
    assert!(matches!(
        wrong,
        Err(Error::Fates {
            expected: 1,
            found: 0
        })
    ));
    settle(&tablet, &[Fate::Accepted { late: false }]);
    let second = next(&tablet).unwrap();
    assert_eq!((second.number, second.previous), (2, first.digest()));
}

#[test]
fn a_batch_is_bounded_by_changes_and_bytes_and_grant() {
    let dir = tempfile::tempdir().unwrap();
    let tablet = enrolled(dir.path(), 2);
    tablet.import(NOW, (0..20).map(family).collect()).unwrap();
    let bounded = |bounds| {
        let batch = tablet
            .write::<_, Error>("next", NOW, |work| outbox::next_batch(work, bounds))
            .unwrap();
        let count = batch.unwrap().changes.len();
        settle(&tablet, &vec![Fate::Duplicate; count]);
        count
    };
    assert_eq!(
        bounded(BatchBounds {
            changes: 3,
            bytes: 1 << 20
        }),
        3
    );
    assert_eq!(
        bounded(BatchBounds {
            changes: 100,
            bytes: 1
        }),
        1
    );
    let grant = tablet
        .write::<_, Error>("grant", NOW, |work| {
            let mut grant = identity::grant(work.tx)?.unwrap();
            grant.version = 2;
            identity::set_grant(work.tx, &grant)?;
            Ok(grant)
        })
        .unwrap();
    tablet.register(NOW, family(30)).unwrap();
    assert_eq!(bounded(BatchBounds::default()), 16);
    let last = next(&tablet).unwrap();
    assert_eq!((last.grant, last.changes.len()), (grant.version, 1));
}

#[test]
fn acknowledged_edits_leave_and_the_digest_is_the_servers() {
    let dir = tempfile::tempdir().unwrap();
    let tablet = enrolled(dir.path(), 3);
    let id = tablet.register(NOW, family(1)).unwrap().household;
    let mut server = Document::new(DocumentId::new(id, DocKind::Core));
    assert_digest(&tablet, HOME, &[]);
    merge(&mut server, &next(&tablet).unwrap());
    tablet.edit(NOW, id, set_phone("100 1111")).unwrap();
    settle(&tablet, &[Fate::Accepted { late: true }]);
    assert_digest(&tablet, HOME, &[(&server, 1)]);
    assert_eq!(tablet.show(id).unwrap().0.pending, 1);
    merge(&mut server, &next(&tablet).unwrap());
    settle(&tablet, &[Fate::Accepted { late: false }]);
    assert_digest(&tablet, HOME, &[(&server, 1)]);
    assert_eq!(tablet.status().unwrap().pending, 0);
}

#[test]
fn a_quarantined_edit_is_held_and_what_follows_is_made_again_by_a_fresh_actor() {
    let dir = tempfile::tempdir().unwrap();
    let tablet = enrolled(dir.path(), 4);
    let id = tablet.register(NOW, family(1)).unwrap().household;
    let other = tablet.register(NOW, family(2)).unwrap().household;
    accept_all(&tablet);
    let former = actor(&tablet);
    tablet.edit(NOW, id, set_phone("100 1111")).unwrap();
    let note = Edit::from_assignments(&["contact/note=mornings"])
        .unwrap()
        .remove(0);
    tablet.edit(NOW, id, note).unwrap();
    let batch = next(&tablet).unwrap();
    // Made after the batch was sent.
    tablet.edit(NOW, id, set_phone("100 3333")).unwrap();
    tablet.edit(NOW, other, set_phone("100 4444")).unwrap();
    let before = phone(&tablet, id);
    assert_eq!(before, "100 3333");

    let settled = settle(
        &tablet,
        &[
            quarantined(QuarantineReason::WrongAuthor),
            quarantined(QuarantineReason::Descendant),
        ],
    );
    assert_eq!(
        (settled.held, settled.made_again, settled.merged),
        (1, 2, 0)
    );
    let held = tablet.held().unwrap();
    assert_eq!(held.len(), 1);
    assert_eq!(
        held[0].state,
        EditState::Held(HeldReason::Quarantined {
            why: QuarantineReason::WrongAuthor
        })
    );
    assert_eq!(held[0].bytes, batch.changes[0].bytes);
    let (row, view) = tablet.show(id).unwrap();
    assert_eq!(
        (row.phone.as_str(), row.pending, row.held),
        ("100 3333", 2, 1)
    );
    assert_eq!(view.contact.note.unwrap().agreed().unwrap(), "mornings");
    assert_ne!(actor(&tablet), former);

    let again = next(&tablet).unwrap();
    assert_eq!(
        (again.number, again.actor, again.changes.len()),
        (1, actor(&tablet), 3)
    );
    let refused: BTreeSet<_> = batch.changes.iter().map(|change| change.hash()).collect();
    assert!(
        again
            .changes
            .iter()
            .all(|change| !refused.contains(&change.hash()))
    );
    accept_all(&tablet);
    assert_eq!(tablet.status().unwrap().held, 1);
}

#[test]
fn a_registration_that_is_refused_leaves_no_empty_household() {
    let dir = tempfile::tempdir().unwrap();
    let tablet = enrolled(dir.path(), 5);
    let id = tablet.register(NOW, family(1)).unwrap().household;
    tablet.edit(NOW, id, set_phone("100 1111")).unwrap();
    next(&tablet).unwrap();
    let settled = settle(
        &tablet,
        &[
            quarantined(QuarantineReason::NotAuthorised),
            quarantined(QuarantineReason::Descendant),
        ],
    );
    assert_eq!((settled.held, settled.made_again), (2, 0));
    assert!(tablet.list(&Default::default()).unwrap().is_empty());
    let held = tablet.held().unwrap();
    assert_eq!(
        held.len(),
        2,
        "the edit that followed cannot be made without it, and is not lost"
    );
    assert!(matches!(
        held[1].state,
        EditState::Held(HeldReason::Quarantined {
            why: QuarantineReason::Descendant
        })
    ));
    assert_eq!(next(&tablet), None);
}

#[test]
fn a_new_epoch_replaces_the_document_and_the_pending_edit_is_made_again() {
    let dir = tempfile::tempdir().unwrap();
    let tablet = enrolled(dir.path(), 8);
    let elsewhere = Elsewhere::household(3, 0xee);
    let id = elsewhere.id();
    tablet
        .write("page", NOW, |work| {
            documents::install(work, &elsewhere.whole(NEAR))
        })
        .unwrap();
    tablet.edit(NOW, id, set_phone("100 1111")).unwrap();
    next(&tablet).unwrap();
    let settled = settle(&tablet, &[Fate::OldEpoch { epoch: 2 }]);
    assert_eq!(settled.wanted.len(), 1);
    assert_eq!(tablet.held().unwrap().len(), 1);
    let redacted = Elsewhere::household(3, 0xef);
    let mut whole = redacted.whole(NEAR);
    whole.epoch = 2;
    tablet
        .write("page", NOW, |work| documents::install(work, &whole))
        .unwrap();
    assert!(tablet.held().unwrap().is_empty());
    assert_eq!(phone(&tablet, id), "100 1111");
    assert_eq!(next(&tablet).unwrap().changes[0].epoch, 2);
    assert_digest(&tablet, NEAR, &[(&redacted.document, 2)]);
    // The page from before comes late and changes nothing.
    tablet
        .write("page", NOW, |work| {
            documents::install(work, &elsewhere.whole(NEAR))
        })
        .unwrap();
    assert_digest(&tablet, NEAR, &[(&redacted.document, 2)]);
}

#[test]
fn an_edit_on_what_the_server_lost_is_made_again_on_its_copy() {
    let dir = tempfile::tempdir().unwrap();
    let tablet = enrolled(dir.path(), 9);
    let mut elsewhere = Elsewhere::household(4, 0xee);
    let id = elsewhere.id();
    let before = elsewhere.whole(NEAR);
    elsewhere.edit(set_phone("100 0001"));
    tablet
        .write("page", NOW, |work| {
            documents::install(work, &elsewhere.whole(NEAR))
        })
        .unwrap();
    let note = Edit::from_assignments(&["contact/note=mornings"])
        .unwrap()
        .remove(0);
    tablet.edit(NOW, id, note).unwrap();
    next(&tablet).unwrap();
    let settled = settle(&tablet, &[Fate::MissingDeps]);
    assert_eq!(settled.wanted.len(), 1);
    tablet
        .write("page", NOW, |work| documents::install(work, &before))
        .unwrap();
    assert!(tablet.held().unwrap().is_empty());
    let (row, view) = tablet.show(id).unwrap();
    assert_eq!(view.contact.note.unwrap().agreed().unwrap(), "mornings");
    // The other's change is handed in too, in case nobody else has it; the server keeps it aside.
    assert_eq!((row.pending, row.held), (2, 0));
    assert_eq!(next(&tablet).unwrap().changes.len(), 2);
    settle(
        &tablet,
        &[
            quarantined(QuarantineReason::WrongActor),
            quarantined(QuarantineReason::Descendant),
        ],
    );
    let mut server = Document::load(before.document, &before.saved).unwrap();
    let batch = next(&tablet).unwrap();
    merge(&mut server, &batch);
    settle(&tablet, &[Fate::Accepted { late: false }]);
    assert_digest(&tablet, NEAR, &[(&server, 1)]);
    let (row, view) = tablet.show(id).unwrap();
    assert_eq!(view.contact.note.unwrap().agreed().unwrap(), "mornings");
    assert_eq!((row.pending, row.held), (0, 1));
}

#[test]
fn own_changes_that_the_server_lost_are_handed_in_again() {
    let dir = tempfile::tempdir().unwrap();
    let tablet = enrolled(dir.path(), 10);
    let elsewhere = Elsewhere::household(5, 0xee);
    tablet
        .write("page", NOW, |work| {
            documents::install(work, &elsewhere.whole(HOME))
        })
        .unwrap();
    tablet
        .edit(NOW, elsewhere.id(), set_phone("100 1111"))
        .unwrap();
    let sent = next(&tablet).unwrap();
    accept_all(&tablet);
    // The server was put back to an earlier day.
    tablet
        .write("page", NOW, |work| {
            documents::install(work, &elsewhere.whole(HOME))
        })
        .unwrap();
    assert_digest(&tablet, HOME, &[(&elsewhere.document, 1)]);
    assert_eq!(phone(&tablet, elsewhere.id()), "100 1111");
    assert_eq!(next(&tablet).unwrap().changes, sent.changes);
}

#[test]
fn a_household_that_left_goes_when_its_edits_are_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let tablet = enrolled(dir.path(), 11);
    let id = tablet.register(NOW, family(1)).unwrap().household;
    accept_all(&tablet);
    let moved = NewMove {
        to: FAR.into(),
        on: "2026-11-24".into(),
        ..NewMove::default()
    };
    tablet.edit(NOW, id, Edit::Move(moved)).unwrap();
    let leave = Leave {
        household: id,
        area: area(HOME),
        to: area(FAR),
    };
    tablet
        .write("page", NOW, |work| documents::leave(work, &leave))
        .unwrap();
    assert!(tablet.show(id).unwrap().0.leaving);
    assert_digest(&tablet, HOME, &[]);
    accept_all(&tablet);
    assert!(matches!(tablet.show(id), Err(Error::UnknownHousehold(_))));
    assert!(tablet.search("王", 10).unwrap().is_empty());
}

#[test]
fn a_visit_to_a_household_on_its_way_off_uses_no_number_of_the_health_record_twice() {
    let dir = tempfile::tempdir().unwrap();
    let tablet = enrolled(dir.path(), 15);
    let id = tablet.register(NOW, family(1)).unwrap().household;
    let visit = || {
        Edit::RecordVisit(NewVisit {
            on: "2026-11-24".into(),
            kind: "follow-up".into(),
            ..NewVisit::default()
        })
    };
    tablet.edit(NOW, id, visit()).unwrap();
    accept_all(&tablet);
    let before = actor(&tablet);
    tablet.edit(NOW, id, set_phone("100 1111")).unwrap();
    let leave = Leave {
        household: id,
        area: area(HOME),
        to: area(FAR),
    };
    tablet
        .write("page", NOW, |work| documents::leave(work, &leave))
        .unwrap();
    // The health record has gone, and the core waits for its edit.
    for _ in 0..2 {
        tablet.edit(NOW, id, visit()).unwrap();
    }
    let sent = next(&tablet).unwrap();
    let health = sent.changes.iter();
    let health = health.filter(|change| change.document.kind == DocKind::Health);
    let heads = health.map(|change| gate::read_head(&change.bytes).unwrap());
    let numbers: Vec<_> = heads.map(|head| (head.actor != before, head.seq)).collect();
    assert_eq!(numbers, [(true, 1), (true, 2)]);
    accept_all(&tablet);
    assert!(matches!(tablet.show(id), Err(Error::UnknownHousehold(_))));
}

#[test]
fn a_household_that_moved_within_the_tablet_stays() {
    let dir = tempfile::tempdir().unwrap();
    let tablet = enrolled(dir.path(), 12);
    let elsewhere = Elsewhere::household(6, 0xee);
    let leave = Leave {
        household: elsewhere.id(),
        area: area(HOME),
        to: area(NEAR),
    };
    tablet
        .write::<_, Error>("page", NOW, |work| {
            documents::install(work, &elsewhere.whole(HOME))?;
            documents::install(work, &elsewhere.whole(NEAR))?;
            documents::leave(work, &leave)
        })
        .unwrap();
    assert!(tablet.show(elsewhere.id()).is_ok());
    assert_digest(&tablet, HOME, &[]);
    assert_digest(&tablet, NEAR, &[(&elsewhere.document, 1)]);
}

#[test]
fn a_narrower_grant_takes_off_areas_and_kinds() {
    let dir = tempfile::tempdir().unwrap();
    let tablet = enrolled(dir.path(), 13);
    let elsewhere = Elsewhere::household(7, 0xee);
    tablet
        .write("page", NOW, |work| {
            documents::install(work, &elsewhere.whole(NEAR))
        })
        .unwrap();
    let id = tablet.register(NOW, family(1)).unwrap().household;
    let visit = NewVisit {
        on: "2026-11-24".into(),
        kind: "child".into(),
        ..NewVisit::default()
    };
    let made = tablet.edit(NOW, id, Edit::RecordVisit(visit.clone()));
    if made.is_err() {
        panic!("{made:?}");
    }
    accept_all(&tablet);
    tablet
        .write::<_, Error>("grant", NOW, |work| {
            let mut grant = identity::grant(work.tx)?.unwrap();
            (grant.version, grant.areas, grant.kinds) = (2, vec![area(HOME)], vec![DocKind::Core]);
            identity::set_grant(work.tx, &grant)?;
            documents::purge_outside(work, &grant)
        })
        .unwrap();
    assert!(matches!(
        tablet.show(elsewhere.id()),
        Err(Error::UnknownHousehold(_))
    ));
    let (_, view) = tablet.show(id).unwrap();
    assert!(!view.health && view.visits.is_empty());
    assert!(matches!(
        tablet.edit(NOW, id, Edit::RecordVisit(visit)),
        Err(Error::KindNotGranted(DocKind::Health))
    ));
}

#[test]
fn edits_are_refused_with_what_stands_against_them() {
    let dir = tempfile::tempdir().unwrap();
    let fresh = reopen(dir.path(), 14).tablet;
    assert!(matches!(
        fresh.register(NOW, family(1)),
        Err(Error::NotEnrolled)
    ));
    drop(fresh);
    let tablet = enrolled(dir.path(), 14);
    let in_area = |code: &str| NewHousehold {
        area: Some(area(code)),
        ..family(1)
    };
    assert!(matches!(
        tablet.register(NOW, in_area("999")),
        Err(Error::UnknownArea(_))
    ));
    assert!(matches!(
        tablet.register(NOW, in_area(FAR)),
        Err(Error::AreaNotGranted(_))
    ));
    let id = tablet.register(NOW, in_area(NEAR)).unwrap().household;
    let away = |to: &str| {
        Edit::Move(NewMove {
            to: to.into(),
            on: "2026".into(),
            ..NewMove::default()
        })
    };
    assert!(matches!(
        tablet.edit(NOW, id, away("999")),
        Err(Error::UnknownArea(_))
    ));
    let stranger = HouseholdId::from_bytes([3; 16]);
    assert!(matches!(
        tablet.edit(NOW, stranger, set_phone("100 1")),
        Err(Error::UnknownHousehold(_))
    ));
    let visit = NewVisit {
        person: Some(sojourn_sync_protocol::PersonId::from_bytes([3; 16])),
        on: "2026-11-24".into(),
        kind: "child".into(),
        ..NewVisit::default()
    };
    assert!(matches!(
        tablet.edit(NOW, id, Edit::RecordVisit(visit)),
        Err(Error::UnknownPerson(_))
    ));
    let bad = NewHousehold {
        persons: vec![NewPerson::default()],
        ..family(2)
    };
    match tablet.import(NOW, vec![family(3), bad, family(4)]) {
        Err(Error::At { index: 1, .. }) => {}
        other => panic!("{other:?}"),
    }
    assert_eq!(
        tablet.status().unwrap().households,
        1,
        "none of a file with a bad line"
    );
    assert_eq!(tablet.resolve(&id.to_string()).unwrap(), id);
    assert_eq!(tablet.resolve(&id.to_string()[..3]).unwrap(), id);
    assert!(matches!(
        tablet.resolve("ffff"),
        Err(Error::NoSingleHousehold { found: 0, .. })
    ));
    assert!(matches!(
        tablet.resolve("not an id"),
        Err(Error::NoSingleHousehold { found: 0, .. })
    ));
}

#[test]
fn enrolling_anew_makes_pending_edits_again_under_the_new_identity() {
    let dir = tempfile::tempdir().unwrap();
    let tablet = enrolled(dir.path(), 15);
    let id = tablet.register(NOW, family(1)).unwrap().household;
    let former = actor(&tablet);
    drop(tablet);
    let tablet = enrolled(dir.path(), 16);
    let pending = tablet.pending().unwrap();
    assert_eq!(pending.len(), 1);
    assert_ne!(pending[0].actor, former);
    assert_eq!(tablet.show(id).unwrap().0.persons, 4);
    assert_eq!(next(&tablet).unwrap().number, 1);
}
