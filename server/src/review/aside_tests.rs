use sojourn_sync_protocol::batch::PushedChange;
use sojourn_sync_protocol::message::{Fate, QuarantineReason};
use sojourn_sync_protocol::record::{
    Edit, HouseholdView, NewNeed, NewPerson, Shown, about_aside, decisions, view,
};
use sojourn_sync_protocol::{DecisionId, NeedId};

use super::*;
use crate::documents::FIRST_EPOCH;
use crate::rehearsal::{
    NOW, Tablet, core, health, household, move_to, person, phone, register, rename, visit,
};
use crate::review::case::{self, Case};
use crate::review::claims;
use crate::review::scene::{Office, address, addresses};
use crate::review::severity::Severity;
use crate::staff::Role;
use crate::store::StoreError;

impl Office {
    /// A tablet of another county, which has come by a copy of what one tablet of the village holds.
    async fn outsider(&mut self) -> Tablet {
        let mut outsider = self.register.tablet(Role::Worker, &["e"]).await;
        outsider.documents = self.one.documents.clone();
        outsider
    }

    /// Somebody writes where they may not.
    async fn kept_aside(&mut self, edits: &[Edit]) {
        let mut outsider = self.outsider().await;
        for edit in edits {
            outsider.edit(1, edit);
        }
        let changes = std::mem::take(&mut outsider.outbox);
        let fates = outsider.push(&self.register, changes).await;
        assert!(
            fates
                .iter()
                .all(|fate| matches!(fate, Fate::Quarantined { .. }))
        );
    }

    async fn questions(&self) -> Vec<QuestionId> {
        let waiting = self.queue().await;
        let id = |question: crate::review::queue::Question| QuestionId {
            household: question.household,
            kind: question.kind,
            document: question.document,
            subject: question.subject,
        };
        waiting.into_iter().map(id).collect()
    }

    async fn only_question(&self) -> QuestionId {
        let mut waiting = self.questions().await;
        assert_eq!(waiting.len(), 1, "{waiting:#?}");
        waiting.remove(0)
    }

    async fn read(&self, by: &Reviewer, question: &QuestionId) -> Result<Case, Objection> {
        let (by, question) = (by.clone(), question.clone());
        let read = self
            .register
            .store
            .read("case", move |tx| case::read(tx, &by, &question));
        read.await
    }

    async fn settle(&self, by: &Reviewer, choice: Choice) -> Result<Outcome, Objection> {
        let question = self.only_question().await;
        let seen = self.read(by, &question).await?.heads;
        let order = Order {
            question,
            seen,
            choice,
            reason: "问过家里".to_owned(),
        };
        self.decide(by, order).await
    }

    async fn settled(&self, by: &Reviewer, choice: Choice) -> DecisionId {
        match self.settle(by, choice).await {
            Ok(Outcome::Decided { decision }) => decision,
            other => panic!("it is decided, not {other:?}"),
        }
    }

    async fn shown(&self) -> HouseholdView {
        let health = health(1);
        let stored = self
            .register
            .store
            .read("health", move |tx| crate::documents::load(tx, health));
        let health = stored.await.unwrap().map(|held| held.document);
        view(household(1), &self.document(core(1)).await, health.as_ref()).unwrap()
    }

    async fn state_is(&self, wanted: &[State]) {
        let kept = self
            .register
            .store
            .read("kept", |tx| quarantine::of_household(tx, household(1)));
        let kept: Vec<State> = kept.await.unwrap().iter().map(|kept| kept.state).collect();
        assert_eq!(kept, wanted);
    }
}

fn adapt(path: &str, value: &str) -> Choice {
    Choice::Adapt {
        set: [(path.to_owned(), Some(Value::from(value)))].into(),
    }
}

