//! Who made a change, for whom and how: the message every change carries.
//!
//! Text `1;KIND;STAFF;AREA`: version of this form, kind of edit, id of the member of staff, code of the
//! area they worked for. It is a claim; the server holds it against the device and the grant at ingest.

use std::{fmt, str::FromStr};

use crate::{AreaCode, StaffId};

/// Bytes of an edit's kind.
const KIND_BYTES_MAX: usize = 32;

/// The claim of one change's message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribution {
    /// Kind of edit, such as `record-visit`; a newer program may have kinds this one does not know.
    pub kind: String,
    /// The member of staff.
    pub staff: StaffId,
    /// The area they worked for.
    pub area: AreaCode,
}

/// A message that is no attribution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the change does not say who made it; its message is `1;KIND;STAFF;AREA`")]
pub struct NoAttribution;

impl fmt::Display for Attribution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "1;{};{};{}", self.kind, self.staff, self.area)
    }
}

impl FromStr for Attribution {
    type Err = NoAttribution;
    fn from_str(text: &str) -> Result<Self, NoAttribution> {
        let mut parts = text.split(';');
        let mut next = || parts.next().ok_or(NoAttribution);
        let (version, kind, staff, area) = (next()?, next()?, next()?, next()?);
        let named = !kind.is_empty() && kind.len() <= KIND_BYTES_MAX;
        let kind_ok = named && kind.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
        if version != "1" || !kind_ok || parts.next().is_some() {
            return Err(NoAttribution);
        }
        Ok(Self {
            kind: kind.to_owned(),
            staff: staff.parse().map_err(|_| NoAttribution)?,
            area: area.parse().map_err(|_| NoAttribution)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_is_frozen() {
        let text = "1;record-visit;01990000-0001-7fff-bfff-ffffffffffff;370724001001";
        let attribution: Attribution = text.parse().unwrap();
        assert_eq!(attribution.kind, "record-visit");
        assert_eq!(attribution.area.as_str(), "370724001001");
        assert_eq!(attribution.to_string(), text);
    }

    #[test]
    fn anything_else_is_refused() {
        let staff = "01990000-0001-7fff-bfff-ffffffffffff";
        for text in [
            String::new(),
            format!("2;move;{staff};1"),
            format!("1;;{staff};1"),
            format!("1;Move;{staff};1"),
            format!("1;move;{staff};"),
            format!("1;move;{staff};1;2"),
            "1;move;me;1".to_owned(),
        ] {
            assert_eq!(text.parse::<Attribution>(), Err(NoAttribution), "{text}");
        }
    }
}
