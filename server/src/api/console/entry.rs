//! Coming and going.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use serde::Deserialize;

use super::fault::Fault;
use super::speaker::{Answer, Said, Speaker, cookie, secret_of};
use crate::accounts::sessions::{self, Secret, SignedIn};
use crate::console::{self, Me};
use crate::state::AppState;

/// A one-time code, and the password chosen with it.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Welcome {
    account: String,
    code: String,
    password: String,
}

/// A name and a password.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SignIn {
    account: String,
    password: String,
}

type In = ([(HeaderName, HeaderValue); 1], Answer<Me>);

/// Chooses a password with a one-time code, and signs in.
#[utoipa::path(
    post, path = "/console/v1/welcome", request_body = Welcome,
    responses((status = 200, body = Me), (status = "default", body = Fault)),
)]
pub(super) async fn welcome(
    State(state): State<Arc<AppState>>,
    Said(said): Said<Welcome>,
) -> Result<In, Fault> {
    let came = (said.account.as_str(), said.code.as_str());
    let opened = state
        .gate
        .welcome(&state.store, &state.clock, came, said.password)
        .await?;
    let_in(&state, opened).await
}

/// Signs in.
#[utoipa::path(
    post, path = "/console/v1/sign-in", request_body = SignIn,
    responses((status = 200, body = Me), (status = "default", body = Fault)),
)]
pub(super) async fn sign_in(
    State(state): State<Arc<AppState>>,
    Said(said): Said<SignIn>,
) -> Result<In, Fault> {
    let opened = state
        .gate
        .sign_in(&state.store, &state.clock, &said.account, said.password)
        .await?;
    let_in(&state, opened).await
}

async fn let_in(state: &AppState, (secret, who): (Secret, SignedIn)) -> Result<In, Fault> {
    let me = console::me(&state.store, &who).await?;
    let cookie = cookie(&state.origins, Some(&secret));
    Ok(([(header::SET_COOKIE, cookie)], Answer(me)))
}

/// Ends the session. Whoever has none is told the same.
#[utoipa::path(
    post, path = "/console/v1/sign-out",
    responses((status = 204), (status = "default", body = Fault)),
    security(("session" = [])),
)]
pub(super) async fn sign_out(
    State(state): State<Arc<AppState>>,
    headers: HeaderMap,
) -> Result<(axum::http::StatusCode, [(HeaderName, HeaderValue); 1]), Fault> {
    if let Some(secret) = secret_of(&headers) {
        sessions::sign_out(&state.store, &state.clock, &secret).await?;
    }
    let cookie = cookie(&state.origins, None);
    Ok((
        axum::http::StatusCode::NO_CONTENT,
        [(header::SET_COOKIE, cookie)],
    ))
}

/// Tells who is signed in.
#[utoipa::path(
    get, path = "/console/v1/me",
    responses((status = 200, body = Me), (status = "default", body = Fault)),
    security(("session" = [])),
)]
pub(super) async fn me(
    State(state): State<Arc<AppState>>,
    Speaker(who): Speaker,
) -> Result<Answer<Me>, Fault> {
    Ok(Answer(console::me(&state.store, &who).await?))
}
