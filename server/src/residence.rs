//! Who is responsible for a household: one owner area, a pure function of the residence values that stand
//! and of the owner before. Recomputed change by change in the order of the household's log, so that a
//! rebuild arrives at the same owner.
//!
//! Knows nothing of feeds; whoever changes an owner tells both areas.

use std::ops::ControlFlow;

use sojourn_sync_protocol::{AreaCode, HouseholdId};

use crate::params;
use crate::store::{Row, StoreError, Tx};

pub(crate) const SCHEMA: &str = "
CREATE TABLE households (
    household BLOB NOT NULL PRIMARY KEY,
    area TEXT NOT NULL,
    contested BIGINT NOT NULL,
    last_position BIGINT NOT NULL
);
CREATE UNIQUE INDEX households_by_area ON households (area, household);
CREATE TABLE stays (
    household BLOB NOT NULL,
    position BIGINT NOT NULL,
    area TEXT NOT NULL,
    PRIMARY KEY (household, position)
);
";

/// What the residence values of a household mean for responsibility.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ruling {
    /// The responsible area; `None` only while no value of a new household names a known one.
    pub owner: Option<AreaCode>,
    /// More than one value stands.
    pub contested: bool,
}

/// One value decides. Of several, the owner stays if it is among them; otherwise the first of a known
/// area decides. A value outside the tree (`unknown`) never moves anyone.
pub(crate) fn next_owner(
    before: Option<&AreaCode>,
    values: &[AreaCode],
    unknown: &[AreaCode],
) -> Ruling {
    let contested = values.len() > 1;
    let stays = before.filter(|owner| values.contains(owner));
    let first_known = values.iter().find(|area| !unknown.contains(area));
    let owner = stays.or(first_known).or(before).cloned();
    Ruling { owner, contested }
}

/// A time during which one area was responsible.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stay {
    /// The place in the household's log of the change that began it.
    pub position: u64,
    /// The area.
    pub area: AreaCode,
}

/// What is kept of a household's residence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Residence {
    /// The responsible area.
    pub owner: AreaCode,
    /// Several residences stand.
    pub contested: bool,
    /// The place of the last change in the household's log.
    pub last_position: u64,
    /// Every stay, oldest first; the last is the owner's.
    pub stays: Vec<Stay>,
}

/// Reads a household's residence.
pub(crate) fn get(tx: &Tx<'_>, household: HouseholdId) -> Result<Option<Residence>, StoreError> {
    let found = tx.query_opt(
        "SELECT area, contested, last_position FROM households WHERE household = ?1",
        params![household.as_bytes()],
        |row| Ok((row.parse(0)?, row.bool(1)?, row.u64(2)?)),
    )?;
    let Some((owner, contested, last_position)) = found else {
        return Ok(None);
    };
    let stays = tx.query(
        "SELECT position, area FROM stays WHERE household = ?1 ORDER BY position",
        params![household.as_bytes()],
        |row| {
            Ok(Stay {
                position: row.u64(0)?,
                area: row.parse(1)?,
            })
        },
    )?;
    Ok(Some(Residence {
        owner,
        contested,
        last_position,
        stays,
    }))
}

/// The area responsible for a household.
pub(crate) fn owner(tx: &Tx<'_>, household: HouseholdId) -> Result<Option<AreaCode>, StoreError> {
    tx.query_opt(
        "SELECT area FROM households WHERE household = ?1",
        params![household.as_bytes()],
        |row| row.parse(0),
    )
}

/// Whether a household has lived in more than one area.
pub(crate) fn has_moved(tx: &Tx<'_>, household: HouseholdId) -> Result<bool, StoreError> {
    let stays = tx.query_opt(
        "SELECT COUNT(*) FROM stays WHERE household = ?1",
        params![household.as_bytes()],
        |row| row.u64(0),
    )?;
    Ok(stays.unwrap_or(0) > 1)
}

/// The place of the last change in a household's log; 0 for a household that is not there.
pub(crate) fn last_position(tx: &Tx<'_>, household: HouseholdId) -> Result<u64, StoreError> {
    let found = tx.query_opt(
        "SELECT last_position FROM households WHERE household = ?1",
        params![household.as_bytes()],
        |row| row.u64(0),
    )?;
    Ok(found.unwrap_or(0))
}

/// Keeps a household's residence; stays are only ever added.
pub(crate) fn put(
    tx: &Tx<'_>,
    household: HouseholdId,
    residence: &Residence,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO households (household, area, contested, last_position) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (household) DO UPDATE
         SET area = excluded.area, contested = excluded.contested, last_position = excluded.last_position",
        params![
            household.as_bytes(),
            residence.owner.as_str(),
            residence.contested,
            residence.last_position,
        ],
    )?;
    for stay in &residence.stays {
        tx.execute(
            "INSERT INTO stays (household, position, area) VALUES (?1, ?2, ?3)
             ON CONFLICT (household, position) DO NOTHING",
            params![household.as_bytes(), stay.position, stay.area.as_str()],
        )?;
    }
    Ok(())
}

/// Walks the households of an area, or of every area, in a fixed order.
pub(crate) fn each<E: From<StoreError>>(
    tx: &Tx<'_>,
    area: Option<&AreaCode>,
    mut visit: impl FnMut(HouseholdId) -> Result<(), E>,
) -> Result<(), E> {
    let mut stopped = None;
    let step = |row: &Row<'_>| {
        let visited = visit(HouseholdId::from_bytes(row.array(0)?));
        Ok(match visited {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                stopped = Some(error);
                ControlFlow::Break(())
            }
        })
    };
    match area {
        Some(area) => tx.scan(
            "SELECT household FROM households WHERE area = ?1 ORDER BY household",
            params![area.as_str()],
            step,
        )?,
        None => tx.scan(
            "SELECT household FROM households ORDER BY household",
            &[],
            step,
        )?,
    }
    stopped.map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn areas(codes: &[&str]) -> Vec<AreaCode> {
        codes.iter().map(|code| code.parse().unwrap()).collect()
    }

    fn ruled(before: Option<&str>, values: &[&str], unknown: &[&str]) -> (Option<String>, bool) {
        let before = before.map(|code| code.parse().unwrap());
        let ruling = next_owner(before.as_ref(), &areas(values), &areas(unknown));
        (ruling.owner.map(|area| area.to_string()), ruling.contested)
    }

    #[test]
    fn one_value_decides() {
        assert_eq!(ruled(None, &["a"], &[]), (Some("a".into()), false));
        assert_eq!(ruled(Some("a"), &["b"], &[]), (Some("b".into()), false));
    }

    #[test]
    fn of_several_the_owner_stays_and_otherwise_the_first_decides() {
        assert_eq!(ruled(Some("a"), &["b", "a"], &[]), (Some("a".into()), true));
        assert_eq!(ruled(Some("a"), &["c", "b"], &[]), (Some("c".into()), true));
    }

    #[test]
    fn an_unknown_area_moves_nobody() {
        assert_eq!(ruled(Some("a"), &["x"], &["x"]), (Some("a".into()), false));
        assert_eq!(
            ruled(Some("a"), &["x", "b"], &["x"]),
            (Some("b".into()), true)
        );
        assert_eq!(ruled(Some("a"), &[], &[]), (Some("a".into()), false));
        assert_eq!(ruled(None, &["x"], &["x"]), (None, false));
    }
}
