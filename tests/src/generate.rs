//! Generated households and visits, as the edits that staff would make. The same seed and moment give the same
//! households on every machine.
//!
//! Nothing here is anybody's: identity numbers are of a region that does not exist, telephone numbers cannot be
//! called (see `numbers`). Reads no clock; knows nothing of servers, tablets or documents.

use std::collections::BTreeSet;

use jiff::{ToSpan, civil::Date, tz::Offset};
use rand::{RngExt, SeedableRng, seq::IndexedRandom};
use rand_pcg::Pcg64Mcg;
use sojourn_sync_protocol::{
    AreaCode, HouseholdId, PersonId, Timestamp, VisitId,
    record::{NewConsent, NewHousehold, NewPerson, NewVisit},
};

use crate::{
    body::{self, Measured},
    family::{self, Member, Role},
    names, numbers,
};

/// Where generated families live: UTC+8, without summer time.
const OFFSET: Offset = Offset::constant(8);

/// A village as the area tree names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Village {
    /// Its code.
    pub code: AreaCode,
    /// Its name; in the tree that is often its committee's, of which addresses keep the village.
    pub name: String,
}

impl Village {
    /// The place's own name: 小于家村委会 is 小于家村, 巩家庄新村村民委员会 is 巩家庄新村, 东关社区居委会 is 东关社区.
    pub fn place(&self) -> String {
        const COMMITTEES: [(&str, &str); 6] = [
            ("村民委员会", "村"),
            ("社区居民委员会", "社区"),
            ("居民委员会", ""),
            ("社区居委会", "社区"),
            ("村委会", "村"),
            ("居委会", ""),
        ];
        let own = COMMITTEES.iter().find_map(|(committee, place)| {
            let rest = self.name.strip_suffix(committee)?;
            // 巩家庄新村村民委员会 is the committee of 巩家庄新村.
            let place = if rest.ends_with('村') { "" } else { place };
            Some(format!("{rest}{place}"))
        });
        own.unwrap_or_else(|| self.name.clone())
    }
}

/// A household to register, and the family behind it.
#[derive(Debug, Clone, PartialEq)]
pub struct Household {
    /// An id for the documents; made like any other, from the moment and the seed.
    pub id: HouseholdId,
    /// The village it is registered in.
    pub village: Village,
    /// Who lives in it. Kept in step by [`Generator::working_day`].
    pub members: Vec<(PersonId, Member)>,
    /// What staff hand in; every person has an id.
    pub new: NewHousehold,
}

/// Draws families and what happens to them from one seed.
#[derive(Debug, Clone)]
pub struct Generator {
    pub(crate) rng: Pcg64Mcg,
    pub(crate) now: Timestamp,
    pub(crate) today: Date,
    /// Facts that are told once per person.
    pub(crate) told: BTreeSet<(PersonId, &'static str)>,
    /// Counts what was written, so that no text is written twice.
    pub(crate) written: u32,
}

impl Generator {
    /// A generator whose families live at `now`.
    pub fn new(seed: u64, now: Timestamp) -> Self {
        let rng = Pcg64Mcg::seed_from_u64(seed);
        Self {
            rng,
            now,
            today: local_day(now),
            told: BTreeSet::new(),
            written: 0,
        }
    }

    /// A household of this village; of `persons` persons (1 to [`family::PERSONS_MAX`]), or as many as families have.
    pub fn household(&mut self, village: &Village, persons: Option<usize>) -> Household {
        let persons = persons.unwrap_or_else(|| family::size(&mut self.rng));
        let family = family::family(&mut self.rng, persons, self.today);
        let id = HouseholdId::new(self.now, self.rng.random());
        let members: Vec<_> = family
            .into_iter()
            .map(|member| (self.person_id(), member))
            .collect();
        let new = NewHousehold {
            area: Some(village.code.clone()),
            address: Some(self.address(village)),
            since: Some(self.since()),
            phone: self
                .rng
                .random_bool(0.9)
                .then(|| numbers::phone(&mut self.rng)),
            note: self
                .rng
                .random_bool(0.3)
                .then(|| one_of(&mut self.rng, names::HOUSEHOLD_NOTES)),
            consent: self.consent(),
            persons: members
                .iter()
                .map(|(id, member)| self.person(*id, member))
                .collect(),
        };
        Household {
            id,
            village: village.clone(),
            members,
            new,
        }
    }

