use std::collections::BTreeSet;

use sojourn_sync_protocol::batch::{Batch, CHAIN_START, PushedChange};
use sojourn_sync_protocol::message::{Fate, QuarantineReason};
use sojourn_sync_protocol::record::{
    Authorship, DecisionOutcome, Edit, HandOverState, HouseholdView, NewArrival, NewHandOver,
    NewMove, NewNeed, NewPerson, decisions, went_on,
};
use sojourn_sync_protocol::{ActorId, Card, DeviceId, MoveId};

use super::{serve, shown};
use crate::audit::{self, Action};
use crate::desk::{Desk, Draws};
use crate::duplicates::scene::{Counties, FAMILY, SLIPPED, family, someone};
use crate::handover::answer::{Answer, Deed, NotAnswered, answer};
use crate::handover::counts::{self, Period};
use crate::handover::list::{self, Filter};
use crate::handover::page::{self, Seen};
use crate::handover::{Group, Row, stored};
use crate::params;
use crate::rehearsal::{NOW, area, core, household, phone, set};
use crate::review::decide::{Outcome, Reviewer};
use crate::store::Tx;
use crate::{devices, documents, ingest};

fn entry(n: u8) -> MoveId {
    MoveId::new(NOW, [n; 10])
}

/// Asks `from` for the family of household 2.
fn ask(from: &str, n: u8, card: Option<Card>) -> Edit {
    Edit::AskMove(NewArrival {
        id: Some(entry(n)),
        from: from.to_owned(),
        on: "2026-11-20".to_owned(),
        reason: Some("work".to_owned()),
        card: card.map(|card| card.to_string()),
        ..NewArrival::default()
    })
}

fn add(n: u8, at: usize, name: &str) -> Edit {
    Edit::AddPerson(NewPerson {
        id: Some(someone(n, at)),
        name: name.to_owned(),
        birth: Some("2026-10-02".to_owned()),
        ..NewPerson::default()
    })
}

/// A family of village `a`, household 1, is at the door in village `e`, where it is registered as household 2 with a new child.
struct Door {
    counties: Counties,
    card: Card,
}

impl Door {
    async fn new() -> Self {
        let mut counties = Counties::empty().await;
        let (north, south) = (&mut counties.north, &mut counties.south);
        north.edit(1, &family(1, "a", &FAMILY, 1, "河头村前街8号"));
        south.edit(2, &family(2, "e", &SLIPPED, 2, "南苑社区3号"));
        south.edit(2, &add(2, 7, "李小宝"));
        let card = north.documents[&core(1)].1.card().unwrap();
        Self { counties, card }
    }

    /// Both tablets hand in, and the register follows cards.
    async fn meet(&mut self) {
        for _ in 0..2 {
            self.counties.meet().await;
            self.serve().await;
        }
    }

    async fn serve(&self) {
        let register = &self.counties.register;
        let at_door = register
            .store
            .read("at the door", |tx| shown(tx, [household(1), household(2)]))
            .await
            .unwrap();
        let (store, live) = (&register.store, &register.live);
        serve(store, live, &self.counties.clock, at_door)
            .await
            .unwrap();
    }

    async fn row(&self, n: u8) -> Row {
        let read = move |tx: &Tx<'_>| stored(tx, household(2));
        let rows = self.counties.register.store.read("rows", read).await;
        rows.unwrap().remove(&entry(n)).unwrap()
    }

    async fn seen(&self, by: &Reviewer) -> Result<Seen, NotAnswered> {
        let by = by.clone();
        let read = move |tx: &Tx<'_>| page::read(tx, &by, (household(2), entry(7)), NOW);
        self.counties.register.store.read("hand-over", read).await
    }

    async fn answer(
        &self,
        by: &Reviewer,
        deed: Deed,
        change: impl FnOnce(&mut Answer),
    ) -> Result<HandOverState, NotAnswered> {
        let mut order = Answer {
            household: household(2),
            entry: entry(7),
            seen: self.seen(by).await?.seen,
            deed,
            reason: "电话问过".to_owned(),
            family: (deed == Deed::Accept).then(|| household(1)),
            family_agrees: false,
        };
        change(&mut order);
        let register = &self.counties.register;
        let (store, live) = (&register.store, &register.live);
        answer(store, live, &self.counties.clock, by.clone(), order).await
    }

    async fn owner(&self, n: u8) -> String {
        self.counties.register.owner(n).await.unwrap()
    }

