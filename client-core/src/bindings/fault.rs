//! Why a command was not done, as a word that a page has a sentence for.

use serde::Serialize;
use sojourn_sync_protocol::record::EditError;
use sojourn_sync_protocol::refusal::Refusal;

use crate::enrol::EnrolError;
use crate::error::Error;
use crate::store::StoreError;
use crate::sync::session::Failure;
use crate::sync::transport::TransportError;

/// What stood against a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Fault {
    /// What.
    pub obstacle: Obstacle,
    /// The field that it is about.
    pub field: Option<String>,
    /// What the engine says of it, in its own words; holds no value of a field.
    pub detail: String,
}

/// Every kind of obstacle: each has a sentence of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "kebab-case")]
pub enum Obstacle {
    /// The tablet is not open.
    Shut,
    /// A session is running already.
    Syncing,
    /// The passphrase is another.
    WrongPassphrase,
    /// The browser lends no storage, as in a private window.
    NoStorage,
    /// The storage is full.
    StorageFull,
    /// The database or its key cannot be read.
    Damaged,
    /// The database, or the server, is of another version.
    Version,
    /// The tablet is not enrolled.
    NotEnrolled,
    /// The enrolment code is not good.
    Code,
    /// The tablet was withdrawn.
    Withdrawn,
    /// The session with the register has ended, and could not be renewed.
    Unauthenticated,
    /// The clock is wrong.
    Clock,
    /// No connection.
    NoConnection,
    /// The connection is there, but nothing comes.
    Silent,
    /// The connection broke off.
    Cut,
    /// Something else answered, as where a network asks to sign in first.
    NotTheServer,
    /// The register is busy or cannot store anything at present.
    ServerBusy,
    /// The household is not on this tablet.
    UnknownHousehold,
    /// The area is not in the tree.
    UnknownArea,
    /// The tablet may not do that in this area, or with this document.
    NotGranted,
    /// A value does not fit.
    BadValue,
    /// The edit cannot be made.
    Edit,
    /// Whoever had the engine ended before it answered.
    Interrupted,
    /// A fault of the program.
    Failed,
}

impl Fault {
    /// An obstacle with what the engine says.
    pub fn of(obstacle: Obstacle, detail: impl std::fmt::Display) -> Self {
        Self {
            obstacle,
            field: None,
            detail: detail.to_string(),
        }
    }
}

impl From<&StoreError> for Obstacle {
    fn from(error: &StoreError) -> Self {
        match error {
            StoreError::WrongKey => Self::WrongPassphrase,
            StoreError::DiskFull => Self::StorageFull,
            StoreError::Corrupt(_) | StoreError::KeyFile { .. } => Self::Damaged,
            StoreError::Newer { .. } => Self::Version,
            StoreError::Busy(_) => Self::NoStorage,
            StoreError::Io { .. } | StoreError::Sql(_) => Self::Failed,
        }
    }
}

impl From<&Error> for Obstacle {
    fn from(error: &Error) -> Self {
        match error {
            Error::Store(error) => error.into(),
            Error::NotEnrolled => Self::NotEnrolled,
            Error::UnknownHousehold(_) | Error::NoSingleHousehold { .. } => Self::UnknownHousehold,
            Error::UnknownArea(_) => Self::UnknownArea,
            Error::AreaNotGranted(_) | Error::KindNotGranted(_) => Self::NotGranted,
            Error::Edit(EditError::BadValue { .. } | EditError::Required { .. }) => Self::BadValue,
            Error::Edit(_) | Error::Split(_) | Error::UnknownPerson(_) => Self::Edit,
            Error::At { source, .. } => (&**source).into(),
            Error::Record { .. } => Self::Damaged,
            Error::Fates { .. } => Self::Version,
        }
    }
}

impl From<&Failure> for Obstacle {
    fn from(failure: &Failure) -> Self {
        match failure {
            Failure::Transport(error) => match error {
                TransportError::Address(_) | TransportError::Unreachable(_) => Self::NoConnection,
                TransportError::TimedOut => Self::Silent,
                TransportError::Cut(_) => Self::Cut,
                TransportError::NotOurServer { .. } => Self::NotTheServer,
                TransportError::TooLarge { .. } => Self::Version,
            },
            Failure::Version(_) | Failure::Unusable(_) => Self::Version,
            Failure::Refused(refusal) => match refusal {
                Refusal::Unauthenticated => Self::Unauthenticated,
                Refusal::ClockSkew { .. } => Self::Clock,
                Refusal::Withdrawn => Self::Withdrawn,
                Refusal::Code => Self::Code,
                Refusal::UnknownArea { .. } => Self::UnknownArea,
                Refusal::Busy { .. } | Refusal::Unavailable { .. } | Refusal::Internal { .. } => {
                    Self::ServerBusy
                }
                Refusal::Malformed { .. }
                | Refusal::Version { .. }
                | Refusal::Schema { .. }
                | Refusal::TooLarge { .. }
                | Refusal::NotFound => Self::Version,
            },
        }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let field = match &error {
            Error::Edit(
                EditError::BadValue { field, .. }
                | EditError::Required { field }
                | EditError::UnknownField { field },
            ) => Some(field.clone()),
            _ => None,
        };
        Self {
            obstacle: (&error).into(),
            field,
            detail: error.to_string(),
        }
    }
}

impl From<Failure> for Fault {
    fn from(failure: Failure) -> Self {
        Self::of((&failure).into(), failure)
    }
}

impl From<EnrolError> for Fault {
    fn from(error: EnrolError) -> Self {
        match error {
            EnrolError::Failed(failure) => failure.into(),
            EnrolError::Engine(error) => error.into(),
        }
    }
}
