//! The question whether two households are one family: who sees it, what it rests on, and settling it. What is decided is written in
//! both households' core documents by entries of one id, in one transaction, and taken back in both.
//!
//! The household of the question is the one of the smaller id, its subject the other. Only who answers for both sees it. That
//! two are one takes two people, who agree on which record goes on and who is who; that they are two takes one.

use std::collections::BTreeMap;

use serde::Serialize;
use sojourn_sync_protocol::linkage::household::Overlap;
use sojourn_sync_protocol::linkage::{Rival, Score};
use sojourn_sync_protocol::record::{
    Assignments, DecisionView, Document, Edit, HouseholdView, NewDecision, decisions,
};
use sojourn_sync_protocol::{
    AreaCode, ChangeHash, DecisionId, DocKind, DocumentId, HouseholdId, PersonId, StaffId,
};

use super::case::{Case, Proposed, record};
use super::claims::{self, Claim};
use super::decide::{
    Choice, Objection, Opened, Order, Outcome, QuestionId, Reviewer, Undo, reason_of,
};
use super::deferrals;
use super::joining::{BATCHES_MAX, Joining, Told, suggested};
use super::proposals::Proposal;
use super::queue::Question;
use super::{Item, ReviewKind};
use crate::areas;
use crate::audit::{self, Action, Stamp};
use crate::desk::Draws;
use crate::duplicates::{self, Family};
use crate::ingest::Settled;
use crate::params;
use crate::residence;
use crate::store::{StoreError, Tx};

/// The other household of a question about two, and what speaks for and against their being one family.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Twin {
    /// The other household.
    #[schema(value_type = String)]
    pub household: HouseholdId,
    /// The area responsible for the one.
    #[schema(value_type = String)]
    pub here: AreaCode,
    /// The area responsible for the other.
    #[schema(value_type = String)]
    pub there: AreaCode,
    /// How much both have in common: `nobody`, `one-person`, `part`, `whole`.
    #[schema(value_type = String)]
    pub overlap: Overlap,
    /// That somebody is in both, in thousandths.
    pub probability: u16,
    /// Who may be whom.
    pub people: Vec<PairOfPeople>,
    /// Which of the two goes on, if they are one family and nobody says otherwise: the one with the longer history.
    #[schema(value_type = String)]
    pub suggested: HouseholdId,
    /// The other household as it stands, identity numbers masked.
    #[schema(value_type = Object)]
    pub record: HouseholdView,
}

/// Two people who may be one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct PairOfPeople {
    /// Of the household.
    #[schema(value_type = String)]
    pub here: PersonId,
    /// Of the other.
    #[schema(value_type = String)]
    pub there: PersonId,
    /// That they are one, in thousandths.
    pub probability: u16,
    /// The evidence together, in tenths of a bit: each ten double the odds.
    pub bits: i32,
    /// What each rule found, in the rules' order; what is not known on both sides says nothing.
    pub rules: Vec<Rule>,
}

/// What one rule found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Rule {
    /// What was compared: `name`, `sex`, `birth`, `id`, `phone`, `origin`, `address`, `members`.
    pub field: &'static str,
    /// How far it agrees, for which the pages have words.
    pub level: &'static str,
    /// What that says, in tenths of a bit: for one person where positive, against where negative.
    pub bits: i32,
}

/// Thousandths of a probability.
fn thousandths(probability: f64) -> u16 {
    // Between 0 and 1000.
    (probability * 1000.0).round() as u16
}

/// Tenths of a bit.
fn tenths(bits: f64) -> i32 {
    // Probabilities are kept away from zero, so a weight is some dozens of bits.
    (bits * 10.0).round() as i32
}

fn rules(score: &Score) -> Vec<Rule> {
    let rules = score.reasons.iter().map(|reason| Rule {
        field: reason.field,
        level: reason.level,
        bits: tenths(match score.rival {
            Rival::Strangers => reason.against_strangers,
            Rival::Housemates => reason.against_housemates,
        }),
    });
    rules.collect()
}