    /// Household 1 is where the family is, has all that it was given at the door, and goes on.
    async fn expect_followed(&mut self) -> HouseholdView {
        assert_eq!(self.row(7).await.state, HandOverState::Accepted);
        assert_eq!(
            (self.owner(1).await, self.owner(2).await),
            ("e".into(), "e".into())
        );
        self.meet().await;
        let (north, south) = (&self.counties.north, &self.counties.south);
        assert!(
            north.households().is_empty(),
            "they are not theirs any more"
        );
        let both = BTreeSet::from([household(1), household(2)]);
        assert_eq!(south.households(), both);
        let (_, provisional) = &south.documents[&core(2)];
        let (_, goes_on) = went_on(provisional).expect("it goes on in the other");
        assert_eq!(goes_on.household, household(1));
        let (_, own) = &south.documents[&core(1)];
        let own = sojourn_sync_protocol::record::view(household(1), own, None).unwrap();
        let address = own.residence.address.as_ref().unwrap();
        assert_eq!(address.agreed().unwrap(), "南苑社区3号", "typed once");
        assert_eq!(own.persons.len(), FAMILY.len() + 1, "one child more");
        assert!(own.persons.contains_key(&someone(2, 7)));
        assert_eq!(own.moves.len(), 1, "its own move, not what was asked");
        self.counties.register.expect_sound().await;
        own
    }
}

#[tokio::test]
async fn a_card_lets_the_record_follow_the_family_at_once() {
    let mut door = Door::new().await;
    let need = NewNeed {
        kind: "school".to_owned(),
        text: "小学学位".to_owned(),
        id: Some(sojourn_sync_protocol::NeedId::new(NOW, [3; 10])),
        ..NewNeed::default()
    };
    door.counties.north.edit(1, &Edit::NoteNeed(need));
    door.counties.south.edit(2, &ask("n", 7, Some(door.card)));
    door.meet().await;
    let own = door.expect_followed().await;
    assert_eq!(own.needs.len(), 1, "what was open goes along");
    let moved = own.moves.values().next().unwrap();
    assert_eq!(
        moved.card.as_ref().unwrap().agreed(),
        Some(&door.card.to_string())
    );
    assert_eq!(moved.from.as_ref().unwrap().agreed().unwrap(), "a");
    // Who asked wrote it, and nobody seconded but the family itself.
    let (_, core_1) = &door.counties.south.documents[&core(1)];
    let told = decisions(core_1);
    let joined = told.values().find(|one| one.outcome.is_some()).unwrap();
    assert_eq!(joined.seconded, None);
    let worker = door.counties.south.device.staff;
    let told = sojourn_sync_protocol::record::history(core_1, Some("residence/area"));
    assert_eq!(told.last().unwrap().staff, Some(worker));
    for village in ["a", "e"] {
        let areas = [area(village)];
        let read = move |tx: &Tx<'_>| audit::page(tx, &areas, None, 100);
        let trail = door.counties.register.store.read("trail", read).await;
        let trail = trail.unwrap().entries;
        assert_eq!(trail.len(), 1);
        assert_eq!(trail[0].action, Action::HandOverAccepted);
        assert_eq!(trail[0].household, Some(household(1)));
    }
    // As many came as went.
    let period = Period {
        since: NOW,
        until: door.counties.clock.now().plus_millis(1000),
    };
    let read = move |tx: &Tx<'_>| counts::of_areas(tx, &[area("p")], period);
    let flows = door.counties.register.store.read("counts", read).await;
    let flows = flows.unwrap();
    assert_eq!(flows[&area("a")].out_handed_over, 1);
    assert_eq!(flows[&area("e")].in_handed_over, 1);
    assert_eq!(flows[&area("e")].open_in, 0);
}

#[tokio::test]
async fn a_card_waits_for_the_household_that_has_not_been_handed_in() {
    let mut door = Door::new().await;
    door.counties.south.edit(2, &ask("a", 7, Some(door.card)));
    door.counties.south.sync(&door.counties.register).await;
    door.serve().await;
    assert_eq!(door.row(7).await.state, HandOverState::Proposed);
    door.meet().await;
    door.expect_followed().await;
}

#[tokio::test]
async fn a_card_answers_the_move_that_the_former_area_prepared() {
    let mut door = Door::new().await;
    let leaving = Edit::ProposeMove(NewHandOver {
        id: Some(entry(3)),
        to: "e".to_owned(),
        on: "2026-12-01".to_owned(),
        ..NewHandOver::default()
    });
    door.counties.north.edit(1, &leaving);
    door.counties.south.edit(2, &ask("a", 7, Some(door.card)));
    door.meet().await;
    let own = door.expect_followed().await;
    let state = own.moves[&entry(3)].state.as_ref().unwrap();
    assert_eq!(state.agreed().unwrap(), "accepted");
}

