//! The machines of the world: each has a disk that fails on command, goes down and comes up with what survived, is
//! backed up, put back and copied.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
};

use sojourn_client_core::{
    Tablet,
    store::{KeyCost, StoreError},
};
use sojourn_disk::{Call, Disk, Effect, Plan};
use sojourn_server::{api, config::Config, state::AppState};
use sojourn_sync_protocol::{DeviceId, StaffId};

use super::{deeds::Into, folders::copy_folder, layout::Post, network::Served, world::World};

const PASSPHRASE: &str = "four villages, one register";
/// Copies of tablets that are used beside their originals.
const CLONES_MAX: usize = 2;
/// Openings until one must succeed: what was to go wrong has gone wrong by then.
const OPENINGS_MAX: usize = 3;

/// A disk, and what is to go wrong with it.
pub(super) struct Hardware {
    pub(super) disk: Arc<Disk>,
    pub(super) backup: Option<PathBuf>,
    /// What goes wrong while an operation uses the machine.
    plan: Option<Plan>,
    exposed: bool,
    /// What was ordered last, and how often something had gone wrong when it was last told.
    ordered: Option<Plan>,
    told: u64,
}

impl Hardware {
    pub(super) fn new(folder: &Path, seed: u64) -> Self {
        Self {
            disk: Arc::new(Disk::attach(folder, seed).expect("a folder of this world")),
            backup: None,
            plan: None,
            exposed: false,
            ordered: None,
            told: 0,
        }
    }

    /// Lets a plan go into force when the machine is next used.
    pub(super) fn order(&mut self, plan: Option<Plan>) {
        self.plan = plan;
        self.ordered = plan;
    }

    /// The plan goes into force.
    pub(super) fn expose(&mut self) {
        self.exposed = true;
        self.disk.arm(self.plan);
    }

    /// Whether anything went wrong since that was last told.
    pub(super) fn struck(&self) -> bool {
        self.disk.fired() > self.told
    }

    /// It is in force no more. What went wrong meanwhile, and how often.
    fn shelter(&mut self) -> Option<(Plan, u64)> {
        if std::mem::take(&mut self.exposed) {
            self.plan = self.disk.disarm();
        }
        let fired = self.disk.fired();
        let times = fired - std::mem::replace(&mut self.told, fired);
        let plan = self.ordered.filter(|_| times > 0)?;
        Some((plan, times))
    }
}

/// One tablet of the world.
pub(super) struct Slot {
    pub(super) post: Post,
    pub(super) staff: StaffId,
    pub(super) hardware: Hardware,
    pub(super) open: Option<Tablet>,
    pub(super) wrong_by_ms: i64,
    /// A bit of its disk turned, so that it may have to be salvaged.
    pub(super) damaged: bool,
    /// The marks that waited here after the last step.
    pub(super) waiting: BTreeSet<u64>,
    /// Nothing was missing after it was last opened.
    pub(super) whole: bool,
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

impl World {
    pub(super) fn hardware(&mut self, name: &str) -> Hardware {
        let folder = self.fresh_folder(name);
        let seed = self.seed.wrapping_mul(1_000_003).wrapping_add(self.drawn);
        Hardware::new(&folder, seed)
    }

    /// A machine made of a copy of a folder.
    pub(super) fn hardware_from(&mut self, name: &str, image: &Path) -> Hardware {
        let folder = self.fresh_folder(name);
        copy_folder(image, &folder);
        Hardware::new(&folder, self.drawn)
    }

    /// Opens a tablet. Whatever goes wrong with its disk meanwhile, it opens afterwards with nothing damaged.
    pub(super) fn open(&mut self, slot: &mut Slot) -> Result<(), String> {
        let now = self.now().plus_millis(slot.wrong_by_ms);
        let disk = Arc::clone(&slot.hardware.disk);
        for _ in 0..OPENINGS_MAX {
            let fired = disk.fired();
            let random = Box::new(self.random());
            match Tablet::open_at_cost(disk.folder(), PASSPHRASE, KeyCost::TESTS, now, random) {
                Ok(opened) if opened.salvage.is_none() || slot.damaged => {
                    slot.whole = opened.salvage.is_none_or(|salvage| salvage.is_whole());
                    slot.open = Some(opened.tablet);
                    return Ok(());
                }
                Ok(opened) => return Err(format!("a tablet is corrupt: {:?}", opened.salvage)),
                Err(error) if disk.fired() == fired => {
                    return Err(format!("a tablet does not open: {error}"));
                }
                Err(_) if disk.down().is_some() => {
                    disk.bring_up().map_err(|error| error.to_string())?
                }
                Err(_) => {}
            }
        }
        Err("a tablet does not open".into())
    }

