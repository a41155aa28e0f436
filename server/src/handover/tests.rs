use sojourn_sync_protocol::batch::{Batch, CHAIN_START, PushedChange};
use sojourn_sync_protocol::message::{Fate, QuarantineReason};
use sojourn_sync_protocol::record::{Authorship, Document, Edit, Value};
use sojourn_sync_protocol::record::{
    HandOverState, NewConsent, NewHandOver, NewHousehold, NewPerson,
};
use sojourn_sync_protocol::{ActorId, DeviceId, DocumentId};

use super::answer::{Answer, Deed, NotAnswered, answer};
use super::counts::{self, Period};
use super::list::{self, Filter, Waiting};
use super::page::{self, Seen};
use super::*;
use crate::audit::{self, Action};
use crate::check;
use crate::clock::Clock;
use crate::desk::{Desk, Draws};
use crate::rehearsal::{NOW, area, core, household, move_to, person, phone, set, visit};
use crate::review::decide::{Objection, Reviewer};
use crate::review::scene::Office;
use crate::{devices, documents, ingest};

fn entry(n: u8) -> MoveId {
    MoveId::new(NOW, [n; 10])
}

fn propose(to: &str, n: u8) -> Edit {
    Edit::ProposeMove(NewHandOver {
        id: Some(entry(n)),
        to: to.to_owned(),
        on: "2026-12-01".to_owned(),
        reason: Some("school".to_owned()),
        ..NewHandOver::default()
    })
}

fn withdraw(n: u8) -> Edit {
    Edit::WithdrawMove {
        r#move: entry(n),
        reason: "不走了".to_owned(),
    }
}

fn later(days: i64) -> Timestamp {
    NOW.plus_millis(days * 24 * 60 * 60 * 1000)
}

impl Office {
    /// Household 1 of village `a` with a move to `to` prepared.
    async fn proposed(to: &str) -> Self {
        let mut office = Self::new().await;
        office.one.edit(1, &visit(1, 1));
        office.one.edit(1, &propose(to, 7));
        office.meet().await;
        office
    }

    async fn listed(&self, by: &Reviewer, now: Timestamp) -> Vec<Waiting> {
        let areas = by.areas.clone();
        let page = self.register.store.read("hand-overs", move |tx| {
            list::page(tx, &areas, &Filter::default(), None, 100, now)
        });
        page.await.unwrap().waiting
    }

    async fn opened(&self, by: &Reviewer, n: u8) -> Result<Seen, NotAnswered> {
        let by = by.clone();
        let read = self.register.store.read("hand-over", move |tx| {
            page::read(tx, &by, (household(1), entry(n)), NOW)
        });
        read.await
    }

    async fn answer(
        &self,
        by: &Reviewer,
        seen: Vec<ChangeHash>,
        deed: Deed,
        reason: &str,
    ) -> Result<HandOverState, NotAnswered> {
        let order = Answer {
            household: household(1),
            entry: entry(7),
            seen,
            deed,
            reason: reason.to_owned(),
            family: None,
            family_agrees: false,
        };
        self.answer_as(by, order).await
    }

    async fn answer_as(&self, by: &Reviewer, order: Answer) -> Result<HandOverState, NotAnswered> {
        let (store, live) = (&self.register.store, &self.register.live);
        answer(store, live, &self.clock, by.clone(), order).await
    }

    async fn rows(&self) -> Rows {
        let read = self
            .register
            .store
            .read("rows", |tx| stored(tx, household(1)));
        read.await.unwrap()
    }

    async fn trail(&self, codes: &[&str]) -> Vec<(Action, String)> {
        let areas: Vec<AreaCode> = codes.iter().map(|code| area(code)).collect();
        let read = self
            .register
            .store
            .read("trail", move |tx| audit::page(tx, &areas, None, 100));
        let entries = read.await.unwrap().entries;
        let told = entries
            .into_iter()
            .map(|entry| (entry.action, entry.area.to_string()));
        told.collect()
    }
}

