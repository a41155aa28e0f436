//! A family at the door: written down again where it arrives, with a request to the area where it lived, and a card or none.
//! With a card its own record follows, as soon as both have been handed in.

use sojourn_client_core::sync::driver::Clock as _;
use sojourn_sync_protocol::{
    HouseholdId,
    record::{Edit, NewArrival},
};

use super::{deeds::DAY, world::World};

impl World {
    /// A family that one tablet has written down arrives at another.
    pub(super) fn arrive(
        &mut self,
        [one, other]: [usize; 2],
        area: usize,
        with_card: bool,
    ) -> Result<(), String> {
        let Some([left, here]) = self.register_twice(other, one, area) else {
            return Ok(());
        };
        // The register may join the two by itself, and either may go on.
        self.went_on.entry(left).or_default().insert(here);
        self.went_on.entry(here).or_default().insert(left);
        let card = match with_card {
            true => self.slots[other].tablet().card(left).ok(),
            false => None,
        };
        let Some(from) = self.village_on(other, left) else {
            return Ok(());
        };
        let ask = Edit::AskMove(NewArrival {
            from: from.clone(),
            on: DAY.into(),
            card: card.map(|card| card.to_string()),
            ..NewArrival::default()
        });
        let slot = &self.slots[one];
        let now = self.clock_of(slot).now();
        if slot.tablet().edit(now, here, ask).is_err() {
            return Ok(());
        }
        self.figures.edits += 1;
        self.fired("family asked for at the door");
        // Which of the two comes first makes no difference.
        let order = if area.is_multiple_of(2) {
            [one, other]
        } else {
            [other, one]
        };
        for at in order {
            self.sync(at, 1)?;
        }
        let lives = self.owner_of(left)?;
        let has_moved = lives.as_ref().is_some_and(|area| area.as_str() != from);
        if with_card && has_moved && lives == self.owner_of(here)? {
            self.fired("record followed its card");
        }
        Ok(())
    }

    /// Where a household lives as a tablet shows it.
    fn village_on(&self, at: usize, household: HouseholdId) -> Option<String> {
        let (_, view) = self.slots[at].tablet().show(household).ok()?;
        view.residence.area?.agreed().cloned()
    }
}
