//! Whether two households are of one family, from how their members compare.
//!
//! Knows of the members only what their scores say. Who belongs where is decided by people.

use serde::Serialize;

use super::{
    cluster::{self, Link},
    model::Score,
};

/// How much two households have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Overlap {
    /// Nobody.
    Nobody,
    /// One person: somebody who moved out or married, or who stands twice.
    OnePerson,
    /// Several, but some of both are missing in the other: a family that parted or came together.
    Part,
    /// Everybody of the smaller one, and at least half of the larger.
    Whole,
}

/// What two households came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HouseholdMatch {
    /// How much they have in common.
    pub overlap: Overlap,
    /// Who is whom: place in the one, place in the other, probability.
    pub pairs: Vec<(usize, usize, f64)>,
    /// That at least one person is in both.
    pub probability: f64,
}

/// Compares two households of `one` and `other` members by the scores of their members, given as (place in the one, place in the
/// other, score). Nobody is paired twice; members without a score were never candidates.
pub fn compare(one: usize, other: usize, scores: &[(usize, usize, Score)]) -> HouseholdMatch {
    let number = |place: usize| u32::try_from(place).unwrap_or(u32::MAX);
    let links: Vec<Link> = scores
        .iter()
        .map(|(a, b, score)| Link {
            one: number(*a),
            other: number(*b),
            bits: score.odds_bits,
        })
        .collect();
    let probability = |link: &Link| 1.0 / (1.0 + (-link.bits).exp2());
    let pairs: Vec<_> = cluster::one_to_one(&links)
        .iter()
        .map(|link| (link.one as usize, link.other as usize, probability(link)))
        .collect();
    let overlap = match pairs.len() {
        0 => Overlap::Nobody,
        found if found == one.min(other) && found * 2 >= one.max(other) => Overlap::Whole,
        1 => Overlap::OnePerson,
        _ => Overlap::Part,
    };
    HouseholdMatch {
        overlap,
        probability: 1.0 - pairs.iter().map(|(.., same)| 1.0 - same).product::<f64>(),
        pairs,
    }
}
