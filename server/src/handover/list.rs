//! Hand-overs that wait, for somebody's areas: those whose time has passed first, then those they are asked about, then those that
//! leave; of each the oldest first. Names no family: whoever opens one leaves an entry in the trail.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use sojourn_sync_protocol::record::HandOverState;
use sojourn_sync_protocol::{AreaCode, HouseholdId, MoveId, Timestamp};

use super::{COLUMNS, Group, Row, Sides, read};
use crate::areas;
use crate::params;
use crate::store::{StoreError, Tx};

/// Hand-overs on one page at most.
pub const PAGE_MAX: usize = 200;

/// A hand-over that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Waiting {
    /// The household.
    #[schema(value_type = String)]
    pub household: HouseholdId,
    /// The entry under its moves.
    #[schema(value_type = String)]
    pub entry: MoveId,
    /// Where it stands for who asks.
    pub group: Group,
    /// The area that hands over.
    #[schema(value_type = String)]
    pub from: AreaCode,
    /// The area that is asked.
    #[schema(value_type = String)]
    pub to: AreaCode,
    /// Day of the move.
    pub day: String,
    /// When a stay for a time ends; empty for good.
    pub until: String,
    /// Why.
    pub reason: String,
    /// When the proposal arrived, in milliseconds.
    #[schema(value_type = i64)]
    pub proposed_at: Timestamp,
    /// When the area above both sees it too, in milliseconds.
    #[schema(value_type = i64)]
    pub escalates_at: Timestamp,
}

/// Where in the list a hand-over stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    group: Group,
    proposed_at: Timestamp,
    household: HouseholdId,
    entry: MoveId,
}

impl Waiting {
    /// Where it stands.
    pub fn place(&self) -> Place {
        Place {
            group: self.group,
            proposed_at: self.proposed_at,
            household: self.household,
            entry: self.entry,
        }
    }
}

/// Which hand-overs are asked for. Nothing narrows by being absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only those from or to this area, and areas below it.
    pub area: Option<AreaCode>,
    /// Only of this group.
    pub group: Option<Group>,
}

/// One page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The hand-overs.
    pub waiting: Vec<Waiting>,
    /// How many the filter lets through, on all pages.
    pub total: usize,
    /// How many are in each group whatever the filter: escalated, incoming, outgoing.
    pub groups: [usize; 3],
    /// Where the next page begins; absent on the last.
    pub next: Option<Place>,
}

/// A page of the hand-overs of somebody who answers for these areas; at most `most`.
pub fn page(
    tx: &Tx<'_>,
    answers_for: &[AreaCode],
    filter: &Filter,
    after: Option<&Place>,
    most: usize,
    now: Timestamp,
) -> Result<Page, StoreError> {
    let mine = areas::subtree(tx, answers_for)?;
    let near = match &filter.area {
        Some(area) => Some(areas::subtree(tx, std::slice::from_ref(area))?),
        None => None,
    };
    let mut waiting = waiting(tx, &mine, now)?;
    let groups = Group::ALL.map(|group| waiting.iter().filter(|one| one.group == group).count());
    waiting.retain(|one| {
        let here = |near: &BTreeSet<AreaCode>| near.contains(&one.from) || near.contains(&one.to);
        near.as_ref().is_none_or(here) && filter.group.is_none_or(|group| one.group == group)
    });
    waiting.sort_unstable_by_key(Waiting::place);
    let total = waiting.len();
    let from = after.map_or(0, |after| {
        waiting.partition_point(|one| one.place() <= *after)
    });
    let mut waiting = waiting.split_off(from);
    let most = most.clamp(1, PAGE_MAX);
    let more = waiting.len() > most;
    waiting.truncate(most);
    let next = waiting.last().filter(|_| more).map(Waiting::place);
    Ok(Page {
        waiting,
        total,
        groups,
        next,
    })
}

/// Everything that waits and concerns these areas.
fn waiting(
    tx: &Tx<'_>,
    mine: &BTreeSet<AreaCode>,
    now: Timestamp,
) -> Result<Vec<Waiting>, StoreError> {
    let open = open(tx)?.into_iter();
    let seen = open.filter_map(|(household, entry, row, owner)| {
        let (from, to) = (row.from.clone()?, row.to.clone()?);
        let sides = Sides {
            giving: mine.contains(&owner),
            receiving: mine.contains(&to),
        };
        let escalates_at = row.escalates_at();
        Some(Waiting {
            household,
            entry,
            group: sides.group(escalates_at, now)?,
            from,
            to,
            day: row.day,
            until: row.until,
            reason: row.reason,
            proposed_at: row.proposed_at,
            escalates_at,
        })
    });
    Ok(seen.collect())
}

/// Every hand-over that waits, with the area that is responsible now. They are few beside households.
pub(super) fn open(tx: &Tx<'_>) -> Result<Vec<(HouseholdId, MoveId, Row, AreaCode)>, StoreError> {
    tx.query(
        &format!(
            "SELECT {COLUMNS}, h.area FROM handovers v JOIN households h ON h.household = v.household
             WHERE v.state = ?1"
        ),
        params![HandOverState::Proposed.name()],
        |row| {
            let (household, entry, kept) = read(row)?;
            Ok((household, entry, kept, row.parse(11)?))
        },
    )
}
