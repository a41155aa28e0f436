//! Draws for one mutant, all of them from its seed.

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

/// Numbers at which readers of lengths and counts go wrong.
const EDGES: [u64; 18] = [
    0,
    1,
    2,
    0x3f,
    0x40,
    0x7f,
    0x80,
    0xff,
    4096,
    200_000,
    0x7fff_ffff,
    0xffff_fffe,
    0xffff_ffff,
    0x1_0000_0000,
    1 << 53,
    (1 << 63) - 1,
    1 << 63,
    u64::MAX,
];

/// A source of draws.
#[derive(Debug, Clone)]
pub struct Dice(Pcg64Mcg);

impl Dice {
    /// The draws of this seed.
    pub fn new(seed: u64) -> Self {
        Self(Pcg64Mcg::seed_from_u64(seed))
    }

    /// A number below a bound; 0 when there is none below it.
    pub fn below(&mut self, bound: usize) -> usize {
        if bound == 0 {
            return 0;
        }
        self.0.random_range(0..bound)
    }

    /// True once in so many times.
    pub fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// Any byte, those at edges more often.
    pub fn byte(&mut self) -> u8 {
        const EDGES: [u8; 7] = [0, 1, 0x3f, 0x40, 0x7f, 0x80, 0xff];
        if self.one_in(3) {
            EDGES[self.below(EDGES.len())]
        } else {
            self.0.random()
        }
    }

    /// So many random bytes.
    pub fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.0.random()).collect()
    }

    /// A number at an edge, or beside `near`.
    pub fn number(&mut self, near: u64) -> u64 {
        match self.below(4) {
            0 => near.wrapping_add(1),
            1 => near.wrapping_sub(1),
            2 => self.0.random(),
            _ => EDGES[self.below(EDGES.len())],
        }
    }

    /// One of some things; `None` of nothing.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        of.get(self.below(of.len()))
    }

    /// Spoils bytes without knowing what they mean.
    pub fn spoil(&mut self, bytes: &mut Vec<u8>) {
        let at = self.below(bytes.len());
        match self.below(8) {
            0 => bytes.truncate(at),
            1 => {
                let many = 1 + self.below(8);
                let more = self.bytes(many);
                bytes.splice(at..at, more);
            }
            2 => {
                let end = bytes.len().min(at + 1 + self.below(8));
                bytes.drain(at..end);
            }
            3 => {
                let end = bytes.len().min(at + 1 + self.below(16));
                let again = bytes[at..end].to_vec();
                bytes.splice(at..at, again);
            }
            _ if bytes.is_empty() => bytes.push(self.byte()),
            4 => bytes[at] ^= 1 << self.below(8),
            5 => bytes[at] = bytes[at].wrapping_add(1),
            _ => bytes[at] = self.byte(),
        }
    }
}
