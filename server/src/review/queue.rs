//! The queue that reviewers work from: what waits in their areas, what matters most first and of that the oldest.
//!
//! Reads every open question of the store for a page of them: questions are few beside households, and people settle them.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sojourn_sync_protocol::{
    AreaCode, ChangeHash, DocKind, DocumentId, HouseholdId, StaffId, Timestamp,
};

use super::claims::Claim;
use super::deferrals::{self, PutOff};
use super::severity::Severity;
use super::{Item, ReviewKind, aside, later, pairs, subject};
use crate::areas;
use crate::cursor::cut;
use crate::documents::kind;
use crate::params;
use crate::store::{Row, StoreError, Tx};

/// Questions on one page at most.
pub const PAGE_MAX: usize = 200;

/// One open question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Question {
    /// The household.
    #[schema(value_type = String)]
    pub household: HouseholdId,
    /// Why it waits.
    pub kind: ReviewKind,
    /// The document it is in.
    pub document: DocKind,
    /// A field's path, a change's hash, or an area's code.
    pub subject: String,
    /// Why it was kept aside, for a change that was: the name of a reason, or `fork`.
    pub aside: Option<String>,
    /// How much depends on it.
    pub severity: Severity,
    /// Whether two people must agree. To refuse a change that was kept aside, one is enough.
    pub needs_two: bool,
    /// The area responsible; of two households, the one that both lie in.
    #[schema(value_type = String)]
    pub area: AreaCode,
    /// The areas of two households, for a question about two, or about one whose family goes on in the other.
    #[schema(value_type = Vec<String>)]
    pub between: Vec<AreaCode>,
    /// The change that opened it.
    #[schema(value_type = String)]
    pub change: ChangeHash,
    /// When that arrived, in milliseconds.
    #[schema(value_type = i64)]
    pub opened_at: Timestamp,
    /// Who is at work on it.
    pub claim: Option<Claim>,
    /// Somebody has decided and waits for a second person.
    #[schema(value_type = Option<String>)]
    pub proposed_by: Option<StaffId>,
    /// It was put off, or waits for an answer from the field.
    pub put_off: Option<PutOff>,
}

/// Where in the queue a question stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    severity: Severity,
    opened_at: Timestamp,
    household: HouseholdId,
    kind: ReviewKind,
    document: DocKind,
    subject: String,
    change: ChangeHash,
}

impl Question {
    /// Where it stands.
    pub fn place(&self) -> Place {
        Place {
            severity: self.severity,
            opened_at: self.opened_at,
            household: self.household,
            kind: self.kind,
            document: self.document,
            subject: self.subject.clone(),
            change: self.change,
        }
    }

    /// Whether all that it is about lies in these areas: nobody sees what is not theirs.
    fn lies_in(&self, within: &BTreeSet<AreaCode>) -> bool {
        match self.between.as_slice() {
            [] => within.contains(&self.area),
            both => both.iter().all(|area| within.contains(area)),
        }
    }

    fn order(&self, other: &Self) -> Ordering {
        self.place().cmp(&other.place())
    }
}

/// Which questions are asked for. Nothing narrows by being absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only in this area and below it.
    pub area: Option<AreaCode>,
    /// Only of this kind.
    pub kind: Option<ReviewKind>,
    /// Only of this severity.
    pub severity: Option<Severity>,
    /// Only those that this person works on.
    pub claimed_by: Option<StaffId>,
    /// Only those that wait for a second person.
    pub proposed: bool,
    /// Only in this document.
    pub document: Option<DocKind>,
    /// Only those that are put off or wait for the field, which are left out otherwise.
    pub put_off: bool,
}

impl Filter {
    fn takes(&self, question: &Question, now: Timestamp) -> bool {
        let is = |wanted: Option<StaffId>| {
            wanted.is_none_or(|staff| {
                question
                    .claim
                    .is_some_and(|claim| claim.staff == staff && claim.until > now)
            })
        };
        self.kind.is_none_or(|kind| question.kind == kind)
            && self
                .severity
                .is_none_or(|severity| question.severity == severity)
            && is(self.claimed_by)
            && (!self.proposed || question.proposed_by.is_some())
            && self
                .document
                .is_none_or(|document| question.document == document)
    }
}

/// One page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Page {
    /// The questions.
    pub questions: Vec<Question>,
    /// How many the filter lets through, on all pages.
    pub total: usize,
    /// How many it would let through that are put off or wait for the field.
    pub put_off: usize,
    /// Where the next page begins; absent on the last.
    pub next: Option<Place>,
}

/// A page of the queue of somebody who answers for these areas; at most `most` questions.
pub fn page(
    tx: &Tx<'_>,
    answers_for: &[AreaCode],
    filter: &Filter,
    after: Option<&Place>,
    most: usize,
    now: Timestamp,
) -> Result<Page, StoreError> {
    let within = match &filter.area {
        Some(area) if areas::is_within(tx, area, answers_for)? => std::slice::from_ref(area),
        Some(_) => &[],
        None => answers_for,
    };
    let mut questions = lying_in(tx, &areas::subtree(tx, within)?, now)?;
    add_what_goes_on(tx, &mut questions)?;
    questions.retain(|question| filter.takes(question, now));
    let put_off = questions.iter().filter(|one| one.put_off.is_some()).count();
    questions.retain(|question| question.put_off.is_some() == filter.put_off);
    let total = questions.len();
    questions.sort_unstable_by(Question::order);
    let most = most.clamp(1, PAGE_MAX);
    let (mut questions, next) = cut(questions, after, most, Question::place);
    for question in &mut questions {
        if question.aside.is_some() {
            // What it would write is read from its bytes, so only for those that are shown.
            let id = DocumentId::new(question.household, question.document);
            question.needs_two = aside::needs_two(tx, id, &question.change)?;
        }
    }
    Ok(Page {
        questions,
        total,
        put_off,
        next,
    })
}

