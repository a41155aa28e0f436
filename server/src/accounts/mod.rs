//! Who may sign in to the console, and for which areas. The office gives an account with a one-time code; its owner chooses a
//! password with that, which nobody else ever knows. Giving it again is how a forgotten password is replaced.
//!
//! Contract: the store keeps a slow hash of a password and a hash of a code, never either; taking an account away or giving
//! it again ends every session of it. Knows nothing of HTTP.

pub mod password;
pub mod sessions;
#[cfg(test)]
mod tests;
pub mod tries;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sojourn_sync_protocol::{AreaCode, StaffId, Timestamp};

use crate::areas;
use crate::code::Code;
use crate::params;
use crate::staff::{self, Role, Staff};
use crate::store::{Row, StoreError, Tx};

/// The tables of this module.
pub(crate) const SCHEMA: &str = "
CREATE TABLE accounts (
    name TEXT NOT NULL PRIMARY KEY,
    staff BLOB NOT NULL UNIQUE REFERENCES staff (id),
    areas TEXT NOT NULL,
    password TEXT,
    code BLOB,
    code_expires_at BIGINT,
    given_at BIGINT NOT NULL,
    withdrawn_at BIGINT
);
CREATE TABLE console_sessions (
    token BLOB NOT NULL PRIMARY KEY,
    account TEXT NOT NULL REFERENCES accounts (name),
    began_at BIGINT NOT NULL,
    used_at BIGINT NOT NULL
);
CREATE INDEX console_sessions_by_account ON console_sessions (account);
";

/// How long the code of a new account is good, milliseconds: it is handed over in person or by letter.
pub const CODE_MS: i64 = 3 * 24 * 60 * 60 * 1000;
/// What a code's hash is made for.
const PURPOSE: &str = "sojourn first sign-in";
/// Characters of a name.
const NAME_CHARS: std::ops::RangeInclusive<usize> = 2..=32;

/// The name that somebody signs in with: 2 to 32 of `a`–`z`, `0`–`9`, `.` and `-`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AccountName(String);

/// Text that is no name of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the name of an account is 2 to 32 of a-z, 0-9, . and -")]
pub struct BadName;

impl FromStr for AccountName {
    type Err = BadName;
    fn from_str(text: &str) -> Result<Self, BadName> {
        let fits = NAME_CHARS.contains(&text.len())
            && text
                .bytes()
                .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-'));
        fits.then(|| AccountName(text.to_owned())).ok_or(BadName)
    }
}

impl TryFrom<String> for AccountName {
    type Error = BadName;
    fn try_from(text: String) -> Result<Self, BadName> {
        text.parse()
    }
}

impl From<AccountName> for String {
    fn from(name: AccountName) -> String {
        name.0
    }
}

impl fmt::Display for AccountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AccountName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The name that its owner signs in with.
    pub name: AccountName,
    /// Whose it is.
    pub staff: Staff,
    /// The areas they answer for, and all below.
    pub areas: Vec<AreaCode>,
    /// Whether a password has been chosen.
    pub begun: bool,
    /// Nobody can sign in any more.
    pub withdrawn: bool,
}

/// Why an account was not given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotGiven {
    /// Nobody has that id.
    #[error("nobody on the staff has id {0}")]
    UnknownStaff(StaffId),
    /// The tree has no such area.
    #[error("area {0} is not in the tree")]
    UnknownArea(AreaCode),
    /// An account is for at least one area.
    #[error("an account needs at least one area")]
    NoArea,
    /// What they do is done on a tablet.
    #[error("a {} has nothing to do in the console", .0.name())]
    NoConsole(Role),
    /// Somebody else's account has this name.
    #[error("the name {0} is taken")]
    Taken(AccountName),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Gives an account, or gives it again with another code, other areas or another name. Ends every session of it.
