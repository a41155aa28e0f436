//! The central register: ingest, merge, a store keyed by residence, and feeds, behind HTTP.

pub mod areas;
pub mod clock;
pub mod config;
pub mod demo;
pub mod devices;
pub(crate) mod digests;
pub(crate) mod documents;
pub mod exchange;
pub mod faults;
pub(crate) mod feed;
pub(crate) mod ingest;
pub mod live;
pub(crate) mod projection;
pub mod proof;
pub(crate) mod residence;
pub mod review;
pub mod staff;
pub mod store;
pub mod token;
