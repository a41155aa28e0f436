//! The edits people make. One edit touches one document and becomes exactly one change.
//!
//! An edit is a value: it can be stored as JSON, and made again on another copy of the document when
//! the first attempt was held. Setting a contradicted field to a value resolves it: the change
//! overwrites every value its author saw. What a valid edit writes is decided in `plan`.

use automerge::ObjType;
use automerge::transaction::{CommitOptions, Transactable};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::attribution::Attribution;
use super::document::{Document, RawChange};
use super::input::{
    MoveAnswer, NewArrival, NewDecision, NewHandOver, NewHousehold, NewMove, NewNeed, NewPerson,
    NewVisit,
};
use super::joining::PUT_BESIDE;
use super::plan::{Action, Plan, plan};
use super::schema;
use super::value::{Value, ValueProblem};
use crate::{
    ActorId, AreaCode, DecisionId, DocKind, HouseholdId, MoveId, NeedId, PersonId, StaffId,
    Timestamp, VisitId,
};

/// Fields and their new values; `null` clears a field.
pub type Assignments = BTreeMap<String, Option<Value>>;

/// Who makes an edit, for which area, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorship {
    /// The install's actor.
    pub actor: ActorId,
    /// The member of staff.
    pub staff: StaffId,
    /// The area they work for.
    pub area: AreaCode,
    /// When, by the tablet's clock; for people to read.
    pub at: Timestamp,
}

/// One edit. JSON: an object whose `edit` names the kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "edit", rename_all = "kebab-case")]
pub enum Edit {
    /// Register a household in its empty core document.
    RegisterHousehold(NewHousehold),
    /// Add a person.
    AddPerson(NewPerson),
    /// Correct a person's fields; keys as in `persons/{person}/…`.
    CorrectPerson {
        /// Who.
        person: PersonId,
        /// Fields and values.
        set: Assignments,
    },
    /// Mark a person as no longer of the household. Made again, it confirms a removal that was contested.
    RemovePerson {
        /// Who.
        person: PersonId,
        /// Why.
        reason: String,
        /// Since when.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        on: Option<String>,
        /// What the next member of staff should know.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
        /// In which household the person goes on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<HouseholdId>,
    },
    /// Take a removal back.
    RestorePerson {
        /// Who.
        person: PersonId,
        /// Why.
        note: String,
    },
    /// Set fields of the core document that belong to no person, by full path.
    Set {
        /// Fields and values.
        set: Assignments,
    },
    /// The household moves.
    Move(NewMove),
    /// Prepare a move: the household stays until the other area has agreed.
    ProposeMove(NewHandOver),
    /// The family is at the door: ask the area where it lived to hand it over. Asked once more, the earlier asking is taken back.
    AskMove(NewArrival),
    /// Take a prepared move back, or what was asked.
    WithdrawMove {
        /// Which.
        r#move: MoveId,
        /// Why.
        reason: String,
    },
    /// Answer a prepared move, as a reviewer of the area that is asked does.
    AnswerMove(MoveAnswer),
    /// Note something the family asks for.
    NoteNeed(NewNeed),
    /// A call found nobody home.
    NobodyHome {},
    /// Record a visit.
    RecordVisit(NewVisit),
    /// Correct a visit's fields; keys as in `visits/{visit}/…`.
    CorrectVisit {
        /// Which visit.
        visit: VisitId,
        /// Fields and values.
        set: Assignments,
    },
    /// Set a person's health facts; keys as in `facts/{person}/…`.
    SetHealth {
        /// Who.
        person: PersonId,
        /// Fields and values.
        set: Assignments,
    },
    /// Settle an open question, as a reviewer does.
    Decide(NewDecision),
    /// Put what another record of the same family says of fields beside what this one says, for a person to decide: made
    /// twice on the same ground by two authors, once with the values of each.
    PutBeside {
        /// The decision that took the other record over.
        decision: DecisionId,
        /// The document it is in.
        document: DocKind,
        /// Fields by full path.
        set: Assignments,
    },
    /// Take a decision back. A field that had several values gets each by an edit of its own, made without knowledge of
    /// the others: then they stand side by side again.
    UndoDecision {
        /// Which.
        decision: DecisionId,
        /// The document it is in.
        document: DocKind,
        /// Why; in one of the edits.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// Fields by full path, and the values they had.
        #[serde(default)]
        set: Assignments,
    },
}

