//! Tests of pages and of `verify`: nothing is skipped, nothing is sent twice, nothing leaves the grant.

use std::collections::BTreeSet;

use proptest::prelude::*;
use sojourn_sync_protocol::codec::{self, Effort};
use sojourn_sync_protocol::message::Watermark;

use super::*;
use crate::devices;
use crate::rehearsal::{
    NOW, Register, Tablet, area, core, health, move_to, phone, register, rename, visit,
};
use crate::staff::Role;

/// A register whose villages `a` and `b` hold households 1 to 6 with a visit each.
async fn villages() -> (Register, Tablet) {
    let mut register_ = Register::new().await;
    let mut county = register_.tablet(Role::Worker, &["n"]).await;
    county.area = area("a");
    for n in 1..=6 {
        county.edit(n, &register(n, if n % 2 == 0 { "a" } else { "b" }));
        county.edit(n, &visit(n, n));
    }
    county.sync(&register_).await;
    (register_, county)
}

#[test]
fn a_place_is_one_number() {
    let between = Place {
        base: 7,
        reached: 300,
    };
    assert_eq!(Place::at(300).to_seq(), 300);
    assert_eq!(between.to_seq(), 8 << 32 | 300);
    assert_eq!(Place::from_seq(between.to_seq(), 300), between);
    assert_eq!(Place::from_seq(300, 300), Place::at(300));
    for wrong in [301, 8 << 32 | 301, 9 << 32 | 7, u64::MAX] {
        assert_eq!(Place::from_seq(wrong, 300), Place::START, "{wrong}");
    }
}

#[tokio::test]
async fn an_idle_sync_is_one_small_reply() {
    let (register, mut county) = villages().await;
    let mut fresh = register_reader(&register, &county);
    let (_, pages) = fresh.sync_in_pages(&register, u32::MAX).await;
    assert_eq!((pages, fresh.documents.len()), (1, 12));
    county.sync(&register).await;
    let request = county.request(None, u32::MAX);
    let reply = county.ask(&register, request.clone()).await.unwrap();
    assert_eq!(
        (reply.entries.len(), reply.cursor.len(), reply.remaining),
        (0, 0, 0)
    );
    assert_eq!(reply.digests.len(), 2);
    let bytes =
        codec::encode(&request, Effort::Page).len() + codec::encode(&reply, Effort::Page).len();
    assert!(bytes < 600, "{bytes}");
}

/// The same device with nothing read yet.
fn register_reader(_: &Register, tablet: &Tablet) -> Tablet {
    let mut fresh = tablet.clone();
    fresh.documents.clear();
    fresh.cursor.clear();
    fresh
}

#[tokio::test]
async fn the_smallest_pages_skip_nothing() {
    let (register, county) = villages().await;
    let mut fresh = register_reader(&register, &county);
    let (_, pages) = fresh.sync_in_pages(&register, 1).await;
    assert_eq!((pages, fresh.documents.len()), (12, 12));
    // Changes come while the pages are read, to documents read already and to others.
    let mut fresh = register_reader(&register, &county);
    let mut writer = county.clone();
    for n in 1..=6 {
        let reply = fresh.ask(&register, fresh.request(None, 1)).await.unwrap();
        fresh.take_page(&reply);
        writer.edit(n, &phone(n.into()));
        writer.edit(7 - n, &rename(7 - n, "周"));
        writer.sync(&register).await;
    }
    fresh.sync_in_pages(&register, 1).await;
    assert_eq!(fresh.digest(&area("a")), register.digest("a").await);
    register.expect_sound().await;
}

#[tokio::test]
async fn a_cursor_past_the_end_is_read_from_the_start_and_a_foreign_one_ignored() {
    let (register, county) = villages().await;
    let mut fresh = register_reader(&register, &county);
    fresh.cursor.insert(area("a"), 1_000_000);
    fresh.cursor.insert(area("e"), 5);
    fresh.sync(&register).await;
    assert_eq!(fresh.documents.len(), 12);
    assert!(fresh.cursor[&area("a")] < 1_000_000);
}

#[tokio::test]
async fn a_register_put_back_is_told_apart_though_others_brought_it_as_far_again() {
    let (mut register, mut county) = villages().await;
    let mut behind = register_reader(&register, &county);
    behind.sync(&register).await;
    let copy = register.back_up().await;
    let mut other = county.clone();
    county.edit(1, &phone(1));
    county.sync(&register).await;
    let told = county.watermark;
    register.restore(&copy).await;
    other.edit(2, &phone(2));
    other.sync(&register).await;
    let come_to = other.watermark;
    let batches = |mark: Option<Watermark>| mark.unwrap().0[..8].to_vec();
    assert_eq!(batches(told), batches(come_to));
    for (tablet, lost) in [(&county, true), (&behind, false), (&other, false)] {
        let request = tablet.request(None, u32::MAX);
        let reply = tablet.ask(&register, request).await.unwrap();
        assert_eq!(reply.lost, lost);
        assert_eq!(reply.watermark.or(tablet.watermark), come_to);
    }
}

#[tokio::test]
async fn a_page_holds_only_what_the_grant_names() {
    let (mut register, _) = villages().await;
    let mut clerk = register.tablet(Role::Clerk, &["a"]).await;
    clerk.sync(&register).await;
    let held: BTreeSet<_> = clerk.documents.keys().copied().collect();
    assert_eq!(held, [core(2), core(4), core(6)].into());
    // The grant widens; the tablet is told as soon as it names the old one.
    let id = clerk.device.id;
    let device = register
        .store
        .write("widen", move |tx| {
            devices::give_grant(tx, id, &[area("n")], &[DocKind::Core], NOW)?;
            devices::get(tx, id)
        })
        .await
        .unwrap()
        .unwrap();
    let request = clerk.request(None, u32::MAX);
    clerk.device = device;
    let reply = clerk.ask(&register, request).await.unwrap();
    let told = reply.grant.as_ref().map(|grant| grant.version);
    assert_eq!(told, Some(clerk.device.grant.version));
    clerk.take_page(&reply);
    assert_eq!(clerk.documents.len(), 6);
}

