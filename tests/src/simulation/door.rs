//! A family at the door: written down again where it arrives, with a request to the area where it lived, and a card or none.
//! With a card its own record follows, as soon as both have been handed in; without one a reviewer of where it lived lets it go,
//! or does not.

use sojourn_client_core::sync::driver::Clock as _;
use sojourn_server::handover::{
    answer::{Answer, Deed, NotAnswered},
    list::Waiting,
};
use sojourn_server::review::decide::Reviewer;
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

    /// The reviewers of both areas are asked about a family at the door: of where it lived, and of where it is.
    pub(super) fn answer_for_the_door(
        &mut self,
        asked: &Waiting,
        how: usize,
        [giver, receiver]: [Reviewer; 2],
    ) -> Result<(), String> {
        let id = (asked.household, asked.entry);
        let (seen, theirs) = match (self.hand_over(&giver, id), self.hand_over(&receiver, id)) {
            (Ok(seen), Ok(theirs)) => (seen, theirs),
            (Err(error), _) | (_, Err(error)) => {
                return self.only_if_struck(&format!("{id:?} cannot be read: {error}"));
            }
        };
        if !theirs.families.is_empty() {
            return Err(format!("{id:?}: who asks is told whose family it may be"));
        }
        let family = seen.families.first().map(|one| one.household);
        let (deed, by) = match how {
            1 => (Deed::Reject, &giver),
            2 => (Deed::Withdraw, &receiver),
            _ if family.is_none() => (Deed::Reject, &giver),
            _ => (Deed::Accept, &giver),
        };
        let mut order = Answer {
            household: asked.household,
            entry: asked.entry,
            seen: seen.seen,
            deed,
            reason: "已联系家人".into(),
            family: family.filter(|_| deed == Deed::Accept),
            family_agrees: false,
        };
        self.others_are_refused(&order, &receiver, &asked.to, &asked.from)?;
        let mut answered = self.answer_as(by, &order);
        if matches!(answered, Err(NotAnswered::Unconfirmed)) {
            order.family_agrees = true;
            answered = self.answer_as(by, &order);
        }
        if let Err(error) = answered {
            return self.only_if_struck(&format!("{id:?} is not answered: {error}"));
        }
        self.answered.push(id);
        self.figures.checked += 1;
        if let Some(family) = order.family {
            self.went_on
                .entry(family)
                .or_default()
                .insert(asked.household);
            self.went_on
                .entry(asked.household)
                .or_default()
                .insert(family);
            let lives = self.owner_of(family)?;
            if lives.as_ref() != Some(&asked.to) {
                return self.only_if_struck(&format!("{family} was let go and lives in {lives:?}"));
            }
        }
        match deed {
            Deed::Accept => self.fired("family at a door let go"),
            Deed::Reject => self.fired("family at a door not let go"),
            Deed::Withdraw => {}
        }
        self.is_answered_once(&order, &receiver)?;
        match self.answer_as(by, &order) {
            Ok(_) => self.only_if_struck(&format!("{id:?} is answered twice")),
            Err(_) => Ok(()),
        }
    }

    /// Where a household lives as a tablet shows it.
    fn village_on(&self, at: usize, household: HouseholdId) -> Option<String> {
        let (_, view) = self.slots[at].tablet().show(household).ok()?;
        view.residence.area?.agreed().cloned()
    }
}
