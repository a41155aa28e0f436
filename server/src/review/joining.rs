//! Two records of one family are joined, and parted again: what the record says of it is written in the documents of both, in
//! one transaction, at the desk of who decides.
//!
//! One record goes on and takes over what the other has; the other stays where it is, open to everybody as before, and says where
//! the family goes on. Everything else of the two stays theirs: the area, the log, hand-overs that are prepared, and what waits for a
//! person in either. What is copied, put beside and given back, `record::joining` decides; who may do it, `pairs` and `decide`.

use std::collections::BTreeSet;

use serde::Serialize;
use sojourn_sync_protocol::record::{
    Assignments, DecisionOutcome, DecisionView, Document, Edit, GiveBack, GoesOn, NewDecision,
    Pairs, TakeOver, Undecided, beside, brought_people, contradictions, decided, decisions,
    give_back, take_over, view, went_on,
};
use sojourn_sync_protocol::{
    AreaCode, DecisionId, DocKind, DocumentId, HouseholdId, PersonId, StaffId, Timestamp,
};

use super::decide::{Objection, Opened, Reviewer, Undo};
use crate::desk::{Desk, Draws};
use crate::documents;
use crate::duplicates;
use crate::ingest::Settled;
use crate::store::{StoreError, Tx};

/// Batches that joining or parting hands in at most.
pub(super) const BATCHES_MAX: usize = 5;

/// A field that contradicts itself and is to be settled before.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, utoipa::ToSchema)]
pub struct ToSettle {
    /// The household.
    #[schema(value_type = String)]
    pub household: HouseholdId,
    /// The document.
    pub document: DocKind,
    /// The field, by path.
    pub field: String,
}

/// The record that goes on where nobody says otherwise: the one with the longer history, and of two alike the one that was
/// begun first.
pub(super) fn suggested(one: (HouseholdId, u64), other: (HouseholdId, u64)) -> HouseholdId {
    let order = |(household, changes): (HouseholdId, u64)| (u64::MAX - changes, household);
    order(one).min(order(other)).1
}

/// What is told of a decision.
pub(super) struct Told<'a> {
    pub(super) id: DecisionId,
    pub(super) reason: &'a str,
    pub(super) seconded: Option<StaffId>,
}

impl Told<'_> {
    /// The entry in a document of one record, about the other.
    fn entry(&self, document: DocKind, about: HouseholdId) -> NewDecision {
        NewDecision {
            id: Some(self.id),
            document,
            about: duplicates::about(about),
            reason: self.reason.to_owned(),
            seconded: self.seconded,
            outcome: Some(DecisionOutcome::Same),
            takes_over: false,
            goes_on: None,
            set: Assignments::new(),
        }
    }
}

/// A record that takes another over, and all that it takes.
pub(super) struct Joining {
    into: HouseholdId,
    from: HouseholdId,
    persons: Pairs,
    /// Documents of the one that goes on, its core first, with what each takes over.
    parts: Vec<(Opened, TakeOver)>,
    /// The core document of the other.
    left: Opened,
}

impl Joining {
    /// Finds out what `survivor`, one of these two, takes over from the other.
    ///
    /// # Errors
    /// [`Objection::NotAChoice`] when the survivor is neither or somebody is not there; [`Objection::Undecided`] with what is to be
    /// settled first.
    pub(super) fn of(
        tx: &Tx<'_>,
        reviewer: &Reviewer,
        two: [HouseholdId; 2],
        (survivor, persons): (HouseholdId, &Pairs),
        id: DecisionId,
    ) -> Result<Self, Objection> {
        let [into, from] = match two {
            [one, other] if one == survivor => [one, other],
            [one, other] if other == survivor => [other, one],
            _ => return Err(Objection::NotAChoice),
        };
        let left = Opened::of(tx, reviewer, DocumentId::new(from, DocKind::Core))?;
        let core = Opened::of(tx, reviewer, DocumentId::new(into, DocKind::Core))?;
        if went_on(&left.held.document).is_some() || went_on(&core.held.document).is_some() {
            return Err(Objection::Stale);
        }
        are_there(&core.held.document, &left.held.document, persons)?;
        let health = DocumentId::new(from, DocKind::Health);
        let other_health = open_if_there(tx, reviewer, health)?;
        let mut undecided = Vec::new();
        let mut parts = Vec::new();
        let mut take = |opened: Opened, other: &Document| match take_over(
            &opened.held.document,
            other,
            persons,
            None,
            id,
        ) {
            Ok(taken) => parts.push((opened, taken)),
            Err(Undecided(fields)) => {
                for document in [&opened.held.document, other] {
                    undecided.extend(to_settle(document, &fields));
                }
            }
        };
        take(core, &left.held.document);
        if let Some(other) = &other_health {
            let ours = DocumentId::new(into, DocKind::Health);
            take(Opened::or_new(tx, reviewer, ours)?, &other.held.document);
        }
        if !undecided.is_empty() {
            return Err(Objection::Undecided(undecided));
        }
        Ok(Self {
            into,
            from,
            persons: persons.clone(),
            parts,
            left,
        })
    }

