//! What a household is found by, as one text: a line for each person and one for the household's own telephone and address.
//! How well a word of a query fits a line. Pure.
//!
//! A name in Chinese characters is found by any run of its characters, by its pinyin from any syllable on,
//! in full or by initials, in every reading of its characters. A name in Latin letters is found by each of
//! its words, and nearly: by words that differ in a letter or two.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::{Findable, FoundBy, Word};
use crate::PersonId;
use pinyin::ToPinyinMulti;

/// Readings tried of one name: every character may have several.
const READINGS_MAX: usize = 24;
/// Letters of a word below which nearness finds too much.
const NEAR_LETTERS_MIN: usize = 4;

/// Between the lines of a household.
pub(super) const BETWEEN_LINES: char = '\n';
const BETWEEN_PARTS: char = '\t';
/// After the words that a misspelt one is compared with.
const AFTER_NEAR: char = '\r';
/// Between the syllables of a reading and the words of a name.
const BETWEEN_SYLLABLES: u8 = b' ';

/// What a part of a line is, by its first letter. The first part is the person's id, or nothing.
mod part {
    /// A name as it is written; the first is shown.
    pub(super) const NAME: char = 'N';
    /// The Chinese characters of a name.
    pub(super) const CHARACTERS: char = 'H';
    /// One reading of them, syllable by syllable.
    pub(super) const PINYIN: char = 'P';
    /// The Latin words of a name, folded.
    pub(super) const LATIN: char = 'L';
    /// The digits of a telephone number.
    pub(super) const PHONE: char = 'T';
    /// An identity number.
    pub(super) const NUMBER: char = 'I';
    /// An address as it is written.
    pub(super) const ADDRESS: char = 'A';
}

/// The text of a household: of its persons, and of telephone numbers and addresses of its own.
pub(super) fn of_household<'p>(
    persons: impl IntoIterator<Item = Findable<'p>>,
    own_phones: &[&str],
    addresses: &[&str],
) -> String {
    let mut text = String::new();
    for person in persons {
        begin_line(&mut text);
        let _ = write!(text, "{}", person.id);
        for name in person.names {
            write_name(&mut text, name);
        }
        for phone in person.phones {
            write_phone(&mut text, phone);
        }
        for number in person.numbers {
            let digits = number.chars().filter(char::is_ascii_alphanumeric);
            let digits = digits.map(|c| c.to_ascii_lowercase());
            write_part(&mut text, part::NUMBER, digits);
        }
    }
    if !own_phones.is_empty() || !addresses.is_empty() {
        begin_line(&mut text);
        for phone in own_phones {
            write_phone(&mut text, phone);
        }
        for address in addresses {
            write_part(&mut text, part::ADDRESS, plain(address));
        }
    }
    text
}

fn begin_line(text: &mut String) {
    if !text.is_empty() {
        text.push(BETWEEN_LINES);
    }
}

fn write_part(text: &mut String, tag: char, of: impl Iterator<Item = char>) {
    let before = text.len();
    text.extend([BETWEEN_PARTS, tag]);
    let begun = text.len();
    text.extend(of);
    if text.len() == begun {
        text.truncate(before);
    }
}

fn write_phone(text: &mut String, phone: &str) {
    write_part(
        text,
        part::PHONE,
        phone.chars().filter(char::is_ascii_digit),
    );
}

/// Text that cannot pretend to be several parts or lines.
fn plain(text: &str) -> impl Iterator<Item = char> {
    text.chars().map(|c| if c.is_control() { ' ' } else { c })
}

fn write_name(text: &mut String, name: &str) {
    write_part(text, part::NAME, plain(name));
    let han: Vec<char> = name.chars().filter(|c| is_han(*c)).collect();
    write_part(text, part::CHARACTERS, han.iter().copied());
    for reading in readings(&han) {
        write_part(text, part::PINYIN, reading.join(" ").chars());
    }
    if !name.chars().all(is_han) {
        write_part(text, part::LATIN, latin_words(name).join(" ").chars());
    }
}

