//! Families that came and went, for every area and a time, and hand-overs that wait. A move within an area is none of that area's:
//! so over areas that cover everything and share nothing, as many came as went.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use sojourn_sync_protocol::{AreaCode, HouseholdId, Timestamp};

use super::list::open;
use crate::areas;
use crate::params;
use crate::store::{StoreError, Tx};

/// A household that passed from one area to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Passage {
    /// The area that it left.
    pub from: AreaCode,
    /// The area that it entered.
    pub to: AreaCode,
    /// Whether that was a hand-over that the other area accepted; otherwise it moved at once.
    pub handed_over: bool,
}

/// What came and went, and what waits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Flow {
    /// Families that came by a hand-over.
    pub in_handed_over: u64,
    /// Families that came at once.
    pub in_at_once: u64,
    /// Families that went by a hand-over.
    pub out_handed_over: u64,
    /// Families that went at once.
    pub out_at_once: u64,
    /// Hand-overs into the area that wait.
    pub open_in: u64,
    /// Hand-overs out of the area that wait.
    pub open_out: u64,
}

/// The flow of every area that something concerns. `above` gives an area and all above it.
pub(crate) fn flows(
    passed: &[Passage],
    waiting: &[(AreaCode, AreaCode)],
    above: impl Fn(&AreaCode) -> BTreeSet<AreaCode>,
) -> BTreeMap<AreaCode, Flow> {
    let mut flows: BTreeMap<AreaCode, Flow> = BTreeMap::new();
    let mut count = |from: &AreaCode, to: &AreaCode, left: Counted, entered: Counted| {
        let (from, to) = (above(from), above(to));
        for area in from.difference(&to) {
            *left(flows.entry(area.clone()).or_default()) += 1;
        }
        for area in to.difference(&from) {
            *entered(flows.entry(area.clone()).or_default()) += 1;
        }
    };
    for Passage {
        from,
        to,
        handed_over,
    } in passed
    {
        if *handed_over {
            count(
                from,
                to,
                |f| &mut f.out_handed_over,
                |f| &mut f.in_handed_over,
            );
        } else {
            count(from, to, |f| &mut f.out_at_once, |f| &mut f.in_at_once);
        }
    }
    for (from, to) in waiting {
        count(from, to, |f| &mut f.open_out, |f| &mut f.open_in);
    }
    flows
}

type Counted = fn(&mut Flow) -> &mut u64;

/// A time that is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// From this moment on.
    pub since: Timestamp,
    /// Until before this one.
    pub until: Timestamp,
}

/// The flow of every area of somebody's that something concerns.
pub fn of_areas(
    tx: &Tx<'_>,
    answers_for: &[AreaCode],
    period: Period,
) -> Result<BTreeMap<AreaCode, Flow>, StoreError> {
    let tree = areas::list(tx)?.areas.into_iter();
    let parents: BTreeMap<AreaCode, Option<AreaCode>> =
        tree.map(|area| (area.code, area.parent)).collect();
    let above = |area: &AreaCode| {
        let up = |code: &AreaCode| parents.get(code).cloned().flatten();
        std::iter::successors(Some(area.clone()), up).collect()
    };
    let open = open(tx)?.into_iter();
    let waiting: Vec<_> = open
        .filter_map(|(_, _, row, owner)| match row.at_door {
            true => Some((row.from?, owner)),
            false => Some((owner, row.to?)),
        })
        .collect();
    let mut flows = flows(&passages(tx, period)?, &waiting, above);
    let mine = areas::subtree(tx, answers_for)?;
    flows.retain(|area, _| mine.contains(area));
    Ok(flows)
}

/// Every passage whose change arrived in a time.
pub(crate) fn passages(tx: &Tx<'_>, period: Period) -> Result<Vec<Passage>, StoreError> {
    let stays = tx.query(
        "SELECT s.household, s.area, c.arrived_at, v.household
         FROM stays s
         JOIN changes c ON c.household = s.household AND c.position = s.position
         LEFT JOIN handovers v ON v.household = s.household AND v.answered_position = s.position
            AND v.state = 'accepted'
         ORDER BY s.household, s.position",
        params![],
        |row| {
            let area: AreaCode = row.parse(1)?;
            let at = Timestamp::from_millis(row.i64(2)?);
            Ok((
                HouseholdId::from_bytes(row.array(0)?),
                area,
                at,
                !row.is_null(3),
            ))
        },
    )?;
    let passed = stays.windows(2).filter_map(|pair| {
        let [(before, from, ..), (household, to, at, handed_over)] = pair else {
            return None;
        };
        let within = period.since <= *at && *at < period.until;
        (before == household && from != to && within).then(|| Passage {
            from: from.clone(),
            to: to.clone(),
            handed_over: *handed_over,
        })
    });
    Ok(passed.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn area(code: &str) -> AreaCode {
        code.parse().unwrap()
    }

    /// Villages `a1`, `a2` and `b1` in the counties `a` and `b` of `p`.
    fn above(code: &AreaCode) -> BTreeSet<AreaCode> {
        let county = area(&code.as_str()[..1]);
        [code.clone(), county, area("p")].into()
    }

    fn passage(from: &str, to: &str, handed_over: bool) -> Passage {
        Passage {
            from: area(from),
            to: area(to),
            handed_over,
        }
    }

    #[test]
    fn a_move_within_a_county_is_none_of_the_countys() {
        let flows = flows(
            &[
                passage("a1", "a2", true),
                passage("a2", "b1", true),
                passage("b1", "a1", false),
            ],
            &[(area("a1"), area("b1"))],
            above,
        );
        let of = |code: &str| flows.get(&area(code)).copied().unwrap_or_default();
        assert_eq!(of("p"), Flow::default(), "nobody left the province");
        assert_eq!(
            of("a"),
            Flow {
                in_at_once: 1,
                out_handed_over: 1,
                open_out: 1,
                ..Flow::default()
            }
        );
        assert_eq!(
            of("a2"),
            Flow {
                in_handed_over: 1,
                out_handed_over: 1,
                ..Flow::default()
            }
        );
        for level in [&["a1", "a2", "b1"][..], &["a", "b"]] {
            let sum =
                |count: fn(&Flow) -> u64| level.iter().map(|code| count(&of(code))).sum::<u64>();
            assert_eq!(
                sum(|f| f.in_handed_over + f.in_at_once),
                sum(|f| f.out_handed_over + f.out_at_once)
            );
            assert_eq!(sum(|f| f.open_in), sum(|f| f.open_out));
        }
    }
}
