//! The files of FEBRL: generated Australian records with duplicates. `tests/data/SOURCES.md` says where they are from.
//!
//! A line's `rec_id` tells which record it is a copy of. It becomes the truth and is in no field.

use sojourn_sync_protocol::linkage::{
    Bears, Blocking, Comparator, Day, Field, Record, Schema, Value,
};

use super::Sample;

/// What is compared of a FEBRL record.
pub const FEBRL: Schema = &[
    Field::new("name", Comparator::Names, Bears::Person, Blocking::Name),
    Field::new("birth", Comparator::Date, Bears::Person, Blocking::Birth),
    Field::new(
        "social_security",
        Comparator::Number,
        Bears::Person,
        Blocking::Identifier,
    ),
    Field::new(
        "address",
        Comparator::Words,
        Bears::House,
        Blocking::Address,
    ),
    Field::new(
        "street_number",
        Comparator::Number,
        Bears::House,
        Blocking::None,
    ),
    Field::new("suburb", Comparator::Words, Bears::House, Blocking::Place),
    Field::new(
        "postcode",
        Comparator::Number,
        Bears::House,
        Blocking::Place,
    ),
    Field::new("state", Comparator::Code, Bears::House, Blocking::None),
];

/// The columns after `rec_id`, in the files' order.
const COLUMNS: usize = 11;

/// What the matcher is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// Every column but `rec_id`.
    Everything,
    /// The social security number left out too: most copies have it whole, and few registers have the like.
    NoNumber,
}

/// Reads one file, or two in each of which nobody stands twice. The error names the line.
pub fn read(texts: &[&str], shown: Shown) -> Result<Sample, String> {
    let mut sample = Sample {
        schema: FEBRL,
        records: Vec::new(),
        truth: Vec::new(),
        households: None,
        second_list: None,
    };
    for text in texts {
        if !sample.records.is_empty() {
            sample.second_list = u32::try_from(sample.records.len()).ok();
        }
        for (at, line) in text
            .lines()
            .enumerate()
            .skip(1)
            .filter(|(_, line)| !line.trim().is_empty())
        {
            let columns: Vec<&str> = line.split(',').map(str::trim).collect();
            let person = columns[0]
                .split('-')
                .nth(1)
                .and_then(|number| number.parse().ok());
            let person = person.filter(|_| columns.len() == COLUMNS);
            sample
                .truth
                .push(person.ok_or_else(|| format!("line {}: not a FEBRL record", at + 1))?);
            sample.records.push(record(&columns, shown));
        }
    }
    Ok(sample)
}

fn record(columns: &[&str], shown: Shown) -> Record {
    Record::new(vec![
        Value::names([format!("{} {}", columns[1], columns[2]).as_str()]),
        Day::from_digits(columns[9]).map_or(Value::Missing, Value::Date),
        match shown {
            Shown::Everything => Value::numbers([columns[10]]),
            Shown::NoNumber => Value::Missing,
        },
        Value::words(&format!("{} {}", columns[4], columns[5])),
        Value::numbers([columns[3]]),
        Value::words(columns[6]),
        Value::numbers([columns[7]]),
        Value::code(columns[8]),
    ])
}
