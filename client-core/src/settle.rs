//! What becomes of edits once the server has answered their batch, and making edits again on another copy
//! of their document.
//!
//! A refused change is taken out of the document together with what builds on it. The refused edit is held
//! and shown; the others are made again as new changes of a fresh actor, since the former actor's numbers
//! in that document are used up.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use sojourn_sync_protocol::gate;
use sojourn_sync_protocol::message::{Fate, QuarantineReason};
use sojourn_sync_protocol::record::{
    Authorship, Document, Edit, EditError, RawChange, RecordError, inspect, residence_values,
};
use sojourn_sync_protocol::{ChangeHash, DocKind, DocumentId, HouseholdId};

use crate::arrivals;
use crate::documents::{self, FIRST_EPOCH, Stored};
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
                if reason.as_ref().is_some_and(HeldReason::waits) {
                    settled.wanted.insert(row.document);
                }
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
            settled.wanted.insert(id);
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
            let why = QuarantineReason::Descendant;
            for row in &stranded {
                outbox::hold(work.tx, row.id, &HeldReason::Quarantined { why })?;
            }
            settled.held += stranded.len();
            drop_if_empty(work, id)?;
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

/// Whether the tablet knows who lives where: without that nothing else can be said of a household.
fn is_registered(work: &Work<'_>, household: HouseholdId) -> Result<bool, Error> {
    let core = DocumentId::new(household, DocKind::Core);
    let found = documents::load(work.tx, work.cache, core)?;
    Ok(found.is_some_and(|(_, document)| !residence_values(&document).is_empty()))
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

/// Makes edits again as new changes at the end of the line. One that cannot be made is held with what stood against it; one of
/// which only the bytes are known waits for the server's copy; one that the record says already is done. Says how many were made.
pub(crate) fn make_again(
    work: &mut Work<'_>,
    id: DocumentId,
    rows: &[OutboxRow],
) -> Result<usize, Error> {
    let mut made = 0;
    for row in rows {
        let Some(edit) = &row.edit else {
            // Only its bytes are known: whether they fit is seen on the server's copy.
            outbox::hold(work.tx, row.id, &HeldReason::Forked)?;
            continue;
        };
        match make(work, id, edit, row)? {
            Ok(()) => {
                made += 1;
                outbox::remove(work.tx, row.id)?;
            }
            // The record says so already, or holds the very entry: ids are never drawn twice.
            Err(
                EditError::NothingChanged
                | EditError::EntryExists { .. }
                | EditError::AlreadyRegistered,
            ) => outbox::remove(work.tx, row.id)?,
            // It waits with the household itself, and is made again when that arrives.
            Err(EditError::NotRegistered) => {
                let why = QuarantineReason::Descendant;
                outbox::hold(work.tx, row.id, &HeldReason::Quarantined { why })?;
            }
            Err(error) => {
                outbox::hold(
                    work.tx,
                    row.id,
                    &HeldReason::CannotRepeat {
                        why: error.to_string(),
                    },
                )?;
            }
        }
    }
    drop_if_empty(work, id)?;
    work.changed(id.household)?;
    Ok(made)
}

fn make(
    work: &mut Work<'_>,
    id: DocumentId,
    edit: &Edit,
    row: &OutboxRow,
) -> Result<Result<(), EditError>, Error> {
    let (Some(identity), Some(chain)) = (identity::identity(work.tx)?, identity::chain(work.tx)?)
    else {
        return Err(Error::NotEnrolled);
    };
    // Authority is that of the moment when the edit was made, whatever was granted since.
    let by = Authorship {
        actor: chain.actor,
        staff: identity.staff,
        area: row.area.clone(),
        at: row.at,
    };
    let (mut stored, mut document) = match documents::load(work.tx, work.cache, id)? {
        Some(found) => found,
        None => (
            documents::first_stored(&by.area),
            work.cache.adopt(FIRST_EPOCH, Document::new(id)),
        ),
    };
    let change = match document.edit(edit, &by) {
        Ok(change) => change,
        Err(error) => return Ok(Err(error)),
    };
    stored.heads = document.heads();
    write_edited(work, &document, &stored, &change)?;
    outbox::add(
        work.tx,
        &NewRow {
            document: id,
            epoch: stored.epoch,
            change: &change,
            by: &by,
            edit: Some(edit),
            grant: row.grant,
        },
    )?;
    Ok(Ok(()))
}

/// Writes a document after one edit of this tablet.
pub(crate) fn write_edited(
    work: &Work<'_>,
    document: &Document,
    after: &Stored,
    change: &RawChange,
) -> Result<(), Error> {
    if documents::stored(work.tx, document.id())?.is_none() {
        documents::write_whole(work.tx, document.id(), after, &document.save())?;
    } else {
        documents::append(work.tx, document, after, std::slice::from_ref(change))?;
    }
    Ok(())
}

/// A document of which nothing is left was never anyone's: its registration is held.
fn drop_if_empty(work: &mut Work<'_>, id: DocumentId) -> Result<(), Error> {
    if let Some((stored, document)) = documents::load(work.tx, work.cache, id)?
        && stored.acked.is_empty()
        && document.heads() == Document::new(id).heads()
        && !outbox::is_wanted(work.tx, id)?
    {
        drop(document);
        documents::purge_document(work, id)?;
    }
    Ok(())
}

/// After the server's copy arrived: puts pending edits back on it, as the same bytes if they fit, and makes
/// again those that waited for it. `anew` says that the former bytes are of another epoch.
///
/// What was `handed_in` again just now stands in the document by the tablet's word alone, not the server's.
pub(crate) fn put_back(
    work: &mut Work<'_>,
    id: DocumentId,
    anew: bool,
    handed_in: &HashSet<ChangeHash>,
) -> Result<(), Error> {
    let mut again = Vec::new();
    for row in outbox::rows_of(work.tx, id)? {
        if handed_in.contains(&row.change) {
            continue;
        }
        let Some((mut stored, mut document)) = documents::load(work.tx, work.cache, id)? else {
            break;
        };
        if document.has(&row.change) {
            outbox::note_seen(work.tx, id, &row.change)?;
            continue;
        }
        match &row.state {
            EditState::Held(reason) if reason.waits() && row.edit.is_none() => {
                drop(document);
                if release_if_it_fits(work, &row)? == Fit::Never {
                    outbox::end_wait_after_fork(work.tx, &row)?;
                }
            }
            EditState::Held(reason) if reason.waits() => again.push(row),
            // What it builds on was refused once, and the household is here after all.
            EditState::Held(HeldReason::Quarantined {
                why: QuarantineReason::Descendant,
            }) if row.edit.is_some() => again.push(row),
            EditState::Held(_) => {}
            EditState::Queued | EditState::Batched { .. } => {
                let other_epoch = anew && row.epoch != stored.epoch;
                if !other_epoch && document.apply_changes(&[&row.bytes]).is_ok() {
                    stored.heads = document.heads();
                    let change = document.change(&row.change);
                    documents::append(work.tx, &document, &stored, change.as_slice())?;
                } else if row.state == EditState::Queued {
                    again.push(row);
                }
                // A batch in flight keeps its bytes until it is answered; its fate decides.
            }
        }
    }
    if !again.is_empty() {
        let actor = work.fresh_actor();
        identity::rotate(work.tx, actor)?;
        make_again(work, id, &again)?;
    }
    Ok(())
}

/// Whether a change fits on a document as it is here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fit {
    /// It is in the document and on its way.
    Now,
    /// What it builds on, or the document itself, is not here.
    NotYet,
    /// Something else stands in its place.
    Never,
}

