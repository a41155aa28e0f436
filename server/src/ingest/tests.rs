use sojourn_sync_protocol::{
    ActorId, DocKind,
    batch::{Batch, PushedChange},
    message::{Entry, Fate, QuarantineReason},
    record::{Authorship, Document},
    refusal::Refusal,
};

use crate::documents::FIRST_EPOCH;
use crate::rehearsal::{
    NOW, Register, Tablet, area, core, health, household, move_to, phone, register, rename, visit,
};
use crate::staff::Role;

pub(super) const ACCEPTED: Fate = Fate::Accepted { late: false };
const LATE: Fate = Fate::Accepted { late: true };

pub(super) const fn aside(reason: QuarantineReason) -> Fate {
    Fate::Quarantined { reason }
}

/// A register with a worker's tablet in village `a` that has registered household 1.
pub(super) async fn village() -> (Register, Tablet) {
    let mut register_ = Register::new().await;
    let mut tablet = register_.tablet(Role::Worker, &["a"]).await;
    tablet.edit(1, &register(1, "a"));
    assert_eq!(tablet.sync(&register_).await, [ACCEPTED]);
    (register_, tablet)
}

#[tokio::test]
async fn what_is_right_is_accepted_and_again_a_duplicate() {
    let (register, mut tablet) = village().await;
    tablet.edit(1, &phone(1));
    tablet.edit(1, &visit(1, 1));
    let changes = tablet.outbox.clone();
    assert_eq!(tablet.sync(&register).await, [ACCEPTED, ACCEPTED]);
    let fates = tablet.push(&register, changes).await;
    assert_eq!(fates, [Fate::Duplicate, Fate::Duplicate]);
    register.expect_sound().await;
}

#[tokio::test]
async fn a_batch_met_again_gets_the_same_fates_after_reopening_too() {
    let (mut register, mut tablet) = village().await;
    tablet.edit(1, &phone(1));
    let mut bad = tablet.outbox[0].clone();
    bad.bytes[20] ^= 1;
    tablet.outbox.push(bad);
    let changes = std::mem::take(&mut tablet.outbox);
    let batch = tablet.batch(changes);
    let request = tablet.request(Some(batch), 0);
    let first = tablet.ask(&register, request.clone()).await.unwrap();
    assert_eq!(first.fates, [ACCEPTED, aside(QuarantineReason::Malformed)]);
    let before = register.digest("a").await;
    register.reopen().await;
    for _ in 0..2 {
        let again = tablet.ask(&register, request.clone()).await.unwrap();
        assert_eq!(again.fates, first.fates);
    }
    assert_eq!(register.digest("a").await, before);
    assert_eq!(register.items().await, ["a quarantined malformed"]);
    register.expect_sound().await;
}

#[tokio::test]
async fn a_batch_that_another_key_signed_is_refused_whole() {
    let (register, mut tablet) = village().await;
    tablet.edit(1, &phone(1));
    let changes = std::mem::take(&mut tablet.outbox);
    let mut batch = tablet.batch(changes);
    batch.signature[0] ^= 1;
    let request = tablet.request(Some(batch), 0);
    let refused = tablet.ask(&register, request).await.unwrap_err();
    assert!(matches!(refused, Refusal::Malformed { .. }), "{refused:?}");
}

#[tokio::test]
async fn a_change_without_its_parents_is_told_so() {
    let (register, mut tablet) = village().await;
    tablet.edit(1, &phone(1));
    tablet.edit(1, &phone(2));
    let second = tablet.outbox[1].clone();
    assert_eq!(
        tablet.push(&register, vec![second]).await,
        [Fate::MissingDeps]
    );
    let both = std::mem::take(&mut tablet.outbox);
    assert_eq!(tablet.push(&register, both).await, [ACCEPTED, ACCEPTED]);
}

#[tokio::test]
async fn what_builds_on_a_change_kept_aside_shares_its_fate_later_too() {
    let mut register_ = Register::new().await;
    let mut tablet = register_.tablet(Role::Worker, &["a"]).await;
    tablet.edit(2, &register(2, "e"));
    tablet.edit(2, &phone(1));
    tablet.edit(2, &visit(1, 2));
    tablet.edit(2, &phone(2));
    let changes = std::mem::take(&mut tablet.outbox);
    let fates = tablet.push(&register_, changes[..3].to_vec()).await;
    let descendant = aside(QuarantineReason::Descendant);
    assert_eq!(
        fates,
        [
            aside(QuarantineReason::NotAuthorised),
            descendant.clone(),
            descendant.clone()
        ]
    );
    let later = tablet.push(&register_, changes[3..].to_vec()).await;
    assert_eq!(later, [descendant]);
    assert_eq!(register_.owner(2).await, None);
    register_.expect_sound().await;
}

