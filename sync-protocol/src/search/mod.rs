//! Finding people: by characters, pinyin, initials, Latin words, telephone and the last digits of an identity number; and
//! households by the characters and numbers of their address, where that is asked for.
//!
//! One short text for each household; a search reads all of them, so a household costs one row to keep and nothing found is
//! ever cut off. What a name is found by is decided in `line`; how hits are ordered, here. Knows nothing of where the texts
//! are kept. A masked identity number is found by the digits that are left of it.

mod line;

use std::cmp::Ordering;

use crate::record::{HouseholdView, PersonView, Shown};
use crate::{HouseholdId, PersonId};

use line::{fold, is_han};

/// Words of a query that are looked at.
const WORDS_MAX: usize = 6;

/// A person or household found.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// The household.
    pub household: HouseholdId,
    /// The person; `None` when the household's own telephone or its address was found.
    pub person: Option<PersonId>,
    /// The person's name, for the screen.
    pub name: String,
    /// 1 is exactly what was typed; less is less.
    pub score: f64,
    /// By what it was found.
    pub by: FoundBy,
}

/// By what somebody was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FoundBy {
    /// A name as it is written.
    Name,
    /// How a name sounds, in full or by initials, or nearly what was typed.
    Sound,
    /// A telephone number.
    Phone,
    /// The last digits of an identity number.
    Number,
    /// The address.
    Address,
}

/// What a household is found by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Texts {
    /// A line for each person, and one for the household's own telephone and address.
    pub lines: String,
    /// Letters that the lines hold, by which most households are passed over at a glance.
    pub letters: String,
}

/// What a person is found by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Findable<'p> {
    /// Who.
    pub id: PersonId,
    /// Names in any script; the first is shown.
    pub names: Vec<&'p str>,
    /// Telephone numbers.
    pub phones: Vec<&'p str>,
    /// Identity numbers, whole or masked.
    pub numbers: Vec<&'p str>,
}

impl Texts {
    /// Of a household as it shows itself. Pure.
    pub fn of(view: &HouseholdView) -> Self {
        let persons = view
            .persons
            .iter()
            .map(|(id, person)| findable(*id, person));
        Self::of_persons(persons, &values(&view.contact.phone), &[])
    }

    /// The same with the household's address, for who looks through more villages than they know by heart.
    pub fn with_address(view: &HouseholdView) -> Self {
        let persons = view
            .persons
            .iter()
            .map(|(id, person)| findable(*id, person));
        let addresses = values(&view.residence.address);
        Self::of_persons(persons, &values(&view.contact.phone), &addresses)
    }

    /// Of persons of one household, and telephone numbers and addresses of its own.
    pub fn of_persons<'p>(
        persons: impl IntoIterator<Item = Findable<'p>>,
        own_phones: &[&str],
        addresses: &[&str],
    ) -> Self {
        let lines = line::of_household(persons, own_phones, addresses);
        let letters = line::letters(&lines);
        Self { lines, letters }
    }
}

fn findable(id: PersonId, person: &PersonView) -> Findable<'_> {
    Findable {
        id,
        names: [values(&person.name), values(&person.latin_name)].concat(),
        phones: values(&person.phone),
        numbers: values(&person.id_number),
    }
}

/// The addresses in the lines of a household, one after the other.
pub fn addresses_in(lines: &str) -> Vec<&str> {
    line::addresses(lines).collect()
}

fn values(shown: &Option<Shown<String>>) -> Vec<&str> {
    let values = shown.iter().flat_map(Shown::values);
    let mut values: Vec<&str> = values.map(String::as_str).collect();
    // The same on every tablet, whichever of two was written first.
    values.sort_unstable();
    values
}

/// One word of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Word {
    /// Chinese characters.
    Characters(String),
    /// Letters, folded.
    Letters(String),
    /// Digits; an identity number's last may be an `x`.
    Digits(String),
}

fn words(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    for part in fold(text)
        .split(|c: char| !c.is_alphanumeric())
        .filter(|part| !part.is_empty())
    {
        let mut chars = part.chars().peekable();
        while let Some(first) = chars.peek().copied() {
            let han = is_han(first);
            let mut word = String::new();
            while let Some(c) = chars.next_if(|c| is_han(*c) == han) {
                word.push(c);
            }
            let digits = word.bytes().filter(u8::is_ascii_digit).count();
            words.push(if han {
                Word::Characters(word)
            } else if digits > 0 && digits + usize::from(word.ends_with('x')) == word.len() {
                Word::Digits(word)
            } else {
                Word::Letters(word)
            });
        }
    }
    words.truncate(WORDS_MAX);
    words
}

/// The letters of all words as one, if there are several and nothing else.
fn joined(words: &[Word]) -> Option<Word> {
    let letters = words.iter().map(|word| match word {
        Word::Letters(letters) => Some(letters.as_str()),
        Word::Characters(_) | Word::Digits(_) => None,
    });
    let joined = letters.collect::<Option<String>>()?;
    (words.len() > 1).then_some(Word::Letters(joined))
}

