//! Under which keys a household is found. A key is a hash with a key of this database, and nothing that anybody could read.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use sojourn_sync_protocol::HouseholdId;
use sojourn_sync_protocol::linkage::family::{FamilyKey, Shared};

use super::family::{Family, joined, read_keys};
use crate::params;
use crate::store::{StoreError, Tx};

/// The keys that a household is found by now.
fn kept(tx: &Tx<'_>, household: HouseholdId) -> Result<Option<Vec<FamilyKey>>, StoreError> {
    tx.query_opt(
        "SELECT keys FROM families WHERE household = ?1",
        params![household.as_bytes()],
        |row| read_keys(row, 0),
    )
}

/// Keeps a household as it is now, and writes the difference of its keys.
pub(super) fn put(tx: &Tx<'_>, household: HouseholdId, family: &Family) -> Result<(), StoreError> {
    let before = kept(tx, household)?.unwrap_or_default();
    let hashes = |keys: &[FamilyKey]| keys.iter().map(|key| key.hash).collect::<BTreeSet<_>>();
    let (before, after) = (hashes(&before), hashes(&family.keys));
    for hash in before.difference(&after) {
        tx.execute(
            "DELETE FROM family_keys WHERE hash = ?1 AND household = ?2",
            params![hash.cast_signed(), household.as_bytes()],
        )?;
    }
    for hash in after.difference(&before) {
        tx.execute(
            "INSERT INTO family_keys (hash, household) VALUES (?1, ?2)
             ON CONFLICT (hash, household) DO NOTHING",
            params![hash.cast_signed(), household.as_bytes()],
        )?;
    }
    tx.execute(
        "INSERT INTO families (household, people, phone, address, keys) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (household) DO UPDATE
         SET people = excluded.people, phone = excluded.phone, address = excluded.address, keys = excluded.keys",
        params![
            household.as_bytes(),
            family.people.len(),
            &family.phone,
            &family.address,
            joined(&family.keys)
        ],
    )?;
    Ok(())
}

/// The households that are worth comparing with this one, within bounds: households that share a key, and households in all.
pub(super) fn candidates(
    tx: &Tx<'_>,
    household: HouseholdId,
    family: &Family,
    (block_max, compared_max): (usize, usize),
) -> Result<BTreeSet<HouseholdId>, StoreError> {
    let mut found: BTreeMap<HouseholdId, Shared> = BTreeMap::new();
    for key in &family.keys {
        let block = block(tx, key.hash, block_max)?;
        for other in block.into_iter().flatten() {
            found.entry(other).or_default().add(key.strength);
        }
    }
    found.remove(&household);
    let mut ranked: Vec<(Reverse<Shared>, HouseholdId)> = found
        .into_iter()
        .map(|(other, shared)| (Reverse(shared), other))
        .collect();
    ranked.sort_unstable();
    let mut taken = BTreeSet::new();
    for (Reverse(shared), other) in ranked.into_iter().take(2 * compared_max) {
        let alone = family.people.len() == 1;
        if taken.len() < compared_max
            && (shared.worth_comparing(alone)
                || (shared.worth_comparing(true) && lives_alone(tx, other)?))
        {
            taken.insert(other);
        }
    }
    Ok(taken)
}

/// Those that have a key; `None` where they are more than `most`, itself not counted.
pub(super) fn block(
    tx: &Tx<'_>,
    hash: u64,
    most: usize,
) -> Result<Option<Vec<HouseholdId>>, StoreError> {
    let found = tx.query(
        "SELECT household FROM family_keys WHERE hash = ?1 LIMIT ?2",
        params![hash.cast_signed(), most + 2],
        |row| row.array(0).map(HouseholdId::from_bytes),
    )?;
    Ok((found.len() <= most + 1).then_some(found))
}

/// Whether more households are kept than these.
pub(super) fn has_more_than(tx: &Tx<'_>, households: usize) -> Result<bool, StoreError> {
    let found = tx.query(
        "SELECT 1 FROM families LIMIT ?1",
        params![households + 1],
        |row| row.i64(0),
    )?;
    Ok(found.len() > households)
}

fn lives_alone(tx: &Tx<'_>, household: HouseholdId) -> Result<bool, StoreError> {
    let people = tx.query_opt(
        "SELECT people FROM families WHERE household = ?1",
        params![household.as_bytes()],
        |row| row.u64(0),
    )?;
    Ok(people == Some(1))
}

/// Whether a household stands under each of these keys.
pub(super) fn stands_under(
    tx: &Tx<'_>,
    household: HouseholdId,
    keys: &[FamilyKey],
) -> Result<bool, StoreError> {
    for key in keys {
        let there = tx.query_opt(
            "SELECT 1 FROM family_keys WHERE hash = ?1 AND household = ?2",
            params![key.hash.cast_signed(), household.as_bytes()],
            |row| row.i64(0),
        )?;
        if there.is_none() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The households that stand under a key that they do not have.
pub(crate) fn strays(tx: &Tx<'_>) -> Result<BTreeSet<HouseholdId>, StoreError> {
    let mut strays = BTreeSet::new();
    let mut last: Option<(HouseholdId, BTreeSet<u64>)> = None;
    tx.scan(
        "SELECT household, hash FROM family_keys ORDER BY household",
        &[],
        |row| {
            let household = HouseholdId::from_bytes(row.array(0)?);
            let hash = row.i64(1)?.cast_unsigned();
            let keys = match last.take().filter(|(before, _)| *before == household) {
                Some((_, keys)) => keys,
                None => {
                    let keys = kept(tx, household)?.unwrap_or_default();
                    keys.into_iter().map(|key| key.hash).collect()
                }
            };
            if !keys.contains(&hash) {
                strays.insert(household);
            }
            last = Some((household, keys));
            Ok(ControlFlow::Continue(()))
        },
    )?;
    Ok(strays)
}
