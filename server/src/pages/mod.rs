//! Pages prepared ahead: what a tablet that reads an area from the start is sent, compressed once and kept. A cache: it can
//! be dropped at any time and holds nothing that is not in the documents.
//!
//! A prepared page covers a stretch of one area's feed for one set of kinds and is kept under the digest of exactly what is
//! in it. It is served only while that digest is the one of what would be told now, so a household that was edited, moved
//! or redacted makes its page stale by itself, and only that one: the others keep their boundaries. A household that
//! leaves an area takes the page with it in the same transaction.

pub(crate) mod preparer;

use std::collections::BTreeSet;

use sha2::{Digest as _, Sha256};
use sojourn_sync_protocol::{
    AreaCode, DocKind, HouseholdId,
    codec::Packed,
    limits::PAGE_BYTES_TARGET,
    message::{Entry, Leave, WholeDocument},
    version::PROTOCOL_VERSION,
};

use crate::documents;
use crate::feed::{self, Told, Whereabouts};
use crate::params;
use crate::store::{StoreError, Tx};

pub(crate) const SCHEMA: &str = "
CREATE TABLE prepared_pages (
    area TEXT NOT NULL,
    kinds BIGINT NOT NULL,
    after_seq BIGINT NOT NULL,
    up_to_seq BIGINT NOT NULL,
    content BLOB NOT NULL,
    bytes BIGINT NOT NULL,
    items BIGINT NOT NULL,
    packed BLOB NOT NULL,
    checksum BLOB NOT NULL,
    PRIMARY KEY (area, kinds, after_seq)
);
";

/// How large prepared pages are, in bytes that count towards a page.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sizes {
    /// What a page holds at most.
    pub page: usize,
    /// One with less is joined to the next when both fit.
    pub small: usize,
    /// Less than this at the end of a feed is not worth preparing.
    pub least: usize,
}

/// The sizes used.
pub(crate) const SIZES: Sizes = Sizes {
    page: PAGE_BYTES_TARGET,
    small: PAGE_BYTES_TARGET / 4,
    least: 64 * 1024,
};

/// Bytes counted for an entry beside its documents or changes.
const ENTRY_BYTES: usize = 64;

/// A stretch of a feed: the rows after one place up to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stretch {
    /// Rows up to here come before it.
    pub after: u64,
    /// Its last row is here or before.
    pub up_to: u64,
}

/// What is known of a prepared page without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kept {
    /// Where it stands.
    pub stretch: Stretch,
    /// Digest of what is in it.
    pub content: [u8; 32],
    /// Bytes that count towards a page.
    pub bytes: usize,
}

/// A page made, to be compressed and kept.
#[derive(Debug, Clone)]
pub(crate) struct Made {
    /// Where it stands.
    pub kept: Kept,
    /// What is in it.
    pub entries: Vec<Entry>,
}

/// A set of kinds as one number.
fn bits(kinds: &[DocKind]) -> u64 {
    kinds.iter().fold(0, |bits, kind| bits | 1 << kind.code())
}

/// The prepared page that begins after a place.
pub(crate) fn after(
    tx: &Tx<'_>,
    area: &AreaCode,
    kinds: &[DocKind],
    place: u64,
) -> Result<Option<Kept>, StoreError> {
    tx.query_opt(
        "SELECT after_seq, up_to_seq, content, bytes FROM prepared_pages
         WHERE area = ?1 AND kinds = ?2 AND after_seq >= ?3 ORDER BY after_seq LIMIT 1",
        params![area.as_str(), bits(kinds), place],
        read,
    )
}

fn read(row: &crate::store::Row<'_>) -> Result<Kept, StoreError> {
    Ok(Kept {
        stretch: Stretch {
            after: row.u64(0)?,
            up_to: row.u64(1)?,
        },
        content: row.array(2)?,
        bytes: usize::try_from(row.u64(3)?).unwrap_or(usize::MAX),
    })
}

/// Every prepared page of an area for a set of kinds, in order.
fn all(tx: &Tx<'_>, area: &AreaCode, kinds: &[DocKind]) -> Result<Vec<Kept>, StoreError> {
    tx.query(
        "SELECT after_seq, up_to_seq, content, bytes FROM prepared_pages
         WHERE area = ?1 AND kinds = ?2 ORDER BY after_seq",
        params![area.as_str(), bits(kinds)],
        read,
    )
}

