//! One open question with all that a person needs to settle it: who wrote what, on which tablet, when it was written and
//! when it arrived, what each had before them, what else they wrote with it, and what was decided about it before.

use std::collections::BTreeMap;

use serde::Serialize;
use sojourn_sync_protocol::record::{
    Contradiction, DecisionView, Document, HistoryEntry, HouseholdView, Shown, Written,
    contradictions, decisions, history, mask_id_number, view, written_by,
};
use sojourn_sync_protocol::{
    AreaCode, ChangeHash, DecisionId, DeviceId, DocKind, DocumentId, HouseholdId, StaffId,
    Timestamp,
};

use super::aside::{self, Aside};
use super::claims::{self, Claim};
use super::decide::{Choice, Objection, Opened, QuestionId, Reviewer};
use super::joining_preview::TakenOver;
use super::later::Later;
use super::pairs::{self, Twin};
use super::proposals::Proposal;
use super::severity::{Severity, settled_by_two};
use super::{Item, ReviewKind};
use crate::params;
use crate::review;
use crate::store::{StoreError, Tx};

/// A question and what it rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Case {
    /// Which question.
    pub question: QuestionId,
    /// The area responsible.
    #[schema(value_type = String)]
    pub area: AreaCode,
    /// How much depends on it.
    pub severity: Severity,
    /// Whether two people must agree. To refuse a change that was kept aside, one is enough.
    pub needs_two: bool,
    /// The document's heads: whoever decides says that they saw these. None where the household is not in the register.
    #[schema(value_type = Vec<String>)]
    pub heads: Vec<ChangeHash>,
    /// The field's contradiction, for a question about one.
    #[schema(value_type = Option<Object>)]
    pub contradiction: Option<Contradiction>,
    /// The changes that the question is between, or is about.
    pub sides: Vec<Side>,
    /// The change that was kept aside, for a question about one.
    pub aside: Option<Aside>,
    /// Decisions about it, those taken back among them.
    #[schema(value_type = Object)]
    pub earlier: BTreeMap<DecisionId, DecisionView>,
    /// A choice that waits for a second person.
    pub proposal: Option<Proposed>,
    /// Who is at work on it.
    pub claim: Option<Claim>,
    /// The household as it stands, identity numbers masked; absent where it is not in the register.
    #[schema(value_type = Option<Object>)]
    pub record: Option<HouseholdView>,
    /// The other household, for a question about two.
    pub twin: Option<Twin>,
    /// What carrying an edit over would do, for a question about a record that goes on in another.
    pub carries: Option<TakenOver>,
    /// The areas responsible for what it is about; one, or those of two households.
    #[serde(skip)]
    pub owners: Vec<AreaCode>,
}

/// One change that a question is between.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Side {
    /// The change.
    #[schema(value_type = String)]
    pub change: ChangeHash,
    /// Who, as it claims.
    #[schema(value_type = Option<String>)]
    pub staff: Option<StaffId>,
    /// The area they worked for.
    #[schema(value_type = Option<String>)]
    pub area: Option<AreaCode>,
    /// The tablet that handed it in.
    #[schema(value_type = String)]
    pub device: DeviceId,
    /// When it was written, by the author's clock, in milliseconds.
    #[schema(value_type = i64)]
    pub written_at: Timestamp,
    /// When it arrived, by the register's clock, in milliseconds.
    #[schema(value_type = i64)]
    pub arrived_at: Timestamp,
    /// The household had left the author's area.
    pub late: bool,
    /// The kind of edit.
    pub edit: Option<String>,
    /// Every field that it wrote, with what its author saw there before.
    #[schema(value_type = Object)]
    pub fields: BTreeMap<String, Written>,
}

/// A choice that waits for a second person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Proposed {
    /// Whose it is.
    #[schema(value_type = String)]
    pub staff: StaffId,
    /// What they chose.
    pub choice: Choice,
    /// Why.
    pub reason: String,
}

impl From<Proposal> for Proposed {
    fn from(proposal: Proposal) -> Self {
        Proposed {
            staff: proposal.staff,
            choice: proposal.choice,
            reason: proposal.reason,
        }
    }
}

/// Reads a question that waits.
///
/// # Errors
/// [`Objection::Unknown`] when it does not wait, or not in the reviewer's areas.
pub fn read(tx: &Tx<'_>, reviewer: &Reviewer, question: &QuestionId) -> Result<Case, Objection> {
    if question.kind == ReviewKind::Quarantined {
        return read_aside(tx, reviewer, question);
    }
    if question.kind == ReviewKind::PossibleDuplicate {
        return pairs::read(tx, reviewer, question);
    }
    if question.kind == ReviewKind::EditOfJoined {
        return read_later(tx, reviewer, question);
    }
    let household = question.household;
    let opened = Opened::of(tx, reviewer, DocumentId::new(household, question.document))?;
    let item = question.item();
    if !review::waits(tx, household, &item)? {
        return Err(Objection::Unknown);
    }
    let document = &opened.held.document;
    let found = contradictions(document);
    let contradiction = found.into_iter().find(|found| found.path == item.subject);
    let mut sides = Vec::new();
    for change in between(&item, document, contradiction.as_ref()) {
        sides.extend(side(tx, document, change, &item.subject)?);
    }
    let case = Case {
        contradiction,
        sides,
        record: Some(record(tx, reviewer, household)?),
        ..bare(tx, question, opened.owner.clone(), document)?
    };
    Ok(case)
}

