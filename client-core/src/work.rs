//! What one write transaction works with: the transaction, the documents in memory, the time, and a source
//! of fresh actors. Households whose documents changed are projected once, before the transaction commits.

use std::collections::BTreeSet;

use sojourn_sync_protocol::{ActorId, HouseholdId, Timestamp};

use crate::cache::Cache;
use crate::clock::{Random, draw_actor};
use crate::error::Error;
use crate::projection;
use crate::store::Tx;

/// Changed households waiting to be projected: few enough that their documents are still in memory.
const CHANGED_MAX: usize = 16;

/// One write transaction at work.
pub struct Work<'w> {
    /// The transaction.
    pub tx: &'w Tx<'w>,
    /// The time, by this tablet's clock.
    pub now: Timestamp,
    pub(crate) cache: &'w Cache,
    random: &'w mut dyn Random,
    changed: BTreeSet<HouseholdId>,
    counted: BTreeSet<HouseholdId>,
}

impl<'w> Work<'w> {
    pub(crate) fn new(
        tx: &'w Tx<'w>,
        cache: &'w Cache,
        now: Timestamp,
        random: &'w mut dyn Random,
    ) -> Self {
        Self {
            tx,
            now,
            cache,
            random,
            changed: BTreeSet::new(),
            counted: BTreeSet::new(),
        }
    }

    /// A fresh actor.
    pub fn fresh_actor(&mut self) -> ActorId {
        draw_actor(self.random)
    }

    /// Random bytes, for a new id.
    pub fn draw<const N: usize>(&mut self) -> [u8; N] {
        crate::clock::draw(self.random)
    }

    /// Notes that a household's documents are as they were, but not how much of it is pending.
    pub(crate) fn counted(&mut self, household: HouseholdId) {
        self.counted.insert(household);
    }

    /// Notes that a household's documents changed.
    pub(crate) fn changed(&mut self, household: HouseholdId) -> Result<(), Error> {
        self.changed.insert(household);
        if self.changed.len() > CHANGED_MAX {
            self.project()
        } else {
            Ok(())
        }
    }

    /// Projects what changed.
    pub(crate) fn project(&mut self) -> Result<(), Error> {
        while let Some(household) = self.changed.pop_first() {
            self.counted.remove(&household);
            projection::project(self.tx, self.cache, household)?;
        }
        while let Some(household) = self.counted.pop_first() {
            projection::recount(self.tx, self.cache, household)?;
        }
        Ok(())
    }
}
