//! Hand-overs: those that wait, one of them, its answer, and counts.

use std::sync::Arc;

use axum::extract::State;
use serde::Deserialize;
use sojourn_sync_protocol::{AreaCode, ChangeHash, HouseholdId, MoveId, Timestamp};

use super::PAGE;
use super::fault::Fault;
use super::speaker::{Answer, Asked, Said, Settles};
use crate::console::handovers::{self, Answered, Counts, HandOvers, NamedHandOver};
use crate::cursor::Cursor;
use crate::handover::Group;
use crate::handover::answer::{self, Deed};
use crate::handover::counts::Period;
use crate::handover::list::{Filter, Place};
use crate::state::AppState;

/// Which page of which hand-overs.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Page {
    /// Only from or to this area and below it.
    #[param(value_type = Option<String>)]
    area: Option<AreaCode>,
    /// Only of this group.
    group: Option<Group>,
    /// Those that were closed in the last half year, the latest first, instead of those that wait.
    #[serde(default)]
    closed: bool,
    /// `next` of the page before.
    #[param(value_type = Option<String>)]
    after: Option<Cursor<Place>>,
    /// Hand-overs on the page, 200 at most.
    most: Option<usize>,
}

/// Hand-overs that wait for one's areas, or leave them.
#[utoipa::path(
    get, path = "/console/v1/handovers", params(Page),
    responses((status = 200, body = HandOvers), (status = "default", body = Fault)),
    security(("session" = [])),
)]
pub(super) async fn hand_overs(
    State(state): State<Arc<AppState>>,
    Settles(who): Settles,
    Asked(page): Asked<Page>,
) -> Result<Answer<HandOvers>, Fault> {
    let filter = Filter {
        area: page.area,
        group: page.group,
        closed: page.closed,
    };
    let after = page.after.map(|Cursor(place)| place);
    let most = page.most.unwrap_or(PAGE);
    let found =
        handovers::hand_overs(&state.store, &state.clock, &who, filter, after, most).await?;
    Ok(Answer(found))
}

/// Which hand-over.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    #[param(value_type = String)]
    household: HouseholdId,
    /// The entry under its moves.
    #[param(value_type = String)]
    entry: MoveId,
}

/// One hand-over: a stub for those who are asked, the record for those whose family it is.
#[utoipa::path(
    get, path = "/console/v1/handover", params(Which),
    responses((status = 200, body = NamedHandOver), (status = "default", body = Fault)),
    security(("session" = [])),
)]
pub(super) async fn hand_over(
    State(state): State<Arc<AppState>>,
    Settles(who): Settles,
    Asked(Which { household, entry }): Asked<Which>,
) -> Result<Answer<NamedHandOver>, Fault> {
    let which = (household, entry);
    let found = handovers::hand_over(&state.store, &state.clock, &who, which).await?;
    Ok(Answer(found))
}

/// What is to be done about a hand-over.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ToAnswer {
    #[schema(value_type = String)]
    household: HouseholdId,
    /// The entry under its moves.
    #[schema(value_type = String)]
    entry: MoveId,
    /// `seen` of the hand-over as it was looked at.
    #[schema(value_type = Vec<String>)]
    seen: Vec<ChangeHash>,
    answer: Deed,
    /// Why; may be empty for who accepts.
    #[serde(default)]
    reason: String,
    /// Of `families`, which it is: for who lets a family go that is at another area's door.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    family: Option<HouseholdId>,
    /// The family was asked and agrees, though it had refused that its records follow it.
    #[serde(default)]
    family_agrees: bool,
}

/// Accepts, rejects or withdraws a hand-over.
#[utoipa::path(
    post, path = "/console/v1/handover/answer", request_body = ToAnswer,
    responses((status = 200, body = Answered), (status = "default", body = Fault)),
    security(("session" = [])),
)]
pub(super) async fn answer(
    State(state): State<Arc<AppState>>,
    Settles(who): Settles,
    Said(said): Said<ToAnswer>,
) -> Result<Answer<Answered>, Fault> {
    let order = answer::Answer {
        household: said.household,
        entry: said.entry,
        seen: said.seen,
        deed: said.answer,
        reason: said.reason,
        family: said.family,
        family_agrees: said.family_agrees,
    };
    let answered = handovers::answer(&state.store, &state.live, &state.clock, &who, order).await?;
    Ok(Answer(answered))
}

/// Which time is counted.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct When {
    /// From this moment on, in milliseconds.
    #[param(value_type = i64)]
    since: Timestamp,
    /// Until before this moment, in milliseconds.
    #[param(value_type = i64)]
    until: Timestamp,
}

/// Families that came and went in a time, and hand-overs that wait, for each of one's areas.
#[utoipa::path(
    get, path = "/console/v1/handover/counts", params(When),
    responses((status = 200, body = Counts), (status = "default", body = Fault)),
    security(("session" = [])),
)]
pub(super) async fn counts(
    State(state): State<Arc<AppState>>,
    Settles(who): Settles,
    Asked(When { since, until }): Asked<When>,
) -> Result<Answer<Counts>, Fault> {
    let period = Period { since, until };
    Ok(Answer(handovers::counts(&state.store, &who, period).await?))
}
