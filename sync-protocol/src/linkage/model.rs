//! What each level of agreement is worth, and what a comparison comes to.
//!
//! Fellegi and Sunter's model with two rivals. Two records may be of one person, of two strangers, or of two people of one house.
//! Each level has its probability under each of the three. What a house shares (address, telephone) is as probable between
//! housemates as between two records of one person, and so tells them not apart: agreement on address *and* telephone *and* origin
//! cannot add up to a person. A missing value weighs nothing. Knows no threshold of its own making beyond the two named here.

use serde::{Deserialize, Serialize};

use super::{
    frequency::Frequencies,
    level::{Agreement, Level},
    record::Record,
    schema::{Bears, Schema},
};

/// Probability from which two records count as one person's.
pub const SAME_PROBABILITY_MIN: f64 = 0.95;
/// Probability from which a person should look.
pub const UNSURE_PROBABILITY_MIN: f64 = 0.05;
/// Probabilities of a level are kept away from zero, so that no single field decides alone.
pub const PROBABILITY_MIN: f64 = 1e-7;

/// The probabilities of one level.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LevelModel {
    /// The level's code.
    pub level: String,
    /// How probable it is between two records of one person (Fellegi and Sunter's m).
    pub same: f64,
    /// Between two people of one house.
    pub housemate: f64,
    /// Between two strangers (their u).
    pub stranger: f64,
}

/// The levels of one field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldModel {
    /// The field's name.
    pub field: String,
    /// Every level of its comparator, ladder after ladder.
    pub levels: Vec<LevelModel>,
}

/// Every probability of a schema. It reads and writes as JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// Other records of the same person that a record has on average.
    pub matches_per_record: f64,
    /// Records of other people of the same house that a record has on average.
    pub housemates_per_record: f64,
    /// The fields, in the schema's order.
    pub fields: Vec<FieldModel>,
}

/// Why a model cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// Not the JSON of a model.
    #[error("not a model: {0}")]
    Json(String),
    /// The fields or levels are not those of the schema.
    #[error("the model has {found} where the schema has {expected}")]
    Other {
        /// What the schema asks for.
        expected: String,
        /// What stands there.
        found: String,
    },
    /// A probability that is none.
    #[error("{0} has a probability outside 0 to 1")]
    Probability(String),
}

impl Model {
    /// Weights for the register's people, learned on generated families. They serve until a register has learned its own.
    pub fn person() -> Self {
        serde_json::from_str(include_str!("person.json"))
            .expect("the weights that come with the program can be read")
    }

    /// Reads a model and holds it to the schema.
    pub fn from_json(schema: Schema, json: &str) -> Result<Self, ModelError> {
        let model: Self =
            serde_json::from_str(json).map_err(|error| ModelError::Json(error.to_string()))?;
        model.check(schema)?;
        Ok(model)
    }

    /// The model as JSON, one level a line.
    pub fn to_json(&self) -> String {
        let fields: Vec<String> = self
            .fields
            .iter()
            .map(|field| {
                let levels: Vec<String> = field.levels.iter().map(|level| {
                format!(
                    "      {{\"level\": {:?}, \"same\": {}, \"housemate\": {}, \"stranger\": {}}}",
                    level.level, short(level.same), short(level.housemate), short(level.stranger)
                )
            }).collect();
                format!(
                    "    {{\"field\": {:?}, \"levels\": [\n{}\n    ]}}",
                    field.field,
                    levels.join(",\n")
                )
            })
            .collect();
        format!(
            "{{\n  \"matches_per_record\": {},\n  \"housemates_per_record\": {},\n  \"fields\": [\n{}\n  ]\n}}\n",
            short(self.matches_per_record),
            short(self.housemates_per_record),
            fields.join(",\n")
        )
    }

    fn check(&self, schema: Schema) -> Result<(), ModelError> {
        let expect = |expected: &str, found: Option<&str>| {
            if found == Some(expected) {
                return Ok(());
            }
            Err(ModelError::Other {
                expected: expected.to_owned(),
                found: found.unwrap_or("nothing").to_owned(),
            })
        };
        let within = |name: &str, probability: f64| {
            let sound = (0.0..=1.0).contains(&probability);
            sound
                .then_some(())
                .ok_or_else(|| ModelError::Probability(name.to_owned()))
        };
        if self.fields.len() > schema.len() {
            expect("nothing", Some(&self.fields[schema.len()].field))?;
        }
        for (at, field) in schema.iter().enumerate() {
            let found = self.fields.get(at);
            expect(field.name, found.map(|found| found.field.as_str()))?;
            let levels = found.map_or(&[][..], |found| &found.levels);
            for (slot, level) in Level::all(field.comparator).enumerate() {
                expect(
                    level.code(),
                    levels.get(slot).map(|level| level.level.as_str()),
                )?;
                for probability in [
                    levels[slot].same,
                    levels[slot].housemate,
                    levels[slot].stranger,
                ] {
                    within(level.code(), probability)?;
                }
            }
            let more = levels.get(Level::all(field.comparator).count());
            if let Some(more) = more {
                expect("nothing", Some(&more.level))?;
            }
        }
        for (name, rate) in [
            ("matches_per_record", self.matches_per_record),
            ("housemates_per_record", self.housemates_per_record),
        ] {
            if !(rate.is_finite() && rate > 0.0) {
                return Err(ModelError::Probability(name.to_owned()));
            }
        }
        Ok(())
    }
}

