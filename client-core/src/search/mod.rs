//! Finding people on the tablet: by characters, pinyin, initials, Latin words, telephone and the last digits
//! of an identity number, without loading a document.
//!
//! One short text for each household, kept up by the projection in the transaction that changes it; a search
//! reads all of them. So a household costs one row to write and nothing found is ever cut off, and the time
//! grows with the households on the tablet (5,000: a few milliseconds). What a name is found by is decided in
//! `line`; how hits are ordered, here.

mod line;

use std::cmp::Ordering;

use sojourn_sync_protocol::record::HouseholdView;
use sojourn_sync_protocol::{HouseholdId, PersonId};

use crate::store::{StoreError, Tx};
use line::{fold, is_han};

/// The index that was replaced: one row for each term.
pub(crate) const SCHEMA_OF_TERMS: &str = "
CREATE TABLE search_sources (
    id        INTEGER PRIMARY KEY,
    household BLOB NOT NULL,
    source    TEXT NOT NULL
);
CREATE INDEX search_sources_household ON search_sources (household);
CREATE TABLE search_terms (
    class  INTEGER NOT NULL,
    term   TEXT NOT NULL,
    source INTEGER NOT NULL,
    whole  INTEGER NOT NULL,
    PRIMARY KEY (class, term, source)
) WITHOUT ROWID;
";

pub(crate) const SCHEMA: &str = "
DROP TABLE search_terms;
DROP TABLE search_sources;
CREATE TABLE search_lines (
    household BLOB NOT NULL PRIMARY KEY,
    lines     TEXT NOT NULL,
    letters   TEXT NOT NULL
) WITHOUT ROWID;
";

/// Words of a query that are looked at.
const WORDS_MAX: usize = 6;

/// A person or household found.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// The household.
    pub household: HouseholdId,
    /// The person; `None` when the household's own telephone was found.
    pub person: Option<PersonId>,
    /// The person's name, for the screen.
    pub name: String,
    /// 1 is exactly what was typed; less is less.
    pub score: f64,
}

/// What a household is found by.
pub(crate) struct Texts {
    lines: String,
    letters: String,
}

impl Texts {
    /// Of a household as it shows itself. Pure.
    pub(crate) fn of(view: &HouseholdView) -> Self {
        let lines = line::of_household(view);
        let letters = line::letters(&lines);
        Self { lines, letters }
    }
}

/// Brings the index up to a household as it is now.
pub(crate) fn index(tx: &Tx<'_>, household: HouseholdId, texts: &Texts) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO search_lines (household, lines, letters) VALUES (?1, ?2, ?3)
         ON CONFLICT (household) DO UPDATE SET lines = excluded.lines, letters = excluded.letters
         WHERE lines <> excluded.lines",
        rusqlite::params![household.as_bytes(), texts.lines, texts.letters],
    )?;
    Ok(())
}

/// Takes a household out of the index.
pub(crate) fn remove(tx: &Tx<'_>, household: HouseholdId) -> Result<(), StoreError> {
    tx.execute(
        "DELETE FROM search_lines WHERE household = ?1",
        [household.as_bytes()],
    )?;
    Ok(())
}

/// Empties the index, before it is made again.
pub(crate) fn clear(tx: &Tx<'_>) -> Result<(), StoreError> {
    tx.execute("DELETE FROM search_lines", [])?;
    Ok(())
}

/// One word of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Word {
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

/// Who is found by all words of the text, best first, at most `limit` households.
///
/// # Errors
/// [`StoreError`].
pub fn search(tx: &Tx<'_>, text: &str, limit: usize) -> Result<Vec<Hit>, StoreError> {
    let words = words(text);
    if words.is_empty() || limit == 0 {
        return Ok(Vec::new());
    }
    let mut queries = vec![words.clone()];
    queries.extend(joined(&words).map(|word| vec![word]));
    let mut found = scan(tx, &queries, limit, &EXACTLY)?;
    let letters_only = words.iter().all(|word| matches!(word, Word::Letters(_)));
    if letters_only && found.len() < limit {
        found = scan(tx, &queries, limit, &NEARLY)?;
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

/// Looks through every household for any of the queries; a query is found where all of its words are.
fn scan(
    tx: &Tx<'_>,
    queries: &[Vec<Word>],
    limit: usize,
    fit: &Fit,
) -> Result<Vec<Hit>, StoreError> {
    let mut common: Vec<Vec<usize>> = queries.iter().map(|words| vec![0; words.len()]).collect();
    let mut candidates: Vec<Candidate> = Vec::new();
    tx.each(
        "SELECT household, lines, letters FROM search_lines",
        [],
        |row| {
            let lines = row.get_ref(1)?.as_str()?;
            let letters = row.get_ref(2)?.as_str()?;
            let mut found: Option<Candidate> = None;
            for (at, words) in queries.iter().enumerate() {
                let best: Vec<Option<Best>> = words
                    .iter()
                    .map(|word| fit.best_in(lines, letters, word))
                    .collect();
                for (count, best) in common[at].iter_mut().zip(&best) {
                    *count += usize::from(best.is_some());
                }
                let Some(best) = best.into_iter().collect::<Option<Vec<Best>>>() else {
                    continue;
                };
                let score = best.iter().map(|best| best.score).sum::<f64>() / best.len() as f64;
                if found.as_ref().is_none_or(|found| found.score < score) {
                    found = Some(Candidate {
                        household: HouseholdId::from_bytes(row.get(0)?),
                        score,
                        lines: String::new(),
                        best,
                        query: at,
                    });
                }
            }
            if let Some(mut found) = found {
                lines.clone_into(&mut found.lines);
                candidates.push(found);
                if candidates.len() >= limit.saturating_mul(8).max(256) {
                    keep_best(&mut candidates, limit);
                }
            }
            Ok(())
        },
    )?;
    keep_best(&mut candidates, limit);
    let hits = candidates.into_iter().map(|candidate| {
        // Of several words the rarest says who is meant.
        let counts = &common[candidate.query];
        let rarest = (0..counts.len()).min_by_key(|at| counts[*at]).unwrap_or(0);
        let mut lines = candidate.lines.split(line::BETWEEN_LINES);
        let line = lines.nth(candidate.best[rarest].line);
        let (person, name) = line.map(line::person_and_name).unwrap_or_default();
        Hit {
            household: candidate.household,
            person,
            name,
            score: candidate.score,
        }
    });
    Ok(hits.collect())
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
    score: fn(&str, &Word) -> Option<f64>,
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
            if let Some(score) = (self.score)(line, word)
                && best.is_none_or(|best| best.score < score)
            {
                best = Some(Best { score, line: at });
            }
        }
        best
    }
}

#[cfg(test)]
mod tests;
