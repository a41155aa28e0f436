//! What reviewers do: they settle open questions at the register and take that back. A question is settled once; a decision
//! taken back leaves the values that stood before it. Changes kept aside can be read, whatever is in them, and refused.

use std::collections::{BTreeMap, BTreeSet};

use sojourn_server::{
    office::{Command, Outcome},
    review::{
        ReviewKind,
        case::{self, Case},
        decide::{self, Choice, Objection, Order, QuestionId, Reviewer, Undo},
        queue::{self, Filter, PAGE_MAX, Question},
    },
    staff::Role,
};
use sojourn_sync_protocol::{AreaCode, DecisionId, StaffId, record::Value};

use super::joining::{self, Joined};
use super::twins;
use super::world::World;

/// A decision that was made, and what it can be held to when it is taken back.
pub(super) struct Made {
    question: QuestionId,
    decision: DecisionId,
    /// The values between which it decided.
    between: BTreeSet<Option<Value>>,
    /// What stood at the fields that were written of a change kept aside.
    before: BTreeMap<String, BTreeSet<Option<Value>>>,
    /// The two records that were joined.
    pub(super) joined: Option<Joined>,
}

impl World {
    /// Two people who answer for everything. A register put back to a copy may not know them any more.
    pub(super) fn reviewers(&mut self) -> Option<[Reviewer; 2]> {
        let Ok(Outcome::StaffList(staff)) = self.office(Command::ListStaff) else {
            return None;
        };
        let mut found: Vec<StaffId> = staff
            .into_iter()
            .filter(|one| one.role == Role::Reviewer)
            .map(|one| one.id)
            .collect();
        while found.len() < 2 {
            let added = self.office(Command::AddStaff {
                name: "审核".into(),
                role: Role::Reviewer,
            });
            let Ok(Outcome::Staff(staff)) = added else {
                return None;
            };
            found.push(staff.id);
        }
        let areas = self.everywhere();
        let reviewer = |staff: StaffId| Reviewer {
            staff,
            areas: areas.clone(),
            kinds: Role::Reviewer.kinds().to_vec(),
        };
        Some([reviewer(found[0]), reviewer(found[1])])
    }

    pub(super) fn everywhere(&self) -> Vec<AreaCode> {
        let villages = self.layout.villages.iter();
        villages
            .map(|village| village.parse().expect("a code of this world"))
            .collect()
    }

    /// Every open question.
    pub(super) fn questions(&self) -> Vec<Question> {
        let (areas, now) = (self.everywhere(), self.now());
        let state = self.state.as_ref().expect("the server runs between steps");
        let read = state.store.read("queue", move |tx| {
            queue::page(tx, &areas, &Filter::default(), None, PAGE_MAX, now)
        });
        let page = self.runtime.block_on(read);
        page.map(|page| page.questions).unwrap_or_default()
    }

    fn case(&self, reviewer: &Reviewer, question: &QuestionId) -> Result<Case, Objection> {
        let (reviewer, question) = (reviewer.clone(), question.clone());
        let state = self.state.as_ref().expect("the server runs between steps");
        let read = state
            .store
            .read("case", move |tx| case::read(tx, &reviewer, &question));
        self.runtime.block_on(read)
    }

    fn decide_as(&self, reviewer: &Reviewer, order: &Order) -> Result<decide::Outcome, Objection> {
        let state = self.state.as_ref().expect("the server runs between steps");
        let (reviewer, order) = (reviewer.clone(), order.clone());
        let decide = decide::decide(&state.store, &state.live, &self.clock, reviewer, order);
        self.runtime.block_on(decide)
    }

    /// Settles one of the open questions.
    pub(super) fn decide(&mut self, which: usize, choice: usize) -> Result<(), String> {
        let questions = self.questions();
        if questions.is_empty() {
            return Ok(());
        }
        let question = &questions[which % questions.len()];
        self.settle_one(question, |world, case| world.choice(case, choice))
    }

