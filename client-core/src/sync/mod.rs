//! Carrying edits to the server and bringing back what the tablet lacks.
//!
//! `session` decides what comes next, `outgoing` makes the request, `incoming` commits an answer, `verify`
//! finds what differs, `call` speaks the protocol over a `transport`, and `driver` joins them to the store.
//! Stopping at any point loses nothing.

pub mod call;
pub mod driver;
pub mod incoming;
pub mod live;
pub mod outgoing;
#[cfg(test)]
pub(crate) mod register;
pub mod session;
pub mod transport;
pub mod verify;