#[tokio::test]
async fn the_area_that_is_asked_sees_a_stub_and_the_area_that_gives_its_household() {
    let office = Office::proposed("e").await;
    let (giver, asked) = (
        office.reviewer(1, &["n"]).await,
        office.reviewer(2, &["e"]).await,
    );
    let stranger = office.reviewer(3, &["b"]).await;
    let [waiting] = &office.listed(&asked, NOW).await[..] else {
        panic!("one waits");
    };
    assert_eq!(
        (waiting.group, &waiting.from, &waiting.to),
        (Group::Incoming, &area("a"), &area("e"))
    );
    assert_eq!(office.listed(&giver, NOW).await[0].group, Group::Outgoing);
    assert!(office.listed(&stranger, NOW).await.is_empty());

    let stub = office.opened(&asked, 7).await.unwrap();
    assert_eq!(
        stub.record, None,
        "nothing of the record before it is theirs"
    );
    assert_eq!(stub.may, [Deed::Accept, Deed::Reject]);
    let shown = stub.stub.as_ref().unwrap();
    assert_eq!(
        (&shown.name[..], shown.persons),
        (&["王1".to_owned()][..], 1)
    );
    assert_eq!(stub.checklist.as_ref().unwrap().visits_due, Some(0));
    let text = serde_json::to_string(&stub).unwrap();
    for hidden in ["村东头", "follow-up", "facts"] {
        assert!(!text.contains(hidden), "{text}");
    }

    let whole = office.opened(&giver, 7).await.unwrap();
    assert_eq!(whole.may, [Deed::Withdraw]);
    assert_eq!(whole.record.unwrap().persons.len(), 1);
    assert_eq!(
        office.opened(&stranger, 7).await.unwrap_err(),
        NotAnswered::Unknown
    );
}

#[tokio::test]
async fn accepting_moves_the_household_and_all_that_is_kept_by_area() {
    let mut office = Office::proposed("e").await;
    let mut there = office
        .register
        .tablet(crate::staff::Role::Worker, &["e"])
        .await;
    there.sync(&office.register).await;
    assert!(there.households().is_empty());
    let asked = office.reviewer(2, &["e"]).await;
    let seen = office.opened(&asked, 7).await.unwrap().seen;
    // Something waits for a person, and goes along.
    office
        .contradict(
            &set("consent/care", "refused"),
            &set("consent/care", "given"),
        )
        .await;
    office
        .contradict(
            &set("residence/since", "2020"),
            &set("residence/since", "2021"),
        )
        .await;
    assert_eq!(
        office.register.items().await,
        [
            "a contradiction consent/care",
            "a contradiction residence/since"
        ]
    );
    let before = office.register.digest("a").await;
    let accepted = office.answer(&asked, seen.clone(), Deed::Accept, "已联系家人");
    assert_eq!(accepted.await, Ok(HandOverState::Accepted));

    assert_eq!(office.register.owner(1).await.as_deref(), Some("e"));
    assert_eq!(
        office.register.items().await,
        ["e contradiction consent/care"],
        "what was open goes along; since when they live there was decided by it"
    );
    assert_ne!(office.register.digest("a").await, before);
    there.sync(&office.register).await;
    assert_eq!(there.households(), [household(1)].into());
    office.meet().await;
    assert!(office.one.households().is_empty() && office.other.households().is_empty());
    office.register.expect_sound().await;
    let row = office.rows().await.remove(&entry(7)).unwrap();
    assert_eq!(row.state, HandOverState::Accepted);
    assert_eq!(row.answered_at, Some(NOW));

    // Past changes keep the area where they were written.
    let document = office.document(core(1)).await;
    let told = sojourn_sync_protocol::record::history(&document, None);
    let areas: Vec<_> = told.iter().filter_map(|one| one.area.clone()).collect();
    assert!(areas.contains(&area("a")) && areas.contains(&area("e")));
    let reason = sojourn_sync_protocol::record::decisions(&document);
    assert_eq!(reason.len(), 1);
    let undone = office.undo(&asked, *reason.keys().next().unwrap()).await;
    assert_eq!(
        undone,
        Err(Objection::NotAChoice),
        "it is handed back instead"
    );

    // It is answered once.
    let again = office.answer(&asked, seen, Deed::Accept, "").await;
    assert_eq!(again, Err(NotAnswered::Answered(HandOverState::Accepted)));
    for village in ["a", "e"] {
        let told = office.trail(&[village]).await;
        assert_eq!(told, [(Action::HandOverAccepted, village.to_owned())]);
    }
    let now_theirs = office.opened(&asked, 7).await.unwrap();
    assert!(now_theirs.record.is_some() && now_theirs.may.is_empty());
    let gone = office.reviewer(4, &["a"]).await;
    assert_eq!(office.opened(&gone, 7).await, Err(NotAnswered::Unknown));
}

