//! Pairs of households that may be one family: the smaller id first, with what the evidence came to and who may be whom. A pair goes
//! with its evidence, unless somebody has decided about it.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use sojourn_sync_protocol::{AreaCode, ChangeHash, DocKind, HouseholdId, PersonId, Timestamp};

use super::decisions::{self, Outcome, goes_on_in};
use super::{CLEARLY_STRONGER, Family, Occasion, in_order, weigh};
use crate::params;
use crate::review::proposals::Proposal;
use crate::review::{Item, ReviewKind, claims, deferrals};
use crate::store::{Row, StoreError, Tx};

/// Bytes of two people.
const PEOPLE_BYTES: usize = 32;

/// A pair as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pair {
    /// The evidence, in thousandths of a bit; 0 where it has fallen away.
    pub bits: i64,
    /// Who may be whom: of the one, of the other.
    pub people: Vec<(PersonId, PersonId)>,
    /// A person should look.
    pub waits: bool,
    /// The change that made it wait.
    pub change: ChangeHash,
    /// When that arrived.
    pub found_at: Timestamp,
}

impl Pair {
    /// Whether this is the evidence for it.
    fn is_found_by(&self, bits: i64, people: &[(PersonId, PersonId)]) -> bool {
        self.bits == bits && self.people == people
    }
}

/// What two households come to and what follows: the evidence, who may be whom, and whether a person should look. `None` when
/// nothing is to be kept.
pub(super) type Verdict = Option<(i64, Vec<(PersonId, PersonId)>, bool)>;

/// What stands about a pair: what was decided, with the evidence that it was decided by, and whether the family of one of the two
/// goes on in another record.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    pub(super) decided: Option<(Outcome, i64)>,
    pub(super) goes_on: bool,
}

impl Known {
    pub(super) fn of(
        tx: &Tx<'_>,
        one: HouseholdId,
        other: HouseholdId,
    ) -> Result<Self, StoreError> {
        let gone = |household| Ok::<_, StoreError>(goes_on_in(tx, household)?.is_some());
        Ok(Self {
            decided: decisions::between(tx, one, other)?,
            goes_on: gone(one)? || gone(other)?,
        })
    }
}

/// Judges a pair.
pub(super) fn judge(one: &Family, other: &Family, known: Known) -> Verdict {
    let possible = weigh(one, other).filter(|compared| compared.is_possible());
    let bits = possible.as_ref().map_or(0, |found| {
        // Evidence is a few hundred bits at most.
        (found.bits() * 1000.0).round() as i64
    });
    let waits = match known.decided {
        None if possible.is_none() => return None,
        _ if known.goes_on => false,
        None => true,
        Some((Outcome::Same, _)) => false,
        Some((Outcome::Different, then)) => {
            possible.is_some() && then >= 0 && bits >= then + CLEARLY_STRONGER
        }
    };
    let pairs = possible.map(|found| found.found.pairs).unwrap_or_default();
    let people = pairs
        .iter()
        .map(|(here, there, _)| (one.people[*here], other.people[*there]));
    Some((bits, people.collect(), waits))
}

/// Brings a pair up to date after one of the two has changed.
pub(super) fn put(
    tx: &Tx<'_>,
    household: HouseholdId,
    family: &Family,
    with: HouseholdId,
    there: &Family,
    occasion: Occasion,
) -> Result<(), StoreError> {
    let (one, other) = in_order(household, with);
    let (here, there) = if one == household {
        (family, there)
    } else {
        (there, family)
    };
    let before = read(tx, one, other)?;
    let known = Known::of(tx, one, other)?;
    let verdict = judge(here, there, known);
    let Some((bits, people, waits)) = verdict else {
        if before.is_some() {
            tx.execute(
                "DELETE FROM possible_duplicates WHERE one = ?1 AND other = ?2",
                params![one.as_bytes(), other.as_bytes()],
            )?;
            end(tx, one, other)?;
        }
        return Ok(());
    };
    if known.decided.is_some() {
        decisions::weighed(tx, one, other, bits)?;
    }
    if let Some(before) = before.as_ref().filter(|before| before.waits) {
        if !waits {
            end(tx, one, other)?;
        } else if !before.is_found_by(bits, &people) {
            // Whoever put it off knew of other evidence.
            deferrals::end(tx, one, &item(other))?;
        }
    }
    let since = before.as_ref().filter(|before| before.waits || !waits);
    let pair = Pair {
        bits,
        people,
        waits,
        change: since.map_or(occasion.change, |since| since.change),
        found_at: since.map_or(occasion.at, |since| since.found_at),
    };
    if before.as_ref() == Some(&pair) {
        return Ok(());
    }
    let people: Vec<u8> = pair
        .people
        .iter()
        .flat_map(|(here, there)| [*here.as_bytes(), *there.as_bytes()].concat())
        .collect();
    tx.execute(
        "INSERT INTO possible_duplicates (one, other, bits, people, waits, change, found_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (one, other) DO UPDATE
         SET bits = excluded.bits, people = excluded.people, waits = excluded.waits,
             change = excluded.change, found_at = excluded.found_at",
        params![
            one.as_bytes(),
            other.as_bytes(),
            pair.bits,
            people,
            pair.waits,
            pair.change.as_bytes(),
            pair.found_at.millis()
        ],
    )?;
    Ok(())
}

