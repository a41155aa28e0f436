//! A folder as the disk of one machine: its files' logs, what is to go wrong, whether it is up. Decides how each call is
//! answered; `vfs` carries that out.
//!
//! Disks know nothing of each other: worlds on several threads do not meet.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fs, io,
    os::unix::fs::{FileExt as _, MetadataExt as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak},
};

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::{
    file::FileLog,
    plan::{Call, Effect, Plan},
};

static DISKS: RwLock<BTreeMap<PathBuf, Weak<Shared>>> = RwLock::new(BTreeMap::new());

/// How many calls of each kind were made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts([u64; Call::KINDS]);

impl Counts {
    /// Of this kind.
    pub const fn of(&self, call: Call) -> u64 {
        self.0[call.index()]
    }
}

/// The disk of one machine. Dropping it lets the folder be an ordinary one again.
#[derive(Debug)]
pub struct Disk {
    shared: Arc<Shared>,
    folder: PathBuf,
}

/// What its open files share.
#[derive(Debug)]
pub(crate) struct Shared(Mutex<State>);

#[derive(Debug)]
pub(crate) struct State {
    /// By inode: a name may change.
    files: HashMap<u64, FileLog>,
    /// Deleted files whose deletion is not durable.
    ghosts: Vec<(PathBuf, Vec<u8>)>,
    plan: Option<Plan>,
    fired: u64,
    down: Option<Effect>,
    /// Files opened before a machine went down never work again.
    life: u64,
    counts: Counts,
    rng: Pcg64Mcg,
}

/// How a call is to be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// As the file does.
    Do,
    /// It fails, and leaves a write in the file in part.
    Fail(Effect),
}

impl Disk {
    /// Makes a folder a disk, and the folder if there is none. `seed` decides what survives what is not certain.
    ///
    /// # Errors
    /// [`io::Error`] of making the folder.
    pub fn attach(folder: &Path, seed: u64) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let folder = folder.canonicalize()?;
        let shared = Arc::new(Shared(Mutex::new(State {
            files: HashMap::new(),
            ghosts: Vec::new(),
            plan: None,
            fired: 0,
            down: None,
            life: 0,
            counts: Counts::default(),
            rng: Pcg64Mcg::seed_from_u64(seed),
        })));
        DISKS
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(folder.clone(), Arc::downgrade(&shared));
        Ok(Self { shared, folder })
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What is to go wrong from now on, instead of what was.
    pub fn arm(&self, plan: Option<Plan>) {
        self.shared.state().plan = plan;
    }

    /// Lets nothing go wrong; what is left of the plan.
    pub fn disarm(&self) -> Option<Plan> {
        self.shared.state().plan.take()
    }

    /// How often something went wrong.
    pub fn fired(&self) -> u64 {
        self.shared.state().fired
    }

    /// How the machine went down, if it did.
    pub fn down(&self) -> Option<Effect> {
        self.shared.state().down
    }

    /// Calls made so far.
    pub fn counts(&self) -> Counts {
        self.shared.state().counts
    }

    /// Takes the machine down, if it is not down already: no later call is carried out.
    pub fn take_down(&self, how: Effect) {
        self.shared.state().down.get_or_insert(how);
    }

    /// Brings the machine up again: its files are what survived. Whoever had them open must have closed them.
    ///
    /// # Errors
    /// [`io::Error`] of the folder itself.
    pub fn bring_up(&self) -> io::Result<()> {
        let mut state = self.shared.state();
        let lost_power = state.down == Some(Effect::PowerLoss);
        state.down = None;
        state.life += 1;
        for path in files_of(&self.folder)? {
            if path.to_string_lossy().ends_with("-shm") {
                fs::remove_file(path)?;
            }
        }
        if lost_power {
            state.lose_power(&self.folder)?;
        }
        Ok(())
    }

    /// Turns a bit of a file whose name ends so, if it has any byte. Says whether it did.
    ///
    /// # Errors
    /// [`io::Error`] of the folder itself.
    pub fn flip(&self, ending: &str) -> io::Result<bool> {
        let mut state = self.shared.state();
        let found = files_of(&self.folder)?;
        let Some(path) = found
            .into_iter()
            .find(|path| path.to_string_lossy().ends_with(ending))
        else {
            return Ok(false);
        };
        let file = fs::File::options().read(true).write(true).open(path)?;
        let found = file.metadata()?;
        if found.len() == 0 {
            return Ok(false);
        }
        let (at, bit) = (
            state.rng.random_range(0..found.len()),
            state.rng.random_range(0..8u8),
        );
        let mut byte = [0];
        file.read_exact_at(&mut byte, at)?;
        byte[0] ^= 1 << bit;
        file.write_all_at(&byte, at)?;
        if let Some(log) = state.files.get_mut(&found.ino()) {
            log.flip(offset(at), bit);
        }
        Ok(true)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        DISKS
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.folder);
    }
}

