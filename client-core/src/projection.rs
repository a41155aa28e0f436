//! What people read: one row per household for lists and one text for searches, made from the documents in the
//! transaction that changes them, and the household whole, made from its documents when somebody opens it.
//!
//! Listing and searching never load a document. Holds nothing that cannot be made again: [`rebuild`] gives the
//! same rows.

use rusqlite::ToSql;
use serde::{Deserialize, Serialize};
use sojourn_sync_protocol::record::{self, Held, HouseholdView, MoveView, Shown};
use sojourn_sync_protocol::search::Texts;
use sojourn_sync_protocol::{DocKind, DocumentId, HouseholdId, Timestamp};

use crate::cache::{Cache, Loaded};
use crate::error::Error;
use crate::store::{StoreError, Tx};
use crate::work::Work;
use crate::{documents, duplicates, held, outbox, search};

/// The rows that were replaced: they held every household whole, as JSON.
pub(crate) const SCHEMA_WITH_VIEWS: &str = "
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

pub(crate) const SCHEMA: &str = "
DROP TABLE households;
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
    updated        INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX households_place ON households (area, name, household);
CREATE INDEX households_contradicted ON households (area, name, household) WHERE contradictions > 0;
";

/// Where a household is about to go, for the list.
pub(crate) const SCHEMA_OF_PREPARED_MOVES: &str = "
ALTER TABLE households ADD COLUMN moving_to TEXT NOT NULL DEFAULT '';
ALTER TABLE households ADD COLUMN moving_on TEXT NOT NULL DEFAULT '';
";

/// What a reviewer asks the staff, for the list.
pub(crate) const SCHEMA_OF_QUESTIONS: &str = "
ALTER TABLE households ADD COLUMN asked TEXT NOT NULL DEFAULT '';
";

/// Where the family of a household goes on, for the list.
pub(crate) const SCHEMA_OF_GOING_ON: &str = "
ALTER TABLE households ADD COLUMN goes_on TEXT NOT NULL DEFAULT '';
";

/// Between the values of a contradicted field on one line: nobody sees only one.
const BETWEEN_VALUES: &str = " / ";

/// A household in a list. A contradicted field shows all its values, ` / ` between them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct HouseholdRow {
    /// The household.
    #[cfg_attr(test, ts(as = "String"))]
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
    /// Edits held that nobody has decided about.
    pub held: u32,
    /// It moved out of this tablet's areas and goes once nothing of it is pending.
    pub leaving: bool,
    /// When it was last changed, by the author's clock.
    #[cfg_attr(test, ts(as = "i64"))]
    pub updated: Timestamp,
    /// The area that it is about to move to and that has not answered yet; empty when no move is prepared. Of several that
    /// were prepared apart, all.
    pub moving_to: String,
    /// The day of that.
    pub moving_on: String,
    /// What a reviewer asks and nobody has answered yet; empty when nothing. Of several, all.
    pub asked: String,
    /// The household in whose record the family goes on, where it had two; empty otherwise.
    #[serde(default)]
    pub goes_on: String,
}

const COLUMNS: &str = "household, area, name, address, phone, persons, contradictions, pending, held, leaving, updated,
    moving_to, moving_on, asked, goes_on";

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
        moving_to: row.get(11)?,
        moving_on: row.get(12)?,
        asked: row.get(13)?,
        goes_on: row.get(14)?,
    })
}

impl HouseholdRow {
    /// The row of a household of which nothing is pending.
    fn of(view: &HouseholdView, updated: Timestamp) -> Self {
        Self {
            id: view.id,
            area: one_line(view.residence.area.as_ref()),
            name: head_name(view),
            address: one_line(view.residence.address.as_ref()),
            phone: one_line(view.contact.phone.as_ref()),
            persons: small(
                view.persons
                    .values()
                    .filter(|person| person.removed.is_none())
                    .count(),
            ),
            contradictions: small(view.contradictions.len()),
            pending: 0,
            held: 0,
            leaving: false,
            updated,
            moving_to: of_prepared(view, |entry| entry.to.as_ref()),
            moving_on: of_prepared(view, |entry| entry.on.as_ref()),
            asked: asked(view),
            goes_on: view
                .goes_on
                .map_or_else(String::new, |other| other.to_string()),
        }
    }

    /// Where it stands in the list.
    pub fn place(&self) -> Place {
        Place {
            area: self.area.clone(),
            name: self.name.clone(),
            household: self.id,
        }
    }
}

/// Everything that is written of a household for people to read, made of what it shows. Pure.
pub(crate) struct Projected {
    row: HouseholdRow,
    texts: Texts,
    keys: duplicates::Keys,
}

