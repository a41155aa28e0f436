//! A household as somebody in another area writes it down again, hearing and typing differently. Pure, seeded.

use jiff::civil::Date;
use rand::{RngExt, seq::IndexedRandom};
use rand_pcg::Pcg64Mcg;
use sojourn_sync_protocol::record::{NewHousehold, NewPerson};

use super::slips::{self, DATE_SLIPS, NAME_SLIPS};
use crate::{family, generate::Village, names, numbers};

/// Of names, birth dates and numbers, the shares that slip or are left out.
const NAME: f64 = 0.22;
const BIRTH: f64 = 0.15;
const ID_LEFT_OUT: f64 = 0.3;
const OTHER_PHONE: f64 = 0.5;
/// Of people in families of several, the share that is not written down again.
const STAYED: f64 = 0.1;

/// The household again, in this village, without ids.
pub fn household(rng: &mut Pcg64Mcg, of: &NewHousehold, village: &Village) -> NewHousehold {
    let several = of.persons.len() > 2;
    let mut persons: Vec<NewPerson> = Vec::new();
    for one in &of.persons {
        if !(several && persons.len() > 1 && rng.random_bool(STAYED)) {
            persons.push(person(rng, one));
        }
    }
    let street = names::STREETS.choose(rng).expect("the list is not empty");
    let house = rng.random_range(1..=268);
    let phone = match rng.random_bool(OTHER_PHONE) {
        true => Some(numbers::phone(rng)),
        false => of.phone.clone(),
    };
    NewHousehold {
        area: Some(village.code.clone()),
        address: Some(format!("{}{street}{house}号", village.place())),
        phone,
        note: None,
        persons,
        ..of.clone()
    }
}

fn person(rng: &mut Pcg64Mcg, of: &NewPerson) -> NewPerson {
    let mut again = NewPerson {
        id: None,
        ..of.clone()
    };
    let length = family::surname_length(&of.name);
    if rng.random_bool(NAME) {
        let slip = *NAME_SLIPS.choose(rng).expect("the list is not empty");
        again.name = slips::name(rng, &of.name, length, slip).unwrap_or(again.name);
    }
    let born: Option<Date> = of.birth.as_ref().and_then(|birth| birth.parse().ok());
    if let Some(born) = born.filter(|_| rng.random_bool(BIRTH)) {
        let slip = *DATE_SLIPS.choose(rng).expect("the list is not empty");
        let slipped = slips::date(rng, born, slip).map(|date| date.to_string());
        again.birth = slipped.or(again.birth);
    }
    if rng.random_bool(ID_LEFT_OUT) {
        (again.id_kind, again.id_number) = (None, None);
    }
    if rng.random_bool(OTHER_PHONE) {
        again.phone = None;
    }
    again
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::Generator;
    use rand::SeedableRng;
    use sojourn_sync_protocol::Timestamp;

    #[test]
    fn a_household_written_again_is_of_the_same_people_elsewhere() {
        let village = |code: &str| Village {
            code: code.parse().unwrap(),
            name: format!("{code}村委会"),
        };
        let now = Timestamp::from_millis(1_795_485_600_000);
        let mut generator = Generator::new(5, now);
        let mut rng = Pcg64Mcg::seed_from_u64(5);
        let mut slipped = 0;
        for _ in 0..100 {
            let first = generator.household(&village("a"), None).new;
            let again = household(&mut rng, &first, &village("b"));
            assert_eq!(again.area, Some("b".parse().unwrap()));
            assert!(!again.persons.is_empty() && again.persons.len() <= first.persons.len());
            assert!(again.persons.iter().all(|person| person.id.is_none()));
            let names = |of: &NewHousehold| -> Vec<String> {
                of.persons
                    .iter()
                    .map(|person| person.name.clone())
                    .collect()
            };
            slipped += usize::from(names(&again) != names(&first));
        }
        assert!(slipped > 20, "{slipped}");
    }
}
