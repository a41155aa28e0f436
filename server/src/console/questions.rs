//! The queue of open questions, and one of them with all that it rests on and what would come of it.

use serde::Serialize;
use sojourn_sync_protocol::record::Shown;
use sojourn_sync_protocol::{DecisionId, NeedId, StaffId, Timestamp};

use super::Names;
use crate::accounts::sessions::SignedIn;
use crate::audit::{self, Action, Stamp};
use crate::clock::Clock;
use crate::cursor::Cursor;
use crate::desk::Draws;
use crate::live::Live;
use crate::review::case::{self, Case};
use crate::review::claims::{self, Claim};
use crate::review::decide::{Objection, Order, QuestionId};
use crate::review::deferrals::{self, PutOff};
use crate::review::preview::{self, Preview};
use crate::review::queue::{self, Filter, Place, Question};
use crate::store::{Store, StoreError};

/// A page of the queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Queue {
    /// The questions, what matters most first.
    pub questions: Vec<Question>,
    /// How many there are on all pages.
    pub total: usize,
    /// How many of them, whatever page, are put off or wait for the field.
    pub put_off: usize,
    /// Where the next page begins.
    #[schema(value_type = Option<String>)]
    pub next: Option<Cursor<Place>>,
    /// Of the people and areas in them.
    pub names: Names,
}

/// Reads a page of the queue.
///
/// # Errors
/// [`StoreError`].
pub async fn queue(
    store: &Store,
    clock: &Clock,
    who: &SignedIn,
    filter: Filter,
    after: Option<Place>,
    most: usize,
) -> Result<Queue, StoreError> {
    let (now, areas) = (clock.now(), who.areas.clone());
    store
        .read("queue", move |tx| {
            let page = queue::page(tx, &areas, &filter, after.as_ref(), most, now)?;
            let mut names = Names::default();
            for question in &page.questions {
                names.add_areas(tx, [question.area.clone()])?;
                names.add_areas(tx, question.between.iter().cloned())?;
                names.add_staff(tx, question.claim.map(|claim| claim.staff))?;
                names.add_staff(tx, question.proposed_by)?;
                names.add_staff(tx, question.put_off.as_ref().map(|put_off| put_off.staff))?;
            }
            Ok(Queue {
                questions: page.questions,
                total: page.total,
                put_off: page.put_off,
                next: page.next.map(Cursor),
                names,
            })
        })
        .await
}

/// A question, and the names of those it speaks of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct NamedCase {
    /// The question.
    #[serde(flatten)]
    pub case: Case,
    /// It is put off, or waits for an answer from the field.
    pub put_off: Option<PutOff>,
    /// What the field answered to what was asked about it before.
    pub answers: Vec<FieldAnswer>,
    /// Of the people and areas in it.
    pub names: Names,
}

/// What the field was asked about a question, and what it answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct FieldAnswer {
    /// The request in the record.
    #[schema(value_type = String)]
    pub asked: NeedId,
    /// What was asked.
    pub text: String,
    /// What was answered.
    pub answer: String,
}

fn answers_in(case: &Case) -> Vec<FieldAnswer> {
    let needs = case.record.iter().flat_map(|record| &record.needs);
    let about = deferrals::asks(&case.question);
    let ours = |shown: &Shown<String>| shown.values().any(|said| *said == about);
    let all = |shown: &Shown<String>| shown.values().cloned().collect::<Vec<_>>().join(" ≠ ");
    let answered = needs.filter_map(|(id, need)| {
        let answer = need.answer.as_ref()?;
        need.asks.as_ref().filter(|asks| ours(asks))?;
        Some(FieldAnswer {
            asked: *id,
            text: need.text.as_ref().map(all).unwrap_or_default(),
            answer: all(answer),
        })
    });
    answered.collect()
}

/// Reads a question that waits, and tells so in the trail.
///
/// # Errors
/// [`Objection::Unknown`] when it does not wait, or not in the areas of who asks.
pub async fn question(
    store: &Store,
    clock: &Clock,
    who: &SignedIn,
    question: QuestionId,
) -> Result<NamedCase, Objection> {
    let (reviewer, asked, now) = (who.reviewer(), question.clone(), clock.now());
    let read = store
        .read("question", move |tx| {
            let case = case::read(tx, &reviewer, &asked)?;
            let mut names = Names::default();
            names.add_areas(tx, [case.area.clone()])?;
            names.add_areas(tx, case.sides.iter().filter_map(|side| side.area.clone()))?;
            names.add_staff(tx, case.sides.iter().filter_map(|side| side.staff))?;
            if let Some(record) = &case.record {
                names.add_areas(tx, super::households::areas_in(record))?;
                names.add_seconders(tx, record.decisions.values())?;
            }
            if let Some(aside) = &case.aside {
                names.add_staff(tx, aside.staff)?;
                names.add_areas(tx, aside.areas())?;
            }
            if let Some(twin) = &case.twin {
                names.add_areas(tx, case.owners.iter().cloned())?;
                names.add_areas(tx, super::households::areas_in(&twin.record))?;
                names.add_seconders(tx, twin.record.decisions.values())?;
            }
            names.add_staff(tx, case.claim.map(|claim| claim.staff))?;
            names.add_staff(tx, case.proposal.as_ref().map(|proposal| proposal.staff))?;
            let put_off = deferrals::now(tx, &asked, now)?;
            names.add_staff(tx, put_off.as_ref().map(|put_off| put_off.staff))?;
            let answers = answers_in(&case);
            Ok::<_, Objection>(NamedCase {
                case,
                put_off,
                answers,
                names,
            })
        })
        .await?;
    let (stamp, staff, owners) = (Stamp::new(clock), who.staff.id, read.case.owners.clone());
    store
        .write("question read", move |tx| {
            audit::note_question(tx, &stamp, staff, Action::QuestionRead, &owners, &question)
        })
        .await?;
    Ok(read)
}

