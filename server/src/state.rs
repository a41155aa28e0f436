//! What every request shares: the store, the keys, the hints, and the bounds. Decides nothing.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Bytes;
use metrics_exporter_prometheus::PrometheusHandle;
use sojourn_sync_protocol::Timestamp;
use tokio::sync::{Semaphore, watch};

use crate::accounts::sessions::Gate;
use crate::clock::Clock;
use crate::config::{Config, Limits};
use crate::live::Live;
use crate::pages::preparer::Preparing;
use crate::proof::{Origins, Seen};
use crate::store::{Store, StoreError};
use crate::token::Tokens;

/// Wrong enrolment codes, over all tablets, after which further tries wait for the next minute.
const WRONG_CODES_PER_MINUTE: u32 = 60;
const MINUTE_MS: i64 = 60_000;

/// What every request shares.
#[derive(Debug)]
pub struct AppState {
    /// The time and random bytes.
    pub clock: Clock,
    /// The database.
    pub store: Store,
    /// Signs and checks access tokens.
    pub tokens: Tokens,
    /// Proofs of possession seen lately.
    pub seen: Seen,
    /// Where commits are announced to open event streams.
    pub live: Live,
    /// The addresses for which a proof may have been made.
    pub origins: Origins,
    /// Bounds on what is served at once.
    pub limits: Limits,
    /// Pages to prepare ahead.
    pub preparing: Preparing,
    /// Wrong enrolment codes lately.
    pub wrong_codes: WrongCodes,
    /// Where people sign in to the console.
    pub gate: Gate,
    /// The areas frame, encoded once for each version of the tree.
    pub(crate) areas_frame: Mutex<Option<(u64, Bytes)>>,
    /// Requests worked on at once.
    pub(crate) turns: Semaphore,
    /// Event streams open at once.
    pub(crate) streams: Arc<Semaphore>,
    /// Becomes true when the server is told to stop.
    pub(crate) stopping: watch::Sender<bool>,
    pub(crate) metrics: PrometheusHandle,
}

/// Why the server cannot start on a data folder.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The signing key or the listening socket.
    #[error("{what}: {error}")]
    Io {
        /// What was being opened.
        what: &'static str,
        /// What the system said.
        error: std::io::Error,
    },
}

impl AppState {
    /// Opens the data folder, by this machine's clock.
    pub fn open(dir: &Path, config: &Config) -> Result<Arc<Self>, StartError> {
        Self::open_with(dir, config, Clock::system())
    }

    /// Opens the data folder, by another clock.
    pub fn open_with(dir: &Path, config: &Config, clock: Clock) -> Result<Arc<Self>, StartError> {
        let store = Store::open_with(dir, config.store_options())?;
        let tokens = Tokens::open(dir, clock.random()).map_err(|error| StartError::Io {
            what: "the signing key",
            error,
        })?;
        Ok(Arc::new(AppState {
            clock,
            store,
            tokens,
            seen: Seen::default(),
            live: Live::default(),
            origins: config.origins(),
            limits: config.limits.clone(),
            preparing: Preparing::new(config.pages.quiet()),
            wrong_codes: WrongCodes::default(),
            gate: Gate::default(),
            areas_frame: Mutex::new(None),
            turns: Semaphore::new(config.limits.requests),
            streams: Arc::new(Semaphore::new(config.limits.live_streams)),
            stopping: watch::Sender::new(false),
            metrics: crate::measure::handle(),
        }))
    }
}

/// Counts wrong enrolment codes, so that nobody can try many.
#[derive(Debug, Default)]
pub struct WrongCodes(Mutex<(Timestamp, u32)>);

impl WrongCodes {
    /// Milliseconds to wait before another code may be tried; `None` when it may be now.
    pub fn wait_ms(&self, now: Timestamp) -> Option<u64> {
        let (since, count) = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let left = MINUTE_MS - now.since(since);
        (count >= WRONG_CODES_PER_MINUTE && left > 0).then(|| u64::try_from(left).unwrap_or(0))
    }

    /// Counts one.
    pub fn add(&self, now: Timestamp) {
        let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if now.since(window.0) >= MINUTE_MS {
            *window = (now, 0);
        }
        window.1 = window.1.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_wrong_codes_make_everybody_wait_a_minute() {
        let wrong = WrongCodes::default();
        let now = Timestamp::from_millis(1_790_000_000_000);
        for _ in 0..WRONG_CODES_PER_MINUTE {
            assert_eq!(wrong.wait_ms(now), None);
            wrong.add(now);
        }
        assert_eq!(wrong.wait_ms(now.plus_millis(1000)), Some(59_000));
        assert_eq!(wrong.wait_ms(now.plus_millis(MINUTE_MS)), None);
    }
}
