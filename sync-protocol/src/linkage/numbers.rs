//! Numbers in which a digit can slip: telephones, ids in plain digits, postal codes; or a hash, which is the same or another.
//!
//! Which number is well formed is not known here.

use strsim::damerau_levenshtein;

use super::{
    frequency::{Term, TermKind},
    level::{Agreement, Level, NumberLevel},
};

/// Numbers of one person that are looked at.
const NUMBERS_MAX: usize = 8;
/// Characters from which two slips still leave enough that is the same.
const TWO_SLIPS_LENGTH_MIN: usize = 7;

/// One or more numbers of one kind, sorted, without signs between their digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Numbers(Vec<String>);

impl Numbers {
    /// Numbers as written; `None` when none has a letter or digit.
    pub fn new<'t>(texts: impl IntoIterator<Item = &'t str>) -> Option<Self> {
        let clean = |text: &str| -> String {
            text.chars()
                .filter(|c| c.is_alphanumeric())
                .flat_map(char::to_lowercase)
                .collect()
        };
        let mut numbers: Vec<String> = texts
            .into_iter()
            .map(clean)
            .filter(|text| !text.is_empty())
            .collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers.truncate(NUMBERS_MAX);
        (!numbers.is_empty()).then_some(Self(numbers))
    }

    /// Each of them.
    pub(crate) fn each(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    pub(crate) fn terms(&self, count: &mut impl FnMut(Term)) {
        self.each()
            .for_each(|number| count(Term::new(TermKind::Whole, number)));
    }

    /// How far two sets of numbers agree.
    pub fn compare(&self, other: &Self) -> Agreement {
        let shared = self.0.iter().find(|number| other.0.contains(number));
        if let Some(number) = shared {
            let several = self.0.len() > 1 && other.0.len() > 1 && self.0 != other.0;
            let level = if several {
                NumberLevel::Shared
            } else {
                NumberLevel::Exact
            };
            return Agreement::on(
                Level::NumberLevel(level),
                Term::new(TermKind::Whole, number),
            );
        }
        let pairs = self
            .0
            .iter()
            .flat_map(|a| other.0.iter().map(move |b| (a, b)));
        let level = pairs
            .map(|(a, b)| slips(a, b))
            .min()
            .unwrap_or(NumberLevel::Different);
        Agreement::plain(Level::NumberLevel(level))
    }
}

fn slips(one: &str, other: &str) -> NumberLevel {
    let length = one.len().min(other.len());
    if length < 3 || one.len().abs_diff(other.len()) > 2 {
        return NumberLevel::Different;
    }
    match damerau_levenshtein(one, other) {
        0 | 1 => NumberLevel::OneSlip,
        2 if length >= TWO_SLIPS_LENGTH_MIN => NumberLevel::TwoSlips,
        _ => NumberLevel::Different,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        for (one, other, code) in [
            (&["10012345678"][..], &["100 1234-5678"][..], "number-exact"),
            (
                &["10012345678"],
                &["10012345678", "10000000001"],
                "number-exact",
            ),
            (
                &["10012345678", "10000000002"],
                &["10012345678", "10000000001"],
                "number-shared",
            ),
            (&["10012345678"], &["10012345679"], "number-one-slip"),
            (&["10012345678"], &["10012354678"], "number-one-slip"),
            (&["10012345678"], &["1001234567"], "number-one-slip"),
            (&["10012345678"], &["10012345789"], "number-two-slips"),
            (&["10012345678"], &["10098765432"], "number-different"),
            (&["7"], &["8"], "number-different"),
            (&["2119"], &["2191"], "number-one-slip"),
            (&["2119"], &["2281"], "number-different"),
        ] {
            let numbers = |texts: &[&str]| Numbers::new(texts.iter().copied()).unwrap();
            let (a, b) = (numbers(one), numbers(other));
            assert_eq!(a.compare(&b).level.code(), code, "{one:?} / {other:?}");
            assert_eq!(a.compare(&b), b.compare(&a), "{one:?} / {other:?}");
        }
        assert_eq!(Numbers::new(["", " - "]), None);
    }
}