/// What was compressed of the page that begins after a place; `None` when it is no longer what was kept.
pub(crate) fn packed(
    tx: &Tx<'_>,
    area: &AreaCode,
    kinds: &[DocKind],
    place: u64,
) -> Result<Option<Packed>, StoreError> {
    tx.query_opt(
        "SELECT items, packed, checksum FROM prepared_pages
         WHERE area = ?1 AND kinds = ?2 AND after_seq = ?3",
        params![area.as_str(), bits(kinds), place],
        |row| {
            let packed = Packed {
                items: row.u64(0)?,
                bytes: row.blob(1)?,
            };
            Ok((packed, row.array::<32>(2)?))
        },
    )
    .map(|found| {
        let whole = found.filter(|(packed, sum)| checksum(packed) == *sum);
        whole.map(|(packed, _)| packed)
    })
}

fn checksum(packed: &Packed) -> [u8; 32] {
    Sha256::digest(&packed.bytes).into()
}

/// Keeps a page in the place of those that it overlaps.
fn keep(
    tx: &Tx<'_>,
    area: &AreaCode,
    kinds: &[DocKind],
    kept: &Kept,
    packed: &Packed,
) -> Result<(), StoreError> {
    let Stretch { after, up_to } = kept.stretch;
    tx.execute(
        "DELETE FROM prepared_pages
         WHERE area = ?1 AND kinds = ?2 AND after_seq < ?4 AND up_to_seq > ?3",
        params![area.as_str(), bits(kinds), after, up_to],
    )?;
    tx.execute(
        "INSERT INTO prepared_pages (area, kinds, after_seq, up_to_seq, content, bytes, items, packed,
            checksum)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        params![
            area.as_str(),
            bits(kinds),
            after,
            up_to,
            kept.content,
            kept.bytes,
            packed.items,
            &packed.bytes,
            checksum(packed),
        ],
    )?;
    Ok(())
}

/// Drops the pages of an area that hold what stands at a place of its feed.
pub(crate) fn forget(tx: &Tx<'_>, area: &AreaCode, place: u64) -> Result<(), StoreError> {
    tx.execute(
        "DELETE FROM prepared_pages WHERE area = ?1 AND after_seq < ?2 AND up_to_seq >= ?2",
        params![area.as_str(), place],
    )?;
    Ok(())
}

/// Digest of what a stretch tells a tablet that reads from the start.
pub(crate) fn content(
    tx: &Tx<'_>,
    area: &AreaCode,
    kinds: &[DocKind],
    stretch: Stretch,
) -> Result<[u8; 32], StoreError> {
    let mut content = Content::new();
    feed::scan_told(tx, area, stretch.after, stretch.up_to, |told| {
        if kinds.contains(&told.row.document.kind) {
            content.add(&told);
        }
        Ok(())
    })?;
    Ok(content.digest())
}

/// Adds up what is in a page.
struct Content(Sha256);

impl Content {
    fn new() -> Self {
        Self(Sha256::new_with_prefix(
            [b"sojourn-page-1\0", &[PROTOCOL_VERSION][..]].concat(),
        ))
    }

    fn add(&mut self, told: &Told) {
        self.0.update(told.row.document.to_bytes());
        self.0.update(told.row.seq.to_be_bytes());
        match &told.row.whereabouts {
            // The leaf covers the document's epoch and heads.
            Whereabouts::Here { .. } => {
                self.0.update([1]);
                self.0.update(told.leaf.unwrap_or_default());
            }
            Whereabouts::Gone { to } => {
                let code = to.as_str().as_bytes();
                self.0
                    .update([2, u8::try_from(code.len()).unwrap_or(u8::MAX)]);
                self.0.update(code);
            }
        }
    }

