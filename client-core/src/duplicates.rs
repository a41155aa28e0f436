//! Who of this tablet's households may be the one that is just being registered: asked while somebody types, with whatever is
//! known so far, and answered from what the tablet holds and nothing else. It proposes; a family at the door is served in any case.
//!
//! One short list of keys for each household, kept up by the projection in the transaction that changes it; a question reads
//! all of them, and only the few households that share keys are read and compared. Holds nothing that cannot be made again.

use std::cmp::Reverse;
use std::sync::LazyLock;

use serde::Serialize;
use sojourn_sync_protocol::linkage::family::{self, FamilyKey, Shared, Strength};
use sojourn_sync_protocol::linkage::{
    Housemate, Matcher, Model, PERSON, Person, Record, Score, UNSURE_PROBABILITY_MIN,
};
use sojourn_sync_protocol::record::{HouseholdView, NewHousehold, NewPerson, PersonView, Shown};
use sojourn_sync_protocol::{HouseholdId, PartialDate, PersonId};

use crate::cache::Cache;
use crate::error::Error;
use crate::projection;
use crate::store::{StoreError, Tx};

pub(crate) const SCHEMA: &str = "
CREATE TABLE family_keys (
    household BLOB NOT NULL PRIMARY KEY,
    keys      BLOB NOT NULL
) WITHOUT ROWID;
";

/// Households that are read and compared, those that share most first.
const COMPARED_MAX: usize = 24;
/// Bytes of a key as it is kept: a hash and a strength.
const KEY_BYTES: usize = 9;

static MATCHER: LazyLock<Matcher<'static>> = LazyLock::new(|| {
    Matcher::new(PERSON, &Model::person(), None)
        .expect("the weights that come with the program are of its schema")
});

/// A household that may be the one that is being registered.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Similar {
    /// The household.
    pub household: HouseholdId,
    /// That somebody of the draft is in it.
    pub probability: f64,
    /// Who may be whom, the clearest first.
    pub people: Vec<SimilarPerson>,
}

/// Somebody of the draft who may be somebody of a household.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SimilarPerson {
    /// Which of the draft's persons, from 0.
    pub draft: usize,
    /// Who in the household.
    pub person: PersonId,
    /// Their name there.
    pub name: String,
    /// That they are one.
    pub probability: f64,
    /// What was compared and how far it agrees, as words of catalogues; what is not known on both sides is left out.
    pub reasons: Vec<(&'static str, &'static str)>,
}

/// What a household is found by. Pure.
pub(crate) struct Keys(Vec<u8>);

impl Keys {
    /// Of a household as it shows itself.
    pub(crate) fn of(view: &HouseholdView) -> Self {
        let mut people = of_view(view);
        for (_, person) in &mut people {
            // No key is made of those whom a person lives with.
            person.housemates = None;
        }
        let records: Vec<Record> = people.iter().map(|(_, person)| person.record()).collect();
        Self(joined(&family::keys(PERSON, &records)))
    }
}

/// Brings the keys up to a household as it is now.
pub(crate) fn index(tx: &Tx<'_>, household: HouseholdId, keys: &Keys) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO family_keys (household, keys) VALUES (?1, ?2)
         ON CONFLICT (household) DO UPDATE SET keys = excluded.keys WHERE keys <> excluded.keys",
        rusqlite::params![household.as_bytes(), keys.0],
    )?;
    Ok(())
}

/// Takes a household out.
pub(crate) fn remove(tx: &Tx<'_>, household: HouseholdId) -> Result<(), StoreError> {
    tx.execute(
        "DELETE FROM family_keys WHERE household = ?1",
        [household.as_bytes()],
    )?;
    Ok(())
}

/// Takes every household out, before they are put in again.
pub(crate) fn clear(tx: &Tx<'_>) -> Result<(), StoreError> {
    tx.execute("DELETE FROM family_keys", [])?;
    Ok(())
}

/// The households that may be the draft's, best first, at most `limit`; never `own`, to which it is being added.
///
/// # Errors
/// [`Error`].
pub(crate) fn similar(
    tx: &Tx<'_>,
    cache: &Cache,
    draft: &NewHousehold,
    own: Option<HouseholdId>,
    limit: usize,
) -> Result<Vec<Similar>, Error> {
    let people: Vec<Record> = of_draft(draft).iter().map(Person::record).collect();
    let (_, population, _) = projection::totals(tx)?;
    let mut found = Vec::new();
    for household in candidates(tx, &people, own)? {
        if let Some(view) = projection::view(tx, cache, household)? {
            found.extend(compare(&people, &view, population));
        }
    }
    found.sort_by(|a, b| {
        let by_probability = b.probability.total_cmp(&a.probability);
        by_probability.then_with(|| a.household.cmp(&b.household))
    });
    found.truncate(limit);
    Ok(found)
}

