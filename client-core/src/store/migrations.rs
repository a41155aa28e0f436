//! The ordered list of migrations, and which tables a salvage carries over.
//!
//! A migration's number is its position. The SQL itself stands beside its concept; a step that has been
//! released is never changed, a new one is added at the end.

pub(crate) use super::carried::{REBUILD, REFETCH};
use crate::{areas, documents, duplicates, identity, outbox, projection, search};

/// The tables of a database and how they came to be.
pub struct Schema {
    /// Every migration, as the statements of its concepts.
    pub migrations: &'static [&'static [&'static str]],
    /// What a salvage carries over, the most precious first. What is not named here can be computed again.
    pub kept: &'static [Kept],
}

/// A table a salvage carries over.
pub struct Kept {
    /// The table, then its twin if every row is kept twice (a page is the unit of loss).
    pub tables: &'static [&'static str],
    /// The column it is walked by: the first of its primary key.
    pub key: &'static str,
}

impl Schema {
    /// Whether a salvage carries the table over.
    pub fn keeps(&self, table: &str) -> bool {
        self.kept.iter().any(|kept| kept.tables.contains(&table))
    }
}

const STORE_STATE: &str = "
CREATE TABLE store_state (
    name  TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
) WITHOUT ROWID;
";

/// What people read is made again at the next opening.
const REBUILD_WHAT_IS_READ: &str = "
INSERT OR REPLACE INTO store_state (name, value)
SELECT 'rebuild', x'01' WHERE EXISTS (SELECT 1 FROM documents);
";

/// The tablet's database.
pub(crate) const TABLET: Schema = Schema {
    migrations: &[
        &[
            STORE_STATE,
            identity::SCHEMA,
            outbox::SCHEMA,
            documents::SCHEMA,
            areas::SCHEMA,
            projection::SCHEMA_WITH_VIEWS,
            search::SCHEMA_OF_TERMS,
        ],
        &[projection::SCHEMA, search::SCHEMA, REBUILD_WHAT_IS_READ],
        &[projection::SCHEMA_OF_PREPARED_MOVES, REBUILD_WHAT_IS_READ],
        &[duplicates::SCHEMA, REBUILD_WHAT_IS_READ],
        &[projection::SCHEMA_OF_QUESTIONS, REBUILD_WHAT_IS_READ],
        &[projection::SCHEMA_OF_GOING_ON, REBUILD_WHAT_IS_READ],
    ],
    kept: &[
        Kept {
            tables: &["outbox", "outbox_twin"],
            key: "id",
        },
        Kept {
            tables: &["identity", "identity_twin"],
            key: "name",
        },
        Kept {
            tables: &["documents"],
            key: "id",
        },
        Kept {
            tables: &["changes"],
            key: "id",
        },
        Kept {
            tables: &["cursors"],
            key: "area",
        },
        Kept {
            tables: &["areas"],
            key: "code",
        },
    ],
};
