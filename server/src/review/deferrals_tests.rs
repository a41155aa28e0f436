use sojourn_sync_protocol::message::{Fate, QuarantineReason};
use sojourn_sync_protocol::record::{Edit, HouseholdView, NewNeed, view};
use sojourn_sync_protocol::{NeedId, Timestamp};

use super::{ASKED_MS, PUT_OFF_MS_MAX, PutOff};
use crate::audit;
use crate::console::questions::{ask, put_off, question, take_up};
use crate::duplicates::scene::{Counties, FAMILY, correct, question as pair, someone};
use crate::rehearsal::{NOW, Tablet, area, core, household, phone, set};
use crate::review::decide::{Choice, Objection, Order, QuestionId, Reviewer};
use crate::review::queue::{self, Filter, Question};
use crate::review::scene::{Office, address};
use crate::staff::Role;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Two addresses that contradict each other, and a reviewer of the village.
async fn asked_about() -> (Office, Reviewer, QuestionId) {
    let mut office = Office::new().await;
    office
        .contradict(&address("东一号"), &address("西二号"))
        .await;
    let reviewer = office.reviewer(1, &["a"]).await;
    let question = office.order(Choice::Keep {}).await.question;
    (office, reviewer, question)
}

fn signed(who: &Reviewer) -> crate::accounts::sessions::SignedIn {
    crate::accounts::sessions::SignedIn::rehearsed(who.staff, &who.areas)
}

async fn listed(office: &Office, filter: Filter, at: Timestamp) -> (Vec<Question>, usize) {
    let all = [area("p")];
    let page = office.register.store.read("queue", move |tx| {
        queue::page(tx, &all, &filter, None, 100, at)
    });
    let page = page.await.unwrap();
    (page.questions, page.put_off)
}

async fn waiting(office: &Office, at: Timestamp) -> usize {
    listed(office, Filter::default(), at).await.0.len()
}

async fn put(
    office: &Office,
    who: &Reviewer,
    id: &QuestionId,
    days: i64,
) -> Result<PutOff, Objection> {
    let order = (
        id.clone(),
        NOW.plus_millis(days * DAY_MS),
        "等家人回来".to_owned(),
    );
    let register = &office.register;
    put_off(
        &register.store,
        &register.live,
        &office.clock,
        &signed(who),
        order,
    )
    .await
}

async fn asking(office: &Office, who: &Reviewer, id: &QuestionId) -> Result<NeedId, Objection> {
    let (register, order) = (
        &office.register,
        (id.clone(), "门牌是东一号吗？".to_owned()),
    );
    let asked = ask(
        &register.store,
        &register.live,
        &office.clock,
        &signed(who),
        order,
    )
    .await?;
    Ok(asked.asked.unwrap())
}

async fn up(office: &Office, who: &Reviewer, id: &QuestionId) -> Result<(), Objection> {
    let register = &office.register;
    take_up(
        &register.store,
        &register.live,
        &office.clock,
        &signed(who),
        id.clone(),
    )
    .await
}

fn shown(tablet: &Tablet) -> HouseholdView {
    view(household(1), &tablet.documents[&core(1)].1, None).unwrap()
}

#[tokio::test]
async fn what_is_put_off_is_not_in_the_queue_until_its_day_and_then_it_is() {
    let (office, reviewer, id) = asked_about().await;
    let until = put(&office, &reviewer, &id, 7).await.unwrap().until;
    assert_eq!(waiting(&office, NOW).await, 0);
    let put_off = Filter {
        put_off: true,
        ..Filter::default()
    };
    let (found, many) = listed(&office, put_off.clone(), NOW).await;
    assert_eq!((found.len(), many), (1, 1));
    let kept = found[0].put_off.as_ref().unwrap();
    assert_eq!(
        (kept.staff, kept.reason.as_str()),
        (reviewer.staff, "等家人回来")
    );
    assert_eq!(waiting(&office, until).await, 1);
    assert_eq!(listed(&office, put_off, until).await, (Vec::new(), 0));
    office.register.expect_sound().await;
}