#[tokio::test]
async fn requests_out_of_bounds_are_refused() {
    let (register, mut county) = villages().await;
    let mut request = county.request(None, 0);
    request.schema = 9;
    let refused = county.ask(&register, request).await.unwrap_err();
    assert!(matches!(refused, Refusal::Schema { .. }));
    county.edit(1, &phone(1));
    let change = county.outbox[0].clone();
    let batch = county.batch(vec![change; BATCH_CHANGES_MAX + 1]);
    let request = county.request(Some(batch), 0);
    let refused = county.ask(&register, request).await.unwrap_err();
    assert!(matches!(refused, Refusal::TooLarge { .. }));
}

#[tokio::test]
async fn verify_narrows_and_repairs() {
    let (register, mut county) = villages().await;
    let ask = |ask| {
        let request = VerifyRequest {
            area: area("a"),
            ask,
        };
        verify(&register.store, &county.device, request)
    };
    let reply = ask(VerifyAsk::Buckets).await.unwrap();
    let VerifyAnswer::Buckets(buckets) = reply.answer else {
        panic!("buckets were asked for");
    };
    let mut sum = Digest::default();
    buckets.iter().for_each(|bucket| sum.merge(&bucket.digest));
    assert_eq!(sum, register.digest("a").await);
    let numbers = buckets.iter().map(|bucket| bucket.bucket).collect();
    let reply = ask(VerifyAsk::Documents(numbers)).await.unwrap();
    let VerifyAnswer::Documents(leaves) = reply.answer else {
        panic!("documents were asked for");
    };
    assert_eq!(leaves.len(), 6);
    // Of these only the first is in the area.
    let documents = vec![health(2), core(1), core(99)];
    let reply = ask(VerifyAsk::Fetch { documents }).await.unwrap();
    let VerifyAnswer::Fetched(fetched) = reply.answer else {
        panic!("whole documents were asked for");
    };
    assert_eq!(fetched.len(), 1);
    assert_eq!(fetched[0].document, health(2));
    let foreign = VerifyRequest {
        area: area("e"),
        ask: VerifyAsk::Buckets,
    };
    let refused = verify(&register.store, &county.device, foreign).await;
    assert_eq!(refused, Err(Refusal::UnknownArea { area: area("e") }));
    county.sync(&register).await;
}

#[tokio::test]
async fn commits_are_announced_to_live_streams() {
    let (register, mut county) = villages().await;
    let mut listener = register.live.listen();
    county.edit(1, &move_to("a", 1));
    county.sync(&register).await;
    assert_eq!(
        listener.hear().await,
        crate::live::Heard::Moved(std::sync::Arc::new([area("a"), area("b")].into()))
    );
}

/// One thing that happens in a run.
#[derive(Debug, Clone)]
enum Happens {
    Edit {
        tablet: usize,
        household: u8,
        what: u8,
    },
    Sync {
        tablet: usize,
        page_bytes: u32,
    },
}

fn happens() -> impl Strategy<Value = Happens> {
    let edit =
        (0..3usize, 1..4u8, any::<u8>()).prop_map(|(tablet, household, what)| Happens::Edit {
            tablet,
            household,
            what,
        });
    let page = prop_oneof![Just(1u32), Just(900), Just(u32::MAX)];
    let sync =
        (0..3usize, page).prop_map(|(tablet, page_bytes)| Happens::Sync { tablet, page_bytes });
    prop_oneof![2 => edit, 1 => sync]
}

/// Edits what the tablet holds, or registers a household under a number of the tablet's own.
fn edit(tablet: &mut Tablet, own: u8, n: u8, what: u8) {
    let number = own * 10 + n;
    if !tablet.documents.contains_key(&core(number)) {
        if tablet.seen.insert(number) {
            let home = tablet.area.to_string();
            tablet.edit(number, &register(number, &home));
        } else if let Some(other) = tablet.documents.keys().next().copied() {
            tablet.edit_document(other, what);
        }
        return;
    }
    tablet.edit_document(core(number), what);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    /// Whatever three tablets do in whatever order, the digests kept are the digests of what is there, every
    /// tablet agrees with them after each session, and the log makes all of it again.
    #[test]
    fn any_interleaving_agrees(run in prop::collection::vec(happens(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut register = Register::new().await;
            let mut tablets = vec![
                register.tablet(Role::Worker, &["a"]).await,
                register.tablet(Role::Worker, &["n"]).await,
                register.tablet(Role::Worker, &["e"]).await,
            ];
            tablets[1].area = area("b");
            for (at, step) in run.into_iter().enumerate() {
                match step {
                    Happens::Edit { tablet, household, what } => {
                        tablets[tablet].at = NOW.plus_millis(at as i64);
                        edit(&mut tablets[tablet], tablet as u8, household, what);
                    }
                    Happens::Sync { tablet, page_bytes } => {
                        tablets[tablet].sync_in_pages(&register, page_bytes).await;
                    }
                }
            }
            for _ in 0..2 {
                for tablet in &mut tablets {
                    tablet.sync(&register).await;
                }
            }
            register.expect_sound().await;
        });
    }
}
