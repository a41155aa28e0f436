use sojourn_sync_protocol::PersonId;
use sojourn_sync_protocol::record::{HouseholdView, Pairs, Shown};

use super::super::joining_scene::{Meeting, QuestionOf, apart, into, third_question, visit};
use super::*;
use crate::duplicates::scene::{Counties, FAMILY, correct, decided, family, someone};
use crate::rehearsal::{core, household, set};
use crate::review::ReviewKind;
use crate::review::decide::{Choice, Order, Outcome};
use crate::review::queue::Question;
use crate::staff::Role;

#[tokio::test]
async fn one_record_goes_on_with_what_both_had_and_the_other_says_so() {
    let mut meeting = Meeting::new().await;
    let before = meeting.shown().await;
    let decision = meeting.join(1).await;
    let [ours, theirs] = meeting.shown().await;
    assert_eq!(ours.persons.len(), 4);
    assert_eq!(ours.visits.len(), 1);
    let seen = ours.visits.values().next().unwrap();
    assert_eq!(seen.person, Some(Shown::Agreed(someone(1, 2).to_string())));
    assert_eq!(
        ours.contact.note,
        Some(Shown::Agreed("晚上在家".to_owned()))
    );
    assert_eq!(ours.residence, before[0].residence);
    // Where they say something else a person decides: names, and the day of birth that slipped.
    let asked: Vec<&str> = ours
        .contradictions
        .iter()
        .map(|found| found.path.rsplit('/').next().unwrap())
        .collect();
    assert_eq!(asked, ["birth", "name", "name"]);
    let open = meeting.counties.queue(&["p"]).await;
    assert_eq!(open.len(), 3);
    assert!(open.iter().all(|open| open.household == household(1)));
    // The other is as it was, and says where the family goes on.
    assert_eq!(theirs.goes_on, Some(household(1)));
    let mut as_before = apart(theirs);
    as_before.goes_on = None;
    assert_eq!(as_before, apart(before[1].clone()));
    for told in meeting.counties.told(decision).await {
        assert_eq!(told.outcome, Some(Shown::Agreed("same".to_owned())));
    }
    assert_eq!(meeting.counties.linked(&meeting.first, 2).await.len(), 1);
    meeting.counties.register.expect_sound().await;
    meeting.counties.meet().await;
}

#[tokio::test]
async fn parted_both_show_what_they_would_without_having_been_joined() {
    for (survivor, asked) in [(1, 1), (1, 2), (2, 1)] {
        let meeting = Meeting::new().await;
        let before = meeting.shown().await;
        let decision = meeting.join(survivor).await;
        assert_ne!(meeting.shown().await.map(apart), before.clone().map(apart));
        assert_eq!(meeting.part(asked, decision).await, Ok(Outcome::Undone));
        assert_eq!(meeting.shown().await.map(apart), before.map(apart));
        for told in meeting.counties.told(decision).await {
            assert!(told.is_undone());
        }
        assert_eq!(
            meeting.part(asked, decision).await,
            Err(Objection::UndoneAlready)
        );
        let open = meeting.counties.queue(&["p"]).await;
        assert_eq!(open.len(), 1, "they are asked about again: {open:#?}");
        meeting.counties.register.expect_sound().await;
        // And either can go on after all.
        meeting.join(3 - survivor).await;
        meeting.counties.register.expect_sound().await;
    }
}

#[tokio::test]
async fn what_was_written_meanwhile_stays_or_goes_home() {
    let mut meeting = Meeting::new().await;
    let decision = meeting.join(1).await;
    meeting.counties.meet().await;
    let south = &mut meeting.counties.south;
    south.edit(2, &set("contact/note", "中午在家"));
    let north = &mut meeting.counties.north;
    north.edit(1, &set("residence/address", "河头村后街1号"));
    north.edit(1, &visit(2, someone(2, 3)));
    north.edit(1, &visit(3, someone(1, 0)));
    meeting.counties.meet().await;
    assert_eq!(meeting.part(1, decision).await, Ok(Outcome::Undone));
    let [ours, theirs] = meeting.shown().await;
    let ids = |view: &HouseholdView| {
        view.visits
            .keys()
            .map(|id| id.as_bytes()[8])
            .collect::<Vec<_>>()
    };
    assert_eq!((ids(&ours).len(), ids(&theirs).len()), (1, 2));
    assert_eq!(ours.contact.note, None);
    assert_eq!(
        theirs.contact.note,
        Some(Shown::Agreed("中午在家".to_owned()))
    );
    let address = ours
        .residence
        .address
        .as_ref()
        .and_then(Shown::agreed)
        .cloned();
    assert_eq!(address.as_deref(), Some("河头村后街1号"));
    meeting.counties.register.expect_sound().await;
    meeting.counties.meet().await;
}

