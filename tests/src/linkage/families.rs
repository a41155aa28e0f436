//! Families of two areas as two members of staff write them down, some of them twice: what a register has to tell apart.
//!
//! Relatives live next door under the same surname, with the same telephone and characters of one generation in their names; twins
//! are born on one day. A family that moved is written down again by others, who hear, read and type differently. Pure,
//! seeded: one seed, one register.

use jiff::civil::Date;
use rand::{RngExt, SeedableRng, seq::IndexedRandom};
use rand_pcg::Pcg64Mcg;
use sojourn_sync_protocol::{
    PartialDate,
    linkage::{Housemate, Model, PERSON, Person},
};

use super::{
    Sample,
    slips::{self, DATE_SLIPS, NAME_SLIPS, NameSlip},
};
use crate::{
    family::{self, Member, Role},
    names,
};

const TODAY: Date = Date::constant(2026, 11, 24);
const VILLAGES: [[&str; 6]; 2] = [
    ["河头村", "前进村", "石桥村", "东岭村", "柳沟村", "大泊村"],
    [
        "南苑社区",
        "新华社区",
        "城东社区",
        "湖滨社区",
        "站前社区",
        "北关社区",
    ],
];

/// Of families, the share that is written down again elsewhere, and again where it is.
const MOVED: f64 = 0.30;
const WRITTEN_TWICE: f64 = 0.05;
/// Of families, the share that has relatives of the same surname next door.
const RELATIVES: f64 = 0.30;
/// Of families, the share that has names in Latin letters alone.
const FROM_ABROAD: f64 = 0.06;
/// Surnames of such families, women's and men's given names.
const ABROAD: [&[&str]; 3] = [
    &[
        "almeida",
        "becker",
        "carvalho",
        "dubois",
        "eriksen",
        "ferrari",
        "garcia",
        "hansen",
        "ivanov",
        "jansen",
        "kowalski",
        "larsen",
        "moreau",
        "novak",
        "okafor",
        "petrov",
        "quintero",
        "rossi",
        "santos",
        "tanaka",
        "ullmann",
        "vargas",
        "weber",
        "yilmaz",
        "zimmermann",
    ],
    &[
        "alice",
        "beatriz",
        "carmen",
        "diana",
        "elena",
        "fatima",
        "greta",
        "helena",
        "ingrid",
        "julia",
        "katarina",
        "laura",
        "maria",
        "natalia",
        "olga",
        "paula",
        "rosa",
        "sofia",
        "teresa",
        "valentina",
    ],
    &[
        "andre", "bruno", "carlos", "dimitri", "erik", "felipe", "gustav", "hassan", "ivan",
        "jakob", "kofi", "lukas", "marco", "nikolai", "oskar", "pedro", "rafael", "stefan",
        "tomas", "viktor",
    ],
];
/// Of families with a child, the share that has twins.
const TWINS: f64 = 0.02;

/// The register that the weights of `sync-protocol/src/linkage/person.json` are learned from.
pub const LEARNED_SEED: u64 = 20_261_126;
/// Families in it.
pub const LEARNED_FAMILIES: usize = 4_000;

/// Those weights, learned again.
pub fn weights() -> Model {
    let outcome = register(LEARNED_SEED, LEARNED_FAMILIES).link(None);
    outcome.learned.expect("no weights were given").model
}

/// A person as they are, whoever writes it down.
#[derive(Debug, Clone)]
struct Being {
    person: u32,
    member: Member,
    id: Option<String>,
    phone: Option<String>,
}

/// A family and where it is from.
#[derive(Debug, Clone)]
struct Home {
    people: Vec<Being>,
    area: usize,
    village: &'static str,
    street: &'static str,
    house: u16,
    phones: [String; 2],
}

struct Writer {
    rng: Pcg64Mcg,
    people: u32,
    numbers: u64,
    households: u32,
    sample: Sample,
}

/// A register of so many families and those of them that stand in it twice.
pub fn register(seed: u64, families: usize) -> Sample {
    let mut writer = Writer {
        rng: Pcg64Mcg::seed_from_u64(seed),
        people: 0,
        numbers: 0,
        households: 0,
        sample: Sample {
            schema: PERSON,
            records: Vec::new(),
            truth: Vec::new(),
            households: Some(Vec::new()),
            second_list: None,
        },
    };
    let mut left = families;
    while left > 0 {
        let home = writer.home();
        writer.family(&home);
        left -= 1;
        let abroad = home.people[0].member.name.is_ascii();
        if left > 0 && !abroad && writer.rng.random_bool(RELATIVES) {
            let next_door = writer.next_door(&home);
            writer.family(&next_door);
            left -= 1;
        }
    }
    writer.sample
}

impl Writer {
    fn chance(&mut self, share: f64) -> bool {
        self.rng.random_bool(share)
    }

