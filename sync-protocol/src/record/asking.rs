//! What reviewers ask the staff who hold a household: requests that are the desk's and not the family's, and whether they have
//! been answered. Pure.

use super::view::{HouseholdView, NeedView};
use super::{Assignments, Edit, Shown, Value};
use crate::NeedId;

/// Whether a path makes a request a reviewer's question.
pub fn is_question(path: &str) -> bool {
    path.starts_with("needs/") && path.ends_with("/asks")
}

impl NeedView {
    /// Whether it is a reviewer's question that nobody has answered, or taken back, yet.
    pub fn waits_for_answer(&self) -> bool {
        let mut states = self.state.iter().flat_map(Shown::values);
        self.asks.is_some()
            && self.answer.is_none()
            && states.all(|state| matches!(state.as_str(), "open" | "in-progress"))
    }
}

impl HouseholdView {
    /// Reviewers' questions that wait for an answer, the oldest first.
    pub fn asked(&self) -> impl Iterator<Item = (NeedId, &NeedView)> {
        let needs = self.needs.iter().map(|(id, need)| (*id, need));
        needs.filter(|(_, need)| need.waits_for_answer())
    }
}

impl Edit {
    /// Answers a reviewer's question.
    pub fn answer_to(need: NeedId, answer: &str) -> Self {
        let set = Assignments::from([
            (format!("needs/{need}/answer"), Some(Value::from(answer))),
            (format!("needs/{need}/state"), Some(Value::from("met"))),
        ]);
        Edit::Set { set }
    }

    /// Takes reviewers' questions back.
    pub fn take_back_questions(needs: &[NeedId]) -> Self {
        let withdrawn = |need: &NeedId| {
            let state = Some(Value::from("withdrawn"));
            (format!("needs/{need}/state"), state)
        };
        Edit::Set {
            set: needs.iter().map(withdrawn).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Authorship, Document, NewHousehold, NewNeed, view};
    use super::*;
    use crate::{ActorId, DocKind, DocumentId, HouseholdId, StaffId, Timestamp};

    fn waiting(core: &Document) -> Vec<NeedId> {
        let seen = view(core.id().household, core, None).unwrap();
        seen.asked().map(|(need, _)| need).collect()
    }

    #[test]
    fn a_question_waits_until_it_is_answered_or_taken_back_and_a_wish_is_none() {
        let at = Timestamp::from_millis(1_795_000_000_000);
        let by = Authorship {
            actor: ActorId([1; 16]),
            staff: StaffId::new(at, [1; 10]),
            area: "370724001001".parse().unwrap(),
            at,
        };
        let household = HouseholdId::new(at, [1; 10]);
        let mut core = Document::new(DocumentId::new(household, DocKind::Core));
        let id = |n: u8| NeedId::new(at, [n; 10]);
        let need = |n: u8, asks: Option<&str>| {
            Edit::NoteNeed(NewNeed {
                id: Some(id(n)),
                kind: "other".to_owned(),
                text: "哪年出生？".to_owned(),
                asks: asks.map(str::to_owned),
                ..NewNeed::default()
            })
        };
        for edit in [
            Edit::RegisterHousehold(NewHousehold::default()),
            need(1, Some("contradiction 0011223344556677")),
            need(2, Some("late-edit 0011223344556677")),
            need(3, None),
        ] {
            core.edit(&edit, &by).unwrap();
        }
        assert_eq!(waiting(&core), [id(1), id(2)]);
        core.edit(&Edit::answer_to(id(1), "1990 年"), &by).unwrap();
        assert_eq!(waiting(&core), [id(2)]);
        core.edit(&Edit::take_back_questions(&[id(2)]), &by)
            .unwrap();
        assert!(waiting(&core).is_empty());
    }
}