/// Four digits that count, as JSON.
fn short(number: f64) -> String {
    format!(
        "{}",
        format!("{number:.3e}").parse::<f64>().unwrap_or(number)
    )
}

/// Who else two records may be of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rival {
    /// Two people who have nothing to do with each other.
    Strangers,
    /// Two people of one house.
    Housemates,
}

/// What to do with a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// Two people.
    Different,
    /// A person should look.
    Unsure,
    /// One person, as good as certain. Still for a person to confirm before records are merged.
    Same,
}

/// What one field said.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Reason {
    /// The field's name.
    pub field: &'static str,
    /// The level's code.
    pub level: &'static str,
    /// Bits for one person and against two strangers, the value's rarity included.
    pub against_strangers: f64,
    /// Bits for one person and against two people of one house.
    pub against_housemates: f64,
    /// The part of `against_strangers` that comes from how rare the value is.
    pub rarity: f64,
}

/// What a comparison came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Score {
    /// Bits for one person against both rivals together, before how rare duplicates are is counted: the match weight.
    pub weight: f64,
    /// The same with it: the logarithm to base two of the odds. Zero is even.
    pub odds_bits: f64,
    /// That both records are of one person.
    pub probability: f64,
    /// Who they more likely are if not.
    pub rival: Rival,
    /// By the two thresholds.
    pub decision: Decision,
    /// What each field said, in the schema's order; missing ones are left out.
    pub reasons: Vec<Reason>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Bits {
    against_strangers: f64,
    against_housemates: f64,
}

/// A model ready to weigh.
#[derive(Debug, Clone, PartialEq)]
pub struct Matcher<'f> {
    schema: Schema,
    bits: Vec<Vec<Bits>>,
    matches_per_record: f64,
    housemates_per_record: f64,
    frequencies: Option<&'f Frequencies>,
}

impl<'f> Matcher<'f> {
    /// Holds the model to the schema. Without frequencies every value counts as common as the average.
    pub fn new(
        schema: Schema,
        model: &Model,
        frequencies: Option<&'f Frequencies>,
    ) -> Result<Self, ModelError> {
        model.check(schema)?;
        let bits = schema.iter().zip(&model.fields).map(|(field, levels)| {
            let bits = levels.levels.iter().map(|level| {
                let same = level.same.max(PROBABILITY_MIN);
                let over = |rival: f64| (same / rival.max(PROBABILITY_MIN)).log2();
                Bits {
                    against_strangers: over(level.stranger),
                    against_housemates: match field.bears {
                        Bears::House => 0.0,
                        Bears::Person | Bears::Circle => over(level.housemate),
                    },
                }
            });
            bits.collect()
        });
        Ok(Self {
            schema,
            bits: bits.collect(),
            matches_per_record: model.matches_per_record,
            housemates_per_record: model.housemates_per_record,
            frequencies,
        })
    }

    /// Compares two records of a register of `population` records.
    pub fn score(&self, one: &Record, other: &Record, population: u64) -> Score {
        self.weigh(&one.compare(other), population)
    }

    /// Weighs agreements of the schema's fields.
    pub fn weigh(&self, agreements: &[Option<Agreement>], population: u64) -> Score {
        let found = agreements
            .iter()
            .enumerate()
            .filter_map(|(at, found)| Some((at, (*found)?)));
        let reasons: Vec<Reason> = found
            .map(|(at, agreement)| self.reason(at, agreement))
            .collect();
        let sum = |of: fn(&Reason) -> f64| reasons.iter().map(of).sum::<f64>();
        let strangers = sum(|reason| reason.against_strangers);
        let housemates = sum(|reason| reason.against_housemates);

        // Shares of all pairs of the register that are of one person, of one house, and of strangers.
        let others = population.max(2) as f64 - 1.0;
        let same = (self.matches_per_record / others).clamp(PROBABILITY_MIN, 0.5);
        let house = (self.housemates_per_record / others).clamp(PROBABILITY_MIN, 0.5);
        let apart = (1.0 - same - house).max(PROBABILITY_MIN);
        let against = [
            (Rival::Strangers, apart.log2() - strangers),
            (Rival::Housemates, house.log2() - housemates),
        ];
        let [(_, a), (_, b)] = against;
        let both = a.max(b) + (1.0 + (-(a - b).abs()).exp2()).log2();
        let odds_bits = same.log2() - both;
        let probability = 1.0 / (1.0 + (-odds_bits).exp2());
        Score {
            weight: odds_bits - same.log2() + (apart + house).log2(),
            odds_bits,
            probability,
            rival: if b > a {
                Rival::Housemates
            } else {
                Rival::Strangers
            },
            decision: if probability >= SAME_PROBABILITY_MIN {
                Decision::Same
            } else if probability >= UNSURE_PROBABILITY_MIN {
                Decision::Unsure
            } else {
                Decision::Different
            },
            reasons,
        }
    }

    fn reason(&self, at: usize, agreement: Agreement) -> Reason {
        let bits = self.bits[at][agreement.level.slot()];
        let rarity = match (self.frequencies, agreement.term) {
            (Some(frequencies), Some(term)) => frequencies.adjustment(at, term),
            _ => 0.0,
        };
        Reason {
            field: self.schema[at].name,
            level: agreement.level.code(),
            against_strangers: bits.against_strangers + rarity,
            against_housemates: bits.against_housemates,
            rarity,
        }
    }
}
