//! One call of the protocol: frame the message, prove possession of the key, send, read the reply or the
//! refusal. Counts what travelled. Knows neither store nor session.

use ed25519_dalek::SigningKey;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sojourn_sync_protocol::Timestamp;
use sojourn_sync_protocol::codec::{self, CodecError, Effort};
use sojourn_sync_protocol::dpop::{self, JTI_BYTES, ProofFor};
use sojourn_sync_protocol::limits::REPLY_FRAME_BYTES_MAX;
use sojourn_sync_protocol::refusal::Refusal;

use super::session::Failure;
use super::transport::{Method, Request, Transport};

/// What travelled: requests, and bytes of bodies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Tally {
    /// Requests sent.
    pub requests: u64,
    /// Bytes of request bodies.
    pub body_bytes_up: u64,
    /// Bytes of reply bodies.
    pub body_bytes_down: u64,
}

impl Tally {
    /// Adds what else travelled.
    pub(crate) fn add(&mut self, more: &Self) {
        self.requests += more.requests;
        self.body_bytes_up += more.body_bytes_up;
        self.body_bytes_down += more.body_bytes_down;
    }
}

/// Where and as whom calls are made.
#[derive(Debug)]
pub struct Caller<'a, T> {
    /// The network.
    pub transport: &'a T,
    /// The server's address, without a path.
    pub server: &'a str,
    /// The device's key.
    pub key: &'a SigningKey,
}

/// One call.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// Method.
    pub method: Method,
    /// Path, beginning with a slash.
    pub path: &'a str,
    /// The access token, where one goes along.
    pub token: Option<&'a str>,
    /// When, by the tablet's clock.
    pub now: Timestamp,
    /// Fresh random bytes: a proof is good once.
    pub random: [u8; JTI_BYTES],
}

impl<T: Transport> Caller<'_, T> {
    /// Sends a message and reads the reply.
    ///
    /// # Errors
    /// [`Failure`]: no answer, a refusal, or an answer that cannot be read.
    pub async fn post<R: DeserializeOwned>(
        &self,
        call: Call<'_>,
        message: &impl Serialize,
        tally: &mut Tally,
    ) -> Result<R, Failure> {
        self.send(call, codec::encode(message, Effort::Quick), tally)
            .await
    }

    /// Asks without a message.
    ///
    /// # Errors
    /// As [`Caller::post`].
    pub async fn get<R: DeserializeOwned>(
        &self,
        call: Call<'_>,
        tally: &mut Tally,
    ) -> Result<R, Failure> {
        self.send(call, Vec::new(), tally).await
    }

    async fn send<R: DeserializeOwned>(
        &self,
        call: Call<'_>,
        body: Vec<u8>,
        tally: &mut Tally,
    ) -> Result<R, Failure> {
        let url = format!("{}{}", self.server, call.path);
        let proof = dpop::prove(
            self.key,
            ProofFor {
                method: call.method.name(),
                url: &url,
                token: call.token,
                body: &body,
            },
            call.now,
            call.random,
        );
        let mut headers = vec![(dpop::PROOF_HEADER, proof)];
        if let Some(token) = call.token {
            headers.push(("authorization", format!("{} {token}", dpop::TOKEN_SCHEME)));
        }
        tally.requests += 1;
        tally.body_bytes_up += count(&body);
        let request = Request {
            method: call.method,
            url,
            headers,
            body,
            reply_max: REPLY_FRAME_BYTES_MAX,
        };
        let response = self
            .transport
            .send(request)
            .await
            .map_err(Failure::Transport)?;
        tally.body_bytes_down += count(&response.body);
        if (200..300).contains(&response.status) {
            codec::decode(&response.body, REPLY_FRAME_BYTES_MAX).map_err(unreadable)
        } else {
            let refusal = codec::decode::<Refusal>(&response.body, REPLY_FRAME_BYTES_MAX);
            Err(refusal.map_or_else(unreadable, Failure::Refused))
        }
    }
}

fn count(body: &[u8]) -> u64 {
    u64::try_from(body.len()).unwrap_or(u64::MAX)
}

fn unreadable(error: CodecError) -> Failure {
    match error {
        CodecError::Version { found } => Failure::Version(found),
        other => Failure::Unusable(other.to_string()),
    }
}
