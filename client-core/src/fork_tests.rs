//! A device whose history went two ways: a restored backup, a copied tablet. What was kept aside of it, and came back.

use sojourn_sync_protocol::message::{Fate, NewChanges, QuarantineReason, WholeDocument};
use sojourn_sync_protocol::record::{Edit, NewPerson};
use sojourn_sync_protocol::{DocKind, DocumentId};

use crate::Error;
use crate::documents::{self, Taken};
use crate::outbox;
use crate::settle_tests::{accept_all, actor, assert_digest, next, phone, settle};
use crate::testing::{HOME, NOW, area, enrolled, family, rename, reopen, set_phone};

#[test]
fn after_a_fork_edits_are_made_again_on_the_servers_copy_and_a_new_chain() {
    let dir = tempfile::tempdir().unwrap();
    let tablet = enrolled(dir.path(), 6);
    let id = tablet.register(NOW, family(1)).unwrap().household;
    accept_all(&tablet);
    let old_copy = tempfile::tempdir().unwrap();
    drop(tablet);
    for entry in std::fs::read_dir(dir.path()).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), old_copy.path().join(entry.file_name())).unwrap();
    }
    // The tablet works on; then its older copy is put to use.
    let tablet = reopen(dir.path(), 6).tablet;
    tablet.edit(NOW, id, set_phone("100 1111")).unwrap();
    let taken = next(&tablet).unwrap().changes.remove(0);
    let copy = reopen(old_copy.path(), 77).tablet;
    copy.edit(NOW, id, set_phone("100 2222")).unwrap();
    let former = actor(&copy);
    next(&copy).unwrap();
    let settled = settle(&copy, &[Fate::Fork]);
    assert_eq!((settled.made_again, settled.held), (0, 1));
    assert_ne!(actor(&copy), former);
    let core = DocumentId::new(id, DocKind::Core);
    assert!(settled.wanted.contains(&core) && next(&copy).is_none());
    // The server's copy has what the other copy had written under the same number.
    let mut server = copy
        .read::<_, Error>("load", |tx| {
            let (_, document) = documents::load(tx, copy.cache(), core)?.unwrap();
            Ok((*document).clone())
        })
        .unwrap();
    server.apply_changes(&[&taken.bytes]).unwrap();
    let whole = WholeDocument {
        document: core,
        area: area(HOME),
        epoch: 1,
        saved: server.save(),
    };
    copy.write("fetched", NOW, |work| documents::install(work, &whole))
        .unwrap();
    assert!(copy.held().unwrap().is_empty());
    let batch = next(&copy).unwrap();
    assert_eq!(
        (batch.number, batch.actor, batch.changes.len()),
        (1, actor(&copy), 1)
    );
    // The telephone's rule is `latest`: one is shown, both are in the history.
    let history = copy.history(id, Some("contact/phone")).unwrap();
    let values: Vec<_> = history
        .iter()
        .filter_map(|w| w.entry.value.clone())
        .map(|v| v.to_string())
        .collect();
    assert!(values.contains(&"100 1111".into()) && values.contains(&"100 2222".into()));
}

#[test]
fn the_feed_may_show_what_a_copy_wrote_before_the_fork_is_known() {
    let dir = tempfile::tempdir().unwrap();
    let tablet = enrolled(dir.path(), 7);
    let id = tablet.register(NOW, family(1)).unwrap().household;
    accept_all(&tablet);
    // A change under the very number this tablet's next one takes.
    let mut twin = tablet
        .read::<_, Error>("load", |tx| {
            let id = DocumentId::new(id, DocKind::Core);
            let (_, document) = documents::load(tx, tablet.cache(), id)?.unwrap();
            Ok((*document).clone())
        })
        .unwrap();
    let by = sojourn_sync_protocol::record::Authorship {
        actor: actor(&tablet),
        staff: sojourn_sync_protocol::StaffId::from_bytes([8; 16]),
        area: area(HOME),
        at: NOW,
    };
    let theirs = twin.edit(&set_phone("100 9999"), &by).unwrap();
    tablet.edit(NOW, id, set_phone("100 5555")).unwrap();
    let arrived = NewChanges {
        document: twin.id(),
        area: area(HOME),
        epoch: 1,
        changes: vec![serde_bytes::ByteBuf::from(theirs.bytes)],
    };
    let taken = tablet
        .write("page", NOW, |work| {
            documents::append_changes(work, &arrived)
        })
        .unwrap();
    assert_eq!(taken, Taken::Applied);
    assert_eq!(tablet.pending().unwrap().len(), 1);
    assert_eq!(phone(&tablet, id), "100 5555");
    assert_digest(&tablet, HOME, &[(&twin, 1)]);
}

