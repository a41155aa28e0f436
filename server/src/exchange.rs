//! One sync request: settles the pushed batch, then reads the page that the tablet lacks from a snapshot that
//! includes it. Also answers `verify`, which narrows a digest that differs.
//!
//! Costs what changed: an idle tablet costs one snapshot and a row for each area of its grant with a feed.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde_bytes::ByteBuf;
use sojourn_sync_protocol::{
    AreaCode, ChangeHash, DocKind, DocumentId, Timestamp,
    batch::Batch,
    digest::Digest,
    limits::{
        BATCH_BYTES_MAX, BATCH_CHANGES_MAX, CURSOR_AREAS_MAX, PAGE_BYTES_TARGET,
        REPLY_FRAME_BYTES_MAX, VERIFY_DOCUMENTS_MAX,
    },
    message::{
        AreaCursor, AreaDigest, Entry, Leave, NewChanges, SyncReply, SyncRequest, VerifyAnswer,
        VerifyAsk, VerifyReply, VerifyRequest, WholeDocument,
    },
    record::SCHEMA_VERSION,
    refusal::Refusal,
};

use crate::devices::Device;
use crate::feed::{self, FeedRow, Whereabouts};
use crate::ingest::{self, Settled};
use crate::live::Live;
use crate::store::{Store, StoreError, Tx};
use crate::{areas, digests, documents, residence};

/// Feed rows read at a time.
const ROWS_AT_A_TIME: usize = 256;
/// Below this many granted areas each is asked for its feed; above, all feeds are read once.
const AREAS_ASKED_ONE_BY_ONE: usize = 64;
/// Bytes of documents in one answer to a fetch; whoever asks for more asks for fewer documents at a time.
const FETCH_BYTES_MAX: usize = REPLY_FRAME_BYTES_MAX / 4 * 3;
/// Bytes counted for an entry beside its documents or changes.
const ENTRY_BYTES: usize = 64;

/// Serves one sync request of an authenticated device, and tells live streams which areas moved.
///
/// # Errors
/// A request out of bounds or a batch that the device did not sign is refused and nothing of it is stored.
pub async fn sync(
    store: &Store,
    live: &Live,
    now: Timestamp,
    device: &Device,
    request: SyncRequest,
) -> Result<SyncReply, Refusal> {
    check_bounds(device, &request)?;
    let settled = match &request.push {
        Some(batch) => settle(store, now, device, batch.clone()).await?,
        None => Settled::default(),
    };
    live.moved(settled.moved);
    let device = device.clone();
    let fates = settled.fates;
    store
        .read("page", move |tx| {
            let page = read_page(tx, &device, &request)?;
            let lost = match &request.last {
                Some(last) => !ingest::is_answered(tx, device.id, last)?,
                None => false,
            };
            Ok(SyncReply {
                server_time: now,
                fates,
                entries: page.entries,
                cursor: page.cursor,
                remaining: page.remaining,
                digests: page.digests,
                grant: (request.grant != device.grant.version).then(|| device.grant.clone()),
                areas_version: areas::version(tx)?,
                lost,
            })
        })
        .await
}

fn check_bounds(device: &Device, request: &SyncRequest) -> Result<(), Refusal> {
    if request.schema > u32::from(SCHEMA_VERSION) {
        return Err(Refusal::Schema {
            known: SCHEMA_VERSION.into(),
        });
    }
    if request.cursor.len() > CURSOR_AREAS_MAX {
        return Err(Refusal::Malformed {
            detail: format!("a cursor names at most {CURSOR_AREAS_MAX} areas"),
        });
    }
    let Some(batch) = &request.push else {
        return Ok(());
    };
    let bytes: usize = batch.changes.iter().map(|change| change.bytes.len()).sum();
    if batch.changes.len() > BATCH_CHANGES_MAX || bytes > BATCH_BYTES_MAX {
        return Err(Refusal::TooLarge {
            max: BATCH_BYTES_MAX as u64,
        });
    }
    if !batch.is_signed_by(&device.key) {
        return Err(Refusal::Malformed {
            detail: "the batch is not signed by this device".to_owned(),
        });
    }
    Ok(())
}

