//! Where a family goes on that had two records: said by a decision in the one in which nothing more is written.

use automerge::ReadDoc as _;
use serde::{Deserialize, Serialize};

use super::decision::{decisions, decisions_of};
use super::document::Document;
use super::joining::Pairs;
use super::shown::Shown;
use super::value::Value;
use crate::{DecisionId, HouseholdId};

/// The key of a decision that says where the family goes on.
const GOES_ON: &str = "goes_on";
/// What the keys begin with that say who is who.
const SAME: &str = "same/";

/// Where a family goes on that had two records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GoesOn {
    /// The record.
    pub household: HouseholdId,
    /// Who persons of this one are there. The others have there the ids that they have here.
    #[serde(default)]
    pub persons: Pairs,
}

impl GoesOn {
    /// Keys of the decision that says so.
    pub(super) fn given(&self) -> Vec<(String, Value)> {
        let same = self.persons.iter().map(|(here, there)| {
            let there = Value::Text(there.to_string());
            (format!("{SAME}{here}"), there)
        });
        let household = Value::Text(self.household.to_string());
        std::iter::once((GOES_ON.to_owned(), household))
            .chain(same)
            .collect()
    }
}

/// Where the family of this record goes on, by the decision that says so and was not taken back. The health document says
/// nothing of persons.
pub fn went_on(document: &Document) -> Option<(DecisionId, GoesOn)> {
    let root = decisions_of(document.id().kind);
    let standing = decisions(document)
        .into_iter()
        .filter(|(_, told)| !told.is_undone());
    let (decision, household) = standing
        .flat_map(|(id, told)| {
            let named: Vec<String> = told
                .goes_on
                .iter()
                .flat_map(Shown::values)
                .cloned()
                .collect();
            named.into_iter().map(move |household| (id, household))
        })
        .find_map(|(id, household)| Some((id, household.parse().ok()?)))?;
    let entry = document.map_of(root, Some(&decision.to_string()))?;
    let keys = document.inner().map_range(&entry, ..);
    let same = keys.filter_map(|item| {
        let here = item.key.strip_prefix(SAME)?.parse().ok()?;
        match document.values_in(&entry, &item.key).pop()?.0? {
            Value::Text(there) => Some((here, there.parse().ok()?)),
            _ => None,
        }
    });
    let persons = same.collect();
    Some((decision, GoesOn { household, persons }))
}
