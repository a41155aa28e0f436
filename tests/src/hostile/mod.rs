//! Bytes that no program of ours would make, for tests of what reads them: changes, saved documents and frames
//! that are taken apart, spoilt in their structure, and put together again with right lengths and checksums.
//!
//! Pure: the same seed and the same bytes give the same mutant. Knows the formats and nothing of who reads them;
//! shares no code with the readers, so that a mistake there is not repeated here.

pub mod change;
mod chunk;
mod columns;
pub mod dice;
pub mod frame;
pub mod saved;

pub use dice::Dice;
