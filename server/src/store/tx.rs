//! The one transaction type. A concept's SQL is written against it once, in the portable subset:
//! `?1` placeholders, `ON CONFLICT`, explicit column lists, `BIGINT`, `TEXT`, `BLOB`.
//! Does not begin or end itself: the writer and the read pool do.

use std::cell::Cell;
use std::ops::ControlFlow;

use super::{Row, StoreError, Value};

/// An open transaction. Its statements see each other's effects and nobody else's.
#[derive(Debug)]
pub struct Tx<'c> {
    engine: Engine<'c>,
    statements: Cell<u64>,
}

/// Where statements run. A second engine is a second variant here and nothing anywhere else.
#[derive(Debug)]
enum Engine<'c> {
    Sqlite(&'c rusqlite::Connection),
}

impl<'c> Tx<'c> {
    pub(super) fn sqlite(connection: &'c rusqlite::Connection) -> Self {
        Tx {
            engine: Engine::Sqlite(connection),
            statements: Cell::new(0),
        }
    }

    /// How many statements were run in it.
    pub(super) fn statements(&self) -> u64 {
        self.statements.get()
    }

    fn count(&self) {
        self.statements.set(self.statements.get() + 1);
    }

    /// Reads every page and index of the database, and proves that they fit together.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] with the first that does not.
    pub fn check_pages(&self) -> Result<(), StoreError> {
        self.count();
        let Engine::Sqlite(connection) = self.engine;
        let found: String = connection
            .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
            .map_err(StoreError::from_sqlite)?;
        match found.as_str() {
            "ok" => Ok(()),
            _ => Err(StoreError::Corrupt(found)),
        }
    }

    /// Runs a statement that returns no rows; gives how many rows it changed.
    pub fn execute(&self, sql: &str, params: &[Value]) -> Result<usize, StoreError> {
        self.count();
        match self.engine {
            Engine::Sqlite(connection) => connection
                .prepare_cached(sql)
                .and_then(|mut statement| statement.execute(rusqlite::params_from_iter(params)))
                .map_err(StoreError::from_sqlite),
        }
    }

    /// Every row of an answer, each read by `read`.
    pub fn query<T>(
        &self,
        sql: &str,
        params: &[Value],
        mut read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut found = Vec::new();
        self.scan(sql, params, |row| {
            found.push(read(row)?);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(found)
    }

    /// The first row of an answer, if there is one.
    pub fn query_opt<T>(
        &self,
        sql: &str,
        params: &[Value],
        mut read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let mut found = None;
        self.scan(sql, params, |row| {
            found = Some(read(row)?);
            Ok(ControlFlow::Break(()))
        })?;
        Ok(found)
    }

    /// Walks an answer row by row without holding it, until `visit` breaks.
    pub fn scan(
        &self,
        sql: &str,
        params: &[Value],
        mut visit: impl FnMut(&Row<'_>) -> Result<ControlFlow<()>, StoreError>,
    ) -> Result<(), StoreError> {
        self.count();
        match self.engine {
            Engine::Sqlite(connection) => {
                let mut statement = connection
                    .prepare_cached(sql)
                    .map_err(StoreError::from_sqlite)?;
                let mut rows = statement
                    .query(rusqlite::params_from_iter(params))
                    .map_err(StoreError::from_sqlite)?;
                while let Some(row) = rows.next().map_err(StoreError::from_sqlite)? {
                    if visit(&Row::sqlite(row))?.is_break() {
                        break;
                    }
                }
                Ok(())
            }
        }
    }

    /// Runs the statements of one migration step.
    pub(super) fn execute_step(&self, sql: &str) -> Result<(), StoreError> {
        match self.engine {
            Engine::Sqlite(connection) => connection
                .execute_batch(sql)
                .map_err(StoreError::from_sqlite),
        }
    }
}
