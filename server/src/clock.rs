//! The one reader of the clock and of the random source. Everything else is given the time and
//! random bytes as arguments, so that it can be replayed.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use sojourn_sync_protocol::Timestamp;

/// The time by this machine's clock.
pub fn now() -> Timestamp {
    let millis = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|since| i64::try_from(since.as_millis()).ok())
        .unwrap_or(0);
    Timestamp::from_millis(millis)
}

/// Random bytes from the operating system.
///
/// # Panics
/// When the operating system has no random source: no key made after that could be trusted.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system has a random source");
    bytes
}

/// Measures how long something took, for metrics; never for decisions about data.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts now.
    pub fn start() -> Self {
        Stopwatch(Instant::now())
    }

    /// Time since the start.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}
