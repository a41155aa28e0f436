//! What must not happen while every history is one: the remedies for backups, copies and damage stand idle, so that they
//! hide no fault of the ordinary way.

use super::world::World;

/// Fates that only a history gone two ways, or a refusal, brings.
const REMEDIAL: [&str; 4] = ["Fork", "MissingDeps", "Quarantined", "OldEpoch"];

impl World {
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
