//! One-time enrolment codes, good once, for ten minutes.
//!
//! Contract: the store keeps a hash, never the code; the first four characters find the code and the other eight
//! (40 bits) prove it; five wrong tries void it. Asking again with the same key gets the same device, because
//! a reply can be lost.

use ed25519_dalek::VerifyingKey;
use sojourn_sync_protocol::message::Grant;
use sojourn_sync_protocol::{AreaCode, DeviceId, StaffId, Timestamp, limits};
use subtle::ConstantTimeEq as _;

use super::{AreasKinds, NewDevice, add};
use crate::areas;
use crate::code::Code;
use crate::params;
use crate::staff::{self, Role};
use crate::store::{Row, StoreError, Tx};

/// What a code's hash is made for.
const PURPOSE: &str = "sojourn enrolment code";
/// Wrong tries after which a code is void.
const WRONG_TRIES_MAX: u64 = 5;

/// Why no code was issued.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodeFault {
    /// Nobody has that id.
    #[error("nobody on the staff has id {0}")]
    UnknownStaff(StaffId),
    /// The tree has no such area.
    #[error("area {0} is not in the tree")]
    UnknownArea(AreaCode),
    /// What they do is done without a tablet.
    #[error("a {} carries no tablet", .0.name())]
    NoTablet(Role),
    /// A grant names at least one area.
    #[error("a tablet needs at least one area")]
    NoArea,
    /// Another live code begins with the same characters: try again with other random bytes.
    #[error("the code is taken")]
    Taken,
    /// The store could not take it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes a code with which one tablet of `staff` can enrol for `areas`, and forgets codes that have expired.
pub fn issue(
    tx: &Tx<'_>,
    now: Timestamp,
    random: [u8; 8],
    staff: StaffId,
    areas: &[AreaCode],
) -> Result<Code, CodeFault> {
    let holder = staff::get(tx, staff)?.ok_or(CodeFault::UnknownStaff(staff))?;
    if holder.role.kinds().is_empty() {
        return Err(CodeFault::NoTablet(holder.role));
    }
    if areas.is_empty() {
        return Err(CodeFault::NoArea);
    }
    for area in areas {
        if !areas::is_known(tx, area)? {
            return Err(CodeFault::UnknownArea(area.clone()));
        }
    }
    tx.execute(
        "DELETE FROM enrolment_codes WHERE expires_at < ?1",
        params![now.millis()],
    )?;
    let code = Code::from_random(random);
    let grant = AreasKinds {
        areas: areas.to_vec(),
        kinds: holder.role.kinds().to_vec(),
    };
    let added = tx.execute(
        "INSERT INTO enrolment_codes (handle, hash, staff, areas_kinds, expires_at, wrong_tries) \
         VALUES (?1, ?2, ?3, ?4, ?5, 0) ON CONFLICT (handle) DO NOTHING",
        params![
            code.handle(),
            code.hash(PURPOSE),
            staff.as_bytes(),
            grant.to_text(),
            now.plus_millis(limits::ENROLMENT_CODE_MS).millis()
        ],
    )?;
    if added == 0 {
        return Err(CodeFault::Taken);
    }
    Ok(code)
}

/// What a tablet brings to be enrolled.
#[derive(Debug, Clone, Copy)]
pub struct Redeemed<'a> {
    /// The code as typed.
    pub code: &'a str,
    /// The key that signed the request.
    pub key: &'a VerifyingKey,
    /// What people will call the tablet.
    pub label: &'a str,
    /// Schema of the household record that it writes.
    pub record_schema: u32,
    /// The id it gets, if it is new.
    pub device: DeviceId,
}

/// A device that has just come to exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrolled {
    /// Its id.
    pub device: DeviceId,
    /// Whose it is.
    pub staff: StaffId,
    /// Their name.
    pub staff_name: String,
    /// What it may hold.
    pub grant: Grant,
}

struct Issued {
    hash: [u8; 32],
    staff: StaffId,
    grant: AreasKinds,
    expires_at: Timestamp,
    wrong_tries: u64,
    device: Option<DeviceId>,
}

/// Turns a code into a device. `None` for a code that is unknown, wrong, used, expired or void: the caller is
/// told no more than that. Must be committed either way, for a wrong try is counted.
pub fn redeem(
    tx: &Tx<'_>,
    now: Timestamp,
    request: &Redeemed<'_>,
) -> Result<Option<Enrolled>, StoreError> {
    let Some(code) = Code::read(request.code) else {
        return Ok(None);
    };
    let Some(issued) = find(tx, &code)? else {
        return Ok(None);
    };
    if issued.expires_at < now || issued.wrong_tries >= WRONG_TRIES_MAX {
        return Ok(None);
    }
    if !bool::from(issued.hash.ct_eq(&code.hash(PURPOSE))) {
        tx.execute(
            "UPDATE enrolment_codes SET wrong_tries = wrong_tries + 1 WHERE handle = ?1",
            params![code.handle()],
        )?;
        return Ok(None);
    }
    let known = super::get_by_key(tx, request.key)?;
    match (issued.device, known) {
        (None, None) => enrol(tx, now, &code, issued, request).map(Some),
        (Some(device), Some(known)) if device == known.id => {
            answer(tx, device, known.staff, known.grant).map(Some)
        }
        _ => Ok(None),
    }
}

