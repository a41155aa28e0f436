//! One file as the medium has it: what is durable, and the steps since the last sync, in order. Decides what is left of
//! it when power is lost.

use rand::{Rng, RngExt};

/// What a medium writes at once.
const SECTOR_BYTES: usize = 512;

/// A file.
#[derive(Debug, Default)]
pub(crate) struct FileLog {
    durable: Vec<u8>,
    waiting: Vec<Step>,
    /// Its name in the folder is durable too.
    pub(crate) named: bool,
    /// The next sync makes the folder's names durable.
    pub(crate) syncs_folder: bool,
}

#[derive(Debug)]
enum Step {
    Write { at: usize, bytes: Vec<u8> },
    Truncate(usize),
}

impl FileLog {
    /// A file that was there before anybody looked.
    pub(crate) fn whole(bytes: Vec<u8>) -> Self {
        Self {
            durable: bytes,
            waiting: Vec::new(),
            named: true,
            syncs_folder: false,
        }
    }

    pub(crate) fn wrote(&mut self, at: usize, bytes: &[u8]) {
        self.waiting.push(Step::Write {
            at,
            bytes: bytes.to_vec(),
        });
    }

    pub(crate) fn truncated(&mut self, len: usize) {
        self.waiting.push(Step::Truncate(len));
    }

    pub(crate) fn synced(&mut self) {
        for step in self.waiting.drain(..) {
            apply(&mut self.durable, &step);
        }
    }

    /// A sync failed: some of what waited became durable, the rest never will.
    pub(crate) fn sync_failed(&mut self, rng: &mut impl Rng) {
        for step in std::mem::take(&mut self.waiting) {
            apply_in_part(&mut self.durable, &step, rng);
        }
    }

    pub(crate) fn durable(&self) -> &[u8] {
        &self.durable
    }

    /// Turns one bit of what is durable, if the file is that long.
    pub(crate) fn flip(&mut self, at: usize, bit: u8) {
        if let Some(byte) = self.durable.get_mut(at) {
            *byte ^= 1 << bit;
        }
    }

    /// What is left when power is lost: nothing after the last sync, all of it, a prefix whose last write may be torn,
    /// or any of its sectors.
    pub(crate) fn after_power_loss(mut self, rng: &mut impl Rng) -> Vec<u8> {
        let steps = std::mem::take(&mut self.waiting);
        match rng.random_range(0..5) {
            0 => {}
            1 => steps.iter().for_each(|step| apply(&mut self.durable, step)),
            2 | 3 => {
                let kept = rng.random_range(0..=steps.len());
                for step in &steps[..kept] {
                    apply(&mut self.durable, step);
                }
                if let Some(torn) = steps.get(kept) {
                    apply_in_part(&mut self.durable, torn, rng);
                }
            }
            _ => {
                for step in &steps {
                    apply_in_part(&mut self.durable, step, rng);
                }
            }
        }
        self.durable
    }
}

fn apply(file: &mut Vec<u8>, step: &Step) {
    match step {
        Step::Write { at, bytes } => put(file, *at, bytes),
        Step::Truncate(len) => file.resize(*len, 0),
    }
}

/// Carries out some of the sectors of a write; a truncation wholly or not at all.
fn apply_in_part(file: &mut Vec<u8>, step: &Step, rng: &mut impl Rng) {
    match step {
        Step::Write { at, bytes } => {
            let (mut from, end) = (*at, at + bytes.len());
            while from < end {
                let to = end.min((from / SECTOR_BYTES + 1) * SECTOR_BYTES);
                if rng.random_bool(0.5) {
                    put(file, from, &bytes[from - at..to - at]);
                }
                from = to;
            }
        }
        Step::Truncate(_) if rng.random_bool(0.5) => apply(file, step),
        Step::Truncate(_) => {}
    }
}

fn put(file: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    let end = at + bytes.len();
    if file.len() < end {
        file.resize(end, 0);
    }
    file[at..end].copy_from_slice(bytes);
}
