//! Families as they live together: who, of which generation, born when. Pure, from a seeded generator.
//!
//! Knows nothing of documents or edits; `generate` turns a family into what staff write.

use jiff::{ToSpan, civil::Date};
use rand::{RngExt, seq::IndexedRandom};
use rand_pcg::Pcg64Mcg;

use crate::names;

/// The place of a person in the family, seen from the head.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Whose household it is.
    Head,
    /// The head's wife or husband.
    Spouse,
    /// A son or daughter of the head.
    Child,
    /// The head's father or mother.
    Parent,
    /// A son's wife.
    DaughterInLaw,
    /// A child of a son or daughter.
    Grandchild,
}

/// One person of a family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Seen from the head.
    pub role: Role,
    /// A man or boy, else a woman or girl.
    pub man: bool,
    /// Surname and given name.
    pub name: String,
    /// Day of birth.
    pub born: Date,
}

impl Member {
    /// Whole years on that day; zero before birth.
    pub fn age(&self, today: Date) -> i16 {
        let had_birthday = (today.month(), today.day()) >= (self.born.month(), self.born.day());
        (today.year() - self.born.year() - i16::from(!had_birthday)).max(0)
    }

    /// Whole months on that day; zero before birth.
    pub fn months(&self, today: Date) -> i32 {
        let years = i32::from(today.year()) - i32::from(self.born.year());
        let months = i32::from(today.month()) - i32::from(self.born.month());
        (years * 12 + months - i32::from(today.day() < self.born.day())).max(0)
    }
}

/// How a family of some size is made up.
#[derive(Debug, Clone, Copy)]
struct Shape {
    spouse: bool,
    parents: usize,
    children: usize,
    /// A grown child who lives here with a wife, and their children.
    young_couple: bool,
    grandchildren: usize,
    /// The head is past sixty.
    old: bool,
}

impl Shape {
    const fn new(spouse: bool, parents: usize, children: usize) -> Self {
        Self {
            spouse,
            parents,
            children,
            young_couple: false,
            grandchildren: 0,
            old: false,
        }
    }

    const fn three_generations(spouse: bool, grandchildren: usize) -> Self {
        Self {
            spouse,
            parents: 0,
            children: 1,
            young_couple: true,
            grandchildren,
            old: true,
        }
    }

    const fn old(spouse: bool, grandchildren: usize) -> Self {
        Self {
            spouse,
            parents: 0,
            children: 0,
            young_couple: false,
            grandchildren,
            old: true,
        }
    }
}

/// The shapes that a family of each size takes, size one first.
const SHAPES: [&[Shape]; 7] = [
    &[Shape::old(false, 0), Shape::new(false, 0, 0)],
    &[
        Shape::old(true, 0),
        Shape::new(true, 0, 0),
        Shape::old(false, 1),
        Shape::new(false, 0, 1),
    ],
    &[
        Shape::new(true, 0, 1),
        Shape::old(true, 1),
        Shape::new(true, 1, 0),
    ],
    &[
        Shape::new(true, 0, 2),
        Shape::new(true, 1, 1),
        Shape::old(true, 2),
        Shape::three_generations(false, 1),
    ],
    &[
        Shape::new(true, 1, 2),
        Shape::new(true, 2, 1),
        Shape::new(true, 0, 3),
        Shape::three_generations(true, 1),
    ],
    &[
        Shape::new(true, 2, 2),
        Shape::new(true, 1, 3),
        Shape::three_generations(true, 2),
    ],
    &[Shape::new(true, 2, 3), Shape::three_generations(true, 3)],
];

/// The most persons that a generated family has.
pub const PERSONS_MAX: usize = SHAPES.len();

/// How many persons live together, drawn as villages are: mostly three to five.
pub(crate) fn size(rng: &mut Pcg64Mcg) -> usize {
    const SIZES: [usize; 20] = [1, 2, 2, 2, 3, 3, 3, 3, 3, 4, 4, 4, 4, 4, 5, 5, 5, 6, 6, 7];
    *SIZES.choose(rng).expect("the list is not empty")
}

