use sojourn_sync_protocol::NeedId;
use sojourn_sync_protocol::message::QuarantineReason;
use sojourn_sync_protocol::record::{HouseholdView, NewNeed, NewPerson, Shown, VisitView, view};

use super::*;
use crate::rehearsal::{NOW, area, core, health, household, move_to, person, phone, rename, visit};
use crate::review::queue::{self, Filter};
use crate::review::scene::{Office, address, addresses};
use crate::review::severity::Severity;
use crate::staff::Role;

#[tokio::test]
async fn a_decision_reaches_both_tablets_with_its_reason() {
    let mut office = Office::new().await;
    office
        .contradict(&address("东一号"), &address("西二号"))
        .await;
    assert_eq!(addresses(&office.one), ["东一号", "西二号"]);
    let reviewer = office.reviewer(1, &["n"]).await;
    let choice = office.value("东一号").await;
    let decision = office.decided(&reviewer, choice).await;
    office.expect_agreement().await;
    assert!(office.queue().await.is_empty());
    for tablet in [&office.one, &office.other] {
        assert_eq!(addresses(tablet), ["东一号"]);
        let told = &decisions(&tablet.documents[&core(1)].1)[&decision];
        assert_eq!(told.reason, Some(Shown::Agreed("看过证件".to_owned())));
        let about = "contradiction residence/address".to_owned();
        assert_eq!(told.about, Some(Shown::Agreed(about)));
    }
    // Values written apart later open it again, and the decision stays beside it.
    office.one.edit(1, &address("南三号"));
    office.other.edit(1, &address("北四号"));
    office.meet().await;
    let again = office.queue().await;
    assert_eq!(again.len(), 1);
    assert_eq!(decisions(&office.document(core(1)).await).len(), 1);
}

#[tokio::test]
async fn what_changed_since_somebody_looked_is_not_settled_by_what_they_saw() {
    let mut office = Office::new().await;
    office
        .contradict(&address("东一号"), &address("西二号"))
        .await;
    let reviewer = office.reviewer(1, &["n"]).await;
    let choice = office.value("东一号").await;
    let order = office.order(choice).await;
    office.one.edit(1, &phone(7));
    office.meet().await;
    let before = office.document(core(1)).await.heads();
    assert_eq!(
        office.decide(&reviewer, order.clone()).await,
        Err(Objection::Stale)
    );
    assert_eq!(office.document(core(1)).await.heads(), before);
    // Settled once, it cannot be settled again.
    let order = Order {
        seen: before,
        ..order
    };
    assert!(office.decide(&reviewer, order.clone()).await.is_ok());
    assert_eq!(office.decide(&reviewer, order).await, Err(Objection::Stale));
    office.expect_agreement().await;
}

#[tokio::test]
async fn nobody_settles_what_is_not_theirs() {
    let mut office = Office::new().await;
    office
        .contradict(&address("东一号"), &address("西二号"))
        .await;
    let order = office.order(office.value("东一号").await).await;
    let elsewhere = office.reviewer(1, &["s"]).await;
    assert_eq!(
        office.decide(&elsewhere, order.clone()).await,
        Err(Objection::Unknown)
    );
    let mut clerk = office.reviewer(2, &["n"]).await;
    clerk.kinds = vec![DocKind::Health];
    assert_eq!(
        office.decide(&clerk, order.clone()).await,
        Err(Objection::Unknown)
    );
    let reviewer = office.reviewer(3, &["n"]).await;
    for reason in ["", "  ", &"长".repeat(REASON_CHARS_MAX + 1), "a\u{7}"] {
        let order = Order {
            reason: reason.to_owned(),
            ..order.clone()
        };
        assert_eq!(
            office.decide(&reviewer, order).await,
            Err(Objection::Reason)
        );
    }
    for choice in [
        Choice::Keep {},
        Choice::Restore {},
        Choice::PutBack {},
        Choice::Value {
            change: ChangeHash([7; 32]),
        },
    ] {
        let order = Order {
            choice,
            ..order.clone()
        };
        assert_eq!(
            office.decide(&reviewer, order).await,
            Err(Objection::NotAChoice)
        );
    }
    assert_eq!(office.queue().await.len(), 1);
}

