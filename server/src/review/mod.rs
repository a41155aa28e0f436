//! What waits for a person: contradictions, contested residences, late edits, edits of removed persons and of records that go on
//! in another, unknown areas, and changes kept aside. Derived from the log, and from what was kept aside, so a rebuild gives the same items.
//!
//! An item of a household is where the household is. Nothing here settles one: an ordinary change does, such as `decide` makes.

pub mod aside;
pub mod case;
pub mod claims;
pub mod decide;
pub mod deferrals;
pub(crate) mod joining;
pub mod joining_preview;
#[cfg(test)]
pub(crate) mod joining_scene;
pub(crate) mod later;
pub mod pairs;
mod parting;
pub mod preview;
pub(crate) mod proposals;
pub mod queue;
#[cfg(test)]
pub(crate) mod scene;
pub mod severity;
mod writes;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sojourn_sync_protocol::{
    AreaCode, ChangeHash, DocKind, HouseholdId,
    record::{Document, Shown, contradictions, decisions, edits_of_removed, written_after},
};

use crate::documents::kind;
use crate::params;
use crate::store::{Row, StoreError, Tx};
use proposals::Proposal;

pub(crate) const SCHEMA: &str = "
CREATE TABLE reviews (
    household BLOB NOT NULL,
    kind TEXT NOT NULL,
    document BIGINT NOT NULL,
    subject TEXT NOT NULL,
    change BLOB NOT NULL,
    PRIMARY KEY (household, kind, document, subject)
);
";

/// The path of the field that says where a household lives.
pub(crate) const RESIDENCE: &str = "residence/area";

/// Why something waits for a person.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum ReviewKind {
    /// A field has several values.
    Contradiction,
    /// Several residences stand.
    ContestedResidence,
    /// An edit came from an area that the household had left.
    LateEdit,
    /// A person was edited by one and removed by another.
    EditOfRemoved,
    /// A residence is not in the area tree.
    UnknownArea,
    /// A change was kept aside.
    Quarantined,
    /// Two households may be one family.
    PossibleDuplicate,
    /// A record was edited whose family goes on in another.
    EditOfJoined,
}

impl ReviewKind {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::Contradiction,
        Self::ContestedResidence,
        Self::LateEdit,
        Self::EditOfRemoved,
        Self::UnknownArea,
        Self::Quarantined,
        Self::PossibleDuplicate,
        Self::EditOfJoined,
    ];

    /// The name used in stored rows and in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Contradiction => "contradiction",
            Self::ContestedResidence => "contested-residence",
            Self::LateEdit => "late-edit",
            Self::EditOfRemoved => "edit-of-removed",
            Self::UnknownArea => "unknown-area",
            Self::Quarantined => "quarantined",
            Self::PossibleDuplicate => "possible-duplicate",
            Self::EditOfJoined => "edit-of-joined",
        }
    }
}

impl fmt::Display for ReviewKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for ReviewKind {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name() == text)
            .ok_or(())
    }
}

/// What an item is about: a field's path, a change's hash, or an area's code. Changes kept aside are items too, and stand in the
/// table that keeps their bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Item {
    /// Why it waits.
    pub kind: ReviewKind,
    /// The document it comes from.
    pub document: DocKind,
    /// What it is about.
    pub subject: String,
}

impl Item {
    fn new(kind: ReviewKind, document: DocKind, subject: String) -> Self {
        Self {
            kind,
            document,
            subject,
        }
    }

    /// How a decision says that it is about this.
    pub(crate) fn about(&self) -> String {
        format!("{} {}", self.kind, self.subject)
    }

    /// What a decision of this document says that it is about.
    fn read(about: &str, document: DocKind) -> Option<Self> {
        let (kind, subject) = about.split_once(' ')?;
        Some(Self::new(kind.parse().ok()?, document, subject.to_owned()))
    }

    /// Whether it waits until a decision is about it: nothing else in the document tells that somebody has seen it.
    fn needs_a_decision(&self) -> bool {
        matches!(self.kind, ReviewKind::LateEdit | ReviewKind::EditOfRemoved)
    }
}

/// What decisions of a document are about.
struct Decided {
    standing: BTreeSet<String>,
    undone: BTreeSet<String>,
}

impl Decided {
    fn of(document: &Document) -> Self {
        let (mut standing, mut undone) = (BTreeSet::new(), BTreeSet::new());
        for decision in decisions(document).into_values() {
            let into = if decision.is_undone() {
                &mut undone
            } else {
                &mut standing
            };
            into.extend(decision.about.iter().flat_map(Shown::values).cloned());
        }
        Self { standing, undone }
    }

    fn is_empty(&self) -> bool {
        self.standing.is_empty() && self.undone.is_empty()
    }

    /// Items that no decision is about any more, since each was taken back.
    fn reopened(&self, document: DocKind) -> impl Iterator<Item = Item> {
        let undone = self.undone.difference(&self.standing);
        undone
            .filter_map(move |about| Item::read(about, document))
            .filter(Item::needs_a_decision)
    }
}