#[tokio::test]
async fn a_late_edit_of_the_former_area_counts_as_late() {
    let mut office = Office::proposed("e").await;
    let asked = office.reviewer(2, &["e"]).await;
    let seen = office.opened(&asked, 7).await.unwrap().seen;
    office.answer(&asked, seen, Deed::Accept, "").await.unwrap();
    office.one.edit(1, &phone(5));
    let fates = office.one.sync(&office.register).await;
    assert_eq!(fates, [Fate::Accepted { late: true }]);
    // Withdrawn without knowing of the answer: two values, and a person decides.
    office.other.edit(1, &withdraw(7));
    office.other.sync(&office.register).await;
    let row = office.rows().await.remove(&entry(7)).unwrap();
    assert_eq!(row.state, HandOverState::Unclear);
    let items = office.register.items().await;
    let about = format!("e contradiction moves/{}/state", entry(7));
    assert!(items.contains(&about), "{items:?}");
    assert_eq!(office.register.owner(1).await.as_deref(), Some("e"));
    office.register.expect_sound().await;
}

#[tokio::test]
async fn rejecting_leaves_the_household_and_the_former_area_reads_why() {
    let mut office = Office::proposed("e").await;
    let asked = office.reviewer(2, &["e"]).await;
    let seen = office.opened(&asked, 7).await.unwrap().seen;
    let silent = office.answer(&asked, seen.clone(), Deed::Reject, " ").await;
    assert_eq!(silent, Err(NotAnswered::Reason));
    let rejected = office.answer(&asked, seen, Deed::Reject, "没有学位").await;
    assert_eq!(rejected, Ok(HandOverState::Rejected));
    assert_eq!(office.register.owner(1).await.as_deref(), Some("a"));
    office.meet().await;
    let held = &office.one.documents[&core(1)].1;
    let view = sojourn_sync_protocol::record::view(household(1), held, None).unwrap();
    let told = view.moves[&entry(7)].answer.as_ref().unwrap();
    assert_eq!(told.agreed().unwrap(), "没有学位");
    assert!(office.listed(&asked, NOW).await.is_empty());
    let after = office.opened(&asked, 7).await.unwrap();
    assert_eq!((after.stub, after.record), (None, None));
    assert_eq!(after.answer.as_deref(), Some("没有学位"));
    office.register.expect_sound().await;
}

#[tokio::test]
async fn what_was_withdrawn_or_changed_meanwhile_is_not_answered() {
    let mut office = Office::proposed("e").await;
    let asked = office.reviewer(2, &["e"]).await;
    let seen = office.opened(&asked, 7).await.unwrap().seen;
    // What is not of the entry is no matter.
    office.one.edit(1, &phone(4));
    office.meet().await;
    assert_eq!(office.opened(&asked, 7).await.unwrap().seen, seen);
    let day = set(&format!("moves/{}/on", entry(7)), "2026-12-09");
    office.one.edit(1, &day);
    office.meet().await;
    let stale = office.answer(&asked, seen, Deed::Accept, "").await;
    assert_eq!(stale, Err(NotAnswered::Stale));
    office.one.edit(1, &withdraw(7));
    office.meet().await;
    let seen = office.opened(&asked, 7).await.unwrap().seen;
    let gone = office.answer(&asked, seen, Deed::Accept, "").await;
    assert_eq!(gone, Err(NotAnswered::Answered(HandOverState::Withdrawn)));
    assert_eq!(office.register.owner(1).await.as_deref(), Some("a"));
}

#[tokio::test]
async fn only_the_side_that_is_asked_answers_and_only_the_other_takes_back() {
    let mut office = Office::proposed("e").await;
    let (giver, asked) = (
        office.reviewer(1, &["a"]).await,
        office.reviewer(2, &["s"]).await,
    );
    let stranger = office.reviewer(3, &["b"]).await;
    let seen = office.opened(&giver, 7).await.unwrap().seen;
    for (who, deed, wanted) in [
        (&giver, Deed::Accept, NotAnswered::NotYours),
        (&giver, Deed::Reject, NotAnswered::NotYours),
        (&asked, Deed::Withdraw, NotAnswered::NotYours),
        (&stranger, Deed::Accept, NotAnswered::Unknown),
    ] {
        let refused = office.answer(who, seen.clone(), deed, "因为").await;
        assert_eq!(refused, Err(wanted), "{deed:?}");
    }
    let taken_back = office
        .answer(&giver, seen, Deed::Withdraw, "留下来了")
        .await;
    assert_eq!(taken_back, Ok(HandOverState::Withdrawn));
    office.expect_agreement().await;
}

