//! Why the tablet could not do what was asked. Each says what the caller can do; sentences for people are
//! in the program's catalogue.

use sojourn_sync_protocol::record::{CannotSplit, EditError, RecordError};
use sojourn_sync_protocol::{AreaCode, DocKind, DocumentId, HouseholdId, PersonId};

use crate::store::StoreError;

/// Why an operation of the tablet failed. Nothing of it was written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database; see [`StoreError`].
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The tablet has no identity yet: enrol it.
    #[error("this tablet is not enrolled")]
    NotEnrolled,
    /// No such household on this tablet.
    #[error("household {0} is not on this tablet")]
    UnknownHousehold(HouseholdId),
    /// The text names no household on this tablet, or several.
    #[error("`{text}` begins the id of {found} households on this tablet")]
    NoSingleHousehold {
        /// As it was given, shortened.
        text: String,
        /// How many households it could mean.
        found: usize,
    },
    /// The household has no such person.
    #[error("the household has no person {0}")]
    UnknownPerson(PersonId),
    /// The area is not in the tree this tablet holds.
    #[error("area {0} is not in the tree")]
    UnknownArea(AreaCode),
    /// The area is outside what this tablet is responsible for.
    #[error("area {0} is outside this tablet's grant")]
    AreaNotGranted(AreaCode),
    /// This tablet may not hold that kind of document.
    #[error("this tablet may not hold {0} documents")]
    KindNotGranted(DocKind),
    /// The edit cannot be made.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// Some members cannot leave their household so.
    #[error(transparent)]
    Split(#[from] CannotSplit),
    /// One of several edits cannot be made; none was.
    #[error("number {}: {source}", .index + 1)]
    At {
        /// Which, from 0.
        index: usize,
        /// Why.
        source: Box<Error>,
    },
    /// A document cannot be read or merged.
    #[error("document {document}: {source}")]
    Record {
        /// Which.
        document: DocumentId,
        /// Why.
        source: RecordError,
    },
    /// The server's answer does not fit the batch that was sent; nothing was settled.
    #[error("{found} fates for {expected} changes")]
    Fates {
        /// Changes of the batch.
        expected: usize,
        /// Fates received.
        found: usize,
    },
}

impl Error {
    pub(crate) fn record(document: DocumentId, source: RecordError) -> Self {
        Self::Record { document, source }
    }
}
