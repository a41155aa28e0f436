//! The central register: ingest, merge, a store keyed by residence, and feeds, behind HTTP.

pub mod clock;
pub mod store;
