//! The texts by which households are found, kept up in the transaction that records a change. They follow from the core
//! document alone, identity numbers masked, and `check` proves them.
//!
//! Households of a database from before there were such texts are listed by the schema step, and read a few at a time while the server
//! runs, or when they change, whichever comes first. Until then nobody finds them.

use std::ops::ControlFlow;

use sojourn_sync_protocol::record::{Document, view, view_saved};
use sojourn_sync_protocol::search::{Texts, addresses_in};
use sojourn_sync_protocol::{AreaCode, DocKind, DocumentId, HouseholdId};

use crate::check::Problem;
use crate::documents;
use crate::params;
use crate::projection;
use crate::store::{StoreError, Tx};

pub(crate) const SCHEMA: &str = "
CREATE TABLE search_lines (
    household BLOB NOT NULL PRIMARY KEY,
    lines TEXT NOT NULL,
    letters TEXT NOT NULL
);
CREATE TABLE search_unread (
    household BLOB NOT NULL PRIMARY KEY
);
INSERT INTO search_unread (household) SELECT household FROM households;
";

/// Whether a field at this path can change what is kept here.
pub(crate) fn shows(path: &str) -> bool {
    // Every household begins with its area, and some with nothing else.
    path.starts_with("residence/") || path == "contact/phone" || projection::shows(path)
}

/// What a core document calls for. With the bytes that it was saved as, its columns are read, which is several times quicker than
/// walking the document.
fn texts_of(core: &Document, saved: Option<&[u8]>) -> Texts {
    let household = core.id().household;
    let columns = saved.and_then(|saved| view_saved(household, saved, None));
    // A core document can always be viewed as its own household's.
    let Some(mut view) = columns.or_else(|| view(household, core, None).ok()) else {
        return Texts::of_persons([], &[], &[]);
    };
    view.mask_id_numbers();
    Texts::with_address(&view)
}

fn stored(tx: &Tx<'_>, household: HouseholdId) -> Result<Option<Texts>, StoreError> {
    tx.query_opt(
        "SELECT lines, letters FROM search_lines WHERE household = ?1",
        params![household.as_bytes()],
        |row| {
            Ok(Texts {
                lines: row.text(0)?,
                letters: row.text(1)?,
            })
        },
    )
}

/// Brings a household's texts up to date after its core document has changed. `saved` are its bytes, where they are at hand.
pub(crate) fn record(tx: &Tx<'_>, core: &Document, saved: Option<&[u8]>) -> Result<(), StoreError> {
    let (household, texts) = (core.id().household, texts_of(core, saved));
    done(tx, household)?;
    tx.execute(
        "INSERT INTO search_lines (household, lines, letters) VALUES (?1, ?2, ?3)
         ON CONFLICT (household) DO UPDATE SET lines = excluded.lines, letters = excluded.letters
         WHERE search_lines.lines <> excluded.lines",
        params![household.as_bytes(), &texts.lines, &texts.letters],
    )?;
    Ok(())
}

/// Every household that lives in an area, with its lines and letters, until `visit` breaks.
pub(super) fn each_in(
    tx: &Tx<'_>,
    area: &AreaCode,
    mut visit: impl FnMut(HouseholdId, &str, &str) -> ControlFlow<()>,
) -> Result<(), StoreError> {
    tx.scan(
        "SELECT h.household, s.lines, s.letters FROM households h
         JOIN search_lines s ON s.household = h.household WHERE h.area = ?1",
        params![area.as_str()],
        |row| {
            let household = HouseholdId::from_bytes(row.array(0)?);
            Ok(visit(household, row.str(1)?, row.str(2)?))
        },
    )
}

/// The addresses of a household.
pub(super) fn addresses(tx: &Tx<'_>, household: HouseholdId) -> Result<Vec<String>, StoreError> {
    let lines = stored(tx, household)?.map(|texts| texts.lines);
    let addresses = lines.iter().flat_map(|lines| addresses_in(lines));
    Ok(addresses.map(str::to_owned).collect())
}

/// What is wrong with a household's texts, whose core document is this.
pub(crate) fn fault(tx: &Tx<'_>, core: &Document) -> Result<Option<Problem>, StoreError> {
    let household = core.id().household;
    if waits(tx, household)? {
        return Ok(None);
    }
    Ok(match stored(tx, household)? {
        None => Some(Problem::Missing),
        Some(texts) => (texts != texts_of(core, None)).then_some(Problem::Differs),
    })
}

/// Walks the households that have texts.
pub(crate) fn each_household(
    tx: &Tx<'_>,
    mut visit: impl FnMut(HouseholdId) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    tx.scan("SELECT household FROM search_lines", &[], |row| {
        visit(HouseholdId::from_bytes(row.array(0)?))?;
        Ok(ControlFlow::Continue(()))
    })
}

/// A household has been read.
fn done(tx: &Tx<'_>, household: HouseholdId) -> Result<(), StoreError> {
    tx.execute(
        "DELETE FROM search_unread WHERE household = ?1",
        params![household.as_bytes()],
    )?;
    Ok(())
}

/// Whether a household has not been read yet.
fn waits(tx: &Tx<'_>, household: HouseholdId) -> Result<bool, StoreError> {
    let found = tx.query_opt(
        "SELECT 1 FROM search_unread WHERE household = ?1",
        params![household.as_bytes()],
        |row| row.i64(0),
    )?;
    Ok(found.is_some())
}

/// Reads at most so many; gives how many were read. None: there are no more.
pub(crate) fn read_some(tx: &Tx<'_>, most: usize) -> Result<usize, StoreError> {
    let some = tx.query(
        "SELECT household FROM search_unread ORDER BY household LIMIT ?1",
        params![most],
        |row| row.array(0).map(HouseholdId::from_bytes),
    )?;
    for household in &some {
        done(tx, *household)?;
        match documents::load(tx, DocumentId::new(*household, DocKind::Core)) {
            Ok(Some(held)) => record(tx, &held.document, None)?,
            // What cannot be read is named by `check`; the others are read all the same.
            Ok(None) | Err(StoreError::Corrupt(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(some.len())
}
