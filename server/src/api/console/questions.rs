//! The queue, a question, and what is done about it.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use sojourn_sync_protocol::{
    AreaCode, ChangeHash, DecisionId, DocKind, HouseholdId, StaffId, Timestamp,
};

use super::PAGE;
use super::fault::Fault;
use super::speaker::{Answer, Asked, Said, Settles};
use crate::console::questions::{self, NamedCase, NamedPreview, Queue};
use crate::cursor::Cursor;
use crate::review::ReviewKind;
use crate::review::claims::Claim;
use crate::review::decide::{self, Choice, Order, Outcome, QuestionId, Undo};
use crate::review::deferrals::PutOff;
use crate::review::queue::{Filter, Place};
use crate::review::severity::Severity;
use crate::state::AppState;

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
    /// Only in this document.
    document: Option<DocKind>,
    /// Only those that are put off or wait for the field, which are left out otherwise.
    #[serde(default)]
    put_off: bool,
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
        document: page.document,
        put_off: page.put_off,
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
    let order = (question, colleague);
    let claim = questions::claim(&state.store, &state.live, &state.clock, &who, order).await?;
    Ok(Answer(claim))
}

/// A question to let go, or to take up.
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
    questions::release(&state.store, &state.live, &state.clock, &who, question).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A question to put off.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ToPutOff {
    question: QuestionId,
    /// Until when, in milliseconds; 90 days ahead at most.
    #[schema(value_type = i64)]
    until: Timestamp,
    /// Why.
    reason: String,
}

/// Puts a question off: the queue leaves it out until then.
#[utoipa::path(
    post, path = "/console/v1/question/put-off", request_body = ToPutOff,
    responses((status = 200, body = PutOff), (status = "default", body = Fault)),
    security(("session" = [])),
)]
pub(super) async fn put_off(
    State(state): State<Arc<AppState>>,
    Settles(who): Settles,
    Said(said): Said<ToPutOff>,
) -> Result<Answer<PutOff>, Fault> {
    let order = (said.question, said.until, said.reason);
    let put_off = questions::put_off(&state.store, &state.live, &state.clock, &who, order).await?;
    Ok(Answer(put_off))
}

/// What to ask those who hold the household.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ToAsk {
    question: QuestionId,
    /// What they are asked, in plain words.
    text: String,
}

/// Asks the tablets of the household's area about a question, which waits for the answer meanwhile.
#[utoipa::path(
    post, path = "/console/v1/question/ask", request_body = ToAsk,
    responses((status = 200, body = PutOff), (status = "default", body = Fault)),
    security(("session" = [])),
)]
pub(super) async fn ask(
    State(state): State<Arc<AppState>>,
    Settles(who): Settles,
    Said(ToAsk { question, text }): Said<ToAsk>,
) -> Result<Answer<PutOff>, Fault> {
    let order = (question, text);
    let put_off = questions::ask(&state.store, &state.live, &state.clock, &who, order).await?;
    Ok(Answer(put_off))
}

/// Takes up a question before its time, and withdraws what the field was asked about it.
#[utoipa::path(
    post, path = "/console/v1/question/take-up", request_body = ToRelease,
    responses((status = 204), (status = "default", body = Fault)),
    security(("session" = [])),
)]
pub(super) async fn take_up(
    State(state): State<Arc<AppState>>,
    Settles(who): Settles,
    Said(ToRelease { question }): Said<ToRelease>,
) -> Result<StatusCode, Fault> {
    questions::take_up(&state.store, &state.live, &state.clock, &who, question).await?;
    Ok(StatusCode::NO_CONTENT)
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

impl From<ToDecide> for Order {
    fn from(said: ToDecide) -> Self {
        Order {
            question: said.question,
            seen: said.seen,
            choice: said.choice,
            reason: said.reason,
        }
    }
}

/// What a decision would do: the fields that would change, and whose tablets would learn of it. Writes nothing.
#[utoipa::path(
    post, path = "/console/v1/reviews/preview", request_body = ToDecide,
    responses((status = 200, body = NamedPreview), (status = "default", body = Fault)),
    security(("session" = [])),
)]
pub(super) async fn preview(
    State(state): State<Arc<AppState>>,
    Settles(who): Settles,
    Said(said): Said<ToDecide>,
) -> Result<Answer<NamedPreview>, Fault> {
    let preview = questions::preview(&state.store, &state.clock, &who, said.into()).await?;
    Ok(Answer(preview))
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
    let (reviewer, order) = (who.reviewer(), said.into());
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
