//! Birth dates as they are compared: of some precision, and perhaps wrong.
//!
//! A date that the calendar does not have, such as 31 February, is kept as it was written: its other digits still tell.

use super::{
    frequency::{Term, TermKind},
    level::{Agreement, DateLevel, Level},
};
use crate::PartialDate;

/// A date prepared for comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day {
    year: u16,
    month: Option<u8>,
    day: Option<u8>,
}

impl Day {
    /// Eight digits, year first, as written; `None` for anything else.
    pub fn from_digits(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.len() != 8 || !text.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        Some(Self {
            year: text[..4].parse().ok()?,
            month: text[4..6].parse().ok(),
            day: text[6..].parse().ok(),
        })
    }

    /// The year.
    pub const fn year(self) -> u16 {
        self.year
    }

    /// Month and day, where both are known.
    pub(crate) const fn month_and_day(self) -> Option<(u8, u8)> {
        match (self.month, self.day) {
            (Some(month), Some(day)) => Some((month, day)),
            _ => None,
        }
    }

    /// The month, where it is known.
    pub(crate) const fn month(self) -> Option<u8> {
        self.month
    }

    /// The term that frequencies are counted of: the date with its precision.
    pub(crate) fn term(self) -> Term {
        let part = |part: Option<u8>| part.map_or("--".to_owned(), |part| format!("{part:02}"));
        let text = format!("{:04}{}{}", self.year, part(self.month), part(self.day));
        Term::new(TermKind::Whole, &text)
    }

    /// How far two dates agree.
    pub fn compare(self, other: Self) -> Agreement {
        let level = self.level(other);
        match level {
            DateLevel::Exact => Agreement::on(Level::DateLevel(level), self.term()),
            _ => Agreement::plain(Level::DateLevel(level)),
        }
    }

    fn level(self, other: Self) -> DateLevel {
        use DateLevel::*;
        if self == other && self.day.is_some() {
            return Exact;
        }
        let one_year_apart = self.year.abs_diff(other.year) == 1;
        let (Some((month, day)), Some((its_month, its_day))) =
            (self.month_and_day(), other.month_and_day())
        else {
            let months = self.month.zip(other.month);
            return match (self.year == other.year, months) {
                (true, None) => Coarse,
                (true, Some((month, other))) if month == other => Coarse,
                (true, Some(_)) => OnePart,
                (false, _) if one_year_apart => YearNear,
                (false, _) => Different,
            };
        };
        if self.year == other.year && month == its_day && day == its_month {
            return Swapped;
        }
        if one_slip(&self.digits(month, day), &other.digits(its_month, its_day)) {
            return DigitSlip;
        }
        match (self.year == other.year, month == its_month, day == its_day) {
            (false, true, true) if one_year_apart => YearNear,
            (true, true, false) | (true, false, true) | (false, true, true) => OnePart,
            _ => Different,
        }
    }

    fn digits(self, month: u8, day: u8) -> [u8; 8] {
        let (y, m, d) = (self.year, month, day);
        let digit = |number: u16| (number % 10) as u8;
        [
            digit(y / 1000),
            digit(y / 100),
            digit(y / 10),
            digit(y),
            m / 10,
            m % 10,
            d / 10,
            d % 10,
        ]
    }
}

/// Whether one digit differs, or two neighbours are the other way round.
fn one_slip(one: &[u8; 8], other: &[u8; 8]) -> bool {
    let apart: Vec<usize> = (0..8).filter(|at| one[*at] != other[*at]).collect();
    match apart[..] {
        [_] => true,
        [a, b] => a + 1 == b && one[a] == other[b] && one[b] == other[a],
        _ => false,
    }
}

impl From<PartialDate> for Day {
    fn from(date: PartialDate) -> Self {
        let number = |part: i8| u8::try_from(part).ok();
        let (year, month, day) = match date {
            PartialDate::Year(year) => (year, None, None),
            PartialDate::Month(year, month) => (year, number(month), None),
            PartialDate::Day(date) => (date.year(), number(date.month()), number(date.day())),
        };
        Self {
            year: u16::try_from(year).unwrap_or(0),
            month,
            day,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        for (one, other, code) in [
            ("1990-03-07", "1990-03-07", "date-exact"),
            ("1990-03-07", "1990-07-03", "date-swapped"),
            ("1990-03-07", "1990-03-08", "date-digit-slip"),
            ("1990-03-12", "1990-03-21", "date-digit-slip"),
            ("1990-03-07", "1909-03-07", "date-digit-slip"),
            ("1990-03-07", "1991-03-07", "date-digit-slip"),
            ("1989-03-07", "1990-03-07", "date-year-near"),
            ("1990-03-07", "1990-03-29", "date-one-part"),
            ("1990-03-07", "1990-11-07", "date-one-part"),
            ("1990-03-07", "1972-03-07", "date-one-part"),
            ("1990-03-07", "1990-11-29", "date-different"),
            ("1990", "1990-03-07", "date-coarse"),
            ("1990-03", "1990-03-07", "date-coarse"),
            ("1990", "1990", "date-coarse"),
            ("1990-03", "1990-04-07", "date-one-part"),
            ("1991", "1990-03-07", "date-year-near"),
            ("1995", "1990-03-07", "date-different"),
        ] {
            let day = |text: &str| Day::from(text.parse::<PartialDate>().unwrap());
            assert_eq!(
                day(one).compare(day(other)).level.code(),
                code,
                "{one} / {other}"
            );
            assert_eq!(
                day(other).compare(day(one)).level.code(),
                code,
                "{other} / {one}"
            );
        }
    }

    #[test]
    fn a_day_no_calendar_has_is_still_compared() {
        let (wrong, right) = (Day::from_digits("19900231"), Day::from_digits("19900221"));
        let level = wrong.unwrap().compare(right.unwrap()).level;
        assert_eq!(level.code(), "date-digit-slip");
        for text in ["", "1990", "1990-3-7", "199003071"] {
            assert_eq!(Day::from_digits(text), None, "{text}");
        }
    }
}
