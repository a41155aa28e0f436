//! Finding people on the tablet: by characters, pinyin, initials, Latin words, telephone and the last digits
//! of an identity number, without loading a document.
//!
//! Index tables only, looked up by prefix; kept up by the projection in the transaction that changes a
//! household. What a name is found by is decided in `terms`; how hits are ordered, here.

mod terms;

use std::collections::HashMap;

use sojourn_sync_protocol::record::HouseholdView;
use sojourn_sync_protocol::{HouseholdId, PersonId};

use crate::store::{StoreError, Tx};
use terms::{Class, Source, fold, is_han};

pub(crate) const SCHEMA: &str = "
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

/// Terms read for one word of a query: more than anyone looks through.
const TERMS_READ_MAX: u32 = 512;
/// Households whose members are looked through when a word finds more than is read.
const FAMILIES_READ_MAX: usize = 40;
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

/// Brings the index up to a household as it is now; `None` takes it out.
pub(crate) fn index(
    tx: &Tx<'_>,
    household: HouseholdId,
    view: Option<&HouseholdView>,
) -> Result<(), StoreError> {
    let wanted: Vec<String> = view
        .map(sources)
        .unwrap_or_default()
        .iter()
        .map(|source| serde_json::to_string(source).expect("a source is plain data"))
        .collect();
    let present = tx.all(
        "SELECT id, source FROM search_sources WHERE household = ?1 ORDER BY id",
        [household.as_bytes()],
        |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)),
    )?;
    let mut missing: Vec<&String> = wanted.iter().collect();
    for (id, text) in &present {
        if let Some(at) = missing.iter().position(|wanted| *wanted == text) {
            missing.swap_remove(at);
            continue;
        }
        for (class, term, _) in read_source(*id, text)?.terms() {
            tx.execute(
                "DELETE FROM search_terms WHERE class = ?1 AND term = ?2 AND source = ?3",
                rusqlite::params![class as u8, term, id],
            )?;
        }
        tx.execute("DELETE FROM search_sources WHERE id = ?1", [id])?;
    }
    for text in missing {
        tx.execute(
            "INSERT INTO search_sources (household, source) VALUES (?1, ?2)",
            rusqlite::params![household.as_bytes(), text],
        )?;
        let id = tx.last_id();
        for (class, term, whole) in read_source(id, text)?.terms() {
            tx.execute(
                "INSERT INTO search_terms (class, term, source, whole) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (class, term, source) DO UPDATE SET whole = max(whole, excluded.whole)",
                rusqlite::params![class as u8, term, id, whole],
            )?;
        }
    }
    Ok(())
}

/// Empties the index, before it is made again.
pub(crate) fn clear(tx: &Tx<'_>) -> Result<(), StoreError> {
    tx.execute("DELETE FROM search_terms", [])?;
    tx.execute("DELETE FROM search_sources", [])?;
    Ok(())
}

fn read_source(id: i64, text: &str) -> Result<Source, StoreError> {
    serde_json::from_str(text)
        .map_err(|error| StoreError::Corrupt(format!("search source {id}: {error}")))
}

fn sources(view: &HouseholdView) -> Vec<Source> {
    use sojourn_sync_protocol::record::Shown;
    let texts = |shown: &Option<Shown<String>>| -> Vec<String> {
        let mut texts: Vec<String> = shown.iter().flat_map(Shown::values).cloned().collect();
        texts.sort_unstable();
        texts
    };
    let household = Source {
        phones: texts(&view.contact.phone),
        ..Source::default()
    };
    view.persons
        .iter()
        .map(|(id, person)| Source {
            person: Some(*id),
            names: [texts(&person.name), texts(&person.latin_name)].concat(),
            phones: texts(&person.phone),
            ids: texts(&person.id_number),
        })
        .chain((!household.phones.is_empty()).then_some(household))
        .collect()
}

/// One word of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Word {
    Characters(String),
    Letters(String),
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

