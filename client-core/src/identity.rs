//! Who this tablet is: its device, key, member of staff, grant, actor and chain, and how far it has read.
//!
//! Every row is kept in two tables, since a page is the unit of loss and without its key a tablet would
//! have to be enrolled anew. The private key never leaves the encrypted database.

use ed25519_dalek::SigningKey;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sojourn_sync_protocol::batch::CHAIN_START;
use sojourn_sync_protocol::codec;
use sojourn_sync_protocol::message::{AreaCursor, Grant, Watermark};
use sojourn_sync_protocol::{ActorId, AreaCode, DeviceId, StaffId, Timestamp};
use zeroize::Zeroizing;

use crate::store::{StoreError, Tx};

pub(crate) const SCHEMA: &str = "
CREATE TABLE identity      (name TEXT NOT NULL PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE identity_twin (name TEXT NOT NULL PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE cursors       (area TEXT NOT NULL PRIMARY KEY, seq INTEGER NOT NULL) WITHOUT ROWID;
";

const DEVICE: &str = "device";
const GRANT: &str = "grant";
const CHAIN: &str = "chain";
const ACTORS: &str = "actors";
const TOKEN: &str = "token";
const SYNCED: &str = "synced";
const WATERMARK: &str = "watermark";
const DOUBT: &str = "doubt";

/// The tablet as the server knows it.
#[derive(Clone, Serialize, Deserialize)]
pub struct Identity {
    /// The device, named by the server.
    pub device: DeviceId,
    /// The member of staff it belongs to.
    pub staff: StaffId,
    /// Their name.
    pub staff_name: String,
    /// The server's address, without a path.
    pub server: String,
    #[serde(with = "key_bytes")]
    key: Zeroizing<[u8; 32]>,
}

impl Identity {
    /// An identity with the key made on this tablet.
    pub fn new(
        device: DeviceId,
        staff: StaffId,
        staff_name: String,
        server: String,
        key: &SigningKey,
    ) -> Self {
        Self {
            device,
            staff,
            staff_name,
            server,
            key: Zeroizing::new(key.to_bytes()),
        }
    }

    /// The key that signs batches and proofs.
    pub fn signing_key(&self) -> SigningKey {
        SigningKey::from_bytes(&self.key)
    }
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity")
            .field("device", &self.device)
            .field("staff", &self.staff)
            .field("server", &self.server)
            .finish_non_exhaustive()
    }
}

mod key_bytes {
    use super::Zeroizing;
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(
        key: &Zeroizing<[u8; 32]>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(key.as_slice())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Zeroizing<[u8; 32]>, D::Error> {
        let bytes = Zeroizing::new(serde_bytes::ByteBuf::deserialize(from)?.into_vec());
        let key = <[u8; 32]>::try_from(bytes.as_slice())
            .map_err(|_| de::Error::custom("a key is 32 bytes"))?;
        Ok(Zeroizing::new(key))
    }
}

/// The chain of batches: the actor whose chain it is, and the last batch that was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chain {
    /// The author of new changes.
    pub actor: ActorId,
    /// Number of the last answered batch; 0 before the first.
    pub number: u64,
    /// Its digest.
    #[serde(with = "serde_bytes")]
    pub digest: [u8; 32],
}

/// An access token as it was handed out.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// The JWT.
    pub token: String,
    /// When it ceases to be valid, by the server's clock.
    pub expires_at: Timestamp,
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Token")
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// The tablet's identity; `None` before it is enrolled.
///
/// # Errors
/// [`StoreError`].
pub fn identity(tx: &Tx<'_>) -> Result<Option<Identity>, StoreError> {
    get(tx, DEVICE)
}

/// Takes on an identity, with its grant and a fresh actor. Edits of an earlier identity are written again
/// by `outbox::rewrite_all`; the places reached in the feeds begin anew. Former actors stay this tablet's, and
/// what the server has of them is in doubt: it may have been put back to before they were.
///
/// # Errors
/// [`StoreError`].
pub fn enrol(
    tx: &Tx<'_>,
    identity: &Identity,
    grant: &Grant,
    actor: ActorId,
) -> Result<(), StoreError> {
    put(tx, DEVICE, identity)?;
    put(tx, GRANT, grant)?;
    for table in ["identity", "identity_twin"] {
        tx.execute(
            &format!("DELETE FROM {table} WHERE name IN (?1, ?2)"),
            [TOKEN, WATERMARK],
        )?;
    }
    if !actors(tx)?.is_empty() {
        set_doubt(tx, true)?;
    }
    tx.execute("DELETE FROM cursors", [])?;
    rotate(tx, actor)
}

/// What the device may hold; `None` before it is enrolled.
///
/// # Errors
/// [`StoreError`].
pub fn grant(tx: &Tx<'_>) -> Result<Option<Grant>, StoreError> {
    get(tx, GRANT)
}

/// Takes on a new grant.
///
/// # Errors
/// [`StoreError`].
pub fn set_grant(tx: &Tx<'_>, grant: &Grant) -> Result<(), StoreError> {
    put(tx, GRANT, grant)
}

/// The chain of batches; `None` before the tablet is enrolled.
///
/// # Errors
/// [`StoreError`].
pub fn chain(tx: &Tx<'_>) -> Result<Option<Chain>, StoreError> {
    get(tx, CHAIN)
}

pub(crate) fn set_chain(tx: &Tx<'_>, chain: &Chain) -> Result<(), StoreError> {
    put(tx, CHAIN, chain)
}

/// Begins a new chain with a new actor. The former actor's unsent changes may ride along in it.
pub(crate) fn rotate(tx: &Tx<'_>, actor: ActorId) -> Result<(), StoreError> {
    let mut actors: Vec<ActorId> = actors(tx)?;
    actors.push(actor);
    put(tx, ACTORS, &actors)?;
    set_chain(
        tx,
        &Chain {
            actor,
            number: 0,
            digest: CHAIN_START,
        },
    )
}

/// How far the server had come with the last reply that is committed here; `None` before the first.
///
/// # Errors
/// [`StoreError`].
pub fn watermark(tx: &Tx<'_>) -> Result<Option<Watermark>, StoreError> {
    get(tx, WATERMARK)
}

pub(crate) fn set_watermark(tx: &Tx<'_>, watermark: Watermark) -> Result<(), StoreError> {
    put(tx, WATERMARK, &watermark)
}

/// Whether the server may have lost what it acknowledged: until both sides are proved to agree, a document's changes are handed
/// in again before a document is taken off.
///
/// # Errors
/// [`StoreError`].
pub fn in_doubt(tx: &Tx<'_>) -> Result<bool, StoreError> {
    Ok(get(tx, DOUBT)?.unwrap_or(false))
}

pub(crate) fn set_doubt(tx: &Tx<'_>, doubt: bool) -> Result<(), StoreError> {
    if in_doubt(tx)? == doubt {
        return Ok(());
    }
    put(tx, DOUBT, &doubt)
}

/// Every actor this tablet has written with, the present one last.
///
/// # Errors
/// [`StoreError`].
pub fn actors(tx: &Tx<'_>) -> Result<Vec<ActorId>, StoreError> {
    Ok(get(tx, ACTORS)?.unwrap_or_default())
}

/// The last access token, whether or not it is still valid.
///
/// # Errors
/// [`StoreError`].
pub fn token(tx: &Tx<'_>) -> Result<Option<Token>, StoreError> {
    get(tx, TOKEN)
}

/// Keeps an access token.
///
/// # Errors
/// [`StoreError`].
pub fn set_token(tx: &Tx<'_>, token: &Token) -> Result<(), StoreError> {
    put(tx, TOKEN, token)
}

/// When the last session ended with both sides in agreement, by this tablet's clock.
///
/// # Errors
/// [`StoreError`].
pub fn synced_at(tx: &Tx<'_>) -> Result<Option<Timestamp>, StoreError> {
    get(tx, SYNCED)
}

/// Notes that a session ended in agreement, so that nothing is in doubt any more.
///
/// # Errors
/// [`StoreError`].
pub fn set_synced_at(tx: &Tx<'_>, at: Timestamp) -> Result<(), StoreError> {
    set_doubt(tx, false)?;
    put(tx, SYNCED, &at)
}

/// How far each area's feed has been read, by code.
///
/// # Errors
/// [`StoreError`].
pub fn cursors(tx: &Tx<'_>) -> Result<Vec<AreaCursor>, StoreError> {
    let rows = tx.all("SELECT area, seq FROM cursors ORDER BY area", [], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?))
    })?;
    Ok(rows
        .into_iter()
        .filter_map(|(area, seq)| {
            Some(AreaCursor {
                area: area.parse().ok()?,
                seq: seq.cast_unsigned(),
            })
        })
        .collect())
}

