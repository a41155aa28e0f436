//! What people hand in to make something new: a household, a person, a move or a proposal of one, a need, a visit, a decision.
//!
//! Their JSON is the format of `add`, `import` and `visit` files. A key that is not known is refused by
//! name, so that a misspelt field is never silently dropped. Ids may be given, so that a file can be
//! imported twice without making two of anyone; absent ids are filled in by [`super::Edit::with_ids`].

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

use super::decision::DecisionOutcome;
use super::edit::Assignments;
use super::goes_on::GoesOn;
use super::value::Value;
use crate::{
    AreaCode, DecisionId, DocKind, HouseholdId, MoveId, NeedId, PersonId, StaffId, VisitId,
};

/// A household to register.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(optional_fields))]
#[serde(deny_unknown_fields)]
pub struct NewHousehold {
    /// Area of residence; the area the author works for when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "typescript", ts(as = "Option<String>"))]
    pub area: Option<AreaCode>,
    /// Where a visit finds them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Since when they live there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// Telephone of the household.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// How and when they want to be reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// What they agreed to.
    #[serde(default, skip_serializing_if = "NewConsent::is_empty")]
    #[cfg_attr(feature = "typescript", ts(as = "Option<NewConsent>"))]
    pub consent: NewConsent,
    /// Who belongs to it.
    #[serde(default)]
    #[cfg_attr(feature = "typescript", ts(as = "Option<Vec<NewPerson>>"))]
    pub persons: Vec<NewPerson>,
}

/// What a family agreed to when it registered.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(optional_fields))]
#[serde(deny_unknown_fields)]
pub struct NewConsent {
    /// Follow-up visits: `given`, `refused`, `withdrawn`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub care: Option<String>,
    /// Records follow the family: `given`, `refused`, `withdrawn`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sharing: Option<String>,
}

/// A person to add.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(optional_fields))]
#[serde(deny_unknown_fields)]
pub struct NewPerson {
    /// Their id, when the file names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "typescript", ts(as = "Option<String>"))]
    pub id: Option<PersonId>,
    /// Name as people say it.
    pub name: String,
    /// Name in Latin letters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latin_name: Option<String>,
    /// `female`, `male`, `unspecified`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sex: Option<String>,
    /// Birth date: year, month or day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub birth: Option<String>,
    /// Relation to the head of household.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relation: Option<String>,
    /// Which document the number is of; `resident` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_kind: Option<String>,
    /// The number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_number: Option<String>,
    /// Their telephone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// Whether a school place has to be found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub school: Option<String>,
    /// Languages spoken.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    #[cfg_attr(feature = "typescript", ts(as = "Option<Vec<String>>"))]
    pub languages: BTreeSet<String>,
    /// From which household they come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "typescript", ts(as = "Option<String>"))]
    pub came_from: Option<HouseholdId>,
}

/// A move to another residence.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(optional_fields))]
#[serde(deny_unknown_fields)]
pub struct NewMove {
    /// Its id, when given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "typescript", ts(as = "Option<String>"))]
    pub id: Option<MoveId>,
    /// Area moved to.
    pub to: String,
    /// Day of the move.
    pub on: String,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The new address; without one the old address is cleared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// When a stay for a time ends; for good when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// The area that the family left has handed it over, or the family showed its card: it is told as a hand-over that was accepted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[cfg_attr(feature = "typescript", ts(as = "Option<bool>"))]
    pub agreed: bool,
    /// The card that the family showed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<String>,
}

/// A family at the door that comes from elsewhere: the area where it lived is asked to hand it over.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(optional_fields))]
#[serde(deny_unknown_fields)]
pub struct NewArrival {
    /// Its id, when given.
    #[cfg_attr(feature = "typescript", ts(as = "Option<String>"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<MoveId>,
    /// Area where the family says that it lived, or one above.
    pub from: String,
    /// Day of the move.
    pub on: String,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When a stay for a time ends; for good when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// The card that the family showed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<String>,
}