#[tokio::test]
async fn it_is_put_off_for_a_while_with_a_reason_and_by_whose_it_is() {
    let (office, reviewer, id) = asked_about().await;
    let elsewhere = office.reviewer(2, &["e"]).await;
    assert_eq!(
        put(&office, &elsewhere, &id, 7).await,
        Err(Objection::Unknown)
    );
    for days in [0, -1, PUT_OFF_MS_MAX / DAY_MS + 1] {
        assert_eq!(
            put(&office, &reviewer, &id, days).await,
            Err(Objection::NotAChoice)
        );
    }
    let order = (id.clone(), NOW.plus_millis(DAY_MS), " ".to_owned());
    let register = &office.register;
    let who = signed(&reviewer);
    let none = put_off(&register.store, &register.live, &office.clock, &who, order);
    assert_eq!(none.await, Err(Objection::Reason));
    assert_eq!(up(&office, &reviewer, &id).await, Err(Objection::Stale));
    assert_eq!(waiting(&office, NOW).await, 1);
    put(&office, &reviewer, &id, 7).await.unwrap();
    up(&office, &reviewer, &id).await.unwrap();
    assert_eq!(waiting(&office, NOW).await, 1);
    let trail = register
        .store
        .read("trail", |tx| audit::page(tx, &[area("a")], None, 10));
    let trail = trail.await.unwrap();
    let mut told: Vec<&str> = trail
        .entries
        .iter()
        .map(|entry| entry.action.name())
        .collect();
    told.sort_unstable();
    assert_eq!(told, ["question-put-off", "question-taken-up"]);
}

#[tokio::test]
async fn it_comes_back_when_what_it_is_between_changes_and_not_for_anything_else() {
    let (mut office, reviewer, id) = asked_about().await;
    put(&office, &reviewer, &id, 7).await.unwrap();
    office.one.edit(1, &phone(7));
    office.meet().await;
    assert_eq!(waiting(&office, NOW).await, 0);
    // A third value, by who has not seen that the two contradict each other.
    let mut third = office.register.tablet(Role::Worker, &["a"]).await;
    third.sync(&office.register).await;
    let mut fourth = office.register.tablet(Role::Worker, &["a"]).await;
    fourth.sync(&office.register).await;
    third.edit(1, &address("南三号"));
    fourth.edit(1, &address("北四号"));
    third.sync(&office.register).await;
    fourth.sync(&office.register).await;
    assert_eq!(waiting(&office, NOW).await, 1);
    assert_eq!(up(&office, &reviewer, &id).await, Err(Objection::Stale));
}

#[tokio::test]
async fn a_possible_duplicate_comes_back_when_its_evidence_changes_and_not_for_anything_else() {
    let mut counties = Counties::new().await;
    let above = counties.reviewer(1, &["p"]).await;
    let gone = Edit::RemovePerson {
        person: someone(2, 2),
        reason: "moved-away".to_owned(),
        on: None,
        note: None,
        to: None,
    };
    let other_evidence = [
        correct(2, 0, "birth", FAMILY[0].1),
        correct(2, 1, "name", FAMILY[1].0),
        gone,
    ];
    for (at, later) in other_evidence.iter().enumerate() {
        let by = above.clone();
        let off = counties.register.store.write("put off", move |tx| {
            let order = (NOW.plus_millis(7 * DAY_MS), "等家人回来");
            super::put_off(tx, &by, &pair(), order, &audit::Stamp::fixed(NOW))
        });
        off.await.unwrap();
        assert!(counties.queue(&["p"]).await.is_empty());
        let note = set("contact/note", &format!("第{at}次没遇到人"));
        counties.south.edit(2, &note);
        counties.north.edit(1, &note);
        counties.meet().await;
        assert!(counties.queue(&["p"]).await.is_empty());
        counties.south.edit(2, later);
        counties.meet().await;
        assert_eq!(counties.queue(&["p"]).await.len(), 1, "{later:?}");
    }
    counties.register.expect_sound().await;
}