/// Why an edit cannot be made, and what would make it possible.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// There is no such field.
    #[error("there is no field `{field}`")]
    UnknownField {
        /// As it was given.
        field: String,
    },
    /// The value does not fit the field.
    #[error("{field}: {problem}")]
    BadValue {
        /// Which field.
        field: String,
        /// What is wrong and what fits.
        problem: ValueProblem,
    },
    /// A field that an entry cannot do without is cleared.
    #[error("{field} cannot be empty")]
    Required {
        /// Which field.
        field: String,
    },
    /// The text is not `FIELD=VALUE`.
    #[error("`{text}` is not FIELD=VALUE")]
    NotAssignment {
        /// As it was given, shortened.
        text: String,
    },
    /// The field is changed by another kind of edit.
    #[error("`{field}` is changed with {edit}")]
    OtherEdit {
        /// Which field.
        field: String,
        /// The kind of edit to make instead.
        edit: &'static str,
    },
    /// The edit belongs to the household's other document.
    #[error("this edit belongs to the household's {0} document")]
    OtherDocument(DocKind),
    /// The entry is not in this document.
    #[error("there is no {entry} in this household")]
    NoSuchEntry {
        /// As in a path, `persons/ID`.
        entry: String,
    },
    /// An entry of this id is there already: the file was taken in before.
    #[error("{entry} is in this household already")]
    EntryExists {
        /// As in a path, `persons/ID`.
        entry: String,
    },
    /// The id given is no UUIDv7.
    #[error("{entry} is not named by a UUIDv7; leave the id out to have one made")]
    NotAnId {
        /// As in a path, `persons/ID`.
        entry: String,
    },
    /// The new entry has no id: call [`Edit::with_ids`] first.
    #[error("the new {0} has no id yet")]
    NoId(&'static str),
    /// The person was removed: restore them first.
    #[error("the person {0} was removed from this household; restore them first")]
    PersonRemoved(PersonId),
    /// The person is not removed.
    #[error("the person {0} is not removed")]
    NotRemoved(PersonId),
    /// The household is registered already.
    #[error("the household is registered already")]
    AlreadyRegistered,
    /// The document is empty: register the household first.
    #[error("the household is not registered yet")]
    NotRegistered,
    /// Another move is prepared already: withdraw it first.
    #[error("a move to {to} is prepared already; withdraw that one first")]
    MoveProposed {
        /// Where to.
        to: String,
    },
    /// The move was answered or withdrawn before, or never prepared.
    #[error("{entry} is no move that waits for an answer")]
    NotProposed {
        /// As in a path, `moves/ID`.
        entry: String,
    },
    /// The record says so already; nothing was written.
    #[error("the record says so already")]
    NothingChanged,
    /// Automerge refused to write: the document in memory is damaged, load it again.
    #[error("the document cannot be written: {0}")]
    Damaged(String),
}

/// One `FIELD=VALUE`, read against the schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The document the field is in.
    pub kind: DocKind,
    /// Its full path.
    pub path: String,
    /// The value; `None` clears.
    pub value: Option<Value>,
}

impl Assignment {
    /// Reads `persons/ID/name=…`, `phone=…`, `facts/ID/allergy=…`. A field of the household itself may
    /// go by its last name. Nothing after `=` clears the field.
    pub fn parse(text: &str) -> Result<Self, EditError> {
        let (name, value) = text
            .split_once('=')
            .ok_or_else(|| EditError::NotAssignment {
                text: text.chars().take(80).collect(),
            })?;
        let name = name.trim();
        let unknown = || EditError::UnknownField {
            field: name.chars().take(120).collect(),
        };
        let (field, path) = if name.contains('/') {
            let found = DocKind::ALL
                .into_iter()
                .find_map(|kind| schema::field_at(kind, name));
            (found.ok_or_else(unknown)?, name.to_owned())
        } else {
            let field = schema::field_by_name(name).ok_or_else(unknown)?;
            (field, field.path.to_owned())
        };
        let value = field
            .ty
            .parse(value)
            .map_err(|problem| EditError::BadValue {
                field: path.clone(),
                problem,
            })?;
        Ok(Self {
            kind: field.kind,
            path,
            value,
        })
    }
}

