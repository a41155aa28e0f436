//! A person of the register as a record that is compared, and the schema of its fields.
//!
//! Everything is optional. The id number comes as a keyed hash, as the register keeps it. Knows nothing of documents.

use super::{
    dates::Day,
    members::Members,
    record::{Record, Value},
    schema::{Bears, Blocking, Comparator, Field, Schema},
};
use crate::PartialDate;

/// What is compared of a person of the register.
pub const PERSON: Schema = &[
    Field::new("name", Comparator::Names, Bears::Person, Blocking::Name),
    Field::new("sex", Comparator::Code, Bears::Person, Blocking::Qualifier),
    Field::new("birth", Comparator::Date, Bears::Person, Blocking::Birth),
    Field::new("id", Comparator::Code, Bears::Person, Blocking::Identifier),
    Field::new(
        "phone",
        Comparator::Number,
        Bears::House,
        Blocking::Identifier,
    ),
    Field::new("origin", Comparator::Words, Bears::House, Blocking::Place),
    Field::new(
        "address",
        Comparator::Words,
        Bears::House,
        Blocking::Address,
    ),
    Field::new(
        "members",
        Comparator::Members,
        Bears::Circle,
        Blocking::None,
    ),
];

/// One whom a person lives with.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Housemate {
    /// Name as written.
    pub name: String,
    /// Year of birth.
    pub born: Option<u16>,
}

/// What is known of a person. Empty lists and `None` are not known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Person {
    /// Names as written, in Chinese characters or Latin letters: the present one, a former one, one on papers.
    pub names: Vec<String>,
    /// `female` or `male`.
    pub sex: Option<String>,
    /// Date of birth.
    pub birth: Option<PartialDate>,
    /// Keyed hash of the id number, as text.
    pub id_hash: Option<String>,
    /// The person's and the household's telephone numbers.
    pub phones: Vec<String>,
    /// Where the family is from: words or the code of an area.
    pub origin: Option<String>,
    /// Where they live now, in words.
    pub address: Option<String>,
    /// Those whom the person lives with; `None` when that is not known, empty for who lives alone.
    pub housemates: Option<Vec<Housemate>>,
}

impl Person {
    /// The record of [`PERSON`]'s fields.
    pub fn record(&self) -> Record {
        let members = self.housemates.as_ref().map_or(Value::Missing, |others| {
            let others = others.iter().map(|other| (other.name.as_str(), other.born));
            Value::Members(Members::new(others))
        });
        let words = |text: &Option<String>| text.as_deref().map_or(Value::Missing, Value::words);
        Record::new(vec![
            Value::names(self.names.iter().map(String::as_str)),
            self.sex
                .as_deref()
                .filter(|sex| *sex != "unspecified")
                .map_or(Value::Missing, Value::code),
            self.birth
                .map_or(Value::Missing, |date| Value::Date(Day::from(date))),
            self.id_hash.as_deref().map_or(Value::Missing, Value::code),
            Value::numbers(self.phones.iter().map(String::as_str)),
            words(&self.origin),
            words(&self.address),
            members,
        ])
    }
}