/// A family of `persons` (1 to [`PERSONS_MAX`]; less or more is the nearest), as it is on `today`.
pub fn family(rng: &mut Pcg64Mcg, persons: usize, today: Date) -> Vec<Member> {
    let shapes = SHAPES[persons.clamp(1, PERSONS_MAX) - 1];
    let shape = *shapes.choose(rng).expect("every size has a shape");
    let mut members = Vec::with_capacity(persons);

    let man = !shape.old && rng.random_bool(0.8) || rng.random_bool(0.6);
    let age = if shape.old {
        60..=84
    } else {
        27 + 3 * shape.children as i16..=46
    };
    let year = today.year() - rng.random_range(age);
    let born = birthday(rng, year);
    let line = surname(rng);
    members.push(person(rng, Role::Head, man, line, born));
    if shape.spouse {
        let year = born.year() + rng.random_range(-3..=4);
        let born = birthday(rng, year);
        let own = surname(rng);
        members.push(person(rng, Role::Spouse, !man, own, born));
    }
    // Children bear the father's surname, as is usual.
    let fathers = match members.get(1) {
        Some(spouse) if !man => spouse
            .name
            .chars()
            .take(surname_length(&spouse.name))
            .collect(),
        _ => line.to_owned(),
    };
    let mothers = members
        .iter()
        .filter(|m| !m.man)
        .map(|m| m.born)
        .next()
        .unwrap_or(born);

    for n in 0..shape.parents {
        let year = born.year() - rng.random_range(21..=30);
        let born = birthday(rng, year);
        let father = if shape.parents == 1 {
            rng.random_bool(0.35)
        } else {
            n == 0
        };
        let own = if father { line } else { surname(rng) };
        members.push(person(rng, Role::Parent, father, own, born));
    }
    let mut year = mothers.year() + rng.random_range(21..=26);
    for _ in 0..shape.children {
        let born = birthday_before(rng, year, today);
        let son = shape.young_couple || rng.random_bool(0.51);
        members.push(person(rng, Role::Child, son, &fathers, born));
        year += rng.random_range(2..=4);
    }
    let mut youngest = mothers.year() + 26;
    if shape.young_couple {
        let own = surname(rng);
        let year = youngest + rng.random_range(-3..=1);
        let born = birthday_before(rng, year, today);
        members.push(person(rng, Role::DaughterInLaw, false, own, born));
        youngest = born.year();
    }
    let mut year = youngest + rng.random_range(21..=27);
    for _ in 0..shape.grandchildren {
        let boy = rng.random_bool(0.51);
        let born = birthday_before(rng, year, today);
        members.push(person(rng, Role::Grandchild, boy, &fathers, born));
        year += rng.random_range(2..=4);
    }
    members
}

/// A newborn of this family.
pub(crate) fn newborn(rng: &mut Pcg64Mcg, surname: &str, today: Date) -> Member {
    let born = today.saturating_sub(rng.random_range(3..=60).days());
    let boy = rng.random_bool(0.51);
    person(rng, Role::Child, boy, surname, born)
}

/// The number of characters of the surname that begins a full name.
pub(crate) fn surname_length(name: &str) -> usize {
    if names::SURNAMES
        .iter()
        .any(|s| s.chars().count() == 2 && name.starts_with(s))
    {
        2
    } else {
        1
    }
}

fn person(rng: &mut Pcg64Mcg, role: Role, man: bool, surname: &str, born: Date) -> Member {
    let given = given_name(rng, man, born.year());
    Member {
        role,
        man,
        name: format!("{surname}{given}"),
        born,
    }
}

fn surname(rng: &mut Pcg64Mcg) -> &'static str {
    // The square of an even draw leans to the front, as surnames do: one in five is 王, 李 or 张.
    let draw: f64 = rng.random();
    let at = (draw * draw * names::SURNAMES.len() as f64) as usize;
    names::SURNAMES[at.min(names::SURNAMES.len() - 1)]
}