    /// A tablet's machine goes down and comes up again.
    pub(super) fn crash_tablet(&mut self, at: usize, how: Effect) -> Result<(), String> {
        let slot = &mut self.slots[at];
        slot.hardware.disk.take_down(how);
        slot.open = None;
        slot.hardware
            .disk
            .bring_up()
            .map_err(|error| error.to_string())?;
        self.reopen(at)
    }

    pub(super) fn reopen(&mut self, at: usize) -> Result<(), String> {
        let mut slot = self.slots.remove(at);
        slot.open = None;
        let opened = self.open(&mut slot);
        self.slots.insert(at, slot);
        opened
    }

    pub(super) fn lock_tablet(&mut self, at: usize) -> Result<(), String> {
        let random = Box::new(self.random());
        let now = self.now();
        let slot = &mut self.slots[at];
        slot.open = None;
        let disk = Arc::clone(&slot.hardware.disk);
        let fired = disk.fired();
        let wrong = Tablet::open_at_cost(disk.folder(), "another", KeyCost::TESTS, now, random);
        let told = matches!(
            wrong.map(drop),
            Err(sojourn_client_core::Error::Store(StoreError::WrongKey))
        );
        if !told && disk.fired() == fired {
            return Err("a wrong passphrase was not told as one".into());
        }
        if disk.down().is_some() {
            disk.bring_up().map_err(|error| error.to_string())?;
        }
        self.fired("tablet locked and opened");
        self.reopen(at)
    }

    pub(super) fn back_up_tablet(&mut self, at: usize) {
        let copy = self.fresh_folder("backup");
        let hardware = &mut self.slots[at].hardware;
        copy_folder(hardware.disk.folder(), &copy);
        hardware.backup = Some(copy);
    }

    pub(super) fn restore_tablet(&mut self, at: usize) -> Result<(), String> {
        let Some(backup) = self.slots[at].hardware.backup.clone() else {
            return Ok(());
        };
        let had = self.kept(at, true);
        let hardware = self.hardware_from("tablet", &backup);
        let slot = &mut self.slots[at];
        slot.open = None;
        slot.hardware = hardware;
        slot.hardware.backup = Some(backup);
        self.reopen(at)?;
        self.disturbed = true;
        self.copied = true;
        self.fired("tablet restored from a backup");
        self.reckon(at, true, &had);
        Ok(())
    }

    pub(super) fn clone_tablet(&mut self, at: usize) -> Result<(), String> {
        if self.slots.len() >= self.layout.posts.len() + CLONES_MAX {
            return Ok(());
        }
        let original = self.slots[at].hardware.disk.folder().to_owned();
        let hardware = self.hardware_from("tablet", &original);
        let original = &self.slots[at];
        let mut slot = Slot {
            post: original.post.clone(),
            staff: original.staff,
            hardware,
            open: None,
            wrong_by_ms: original.wrong_by_ms,
            damaged: false,
            waiting: BTreeSet::new(),
            whole: true,
        };
        self.open(&mut slot)?;
        self.slots.push(slot);
        self.disturbed = true;
        self.copied = true;
        self.fired("tablet cloned");
        Ok(())
    }

    pub(super) fn start_server(&mut self) -> Result<(), String> {
        let disk = Arc::clone(&self.server.disk);
        self.restarts += 1;
        for _ in 0..OPENINGS_MAX {
            let fired = disk.fired();
            let entered = self.runtime.enter();
            let clock = self.clock.clone();
            let opened = AppState::open_with(disk.folder(), &Config::default(), clock);
            drop(entered);
            match opened {
                Ok(state) => {
                    self.network.connect(Some(Served {
                        router: api::router(Arc::clone(&state)),
                        disk,
                    }));
                    self.state = Some(state);
                    return Ok(());
                }
                Err(error) if disk.fired() == fired => {
                    return Err(format!("the server does not start: {error}"));
                }
                Err(_) if disk.down().is_some() => {
                    disk.bring_up().map_err(|error| error.to_string())?
                }
                Err(_) => {}
            }
        }
        Err("the server does not start".into())
    }

    /// Stops the server in order and starts it.
    pub(super) fn restart_server(&mut self) -> Result<(), String> {
        self.network.connect(None);
        if let Some(state) = self.state.take() {
            self.runtime.block_on(state.store.close());
        }
        if self.server.disk.down().is_some() {
            self.server
                .disk
                .bring_up()
                .map_err(|error| error.to_string())?;
        }
        self.start_server()
    }

