//! The pages, as files inside the program: the console under `/console/`, the tablet under `/tablet/`. What is no file there is a page
//! that the script makes from its address, so it gets the same index.
//!
//! Every answer forbids the browser whatever the pages do not need. Knows no session and no data: the pages ask for those.

use axum::Router;
use axum::extract::Path;
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
    HeaderName, IF_NONE_MATCH, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, get};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use rust_embed::{Embed, EmbeddedFile};

/// What `make web` has made; nothing but a mark of the folder where it has not run.
#[derive(Embed)]
#[folder = "web/dist/console"]
struct Console;

/// The same of the tablet.
#[derive(Embed)]
#[folder = "web/dist/tablet"]
struct Tablet;

/// Pages that belong together.
struct Site {
    get: fn(&str) -> Option<EmbeddedFile>,
    index: &'static str,
    policy: &'static str,
    abilities: &'static str,
}

const CONSOLE: Site = Site {
    get: Console::get,
    index: "index.html",
    policy: POLICY,
    abilities: ABILITIES,
};
const TABLET: Site = Site {
    get: Tablet::get,
    index: "tablet.html",
    policy: TABLET_POLICY,
    abilities: TABLET_ABILITIES,
};

/// Files whose names hold a hash of what is in them.
const HASHED: &str = "assets/";
/// Beside a file that became smaller by it, the same compressed.
const GZIP: &str = ".gz";

/// Scripts, styles and images of ours alone, nothing inline; nobody may frame the pages, and forms go nowhere by themselves.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
                      connect-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'";
/// The same, and what a tablet needs besides: its engine is compiled code, it runs in a worker, and it is installed by a manifest.
const TABLET_POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
                             img-src 'self' data:; font-src 'self'; connect-src 'self'; worker-src 'self'; \
                             manifest-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'";
/// Devices and abilities of the browser that no page asks for.
const ABILITIES: &str =
    "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()";
/// The tablet reads the office's code with the camera.
const TABLET_ABILITIES: &str =
    "camera=(self), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()";

const HEADERS: [(HeaderName, HeaderValue); 3] = [
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    ),
];

/// What is shown where the pages have not been built.
const NOT_BUILT: &str = "<!doctype html>\n<html lang=\"en\"><title>Sojourn</title>\n\
                         <p>The pages are not part of this program: run <code>make web</code> and build it again.\n\
                         <p lang=\"zh-CN\">本程序未包含页面：请运行 <code>make web</code> 后重新构建。\n";

/// The pages' addresses.
pub(crate) fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route("/console", get(async || Redirect::permanent("/console/")))
        .route("/console/", pages::<S>(&CONSOLE))
        .route("/console/{*path}", pages::<S>(&CONSOLE))
        .route("/tablet", get(async || Redirect::permanent("/tablet/")))
        .route("/tablet/", pages::<S>(&TABLET))
        .route("/tablet/{*path}", pages::<S>(&TABLET))
}

fn pages<S: Clone + Send + Sync + 'static>(site: &'static Site) -> MethodRouter<S> {
    get(async |path: Option<Path<String>>, asked: HeaderMap| {
        let path = path.map_or_else(|| site.index.to_owned(), |Path(path)| path);
        page(site, &path, &asked)
    })
}

/// One file, or the index.
fn page(site: &Site, path: &str, asked: &HeaderMap) -> Response {
    let mut reply = match found(site, path) {
        Some((name, file)) => answer(site, name, &file, asked),
        None if path.starts_with(HASHED) => StatusCode::NOT_FOUND.into_response(),
        None => {
            let html = [(CONTENT_TYPE, "text/html; charset=utf-8")];
            (StatusCode::SERVICE_UNAVAILABLE, html, NOT_BUILT).into_response()
        }
    };
    reply.headers_mut().extend(HEADERS);
    let own = [
        (CONTENT_SECURITY_POLICY, site.policy),
        (
            HeaderName::from_static("permissions-policy"),
            site.abilities,
        ),
    ];
    let own = own.map(|(name, value)| (name, HeaderValue::from_static(value)));
    reply.headers_mut().extend(own);
    reply
}

/// The file of a path. Those that browsers look for by a hash are there or not; everything else is the index.
fn found<'p>(site: &Site, path: &'p str) -> Option<(&'p str, EmbeddedFile)> {
    let plain = !path.starts_with('.') && !path.ends_with(GZIP);
    let file = (site.get)(path).filter(|_| plain);
    match file {
        Some(file) => Some((path, file)),
        None if path.starts_with(HASHED) => None,
        None => Some((site.index, (site.get)(site.index)?)),
    }
}

