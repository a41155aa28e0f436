//! How names sound: pinyin with every reading a character has, sounds taken for one another, and a code of Latin words.
//!
//! Readings are those of the `pinyin` crate. Knows no names; `names` compares them.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use pinyin::{ToPinyin, ToPinyinMulti};

/// The sounds of one character.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reading {
    /// Pinyin without tone.
    pub(crate) plain: &'static str,
    /// Pinyin with the tone's number at the end.
    toned: &'static str,
    /// Pinyin with confusable sounds made one.
    pub(crate) folded: String,
}

/// Characters that have been looked up and have pinyin.
static KNOWN: RwLock<BTreeMap<char, Arc<[Reading]>>> = RwLock::new(BTreeMap::new());

/// Every reading of a character, the usual one first; none when it has no pinyin.
pub(crate) fn readings(c: char) -> Arc<[Reading]> {
    let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
    if let Some(found) = known.get(&c) {
        return Arc::clone(found);
    }
    drop(known);
    let found: Arc<[Reading]> = looked_up(c).into();
    if found.is_empty() {
        return found;
    }
    let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
    Arc::clone(known.entry(c).or_insert(found))
}

fn looked_up(c: char) -> Vec<Reading> {
    let mut found: Vec<Reading> = Vec::new();
    let all = c.to_pinyin_multi().into_iter().flatten();
    for pinyin in c.to_pinyin().into_iter().chain(all) {
        let toned = pinyin.with_tone_num_end();
        if found.iter().all(|reading| reading.toned != toned) {
            let plain = pinyin.plain();
            found.push(Reading {
                plain,
                toned,
                folded: folded(plain),
            });
        }
    }
    found
}

/// How two characters sound beside each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Likeness {
    /// A reading in common, tone and all.
    Homophone,
    /// A reading in common but for the tone.
    Toneless,
    /// Readings that are taken for one another.
    Near,
    /// None of these.
    Apart,
}

/// The nearest that any reading of one comes to any reading of the other.
pub(crate) fn likeness(one: &[Reading], other: &[Reading]) -> Likeness {
    let pairs = || one.iter().flat_map(|a| other.iter().map(move |b| (a, b)));
    if pairs().any(|(a, b)| a.toned == b.toned) {
        Likeness::Homophone
    } else if pairs().any(|(a, b)| a.plain == b.plain) {
        Likeness::Toneless
    } else if pairs().any(|(a, b)| a.folded == b.folded) {
        Likeness::Near
    } else {
        Likeness::Apart
    }
}

/// A syllable with sounds made one that dialects and input methods do not keep apart: zh and z, ch and c, sh and s, n and l, r
/// and l, f and h, -ng and -n, ü and u.
fn folded(syllable: &str) -> String {
    let (start, rest) = match syllable.as_bytes() {
        [b'z' | b'c' | b's', b'h', ..] => syllable.split_at(2),
        _ => syllable.split_at(usize::from(!syllable.is_empty())),
    };
    let start = match start {
        "zh" => "z",
        "ch" => "c",
        "sh" => "s",
        "n" | "r" => "l",
        "f" => "h",
        other => other,
    };
    let rest = rest.strip_suffix('g').unwrap_or(rest);
    let rest = rest.replace(['ü', 'v'], "u");
    format!("{start}{rest}")
}

/// Russell and Odell's Soundex of a Latin word: its first letter and up to three digits. Empty for what has no Latin letter.
pub(crate) fn soundex(word: &str) -> String {
    let digit = |c: char| match c {
        'b' | 'f' | 'p' | 'v' => Some('1'),
        'c' | 'g' | 'j' | 'k' | 'q' | 's' | 'x' | 'z' => Some('2'),
        'd' | 't' => Some('3'),
        'l' => Some('4'),
        'm' | 'n' => Some('5'),
        'r' => Some('6'),
        _ => None,
    };
    let mut letters = word
        .chars()
        .filter(char::is_ascii_alphabetic)
        .map(|c| c.to_ascii_lowercase());
    let Some(first) = letters.next() else {
        return String::new();
    };
    let mut code = String::from(first);
    let mut last = digit(first);
    for letter in letters {
        let this = digit(letter);
        if let Some(digit) = this.filter(|_| this != last) {
            code.push(digit);
        }
        // Vowels part two letters of one code; h and w do not.
        if !matches!(letter, 'h' | 'w') {
            last = this;
        }
        if code.len() == 4 {
            break;
        }
    }
    while code.len() < 4 {
        code.push('0');
    }
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_sound_alike_in_degrees() {
        let heard = |one, other| likeness(&readings(one), &readings(other));
        for (one, other, expected) in [
            ('伟', '伪', Likeness::Homophone),
            ('伟', '卫', Likeness::Toneless),
            ('娜', '拉', Likeness::Near),
            ('张', '脏', Likeness::Near),
            ('静', '近', Likeness::Near),
            ('芳', '黄', Likeness::Apart),
            ('王', '李', Likeness::Apart),
            // A surname's own reading beside the usual one.
            ('单', '山', Likeness::Toneless),
        ] {
            assert_eq!(heard(one, other), expected, "{one}{other}");
            assert_eq!(heard(other, one), expected, "{other}{one}");
        }
        assert!(readings('a').is_empty());
        assert_eq!(heard('a', 'a'), Likeness::Apart);
    }

    #[test]
    fn soundex_is_that_of_the_standard() {
        for (word, code) in [
            ("robert", "r163"),
            ("rupert", "r163"),
            ("ashcraft", "a261"),
            ("tymczak", "t522"),
            ("pfister", "p236"),
            ("honeyman", "h555"),
            ("lee", "l000"),
            ("o'brien", "o165"),
            ("", ""),
            ("7", ""),
        ] {
            assert_eq!(soundex(word), code, "{word}"); // typos: off
        }
    }
}
