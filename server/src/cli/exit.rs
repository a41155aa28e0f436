//! Exit codes, the same numbers as the tablet's program uses. Scripts depend on them; none changes its meaning.

use std::process::ExitCode;

use crate::config::ConfigError;
use crate::office::OfficeError;
use crate::state::StartError;
use crate::store::StoreError;

/// How the program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Ok = 0,
    /// Anything that has no code of its own.
    Failed = 1,
    /// The command line or the configuration is wrong.
    Usage = 2,
    /// The person, tablet or file named does not exist.
    NotFound = 3,
    /// The database is damaged.
    Corrupt = 11,
    /// No room left on the disk.
    DiskFull = 12,
    /// The database was written by a newer program.
    Version = 17,
    /// The area is not in the tree.
    UnknownArea = 18,
    /// The file given is wrong.
    BadInput = 19,
    /// The check found rows that are not what they should be.
    CheckFailed = 20,
    /// Another process has the folder open.
    InUse = 21,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}

impl From<&OfficeError> for Exit {
    fn from(error: &OfficeError) -> Self {
        match error {
            OfficeError::Columns(_) | OfficeError::Rows { .. } => Exit::BadInput,
            OfficeError::Name
            | OfficeError::NoArea
            | OfficeError::NotForRole { .. }
            | OfficeError::NameTaken(_) => Exit::Usage,
            OfficeError::UnknownStaff(_)
            | OfficeError::UnknownDevice(_)
            | OfficeError::UnknownAccount(_) => Exit::NotFound,
            OfficeError::UnknownArea(_) => Exit::UnknownArea,
            OfficeError::DiskFull => Exit::DiskFull,
            OfficeError::Corrupt(_) => Exit::Corrupt,
            OfficeError::Newer { .. } => Exit::Version,
            OfficeError::Locked(_) => Exit::InUse,
            OfficeError::Unreachable { .. } | OfficeError::Failed(_) => Exit::Failed,
        }
    }
}

impl From<&StartError> for Exit {
    fn from(error: &StartError) -> Self {
        match error {
            StartError::Store(StoreError::DiskFull) => Exit::DiskFull,
            StartError::Store(StoreError::Corrupt(_)) => Exit::Corrupt,
            StartError::Store(StoreError::Newer { .. }) => Exit::Version,
            StartError::Store(StoreError::Locked(_)) => Exit::InUse,
            StartError::Store(_) | StartError::Io { .. } => Exit::Failed,
        }
    }
}

impl From<&ConfigError> for Exit {
    fn from(error: &ConfigError) -> Self {
        match error {
            ConfigError::Unreadable { .. } => Exit::NotFound,
            ConfigError::Wrong { .. }
            | ConfigError::PublicUrl(_)
            | ConfigError::NoPublicUrl(_)
            | ConfigError::Zero(_) => Exit::Usage,
        }
    }
}
