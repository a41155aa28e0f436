//! What a change that is no part of a document would write in it, as far as that can be read. For people who decide about a
//! change that was kept aside: nothing here says that it may be applied.
//!
//! Every write that the record could take is read by itself, so that one fault does not hide the rest. What lies in a map
//! that cannot be told for certain is left out and counted.

use std::cell::LazyCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use automerge::ObjType;
use automerge::legacy::{Key, ObjectId, OpId, OpType};

use super::{ChangeFacts, KEY_BYTES_MAX, Map};
use crate::record::decision::is_decision;
use crate::record::document::Document;
use crate::record::handover::{HandOverState, hand_overs};
use crate::record::schema::{MergeRule, Shape, collection_named, is_entry_id};
use crate::record::value::Value;

/// What a change would write.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reading {
    /// Fields that a person can decide about, by path; `None` clears one.
    pub fields: BTreeMap<String, Option<Value>>,
    /// Entries that the change adds and the document lacks, as in a path: `persons/ID`.
    pub adds: BTreeSet<String>,
    /// Operations that cannot be read, or that no decision can make.
    pub left_out: usize,
}

impl Document {
    /// Reads what a change would write here, whether or not it could be applied. What it adds anew, and was marked as a mistake
    /// meanwhile, would be no mistake any more. A hand-over that has been answered stays as it is.
    pub fn reading(&self, facts: &ChangeFacts) -> Reading {
        let outline = self.outline();
        let whole = facts.deps.iter().all(|dep| self.has_or_constant(dep));
        let own = facts.op_id(0);
        // An author whose history went two ways gave one number to two maps: only what the change builds on tells which.
        let certain = |id: &OpId| id.1 != own.1 || (whole && id.0 < own.0);
        let mut made: HashMap<OpId, Map> =
            outline.maps_of_constants(&facts.deps).into_iter().collect();
        let answered = LazyCell::new(|| self.answered_moves());
        let mut read = Reading::default();
        for (at, op) in facts.ops.iter().enumerate() {
            read.left_out += 1;
            let (Key::Map(key), ObjectId::Id(id), false) = (&op.key, &op.obj, op.insert) else {
                continue;
            };
            let map = made.get(id);
            let map = map.or_else(|| outline.maps.get(id).filter(|_| certain(id)));
            let Some(map) = map.filter(|_| key.len() <= KEY_BYTES_MAX).cloned() else {
                continue;
            };
            let path = match &map {
                Map::Collection(name) | Map::Entry(name) => format!("{name}/{key}"),
            };
            match (&op.action, &map) {
                (OpType::Make(ObjType::Map), Map::Collection(name)) => {
                    let entries = collection_named(name).is_some_and(|c| c.shape == Shape::Entries);
                    if !entries || !is_entry_id(key) || is_decision(&format!("{path}/")) {
                        continue;
                    }
                    if outline.entries.contains(&path) {
                        self.read_mistake(&path, &mut read);
                    } else {
                        read.adds.insert(path.clone());
                    }
                    made.insert(facts.op_id(at), Map::Entry(path));
                }
                (OpType::Put(scalar), map) => {
                    let Ok(touch) = outline.judge_put(path, scalar, map) else {
                        continue;
                    };
                    let counts = |rule| rule == MergeRule::Counter;
                    if touch.field.is_none_or(|field| counts(field.rule))
                        || is_decision(&touch.path)
                        || (touch.path.starts_with("moves/")
                            && answered.iter().any(|entry| touch.path.starts_with(entry)))
                    {
                        continue;
                    }
                    read.fields.insert(touch.path, touch.value);
                }
                _ => continue,
            }
            read.left_out -= 1;
        }
        read
    }

    /// Hand-overs that wait for nobody, as a path to what is in them begins.
    fn answered_moves(&self) -> Vec<String> {
        let all = hand_overs(self).into_iter();
        let answered = all.filter(|one| one.state != HandOverState::Proposed);
        answered.map(|one| format!("moves/{}/", one.id)).collect()
    }

    /// An entry that is here and is marked as a mistake would count again.
    fn read_mistake(&self, entry: &str, read: &mut Reading) {
        let marked = self.values_at(&format!("{entry}/removed/reason"));
        if !marked.contains(&Some(Value::from("mistake"))) {
            return;
        }
        for key in ["removed/reason", "removed/on"] {
            let path = format!("{entry}/{key}");
            if self.values_at(&path).iter().any(Option::is_some) {
                read.fields.insert(path, None);
            }
        }
    }

    /// The distinct values that stand at a field, the one that Automerge shows first; none when nobody has written it.
    pub fn standing_at(&self, path: &str) -> Vec<Option<Value>> {
        let mut values = self.values_at(path);
        values.reverse();
        let mut seen = BTreeSet::new();
        values.retain(|value| seen.insert(value.clone()));
        values
    }
}

#[cfg(test)]
#[path = "reading_tests.rs"]
mod tests;
