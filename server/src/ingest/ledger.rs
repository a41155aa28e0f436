//! Writing what was accepted: the log, the document caches, residence, hand-overs, review items, projections, and both
//! areas' feeds and digests, all in the transaction it is called in.

use std::collections::{BTreeMap, BTreeSet};

use sojourn_sync_protocol::{
    AreaCode, DeviceId, DocKind, DocumentId, HouseholdId, Timestamp, batch::Batch,
};

use super::judge::{Household, Persons};
use super::scratch::Scratch;
use crate::clock::Stopwatch;
use crate::documents::{self, LoggedChange};
use crate::duplicates::{self, Occasion};
use crate::projection::{self, IdHashKey};
use crate::store::{StoreError, Tx};
use crate::{digests, feed, handover, residence, review, search};

/// How the accepted changes came.
pub(super) struct Arrival<'a> {
    /// The device that handed them in.
    pub device: DeviceId,
    /// The batch they came in.
    pub batch: &'a Batch,
    /// Its digest.
    pub digest: [u8; 32],
    /// When, by the server's clock.
    pub now: Timestamp,
}

/// A document's leaf before and after.
struct Leaves {
    before: Option<[u8; 32]>,
    after: [u8; 32],
}

/// Records one household's accepted changes; gives the areas whose feed moved, and those for which a hand-over changed.
pub(super) fn record(
    tx: &Tx<'_>,
    household: HouseholdId,
    found: &Household,
    arrival: &Arrival<'_>,
) -> Result<BTreeSet<AreaCode>, StoreError> {
    let Some(residence) = found.standing.residence() else {
        return Ok(BTreeSet::new());
    };
    let owner = residence.owner.clone();
    let mut leaves: BTreeMap<DocKind, Leaves> = documents::leaves(tx, household)?
        .into_iter()
        .map(|(kind, leaf)| {
            let same = Leaves {
                before: Some(leaf),
                after: leaf,
            };
            (kind, same)
        })
        .collect();
    for (kind, scratch) in &found.documents {
        if let Some(saved) = &scratch.proved {
            documents::put(tx, saved)?;
            let changed = Leaves {
                before: scratch.leaf_before,
                after: saved.leaf,
            };
            leaves.insert(*kind, changed);
        }
    }
    residence::put(tx, household, &residence)?;
    review::put(tx, household, &found.items_before, &found.standing.items)?;
    match (&found.persons, found.documents.get(&DocKind::Core)) {
        (Persons::Ready(rows), _) => projection::put(tx, household, rows)?,
        (Persons::Unmade, Some(core)) => {
            let key = IdHashKey::get_or_draw(tx)?;
            projection::put(tx, household, &projection::rows_of(core.document(), &key))?;
        }
        (Persons::Same | Persons::Unmade, _) => {}
    }
    let core = found.documents.get(&DocKind::Core);
    if let Some(core) = core.filter(|core| core.shows_search)
        && let Some(saved) = &core.proved
    {
        search::record(tx, core.document(), Some(&saved.bytes))?;
    }
    note_families(tx, household, found, arrival)?;
    let places = tell(tx, household, found, &owner, &leaves)?;
    for admitted in &found.admitted {
        let pushed = &arrival.batch.changes[admitted.place];
        let feed_seq = places.get(&pushed.document.kind).copied().unwrap_or(0);
        documents::append(
            tx,
            &LoggedChange {
                document: pushed.document,
                hash: admitted.head.hash,
                position: admitted.position,
                actor: admitted.head.actor,
                seq: admitted.head.seq,
                deps: admitted.head.deps.clone(),
                bytes: pushed.bytes.clone(),
                device: arrival.device,
                staff: admitted.attribution.staff,
                area: admitted.attribution.area.clone(),
                grant_version: arrival.batch.grant,
                batch: arrival.digest,
                arrived_at: arrival.now,
                late: admitted.late,
                unknown_areas: admitted.unknown.clone(),
                feed_area: owner.clone(),
                feed_seq,
            },
        )?;
    }
    let changed = found.documents.values();
    let changed = changed.filter(|scratch| scratch.proved.is_some());
    let changed = changed.map(Scratch::document);
    review::aside::follow(tx, household, changed.clone())?;
    review::deferrals::follow(tx, household, changed)?;
    let mut moved = found.left();
    if let Some(all) = &found.hand_overs {
        // Whoever is asked to take a family over, or is no longer, hears of it though no feed of theirs moved.
        moved.extend(handover::put(tx, household, all)?);
    }
    moved.insert(owner);
    Ok(moved)
}

/// Looks whether the household may be registered elsewhere too, once its persons' rows are up to date.
fn note_families(
    tx: &Tx<'_>,
    household: HouseholdId,
    found: &Household,
    arrival: &Arrival<'_>,
) -> Result<(), StoreError> {
    let core = found.documents.get(&DocKind::Core);
    let Some(core) = core.filter(|core| core.shows_families && core.proved.is_some()) else {
        return Ok(());
    };
    let of_core = |place: usize| arrival.batch.changes[place].document.kind == DocKind::Core;
    let last = found.admitted.iter().rev().find(|last| of_core(last.place));
    let Some(last) = last else {
        return Ok(());
    };
    let occasion = Occasion {
        change: last.head.hash,
        at: arrival.now,
    };
    let watch = Stopwatch::start();
    let key = IdHashKey::get_or_draw(tx)?;
    let rows = projection::stored(tx, household)?;
    duplicates::record(tx, core.document(), &rows, &key, occasion)?;
    metrics::histogram!("sojourn_duplicates_look_milliseconds")
        .record(watch.elapsed().as_secs_f64() * 1e3);
    Ok(())
}

/// Tells the feeds and digests; gives each document's new place in the owner's feed.
fn tell(
    tx: &Tx<'_>,
    household: HouseholdId,
    found: &Household,
    owner: &AreaCode,
    leaves: &BTreeMap<DocKind, Leaves>,
) -> Result<BTreeMap<DocKind, u64>, StoreError> {
    let stayed = found.owner_before.as_ref() == Some(owner);
    let mut places = BTreeMap::new();
    for area in found.left() {
        let held = found.owner_before.as_ref() == Some(&area);
        for (kind, leaf) in leaves {
            feed::leave(tx, &area, DocumentId::new(household, *kind), owner)?;
            if held {
                digests::replace(tx, &area, *kind, leaf.before.as_ref(), None)?;
            }
        }
    }
    for (kind, leaf) in leaves {
        let id = DocumentId::new(household, *kind);
        match (stayed, &leaf.before) {
            (true, Some(before)) if *before == leaf.after => continue,
            (true, Some(before)) => {
                places.insert(*kind, feed::touch(tx, owner, id)?);
                digests::replace(tx, owner, *kind, Some(before), Some(&leaf.after))?;
            }
            _ => {
                places.insert(*kind, feed::enter(tx, owner, id)?);
                digests::replace(tx, owner, *kind, None, Some(&leaf.after))?;
            }
        }
    }
    Ok(places)
}
