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
    /// When, by the author's clock, in milliseconds.
    pub at: Timestamp,
    /// The change that wrote it.
    pub change: ChangeHash,
    /// The kind of edit, such as `correct-person`.
    pub edit: Option<String>,
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

/// Calls `each` for every value people wrote, parents first.
pub(crate) fn walk(document: &Document, mut each: impl FnMut(&Change, &str, Option<Value>)) {
    let mut paths = Paths::new();
    for change in document.inner().get_changes(&[]) {
        let constant = document
            .constant(&ChangeHash::from(&change.hash()))
            .is_some();
        let first = change.start_op().get();
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
            if !constant {
                each(&change, &path, value);
            }
        }
    }
}
