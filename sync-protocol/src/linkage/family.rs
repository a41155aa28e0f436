//! Which households are worth comparing with one another, and what their people come to when they are.
//!
//! A register of a million cannot keep every blocking key of every person: that is a hundred rows for each. Two records of one
//! family have several people to be found by, so a household is kept under a few keys that hardly anybody shares by chance, and
//! compared with those that share enough of them. Whoever keeps keys may exchange their hashes for others, as long as equal ones
//! stay equal. Knows no document and no store.

use super::{
    blocking::Kind,
    dates::Day,
    household::{self, HouseholdMatch},
    model::{Matcher, Score},
    names::Name,
    record::{Record, Value},
    schema::{Blocking, Schema},
};

/// Probability that somebody is in both, from which two households are put before a person.
pub const FAMILY_PROBABILITY_MIN: f64 = 0.9;

/// How much sharing a key says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Strength {
    /// Nothing by itself: a name without a birth date. For asking while somebody types.
    Faint,
    /// Two of them are enough, or one of somebody who lives alone. An address is one: a hundred families live in a dormitory.
    Usual,
    /// One is enough: an id, a telephone number.
    Sure,
}

/// One key of a household.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FamilyKey {
    /// A hash.
    pub hash: u64,
    /// What sharing it says.
    pub strength: Strength,
}

impl FamilyKey {
    const fn new(hash: u64, strength: Strength) -> Self {
        Self { hash, strength }
    }
}

/// The keys of a household by the records of its people, ascending, each once.
pub fn keys(schema: Schema, people: &[Record]) -> Vec<FamilyKey> {
    let mut keys = Vec::new();
    for person in people {
        of_person(schema, person, &mut keys);
    }
    keys.sort_unstable();
    keys.dedup();
    keys
}

fn of_person(schema: Schema, person: &Record, keys: &mut Vec<FamilyKey>) {
    let mut names: &[Name] = &[];
    let mut born: Option<Day> = None;
    for (at, (field, value)) in schema.iter().zip(&person.values).enumerate() {
        let (kind, strength) = match field.blocking {
            Blocking::Identifier => (Kind::Identifier, Strength::Sure),
            Blocking::Address => (Kind::Address, Strength::Usual),
            Blocking::Name => {
                if let Value::Names(found) = value {
                    names = found;
                }
                continue;
            }
            Blocking::Birth => {
                if let Value::Date(day) = value {
                    born = Some(*day);
                }
                continue;
            }
            Blocking::Place | Blocking::Qualifier | Blocking::None => continue,
        };
        keys.extend(
            super::blocking::hashes(at, value)
                .into_iter()
                .map(|hash| FamilyKey::new(kind.start().number(hash).end(), strength)),
        );
    }
    let mut usual = |hash| keys.push(FamilyKey::new(hash, Strength::Usual));
    for name in names {
        let letters = name.letters();
        let named = Kind::Letters.start().bytes(letters.as_bytes());
        if let Some(day) = born {
            usual(named.bytes(b"year").number(day.year().into()).end());
            if let Some((month, day_of_month)) = day.month_and_day() {
                // Day and month sorted: the other way round is the same key.
                let sorted = [month.min(day_of_month), month.max(day_of_month)];
                usual(named.bytes(b"day").bytes(&sorted).end());
                for sound in name.sounds() {
                    let birth = Kind::Birth.start().number(day.year().into());
                    usual(birth.bytes(&sorted).bytes(sound.as_bytes()).end());
                }
            }
        }
    }
    keys.extend(names.iter().map(|name| {
        let letters = name.letters();
        let hash = Kind::Letters.start().bytes(letters.as_bytes()).end();
        FamilyKey::new(hash, Strength::Faint)
    }));
}

/// How many keys two households share, as far as it says that they are worth comparing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Shared {
    /// Of which one is enough.
    pub sure: u32,
    /// Of which two are.
    pub usual: u32,
}

impl Shared {
    /// What two lists of keys share; both ascending.
    pub fn of(one: &[FamilyKey], other: &[FamilyKey]) -> Self {
        let mut shared = Self::default();
        let mut others = other.iter().peekable();
        for key in one {
            while others.next_if(|other| **other < *key).is_some() {}
            if others.peek() == Some(&key) {
                shared.add(key.strength);
            }
        }
        shared
    }

    /// Counts one key more.
    pub fn add(&mut self, strength: Strength) {
        match strength {
            Strength::Sure => self.sure += 1,
            Strength::Usual => self.usual += 1,
            Strength::Faint => {}
        }
    }

    /// Whether it is worth comparing them. One of them being of a single person, there is nobody else to be found by.
    pub const fn worth_comparing(self, alone: bool) -> bool {
        self.sure > 0 || self.usual > 1 || (alone && self.usual > 0)
    }
}

/// What two households came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Compared {
    /// Who is whom, and how much they have in common.
    pub found: HouseholdMatch,
    /// Of each pair in `found`, in its order, what each field said.
    pub scores: Vec<Score>,
}

impl Compared {
    /// The bits of all who are in both together.
    pub fn bits(&self) -> f64 {
        self.scores.iter().map(|score| score.odds_bits).sum()
    }