    /// What each document takes over.
    pub(super) fn taken(&self) -> impl Iterator<Item = &TakeOver> {
        self.parts.iter().map(|(_, taken)| taken)
    }

    /// The decisions: in the documents of the record that goes on, and in the other.
    fn entries(&self, told: &Told<'_>) -> (Vec<(&Opened, &TakeOver, Edit)>, Edit) {
        let parts = self.parts.iter().filter(|(opened, taken)| {
            opened.held.document.id().kind == DocKind::Core || *taken != TakeOver::default()
        });
        let entries = parts.map(|(opened, taken)| {
            let entry = NewDecision {
                takes_over: true,
                set: taken.set.clone(),
                ..told.entry(opened.held.document.id().kind, self.from)
            };
            (opened, taken, Edit::Decide(entry))
        });
        let goes_on = NewDecision {
            goes_on: Some(GoesOn {
                household: self.into,
                persons: self.persons.clone(),
            }),
            ..told.entry(DocKind::Core, self.into)
        };
        (entries.collect(), Edit::Decide(goes_on))
    }

    /// Whether both records would take it; nothing is written.
    ///
    /// # Errors
    /// [`Objection::Edit`].
    pub(super) fn rehearse(
        &self,
        reviewer: &Reviewer,
        told: &Told<'_>,
        now: Timestamp,
    ) -> Result<(), Objection> {
        let (entries, goes_on) = self.entries(told);
        let ours = entries.iter().map(|(opened, _, edit)| (*opened, edit));
        for (opened, edit) in ours.chain([(&self.left, &goes_on)]) {
            let by = Desk::rehearsing(reviewer.staff, &opened.owner, now);
            opened.held.document.clone().edit(edit, &by)?;
        }
        Ok(())
    }

    /// Writes it: what is taken over, what is put beside on the ground of that, and where the family goes on.
    ///
    /// # Errors
    /// [`Objection`]; the transaction is to be undone then.
    pub(super) fn make(
        &self,
        tx: &Tx<'_>,
        reviewer: &Reviewer,
        told: &Told<'_>,
        draws: &[Draws; BATCHES_MAX],
        now: Timestamp,
    ) -> Result<Settled, Objection> {
        let mut made = Made::new(tx, reviewer, draws, now);
        let (entries, goes_on) = self.entries(told);
        for (opened, taken, edit) in entries {
            made.make(opened, &[edit])?;
            if !taken.beside.is_empty() {
                let id = opened.held.document.id();
                let decided = Opened::of(tx, reviewer, id)?;
                let edits = beside(&decided.held.document, taken, told.id);
                made.make(&decided, &edits)?;
            }
        }
        made.make(&self.left, &[goes_on])?;
        Ok(made.settled)
    }
}

/// Hands in batches one after the other, each with draws of its own.
struct Made<'a, 'c> {
    tx: &'a Tx<'c>,
    reviewer: &'a Reviewer,
    draws: std::slice::Iter<'a, Draws>,
    now: Timestamp,
    settled: Settled,
}

impl<'a, 'c> Made<'a, 'c> {
    fn new(
        tx: &'a Tx<'c>,
        reviewer: &'a Reviewer,
        draws: &'a [Draws; BATCHES_MAX],
        now: Timestamp,
    ) -> Self {
        Self {
            tx,
            reviewer,
            draws: draws.iter(),
            now,
            settled: Settled::default(),
        }
    }

