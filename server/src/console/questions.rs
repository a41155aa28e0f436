//! The queue of open questions, and one of them with all that it rests on and what would come of it.

use serde::Serialize;
use sojourn_sync_protocol::record::Pairs;
use sojourn_sync_protocol::{HouseholdId, StaffId};

use super::Names;
use crate::accounts::sessions::SignedIn;
use crate::audit::{self, Action, Stamp};
use crate::clock::Clock;
use crate::cursor::Cursor;
use crate::review::case::{self, Case};
use crate::review::claims::{self, Claim};
use crate::review::decide::{Objection, QuestionId};
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
            }
            Ok(Queue {
                questions: page.questions,
                total: page.total,
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
    /// Of the people and areas in it.
    pub names: Names,
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
    let (reviewer, asked) = (who.reviewer(), question.clone());
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
            Ok::<_, Objection>(NamedCase { case, names })
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

/// What joining the two records of a question would do: nothing is written.
///
/// # Errors
/// As [`preview::preview`].
pub async fn preview(
    store: &Store,
    who: &SignedIn,
    question: QuestionId,
    survivor: HouseholdId,
    persons: Pairs,
) -> Result<Preview, Objection> {
    let reviewer = who.reviewer();
    store
        .read("preview", move |tx| {
            preview::preview(tx, &reviewer, &question, (survivor, &persons))
        })
        .await
}

/// Claims a question for oneself while it is open, or gives it to a colleague for longer.
///
/// # Errors
/// As [`claims::claim`]; [`Objection::Unknown`] for a colleague who does not settle questions there.
pub async fn claim(
    store: &Store,
    clock: &Clock,
    who: &SignedIn,
    question: QuestionId,
    colleague: Option<StaffId>,
) -> Result<Claim, Objection> {
    let (reviewer, stamp) = (who.reviewer(), Stamp::new(clock));
    store
        .write("claim question", move |tx| {
            let holder = match colleague {
                None => (reviewer.staff, claims::OPEN_MS),
                Some(staff) if settles(tx, staff)? => (staff, claims::ASSIGNED_MS),
                Some(_) => return Err(Objection::Unknown),
            };
            claims::claim(tx, &reviewer, &question, holder, &stamp)
        })
        .await
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
    clock: &Clock,
    who: &SignedIn,
    question: QuestionId,
) -> Result<(), Objection> {
    let (reviewer, stamp) = (who.reviewer(), Stamp::new(clock));
    store
        .write("release question", move |tx| {
            claims::release(tx, &reviewer, &question, &stamp)
        })
        .await
}