/// The open items of a household, each with the change that opened it.
pub(crate) type Items = BTreeMap<Item, ChangeHash>;

/// What the present state of a document leaves open.
fn open_in(seen: &Seen<'_>, decided: &Decided) -> BTreeSet<Item> {
    let kind = seen.document.id().kind;
    let mut open: BTreeSet<Item> = contradictions(seen.document)
        .into_iter()
        .filter(|found| !(seen.contested && kind == DocKind::Core && found.path == RESIDENCE))
        .map(|found| Item::new(ReviewKind::Contradiction, kind, found.path))
        .collect();
    if kind == DocKind::Core {
        if seen.contested {
            let subject = RESIDENCE.to_owned();
            open.insert(Item::new(ReviewKind::ContestedResidence, kind, subject));
        }
        open.extend(
            seen.unknown
                .iter()
                .map(|area| Item::new(ReviewKind::UnknownArea, kind, area.to_string())),
        );
        open.extend(edits_of_removed(seen.document).iter().map(|found| {
            let subject = format!("persons/{} {} {}", found.person, found.removal, found.edit);
            Item::new(ReviewKind::EditOfRemoved, kind, subject)
        }));
    }
    let after = written_after(seen.document).into_keys();
    let after = after.map(|change| Item::new(ReviewKind::EditOfJoined, kind, change.to_string()));
    open.extend(after.filter(|item| !decided.standing.contains(&item.about())));
    open.extend(decided.reopened(kind));
    open
}

/// One change as the items of its household see it.
pub(crate) struct Seen<'a> {
    /// Its hash.
    pub change: ChangeHash,
    /// The document after it.
    pub document: &'a Document,
    /// The household had left the author's area.
    pub late: bool,
    /// Several residences stand.
    pub contested: bool,
    /// Residences that are not in the tree.
    pub unknown: &'a [AreaCode],
}

/// Brings a household's items up to date after one change: new ones are opened by it, settled ones go.
/// A late edit waits until a decision is about it.
pub(crate) fn advance(items: &mut Items, seen: &Seen<'_>) {
    let kind = seen.document.id().kind;
    let decided = Decided::of(seen.document);
    let mut open = open_in(seen, &decided);
    items.retain(|item, _| {
        let unseen = item.kind == ReviewKind::LateEdit && !decided.standing.contains(&item.about());
        item.document != kind || unseen || open.contains(item)
    });
    if seen.late {
        let subject = seen.change.to_string();
        open.insert(Item::new(ReviewKind::LateEdit, kind, subject));
    }
    for item in open {
        items.entry(item).or_insert(seen.change);
    }
}

/// Brings a household's items up to date after several changes of one document, given the last of them as seen. The
/// document between two of them is asked for by `after` only when it matters.
///
/// Where nothing of the document waited before and nothing waits after, whatever was opened on the way was settled on
/// the way, and only late edits remain, unless somebody decides.
pub(crate) fn advance_all<E>(
    items: &mut Items,
    steps: &[Taken],
    document: &Document,
    mut after: impl FnMut(usize) -> Result<Document, E>,
) -> Result<(), E> {
    let Some((last, earlier)) = steps.split_last() else {
        return Ok(());
    };
    let kind = document.id().kind;
    let waited = items
        .keys()
        .any(|item| item.document == kind && item.kind != ReviewKind::LateEdit);
    let decided = Decided::of(document);
    let quiet = !waited && decided.is_empty() && open_in(&last.seen(document), &decided).is_empty();
    for (at, step) in earlier.iter().enumerate() {
        if quiet {
            items.extend(step.late_edit(kind));
        } else {
            advance(items, &step.seen(&after(at)?));
        }
    }
    if quiet {
        items.extend(last.late_edit(kind));
    } else {
        advance(items, &last.seen(document));
    }
    Ok(())
}

/// One change that was taken in, as far as items depend on it.
#[derive(Debug, Clone)]
pub(crate) struct Taken {
    /// Its hash.
    pub change: ChangeHash,
    /// The household had left the author's area.
    pub late: bool,
    /// Several residences stood after it.
    pub contested: bool,
    /// Residences standing after it that are not in the tree.
    pub unknown: Vec<AreaCode>,
}

impl Taken {
    fn seen<'a>(&'a self, document: &'a Document) -> Seen<'a> {
        Seen {
            change: self.change,
            document,
            late: self.late,
            contested: self.contested,
            unknown: &self.unknown,
        }
    }

    fn late_edit(&self, kind: DocKind) -> Option<(Item, ChangeHash)> {
        let subject = self.change.to_string();
        self.late
            .then(|| (Item::new(ReviewKind::LateEdit, kind, subject), self.change))
    }
}

/// Whether a question waits for a person.
pub(crate) fn waits(tx: &Tx<'_>, household: HouseholdId, item: &Item) -> Result<bool, StoreError> {
    match item.kind {
        ReviewKind::Quarantined => aside::waits(tx, household, item),
        _ => Ok(of_household(tx, household)?.contains_key(item)),
    }
}

