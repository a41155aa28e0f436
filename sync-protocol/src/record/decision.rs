//! What reviewers decided, kept in the document that it is about: so a decision travels, waits and is told like everything
//! else, and those who wrote the values read on their tablets what was decided and why.
//!
//! A decision is an entry that says which open question it settles (`about`, in the words of whoever keeps the questions)
//! and why; what follows from it is written in the same change. One that was taken back says so and stays.

use automerge::{ObjId, ReadDoc as _, Value as AmValue};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

use super::document::Document;
use super::edit::{Assignments, Edit};
use super::joining::is_mark_of_a_copy;
use super::maps::Maps;
use super::schema::MergeRule;
use super::shown::Shown;
use super::value::Value;
use super::view::DecisionView;
use super::{history, schema};
use crate::{ChangeHash, DecisionId, DocKind};

/// The collection of decisions in a kind of document; names differ across documents.
pub const fn decisions_of(kind: DocKind) -> &'static str {
    match kind {
        DocKind::Core => "decisions",
        DocKind::Health => "health_decisions",
    }
}

/// Whether a path is written by decisions alone: it lies among them, or says which of them brought an entry.
pub fn is_decision(path: &str) -> bool {
    is_in_decisions(path) || is_mark_of_a_copy(path)
}

/// Whether a path lies in the decisions of any document.
pub(super) fn is_in_decisions(path: &str) -> bool {
    DocKind::ALL.into_iter().any(|kind| {
        path.strip_prefix(decisions_of(kind))
            .is_some_and(|rest| rest.starts_with('/'))
    })
}

/// Every decision of a document, those taken back among them.
pub fn decisions(document: &Document) -> BTreeMap<DecisionId, DecisionView> {
    Maps::Document(document).entries(decisions_of(document.id().kind), DecisionView::read)
}

impl DecisionView {
    /// Whether it was taken back.
    pub fn is_undone(&self) -> bool {
        self.undone.is_some()
    }
}

/// What was found, of a change that was kept aside or of two households.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DecisionOutcome {
    /// Everything that the change would write was written.
    Adopted,
    /// Some of it was, or something else in its place.
    Adapted,
    /// Nothing of it was.
    Refused,
    /// Two households are one family.
    Same,
    /// Two households are two families.
    Different,
}

impl DecisionOutcome {
    /// The word in the record.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Adopted => "adopted",
            Self::Adapted => "adapted",
            Self::Refused => "refused",
            Self::Same => "same",
            Self::Different => "different",
        }
    }
}

/// How a decision says that it is about a change that was kept aside: as whoever keeps the questions does.
pub fn about_aside(change: &ChangeHash) -> String {
    format!("quarantined {change}")
}

/// The decision about a change that was kept aside, unless each was taken back; the last made, if there are several.
pub fn decided_aside(
    decisions: &BTreeMap<DecisionId, DecisionView>,
    change: &ChangeHash,
) -> Option<(DecisionId, DecisionView)> {
    let about = about_aside(change);
    let is_about = |decision: &DecisionView| {
        let said = decision.about.iter().flat_map(Shown::values);
        !decision.is_undone() && said.into_iter().any(|said| *said == about)
    };
    let mut found = decisions.iter().rev();
    let (id, decision) = found.find(|(_, decision)| is_about(decision))?;
    Some((*id, decision.clone()))
}

/// What a decision did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// The change that made it.
    pub change: ChangeHash,
    /// The fields that it wrote, by path.
    pub fields: BTreeMap<String, Written>,
}

/// A field as one change wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// The distinct values that its author saw, in order; none when nobody had written it.
    pub before: Vec<Option<Value>>,
    /// The value it wrote.
    pub value: Option<Value>,
    /// Nobody has written the field since.
    pub stands: bool,
}

impl Decided {
    /// The edits that take it back, each to be made by another author on the document as it is: every field gets each
    /// of the values it had by an edit of its own. A field that had none is cleared, and an entry that the decision added is
    /// marked as a mistake.
    pub fn edits_to_undo(&self, decision: DecisionId, document: DocKind, why: &str) -> Vec<Edit> {
        let mut sets = vec![Assignments::new()];
        for (path, field) in &self.fields {
            if let Some(marks) = mistake_marks(&self.fields, path, why) {
                sets[0].extend(marks);
                continue;
            }
            for at in 0..field.before.len().max(1) {
                if sets.len() <= at {
                    sets.push(Assignments::new());
                }
                let before = field.before.get(at).cloned().flatten();
                sets[at].insert(path.clone(), before);
            }
        }
        let edits = sets.into_iter().enumerate();
        edits
            .map(|(at, set)| Edit::UndoDecision {
                decision,
                document,
                reason: (at == 0).then(|| why.to_owned()),
                set,
            })
            .collect()
    }
}