/// A move that is prepared: the area moved to is asked to take the household over.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewHandOver {
    /// Its id, when given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<MoveId>,
    /// Area to move to.
    pub to: String,
    /// Day of the move.
    pub on: String,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When a stay for a time ends; for good when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

/// The answer to a move that was prepared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MoveAnswer {
    /// Which move.
    pub r#move: MoveId,
    /// Whether the household is taken over.
    pub accept: bool,
    /// Why; needed to reject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The id of the decision that says why it was accepted, when given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<DecisionId>,
}

/// Something a family asks for, or that a reviewer asks the staff to find out.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(optional_fields))]
#[serde(deny_unknown_fields)]
pub struct NewNeed {
    /// Its id, when given.
    #[cfg_attr(feature = "typescript", ts(as = "Option<String>"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<NeedId>,
    /// Which office can help.
    pub kind: String,
    /// What they ask for.
    pub text: String,
    /// `routine` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub urgency: Option<String>,
    /// For whom.
    #[cfg_attr(feature = "typescript", ts(as = "Option<String>"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person: Option<PersonId>,
    /// The kind of open question that a reviewer asks about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asks: Option<String>,
}

/// A visit that was made.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(optional_fields))]
#[serde(deny_unknown_fields)]
pub struct NewVisit {
    /// Its id, when given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "typescript", ts(as = "Option<String>"))]
    pub id: Option<VisitId>,
    /// Who was seen; nobody in particular when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "typescript", ts(as = "Option<String>"))]
    pub person: Option<PersonId>,
    /// Day of the visit.
    pub on: String,
    /// Which care was given.
    pub kind: String,
    /// Findings and advice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Weight in grams.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight_g: Option<i64>,
    /// Height in millimetres.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub height_mm: Option<i64>,
    /// Temperature in tenths of a degree Celsius.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature_dc: Option<i64>,
    /// Systolic pressure in mmHg.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub systolic: Option<i64>,
    /// Diastolic pressure in mmHg.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diastolic: Option<i64>,
    /// Vaccine given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vaccine: Option<String>,
    /// When the next visit is due.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_on: Option<String>,
    /// In which household's record it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "typescript", ts(as = "Option<String>"))]
    pub came_from: Option<HouseholdId>,
}

/// What a reviewer decides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewDecision {
    /// Its id, when given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<DecisionId>,
    /// The document it is about.
    pub document: DocKind,
    /// Which open question it settles.
    pub about: String,
    /// Why.
    pub reason: String,
    /// Who agreed, where two people decide.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconded: Option<StaffId>,
    /// What was found, where it is about a change that was kept aside or about two households.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<DecisionOutcome>,
    /// The record takes over what `set` says from another record of the same family: values that were accepted there, right or
    /// wrong.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub takes_over: bool,
    /// In which record the family goes on, and who its persons are there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goes_on: Option<GoesOn>,
    /// What follows from it: fields of the document by full path, and their values; `null` clears.
    #[serde(default)]
    pub set: Assignments,
}

/// The keys of an entry and the values given for them.
pub(crate) type Given = Vec<(String, Value)>;

struct Collect(Given);

impl Collect {
    fn text(mut self, key: &str, text: Option<&String>) -> Self {
        self.0
            .extend(text.map(|text| (key.to_owned(), Value::Text(text.clone()))));
        self
    }

    fn int(mut self, key: &str, number: Option<i64>) -> Self {
        self.0
            .extend(number.map(|number| (key.to_owned(), Value::Int(number))));
        self
    }
}

fn named(household: Option<HouseholdId>) -> Option<String> {
    household.map(|household| household.to_string())
}

impl NewConsent {
    fn is_empty(&self) -> bool {
        self.care.is_none() && self.sharing.is_none()
    }
}

