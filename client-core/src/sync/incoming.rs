//! What the server's answers do to the store. One answer is one transaction: entries, fates, cursor and
//! grant commit together or not at all.

use std::collections::{BTreeSet, HashSet};

use sojourn_sync_protocol::message::{
    AreasReply, BucketDigest, DocumentLeaf, Entry, SyncReply, SyncRequest, WholeDocument,
};
use sojourn_sync_protocol::{AreaCode, DocKind, DocumentId};

use crate::arrivals::{self, MadeReady, Taken};
use crate::error::Error;
use crate::outbox::{self, EditState};
use crate::store::{StoreError, Tx};
use crate::work::Work;
use crate::{again, areas, documents, identity, settle};

use super::session::Synced;
use super::verify::{self, Leaves};

/// What was handed in again in a session, so that none of it is twice.
#[derive(Debug, Clone, Default)]
pub struct Offered {
    /// Documents with all of their changes.
    documents: HashSet<DocumentId>,
    /// Documents with what had forked and is known by its bytes only.
    forked: HashSet<DocumentId>,
}

/// Takes in a page, of which some households may have been made ready, and says what is left to do.
///
/// # Errors
/// [`Error`]; then nothing of the page was taken in.
pub(super) fn apply_page(
    work: &mut Work<'_>,
    request: &SyncRequest,
    reply: &SyncReply,
    made: MadeReady,
) -> Result<Synced, Error> {
    let mut synced = Synced {
        entries: u64::try_from(reply.entries.len()).unwrap_or(u64::MAX),
        remaining: reply.remaining,
        areas_stale: match reply.areas_version {
            Some(theirs) => theirs != areas::version(work.tx)?,
            None => false,
        },
        ..Synced::default()
    };
    let mut fetch = BTreeSet::new();

    if reply.lost {
        settle::doubt(work)?;
    }
    if let Some(watermark) = reply.watermark {
        identity::set_watermark(work.tx, watermark)?;
    }
    if request.push.is_some() {
        let settled = outbox::settle(work, &reply.fates)?;
        synced.pushed = u64::try_from(settled.merged).unwrap_or(u64::MAX);
    }
    // The order of entries says nothing.
    arrivals::install_all(work, &wholes(reply), made)?;
    for entry in &reply.entries {
        match entry {
            Entry::Document(_) => {}
            Entry::Changes(new) => {
                if arrivals::append_changes(work, new)? == Taken::NeedsWhole {
                    fetch.insert((new.area.clone(), new.document));
                }
            }
            Entry::Leave(leave) => arrivals::leave(work, leave)?,
        }
    }
    for cursor in &reply.cursor {
        identity::set_cursor(work.tx, cursor)?;
    }
    if let Some(grant) = &reply.grant {
        identity::set_grant(work.tx, grant)?;
    }
    if reply.grant.is_some() && !synced.areas_stale {
        leave_what_is_not_granted(work)?;
    }

    fetch.extend(awaiting_the_servers_copy(work.tx)?);
    synced.fetch = fetch.into_iter().collect();
    synced.queued = outbox::counts(work.tx)?.0;
    if reply.remaining == 0 {
        synced.differing = differing(work, reply)?;
    }
    synced.agreed = synced
        == Synced {
            pushed: synced.pushed,
            entries: synced.entries,
            ..Synced::default()
        };
    if synced.agreed {
        identity::set_synced_at(work.tx, work.now)?;
    }
    Ok(synced)
}

/// The whole documents of a page.
pub(super) fn wholes(reply: &SyncReply) -> Vec<&WholeDocument> {
    let wholes = reply.entries.iter().filter_map(|entry| match entry {
        Entry::Document(whole) => Some(whole),
        Entry::Changes(_) | Entry::Leave(_) => None,
    });
    wholes.collect()
}

/// Documents with edits that are made again once the server's copy is here, each in the area where it stands; one that was
/// lost with a damaged page, in the area for which the edit was made.
fn awaiting_the_servers_copy(tx: &Tx<'_>) -> Result<Vec<(AreaCode, DocumentId)>, Error> {
    let mut found = Vec::new();
    for row in outbox::held(tx)? {
        if matches!(&row.state, EditState::Held(reason) if reason.waits()) {
            let stored = documents::stored(tx, row.document)?;
            let area = stored.map_or(row.area, |stored| stored.area);
            found.push((area, row.document));
        }
    }
    Ok(found)
}

