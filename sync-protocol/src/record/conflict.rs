//! What people wrote in contradiction: different values of one field, and edits of a removed person.
//!
//! Equal values are no contradiction, whoever wrote them. Fields whose rule is not `review` have none.
//! A key this program does not know is treated as `review`: it never hides a value it cannot judge.

use automerge::{ObjId, ObjType, ROOT, ReadDoc, ValueRef};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::attribution::Attribution;
use super::document::{Document, actor_of};
use super::history;
use super::joining::hidden;
use super::schema::{MergeRule, field_at};
use super::value::Value;
use crate::{ActorId, AreaCode, ChangeHash, PersonId, StaffId, Timestamp};

/// A field with more than one value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contradiction {
    /// The field.
    pub path: String,
    /// The distinct values; first the one Automerge would show.
    pub values: Vec<ConflictingValue>,
}

/// One of the values of a contradicted field and who wrote it; of several who wrote the same, the one
/// whose operation Automerge orders last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConflictingValue {
    /// The value; `null` when the field was cleared.
    pub value: Option<Value>,
    /// Who, as the change claims.
    pub staff: Option<StaffId>,
    /// The area they worked for.
    pub area: Option<AreaCode>,
    /// The install that wrote it.
    pub actor: ActorId,
    /// When, by the author's clock; ISO 8601 in JSON.
    #[serde(with = "history::iso_8601")]
    pub at: Timestamp,
    /// The change that wrote it.
    pub change: ChangeHash,
}

/// A person was removed by one and edited by another, neither knowing of the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EditOfRemoved {
    /// Who.
    pub person: PersonId,
    /// The change that removed them.
    pub removal: ChangeHash,
    /// The change that edited them.
    pub edit: ChangeHash,
    /// The fields edited.
    pub paths: Vec<String>,
}

