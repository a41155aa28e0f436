//! Finding households in the console, as a tablet finds what it holds: one short text for each household beside the
//! projection, and every text of the areas asked about is read. How a text finds people is decided in the protocol's `search`.
//!
//! Who asks is found nothing that lies outside the areas they answer for: where a household lives is asked of its residence,
//! in the snapshot that is read. An identity number is kept here by what its mask leaves; a whole one is compared with the keyed hash
//! of it. Knows nothing of the trail; `console` writes that somebody has searched.

mod lines;
#[cfg(test)]
mod tests;

use std::ops::ControlFlow;

use serde::Serialize;
use sojourn_sync_protocol::search::{self, FoundBy, Hit};
use sojourn_sync_protocol::{AreaCode, HouseholdId, PersonId};

use crate::projection::{self, IdHashKey};
use crate::store::{StoreError, Tx};
use crate::{areas, residence};
pub(crate) use lines::{SCHEMA, each_household, fault, read_some, record, shows};

/// Households found at most.
pub const FOUND_MAX: usize = 50;
/// Characters of what is searched for at most.
pub const TEXT_CHARS_MAX: usize = 100;
/// Households whose texts are read at most, so that a search takes no longer in a larger register.
const READ_MAX: usize = 200_000;
/// Characters of an identity number that identifies somebody; what is shorter is an end of one.
const WHOLE_NUMBER_CHARS: std::ops::RangeInclusive<usize> = 15..=18;
/// Of a whole number, the digits by which its mask can be found.
const NUMBER_END_CHARS: usize = 4;
/// Households that share the end of a number and are looked at for the whole of it.
const SAME_END_MAX: usize = 5_000;

/// What somebody searches for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// What they typed.
    pub text: String,
    /// Only in this area and below it.
    pub area: Option<AreaCode>,
    /// Households that are enough.
    pub most: usize,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Results {
    /// The households, best first.
    pub found: Vec<Found>,
    /// Whether there are more: a longer text finds fewer.
    pub more: bool,
    /// Whether all of the areas were looked through.
    pub everywhere: bool,
}

/// A household that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Found {
    /// Which.
    #[schema(value_type = String)]
    pub household: HouseholdId,
    /// Where it lives.
    #[schema(value_type = String)]
    pub area: AreaCode,
    /// Its address; of several that contradict each other, each.
    pub addresses: Vec<String>,
    /// How many people stand in it.
    pub people: usize,
    /// The person who was found; absent where the household was, by its own telephone or address.
    #[schema(value_type = Option<String>)]
    pub person: Option<PersonId>,
    /// Their name, or that of the first person of the household.
    pub name: String,
    /// Their birth date, as precise as it is known.
    pub birth: Option<String>,
    /// They were removed from the household.
    pub removed: bool,
    /// By what they were found.
    pub by: By,
}

/// By what a household was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum By {
    /// A name as it is written.
    Name,
    /// How a name sounds, in full or by initials, or nearly what was typed.
    Sound,
    /// A telephone number.
    Phone,
    /// An identity number, whole or its last digits.
    Number,
    /// The address.
    Address,
}

impl From<FoundBy> for By {
    fn from(by: FoundBy) -> Self {
        match by {
            FoundBy::Name => By::Name,
            FoundBy::Sound => By::Sound,
            FoundBy::Phone => By::Phone,
            FoundBy::Number => By::Number,
            FoundBy::Address => By::Address,
        }
    }
}

/// Looks through the households of these areas and below.
pub fn find(tx: &Tx<'_>, answers_for: &[AreaCode], asked: &Asked) -> Result<Results, StoreError> {
    let within = match &asked.area {
        Some(area) if areas::is_within(tx, area, answers_for)? => std::slice::from_ref(area),
        Some(_) => &[],
        None => answers_for,
    };
    let within: Vec<AreaCode> = areas::subtree(tx, within)?.into_iter().collect();
    let most = asked.most.clamp(1, FOUND_MAX);
    let (mut hits, everywhere) = match whole_number(&asked.text) {
        Some(number) => with_number(tx, &within, &number)?,
        None => hits(tx, &within, &asked.text, most + 1)?,
    };
    let more = hits.len() > most;
    hits.truncate(most);
    let found = hits.into_iter().map(|hit| shown(tx, hit));
    Ok(Results {
        found: found.collect::<Result<_, _>>()?,
        more,
        everywhere,
    })
}

/// An identity number, if the whole text is one; as it is kept.
fn whole_number(text: &str) -> Option<String> {
    let text = text.trim();
    let (last, digits) = text.as_bytes().split_last()?;
    let is_one = WHOLE_NUMBER_CHARS.contains(&text.len())
        && digits.iter().all(u8::is_ascii_digit)
        && (last.is_ascii_digit() || last.eq_ignore_ascii_case(&b'x'));
    is_one.then(|| text.to_ascii_uppercase())
}

/// Those of whom somebody has this very number.
fn with_number(
    tx: &Tx<'_>,
    within: &[AreaCode],
    number: &str,
) -> Result<(Vec<Hit>, bool), StoreError> {
    let Some(key) = IdHashKey::get(tx)? else {
        return Ok((Vec::new(), true));
    };
    let end = &number[number.len() - NUMBER_END_CHARS..];
    let (same_end, everywhere) = hits(tx, within, end, SAME_END_MAX)?;
    let hash = key.hash(number);
    let mut found = Vec::new();
    for hit in same_end {
        let rows = projection::stored(tx, hit.household)?;
        let whose = rows.iter().find(|(_, row)| row.has_number(&hash));
        if let Some((person, row)) = whose {
            found.push(Hit {
                person: Some(*person),
                name: row.first_name().to_owned(),
                by: FoundBy::Number,
                ..hit
            });
        }
    }
    Ok((found, everywhere))
}

/// The best hits, and whether every household was read.
fn hits(
    tx: &Tx<'_>,
    within: &[AreaCode],
    text: &str,
    most: usize,
) -> Result<(Vec<Hit>, bool), StoreError> {
    let mut everywhere = true;
    let hits = search::search(text, most, |visit| {
        let mut left = READ_MAX;
        for area in within {
            lines::each_in(tx, area, |household, lines, letters| {
                if left == 0 {
                    everywhere = false;
                    return ControlFlow::Break(());
                }
                left -= 1;
                visit(household, lines, letters);
                ControlFlow::Continue(())
            })?;
        }
        Ok::<_, StoreError>(())
    })?;
    Ok((hits, everywhere))
}

/// A hit with what tells it from others.
fn shown(tx: &Tx<'_>, hit: Hit) -> Result<Found, StoreError> {
    let household = hit.household;
    let missing = || StoreError::Corrupt(format!("household {household} has lines and no area"));
    let area = residence::owner(tx, household)?.ok_or_else(missing)?;
    let rows = projection::stored(tx, household)?;
    let present = |row: &&projection::PersonRow| !row.removed();
    let of_hit = hit.person.and_then(|person| rows.get(&person));
    let whose = of_hit.or_else(|| rows.values().find(present));
    let name = whose.map_or("", |row| row.first_name());
    Ok(Found {
        household,
        area,
        addresses: lines::addresses(tx, household)?,
        people: rows.values().filter(present).count(),
        person: hit.person,
        name: if hit.name.is_empty() {
            name.to_owned()
        } else {
            hit.name
        },
        birth: of_hit.and_then(|row| row.first_birth().map(str::to_owned)),
        removed: of_hit.is_some_and(projection::PersonRow::removed),
        by: hit.by.into(),
    })
}