    /// `count` visits to members of the household over the past year, the earliest first.
    pub fn visits(&mut self, household: &Household, count: usize) -> Vec<NewVisit> {
        let mut days: Vec<_> = (0..count).map(|_| self.rng.random_range(0..365)).collect();
        days.sort_unstable_by(|a, b| b.cmp(a));
        days.into_iter()
            .map(|ago| self.visit(household, self.now.plus_millis(-ago * 24 * 3_600_000)))
            .collect()
    }

    /// A visit made at `at` to one of those who were born by then.
    pub fn visit(&mut self, household: &Household, at: Timestamp) -> NewVisit {
        let on = local_day(at);
        let born: Vec<_> = household
            .members
            .iter()
            .filter(|(_, member)| member.born < on)
            .collect();
        let id = Some(VisitId::new(at, self.rng.random()));
        let Some((person, member)) = born.choose(&mut self.rng) else {
            let note = Some(one_of(&mut self.rng, names::HOUSEHOLD_NOTES));
            return NewVisit {
                id,
                on: on.to_string(),
                kind: "other".to_owned(),
                note,
                ..NewVisit::default()
            };
        };
        let (age, months) = (member.age(on), member.months(on));
        let stature = i8::from_be_bytes([person.as_bytes()[15]]);
        let readings = body::measure(
            &mut self.rng,
            Measured {
                months,
                man: member.man,
                stature,
            },
        );
        let vaccine = self.vaccine(months);
        let kind = match (&vaccine, age) {
            (Some(_), _) => "immunisation",
            (None, ..7) => "child",
            (None, _) if self.told.contains(&(*person, "due_date")) => "antenatal",
            (None, _) => "follow-up",
        };
        let notes = match age {
            _ if readings.fever() => names::FEVER_NOTES,
            ..7 => names::CHILD_NOTES,
            7..60 => names::ADULT_NOTES,
            _ => names::ELDER_NOTES,
        };
        let next = self.rng.random_range(14..=90);
        NewVisit {
            id,
            person: Some(*person),
            on: on.to_string(),
            kind: kind.to_owned(),
            note: self
                .rng
                .random_bool(0.8)
                .then(|| one_of(&mut self.rng, notes)),
            weight_g: Some(readings.weight_g),
            height_mm: (age < 18 || self.rng.random_bool(0.2)).then_some(readings.height_mm),
            temperature_dc: Some(readings.temperature_dc),
            systolic: readings.pressure.map(|(systolic, _)| systolic),
            diastolic: readings.pressure.map(|(_, diastolic)| diastolic),
            vaccine,
            next_on: self
                .rng
                .random_bool(0.4)
                .then(|| on.saturating_add(next.days()).to_string()),
            came_from: None,
        }
    }

