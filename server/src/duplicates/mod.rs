//! Households that may be one family written down twice: found as their changes are recorded, kept until a person decides, and
//! remembered once one has.
//!
//! Three things are kept, all of which follow from the core documents: under which keys a household is found (`index`), what
//! reviewers decided about pairs (`decisions`), and the pairs that are possible or decided (`pairs`). They are brought up to
//! date in the transaction that records a change, by the difference. Whoever was removed from a household does not stand in it
//! and is not compared: somebody who moved out stands in another household, rightly.
//!
//! A pair's evidence is a function of the two households alone: neither the number of people nor how common a name is in the
//! register enters it, so that it can be proved and does not change by itself. A record whose family goes on in another is asked about no
//! more: the other is. What the two hold is joined elsewhere.

mod decisions;
mod family;
mod index;
mod pairs;
mod proof;
#[cfg(test)]
pub(crate) mod scene;
#[cfg(test)]
mod tests;
mod unread;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use sojourn_sync_protocol::linkage::family::{Compared, Shared, compare};
use sojourn_sync_protocol::linkage::{Matcher, Model, PERSON};
use sojourn_sync_protocol::record::Document;
use sojourn_sync_protocol::{ChangeHash, HouseholdId, PersonId, Timestamp};

use crate::projection::{IdHashKey, Rows};
use crate::review::RESIDENCE;
use crate::store::{StoreError, Tx};
pub(crate) use decisions::{Outcome, about, goes_on_in, other_of};
pub(crate) use family::Family;
pub(crate) use index::strays;
pub(crate) use pairs::{each_household, item, linked_with, read as pair, waiting, waiting_with};
pub(crate) use proof::{Claimed, faults};
pub(crate) use unread::read_some;

pub(crate) const SCHEMA: &str = "
CREATE TABLE families (
    household BLOB NOT NULL PRIMARY KEY,
    people BIGINT NOT NULL,
    phone TEXT NOT NULL,
    address TEXT NOT NULL,
    keys BLOB NOT NULL
);
CREATE TABLE family_keys (
    hash BIGINT NOT NULL,
    household BLOB NOT NULL,
    PRIMARY KEY (hash, household)
);
CREATE TABLE duplicate_decisions (
    household BLOB NOT NULL,
    other BLOB NOT NULL,
    decision BLOB NOT NULL,
    outcome TEXT NOT NULL,
    bits BIGINT NOT NULL,
    PRIMARY KEY (household, other, decision)
);
CREATE INDEX duplicate_decisions_by_other ON duplicate_decisions (other, household);
CREATE TABLE possible_duplicates (
    one BLOB NOT NULL,
    other BLOB NOT NULL,
    bits BIGINT NOT NULL,
    people BLOB NOT NULL,
    waits BIGINT NOT NULL,
    change BLOB NOT NULL,
    found_at BIGINT NOT NULL,
    PRIMARY KEY (one, other)
);
CREATE INDEX possible_duplicates_by_other ON possible_duplicates (other, one);
CREATE INDEX possible_duplicates_waiting ON possible_duplicates (waits, one, other);
CREATE TABLE families_unread (
    household BLOB NOT NULL PRIMARY KEY
);
INSERT INTO families_unread (household) SELECT household FROM households;
";

/// Every household is read again: an address had been enough to be compared by.
pub(crate) const READ_AGAIN: &str = "
INSERT INTO families_unread (household) SELECT household FROM households WHERE true
ON CONFLICT (household) DO NOTHING;
";

/// Since two records of one family can be joined: whether a record's decision says that the family goes on in the other.
/// A proposal from before did not say which of the two goes on: whoever made it is asked again.
pub(crate) const JOINED: &str = "
ALTER TABLE duplicate_decisions ADD COLUMN goes_on BIGINT NOT NULL DEFAULT 0;
DELETE FROM proposals WHERE kind = 'possible-duplicate';
";

