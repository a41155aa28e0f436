//! The one reader of the clock and of the random source. Everything else is given the time and
//! random bytes as arguments, or a [`Clock`] to ask, so that it can be replayed.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use sojourn_sync_protocol::Timestamp;

/// Milliseconds to add to the clock, for rehearsals and tests of another day.
pub const CLOCK_SHIFT_VARIABLE: &str = "SOJOURN_CLOCK_SHIFT_MS";

/// Where a server has its time and its random bytes from.
pub trait Source: fmt::Debug + Send + Sync {
    /// The time.
    fn now(&self) -> Timestamp;
    /// Fills `bytes` with random bytes.
    fn fill(&self, bytes: &mut [u8]);
}

/// This machine.
#[derive(Debug, Clone, Copy)]
struct Machine;

impl Source for Machine {
    fn now(&self) -> Timestamp {
        now()
    }

    fn fill(&self, bytes: &mut [u8]) {
        fill(bytes);
    }
}

/// A source, shared by all of one server's requests.
#[derive(Debug, Clone)]
pub struct Clock(Arc<dyn Source>);

impl Clock {
    /// This machine's clock and random source.
    pub fn system() -> Self {
        Clock(Arc::new(Machine))
    }

    /// Another source, for a world that is played from a seed.
    pub fn new(source: impl Source + 'static) -> Self {
        Clock(Arc::new(source))
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        self.0.now()
    }

    /// Random bytes.
    pub fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.fill(&mut bytes);
        bytes
    }
}

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
    fill(&mut bytes);
    bytes
}

fn fill(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("the operating system has a random source");
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
