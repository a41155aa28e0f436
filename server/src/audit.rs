//! The audit trail: who did what in the console and in the office, when, and in which areas. Written in the transaction of the deed,
//! never changed; officers read that of their areas. It holds ids and names of deeds, nothing of what a record says.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sojourn_sync_protocol::{AreaCode, HouseholdId, StaffId, Timestamp};

use crate::accounts::sessions::SignedIn;
use crate::clock::Clock;
use crate::params;
use crate::review::decide::QuestionId;
use crate::store::{Row, StoreError, Tx};

/// The tables of this module. A deed that concerns several areas has a row in each.
pub(crate) const SCHEMA: &str = "
CREATE TABLE audit_trail (
    area TEXT NOT NULL,
    at BIGINT NOT NULL,
    id BLOB NOT NULL,
    staff BLOB,
    action TEXT NOT NULL,
    household BLOB,
    subject TEXT NOT NULL,
    PRIMARY KEY (area, at, id)
);
";

/// Entries on one page at most.
pub const PAGE_MAX: usize = 200;

/// What somebody did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// The office gave an account.
    AccountGiven,
    /// The office took an account away.
    AccountWithdrawn,
    /// Somebody chose a password with their code.
    SignedInFirst,
    /// Somebody signed in.
    SignedIn,
    /// Somebody signed out.
    SignedOut,
    /// Read a household's record.
    HouseholdRead,
    /// Read an open question and the record it is about.
    QuestionRead,
    /// Took an open question, or gave it to somebody.
    QuestionClaimed,
    /// Let an open question go.
    QuestionReleased,
    /// Chose how to settle a question, which waits for a second person.
    DecisionProposed,
    /// Settled a question.
    Decided,
    /// Took a decision back.
    DecisionUndone,
    /// Read a hand-over and what it says of the family.
    HandOverRead,
    /// Took a family over from another area.
    HandOverAccepted,
    /// Did not take a family over.
    HandOverRejected,
    /// Took a proposal to hand a family over back.
    HandOverWithdrawn,
    /// Read the audit trail.
    TrailRead,
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 17] = [
        Self::AccountGiven,
        Self::AccountWithdrawn,
        Self::SignedInFirst,
        Self::SignedIn,
        Self::SignedOut,
        Self::HouseholdRead,
        Self::QuestionRead,
        Self::QuestionClaimed,
        Self::QuestionReleased,
        Self::DecisionProposed,
        Self::Decided,
        Self::DecisionUndone,
        Self::HandOverRead,
        Self::HandOverAccepted,
        Self::HandOverRejected,
        Self::HandOverWithdrawn,
        Self::TrailRead,
    ];

    /// The name used in stored rows and in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AccountGiven => "account-given",
            Self::AccountWithdrawn => "account-withdrawn",
            Self::SignedInFirst => "signed-in-first",
            Self::SignedIn => "signed-in",
            Self::SignedOut => "signed-out",
            Self::HouseholdRead => "household-read",
            Self::QuestionRead => "question-read",
            Self::QuestionClaimed => "question-claimed",
            Self::QuestionReleased => "question-released",
            Self::DecisionProposed => "decision-proposed",
            Self::Decided => "decided",
            Self::DecisionUndone => "decision-undone",
            Self::HandOverRead => "hand-over-read",
            Self::HandOverAccepted => "hand-over-accepted",
            Self::HandOverRejected => "hand-over-rejected",
            Self::HandOverWithdrawn => "hand-over-withdrawn",
            Self::TrailRead => "trail-read",
        }
    }
}

impl std::str::FromStr for Action {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL
            .into_iter()
            .find(|action| action.name() == text)
            .ok_or(())
    }
}

/// When a deed is done, and what tells its entry from others of that moment; drawn ahead, so that a transaction that is run
/// again writes the same.
#[derive(Debug, Clone, Copy)]
pub struct Stamp {
    at: Timestamp,
    id: [u8; 8],
}

impl Stamp {
    /// Now.
    pub fn new(clock: &Clock) -> Self {
        Stamp {
            at: clock.now(),
            id: clock.random(),
        }
    }

    #[cfg(test)]
    pub(crate) fn fixed(at: Timestamp) -> Self {
        use std::sync::atomic::{AtomicU64, Ordering};
        static DRAWN: AtomicU64 = AtomicU64::new(0);
        let id = DRAWN.fetch_add(1, Ordering::Relaxed).to_le_bytes();
        Stamp { at, id }
    }

    /// The moment.
    pub fn at(&self) -> Timestamp {
        self.at
    }
}

/// What an entry says beside when and where.
#[derive(Debug, Clone, Copy)]
pub struct Deed<'a> {
    /// Who; nobody is the office, by its own command line.
    pub staff: Option<StaffId>,
    /// What.
    pub action: Action,
    /// The household that it concerned.
    pub household: Option<HouseholdId>,
    /// What else tells what it was about: a question, a decision's id, an account.
    pub subject: &'a str,
}

