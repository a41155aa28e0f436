//! The audit trail, for those who answer for privacy. Reading it is told in it.

use serde::Serialize;

use crate::accounts::sessions::SignedIn;
use crate::audit::{self, Action, Entry, Place, Stamp};
use crate::clock::Clock;
use crate::cursor::Cursor;
use crate::store::{Store, StoreError};

/// A page of the trail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Trail {
    /// The entries, the newest first.
    pub entries: Vec<Entry>,
    /// Where the next page begins.
    #[schema(value_type = Option<String>)]
    pub next: Option<Cursor<Place>>,
}

/// Reads a page of the trail of somebody's areas.
///
/// # Errors
/// [`StoreError`].
pub async fn trail(
    store: &Store,
    clock: &Clock,
    who: &SignedIn,
    before: Option<Place>,
    most: usize,
) -> Result<Trail, StoreError> {
    let areas = who.areas.clone();
    let page = store
        .read("audit trail", move |tx| {
            audit::page(tx, &areas, before, most)
        })
        .await?;
    let (stamp, who) = (Stamp::new(clock), who.clone());
    store
        .write("audit trail read", move |tx| {
            audit::note_of(tx, &stamp, &who, Action::TrailRead)
        })
        .await?;
    Ok(Trail {
        entries: page.entries,
        next: page.next.map(Cursor),
    })
}
