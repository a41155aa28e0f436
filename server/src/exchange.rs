//! One sync request: settles the pushed batch, then reads the page that the tablet lacks from a snapshot that
//! includes it. Also answers `verify`, which narrows a digest that differs.
//!
//! Costs what changed: an idle tablet costs one snapshot and a row for each area of its grant with a feed. A tablet that
//! reads an area from the start is sent pages prepared ahead, where they hold what would be told now.

mod place;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde_bytes::ByteBuf;
use sojourn_sync_protocol::{
    AreaCode, ChangeHash, DocKind, DocumentId, Timestamp,
    batch::Batch,
    codec::Packed,
    digest::Digest,
    limits::{
        BATCH_BYTES_MAX, BATCH_CHANGES_MAX, CURSOR_AREAS_MAX, PAGE_BYTES_TARGET,
        REPLY_FRAME_BYTES_MAX, VERIFY_DOCUMENTS_MAX,
    },
    message::{
        AreaCursor, AreaDigest, Entry, Fate, Leave, NewChanges, SyncReply, SyncRequest,
        VerifyAnswer, VerifyAsk, VerifyReply, VerifyRequest, WholeDocument,
    },
    record::SCHEMA_VERSION,
    refusal::Refusal,
};

use crate::clock::Clock;
use crate::devices::Device;
use crate::feed::{self, FeedRow, Whereabouts};
use crate::handover::door;
use crate::ingest::{self, Settled, watermark};
use crate::live::Live;
use crate::store::{Store, StoreError, Tx};
use crate::{areas, digests, documents, pages, residence};
use place::Place;

/// Feed rows read at a time.
const ROWS_AT_A_TIME: usize = 256;
/// Below this many granted areas each is asked for its feed; above, all feeds are read once.
const AREAS_ASKED_ONE_BY_ONE: usize = 64;
/// Bytes of documents in one answer to a fetch; whoever asks for more asks for fewer documents at a time.
const FETCH_BYTES_MAX: usize = REPLY_FRAME_BYTES_MAX / 4 * 3;

/// An answer to a sync request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// All of it but the entries that were prepared ahead.
    pub reply: SyncReply,
    /// Entries prepared ahead, which belong after those of the reply.
    pub prepared: Vec<Packed>,
    /// Areas read from the start whose pages had to be made now.
    pub unprepared: BTreeSet<AreaCode>,
}

/// Serves one sync request of an authenticated device, and tells live streams which areas moved. Every entry is made
/// now, and no card is followed.
///
/// # Errors
/// As [`answer`].
pub async fn sync(
    store: &Store,
    live: &Live,
    now: Timestamp,
    device: &Device,
    request: SyncRequest,
) -> Result<SyncReply, Refusal> {
    let fates = take(store, live, None, now, device, &request).await?;
    let answered = serve(store, (now, fates), device, request, false).await?;
    Ok(answered.reply)
}

/// The same with pages prepared ahead where there are any. Families at the door that showed a card are followed before the page is
/// read, so that the tablet that pushed has their records with it.
///
/// # Errors
/// A request out of bounds or a batch that the device did not sign is refused and nothing of it is stored.
pub async fn answer(
    store: &Store,
    live: &Live,
    clock: &Clock,
    device: &Device,
    request: SyncRequest,
) -> Result<Answer, Refusal> {
    let now = clock.now();
    let may_prepare = request.push.is_none() && request.page_bytes as usize >= PAGE_BYTES_TARGET;
    let fates = take(store, live, Some(clock), now, device, &request).await?;
    serve(store, (now, fates), device, request, may_prepare).await
}

/// Takes the pushed batch in, if there is one; gives its fates.
async fn take(
    store: &Store,
    live: &Live,
    clock: Option<&Clock>,
    now: Timestamp,
    device: &Device,
    request: &SyncRequest,
) -> Result<Vec<Fate>, Refusal> {
    check_bounds(device, request)?;
    let settled = match &request.push {
        Some(batch) => settle(store, now, device, batch.clone()).await?,
        None => Settled::default(),
    };
    live.moved(settled.moved);
    if let Some(clock) = clock {
        door::serve(store, live, clock, settled.at_door).await?;
    }
    Ok(settled.fates)
}

