//! What becomes of edits once the server has answered their batch, and of what it turns out to have lost.
//!
//! A refused change is taken out of the document together with what builds on it. The refused edit is held
//! and shown; the others are made again as new changes of a fresh actor, since the former actor's numbers
//! in that document are used up.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use sojourn_sync_protocol::gate;
use sojourn_sync_protocol::message::{Fate, QuarantineReason};
use sojourn_sync_protocol::record::{Authorship, Document, RawChange, inspect, residence_values};
use sojourn_sync_protocol::{ChangeHash, DocumentId};

use crate::again::{drop_if_empty, hold_behind, is_registered, make_again, write_edited};
use crate::arrivals;
use crate::documents::{self, FIRST_EPOCH};
use crate::error::Error;
use crate::identity::{self, Chain};
use crate::outbox::{self, EditState, HeldReason, NewRow, OutboxRow};
use crate::work::Work;

/// What an answered batch came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settled {
    /// Edits the server has now.
    pub merged: usize,
    /// Of those, edits of a household that had left the author's area.
    pub late: usize,
    /// Edits held, to be shown to staff.
    pub held: usize,
    /// Edits made again as new changes.
    pub made_again: usize,
    /// Documents whose whole copy is wanted from the server; the edits waiting for it are made again by
    /// `documents::install`.
    pub wanted: BTreeSet<DocumentId>,
}

/// Gives every edit of the batch in flight its fate, in the order of the batch. To be called in the
/// transaction that applies the page of the same reply, before the page.
///
/// # Errors
/// [`Error::Fates`] when there are more or fewer fates than changes; [`Error::NotEnrolled`];
/// [`Error::Store`].
pub fn settle(work: &mut Work<'_>, fates: &[Fate]) -> Result<Settled, Error> {
    let batch = outbox::next_batch(work, outbox::BatchBounds::default())?;
    let rows = outbox::in_flight(work.tx)?;
    if rows.len() != fates.len() || rows.is_empty() {
        return Err(Error::Fates {
            expected: rows.len(),
            found: fates.len(),
        });
    }
    let batch = batch.ok_or(Error::Fates {
        expected: 0,
        found: fates.len(),
    })?;
    let chain = Chain {
        actor: batch.actor,
        number: batch.number,
        digest: batch.digest(),
    };
    identity::set_chain(work.tx, &chain)?;

    let mut settled = Settled::default();
    let mut merged: BTreeMap<DocumentId, Vec<OutboxRow>> = BTreeMap::new();
    let mut refused: BTreeMap<DocumentId, Vec<(OutboxRow, Option<HeldReason>)>> = BTreeMap::new();
    let mut forked = BTreeSet::new();
    for (row, fate) in rows.into_iter().zip(fates) {
        match fate {
            Fate::Accepted { .. } | Fate::Duplicate => {
                settled.merged += 1;
                settled.late += usize::from(matches!(fate, Fate::Accepted { late: true }));
                merged.entry(row.document).or_default().push(row);
            }
            Fate::Fork => {
                forked.insert(row.document);
            }
            Fate::Quarantined {
                reason: QuarantineReason::Descendant,
            } if row.edit.is_some() => {
                refused.entry(row.document).or_default().push((row, None));
            }
            Fate::Quarantined { .. } | Fate::MissingDeps | Fate::OldEpoch { .. } => {
                let reason = outbox::held_reason(fate);
                refused.entry(row.document).or_default().push((row, reason));
            }
        }
    }
    for (id, rows) in merged {
        acknowledged(work, id, &rows)?;
    }
    if !forked.is_empty() || !refused.is_empty() {
        let actor = work.fresh_actor();
        identity::rotate(work.tx, actor)?;
    }
    for (id, mut refused) in refused {
        let acked = documents::stored(work.tx, id)?.is_some_and(|stored| !stored.acked.is_empty());
        if acked && refused.iter().all(|(_, reason)| reason.is_none()) {
            // What the server keeps aside stands here as acknowledged, so it was lost there: made again on the same, the
            // edit would be refused for ever.
            for (_, reason) in &mut refused {
                *reason = Some(HeldReason::MissingDeps);
            }
        }
        let without: HashSet<ChangeHash> = refused.iter().map(|(row, _)| row.change).collect();
        for (row, reason) in &refused {
            if let Some(reason) = reason {
                outbox::hold(work.tx, row.id, reason)?;
                settled.held += 1;
            }
        }
        let stranded = take_out(work, id, &without)?;
        if is_registered(work, id.household)? {
            settled.made_again += make_again(work, id, &stranded)?;
        } else {
            // The household itself was refused: what describes it waits with it.
            for row in &stranded {
                hold_behind(work, row)?;
            }
            settled.held += stranded.len();
            drop_if_empty(work, id)?;
        }
        if outbox::awaits_copy(work.tx, id)? {
            settled.wanted.insert(id);
        }
        if documents::stored(work.tx, id)?.is_some_and(|stored| stored.leaving) {
            documents::purge_document(work, id)?;
        }
    }
    for id in forked {
        settled.held += await_copy(work, id)?;
        settled.wanted.insert(id);
    }
    Ok(settled)
}

