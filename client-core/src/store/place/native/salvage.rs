//! Carrying over what can be read of a corrupt database.
//!
//! The damaged file is only read (or a copy of it, when its first page has to be written again), then
//! moved aside with its log as `tablet.db.corrupt-<n>` and never deleted. Every kept table is walked by its
//! key; a page that cannot be read is stepped over from both sides and narrowed by halving. The new
//! database takes the old one's place only when it is whole, so a cut or a full disk midway loses nothing.
//!
//! Tables that can be computed again (projections, search) are not carried over: the new database asks for
//! that by [`REBUILD`].

use std::cell::{Cell, Ref, RefCell};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags, params_from_iter};

use super::{layout, rewrite};
use crate::store::StoreError;
use crate::store::carried::{REBUILD, REFETCH, Salvage, SalvagedTable};
use crate::store::key::DatabaseKey;
use crate::store::migrations::{Kept, Schema};
use crate::store::open::{self, DATABASE};

/// Being filled; means nothing after a cut.
const FILLING: &str = "tablet.db.filling";
/// Filled; stands to take the damaged file's place.
const FILLED: &str = "tablet.db.filled";
const PATCHED: &str = "tablet.db.patched";
const STAND_IN: &str = "tablet.db.stand-in";
/// A gap in which nothing was found is halved this often; a gap beside rows that were found, anew.
const BARREN_MAX: u32 = 8;
/// Past this number no row is looked for when the last rows of a table cannot be read.
const NUMBER_MAX: i64 = 1 << 22;

/// Puts a filled database in place if a salvage was cut between its two renames.
pub(crate) fn finish_interrupted(dir: &Path) -> Result<(), StoreError> {
    for name in [FILLING, PATCHED, STAND_IN, rewrite::ANEW] {
        remove(dir, name)?;
    }
    if dir.join(FILLED).exists() {
        swap(dir)?;
    }
    Ok(())
}

/// Makes a new database from what can be read of the one in `dir`, and moves that one aside.
pub(crate) fn salvage(
    dir: &Path,
    key: &DatabaseKey,
    schema: &Schema,
) -> Result<Salvage, StoreError> {
    let damaged = open_damaged(dir, key);
    remove(dir, FILLING)?;
    let create = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    let mut fresh = open::connect(&dir.join(FILLING), key, create)?;
    open::migrate(&mut fresh, schema)?;

    let mut tables = Vec::new();
    let tx = fresh.transaction()?;
    for kept in schema.kept {
        tables.push(match &damaged {
            Some(damaged) => carry_over(damaged, &tx, kept)?,
            None => SalvagedTable {
                name: kept.tables[0],
                rows: 0,
                whole: false,
            },
        });
    }
    let lost = tables.iter().any(|table| !table.whole);
    for (name, wanted) in [(REBUILD, true), (REFETCH, lost)] {
        if wanted {
            tx.execute(
                "INSERT OR REPLACE INTO store_state (name, value) VALUES (?1, x'01')",
                [name],
            )?;
        }
    }
    tx.commit()?;
    layout::save(dir, &fresh, schema)?;
    open::fold(&fresh)?;
    fresh.close().map_err(|(_, error)| error)?;
    drop(damaged);

    rename(&dir.join(FILLING), &dir.join(FILLED))?;
    let aside = swap(dir)?;
    for name in [PATCHED, STAND_IN] {
        remove(dir, name)?;
    }
    Ok(Salvage { aside, tables })
}

/// The damaged database, readable as far as its pages are. SQLCipher refuses everything on a connection
/// that has met one bad page, so a read that failed is followed by a new connection.
struct Damaged<'k> {
    path: PathBuf,
    key: &'k DatabaseKey,
    connection: RefCell<Connection>,
    spent: Cell<bool>,
}

impl<'k> Damaged<'k> {
    fn open(path: PathBuf, key: &'k DatabaseKey) -> Result<Self, StoreError> {
        let connection = RefCell::new(Self::connect(&path, key)?);
        Ok(Self {
            path,
            key,
            connection,
            spent: Cell::new(false),
        })
    }

    fn connect(path: &Path, key: &DatabaseKey) -> Result<Connection, StoreError> {
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        connection.execute_batch("PRAGMA cipher_log_level = NONE")?;
        connection.execute_batch(&key.pragma())?;
        // Lenient about a file shorter than its first page says.
        connection.execute_batch("PRAGMA writable_schema = ON; PRAGMA temp_store = MEMORY;")?;
        let schema = "SELECT name, sql FROM sqlite_schema";
        connection
            .prepare(schema)?
            .query_map([], |_| Ok(()))?
            .collect::<Result<Vec<()>, _>>()?;
        Ok(connection)
    }