/// A change of which only the bytes are known goes on its way if it fits on the document now.
fn release_if_it_fits(work: &mut Work<'_>, row: &OutboxRow) -> Result<Fit, Error> {
    let id = row.document;
    let Some((mut stored, mut document)) = documents::load(work.tx, work.cache, id)? else {
        return Ok(Fit::NotYet);
    };
    if row.epoch != stored.epoch {
        return Ok(Fit::NotYet);
    }
    if !document.has(&row.change) {
        match document.apply_changes(&[&row.bytes]) {
            Ok(_) => {}
            Err(RecordError::MissingDeps { .. }) => return Ok(Fit::NotYet),
            Err(_) => return Ok(Fit::Never),
        }
        stored.heads = document.heads();
        let change = document.change(&row.change);
        documents::append(work.tx, &document, &stored, change.as_slice())?;
        drop(document);
        work.changed(id.household)?;
    }
    outbox::release(work.tx, row.id)?;
    work.changed(id.household)?;
    Ok(Fit::Now)
}

/// The server does not hold the document here, so no copy of its will come: what waits for one is made again
/// on the tablet's own. That is not the server's word, so it says nothing of what the server has.
///
/// What forked and of which only the bytes are known is sent once more, as another chain may have stood in its way; it is
/// not sent a third time (`once_more`).
pub(crate) fn go_on_without(
    work: &mut Work<'_>,
    id: DocumentId,
    once_more: bool,
) -> Result<(), Error> {
    let mut rows = outbox::rows_of(work.tx, id)?;
    rows.retain(|row| matches!(&row.state, EditState::Held(reason) if reason.waits()));
    let (again, only_bytes): (Vec<_>, Vec<_>) =
        rows.into_iter().partition(|row| row.edit.is_some());
    for row in &only_bytes {
        if once_more || !outbox::end_wait_after_fork(work.tx, row)? {
            release_if_it_fits(work, row)?;
        }
    }
    if !again.is_empty() {
        let actor = work.fresh_actor();
        identity::rotate(work.tx, actor)?;
        make_again(work, id, &again)?;
    }
    // What nothing stands in and nothing waits for was taken out and will not come back.
    drop_if_empty(work, id)?;
    if documents::stored(work.tx, id)?.is_some_and(|stored| stored.leaving) {
        documents::purge_document(work, id)?;
    }
    Ok(())
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
