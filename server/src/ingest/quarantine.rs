//! Changes kept aside with their bytes: those with a fault of structure or authority, and those of a
//! history that went two ways. Nothing merges them by itself, and no row ever goes. A reviewer decides about each once,
//! however often it was handed in: the row that came first says how that stands.

use std::fmt;
use std::str::FromStr;

use sojourn_sync_protocol::{
    AreaCode, ChangeHash, DeviceId, DocKind, DocumentId, HouseholdId, StaffId, Timestamp,
};

use crate::documents;
use crate::params;
use crate::store::{Row, StoreError, Tx};

pub(crate) const SCHEMA: &str = "
CREATE TABLE quarantine (
    device BLOB NOT NULL,
    batch BLOB NOT NULL,
    place BIGINT NOT NULL,
    household BLOB NOT NULL,
    kind BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    hash BLOB NOT NULL,
    bytes BLOB NOT NULL,
    reason TEXT NOT NULL,
    area TEXT NOT NULL,
    arrived_at BIGINT NOT NULL,
    PRIMARY KEY (device, batch, place)
);
CREATE INDEX quarantine_by_household ON quarantine (household, kind, hash);
";

/// How each stands, and who refused it where there is no record to say so. Those of before wait, except what was accepted since
/// and what an earlier row keeps already.
pub(crate) const STANDS: &str = "
ALTER TABLE quarantine ADD COLUMN state TEXT NOT NULL DEFAULT 'waits';
ALTER TABLE quarantine ADD COLUMN refused_by BLOB;
ALTER TABLE quarantine ADD COLUMN refused_at BIGINT;
ALTER TABLE quarantine ADD COLUMN refused_why TEXT;
UPDATE quarantine SET state = 'accepted' WHERE EXISTS (
    SELECT 1 FROM changes c
    WHERE c.household = quarantine.household AND c.kind = quarantine.kind AND c.hash = quarantine.hash
);
UPDATE quarantine SET state = 'again' WHERE EXISTS (
    SELECT 1 FROM quarantine q
    WHERE q.household = quarantine.household AND q.kind = quarantine.kind AND q.hash = quarantine.hash
      AND (q.arrived_at < quarantine.arrived_at
        OR (q.arrived_at = quarantine.arrived_at AND (q.device < quarantine.device
          OR (q.device = quarantine.device AND (q.batch < quarantine.batch
            OR (q.batch = quarantine.batch AND q.place < quarantine.place))))))
);
CREATE INDEX quarantine_by_state ON quarantine (state);
";

/// How a change kept aside stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum State {
    /// It waits for a person.
    Waits,
    /// A decision of the document is about it.
    Decided,
    /// Somebody refused it, and there was no record to say so.
    Refused,
    /// The very change was accepted since.
    Accepted,
    /// An earlier row keeps it already.
    Again,
}

impl State {
    const ALL: [Self; 5] = [
        Self::Waits,
        Self::Decided,
        Self::Refused,
        Self::Accepted,
        Self::Again,
    ];

    /// The name used in stored rows.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Waits => "waits",
            Self::Decided => "decided",
            Self::Refused => "refused",
            Self::Accepted => "accepted",
            Self::Again => "again",
        }
    }

    /// How the first row of a change stands, from what is known of it.
    pub(crate) const fn of(accepted: bool, decided: bool, refused: bool) -> Self {
        match (accepted, decided, refused) {
            (true, _, _) => Self::Accepted,
            (_, true, _) => Self::Decided,
            (_, _, true) => Self::Refused,
            _ => Self::Waits,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for State {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL
            .into_iter()
            .find(|state| state.name() == text)
            .ok_or(())
    }
}

/// One change to keep aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Aside {
    /// Its place in the batch, from 0.
    pub place: usize,
    /// Why: the name of a reason, or `fork`.
    pub reason: &'static str,
    /// Where it waits when its household is not there.
    pub area: AreaCode,
}

/// Keeps one change aside.
pub(super) fn put(
    tx: &Tx<'_>,
    device: DeviceId,
    batch: &[u8; 32],
    aside: &Aside,
    change: &sojourn_sync_protocol::batch::PushedChange,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (document, hash) = (change.document, change.hash());
    let state = if find(tx, document, &hash)?.is_some() {
        State::Again
    } else {
        State::of(documents::has_change(tx, document, &hash)?, false, false)
    };
    tx.execute(
        "INSERT INTO quarantine (device, batch, place, household, kind, epoch, hash, bytes, reason, area,
            arrived_at, state)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        params![
            device.as_bytes(),
            batch,
            aside.place,
            document.household.as_bytes(),
            document.kind.code(),
            change.epoch,
            hash.as_bytes(),
            &change.bytes,
            aside.reason,
            aside.area.as_str(),
            now.millis(),
            state.name(),
        ],
    )?;
    Ok(())
}

/// A change that is kept aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kept {
    /// Its bytes, to be read with care.
    pub bytes: Vec<u8>,
    /// Why: the name of a reason, or `fork`.
    pub reason: String,
    /// Where it waits when its household is not there.
    pub area: AreaCode,
    /// How it stands.
    pub state: State,
}