    /// Settles this question.
    pub(super) fn settle_one(
        &mut self,
        question: &Question,
        choose: impl Fn(&Self, &Case) -> Choice,
    ) -> Result<(), String> {
        let Some([first, second]) = self.reviewers() else {
            return self.only_if_struck("reviewers cannot be found");
        };
        let question = id_of(question);
        let case = match self.case(&first, &question) {
            Ok(case) => case,
            Err(error) => {
                return self.only_if_struck(&format!("{question:?} cannot be read: {error}"));
            }
        };
        let mut order = Order {
            choice: choose(self, &case),
            question: question.clone(),
            seen: case.heads.clone(),
            reason: "看过证件".into(),
        };
        if let Some((into, from)) = joining::goes_on(&question, &order.choice) {
            self.went_on.entry(from).or_default().insert(into);
        }
        let apart = self.to_be_joined(&question, &order.choice);
        let mut outcome = self.decide_as(&first, &order);
        if outcome == Ok(decide::Outcome::Proposed) {
            outcome = self.decide_as(&second, &order);
        }
        if case.aside.is_some() && cannot_be_written(&outcome) {
            // What it would write is no value of the record, or names no area: it can be refused all the same.
            order.choice = Choice::Refuse {};
            outcome = self.decide_as(&first, &order);
        }
        let carried = order.choice == (Choice::CarryOver {});
        if carried
            && matches!(
                outcome,
                Err(Objection::NotAChoice | Objection::Undecided(_))
            )
        {
            // The record that goes on has it all, or one of the two contradicts itself: it can be left all the same.
            order.choice = Choice::Keep {};
            outcome = self.decide_as(&first, &order);
        }
        let decision = match outcome {
            Ok(decide::Outcome::Decided { decision }) => Some(decision),
            Ok(decide::Outcome::Refused) if case.record.is_none() => None,
            // What either record says twice is to be settled before they are joined.
            Err(Objection::Undecided(_)) if case.twin.is_some() => {
                self.fired("records that contradict themselves not joined");
                return Ok(());
            }
            // A late edit of which nothing stands any more has nothing to put back.
            Err(Objection::NotAChoice) if order.choice == (Choice::PutBack {}) => return Ok(()),
            other => return self.only_if_struck(&format!("{question:?} is {other:?}")),
        };
        self.figures.checked += 1;
        if self.questions().iter().any(|open| is(open, &question)) {
            return Err(format!("{question:?} is decided and still open"));
        }
        if let Some(decision) = decision {
            self.both_carry(&question, decision)?;
        }
        match self.decide_as(&second, &order) {
            Err(Objection::Stale) => {}
            Ok(again) => return Err(format!("{question:?} is decided twice: {again:?}")),
            Err(error) => self.only_if_struck(&format!("{question:?}: {error}"))?,
        }
        self.stands_as_chosen(&second, &case, &order.choice)?;
        self.fired(match order.choice {
            Choice::Adopt {} | Choice::Adapt { .. } => "change kept aside adopted",
            Choice::Refuse {} => "change kept aside refused",
            Choice::Same { .. } => "records of one family joined",
            Choice::CarryOver {} => "edit carried over into the record that goes on",
            _ => "question decided",
        });
        let joined = match (apart, decision) {
            (Some(apart), Some(decision)) => self.is_joined(apart, decision)?,
            _ => None,
        };
        // What was refused of a household that is not in the register has no decision to take back.
        if let Some(decision) = decision {
            let before = written_of(&case, &order.choice);
            let values = case
                .contradiction
                .into_iter()
                .flat_map(|found| found.values);
            self.decided.push(Made {
                question,
                decision,
                between: values.map(|value| value.value).collect(),
                before,
                joined,
            });
        }
        Ok(())
    }

    /// What was taken of a change kept aside is in the record, where the household lives as far as one can tell by looking.
    fn stands_as_chosen(&self, by: &Reviewer, case: &Case, chosen: &Choice) -> Result<(), String> {
        let (reviewer, household) = (by.clone(), case.question.household);
        let fields = case.aside.iter().flat_map(|aside| &aside.fields);
        let chosen: BTreeMap<&String, &Option<Value>> = match chosen {
            Choice::Adopt {} => fields.map(|(path, field)| (path, &field.would)).collect(),
            Choice::Adapt { set } => set.iter().collect(),
            _ => return Ok(()),
        };
        let state = self.state.as_ref().expect("the server runs between steps");
        let read = state
            .store
            .read("record", move |tx| case::record(tx, &reviewer, household));
        let record = match self.runtime.block_on(read) {
            Ok(record) => serde_json::to_value(record).expect("a record is plain data"),
            Err(error) => return self.only_if_struck(&format!("{household}: {error}")),
        };
        let lives = chosen
            .iter()
            .filter(|(path, _)| path.starts_with("residence/"));
        for (path, value) in lives {
            let shown = record.pointer(&format!("/{path}"));
            let shown = shown.map(|shown| shown.as_str().unwrap_or_default().trim().to_owned());
            let wanted = value
                .as_ref()
                .map(|value| value.to_string().trim().to_owned());
            if shown != wanted {
                return Err(format!(
                    "{path} of {household} is {shown:?} and was chosen to be {wanted:?}"
                ));
            }
        }
        Ok(())
    }

