//! The world: one server, its tablets, and what happens to them.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    pin::pin,
    sync::{Arc, Mutex},
};

use sojourn_client_core::{
    clock::SeededRandom,
    enrol::{self, Enrolment},
    identity::{self, Identity},
    outbox::BatchBounds,
    sync::{
        driver::{self, Clock as _, Options, Report, Surroundings},
        session::RetryPolicy,
    },
};
use sojourn_disk::Effect;
use sojourn_server::{
    clock::Clock,
    office::{self, Command, DeviceRow, OfficeError, Outcome},
    state::AppState,
};
use sojourn_sync_protocol::{AreaCode, ChangeHash, HouseholdId, MoveId, Timestamp};
use tempfile::TempDir;
use tokio::{runtime::Runtime, sync::mpsc};
use tokio_util::sync::CancellationToken;

use super::{
    deeds::Into,
    folders::memory_folder,
    layout::Layout,
    machine::{Hardware, Slot},
    network::{Network, Sender},
    op::{Fault, Op},
    reviews::Made,
    run::Figures,
    stranger::Stranger,
    time::{Hour, ServerSource, TabletClock},
    watch::Mark,
};

const DAY_MS: i64 = 86_400_000;
/// Every operation takes a second.
const STEP_MS: i64 = 1000;
/// Longer than a token lives.
const TOKEN_MS: i64 = 11 * 60_000;
/// A small page, so that a session is many requests.
const PAGE_BYTES: u32 = 2048;

/// The world.
pub(super) struct World {
    folder: TempDir,
    pub(super) runtime: Runtime,
    pub(super) layout: Layout,
    pub(super) hour: Hour,
    pub(super) clock: Clock,
    pub(super) state: Option<Arc<AppState>>,
    pub(super) server: Hardware,
    pub(super) network: Network,
    pub(super) slots: Vec<Slot>,
    pub(super) marks: Vec<Mark>,
    /// Marks drawn so far.
    pub(super) written: u64,
    pub(super) stranger: Option<Stranger>,
    /// Hand-overs that reviewers answered.
    pub(super) answered: Vec<(HouseholdId, MoveId)>,
    /// What reviewers decided and nobody has taken back.
    pub(super) decided: Vec<Made>,
    /// Records that somebody wanted another to go on for, each with that other: it may hold what they say from then on, whatever
    /// the register remembers of it.
    pub(super) went_on: BTreeMap<HouseholdId, BTreeSet<HouseholdId>>,
    /// The server was put back to a time before.
    pub(super) went_back: bool,
    pub(super) restarts: u64,
    pub(super) restarts_at_delivery: u64,
    /// Accepted changes that a restored server must get back from the tablets that hold them as their own.
    pub(super) owed: BTreeSet<ChangeHash>,
    pub(super) figures: Figures,
    /// Something happened after which an edit may be held for good.
    pub(super) disturbed: bool,
    /// Two histories may have come of one: a backup, a copy, an enrolment anew.
    pub(super) copied: bool,
    /// Documents put right by comparing.
    pub(super) repaired: u64,
    pub(super) seed: u64,
    pub(super) drawn: u64,
}

