//! A world of tablets and one server in one process, under one seed: the real client-core, the real router over the
//! real store, function calls for a network, one clock for all.
//!
//! A run is a list of [`Op`]s. The same seed and list give the same run, so a failure replays, shrinks to a short list,
//! and is pinned by printing it. Every machine has a disk of its own that fails on command.

mod aside;
mod calm;
mod damage;
mod deeds;
mod door;
mod draw;
mod folders;
mod frames;
mod handovers;
mod joining;
mod kinds;
mod layout;
mod ledger;
mod machine;
mod network;
mod op;
mod privacy;
mod rest;
mod reviews;
mod run;
mod stranger;
mod time;
mod twins;
mod walk;
mod watch;
mod world;

pub use kinds::KINDS;
pub use layout::{Layout, Post};
pub use op::{Fault, Op};
pub use run::{Failure, Figures, pinned, play, play_quietly, shrink};
pub use sojourn_disk::{Call, Effect, Plan};
pub use walk::{Side, walk};
