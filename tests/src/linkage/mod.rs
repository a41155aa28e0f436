//! Record linkage measured: records whose truth is known, and how much of it the matcher finds without being told.
//!
//! The matcher sees records, and which of them stand in one household; the truth is only compared with what it found.

pub mod again;
pub mod families;
pub mod febrl;
pub mod slips;

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use sojourn_sync_protocol::linkage::{
    self, Agreement, Decision, Frequencies, Index, Key, Learned, Link, Matcher, Model, Patterns,
    Record, Samples, Schema, learn, random_pairs,
};

/// Random pairs that are looked at to learn what strangers have in common, and how many of them for each record at most.
const RANDOM_PAIRS_MAX: u32 = 400_000;
const RANDOM_PAIRS_PER_RECORD: u32 = 40;
/// Pairs of two people of one household that are looked at.
const HOUSEMATE_PAIRS_MAX: usize = 50_000;

/// Records of which it is known who is who.
#[derive(Debug, Clone)]
pub struct Sample {
    /// What the fields are.
    pub schema: Schema,
    /// The records.
    pub records: Vec<Record>,
    /// For each record the person it is of. Never shown to the matcher.
    pub truth: Vec<u32>,
    /// For each record the household it stands in: two of one household are two people.
    pub households: Option<Vec<u32>>,
    /// The first record of the second of two lists in each of which nobody stands twice; only pairs across are looked at.
    pub second_list: Option<u32>,
}

/// How much was found, of pairs of records that are of one person.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Found {
    /// Of the pairs found, the share that is right.
    pub precision: f64,
    /// Of the pairs that there are, the share found.
    pub recall: f64,
}

impl Found {
    fn new(right: u64, found: u64, there: u64) -> Self {
        let share = |of: u64| {
            if of == 0 {
                1.0
            } else {
                right as f64 / of as f64
            }
        };
        Self {
            precision: share(found),
            recall: share(there),
        }
    }

    /// The harmonic mean of both.
    pub fn f1(self) -> f64 {
        let sum = self.precision + self.recall;
        if sum > 0.0 {
            2.0 * self.precision * self.recall / sum
        } else {
            0.0
        }
    }
}

/// What came out.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Records.
    pub records: u64,
    /// Pairs that a comparison of everything would look at.
    pub all_pairs: u64,
    /// Pairs that were looked at.
    pub candidate_pairs: u64,
    /// Pairs of records of one person.
    pub true_pairs: u64,
    /// The share of them that were looked at.
    pub blocking_recall: f64,
    /// By the probability of each pair alone, from even odds on.
    pub pairs: Found,
    /// Once pairs have become groups, or one-to-one links between two lists.
    pub linked: Found,
    /// Pairs that a person would have to look at.
    pub unsure_pairs: u64,
    /// What was learned, when it was.
    pub learned: Option<Learned>,
    /// From records to links: keys, candidates, comparisons, learning, weighing, grouping.
    pub wall: Duration,
    /// One record against the whole index, compared and weighed: the mean.
    pub check: Duration,
}

/// Every pair that shares a key, the smaller record first.
fn candidates(sample: &Sample, keys: &[Vec<Key>], index: &Index) -> Vec<(u32, u32)> {
    let mut pairs = Vec::new();
    for (record, keys) in (0u32..).zip(keys) {
        let others = index
            .candidates(keys)
            .into_iter()
            .filter(|other| *other < record);
        pairs.extend(
            others
                .map(|other| (other, record))
                .filter(|pair| sample.may_be_one(*pair)),
        );
    }
    pairs
}

/// Every pair of records that bear the same number, the smaller record first.
fn pairs_of_one(numbers: &[u32]) -> Vec<(u32, u32)> {
    let mut of: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for (record, number) in (0u32..).zip(numbers) {
        of.entry(*number).or_default().push(record);
    }
    let mut pairs = Vec::new();
    for records in of.values() {
        for (at, one) in records.iter().enumerate() {
            pairs.extend(records[..at].iter().map(|other| (*other, *one)));
        }
    }
    pairs
}

impl Sample {
    /// Whether what is known beforehand leaves open that two records are of one person.
    fn may_be_one(&self, (one, other): (u32, u32)) -> bool {
        let apart = |households: &Vec<u32>| households[one as usize] != households[other as usize];
        let across = |second: u32| (one < second) != (other < second);
        self.households.as_ref().is_none_or(apart) && self.second_list.is_none_or(across)
    }

    fn all_pairs(&self) -> u64 {
        let records = self.records.len() as u64;
        match self.second_list {
            Some(second) => u64::from(second) * (records - u64::from(second)),
            None => records * (records - 1) / 2,
        }
    }

