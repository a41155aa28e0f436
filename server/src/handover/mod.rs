//! Hand-overs: a family's move that one area proposes and the other answers. The record holds them; here they are kept as rows
//! that people ask by area, made again from the log, and the rules of who sees and answers them when.
//!
//! A hand-over is escalated once its time to be answered has passed: that is derived, nothing is written for it. One that was
//! accepted is not undone: the family is handed back by another one.

pub mod answer;
pub(crate) mod authority;
pub mod checklist;
pub mod counts;
pub(crate) mod door;
pub mod list;
pub mod page;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};
use sojourn_sync_protocol::record::{HandOver, HandOverState};
use sojourn_sync_protocol::{AreaCode, Card, ChangeHash, DocKind, HouseholdId, MoveId, Timestamp};

use crate::params;
use crate::review::RESIDENCE;
use crate::store::{Row as Stored, StoreError, Tx};

pub(crate) const SCHEMA: &str = "
CREATE TABLE handovers (
    household BLOB NOT NULL,
    entry BLOB NOT NULL,
    from_area TEXT,
    to_area TEXT,
    state TEXT NOT NULL,
    day TEXT NOT NULL,
    until_day TEXT NOT NULL,
    reason TEXT NOT NULL,
    proposed_at BIGINT NOT NULL,
    answered_at BIGINT,
    answered_position BIGINT,
    PRIMARY KEY (household, entry)
);
CREATE INDEX handovers_by_to ON handovers (state, to_area);
CREATE INDEX handovers_by_from ON handovers (state, from_area);
";

/// Since the receiving area can begin one too: whether it did, and the card that it was shown, while it waits.
pub(crate) const AT_DOOR: &str = "
ALTER TABLE handovers ADD COLUMN at_door BIGINT NOT NULL DEFAULT 0;
ALTER TABLE handovers ADD COLUMN card TEXT NOT NULL DEFAULT '';
CREATE INDEX handovers_by_card ON handovers (card);
";

/// How long the area that is asked has to answer before the area above both sees it too, milliseconds.
pub const ANSWER_MS: i64 = 14 * 24 * 60 * 60 * 1000;

/// A hand-over as it is kept for asking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    /// The area that hands over; `None` where the record leaves it in doubt.
    pub from: Option<AreaCode>,
    /// The area that takes over; likewise.
    pub to: Option<AreaCode>,
    /// How it stands.
    pub state: HandOverState,
    /// Day of the move, as written.
    pub day: String,
    /// When a stay for a time ends, as written; empty for good.
    pub until: String,
    /// Why, as written.
    pub reason: String,
    /// When the proposal arrived.
    pub proposed_at: Timestamp,
    /// When the answer arrived.
    pub answered_at: Option<Timestamp>,
    /// Its place in the household's log.
    pub answered_position: Option<u64>,
    /// The receiving area began it: the household is a provisional record of a family at its door.
    pub at_door: bool,
    /// The card that the family showed, while it waits.
    pub card: Option<Card>,
}

/// A household's hand-overs.
pub(crate) type Rows = BTreeMap<MoveId, Row>;

/// How a change came: when it arrived, and its place in the household's log.
pub(crate) type Came = (Timestamp, u64);

impl Row {
    /// When it is escalated unless somebody answers before.
    pub(crate) fn escalates_at(&self) -> Timestamp {
        self.proposed_at.plus_millis(ANSWER_MS)
    }

    /// The area that is asked.
    pub(crate) fn asked(&self) -> Option<&AreaCode> {
        if self.at_door {
            self.from.as_ref()
        } else {
            self.to.as_ref()
        }
    }
}

/// Where a hand-over that waits stands, seen by somebody.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Group {
    /// Its time has passed, and they answer for both areas.
    Escalated,
    /// It waits for their answer.
    Incoming,
    /// It waits for others.
    Outgoing,
}

impl Group {
    /// Every group.
    pub const ALL: [Self; 3] = [Self::Escalated, Self::Incoming, Self::Outgoing];
}

/// Whose areas a hand-over lies between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sides {
    /// They answer for the area that is responsible for the record now, which is the one that asks.
    pub asking: bool,
    /// They answer for the area that is asked.
    pub asked: bool,
}

impl Sides {
    /// Where a hand-over that waits stands for somebody on these sides; `None` for whom it is not.
    pub(crate) fn group(self, escalates_at: Timestamp, now: Timestamp) -> Option<Group> {
        match (self.asking, self.asked) {
            (true, true) if escalates_at <= now => Some(Group::Escalated),
            (_, true) => Some(Group::Incoming),
            (true, false) => Some(Group::Outgoing),
            (false, false) => None,
        }
    }
}

/// Whether a field at this path can change a row.
pub(crate) fn shows(path: &str) -> bool {
    path.starts_with("moves/") || path == RESIDENCE
}