/// Decides on a snapshot, off the writer's thread; then writes.
async fn settle(
    store: &Store,
    now: Timestamp,
    device: &Device,
    batch: Batch,
) -> Result<Settled, StoreError> {
    let shared = std::sync::Arc::new((device.clone(), batch));
    let at = std::sync::Arc::clone(&shared);
    let weighed = store
        .read("weigh batch", move |tx| ingest::weigh(tx, &at.0, &at.1))
        .await?;
    store
        .write("settle batch", move |tx| {
            ingest::settle(tx, &shared.0, &shared.1, &weighed, now)
        })
        .await
}

/// Where a tablet stands in one area's feed, as the one number of its cursor.
///
/// A row moves up whenever its document changes, so while a tablet reads a feed in several pages a place
/// reached does not say that everything told before it has been read. Between pages the number therefore
/// also keeps the place from which the reading began: what a row tells is counted from there. Once the end
/// is reached it is a plain place again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    /// Everything told up to here has been read.
    base: u64,
    /// Rows up to here have been read.
    reached: u64,
}

impl Place {
    const START: Self = Self::at(0);
    const REACHED_BITS: u32 = 32;

    /// Where everything has been read.
    const fn at(seq: u64) -> Self {
        Self {
            base: seq,
            reached: seq,
        }
    }

    /// The number of a cursor: the place, and while reading the base plus one above its 32 bits.
    const fn to_seq(self) -> u64 {
        if self.base == self.reached {
            return self.reached;
        }
        ((self.base + 1) << Self::REACHED_BITS) | self.reached
    }

    /// Reads a cursor; `last` is the end of the feed. A number past it was given by a server that has since
    /// been restored from a backup: the feed is read again from the start.
    fn from_seq(seq: u64, last: u64) -> Self {
        let place = match seq >> Self::REACHED_BITS {
            0 => Self::at(seq),
            base => Self {
                base: base - 1,
                reached: seq & ((1 << Self::REACHED_BITS) - 1),
            },
        };
        if place.base > place.reached || place.reached > last {
            return Self::START;
        }
        place
    }
}

/// What one page holds.
#[derive(Debug, Default)]
struct Page {
    entries: Vec<Entry>,
    cursor: Vec<AreaCursor>,
    remaining: u64,
    digests: Vec<AreaDigest>,
}

/// Feeds of the granted areas and the last place in each, by area.
fn granted_feeds(tx: &Tx<'_>, device: &Device) -> Result<Vec<(AreaCode, u64)>, StoreError> {
    let granted = areas::subtree(tx, &device.grant.areas)?;
    if granted.len() > AREAS_ASKED_ONE_BY_ONE {
        let mut feeds = feed::last_seqs(tx)?;
        feeds.retain(|(area, _)| granted.contains(area));
        return Ok(feeds);
    }
    let mut feeds = Vec::new();
    for area in granted {
        let last = feed::last_seq(tx, &area)?;
        if last > 0 {
            feeds.push((area, last));
        }
    }
    Ok(feeds)
}

fn read_page(tx: &Tx<'_>, device: &Device, request: &SyncRequest) -> Result<Page, StoreError> {
    let named: BTreeMap<&AreaCode, u64> = request
        .cursor
        .iter()
        .map(|cursor| (&cursor.area, cursor.seq))
        .collect();
    let pushed: HashSet<ChangeHash> = request
        .push
        .iter()
        .flat_map(|batch| &batch.changes)
        .map(|change| change.hash())
        .collect();
    let kinds = &device.grant.kinds;
    let mut filling = Filling {
        tx,
        kinds,
        pushed: &pushed,
        room: (request.page_bytes as usize).min(PAGE_BYTES_TARGET),
        used: 0,
        entries: Vec::new(),
        left: BTreeSet::new(),
    };
    let feeds = granted_feeds(tx, device)?;
    let mut page = Page::default();
    for (area, last) in &feeds {
        let from = named.get(area).map(|seq| Place::from_seq(*seq, *last));
        let from = from.unwrap_or(Place::START);
        let place = if filling.is_full() {
            from
        } else {
            filling.take_area(area, from, *last)?
        };
        if named.get(area).copied().unwrap_or(0) != place.to_seq() {
            page.cursor.push(AreaCursor {
                area: area.clone(),
                seq: place.to_seq(),
            });
        }
        if place.reached < *last {
            page.remaining += feed::count_after(tx, area, place.reached, kinds)?;
        }
    }
    // A server restored from a backup may have no feed yet where a tablet has read one.
    for (area, seq) in named {
        let unheard = seq > 0 && !feeds.iter().any(|(known, _)| known == area);
        if unheard && areas::is_within(tx, area, &device.grant.areas)? {
            let (area, seq) = (area.clone(), 0);
            page.cursor.push(AreaCursor { area, seq });
        }
    }
    page.entries = filling.entries;
    // A page is taken in as a whole. Documents of one kind next to each other compress 3 % better.
    page.entries.sort_by_key(kind_of);
    if page.remaining == 0 {
        for (area, _) in feeds {
            let digest = digests::of(tx, &area, kinds)?;
            page.digests.push(AreaDigest { area, digest });
        }
    }
    Ok(page)
}

