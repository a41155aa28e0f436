//! The scratch copy on which changes are tried before they count. What is proved here was applied, saved,
//! loaded again and found equal in heads, bytes and content; a panic on the way is a refusal.
//!
//! The changes of a batch are judged one by one and applied to their document together: applying and proving cost as
//! much for one as for twenty. Only what depends on the document between two of them has it made.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use sojourn_sync_protocol::{
    ActorId, AreaCode, ChangeHash, DocKind, DocumentId,
    batch::Batch,
    limits::DOCUMENT_BYTES_MAX,
    message::QuarantineReason,
    record::{
        ChangeFacts, Document, HandOver, Outline, RecordError, Touch, Unfit, contradictions,
        edits_of_removed, hand_overs, residence_values, view,
    },
};

use crate::documents::{FIRST_EPOCH, Held, Saved};
use crate::review::{self, Items, RESIDENCE, Taken};
use crate::{duplicates, handover, projection, search};

/// A document before and after.
#[derive(Debug)]
pub(super) struct Scratch {
    /// Its epoch.
    pub epoch: u64,
    /// Its leaf as stored; `None` for a document that is new.
    pub leaf_before: Option<[u8; 32]>,
    /// The number of each actor's last change.
    pub last_seqs: HashMap<ActorId, u64>,
    /// The proved result; `None` while nothing was admitted.
    pub proved: Option<Saved>,
    /// A person's fields were written.
    pub shows_persons: bool,
    /// A move or the residence was written.
    pub shows_moves: bool,
    /// Something was written by which households are compared, or that was decided about two of them.
    pub shows_families: bool,
    /// Something was written by which the household is found.
    pub shows_search: bool,
    /// The document before, until all is judged: judged batches wait for the writer, several at a time.
    before: Option<Document>,
    document: Document,
    outline: Outline,
    /// Every change taken in, with its place in the batch, in order.
    taken: Vec<(usize, Taken)>,
    /// Of `taken`, how many the document holds already.
    applied: usize,
    /// Residences standing after what was taken in, once known.
    residences: Option<Vec<AreaCode>>,
}

impl Scratch {
    /// Of a document as stored.
    pub(super) fn of(held: Held, leaf: Option<[u8; 32]>) -> Self {
        Self {
            leaf_before: leaf,
            ..Self::with(held.document, held.epoch)
        }
    }

    /// Of one that nobody has written in.
    pub(super) fn new(id: DocumentId) -> Self {
        Self::with(Document::new(id), FIRST_EPOCH)
    }

    fn with(document: Document, epoch: u64) -> Self {
        Self {
            epoch,
            leaf_before: None,
            last_seqs: HashMap::new(),
            proved: None,
            shows_persons: false,
            shows_moves: false,
            shows_families: false,
            shows_search: false,
            outline: document.outline(),
            before: Some(document.clone()),
            document,
            taken: Vec::new(),
            applied: 0,
            residences: None,
        }
    }

    /// Whether it holds a change, applied or about to be.
    pub(super) fn holds(&self, hash: &ChangeHash) -> bool {
        self.outline.has_taken(hash) || self.document.has(hash)
    }

    /// What a change would write.
    pub(super) fn touches(&self, facts: &ChangeFacts) -> Result<Vec<Touch>, Unfit> {
        self.document.touches_in(&self.outline, facts)
    }

    /// The household's hand-overs, when something was written that they show.
    pub(super) fn hand_overs(&self) -> Result<Option<Vec<HandOver>>, QuarantineReason> {
        if !self.shows_moves || self.document.id().kind != DocKind::Core {
            return Ok(None);
        }
        guarded(|| hand_overs(&self.document)).map(Some)
    }

    /// The document with all that was taken in.
    pub(super) fn document(&self) -> &Document {
        &self.document
    }

    /// Takes in a change that was judged, to be applied later; gives the residences that stand after it.
    pub(super) fn take(
        &mut self,
        (place, taken): (usize, Taken),
        facts: &ChangeFacts,
        touches: &[Touch],
        batch: &Batch,
    ) -> Result<Vec<AreaCode>, QuarantineReason> {
        self.outline.take(facts);
        self.taken.push((place, taken));
        self.last_seqs.insert(facts.actor, facts.seq);
        self.shows_persons |= touches.iter().any(|touch| projection::shows(&touch.path));
        self.shows_moves |= touches.iter().any(|touch| handover::shows(&touch.path));
        self.shows_families |= touches.iter().any(|touch| duplicates::shows(&touch.path));
        self.shows_search |= touches.iter().any(|touch| search::shows(&touch.path));
        if self.document.id().kind != DocKind::Core {
            return Ok(Vec::new());
        }
        if touches.iter().any(|touch| touch.path == RESIDENCE) {
            self.apply_taken(batch)?;
            self.residences = None;
        }
        let document = &self.document;
        let standing = self
            .residences
            .get_or_insert_with(|| residence_values(document));
        Ok(standing.clone())
    }

