//! Enrolled tablets: whose each is, its key, the actors bound to it, and every version of its grant.
//!
//! Contract: an actor belongs to one device for ever; a grant is never changed, only followed by its
//! next version, because a change is judged by the version its batch names. Reads no clock.

mod enrolment;

pub use enrolment::{CodeFault, Enrolled, Redeemed, issue, redeem};

use ed25519_dalek::VerifyingKey;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use sojourn_sync_protocol::message::Grant;
use sojourn_sync_protocol::{ActorId, AreaCode, DeviceId, DocKind, StaffId, Timestamp};

use crate::params;
use crate::store::{Row, StoreError, Tx};

/// The tables of this module.
pub(crate) const SCHEMA: &str = "
CREATE TABLE devices (
    id BLOB NOT NULL PRIMARY KEY,
    staff BLOB NOT NULL REFERENCES staff (id),
    public_key BLOB NOT NULL UNIQUE,
    label TEXT NOT NULL,
    record_schema BIGINT NOT NULL,
    grant_version BIGINT NOT NULL,
    enrolled_at BIGINT NOT NULL,
    withdrawn_at BIGINT
);
CREATE TABLE device_grants (
    device BLOB NOT NULL REFERENCES devices (id),
    version BIGINT NOT NULL,
    areas_kinds TEXT NOT NULL,
    given_at BIGINT NOT NULL,
    PRIMARY KEY (device, version)
);
CREATE TABLE device_actors (
    actor BLOB NOT NULL PRIMARY KEY,
    device BLOB NOT NULL REFERENCES devices (id),
    bound_at BIGINT NOT NULL
);
CREATE TABLE enrolment_codes (
    handle TEXT NOT NULL PRIMARY KEY,
    hash BLOB NOT NULL,
    staff BLOB NOT NULL REFERENCES staff (id),
    areas_kinds TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    wrong_tries BIGINT NOT NULL,
    device BLOB
);
";

/// Bytes of what people call a tablet.
pub const LABEL_BYTES_MAX: usize = 64;

/// One enrolled tablet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Its id.
    pub id: DeviceId,
    /// Whose it is.
    pub staff: StaffId,
    /// Its public key; the private one never left it.
    pub key: VerifyingKey,
    /// What people call it.
    pub label: String,
    /// The present version of its grant.
    pub grant: Grant,
    /// Taken out of service: it may not speak any more.
    pub withdrawn: bool,
}

/// Areas and kinds of a grant, as one stored value.
#[derive(Serialize, Deserialize)]
struct AreasKinds {
    areas: Vec<AreaCode>,
    kinds: Vec<DocKind>,
}

impl AreasKinds {
    fn to_text(&self) -> String {
        serde_json::to_string(self).expect("codes and names are plain text")
    }

    fn read(row: &Row<'_>, column: usize) -> Result<Self, StoreError> {
        serde_json::from_str(row.str(column)?).map_err(|_| StoreError::Shape {
            column,
            expected: "areas and kinds",
        })
    }

    fn into_grant(self, version: u32) -> Grant {
        Grant {
            version,
            areas: self.areas,
            kinds: self.kinds,
        }
    }
}

const SELECT: &str = "SELECT devices.id, devices.staff, devices.public_key, devices.label, \
     devices.withdrawn_at, devices.grant_version, device_grants.areas_kinds \
     FROM devices JOIN device_grants ON device_grants.device = devices.id \
     AND device_grants.version = devices.grant_version";

fn read(row: &Row<'_>) -> Result<Device, StoreError> {
    let key = VerifyingKey::from_bytes(&row.array(2)?).map_err(|_| StoreError::Shape {
        column: 2,
        expected: "a public key",
    })?;
    Ok(Device {
        id: DeviceId::from_bytes(row.array(0)?),
        staff: StaffId::from_bytes(row.array(1)?),
        key,
        label: row.text(3)?,
        withdrawn: !row.is_null(4),
        grant: AreasKinds::read(row, 6)?.into_grant(version(row, 5)?),
    })
}

fn version(row: &Row<'_>, column: usize) -> Result<u32, StoreError> {
    u32::try_from(row.i64(column)?).map_err(|_| StoreError::Shape {
        column,
        expected: "a grant version",
    })
}

/// One device.
pub fn get(tx: &Tx<'_>, id: DeviceId) -> Result<Option<Device>, StoreError> {
    let sql = format!("{SELECT} WHERE devices.id = ?1");
    tx.query_opt(&sql, params![id.as_bytes()], read)
}

/// The device with this key.
pub fn get_by_key(tx: &Tx<'_>, key: &VerifyingKey) -> Result<Option<Device>, StoreError> {
    let sql = format!("{SELECT} WHERE devices.public_key = ?1");
    tx.query_opt(&sql, params![key.as_bytes()], read)
}

