//! Learning a model from a register's own records, without knowing which of them are of one person.
//!
//! Expectation maximisation over three classes of pairs (one person, one house, strangers), on three samples: candidate pairs, where
//! the pairs of one person are; random pairs, which are strangers but for a share that is taken out again; and pairs known to be
//! of one house and two people, if there are any. What a house shares is learned from pairs of one person, since two records of a
//! family differ in it as often whichever members are compared. A schema needs two fields of the house for housemates to be told from
//! strangers without known pairs. Counts of patterns go in, not records.

use std::collections::BTreeMap;

use super::{
    hash::Hasher64,
    level::{Agreement, Level},
    model::{FieldModel, LevelModel, Model, PROBABILITY_MIN},
    schema::{Bears, Schema},
};

/// Rounds after which learning ends in any case.
const ROUNDS_MAX: usize = 200;
/// Learning ends when no probability moves by more than this.
const STILL: f64 = 1e-6;
/// Pairs that the first guess of a field's probabilities counts as, so that a level never seen stays possible.
const GUESS_PAIRS: f64 = 2.0;
/// How much rarer each level is than the one before it, in the first guess about two records of one person.
const GUESS_FALL: f64 = 0.4;
/// Matches and housemates a record, in the first guess.
const GUESS_PER_RECORD: f64 = 0.5;
/// Of people who share a house, the share that stands in another household's record: relatives next door with one telephone.
/// Such pairs cannot be told beforehand, and what bears a person in them is as among strangers.
const NEXT_DOOR: f64 = 0.3;
/// A value that is missing, in a pattern.
const MISSING: u8 = u8::MAX;

/// How often each pattern of levels was seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Patterns {
    counts: BTreeMap<Vec<u8>, u64>,
}

impl Patterns {
    /// Counts one comparison.
    pub fn add(&mut self, agreements: &[Option<Agreement>]) {
        let slot = |found: &Option<Agreement>| {
            found.map_or(MISSING, |found| {
                u8::try_from(found.level.slot()).unwrap_or(MISSING)
            })
        };
        *self
            .counts
            .entry(agreements.iter().map(slot).collect())
            .or_default() += 1;
    }

    /// Comparisons counted.
    pub fn pairs(&self) -> u64 {
        self.counts.values().sum()
    }
}

/// What is learned from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Samples {
    /// Records of the register.
    pub records: u64,
    /// Every pair that shares a blocking key.
    pub candidates: Patterns,
    /// Pairs drawn without looking, such as [`random_pairs`] gives.
    pub random: Patterns,
    /// Pairs of two people of one household's record; may be empty.
    pub housemates: Patterns,
}

/// Pairs of different records drawn evenly, the same for the same arguments: hashes of a counter.
pub fn random_pairs(records: u32, pairs: u32) -> impl Iterator<Item = (u32, u32)> {
    let draw = move |counter: u64| {
        (Hasher64::new().number(counter).end() % u64::from(records.max(1))) as u32
    };
    (0..u64::from(pairs))
        .map(move |at| (draw(2 * at), draw(2 * at + 1)))
        .filter(|(a, b)| a != b)
}

/// Probabilities of every level of every field under one class.
type Table = Vec<Vec<f64>>;

/// A learned model, and how it came about.
#[derive(Debug, Clone, PartialEq)]
pub struct Learned {
    /// The probabilities.
    pub model: Model,
    /// Rounds taken.
    pub rounds: usize,
    /// Whether the probabilities had come to rest.
    pub settled: bool,
}

struct State {
    same: Table,
    housemate: Table,
    stranger: Table,
    /// Shares of all pairs.
    share_same: f64,
    share_house: f64,
}

/// Learns the probabilities of a schema's levels.
pub fn learn(schema: Schema, samples: &Samples) -> Learned {
    let records = samples.records.max(2) as f64;
    let all_pairs = records * (records - 1.0) / 2.0;
    let guess = first_guess(schema);
    let nothing = even(schema);
    let mut state = State {
        same: guess.clone(),
        stranger: estimate(schema, &samples.random, &nothing, 1.0, |_| 1.0),
        housemate: Vec::new(),
        share_same: GUESS_PER_RECORD / records,
        share_house: GUESS_PER_RECORD / records,
    };
    state.housemate = housemate(schema, samples, &state);
    let (mut rounds, mut settled) = (0, false);
    while rounds < ROUNDS_MAX && !settled {
        rounds += 1;
        let (mut same, mut house) = (0.0, 0.0);
        for (pattern, count) in &samples.candidates.counts {
            let [one, other, _] = state.posterior(schema, pattern);
            same += one * *count as f64;
            house += other * *count as f64;
        }
        let next_same = estimate(
            schema,
            &samples.candidates,
            &guess,
            GUESS_PAIRS,
            |pattern| state.posterior(schema, pattern)[0],
        );
        let next_stranger = estimate(schema, &samples.random, &nothing, 1.0, |pattern| {
            state.posterior(schema, pattern)[2]
        });
        let moved =
            distance(&state.same, &next_same).max(distance(&state.stranger, &next_stranger));
        state.same = next_same;
        state.stranger = next_stranger;
        state.share_same = (same / all_pairs).clamp(PROBABILITY_MIN / records, 0.5);
        state.share_house = (house / all_pairs).clamp(PROBABILITY_MIN / records, 0.4);
        state.housemate = housemate(schema, samples, &state);
        settled = moved < STILL;
    }
    Learned {
        model: state.model(schema, records),
        rounds,
        settled,
    }
}

