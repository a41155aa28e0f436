//! What the record of a family takes over from a second record of the same family, and what it gives back when that is undone.
//!
//! One record goes on; the other stays as it is and says where the family goes on. They are never merged as documents: a
//! decision copies values, entries under the ids they had, each marked with the decision that brought it. Where both say
//! something else of a field under rule `review`, the other's value is put beside, and a person decides. Taken back, copies
//! are shown no more, and what was written in them meanwhile goes to the record that they came from.
//!
//! Pure. Knows nothing of who may do it, and reads one kind of document at a time.

use automerge::{ObjId, ObjType, ReadDoc as _, ValueRef};
use std::collections::{BTreeMap, BTreeSet};

use super::attribution::Attribution;
use super::conflict::contradictions;
use super::decision::{Decided, decided, decisions, values_before};
use super::document::Document;
use super::edit::{Assignments, Edit};
use super::schema::{self, COLLECTIONS, MergeRule, Shape};
use super::value::{FieldType, Value};
use crate::{ChangeHash, DecisionId, DocKind, PersonId};

/// The key of an entry that says which decision brought it.
const COPIED: &str = "copied";
/// The kind of edit that puts a value beside another.
pub(super) const PUT_BESIDE: &str = "put-beside";

/// Persons of the other record, each with who they are in the one that goes on. Who is not named is nobody there.
pub type Pairs = BTreeMap<PersonId, PersonId>;

/// What becomes of a map of the genesis when a second record of the family is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Handling {
    /// It stays where it is: it speaks of that record.
    Stays,
    /// Field by field: what is empty is filled.
    Fields,
    /// Persons: those who are the same field by field, the others as entries.
    Persons,
    /// Entries are copied.
    Entries,
    /// Fields of persons.
    Facts,
}

/// How each map is treated. `None` for one that nobody has thought about.
fn handling(collection: &str) -> Option<Handling> {
    Some(match collection {
        // Where the family lives is what the one that goes on says; a decision is about its own record.
        "residence" | "decisions" | "health_decisions" => Handling::Stays,
        "contact" | "consent" => Handling::Fields,
        "persons" => Handling::Persons,
        "moves" | "needs" | "visits" => Handling::Entries,
        "facts" => Handling::Facts,
        _ => return None,
    })
}

/// Whether a field can be taken over: not those that are each record's own.
pub(super) fn can_be_taken_over(kind: DocKind, path: &str) -> bool {
    let field = schema::field_at(kind, path);
    let root = schema::place(path).map(|place| place.root);
    field.is_some_and(|field| field.rule != MergeRule::Counter)
        && root.is_some_and(|root| handling(root) != Some(Handling::Stays))
}

/// Whether a path is the mark by which an entry says which decision brought it.
pub(super) fn is_mark_of_a_copy(path: &str) -> bool {
    schema::place(path).is_some_and(|place| place.entry.is_some() && place.key == COPIED)
}

/// What is written into the record that goes on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TakeOver {
    /// Fields that are filled, and entries that are copied; part of the decision.
    pub set: Assignments,
    /// Fields of which the two records say different things, with what the other says.
    pub beside: Assignments,
}

impl TakeOver {
    /// Entries that are copied, as the beginning of their paths: `persons/{id}` and the like.
    pub fn copied(&self) -> BTreeSet<String> {
        let marks = self.set.keys().filter(|path| is_mark_of_a_copy(path));
        marks
            .filter_map(|path| Some(path.rsplit_once('/')?.0.to_owned()))
            .collect()
    }

    /// Fields that are filled of what the record has already.
    pub fn filled(&self) -> BTreeSet<&str> {
        let copied = self.copied();
        let of_a_copy = |path: &str| {
            let entry = path.splitn(3, '/').take(2).collect::<Vec<_>>().join("/");
            copied.contains(&entry)
        };
        let paths = self.set.keys().map(String::as_str);
        paths.filter(|path| !of_a_copy(path)).collect()
    }
}

/// What is written when it is taken back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GiveBack {
    /// Into the record that took over: fields get what they had.
    pub set: Assignments,
    /// Into the record that it came from: what was written in the copies meanwhile.
    pub other: Assignments,
}

/// Fields that contradict themselves in one of the records. They are to be decided first: beside a third value nobody could
/// tell any more what each record said.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} fields are contradicted; they are to be decided first", .0.len())]
pub struct Undecided(pub BTreeSet<String>);

