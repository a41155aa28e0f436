//! What people read: one row per household for lists, and the household as JSON, made from the documents in
//! the transaction that changes them. Reading never loads a document.
//!
//! Holds nothing that cannot be made again: [`rebuild`] gives the same rows.

use serde::{Deserialize, Serialize};
use sojourn_sync_protocol::gate;
use sojourn_sync_protocol::record::{self, Document, HouseholdView, Shown};
use sojourn_sync_protocol::{DocKind, DocumentId, HouseholdId, Timestamp};

use crate::cache::Cache;
use crate::error::Error;
use crate::store::{StoreError, Tx};
use crate::work::Work;
use crate::{documents, outbox, search};

pub(crate) const SCHEMA: &str = "
CREATE TABLE households (
    household      BLOB NOT NULL PRIMARY KEY,
    area           TEXT NOT NULL,
    name           TEXT NOT NULL,
    address        TEXT NOT NULL,
    phone          TEXT NOT NULL,
    persons        INTEGER NOT NULL,
    contradictions INTEGER NOT NULL,
    pending        INTEGER NOT NULL,
    held           INTEGER NOT NULL,
    leaving        INTEGER NOT NULL,
    updated        INTEGER NOT NULL,
    shown          TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX households_area ON households (area, name);
";

/// Between the values of a contradicted field on one line: nobody sees only one.
const BETWEEN_VALUES: &str = " / ";

/// A household in a list. A contradicted field shows all its values, ` / ` between them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HouseholdRow {
    /// The household.
    pub id: HouseholdId,
    /// Area of residence, as the record has it.
    pub area: String,
    /// Name of the head, or of the first person.
    pub name: String,
    /// Where a visit finds them.
    pub address: String,
    /// Telephone of the household.
    pub phone: String,
    /// Persons, removed ones left out.
    pub persons: u32,
    /// Contradicted fields.
    pub contradictions: u32,
    /// Edits not yet acknowledged.
    pub pending: u32,
    /// Edits held.
    pub held: u32,
    /// It moved out of this tablet's areas and goes once nothing of it is pending.
    pub leaving: bool,
    /// When it was last changed, by the author's clock.
    pub updated: Timestamp,
}

const COLUMNS: &str = "household, area, name, address, phone, persons, contradictions, pending, held, leaving, updated";

fn row(row: &rusqlite::Row<'_>) -> rusqlite::Result<HouseholdRow> {
    Ok(HouseholdRow {
        id: HouseholdId::from_bytes(row.get(0)?),
        area: row.get(1)?,
        name: row.get(2)?,
        address: row.get(3)?,
        phone: row.get(4)?,
        persons: row.get(5)?,
        contradictions: row.get(6)?,
        pending: row.get(7)?,
        held: row.get(8)?,
        leaving: row.get(9)?,
        updated: Timestamp::from_millis(row.get(10)?),
    })
}

/// Makes a household's row, JSON and search terms from its documents; takes them away when it has none.
pub(crate) fn project(tx: &Tx<'_>, cache: &Cache, household: HouseholdId) -> Result<(), Error> {
    let core_id = DocumentId::new(household, DocKind::Core);
    let Some((stored, core)) = documents::load(tx, cache, core_id)? else {
        tx.execute(
            "DELETE FROM households WHERE household = ?1",
            [household.as_bytes()],
        )?;
        search::index(tx, household, None)?;
        return Ok(());
    };
    let health = documents::load(tx, cache, DocumentId::new(household, DocKind::Health))?;
    let health = health.as_ref().map(|(_, document)| &**document);
    let view =
        record::view(household, &core, health).map_err(|error| Error::record(core_id, error))?;
    let (pending, held) = outbox::counts_of(tx, household)?;
    let row = HouseholdRow {
        id: household,
        area: one_line(view.residence.area.as_ref()),
        name: head_name(&view),
        address: one_line(view.residence.address.as_ref()),
        phone: one_line(view.contact.phone.as_ref()),
        persons: small(
            view.persons
                .values()
                .filter(|person| person.removed.is_none())
                .count(),
        ),
        contradictions: small(view.contradictions.len()),
        pending,
        held,
        leaving: stored.leaving,
        updated: last_change(&core).max(health.map_or(Timestamp::default(), last_change)),
    };
    search::index(tx, household, Some(&view))?;
    let shown = serde_json::to_string(&view).expect("a view is plain data");
    tx.execute(
        "INSERT INTO households (household, area, name, address, phone, persons, contradictions, pending,
             held, leaving, updated, shown)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
         ON CONFLICT (household) DO UPDATE SET area = excluded.area, name = excluded.name,
             address = excluded.address, phone = excluded.phone, persons = excluded.persons,
             contradictions = excluded.contradictions, pending = excluded.pending, held = excluded.held,
             leaving = excluded.leaving, updated = excluded.updated, shown = excluded.shown",
        rusqlite::params![
            household.as_bytes(),
            row.area,
            row.name,
            row.address,
            row.phone,
            row.persons,
            row.contradictions,
            row.pending,
            row.held,
            row.leaving,
            row.updated.millis(),
            shown,
        ],
    )?;
    Ok(())
}