#[tokio::test]
async fn bytes_that_are_no_change_are_malformed_and_big_ones_too_large() {
    let (register, mut tablet) = village().await;
    let with = |bytes: Vec<u8>| PushedChange {
        document: core(1),
        epoch: FIRST_EPOCH,
        bytes,
    };
    let fates = tablet
        .push(&register, vec![with(vec![]), with(vec![0; 64 * 1024 + 1])])
        .await;
    assert_eq!(
        fates,
        [
            aside(QuarantineReason::Malformed),
            aside(QuarantineReason::TooLarge)
        ]
    );
}

#[tokio::test]
async fn an_actor_stays_with_its_device() {
    let (mut register, tablet) = village().await;
    let mut other = register.tablet(Role::Worker, &["a"]).await;
    other.sync(&register).await;
    other.actor = tablet.actor;
    other.edit(1, &phone(1));
    let changes = other.outbox.clone();
    assert_eq!(
        other.push(&register, changes).await,
        [aside(QuarantineReason::WrongActor)]
    );
}

#[tokio::test]
async fn an_author_is_the_devices_own_and_works_within_the_grant() {
    let (mut register, mut tablet) = village().await;
    let other = register.tablet(Role::Worker, &["b"]).await;
    let own = tablet.device.staff;
    tablet.device.staff = other.device.staff;
    tablet.edit(1, &phone(1));
    tablet.device.staff = own;
    tablet.area = area("b");
    tablet.actor = ActorId([77; 16]);
    tablet.edit(1, &phone(2));
    let mut changes = std::mem::take(&mut tablet.outbox);
    // The second builds on the first, which is kept aside; what it says of its author is judged first.
    let wrong = [aside(QuarantineReason::WrongAuthor)];
    let two = changes.split_off(1);
    tablet.actor = ActorId([1; 16]);
    assert_eq!(tablet.push(&register, changes).await, wrong);
    assert_eq!(tablet.push(&register, two).await, wrong);
}

#[tokio::test]
async fn kinds_and_areas_outside_the_grant_are_not_authorised() {
    let (mut register_, _) = village().await;
    let refused = [aside(QuarantineReason::NotAuthorised)];
    let mut clerk = register_.tablet(Role::Clerk, &["a"]).await;
    clerk.sync(&register_).await;
    clerk.edit(1, &visit(1, 1));
    assert_eq!(clerk.push(&register_, clerk.outbox.clone()).await, refused);
    let mut stranger = register_.tablet(Role::Worker, &["e"]).await;
    stranger.documents = clerk.documents.clone();
    stranger.edit(1, &phone(1));
    assert_eq!(
        stranger.push(&register_, stranger.outbox.clone()).await,
        refused
    );
    // A grant that the device never had.
    let mut worker = register_.tablet(Role::Worker, &["a"]).await;
    worker.sync(&register_).await;
    worker.edit(1, &phone(1));
    worker.device.grant.version = 9;
    assert_eq!(
        worker.push(&register_, worker.outbox.clone()).await,
        refused
    );
    assert_eq!(register_.items().await.len(), 3);
    register_.expect_sound().await;
}

#[tokio::test]
async fn a_number_used_twice_is_a_fork() {
    let (register, mut tablet) = village().await;
    let mut copy = tablet.clone();
    tablet.edit(1, &phone(1));
    tablet.sync(&register).await;
    // The same install, copied before that edit, writes another change under the same number, and the
    // batch continues the chain as if nothing had happened.
    copy.edit(1, &phone(2));
    (copy.number, copy.previous) = (tablet.number, tablet.previous);
    let fates = copy.push(&register, copy.outbox.clone()).await;
    assert_eq!(fates, [Fate::Fork]);
    register.expect_sound().await;
}

#[tokio::test]
async fn a_batch_off_its_chain_is_a_fork_and_what_was_known_a_duplicate() {
    let (mut register, mut tablet) = village().await;
    let mut copy = tablet.clone();
    tablet.edit(1, &phone(1));
    let known = tablet.outbox.clone();
    tablet.sync(&register).await;
    copy.edit(1, &phone(2));
    let mut changes = copy.outbox.clone();
    changes.extend(known);
    let batch = copy.batch(changes);
    let request = copy.request(Some(batch), 0);
    for _ in 0..2 {
        let reply = copy.ask(&register, request.clone()).await.unwrap();
        assert_eq!(reply.fates, [Fate::Fork, Fate::Duplicate]);
        register.reopen().await;
    }
    // The chain itself goes on.
    tablet.edit(1, &phone(3));
    assert_eq!(tablet.sync(&register).await, [ACCEPTED]);
    assert_eq!(register.items().await, ["a quarantined fork"]);
    register.expect_sound().await;
}

