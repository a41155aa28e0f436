//! The exchange itself: the tree of areas, sync, verify.

use std::sync::{Arc, PoisonError};

use axum::body::Bytes;
use axum::extract::State;
use sojourn_sync_protocol::codec::{self, Effort};
use sojourn_sync_protocol::message::{
    AreasReply, SyncReply, SyncRequest, VerifyReply, VerifyRequest,
};
use sojourn_sync_protocol::refusal::Refusal;

use super::authenticated::Authenticated;
use super::frame::{Frame, Framed, Refused};
use crate::exchange::{self, Answer};
use crate::state::AppState;
use crate::store::StoreError;
use crate::{areas, pages};

/// Up to so many bytes of documents a page is compressed where it stands: handing it to another thread costs as much.
const SHORT_PAGE_BYTES: usize = 4 * 1024;

/// The whole tree of areas, so that a tablet can name places and offer where a family can move.
#[utoipa::path(
    get, path = "/v1/areas",
    responses(
        (status = 200, body = AreasReply, content_type = "application/vnd.sojourn"),
        (status = "default", body = Refusal, content_type = "application/vnd.sojourn"),
    ),
    security(("token" = [], "proof" = [])),
)]
pub(super) async fn areas(
    State(state): State<Arc<AppState>>,
    _: Authenticated,
) -> Result<Framed, Refused> {
    let version = state
        .store
        .read("version of the areas", areas::version)
        .await?;
    if let Some(frame) = remembered(&state, version) {
        return Ok(Framed::ready(frame));
    }
    let (version, frame) = state
        .store
        .read("list the areas", |tx| {
            let tree = areas::list(tx)?;
            let frame = Bytes::from(codec::encode(&tree, Effort::Page));
            Ok::<_, StoreError>((tree.version, frame))
        })
        .await?;
    *state
        .areas_frame
        .lock()
        .unwrap_or_else(PoisonError::into_inner) = Some((version, frame.clone()));
    Ok(Framed::ready(frame))
}

fn remembered(state: &AppState, version: u64) -> Option<Bytes> {
    let known = state
        .areas_frame
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    known
        .as_ref()
        .filter(|(of, _)| *of == version)
        .map(|(_, frame)| frame.clone())
}

/// At most one batch in; one fate for each of its changes out, with a page of what the tablet lacks.
#[utoipa::path(
    post, path = "/v1/sync",
    request_body(content = SyncRequest, content_type = "application/vnd.sojourn"),
    responses(
        (status = 200, body = SyncReply, content_type = "application/vnd.sojourn"),
        (status = "default", body = Refusal, content_type = "application/vnd.sojourn"),
    ),
    security(("token" = [], "proof" = [])),
)]
pub(super) async fn sync(
    State(state): State<Arc<AppState>>,
    speaker: Authenticated,
    Frame(request): Frame<SyncRequest>,
) -> Result<Framed, Refused> {
    let Answer {
        reply,
        prepared,
        unprepared,
    } = exchange::answer(
        &state.store,
        &state.live,
        &state.clock,
        &speaker.device,
        request,
    )
    .await?;
    state.preparing.ask(unprepared);
    let bytes: usize = reply.entries.iter().map(pages::size).sum();
    if prepared.is_empty() && bytes <= SHORT_PAGE_BYTES {
        return Ok(Framed::short(&reply));
    }
    if prepared.is_empty() {
        return Framed::page(reply).await;
    }
    Framed::prepared(reply, prepared).await
}

/// Narrows a digest that differs, and repairs.
#[utoipa::path(
    post, path = "/v1/verify",
    request_body(content = VerifyRequest, content_type = "application/vnd.sojourn"),
    responses(
        (status = 200, body = VerifyReply, content_type = "application/vnd.sojourn"),
        (status = "default", body = Refusal, content_type = "application/vnd.sojourn"),
    ),
    security(("token" = [], "proof" = [])),
)]
pub(super) async fn verify(
    State(state): State<Arc<AppState>>,
    speaker: Authenticated,
    Frame(request): Frame<VerifyRequest>,
) -> Result<Framed, Refused> {
    let reply = exchange::verify(&state.store, &speaker.device, request).await?;
    Framed::page(reply).await
}
