//! What the console's pages ask: JSON, and a session in a cookie that scripts cannot read. A request that changes something must
//! come from a page of this very server.

mod entry;
mod fault;
mod handovers;
mod households;
mod live;
mod questions;
mod speaker;
#[cfg(test)]
mod tests;
mod trail;

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;
use fault::Fault;
pub(super) use speaker::COOKIE;

/// Bytes of a request's body.
pub(super) const BODY_BYTES_MAX: usize = 64 * 1024;
/// Name of the session's credential in the OpenAPI document.
pub(super) const SESSION_SCHEME: &str = "session";

pub(super) fn routes() -> OpenApiRouter<Arc<AppState>> {
    OpenApiRouter::new()
        .routes(routes!(entry::welcome))
        .routes(routes!(entry::sign_in))
        .routes(routes!(entry::sign_out))
        .routes(routes!(entry::me))
        .routes(routes!(questions::queue))
        .routes(routes!(questions::question))
        .routes(routes!(questions::preview))
        .routes(routes!(questions::claim))
        .routes(routes!(questions::release))
        .routes(routes!(questions::decide))
        .routes(routes!(questions::undo))
        .routes(routes!(households::household))
        .routes(routes!(households::areas))
        .routes(routes!(handovers::hand_overs))
        .routes(routes!(handovers::hand_over))
        .routes(routes!(handovers::answer))
        .routes(routes!(handovers::counts))
        .routes(routes!(trail::trail))
        .routes(routes!(live::live))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
}

/// Refuses what another site's page asks for in somebody's name: a request that changes something says where it comes from.
pub(super) async fn from_our_pages(
    State(state): State<Arc<AppState>>,
    request: Request,
    next: Next,
) -> Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let origin = request.headers().get(header::ORIGIN);
    let ours = origin
        .and_then(|origin| origin.to_str().ok())
        .is_some_and(|origin| state.origins.include(origin));
    if reads || ours {
        next.run(request).await
    } else {
        Fault::ELSEWHERE.into_response()
    }
}

/// Too much is asked at once.
pub(super) fn busy() -> Response {
    Fault::busy(super::bounds::BUSY_RETRY_MS).into_response()
}

/// An address that the console does not have.
pub(super) async fn nowhere() -> Response {
    Fault::UNKNOWN.into_response()
}