    /// The server's machine goes down and comes up again.
    pub(super) fn crash_server(&mut self, how: Effect) -> Result<(), String> {
        self.server.disk.take_down(how);
        self.network.connect(None);
        self.state = None;
        self.server
            .disk
            .bring_up()
            .map_err(|error| error.to_string())?;
        self.start_server()?;
        let left = self.server.disk.disarm();
        let sound = self.server_is_sound();
        self.server.disk.arm(left);
        sound
    }

    pub(super) fn back_up_server(&mut self) {
        let copy = self.fresh_folder("backup");
        copy_folder(self.server.disk.folder(), &copy);
        self.server.backup = Some(copy);
    }

    pub(super) fn restore_server(&mut self) -> Result<(), String> {
        let Some(backup) = self.server.backup.clone() else {
            return Ok(());
        };
        self.network.connect(None);
        self.state = None;
        self.server = self.hardware_from("server", &backup);
        self.server.backup = Some(backup);
        self.start_server()?;
        self.fired("server restored from a backup");
        self.server_went_back();
        Ok(())
    }

    /// The server loses an edit that it said it had, and the tablet that wrote it is to give the household away before it knows.
    pub(super) fn lose_then_narrow(
        &mut self,
        at: usize,
        household: usize,
        area: usize,
    ) -> Result<(), String> {
        self.back_up_server();
        if self.edit(at, household, Into::Address) {
            self.sync(at, 1)?;
            self.restore_server()?;
            self.fired("grant narrowed after the server lost something");
            self.narrow(at, area);
            self.sync(at, 1)?;
        }
        Ok(())
    }

    /// The server knows less than it did.
    pub(super) fn server_went_back(&mut self) {
        self.disturbed = true;
        self.copied = true;
        self.went_back = true;
        self.stranger = None;
        let (log, _) = self.log();
        let answered = self.answered();
        let lost = self
            .network
            .watching(|watch| watch.server_restored(&log, &answered));
        self.owed.extend(lost);
        for at in 0..self.slots.len() {
            self.reckon(at, true, &BTreeSet::new());
        }
    }

    /// A request that was delayed arrives at a server that has been restarted since.
    pub(super) fn deliver_late(&mut self) {
        let restarted = self.restarts > self.restarts_at_delivery;
        self.restarts_at_delivery = self.restarts;
        for _ in 0..self.runtime.block_on(self.network.deliver_late()) {
            self.fired("delayed request delivered");
            if restarted {
                self.fired("request delayed past a restart");
            }
        }
    }

    /// After an operation: nothing goes wrong any more, machines that went down come up, and what happened is counted.
    pub(super) fn settle(&mut self) -> Result<(), String> {
        for at in 0..self.slots.len() {
            let hardware = &mut self.slots[at].hardware;
            let struck = hardware.shelter();
            if let Some((plan, times)) = struck {
                self.count("tablet", plan, times);
            }
            if let Some(how) = self.slots[at].hardware.disk.down() {
                self.crash_tablet(at, how)?;
            } else if struck.is_some_and(|(plan, _)| plan.call == Call::Read) {
                // The engine's cipher answers nothing more once it has failed to read: the program is started again.
                self.reopen(at)?;
            }
        }
        if let Some((plan, times)) = self.server.shelter() {
            self.count("server", plan, times);
        }
        if let Some(how) = self.server.disk.down() {
            self.crash_server(how)?;
        } else if !self.network.is_connected() {
            self.crash_server(Effect::Kill)?;
        }
        Ok(())
    }

    fn count(&mut self, side: &'static str, plan: Plan, times: u64) {
        let name = name_of(side, plan);
        for _ in 0..times {
            self.fired(name);
        }
    }
}

/// The name in counts of something that went wrong with a disk.
pub(super) const fn name_of(side: &'static str, plan: Plan) -> &'static str {
    let on_tablet = matches!(side.as_bytes(), b"tablet");
    match (plan.effect, plan.call) {
        (Effect::Kill, _) if on_tablet => "tablet killed in a call of its disk",
        (Effect::Kill, _) => "server killed in a call of its disk",
        (Effect::PowerLoss, _) if on_tablet => "tablet lost power",
        (Effect::PowerLoss, _) => "server lost power",
        (Effect::Full, _) if on_tablet => "tablet's disk full",
        (Effect::Full, _) => "server's disk full",
        (Effect::Busy, _) if on_tablet => "tablet's database busy",
        (Effect::Busy, _) => "server's database busy",
        (Effect::Error, Call::Sync) if on_tablet => "tablet's sync failed",
        (Effect::Error, Call::Sync) => "server's sync failed",
        (Effect::Error, _) if on_tablet => "I/O error on a tablet",
        (Effect::Error, _) => "I/O error on the server",
    }
}
