//! Names as they are compared: in Chinese characters, in Latin letters, or one of each.
//!
//! Every comparison gives the same either way round. Which sex, age or family a name tells of is not known here.

use std::sync::Arc;

use strsim::jaro_winkler;

use super::{
    characters,
    frequency::{Term, TermKind},
    level::{Agreement, ChineseName, LatinName, Level, RomanisedName},
    sound::{self, Likeness, Reading},
};

/// Jaro-Winkler similarity from which two words are nearly the same.
const NEAR: f64 = 0.92;
/// Jaro-Winkler similarity from which two words may be the same.
const LIKE: f64 = 0.85;
/// Words of a Latin name that are looked at.
const WORDS_MAX: usize = 6;
/// Characters of a Chinese name that are looked at.
const CHARACTERS_MAX: usize = 24;

/// A name prepared for comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct Name(Script);

#[derive(Debug, Clone, PartialEq)]
enum Script {
    Chinese(ChineseForm),
    Latin(LatinForm),
}

#[derive(Debug, Clone, PartialEq)]
struct ChineseForm {
    /// As written, without spaces and dots.
    written: Vec<char>,
    /// In usual forms.
    usual: Vec<char>,
    readings: Vec<Arc<[Reading]>>,
    surname: usize,
    whole: Term,
    sound: Term,
    surname_term: Term,
    given_term: Term,
}

#[derive(Debug, Clone, PartialEq)]
struct LatinForm {
    words: Vec<String>,
    whole: Term,
}

impl Name {
    /// A name as somebody wrote it; `None` when there is nothing in it to compare.
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.chars().any(characters::is_chinese) {
            ChineseForm::new(text).map(Script::Chinese).map(Self)
        } else {
            LatinForm::new(text).map(Script::Latin).map(Self)
        }
    }

    /// How far two names agree.
    pub fn compare(&self, other: &Self) -> Agreement {
        match (&self.0, &other.0) {
            (Script::Chinese(one), Script::Chinese(other)) => one.compare(other),
            (Script::Latin(one), Script::Latin(other)) => one.compare(other),
            (Script::Chinese(chinese), Script::Latin(latin))
            | (Script::Latin(latin), Script::Chinese(chinese)) => {
                Agreement::plain(Level::RomanisedName(chinese.romanised(latin)))
            }
        }
    }

    /// Everything in the name that frequencies are counted of.
    pub(crate) fn terms(&self, count: &mut impl FnMut(Term)) {
        match &self.0 {
            Script::Chinese(name) => {
                [name.whole, name.sound, name.surname_term, name.given_term]
                    .into_iter()
                    .for_each(count);
            }
            Script::Latin(name) => {
                count(name.whole);
                name.words
                    .iter()
                    .for_each(|word| count(Term::new(TermKind::Word, word)));
            }
        }
    }

    /// The name's letters in alphabetical order, the same for a Chinese name and its pinyin either way round.
    pub(crate) fn letters(&self) -> String {
        let mut letters: Vec<char> = match &self.0 {
            Script::Chinese(name) => name.pinyin(0..name.usual.len()).chars().collect(),
            Script::Latin(name) => name.words.iter().flat_map(|word| word.chars()).collect(),
        };
        letters
            .iter_mut()
            .filter(|letter| **letter == 'ü')
            .for_each(|letter| *letter = 'u');
        letters.sort_unstable();
        letters.into_iter().collect()
    }

    /// The sounds of the name's parts: of a Chinese name its surname and its given name, of a Latin one each word.
    pub(crate) fn sounds(&self) -> Vec<String> {
        match &self.0 {
            Script::Chinese(name) => {
                let (surname, given) = (0..name.surname, name.surname..name.usual.len());
                let parts = [surname, given].map(|part| name.folded(part));
                parts.into_iter().filter(|part| !part.is_empty()).collect()
            }
            Script::Latin(name) => name.words.iter().map(|word| sound_of(word)).collect(),
        }
    }

    /// The sounds of single syllables or words, in alphabetical order.
    pub(crate) fn syllables(&self) -> Vec<String> {
        let mut syllables: Vec<String> = match &self.0 {
            Script::Chinese(name) => (0..name.usual.len())
                .map(|at| name.folded(at..at + 1))
                .collect(),
            Script::Latin(name) => name.words.iter().map(|word| sound_of(word)).collect(),
        };
        syllables.sort_unstable();
        syllables
    }

    /// First letters of syllables or words, in alphabetical order.
    pub(crate) fn initials(&self) -> String {
        let syllables = self.syllables();
        let mut initials: Vec<char> = syllables
            .iter()
            .filter_map(|syllable| syllable.chars().next())
            .collect();
        initials.sort_unstable();
        initials.into_iter().collect()
    }
}

