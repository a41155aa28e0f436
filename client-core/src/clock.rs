//! The one reader of the clock and of the system's random source.
//!
//! Everything else takes the time as an argument and draws bytes from a [`Random`] it is given, so a
//! whole world of tablets can be played again from one seed.

use sojourn_sync_protocol::ids::ActorId;
use sojourn_sync_protocol::time::Timestamp;

/// A source of random bytes.
pub trait Random: Send {
    /// Fills `out` with random bytes.
    fn fill(&mut self, out: &mut [u8]);
}

/// Draws `N` bytes.
pub fn draw<const N: usize>(random: &mut dyn Random) -> [u8; N] {
    let mut out = [0; N];
    random.fill(&mut out);
    out
}

/// Draws a new actor: the author of the changes of one install and database epoch.
pub fn draw_actor(random: &mut dyn Random) -> ActorId {
    ActorId(draw(random))
}

/// The operating system's random source.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&mut self, out: &mut [u8]) {
        getrandom::fill(out).expect("an operating system without random bytes cannot keep secrets");
    }
}

/// Milliseconds to add to the clock, for rehearsals and tests of a tablet whose clock is wrong.
pub const CLOCK_SHIFT_VARIABLE: &str = "SOJOURN_CLOCK_SHIFT_MS";

/// The time now, as this tablet's clock has it.
pub fn now() -> Timestamp {
    let millis = jiff::Timestamp::now().as_millisecond();
    let shift = std::env::var(CLOCK_SHIFT_VARIABLE)
        .ok()
        .and_then(|text| text.trim().parse().ok());
    Timestamp::from_millis(millis.saturating_add(shift.unwrap_or(0)))
}

/// Waits so many milliseconds.
#[cfg(not(target_family = "wasm"))]
pub async fn pause(millis: u64) {
    tokio::time::sleep(std::time::Duration::from_millis(millis)).await;
}

/// Waits so many milliseconds, by the browser's timer. There is one thread, so that what waits never leaves it.
#[cfg(target_family = "wasm")]
pub async fn pause(millis: u64) {
    // A browser takes a longer one for none at all.
    const LONGEST_MS: u32 = i32::MAX.unsigned_abs();
    let millis = u32::try_from(millis).unwrap_or(LONGEST_MS).min(LONGEST_MS);
    send_wrapper::SendWrapper::new(gloo_timers::future::TimeoutFuture::new(millis)).await;
}

/// A repeatable source for worlds played from a seed: SHA-256 in counter mode.
#[derive(Debug, Clone)]
pub struct SeededRandom {
    seed: u64,
    drawn: u64,
}

impl SeededRandom {
    /// The source of `seed`; equal seeds draw equal bytes.
    pub const fn new(seed: u64) -> Self {
        Self { seed, drawn: 0 }
    }
}

impl Random for SeededRandom {
    fn fill(&mut self, out: &mut [u8]) {
        use sha2::{Digest, Sha256};
        for chunk in out.chunks_mut(32) {
            let mut hash = Sha256::new();
            hash.update(self.seed.to_le_bytes());
            hash.update(self.drawn.to_le_bytes());
            self.drawn += 1;
            chunk.copy_from_slice(&hash.finalize()[..chunk.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_draws_the_same_bytes_and_another_does_not() {
        let draw_two = |seed| {
            let mut random = SeededRandom::new(seed);
            (draw::<40>(&mut random), draw::<10>(&mut random))
        };
        assert_eq!(draw_two(1), draw_two(1));
        assert_ne!(draw_two(1), draw_two(2));
        assert_ne!(draw_two(1).0[..10], draw_two(1).1);
    }
}
