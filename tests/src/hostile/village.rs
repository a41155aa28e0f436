//! One village in one process: the server's whole router, honest tablets, and one device that is not.

use axum::{Router, body::Body, http};
use ed25519_dalek::SigningKey;
use serde_json::Value;
use sojourn_client_core::{
    Tablet,
    clock::SeededRandom,
    enrol::{self, Enrolment},
    store::KeyCost,
    sync::{
        driver::{self, Options, Report, Surroundings, SystemClock},
        session::{Outcome, RetryPolicy},
        transport::{Request, Response, Transport, TransportError},
    },
};
use sojourn_server::{
    api, check, clock,
    config::Config,
    devices::{self, Device, Redeemed},
    exchange, export,
    office::{self, Command},
    state::AppState,
};
use sojourn_sync_protocol::{
    ActorId, AreaCode, DeviceId, DocKind, DocumentId, HouseholdId, Timestamp,
    batch::{Batch, CHAIN_START, PushedChange},
    message::{Fate, SyncRequest},
    record::{Authorship, Document, Edit, EditError, NewHousehold, NewPerson, NewVisit},
};
use std::{
    collections::BTreeMap,
    io,
    path::PathBuf,
    sync::{Arc, Mutex},
};
use tempfile::TempDir;
use tokio::{runtime::Runtime, sync::mpsc};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

/// Where everybody works.
pub(crate) const AREA: &str = "v1";
/// The id of the device that is not honest.
pub(crate) const BAD_DEVICE: [u8; 16] = [66; 16];
const TREE: &str = "code,parent,level,name\nP,,county,县\nv1,P,village,甲\n";

/// What spoils the answers on their way: path and frame in, frame out.
pub(crate) type Spoiler = Box<dyn FnMut(&str, Vec<u8>) -> Vec<u8> + Send>;

/// A network of function calls, on which answers may be spoilt.
pub(crate) struct Network {
    router: Router,
    spoiler: Mutex<Option<Spoiler>>,
}

impl Network {
    fn between(&self, path: &str, frame: Vec<u8>) -> Vec<u8> {
        let mut spoiler = self.spoiler.lock().expect("no holder of this lock panics");
        match spoiler.as_mut() {
            Some(spoil) => spoil(path, frame),
            None => frame,
        }
    }
}

impl Transport for Network {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let path = request
            .url
            .trim_start_matches("http://127.0.0.1")
            .to_owned();
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
            .body(Body::from(request.body))
            .expect("the tablet makes whole requests");
        let answer = self
            .router
            .clone()
            .oneshot(made)
            .await
            .expect("a router always answers");
        let status = answer.status().as_u16();
        let body = axum::body::to_bytes(answer.into_body(), request.reply_max).await;
        let body = body.expect("a bounded answer").to_vec();
        Ok(Response {
            status,
            body: self.between(&path, body),
        })
    }
}

/// The village.
pub(crate) struct Village {
    folder: TempDir,
    pub(crate) runtime: Runtime,
    pub(crate) state: Arc<AppState>,
    network: Network,
    random: Mutex<SeededRandom>,
    tablets: Mutex<u64>,
}

