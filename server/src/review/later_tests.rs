use sojourn_sync_protocol::DocKind;
use sojourn_sync_protocol::record::Shown;

use super::*;
use crate::duplicates::scene::{correct, someone};
use crate::rehearsal::{household, set};
use crate::review::decide::{Outcome, QuestionId};
use crate::review::joining_scene::{Meeting, apart, question_of, visit};
use crate::review::queue::Question;

/// What waits about edits of the south's record.
async fn asked(meeting: &Meeting, areas: &[&str]) -> Vec<Question> {
    let mut open = meeting.counties.queue(areas).await;
    open.retain(|open| open.kind == ReviewKind::EditOfJoined);
    open
}

async fn settle(meeting: &Meeting, open: &Question, choice: Choice) -> Result<Outcome, Objection> {
    let question = QuestionId {
        household: open.household,
        kind: open.kind,
        document: open.document,
        subject: open.subject.clone(),
    };
    let found = question_of(meeting, question).await;
    let order = Order {
        question: found.question,
        seen: found.seen,
        choice,
        reason: "问过家里".to_owned(),
    };
    meeting.decide(&meeting.first, order).await
}

#[tokio::test]
async fn what_is_written_in_a_record_that_went_on_is_asked_about_and_carried_over() {
    let mut meeting = Meeting::new().await;
    let before = meeting.shown().await;
    let joined = meeting.join(1).await;
    meeting.counties.meet().await;
    assert!(asked(&meeting, &["p"]).await.is_empty());
    let south = &mut meeting.counties.south;
    south.edit(2, &correct(2, 3, "phone", "10000000044"));
    south.edit(2, &visit(7, someone(2, 0)));
    south.edit(2, &set("residence/address", "南苑社区5号"));
    meeting.counties.meet().await;
    // A telephone number and a visit; where that record says the family lives is its own.
    let open = asked(&meeting, &["p"]).await;
    assert_eq!(open.len(), 2);
    let areas: Vec<String> = open[0].between.iter().map(ToString::to_string).collect();
    assert_eq!(areas, ["e", "a"]);
    assert!(asked(&meeting, &["s"]).await.is_empty(), "both are needed");
    meeting.counties.register.expect_sound().await;
    for open in &open {
        let outcome = settle(&meeting, open, Choice::CarryOver {}).await;
        assert!(
            matches!(outcome, Ok(Outcome::Decided { .. })),
            "{outcome:?}"
        );
    }
    assert!(asked(&meeting, &["p"]).await.is_empty());
    let [ours, _] = meeting.shown().await;
    let phone = ours.persons[&someone(2, 3)].phone.clone();
    assert_eq!(phone, Some(Shown::Agreed("10000000044".to_owned())));
    assert_eq!(ours.visits.len(), 2);
    let came = ours
        .visits
        .values()
        .filter_map(|visit| visit.person.clone());
    let came: Vec<_> = came.collect();
    assert!(
        came.contains(&Shown::Agreed(someone(1, 0).to_string())),
        "{came:?}"
    );
    meeting.counties.register.expect_sound().await;
    // Parted, nothing of it is left where it was carried.
    assert_eq!(meeting.part(1, joined).await, Ok(Outcome::Undone));
    let [ours, theirs] = meeting.shown().await;
    assert_eq!(apart(ours), apart(before[0].clone()));
    assert_eq!(theirs.visits.len(), 2);
    assert!(asked(&meeting, &["p"]).await.is_empty());
    meeting.counties.register.expect_sound().await;
}

#[tokio::test]
async fn what_is_left_is_told_and_can_be_asked_again() {
    let mut meeting = Meeting::new().await;
    let joined = meeting.join(1).await;
    meeting.counties.meet().await;
    let south = &mut meeting.counties.south;
    south.edit(2, &correct(2, 3, "phone", "10000000044"));
    meeting.counties.meet().await;
    let open = asked(&meeting, &["p"]).await;
    let left = settle(&meeting, &open[0], Choice::Keep {}).await;
    let Ok(Outcome::Decided { decision }) = left else {
        panic!("it is decided, not {left:?}");
    };
    assert!(asked(&meeting, &["p"]).await.is_empty());
    assert_eq!(meeting.shown().await[0].persons[&someone(2, 3)].phone, None);
    assert_eq!(meeting.part(2, decision).await, Ok(Outcome::Undone));
    assert_eq!(asked(&meeting, &["p"]).await.len(), 1);
    let carried = settle(&meeting, &open[0], Choice::CarryOver {}).await;
    let Ok(Outcome::Decided { decision }) = carried else {
        panic!("it is decided, not {carried:?}");
    };
    for n in [1, 2] {
        assert_eq!(meeting.part(n, decision).await, Err(Objection::NotAChoice));
    }
    assert_eq!(meeting.part(1, joined).await, Ok(Outcome::Undone));
    meeting.counties.register.expect_sound().await;
}

#[tokio::test]
async fn what_both_say_differently_is_put_beside_and_what_says_nothing_new_cannot_be_carried() {
    let mut meeting = Meeting::new().await;
    meeting.join(1).await;
    meeting.counties.meet().await;
    let south = &mut meeting.counties.south;
    south.edit(2, &correct(2, 2, "birth", "2014-05-20"));
    south.edit(2, &set("contact/phone", "10000000099"));
    meeting.counties.meet().await;
    let open = asked(&meeting, &["p"]).await;
    assert_eq!(open.len(), 2);
    let outcomes = [
        settle(&meeting, &open[0], Choice::CarryOver {}).await,
        settle(&meeting, &open[1], Choice::CarryOver {}).await,
    ];
    assert!(
        outcomes.contains(&Err(Objection::NotAChoice)),
        "{outcomes:?}"
    );
    let birth = format!("persons/{}/birth", someone(1, 2));
    let [ours, _] = meeting.shown().await;
    assert!(ours.contradictions.iter().any(|found| found.path == birth));
    let mut waits = asked(&meeting, &["p"]).await;
    assert_eq!(waits.len(), 1);
    let left = settle(&meeting, &waits.remove(0), Choice::Keep {}).await;
    assert!(left.is_ok(), "{left:?}");
    assert_eq!(household(2), open[0].household);
    assert_eq!(open[0].document, DocKind::Core);
    meeting.counties.register.expect_sound().await;
}
