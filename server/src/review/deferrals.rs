//! Questions that a reviewer has put off until a day, or until the field has answered what they asked. Until then the queue
//! leaves them out; they come back by themselves, and nobody is kept from settling one meanwhile.
//!
//! A row ends with its question, when what the question is between changes, when the evidence that two households are one does
//! (`duplicates` ends it then), and when the field answers. Like claims it follows from nothing that the log holds: a rebuild
//! loses it and the question is in the queue again.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use sha2::{Digest as _, Sha256};
use sojourn_sync_protocol::record::{
    Document, Edit, NeedView, NewNeed, Shown, contradictions, view,
};
use sojourn_sync_protocol::{
    AreaCode, ChangeHash, DocKind, DocumentId, HouseholdId, NeedId, StaffId, Timestamp,
};

use super::decide::{Objection, Opened, QuestionId, Reviewer, reason_of};
use super::{Item, ReviewKind, claims};
use crate::audit::{self, Action, Stamp};
use crate::desk::Draws;
use crate::documents::{self, kind};
use crate::params;
use crate::store::{Row, StoreError, Tx};

pub(crate) const SCHEMA: &str = "
CREATE TABLE review_deferrals (
    household BLOB NOT NULL,
    kind TEXT NOT NULL,
    document BIGINT NOT NULL,
    subject TEXT NOT NULL,
    staff BLOB NOT NULL REFERENCES staff (id),
    since BIGINT NOT NULL,
    until BIGINT NOT NULL,
    reason TEXT NOT NULL,
    between_changes BLOB NOT NULL,
    asked BLOB,
    PRIMARY KEY (household, kind, document, subject)
);
";

/// The longest time for which a question is put off, milliseconds.
pub const PUT_OFF_MS_MAX: i64 = 90 * DAY_MS;
/// How long a question waits for the field before it comes back without an answer, milliseconds.
pub const ASKED_MS: i64 = 14 * DAY_MS;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// That a question was put off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct PutOff {
    /// By whom.
    #[schema(value_type = String)]
    pub staff: StaffId,
    /// When, in milliseconds.
    #[schema(value_type = i64)]
    pub since: Timestamp,
    /// When it comes back, in milliseconds.
    #[schema(value_type = i64)]
    pub until: Timestamp,
    /// Why, or what the field was asked.
    pub reason: String,
    /// The request in the record that asks the field, for one that waits for its answer.
    #[schema(value_type = Option<String>)]
    pub asked: Option<NeedId>,
}

/// What is kept: which changes the question was between, so that it comes back when those are others.
struct Kept {
    put_off: PutOff,
    between: [u8; 32],
}

/// Puts a question off until a moment; gives the areas in which it is answered for, which see it go from their queue.
///
/// # Errors
/// As [`claims::claim`]; [`Objection::Reason`]; [`Objection::NotAChoice`] for a moment that has passed or is too far ahead.
pub fn put_off(
    tx: &Tx<'_>,
    reviewer: &Reviewer,
    question: &QuestionId,
    (until, reason): (Timestamp, &str),
    stamp: &Stamp,
) -> Result<(PutOff, Vec<AreaCode>), Objection> {
    let now = stamp.at();
    let (owners, item) = claims::theirs(tx, reviewer, question, now)?;
    if until <= now || until > now.plus_millis(PUT_OFF_MS_MAX) {
        return Err(Objection::NotAChoice);
    }
    let put_off = PutOff {
        staff: reviewer.staff,
        since: now,
        until,
        reason: reason_of(reason)?,
        asked: None,
    };
    // An answer that the field still owes is not waited for twice.
    if waits_for_field(tx, question.household, &item, now)? {
        return Err(Objection::NotAChoice);
    }
    keep(tx, question.household, &item, &put_off)?;
    claims::end(tx, question.household, &item)?;
    let action = Action::QuestionPutOff;
    audit::note_question(tx, stamp, reviewer.staff, action, &owners, question)?;
    Ok((put_off, owners))
}