/// The person of a line, `None` in the household's own, and the name to show.
pub(super) fn person_and_name(line: &str) -> (Option<PersonId>, String) {
    let mut parts = line.split(BETWEEN_PARTS);
    let person = parts.next().and_then(|id| id.parse().ok());
    let name = parts.find_map(|part| part.strip_prefix(part::NAME));
    (person, name.unwrap_or_default().to_owned())
}

/// The addresses of a household's lines.
pub(super) fn addresses(lines: &str) -> impl Iterator<Item = &str> {
    lines
        .split([BETWEEN_LINES, BETWEEN_PARTS])
        .filter_map(|part| part.strip_prefix(part::ADDRESS))
}

/// The letters of a household's lines, so that most households are passed over at a glance: first the words that a
/// misspelt one is compared with, then everything else that letters may begin in.
pub(super) fn letters(lines: &str) -> String {
    let (mut near, mut other) = (BTreeSet::new(), BTreeSet::new());
    for line in lines.split(BETWEEN_LINES) {
        near_words(line, |word| {
            near.insert(word.to_owned());
        });
        for part in line.split(BETWEEN_PARTS).skip(1) {
            let reading = part.strip_prefix(part::PINYIN);
            if let Some(syllables) = reading.or_else(|| part.strip_prefix(part::LATIN)) {
                other.insert(syllables.split(' ').collect::<String>());
            }
            if let Some(syllables) = reading {
                let initials = syllables.split(' ').filter_map(|one| one.chars().next());
                other.insert(initials.collect());
            }
        }
    }
    let near: Vec<&str> = near.iter().map(String::as_str).collect();
    let other: Vec<&str> = other.iter().map(String::as_str).collect();
    format!("{}{AFTER_NEAR}{}", near.join("\n"), other.join("\n"))
}

/// Whether any of a household's lines can hold the word: most cannot, and this is soon said.
pub(super) fn may_hold(lines: &str, letters: &str, word: &Word) -> bool {
    match word {
        Word::Characters(word) | Word::Digits(word) => lines.contains(word.as_str()),
        Word::Letters(word) => letters.contains(word.as_str()),
    }
}

/// The same for what is nearly the word.
pub(super) fn may_nearly_hold(lines: &str, letters: &str, word: &Word) -> bool {
    let near = || letters.split(AFTER_NEAR).next().into_iter();
    may_hold(lines, letters, word)
        || matches!(word, Word::Letters(typed) if near()
            .flat_map(|near| near.split('\n'))
            .any(|word| nearness(word, typed).is_some()))
}

/// How well a word says what the line says, and by what; `None` when it is not in it.
pub(super) fn score(line: &str, word: &Word) -> Option<(f64, FoundBy)> {
    let mut best: Option<(f64, FoundBy)> = None;
    let mut note = |score: f64, by: FoundBy| {
        if best.is_none_or(|(best, _)| best < score) {
            best = Some((score, by));
        }
    };
    for part in line.split(BETWEEN_PARTS).skip(1) {
        let (tag, rest) = part.split_at(part.len().min(1));
        match (word, tag.chars().next()) {
            (Word::Characters(word), Some(part::CHARACTERS)) => {
                if let Some(at) = rest.find(word.as_str()) {
                    let score = said(1.0, at == 0, count(word), count(&rest[at..]));
                    note(score, FoundBy::Name);
                }
            }
            // Most addresses of a village begin alike, so a name counts for more.
            (Word::Characters(word), Some(part::ADDRESS)) if rest.contains(word.as_str()) => {
                note(said(0.6, true, count(word), count(rest)), FoundBy::Address);
            }
            (Word::Digits(word), Some(part::ADDRESS)) if has_number(rest, word) => {
                note(said(0.6, true, word.len(), count(rest)), FoundBy::Address);
            }
            (Word::Letters(word), Some(part::PINYIN)) => {
                from_syllables(rest, word, |whole, letters| {
                    note(said(0.95, whole, word.len(), letters), FoundBy::Sound);
                });
                from_initials(rest, word, |whole, letters| {
                    note(said(0.8, whole, word.len(), letters), FoundBy::Sound);
                });
            }
            (Word::Letters(word), Some(part::LATIN)) => {
                from_syllables(rest, word, |whole, letters| {
                    note(said(1.0, whole, word.len(), letters), FoundBy::Name);
                });
            }
            (Word::Digits(word), Some(part::PHONE)) => {
                if rest.starts_with(word.as_str()) {
                    note(said(1.0, true, word.len(), rest.len()), FoundBy::Phone);
                } else if rest.ends_with(word.as_str()) {
                    note(said(0.95, true, word.len(), rest.len()), FoundBy::Phone);
                }
            }
            (Word::Digits(word), Some(part::NUMBER)) if rest.ends_with(word.as_str()) => {
                note(said(0.95, true, word.len(), rest.len()), FoundBy::Number);
            }
            _ => {}
        }
    }
    best
}