    fn digest(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

/// Makes the page of a stretch: what its rows tell a tablet that reads from the start.
fn make(
    tx: &Tx<'_>,
    area: &AreaCode,
    kinds: &[DocKind],
    stretch: Stretch,
) -> Result<Made, StoreError> {
    let mut content = Content::new();
    let mut rows = Vec::new();
    feed::scan_told(tx, area, stretch.after, stretch.up_to, |told| {
        if kinds.contains(&told.row.document.kind) {
            content.add(&told);
            rows.push(told.row);
        }
        Ok(())
    })?;
    let mut left: BTreeSet<HouseholdId> = BTreeSet::new();
    let mut entries = Vec::with_capacity(rows.len());
    for row in rows {
        let document = row.document;
        let area = area.clone();
        match row.whereabouts {
            Whereabouts::Gone { to } => {
                if left.insert(document.household) {
                    let household = document.household;
                    entries.push(Entry::Leave(Leave {
                        household,
                        area,
                        to,
                    }));
                }
            }
            Whereabouts::Here { .. } => {
                if let Some((epoch, saved)) = documents::saved(tx, document)? {
                    entries.push(Entry::Document(WholeDocument {
                        document,
                        area,
                        epoch,
                        saved,
                    }));
                }
            }
        }
    }
    let bytes = entries.iter().map(size).sum();
    sort(&mut entries);
    let content = content.digest();
    let kept = Kept {
        stretch,
        content,
        bytes,
    };
    Ok(Made { kept, entries })
}

/// Bytes of an entry that count towards a page.
pub(crate) fn size(entry: &Entry) -> usize {
    ENTRY_BYTES
        + match entry {
            Entry::Document(whole) => whole.saved.len(),
            Entry::Changes(new) => new.changes.iter().map(|change| change.len()).sum(),
            Entry::Leave(_) => 0,
        }
}

/// A page is taken in as a whole. Documents of one kind next to each other compress 3 % better.
pub(crate) fn sort(entries: &mut [Entry]) {
    entries.sort_by_key(|entry| match entry {
        Entry::Document(whole) => Some(whole.document.kind),
        Entry::Changes(new) => Some(new.document.kind),
        Entry::Leave(_) => None,
    });
}

/// Which stretches are to be prepared, given the place and bytes of every row and what is kept, each with whether it is
/// stale. A stretch keeps its boundaries while it is worth a page of its own.
fn plan(rows: &[(u64, usize)], kept: &[(Stretch, bool)], sizes: Sizes) -> Vec<Stretch> {
    let mut wanted = Vec::new();
    let Some(&(end, _)) = rows.last() else {
        return wanted;
    };
    let bytes_in = |after: u64, up_to: u64| -> usize {
        let within = rows.iter().filter(|(seq, _)| *seq > after && *seq <= up_to);
        within.map(|(_, bytes)| bytes).sum()
    };
    let mut after = 0;
    while after < end {
        let here = kept.iter().find(|(stretch, _)| stretch.after == after);
        let later = |place: u64| {
            kept.iter()
                .filter(move |(stretch, _)| stretch.after > place)
        };
        if let Some((stretch, stale)) = here {
            let bytes = bytes_in(after, stretch.up_to);
            let next = later(after).find(|(next, _)| next.after == stretch.up_to);
            let beyond = next.map_or(end, |(next, _)| next.up_to);
            let joined = bytes < sizes.small
                && stretch.up_to < end
                && bytes_in(after, beyond) <= sizes.page
                && (next.is_some() || bytes_in(stretch.up_to, end) >= sizes.least);
            let up_to = if joined { beyond } else { stretch.up_to };
            if joined || *stale {
                wanted.push(Stretch { after, up_to });
            }
            after = up_to;
            continue;
        }
        // Nothing begins here: as much as a page holds, up to where the next one begins.
        let limit = later(after).map(|(stretch, _)| stretch.after).min();
        let limit = limit.unwrap_or(end);
        let mut bytes = 0;
        let mut up_to = after;
        for (seq, more) in rows.iter().filter(|(seq, _)| *seq > after && *seq <= limit) {
            if bytes > 0 && bytes + more > sizes.page {
                break;
            }
            bytes += more;
            up_to = *seq;
        }
        if up_to == after {
            // Only rows that have moved on stood here.
            after = limit;
            continue;
        }
        if bytes >= sizes.least || up_to < end {
            wanted.push(Stretch { after, up_to });
        }
        after = up_to;
    }
    wanted
}

/// The stretches of an area that are to be prepared for a set of kinds.
fn unprepared(
    tx: &Tx<'_>,
    area: &AreaCode,
    kinds: &[DocKind],
    sizes: Sizes,
) -> Result<Vec<Stretch>, StoreError> {
    let mut rows = Vec::new();
    let kept = all(tx, area, kinds)?;
    let mut contents: Vec<Content> = kept.iter().map(|_| Content::new()).collect();
    feed::scan_told(tx, area, 0, u64::from(u32::MAX), |told| {
        if kinds.contains(&told.row.document.kind) {
            let seq = told.row.seq;
            let covers = |kept: &Kept| kept.stretch.after < seq && seq <= kept.stretch.up_to;
            if let Some(at) = kept.iter().position(covers) {
                contents[at].add(&told);
            }
            rows.push((seq, ENTRY_BYTES + told.bytes));
        }
        Ok(())
    })?;
    let fresh = kept.into_iter().zip(contents);
    let judged: Vec<(Stretch, bool)> = fresh
        .map(|(kept, content)| (kept.stretch, content.digest() != kept.content))
        .collect();
    Ok(plan(&rows, &judged, sizes))
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
