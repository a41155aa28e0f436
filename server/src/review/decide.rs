//! Settling an open question, and taking that back. What somebody chose becomes an ordinary change of the document, made at
//! their desk and judged like any other, in one transaction: it is all there with its reason, or nothing is.
//!
//! What a choice writes is decided in `writes`, which is pure. A question that has changed since somebody looked is
//! not settled by what they saw. Where two people must agree, the first choice waits as a proposal, and nothing is written.

use serde::{Deserialize, Serialize};
use sojourn_sync_protocol::record::{
    Assignments, Document, Edit, EditError, NewDecision, Pairs, Value, answered_hand_over, decided,
    decisions,
};
use sojourn_sync_protocol::{
    AreaCode, ChangeHash, DecisionId, DocKind, DocumentId, HouseholdId, StaffId, Timestamp,
    message::Fate,
};

use super::claims::{self, Claim};
use super::joining::{BATCHES_MAX, ToSettle};
use super::later::{self, Later};
use super::parting::Parting;
use super::proposals::Proposal;
use super::writes::assignments;
use super::{Item, RESIDENCE, ReviewKind, aside, deferrals, pairs};
use crate::audit::{self, Action, Deed, Stamp};
use crate::clock::Clock;
use crate::desk::{Desk, Draws, NotMade};
use crate::documents::{self, FIRST_EPOCH, Held};
use crate::ingest::Settled;
use crate::live::Live;
use crate::store::{Store, StoreError, Tx};
use crate::{areas, residence, review};

/// Characters of a reason, as the record takes them.
pub const REASON_CHARS_MAX: usize = 500;

/// Who settles questions, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reviewer {
    /// Who.
    pub staff: StaffId,
    /// The areas they answer for, and all below.
    pub areas: Vec<AreaCode>,
    /// The kinds of document they may read.
    pub kinds: Vec<DocKind>,
}

/// Which question.
#[derive(
    Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema, utoipa::IntoParams,
)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct QuestionId {
    /// The household.
    #[schema(value_type = String)]
    #[param(value_type = String)]
    pub household: HouseholdId,
    /// Why it waits.
    pub kind: ReviewKind,
    /// The document it is in.
    pub document: DocKind,
    /// What it is about.
    pub subject: String,
}

impl QuestionId {
    pub(super) fn item(&self) -> Item {
        Item::new(self.kind, self.document, self.subject.clone())
    }
}

/// What somebody chose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "choose", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Choice {
    /// One of the values that stand, by the change that wrote it.
    Value {
        /// That change.
        #[schema(value_type = String)]
        change: ChangeHash,
    },
    /// Another value; `null` clears the field.
    Other {
        /// The value.
        #[schema(value_type = Object)]
        value: Option<Value>,
    },
    /// The record stays as it is: a late edit counts, a removal stands, an edit of a record that goes on in another is left there.
    Keep {},
    /// The person who was removed belongs to the household.
    Restore {},
    /// A late edit is put back: its fields get what they had, where nobody has written them since, and what it added is
    /// marked as a mistake.
    PutBack {},
    /// A change that was kept aside counts: every field becomes what it would write.
    Adopt {},
    /// Some of what it would write counts, or something else in its place.
    Adapt {
        /// Fields that it would write, by path, and what they become; `null` clears.
        #[schema(value_type = Object)]
        set: Assignments,
    },
    /// It does not count. Its bytes stay.
    Refuse {},
    /// An edit of a record whose family goes on in another is carried over into that.
    CarryOver {},
    /// Two households are one family, whose record goes on.
    Same {
        /// The household that goes on; it takes over what the other has.
        #[schema(value_type = String)]
        survivor: HouseholdId,
        /// People of the other, each with who they are in the one that goes on. Who is not named is nobody there.
        #[serde(default)]
        #[schema(value_type = Object)]
        persons: Pairs,
    },
    /// Two households are two families.
    Different {},
}

