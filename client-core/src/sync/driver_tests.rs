//! Whole sessions against a register in memory: cuts, refusals, forks, families that leave, repair.

use std::path::Path;
use std::sync::Mutex;

use sojourn_sync_protocol::message::{Entry, Fate, Grant, Leave, QuarantineReason};
use sojourn_sync_protocol::record::{Edit, NewHousehold, NewVisit};
use sojourn_sync_protocol::refusal::Refusal;
use sojourn_sync_protocol::{DocKind, HouseholdId};

use super::*;
use crate::clock::SeededRandom;
use crate::identity::Token;
use crate::sync::register::{Fault, Register};
use crate::sync::transport::TransportError;
use crate::testing::{Elsewhere, FAR, HOME, NOW, area, enrolled, family, reopen, set_phone};

/// A clock that jumps to whatever is waited for, and remembers the pauses.
#[derive(Default)]
struct Jumping {
    passed: Mutex<(i64, Vec<i64>)>,
}

impl Clock for Jumping {
    fn now(&self) -> Timestamp {
        NOW.plus_millis(self.passed.lock().unwrap().0)
    }

    async fn wait_until(&self, moment: Timestamp) {
        let pause = moment.since(self.now());
        let mut passed = self.passed.lock().unwrap();
        passed.0 += pause;
        passed.1.push(pause);
    }
}

fn tablet(dir: &Path) -> Tablet {
    let tablet = enrolled(dir, 1);
    let token = Token {
        token: "t".into(),
        expires_at: NOW.plus_millis(600_000),
    };
    tablet
        .write::<_, Error>("token", NOW, |work| {
            Ok(identity::set_token(work.tx, &token)?)
        })
        .unwrap();
    tablet
}

fn options(retries: u32, changes: usize) -> Options {
    let batch = BatchBounds {
        changes,
        ..BatchBounds::default()
    };
    let retry = RetryPolicy {
        retries,
        ..RetryPolicy::default()
    };
    Options {
        batch,
        retry,
        ..Options::default()
    }
}

fn session(tablet: &Tablet, register: &Register, options: Options) -> Report {
    session_with(
        tablet,
        register,
        options,
        &Jumping::default(),
        &CancellationToken::new(),
    )
}