    /// What staff write about a member when the household is registered or the member is added.
    pub(crate) fn person(&mut self, id: PersonId, member: &Member) -> NewPerson {
        let age = member.age(self.today);
        let rng = &mut self.rng;
        let number = rng
            .random_bool(if age < 3 { 0.3 } else { 0.8 })
            .then(|| numbers::identity(rng, member.born, member.man));
        // Old people often know the year alone; a number tells the day.
        let birth = match member.born {
            born if number.is_none() && age >= 60 && rng.random_bool(0.3) => {
                format!("{:04}", born.year())
            }
            born if number.is_none() && rng.random_bool(0.1) => {
                format!("{:04}-{:02}", born.year(), born.month())
            }
            born => born.to_string(),
        };
        let relation = match member.role {
            Role::Head => "head",
            Role::Spouse => "spouse",
            Role::Child => "child",
            Role::Parent => "parent",
            Role::DaughterInLaw => "child-in-law",
            Role::Grandchild => "grandchild",
        };
        let school = (6..16).contains(&age).then(|| {
            (*["enrolled", "enrolled", "place-wanted", "transfer-wanted"]
                .choose(rng)
                .expect("four"))
            .to_owned()
        });
        let mut languages = BTreeSet::from(["zh".to_owned()]);
        if rng.random_bool(0.06) {
            languages.insert((*["ko", "mn", "ug", "yue"].choose(rng).expect("four")).to_owned());
        }
        NewPerson {
            id: Some(id),
            name: member.name.clone(),
            latin_name: None,
            sex: Some(if member.man { "male" } else { "female" }.to_owned()),
            birth: Some(birth),
            relation: Some(relation.to_owned()),
            id_kind: number.as_ref().map(|_| "resident".to_owned()),
            id_number: number,
            phone: (age >= 16 && rng.random_bool(0.5)).then(|| numbers::phone(rng)),
            school,
            languages,
            came_from: None,
        }
    }

    pub(crate) fn person_id(&mut self) -> PersonId {
        PersonId::new(self.now, self.rng.random())
    }

    /// A house in the village.
    pub(crate) fn address(&mut self, village: &Village) -> String {
        let street = one_of(&mut self.rng, names::STREETS);
        format!(
            "{}{street}{}号",
            village.place(),
            self.rng.random_range(1..=268)
        )
    }

    fn since(&mut self) -> String {
        let day = self
            .today
            .saturating_sub(self.rng.random_range(10..=4_000).days());
        match self.rng.random_range(0..3) {
            0 => format!("{:04}", day.year()),
            1 => format!("{:04}-{:02}", day.year(), day.month()),
            _ => day.to_string(),
        }
    }

    fn consent(&mut self) -> NewConsent {
        let answer = |given: bool| Some(if given { "given" } else { "refused" }.to_owned());
        let care = self.rng.random_bool(0.96);
        NewConsent {
            care: answer(care),
            sharing: answer(care && self.rng.random_bool(0.9)),
        }
    }

    /// A vaccine of the national schedule that is given at this age, in half of such visits; influenza for the old.
    fn vaccine(&mut self, months: i32) -> Option<String> {
        let given: &[&str] = match months {
            0 => &["卡介苗", "乙肝疫苗第1剂"],
            1 => &["乙肝疫苗第2剂"],
            2..6 => &["脊灰疫苗", "百白破疫苗"],
            6..9 => &["乙肝疫苗第3剂", "A群流脑疫苗第1剂"],
            9..18 => &["麻腮风疫苗第1剂", "乙脑减毒活疫苗第1剂"],
            18..24 => &["麻腮风疫苗第2剂", "甲肝减毒活疫苗"],
            36..48 => &["A群C群流脑疫苗第1剂"],
            72..84 => &["白破疫苗", "A群C群流脑疫苗第2剂"],
            780.. => &["流感疫苗"],
            _ => return None,
        };
        let share = if months >= 780 { 0.15 } else { 0.5 };
        self.rng
            .random_bool(share)
            .then(|| one_of(&mut self.rng, given))
    }
}

/// The civil day of a moment where generated families live.
pub(crate) fn local_day(at: Timestamp) -> Date {
    // Milliseconds outside jiff's range are not moments that a caller can mean; the epoch is as good.
    let moment =
        jiff::Timestamp::from_millisecond(at.millis()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    OFFSET.to_datetime(moment).date()
}

pub(crate) fn one_of(rng: &mut Pcg64Mcg, list: &[&str]) -> String {
    (*list.choose(rng).expect("the lists are not empty")).to_owned()
}

#[cfg(test)]
#[path = "generate_tests.rs"]
mod tests;