    fn connection(&self) -> Ref<'_, Connection> {
        if self.spent.take() {
            // It opened before, so it opens now; if not, the old one goes on answering nothing.
            if let Ok(fresh) = Self::connect(&self.path, self.key) {
                self.connection.replace(fresh);
            }
        }
        self.connection.borrow()
    }
}

/// `None` when not even a first page written again makes the tables known.
fn open_damaged<'k>(dir: &Path, key: &'k DatabaseKey) -> Option<Damaged<'k>> {
    if let Ok(damaged) = Damaged::open(dir.join(DATABASE), key) {
        return Some(damaged);
    }
    let patch = || -> Result<Damaged<'k>, StoreError> {
        remove(dir, PATCHED)?;
        remove(dir, STAND_IN)?;
        let patched = dir.join(PATCHED);
        for suffix in ["", "-wal"] {
            let from = dir.join(format!("{DATABASE}{suffix}"));
            if from.exists() {
                std::fs::copy(&from, dir.join(format!("{PATCHED}{suffix}")))
                    .map_err(|error| StoreError::io(&from, error))?;
            }
        }
        layout::restore_first_page(dir, &patched, &dir.join(STAND_IN), key)?;
        Damaged::open(patched, key)
    };
    patch().ok()
}

fn carry_over(
    damaged: &Damaged<'_>,
    fresh: &Connection,
    kept: &Kept,
) -> Result<SalvagedTable, StoreError> {
    let mut rows = 0;
    let mut whole = false;
    for source in kept.tables {
        // Columns both have: the damaged file may be older.
        let have = columns(&damaged.connection(), source);
        let columns: Vec<String> = columns(fresh, source)
            .into_iter()
            .filter(|column| have.contains(column))
            .collect();
        if columns.is_empty() {
            continue;
        }
        let list = columns.join(", ");
        let marks = (1..=columns.len())
            .map(|at| format!("?{at}"))
            .collect::<Vec<_>>()
            .join(", ");
        let inserts: Vec<String> = kept
            .tables
            .iter()
            .map(|target| format!("INSERT OR IGNORE INTO {target} ({list}) VALUES ({marks})"))
            .collect();
        let mut sink = |row: &[Value]| -> Result<(), StoreError> {
            for (at, insert) in inserts.iter().enumerate() {
                let changed = fresh
                    .prepare_cached(insert)?
                    .execute(params_from_iter(row.iter()))?;
                if at == 0 {
                    rows += changed as u64;
                }
            }
            Ok(())
        };
        let walk = Walk {
            damaged,
            table: source,
            list: &list,
            key: kept.key,
            width: columns.len(),
        };
        let numbered = is_numbered(fresh, source, kept.key);
        whole |= walk.run(numbered, &mut sink)?;
    }
    Ok(SalvagedTable {
        name: kept.tables[0],
        rows,
        whole,
    })
}

fn columns(connection: &Connection, table: &str) -> Vec<String> {
    let read = || -> rusqlite::Result<Vec<String>> {
        let mut statement = connection.prepare(&format!("PRAGMA table_info({table})"))?;
        statement.query_map([], |row| row.get(1))?.collect()
    };
    read().unwrap_or_default()
}

/// Whether the table is walked by number, so that a gap can be halved.
fn is_numbered(connection: &Connection, table: &str, key: &str) -> bool {
    let sql = "SELECT type FROM pragma_table_info(?1) WHERE name = ?2";
    let declared = connection.query_row(sql, [table, key], |row| row.get::<_, String>(0));
    declared.is_ok_and(|declared| declared == "INTEGER")
}

type Sink<'s> = dyn FnMut(&[Value]) -> Result<(), StoreError> + 's;

struct Walk<'d> {
    damaged: &'d Damaged<'d>,
    table: &'d str,
    list: &'d str,
    key: &'d str,
    width: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Up,
    Down,
}

/// How far one read came: the last key seen, and whether it met the end of the range.
struct Reached {
    last: Option<Value>,
    end: bool,
}