impl Projected {
    /// Of a household that was changed last then, and of which nothing is pending.
    pub(crate) fn of(view: &HouseholdView, updated: Timestamp) -> Self {
        Self {
            row: HouseholdRow::of(view, updated),
            texts: Texts::of(view),
            keys: duplicates::Keys::of(view),
        }
    }

    /// Writes it.
    pub(crate) fn write(&self, tx: &Tx<'_>) -> Result<(), StoreError> {
        let row = &self.row;
        search::index(tx, row.id, &self.texts)?;
        duplicates::index(tx, row.id, &self.keys)?;
        tx.execute(
            "INSERT INTO households (household, area, name, address, phone, persons, contradictions, pending,
                 held, leaving, updated, moving_to, moving_on, asked, goes_on)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
             ON CONFLICT (household) DO UPDATE SET area = excluded.area, name = excluded.name,
                 address = excluded.address, phone = excluded.phone, persons = excluded.persons,
                 contradictions = excluded.contradictions, pending = excluded.pending, held = excluded.held,
                 leaving = excluded.leaving, updated = excluded.updated,
                 moving_to = excluded.moving_to, moving_on = excluded.moving_on, asked = excluded.asked,
                 goes_on = excluded.goes_on",
            rusqlite::params![
                row.id.as_bytes(),
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
                row.moving_to,
                row.moving_on,
                row.asked,
                row.goes_on,
            ],
        )?;
        Ok(())
    }
}

/// Makes a household's row and search line from its documents; takes them away when it has none.
pub(crate) fn project(tx: &Tx<'_>, cache: &Cache, household: HouseholdId) -> Result<(), Error> {
    let core_id = DocumentId::new(household, DocKind::Core);
    let stored = documents::stored(tx, core_id)?;
    let read = read(tx, cache, household, |core, health| {
        let updated = [Some(core), health]
            .into_iter()
            .flatten()
            .try_fold(Timestamp::default(), |last, held| {
                Some(last.max(held.last_change()?))
            })?;
        Some((record::view_held(household, core, health)?, updated))
    })?;
    let (Some(stored), Some((view, updated))) = (stored, read) else {
        tx.execute(
            "DELETE FROM households WHERE household = ?1",
            [household.as_bytes()],
        )?;
        search::remove(tx, household)?;
        duplicates::remove(tx, household)?;
        return Ok(());
    };
    let mut projected = Projected::of(&view, updated);
    let (pending, held) = counts(tx, cache, household)?;
    projected.row = HouseholdRow {
        pending,
        held,
        leaving: stored.leaving,
        ..projected.row
    };
    Ok(projected.write(tx)?)
}

/// Notes how much of a household is pending now, its documents being as they were.
pub(crate) fn recount(tx: &Tx<'_>, cache: &Cache, household: HouseholdId) -> Result<(), Error> {
    let (pending, held) = counts(tx, cache, household)?;
    tx.execute(
        "UPDATE households SET pending = ?2, held = ?3 WHERE household = ?1",
        rusqlite::params![household.as_bytes(), pending, held],
    )?;
    Ok(())
}

/// How many edits of a household are pending, and how many are held and nobody has decided about them.
fn counts(tx: &Tx<'_>, cache: &Cache, household: HouseholdId) -> Result<(u32, u32), Error> {
    let (pending, held) = outbox::counts_of(tx, household)?;
    if held == 0 {
        return Ok((pending, 0));
    }
    let waiting = held::waiting_of(tx, cache, household)?;
    Ok((pending, u32::try_from(waiting).unwrap_or(u32::MAX)))
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

/// A field of every move that is prepared, on one line.
fn of_prepared(
    view: &HouseholdView,
    field: impl Fn(&MoveView) -> Option<&Shown<String>>,
) -> String {
    let moves = view.prepared_moves();
    let texts: Vec<String> = moves.map(|(_, entry)| one_line(field(entry))).collect();
    texts.join(BETWEEN_VALUES)
}

/// Every question of a reviewer that waits, on one line.
fn asked(view: &HouseholdView) -> String {
    let texts: Vec<String> = view
        .asked()
        .map(|(_, need)| one_line(need.text.as_ref()))
        .collect();
    texts.join(BETWEEN_VALUES)
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

/// Makes every row again from the documents.
///
/// # Errors
/// [`Error`].
pub fn rebuild(work: &mut Work<'_>) -> Result<(), Error> {
    work.project()?;
    work.tx.execute("DELETE FROM households", [])?;
    search::clear(work.tx)?;
    duplicates::clear(work.tx)?;
    for household in documents::households(work.tx)? {
        project(work.tx, work.cache, household)?;
    }
    Ok(())
}

/// A place in the list: the order is by area, name and household.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The area, as the row has it.
    pub area: String,
    /// The name, as the row has it.
    pub name: String,
    /// The household.
    pub household: HouseholdId,
}

/// Where in the list to read. However long the list is, every screen takes the same time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Screen {
    /// From the beginning.
    #[default]
    First,
    /// What follows a place.
    After(Place),
    /// What precedes a place, up to it.
    Before(Place),
    /// Up to the end.
    Last,
}