/// The server has these edits of one document now.
fn acknowledged(work: &mut Work<'_>, id: DocumentId, rows: &[OutboxRow]) -> Result<(), Error> {
    for row in rows {
        outbox::remove(work.tx, row.id)?;
    }
    work.counted(id.household);
    let Some(mut stored) = documents::stored(work.tx, id)? else {
        return work.changed(id.household);
    };
    let mut news = false;
    for row in rows.iter().filter(|row| !row.seen) {
        if documents::holds(work, id, &row.change)? {
            stored.acknowledge(&row.bytes);
            news = true;
        }
    }
    if news {
        documents::write_stored(work.tx, id, &stored)?;
    }
    if stored.leaving {
        arrivals::carry_out_leave(work, id)?;
    }
    Ok(())
}

/// After the device's history went two ways, the server may hold what is pending here: a backup knows nothing
/// of the answers that came later. Made again beside it, a new person would exist twice under one id, and one
/// of the two would hide the other. So the edits wait for the server's copy. Says how many.
fn await_copy(work: &mut Work<'_>, id: DocumentId) -> Result<usize, Error> {
    let mut rows = outbox::rows_of(work.tx, id)?;
    rows.retain(|row| row.seen && !matches!(row.state, EditState::Held(_)));
    acknowledged(work, id, &rows)?;
    let aside = set_aside(work, id)?;
    for row in &aside {
        outbox::hold(work.tx, row.id, &HeldReason::Forked)?;
    }
    Ok(aside.len())
}

/// Makes every pending edit again under a fresh actor, after the tablet was enrolled anew: under the new grant, whose
/// first area stands for one that it does not cover. Says how many.
///
/// # Errors
/// [`Error`].
pub fn rewrite_all(work: &mut Work<'_>) -> Result<usize, Error> {
    let actor = work.fresh_actor();
    identity::rotate(work.tx, actor)?;
    outbox::grant_anew(work.tx)?;
    let pending = outbox::pending(work.tx)?;
    for row in pending.iter().filter(|row| row.seen) {
        acknowledged(work, row.document, std::slice::from_ref(row))?;
    }
    let documents: BTreeSet<DocumentId> = pending.iter().map(|row| row.document).collect();
    let mut made_again = 0;
    for id in documents {
        let mut rows = outbox::rows_of(work.tx, id)?;
        rows.retain(|row| !matches!(row.state, EditState::Held(_)) && !row.seen);
        // Of what was lost by the server only the bytes are known: they go as they are.
        let (again, as_they_are): (Vec<_>, Vec<_>) =
            rows.into_iter().partition(|row| row.edit.is_some());
        for row in &as_they_are {
            outbox::release(work.tx, row.id)?;
        }
        let without = again.iter().map(|row| row.change).collect();
        let stranded = take_out(work, id, &without)?;
        made_again += make_again(work, id, &stranded)?;
    }
    Ok(made_again)
}

/// Takes every pending edit out of the document; they are to be made again.
pub(crate) fn set_aside(work: &mut Work<'_>, id: DocumentId) -> Result<Vec<OutboxRow>, Error> {
    let mut rows = outbox::rows_of(work.tx, id)?;
    rows.retain(|row| !matches!(row.state, EditState::Held(_)) && !row.seen);
    let without = rows.iter().map(|row| row.change).collect();
    take_out(work, id, &without)?;
    Ok(rows)
}

