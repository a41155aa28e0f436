//! A request by the browser's `fetch`, which says little about what went wrong and has no limits of its own, so both are here.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use futures_util::{Stream, StreamExt as _};
use send_wrapper::SendWrapper;

use super::{CONNECT_TIMEOUT, IDLE_TIMEOUT, TransportError, deepest};
use crate::clock;

/// A client; the browser keeps its connections.
pub(super) fn client() -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder().build()
}

/// Sends a request and waits for the answer's head. Nothing that the browser knows of the origin goes along: who asks, the proof
/// in the request says.
pub(super) async fn begin(
    request: reqwest::RequestBuilder,
) -> Result<reqwest::Response, TransportError> {
    let request = request.fetch_credentials_omit().fetch_cache_no_store();
    within(CONNECT_TIMEOUT + IDLE_TIMEOUT, request.send())
        .await?
        .map_err(|error| {
            if error.is_builder() {
                TransportError::Address(deepest(&error))
            } else {
                TransportError::Unreachable(deepest(&error))
            }
        })
}

/// The work of a request, which never leaves the one thread there is.
pub(super) fn on_one_thread<F: Future>(work: F) -> SendWrapper<F> {
    SendWrapper::new(work)
}

/// The body of an answer, as it arrives.
pub(super) struct Body(Pin<Box<dyn Stream<Item = reqwest::Result<Vec<u8>>>>>);

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Body").finish_non_exhaustive()
    }
}

impl Body {
    pub(super) fn of(response: reqwest::Response) -> Self {
        let bytes = response.bytes_stream();
        Self(Box::pin(
            bytes.map(|chunk| chunk.map(|bytes| bytes.to_vec())),
        ))
    }

    /// The next bytes; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<u8>>, TransportError> {
        let chunk = within(IDLE_TIMEOUT, self.0.next()).await?;
        chunk
            .transpose()
            .map_err(|error| TransportError::Cut(deepest(&error)))
    }
}

async fn within<F: Future>(limit: Duration, work: F) -> Result<F::Output, TransportError> {
    let millis = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
    tokio::select! {
        biased;
        done = work => Ok(done),
        () = clock::pause(millis) => Err(TransportError::TimedOut),
    }
}