    /// A telephone number that cannot be anybody's, no two the same.
    fn phone(&mut self) -> String {
        self.numbers += 1;
        let mixed = self.numbers.wrapping_mul(48_271) % 99_999_989;
        format!("100{mixed:08}")
    }

    /// What the register keeps of an id number is a keyed hash: random digits as far as anybody can tell.
    fn id_hash(&mut self) -> String {
        format!(
            "{:016x}{:016x}",
            self.rng.random::<u64>(),
            self.rng.random::<u64>()
        )
    }

    fn home(&mut self) -> Home {
        let area = self.rng.random_range(0..2);
        let size = family::size(&mut self.rng);
        let mut members = family::family(&mut self.rng, size, TODAY);
        let last = members
            .last()
            .cloned()
            .filter(|last| last.role == Role::Child);
        if let Some(last) = last.filter(|_| self.rng.random_bool(TWINS)) {
            let surname: String = last
                .name
                .chars()
                .take(family::surname_length(&last.name))
                .collect();
            let other = family::newborn(&mut self.rng, &surname, TODAY);
            let first = last.name.chars().nth(family::surname_length(&last.name));
            let end = other.name.chars().last();
            let name = [first, end]
                .into_iter()
                .flatten()
                .fold(surname, |name, c| format!("{name}{c}"));
            members.push(Member { name, ..last });
        }
        if self.chance(FROM_ABROAD) {
            let surname = self.pick(ABROAD[0]);
            for member in &mut members {
                let given = self.pick(ABROAD[if member.man { 2 } else { 1 }]);
                member.name = format!("{given} {surname}");
            }
        }
        let people = members
            .into_iter()
            .map(|member| self.being(member))
            .collect();
        Home {
            people,
            area,
            village: self.pick(&VILLAGES[area]),
            street: self.pick(names::STREETS),
            house: self.rng.random_range(1..=160),
            phones: [self.phone(), self.phone()],
        }
    }

