//! Frames as HTTP bodies: requests in, replies and refusals out.

use axum::body::Bytes;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sojourn_sync_protocol::codec::{self, CONTENT_TYPE, CodecError, Effort, Packed};
use sojourn_sync_protocol::limits::REQUEST_FRAME_BYTES_MAX;
use sojourn_sync_protocol::message::SyncReply;
use sojourn_sync_protocol::refusal::Refusal;
use sojourn_sync_protocol::version::{PROTOCOL_VERSION, PROTOCOL_VERSION_MIN};

use crate::faults;

/// The body as it travelled, read whole before any extractor runs: the proof covers its digest.
#[derive(Debug, Clone)]
pub(super) struct RequestBody(pub(super) Bytes);

impl RequestBody {
    pub(super) fn of(parts: &Parts) -> &[u8] {
        parts
            .extensions
            .get::<RequestBody>()
            .map_or(&[], |body| &body.0)
    }
}

/// A request message, decoded. Comes after `Authenticated` among a handler's arguments, so that nothing is
/// decoded for a stranger.
#[derive(Debug)]
pub(super) struct Frame<T>(pub(super) T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Frame<T> {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refused> {
        let typed = parts.headers.get(header::CONTENT_TYPE);
        if typed.is_none_or(|value| value.as_bytes() != CONTENT_TYPE.as_bytes()) {
            return Err(Refused(Refusal::Malformed {
                detail: format!("the content type must be {CONTENT_TYPE}"),
            }));
        }
        codec::decode(RequestBody::of(parts), REQUEST_FRAME_BYTES_MAX)
            .map(Frame)
            .map_err(|error| Refused(refusal_of(&error)))
    }
}

fn refusal_of(error: &CodecError) -> Refusal {
    match error {
        CodecError::Version { .. } => Refusal::Version {
            min: PROTOCOL_VERSION_MIN,
            max: PROTOCOL_VERSION,
        },
        CodecError::TooLarge { max } => Refusal::TooLarge { max: *max as u64 },
        // What the decoder says of CBOR can repeat content; it stays here.
        CodecError::Cbor(_) => Refusal::Malformed {
            detail: "not the CBOR of the message expected".to_owned(),
        },
        CodecError::Encoding | CodecError::Compression => Refusal::Malformed {
            detail: error.to_string(),
        },
    }
}

/// An encoded reply.
#[derive(Debug)]
pub(super) struct Framed(Bytes);

impl Framed {
    /// Bytes that are a frame already.
    pub(super) fn ready(frame: Bytes) -> Self {
        Framed(frame)
    }

    /// Encodes a short message where it stands.
    pub(super) fn short<T: Serialize>(message: &T) -> Self {
        Framed(codec::encode(message, Effort::Quick).into())
    }

    /// Encodes a page on a thread that may take its time.
    pub(super) async fn page<T: Serialize + Send + 'static>(message: T) -> Result<Self, Refused> {
        tokio::task::spawn_blocking(move || codec::encode(&message, Effort::Page))
            .await
            .map(|frame| Framed(frame.into()))
            .map_err(|error| Refused(faults::internal(&error)))
    }

    /// Encodes a page of which a part is compressed already.
    pub(super) async fn prepared(
        mut reply: SyncReply,
        prepared: Vec<Packed>,
    ) -> Result<Self, Refused> {
        let fresh = std::mem::take(&mut reply.entries);
        tokio::task::spawn_blocking(move || {
            codec::encode_with_packed(&reply, "entries", &fresh, &prepared)
        })
        .await
        .map(|frame| Framed(frame.into()))
        .map_err(|error| Refused(faults::internal(&error)))
    }
}

impl IntoResponse for Framed {
    fn into_response(self) -> Response {
        ([(header::CONTENT_TYPE, CONTENT_TYPE)], self.0).into_response()
    }
}

/// A refusal as a response: its frame, its status, and how long to wait.
#[derive(Debug)]
pub(super) struct Refused(pub(super) Refusal);

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Refused(refusal)
    }
}

impl From<crate::store::StoreError> for Refused {
    fn from(error: crate::store::StoreError) -> Self {
        Refused(error.into())
    }
}

/// The name of the refusal that a response carries, for logs and metrics.
#[derive(Debug, Clone)]
pub(super) struct RefusalName(pub(super) &'static str);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let mut response = Framed::short(&self.0).into_response();
        *response.status_mut() =
            StatusCode::from_u16(self.0.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        if let Some(ms) = self.0.retry_after_ms() {
            headers.insert(header::RETRY_AFTER, ms.div_ceil(1000).into());
        }
        if response.status() == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("DPoP algs=\"EdDSA\"");
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, challenge);
        }
        response.extensions_mut().insert(RefusalName(name(&self.0)));
        response
    }
}

/// The name of a refusal, for logs, metrics and pages.
pub(super) fn name(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::Malformed { .. } => "malformed",
        Refusal::Version { .. } => "version",
        Refusal::Schema { .. } => "schema",
        Refusal::TooLarge { .. } => "too-large",
        Refusal::Unauthenticated => "unauthenticated",
        Refusal::ClockSkew { .. } => "clock-skew",
        Refusal::Withdrawn => "withdrawn",
        Refusal::Code => "code",
        Refusal::UnknownArea { .. } => "unknown-area",
        Refusal::Busy { .. } => "busy",
        Refusal::Unavailable { .. } => "unavailable",
        Refusal::NotFound => "not-found",
        Refusal::Internal { .. } => "internal",
    }
}
