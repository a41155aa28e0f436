//! A household as people see it: every declared field, with both values where they contradict.
//!
//! The JSON of [`HouseholdView`] is what reading commands print; `docs/DATA_MODEL.md` documents it. A
//! field nobody filled in is absent. Keys of newer schemas are kept in the document but not shown.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::conflict::{Contradiction, EditOfRemoved};
use super::decision::decisions_of;
use super::document::{Document, RecordError};
use super::id_number;
use super::maps::{MapReader, Maps};
use super::plain::{Plain, last_change_saved};
use super::schema::MergeRule;
use super::shown::Shown;
use super::value::Value;
use crate::{DecisionId, DocKind, HouseholdId, MoveId, NeedId, PersonId, Timestamp, VisitId};

/// A value as a view's field types it.
trait FromValue: Sized {
    /// `None` when the value is of another kind, which only damaged structure can bring about.
    fn from_value(value: Value) -> Option<Self>;
}

impl FromValue for String {
    fn from_value(value: Value) -> Option<Self> {
        Some(match value {
            Value::Text(text) => text,
            other => other.to_string(),
        })
    }
}

impl FromValue for i64 {
    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Int(number) => Some(number),
            Value::Text(text) => text.parse().ok(),
            Value::Flag(_) => None,
        }
    }
}

macro_rules! view_of {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $ty:ty = $key:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
        #[serde(default)]
        pub struct $name {
            $($(#[$field_doc])* #[serde(skip_serializing_if = "Option::is_none")] pub $field: Option<Shown<$ty>>,)*
        }

        impl $name {
            pub(super) fn read(map: &MapReader<'_>) -> Self {
                Self { $($field: map.shown($key),)* }
            }

            #[allow(dead_code, reason = "only some views can be empty")]
            fn is_empty(&self) -> bool {
                *self == Self::default()
            }
        }
    };
}

view_of!(
    /// Where the household lives.
    ResidenceView {
        /// Responsible area.
        area: String = "area",
        /// Where a visit finds them.
        address: String = "address",
        /// Since when.
        since: String = "since",
    }
);

view_of!(
    /// What the family agreed to.
    ConsentView {
        /// Follow-up visits.
        care: String = "care",
        /// Records follow the family.
        sharing: String = "sharing",
    }
);

view_of!(
    /// A removal.
    RemovedPerson {
        /// Why.
        reason: String = "removed/reason",
        /// Since when.
        on: String = "removed/on",
        /// What the next member of staff should know.
        note: String = "removed/note",
        /// In which household the person goes on.
        to: String = "removed/to",
    }
);

view_of!(
    /// Why a visit does not count.
    RemovedVisit {
        /// Why.
        reason: String = "removed/reason",
        /// What was mistaken.
        note: String = "removed/note",
    }
);

view_of!(
    /// One move.
    MoveView {
        /// The area that hands over.
        from: String = "from",
        /// The area that takes over.
        to: String = "to",
        /// Day of the move.
        on: String = "on",
        /// Why.
        reason: String = "reason",
        /// When a stay for a time ends.
        until: String = "until",
        /// How it stands between the two areas; absent when the household moved at once.
        state: String = "state",
        /// Why it was rejected or withdrawn.
        answer: String = "answer",
        /// Who began it; absent where the area moved from did.
        begun_by: String = "begun_by",
        /// The card that the family showed.
        card: String = "card",
        /// Which decision brought it from another record of the family.
        copied: String = "copied",
    }
);

view_of!(
    /// Something the family asked for.
    NeedView {
        /// Which office can help.
        kind: String = "kind",
        /// What they ask for.
        text: String = "text",
        /// Order of work.
        urgency: String = "urgency",
        /// Whether it is still open.
        state: String = "state",
        /// For whom: a person's id.
        person: String = "person",
        /// Which kind of open question a reviewer asks about; absent in what the family asks for.
        asks: String = "asks",
        /// What the staff found out.
        answer: String = "answer",
        /// Which decision brought it from another record of the family.
        copied: String = "copied",
    }
);

view_of!(
    /// A person's health facts.
    FactsView {
        /// What must not be given.
        allergy: String = "allergy",
        /// Blood group.
        blood_group: String = "blood_group",
        /// Expected date of delivery.
        due_date: String = "due_date",
    }
);

view_of!(
    /// What a reviewer decided; who and when, the history of `about` tells.
    DecisionView {
        /// Which open question it settles.
        about: String = "about",
        /// Why.
        reason: String = "reason",
        /// Who agreed, where two people decide: the id of a member of staff.
        seconded: String = "seconded",
        /// What was found: see [`super::DecisionOutcome`].
        outcome: String = "outcome",
        /// In which record the family goes on, where it had two.
        goes_on: String = "goes_on",
        /// Why it was taken back, if it was.
        undone: String = "undone",
    }
);

/// How the household is reached.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ContactView {
    /// Telephone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<Shown<String>>,
    /// How and when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<Shown<String>>,
    /// Calls that found nobody home.
    pub unanswered: i64,
}