impl Shared {
    /// The disk on which a file lies.
    pub(crate) fn of(path: &Path) -> Option<Arc<Self>> {
        let disks = DISKS.read().unwrap_or_else(PoisonError::into_inner);
        disks.get(path.parent()?)?.upgrade()
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    pub(crate) fn life(&self) -> u64 {
        self.life
    }

    /// How a call on a file opened in this life is answered. A write or a sync that fails says so to the file's log itself.
    pub(crate) fn answer(&mut self, call: Call, life: u64) -> Answer {
        if self.down.is_some() || life != self.life {
            return Answer::Fail(Effect::Kill);
        }
        self.counts.0[call.index()] += 1;
        let Some(plan) = self.plan.as_mut().filter(|plan| plan.call == call) else {
            return Answer::Do;
        };
        if plan.after > 0 {
            plan.after -= 1;
            return Answer::Do;
        }
        let effect = plan.effect;
        plan.times = plan.times.saturating_sub(1);
        let over = plan.times == 0;
        self.fired += 1;
        if matches!(effect, Effect::Kill | Effect::PowerLoss) {
            self.down = Some(effect);
            self.plan = None;
        } else if over {
            self.plan = None;
        }
        Answer::Fail(effect)
    }

    /// A file was opened. `fresh` says that it was not there before.
    pub(crate) fn opened(&mut self, path: &Path, fresh: bool, syncs_folder: bool) -> u64 {
        let Ok(found) = fs::metadata(path) else {
            return 0;
        };
        if let Some(folder) = path.parent() {
            self.forget_replaced(folder);
        }
        let log = self.files.entry(found.ino()).or_insert_with(|| {
            if fresh {
                FileLog::default()
            } else {
                FileLog::whole(fs::read(path).unwrap_or_default())
            }
        });
        log.syncs_folder |= syncs_folder;
        found.ino()
    }

    /// Another file was put in the place of one without a word to this disk, and the number of that one can be given again.
    fn forget_replaced(&mut self, folder: &Path) {
        let there = files_of(folder).unwrap_or_default();
        let there: HashSet<u64> = there
            .into_iter()
            .filter_map(|path| Some(fs::metadata(path).ok()?.ino()))
            .collect();
        self.files.retain(|inode, _| there.contains(inode));
    }

    pub(crate) fn file(&mut self, inode: u64) -> Option<&mut FileLog> {
        self.files.get_mut(&inode)
    }

    pub(crate) fn synced(&mut self, inode: u64) {
        let Some(log) = self.files.get_mut(&inode) else {
            return;
        };
        log.synced();
        if std::mem::take(&mut log.syncs_folder) {
            self.folder_synced();
        }
    }

    pub(crate) fn sync_failed(&mut self, inode: u64) {
        if let Some(log) = self.files.get_mut(&inode) {
            log.sync_failed(&mut self.rng);
        }
    }

    /// A file is about to be deleted.
    pub(crate) fn deleting(&mut self, path: &Path, syncs_folder: bool) {
        let log = fs::metadata(path)
            .ok()
            .and_then(|found| self.files.remove(&found.ino()));
        if let Some(log) = log.filter(|log| log.named) {
            self.ghosts.push((path.to_owned(), log.durable().to_vec()));
        }
        if syncs_folder {
            self.folder_synced();
        }
    }

    fn folder_synced(&mut self) {
        self.ghosts.clear();
        self.files.values_mut().for_each(|log| log.named = true);
    }

    fn lose_power(&mut self, folder: &Path) -> io::Result<()> {
        let mut logs = std::mem::take(&mut self.files);
        for path in files_of(folder)? {
            let Some(log) = logs.remove(&fs::metadata(&path)?.ino()) else {
                continue;
            };
            if !log.named && self.rng.random_bool(0.5) {
                fs::remove_file(path)?;
                continue;
            }
            fs::write(path, log.after_power_loss(&mut self.rng))?;
        }
        for (path, bytes) in std::mem::take(&mut self.ghosts) {
            if !path.exists() && self.rng.random_bool(0.5) {
                fs::write(path, bytes)?;
            }
        }
        Ok(())
    }
}

/// The files of a folder, by name.
fn files_of(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_file() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

pub(crate) fn offset(at: u64) -> usize {
    usize::try_from(at).expect("a file of a test fits in memory")
}
