//! The card of a household: a short code that a family carries, by which an area that does not hold its record can say that the family
//! stands at its door. Made from the record alone, so that every copy makes the same; it names nobody.
//!
//! Contract: whoever lacks the record's first change cannot make its card. Knows no document and nothing of what a card is good for.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use sha2::{Digest as _, Sha256};

use crate::HouseholdId;

/// Crockford's base 32: no I, L, O or U to mistake.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Characters, without the hyphens between groups.
const CHARS: usize = 24;
/// Characters of a group.
const GROUP: usize = 4;
/// Characters, with hyphens, that tell of nothing but the household's id.
const BEGINNING: usize = 14;
/// Bytes: of the household's id, of the proof, and one against slips of the pen.
const BYTES: usize = ID_BYTES + PROOF_BYTES + 1;
const ID_BYTES: usize = 8;
const PROOF_BYTES: usize = 6;

/// A card. Reading one says that nothing was mistyped, with one chance in 256; whether it is right, only the record says.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Card([u8; BYTES]);

/// Text that is no card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no card: a card is {CHARS} letters and digits")]
pub struct NotACard;

impl Card {
    /// The card of a household whose record begins with these bytes.
    pub fn of(household: HouseholdId, first_change: &[u8]) -> Self {
        let mut bytes = [0; BYTES];
        bytes[..ID_BYTES].copy_from_slice(&household.as_bytes()[..ID_BYTES]);
        let mut proof = Sha256::new();
        proof.update(b"sojourn card\0");
        proof.update(household.as_bytes());
        proof.update(first_change);
        let proof = proof.finalize();
        bytes[ID_BYTES..BYTES - 1].copy_from_slice(&proof[..PROOF_BYTES]);
        bytes[BYTES - 1] = check(&bytes[..BYTES - 1]);
        Self(bytes)
    }

    /// What every card of a household begins with, as it is stored.
    pub fn beginning(household: HouseholdId) -> String {
        let shown = Self::of(household, &[]).to_string();
        shown[..BEGINNING].to_owned()
    }

    /// The ids that a household with this card can have.
    pub fn households(&self) -> RangeInclusive<HouseholdId> {
        let [least, greatest] = [0, u8::MAX].map(|rest| {
            let mut id = [rest; 16];
            id[..ID_BYTES].copy_from_slice(&self.0[..ID_BYTES]);
            HouseholdId::from_bytes(id)
        });
        least..=greatest
    }
}

/// What a slip of the pen changes.
fn check(bytes: &[u8]) -> u8 {
    Sha256::digest(bytes)[0]
}

impl fmt::Display for Card {
    /// In groups of four, as it is shown and as it is stored.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self
            .0
            .iter()
            .fold(0_u128, |n, byte| n << 8 | u128::from(*byte));
        for at in 0..CHARS {
            if at > 0 && at % GROUP == 0 {
                f.write_str("-")?;
            }
            let digit = (number >> (5 * (CHARS - 1 - at))) & 31;
            let letter = ALPHABET[digit as usize];
            write!(f, "{}", char::from(letter))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Card {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Card(hidden)")
    }
}

impl FromStr for Card {
    type Err = NotACard;

    /// Reads what somebody typed: any case, spaces and hyphens anywhere, `O` for `0`, `I` or `L` for `1`.
    fn from_str(typed: &str) -> Result<Self, NotACard> {
        let (mut number, mut chars) = (0_u128, 0);
        for byte in typed.bytes().filter(|byte| !matches!(byte, b' ' | b'-')) {
            let letter = match byte.to_ascii_uppercase() {
                b'O' => b'0',
                b'I' | b'L' => b'1',
                other => other,
            };
            let digit = ALPHABET.iter().position(|known| *known == letter);
            let digit = digit.filter(|_| chars < CHARS).ok_or(NotACard)?;
            number = number << 5 | digit as u128;
            chars += 1;
        }
        let mut bytes = [0; BYTES];
        bytes.copy_from_slice(&number.to_be_bytes()[16 - BYTES..]);
        let whole = chars == CHARS && check(&bytes[..BYTES - 1]) == bytes[BYTES - 1];
        whole.then_some(Self(bytes)).ok_or(NotACard)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;

    fn household() -> HouseholdId {
        HouseholdId::new(Timestamp::from_millis(1_795_507_200_000), [7; 10])
    }

    #[test]
    fn a_card_is_the_same_for_ever_and_is_read_as_people_type_it() {
        let card = Card::of(household(), b"first");
        let shown = card.to_string();
        assert_eq!(shown, FROZEN);
        for typed in [
            shown.clone(),
            shown.to_lowercase().replace('-', " "),
            shown.replace('-', "").replace('0', "o").replace('1', "l"),
        ] {
            assert_eq!(typed.parse(), Ok(card), "{typed}");
        }
        assert!(card.households().contains(&household()));
        assert!(shown.starts_with(&Card::beginning(household())));
        assert_eq!(Card::beginning(household()), "06H0-S4D0-01VG");
    }

    /// Frozen: families carry it.
    const FROZEN: &str = "06H0-S4D0-01VG-ENAS-1EKM-GAFG";

    #[test]
    fn a_card_of_another_record_is_another_and_what_was_mistyped_is_none() {
        let card = Card::of(household(), b"first");
        assert_ne!(card, Card::of(household(), b"other"));
        let shown = card.to_string();
        let mut wrong = 0;
        for at in shown
            .char_indices()
            .filter(|(_, c)| *c != '-')
            .map(|(at, _)| at)
        {
            let mut typed = shown.clone().into_bytes();
            typed[at] = if typed[at] == b'7' { b'8' } else { b'7' };
            let typed = String::from_utf8(typed).unwrap();
            wrong += usize::from(typed.parse::<Card>().is_err());
        }
        assert!(wrong >= CHARS - 1, "one in 256 may pass: {wrong}");
        for typed in [
            "",
            "0",
            &shown[..shown.len() - 1],
            "一二三四",
            &format!("{shown}0"),
        ] {
            assert_eq!(typed.parse::<Card>(), Err(NotACard), "{typed}");
        }
    }
}