/// A household's open items.
pub(crate) fn of_household(tx: &Tx<'_>, household: HouseholdId) -> Result<Items, StoreError> {
    let rows = tx.query(
        "SELECT kind, document, subject, change FROM reviews WHERE household = ?1
         ORDER BY kind, document, subject",
        params![household.as_bytes()],
        |row| {
            let item = Item {
                kind: row.parse(0)?,
                document: kind(row, 1)?,
                subject: row.text(2)?,
            };
            Ok((item, ChangeHash(row.array(3)?)))
        },
    )?;
    Ok(rows.into_iter().collect())
}

/// Writes the difference between a household's items before and after. With an item that goes, whatever was going on about it
/// ends.
pub(crate) fn put(
    tx: &Tx<'_>,
    household: HouseholdId,
    before: &Items,
    after: &Items,
) -> Result<(), StoreError> {
    // An item that was settled and opened anew on the way has another change that opened it.
    for (item, change) in before {
        if after.get(item) == Some(change) {
            continue;
        }
        tx.execute(
            "DELETE FROM reviews
             WHERE household = ?1 AND kind = ?2 AND document = ?3 AND subject = ?4",
            params![
                household.as_bytes(),
                item.kind.name(),
                item.document.code(),
                &item.subject
            ],
        )?;
        claims::end(tx, household, item)?;
        deferrals::end(tx, household, item)?;
        Proposal::forget(tx, household, item)?;
    }
    for (item, change) in after {
        if before.get(item) == Some(change) {
            continue;
        }
        tx.execute(
            "INSERT INTO reviews (household, kind, document, subject, change) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![
                household.as_bytes(),
                item.kind.name(),
                item.document.code(),
                &item.subject,
                change.as_bytes()
            ],
        )?;
    }
    Ok(())
}

/// One thing that waits for a person, with where it waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReviewItem {
    /// Why.
    pub kind: ReviewKind,
    /// The household.
    pub household: HouseholdId,
    /// The area responsible; for a household that is not there, the area the author worked for.
    pub area: String,
    /// What it is about: a field's path, a change's hash, or an area's code.
    pub subject: String,
    /// Why it was kept aside, for a change that was: the name of a reason, or `fork`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aside: Option<String>,
    /// The change that opened it.
    pub change: ChangeHash,
}

/// Items of households that match, then changes kept aside that do.
const SELECT: &str = "SELECT r.kind, r.household, h.area, r.subject, r.change, NULL FROM reviews r
     JOIN households h ON h.household = r.household WHERE ";
const SELECT_ASIDE: &str = "UNION ALL
     SELECT 'quarantined', q.household, COALESCE(h.area, q.area), NULL, q.hash, q.reason FROM quarantine q
     LEFT JOIN households h ON h.household = q.household WHERE q.state = 'waits' AND ";
const ORDER: &str = "ORDER BY 3, 2, 1, 4, 5";

/// Everything that waits in an area: at most `most` items.
pub fn in_area(tx: &Tx<'_>, area: &AreaCode, most: usize) -> Result<Vec<ReviewItem>, StoreError> {
    tx.query(
        &format!(
            "{SELECT} h.area = ?1 {SELECT_ASIDE} COALESCE(h.area, q.area) = ?1 {ORDER} LIMIT ?2"
        ),
        params![area.as_str(), most],
        read_item,
    )
}

/// Everything that waits about a household.
pub(crate) fn waiting(tx: &Tx<'_>, household: HouseholdId) -> Result<Vec<ReviewItem>, StoreError> {
    tx.query(
        &format!("{SELECT} r.household = ?1 {SELECT_ASIDE} q.household = ?1 {ORDER}"),
        params![household.as_bytes()],
        read_item,
    )
}

/// Everything that waits anywhere: at most `most` items.
pub fn everywhere(tx: &Tx<'_>, most: usize) -> Result<Vec<ReviewItem>, StoreError> {
    tx.query(
        &format!("{SELECT} 1 = 1 {SELECT_ASIDE} 1 = 1 {ORDER} LIMIT ?1"),
        params![most],
        read_item,
    )
}

fn read_item(row: &Row<'_>) -> Result<ReviewItem, StoreError> {
    let change = ChangeHash(row.array(4)?);
    Ok(ReviewItem {
        kind: row.parse(0)?,
        household: HouseholdId::from_bytes(row.array(1)?),
        area: row.text(2)?,
        subject: subject(row, 3, change)?,
        change,
        aside: row.optional(5, Row::text)?,
    })
}

/// What an item is about; a change kept aside, itself.
fn subject(row: &Row<'_>, column: usize, change: ChangeHash) -> Result<String, StoreError> {
    let subject = row.optional(column, Row::text)?;
    Ok(subject.unwrap_or_else(|| change.to_string()))
}
