//! What people do on tablets: they register households, edit and move them, each edit with a mark by which it is found
//! again.

use sojourn_client_core::{documents, store::StoreError, sync::driver::Clock as _};
use sojourn_sync_protocol::{
    HouseholdId, MoveId, PersonId,
    record::{Edit, Leaving, NewHousehold, NewMove, NewPerson, NewVisit, Value},
};

use super::{
    op::Fault,
    watch::{Mark, mark_text},
    world::World,
};

/// The day of everything that has a day.
pub(super) const DAY: &str = "2026-11-24";

/// What a text is written into.
#[derive(Debug, Clone, Copy)]
pub(super) enum Into {
    Phone,
    Address,
    Person,
    /// The Latin name of this person.
    LatinName(PersonId),
    Visit,
    Move {
        to: usize,
    },
    Stay {
        prepared: MoveId,
    },
}

impl World {
    pub(super) fn next_mark(&mut self) -> u64 {
        self.written += 1;
        self.written
    }

    pub(super) fn took(
        &mut self,
        tablet: usize,
        household: HouseholdId,
        number: u64,
        health: bool,
    ) {
        self.figures.edits += 1;
        self.marks.push(Mark {
            number,
            tablet,
            household,
            health,
            excused: false,
        });
    }

    fn edit_of(&self, into: Into, number: u64) -> Edit {
        let text = mark_text(number);
        let set = |path: &str, text: String| Edit::Set {
            set: [(path.to_owned(), Some(Value::Text(text)))].into(),
        };
        match into {
            Into::Phone => set("contact/phone", text),
            Into::Address => set("residence/address", text),
            Into::LatinName(person) => Edit::CorrectPerson {
                person,
                set: [("latin_name".to_owned(), Some(Value::Text(text)))].into(),
            },
            Into::Person => Edit::AddPerson(NewPerson {
                name: text,
                ..NewPerson::default()
            }),
            Into::Visit => Edit::RecordVisit(NewVisit {
                on: DAY.into(),
                kind: "follow-up".into(),
                note: Some(text),
                ..NewVisit::default()
            }),
            Into::Move { to } => Edit::Move(NewMove {
                to: self.village(to).into(),
                on: DAY.into(),
                address: Some(text),
                ..NewMove::default()
            }),
            Into::Stay { prepared } => Edit::WithdrawMove {
                r#move: prepared,
                reason: text,
            },
        }
    }

    pub(super) fn register_household(&mut self, at: usize, area: usize) {
        let number = self.next_mark();
        let village = self.village(area);
        let slot = &self.slots[at];
        let now = self.clock_of(slot).now();
        let home = slot.post.areas.iter().find(|home| home.starts_with('v'));
        let new = NewHousehold {
            area: home.unwrap_or(&village).parse().ok(),
            address: Some(mark_text(number)),
            ..NewHousehold::default()
        };
        if let Ok(edited) = slot.tablet().register(now, new) {
            self.took(at, edited.household, number, false);
        }
    }

    /// The households that a tablet holds; none when it cannot be read, which only a struck disk excuses.
    pub(super) fn held_by(&self, at: usize) -> Vec<HouseholdId> {
        let slot = &self.slots[at];
        let read = slot.tablet().read("households", documents::households);
        read.unwrap_or_else(|error: StoreError| {
            assert!(slot.hardware.struck(), "a tablet cannot be read: {error}");
            Vec::new()
        })
    }

    /// Edits one of the households that a tablet holds.
    pub(super) fn edit(&mut self, at: usize, household: usize, into: Into) -> bool {
        let held = self.held_by(at);
        !held.is_empty() && self.edit_this(at, held[household % held.len()], into)
    }

    pub(super) fn edit_this(&mut self, at: usize, id: HouseholdId, into: Into) -> bool {
        let number = self.next_mark();
        let edit = self.edit_of(into, number);
        let slot = &self.slots[at];
        let now = self.clock_of(slot).now();
        let taken = slot.tablet().edit(now, id, edit).is_ok();
        if taken {
            self.took(at, id, number, matches!(into, Into::Visit));
        }
        taken
    }

