//! A household, and the areas with what waits in them.

use std::sync::Arc;

use axum::extract::State;
use serde::Deserialize;
use sojourn_sync_protocol::HouseholdId;

use super::fault::Fault;
use super::speaker::{Answer, Asked, Settles};
use crate::console::households::{self, AreaCount, Household};
use crate::state::AppState;

/// Which household.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    #[param(value_type = String)]
    id: HouseholdId,
}

/// A household's record and its history.
#[utoipa::path(
    get, path = "/console/v1/household", params(Which),
    responses((status = 200, body = Household), (status = "default", body = Fault)),
    security(("session" = [])),
)]
pub(super) async fn household(
    State(state): State<Arc<AppState>>,
    Settles(who): Settles,
    Asked(Which { id }): Asked<Which>,
) -> Result<Answer<Household>, Fault> {
    let household = households::household(&state.store, &state.clock, &who, id).await?;
    Ok(Answer(household))
}

/// One's areas, parents before children, with their households and open questions.
#[utoipa::path(
    get, path = "/console/v1/areas",
    responses((status = 200, body = Vec<AreaCount>), (status = "default", body = Fault)),
    security(("session" = [])),
)]
pub(super) async fn areas(
    State(state): State<Arc<AppState>>,
    Settles(who): Settles,
) -> Result<Answer<Vec<AreaCount>>, Fault> {
    Ok(Answer(households::areas_of(&state.store, &who).await?))
}