/// A person of the household.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PersonView {
    /// Name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Shown<String>>,
    /// Name in Latin letters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latin_name: Option<Shown<String>>,
    /// `female`, `male`, `unspecified`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sex: Option<Shown<String>>,
    /// Birth date as precisely as known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub birth: Option<Shown<String>>,
    /// Relation to the head.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relation: Option<Shown<String>>,
    /// Which document the number is of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_kind: Option<Shown<String>>,
    /// The number, in full unless masked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_number: Option<Shown<String>>,
    /// Telephone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<Shown<String>>,
    /// Whether a school place has to be found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub school: Option<Shown<String>>,
    /// Languages spoken.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub languages: BTreeSet<String>,
    /// Set when the person is marked as no longer of the household.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub removed: Option<RemovedPerson>,
    /// From which household they came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub came_from: Option<Shown<String>>,
    /// Which decision brought it from another record of the family.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub copied: Option<Shown<String>>,
}

/// A visit.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct VisitView {
    /// Who was seen: a person's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person: Option<Shown<String>>,
    /// Day of the visit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on: Option<Shown<String>>,
    /// Which care was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<Shown<String>>,
    /// Findings and advice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<Shown<String>>,
    /// Weight in grams.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight_g: Option<Shown<i64>>,
    /// Height in millimetres.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub height_mm: Option<Shown<i64>>,
    /// Temperature in tenths of a degree Celsius.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature_dc: Option<Shown<i64>>,
    /// Systolic pressure in mmHg.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub systolic: Option<Shown<i64>>,
    /// Diastolic pressure in mmHg.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diastolic: Option<Shown<i64>>,
    /// Vaccine given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vaccine: Option<Shown<String>>,
    /// When the next visit is due.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_on: Option<Shown<String>>,
    /// Set when the visit does not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub removed: Option<RemovedVisit>,
    /// In which household's record it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub came_from: Option<Shown<String>>,
    /// Which decision brought it from another record of the family.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub copied: Option<Shown<String>>,
}

/// One household.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HouseholdView {
    /// Its id.
    pub id: HouseholdId,
    /// Where it lives.
    #[serde(default)]
    pub residence: ResidenceView,
    /// How it is reached.
    #[serde(default)]
    pub contact: ContactView,
    /// What it agreed to.
    #[serde(default)]
    pub consent: ConsentView,
    /// Its persons, removed ones among them.
    #[serde(default)]
    pub persons: BTreeMap<PersonId, PersonView>,
    /// Its moves.
    #[serde(default)]
    pub moves: BTreeMap<MoveId, MoveView>,
    /// What it asked for.
    #[serde(default)]
    pub needs: BTreeMap<NeedId, NeedView>,
    /// Whether the health document was read; without it, visits and facts say nothing.
    #[serde(default)]
    pub health: bool,
    /// Its visits.
    #[serde(default)]
    pub visits: BTreeMap<VisitId, VisitView>,
    /// Health facts by person.
    #[serde(default)]
    pub facts: BTreeMap<PersonId, FactsView>,
    /// In which record the family goes on, where it had two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goes_on: Option<HouseholdId>,
    /// What reviewers decided, in both documents.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub decisions: BTreeMap<DecisionId, DecisionView>,
    /// Every contradicted field of both documents.
    #[serde(default)]
    pub contradictions: Vec<Contradiction>,
    /// Edits of persons removed meanwhile.
    #[serde(default)]
    pub edits_of_removed: Vec<EditOfRemoved>,
}

