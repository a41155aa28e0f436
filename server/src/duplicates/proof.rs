//! For `check`: what is kept of a household against what its document calls for, and its pairs against what the two
//! households come to.
//!
//! A pair that is there is proved outright. One that is not there is called for only in a register so small that no look-up can
//! ever have met its bounds: what was found as records came in depends on how full a block was then, and households never go.

use std::collections::BTreeSet;

use sojourn_sync_protocol::HouseholdId;
use sojourn_sync_protocol::record::Document;

use super::{COMPARED_MAX, Family, LOOK_UP, decisions, in_order, index, pairs, unread};
use crate::check::Problem;
use crate::projection::{IdHashKey, Rows};
use crate::store::{StoreError, Tx};

/// By how many thousandths of a bit a sum may differ: the last digit of a logarithm is not the same on every machine.
const ROUNDING: i64 = 2;

/// What is not as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Claimed {
    /// What a household is found by and compared with.
    Family,
    /// What was decided about it and another.
    Decision(HouseholdId),
    /// A pair of it and another.
    Pair(HouseholdId),
}

/// What is wrong about a household whose document and rows are these. Each pair is told of its smaller id.
pub(crate) fn faults(
    tx: &Tx<'_>,
    household: HouseholdId,
    core: &Document,
    rows: &Rows,
    key: &IdHashKey,
) -> Result<Vec<(Claimed, Problem)>, StoreError> {
    if unread::waits(tx, household)? {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    let wanted = Family::of(core, rows, key);
    match Family::stored(tx, household)? {
        None => found.push((Claimed::Family, Problem::Missing)),
        Some(family) => {
            if family != wanted || !index::stands_under(tx, household, &wanted.keys)? {
                found.push((Claimed::Family, Problem::Differs));
            }
        }
    }
    let (kept, standing) = (
        decisions::stored(tx, household)?,
        decisions::standing_in(core),
    );
    for at in kept.keys().chain(standing.keys()).collect::<BTreeSet<_>>() {
        let problem = match (kept.get(at), standing.get(at)) {
            (Some(kept), Some(wanted)) if kept == wanted => continue,
            (Some(_), Some(_)) => Problem::Differs,
            (None, _) => Problem::Missing,
            (_, None) => Problem::Stray,
        };
        found.push((Claimed::Decision(at.0), problem));
    }
    let partners = pairs::partners(tx, household)?;
    let mut others = partners.clone();
    others.extend(decisions::others(tx, household)?);
    others.extend(near(tx, household, &wanted)?);
    for other in others.into_iter().filter(|other| household < *other) {
        found.extend(of_pair(tx, (household, &wanted), other)?);
    }
    Ok(found)
}

/// Those that every look-up must have found; nobody where one may have met its bounds.
fn near(
    tx: &Tx<'_>,
    household: HouseholdId,
    family: &Family,
) -> Result<BTreeSet<HouseholdId>, StoreError> {
    if index::has_more_than(tx, COMPARED_MAX)? {
        return Ok(BTreeSet::new());
    }
    index::candidates(tx, household, family, LOOK_UP)
}

fn of_pair(
    tx: &Tx<'_>,
    (household, family): (HouseholdId, &Family),
    other: HouseholdId,
) -> Result<Option<(Claimed, Problem)>, StoreError> {
    let (one, second) = in_order(household, other);
    let kept = pairs::read(tx, one, second)?;
    let verdict = match Family::stored(tx, other)? {
        Some(there) => pairs::judge(family, &there, pairs::Known::of(tx, one, second)?),
        None => None,
    };
    let problem = match (kept, verdict) {
        (None, None) => return Ok(None),
        (Some(_), None) => Problem::Stray,
        (Some(kept), Some((bits, people, waits))) => {
            if (kept.bits - bits).abs() <= ROUNDING && kept.people == people && kept.waits == waits
            {
                return Ok(None);
            }
            Problem::Differs
        }
        (None, Some(_)) => Problem::Missing,
    };
    Ok(Some((Claimed::Pair(other), problem)))
}
