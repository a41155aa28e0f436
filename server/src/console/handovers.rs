//! Hand-overs that wait for somebody's areas, one of them, its answer, and how many families came and went.

use std::collections::BTreeMap;

use serde::Serialize;
use sojourn_sync_protocol::record::{HandOverState, HouseholdView};
use sojourn_sync_protocol::{AreaCode, HouseholdId, MoveId};

use super::Names;
use super::households::areas_in;
use crate::accounts::sessions::SignedIn;
use crate::audit::{Action, Stamp};
use crate::clock::Clock;
use crate::cursor::Cursor;
use crate::handover::answer::{self, Answer, NotAnswered};
use crate::handover::counts::{self, Flow, Period};
use crate::handover::list::{self, Filter, Place, Waiting};
use crate::handover::page::{self, Seen};
use crate::live::Live;
use crate::store::{Store, StoreError};

/// A page of the hand-overs that wait.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct HandOvers {
    /// The hand-overs: escalated ones first, then incoming, then outgoing.
    pub waiting: Vec<Waiting>,
    /// How many there are on all pages.
    pub total: usize,
    /// How many are escalated, whatever the filter.
    pub escalated: usize,
    /// How many wait for who asks, whatever the filter.
    pub incoming: usize,
    /// How many leave their areas, whatever the filter.
    pub outgoing: usize,
    /// Where the next page begins.
    #[schema(value_type = Option<String>)]
    pub next: Option<Cursor<Place>>,
    /// Of the areas in them.
    pub names: Names,
}

/// Reads a page of the hand-overs that wait.
///
/// # Errors
/// [`StoreError`].
pub async fn hand_overs(
    store: &Store,
    clock: &Clock,
    who: &SignedIn,
    filter: Filter,
    after: Option<Place>,
    most: usize,
) -> Result<HandOvers, StoreError> {
    let (now, areas) = (clock.now(), who.areas.clone());
    store
        .read("hand-overs", move |tx| {
            let page = list::page(tx, &areas, &filter, after.as_ref(), most, now)?;
            let mut names = Names::default();
            for one in &page.waiting {
                names.add_areas(tx, [one.from.clone(), one.to.clone()])?;
            }
            let [escalated, incoming, outgoing] = page.groups;
            Ok(HandOvers {
                waiting: page.waiting,
                total: page.total,
                escalated,
                incoming,
                outgoing,
                next: page.next.map(Cursor),
                names,
            })
        })
        .await
}

/// A hand-over, and the names of the areas and people in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct NamedHandOver {
    /// The hand-over.
    #[serde(flatten)]
    pub seen: Seen,
    /// Of the people and areas in it.
    pub names: Names,
}

/// Reads a hand-over, and tells so in the trail of both areas.
///
/// # Errors
/// [`NotAnswered::Unknown`] when there is none, or it is between areas of others.
pub async fn hand_over(
    store: &Store,
    clock: &Clock,
    who: &SignedIn,
    (household, entry): (HouseholdId, MoveId),
) -> Result<NamedHandOver, NotAnswered> {
    let (reviewer, now) = (who.reviewer(), clock.now());
    let read = store
        .read("hand-over", move |tx| {
            let seen = page::read(tx, &reviewer, (household, entry), now)?;
            let mut names = Names::default();
            names.add_areas(tx, seen.from.iter().chain(&seen.to).cloned())?;
            names.add_areas(tx, seen.families.iter().map(|one| one.area.clone()))?;
            if let Some(record) = &seen.record {
                names.add_areas(tx, areas_in(record))?;
                names.add_seconders(tx, record.decisions.values())?;
            }
            Ok::<_, NotAnswered>(NamedHandOver { seen, names })
        })
        .await?;
    let (stamp, reviewer) = (Stamp::new(clock), who.reviewer());
    let mut both: Vec<AreaCode> = read
        .seen
        .from
        .iter()
        .chain(&read.seen.to)
        .cloned()
        .collect();
    both.extend(read.seen.record.as_ref().and_then(lives_in));
    both.sort();
    both.dedup();
    store
        .write("hand-over read", move |tx| {
            let action = Action::HandOverRead;
            answer::note(tx, &stamp, &reviewer, action, (household, entry), &both)
        })
        .await?;
    Ok(read)
}

/// Where a household lives, if that is beyond doubt.
fn lives_in(record: &HouseholdView) -> Option<AreaCode> {
    record.residence.area.as_ref()?.agreed()?.parse().ok()
}

/// How a hand-over stands after an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Answered {
    /// How it stands.
    pub state: HandOverState,
}

/// Answers a hand-over.
///
/// # Errors
/// [`NotAnswered`]; nothing is stored then.
pub async fn answer(
    store: &Store,
    live: &Live,
    clock: &Clock,
    who: &SignedIn,
    order: Answer,
) -> Result<Answered, NotAnswered> {
    let state = answer::answer(store, live, clock, who.reviewer(), order).await?;
    Ok(Answered { state })
}

/// Families that came and went, and hand-overs that wait, by area.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Counts {
    /// Areas that something concerns, by code.
    #[schema(value_type = BTreeMap<String, Flow>)]
    pub areas: BTreeMap<AreaCode, Flow>,
    /// Of these areas.
    pub names: Names,
}

/// Counts for every area of who asks.
///
/// # Errors
/// [`StoreError`].
pub async fn counts(store: &Store, who: &SignedIn, period: Period) -> Result<Counts, StoreError> {
    let areas = who.areas.clone();
    store
        .read("hand-over counts", move |tx| {
            let areas = counts::of_areas(tx, &areas, period)?;
            let mut names = Names::default();
            names.add_areas(tx, areas.keys().cloned())?;
            Ok(Counts { areas, names })
        })
        .await
}
