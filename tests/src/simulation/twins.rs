//! A family that two members of staff write down, neither knowing of the other: the register is to find it.

use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;
use sojourn_client_core::sync::driver::Clock as _;
use sojourn_server::review::ReviewKind;
use sojourn_server::review::{
    case::Case,
    decide::{Choice, QuestionId},
};
use sojourn_sync_protocol::{DecisionId, HouseholdId, record::NewHousehold};

use super::{watch::mark_text, world::World};
use crate::{
    generate::{Generator, Village},
    linkage::again,
};

impl World {
    /// One tablet registers a family, and another the same with slips; gives the two records, when both were taken.
    pub(super) fn register_twice(
        &mut self,
        one: usize,
        other: usize,
        area: usize,
    ) -> Option<[HouseholdId; 2]> {
        let records = self.register_often(&[one, other], area);
        <[HouseholdId; 2]>::try_from(records).ok()
    }

    /// Every one of these tablets registers a family, the first of them without slips; gives the records that were taken.
    pub(super) fn register_often(&mut self, tablets: &[usize], area: usize) -> Vec<HouseholdId> {
        let seed = self.written + 1;
        let village = |code: &str| Village {
            code: code.parse().expect("a code of this world"),
            name: format!("{code}村委会"),
        };
        let (here, there) = (village(self.village(area)), village(self.village(area + 1)));
        let family = Generator::new(seed, self.now()).household(&here, None).new;
        let mut slips = Pcg64Mcg::seed_from_u64(seed);
        let mut records = Vec::new();
        for (number, at) in tablets.iter().enumerate() {
            let written = match number {
                0 => family.clone(),
                _ => again::household(&mut slips, &family, &there),
            };
            records.extend(self.register_people(*at, written));
        }
        if records.len() > 1 {
            self.fired("family registered twice");
        }
        records
    }

    fn register_people(&mut self, at: usize, mut new: NewHousehold) -> Option<HouseholdId> {
        let number = self.next_mark();
        let slot = &self.slots[at];
        let now = self.clock_of(slot).now();
        let home = slot.post.areas.iter().find(|home| home.starts_with('v'));
        new.area = home.and_then(|home| home.parse().ok()).or(new.area);
        new.address = Some(mark_text(number));
        for person in &mut new.persons {
            person.id = None;
        }
        let edited = slot.tablet().register(now, new).ok()?;
        self.took(at, edited.household, number, false);
        Some(edited.household)
    }

    /// A decision about two households stands in the documents of both.
    pub(super) fn both_carry(
        &self,
        question: &QuestionId,
        decision: DecisionId,
    ) -> Result<(), String> {
        let struck = self.server.struck() || self.server.disk.down().is_some();
        if struck || question.kind != ReviewKind::PossibleDuplicate {
            return Ok(());
        }
        let shown = match self.register(None) {
            Ok(shown) => shown,
            Err(error) => return self.only_if_struck(&error),
        };
        for household in [question.household.to_string(), question.subject.clone()] {
            let told = &shown[&household]["decisions"][decision.to_string().as_str()];
            if told["outcome"].as_str().is_none() {
                return Err(format!(
                    "{household} does not carry what was decided: {told}"
                ));
            }
        }
        Ok(())
    }
}

/// That two are one family: either goes on, with those who may be the same or with nobody said to be.
pub(super) fn same(case: &Case, choice: usize) -> Choice {
    let twin = case.twin.as_ref();
    let other = twin.map_or(case.question.household, |twin| twin.household);
    let people = twin.map(|twin| twin.people.as_slice()).unwrap_or_default();
    let here = (choice / 2).is_multiple_of(2);
    let named = people.iter().filter(|_| !(choice / 4).is_multiple_of(4));
    Choice::Same {
        survivor: if here { case.question.household } else { other },
        persons: named
            .map(|pair| match here {
                true => (pair.there, pair.here),
                false => (pair.here, pair.there),
            })
            .collect(),
    }
}