/// What a decision would do, and the names of the areas that it speaks of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct NamedPreview {
    /// What it would do.
    #[serde(flatten)]
    pub preview: Preview,
    /// Of the areas in it.
    pub names: Names,
}

/// Says what a decision would do. Shows nothing that the question does not, so it stands in no trail.
///
/// # Errors
/// As [`preview::preview`].
pub async fn preview(
    store: &Store,
    clock: &Clock,
    who: &SignedIn,
    order: Order,
) -> Result<NamedPreview, Objection> {
    let (reviewer, now) = (who.reviewer(), clock.now());
    let id = DecisionId::new(now, clock.random());
    store
        .read("preview", move |tx| {
            let preview = preview::preview(tx, &reviewer, &order, id, now)?;
            let mut names = Names::default();
            let areas = preview.records.iter().flat_map(|record| &record.areas);
            names.add_areas(tx, areas.map(|receives| receives.area.clone()))?;
            Ok(NamedPreview { preview, names })
        })
        .await
}

/// Claims a question for oneself while it is open, or gives it to a colleague for longer.
///
/// # Errors
/// As [`claims::claim`]; [`Objection::Unknown`] for a colleague who does not settle questions there.
pub async fn claim(
    store: &Store,
    live: &Live,
    clock: &Clock,
    who: &SignedIn,
    (question, colleague): (QuestionId, Option<StaffId>),
) -> Result<Claim, Objection> {
    let (reviewer, stamp) = (who.reviewer(), Stamp::new(clock));
    let (claim, owners) = store
        .write("claim question", move |tx| {
            let holder = match colleague {
                None => (reviewer.staff, claims::OPEN_MS),
                Some(staff) if settles(tx, staff)? => (staff, claims::ASSIGNED_MS),
                Some(_) => return Err(Objection::Unknown),
            };
            let (owners, _) = claims::theirs(tx, &reviewer, &question, stamp.at())?;
            let claim = claims::claim(tx, &reviewer, &question, holder, &stamp)?;
            Ok((claim, owners))
        })
        .await?;
    live.at_desks(owners);
    Ok(claim)
}

fn settles(tx: &crate::store::Tx<'_>, staff: StaffId) -> Result<bool, StoreError> {
    Ok(crate::staff::get(tx, staff)?.is_some_and(|found| found.role.settles()))
}

/// Lets a question go.
///
/// # Errors
/// As [`claims::release`].
pub async fn release(
    store: &Store,
    live: &Live,
    clock: &Clock,
    who: &SignedIn,
    question: QuestionId,
) -> Result<(), Objection> {
    let (reviewer, stamp) = (who.reviewer(), Stamp::new(clock));
    let owners = store
        .write("release question", move |tx| {
            let (owners, _) = claims::theirs(tx, &reviewer, &question, stamp.at())?;
            claims::release(tx, &reviewer, &question, &stamp)?;
            Ok::<_, Objection>(owners)
        })
        .await?;
    live.at_desks(owners);
    Ok(())
}

/// Puts a question off until a moment.
///
/// # Errors
/// As [`deferrals::put_off`].
pub async fn put_off(
    store: &Store,
    live: &Live,
    clock: &Clock,
    who: &SignedIn,
    (question, until, reason): (QuestionId, Timestamp, String),
) -> Result<PutOff, Objection> {
    let (reviewer, stamp) = (who.reviewer(), Stamp::new(clock));
    let (put_off, owners) = store
        .write("put question off", move |tx| {
            deferrals::put_off(tx, &reviewer, &question, (until, &reason), &stamp)
        })
        .await?;
    live.at_desks(owners);
    Ok(put_off)
}

/// Asks those who hold the household about a question.
///
/// # Errors
/// As [`deferrals::ask`].
pub async fn ask(
    store: &Store,
    live: &Live,
    clock: &Clock,
    who: &SignedIn,
    (question, text): (QuestionId, String),
) -> Result<PutOff, Objection> {
    let (reviewer, stamp, draws) = (who.reviewer(), Stamp::new(clock), Draws::new(clock));
    let need = NeedId::new(stamp.at(), clock.random());
    let _turn = store.turn([*question.household.as_bytes()]).await;
    let (put_off, moved) = store
        .write("ask the field", move |tx| {
            deferrals::ask(tx, &reviewer, &question, (need, &text), &draws, &stamp)
        })
        .await?;
    live.moved(moved);
    Ok(put_off)
}

/// Takes up a question that was put off or waits for the field.
///
/// # Errors
/// As [`deferrals::take_up`].
pub async fn take_up(
    store: &Store,
    live: &Live,
    clock: &Clock,
    who: &SignedIn,
    question: QuestionId,
) -> Result<(), Objection> {
    let (reviewer, stamp, draws) = (who.reviewer(), Stamp::new(clock), Draws::new(clock));
    let _turn = store.turn([*question.household.as_bytes()]).await;
    let (owners, moved) = store
        .write("take question up", move |tx| {
            deferrals::take_up(tx, &reviewer, &question, &draws, &stamp)
        })
        .await?;
    live.moved(moved);
    live.at_desks(owners);
    Ok(())
}
