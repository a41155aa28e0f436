//! Every field of the household record: where it is, what it holds, how concurrent values merge, how
//! sensitive it is and what it is for. The one place; `docs/DATA_MODEL.md` is compared with it.
//!
//! The model cannot hold enforcement: no permit, quota, fine, contraception, informant or biometric
//! field exists, and a test refuses them by name.
//!
//! A path is written with `/`. Its first part is a map made by the document's genesis. In a collection
//! of entries the second part is the entry's id; the rest is one key, which may itself contain `/`.

use super::value::FieldType::{self, *};
use crate::DocKind::{self, Core, Health};

/// How values that were written without knowledge of each other become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MergeRule {
    /// Different values stay side by side until a person decides; nobody sees only one.
    Review,
    /// Automerge's winner is shown; the other values stay in the history.
    Latest,
    /// A set: what anyone added is in it.
    Union,
    /// A number: what everyone added is summed.
    Counter,
}

impl MergeRule {
    /// The word the documentation uses.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Review => "review",
            Self::Latest => "latest",
            Self::Union => "union",
            Self::Counter => "counter",
        }
    }
}

/// How much harm a disclosure does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sensitivity {
    /// About the work with the household.
    Service,
    /// About a person or where they are found.
    Personal,
    /// Identifies a person beyond the household.
    Identity,
    /// About health.
    Health,
}

impl Sensitivity {
    /// The word the documentation uses.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Personal => "personal",
            Self::Identity => "identity",
            Self::Health => "health",
        }
    }
}

/// One declared field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// The document it is in.
    pub kind: DocKind,
    /// Its path, with `{…}` where an id or a language stands.
    pub path: &'static str,
    /// What it holds.
    pub ty: FieldType,
    /// How concurrent values merge.
    pub rule: MergeRule,
    /// How sensitive it is.
    pub sensitivity: Sensitivity,
    /// Why it is kept.
    pub purpose: &'static str,
}

/// How a map of the genesis is keyed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// By field.
    Single,
    /// By id, each entry a map of fields that one actor creates once.
    Entries,
    /// By person and field in one key: the map is shared, so that no two actors ever create it.
    Flat,
}

/// A map of the genesis.
pub(crate) struct Collection {
    pub(crate) name: &'static str,
    pub(crate) shape: Shape,
    /// The schema whose constant makes it.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "the constants are bytes; tests make them again")
    )]
    pub(crate) since: u16,
}

const fn collection(name: &'static str, shape: Shape, since: u16) -> Collection {
    Collection { name, shape, since }
}

/// Every map that hangs on the root of a document.
pub(crate) static COLLECTIONS: &[Collection] = &[
    collection("residence", Shape::Single, 1),
    collection("contact", Shape::Single, 1),
    collection("consent", Shape::Single, 1),
    collection("persons", Shape::Entries, 1),
    collection("moves", Shape::Entries, 1),
    collection("needs", Shape::Entries, 1),
    collection("visits", Shape::Entries, 1),
    collection("facts", Shape::Flat, 1),
    collection("decisions", Shape::Entries, 2),
    collection("health_decisions", Shape::Entries, 2),
];

const fn field(
    kind: DocKind,
    path: &'static str,
    ty: FieldType,
    rule: MergeRule,
    sensitivity: Sensitivity,
    purpose: &'static str,
) -> Field {
    Field {
        kind,
        path,
        ty,
        rule,
        sensitivity,
        purpose,
    }
}