#[tokio::test]
async fn two_people_decide_who_somebody_is() {
    let mut office = Office::new().await;
    office
        .contradict(&rename(1, "王一"), &rename(1, "王壹"))
        .await;
    let first = office.reviewer(1, &["n"]).await;
    let second = office.reviewer(2, &["p"]).await;
    let order = office.order(office.value("王壹").await).await;
    assert_eq!(office.queue().await[0].severity, Severity::Identity);
    for _ in 0..2 {
        assert_eq!(
            office.decide(&first, order.clone()).await,
            Ok(Outcome::Proposed)
        );
        assert_eq!(office.queue().await[0].proposed_by, Some(first.staff));
    }
    // Another choice is another proposal; a wrong one is none.
    let wrong = Order {
        choice: Choice::Other { value: None },
        ..order.clone()
    };
    assert!(matches!(
        office.decide(&second, wrong).await,
        Err(Objection::Edit(_))
    ));
    let another = Order {
        choice: office.value("王一").await,
        ..order.clone()
    };
    assert_eq!(office.decide(&second, another).await, Ok(Outcome::Proposed));
    // Who agrees need not say why.
    let agree = Order {
        choice: office.value("王一").await,
        reason: String::new(),
        ..order
    };
    let Ok(Outcome::Decided { decision }) = office.decide(&first, agree).await else {
        panic!("two people agree");
    };
    office.expect_agreement().await;
    let document = office.document(core(1)).await;
    let told = &decisions(&document)[&decision];
    assert_eq!(told.seconded, Some(Shown::Agreed(second.staff.to_string())));
    let shown = view(household(1), &document, None).unwrap();
    assert_eq!(
        shown.persons[&person(1)].name,
        Some(Shown::Agreed("王一".to_owned()))
    );
}

#[tokio::test]
async fn what_was_proposed_ends_with_the_question() {
    let mut office = Office::new().await;
    let (one, other) = (rename(1, "王一"), rename(1, "王壹"));
    office.contradict(&one, &other).await;
    let first = office.reviewer(1, &["n"]).await;
    let order = office.order(office.value("王壹").await).await;
    assert_eq!(office.decide(&first, order).await, Ok(Outcome::Proposed));
    // Staff settle it themselves, and contradict each other again later.
    office.one.edit(1, &one);
    office.meet().await;
    assert!(office.queue().await.is_empty());
    office
        .contradict(&rename(1, "王三"), &rename(1, "王四"))
        .await;
    assert_eq!(office.queue().await[0].proposed_by, None);
}

#[tokio::test]
async fn taking_a_decision_back_lets_both_values_stand_again() {
    let mut office = Office::new().await;
    office
        .contradict(&address("东一号"), &address("西二号"))
        .await;
    let reviewer = office.reviewer(1, &["n"]).await;
    for choice in [
        office.value("东一号").await,
        Choice::Other {
            value: Some(Value::from("中五号")),
        },
        Choice::Other { value: None },
    ] {
        let choice = match choice {
            // The values that stand now were written by those who took the last decision back.
            Choice::Value { .. } => office.value("东一号").await,
            other => other,
        };
        let decision = office.decided(&reviewer, choice).await;
        office.expect_agreement().await;
        assert!(office.queue().await.is_empty());
        assert_eq!(office.undo(&reviewer, decision).await, Ok(Outcome::Undone));
        assert_eq!(
            office.undo(&reviewer, decision).await,
            Err(Objection::UndoneAlready)
        );
        office.expect_agreement().await;
        assert_eq!(addresses(&office.one), ["东一号", "西二号"]);
        assert_eq!(office.queue().await.len(), 1);
    }
    // What somebody wrote over it since is not taken from them.
    let decision = office
        .decided(&reviewer, office.value("西二号").await)
        .await;
    office.meet().await;
    office.other.edit(1, &address("新六号"));
    office.meet().await;
    assert_eq!(
        office.undo(&reviewer, decision).await,
        Err(Objection::Stale)
    );
    let nobodys = DecisionId::new(NOW, [99; 10]);
    assert_eq!(
        office.undo(&reviewer, nobodys).await,
        Err(Objection::Unknown)
    );
}

