//! From a pushed batch to fates, documents and feeds. Bytes are never trusted: each change is read within
//! bounds, judged by structure and authority (never by what its words mean), tried on a scratch copy, and
//! meets exactly one durable fate.
//!
//! `weigh` decides on a snapshot without writing; `settle` writes, deciding again if the ground moved.

pub(crate) mod chain;
#[cfg(test)]
mod hostile;
mod judge;
mod ledger;
pub(crate) mod quarantine;
mod scratch;
pub(crate) mod standing;
#[cfg(test)]
mod tests;
mod verdict;
pub(crate) mod watermark;

use std::collections::BTreeSet;

use sojourn_sync_protocol::{AreaCode, Timestamp, batch::Batch, message::Fate};

use crate::devices::{self, Device};
use crate::handover::door;
use crate::residence;
use crate::store::{StoreError, Tx};
use chain::Link;
use judge::Judged;
pub(crate) use scratch::guarded;

/// The tables of chains and of changes kept aside.
pub(crate) const SCHEMAS: [(&str, &str); 4] = [
    ("batches", chain::SCHEMA),
    ("quarantine", quarantine::SCHEMA),
    ("watermarks", watermark::SCHEMA),
    ("how what was kept aside stands", quarantine::STANDS),
];

/// What was decided about a batch, and what the decision rests on.
pub(crate) struct Weighed {
    digest: [u8; 32],
    ground: Ground,
    judged: Judged,
}

/// How a batch stands to its chain.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Ground {
    /// It came before and got these fates.
    Replay(Vec<Fate>),
    /// It continues the chain that ends here.
    Next(Link),
    /// It does not continue the chain that ends here.
    OffChain(Link),
}

/// What a settled batch came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Settled {
    /// One fate for each change.
    pub fates: Vec<Fate>,
    /// Areas whose feed moved, or for which a hand-over changed.
    pub moved: BTreeSet<AreaCode>,
    /// Families at the door whose card may fit a household by now.
    pub at_door: Vec<door::Asking>,
}

/// Decides about a batch on the snapshot of `tx`. The signature has been checked.
pub(crate) fn weigh(tx: &Tx<'_>, device: &Device, batch: &Batch) -> Result<Weighed, StoreError> {
    let digest = batch.digest();
    let ground = ground(tx, device, batch, &digest)?;
    let judged = match &ground {
        Ground::Replay(fates) => Judged {
            fates: fates.clone(),
            ..Judged::default()
        },
        Ground::Next(_) => judge::judge_batch(tx, device, batch)?,
        Ground::OffChain(_) => judge::judge_fork(tx, device, batch)?,
    };
    Ok(Weighed {
        digest,
        ground,
        judged,
    })
}

fn ground(
    tx: &Tx<'_>,
    device: &Device,
    batch: &Batch,
    digest: &[u8; 32],
) -> Result<Ground, StoreError> {
    if let Some(fates) = chain::stored(tx, device.id, digest)? {
        return Ok(Ground::Replay(fates));
    }
    let end = chain::end(tx, device.id, batch.actor)?;
    Ok(if end.is_continued_by(batch) {
        Ground::Next(end)
    } else {
        Ground::OffChain(end)
    })
}

impl Weighed {
    /// Whether what the decision rests on is still so.
    fn holds(&self, tx: &Tx<'_>, device: &Device, batch: &Batch) -> Result<bool, StoreError> {
        if ground(tx, device, batch, &self.digest)? != self.ground {
            return Ok(false);
        }
        for (household, found) in &self.judged.households {
            if residence::last_position(tx, *household)? != found.position_before {
                return Ok(false);
            }
        }
        for (actor, bound) in &self.judged.actors {
            if devices::device_of_actor(tx, *actor)? != *bound {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Writes what was decided, or decides again when another batch came between.
pub(crate) fn settle(
    tx: &Tx<'_>,
    device: &Device,
    batch: &Batch,
    weighed: &Weighed,
    now: Timestamp,
) -> Result<Settled, StoreError> {
    let again;
    let weighed = if weighed.holds(tx, device, batch)? {
        weighed
    } else {
        metrics::counter!("sojourn_ingest_weighed_again_total").increment(1);
        again = weigh(tx, device, batch)?;
        &again
    };
    let judged = &weighed.judged;
    let continues = match weighed.ground {
        Ground::Replay(_) => {
            // Its answer was lost, and with it perhaps what followed.
            return Ok(Settled {
                fates: judged.fates.clone(),
                at_door: at_door(tx, batch)?,
                ..Settled::default()
            });
        }
        Ground::Next(_) => true,
        Ground::OffChain(_) => false,
    };
    chain::put(
        tx,
        device.id,
        batch,
        &weighed.digest,
        &judged.fates,
        continues,
        now,
    )?;
    watermark::advance(tx, &weighed.digest)?;
    for aside in &judged.aside {
        let change = &batch.changes[aside.place];
        quarantine::put(tx, device.id, &weighed.digest, aside, change, now)?;
    }
    for (actor, bound) in &judged.actors {
        if bound.is_none() {
            devices::bind_actor(tx, *actor, device.id, now)?;
        }
    }
    let arrival = ledger::Arrival {
        device: device.id,
        batch,
        digest: weighed.digest,
        now,
    };
    let mut moved = BTreeSet::new();
    for (household, found) in &judged.households {
        if !found.admitted.is_empty() {
            moved.extend(ledger::record(tx, *household, found, &arrival)?);
        }
    }
    for fate in &judged.fates {
        metrics::counter!("sojourn_ingest_changes_total", "fate" => fate_name(fate)).increment(1);
    }
    Ok(Settled {
        fates: judged.fates.clone(),
        moved,
        at_door: at_door(tx, batch)?,
    })
}

/// The families at the door that changes in the households of a batch may let in.
fn at_door(tx: &Tx<'_>, batch: &Batch) -> Result<Vec<door::Asking>, StoreError> {
    let households = batch.changes.iter();
    let households = households.map(|change| change.document.household);
    door::shown(tx, households.collect::<BTreeSet<_>>())
}

const fn fate_name(fate: &Fate) -> &'static str {
    match fate {
        Fate::Accepted { .. } => "accepted",
        Fate::Duplicate => "duplicate",
        Fate::MissingDeps => "missing-deps",
        Fate::Quarantined { .. } => "quarantined",
        Fate::Fork => "fork",
        Fate::OldEpoch { .. } => "old-epoch",
    }
}
