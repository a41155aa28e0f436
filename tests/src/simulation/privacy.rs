//! No bytes of a household on a tablet that it is not granted: the whole disk is searched, what is under the cipher and
//! what is not, pages that are free among them.
//!
//! What a salvage put aside stays as it was when it was damaged, under the cipher. Tablets that were withdrawn are not told anything any more and keep what they have. A tablet keeps its own edits that
//! still wait or are held.

use std::collections::{BTreeSet, HashSet};

use sojourn_client_core::outbox::OutboxRow;
use sojourn_sync_protocol::{DocKind, HouseholdId};

use super::{watch::marks_in, world::World};

/// Bytes of an id.
const ID_BYTES: usize = 16;

impl World {
    pub(super) fn no_disk_holds_what_is_not_granted(&mut self) -> Result<(), String> {
        let owners = self.owners()?;
        for (at, granted, kinds) in self.in_service() {
            let below: BTreeSet<String> =
                granted.iter().flat_map(|area| self.below(area)).collect();
            let tablet = self.slots[at].tablet();
            let mut rows: Vec<OutboxRow> = tablet.pending().map_err(|error| error.to_string())?;
            rows.extend(tablet.held().map_err(|error| error.to_string())?);
            let own: BTreeSet<HouseholdId> =
                rows.iter().map(|row| row.document.household).collect();
            let allowed = |id: &HouseholdId| {
                own.contains(id)
                    || owners
                        .iter()
                        .any(|(known, area)| known == id && below.contains(area))
            };
            let strangers: HashSet<[u8; ID_BYTES]> = owners
                .iter()
                .filter(|(id, _)| !allowed(id))
                .map(|(id, _)| *id.as_bytes())
                .collect();
            let health = kinds.contains(&DocKind::Health);
            let hidden: BTreeSet<u64> = self
                .marks
                .iter()
                .filter(|mark| {
                    let mut places = self.goes_on_in(mark.household).into_iter();
                    !places.any(|household| allowed(&household)) || mark.health && !health
                })
                .map(|mark| mark.number)
                .collect();
            let every: BTreeSet<u64> = self.marks.iter().map(|mark| mark.number).collect();
            self.figures.checked += (strangers.len() + hidden.len()) as u64;
            // Closed and opened, as between two days.
            self.slots[at].open = None;
            self.reopen(at)?;
            let image = self.slots[at].tablet().store().image();
            let image = image.map_err(|error| error.to_string())?;
            let all: HashSet<[u8; ID_BYTES]> =
                owners.iter().map(|(id, _)| *id.as_bytes()).collect();
            if let Some(found) = found(&image, &strangers, &hidden) {
                return Err(format!(
                    "under the cipher of tablet {at}, granted {granted:?}, is {found}"
                ));
            }
            let folder = self.slots[at].hardware.disk.folder().to_owned();
            for entry in std::fs::read_dir(folder).expect("a folder of this world") {
                let path = entry.expect("a folder of this world").path();
                let bytes = std::fs::read(&path).unwrap_or_default();
                if let Some(found) = found(&bytes, &all, &every) {
                    return Err(format!("{} holds {found} as it is", path.display()));
                }
            }
        }
        Ok(())
    }

    /// Every household of the register, with its area.
    fn owners(&self) -> Result<Vec<(HouseholdId, String)>, String> {
        let state = self.state.as_ref().expect("the server runs between steps");
        let read = self.runtime.block_on(state.store.read("owners", |tx| {
            tx.query("SELECT household, area FROM households", &[], |row| {
                Ok((
                    HouseholdId::from_bytes(row.array(0)?),
                    row.str(1)?.to_owned(),
                ))
            })
        }));
        read.map_err(|error: sojourn_server::store::StoreError| error.to_string())
    }
}

/// The first id or mark in these bytes that should not be.
fn found(bytes: &[u8], ids: &HashSet<[u8; ID_BYTES]>, marks: &BTreeSet<u64>) -> Option<String> {
    let beginnings: HashSet<[u8; 2]> = ids.iter().map(|id| [id[0], id[1]]).collect();
    let id = bytes.windows(ID_BYTES).find(|window| {
        beginnings.contains(&[window[0], window[1]])
            && <[u8; ID_BYTES]>::try_from(*window).is_ok_and(|id| ids.contains(&id))
    });
    if let Some(id) = id {
        let id = <[u8; ID_BYTES]>::try_from(id).expect("a window of an id");
        return Some(format!("household {}", HouseholdId::from_bytes(id)));
    }
    let mut there = BTreeSet::new();
    marks_in(bytes, &mut there);
    there
        .intersection(marks)
        .next()
        .map(|mark| format!("edit {mark}"))
}
