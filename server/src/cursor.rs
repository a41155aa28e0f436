//! Where the next page of a list begins, as text that means nothing to whoever carries it back.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A place in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor<T>(pub T);

impl<T: Serialize> Serialize for Cursor<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let place = serde_json::to_vec(&self.0).map_err(serde::ser::Error::custom)?;
        to.serialize_str(&BASE64URL.encode(place))
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Cursor<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let place = BASE64URL.decode(text).ok();
        let place = place.and_then(|place| serde_json::from_slice(&place).ok());
        place
            .map(Cursor)
            .ok_or_else(|| D::Error::custom("not a place in this list"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_comes_back_as_it_was() {
        let place = Cursor((7, "甲".to_owned()));
        let text = serde_json::to_string(&place).unwrap();
        assert!(text.bytes().all(|byte| byte.is_ascii_graphic()), "{text}");
        let back: Cursor<(i32, String)> = serde_json::from_str(&text).unwrap();
        assert_eq!(back, place);
        for wrong in ["\"\"", "\"é\"", "\"bm8\"", "7"] {
            assert!(serde_json::from_str::<Cursor<(i32, String)>>(wrong).is_err());
        }
    }
}
