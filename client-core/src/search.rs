//! Where the tablet keeps what people are found by: one row for each household, kept up by the projection in the transaction
//! that changes it. How a text finds people is decided in the protocol's `search`; a search takes a few milliseconds for 5,000
//! households.

use sojourn_sync_protocol::HouseholdId;
use sojourn_sync_protocol::search::{self, Hit, Texts};

use crate::store::{StoreError, Tx};

/// The index that was replaced: one row for each term.
pub(crate) const SCHEMA_OF_TERMS: &str = "
CREATE TABLE search_sources (
    id        INTEGER PRIMARY KEY,
    household BLOB NOT NULL,
    source    TEXT NOT NULL
);
CREATE INDEX search_sources_household ON search_sources (household);
CREATE TABLE search_terms (
    class  INTEGER NOT NULL,
    term   TEXT NOT NULL,
    source INTEGER NOT NULL,
    whole  INTEGER NOT NULL,
    PRIMARY KEY (class, term, source)
) WITHOUT ROWID;
";

pub(crate) const SCHEMA: &str = "
DROP TABLE search_terms;
DROP TABLE search_sources;
CREATE TABLE search_lines (
    household BLOB NOT NULL PRIMARY KEY,
    lines     TEXT NOT NULL,
    letters   TEXT NOT NULL
) WITHOUT ROWID;
";

/// Brings the index up to a household as it is now.
pub(crate) fn index(tx: &Tx<'_>, household: HouseholdId, texts: &Texts) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO search_lines (household, lines, letters) VALUES (?1, ?2, ?3)
         ON CONFLICT (household) DO UPDATE SET lines = excluded.lines, letters = excluded.letters
         WHERE lines <> excluded.lines",
        rusqlite::params![household.as_bytes(), texts.lines, texts.letters],
    )?;
    Ok(())
}

/// Takes a household out of the index.
pub(crate) fn remove(tx: &Tx<'_>, household: HouseholdId) -> Result<(), StoreError> {
    tx.execute(
        "DELETE FROM search_lines WHERE household = ?1",
        [household.as_bytes()],
    )?;
    Ok(())
}

/// Empties the index, before it is made again.
pub(crate) fn clear(tx: &Tx<'_>) -> Result<(), StoreError> {
    tx.execute("DELETE FROM search_lines", [])?;
    Ok(())
}

/// Who is found by all words of the text, best first, at most `limit` households.
///
/// # Errors
/// [`StoreError`].
pub(crate) fn search(tx: &Tx<'_>, text: &str, limit: usize) -> Result<Vec<Hit>, StoreError> {
    search::search(text, limit, |visit| {
        tx.each(
            "SELECT household, lines, letters FROM search_lines",
            [],
            |row| {
                let household = HouseholdId::from_bytes(row.get(0)?);
                visit(
                    household,
                    row.get_ref(1)?.as_str()?,
                    row.get_ref(2)?.as_str()?,
                );
                Ok(())
            },
        )
    })
}

#[cfg(test)]
#[path = "search_tests.rs"]
mod tests;
