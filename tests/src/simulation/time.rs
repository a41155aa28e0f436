//! The world's one clock, and the random sources that come from its seed.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicI64, Ordering},
};

use sojourn_client_core::{
    clock::{Random, SeededRandom},
    sync::driver,
};
use sojourn_server::clock::Source;
use sojourn_sync_protocol::Timestamp;

/// When every world begins.
const BEGIN_MS: i64 = 1_795_000_000_000;

/// The time, as it is.
#[derive(Debug, Clone)]
pub(super) struct Hour(Arc<AtomicI64>);

impl Hour {
    pub(super) fn begin() -> Self {
        Self(Arc::new(AtomicI64::new(BEGIN_MS)))
    }

    pub(super) fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed))
    }

    pub(super) fn pass(&self, millis: i64) {
        self.0.fetch_add(millis.max(0), Ordering::Relaxed);
    }
}

/// The server's clock is right. Its random source goes on when it is restarted.
#[derive(Debug)]
pub(super) struct ServerSource {
    pub(super) hour: Hour,
    pub(super) random: Mutex<SeededRandom>,
}

impl Source for ServerSource {
    fn now(&self) -> Timestamp {
        self.hour.now()
    }

    fn fill(&self, bytes: &mut [u8]) {
        self.random
            .lock()
            .expect("no holder of this lock panics")
            .fill(bytes);
    }
}

/// A tablet's clock, which may be wrong.
#[derive(Debug, Clone)]
pub(super) struct TabletClock {
    pub(super) hour: Hour,
    pub(super) wrong_by_ms: i64,
}

impl driver::Clock for TabletClock {
    fn now(&self) -> Timestamp {
        self.hour.now().plus_millis(self.wrong_by_ms)
    }

    async fn wait_until(&self, moment: Timestamp) {
        self.hour.pass(moment.since(driver::Clock::now(self)));
    }
}