fn sound_of(word: &str) -> String {
    let code = sound::soundex(word);
    if code.is_empty() {
        word.to_owned()
    } else {
        code
    }
}

/// The nearest agreement of any name of one with any name of the other; `None` when either has none.
pub(crate) fn nearest(one: &[Name], other: &[Name]) -> Option<Agreement> {
    let pairs = one
        .iter()
        .flat_map(|a| other.iter().map(move |b| a.compare(b)));
    pairs.min_by_key(|agreement| {
        (
            closeness(agreement.level),
            agreement.level.slot(),
            agreement.term,
        )
    })
}

/// Levels of different ladders side by side: small is near.
fn closeness(level: Level) -> u8 {
    match level {
        Level::ChineseName(level) => level as u8,
        Level::LatinName(level) => level as u8 + 1,
        Level::RomanisedName(RomanisedName::Exact) => 3,
        Level::RomanisedName(RomanisedName::Near) => 6,
        _ => u8::MAX,
    }
}

impl ChineseForm {
    fn new(text: &str) -> Option<Self> {
        let written: Vec<char> = text
            .chars()
            .filter(|c| c.is_alphanumeric())
            .take(CHARACTERS_MAX)
            .collect();
        if written.is_empty() {
            return None;
        }
        let usual: Vec<char> = written.iter().map(|c| characters::usual(*c)).collect();
        // Names of other languages in Chinese characters have a dot between their parts.
        let dot = text
            .chars()
            .filter(|c| c.is_alphanumeric() || *c == '·')
            .position(|c| c == '·');
        let surname = dot
            .filter(|at| (1..usual.len()).contains(at))
            .unwrap_or_else(|| characters::surname_length(&usual));
        let readings: Vec<_> = usual.iter().map(|c| sound::readings(*c)).collect();
        let text = |part: &[char]| part.iter().collect::<String>();
        let mut name = Self {
            whole: Term::new(TermKind::Whole, &text(&usual)),
            sound: Term::new(TermKind::Sound, ""),
            surname_term: Term::new(TermKind::Surname, &text(&usual[..surname])),
            given_term: Term::new(TermKind::Given, &text(&usual[surname..])),
            written,
            usual,
            readings,
            surname,
        };
        name.sound = Term::new(TermKind::Sound, &name.pinyin(0..name.usual.len()));
        Some(name)
    }

    /// Pinyin of some characters without tones; a character without pinyin stands for itself.
    fn pinyin(&self, part: std::ops::Range<usize>) -> String {
        self.spelt(part, |reading| reading.plain)
    }

    /// The same with confusable sounds made one.
    fn folded(&self, part: std::ops::Range<usize>) -> String {
        self.spelt(part, |reading| &reading.folded)
    }

    fn spelt<'n>(
        &'n self,
        part: std::ops::Range<usize>,
        of: impl Fn(&'n Reading) -> &'n str,
    ) -> String {
        let mut text = String::new();
        for at in part {
            match self.readings[at].first() {
                Some(reading) => text.push_str(of(reading)),
                None => text.push(self.usual[at]),
            }
        }
        text
    }

