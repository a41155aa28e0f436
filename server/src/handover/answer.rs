//! Answering a hand-over: one ordinary change at the reviewer's desk, judged like any other and told in the trail of both areas,
//! in one transaction. What somebody has answered or withdrawn meanwhile is not answered again.

use serde::{Deserialize, Serialize};
use sojourn_sync_protocol::record::{Edit, EditError, HandOverState, MoveAnswer};
use sojourn_sync_protocol::{AreaCode, ChangeHash, DecisionId, HouseholdId, MoveId, message::Fate};

use super::Sides;
use super::checklist::Checklist;
use super::door::{self, DoorDraws, Ground, Provisional};
use super::page::Opened;
use crate::audit::{self, Action, Stamp};
use crate::clock::Clock;
use crate::desk::{Desk, Draws, NotMade};
use crate::ingest::Settled;
use crate::live::Live;
use crate::review::decide::{REASON_CHARS_MAX, Reviewer};
use crate::store::{Store, StoreError, Tx};

/// What somebody does about a hand-over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Deed {
    /// Take the family over.
    Accept,
    /// Do not.
    Reject,
    /// Take the proposal back: the family stays.
    Withdraw,
}

impl Deed {
    /// What somebody on these sides may do while it waits.
    pub(super) fn of(sides: Sides) -> Vec<Self> {
        let all = [
            (Self::Accept, sides.asked),
            (Self::Reject, sides.asked),
            (Self::Withdraw, sides.asking),
        ];
        let theirs = all.into_iter().filter(|(_, may)| *may);
        theirs.map(|(deed, _)| deed).collect()
    }

    const fn action(self) -> Action {
        match self {
            Self::Accept => Action::HandOverAccepted,
            Self::Reject => Action::HandOverRejected,
            Self::Withdraw => Action::HandOverWithdrawn,
        }
    }
}

/// What somebody wants to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The household.
    pub household: HouseholdId,
    /// The entry under its moves.
    pub entry: MoveId,
    /// What they saw of it.
    pub seen: Vec<ChangeHash>,
    /// What to do.
    pub deed: Deed,
    /// Why; may be empty for who accepts.
    pub reason: String,
    /// Which family of theirs it is, for who lets one go that is at another area's door.
    pub family: Option<HouseholdId>,
    /// The family was asked and agrees, though it had refused that its records follow it.
    pub family_agrees: bool,
}

/// Why nothing was done. Nothing of it is stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAnswered {
    /// There is no such hand-over, or it is between areas of others.
    #[error("there is no such hand-over in the areas of this reviewer")]
    Unknown,
    /// It does not wait any more; how it stands.
    #[error("the hand-over is {0} by now")]
    Answered(HandOverState),
    /// Its entry has changed since: look again.
    #[error("the hand-over has changed since it was looked at")]
    Stale,
    /// This is for the other side to do.
    #[error("this is for the other area to do")]
    NotYours,
    /// A reason is 1 to [`REASON_CHARS_MAX`] characters.
    #[error("a reason is 1 to {REASON_CHARS_MAX} characters")]
    Reason,
    /// The family refused that its records follow it, and nobody has said that it agrees now.
    #[error("the family refused sharing; ask it first")]
    Unconfirmed,
    /// None of their families that it may be was named.
    #[error("say which family it is, of those that were found")]
    NoFamily,
    /// The register does not take the change; the name of the reason.
    #[error("the register does not take it: {0}")]
    Refused(String),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<NotMade> for NotAnswered {
    fn from(not_made: NotMade) -> Self {
        match not_made {
            NotMade::Edit(EditError::NotProposed { .. } | EditError::NothingChanged) => {
                NotAnswered::Stale
            }
            NotMade::Edit(error) => NotAnswered::Refused(error.to_string()),
            NotMade::Fate(Fate::Quarantined { reason }) => {
                NotAnswered::Refused(reason.name().to_owned())
            }
            NotMade::Fate(_) => NotAnswered::Stale,
            NotMade::TooMany => NotAnswered::Refused("too-large".to_owned()),
            NotMade::Store(error) => NotAnswered::Store(error),
        }
    }
}

/// Answers a hand-over; gives how it stands then.
///
/// # Errors
/// [`NotAnswered`]; nothing is stored then.
pub async fn answer(
    store: &Store,
    live: &Live,
    clock: &Clock,
    reviewer: Reviewer,
    order: Answer,
) -> Result<HandOverState, NotAnswered> {
    let (draws, at_door, stamp) = (Draws::new(clock), DoorDraws::new(clock), Stamp::new(clock));
    let decision = DecisionId::new(stamp.at(), clock.random());
    let _turn = store.turn([*order.household.as_bytes()]).await;
    let deed = order.deed;
    let settled = store
        .write("answer hand-over", move |tx| {
            let opened = Opened::of(tx, &reviewer, order.household, order.entry)?;
            if opened.row.at_door && order.deed == Deed::Accept {
                return let_go(tx, &reviewer, &order, &opened, &at_door, &stamp);
            }
            settle(tx, &reviewer, &order, opened, decision, &draws, &stamp)
        })
        .await?;
    live.moved(settled.moved);
    Ok(match deed {
        Deed::Accept => HandOverState::Accepted,
        Deed::Reject => HandOverState::Rejected,
        Deed::Withdraw => HandOverState::Withdrawn,
    })
}

