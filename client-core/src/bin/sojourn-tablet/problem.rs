//! Everything that can go wrong, each with its exit code. The sentences are in the catalogue.

use std::path::PathBuf;

use sojourn_client_core::enrol::EnrolError;
use sojourn_client_core::error::Error;
use sojourn_client_core::store::{Salvage, StoreError};
use sojourn_client_core::sync::session::Failure;
use sojourn_client_core::sync::transport::TransportError;
use sojourn_sync_protocol::record::{CannotSplit, EditError};
use sojourn_sync_protocol::refusal::Refusal;
use sojourn_sync_protocol::{AreaCode, HouseholdId};

/// Why a command did not do what was asked.
#[derive(Debug)]
pub(crate) enum Problem {
    /// No passphrase was given and none can be asked for.
    NoPassphrase,
    /// The two passphrases typed are not the same.
    PassphrasesDiffer,
    /// The address has no TLS and is not this machine.
    PlainHttp(String),
    /// The engine could not do it.
    Engine(Error),
    /// The database was damaged; it is kept aside and what could be read was carried over.
    Salvaged(Salvage),
    /// The server could not be asked, or said no.
    Failed(Failure),
    /// The session was interrupted.
    Interrupted,
    /// Both sides still differ after repair.
    Differs(Vec<AreaCode>),
    /// An input file cannot be read.
    Unreadable {
        path: PathBuf,
        error: std::io::Error,
    },
    /// An input file, or a line of it, is not what it should be.
    BadInput {
        path: PathBuf,
        line: Option<usize>,
        reason: Reason,
    },
    /// No move of the household is prepared.
    NothingPrepared(HouseholdId),
    /// No reviewer asks anything about the household, or not this.
    NothingAsked(HouseholdId),
    /// A reviewer asks several things about the household.
    SeveralAsked(HouseholdId),
    /// The output cannot be written.
    Output(std::io::Error),
}

/// What is wrong with an input.
#[derive(Debug)]
pub(crate) enum Reason {
    /// Not JSON, or not JSON of this shape.
    Shape(String),
    /// The engine refuses it.
    Engine(Error),
}

impl Problem {
    /// The exit code; the table is in `docs/TABLET.md`.
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::NoPassphrase | Self::PassphrasesDiffer | Self::PlainHttp(_) => 2,
            Self::Engine(error) => engine_code(error),
            Self::NothingPrepared(_) | Self::NothingAsked(_) | Self::SeveralAsked(_) => 3,
            Self::Salvaged(_) => 11,
            Self::Failed(failure) => failure_code(failure),
            Self::Interrupted | Self::Differs(_) => 1,
            Self::Unreadable { .. }
            | Self::BadInput {
                reason: Reason::Shape(_),
                ..
            } => 19,
            Self::BadInput {
                reason: Reason::Engine(error),
                ..
            } => engine_code(error),
            Self::Output(error) if error.kind() == std::io::ErrorKind::StorageFull => 12,
            Self::Output(_) => 1,
        }
    }

    /// The word for scripts, in `sync --json`.
    pub(crate) fn name(&self) -> &'static str {
        match self.code() {
            2 => "usage",
            3 => "not-found",
            10 => "wrong-key",
            11 => "corrupt",
            12 => "disk-full",
            13 => "not-enrolled",
            14 => "no-connection",
            15 => "refused",
            16 => "wrong-clock",
            17 => "version",
            18 => "unknown-area",
            19 => "bad-input",
            21 => "in-use",
            _ => "other",
        }
    }
}

fn store_code(error: &StoreError) -> u8 {
    match error {
        StoreError::WrongKey => 10,
        StoreError::Corrupt(_) | StoreError::KeyFile { .. } => 11,
        StoreError::DiskFull => 12,
        StoreError::Newer { .. } => 17,
        StoreError::Busy(_) => 21,
        StoreError::Io { .. } | StoreError::Sql(_) => 1,
    }
}

fn engine_code(error: &Error) -> u8 {
    match error {
        Error::Store(error) => store_code(error),
        Error::NotEnrolled => 13,
        Error::UnknownHousehold(_)
        | Error::NoSingleHousehold { .. }
        | Error::UnknownPerson(_)
        | Error::Edit(EditError::NoSuchEntry { .. })
        | Error::Split(CannotSplit::NotHere(_)) => 3,
        Error::UnknownArea(_) => 18,
        Error::AreaNotGranted(_) | Error::KindNotGranted(_) => 15,
        Error::Edit(_) | Error::Split(_) => 19,
        Error::At { source, .. } => engine_code(source),
        Error::Record { .. } => 11,
        Error::Fates { .. } => 17,
    }
}

fn failure_code(failure: &Failure) -> u8 {
    match failure {
        Failure::Transport(TransportError::Address(_)) => 2,
        Failure::Transport(_) => 14,
        Failure::Version(_) | Failure::Unusable(_) => 17,
        Failure::Refused(refusal) => match refusal {
            Refusal::ClockSkew { .. } => 16,
            Refusal::Version { .. } | Refusal::Schema { .. } | Refusal::Malformed { .. } => 17,
            Refusal::UnknownArea { .. } => 18,
            Refusal::Unauthenticated | Refusal::Withdrawn | Refusal::Code => 15,
            Refusal::TooLarge { .. } | Refusal::NotFound => 17,
            Refusal::Busy { .. } | Refusal::Unavailable { .. } | Refusal::Internal { .. } => 14,
        },
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self::Engine(error)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Self::Engine(Error::Store(error))
    }
}

impl From<EnrolError> for Problem {
    fn from(error: EnrolError) -> Self {
        match error {
            EnrolError::Failed(failure) => Self::Failed(failure),
            EnrolError::Engine(error) => Self::Engine(error),
        }
    }
}
