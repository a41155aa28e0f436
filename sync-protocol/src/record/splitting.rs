//! Some members of a household leave it and are one of their own from then on. What has to be written in both records follows
//! from what the one record shows; the new household may move like any other.
//!
//! A person keeps their id, and what follows them is copied: their fields, health facts, visits and open requests. What the
//! household as a whole said or did stays where it is. A field with two values is decided first: nobody could tell in the new
//! record what each side had said.

use std::collections::BTreeSet;

use super::edit::{Assignments, Edit};
use super::input::{NewConsent, NewHousehold, NewNeed, NewPerson, NewVisit};
use super::shown::Shown;
use super::value::Value;
use super::view::{FactsView, HouseholdView, NeedView, PersonView, VisitView};
use crate::{AreaCode, HouseholdId, PersonId};

/// Who leaves, and where to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Leaving {
    /// Who: the first is the head of the new household.
    pub persons: Vec<PersonId>,
    /// Since when.
    pub on: String,
    /// Where a visit finds them; as before when absent.
    pub address: Option<String>,
    /// Their telephone.
    pub phone: Option<String>,
}

/// What is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// The new household.
    pub registered: NewHousehold,
    /// What is written in its record after that.
    pub theirs: Vec<Edit>,
    /// What is written in the record that they leave.
    pub ours: Vec<Edit>,
}

/// Why they cannot leave so, and what would make it possible.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CannotSplit {
    /// Nobody was named.
    #[error("nobody is named who leaves")]
    Nobody,
    /// Everybody leaves: the household moves.
    #[error("everybody would leave; move the household instead")]
    Everybody,
    /// Nobody of this id is in the household, or they have left it.
    #[error("the person {0} is not in this household")]
    NotHere(PersonId),
    /// A field that would be copied has several values.
    #[error("{field} has two values; decide which is true first")]
    Contradicted {
        /// Its full path.
        field: String,
    },
    /// The family goes on in another record.
    #[error("this family goes on in household {0}; split that one")]
    GoesOn(HouseholdId),
}

/// Decides what is written when some members leave for the new household `into`.
///
/// # Errors
/// [`CannotSplit`]; nothing has been written then.
pub fn split(
    view: &HouseholdView,
    leaving: &Leaving,
    into: HouseholdId,
) -> Result<Split, CannotSplit> {
    if let Some(other) = view.goes_on {
        return Err(CannotSplit::GoesOn(other));
    }
    let who: BTreeSet<PersonId> = leaving.persons.iter().copied().collect();
    let head = *leaving.persons.first().ok_or(CannotSplit::Nobody)?;
    let here = |id: &PersonId| {
        view.persons
            .get(id)
            .filter(|person| person.removed.is_none())
    };
    if let Some(stranger) = who.iter().find(|id| here(id).is_none()) {
        return Err(CannotSplit::NotHere(*stranger));
    }
    if view
        .persons
        .keys()
        .all(|id| here(id).is_none() || who.contains(id))
    {
        return Err(CannotSplit::Everybody);
    }

    let from = view.id;
    let text = |shown: &Option<Shown<String>>, field: &str| agreed(shown.as_ref(), "", field);
    let area = text(&view.residence.area, "residence/area")?;
    let address = match &leaving.address {
        Some(address) => Some(address.clone()),
        None => text(&view.residence.address, "residence/address")?,
    };
    let mut registered = NewHousehold {
        area: area.and_then(|area| area.parse::<AreaCode>().ok()),
        address,
        since: Some(leaving.on.clone()),
        phone: leaving.phone.clone(),
        note: None,
        consent: NewConsent {
            care: text(&view.consent.care, "consent/care")?,
            sharing: text(&view.consent.sharing, "consent/sharing")?,
        },
        persons: Vec::new(),
    };
    let (mut theirs, mut ours) = (Vec::new(), Vec::new());
    for id in &who {
        let relation = (*id == head).then(|| "head".to_owned());
        let person = view.persons.get(id).ok_or(CannotSplit::NotHere(*id))?;
        registered
            .persons
            .push(person_of(person, *id, from, relation)?);
        if let Some(facts) = view.facts.get(id) {
            let set = facts_of(facts, *id)?;
            if !set.is_empty() {
                theirs.push(Edit::SetHealth { person: *id, set });
            }
        }
        ours.push(Edit::RemovePerson {
            person: *id,
            reason: "moved-away".to_owned(),
            on: Some(leaving.on.clone()),
            note: None,
            to: Some(into),
        });
    }
    let is_theirs = |person: &Option<Shown<String>>| {
        let mut named = person.iter().flat_map(Shown::values);
        named.any(|person| person.parse().is_ok_and(|person| who.contains(&person)))
    };
    let visits = view.visits.iter();
    for (id, visit) in
        visits.filter(|(_, visit)| visit.removed.is_none() && is_theirs(&visit.person))
    {
        let at = format!("visits/{id}/");
        theirs.push(Edit::RecordVisit(NewVisit {
            id: Some(*id),
            ..visit_of(visit, &at, from)?
        }));
    }
    for (id, need) in view
        .needs
        .iter()
        .filter(|(_, need)| is_theirs(&need.person))
    {
        let at = format!("needs/{id}/");
        let state = agreed(need.state.as_ref(), &at, "state")?;
        let is_open = matches!(state.as_deref(), Some("open" | "in-progress"));
        // What a reviewer asks the staff is about this record.
        if is_open && need.asks.is_none() {
            theirs.push(Edit::NoteNeed(need_of(need, &at)?));
            let withdrawn = Some(Value::from("withdrawn"));
            ours.push(Edit::Set {
                set: [(format!("{at}state"), withdrawn)].into(),
            });
        }
    }
    Ok(Split {
        registered,
        theirs,
        ours,
    })
}