impl Edit {
    /// Reads assignments and gathers them into as few edits as there are things they are about, in the
    /// order first named.
    pub fn from_assignments<S: AsRef<str>>(texts: &[S]) -> Result<Vec<Self>, EditError> {
        let mut edits: Vec<Self> = Vec::new();
        for text in texts {
            let Assignment { path, value, .. } = Assignment::parse(text.as_ref())?;
            let unknown = || EditError::UnknownField {
                field: path.clone(),
            };
            let mut parts = path.splitn(3, '/');
            let (root, id, key) = (parts.next(), parts.next(), parts.next());
            let edit = match (root, id, key) {
                (Some("persons"), Some(id), Some(key)) => {
                    if key.starts_with("removed/") {
                        return Err(EditError::OtherEdit {
                            field: path,
                            edit: "remove-person",
                        });
                    }
                    let person = id.parse().map_err(|_| unknown())?;
                    Self::CorrectPerson {
                        person,
                        set: [(key.to_owned(), value)].into(),
                    }
                }
                (Some("visits"), Some(id), Some(key)) => {
                    let visit = id.parse().map_err(|_| unknown())?;
                    Self::CorrectVisit {
                        visit,
                        set: [(key.to_owned(), value)].into(),
                    }
                }
                (Some("facts"), Some(id), Some(key)) => {
                    let person = id.parse().map_err(|_| unknown())?;
                    Self::SetHealth {
                        person,
                        set: [(key.to_owned(), value)].into(),
                    }
                }
                _ => Self::Set {
                    set: [(path.clone(), value)].into(),
                },
            };
            edits.push(edit);
        }
        let mut gathered: Vec<Self> = Vec::new();
        for edit in edits {
            if !gathered.iter_mut().any(|earlier| earlier.absorb(&edit)) {
                gathered.push(edit);
            }
        }
        Ok(gathered)
    }

    /// Takes the other's assignments over when both are about the same thing.
    fn absorb(&mut self, other: &Self) -> bool {
        let (into, from) = match (self, other) {
            (Self::Set { set: into }, Self::Set { set: from }) => (into, from),
            (
                Self::CorrectPerson {
                    person: a,
                    set: into,
                },
                Self::CorrectPerson {
                    person: b,
                    set: from,
                },
            )
            | (
                Self::SetHealth {
                    person: a,
                    set: into,
                },
                Self::SetHealth {
                    person: b,
                    set: from,
                },
            ) if a == b => (into, from),
            (
                Self::CorrectVisit {
                    visit: a,
                    set: into,
                },
                Self::CorrectVisit {
                    visit: b,
                    set: from,
                },
            ) if a == b => (into, from),
            _ => return false,
        };
        into.extend(from.clone());
        true
    }

    /// The document the edit writes.
    pub fn document(&self) -> DocKind {
        match self {
            Self::RecordVisit(_) | Self::CorrectVisit { .. } | Self::SetHealth { .. } => {
                DocKind::Health
            }
            Self::Decide(new) => new.document,
            Self::PutBeside { document, .. } | Self::UndoDecision { document, .. } => *document,
            _ => DocKind::Core,
        }
    }

    /// The kind's name, as in JSON and in a change's attribution.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::RegisterHousehold(_) => "register-household",
            Self::AddPerson(_) => "add-person",
            Self::CorrectPerson { .. } => "correct-person",
            Self::RemovePerson { .. } => "remove-person",
            Self::RestorePerson { .. } => "restore-person",
            Self::Set { .. } => "set",
            Self::Move(_) => "move",
            Self::ProposeMove(_) => "propose-move",
            Self::AskMove(_) => "ask-move",
            Self::WithdrawMove { .. } => "withdraw-move",
            Self::AnswerMove(_) => "answer-move",
            Self::NoteNeed(_) => "note-need",
            Self::NobodyHome {} => "nobody-home",
            Self::RecordVisit(_) => "record-visit",
            Self::CorrectVisit { .. } => "correct-visit",
            Self::SetHealth { .. } => "set-health",
            Self::Decide(_) => "decide",
            Self::PutBeside { .. } => PUT_BESIDE,
            Self::UndoDecision { .. } => "undo-decision",
        }
    }

    /// The persons an edit of the health document speaks of. That document does not list the household's
    /// persons; the caller looks them up in the core document.
    pub fn persons(&self) -> Vec<PersonId> {
        match self {
            Self::RecordVisit(visit) => visit.person.into_iter().collect(),
            Self::SetHealth { person, .. } => vec![*person],
            Self::CorrectVisit { set, .. } => match set.get("person") {
                Some(Some(Value::Text(person))) => person.parse().into_iter().collect(),
                _ => Vec::new(),
            },
            _ => Vec::new(),
        }
    }

    /// Gives an id to every new entry that has none, made from the time and fresh random bytes.
    #[must_use]
    pub fn with_ids(mut self, at: Timestamp, random: &mut dyn FnMut() -> [u8; 10]) -> Self {
        match &mut self {
            Self::RegisterHousehold(household) => {
                for person in &mut household.persons {
                    person.id.get_or_insert_with(|| PersonId::new(at, random()));
                }
            }
            Self::AddPerson(person) => {
                person.id.get_or_insert_with(|| PersonId::new(at, random()));
            }
            Self::Move(entry) => {
                entry.id.get_or_insert_with(|| MoveId::new(at, random()));
            }
            Self::ProposeMove(entry) => {
                entry.id.get_or_insert_with(|| MoveId::new(at, random()));
            }
            Self::AskMove(entry) => {
                entry.id.get_or_insert_with(|| MoveId::new(at, random()));
            }
            Self::AnswerMove(answer) if answer.accept && answer.reason.is_some() => {
                let made = || DecisionId::new(at, random());
                answer.decision.get_or_insert_with(made);
            }
            Self::NoteNeed(need) => {
                need.id.get_or_insert_with(|| NeedId::new(at, random()));
            }
            Self::RecordVisit(visit) => {
                visit.id.get_or_insert_with(|| VisitId::new(at, random()));
            }
            Self::Decide(new) => {
                new.id.get_or_insert_with(|| DecisionId::new(at, random()));
            }
            _ => {}
        }
        self
    }
}

