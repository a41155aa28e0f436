//! HTTP: every address on one page. A handler takes typed extractors, makes one call, and encodes the reply.
//! Holds no SQL and no rules.

mod authenticated;
mod bounds;
mod console;
mod enrolment;
mod exchange;
mod frame;
mod live;
mod operations;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::any;
use sojourn_sync_protocol::refusal::Refusal;
use utoipa::OpenApi as _;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;
use crate::web;
use frame::Refused;

/// Names of a tablet's two credentials in the OpenAPI document.
const TOKEN_SCHEME: &str = "token";
const PROOF_SCHEME: &str = "proof";

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Sojourn",
        description = "The central register's protocol. Bodies under /v1 are frames: a version byte, an encoding \
                       byte, then CBOR whose maps have the names given here; docs/PROTOCOL.md says it all. Bodies under \
                       /console/v1 are JSON."
    ),
    modifiers(&Credentials)
)]
struct Description;

struct Credentials;

impl utoipa::Modify for Credentials {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let components = openapi.components.get_or_insert_with(Default::default);
        let token = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .description(Some(
                "Authorization: DPoP TOKEN (RFC 9449), never Bearer; from /v1/token",
            ))
            .build();
        let proof = ApiKey::Header(ApiKeyValue::with_description(
            "DPoP",
            "A proof of possession (RFC 9449) with the body's SHA-256 as claim bd",
        ));
        let session = ApiKey::Cookie(ApiKeyValue::with_description(
            console::COOKIE,
            "A session of the console, from /console/v1/sign-in",
        ));
        components.add_security_scheme(console::SESSION_SCHEME, SecurityScheme::ApiKey(session));
        components.add_security_scheme(TOKEN_SCHEME, SecurityScheme::Http(token));
        components.add_security_scheme(PROOF_SCHEME, SecurityScheme::ApiKey(proof));
    }
}

fn routes() -> OpenApiRouter<Arc<AppState>> {
    OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(enrolment::enrol))
        .routes(routes!(enrolment::renew))
        .routes(routes!(exchange::areas))
        .routes(routes!(exchange::sync))
        .routes(routes!(exchange::verify))
        .routes(routes!(live::live))
}

fn operations() -> OpenApiRouter<Arc<AppState>> {
    OpenApiRouter::new()
        .routes(routes!(operations::healthz))
        .routes(routes!(operations::readyz))
        .routes(routes!(operations::metrics))
        .routes(routes!(operations::openapi))
}

/// The OpenAPI 3.1 document, generated from the handlers.
pub fn openapi() -> utoipa::openapi::OpenApi {
    routes()
        .merge(console::routes())
        .merge(operations())
        .into_openapi()
}

/// The whole service. Operations pages answer even when tablets have to wait for their turn.
pub fn router(state: Arc<AppState>) -> Router {
    let (tablets, _) = routes().split_for_parts();
    let (pages, _) = console::routes().split_for_parts();
    let (operations, _) = operations().split_for_parts();
    let turn =
        |busy: bounds::Busy| from_fn_with_state((Arc::clone(&state), busy), bounds::take_turn);
    let pages = pages
        .route("/console/v1/{*rest}", any(console::nowhere))
        .method_not_allowed_fallback(console::nowhere)
        .layer(from_fn_with_state(
            Arc::clone(&state),
            console::from_our_pages,
        ))
        .layer(turn(console::busy));
    tablets
        .fallback(nowhere)
        .method_not_allowed_fallback(nowhere)
        .layer(from_fn(bounds::buffer_body))
        .layer(turn(bounds::busy))
        .merge(pages)
        .merge(operations)
        .merge(web::router())
        .layer(from_fn(bounds::record))
        .with_state(state)
}

async fn nowhere() -> Refused {
    Refused(Refusal::NotFound)
}
