//! The scalars a field can hold, and the check of a value against its field's type.
//!
//! A cleared field holds Automerge's null, written here as `None`. There are no lists, texts or nested
//! objects: a value that two people write is always one value against another.

use automerge::{ScalarValue, ScalarValueRef};
use serde::{Deserialize, Serialize};
use std::fmt;

use super::id_number;
use crate::limits::TEXT_BYTES_MAX;
use crate::{AreaCode, PartialDate, PersonId};

/// One value of one field. In JSON: `true`, `37`, `"text"`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// Yes or no.
    Flag(bool),
    /// A whole number, in the unit its field names.
    Int(i64),
    /// Text; dates, areas and ids are text too.
    Text(String),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => flag.fmt(f),
            Self::Int(number) => number.fmt(f),
            Self::Text(text) => f.write_str(text),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl Value {
    /// What a document holds, whatever its kind: unknown kinds are shown as text rather than dropped.
    pub(crate) fn from_scalar(scalar: &ScalarValue) -> Option<Self> {
        match scalar {
            ScalarValue::Null => None,
            ScalarValue::Boolean(flag) => Some(Self::Flag(*flag)),
            ScalarValue::Int(number) => Some(Self::Int(*number)),
            ScalarValue::Counter(counter) => Some(Self::Int(counter.into())),
            ScalarValue::Str(text) => Some(Self::Text(text.to_string())),
            other => Some(Self::Text(other.to_string())),
        }
    }

    /// The same, of a borrowed scalar.
    pub(crate) fn from_scalar_ref(scalar: &ScalarValueRef<'_>) -> Option<Self> {
        match scalar {
            ScalarValueRef::Null => None,
            ScalarValueRef::Boolean(flag) => Some(Self::Flag(*flag)),
            ScalarValueRef::Int(number) | ScalarValueRef::Counter(number) => {
                Some(Self::Int(*number))
            }
            ScalarValueRef::Str(text) => Some(Self::Text(text.to_string())),
            other => Some(Self::Text(other.to_string())),
        }
    }

    /// The scalar written into a document; `None` clears.
    pub(crate) fn to_scalar(value: Option<&Self>) -> ScalarValue {
        match value {
            None => ScalarValue::Null,
            Some(Self::Flag(flag)) => ScalarValue::Boolean(*flag),
            Some(Self::Int(number)) => ScalarValue::Int(*number),
            Some(Self::Text(text)) => ScalarValue::Str(text.as_str().into()),
        }
    }
}

/// What a field may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldType {
    /// Text of at most this many characters.
    Text(u16),
    /// A telephone number: 3 to 32 of digits, space, `+`, `-`.
    Phone,
    /// A date as precisely as it is known: `2026`, `2026-11` or `2026-11-24`.
    Date,
    /// The code of an area.
    Area,
    /// The id of a person of this household.
    Person,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// The number of an identity document; a resident identity number must satisfy GB 11643.
    IdNumber,
    /// A whole number between the two bounds, in the unit.
    Int {
        /// Smallest accepted.
        min: i64,
        /// Largest accepted.
        max: i64,
        /// Unit, as written in the documentation.
        unit: &'static str,
    },
    /// Yes or no.
    Flag,
    /// A number that people add to; additions made apart are summed.
    Counter,
}