fn find(tx: &Tx<'_>, code: &Code) -> Result<Option<Issued>, StoreError> {
    tx.query_opt(
        "SELECT hash, staff, areas_kinds, expires_at, wrong_tries, device \
         FROM enrolment_codes WHERE handle = ?1",
        params![code.handle()],
        |row| {
            Ok(Issued {
                hash: row.array(0)?,
                staff: StaffId::from_bytes(row.array(1)?),
                grant: AreasKinds::read(row, 2)?,
                expires_at: Timestamp::from_millis(row.i64(3)?),
                wrong_tries: row.u64(4)?,
                device: row.optional(5, Row::array)?.map(DeviceId::from_bytes),
            })
        },
    )
}

fn enrol(
    tx: &Tx<'_>,
    now: Timestamp,
    code: &Code,
    issued: Issued,
    request: &Redeemed<'_>,
) -> Result<Enrolled, StoreError> {
    let new = NewDevice {
        id: request.device,
        staff: issued.staff,
        key: request.key,
        label: request.label,
        record_schema: request.record_schema,
    };
    add(tx, &new, &issued.grant.areas, &issued.grant.kinds, now)?;
    tx.execute(
        "UPDATE enrolment_codes SET device = ?2 WHERE handle = ?1",
        params![code.handle(), request.device.as_bytes()],
    )?;
    answer(tx, request.device, issued.staff, issued.grant.into_grant(1))
}

fn answer(
    tx: &Tx<'_>,
    device: DeviceId,
    staff: StaffId,
    grant: Grant,
) -> Result<Enrolled, StoreError> {
    let staff_name = staff::get(tx, staff)?
        .map(|found| found.name)
        .unwrap_or_default();
    Ok(Enrolled {
        device,
        staff,
        staff_name,
        grant,
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{NOW, STAFF, area, small_world};
    use super::*;
    use crate::store::Store;

    fn key(seed: u8) -> VerifyingKey {
        ed25519_dalek::SigningKey::from_bytes(&[seed; 32]).verifying_key()
    }

    async fn issued(store: &Store) -> Code {
        store
            .write("issue", |tx| issue(tx, NOW, [0xa7; 8], STAFF, &[area("a")]))
            .await
            .unwrap()
    }

    async fn redeemed(store: &Store, code: &str, seed: u8, at: Timestamp) -> Option<Enrolled> {
        let code = code.to_owned();
        store
            .write("redeem", move |tx| {
                let request = Redeemed {
                    code: &code,
                    key: &key(seed),
                    label: "tablet",
                    record_schema: 1,
                    device: DeviceId::from_bytes([seed; 16]),
                };
                redeem(tx, at, &request)
            })
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn a_code_is_good_once() {
        let (_dir, store) = small_world().await;
        let code = issued(&store).await;
        let first = redeemed(&store, &code.grouped(), 1, NOW).await.unwrap();
        assert_eq!((first.staff, first.staff_name.as_str()), (STAFF, "丁一"));
        assert_eq!(first.grant.areas, [area("a")]);
        // The reply was lost and the tablet asks again.
        assert_eq!(redeemed(&store, code.as_str(), 1, NOW).await, Some(first));
        assert_eq!(redeemed(&store, code.as_str(), 2, NOW).await, None);
    }

    #[tokio::test]
    async fn a_code_expires() {
        let (_dir, store) = small_world().await;
        let code = issued(&store).await;
        let late = NOW.plus_millis(limits::ENROLMENT_CODE_MS + 1);
        assert_eq!(redeemed(&store, code.as_str(), 1, late).await, None);
    }

    #[tokio::test]
    async fn wrong_tries_void_a_code() {
        let (_dir, store) = small_world().await;
        let code = issued(&store).await;
        let wrong = format!("{}00000000", code.handle());
        for _ in 0..WRONG_TRIES_MAX {
            assert_eq!(redeemed(&store, &wrong, 1, NOW).await, None);
        }
        assert_eq!(redeemed(&store, code.as_str(), 1, NOW).await, None);
    }

    #[tokio::test]
    async fn a_code_names_known_staff_and_areas() {
        let (_dir, store) = small_world().await;
        let nobody = StaffId::from_bytes([1; 16]);
        let faults = store
            .write("issue", move |tx| {
                Ok::<_, StoreError>([
                    issue(tx, NOW, [1; 8], nobody, &[area("a")]).unwrap_err(),
                    issue(tx, NOW, [1; 8], STAFF, &[area("z")]).unwrap_err(),
                    issue(tx, NOW, [1; 8], STAFF, &[]).unwrap_err(),
                ])
            })
            .await
            .unwrap();
        assert_eq!(
            faults,
            [
                CodeFault::UnknownStaff(nobody),
                CodeFault::UnknownArea(area("z")),
                CodeFault::NoArea
            ]
        );
    }

    #[tokio::test]
    async fn the_store_never_holds_the_code() {
        let (dir, store) = small_world().await;
        let code = issued(&store).await;
        store.close().await;
        let file = std::fs::read(dir.path().join(crate::store::DATABASE_FILE)).unwrap();
        let secret = &code.as_str().as_bytes()[code.handle().len()..];
        assert!(!file.windows(secret.len()).any(|window| window == secret));
    }
}