    fn make(&mut self, opened: &Opened, edits: &[Edit]) -> Result<(), Objection> {
        let draws = self.draws.next().ok_or(Objection::Refused("too-large"))?;
        let made = opened.make(self.tx, self.reviewer, edits, draws, self.now)?;
        self.settled.moved.extend(made.moved);
        Ok(())
    }
}

/// Everybody who is named is in the record that they are said to be in, and nobody is two people.
fn are_there(into: &Document, from: &Document, persons: &Pairs) -> Result<(), Objection> {
    let shown = |core: &Document| {
        view(core.id().household, core, None)
            .map(|view| view.persons)
            .map_err(|error| StoreError::Corrupt(error.to_string()))
    };
    let (here, there) = (shown(into)?, shown(from)?);
    let named: BTreeSet<_> = persons.values().collect();
    let known = persons
        .iter()
        .all(|(theirs, ours)| there.contains_key(theirs) && here.contains_key(ours));
    if known && named.len() == persons.len() {
        Ok(())
    } else {
        Err(Objection::NotAChoice)
    }
}

/// Those of these fields that a document contradicts itself in.
fn to_settle(document: &Document, fields: &BTreeSet<String>) -> impl Iterator<Item = ToSettle> {
    let id = document.id();
    let found = contradictions(document).into_iter();
    found
        .filter(|found| fields.contains(&found.path))
        .map(move |found| ToSettle {
            household: id.household,
            document: id.kind,
            field: found.path,
        })
}

/// A document if anybody has written in it; who may not read it is told as everywhere.
fn open_if_there(
    tx: &Tx<'_>,
    reviewer: &Reviewer,
    id: DocumentId,
) -> Result<Option<Opened>, Objection> {
    match documents::load(tx, id)? {
        None => Ok(None),
        Some(_) => Opened::of(tx, reviewer, id).map(Some),
    }
}

/// Two records that were found to be of one family, about to be parted.
pub(super) struct Parting {
    decision: DecisionId,
    /// The one that went on, and the other; of two that were only found to be one, the one that was asked about comes first.
    into: Side,
    from: Side,
}

/// The core document of one of the two.
struct Side {
    household: HouseholdId,
    core: Opened,
    /// The decision in it counts.
    stands: bool,
}

impl Parting {
    /// Opens both; `None` for another decision than that two households are one family.
    ///
    /// # Errors
    /// [`Objection::Unknown`] when the other household is not the reviewer's: it is taken back in both or not at all;
    /// [`Objection::GoesOn`] while the record that went on goes on in a third.
    pub(super) fn of(
        tx: &Tx<'_>,
        reviewer: &Reviewer,
        order: &Undo,
    ) -> Result<Option<Self>, Objection> {
        let decision = order.decision;
        let open = |household| Opened::of(tx, reviewer, DocumentId::new(household, DocKind::Core));
        let here = open(order.household)?;
        let Some(told) = decisions(&here.held.document).remove(&decision) else {
            return Ok(None);
        };
        let same = |told: &DecisionView| {
            let outcome = told.outcome.as_ref();
            outcome.is_some_and(|outcome| {
                outcome
                    .values()
                    .any(|word| word == DecisionOutcome::Same.name())
            })
        };
        let Some(other) = duplicates::other_of(&told).filter(|_| same(&told)) else {
            return Ok(None);
        };
        let there = open(other)?;
        let told_there = decisions(&there.held.document).remove(&decision);
        let side = |household, core, told: Option<&DecisionView>| Side {
            household,
            core,
            // A register put back to a backup may have only one of the two again.
            stands: told.is_some_and(|told| !told.is_undone()),
        };
        let one = side(order.household, here, Some(&told));
        let second = side(other, there, told_there.as_ref());
        let (into, from) = if told.goes_on.is_some() {
            (second, one)
        } else {
            (one, second)
        };
        if !into.stands && !from.stands {
            return Err(Objection::UndoneAlready);
        }
        if went_on(&into.core.held.document).is_some() {
            return Err(Objection::GoesOn);
        }
        Ok(Some(Self {
            decision,
            into,
            from,
        }))
    }