/// Two households that a reviewer answers for, of which a question waits.
pub(super) struct Two {
    pub(super) one: Opened,
    pub(super) other: Opened,
    pub(super) other_id: HouseholdId,
}

impl Two {
    /// Opens both; who answers for one of them only is told what somebody is told who asks for nothing.
    pub(super) fn of(
        tx: &Tx<'_>,
        reviewer: &Reviewer,
        question: &QuestionId,
    ) -> Result<Self, Objection> {
        let other_id: HouseholdId = question.subject.parse().map_err(|_| Objection::Unknown)?;
        let pair = duplicates::pair(tx, question.household, other_id)?;
        let written = duplicates::item(other_id) == question.item();
        if !written || !pair.is_some_and(|pair| pair.waits) {
            return Err(Objection::Unknown);
        }
        let open = |household| Opened::of(tx, reviewer, DocumentId::new(household, DocKind::Core));
        Ok(Self {
            one: open(question.household)?,
            other: open(other_id)?,
            other_id,
        })
    }

    /// The areas responsible, each once.
    pub(super) fn owners(&self) -> Vec<AreaCode> {
        let mut owners = vec![self.one.owner.clone()];
        owners.extend((self.other.owner != self.one.owner).then(|| self.other.owner.clone()));
        owners
    }

    pub(super) fn documents(&self) -> [&Document; 2] {
        [&self.one.held.document, &self.other.held.document]
    }

    /// The heads of both: whoever decides says that they saw these.
    pub(super) fn heads(&self) -> Vec<ChangeHash> {
        self.documents().map(Document::heads).concat()
    }
}

/// The households that a question is about.
pub(super) fn households_of(question: &QuestionId) -> Vec<HouseholdId> {
    let other = match question.kind {
        ReviewKind::PossibleDuplicate => question.subject.parse().ok(),
        _ => None,
    };
    [question.household].into_iter().chain(other).collect()
}

/// Reads a question about two households.
pub(super) fn read(
    tx: &Tx<'_>,
    reviewer: &Reviewer,
    question: &QuestionId,
) -> Result<Case, Objection> {
    let two = Two::of(tx, reviewer, question)?;
    let (household, item) = (question.household, question.item());
    let mut earlier: BTreeMap<DecisionId, DecisionView> = BTreeMap::new();
    for (document, other) in two.documents().into_iter().zip([two.other_id, household]) {
        let about = |(_, decision): &(DecisionId, DecisionView)| {
            duplicates::other_of(decision) == Some(other)
        };
        earlier.extend(decisions(document).into_iter().filter(about));
    }
    let gone = || StoreError::Statement("a household of a pair is not kept".to_owned());
    let family = |household| Family::stored(tx, household)?.ok_or_else(gone);
    let (here, there) = (family(household)?, family(two.other_id)?);
    let compared = duplicates::weigh(&here, &there).ok_or(Objection::Stale)?;
    let people = compared.found.pairs.iter().zip(&compared.scores);
    let people = people.map(|((at, at_there, _), score)| PairOfPeople {
        here: here.people[*at],
        there: there.people[*at_there],
        probability: thousandths(score.probability),
        bits: tenths(score.odds_bits),
        rules: rules(score),
    });
    let twin = Twin {
        household: two.other_id,
        here: two.one.owner.clone(),
        there: two.other.owner.clone(),
        overlap: compared.found.overlap,
        probability: thousandths(compared.found.probability),
        people: people.collect(),
        suggested: suggested(
            (household, residence::last_position(tx, household)?),
            (two.other_id, residence::last_position(tx, two.other_id)?),
        ),
        record: record(tx, reviewer, two.other_id)?,
    };
    Ok(Case {
        question: question.clone(),
        area: meeting(tx, &two.one.owner, &two.other.owner)?,
        severity: item.severity(),
        needs_two: item.needs_two(),
        heads: two.heads(),
        contradiction: None,
        sides: Vec::new(),
        earlier,
        proposal: Proposal::of(tx, household, &item)?.map(Proposed::from),
        claim: claims::of(tx, household, &item)?,
        aside: None,
        record: Some(record(tx, reviewer, household)?),
        twin: Some(twin),
        carries: None,
        owners: two.owners(),
    })
}

