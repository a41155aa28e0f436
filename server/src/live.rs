//! Tells open event streams which areas have moved. A hint to sync, never the data, and never in the path
//! of correctness: a stream that missed some hints is told that everything may have moved.
//!
//! What goes on at desks alone, such as who has a question open, moves no feed: only pages hear of it, and no tablet syncs for it.

use std::collections::BTreeSet;
use std::sync::Arc;

use sojourn_sync_protocol::AreaCode;
use tokio::sync::broadcast;

/// Hints that a slow stream may fall behind before it is told that it has.
const HINTS_KEPT: usize = 1024;

/// Where commits are announced and streams listen.
#[derive(Debug, Clone)]
pub struct Live {
    hints: broadcast::Sender<Hint>,
}

#[derive(Debug, Clone)]
enum Hint {
    Moved(Arc<BTreeSet<AreaCode>>),
    AtDesks(Arc<BTreeSet<AreaCode>>),
}

impl Default for Live {
    fn default() -> Self {
        Live {
            hints: broadcast::Sender::new(HINTS_KEPT),
        }
    }
}

/// What a listener hears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// The feeds of these areas moved.
    Moved(Arc<BTreeSet<AreaCode>>),
    /// Something that is in no feed changed at the desks of these areas.
    AtDesks(Arc<BTreeSet<AreaCode>>),
    /// Hints were missed: any area may have moved.
    Missed,
    /// The server is ending.
    Ended,
}

/// One stream's ear.
#[derive(Debug)]
pub struct Listener {
    hints: broadcast::Receiver<Hint>,
    at_a_desk: bool,
}

impl Live {
    /// Announces that the feeds of these areas moved. Call it after the commit.
    pub fn moved(&self, areas: impl IntoIterator<Item = AreaCode>) {
        self.say(areas, Hint::Moved);
    }

    /// Announces that something changed at the desks of these areas that is in no feed.
    pub fn at_desks(&self, areas: impl IntoIterator<Item = AreaCode>) {
        self.say(areas, Hint::AtDesks);
    }

    fn say(
        &self,
        areas: impl IntoIterator<Item = AreaCode>,
        hint: impl FnOnce(Arc<BTreeSet<AreaCode>>) -> Hint,
    ) {
        let areas: BTreeSet<_> = areas.into_iter().collect();
        if !areas.is_empty() {
            // An error means that nobody listens.
            let _ = self.hints.send(hint(Arc::new(areas)));
        }
    }

    /// Listens from now on to what moves feeds.
    pub fn listen(&self) -> Listener {
        Listener {
            hints: self.hints.subscribe(),
            at_a_desk: false,
        }
    }

    /// Listens from now on, also to what goes on at desks alone.
    pub fn listen_at_a_desk(&self) -> Listener {
        Listener {
            at_a_desk: true,
            ..self.listen()
        }
    }
}

impl Listener {
    /// Waits for the next thing to hear.
    pub async fn hear(&mut self) -> Heard {
        loop {
            return match self.hints.recv().await {
                Ok(Hint::Moved(areas)) => Heard::Moved(areas),
                Ok(Hint::AtDesks(areas)) if self.at_a_desk => Heard::AtDesks(areas),
                Ok(Hint::AtDesks(_)) => continue,
                Err(broadcast::error::RecvError::Lagged(_)) => Heard::Missed,
                Err(broadcast::error::RecvError::Closed) => Heard::Ended,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_goes_on_at_desks_is_heard_there_and_by_no_tablet() {
        let live = Live::default();
        let (mut tablet, mut desk) = (live.listen(), live.listen_at_a_desk());
        let [one, other]: [AreaCode; 2] = ["a1", "a2"].map(|code| code.parse().unwrap());
        live.at_desks([one.clone()]);
        live.moved([other.clone()]);
        let moved = Heard::Moved(Arc::new([other].into()));
        assert_eq!(desk.hear().await, Heard::AtDesks(Arc::new([one].into())));
        assert_eq!(desk.hear().await, moved);
        assert_eq!(tablet.hear().await, moved);
    }

    #[tokio::test]
    async fn a_listener_that_falls_behind_is_told_so() {
        let live = Live::default();
        let mut listener = live.listen();
        let area = |n: usize| -> AreaCode { format!("a{n}").parse().unwrap() };
        live.moved([area(1)]);
        assert_eq!(
            listener.hear().await,
            Heard::Moved(Arc::new([area(1)].into()))
        );
        for n in 0..=HINTS_KEPT {
            live.moved([area(n)]);
        }
        assert_eq!(listener.hear().await, Heard::Missed);
        drop(live);
        while let Heard::Moved(_) = listener.hear().await {}
        assert_eq!(listener.hear().await, Heard::Ended);
    }
}