/// Those that share most with the draft. A name alone counts too: it may be all that has been typed.
fn candidates(
    tx: &Tx<'_>,
    people: &[Record],
    own: Option<HouseholdId>,
) -> Result<Vec<HouseholdId>, StoreError> {
    let asked = family::keys(PERSON, people);
    let mut ranked: Vec<(Reverse<(Shared, usize)>, HouseholdId)> = Vec::new();
    tx.each("SELECT household, keys FROM family_keys", [], |row| {
        let (keys, _) = row.get_ref(1)?.as_blob()?.as_chunks::<KEY_BYTES>();
        let mut shared = (Shared::default(), 0);
        let mut asked = asked.iter().peekable();
        for key in keys {
            let key = read_key(key);
            while asked.next_if(|asked| **asked < key).is_some() {}
            if asked.peek() == Some(&&key) {
                shared.0.add(key.strength);
                shared.1 += 1;
            }
        }
        if shared.1 > 0 {
            ranked.push((Reverse(shared), HouseholdId::from_bytes(row.get(0)?)));
        }
        Ok(())
    })?;
    ranked.sort_unstable();
    let others = ranked.into_iter().map(|(_, household)| household);
    Ok(others
        .filter(|household| Some(*household) != own)
        .take(COMPARED_MAX)
        .collect())
}

/// What a household comes to beside the draft; `None` when it is not worth a look.
fn compare(people: &[Record], view: &HouseholdView, population: u64) -> Option<Similar> {
    let there = of_view(view);
    let records: Vec<Record> = there.iter().map(|(_, person)| person.record()).collect();
    let mut scores: Vec<(usize, usize, Score)> = Vec::new();
    for (at, here) in people.iter().enumerate() {
        for (beside, record) in records.iter().enumerate() {
            let score = MATCHER.score(here, record, population);
            if score.probability >= UNSURE_PROBABILITY_MIN {
                scores.push((at, beside, score));
            }
        }
    }
    scores.sort_by(|(.., a), (.., b)| b.odds_bits.total_cmp(&a.odds_bits));
    let mut found: Vec<SimilarPerson> = Vec::new();
    for (at, beside, score) in scores {
        let (person, known) = &there[beside];
        if found
            .iter()
            .any(|one| one.draft == at || one.person == *person)
        {
            continue;
        }
        found.push(SimilarPerson {
            draft: at,
            person: *person,
            name: known.names.first().cloned().unwrap_or_default(),
            probability: score.probability,
            reasons: score
                .reasons
                .iter()
                .map(|reason| (reason.field, reason.level))
                .collect(),
        });
    }
    let nobody: f64 = found.iter().map(|one| 1.0 - one.probability).product();
    (!found.is_empty()).then_some(Similar {
        household: view.id,
        probability: 1.0 - nobody,
        people: found,
    })
}

/// The people who stand in a household. The tablet's database is encrypted, so a number is compared as it is.
fn of_view(view: &HouseholdView) -> Vec<(PersonId, Person)> {
    let texts = |shown: Option<&Shown<String>>| -> Vec<String> {
        shown.into_iter().flat_map(Shown::values).cloned().collect()
    };
    let household = (
        texts(view.contact.phone.as_ref()),
        texts(view.residence.address.as_ref()).into_iter().next(),
    );
    let standing = view.persons.iter().filter(|(_, one)| one.removed.is_none());
    let of = |(id, one): (&PersonId, &PersonView)| {
        let mut names = texts(one.name.as_ref());
        names.extend(texts(one.latin_name.as_ref()));
        let dates = texts(one.birth.as_ref());
        let person = Person {
            names,
            sex: texts(one.sex.as_ref()).into_iter().next(),
            birth: dates.iter().find_map(|date| date.parse().ok()),
            id_hash: texts(one.id_number.as_ref()).into_iter().next(),
            phones: texts(one.phone.as_ref()),
            ..Person::default()
        };
        (*id, person)
    };
    let (ids, people): (Vec<PersonId>, Vec<Person>) = standing.map(of).unzip();
    ids.into_iter().zip(together(people, household)).collect()
}

/// The people of a draft, as far as they are known.
fn of_draft(draft: &NewHousehold) -> Vec<Person> {
    let of = |one: &NewPerson| Person {
        names: [Some(&one.name), one.latin_name.as_ref()]
            .into_iter()
            .flatten()
            .cloned()
            .collect(),
        sex: one.sex.clone(),
        birth: one.birth.as_ref().and_then(|date| date.parse().ok()),
        id_hash: one.id_number.clone(),
        phones: one.phone.iter().cloned().collect(),
        ..Person::default()
    };
    let people = draft.persons.iter().map(of).collect();
    together(
        people,
        (draft.phone.iter().cloned().collect(), draft.address.clone()),
    )
}