/// What housemates agree on: learned where there are such pairs; else as strangers in what bears a person.
fn housemate(schema: Schema, samples: &Samples, state: &State) -> Table {
    let learned = estimate(
        schema,
        &samples.housemates,
        &state.stranger,
        GUESS_PAIRS,
        |_| 1.0,
    );
    let beside = |learned: f64, stranger: f64| (1.0 - NEXT_DOOR) * learned + NEXT_DOOR * stranger;
    let level = |bears: Bears, learned: f64, stranger: f64, same: f64| match bears {
        Bears::Person => beside(learned, stranger),
        Bears::House => same,
        // An upper bound: against housemates a circle never counts for one person.
        Bears::Circle => beside(learned, stranger).max(same),
    };
    let levels = |at: usize| -> Vec<f64> {
        let (strangers, same) = (&state.stranger[at], &state.same[at]);
        let slots = learned[at].iter().enumerate();
        slots
            .map(|(slot, learned)| level(schema[at].bears, *learned, strangers[slot], same[slot]))
            .collect()
    };
    (0..schema.len()).map(levels).collect()
}

impl State {
    /// How probable each class is for a pattern: one person, one house, strangers.
    fn posterior(&self, schema: Schema, pattern: &[u8]) -> [f64; 3] {
        let mut joint = [
            self.share_same,
            self.share_house,
            1.0 - self.share_same - self.share_house,
        ];
        for (at, slot) in pattern.iter().enumerate().take(schema.len()) {
            if *slot != MISSING {
                let slot = usize::from(*slot);
                joint[0] *= self.same[at][slot];
                joint[1] *= self.housemate[at][slot];
                joint[2] *= self.stranger[at][slot];
            }
        }
        let sum: f64 = joint.iter().sum();
        if sum > 0.0 {
            joint.map(|part| part / sum)
        } else {
            [0.0, 0.0, 1.0]
        }
    }

    fn model(&self, schema: Schema, records: f64) -> Model {
        let fields = schema.iter().enumerate().map(|(at, field)| {
            let levels = Level::all(field.comparator)
                .enumerate()
                .map(|(slot, level)| LevelModel {
                    level: level.code().to_owned(),
                    same: self.same[at][slot],
                    housemate: self.housemate[at][slot],
                    stranger: self.stranger[at][slot],
                });
            FieldModel {
                field: field.name.to_owned(),
                levels: levels.collect(),
            }
        });
        Model {
            matches_per_record: self.share_same * (records - 1.0),
            housemates_per_record: self.share_house * (records - 1.0),
            fields: fields.collect(),
        }
    }
}

/// Shares of each level within its ladder, each pattern counted as much as `weight` says and `prior` as so many pairs more.
fn estimate(
    schema: Schema,
    patterns: &Patterns,
    prior: &Table,
    prior_pairs: f64,
    weight: impl Fn(&[u8]) -> f64,
) -> Table {
    let mut counts: Table = prior
        .iter()
        .map(|levels| levels.iter().map(|share| share * prior_pairs).collect())
        .collect();
    for (pattern, count) in &patterns.counts {
        let counted = weight(pattern) * *count as f64;
        for (slot, counts) in pattern
            .iter()
            .zip(&mut counts)
            .filter(|(slot, _)| **slot != MISSING)
        {
            counts[usize::from(*slot)] += counted;
        }
    }
    by_ladder(schema, &mut counts, |_, part| {
        let sum: f64 = part.iter().sum();
        part.iter_mut()
            .for_each(|share| *share = (*share / sum).max(PROBABILITY_MIN));
    });
    counts
}

/// Every level of a ladder as probable as the others.
fn even(schema: Schema) -> Table {
    table(schema, |_, levels| 1.0 / levels as f64)
}

/// Near levels probable, far ones less and less.
fn first_guess(schema: Schema) -> Table {
    table(schema, |rank, levels| {
        let fall = |rank: usize| GUESS_FALL.powi(i32::try_from(rank).unwrap_or(i32::MAX));
        fall(rank) / (0..levels).map(fall).sum::<f64>()
    })
}

fn table(schema: Schema, share: impl Fn(usize, usize) -> f64) -> Table {
    let mut table: Table = schema
        .iter()
        .map(|field| vec![0.0; Level::all(field.comparator).count()])
        .collect();
    by_ladder(schema, &mut table, |levels, part| {
        part.iter_mut()
            .enumerate()
            .for_each(|(rank, value)| *value = share(rank, levels));
    });
    table
}

fn by_ladder(schema: Schema, table: &mut Table, mut apply: impl FnMut(usize, &mut [f64])) {
    for (field, values) in schema.iter().zip(table) {
        let mut from = 0;
        for ladder in Level::ladders(field.comparator) {
            apply(ladder.len(), &mut values[from..from + ladder.len()]);
            from += ladder.len();
        }
    }
}