/// Takes changes, and what builds on them, out of a document. The pending edits among them, held ones left
/// out, in order.
fn take_out(
    work: &mut Work<'_>,
    id: DocumentId,
    without: &HashSet<ChangeHash>,
) -> Result<Vec<OutboxRow>, Error> {
    let mut gone = without.clone();
    if let Some((mut stored, document)) = documents::load(work.tx, work.cache, id)? {
        let mut left = Document::new(id);
        for change in document.changes() {
            let builds_on_gone = gate::read_head(&change.bytes)
                .is_ok_and(|head| head.deps.iter().any(|dep| gone.contains(dep)));
            if gone.contains(&change.hash) || builds_on_gone {
                gone.insert(change.hash);
            } else {
                left.apply_changes(&[&change.bytes])
                    .map_err(|error| Error::record(id, error))?;
            }
        }
        drop(document);
        stored.heads = left.heads();
        documents::write_whole(work.tx, id, &stored, &left.save())?;
        drop(work.cache.adopt(stored.epoch, left));
    }
    work.changed(id.household)?;
    let mut rows = outbox::rows_of(work.tx, id)?;
    rows.retain(|row| gone.contains(&row.change) && !matches!(row.state, EditState::Held(_)));
    Ok(rows)
}

/// Puts a change that the server has lost at the end of the line again; if it does not fit on
/// the server's copy, it waits for what it builds on.
pub(crate) fn hand_in_again(
    work: &mut Work<'_>,
    id: DocumentId,
    epoch: u64,
    change: &RawChange,
    fits: bool,
) -> Result<(), Error> {
    let (Ok(facts), Some(grant)) = (inspect(&change.bytes), identity::grant(work.tx)?) else {
        return Ok(());
    };
    let by = Authorship {
        actor: change.actor,
        staff: facts.attribution.staff,
        area: facts.attribution.area,
        at: facts.time,
    };
    let row = NewRow {
        document: id,
        epoch,
        change,
        by: &by,
        edit: None,
        grant: grant.version,
    };
    let place = outbox::add(work.tx, &row)?;
    if !fits {
        outbox::hold(work.tx, place, &HeldReason::MissingDeps)?;
    }
    Ok(())
}

/// Hands in again every change of a document that the server may not have, whoever made it: this tablet may be the only
/// one left that holds it. The server keeps aside what it cannot take from this tablet. Says whether there was any.
pub(crate) fn offer_again(work: &mut Work<'_>, id: DocumentId) -> Result<bool, Error> {
    let Some((mut stored, document)) = documents::load(work.tx, work.cache, id)? else {
        return Ok(false);
    };
    let waiting = outbox::hashes_of(work.tx, id)?;
    let mut lost = document.changes();
    drop(document);
    lost.retain(|change| !waiting.contains(&change.hash));
    if lost.is_empty() {
        return Ok(false);
    }
    stored.acked.clear();
    documents::write_stored(work.tx, id, &stored)?;
    for change in &lost {
        hand_in_again(work, id, stored.epoch, change, true)?;
    }
    work.changed(id.household)?;
    Ok(true)
}

/// The server may have lost what it acknowledged. Documents already on their way off are handed in again now, others
/// before they go.
pub(crate) fn doubt(work: &mut Work<'_>) -> Result<(), Error> {
    if identity::in_doubt(work.tx)? {
        return Ok(());
    }
    identity::set_doubt(work.tx, true)?;
    for id in documents::leaving(work.tx)? {
        offer_again(work, id)?;
    }
    Ok(())
}

/// After a salvage: puts every pending change back that its document lacks, beginning documents that were
/// lost with nothing but pending changes in them.
pub(crate) fn restore(work: &mut Work<'_>) -> Result<(), Error> {
    for row in outbox::pending(work.tx)? {
        let id = row.document;
        let (mut stored, mut document) = match documents::load(work.tx, work.cache, id)? {
            Some(found) => found,
            None => (
                documents::first_stored(&row.area),
                work.cache.adopt(FIRST_EPOCH, Document::new(id)),
            ),
        };
        // What cannot be placed now waits for the server's copy: `install` puts it back.
        if document.has(&row.change) || document.apply_changes(&[&row.bytes]).is_err() {
            continue;
        }
        if let Some(area) = residence_values(&document)
            .into_iter()
            .next()
            .filter(|_| stored.acked.is_empty())
        {
            stored.area = area;
        }
        stored.heads = document.heads();
        if let Some(change) = document.change(&row.change) {
            write_edited(work, &document, &stored, &change)?;
        }
        drop(document);
        work.changed(id.household)?;
    }
    Ok(())
}