const CONSENT: FieldType = Choice(&["given", "refused", "withdrawn"]);
const RELATION: FieldType = Choice(&[
    "head",
    "spouse",
    "child",
    "child-in-law",
    "parent",
    "parent-in-law",
    "grandchild",
    "grandparent",
    "sibling",
    "other-relative",
    "unrelated",
]);
const ID_KIND: FieldType = Choice(&[
    "resident",
    "birth-certificate",
    "passport",
    "residence-permit",
    "other",
]);
const OUTCOME: FieldType = Choice(&["adopted", "adapted", "refused", "same", "different"]);
const SCHOOL: FieldType = Choice(&["place-wanted", "transfer-wanted", "enrolled", "none"]);
const REMOVED: FieldType = Choice(&["died", "moved-away", "duplicate", "mistake", "other"]);
const MOVE_REASON: FieldType = Choice(&[
    "work",
    "school",
    "family",
    "housing",
    "return-home",
    "other",
]);
const MOVE_STATE: FieldType = Choice(&["proposed", "accepted", "rejected", "withdrawn"]);
const BEGUN_BY: FieldType = Choice(&["receiving"]);
const NEED_KIND: FieldType = Choice(&[
    "certificate",
    "school",
    "insurance",
    "benefit",
    "health",
    "housing",
    "other",
]);
const URGENCY: FieldType = Choice(&["routine", "soon", "urgent"]);
const NEED_STATE: FieldType = Choice(&["open", "in-progress", "met", "declined", "withdrawn"]);
const VISIT_KIND: FieldType = Choice(&["follow-up", "antenatal", "child", "immunisation", "other"]);
const VISIT_REMOVED: FieldType = Choice(&["duplicate", "mistake", "other"]);
const BLOOD_GROUP: FieldType = Choice(&[
    "A", "A+", "A-", "B", "B+", "B-", "AB", "AB+", "AB-", "O", "O+", "O-",
]);

const fn int(min: i64, max: i64, unit: &'static str) -> FieldType {
    Int { min, max, unit }
}

use MergeRule::{Counter as Sum, Latest, Review, Union};
use Sensitivity::{Health as HealthData, Identity, Personal, Service};

