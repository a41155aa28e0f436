//! How common each value is: agreeing on a rare surname says more than agreeing on a common one.
//!
//! Holds hashes of values, no values. A rate is a share of records, and values never seen count as seen once.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Record, hash::Hasher64};

/// The most that a value's rarity adds or takes away, in bits: a value seen once in a million may be a typing slip.
pub const ADJUSTMENT_BITS_MAX: f64 = 8.0;

/// Which of a field's values are counted together: a whole name, its sound, a surname.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TermKind {
    /// The whole value.
    Whole,
    /// How the whole name sounds, without tones.
    Sound,
    /// A surname.
    Surname,
    /// A given name.
    Given,
    /// One word of several.
    Word,
}

/// One value in the form that it is counted in: its kind and a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Term {
    /// What it is counted among.
    pub kind: TermKind,
    /// A hash of the value.
    pub hash: u64,
}

impl Term {
    /// The term of a value.
    pub fn new(kind: TermKind, value: &str) -> Self {
        let hash = Hasher64::new().bytes(value.as_bytes()).end();
        Self { kind, hash }
    }
}

#[derive(Debug, Clone, Default, PartialEq)]
struct Counts {
    of: BTreeMap<u64, u32>,
    total: f64,
    /// Σ count²: how often two draws agree, once divided by the square of the total.
    squares: f64,
}

/// How often each term of each field was seen.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Frequencies {
    fields: BTreeMap<(usize, TermKind), Counts>,
}

impl Frequencies {
    /// Counts the terms of records.
    pub fn of<'r>(records: impl IntoIterator<Item = &'r Record>) -> Self {
        let mut frequencies = Self::default();
        for record in records {
            frequencies.add(record);
        }
        frequencies
    }

    /// Counts one record more.
    pub fn add(&mut self, record: &Record) {
        for (field, value) in record.values.iter().enumerate() {
            value.terms(&mut |term| {
                let counts = self.fields.entry((field, term.kind)).or_default();
                let count = counts.of.entry(term.hash).or_default();
                counts.squares += f64::from(2 * *count + 1);
                counts.total += 1.0;
                *count += 1;
            });
        }
    }

    /// Bits that an agreement on this term is worth more (or less) than an agreement on whatever term: the logarithm of the
    /// average rate over this one's. Zero when the kind was never counted.
    pub fn adjustment(&self, field: usize, term: Term) -> f64 {
        let Some(counts) = self.fields.get(&(field, term.kind)) else {
            return 0.0;
        };
        let count = f64::from(counts.of.get(&term.hash).copied().unwrap_or(0).max(1));
        let average = counts.squares / counts.total;
        (average / count)
            .log2()
            .clamp(-ADJUSTMENT_BITS_MAX, ADJUSTMENT_BITS_MAX)
    }
}