/// Gives each what they have in common: telephone, address, and each other.
fn together(
    mut people: Vec<Person>,
    (phones, address): (Vec<String>, Option<String>),
) -> Vec<Person> {
    let mates: Vec<Housemate> = people.iter().map(mate).collect();
    for (at, person) in people.iter_mut().enumerate() {
        person.phones.extend(phones.iter().cloned());
        person.address.clone_from(&address);
        let others = mates.iter().enumerate().filter(|(other, _)| *other != at);
        person.housemates = Some(others.map(|(_, mate)| mate.clone()).collect());
    }
    people
}

fn mate(person: &Person) -> Housemate {
    let year = |date: PartialDate| match date {
        PartialDate::Year(year) | PartialDate::Month(year, _) => year,
        PartialDate::Day(day) => day.year(),
    };
    Housemate {
        name: person.names.first().cloned().unwrap_or_default(),
        born: person.birth.and_then(|date| u16::try_from(year(date)).ok()),
    }
}

fn joined(keys: &[FamilyKey]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(keys.len() * KEY_BYTES);
    for key in keys {
        bytes.extend(key.hash.to_be_bytes());
        bytes.push(match key.strength {
            Strength::Faint => 0,
            Strength::Usual => 1,
            Strength::Sure => 2,
        });
    }
    bytes
}

fn read_key([hash @ .., strength]: &[u8; KEY_BYTES]) -> FamilyKey {
    FamilyKey {
        hash: u64::from_be_bytes(*hash),
        strength: match strength {
            0 => Strength::Faint,
            1 => Strength::Usual,
            _ => Strength::Sure,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;
    use sojourn_sync_protocol::record::{Edit, Value};

    fn draft(people: &[(&str, Option<&str>)], phone: Option<&str>) -> NewHousehold {
        let person = |(name, birth): &(&str, Option<&str>)| NewPerson {
            name: (*name).to_owned(),
            birth: birth.map(str::to_owned),
            ..NewPerson::default()
        };
        NewHousehold {
            phone: phone.map(str::to_owned),
            persons: people.iter().map(person).collect(),
            ..NewHousehold::default()
        }
    }

    const FAMILY: [(&str, Option<&str>); 2] =
        [("李强", Some("1986-02-11")), ("王海燕", Some("1988-03-07"))];

    #[test]
    fn a_family_is_found_while_it_is_typed_the_clearest_first() {
        let folder = tempfile::tempdir().unwrap();
        let tablet = testing::enrolled(folder.path(), 1);
        let known = draft(&FAMILY, Some("10012345678"));
        let known = tablet.register(testing::NOW, known).unwrap().household;
        let other = draft(&[("张伟", Some("1970-05-05"))], Some("10000000009"));
        tablet.register(testing::NOW, other).unwrap();
        let ask = |draft: &NewHousehold| -> Vec<Similar> {
            let found = tablet.similar(draft, None, 5).unwrap();
            found.into_iter().map(|(_, similar)| similar).collect()
        };
        for typed in [
            draft(&[("王海艳", Some("1988-03-07"))], None),
            draft(&[("王海燕", None)], None),
            draft(&[("李強", Some("1986-02-12"))], Some("10012345678")),
        ] {
            let found = ask(&typed);
            assert_eq!(found.len(), 1, "{typed:?}: {found:?}");
            assert_eq!(found[0].household, known);
            assert!(
                found[0].people[0]
                    .reasons
                    .iter()
                    .any(|(field, _)| *field == "name")
            );
        }
        assert!(ask(&draft(&[("刘洋", Some("1999-09-09"))], None)).is_empty());
        assert!(ask(&NewHousehold::default()).is_empty());
        let more = ask(&draft(&FAMILY, Some("10012345678")));
        assert!(
            more[0].probability > 0.999 && more[0].people.len() == 2,
            "{more:?}"
        );
        assert!(
            tablet
                .similar(&draft(&FAMILY, None), Some(known), 5)
                .unwrap()
                .is_empty()
        );
    }

    #[test]
    fn what_is_found_follows_a_correction_and_a_rebuild_gives_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let tablet = testing::enrolled(folder.path(), 1);
        let known = draft(&[("王海燕", Some("1988-03-07"))], None);
        let known = tablet.register(testing::NOW, known).unwrap().household;
        let person = *tablet.show(known).unwrap().1.persons.keys().next().unwrap();
        let set = [("name".to_owned(), Some(Value::from("赵敏")))].into();
        let correct = Edit::CorrectPerson { person, set };
        tablet.edit(testing::NOW, known, correct).unwrap();
        let before = draft(&[("王海燕", Some("1960-01-01"))], None);
        let after = draft(&[("赵敏", Some("1988-03-07"))], None);
        for _ in 0..2 {
            assert!(tablet.similar(&before, None, 5).unwrap().is_empty());
            assert_eq!(tablet.similar(&after, None, 5).unwrap().len(), 1);
            tablet.rebuild(testing::NOW).unwrap();
        }
    }
}
