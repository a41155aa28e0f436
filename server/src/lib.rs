//! The central register: ingest, merge, a store keyed by residence, and feeds, behind HTTP.

pub mod accounts;
pub mod api;
pub mod areas;
pub mod audit;
pub mod check;
pub mod cli;
pub mod clock;
pub(crate) mod code;
pub mod config;
pub(crate) mod connections;
pub mod console;
pub(crate) mod cursor;
pub mod demo;
pub mod desk;
pub mod devices;
pub(crate) mod digests;
pub(crate) mod documents;
pub(crate) mod duplicates;
pub mod exchange;
pub mod export;
pub mod faults;
pub(crate) mod feed;
pub mod handover;
pub(crate) mod ingest;
pub mod live;
pub mod measure;
pub mod office;
pub(crate) mod pages;
pub(crate) mod projection;
pub mod proof;
pub(crate) mod residence;
pub mod review;
pub mod search;
pub mod serve;
pub mod staff;
pub mod state;
pub mod store;
pub mod token;
pub(crate) mod web;

#[cfg(test)]
mod rehearsal;
