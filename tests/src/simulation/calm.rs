//! What must not happen while every history is one: the remedies for backups, copies and damage stand idle, so that they
//! hide no fault of the ordinary way.

use sojourn_client_core::documents;

use super::world::World;

/// Fates that only a history gone two ways, or a refusal, brings.
const REMEDIAL: [&str; 4] = ["Fork", "MissingDeps", "Quarantined", "OldEpoch"];

impl World {
    /// Whoever wrote something that waits can still read it where it belongs.
    pub(super) fn what_waits_is_shown(&mut self) -> Result<(), String> {
        if self.copied {
            return Ok(());
        }
        for at in 0..self.slots.len() {
            let tablet = self.slots[at].tablet();
            for row in tablet.pending().map_err(|error| error.to_string())? {
                self.figures.checked += 1;
                let id = row.document;
                let stored = tablet.read("waiting", |tx| documents::stored(tx, id));
                if stored.map_err(|error| error.to_string())?.is_none() {
                    return Err(format!(
                        "tablet {at} does not show {id}, of which an edit waits"
                    ));
                }
            }
        }
        Ok(())
    }

    /// No edit was refused or forked, and comparing found nothing to put right.
    pub(super) fn remedies_stood_idle(&mut self) -> Result<(), String> {
        if self.copied {
            return Ok(());
        }
        self.figures.checked += 1;
        if self.repaired > 0 {
            let many = self.repaired;
            return Err(format!(
                "{many} documents were put right by comparing, for no cause"
            ));
        }
        self.network.watching(|watch| {
            let met = REMEDIAL
                .iter()
                .find(|name| watch.fates.contains_key(**name));
            match met {
                Some(name) => Err(format!("an edit met {name}, for no cause")),
                None => Ok(()),
            }
        })
    }
}
