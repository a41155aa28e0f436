//! A tablet whose database was damaged keeps its edits and works on.

use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use sojourn_sync_protocol::HouseholdId;

use crate::store::{KeyCost, StoreError};
use crate::testing::{Elsewhere, HOME, NOW, area, enrolled, family, reopen, set_phone};
use crate::{Error, Tablet, documents, identity};

const PAGE: u64 = 4096;

fn damage(dir: &Path, page: u64) {
    let mut file = std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(dir.join("tablet.db"))
        .unwrap();
    let at = page * PAGE + 200;
    file.seek(SeekFrom::Start(at)).unwrap();
    let mut bytes = [0; 16];
    file.read_exact(&mut bytes).unwrap();
    bytes.iter_mut().for_each(|byte| *byte ^= 0x3c);
    file.seek(SeekFrom::Start(at)).unwrap();
    file.write_all(&bytes).unwrap();
    std::fs::write(dir.join("tablet.lock"), "open").unwrap();
}

fn with_pending_edits(dir: &Path) -> Vec<HouseholdId> {
    let tablet = enrolled(dir, 31);
    let made = tablet.import(NOW, (0..40).map(family).collect()).unwrap();
    let ids: Vec<HouseholdId> = made.into_iter().map(|edited| edited.household).collect();
    for id in &ids {
        tablet.edit(NOW, *id, set_phone("100 7777")).unwrap();
    }
    ids
}

fn seq_of_home(tablet: &Tablet) -> Option<u64> {
    let cursors = tablet
        .read::<_, StoreError>("cursors", identity::cursors)
        .unwrap();
    cursors
        .into_iter()
        .find(|cursor| cursor.area == area(HOME))
        .map(|cursor| cursor.seq)
}

#[test]
fn whichever_page_is_corrupt_every_unsent_edit_survives_and_can_be_read() {
    let dir = tempfile::tempdir().unwrap();
    let ids = with_pending_edits(dir.path());
    let path = dir.path().join("tablet.db");
    let pristine = std::fs::read(&path).unwrap();
    let pages = pristine.len() as u64 / PAGE;
    let pending = reopen(dir.path(), 1).tablet.pending().unwrap();
    let (mut salvaged, mut tried) = (0, 0);
    // The roots and a sample of the rest.
    let step = usize::try_from(pages / 16).unwrap();
    for page in (0..8).chain((8..pages).step_by(step)) {
        std::fs::write(&path, &pristine).unwrap();
        damage(dir.path(), page);
        let opened = reopen(dir.path(), 2);
        tried += 1;
        salvaged += u64::from(opened.salvage.is_some());
        let tablet = opened.tablet;
        assert_eq!(tablet.pending().unwrap(), pending, "page {page}");
        assert!(tablet.status().unwrap().device.is_some(), "page {page}");
        assert_eq!(
            tablet.list(&Default::default()).unwrap().len(),
            ids.len(),
            "page {page}"
        );
        for id in &ids {
            let (row, view) = tablet.show(*id).unwrap();
            assert_eq!(
                (row.phone.as_str(), view.persons.len(), row.pending),
                ("100 7777", 4, 2)
            );
        }
    }
    assert!(salvaged * 2 > tried, "{salvaged} of {tried}");
}

#[test]
fn what_the_server_has_too_is_asked_for_again_when_a_document_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let tablet = enrolled(dir.path(), 32);
    let elsewhere: Vec<Elsewhere> = (1..120).map(|n| Elsewhere::household(n, 0xe0)).collect();
    tablet
        .write::<_, Error>("page", NOW, |work| {
            for one in &elsewhere {
                documents::install(work, &one.whole(HOME))?;
            }
            let cursor = sojourn_sync_protocol::message::AreaCursor {
                area: area(HOME),
                seq: 119,
            };
            Ok(identity::set_cursor(work.tx, &cursor)?)
        })
        .unwrap();
    drop(tablet);
    let path = dir.path().join("tablet.db");
    let pristine = std::fs::read(&path).unwrap();
    let mut lost_once = false;
    let pages = pristine.len() as u64 / PAGE;
    for page in (4..pages).step_by(usize::try_from(pages / 24).unwrap()) {
        std::fs::write(&path, &pristine).unwrap();
        damage(dir.path(), page);
        let opened = reopen(dir.path(), 2);
        let held = opened.tablet.status().unwrap().households;
        let seq = seq_of_home(&opened.tablet);
        if held < 119 {
            assert!(opened.salvage.is_some());
            assert_eq!(seq, None, "page {page}: {held} households");
            lost_once = true;
            // The page comes again, and all is as it was.
            let again = |work: &mut crate::Work<'_>| -> Result<(), Error> {
                elsewhere
                    .iter()
                    .try_for_each(|one| documents::install(work, &one.whole(HOME)))
            };
            opened.tablet.write("page", NOW, again).unwrap();
            assert_eq!(opened.tablet.status().unwrap().households, 119);
        }
    }
    assert!(lost_once);
}

#[test]
fn a_full_disk_refuses_the_edit_and_keeps_all_others() {
    let dir = tempfile::tempdir().unwrap();
    let tablet = enrolled(dir.path(), 33);
    let id = tablet.register(NOW, family(1)).unwrap().household;
    tablet
        .store()
        .limit_pages(tablet.store().pages().unwrap() + 2)
        .unwrap();
    let mut made = 1;
    let error = (2..500)
        .find_map(|n| match tablet.register(NOW, family(n)) {
            Ok(_) => {
                made += 1;
                None
            }
            Err(error) => Some(error),
        })
        .expect("the disk fills up");
    assert!(
        matches!(error, Error::Store(StoreError::DiskFull)),
        "{error}"
    );
    let status = tablet.status().unwrap();
    assert_eq!((status.households, status.pending), (made, made));
    tablet.store().limit_pages(1_000_000).unwrap();
    tablet.edit(NOW, id, set_phone("100 1111")).unwrap();
    assert_eq!(tablet.show(id).unwrap().0.phone, "100 1111");
}

#[test]
fn a_wrong_passphrase_opens_nothing() {
    let dir = tempfile::tempdir().unwrap();
    drop(enrolled(dir.path(), 34));
    let random = Box::new(crate::clock::SeededRandom::new(1));
    let opened = Tablet::open_at_cost(dir.path(), "other", KeyCost::TESTS, NOW, random);
    assert!(matches!(
        opened.err(),
        Some(Error::Store(StoreError::WrongKey))
    ));
}
