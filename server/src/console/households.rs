//! A household as its area's reviewers see it: the record, who wrote what when, and where it has lived; how they find it; and their
//! areas with what waits in each.

use std::collections::BTreeMap;

use serde::Serialize;
use sojourn_sync_protocol::record::{HistoryEntry, HouseholdView, Shown, history, mask_id_number};
use sojourn_sync_protocol::{AreaCode, DocumentId, HouseholdId};

use super::Names;
use crate::accounts::sessions::SignedIn;
use crate::areas;
use crate::audit::{self, Action, Deed, Stamp};
use crate::clock::Clock;
use crate::documents;
use crate::duplicates;
use crate::params;
use crate::residence;
use crate::review::decide::Objection;
use crate::review::{case, queue};
use crate::search::{self, Asked, Found};
use crate::store::{Store, StoreError, Tx};

/// A household.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Household {
    /// The area responsible.
    #[schema(value_type = String)]
    pub area: AreaCode,
    /// The record, identity numbers masked.
    #[schema(value_type = Object)]
    pub record: HouseholdView,
    /// Every value ever written, parents first; identity numbers masked.
    #[schema(value_type = Vec<Object>)]
    pub history: Vec<HistoryEntry>,
    /// Where the same family is registered too, as far as who asks answers for that.
    pub linked: Vec<Linked>,
    /// Of the people and areas in it.
    pub names: Names,
}

/// Another record of the same family, as reviewers found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Linked {
    /// The other household.
    #[schema(value_type = String)]
    pub household: HouseholdId,
    /// The area responsible for it.
    #[schema(value_type = String)]
    pub area: AreaCode,
    /// How the two are linked.
    pub link: Link,
}

/// How two records of one family are linked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Link {
    /// The family goes on in the other.
    GoesOn,
    /// This one took the other over.
    TookOver,
    /// They were found to be one, and neither goes on.
    Same,
}

/// Reads a household, and tells so in the trail.
///
/// # Errors
/// [`Objection::Unknown`] when there is none of that id in the areas of who asks.
pub async fn household(
    store: &Store,
    clock: &Clock,
    who: &SignedIn,
    id: HouseholdId,
) -> Result<Household, Objection> {
    let reviewer = who.reviewer();
    let read = store
        .read("household", move |tx| {
            let record = case::record(tx, &reviewer, id)?;
            let area = residence::owner(tx, id)?.ok_or(Objection::Unknown)?;
            let mut told = Vec::new();
            for kind in &reviewer.kinds {
                if let Some(held) = documents::load(tx, DocumentId::new(id, *kind))? {
                    told.extend(history(&held.document, None));
                }
            }
            for entry in &mut told {
                mask_id_number(&entry.path, &mut entry.value);
            }
            let linked = linked(tx, &reviewer.areas, id)?;
            let mut names = Names::default();
            names.add_areas(tx, [area.clone()])?;
            names.add_areas(tx, linked.iter().map(|linked| linked.area.clone()))?;
            names.add_areas(tx, areas_in(&record))?;
            names.add_areas(tx, told.iter().filter_map(|entry| entry.area.clone()))?;
            names.add_staff(tx, told.iter().filter_map(|entry| entry.staff))?;
            names.add_seconders(tx, record.decisions.values())?;
            Ok::<_, Objection>(Household {
                area,
                record,
                history: told,
                linked,
                names,
            })
        })
        .await?;
    let (stamp, staff, area) = (Stamp::new(clock), who.staff.id, read.area.clone());
    store
        .write("household read", move |tx| {
            let deed = Deed {
                staff: Some(staff),
                action: Action::HouseholdRead,
                household: Some(id),
                subject: "",
            };
            audit::note(tx, &stamp, std::slice::from_ref(&area), &deed)
        })
        .await?;
    Ok(read)
}

/// What a search found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Search {
    /// The households, best first.
    pub found: Vec<Found>,
    /// Whether there are more: a longer text finds fewer.
    pub more: bool,
    /// Whether all of the areas were looked through; otherwise an area has to be chosen.
    pub everywhere: bool,
    /// Of the areas in it.
    pub names: Names,
}

