//! What a name, a telephone number or an identity number can be found by. Pure.
//!
//! A name in Chinese characters is found by any run of its characters, by its pinyin from any syllable on,
//! in full or by initials, in every reading of its characters. A name in Latin letters is found by each of
//! its words, and nearly: by words that differ in a letter or two.

use std::collections::BTreeSet;

use pinyin::ToPinyinMulti;
use serde::{Deserialize, Serialize};
use sojourn_sync_protocol::PersonId;

/// Readings tried of one name: every character may have several.
const READINGS_MAX: usize = 24;
/// Letters of a word below which nearness finds too much.
const NEAR_LETTERS_MIN: usize = 4;

/// What a term is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub(crate) enum Class {
    /// Characters of a name.
    Characters = 1,
    /// Pinyin in full.
    Pinyin = 2,
    /// Initials of the pinyin.
    Initials = 3,
    /// A word in Latin letters.
    Latin = 4,
    /// A telephone number.
    Phone = 5,
    /// A telephone number from its end.
    PhoneEnd = 6,
    /// An identity number from its end.
    IdEnd = 7,
    /// A word with at most one letter left out.
    Near = 8,
}

/// One person (or the household itself) as the index knows it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Source {
    /// Who; `None` for the household.
    pub(crate) person: Option<PersonId>,
    /// Every name, contradicted ones too.
    pub(crate) names: Vec<String>,
    pub(crate) phones: Vec<String>,
    pub(crate) ids: Vec<String>,
}

/// A term, and whether it is the whole of what it stands for or begins inside it.
pub(crate) type Term = (Class, String, bool);

impl Source {
    /// Everything this source is found by.
    pub(crate) fn terms(&self) -> BTreeSet<Term> {
        let mut terms = BTreeSet::new();
        for name in &self.names {
            name_terms(name, &mut terms);
        }
        for phone in &self.phones {
            let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
            if !digits.is_empty() {
                terms.insert((Class::PhoneEnd, digits.chars().rev().collect(), true));
                terms.insert((Class::Phone, digits, true));
            }
        }
        for id in &self.ids {
            let id: String = id.chars().filter(char::is_ascii_alphanumeric).collect();
            if !id.is_empty() {
                terms.insert((
                    Class::IdEnd,
                    id.to_ascii_lowercase().chars().rev().collect(),
                    true,
                ));
            }
        }
        terms
    }

    /// The Latin words nearness is measured against.
    pub(crate) fn words(&self) -> BTreeSet<String> {
        self.names
            .iter()
            .flat_map(|name| near_words(name))
            .collect()
    }
}

/// Whether a character is written in Han script.
pub(crate) fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3134f}' | '\u{3007}')
}

/// Lower case without marks: `Lǚ` and `lü` become `lv`, `José` becomes `jose`.
pub(crate) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.chars().flat_map(char::to_lowercase) {
        match c {
            'ā' | 'á' | 'ǎ' | 'à' | 'â' | 'ä' | 'ã' | 'å' => folded.push('a'),
            'ē' | 'é' | 'ě' | 'è' | 'ê' | 'ë' => folded.push('e'),
            'ī' | 'í' | 'ǐ' | 'ì' | 'î' | 'ï' | 'ı' => folded.push('i'),
            'ō' | 'ó' | 'ǒ' | 'ò' | 'ô' | 'ö' | 'õ' | 'ø' => folded.push('o'),
            'ū' | 'ú' | 'ǔ' | 'ù' | 'û' => folded.push('u'),
            'ü' | 'ǖ' | 'ǘ' | 'ǚ' | 'ǜ' => folded.push('v'),
            'ñ' | 'ń' | 'ň' => folded.push('n'),
            'ç' | 'ć' | 'č' => folded.push('c'),
            'ş' | 'ś' | 'š' => folded.push('s'),
            'ž' | 'ź' | 'ż' => folded.push('z'),
            'ğ' => folded.push('g'),
            'ß' => folded.push_str("ss"),
            // Marks that combine with the letter before.
            '\u{300}'..='\u{36f}' => {}
            other => folded.push(other),
        }
    }
    folded
}

