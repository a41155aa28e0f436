//! Accounts for the console: given with a one-time code, taken away, and both told in the audit trail.

use serde::{Deserialize, Serialize};
use sojourn_sync_protocol::{AreaCode, StaffId, Timestamp};

use super::{OfficeError, Outcome};
use crate::accounts::{self, Account, AccountName, NotGiven};
use crate::audit::{self, Action, Deed, Stamp};
use crate::clock::Clock;
use crate::code::Code;
use crate::store::{Store, StoreError, Tx};

/// An account with its code, to be shown once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssuedAccount {
    /// The account.
    pub account: Account,
    /// Twelve characters in groups.
    pub code: String,
    /// When the code ceases to be good.
    pub expires_at: Timestamp,
}

impl From<NotGiven> for OfficeError {
    fn from(not_given: NotGiven) -> Self {
        match not_given {
            NotGiven::UnknownStaff(id) => OfficeError::UnknownStaff(id),
            NotGiven::UnknownArea(code) => OfficeError::UnknownArea(code),
            NotGiven::NoArea => OfficeError::NoArea,
            NotGiven::NoConsole(role) => OfficeError::NotForRole {
                role,
                tablet: false,
            },
            NotGiven::Taken(name) => OfficeError::NameTaken(name),
            NotGiven::Store(error) => error.into(),
        }
    }
}

pub(super) async fn give(
    store: &Store,
    clock: &Clock,
    staff: StaffId,
    name: AccountName,
    areas: Vec<AreaCode>,
) -> Result<Outcome, OfficeError> {
    let (code, stamp) = (Code::from_random(clock.random()), Stamp::new(clock));
    let given = store.write("give account", move |tx| {
        let account = accounts::give(tx, &name, staff, &areas, &code, stamp.at())?;
        note(tx, &stamp, Action::AccountGiven, &account)?;
        Ok::<_, OfficeError>(IssuedAccount {
            account,
            code: code.grouped(),
            expires_at: stamp.at().plus_millis(accounts::CODE_MS),
        })
    });
    Ok(Outcome::Account(given.await?))
}

pub(super) async fn withdraw(
    store: &Store,
    clock: &Clock,
    name: AccountName,
) -> Result<Outcome, OfficeError> {
    let stamp = Stamp::new(clock);
    let withdrawn = store.write("withdraw account", move |tx| {
        let account = accounts::withdraw(tx, &name, stamp.at())?
            .ok_or(OfficeError::UnknownAccount(name.clone()))?;
        note(tx, &stamp, Action::AccountWithdrawn, &account)?;
        Ok::<_, OfficeError>(account)
    });
    Ok(Outcome::AccountWithdrawn(withdrawn.await?))
}

/// Writes what the office did about an account, in every area that it is for.
fn note(tx: &Tx<'_>, stamp: &Stamp, action: Action, account: &Account) -> Result<(), StoreError> {
    let deed = Deed {
        staff: None,
        action,
        household: None,
        subject: account.name.as_str(),
    };
    audit::note(tx, stamp, &account.areas, &deed)
}