/// How the question about a pair is named.
pub(crate) fn item(other: HouseholdId) -> Item {
    Item {
        kind: ReviewKind::PossibleDuplicate,
        document: DocKind::Core,
        subject: other.to_string(),
    }
}

/// Ends whatever was going on about a pair.
fn end(tx: &Tx<'_>, one: HouseholdId, other: HouseholdId) -> Result<(), StoreError> {
    claims::end(tx, one, &item(other))?;
    deferrals::end(tx, one, &item(other))?;
    Proposal::forget(tx, one, &item(other))
}

/// A pair, the smaller id first.
pub(crate) fn read(
    tx: &Tx<'_>,
    one: HouseholdId,
    other: HouseholdId,
) -> Result<Option<Pair>, StoreError> {
    tx.query_opt(
        "SELECT bits, people, waits, change, found_at FROM possible_duplicates
         WHERE one = ?1 AND other = ?2",
        params![one.as_bytes(), other.as_bytes()],
        |row| {
            Ok(Pair {
                bits: row.i64(0)?,
                people: read_people(row, 1)?,
                waits: row.bool(2)?,
                change: ChangeHash(row.array(3)?),
                found_at: Timestamp::from_millis(row.i64(4)?),
            })
        },
    )
}

fn read_people(row: &Row<'_>, column: usize) -> Result<Vec<(PersonId, PersonId)>, StoreError> {
    let (people, rest) = row.bytes(column)?.as_chunks::<PEOPLE_BYTES>();
    if !rest.is_empty() {
        return Err(StoreError::Shape {
            column,
            expected: "pairs of people",
        });
    }
    let id = |bytes: &[u8]| PersonId::from_bytes(std::array::from_fn(|at| bytes[at]));
    Ok(people
        .iter()
        .map(|pair| (id(&pair[..16]), id(&pair[16..])))
        .collect())
}

/// The other households of the pairs that a household is in.
pub(super) fn partners(
    tx: &Tx<'_>,
    household: HouseholdId,
) -> Result<BTreeSet<HouseholdId>, StoreError> {
    let found = tx.query(
        "SELECT other FROM possible_duplicates WHERE one = ?1
         UNION SELECT one FROM possible_duplicates WHERE other = ?1",
        params![household.as_bytes()],
        |row| row.array(0).map(HouseholdId::from_bytes),
    )?;
    Ok(found.into_iter().collect())
}

/// The households that were found to be the same family as this one.
pub(crate) fn linked_with(
    tx: &Tx<'_>,
    household: HouseholdId,
) -> Result<BTreeSet<HouseholdId>, StoreError> {
    let mut linked = BTreeSet::new();
    for other in decisions::others(tx, household)? {
        let decided = decisions::between(tx, household, other)?;
        if decided.is_some_and(|(outcome, _)| outcome == Outcome::Same) {
            linked.insert(other);
        }
    }
    Ok(linked)
}

/// A pair that a person should look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Waiting {
    /// One household, and the area responsible for it.
    pub one: (HouseholdId, AreaCode),
    /// The other.
    pub other: (HouseholdId, AreaCode),
    /// The change that made it wait.
    pub change: ChangeHash,
    /// When that arrived.
    pub found_at: Timestamp,
}

/// Every pair that a person should look at.
pub(crate) fn waiting(tx: &Tx<'_>) -> Result<Vec<Waiting>, StoreError> {
    tx.query(
        "SELECT p.one, a.area, p.other, b.area, p.change, p.found_at FROM possible_duplicates p
         JOIN households a ON a.household = p.one
         JOIN households b ON b.household = p.other
         WHERE p.waits = 1",
        &[],
        |row| {
            Ok(Waiting {
                one: (HouseholdId::from_bytes(row.array(0)?), row.parse(1)?),
                other: (HouseholdId::from_bytes(row.array(2)?), row.parse(3)?),
                change: ChangeHash(row.array(4)?),
                found_at: Timestamp::from_millis(row.i64(5)?),
            })
        },
    )
}

/// The households that one may be one family with, as a person should find out, with the areas responsible; the likeliest first.
pub(crate) fn waiting_with(
    tx: &Tx<'_>,
    household: HouseholdId,
) -> Result<Vec<(HouseholdId, AreaCode)>, StoreError> {
    let mut found = tx.query(
        "SELECT p.bits, p.other, h.area FROM possible_duplicates p
         JOIN households h ON h.household = p.other WHERE p.one = ?1 AND p.waits = 1
         UNION ALL
         SELECT p.bits, p.one, h.area FROM possible_duplicates p
         JOIN households h ON h.household = p.one WHERE p.other = ?1 AND p.waits = 1",
        params![household.as_bytes()],
        |row| {
            let other = HouseholdId::from_bytes(row.array(1)?);
            Ok((row.i64(0)?, other, row.parse(2)?))
        },
    )?;
    found.sort_by_key(|(bits, other, _)| (-bits, *other));
    Ok(found
        .into_iter()
        .map(|(_, other, area)| (other, area))
        .collect())
}

/// Walks the households that have any row here.
pub(crate) fn each_household(
    tx: &Tx<'_>,
    mut visit: impl FnMut(HouseholdId) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    tx.scan(
        "SELECT household FROM families
         UNION SELECT one FROM possible_duplicates
         UNION SELECT other FROM possible_duplicates
         UNION SELECT household FROM duplicate_decisions",
        &[],
        |row| {
            visit(HouseholdId::from_bytes(row.array(0)?))?;
            Ok(ControlFlow::Continue(()))
        },
    )
}