fn session_with(
    tablet: &Tablet,
    register: &Register,
    options: Options,
    clock: &Jumping,
    cancel: &CancellationToken,
) -> Report {
    let mut random = SeededRandom::new(7);
    let around = Surroundings {
        tablet,
        transport: register,
        clock,
        random: &mut random,
        cancel,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime
        .block_on(run(around, options, &mut |_, _| {}))
        .unwrap()
}

/// Both sides hold the same households, and the register every one of the tablet's documents.
fn assert_same(tablet: &Tablet, register: &Register) {
    let held = register.held();
    let ours = tablet
        .read::<_, Error>("leaves", |tx| {
            Ok(crate::documents::leaves(tx, &area(HOME), &DocKind::ALL)?)
        })
        .unwrap();
    let mut theirs = held.leaves(&area(HOME));
    theirs.sort_by_key(|leaf| (leaf.document.kind, leaf.document.household));
    assert_eq!(ours, theirs);
}

fn work(tablet: &Tablet) -> HouseholdId {
    let id = tablet.register(NOW, family(1)).unwrap().household;
    tablet.register(NOW, family(2)).unwrap();
    tablet.edit(NOW, id, set_phone("100 1111")).unwrap();
    let visit = NewVisit {
        on: "2026-11-24".into(),
        kind: "child".into(),
        ..NewVisit::default()
    };
    tablet.edit(NOW, id, Edit::RecordVisit(visit)).unwrap();
    id
}

fn another_household(register: &Register, n: u8) -> Elsewhere {
    let elsewhere = Elsewhere::household(n, 9);
    let mut held = register.held();
    let whole = Entry::Document(elsewhere.whole(HOME));
    held.feeds.entry(area(HOME)).or_default().push(whole);
    let document = elsewhere.document.clone();
    held.documents.insert(document.id(), (area(HOME), document));
    elsewhere
}

#[test]
fn edits_go_up_households_come_down_and_the_next_session_is_one_request() {
    let dir = tempfile::tempdir().unwrap();
    let (tablet, register) = (tablet(dir.path()), Register::new());
    work(&tablet);
    another_household(&register, 40);
    let report = session(&tablet, &register, options(0, 100));
    assert_eq!(report.outcome, Outcome::Agreed);
    assert_eq!((report.progress.pushed, report.progress.entries), (4, 1));
    assert_eq!(tablet.status().unwrap().households, 3);
    assert_eq!(tablet.status().unwrap().pending, 0);
    assert!(tablet.status().unwrap().synced_at.is_some());
    assert_same(&tablet, &register);
    let again = session(&tablet, &register, options(0, 100));
    assert_eq!((again.tally.requests, again.progress.entries), (1, 0));
    assert!(again.tally.body_bytes_up + again.tally.body_bytes_down < 1000);
}

#[test]
fn a_cut_at_any_request_and_a_restart_lose_nothing_and_repeat_nothing() {
    for step in 0..6 {
        for fault in [Fault::Lost, Fault::AnswerLost] {
            let dir = tempfile::tempdir().unwrap();
            let register = Register::new();
            register.held().page = 1;
            for n in [40, 41] {
                another_household(&register, n);
            }
            let mut tablet = self::tablet(dir.path());
            work(&tablet);
            let mut faults = vec![None; step];
            faults.push(Some(fault.clone()));
            register.held().faults = faults.into();
            let mut sessions = 0;
            loop {
                let report = session(&tablet, &register, options(0, 1));
                sessions += 1;
                drop(tablet);
                tablet = reopen(dir.path(), 20 + sessions).tablet;
                if report.outcome == Outcome::Agreed {
                    break;
                }
                assert!(matches!(
                    report.outcome,
                    Outcome::GaveUp(Failure::Transport(TransportError::Cut(_)))
                ));
                assert!(sessions < 3, "{step} {fault:?}");
            }
            assert_same(&tablet, &register);
            let status = tablet.status().unwrap();
            assert_eq!((status.households, status.pending, status.held), (4, 0, 0));
            let pushed: usize = register
                .held()
                .batches
                .values()
                .map(|(batch, _)| batch.changes.len())
                .sum();
            assert_eq!(pushed, 4, "every change once");
        }
    }
}

#[test]
fn pauses_grow_and_what_asks_for_time_gets_it() {
    let dir = tempfile::tempdir().unwrap();
    let (tablet, register) = (tablet(dir.path()), Register::new());
    work(&tablet);
    let busy = Refusal::Busy {
        retry_after_ms: 9000,
    };
    register.held().faults = [Fault::Lost, Fault::Portal, Fault::Refused(busy)]
        .map(Some)
        .into();
    let clock = Jumping::default();
    let report = session_with(
        &tablet,
        &register,
        options(4, 100),
        &clock,
        &CancellationToken::new(),
    );
    assert_eq!(report.outcome, Outcome::Agreed);
    let pauses = clock.passed.lock().unwrap().1.clone();
    assert_eq!(pauses.len(), 3);
    assert!((250..=500).contains(&pauses[0]) && (500..=1000).contains(&pauses[1]));
    assert_eq!(pauses[2], 9000);
}

#[test]
fn a_refused_token_is_renewed_within_the_session() {
    let dir = tempfile::tempdir().unwrap();
    let (tablet, register) = (tablet(dir.path()), Register::new());
    let refused = Some(Fault::Refused(Refusal::Unauthenticated));
    register.held().faults.push_back(refused);
    let report = session(&tablet, &register, options(0, 100));
    assert_eq!(report.outcome, Outcome::Agreed);
    assert_eq!(register.held().paths, ["/v1/token", "/v1/sync"]);
}

#[test]
fn cancelling_within_a_request_keeps_everything() {
    let dir = tempfile::tempdir().unwrap();
    let (tablet, register) = (tablet(dir.path()), Register::new());
    work(&tablet);
    register.held().faults.push_back(Some(Fault::Silence));
    let cancel = CancellationToken::new();
    let stop = cancel.clone();
    let stopper = std::thread::spawn(move || stop.cancel());
    let report = session_with(
        &tablet,
        &register,
        options(0, 100),
        &Jumping::default(),
        &cancel,
    );
    stopper.join().unwrap();
    assert_eq!(report.outcome, Outcome::Cancelled);
    assert_eq!(tablet.status().unwrap().pending, 4);
    register.held().faults.clear();
    assert_eq!(
        session(&tablet, &register, options(0, 100)).outcome,
        Outcome::Agreed
    );
    assert_same(&tablet, &register);
}

#[test]
fn a_quarantined_edit_is_held_and_the_later_ones_arrive() {
    let dir = tempfile::tempdir().unwrap();
    let (tablet, register) = (tablet(dir.path()), Register::new());
    let id = tablet.register(NOW, family(1)).unwrap().household;
    assert_eq!(
        session(&tablet, &register, options(0, 9)).outcome,
        Outcome::Agreed
    );
    let refused = tablet.edit(NOW, id, set_phone("100 2222")).unwrap().change;
    let note = Edit::from_assignments(&["contact/note=mornings"])
        .unwrap()
        .remove(0);
    tablet.edit(NOW, id, note).unwrap();
    let reason = |reason| Some(Fate::Quarantined { reason });
    let seen = Mutex::new(false);
    register.held().judge = Some(Box::new(move |change| {
        let mut seen = seen.lock().unwrap();
        if change.hash() == refused {
            *seen = true;
            return reason(QuarantineReason::Structure);
        }
        // What came with it builds on it; made again, it does not.
        std::mem::take(&mut *seen).then(|| reason(QuarantineReason::Descendant))?
    }));
    let report = session(&tablet, &register, options(0, 9));
    assert_eq!(report.outcome, Outcome::Agreed);
    let (row, view) = tablet.show(id).unwrap();
    assert_eq!((row.held, row.pending), (1, 0));
    assert_ne!(row.phone, "100 2222");
    assert_eq!(
        crate::projection::one_line(view.contact.note.as_ref()),
        "mornings"
    );
    assert_same(&tablet, &register);
}

#[test]
fn a_fork_gets_a_new_actor_and_the_edits_arrive() {
    let dir = tempfile::tempdir().unwrap();
    let (tablet, register) = (tablet(dir.path()), Register::new());
    let id = work(&tablet);
    let forked = Mutex::new(0);
    register.held().judge = Some(Box::new(move |_| {
        let mut forked = forked.lock().unwrap();
        *forked += 1;
        (*forked <= 4).then_some(Fate::Fork)
    }));
    let report = session(&tablet, &register, options(0, 9));
    assert_eq!(report.outcome, Outcome::Agreed);
    assert_eq!(tablet.show(id).unwrap().0.phone, "100 1111");
    let actors: std::collections::BTreeSet<_> = register
        .held()
        .batches
        .keys()
        .map(|(actor, _)| *actor)
        .collect();
    assert_eq!(actors.len(), 2);
    assert_same(&tablet, &register);
}

#[test]
fn a_household_that_left_goes_only_when_its_edits_are_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let (tablet, register) = (tablet(dir.path()), Register::new());
    let household = another_household(&register, 40).id();
    assert_eq!(
        session(&tablet, &register, options(0, 9)).outcome,
        Outcome::Agreed
    );
    tablet.edit(NOW, household, set_phone("100 3333")).unwrap();
    let note = Edit::from_assignments(&["contact/note=evenings"])
        .unwrap()
        .remove(0);
    tablet.edit(NOW, household, note).unwrap();
    {
        let mut held = register.held();
        let leave = Leave {
            household,
            area: area(HOME),
            to: area(FAR),
        };
        held.feeds
            .get_mut(&area(HOME))
            .unwrap()
            .push(Entry::Leave(leave));
        for (at, _) in held.documents.values_mut() {
            *at = area(FAR);
        }
        // The second of the two edits is lost on its way.
        held.faults = [None, Some(Fault::Lost)].into();
    }
    let report = session(&tablet, &register, options(0, 1));
    assert!(matches!(report.outcome, Outcome::GaveUp(_)));
    let (row, _) = tablet.show(household).unwrap();
    assert!(row.leaving);
    assert_eq!(row.pending, 1);
    session(&tablet, &register, options(0, 1));
    assert!(matches!(
        tablet.show(household),
        Err(Error::UnknownHousehold(_))
    ));
    assert_eq!(register.held().batches.len(), 2);
}

