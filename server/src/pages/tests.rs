//! Tests of prepared pages: they hold what would be told now, and nothing that would not.

use std::collections::BTreeMap;

use sojourn_sync_protocol::{codec, limits::REPLY_FRAME_BYTES_MAX, message::SyncReply};

use super::*;
use crate::exchange::{self, Answer};
use crate::rehearsal::{Register, Tablet, area, health, move_to, phone, register, visit};
use crate::review::scene::still;
use crate::staff::Role;

/// Pages of about three documents.
const SMALL: Sizes = Sizes {
    page: 3 * 600,
    small: 600,
    least: 1,
};

const BOTH: &[DocKind] = &[DocKind::Core, DocKind::Health];

/// A register whose village `a` holds six households with a visit each, and one in `b`.
async fn village() -> (Register, Tablet) {
    let mut register_ = Register::new().await;
    let mut county = register_.tablet(Role::Worker, &["n"]).await;
    county.area = area("a");
    for n in 1..=7 {
        county.edit(n, &register(n, if n < 7 { "a" } else { "b" }));
        county.edit(n, &visit(n, n));
    }
    county.sync(&register_).await;
    (register_, county)
}

/// Prepares what village `a` lacks; gives how many pages that were.
async fn prepare(register: &Register, kinds: &'static [DocKind]) -> usize {
    register
        .store
        .write("prepare", move |tx| {
            let of = area("a");
            let stretches = unprepared(tx, &of, kinds, SMALL)?;
            for stretch in &stretches {
                let made = make(tx, &of, kinds, *stretch)?;
                keep(tx, &of, kinds, &made.kept, &codec::pack(&made.entries))?;
            }
            assert_eq!(unprepared(tx, &of, kinds, SMALL)?, []);
            Ok::<_, StoreError>(stretches.len())
        })
        .await
        .unwrap()
}

/// What a tablet that has read nothing is answered, as it reads it, and how many pages of it were prepared.
async fn first_answer(register: &Register, tablet: &Tablet) -> (SyncReply, usize) {
    let mut fresh = tablet.clone();
    fresh.cursor.clear();
    fresh.documents.clear();
    let request = fresh.request(None, u32::MAX);
    let plain = fresh.ask(register, request.clone()).await.unwrap();
    let (store, live, clock) = (&register.store, &register.live, still());
    let answering = exchange::answer(store, live, &clock, &fresh.device, request);
    let Answer {
        mut reply,
        prepared,
        ..
    } = answering.await.unwrap();
    let entries = std::mem::take(&mut reply.entries);
    let frame = codec::encode_with_packed(&reply, "entries", &entries, &prepared);
    let read: SyncReply = codec::decode(&frame, REPLY_FRAME_BYTES_MAX).unwrap();
    assert_eq!(by_document(&read.entries), by_document(&plain.entries));
    let plain = SyncReply {
        entries: read.entries.clone(),
        ..plain
    };
    assert_eq!(read, plain);
    fresh.take_page(&read);
    for told in &read.digests {
        assert_eq!(fresh.digest(&told.area), told.digest);
    }
    (read, prepared.len())
}

fn by_document(entries: &[Entry]) -> BTreeMap<String, Entry> {
    let key = |entry: &Entry| match entry {
        Entry::Document(whole) => whole.document.to_string(),
        Entry::Changes(new) => format!("changes {}", new.document),
        Entry::Leave(leave) => format!("leave {}", leave.household),
    };
    let map: BTreeMap<_, _> = entries.iter().map(|one| (key(one), one.clone())).collect();
    assert_eq!(map.len(), entries.len());
    map
}

async fn kept(register: &Register) -> Vec<Kept> {
    register
        .store
        .read("kept", |tx| all(tx, &area("a"), BOTH))
        .await
        .unwrap()
}

#[tokio::test]
async fn a_prepared_page_is_what_would_be_told_now() {
    let (register, county) = village().await;
    assert_eq!(first_answer(&register, &county).await.1, 0);
    let pages = prepare(&register, BOTH).await;
    assert!(pages >= 3, "{pages}");
    let (reply, prepared) = first_answer(&register, &county).await;
    assert_eq!((prepared, reply.entries.len()), (pages, 14));
    register.expect_sound().await;
}

