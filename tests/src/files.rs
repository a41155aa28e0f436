//! Generated families as the files that `sojourn-tablet import` takes.

use serde_json::{Value, json};
use sojourn_sync_protocol::{HouseholdId, Timestamp, record::Edit};

use crate::{
    generate::{Generator, Household},
    workday::DayEdit,
};

/// A household with its id and moment: one line.
pub fn household_line(household: &Household, at: Timestamp) -> Value {
    let mut line = serde_json::to_value(&household.new).expect("a household is plain JSON");
    line["id"] = json!(household.id);
    line["at"] = json!(at.millis());
    line
}

/// An edit of a household: one line.
pub fn edit_line(household: HouseholdId, at: Timestamp, edit: &Edit) -> Value {
    json!({ "household": household, "at": at.millis(), "edit": edit })
}

/// A household and its visits, oldest first.
pub fn household_with_visits(
    generator: &mut Generator,
    household: &Household,
    visits: usize,
    at: Timestamp,
) -> Vec<Value> {
    let visits = generator.visits(household, visits);
    let visit_line = |visit| edit_line(household.id, at, &Edit::RecordVisit(visit));
    std::iter::once(household_line(household, at))
        .chain(visits.into_iter().map(visit_line))
        .collect()
}

/// The edits of a working day.
pub fn day_lines(day: &[DayEdit]) -> Vec<Value> {
    day.iter()
        .map(|edit| edit_line(edit.household, edit.at, &edit.edit))
        .collect()
}

/// The text of a file of these lines.
pub fn text(lines: &[Value]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}
