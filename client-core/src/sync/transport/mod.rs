//! One request to the server and its answer. `Transport` is what a session needs of a network; the real
//! one is HTTP with TLS, another replays a script.
//!
//! Answers are bounded while they arrive. What does not come from the server of this protocol (the page
//! of a captive portal, a proxy's error) is an error of its own, never data. Knows no message.

#[cfg(target_family = "wasm")]
#[path = "browser.rs"]
mod link;
#[cfg(not(target_family = "wasm"))]
#[path = "native.rs"]
mod link;

use std::future::Future;
use std::time::Duration;

use sojourn_sync_protocol::codec::CONTENT_TYPE;

const EVENT_STREAM: &str = "text/event-stream";
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long nothing may arrive. A slow link may take any time as a whole.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// HTTP method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// `GET`.
    Get,
    /// `POST`.
    Post,
}

impl Method {
    /// As it is written on the wire and in a proof.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Method.
    pub method: Method,
    /// Full address.
    pub url: String,
    /// Headers besides the content type.
    pub headers: Vec<(&'static str, String)>,
    /// A frame; empty with `GET`.
    pub body: Vec<u8>,
    /// Bytes of the answer's body that are accepted.
    pub reply_max: usize,
}

/// The answer: certainly a frame of this protocol, whatever its status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// The frame.
    pub body: Vec<u8>,
}

/// Why no answer came.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// The address cannot be used. Correct it.
    #[error("the address cannot be used: {0}")]
    Address(String),
    /// No connection: no network, no such host, nobody listening, or a certificate that does not fit.
    #[error("no connection: {0}")]
    Unreachable(String),
    /// Nothing arrived for too long.
    #[error("the server fell silent")]
    TimedOut,
    /// The connection ended before the answer was whole.
    #[error("the connection was cut: {0}")]
    Cut(String),
    /// Something else answered: a captive portal, a proxy, another program.
    #[error("what answered (status {status}) is not the server")]
    NotOurServer {
        /// HTTP status.
        status: u16,
        /// Milliseconds it asks to wait.
        retry_after_ms: Option<u64>,
    },
    /// The answer is larger than accepted.
    #[error("an answer of more than {max} bytes")]
    TooLarge {
        /// Bound in bytes.
        max: usize,
    },
}

impl TransportError {
    /// Whether the same request may succeed later.
    pub const fn may_pass(&self) -> bool {
        !matches!(self, Self::Address(_) | Self::TooLarge { .. })
    }

    /// Milliseconds the other side asks to wait.
    pub const fn retry_after_ms(&self) -> Option<u64> {
        match self {
            Self::NotOurServer { retry_after_ms, .. } => *retry_after_ms,
            _ => None,
        }
    }
}

/// What carries a request.
pub trait Transport {
    /// Sends a request and gathers the answer. Dropping the future abandons both.
    fn send(
        &self,
        request: Request,
    ) -> impl Future<Output = Result<Response, TransportError>> + Send;
}

/// HTTP/1.1 or 2, TLS where the address says `https`.
#[derive(Debug, Clone)]
pub struct Http {
    client: reqwest::Client,
}

impl Http {
    /// A client with no connection open yet.
    ///
    /// # Errors
    /// [`TransportError::Unreachable`] when the system's TLS settings cannot be read.
    pub fn new() -> Result<Self, TransportError> {
        let client =
            link::client().map_err(|error| TransportError::Unreachable(deepest(&error)))?;
        Ok(Self { client })
    }

    /// Sends a request whose answer goes on for as long as both sides like.
    ///
    /// # Errors
    /// [`TransportError`]; a refusal by the server is no error, see [`Streamed::Frame`].
    pub async fn stream(&self, request: Request) -> Result<Streamed, TransportError> {
        let max = request.reply_max;
        let response = self.begin(request).await?;
        if response.status() == reqwest::StatusCode::OK && is_of(&response, EVENT_STREAM) {
            return Ok(Streamed::Open(ByteStream(link::Body::of(response))));
        }
        whole(response, max).await.map(Streamed::Frame)
    }

    async fn begin(&self, request: Request) -> Result<reqwest::Response, TransportError> {
        let url = reqwest::Url::parse(&request.url)
            .map_err(|error| TransportError::Address(error.to_string()))?;
        let method = match request.method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
        };
        let mut builder = self.client.request(method, url);
        if request.method == Method::Post {
            builder = builder
                .header(reqwest::header::CONTENT_TYPE, CONTENT_TYPE)
                .body(request.body);
        }
        for (name, value) in request.headers {
            builder = builder.header(name, value);
        }
        link::begin(builder).await
    }
}

impl Transport for Http {
    fn send(
        &self,
        request: Request,
    ) -> impl Future<Output = Result<Response, TransportError>> + Send {
        link::on_one_thread(async move {
            let max = request.reply_max;
            whole(self.begin(request).await?, max).await
        })
    }
}

/// What a request for a stream got.
#[derive(Debug)]
pub enum Streamed {
    /// The stream.
    Open(ByteStream),
    /// A frame instead: the server says why not.
    Frame(Response),
}

/// An answer that goes on for as long as both sides like.
#[derive(Debug)]
pub struct ByteStream(link::Body);

impl ByteStream {
    /// The next bytes; `None` at the end.
    ///
    /// # Errors
    /// [`TransportError::TimedOut`] when nothing arrived for too long, [`TransportError::Cut`].
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, TransportError> {
        self.0.next().await
    }
}

/// Gathers a frame, at most `max` bytes of it.
async fn whole(response: reqwest::Response, max: usize) -> Result<Response, TransportError> {
    let status = response.status().as_u16();
    if !is_of(&response, CONTENT_TYPE) {
        let retry_after_ms = retry_after_ms(&response);
        return Err(TransportError::NotOurServer {
            status,
            retry_after_ms,
        });
    }
    let promised = response
        .content_length()
        .and_then(|len| usize::try_from(len).ok());
    if promised.is_some_and(|len| len > max) {
        return Err(TransportError::TooLarge { max });
    }
    let mut arriving = link::Body::of(response);
    let mut body = Vec::new();
    while let Some(chunk) = arriving.next().await? {
        if body.len() + chunk.len() > max {
            return Err(TransportError::TooLarge { max });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Response { status, body })
}

fn is_of(response: &reqwest::Response, content_type: &str) -> bool {
    let kind = response.headers().get(reqwest::header::CONTENT_TYPE);
    kind.and_then(|kind| kind.to_str().ok())
        .is_some_and(|kind| {
            kind.split(';')
                .next()
                .is_some_and(|kind| kind.trim().eq_ignore_ascii_case(content_type))
        })
}

/// `Retry-After` in its form of seconds; the form of a date is not worth a calendar.
fn retry_after_ms(response: &reqwest::Response) -> Option<u64> {
    let value = response
        .headers()
        .get(reqwest::header::RETRY_AFTER)?
        .to_str()
        .ok()?;
    value
        .trim()
        .parse::<u64>()
        .ok()
        .map(|seconds| seconds.saturating_mul(1000))
}

/// The innermost cause: what the system said, without the address in it.
fn deepest(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