/// What `into` takes over from `from`, the same kind of document of another record of the family: everything, or `only` some
/// fields of it.
///
/// # Errors
/// [`Undecided`] with the fields of both that are contradicted.
pub fn take_over(
    into: &Document,
    from: &Document,
    persons: &Pairs,
    only: Option<&BTreeSet<String>>,
    decision: DecisionId,
) -> Result<TakeOver, Undecided> {
    let mut taking = Taking {
        into,
        from,
        decision,
        persons,
        found: TakeOver::default(),
        undecided: BTreeSet::new(),
        left: left_for_another(into),
        hidden: hidden(into),
    };
    // What another decision once brought there and was taken back is not of that record.
    let hidden = hidden(from);
    for (path, values) in fields_of(from) {
        let shown = !hidden.iter().any(|entry| path.starts_with(entry.as_str()));
        if shown && only.is_none_or(|only| only.contains(&path)) {
            taking.field(&path, &values);
        }
    }
    taking.bring_back(only);
    if taking.undecided.is_empty() {
        Ok(taking.found)
    } else {
        Err(Undecided(taking.undecided))
    }
}

/// The edits that put what the other record says beside what this one says, each to be made by an author of its own on the ground
/// of the decision.
pub fn beside(into: &Document, taken: &TakeOver, decision: DecisionId) -> [Edit; 2] {
    let own = taken.beside.keys().map(|path| {
        let own = into.values_at(path).pop().flatten();
        (path.clone(), own)
    });
    [own.collect(), taken.beside.clone()].map(|set| Edit::PutBeside {
        decision,
        document: into.id().kind,
        set,
    })
}

struct Taking<'a> {
    into: &'a Document,
    from: &'a Document,
    decision: DecisionId,
    persons: &'a Pairs,
    found: TakeOver,
    undecided: BTreeSet<String>,
    /// Members of the one that goes on who left it for another record.
    left: BTreeSet<String>,
    /// Entries of it that are shown no more.
    hidden: BTreeSet<String>,
}

