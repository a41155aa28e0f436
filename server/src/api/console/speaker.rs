//! Who asks: the holder of a session, and whether what they ask is part of their work. Then what they said, as JSON.

use std::sync::Arc;

use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::fault::Fault;
use crate::accounts::sessions::{self, Secret, SignedIn};
use crate::proof::Origins;
use crate::state::AppState;

/// Name of the cookie.
pub(in crate::api) const COOKIE: &str = "sojourn-console";
/// What a page says of a request that it makes by itself.
const UNATTENDED: &str = "sojourn-unattended";
/// Where the cookie goes.
const COOKIE_PATH: &str = "/console";

/// Somebody who is signed in.
#[derive(Debug)]
pub(super) struct Speaker(pub(super) SignedIn);

/// Somebody who settles questions.
#[derive(Debug)]
pub(super) struct Settles(pub(super) SignedIn);

/// Somebody who reads the audit trail.
#[derive(Debug)]
pub(super) struct ReadsTrail(pub(super) SignedIn);

impl FromRequestParts<Arc<AppState>> for Speaker {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<AppState>) -> Result<Self, Fault> {
        let secret = secret_of(&parts.headers).ok_or(Fault::UNAUTHENTICATED)?;
        let (now, attended) = (state.clock.now(), is_attended(&parts.headers));
        let found = sessions::signed_in(&state.store, &secret, now, attended).await?;
        found.map(Speaker).ok_or(Fault::UNAUTHENTICATED)
    }
}

impl FromRequestParts<Arc<AppState>> for Settles {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<AppState>) -> Result<Self, Fault> {
        let Speaker(who) = Speaker::from_request_parts(parts, state).await?;
        let theirs = who.staff.role.settles();
        theirs.then_some(Settles(who)).ok_or(Fault::NOT_YOURS)
    }
}

impl FromRequestParts<Arc<AppState>> for ReadsTrail {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<AppState>) -> Result<Self, Fault> {
        let Speaker(who) = Speaker::from_request_parts(parts, state).await?;
        let theirs = who.staff.role.reads_trail();
        theirs.then_some(ReadsTrail(who)).ok_or(Fault::NOT_YOURS)
    }
}

/// Whether somebody sits before the page that asks. A stream of events is opened, and opened again, by the browser.
fn is_attended(headers: &HeaderMap) -> bool {
    let streams =
        headers.get(header::ACCEPT).map(HeaderValue::as_bytes) == Some(b"text/event-stream");
    !streams && !headers.contains_key(UNATTENDED)
}

/// The secret in the cookie (RFC 6265, section 4.2.1: pairs parted by semicolons).
pub(super) fn secret_of(headers: &HeaderMap) -> Option<Secret> {
    let cookies = headers.get_all(header::COOKIE).iter();
    cookies
        .filter_map(|value| value.to_str().ok())
        .flat_map(|pairs| pairs.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == COOKIE)
        .and_then(|(_, value)| Secret::read(value))
}

/// The cookie that holds a session; without one, the cookie that ends it.
pub(super) fn cookie(origins: &Origins, secret: Option<&Secret>) -> HeaderValue {
    let value = secret.map(Secret::to_text).unwrap_or_default();
    let mut cookie = format!("{COOKIE}={value}; Path={COOKIE_PATH}; HttpOnly; SameSite=Strict");
    if origins.are_secure() {
        cookie += "; Secure";
    }
    if secret.is_none() {
        cookie += "; Max-Age=0";
    }
    HeaderValue::from_str(&cookie).expect("a cookie of plain characters")
}

/// What somebody sent, as JSON. Comes last among a handler's arguments, so that nothing is read of a stranger's.
#[derive(Debug)]
pub(super) struct Said<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<Arc<AppState>> for Said<T> {
    type Rejection = Fault;

    async fn from_request(request: Request, state: &Arc<AppState>) -> Result<Self, Fault> {
        axum::Json::<T>::from_request(request, state)
            .await
            .map(|axum::Json(said)| Said(said))
            .map_err(|error: JsonRejection| Fault::malformed(&error.body_text()))
    }
}

/// What somebody asked for in the address.
#[derive(Debug)]
pub(super) struct Asked<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequestParts<Arc<AppState>> for Asked<T> {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<AppState>) -> Result<Self, Fault> {
        Query::<T>::from_request_parts(parts, state)
            .await
            .map(|Query(asked)| Asked(asked))
            .map_err(|error: QueryRejection| Fault::malformed(&error.body_text()))
    }
}

/// An answer, which no browser keeps.
#[derive(Debug)]
pub(super) struct Answer<T>(pub(super) T);

impl<T: Serialize> IntoResponse for Answer<T> {
    fn into_response(self) -> Response {
        let fresh = [(header::CACHE_CONTROL, "no-store")];
        (fresh, axum::Json(self.0)).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pairs = pairs.iter().map(|(name, value)| {
            let name = axum::http::HeaderName::from_static(name);
            (name, HeaderValue::from_static(value))
        });
        pairs.collect()
    }

    #[test]
    fn what_a_page_asks_for_by_itself_is_no_use_of_a_session() {
        assert!(is_attended(&headers(&[("accept", "*/*")])));
        assert!(!is_attended(&headers(&[(UNATTENDED, "yes")])));
        assert!(!is_attended(&headers(&[("accept", "text/event-stream")])));
    }

    #[test]
    fn the_cookie_is_found_among_others_and_is_for_tls_where_there_is_tls() {
        let secret = Secret::read(&"A".repeat(43)).unwrap();
        let text = secret.to_text();
        let listed = Origins::Listed(vec!["https://register.example".to_owned()]);
        let set = cookie(&listed, Some(&secret));
        let set = set.to_str().unwrap();
        assert!(set.starts_with(&format!("{COOKIE}={text}; ")) && set.ends_with("; Secure"));
        let plain = cookie(&Origins::Loopback, None);
        assert!(!plain.to_str().unwrap().contains("Secure"));
        let mut sent = HeaderMap::new();
        let pairs = format!("theme=dark; {COOKIE}={text}; x=1");
        sent.insert(header::COOKIE, pairs.parse().unwrap());
        assert_eq!(secret_of(&sent), Some(secret));
        sent.insert(
            header::COOKIE,
            HeaderValue::from_static("sojourn-console=short"),
        );
        assert_eq!(secret_of(&sent), None);
    }
}