#[tokio::test]
async fn a_change_kept_aside_is_shown_beside_the_record_and_adopted() {
    let mut office = Office::new().await;
    office.kept_aside(&[address("西街 2 号")]).await;
    let reviewer = office.reviewer(1, &["n"]).await;
    let [question] = &office.queue().await[..] else {
        panic!("one question waits");
    };
    assert_eq!(question.aside.as_deref(), Some("not-authorised"));
    assert_eq!(question.subject, question.change.to_string());
    assert_eq!(question.severity, Severity::Responsibility);
    let item = Item::new(question.kind, question.document, question.subject.clone());
    assert_eq!(item.about(), about_aside(&question.change));
    assert!(!question.needs_two);
    let case = office.read(&reviewer, &office.only_question().await).await;
    let case = case.unwrap();
    let aside = case.aside.unwrap();
    assert_eq!(aside.edit.as_deref(), Some("set"));
    assert_eq!(aside.handed_in.len(), 1);
    assert!(aside.registered && aside.left_out == 0);
    let difference = Difference {
        now: vec![Some(Value::from("村东头"))],
        would: Some(Value::from("西街 2 号")),
        needs_two: false,
    };
    assert_eq!(
        aside.fields,
        [("residence/address".to_owned(), difference)].into()
    );

    let decision = office.settled(&reviewer, Choice::Adopt {}).await;
    office.state_is(&[State::Decided]).await;
    assert!(office.queue().await.is_empty());
    office.expect_agreement().await;
    assert_eq!(addresses(&office.other), ["西街 2 号"]);
    let told = &decisions(&office.document(core(1)).await)[&decision];
    assert_eq!(told.outcome, Some(Shown::Agreed("adopted".to_owned())));
    assert_eq!(told.reason, Some(Shown::Agreed("问过家里".to_owned())));

    // Taken back, it waits as it did, and is refused now.
    assert_eq!(office.undo(&reviewer, decision).await, Ok(Outcome::Undone));
    office.expect_agreement().await;
    assert_eq!(addresses(&office.other), ["村东头"]);
    let refused = office.settled(&reviewer, Choice::Refuse {}).await;
    assert!(office.queue().await.is_empty());
    office.expect_agreement().await;
    assert_eq!(addresses(&office.one), ["村东头"]);
    // It was refused, which can be taken back too.
    assert_eq!(office.undo(&reviewer, refused).await, Ok(Outcome::Undone));
    office.state_is(&[State::Waits]).await;
    let question = office.only_question().await;
    let case = office.read(&reviewer, &question).await.unwrap();
    assert_eq!(case.earlier.len(), 2);
    office.register.expect_sound().await;
}

#[tokio::test]
async fn some_of_it_is_taken_and_nothing_beside_it() {
    let mut office = Office::new().await;
    let both = Edit::Set {
        set: [
            ("residence/address".to_owned(), Some(Value::from("西街"))),
            ("contact/note".to_owned(), Some(Value::from("晚上在家"))),
        ]
        .into(),
    };
    office.kept_aside(&[both]).await;
    let reviewer = office.reviewer(1, &["n"]).await;
    for wrong in [
        adapt("contact/phone", "10000000001"),
        Choice::Adapt { set: [].into() },
        Choice::Keep {},
    ] {
        let refused = office.settle(&reviewer, wrong).await;
        assert_eq!(refused, Err(Objection::NotAChoice));
    }
    let choice = adapt("residence/address", "西街 7 号");
    let decision = office.settled(&reviewer, choice).await;
    office.expect_agreement().await;
    assert_eq!(addresses(&office.one), ["西街 7 号"]);
    let shown = office.shown().await;
    assert_eq!(shown.contact.note, None);
    let outcome = shown.decisions[&decision].outcome.clone();
    assert_eq!(outcome, Some(Shown::Agreed("adapted".to_owned())));
}