    pub(super) fn choice(&self, case: &Case, choice: usize) -> Choice {
        if let Some(aside) = &case.aside {
            let written = aside.fields.iter().map(|(path, field)| {
                let would = match path.as_str() {
                    "residence/area" => Some(Value::from(self.village(choice))),
                    _ => field.would.clone(),
                };
                (path.clone(), would)
            });
            return match choice % 4 {
                _ if !aside.registered || aside.fields.is_empty() => Choice::Refuse {},
                0 | 1 => Choice::Adopt {},
                2 => Choice::Adapt {
                    set: written.collect(),
                },
                _ => Choice::Refuse {},
            };
        }
        let values = case.contradiction.iter().flat_map(|found| &found.values);
        let values: Vec<_> = values.map(|value| value.change).collect();
        match case.question.kind {
            ReviewKind::LateEdit if choice.is_multiple_of(2) => Choice::PutBack {},
            ReviewKind::EditOfRemoved if choice.is_multiple_of(2) => Choice::Restore {},
            ReviewKind::LateEdit | ReviewKind::EditOfRemoved => Choice::Keep {},
            ReviewKind::EditOfJoined if choice.is_multiple_of(2) => Choice::CarryOver {},
            ReviewKind::EditOfJoined => Choice::Keep {},
            ReviewKind::PossibleDuplicate if choice.is_multiple_of(2) => twins::same(case, choice),
            ReviewKind::PossibleDuplicate => Choice::Different {},
            ReviewKind::ContestedResidence | ReviewKind::UnknownArea => Choice::Other {
                value: Some(Value::from(self.village(choice))),
            },
            _ if values.is_empty() || (choice.is_multiple_of(3) && is_any_text(case)) => {
                Choice::Other {
                    value: Some(Value::from("中间")),
                }
            }
            _ => Choice::Value {
                change: values[choice % values.len()],
            },
        }
    }

    /// Takes one of the decisions back; makes one before, when there is none.
    pub(super) fn take_back(&mut self, which: usize) -> Result<(), String> {
        if self.decided.is_empty() {
            self.decide(which, which)?;
        }
        if self.decided.is_empty() {
            return Ok(());
        }
        let made = self.decided.swap_remove(which % self.decided.len());
        self.take_this_back(made)
    }