    /// How the character at `at` sounds beside the other's at `there`; `None` when they are one character.
    fn beside(&self, at: usize, other: &Self, there: usize) -> Option<Likeness> {
        (self.usual[at] != other.usual[there])
            .then(|| sound::likeness(&self.readings[at], &other.readings[there]))
    }

    fn compare(&self, other: &Self) -> Agreement {
        use ChineseName::*;
        if self.usual == other.usual {
            let level = if self.written == other.written {
                Exact
            } else {
                Variant
            };
            return Agreement::on(Level::ChineseName(level), self.whole);
        }
        let plain = |level| Agreement::plain(Level::ChineseName(level));
        let (mut one, mut two) = (self.usual.clone(), other.usual.clone());
        one.sort_unstable();
        two.sort_unstable();
        if one == two {
            return Agreement::on(Level::ChineseName(Swapped), self.whole.min(other.whole));
        }
        if self.usual.len() == other.usual.len() {
            let apart: Vec<_> = (0..self.usual.len())
                .map(|at| self.beside(at, other, at))
                .collect();
            let farthest = apart.iter().flatten().max();
            match farthest {
                Some(Likeness::Homophone) => {
                    return Agreement::on(
                        Level::ChineseName(Homophone),
                        self.sound.min(other.sound),
                    );
                }
                Some(Likeness::Toneless) => {
                    return Agreement::on(
                        Level::ChineseName(TonelessHomophone),
                        self.sound.min(other.sound),
                    );
                }
                Some(Likeness::Near) => return plain(NearHomophone),
                Some(Likeness::Apart) | None => {}
            }
        }
        let surname = self.part_alike(0..self.surname, other, 0..other.surname);
        let given = self.part_alike(
            self.surname..self.usual.len(),
            other,
            other.surname..other.usual.len(),
        );
        if surname && self.one_character_off(other) {
            return Agreement::on(
                Level::ChineseName(OneCharacter),
                self.surname_term.min(other.surname_term),
            );
        }
        if given {
            return Agreement::on(
                Level::ChineseName(GivenOnly),
                self.given_term.min(other.given_term),
            );
        }
        if surname {
            return Agreement::on(
                Level::ChineseName(SurnameOnly),
                self.surname_term.min(other.surname_term),
            );
        }
        plain(Different)
    }

    /// Whether two parts are the same characters, or other characters of one sound without tones.
    fn part_alike(
        &self,
        part: std::ops::Range<usize>,
        other: &Self,
        there: std::ops::Range<usize>,
    ) -> bool {
        let alike = |at, there| {
            self.beside(at, other, there)
                .is_none_or(|heard| heard <= Likeness::Toneless)
        };
        !part.is_empty()
            && part.len() == there.len()
            && part.zip(there).all(|(at, there)| alike(at, there))
    }

    /// Whether given names of which the longer has two characters and more differ in one of them, or one has one more.
    fn one_character_off(&self, other: &Self) -> bool {
        let (shorter, longer) = if self.usual.len() <= other.usual.len() {
            (self, other)
        } else {
            (other, self)
        };
        let (few, many) = (
            shorter.usual.len() - shorter.surname,
            longer.usual.len() - longer.surname,
        );
        let same = |at: usize, there: usize| {
            shorter
                .beside(shorter.surname + at, longer, longer.surname + there)
                .is_none_or(|heard| heard <= Likeness::Near)
        };
        if few == 0 || many < 2 {
            return false;
        }
        match many - few {
            0 => (0..few).filter(|at| !same(*at, *at)).count() == 1,
            1 => (0..many)
                .any(|left_out| (0..few).all(|at| same(at, at + usize::from(at >= left_out)))),
            _ => false,
        }
    }

