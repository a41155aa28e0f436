//! Names of things: typed UUIDv7 identifiers, actors, change hashes and documents.
//!
//! An id is made from a time and ten random bytes that the caller supplies; nothing here reads a clock.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{fmt, str::FromStr};

use crate::time::Timestamp;

/// Text that is not an id of the kind asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {expected}")]
pub struct ParseIdError {
    text: String,
    expected: &'static str,
}

impl ParseIdError {
    fn new(text: &str, expected: &'static str) -> Self {
        // A wrong id may be pasted text of any length; an error message stays a line.
        let text = text.chars().take(80).collect();
        Self { text, expected }
    }
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// Sixteen bytes, a UUIDv7 (RFC 9562). As text: lower case with hyphens; on the wire: the bytes.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(uuid::Uuid);

        impl $name {
            /// Makes an id from the current time and ten random bytes.
            pub fn new(now: Timestamp, random: [u8; 10]) -> Self {
                let millis = u64::try_from(now.millis()).unwrap_or(0);
                Self(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
            }

            /// The id with these sixteen bytes.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(uuid::Uuid::from_bytes(bytes))
            }

            /// The sixteen bytes, big endian.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }

            /// Reads sixteen bytes; `None` for any other length.
            pub fn from_slice(bytes: &[u8]) -> Option<Self> {
                uuid::Uuid::from_slice(bytes).ok().map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.as_hyphenated().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0.as_hyphenated())
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;
            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                let wrong = || ParseIdError::new(text, "an id (36 characters: 8-4-4-4-12 hexadecimal)");
                if text.len() != 36 {
                    return Err(wrong());
                }
                uuid::Uuid::try_parse(text).map(Self).map_err(|_| wrong())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() {
                    serializer.collect_str(self)
                } else {
                    serializer.serialize_bytes(self.as_bytes())
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                if deserializer.is_human_readable() {
                    let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                    text.parse().map_err(de::Error::custom)
                } else {
                    fixed_bytes(deserializer).map(Self::from_bytes)
                }
            }
        }
    };
}

uuid_id!(
    /// A household.
    HouseholdId
);
uuid_id!(
    /// A person within a household.
    PersonId
);
uuid_id!(
    /// A visit that staff made.
    VisitId
);
uuid_id!(
    /// A move from one residence to another.
    MoveId
);
uuid_id!(
    /// Something a family asked for.
    NeedId
);
uuid_id!(
    /// What a reviewer decided.
    DecisionId
);
uuid_id!(
    /// One enrolled tablet.
    DeviceId
);
uuid_id!(
    /// One member of staff.
    StaffId
);

/// Reads a byte string of exactly `N` bytes.
fn fixed_bytes<'de, D: Deserializer<'de>, const N: usize>(
    deserializer: D,
) -> Result<[u8; N], D::Error> {
    let bytes = serde_bytes::ByteBuf::deserialize(deserializer)?;
    <[u8; N]>::try_from(bytes.as_slice())
        .map_err(|_| de::Error::invalid_length(bytes.len(), &"a byte string of the exact length"))
}

macro_rules! byte_id {
    ($(#[$doc:meta])* $name:ident, $len:literal, $expected:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; $len]);

        impl $name {
            /// The bytes.
            pub const fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }

            /// Reads a slice; `None` when its length is wrong.
            pub fn from_slice(bytes: &[u8]) -> Option<Self> {
                <[u8; $len]>::try_from(bytes).ok().map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;
            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                let wrong = || ParseIdError::new(text, $expected);
                if text.len() != $len * 2 || !text.is_ascii() {
                    return Err(wrong());
                }
                let mut bytes = [0u8; $len];
                for (at, byte) in bytes.iter_mut().enumerate() {
                    let pair = &text[at * 2..at * 2 + 2];
                    *byte = u8::from_str_radix(pair, 16).map_err(|_| wrong())?;
                }
                Ok(Self(bytes))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() {
                    serializer.collect_str(self)
                } else {
                    serializer.serialize_bytes(&self.0)
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                if deserializer.is_human_readable() {
                    let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                    text.parse().map_err(de::Error::custom)
                } else {
                    fixed_bytes(deserializer).map(Self)
                }
            }
        }
    };
}

byte_id!(
    /// Who made a change, in Automerge's sense: sixteen random bytes per install and database epoch.
    ActorId, 16, "an actor (32 hexadecimal digits)"
);
byte_id!(
    /// SHA-256 of a change, as Automerge computes it.
    ChangeHash, 32, "a change hash (64 hexadecimal digits)"
);

impl From<&automerge::ChangeHash> for ChangeHash {
    fn from(hash: &automerge::ChangeHash) -> Self {
        Self(hash.0)
    }
}

impl From<&ChangeHash> for automerge::ChangeHash {
    fn from(hash: &ChangeHash) -> Self {
        automerge::ChangeHash(hash.0)
    }
}

impl From<&ActorId> for automerge::ActorId {
    fn from(actor: &ActorId) -> Self {
        automerge::ActorId::from(actor.0)
    }
}

/// Which of a household's documents. The document is the unit of access.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum DocKind {
    /// Who lives where: residence, contact, consent, persons, moves, needs.
    Core,
    /// Visits and health facts; a school clerk's tablet never receives it.
    Health,
}

