//! The tablet's engine: an encrypted store of household documents, edits made offline, an outbox, local
//! search and history, and the session with the server.
//!
//! [`Tablet`] is the door. An edit writes document, outbox and what people read in one transaction; listing and
//! searching never load a document; at most [`cache::DOCUMENTS_LOADED_MAX`] documents are in memory at once. What is
//! not here: screens, and any decision about the household record, which is `sojourn_sync_protocol`'s.

mod again;
pub mod areas;
mod arrivals;
pub mod bindings;
pub mod cache;
pub mod clock;
pub mod documents;
pub mod duplicates;
pub mod edits;
pub mod enrol;
pub mod error;
pub mod held;
pub mod history;
pub mod identity;
pub mod outbox;
mod parallel;
pub mod projection;
pub mod search;
mod settle;
pub mod store;
pub mod sync;
mod tablet;
mod work;

#[cfg(test)]
mod fork_tests;
#[cfg(test)]
mod projection_tests;
#[cfg(test)]
mod salvage_tests;
#[cfg(test)]
mod settle_tests;
#[cfg(test)]
mod testing;

pub use error::Error;
pub use tablet::{Found, Opened, Status, Tablet};
pub use work::Work;