impl HouseholdView {
    /// Hides the middle of every identity number, contradicted ones too.
    pub fn mask_id_numbers(&mut self) {
        for person in self.persons.values_mut() {
            person.id_number = person
                .id_number
                .take()
                .map(|shown| shown.map(|number| id_number::mask(&number)));
        }
        for contradiction in &mut self.contradictions {
            for value in &mut contradiction.values {
                mask_id_number(&contradiction.path, &mut value.value);
            }
        }
    }
}

/// Hides the middle of a value that is an identity number, as its path says.
pub fn mask_id_number(path: &str, value: &mut Option<Value>) {
    if let Some(Value::Text(number)) = value
        && path.ends_with("/id_number")
    {
        *number = id_number::mask(number);
    }
}

/// Reads a household from its documents.
///
/// # Errors
/// [`RecordError::OtherGenesis`] when the documents are not this household's core and health.
pub fn view(
    id: HouseholdId,
    core: &Document,
    health: Option<&Document>,
) -> Result<HouseholdView, RecordError> {
    let is =
        |document: &Document, kind| document.id().household == id && document.id().kind == kind;
    if !is(core, DocKind::Core) || health.is_some_and(|health| !is(health, DocKind::Health)) {
        return Err(RecordError::OtherGenesis);
    }
    let saved = (core.save(), health.map(Document::save));
    let health = health.zip(saved.1.as_deref());
    let health = health.map(|(health, saved)| Maps::of(health, saved));
    Ok(read(id, &Maps::of(core, &saved.0), health.as_ref()))
}

/// A document as somebody has it at hand.
#[derive(Debug, Clone, Copy)]
pub enum Held<'a> {
    /// As saved bytes, which [`Document::load`] has taken before.
    Saved(&'a [u8]),
    /// Loaded.
    Loaded(&'a Document),
}

impl<'a> Held<'a> {
    fn saved(self) -> Cow<'a, [u8]> {
        match self {
            Self::Saved(saved) => Cow::Borrowed(saved),
            Self::Loaded(document) => Cow::Owned(document.save()),
        }
    }

    fn maps<'m>(self, kind: DocKind, saved: &'m [u8]) -> Option<Maps<'m>>
    where
        'a: 'm,
    {
        match self {
            Self::Saved(_) => Some(Maps::Plain(kind, Plain::read(saved)?)),
            Self::Loaded(document) => Some(Maps::of(document, saved)),
        }
    }

    /// When it was last changed: see [`Document::last_change`]. `None` when saved bytes do not say it for certain.
    pub fn last_change(self) -> Option<Timestamp> {
        match self {
            Self::Saved(saved) => last_change_saved(saved),
            Self::Loaded(document) => Some(document.last_change()),
        }
    }
}

/// Reads a household from its documents as they are at hand. `None` when saved bytes are not certain to show what [`view`]
/// shows, as where values contradict: load them.
pub fn view_held(
    id: HouseholdId,
    core: Held<'_>,
    health: Option<Held<'_>>,
) -> Option<HouseholdView> {
    let saved = (core.saved(), health.map(Held::saved));
    let core = core.maps(DocKind::Core, &saved.0)?;
    let health = match health.zip(saved.1.as_deref()) {
        Some((health, saved)) => Some(health.maps(DocKind::Health, saved)?),
        None => None,
    };
    Some(read(id, &core, health.as_ref()))
}

/// The same of saved documents alone.
pub fn view_saved(id: HouseholdId, core: &[u8], health: Option<&[u8]>) -> Option<HouseholdView> {
    view_held(id, Held::Saved(core), health.map(Held::Saved))
}