/// How many questions an area has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// Those that the queue has.
    pub open: u64,
    /// Those that it leaves out, because they are put off or wait for the field.
    pub put_off: u64,
}

/// How many questions each of these areas has, for somebody who answers for all of them. An area without any is not named.
pub fn counts(
    tx: &Tx<'_>,
    within: &BTreeSet<AreaCode>,
    now: Timestamp,
) -> Result<BTreeMap<AreaCode, Count>, StoreError> {
    let mut counts: BTreeMap<AreaCode, Count> = BTreeMap::new();
    for question in lying_in(tx, within, now)? {
        let count = counts.entry(question.area).or_default();
        match question.put_off {
            Some(_) => count.put_off += 1,
            None => count.open += 1,
        }
    }
    Ok(counts)
}

/// Every open question that lies in these areas, with whether it is put off.
fn lying_in(
    tx: &Tx<'_>,
    within: &BTreeSet<AreaCode>,
    now: Timestamp,
) -> Result<Vec<Question>, StoreError> {
    let mut questions = open(tx)?;
    add_where_it_goes_on(tx, &mut questions)?;
    questions.extend(pairs::open(tx)?);
    questions.retain(|question| question.lies_in(within));
    add_what_is_put_off(tx, &mut questions, now)?;
    Ok(questions)
}

/// Of edits of records that go on in others, both areas: who answers for one of the two alone cannot settle them.
fn add_where_it_goes_on(tx: &Tx<'_>, questions: &mut [Question]) -> Result<(), StoreError> {
    let edits = questions
        .iter_mut()
        .filter(|question| question.kind == ReviewKind::EditOfJoined);
    for question in edits {
        let there = later::where_it_goes_on(tx, question.household)?;
        question.between = std::iter::once(question.area.clone())
            .chain(there)
            .collect();
    }
    Ok(())
}

/// Every open question.
fn open(tx: &Tx<'_>) -> Result<Vec<Question>, StoreError> {
    tx.query(
        "SELECT r.household, r.kind, r.document, r.subject, h.area, r.change, c.arrived_at, l.staff, l.until,
            p.staff, NULL
         FROM reviews r
         JOIN households h ON h.household = r.household
         JOIN changes c ON c.household = r.household AND c.kind = r.document AND c.hash = r.change
         LEFT JOIN review_claims l ON l.household = r.household AND l.kind = r.kind
            AND l.document = r.document AND l.subject = r.subject
         LEFT JOIN proposals p ON p.household = r.household AND p.kind = r.kind
            AND p.document = r.document AND p.subject = r.subject
         UNION ALL
         SELECT q.household, 'quarantined', q.kind, NULL, COALESCE(h.area, q.area), q.hash, q.arrived_at,
            NULL, NULL, NULL, q.reason
         FROM quarantine q LEFT JOIN households h ON h.household = q.household
         WHERE q.state = 'waits'",
        params![],
        read,
    )
}

/// Who is at work on changes kept aside, and who has proposed something: those name a change by its hash as text.
fn add_what_goes_on(tx: &Tx<'_>, questions: &mut [Question]) -> Result<(), StoreError> {
    if questions.iter().all(|question| question.aside.is_none()) {
        return Ok(());
    }
    let key = |row: &Row<'_>| {
        let household = HouseholdId::from_bytes(row.array(0)?);
        Ok::<_, StoreError>((household, kind(row, 1)?, row.text(2)?))
    };
    let claims = tx.query(
        "SELECT household, document, subject, staff, until FROM review_claims WHERE kind = 'quarantined'",
        params![],
        |row| Ok((key(row)?, Claim::read(row, 3)?)),
    )?;
    let proposals = tx.query(
        "SELECT household, document, subject, staff FROM proposals WHERE kind = 'quarantined'",
        params![],
        |row| Ok((key(row)?, StaffId::from_bytes(row.array(3)?))),
    )?;
    let claims: BTreeMap<_, _> = claims.into_iter().collect();
    let proposals: BTreeMap<_, _> = proposals.into_iter().collect();
    let asides = questions.iter_mut();
    for question in asides.filter(|question| question.aside.is_some()) {
        let key = (
            question.household,
            question.document,
            question.subject.clone(),
        );
        question.claim = claims.get(&key).copied();
        question.proposed_by = proposals.get(&key).copied();
    }
    Ok(())
}

fn add_what_is_put_off(
    tx: &Tx<'_>,
    questions: &mut [Question],
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut standing = deferrals::standing(tx, now)?;
    if standing.is_empty() {
        return Ok(());
    }
    for question in questions {
        let item = Item::new(question.kind, question.document, question.subject.clone());
        question.put_off = standing.remove(&(question.household, item));
    }
    Ok(())
}

fn read(row: &Row<'_>) -> Result<Question, StoreError> {
    let change = ChangeHash(row.array(5)?);
    let item = Item {
        kind: row.parse(1)?,
        document: kind(row, 2)?,
        subject: subject(row, 3, change)?,
    };
    let claim = match row.is_null(7) {
        true => None,
        false => Some(Claim::read(row, 7)?),
    };
    Ok(Question {
        household: HouseholdId::from_bytes(row.array(0)?),
        severity: item.severity(),
        needs_two: item.needs_two(),
        kind: item.kind,
        document: item.document,
        subject: item.subject,
        aside: row.optional(10, Row::text)?,
        area: row.parse(4)?,
        between: Vec::new(),
        change,
        opened_at: Timestamp::from_millis(row.i64(6)?),
        claim,
        proposed_by: row.optional(9, Row::array)?.map(StaffId::from_bytes),
        put_off: None,
    })
}
