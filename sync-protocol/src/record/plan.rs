//! What a valid edit writes: decided from the edit and the document, before anything is written.
//!
//! Pure. A plan never writes what the record says already, and never an unknown field.

#[path = "deciding.rs"]
mod deciding;

use std::collections::BTreeSet;

use super::decision::decisions_of;
use super::document::Document;
use super::edit::{Assignments, Authorship, Edit, EditError};
use super::id_number;
use super::input::{Given, NewHousehold, NewPerson};
use super::joining::is_mark_of_a_copy;
use super::schema::{self, MergeRule, is_entry_id};
use super::value::{Value, ValueProblem};
use crate::{DocKind, PersonId};

/// One write.
pub(crate) struct Write {
    pub(crate) path: String,
    pub(crate) action: Action,
}

/// What is done to a field.
pub(crate) enum Action {
    /// Set it; `None` clears.
    Put(Option<Value>),
    /// Add to the counter.
    Add(i64),
}

/// Everything one edit writes.
pub(crate) struct Plan {
    /// Entries to create: collection and id.
    pub(crate) create: Vec<(&'static str, String)>,
    pub(crate) writes: Vec<Write>,
}

impl Plan {
    pub(crate) fn creates(&self, root: &str, entry: &str) -> bool {
        self.create.iter().any(|(r, e)| *r == root && e == entry)
    }
}

/// Decides what the edit writes.
pub(crate) fn plan(edit: &Edit, document: &Document, by: &Authorship) -> Result<Plan, EditError> {
    if edit.document() != document.id().kind {
        return Err(EditError::OtherDocument(edit.document()));
    }
    let core = edit.document() == DocKind::Core;
    let registered = !document.values_at("residence/area").is_empty();
    let mut draft = Draft {
        document,
        kind: edit.document(),
        create: Vec::new(),
        writes: Vec::new(),
        again: Vec::new(),
    };
    match edit {
        Edit::RegisterHousehold(_) if registered => return Err(EditError::AlreadyRegistered),
        Edit::RegisterHousehold(new) => draft.register(new, by)?,
        _ if core && !registered => return Err(EditError::NotRegistered),
        Edit::AddPerson(new) => draft.add_person(new, "")?,
        Edit::CorrectPerson { person, set } => draft.correct_person(*person, set)?,
        Edit::RemovePerson {
            person,
            reason,
            on,
            note,
            to,
        } => {
            draft.person_exists(*person)?;
            let path = |key: &str| format!("persons/{person}/removed/{key}");
            draft.put(path("reason"), Some(Value::Text(reason.clone())))?;
            if let Some(on) = on {
                draft.put(path("on"), Some(Value::Text(on.clone())))?;
            }
            if let Some(note) = note {
                draft.put(path("note"), Some(Value::Text(note.clone())))?;
            }
            if let Some(to) = to {
                draft.put(path("to"), Some(Value::Text(to.to_string())))?;
            }
        }
        Edit::RestorePerson { person, note } => {
            draft.person_exists(*person)?;
            if !draft.is_removed(*person) {
                return Err(EditError::NotRemoved(*person));
            }
            let path = |key: &str| format!("persons/{person}/removed/{key}");
            draft.put(path("reason"), None)?;
            draft.put(path("on"), None)?;
            draft.put(path("to"), None)?;
            draft.put(path("note"), Some(Value::Text(note.clone())))?;
        }
        Edit::Set { set } => draft.set(set)?,
        Edit::Move(new) => draft.move_to(new)?,
        Edit::ProposeMove(new) => draft.propose_move(new)?,
        Edit::AskMove(new) => draft.ask_move(new)?,
        Edit::WithdrawMove { r#move, reason } => draft.withdraw_move(*r#move, reason)?,
        Edit::AnswerMove(answer) => draft.answer_move(answer)?,
        Edit::NoteNeed(new) => {
            if let Some(person) = new.person {
                draft.person_exists(person)?;
            }
            draft.entry(
                "needs",
                "need",
                new.id.map(|id| id.to_string()),
                new.given(),
                "",
            )?;
        }
        Edit::NobodyHome {} => {
            let path = "contact/unanswered".to_owned();
            draft.writes.push(Write {
                path,
                action: Action::Add(1),
            });
        }
        Edit::RecordVisit(new) => {
            draft.entry(
                "visits",
                "visit",
                new.id.map(|id| id.to_string()),
                new.given(),
                "",
            )?;
        }
        Edit::CorrectVisit { visit, set } => {
            draft.entry_exists(&format!("visits/{visit}"))?;
            for (key, value) in set {
                draft.required(
                    &format!("visits/{visit}/{key}"),
                    &["on", "kind"],
                    key,
                    value,
                )?;
                draft.put(format!("visits/{visit}/{key}"), value.clone())?;
            }
        }
        Edit::SetHealth { person, set } => {
            for (key, value) in set {
                draft.put(format!("facts/{person}/{key}"), value.clone())?;
            }
        }
        Edit::Decide(new) => draft.decide(new)?,
        Edit::PutBeside {
            decision,
            document,
            set,
        } => {
            draft.entry_exists(&format!("{}/{decision}", decisions_of(*document)))?;
            draft.put_back(set)?;
        }
        Edit::UndoDecision {
            decision,
            document,
            reason,
            set,
        } => {
            let entry = format!("{}/{decision}", decisions_of(*document));
            draft.entry_exists(&entry)?;
            if let Some(reason) = reason {
                let path = format!("{entry}/undone");
                draft.put(path, Some(Value::Text(reason.clone())))?;
            }
            draft.put_back(set)?;
        }
    }
    draft.finish()
}

pub(super) struct Draft<'a> {
    pub(super) document: &'a Document,
    kind: DocKind,
    create: Vec<(&'static str, String)>,
    /// Written unless the record says so already.
    writes: Vec<Write>,
    /// Written in any case.
    again: Vec<Write>,
}

impl Draft<'_> {
    fn register(&mut self, new: &NewHousehold, by: &Authorship) -> Result<(), EditError> {
        let area = new.area.as_ref().unwrap_or(&by.area);
        self.put(
            "residence/area".to_owned(),
            Some(Value::from(area.as_str())),
        )?;
        for (path, value) in new.given() {
            self.put(path, Some(value))?;
        }
        for (at, person) in new.persons.iter().enumerate() {
            self.add_person(person, &format!("persons[{at}]."))?;
        }
        Ok(())
    }

    fn add_person(&mut self, new: &NewPerson, label: &str) -> Result<(), EditError> {
        let mut given = new.given();
        if let Some(number) = &new.id_number {
            let kind = new.id_kind.as_deref().unwrap_or("resident");
            let field = format!("{label}id_number");
            check_id_number(kind, number)
                .map_err(|problem| EditError::BadValue { field, problem })?;
            if new.id_kind.is_none() {
                given.push(("id_kind".to_owned(), Value::from(kind)));
            }
        }
        self.entry(
            "persons",
            "person",
            new.id.map(|id| id.to_string()),
            given,
            label,
        )
    }

    fn correct_person(&mut self, person: PersonId, set: &Assignments) -> Result<(), EditError> {
        self.person_exists(person)?;
        if self.is_removed(person) {
            return Err(EditError::PersonRemoved(person));
        }
        let path = |key: &str| format!("persons/{person}/{key}");
        for (key, value) in set {
            if key.starts_with("removed/") {
                return Err(EditError::OtherEdit {
                    field: path(key),
                    edit: "remove-person",
                });
            }
            self.required(&path(key), &["name"], key, value)?;
            self.put(path(key), value.clone())?;
        }
        self.check_identity(person, set)
    }

    /// The number must fit the kind of document it is of, whichever of the two was given.
    fn check_identity(&mut self, person: PersonId, set: &Assignments) -> Result<(), EditError> {
        if !set.contains_key("id_number") && !set.contains_key("id_kind") {
            return Ok(());
        }
        let path = |key: &str| format!("persons/{person}/{key}");
        let now = |key: &str| match set.get(key) {
            Some(given) => given.clone(),
            None => self.document.values_at(&path(key)).pop().flatten(),
        };
        let (kind, number) = (now("id_kind"), now("id_number"));
        let Some(Value::Text(number)) = number else {
            return Ok(());
        };
        let kind_text = kind
            .as_ref()
            .map_or_else(|| "resident".to_owned(), Value::to_string);
        check_id_number(&kind_text, &number).map_err(|problem| EditError::BadValue {
            field: path("id_number"),
            problem,
        })?;
        if kind.is_none() && !set.contains_key("id_kind") {
            self.put(path("id_kind"), Some(Value::Text(kind_text)))?;
        }
        Ok(())
    }

    fn set(&mut self, set: &Assignments) -> Result<(), EditError> {
        for (path, value) in set {
            let root = path.split('/').next().unwrap_or("");
            let other = match root {
                "persons" => Some("correct-person"),
                "decisions" | "health_decisions" => Some("decide"),
                "visits" => Some("correct-visit"),
                "facts" => Some("set-health"),
                _ => None,
            };
            if let Some(edit) = other {
                return Err(EditError::OtherEdit {
                    field: path.clone(),
                    edit,
                });
            }
            if schema::field_at(self.kind, path).is_none() {
                return Err(EditError::UnknownField {
                    field: path.clone(),
                });
            }
            let mut required: &[&str] = &["to", "kind", "text", "state", "urgency"];
            if path == "residence/area" {
                required = &["area"];
                // A residence changes by moving; only a contradicted one is decided by setting it.
                let values: BTreeSet<_> = self.document.values_at(path).into_iter().collect();
                if values.len() < 2 {
                    return Err(EditError::OtherEdit {
                        field: path.clone(),
                        edit: "move",
                    });
                }
            } else if matches!(root, "moves" | "needs") {
                let entry = path.splitn(3, '/').take(2).collect::<Vec<_>>().join("/");
                self.entry_exists(&entry)?;
                self.may_set_in_move(path)?;
            } else {
                required = &[];
            }
            if let (Some("needs"), Some(key), Some(Value::Text(person))) =
                (Some(root), path.rsplit('/').next(), value)
                && key == "person"
            {
                self.entry_exists(&format!("persons/{person}"))?;
            }
            self.required(path, required, path.rsplit('/').next().unwrap_or(""), value)?;
            self.put(path.clone(), value.clone())?;
        }
        Ok(())
    }

    /// A new entry and its fields.
    pub(super) fn entry(
        &mut self,
        root: &'static str,
        what: &'static str,
        id: Option<String>,
        given: Given,
        label: &str,
    ) -> Result<(), EditError> {
        let id = id.ok_or(EditError::NoId(what))?;
        let entry = format!("{root}/{id}");
        if !is_entry_id(&id) {
            return Err(EditError::NotAnId { entry });
        }
        let twice = self.create.iter().any(|(r, e)| *r == root && *e == id);
        if twice || self.document.has_entry(root, &id) {
            return Err(EditError::EntryExists { entry });
        }
        self.create.push((root, id));
        for (key, value) in given {
            self.put_named(
                format!("{entry}/{key}"),
                Some(value),
                &format!("{label}{key}"),
            )?;
        }
        Ok(())
    }

    pub(super) fn put(&mut self, path: String, value: Option<Value>) -> Result<(), EditError> {
        let name = path.clone();
        self.put_named(path, value, &name)
    }

    /// Adds one checked write; `name` is what the person who made the edit calls the field.
    fn put_named(
        &mut self,
        path: String,
        value: Option<Value>,
        name: &str,
    ) -> Result<(), EditError> {
        let field = schema::field_at(self.kind, &path).filter(|_| !is_mark_of_a_copy(&path));
        let field = field.ok_or_else(|| EditError::UnknownField {
            field: name.to_owned(),
        })?;
        let bad = |problem| EditError::BadValue {
            field: name.to_owned(),
            problem,
        };
        if field.rule == MergeRule::Counter {
            return Err(bad(ValueProblem::Counter));
        }
        let value = value
            .map(|value| field.ty.check(&value))
            .transpose()
            .map_err(bad)?;
        self.writes.push(Write {
            path,
            action: Action::Put(value),
        });
        Ok(())
    }

    fn required(
        &self,
        path: &str,
        required: &[&str],
        key: &str,
        value: &Option<Value>,
    ) -> Result<(), EditError> {
        if value.is_none() && required.contains(&key) {
            return Err(EditError::Required {
                field: path.to_owned(),
            });
        }
        Ok(())
    }

    fn person_exists(&self, person: PersonId) -> Result<(), EditError> {
        self.entry_exists(&format!("persons/{person}"))
    }

    fn entry_exists(&self, entry: &str) -> Result<(), EditError> {
        let found = entry
            .split_once('/')
            .is_some_and(|(root, id)| self.document.has_entry(root, id));
        if found {
            Ok(())
        } else {
            Err(EditError::NoSuchEntry {
                entry: entry.to_owned(),
            })
        }
    }

    /// Whether every value of the mark says removed; a contested mark blocks nobody.
    fn is_removed(&self, person: PersonId) -> bool {
        let reasons = self
            .document
            .values_at(&format!("persons/{person}/removed/reason"));
        !reasons.is_empty() && reasons.iter().all(Option::is_some)
    }

    /// Leaves out what the record says already, and makes every decision a write of its own: setting a
    /// contradicted field to the value Automerge shows would otherwise become a deletion of the others,
    /// which no history tells. So one of the others is written before it, in the same change.
    fn finish(self) -> Result<Plan, EditError> {
        let Self {
            document,
            create,
            writes: drafted,
            again,
            ..
        } = self;
        let mut writes = Vec::with_capacity(drafted.len());
        for write in drafted {
            if let Action::Put(value) = &write.action {
                let now = document.values_at(&write.path);
                let other = now.iter().find(|other| *other != value);
                match (now.last(), other) {
                    (None, _) if value.is_none() => continue,
                    (Some(winner), None) if winner == value => continue,
                    (Some(winner), Some(other)) if winner == value => writes.push(Write {
                        path: write.path.clone(),
                        action: Action::Put(other.clone()),
                    }),
                    _ => {}
                }
            }
            writes.push(write);
        }
        writes.extend(again);
        if writes.is_empty() && create.is_empty() {
            return Err(EditError::NothingChanged);
        }
        Ok(Plan { create, writes })
    }
}

fn check_id_number(kind: &str, number: &str) -> Result<(), ValueProblem> {
    if kind == "resident" {
        Ok(id_number::check(number.trim())?)
    } else {
        Ok(())
    }
}
