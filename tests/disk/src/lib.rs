//! A disk below SQLite that fails on command.
//!
//! [`install`] makes a VFS of ours the one that SQLite uses for every file of this process. Files lie where they always
//! did, so programs need not know. For a folder that is a [`Disk`] it also keeps what of each file is durable: what was
//! written before the last sync of that file. So a program can be killed at any write, power can be lost (what was not
//! synced is dropped, kept in part, or torn at sectors), a call can be answered with an error, and a bit can be turned.
//!
//! Files that a program writes past SQLite are left as they are: what they survive is not tried here. Renames count as
//! durable at once. Knows no table and no program of ours.

mod disk;
mod file;
mod plan;
#[cfg(test)]
mod tests;
mod vfs;

pub use disk::{Counts, Disk};
pub use plan::{Call, Effect, Plan};
pub use vfs::install;
