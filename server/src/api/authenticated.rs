//! Who speaks: a token and a fresh proof of possession for this very request. Missing, forged, expired and
//! replayed all get one answer.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use sojourn_sync_protocol::dpop::{PROOF_HEADER, TOKEN_SCHEME};
use sojourn_sync_protocol::refusal::Refusal;
use sojourn_sync_protocol::{DeviceId, Timestamp};

use super::frame::{Refused, RequestBody};
use crate::devices::{self, Device};
use crate::proof::{self, BadProof, Proof, Wanted};
use crate::state::AppState;

/// How long a key that makes too many proofs waits, milliseconds.
const TOO_MANY_RETRY_MS: u64 = 60_000;

/// The device that made the request.
#[derive(Debug)]
pub(super) struct Authenticated {
    pub(super) device: Device,
    pub(super) token_expires_at: Timestamp,
}

impl FromRequestParts<Arc<AppState>> for Authenticated {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<AppState>) -> Result<Self, Refused> {
        let now = state.clock.now();
        let token = token_of(&parts.headers).ok_or(Refusal::Unauthenticated)?;
        let proof = check_proof(parts, state, Some(token), now)?;
        let bearer = state
            .tokens
            .check(token, &proof.key, now)
            .map_err(|_| Refusal::Unauthenticated)?;
        let device = device_with(state, bearer.device, &proof).await?;
        remember(state, &proof, now)?;
        Ok(Authenticated {
            device,
            token_expires_at: bearer.expires_at,
        })
    }
}

/// The key that made the request, where no token can be asked for yet. Good once it has been remembered.
#[derive(Debug)]
pub(super) struct Possession(pub(super) Proof);

impl FromRequestParts<Arc<AppState>> for Possession {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<AppState>) -> Result<Self, Refused> {
        check_proof(parts, state, None, state.clock.now()).map(Possession)
    }
}

/// The device `id`, if this proof is by its key and it is in service.
pub(super) async fn device_with(
    state: &AppState,
    id: DeviceId,
    proof: &Proof,
) -> Result<Device, Refused> {
    let found = state.store.glance(|tx| devices::get(tx, id)).await?;
    match found {
        Some(device) if device.key != proof.key => Err(Refusal::Unauthenticated.into()),
        Some(device) if device.withdrawn => Err(Refusal::Withdrawn.into()),
        Some(device) => Ok(device),
        None => Err(Refusal::Unauthenticated.into()),
    }
}

/// Spends a proof.
pub(super) fn remember(state: &AppState, proof: &Proof, now: Timestamp) -> Result<(), Refused> {
    state
        .seen
        .remember(proof, now)
        .map_err(|error| refusal_of(error, now).into())
}

fn check_proof(
    parts: &Parts,
    state: &AppState,
    token: Option<&str>,
    now: Timestamp,
) -> Result<Proof, Refused> {
    let proof = only(&parts.headers, PROOF_HEADER).ok_or(Refusal::Unauthenticated)?;
    let wanted = Wanted {
        method: parts.method.as_str(),
        path: parts.uri.path(),
        origins: &state.origins,
        token,
        body: RequestBody::of(parts),
    };
    proof::check(proof, &wanted, now).map_err(|error| refusal_of(error, now).into())
}

fn refusal_of(error: BadProof, now: Timestamp) -> Refusal {
    match error {
        BadProof::Refused => Refusal::Unauthenticated,
        BadProof::ClockSkew => Refusal::ClockSkew { server_time: now },
        BadProof::TooMany => Refusal::Busy {
            retry_after_ms: TOO_MANY_RETRY_MS,
        },
    }
}

fn token_of(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = only(headers, AUTHORIZATION.as_str())?.split_once(' ')?;
    scheme.eq_ignore_ascii_case(TOKEN_SCHEME).then_some(token)
}

/// The value of a header that occurs exactly once.
fn only<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    if values.next().is_some() {
        return None;
    }
    value.to_str().ok()
}
