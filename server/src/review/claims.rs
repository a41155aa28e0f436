//! Who is at work on an open question. A claim ends by itself, so nobody can hold a question up; while it lasts, nobody else
//! settles it.

use serde::Serialize;
use sojourn_sync_protocol::{AreaCode, DocumentId, HouseholdId, StaffId, Timestamp};

use super::decide::{Objection, Opened, QuestionId, Reviewer};
use super::later::Later;
use super::pairs::Two;
use super::{Item, ReviewKind, aside};
use crate::audit::{self, Action, Stamp};
use crate::params;
use crate::review;
use crate::store::{Row, StoreError, Tx};

pub(crate) const SCHEMA: &str = "
CREATE TABLE review_claims (
    household BLOB NOT NULL,
    kind TEXT NOT NULL,
    document BIGINT NOT NULL,
    subject TEXT NOT NULL,
    staff BLOB NOT NULL REFERENCES staff (id),
    until BIGINT NOT NULL,
    PRIMARY KEY (household, kind, document, subject)
);
";

/// How long somebody who has a question open is left alone with it, milliseconds.
pub const OPEN_MS: i64 = 15 * 60 * 1000;
/// How long a question stays with the person to whom it was given, milliseconds.
pub const ASSIGNED_MS: i64 = 14 * 24 * 60 * 60 * 1000;

/// A claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Claim {
    /// Whose it is.
    #[schema(value_type = String)]
    pub staff: StaffId,
    /// When it ends, in milliseconds.
    #[schema(value_type = i64)]
    pub until: Timestamp,
}

impl Claim {
    /// Whether it keeps somebody from the question.
    pub fn excludes(&self, staff: StaffId, now: Timestamp) -> bool {
        self.staff != staff && self.until > now
    }

    pub(super) fn read(row: &Row<'_>, column: usize) -> Result<Self, StoreError> {
        Ok(Claim {
            staff: StaffId::from_bytes(row.array(column)?),
            until: Timestamp::from_millis(row.i64(column + 1)?),
        })
    }
}

/// The claim on a question, ended or not.
pub(crate) fn of(
    tx: &Tx<'_>,
    household: HouseholdId,
    item: &Item,
) -> Result<Option<Claim>, StoreError> {
    tx.query_opt(
        "SELECT staff, until FROM review_claims
         WHERE household = ?1 AND kind = ?2 AND document = ?3 AND subject = ?4",
        params![
            household.as_bytes(),
            item.kind.name(),
            item.document.code(),
            &item.subject
        ],
        |row| Claim::read(row, 0),
    )
}

/// Claims a question for `holder`, oneself or somebody to whom it is given, for so many milliseconds. Claimed again, it lasts
/// from now.
///
/// # Errors
/// [`Objection::Claimed`] while somebody else's lasts; [`Objection::Unknown`] when it does not wait, or not in the
/// reviewer's areas.
pub fn claim(
    tx: &Tx<'_>,
    reviewer: &Reviewer,
    question: &QuestionId,
    (holder, millis): (StaffId, i64),
    stamp: &Stamp,
) -> Result<Claim, Objection> {
    let (owners, item) = theirs(tx, reviewer, question, stamp.at())?;
    let claim = Claim {
        staff: holder,
        until: stamp.at().plus_millis(millis),
    };
    put(tx, question.household, &item, claim)?;
    let action = Action::QuestionClaimed;
    audit::note_question(tx, stamp, reviewer.staff, action, &owners, question)?;
    Ok(claim)
}

/// Lets a question go that oneself has claimed, or that nobody has.
///
/// # Errors
/// As [`claim`].
pub fn release(
    tx: &Tx<'_>,
    reviewer: &Reviewer,
    question: &QuestionId,
    stamp: &Stamp,
) -> Result<(), Objection> {
    let (owners, item) = theirs(tx, reviewer, question, stamp.at())?;
    end(tx, question.household, &item)?;
    let action = Action::QuestionReleased;
    audit::note_question(tx, stamp, reviewer.staff, action, &owners, question)?;
    Ok(())
}

/// A question that waits, that a reviewer answers for, and that nobody else is at work on; with the areas responsible.
pub(crate) fn theirs(
    tx: &Tx<'_>,
    reviewer: &Reviewer,
    question: &QuestionId,
    now: Timestamp,
) -> Result<(Vec<AreaCode>, Item), Objection> {
    let item = question.item();
    let owners = match item.kind {
        ReviewKind::Quarantined => vec![aside::waiting(tx, reviewer, question)?.0],
        ReviewKind::PossibleDuplicate => Two::of(tx, reviewer, question)?.owners(),
        ReviewKind::EditOfJoined if review::waits(tx, question.household, &item)? => {
            Later::of(tx, reviewer, question)?.owners()
        }
        _ => {
            let id = DocumentId::new(question.household, question.document);
            let opened = Opened::of(tx, reviewer, id)?;
            if !review::waits(tx, question.household, &item)? {
                return Err(Objection::Unknown);
            }
            vec![opened.owner]
        }
    };
    match of(tx, question.household, &item)? {
        Some(claim) if claim.excludes(reviewer.staff, now) => Err(Objection::Claimed(claim)),
        _ => Ok((owners, item)),
    }
}

/// Puts a claim in the place of whatever there was.
fn put(tx: &Tx<'_>, household: HouseholdId, item: &Item, claim: Claim) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO review_claims (household, kind, document, subject, staff, until)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (household, kind, document, subject) DO UPDATE
         SET staff = excluded.staff, until = excluded.until",
        params![
            household.as_bytes(),
            item.kind.name(),
            item.document.code(),
            &item.subject,
            claim.staff.as_bytes(),
            claim.until.millis()
        ],
    )?;
    Ok(())
}

/// Ends the claim on a question.
pub(crate) fn end(tx: &Tx<'_>, household: HouseholdId, item: &Item) -> Result<(), StoreError> {
    tx.execute(
        "DELETE FROM review_claims WHERE household = ?1 AND kind = ?2 AND document = ?3 AND subject = ?4",
        params![
            household.as_bytes(),
            item.kind.name(),
            item.document.code(),
            &item.subject
        ],
    )?;
    Ok(())
}