/// The same with what is nearly the word, if that is letters.
pub(super) fn score_nearly(line: &str, word: &Word) -> Option<(f64, FoundBy)> {
    let exact = score(line, word);
    let Word::Letters(typed) = word else {
        return exact;
    };
    let mut best = exact;
    near_words(line, |word| {
        if let Some(near) = nearness(word, typed)
            && best.is_none_or(|(best, _)| best < near)
        {
            best = Some((near, FoundBy::Sound));
        }
    });
    best
}

/// Whether a number stands in an address by itself: 2 does not stand in 12.
fn has_number(address: &str, number: &str) -> bool {
    address
        .split(|c: char| !c.is_ascii_digit())
        .any(|found| found == number)
}

/// The words of a line that a misspelt one is compared with: the commonest reading of each name in one, and the
/// Latin words, each and in one.
fn near_words(line: &str, mut each: impl FnMut(&str)) {
    let mut read = false;
    for part in line.split(BETWEEN_PARTS).skip(1) {
        if let Some(words) = part.strip_prefix(part::LATIN) {
            words.split(' ').for_each(&mut each);
            each(&words.split(' ').collect::<String>());
        } else if let Some(reading) = part.strip_prefix(part::PINYIN) {
            if !read {
                each(&reading.split(' ').collect::<String>());
            }
            read = true;
        } else if part.starts_with(part::NAME) {
            read = false;
        }
    }
}

/// How well a word of so many characters says what it begins: something of so many.
fn said(sure: f64, whole: bool, typed: usize, characters: usize) -> f64 {
    let covered = typed as f64 / characters.max(1) as f64;
    let place = if whole { 1.0 } else { 0.8 };
    sure * place * (0.6 + 0.4 * covered)
}

fn count(text: &str) -> usize {
    text.chars().count()
}

/// Finds the word where a syllable begins, read on over the next ones; says whether it is the first and how many
/// letters there are from there.
fn from_syllables(syllables: &str, word: &str, mut found: impl FnMut(bool, usize)) {
    let (bytes, word) = (syllables.as_bytes(), word.as_bytes());
    let mut begins = true;
    for at in 0..bytes.len() {
        if begins && bytes[at] == word[0] {
            let mut letters = bytes[at..]
                .iter()
                .filter(|byte| **byte != BETWEEN_SYLLABLES);
            if word.iter().all(|byte| letters.next() == Some(byte)) {
                found(at == 0, word.len() + letters.count());
            }
        }
        begins = bytes[at] == BETWEEN_SYLLABLES;
    }
}

/// The same with the first letter of each syllable.
fn from_initials(syllables: &str, word: &str, mut found: impl FnMut(bool, usize)) {
    let word = word.as_bytes();
    let all = syllables.split(' ').filter_map(|one| one.bytes().next());
    let mut rest = all.clone();
    let mut whole = true;
    loop {
        let mut initials = rest.clone();
        if word.iter().all(|byte| initials.next() == Some(*byte)) {
            found(whole, word.len() + initials.count());
        }
        if rest.next().is_none() {
            return;
        }
        whole = false;
    }
}

