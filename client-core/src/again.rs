//! Making edits again on another copy of their document: on the server's when it arrives, or on the tablet's own when no
//! copy will come. A new change of a fresh actor, since the former actor's numbers in that document are used up.

use std::collections::HashSet;

use sojourn_sync_protocol::message::QuarantineReason;
use sojourn_sync_protocol::record::{
    Authorship, Document, Edit, EditError, RawChange, RecordError, residence_values,
};
use sojourn_sync_protocol::{ChangeHash, DocKind, DocumentId, HouseholdId};

use crate::documents::{self, FIRST_EPOCH, Stored};
use crate::error::Error;
use crate::identity;
use crate::outbox::{self, EditState, HeldReason, NewRow, OutboxRow};
use crate::work::Work;

/// Makes edits again as new changes at the end of the line. One that cannot be made is held with what stood against it; one of
/// which only the bytes are known waits for the server's copy, and so does one of an entry that is not here; one that the record
/// says already is done. Says how many were made.
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
            Err(EditError::NotRegistered) => hold_behind(work, row)?,
            // The entry was to be added by what was refused just now: another tablet may have added the very same.
            Err(EditError::NoSuchEntry { .. }) if !matches!(row.state, EditState::Held(_)) => {
                outbox::hold(work.tx, row.id, &HeldReason::MissingDeps)?;
            }
            // Nobody else has: it waits with the addition.
            Err(EditError::NoSuchEntry { .. }) if waited_for_entry(row) => hold_behind(work, row)?,
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
pub(crate) fn drop_if_empty(work: &mut Work<'_>, id: DocumentId) -> Result<(), Error> {
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
            // What it builds on was refused once, and is here after all.
            EditState::Held(_) if waits_behind(&row) => again.push(row),
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

/// A household has arrived: edits of its health record that waited with it are made again.
pub(crate) fn go_on_with_household(
    work: &mut Work<'_>,
    household: HouseholdId,
) -> Result<(), Error> {
    let health = DocumentId::new(household, DocKind::Health);
    let mut again = outbox::rows_of(work.tx, health)?;
    again.retain(waits_behind);
    if !again.is_empty() {
        let actor = work.fresh_actor();
        identity::rotate(work.tx, actor)?;
        make_again(work, health, &again)?;
    }
    Ok(())
}

/// Holds an edit of what was refused or lost, a household or an entry: it waits with it.
pub(crate) fn hold_behind(work: &Work<'_>, row: &OutboxRow) -> Result<(), Error> {
    let why = QuarantineReason::Descendant;
    Ok(outbox::hold(
        work.tx,
        row.id,
        &HeldReason::Quarantined { why },
    )?)
}

fn waits_behind(row: &OutboxRow) -> bool {
    let why = QuarantineReason::Descendant;
    row.edit.is_some() && row.state == EditState::Held(HeldReason::Quarantined { why })
}

/// Whether the server's copy was awaited for an entry that it might have, or is still.
fn waited_for_entry(row: &OutboxRow) -> bool {
    row.state == EditState::Held(HeldReason::MissingDeps) || waits_behind(row)
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
    if id.kind == DocKind::Health && !is_registered(work, id.household)? {
        // Its household is lost here too, and the server takes nothing of a household that it does not know.
        for row in &again {
            hold_behind(work, row)?;
        }
    } else if !again.is_empty() {
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

/// Whether the tablet knows who lives where: without that nothing else can be said of a household.
pub(crate) fn is_registered(work: &Work<'_>, household: HouseholdId) -> Result<bool, Error> {
    let core = DocumentId::new(household, DocKind::Core);
    let found = documents::load(work.tx, work.cache, core)?;
    Ok(found.is_some_and(|(_, document)| !residence_values(&document).is_empty()))
}

#[cfg(test)]
mod tests {
    use sojourn_sync_protocol::PersonId;
    use sojourn_sync_protocol::message::{Fate, WholeDocument};
    use sojourn_sync_protocol::record::{NewPerson, NewVisit};

    use super::*;
    use crate::arrivals::{self, MadeReady};
    use crate::settle_tests::{next, settle};
    use crate::testing::{Elsewhere, HOME, NOW, enrolled, family};

    #[test]
    fn a_visit_to_a_lost_household_waits_with_it_and_is_made_again_when_it_arrives() {
        let dir = tempfile::tempdir().unwrap();
        let tablet = enrolled(dir.path(), 1);
        let household = tablet.register(NOW, family(1)).unwrap().household;
        let visit = Edit::RecordVisit(NewVisit {
            on: "2026-11-24".into(),
            kind: "follow-up".into(),
            ..NewVisit::default()
        });
        tablet.edit(NOW, household, visit).unwrap();
        let core = DocumentId::new(household, DocKind::Core);
        let whole = tablet.read("core", |tx| {
            let (stored, document) = documents::load(tx, tablet.cache(), core)?.unwrap();
            Ok::<_, Error>(WholeDocument {
                document: core,
                area: stored.area,
                epoch: stored.epoch,
                saved: document.save(),
            })
        });
        let whole = whole.unwrap();

        next(&tablet).unwrap();
        let reason = QuarantineReason::NotAuthorised;
        settle(&tablet, &[Fate::Quarantined { reason }, Fate::MissingDeps]);
        let health = DocumentId::new(household, DocKind::Health);
        let without = |work: &mut Work<'_>| go_on_without(work, health, true);
        tablet.write("no copy comes", NOW, without).unwrap();
        assert_eq!(tablet.pending().unwrap(), []);
        assert_eq!(tablet.held().unwrap().len(), 2);
        assert!(tablet.held().unwrap().iter().all(|row| match &row.state {
            EditState::Held(reason) => !reason.waits(),
            _ => false,
        }));

        let arrive =
            |work: &mut Work<'_>| arrivals::install_all(work, &[&whole], MadeReady::default());
        tablet.write("page", NOW, arrive).unwrap();
        let pending = tablet.pending().unwrap();
        assert_eq!(pending.len(), 1);
        assert!(matches!(pending[0].edit, Some(Edit::RecordVisit(_))));
        let (_, view) = tablet.show(household).unwrap();
        assert_eq!(view.visits.len(), 1);
    }

    /// A tablet adds a person and says that they moved away; the server refuses the addition. Gives that.
    fn addition_is_refused(tablet: &crate::Tablet, elsewhere: &Elsewhere) -> NewPerson {
        let arrive = |work: &mut Work<'_>| documents::install(work, &elsewhere.whole(HOME));
        tablet.write("page", NOW, arrive).unwrap();
        let person = PersonId::new(NOW, [7; 10]);
        let added = NewPerson {
            id: Some(person),
            name: "王芳".into(),
            ..NewPerson::default()
        };
        let removed = Edit::RemovePerson {
            person,
            reason: "moved-away".into(),
            on: None,
            note: None,
            to: None,
        };
        let id = elsewhere.id();
        tablet
            .edit(NOW, id, Edit::AddPerson(added.clone()))
            .unwrap();
        tablet.edit(NOW, id, removed).unwrap();
        next(tablet).unwrap();
        let aside = |reason| Fate::Quarantined { reason };
        let fates = [QuarantineReason::Structure, QuarantineReason::Descendant].map(aside);
        let settled = settle(tablet, &fates);
        assert_eq!(settled.wanted.len(), 1);
        assert_eq!(reasons(tablet)[1], HeldReason::MissingDeps);
        added
    }

    fn reasons(tablet: &crate::Tablet) -> Vec<HeldReason> {
        let held = tablet.held().unwrap().into_iter();
        held.map(|row| match row.state {
            EditState::Held(reason) => reason,
            other => panic!("{other:?} is not held"),
        })
        .collect()
    }

    #[test]
    fn a_removal_of_somebody_whom_another_tablet_added_too_is_made_again_on_the_servers_copy() {
        let dir = tempfile::tempdir().unwrap();
        let tablet = enrolled(dir.path(), 1);
        let mut elsewhere = Elsewhere::household(1, 9);
        let added = addition_is_refused(&tablet, &elsewhere);
        elsewhere.edit(Edit::AddPerson(added));
        let arrive = |work: &mut Work<'_>| documents::install(work, &elsewhere.whole(HOME));
        tablet.write("page", NOW, arrive).unwrap();
        let pending = tablet.pending().unwrap();
        assert_eq!(pending.len(), 1);
        assert!(matches!(pending[0].edit, Some(Edit::RemovePerson { .. })));
        assert_eq!(reasons(&tablet).len(), 1);
    }

    #[test]
    fn a_removal_of_somebody_whose_addition_is_kept_aside_waits_with_it() {
        let dir = tempfile::tempdir().unwrap();
        let tablet = enrolled(dir.path(), 1);
        let mut elsewhere = Elsewhere::household(1, 9);
        let added = addition_is_refused(&tablet, &elsewhere);
        let arrive = |elsewhere: &Elsewhere| {
            let whole = elsewhere.whole(HOME);
            let arrive = |work: &mut Work<'_>| documents::install(work, &whole);
            tablet.write("page", NOW, arrive).unwrap();
        };
        for _ in 0..2 {
            arrive(&elsewhere);
            assert_eq!(tablet.pending().unwrap(), []);
            let aside = |why| HeldReason::Quarantined { why };
            let whys = [QuarantineReason::Structure, QuarantineReason::Descendant];
            assert_eq!(reasons(&tablet), whys.map(aside));
        }
        // A reviewer lets the person in after all.
        elsewhere.edit(Edit::AddPerson(added));
        arrive(&elsewhere);
        assert_eq!(tablet.pending().unwrap().len(), 1);
    }
}
