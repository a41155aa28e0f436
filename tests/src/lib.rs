//! What tests, benches and the demo share: generated families, the two programs, a link that fails.
//!
//! The tests themselves are in `tests/tests`, the programs in `src/bin`.

pub mod account;
mod body;
pub mod day;
pub mod family;
pub mod files;
pub mod generate;
pub mod hostile;
pub mod linkage;
pub mod mutants;
mod names;
pub mod numbers;
pub mod processes;
pub mod proxy;
pub mod simulation;
pub mod waiting;
pub mod workday;
