//! A household, how it is found, and the areas with what waits in them.

use std::sync::Arc;

use axum::extract::State;
use serde::Deserialize;
use sojourn_sync_protocol::{AreaCode, HouseholdId};

use super::fault::Fault;
use super::speaker::{Answer, Asked, Said, Settles};
use crate::console::households::{self, AreaCount, Household, Search};
use crate::search::{self, TEXT_CHARS_MAX};
use crate::state::AppState;

/// Households found when nothing else is asked for.
const FOUND: usize = 20;

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

/// What is searched for. In the body, since addresses are kept in many places and this names people.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ToSearch {
    /// A name by characters, pinyin or initials, the beginning or end of a telephone number, the end of an identity number or all of
    /// it, or a part of an address; several of them narrow.
    text: String,
    /// Only in this area and below it.
    #[schema(value_type = Option<String>)]
    area: Option<AreaCode>,
    /// Households that are enough, 50 at most.
    most: Option<usize>,
}

/// Households of one's areas that fit a text, best first.
#[utoipa::path(
    post, path = "/console/v1/households/search", request_body = ToSearch,
    responses((status = 200, body = Search), (status = "default", body = Fault)),
    security(("session" = [])),
)]
pub(super) async fn search(
    State(state): State<Arc<AppState>>,
    Settles(who): Settles,
    Said(said): Said<ToSearch>,
) -> Result<Answer<Search>, Fault> {
    if said.text.chars().count() > TEXT_CHARS_MAX {
        return Err(Fault::malformed(&"the text is too long"));
    }
    let asked = search::Asked {
        text: said.text,
        area: said.area,
        most: said.most.unwrap_or(FOUND),
    };
    let found = households::search(&state.store, &state.clock, &who, asked).await?;
    Ok(Answer(found))
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
    let areas = households::areas_of(&state.store, &state.clock, &who).await?;
    Ok(Answer(areas))
}