impl Document {
    /// Checks an edit and makes it as exactly one change. On an error nothing is written.
    pub fn edit(&mut self, edit: &Edit, by: &Authorship) -> Result<RawChange, EditError> {
        // A document from somebody who meant ill can be read and make Automerge panic over what is added to it.
        let mut next = self.clone();
        let made = catch_unwind(AssertUnwindSafe(|| next.make(edit, by)));
        let made = made
            .map_err(|_| EditError::Damaged("its operations contradict each other".to_owned()))??;
        *self = next;
        Ok(made)
    }

    fn make(&mut self, edit: &Edit, by: &Authorship) -> Result<RawChange, EditError> {
        let plan = plan(edit, self, by)?;
        if plan
            .writes
            .iter()
            .any(|write| !self.has_collection_of(&write.path))
        {
            self.add_missing_constants();
        }
        let attribution = Attribution {
            kind: edit.kind().to_owned(),
            staff: by.staff,
            area: by.area.clone(),
        };
        self.carry_out(&plan, &attribution, by)
    }

    fn carry_out(
        &mut self,
        plan: &Plan,
        attribution: &Attribution,
        by: &Authorship,
    ) -> Result<RawChange, EditError> {
        let damaged = |error: automerge::AutomergeError| EditError::Damaged(error.to_string());
        let absent = || EditError::Damaged("a map of the genesis is absent".to_owned());
        // Places are looked up before writing, so that nothing is half written when one is absent.
        let mut places = Vec::with_capacity(plan.writes.len());
        for write in &plan.writes {
            let place = schema::place(&write.path).ok_or_else(absent)?;
            let entry = place.entry.filter(|entry| !plan.creates(place.root, entry));
            places.push((place, self.map_of(place.root, entry).ok_or_else(absent)?));
        }
        let collections: Vec<_> = plan
            .create
            .iter()
            .map(|(root, _)| self.map_of(root, None).ok_or_else(absent))
            .collect::<Result<_, _>>()?;

        let inner = self.inner_mut();
        inner.set_actor((&by.actor).into());
        let options = CommitOptions::default()
            .with_message(attribution.to_string())
            .with_time(by.at.millis());
        let done = inner.transact_with(
            |()| options,
            |tx| {
                let mut created = BTreeMap::new();
                for ((root, entry), collection) in plan.create.iter().zip(&collections) {
                    let map = tx.put_object(collection, entry.as_str(), ObjType::Map)?;
                    created.insert((*root, entry.as_str()), map);
                }
                for (write, (place, map)) in plan.writes.iter().zip(&places) {
                    let new = place
                        .entry
                        .and_then(|entry| created.get(&(place.root, entry)));
                    let map = new.unwrap_or(map);
                    match &write.action {
                        Action::Put(value) => {
                            tx.put(map, place.key, Value::to_scalar(value.as_ref()))?
                        }
                        Action::Add(more) => tx.increment(map, place.key, *more)?,
                    }
                }
                Ok::<_, automerge::AutomergeError>(())
            },
        );
        let hash = done
            .map_err(|failure| damaged(failure.error))?
            .hash
            .ok_or(EditError::NothingChanged)?;
        self.change(&crate::ChangeHash::from(&hash))
            .ok_or_else(|| EditError::Damaged("the change just made cannot be read".to_owned()))
    }
}

#[cfg(test)]
#[path = "edit_tests.rs"]
mod tests;
