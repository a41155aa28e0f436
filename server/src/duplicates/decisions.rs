//! What reviewers decided about pairs of households, as it stands in the core documents of both. One that was taken back is not
//! here. Two households that were found to be one family are linked by this and by nothing else; one of them may say that the family
//! goes on in the other.

use std::collections::{BTreeMap, BTreeSet};

use sojourn_sync_protocol::record::{DecisionOutcome, DecisionView, Document, Shown, decisions};
use sojourn_sync_protocol::{DecisionId, HouseholdId};

use crate::params;
use crate::review::ReviewKind;
use crate::store::{StoreError, Tx};

/// Of a decision whose evidence has not been weighed yet.
const UNWEIGHED: i64 = -1;

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// One family.
    Same,
    /// Two.
    Different,
}

impl Outcome {
    /// The word that the record keeps.
    pub(crate) const fn name(self) -> &'static str {
        self.recorded().name()
    }

    /// What the record keeps.
    pub(crate) const fn recorded(self) -> DecisionOutcome {
        match self {
            Self::Same => DecisionOutcome::Same,
            Self::Different => DecisionOutcome::Different,
        }
    }

    fn read(word: &str) -> Option<Self> {
        [Self::Same, Self::Different]
            .into_iter()
            .find(|outcome| outcome.name() == word)
    }
}

/// How a decision in one household's document says that it is about another household.
pub(crate) fn about(other: HouseholdId) -> String {
    format!("{} {other}", ReviewKind::PossibleDuplicate)
}

/// The household that a decision is about, where it is about one.
pub(crate) fn other_of(decision: &DecisionView) -> Option<HouseholdId> {
    let about = decision.about.as_ref().and_then(Shown::agreed)?;
    let (kind, other) = about.split_once(' ')?;
    (kind == ReviewKind::PossibleDuplicate.name())
        .then(|| other.parse().ok())
        .flatten()
}

/// What stands of one decision in one of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    /// What was found.
    outcome: Outcome,
    /// The family goes on in the other record.
    goes_on: bool,
}

/// What stands, by the other household and the decision.
pub(super) type Standing = BTreeMap<(HouseholdId, DecisionId), Found>;

/// What stands in a document.
pub(super) fn standing_in(core: &Document) -> Standing {
    let of = |(id, decision): (DecisionId, DecisionView)| {
        let outcome = decision.outcome.as_ref().and_then(Shown::agreed);
        let outcome = Outcome::read(outcome?)?;
        let other = other_of(&decision)?;
        let mut named = decision.goes_on.iter().flat_map(Shown::values);
        let goes_on = named.any(|household| *household == other.to_string());
        let found = Found { outcome, goes_on };
        (!decision.is_undone()).then_some(((other, id), found))
    };
    decisions(core).into_iter().filter_map(of).collect()
}

/// What is kept of it.
pub(super) fn stored(tx: &Tx<'_>, household: HouseholdId) -> Result<Standing, StoreError> {
    let rows = tx.query(
        "SELECT other, decision, outcome, goes_on FROM duplicate_decisions WHERE household = ?1",
        params![household.as_bytes()],
        |row| {
            let other = HouseholdId::from_bytes(row.array(0)?);
            let decision = DecisionId::from_bytes(row.array(1)?);
            let outcome = Outcome::read(row.str(2)?).ok_or(StoreError::Shape {
                column: 2,
                expected: "what was found",
            })?;
            let goes_on = row.bool(3)?;
            Ok(((other, decision), Found { outcome, goes_on }))
        },
    )?;
    Ok(rows.into_iter().collect())
}

/// Writes the difference.
pub(super) fn put(
    tx: &Tx<'_>,
    household: HouseholdId,
    standing: &Standing,
) -> Result<(), StoreError> {
    let before = stored(tx, household)?;
    for ((other, decision), _) in before.iter().filter(|(at, _)| !standing.contains_key(at)) {
        tx.execute(
            "DELETE FROM duplicate_decisions WHERE household = ?1 AND other = ?2 AND decision = ?3",
            params![household.as_bytes(), other.as_bytes(), decision.as_bytes()],
        )?;
    }
    for ((other, decision), found) in standing.iter().filter(|(at, _)| !before.contains_key(at)) {
        tx.execute(
            "INSERT INTO duplicate_decisions (household, other, decision, outcome, bits, goes_on)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                household.as_bytes(),
                other.as_bytes(),
                decision.as_bytes(),
                found.outcome.name(),
                UNWEIGHED,
                found.goes_on
            ],
        )?;
    }
    Ok(())
}

/// The record in which the family of this one goes on, as its own document says.
pub(crate) fn goes_on_in(
    tx: &Tx<'_>,
    household: HouseholdId,
) -> Result<Option<HouseholdId>, StoreError> {
    tx.query_opt(
        "SELECT other FROM duplicate_decisions WHERE household = ?1 AND goes_on = 1
         ORDER BY decision LIMIT 1",
        params![household.as_bytes()],
        |row| row.array(0).map(HouseholdId::from_bytes),
    )
}

/// The households that something was decided about together with this one, on either side.
pub(super) fn others(
    tx: &Tx<'_>,
    household: HouseholdId,
) -> Result<BTreeSet<HouseholdId>, StoreError> {
    let found = tx.query(
        "SELECT other FROM duplicate_decisions WHERE household = ?1
         UNION SELECT household FROM duplicate_decisions WHERE other = ?1",
        params![household.as_bytes()],
        |row| row.array(0).map(HouseholdId::from_bytes),
    )?;
    Ok(found.into_iter().collect())
}

/// What stands about a pair: the latest outcome, and the most evidence that there was when one was found.
pub(super) fn between(
    tx: &Tx<'_>,
    one: HouseholdId,
    other: HouseholdId,
) -> Result<Option<(Outcome, i64)>, StoreError> {
    let found = tx.query(
        "SELECT decision, outcome, bits FROM duplicate_decisions
         WHERE (household = ?1 AND other = ?2) OR (household = ?2 AND other = ?1)
         ORDER BY decision",
        params![one.as_bytes(), other.as_bytes()],
        |row| {
            let outcome = Outcome::read(row.str(1)?).ok_or(StoreError::Shape {
                column: 1,
                expected: "what was found",
            })?;
            Ok((outcome, row.i64(2)?))
        },
    )?;
    let most = found.iter().map(|(_, bits)| *bits).max();
    Ok(found.last().map(|(outcome, _)| *outcome).zip(most))
}

/// Says of decisions about a pair that have just come what the evidence is.
pub(super) fn weighed(
    tx: &Tx<'_>,
    one: HouseholdId,
    other: HouseholdId,
    bits: i64,
) -> Result<(), StoreError> {
    for (household, other) in [(one, other), (other, one)] {
        tx.execute(
            "UPDATE duplicate_decisions SET bits = ?3 WHERE household = ?1 AND other = ?2 AND bits = ?4",
            params![household.as_bytes(), other.as_bytes(), bits, UNWEIGHED],
        )?;
    }
    Ok(())
}