/// A page being filled.
struct Filling<'a, 'c> {
    tx: &'a Tx<'c>,
    kinds: &'a [DocKind],
    pushed: &'a HashSet<ChangeHash>,
    room: usize,
    used: usize,
    entries: Vec<Entry>,
    left: BTreeSet<(AreaCode, sojourn_sync_protocol::HouseholdId)>,
}

impl Filling<'_, '_> {
    fn is_full(&self) -> bool {
        !self.entries.is_empty() && self.used >= self.room
    }

    /// Takes rows of one area until the page is full; gives the place reached.
    fn take_area(&mut self, area: &AreaCode, from: Place, last: u64) -> Result<Place, StoreError> {
        let mut place = from;
        while place.reached < last {
            let rows = feed::rows_after(self.tx, area, place.reached, ROWS_AT_A_TIME)?;
            if rows.is_empty() {
                break;
            }
            for row in rows {
                if self.kinds.contains(&row.document.kind)
                    && let Some(entry) = self.entry(area, from.base, &row)?
                {
                    let bytes = size(&entry);
                    if !self.entries.is_empty() && self.used + bytes > self.room {
                        self.used = self.room;
                        return Ok(place);
                    }
                    self.used += bytes;
                    self.entries.push(entry);
                }
                place.reached = row.seq;
            }
        }
        Ok(Place::at(last))
    }

    /// What a row tells a tablet that stands at `cursor`; `None` when it has that already.
    fn entry(
        &mut self,
        area: &AreaCode,
        cursor: u64,
        row: &FeedRow,
    ) -> Result<Option<Entry>, StoreError> {
        let document = row.document;
        let entered_seq = match &row.whereabouts {
            Whereabouts::Gone { to } => {
                let first = self.left.insert((area.clone(), document.household));
                return Ok(first.then(|| {
                    Entry::Leave(Leave {
                        household: document.household,
                        area: area.clone(),
                        to: to.clone(),
                    })
                }));
            }
            Whereabouts::Here { entered_seq } => *entered_seq,
        };
        if entered_seq > cursor {
            return self.whole(area, cursor, row);
        }
        let told = documents::told_after(self.tx, document, area, cursor)?;
        let changes: Vec<ByteBuf> = told
            .into_iter()
            .filter(|(hash, _)| !self.pushed.contains(hash))
            .map(|(_, bytes)| ByteBuf::from(bytes))
            .collect();
        if changes.is_empty() {
            return Ok(None);
        }
        let epoch = documents::epoch(self.tx, document)?.unwrap_or(documents::FIRST_EPOCH);
        Ok(Some(Entry::Changes(NewChanges {
            document,
            area: area.clone(),
            epoch,
            changes,
        })))
    }

