//! How a tablet comes to be known, and how it renews its token.

use std::sync::Arc;

use axum::extract::State;
use sojourn_sync_protocol::DeviceId;
use sojourn_sync_protocol::message::{EnrolReply, EnrolRequest, TokenReply, TokenRequest};
use sojourn_sync_protocol::record::SCHEMA_VERSION;
use sojourn_sync_protocol::refusal::Refusal;

use super::authenticated::{Possession, device_with, remember};
use super::frame::{Frame, Framed, Refused};
use crate::devices::{self, LABEL_BYTES_MAX, Redeemed};
use crate::state::AppState;

/// Turns a one-time code into a device. The key that signs the proof becomes the device's key.
#[utoipa::path(
    post, path = "/v1/enrol",
    request_body(content = EnrolRequest, content_type = "application/vnd.sojourn"),
    responses(
        (status = 200, body = EnrolReply, content_type = "application/vnd.sojourn"),
        (status = "default", body = Refusal, content_type = "application/vnd.sojourn"),
    ),
    security(("proof" = [])),
)]
pub(super) async fn enrol(
    State(state): State<Arc<AppState>>,
    Possession(proof): Possession,
    Frame(request): Frame<EnrolRequest>,
) -> Result<Framed, Refused> {
    let now = state.clock.now();
    let known = SCHEMA_VERSION.into();
    if request.schema > known {
        return Err(Refusal::Schema { known }.into());
    }
    let label = label(&request.label)?;
    if let Some(retry_after_ms) = state.wrong_codes.wait_ms(now) {
        return Err(Refusal::Busy { retry_after_ms }.into());
    }
    let device = DeviceId::new(now, state.clock.random());
    let key = proof.key;
    let redeemed = state
        .store
        .write("enrol a tablet", move |tx| {
            let redeemed = Redeemed {
                code: &request.code,
                key: &key,
                label: &label,
                record_schema: request.schema,
                device,
            };
            devices::redeem(tx, now, &redeemed)
        })
        .await?;
    let Some(enrolled) = redeemed else {
        state.wrong_codes.add(now);
        return Err(Refusal::Code.into());
    };
    remember(&state, &proof, now)?;
    let token = state.tokens.issue(enrolled.device, &key, now);
    Ok(Framed::short(&EnrolReply {
        device: enrolled.device,
        staff: enrolled.staff,
        staff_name: enrolled.staff_name,
        grant: enrolled.grant,
        token,
    }))
}

/// What people call the tablet, without what would spoil a list of tablets.
fn label(written: &str) -> Result<String, Refusal> {
    let label = written.trim();
    if label.len() > LABEL_BYTES_MAX || label.chars().any(char::is_control) {
        return Err(Refusal::Malformed {
            detail: format!("a label is at most {LABEL_BYTES_MAX} bytes of text"),
        });
    }
    Ok(label.to_owned())
}

/// A new access token for a device that shows possession of its key.
#[utoipa::path(
    post, path = "/v1/token",
    request_body(content = TokenRequest, content_type = "application/vnd.sojourn"),
    responses(
        (status = 200, body = TokenReply, content_type = "application/vnd.sojourn"),
        (status = "default", body = Refusal, content_type = "application/vnd.sojourn"),
    ),
    security(("proof" = [])),
)]
pub(super) async fn renew(
    State(state): State<Arc<AppState>>,
    Possession(proof): Possession,
    Frame(request): Frame<TokenRequest>,
) -> Result<Framed, Refused> {
    let now = state.clock.now();
    let device = device_with(&state, request.device, &proof).await?;
    remember(&state, &proof, now)?;
    let token = state.tokens.issue(device.id, &device.key, now);
    Ok(Framed::short(&token))
}
