//! What a decision writes, and what takes it back. A decision may write fields that people's edits reach by several kinds of
//! edit; it may add an entry when it sets everything that such an entry cannot do without.

use std::collections::BTreeMap;

use super::{Action, Draft, Write};
use crate::PersonId;
use crate::record::decision::{decisions_of, is_in_decisions};
use crate::record::edit::{Assignments, EditError};
use crate::record::input::NewDecision;
use crate::record::schema::{self, MergeRule, is_entry_id};
use crate::record::value::{FieldType, Value};

/// The fields that an entry of a collection is never without; none for maps that hold no entries of people's.
fn needed(root: &str) -> &'static [&'static str] {
    match root {
        "persons" => &["name"],
        "visits" => &["on", "kind"],
        "moves" => &["to", "on"],
        "needs" => &["kind", "text", "state", "urgency"],
        _ => &[],
    }
}

impl Draft<'_> {
    pub(super) fn decide(&mut self, new: &NewDecision) -> Result<(), EditError> {
        let id = new.id.map(|id| id.to_string());
        self.entry(decisions_of(new.document), "decision", id, new.given(), "")?;
        if new.takes_over {
            return self.put_back(&new.set);
        }
        self.add_entries(&new.set)?;
        let mut identified: BTreeMap<PersonId, Assignments> = BTreeMap::new();
        for (path, value) in &new.set {
            let place = self.place_of(path)?;
            let standing = self.document.values_at(path);
            if standing.len() > 1 && standing.contains(value) {
                // It was accepted once; whether it is right is what was decided.
                self.writes.push(Write {
                    path: path.clone(),
                    action: Action::Put(value.clone()),
                });
                continue;
            }
            let cannot_be_cleared: &[&str] = match place.root {
                "residence" => &["area"],
                "moves" => &["to", "state"],
                root => needed(root),
            };
            self.required(path, cannot_be_cleared, place.key, value)?;
            if let ("needs", "person", Some(Value::Text(person))) = (place.root, place.key, value) {
                self.is_there("persons", person)?;
            }
            self.put(path.clone(), value.clone())?;
            if let (Some(person), "persons") = (place.entry, place.root)
                && let Ok(person) = person.parse()
            {
                let set = identified.entry(person).or_default();
                set.insert(place.key.to_owned(), value.clone());
            }
        }
        for (person, set) in &identified {
            self.check_identity(*person, set)?;
        }
        Ok(())
    }

    /// Adds the entries that are not in the document and of which everything is set that they cannot do without.
    fn add_entries(&mut self, set: &Assignments) -> Result<(), EditError> {
        for path in set.keys() {
            let Some(place) = schema::place(path) else {
                continue;
            };
            let (root, Some(entry)) = (place.root, place.entry) else {
                continue;
            };
            let declared = schema::field_at(self.kind, path).is_some();
            if !declared || needed(root).is_empty() || self.is_there(root, entry).is_ok() {
                continue;
            }
            let is_set = |key: &&str| {
                let value = set.get(&format!("{root}/{entry}/{key}"));
                value.is_some_and(Option::is_some)
            };
            let absent = needed(root).iter().find(|key| !is_set(key));
            match absent {
                None => self.create.push((root, entry.to_owned())),
                // Nothing says that it is to be added.
                Some(_) if !needed(root).iter().any(is_set) => {}
                Some(key) => {
                    return Err(EditError::Required {
                        field: format!("{root}/{entry}/{key}"),
                    });
                }
            }
        }
        Ok(())
    }

    /// Whether an entry is in the document, or about to be added.
    fn is_there(&self, root: &str, entry: &str) -> Result<(), EditError> {
        let added = self.create.iter().any(|(r, e)| *r == root && e == entry);
        if added {
            return Ok(());
        }
        self.entry_exists(&format!("{root}/{entry}"))
    }

    /// Writes values that fields had, right or wrong, over the ones that stand, even where they are the same: then each
    /// of several such edits overwrites what stands, and none another's. An entry that is not there is added with them.
    pub(super) fn put_back(&mut self, set: &Assignments) -> Result<(), EditError> {
        for (path, value) in set {
            if let Some(place) = schema::place(path)
                && let Some(entry) = place.entry
                && !needed(place.root).is_empty()
                && self.is_there(place.root, entry).is_err()
            {
                if !is_entry_id(entry) {
                    let entry = format!("{}/{entry}", place.root);
                    return Err(EditError::NotAnId { entry });
                }
                self.create.push((place.root, entry.to_owned()));
            }
            self.place_of(path)?;
            let field = schema::field_at(self.kind, path);
            let other = match (value, field.map(|field| field.ty)) {
                (Some(_), _) => None,
                (None, Some(FieldType::Int { .. })) => Some(Value::Int(0)),
                (None, Some(FieldType::Flag)) => Some(Value::Flag(false)),
                (None, _) => Some(Value::Text(String::new())),
            };
            self.again.extend([other, value.clone()].map(|value| Write {
                path: path.clone(),
                action: Action::Put(value),
            }));
        }
        Ok(())
    }

    /// Where a declared field that a decision may write lies; its entry must be there, or about to be added.
    fn place_of<'p>(&self, path: &'p str) -> Result<schema::Place<'p>, EditError> {
        let unknown = || EditError::UnknownField {
            field: path.to_owned(),
        };
        let place = schema::place(path).ok_or_else(unknown)?;
        let field = schema::field_at(self.kind, path).ok_or_else(unknown)?;
        if is_in_decisions(path) || field.rule == MergeRule::Counter {
            return Err(unknown());
        }
        if let Some(entry) = place.entry {
            self.is_there(place.root, entry)?;
        }
        Ok(place)
    }
}