/// Who is found by all words of the text, best first, at most `limit` households. Of words so common that
/// even together they say little, not every household is found.
///
/// # Errors
/// [`StoreError`].
pub fn search(tx: &Tx<'_>, text: &str, limit: usize) -> Result<Vec<Hit>, StoreError> {
    let words = words(text);
    let mut found = all_of(tx, &words, false)?;
    let letters: Option<Vec<&str>> = words
        .iter()
        .map(|word| {
            if let Word::Letters(word) = word {
                Some(word.as_str())
            } else {
                None
            }
        })
        .collect();
    if let Some(letters) = letters {
        let joined = [Word::Letters(letters.concat())];
        if words.len() > 1 {
            merge(&mut found, all_of(tx, &joined, false)?);
        }
        if found.len() < limit {
            merge(&mut found, all_of(tx, &words, true)?);
            if words.len() > 1 {
                merge(&mut found, all_of(tx, &joined, true)?);
            }
        }
    }
    let mut best: Vec<(HouseholdId, Best)> = found.into_iter().collect();
    best.sort_by(|(_, a), (_, b)| b.score.total_cmp(&a.score).then(a.source.cmp(&b.source)));
    best.truncate(limit);
    let mut hits = Vec::with_capacity(best.len());
    for (household, Best { score, source }) in best {
        if let Some(source) = source_of(tx, source)? {
            let name = source.names.into_iter().next().unwrap_or_default();
            hits.push(Hit {
                household,
                person: source.person,
                name,
                score,
            });
        }
    }
    Ok(hits)
}

/// The best source of one household.
#[derive(Debug, Clone, Copy)]
struct Best {
    score: f64,
    source: i64,
}

type Found = HashMap<HouseholdId, Best>;

fn note(found: &mut Found, household: HouseholdId, hit: Best) {
    let best = found.entry(household).or_insert(hit);
    if hit.score > best.score {
        *best = hit;
    }
}

fn merge(into: &mut Found, from: Found) {
    for (household, hit) in from {
        note(into, household, hit);
    }
}

/// What one word finds.
struct Hits {
    found: Found,
    /// There is more than was read.
    cut: bool,
}

/// Households in which every word is found. The word that finds fewest leads.
fn all_of(tx: &Tx<'_>, words: &[Word], near: bool) -> Result<Found, StoreError> {
    let mut hits = words
        .iter()
        .map(|word| hits_of(tx, word, near))
        .collect::<Result<Vec<_>, _>>()?;
    let Some(lead) = (0..hits.len()).min_by_key(|at| hits[*at].found.len()) else {
        return Ok(Found::new());
    };
    let leading = hits.swap_remove(lead).found;
    if hits.is_empty() {
        return Ok(leading);
    }
    let mut others: Vec<&Word> = words.iter().collect();
    others.swap_remove(lead);
    let mut leading: Vec<(HouseholdId, Best)> = leading.into_iter().collect();
    leading.sort_by(|(_, a), (_, b)| b.score.total_cmp(&a.score).then(a.source.cmp(&b.source)));
    let mut found = Found::new();
    let mut families_read = 0;
    'households: for (household, best) in leading {
        let mut total = best.score;
        for (word, hits) in others.iter().zip(&hits) {
            let score = match hits.found.get(&household) {
                Some(hit) => Some(hit.score),
                None if hits.cut && families_read < FAMILIES_READ_MAX => {
                    families_read += 1;
                    best_in(&family(tx, household)?, word)
                }
                None => None,
            };
            let Some(score) = score else {
                continue 'households;
            };
            total += score;
        }
        note(
            &mut found,
            household,
            Best {
                score: total / (1.0 + hits.len() as f64),
                source: best.source,
            },
        );
    }
    Ok(found)
}

fn source_of(tx: &Tx<'_>, id: i64) -> Result<Option<Source>, StoreError> {
    let sql = "SELECT source FROM search_sources WHERE id = ?1";
    let text = tx.one(sql, [id], |row| row.get::<_, String>(0))?;
    text.map(|text| read_source(id, &text)).transpose()
}

fn family(tx: &Tx<'_>, household: HouseholdId) -> Result<Vec<Source>, StoreError> {
    let rows = tx.all(
        "SELECT id, source FROM search_sources WHERE household = ?1",
        [household.as_bytes()],
        |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)),
    )?;
    rows.iter()
        .map(|(id, text)| read_source(*id, text))
        .collect()
}

fn best_in(family: &[Source], word: &Word) -> Option<f64> {
    let lookups = lookups(word);
    let mut best: Option<f64> = None;
    for (class, term, whole) in family.iter().flat_map(Source::terms) {
        if lookups
            .iter()
            .any(|(wanted, prefix)| *wanted == class && term.starts_with(prefix))
        {
            let score = score(class, word_len(word), &term, whole);
            best = Some(best.map_or(score, |best| best.max(score)));
        }
    }
    best
}

