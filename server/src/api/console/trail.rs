//! The audit trail.

use std::sync::Arc;

use axum::extract::State;
use serde::Deserialize;

use super::PAGE;
use super::fault::Fault;
use super::speaker::{Answer, Asked, ReadsTrail};
use crate::audit::Place;
use crate::console::trail::{self, Trail};
use crate::cursor::Cursor;
use crate::state::AppState;

/// Which page.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Page {
    /// `next` of the page before.
    #[param(value_type = Option<String>)]
    before: Option<Cursor<Place>>,
    /// Entries on the page, 200 at most.
    most: Option<usize>,
}

/// What was done in one's areas, the newest first.
#[utoipa::path(
    get, path = "/console/v1/audit", params(Page),
    responses((status = 200, body = Trail), (status = "default", body = Fault)),
    security(("session" = [])),
)]
pub(super) async fn trail(
    State(state): State<Arc<AppState>>,
    ReadsTrail(who): ReadsTrail,
    Asked(page): Asked<Page>,
) -> Result<Answer<Trail>, Fault> {
    let before = page.before.map(|Cursor(place)| place);
    let most = page.most.unwrap_or(PAGE);
    let trail = trail::trail(&state.store, &state.clock, &who, before, most).await?;
    Ok(Answer(trail))
}