impl NewHousehold {
    /// Paths of the household's own fields; the area is decided by the caller.
    pub(crate) fn given(&self) -> Given {
        Collect(Vec::new())
            .text("residence/address", self.address.as_ref())
            .text("residence/since", self.since.as_ref())
            .text("contact/phone", self.phone.as_ref())
            .text("contact/note", self.note.as_ref())
            .text("consent/care", self.consent.care.as_ref())
            .text("consent/sharing", self.consent.sharing.as_ref())
            .0
    }
}

impl NewPerson {
    pub(crate) fn given(&self) -> Given {
        let mut given = Collect(Vec::new())
            .text("name", Some(&self.name))
            .text("latin_name", self.latin_name.as_ref())
            .text("sex", self.sex.as_ref())
            .text("birth", self.birth.as_ref())
            .text("relation", self.relation.as_ref())
            .text("id_kind", self.id_kind.as_ref())
            .text("id_number", self.id_number.as_ref())
            .text("phone", self.phone.as_ref())
            .text("school", self.school.as_ref())
            .text("came_from", named(self.came_from).as_ref())
            .0;
        given.extend(
            self.languages
                .iter()
                .map(|tag| (format!("languages/{tag}"), Value::Flag(true))),
        );
        given
    }
}

impl NewMove {
    pub(crate) fn given(&self) -> Given {
        Collect(Vec::new())
            .text("to", Some(&self.to))
            .text("on", Some(&self.on))
            .text("reason", self.reason.as_ref())
            .text("until", self.until.as_ref())
            .text("card", self.card.as_ref())
            .0
    }
}

impl NewArrival {
    pub(crate) fn given(&self) -> Given {
        Collect(Vec::new())
            .text("from", Some(&self.from))
            .text("on", Some(&self.on))
            .text("reason", self.reason.as_ref())
            .text("until", self.until.as_ref())
            .0
    }
}

impl NewHandOver {
    pub(crate) fn given(&self) -> Given {
        Collect(Vec::new())
            .text("to", Some(&self.to))
            .text("on", Some(&self.on))
            .text("reason", self.reason.as_ref())
            .text("until", self.until.as_ref())
            .0
    }
}

impl NewNeed {
    pub(crate) fn given(&self) -> Given {
        let urgency = self.urgency.clone().unwrap_or_else(|| "routine".to_owned());
        Collect(Vec::new())
            .text("kind", Some(&self.kind))
            .text("text", Some(&self.text))
            .text("urgency", Some(&urgency))
            .text("state", Some(&"open".to_owned()))
            .text(
                "person",
                self.person.map(|person| person.to_string()).as_ref(),
            )
            .text("asks", self.asks.as_ref())
            .0
    }
}

impl NewDecision {
    pub(crate) fn given(&self) -> Given {
        let seconded = self.seconded.map(|staff| staff.to_string());
        let outcome = self.outcome.map(|outcome| outcome.name().to_owned());
        Collect(Vec::new())
            .text("about", Some(&self.about))
            .text("reason", Some(&self.reason))
            .text("seconded", seconded.as_ref())
            .text("outcome", outcome.as_ref())
            .0
            .into_iter()
            .chain(self.goes_on.iter().flat_map(GoesOn::given))
            .collect()
    }
}

impl NewVisit {
    pub(crate) fn given(&self) -> Given {
        Collect(Vec::new())
            .text(
                "person",
                self.person.map(|person| person.to_string()).as_ref(),
            )
            .text("on", Some(&self.on))
            .text("kind", Some(&self.kind))
            .text("note", self.note.as_ref())
            .int("weight_g", self.weight_g)
            .int("height_mm", self.height_mm)
            .int("temperature_dc", self.temperature_dc)
            .int("systolic", self.systolic)
            .int("diastolic", self.diastolic)
            .text("vaccine", self.vaccine.as_ref())
            .text("next_on", self.next_on.as_ref())
            .text("came_from", named(self.came_from).as_ref())
            .0
    }
}