#[tokio::test]
async fn a_late_edit_waits_until_somebody_has_seen_it() {
    let mut office = Office::new().await;
    let reviewer = office.reviewer(1, &["p"]).await;
    office.one.edit(1, &move_to("e", 1));
    office.one.sync(&office.register).await;
    office.other.edit(1, &phone(9));
    office.other.sync(&office.register).await;
    let waiting = office.queue().await;
    assert_eq!(waiting[0].kind, ReviewKind::LateEdit);
    let decision = office.decided(&reviewer, Choice::Keep {}).await;
    assert!(office.queue().await.is_empty());
    office.register.expect_sound().await;
    assert_eq!(office.undo(&reviewer, decision).await, Ok(Outcome::Undone));
    assert_eq!(office.queue().await[0].kind, ReviewKind::LateEdit);
    office.register.expect_sound().await;
    // It is put back now: the family never had that number.
    office.decided(&reviewer, Choice::PutBack {}).await;
    office.register.expect_sound().await;
    assert!(office.queue().await.is_empty());
    let shown = view(household(1), &office.document(core(1)).await, None).unwrap();
    assert_eq!(shown.contact.phone, None);
    assert_eq!(shown.decisions.len(), 2);
}

#[tokio::test]
async fn what_a_late_edit_added_is_marked_as_a_mistake_when_it_is_put_back() {
    type IsPutBack = fn(&HouseholdView) -> bool;
    let added: [(Edit, IsPutBack); 3] = [
        (visit(5, 1), |shown| {
            let removed = |visit: &VisitView| visit.removed.is_some();
            shown.visits.values().filter(|one| removed(one)).count() == 1
        }),
        (
            Edit::AddPerson(NewPerson {
                id: Some(person(2)),
                name: "王二".to_owned(),
                ..NewPerson::default()
            }),
            |shown| shown.persons[&person(2)].removed.is_some(),
        ),
        (
            Edit::NoteNeed(NewNeed {
                id: Some(NeedId::new(NOW, [1; 10])),
                kind: "school".to_owned(),
                text: "小学学位".to_owned(),
                ..NewNeed::default()
            }),
            |shown| {
                let withdrawn = Some(Shown::Agreed("withdrawn".to_owned()));
                shown.needs.values().all(|need| need.state == withdrawn)
            },
        ),
    ];
    for (late, is_put_back) in added {
        let mut office = Office::new().await;
        let reviewer = office.reviewer(1, &["p"]).await;
        office.one.edit(1, &visit(1, 1));
        office.meet().await;
        office.one.edit(1, &move_to("e", 1));
        office.one.sync(&office.register).await;
        office.other.edit(1, &late);
        office.other.sync(&office.register).await;
        let decision = office.decided(&reviewer, Choice::PutBack {}).await;
        office.register.expect_sound().await;
        let health = office.document(health(1)).await;
        let shown = view(household(1), &office.document(core(1)).await, Some(&health)).unwrap();
        assert!(is_put_back(&shown), "{shown:#?}");
        assert!(shown.decisions.contains_key(&decision));
        assert!(office.queue().await.is_empty());
    }
}

#[tokio::test]
async fn a_removal_and_an_edit_made_apart_are_settled_by_two() {
    for keeps in [true, false] {
        let mut office = Office::new().await;
        let removal = Edit::RemovePerson {
            person: person(1),
            reason: "moved-away".to_owned(),
            on: None,
            note: None,
            to: None,
        };
        office.contradict(&removal, &rename(1, "王大")).await;
        assert_eq!(office.queue().await[0].kind, ReviewKind::EditOfRemoved);
        let (first, second) = (
            office.reviewer(1, &["n"]).await,
            office.reviewer(2, &["n"]).await,
        );
        let choice = || match keeps {
            true => Choice::Keep {},
            false => Choice::Restore {},
        };
        let order = office.order(choice()).await;
        assert_eq!(office.decide(&first, order).await, Ok(Outcome::Proposed));
        let decision = office.decided(&second, choice()).await;
        office.expect_agreement().await;
        assert!(office.queue().await.is_empty());
        let removed = |document: &Document| {
            let shown = view(household(1), document, None).unwrap();
            shown.persons[&person(1)].removed.is_some()
        };
        assert_eq!(removed(&office.document(core(1)).await), keeps);
        assert_eq!(office.undo(&first, decision).await, Ok(Outcome::Undone));
        office.expect_agreement().await;
        assert!(removed(&office.document(core(1)).await));
        assert_eq!(office.queue().await[0].kind, ReviewKind::EditOfRemoved);
    }
}