/// People of the register that a pair is weighed against, whatever their number is: a county's.
pub(crate) const POPULATION: u64 = 1_000_000;
/// Households that share a key at most; a key that more share finds nobody in particular.
const BLOCK_HOUSEHOLDS_MAX: usize = 50;
/// Households that one is compared with at most, those that share most first.
const COMPARED_MAX: usize = 24;
/// The bounds of a look-up.
const LOOK_UP: (usize, usize) = (BLOCK_HOUSEHOLDS_MAX, COMPARED_MAX);
/// By how many thousandths of a bit the evidence must have grown since two households were found to be different, before somebody is
/// asked again: ten bits, odds a thousand times what they were.
const CLEARLY_STRONGER: i64 = 10_000;

/// Probability that two people are one, from which they are taken for one where it is known that the two households are.
const LIKELY: f64 = 0.5;

static MATCHER: LazyLock<Matcher<'static>> = LazyLock::new(|| {
    Matcher::new(PERSON, &Model::person(), None)
        .expect("the weights that come with the program are of its schema")
});

/// Whether a field at this path can change what is kept here.
pub(crate) fn shows(path: &str) -> bool {
    const OF_PERSONS: [&str; 8] = [
        "/name",
        "/latin_name",
        "/sex",
        "/birth",
        "/id_number",
        "/phone",
        "/removed/reason",
        // Says by which decision somebody came, and whoever came goes with it.
        "/copied",
    ];
    // Every household begins with its area, and some with nothing else.
    path == "contact/phone"
        || path == RESIDENCE
        || path == "residence/address"
        || path.starts_with("decisions/")
        || (path.starts_with("persons/") && OF_PERSONS.iter().any(|key| path.ends_with(key)))
}

/// What a household's change was recorded as.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Occasion {
    /// The change.
    pub change: ChangeHash,
    /// When it arrived.
    pub at: Timestamp,
}

/// Brings everything up to date after a household's core document has changed. `rows` are its persons' rows as they are now.
pub(crate) fn record(
    tx: &Tx<'_>,
    core: &Document,
    rows: &Rows,
    key: &IdHashKey,
    occasion: Occasion,
) -> Result<(), StoreError> {
    let household = core.id().household;
    let family = Family::of(core, rows, key);
    unread::done(tx, household)?;
    index::put(tx, household, &family)?;
    decisions::put(tx, household, &decisions::standing_in(core))?;
    let mut others = index::candidates(tx, household, &family, LOOK_UP)?;
    others.extend(pairs::partners(tx, household)?);
    others.extend(decisions::others(tx, household)?);
    for other in others {
        if let Some(there) = Family::stored(tx, other)? {
            pairs::put(tx, household, &family, other, &there, occasion)?;
        }
    }
    Ok(())
}

/// What two households come to; `None` where they share too little to be compared.
pub(crate) fn weigh(one: &Family, other: &Family) -> Option<Compared> {
    let shared = Shared::of(&one.keys, &other.keys);
    let alone = one.people.len().min(other.people.len()) == 1;
    shared
        .worth_comparing(alone)
        .then(|| compare(&MATCHER, &one.records, &other.records, POPULATION))
}

/// Persons of the one household, each with who they likely are in the other, given that both are of one family; `None` where one of
/// the two has not been read yet.
pub(crate) fn who_is_who(
    tx: &Tx<'_>,
    one: HouseholdId,
    other: HouseholdId,
) -> Result<Option<BTreeMap<PersonId, PersonId>>, StoreError> {
    let both = Family::stored(tx, one)?.zip(Family::stored(tx, other)?);
    Ok(both.map(|(one, other)| {
        let found = compare(&MATCHER, &one.records, &other.records, POPULATION).found;
        let likely = found.pairs.into_iter().filter(|(.., same)| *same >= LIKELY);
        likely
            .map(|(here, there, _)| (one.people[here], other.people[there]))
            .collect()
    }))
}

/// The smaller id first: a pair has one name.
pub(crate) fn in_order(one: HouseholdId, other: HouseholdId) -> (HouseholdId, HouseholdId) {
    (one.min(other), one.max(other))
}
