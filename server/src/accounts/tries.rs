//! Wrong passwords and codes, counted by the name that was tried, whether there is such an account or not. After a few, the name
//! has to wait, longer each time. Forgotten when the process ends: a slow hash stands behind it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use sojourn_sync_protocol::Timestamp;

/// Wrong tries that cost nothing.
const FREE: u32 = 5;
/// The first wait, milliseconds; it doubles with every further try.
const WAIT_MS: i64 = 30_000;
/// The longest wait, milliseconds.
const WAIT_MS_MAX: i64 = 15 * 60 * 1000;
/// After so long without a wrong try all is forgotten, milliseconds.
const FORGET_MS: i64 = 60 * 60 * 1000;
/// Names counted at once; past that everybody new waits.
const NAMES_MAX: usize = 10_000;

/// Counts them.
#[derive(Debug, Default)]
pub struct Tries(Mutex<HashMap<String, Wrong>>);

#[derive(Debug, Clone, Copy)]
struct Wrong {
    count: u32,
    last: Timestamp,
}

impl Wrong {
    fn wait_ms(self, now: Timestamp) -> i64 {
        let over = self.count.saturating_sub(FREE);
        if over == 0 {
            return 0;
        }
        let wait = WAIT_MS
            .saturating_mul(1 << (over - 1).min(16))
            .min(WAIT_MS_MAX);
        // A clock that was put back must not make anybody wait for longer.
        (wait - now.since(self.last).max(0)).max(0)
    }
}

impl Tries {
    /// Milliseconds for which this name may not be tried; zero when it may be now.
    pub fn wait_ms(&self, name: &str, now: Timestamp) -> u64 {
        let names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = match names.get(name) {
            Some(wrong) => wrong.wait_ms(now),
            None if names.len() >= NAMES_MAX => WAIT_MS,
            None => 0,
        };
        wait.unsigned_abs()
    }

    /// Counts a wrong try.
    pub fn wrong(&self, name: &str, now: Timestamp) {
        let mut names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        names.retain(|_, wrong| now.since(wrong.last) < FORGET_MS);
        if names.len() >= NAMES_MAX && !names.contains_key(name) {
            return;
        }
        let wrong = names.entry(name.to_owned()).or_insert(Wrong {
            count: 0,
            last: now,
        });
        *wrong = Wrong {
            count: wrong.count.saturating_add(1),
            last: now,
        };
    }

    /// Forgets the wrong tries of a name: its owner has come.
    pub fn right(&self, name: &str) {
        let mut names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        names.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_tries_of_a_name_cost_more_and_more_time() {
        let tries = Tries::default();
        let now = Timestamp::from_millis(1_790_000_000_000);
        let waits: Vec<u64> = (0..12)
            .map(|_| {
                tries.wrong("a", now);
                tries.wait_ms("a", now) / 1000
            })
            .collect();
        assert_eq!(waits, [0, 0, 0, 0, 0, 30, 60, 120, 240, 480, 900, 900]);
        assert_eq!(tries.wait_ms("b", now), 0);
        assert_eq!(tries.wait_ms("a", now.plus_millis(WAIT_MS_MAX)), 0);
        tries.right("a");
        assert_eq!(tries.wait_ms("a", now), 0);
    }

    #[test]
    fn names_are_counted_within_a_bound_and_forgotten_in_time() {
        let tries = Tries::default();
        let now = Timestamp::from_millis(1_790_000_000_000);
        for n in 0..NAMES_MAX {
            tries.wrong(&n.to_string(), now);
        }
        assert_eq!(tries.wait_ms("new", now), WAIT_MS.unsigned_abs());
        tries.wrong("new", now.plus_millis(FORGET_MS));
        assert_eq!(tries.wait_ms("another", now.plus_millis(FORGET_MS)), 0);
    }
}
