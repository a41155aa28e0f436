//! Signing in and out, and who is signed in. A session is a random secret that the browser holds in a cookie; the store has its
//! hash. It ends when its owner ends it, after an hour without use, after twelve hours, or with the account.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use sha2::{Digest as _, Sha256};
use sojourn_sync_protocol::{AreaCode, StaffId, Timestamp};

use super::password::{self, Hashing};
use super::tries::Tries;
use super::{AccountName, areas_of, code_opens, password_of, set_password};
use crate::audit::{self, Action, Stamp};
use crate::clock::Clock;
use crate::code::Code;
use crate::params;
use crate::review::decide::Reviewer;
use crate::staff::{self, Staff};
use crate::store::{Store, StoreError, Tx};

/// How long a session lasts that nobody uses, milliseconds.
pub const IDLE_MS: i64 = 60 * 60 * 1000;
/// How long any session lasts, milliseconds.
pub const LENGTH_MS: i64 = 12 * 60 * 60 * 1000;
/// How exactly the last use is known, milliseconds: a session in use is not written for every request.
const USE_NOTED_MS: i64 = 60 * 1000;
const SECRET_BYTES: usize = 32;

/// The secret of a session, as the cookie has it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret([u8; SECRET_BYTES]);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(hidden)")
    }
}

impl Secret {
    /// As text for a cookie.
    pub fn to_text(&self) -> String {
        BASE64URL.encode(self.0)
    }

    /// Reads what a cookie has.
    pub fn read(text: &str) -> Option<Self> {
        BASE64URL.decode(text).ok()?.try_into().ok().map(Secret)
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> [u8; SECRET_BYTES] {
        self.0
    }

    fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0).into()
    }
}

/// Somebody who is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// Who.
    pub staff: Staff,
    /// The name they signed in with.
    pub account: AccountName,
    /// The areas they answer for, and all below.
    pub areas: Vec<AreaCode>,
    /// When the session ends if it is not used.
    pub ends_at: Timestamp,
    noted_at: Timestamp,
}

impl SignedIn {
    #[cfg(test)]
    pub(crate) fn rehearsed(staff: StaffId, areas: &[AreaCode]) -> Self {
        SignedIn {
            staff: Staff {
                id: staff,
                name: String::new(),
                role: crate::staff::Role::Reviewer,
            },
            account: "shen".parse().expect("a name"),
            areas: areas.to_vec(),
            ends_at: Timestamp::default(),
            noted_at: Timestamp::default(),
        }
    }

    /// As somebody who settles questions.
    pub fn reviewer(&self) -> Reviewer {
        Reviewer {
            staff: self.staff.id,
            areas: self.areas.clone(),
            kinds: self.staff.role.kinds().to_vec(),
        }
    }
}

/// Why somebody was not let in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotIn {
    /// No such account, a wrong password or code, or a code that has expired. Deliberately says no more.
    #[error("not a name and a password, or code, that belong together")]
    Wrong,
    /// The name was tried too often.
    #[error("wait {ms} ms before the next try")]
    Wait {
        /// For how long, in milliseconds.
        ms: u64,
    },
    /// The password chosen is too easy.
    #[error(
        "a password has at least 12 characters, more than a few different ones, and not the name"
    )]
    WeakPassword,
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What signing in works with.
#[derive(Debug, Default)]
pub struct Gate {
    hashing: Hashing,
    tries: Tries,
}

impl Gate {
    /// Signs somebody in who has a password.
    ///
    /// # Errors
    /// [`NotIn`]; as slow for a name that nobody has as for a wrong password.
    pub async fn sign_in(
        &self,
        store: &Store,
        clock: &Clock,
        name: &str,
        password: String,
    ) -> Result<(Secret, SignedIn), NotIn> {
        let now = self.may_try(clock, name)?;
        let name: Option<AccountName> = name.parse().ok();
        let kept = match name.clone() {
            Some(name) => store.glance(move |tx| password_of(tx, &name)).await?,
            None => None,
        };
        let known = kept.clone();
        let right =
            password.len() <= password::BYTES_MAX && self.hashing.verify(password, kept).await;
        let (Some(name), Some(hash), true) = (name.clone(), known, right) else {
            if let Some(name) = name {
                self.tries.wrong(name.as_str(), now);
            }
            return Err(NotIn::Wrong);
        };
        let (secret, stamp) = (Secret(clock.random()), Stamp::new(clock));
        let opened = secret.clone();
        let signed_in = store
            .write("sign in", move |tx| {
                // The account may have been taken away while the hash was worked out.
                if password_of(tx, &name)?.as_ref() != Some(&hash) {
                    return Ok(None);
                }
                open(tx, &name, &opened, Action::SignedIn, &stamp).map(Some)
            })
            .await?
            .ok_or(NotIn::Wrong)?;
        self.tries.right(signed_in.account.as_str());
        Ok((secret, signed_in))
    }

