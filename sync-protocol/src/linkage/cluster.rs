//! From pairs to groups: which records together are of one person, and who is whose pair where nobody can be two.
//!
//! Works on what pairs were found to be worth. Ties go to the smaller record number, so that the answer is one.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
};

/// What two records that never became candidates count as, in bits: sharing no key speaks against one person.
const UNCOMPARED_BITS: f64 = -4.0;
/// The most that one pair counts for or against in a group, in bits.
const PAIR_BITS_MAX: f64 = 24.0;

/// Two records and the logarithm of the odds that they are one person's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Link {
    /// One record.
    pub one: u32,
    /// The other.
    pub other: u32,
    /// Bits for one person; even odds are zero.
    pub bits: f64,
}

/// Bits as a whole number, so that they have an order.
fn ordered(bits: f64) -> i64 {
    (bits * 1e6) as i64
}

/// Average linkage: two groups become one while the mean of all pairs between them speaks for it, best first. A chain of weak
/// links does not join what its ends contradict, and one bad pair does not part what all others join. Gives each record the
/// smallest number of its group.
pub fn groups(records: u32, links: &[Link]) -> Vec<u32> {
    let mut grouping = Grouping::new(records, links);
    while let Some((mean, Reverse((a, b)))) = grouping.heap.pop() {
        if mean <= 0 {
            break;
        }
        if grouping.mean(a, b) == Some(mean) {
            grouping.join(a, b);
        }
    }
    grouping.smallest()
}

struct Grouping {
    /// Records of each living group, by its smallest record.
    members: BTreeMap<u32, Vec<u32>>,
    /// For each living group its neighbours: bits of compared pairs, and how many.
    beside: BTreeMap<u32, BTreeMap<u32, (f64, usize)>>,
    heap: BinaryHeap<(i64, Reverse<(u32, u32)>)>,
    records: u32,
}

impl Grouping {
    fn new(records: u32, links: &[Link]) -> Self {
        let mut grouping = Self {
            members: (0..records).map(|record| (record, vec![record])).collect(),
            beside: BTreeMap::new(),
            heap: BinaryHeap::new(),
            records,
        };
        for link in links.iter().filter(|link| link.one != link.other) {
            let bits = link.bits.clamp(-PAIR_BITS_MAX, PAIR_BITS_MAX);
            for (a, b) in [(link.one, link.other), (link.other, link.one)] {
                grouping.beside.entry(a).or_default().insert(b, (bits, 1));
            }
        }
        let found: Vec<(u32, u32)> = links
            .iter()
            .map(|link| (link.one.min(link.other), link.one.max(link.other)))
            .collect();
        for (a, b) in found {
            grouping.offer(a, b);
        }
        grouping
    }

    /// The mean over all pairs of two groups, as it is ordered; `None` when one of them is no more.
    fn mean(&self, a: u32, b: u32) -> Option<i64> {
        let pairs = self.members.get(&a)?.len() * self.members.get(&b)?.len();
        let (bits, compared) = *self.beside.get(&a)?.get(&b)?;
        let sum = bits + UNCOMPARED_BITS * (pairs - compared) as f64;
        Some(ordered(sum / pairs as f64))
    }

    fn offer(&mut self, a: u32, b: u32) {
        if let Some(mean) = self.mean(a, b).filter(|mean| *mean > 0) {
            self.heap.push((mean, Reverse((a, b))));
        }
    }

    /// Puts `b` into `a`, the smaller number.
    fn join(&mut self, a: u32, b: u32) {
        let moved = self.members.remove(&b).unwrap_or_default();
        self.members.entry(a).or_default().extend(moved);
        let neighbours = self.beside.remove(&b).unwrap_or_default();
        for (neighbour, (bits, compared)) in neighbours {
            if let Some(beside) = self.beside.get_mut(&neighbour) {
                beside.remove(&b);
            }
            if neighbour != a {
                for (one, other) in [(a, neighbour), (neighbour, a)] {
                    let entry = self
                        .beside
                        .entry(one)
                        .or_default()
                        .entry(other)
                        .or_insert((0.0, 0));
                    *entry = (entry.0 + bits, entry.1 + compared);
                }
            }
        }
        let neighbours: Vec<u32> = self
            .beside
            .get(&a)
            .into_iter()
            .flat_map(|beside| beside.keys().copied())
            .collect();
        for neighbour in neighbours {
            self.offer(a.min(neighbour), a.max(neighbour));
        }
    }

    fn smallest(&self) -> Vec<u32> {
        let mut smallest: Vec<u32> = (0..self.records).collect();
        for (group, members) in &self.members {
            for member in members {
                smallest[*member as usize] = *group;
            }
        }
        smallest
    }
}

/// Keeps the best link of each record, best first, and drops every other link of the two: for two lists in which nobody
/// stands twice, such as two households. Links of even odds and less are dropped.
pub fn one_to_one(links: &[Link]) -> Vec<Link> {
    let mut best: Vec<Link> = links
        .iter()
        .copied()
        .filter(|link| link.bits > 0.0)
        .collect();
    best.sort_by_key(|link| (Reverse(ordered(link.bits)), link.one, link.other));
    let mut taken = (
        std::collections::BTreeSet::new(),
        std::collections::BTreeSet::new(),
    );
    best.retain(|link| {
        let free = !taken.0.contains(&link.one) && !taken.1.contains(&link.other);
        if free {
            taken.0.insert(link.one);
            taken.1.insert(link.other);
        }
        free
    });
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(one: u32, other: u32, bits: f64) -> Link {
        Link { one, other, bits }
    }

    #[test]
    fn a_group_is_what_its_pairs_agree_on() {
        for (links, expected) in [
            (&[][..], [0, 1, 2, 3]),
            (&[link(0, 1, 5.0), link(2, 3, 5.0)], [0, 0, 2, 2]),
            // All pairs but one speak for it.
            (
                &[link(0, 1, 9.0), link(1, 2, 9.0), link(0, 2, -2.0)],
                [0, 0, 0, 3],
            ),
            // The ends of a chain contradict it.
            (
                &[link(0, 1, 9.0), link(1, 2, 3.0), link(0, 2, -9.0)],
                [0, 0, 2, 3],
            ),
            // Never compared is a little against.
            (&[link(3, 1, 9.0), link(1, 2, 8.0)], [0, 1, 1, 1]),
            (&[link(3, 1, 9.0), link(1, 2, 3.0)], [0, 1, 2, 1]),
            (&[link(0, 3, 0.0)], [0, 1, 2, 3]),
        ] {
            assert_eq!(groups(4, links), expected, "{links:?}");
            let turned: Vec<Link> = links
                .iter()
                .rev()
                .map(|l| link(l.other, l.one, l.bits))
                .collect();
            assert_eq!(groups(4, &turned), expected, "{turned:?}");
        }
    }

    #[test]
    fn nobody_is_two() {
        let links = [
            link(0, 0, 3.0),
            link(0, 1, 8.0),
            link(1, 1, 5.0),
            link(1, 0, 2.0),
            link(2, 2, -1.0),
        ];
        assert_eq!(one_to_one(&links), [link(0, 1, 8.0), link(1, 0, 2.0)]);
    }
}
