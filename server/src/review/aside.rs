//! A change that was kept aside, as an open question: what it would write where the record says something else, what a choice
//! about it writes, and when it waits no more. Its bytes are read on a copy and within bounds, and are never applied.
//!
//! Where its household is in the register, a decision of the document settles it. Where it is not, there is no document to say
//! so: it can only be refused, which is kept beside its bytes.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use sojourn_sync_protocol::record::{
    Assignments, DecisionOutcome, Document, Reading, Value, inspect,
};
use sojourn_sync_protocol::{
    AreaCode, ChangeHash, DocumentId, HouseholdId, StaffId, Timestamp, gate, record::Attribution,
};

use super::decide::{Choice, Objection, Opened, Order, Outcome, QuestionId, Reviewer, reason_of};
use super::proposals::Proposal;
use super::severity::settled_by_two;
use super::{Decided, Item, ReviewKind, claims, deferrals};
use crate::audit::{self, Action, Stamp};
use crate::ingest::guarded;
use crate::ingest::quarantine::{self, Kept, State};
use crate::store::{StoreError, Tx};
use crate::{areas, residence};

pub use crate::ingest::quarantine::HandedIn;

/// A change that was kept aside, as far as it can be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Aside {
    /// Why: the name of a reason, or `fork`.
    pub reason: String,
    /// Every time it was handed in, the first first.
    pub handed_in: Vec<HandedIn>,
    /// Who, as it claims.
    #[schema(value_type = Option<String>)]
    pub staff: Option<StaffId>,
    /// The area they worked for, as it claims.
    #[schema(value_type = Option<String>)]
    pub area: Option<AreaCode>,
    /// The kind of edit, as it claims.
    pub edit: Option<String>,
    /// When it was written, by the author's clock, in milliseconds.
    #[schema(value_type = Option<i64>)]
    pub written_at: Option<Timestamp>,
    /// Whether its household is in the register. Where it is not, the change can only be refused.
    pub registered: bool,
    /// Every field that it would write and a person can decide about, by path. None: it can only be refused.
    #[schema(value_type = Object)]
    pub fields: BTreeMap<String, Difference>,
    /// Entries that it would add, as in a path: `persons/ID`.
    pub adds: BTreeSet<String>,
    /// What else is in it and cannot be read, or not be decided about.
    pub left_out: usize,
}

impl Aside {
    /// The areas that it speaks of.
    pub(crate) fn areas(&self) -> Vec<AreaCode> {
        let fields = self.fields.iter();
        let ends = ["residence/area", "/from", "/to"];
        let named = fields.filter(|(path, _)| ends.iter().any(|end| path.ends_with(end)));
        let values = named.flat_map(|(_, field)| field.now.iter().chain([&field.would]).flatten());
        let codes = values.filter_map(|value| value.to_string().parse().ok());
        self.area.clone().into_iter().chain(codes).collect()
    }
}

/// A field as it is and as it would be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Difference {
    /// Its distinct values now; none where nobody has written it.
    #[schema(value_type = Vec<Object>)]
    pub now: Vec<Option<Value>>,
    /// What it would become.
    #[schema(value_type = Object)]
    pub would: Option<Value>,
    /// Whether two people must agree on writing it.
    pub needs_two: bool,
}

impl QuestionId {
    fn kept_aside(&self) -> Option<(DocumentId, ChangeHash)> {
        let is = self.kind == ReviewKind::Quarantined;
        let hash = is.then(|| self.subject.parse().ok()).flatten()?;
        Some((DocumentId::new(self.household, self.document), hash))
    }
}

/// The change that a question is about, and where it waits; for a reviewer who answers for that and may read such a document.
///
/// # Errors
/// [`Objection::Unknown`] when it does not wait, or is not theirs.
pub(super) fn waiting(
    tx: &Tx<'_>,
    reviewer: &Reviewer,
    question: &QuestionId,
) -> Result<(AreaCode, Kept), Objection> {
    let (id, hash) = question.kept_aside().ok_or(Objection::Unknown)?;
    let kept = quarantine::find(tx, id, &hash)?.ok_or(Objection::Unknown)?;
    let area = residence::owner(tx, id.household)?.unwrap_or_else(|| kept.area.clone());
    let theirs = reviewer.kinds.contains(&id.kind) && areas::is_within(tx, &area, &reviewer.areas)?;
    if !theirs || kept.state != State::Waits {
        return Err(Objection::Unknown);
    }
    Ok((area, kept))
}