#[test]
fn a_page_is_taken_in_whole_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let (tablet, register) = (tablet(dir.path()), Register::new());
    work(&tablet);
    another_household(&register, 40);
    let mut broken = Elsewhere::household(41, 9).whole(HOME);
    broken.saved.truncate(50);
    register
        .held()
        .feeds
        .get_mut(&area(HOME))
        .unwrap()
        .push(Entry::Document(broken));
    let report = session(&tablet, &register, options(0, 9));
    assert!(matches!(
        report.outcome,
        Outcome::GaveUp(Failure::Unusable(_))
    ));
    let status = tablet.status().unwrap();
    assert_eq!((status.households, status.pending), (2, 4));
    let cursors = tablet
        .read::<_, Error>("c", |tx| Ok(identity::cursors(tx)?))
        .unwrap();
    assert!(cursors.is_empty());
    // The server mends it; the same batch gets the fates it was given then.
    register.held().feeds.get_mut(&area(HOME)).unwrap().pop();
    assert_eq!(
        session(&tablet, &register, options(0, 9)).outcome,
        Outcome::Agreed
    );
    assert_same(&tablet, &register);
}

#[test]
fn what_either_side_lost_is_found_by_digests_and_put_back() {
    let dir = tempfile::tempdir().unwrap();
    let (tablet, register) = (tablet(dir.path()), Register::new());
    work(&tablet);
    another_household(&register, 40);
    assert_eq!(
        session(&tablet, &register, options(0, 9)).outcome,
        Outcome::Agreed
    );
    let ours = tablet
        .list(&crate::projection::ListQuery::default())
        .unwrap();
    let lost = ours
        .iter()
        .find(|row| row.id != Elsewhere::household(40, 9).id())
        .unwrap()
        .id;
    {
        let mut held = register.held();
        // The register lost a household of this tablet, and has one that its feed never told of.
        held.documents.retain(|id, _| id.household != lost);
        let stray = Elsewhere::household(50, 9).document;
        held.documents.insert(stray.id(), (area(HOME), stray));
    }
    let report = session(&tablet, &register, options(0, 9));
    assert_eq!(report.outcome, Outcome::Agreed);
    assert!(report.progress.repaired > 0);
    assert_eq!(tablet.status().unwrap().households, 4);
    assert!(
        register
            .held()
            .documents
            .keys()
            .any(|id| id.household == lost)
    );
    assert_same(&tablet, &register);

    // Of one that another tablet wrote this may be the only copy left.
    register
        .held()
        .documents
        .retain(|id, _| id.household != Elsewhere::household(50, 9).id());
    assert_eq!(
        session(&tablet, &register, options(0, 9)).outcome,
        Outcome::Agreed
    );
    assert_eq!(tablet.status().unwrap().households, 4);
    assert_same(&tablet, &register);
}