/// Areas whose digest is not the server's, and areas that are held here and have no feed there.
fn differing(work: &Work<'_>, reply: &SyncReply) -> Result<Vec<AreaCode>, Error> {
    let kinds = identity::grant(work.tx)?
        .map(|grant| grant.kinds)
        .unwrap_or_default();
    let mut differing = Vec::new();
    let mut compared = HashSet::new();
    for theirs in &reply.digests {
        compared.insert(&theirs.area);
        if documents::area_digest(work.tx, &theirs.area, &kinds)? != theirs.digest {
            differing.push(theirs.area.clone());
        }
    }
    for area in documents::areas(work.tx)? {
        if !compared.contains(&area) && documents::area_digest(work.tx, &area, &kinds)?.count > 0 {
            differing.push(area);
        }
    }
    Ok(differing)
}

/// Stores the area tree, and takes off what lies outside the grant by it.
///
/// # Errors
/// [`Error`].
pub fn store_areas(work: &mut Work<'_>, tree: &AreasReply) -> Result<(), Error> {
    areas::replace(work.tx, tree)?;
    leave_what_is_not_granted(work)
}

fn leave_what_is_not_granted(work: &mut Work<'_>) -> Result<(), Error> {
    let Some(grant) = identity::grant(work.tx)? else {
        return Ok(());
    };
    documents::purge_outside(work, &grant)?;
    for cursor in identity::cursors(work.tx)? {
        if !areas::is_within(work.tx, &cursor.area, &grant.areas)? {
            identity::forget_cursor(work.tx, &cursor.area)?;
        }
    }
    Ok(())
}

/// The buckets of an area that differ from the server's.
///
/// # Errors
/// [`StoreError`].
pub fn compare_buckets(
    tx: &Tx<'_>,
    area: &AreaCode,
    theirs: &[BucketDigest],
) -> Result<Vec<u8>, StoreError> {
    let ours = verify::buckets(&leaves(tx, area)?);
    Ok(verify::differing_buckets(&ours, theirs))
}

fn leaves(tx: &Tx<'_>, area: &AreaCode) -> Result<Leaves, StoreError> {
    let kinds = identity::grant(tx)?
        .map(|grant| grant.kinds)
        .unwrap_or_default();
    let leaves = documents::leaves(tx, area, &kinds)?;
    Ok(leaves
        .into_iter()
        .map(|leaf| (leaf.document, leaf.leaf))
        .collect())
}

/// Compares documents, and deals with those that the server does not hold in this area: their changes
/// are handed in again, once a session (`offered` remembers which); after that they are purged.
/// Returns what to fetch, and whether anything was mended.
///
/// # Errors
/// [`Error`].
pub fn compare_documents(
    work: &mut Work<'_>,
    area: &AreaCode,
    asked: &[u8],
    theirs: &[DocumentLeaf],
    seq: u64,
    offered: &mut Offered,
) -> Result<(Vec<DocumentId>, bool), Error> {
    let difference = verify::difference(&leaves(work.tx, area)?, theirs, asked);
    let cursor = identity::cursors(work.tx)?
        .into_iter()
        .find(|cursor| cursor.area == *area);
    let mut mended = false;
    // With a feed that moved on meanwhile, a document that seems absent may only be on its way.
    if cursor.map_or(0, |cursor| cursor.seq) == seq {
        for id in difference.absent {
            if !(offered.documents.insert(id) && settle::offer_again(work, id)?) {
                documents::purge_document(work, id)?;
            }
            mended = true;
        }
    }
    Ok((difference.fetch, mended))
}

/// Puts fetched documents in place. For one that the server does not hold in this area, changes that it
/// may have lost are handed in again, once a session, and what waits for it is made again on top of them.
///
/// # Errors
/// [`Error`].
pub fn install_fetched(
    work: &mut Work<'_>,
    asked: &[DocumentId],
    fetched: &[WholeDocument],
    offered: &mut Offered,
) -> Result<(), Error> {
    let wholes: Vec<&WholeDocument> = fetched
        .iter()
        .filter(|whole| asked.contains(&whole.document))
        .collect();
    arrivals::install_all(work, &wholes, MadeReady::default())?;
    for id in asked {
        if !fetched.iter().any(|whole| whole.document == *id) {
            // Both documents: a health document cannot begin before its household.
            for kind in DocKind::ALL {
                let own = DocumentId::new(id.household, kind);
                if offered.documents.insert(own) {
                    settle::offer_again(work, own)?;
                }
            }
            again::go_on_without(work, *id, offered.forked.insert(*id))?;
        }
    }
    Ok(())
}
