//! Where a tablet's database is kept, and what can be done there that is not SQL: taking the place for oneself, small files beside
//! the database, how many connections there may be, and what becomes of a damaged database. Both kinds of place have the same
//! functions, and nothing else of the store knows which it is.

#[cfg(target_family = "wasm")]
mod browser;
#[cfg(not(target_family = "wasm"))]
mod native;

#[cfg(target_family = "wasm")]
pub(crate) use browser::*;
#[cfg(not(target_family = "wasm"))]
pub(crate) use native::*;