fn distance(one: &Table, other: &Table) -> f64 {
    let pairs = one.iter().flatten().zip(other.iter().flatten());
    pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linkage::schema::{Blocking, Comparator, Field};

    const PLAIN: Schema = &[
        Field::new("name", Comparator::Words, Bears::Person, Blocking::None),
        Field::new("born", Comparator::Number, Bears::Person, Blocking::None),
        Field::new("code", Comparator::Code, Bears::Person, Blocking::None),
        Field::new("home", Comparator::Words, Bears::House, Blocking::None),
        Field::new("phone", Comparator::Number, Bears::House, Blocking::None),
    ];
    const SAME: [&[f64]; 5] = [
        &[0.7, 0.2, 0.06, 0.04],
        &[0.8, 0.0, 0.1, 0.06, 0.04],
        &[0.95, 0.05],
        &[0.6, 0.2, 0.1, 0.1],
        &[0.5, 0.1, 0.05, 0.05, 0.3],
    ];
    const STRANGER: [&[f64]; 5] = [
        &[0.002, 0.008, 0.02, 0.97],
        &[0.001, 0.0, 0.003, 0.006, 0.99],
        &[0.5, 0.5],
        &[0.002, 0.005, 0.013, 0.98],
        &[0.001, 0.001, 0.002, 0.006, 0.99],
    ];

    /// A pattern in which each field takes a level as often as the table says, and every fifth value is missing.
    fn pattern(table: &[&[f64]], draws: &mut impl Iterator<Item = f64>) -> Vec<u8> {
        let mut next = || draws.next().unwrap();
        let field = |levels: &&[f64]| {
            let (mut left, missing) = (next(), next() < 0.2);
            let slot = levels.iter().position(|share| {
                left -= share;
                left < 0.0
            });
            if missing {
                MISSING
            } else {
                slot.unwrap_or(levels.len() - 1) as u8
            }
        };
        table.iter().map(field).collect()
    }

    fn counted(count: usize, of: impl FnMut() -> Vec<u8>) -> Patterns {
        let mut patterns = Patterns::default();
        std::iter::repeat_with(of)
            .take(count)
            .for_each(|pattern| *patterns.counts.entry(pattern).or_default() += 1);
        patterns
    }

    #[test]
    fn planted_probabilities_are_found_again() {
        let mut draws =
            (0u64..).map(|at| Hasher64::new().number(at).end() as f64 / u64::MAX as f64);
        // So many pairs of one person, of one house and of strangers.
        let mut drawn = |same: usize, house: usize, strangers: usize| {
            let neighbours = [STRANGER[0], STRANGER[1], STRANGER[2], SAME[3], SAME[4]];
            let mut all = counted(same, || pattern(&SAME, &mut draws));
            for part in [
                counted(house, || pattern(&neighbours, &mut draws)),
                counted(strangers, || pattern(&STRANGER, &mut draws)),
            ] {
                for (pattern, count) in part.counts {
                    *all.counts.entry(pattern).or_default() += count;
                }
            }
            all
        };
        let samples = Samples {
            // All pairs of 307 records are 46,971, near enough to those above.
            records: 307,
            candidates: drawn(4_000, 3_000, 40_000),
            random: drawn(8_000, 6_000, 80_000),
            housemates: Patterns::default(),
        };
        let learned = learn(PLAIN, &samples);
        assert!(learned.settled, "{} rounds", learned.rounds);
        for (at, field) in learned.model.fields.iter().enumerate() {
            for (slot, level) in field.levels.iter().enumerate() {
                let (same, stranger) = (SAME[at][slot], STRANGER[at][slot]);
                assert!(
                    (level.same - same).abs() < 0.03,
                    "{}: {same} {level:?}",
                    field.field
                );
                assert!(
                    (level.stranger - stranger).abs() < 0.006,
                    "{}: {stranger} {level:?}",
                    field.field
                );
            }
        }
        let matches = learned.model.matches_per_record * 307.0 / 2.0;
        assert!(
            (3_800.0..4_200.0).contains(&matches),
            "{matches} of 4,000 pairs"
        );
        let housemates = learned.model.housemates_per_record * 307.0 / 2.0;
        assert!(
            (2_700.0..3_300.0).contains(&housemates),
            "{housemates} of 3,000 pairs"
        );
    }

    #[test]
    fn nothing_to_learn_from_leaves_a_model_that_can_be_used() {
        let learned = learn(PLAIN, &Samples::default());
        let matcher = crate::linkage::Matcher::new(PLAIN, &learned.model, None);
        assert!(matcher.is_ok(), "{:?}", learned.model);
    }

    #[test]
    fn random_pairs_are_even_and_the_same_again() {
        let pairs: Vec<_> = random_pairs(10, 9_000).collect();
        assert_eq!(pairs, random_pairs(10, 9_000).collect::<Vec<_>>());
        for record in 0..10 {
            let times = pairs
                .iter()
                .filter(|(a, b)| *a == record || *b == record)
                .count();
            assert!((1_400..2_200).contains(&times), "{record}: {times}");
        }
    }
}
