//! One-time codes: 12 characters that somebody reads aloud or types. A store keeps a hash of one, never the code.
//!
//! Knows nothing of what a code is good for, or for how long.

use sha2::{Digest as _, Sha256};

/// Crockford's base 32: no I, L, O or U to mistake.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const CODE_CHARS: usize = 12;
const HANDLE_CHARS: usize = 4;

/// A one-time code, in the clear: it exists only to be shown once.
#[derive(Clone, PartialEq, Eq)]
pub struct Code([u8; CODE_CHARS]);

impl Code {
    /// Makes a code of 60 random bits.
    pub(crate) fn from_random(random: [u8; 8]) -> Self {
        let mut bits = u64::from_le_bytes(random);
        Code(std::array::from_fn(|_| {
            let digit = ALPHABET[(bits & 31) as usize];
            bits >>= 5;
            digit
        }))
    }

    /// Reads what somebody typed: any case, spaces and hyphens anywhere, `O` for `0`, `I` or `L` for `1`.
    pub(crate) fn read(typed: &str) -> Option<Self> {
        let mut chars = [0; CODE_CHARS];
        let mut filled = 0;
        for byte in typed.bytes().filter(|byte| !matches!(byte, b' ' | b'-')) {
            let digit = match byte.to_ascii_uppercase() {
                b'O' => b'0',
                b'I' | b'L' => b'1',
                other => other,
            };
            if filled == CODE_CHARS || !ALPHABET.contains(&digit) {
                return None;
            }
            chars[filled] = digit;
            filled += 1;
        }
        (filled == CODE_CHARS).then_some(Code(chars))
    }

    /// The twelve characters.
    ///
    /// # Panics
    /// Never: the alphabet is ASCII.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("the alphabet is ASCII")
    }

    /// The characters in groups of four, as they are shown.
    pub fn grouped(&self) -> String {
        let text = self.as_str();
        format!("{}-{}-{}", &text[..4], &text[4..8], &text[8..])
    }

    /// The characters by which a code is found; the other eight (40 bits) prove it.
    pub(crate) fn handle(&self) -> &str {
        &self.as_str()[..HANDLE_CHARS]
    }

    /// What is kept of a code that is good for one purpose.
    pub(crate) fn hash(&self, purpose: &str) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(purpose);
        hash.update(b"\0");
        hash.update(self.0);
        hash.finalize().into()
    }
}

impl std::fmt::Debug for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Code(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_as_people_type_it() {
        let code = Code(*b"01ABCDEFGHJK");
        assert_eq!(code.grouped(), "01AB-CDEF-GHJK");
        for typed in [
            "01ab-cdef-ghjk",
            "oLabcdefghjk",
            " 0 i A B C D E F G H J K ",
        ] {
            assert_eq!(Code::read(typed), Some(code.clone()), "{typed}");
        }
        for typed in [
            "",
            "01AB-CDEF-GHJ",
            "01AB-CDEF-GHJKM",
            "01AB-CDEF-GHJU",
            "一二三四",
        ] {
            assert_eq!(Code::read(typed), None, "{typed}");
        }
    }

    #[test]
    fn what_is_kept_of_a_code_is_good_for_one_purpose() {
        let code = Code(*b"01ABCDEFGHJK");
        assert_ne!(code.hash("enrolment"), code.hash("first sign-in"));
    }
}