#[test]
fn what_a_restored_backup_still_has_pending_is_not_made_twice() {
    let dir = tempfile::tempdir().unwrap();
    let tablet = enrolled(dir.path(), 8);
    let id = tablet.register(NOW, family(1)).unwrap().household;
    accept_all(&tablet);
    let core = DocumentId::new(id, DocKind::Core);
    let newborn = NewPerson {
        name: "王芳".into(),
        ..NewPerson::default()
    };
    tablet.edit(NOW, id, Edit::AddPerson(newborn)).unwrap();
    // The server has the newborn, and a name that was corrected since; this copy's batch went another way.
    let mut server = tablet
        .read::<_, Error>("load", |tx| {
            let (_, document) = documents::load(tx, tablet.cache(), core)?.unwrap();
            Ok((*document).clone())
        })
        .unwrap();
    let (_, view) = tablet.show(id).unwrap();
    let person = view.persons.iter().find(|(_, person)| {
        person
            .name
            .as_ref()
            .and_then(|name| name.agreed())
            .is_some_and(|name| name == "王芳")
    });
    let person = *person.unwrap().0;
    let by = sojourn_sync_protocol::record::Authorship {
        actor: sojourn_sync_protocol::ActorId([0xff; 16]),
        staff: sojourn_sync_protocol::StaffId::from_bytes([8; 16]),
        area: area(HOME),
        at: NOW,
    };
    server.edit(&rename(person, "王小芳"), &by).unwrap();
    tablet.edit(NOW, id, set_phone("100 7777")).unwrap();
    next(&tablet).unwrap();
    settle(&tablet, &[Fate::Fork, Fate::Fork]);
    let whole = WholeDocument {
        document: core,
        area: area(HOME),
        epoch: 1,
        saved: server.save(),
    };
    tablet
        .write("fetched", NOW, |work| documents::install(work, &whole))
        .unwrap();
    let (row, view) = tablet.show(id).unwrap();
    assert_eq!(
        (row.pending, row.held, row.phone.as_str()),
        (1, 0, "100 7777")
    );
    let name = view.persons[&person]
        .name
        .as_ref()
        .and_then(|name| name.agreed());
    assert_eq!(name.map(String::as_str), Some("王小芳"));
}

#[test]
fn an_edit_that_waits_for_the_servers_copy_is_made_again_though_that_brings_nothing_new() {
    let dir = tempfile::tempdir().unwrap();
    let tablet = enrolled(dir.path(), 9);
    let id = tablet.register(NOW, family(1)).unwrap().household;
    accept_all(&tablet);
    let core = DocumentId::new(id, DocKind::Core);
    let server = tablet
        .read::<_, Error>("load", |tx| {
            let (_, document) = documents::load(tx, tablet.cache(), core)?.unwrap();
            Ok(document.save())
        })
        .unwrap();
    tablet.edit(NOW, id, set_phone("100 7777")).unwrap();
    next(&tablet).unwrap();
    settle(&tablet, &[Fate::Fork]);
    assert_ne!(phone(&tablet, id), "100 7777");
    let whole = WholeDocument {
        document: core,
        area: area(HOME),
        epoch: 1,
        saved: server,
    };
    tablet
        .write("fetched", NOW, |work| documents::install(work, &whole))
        .unwrap();
    assert_eq!(phone(&tablet, id), "100 7777");
    assert_eq!(next(&tablet).unwrap().changes.len(), 1);
}

#[test]
fn what_was_kept_aside_once_waits_no_more_when_the_server_has_it() {
    let dir = tempfile::tempdir().unwrap();
    let tablet = enrolled(dir.path(), 16);
    let id = tablet.register(NOW, family(1)).unwrap().household;
    accept_all(&tablet);
    tablet.edit(NOW, id, set_phone("100 1111")).unwrap();
    let sent = next(&tablet).unwrap();
    settle(
        &tablet,
        &[Fate::Quarantined {
            reason: QuarantineReason::NotAuthorised,
        }],
    );
    let counts = || {
        let read = tablet.read::<_, Error>("counts", |tx| Ok(outbox::counts_of(tx, id)?));
        read.unwrap()
    };
    assert_eq!(counts(), (0, 1));
    let told = NewChanges {
        area: area(HOME),
        document: sent.changes[0].document,
        epoch: sent.changes[0].epoch,
        changes: vec![sent.changes[0].bytes.clone().into()],
    };
    let taken = tablet
        .write("page", NOW, |work| documents::append_changes(work, &told))
        .unwrap();
    assert_eq!(taken, Taken::Applied);
    assert_eq!((counts(), phone(&tablet, id)), ((0, 0), "100 1111".into()));
}
