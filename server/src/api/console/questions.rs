//! The queue, a question, and what is done about it.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use sojourn_sync_protocol::record::Pairs;
use sojourn_sync_protocol::{AreaCode, ChangeHash, DecisionId, DocKind, HouseholdId, StaffId};

use super::fault::Fault;
use super::speaker::{Answer, Asked, Said, Settles};
use crate::console::questions::{self, NamedCase, Queue};
use crate::cursor::Cursor;
use crate::review::ReviewKind;
use crate::review::claims::Claim;
use crate::review::decide::{self, Choice, Order, Outcome, QuestionId, Undo};
use crate::review::preview::Preview;
use crate::review::queue::{Filter, Place};
use crate::review::severity::Severity;
use crate::state::AppState;

/// Questions on a page when nothing else is asked for.
const PAGE: usize = 50;

/// Which page of which questions.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Page {
    /// Only in this area and below it.
    #[param(value_type = Option<String>)]
    area: Option<AreaCode>,
    /// Only of this kind.
    kind: Option<ReviewKind>,
    /// Only of this severity.
    severity: Option<Severity>,
    /// Only those that oneself has claimed.
    #[serde(default)]
    mine: bool,
    /// Only those that wait for a second person.
    #[serde(default)]
    proposed: bool,
    /// `next` of the page before.
    #[param(value_type = Option<String>)]
    after: Option<Cursor<Place>>,
    /// Questions on the page, 200 at most.
    most: Option<usize>,
}

/// Open questions in one's areas, what matters most first.
#[utoipa::path(
    get, path = "/console/v1/queue", params(Page),
    responses((status = 200, body = Queue), (status = "default", body = Fault)),
    security(("session" = [])),
)]
pub(super) async fn queue(
    State(state): State<Arc<AppState>>,
    Settles(who): Settles,
    Asked(page): Asked<Page>,
) -> Result<Answer<Queue>, Fault> {
    let filter = Filter {
        area: page.area,
        kind: page.kind,
        severity: page.severity,
        claimed_by: page.mine.then_some(who.staff.id),
        proposed: page.proposed,
    };
    let after = page.after.map(|Cursor(place)| place);
    let most = page.most.unwrap_or(PAGE);
    let queue = questions::queue(&state.store, &state.clock, &who, filter, after, most).await?;
    Ok(Answer(queue))
}

/// One open question with all that it rests on.
#[utoipa::path(
    get, path = "/console/v1/question", params(QuestionId),
    responses((status = 200, body = NamedCase), (status = "default", body = Fault)),
    security(("session" = [])),
)]
pub(super) async fn question(
    State(state): State<Arc<AppState>>,
    Settles(who): Settles,
    Asked(question): Asked<QuestionId>,
) -> Result<Answer<NamedCase>, Fault> {
    let case = questions::question(&state.store, &state.clock, &who, question).await?;
    Ok(Answer(case))
}

/// Whose a question is to be.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ToClaim {
    question: QuestionId,
    /// A colleague to give it to; oneself when absent.
    #[schema(value_type = Option<String>)]
    colleague: Option<StaffId>,
}

/// Claims a question while one works on it, or gives it to a colleague.
#[utoipa::path(
    post, path = "/console/v1/question/claim", request_body = ToClaim,
    responses((status = 200, body = Claim), (status = "default", body = Fault)),
    security(("session" = [])),
)]
pub(super) async fn claim(
    State(state): State<Arc<AppState>>,
    Settles(who): Settles,
    Said(ToClaim {
        question,
        colleague,
    }): Said<ToClaim>,
) -> Result<Answer<Claim>, Fault> {
    let claim = questions::claim(&state.store, &state.clock, &who, question, colleague).await?;
    Ok(Answer(claim))
}

/// A question to let go.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ToRelease {
    question: QuestionId,
}

/// Lets a question go.
#[utoipa::path(
    post, path = "/console/v1/question/release", request_body = ToRelease,
    responses((status = 204), (status = "default", body = Fault)),
    security(("session" = [])),
)]
pub(super) async fn release(
    State(state): State<Arc<AppState>>,
    Settles(who): Settles,
    Said(ToRelease { question }): Said<ToRelease>,
) -> Result<StatusCode, Fault> {
    questions::release(&state.store, &state.clock, &who, question).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How two records are to be joined, of which nobody has decided yet.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ToPreview {
    question: QuestionId,
    /// The household that goes on.
    #[schema(value_type = String)]
    survivor: HouseholdId,
    /// People of the other, each with who they are in the one that goes on.
    #[serde(default)]
    #[schema(value_type = Object)]
    persons: Pairs,
}

/// What joining two records would do. Nothing is written.
#[utoipa::path(
    post, path = "/console/v1/question/preview", request_body = ToPreview,
    responses((status = 200, body = Preview), (status = "default", body = Fault)),
    security(("session" = [])),
)]
pub(super) async fn preview(
    State(state): State<Arc<AppState>>,
    Settles(who): Settles,
    Said(said): Said<ToPreview>,
) -> Result<Answer<Preview>, Fault> {
    let preview = questions::preview(
        &state.store,
        &who,
        said.question,
        said.survivor,
        said.persons,
    );
    Ok(Answer(preview.await?))
}

/// How a question is to be settled.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ToDecide {
    question: QuestionId,
    /// `heads` of the case as it was looked at.
    #[schema(value_type = Vec<String>)]
    seen: Vec<ChangeHash>,
    choice: Choice,
    /// Why; may be empty for who agrees with a proposal.
    #[serde(default)]
    reason: String,
}

/// Settles a question, or proposes how where two people must agree.
#[utoipa::path(
    post, path = "/console/v1/question/decide", request_body = ToDecide,
    responses((status = 200, body = Outcome), (status = "default", body = Fault)),
    security(("session" = [])),
)]
pub(super) async fn decide(
    State(state): State<Arc<AppState>>,
    Settles(who): Settles,
    Said(said): Said<ToDecide>,
) -> Result<Answer<Outcome>, Fault> {
    let order = Order {
        question: said.question,
        seen: said.seen,
        choice: said.choice,
        reason: said.reason,
    };
    let reviewer = who.reviewer();
    let outcome = decide::decide(&state.store, &state.live, &state.clock, reviewer, order).await?;
    Ok(Answer(outcome))
}

/// A decision to take back.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ToUndo {
    #[schema(value_type = String)]
    household: HouseholdId,
    document: DocKind,
    #[schema(value_type = String)]
    decision: DecisionId,
    /// Why.
    reason: String,
}

/// Takes a decision back: every field that it wrote has the values that it had.
#[utoipa::path(
    post, path = "/console/v1/decision/undo", request_body = ToUndo,
    responses((status = 200, body = Outcome), (status = "default", body = Fault)),
    security(("session" = [])),
)]
pub(super) async fn undo(
    State(state): State<Arc<AppState>>,
    Settles(who): Settles,
    Said(said): Said<ToUndo>,
) -> Result<Answer<Outcome>, Fault> {
    let order = Undo {
        household: said.household,
        document: said.document,
        decision: said.decision,
        reason: said.reason,
    };
    let reviewer = who.reviewer();
    let outcome = decide::undo(&state.store, &state.live, &state.clock, reviewer, order).await?;
    Ok(Answer(outcome))
}