    /// The whole document, unless the tablet has just handed in all of it and keeps it under this area.
    fn whole(
        &self,
        area: &AreaCode,
        base: u64,
        row: &FeedRow,
    ) -> Result<Option<Entry>, StoreError> {
        let document = row.document;
        if !self.pushed.is_empty()
            && let Some(hashes) = documents::hashes_up_to(self.tx, document, self.pushed.len())?
            && hashes.iter().all(|hash| self.pushed.contains(hash))
            && self.is_kept_under(area, base, document)?
        {
            return Ok(None);
        }
        let saved = documents::saved(self.tx, document)?;
        Ok(saved.map(|(epoch, saved)| {
            Entry::Document(WholeDocument {
                document,
                area: area.clone(),
                epoch,
                saved,
            })
        }))
    }

    /// Whether a tablet that made a document keeps it under this area: the household has never lived
    /// elsewhere, or the tablet has read that it lives here. Otherwise it may have dropped it with a leave.
    fn is_kept_under(
        &self,
        area: &AreaCode,
        base: u64,
        document: DocumentId,
    ) -> Result<bool, StoreError> {
        if !residence::has_moved(self.tx, document.household)? {
            return Ok(true);
        }
        let core = DocumentId::new(document.household, DocKind::Core);
        let entered = feed::entered_seq(self.tx, area, core)?;
        Ok(entered.is_some_and(|entered| entered <= base))
    }
}

/// Which kind of document an entry is of; `None` for a household that left.
fn kind_of(entry: &Entry) -> Option<DocKind> {
    match entry {
        Entry::Document(whole) => Some(whole.document.kind),
        Entry::Changes(new) => Some(new.document.kind),
        Entry::Leave(_) => None,
    }
}

/// Bytes that count towards a page.
fn size(entry: &Entry) -> usize {
    ENTRY_BYTES
        + match entry {
            Entry::Document(whole) => whole.saved.len(),
            Entry::Changes(new) => new.changes.iter().map(|change| change.len()).sum(),
            Entry::Leave(_) => 0,
        }
}

/// Serves one verify request of an authenticated device.
///
/// # Errors
/// An area outside the grant is unknown.
pub async fn verify(
    store: &Store,
    device: &Device,
    request: VerifyRequest,
) -> Result<VerifyReply, Refusal> {
    if let VerifyAsk::Fetch { documents } = &request.ask
        && documents.len() > VERIFY_DOCUMENTS_MAX
    {
        return Err(Refusal::Malformed {
            detail: format!("at most {VERIFY_DOCUMENTS_MAX} documents at a time"),
        });
    }
    let device = device.clone();
    store
        .read("verify", move |tx| answer(tx, &device, request))
        .await
}

fn answer(tx: &Tx<'_>, device: &Device, request: VerifyRequest) -> Result<VerifyReply, Refusal> {
    let area = request.area;
    if !areas::is_within(tx, &area, &device.grant.areas)? {
        return Err(Refusal::UnknownArea { area });
    }
    let kinds = &device.grant.kinds;
    let answer = match request.ask {
        VerifyAsk::Buckets => VerifyAnswer::Buckets(digests::buckets(tx, &area, kinds)?),
        VerifyAsk::Documents(buckets) => {
            let wanted: HashSet<u8> = buckets.into_iter().collect();
            let mut leaves = digests::leaves(tx, &area, kinds)?;
            leaves.retain(|leaf| wanted.contains(&Digest::bucket(leaf.document)));
            VerifyAnswer::Documents(leaves)
        }
        VerifyAsk::Fetch { documents } => {
            let mut fetched = Vec::new();
            let mut bytes = 0;
            for document in documents {
                let here = residence::owner(tx, document.household)?.as_ref() == Some(&area);
                if !here || !kinds.contains(&document.kind) {
                    continue;
                }
                let Some((epoch, saved)) = documents::saved(tx, document)? else {
                    continue;
                };
                bytes += saved.len();
                fetched.push(WholeDocument {
                    document,
                    area: area.clone(),
                    epoch,
                    saved,
                });
                if bytes > FETCH_BYTES_MAX {
                    return Err(Refusal::TooLarge {
                        max: FETCH_BYTES_MAX as u64,
                    });
                }
            }
            VerifyAnswer::Fetched(fetched)
        }
    };
    Ok(VerifyReply {
        seq: feed::last_seq(tx, &area)?,
        answer,
    })
}

#[cfg(test)]
#[path = "exchange_tests.rs"]
mod tests;
