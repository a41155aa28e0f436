//! Taking back that two households are one family: both records get what `record::joining` says, so that each shows what it would
//! had they never been joined, and the decision is marked in both, in one transaction.

use std::collections::BTreeSet;

use sojourn_sync_protocol::record::{
    DecisionOutcome, DecisionView, Document, Edit, GiveBack, NewDecision, Undecided,
    brought_people, decided, decisions, give_back, went_on,
};
use sojourn_sync_protocol::{
    AreaCode, DecisionId, DocKind, DocumentId, HouseholdId, PersonId, Timestamp,
};

use super::decide::{Objection, Opened, Reviewer, Undo};
use super::joining::{BATCHES_MAX, Made, Told, open_if_there, to_settle};
use super::later;
use crate::desk::{Desk, Draws};
use crate::duplicates;
use crate::ingest::Settled;
use crate::store::Tx;

/// Two records that were found to be of one family, about to be parted.
pub(super) struct Parting {
    decision: DecisionId,
    /// The one that went on, and the other; of two that were only found to be one, the one that was asked about comes first.
    into: Side,
    from: Side,
}

/// One of the two.
struct Side {
    household: HouseholdId,
    core: Opened,
    /// The decision in its core document counts.
    stands: bool,
}

/// What is said of it.
struct Said<'a> {
    reason: &'a str,
    /// The decision by which the other record gets what was written in copies, where it does not hold the one that is taken back.
    given_back: DecisionId,
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
        let Some(other) = duplicates::other_of(&told).filter(|_| says_same(&told)) else {
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
        let people = brought_people(&self.into.core.held.document, self.decision);
        let said = Said { reason, given_back };
        let health = |side: &Side| DocumentId::new(side.household, DocKind::Health);
        let ours = open_if_there(tx, reviewer, health(&self.into))?;
        let theirs = Opened::or_new(tx, reviewer, health(&self.from))?;
        let mut made = Made::new(tx, reviewer, draws, now);
        let (one, other) = (&self.into.core, &self.from.core);
        self.part(&mut made, Some(one), other, &people, &said)?;
        let Some(mut ours) = ours else {
            self.part(&mut made, None, &theirs, &people, &said)?;
            return Ok(made.settled);
        };
        if !decisions(&ours.held.document).contains_key(&self.decision) {
            // Nothing came with the decision; something may have been written since about somebody who did.
            let entry = self.named(&said);
            let mut rehearsed = ours.held.document.clone();
            rehearsed.edit(&entry, &Desk::rehearsing(reviewer.staff, &ours.owner, now))?;
            let back = self.given_back(&rehearsed, &theirs.held.document, &people)?;
            if back != GiveBack::default() {
                made.make(&ours, &[entry])?;
                ours = Opened::of(tx, reviewer, health(&self.into))?;
            }
        }
        self.part(&mut made, Some(&ours), &theirs, &people, &said)?;
        Ok(made.settled)
    }

    /// Parts one kind of document.
    fn part(
        &self,
        made: &mut Made<'_, '_>,
        into: Option<&Opened>,
        from: &Opened,
        people: &BTreeSet<PersonId>,
        said: &Said<'_>,
    ) -> Result<(), Objection> {
        let kind = from.held.document.id().kind;
        let stands = |document: &Document| {
            let told = decisions(document).remove(&self.decision);
            told.is_some_and(|told| !told.is_undone())
        };
        let undo = |set| Edit::UndoDecision {
            decision: self.decision,
            document: kind,
            reason: Some(said.reason.to_owned()),
            set,
        };
        let mut back = GiveBack::default();
        if let Some(into) = into.filter(|into| stands(&into.held.document)) {
            back = self.given_back(&into.held.document, &from.held.document, people)?;
            made.make(into, &[undo(back.set)])?;
        }
        if stands(&from.held.document) {
            return made.make(from, &[undo(back.other)]);
        }
        if back.other.is_empty() {
            return Ok(());
        }
        let told = Told {
            id: said.given_back,
            reason: said.reason,
            seconded: None,
        };
        let entry = NewDecision {
            outcome: None,
            takes_over: true,
            set: back.other,
            ..told.entry(kind, self.into.household)
        };
        made.make(from, &[Edit::Decide(entry)])
    }

    /// The decision, as it is written in a health document to which nothing came with it.
    fn named(&self, said: &Said<'_>) -> Edit {
        let told = Told {
            id: self.decision,
            reason: said.reason,
            seconded: None,
        };
        Edit::Decide(NewDecision {
            takes_over: true,
            ..told.entry(DocKind::Health, self.from.household)
        })
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
        let more = later::carried_over(into, self.from.household);
        match give_back(into, from, (self.decision, &more), people) {
            None => Ok(GiveBack::default()),
            Some(Ok(back)) => Ok(back),
            Some(Err(Undecided(fields))) => {
                Err(Objection::Undecided(to_settle(into, &fields).collect()))
            }
        }
    }
}

fn says_same(told: &DecisionView) -> bool {
    let outcome = told.outcome.as_ref();
    outcome.is_some_and(|outcome| {
        outcome
            .values()
            .any(|word| word == DecisionOutcome::Same.name())
    })
}
