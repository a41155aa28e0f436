//! The service as tablets meet it: real frames, real proofs, the whole stack of layers, no socket.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response, StatusCode, header};
use ed25519_dalek::SigningKey;
use futures_util::StreamExt as _;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sojourn_sync_protocol::codec::{self, CONTENT_TYPE, Effort};
use sojourn_sync_protocol::dpop::{ProofFor, prove};
use sojourn_sync_protocol::limits::{REPLY_FRAME_BYTES_MAX, REQUEST_BYTES_MAX};
use sojourn_sync_protocol::message::{
    AreasReply, EnrolReply, EnrolRequest, SyncReply, SyncRequest, TokenReply, TokenRequest,
};
use sojourn_sync_protocol::record::SCHEMA_VERSION;
use sojourn_sync_protocol::refusal::Refusal;
use sojourn_sync_protocol::{AreaCode, StaffId, Timestamp};
use tower::ServiceExt as _;

use super::router;
use crate::clock;
use crate::code::Code;
use crate::config::Config;
use crate::devices;
use crate::staff::{self, Role, Staff};
use crate::state::AppState;
use crate::store::StoreError;

const STAFF: StaffId = StaffId::from_bytes([9; 16]);

struct World {
    _dir: tempfile::TempDir,
    state: Arc<AppState>,
    router: Router,
}

/// A tablet's side of a conversation.
struct Tablet {
    key: SigningKey,
    token: Option<String>,
}

/// What goes into one request, so that a test can spoil any part of it.
struct Sent {
    method: &'static str,
    path: &'static str,
    body: Vec<u8>,
    token: Option<String>,
    proof: Option<String>,
}

impl World {
    async fn new() -> World {
        World::with(Config::default()).await
    }

    async fn with(config: Config) -> World {
        let dir = tempfile::tempdir().unwrap();
        let state = AppState::open(dir.path(), &config).unwrap();
        let rows = "code,parent,level,name\na,,county,甲\nb,a,town,乙\nc,,county,丙\n";
        let rows = crate::areas::read_csv(rows.as_bytes()).unwrap();
        state
            .store
            .write("set up", move |tx| {
                crate::areas::import(tx, &rows).expect("the rows are right");
                let worker = Staff {
                    id: STAFF,
                    name: "丁一".to_owned(),
                    role: Role::Worker,
                };
                staff::add(tx, &worker, clock::now())
            })
            .await
            .unwrap();
        let router = router(Arc::clone(&state));
        World {
            _dir: dir,
            state,
            router,
        }
    }

    async fn code(&self, area: &'static str) -> Code {
        let random = clock::random();
        let issue = self.state.store.write("code", move |tx| {
            devices::issue(tx, clock::now(), random, STAFF, &[area_code(area)])
        });
        issue.await.unwrap()
    }

    async fn send(&self, sent: &Sent) -> Response<Body> {
        let mut request = Request::builder()
            .method(sent.method)
            .uri(sent.path)
            .header(header::CONTENT_TYPE, CONTENT_TYPE);
        if let Some(token) = &sent.token {
            request = request.header(header::AUTHORIZATION, format!("DPoP {token}"));
        }
        if let Some(proof) = &sent.proof {
            request = request.header("DPoP", proof);
        }
        let request = request.body(Body::from(sent.body.clone())).unwrap();
        self.router.clone().oneshot(request).await.unwrap()
    }

    async fn refused(&self, sent: &Sent) -> Refusal {
        let response = self.send(sent).await;
        let status = response.status().as_u16();
        let refusal: Refusal = frame(response).await;
        assert_eq!(status, refusal.status());
        refusal
    }

    async fn enrolled(&self, seed: u8, area: &'static str) -> (Tablet, EnrolReply) {
        let mut tablet = Tablet {
            key: SigningKey::from_bytes(&[seed; 32]),
            token: None,
        };
        let code = self.code(area).await.grouped();
        let reply: EnrolReply = frame(self.send(&tablet.enrol(&code)).await).await;
        tablet.token = Some(reply.token.token.clone());
        (tablet, reply)
    }
}

