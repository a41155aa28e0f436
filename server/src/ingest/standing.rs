//! What a household's log amounts to, change by change: who is responsible, where it stayed, what waits
//! for a person. Ingest takes one step at a time; `check` takes all of them again and compares.

use sojourn_sync_protocol::{
    AreaCode, ChangeHash, DocKind,
    record::{Document, residence_values},
};

use crate::residence::{Residence, Stay, next_owner};
use crate::review::{self, Items, Seen};

/// The sum of a log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    /// The responsible area; `None` before the first change.
    pub owner: Option<AreaCode>,
    /// Several residences stand.
    pub contested: bool,
    /// The place of the last change.
    pub last_position: u64,
    /// Every stay, oldest first.
    pub stays: Vec<Stay>,
    /// What waits for a person.
    pub items: Items,
}

/// One step.
pub(crate) struct Step<'a> {
    /// The change.
    pub change: ChangeHash,
    /// The household had left the author's area.
    pub late: bool,
    /// Residences standing after it that were not in the tree as it arrived.
    pub unknown: &'a [AreaCode],
}

impl Standing {
    /// Goes on from what is stored.
    pub(crate) fn of(residence: Option<Residence>, items: Items) -> Self {
        let Some(residence) = residence else {
            return Self {
                items,
                ..Self::default()
            };
        };
        Self {
            owner: Some(residence.owner),
            contested: residence.contested,
            last_position: residence.last_position,
            stays: residence.stays,
            items,
        }
    }

    /// Takes in one change; `document` already holds it.
    pub(crate) fn advance(&mut self, step: &Step<'_>, document: &Document) {
        let kind = document.id().kind;
        let residences = match kind {
            DocKind::Core => residence_values(document),
            DocKind::Health => Vec::new(),
        };
        self.move_on(kind, &residences, step.unknown);
        review::advance(
            &mut self.items,
            &Seen {
                change: step.change,
                document,
                late: step.late,
                contested: self.contested,
                unknown: step.unknown,
            },
        );
    }

    /// Takes in what one change means for responsibility. `residences` stand after it.
    pub(crate) fn move_on(&mut self, kind: DocKind, residences: &[AreaCode], unknown: &[AreaCode]) {
        self.last_position += 1;
        if kind == DocKind::Core {
            let ruling = next_owner(self.owner.as_ref(), residences, unknown);
            self.contested = ruling.contested;
            if let Some(area) = ruling
                .owner
                .filter(|owner| self.owner.as_ref() != Some(owner))
            {
                self.stays.push(Stay {
                    position: self.last_position,
                    area: area.clone(),
                });
                self.owner = Some(area);
            }
        }
    }

    /// What is kept of the residence; `None` while nobody is responsible.
    pub(crate) fn residence(&self) -> Option<Residence> {
        Some(Residence {
            owner: self.owner.clone()?,
            contested: self.contested,
            last_position: self.last_position,
            stays: self.stays.clone(),
        })
    }
}
