//! The one reader of the clock and of the random source. Everything else is given the time and
//! random bytes as arguments, so that it can be replayed.

use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use sojourn_sync_protocol::Timestamp;

/// Milliseconds to add to the clock, for rehearsals and tests of another day.
pub const CLOCK_SHIFT_VARIABLE: &str = "SOJOURN_CLOCK_SHIFT_MS";

/// The time by this machine's clock.
pub fn now() -> Timestamp {
    let millis = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|since| i64::try_from(since.as_millis()).ok())
        .unwrap_or(0);
    Timestamp::from_millis(millis).plus_millis(shift())
}

/// The shift asked for, read once and told in the log: a server on another day must not go unnoticed.
fn shift() -> i64 {
    static SHIFT: OnceLock<i64> = OnceLock::new();
    *SHIFT.get_or_init(|| {
        let asked = std::env::var(CLOCK_SHIFT_VARIABLE).ok();
        let shift = asked.and_then(|text| text.trim().parse().ok()).unwrap_or(0);
        if shift != 0 {
            tracing::warn!(shift, "the clock is shifted by {CLOCK_SHIFT_VARIABLE}");
        }
        shift
    })
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