impl Tablet {
    fn sent<T: Serialize>(
        &self,
        method: &'static str,
        path: &'static str,
        message: Option<&T>,
    ) -> Sent {
        self.sent_at(method, path, message, clock::now())
    }

    fn sent_at<T: Serialize>(
        &self,
        method: &'static str,
        path: &'static str,
        message: Option<&T>,
        at: Timestamp,
    ) -> Sent {
        let body = message.map_or_else(Vec::new, |message| codec::encode(message, Effort::Quick));
        let url = format!("http://127.0.0.1:1{}", path.split('?').next().unwrap());
        let request = ProofFor {
            method,
            url: &url,
            token: self.token.as_deref(),
            body: &body,
        };
        let proof = prove(&self.key, request, at, clock::random());
        Sent {
            method,
            path,
            body,
            token: self.token.clone(),
            proof: Some(proof),
        }
    }

    fn enrol(&self, code: &str) -> Sent {
        let request = EnrolRequest {
            code: code.to_owned(),
            label: "tablet".to_owned(),
            schema: 1,
        };
        self.sent("POST", "/v1/enrol", Some(&request))
    }

    fn areas(&self) -> Sent {
        self.sent::<()>("GET", "/v1/areas", None)
    }
}

fn area_code(code: &str) -> AreaCode {
    code.parse().unwrap()
}

fn idle_sync() -> SyncRequest {
    SyncRequest {
        schema: 1,
        grant: 1,
        areas_version: 1,
        cursor: Vec::new(),
        page_bytes: 1 << 20,
        push: None,
        watermark: None,
    }
}

async fn bytes(response: Response<Body>) -> Vec<u8> {
    axum::body::to_bytes(response.into_body(), usize::MAX)
        .await
        .unwrap()
        .to_vec()
}

async fn frame<T: DeserializeOwned>(response: Response<Body>) -> T {
    assert_eq!(response.headers()[header::CONTENT_TYPE], CONTENT_TYPE);
    codec::decode(&bytes(response).await, REPLY_FRAME_BYTES_MAX).unwrap()
}