#[tokio::test]
async fn after_its_time_it_is_escalated_to_whoever_answers_for_both() {
    let office = Office::proposed("e").await;
    let both = office.reviewer(1, &["p"]).await;
    let (giver, asked) = (
        office.reviewer(2, &["n"]).await,
        office.reviewer(3, &["s"]).await,
    );
    let groups = |waiting: Vec<Waiting>| waiting.iter().map(|one| one.group).collect::<Vec<_>>();
    assert_eq!(
        groups(office.listed(&both, later(13)).await),
        [Group::Incoming]
    );
    assert_eq!(
        groups(office.listed(&both, later(14)).await),
        [Group::Escalated]
    );
    assert_eq!(
        groups(office.listed(&giver, later(14)).await),
        [Group::Outgoing]
    );
    assert_eq!(
        groups(office.listed(&asked, later(14)).await),
        [Group::Incoming]
    );
    let opened = office.opened(&both, 7).await.unwrap();
    assert_eq!(opened.may, [Deed::Accept, Deed::Reject, Deed::Withdraw]);
    let done = office.answer(&both, opened.seen, Deed::Accept, "").await;
    assert_eq!(done, Ok(HandOverState::Accepted));
    office.register.expect_sound().await;
}

#[tokio::test]
async fn a_family_that_refused_sharing_is_asked_before_it_is_taken_over() {
    let mut office = Office::new().await;
    let refused = Edit::RegisterHousehold(NewHousehold {
        area: Some(area("a")),
        consent: NewConsent {
            sharing: Some("refused".to_owned()),
            ..NewConsent::default()
        },
        persons: vec![NewPerson {
            id: Some(person(2)),
            name: "王2".to_owned(),
            ..NewPerson::default()
        }],
        ..NewHousehold::default()
    });
    office.one.edit(2, &refused);
    office.one.edit(2, &propose("e", 7));
    office.meet().await;
    let asked = office.reviewer(2, &["e"]).await;
    let by = asked.clone();
    let read = office.register.store.read("hand-over", move |tx| {
        page::read(tx, &by, (household(2), entry(7)), NOW)
    });
    let seen = read.await.unwrap();
    assert!(seen.checklist.unwrap().sharing_refused);
    let order = Answer {
        household: household(2),
        entry: entry(7),
        seen: seen.seen,
        deed: Deed::Accept,
        reason: String::new(),
        family: None,
        family_agrees: false,
    };
    let unasked = office.answer_as(&asked, order.clone()).await;
    assert_eq!(unasked, Err(NotAnswered::Unconfirmed));
    let agreed = Answer {
        family: None,
        family_agrees: true,
        ..order
    };
    assert_eq!(
        office.answer_as(&asked, agreed).await,
        Ok(HandOverState::Accepted)
    );
}

#[tokio::test]
async fn an_area_outside_the_tree_is_asked_in_vain_and_the_family_stays() {
    let office = Office::proposed("nowhere").await;
    let all = office.reviewer(1, &["p"]).await;
    assert_eq!(
        office.listed(&all, later(99)).await[0].group,
        Group::Outgoing
    );
    let opened = office.opened(&all, 7).await.unwrap();
    assert_eq!(opened.may, [Deed::Withdraw]);
    office.register.expect_sound().await;
}

/// A desk of somebody who is asked, and what it hands in.
async fn handed_in(office: &Office, by: &Reviewer, edit: &Edit) -> Vec<Fate> {
    let (by, edit) = (by.clone(), edit.clone());
    let draws = Draws::new(&Clock::system());
    let write = office.register.store.write("hand in", move |tx| {
        Desk::of(tx, by.staff, &by.areas, &by.kinds, &draws, NOW)?;
        let (device, key) = tx
            .query_opt(
                "SELECT device, signing_key FROM desks WHERE staff = ?1",
                params![by.staff.as_bytes()],
                |row| Ok((DeviceId::from_bytes(row.array(0)?), row.array::<32>(1)?)),
            )?
            .unwrap();
        let device = devices::get(tx, device)?.unwrap();
        let id = DocumentId::new(household(1), edit.document());
        let held = documents::load(tx, id)?;
        let (mut document, epoch) =
            held.map_or((Document::new(id), 1), |held| (held.document, held.epoch));
        let actor = ActorId(crate::clock::random());
        let author = Authorship {
            actor,
            staff: by.staff,
            area: by.areas[0].clone(),
            at: NOW,
        };
        let bytes = document.edit(&edit, &author).unwrap().bytes;
        let change = PushedChange {
            document: id,
            epoch,
            bytes,
        };
        let key = ed25519_dalek::SigningKey::from_bytes(&key);
        let grant = device.grant.version;
        let batch = Batch::sign(&key, actor, 1, CHAIN_START, grant, vec![change]);
        let weighed = ingest::weigh(tx, &device, &batch)?;
        ingest::settle(tx, &device, &batch, &weighed, NOW)
    });
    write.await.unwrap().fates
}

