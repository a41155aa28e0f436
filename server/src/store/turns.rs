//! Turns: whoever prepares a write outside the writer takes a turn on the rows that it will rest on, so that of two who
//! prepare for the same row one waits for the other and need not begin again. For speed only: what a write rests on is
//! looked at again where it is written.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

/// What a turn is on, such as the id of a household.
pub type TurnKey = [u8; 16];

/// Whose turn it is on each key.
#[derive(Debug, Clone, Default)]
pub(super) struct Turns(Arc<Mutex<Waiting>>);

#[derive(Debug, Default)]
struct Waiting {
    taken: BTreeSet<TurnKey>,
    queue: VecDeque<(BTreeSet<TurnKey>, oneshot::Sender<Turn>)>,
}

/// A turn on some keys; over when dropped.
#[derive(Debug)]
pub struct Turn {
    turns: Turns,
    keys: BTreeSet<TurnKey>,
}

impl Turns {
    /// Waits until nobody has a turn on any of these keys and nobody who came before waits for one.
    pub(super) async fn take(&self, keys: BTreeSet<TurnKey>) -> Turn {
        let (begin, begun) = oneshot::channel();
        self.change(|waiting| waiting.queue.push_back((keys.clone(), begin)));
        match begun.await {
            Ok(turn) => turn,
            // Nobody is left to give one: the keys are free.
            Err(_) => Turn {
                turns: Self::default(),
                keys,
            },
        }
    }

    /// Changes who waits, then gives every turn that nothing stands against. One that nobody takes any more ends at once.
    fn change(&self, change: impl FnOnce(&mut Waiting)) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut waiting);
        let free = waiting.free();
        drop(waiting);
        for (keys, begin) in free {
            let turns = self.clone();
            drop(begin.send(Turn { turns, keys }));
        }
    }
}

impl Waiting {
    /// Takes from the queue whose turn it is.
    fn free(&mut self) -> Vec<(BTreeSet<TurnKey>, oneshot::Sender<Turn>)> {
        let mut ahead = BTreeSet::new();
        let mut free = Vec::new();
        for (keys, begin) in std::mem::take(&mut self.queue) {
            if begin.is_closed() {
                continue;
            }
            let is_free = |key: &TurnKey| !self.taken.contains(key) && !ahead.contains(key);
            if keys.iter().all(is_free) {
                self.taken.extend(keys.iter().copied());
                free.push((keys, begin));
            } else {
                ahead.extend(keys.iter().copied());
                self.queue.push_back((keys, begin));
            }
        }
        free
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let turns = self.turns.clone();
        turns.change(|waiting| {
            for key in &self.keys {
                waiting.taken.remove(key);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt as _, future::BoxFuture};

    use super::*;

    fn ask<'t>(turns: &'t Turns, keys: &[u8]) -> BoxFuture<'t, Turn> {
        let keys = keys.iter().map(|key| [*key; 16]).collect();
        turns.take(keys).boxed()
    }

    #[tokio::test]
    async fn turns_on_other_keys_pass_and_on_the_same_wait_in_order() {
        let turns = Turns::default();
        let first = ask(&turns, &[1, 2]).await;
        let mut second = ask(&turns, &[2, 3]);
        assert!((&mut second).now_or_never().is_none());
        // 3 is free, but somebody who came before waits for it.
        let mut third = ask(&turns, &[3]);
        assert!((&mut third).now_or_never().is_none());
        let fourth = ask(&turns, &[4]).now_or_never();
        assert!(fourth.is_some());
        drop(first);
        let second = second.now_or_never().expect("2 and 3 are free");
        assert!((&mut third).now_or_never().is_none());
        drop(second);
        assert!(third.now_or_never().is_some());
        assert!(ask(&turns, &[1, 2, 3]).now_or_never().is_some());
    }

    #[tokio::test]
    async fn who_stops_waiting_holds_nobody_up() {
        let turns = Turns::default();
        let first = ask(&turns, &[1]).await;
        let mut second = ask(&turns, &[1]);
        assert!((&mut second).now_or_never().is_none());
        let mut third = ask(&turns, &[1]);
        assert!((&mut third).now_or_never().is_none());
        drop(first);
        // It is the second's turn, who leaves without having taken it.
        drop(second);
        assert!(third.now_or_never().is_some());
    }
}
