//! Which records are worth comparing: those that share a blocking key. Never all pairs.
//!
//! Keys follow from the parts that a schema's fields play. A key whose block has grown too large says nothing; where it has
//! finer keys, those take its place. An index answers for one new record at a time, so that it serves while somebody types.
//! It holds hashes and record numbers, no values, and forgets nothing: it is made again from the records.

use std::collections::BTreeMap;

use super::{
    dates::Day,
    hash::Hasher64,
    names::Name,
    record::{Record, Value},
    schema::{Blocking, Schema},
};

/// Records that one block holds at most. A name and a year that more people than this share find nobody in particular.
pub const BLOCK_RECORDS_MAX: usize = 50;

/// What a key is made of; the first part of its hash, so that keys of different making never meet.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Identifier,
    Birth,
    YearAndMonth,
    YearAndDay,
    MonthAndDay,
    Letters,
    Syllables,
    Initials,
    SoundAndPlace,
    Address,
    Finer,
}

impl Kind {
    pub(super) fn start(self) -> Hasher64 {
        Hasher64::new().bytes(&[self as u8])
    }
}

/// One key of a record, and the finer keys that stand for it where its block is too large.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    hash: u64,
    finer: Vec<u64>,
}

/// What a record has of each part.
#[derive(Default)]
struct Parts<'r> {
    identifiers: Vec<u64>,
    birth: Option<Day>,
    names: Vec<&'r Name>,
    places: Vec<u64>,
    addresses: Vec<u64>,
    qualifiers: Vec<u64>,
}

impl<'r> Parts<'r> {
    fn of(schema: Schema, record: &'r Record) -> Self {
        let mut parts = Self::default();
        for (at, (field, value)) in schema.iter().zip(&record.values).enumerate() {
            match field.blocking {
                Blocking::Identifier => parts.identifiers.extend(hashes(at, value)),
                Blocking::Place => parts.places.extend(hashes(at, value)),
                Blocking::Address => parts.addresses.extend(hashes(at, value)),
                Blocking::Qualifier => parts.qualifiers.extend(hashes(at, value)),
                Blocking::Birth => {
                    if let Value::Date(day) = value {
                        parts.birth = Some(*day);
                    }
                }
                Blocking::Name => {
                    if let Value::Names(names) = value {
                        parts.names.extend(names);
                    }
                }
                Blocking::None => {}
            }
        }
        parts
    }

    /// What makes a key finer: year of birth, sex and the like, sounds of the name.
    fn details(&self) -> Vec<u64> {
        let mut details: Vec<u64> = self.qualifiers.clone();
        details.extend(
            self.birth
                .map(|day| Hasher64::new().number(day.year().into()).end()),
        );
        details.extend(
            self.names
                .iter()
                .flat_map(|name| name.sounds())
                .map(|sound| text(&sound)),
        );
        details.sort_unstable();
        details.dedup();
        details
    }
}

fn text(text: &str) -> u64 {
    Hasher64::new().bytes(text.as_bytes()).end()
}

/// What a value of an identifier, a place or an address is found by.
pub(super) fn hashes(field: usize, value: &Value) -> Vec<u64> {
    let one = |text: &str| {
        Hasher64::new()
            .number(field as u64)
            .bytes(text.as_bytes())
            .end()
    };
    match value {
        Value::Numbers(numbers) => numbers.each().map(one).collect(),
        Value::Words(words) => vec![
            Hasher64::new()
                .number(field as u64)
                .number(words.whole().hash)
                .end(),
        ],
        Value::Code(code) => vec![one(code)],
        Value::Missing | Value::Names(_) | Value::Date(_) | Value::Members(_) => Vec::new(),
    }
}

