//! A household as it is compared: its people and the keys that it is found by. Made from its document, or from the rows that
//! follow from it, and the same either way.

use sojourn_sync_protocol::linkage::family::{FamilyKey, Strength, keys};
use sojourn_sync_protocol::linkage::{Housemate, PERSON, Person, Record};
use sojourn_sync_protocol::record::Document;
use sojourn_sync_protocol::{HouseholdId, PersonId};

use crate::params;
use crate::projection::{self, IdHashKey, Rows};
use crate::store::{Row, StoreError, Tx};

/// Bytes of a key as it is kept: a hash and a strength.
const KEY_BYTES: usize = 9;

/// A household as it is compared.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Family {
    /// Those who stand in it.
    pub people: Vec<PersonId>,
    /// What is compared of each.
    pub records: Vec<Record>,
    /// What it is found by, ascending.
    pub keys: Vec<FamilyKey>,
    pub(super) phone: String,
    pub(super) address: String,
}

impl Family {
    /// As its core document and the rows of its persons have it.
    pub(crate) fn of(core: &Document, rows: &Rows, key: &IdHashKey) -> Self {
        let text = |path: &str| core.text_at(path).unwrap_or_default();
        let (phone, address) = (text("contact/phone"), text("residence/address"));
        let mut family = Self::without_keys(rows, phone, address);
        let keyed = keys(PERSON, &family.records).into_iter();
        // A name by itself is no key of a register: too many share it.
        family.keys = keyed
            .filter(|found| found.strength > Strength::Faint)
            .map(|found| FamilyKey {
                hash: key.of_key(found.hash),
                ..found
            })
            .collect();
        family.keys.sort_unstable();
        family
    }

    /// As it is kept; `None` when it is not.
    pub(crate) fn stored(tx: &Tx<'_>, household: HouseholdId) -> Result<Option<Self>, StoreError> {
        let found = tx.query_opt(
            "SELECT phone, address, keys FROM families WHERE household = ?1",
            params![household.as_bytes()],
            |row| Ok((row.text(0)?, row.text(1)?, read_keys(row, 2)?)),
        )?;
        let Some((phone, address, keys)) = found else {
            return Ok(None);
        };
        let rows = projection::stored(tx, household)?;
        Ok(Some(Self {
            keys,
            ..Self::without_keys(&rows, phone, address)
        }))
    }

    fn without_keys(rows: &Rows, phone: String, address: String) -> Self {
        let mut everybody: Vec<(PersonId, Person)> = rows
            .iter()
            .filter_map(|(id, row)| Some((*id, row.compared()?)))
            .collect();
        let mates: Vec<Housemate> = everybody.iter().map(|(_, person)| mate(person)).collect();
        for (at, (_, person)) in everybody.iter_mut().enumerate() {
            if !phone.is_empty() {
                person.phones.push(phone.clone());
            }
            person.address = (!address.is_empty()).then(|| address.clone());
            let others = mates.iter().enumerate().filter(|(other, _)| *other != at);
            person.housemates = Some(others.map(|(_, mate)| mate.clone()).collect());
        }
        Self {
            records: everybody
                .iter()
                .map(|(_, person)| person.record())
                .collect(),
            people: everybody.into_iter().map(|(id, _)| id).collect(),
            keys: Vec::new(),
            phone,
            address,
        }
    }
}

fn mate(person: &Person) -> Housemate {
    Housemate {
        name: person.names.first().cloned().unwrap_or_default(),
        born: person.birth.and_then(|date| {
            let text = date.to_string();
            text.get(..4)?.parse().ok()
        }),
    }
}

/// Keys as they are kept, one after the other.
pub(super) fn joined(keys: &[FamilyKey]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(keys.len() * KEY_BYTES);
    for key in keys {
        bytes.extend(key.hash.to_be_bytes());
        bytes.push(u8::from(key.strength == Strength::Sure));
    }
    bytes
}

/// The same read again.
pub(super) fn read_keys(row: &Row<'_>, column: usize) -> Result<Vec<FamilyKey>, StoreError> {
    let shape = || StoreError::Shape {
        column,
        expected: "keys of a household",
    };
    let (keys, rest) = row.bytes(column)?.as_chunks::<KEY_BYTES>();
    if !rest.is_empty() {
        return Err(shape());
    }
    keys.iter()
        .map(|[hash @ .., strength]| {
            Ok(FamilyKey {
                hash: u64::from_be_bytes(*hash),
                strength: match strength {
                    0 => Strength::Usual,
                    1 => Strength::Sure,
                    _ => return Err(shape()),
                },
            })
        })
        .collect()
}