    fn romanised(&self, latin: &LatinForm) -> RomanisedName {
        let surname = self.pinyin(0..self.surname);
        let given = self.pinyin(self.surname..self.usual.len());
        let letters: String = latin.words.concat();
        let spelt = [format!("{surname}{given}"), format!("{given}{surname}")];
        let spelt = spelt.map(|text| text.replace('ü', "u"));
        let letters = letters.replace('ü', "u");
        if spelt.contains(&letters) {
            RomanisedName::Exact
        } else if spelt
            .iter()
            .any(|spelt| jaro_winkler(spelt, &letters) >= NEAR)
        {
            RomanisedName::Near
        } else {
            RomanisedName::Different
        }
    }
}

impl LatinForm {
    fn new(text: &str) -> Option<Self> {
        let letters = |word: &str| -> String {
            word.chars()
                .filter(|c| c.is_alphanumeric())
                .flat_map(char::to_lowercase)
                .collect()
        };
        let words = text.split(|c: char| c.is_whitespace() || matches!(c, '-' | ',' | '.' | '/'));
        let words: Vec<String> = words
            .map(letters)
            .filter(|word| !word.is_empty())
            .take(WORDS_MAX)
            .collect();
        let mut sorted = words.clone();
        sorted.sort_unstable();
        let whole = Term::new(TermKind::Whole, &sorted.join(" "));
        (!words.is_empty()).then_some(Self { words, whole })
    }

    fn compare(&self, other: &Self) -> Agreement {
        use LatinName::*;
        if self.words == other.words {
            return Agreement::on(Level::LatinName(Exact), self.whole);
        }
        if self.whole == other.whole || self.words.concat() == other.words.concat() {
            return Agreement::on(Level::LatinName(Swapped), self.whole.min(other.whole));
        }
        let (few, many) = match self.words.len().cmp(&other.words.len()) {
            std::cmp::Ordering::Less => (self, other),
            std::cmp::Ordering::Greater => (other, self),
            // The same pairs either way round need the same order of trying.
            std::cmp::Ordering::Equal if self.words <= other.words => (self, other),
            std::cmp::Ordering::Equal => (other, self),
        };
        let (pairs, agreed) = few.paired(many);
        let count = |least: f64| pairs.iter().filter(|likeness| **likeness >= least).count();
        let (same, near, like, all) = (count(1.0), count(NEAR), count(LIKE), pairs.len());
        let level = if many.words.len() > all && near == all {
            Part
        } else if near == all && same > 0 {
            Near
        } else if like == all {
            AllNear
        } else if same > 0 {
            OneWord
        } else if near > 0 {
            OneWordNear
        } else {
            Different
        };
        let level = Level::LatinName(level);
        match agreed {
            Some(word) => Agreement::on(level, Term::new(TermKind::Word, word)),
            None => Agreement::plain(level),
        }
    }

