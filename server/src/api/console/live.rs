//! Tells an open page that something in its areas has moved, or goes on at a desk there, so that it reads again.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::State;
use axum::response::sse::{Event, Sse};
use futures_util::Stream;
use sojourn_sync_protocol::message::LiveEvent;

use super::fault::Fault;
use super::speaker::Settles;
use crate::api::live::stream_of;
use crate::state::AppState;

/// Which of one's areas have moved, as events named `areas`; and where a question was claimed, let go, put off or taken up, as
/// events named `desks`. Ends with the session.
#[utoipa::path(
    get, path = "/console/v1/live",
    responses(
        (status = 200, body = LiveEvent, content_type = "text/event-stream"),
        (status = "default", body = Fault),
    ),
    security(("session" = [])),
)]
pub(super) async fn live(
    State(state): State<Arc<AppState>>,
    Settles(who): Settles,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Fault> {
    let listener = state.live.listen_at_a_desk();
    Ok(stream_of(&state, listener, who.areas, who.ends_at).await?)
}