impl Taking<'_> {
    /// Takes one field of the other record over.
    fn field(&mut self, path: &str, values: &BTreeSet<Option<Value>>) {
        let Some(place) = schema::place(path) else {
            return;
        };
        let same = |person: &str| {
            let person = person.parse::<PersonId>().ok()?;
            self.persons.get(&person)
        };
        let target = match handling(place.root) {
            None | Some(Handling::Stays) => return,
            Some(Handling::Fields) => path.to_owned(),
            Some(Handling::Persons) => match place.entry.and_then(same) {
                Some(person) => format!("persons/{person}/{}", place.key),
                None if self.is_in_both(place) => return self.meet(place, path, values),
                None => return self.copy(place, path, values),
            },
            Some(Handling::Entries) if self.is_in_both(place) => {
                return self.meet(place, path, values);
            }
            Some(Handling::Entries) => return self.copy(place, path, values),
            Some(Handling::Facts) => {
                let (person, key) = place.key.split_once('/').unwrap_or((place.key, ""));
                match same(person) {
                    Some(person) => format!("facts/{person}/{key}"),
                    None => path.to_owned(),
                }
            }
        };
        self.combine(target, path, values);
    }

    /// Whether both records have an entry under one id, and not since this decision copied it: members left the one for the other.
    fn is_in_both(&self, place: schema::Place<'_>) -> bool {
        let entry = place.entry.unwrap_or_default();
        let (root, brought) = (place.root, Value::Text(self.decision.to_string()));
        let mark = format!("{root}/{entry}/{COPIED}");
        let map = self.into.map_of(root, Some(entry));
        map.is_some_and(|map| self.into.inner().length(map) > 0)
            && !self.into.values_at(&mark).contains(&Some(brought))
            && !self.hidden.contains(&format!("{root}/{entry}/"))
    }

    /// A field of such an entry. Whether somebody is there, where they came from and who they are to the head is each record's
    /// own; of somebody who left for another record, what is said there of their being there is the later word.
    fn meet(&mut self, place: schema::Place<'_>, path: &str, values: &BTreeSet<Option<Value>>) {
        if place.root == "persons" && place.key.starts_with("removed/") {
            if place.entry.is_some_and(|person| self.left.contains(person)) {
                let value = values.first().cloned().flatten();
                self.found.set.insert(path.to_owned(), value);
            }
        } else if !matches!(place.key, COPIED | "came_from" | "relation") {
            self.combine(path.to_owned(), path, values);
        }
    }

    /// Who left for another record and is in the other one is here again, as far as that one says nothing else.
    fn bring_back(&mut self, only: Option<&BTreeSet<String>>) {
        for (path, values) in fields_of(self.into) {
            let place = schema::place(&path).filter(|place| place.key.starts_with("removed/"));
            let person = place.and_then(|place| place.entry);
            let name = person.map(|person| format!("persons/{person}/name"));
            if person.is_some_and(|person| self.left.contains(person))
                && name.is_some_and(|name| !self.from.values_at(&name).is_empty())
                && only.is_none_or(|only| only.contains(&path))
                && self.from.values_at(&path).is_empty()
                && values != [None].into()
            {
                self.found.set.insert(path, None);
            }
        }
    }

    /// A field that both records have.
    fn combine(&mut self, target: String, path: &str, values: &BTreeSet<Option<Value>>) {
        let kind = self.into.id().kind;
        let Some(field) = schema::field_at(kind, &target) else {
            return;
        };
        // What was cleared says nothing.
        let theirs: BTreeSet<&Value> = values.iter().flatten().collect();
        let ours: BTreeSet<Option<Value>> = self.into.values_at(&target).into_iter().collect();
        let said: BTreeSet<&Value> = ours.iter().flatten().collect();
        let Some(value) = theirs.first().copied() else {
            return;
        };
        match field.rule {
            MergeRule::Counter => {}
            MergeRule::Union => {
                let yes = Value::Flag(true);
                if theirs.contains(&yes) && !said.contains(&yes) {
                    self.found.set.insert(target, Some(yes));
                }
            }
            MergeRule::Latest => {
                if said.is_empty() {
                    self.found.set.insert(target, Some(value.clone()));
                }
            }
            MergeRule::Review => {
                if values.len() > 1 {
                    self.undecided.insert(path.to_owned());
                } else if ours.len() > 1 {
                    self.undecided.insert(target);
                } else if said.contains(value) {
                } else if said.is_empty() && !is_told_apart(&target) {
                    self.found.set.insert(target, Some(value.clone()));
                } else {
                    self.found.beside.insert(target, Some(value.clone()));
                }
            }
        }
    }

    /// Whether an entry is of the record that it was written in alone: a move that is prepared, or was asked for at the door.
    fn is_own(&self, root: &str, entry: &str) -> bool {
        let says = |key: &str, word: &str| {
            let values = self.from.values_at(&format!("{root}/{entry}/{key}"));
            values.contains(&Some(Value::from(word)))
        };
        root == "moves" && (says("state", "proposed") || says("begun_by", "receiving"))
    }

    /// A field of an entry that is copied.
    fn copy(&mut self, place: schema::Place<'_>, path: &str, values: &BTreeSet<Option<Value>>) {
        let Some(entry) = place.entry.filter(|entry| !self.is_own(place.root, entry)) else {
            return;
        };
        let kind = self.into.id().kind;
        let Some(field) = schema::field_at(kind, path) else {
            return;
        };
        if field.rule == MergeRule::Review && values.len() > 1 {
            self.undecided.insert(path.to_owned());
            return;
        }
        let entry = format!("{}/{entry}", place.root);
        let value = values.first().cloned().flatten();
        let value = match (field.ty, value) {
            (FieldType::Person, Some(Value::Text(person))) => {
                let same = person.parse().ok().and_then(|id| self.persons.get(&id));
                Some(Value::Text(same.map_or(person, PersonId::to_string)))
            }
            (_, value) => value,
        };
        if self.into.values_at(path).pop().flatten() != value {
            self.found.set.insert(path.to_owned(), value);
        }
        let brought = Value::Text(self.decision.to_string());
        self.found
            .set
            .insert(format!("{entry}/{COPIED}"), Some(brought));
    }
}

/// Members of a household who left it for another record.
fn left_for_another(core: &Document) -> BTreeSet<String> {
    let fields = fields_of(core).into_iter();
    let gone = fields.filter(|(_, values)| values.iter().any(Option::is_some));
    let of = |path: &str| {
        let place = schema::place(path).filter(|place| place.key == "removed/to")?;
        Some(place.entry?.to_owned())
    };
    gone.filter_map(|(path, _)| of(&path)).collect()
}

