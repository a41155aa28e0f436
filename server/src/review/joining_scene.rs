//! For tests: two counties with one family in two records, and two reviewers who answer for both.

use sojourn_sync_protocol::record::{Edit, HouseholdView, NewPerson, NewVisit, Pairs};
use sojourn_sync_protocol::{ChangeHash, DecisionId, PersonId, VisitId};

use super::case;
use super::decide::{Choice, Objection, Order, Outcome, QuestionId, Reviewer, decide};
use crate::duplicates::scene::{Counties, decided, question, someone};
use crate::rehearsal::{NOW, Register, household, set};
use crate::store::Tx;

pub(crate) fn pairs() -> Pairs {
    (0..3).map(|at| (someone(2, at), someone(1, at))).collect()
}

pub(crate) fn into(survivor: u8) -> Choice {
    let persons = match survivor {
        1 => pairs(),
        _ => pairs()
            .into_iter()
            .map(|(one, other)| (other, one))
            .collect(),
    };
    Choice::Same {
        survivor: household(survivor),
        persons,
    }
}

pub(crate) fn visit(n: u8, of: PersonId) -> Edit {
    Edit::RecordVisit(NewVisit {
        id: Some(VisitId::new(NOW, [n; 10])),
        person: Some(of),
        on: "2026-10-08".to_owned(),
        kind: "child".to_owned(),
        ..NewVisit::default()
    })
}

/// What a household shows beside what was decided about it, which may be all that its health document has.
pub(crate) fn apart(mut view: HouseholdView) -> HouseholdView {
    view.decisions.clear();
    view.health = false;
    view
}

/// Two counties, and two people who answer for both.
pub(crate) struct Meeting {
    pub(crate) counties: Counties,
    pub(crate) first: Reviewer,
    pub(crate) second: Reviewer,
}

impl Meeting {
    /// The south's record has a note, a visit and a fourth person, that the north's has not.
    pub(crate) async fn new() -> Self {
        let mut counties = Counties::new().await;
        let grandmother = Edit::AddPerson(NewPerson {
            id: Some(someone(2, 3)),
            name: "测试四".to_owned(),
            birth: Some("1950".to_owned()),
            ..NewPerson::default()
        });
        counties.south.edit(2, &grandmother);
        counties.south.edit(2, &set("contact/note", "晚上在家"));
        counties.south.edit(2, &visit(1, someone(2, 2)));
        counties.meet().await;
        let (first, second) = (
            counties.reviewer(1, &["p"]).await,
            counties.reviewer(2, &["p"]).await,
        );
        Self {
            counties,
            first,
            second,
        }
    }

    pub(crate) async fn join(&self, survivor: u8) -> DecisionId {
        let counties = &self.counties;
        let proposed = counties.decide(&self.first, into(survivor)).await;
        assert_eq!(proposed, Ok(Outcome::Proposed));
        decided(counties.decide(&self.second, into(survivor)).await)
    }

    pub(crate) async fn shown(&self) -> [HouseholdView; 2] {
        let (first, counties) = (&self.first, &self.counties);
        [
            counties.shown(first, 1).await,
            counties.shown(first, 2).await,
        ]
    }

    pub(crate) async fn part(&self, from: u8, decision: DecisionId) -> Result<Outcome, Objection> {
        self.counties.undo(&self.second, from, decision).await
    }
}

pub(crate) struct QuestionOf {
    pub(crate) question: QuestionId,
    pub(crate) seen: Vec<ChangeHash>,
}

pub(crate) async fn third_question(meeting: &Meeting) -> QuestionOf {
    let question = QuestionId {
        subject: household(3).to_string(),
        ..question()
    };
    question_of(meeting, question).await
}

/// A question as it was looked at now.
pub(crate) async fn question_of(meeting: &Meeting, question: QuestionId) -> QuestionOf {
    let (by, asked) = (meeting.first.clone(), question.clone());
    let read = move |tx: &Tx<'_>| case::read(tx, &by, &asked);
    let store = &meeting.counties.register.store;
    let seen = store.read("case", read).await.unwrap().heads;
    QuestionOf { question, seen }
}

impl Meeting {
    pub(crate) async fn decide(&self, by: &Reviewer, order: Order) -> Result<Outcome, Objection> {
        let Register { store, live, .. } = &self.counties.register;
        let clock = &self.counties.clock;
        decide(store, live, clock, by.clone(), order).await
    }
}