fn answer(site: &Site, name: &str, file: &EmbeddedFile, asked: &HeaderMap) -> Response {
    let tag = format!(
        "\"{}\"",
        BASE64_URL_SAFE_NO_PAD.encode(file.metadata.sha256_hash())
    );
    let kept = if name.starts_with(HASHED) {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let head = [
        (CACHE_CONTROL, kept),
        (CONTENT_TYPE, media_type(name)),
        (VARY, "accept-encoding"),
    ];
    let says = |header: HeaderName, wanted: &str| {
        let values = asked.get_all(header).into_iter();
        let mut texts = values.filter_map(|value| value.to_str().ok());
        texts.any(|text| text.split(',').any(|part| part.trim() == wanted))
    };
    if says(IF_NONE_MATCH, &tag) || says(IF_NONE_MATCH, &format!("W/{tag}")) {
        return (StatusCode::NOT_MODIFIED, head, [(ETAG, tag)]).into_response();
    }
    let smaller = (site.get)(&format!("{name}{GZIP}")).filter(|_| says(ACCEPT_ENCODING, "gzip"));
    match smaller {
        // The same page by another coding, so its tag is a weak one.
        Some(packed) => {
            let coded = [
                (CONTENT_ENCODING, "gzip".to_owned()),
                (ETAG, format!("W/{tag}")),
            ];
            (head, coded, packed.data).into_response()
        }
        None => (head, [(ETAG, tag)], file.data.clone()).into_response(),
    }
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("wasm") => "application/wasm",
        Some("webmanifest") => "application/manifest+json",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use tower::ServiceExt as _;

    use super::*;

    async fn get(path: &str, headers: &[(HeaderName, &str)]) -> (StatusCode, HeaderMap, Vec<u8>) {
        let mut request = Request::get(path);
        for (name, value) in headers {
            request = request.header(name, *value);
        }
        let request = request.body(Body::empty()).unwrap();
        let (head, body) = router::<()>().oneshot(request).await.unwrap().into_parts();
        let body = to_bytes(body, 16 << 20).await.unwrap();
        (head.status, head.headers, body.to_vec())
    }

    /// Some file whose name holds a hash; none where the pages have not been built.
    fn hashed() -> Option<String> {
        Console::iter()
            .map(|name| name.to_string())
            .find(|name| name.starts_with(HASHED) && name.ends_with(".js"))
    }

    #[tokio::test]
    async fn every_page_forbids_what_the_pages_do_not_need() {
        for path in ["/console/", "/console/queue?kind=late-edit", "/console/a/b"] {
            let (_, headers, body) = get(path, &[]).await;
            let policy = headers[CONTENT_SECURITY_POLICY].to_str().unwrap();
            assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"));
            assert_eq!(headers[X_CONTENT_TYPE_OPTIONS], "nosniff");
            assert_eq!(headers[REFERRER_POLICY], "no-referrer");
            assert_eq!(headers["cross-origin-opener-policy"], "same-origin");
            assert_eq!(headers[CONTENT_TYPE], "text/html; charset=utf-8");
            let page = String::from_utf8(body).unwrap();
            assert!(
                !page.contains("<style") && !page.contains("style="),
                "{page}"
            );
        }
    }

    #[tokio::test]
    async fn only_the_tablet_may_run_compiled_code_and_see() {
        let (_, headers, _) = get("/tablet/", &[]).await;
        assert_eq!(headers["permissions-policy"], TABLET_ABILITIES);
        let policy = headers[CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.contains("'wasm-unsafe-eval'") && !policy.contains("'unsafe-"));
        let (_, headers, _) = get("/console/tablet.html", &[]).await;
        assert_eq!(headers[CONTENT_SECURITY_POLICY], POLICY);
        assert_eq!(headers["permissions-policy"], ABILITIES);
        assert_eq!(get("/tablet", &[]).await.0, StatusCode::PERMANENT_REDIRECT);
    }

    #[tokio::test]
    async fn an_unknown_address_is_a_page_and_a_missing_asset_is_not() {
        let built = hashed().is_some();
        let (status, headers, _) = get("/console/question", &[]).await;
        if built {
            assert_eq!(
                (status, &headers[CACHE_CONTROL]),
                (StatusCode::OK, &"no-cache".parse().unwrap())
            );
        } else {
            assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        }
        for path in ["/console/assets/gone.js", "/console/assets/gone.js.gz"] {
            assert_eq!(get(path, &[]).await.0, StatusCode::NOT_FOUND, "{path}");
        }
        let (status, headers, _) = get("/console", &[]).await;
        assert_eq!(
            (status, &headers["location"]),
            (
                StatusCode::PERMANENT_REDIRECT,
                &"/console/".parse().unwrap()
            )
        );
    }

    #[tokio::test]
    async fn an_asset_is_kept_for_good_and_sent_small() {
        let Some(name) = hashed() else { return };
        let path = format!("/console/{name}");
        let (status, headers, plain) = get(&path, &[]).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(headers[CONTENT_TYPE], "text/javascript; charset=utf-8");
        assert!(
            headers[CACHE_CONTROL]
                .to_str()
                .unwrap()
                .contains("immutable")
        );
        let tag = headers[ETAG].to_str().unwrap().to_owned();

        let (_, headers, packed) = get(&path, &[(ACCEPT_ENCODING, "br, gzip")]).await;
        assert_eq!(headers[CONTENT_ENCODING], "gzip");
        assert!(packed.len() * 2 < plain.len());

        for known in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}")] {
            let (status, headers, body) = get(&path, &[(IF_NONE_MATCH, &known)]).await;
            assert_eq!((status, body.len()), (StatusCode::NOT_MODIFIED, 0));
            assert_eq!(headers[ETAG].to_str().unwrap(), tag);
        }
    }
}