/// Whether a value of this field where the other record has none is for a person to decide: that somebody is gone.
fn is_told_apart(path: &str) -> bool {
    path.contains("/removed/")
}

/// The persons that a decision brought into a core document.
pub fn brought_people(core: &Document, decision: DecisionId) -> BTreeSet<PersonId> {
    let brought = brought_by(core, &BTreeSet::from([decision.to_string()]));
    let people = brought.into_iter().filter(|(root, _)| *root == "persons");
    people
        .filter_map(|(_, person)| person.parse().ok())
        .collect()
}

/// What undoing gives back: `into` took over from `from` by this decision, and later by `more`, whose copies name this one too.
/// `None` when there is no such decision in it.
///
/// `people` are those whom the decision brought into the core document.
///
/// # Errors
/// [`Undecided`] with the fields of copies that are contradicted.
pub fn give_back(
    into: &Document,
    from: &Document,
    (decision, more): (DecisionId, &[DecisionId]),
    people: &BTreeSet<PersonId>,
) -> Option<Result<GiveBack, Undecided>> {
    let first = decided(into, decision)?;
    let later = more.iter().filter_map(|decision| decided(into, *decision));
    let made: Vec<Decided> = std::iter::once(first).chain(later).collect();
    let copies = Copies::of(into, from, decision, people);
    let mut back = GiveBack::default();
    for made in &made {
        back.set.extend(copies.filled(into, made));
        back.set.extend(put_beside(into, made));
    }
    let mut undecided = BTreeSet::new();
    for (path, values) in fields_of(into) {
        let place = schema::place(&path);
        let field = schema::field_at(into.id().kind, &path);
        let (Some(place), Some(field)) = (place, field) else {
            continue;
        };
        let mut written = made.iter().filter_map(|made| made.fields.get(&path));
        let untouched = written.any(|field| field.stands);
        if place.key == COPIED || untouched || !copies.goes_back(place) {
            continue;
        }
        if field.rule == MergeRule::Review && values.len() > 1 {
            undecided.insert(path);
            continue;
        }
        let value = copies.theirs(field.ty, values.into_iter().next_back().flatten());
        if place.entry.is_none() {
            // A fact of somebody who was copied has no entry that could be hidden.
            back.set.insert(path.clone(), None);
        }
        if from.values_at(&path) != [value.clone()] {
            back.other.insert(path, value);
        }
    }
    let strays = copies.strays.iter().map(|(root, entry)| {
        let brought = Value::Text(decision.to_string());
        (format!("{root}/{entry}/{COPIED}"), Some(brought))
    });
    back.set.extend(strays);
    Some(if undecided.is_empty() {
        Ok(back)
    } else {
        Err(Undecided(undecided))
    })
}