/// A change that is kept aside, as it came first.
pub(crate) fn find(
    tx: &Tx<'_>,
    document: DocumentId,
    hash: &ChangeHash,
) -> Result<Option<Kept>, StoreError> {
    tx.query_opt(
        "SELECT bytes, reason, area, state FROM quarantine
         WHERE household = ?1 AND kind = ?2 AND hash = ?3 AND state <> 'again'",
        params![
            document.household.as_bytes(),
            document.kind.code(),
            hash.as_bytes()
        ],
        |row| {
            Ok(Kept {
                bytes: row.blob(0)?,
                reason: row.text(1)?,
                area: row.parse(2)?,
                state: row.parse(3)?,
            })
        },
    )
}

/// One time that a change was handed in.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct HandedIn {
    /// The tablet.
    #[schema(value_type = String)]
    pub device: DeviceId,
    /// When it arrived, by the register's clock, in milliseconds.
    #[schema(value_type = i64)]
    pub at: Timestamp,
    /// Why it was kept aside: the name of a reason, or `fork`.
    pub reason: String,
}

/// Who handed a change in, the first first.
pub(crate) fn handed_in(
    tx: &Tx<'_>,
    document: DocumentId,
    hash: &ChangeHash,
) -> Result<Vec<HandedIn>, StoreError> {
    tx.query(
        "SELECT device, MIN(arrived_at), reason FROM quarantine
         WHERE household = ?1 AND kind = ?2 AND hash = ?3
         GROUP BY device, reason ORDER BY 2, 1, 3",
        params![
            document.household.as_bytes(),
            document.kind.code(),
            hash.as_bytes()
        ],
        |row| {
            Ok(HandedIn {
                device: DeviceId::from_bytes(row.array(0)?),
                at: Timestamp::from_millis(row.i64(1)?),
                reason: row.text(2)?,
            })
        },
    )
}

/// A change kept aside as far as its state depends on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Standing {
    /// The document it was meant for.
    pub kind: DocKind,
    /// The change.
    pub hash: ChangeHash,
    /// How it stands.
    pub state: State,
    /// Somebody refused it in this table.
    pub refused: bool,
}

/// Every row of a household, also those of what an earlier row keeps already.
pub(crate) fn of_household(
    tx: &Tx<'_>,
    household: HouseholdId,
) -> Result<Vec<Standing>, StoreError> {
    tx.query(
        "SELECT kind, hash, state, refused_by FROM quarantine WHERE household = ?1
         ORDER BY kind, hash, state",
        params![household.as_bytes()],
        |row: &Row<'_>| {
            Ok(Standing {
                kind: documents::kind(row, 0)?,
                hash: ChangeHash(row.array(1)?),
                state: row.parse(2)?,
                refused: !row.is_null(3),
            })
        },
    )
}

/// Calls `each` for every household of which something is kept aside.
pub(crate) fn each_household<E: From<StoreError>>(
    tx: &Tx<'_>,
    mut each: impl FnMut(HouseholdId) -> Result<(), E>,
) -> Result<(), E> {
    let households = tx.query(
        "SELECT DISTINCT household FROM quarantine ORDER BY household",
        params![],
        |row| Ok(HouseholdId::from_bytes(row.array(0)?)),
    )?;
    households.into_iter().try_for_each(&mut each)
}

/// Says how a change stands from now on.
pub(crate) fn set_state(
    tx: &Tx<'_>,
    document: DocumentId,
    hash: &ChangeHash,
    state: State,
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE quarantine SET state = ?4
         WHERE household = ?1 AND kind = ?2 AND hash = ?3 AND state <> 'again'",
        params![
            document.household.as_bytes(),
            document.kind.code(),
            hash.as_bytes(),
            state.name()
        ],
    )?;
    Ok(())
}

/// Refuses a change of a household of which there is no record to say so. Its bytes stay.
pub(crate) fn refuse(
    tx: &Tx<'_>,
    document: DocumentId,
    hash: &ChangeHash,
    (staff, at, why): (StaffId, Timestamp, &str),
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE quarantine SET state = 'refused', refused_by = ?4, refused_at = ?5, refused_why = ?6
         WHERE household = ?1 AND kind = ?2 AND hash = ?3 AND state <> 'again'",
        params![
            document.household.as_bytes(),
            document.kind.code(),
            hash.as_bytes(),
            staff.as_bytes(),
            at.millis(),
            why
        ],
    )?;
    Ok(())
}

/// Whether a change of this document that the device handed in was kept aside. What another device handed in says
/// nothing: the change's author may still hand it in.
pub(super) fn holds(
    tx: &Tx<'_>,
    device: DeviceId,
    document: DocumentId,
    hash: &ChangeHash,
) -> Result<bool, StoreError> {
    let found = tx.query_opt(
        "SELECT 1 FROM quarantine WHERE household = ?1 AND kind = ?2 AND hash = ?3 AND device = ?4 LIMIT 1",
        params![
            document.household.as_bytes(),
            document.kind.code(),
            hash.as_bytes(),
            device.as_bytes()
        ],
        |row| row.i64(0),
    )?;
    Ok(found.is_some())
}

/// Whether any change of this household that the device handed in was kept aside.
pub(super) fn holds_of(
    tx: &Tx<'_>,
    device: DeviceId,
    household: HouseholdId,
) -> Result<bool, StoreError> {
    let found = tx.query_opt(
        "SELECT 1 FROM quarantine WHERE household = ?1 AND device = ?2 LIMIT 1",
        params![household.as_bytes(), device.as_bytes()],
        |row| row.i64(0),
    )?;
    Ok(found.is_some())
}