#[tokio::test]
async fn two_people_add_somebody_and_it_can_be_taken_back() {
    let mut office = Office::new().await;
    let add = Edit::AddPerson(NewPerson {
        id: Some(person(2)),
        name: "王二".to_owned(),
        birth: Some("2020-02".to_owned()),
        ..NewPerson::default()
    });
    office.kept_aside(&[add]).await;
    let (first, second) = (
        office.reviewer(1, &["n"]).await,
        office.reviewer(2, &["p"]).await,
    );
    let is_there = |shown: &HouseholdView| {
        let found = shown.persons.get(&person(2));
        found.is_some_and(|person| person.removed.is_none())
    };
    for _ in 0..2 {
        assert!(office.queue().await[0].needs_two);
        let proposed = office.settle(&first, Choice::Adopt {}).await;
        assert_eq!(proposed, Ok(Outcome::Proposed));
        assert_eq!(office.queue().await[0].proposed_by, Some(first.staff));
        assert!(!is_there(&office.shown().await));
        let decision = office.settled(&second, Choice::Adopt {}).await;
        office.expect_agreement().await;
        assert!(is_there(&office.shown().await));
        assert!(office.queue().await.is_empty());
        assert_eq!(office.undo(&first, decision).await, Ok(Outcome::Undone));
        office.expect_agreement().await;
        assert!(!is_there(&office.shown().await));
    }
    // Only the name is taken; to refuse it, one is enough.
    let question = office.only_question().await;
    let case = office.read(&first, &question).await.unwrap();
    assert!(case.aside.unwrap().adds.is_empty());
    office.settled(&first, Choice::Refuse {}).await;
    assert!(office.queue().await.is_empty());
    office.register.expect_sound().await;
}

#[tokio::test]
async fn a_visit_and_a_need_are_added_even_where_nothing_was_written_before() {
    let need = NeedId::new(NOW, [1; 10]);
    let asked = Edit::NoteNeed(NewNeed {
        id: Some(need),
        kind: "school".to_owned(),
        text: "小学学位".to_owned(),
        person: Some(person(1)),
        ..NewNeed::default()
    });
    for edit in [visit(1, 1), asked] {
        let mut office = Office::new().await;
        let reviewer = office.reviewer(1, &["n"]).await;
        office.kept_aside(&[edit]).await;
        let decision = office.settled(&reviewer, Choice::Adopt {}).await;
        office.meet().await;
        office.register.expect_sound().await;
        let shown = office.shown().await;
        let counts = |shown: &HouseholdView| {
            let visits = shown.visits.values();
            let open = Some(Shown::Agreed("open".to_owned()));
            visits.filter(|visit| visit.removed.is_none()).count()
                + shown
                    .needs
                    .values()
                    .filter(|need| need.state == open)
                    .count()
        };
        assert_eq!(counts(&shown), 1);
        let document = match shown.visits.is_empty() {
            true => core(1).kind,
            false => health(1).kind,
        };
        let (store, live) = (&office.register.store, &office.register.live);
        let order = crate::review::decide::Undo {
            household: household(1),
            document,
            decision,
            reason: "看错了".to_owned(),
        };
        let undone =
            crate::review::decide::undo(store, live, &office.clock, reviewer.clone(), order).await;
        assert_eq!(undone, Ok(Outcome::Undone));
        assert_eq!(counts(&office.shown().await), 0);
        // It waits again, and counts again once it is adopted.
        let question = office.only_question().await;
        let needs_two = office.read(&reviewer, &question).await.unwrap().needs_two;
        let mut outcome = office.settle(&reviewer, Choice::Adopt {}).await;
        if needs_two {
            assert_eq!(outcome, Ok(Outcome::Proposed));
            let second = office.reviewer(2, &["n"]).await;
            outcome = office.settle(&second, Choice::Adopt {}).await;
        }
        assert!(
            matches!(outcome, Ok(Outcome::Decided { .. })),
            "{outcome:?}"
        );
        assert_eq!(counts(&office.shown().await), 1);
        office.meet().await;
        office.register.expect_sound().await;
    }
}

#[tokio::test]
async fn a_move_that_was_kept_aside_leads_to_an_area_of_the_tree() {
    let mut office = Office::new().await;
    office.kept_aside(&[move_to("nowhere", 1)]).await;
    let reviewer = office.reviewer(1, &["p"]).await;
    let nowhere = office.settle(&reviewer, Choice::Adopt {}).await;
    assert_eq!(nowhere, Err(Objection::UnknownArea("nowhere".to_owned())));
    office
        .settled(&reviewer, adapt("residence/area", "b"))
        .await;
    assert_eq!(office.register.owner(1).await.as_deref(), Some("b"));
    office.meet().await;
    office.register.expect_sound().await;

    let mut office = Office::new().await;
    office.kept_aside(&[move_to("e", 1)]).await;
    let reviewer = office.reviewer(1, &["p"]).await;
    office.settled(&reviewer, Choice::Adopt {}).await;
    assert_eq!(office.register.owner(1).await.as_deref(), Some("e"));
    assert_eq!(office.shown().await.moves.len(), 1);
    office.register.expect_sound().await;
}

