//! What the server sends: whole documents, new changes, households that left.
//!
//! Every call is part of the transaction that applies a page. Edits that are not yet acknowledged survive:
//! they are put on top of what arrived, as the same bytes where these still fit, and otherwise made again
//! as new changes of a fresh actor.

use std::collections::{BTreeMap, HashMap, HashSet};

use sojourn_sync_protocol::digest::{self, Digest};
use sojourn_sync_protocol::message::{Leave, NewChanges, WholeDocument};
use sojourn_sync_protocol::record::{self, Document, RawChange, RecordError};
use sojourn_sync_protocol::{AreaCode, ChangeHash, DocKind, DocumentId, HouseholdId, Timestamp};

use crate::documents::{self, Stored};
use crate::error::Error;
use crate::projection::Projected;
use crate::work::Work;
use crate::{identity, outbox, parallel};

/// What became of something that arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It is in the document.
    Applied,
    /// It cannot be placed without the whole document: fetch that and `install` it.
    NeedsWhole,
}

/// The documents of one household that arrived together.
#[derive(Default)]
struct Arrived<'p> {
    core: Option<&'p WholeDocument>,
    health: Option<&'p WholeDocument>,
}

impl<'p> Arrived<'p> {
    fn documents(&self) -> impl Iterator<Item = &'p WholeDocument> {
        [self.core, self.health].into_iter().flatten()
    }
}

/// What a whole document was found to be when it was read.
struct Read {
    heads: Vec<ChangeHash>,
    leaf: [u8; 32],
}

/// A household made ready for a tablet that holds nothing of it.
struct Ready {
    /// Of each document that arrived.
    documents: Vec<Read>,
    /// What people read of it; `None` without its core.
    projected: Option<Projected>,
}

/// Households of a page that were made ready before it is taken in. Says nothing of any other page.
#[derive(Default)]
pub(crate) struct MadeReady(HashMap<HouseholdId, Ready>);

/// Runs `body` and makes a page that arrived ready on other threads meanwhile. What cannot be read is left out, and found
/// when the page is taken in.
pub(crate) fn make_ready_beside<R>(
    wholes: &[&WholeDocument],
    body: impl FnOnce() -> R,
) -> (R, MadeReady) {
    let (households, _) = by_household(wholes);
    let (done, made) = parallel::beside(
        &households,
        |household| Some((household.0, make_ready(household).ok()?)),
        body,
    );
    (done, MadeReady(made.into_iter().flatten().collect()))
}