/// The rows that a household's hand-overs call for, given how changes of its core document came.
pub(crate) fn rows_of<E>(
    all: &[HandOver],
    mut came: impl FnMut(&ChangeHash) -> Result<Option<Came>, E>,
) -> Result<Rows, E> {
    let mut rows = Rows::new();
    for one in all {
        let Some((proposed_at, _)) = came(&one.proposed_by)? else {
            continue;
        };
        let mut answered: Option<Came> = None;
        for change in &one.answered_by {
            // Of several who answered alike, the first did it.
            let earlier = |found: &Came| answered.is_none_or(|first| found.1 < first.1);
            if let Some(found) = came(change)?.filter(earlier) {
                answered = Some(found);
            }
        }
        let row = Row {
            from: one.from.clone(),
            to: one.to.clone(),
            state: one.state,
            day: one.on.clone().unwrap_or_default(),
            until: one.until.clone().unwrap_or_default(),
            reason: one.reason.clone().unwrap_or_default(),
            proposed_at,
            answered_at: answered.map(|(at, _)| at),
            answered_position: answered.map(|(_, position)| position),
            at_door: one.at_door,
            card: one
                .card
                .filter(|_| one.at_door && one.state == HandOverState::Proposed),
        };
        rows.insert(one.id, row);
    }
    Ok(rows)
}

/// How a change of a household's core document came, as the log has it.
fn came_of(
    tx: &Tx<'_>,
    household: HouseholdId,
    change: &ChangeHash,
) -> Result<Option<Came>, StoreError> {
    tx.query_opt(
        "SELECT arrived_at, position FROM changes WHERE household = ?1 AND kind = ?2 AND hash = ?3",
        params![
            household.as_bytes(),
            DocKind::Core.code(),
            change.as_bytes()
        ],
        |row| Ok((Timestamp::from_millis(row.i64(0)?), row.u64(1)?)),
    )
}

/// Brings a household's rows up to date, its changes being in the log; gives the areas for which something changed.
pub(crate) fn put(
    tx: &Tx<'_>,
    household: HouseholdId,
    all: &[HandOver],
) -> Result<BTreeSet<AreaCode>, StoreError> {
    let wanted = rows_of(all, |change| came_of(tx, household, change))?;
    let kept = stored(tx, household)?;
    let mut told = BTreeSet::new();
    for (entry, row) in kept.iter().filter(|(entry, _)| !wanted.contains_key(entry)) {
        tx.execute(
            "DELETE FROM handovers WHERE household = ?1 AND entry = ?2",
            params![household.as_bytes(), entry.as_bytes()],
        )?;
        told.extend(row.asked().cloned());
    }
    for (entry, row) in &wanted {
        if kept.get(entry) == Some(row) {
            continue;
        }
        tx.execute(
            "INSERT INTO handovers (household, entry, from_area, to_area, state, day, until_day, reason,
                proposed_at, answered_at, answered_position, at_door, card)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
             ON CONFLICT (household, entry) DO UPDATE SET from_area = excluded.from_area,
                to_area = excluded.to_area, state = excluded.state, day = excluded.day,
                until_day = excluded.until_day, reason = excluded.reason, proposed_at = excluded.proposed_at,
                answered_at = excluded.answered_at, answered_position = excluded.answered_position,
                at_door = excluded.at_door, card = excluded.card",
            params![
                household.as_bytes(),
                entry.as_bytes(),
                row.from.as_ref().map(AreaCode::as_str),
                row.to.as_ref().map(AreaCode::as_str),
                row.state.name(),
                &row.day,
                &row.until,
                &row.reason,
                row.proposed_at.millis(),
                row.answered_at.map(Timestamp::millis),
                row.answered_position,
                row.at_door,
                row.card.map(|card| card.to_string()).unwrap_or_default(),
            ],
        )?;
        told.extend(row.asked().cloned());
        told.extend(kept.get(entry).and_then(|before| before.asked().cloned()));
    }
    Ok(told)
}

const COLUMNS: &str =
    "v.household, v.entry, v.from_area, v.to_area, v.state, v.day, v.until_day, v.reason,
    v.proposed_at, v.answered_at, v.answered_position, v.at_door, v.card";
/// How many they are.
const COLUMNS_COUNT: usize = 13;

fn read(row: &Stored<'_>) -> Result<(HouseholdId, MoveId, Row), StoreError> {
    let kept = Row {
        from: row.optional(2, Stored::parse)?,
        to: row.optional(3, Stored::parse)?,
        state: row.parse(4)?,
        day: row.text(5)?,
        until: row.text(6)?,
        reason: row.text(7)?,
        proposed_at: Timestamp::from_millis(row.i64(8)?),
        answered_at: row.optional(9, Stored::i64)?.map(Timestamp::from_millis),
        answered_position: row.optional(10, Stored::u64)?,
        at_door: row.bool(11)?,
        card: row.text(12)?.parse().ok(),
    };
    Ok((
        HouseholdId::from_bytes(row.array(0)?),
        MoveId::from_bytes(row.array(1)?),
        kept,
    ))
}

/// The rows kept of a household.
pub(crate) fn stored(tx: &Tx<'_>, household: HouseholdId) -> Result<Rows, StoreError> {
    let rows = tx.query(
        &format!("SELECT {COLUMNS} FROM handovers v WHERE v.household = ?1 ORDER BY v.entry"),
        params![household.as_bytes()],
        read,
    )?;
    Ok(rows
        .into_iter()
        .map(|(_, entry, row)| (entry, row))
        .collect())
}

/// Walks the households that have rows.
pub(crate) fn each_household(
    tx: &Tx<'_>,
    mut visit: impl FnMut(HouseholdId) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    tx.scan(
        "SELECT DISTINCT household FROM handovers ORDER BY household",
        &[],
        |row| {
            visit(HouseholdId::from_bytes(row.array(0)?))?;
            Ok(ControlFlow::Continue(()))
        },
    )
}
