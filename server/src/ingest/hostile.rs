//! Tests of ingest with bytes that no program of ours would make.

use std::collections::BTreeMap;

use sojourn_sync_protocol::{ActorId, batch::PushedChange, message::QuarantineReason};

use super::tests::{ACCEPTED, aside, village};
use crate::documents::FIRST_EPOCH;
use crate::rehearsal::{NOW, Tablet, core, phone, rename, set, visit};

/// A change by Automerge itself, which no edit would make.
fn foreign(tablet: &Tablet, n: u8, write: impl FnOnce(&mut automerge::AutoCommit)) -> PushedChange {
    let (_, document) = &tablet.documents[&core(n)];
    let mut doc = automerge::AutoCommit::load(&document.save()).unwrap();
    doc.set_actor((&ActorId([99; 16])).into());
    write(&mut doc);
    PushedChange {
        document: core(n),
        ..committed(&mut doc, tablet)
    }
}

fn committed(doc: &mut automerge::AutoCommit, tablet: &Tablet) -> PushedChange {
    use automerge::transaction::CommitOptions;
    let message = format!("1;set;{};{}", tablet.device.staff, tablet.area);
    doc.commit_with(CommitOptions::default().with_message(message));
    PushedChange {
        document: core(1),
        epoch: FIRST_EPOCH,
        bytes: doc.get_last_local_change().unwrap().raw_bytes().to_vec(),
    }
}

#[tokio::test]
async fn a_list_does_not_fit_the_record() {
    use automerge::{ObjType, ROOT, transaction::Transactable as _};
    let (register, mut tablet) = village().await;
    let list = foreign(&tablet, 1, |doc| {
        doc.put_object(ROOT, "persons", ObjType::List).unwrap();
    });
    let fates = tablet.push(&register, vec![list]).await;
    assert_eq!(fates, [aside(QuarantineReason::Structure)]);
}

/// Automerge keeps the differences between moments and panics over one that does not fit: after such a change nobody
/// could have written to the household again.
#[tokio::test]
async fn a_moment_that_no_clock_shows_does_not_stop_what_comes_next() {
    use automerge::transaction::{CommitOptions, Transactable as _};
    let (register, mut tablet) = village().await;
    // The first is just near enough to the change before it, and too far from whatever comes after.
    let far = [i64::MIN + NOW.millis(), i64::MAX];
    for (n, time) in (7..).zip(far) {
        let (_, document) = &tablet.documents[&core(1)];
        let mut doc = automerge::AutoCommit::load(&document.save()).unwrap();
        doc.set_actor((&ActorId([97; 16])).into());
        use automerge::ReadDoc as _;
        let (_, contact) = doc.get(automerge::ROOT, "contact").unwrap().unwrap();
        doc.put(&contact, "phone", "10000000001").unwrap();
        let message = format!("1;set;{};{}", tablet.device.staff, tablet.area);
        let options = CommitOptions::default().with_message(message);
        doc.commit_with(options.with_time(time));
        let change = PushedChange {
            document: core(1),
            epoch: FIRST_EPOCH,
            bytes: doc.get_last_local_change().unwrap().raw_bytes().to_vec(),
        };
        let fates = tablet.push(&register, vec![change]).await;
        assert_eq!(fates, [aside(QuarantineReason::Malformed)]);
        tablet.edit(1, &phone(n));
        tablet.sync(&register).await;
    }
    register.expect_sound().await;
}

