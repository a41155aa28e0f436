//! Prepares pages in the background: of an area that somebody has just read from the start at once, of one that changed when
//! it has been quiet for a while. One page at a time, so that it never takes more than one core.
//!
//! A hint only: when nothing is prepared, pages are made as they are asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sojourn_sync_protocol::{AreaCode, DocKind, Timestamp, codec};
use tokio::sync::{Notify, watch};

use super::{SIZES, Stretch, keep, make, unprepared};
use crate::clock::Clock;
use crate::live::{Heard, Listener};
use crate::store::{Store, StoreError};
use crate::{areas, devices};

/// Areas that wait at most; others are prepared when they are asked for again.
const AREAS_WAITING_MAX: usize = 16 * 1024;

/// What is to be prepared, and when.
#[derive(Debug)]
pub struct Preparing {
    quiet_ms: i64,
    /// Areas and the moment from which each may be prepared; asked ones from the beginning of time.
    due: Mutex<BTreeMap<AreaCode, Timestamp>>,
    changed: Notify,
}

/// What to do now.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Next {
    /// Prepare this area.
    Prepare(AreaCode),
    /// Nothing before this moment.
    Wait(Timestamp),
    /// Nothing until something changes.
    Idle,
}

const AT_ONCE: Timestamp = Timestamp::from_millis(i64::MIN);

impl Preparing {
    /// Nothing waits yet. An area that changed is prepared once it has been quiet for so long.
    pub fn new(quiet: Duration) -> Self {
        Self {
            quiet_ms: i64::try_from(quiet.as_millis()).unwrap_or(i64::MAX),
            due: Mutex::default(),
            changed: Notify::new(),
        }
    }

    /// These areas were read from the start and their pages had to be made.
    pub fn ask(&self, areas: BTreeSet<AreaCode>) {
        for area in areas {
            self.set(area, AT_ONCE);
        }
    }

    fn moved(&self, area: AreaCode, now: Timestamp) {
        let until = now.millis().saturating_add(self.quiet_ms);
        self.set(area, Timestamp::from_millis(until));
    }

    fn set(&self, area: AreaCode, from: Timestamp) {
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        if due.len() < AREAS_WAITING_MAX || due.contains_key(&area) {
            let before = due.insert(area, from);
            tell_asked(before, Some(from));
            self.changed.notify_one();
        }
    }

    fn next(&self, now: Timestamp) -> Next {
        let due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        match due.iter().min_by_key(|(_, from)| **from) {
            Some((area, from)) if *from <= now => Next::Prepare(area.clone()),
            Some((_, from)) => Next::Wait(*from),
            None => Next::Idle,
        }
    }

    /// An area has been prepared as it was at `began`; one that changed meanwhile stays.
    fn done(&self, area: &AreaCode, began: Timestamp) {
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        if due.get(area).is_some_and(|from| *from <= began) {
            tell_asked(due.remove(area), None);
        }
    }
}

/// Keeps count of the areas that somebody asked for.
fn tell_asked(before: Option<Timestamp>, after: Option<Timestamp>) {
    let asked = |when| f64::from(u8::from(when == Some(AT_ONCE)));
    metrics::gauge!("sojourn_pages_areas_asked").increment(asked(after) - asked(before));
}

/// Prepares what falls due until the server stops.
pub(crate) async fn run(
    preparing: &Preparing,
    store: Store,
    clock: Clock,
    mut moved: Listener,
    mut stopping: watch::Receiver<bool>,
) {
    loop {
        let now = clock.now();
        let wait = match preparing.next(now) {
            Next::Prepare(area) => {
                if let Err(error) = prepare(&store, &area).await {
                    tracing::warn!(%error, "a page could not be prepared");
                }
                preparing.done(&area, now);
                Some(Duration::ZERO)
            }
            Next::Wait(until) => {
                let left = u64::try_from(until.since(now)).unwrap_or(0);
                Some(Duration::from_millis(left))
            }
            Next::Idle => None,
        };
        let passed = async {
            match wait {
                Some(wait) => tokio::time::sleep(wait).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            // An error means that the server is gone.
            _ = stopping.wait_for(|stopping| *stopping) => return,
            heard = moved.hear() => match heard {
                Heard::Moved(areas) => {
                    let now = clock.now();
                    areas.iter().for_each(|area| preparing.moved(area.clone(), now));
                }
                Heard::AtDesks(_) | Heard::Missed => {}
                Heard::Ended => return,
            },
            () = preparing.changed.notified() => {}
            () = passed => {}
        }
    }
}

/// Prepares what an area lacks, for every set of kinds that a tablet of it may hold.
async fn prepare(store: &Store, area: &AreaCode) -> Result<(), StoreError> {
    let of = area.clone();
    let sets = store
        .read("kinds of an area", move |tx| {
            let mut sets: BTreeSet<Vec<DocKind>> = BTreeSet::new();
            for device in devices::list(tx)? {
                if !device.withdrawn && areas::is_within(tx, &of, &device.grant.areas)? {
                    sets.insert(device.grant.kinds);
                }
            }
            Ok::<_, StoreError>(sets)
        })
        .await?;
    for kinds in sets {
        let (of, among) = (area.clone(), kinds.clone());
        let stretches = store
            .read("unprepared pages", move |tx| {
                unprepared(tx, &of, &among, SIZES)
            })
            .await?;
        for stretch in stretches {
            prepare_one(store, area, &kinds, stretch).await?;
        }
    }
    Ok(())
}

async fn prepare_one(
    store: &Store,
    area: &AreaCode,
    kinds: &[DocKind],
    stretch: Stretch,
) -> Result<(), StoreError> {
    let (of, among) = (area.clone(), kinds.to_vec());
    let made = store
        .read("make a page", move |tx| make(tx, &of, &among, stretch))
        .await?;
    let packing = tokio::task::spawn_blocking(move || (made.kept, codec::pack(&made.entries)));
    let Ok((kept, packed)) = packing.await else {
        return Err(StoreError::Abandoned("pack a page"));
    };
    let (of, among) = (area.clone(), kinds.to_vec());
    store
        .write("keep a page", move |tx| {
            keep(tx, &of, &among, &kept, &packed)
        })
        .await?;
    metrics::counter!("sojourn_pages_prepared_total").increment(1);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

    fn area(code: &str) -> AreaCode {
        code.parse().unwrap()
    }

    #[test]
    fn what_was_asked_for_comes_at_once_and_what_changed_when_it_is_quiet() {
        let preparing = Preparing::new(Duration::from_secs(60));
        assert_eq!(preparing.next(NOW), Next::Idle);
        preparing.moved(area("a"), NOW);
        let quiet = NOW.plus_millis(60_000);
        assert_eq!(preparing.next(NOW), Next::Wait(quiet));
        preparing.ask([area("b")].into());
        assert_eq!(preparing.next(NOW), Next::Prepare(area("b")));
        preparing.done(&area("b"), NOW);
        assert_eq!(preparing.next(quiet), Next::Prepare(area("a")));
        // It changed while it was being prepared: once more, later.
        preparing.moved(area("a"), quiet);
        preparing.done(&area("a"), quiet);
        let later = quiet.plus_millis(60_000);
        assert_eq!(preparing.next(quiet), Next::Wait(later));
        preparing.done(&area("a"), later);
        assert_eq!(preparing.next(later), Next::Idle);
    }
}
