//! Tells open event streams which areas have moved. A hint to sync, never the data, and never in the path
//! of correctness: a stream that missed some hints is told that everything may have moved.

use std::collections::BTreeSet;
use std::sync::Arc;

use sojourn_sync_protocol::AreaCode;
use tokio::sync::broadcast;

/// Hints that a slow stream may fall behind before it is told that it has.
const HINTS_KEPT: usize = 1024;

/// Where commits are announced and streams listen.
#[derive(Debug, Clone)]
pub struct Live {
    hints: broadcast::Sender<Arc<BTreeSet<AreaCode>>>,
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
    /// Hints were missed: any area may have moved.
    Missed,
    /// The server is ending.
    Ended,
}

/// One stream's ear.
#[derive(Debug)]
pub struct Listener(broadcast::Receiver<Arc<BTreeSet<AreaCode>>>);

impl Live {
    /// Announces that the feeds of these areas moved. Call it after the commit.
    pub fn moved(&self, areas: impl IntoIterator<Item = AreaCode>) {
        let areas: BTreeSet<_> = areas.into_iter().collect();
        if !areas.is_empty() {
            // An error means that nobody listens.
            let _ = self.hints.send(Arc::new(areas));
        }
    }

    /// Listens from now on.
    pub fn listen(&self) -> Listener {
        Listener(self.hints.subscribe())
    }
}

impl Listener {
    /// Waits for the next thing to hear.
    pub async fn hear(&mut self) -> Heard {
        match self.0.recv().await {
            Ok(areas) => Heard::Moved(areas),
            Err(broadcast::error::RecvError::Lagged(_)) => Heard::Missed,
            Err(broadcast::error::RecvError::Closed) => Heard::Ended,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