/// Why a value does not fit its field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ValueProblem {
    /// Nothing, or only spaces.
    #[error("the text is empty; to clear a field, assign nothing to it")]
    Empty,
    /// Longer than the field takes.
    #[error("the text has {length} characters; at most {max} fit")]
    TooLong {
        /// Characters given.
        length: usize,
        /// Characters accepted.
        max: usize,
    },
    /// Control characters.
    #[error("the text holds control characters; remove them")]
    Control,
    /// Not a telephone number.
    #[error("a telephone number is 3 to 32 digits, spaces, + and -")]
    NotPhone,
    /// Not a date.
    #[error("write a date as 2026-11-24, or 2026-11 or 2026 when no more is known")]
    NotDate,
    /// Not an area code.
    #[error("an area code is 1 to 32 characters of 0-9, A-Z, a-z, dot, underscore and hyphen")]
    NotArea,
    /// Not an id.
    #[error("a person is named by id: 36 characters, 8-4-4-4-12 hexadecimal")]
    NotPerson,
    /// Not one of the words.
    #[error("choose one of: {}", .0.join(", "))]
    NotChoice(&'static [&'static str]),
    /// Not a number, or out of bounds.
    #[error("give a whole number from {min} to {max} ({unit})")]
    NotInt {
        /// Smallest accepted.
        min: i64,
        /// Largest accepted.
        max: i64,
        /// Unit.
        unit: &'static str,
    },
    /// Not yes or no.
    #[error("give true or false")]
    NotFlag,
    /// A counter cannot be assigned.
    #[error("this number is only added to, never assigned")]
    Counter,
    /// Not text.
    #[error("give text")]
    NotText,
    /// A resident identity number that breaks GB 11643.
    #[error("the identity number is not valid: {0}")]
    IdNumber(#[from] id_number::IdNumberProblem),
    /// An identity document's number of another kind.
    #[error("the number of an identity document is 1 to 32 letters, digits and hyphens")]
    NotIdNumber,
    /// Not the card of a household, or mistyped.
    #[error(transparent)]
    NotACard(#[from] crate::NotACard),
}

impl FieldType {
    /// Whether the scalar is of the kind this type stores; a change where it is not breaks the structure.
    pub(crate) fn stores(self, value: &Value) -> bool {
        match value {
            Value::Flag(_) => self == Self::Flag,
            Value::Int(_) => matches!(self, Self::Int { .. }),
            Value::Text(_) => !matches!(self, Self::Flag | Self::Int { .. } | Self::Counter),
        }
    }

    /// Checks a value and returns it as it is stored (surrounding space removed from text).
    pub fn check(self, value: &Value) -> Result<Value, ValueProblem> {
        match self {
            Self::Flag => match value {
                Value::Flag(_) => Ok(value.clone()),
                _ => Err(ValueProblem::NotFlag),
            },
            Self::Int { min, max, unit } => match value {
                Value::Int(number) if (min..=max).contains(number) => Ok(value.clone()),
                _ => Err(ValueProblem::NotInt { min, max, unit }),
            },
            Self::Counter => Err(ValueProblem::Counter),
            _ => match value {
                Value::Text(text) => self.check_text(text.trim()).map(Value::Text),
                _ => Err(ValueProblem::NotText),
            },
        }
    }

    fn check_text(self, text: &str) -> Result<String, ValueProblem> {
        let ok =
            |condition: bool, problem: ValueProblem| if condition { Ok(()) } else { Err(problem) };
        ok(!text.is_empty(), ValueProblem::Empty)?;
        let length = text.chars().count();
        let max = match self {
            Self::Text(max) => usize::from(max),
            _ => 64,
        };
        ok(
            length <= max && text.len() <= TEXT_BYTES_MAX,
            ValueProblem::TooLong { length, max },
        )?;
        ok(
            !text.chars().any(|c| c.is_control() && c != '\n'),
            ValueProblem::Control,
        )?;
        match self {
            Self::Phone => {
                let digits = text.bytes().filter(u8::is_ascii_digit).count();
                let shaped = text
                    .bytes()
                    .all(|b| b.is_ascii_digit() || b" +-".contains(&b));
                ok(
                    shaped && digits >= 3 && text.len() <= 32,
                    ValueProblem::NotPhone,
                )?;
            }
            Self::Date => ok(text.parse::<PartialDate>().is_ok(), ValueProblem::NotDate)?,
            Self::Area => ok(text.parse::<AreaCode>().is_ok(), ValueProblem::NotArea)?,
            Self::Person => {
                let id = text
                    .parse::<PersonId>()
                    .map_err(|_| ValueProblem::NotPerson)?;
                return Ok(id.to_string());
            }
            Self::Choice(words) => ok(words.contains(&text), ValueProblem::NotChoice(words))?,
            Self::IdNumber => {
                let shaped = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
                ok(shaped && text.len() <= 32, ValueProblem::NotIdNumber)?;
                return Ok(text.to_ascii_uppercase());
            }
            _ => {}
        }
        Ok(text.to_owned())
    }

    /// Reads the text of an assignment; nothing clears the field.
    pub fn parse(self, text: &str) -> Result<Option<Value>, ValueProblem> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(None);
        }
        let value = match self {
            Self::Flag => match text {
                "true" | "yes" => Value::Flag(true),
                "false" | "no" => Value::Flag(false),
                _ => return Err(ValueProblem::NotFlag),
            },
            Self::Int { min, max, unit } => Value::Int(
                text.parse()
                    .map_err(|_| ValueProblem::NotInt { min, max, unit })?,
            ),
            _ => Value::from(text),
        };
        self.check(&value).map(Some)
    }

    /// The type in words, as the data model's table gives it.
    pub fn describe(self) -> String {
        match self {
            Self::Text(max) => format!("text, at most {max} characters"),
            Self::Phone => "telephone number".to_owned(),
            Self::Date => "date: year, month or day".to_owned(),
            Self::Area => "area code".to_owned(),
            Self::Person => "person id".to_owned(),
            Self::Choice(words) => {
                format!(
                    "one of {}",
                    words
                        .iter()
                        .map(|w| format!("`{w}`"))
                        .collect::<Vec<_>>()
                        .join(" ")
                )
            }
            Self::IdNumber => "identity document number (GB 11643 check digit)".to_owned(),
            Self::Int { min, max, unit } => format!("whole number {min}–{max}, {unit}"),
            Self::Flag => "true or false".to_owned(),
            Self::Counter => "counter".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_type_accepts_its_own_and_says_what_is_wrong() {
        let ok = |t: FieldType, text: &str| t.parse(text).unwrap().unwrap();
        assert_eq!(ok(FieldType::Text(10), "  Yu  "), Value::from("Yu"));
        assert_eq!(ok(FieldType::Flag, "yes"), Value::Flag(true));
        assert_eq!(
            ok(
                FieldType::Int {
                    min: 0,
                    max: 9,
                    unit: "g"
                },
                "7"
            ),
            Value::Int(7)
        );
        assert_eq!(ok(FieldType::Date, "2026-11"), Value::from("2026-11"));
        assert_eq!(FieldType::Phone.parse(""), Ok(None));

        let wrong = |t: FieldType, text: &str| t.parse(text).unwrap_err();
        assert_eq!(
            wrong(FieldType::Text(2), "abc"),
            ValueProblem::TooLong { length: 3, max: 2 }
        );
        assert_eq!(wrong(FieldType::Text(9), "a\u{7}b"), ValueProblem::Control);
        assert_eq!(wrong(FieldType::Phone, "12"), ValueProblem::NotPhone);
        assert_eq!(wrong(FieldType::Date, "24/11/2026"), ValueProblem::NotDate);
        assert_eq!(wrong(FieldType::Area, "村"), ValueProblem::NotArea);
        assert_eq!(wrong(FieldType::Person, "7"), ValueProblem::NotPerson);
        assert_eq!(
            wrong(FieldType::Choice(&["a", "b"]), "c").to_string(),
            "choose one of: a, b"
        );
        assert_eq!(wrong(FieldType::Flag, "1"), ValueProblem::NotFlag);
        assert_eq!(wrong(FieldType::Counter, "1"), ValueProblem::Counter);
        assert!(matches!(
            wrong(
                FieldType::Int {
                    min: 0,
                    max: 9,
                    unit: "g"
                },
                "10"
            ),
            ValueProblem::NotInt { .. }
        ));
    }
}
