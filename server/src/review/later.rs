//! Edits of a record whose family goes on in another: what came of it in the other record, and settling the question. Only who answers
//! for both records sees it. An edit is carried over into the record that goes on as the joining itself would have taken it, or
//! left where it is; either is told in the record that was edited.

use std::collections::BTreeSet;

use sojourn_sync_protocol::record::{
    Assignments, DecisionOutcome, DecisionView, Document, Edit, NewDecision, Shown, TakeOver,
    Undecided, decisions, take_over, went_on, written_after,
};
use sojourn_sync_protocol::{
    AreaCode, ChangeHash, DecisionId, DocKind, DocumentId, HouseholdId, Timestamp,
};

use super::ReviewKind;
use super::decide::{Choice, Objection, Opened, Order, QuestionId, Reviewer};
use super::joining::{BATCHES_MAX, Made, to_settle};
use super::joining_preview::TakenOver;
use crate::desk::Draws;
use crate::ingest::Settled;
use crate::store::{StoreError, Tx};
use crate::{duplicates, residence};

/// How a decision in the record that goes on says which edit of another record it carried over.
fn about(change: &str, from: HouseholdId) -> String {
    format!("{} {change} {from}", ReviewKind::EditOfJoined)
}

/// Whether a decision carried an edit over from this record.
fn is_from(told: &DecisionView, from: HouseholdId) -> bool {
    let about = told.about.as_ref().and_then(Shown::agreed);
    let from = from.to_string();
    about.is_some_and(|about| {
        about.starts_with(ReviewKind::EditOfJoined.name()) && about.ends_with(&from)
    })
}

/// Whether a decision carried an edit over. It is taken back with the joining.
pub(super) fn carried(told: &DecisionView) -> bool {
    let about = told.about.iter().flat_map(Shown::values);
    let mut adopted = told.outcome.iter().flat_map(Shown::values);
    about
        .into_iter()
        .any(|about| about.starts_with(ReviewKind::EditOfJoined.name()))
        && adopted.any(|word| word == DecisionOutcome::Adopted.name())
}

/// The decisions by which a document took edits of another record over, since it took over the record.
pub(super) fn carried_over(into: &Document, from: HouseholdId) -> Vec<DecisionId> {
    let all = decisions(into).into_iter();
    all.filter(|(_, told)| !told.is_undone() && is_from(told, from))
        .map(|(id, _)| id)
        .collect()
}

/// An edit of a record that goes on elsewhere, and what would be carried over.
pub(super) struct Later {
    /// The document that was edited.
    pub(super) edited: Opened,
    /// The same kind of document of the record that goes on.
    pub(super) into: Opened,
    change: ChangeHash,
    carries: Result<TakeOver, Undecided>,
}

impl Later {
    /// Opens both.
    ///
    /// # Errors
    /// [`Objection::Unknown`] when nothing waits, or the other record is not the reviewer's.
    pub(super) fn of(
        tx: &Tx<'_>,
        reviewer: &Reviewer,
        question: &QuestionId,
    ) -> Result<Self, Objection> {
        let (household, kind) = (question.household, question.document);
        let change: ChangeHash = question.subject.parse().map_err(|_| Objection::Unknown)?;
        let edited = Opened::of(tx, reviewer, DocumentId::new(household, kind))?;
        let core = Opened::of(tx, reviewer, DocumentId::new(household, DocKind::Core))?;
        let (joined, goes_on) = went_on(&core.held.document).ok_or(Objection::Unknown)?;
        let into = Opened::or_new(tx, reviewer, DocumentId::new(goes_on.household, kind))?;
        let (from, document) = (&edited.held.document, &into.held.document);
        let fields = written_after(from).remove(&change);
        let fields = fields.ok_or(Objection::Unknown)?;
        let take = |only: Option<&BTreeSet<String>>| {
            take_over(document, from, &goes_on.persons, only, joined)
        };
        let all = take(None).map(|all| all.set).unwrap_or_default();
        let fields = with_whole_entries(fields, &all, document);
        let carries = take(Some(&fields));
        Ok(Self {
            edited,
            into,
            change,
            carries,
        })
    }

