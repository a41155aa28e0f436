//! Documents in memory: at most [`DOCUMENTS_LOADED_MAX`] at once, those in use among them.
//!
//! A document is given back under the heads it then has. Whoever takes it out again compares them with the
//! stored row, so a document that was changed by a transaction that rolled back is never served.

use std::collections::HashMap;
use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard, PoisonError};

use sojourn_sync_protocol::record::Document;
use sojourn_sync_protocol::{ChangeHash, DocumentId};

/// Documents in memory at once. One takes about 24 kB (measured).
pub const DOCUMENTS_LOADED_MAX: usize = 64;

/// The documents in memory.
#[derive(Default)]
pub struct Cache {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    kept: HashMap<DocumentId, Kept>,
    clock: u64,
    in_use: usize,
    peak: usize,
}

struct Kept {
    used: u64,
    epoch: u64,
    document: Document,
}

/// A document in use. Going out of use it stays in the cache.
pub struct Loaded<'c> {
    cache: &'c Cache,
    epoch: u64,
    document: Option<Document>,
}

impl Cache {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The document, if it is here and has exactly these heads.
    pub(crate) fn take(
        &self,
        id: DocumentId,
        epoch: u64,
        heads: &[ChangeHash],
    ) -> Option<Loaded<'_>> {
        let mut inner = self.inner();
        let kept = inner.kept.remove(&id)?;
        if kept.epoch != epoch || kept.document.heads() != heads {
            return None;
        }
        inner.in_use += 1;
        drop(inner);
        Some(Loaded {
            cache: self,
            epoch,
            document: Some(kept.document),
        })
    }

    /// Takes a document that was just read into use.
    pub(crate) fn adopt(&self, epoch: u64, document: Document) -> Loaded<'_> {
        let mut inner = self.inner();
        inner.kept.remove(&document.id());
        inner.in_use += 1;
        inner.make_room();
        drop(inner);
        Loaded {
            cache: self,
            epoch,
            document: Some(document),
        }
    }

    /// Drops a document that is no longer stored.
    pub(crate) fn forget(&self, id: DocumentId) {
        self.inner().kept.remove(&id);
    }

    /// The most documents that were in memory at once.
    pub fn peak(&self) -> usize {
        self.inner().peak
    }
}

impl Inner {
    fn make_room(&mut self) {
        while !self.kept.is_empty() && self.kept.len() + self.in_use > DOCUMENTS_LOADED_MAX {
            let oldest = self
                .kept
                .iter()
                .min_by_key(|(_, kept)| kept.used)
                .map(|(id, _)| *id);
            if let Some(oldest) = oldest {
                self.kept.remove(&oldest);
            }
        }
        self.peak = self.peak.max(self.kept.len() + self.in_use);
    }
}

impl Deref for Loaded<'_> {
    type Target = Document;
    fn deref(&self) -> &Document {
        self.document
            .as_ref()
            .expect("only dropping takes the document out")
    }
}

impl DerefMut for Loaded<'_> {
    fn deref_mut(&mut self) -> &mut Document {
        self.document
            .as_mut()
            .expect("only dropping takes the document out")
    }
}

impl Drop for Loaded<'_> {
    fn drop(&mut self) {
        let Some(document) = self.document.take() else {
            return;
        };
        let mut inner = self.cache.inner();
        inner.in_use -= 1;
        inner.clock += 1;
        let used = inner.clock;
        inner.kept.insert(
            document.id(),
            Kept {
                used,
                epoch: self.epoch,
                document,
            },
        );
        inner.make_room();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sojourn_sync_protocol::{DocKind, HouseholdId};

    fn document(n: u8) -> Document {
        Document::new(DocumentId::new(
            HouseholdId::from_bytes([n; 16]),
            DocKind::Core,
        ))
    }

    #[test]
    fn at_most_so_many_are_kept_and_the_oldest_goes_first() {
        let cache = Cache::default();
        for n in 0..100 {
            drop(cache.adopt(1, document(n)));
        }
        assert_eq!(cache.peak(), DOCUMENTS_LOADED_MAX);
        let heads = document(0).heads();
        assert!(cache.take(document(0).id(), 1, &heads).is_none());
        assert!(cache.take(document(99).id(), 1, &heads).is_some());
    }

    #[test]
    fn another_state_than_the_stored_one_is_not_served() {
        let cache = Cache::default();
        drop(cache.adopt(1, document(1)));
        assert!(
            cache
                .take(document(1).id(), 1, &[ChangeHash([0; 32])])
                .is_none()
        );
        drop(cache.adopt(1, document(1)));
        assert!(
            cache
                .take(document(1).id(), 2, &document(1).heads())
                .is_none()
        );
    }
}