/// Moves the cursor of an area; any number the server gives comes back as it was. To be called in the transaction that applies the page.
///
/// # Errors
/// [`StoreError`].
pub fn set_cursor(tx: &Tx<'_>, cursor: &AreaCursor) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO cursors (area, seq) VALUES (?1, ?2) ON CONFLICT (area) DO UPDATE SET seq = excluded.seq",
        rusqlite::params![cursor.area.as_str(), cursor.seq.cast_signed()],
    )?;
    Ok(())
}

/// Forgets the cursor of an area that is no longer granted, or of one to be read again from the start.
///
/// # Errors
/// [`StoreError`].
pub fn forget_cursor(tx: &Tx<'_>, area: &AreaCode) -> Result<(), StoreError> {
    tx.execute("DELETE FROM cursors WHERE area = ?1", [area.as_str()])?;
    Ok(())
}

/// Forgets every cursor: the next session reads every feed from the start.
pub(crate) fn forget_cursors(tx: &Tx<'_>) -> Result<(), StoreError> {
    tx.execute("DELETE FROM cursors", [])?;
    Ok(())
}

fn get<T: DeserializeOwned>(tx: &Tx<'_>, name: &str) -> Result<Option<T>, StoreError> {
    let value = tx.one(
        "SELECT value FROM identity WHERE name = ?1",
        [name],
        |row| row.get::<_, Vec<u8>>(0),
    )?;
    value
        .map(|bytes| {
            codec::from_cbor(&bytes)
                .map_err(|error| StoreError::Corrupt(format!("{name}: {error}")))
        })
        .transpose()
}

fn put<T: Serialize>(tx: &Tx<'_>, name: &str, value: &T) -> Result<(), StoreError> {
    let bytes = Zeroizing::new(codec::to_cbor(value));
    for table in ["identity", "identity_twin"] {
        tx.execute(
            &format!(
                "INSERT INTO {table} (name, value) VALUES (?1, ?2)
                 ON CONFLICT (name) DO UPDATE SET value = excluded.value"
            ),
            rusqlite::params![name, bytes.as_slice()],
        )?;
    }
    Ok(())
}