/// Which households a list shows, and how many.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListQuery {
    /// Only this area.
    pub area: Option<String>,
    /// Only households with contradicted fields.
    pub contradicted: bool,
    /// Only households about which a reviewer asks something.
    pub asked: bool,
    /// Where in the list.
    pub screen: Screen,
    /// At most this many; all when absent.
    pub limit: Option<usize>,
}

/// Households in order of area and name.
///
/// # Errors
/// [`StoreError`].
pub fn list(tx: &Tx<'_>, query: &ListQuery) -> Result<Vec<HouseholdRow>, StoreError> {
    let mut conditions = Vec::new();
    let mut params: Vec<&dyn ToSql> = Vec::new();
    if let Some(area) = &query.area {
        conditions.push("area = ?");
        params.push(area);
    }
    if query.contradicted {
        conditions.push("contradictions > 0");
    }
    if query.asked {
        conditions.push("asked <> ''");
    }
    let household;
    if let Screen::After(place) | Screen::Before(place) = &query.screen {
        conditions.push(match query.screen {
            Screen::After(_) => "(area, name, household) > (?, ?, ?)",
            _ => "(area, name, household) < (?, ?, ?)",
        });
        household = *place.household.as_bytes();
        params.extend([&place.area as &dyn ToSql, &place.name, &household]);
    }
    let backwards = matches!(query.screen, Screen::Before(_) | Screen::Last);
    let filter = if conditions.is_empty() {
        String::new()
    } else {
        format!("WHERE {}", conditions.join(" AND "))
    };
    let way = if backwards { "DESC" } else { "ASC" };
    let limit = query
        .limit
        .map_or(-1, |limit| i64::try_from(limit).unwrap_or(i64::MAX));
    params.push(&limit);
    let sql = format!(
        "SELECT {COLUMNS} FROM households {filter}
         ORDER BY area {way}, name {way}, household {way} LIMIT ?"
    );
    let mut rows = tx.all(&sql, params.as_slice(), row)?;
    if backwards {
        rows.reverse();
    }
    Ok(rows)
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

/// One household, whole, made from its documents. Those without later changes are not even loaded.
///
/// # Errors
/// [`Error::Store`]; [`Error::Record`] when a document cannot be read.
pub fn view(tx: &Tx<'_>, cache: &Cache, id: HouseholdId) -> Result<Option<HouseholdView>, Error> {
    read(tx, cache, id, |core, health| {
        record::view_held(id, core, health)
    })
}

/// A document as it is at hand.
#[expect(
    clippy::large_enum_variant,
    reason = "two at a time, where they are read"
)]
enum Found<'c> {
    Saved(Vec<u8>),
    Loaded(Loaded<'c>),
}

impl Found<'_> {
    fn held(&self) -> Held<'_> {
        match self {
            Self::Saved(saved) => Held::Saved(saved),
            Self::Loaded(document) => Held::Loaded(document),
        }
    }
}

/// The bytes of a document to which nothing was added since it was saved, and otherwise the document.
fn find<'c>(tx: &Tx<'_>, cache: &'c Cache, id: DocumentId) -> Result<Option<Found<'c>>, Error> {
    Ok(match documents::saved(tx, id)? {
        Some(saved) => saved.map(Found::Saved),
        None => documents::load(tx, cache, id)?.map(|(_, document)| Found::Loaded(document)),
    })
}

/// What somebody asks of a household's two documents; `None` when it is not here. It is asked of saved bytes first and,
/// where they leave it uncertain, of the loaded documents, which answer everything.
fn read<T>(
    tx: &Tx<'_>,
    cache: &Cache,
    id: HouseholdId,
    ask: impl Fn(Held<'_>, Option<Held<'_>>) -> Option<T>,
) -> Result<Option<T>, Error> {
    let [core_id, health_id] = DocKind::ALL.map(|kind| DocumentId::new(id, kind));
    let Some(core) = find(tx, cache, core_id)? else {
        return Ok(None);
    };
    let health = find(tx, cache, health_id)?;
    if let Some(answer) = ask(core.held(), health.as_ref().map(Found::held)) {
        return Ok(Some(answer));
    }
    drop((core, health));
    let Some((_, core)) = documents::load(tx, cache, core_id)? else {
        return Ok(None);
    };
    let health = documents::load(tx, cache, health_id)?;
    let health = health.as_ref().map(|(_, document)| Held::Loaded(document));
    Ok(ask(Held::Loaded(&core), health))
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
