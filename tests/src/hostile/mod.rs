//! Bytes that no program of ours would make: changes, saved documents and frames that are taken apart, spoilt in their
//! structure, and put together again with right lengths and checksums; and the villages that they are handed in to.
//!
//! What spoils is pure: the same seed and the same bytes give the same mutant. It knows the formats and nothing of who reads
//! them, and shares no code with the readers, so that a mistake there is not repeated here.

pub mod change;
mod chunk;
mod columns;
pub mod dice;
pub mod frame;
pub mod inbox;
pub mod ingest;
mod panics;
mod samples;
pub mod saved;
mod tally;
pub mod targets;
mod village;
mod worlds;

pub use dice::Dice;
pub use panics::{end_at_our_panics, hush_the_library};
pub use tally::{Tally, peak_mib};
