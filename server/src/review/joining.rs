//! Two records of one family are joined: what the record says of it is written in the documents of both, in one transaction, at the
//! desk of who decides.
//!
//! One record goes on and takes over what the other has; the other stays where it is, open to everybody as before, and says where
//! the family goes on. Everything else of the two stays theirs: the area, the log, hand-overs that are prepared, and what waits for a
//! person in either. What is copied and put beside, `record::joining` decides; who may do it, `pairs`. `parting` takes it back.

use std::collections::BTreeSet;

use serde::Serialize;
use sojourn_sync_protocol::record::{
    Assignments, DecisionOutcome, Document, Edit, GoesOn, NewDecision, Pairs, TakeOver, Undecided,
    beside, contradictions, take_over, view, went_on,
};
use sojourn_sync_protocol::{DecisionId, DocKind, DocumentId, HouseholdId, StaffId, Timestamp};

use super::decide::{Objection, Opened, Reviewer};
use crate::desk::{Desk, Draws};
use crate::documents;
use crate::duplicates;
use crate::ingest::Settled;
use crate::store::{StoreError, Tx};

/// Batches that joining or parting hands in at most.
pub(crate) const BATCHES_MAX: usize = 6;

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
pub(crate) struct Told<'a> {
    pub(crate) id: DecisionId,
    pub(crate) reason: &'a str,
    pub(crate) seconded: Option<StaffId>,
}

impl Told<'_> {
    /// The entry in a document of one record, about the other.
    pub(super) fn entry(&self, document: DocKind, about: HouseholdId) -> NewDecision {
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
    /// The documents of the other, the core first: in each it is said where the family goes on, so that what is written there later
    /// is found.
    left: [Opened; 2],
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
        let health = |household| DocumentId::new(household, DocKind::Health);
        let left_health = Opened::or_new(tx, reviewer, health(from))?;
        let mut undecided = Vec::new();
        let mut parts = Vec::new();
        let ours = Opened::or_new(tx, reviewer, health(into))?;
        for (opened, other) in [(core, &left), (ours, &left_health)] {
            let other = &other.held.document;
            match take_over(&opened.held.document, other, persons, None, id) {
                Ok(taken) => parts.push((opened, taken)),
                Err(Undecided(fields)) => {
                    for document in [&opened.held.document, other] {
                        undecided.extend(to_settle(document, &fields));
                    }
                }
            }
        }
        if !undecided.is_empty() {
            return Err(Objection::Undecided(undecided));
        }
        Ok(Self {
            into,
            from,
            persons: persons.clone(),
            parts,
            left: [left, left_health],
        })
    }

    /// What each document takes over.
    pub(super) fn taken(&self) -> impl Iterator<Item = &TakeOver> {
        self.parts.iter().map(|(_, taken)| taken)
    }

    /// The decisions in the documents of the record that goes on, each with what is put beside.
    fn takes_over(&self, told: &Told<'_>) -> Vec<(&Opened, &TakeOver, Edit)> {
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
        entries.collect()
    }

    /// The decisions in the documents of the other. Who is who, its core alone says.
    fn goes_on(&self, told: &Told<'_>) -> [(&Opened, Edit); 2] {
        let [core, health] = &self.left;
        let goes_on = |kind, persons| {
            Edit::Decide(NewDecision {
                goes_on: Some(GoesOn {
                    household: self.into,
                    persons,
                }),
                ..told.entry(kind, self.into)
            })
        };
        [
            (core, goes_on(DocKind::Core, self.persons.clone())),
            (health, goes_on(DocKind::Health, Pairs::new())),
        ]
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
        let ours = self.takes_over(told).into_iter();
        let ours = ours.map(|(opened, _, edit)| (opened, edit));
        for (opened, edit) in ours.chain(self.goes_on(told)) {
            let by = Desk::rehearsing(reviewer.staff, &opened.owner, now);
            opened.held.document.clone().edit(&edit, &by)?;
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
        for (opened, taken, edit) in self.takes_over(told) {
            made.take_over(opened, taken, (told.id, edit))?;
        }
        for (opened, edit) in self.goes_on(told) {
            made.make(opened, &[edit])?;
        }
        Ok(made.settled)
    }
}

/// Joins one record into another that goes on, two people having agreed. Each of `persons` is of the one, with who that is in the other.
///
/// # Errors
/// [`Objection::Undecided`] before anything is written; after any other the transaction is to be undone.
pub(crate) fn join(
    tx: &Tx<'_>,
    by: &Reviewer,
    (one, survivor, persons): (HouseholdId, HouseholdId, &Pairs),
    told: &Told<'_>,
    draws: &[Draws; BATCHES_MAX],
    now: Timestamp,
) -> Result<Settled, Objection> {
    let joining = Joining::of(tx, by, [one, survivor], (survivor, persons), told.id)?;
    joining.make(tx, by, told, draws, now)
}

/// Hands in batches one after the other, each with draws of its own.
pub(super) struct Made<'a, 'c> {
    tx: &'a Tx<'c>,
    reviewer: &'a Reviewer,
    draws: std::slice::Iter<'a, Draws>,
    now: Timestamp,
    pub(super) settled: Settled,
}

impl<'a, 'c> Made<'a, 'c> {
    pub(super) fn new(
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

    pub(super) fn make(&mut self, opened: &Opened, edits: &[Edit]) -> Result<(), Objection> {
        let draws = self.draws.next().ok_or(Objection::Refused("too-large"))?;
        let made = opened.make(self.tx, self.reviewer, edits, draws, self.now)?;
        self.settled.moved.extend(made.moved);
        Ok(())
    }

    /// The decision by which a record takes over, and on the ground of it what is put beside.
    pub(super) fn take_over(
        &mut self,
        opened: &Opened,
        taken: &TakeOver,
        (decision, edit): (DecisionId, Edit),
    ) -> Result<(), Objection> {
        self.make(opened, &[edit])?;
        if taken.beside.is_empty() {
            return Ok(());
        }
        let decided = Opened::of(self.tx, self.reviewer, opened.held.document.id())?;
        let edits = beside(&decided.held.document, taken, decision);
        self.make(&decided, &edits)
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
pub(super) fn to_settle(
    document: &Document,
    fields: &BTreeSet<String>,
) -> impl Iterator<Item = ToSettle> {
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
pub(super) fn open_if_there(
    tx: &Tx<'_>,
    reviewer: &Reviewer,
    id: DocumentId,
) -> Result<Option<Opened>, Objection> {
    match documents::load(tx, id)? {
        None => Ok(None),
        Some(_) => Opened::of(tx, reviewer, id).map(Some),
    }
}

#[cfg(test)]
#[path = "joining_tables.rs"]
mod tables;
#[cfg(test)]
#[path = "joining_tests.rs"]
mod tests;