#[tokio::test]
async fn an_edit_makes_one_page_stale_and_the_others_keep_their_boundaries() {
    let (register, mut county) = village().await;
    let pages = prepare(&register, BOTH).await;
    let before = kept(&register).await;
    county.edit(1, &phone(1));
    county.sync(&register).await;
    assert_eq!(first_answer(&register, &county).await.1, pages - 1);
    assert!(prepare(&register, BOTH).await <= 2);
    let after = kept(&register).await;
    let same = before.iter().filter(|one| after.contains(one)).count();
    assert!(same >= pages - 2, "{before:?} {after:?}");
    assert_eq!(first_answer(&register, &county).await.1, after.len());
}

#[tokio::test]
async fn a_household_that_leaves_takes_its_pages_with_it() {
    let (register, mut county) = village().await;
    prepare(&register, BOTH).await;
    let before = kept(&register).await.len();
    county.edit(2, &move_to("b", 2));
    county.sync(&register).await;
    assert!(kept(&register).await.len() < before);
    let (reply, _) = first_answer(&register, &county).await;
    let told = reply.entries.iter().any(|entry| {
        matches!(entry, Entry::Document(whole)
            if whole.document == health(2) && whole.area == area("a"))
    });
    assert!(!told);
    prepare(&register, BOTH).await;
    first_answer(&register, &county).await;
}

#[tokio::test]
async fn a_page_is_for_those_who_may_hold_its_kinds() {
    let (mut register, _) = village().await;
    prepare(&register, BOTH).await;
    let clerk = register.tablet(Role::Clerk, &["a"]).await;
    let (reply, prepared) = first_answer(&register, &clerk).await;
    assert_eq!((prepared, reply.entries.len()), (0, 6));
    let pages = prepare(&register, &[DocKind::Core]).await;
    let (reply, prepared) = first_answer(&register, &clerk).await;
    assert_eq!((prepared, reply.entries.len()), (pages, 6));
}

#[tokio::test]
async fn a_damaged_page_is_made_anew() {
    let (register, county) = village().await;
    let pages = prepare(&register, BOTH).await;
    register
        .store
        .write("damage", |tx| {
            tx.execute(
                "UPDATE prepared_pages SET packed = x'00' WHERE after_seq = 0",
                &[],
            )
        })
        .await
        .unwrap();
    assert_eq!(first_answer(&register, &county).await.1, pages - 1);
}

#[test]
fn stretches_are_cut_by_size_and_stay() {
    let sizes = Sizes {
        page: 10,
        small: 3,
        least: 2,
    };
    let stretch = |after, up_to| Stretch { after, up_to };
    let rows =
        |from: u64, to: u64| -> Vec<(u64, usize)> { (from..=to).map(|seq| (seq, 4)).collect() };
    assert_eq!(plan(&[], &[], sizes), []);
    let wanted = [stretch(0, 2), stretch(2, 4), stretch(4, 5)];
    assert_eq!(plan(&rows(1, 5), &[], sizes), wanted);
    let kept: Vec<_> = wanted.iter().map(|one| (*one, false)).collect();
    assert_eq!(plan(&rows(1, 5), &kept, sizes), []);
    // Row 1 moved to the end: its page is stale, what is new is a page, the others stay.
    let mut moved = rows(2, 6);
    let stale = [(wanted[0], true), kept[1], kept[2]];
    assert_eq!(plan(&moved, &stale, sizes), [wanted[0], stretch(5, 6)]);
    // Row 2 too: nothing stands in the first page any more, which is joined to the second.
    moved.remove(0);
    moved.push((7, 4));
    let joined = [stretch(0, 4), stretch(5, 7)];
    assert_eq!(plan(&moved, &stale, sizes), joined);
    // Too little at the end waits for more.
    assert_eq!(
        plan(&[(1, 4), (2, 4), (3, 1)], &[(wanted[0], false)], sizes),
        []
    );
    // One row larger than a page is a page.
    assert_eq!(
        plan(&[(1, 40), (2, 4)], &[], sizes),
        [stretch(0, 1), stretch(1, 2)]
    );
}