#[tokio::test]
async fn a_visit_of_somebody_who_came_goes_home_though_nothing_of_health_came() {
    let mut counties = Counties::new().await;
    let (first, second) = (
        counties.reviewer(1, &["p"]).await,
        counties.reviewer(2, &["p"]).await,
    );
    let nobody = || Choice::Same {
        survivor: household(1),
        persons: Pairs::new(),
    };
    assert_eq!(
        counties.decide(&first, nobody()).await,
        Ok(Outcome::Proposed)
    );
    let decision = decided(counties.decide(&second, nobody()).await);
    counties.meet().await;
    counties.north.edit(1, &visit(1, someone(2, 0)));
    counties.meet().await;
    assert_eq!(
        counties.undo(&first, 1, decision).await,
        Ok(Outcome::Undone)
    );
    assert!(counties.shown(&first, 1).await.visits.is_empty());
    assert_eq!(counties.shown(&first, 2).await.visits.len(), 1);
    counties.register.expect_sound().await;
}

#[tokio::test]
async fn contradictions_of_either_are_settled_before() {
    let mut meeting = Meeting::new().await;
    let mut other = meeting.counties.register.tablet(Role::Worker, &["e"]).await;
    other.sync(&meeting.counties.register).await;
    for (tablet, born) in [(&mut meeting.counties.south, "1949"), (&mut other, "1948")] {
        tablet.edit(2, &correct(2, 3, "birth", born));
    }
    meeting.counties.meet().await;
    other.sync(&meeting.counties.register).await;
    let before = meeting.counties.document(core(1)).await.unwrap().heads();
    let tried = meeting.counties.decide(&meeting.first, into(1)).await;
    let field = format!("persons/{}/birth", someone(2, 3));
    let wanted = ToSettle {
        household: household(2),
        document: DocKind::Core,
        field,
    };
    assert_eq!(tried, Err(Objection::Undecided(vec![wanted])));
    let after = meeting.counties.document(core(1)).await.unwrap().heads();
    assert_eq!(before, after);
}

#[tokio::test]
async fn who_is_named_is_there_and_is_one_person() {
    let meeting = Meeting::new().await;
    let said = |survivor, persons: &[(PersonId, PersonId)]| Choice::Same {
        survivor,
        persons: persons.iter().copied().collect(),
    };
    let (here, there) = (household(1), |at| someone(2, at));
    for choice in [
        said(household(7), &[]),
        said(here, &[(someone(1, 0), there(0))]),
        said(here, &[(there(0), someone(1, 9))]),
        said(
            here,
            &[(there(0), someone(1, 0)), (there(3), someone(1, 0))],
        ),
    ] {
        let tried = meeting.counties.decide(&meeting.first, choice).await;
        assert_eq!(tried, Err(Objection::NotAChoice));
    }
    // Two who do not agree on the same have not agreed.
    let proposed = meeting.counties.decide(&meeting.first, into(1)).await;
    assert_eq!(proposed, Ok(Outcome::Proposed));
    let proposed = meeting.counties.decide(&meeting.second, into(2)).await;
    assert_eq!(proposed, Ok(Outcome::Proposed));
}

#[tokio::test]
async fn a_record_that_went_on_is_asked_about_no_more_and_the_one_that_took_over_is() {
    let mut meeting = Meeting::new().await;
    // A third record of the same family.
    let third = family(3, "a", &FAMILY, 3, "河头村前街9号");
    meeting.counties.north.edit(3, &third);
    meeting.counties.meet().await;
    let asked = |open: Vec<Question>| {
        let pairs = open
            .into_iter()
            .filter(|open| open.kind == ReviewKind::PossibleDuplicate);
        pairs
            .map(|open| (open.household, open.subject))
            .collect::<BTreeSet<_>>()
    };
    let pair = |one, other| (household(one), household(other).to_string());
    let all = asked(meeting.counties.queue(&["p"]).await);
    assert_eq!(all, [pair(1, 2), pair(1, 3), pair(2, 3)].into());
    let decision = meeting.join(1).await;
    let left = asked(meeting.counties.queue(&["p"]).await);
    assert_eq!(left, [pair(1, 3)].into());
    meeting.counties.register.expect_sound().await;
    // While the one that took over goes on in the third, the first joining stands.
    let QuestionOf { seen, question } = third_question(&meeting).await;
    let choice = Choice::Same {
        survivor: household(3),
        persons: Pairs::new(),
    };
    let order = |seen: Vec<_>| Order {
        question: question.clone(),
        seen,
        choice: choice.clone(),
        reason: "问过两边".to_owned(),
    };
    let tried = meeting.decide(&meeting.first, order(seen.clone())).await;
    assert!(matches!(tried, Err(Objection::Undecided(_))), "{tried:?}");
    assert_eq!(meeting.part(1, decision).await, Ok(Outcome::Undone));
    let back = asked(meeting.counties.queue(&["p"]).await);
    assert_eq!(back, all);
    let QuestionOf { seen, .. } = third_question(&meeting).await;
    for by in [&meeting.first, &meeting.second] {
        meeting.decide(by, order(seen.clone())).await.unwrap();
    }
    let left = asked(meeting.counties.queue(&["p"]).await);
    assert_eq!(left, [pair(2, 3)].into());
    meeting.counties.register.expect_sound().await;
}

#[test]
fn the_longer_history_goes_on_and_of_two_alike_the_one_begun_first() {
    let (one, other) = (household(1), household(2));
    assert_eq!(suggested((one, 3), (other, 4)), other);
    assert_eq!(suggested((one, 4), (other, 3)), one);
    assert_eq!(suggested((other, 4), (one, 4)), one);
}
