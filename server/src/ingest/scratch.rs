//! The scratch copy on which changes are tried before they count. What is proved here was applied, saved,
//! loaded again and found equal in heads, bytes and content; a panic on the way is a refusal.

use std::panic::{AssertUnwindSafe, catch_unwind};

use sojourn_sync_protocol::{
    limits::DOCUMENT_BYTES_MAX,
    message::QuarantineReason,
    record::{Document, RecordError, contradictions},
};

use crate::documents::Saved;

/// Runs something that bytes from outside could make panic.
pub(super) fn guarded<T>(run: impl FnOnce() -> T) -> Result<T, QuarantineReason> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|_| QuarantineReason::Unsafe)
}

/// Applies one change to a copy, from which it can be read again; on an error the copy is as before.
pub(super) fn apply(document: &mut Document, bytes: &[u8]) -> Result<(), QuarantineReason> {
    match document.take_in(&[bytes]) {
        Ok(_) => Ok(()),
        Err(RecordError::NotAChange(reason)) => Err(reason),
        Err(RecordError::OtherGenesis) => Err(QuarantineReason::Structure),
        Err(_) => Err(QuarantineReason::Unsafe),
    }
}

/// Proves that a document can be saved, read again and be the same.
pub(super) fn prove(document: &Document, epoch: u64) -> Result<Saved, QuarantineReason> {
    let bytes = guarded(|| document.save())?;
    if bytes.len() > DOCUMENT_BYTES_MAX {
        return Err(QuarantineReason::TooLarge);
    }
    let same = guarded(|| {
        let Ok(again) = Document::load(document.id(), &bytes) else {
            return false;
        };
        again.heads() == document.heads()
            && again.save() == bytes
            && again.shows_the_same(document)
            && contradictions(&again) == contradictions(document)
    })?;
    if !same {
        return Err(QuarantineReason::Unsafe);
    }
    Ok(Saved::with_bytes(document, epoch, bytes))
}
