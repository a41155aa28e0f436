//! Two records of one family are joined, and parted again. Joined, one goes on and has lost nothing, and the other is what it was;
//! parted, both show what they showed, as if it had never been.

use std::collections::BTreeSet;

use serde_json::Value;
use sojourn_server::{
    review::{
        ReviewKind, case,
        decide::{Choice, Objection, QuestionId, Reviewer},
        queue::Question,
    },
    staff::Role,
};
use sojourn_sync_protocol::{DecisionId, HouseholdId, StaffId};

use super::{deeds::Into, reviews::Made, twins, world::World};

/// What is told of decisions, and follows from them; a health document may have nothing else in it.
const OF_DECISIONS: [&str; 3] = ["decisions", "goes_on", "health"];
/// What is derived from the rest.
const DERIVED: [&str; 2] = ["contradictions", "edits_of_removed"];

/// Two records as the register shows them.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Records {
    /// The one that goes on.
    into: Value,
    /// The other.
    from: Value,
    /// Changes in the logs of both: a late one may show nothing.
    changes: u64,
}

/// Two records that are about to be joined.
pub(super) struct Apart {
    into: HouseholdId,
    from: HouseholdId,
    /// Persons of the other who are somebody in the one that goes on.
    same: Vec<String>,
    before: Records,
}

/// Two records that were joined.
pub(super) struct Joined {
    apart: Apart,
    decision: DecisionId,
    after: Records,
}

impl World {
    /// Two people find one of the pairs that wait to be one family.
    pub(super) fn join(&mut self, which: usize, how: usize) -> Result<(), String> {
        let mut pairs = self.questions();
        pairs.retain(|open| open.kind == ReviewKind::PossibleDuplicate);
        if pairs.is_empty() {
            return Ok(());
        }
        let pair = &pairs[which % pairs.len()];
        self.settle_one(pair, |_, case| twins::same(case, how))
    }

    /// One of the joinings is taken back.
    pub(super) fn part(&mut self, which: usize) -> Result<(), String> {
        let joined = (0..self.decided.len()).filter(|at| self.decided[*at].joined.is_some());
        let joined: Vec<usize> = joined.collect();
        if joined.is_empty() {
            return Ok(());
        }
        let made = self.decided.swap_remove(joined[which % joined.len()]);
        self.take_this_back(made)
    }

    /// A family written down twice goes on in one record, and the other is edited before its tablet heard of that.
    pub(super) fn edit_joined_late(
        &mut self,
        [one, other]: [usize; 2],
        area: usize,
        how: usize,
    ) -> Result<(), String> {
        // Now and then there is a third record, which is asked about beside either.
        let tablets = [one, other, other];
        let many = if how % 4 == 3 { 3 } else { 2 };
        let records = self.register_often(&tablets[..many], area);
        let [first, second, ..] = records[..] else {
            return Ok(());
        };
        let both = [first, second];
        self.sync(one, 1)?;
        self.sync(other, 1)?;
        let Some(pair) = self.pair_of(both) else {
            return Ok(());
        };
        self.settle_one(&pair, |_, case| twins::same(case, how))?;
        let goes_on = |made: &Made| Some(made.joined.as_ref()?.apart.from);
        let mut ended = self.decided.iter().filter_map(goes_on);
        let Some(from) = ended.rfind(|from| both.contains(from)) else {
            return Ok(());
        };
        let writer = if from == both[0] { one } else { other };
        let into = if area.is_multiple_of(2) {
            Into::Phone
        } else {
            Into::Person
        };
        if !self.edit_this(writer, from, into) {
            return Ok(());
        }
        self.sync(writer, 1)?;
        let late =
            |open: &Question| open.kind == ReviewKind::EditOfJoined && open.household == from;
        if let Some(open) = self.questions().into_iter().find(late) {
            self.settle_one(&open, |_, _| Choice::CarryOver {})?;
        }
        let made = self
            .decided
            .iter()
            .rposition(|made| goes_on(made) == Some(from));
        match made {
            Some(made) if how.is_multiple_of(2) => {
                let made = self.decided.swap_remove(made);
                self.take_this_back(made)
            }
            _ => Ok(()),
        }
    }

