//! Rows that people search: the persons of each household. A number of theirs is kept masked, and as a keyed
//! hash by which an exact number can be found; the number itself stays in the document.
//!
//! Everything here can be made again from the documents. A contradicted field keeps each of its values, one a
//! line: nothing is hidden by a silent winner.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use sha2::{Digest as _, Sha256};
use sojourn_sync_protocol::{
    HouseholdId, PersonId, linkage,
    record::{Document, PersonView, Shown, id_number, view},
};

use crate::clock;
use crate::params;
use crate::store::{StoreError, Tx};

pub(crate) const SCHEMA: &str = "
CREATE TABLE persons (
    household BLOB NOT NULL,
    person BLOB NOT NULL,
    name TEXT NOT NULL,
    latin_name TEXT NOT NULL,
    birth TEXT NOT NULL,
    sex TEXT NOT NULL,
    phone TEXT NOT NULL,
    id_masked TEXT NOT NULL,
    id_hashes BLOB NOT NULL,
    removed BIGINT NOT NULL,
    PRIMARY KEY (household, person)
);
CREATE INDEX persons_by_name ON persons (name);
CREATE TABLE id_hash_key (
    id BIGINT NOT NULL PRIMARY KEY,
    hash_key BLOB NOT NULL
);
";

/// Bytes of a block of SHA-256, by which HMAC (RFC 2104) pads its key.
const HMAC_BLOCK: usize = 64;

/// One person as kept for searching.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PersonRow {
    name: String,
    latin_name: String,
    birth: String,
    sex: String,
    phone: String,
    id_masked: String,
    id_hashes: Vec<u8>,
    removed: bool,
}

/// A household's rows.
pub(crate) type Rows = BTreeMap<PersonId, PersonRow>;

/// The key of the hashes of numbers; drawn once for a database.
pub(crate) struct IdHashKey([u8; 32]);

impl IdHashKey {
    /// The key, drawn and kept if there is none yet.
    pub(crate) fn get_or_draw(tx: &Tx<'_>) -> Result<Self, StoreError> {
        if let Some(key) = Self::get(tx)? {
            return Ok(key);
        }
        let key: [u8; 32] = clock::random();
        tx.execute(
            "INSERT INTO id_hash_key (id, hash_key) VALUES (1, ?1)",
            params![key],
        )?;
        Ok(Self(key))
    }

    /// The key; `None` in a database without a household.
    pub(crate) fn get(tx: &Tx<'_>) -> Result<Option<Self>, StoreError> {
        tx.query_opt(
            "SELECT hash_key FROM id_hash_key WHERE id = 1",
            &[],
            |row| row.array(0).map(Self),
        )
    }

    /// HMAC-SHA-256 of a number, letters in upper case.
    pub(crate) fn hash(&self, number: &str) -> [u8; 32] {
        self.code(number.to_uppercase().as_bytes())
    }

    /// What takes the place of a blocking key, so that nobody can try names against a table of them without this key.
    pub(crate) fn of_key(&self, hash: u64) -> u64 {
        // No number begins with a zero byte.
        let mut said = [0; 9];
        said[1..].copy_from_slice(&hash.to_be_bytes());
        let [a, b, c, d, e, f, g, h, ..] = self.code(&said);
        u64::from_be_bytes([a, b, c, d, e, f, g, h])
    }

    fn code(&self, said: &[u8]) -> [u8; 32] {
        let pad = |with: u8| -> [u8; HMAC_BLOCK] {
            std::array::from_fn(|at| self.0.get(at).copied().unwrap_or(0) ^ with)
        };
        let inner = Sha256::new()
            .chain_update(pad(0x36))
            .chain_update(said)
            .finalize();
        Sha256::new()
            .chain_update(pad(0x5c))
            .chain_update(inner)
            .finalize()
            .into()
    }
}

impl PersonRow {
    /// Whether one of their numbers has this hash.
    pub(crate) fn has_number(&self, hash: &[u8; 32]) -> bool {
        self.id_hashes.chunks(32).any(|kept| kept == hash)
    }

    /// Their name; of several, one.
    pub(crate) fn first_name(&self) -> &str {
        let names = self.name.lines().chain(self.latin_name.lines());
        names.into_iter().next().unwrap_or_default()
    }

    /// Their birth date; of several, one.
    pub(crate) fn first_birth(&self) -> Option<&str> {
        self.birth.lines().next()
    }

    /// Whether they stand in the household no more.
    pub(crate) fn removed(&self) -> bool {
        self.removed
    }

    /// What linkage compares of the person; `None` of one who was removed. Of values that contradict each other every name and
    /// number counts, and the first date.
    pub(crate) fn compared(&self) -> Option<linkage::Person> {
        let lines = |text: &str| -> Vec<String> { text.lines().map(str::to_owned).collect() };
        let mut names = lines(&self.name);
        names.extend(lines(&self.latin_name));
        (!self.removed).then(|| linkage::Person {
            names,
            sex: lines(&self.sex).into_iter().next(),
            birth: self.birth.lines().find_map(|date| date.parse().ok()),
            id_hash: self
                .id_hashes
                .chunks(32)
                .next()
                .map(|hash| hash.iter().map(|byte| format!("{byte:02x}")).collect()),
            phones: lines(&self.phone),
            ..linkage::Person::default()
        })
    }
}

