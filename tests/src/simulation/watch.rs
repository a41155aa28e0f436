//! What the world remembers of promises: which changes the server accepted, with which fates it answered each batch,
//! what people wrote and where. Compares; decides nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sojourn_sync_protocol::{
    ActorId, ChangeHash, HouseholdId,
    batch::Batch,
    codec,
    limits::REPLY_FRAME_BYTES_MAX,
    message::{Fate, SyncReply, SyncRequest},
};

/// Digits of a mark.
const MARK_DIGITS: usize = 11;
/// How every mark begins: like a telephone number that nobody can have.
const MARK_BEGIN: &[u8] = b"1000";

/// Promises made.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// Changes the server said it accepted.
    pub(super) accepted: BTreeSet<ChangeHash>,
    /// Faults that happened, by name.
    pub(super) faults: BTreeMap<&'static str, u64>,
    /// Fates given, by kind.
    pub(super) fates: BTreeMap<String, u64>,
    /// What was broken.
    pub(super) broken: Vec<String>,
    /// Changes the server said it keeps aside.
    pub(super) aside: BTreeSet<ChangeHash>,
    /// Every answered batch that the server knows, by digest.
    batches: HashMap<[u8; 32], Answered>,
    /// Those and the ones that it has lost: a backup may know them again.
    ever: HashMap<[u8; 32], Answered>,
    /// The batches that a chain may end with, by number and digest: of one whose changes are all forks or duplicates nobody can
    /// see whether it continued the chain, or a batch did of which the answer was lost.
    chains: HashMap<ActorId, BTreeSet<(u64, [u8; 32])>>,
}

/// What the server said of a batch.
#[derive(Debug, Clone)]
struct Answered {
    fates: Vec<Fate>,
    /// The changes that it said it accepted.
    accepted: Vec<ChangeHash>,
}

impl Watch {
    pub(super) fn fired(&mut self, name: &'static str) {
        *self.faults.entry(name).or_default() += 1;
    }

    /// Takes in an answered request.
    pub(super) fn answered(&mut self, request: &[u8], reply: &[u8]) {
        let request: SyncRequest = codec::decode(request, REPLY_FRAME_BYTES_MAX)
            .expect("the server could read this request");
        let reply: SyncReply =
            codec::decode(reply, REPLY_FRAME_BYTES_MAX).expect("the server's reply is whole");
        let Some(batch) = request.push else {
            return;
        };
        if reply.fates.len() != batch.changes.len() {
            let (fates, changes) = (reply.fates.len(), batch.changes.len());
            self.broken
                .push(format!("{fates} fates for {changes} changes"));
        }
        if let Some(before) = self.batches.get(&batch.digest()) {
            if before.fates != reply.fates {
                let (before, after) = (&before.fates, &reply.fates);
                self.broken
                    .push(format!("a batch met {before:?}, then {after:?}"));
            }
            return;
        }
        self.follow(&batch, &reply.fates);
        let mut accepted = Vec::new();
        for (change, fate) in batch.changes.iter().zip(&reply.fates) {
            let name = format!("{fate:?}");
            let name = name.split([' ', '{']).next().unwrap_or_default();
            *self.fates.entry(name.to_owned()).or_default() += 1;
            if matches!(fate, Fate::Quarantined { .. } | Fate::Fork) {
                self.aside.insert(change.hash());
            }
            if matches!(fate, Fate::Accepted { .. }) {
                accepted.push(change.hash());
                if !self.accepted.insert(change.hash()) {
                    self.broken
                        .push(format!("change {} accepted twice", change.hash()));
                }
            }
        }
        let answered = Answered {
            fates: reply.fates,
            accepted,
        };
        self.ever.insert(batch.digest(), answered.clone());
        self.batches.insert(batch.digest(), answered);
    }

    /// Only a batch that continues its chain may be accepted.
    fn follow(&mut self, batch: &Batch, fates: &[Fate]) {
        let accepted = fates
            .iter()
            .any(|fate| matches!(fate, Fate::Accepted { .. }));
        let doubtful = fates
            .iter()
            .all(|fate| matches!(fate, Fate::Fork | Fate::Duplicate));
        let ends = self.chains.entry(batch.actor).or_default();
        let continues =
            |(number, digest): &_| (batch.number, batch.previous) == (number + 1, *digest);
        if ends.is_empty() && accepted || ends.iter().any(continues) {
            if !doubtful {
                ends.clear();
            }
            ends.insert((batch.number, batch.digest()));
        } else if accepted {
            let number = batch.number;
            self.broken
                .push(format!("batch {number} was accepted beside its chain"));
        }
    }

    /// The server was put back: what it no longer has, it may promise again.
    pub(super) fn server_restored(
        &mut self,
        log: &BTreeSet<ChangeHash>,
        answered: &BTreeSet<[u8; 32]>,
    ) -> BTreeSet<ChangeHash> {
        // The fates of a batch that the backup knows still stand, or stand again.
        self.batches = self.ever.clone();
        self.batches.retain(|digest, _| answered.contains(digest));
        self.aside.clear();
        self.chains.clear();
        let lost = self.accepted.difference(log).copied().collect();
        // Of what it accepted again without an answer that arrived, the answer is still to come.
        let stands = self.batches.values().flat_map(|batch| &batch.accepted);
        self.accepted = stands.copied().collect();
        lost
    }
}

/// One thing that somebody wrote.
#[derive(Debug, Clone)]
pub(super) struct Mark {
    /// The number it is found by.
    pub(super) number: u64,
    /// Whose tablet.
    pub(super) tablet: usize,
    /// Of which household.
    pub(super) household: HouseholdId,
    /// It stands in the health document.
    pub(super) health: bool,
    /// It may be missing: the only disk that had it is gone.
    pub(super) excused: bool,
}

/// A mark as text that fits a telephone number, a name and an address.
pub(super) fn mark_text(number: u64) -> String {
    format!("1000{number:07}")
}

/// The marks in raw changes.
pub(super) fn marks_in(bytes: &[u8], found: &mut BTreeSet<u64>) {
    for window in bytes.windows(MARK_DIGITS) {
        if window.starts_with(MARK_BEGIN)
            && let Ok(text) = std::str::from_utf8(&window[MARK_BEGIN.len()..])
            && let Ok(number) = text.parse()
        {
            found.insert(number);
        }
    }
}