/// Searches for households, and tells so in the trail of every area of who asks: that somebody searched and how many were found,
/// not what for.
///
/// # Errors
/// [`StoreError`].
pub async fn search(
    store: &Store,
    clock: &Clock,
    who: &SignedIn,
    asked: Asked,
) -> Result<Search, StoreError> {
    let areas = who.areas.clone();
    let read = store
        .read("search", move |tx| {
            let results = search::find(tx, &areas, &asked)?;
            let mut names = Names::default();
            names.add_areas(tx, results.found.iter().map(|found| found.area.clone()))?;
            Ok::<_, StoreError>(Search {
                found: results.found,
                more: results.more,
                everywhere: results.everywhere,
                names,
            })
        })
        .await?;
    let (stamp, who, found) = (Stamp::new(clock), who.clone(), read.found.len());
    store
        .write("search told", move |tx| {
            let deed = Deed {
                staff: Some(who.staff.id),
                action: Action::HouseholdsSearched,
                household: None,
                subject: &found.to_string(),
            };
            audit::note(tx, &stamp, &who.areas, &deed)
        })
        .await?;
    Ok(read)
}

/// Where the same family is registered too, within these areas.
pub(crate) fn linked(
    tx: &Tx<'_>,
    within: &[AreaCode],
    id: HouseholdId,
) -> Result<Vec<Linked>, StoreError> {
    let mut linked = Vec::new();
    let goes_on = duplicates::goes_on_in(tx, id)?;
    for household in duplicates::linked_with(tx, id)? {
        if let Some(area) = residence::owner(tx, household)?
            && areas::is_within(tx, &area, within)?
        {
            let link = if goes_on == Some(household) {
                Link::GoesOn
            } else if duplicates::goes_on_in(tx, household)? == Some(id) {
                Link::TookOver
            } else {
                Link::Same
            };
            linked.push(Linked {
                household,
                area,
                link,
            });
        }
    }
    Ok(linked)
}

/// The areas that a record speaks of.
pub(super) fn areas_in(record: &HouseholdView) -> Vec<AreaCode> {
    let lives = record.residence.area.iter();
    let moved = record
        .moves
        .values()
        .flat_map(|moved| moved.from.iter().chain(&moved.to));
    lives
        .chain(moved)
        .flat_map(Shown::values)
        .filter_map(|code| code.parse().ok())
        .collect()
}

/// An area of somebody's, with how much is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct AreaCount {
    /// Its code.
    #[schema(value_type = String)]
    pub code: AreaCode,
    /// The area above it.
    #[schema(value_type = Option<String>)]
    pub parent: Option<AreaCode>,
    /// Its level, as the tree names it.
    pub level: String,
    /// Its name.
    pub name: String,
    /// Households that live in it, not below it.
    pub households: u64,
    /// Open questions in it that wait now, not below it; one about two households is in the area that both lie in.
    pub open: u64,
    /// Open questions in it that are put off or wait for an answer from the field, which `open` does not count.
    pub put_off: u64,
}

/// The areas that somebody answers for and all below them, parents before children.
///
/// # Errors
/// [`StoreError`].
pub async fn areas_of(
    store: &Store,
    clock: &Clock,
    who: &SignedIn,
) -> Result<Vec<AreaCount>, StoreError> {
    let (now, roots) = (clock.now(), who.areas.clone());
    store
        .read("areas with counts", move |tx| {
            let within = areas::subtree(tx, &roots)?;
            let households = tx.query(
                "SELECT area, COUNT(*) FROM households GROUP BY area",
                params![],
                |row| Ok((row.parse::<AreaCode>(0)?, row.u64(1)?)),
            )?;
            let households: BTreeMap<_, _> = households.into_iter().collect();
            let questions = queue::counts(tx, &within, now)?;
            let tree = areas::list(tx)?.areas.into_iter();
            Ok(tree
                .filter(|area| within.contains(&area.code))
                .map(|area| {
                    let waiting = questions.get(&area.code).copied().unwrap_or_default();
                    AreaCount {
                        households: households.get(&area.code).copied().unwrap_or(0),
                        open: waiting.open,
                        put_off: waiting.put_off,
                        code: area.code,
                        parent: area.parent,
                        level: area.level,
                        name: area.name,
                    }
                })
                .collect())
        })
        .await
}