#[tokio::test]
async fn another_epoch_is_told_the_present_one() {
    let (register, mut tablet) = village().await;
    tablet.edit(1, &phone(1));
    let mut change = tablet.outbox[0].clone();
    change.epoch = FIRST_EPOCH + 1;
    let fates = tablet.push(&register, vec![change]).await;
    assert_eq!(fates, [Fate::OldEpoch { epoch: FIRST_EPOCH }]);
}

#[tokio::test]
async fn a_move_leaves_one_area_and_enters_the_other() {
    let (mut register, mut here) = village().await;
    here.edit(1, &visit(1, 1));
    here.sync(&register).await;
    let mut there = register.tablet(Role::Worker, &["e"]).await;
    let mut beside = register.tablet(Role::Worker, &["a"]).await;
    beside.sync(&register).await;
    let mut late = beside.clone();
    assert_eq!(there.sync(&register).await, []);
    here.edit(1, &move_to("e", 1));
    assert_eq!(here.sync(&register).await, [ACCEPTED]);
    assert!(
        here.households().is_empty(),
        "who moved the family is told too"
    );
    beside.sync(&register).await;
    assert!(beside.households().is_empty());
    there.sync(&register).await;
    assert_eq!(there.documents.len(), 2);
    assert_eq!(register.owner(1).await.as_deref(), Some("e"));
    assert_eq!(register.digest("a").await.count, 0);
    // An edit from before the move arrives: accepted, marked, told to the new area.
    late.edit(1, &phone(7));
    assert_eq!(late.sync(&register).await, [LATE]);
    there.sync(&register).await;
    let hash = there.documents[&core(1)].1.heads();
    assert_eq!(hash.len(), 2);
    let items = register.items().await;
    assert_eq!(items.len(), 1);
    assert!(items[0].starts_with("e late-edit "), "{items:?}");
    // Back home: whoever purged it gets it whole again.
    there.edit(1, &move_to("a", 2));
    there.sync(&register).await;
    beside.sync(&register).await;
    assert_eq!(beside.documents.len(), 2);
    assert!(there.households().is_empty());
    register.expect_sound().await;
}

#[tokio::test]
async fn moves_in_one_batch_pass_through() {
    let mut register_ = Register::new().await;
    let mut county = register_.tablet(Role::Worker, &["p"]).await;
    let mut village = register_.tablet(Role::Worker, &["a"]).await;
    county.area = area("a");
    county.edit(1, &register(1, "a"));
    county.edit(1, &move_to("b", 1));
    county.edit(1, &move_to("e", 2));
    county.edit(1, &visit(1, 1));
    assert_eq!(county.sync(&register_).await, vec![ACCEPTED; 4]);
    village.sync(&register_).await;
    assert!(village.households().is_empty());
    assert_eq!(register_.owner(1).await.as_deref(), Some("e"));
    register_.expect_sound().await;
}

#[tokio::test]
async fn concurrent_moves_keep_one_owner_and_contest_the_residence() {
    let (mut register, mut one) = village().await;
    let mut two = register.tablet(Role::Worker, &["a"]).await;
    two.sync(&register).await;
    one.edit(1, &move_to("b", 1));
    two.edit(1, &move_to("e", 2));
    assert_eq!(one.sync(&register).await, [ACCEPTED]);
    assert_eq!(two.sync(&register).await, [LATE]);
    assert_eq!(register.owner(1).await.as_deref(), Some("b"));
    let items = register.items().await;
    assert!(
        items.contains(&"b contested-residence residence/area".to_owned()),
        "{items:?}"
    );
    // The owner settles it.
    let mut owner = register.tablet(Role::Worker, &["b"]).await;
    owner.sync(&register).await;
    owner.edit(1, &move_to("e", 3));
    assert_eq!(owner.sync(&register).await, [ACCEPTED]);
    assert_eq!(register.owner(1).await.as_deref(), Some("e"));
    let items = register.items().await;
    assert!(
        !items.iter().any(|item| item.contains("contested")),
        "{items:?}"
    );
    register.expect_sound().await;
}