/// The documents of each household, and those of which there is another later in the page.
fn by_household<'p>(
    wholes: &[&'p WholeDocument],
) -> (Vec<(HouseholdId, Arrived<'p>)>, Vec<&'p WholeDocument>) {
    let mut households: BTreeMap<HouseholdId, Arrived<'_>> = BTreeMap::new();
    let mut again = Vec::new();
    for whole in wholes {
        let arrived = households.entry(whole.document.household).or_default();
        let place = match whole.document.kind {
            DocKind::Core => &mut arrived.core,
            DocKind::Health => &mut arrived.health,
        };
        again.extend(place.replace(whole));
    }
    (households.into_iter().collect(), again)
}

/// Takes in the whole documents of a page. Reading and checking them, which costs most, is done on several threads
/// while this one writes, or was done before; a household of which the tablet holds anything goes the way of [`install`].
///
/// # Errors
/// As [`install`].
pub(crate) fn install_all(
    work: &mut Work<'_>,
    wholes: &[&WholeDocument],
    MadeReady(mut made): MadeReady,
) -> Result<(), Error> {
    let (households, again) = by_household(wholes);
    let waiting = outbox::households(work.tx)?;
    let mut counted: HashMap<(AreaCode, DocKind), Digest> = HashMap::new();
    let mut rest = Vec::new();
    for household in households {
        match made.remove(&household.0) {
            Some(ready) => take_ready(work, &household, ready, &waiting, &mut counted)?,
            None => rest.push(household),
        }
    }
    let mut taken = rest.iter();
    parallel::in_order(&rest, make_ready, |ready| {
        let household = taken.next().expect("one is ready for each");
        take_ready(work, household, ready?, &waiting, &mut counted)
    })?;
    for ((area, kind), digest) in counted {
        documents::count_arrived(work.tx, &area, kind, &digest)?;
    }
    again.into_iter().try_for_each(|whole| install(work, whole))
}

/// Writes a household that is ready.
fn take_ready(
    work: &mut Work<'_>,
    (household, arrived): &(HouseholdId, Arrived<'_>),
    ready: Ready,
    waiting: &HashSet<HouseholdId>,
    counted: &mut HashMap<(AreaCode, DocKind), Digest>,
) -> Result<(), Error> {
    let mut all_new = true;
    let alone = ready.documents.len() < DocKind::ALL.len();
    for (whole, read) in arrived.documents().zip(ready.documents) {
        let id = whole.document;
        let stored = Stored {
            area: whole.area.clone(),
            epoch: whole.epoch,
            heads: read.heads,
            acked: Vec::new(),
            leaving: false,
        };
        if !waiting.contains(household)
            && documents::write_new(work.tx, id, &stored, &read.leaf, &whole.saved)?
        {
            let digest = counted.entry((stored.area, id.kind)).or_default();
            digest.add(&read.leaf);
        } else {
            all_new = false;
            install(work, whole)?;
        }
    }
    if arrived.core.is_some() && waiting.contains(household) {
        outbox::go_on_with_household(work, *household)?;
    }
    match ready.projected {
        Some(projected) if all_new && !(alone && has_health(work, *household)?) => {
            Ok(projected.write(work.tx)?)
        }
        _ => work.changed(*household),
    }
}

fn has_health(work: &Work<'_>, household: HouseholdId) -> Result<bool, Error> {
    let id = DocumentId::new(household, DocKind::Health);
    Ok(documents::stored(work.tx, id)?.is_some())
}

/// Reads a household's documents, proves that they are whole, and makes what people read of them. Pure.
fn make_ready((id, arrived): &(HouseholdId, Arrived<'_>)) -> Result<Ready, Error> {
    let mut documents = Vec::with_capacity(DocKind::ALL.len());
    let mut loaded = Vec::with_capacity(DocKind::ALL.len());
    for whole in arrived.documents() {
        let id = whole.document;
        let document =
            Document::load(id, &whole.saved).map_err(|error| Error::record(id, error))?;
        let heads = document.heads();
        documents.push(Read {
            leaf: digest::leaf(id, whole.epoch, &heads),
            heads,
        });
        loaded.push(document);
    }
    let updated = loaded.iter().map(Document::last_change).max();
    let projected = match (arrived.core, loaded.as_slice()) {
        (Some(core), [loaded_core, rest @ ..]) => {
            let health = arrived.health.map(|health| health.saved.as_slice());
            let view = match record::view_saved(*id, &core.saved, health) {
                Some(view) => view,
                None => record::view(*id, loaded_core, rest.first())
                    .map_err(|error| Error::record(core.document, error))?,
            };
            Some(Projected::of(
                &view,
                updated.unwrap_or(Timestamp::default()),
            ))
        }
        _ => None,
    };
    Ok(Ready {
        documents,
        projected,
    })
}

/// Takes in a whole document. What the tablet has beyond it is kept: pending edits on top, and changes that the
/// server lacks are handed in again. A newer epoch replaces the document.
///
/// # Errors
/// [`Error::Record`] when the bytes are no such document; [`Error::Store`].
pub fn install(work: &mut Work<'_>, whole: &WholeDocument) -> Result<(), Error> {
    let id = whole.document;
    let record = |error| Error::record(id, error);
    let arrived = Document::load(id, &whole.saved).map_err(record)?;
    let mut after = Stored {
        area: whole.area.clone(),
        epoch: whole.epoch,
        heads: arrived.heads(),
        acked: arrived.heads(),
        leaving: false,
    };
    let Some((before, ours)) = documents::load(work.tx, work.cache, id).or_else(unreadable)? else {
        drop(work.cache.adopt(whole.epoch, arrived));
        documents::write_whole(work.tx, id, &after, &whole.saved)?;
        outbox::put_back(work, id, true, &HashSet::new())?;
        return work.changed(id.household);
    };
    if whole.epoch < before.epoch {
        // A page from before the redaction that this tablet knows of already.
        return Ok(());
    }
    if whole.epoch == before.epoch && ours.heads() == after.heads {
        drop(ours);
        documents::write_stored(work.tx, id, &after)?;
        outbox::put_back(work, id, false, &HashSet::new())?;
        return work.changed(id.household);
    }
    let mut beyond = Vec::new();
    if whole.epoch == before.epoch {
        beyond = ours.changes();
        beyond.retain(|change| !arrived.has(&change.hash));
    }
    drop(ours);
    let (merged, handed_in) = merge_known(work, &mut after, arrived, beyond)?;
    documents::write_whole(work.tx, id, &after, &merged.save())?;
    drop(work.cache.adopt(after.epoch, merged));
    outbox::put_back(work, id, whole.epoch > before.epoch, &handed_in)?;
    work.changed(id.household)
}

/// A document whose bytes cannot be read is as good as absent once the whole one has arrived.
fn unreadable<T>(error: Error) -> Result<Option<T>, Error> {
    match error {
        Error::Record { .. } => Ok(None),
        other => Err(other),
    }
}

/// Puts changes that the server lacks, whoever made them, on its copy and hands them in again; pending edits follow
/// later. Says which were handed in. The server acknowledged them once, so it has lost them, and this tablet may be the
/// only one left that holds them.
fn merge_known(
    work: &mut Work<'_>,
    after: &mut Stored,
    mut arrived: Document,
    beyond: Vec<RawChange>,
) -> Result<(Document, HashSet<ChangeHash>), Error> {
    let id = arrived.id();
    let waiting = outbox::hashes_of(work.tx, id)?;
    let mut handed_in = HashSet::new();
    for change in beyond {
        // What no tablet could have made is not there to be lost: a server that lied gave it, and it goes.
        if !waiting.contains(&change.hash) && record::inspect(&change.bytes).is_ok() {
            let fits = arrived.apply_changes(&[&change.bytes]).is_ok();
            outbox::hand_in_again(work, id, after.epoch, &change, fits)?;
            handed_in.insert(change.hash);
        }
    }
    after.heads = arrived.heads();
    Ok((arrived, handed_in))
}

/// Takes in new changes of a document that is here.
///
/// # Errors
/// [`Error::Store`]; [`Error::Record`] when the document here cannot be read.
pub fn append_changes(work: &mut Work<'_>, new: &NewChanges) -> Result<Taken, Error> {
    let id = new.document;
    let Some((stored, _)) = documents::load(work.tx, work.cache, id).or_else(unreadable)? else {
        return Ok(Taken::NeedsWhole);
    };
    if new.epoch != stored.epoch {
        return Ok(if new.epoch > stored.epoch {
            Taken::NeedsWhole
        } else {
            Taken::Applied
        });
    }
    let raw: Vec<&[u8]> = new.changes.iter().map(|bytes| bytes.as_slice()).collect();
    if let Err(error) = merge(work, id, new, &raw)? {
        // An unsent edit may stand in the way: a copy of this tablet wrote under the same numbers.
        if outbox::pending_of(work.tx, id)? == 0 || matches!(error, RecordError::NotAChange(_)) {
            return Ok(Taken::NeedsWhole);
        }
        let actor = work.fresh_actor();
        identity::rotate(work.tx, actor)?;
        let stood = outbox::set_aside(work, id)?;
        let merged = merge(work, id, new, &raw)?;
        outbox::make_again(work, id, &stood)?;
        if merged.is_err() {
            return Ok(Taken::NeedsWhole);
        }
    }
    work.changed(id.household)?;
    Ok(Taken::Applied)
}

fn merge(
    work: &mut Work<'_>,
    id: DocumentId,
    new: &NewChanges,
    raw: &[&[u8]],
) -> Result<Result<(), RecordError>, Error> {
    let Some((mut stored, mut document)) = documents::load(work.tx, work.cache, id)? else {
        return Ok(Ok(()));
    };
    let added = match document.take_in(raw) {
        Ok(added) => added,
        Err(error) => return Ok(Err(error)),
    };
    let fresh: HashSet<ChangeHash> = added.iter().map(|change| change.hash).collect();
    let ours = outbox::hashes_of(work.tx, id)?;
    for bytes in raw {
        let Ok(hash) = sojourn_sync_protocol::gate::change_hash(bytes) else {
            continue;
        };
        let news = ours.contains(&hash) && outbox::note_seen(work.tx, id, &hash)?;
        if news || fresh.contains(&hash) {
            stored.acknowledge(bytes);
        }
    }
    stored.area = new.area.clone();
    stored.heads = document.heads();
    stored.leaving = false;
    documents::append(work.tx, &document, &stored, &added)?;
    Ok(Ok(()))
}

/// A household left an area: its documents go, at once or when their pending edits are acknowledged. If it
/// has meanwhile arrived in another area of this tablet, it stays.
///
/// # Errors
/// [`Error`].
pub fn leave(work: &mut Work<'_>, leave: &Leave) -> Result<(), Error> {
    for kind in DocKind::ALL {
        let id = DocumentId::new(leave.household, kind);
        if documents::stored(work.tx, id)?.is_some_and(|stored| stored.area == leave.area) {
            documents::purge_document(work, id)?;
        }
    }
    Ok(())
}

/// Takes off a document that was to go once its edits were acknowledged. If its household has meanwhile arrived in an area
/// of this tablet, the document stands there instead: the server counts on that and does not send it.
///
/// # Errors
/// [`Error`].
pub(crate) fn carry_out_leave(work: &mut Work<'_>, id: DocumentId) -> Result<(), Error> {
    let core = documents::stored(work.tx, DocumentId::new(id.household, DocKind::Core))?;
    let home = core.filter(|core| !core.leaving).map(|core| core.area);
    let granted = identity::grant(work.tx)?.is_some_and(|grant| grant.kinds.contains(&id.kind));
    match (home, documents::stored(work.tx, id)?) {
        (Some(home), Some(mut stored)) if granted => {
            stored.area = home;
            stored.leaving = false;
            documents::write_stored(work.tx, id, &stored)?;
            work.changed(id.household)
        }
        _ => documents::purge_document(work, id),
    }
}