#[tokio::test]
async fn it_ends_with_the_question() {
    let (mut office, reviewer, id) = asked_about().await;
    let value = office.value("东一号").await;
    let order = office.order(value).await;
    put(&office, &reviewer, &id, 7).await.unwrap();
    office.decide(&reviewer, order).await.unwrap();
    office.meet().await;
    // Asked anew, it is another question.
    office
        .contradict(&address("东五号"), &address("西六号"))
        .await;
    assert_eq!(waiting(&office, NOW).await, 1);
    office.expect_agreement().await;
}

#[tokio::test]
async fn the_field_is_asked_answers_and_the_question_comes_back_with_the_answer() {
    let (mut office, reviewer, id) = asked_about().await;
    let elsewhere = office.reviewer(2, &["e"]).await;
    assert_eq!(
        asking(&office, &elsewhere, &id).await,
        Err(Objection::Unknown)
    );
    let need = asking(&office, &reviewer, &id).await.unwrap();
    assert_eq!(waiting(&office, NOW).await, 0);
    assert_eq!(waiting(&office, NOW.plus_millis(ASKED_MS)).await, 1);
    assert_eq!(
        asking(&office, &reviewer, &id).await,
        Err(Objection::NotAChoice)
    );
    assert_eq!(
        put(&office, &reviewer, &id, 7).await,
        Err(Objection::NotAChoice)
    );
    office.meet().await;
    let asked: Vec<NeedId> = shown(&office.other).asked().map(|(need, _)| need).collect();
    assert_eq!(asked, [need]);
    office.other.edit(1, &Edit::answer_to(need, "是，刚去看过"));
    office.meet().await;
    assert_eq!(waiting(&office, NOW).await, 1);
    assert_eq!(shown(&office.one).asked().count(), 0);
    let who = signed(&reviewer);
    let read = question(&office.register.store, &office.clock, &who, id.clone());
    let read = read.await.unwrap();
    assert_eq!(read.put_off, None);
    let said: Vec<_> = read
        .answers
        .iter()
        .map(|one| (one.asked, one.answer.as_str()))
        .collect();
    assert_eq!(said, [(need, "是，刚去看过")]);
    office.expect_agreement().await;
}

#[tokio::test]
async fn nobody_is_left_looking_for_an_answer_that_is_not_wanted_any_more() {
    let (mut office, reviewer, id) = asked_about().await;
    asking(&office, &reviewer, &id).await.unwrap();
    up(&office, &reviewer, &id).await.unwrap();
    office.meet().await;
    assert_eq!(shown(&office.one).asked().count(), 0);
    assert_eq!(waiting(&office, NOW).await, 1);
    let value = office.value("东一号").await;
    asking(&office, &reviewer, &id).await.unwrap();
    office.meet().await;
    assert_eq!(shown(&office.one).asked().count(), 1);
    let seen = office.document(core(1)).await.heads();
    let order = Order {
        question: id,
        seen,
        choice: value,
        reason: "看过门牌".to_owned(),
    };
    office.decide(&reviewer, order).await.unwrap();
    office.meet().await;
    assert_eq!(shown(&office.one).asked().count(), 0);
    office.expect_agreement().await;
}

#[tokio::test]
async fn a_tablet_cannot_ask_as_a_reviewer_does() {
    let mut office = Office::new().await;
    office.one.edit(
        1,
        &Edit::NoteNeed(NewNeed {
            id: Some(NeedId::new(NOW, [1; 10])),
            kind: "other".to_owned(),
            text: "谁住在这里？".to_owned(),
            asks: Some("contradiction 0011223344556677".to_owned()),
            ..NewNeed::default()
        }),
    );
    let changes = std::mem::take(&mut office.one.outbox);
    let fates = office.one.push(&office.register, changes).await;
    let reason = QuarantineReason::NotAuthorised;
    assert_eq!(fates, [Fate::Quarantined { reason }]);
}