/// Settles it, or proposes that two are one.
pub(super) fn settle(
    tx: &Tx<'_>,
    reviewer: &Reviewer,
    order: &Order,
    id: DecisionId,
    draws: &[Draws; BATCHES_MAX],
    stamp: &Stamp,
) -> Result<(Outcome, Settled), Objection> {
    let (question, now) = (&order.question, stamp.at());
    let (household, item) = (question.household, question.item());
    let two = match Two::of(tx, reviewer, question) {
        Err(Objection::Unknown) if was_theirs(tx, reviewer, question)? => {
            return Err(Objection::Stale);
        }
        two => two?,
    };
    if two.heads() != order.seen {
        return Err(Objection::Stale);
    }
    if let Some(claim) = claims::of(tx, household, &item)?
        && claim.excludes(reviewer.staff, now)
    {
        return Err(Objection::Claimed(claim));
    }
    let joining = match &order.choice {
        Choice::Same { survivor, persons } => {
            let both = [household, two.other_id];
            Some(Joining::of(tx, reviewer, both, (*survivor, persons), id)?)
        }
        Choice::Different {} => None,
        _ => return Err(Objection::NotAChoice),
    };
    let agreed = Proposal::of(tx, household, &item)?.filter(|earlier| {
        earlier.staff != reviewer.staff
            && earlier.choice == order.choice
            && earlier.heads == order.seen
    });
    let reason = match &agreed {
        Some(earlier) => earlier.reason.clone(),
        None => reason_of(&order.reason)?,
    };
    let owners = two.owners();
    let note = |action| audit::note_question(tx, stamp, reviewer.staff, action, &owners, question);
    let seconded = agreed.as_ref().map(|earlier| earlier.staff);
    let told = Told {
        id,
        reason: &reason,
        seconded,
    };
    let settled = match joining {
        Some(joining) if seconded.is_none() => {
            // A choice that the records would not take is no proposal.
            joining.rehearse(reviewer, &told, now)?;
            let proposal = Proposal {
                staff: reviewer.staff,
                choice: order.choice.clone(),
                reason,
                heads: order.seen.clone(),
            };
            proposal.put(tx, household, &item, now)?;
            claims::end(tx, household, &item)?;
            deferrals::end(tx, household, &item)?;
            note(Action::DecisionProposed)?;
            return Ok((Outcome::Proposed, Settled::default()));
        }
        Some(joining) => joining.make(tx, reviewer, &told, draws, now)?,
        None => {
            let mut settled = Settled::default();
            let sides = [(&two.one, two.other_id), (&two.other, household)];
            for ((opened, about), draws) in sides.into_iter().zip(draws) {
                let edit = different(id, about, &reason, seconded);
                let made = opened.make(tx, reviewer, &[edit], draws, now)?;
                settled.moved.extend(made.moved);
            }
            settled
        }
    };
    note(Action::Decided)?;
    Ok((Outcome::Decided { decision: id }, settled))
}

/// Whether both households are theirs, of which nothing waits any more.
fn was_theirs(tx: &Tx<'_>, reviewer: &Reviewer, question: &QuestionId) -> Result<bool, Objection> {
    for household in households_of(question) {
        match Opened::of(tx, reviewer, DocumentId::new(household, DocKind::Core)) {
            Ok(_) => {}
            Err(Objection::Unknown) => return Ok(false),
            Err(error) => return Err(error),
        }
    }
    Ok(question.subject.parse::<HouseholdId>().is_ok())
}

/// The entry that two are two, in the document of one of them.
fn different(id: DecisionId, about: HouseholdId, reason: &str, seconded: Option<StaffId>) -> Edit {
    Edit::Decide(NewDecision {
        id: Some(id),
        document: DocKind::Core,
        about: duplicates::about(about),
        reason: reason.to_owned(),
        seconded,
        outcome: Some(duplicates::Outcome::Different.recorded()),
        takes_over: false,
        goes_on: None,
        set: Assignments::new(),
    })
}