    /// Takes this decision back.
    pub(super) fn take_this_back(&mut self, made: Made) -> Result<(), String> {
        let Some([reviewer, _]) = self.reviewers() else {
            return self.only_if_struck("reviewers cannot be found");
        };
        let untouched = made.joined.as_ref().map(|joined| self.is_untouched(joined));
        let order = Undo {
            household: made.question.household,
            document: made.question.document,
            decision: made.decision,
            reason: "看错了".into(),
        };
        let state = self.state.as_ref().expect("the server runs between steps");
        let undo = decide::undo(
            &state.store,
            &state.live,
            &self.clock,
            reviewer.clone(),
            order,
        );
        match self.runtime.block_on(undo) {
            Ok(_) => {}
            // Somebody wrote since; or the register was put back to before it.
            Err(Objection::Stale | Objection::Unknown | Objection::UndoneAlready) => return Ok(()),
            // What was written in copies contradicts itself, or the record that went on goes on in a third.
            Err(Objection::Undecided(_) | Objection::GoesOn) if made.joined.is_some() => {
                return Ok(());
            }
            // What was carried over goes with the joining.
            Err(Objection::NotAChoice) if made.question.kind == ReviewKind::EditOfJoined => {
                return Ok(());
            }
            Err(error) => return self.only_if_struck(&format!("{:?}: {error}", made.question)),
        }
        if let (Some(joined), Some(untouched)) = (&made.joined, untouched) {
            self.fired("records of one family parted");
            self.is_parted(joined, untouched)?;
        } else {
            self.fired("decision taken back");
        }
        self.figures.checked += 1;
        match self.case(&reviewer, &made.question) {
            Ok(case) => {
                let stands = standing_of(&case);
                for (path, before) in &made.before {
                    let now = stands.get(path);
                    if now != Some(before) {
                        return Err(format!(
                            "{path} of {:?} is {now:?} and was {before:?}",
                            made.question
                        ));
                    }
                }
                let values = case
                    .contradiction
                    .into_iter()
                    .flat_map(|found| found.values);
                let stand: BTreeSet<_> = values.map(|value| value.value).collect();
                if stand != made.between {
                    return Err(format!(
                        "{:?} is between {stand:?} and was between {:?}",
                        made.question, made.between
                    ));
                }
                Ok(())
            }
            // An area that came to be known meanwhile is no question.
            Err(Objection::Unknown) if made.question.kind == ReviewKind::UnknownArea => Ok(()),
            // What was kept aside has come into the record by another way meanwhile.
            Err(Objection::Unknown) if self.is_in_the_record(&made.question) => Ok(()),
            // Nobody is asked any more about a record that was parted meanwhile.
            Err(Objection::Unknown) if made.question.kind == ReviewKind::EditOfJoined => Ok(()),
            // What spoke for one family may have been corrected meanwhile; the check weighs every pair anew.
            Err(Objection::Unknown) if made.question.kind == ReviewKind::PossibleDuplicate => {
                Ok(())
            }
            Err(error) => {
                self.only_if_struck(&format!("{:?} is not open again: {error}", made.question))
            }
        }
    }

    /// What the server's disk is to blame for is no fault of the server's.
    pub(super) fn only_if_struck(&self, what: &str) -> Result<(), String> {
        if self.server.struck() || self.server.disk.down().is_some() {
            return Ok(());
        }
        Err(what.to_owned())
    }
}

/// What stands in a move, or of a person, is a word, a day or an area; an address is any text.
fn is_any_text(case: &Case) -> bool {
    case.question.subject == "residence/address"
}

/// Whether a choice about a change kept aside is no value of the record, where the change itself is none.
fn cannot_be_written(outcome: &Result<decide::Outcome, Objection>) -> bool {
    matches!(
        outcome,
        Err(Objection::Edit(_) | Objection::UnknownArea(_) | Objection::Refused(_))
    )
}

/// What stands at the fields of a change kept aside. One that was cleared again shows what one shows that nobody ever wrote.
fn standing_of(case: &Case) -> BTreeMap<String, BTreeSet<Option<Value>>> {
    let fields = case.aside.iter().flat_map(|aside| &aside.fields);
    fields
        .map(|(path, field)| {
            let none = field.now.is_empty().then_some(None);
            (
                path.clone(),
                field.now.iter().cloned().chain(none).collect(),
            )
        })
        .collect()
}

/// The same of those that a choice about it writes. What it adds stays, marked as a mistake, when it is taken back, and so is not
/// compared.
fn written_of(case: &Case, choice: &Choice) -> BTreeMap<String, BTreeSet<Option<Value>>> {
    let Some(aside) = &case.aside else {
        return BTreeMap::new();
    };
    let chosen = |path: &str| match choice {
        Choice::Adopt {} => aside.fields.get(path).map(|field| &field.would),
        Choice::Adapt { set } => set.get(path),
        _ => None,
    };
    let added = |path: &str| aside.adds.iter().any(|entry| path.starts_with(entry));
    let mut standing = standing_of(case);
    standing.retain(|path, now| {
        let differs = |value: &Option<Value>| *now != BTreeSet::from([value.clone()]);
        !added(path) && chosen(path).is_some_and(differs)
    });
    standing
}

fn is(open: &Question, question: &QuestionId) -> bool {
    id_of(open) == *question
}

fn id_of(open: &Question) -> QuestionId {
    QuestionId {
        household: open.household,
        kind: open.kind,
        document: open.document,
        subject: open.subject.clone(),
    }
}