    /// For each word here the likeness to the word of `many` that it is paired with, nearest pairs first and no word twice;
    /// and the longest word that both have.
    fn paired<'n>(&'n self, many: &Self) -> (Vec<f64>, Option<&'n str>) {
        let mut likenesses = Vec::with_capacity(self.words.len() * many.words.len());
        for (at, word) in self.words.iter().enumerate() {
            for (there, other) in many.words.iter().enumerate() {
                let likeness = if word == other {
                    1.0
                } else {
                    jaro_winkler(word, other).min(0.999)
                };
                likenesses.push((likeness, at, there));
            }
        }
        likenesses.sort_by(|a, b| b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
        let mut pairs = Vec::with_capacity(self.words.len());
        let (mut used, mut used_there) = ([false; WORDS_MAX], [false; WORDS_MAX]);
        let mut agreed: Option<&str> = None;
        for (likeness, at, there) in likenesses {
            if used[at] || used_there[there] {
                continue;
            }
            (used[at], used_there[there]) = (true, true);
            pairs.push(likeness);
            let word = self.words[at].as_str();
            if likeness >= 1.0
                && agreed.is_none_or(|agreed| (word.len(), word) > (agreed.len(), agreed))
            {
                agreed = Some(word);
            }
        }
        (pairs, agreed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_level(one: &str, other: &str, code: &str) {
        let (a, b) = (Name::new(one).unwrap(), Name::new(other).unwrap());
        assert_eq!(a.compare(&b).level.code(), code, "{one} / {other}");
        assert_eq!(b.compare(&a), a.compare(&b), "{other} / {one}");
    }

    #[test]
    fn chinese_names() {
        for (one, other, code) in [
            ("王海燕", "王海燕", "chinese-exact"),
            ("王 海燕", "王海燕 ", "chinese-exact"),
            ("張國華", "张国华", "chinese-variant"),
            ("王海峯", "王海峰", "chinese-variant"),
            ("王伟", "王炜", "chinese-homophone"),
            ("王海燕", "王海艳", "chinese-homophone"),
            ("张伟", "章伟", "chinese-homophone"),
            ("王伟", "王卫", "chinese-homophone-toneless"),
            ("王海燕", "海燕王", "chinese-swapped"),
            ("李建国", "李国建", "chinese-swapped"),
            ("李静", "李金", "chinese-homophone-near"),
            ("刘娜", "刘辣", "chinese-homophone-near"),
            ("王海燕", "王海霞", "chinese-one-character"),
            ("王海燕", "王燕", "chinese-one-character"),
            ("欧阳晓丽", "欧阳丽", "chinese-one-character"),
            ("王海燕", "李海燕", "chinese-given-only"),
            ("王伟", "王强", "chinese-surname-only"),
            ("王建国", "王秀英", "chinese-surname-only"),
            ("王伟", "李强", "chinese-different"),
            ("王伟", "王", "chinese-surname-only"),
        ] {
            assert_level(one, other, code);
        }
    }

    #[test]
    fn latin_names() {
        for (one, other, code) in [
            ("Anna Brown", "anna  brown", "latin-exact"),
            ("anna brown", "Brown, Anna", "latin-swapped"),
            ("anna-marie brown", "annamarie brown", "latin-swapped"),
            ("anna brown", "anna browne", "latin-near"),
            ("browne anna", "anna brown", "latin-near"),
            ("michael johnson", "micheal jonson", "latin-all-near"),
            ("anna brown", "brown", "latin-part"),
            ("anna brown", "anna smith", "latin-one-word"),
            ("michael brown", "micheal smith", "latin-one-word-near"),
            ("anna brown", "peter smith", "latin-different"),
        ] {
            assert_level(one, other, code);
        }
    }

    #[test]
    fn a_chinese_name_and_its_letters() {
        for (one, other, code) in [
            ("王海燕", "Wang Haiyan", "romanised-exact"),
            ("王海燕", "Haiyan WANG", "romanised-exact"),
            ("吕丽", "Lü Li", "romanised-exact"),
            ("王海燕", "Wang Haian", "romanised-near"),
            ("王海燕", "Li Qiang", "romanised-different"),
        ] {
            assert_level(one, other, code);
        }
    }

    #[test]
    fn what_has_no_letter_is_no_name() {
        for text in ["", "  ", "·", "--", "?"] {
            assert_eq!(Name::new(text), None, "{text:?}");
        }
    }

    #[test]
    fn the_nearest_of_several_names_counts() {
        let names = |texts: &[&str]| -> Vec<Name> {
            texts.iter().filter_map(|text| Name::new(text)).collect()
        };
        let (now, both) = (
            names(&["王海燕"]),
            names(&["李秀", "Wang Haiyan", "王海艳"]),
        );
        assert_eq!(
            nearest(&now, &both).unwrap().level.code(),
            "chinese-homophone"
        );
        assert_eq!(nearest(&both, &now), nearest(&now, &both));
        assert_eq!(nearest(&now, &[]), None);
    }
}