/// The other document that an entry to be taken back stands in, for a decision that two households are two families. `known` are
/// the decisions of the one.
///
/// # Errors
/// [`Objection::Unknown`] when the other household is not the reviewer's: it is taken back in both or not at all.
pub(super) fn twin_of(
    tx: &Tx<'_>,
    reviewer: &Reviewer,
    order: &Undo,
    known: &BTreeMap<DecisionId, DecisionView>,
) -> Result<Option<Opened>, Objection> {
    let about = known.get(&order.decision).and_then(duplicates::other_of);
    let Some(other) = about.filter(|_| order.document == DocKind::Core) else {
        return Ok(None);
    };
    let twin = Opened::of(tx, reviewer, DocumentId::new(other, DocKind::Core))?;
    let entry = decisions(&twin.held.document).remove(&order.decision);
    // A register put back to a backup may have only one of the two again.
    let stands = entry.is_some_and(|entry| !entry.is_undone());
    Ok(stands.then_some(twin))
}

/// The area that two lie in, the lowest of them; the first of the two where there is none.
fn meeting(tx: &Tx<'_>, one: &AreaCode, other: &AreaCode) -> Result<AreaCode, StoreError> {
    let mut above = Above::default();
    above.meeting(tx, one, other)
}

/// What areas lie in, each asked once.
#[derive(Debug, Default)]
struct Above(BTreeMap<AreaCode, Vec<AreaCode>>);

impl Above {
    fn of(&mut self, tx: &Tx<'_>, area: &AreaCode) -> Result<&[AreaCode], StoreError> {
        if !self.0.contains_key(area) {
            self.0.insert(area.clone(), areas::up_from(tx, area)?);
        }
        Ok(&self.0[area])
    }

    /// The area that two lie in, the lowest of them; the first of the two where there is none.
    fn meeting(
        &mut self,
        tx: &Tx<'_>,
        one: &AreaCode,
        other: &AreaCode,
    ) -> Result<AreaCode, StoreError> {
        let of_one = self.of(tx, one)?.to_vec();
        let of_other = self.of(tx, other)?;
        let met = of_one.iter().find(|area| of_other.contains(area));
        Ok(met.unwrap_or(one).clone())
    }
}

/// Every open question about two households.
pub(super) fn open(tx: &Tx<'_>) -> Result<Vec<Question>, StoreError> {
    let waiting = duplicates::waiting(tx)?;
    if waiting.is_empty() {
        return Ok(Vec::new());
    }
    let kind = ReviewKind::PossibleDuplicate.name();
    let claims = tx.query(
        "SELECT household, subject, staff, until FROM review_claims WHERE kind = ?1",
        params![kind],
        |row| {
            let about = (HouseholdId::from_bytes(row.array(0)?), row.text(1)?);
            Ok((about, Claim::read(row, 2)?))
        },
    )?;
    let claims: BTreeMap<_, _> = claims.into_iter().collect();
    let proposals = tx.query(
        "SELECT household, subject, staff FROM proposals WHERE kind = ?1",
        params![kind],
        |row| {
            let about = (HouseholdId::from_bytes(row.array(0)?), row.text(1)?);
            Ok((about, StaffId::from_bytes(row.array(2)?)))
        },
    )?;
    let proposals: BTreeMap<_, _> = proposals.into_iter().collect();
    let mut above = Above::default();
    let mut open = Vec::with_capacity(waiting.len());
    for pair in waiting {
        let ((household, here), (other, there)) = (pair.one, pair.other);
        let Item {
            kind,
            document,
            subject,
        } = duplicates::item(other);
        let about = (household, subject);
        open.push(Question {
            household,
            severity: duplicates::item(other).severity(),
            needs_two: duplicates::item(other).needs_two(),
            kind,
            document,
            aside: None,
            area: above.meeting(tx, &here, &there)?,
            between: vec![here, there],
            change: pair.change,
            opened_at: pair.found_at,
            claim: claims.get(&about).copied(),
            proposed_by: proposals.get(&about).copied(),
            put_off: None,
            subject: about.1,
        });
    }
    Ok(open)
}