#[test]
fn a_narrower_grant_takes_effect_with_its_page() {
    let dir = tempfile::tempdir().unwrap();
    let (tablet, register) = (tablet(dir.path()), Register::new());
    let id = work(&tablet);
    register.held().grant = Some(Grant {
        version: 2,
        areas: vec![area(HOME)],
        kinds: vec![DocKind::Core],
    });
    session(&tablet, &register, options(0, 9));
    assert!(!tablet.show(id).unwrap().1.health);
    assert_eq!(tablet.status().unwrap().grant, Some(2));
    assert_eq!(tablet.status().unwrap().pending, 0);
    let refused = tablet.edit(NOW, id, Edit::RecordVisit(NewVisit::default()));
    assert!(matches!(
        refused,
        Err(Error::KindNotGranted(DocKind::Health))
    ));
}

#[test]
fn a_new_area_tree_is_fetched_before_the_session_ends() {
    let dir = tempfile::tempdir().unwrap();
    let (tablet, register) = (tablet(dir.path()), Register::new());
    let tree = AreasReply {
        version: 5,
        areas: vec![],
    };
    register.held().tree = Some(tree);
    assert_eq!(
        session(&tablet, &register, options(0, 9)).outcome,
        Outcome::Agreed
    );
    assert_eq!(register.held().paths, ["/v1/sync", "/v1/areas"]);
    let version = tablet
        .read::<_, Error>("v", |tx| Ok(crate::areas::version(tx)?))
        .unwrap();
    assert_eq!(version, 5);
    let new = NewHousehold {
        area: Some(area(HOME)),
        ..family(3)
    };
    tablet.register(NOW, new).unwrap();
}

