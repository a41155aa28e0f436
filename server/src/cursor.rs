//! Pages of a list: which part of it is one, and where the next begins, as text that means nothing to whoever carries it back.

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

/// The part of a sorted list that follows a place, at most so many; and where the next begins, unless that was the last.
pub(crate) fn cut<T, P: Ord>(
    mut sorted: Vec<T>,
    after: Option<&P>,
    most: usize,
    place: impl Fn(&T) -> P,
) -> (Vec<T>, Option<P>) {
    let from = after.map_or(0, |after| {
        sorted.partition_point(|one| place(one) <= *after)
    });
    let mut part = sorted.split_off(from);
    let more = part.len() > most;
    part.truncate(most);
    let next = part.last().filter(|_| more).map(place);
    (part, next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_together_are_the_list() {
        let all: Vec<u8> = (0..7).collect();
        let (mut read, mut after) = (Vec::new(), None);
        loop {
            let (part, next) = cut(all.clone(), after.as_ref(), 3, |one| *one);
            read.extend(part);
            after = next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(read, all);
        assert_eq!(cut(all, Some(&6), 3, |one| *one), (Vec::new(), None));
    }

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