#[tokio::test]
async fn a_card_that_is_not_this_households_moves_nobody() {
    let mut door = Door::new().await;
    let mut bytes = door.card.to_string();
    bytes.replace_range(bytes.len() - 4.., "0000");
    assert!(bytes.parse::<Card>().is_err(), "a slip of the pen is told");
    let forged = Card::of(household(1), b"somebody else's record");
    assert!(forged.households().contains(&household(1)));
    door.counties.south.edit(2, &ask("a", 7, Some(forged)));
    door.meet().await;
    assert_eq!(door.row(7).await.state, HandOverState::Proposed);
    assert_eq!(door.owner(1).await, "a");
    // Asked once more with the right one.
    door.counties.south.edit(2, &ask("a", 8, Some(door.card)));
    door.meet().await;
    assert_eq!(door.row(7).await.state, HandOverState::Withdrawn);
    assert_eq!(door.owner(1).await, "e");
}

#[tokio::test]
async fn a_card_moves_nobody_who_refused_that_records_follow() {
    let mut door = Door::new().await;
    door.counties
        .north
        .edit(1, &set("consent/sharing", "refused"));
    door.counties.south.edit(2, &ask("a", 7, Some(door.card)));
    door.meet().await;
    assert_eq!(door.row(7).await.state, HandOverState::Proposed);
    assert_eq!(door.owner(1).await, "a");
    // It waits for the former area, and only what changes in either record is a reason to look at it again.
    for (changed, tried) in [(1, 1), (2, 1), (9, 0)] {
        let look = move |tx: &Tx<'_>| shown(tx, [household(changed)]);
        let store = &door.counties.register.store;
        assert_eq!(store.read("at the door", look).await.unwrap().len(), tried);
    }
    let theirs = door.counties.reviewer(1, &["n"]).await;
    let unasked = door.answer(&theirs, Deed::Accept, |_| ()).await;
    assert_eq!(unasked, Err(NotAnswered::Unconfirmed));
    let agreed = door.answer(&theirs, Deed::Accept, |order| order.family_agrees = true);
    assert_eq!(agreed.await, Ok(HandOverState::Accepted));
    door.expect_followed().await;
}

#[tokio::test]
async fn without_a_card_each_side_sees_no_more_than_it_must_and_the_former_area_lets_go() {
    let mut door = Door::new().await;
    door.counties.south.edit(2, &ask("n", 7, None));
    door.meet().await;
    let (theirs, ours) = (
        door.counties.reviewer(1, &["n"]).await,
        door.counties.reviewer(2, &["e"]).await,
    );
    let (stranger, elsewhere) = (
        door.counties.reviewer(3, &["b"]).await,
        door.counties.reviewer(4, &["p"]).await,
    );
    assert_eq!(
        door.seen(&stranger).await.unwrap_err(),
        NotAnswered::Unknown
    );

    let asked = door.seen(&theirs).await.unwrap();
    assert_eq!(
        (asked.group, asked.record.as_ref()),
        (Some(Group::Incoming), None)
    );
    assert_eq!(asked.may, [Deed::Accept, Deed::Reject]);
    assert_eq!(asked.stub.as_ref().unwrap().persons, 4);
    assert_eq!((asked.found, asked.checklist.as_ref()), (None, None));
    let [found] = &asked.families[..] else {
        panic!("it is found: {:?}", asked.families);
    };
    assert_eq!((found.household, &found.area), (household(1), &area("a")));
    let text = serde_json::to_string(&asked).unwrap();
    for hidden in ["南苑", "李小宝", "10000000002"] {
        assert!(!text.contains(hidden), "{text}");
    }

    let asking = door.seen(&ours).await.unwrap();
    assert_eq!(asking.group, Some(Group::Outgoing));
    assert_eq!((asking.found, &asking.families[..]), (Some(true), &[][..]));
    assert_eq!(asking.may, [Deed::Withdraw]);
    let text = serde_json::to_string(&asking).unwrap();
    let own = household(1).to_string();
    for hidden in ["河头", "王海燕", own.as_str(), "\"a\""] {
        assert!(!text.contains(hidden), "{hidden}: {text}");
    }
    let both = door.seen(&elsewhere).await.unwrap();
    assert_eq!(both.may, [Deed::Accept, Deed::Reject, Deed::Withdraw]);

    for (order, wanted) in [
        (
            door.answer(&ours, Deed::Accept, |_| ()).await,
            NotAnswered::NotYours,
        ),
        (
            door.answer(&theirs, Deed::Withdraw, |_| ()).await,
            NotAnswered::NotYours,
        ),
        (
            door.answer(&theirs, Deed::Accept, |order| order.family = None)
                .await,
            NotAnswered::NoFamily,
        ),
        (
            door.answer(&theirs, Deed::Accept, |order| {
                order.family = Some(household(2))
            })
            .await,
            NotAnswered::NoFamily,
        ),
        (
            door.answer(&theirs, Deed::Accept, |order| order.reason.clear())
                .await,
            NotAnswered::Reason,
        ),
    ] {
        assert_eq!(order, Err(wanted));
    }
    assert_eq!(door.owner(1).await, "a");
    let accepted = door.answer(&theirs, Deed::Accept, |_| ()).await;
    assert_eq!(accepted, Ok(HandOverState::Accepted));
    door.expect_followed().await;
    let (_, core_1) = &door.counties.south.documents[&core(1)];
    let told = decisions(core_1);
    let (id, joined) = told.iter().find(|(_, one)| one.outcome.is_some()).unwrap();
    let word = joined.outcome.as_ref().unwrap().agreed().unwrap();
    assert_eq!(word, DecisionOutcome::Same.name());
    let seconded = joined.seconded.as_ref().unwrap().agreed().unwrap();
    assert_eq!(
        *seconded,
        theirs.staff.to_string(),
        "two people stand behind it"
    );
    // It is taken back where both live now; the hand-over stands.
    let parted = door.counties.undo(&ours, 1, *id).await;
    assert_eq!(parted, Ok(Outcome::Undone));
    assert_eq!(door.owner(1).await, "e");
    door.counties.register.expect_sound().await;
}

