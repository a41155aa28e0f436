//! A request by the system's network.

use std::future::Future;

use super::{CONNECT_TIMEOUT, IDLE_TIMEOUT, TransportError, deepest};

/// A client with no connection open yet.
pub(super) fn client() -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(IDLE_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .build()
}

/// Sends a request and waits for the answer's head.
pub(super) async fn begin(
    request: reqwest::RequestBuilder,
) -> Result<reqwest::Response, TransportError> {
    request.send().await.map_err(sorted)
}

/// The work of a request, which may go from thread to thread here.
pub(super) fn on_one_thread<F: Future + Send>(work: F) -> F {
    work
}

/// The body of an answer, as it arrives.
#[derive(Debug)]
pub(super) struct Body(reqwest::Response);

impl Body {
    pub(super) fn of(response: reqwest::Response) -> Self {
        Self(response)
    }

    /// The next bytes; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<u8>>, TransportError> {
        let chunk = self.0.chunk().await.map_err(sorted)?;
        Ok(chunk.map(|bytes| bytes.to_vec()))
    }
}

fn sorted(error: reqwest::Error) -> TransportError {
    if error.is_builder() {
        TransportError::Address(deepest(&error))
    } else if error.is_timeout() && !error.is_connect() {
        TransportError::TimedOut
    } else if error.is_connect() {
        TransportError::Unreachable(deepest(&error))
    } else {
        TransportError::Cut(deepest(&error))
    }
}
