//! What of everything written is where: in the server's log, in a tablet's outbox, in its documents.

use std::collections::BTreeSet;

use sojourn_sync_protocol::ChangeHash;

use super::{
    watch::{Mark, marks_in},
    world::World,
};

impl World {
    /// Hashes of the server's log, and the marks in it.
    pub(super) fn log(&self) -> (BTreeSet<ChangeHash>, BTreeSet<u64>) {
        let state = self.state.as_ref().expect("the server runs between steps");
        let rows = self.runtime.block_on(state.store.read("log", |tx| {
            tx.query("SELECT hash, bytes FROM changes", &[], |row| {
                Ok((ChangeHash(row.array(0)?), row.blob(1)?))
            })
        }));
        let rows: Vec<(ChangeHash, Vec<u8>)> = rows
            .map_err(|error: sojourn_server::store::StoreError| error)
            .expect("the log can be read");
        let mut marks = BTreeSet::new();
        for (_, bytes) in &rows {
            marks_in(bytes, &mut marks);
        }
        (rows.into_iter().map(|(hash, _)| hash).collect(), marks)
    }

    /// Digests of the batches that the server knows.
    pub(super) fn answered(&self) -> BTreeSet<[u8; 32]> {
        let state = self.state.as_ref().expect("the server runs between steps");
        let rows = self.runtime.block_on(state.store.read("batches", |tx| {
            tx.query("SELECT digest FROM batches", &[], |row| row.array(0))
        }));
        rows.map_err(|error: sojourn_server::store::StoreError| error)
            .expect("the batches can be read")
            .into_iter()
            .collect()
    }

    /// After a disk was lost: what this tablet wrote, and what else lay on it (`had`), is missing
    /// for good unless the server has it, or the tablet still has it to hand in; or any tablet has it among its acknowledged changes, when `documents_too`.
    pub(super) fn reckon(&mut self, at: usize, documents_too: bool, had: &BTreeSet<u64>) {
        let (_, logged) = self.log();
        let mut kept = self.kept(at, documents_too);
        if documents_too {
            for other in 0..self.slots.len() {
                kept.extend(self.kept(other, true));
            }
        }
        for mark in &mut self.marks {
            let safe = logged.contains(&mark.number) || kept.contains(&mark.number);
            let lay_there = mark.tablet == at || had.contains(&mark.number);
            if lay_there && !mark.excused && !safe {
                mark.excused = true;
                self.figures.excused += 1;
            }
        }
    }

    /// What no longer waits on a tablet since the last step is in the server's log.
    pub(super) fn what_waited_met_its_fate(
        &mut self,
        logged: &BTreeSet<u64>,
    ) -> Result<(), String> {
        for at in 0..self.slots.len() {
            let now = self.kept(at, false);
            let before = std::mem::replace(&mut self.slots[at].waiting, now.clone());
            self.figures.checked += before.len() as u64;
            for mark in before
                .difference(&now)
                .filter(|mark| !logged.contains(mark))
            {
                let owed = |known: &Mark| known.number == *mark && !known.excused;
                if self.marks.iter().any(owed) && !self.waits_elsewhere(at, *mark) {
                    return Err(format!(
                        "edit {mark} left tablet {at} and is not in the log"
                    ));
                }
            }
        }
        Ok(())
    }

    /// Whether another tablet has it: to hand in, or among what it will hand in once it hears that the server lost it.
    fn waits_elsewhere(&self, at: usize, mark: u64) -> bool {
        (0..self.slots.len())
            .filter(|other| *other != at || self.copied)
            .any(|other| self.kept(other, true).contains(&mark))
    }

    /// The marks that a tablet has in its outbox, and in its documents when `documents_too`.
    pub(super) fn kept(&self, at: usize, documents_too: bool) -> BTreeSet<u64> {
        let tablet = self.slots[at].tablet();
        let mut marks = BTreeSet::new();
        for rows in [tablet.pending(), tablet.held()] {
            for row in rows.expect("the tablet can be read") {
                marks_in(&row.bytes, &mut marks);
            }
        }
        if documents_too {
            for (_, changes) in self.documents(at) {
                for bytes in changes {
                    marks_in(&bytes, &mut marks);
                }
            }
        }
        marks
    }
}
