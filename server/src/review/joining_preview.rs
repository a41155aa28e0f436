//! What joining two records would do, before anybody says so: found by the same functions that do it. Writes nothing.

use std::collections::BTreeMap;

use serde::Serialize;
use sojourn_sync_protocol::record::{Document, Pairs, TakeOver, view};
use sojourn_sync_protocol::{DecisionId, HouseholdId};

use super::decide::{Objection, Reviewer};
use super::joining::{Joining, ToSettle};
use super::pairs::Two;
use crate::store::{StoreError, Tx};

/// The decision of a preview. It names none.
const NOT_DECIDED: DecisionId = DecisionId::from_bytes([0; 16]);

/// What joining two records would do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct TakenOver {
    /// Fields of the record that goes on that are empty and would be filled.
    pub filled: usize,
    /// Entries that would be copied, by the map that they are in: `persons`, `visits`, `needs`, `moves`.
    pub copied: BTreeMap<String, usize>,
    /// Fields of which the records say different things, by path: people would be asked about each.
    pub asked: Vec<String>,
    /// Fields that contradict themselves. While there are any, the records cannot be joined.
    pub undecided: Vec<ToSettle>,
    /// In one of the two the family has not agreed that its records go further.
    pub sharing_refused: bool,
}

impl TakenOver {
    /// Counts what one document takes over.
    pub(super) fn count(&mut self, taken: &TakeOver) {
        self.filled += taken.filled().len();
        for entry in taken.copied() {
            let map = entry.split('/').next().unwrap_or_default();
            *self.copied.entry(map.to_owned()).or_default() += 1;
        }
        self.asked.extend(taken.beside.keys().cloned());
    }
}

/// What would become of two records if one went on.
///
/// # Errors
/// [`Objection::NotAChoice`] when the survivor is neither or somebody is not there.
pub(super) fn of_two(
    tx: &Tx<'_>,
    reviewer: &Reviewer,
    household: HouseholdId,
    two: &Two,
    (survivor, persons): (HouseholdId, &Pairs),
) -> Result<TakenOver, Objection> {
    let mut found = TakenOver::default();
    for core in two.documents() {
        found.sharing_refused |= refuses_sharing(core)?;
    }
    let households = [household, two.other_id];
    match Joining::of(tx, reviewer, households, (survivor, persons), NOT_DECIDED) {
        Ok(joining) => joining.taken().for_each(|taken| found.count(taken)),
        Err(Objection::Undecided(undecided)) => found.undecided = undecided,
        Err(objection) => return Err(objection),
    }
    Ok(found)
}

fn refuses_sharing(core: &Document) -> Result<bool, StoreError> {
    let shown = view(core.id().household, core, None)
        .map_err(|error| StoreError::Corrupt(error.to_string()))?;
    let said = shown.consent.sharing.iter();
    Ok(said
        .flat_map(|sharing| sharing.values())
        .any(|word| word != "given"))
}
