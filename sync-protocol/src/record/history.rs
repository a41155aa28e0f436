//! Who wrote which value when: read from the changes themselves, so every copy tells the same story.
//!
//! One walk over the changes, parents first; nothing is applied and no document of the past is built.

use automerge::Change;
use automerge::legacy::{OpId, OpType};
use serde::{Deserialize, Serialize};

use super::attribution::Attribution;
use super::document::{Document, actor_of};
use super::inspect::Paths;
use super::value::Value;
use crate::{ActorId, AreaCode, ChangeHash, StaffId, Timestamp};

/// One value written once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// The field.
    pub path: String,
    /// The value written, the amount added to a counter, or `null` when the field was cleared.
    pub value: Option<Value>,
    /// Who, as the change claims; absent when it claims nobody.
    pub staff: Option<StaffId>,
    /// The area they worked for.
    pub area: Option<AreaCode>,
    /// The install that wrote it.
    pub actor: ActorId,
    /// When, by the author's clock; ISO 8601 in JSON.
    #[serde(with = "iso_8601")]
    pub at: Timestamp,
    /// The change that wrote it.
    pub change: ChangeHash,
    /// The kind of edit, such as `correct-person`.
    pub edit: Option<String>,
}

/// Moments as people read them, `2026-11-24T08:00:00.000Z`; outside the calendar, `-1 ms`.
pub(crate) mod iso_8601 {
    use crate::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(at: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(at)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
        let millis = match text.strip_suffix(" ms") {
            Some(millis) => millis.parse().ok(),
            None => text
                .parse::<jiff::Timestamp>()
                .ok()
                .map(|moment| moment.as_millisecond()),
        };
        millis
            .map(Timestamp::from_millis)
            .ok_or_else(|| D::Error::custom("not a moment in ISO 8601"))
    }
}

/// Every value written to a field, or to all fields below a path, or to any field; parents first, in an
/// order that every copy of the document agrees on for changes that build on each other.
pub fn history(document: &Document, path: Option<&str>) -> Vec<HistoryEntry> {
    let mut entries = Vec::new();
    walk(document, |change, field, value| {
        let wanted = path.is_none_or(|wanted| {
            field
                .strip_prefix(wanted)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        });
        if wanted {
            let attribution = change
                .message()
                .and_then(|message| message.parse::<Attribution>().ok());
            entries.push(HistoryEntry {
                path: field.to_owned(),
                value,
                staff: attribution.as_ref().map(|a| a.staff),
                area: attribution.as_ref().map(|a| a.area.clone()),
                actor: actor_of(change.actor_id()),
                at: Timestamp::from_millis(change.timestamp()),
                change: ChangeHash::from(&change.hash()),
                edit: attribution.map(|a| a.kind),
            });
        }
    });
    entries
}

/// Calls `each` for every value people wrote, parents first; of several that one change wrote to a field,
/// the last.
pub(crate) fn walk(document: &Document, mut each: impl FnMut(&Change, &str, Option<Value>)) {
    let mut paths = Paths::new();
    for change in document.all_changes() {
        let constant = document
            .constant(&ChangeHash::from(&change.hash()))
            .is_some();
        let first = change.start_op().get();
        let mut written: Vec<(String, Option<Value>)> = Vec::new();
        for (op, at) in change.decode().operations.iter().zip(first..) {
            let id = OpId(at, change.actor_id().clone());
            let Some(path) = paths.of(op, id) else {
                continue;
            };
            let value = match &op.action {
                OpType::Put(scalar) => Value::from_scalar(scalar),
                OpType::Increment(by) => Some(Value::Int(*by)),
                _ => continue,
            };
            // A field written twice is written twice in a row.
            match written.last_mut() {
                Some((last, earlier)) if *last == path => *earlier = value,
                _ => written.push((path, value)),
            }
        }
        if !constant {
            for (path, value) in written {
                each(&change, &path, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Edit;
    use crate::record::scene::*;

    #[test]
    fn a_fields_story_is_told_with_who_and_when() {
        let mut core = registered();
        core.edit(&correct(1, "birth", "1990"), &by(2)).unwrap();
        core.edit(
            &Edit::CorrectPerson {
                person: person(1),
                set: assign([("birth", None)]),
            },
            &by(3),
        )
        .unwrap();
        let path = format!("persons/{}/birth", person(1));
        let told = history(&core, Some(&path));
        let short: Vec<_> = told
            .iter()
            .map(|e| (e.value.clone(), e.staff, e.at, e.edit.as_deref()))
            .collect();
        assert_eq!(
            short,
            [
                (
                    text("1990"),
                    Some(by(2).staff),
                    by(2).at,
                    Some("correct-person")
                ),
                (None, Some(by(3).staff), by(3).at, Some("correct-person")),
            ]
        );
        assert_eq!(told[0].area, Some(by(2).area));
        assert_eq!(
            history(&core, Some(&format!("persons/{}", person(1)))).len(),
            3
        );
        assert_eq!(history(&core, Some("person")).len(), 0);
        assert!(history(&core, None).len() > 5);
    }

    #[test]
    fn json_of_an_entry_comes_back() {
        let core = registered();
        for mut entry in history(&core, None) {
            let json = serde_json::to_string(&entry).unwrap();
            assert!(json.contains("\"at\":\"2026-11-"), "{json}");
            assert_eq!(serde_json::from_str::<HistoryEntry>(&json).unwrap(), entry);
            entry.at = Timestamp::from_millis(i64::MIN);
            let json = serde_json::to_string(&entry).unwrap();
            assert_eq!(serde_json::from_str::<HistoryEntry>(&json).unwrap(), entry);
        }
    }
}
