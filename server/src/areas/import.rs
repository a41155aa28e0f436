//! Reading a file of areas, and deciding whether it fits the tree. Values in, values out.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::Read;

use sojourn_sync_protocol::{Area, AreaCode, PartialDate};

use crate::store::StoreError;

/// Wrong rows that are told one by one; the rest are counted.
const ROWS_TOLD_MAX: usize = 20;
/// Bytes of a name or level.
const NAME_BYTES_MAX: usize = 200;

/// One row of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AreaRow {
    /// The area.
    pub area: Area,
    /// First day of its validity, ISO 8601.
    pub valid_from: Option<String>,
    /// Last day of its validity, ISO 8601.
    pub valid_to: Option<String>,
    /// What took its place.
    pub successors: BTreeSet<AreaCode>,
}

/// What an import did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Imported {
    /// Areas that were new.
    pub added: usize,
    /// Areas that were known and differ.
    pub changed: usize,
    /// The version of the tree now.
    pub version: u64,
}

/// A file that cannot be imported. Nothing of it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// Columns are missing from the first line.
    #[error("the first line must name the columns code, parent, level and name; missing: {0}")]
    Columns(String),
    /// Rows are wrong.
    #[error("{} wrong rows", .total)]
    Rows {
        /// The first of them, by line.
        first: Vec<RowError>,
        /// All of them.
        total: usize,
    },
    /// The store could not take it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// One wrong row.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct RowError {
    /// Line of the file, from 1.
    pub line: u64,
    /// The code as written, cut short when it is long.
    pub code: String,
    /// What is wrong with it.
    pub fault: RowFault,
}

/// What can be wrong with a row.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RowFault {
    /// Not CSV, not UTF-8, or not as many fields as columns.
    Unreadable,
    /// Not an area code.
    Code,
    /// Empty, or far too long.
    Name,
    /// Not a date.
    Date,
    /// The same code stands on an earlier line.
    Twice {
        /// That line.
        first: u64,
    },
    /// The parent is neither in the file nor in the tree.
    Parent(String),
    /// A successor is neither in the file nor in the tree.
    Successor(String),
    /// The area would lie below itself.
    Circle,
}

impl fmt::Display for RowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {} ({}): {:?}", self.line, self.code, self.fault)
    }
}

/// What an import will write.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Changes {
    /// Rows that are new or differ.
    pub(super) rows: Vec<AreaRow>,
    /// How many of them are new.
    pub(super) added: usize,
}

/// Reads a file with a first line that names its columns: `code,parent,level,name`, and if wanted
/// `valid_from`, `valid_to`, `successors` (separated by spaces).
///
/// # Errors
/// Every row that cannot be read, by its line.
pub fn read_csv(file: impl Read) -> Result<Vec<AreaRow>, ImportError> {
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(file);
    let header = reader
        .headers()
        .cloned()
        .map_err(|_| ImportError::Columns("code, parent, level, name".to_owned()))?;
    let columns = Columns::find(&header)?;
    let mut rows = Vec::new();
    let mut faults = Faults::default();
    let mut lines: BTreeMap<AreaCode, u64> = BTreeMap::new();
    for record in reader.records() {
        let (line, read) = match record {
            Ok(record) => {
                let line = record.position().map_or(0, csv::Position::line);
                (line, columns.read(&record))
            }
            Err(error) => {
                let line = error.position().map_or(0, csv::Position::line);
                (line, Err((String::new(), RowFault::Unreadable)))
            }
        };
        match read {
            Ok(row) => match lines.insert(row.area.code.clone(), line) {
                Some(first) => faults.add(line, row.area.code.as_str(), RowFault::Twice { first }),
                None => rows.push(row),
            },
            Err((code, fault)) => faults.add(line, &code, fault),
        }
    }
    faults.into_result(rows)
}

/// Where each column stands.
struct Columns {
    code: usize,
    parent: usize,
    level: usize,
    name: usize,
    valid_from: Option<usize>,
    valid_to: Option<usize>,
    successors: Option<usize>,
}

impl Columns {
    fn find(header: &csv::StringRecord) -> Result<Self, ImportError> {
        // A file saved by a spreadsheet may begin with a byte order mark.
        let at = |name: &str| {
            header
                .iter()
                .position(|column| column.trim_start_matches('\u{feff}') == name)
        };
        let missing: Vec<_> = ["code", "parent", "level", "name"]
            .into_iter()
            .filter(|name| at(name).is_none())
            .collect();
        match (at("code"), at("parent"), at("level"), at("name")) {
            (Some(code), Some(parent), Some(level), Some(name)) => Ok(Columns {
                code,
                parent,
                level,
                name,
                valid_from: at("valid_from"),
                valid_to: at("valid_to"),
                successors: at("successors"),
            }),
            _ => Err(ImportError::Columns(missing.join(", "))),
        }
    }

