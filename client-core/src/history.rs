//! Who wrote which value when: decoded from the changes this tablet holds, so it is the same on every copy.

use serde::Serialize;
use sojourn_sync_protocol::record::{self, HistoryEntry};
use sojourn_sync_protocol::{DocKind, DocumentId, HouseholdId};

use crate::cache::Cache;
use crate::error::Error;
use crate::store::Tx;
use crate::{documents, identity, outbox};

/// One value written once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Written {
    /// The document it was written in.
    pub document: DocKind,
    /// What, who, when, for which area, by which install.
    #[serde(flatten)]
    pub entry: HistoryEntry,
    /// Written on this tablet.
    pub here: bool,
    /// Not yet acknowledged by the server.
    pub pending: bool,
}

/// The history of a household, of a field, or of all fields below a path, parents first in each document.
///
/// # Errors
/// [`Error::UnknownHousehold`]; [`Error::Store`]; [`Error::Record`].
pub(crate) fn history(
    tx: &Tx<'_>,
    cache: &Cache,
    household: HouseholdId,
    path: Option<&str>,
) -> Result<Vec<Written>, Error> {
    let own = identity::actors(tx)?;
    let mut written = Vec::new();
    let mut known = false;
    for kind in DocKind::ALL {
        let id = DocumentId::new(household, kind);
        let Some((_, document)) = documents::load(tx, cache, id)? else {
            continue;
        };
        known = true;
        let pending = outbox::hashes_of(tx, id)?;
        written.extend(
            record::history(&document, path)
                .into_iter()
                .map(|entry| Written {
                    document: kind,
                    here: own.contains(&entry.actor),
                    pending: pending.contains(&entry.change),
                    entry,
                }),
        );
    }
    if known {
        Ok(written)
    } else {
        Err(Error::UnknownHousehold(household))
    }
}