#[tokio::test]
async fn what_is_rejected_or_taken_back_moves_nobody() {
    let mut door = Door::new().await;
    door.counties.south.edit(2, &ask("a", 7, None));
    door.meet().await;
    let theirs = door.counties.reviewer(1, &["a"]).await;
    let rejected = door.answer(&theirs, Deed::Reject, |_| ()).await;
    assert_eq!(rejected, Ok(HandOverState::Rejected));
    door.meet().await;
    let (_, document) = &door.counties.south.documents[&core(2)];
    let told = sojourn_sync_protocol::record::view(household(2), document, None).unwrap();
    let answer = told.moves[&entry(7)].answer.as_ref().unwrap();
    assert_eq!(answer.agreed().unwrap(), "电话问过");
    assert_eq!(door.owner(1).await, "a");
    // Where nobody was found, the receiving side is told that.
    door.counties.south.edit(2, &ask("b", 8, None));
    door.meet().await;
    assert_eq!(door.row(8).await.state, HandOverState::Proposed);
    let back = Edit::WithdrawMove {
        r#move: entry(8),
        reason: "说错了".to_owned(),
    };
    door.counties.south.edit(2, &back);
    door.meet().await;
    assert_eq!(door.row(8).await.state, HandOverState::Withdrawn);
    door.counties.register.expect_sound().await;
}

#[tokio::test]
async fn a_family_of_another_village_than_the_one_asked_is_not_found() {
    let mut door = Door::new().await;
    door.counties.south.edit(2, &ask("b", 7, None));
    door.meet().await;
    let (theirs, ours) = (
        door.counties.reviewer(1, &["n"]).await,
        door.counties.reviewer(2, &["e"]).await,
    );
    let asked = door.seen(&theirs).await.unwrap();
    assert!(asked.families.is_empty(), "it lives in a, not in b");
    assert_eq!(door.seen(&ours).await.unwrap().found, Some(false));
    let accepted = door.answer(&theirs, Deed::Accept, |_| ()).await;
    assert_eq!(accepted, Err(NotAnswered::NoFamily));
}

#[tokio::test]
async fn records_that_contradict_themselves_come_together_unjoined() {
    let mut door = Door::new().await;
    door.counties.meet().await;
    let mut other = door.counties.north.clone();
    other.actor = ActorId([0x77; 16]);
    (other.number, other.previous) = (0, CHAIN_START);
    let birth = |day: &str| crate::duplicates::scene::correct(1, 2, "birth", day);
    door.counties.north.edit(1, &birth("2014-05-03"));
    other.edit(1, &birth("2014-05-04"));
    other.sync(&door.counties.register).await;
    door.counties.south.edit(2, &ask("a", 7, Some(door.card)));
    door.meet().await;
    assert_eq!(door.row(7).await.state, HandOverState::Accepted);
    assert_eq!(door.owner(1).await, "e");
    let (_, provisional) = &door.counties.south.documents[&core(2)];
    assert_eq!(went_on(provisional), None);
    let kinds: Vec<_> = door.counties.queue(&["e"]).await;
    let kinds: Vec<&str> = kinds.iter().map(|one| one.kind.name()).collect();
    assert!(kinds.contains(&"possible-duplicate"), "{kinds:?}");
    door.counties.register.expect_sound().await;
}