/// The rows that a household's core document calls for.
pub(crate) fn rows_of(core: &Document, key: &IdHashKey) -> Rows {
    // A core document can always be viewed as its own household's.
    let view = view(core.id().household, core, None).ok();
    let persons = view.map(|view| view.persons).unwrap_or_default();
    persons
        .into_iter()
        .map(|(id, person)| (id, row_of(&person, key)))
        .collect()
}

fn row_of(person: &PersonView, key: &IdHashKey) -> PersonRow {
    let numbers: Vec<&String> = person.id_number.iter().flat_map(Shown::values).collect();
    let masked: Vec<String> = numbers
        .iter()
        .map(|number| id_number::mask(number))
        .collect();
    PersonRow {
        name: lines(person.name.as_ref()),
        latin_name: lines(person.latin_name.as_ref()),
        birth: lines(person.birth.as_ref()),
        sex: lines(person.sex.as_ref()),
        phone: lines(person.phone.as_ref()),
        id_masked: masked.join("\n"),
        id_hashes: numbers.iter().flat_map(|number| key.hash(number)).collect(),
        removed: person.removed.is_some(),
    }
}

fn lines(shown: Option<&Shown<String>>) -> String {
    let values: Vec<&str> = shown
        .iter()
        .flat_map(|s| s.values())
        .map(String::as_str)
        .collect();
    values.join("\n")
}

/// The rows kept of a household.
pub(crate) fn stored(
    tx: &Tx<'_>,
    household: HouseholdId,
) -> Result<BTreeMap<PersonId, PersonRow>, StoreError> {
    let rows = tx.query(
        "SELECT person, name, latin_name, birth, sex, phone, id_masked, id_hashes, removed FROM persons
         WHERE household = ?1 ORDER BY person",
        params![household.as_bytes()],
        |row| {
            let person = PersonRow {
                name: row.text(1)?,
                latin_name: row.text(2)?,
                birth: row.text(3)?,
                sex: row.text(4)?,
                phone: row.text(5)?,
                id_masked: row.text(6)?,
                id_hashes: row.blob(7)?,
                removed: row.bool(8)?,
            };
            Ok((PersonId::from_bytes(row.array(0)?), person))
        },
    )?;
    Ok(rows.into_iter().collect())
}

/// Whether a field at this path can change a row.
pub(crate) fn shows(path: &str) -> bool {
    path.starts_with("persons/") || hides_people(path)
}

/// Whether a field at this path can hide people: who was brought by a decision goes when it is taken back.
fn hides_people(path: &str) -> bool {
    path.starts_with("decisions/") && path.ends_with("/undone")
}

/// Brings a household's rows up to date with the `wanted` ones; unchanged ones are left alone.
pub(crate) fn put(tx: &Tx<'_>, household: HouseholdId, wanted: &Rows) -> Result<(), StoreError> {
    let kept = stored(tx, household)?;
    for person in kept.keys().filter(|person| !wanted.contains_key(person)) {
        tx.execute(
            "DELETE FROM persons WHERE household = ?1 AND person = ?2",
            params![household.as_bytes(), person.as_bytes()],
        )?;
    }
    for (person, row) in wanted {
        if kept.get(person) == Some(row) {
            continue;
        }
        tx.execute(
            "INSERT INTO persons (household, person, name, latin_name, birth, sex, phone, id_masked,
                id_hashes, removed)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
             ON CONFLICT (household, person) DO UPDATE SET name = excluded.name,
                latin_name = excluded.latin_name, birth = excluded.birth, sex = excluded.sex,
                phone = excluded.phone, id_masked = excluded.id_masked, id_hashes = excluded.id_hashes,
                removed = excluded.removed",
            params![
                household.as_bytes(),
                person.as_bytes(),
                &row.name,
                &row.latin_name,
                &row.birth,
                &row.sex,
                &row.phone,
                &row.id_masked,
                &row.id_hashes,
                row.removed,
            ],
        )?;
    }
    Ok(())
}

/// Walks the households that have rows.
pub(crate) fn each_household(
    tx: &Tx<'_>,
    mut visit: impl FnMut(HouseholdId) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    tx.scan(
        "SELECT DISTINCT household FROM persons ORDER BY household",
        &[],
        |row| {
            visit(HouseholdId::from_bytes(row.array(0)?))?;
            Ok(ControlFlow::Continue(()))
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231, test case 2, with its key padded to 32 bytes by zeros, which HMAC does itself.
    #[test]
    fn the_keyed_hash_is_hmac_sha_256() {
        let mut key = [0; 32];
        key[..4].copy_from_slice(b"JEFE");
        let hash = IdHashKey(key).hash("what do ya want for nothing?");
        let upper = IdHashKey(key).hash("WHAT DO YA WANT FOR NOTHING?");
        assert_eq!(hash, upper);
        assert_ne!(
            hash,
            IdHashKey([1; 32]).hash("WHAT DO YA WANT FOR NOTHING?")
        );
    }
}