#[tokio::test]
async fn what_builds_on_a_change_kept_aside_is_a_question_of_its_own() {
    let mut office = Office::new().await;
    let edits = [address("西街"), phone(7), rename(1, "王大")];
    office.kept_aside(&edits).await;
    let reviewer = office.reviewer(1, &["n"]).await;
    let waiting = office.questions().await;
    assert_eq!(waiting.len(), 3);
    for question in &waiting {
        let case = office.read(&reviewer, question).await.unwrap();
        let aside = case.aside.unwrap();
        assert_eq!((aside.fields.len(), aside.left_out), (1, 0));
        let order = Order {
            question: question.clone(),
            seen: case.heads,
            choice: Choice::Adopt {},
            reason: "问过家里".to_owned(),
        };
        let outcome = office.decide(&reviewer, order).await;
        match case.needs_two {
            true => assert_eq!(outcome, Ok(Outcome::Proposed)),
            false => assert!(matches!(outcome, Ok(Outcome::Decided { .. }))),
        }
    }
    // Who somebody is waits for a second person.
    assert_eq!(office.queue().await.len(), 1);
    office.expect_agreement().await;
}

#[tokio::test]
async fn several_tablets_that_hand_in_one_change_ask_one_question() {
    let mut office = Office::new().await;
    let mut first = office.outsider().await;
    first.edit(1, &address("西街"));
    let changes = std::mem::take(&mut first.outbox);
    let mut second = office.register.tablet(Role::Worker, &["b"]).await;
    for tablet in [&mut first, &mut second] {
        let fates = tablet.push(&office.register, changes.clone()).await;
        assert!(matches!(fates[..], [Fate::Quarantined { .. }]));
    }
    office.state_is(&[State::Again, State::Waits]).await;
    let reviewer = office.reviewer(1, &["n"]).await;
    let question = office.only_question().await;
    let case = office.read(&reviewer, &question).await.unwrap();
    assert_eq!(case.aside.unwrap().handed_in.len(), 2);
    office.settled(&reviewer, Choice::Refuse {}).await;
    // Handed in once more, it is still settled.
    let mut third = office.register.tablet(Role::Worker, &["b"]).await;
    third.push(&office.register, changes).await;
    assert!(office.queue().await.is_empty());
    office.register.expect_sound().await;
}

#[tokio::test]
async fn what_is_accepted_after_all_waits_no_more() {
    let mut office = Office::new().await;
    let reviewer = office.reviewer(1, &["n"]).await;
    office.one.edit(1, &address("西街"));
    let changes = std::mem::take(&mut office.one.outbox);
    // A copy of the tablet, whose chain went another way.
    let mut copy = office.one.clone();
    copy.previous = [9; 32];
    let fates = copy.push(&office.register, changes.clone()).await;
    assert_eq!(fates, [Fate::Fork]);
    let question = office.only_question().await;
    let claimed = |by: Reviewer, question: QuestionId| {
        let stamp = Stamp::fixed(NOW);
        office.register.store.write("claim", move |tx| {
            claims::claim(tx, &by, &question, (by.staff, claims::OPEN_MS), &stamp)
        })
    };
    let claim = claimed(reviewer.clone(), question.clone()).await;
    assert_eq!(office.queue().await[0].claim, claim.ok());
    let fates = office.one.push(&office.register, changes).await;
    assert_eq!(fates, [Fate::Accepted { late: false }]);
    office.state_is(&[State::Accepted]).await;
    assert!(office.queue().await.is_empty());
    let read = office.read(&reviewer, &question).await;
    assert_eq!(read, Err(Objection::Unknown));
    let claim = claimed(reviewer, question).await;
    assert_eq!(claim, Err(Objection::Unknown));
    office.register.expect_sound().await;
}

