//! What is held of this tablet's edits, and what a reviewer decided about it since. The decision is in the document, so it is
//! told where the document is; of a household that is not here, what is held goes on waiting.
//!
//! Nothing of it is stored: what the document says now, a decision taken back too, is what counts.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use sojourn_sync_protocol::record::{DecisionView, decided_aside, decisions};
use sojourn_sync_protocol::{DecisionId, DocumentId, HouseholdId};

use crate::cache::Cache;
use crate::documents;
use crate::error::Error;
use crate::outbox::{self, OutboxRow};
use crate::store::Tx;

/// A held edit.
#[derive(Debug, Clone, PartialEq)]
pub struct HeldEdit {
    /// The edit, and why it is held.
    pub row: OutboxRow,
    /// What was decided about it, if a decision stands.
    pub decided: Option<(DecisionId, DecisionView)>,
}

/// Every held edit, oldest first.
///
/// # Errors
/// [`Error::Store`]; [`Error::Record`] when a document cannot be read.
pub(crate) fn all(tx: &Tx<'_>, cache: &Cache) -> Result<Vec<HeldEdit>, Error> {
    told(tx, cache, outbox::held(tx)?)
}

/// How many held edits nobody has decided about.
///
/// # Errors
/// When the store cannot be read.
pub fn waiting(tx: &Tx<'_>, cache: &Cache) -> Result<u64, Error> {
    Ok(undecided(&all(tx, cache)?))
}

/// The same of one household.
pub(crate) fn waiting_of(tx: &Tx<'_>, cache: &Cache, household: HouseholdId) -> Result<u64, Error> {
    Ok(undecided(&told(
        tx,
        cache,
        outbox::held_of(tx, household)?,
    )?))
}

fn undecided(held: &[HeldEdit]) -> u64 {
    held.iter().filter(|held| held.decided.is_none()).count() as u64
}

fn told(tx: &Tx<'_>, cache: &Cache, rows: Vec<OutboxRow>) -> Result<Vec<HeldEdit>, Error> {
    let mut known: BTreeMap<DocumentId, BTreeMap<DecisionId, DecisionView>> = BTreeMap::new();
    let mut told = Vec::with_capacity(rows.len());
    for row in rows {
        let id = row.document;
        let made = match known.entry(id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => {
                let found = documents::load(tx, cache, id)?;
                let made = found.map(|(_, document)| decisions(&document));
                unknown.insert(made.unwrap_or_default())
            }
        };
        let decided = decided_aside(made, &row.change);
        told.push(HeldEdit { row, decided });
    }
    Ok(told)
}

#[cfg(test)]
mod tests {
    use sojourn_sync_protocol::message::{Fate, QuarantineReason};
    use sojourn_sync_protocol::record::{
        Assignments, DecisionOutcome, Edit, NewDecision, about_aside,
    };
    use sojourn_sync_protocol::{DecisionId, DocKind};

    use super::*;
    use crate::settle_tests::{next, settle};
    use crate::testing::{Elsewhere, HOME, NOW, enrolled, set_phone};

    #[test]
    fn what_was_decided_about_a_held_edit_is_told_and_waits_no_more() {
        let dir = tempfile::tempdir().unwrap();
        let tablet = enrolled(dir.path(), 1);
        let mut elsewhere = Elsewhere::household(1, 9);
        let arrive = |elsewhere: &Elsewhere| {
            let whole = elsewhere.whole(HOME);
            tablet
                .write("page", NOW, |work| documents::install(work, &whole))
                .unwrap();
        };
        arrive(&elsewhere);
        let id = elsewhere.id();
        let made = tablet.edit(NOW, id, set_phone("100 1111")).unwrap();
        next(&tablet).unwrap();
        let reason = QuarantineReason::NotAuthorised;
        settle(&tablet, &[Fate::Quarantined { reason }]);
        let counts = || {
            (
                tablet.status().unwrap().held,
                tablet.show(id).unwrap().0.held,
            )
        };
        let decided = || tablet.held_and_decided().unwrap()[0].decided.clone();
        assert_eq!((counts(), decided()), ((1, 1), None));

        let decision = DecisionId::new(NOW, [1; 10]);
        elsewhere.edit(Edit::Decide(NewDecision {
            id: Some(decision),
            document: DocKind::Core,
            about: about_aside(&made.change),
            reason: "问过家里".into(),
            seconded: None,
            outcome: Some(DecisionOutcome::Refused),
            takes_over: false,
            goes_on: None,
            set: Assignments::new(),
        }));
        arrive(&elsewhere);
        let (told, view) = decided().expect("it is decided");
        assert_eq!(told, decision);
        assert_eq!(view.outcome.unwrap().agreed().unwrap(), "refused");
        assert_eq!(counts(), (0, 0));

        // Taken back, it waits again.
        elsewhere.edit(Edit::UndoDecision {
            decision,
            document: DocKind::Core,
            reason: Some("看错了".into()),
            set: Assignments::new(),
        });
        arrive(&elsewhere);
        assert_eq!((counts(), decided()), ((1, 1), None));
    }
}