pub(super) fn read(id: HouseholdId, core: &Maps<'_>, health: Option<&Maps<'_>>) -> HouseholdView {
    let mut found = core.contradictions();
    found.extend(health.into_iter().flat_map(Maps::contradictions));
    let contact = core.map("contact");
    let mut decisions = core.entries(decisions_of(DocKind::Core), DecisionView::read);
    if let Some(health) = health {
        decisions.extend(health.entries(decisions_of(DocKind::Health), DecisionView::read));
    }
    let undone =
        |(id, decision): (&DecisionId, &DecisionView)| decision.is_undone().then(|| id.to_string());
    let undone: BTreeSet<String> = decisions.iter().filter_map(undone).collect();
    let stands = |copied: &Option<Shown<String>>| {
        let mut by = copied.iter().flat_map(Shown::values);
        by.all(|decision| !undone.contains(decision))
    };
    let goes_on = decisions.values().filter(|decision| !decision.is_undone());
    let goes_on = goes_on
        .flat_map(|decision| decision.goes_on.iter().flat_map(Shown::values))
        .find_map(|household| household.parse().ok());
    let mut view = HouseholdView {
        id,
        goes_on,
        residence: ResidenceView::read(&core.map("residence")),
        contact: ContactView {
            phone: contact.shown("phone"),
            note: contact.shown("note"),
            unanswered: match contact.values("unanswered").first() {
                Some(Some(Value::Int(count))) => *count,
                _ => 0,
            },
        },
        consent: ConsentView::read(&core.map("consent")),
        persons: core.entries("persons", read_person),
        moves: core.entries("moves", MoveView::read),
        needs: core.entries("needs", NeedView::read),
        health: health.is_some(),
        visits: health
            .map(|health| health.entries("visits", read_visit))
            .unwrap_or_default(),
        facts: health.map(read_facts).unwrap_or_default(),
        decisions: BTreeMap::new(),
        contradictions: found,
        edits_of_removed: core.edits_of_removed(),
    };
    view.persons.retain(|_, person| stands(&person.copied));
    view.moves.retain(|_, entry| stands(&entry.copied));
    view.needs.retain(|_, need| stands(&need.copied));
    view.visits.retain(|_, visit| stands(&visit.copied));
    view.decisions = decisions;
    view
}

fn read_person(map: &MapReader<'_>) -> PersonView {
    let removed = RemovedPerson::read(map);
    PersonView {
        name: map.shown("name"),
        latin_name: map.shown("latin_name"),
        sex: map.shown("sex"),
        birth: map.shown("birth"),
        relation: map.shown("relation"),
        id_kind: map.shown("id_kind"),
        id_number: map.shown("id_number"),
        phone: map.shown("phone"),
        school: map.shown("school"),
        languages: map.set("languages/"),
        // A note that stayed when the removal was taken back is no removal.
        removed: removed.reason.is_some().then_some(removed),
        came_from: map.shown("came_from"),
        copied: map.shown("copied"),
    }
}

fn read_visit(map: &MapReader<'_>) -> VisitView {
    let removed = RemovedVisit::read(map);
    VisitView {
        person: map.shown("person"),
        on: map.shown("on"),
        kind: map.shown("kind"),
        note: map.shown("note"),
        weight_g: map.shown("weight_g"),
        height_mm: map.shown("height_mm"),
        temperature_dc: map.shown("temperature_dc"),
        systolic: map.shown("systolic"),
        diastolic: map.shown("diastolic"),
        vaccine: map.shown("vaccine"),
        next_on: map.shown("next_on"),
        removed: removed.reason.is_some().then_some(removed),
        came_from: map.shown("came_from"),
        copied: map.shown("copied"),
    }
}

fn read_facts(health: &Maps<'_>) -> BTreeMap<PersonId, FactsView> {
    let facts = health.map("facts");
    let mut people = BTreeSet::new();
    for key in facts.keys() {
        people.extend(
            key.split_once('/')
                .and_then(|(person, _)| person.parse::<PersonId>().ok()),
        );
    }
    people
        .into_iter()
        .map(|person| {
            let prefix = format!("{person}/");
            (person, FactsView::read(&facts.below(&prefix)))
        })
        .filter(|(_, facts)| !facts.is_empty())
        .collect()
}

impl MapReader<'_> {
    fn shown<T: FromValue>(&self, key: &str) -> Option<Shown<T>> {
        // Most fields have one value, and no rule is needed to show it.
        if let Some(only) = self.only(key) {
            return only.value().and_then(T::from_value).map(Shown::Agreed);
        }
        let mut values = self.values(key);
        if values.len() < 2 || self.rule(key) != MergeRule::Review {
            values.truncate(1);
            return values.pop()?.and_then(T::from_value).map(Shown::Agreed);
        }
        Some(Shown::Contradicted {
            contradicted: values
                .into_iter()
                .map(|value| value.and_then(T::from_value))
                .collect(),
        })
    }
}

#[cfg(test)]
#[path = "view_tests.rs"]
mod tests;