/// Who is found by all words of the text, best first, at most `limit` households. `each` shows every household with its
/// lines and letters; it is called a second time, for what is nearly the same, when letters find too few.
///
/// # Errors
/// Those of `each`.
pub fn search<E>(
    text: &str,
    limit: usize,
    mut each: impl FnMut(&mut dyn FnMut(HouseholdId, &str, &str)) -> Result<(), E>,
) -> Result<Vec<Hit>, E> {
    let words = words(text);
    if words.is_empty() || limit == 0 {
        return Ok(Vec::new());
    }
    let mut queries = vec![words.clone()];
    queries.extend(joined(&words).map(|word| vec![word]));
    let mut scan = |fit| {
        let mut scan = Scan::new(&queries, limit, fit);
        each(&mut |household, lines, letters| scan.household(household, lines, letters))?;
        Ok(scan.hits())
    };
    let mut found = scan(&EXACTLY)?;
    let letters_only = words.iter().all(|word| matches!(word, Word::Letters(_)));
    if letters_only && found.len() < limit {
        found = scan(&NEARLY)?;
    }
    Ok(found)
}

/// What one household is to one word.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Best {
    score: f64,
    /// Which of the household's lines.
    line: usize,
}

/// A household in which every word of a query was found.
struct Candidate {
    household: HouseholdId,
    score: f64,
    lines: String,
    best: Vec<Best>,
    query: usize,
}

/// Looks for any of several queries; a query is found where all of its words are.
struct Scan<'a> {
    queries: &'a [Vec<Word>],
    limit: usize,
    fit: &'a Fit,
    common: Vec<Vec<usize>>,
    candidates: Vec<Candidate>,
}

impl<'a> Scan<'a> {
    fn new(queries: &'a [Vec<Word>], limit: usize, fit: &'a Fit) -> Self {
        Self {
            queries,
            limit,
            fit,
            common: queries.iter().map(|words| vec![0; words.len()]).collect(),
            candidates: Vec::new(),
        }
    }

    fn household(&mut self, household: HouseholdId, lines: &str, letters: &str) {
        let mut found: Option<Candidate> = None;
        for (at, words) in self.queries.iter().enumerate() {
            let best: Vec<Option<Best>> = words
                .iter()
                .map(|word| self.fit.best_in(lines, letters, word))
                .collect();
            for (count, best) in self.common[at].iter_mut().zip(&best) {
                *count += usize::from(best.is_some());
            }
            let Some(best) = best.into_iter().collect::<Option<Vec<Best>>>() else {
                continue;
            };
            let score = best.iter().map(|best| best.score).sum::<f64>() / best.len() as f64;
            if found.as_ref().is_none_or(|found| found.score < score) {
                found = Some(Candidate {
                    household,
                    score,
                    lines: String::new(),
                    best,
                    query: at,
                });
            }
        }
        if let Some(mut found) = found {
            lines.clone_into(&mut found.lines);
            self.candidates.push(found);
            if self.candidates.len() >= self.limit.saturating_mul(8).max(256) {
                keep_best(&mut self.candidates, self.limit);
            }
        }
    }

    fn hits(mut self) -> Vec<Hit> {
        keep_best(&mut self.candidates, self.limit);
        let hits = self.candidates.into_iter().map(|candidate| {
            // Of several words the rarest says who is meant.
            let counts = &self.common[candidate.query];
            let rarest = (0..counts.len()).min_by_key(|at| counts[*at]).unwrap_or(0);
            let mut lines = candidate.lines.split(line::BETWEEN_LINES);
            let line = lines.nth(candidate.best[rarest].line);
            let (person, name) = line.map(line::person_and_name).unwrap_or_default();
            let word = &self.queries[candidate.query][rarest];
            let by = line.and_then(|line| line::score(line, word));
            Hit {
                household: candidate.household,
                person,
                name,
                score: candidate.score,
                by: by.map_or(FoundBy::Sound, |(_, by)| by),
            }
        });
        hits.collect()
    }
}

fn keep_best(candidates: &mut Vec<Candidate>, limit: usize) {
    let better = |a: &Candidate, b: &Candidate| -> Ordering {
        let by_score = b.score.total_cmp(&a.score);
        by_score.then_with(|| a.household.cmp(&b.household))
    };
    candidates.sort_unstable_by(better);
    candidates.truncate(limit);
}

/// How words are held against lines.
struct Fit {
    /// Whether it is worth looking at a household's lines.
    may: fn(&str, &str, &Word) -> bool,
    score: fn(&str, &Word) -> Option<(f64, FoundBy)>,
}

const EXACTLY: Fit = Fit {
    may: line::may_hold,
    score: line::score,
};

const NEARLY: Fit = Fit {
    may: line::may_nearly_hold,
    score: line::score_nearly,
};

impl Fit {
    fn best_in(&self, lines: &str, letters: &str, word: &Word) -> Option<Best> {
        if !(self.may)(lines, letters, word) {
            return None;
        }
        let mut best: Option<Best> = None;
        for (at, line) in lines.split(line::BETWEEN_LINES).enumerate() {
            if let Some((score, _)) = (self.score)(line, word)
                && best.is_none_or(|best| best.score < score)
            {
                best = Some(Best { score, line: at });
            }
        }
        best
    }
}