/// Writes an entry in each of these areas.
pub fn note(
    tx: &Tx<'_>,
    stamp: &Stamp,
    areas: &[AreaCode],
    deed: &Deed<'_>,
) -> Result<(), StoreError> {
    // Both sides of something may be one area.
    for area in areas.iter().collect::<BTreeSet<_>>() {
        tx.execute(
            "INSERT INTO audit_trail (area, at, id, staff, action, household, subject)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![
                area.as_str(),
                stamp.at.millis(),
                stamp.id,
                deed.staff.map(|staff| staff.as_bytes().to_vec()),
                deed.action.name(),
                deed.household
                    .map(|household| household.as_bytes().to_vec()),
                deed.subject
            ],
        )?;
    }
    Ok(())
}

/// Writes what somebody did about their own account, in every area that they answer for.
pub(crate) fn note_of(
    tx: &Tx<'_>,
    stamp: &Stamp,
    who: &SignedIn,
    action: Action,
) -> Result<(), StoreError> {
    let deed = Deed {
        staff: Some(who.staff.id),
        action,
        household: None,
        subject: who.account.as_str(),
    };
    note(tx, stamp, &who.areas, &deed)
}

/// Writes what somebody did about an open question, in the areas responsible for it.
pub(crate) fn note_question(
    tx: &Tx<'_>,
    stamp: &Stamp,
    staff: StaffId,
    action: Action,
    owners: &[AreaCode],
    question: &QuestionId,
) -> Result<(), StoreError> {
    let deed = Deed {
        staff: Some(staff),
        action,
        household: Some(question.household),
        subject: &format!("{} {}", question.kind, question.subject),
    };
    note(tx, stamp, owners, &deed)
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Entry {
    /// When, in milliseconds.
    #[schema(value_type = i64)]
    pub at: Timestamp,
    /// Who; absent for the office.
    #[schema(value_type = Option<String>)]
    pub staff: Option<StaffId>,
    /// Their name.
    pub name: Option<String>,
    /// What.
    pub action: Action,
    /// Where.
    #[schema(value_type = String)]
    pub area: AreaCode,
    /// The household that it concerned.
    #[schema(value_type = Option<String>)]
    pub household: Option<HouseholdId>,
    /// What else tells what it was about.
    pub subject: String,
}

/// Where in the trail an entry stands: its moment in milliseconds and its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place(i64, [u8; 8]);

/// A page of the trail, the newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The entries.
    pub entries: Vec<Entry>,
    /// Where the next page begins; absent on the last.
    pub next: Option<Place>,
}

/// What was done in these areas and below, before a place in the trail; at most `most` entries.
pub fn page(
    tx: &Tx<'_>,
    areas: &[AreaCode],
    before: Option<Place>,
    most: usize,
) -> Result<Page, StoreError> {
    let most = most.clamp(1, PAGE_MAX);
    let Place(at, id) = before.unwrap_or(Place(i64::MAX, [0xff; 8]));
    let mut found = BTreeMap::new();
    for root in areas {
        found.extend(tx.query(
            "WITH RECURSIVE below (code) AS (
               SELECT code FROM areas WHERE code = ?1
               UNION SELECT areas.code FROM areas JOIN below ON areas.parent = below.code
             )
             SELECT t.at, t.id, t.staff, s.name, t.action, MIN(t.area), t.household, t.subject
             FROM below JOIN audit_trail t ON t.area = below.code
             LEFT JOIN staff s ON s.id = t.staff
             WHERE t.at < ?2 OR (t.at = ?2 AND t.id < ?3)
             GROUP BY t.at, t.id, t.staff, s.name, t.action, t.household, t.subject
             ORDER BY t.at DESC, t.id DESC LIMIT ?4",
            params![root.as_str(), at, id, most + 1],
            read,
        )?);
    }
    let mut entries: Vec<(Place, Entry)> = found.into_iter().rev().collect();
    let more = entries.len() > most;
    entries.truncate(most);
    let next = entries.last().filter(|_| more).map(|(place, _)| *place);
    Ok(Page {
        entries: entries.into_iter().map(|(_, entry)| entry).collect(),
        next,
    })
}

fn read(row: &Row<'_>) -> Result<(Place, Entry), StoreError> {
    let at = row.i64(0)?;
    let entry = Entry {
        at: Timestamp::from_millis(at),
        staff: row.optional(2, Row::array)?.map(StaffId::from_bytes),
        name: row.optional(3, Row::text)?,
        action: row.parse(4)?,
        area: row.parse(5)?,
        household: row.optional(6, Row::array)?.map(HouseholdId::from_bytes),
        subject: row.text(7)?,
    };
    Ok((Place(at, row.array(1)?), entry))
}