/// Every contradicted field, by path.
pub fn contradictions(document: &Document) -> Vec<Contradiction> {
    let mut found = Vec::new();
    for collection in document.inner().map_range(&ROOT, ..) {
        if matches!(collection.value, ValueRef::Object(ObjType::Map)) {
            collect(document, &collection.id(), &collection.key, 0, &mut found);
        }
    }
    if !found.is_empty() {
        let hidden = hidden(document);
        found.retain(|one| !hidden.iter().any(|entry| one.path.starts_with(entry)));
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn collect(
    document: &Document,
    map: &ObjId,
    path: &str,
    depth: usize,
    found: &mut Vec<Contradiction>,
) {
    for item in document.inner().map_range(map, ..) {
        let path = format!("{path}/{}", item.key);
        match item.value {
            ValueRef::Object(ObjType::Map) if depth == 0 => {
                collect(document, &item.id(), &path, depth + 1, found);
            }
            ValueRef::Object(_) => {}
            ValueRef::Scalar(_) if item.conflict => {
                let rule = field_at(document.id().kind, &path)
                    .map_or(MergeRule::Review, |field| field.rule);
                if rule == MergeRule::Review {
                    let values = attributed(document, map, &item.key);
                    if values.len() > 1 {
                        found.push(Contradiction { path, values });
                    }
                }
            }
            ValueRef::Scalar(_) => {}
        }
    }
}

/// Distinct values at a key, the winner first, each with who wrote it.
fn attributed(document: &Document, map: &ObjId, key: &str) -> Vec<ConflictingValue> {
    let mut values: Vec<ConflictingValue> = Vec::new();
    for (value, op) in document.values_in(map, key).into_iter().rev() {
        if values.iter().any(|earlier| earlier.value == value) {
            continue;
        }
        let meta = document
            .inner()
            .hash_for_opid(&op)
            .and_then(|hash| document.inner().get_change_meta_by_hash(&hash));
        let Some(meta) = meta else { continue };
        let attribution = meta
            .message
            .as_deref()
            .and_then(|message| message.parse::<Attribution>().ok());
        values.push(ConflictingValue {
            value,
            staff: attribution.as_ref().map(|a| a.staff),
            area: attribution.map(|a| a.area),
            actor: actor_of(&meta.actor),
            at: Timestamp::from_millis(meta.timestamp),
            change: ChangeHash::from(&meta.hash),
        });
    }
    values
}

/// The areas of residence that stand, the one Automerge would show first. More than one: contested.
/// What is no area code is left out.
pub fn residence_values(core: &Document) -> Vec<AreaCode> {
    let mut areas: Vec<AreaCode> = Vec::new();
    for value in core.values_at("residence/area").into_iter().rev().flatten() {
        if let Value::Text(text) = value
            && let Ok(area) = text.parse::<AreaCode>()
            && !areas.contains(&area)
        {
            areas.push(area);
        }
    }
    areas
}

/// Edits of persons whom someone else removed meanwhile, for every removal that stands. One is settled by
/// any later change of the person's removal that knows both: taking it back, or confirming it with a note.
pub fn edits_of_removed(core: &Document) -> Vec<EditOfRemoved> {
    let removals = standing_removals(core);
    if removals.is_empty() {
        // Most households have nobody removed; their history is not read.
        return Vec::new();
    }
    let mut marks: Vec<(PersonId, ChangeHash)> = Vec::new();
    let mut edits: BTreeMap<(PersonId, ChangeHash), Vec<String>> = BTreeMap::new();
    history::walk(core, |change, path, _| {
        let rest = path.strip_prefix("persons/");
        let Some((id, key)) = rest.and_then(|rest| rest.split_once('/')) else {
            return;
        };
        let Ok(person) = id.parse::<PersonId>() else {
            return;
        };
        let hash = ChangeHash::from(&change.hash());
        if key.starts_with("removed/") {
            marks.push((person, hash));
        } else {
            edits
                .entry((person, hash))
                .or_default()
                .push(path.to_owned());
        }
    });

    let graph = Graph::of(core);
    let mut found = Vec::new();
    for (person, removal) in removals {
        let before = graph.ancestors([removal]);
        let after = graph.descendants(removal);
        let later = marks
            .iter()
            .filter(|(marked, mark)| *marked == person && after.contains(mark))
            .map(|(_, mark)| *mark);
        let settled = graph.ancestors(later);
        for ((edited, edit), paths) in &edits {
            // Whoever writes down somebody who is gone already writes both in one change.
            let apart = *edit != removal && !before.contains(edit) && !after.contains(edit);
            if *edited == person && apart && !settled.contains(edit) {
                found.push(EditOfRemoved {
                    person,
                    removal,
                    edit: *edit,
                    paths: paths.clone(),
                });
            }
        }
    }
    found
}

/// Every removal that nothing has overwritten, by person, with the change that wrote it.
fn standing_removals(core: &Document) -> BTreeSet<(PersonId, ChangeHash)> {
    let mut removals = BTreeSet::new();
    let Some(persons) = core.map_of("persons", None) else {
        return removals;
    };
    for item in core.inner().map_range(&persons, ..) {
        let Ok(person) = item.key.parse::<PersonId>() else {
            continue;
        };
        for (value, op) in core.values_in(&item.id(), "removed/reason") {
            let change = core.inner().hash_for_opid(&op);
            if let (Some(_), Some(change)) = (value, change) {
                removals.insert((person, ChangeHash::from(&change)));
            }
        }
    }
    removals
}

/// Which change builds on which, parents first.
struct Graph(Vec<(ChangeHash, Vec<ChangeHash>)>);

impl Graph {
    fn of(document: &Document) -> Self {
        let metas = document.inner().get_changes_meta(&[]);
        let links = metas.iter().map(|meta| {
            let deps = meta.deps.iter().map(ChangeHash::from).collect();
            (ChangeHash::from(&meta.hash), deps)
        });
        Self(links.collect())
    }

    /// What any of these builds on, themselves left out unless another of them builds on it.
    fn ancestors(&self, of: impl IntoIterator<Item = ChangeHash>) -> HashSet<ChangeHash> {
        let of: HashSet<ChangeHash> = of.into_iter().collect();
        let mut found = HashSet::new();
        for (hash, deps) in self.0.iter().rev() {
            if of.contains(hash) || found.contains(hash) {
                found.extend(deps.iter().copied());
            }
        }
        found
    }

    /// What builds on this.
    fn descendants(&self, of: ChangeHash) -> HashSet<ChangeHash> {
        let mut found = HashSet::new();
        for (hash, deps) in &self.0 {
            if deps.iter().any(|dep| *dep == of || found.contains(dep)) {
                found.insert(*hash);
            }
        }
        found
    }
}

#[cfg(test)]
#[path = "conflict_tests.rs"]
mod tests;
