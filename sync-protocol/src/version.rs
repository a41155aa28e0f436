//! Versions, and what a side does on meeting another one.

/// The protocol this crate speaks: the first byte of every frame.
pub const PROTOCOL_VERSION: u8 = 1;
/// The oldest protocol this crate still understands.
pub const PROTOCOL_VERSION_MIN: u8 = 1;
/// The schema of the household record that this crate writes.
pub const SCHEMA_VERSION: u32 = crate::record::SCHEMA_VERSION as u32;
