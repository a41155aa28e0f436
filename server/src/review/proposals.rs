//! Choices that wait for a second person, each on the heads that its author saw. One ends with its question.

use sojourn_sync_protocol::{ChangeHash, HouseholdId, StaffId, Timestamp};

use super::Item;
use super::decide::Choice;
use crate::documents;
use crate::params;
use crate::store::{StoreError, Tx};

pub(crate) const SCHEMA: &str = "
CREATE TABLE proposals (
    household BLOB NOT NULL,
    kind TEXT NOT NULL,
    document BIGINT NOT NULL,
    subject TEXT NOT NULL,
    staff BLOB NOT NULL REFERENCES staff (id),
    choice TEXT NOT NULL,
    reason TEXT NOT NULL,
    heads BLOB NOT NULL,
    proposed_at BIGINT NOT NULL,
    PRIMARY KEY (household, kind, document, subject)
);
";

/// A choice that waits for a second person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Proposal {
    /// Whose it is.
    pub staff: StaffId,
    /// What they chose.
    pub choice: Choice,
    /// Why.
    pub reason: String,
    /// The document's heads as they saw it.
    pub heads: Vec<ChangeHash>,
}

impl Proposal {
    /// The proposal for a question.
    pub(crate) fn of(
        tx: &Tx<'_>,
        household: HouseholdId,
        item: &Item,
    ) -> Result<Option<Self>, StoreError> {
        tx.query_opt(
            "SELECT staff, choice, reason, heads FROM proposals
             WHERE household = ?1 AND kind = ?2 AND document = ?3 AND subject = ?4",
            params![
                household.as_bytes(),
                item.kind.name(),
                item.document.code(),
                &item.subject
            ],
            |row| {
                let choice = serde_json::from_str(row.str(1)?);
                Ok(Self {
                    staff: StaffId::from_bytes(row.array(0)?),
                    choice: choice.map_err(|_| StoreError::Shape {
                        column: 1,
                        expected: "a choice",
                    })?,
                    reason: row.text(2)?,
                    heads: documents::split(row.bytes(3)?),
                })
            },
        )
    }

    pub(super) fn put(
        &self,
        tx: &Tx<'_>,
        household: HouseholdId,
        item: &Item,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        tx.execute(
            "INSERT INTO proposals (household, kind, document, subject, staff, choice, reason, heads, proposed_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
             ON CONFLICT (household, kind, document, subject) DO UPDATE
             SET staff = excluded.staff, choice = excluded.choice, reason = excluded.reason,
                 heads = excluded.heads, proposed_at = excluded.proposed_at",
            params![
                household.as_bytes(),
                item.kind.name(),
                item.document.code(),
                &item.subject,
                self.staff.as_bytes(),
                serde_json::to_string(&self.choice).expect("a choice is plain data"),
                &self.reason,
                documents::joined(&self.heads),
                now.millis()
            ],
        )?;
        Ok(())
    }

    /// Forgets the proposal for a question.
    pub(crate) fn forget(
        tx: &Tx<'_>,
        household: HouseholdId,
        item: &Item,
    ) -> Result<(), StoreError> {
        tx.execute(
            "DELETE FROM proposals WHERE household = ?1 AND kind = ?2 AND document = ?3 AND subject = ?4",
            params![
                household.as_bytes(),
                item.kind.name(),
                item.document.code(),
                &item.subject
            ],
        )?;
        Ok(())
    }
}