fn given_name(rng: &mut Pcg64Mcg, man: bool, year: i16) -> String {
    let one = |rng: &mut Pcg64Mcg, list: &[&str]| -> String {
        (*list.choose(rng).expect("the lists of names are not empty")).to_owned()
    };
    match (man, year) {
        (true, ..1972) => one(rng, names::MEN_ELDER),
        (false, ..1972) => one(rng, names::WOMEN_ELDER),
        (true, 1972..2000) => one(rng, names::MEN_MIDDLE),
        (false, 1972..2000) => one(rng, names::WOMEN_MIDDLE),
        (true, _) => one(rng, names::BOYS_FIRST) + &one(rng, names::BOYS_SECOND),
        (false, _) => one(rng, names::GIRLS_FIRST) + &one(rng, names::GIRLS_SECOND),
    }
}

fn birthday(rng: &mut Pcg64Mcg, year: i16) -> Date {
    let month = rng.random_range(1..=12);
    Date::constant(year, month, rng.random_range(1..=28))
}

/// A day in `year`, or in the last two years when that would not have come yet.
fn birthday_before(rng: &mut Pcg64Mcg, year: i16, today: Date) -> Date {
    let date = birthday(rng, year);
    if date < today {
        date
    } else {
        today.saturating_sub(rng.random_range(20..=700).days())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    const TODAY: Date = Date::constant(2026, 11, 24);

    #[test]
    fn every_size_is_as_large_as_asked() {
        let mut rng = Pcg64Mcg::seed_from_u64(3);
        for persons in 1..=PERSONS_MAX {
            for _ in 0..40 {
                assert_eq!(family(&mut rng, persons, TODAY).len(), persons);
            }
        }
        assert_eq!(family(&mut rng, 0, TODAY).len(), 1);
        assert_eq!(family(&mut rng, 99, TODAY).len(), PERSONS_MAX);
    }

    #[test]
    fn generations_are_in_order() {
        let mut rng = Pcg64Mcg::seed_from_u64(4);
        for persons in (1..=PERSONS_MAX).cycle().take(1_000) {
            let family = family(&mut rng, persons, TODAY);
            let head = family[0].born.year();
            for member in &family {
                assert!(member.born < TODAY, "{family:?}");
                let gap = member.born.year() - head;
                let allowed = match member.role {
                    Role::Head => 0..=0,
                    Role::Spouse => -3..=4,
                    Role::Parent => -30..=-21,
                    Role::Child | Role::DaughterInLaw => 15..=45,
                    Role::Grandchild => 36..=90,
                };
                assert!(allowed.contains(&gap), "{gap} for {member:?} of {family:?}");
            }
        }
    }

    #[test]
    fn names_vary_and_children_bear_a_parents_surname() {
        let mut rng = Pcg64Mcg::seed_from_u64(5);
        let families: Vec<_> = (0..500).map(|_| family(&mut rng, 4, TODAY)).collect();
        let names: std::collections::HashSet<_> =
            families.iter().flatten().map(|m| &m.name).collect();
        assert!(
            names.len() > 1_200,
            "{} names among 2,000 persons",
            names.len()
        );
        for family in &families {
            for child in family.iter().filter(|m| m.role == Role::Child) {
                let surname: String = child
                    .name
                    .chars()
                    .take(surname_length(&child.name))
                    .collect();
                assert!(
                    family[..2].iter().any(|m| m.name.starts_with(&surname)),
                    "{family:?}"
                );
            }
        }
    }

    #[test]
    fn ages_count_birthdays() {
        let born = Date::constant(2024, 11, 25);
        let member = Member {
            role: Role::Child,
            man: true,
            name: "王浩然".into(),
            born,
        };
        assert_eq!((member.age(TODAY), member.months(TODAY)), (1, 23));
        assert_eq!((member.age(born), member.months(born)), (0, 0));
    }
}
