//! Households as JSON, one a line: what the record shows, numbers of people masked, with who is responsible and
//! what waits for a person. Reads one snapshot; costs what the area holds.

use std::io::{self, Write};

use serde::Serialize;
use sojourn_sync_protocol::{
    AreaCode, DocKind, DocumentId, HouseholdId,
    record::{HouseholdView, view},
};

use crate::review::{self, ReviewItem};
use crate::store::{Store, StoreError, Tx};
use crate::{areas, documents, residence};

/// One line of an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExportedHousehold {
    /// The area responsible.
    pub area: String,
    /// Several residences stand.
    pub contested: bool,
    /// What waits for a person.
    pub reviews: Vec<ReviewItem>,
    /// The record.
    #[serde(flatten)]
    pub record: HouseholdView,
}

/// Why an export ended early. Lines written before stay written.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The area is not in the tree.
    #[error("area {0} is not in the tree")]
    UnknownArea(AreaCode),
    /// The output took no more.
    #[error("the output cannot be written: {0}")]
    Output(#[from] io::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Writes every household of an area and what lies below it, or of every area; gives their number.
///
/// # Errors
/// An unknown area, an output that takes no more, a store that fails.
pub async fn households(
    store: &Store,
    area: Option<AreaCode>,
    out: impl Write + Send + 'static,
) -> Result<u64, ExportError> {
    store
        .read("export", move |tx| write_all(tx, area.as_ref(), out))
        .await
}

fn write_all(
    tx: &Tx<'_>,
    area: Option<&AreaCode>,
    mut out: impl Write,
) -> Result<u64, ExportError> {
    let mut written = 0;
    let mut each = |household| -> Result<(), ExportError> {
        if let Some(line) = read(tx, household)? {
            serde_json::to_writer(&mut out, &line).map_err(io::Error::from)?;
            out.write_all(b"\n")?;
            written += 1;
        }
        Ok(())
    };
    match area {
        None => residence::each(tx, None, &mut each)?,
        Some(root) => {
            let below = areas::subtree(tx, std::slice::from_ref(root))?;
            if below.is_empty() {
                return Err(ExportError::UnknownArea(root.clone()));
            }
            for area in &below {
                residence::each(tx, Some(area), &mut each)?;
            }
        }
    }
    out.flush()?;
    Ok(written)
}

fn read(tx: &Tx<'_>, household: HouseholdId) -> Result<Option<ExportedHousehold>, StoreError> {
    let Some(residence) = residence::get(tx, household)? else {
        return Ok(None);
    };
    let core = documents::load(tx, DocumentId::new(household, DocKind::Core))?;
    let health = documents::load(tx, DocumentId::new(household, DocKind::Health))?;
    let health = health.as_ref().map(|held| &held.document);
    let Some(Ok(mut record)) = core.map(|core| view(household, &core.document, health)) else {
        return Ok(None);
    };
    record.mask_id_numbers();
    Ok(Some(ExportedHousehold {
        area: residence.owner.to_string(),
        contested: residence.contested,
        reviews: review::waiting(tx, household)?,
        record,
    }))
}
