//! What a choice writes, beside the entry that says so. Pure.

use sojourn_sync_protocol::ChangeHash;
use sojourn_sync_protocol::record::{
    Assignments, Document, Value, contradictions, mistake_marks, written_by,
};

use super::decide::{Choice, Objection};
use super::{Item, RESIDENCE, ReviewKind};

/// What a choice writes.
pub(super) fn assignments(
    item: &Item,
    document: &Document,
    choice: &Choice,
    reason: &str,
) -> Result<Assignments, Objection> {
    use ReviewKind::{ContestedResidence, Contradiction, EditOfRemoved, LateEdit, UnknownArea};
    let path = || match item.kind {
        UnknownArea => RESIDENCE.to_owned(),
        _ => item.subject.clone(),
    };
    match (item.kind, choice) {
        (Contradiction | ContestedResidence, Choice::Value { change }) => {
            let found = contradictions(document)
                .into_iter()
                .filter(|found| found.path == item.subject)
                .flat_map(|found| found.values)
                .find(|value| value.change == *change);
            let value = found.ok_or(Objection::NotAChoice)?.value;
            Ok([(path(), value)].into())
        }
        (Contradiction | ContestedResidence | UnknownArea, Choice::Other { value }) => {
            Ok([(path(), value.clone())].into())
        }
        (EditOfRemoved, Choice::Keep {} | Choice::Restore {}) => {
            let person = item.subject.split(' ').next().unwrap_or_default();
            let key = |key: &str| format!("{person}/removed/{key}");
            let mut set: Assignments = [(key("note"), Some(Value::Text(reason.to_owned())))].into();
            if matches!(choice, Choice::Restore {}) {
                set.extend([(key("reason"), None), (key("on"), None)]);
            }
            Ok(set)
        }
        (LateEdit, Choice::Keep {}) => Ok(Assignments::new()),
        (LateEdit, Choice::PutBack {}) => {
            let change = item.subject.parse().map_err(|_| Objection::NotAChoice)?;
            put_back(document, &change, reason)
        }
        _ => Err(Objection::NotAChoice),
    }
}

/// What puts a change back where nobody has written since: fields get the values that they had, and what it added is
/// marked as a mistake. The story of a move that it told stays told.
fn put_back(
    document: &Document,
    change: &ChangeHash,
    reason: &str,
) -> Result<Assignments, Objection> {
    let written = written_by(document, change);
    let mut set = Assignments::new();
    for (path, field) in &written {
        if let Some(marks) = mistake_marks(&written, path, reason) {
            set.extend(marks);
        } else if field.stands && field.before.len() <= 1 {
            set.insert(path.clone(), field.before.first().cloned().flatten());
        }
    }
    if set.is_empty() {
        return Err(Objection::NotAChoice);
    }
    Ok(set)
}