/// How near a misspelt word is to this one; `None` when it is another word.
fn nearness(word: &str, typed: &str) -> Option<f64> {
    let (letters, typed_letters) = (count(word), count(typed));
    let slips_max = if typed_letters <= 5 { 1 } else { 2 };
    if letters < NEAR_LETTERS_MIN || letters.abs_diff(typed_letters) > slips_max {
        return None;
    }
    // Most words have other letters altogether, which shows without comparing them in order.
    let unlike = match (letters_of(word), letters_of(typed)) {
        (Some(one), Some(other)) => (one ^ other).count_ones() as usize,
        _ => 0,
    };
    (unlike <= 2 * slips_max && strsim::osa_distance(word, typed) <= slips_max)
        .then(|| 0.6 * strsim::jaro_winkler(word, typed))
}

/// Which letters and digits a word has; `None` when it has others than those of ASCII.
fn letters_of(word: &str) -> Option<u64> {
    word.is_ascii()
        .then(|| word.bytes().fold(0, |all, byte| all | 1 << (byte % 64)))
}

/// Whether a character is written in Han script.
pub(super) fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3134f}' | '\u{3007}')
}

/// Lower case without marks: `Lǚ` and `lü` become `lv`, `José` becomes `jose`.
pub(super) fn fold(text: &str) -> String {
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

fn latin_words(name: &str) -> Vec<String> {
    fold(name)
        .split(|c: char| !c.is_alphanumeric() || is_han(c))
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
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

    fn of(name: &str) -> String {
        let mut line = String::new();
        write_name(&mut line, name);
        line
    }

    fn finds(name: &str, typed: &str) -> bool {
        score(&of(name), &Word::Letters(typed.into())).is_some()
    }

    #[test]
    fn every_reading_and_every_suffix() {
        for typed in [
            "danxiaole",
            "shanxiaole",
            "shanxiaoyue",
            "xiaole",
            "yue",
            "dxl",
            "sxl",
            "sxy",
            "xl",
            "l",
        ] {
            assert!(finds("单小乐", typed), "{typed}");
        }
        for typed in ["anxiaole", "iaole", "dl", "x l", "danxiaolex"] {
            assert!(!finds("单小乐", typed), "{typed}");
        }
        let characters = Word::Characters("小乐".into());
        assert!(score(&of("单小乐"), &characters).is_some());
    }

    #[test]
    fn more_of_the_name_is_better_and_its_beginning_is() {
        let better = |name: &str, good: &str, worse: &str| {
            let of_word = |typed: &str| score(&of(name), &Word::Letters(typed.into())).unwrap().0;
            assert!(of_word(good) > of_word(worse), "{good} {worse}");
        };
        better("王小明", "wangxiaoming", "wangxiao");
        better("王小明", "wang", "xiao");
        better("Maria Rosa", "maria", "mari");
        assert_eq!(
            score(&of("吕芳"), &Word::Letters("lvfang".into())),
            Some((0.95, FoundBy::Sound))
        );
    }

    #[test]
    fn the_umlaut_is_typed_three_ways() {
        assert!(finds("吕芳", "lvfang"));
        assert!(finds("吕芳", "lufang"));
        assert_eq!(fold("Lǚ Fāng"), "lv fang");
    }

    #[test]
    fn many_readings_are_bounded() {
        assert!(of(&"乐".repeat(30)).len() < 4000);
    }

    #[test]
    fn an_address_is_found_by_its_characters_and_its_whole_numbers() {
        let lines = of_household([], &["10000000001"], &["测试路12号\n3室"]);
        let found = |word: Word| score(&lines, &word).map(|(_, by)| by);
        assert_eq!(addresses(&lines).collect::<Vec<_>>(), ["测试路12号 3室"]);
        let by_characters = found(Word::Characters("试路".into()));
        assert_eq!(by_characters, Some(FoundBy::Address));
        assert_eq!(found(Word::Digits("12".into())), Some(FoundBy::Address));
        assert_eq!(found(Word::Digits("2".into())), None);
        assert_eq!(found(Word::Digits("1000".into())), Some(FoundBy::Phone));
        assert_eq!(found(Word::Characters("号室".into())), None);
    }

    #[test]
    fn a_name_cannot_pretend_to_be_several_lines() {
        assert_eq!(of("a\tT100\nb").matches(['\n', '\t']).count(), 2);
    }
}
