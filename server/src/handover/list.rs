//! Hand-overs for somebody's areas. Those that wait: whose time has passed first, then those they are asked about, then those that
//! wait for others; of each the oldest first. Or those that are closed, the latest first. Names no family: whoever opens one leaves an
//! entry in the trail.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use sojourn_sync_protocol::record::HandOverState;
use sojourn_sync_protocol::{AreaCode, HouseholdId, MoveId, Timestamp};

use super::{COLUMNS, COLUMNS_COUNT, Group, Row, Sides, read};
use crate::areas;
use crate::cursor::cut;
use crate::params;
use crate::store::{StoreError, Tx};

/// Hand-overs on one page at most.
pub const PAGE_MAX: usize = 200;

/// How long a hand-over is listed after it was closed, milliseconds.
pub const CLOSED_MS: i64 = 180 * 24 * 60 * 60 * 1000;

/// A hand-over that waits, or is closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Waiting {
    /// The household.
    #[schema(value_type = String)]
    pub household: HouseholdId,
    /// The entry under its moves.
    #[schema(value_type = String)]
    pub entry: MoveId,
    /// Where it stands for who asks; where it stood, for one that is closed.
    pub group: Group,
    /// How it stands.
    pub state: HandOverState,
    /// The area that hands over.
    #[schema(value_type = String)]
    pub from: AreaCode,
    /// The area that takes over. The one of the two that did not begin it is asked.
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
    /// When it was closed, in milliseconds.
    #[schema(value_type = Option<i64>)]
    pub answered_at: Option<Timestamp>,
    /// The area that takes over began it: the family is at its door.
    pub at_door: bool,
    /// Whether who asks may open it: a family that was taken over is the other area's.
    pub opens: bool,
}

/// Where in the list a hand-over stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    group: Group,
    /// The moment by which it is sorted; of what is closed, the latest first.
    order: i64,
    household: HouseholdId,
    entry: MoveId,
}

impl Waiting {
    /// Where it stands.
    pub fn place(&self) -> Place {
        Place {
            group: self.group,
            order: match self.answered_at {
                Some(at) => -at.millis(),
                None => self.proposed_at.millis(),
            },
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
    /// Those that were closed of late, instead of those that wait.
    pub closed: bool,
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
    if filter.closed {
        waiting = closed(tx, &mine, now)?;
    }
    waiting.retain(|one| {
        let here = |near: &BTreeSet<AreaCode>| near.contains(&one.from) || near.contains(&one.to);
        near.as_ref().is_none_or(here) && filter.group.is_none_or(|group| one.group == group)
    });
    waiting.sort_unstable_by_key(Waiting::place);
    let total = waiting.len();
    let (waiting, next) = cut(waiting, after, most.clamp(1, PAGE_MAX), Waiting::place);
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
            asking: mine.contains(&owner),
            asked: row.asked().is_some_and(|asked| mine.contains(asked)),
        };
        let group = sides.group(row.escalates_at(), now)?;
        Some(listed((household, entry), row, (from, to), group, true))
    });
    Ok(seen.collect())
}

/// Everything that was closed of late and concerned these areas.
fn closed(
    tx: &Tx<'_>,
    mine: &BTreeSet<AreaCode>,
    now: Timestamp,
) -> Result<Vec<Waiting>, StoreError> {
    let since = now.plus_millis(-CLOSED_MS);
    let rows = tx.query(
        &format!(
            "SELECT {COLUMNS}, h.area FROM handovers v JOIN households h ON h.household = v.household
             WHERE v.state IN (?1, ?2, ?3, ?4) AND v.answered_at >= ?5"
        ),
        params![
            HandOverState::Accepted.name(),
            HandOverState::Rejected.name(),
            HandOverState::Withdrawn.name(),
            HandOverState::Overtaken.name(),
            since.millis()
        ],
        |row| {
            let (household, entry, kept) = read(row)?;
            Ok((household, entry, kept, row.parse::<AreaCode>(COLUMNS_COUNT)?))
        },
    )?;
    let seen = rows
        .into_iter()
        .filter_map(|(household, entry, row, owner)| {
            let (from, to) = (row.from.clone()?, row.to.clone()?);
            let (asks, asked) = if row.at_door {
                (&to, &from)
            } else {
                (&from, &to)
            };
            let group = match (mine.contains(asks), mine.contains(asked)) {
                (_, true) => Group::Incoming,
                (true, false) => Group::Outgoing,
                (false, false) => return None,
            };
            let opens = mine.contains(&owner) || mine.contains(asked);
            Some(listed((household, entry), row, (from, to), group, opens))
        });
    Ok(seen.collect())
}

fn listed(
    (household, entry): (HouseholdId, MoveId),
    row: Row,
    (from, to): (AreaCode, AreaCode),
    group: Group,
    opens: bool,
) -> Waiting {
    Waiting {
        household,
        entry,
        group,
        state: row.state,
        from,
        to,
        proposed_at: row.proposed_at,
        escalates_at: row.escalates_at(),
        answered_at: row.answered_at,
        at_door: row.at_door,
        opens,
        day: row.day,
        until: row.until,
        reason: row.reason,
    }
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
            Ok((household, entry, kept, row.parse(COLUMNS_COUNT)?))
        },
    )
}

#[cfg(test)]
#[path = "list_tests.rs"]
mod tests;