/// Entries by the map they are in.
type Entries = BTreeSet<(&'static str, String)>;

/// What a decision brought, and what came to hang on it.
struct Copies {
    brought: Entries,
    people: BTreeSet<String>,
    /// Entries about somebody who was copied, written since.
    strays: Entries,
    /// Persons that are one, ours first, as copied entries name them.
    persons: BTreeMap<String, String>,
}

impl Copies {
    fn of(
        into: &Document,
        from: &Document,
        decision: DecisionId,
        people: &BTreeSet<PersonId>,
    ) -> Self {
        let people: BTreeSet<String> = people.iter().map(PersonId::to_string).collect();
        let brought = brought_by(into, &BTreeSet::from([decision.to_string()]));
        let (mut strays, mut persons) = (Entries::new(), BTreeMap::new());
        for (path, values) in fields_of(into) {
            let Some(place) = schema::place(&path) else {
                continue;
            };
            let about = values.into_iter().next_back().flatten();
            let (Some(entry), "person", Some(Value::Text(ours))) = (place.entry, place.key, about)
            else {
                continue;
            };
            let here = (place.root, entry.to_owned());
            if brought.contains(&here) {
                if let Some(Some(Value::Text(theirs))) = from.values_at(&path).pop() {
                    persons.insert(ours, theirs);
                }
            } else if people.contains(&ours) {
                strays.insert(here);
            }
        }
        Self {
            brought,
            people,
            strays,
            persons,
        }
    }

    /// Whether what stands there belongs to the record that the copies came from.
    fn goes_back(&self, place: schema::Place<'_>) -> bool {
        let entry = place.entry.map(|entry| (place.root, entry.to_owned()));
        let fact_of = || match (handling(place.root), place.key.split_once('/')) {
            (Some(Handling::Facts), Some((person, _))) => self.people.contains(person),
            _ => false,
        };
        entry.is_some_and(|entry| self.brought.contains(&entry) || self.strays.contains(&entry))
            || fact_of()
    }

    /// A value as the record that the copies came from has it.
    fn theirs(&self, ty: FieldType, value: Option<Value>) -> Option<Value> {
        match (ty, value) {
            (FieldType::Person, Some(Value::Text(person))) => {
                let theirs = self.persons.get(&person).cloned();
                Some(Value::Text(theirs.unwrap_or(person)))
            }
            (_, value) => value,
        }
    }

    /// Fields of the record itself that the decision filled, as they would be without it. Written since, they stay.
    fn filled(&self, into: &Document, made: &Decided) -> Assignments {
        let own = made.fields.keys().filter(|path| {
            let place = schema::place(path);
            !place.is_some_and(|place| self.goes_back(place) && place.entry.is_some())
        });
        own.filter_map(|path| Some((path.clone(), into.value_without(made, path)?)))
            .collect()
    }
}

/// Fields that still stand side by side as the decision left them, with what the record itself said.
fn put_beside(into: &Document, made: &Decided) -> Assignments {
    let beside: BTreeSet<ChangeHash> = into
        .all_changes()
        .iter()
        .filter(|change| {
            let attribution = change
                .message()
                .and_then(|text| text.parse::<Attribution>().ok());
            let deps: Vec<_> = change.deps().iter().map(ChangeHash::from).collect();
            deps == [made.change] && attribution.is_some_and(|by| by.kind == PUT_BESIDE)
        })
        .map(|change| ChangeHash::from(&change.hash()))
        .collect();
    let still = contradictions(into).into_iter().filter(|found| {
        found
            .values
            .iter()
            .all(|value| beside.contains(&value.change))
    });
    still
        .map(|found| {
            let own = values_before(into, &made.change, &found.path);
            (found.path, own.into_iter().next().flatten())
        })
        .collect()
}

/// Entries that one of these decisions brought.
fn brought_by(document: &Document, decisions: &BTreeSet<String>) -> Entries {
    let mut found = Entries::new();
    for (path, values) in fields_of(document) {
        let Some(place) = schema::place(&path) else {
            continue;
        };
        if let (COPIED, Some(entry), Some(Some(Value::Text(by)))) =
            (place.key, place.entry, values.last())
            && decisions.contains(by)
        {
            found.insert((place.root, entry.to_owned()));
        }
    }
    found
}

/// Entries of which the decision that brought them was taken back, as the beginning of their paths: they are not shown.
pub(super) fn hidden(document: &Document) -> BTreeSet<String> {
    let undone: BTreeSet<String> = decisions(document)
        .into_iter()
        .filter(|(_, decision)| decision.is_undone())
        .map(|(id, _)| id.to_string())
        .collect();
    if undone.is_empty() {
        return BTreeSet::new();
    }
    let brought = brought_by(document, &undone);
    brought
        .into_iter()
        .map(|(root, entry)| format!("{root}/{entry}/"))
        .collect()
}

/// Every field of a document that somebody wrote and that this program declares, with its distinct values, by path.
fn fields_of(document: &Document) -> BTreeMap<String, BTreeSet<Option<Value>>> {
    let inner = document.inner();
    let mut found = BTreeMap::new();
    let mut read = |map: &ObjId, path: &str| {
        for item in inner.map_range(map, ..) {
            let path = format!("{path}/{}", item.key);
            if matches!(item.value, ValueRef::Scalar(_))
                && schema::field_at(document.id().kind, &path).is_some()
            {
                let values = document.values_in(map, &item.key);
                found.insert(path, values.into_iter().map(|(value, _)| value).collect());
            }
        }
    };
    for collection in COLLECTIONS {
        let Some(map) = document.map_of(collection.name, None) else {
            continue;
        };
        match collection.shape {
            Shape::Single | Shape::Flat => read(&map, collection.name),
            Shape::Entries => {
                for item in inner.map_range(&map, ..) {
                    if matches!(item.value, ValueRef::Object(ObjType::Map)) {
                        read(&item.id(), &format!("{}/{}", collection.name, item.key));
                    }
                }
            }
        }
    }
    found
}

#[cfg(test)]
#[path = "joining_tests.rs"]
mod tests;
