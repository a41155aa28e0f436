//! A record as it is compared: one value for each field of a schema, prepared once.
//!
//! A missing value says nothing for or against; it is never compared.

use super::{
    dates::Day,
    frequency::{Term, TermKind},
    level::{Agreement, CodeLevel, Level},
    members::Members,
    names::{self, Name},
    numbers::Numbers,
    words::Words,
};

/// One value, prepared for comparison.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Value {
    /// Not known.
    #[default]
    Missing,
    /// Names of one person.
    Names(Vec<Name>),
    /// A date.
    Date(Day),
    /// Numbers of one kind.
    Numbers(Numbers),
    /// A text.
    Words(Words),
    /// A code.
    Code(String),
    /// Those whom a person lives with.
    Members(Members),
}

impl Value {
    /// Names as written.
    pub fn names<'t>(texts: impl IntoIterator<Item = &'t str>) -> Self {
        let names: Vec<Name> = texts.into_iter().filter_map(Name::new).collect();
        if names.is_empty() {
            Self::Missing
        } else {
            Self::Names(names)
        }
    }

    /// Numbers as written.
    pub fn numbers<'t>(texts: impl IntoIterator<Item = &'t str>) -> Self {
        Numbers::new(texts).map_or(Self::Missing, Self::Numbers)
    }

    /// A text as written.
    pub fn words(text: &str) -> Self {
        Words::new(text).map_or(Self::Missing, Self::Words)
    }

    /// A code as written.
    pub fn code(text: &str) -> Self {
        match text.trim() {
            "" => Self::Missing,
            code => Self::Code(code.to_lowercase()),
        }
    }

    /// How far two values agree; `None` when one is missing, or they are not of one field.
    pub fn compare(&self, other: &Self) -> Option<Agreement> {
        match (self, other) {
            (Self::Names(one), Self::Names(other)) => names::nearest(one, other),
            (Self::Date(one), Self::Date(other)) => Some(one.compare(*other)),
            (Self::Numbers(one), Self::Numbers(other)) => Some(one.compare(other)),
            (Self::Words(one), Self::Words(other)) => Some(one.compare(other)),
            (Self::Members(one), Self::Members(other)) => one.compare(other),
            (Self::Code(one), Self::Code(other)) if one == other => {
                let term = Term::new(TermKind::Whole, one);
                Some(Agreement::on(Level::CodeLevel(CodeLevel::Exact), term))
            }
            (Self::Code(_), Self::Code(_)) => {
                Some(Agreement::plain(Level::CodeLevel(CodeLevel::Different)))
            }
            _ => None,
        }
    }

    /// Everything in the value that frequencies are counted of.
    pub(crate) fn terms(&self, count: &mut impl FnMut(Term)) {
        match self {
            Self::Names(names) => names.iter().for_each(|name| name.terms(count)),
            Self::Date(day) => count(day.term()),
            Self::Numbers(numbers) => numbers.terms(count),
            Self::Words(words) => count(words.whole()),
            Self::Code(code) => count(Term::new(TermKind::Whole, code)),
            Self::Members(_) | Self::Missing => {}
        }
    }
}

/// The values of one record, in the order of its schema.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    pub(crate) values: Vec<Value>,
}

impl Record {
    /// One value for each field of the schema.
    pub const fn new(values: Vec<Value>) -> Self {
        Self { values }
    }

    /// How far two records agree, field by field.
    pub fn compare(&self, other: &Self) -> Vec<Option<Agreement>> {
        let pairs = self.values.iter().zip(&other.values);
        pairs.map(|(one, other)| one.compare(other)).collect()
    }
}