#[test]
fn every_page_is_asked_for_once() {
    let dir = tempfile::tempdir().unwrap();
    let (tablet, register) = (tablet(dir.path()), Register::new());
    for n in 1..=25 {
        another_household(&register, n);
    }
    register.held().page = 10;
    let report = session(&tablet, &register, options(0, 64));
    assert_eq!(report.outcome, Outcome::Agreed);
    assert_eq!((report.progress.pages, report.tally.requests), (3, 3));
    assert_eq!(register.held().paths, ["/v1/sync"; 3]);
    assert_same(&tablet, &register);
    // The last page says that both sides agree; nothing else is written for that.
    assert_eq!(tablet.store().committed("end session"), 0);
    assert_eq!(tablet.status().unwrap().synced_at, Some(NOW));
}

/// A session of three pages, the tablet's user busy in the middle of it; gives how many requests it took.
fn edited_while_pages_arrive(faults: impl IntoIterator<Item = Option<Fault>>) -> u64 {
    let dir = tempfile::tempdir().unwrap();
    let (tablet, register) = (tablet(dir.path()), Register::new());
    for n in 1..=25 {
        another_household(&register, n);
    }
    register.held().page = 10;
    register.held().faults = faults.into_iter().collect();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let mut random = SeededRandom::new(8);
    let around = Surroundings {
        tablet: &tablet,
        transport: &register,
        clock: &Jumping::default(),
        random: &mut random,
        cancel: &CancellationToken::new(),
    };
    let mut edited = false;
    let report = runtime
        .block_on(run(around, options(0, 64), &mut |progress, _| {
            if progress.pages == 1 && !edited {
                tablet.register(NOW, family(1)).unwrap();
                edited = true;
            }
        }))
        .unwrap();
    assert_eq!(report.outcome, Outcome::Agreed);
    assert_eq!((report.progress.pages, report.progress.pushed), (3, 1));
    assert_same(&tablet, &register);
    assert_eq!(tablet.list(&Default::default()).unwrap().len(), 26);
    report.tally.requests
}

#[test]
fn an_edit_made_while_pages_arrive_goes_with_the_next_request_and_what_was_asked_ahead_is_let_go() {
    // Over a quick link two pages are here by then, over a slow one the next is.
    assert_eq!(edited_while_pages_arrive([]), 5);
    assert_eq!(edited_while_pages_arrive([None, Some(Fault::Late)]), 4);
}

#[test]
fn a_page_asked_for_ahead_that_does_not_come_is_asked_for_again() {
    let dir = tempfile::tempdir().unwrap();
    let (tablet, register) = (tablet(dir.path()), Register::new());
    for n in 1..=25 {
        another_household(&register, n);
    }
    register.held().page = 10;
    register.held().faults = [None, Some(Fault::AnswerLost), Some(Fault::Lost)].into();
    let report = session(&tablet, &register, options(4, 64));
    assert_eq!(report.outcome, Outcome::Agreed);
    assert_eq!(report.progress.pages, 3);
    assert_same(&tablet, &register);
}

#[test]
fn online_an_edit_and_its_batch_are_one_transaction() {
    let dir = tempfile::tempdir().unwrap();
    let (tablet, register) = (tablet(dir.path()), Register::new());
    let id = tablet.register(NOW, family(1)).unwrap().household;
    assert_eq!(
        session(&tablet, &register, options(0, 64)).outcome,
        Outcome::Agreed
    );
    tablet.set_online(true);
    tablet.edit(NOW, id, set_phone("100 1111")).unwrap();
    tablet.edit(NOW, id, set_phone("100 2222")).unwrap();
    let states: Vec<_> = tablet
        .pending()
        .unwrap()
        .into_iter()
        .map(|row| row.state)
        .collect();
    let first = outbox::EditState::Batched { number: 2 };
    assert_eq!(states, [first, outbox::EditState::Queued]);
    let report = session(&tablet, &register, options(0, 64));
    assert_eq!(
        (report.outcome, report.progress.pushed),
        (Outcome::Agreed, 2)
    );
    assert_same(&tablet, &register);
}