    fn is_one(&self, (one, other): (u32, u32)) -> bool {
        self.truth[one as usize] == self.truth[other as usize]
    }

    fn true_pairs(&self) -> u64 {
        let pairs = pairs_of_one(&self.truth);
        pairs.iter().filter(|pair| self.may_be_one(**pair)).count() as u64
    }

    fn compare(&self, (one, other): (u32, u32)) -> Vec<Option<Agreement>> {
        self.records[one as usize].compare(&self.records[other as usize])
    }

    fn housemates(&self) -> Patterns {
        let mut patterns = Patterns::default();
        let pairs = self
            .households
            .as_deref()
            .map(pairs_of_one)
            .unwrap_or_default();
        let some = pairs.into_iter().take(HOUSEMATE_PAIRS_MAX);
        some.for_each(|pair| patterns.add(&self.compare(pair)));
        patterns
    }

    /// Links the records with weights learned from them, or with these.
    pub fn link(&self, ready: Option<&Model>) -> Outcome {
        let begun = Instant::now();
        let population = self.records.len() as u64;
        let keys: Vec<_> = self
            .records
            .iter()
            .map(|record| linkage::keys(self.schema, record))
            .collect();
        let mut index = Index::default();
        (0u32..)
            .zip(&keys)
            .for_each(|(record, keys)| index.insert(record, keys));
        let pairs = candidates(self, &keys, &index);
        let compared: Vec<_> = pairs.iter().map(|pair| self.compare(*pair)).collect();
        let frequencies = Frequencies::of(&self.records);
        let learned = ready.is_none().then(|| {
            let mut samples = Samples {
                records: population,
                housemates: self.housemates(),
                ..Samples::default()
            };
            compared
                .iter()
                .for_each(|found| samples.candidates.add(found));
            let records = u32::try_from(population).expect("record numbers are of 32 bits");
            let pairs = RANDOM_PAIRS_MAX.min(records.saturating_mul(RANDOM_PAIRS_PER_RECORD));
            random_pairs(records, pairs).for_each(|pair| samples.random.add(&self.compare(pair)));
            learn(self.schema, &samples)
        });
        let model = ready
            .or(learned.as_ref().map(|learned| &learned.model))
            .expect("one of them is there");
        let matcher = Matcher::new(self.schema, model, Some(&frequencies))
            .expect("the model is the schema's");
        let mut unsure_pairs = 0;
        let links: Vec<Link> = pairs
            .iter()
            .zip(&compared)
            .map(|((one, other), found)| {
                let score = matcher.weigh(found, population);
                unsure_pairs += u64::from(score.decision == Decision::Unsure);
                Link {
                    one: *one,
                    other: *other,
                    bits: score.odds_bits,
                }
            })
            .collect();
        let linked = self.linked(&links);
        let wall = begun.elapsed();

        let begun = Instant::now();
        for record in &self.records {
            for other in index.candidates(&linkage::keys(self.schema, record)) {
                std::hint::black_box(matcher.score(
                    record,
                    &self.records[other as usize],
                    population,
                ));
            }
        }
        let check = begun.elapsed() / u32::try_from(population.max(1)).unwrap_or(u32::MAX);

        let there = self.true_pairs();
        let looked_at = pairs.iter().filter(|pair| self.is_one(**pair)).count() as u64;
        let found: Vec<(u32, u32)> = links
            .iter()
            .filter(|link| link.bits > 0.0)
            .map(|link| (link.one, link.other))
            .collect();
        Outcome {
            records: population,
            all_pairs: self.all_pairs(),
            candidate_pairs: pairs.len() as u64,
            true_pairs: there,
            blocking_recall: Found::new(looked_at, looked_at, there).recall,
            pairs: self.found(&found, there),
            linked: self.found(&linked, there),
            unsure_pairs,
            learned,
            wall,
            check,
        }
    }

    fn found(&self, pairs: &[(u32, u32)], there: u64) -> Found {
        let right = pairs.iter().filter(|pair| self.is_one(**pair)).count() as u64;
        Found::new(right, pairs.len() as u64, there)
    }

    /// Pairs after cleaning up: of one group, or one to one between two lists.
    fn linked(&self, links: &[Link]) -> Vec<(u32, u32)> {
        if self.second_list.is_some() {
            return linkage::one_to_one(links)
                .iter()
                .map(|link| (link.one, link.other))
                .collect();
        }
        let groups = linkage::groups(self.records.len() as u32, links);
        let mut pairs = pairs_of_one(&groups);
        pairs.retain(|pair| self.may_be_one(*pair));
        pairs
    }
}

#[cfg(test)]
mod tests;