    /// Whether a person should look.
    pub fn is_possible(&self) -> bool {
        !self.scores.is_empty() && self.found.probability >= FAMILY_PROBABILITY_MIN
    }
}

/// Compares the people of two households of a register of `population` people.
pub fn compare(
    matcher: &Matcher<'_>,
    one: &[Record],
    other: &[Record],
    population: u64,
) -> Compared {
    let mut scores = Vec::with_capacity(one.len() * other.len());
    for (here, a) in one.iter().enumerate() {
        for (there, b) in other.iter().enumerate() {
            scores.push((here, there, matcher.score(a, b, population)));
        }
    }
    let found = household::compare(one.len(), other.len(), &scores);
    let of_pair =
        |(here, there, _): &(usize, usize, f64)| scores[here * other.len() + there].2.clone();
    Compared {
        scores: found.pairs.iter().map(of_pair).collect(),
        found,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linkage::{Housemate, Model, PERSON, Person};

    /// The people of a household: name, birth date.
    fn people(of: &[(&str, &str)], phone: &str, address: &str) -> Vec<Record> {
        let everybody = of.iter().enumerate();
        everybody
            .map(|(at, (name, birth))| {
                let others = of.iter().enumerate().filter(|(other, _)| *other != at);
                Person {
                    names: vec![(*name).to_owned()],
                    birth: birth.parse().ok(),
                    phones: vec![phone.to_owned()],
                    address: Some(address.to_owned()),
                    housemates: Some(
                        others
                            .map(|(_, (name, birth))| Housemate {
                                name: (*name).to_owned(),
                                born: birth[..4].parse().ok(),
                            })
                            .collect(),
                    ),
                    ..Person::default()
                }
                .record()
            })
            .collect()
    }

    const FAMILY: &[(&str, &str)] = &[
        ("李强", "1986-02-11"),
        ("王海燕", "1988-03-07"),
        ("李子轩", "2014-05-02"),
    ];

    fn shared(one: &[Record], other: &[Record]) -> Shared {
        Shared::of(&keys(PERSON, one), &keys(PERSON, other))
    }

    #[test]
    fn a_family_written_down_again_with_slips_is_found_by_somebody_in_it() {
        let here = people(FAMILY, "10012345678", "河头村前街8号");
        for slipped in [
            [
                ("李强", "1986-02-11"),
                ("王海艳", "1988-07-03"),
                ("李子萱", "2014-05-02"),
            ],
            [
                ("李强", "1987-02-11"),
                ("王海燕", "1988-03-08"),
                ("李子轩", "2014-05-20"),
            ],
            [
                ("强李", "1986-02-11"),
                ("王海霞", "1988-03-07"),
                ("李子涵", "2014-05-03"),
            ],
        ] {
            let there = people(&slipped, "10087654321", "南苑社区3号");
            let found = shared(&here, &there);
            assert!(found.worth_comparing(false), "{slipped:?}: {found:?}");
            assert_eq!(found, shared(&there, &here));
        }
        let others = [("张伟", "1986-02-11"), ("刘洋", "1990-03-07")];
        let others = people(&others, "10087654321", "南苑社区3号");
        assert!(!shared(&here, &others).worth_comparing(false));
    }

    #[test]
    fn one_number_is_enough_and_one_name_or_address_is_not() {
        let here = people(FAMILY, "10012345678", "河头村前街8号");
        let others = [("张伟", "1970-02-11")];
        assert_eq!(shared(&here, &people(&others, "10012345678", "x1")).sure, 1);
        let neighbour = shared(&here, &people(&others, "1", "河头村前街8号"));
        assert_eq!((neighbour.sure, neighbour.usual), (0, 1));
        let namesake = people(&[("李强", "1986-12-30")], "1", "x1");
        let found = shared(&here, &namesake);
        assert_eq!((found.sure, found.usual), (0, 1));
        assert!(found.worth_comparing(true) && !found.worth_comparing(false));
    }

    #[test]
    fn two_households_come_to_who_is_whom_and_why() {
        let matcher = Matcher::new(PERSON, &Model::person(), None).unwrap();
        let here = people(FAMILY, "10012345678", "河头村前街8号");
        let slipped = [
            ("李子萱", "2014-05-02"),
            ("王海艳", "1988-03-07"),
            ("李强", "1986-11-02"),
        ];
        let there = people(&slipped, "10087654321", "南苑社区3号");
        let compared = compare(&matcher, &here, &there, 1_000_000);
        let mut who: Vec<_> = compared
            .found
            .pairs
            .iter()
            .map(|pair| (pair.0, pair.1))
            .collect();
        who.sort_unstable();
        assert_eq!(who, [(0, 2), (1, 1), (2, 0)], "{compared:#?}");
        assert!(compared.is_possible() && compared.bits() > 10.0);
        assert_eq!(compared.scores.len(), 3);
        let nobody = compare(
            &matcher,
            &here,
            &people(&[("张伟", "1970-02-11")], "1", "x1"),
            1_000_000,
        );
        assert!(!nobody.is_possible());
    }
}
