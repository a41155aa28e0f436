//! The central register: ingest, merge, a store keyed by residence, and feeds, behind HTTP.

pub mod areas;
pub mod clock;
pub mod config;
pub mod demo;
pub mod devices;
pub mod faults;
pub mod live;
pub mod proof;
pub mod staff;
pub mod store;
pub mod token;