impl Walk<'_> {
    /// Reads every row that can be; says whether that was all of them.
    fn run(&self, numbered: bool, sink: &mut Sink<'_>) -> Result<bool, StoreError> {
        let up = self.read(Way::Up, None, None, sink)?;
        if up.end {
            return Ok(true);
        }
        let down = self.read(Way::Down, None, up.last.as_ref(), sink)?;
        if down.end && up.last.is_some() {
            return Ok(true);
        }
        let mut gaps = VecDeque::from([(up.last, down.last, 0)]);
        while let Some((low, high, barren)) = gaps.pop_front() {
            let Some(middle) = halfway(numbered, low.as_ref(), high.as_ref()) else {
                continue;
            };
            let up = self.read(Way::Up, Some(&middle), high.as_ref(), sink)?;
            let down = self.read(Way::Down, Some(&middle), low.as_ref(), sink)?;
            let barren = if up.last.is_some() || down.last.is_some() {
                0
            } else {
                barren + 1
            };
            if barren > BARREN_MAX {
                continue;
            }
            if !up.end {
                gaps.push_back((
                    Some(up.last.unwrap_or_else(|| middle.clone())),
                    high,
                    barren,
                ));
            }
            if !down.end {
                gaps.push_back((low, Some(down.last.unwrap_or(middle)), barren));
            }
        }
        Ok(false)
    }

    /// Reads from `from` (inclusive) up or down to `to` (inclusive), until a page cannot be read.
    fn read(
        &self,
        way: Way,
        from: Option<&Value>,
        to: Option<&Value>,
        sink: &mut Sink<'_>,
    ) -> Result<Reached, StoreError> {
        let (key, table, list) = (self.key, self.table, self.list);
        let (low, high, order) = match way {
            Way::Up => (from, to, "ASC"),
            Way::Down => (to, from, "DESC"),
        };
        let mut bounds = Vec::new();
        let mut conditions = String::new();
        for (bound, sign) in [(low, ">="), (high, "<=")] {
            if let Some(bound) = bound {
                bounds.push(bound.clone());
                let joint = if bounds.len() == 1 { "WHERE" } else { "AND" };
                conditions.push_str(&format!(" {joint} {key} {sign} ?{}", bounds.len()));
            }
        }
        let sql = format!("SELECT {key}, {list} FROM {table}{conditions} ORDER BY {key} {order}");
        let mut reached = Reached {
            last: None,
            end: false,
        };
        let connection = self.damaged.connection();
        self.damaged.spent.set(true);
        let Ok(mut statement) = connection.prepare(&sql) else {
            return Ok(reached);
        };
        let Ok(mut rows) = statement.query(params_from_iter(bounds.iter())) else {
            return Ok(reached);
        };
        loop {
            match rows.next() {
                Ok(Some(row)) => {
                    let Ok(values) = (0..=self.width)
                        .map(|at| row.get::<_, Value>(at))
                        .collect::<Result<Vec<_>, _>>()
                    else {
                        return Ok(reached);
                    };
                    sink(&values[1..])?;
                    reached.last = values.into_iter().next();
                }
                Ok(None) => {
                    self.damaged.spent.set(false);
                    reached.end = true;
                    return Ok(reached);
                }
                Err(_) => return Ok(reached),
            }
        }
    }
}

/// A number strictly between two keys; `None` when there is none or the keys are words.
fn halfway(numbered: bool, low: Option<&Value>, high: Option<&Value>) -> Option<Value> {
    if !numbered {
        return None;
    }
    let integer = |key: Option<&Value>, otherwise: i64| match key {
        Some(Value::Integer(key)) => *key,
        _ => otherwise,
    };
    let low = integer(low, 0);
    let high = integer(high, low.saturating_add(NUMBER_MAX));
    let middle = low.checked_add(high.checked_sub(low)? / 2)?;
    (middle > low && middle < high).then_some(Value::Integer(middle))
}

/// Moves the damaged file and its log aside and the filled one in; where the damaged one is now.
fn swap(dir: &Path) -> Result<PathBuf, StoreError> {
    let number = (1..)
        .find(|n| !dir.join(format!("{DATABASE}.corrupt-{n}")).exists())
        .unwrap_or(1);
    let aside = dir.join(format!("{DATABASE}.corrupt-{number}"));
    // The main file last: while it stands, a cut here is found and finished by the next opening.
    for suffix in ["-shm", "-wal", ""] {
        let from = dir.join(format!("{DATABASE}{suffix}"));
        if from.exists() {
            rename(
                &from,
                &dir.join(format!("{DATABASE}.corrupt-{number}{suffix}")),
            )?;
        }
    }
    rename(&dir.join(FILLED), &dir.join(DATABASE))?;
    sync_names(dir)?;
    Ok(aside)
}

/// Waits until the names of a folder are on the disk.
pub(super) fn sync_names(dir: &Path) -> Result<(), StoreError> {
    std::fs::File::open(dir)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| StoreError::io(dir, error))
}

pub(super) fn rename(from: &Path, to: &Path) -> Result<(), StoreError> {
    std::fs::rename(from, to).map_err(|error| StoreError::io(from, error))
}

/// Removes a file that was made for a time, and its log.
pub(super) fn remove(dir: &Path, name: &str) -> Result<(), StoreError> {
    for suffix in ["", "-wal", "-shm"] {
        let path = dir.join(format!("{name}{suffix}"));
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(StoreError::io(&path, error));
            }
            _ => {}
        }
    }
    Ok(())
}