#[tokio::test]
async fn a_contested_residence_is_settled_and_taken_back() {
    let mut office = Office::new().await;
    let mut both = office.register.tablet(Role::Worker, &["p"]).await;
    both.sync(&office.register).await;
    both.edit(1, &move_to("b", 1));
    office.one.edit(1, &move_to("e", 2));
    both.sync(&office.register).await;
    office.one.sync(&office.register).await;
    let waiting = office.queue().await;
    let contested = waiting
        .iter()
        .find(|q| q.kind == ReviewKind::ContestedResidence);
    let contested = contested.expect("two moves made apart").clone();
    let reviewer = office.reviewer(1, &["p"]).await;
    let order = |seen, value: &str| Order {
        question: QuestionId {
            household: household(1),
            kind: contested.kind,
            document: contested.document,
            subject: contested.subject.clone(),
        },
        seen,
        choice: Choice::Other {
            value: Some(Value::from(value)),
        },
        reason: "房东证明".to_owned(),
    };
    let seen = office.document(core(1)).await.heads();
    let nowhere = office
        .decide(&reviewer, order(seen.clone(), "nowhere"))
        .await;
    assert_eq!(nowhere, Err(Objection::UnknownArea("nowhere".to_owned())));
    let Ok(Outcome::Decided { decision }) = office.decide(&reviewer, order(seen, "e")).await else {
        panic!("the residence is decided");
    };
    assert_eq!(office.register.owner(1).await.as_deref(), Some("e"));
    office.register.expect_sound().await;
    assert_eq!(office.undo(&reviewer, decision).await, Ok(Outcome::Undone));
    office.register.expect_sound().await;
    let waiting = office.queue().await;
    assert!(
        waiting
            .iter()
            .any(|q| q.kind == ReviewKind::ContestedResidence)
    );
    both.sync(&office.register).await;
    assert_eq!(
        both.documents[&core(1)].1.heads(),
        office.document(core(1)).await.heads()
    );
}

#[tokio::test]
async fn a_tablet_does_not_decide_in_a_reviewers_name() {
    let mut office = Office::new().await;
    let decide = Edit::Decide(NewDecision {
        id: Some(DecisionId::new(NOW, [1; 10])),
        document: DocKind::Core,
        about: "contradiction residence/address".to_owned(),
        reason: "自己定的".to_owned(),
        seconded: None,
        outcome: None,
        takes_over: false,
        goes_on: None,
        set: Assignments::new(),
    });
    office.one.edit(1, &decide);
    let changes = std::mem::take(&mut office.one.outbox);
    let fates = office.one.push(&office.register, changes).await;
    let reason = QuarantineReason::NotAuthorised;
    assert_eq!(fates, [Fate::Quarantined { reason }]);
    assert!(decisions(&office.document(core(1)).await).is_empty());
}

#[tokio::test]
async fn while_somebody_is_at_work_on_it_nobody_else_settles_it() {
    let mut office = Office::new().await;
    office
        .contradict(&address("东一号"), &address("西二号"))
        .await;
    let (first, second) = (
        office.reviewer(1, &["n"]).await,
        office.reviewer(2, &["n"]).await,
    );
    let order = office.order(office.value("东一号").await).await;
    let claimed = |by: &Reviewer, holder: &Reviewer, millis: i64| {
        let (by, holder) = (by.clone(), (holder.staff, millis));
        let (store, question) = (office.register.store.clone(), order.question.clone());
        async move {
            store
                .write("claim", move |tx| {
                    claims::claim(tx, &by, &question, holder, &Stamp::fixed(NOW))
                })
                .await
        }
    };
    let claim = claimed(&first, &first, claims::OPEN_MS).await.unwrap();
    assert_eq!(office.queue().await[0].claim, Some(claim));
    let kept = Objection::Claimed(claim);
    let decided = office.decide(&second, order.clone()).await;
    assert_eq!(decided, Err(kept.clone()));
    assert_eq!(claimed(&second, &second, 1).await, Err(kept));
    // Who has it gives it to somebody else.
    let given = claimed(&first, &second, claims::ASSIGNED_MS).await.unwrap();
    assert_eq!(given.staff, second.staff);
    let decided = office.decide(&first, order.clone()).await;
    assert_eq!(decided, Err(Objection::Claimed(given)));
    let (by, question) = (second.clone(), order.question.clone());
    let released = office.register.store.write("release", move |tx| {
        claims::release(tx, &by, &question, &Stamp::fixed(NOW))
    });
    released.await.unwrap();
    assert_eq!(office.queue().await[0].claim, None);
    // One that has ended keeps nobody away.
    claimed(&first, &first, 0).await.unwrap();
    assert!(office.decide(&second, order.clone()).await.is_ok());
    // What is settled is nobody's to claim.
    assert_eq!(claimed(&first, &first, 1).await, Err(Objection::Unknown));
}

