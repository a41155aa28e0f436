//! What is held of this tablet's edits, and what a reviewer decided about it since. The decision is in the document, so it is
//! told where the document is; of a household that is not here, what is held goes on waiting.
//!
//! Nothing of it is stored: what the document says now, a decision taken back too, is what counts.

use std::collections::BTreeMap;

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
/// As [`all`].
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
        if !known.contains_key(&id) {
            let found = documents::load(tx, cache, id)?;
            let made = found.map(|(_, document)| decisions(&document));
            known.insert(id, made.unwrap_or_default());
        }
        let decided = decided_aside(&known[&id], &row.change);
        told.push(HeldEdit { row, decided });
    }
    Ok(told)
}