    /// Says of the change taken in last what was found out since.
    pub(super) fn note(&mut self, contested: bool, unknown: &[AreaCode]) {
        if let Some((_, last)) = self.taken.last_mut() {
            last.contested = contested;
            last.unknown = unknown.to_vec();
        }
    }

    /// Applies and proves one change by itself, and reads all that will be read of the result.
    pub(super) fn prove_alone(&self, bytes: &[u8]) -> Result<(Document, Saved), QuarantineReason> {
        let next = apply(&self.document, &[bytes])?;
        let proved = prove(&next, self.epoch)?;
        guarded(|| {
            let read = (contradictions(&next), residence_values(&next));
            let core = next.id().kind == DocKind::Core;
            let of_core = core.then(|| {
                let seen = view(next.id().household, &next, None);
                (edits_of_removed(&next), hand_overs(&next), seen)
            });
            drop((read, of_core));
        })?;
        Ok((next, proved))
    }

    /// Puts a document that was proved by itself in the place of this one, ahead of taking in its last change.
    pub(super) fn replace(&mut self, (document, proved): (Document, Saved)) {
        self.document = document;
        self.proved = Some(proved);
        self.applied += 1;
    }

    fn apply_taken(&mut self, batch: &Batch) -> Result<(), QuarantineReason> {
        let raw: Vec<&[u8]> = self
            .taken
            .iter()
            .skip(self.applied)
            .map(|(place, _)| batch.changes[*place].bytes.as_slice())
            .collect();
        if !raw.is_empty() {
            self.document = apply(&self.document, &raw)?;
            self.applied = self.taken.len();
            self.proved = None;
        }
        Ok(())
    }

    /// Applies what is left, proves the result, and brings the household's items up to date.
    pub(super) fn finish(
        &mut self,
        batch: &Batch,
        items: &mut Items,
    ) -> Result<(), QuarantineReason> {
        let Some(mut between) = self.before.take().filter(|_| !self.taken.is_empty()) else {
            return Ok(());
        };
        self.apply_taken(batch)?;
        if self.proved.is_none() {
            self.proved = Some(prove(&self.document, self.epoch)?);
        }
        let steps: Vec<Taken> = self.taken.iter().map(|(_, taken)| taken.clone()).collect();
        let taken = &self.taken;
        let after = |at: usize| {
            between = apply(&between, &[&batch.changes[taken[at].0].bytes])?;
            Ok(between.clone())
        };
        guarded(|| review::advance_all(items, &steps, &self.document, after))?
    }
}

/// Runs something that bytes from outside could make panic.
pub(crate) fn guarded<T>(run: impl FnOnce() -> T) -> Result<T, QuarantineReason> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|_| QuarantineReason::Unsafe)
}

/// A copy with these changes in it. Whether they can be read again from it, [`prove`] shows.
fn apply(document: &Document, raw: &[&[u8]]) -> Result<Document, QuarantineReason> {
    guarded(|| document.with_changes(raw))?.map_err(|error| match error {
        RecordError::NotAChange(reason) => reason,
        RecordError::OtherGenesis => QuarantineReason::Structure,
        _ => QuarantineReason::Unsafe,
    })
}

/// Proves that a document can be saved, read again and be the same. Reading computes the hash of every change from
/// what was saved, so equal heads mean equal bytes of every change.
fn prove(document: &Document, epoch: u64) -> Result<Saved, QuarantineReason> {
    let bytes = guarded(|| document.save())?;
    if bytes.len() > DOCUMENT_BYTES_MAX {
        return Err(QuarantineReason::TooLarge);
    }
    let same = guarded(|| {
        let Ok(again) = Document::load(document.id(), &bytes) else {
            return false;
        };
        again.heads() == document.heads() && again.save() == bytes && again.shows_the_same(document)
    })?;
    if !same {
        return Err(QuarantineReason::Unsafe);
    }
    Ok(Saved::with_bytes(document, epoch, bytes))
}
