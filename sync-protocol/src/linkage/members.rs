//! Those whom a person lives with, by name and year of birth: two records of one person tell of the same circle.
//!
//! Knows one person's circle at a time; `household` compares whole households.

use super::{
    level::{Agreement, ChineseName, LatinName, Level, MembersLevel, RomanisedName},
    names::Name,
};

/// Members of one household that are looked at.
pub const MEMBERS_MAX: usize = 16;

/// One of those whom a person lives with.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    name: Name,
    born: Option<u16>,
}

/// All of them; empty for who lives alone.
#[derive(Debug, Clone, PartialEq)]
pub struct Members(Vec<Member>);

impl Members {
    /// Names and years of birth; those without a name that can be compared are left out.
    pub fn new<'t>(others: impl IntoIterator<Item = (&'t str, Option<u16>)>) -> Self {
        let member =
            |(name, born): (&str, Option<u16>)| Name::new(name).map(|name| Member { name, born });
        Self(
            others
                .into_iter()
                .filter_map(member)
                .take(MEMBERS_MAX)
                .collect(),
        )
    }

    /// How far two circles agree; `None` when one of the two lives alone, which says nothing about who it is.
    pub fn compare(&self, other: &Self) -> Option<Agreement> {
        let (few, many) = if self.0.len() <= other.0.len() {
            (self, other)
        } else {
            (other, self)
        };
        let (least, most) = (few.0.len(), many.0.len());
        if least == 0 {
            return None;
        }
        let level = match shared(few, many) {
            0 => MembersLevel::Nobody,
            all if all == least && all == most => MembersLevel::All,
            half if half > 1 && half * 2 >= least => MembersLevel::Half,
            _ => MembersLevel::One,
        };
        Some(Agreement::plain(Level::MembersLevel(level)))
    }
}

/// How many pairs of members can be formed of whom each is in both, nobody twice: the greatest matching in a graph of a few.
fn shared(few: &Members, many: &Members) -> usize {
    let edges: Vec<Vec<usize>> = few
        .0
        .iter()
        .map(|a| {
            (0..many.0.len())
                .filter(|at| alike(a, &many.0[*at]))
                .collect()
        })
        .collect();
    let mut taken: Vec<Option<usize>> = vec![None; many.0.len()];
    (0..edges.len())
        .filter(|from| place(*from, &edges, &mut taken, &mut vec![false; many.0.len()]))
        .count()
}

fn place(
    from: usize,
    edges: &[Vec<usize>],
    taken: &mut [Option<usize>],
    seen: &mut [bool],
) -> bool {
    for to in &edges[from] {
        if !std::mem::replace(&mut seen[*to], true)
            && taken[*to].is_none_or(|before| place(before, edges, taken, seen))
        {
            taken[*to] = Some(from);
            return true;
        }
    }
    false
}

/// Whether two members may be one: names that sound alike or have one slip, years at most one apart.
fn alike(one: &Member, other: &Member) -> bool {
    let years = one
        .born
        .zip(other.born)
        .is_none_or(|(a, b)| a.abs_diff(b) <= 1);
    let names = || match one.name.compare(&other.name).level {
        Level::ChineseName(level) => level <= ChineseName::NearHomophone,
        Level::LatinName(level) => level <= LatinName::AllNear,
        Level::RomanisedName(level) => level <= RomanisedName::Near,
        _ => false,
    };
    years && names()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn circles() {
        let (li, wang, son) = (
            ("李静", Some(1988)),
            ("王伟", Some(1986)),
            ("王子轩", Some(2014)),
        );
        let (heard, baby) = (("李婧", Some(1989)), ("王一诺", Some(2026)));
        for (one, other, code) in [
            (&[li, son][..], &[son, li][..], "members-all"),
            (&[li, son], &[heard, son], "members-all"),
            (&[li, son], &[li, son, baby], "members-half"),
            (&[li, son], &[wang, son], "members-one"),
            (&[li], &[li, son], "members-one"),
            (&[li], &[wang], "members-nobody"),
        ] {
            let (a, b) = (
                Members::new(one.iter().copied()),
                Members::new(other.iter().copied()),
            );
            assert_eq!(
                a.compare(&b).unwrap().level.code(),
                code,
                "{one:?} / {other:?}"
            );
            assert_eq!(
                b.compare(&a).unwrap().level.code(),
                code,
                "{other:?} / {one:?}"
            );
        }
    }

    #[test]
    fn who_lives_alone_has_no_circle_to_compare() {
        let (alone, two) = (Members::new([]), Members::new([("李静", Some(1988))]));
        assert_eq!((alone.compare(&two), two.compare(&alone)), (None, None));
        assert_eq!(alone.compare(&alone), None);
    }

    #[test]
    fn nobody_stands_for_two() {
        let twins = Members::new([("王子轩", Some(2014)), ("王子萱", Some(2014))]);
        let one = Members::new([("王子轩", Some(2014)), ("王一诺", Some(2019))]);
        assert_eq!(twins.compare(&one).unwrap().level.code(), "members-one");
    }
}
