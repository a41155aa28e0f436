//! Areas: opaque codes in a tree. A parent is what the parent column says, never a prefix of the code.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{borrow::Borrow, fmt, str::FromStr, sync::Arc};

use crate::limits::AREA_CODE_BYTES_MAX;

/// The code of an area: 1 to 32 characters of `0-9 A-Z a-z . _ -`, with no meaning inside.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AreaCode(Arc<str>);

/// Text that cannot be an area code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an area code is 1 to 32 characters of 0-9, A-Z, a-z, dot, underscore and hyphen")]
pub struct ParseAreaError;

impl AreaCode {
    /// The code as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for AreaCode {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AreaCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for AreaCode {
    type Err = ParseAreaError;
    fn from_str(text: &str) -> Result<Self, ParseAreaError> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        if text.is_empty() || text.len() > AREA_CODE_BYTES_MAX || !text.bytes().all(allowed) {
            return Err(ParseAreaError);
        }
        Ok(Self(text.into()))
    }
}

impl Serialize for AreaCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for AreaCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// One area of the tree, as tablets hold it to name places and to offer where a family can move.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Area {
    /// Its code.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub code: AreaCode,
    /// The area it lies in; `None` at the top.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub parent: Option<AreaCode>,
    /// What sort of area: `province`, `city`, `county`, `town`, `village` in the tree shipped with the demo.
    pub level: String,
    /// Its name, as people say it.
    pub name: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_opaque_but_not_anything() {
        assert_eq!(
            "370281001001".parse::<AreaCode>().unwrap().as_str(),
            "370281001001"
        );
        for text in ["", "a b", "村", "a/b", &"9".repeat(33)] {
            assert!(text.parse::<AreaCode>().is_err(), "{text}");
        }
    }
}
