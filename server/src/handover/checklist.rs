//! What travels with a family that is handed over, counted from its record: so that both areas know what must not be dropped on
//! the way. Pure, and no more than counts: the area that takes over may see it before the household is its own.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use sojourn_sync_protocol::record::{HouseholdView, Shown, VisitView};
use sojourn_sync_protocol::{PartialDate, Timestamp};

/// Children younger than this many years wait for a place in a kindergarten or their first school.
const SCHOOL_YEARS: i16 = 7;

/// What travels with a family.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Checklist {
    /// Requests that are still open, by kind.
    pub needs: BTreeMap<String, u64>,
    /// People whose last visit names a next one; absent for who may not read health documents.
    pub visits_due: Option<u64>,
    /// Children under seven who wait for a school place.
    pub school_places: u64,
    /// Fields on which people still contradict each other.
    pub contradictions: u64,
    /// What the family said about its records following it: every value that stands.
    pub sharing: BTreeSet<String>,
    /// Whether it refused, or may have.
    pub sharing_refused: bool,
}

impl Checklist {
    /// Of a household as it stands at this moment, for somebody who may read health documents or may not.
    pub fn of(view: &HouseholdView, reads_health: bool, now: Timestamp) -> Self {
        let sharing: BTreeSet<String> = values(view.consent.sharing.as_ref()).cloned().collect();
        Self {
            needs: needs(view),
            visits_due: reads_health.then(|| visits_due(view)),
            school_places: school_places(view, now),
            contradictions: view.contradictions.len() as u64,
            sharing_refused: sharing.iter().any(|word| word != "given"),
            sharing,
        }
    }
}

fn values(shown: Option<&Shown<String>>) -> impl Iterator<Item = &String> {
    shown.into_iter().flat_map(Shown::values)
}

fn needs(view: &HouseholdView) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for need in view.needs.values() {
        let open = |word: &String| word == "open" || word == "in-progress";
        // What a reviewer asks the staff is no wish of the family.
        if need.asks.is_none()
            && values(need.state.as_ref()).any(open)
            && let Some(kind) = values(need.kind.as_ref()).next()
        {
            *counts.entry(kind.clone()).or_default() += 1;
        }
    }
    counts
}

fn visits_due(view: &HouseholdView) -> u64 {
    let mut last: BTreeMap<Option<&String>, (&String, &VisitView)> = BTreeMap::new();
    let gone = |visit: &&VisitView| {
        let mut seen = values(visit.person.as_ref()).filter_map(|person| person.parse().ok());
        seen.any(|person| {
            view.persons
                .get(&person)
                .is_some_and(|person| person.removed.is_some())
        })
    };
    let counts = |visit: &&VisitView| visit.removed.is_none() && !gone(visit);
    for visit in view.visits.values().filter(counts) {
        let Some(on) = values(visit.on.as_ref()).max() else {
            continue;
        };
        let whose = last.entry(values(visit.person.as_ref()).next());
        let whose = whose.or_insert((on, visit));
        if whose.0 <= on {
            *whose = (on, visit);
        }
    }
    let due = last.values().filter(|(_, visit)| visit.next_on.is_some());
    due.count() as u64
}

fn school_places(view: &HouseholdView, now: Timestamp) -> u64 {
    let Ok(today) = now.to_string().chars().take(10).collect::<String>().parse() else {
        return 0;
    };
    let waits = view.persons.values().filter(|person| {
        let wanted = |word: &String| word == "place-wanted" || word == "transfer-wanted";
        let young = |birth: &String| birth.parse().is_ok_and(|birth| is_young(birth, today));
        person.removed.is_none()
            && values(person.school.as_ref()).any(wanted)
            && values(person.birth.as_ref()).any(young)
    });
    waits.count() as u64
}

/// Whether somebody born then may still be under seven.
fn is_young(birth: PartialDate, today: PartialDate) -> bool {
    let (month, day) = match birth {
        PartialDate::Year(_) => (12, 31),
        PartialDate::Month(_, month) => (month, 31),
        PartialDate::Day(date) => (date.month(), date.day()),
    };
    let today = today.earliest();
    let seventh = (birth.year() + SCHOOL_YEARS, month, day);
    seventh > (today.year(), today.month(), today.day())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const PERSON: &str = "01a1ee56-5e00-7101-8101-010101010101";
    const CHILD: &str = "01a1ee56-5e00-7101-8101-020202020202";
    /// 2026-11-24.
    const NOW: Timestamp = Timestamp::from_millis(1_795_507_200_000);

    fn id(n: u8) -> String {
        format!("01a1ee56-5e00-7101-8101-0303030303{n:02}")
    }

    fn view(value: serde_json::Value) -> HouseholdView {
        let mut whole = json!({"id": PERSON, "contact": {"unanswered": 0}, "contradictions": [], "edits_of_removed": []});
        for (key, part) in value.as_object().unwrap() {
            whole[key] = part.clone();
        }
        serde_json::from_value(whole).unwrap()
    }

    #[test]
    fn what_is_open_is_counted_and_what_is_done_is_not() {
        let list = Checklist::of(
            &view(json!({
                "health": true,
                "consent": {"sharing": "given"},
                "needs": {
                    id(1): {"kind": "school", "state": "open"},
                    id(2): {"kind": "school", "state": {"contradicted": ["met", "in-progress"]}},
                    id(3): {"kind": "housing", "state": "met"},
                },
                "persons": {
                    PERSON: {"name": "测试1", "birth": "1990", "school": "place-wanted"},
                    CHILD: {"name": "测试2", "birth": "2020-03", "school": "place-wanted"},
                    id(9): {"name": "测试3", "birth": "2021", "school": "enrolled"},
                },
                "visits": {
                    id(4): {"person": CHILD, "on": "2026-09-01", "next_on": "2026-10"},
                    id(5): {"person": CHILD, "on": "2026-10-02"},
                    id(6): {"person": PERSON, "on": "2026-10-02", "next_on": "2027-01"},
                    id(7): {"on": "2026-10-02", "next_on": "2027-01", "removed": {"reason": "mistake"}},
                },
            })),
            true,
            NOW,
        );
        assert_eq!(list.needs, [("school".to_owned(), 2)].into());
        assert_eq!(list.visits_due, Some(1), "the child's next visit was made");
        assert_eq!((list.school_places, list.contradictions), (1, 0));
        assert!(!list.sharing_refused);
    }

    #[test]
    fn a_refusal_to_share_shows_even_where_it_is_contradicted() {
        let refused = |sharing: serde_json::Value| {
            let list = Checklist::of(&view(json!({"consent": {"sharing": sharing}})), false, NOW);
            assert_eq!(list.visits_due, None);
            list.sharing_refused
        };
        assert!(refused(json!("refused")));
        assert!(refused(json!({"contradicted": ["given", "withdrawn"]})));
        assert!(!refused(json!("given")));
        assert!(!Checklist::of(&view(json!({})), true, NOW).sharing_refused);
    }

    #[test]
    fn a_birth_date_counts_as_precisely_as_it_is_known() {
        let young = |birth: &str| is_young(birth.parse().unwrap(), "2026-11-24".parse().unwrap());
        for birth in ["2019", "2019-11", "2019-11-25", "2020-01-01"] {
            assert!(young(birth), "{birth}");
        }
        for birth in ["2018", "2019-10", "2019-11-24"] {
            assert!(!young(birth), "{birth}");
        }
    }
}