/// Whether a change that was kept aside waits for a person.
pub(super) fn waits(tx: &Tx<'_>, household: HouseholdId, item: &Item) -> Result<bool, StoreError> {
    let Ok(hash) = item.subject.parse() else {
        return Ok(false);
    };
    let kept = quarantine::find(tx, DocumentId::new(household, item.document), &hash)?;
    Ok(kept.is_some_and(|kept| kept.state == State::Waits))
}

/// Reads a change in the light of a document. Whatever cannot be read is absent.
pub(super) fn look(
    tx: &Tx<'_>,
    document: &Document,
    kept: &Kept,
    question: &QuestionId,
) -> Result<Aside, Objection> {
    let (id, hash) = question.kept_aside().ok_or(Objection::Unknown)?;
    let head = gate::read_head(&kept.bytes).ok();
    let claims = head
        .as_ref()
        .and_then(|head| head.message.parse::<Attribution>().ok());
    let read = read(document, &kept.bytes);
    Ok(Aside {
        reason: kept.reason.clone(),
        handed_in: quarantine::handed_in(tx, id, &hash)?,
        staff: claims.as_ref().map(|claims| claims.staff),
        area: claims.as_ref().map(|claims| claims.area.clone()),
        edit: claims.map(|claims| claims.kind),
        written_at: head.map(|head| head.time),
        registered: residence::owner(tx, id.household)?.is_some(),
        fields: read
            .fields
            .into_iter()
            .map(|(path, would)| {
                let difference = Difference {
                    now: document.standing_at(&path),
                    needs_two: settled_by_two(id.kind, std::iter::once(&path)),
                    would,
                };
                (path, difference)
            })
            .collect(),
        adds: read.adds,
        left_out: read.left_out,
    })
}

fn read(document: &Document, bytes: &[u8]) -> Reading {
    let read = guarded(|| {
        let facts = inspect(bytes).ok()?;
        Some(document.reading(&facts))
    });
    read.ok().flatten().unwrap_or_default()
}

/// What a choice about a change that was kept aside comes to.
pub(super) struct Answer {
    pub(super) set: Assignments,
    pub(super) outcome: DecisionOutcome,
    pub(super) needs_two: bool,
}

/// What a choice writes.
pub(super) fn answer(
    tx: &Tx<'_>,
    document: &Document,
    item: &Item,
    choice: &Choice,
) -> Result<Answer, Objection> {
    let hash = item.subject.parse().map_err(|_| Objection::Stale)?;
    let kept = quarantine::find(tx, document.id(), &hash)?.ok_or(Objection::Stale)?;
    let fields = read(document, &kept.bytes).fields;
    let (set, outcome) = match choice {
        Choice::Refuse {} => (Assignments::new(), DecisionOutcome::Refused),
        Choice::Adopt {} => (fields, DecisionOutcome::Adopted),
        Choice::Adapt { set } if set.keys().all(|path| fields.contains_key(path)) => {
            (set.clone(), DecisionOutcome::Adapted)
        }
        _ => return Err(Objection::NotAChoice),
    };
    if set.is_empty() && outcome != DecisionOutcome::Refused {
        return Err(Objection::NotAChoice);
    }
    Ok(Answer {
        needs_two: settled_by_two(item.document, set.keys()),
        set,
        outcome,
    })
}

/// Why a change of the queue was kept aside, and whether two must agree to adopt it.
pub(super) fn needs_two(
    tx: &Tx<'_>,
    id: DocumentId,
    hash: &ChangeHash,
) -> Result<bool, StoreError> {
    let Some(kept) = quarantine::find(tx, id, hash)? else {
        return Ok(false);
    };
    let held = crate::documents::load(tx, id)?;
    let document = held.map_or_else(|| Document::new(id), |held| held.document);
    let fields = read(&document, &kept.bytes).fields;
    Ok(residence::owner(tx, id.household)?.is_some() && settled_by_two(id.kind, fields.keys()))
}