/// What marks the entry that a path lies in as a mistake, when the change that wrote these fields added it: entries are
/// never deleted. `None` for what it did not add. The story of a move that was told stays told.
pub fn mistake_marks(
    written: &BTreeMap<String, Written>,
    path: &str,
    why: &str,
) -> Option<Assignments> {
    let mut parts = path.splitn(3, '/');
    let (root, entry) = (parts.next()?, parts.next()?);
    let (needed, marks): (&str, &[(&str, &str)]) = match root {
        "persons" => (
            "name",
            &[("removed/reason", "mistake"), ("removed/note", why)],
        ),
        "visits" => (
            "kind",
            &[("removed/reason", "mistake"), ("removed/note", why)],
        ),
        "needs" => ("kind", &[("state", "withdrawn")]),
        "moves" => ("to", &[]),
        _ => return None,
    };
    let added = written.get(&format!("{root}/{entry}/{needed}"));
    added.filter(|added| added.before.is_empty())?;
    let marks = marks.iter().map(|(key, value)| {
        let path = format!("{root}/{entry}/{key}");
        (path, Some(Value::from(*value)))
    });
    Some(marks.collect())
}

/// What a decision of a document did; `None` when there is no such decision in it.
pub fn decided(document: &Document, decision: DecisionId) -> Option<Decided> {
    let about = format!("{}/{decision}/about", decisions_of(document.id().kind));
    let change = history::history(document, Some(&about)).first()?.change;
    let mut fields = written_by(document, &change);
    fields.retain(|path, _| !is_decision(path));
    Some(Decided { change, fields })
}

/// Every field that a change wrote, by path.
pub fn written_by(document: &Document, change: &ChangeHash) -> BTreeMap<String, Written> {
    let mut fields = BTreeMap::new();
    history::walk(document, |author, path, value| {
        if author.hash().0 == change.0 {
            fields.insert(path.to_owned(), value);
        }
    });
    let written = |(path, value): (String, Option<Value>)| {
        let written = Written {
            before: values_before(document, change, &path),
            stands: document.writers_of(&path) == BTreeSet::from([*change]),
            value,
        };
        (path, written)
    };
    fields.into_iter().map(written).collect()
}

/// The distinct values of a field that the author of a change saw before it, in order; none when nobody had written it.
pub fn values_before(document: &Document, change: &ChangeHash, path: &str) -> Vec<Option<Value>> {
    let inner = document.inner();
    let Some(meta) = inner.get_change_meta_by_hash(&change.into()) else {
        return Vec::new();
    };
    let found = schema::place(path).and_then(|place| {
        let map = document.map_of(place.root, place.entry)?;
        inner.get_all_at(&map, place.key, &meta.deps).ok()
    });
    let values = found.into_iter().flatten();
    let scalars = values.filter_map(|(value, _)| match value {
        AmValue::Scalar(scalar) => Some(Value::from_scalar(&scalar)),
        AmValue::Object(_) => None,
    });
    scalars.collect::<BTreeSet<_>>().into_iter().collect()
}

impl Document {
    /// What a field would be without the decision that wrote it: what it was, or what somebody wrote meanwhile who had not
    /// heard of it. `None` when it was written since, or several wrote it for review.
    pub(crate) fn value_without(&self, made: &Decided, path: &str) -> Option<Option<Value>> {
        let written = made.fields.get(path)?;
        if written.stands {
            return Some(written.before.first().cloned().flatten());
        }
        let standing = self.written_at(path);
        let (its, others): (Vec<_>, Vec<_>) = standing
            .into_iter()
            .partition(|(_, change)| *change == made.change);
        let distinct: BTreeSet<_> = others.iter().map(|(value, _)| value).collect();
        let rule = schema::field_at(self.id().kind, path)?.rule;
        if its.is_empty() || (rule == MergeRule::Review && distinct.len() > 1) {
            return None;
        }
        others.into_iter().next_back().map(|(value, _)| value)
    }

    /// The changes whose values of a field stand.
    fn writers_of(&self, path: &str) -> BTreeSet<ChangeHash> {
        let written = self.written_at(path).into_iter();
        written.map(|(_, change)| change).collect()
    }

    /// The values of a field that stand, the one that Automerge shows last, with the changes that wrote them.
    fn written_at(&self, path: &str) -> Vec<(Option<Value>, ChangeHash)> {
        let map = schema::place(path)
            .and_then(|place| Some((self.map_of(place.root, place.entry)?, place.key)));
        let values = map
            .into_iter()
            .flat_map(|(map, key)| self.values_in(&map, key));
        let with_its_change = |(value, op): (Option<Value>, ObjId)| {
            let hash = self.inner().hash_for_opid(&op)?;
            Some((value, ChangeHash::from(&hash)))
        };
        values.filter_map(with_its_change).collect()
    }
}

#[cfg(test)]
#[path = "decision_tests.rs"]
mod tests;