impl World {
    /// Sets up the server and enrols the tablets.
    pub(super) fn new(layout: &Layout, seed: u64) -> Self {
        sojourn_disk::install();
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
            server: Hardware::new(&folder.path().join("server-0"), seed),
            folder,
            runtime,
            layout: layout.clone(),
            network: Network::new(hour.clone()),
            hour,
            clock,
            state: None,
            slots: Vec::new(),
            marks: Vec::new(),
            written: 0,
            stranger: None,
            decided: Vec::new(),
            went_on: BTreeMap::new(),
            answered: Vec::new(),
            went_back: false,
            restarts: 0,
            restarts_at_delivery: 0,
            owed: BTreeSet::new(),
            figures: Figures {
                runs: 1,
                ..Figures::default()
            },
            disturbed: false,
            copied: false,
            repaired: 0,
            seed,
            drawn: 0,
        };
        world.start_server().expect("the server starts");
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
            let mut slot = Slot {
                post: post.clone(),
                staff: staff.id,
                hardware: world.hardware("tablet"),
                open: None,
                wrong_by_ms: 0,
                damaged: false,
                waiting: BTreeSet::new(),
                whole: true,
            };
            world.open(&mut slot).expect("a new tablet opens");
            world.slots.push(slot);
            assert!(
                world.enrol(world.slots.len() - 1),
                "a new tablet can be enrolled"
            );
        }
        world
    }

    pub(super) fn random(&mut self) -> SeededRandom {
        self.drawn += 1;
        SeededRandom::new(self.seed.wrapping_mul(1_000_003).wrapping_add(self.drawn))
    }

    pub(super) fn now(&self) -> Timestamp {
        self.hour.now()
    }

    pub(super) fn village(&self, number: usize) -> &'static str {
        self.layout.villages[number % self.layout.villages.len()]
    }

    /// As whom requests of a tablet can be signed anew.
    fn sender(&self, at: usize) -> Option<Sender> {
        let slot = &self.slots[at];
        let read = slot.tablet().read("identity", identity::identity);
        let identity: Option<Identity> = read.ok().flatten();
        identity.map(|identity| Sender {
            key: identity.signing_key(),
            wrong_by_ms: slot.wrong_by_ms,
        })
    }

    pub(super) fn fresh_folder(&mut self, name: &str) -> PathBuf {
        self.drawn += 1;
        self.folder.path().join(format!("{name}-{}", self.drawn))
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

    pub(super) fn clock_of(&self, slot: &Slot) -> TabletClock {
        TabletClock {
            hour: self.hour.clone(),
            wrong_by_ms: slot.wrong_by_ms,
        }
    }

    /// One session. `None` when the tablet was killed in it.
    pub(super) fn sync(&mut self, at: usize, retries: u32) -> Result<Option<Report>, String> {
        self.sync_in_batches_of(at, retries, BatchBounds::default().changes)
    }

    /// The same with at most so many changes in a batch.
    pub(super) fn sync_in_batches_of(
        &mut self,
        at: usize,
        retries: u32,
        changes: usize,
    ) -> Result<Option<Report>, String> {
        let mut random = self.random();
        self.figures.sessions += 1;
        let slot = &self.slots[at];
        if slot.hardware.disk.down().is_some() {
            // It went down in an earlier session of this step, and comes up after it.
            return Ok(None);
        }
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
            batch: BatchBounds {
                changes,
                ..BatchBounds::default()
            },
        };
        let progress = &mut |_, _| {};
        let ended = self.runtime.block_on(async {
            tokio::select! {
                biased;
                report = driver::run(around, options, progress) => Some(report),
                () = self.network.killed.notified() => None,
            }
        });
        self.network.arm(None, None);
        let struck = slot.hardware.struck();
        // A session may end by itself in the moment in which its tablet is killed, as when its disk fails beside a request.
        let killed = ended.is_none() || pin!(self.network.killed.notified()).enable();
        if killed {
            slot.hardware.disk.take_down(Effect::Kill);
        }
        match ended.filter(|_| !killed) {
            None => Ok(None),
            Some(Ok(report)) => {
                self.repaired += report.progress.repaired;
                Ok(Some(report))
            }
            Some(Err(_)) if struck => Ok(None),
            Some(Err(error)) => Err(format!("tablet {at} fails in a session: {error}")),
        }
    }

    /// Carries out one operation, if it is possible now, and checks what is cheap to check.
    pub(super) fn act(&mut self, op: &Op) -> Result<(), String> {
        self.figures.ops += 1;
        self.hour.pass(STEP_MS);
        self.expose(op);
        let performed = self.perform(op);
        self.settle()?;
        performed?;
        self.step_holds()
    }

    /// What is to go wrong goes wrong in an operation that uses the machine.
    fn expose(&mut self, op: &Op) {
        let many = self.slots.len();
        match op {
            Op::Register { tablet, .. }
            | Op::RegisterTwice { tablet, .. }
            | Op::Arrive { tablet, .. }
            | Op::Phone { tablet, .. }
            | Op::Address { tablet, .. }
            | Op::Person { tablet, .. }
            | Op::Visit { tablet, .. }
            | Op::Split { tablet, .. }
            | Op::Move { tablet, .. }
            | Op::Propose { tablet, .. }
            | Op::Stay { tablet, .. }
            | Op::KillTablet { tablet }
            | Op::CutTablet { tablet }
            | Op::LockTablet { tablet } => self.slots[tablet % many].hardware.expose(),
            Op::Sync { tablet, .. } => {
                self.slots[tablet % many].hardware.expose();
                self.server.expose();
            }
            Op::DeliverLate
            | Op::KillServer
            | Op::CutServer
            | Op::RestartServer
            | Op::Decide { .. }
            | Op::TakeBack { .. }
            | Op::Join { .. }
            | Op::Part { .. }
            | Op::Answer { .. } => {
                self.server.expose();
            }
            _ => {}
        }
    }

    pub(super) fn fired(&mut self, name: &'static str) {
        self.network.watching(|watch| watch.fired(name));
    }

    fn perform(&mut self, op: &Op) -> Result<(), String> {
        let many = self.slots.len();
        match op {
            Op::Register { tablet, area } => self.register_household(tablet % many, *area),
            Op::RegisterTwice {
                tablet,
                other,
                area,
            } => {
                self.register_twice(tablet % many, other % many, *area);
            }
            Op::Arrive {
                tablet,
                other,
                area,
                card,
            } => self.arrive([tablet % many, other % many], *area, *card)?,
            Op::Phone { tablet, household } => {
                self.edit(tablet % many, *household, Into::Phone);
            }
            Op::Address { tablet, household } => {
                self.edit(tablet % many, *household, Into::Address);
            }
            Op::Split { tablet, household } => self.split(tablet % many, *household),
            Op::Person { tablet, household } => {
                self.edit(tablet % many, *household, Into::Person);
            }
            Op::Visit { tablet, household } => {
                self.edit(tablet % many, *household, Into::Visit);
            }
            Op::Move {
                tablet,
                household,
                to,
            } => {
                if self.edit(tablet % many, *household, Into::Move { to: *to }) {
                    self.fired("household moved offline");
                }
            }
            Op::Propose {
                tablet,
                household,
                to,
            } => {
                self.propose(tablet % many, *household, *to);
            }
            Op::Stay { tablet, household } => self.stay(tablet % many, *household),
            Op::Answer { which, how } => self.answer(*which, *how)?,
            Op::Contest {
                tablet,
                other,
                household,
                to,
            } => self.contest(tablet % many, other % many, *household, *to),
            Op::Contradict {
                tablet,
                other,
                household,
            } => self.contradict(tablet % many, other % many, *household)?,
            Op::LateEdit {
                tablet,
                other,
                household,
                to,
            } => self.edit_late(tablet % many, other % many, *household, *to)?,
            Op::LateParts {
                tablet,
                other,
                household,
                to,
            } => self.edit_late_in_parts(tablet % many, other % many, *household, *to)?,
            Op::Sync {
                tablet,
                retries,
                fault,
            } => {
                if matches!(fault, Some((_, Fault::RenewalLost))) {
                    self.hour.pass(TOKEN_MS);
                }
                let sender = self.sender(tablet % many);
                self.network.arm(*fault, sender);
                self.sync(tablet % many, *retries)?;
            }
            Op::Decide { question, choice } => self.decide(*question, *choice)?,
            Op::TakeBack { decision } => self.take_back(*decision)?,
            Op::Join { which, how } => self.join(*which, *how)?,
            Op::Part { which } => self.part(*which)?,
            Op::LateInJoined {
                tablet,
                other,
                area,
                how,
            } => self.edit_joined_late([tablet % many, other % many], *area, *how)?,
            Op::JoinContradicted {
                tablet,
                other,
                area,
                how,
            } => self.join_contradicted([tablet % many, other % many], *area, *how)?,
            Op::DeliverLate => self.deliver_late(),
            Op::Poison { seed } => self.poison(*seed)?,
            Op::Meddle {
                tablet,
                household,
                choice,
            } => self.meddle(tablet % many, *household, *choice)?,
            Op::Orphans { many } => self.orphans(*many)?,
            Op::FlipTablet {
                tablet,
                log,
                closed,
            } => self.flip_tablet(tablet % many, *log, *closed)?,
            Op::FlipServer { log } => self.flip_server(*log)?,
            Op::KillTablet { tablet } => {
                self.crash_tablet(tablet % many, Effect::Kill)?;
                self.fired("tablet killed between steps");
            }
            Op::CutTablet { tablet } => {
                self.crash_tablet(tablet % many, Effect::PowerLoss)?;
                self.fired("tablet lost power between steps");
            }
            Op::BreakTablet { tablet, plan } => {
                self.slots[tablet % many].hardware.order(Some(*plan));
            }
            Op::LockTablet { tablet } => self.lock_tablet(tablet % many)?,
            Op::KillServer => {
                self.crash_server(Effect::Kill)?;
                self.fired("server killed between steps");
            }
            Op::CutServer => {
                self.crash_server(Effect::PowerLoss)?;
                self.fired("server lost power between steps");
            }
            Op::BreakServer { plan } => self.server.order(Some(*plan)),
            Op::RestartServer => {
                self.restart_server()?;
                self.fired("server restarted");
            }
            Op::BackUpTablet { tablet } => self.back_up_tablet(tablet % many),
            Op::RestoreTablet { tablet } => self.restore_tablet(tablet % many)?,
            Op::CloneTablet { tablet } => self.clone_tablet(tablet % many)?,
            Op::BackUpServer => self.back_up_server(),
            Op::RestoreServer => self.restore_server()?,
            Op::SetClock { tablet, days } => {
                self.slots[tablet % many].wrong_by_ms = days * DAY_MS;
                if *days != 0 {
                    self.fired("tablet clock ten years off");
                }
            }
            Op::Pass { minutes } => self.hour.pass(minutes * 60_000),
            Op::LoseThenNarrow {
                tablet,
                household,
                area,
            } => self.lose_then_narrow(tablet % many, *household, *area)?,
            Op::Narrow { tablet, area } => self.narrow(tablet % many, *area),
            Op::Widen { tablet } => {
                let post = self.slots[tablet % many].post.areas.clone();
                self.grant(tablet % many, &post, "grant of the post given back");
            }
            Op::Withdraw { tablet } => self.withdraw(tablet % many),
            Op::Reenrol { tablet } => {
                if self.enrol(tablet % many) {
                    self.disturbed = true;
                    self.copied = true;
                    self.fired("tablet enrolled anew");
                    self.reckon(tablet % many, false, &BTreeSet::new());
                }
            }
        }
        Ok(())
    }

    /// Grants a tablet one village alone.
    pub(super) fn narrow(&mut self, at: usize, area: usize) {
        let area = self.village(area);
        let unsent = self.slots[at].tablet().pending();
        if unsent.is_ok_and(|unsent| !unsent.is_empty()) {
            self.fired("grant narrowed with unsent work");
        }
        self.grant(at, &[area], "grant narrowed or moved");
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