/// What somebody wants to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Which question.
    pub question: QuestionId,
    /// The document's heads as they saw it.
    pub seen: Vec<ChangeHash>,
    /// What they chose.
    pub choice: Choice,
    /// Why. May be empty for who agrees with a proposal.
    pub reason: String,
}

/// A decision to take back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undo {
    /// The household.
    pub household: HouseholdId,
    /// The document it is in.
    pub document: DocKind,
    /// Which.
    pub decision: DecisionId,
    /// Why.
    pub reason: String,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    /// It waits for a second person.
    Proposed,
    /// It is done.
    Decided {
        /// The entry in the record.
        #[schema(value_type = String)]
        decision: DecisionId,
    },
    /// A change of a household that is not in the register was refused.
    Refused,
    /// It was taken back.
    Undone,
}

/// Why nothing was done. Nothing of it is stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Objection {
    /// There is no such question, or it is not theirs.
    #[error("there is no such question in the areas of this reviewer")]
    Unknown,
    /// The record or the question has changed since: look again.
    #[error("the record has changed since it was looked at")]
    Stale,
    /// Somebody else is at work on it.
    #[error("somebody else is at work on it")]
    Claimed(Claim),
    /// A reason is 1 to [`REASON_CHARS_MAX`] characters.
    #[error("a reason is 1 to {REASON_CHARS_MAX} characters")]
    Reason,
    /// The choice does not answer the question.
    #[error("this choice does not answer the question")]
    NotAChoice,
    /// The area is not in the tree.
    #[error("area {0} is not in the tree")]
    UnknownArea(String),
    /// A value does not fit.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// The register does not take the change; the name of the reason.
    #[error("the register does not take it: {0}")]
    Refused(&'static str),
    /// It was taken back before.
    #[error("the decision was taken back before")]
    UndoneAlready,
    /// Fields that contradict themselves are to be settled first.
    #[error("{} fields contradict themselves and are to be settled first", .0.len())]
    Undecided(Vec<ToSettle>),
    /// The record that took over goes on in a third: that is to be taken back first.
    #[error("the family goes on in another record; that is to be taken back first")]
    GoesOn,
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<NotMade> for Objection {
    fn from(not_made: NotMade) -> Self {
        match not_made {
            NotMade::Edit(error) => Objection::Edit(error),
            NotMade::Fate(Fate::Quarantined { reason }) => Objection::Refused(reason.name()),
            NotMade::Fate(_) => Objection::Stale,
            NotMade::TooMany => Objection::Refused("too-large"),
            NotMade::Store(error) => Objection::Store(error),
        }
    }
}

/// Settles a question, or proposes how.
///
/// # Errors
/// [`Objection`]; nothing is stored then.
pub async fn decide(
    store: &Store,
    live: &Live,
    clock: &Clock,
    reviewer: Reviewer,
    order: Order,
) -> Result<Outcome, Objection> {
    let (draws, more, stamp) = (
        batches_of_draws(clock),
        Draws::new(clock),
        Stamp::new(clock),
    );
    let id = DecisionId::new(stamp.at(), clock.random());
    let households = pairs::households_of(&order.question);
    let _turn = store
        .turn(households.iter().map(|one| *one.as_bytes()))
        .await;
    let (outcome, settled) = store
        .write("decide", move |tx| {
            let (outcome, mut settled) = match order.question.kind {
                ReviewKind::PossibleDuplicate => {
                    pairs::settle(tx, &reviewer, &order, id, &draws, &stamp)?
                }
                ReviewKind::EditOfJoined => {
                    settle_later(tx, &reviewer, &order, id, &draws, &stamp)?
                }
                _ => settle(tx, &reviewer, &order, id, &draws[0], &stamp)?,
            };
            // Nobody is to look for an answer that is not wanted any more.
            let taken_back =
                deferrals::take_back(tx, &reviewer, &order.question, &more, stamp.at())?;
            settled.moved.extend(taken_back);
            Ok::<_, Objection>((outcome, settled))
        })
        .await?;
    live.moved(settled.moved);
    Ok(outcome)
}

/// Takes a decision back: every field that it wrote has the values that it had.
///
/// # Errors
/// [`Objection::Stale`] when somebody has written one of the fields since; nothing is stored.
pub async fn undo(
    store: &Store,
    live: &Live,
    clock: &Clock,
    reviewer: Reviewer,
    order: Undo,
) -> Result<Outcome, Objection> {
    let (draws, stamp) = (batches_of_draws(clock), Stamp::new(clock));
    let given_back = DecisionId::new(stamp.at(), clock.random());
    let _turn = store.turn([*order.household.as_bytes()]).await;
    let settled = store
        .write("undo decision", move |tx| {
            take_back(tx, &reviewer, &order, given_back, &draws, &stamp)
        })
        .await?;
    live.moved(settled.moved);
    Ok(Outcome::Undone)
}

fn batches_of_draws(clock: &Clock) -> [Draws; BATCHES_MAX] {
    std::array::from_fn(|_| Draws::new(clock))
}

/// A document of a household that a reviewer answers for.
pub(super) struct Opened {
    pub(super) owner: AreaCode,
    pub(super) held: Held,
}

impl Opened {
    /// Opens it; who may not is told what somebody is told who asks for nothing.
    pub(super) fn of(tx: &Tx<'_>, reviewer: &Reviewer, id: DocumentId) -> Result<Self, Objection> {
        Self::open(tx, reviewer, id, None)
    }

    /// The same, of a document in which nobody may have written yet.
    pub(super) fn or_new(
        tx: &Tx<'_>,
        reviewer: &Reviewer,
        id: DocumentId,
    ) -> Result<Self, Objection> {
        let new = Held {
            epoch: FIRST_EPOCH,
            document: Document::new(id),
        };
        Self::open(tx, reviewer, id, Some(new))
    }

    fn open(
        tx: &Tx<'_>,
        reviewer: &Reviewer,
        id: DocumentId,
        new: Option<Held>,
    ) -> Result<Self, Objection> {
        let owner = residence::owner(tx, id.household)?.ok_or(Objection::Unknown)?;
        let theirs =
            reviewer.kinds.contains(&id.kind) && areas::is_within(tx, &owner, &reviewer.areas)?;
        if !theirs {
            return Err(Objection::Unknown);
        }
        let held = documents::load(tx, id)?.or(new).ok_or(Objection::Unknown)?;
        Ok(Self { owner, held })
    }

    pub(super) fn make(
        &self,
        tx: &Tx<'_>,
        reviewer: &Reviewer,
        edits: &[Edit],
        draws: &Draws,
        now: Timestamp,
    ) -> Result<Settled, Objection> {
        let (staff, areas, kinds) = (reviewer.staff, &reviewer.areas, &reviewer.kinds);
        let desk = Desk::of(tx, staff, areas, kinds, draws, now)?;
        let ground = (&self.held.document, self.held.epoch);
        Ok(desk.make(tx, ground, edits, &self.owner, draws, now)?)
    }
}

/// What an order comes to: one edit of one document.
pub(super) struct Meant {
    /// The document.
    pub(super) opened: Opened,
    /// The decision, with all that it writes.
    pub(super) edit: Edit,
    /// Nothing is written until a second person chooses the same.
    pub(super) waits_for_second: bool,
    reason: String,
}

/// Whether a question is about a change of a household that is not in the register, of which there is no document.
pub(super) fn is_unregistered(tx: &Tx<'_>, question: &QuestionId) -> Result<bool, StoreError> {
    Ok(question.kind == ReviewKind::Quarantined
        && residence::owner(tx, question.household)?.is_none())
}

/// Finds out what an order about one household comes to. Writes nothing.
pub(super) fn mean(
    tx: &Tx<'_>,
    reviewer: &Reviewer,
    order: &Order,
    id: DecisionId,
    reason: Result<String, Objection>,
    now: Timestamp,
) -> Result<Meant, Objection> {
    let question = &order.question;
    let (household, item) = (question.household, question.item());
    let kept_aside = question.kind == ReviewKind::Quarantined;
    let open = if kept_aside {
        Opened::or_new
    } else {
        Opened::of
    };
    let opened = open(tx, reviewer, DocumentId::new(household, question.document))?;
    let document = &opened.held.document;
    let waits = review::waits(tx, household, &item)?;
    if !waits || document.heads() != order.seen {
        return Err(Objection::Stale);
    }
    if let Some(claim) = claims::of(tx, household, &item)?
        && claim.excludes(reviewer.staff, now)
    {
        return Err(Objection::Claimed(claim));
    }
    let earlier = Proposal::of(tx, household, &item)?;
    let agreed = earlier.filter(|earlier| {
        earlier.staff != reviewer.staff
            && earlier.choice == order.choice
            && earlier.heads == order.seen
    });
    let reason = match &agreed {
        Some(earlier) => earlier.reason.clone(),
        None => reason?,
    };
    let (set, outcome, needs_two) = if kept_aside {
        let answer = aside::answer(tx, document, &item, &order.choice)?;
        (answer.set, Some(answer.outcome), answer.needs_two)
    } else {
        let set = assignments(&item, document, &order.choice, &reason)?;
        (set, None, item.needs_two())
    };
    if let Some(Some(Value::Text(area))) = set.get(RESIDENCE)
        && !area
            .parse()
            .is_ok_and(|area| areas::is_known(tx, &area).unwrap_or(false))
    {
        return Err(Objection::UnknownArea(area.clone()));
    }
    let edit = Edit::Decide(NewDecision {
        id: Some(id),
        document: question.document,
        about: item.about(),
        reason: reason.clone(),
        seconded: agreed.as_ref().map(|earlier| earlier.staff),
        outcome,
        takes_over: false,
        goes_on: None,
        set,
    });
    Ok(Meant {
        waits_for_second: needs_two && agreed.is_none(),
        opened,
        edit,
        reason,
    })
}

fn settle(
    tx: &Tx<'_>,
    reviewer: &Reviewer,
    order: &Order,
    id: DecisionId,
    draws: &Draws,
    stamp: &Stamp,
) -> Result<(Outcome, Settled), Objection> {
    let (question, now) = (&order.question, stamp.at());
    let note = |action, owner: &AreaCode| {
        let owners = std::slice::from_ref(owner);
        audit::note_question(tx, stamp, reviewer.staff, action, owners, question)
    };
    let (household, item) = (question.household, question.item());
    if is_unregistered(tx, question)? {
        let outcome = aside::refuse(tx, reviewer, order, stamp)?;
        return Ok((outcome, Settled::default()));
    }
    let meant = mean(tx, reviewer, order, id, reason_of(&order.reason), now)?;
    let Meant { opened, edit, .. } = meant;
    if meant.waits_for_second {
        // A choice that the record would not take is no proposal.
        let rehearsing = Desk::rehearsing(reviewer.staff, &opened.owner, now);
        opened.held.document.clone().edit(&edit, &rehearsing)?;
        let proposal = Proposal {
            staff: reviewer.staff,
            choice: order.choice.clone(),
            reason: meant.reason,
            heads: order.seen.clone(),
        };
        proposal.put(tx, household, &item, now)?;
        claims::end(tx, household, &item)?;
        deferrals::end(tx, household, &item)?;
        note(Action::DecisionProposed, &opened.owner)?;
        return Ok((Outcome::Proposed, Settled::default()));
    }
    let settled = opened.make(tx, reviewer, &[edit], draws, now)?;
    note(Action::Decided, &opened.owner)?;
    Ok((Outcome::Decided { decision: id }, settled))
}

/// Settles what becomes of an edit of a record that goes on in another.
fn settle_later(
    tx: &Tx<'_>,
    reviewer: &Reviewer,
    order: &Order,
    id: DecisionId,
    draws: &[Draws; BATCHES_MAX],
    stamp: &Stamp,
) -> Result<(Outcome, Settled), Objection> {
    let (question, now) = (&order.question, stamp.at());
    let (household, item) = (question.household, question.item());
    let id_of = DocumentId::new(household, question.document);
    Opened::of(tx, reviewer, id_of)?;
    if !review::waits(tx, household, &item)? {
        return Err(Objection::Stale);
    }
    let found = Later::of(tx, reviewer, question)?;
    if found.heads() != order.seen {
        return Err(Objection::Stale);
    }
    if let Some(claim) = claims::of(tx, household, &item)?
        && claim.excludes(reviewer.staff, now)
    {
        return Err(Objection::Claimed(claim));
    }
    let reason = reason_of(&order.reason)?;
    let settled = found.settle(tx, reviewer, (order, &reason), id, draws, now)?;
    let owners = found.owners();
    audit::note_question(
        tx,
        stamp,
        reviewer.staff,
        Action::Decided,
        &owners,
        question,
    )?;
    Ok((Outcome::Decided { decision: id }, settled))
}

fn take_back(
    tx: &Tx<'_>,
    reviewer: &Reviewer,
    order: &Undo,
    given_back: DecisionId,
    draws: &[Draws; BATCHES_MAX],
    stamp: &Stamp,
) -> Result<Settled, Objection> {
    let opened = Opened::of(
        tx,
        reviewer,
        DocumentId::new(order.household, order.document),
    )?;
    let document = &opened.held.document;
    let reason = reason_of(&order.reason)?;
    let note = |owners: &[AreaCode]| {
        let deed = Deed {
            staff: Some(reviewer.staff),
            action: Action::DecisionUndone,
            household: Some(order.household),
            subject: &order.decision.to_string(),
        };
        audit::note(tx, stamp, owners, &deed)
    };
    if let Some(parting) = Parting::of(tx, reviewer, order)? {
        let settled = parting.make(tx, reviewer, (&reason, given_back), draws, stamp.at())?;
        note(&parting.owners())?;
        return Ok(settled);
    }
    let made = decided(document, order.decision).ok_or(Objection::Unknown)?;
    let known = decisions(document);
    // A family that was taken over is handed back by another hand-over: both areas agree on that too.
    let about = known
        .get(&order.decision)
        .and_then(|found| found.about.as_ref());
    if about.is_some_and(|about| {
        about
            .values()
            .any(|text| answered_hand_over(text).is_some())
    }) {
        return Err(Objection::NotAChoice);
    }
    // What was carried over into another record is taken back with the joining.
    if known.get(&order.decision).is_some_and(later::carried) {
        return Err(Objection::NotAChoice);
    }
    if known
        .get(&order.decision)
        .is_some_and(|decision| decision.is_undone())
    {
        return Err(Objection::UndoneAlready);
    }
    if !made.fields.values().all(|field| field.stands) {
        return Err(Objection::Stale);
    }
    let edits = made.edits_to_undo(order.decision, order.document, &reason);
    let mut settled = opened.make(tx, reviewer, &edits, &draws[0], stamp.at())?;
    let mut owners = vec![opened.owner.clone()];
    if let Some(twin) = pairs::twin_of(tx, reviewer, order, &known)? {
        let more = twin.make(tx, reviewer, &edits, &draws[1], stamp.at())?;
        settled.moved.extend(more.moved);
        owners.extend((!owners.contains(&twin.owner)).then_some(twin.owner));
    }
    note(&owners)?;
    Ok(settled)
}

pub(super) fn reason_of(text: &str) -> Result<String, Objection> {
    let text = text.trim();
    let fits = (1..=REASON_CHARS_MAX).contains(&text.chars().count())
        && !text.chars().any(|c| c.is_control() && c != '\n');
    fits.then(|| text.to_owned()).ok_or(Objection::Reason)
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
