//! Texts of several words as they are compared: addresses and places, Chinese or Latin.
//!
//! Words stand in any order. Chinese text is cut into pairs of neighbouring characters, since it has no spaces; what a word means
//! is not known.

use strsim::jaro_winkler;

use super::{
    characters,
    frequency::{Term, TermKind},
    level::{Agreement, Level, WordsLevel},
};

/// Jaro-Winkler similarity from which two Latin words count as the same.
const SAME_WORD: f64 = 0.92;
/// Words that are looked at.
const WORDS_MAX: usize = 48;
/// Shares of both texts in common from which a level is given.
const MOST: f64 = 0.75;
const SOME: f64 = 0.40;

/// The words of a text, sorted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    words: Vec<String>,
    whole: Term,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Digit,
    Letter,
    Chinese,
    Between,
}

fn kind(c: char) -> Kind {
    if c.is_numeric() {
        Kind::Digit
    } else if characters::is_chinese(c) {
        Kind::Chinese
    } else if c.is_alphabetic() {
        Kind::Letter
    } else {
        Kind::Between
    }
}

impl Words {
    /// A text as written; `None` when there is no word in it.
    pub fn new(text: &str) -> Option<Self> {
        let text: Vec<char> = text
            .chars()
            .flat_map(char::to_lowercase)
            .map(characters::usual)
            .collect();
        let mut words: Vec<String> = Vec::new();
        for run in text.chunk_by(|a, b| kind(*a) == kind(*b)) {
            match kind(run[0]) {
                Kind::Between => {}
                Kind::Chinese if run.len() > 1 => {
                    words.extend(run.windows(2).map(|pair| pair.iter().collect::<String>()))
                }
                _ => words.push(run.iter().collect()),
            }
        }
        words.truncate(WORDS_MAX);
        words.sort_unstable();
        let whole = Term::new(TermKind::Whole, &words.join(" "));
        (!words.is_empty()).then_some(Self { words, whole })
    }

    /// The term of the whole text, whatever the order of its words.
    pub(crate) const fn whole(&self) -> Term {
        self.whole
    }

    /// How far two texts agree.
    pub fn compare(&self, other: &Self) -> Agreement {
        if self.words == other.words {
            return Agreement::on(Level::WordsLevel(WordsLevel::Exact), self.whole);
        }
        let (few, many) = if (self.words.len(), &self.words) <= (other.words.len(), &other.words) {
            (self, other)
        } else {
            (other, self)
        };
        let mut free = vec![true; many.words.len()];
        let mut common = 0.0;
        for word in &few.words {
            let alike = |there: &String| word == there || near(word, there);
            let exact = (0..free.len()).find(|at| free[*at] && many.words[*at] == *word);
            let found =
                exact.or_else(|| (0..free.len()).find(|at| free[*at] && alike(&many.words[*at])));
            if let Some(at) = found {
                free[at] = false;
                common += 2.0;
            }
        }
        let share = common / (few.words.len() + many.words.len()) as f64;
        let level = if share >= MOST {
            WordsLevel::Most
        } else if share >= SOME {
            WordsLevel::Some
        } else {
            WordsLevel::Different
        };
        Agreement::plain(Level::WordsLevel(level))
    }
}

/// Whether two words of Latin letters are one with a slip; numbers and Chinese characters are the same or others.
fn near(one: &str, other: &str) -> bool {
    let latin = |word: &str| word.chars().all(|c| kind(c) == Kind::Letter);
    one.len() > 3
        && other.len() > 3
        && latin(one)
        && latin(other)
        && jaro_winkler(one, other) >= SAME_WORD
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        for (one, other, code) in [
            ("7 Wallaby Place", "wallaby place 7", "words-exact"),
            ("7 wallaby place", "7 walaby place", "words-most"),
            ("7 wallaby place", "9 wallaby place", "words-some"),
            ("7 wallaby place", "9 wallaby street", "words-different"),
            ("村东12号", "村東12号", "words-exact"),
            ("河头村村东12号", "河头村村东21号", "words-most"),
            ("河头村村东12号", "村东12号", "words-some"),
            ("河头村村东12号", "前街8号", "words-different"),
        ] {
            let (a, b) = (Words::new(one).unwrap(), Words::new(other).unwrap());
            assert_eq!(a.compare(&b).level.code(), code, "{one} / {other}");
            assert_eq!(a.compare(&b), b.compare(&a), "{other} / {one}");
        }
        assert_eq!(Words::new(" ,- "), None);
    }
}
