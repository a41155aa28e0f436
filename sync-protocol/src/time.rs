//! Moments and dates. Milliseconds inside, ISO 8601 at the edge; nothing here reads a clock.

use jiff::civil::Date;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{fmt, str::FromStr};

/// A moment: milliseconds since 1970-01-01T00:00:00Z. For people to read; never for ordering edits.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The moment this many milliseconds after the epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the epoch.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// The moment `millis` later (or earlier, when negative); stays at the ends of the range.
    #[must_use]
    pub const fn plus_millis(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// Milliseconds from `earlier` to this moment.
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Timestamp {
    /// ISO 8601 in UTC with milliseconds: `2026-11-24T08:00:00.000Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(moment) => write!(f, "{moment:.3}"),
            Err(_) => write!(f, "{} ms", self.0),
        }
    }
}

/// A date as precisely as it is known: a year, a month or a day. ISO 8601: `2026`, `2026-11`, `2026-11-24`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PartialDate {
    /// Only the year is known.
    Year(i16),
    /// Year and month.
    Month(i16, i8),
    /// The day.
    Day(Date),
}

/// Text that is no date.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a date; write it as 2026-11-24, or 2026-11 or 2026 when no more is known")]
pub struct ParseDateError;

impl PartialDate {
    /// The year, always known.
    pub fn year(&self) -> i16 {
        match self {
            Self::Year(year) | Self::Month(year, _) => *year,
            Self::Day(date) => date.year(),
        }
    }

    /// The earliest day it can mean.
    pub fn earliest(&self) -> Date {
        match self {
            Self::Year(year) => Date::constant(*year, 1, 1),
            Self::Month(year, month) => Date::constant(*year, *month, 1),
            Self::Day(date) => *date,
        }
    }
}

impl fmt::Display for PartialDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Year(year) => write!(f, "{year:04}"),
            Self::Month(year, month) => write!(f, "{year:04}-{month:02}"),
            Self::Day(date) => date.fmt(f),
        }
    }
}

impl FromStr for PartialDate {
    type Err = ParseDateError;
    fn from_str(text: &str) -> Result<Self, ParseDateError> {
        let number = |part: &str, len: usize| -> Result<i16, ParseDateError> {
            let digits = part.len() == len && part.bytes().all(|b| b.is_ascii_digit());
            digits
                .then(|| part.parse().ok())
                .flatten()
                .ok_or(ParseDateError)
        };
        let mut parts = text.splitn(3, '-');
        let year = number(parts.next().unwrap_or(""), 4)?;
        let Some(month) = parts.next() else {
            return Ok(Self::Year(year));
        };
        let month = i8::try_from(number(month, 2)?).map_err(|_| ParseDateError)?;
        let Some(day) = parts.next() else {
            Date::new(year, month, 1).map_err(|_| ParseDateError)?;
            return Ok(Self::Month(year, month));
        };
        let day = i8::try_from(number(day, 2)?).map_err(|_| ParseDateError)?;
        Date::new(year, month, day)
            .map(Self::Day)
            .map_err(|_| ParseDateError)
    }
}

impl Serialize for PartialDate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PartialDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_carries_its_precision() {
        for text in ["2026", "2026-02", "2024-02-29"] {
            assert_eq!(text.parse::<PartialDate>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "26",
            "2026-13",
            "2026-2-3",
            "2025-02-29",
            "2026-11-24T00",
            "+026",
            "2026-",
        ] {
            assert!(text.parse::<PartialDate>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_moment_reads_as_iso_8601() {
        assert_eq!(
            Timestamp::from_millis(1_795_507_200_123).to_string(),
            "2026-11-24T08:00:00.123Z"
        );
        assert_eq!(
            Timestamp::from_millis(i64::MAX).to_string(),
            "9223372036854775807 ms"
        );
        assert_eq!(Timestamp::from_millis(-1).seconds(), -1);
    }
}