    fn pick(&mut self, list: &[&'static str]) -> &'static str {
        list.choose(&mut self.rng).expect("the lists are not empty")
    }

    fn being(&mut self, member: Member) -> Being {
        self.people += 1;
        let adult = member.age(TODAY) >= 16;
        let has_id = self.chance(if adult { 0.85 } else { 0.5 });
        let has_phone = adult && self.chance(0.6);
        Being {
            person: self.people,
            id: has_id.then(|| self.id_hash()),
            phone: has_phone.then(|| self.phone()),
            member,
        }
    }

    /// A brother's or cousin's family beside this one: its surname, its telephone, often its generation's character.
    fn next_door(&mut self, home: &Home) -> Home {
        let head = &home.people[0].member;
        let length = family::surname_length(&head.name);
        let surname: String = head.name.chars().take(length).collect();
        let generation = head
            .name
            .chars()
            .nth(length)
            .filter(|_| head.name.chars().count() > length + 1);
        let mut other = self.home();
        while other.people[0].member.name.is_ascii() {
            other = self.home();
        }
        let line: String = {
            let own = &other.people[0].member.name;
            own.chars().take(family::surname_length(own)).collect()
        };
        for being in &mut other.people {
            let name = &being.member.name;
            if let Some(given) = name.strip_prefix(&line) {
                let mut given: Vec<char> = given.chars().collect();
                if let Some(generation) =
                    generation.filter(|_| being.member.role == Role::Head && given.len() > 1)
                {
                    given[0] = generation;
                }
                being.member.name = surname.chars().chain(given).collect();
            }
        }
        Home {
            area: home.area,
            village: home.village,
            street: home.street,
            house: home.house + u16::from(self.rng.random_bool(0.6)),
            phones: [home.phones[0].clone(), other.phones[0].clone()],
            people: other.people,
        }
    }

    /// Writes the family down, and perhaps again.
    fn family(&mut self, home: &Home) {
        self.household(home, home, 0.3);
        if self.chance(MOVED) {
            let mut moved = home.clone();
            moved.area = 1 - home.area;
            moved.village = self.pick(&VILLAGES[moved.area]);
            moved.street = self.pick(names::STREETS);
            moved.house = self.rng.random_range(1..=160);
            if self.chance(0.5) {
                moved.phones[0] = self.phone();
            }
            // Some stay behind; now and then a child is born on the way.
            let mut stay = Vec::new();
            for being in &moved.people {
                let stays = being.member.role == Role::Parent && self.rng.random_bool(0.5)
                    || self.rng.random_bool(0.1);
                stay.push(stays);
            }
            let mut stay = stay.into_iter();
            moved.people.retain(|_| !stay.next().unwrap_or_default());
            if moved.people.len() > 1 && self.chance(0.1) {
                let name = moved.people[0].member.name.clone();
                let surname: String = name.chars().take(family::surname_length(&name)).collect();
                let mut child = family::newborn(&mut self.rng, &surname, TODAY);
                if let Some((_, surname)) = name.split_once(' ') {
                    child.name = format!(
                        "{} {surname}",
                        self.pick(ABROAD[if child.man { 2 } else { 1 }])
                    );
                }
                let child = self.being(child);
                moved.people.push(child);
            }
            self.household(&moved, home, 1.0);
        } else if self.chance(WRITTEN_TWICE) {
            self.household(home, home, 1.0);
        }
    }

    /// One household as somebody writes it down. `haste` scales how much slips.
    fn household(&mut self, home: &Home, from: &Home, haste: f64) {
        let household = self.households;
        self.households += 1;
        let address = format!("{}{}{}号", home.village, home.street, home.house);
        let short = format!("{}{}号", home.street, home.house);
        let address = if self.chance(0.2 * haste) {
            short
        } else {
            address
        };
        let address = (!self.chance(0.08 * haste)).then_some(address);
        let origin = match self.rng.random_range(0..20) {
            0..4 => None,
            4..6 => Some(format!("某县{}", from.village)),
            6 if haste >= 1.0 => Some(self.pick(&VILLAGES[from.area]).to_owned()),
            _ => Some(from.village.to_owned()),
        };
        let mut people: Vec<Person> = Vec::new();
        for being in &home.people {
            people.push(self.person(being, home, haste));
        }
        let circle: Vec<Housemate> = people
            .iter()
            .map(|person| Housemate {
                name: person.names.first().cloned().unwrap_or_default(),
                born: person.birth.map(|birth| match birth {
                    PartialDate::Year(year) | PartialDate::Month(year, _) => year as u16,
                    PartialDate::Day(date) => date.year() as u16,
                }),
            })
            .collect();
        for (at, (mut person, being)) in people.into_iter().zip(&home.people).enumerate() {
            let others = circle.iter().enumerate().filter(|(there, _)| *there != at);
            person.housemates = Some(others.map(|(_, other)| other.clone()).collect());
            person.address.clone_from(&address);
            person.origin.clone_from(&origin);
            self.sample.records.push(person.record());
            self.sample.truth.push(being.person);
            self.sample
                .households
                .as_mut()
                .expect("set from the start")
                .push(household);
        }
    }

    fn person(&mut self, being: &Being, home: &Home, haste: f64) -> Person {
        let member = &being.member;
        let length = family::surname_length(&member.name);
        let mut name = member.name.clone();
        if name.is_ascii() {
            if self.chance(0.22 * haste) {
                name = slips::latin(&mut self.rng, &name);
            }
        } else if self.chance(0.22 * haste) {
            const SHARES: [NameSlip; 10] = {
                let [sound, tone, near, form, order, one] = NAME_SLIPS;
                [
                    sound, sound, sound, sound, form, form, tone, near, order, one,
                ]
            };
            let slip = *SHARES.choose(&mut self.rng).expect("the list is not empty");
            name = slips::name(&mut self.rng, &name, length, slip).unwrap_or(name);
        }
        let mut names = vec![name];
        if !member.name.is_ascii() && self.chance(0.03 * haste) {
            names = slips::letters(&member.name, length).map_or(names, |letters| vec![letters]);
        }
        let mut birth = Some(PartialDate::Day(member.born));
        if self.chance(0.15 * haste) {
            let slip = *DATE_SLIPS
                .choose(&mut self.rng)
                .expect("the list is not empty");
            birth = slips::date(&mut self.rng, member.born, slip).or(birth);
        } else if self.chance(0.03 * haste) {
            birth = None;
        }
        let id = being
            .id
            .clone()
            .filter(|_| !self.rng.random_bool(0.3 * haste));
        let wrong = self.chance(0.02 * haste);
        let mut phones = vec![home.phones[0].clone()];
        phones.extend(being.phone.clone().filter(|_| self.rng.random_bool(0.5)));
        if self.chance(0.25 * haste) {
            phones = being.phone.clone().into_iter().collect();
        } else if self.chance(0.15 * haste) {
            phones[0].clone_from(&home.phones[1]);
        }
        if self.chance(0.04 * haste)
            && let Some(first) = phones.first_mut()
        {
            *first = slips::number(&mut self.rng, first);
        }
        let man = member.man != self.rng.random_bool(0.005 * haste);
        Person {
            names,
            sex: (!self.chance(0.02 * haste))
                .then(|| if man { "male" } else { "female" }.to_owned()),
            birth,
            // One wrong digit makes a hash that has nothing in common with the right one.
            id_hash: id.map(|id| if wrong { self.id_hash() } else { id }),
            phones,
            ..Person::default()
        }
    }
}