/// The one value of a field, if it has any.
fn agreed<T: Clone>(
    shown: Option<&Shown<T>>,
    at: &str,
    field: &str,
) -> Result<Option<T>, CannotSplit> {
    match shown {
        None => Ok(None),
        Some(shown) => match shown.agreed() {
            Some(value) => Ok(Some(value.clone())),
            None => Err(CannotSplit::Contradicted {
                field: format!("{at}{field}"),
            }),
        },
    }
}

fn person_of(
    person: &PersonView,
    id: PersonId,
    from: HouseholdId,
    relation: Option<String>,
) -> Result<NewPerson, CannotSplit> {
    let at = format!("persons/{id}/");
    let text = |shown: &Option<Shown<String>>, field: &str| agreed(shown.as_ref(), &at, field);
    Ok(NewPerson {
        id: Some(id),
        name: text(&person.name, "name")?.unwrap_or_default(),
        latin_name: text(&person.latin_name, "latin_name")?,
        sex: text(&person.sex, "sex")?,
        birth: text(&person.birth, "birth")?,
        relation,
        id_kind: text(&person.id_kind, "id_kind")?,
        id_number: text(&person.id_number, "id_number")?,
        phone: text(&person.phone, "phone")?,
        school: text(&person.school, "school")?,
        languages: person.languages.clone(),
        came_from: Some(from),
    })
}

fn facts_of(facts: &FactsView, person: PersonId) -> Result<Assignments, CannotSplit> {
    let at = format!("facts/{person}/");
    let FactsView {
        allergy,
        blood_group,
        due_date,
    } = facts;
    let mut set = Assignments::new();
    for (key, shown) in [
        ("allergy", allergy),
        ("blood_group", blood_group),
        ("due_date", due_date),
    ] {
        if let Some(value) = agreed(shown.as_ref(), &at, key)? {
            set.insert(key.to_owned(), Some(Value::Text(value)));
        }
    }
    Ok(set)
}

fn visit_of(visit: &VisitView, at: &str, from: HouseholdId) -> Result<NewVisit, CannotSplit> {
    let text = |shown: &Option<Shown<String>>, field: &str| agreed(shown.as_ref(), at, field);
    let number = |shown: &Option<Shown<i64>>, field: &str| agreed(shown.as_ref(), at, field);
    let person = text(&visit.person, "person")?;
    let first = visit.came_from.iter().flat_map(Shown::values).next();
    Ok(NewVisit {
        id: None,
        person: person.and_then(|person| person.parse().ok()),
        on: text(&visit.on, "on")?.unwrap_or_default(),
        kind: text(&visit.kind, "kind")?.unwrap_or_default(),
        note: text(&visit.note, "note")?,
        weight_g: number(&visit.weight_g, "weight_g")?,
        height_mm: number(&visit.height_mm, "height_mm")?,
        temperature_dc: number(&visit.temperature_dc, "temperature_dc")?,
        systolic: number(&visit.systolic, "systolic")?,
        diastolic: number(&visit.diastolic, "diastolic")?,
        vaccine: text(&visit.vaccine, "vaccine")?,
        next_on: text(&visit.next_on, "next_on")?,
        came_from: Some(first.and_then(|first| first.parse().ok()).unwrap_or(from)),
    })
}

fn need_of(need: &NeedView, at: &str) -> Result<NewNeed, CannotSplit> {
    let text = |shown: &Option<Shown<String>>, field: &str| agreed(shown.as_ref(), at, field);
    let person = text(&need.person, "person")?;
    Ok(NewNeed {
        id: None,
        kind: text(&need.kind, "kind")?.unwrap_or_default(),
        text: text(&need.text, "text")?.unwrap_or_default(),
        urgency: text(&need.urgency, "urgency")?,
        person: person.and_then(|person| person.parse().ok()),
        asks: None,
    })
}

#[cfg(test)]
#[path = "splitting_tests.rs"]
mod tests;