/// Every device, in the order of enrolment.
pub fn list(tx: &Tx<'_>) -> Result<Vec<Device>, StoreError> {
    let sql = format!("{SELECT} ORDER BY devices.enrolled_at, devices.id");
    tx.query(&sql, &[], read)
}

/// A device that is to be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewDevice<'a> {
    /// Its id.
    pub id: DeviceId,
    /// Whose it is.
    pub staff: StaffId,
    /// Its public key.
    pub key: &'a VerifyingKey,
    /// What people call it.
    pub label: &'a str,
    /// Schema of the household record that it writes.
    pub record_schema: u32,
}

/// Adds a device with the first version of its grant.
pub(crate) fn add(
    tx: &Tx<'_>,
    new: &NewDevice<'_>,
    areas: &[AreaCode],
    kinds: &[DocKind],
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO devices (id, staff, public_key, label, record_schema, grant_version, enrolled_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, 1, ?6)",
        params![
            new.id.as_bytes(),
            new.staff.as_bytes(),
            new.key.as_bytes(),
            new.label,
            new.record_schema,
            now.millis()
        ],
    )?;
    let grant = AreasKinds {
        areas: areas.to_vec(),
        kinds: kinds.to_vec(),
    };
    put_grant(tx, new.id, 1, &grant, now)
}

/// A version of a device's grant, the present one or an earlier.
pub fn grant_at(tx: &Tx<'_>, device: DeviceId, wanted: u32) -> Result<Option<Grant>, StoreError> {
    tx.query_opt(
        "SELECT areas_kinds FROM device_grants WHERE device = ?1 AND version = ?2",
        params![device.as_bytes(), wanted],
        |row| Ok(AreasKinds::read(row, 0)?.into_grant(wanted)),
    )
}

/// Gives a device its next grant and answers with it; the present one when nothing differs, `None` when
/// there is no such device.
pub fn give_grant(
    tx: &Tx<'_>,
    device: DeviceId,
    areas: &[AreaCode],
    kinds: &[DocKind],
    now: Timestamp,
) -> Result<Option<Grant>, StoreError> {
    let Some(known) = get(tx, device)? else {
        return Ok(None);
    };
    if known.grant.areas == areas && known.grant.kinds == kinds {
        return Ok(Some(known.grant));
    }
    let grant = AreasKinds {
        areas: areas.to_vec(),
        kinds: kinds.to_vec(),
    };
    let next = next_version(tx, &known, &grant, now)?;
    put_grant(tx, device, next, &grant, now)?;
    tx.execute(
        "UPDATE devices SET grant_version = ?2 WHERE id = ?1",
        params![device.as_bytes(), next],
    )?;
    Ok(Some(grant.into_grant(next)))
}

/// A version that this device's grant has never had. Not a count: a register put back to a backup would count to the number
/// of a grant that it has forgotten, and the tablet that holds that one could not tell that this is another.
fn next_version(
    tx: &Tx<'_>,
    device: &Device,
    grant: &AreasKinds,
    now: Timestamp,
) -> Result<u32, StoreError> {
    let digest = Sha256::new()
        .chain_update(device.id.as_bytes())
        .chain_update(device.grant.version.to_be_bytes())
        .chain_update(now.millis().to_be_bytes())
        .chain_update(grant.to_text())
        .finalize();
    let mut next = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]);
    while grant_at(tx, device.id, next)?.is_some() {
        next = next.wrapping_add(1);
    }
    Ok(next)
}

fn put_grant(
    tx: &Tx<'_>,
    device: DeviceId,
    version: u32,
    grant: &AreasKinds,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO device_grants (device, version, areas_kinds, given_at) VALUES (?1, ?2, ?3, ?4)",
        params![device.as_bytes(), version, grant.to_text(), now.millis()],
    )?;
    Ok(())
}

/// Takes a device out of service. Answers whether there is such a device.
pub fn withdraw(tx: &Tx<'_>, device: DeviceId, now: Timestamp) -> Result<bool, StoreError> {
    let changed = tx.execute(
        "UPDATE devices SET withdrawn_at = COALESCE(withdrawn_at, ?2) WHERE id = ?1",
        params![device.as_bytes(), now.millis()],
    )?;
    Ok(changed > 0)
}

/// Binds an actor to the device that first uses it. Answers whether the actor is this device's.
pub fn bind_actor(
    tx: &Tx<'_>,
    actor: ActorId,
    device: DeviceId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    tx.execute(
        "INSERT INTO device_actors (actor, device, bound_at) VALUES (?1, ?2, ?3) \
         ON CONFLICT (actor) DO NOTHING",
        params![actor.as_bytes(), device.as_bytes(), now.millis()],
    )?;
    Ok(device_of_actor(tx, actor)? == Some(device))
}

