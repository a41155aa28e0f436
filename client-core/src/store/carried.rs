//! What a salvage of a damaged database carried over, and what it leaves for the engine to do. Knows nothing of how it is done: where
//! the database is kept decides that, see `place`.

use std::path::PathBuf;

/// In `store_state`: the tables that can be computed again are empty and have to be.
pub(crate) const REBUILD: &str = "rebuild";
/// In `store_state`: rows were lost, so what the server has must be fetched again from the start.
pub(crate) const REFETCH: &str = "refetch";

/// What was carried over from a corrupt database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Salvage {
    /// Where the damaged file is kept.
    pub aside: PathBuf,
    /// Every kept table, in the order it was read.
    pub tables: Vec<SalvagedTable>,
}

/// One table of a corrupt database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SalvagedTable {
    /// Its name.
    pub name: &'static str,
    /// Rows read.
    pub rows: u64,
    /// Whether every page of it (or of its twin) could be read.
    pub whole: bool,
}

impl Salvage {
    /// Whether every row of the kept tables was read.
    pub fn is_whole(&self) -> bool {
        self.tables.iter().all(|table| table.whole)
    }
}
