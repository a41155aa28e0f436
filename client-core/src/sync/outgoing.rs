//! The next sync request, made from the store. A batch is fixed there before it can be sent, so that the
//! same request follows whatever happens to the answer.

use sojourn_sync_protocol::limits::CURSOR_AREAS_MAX;
use sojourn_sync_protocol::message::{SyncReply, SyncRequest};
use sojourn_sync_protocol::version::SCHEMA_VERSION;

use crate::error::Error;
use crate::outbox::{self, BatchBounds};
use crate::work::Work;
use crate::{areas, identity};

/// Makes the request: at most one batch, and how far each feed has been read.
///
/// # Errors
/// [`Error::NotEnrolled`]; [`Error::Store`].
pub fn request(
    work: &mut Work<'_>,
    page_bytes: u32,
    bounds: BatchBounds,
) -> Result<SyncRequest, Error> {
    let push = outbox::next_batch(work, bounds)?;
    let grant = identity::grant(work.tx)?.ok_or(Error::NotEnrolled)?;
    let mut cursor = identity::cursors(work.tx)?;
    // An area that is not named is read from the start: slow, but nothing is missed.
    cursor.truncate(CURSOR_AREAS_MAX);
    Ok(SyncRequest {
        schema: SCHEMA_VERSION,
        grant: grant.version,
        areas_version: areas::version(work.tx)?,
        cursor,
        page_bytes,
        push,
        watermark: identity::watermark(work.tx)?,
    })
}

/// The request that will follow once this answer is committed, when only reading is left to do; `None` when that
/// cannot be told. It is a guess: it counts only if [`request`] then says the same.
pub fn following(request: &SyncRequest, reply: &SyncReply) -> Option<SyncRequest> {
    if request.push.is_some() || reply.remaining == 0 || reply.grant.is_some() {
        return None;
    }
    let mut next = request.clone();
    next.watermark = reply.watermark.or(request.watermark);
    for moved in &reply.cursor {
        let place = next
            .cursor
            .binary_search_by(|cursor| cursor.area.cmp(&moved.area));
        match place {
            Ok(at) => next.cursor[at].seq = moved.seq,
            Err(at) => next.cursor.insert(at, moved.clone()),
        }
    }
    next.cursor.truncate(CURSOR_AREAS_MAX);
    Some(next)
}