#[tokio::test]
async fn a_document_that_grows_too_large_keeps_what_came_before() {
    use automerge::transaction::Transactable as _;
    let (register, mut tablet) = village().await;
    let (_, document) = &tablet.documents[&core(1)];
    let mut doc = automerge::AutoCommit::load(&document.save()).unwrap();
    doc.set_actor((&ActorId([98; 16])).into());
    let mut random = numbers(3);
    let mut fates = Vec::new();
    while fates.len() < 80 {
        let mut changes = Vec::new();
        for _ in 0..4 {
            use automerge::ReadDoc as _;
            let (_, contact) = doc.get(automerge::ROOT, "contact").unwrap().unwrap();
            for key in 0..15 {
                let text: String = (0..4000)
                    .map(|_| char::from(b'a' + random(26) as u8))
                    .collect();
                doc.put(&contact, format!("later{key}"), text).unwrap();
            }
            changes.push(committed(&mut doc, &tablet));
        }
        fates.extend(tablet.push(&register, changes).await);
    }
    let fitted = fates.iter().filter(|fate| **fate == ACCEPTED).count();
    let first_too_large = 4 * 1024 * 1024 / 60_000;
    assert!(
        (first_too_large - 4..=first_too_large + 1).contains(&fitted),
        "{fitted}"
    );
    assert_eq!(fates[fitted], aside(QuarantineReason::TooLarge));
    assert_eq!(fates[fitted + 1], aside(QuarantineReason::Descendant));
    register.expect_sound().await;
}

/// Checksum-fixed mutations of the operations of real changes: each meets a fate, nothing panics out, and
/// what is stored can always be read.
#[tokio::test]
async fn hostile_bytes_never_harm_what_is_stored() {
    let (register, mut tablet) = village().await;
    tablet.edit(1, &visit(1, 1));
    tablet.sync(&register).await;
    let mut random = numbers(7);
    let mut met: BTreeMap<String, usize> = BTreeMap::new();
    for round in 0..30u8 {
        let mut changes = Vec::new();
        for n in 0..100u8 {
            let mut probe = tablet.clone();
            // An actor of its own, so that no change takes another's number.
            probe.actor = ActorId([
                round.wrapping_mul(100).wrapping_add(n),
                round,
                n,
                1,
                2,
                3,
                4,
                5,
                6,
                7,
                8,
                9,
                10,
                11,
                12,
                13,
            ]);
            match n % 4 {
                0 => probe.edit(1, &rename(1, &format!("赵{n}"))),
                1 => probe.edit(1, &visit(2, 1)),
                2 => probe.edit(1, &phone(n.into())),
                _ => probe.edit(1, &set("residence/address", &format!("村{n}号"))),
            }
            let mut change = probe.outbox.remove(0);
            let head = after_message(&change.bytes);
            for _ in 0..=random(2) {
                let at = head + random(change.bytes.len() - head);
                change.bytes[at] = random(256) as u8;
            }
            changes.push(with_checksum(change));
        }
        for fate in tablet.push(&register, changes).await {
            *met.entry(format!("{fate:?}")).or_default() += 1;
        }
    }
    for reason in ["Unsafe", "Structure", "Malformed"] {
        assert!(met.keys().any(|fate| fate.contains(reason)), "{met:?}");
    }
    assert!(met.keys().any(|fate| fate.contains("Accepted")), "{met:?}");
    register.expect_sound().await;
    // Whoever comes new reads every stored document.
    let mut reader = tablet.clone();
    reader.cursor.clear();
    reader.documents.clear();
    reader.sync(&register).await;
    assert_eq!(reader.documents.len(), 2);
}

/// Where the operations of a change begin.
fn after_message(bytes: &[u8]) -> usize {
    let message = b";a";
    let at = bytes.windows(2).position(|window| window == message);
    at.expect("a change names its author's area") + message.len()
}

fn with_checksum(mut change: PushedChange) -> PushedChange {
    use sha2::{Digest as _, Sha256};
    let hash = Sha256::digest(&change.bytes[8..]);
    change.bytes[4..8].copy_from_slice(&hash[..4]);
    change
}

/// A small generator of numbers below a bound (xorshift64*), the same on every platform.
fn numbers(seed: u64) -> impl FnMut(usize) -> usize {
    let mut state = seed;
    move |below| {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        let drawn = state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        drawn as usize % below
    }
}
