//! One hand-over as somebody of its two areas may see it. Who is asked to take a family over sees a stub and counts; who has the
//! family sees its record.

use serde::Serialize;
use sojourn_sync_protocol::record::{
    Document, HandOver, HandOverState, HouseholdView, PersonView, Shown, hand_overs, view,
};
use sojourn_sync_protocol::{
    AreaCode, ChangeHash, DocKind, DocumentId, HouseholdId, MoveId, Timestamp,
};

use super::answer::{Deed, NotAnswered};
use super::checklist::Checklist;
use super::{Group, Row, Sides, door, stored};
use crate::documents::{self, Held};
use crate::review::decide::Reviewer;
use crate::store::{StoreError, Tx};
use crate::{areas, residence};

/// A hand-over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Seen {
    /// The household.
    #[schema(value_type = String)]
    pub household: HouseholdId,
    /// The entry under its moves.
    #[schema(value_type = String)]
    pub entry: MoveId,
    /// How it stands in the record.
    pub state: HandOverState,
    /// Where it stands for who asks; absent once it does not wait.
    pub group: Option<Group>,
    /// The area that hands over.
    #[schema(value_type = Option<String>)]
    pub from: Option<AreaCode>,
    /// The area that takes over. The one of the two that did not begin it is asked.
    #[schema(value_type = Option<String>)]
    pub to: Option<AreaCode>,
    /// Day of the move.
    pub day: String,
    /// When a stay for a time ends; empty for good.
    pub until: String,
    /// Why they move.
    pub reason: String,
    /// Why it was rejected or withdrawn.
    pub answer: Option<String>,
    /// When the proposal arrived, in milliseconds.
    #[schema(value_type = i64)]
    pub proposed_at: Timestamp,
    /// When the area above both sees it too, in milliseconds.
    #[schema(value_type = i64)]
    pub escalates_at: Timestamp,
    /// When the answer arrived, in milliseconds.
    #[schema(value_type = Option<i64>)]
    pub answered_at: Option<Timestamp>,
    /// The changes whose values stand in the entry: whoever answers says that they saw these.
    #[schema(value_type = Vec<String>)]
    pub seen: Vec<ChangeHash>,
    /// What who asks may do.
    pub may: Vec<Deed>,
    /// Whom it is about; absent once it does not wait, for those whose family it is not.
    pub stub: Option<Stub>,
    /// What travels with the family; absent likewise.
    pub checklist: Option<Checklist>,
    /// The record, identity numbers masked, for those whose family it is.
    #[schema(value_type = Option<Object>)]
    pub record: Option<HouseholdView>,
    /// The area that takes over began it: the family is at its door, and this is the record that it was given there.
    pub at_door: bool,
    /// Which of their families it may be, the likeliest first, for those who are asked while it waits.
    pub families: Vec<Family>,
    /// Whether the register found a family that it may be, in the area that was asked; for those who ask, while it waits.
    pub found: Option<bool>,
}

/// A family that the one at another area's door may be, for those whose it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Family {
    /// The household.
    #[schema(value_type = String)]
    pub household: HouseholdId,
    /// Where it lives.
    #[schema(value_type = String)]
    pub area: AreaCode,
    /// Who it is.
    pub stub: Stub,
    /// What travels with it.
    pub checklist: Checklist,
}

/// What each side may know of the family's own record while it is asked for.
fn at_door(
    tx: &Tx<'_>,
    reviewer: &Reviewer,
    opened: &Opened,
    now: Timestamp,
) -> Result<(Vec<Family>, Option<bool>), NotAnswered> {
    let provisional = opened.held.document.id().household;
    let asked = opened.row.asked().ok_or(NotAnswered::Stale)?;
    let reads_health = reviewer.kinds.contains(&DocKind::Health);
    let mut theirs = Vec::new();
    if opened.sides.asked {
        for (household, area) in door::families(tx, provisional, asked, Some(&reviewer.areas))? {
            let id = DocumentId::new(household, DocKind::Core);
            let core = documents::load(tx, id)?.ok_or(NotAnswered::Unknown)?;
            let view = whole(tx, &core.document, reviewer)?;
            theirs.push(Family {
                household,
                area,
                stub: Stub::of(&view),
                checklist: Checklist::of(&view, reads_health, now),
            });
        }
    }
    let found = match opened.sides.asking {
        true => Some(!door::families(tx, provisional, asked, None)?.is_empty()),
        false => None,
    };
    Ok((theirs, found))
}

/// What the area that is asked learns of a family before it is its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Stub {
    /// Name of the head of household, or of its first person; every value of a contradicted one.
    pub name: Vec<String>,
    /// How many people.
    pub persons: u64,
}

impl Stub {
    fn of(view: &HouseholdView) -> Self {
        let present = || {
            let persons = view.persons.values();
            persons.filter(|person| person.removed.is_none())
        };
        let is_head = |person: &&PersonView| {
            let mut relations = person.relation.iter().flat_map(Shown::values);
            relations.any(|word| word == "head")
        };
        let named = present().find(is_head).or_else(|| present().next());
        let name = named.and_then(|person| person.name.as_ref());
        Self {
            name: name.into_iter().flat_map(Shown::values).cloned().collect(),
            persons: present().count() as u64,
        }
    }
}

