//! A small world in one process: the server's whole router and real tablets, function calls for a network.

use axum::{Router, body::Body, http};
use serde_json::Value;
use sojourn_client_core::{
    Tablet,
    clock::SeededRandom,
    enrol::{self, Enrolment},
    store::KeyCost,
    sync::{
        driver::{self, Options, Report, Surroundings, SystemClock},
        session::RetryPolicy,
        transport::{Request, Response, Transport, TransportError},
    },
};
use sojourn_server::{
    api,
    check::{self, CheckReport},
    clock,
    config::Config,
    export,
    office::{self, Command, Outcome},
    state::AppState,
};
use sojourn_sync_protocol::AreaCode;
use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex},
};
use tempfile::TempDir;
use tokio::{runtime::Runtime, sync::mpsc};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

/// The villages of the world.
pub(crate) const VILLAGES: [&str; 3] = ["v1", "v2", "v3"];
/// Where each tablet works: two share a village.
pub(crate) const TABLETS: [&str; 4] = ["v1", "v1", "v2", "v3"];

/// What happens to the next requests of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The request never arrives.
    RequestLost,
    /// The server does its work and the reply is lost.
    ReplyLost,
    /// The request arrives twice; the second answer is the one that counts.
    Duplicated,
}

/// A network of function calls: after some requests, one of them meets a fault.
pub(crate) struct Network {
    router: Router,
    fault: Mutex<Option<(usize, Fault)>>,
}

impl Network {
    /// What the next request meets.
    fn next_fault(&self) -> Option<Fault> {
        let mut fault = self.fault.lock().expect("no holder of this lock panics");
        match fault.as_mut() {
            Some((0, _)) => fault.take().map(|(_, what)| what),
            Some((left, _)) => {
                *left -= 1;
                None
            }
            None => None,
        }
    }

    async fn deliver(&self, request: &Request) -> Result<Response, TransportError> {
        let mut made = http::Request::builder()
            .method(request.method.name())
            .uri(&request.url);
        if !request.body.is_empty() {
            made = made.header("content-type", sojourn_sync_protocol::codec::CONTENT_TYPE);
        }
        for (name, value) in &request.headers {
            made = made.header(*name, value);
        }
        let made = made
            .body(Body::from(request.body.clone()))
            .expect("the tablet makes whole requests");
        let answer = self
            .router
            .clone()
            .oneshot(made)
            .await
            .expect("a router always answers");
        let status = answer.status().as_u16();
        let body = axum::body::to_bytes(answer.into_body(), request.reply_max).await;
        Ok(Response {
            status,
            body: body.expect("a bounded answer").to_vec(),
        })
    }
}

impl Transport for Network {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let lost = || TransportError::Cut("in this world".into());
        match self.next_fault() {
            None => self.deliver(&request).await,
            Some(Fault::RequestLost) => Err(lost()),
            Some(Fault::ReplyLost) => {
                self.deliver(&request).await?;
                Err(lost())
            }
            Some(Fault::Duplicated) => {
                // A proof is good once, so the copy is refused and the first answer is lost with it.
                self.deliver(&request).await?;
                self.deliver(&request).await
            }
        }
    }
}

/// The world.
pub(crate) struct World {
    _folder: TempDir,
    runtime: Runtime,
    state: Arc<AppState>,
    network: Network,
    random: Mutex<SeededRandom>,
    /// The tablets, as in [`TABLETS`].
    pub(crate) tablets: Vec<Tablet>,
}