/// The device an actor is bound to.
pub fn device_of_actor(tx: &Tx<'_>, actor: ActorId) -> Result<Option<DeviceId>, StoreError> {
    tx.query_opt(
        "SELECT device FROM device_actors WHERE actor = ?1",
        params![actor.as_bytes()],
        |row| Ok(DeviceId::from_bytes(row.array(0)?)),
    )
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::areas;
    use crate::staff::{self, Role, Staff};
    use crate::store::Store;

    pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);
    pub(crate) const STAFF: StaffId = StaffId::from_bytes([9; 16]);

    /// A store with two areas (`b` below `a`) and one worker.
    pub(crate) async fn small_world() -> (tempfile::TempDir, Store) {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let rows =
            areas::read_csv("code,parent,level,name\na,,county,甲\nb,a,town,乙\n".as_bytes());
        let rows = rows.unwrap();
        store
            .write("set up", move |tx| {
                areas::import(tx, &rows).expect("the rows are right");
                let worker = Staff {
                    id: STAFF,
                    name: "丁一".to_owned(),
                    role: Role::Worker,
                };
                staff::add(tx, &worker, NOW)
            })
            .await
            .unwrap();
        (dir, store)
    }

    pub(crate) fn area(code: &str) -> AreaCode {
        code.parse().unwrap()
    }

    /// Enrols a device with this key for area `a`.
    pub(crate) async fn enrolled(store: &Store, id: DeviceId, key: VerifyingKey) -> Device {
        store
            .write("enrol", move |tx| {
                let code = issue(
                    tx,
                    NOW,
                    id.as_bytes()[..8].try_into().unwrap(),
                    STAFF,
                    &[area("a")],
                )
                .expect("a code");
                let request = Redeemed {
                    code: code.as_str(),
                    key: &key,
                    label: "tablet",
                    record_schema: 1,
                    device: id,
                };
                redeem(tx, NOW, &request)?.expect("the code is good");
                get(tx, id)
            })
            .await
            .unwrap()
            .unwrap()
    }

    fn key(seed: u8) -> VerifyingKey {
        ed25519_dalek::SigningKey::from_bytes(&[seed; 32]).verifying_key()
    }

    #[tokio::test]
    async fn an_actor_belongs_to_the_device_that_first_used_it() {
        let (_dir, store) = small_world().await;
        let one = DeviceId::from_bytes([1; 16]);
        let two = DeviceId::from_bytes([2; 16]);
        enrolled(&store, one, key(1)).await;
        enrolled(&store, two, key(2)).await;
        let actor = ActorId([5; 16]);
        let bound = store
            .write("bind", move |tx| {
                Ok::<_, StoreError>([
                    bind_actor(tx, actor, one, NOW)?,
                    bind_actor(tx, actor, two, NOW)?,
                    bind_actor(tx, actor, one, NOW)?,
                ])
            })
            .await
            .unwrap();
        assert_eq!(bound, [true, false, true]);
    }

    #[tokio::test]
    async fn a_version_that_was_forgotten_is_not_given_to_another_grant() {
        let id = DeviceId::from_bytes([1; 16]);
        let mut versions = Vec::new();
        for areas in [[area("a"), area("b")], [area("b"), area("a")]] {
            let (_dir, store) = small_world().await;
            enrolled(&store, id, key(1)).await;
            let given = store
                .write("narrow", move |tx| {
                    give_grant(tx, id, &areas, &[DocKind::Core], NOW)
                })
                .await
                .unwrap();
            versions.push(given.unwrap().version);
        }
        assert_ne!(versions[0], versions[1]);
    }

    #[tokio::test]
    async fn every_version_of_a_grant_stays_readable() {
        let (_dir, store) = small_world().await;
        let id = DeviceId::from_bytes([1; 16]);
        let device = enrolled(&store, id, key(1)).await;
        assert_eq!(
            (device.grant.version, device.grant.areas),
            (1, vec![area("a")])
        );
        let (first, second, same, withdrawn) = store
            .write("narrow", move |tx| {
                let narrowed = give_grant(tx, id, &[area("b")], &[DocKind::Core], NOW)?;
                let same = give_grant(tx, id, &[area("b")], &[DocKind::Core], NOW)?;
                assert_eq!(narrowed, same);
                assert!(withdraw(tx, id, NOW)?);
                Ok::<_, StoreError>((
                    grant_at(tx, id, 1)?,
                    narrowed.clone(),
                    narrowed.map_or(Ok(None), |grant| grant_at(tx, id, grant.version))?,
                    get(tx, id)?,
                ))
            })
            .await
            .unwrap();
        assert_eq!(first.unwrap().areas, [area("a")]);
        assert_eq!(second, same);
        assert_ne!(second.unwrap().version, 1);
        assert!(withdrawn.unwrap().withdrawn);
    }
}