/// The blocking keys of a record.
pub fn keys(schema: Schema, record: &Record) -> Vec<Key> {
    let parts = Parts::of(schema, record);
    let details = parts.details();
    let mut keys = Vec::new();
    let mut push = |hash: u64, finer: &[u64]| {
        let finer = finer
            .iter()
            .map(|detail| Kind::Finer.start().number(hash).number(*detail).end());
        keys.push(Key {
            hash,
            finer: finer.collect(),
        });
    };
    for identifier in &parts.identifiers {
        push(Kind::Identifier.start().number(*identifier).end(), &details);
    }
    for address in &parts.addresses {
        push(Kind::Address.start().number(*address).end(), &details);
    }
    let year = parts.birth.map(Day::year);
    if let Some((year, (month, day))) = year.zip(parts.birth.and_then(Day::month_and_day)) {
        // Day and month sorted: the other way round is the same key.
        let birth = Kind::Birth
            .start()
            .number(year.into())
            .bytes(&[month.min(day), month.max(day)]);
        push(birth.end(), &details);
    }
    for name in &parts.names {
        let letters = Kind::Letters.start().bytes(name.letters().as_bytes()).end();
        push(letters, &details);
        let syllables = name
            .syllables()
            .iter()
            .fold(Kind::Syllables.start(), |hash, syllable| {
                hash.bytes(syllable.as_bytes())
            });
        push(syllables.end(), &details);
        if let Some(year) = year {
            let initials = Kind::Initials
                .start()
                .bytes(name.initials().as_bytes())
                .number(year.into());
            let finer: Vec<u64> = parts
                .places
                .iter()
                .chain(&parts.qualifiers)
                .copied()
                .collect();
            push(initials.end(), &finer);
        }
        for sound in name.sounds() {
            let beside =
                |kind: Kind, number: u64| kind.start().bytes(sound.as_bytes()).number(number).end();
            for place in &parts.places {
                push(beside(Kind::SoundAndPlace, *place), &details);
            }
            if let Some((year, month)) = year.zip(parts.birth.and_then(Day::month)) {
                push(
                    beside(Kind::YearAndMonth, u64::from(year) << 8 | u64::from(month)),
                    &parts.places,
                );
            }
            if let Some((year, (month, day))) = year.zip(parts.birth.and_then(Day::month_and_day)) {
                push(
                    beside(Kind::YearAndDay, u64::from(year) << 8 | u64::from(day)),
                    &parts.places,
                );
                push(
                    beside(Kind::MonthAndDay, u64::from(month) << 8 | u64::from(day)),
                    &parts.places,
                );
            }
        }
    }
    keys
}

/// The records of one key.
#[derive(Debug, Clone, PartialEq)]
enum Block {
    Records(Vec<u32>),
    /// More than [`BLOCK_RECORDS_MAX`]: nobody in particular.
    Oversized,
}

/// Which records have which keys.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Index {
    blocks: BTreeMap<u64, Block>,
}

impl Index {
    /// Puts one record in, under a number of the caller's.
    pub fn insert(&mut self, record: u32, keys: &[Key]) {
        for key in keys {
            for hash in std::iter::once(&key.hash).chain(&key.finer) {
                let block = self
                    .blocks
                    .entry(*hash)
                    .or_insert_with(|| Block::Records(Vec::new()));
                if let Block::Records(records) = block
                    && records.last() != Some(&record)
                {
                    if records.len() < BLOCK_RECORDS_MAX {
                        records.push(record);
                    } else {
                        *block = Block::Oversized;
                    }
                }
            }
        }
    }

    /// The records that share a key with these, ascending, each once.
    pub fn candidates(&self, keys: &[Key]) -> Vec<u32> {
        let mut found = Vec::new();
        for key in keys {
            match self.blocks.get(&key.hash) {
                Some(Block::Records(records)) => found.extend(records),
                Some(Block::Oversized) => {
                    for hash in &key.finer {
                        if let Some(Block::Records(records)) = self.blocks.get(hash) {
                            found.extend(records);
                        }
                    }
                }
                None => {}
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}
