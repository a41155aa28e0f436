//! How much depends on an open question, and whether one person may settle it. Pure: from its kind and what it is about.

use serde::{Deserialize, Serialize};
use sojourn_sync_protocol::DocKind;
use sojourn_sync_protocol::record::{Sensitivity, field_at};

use super::{Item, ReviewKind};

/// How much depends on it, the most first.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Somebody may come to harm: an allergy, a blood group, a due date, a vaccine given or not.
    Safety,
    /// Who somebody is, or whether they belong to the household.
    Identity,
    /// Which area is responsible, or whether somebody's work counts.
    Responsibility,
    /// Everything else.
    Service,
}

/// Keys of a visit that others act upon without asking again.
const ACTED_UPON: [&str; 1] = ["vaccine"];

impl Item {
    /// How much depends on it.
    pub(crate) fn severity(&self) -> Severity {
        match self.kind {
            ReviewKind::EditOfRemoved | ReviewKind::PossibleDuplicate => Severity::Identity,
            ReviewKind::ContestedResidence
            | ReviewKind::LateEdit
            | ReviewKind::EditOfJoined
            | ReviewKind::UnknownArea
            | ReviewKind::Quarantined => Severity::Responsibility,
            ReviewKind::Contradiction => of_field(self.document, &self.subject),
        }
    }

    /// Whether two people must agree: on who somebody is, and on taking somebody out of a household. For a change that was
    /// kept aside that depends on what is written of it: see [`settled_by_two`].
    pub(crate) fn needs_two(&self) -> bool {
        self.severity() == Severity::Identity || is_removal(&self.subject)
    }
}

/// Whether two people must agree on writing these fields of a document. Who is added has a name.
pub(super) fn settled_by_two<'p>(
    document: DocKind,
    mut paths: impl Iterator<Item = &'p String>,
) -> bool {
    paths.any(|path| of_field(document, path) == Severity::Identity || is_removal(path))
}

fn is_removal(path: &str) -> bool {
    path.contains("/removed/")
}

fn of_field(document: DocKind, path: &str) -> Severity {
    let key = path.rsplit('/').next().unwrap_or_default();
    match field_at(document, path).map(|field| field.sensitivity) {
        Some(Sensitivity::Health) if path.starts_with("facts/") || ACTED_UPON.contains(&key) => {
            Severity::Safety
        }
        Some(Sensitivity::Identity) => Severity::Identity,
        Some(_) => Severity::Service,
        // A newer program's field: it may be anything.
        None => Severity::Identity,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "01990000-0001-7fff-bfff-ffffffffffff";

    #[test]
    fn safety_comes_before_identity_and_both_before_the_rest() {
        let of = |document, path: &str| {
            let path = path.replace("{}", ID);
            let item = Item::new(ReviewKind::Contradiction, document, path);
            (item.severity(), item.needs_two())
        };
        for (document, path, wanted) in [
            (
                DocKind::Health,
                "facts/{}/allergy",
                (Severity::Safety, false),
            ),
            (
                DocKind::Health,
                "visits/{}/vaccine",
                (Severity::Safety, false),
            ),
            (
                DocKind::Health,
                "visits/{}/height_mm",
                (Severity::Service, false),
            ),
            (
                DocKind::Core,
                "persons/{}/birth",
                (Severity::Identity, true),
            ),
            (
                DocKind::Core,
                "persons/{}/removed/on",
                (Severity::Service, true),
            ),
            (
                DocKind::Core,
                "residence/address",
                (Severity::Service, false),
            ),
            (DocKind::Core, "cards/{}/number", (Severity::Identity, true)),
        ] {
            assert_eq!(of(document, path), wanted, "{path}");
        }
        assert!(Severity::Safety < Severity::Identity);
        assert!(Severity::Identity < Severity::Responsibility);
    }
}