/// Every field there is.
#[rustfmt::skip]
pub static FIELDS: &[Field] = &[
    field(Core, "residence/area", Area, Review, Personal, "Which area is responsible for the household"),
    field(Core, "residence/address", Text(200), Review, Personal, "Where a visit finds the household"),
    field(Core, "residence/since", Date, Review, Personal, "When services at this address begin"),
    field(Core, "contact/phone", Phone, Latest, Personal, "To arrange a visit and to remind of one"),
    field(Core, "contact/note", Text(500), Latest, Personal, "How and when the family wants to be reached"),
    field(Core, "contact/unanswered", Counter, Sum, Service, "Calls that found nobody home, so that the next is planned for another hour"),
    field(Core, "consent/care", CONSENT, Review, Personal, "Whether the family agreed to follow-up visits"),
    field(Core, "consent/sharing", CONSENT, Review, Personal, "Whether records may follow the family to the next area's services"),
    field(Core, "persons/{person}/name", Text(80), Review, Identity, "To address the person and issue certificates"),
    field(Core, "persons/{person}/latin_name", Text(120), Review, Identity, "The name as written in Latin letters on papers"),
    field(Core, "persons/{person}/sex", Choice(&["female", "male", "unspecified"]), Review, Personal, "Growth charts and screening differ"),
    field(Core, "persons/{person}/birth", Date, Review, Identity, "Age decides immunisation, school place and benefits"),
    field(Core, "persons/{person}/relation", RELATION, Review, Personal, "Relation to the head of household, for family benefits"),
    field(Core, "persons/{person}/id_kind", ID_KIND, Review, Identity, "Which document the number is of"),
    field(Core, "persons/{person}/id_number", IdNumber, Review, Identity, "Optional; to apply for insurance and certificates on the person's behalf"),
    field(Core, "persons/{person}/phone", Phone, Latest, Personal, "To reach this person"),
    field(Core, "persons/{person}/school", SCHOOL, Latest, Personal, "Whether a school place has to be found"),
    field(Core, "persons/{person}/languages/{language}", Flag, Union, Personal, "Which languages an interpreter or leaflet may use"),
    field(Core, "persons/{person}/removed/reason", REMOVED, Review, Personal, "Why the person is no longer of the household"),
    field(Core, "persons/{person}/removed/on", Date, Review, Personal, "Since when"),
    field(Core, "persons/{person}/removed/note", Text(500), Latest, Personal, "What the next member of staff should know"),
    field(Core, "persons/{person}/removed/to", Text(36), Latest, Service, "In which household the person goes on, where some members left together"),
    field(Core, "persons/{person}/came_from", Text(36), Latest, Service, "From which household the person came, where some members left together"),
    field(Core, "persons/{person}/copied", Text(36), Latest, Service, "Which decision brought it from another record of the same family"),
    field(Core, "moves/{move}/from", Area, Review, Personal, "The area that hands over"),
    field(Core, "moves/{move}/to", Area, Review, Personal, "The area that takes over"),
    field(Core, "moves/{move}/on", Date, Review, Personal, "Day of the move, for the hand-over of services"),
    field(Core, "moves/{move}/reason", MOVE_REASON, Latest, Personal, "Which services the move calls for"),
    field(Core, "moves/{move}/until", Date, Review, Personal, "When a stay ends that is for a time, so that the way back is prepared"),
    field(Core, "moves/{move}/state", MOVE_STATE, Review, Service, "Whether the other area has agreed to take over; absent when the household moved at once"),
    field(Core, "moves/{move}/answer", Text(500), Latest, Personal, "Why it was rejected or withdrawn, so that those who prepared it learn it"),
    field(Core, "moves/{move}/begun_by", BEGUN_BY, Latest, Service, "Who began the hand-over: the area moved to, where the family is at the door; absent for the area moved from"),
    field(Core, "moves/{move}/card", Text(29), Latest, Personal, "The card that the family showed, so that its record follows it at once"),
    field(Core, "moves/{move}/copied", Text(36), Latest, Service, "Which decision brought it from another record of the same family"),
    field(Core, "needs/{need}/kind", NEED_KIND, Latest, Service, "Which office can help"),
    field(Core, "needs/{need}/text", Text(500), Latest, Personal, "What the family asks for"),
    field(Core, "needs/{need}/urgency", URGENCY, Review, Service, "Order of work"),
    field(Core, "needs/{need}/state", NEED_STATE, Review, Service, "Whether the request is still open"),
    field(Core, "needs/{need}/person", Person, Review, Personal, "For whom it is asked"),
    field(Core, "needs/{need}/asks", Text(40), Latest, Service, "Which kind of open question a reviewer asks about; absent in what the family asks for"),
    field(Core, "needs/{need}/answer", Text(500), Latest, Personal, "What the staff found out, for the reviewer who asked"),
    field(Core, "needs/{need}/copied", Text(36), Latest, Service, "Which decision brought it from another record of the same family"),
    field(Core, "decisions/{decision}/about", Text(400), Latest, Service, "Which open question it settles"),
    field(Core, "decisions/{decision}/reason", Text(500), Latest, Personal, "Why, so that those who wrote the values learn it"),
    field(Core, "decisions/{decision}/seconded", Text(36), Latest, Service, "Who agreed, where two people decide"),
    field(Core, "decisions/{decision}/outcome", OUTCOME, Latest, Personal, "What was found: of a change that was kept aside, so that its author learns it; of two households that may be one family, so that neither is asked about again"),
    field(Core, "decisions/{decision}/goes_on", Text(36), Latest, Service, "In which record the family goes on, where it had two"),
    field(Core, "decisions/{decision}/same/{person}", Person, Latest, Personal, "Who a person of this record is in the one in which the family goes on"),
    field(Core, "decisions/{decision}/undone", Text(500), Latest, Personal, "Why it was taken back"),
    field(Health, "visits/{visit}/person", Person, Review, HealthData, "Who was seen"),
    field(Health, "visits/{visit}/on", Date, Review, HealthData, "Day of the visit"),
    field(Health, "visits/{visit}/kind", VISIT_KIND, Review, HealthData, "Which care was given"),
    field(Health, "visits/{visit}/note", Text(2000), Latest, HealthData, "Findings and advice"),
    field(Health, "visits/{visit}/weight_g", int(200, 400_000, "g"), Review, HealthData, "Growth and dosing"),
    field(Health, "visits/{visit}/height_mm", int(200, 2_800, "mm"), Review, HealthData, "Growth"),
    field(Health, "visits/{visit}/temperature_dc", int(250, 450, "tenths of a degree Celsius"), Review, HealthData, "Fever"),
    field(Health, "visits/{visit}/systolic", int(30, 350, "mmHg"), Review, HealthData, "Blood pressure"),
    field(Health, "visits/{visit}/diastolic", int(10, 250, "mmHg"), Review, HealthData, "Blood pressure"),
    field(Health, "visits/{visit}/vaccine", Text(120), Review, HealthData, "Which vaccine was given, so that none is missed or repeated"),
    field(Health, "visits/{visit}/next_on", Date, Latest, HealthData, "When the next visit is due"),
    field(Health, "visits/{visit}/removed/reason", VISIT_REMOVED, Review, HealthData, "Why the visit does not count"),
    field(Health, "visits/{visit}/removed/note", Text(500), Latest, HealthData, "What was mistaken"),
    field(Health, "visits/{visit}/came_from", Text(36), Latest, HealthData, "In which household's record the visit was made, so that it is counted once"),
    field(Health, "visits/{visit}/copied", Text(36), Latest, HealthData, "Which decision brought it from another record of the same family"),
    field(Health, "facts/{person}/allergy", Text(500), Review, HealthData, "What must not be given"),
    field(Health, "facts/{person}/blood_group", BLOOD_GROUP, Review, HealthData, "For care in an emergency"),
    field(Health, "facts/{person}/due_date", Date, Review, HealthData, "When antenatal visits and a delivery bed are needed"),
    field(Health, "health_decisions/{decision}/about", Text(400), Latest, HealthData, "Which open question it settles"),
    field(Health, "health_decisions/{decision}/reason", Text(500), Latest, HealthData, "Why, so that those who wrote the values learn it"),
    field(Health, "health_decisions/{decision}/seconded", Text(36), Latest, HealthData, "Who agreed, where two people decide"),
    field(Health, "health_decisions/{decision}/outcome", OUTCOME, Latest, HealthData, "What was found: of a change that was kept aside, so that its author learns it; of two households that may be one family, so that neither is asked about again"),
    field(Health, "health_decisions/{decision}/goes_on", Text(36), Latest, HealthData, "In which record the family goes on, where it had two"),
    field(Health, "health_decisions/{decision}/undone", Text(500), Latest, HealthData, "Why it was taken back"),
];