/// Asks those who hold the household: their request in its record says what, and the question waits for their answer.
///
/// # Errors
/// As [`claims::claim`]; [`Objection::Reason`] for a text that is none; [`Objection::NotAChoice`] while they have been asked
/// already, and where the household is not in the register.
pub fn ask(
    tx: &Tx<'_>,
    reviewer: &Reviewer,
    question: &QuestionId,
    (need, text): (NeedId, &str),
    draws: &Draws,
    stamp: &Stamp,
) -> Result<(PutOff, BTreeSet<AreaCode>), Objection> {
    let now = stamp.at();
    let (owners, item) = claims::theirs(tx, reviewer, question, now)?;
    let text = reason_of(text)?;
    if waits_for_field(tx, question.household, &item, now)? {
        return Err(Objection::NotAChoice);
    }
    let core = DocumentId::new(question.household, DocKind::Core);
    let opened = match Opened::of(tx, reviewer, core) {
        Err(Objection::Unknown) => return Err(Objection::NotAChoice),
        opened => opened?,
    };
    let edit = Edit::NoteNeed(NewNeed {
        id: Some(need),
        kind: "other".to_owned(),
        text: text.clone(),
        urgency: Some("soon".to_owned()),
        person: None,
        asks: Some(asks(question)),
    });
    let settled = opened.make(tx, reviewer, &[edit], draws, now)?;
    let put_off = PutOff {
        staff: reviewer.staff,
        since: now,
        until: now.plus_millis(ASKED_MS),
        reason: text,
        asked: Some(need),
    };
    keep(tx, question.household, &item, &put_off)?;
    claims::end(tx, question.household, &item)?;
    let action = Action::FieldAsked;
    audit::note_question(tx, stamp, reviewer.staff, action, &owners, question)?;
    Ok((put_off, settled.moved))
}

/// Takes a question up again before its time; gives the areas in which it is answered for, and those whose
/// feed moved. What the field was asked is withdrawn, unless it has answered.
///
/// # Errors
/// As [`claims::claim`]; [`Objection::Stale`] when it was not put off any more.
pub fn take_up(
    tx: &Tx<'_>,
    reviewer: &Reviewer,
    question: &QuestionId,
    draws: &Draws,
    stamp: &Stamp,
) -> Result<(Vec<AreaCode>, BTreeSet<AreaCode>), Objection> {
    let (owners, item) = claims::theirs(tx, reviewer, question, stamp.at())?;
    if of(tx, question.household, &item)?.is_none() {
        return Err(Objection::Stale);
    }
    end(tx, question.household, &item)?;
    let moved = take_back(tx, reviewer, question, draws, stamp.at())?;
    let action = Action::QuestionTakenUp;
    audit::note_question(tx, stamp, reviewer.staff, action, &owners, question)?;
    Ok((owners, moved))
}

/// Whether the field has been asked and its time has not passed.
fn waits_for_field(
    tx: &Tx<'_>,
    household: HouseholdId,
    item: &Item,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let earlier = of(tx, household, item)?;
    Ok(earlier.is_some_and(|earlier| earlier.asked.is_some() && earlier.until > now))
}

/// That a question is put off now.
pub(crate) fn now(
    tx: &Tx<'_>,
    question: &QuestionId,
    now: Timestamp,
) -> Result<Option<PutOff>, StoreError> {
    let found = of(tx, question.household, &question.item())?;
    Ok(found.filter(|put_off| put_off.until > now))
}

/// That a question is put off, its time passed or not.
fn of(tx: &Tx<'_>, household: HouseholdId, item: &Item) -> Result<Option<PutOff>, StoreError> {
    let all = of_household(tx, household)?;
    let found = all.into_iter().find(|(kept, _)| kept == item);
    Ok(found.map(|(_, kept)| kept.put_off))
}

/// Every question that is put off now, wherever it is.
pub(super) fn standing(
    tx: &Tx<'_>,
    now: Timestamp,
) -> Result<BTreeMap<(HouseholdId, Item), PutOff>, StoreError> {
    let rows = tx.query(
        "SELECT kind, document, subject, staff, since, until, reason, between_changes, asked, household
         FROM review_deferrals WHERE until > ?1",
        params![now.millis()],
        |row| {
            let (item, kept) = read(row)?;
            let household = HouseholdId::from_bytes(row.array(9)?);
            Ok(((household, item), kept.put_off))
        },
    )?;
    Ok(rows.into_iter().collect())
}

/// Ends what a question was put off for.
pub(crate) fn end(tx: &Tx<'_>, household: HouseholdId, item: &Item) -> Result<(), StoreError> {
    tx.execute(
        "DELETE FROM review_deferrals WHERE household = ?1 AND kind = ?2 AND document = ?3 AND subject = ?4",
        params![
            household.as_bytes(),
            item.kind.name(),
            item.document.code(),
            &item.subject
        ],
    )?;
    Ok(())
}

/// After documents of a household have changed: what is between others now, and what the field has answered, comes back.
pub(crate) fn follow<'d>(
    tx: &Tx<'_>,
    household: HouseholdId,
    changed: impl Iterator<Item = &'d Document>,
) -> Result<(), StoreError> {
    let all = of_household(tx, household)?;
    if all.is_empty() {
        return Ok(());
    }
    for document in changed {
        let of = document.id().kind;
        for (item, kept) in &all {
            let others = item.document == of && between(document, item) != kept.between;
            let answered = of == DocKind::Core
                && kept
                    .put_off
                    .asked
                    .is_some_and(|need| !waits_for_answer(document, need));
            if others || answered {
                end(tx, household, item)?;
            }
        }
    }
    Ok(())
}

