//! Input files: a household, a visit, an edit, or many lines of them.

use std::fs;
use std::io::Read;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde_json::Value;
use sojourn_sync_protocol::record::{Edit, NewHousehold};
use sojourn_sync_protocol::{HouseholdId, Timestamp};

use crate::problem::{Problem, Reason};

/// One edit to take in.
#[derive(Debug)]
pub(crate) struct Line {
    /// Where it stands in its file, from 1.
    pub(crate) line: usize,
    /// Whose household; `None` for a new one without an id.
    pub(crate) household: Option<HouseholdId>,
    /// When it was made, if the file says so.
    pub(crate) at: Option<Timestamp>,
    /// The edit.
    pub(crate) edit: Edit,
}

/// The text of a file; `-` is standard input.
pub(crate) fn text(path: &Path) -> Result<String, Problem> {
    let read = if path == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        fs::read_to_string(path)
    };
    let text = read.map_err(|error| Problem::Unreadable {
        path: path.into(),
        error,
    })?;
    // Editors on some systems begin a file with a byte order mark.
    Ok(text
        .strip_prefix('\u{feff}')
        .map(str::to_owned)
        .unwrap_or(text))
}

/// A file that holds one JSON value of a known shape.
pub(crate) fn one<T: DeserializeOwned>(path: &Path) -> Result<T, Problem> {
    serde_json::from_str(&text(path)?).map_err(|error| bad(path, None, error.to_string()))
}

/// A file that holds one household.
pub(crate) fn household(path: &Path) -> Result<Line, Problem> {
    let value: Value = one(path)?;
    line(value, 1).map_err(|reason| bad(path, None, reason))
}

/// A file of one JSON object a line; empty lines do not count.
pub(crate) fn lines(path: &Path) -> Result<Vec<Line>, Problem> {
    let text = text(path)?;
    let mut found = Vec::new();
    for (at, text) in text
        .lines()
        .enumerate()
        .filter(|(_, text)| !text.trim().is_empty())
    {
        let number = at + 1;
        let read = serde_json::from_str(text)
            .map_err(|error| error.to_string())
            .and_then(|value| line(value, number));
        found.push(read.map_err(|reason| bad(path, Some(number), reason))?);
    }
    Ok(found)
}

fn bad(path: &Path, line: Option<usize>, reason: String) -> Problem {
    Problem::BadInput {
        path: path.into(),
        line,
        reason: Reason::Shape(reason),
    }
}

/// Reads `{"household", "edit", "at"?}`, or a household with `id` and `at` if it has them.
fn line(value: Value, number: usize) -> Result<Line, String> {
    let Value::Object(mut fields) = value else {
        return Err("expected an object: {…}".into());
    };
    let at = fields.remove("at").map(moment).transpose()?;
    if let Some(edit) = fields.remove("edit") {
        let household = fields.remove("household").ok_or("`household` is missing")?;
        if let Some(other) = fields.keys().next() {
            return Err(format!(
                "unknown field `{other}`; expected `household`, `edit`, `at`"
            ));
        }
        let household = serde_json::from_value(household).map_err(|e| format!("household: {e}"))?;
        let edit = serde_json::from_value(edit).map_err(|error| format!("edit: {error}"))?;
        return Ok(Line {
            line: number,
            household: Some(household),
            at,
            edit,
        });
    }
    let id = fields.remove("id");
    let household = id
        .map(serde_json::from_value)
        .transpose()
        .map_err(|e| format!("id: {e}"))?;
    let new: NewHousehold =
        serde_json::from_value(Value::Object(fields)).map_err(|error| error.to_string())?;
    Ok(Line {
        line: number,
        household,
        at,
        edit: Edit::RegisterHousehold(new),
    })
}

/// Milliseconds, or ISO 8601 with an offset.
fn moment(value: Value) -> Result<Timestamp, String> {
    let wrong = || "at: expected milliseconds, or ISO 8601 such as 2026-11-24T08:00:00Z".to_owned();
    match value {
        Value::Number(number) => number
            .as_i64()
            .map(Timestamp::from_millis)
            .ok_or_else(wrong),
        Value::String(text) => {
            let moment: jiff::Timestamp = text.parse().map_err(|_| wrong())?;
            Ok(Timestamp::from_millis(moment.as_millisecond()))
        }
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const ID: &str = "01990000-0001-7fff-bfff-ffffffffffff";

    #[test]
    fn a_line_is_a_household_or_an_edit_of_one() {
        let new = line(json!({"id": ID, "persons": [{"name": "李娜"}]}), 3).unwrap();
        assert_eq!(new.household.unwrap().to_string(), ID);
        assert!(matches!(new.edit, Edit::RegisterHousehold(new) if new.persons.len() == 1));
        let visit = json!({"edit": "record-visit", "on": "2026-11-24", "kind": "child"});
        let edit = line(
            json!({"household": ID, "edit": visit, "at": "1970-01-01T08:00:01+08:00"}),
            1,
        );
        assert_eq!(edit.unwrap().at, Some(Timestamp::from_millis(1000)));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (value, expected) in [
            (json!([]), "expected an object"),
            (json!({"personz": []}), "personz"),
            (json!({"id": "x"}), "id"),
            (json!({"edit": {"edit": "fly"}, "household": ID}), "fly"),
            (json!({"edit": {"edit": "nobody-home"}}), "household"),
            (json!({"at": true}), "at"),
        ] {
            let reason = line(value, 1).unwrap_err();
            assert!(reason.contains(expected), "{reason}");
        }
    }
}