    /// The areas responsible, each once.
    pub(super) fn owners(&self) -> Vec<AreaCode> {
        let (into, from) = (&self.into.core.owner, &self.from.core.owner);
        let mut owners = vec![into.clone()];
        owners.extend((from != into).then(|| from.clone()));
        owners
    }

    /// Gives back what was taken over, and marks the decision as taken back in both records. `given_back` is the decision by which
    /// the other record gets what was written in copies meanwhile, where it does not hold the one that is taken back.
    ///
    /// # Errors
    /// [`Objection::Undecided`] with the fields of copies that are to be settled first.
    pub(super) fn make(
        &self,
        tx: &Tx<'_>,
        reviewer: &Reviewer,
        (reason, given_back): (&str, DecisionId),
        draws: &[Draws; BATCHES_MAX],
        now: Timestamp,
    ) -> Result<Settled, Objection> {
        let mut made = Made::new(tx, reviewer, draws, now);
        let undo = |document, set| {
            [Edit::UndoDecision {
                decision: self.decision,
                document,
                reason: Some(reason.to_owned()),
                set,
            }]
        };
        let told = Told {
            id: given_back,
            reason,
            seconded: None,
        };
        let gives_back = |document, set| {
            [Edit::Decide(NewDecision {
                takes_over: true,
                outcome: None,
                set,
                ..told.entry(document, self.into.household)
            })]
        };
        let (into, from) = (&self.into.core, &self.from.core);
        let people = brought_people(&into.held.document, self.decision);
        let back = self.given_back(&into.held.document, &from.held.document, &people)?;
        if self.into.stands {
            made.make(into, &undo(DocKind::Core, back.set))?;
        }
        if self.from.stands {
            made.make(from, &undo(DocKind::Core, back.other))?;
        } else if !back.other.is_empty() {
            made.make(from, &gives_back(DocKind::Core, back.other))?;
        }
        let health = |household| DocumentId::new(household, DocKind::Health);
        let Some(mut ours) = open_if_there(tx, reviewer, health(self.into.household))? else {
            return Ok(made.settled);
        };
        let theirs = Opened::or_new(tx, reviewer, health(self.from.household))?;
        if !decisions(&ours.held.document).contains_key(&self.decision) {
            // Nothing came with the decision; something may have been written since about somebody who did.
            let named = Told {
                id: self.decision,
                ..told
            };
            let entry = Edit::Decide(NewDecision {
                takes_over: true,
                ..named.entry(DocKind::Health, self.from.household)
            });
            let mut rehearsed = ours.held.document.clone();
            rehearsed.edit(&entry, &Desk::rehearsing(reviewer.staff, &ours.owner, now))?;
            let back = self.given_back(&rehearsed, &theirs.held.document, &people)?;
            if back == GiveBack::default() {
                return Ok(made.settled);
            }
            made.make(&ours, &[entry])?;
            ours = Opened::of(tx, reviewer, health(self.into.household))?;
        }
        let known = decisions(&ours.held.document);
        if known[&self.decision].is_undone() {
            return Ok(made.settled);
        }
        let back = self.given_back(&ours.held.document, &theirs.held.document, &people)?;
        made.make(&ours, &undo(DocKind::Health, back.set))?;
        if !back.other.is_empty() {
            made.make(&theirs, &gives_back(DocKind::Health, back.other))?;
        }
        Ok(made.settled)
    }

    fn given_back(
        &self,
        into: &Document,
        from: &Document,
        people: &BTreeSet<PersonId>,
    ) -> Result<GiveBack, Objection> {
        if decided(into, self.decision).is_none() {
            return Ok(GiveBack::default());
        }
        match give_back(into, from, self.decision, people) {
            None => Ok(GiveBack::default()),
            Some(Ok(back)) => Ok(back),
            Some(Err(Undecided(fields))) => {
                Err(Objection::Undecided(to_settle(into, &fields).collect()))
            }
        }
    }
}

#[cfg(test)]
#[path = "joining_tables.rs"]
mod tables;
#[cfg(test)]
#[path = "joining_tests.rs"]
mod tests;