/// Whether the field has yet to answer what it was asked.
fn waits_for_answer(core: &Document, need: NeedId) -> bool {
    let seen = view(core.id().household, core, None);
    seen.is_ok_and(|seen| {
        let asked = seen.needs.get(&need);
        asked.is_some_and(NeedView::waits_for_answer)
    })
}

/// How a request in the record says which question it asks about. It stands where some read who may not read health, so
/// it says the kind and no more that anybody could read.
pub(crate) fn asks(question: &QuestionId) -> String {
    let item = question.item();
    let said = format!("{} {}", item.document, item.about());
    let hash = Sha256::digest(said.as_bytes());
    let code: String = hash[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{} {code}", item.kind)
}

/// Takes back whatever the field was asked about a question and has not answered; gives the areas whose feed moved.
pub(super) fn take_back(
    tx: &Tx<'_>,
    reviewer: &Reviewer,
    question: &QuestionId,
    draws: &Draws,
    now: Timestamp,
) -> Result<BTreeSet<AreaCode>, Objection> {
    let core = DocumentId::new(question.household, DocKind::Core);
    let opened = match Opened::of(tx, reviewer, core) {
        // A change of a household that is not in the register asks nobody.
        Err(Objection::Unknown) => return Ok(BTreeSet::new()),
        opened => opened?,
    };
    let seen = view(question.household, &opened.held.document, None)
        .map_err(|error| StoreError::Corrupt(error.to_string()))?;
    let about = asks(question);
    let ours = seen.asked().filter(|(_, need)| {
        let mut said = need.asks.iter().flat_map(Shown::values);
        said.any(|said| *said == about)
    });
    let needs: Vec<NeedId> = ours.map(|(need, _)| need).collect();
    if needs.is_empty() {
        return Ok(BTreeSet::new());
    }
    let edit = Edit::take_back_questions(&needs);
    Ok(opened.make(tx, reviewer, &[edit], draws, now)?.moved)
}

/// The changes that a question is between, as far as they can become others while it stays the same question.
fn between(document: &Document, item: &Item) -> [u8; 32] {
    let mut changes: Vec<ChangeHash> = Vec::new();
    if matches!(
        item.kind,
        ReviewKind::Contradiction | ReviewKind::ContestedResidence
    ) {
        let found = contradictions(document).into_iter();
        let values = found
            .filter(|found| found.path == item.subject)
            .flat_map(|found| found.values);
        changes.extend(values.map(|value| value.change));
    }
    changes.sort_unstable();
    let hashed = changes.iter().fold(Sha256::new(), |all, change| {
        all.chain_update(change.as_bytes())
    });
    hashed.finalize().into()
}

fn keep(
    tx: &Tx<'_>,
    household: HouseholdId,
    item: &Item,
    put_off: &PutOff,
) -> Result<(), StoreError> {
    let held = documents::load(tx, DocumentId::new(household, item.document))?;
    let empty = Document::new(DocumentId::new(household, item.document));
    let document = held.map_or(empty, |held| held.document);
    tx.execute(
        "INSERT INTO review_deferrals (household, kind, document, subject, staff, since, until, reason,
            between_changes, asked)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
         ON CONFLICT (household, kind, document, subject) DO UPDATE
         SET staff = excluded.staff, since = excluded.since, until = excluded.until, reason = excluded.reason,
            between_changes = excluded.between_changes, asked = excluded.asked",
        params![
            household.as_bytes(),
            item.kind.name(),
            item.document.code(),
            &item.subject,
            put_off.staff.as_bytes(),
            put_off.since.millis(),
            put_off.until.millis(),
            &put_off.reason,
            between(&document, item),
            put_off.asked.map(|need| need.as_bytes().to_vec())
        ],
    )?;
    Ok(())
}

fn of_household(tx: &Tx<'_>, household: HouseholdId) -> Result<Vec<(Item, Kept)>, StoreError> {
    tx.query(
        "SELECT kind, document, subject, staff, since, until, reason, between_changes, asked
         FROM review_deferrals WHERE household = ?1",
        params![household.as_bytes()],
        read,
    )
}

fn read(row: &Row<'_>) -> Result<(Item, Kept), StoreError> {
    let item = Item::new(row.parse(0)?, kind(row, 1)?, row.text(2)?);
    let put_off = PutOff {
        staff: StaffId::from_bytes(row.array(3)?),
        since: Timestamp::from_millis(row.i64(4)?),
        until: Timestamp::from_millis(row.i64(5)?),
        reason: row.text(6)?,
        asked: row.optional(8, Row::array)?.map(NeedId::from_bytes),
    };
    let kept = Kept {
        put_off,
        between: row.array(7)?,
    };
    Ok((item, kept))
}

#[cfg(test)]
#[path = "deferrals_tests.rs"]
mod tests;