    /// One member leaves a household that a tablet holds and is one of their own; others come first, where nobody would stay.
    pub(super) fn split(&mut self, at: usize, household: usize) {
        let held = self.held_by(at);
        if held.is_empty() {
            return;
        }
        let id = held[household % held.len()];
        for _ in self.members_on(at, id).len()..2 {
            self.edit_this(at, id, Into::Person);
        }
        let members = self.members_on(at, id);
        let Some(who) = members.get(household % members.len().max(1)) else {
            return;
        };
        let number = self.next_mark();
        let leaving = Leaving {
            persons: vec![*who],
            on: DAY.into(),
            address: Some(mark_text(number)),
            phone: None,
        };
        let slot = &self.slots[at];
        let now = self.clock_of(slot).now();
        if let Ok((own, _)) = slot.tablet().split(now, id, &leaving) {
            // What was written of them stands in both.
            self.went_on.entry(id).or_default().insert(own);
            self.took(at, own, number, false);
            self.fired("members left a household");
        }
    }

    /// Who lives in a household as a tablet shows it.
    fn members_on(&self, at: usize, household: HouseholdId) -> Vec<PersonId> {
        let Ok((_, view)) = self.slots[at].tablet().show(household) else {
            return Vec::new();
        };
        let here = view.persons.iter().filter(|(_, one)| one.removed.is_none());
        here.map(|(id, _)| *id).collect()
    }

    /// One of the households that both tablets hold.
    fn shared(&self, one: usize, other: usize, household: usize) -> Option<HouseholdId> {
        let others = self.held_by(other);
        let mut both = self.held_by(one);
        both.retain(|id| others.contains(id));
        (one != other && !both.is_empty()).then(|| both[household % both.len()])
    }

    pub(super) fn contest(&mut self, one: usize, other: usize, household: usize, to: usize) {
        let Some(id) = self.shared(one, other, household) else {
            return;
        };
        let first = self.edit_this(one, id, Into::Move { to });
        let second = self.edit_this(other, id, Into::Move { to: to + 1 });
        if first && second {
            self.fired("two areas claim a household");
        }
    }

    pub(super) fn contradict(
        &mut self,
        one: usize,
        other: usize,
        household: usize,
    ) -> Result<(), String> {
        match self.shared(one, other, household) {
            Some(id) => self.contradict_in(one, other, id, Into::Address),
            None => Ok(()),
        }
    }

    /// The same in this household, in this field.
    pub(super) fn contradict_in(
        &mut self,
        one: usize,
        other: usize,
        id: HouseholdId,
        field: Into,
    ) -> Result<(), String> {
        let first = self.edit_this(one, id, field);
        if self.edit_this(other, id, field) && first {
            self.fired("two write one field");
        }
        self.sync(one, 1)?;
        self.sync(other, 1)?;
        Ok(())
    }

    /// A tablet moves a household that another holds too, and hands that in; gives which, when that came about.
    fn move_unheard(
        &mut self,
        one: usize,
        other: usize,
        household: usize,
        to: usize,
    ) -> Result<Option<HouseholdId>, String> {
        let Some(id) = self.shared(one, other, household) else {
            return Ok(None);
        };
        if !self.edit_this(one, id, Into::Move { to }) {
            return Ok(None);
        }
        self.sync(one, 1)?;
        Ok(Some(id))
    }

    pub(super) fn edit_late(
        &mut self,
        one: usize,
        other: usize,
        household: usize,
        to: usize,
    ) -> Result<(), String> {
        if let Some(id) = self.move_unheard(one, other, household, to)?
            && self.edit_this(other, id, Into::Address)
        {
            self.fired("edit after a move");
        }
        Ok(())
    }

    pub(super) fn edit_late_in_parts(
        &mut self,
        one: usize,
        other: usize,
        household: usize,
        to: usize,
    ) -> Result<(), String> {
        if let Some(id) = self.move_unheard(one, other, household, to)? {
            let first = self.edit_this(other, id, Into::Address);
            if self.edit_this(other, id, Into::Phone) && first {
                self.fired("link gone between an edit and the next");
            }
            self.network.arm(Some((1, Fault::RequestLost)), None);
            self.sync_in_batches_of(other, 0, 1)?;
        }
        Ok(())
    }
}