fn small(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// All values of a field on one line.
pub fn one_line(shown: Option<&Shown<String>>) -> String {
    let values: Vec<&str> = shown
        .into_iter()
        .flat_map(Shown::values)
        .map(String::as_str)
        .collect();
    values.join(BETWEEN_VALUES)
}

fn head_name(view: &HouseholdView) -> String {
    let present = || {
        view.persons
            .values()
            .filter(|person| person.removed.is_none())
    };
    let head = present().find(|person| {
        person
            .relation
            .as_ref()
            .is_some_and(|relation| relation.values().any(|word| word == "head"))
    });
    let person = head
        .or_else(|| present().next())
        .or_else(|| view.persons.values().next());
    person
        .map(|person| one_line(person.name.as_ref()))
        .unwrap_or_default()
}

/// The time of the latest change that nothing builds on yet.
fn last_change(document: &Document) -> Timestamp {
    let times = document.heads().into_iter().filter_map(|head| {
        let change = document.change(&head)?;
        Some(gate::read_head(&change.bytes).ok()?.time)
    });
    times.max().unwrap_or_default()
}

/// Makes every row again from the documents.
///
/// # Errors
/// [`Error`].
pub fn rebuild(work: &mut Work<'_>) -> Result<(), Error> {
    work.project()?;
    work.tx.execute("DELETE FROM households", [])?;
    search::clear(work.tx)?;
    for household in documents::households(work.tx)? {
        project(work.tx, work.cache, household)?;
    }
    Ok(())
}

/// Which households a list shows, and how many.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListQuery {
    /// Only this area.
    pub area: Option<String>,
    /// Only households with contradicted fields.
    pub contradicted: bool,
    /// After this many.
    pub skip: usize,
    /// At most this many; all when absent.
    pub limit: Option<usize>,
}

/// Households in order of area and name.
///
/// # Errors
/// [`StoreError`].
pub fn list(tx: &Tx<'_>, query: &ListQuery) -> Result<Vec<HouseholdRow>, StoreError> {
    let number = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    tx.all(
        &format!(
            "SELECT {COLUMNS} FROM households
             WHERE (?1 IS NULL OR area = ?1) AND (?2 = 0 OR contradictions > 0)
             ORDER BY area, name, household LIMIT ?3 OFFSET ?4"
        ),
        rusqlite::params![
            query.area,
            query.contradicted,
            query.limit.map_or(-1, number),
            number(query.skip)
        ],
        row,
    )
}

/// One household's row.
///
/// # Errors
/// [`StoreError`].
pub fn household(tx: &Tx<'_>, id: HouseholdId) -> Result<Option<HouseholdRow>, StoreError> {
    tx.one(
        &format!("SELECT {COLUMNS} FROM households WHERE household = ?1"),
        [id.as_bytes()],
        row,
    )
}

/// One household, whole.
///
/// # Errors
/// [`StoreError`].
pub fn view(tx: &Tx<'_>, id: HouseholdId) -> Result<Option<HouseholdView>, StoreError> {
    let shown = tx.one(
        "SELECT shown FROM households WHERE household = ?1",
        [id.as_bytes()],
        |row| row.get::<_, String>(0),
    )?;
    shown
        .map(|text| {
            serde_json::from_str(&text)
                .map_err(|error| StoreError::Corrupt(format!("view of {id}: {error}")))
        })
        .transpose()
}

/// Households whose id lies between two ids, the second included; at most `limit`.
pub(crate) fn ids_between(
    tx: &Tx<'_>,
    low: &[u8; 16],
    high: &[u8; 16],
    limit: u32,
) -> Result<Vec<HouseholdId>, StoreError> {
    let sql = "SELECT household FROM households WHERE household >= ?1 AND household <= ?2
               ORDER BY household LIMIT ?3";
    let ids = tx.all(sql, rusqlite::params![low, high, limit], |row| {
        row.get::<_, [u8; 16]>(0)
    })?;
    Ok(ids.into_iter().map(HouseholdId::from_bytes).collect())
}

/// How many households, persons and contradicted fields there are.
pub(crate) fn totals(tx: &Tx<'_>) -> Result<(u64, u64, u64), StoreError> {
    let sql = "SELECT count(*), coalesce(sum(persons), 0), coalesce(sum(contradictions), 0) FROM households";
    let row = tx.one(sql, [], |row| {
        Ok((
            row.get::<_, i64>(0)?,
            row.get::<_, i64>(1)?,
            row.get::<_, i64>(2)?,
        ))
    })?;
    let number = |n: i64| u64::try_from(n).unwrap_or(0);
    Ok(row.map_or((0, 0, 0), |(a, b, c)| (number(a), number(b), number(c))))
}
