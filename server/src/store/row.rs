//! Values that go into statements and rows that come out: integers, text and bytes, nothing else.
//! Knows no engine's types beyond the borrowed row it wraps.

use std::str::FromStr;

use super::StoreError;

/// One parameter of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// SQL NULL.
    Null,
    /// A `BIGINT`.
    Int(i64),
    /// A `TEXT`.
    Text(String),
    /// A `BLOB`.
    Blob(Vec<u8>),
}

/// Builds the parameter list of a statement: `params![household, area, seq]`.
#[macro_export]
macro_rules! params {
    ($($value:expr),* $(,)?) => { &[$($crate::store::Value::from($value)),*] };
}

macro_rules! value_from {
    ($($from:ty, $value:ident => $to:expr;)*) => {$(
        impl From<$from> for Value {
            fn from($value: $from) -> Self { $to }
        }
    )*};
}

value_from! {
    i64, v => Value::Int(v);
    i32, v => Value::Int(v.into());
    u32, v => Value::Int(v.into());
    u16, v => Value::Int(v.into());
    u8, v => Value::Int(v.into());
    bool, v => Value::Int(v.into());
    String, v => Value::Text(v);
    &String, v => Value::Text(v.clone());
    &str, v => Value::Text(v.to_owned());
    Vec<u8>, v => Value::Blob(v);
    &Vec<u8>, v => Value::Blob(v.clone());
    &[u8], v => Value::Blob(v.to_vec());
    // A count or sequence number past i64::MAX does not occur; it saturates rather than wraps.
    u64, v => Value::Int(i64::try_from(v).unwrap_or(i64::MAX));
    usize, v => Value::Int(i64::try_from(v).unwrap_or(i64::MAX));
}

impl<const N: usize> From<[u8; N]> for Value {
    fn from(v: [u8; N]) -> Self {
        Value::Blob(v.to_vec())
    }
}

impl<const N: usize> From<&[u8; N]> for Value {
    fn from(v: &[u8; N]) -> Self {
        Value::Blob(v.to_vec())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(v: Option<T>) -> Self {
        v.map_or(Value::Null, Into::into)
    }
}

impl rusqlite::ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        use rusqlite::types::{ToSqlOutput, ValueRef};
        Ok(ToSqlOutput::Borrowed(match self {
            Value::Null => ValueRef::Null,
            Value::Int(v) => ValueRef::Integer(*v),
            Value::Text(v) => ValueRef::Text(v.as_bytes()),
            Value::Blob(v) => ValueRef::Blob(v),
        }))
    }
}

/// One row of an answer. Columns are counted from 0; a getter refuses what the column does not hold.
#[derive(Debug)]
pub struct Row<'r> {
    source: Source<'r>,
}

#[derive(Debug)]
enum Source<'r> {
    Sqlite(&'r rusqlite::Row<'r>),
}

/// A column's content, borrowed from the row.
enum Cell<'r> {
    Null,
    Int(i64),
    Text(&'r str),
    Blob(&'r [u8]),
    Other,
}

impl<'r> Row<'r> {
    pub(super) fn sqlite(row: &'r rusqlite::Row<'r>) -> Self {
        Row {
            source: Source::Sqlite(row),
        }
    }

    fn cell(&self, column: usize) -> Cell<'_> {
        use rusqlite::types::ValueRef;
        match self.source {
            Source::Sqlite(row) => match row.get_ref(column) {
                Ok(ValueRef::Null) => Cell::Null,
                Ok(ValueRef::Integer(v)) => Cell::Int(v),
                Ok(ValueRef::Text(v)) => std::str::from_utf8(v).map_or(Cell::Other, Cell::Text),
                Ok(ValueRef::Blob(v)) => Cell::Blob(v),
                Ok(ValueRef::Real(_)) | Err(_) => Cell::Other,
            },
        }
    }

    /// True when the column is NULL.
    pub fn is_null(&self, column: usize) -> bool {
        matches!(self.cell(column), Cell::Null)
    }

    /// An integer.
    pub fn i64(&self, column: usize) -> Result<i64, StoreError> {
        match self.cell(column) {
            Cell::Int(v) => Ok(v),
            _ => Err(shape(column, "an integer")),
        }
    }

    /// A count or sequence number.
    pub fn u64(&self, column: usize) -> Result<u64, StoreError> {
        u64::try_from(self.i64(column)?).map_err(|_| shape(column, "a count"))
    }

    /// A flag, stored as 0 or 1.
    pub fn bool(&self, column: usize) -> Result<bool, StoreError> {
        match self.i64(column)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(shape(column, "a flag")),
        }
    }

    /// Text, borrowed.
    pub fn str(&self, column: usize) -> Result<&str, StoreError> {
        match self.cell(column) {
            Cell::Text(v) => Ok(v),
            _ => Err(shape(column, "text")),
        }
    }

    /// Text.
    pub fn text(&self, column: usize) -> Result<String, StoreError> {
        self.str(column).map(str::to_owned)
    }

    /// Text read as a typed value, such as an id or an area code.
    pub fn parse<T: FromStr>(&self, column: usize) -> Result<T, StoreError> {
        self.str(column)?
            .parse()
            .map_err(|_| shape(column, std::any::type_name::<T>()))
    }

    /// Bytes, borrowed.
    pub fn bytes(&self, column: usize) -> Result<&[u8], StoreError> {
        match self.cell(column) {
            Cell::Blob(v) => Ok(v),
            _ => Err(shape(column, "bytes")),
        }
    }

    /// Bytes.
    pub fn blob(&self, column: usize) -> Result<Vec<u8>, StoreError> {
        self.bytes(column).map(<[u8]>::to_vec)
    }

    /// Exactly `N` bytes, such as a hash or an actor id.
    pub fn array<const N: usize>(&self, column: usize) -> Result<[u8; N], StoreError> {
        self.bytes(column)?
            .try_into()
            .map_err(|_| shape(column, "bytes of that length"))
    }

    /// What `read` gives, or `None` when the column is NULL: `row.optional(3, Row::text)`.
    pub fn optional<'s, T>(
        &'s self,
        column: usize,
        read: impl FnOnce(&'s Self, usize) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        if self.is_null(column) {
            return Ok(None);
        }
        read(self, column).map(Some)
    }
}

fn shape(column: usize, expected: &'static str) -> StoreError {
    StoreError::Shape { column, expected }
}