    /// The heads of both documents: whoever decides says that they saw these.
    pub(super) fn heads(&self) -> Vec<ChangeHash> {
        [&self.edited, &self.into]
            .map(|opened| opened.held.document.heads())
            .concat()
    }

    /// The areas responsible, each once.
    pub(super) fn owners(&self) -> Vec<AreaCode> {
        let mut owners = vec![self.edited.owner.clone()];
        owners.extend((self.into.owner != self.edited.owner).then(|| self.into.owner.clone()));
        owners
    }

    /// What carrying it over would do.
    pub(super) fn preview(&self) -> TakenOver {
        let mut found = TakenOver::default();
        match &self.carries {
            Ok(carries) => found.count(carries),
            Err(undecided) => found.undecided = self.to_settle(undecided),
        }
        found
    }

    fn to_settle(&self, Undecided(fields): &Undecided) -> Vec<super::joining::ToSettle> {
        let both = [&self.edited, &self.into].into_iter();
        both.flat_map(|opened| to_settle(&opened.held.document, fields))
            .collect()
    }

    /// Settles it.
    ///
    /// # Errors
    /// [`Objection::NotAChoice`] when there is nothing to carry over; [`Objection::Undecided`].
    pub(super) fn settle(
        &self,
        tx: &Tx<'_>,
        reviewer: &Reviewer,
        (order, reason): (&Order, &str),
        id: DecisionId,
        draws: &[Draws; BATCHES_MAX],
        now: Timestamp,
    ) -> Result<Settled, Objection> {
        let kind = order.question.document;
        let entry = |about: String, outcome: DecisionOutcome, set: Assignments| NewDecision {
            id: Some(id),
            document: kind,
            about,
            reason: reason.to_owned(),
            seconded: None,
            outcome: Some(outcome),
            takes_over: true,
            goes_on: None,
            set,
        };
        let mut made = Made::new(tx, reviewer, draws, now);
        let outcome = match order.choice {
            Choice::Keep {} => DecisionOutcome::Refused,
            Choice::CarryOver {} => DecisionOutcome::Adopted,
            _ => return Err(Objection::NotAChoice),
        };
        if outcome == DecisionOutcome::Adopted {
            let carries = self.carries.as_ref();
            let carries = carries.map_err(|found| Objection::Undecided(self.to_settle(found)))?;
            if *carries == TakeOver::default() {
                return Err(Objection::NotAChoice);
            }
            let about = about(&self.change.to_string(), order.question.household);
            let edit = Edit::Decide(entry(about, outcome, carries.set.clone()));
            made.take_over(&self.into, carries, (id, edit))?;
        }
        let about = order.question.item().about();
        let edit = Edit::Decide(entry(about, outcome, Assignments::new()));
        made.make(&self.edited, &[edit])?;
        Ok(made.settled)
    }
}

/// The area responsible for the record in which a family goes on.
pub(super) fn where_it_goes_on(
    tx: &Tx<'_>,
    household: HouseholdId,
) -> Result<Option<AreaCode>, StoreError> {
    match duplicates::goes_on_in(tx, household)? {
        Some(other) => residence::owner(tx, other),
        None => Ok(None),
    }
}

/// These fields, and of entries that the record that goes on does not have everything that there is.
fn with_whole_entries(
    fields: BTreeSet<String>,
    all: &Assignments,
    into: &Document,
) -> BTreeSet<String> {
    let entry = |path: &str| path.splitn(3, '/').take(2).collect::<Vec<_>>().join("/");
    let absent = |entry: &str| {
        let begins = ["name", "kind", "to"].map(|key| format!("{entry}/{key}"));
        begins.iter().any(|path| all.contains_key(path))
            && begins.iter().all(|path| into.text_at(path).is_none())
    };
    let entries: BTreeSet<String> = fields.iter().map(|path| entry(path)).collect();
    let whole: Vec<String> = entries.into_iter().filter(|entry| absent(entry)).collect();
    let more = all.keys().filter(|path| whole.contains(&entry(path)));
    let more: Vec<String> = more.cloned().collect();
    fields.into_iter().chain(more).collect()
}

#[cfg(test)]
#[path = "later_tests.rs"]
mod tests;
