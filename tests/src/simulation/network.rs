//! A network of function calls into the server's router, in which one request of a session may meet a fault. Shows
//! every answered batch to the watch.

use std::sync::{Arc, Mutex, MutexGuard};

use axum::{Router, body::Body, http};
use ed25519_dalek::SigningKey;
use sojourn_client_core::sync::transport::{Request, Response, Transport, TransportError};
use sojourn_disk::Disk;
use sojourn_sync_protocol::{
    codec::CONTENT_TYPE,
    dpop::{self, JTI_BYTES, PROOF_HEADER, ProofFor},
};
use tokio::sync::Notify;
use tower::ServiceExt as _;

use super::{frames, op::Fault, time::Hour, watch::Watch};

/// How long a slow reply takes: longer than a token is good.
const SLOW_MS: i64 = 11 * 60_000;
/// Delayed requests kept; beyond that the network drops them.
const DELAYED_MAX: usize = 16;
/// Requests of one session beyond which it is taken to go on for ever.
const SESSION_REQUESTS_MAX: usize = 300;

/// A server that answers for as long as its machine is up.
#[derive(Clone)]
pub(super) struct Served {
    pub(super) router: Router,
    pub(super) disk: Arc<Disk>,
}

/// The network.
pub(super) struct Network {
    inner: Mutex<Inner>,
    hour: Hour,
    /// Heard when the tablet at work is killed.
    pub(super) killed: Notify,
}

/// Who is at work, as whom a request can be signed anew.
#[derive(Clone)]
pub(super) struct Sender {
    pub(super) key: SigningKey,
    pub(super) wrong_by_ms: i64,
}

struct Inner {
    /// `None` while the server is down.
    server: Option<Served>,
    fault: Option<(usize, Fault)>,
    sender: Option<Sender>,
    /// Replies of this session are lost from now on.
    half_open: bool,
    delayed: Vec<Request>,
    /// A request that the next one overtakes.
    overtaken: Option<Request>,
    requests: usize,
    drawn: u64,
    watch: Watch,
}

