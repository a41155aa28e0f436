//! A reviewer's desk: the device of the register itself by which what they decide in the console becomes ordinary changes. It
//! signs batches like a tablet does, so that authority is judged, bytes are proved and feeds are told in the one place
//! where all of that is done.
//!
//! Contract: every edit gets an actor of its own, drawn afresh. A register put back to a backup forgets what its desks wrote,
//! tablets do not; numbers that one actor gave out twice would part them for ever.

use ed25519_dalek::SigningKey;
use sojourn_sync_protocol::{
    ActorId, AreaCode, DeviceId, DocKind, StaffId, Timestamp,
    batch::{Batch, CHAIN_START, PushedChange},
    message::Fate,
    record::{Authorship, Document, Edit, EditError, SCHEMA_VERSION},
};

use crate::clock::Clock;
use crate::devices::{self, Device};
use crate::ingest::{self, Settled};
use crate::params;
use crate::store::{StoreError, Tx};

pub(crate) const SCHEMA: &str = "
CREATE TABLE desks (
    staff BLOB NOT NULL PRIMARY KEY REFERENCES staff (id),
    device BLOB NOT NULL UNIQUE REFERENCES devices (id),
    signing_key BLOB NOT NULL
);
";

/// What people call a desk in the list of tablets.
const LABEL: &str = "console";

/// Random bytes for what is made once, drawn ahead, so that a transaction that is run again makes the same.
#[derive(Debug, Clone)]
pub struct Draws {
    device: [u8; 10],
    key: [u8; 32],
    actors: [[u8; 16]; EDITS_MAX],
}

/// Edits that one deed may make of one document.
pub(crate) const EDITS_MAX: usize = 32;

impl Draws {
    /// Draws them.
    pub fn new(clock: &Clock) -> Self {
        Draws {
            device: clock.random(),
            key: clock.random(),
            actors: std::array::from_fn(|_| clock.random()),
        }
    }
}

/// A desk.
pub(crate) struct Desk {
    device: Device,
    key: SigningKey,
}

/// Why edits were not made. Nothing of them is stored once the transaction is undone.
#[derive(Debug)]
pub(crate) enum NotMade {
    /// The record does not take the edit.
    Edit(EditError),
    /// The register does not take the change.
    Fate(Fate),
    /// More edits than [`EDITS_MAX`].
    TooMany,
    /// The store.
    Store(StoreError),
}

impl From<StoreError> for NotMade {
    fn from(error: StoreError) -> Self {
        NotMade::Store(error)
    }
}

impl Desk {
    /// The desk of a member of staff, made if there is none yet, with a grant of these areas and kinds.
    pub(crate) fn of(
        tx: &Tx<'_>,
        staff: StaffId,
        areas: &[AreaCode],
        kinds: &[DocKind],
        draws: &Draws,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let found = tx.query_opt(
            "SELECT device, signing_key FROM desks WHERE staff = ?1",
            params![staff.as_bytes()],
            |row| Ok((DeviceId::from_bytes(row.array(0)?), row.array(1)?)),
        )?;
        let (id, key) = match found {
            Some((id, key)) => (id, SigningKey::from_bytes(&key)),
            None => {
                let id = DeviceId::new(now, draws.device);
                let key = SigningKey::from_bytes(&draws.key);
                let new = devices::NewDevice {
                    id,
                    staff,
                    key: &key.verifying_key(),
                    label: LABEL,
                    record_schema: SCHEMA_VERSION.into(),
                };
                devices::add(tx, &new, areas, kinds, now)?;
                tx.execute(
                    "INSERT INTO desks (staff, device, signing_key) VALUES (?1, ?2, ?3)",
                    params![staff.as_bytes(), id.as_bytes(), key.as_bytes()],
                )?;
                (id, key)
            }
        };
        devices::give_grant(tx, id, areas, kinds, now)?;
        let device = devices::get(tx, id)?
            .ok_or_else(|| StoreError::Statement("a desk has no device".to_owned()))?;
        Ok(Self { device, key })
    }

    /// An author for trying an edit that is then thrown away.
    pub(crate) fn rehearsing(staff: StaffId, area: &AreaCode, now: Timestamp) -> Authorship {
        Authorship {
            actor: ActorId([0xff; 16]),
            staff,
            area: area.clone(),
            at: now,
        }
    }

    /// Makes edits of a document, none of them knowing of another, and takes them in as a batch each.
    pub(crate) fn make(
        &self,
        tx: &Tx<'_>,
        (document, epoch): (&Document, u64),
        edits: &[Edit],
        area: &AreaCode,
        draws: &Draws,
        now: Timestamp,
    ) -> Result<Settled, NotMade> {
        if edits.len() > draws.actors.len() {
            return Err(NotMade::TooMany);
        }
        let mut all = Settled::default();
        for (edit, actor) in edits.iter().zip(draws.actors) {
            let by = Authorship {
                actor: ActorId(actor),
                staff: self.device.staff,
                area: area.clone(),
                at: now,
            };
            let made = document.clone().edit(edit, &by).map_err(NotMade::Edit)?;
            let change = PushedChange {
                document: document.id(),
                epoch,
                bytes: made.bytes,
            };
            let grant = self.device.grant.version;
            let batch = Batch::sign(&self.key, by.actor, 1, CHAIN_START, grant, vec![change]);
            let weighed = ingest::weigh(tx, &self.device, &batch)?;
            let settled = ingest::settle(tx, &self.device, &batch, &weighed, now)?;
            if let Some(fate) = settled
                .fates
                .iter()
                .find(|fate| !matches!(fate, Fate::Accepted { late: false }))
            {
                return Err(NotMade::Fate(fate.clone()));
            }
            all.fates.extend(settled.fates);
            all.moved.extend(settled.moved);
        }
        Ok(all)
    }
}

/// Whether a device is a desk.
pub(crate) fn is_desk(tx: &Tx<'_>, device: DeviceId) -> Result<bool, StoreError> {
    let found = tx.query_opt(
        "SELECT 1 FROM desks WHERE device = ?1",
        params![device.as_bytes()],
        |row| row.i64(0),
    )?;
    Ok(found.is_some())
}