/// The declaration of a concrete path such as `persons/0199…/name`; `None` when there is no such field.
pub fn field_at(kind: DocKind, path: &str) -> Option<&'static Field> {
    FIELDS
        .iter()
        .find(|field| field.kind == kind && matches(field.path, path))
}

/// The one field of a name among those that belong to the household itself: `phone` is `contact/phone`.
pub(crate) fn field_by_name(name: &str) -> Option<&'static Field> {
    FIELDS.iter().find(|field| {
        let (first, last) = field.path.split_once('/').unwrap_or(("", ""));
        last == name && collection_named(first).is_some_and(|c| c.shape == Shape::Single)
    })
}

/// The collection of a name; names differ across documents.
pub(crate) fn collection_named(name: &str) -> Option<&'static Collection> {
    COLLECTIONS
        .iter()
        .find(|collection| collection.name == name)
}

fn matches(template: &str, path: &str) -> bool {
    let mut parts = path.split('/');
    let all = template.split('/').all(|expected| {
        parts.next().is_some_and(|part| match expected {
            "{language}" => is_language(part),
            _ if expected.starts_with('{') => is_entry_id(part),
            _ => expected == part,
        })
    });
    all && parts.next().is_none()
}

/// A key of an entry: a UUIDv7 in its one written form.
pub(crate) fn is_entry_id(text: &str) -> bool {
    uuid::Uuid::try_parse(text)
        .is_ok_and(|id| id.get_version_num() == 7 && id.as_hyphenated().to_string() == text)
}

/// A language: a BCP 47 tag in lower case, such as `zh`, `yue`, `ug` or `zh-min-nan`; 2 to 16 characters.
pub(crate) fn is_language(text: &str) -> bool {
    let shaped = text.split('-').all(|part| {
        (2..=8).contains(&part.len())
            && part
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    });
    shaped && text.len() <= 16 && text.as_bytes()[0].is_ascii_lowercase()
}