impl World {
    /// Sets up the server and enrols the tablets.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let (state, network, tablets) = runtime.block_on(async {
            let state = AppState::open(&folder.path().join("server"), &Config::default()).expect("a register");
            let network = Network { router: api::router(Arc::clone(&state)), fault: Mutex::new(None) };
            let tree = "code,parent,level,name\nP,,county,县\nv1,P,village,甲\nv2,P,village,乙\nv3,P,village,丙\n";
            run(&state, Command::ImportAreas { csv: tree.into() }).await;
            let mut tablets = Vec::new();
            for (at, area) in TABLETS.into_iter().enumerate() {
                let dir = folder.path().join(format!("tablet-{at}"));
                let random = Box::new(SeededRandom::new(at as u64 + 1));
                let opened = Tablet::open_at_cost(&dir, "p", KeyCost::TESTS, clock::now(), random).expect("a tablet");
                enrol_one(&state, &network, &opened.tablet, area, at as u64).await;
                tablets.push(opened.tablet);
            }
            (state, network, tablets)
        });
        Self {
            _folder: folder,
            runtime,
            state,
            network,
            random: Mutex::new(SeededRandom::new(1000)),
            tablets,
        }
    }

    /// One session of a tablet, with a fault after so many requests.
    pub(crate) fn sync(&self, tablet: usize, fault: Option<(usize, Fault)>) -> Report {
        *self
            .network
            .fault
            .lock()
            .expect("no holder of this lock panics") = fault;
        let mut random = self.random.lock().expect("no holder of this lock panics");
        let cancel = CancellationToken::new();
        let around = Surroundings {
            tablet: &self.tablets[tablet],
            transport: &self.network,
            clock: &SystemClock,
            random: &mut *random,
            cancel: &cancel,
        };
        let retry = RetryPolicy {
            retries: 0,
            ..RetryPolicy::default()
        };
        // A small page, so that a session is many requests.
        let options = Options {
            retry,
            page_bytes: 2048,
            ..Options::default()
        };
        self.runtime
            .block_on(driver::run(around, options, &mut |_, _| {}))
            .expect("the tablet works")
    }

    /// What a tablet holds, by household, numbers of people masked.
    pub(crate) fn held(&self, tablet: usize) -> BTreeMap<String, Value> {
        let mut held = BTreeMap::new();
        let export = self.tablets[tablet].export(|mut view| {
            view.mask_id_numbers();
            held.insert(
                view.id.to_string(),
                serde_json::to_value(&view).expect("plain JSON"),
            );
            Ok::<_, sojourn_client_core::Error>(())
        });
        export.expect("the tablet can be read");
        held
    }

    /// What the register holds of an area, by household.
    pub(crate) fn register(&self, area: &str) -> BTreeMap<String, Value> {
        let area: AreaCode = area.parse().expect("a code");
        let out = Shared::default();
        let writing = export::households(&self.state.store, Some(area), out.clone());
        self.runtime
            .block_on(writing)
            .expect("the register can be read");
        let bytes = out.0.lock().expect("no holder of this lock panics").clone();
        let line = |line: &str| -> (String, Value) {
            let mut value: Value = serde_json::from_str(line).expect("a line of JSON");
            let fields = value.as_object_mut().expect("an object");
            for added in ["area", "contested", "reviews"] {
                fields.remove(added);
            }
            (value["id"].as_str().expect("an id").to_owned(), value)
        };
        String::from_utf8(bytes)
            .expect("UTF-8")
            .lines()
            .map(line)
            .collect()
    }

    /// The server's check of itself.
    pub(crate) fn check(&self) -> CheckReport {
        self.runtime
            .block_on(check::check(&self.state.store))
            .expect("the register can be read")
    }
}

/// Somewhere to write that can be read afterwards.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl io::Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .lock()
            .expect("no holder of this lock panics")
            .write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

async fn run(state: &AppState, command: Command) -> Outcome {
    let (lines, _unread) = mpsc::channel(1);
    office::run(&state.store, command, lines)
        .await
        .expect("the office can do this")
}

async fn enrol_one(state: &AppState, network: &Network, tablet: &Tablet, area: &str, seed: u64) {
    let areas = vec![area.parse().expect("a code")];
    let Outcome::Code(issued) = run(state, Command::DeviceCode { staff: None, areas }).await else {
        panic!("a code was asked for");
    };
    let wanted = Enrolment {
        server: "http://127.0.0.1",
        code: &issued.code,
        label: area,
    };
    let mut random = SeededRandom::new(100 + seed);
    let enrolled = enrol::enrol(tablet, network, &clock::now, &mut random, wanted).await;
    enrolled.expect("the code is good");
}