    /// A family written down twice is found to be one while two tablets contradict each other in one of its records: which is
    /// true comes first.
    pub(super) fn join_contradicted(
        &mut self,
        [one, other]: [usize; 2],
        area: usize,
        how: usize,
    ) -> Result<(), String> {
        let Some(both) = self.register_twice(one, other, area) else {
            return Ok(());
        };
        for at in [one, other, one] {
            self.sync(at, 1)?;
        }
        let contradicted = both[how % 2];
        let Ok((_, shown)) = self.slots[one].tablet().show(contradicted) else {
            return Ok(());
        };
        let Some(person) = shown.persons.keys().next().copied() else {
            return Ok(());
        };
        self.contradict_in(one, other, contradicted, Into::LatinName(person))?;
        match self.pair_of(both) {
            Some(pair) => self.settle_one(&pair, |_, case| twins::same(case, how)),
            None => Ok(()),
        }
    }

    /// The question whether two records are of one family.
    fn pair_of(&self, both: [HouseholdId; 2]) -> Option<Question> {
        let named = both.map(|household| household.to_string());
        self.questions().into_iter().find(|open| {
            open.kind == ReviewKind::PossibleDuplicate
                && both.contains(&open.household)
                && named.contains(&open.subject)
        })
    }

    /// Two records as they are shown now; `None` where a struck disk keeps them from being read.
    fn records(&self, into: HouseholdId, from: HouseholdId) -> Option<Records> {
        let anybody = Reviewer {
            staff: StaffId::from_bytes([0; 16]),
            areas: self.everywhere(),
            kinds: Role::Reviewer.kinds().to_vec(),
        };
        let state = self.state.as_ref().expect("the server runs between steps");
        let read = state.store.read("records", move |tx| {
            let shown = |id| {
                let record = case::record(tx, &anybody, id)?;
                Ok::<_, Objection>(serde_json::to_value(record).expect("a record is plain data"))
            };
            let changes = tx.query_opt(
                "SELECT count(*) FROM changes WHERE household IN (?1, ?2)",
                &[into, from].map(|id| sojourn_server::store::Value::from(id.as_bytes())),
                |row| row.u64(0),
            )?;
            Ok::<_, Objection>(Records {
                into: shown(into)?,
                from: shown(from)?,
                changes: changes.unwrap_or_default(),
            })
        });
        self.runtime.block_on(read).ok()
    }

    /// What is to be remembered of two records before somebody says that they are of one family.
    pub(super) fn to_be_joined(&self, question: &QuestionId, choice: &Choice) -> Option<Apart> {
        let Choice::Same { persons, .. } = choice else {
            return None;
        };
        let (into, from) = goes_on(question, choice)?;
        Some(Apart {
            before: self.records(into, from)?,
            same: persons.keys().map(ToString::to_string).collect(),
            into,
            from,
        })
    }

    /// A record and those that may hold what it says, since it went on in them.
    pub(super) fn goes_on_in(&self, household: HouseholdId) -> BTreeSet<HouseholdId> {
        let mut reached = BTreeSet::new();
        let mut next = vec![household];
        while let Some(one) = next.pop() {
            if reached.insert(one) {
                next.extend(self.went_on.get(&one).into_iter().flatten());
            }
        }
        reached
    }

    /// One goes on and lacks nothing of its own, nor an entry of the other's; the other is what it was.
    pub(super) fn is_joined(
        &self,
        apart: Apart,
        decision: DecisionId,
    ) -> Result<Option<Joined>, String> {
        let (into, from) = (apart.into, apart.from);
        let Some(after) = self.records(into, from) else {
            self.only_if_struck("two records cannot be read")?;
            return Ok(None);
        };
        if after.from["goes_on"].as_str() != Some(into.to_string().as_str())
            || !after.into["goes_on"].is_null()
        {
            return Err(format!(
                "{from} and {into} do not say which of them goes on"
            ));
        }
        if without(&after.from, &OF_DECISIONS) != without(&apart.before.from, &OF_DECISIONS) {
            return Err(format!(
                "{from} is not what it was before {into} took it over"
            ));
        }
        let mut own = without(&without(&apart.before.into, &OF_DECISIONS), &DERIVED);
        // Who had left for another record is here again with one that they are in.
        for (id, person) in own["persons"].as_object_mut().into_iter().flatten() {
            if !apart.before.from["persons"][id].is_null() && !person["removed"]["to"].is_null() {
                person["removed"] = Value::Null;
                if after.into["persons"][id]["removed"].is_null() {
                    continue;
                }
                let theirs = &apart.before.from["persons"][id]["removed"];
                if theirs.is_null() {
                    return Err(format!("{id} is in {from} and not in {into} again"));
                }
                person["removed"] = theirs.clone();
            }
        }
        if let Some(lost) = lost(&own, &after.into, "") {
            return Err(format!("{into} lost {lost} when it took {from} over"));
        }
        for map in ["persons", "visits", "needs"] {
            let theirs = apart.before.from[map].as_object();
            for entry in theirs.iter().flat_map(|entries| entries.keys()) {
                if apart.before.into[map].get(entry).is_some() {
                    // A reviewer has taken it over already, of a change kept aside.
                    continue;
                }
                let is_somebody = map == "persons" && apart.same.contains(entry);
                if after.into[map].get(entry).is_some() == is_somebody {
                    return Err(format!("{into} took {map}/{entry} of {from} over wrongly"));
                }
            }
        }
        let names = |open: &Question| open.household == from || open.subject == from.to_string();
        let mut pairs = self.questions();
        pairs.retain(|open| open.kind == ReviewKind::PossibleDuplicate);
        if pairs.iter().any(names) {
            return Err(format!("{from} goes on in {into} and is still asked about"));
        }
        Ok(Some(Joined {
            apart,
            decision,
            after,
        }))
    }