/// Refuses a change of a household that is not in the register: nobody else can adopt it, and its bytes stay.
pub(super) fn refuse(
    tx: &Tx<'_>,
    reviewer: &Reviewer,
    order: &Order,
    stamp: &Stamp,
) -> Result<Outcome, Objection> {
    let (question, item) = (&order.question, order.question.item());
    let (area, _) = match waiting(tx, reviewer, question) {
        // What was settled meanwhile is told like any other question's.
        Err(Objection::Unknown) if is_theirs(tx, reviewer, question)? => {
            return Err(Objection::Stale);
        }
        other => other?,
    };
    if !order.seen.is_empty() {
        return Err(Objection::Stale);
    }
    if let Some(claim) = claims::of(tx, question.household, &item)?
        && claim.excludes(reviewer.staff, stamp.at())
    {
        return Err(Objection::Claimed(claim));
    }
    if order.choice != (Choice::Refuse {}) {
        return Err(Objection::NotAChoice);
    }
    let why = reason_of(&order.reason)?;
    let (id, hash) = question.kept_aside().ok_or(Objection::Unknown)?;
    quarantine::refuse(tx, id, &hash, (reviewer.staff, stamp.at(), &why))?;
    end(tx, question.household, &item)?;
    let owners = std::slice::from_ref(&area);
    audit::note_question(tx, stamp, reviewer.staff, Action::Decided, owners, question)?;
    Ok(Outcome::Refused)
}

fn is_theirs(tx: &Tx<'_>, reviewer: &Reviewer, question: &QuestionId) -> Result<bool, StoreError> {
    let Some((id, hash)) = question.kept_aside() else {
        return Ok(false);
    };
    let Some(kept) = quarantine::find(tx, id, &hash)? else {
        return Ok(false);
    };
    Ok(reviewer.kinds.contains(&id.kind) && areas::is_within(tx, &kept.area, &reviewer.areas)?)
}

/// The document that a question about a change kept aside is read in: an empty one where there is none yet.
pub(super) fn document(
    tx: &Tx<'_>,
    reviewer: &Reviewer,
    question: &QuestionId,
) -> Result<Document, Objection> {
    let id = DocumentId::new(question.household, question.document);
    match residence::owner(tx, question.household)? {
        Some(_) => Ok(Opened::or_new(tx, reviewer, id)?.held.document),
        None => Ok(Document::new(id)),
    }
}

/// Brings how changes kept aside stand up to date with documents of their household that have changed. With one that waits
/// no more, whatever was going on about it ends.
pub(crate) fn follow<'d>(
    tx: &Tx<'_>,
    household: HouseholdId,
    changed: impl Iterator<Item = &'d Document>,
) -> Result<(), StoreError> {
    let kept = quarantine::of_household(tx, household)?;
    if kept.is_empty() {
        return Ok(());
    }
    for document in changed {
        let id = document.id();
        for (kept, state) in standing(&kept, document) {
            if state == kept.state {
                continue;
            }
            quarantine::set_state(tx, id, &kept.hash, state)?;
            if state != State::Waits {
                let subject = kept.hash.to_string();
                end(
                    tx,
                    household,
                    &Item::new(ReviewKind::Quarantined, id.kind, subject),
                )?;
            }
        }
    }
    Ok(())
}

/// How each change kept aside that is meant for a document stands, as the document calls for.
pub(crate) fn standing<'k>(
    kept: &'k [quarantine::Standing],
    document: &Document,
) -> Vec<(&'k quarantine::Standing, State)> {
    let kind = document.id().kind;
    let mut decided = None;
    let ours = kept
        .iter()
        .filter(|kept| kept.kind == kind && kept.state != State::Again);
    ours.map(|kept| {
        let decided = decided.get_or_insert_with(|| Decided::of(document));
        let item = Item::new(ReviewKind::Quarantined, kind, kept.hash.to_string());
        let is_decided = decided.standing.contains(&item.about());
        let state = State::of(document.has(&kept.hash), is_decided, kept.refused);
        (kept, state)
    })
    .collect()
}

fn end(tx: &Tx<'_>, household: HouseholdId, item: &Item) -> Result<(), StoreError> {
    claims::end(tx, household, item)?;
    deferrals::end(tx, household, item)?;
    Proposal::forget(tx, household, item)
}

#[cfg(test)]
#[path = "aside_tests.rs"]
mod tests;