#[tokio::test]
async fn the_queue_shows_what_matters_most_first_page_by_page() {
    let mut office = Office::new().await;
    office.one.edit(1, &visit(1, 1));
    office.meet().await;
    let allergy = |text: &str| Edit::SetHealth {
        person: person(1),
        set: [("allergy".to_owned(), Some(Value::from(text)))].into(),
    };
    office
        .contradict(&address("东一号"), &address("西二号"))
        .await;
    office
        .contradict(&rename(1, "王一"), &rename(1, "王壹"))
        .await;
    office
        .contradict(&allergy("青霉素"), &allergy("花生"))
        .await;
    let waiting = office.queue().await;
    let severities: Vec<Severity> = waiting.iter().map(|q| q.severity).collect();
    assert_eq!(
        severities,
        [Severity::Safety, Severity::Identity, Severity::Service]
    );
    assert_eq!(waiting[0].document, health(1).kind);
    let page = |filter: Filter, after: Option<queue::Place>, codes: &[&str]| {
        let areas: Vec<AreaCode> = codes.iter().map(|code| area(code)).collect();
        let store = office.register.store.clone();
        async move {
            store
                .read("queue", move |tx| {
                    queue::page(tx, &areas, &filter, after.as_ref(), 1, NOW)
                })
                .await
                .unwrap()
        }
    };
    let mut after = None;
    let mut seen = Vec::new();
    loop {
        let found = page(Filter::default(), after, &["n"]).await;
        assert_eq!(found.total, 3);
        seen.extend(found.questions);
        after = found.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, waiting);
    let total = |filter: Filter, codes: &'static [&'static str]| {
        let found = page(filter, None, codes);
        async move { found.await.total }
    };
    assert_eq!(total(Filter::default(), &["s"]).await, 0);
    let of = |filter: Filter| total(filter, &["p"]);
    assert_eq!(
        of(Filter {
            area: Some(area("b")),
            ..Filter::default()
        })
        .await,
        0
    );
    assert_eq!(
        of(Filter {
            area: Some(area("a")),
            ..Filter::default()
        })
        .await,
        3
    );
    assert_eq!(
        of(Filter {
            severity: Some(Severity::Safety),
            ..Filter::default()
        })
        .await,
        1
    );
    assert_eq!(
        of(Filter {
            proposed: true,
            ..Filter::default()
        })
        .await,
        0
    );
    let kind = Some(ReviewKind::LateEdit);
    assert_eq!(
        of(Filter {
            kind,
            ..Filter::default()
        })
        .await,
        0
    );
}

#[tokio::test]
async fn a_restored_register_does_not_give_a_desks_numbers_out_twice() {
    let mut office = Office::new().await;
    office
        .contradict(&address("东一号"), &address("西二号"))
        .await;
    let reviewer = office.reviewer(1, &["n"]).await;
    let copy = office.register.back_up().await;
    office
        .decided(&reviewer, office.value("东一号").await)
        .await;
    office.meet().await;
    let lost = office.document(core(1)).await;
    office.register.restore(&copy).await;
    office
        .decided(&reviewer, office.value("西二号").await)
        .await;
    let now = office.document(core(1)).await;
    // Both can be held together: no number of one author stands for two changes.
    let both = now.with_changes(
        &lost
            .changes()
            .iter()
            .map(|change| change.bytes.as_slice())
            .collect::<Vec<_>>(),
    );
    assert_eq!(decisions(&both.unwrap()).len(), 2);
}