pub fn give(
    tx: &Tx<'_>,
    name: &AccountName,
    staff: StaffId,
    areas: &[AreaCode],
    code: &Code,
    now: Timestamp,
) -> Result<Account, NotGiven> {
    let owner = staff::get(tx, staff)?.ok_or(NotGiven::UnknownStaff(staff))?;
    if !owner.role.has_console() {
        return Err(NotGiven::NoConsole(owner.role));
    }
    if areas.is_empty() {
        return Err(NotGiven::NoArea);
    }
    for area in areas {
        if !areas::is_known(tx, area)? {
            return Err(NotGiven::UnknownArea(area.clone()));
        }
    }
    if get(tx, name)?.is_some_and(|known| known.staff.id != staff) {
        return Err(NotGiven::Taken(name.clone()));
    }
    sessions::end_all(tx, staff)?;
    tx.execute(
        "DELETE FROM accounts WHERE staff = ?1",
        params![staff.as_bytes()],
    )?;
    tx.execute(
        "INSERT INTO accounts (name, staff, areas, password, code, code_expires_at, given_at, withdrawn_at)
         VALUES (?1, ?2, ?3, NULL, ?4, ?5, ?6, NULL)",
        params![
            name.as_str(),
            staff.as_bytes(),
            areas_text(areas),
            code.hash(PURPOSE),
            now.plus_millis(CODE_MS).millis(),
            now.millis()
        ],
    )?;
    Ok(Account {
        name: name.clone(),
        staff: owner,
        areas: areas.to_vec(),
        begun: false,
        withdrawn: false,
    })
}

/// Takes an account away, for good until it is given again. Answers whose it was.
pub fn withdraw(
    tx: &Tx<'_>,
    name: &AccountName,
    now: Timestamp,
) -> Result<Option<Account>, StoreError> {
    let Some(account) = get(tx, name)? else {
        return Ok(None);
    };
    sessions::end_all(tx, account.staff.id)?;
    tx.execute(
        "UPDATE accounts SET withdrawn_at = COALESCE(withdrawn_at, ?2), password = NULL, code = NULL WHERE name = ?1",
        params![name.as_str(), now.millis()],
    )?;
    Ok(Some(account))
}

/// Every account, by name.
pub fn list(tx: &Tx<'_>) -> Result<Vec<Account>, StoreError> {
    tx.query(
        "SELECT a.name, a.areas, a.password, a.withdrawn_at, s.id, s.name, s.role
         FROM accounts a JOIN staff s ON s.id = a.staff ORDER BY a.name",
        &[],
        read,
    )
}

/// One account.
pub fn get(tx: &Tx<'_>, name: &AccountName) -> Result<Option<Account>, StoreError> {
    tx.query_opt(
        "SELECT a.name, a.areas, a.password, a.withdrawn_at, s.id, s.name, s.role
         FROM accounts a JOIN staff s ON s.id = a.staff WHERE a.name = ?1",
        params![name.as_str()],
        read,
    )
}

fn read(row: &Row<'_>) -> Result<Account, StoreError> {
    Ok(Account {
        name: row.parse(0)?,
        areas: areas_of(row, 1)?,
        begun: !row.is_null(2),
        withdrawn: !row.is_null(3),
        staff: staff::read_from(row, 4)?,
    })
}

fn areas_text(areas: &[AreaCode]) -> String {
    serde_json::to_string(areas).expect("codes are text")
}

fn areas_of(row: &Row<'_>, column: usize) -> Result<Vec<AreaCode>, StoreError> {
    serde_json::from_str(row.str(column)?).map_err(|_| StoreError::Shape {
        column,
        expected: "a list of areas",
    })
}

/// Whether a code opens an account now.
fn code_opens(
    tx: &Tx<'_>,
    name: &AccountName,
    code: &Code,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let kept = tx.query_opt(
        "SELECT code, code_expires_at FROM accounts
         WHERE name = ?1 AND code IS NOT NULL AND withdrawn_at IS NULL",
        params![name.as_str()],
        |row| Ok((row.array::<32>(0)?, Timestamp::from_millis(row.i64(1)?))),
    )?;
    Ok(kept.is_some_and(|(hash, until)| {
        let same = subtle::ConstantTimeEq::ct_eq(&hash[..], &code.hash(PURPOSE)[..]);
        bool::from(same) && now <= until
    }))
}

/// The slow hash of an account's password; absent for who cannot sign in with one.
fn password_of(tx: &Tx<'_>, name: &AccountName) -> Result<Option<String>, StoreError> {
    let kept = tx.query_opt(
        "SELECT password FROM accounts WHERE name = ?1 AND withdrawn_at IS NULL",
        params![name.as_str()],
        |row| row.optional(0, Row::text),
    )?;
    Ok(kept.flatten())
}

/// Puts a password in the place of the code.
fn set_password(tx: &Tx<'_>, name: &AccountName, hash: &str) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE accounts SET password = ?2, code = NULL, code_expires_at = NULL WHERE name = ?1",
        params![name.as_str(), hash],
    )?;
    Ok(())
}
