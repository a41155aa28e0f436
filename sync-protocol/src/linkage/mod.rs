//! Record linkage: which records are of one person, and which households of one family, by what was written about them.
//!
//! Pure and deterministic. A *schema* names the fields; *blocking* finds the few records worth comparing; comparing gives each
//! field a *level* of agreement; a *model* (Fellegi and Sunter 1969) turns levels into bits for and against, and *learning*
//! (expectation maximisation) finds its probabilities in the data. It proposes; people decide. It knows no document, no store
//! and no sentence: explanations are codes.

mod blocking;
mod characters;
mod cluster;
mod dates;
pub mod family;
mod frequency;
mod hash;
pub mod household;
mod learn;
mod level;
mod members;
mod model;
mod names;
mod numbers;
mod person;
mod record;
mod schema;
mod sound;
mod words;

pub use blocking::{BLOCK_RECORDS_MAX, Index, Key, keys};
pub use cluster::{Link, groups, one_to_one};
pub use dates::Day;
pub use frequency::{ADJUSTMENT_BITS_MAX, Frequencies, Term, TermKind};
pub use learn::{Learned, Patterns, Samples, learn, random_pairs};
pub use level::{
    Agreement, ChineseName, CodeLevel, DateLevel, LatinName, Level, MembersLevel, NumberLevel,
    RomanisedName, WordsLevel,
};
pub use members::{MEMBERS_MAX, Member, Members};
pub use model::{
    Decision, FieldModel, LevelModel, Matcher, Model, ModelError, PROBABILITY_MIN, Reason, Rival,
    SAME_PROBABILITY_MIN, Score, UNSURE_PROBABILITY_MIN,
};
pub use names::Name;
pub use numbers::Numbers;
pub use person::{Housemate, PERSON, Person};
pub use record::{Record, Value};
pub use schema::{Bears, Blocking, Comparator, Field, Schema};
pub use words::Words;

#[cfg(test)]
mod tests;