fn word_len(word: &Word) -> usize {
    let (Word::Characters(word) | Word::Letters(word) | Word::Digits(word)) = word;
    word.chars().count()
}

/// Which prefixes of which classes a word is looked up by.
fn lookups(word: &Word) -> Vec<(Class, String)> {
    match word {
        Word::Characters(word) => vec![(Class::Characters, word.clone())],
        Word::Letters(word) => vec![
            (Class::Pinyin, word.clone()),
            (Class::Initials, word.clone()),
            (Class::Latin, word.clone()),
        ],
        Word::Digits(word) => {
            let reversed: String = word.chars().rev().collect();
            vec![
                (Class::Phone, word.clone()),
                (Class::PhoneEnd, reversed.clone()),
                (Class::IdEnd, reversed),
            ]
        }
    }
}

/// What one word finds; with `near`, also what is nearly it.
fn hits_of(tx: &Tx<'_>, word: &Word, near: bool) -> Result<Hits, StoreError> {
    let mut hits = Hits {
        found: Found::new(),
        cut: false,
    };
    let limit = TERMS_READ_MAX as usize;
    for (class, prefix) in lookups(word) {
        let rows = tx.all(
            "SELECT terms.source, terms.term, terms.whole, search_sources.household
             FROM (SELECT source, term, whole FROM search_terms
                   WHERE class = ?1 AND term >= ?2 AND term < ?3 ORDER BY term LIMIT ?4) AS terms
             JOIN search_sources ON search_sources.id = terms.source",
            rusqlite::params![
                class as u8,
                prefix,
                format!("{prefix}\u{10ffff}"),
                TERMS_READ_MAX
            ],
            |row| {
                let household = HouseholdId::from_bytes(row.get(3)?);
                Ok((
                    row.get::<_, i64>(0)?,
                    row.get::<_, String>(1)?,
                    row.get::<_, bool>(2)?,
                    household,
                ))
            },
        )?;
        hits.cut |= rows.len() == limit;
        for (source, term, whole, household) in rows {
            let score = score(class, word_len(word), &term, whole);
            note(&mut hits.found, household, Best { score, source });
        }
    }
    if let (true, Word::Letters(letters)) = (near, word) {
        for left_out in terms::with_one_left_out(letters) {
            let rows = tx.all(
                "SELECT id, household, source.source FROM search_terms
                 JOIN search_sources AS source ON source.id = search_terms.source
                 WHERE class = ?1 AND term = ?2 LIMIT ?3",
                rusqlite::params![Class::Near as u8, left_out, TERMS_READ_MAX],
                |row| {
                    let household = HouseholdId::from_bytes(row.get(1)?);
                    Ok((row.get::<_, i64>(0)?, household, row.get::<_, String>(2)?))
                },
            )?;
            for (id, household, text) in rows {
                if let Some(score) = nearness(&read_source(id, &text)?, letters) {
                    note(&mut hits.found, household, Best { score, source: id });
                }
            }
        }
    }
    Ok(hits)
}

/// How well a word of so many characters, found as a prefix, says what the term says.
fn score(class: Class, typed: usize, term: &str, whole: bool) -> f64 {
    let covered = typed as f64 / term.chars().count().max(1) as f64;
    let sure = match class {
        Class::Characters | Class::Phone | Class::Latin => 1.0,
        Class::Pinyin | Class::PhoneEnd | Class::IdEnd => 0.95,
        Class::Initials => 0.8,
        Class::Near => 0.5,
    };
    let place = if whole { 1.0 } else { 0.8 };
    sure * place * (0.6 + 0.4 * covered)
}

/// How near a misspelt word is to one of the source's; `None` when it is another word.
fn nearness(source: &Source, typed: &str) -> Option<f64> {
    let slips_max = if typed.chars().count() <= 5 { 1 } else { 2 };
    source
        .words()
        .iter()
        .filter(|word| strsim::osa_distance(word, typed) <= slips_max)
        .map(|word| 0.6 * strsim::jaro_winkler(word, typed))
        .max_by(f64::total_cmp)
}

#[cfg(test)]
mod tests;