/// A hand-over with all that it rests on, opened by somebody on one of its sides.
pub(super) struct Opened {
    pub(super) owner: AreaCode,
    pub(super) row: Row,
    pub(super) sides: Sides,
    pub(super) held: Held,
    pub(super) hand_over: HandOver,
}

impl Opened {
    /// Opens it; who is on neither side is told what somebody is told who asks for nothing.
    pub(super) fn of(
        tx: &Tx<'_>,
        reviewer: &Reviewer,
        household: HouseholdId,
        entry: MoveId,
    ) -> Result<Self, NotAnswered> {
        let unknown = NotAnswered::Unknown;
        let owner = residence::owner(tx, household)?.ok_or(unknown)?;
        let row = stored(tx, household)?.remove(&entry);
        let row = row.ok_or(NotAnswered::Unknown)?;
        let within = |area: &AreaCode| areas::is_within(tx, area, &reviewer.areas);
        let sides = Sides {
            asking: within(&owner)?,
            asked: row.asked().map_or(Ok(false), within)?,
        };
        let core = reviewer.kinds.contains(&DocKind::Core);
        if !core || !(sides.asking || sides.asked) {
            return Err(NotAnswered::Unknown);
        }
        let id = DocumentId::new(household, DocKind::Core);
        let held = documents::load(tx, id)?.ok_or(NotAnswered::Unknown)?;
        let mut all = hand_overs(&held.document).into_iter();
        let hand_over = all.find(|one| one.id == entry);
        Ok(Self {
            owner,
            row,
            sides,
            hand_over: hand_over.ok_or(NotAnswered::Unknown)?,
            held,
        })
    }

    /// Everything of the household that counts are made of: health too, where the reviewer may read it.
    pub(super) fn whole(
        &self,
        tx: &Tx<'_>,
        reviewer: &Reviewer,
    ) -> Result<HouseholdView, NotAnswered> {
        whole(tx, &self.held.document, reviewer)
    }
}

/// Everything of a household: health too, where the reviewer may read it.
fn whole(tx: &Tx<'_>, core: &Document, reviewer: &Reviewer) -> Result<HouseholdView, NotAnswered> {
    let id = DocumentId::new(core.id().household, DocKind::Health);
    let health = match reviewer.kinds.contains(&DocKind::Health) {
        true => documents::load(tx, id)?,
        false => None,
    };
    let health = health.as_ref().map(|held| &held.document);
    let whole = view(core.id().household, core, health);
    Ok(whole.map_err(|error| StoreError::Corrupt(error.to_string()))?)
}

/// Reads a hand-over.
///
/// # Errors
/// [`NotAnswered::Unknown`] when there is none, or it is between areas of others.
pub fn read(
    tx: &Tx<'_>,
    reviewer: &Reviewer,
    (household, entry): (HouseholdId, MoveId),
    now: Timestamp,
) -> Result<Seen, NotAnswered> {
    let opened = Opened::of(tx, reviewer, household, entry)?;
    let (sides, row) = (opened.sides, &opened.row);
    let waits = row.state == HandOverState::Proposed;
    let whole = match waits || sides.asking {
        true => Some(opened.whole(tx, reviewer)?),
        false => None,
    };
    let told = whole.as_ref().and_then(|view| view.moves.get(&entry));
    let answer = match told {
        Some(told) => told.answer.clone(),
        None => hand_over_answer(&opened, entry),
    };
    let reads_health = reviewer.kinds.contains(&DocKind::Health);
    let (stub, checklist) = whole
        .as_ref()
        .map(|view| (Stub::of(view), Checklist::of(view, reads_health, now)))
        .unzip();
    // What travels is in the family's own record, not in the one that it was given at the door.
    let checklist = checklist.filter(|_| !row.at_door);
    let (families, found) = match waits && row.at_door {
        true => at_door(tx, reviewer, &opened, now)?,
        false => (Vec::new(), None),
    };
    let record = whole.filter(|_| sides.asking).map(|mut view| {
        view.mask_id_numbers();
        view
    });
    Ok(Seen {
        household,
        entry,
        state: row.state,
        group: sides.group(row.escalates_at(), now).filter(|_| waits),
        from: row.from.clone(),
        to: row.to.clone(),
        day: row.day.clone(),
        until: row.until.clone(),
        reason: row.reason.clone(),
        answer: answer.and_then(|shown| shown.values().next().cloned()),
        proposed_at: row.proposed_at,
        escalates_at: row.escalates_at(),
        answered_at: row.answered_at,
        seen: opened.hand_over.written_by.iter().copied().collect(),
        may: match waits {
            true => Deed::of(sides),
            false => Vec::new(),
        },
        stub,
        checklist,
        record,
        at_door: row.at_door,
        families,
        found,
    })
}

/// What was answered, read from the core document alone.
fn hand_over_answer(opened: &Opened, entry: MoveId) -> Option<Shown<String>> {
    let core = &opened.held.document;
    let view = view(core.id().household, core, None).ok()?;
    view.moves.get(&entry)?.answer.clone()
}