fn name_terms(name: &str, terms: &mut BTreeSet<Term>) {
    let han: Vec<char> = name.chars().filter(|c| is_han(*c)).collect();
    for at in 0..han.len() {
        terms.insert((Class::Characters, han[at..].iter().collect(), at == 0));
    }
    for reading in readings(&han) {
        for at in 0..reading.len() {
            terms.insert((Class::Pinyin, reading[at..].concat(), at == 0));
            let initials = reading[at..]
                .iter()
                .filter_map(|syllable| syllable.chars().next())
                .collect();
            terms.insert((Class::Initials, initials, at == 0));
        }
    }
    let words = latin_words(name);
    for at in 0..words.len() {
        terms.insert((Class::Latin, words[at..].concat(), at == 0));
    }
    for word in near_words(name) {
        for near in with_one_left_out(&word) {
            terms.insert((Class::Near, near, true));
        }
    }
}

fn latin_words(name: &str) -> Vec<String> {
    fold(name)
        .split(|c: char| !c.is_alphanumeric() || is_han(c))
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// The words of a name that a misspelt query is compared with.
fn near_words(name: &str) -> Vec<String> {
    let han: Vec<char> = name.chars().filter(|c| is_han(*c)).collect();
    let mut words = latin_words(name);
    if words.len() > 1 {
        words.push(words.concat());
    }
    words.extend(
        readings(&han)
            .into_iter()
            .next()
            .map(|reading| reading.concat()),
    );
    words.retain(|word| word.chars().count() >= NEAR_LETTERS_MIN);
    words
}

/// The word itself and the word with each letter left out in turn. Two words one slip apart share one.
pub(crate) fn with_one_left_out(word: &str) -> BTreeSet<String> {
    let letters: Vec<char> = word.chars().collect();
    let mut all = BTreeSet::from([word.to_owned()]);
    if letters.len() >= NEAR_LETTERS_MIN {
        for out in 0..letters.len() {
            all.insert(
                letters
                    .iter()
                    .enumerate()
                    .filter(|(at, _)| *at != out)
                    .map(|(_, c)| *c)
                    .collect(),
            );
        }
    }
    all
}

/// Every reading of the characters, the commonest first, up to a bound.
fn readings(han: &[char]) -> Vec<Vec<String>> {
    if han.is_empty() {
        return Vec::new();
    }
    let mut all: Vec<Vec<String>> = vec![Vec::new()];
    for c in han {
        let mut syllables: Vec<String> = Vec::new();
        for reading in c.to_pinyin_multi().into_iter().flatten() {
            let syllable = fold(reading.plain());
            // People type lü as lv, and as lu where the keyboard has no ü.
            for syllable in [syllable.clone(), syllable.replace('v', "u")] {
                if !syllables.contains(&syllable) {
                    syllables.push(syllable);
                }
            }
        }
        if syllables.is_empty() {
            continue;
        }
        let mut longer = Vec::new();
        for syllable in &syllables {
            for reading in &all {
                if longer.len() < READINGS_MAX {
                    let mut reading = reading.clone();
                    reading.push(syllable.clone());
                    longer.push(reading);
                }
            }
        }
        all = longer;
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str) -> BTreeSet<Term> {
        Source {
            names: vec![name.into()],
            ..Source::default()
        }
        .terms()
    }

    fn has(terms: &BTreeSet<Term>, class: Class, term: &str) -> bool {
        terms.iter().any(|(c, t, _)| *c == class && t == term)
    }

    #[test]
    fn every_reading_and_every_suffix() {
        let terms = of("单小乐");
        for pinyin in ["danxiaole", "shanxiaole", "shanxiaoyue", "xiaole", "yue"] {
            assert!(has(&terms, Class::Pinyin, pinyin), "{pinyin}");
        }
        for initials in ["dxl", "sxl", "sxy", "xl", "l"] {
            assert!(has(&terms, Class::Initials, initials), "{initials}");
        }
        assert!(has(&terms, Class::Characters, "小乐"));
    }

    #[test]
    fn the_umlaut_is_typed_three_ways() {
        let terms = of("吕芳");
        assert!(has(&terms, Class::Pinyin, "lvfang"));
        assert!(has(&terms, Class::Pinyin, "lufang"));
        assert_eq!(fold("Lǚ Fāng"), "lv fang");
    }

    #[test]
    fn many_readings_are_bounded() {
        assert!(of(&"乐".repeat(30)).len() < 3000);
    }
}