impl DocKind {
    /// Every kind there is.
    pub const ALL: [Self; 2] = [Self::Core, Self::Health];

    /// The number that stands for it in digests, signatures and stored rows.
    pub const fn code(self) -> u8 {
        match self {
            Self::Core => 1,
            Self::Health => 2,
        }
    }

    /// The kind with this number.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }

    /// The name used on the wire and in text.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Core => "core",
            Self::Health => "health",
        }
    }
}

impl fmt::Display for DocKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One document: a household and a kind. Seventeen bytes: the household's sixteen, then the kind's code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DocumentId {
    /// The household it belongs to.
    pub household: HouseholdId,
    /// Which of its documents.
    pub kind: DocKind,
}

impl DocumentId {
    /// The document of this household and kind.
    pub const fn new(household: HouseholdId, kind: DocKind) -> Self {
        Self { household, kind }
    }

    /// The seventeen bytes.
    pub fn to_bytes(self) -> [u8; 17] {
        let mut bytes = [0; 17];
        bytes[..16].copy_from_slice(self.household.as_bytes());
        bytes[16] = self.kind.code();
        bytes
    }

    /// Reads seventeen bytes.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        let (household, kind) = bytes.split_at_checked(16)?;
        let [code] = kind else { return None };
        Some(Self {
            household: HouseholdId::from_slice(household)?,
            kind: DocKind::from_code(*code)?,
        })
    }
}

impl fmt::Display for DocumentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.household, self.kind)
    }
}

impl Serialize for DocumentId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            serializer.serialize_bytes(&self.to_bytes())
        }
    }
}

impl<'de> Deserialize<'de> for DocumentId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
            let wrong =
                || de::Error::custom("a document is written HOUSEHOLD/core or HOUSEHOLD/health");
            let (household, kind) = text.split_once('/').ok_or_else(wrong)?;
            let kind = DocKind::ALL
                .into_iter()
                .find(|k| k.name() == kind)
                .ok_or_else(wrong)?;
            Ok(Self {
                household: household.parse().map_err(de::Error::custom)?,
                kind,
            })
        } else {
            let bytes: [u8; 17] = fixed_bytes(deserializer)?;
            Self::from_slice(&bytes).ok_or_else(|| de::Error::custom("an unknown kind of document"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_version_7_uuid_of_its_time() {
        let id = HouseholdId::new(Timestamp::from_millis(0x0199_0000_0001), [0xff; 10]);
        assert_eq!(id.to_string(), "01990000-0001-7fff-bfff-ffffffffffff");
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn text_that_is_no_id_is_refused_with_what_was_expected() {
        let error = "abc".parse::<PersonId>().unwrap_err();
        assert!(error.to_string().contains("8-4-4-4-12"));
        assert!("é".repeat(16).parse::<ActorId>().is_err());
    }

    #[test]
    fn a_document_id_is_seventeen_bytes() {
        let id = DocumentId::new(HouseholdId::from_bytes([7; 16]), DocKind::Health);
        assert_eq!(id.to_bytes()[16], 2);
        assert_eq!(DocumentId::from_slice(&id.to_bytes()), Some(id));
        assert_eq!(DocumentId::from_slice(&[7; 16]), None);
        let mut unknown = id.to_bytes();
        unknown[16] = 9;
        assert_eq!(DocumentId::from_slice(&unknown), None);
    }
}