/// What a desk of somebody in `e` comes to that hands in an edit of household 1.
async fn handed_in(door: &Door, by: &Reviewer, edit: &Edit) -> Vec<Fate> {
    let (by, edit) = (by.clone(), edit.clone());
    let draws = Draws::new(&door.counties.clock);
    let write = door.counties.register.store.write("hand in", move |tx| {
        Desk::of(tx, by.staff, &by.areas, &by.kinds, &draws, NOW)?;
        let (device, key) = tx
            .query_opt(
                "SELECT device, signing_key FROM desks WHERE staff = ?1",
                params![by.staff.as_bytes()],
                |row| Ok((DeviceId::from_bytes(row.array(0)?), row.array::<32>(1)?)),
            )?
            .unwrap();
        let device = devices::get(tx, device)?.unwrap();
        let held = documents::load(tx, core(1))?.unwrap();
        let actor = ActorId(crate::clock::random());
        let author = Authorship {
            actor,
            staff: by.staff,
            area: by.areas[0].clone(),
            at: NOW,
        };
        let bytes = held.document.clone().edit(&edit, &author).unwrap().bytes;
        let change = PushedChange {
            document: core(1),
            epoch: held.epoch,
            bytes,
        };
        let key = ed25519_dalek::SigningKey::from_bytes(&key);
        let batch = Batch::sign(
            &key,
            actor,
            1,
            CHAIN_START,
            device.grant.version,
            vec![change],
        );
        let weighed = ingest::weigh(tx, &device, &batch)?;
        ingest::settle(tx, &device, &batch, &weighed, NOW)
    });
    write.await.unwrap().fates
}

#[tokio::test]
async fn a_desk_that_was_shown_a_card_lets_the_record_follow_and_does_nothing_else() {
    let mut door = Door::new().await;
    door.meet().await;
    let by = door.counties.reviewer(1, &["e"]).await;
    let moves = |to: &str, agreed, card: Option<Card>| {
        Edit::Move(NewMove {
            id: Some(entry(9)),
            to: to.to_owned(),
            on: "2026-11-20".to_owned(),
            agreed,
            card: card.map(|card| card.to_string()),
            ..NewMove::default()
        })
    };
    let aside = [Fate::Quarantined {
        reason: QuarantineReason::NotAuthorised,
    }];
    let forged = Card::of(household(1), b"somebody else's record");
    for edit in [
        moves("e", true, None),
        moves("e", true, Some(forged)),
        moves("b", true, Some(door.card)),
        phone(9),
        set("residence/address", "别处"),
        ask("b", 5, Some(door.card)),
    ] {
        assert_eq!(handed_in(&door, &by, &edit).await, aside, "{edit:?}");
    }
    let right = handed_in(&door, &by, &moves("e", true, Some(door.card))).await;
    assert_eq!(right, [Fate::Accepted { late: false }]);
    assert_eq!(door.owner(1).await, "e");
    door.counties.register.expect_sound().await;
}

#[tokio::test]
async fn what_waits_at_the_door_is_listed_for_both_and_closed_for_both() {
    let mut door = Door::new().await;
    door.counties.south.edit(2, &ask("n", 7, None));
    door.meet().await;
    let listed = |codes: &[&str], closed: bool| {
        let areas: Vec<_> = codes.iter().map(|code| area(code)).collect();
        let filter = Filter {
            closed,
            ..Filter::default()
        };
        let now = door.counties.clock.now();
        door.counties.register.store.read("hand-overs", move |tx| {
            list::page(tx, &areas, &filter, None, 100, now)
        })
    };
    for (codes, group) in [(["n"], Group::Incoming), (["e"], Group::Outgoing)] {
        let page = listed(&codes, false).await.unwrap();
        let [one] = &page.waiting[..] else {
            panic!("one waits");
        };
        assert!(one.at_door && one.opens && one.group == group, "{one:?}");
    }
    assert!(listed(&["a"], false).await.unwrap().waiting.is_empty());
    let theirs = door.counties.reviewer(1, &["n"]).await;
    let accepted = door.answer(&theirs, Deed::Accept, |_| ()).await;
    assert_eq!(accepted, Ok(HandOverState::Accepted));
    let gone = listed(&["n"], true).await.unwrap().waiting;
    assert_eq!(gone.len(), 2, "what was asked, and the family's own move");
    assert!(listed(&["e"], false).await.unwrap().waiting.is_empty());
}