fn settle(
    tx: &Tx<'_>,
    reviewer: &Reviewer,
    order: &Answer,
    opened: Opened,
    decision: DecisionId,
    draws: &Draws,
    stamp: &Stamp,
) -> Result<Settled, NotAnswered> {
    let (now, id) = (stamp.at(), order.entry);
    may_answer(order, &opened)?;
    let reason = reason_of(&order.reason)?;
    let given = || reason.clone().ok_or(NotAnswered::Reason);
    // Whoever answers does so for the area that is theirs.
    let asked = opened.row.asked().cloned();
    let to = asked.ok_or(NotAnswered::Stale)?;
    let (edit, area) = match order.deed {
        Deed::Accept => {
            let view = opened.whole(tx, reviewer)?;
            if Checklist::of(&view, false, now).sharing_refused && !order.family_agrees {
                return Err(NotAnswered::Unconfirmed);
            }
            (answered(id, true, reason.clone(), decision), to.clone())
        }
        Deed::Reject => (answered(id, false, Some(given()?), decision), to.clone()),
        Deed::Withdraw => {
            let reason = given()?;
            let withdrawn = Edit::WithdrawMove { r#move: id, reason };
            (withdrawn, opened.owner.clone())
        }
    };
    let (staff, areas, kinds) = (reviewer.staff, &reviewer.areas, &reviewer.kinds);
    let desk = Desk::of(tx, staff, areas, kinds, draws, now)?;
    let ground = (&opened.held.document, opened.held.epoch);
    let settled = desk.make(tx, ground, &[edit], &area, draws, now)?;
    note(
        tx,
        stamp,
        reviewer,
        order.deed.action(),
        (order.household, id),
        &[opened.owner, to],
    )?;
    Ok(settled)
}

/// Whether somebody may answer it so, and looked at what stands there now.
fn may_answer(order: &Answer, opened: &Opened) -> Result<(), NotAnswered> {
    if !Deed::of(opened.sides).contains(&order.deed) {
        return Err(NotAnswered::NotYours);
    }
    if opened.row.state != HandOverState::Proposed {
        return Err(NotAnswered::Answered(opened.row.state));
    }
    if !opened.hand_over.written_by.iter().eq(&order.seen) {
        return Err(NotAnswered::Stale);
    }
    Ok(())
}

/// Lets a family go that is at another area's door.
fn let_go(
    tx: &Tx<'_>,
    reviewer: &Reviewer,
    order: &Answer,
    opened: &Opened,
    draws: &DoorDraws,
    stamp: &Stamp,
) -> Result<Settled, NotAnswered> {
    may_answer(order, opened)?;
    let family = order.family.ok_or(NotAnswered::NoFamily)?;
    let asked = opened.row.asked().ok_or(NotAnswered::Stale)?;
    let theirs = door::families(tx, order.household, asked, Some(&reviewer.areas))?;
    if !theirs.iter().any(|(one, _)| *one == family) {
        return Err(NotAnswered::NoFamily);
    }
    let reason = reason_of(&order.reason)?.ok_or(NotAnswered::Reason)?;
    if door::sharing_refused(tx, family)? && !order.family_agrees {
        return Err(NotAnswered::Unconfirmed);
    }
    let provisional = Provisional::of(tx, (order.household, order.entry))?;
    let ground = Ground::Reviewer(reviewer, reason);
    provisional.accept(tx, family, &ground, draws, stamp)
}

/// Tells in the trail of both areas what somebody did about a hand-over.
pub(crate) fn note(
    tx: &Tx<'_>,
    stamp: &Stamp,
    reviewer: &Reviewer,
    action: Action,
    (household, entry): (HouseholdId, MoveId),
    both: &[AreaCode],
) -> Result<(), StoreError> {
    let deed = audit::Deed {
        staff: Some(reviewer.staff),
        action,
        household: Some(household),
        subject: &format!("moves/{entry}"),
    };
    audit::note(tx, stamp, both, &deed)
}

pub(super) fn answered(
    id: MoveId,
    accept: bool,
    reason: Option<String>,
    decision: DecisionId,
) -> Edit {
    Edit::AnswerMove(MoveAnswer {
        r#move: id,
        accept,
        decision: (accept && reason.is_some()).then_some(decision),
        reason,
    })
}

/// A reason as the record takes it; `None` of nothing.
fn reason_of(text: &str) -> Result<Option<String>, NotAnswered> {
    let text = text.trim();
    let fits = text.chars().count() <= REASON_CHARS_MAX
        && !text.chars().any(|c| c.is_control() && c != '\n');
    if !fits {
        return Err(NotAnswered::Reason);
    }
    Ok((!text.is_empty()).then(|| text.to_owned()))
}
