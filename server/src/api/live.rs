//! The event stream of a tablet that is online, or of a page: which of its areas have moved. It ends when the token or the session
//! does; the tablet comes back with a new one, under the grant and the tree of areas of that moment.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::Stream;
use futures_util::stream;
use sojourn_sync_protocol::message::LiveEvent;
use sojourn_sync_protocol::refusal::Refusal;
use sojourn_sync_protocol::{AreaCode, Timestamp};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::Instant;

use super::authenticated::Authenticated;
use super::frame::Refused;
use crate::areas;
use crate::live::{Heard, Listener};
use crate::state::AppState;

/// How often something is sent on a quiet stream, so that both sides know that it is open.
const HEARTBEAT: Duration = Duration::from_secs(25);
/// How long a tablet waits when too many streams are open, milliseconds.
const TOO_MANY_RETRY_MS: u64 = 60_000;

/// Tells which areas of the grant have moved, as events named `areas`.
#[utoipa::path(
    get, path = "/v1/live",
    responses(
        (status = 200, body = LiveEvent, content_type = "text/event-stream"),
        (status = "default", body = Refusal, content_type = "application/vnd.sojourn"),
    ),
    security(("token" = [], "proof" = [])),
)]
pub(super) async fn live(
    State(state): State<Arc<AppState>>,
    speaker: Authenticated,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Refused> {
    let roots = speaker.device.grant.areas;
    let listener = state.live.listen();
    Ok(stream_of(&state, listener, roots, speaker.token_expires_at).await?)
}

/// A stream of what is heard of some areas and those below them, until a moment. Listening has begun already, so that no hint
/// falls between that and the reading of the areas.
///
/// # Errors
/// [`Refusal::Busy`] while too many streams are open; the store.
pub(super) async fn stream_of(
    state: &AppState,
    listener: Listener,
    roots: Vec<AreaCode>,
    until: Timestamp,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>> + use<>>, Refusal> {
    let Ok(permit) = Arc::clone(&state.streams).try_acquire_owned() else {
        return Err(Refusal::Busy {
            retry_after_ms: TOO_MANY_RETRY_MS,
        });
    };
    let below = roots.clone();
    let granted = state
        .store
        .read("areas of a stream", move |tx| areas::subtree(tx, &below))
        .await?;
    let left = until.since(state.clock.now());
    let stream = OpenStream {
        listener,
        roots,
        granted,
        ends_at: Instant::now() + Duration::from_millis(u64::try_from(left).unwrap_or(0)),
        stopping: state.stopping.subscribe(),
        _open: Open::new(permit),
    };
    let events = stream::unfold(stream, |mut stream| async move {
        let event = stream.next_event().await?;
        Some((Ok(event), stream))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT)))
}

struct OpenStream {
    listener: Listener,
    roots: Vec<AreaCode>,
    granted: BTreeSet<AreaCode>,
    ends_at: Instant,
    stopping: watch::Receiver<bool>,
    _open: Open,
}

impl OpenStream {
    /// The next event, or `None` at the end of the stream.
    async fn next_event(&mut self) -> Option<Event> {
        loop {
            let heard = tokio::select! {
                heard = self.listener.hear() => heard,
                () = tokio::time::sleep_until(self.ends_at) => return None,
                // An error means that the server is gone.
                _ = self.stopping.wait_for(|stopping| *stopping) => return None,
            };
            let granted = |areas: &BTreeSet<AreaCode>| -> Vec<AreaCode> {
                areas.intersection(&self.granted).cloned().collect()
            };
            let (name, areas) = match heard {
                Heard::Moved(moved) => ("areas", granted(&moved)),
                Heard::AtDesks(areas) => ("desks", granted(&areas)),
                Heard::Missed => ("areas", self.roots.clone()),
                Heard::Ended => return None,
            };
            if areas.is_empty() {
                continue;
            }
            let event = Event::default().event(name);
            return event.json_data(LiveEvent { areas }).ok();
        }
    }
}

/// Counts the stream for as long as it is open.
struct Open {
    _permit: OwnedSemaphorePermit,
}

impl Open {
    fn new(permit: OwnedSemaphorePermit) -> Self {
        metrics::gauge!("sojourn_live_streams").increment(1.0);
        Open { _permit: permit }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        metrics::gauge!("sojourn_live_streams").decrement(1.0);
    }
}
