//! One working day of staff among households: calls, corrections, visits, requests, now and then a newborn.
//!
//! Every edit can be made in the order given, on documents that hold what came before; none repeats what the record
//! says already.

use rand::{RngExt, seq::IndexedRandom};
use sojourn_sync_protocol::{
    HouseholdId, NeedId, PersonId, Timestamp,
    record::{Assignments, Edit, NewNeed, Value},
};

use crate::{
    family::{self, Member, Role},
    generate::{Generator, Household, local_day, one_of},
    names, numbers,
};

/// A working day is from half past eight to half past five.
const DAY_BEGINS_MS: i64 = (8 * 60 + 30) * 60_000;
const DAY_MS: i64 = 9 * 60 * 60_000;
const OFFSET_MS: i64 = 8 * 60 * 60_000;

/// One edit of a working day.
#[derive(Debug, Clone, PartialEq)]
pub struct DayEdit {
    /// Whose household.
    pub household: HouseholdId,
    /// When, on the tablet's clock.
    pub at: Timestamp,
    /// What is written.
    pub edit: Edit,
}

impl Generator {
    /// `edits` edits to these households on the local day of `day`, from morning to evening. What changes in a family is
    /// kept in `households`, so that the next day builds on it. No households, no edits.
    pub fn working_day(
        &mut self,
        households: &mut [Household],
        day: Timestamp,
        edits: usize,
    ) -> Vec<DayEdit> {
        if households.is_empty() {
            return Vec::new();
        }
        let midnight =
            (day.millis() + OFFSET_MS).div_euclid(24 * 3_600_000) * 24 * 3_600_000 - OFFSET_MS;
        let begin = Timestamp::from_millis(midnight + DAY_BEGINS_MS);
        let step = DAY_MS / i64::try_from(edits.max(1)).unwrap_or(DAY_MS);
        let mut done = Vec::with_capacity(edits);
        let mut at = begin;
        for _ in 0..edits {
            let which = self.rng.random_range(0..households.len());
            let household = &mut households[which];
            let edit = self.edit(household, at);
            done.push(DayEdit {
                household: household.id,
                at,
                edit,
            });
            at = at.plus_millis(step);
        }
        done
    }

    fn edit(&mut self, household: &mut Household, at: Timestamp) -> Edit {
        match self.rng.random_range(0..100) {
            0..45 => Edit::RecordVisit(self.visit(household, at)),
            45..58 => Edit::NobodyHome {},
            58..68 => set("contact/phone", numbers::phone(&mut self.rng)),
            68..78 => set("contact/note", self.note()),
            78..82 => self.new_address(household),
            82..88 => self.need(household, at),
            88..93 => self.person_phone(household),
            93..98 => self.fact(household, at),
            _ => self.newborn(household, at),
        }
    }

    fn note(&mut self) -> String {
        self.written += 1;
        format!(
            "{}（第{}次联系）",
            one_of(&mut self.rng, names::DAY_NOTES),
            self.written
        )
    }

    fn new_address(&mut self, household: &mut Household) -> Edit {
        let village = household.village.clone();
        let mut address = self.address(&village);
        if household.new.address.as_ref() == Some(&address) {
            address.push_str("西侧");
        }
        household.new.address = Some(address.clone());
        set("residence/address", address)
    }

    fn need(&mut self, household: &Household, at: Timestamp) -> Edit {
        const NEEDS: [(&str, &str); 7] = [
            ("certificate", "办理居住证，缺房东证明"),
            ("school", "孩子转学，需学区说明"),
            ("insurance", "城乡居民医保断缴，想补办"),
            ("benefit", "申请高龄津贴"),
            ("health", "需要上门量血压"),
            ("housing", "房屋漏雨，申请维修补助"),
            ("other", "想参加村里的技能培训"),
        ];
        let (kind, text) = *NEEDS.choose(&mut self.rng).expect("the list is not empty");
        Edit::NoteNeed(NewNeed {
            id: Some(NeedId::new(at, self.rng.random())),
            kind: kind.to_owned(),
            text: text.to_owned(),
            urgency: self.rng.random_bool(0.2).then(|| "soon".to_owned()),
            person: self.member(household).map(|(id, _)| id),
            asks: None,
        })
    }

    fn person_phone(&mut self, household: &Household) -> Edit {
        let phone = numbers::phone(&mut self.rng);
        match self.member(household) {
            Some((person, _)) => Edit::CorrectPerson {
                person,
                set: assign("phone", phone),
            },
            None => set("contact/phone", phone),
        }
    }

    /// A health fact that was not told before: an allergy, a blood group, or a due date.
    fn fact(&mut self, household: &Household, at: Timestamp) -> Edit {
        const GROUPS: [&str; 6] = ["A", "B", "O", "AB", "O+", "A+"];
        const ALLERGIES: [&str; 4] = [
            "青霉素过敏（自述）",
            "头孢类药物过敏",
            "鸡蛋过敏",
            "花生过敏",
        ];
        let Some((person, member)) = self.member(household) else {
            return Edit::NobodyHome {};
        };
        let on = local_day(at);
        let carrying =
            !member.man && (20..40).contains(&member.age(on)) && self.rng.random_bool(0.6);
        let field = if carrying {
            "due_date"
        } else {
            *["allergy", "blood_group"]
                .choose(&mut self.rng)
                .expect("two")
        };
        if !self.told.insert((person, field)) {
            return Edit::RecordVisit(self.visit(household, at));
        }
        let text = match field {
            "due_date" => on
                .saturating_add(jiff::Span::new().days(self.rng.random_range(40..=220)))
                .to_string(),
            "allergy" => one_of(&mut self.rng, &ALLERGIES),
            _ => one_of(&mut self.rng, &GROUPS),
        };
        Edit::SetHealth {
            person,
            set: assign(field, text),
        }
    }

    /// A newborn of the head, where there is a couple young enough; elsewhere a note.
    fn newborn(&mut self, household: &mut Household, at: Timestamp) -> Edit {
        let on = local_day(at);
        let couple = |role| {
            household
                .members
                .iter()
                .find(|(_, member)| member.role == role)
        };
        let (Some((_, head)), Some((_, spouse))) = (couple(Role::Head), couple(Role::Spouse))
        else {
            return set("contact/note", self.note());
        };
        let (father, mother) = if head.man {
            (head, spouse)
        } else {
            (spouse, head)
        };
        let infant = household
            .members
            .iter()
            .any(|(_, member)| member.months(on) < 12);
        if infant || !(20..45).contains(&mother.age(on)) {
            return set("contact/note", self.note());
        }
        let surname: String = father
            .name
            .chars()
            .take(family::surname_length(&father.name))
            .collect();
        let member = family::newborn(&mut self.rng, &surname, on);
        let id = PersonId::new(at, self.rng.random());
        let new = self.person(id, &member);
        household.members.push((id, member));
        household.new.persons.push(new.clone());
        Edit::AddPerson(new)
    }

    fn member(&mut self, household: &Household) -> Option<(PersonId, Member)> {
        household.members.choose(&mut self.rng).cloned()
    }
}

fn set(path: &str, text: String) -> Edit {
    Edit::Set {
        set: assign(path, text),
    }
}

fn assign(path: &str, text: String) -> Assignments {
    Assignments::from([(path.to_owned(), Some(Value::Text(text)))])
}