impl Village {
    /// Sets up the register.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let state = runtime.block_on(async {
            let state = AppState::open(&folder.path().join("server"), &Config::default())
                .expect("a register");
            run(&state, Command::ImportAreas { csv: TREE.into() }).await;
            state
        });
        let network = Network {
            router: api::router(Arc::clone(&state)),
            spoiler: Mutex::new(None),
        };
        Self {
            folder,
            runtime,
            state,
            network,
            random: Mutex::new(SeededRandom::new(1000)),
            tablets: Mutex::new(0),
        }
    }

    /// The register's database.
    pub(crate) fn database(&self) -> PathBuf {
        self.folder.path().join("server/sojourn.db")
    }

    fn code(&self) -> String {
        let areas = vec![AREA.parse().expect("a code")];
        let asked = run(&self.state, Command::DeviceCode { staff: None, areas });
        let office::Outcome::Code(issued) = self.runtime.block_on(asked) else {
            panic!("a code was asked for");
        };
        issued.code
    }

    /// An honest tablet, enrolled.
    pub(crate) fn tablet(&self) -> Tablet {
        let number = {
            let mut tablets = self.tablets.lock().expect("no holder of this lock panics");
            *tablets += 1;
            *tablets
        };
        let dir = self.folder.path().join(format!("tablet-{number}"));
        let random = Box::new(SeededRandom::new(number));
        let opened = Tablet::open_at_cost(&dir, "p", KeyCost::TESTS, clock::now(), random)
            .expect("a tablet");
        let wanted = Enrolment {
            server: "http://127.0.0.1",
            code: &self.code(),
            label: "tablet",
        };
        let mut random = SeededRandom::new(100 + number);
        let enrolling = enrol::enrol(
            &opened.tablet,
            &self.network,
            &clock::now,
            &mut random,
            wanted,
        );
        self.runtime.block_on(enrolling).expect("the code is good");
        opened.tablet
    }

    /// One session; the answers go through `spoiler`.
    pub(crate) fn sync_spoilt(&self, tablet: &Tablet, spoiler: Option<Spoiler>) -> Report {
        *self
            .network
            .spoiler
            .lock()
            .expect("no holder of this lock panics") = spoiler;
        let mut random = self.random.lock().expect("no holder of this lock panics");
        let cancel = CancellationToken::new();
        let around = Surroundings {
            tablet,
            transport: &self.network,
            clock: &SystemClock,
            random: &mut *random,
            cancel: &cancel,
        };
        let retry = RetryPolicy {
            retries: 0,
            ..RetryPolicy::default()
        };
        let options = Options {
            retry,
            ..Options::default()
        };
        let mut heard = |_, _| {};
        let session = driver::run(around, options, &mut heard);
        let report = self.runtime.block_on(session).expect("the tablet works");
        *self
            .network
            .spoiler
            .lock()
            .expect("no holder of this lock panics") = None;
        report
    }

    /// One session with the server as it is. Both sides agree, and nothing of the tablet waits.
    #[track_caller]
    pub(crate) fn sync(&self, tablet: &Tablet) {
        let report = self.sync_spoilt(tablet, None);
        assert_eq!(report.outcome, Outcome::Agreed);
        let status = tablet.status().expect("the tablet can be read");
        assert_eq!((status.pending, status.held), (0, 0));
    }

    /// What a tablet holds, by household.
    pub(crate) fn held(&self, tablet: &Tablet) -> BTreeMap<String, Value> {
        let mut held = BTreeMap::new();
        let export = tablet.export(|mut view| {
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

    /// What the register holds, by household.
    pub(crate) fn register(&self) -> BTreeMap<String, Value> {
        let out = Shared::default();
        let area: AreaCode = AREA.parse().expect("a code");
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

    /// The register is as its log says, by its own check.
    #[track_caller]
    pub(crate) fn expect_sound(&self) {
        let report = self
            .runtime
            .block_on(check::check(&self.state.store))
            .expect("the register can be read");
        assert!(report.is_sound(), "{:#?}", report.faults);
    }

    /// A device that is enrolled like any other and hands in what it likes.
    pub(crate) fn bad_device(&self) -> BadDevice {
        let key = SigningKey::from_bytes(&[66; 32]);
        let (code, public) = (self.code(), key.verifying_key());
        let enrolling = self.state.store.write("enrol", move |tx| {
            let request = Redeemed {
                code: &code,
                key: &public,
                label: "bad",
                record_schema: 1,
                device: DeviceId::from_bytes(BAD_DEVICE),
            };
            let enrolled = devices::redeem(tx, clock::now(), &request)?.expect("the code is good");
            devices::get(tx, enrolled.device)
        });
        let device = self
            .runtime
            .block_on(enrolling)
            .expect("the store works")
            .expect("it was just enrolled");
        BadDevice {
            device,
            key,
            actor: ActorId([66; 16]),
            number: 0,
            previous: CHAIN_START,
            drawn: 0,
        }
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

async fn run(state: &AppState, command: Command) -> office::Outcome {
    let (lines, _unread) = mpsc::channel(1);
    office::run(&state.store, command, lines)
        .await
        .expect("the office can do this")
}

/// The device that is not honest.
pub(crate) struct BadDevice {
    pub(crate) device: Device,
    key: SigningKey,
    actor: ActorId,
    number: u64,
    previous: [u8; 32],
    drawn: u64,
}

impl BadDevice {
    /// Ten bytes never drawn before.
    fn fresh(&mut self) -> [u8; 10] {
        self.drawn += 1;
        let mut bytes = [66; 10];
        bytes[2..].copy_from_slice(&self.drawn.to_be_bytes());
        bytes
    }

    /// An actor that no change had before.
    pub(crate) fn fresh_actor(&mut self) -> ActorId {
        let mut actor = [67; 16];
        actor[..10].copy_from_slice(&self.fresh());
        ActorId(actor)
    }

    /// Makes an edit on a document as any tablet would; `None` when the document shows already what it would write.
    pub(crate) fn try_edit(
        &mut self,
        document: &mut Document,
        actor: ActorId,
        edit: Edit,
    ) -> Option<Vec<u8>> {
        let at = Timestamp::from_millis(1_795_000_000_000);
        let by = Authorship {
            actor,
            staff: self.device.staff,
            area: AREA.parse().expect("a code"),
            at,
        };
        let edit = edit.with_ids(at, &mut || self.fresh());
        match document.edit(&edit, &by) {
            Ok(change) => Some(change.bytes),
            Err(EditError::NothingChanged) => None,
            Err(error) => panic!("{error}: {edit:?}"),
        }
    }

    /// The same for an edit that is known to change something.
    pub(crate) fn edit(&mut self, document: &mut Document, actor: ActorId, edit: Edit) -> Vec<u8> {
        let made = self.try_edit(document, actor, edit);
        made.expect("an edit that changes something")
    }

    /// Registers so many households in one batch; gives the two documents of each.
    pub(crate) fn register(&mut self, village: &Village, many: usize) -> Vec<[Document; 2]> {
        let mut changes = Vec::new();
        let families = (0..many).map(|_| self.family(&mut changes)).collect();
        let (fates, _) = self.push(village, changes);
        assert!(fates.iter().all(Fate::is_merged), "{fates:?}");
        families
    }

    /// A household with a visit, and the two changes that hand it in.
    fn family(&mut self, changes: &mut Vec<PushedChange>) -> [Document; 2] {
        let at = Timestamp::from_millis(1_795_000_000_000);
        let household = HouseholdId::new(at, self.fresh());
        let [mut core, mut health] = [DocKind::Core, DocKind::Health]
            .map(|kind| Document::new(DocumentId::new(household, kind)));
        let person = NewPerson {
            name: "王小明".into(),
            ..NewPerson::default()
        };
        let new = NewHousehold {
            address: Some("1 号".into()),
            persons: vec![person],
            ..NewHousehold::default()
        };
        let visit = NewVisit {
            on: "2026-11-24".into(),
            kind: "follow-up".into(),
            ..NewVisit::default()
        };
        let registered = self.edit(&mut core, self.actor, Edit::RegisterHousehold(new));
        let visited = self.edit(&mut health, self.actor, Edit::RecordVisit(visit));
        changes.push(change(core.id(), registered));
        changes.push(change(health.id(), visited));
        [core, health]
    }

    /// Hands in a batch; gives its fates and its digest.
    pub(crate) fn push(
        &mut self,
        village: &Village,
        changes: Vec<PushedChange>,
    ) -> (Vec<Fate>, [u8; 32]) {
        let grant = self.device.grant.version;
        let batch = Batch::sign(
            &self.key,
            self.actor,
            self.number + 1,
            self.previous,
            grant,
            changes,
        );
        let digest = batch.digest();
        let request = SyncRequest {
            schema: 1,
            grant,
            areas_version: 1,
            cursor: Vec::new(),
            page_bytes: 0,
            push: Some(batch),
            watermark: None,
        };
        let (store, live) = (&village.state.store, &village.state.live);
        let asked = exchange::sync(store, live, clock::now(), &self.device, request);
        let reply = village
            .runtime
            .block_on(asked)
            .expect("a signed batch within bounds is settled");
        self.number += 1;
        self.previous = digest;
        (reply.fates, digest)
    }
}

/// A change to hand in.
pub(crate) fn change(document: DocumentId, bytes: Vec<u8>) -> PushedChange {
    PushedChange {
        document,
        epoch: 1,
        bytes,
    }
}