#[tokio::test]
async fn a_desk_that_is_asked_may_answer_and_do_nothing_else() {
    let aside = [Fate::Quarantined {
        reason: QuarantineReason::NotAuthorised,
    }];
    let accept = Edit::AnswerMove(sojourn_sync_protocol::record::MoveAnswer {
        r#move: entry(7),
        accept: true,
        reason: None,
        decision: None,
    });
    let asked = ["e"];
    for edit in [
        phone(9),
        set("residence/address", "别处"),
        move_to("b", 9),
        move_to("e", 9),
        withdraw(7),
        visit(2, 1),
        Edit::CorrectPerson {
            person: person(1),
            set: [("name".to_owned(), Some(Value::from("别人")))].into(),
        },
    ] {
        let office = Office::proposed("e").await;
        let by = office.reviewer(2, &asked).await;
        let fates = handed_in(&office, &by, &edit).await;
        assert_eq!(fates, aside, "{edit:?}");
        assert_eq!(office.register.owner(1).await.as_deref(), Some("a"));
    }
    let office = Office::proposed("e").await;
    let other = office.reviewer(3, &["b"]).await;
    assert_eq!(handed_in(&office, &other, &accept).await, aside);
    let by = office.reviewer(2, &asked).await;
    let fates = handed_in(&office, &by, &accept).await;
    assert_eq!(fates, [Fate::Accepted { late: false }]);
    office.register.expect_sound().await;
}

#[tokio::test]
async fn a_tablet_that_is_asked_has_no_say_in_it() {
    let mut office = Office::proposed("e").await;
    let mut there = office
        .register
        .tablet(crate::staff::Role::Worker, &["e"])
        .await;
    there.documents = office.one.documents.clone();
    there.edit(
        1,
        &Edit::AnswerMove(sojourn_sync_protocol::record::MoveAnswer {
            r#move: entry(7),
            accept: true,
            reason: None,
            decision: None,
        }),
    );
    let changes = std::mem::take(&mut there.outbox);
    let fates = there.push(&office.register, changes).await;
    assert!(matches!(fates[..], [Fate::Quarantined { .. }]), "{fates:?}");
    assert_eq!(office.register.owner(1).await.as_deref(), Some("a"));
}

#[tokio::test]
async fn families_in_are_families_out() {
    let mut office = Office::proposed("e").await;
    let asked = office.reviewer(2, &["e"]).await;
    let seen = office.opened(&asked, 7).await.unwrap().seen;
    office.answer(&asked, seen, Deed::Accept, "").await.unwrap();
    office.one.edit(2, &crate::rehearsal::register(2, "a"));
    office.one.edit(2, &move_to("b", 3));
    office.one.edit(3, &crate::rehearsal::register(3, "a"));
    office.one.edit(3, &propose("b", 8));
    office.one.sync(&office.register).await;
    let flows = |since: Timestamp| {
        let period = Period {
            since,
            until: later(1),
        };
        office.register.store.read("counts", move |tx| {
            counts::of_areas(tx, &[area("p")], period)
        })
    };
    let found = flows(NOW).await.unwrap();
    let of = |code: &str| found.get(&area(code)).copied().unwrap_or_default();
    assert_eq!((of("e").in_handed_over, of("a").out_handed_over), (1, 1));
    assert_eq!((of("b").in_at_once, of("a").out_at_once), (1, 1));
    assert_eq!((of("b").open_in, of("a").open_out), (1, 1));
    assert_eq!((of("n").out_handed_over, of("n").out_at_once), (1, 0));
    assert_eq!(of("p"), counts::Flow::default());
    let none = flows(later(1)).await.unwrap();
    assert!(
        none.values()
            .all(|flow| flow.in_at_once + flow.in_handed_over == 0)
    );
}

#[tokio::test]
async fn a_row_that_is_not_what_the_log_calls_for_is_named() {
    for (sql, problem) in [
        ("UPDATE handovers SET state = 'accepted'", "Differs"),
        ("UPDATE handovers SET proposed_at = 1", "Differs"),
        ("DELETE FROM handovers", "Missing"),
        (
            "UPDATE handovers SET entry = x'01a1ee565e0071018101010101010101'",
            "Stray",
        ),
    ] {
        let office = Office::proposed("e").await;
        let store = &office.register.store;
        let changed = store.write("tamper", move |tx| tx.execute(sql, params![]));
        assert_eq!(changed.await, Ok::<_, StoreError>(1));
        let report = check::check(store).await.unwrap();
        let named: Vec<String> = report
            .faults
            .iter()
            .map(|fault| format!("{:?} {}", fault.problem, fault.row))
            .collect();
        assert!(
            named
                .iter()
                .any(|one| one.starts_with(&format!("{problem} hand-over"))),
            "{sql}: {named:?}"
        );
    }
}
