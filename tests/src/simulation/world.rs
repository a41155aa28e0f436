//! The world: one server, its tablets, and what happens to them.

use std::{
    collections::BTreeSet,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use sojourn_client_core::{
    Tablet,
    clock::SeededRandom,
    documents,
    enrol::{self, Enrolment},
    store::{KeyCost, StoreError},
    sync::{
        driver::{self, Clock as _, Options, Report, Surroundings},
        session::RetryPolicy,
    },
};
use sojourn_server::{
    api,
    clock::Clock,
    config::Config,
    office::{self, Command, DeviceRow, OfficeError, Outcome},
    state::AppState,
};
use sojourn_sync_protocol::{
    AreaCode, ChangeHash, DeviceId, HouseholdId, StaffId,
    record::{Edit, NewHousehold, NewMove, NewPerson, NewVisit, Value},
};
use tempfile::TempDir;
use tokio::{runtime::Runtime, sync::mpsc};
use tokio_util::sync::CancellationToken;

use super::{
    folders::{copy_folder, memory_folder},
    layout::{Layout, Post},
    network::Network,
    op::Op,
    run::Figures,
    time::{Hour, ServerSource, TabletClock},
    watch::{Mark, mark_text},
};

const PASSPHRASE: &str = "four villages, one register";
const DAY_MS: i64 = 86_400_000;
/// Every operation takes a second.
const STEP_MS: i64 = 1000;
/// A small page, so that a session is many requests.
const PAGE_BYTES: u32 = 2048;
/// Copies of tablets that are used beside their originals.
const CLONES_MAX: usize = 2;

/// One tablet of the world.
pub(super) struct Slot {
    pub(super) post: Post,
    pub(super) staff: StaffId,
    dir: PathBuf,
    open: Option<Tablet>,
    backup: Option<PathBuf>,
    wrong_by_ms: i64,
}

impl Slot {
    pub(super) fn tablet(&self) -> &Tablet {
        self.open.as_ref().expect("a tablet is open between steps")
    }

    pub(super) fn device(&self) -> Option<DeviceId> {
        self.tablet()
            .status()
            .expect("the tablet can be read")
            .device
    }
}

/// The world.
pub(super) struct World {
    folder: TempDir,
    pub(super) runtime: Runtime,
    pub(super) layout: Layout,
    hour: Hour,
    clock: Clock,
    pub(super) state: Option<Arc<AppState>>,
    server_dir: PathBuf,
    server_backup: Option<PathBuf>,
    pub(super) network: Network,
    pub(super) slots: Vec<Slot>,
    pub(super) marks: Vec<Mark>,
    /// Accepted changes that a restored server must get back from the tablets that hold them as their own.
    pub(super) owed: BTreeSet<ChangeHash>,
    pub(super) figures: Figures,
    /// Something happened after which an edit may be held for good.
    pub(super) disturbed: bool,
    seed: u64,
    drawn: u64,
}

impl World {
    /// Sets up the server and enrols the tablets.
    pub(super) fn new(layout: &Layout, seed: u64) -> Self {
        let folder = memory_folder();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let hour = Hour::begin();
        let clock = Clock::new(ServerSource {
            hour: hour.clone(),
            random: Mutex::new(SeededRandom::new(seed.wrapping_mul(1_000_003))),
        });
        let mut world = Self {
            server_dir: folder.path().join("server-0"),
            folder,
            runtime,
            layout: layout.clone(),
            network: Network::new(hour.clone()),
            hour,
            clock,
            state: None,
            server_backup: None,
            slots: Vec::new(),
            marks: Vec::new(),
            owed: BTreeSet::new(),
            figures: Figures {
                runs: 1,
                ..Figures::default()
            },
            disturbed: false,
            seed,
            drawn: 0,
        };
        world.start_server();
        let csv = layout.tree.to_owned();
        world
            .office(Command::ImportAreas { csv })
            .expect("the tree is good");
        for post in &layout.posts {
            let added = world.office(Command::AddStaff {
                name: "甲乙".into(),
                role: post.role,
            });
            let Ok(Outcome::Staff(staff)) = added else {
                panic!("somebody can be added: {added:?}");
            };
            let dir = world.fresh_folder("tablet");
            let mut slot = Slot {
                post: post.clone(),
                staff: staff.id,
                dir,
                open: None,
                backup: None,
                wrong_by_ms: 0,
            };
            world.open(&mut slot);
            world.slots.push(slot);
            assert!(
                world.enrol(world.slots.len() - 1),
                "a new tablet can be enrolled"
            );
        }
        world
    }

    fn random(&mut self) -> SeededRandom {
        self.drawn += 1;
        SeededRandom::new(self.seed.wrapping_mul(1_000_003).wrapping_add(self.drawn))
    }

    fn fresh_folder(&mut self, name: &str) -> PathBuf {
        self.drawn += 1;
        self.folder.path().join(format!("{name}-{}", self.drawn))
    }

    fn open(&mut self, slot: &mut Slot) {
        let random = Box::new(self.random());
        let now = self.hour.now().plus_millis(slot.wrong_by_ms);
        let opened = Tablet::open_at_cost(&slot.dir, PASSPHRASE, KeyCost::TESTS, now, random)
            .expect("the tablet opens");
        assert!(opened.salvage.is_none(), "a killed tablet is not corrupt");
        slot.open = Some(opened.tablet);
    }

    fn start_server(&mut self) {
        let runtime = self.runtime.enter();
        let state = AppState::open_with(&self.server_dir, &Config::default(), self.clock.clone())
            .expect("the server starts");
        drop(runtime);
        self.network.connect(Some(api::router(Arc::clone(&state))));
        self.state = Some(state);
    }

    /// Takes the server off; with an image of its folder as a kill would leave it.
    fn stop_server(&mut self, killed: bool) {
        self.network.connect(None);
        let image = killed.then(|| self.fresh_folder("server"));
        if let Some(image) = &image {
            copy_folder(&self.server_dir, image);
        } else if let Some(state) = &self.state {
            self.runtime.block_on(state.store.close());
        }
        self.state = None;
        if let Some(image) = image {
            self.server_dir = image;
        }
    }

    pub(super) fn office(&self, command: Command) -> Result<Outcome, OfficeError> {
        let state = self.state.as_ref().expect("the server runs between steps");
        let (lines, _unread) = mpsc::channel(1);
        self.runtime
            .block_on(office::run_with(&state.store, &self.clock, command, lines))
    }

    pub(super) fn devices(&self) -> Vec<DeviceRow> {
        match self.office(Command::ListDevices) {
            Ok(Outcome::Devices(devices)) => devices,
            other => panic!("the tablets can be listed: {other:?}"),
        }
    }

    /// Enrols a tablet for its post; says whether that came about.
    pub(super) fn enrol(&mut self, at: usize) -> bool {
        let areas = areas(&self.slots[at].post.areas);
        let staff = Some(self.slots[at].staff);
        let issued = self.office(Command::DeviceCode { staff, areas });
        let Ok(Outcome::Code(issued)) = issued else {
            panic!("a code can be issued: {issued:?}");
        };
        let mut random = self.random();
        let wanted = Enrolment {
            server: "http://127.0.0.1",
            code: &issued.code,
            label: "tablet",
        };
        let slot = &self.slots[at];
        let clock = self.clock_of(slot);
        let now = || clock.now();
        let enrolling = enrol::enrol(slot.tablet(), &self.network, &now, &mut random, wanted);
        self.runtime.block_on(enrolling).is_ok()
    }

    fn clock_of(&self, slot: &Slot) -> TabletClock {
        TabletClock {
            hour: self.hour.clone(),
            wrong_by_ms: slot.wrong_by_ms,
        }
    }

    /// One session. `None` when the tablet was killed in it.
    pub(super) fn sync(&mut self, at: usize, retries: u32) -> Result<Option<Report>, String> {
        let mut random = self.random();
        self.figures.sessions += 1;
        let slot = &self.slots[at];
        let clock = self.clock_of(slot);
        let cancel = CancellationToken::new();
        let around = Surroundings {
            tablet: slot.tablet(),
            transport: &self.network,
            clock: &clock,
            random: &mut random,
            cancel: &cancel,
        };
        let retry = RetryPolicy {
            retries,
            ..RetryPolicy::default()
        };
        let options = Options {
            retry,
            page_bytes: PAGE_BYTES,
            ..Options::default()
        };
        let progress = &mut |_, _| {};
        let ended = self.runtime.block_on(async {
            tokio::select! {
                biased;
                report = driver::run(around, options, progress) => Some(report),
                () = self.network.killed.notified() => None,
            }
        });
        self.network.arm(None);
        if ended.is_none() {
            self.kill_tablet(at);
        }
        if !self.network.is_connected() {
            self.stop_server(true);
            self.start_server();
        }
        ended
            .transpose()
            .map_err(|error| format!("tablet {at} fails in a session: {error}"))
    }

    fn kill_tablet(&mut self, at: usize) {
        let image = self.fresh_folder("tablet");
        copy_folder(&self.slots[at].dir, &image);
        self.reopen(at, image);
    }

    fn reopen(&mut self, at: usize, dir: PathBuf) {
        let mut slot = self.slots.remove(at);
        slot.open = None;
        slot.dir = dir;
        self.open(&mut slot);
        self.slots.insert(at, slot);
    }

    /// Carries out one operation, if it is possible now, and checks what is cheap to check.
    pub(super) fn act(&mut self, op: &Op) -> Result<(), String> {
        self.figures.ops += 1;
        self.hour.pass(STEP_MS);
        self.perform(op)?;
        self.step_holds()
    }

    fn fired(&mut self, name: &'static str) {
        self.network.watching(|watch| watch.fired(name));
    }

    fn perform(&mut self, op: &Op) -> Result<(), String> {
        let many = self.slots.len();
        let text = mark_text(self.marks.len() as u64);
        let set = |path: &str| Edit::Set {
            set: [(path.to_owned(), Some(Value::Text(text.clone())))].into(),
        };
        match op {
            Op::Register { tablet, area } => self.register_household(tablet % many, *area, text),
            Op::Phone { tablet, household } => {
                self.edit(tablet % many, *household, set("contact/phone"))
            }
            Op::Address { tablet, household } => {
                self.edit(tablet % many, *household, set("residence/address"))
            }
            Op::Person { tablet, household } => {
                let person = NewPerson {
                    name: text,
                    ..NewPerson::default()
                };
                self.edit(tablet % many, *household, Edit::AddPerson(person))
            }
            Op::Visit { tablet, household } => {
                let visit = NewVisit {
                    on: "2026-11-24".into(),
                    kind: "follow-up".into(),
                    note: Some(text),
                    ..NewVisit::default()
                };
                self.edit(tablet % many, *household, Edit::RecordVisit(visit))
            }
            Op::Move {
                tablet,
                household,
                to,
            } => {
                let moved = NewMove {
                    to: self.layout.villages[to % self.layout.villages.len()].into(),
                    on: "2026-11-24".into(),
                    address: Some(text),
                    ..NewMove::default()
                };
                self.edit(tablet % many, *household, Edit::Move(moved))
            }
            Op::Sync {
                tablet,
                retries,
                fault,
            } => {
                self.network.arm(*fault);
                self.sync(tablet % many, *retries)?;
            }
            Op::DeliverLate => {
                for _ in 0..self.runtime.block_on(self.network.deliver_late()) {
                    self.fired("delayed request delivered");
                }
            }
            Op::KillTablet { tablet } => {
                self.kill_tablet(tablet % many);
                self.fired("tablet killed between steps");
            }
            Op::LockTablet { tablet } => self.lock_tablet(tablet % many)?,
            Op::KillServer => {
                self.stop_server(true);
                self.start_server();
                self.fired("server killed between steps");
            }
            Op::RestartServer => {
                self.stop_server(false);
                self.start_server();
                self.fired("server restarted");
            }
            Op::BackUpTablet { tablet } => {
                let copy = self.fresh_folder("backup");
                let slot = &mut self.slots[tablet % many];
                copy_folder(&slot.dir, &copy);
                slot.backup = Some(copy);
            }
            Op::RestoreTablet { tablet } => self.restore_tablet(tablet % many),
            Op::CloneTablet { tablet } => self.clone_tablet(tablet % many),
            Op::BackUpServer => {
                let copy = self.fresh_folder("backup");
                copy_folder(&self.server_dir, &copy);
                self.server_backup = Some(copy);
            }
            Op::RestoreServer => self.restore_server(),
            Op::SetClock { tablet, days } => {
                self.slots[tablet % many].wrong_by_ms = days * DAY_MS;
                if *days != 0 {
                    self.fired("tablet clock ten years off");
                }
            }
            Op::Pass { minutes } => self.hour.pass(minutes * 60_000),
            Op::Narrow { tablet, area } => {
                let area = self.layout.villages[area % self.layout.villages.len()];
                self.grant(tablet % many, &[area], "grant narrowed or moved");
            }
            Op::Widen { tablet } => {
                let post = self.slots[tablet % many].post.areas.clone();
                self.grant(tablet % many, &post, "grant of the post given back");
            }
            Op::Withdraw { tablet } => self.withdraw(tablet % many),
            Op::Reenrol { tablet } => {
                if self.enrol(tablet % many) {
                    self.disturbed = true;
                    self.fired("tablet enrolled anew");
                    self.reckon(tablet % many, false);
                }
            }
        }
        Ok(())
    }

    fn took(&mut self, tablet: usize, taken: bool) {
        if taken {
            let number = self.marks.len() as u64;
            self.figures.edits += 1;
            self.marks.push(Mark {
                number,
                tablet,
                excused: false,
            });
        }
    }

    fn register_household(&mut self, at: usize, area: usize, text: String) {
        let village = self.layout.villages[area % self.layout.villages.len()];
        let slot = &self.slots[at];
        let now = self.clock_of(slot).now();
        let home = slot.post.areas.iter().find(|home| home.starts_with('v'));
        let new = NewHousehold {
            area: home.unwrap_or(&village).parse().ok(),
            address: Some(text),
            ..NewHousehold::default()
        };
        let taken = slot.tablet().register(now, new).is_ok();
        self.took(at, taken);
    }

    fn edit(&mut self, at: usize, household: usize, edit: Edit) {
        let slot = &self.slots[at];
        let now = self.clock_of(slot).now();
        let held: Vec<HouseholdId> = slot
            .tablet()
            .read("households", documents::households)
            .expect("the tablet can be read");
        if held.is_empty() {
            return;
        }
        let id = held[household % held.len()];
        let taken = slot.tablet().edit(now, id, edit).is_ok();
        self.took(at, taken);
    }

    fn lock_tablet(&mut self, at: usize) -> Result<(), String> {
        let random = Box::new(self.random());
        let now = self.hour.now();
        let slot = &mut self.slots[at];
        slot.open = None;
        let wrong = Tablet::open_at_cost(&slot.dir, "another", KeyCost::TESTS, now, random);
        let told = matches!(
            wrong.map(drop),
            Err(sojourn_client_core::Error::Store(StoreError::WrongKey))
        );
        let dir = slot.dir.clone();
        self.reopen(at, dir);
        self.fired("tablet locked and opened");
        if told {
            Ok(())
        } else {
            Err("a wrong passphrase was not told as one".into())
        }
    }

    fn restore_tablet(&mut self, at: usize) {
        let Some(backup) = self.slots[at].backup.clone() else {
            return;
        };
        let image = self.fresh_folder("tablet");
        copy_folder(&backup, &image);
        self.reopen(at, image);
        self.disturbed = true;
        self.fired("tablet restored from a backup");
        self.reckon(at, true);
    }

    fn clone_tablet(&mut self, at: usize) {
        if self.slots.len() >= self.layout.posts.len() + CLONES_MAX {
            return;
        }
        let image = self.fresh_folder("tablet");
        let original = &self.slots[at];
        copy_folder(&original.dir, &image);
        let mut slot = Slot {
            post: original.post.clone(),
            staff: original.staff,
            dir: image,
            open: None,
            backup: None,
            wrong_by_ms: original.wrong_by_ms,
        };
        self.open(&mut slot);
        self.slots.push(slot);
        self.disturbed = true;
        self.fired("tablet cloned");
    }

    fn restore_server(&mut self) {
        let Some(backup) = self.server_backup.clone() else {
            return;
        };
        self.stop_server(false);
        let image = self.fresh_folder("server");
        copy_folder(&backup, &image);
        self.server_dir = image;
        self.start_server();
        self.disturbed = true;
        self.fired("server restored from a backup");
        let (log, _) = self.log();
        let lost = self.network.watching(|watch| watch.server_restored(&log));
        self.owed.extend(lost);
        for at in 0..self.slots.len() {
            self.reckon(at, true);
        }
    }

    fn grant(&mut self, at: usize, to: &[&'static str], name: &'static str) {
        let Some(device) = self.slots[at].device() else {
            return;
        };
        let areas = areas(to);
        // A restored server may not know the tablet.
        if self.office(Command::GrantDevice { device, areas }).is_ok() {
            self.disturbed = true;
            self.fired(name);
        }
    }

    fn withdraw(&mut self, at: usize) {
        let Some(device) = self.slots[at].device() else {
            return;
        };
        if self.office(Command::WithdrawDevice { device }).is_ok() {
            self.disturbed = true;
            self.fired("tablet withdrawn");
        }
    }
}

fn areas(codes: &[&str]) -> Vec<AreaCode> {
    let code = |code: &&str| code.parse().expect("a code of this world");
    codes.iter().map(code).collect()
}
