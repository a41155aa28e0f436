//! Every way a server says no. What each means for the caller is in its text; sentences for people are
//! in each program's catalogue.

use serde::{Deserialize, Serialize};

use crate::{area::AreaCode, time::Timestamp};

/// A refused request. Nothing of it was stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case", tag = "refusal")]
pub enum Refusal {
    /// Not a message of this protocol. Sending it again will not help.
    #[error("malformed request: {detail}")]
    Malformed {
        /// What could not be read; never repeats the content.
        detail: String,
    },
    /// The two sides speak different versions. Update whichever is older.
    #[error("the server speaks protocol {min} to {max}")]
    Version {
        /// Oldest protocol version understood.
        min: u8,
        /// Newest protocol version understood.
        max: u8,
    },
    /// The tablet writes a schema that the server does not know yet.
    #[error("the server knows the household record up to schema {known}")]
    Schema {
        /// Newest schema known.
        known: u32,
    },
    /// The body is larger than allowed. Send less at a time.
    #[error("the request is larger than {max} bytes")]
    TooLarge {
        /// Bound in bytes.
        max: u64,
    },
    /// No valid token and proof. One answer for missing, forged, expired and replayed; renew the token.
    #[error("not authenticated")]
    Unauthenticated,
    /// The tablet's clock is too far from the server's for a proof to be judged.
    #[error("clocks differ; the server's is {server_time}")]
    ClockSkew {
        /// The server's clock.
        server_time: Timestamp,
    },
    /// The device was withdrawn. Its unsent edits stay on it; ask the office.
    #[error("this device has been withdrawn")]
    Withdrawn,
    /// The enrolment code is unknown, used, or expired. Ask for a new one.
    #[error("the enrolment code is not valid")]
    Code,
    /// The area is not in the tree, or not in the grant.
    #[error("area {area} is not known here")]
    UnknownArea {
        /// The area.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        area: AreaCode,
    },
    /// Too much at once. Try again after the time given.
    #[error("busy; try again in {retry_after_ms} ms")]
    Busy {
        /// Milliseconds to wait.
        retry_after_ms: u64,
    },
    /// The store cannot take writes at present (a full disk, a restart). Try again later.
    #[error("the server cannot store anything at present; try again in {retry_after_ms} ms")]
    Unavailable {
        /// Milliseconds to wait.
        retry_after_ms: u64,
    },
    /// No such page.
    #[error("no such address")]
    NotFound,
    /// A fault of the server's own; it is in its log under this number.
    #[error("the server failed; its log has it under {id}")]
    Internal {
        /// Request number.
        id: String,
    },
}

impl Refusal {
    /// The HTTP status that carries it.
    pub const fn status(&self) -> u16 {
        match self {
            Self::Malformed { .. } => 400,
            Self::Unauthenticated | Self::ClockSkew { .. } => 401,
            Self::Withdrawn | Self::Code => 403,
            Self::NotFound | Self::UnknownArea { .. } => 404,
            Self::TooLarge { .. } => 413,
            Self::Version { .. } | Self::Schema { .. } => 426,
            Self::Busy { .. } => 429,
            Self::Internal { .. } => 500,
            Self::Unavailable { .. } => 503,
        }
    }

    /// Milliseconds to wait before the same request may succeed; `None` when waiting does not help.
    pub const fn retry_after_ms(&self) -> Option<u64> {
        match self {
            Self::Busy { retry_after_ms } | Self::Unavailable { retry_after_ms } => {
                Some(*retry_after_ms)
            }
            Self::Internal { .. } => Some(1000),
            _ => None,
        }
    }
}