/// A path taken apart: the map of the genesis, the entry if the map holds entries, and the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place<'a> {
    pub(crate) root: &'static str,
    pub(crate) entry: Option<&'a str>,
    pub(crate) key: &'a str,
}

/// Takes a path of declared form apart.
pub(crate) fn place(path: &str) -> Option<Place<'_>> {
    let (root, rest) = path.split_once('/')?;
    let collection = collection_named(root)?;
    match collection.shape {
        Shape::Single | Shape::Flat => Some(Place {
            root: collection.name,
            entry: None,
            key: rest,
        }),
        Shape::Entries => {
            let (entry, key) = rest.split_once('/')?;
            Some(Place {
                root: collection.name,
                entry: Some(entry),
                key,
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    const ID: &str = "01990000-0001-7fff-bfff-ffffffffffff";

    #[test]
    fn a_concrete_path_finds_its_declaration() {
        let found = |kind, path: &str| field_at(kind, path).map(|field| field.path);
        assert_eq!(found(Core, "residence/area"), Some("residence/area"));
        assert_eq!(
            found(Core, &format!("persons/{ID}/name")),
            Some("persons/{person}/name")
        );
        assert_eq!(
            found(Core, &format!("persons/{ID}/languages/yue")),
            Some("persons/{person}/languages/{language}")
        );
        assert_eq!(
            found(Health, &format!("facts/{ID}/allergy")),
            Some("facts/{person}/allergy")
        );
        for path in [
            "residence",
            "residence/area/x",
            "persons/7/name",
            "persons//name",
            "",
            "facts/allergy",
        ] {
            assert_eq!(found(Core, path), None, "{path}");
        }
        assert_eq!(found(Core, &format!("facts/{ID}/allergy")), None);
        assert_eq!(
            found(Core, &format!("persons/{}/name", ID.to_uppercase())),
            None
        );
    }

    #[test]
    fn every_path_is_declared_once_and_lies_in_a_collection() {
        let paths: BTreeSet<_> = FIELDS
            .iter()
            .map(|field| (field.kind, field.path))
            .collect();
        assert_eq!(paths.len(), FIELDS.len());
        for field in FIELDS {
            let root = place(field.path).unwrap().root;
            let kinds = FIELDS
                .iter()
                .filter(|other| place(other.path).unwrap().root == root);
            assert!(kinds.into_iter().all(|other| other.kind == field.kind));
            assert!(!field.purpose.is_empty());
            assert_eq!(field.ty == Counter, field.rule == MergeRule::Counter);
            assert_eq!(field.ty == Flag, field.rule == MergeRule::Union);
            assert_eq!(
                field.sensitivity == Sensitivity::Health,
                field.kind == Health
            );
        }
    }

    #[test]
    fn the_model_cannot_hold_enforcement() {
        let refused = [
            "permit_birth",
            "birth_permit",
            "quota",
            "fine",
            "penalty",
            "levy",
            "contracept",
            "steril",
            "iud",
            "abort",
            "menstru",
            "cycle",
            "informant",
            "informer",
            "report_by",
            "finger",
            "iris",
            "face",
            "voice",
            "biometr",
            "dna",
            "photo",
            "religion",
            "ethnic",
            "political",
            "score",
            "suspect",
            "parity",
            "births",
            "pregnan",
            "location_trace",
            "gps",
        ];
        for field in FIELDS {
            let words = match field.ty {
                Choice(words) => words.join(" "),
                _ => String::new(),
            };
            for word in refused {
                assert!(!field.path.contains(word), "{} has {word}", field.path);
                assert!(!words.contains(word), "{} offers {word}", field.path);
            }
        }
    }

    #[test]
    fn a_language_is_a_tag() {
        for tag in ["zh", "yue", "zh-min-nan", "ug"] {
            assert!(is_language(tag), "{tag}");
        }
        for tag in ["", "Z", "z", "中文", "zh_cn", "1a", "zh-", "abcdefghij"] {
            assert!(!is_language(tag), "{tag}");
        }
    }
}