/// A question about an edit of a record that goes on in another.
fn read_later(tx: &Tx<'_>, reviewer: &Reviewer, question: &QuestionId) -> Result<Case, Objection> {
    if !review::waits(tx, question.household, &question.item())? {
        return Err(Objection::Unknown);
    }
    let found = Later::of(tx, reviewer, question)?;
    let document = &found.edited.held.document;
    let mut sides = Vec::new();
    for change in between(&question.item(), document, None) {
        sides.extend(side(tx, document, change, &question.subject)?);
    }
    Ok(Case {
        sides,
        heads: found.heads(),
        carries: Some(found.preview()),
        record: Some(record(tx, reviewer, question.household)?),
        owners: found.owners(),
        ..bare(tx, question, found.edited.owner.clone(), document)?
    })
}

/// A question about a change that was kept aside, in the light of the document it was meant for.
fn read_aside(tx: &Tx<'_>, reviewer: &Reviewer, question: &QuestionId) -> Result<Case, Objection> {
    let (area, kept) = aside::waiting(tx, reviewer, question)?;
    let document = aside::document(tx, reviewer, question)?;
    let seen = aside::look(tx, &document, &kept, question)?;
    let mut case = bare(tx, question, area, &document)?;
    if seen.registered {
        case.needs_two = settled_by_two(question.document, seen.fields.keys());
        case.record = Some(record(tx, reviewer, question.household)?);
    } else {
        case.heads.clear();
    }
    case.aside = Some(seen);
    Ok(case)
}

/// What every question has.
fn bare(
    tx: &Tx<'_>,
    question: &QuestionId,
    area: AreaCode,
    document: &Document,
) -> Result<Case, StoreError> {
    let (household, item) = (question.household, question.item());
    let about = item.about();
    let mut earlier = decisions(document);
    earlier.retain(|_, decision| {
        let about_this = |shown: &Shown<String>| shown.values().any(|said| *said == about);
        decision.about.as_ref().is_some_and(about_this)
    });
    let proposal = Proposal::of(tx, household, &item)?;
    Ok(Case {
        question: question.clone(),
        severity: item.severity(),
        needs_two: item.needs_two(),
        heads: document.heads(),
        contradiction: None,
        sides: Vec::new(),
        aside: None,
        earlier,
        proposal: proposal.map(Proposed::from),
        claim: claims::of(tx, household, &item)?,
        record: None,
        twin: None,
        carries: None,
        owners: vec![area.clone()],
        area,
    })
}

/// The household as somebody may see it, identity numbers masked.
///
/// # Errors
/// [`Objection::Unknown`] when there is none of that id in the reviewer's areas.
pub fn record(
    tx: &Tx<'_>,
    reviewer: &Reviewer,
    household: HouseholdId,
) -> Result<HouseholdView, Objection> {
    let core = Opened::of(tx, reviewer, DocumentId::new(household, DocKind::Core))?;
    let health = Opened::of(tx, reviewer, DocumentId::new(household, DocKind::Health));
    let health = match health {
        Ok(health) => Some(health.held.document),
        Err(Objection::Unknown) => None,
        Err(error) => return Err(error),
    };
    let mut view = view(household, &core.held.document, health.as_ref())
        .map_err(|error| StoreError::Corrupt(error.to_string()))?;
    view.mask_id_numbers();
    Ok(view)
}

/// The changes that a question is between, or is about.
fn between(
    item: &Item,
    document: &Document,
    contradiction: Option<&Contradiction>,
) -> Vec<ChangeHash> {
    match item.kind {
        ReviewKind::Contradiction | ReviewKind::ContestedResidence => {
            let values = contradiction.into_iter().flat_map(|found| &found.values);
            values.map(|value| value.change).collect()
        }
        ReviewKind::LateEdit | ReviewKind::EditOfJoined => {
            item.subject.parse().into_iter().collect()
        }
        ReviewKind::EditOfRemoved => {
            let named = item.subject.split(' ').skip(1);
            named.filter_map(|hash| hash.parse().ok()).collect()
        }
        ReviewKind::UnknownArea => history(document, Some(super::RESIDENCE))
            .last()
            .map(|entry| entry.change)
            .into_iter()
            .collect(),
        ReviewKind::Quarantined | ReviewKind::PossibleDuplicate => Vec::new(),
    }
}

/// Identity numbers are masked but where they are what the question is about.
fn side(
    tx: &Tx<'_>,
    document: &Document,
    change: ChangeHash,
    subject: &str,
) -> Result<Option<Side>, StoreError> {
    let id = document.id();
    let came = tx.query_opt(
        "SELECT device, arrived_at, late FROM changes WHERE household = ?1 AND kind = ?2 AND hash = ?3",
        params![id.household.as_bytes(), id.kind.code(), change.as_bytes()],
        |row| {
            Ok((
                DeviceId::from_bytes(row.array(0)?),
                Timestamp::from_millis(row.i64(1)?),
                row.bool(2)?,
            ))
        },
    )?;
    let told: Option<HistoryEntry> = history(document, None)
        .into_iter()
        .find(|entry| entry.change == change);
    let (Some((device, arrived_at, late)), Some(told)) = (came, told) else {
        return Ok(None);
    };
    let mut fields = written_by(document, &change);
    for (path, written) in fields.iter_mut().filter(|(path, _)| *path != subject) {
        mask_id_number(path, &mut written.value);
        for before in &mut written.before {
            mask_id_number(path, before);
        }
    }
    Ok(Some(Side {
        change,
        staff: told.staff,
        area: told.area,
        device,
        written_at: told.at,
        arrived_at,
        late,
        edit: told.edit,
        fields,
    }))
}
