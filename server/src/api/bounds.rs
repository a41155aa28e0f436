//! What stands before every handler: a log line, a turn, a time limit, a bounded body. Nothing queues without
//! end: who cannot be served soon is told when to come back.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::HeaderValue;
use axum::http::header::HeaderName;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt as _;
use sojourn_sync_protocol::limits::REQUEST_BYTES_MAX;
use sojourn_sync_protocol::refusal::Refusal;
use tracing::Instrument as _;

use super::frame::{RefusalName, Refused, RequestBody};
use crate::clock::{self, Stopwatch};
use crate::faults;
use crate::state::AppState;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// How long a tablet that was not served waits, milliseconds.
pub(super) const BUSY_RETRY_MS: u64 = 1_000;

/// Logs and measures a request: its route, status and time, under a number; never what it says.
pub(super) async fn record(request: Request, next: Next) -> Response {
    let watch = Stopwatch::start();
    let id = format!("{:016x}", u64::from_le_bytes(clock::random()));
    let method = request.method().clone();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "none".to_owned(), |path| path.as_str().to_owned());
    let span = tracing::info_span!("request", id);
    let served = AssertUnwindSafe(next.run(request).instrument(span.clone())).catch_unwind();
    let mut response = served.await.unwrap_or_else(|_| {
        let _entered = span.enter();
        Refused(faults::internal(&HandlerPanicked)).into_response()
    });
    let status = response.status().as_u16();
    let refusal = response
        .extensions()
        .get::<RefusalName>()
        .map_or("", |name| name.0);
    let seconds = watch.elapsed().as_secs_f64();
    metrics::histogram!("sojourn_request_seconds", "route" => route.clone()).record(seconds);
    if !refusal.is_empty() {
        metrics::counter!("sojourn_refusals_total", "route" => route.clone(), "refusal" => refusal)
            .increment(1);
    }
    tracing::info!(parent: &span, %method, route, status, refusal, seconds, "served");
    // By this number a person finds in the log what went wrong; for what went well it would be bytes for nothing.
    if !refusal.is_empty()
        && let Ok(value) = HeaderValue::from_str(&id)
    {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

#[derive(Debug, thiserror::Error)]
#[error("a handler panicked")]
struct HandlerPanicked;

/// How somebody is told to come back.
pub(super) type Busy = fn() -> Response;

/// Waits for a turn, then serves within the time limit; else says with `busy` that it could not.
pub(super) async fn take_turn(
    State((state, busy)): State<(Arc<AppState>, Busy)>,
    request: Request,
    next: Next,
) -> Response {
    let waited = tokio::time::timeout(state.limits.queue(), state.turns.acquire()).await;
    let Ok(Ok(_turn)) = waited else {
        return busy();
    };
    tokio::time::timeout(state.limits.request(), next.run(request))
        .await
        .unwrap_or_else(|_| busy())
}

/// Tells a tablet to come back.
pub(super) fn busy() -> Response {
    Refused(Refusal::Busy {
        retry_after_ms: BUSY_RETRY_MS,
    })
    .into_response()
}

/// Reads the body whole, up to its bound, so that the proof over it can be checked before it is decoded.
pub(super) async fn buffer_body(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(bytes) = axum::body::to_bytes(body, REQUEST_BYTES_MAX).await else {
        // Too long, or the connection broke; to a tablet that is still there it was too long.
        return Refused(Refusal::TooLarge {
            max: REQUEST_BYTES_MAX as u64,
        })
        .into_response();
    };
    let mut request = Request::from_parts(parts, Body::empty());
    request.extensions_mut().insert(RequestBody(bytes));
    next.run(request).await
}