    /// Signs somebody in for the first time: a code, and the password they choose.
    ///
    /// # Errors
    /// [`NotIn`]; the code is not spent then.
    pub async fn welcome(
        &self,
        store: &Store,
        clock: &Clock,
        (name, code): (&str, &str),
        password: String,
    ) -> Result<(Secret, SignedIn), NotIn> {
        let now = self.may_try(clock, name)?;
        let (Ok(name), Some(code)) = (name.parse::<AccountName>(), Code::read(code)) else {
            return Err(NotIn::Wrong);
        };
        let (asked, typed) = (name.clone(), code.clone());
        let opens = store
            .glance(move |tx| code_opens(tx, &asked, &typed, now))
            .await?;
        if !opens {
            self.tries.wrong(name.as_str(), now);
            return Err(NotIn::Wrong);
        }
        if !password::may_be_chosen(&password, &name) {
            return Err(NotIn::WeakPassword);
        }
        let hash = self.hashing.hash(password, clock.random()).await;
        let (secret, stamp) = (Secret(clock.random()), Stamp::new(clock));
        let opened = secret.clone();
        let signed_in = store
            .write("first sign-in", move |tx| {
                if !code_opens(tx, &name, &code, now)? {
                    return Ok(None);
                }
                set_password(tx, &name, &hash)?;
                open(tx, &name, &opened, Action::SignedInFirst, &stamp).map(Some)
            })
            .await?
            .ok_or(NotIn::Wrong)?;
        self.tries.right(signed_in.account.as_str());
        Ok((secret, signed_in))
    }

    fn may_try(&self, clock: &Clock, name: &str) -> Result<Timestamp, NotIn> {
        let now = clock.now();
        match self.tries.wait_ms(name, now) {
            0 => Ok(now),
            ms => Err(NotIn::Wait { ms }),
        }
    }
}

/// Who holds this secret; nobody when the session has ended. What a page asks for with nobody before it is no use of the session.
///
/// # Errors
/// [`StoreError`].
pub async fn signed_in(
    store: &Store,
    secret: &Secret,
    now: Timestamp,
    attended: bool,
) -> Result<Option<SignedIn>, StoreError> {
    let token = secret.hash();
    let Some(found) = store.glance(move |tx| find(tx, token, now)).await? else {
        return Ok(None);
    };
    if attended && now.since(found.noted_at) >= USE_NOTED_MS {
        store
            .write("session in use", move |tx| {
                tx.execute(
                    "UPDATE console_sessions SET used_at = ?2 WHERE token = ?1 AND used_at < ?2",
                    params![token, now.millis()],
                )?;
                Ok::<_, StoreError>(())
            })
            .await?;
    }
    Ok(Some(found))
}

/// Ends a session. Of one that has ended nothing is told.
///
/// # Errors
/// [`StoreError`].
pub async fn sign_out(store: &Store, clock: &Clock, secret: &Secret) -> Result<(), StoreError> {
    let (token, stamp) = (secret.hash(), Stamp::new(clock));
    store
        .write("sign out", move |tx| {
            let Some(found) = find(tx, token, stamp.at())? else {
                return Ok(());
            };
            tx.execute(
                "DELETE FROM console_sessions WHERE token = ?1",
                params![token],
            )?;
            audit::note_of(tx, &stamp, &found, Action::SignedOut)
        })
        .await
}

/// Ends every session of somebody.
pub(super) fn end_all(tx: &Tx<'_>, staff: StaffId) -> Result<(), StoreError> {
    tx.execute(
        "DELETE FROM console_sessions WHERE account IN (SELECT name FROM accounts WHERE staff = ?1)",
        params![staff.as_bytes()],
    )?;
    Ok(())
}

fn open(
    tx: &Tx<'_>,
    name: &AccountName,
    secret: &Secret,
    action: Action,
    stamp: &Stamp,
) -> Result<SignedIn, StoreError> {
    let now = stamp.at();
    tx.execute(
        "DELETE FROM console_sessions WHERE used_at < ?1 OR began_at < ?2",
        params![
            now.plus_millis(-IDLE_MS).millis(),
            now.plus_millis(-LENGTH_MS).millis()
        ],
    )?;
    tx.execute(
        "INSERT INTO console_sessions (token, account, began_at, used_at) VALUES (?1, ?2, ?3, ?3)",
        params![secret.hash(), name.as_str(), now.millis()],
    )?;
    let signed_in = find(tx, secret.hash(), now)?
        .ok_or_else(|| StoreError::Statement("a session was not kept".to_owned()))?;
    audit::note_of(tx, stamp, &signed_in, action)?;
    Ok(signed_in)
}

fn find(tx: &Tx<'_>, token: [u8; 32], now: Timestamp) -> Result<Option<SignedIn>, StoreError> {
    let found = tx.query_opt(
        "SELECT a.name, a.areas, c.began_at, c.used_at, s.id, s.name, s.role
         FROM console_sessions c
         JOIN accounts a ON a.name = c.account
         JOIN staff s ON s.id = a.staff
         WHERE c.token = ?1 AND a.withdrawn_at IS NULL",
        params![token],
        |row| {
            let began_at = Timestamp::from_millis(row.i64(2)?);
            let noted_at = Timestamp::from_millis(row.i64(3)?);
            Ok(SignedIn {
                account: row.parse(0)?,
                areas: areas_of(row, 1)?,
                ends_at: noted_at
                    .plus_millis(IDLE_MS)
                    .min(began_at.plus_millis(LENGTH_MS)),
                staff: staff::read_from(row, 4)?,
                noted_at,
            })
        },
    )?;
    // A clock that was put back by more than a session lasts must not make one last for ever.
    Ok(found.filter(|found| now < found.ends_at && now.plus_millis(LENGTH_MS) > found.noted_at))
}