    fn read(&self, record: &csv::StringRecord) -> Result<AreaRow, (String, RowFault)> {
        let field = |at: usize| record.get(at).unwrap_or("");
        let optional = |at: Option<usize>| at.map(field).filter(|text| !text.is_empty());
        let written = field(self.code);
        let wrong = |fault| (written.chars().take(40).collect(), fault);
        let code = |text: &str| text.parse::<AreaCode>().map_err(|_| wrong(RowFault::Code));
        let named = |text: &str| {
            if text.is_empty() || text.len() > NAME_BYTES_MAX {
                return Err(wrong(RowFault::Name));
            }
            Ok(text.to_owned())
        };
        let date = |text: Option<&str>| match text {
            None => Ok(None),
            Some(text) => match text.parse::<PartialDate>() {
                Ok(_) => Ok(Some(text.to_owned())),
                Err(_) => Err(wrong(RowFault::Date)),
            },
        };
        Ok(AreaRow {
            area: Area {
                code: code(written)?,
                parent: optional(Some(self.parent)).map(code).transpose()?,
                level: named(field(self.level))?,
                name: named(field(self.name))?,
            },
            valid_from: date(optional(self.valid_from))?,
            valid_to: date(optional(self.valid_to))?,
            successors: optional(self.successors)
                .unwrap_or("")
                .split_whitespace()
                .map(code)
                .collect::<Result<_, _>>()?,
        })
    }
}

/// Compares the file with the tree: what is new or differs, if the tree then holds together.
pub(super) fn decide(known: &[AreaRow], rows: &[AreaRow]) -> Result<Changes, ImportError> {
    let known: BTreeMap<&AreaCode, &AreaRow> =
        known.iter().map(|row| (&row.area.code, row)).collect();
    let mut tree = known.clone();
    tree.extend(rows.iter().map(|row| (&row.area.code, row)));
    let mut faults = Faults::default();
    for (at, row) in rows.iter().enumerate() {
        // Rows were read one to a line, after the header.
        let line = at as u64 + 2;
        let mut fault = |fault| faults.add(line, row.area.code.as_str(), fault);
        if let Some(parent) = &row.area.parent
            && !tree.contains_key(parent)
        {
            fault(RowFault::Parent(parent.to_string()));
        }
        if let Some(unknown) = row.successors.iter().find(|code| !tree.contains_key(code)) {
            fault(RowFault::Successor(unknown.to_string()));
        }
        if is_below_itself(&tree, &row.area.code) {
            fault(RowFault::Circle);
        }
    }
    let changed = rows
        .iter()
        .filter(|row| known.get(&row.area.code) != Some(row))
        .cloned()
        .collect();
    let rows: Vec<AreaRow> = faults.into_result(changed)?;
    let added = rows
        .iter()
        .filter(|row| !known.contains_key(&row.area.code))
        .count();
    Ok(Changes { rows, added })
}

fn is_below_itself(tree: &BTreeMap<&AreaCode, &AreaRow>, code: &AreaCode) -> bool {
    let mut above = tree.get(code).and_then(|row| row.area.parent.as_ref());
    // A way up that is longer than the tree has areas goes in a circle that does not pass `code`.
    for _ in 0..tree.len() {
        match above {
            Some(parent) if parent == code => return true,
            Some(parent) => above = tree.get(parent).and_then(|row| row.area.parent.as_ref()),
            None => return false,
        }
    }
    true
}

#[derive(Default)]
struct Faults {
    first: Vec<RowError>,
    total: usize,
}

impl Faults {
    fn add(&mut self, line: u64, code: &str, fault: RowFault) {
        self.total += 1;
        if self.first.len() < ROWS_TOLD_MAX {
            self.first.push(RowError {
                line,
                code: code.to_owned(),
                fault,
            });
        }
    }

    fn into_result<T>(self, value: T) -> Result<T, ImportError> {
        if self.total == 0 {
            return Ok(value);
        }
        Err(ImportError::Rows {
            first: self.first,
            total: self.total,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wrong_row_is_named_by_its_line() {
        let file = "code,parent,level,name,valid_to\n\
            a b,,town,甲,\n\
            c,,town,,\n\
            d,,town,丁,31.12.2025\n\
            e,,town,戊,\n\
            e,,town,戊,\n\
            f,,town\n";
        let Err(ImportError::Rows { first, total }) = read_csv(file.as_bytes()) else {
            panic!("refused");
        };
        assert_eq!(total, 5);
        let told: Vec<_> = first
            .iter()
            .map(|row| (row.line, row.fault.clone()))
            .collect();
        assert_eq!(
            told,
            [
                (2, RowFault::Code),
                (3, RowFault::Name),
                (4, RowFault::Date),
                (6, RowFault::Twice { first: 5 }),
                (7, RowFault::Unreadable),
            ]
        );
    }

    #[test]
    fn missing_columns_are_named() {
        let refused = read_csv("code,name\n1,甲\n".as_bytes()).unwrap_err();
        assert_eq!(refused, ImportError::Columns("parent, level".to_owned()));
    }
}