async fn serve(
    store: &Store,
    (now, fates): (Timestamp, Vec<Fate>),
    device: &Device,
    request: SyncRequest,
    may_prepare: bool,
) -> Result<Answer, Refusal> {
    let device = device.clone();
    store
        .read("page", move |tx| {
            let page = read_page(tx, &device, &request, may_prepare)?;
            let lost = match request.watermark {
                Some(told) => !watermark::is_passed(tx, told)?,
                None => false,
            };
            let come_to = watermark::latest(tx)?;
            let areas_version = areas::version(tx)?;
            let reply = SyncReply {
                server_time: now,
                fates,
                entries: page.entries,
                cursor: page.cursor,
                remaining: page.remaining,
                digests: page.digests,
                grant: (request.grant != device.grant.version).then(|| device.grant.clone()),
                areas_version: (areas_version != request.areas_version).then_some(areas_version),
                lost,
                watermark: (request.watermark != Some(come_to)).then_some(come_to),
            };
            Ok(Answer {
                reply,
                prepared: page.prepared,
                unprepared: page.unprepared,
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

/// Decides on a snapshot, off the writer's thread; then writes. Batches that name the same household take turns, or the
/// second would have to be judged again by the writer.
async fn settle(
    store: &Store,
    now: Timestamp,
    device: &Device,
    batch: Batch,
) -> Result<Settled, StoreError> {
    let households = batch.changes.iter().map(|change| change.document.household);
    let _turn = store.turn(households.map(|id| *id.as_bytes())).await;
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

/// What one page holds.
#[derive(Debug, Default)]
struct Page {
    entries: Vec<Entry>,
    prepared: Vec<Packed>,
    unprepared: BTreeSet<AreaCode>,
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

fn read_page(
    tx: &Tx<'_>,
    device: &Device,
    request: &SyncRequest,
    may_prepare: bool,
) -> Result<Page, StoreError> {
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
        may_prepare,
        room: (request.page_bytes as usize).min(PAGE_BYTES_TARGET),
        used: 0,
        entries: Vec::new(),
        prepared: Vec::new(),
        unprepared: BTreeSet::new(),
        left: BTreeSet::new(),
    };
    let feeds = granted_feeds(tx, device)?;
    let mut page = Page::default();
    for (area, last) in &feeds {
        let seq = named.get(area).copied().unwrap_or(0);
        let from = Place::from_seq(seq, *last);
        let place = if filling.is_full() {
            from
        } else {
            filling.take_area(area, from, *last)?
        };
        if seq != place.to_seq() {
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
    pages::sort(&mut page.entries);
    (page.prepared, page.unprepared) = (filling.prepared, filling.unprepared);
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
    /// Pages prepared ahead may be used.
    may_prepare: bool,
    room: usize,
    used: usize,
    entries: Vec<Entry>,
    prepared: Vec<Packed>,
    unprepared: BTreeSet<AreaCode>,
    left: BTreeSet<(AreaCode, sojourn_sync_protocol::HouseholdId)>,
}

impl Filling<'_, '_> {
    fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.prepared.is_empty()
    }

    fn is_full(&self) -> bool {
        !self.is_empty() && self.used >= self.room
    }

    /// Takes rows of one area until the page is full; gives the place reached.
    fn take_area(&mut self, area: &AreaCode, from: Place, last: u64) -> Result<Place, StoreError> {
        let mut place = from;
        let mut from_the_start = self.may_prepare && from.base == 0;
        while place.reached < last {
            if self.is_full() {
                return Ok(place);
            }
            let mut up_to = last;
            if from_the_start {
                match pages::after(self.tx, area, self.kinds, place.reached)? {
                    Some(kept) if kept.stretch.after > place.reached => up_to = kept.stretch.after,
                    Some(kept) if self.take_prepared(area, &kept)? => {
                        place.reached = kept.stretch.up_to;
                        continue;
                    }
                    Some(_) if self.is_full() => return Ok(place),
                    Some(kept) => up_to = kept.stretch.up_to,
                    None => from_the_start = false,
                }
                up_to = up_to.min(last);
            }
            if !self.take_rows(area, &mut place, up_to)? {
                return Ok(place);
            }
        }
        Ok(Place::at(last))
    }

    /// Takes a prepared page, if it holds what would be told now and there is room. A page without room for it is full.
    fn take_prepared(&mut self, area: &AreaCode, kept: &pages::Kept) -> Result<bool, StoreError> {
        if !self.is_empty() && self.used + kept.bytes > self.room {
            self.used = self.room;
            return Ok(false);
        }
        if pages::content(self.tx, area, self.kinds, kept.stretch)? != kept.content {
            return Ok(false);
        }
        let packed = pages::packed(self.tx, area, self.kinds, kept.stretch.after)?;
        let Some(packed) = packed else {
            return Ok(false);
        };
        metrics::counter!("sojourn_pages_sent_total", "made" => "ahead").increment(1);
        self.used += kept.bytes;
        self.prepared.push(packed);
        Ok(true)
    }

    /// Takes rows up to a place until the page is full; gives whether it got there.
    fn take_rows(
        &mut self,
        area: &AreaCode,
        place: &mut Place,
        up_to: u64,
    ) -> Result<bool, StoreError> {
        let before = self.used;
        let mut took_all = true;
        'page: while place.reached < up_to {
            let rows = feed::rows_after(self.tx, area, place.reached, ROWS_AT_A_TIME)?;
            if rows.is_empty() {
                break;
            }
            for row in rows {
                if row.seq > up_to {
                    break 'page;
                }
                if self.kinds.contains(&row.document.kind)
                    && let Some(entry) = self.entry(area, place.base, &row)?
                {
                    let bytes = pages::size(&entry);
                    if !self.is_empty() && self.used + bytes > self.room {
                        self.used = self.room;
                        took_all = false;
                        break 'page;
                    }
                    self.used += bytes;
                    self.entries.push(entry);
                }
                place.reached = row.seq;
            }
        }
        if self.may_prepare && place.base == 0 && self.used - before >= pages::SIZES.least {
            metrics::counter!("sojourn_pages_sent_total", "made" => "now").increment(1);
            self.unprepared.insert(area.clone());
        }
        if took_all {
            place.reached = up_to;
        }
        Ok(took_all)
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
        .read("verify", move |tx| answer_verify(tx, &device, request))
        .await
}

fn answer_verify(
    tx: &Tx<'_>,
    device: &Device,
    request: VerifyRequest,
) -> Result<VerifyReply, Refusal> {
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
mod tests;