#[tokio::test]
async fn a_tablet_enrols_syncs_and_renews_its_token() {
    let world = World::new().await;
    let (mut tablet, reply) = world.enrolled(1, "a").await;
    assert_eq!(reply.staff_name, "丁一");
    assert_eq!(reply.grant.areas, [area_code("a")]);
    let areas: AreasReply = frame(world.send(&tablet.areas()).await).await;
    assert_eq!((areas.version, areas.areas.len()), (1, 3));
    let sync = tablet.sent("POST", "/v1/sync", Some(&idle_sync()));
    let synced: SyncReply = frame(world.send(&sync).await).await;
    assert_eq!((synced.remaining, synced.entries.len()), (0, 0));
    tablet.token = None;
    let renewal = TokenRequest {
        device: reply.device,
    };
    let renewed: TokenReply = frame(
        world
            .send(&tablet.sent("POST", "/v1/token", Some(&renewal)))
            .await,
    )
    .await;
    tablet.token = Some(renewed.token);
    assert_eq!(world.send(&tablet.areas()).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn missing_forged_expired_and_replayed_get_one_answer() {
    let world = World::new().await;
    let (tablet, enrolled) = world.enrolled(1, "a").await;
    let (stranger, _) = world.enrolled(2, "a").await;
    let good = tablet.areas();
    assert_eq!(world.send(&good).await.status(), StatusCode::OK);
    let now = clock::now();
    let expired = {
        let long_ago = now.plus_millis(-3_600_000);
        let key = tablet.key.verifying_key();
        let token = world.state.tokens.issue(enrolled.device, &key, long_ago);
        Tablet {
            key: tablet.key.clone(),
            token: Some(token.token),
        }
    };
    let stolen = Tablet {
        key: stranger.key.clone(),
        token: tablet.token.clone(),
    };
    let forged = Tablet {
        key: tablet.key.clone(),
        token: tablet.token.clone().map(|token| {
            let other = if token.ends_with('A') { 'Q' } else { 'A' };
            format!("{}{other}", &token[..token.len() - 1])
        }),
    };
    let mut wrong = vec![
        good, // Seen before.
        expired.areas(),
        stolen.areas(),
        forged.areas(),
    ];
    wrong.push(Sent {
        proof: None,
        ..tablet.areas()
    });
    wrong.push(Sent {
        token: None,
        ..tablet.areas()
    });
    wrong.push(Sent {
        proof: stranger.areas().proof,
        ..tablet.areas()
    });
    // The right proof over another body.
    let mut other = tablet.sent("POST", "/v1/sync", Some(&idle_sync()));
    other.body.push(0);
    wrong.push(other);
    let refusals =
        futures_util::future::join_all(wrong.iter().map(|sent| world.refused(sent))).await;
    assert!(
        refusals
            .iter()
            .all(|refusal| *refusal == Refusal::Unauthenticated),
        "{refusals:?}"
    );
    let bearer = Request::get("/v1/areas")
        .header(
            header::AUTHORIZATION,
            format!("Bearer {}", tablet.token.as_ref().unwrap()),
        )
        .header("DPoP", tablet.areas().proof.unwrap());
    let response = world
        .router
        .clone()
        .oneshot(bearer.body(Body::empty()).unwrap())
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(
        response.headers()[header::WWW_AUTHENTICATE],
        "DPoP algs=\"EdDSA\""
    );
}

#[tokio::test]
async fn a_wrong_clock_is_told_the_right_time() {
    let world = World::new().await;
    let (tablet, _) = world.enrolled(1, "a").await;
    let before = clock::now();
    let late = tablet.sent_at::<()>("GET", "/v1/areas", None, before.plus_millis(-400_000));
    let Refusal::ClockSkew { server_time } = world.refused(&late).await else {
        panic!("refused for the clock");
    };
    assert!(server_time >= before);
}

#[tokio::test]
async fn a_withdrawn_device_is_told_so_and_gets_no_token() {
    let world = World::new().await;
    let (mut tablet, enrolled) = world.enrolled(1, "a").await;
    let id = enrolled.device;
    let withdraw = world.state.store.write("withdraw", move |tx| {
        devices::withdraw(tx, id, clock::now())
    });
    assert!(withdraw.await.unwrap());
    assert_eq!(world.refused(&tablet.areas()).await, Refusal::Withdrawn);
    tablet.token = None;
    let renewal = tablet.sent("POST", "/v1/token", Some(&TokenRequest { device: id }));
    assert_eq!(world.refused(&renewal).await, Refusal::Withdrawn);
}

#[tokio::test]
async fn requests_that_are_no_messages_have_their_own_refusals() {
    let world = World::new().await;
    let tablet = Tablet {
        key: SigningKey::from_bytes(&[1; 32]),
        token: None,
    };
    assert_eq!(
        world.refused(&tablet.enrol("0000-0000-0000")).await,
        Refusal::Code
    );
    let request = |schema, label: &str| EnrolRequest {
        code: String::new(),
        label: label.to_owned(),
        schema,
    };
    let newer = tablet.sent("POST", "/v1/enrol", Some(&request(99, "t")));
    assert_eq!(
        world.refused(&newer).await,
        Refusal::Schema {
            known: SCHEMA_VERSION.into()
        }
    );
    let label = tablet.sent("POST", "/v1/enrol", Some(&request(1, "a\nb")));
    assert!(matches!(
        world.refused(&label).await,
        Refusal::Malformed { .. }
    ));
    let other_message = tablet.sent("POST", "/v1/enrol", Some(&"text"));
    assert!(matches!(
        world.refused(&other_message).await,
        Refusal::Malformed { .. }
    ));
    let large = Sent {
        method: "POST",
        path: "/v1/enrol",
        body: vec![0; REQUEST_BYTES_MAX + 1],
        token: None,
        proof: None,
    };
    let max = REQUEST_BYTES_MAX as u64;
    assert_eq!(world.refused(&large).await, Refusal::TooLarge { max });
    for (method, path) in [("GET", "/v2/sync"), ("GET", "/v1/sync"), ("GET", "/")] {
        let nowhere = Sent {
            method,
            path,
            body: Vec::new(),
            token: None,
            proof: None,
        };
        assert_eq!(world.refused(&nowhere).await, Refusal::NotFound, "{path}");
    }
}

/// A frame of a protocol that does not exist yet, under a proof that covers it.
#[tokio::test]
async fn another_protocol_version_is_told_ours() {
    let world = World::new().await;
    let tablet = Tablet {
        key: SigningKey::from_bytes(&[1; 32]),
        token: None,
    };
    let mut sent = tablet.enrol("x");
    sent.body[0] = 9;
    let made = ProofFor {
        method: "POST",
        url: "http://127.0.0.1:1/v1/enrol",
        token: None,
        body: &sent.body,
    };
    sent.proof = Some(prove(&tablet.key, made, clock::now(), clock::random()));
    assert_eq!(
        world.refused(&sent).await,
        Refusal::Version { min: 1, max: 1 }
    );
}

#[tokio::test]
async fn a_stream_tells_of_granted_areas_and_ends_with_the_server() {
    let world = World::new().await;
    let (tablet, _) = world.enrolled(1, "a").await;
    let response = world
        .send(&tablet.sent::<()>("GET", "/v1/live", None))
        .await;
    assert_eq!(response.status(), StatusCode::OK);
    let mut events = response.into_body().into_data_stream();
    world.state.live.moved([area_code("c")]);
    world.state.live.moved([area_code("c"), area_code("b")]);
    let event = events.next().await.unwrap().unwrap();
    let text = String::from_utf8(event.to_vec()).unwrap();
    assert_eq!(text, "event: areas\ndata: {\"areas\":[\"b\"]}\n\n");
    world.state.stopping.send_replace(true);
    assert!(events.next().await.is_none());
    assert_eq!(readiness(&world).await, StatusCode::SERVICE_UNAVAILABLE);
}

async fn readiness(world: &World) -> StatusCode {
    let request = Request::get("/readyz").body(Body::empty()).unwrap();
    world
        .router
        .clone()
        .oneshot(request)
        .await
        .unwrap()
        .status()
}

#[tokio::test]
async fn a_full_server_sheds_tablets_and_still_answers_operators() {
    let mut config = Config::default();
    config.limits.requests = 1;
    config.limits.queue_ms = 1;
    let world = World::with(config).await;
    let (tablet, _) = world.enrolled(1, "a").await;
    let held = world.state.turns.acquire().await.unwrap();
    assert!(matches!(
        world.refused(&tablet.areas()).await,
        Refusal::Busy { .. }
    ));
    assert_eq!(readiness(&world).await, StatusCode::OK);
    drop(held);
    assert_eq!(world.send(&tablet.areas()).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_closed_store_says_when_to_come_back() {
    let world = World::new().await;
    let (tablet, _) = world.enrolled(1, "a").await;
    world.state.store.close().await;
    assert!(matches!(
        world.refused(&tablet.areas()).await,
        Refusal::Unavailable { .. }
    ));
    assert_eq!(readiness(&world).await, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(Refusal::from(StoreError::DiskFull).status(), 503);
}

#[tokio::test]
async fn operators_see_metrics_without_personal_data() {
    let world = World::new().await;
    let (tablet, enrolled) = world.enrolled(1, "a").await;
    world.send(&tablet.areas()).await;
    let request = Request::get("/metrics").body(Body::empty()).unwrap();
    let response = world.router.clone().oneshot(request).await.unwrap();
    let text = String::from_utf8(bytes(response).await).unwrap();
    assert!(
        text.contains("sojourn_request_seconds_bucket{route=\"/v1/areas\""),
        "{text}"
    );
    assert!(!text.contains(&enrolled.device.to_string()));
}

#[test]
fn the_openapi_document_is_frozen() {
    insta::assert_snapshot!("openapi", super::openapi().to_pretty_json().unwrap());
}
