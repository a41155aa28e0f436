//! What a check found: which rows, and what is wrong with each.

use std::fmt;

use serde::{Deserialize, Serialize};
use sojourn_sync_protocol::{ChangeHash, DocKind, DocumentId, HouseholdId};

/// Faults that are told one by one; the rest are counted.
const FAULTS_TOLD_MAX: usize = 1000;

/// What a check found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckReport {
    /// Households read.
    pub households: u64,
    /// Documents read.
    pub documents: u64,
    /// Changes read.
    pub changes: u64,
    /// Areas whose digest was compared.
    pub areas: u64,
    /// The faults found, at most a thousand of them.
    pub faults: Vec<Fault>,
    /// How many were found.
    pub faults_total: u64,
}

impl CheckReport {
    /// Whether nothing was found.
    pub fn is_sound(&self) -> bool {
        self.faults_total == 0
    }

    pub(super) fn add(&mut self, row: Row, problem: Problem) {
        self.faults_total += 1;
        if self.faults.len() < FAULTS_TOLD_MAX {
            self.faults.push(Fault { row, problem });
        }
    }
}

/// One row that is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Which row.
    pub row: Row,
    /// What is wrong with it.
    pub problem: Problem,
}

/// A row of the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "table")]
pub enum Row {
    /// A change of the log.
    Change {
        /// Its document.
        document: DocumentId,
        /// The hash under which it is kept.
        hash: ChangeHash,
    },
    /// A change of the log with a column that cannot be read.
    UnreadableChange {
        /// Its household.
        household: HouseholdId,
        /// The hash under which it is kept, as hexadecimal.
        hash: String,
    },
    /// A saved document.
    Document {
        /// Which.
        document: DocumentId,
    },
    /// A household's residence.
    Household {
        /// Which.
        household: HouseholdId,
    },
    /// A review item.
    Review {
        /// Its household.
        household: HouseholdId,
        /// Kind and subject.
        item: String,
    },
    /// A change that was kept aside.
    Aside {
        /// The document it was meant for.
        document: DocumentId,
        /// The change.
        hash: ChangeHash,
    },
    /// A person's searchable row.
    Person {
        /// Their household.
        household: HouseholdId,
        /// Who.
        person: String,
    },
    /// A hand-over's row.
    HandOver {
        /// Its household.
        household: HouseholdId,
        /// The entry under its moves.
        entry: String,
    },
    /// The texts by which a household is found in the console.
    Search {
        /// The household.
        household: HouseholdId,
    },
    /// What a household is found and compared by.
    Family {
        /// The household.
        household: HouseholdId,
    },
    /// Two households that may be one family, or what was decided about them.
    Pair {
        /// One.
        household: HouseholdId,
        /// The other.
        other: HouseholdId,
    },
    /// A row of an area's feed.
    Feed {
        /// The area.
        area: String,
        /// The document.
        document: DocumentId,
    },
    /// An area's digest.
    Digest {
        /// The area.
        area: String,
        /// The kind of document.
        kind: DocKind,
    },
}

/// What is wrong with a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Problem {
    /// Its bytes are not those it is kept under.
    BytesDiffer,
    /// Actor, number, parents or position are not what the bytes say.
    ColumnsDiffer,
    /// It cannot be applied to the changes before it.
    DoesNotApply,
    /// It cannot be read.
    Unreadable,
    /// It is not what the log makes.
    Differs,
    /// The log calls for it and it is not there.
    Missing,
    /// Nothing calls for it.
    Stray,
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Change { document, hash } => write!(f, "change {hash} of {document}"),
            Self::UnreadableChange { household, hash } => write!(f, "change {hash} of {household}"),
            Self::Document { document } => write!(f, "document {document}"),
            Self::Household { household } => write!(f, "household {household}"),
            Self::Review { household, item } => write!(f, "review item {item} of {household}"),
            Self::Aside { document, hash } => {
                write!(f, "change {hash} kept aside of {document}")
            }
            Self::Person { household, person } => write!(f, "person {person} of {household}"),
            Self::HandOver { household, entry } => write!(f, "hand-over {entry} of {household}"),
            Self::Search { household } => write!(f, "search lines of {household}"),
            Self::Family { household } => write!(f, "keys of {household}"),
            Self::Pair { household, other } => write!(f, "pair {household} and {other}"),
            Self::Feed { area, document } => write!(f, "feed of {area}: {document}"),
            Self::Digest { area, kind } => write!(f, "digest of {area}, {kind}"),
        }
    }
}
