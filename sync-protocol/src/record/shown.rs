//! What a field shows: one value, or several that await a decision.

use serde::{Deserialize, Serialize};

/// What a field shows. In JSON: the value, or `{"contradicted": [value, …]}` where `null` means that
/// someone cleared the field while another filled it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Shown<T> {
    /// Distinct values that await a decision; first the one Automerge would show. Only fields whose
    /// merge rule is `review` can be so.
    Contradicted {
        /// The values.
        contradicted: Vec<Option<T>>,
    },
    /// The one value.
    Agreed(T),
}

impl<T> Shown<T> {
    /// Every value, cleared ones left out.
    pub fn values(&self) -> impl Iterator<Item = &T> {
        let (one, many) = match self {
            Self::Agreed(value) => (Some(value), None),
            Self::Contradicted { contradicted } => (None, Some(contradicted.iter().flatten())),
        };
        one.into_iter().chain(many.into_iter().flatten())
    }

    /// The value, unless contradicted.
    pub fn agreed(&self) -> Option<&T> {
        match self {
            Self::Agreed(value) => Some(value),
            Self::Contradicted { .. } => None,
        }
    }

    /// Whether several values await a decision.
    pub fn is_contradicted(&self) -> bool {
        matches!(self, Self::Contradicted { .. })
    }

    pub(super) fn map<U>(self, mut to: impl FnMut(T) -> U) -> Shown<U> {
        match self {
            Self::Agreed(value) => Shown::Agreed(to(value)),
            Self::Contradicted { contradicted } => Shown::Contradicted {
                contradicted: contradicted
                    .into_iter()
                    .map(|value| value.map(&mut to))
                    .collect(),
            },
        }
    }
}