#[tokio::test]
async fn of_a_household_that_is_not_in_the_register_it_can_only_be_refused() {
    let mut office = Office::new().await;
    let mut outsider = office.outsider().await;
    outsider.edit(2, &register(2, "a"));
    let changes = std::mem::take(&mut outsider.outbox);
    outsider.push(&office.register, changes).await;
    // It waits where its author works.
    let reviewer = office.reviewer(1, &["s"]).await;
    let elsewhere = office.reviewer(2, &["n"]).await;
    let question = office.only_question().await;
    assert_eq!(office.queue().await[0].area.as_str(), "e");
    let unknown = office.read(&elsewhere, &question).await;
    assert_eq!(unknown, Err(Objection::Unknown));
    let case = office.read(&reviewer, &question).await.unwrap();
    assert_eq!((case.record, case.heads.len()), (None, 0));
    let aside = case.aside.unwrap();
    assert!(!aside.registered && !case.needs_two);
    let path = format!("persons/{}", person(2));
    assert_eq!(aside.adds, [path].into());
    let adopted = office.settle(&reviewer, Choice::Adopt {}).await;
    assert_eq!(adopted, Err(Objection::NotAChoice));
    let refused = office.settle(&reviewer, Choice::Refuse {}).await;
    assert_eq!(refused, Ok(Outcome::Refused));
    assert!(office.queue().await.is_empty());
    let order = Order {
        question,
        seen: Vec::new(),
        choice: Choice::Refuse {},
        reason: "重复登记".to_owned(),
    };
    let again = office.decide(&reviewer, order.clone()).await;
    assert_eq!(again, Err(Objection::Stale));
    let not_theirs = office.decide(&elsewhere, order).await;
    assert_eq!(not_theirs, Err(Objection::Unknown));
    office.register.expect_sound().await;
    let kept = office.register.store.read("refused", |tx| {
        tx.query(
            "SELECT refused_why FROM quarantine WHERE state = 'refused'",
            &[],
            |row| row.text(0),
        )
    });
    assert_eq!(kept.await.unwrap(), ["问过家里"]);
}

#[tokio::test]
async fn what_cannot_be_read_can_be_refused() {
    let mut office = Office::new().await;
    let mut outsider = office.outsider().await;
    outsider.edit(1, &address("西街"));
    let whole = outsider.outbox.remove(0);
    let mut cut = whole.clone();
    cut.bytes.truncate(40);
    let garbage = PushedChange {
        document: core(1),
        epoch: FIRST_EPOCH,
        bytes: b"no change at all".to_vec(),
    };
    let fates = outsider.push(&office.register, vec![cut, garbage]).await;
    let malformed = Fate::Quarantined {
        reason: QuarantineReason::Malformed,
    };
    assert_eq!(fates, [malformed.clone(), malformed]);
    let reviewer = office.reviewer(1, &["n"]).await;
    for question in office.questions().await {
        let case = office.read(&reviewer, &question).await.unwrap();
        let aside = case.aside.unwrap();
        assert!(aside.fields.is_empty() && aside.staff.is_none());
        let mut order = Order {
            question,
            seen: case.heads,
            choice: Choice::Adopt {},
            reason: "读不出来".to_owned(),
        };
        let adopted = office.decide(&reviewer, order.clone()).await;
        assert_eq!(adopted, Err(Objection::NotAChoice));
        order.choice = Choice::Refuse {};
        let refused = office.decide(&reviewer, order).await;
        assert!(matches!(refused, Ok(Outcome::Decided { .. })));
    }
    assert!(office.queue().await.is_empty());
    office.expect_agreement().await;
}

#[tokio::test]
async fn a_check_finds_what_does_not_stand_as_the_record_says() {
    let mut office = Office::new().await;
    office.kept_aside(&[address("西街")]).await;
    let reviewer = office.reviewer(1, &["n"]).await;
    let copy = office.register.back_up().await;
    office.settled(&reviewer, Choice::Adopt {}).await;
    for state in ["waits", "accepted", "again"] {
        let spoil = office.register.store.write("spoil", move |tx| {
            let sql = "UPDATE quarantine SET state = ?1";
            tx.execute(sql, crate::params![state])?;
            Ok::<_, StoreError>(())
        });
        spoil.await.unwrap();
        let report = crate::check::check(&office.register.store).await.unwrap();
        assert_eq!(report.faults_total, 1, "{state}");
    }
    // Put back to before the decision, it waits, as the record of then says.
    office.register.restore(&copy).await;
    office.register.expect_sound().await;
    office.only_question().await;
}