impl Network {
    pub(super) fn new(hour: Hour) -> Self {
        Self {
            inner: Mutex::new(Inner {
                server: None,
                fault: None,
                sender: None,
                half_open: false,
                delayed: Vec::new(),
                overtaken: None,
                requests: 0,
                drawn: 0,
                watch: Watch::default(),
            }),
            hour,
            killed: Notify::new(),
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("no holder of this lock panics")
    }

    /// Connects the server, or takes it off.
    pub(super) fn connect(&self, server: Option<Served>) {
        self.inner().server = server;
    }

    pub(super) fn is_connected(&self) -> bool {
        self.inner().server.is_some()
    }

    /// What a later request meets, and who sends it.
    pub(super) fn arm(&self, fault: Option<(usize, Fault)>, sender: Option<Sender>) {
        let mut inner = self.inner();
        inner.fault = fault;
        inner.sender = sender;
        inner.half_open = false;
        inner.requests = 0;
    }

    pub(super) fn watching<T>(&self, with: impl FnOnce(&mut Watch) -> T) -> T {
        with(&mut self.inner().watch)
    }

    /// Delivers every delayed request. Nobody hears the answers.
    pub(super) async fn deliver_late(&self) -> usize {
        let delayed = std::mem::take(&mut self.inner().delayed);
        for request in &delayed {
            // A server that is down loses it.
            let _ = self.deliver(request).await;
        }
        delayed.len()
    }

    fn count(&self) {
        let mut inner = self.inner();
        inner.requests += 1;
        let endless = inner.requests > SESSION_REQUESTS_MAX;
        drop(inner);
        assert!(!endless, "a session without end");
    }

    fn next_fault(&self, request: &Request) -> Option<Fault> {
        let mut inner = self.inner();
        let (left, fault) = inner.fault.as_mut()?;
        if *fault == Fault::RenewalLost && !request.url.ends_with("/v1/token") {
            return None;
        }
        if *left > 0 {
            *left -= 1;
            return None;
        }
        let fault = *fault;
        inner.fault = None;
        // One that is overtaken is counted when that happens.
        if fault != Fault::Reordered {
            inner.watch.fired(fault.name());
        }
        Some(fault)
    }

    /// The request as another program would have made it: with another frame, signed anew.
    fn altered(&self, request: &Request, alter: fn(&[u8]) -> Vec<u8>) -> Request {
        let mut inner = self.inner();
        let mut altered = request.clone();
        let Some(sender) = inner.sender.clone().filter(|_| !request.body.is_empty()) else {
            return altered;
        };
        inner.drawn += 1;
        let mut random = [7; JTI_BYTES];
        random[4..].copy_from_slice(&inner.drawn.to_be_bytes());
        drop(inner);
        altered.body = alter(&request.body);
        let token = request.headers.iter().find_map(|(name, value)| {
            let (_, token) = value.split_once(' ')?;
            (*name == "authorization").then_some(token)
        });
        let what = ProofFor {
            method: request.method.name(),
            url: &request.url,
            token,
            body: &altered.body,
        };
        let now = self.hour.now().plus_millis(sender.wrong_by_ms);
        let proof = dpop::prove(&sender.key, what, now, random);
        for (name, value) in &mut altered.headers {
            if *name == PROOF_HEADER {
                value.clone_from(&proof);
            }
        }
        altered
    }

    /// Delivers a request, and then the one that it overtook.
    async fn exchange(&self, request: &Request) -> Result<Response, TransportError> {
        let overtaken = self.inner().overtaken.take();
        let answer = self.deliver(request).await;
        if let Some(late) = overtaken {
            self.inner().watch.fired(Fault::Reordered.name());
            let _ = self.deliver(&late).await;
        }
        if self.inner().half_open {
            return Err(TransportError::TimedOut);
        }
        answer
    }

    /// The answer as another program would have framed it.
    async fn as_from(
        &self,
        request: &Request,
        alter: fn(&[u8]) -> Vec<u8>,
    ) -> Result<Response, TransportError> {
        let mut response = self.exchange(request).await?;
        response.body = alter(&response.body);
        Ok(response)
    }

    async fn deliver(&self, request: &Request) -> Result<Response, TransportError> {
        let Some(server) = self.inner().server.clone() else {
            return Err(TransportError::Unreachable("nobody listens".into()));
        };
        let mut made = http::Request::builder()
            .method(request.method.name())
            .uri(&request.url);
        if !request.body.is_empty() {
            made = made.header("content-type", CONTENT_TYPE);
        }
        for (name, value) in &request.headers {
            made = made.header(*name, value);
        }
        let made = made
            .body(Body::from(request.body.clone()))
            .expect("the tablet makes whole requests");
        let answer = server
            .router
            .oneshot(made)
            .await
            .expect("a router always answers");
        let status = answer.status().as_u16();
        let body = axum::body::to_bytes(answer.into_body(), request.reply_max).await;
        let body = body.expect("a bounded answer").to_vec();
        if server.disk.down().is_some() {
            // It died over this request: whatever it wanted to say, nobody hears it.
            self.connect(None);
            return Err(TransportError::Cut("in this world".into()));
        }
        if request.url.ends_with("/v1/sync") && status == 200 {
            self.inner().watch.answered(&request.body, &body);
        }
        Ok(Response { status, body })
    }
}

impl Transport for Network {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let cut = || TransportError::Cut("in this world".into());
        self.count();
        match self.next_fault(&request) {
            None => self.exchange(&request).await,
            Some(Fault::RequestLost) => Err(cut()),
            Some(Fault::RequestCut { at }) => {
                let mut part = request.clone();
                part.body.truncate(at % request.body.len().max(1));
                // Whatever is said of it, the sender is gone.
                let _ = self.exchange(&part).await;
                Err(cut())
            }
            Some(Fault::ReplyLost | Fault::RenewalLost) => {
                self.exchange(&request).await?;
                Err(cut())
            }
            Some(Fault::HalfOpen) => {
                self.inner().half_open = true;
                self.exchange(&request).await
            }
            Some(Fault::Duplicated) => {
                // A proof is good once, so the copy is refused and the first answer is lost with it.
                self.exchange(&request).await?;
                self.exchange(&request).await
            }
            Some(Fault::Delayed) => {
                let delayed = &mut self.inner().delayed;
                if delayed.len() < DELAYED_MAX {
                    delayed.push(request);
                }
                Err(cut())
            }
            Some(Fault::Reordered) => {
                self.inner().overtaken = Some(request);
                Err(cut())
            }
            Some(Fault::ReplyCut { at }) => {
                let mut response = self.exchange(&request).await?;
                let end = at % response.body.len().max(1);
                response.body.truncate(end);
                Ok(response)
            }
            Some(Fault::Portal) => Err(TransportError::NotOurServer {
                status: 200,
                retry_after_ms: None,
            }),
            Some(Fault::NewerTablet) => self.exchange(&self.altered(&request, frames::newer)).await,
            Some(Fault::LaterTablet) => self.exchange(&self.altered(&request, frames::later)).await,
            Some(Fault::NewerServer) => self.as_from(&request, frames::newer).await,
            Some(Fault::LaterServer) => self.as_from(&request, frames::later).await,
            Some(Fault::KilledBefore) => {
                self.killed.notify_one();
                std::future::pending().await
            }
            Some(Fault::KilledAfter) => {
                self.exchange(&request).await?;
                self.killed.notify_one();
                std::future::pending().await
            }
            Some(Fault::ServerKilled) => {
                self.exchange(&request).await?;
                self.connect(None);
                Err(cut())
            }
            Some(Fault::Slow) => {
                let response = self.exchange(&request).await;
                self.hour.pass(SLOW_MS);
                response
            }
        }
    }
}