#[tokio::test]
async fn meaning_is_accepted_and_reviewed() {
    let (mut register, mut one) = village().await;
    let mut two = register.tablet(Role::Worker, &["a"]).await;
    two.sync(&register).await;
    one.edit(1, &rename(1, "李一"));
    two.edit(1, &rename(1, "李二"));
    one.edit(1, &move_to("nowhere", 1));
    one.sync(&register).await;
    assert_eq!(two.sync(&register).await, [ACCEPTED]);
    let person = crate::rehearsal::person(1);
    assert_eq!(
        register.items().await,
        [
            format!("a contradiction persons/{person}/name"),
            "a unknown-area nowhere".to_owned()
        ]
    );
    assert_eq!(register.owner(1).await.as_deref(), Some("a"));
    two.edit(1, &rename(1, "李三"));
    two.edit(1, &move_to("b", 2));
    two.sync(&register).await;
    assert_eq!(register.items().await, Vec::<String>::new());
    register.expect_sound().await;
}

#[tokio::test]
async fn two_registrations_of_one_id_and_a_health_document_first() {
    let mut register_ = Register::new().await;
    let mut tablet = register_.tablet(Role::Worker, &["a"]).await;
    let orphan = {
        let by = Authorship {
            actor: tablet.actor,
            staff: tablet.device.staff,
            area: area("a"),
            at: NOW,
        };
        let made = Document::new(health(3)).edit(&visit(3, 3), &by).unwrap();
        PushedChange {
            document: health(3),
            epoch: FIRST_EPOCH,
            bytes: made.bytes,
        }
    };
    let fates = tablet.push(&register_, vec![orphan]).await;
    assert_eq!(fates, [Fate::MissingDeps]);
    let mut other = register_.tablet(Role::Worker, &["a"]).await;
    tablet.edit(3, &register(3, "a"));
    other.edit(3, &register(3, "a"));
    assert_eq!(tablet.sync(&register_).await, [ACCEPTED]);
    assert_eq!(other.push(&register_, other.outbox.clone()).await.len(), 1);
    register_.expect_sound().await;
}

#[tokio::test]
async fn batches_at_once_are_weighed_again_when_the_ground_moved() {
    let (mut register, first) = village().await;
    let mut tablets = vec![first];
    for _ in 0..4 {
        let mut tablet = register.tablet(Role::Worker, &["a"]).await;
        tablet.sync(&register).await;
        tablets.push(tablet);
    }
    for round in 0..5 {
        let mut asked = Vec::new();
        for (n, tablet) in tablets.iter_mut().enumerate() {
            tablet.edit(1, &phone(round * 10 + n as u32));
            let changes = std::mem::take(&mut tablet.outbox);
            let batch = tablet.batch(changes);
            asked.push((tablet.clone(), tablet.request(Some(batch), 0)));
        }
        let replies = futures_util::future::join_all(asked.into_iter().map(|(tablet, request)| {
            let register = &register;
            async move { tablet.ask(register, request).await.unwrap().fates }
        }))
        .await;
        assert!(
            replies.iter().all(|fates| *fates == [ACCEPTED]),
            "{replies:?}"
        );
        for tablet in &mut tablets {
            tablet.sync(&register).await;
        }
    }
    register.expect_sound().await;
}

#[tokio::test]
async fn an_entry_told_twice_is_told_once_and_own_changes_not_at_all() {
    let (mut register, mut one) = village().await;
    let mut two = register.tablet(Role::Worker, &["a"]).await;
    two.sync(&register).await;
    one.edit(1, &phone(1));
    let changes = std::mem::take(&mut one.outbox);
    let batch: Batch = one.batch(changes);
    let reply = one
        .ask(&register, one.request(Some(batch), u32::MAX))
        .await
        .unwrap();
    assert_eq!(reply.entries, []);
    assert_eq!(reply.cursor.len(), 1);
    let reply = two
        .ask(&register, two.request(None, u32::MAX))
        .await
        .unwrap();
    let [Entry::Changes(new)] = reply.entries.as_slice() else {
        panic!("{:?}", reply.entries);
    };
    assert_eq!((new.document, new.changes.len()), (core(1), 1));
    assert_eq!(new.document.household, household(1));
    assert_eq!(new.document.kind, DocKind::Core);
}

#[tokio::test]
async fn an_item_settled_and_opened_anew_in_one_batch_names_the_later_change() {
    let (register, mut tablet) = village().await;
    tablet.edit(1, &move_to("nowhere", 1));
    tablet.sync(&register).await;
    tablet.edit(1, &move_to("a", 2));
    tablet.edit(1, &move_to("nowhere", 3));
    tablet.sync(&register).await;
    assert_eq!(register.items().await, ["a unknown-area nowhere"]);
    register.expect_sound().await;
}
