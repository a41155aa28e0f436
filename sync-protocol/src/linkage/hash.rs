//! A 64-bit hash that is the same on every platform and in every release: FNV-1a with a closing mix.
//!
//! For blocking keys and counted terms alone. Two values of one hash make a candidate too many, never a match; it keeps no
//! secret and withstands no attacker, whose gain is bounded by the size of a block.

/// Hashes pieces, each closed so that ("ab", "c") and ("a", "bc") are apart.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hasher64(u64);

impl Hasher64 {
    pub(crate) const fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    /// One piece.
    pub(crate) fn bytes(mut self, piece: &[u8]) -> Self {
        for byte in piece {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        self.0 = (self.0 ^ 0xff).wrapping_mul(0x0000_0100_0000_01b3);
        self
    }

    /// A number.
    pub(crate) fn number(self, number: u64) -> Self {
        self.bytes(&number.to_be_bytes())
    }

    /// The hash.
    pub(crate) const fn end(self) -> u64 {
        // Low bits of FNV hardly depend on the last byte; the multiplication and shift of splitmix64 spread them.
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed ^ (mixed >> 27)
    }
}