    /// Nobody is asked about a record whose family goes on in another.
    pub(super) fn what_went_on_is_not_asked_about(&mut self) -> Result<(), String> {
        let shown = self.register(None)?;
        let mut pairs = self.questions();
        pairs.retain(|open| open.kind == ReviewKind::PossibleDuplicate);
        for open in &pairs {
            for household in [open.household.to_string(), open.subject.clone()] {
                if !shown[&household]["goes_on"].is_null() {
                    return Err(format!("{household} goes on in another and is asked about"));
                }
            }
        }
        self.figures.checked += pairs.len() as u64;
        Ok(())
    }

    /// Whether nobody has written in either record since they were joined.
    pub(super) fn is_untouched(&self, joined: &Joined) -> bool {
        let now = self.records(joined.apart.into, joined.apart.from);
        now.as_ref() == Some(&joined.after)
    }

    /// Nothing that came is shown any more; where nobody had written, both are what they were.
    pub(super) fn is_parted(&self, joined: &Joined, untouched: bool) -> Result<(), String> {
        let Apart {
            into, from, before, ..
        } = &joined.apart;
        let Some(now) = self.records(*into, *from) else {
            return self.only_if_struck("two records cannot be read");
        };
        let decision = joined.decision.to_string();
        for map in ["persons", "visits", "needs", "moves"] {
            let ours = now.into[map].as_object();
            for (entry, shown) in ours.into_iter().flatten() {
                if shown["copied"].as_str() == Some(&decision) {
                    return Err(format!("{into} still shows {map}/{entry} of {from}"));
                }
            }
        }
        if now.from["goes_on"].as_str() == Some(into.to_string().as_str()) {
            return Err(format!("{from} was parted and still goes on in {into}"));
        }
        for (household, now, before) in [
            (into, &now.into, &before.into),
            (from, &now.from, &before.from),
        ] {
            if untouched && without(now, &OF_DECISIONS) != without(before, &OF_DECISIONS) {
                return Err(format!(
                    "{household} is {now} after it was parted, and was {before}"
                ));
            }
        }
        Ok(())
    }
}

/// Of two records that are said to be of one family, the one that goes on and the other.
pub(super) fn goes_on(
    question: &QuestionId,
    choice: &Choice,
) -> Option<(HouseholdId, HouseholdId)> {
    let Choice::Same { survivor, .. } = choice else {
        return None;
    };
    let both = [question.household, question.subject.parse().ok()?];
    let from = both.into_iter().find(|household| household != survivor)?;
    Some((*survivor, from))
}

/// A record without some of what it shows.
fn without(record: &Value, keys: &[&str]) -> Value {
    let mut record = record.clone();
    if let Some(shown) = record.as_object_mut() {
        shown.retain(|key, _| !keys.contains(&key.as_str()));
    }
    record
}

/// The path of a value of one that another does not show, alone or among several.
fn lost(of: &Value, another: &Value, path: &str) -> Option<String> {
    let shown = &another["contradicted"];
    match of {
        Value::Object(keys) if !keys.contains_key("contradicted") => keys
            .iter()
            .find_map(|(key, value)| lost(value, &another[key.as_str()], &format!("{path}/{key}"))),
        Value::Array(all) => {
            let there = another.as_array();
            let has = |value| there.is_some_and(|there| there.contains(value));
            (!all.iter().all(has)).then(|| path.to_owned())
        }
        value => {
            let beside = shown.as_array().is_some_and(|all| all.contains(value));
            (value != another && !beside).then(|| path.to_owned())
        }
    }
}
