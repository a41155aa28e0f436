//! A family at the door: its own record follows it, and the provisional record that it was given there is joined into that, in the
//! transaction that accepts. Either a reviewer of the area that it left says which of their families it is, or its card does.
//!
//! What follows is written at the desk of whoever asked for the family, who answers for the area where it is now; a reviewer who
//! accepts lets the family go at their own. A card alone moves nobody who refused, or may have refused, that its records follow it.

use std::collections::BTreeSet;

use sojourn_sync_protocol::record::{
    Edit, HandOver, HandOverState, NewMove, hand_overs, view, went_on,
};
use sojourn_sync_protocol::{
    AreaCode, Card, ChangeHash, DecisionId, DocKind, DocumentId, HouseholdId, MoveId, StaffId,
    Timestamp,
};

use super::answer::{NotAnswered, answered, note};
use super::stored;
use crate::audit::{Action, Stamp};
use crate::clock::Clock;
use crate::desk::{Desk, Draws};
use crate::documents::{self, Held};
use crate::ingest::Settled;
use crate::live::Live;
use crate::params;
use crate::review::decide::{Objection, Reviewer};
use crate::review::joining::{self, BATCHES_MAX, Told};
use crate::store::{Store, StoreError, Tx};
use crate::{areas, duplicates, residence};

/// Cards that one batch makes the register try.
const TRIED_MAX: usize = 16;
/// Records that one leads to, each going on in the next, before something is wrong with them.
const GOES_ON_MAX: usize = 8;
/// Why two records are one family's, where nobody but the family itself said so.
const SHOWED_CARD: &str = "出示了家庭卡 · The family showed its card";

/// What is asked for a family at the door: its provisional record, and the entry under its moves.
pub(crate) type Asking = (HouseholdId, MoveId);

/// What is drawn at random to let a family's record follow it.
pub(super) struct DoorDraws {
    moved: Draws,
    answered: Draws,
    joined: [Draws; BATCHES_MAX],
    entry: [u8; 10],
    decision: [u8; 10],
}

impl DoorDraws {
    pub(super) fn new(clock: &Clock) -> Self {
        Self {
            moved: Draws::new(clock),
            answered: Draws::new(clock),
            joined: std::array::from_fn(|_| Draws::new(clock)),
            entry: clock.random(),
            decision: clock.random(),
        }
    }
}

/// What is asked with a card in these households, or with one that may be theirs: what a change of them may have opened.
pub(crate) fn shown(
    tx: &Tx<'_>,
    changed: impl IntoIterator<Item = HouseholdId>,
) -> Result<Vec<Asking>, StoreError> {
    let waits = tx.query_opt(
        "SELECT 1 FROM handovers WHERE card > '' LIMIT 1",
        &[],
        |row| row.i64(0),
    )?;
    if waits.is_none() {
        return Ok(Vec::new());
    }
    let mut shown = BTreeSet::new();
    for household in changed {
        let beginning = Card::beginning(household);
        shown.extend(tx.query(
            "SELECT household, entry FROM handovers WHERE household = ?1 AND card > ''
             UNION
             SELECT household, entry FROM handovers WHERE card >= ?2 AND card < ?2 || '~'",
            params![household.as_bytes(), &beginning],
            |row| {
                Ok((
                    HouseholdId::from_bytes(row.array(0)?),
                    MoveId::from_bytes(row.array(1)?),
                ))
            },
        )?);
    }
    Ok(shown.into_iter().take(TRIED_MAX).collect())
}

/// The households whose ids a card could name.
fn near(tx: &Tx<'_>, card: &Card) -> Result<Vec<HouseholdId>, StoreError> {
    let ids = card.households();
    tx.query(
        "SELECT household FROM households WHERE household >= ?1 AND household <= ?2",
        params![ids.start().as_bytes(), ids.end().as_bytes()],
        |row| row.array(0).map(HouseholdId::from_bytes),
    )
}

/// Lets the records of families that showed a card follow them. What a card does not open goes on waiting for an answer.
///
/// # Errors
/// [`StoreError`].
pub(crate) async fn serve(
    store: &Store,
    live: &Live,
    clock: &Clock,
    shown: Vec<Asking>,
) -> Result<(), StoreError> {
    for asking in shown {
        let (draws, stamp) = (DoorDraws::new(clock), Stamp::new(clock));
        let followed = store.write("follow a card", move |tx| {
            follow(tx, asking, &draws, &stamp)
        });
        match followed.await {
            Ok(settled) => live.moved(settled.moved),
            Err(NotAnswered::Store(error)) => return Err(error),
            // Nothing of it is stored; who is asked can still answer.
            Err(why) => tracing::info!(%why, "a card was not followed"),
        }
    }
    Ok(())
}

fn follow(
    tx: &Tx<'_>,
    asking: Asking,
    draws: &DoorDraws,
    stamp: &Stamp,
) -> Result<Settled, NotAnswered> {
    let found = Provisional::of(tx, asking)?;
    let card = found.hand_over.card.ok_or(NotAnswered::Stale)?;
    let family = of_card(tx, &card)?.filter(|family| *family != asking.0);
    let Some(family) = family else {
        return Ok(Settled::default());
    };
    if sharing_refused(tx, family)? {
        return Ok(Settled::default());
    }
    found.accept(tx, family, &Ground::Card, draws, stamp)
}

/// The household whose card this is: where its family goes on by now.
fn of_card(tx: &Tx<'_>, card: &Card) -> Result<Option<HouseholdId>, NotAnswered> {
    for household in near(tx, card)? {
        let core = core_of(tx, household)?;
        if core.document.cards().contains(card) {
            return goes_on(tx, household).map(Some);
        }
    }
    Ok(None)
}

/// Where the family of a record goes on, through every record that it was joined into.
fn goes_on(tx: &Tx<'_>, household: HouseholdId) -> Result<HouseholdId, NotAnswered> {
    let mut at = household;
    for _ in 0..GOES_ON_MAX {
        match went_on(&core_of(tx, at)?.document) {
            Some((_, on)) => at = on.household,
            None => return Ok(at),
        }
    }
    Err(NotAnswered::Stale)
}

fn core_of(tx: &Tx<'_>, household: HouseholdId) -> Result<Held, NotAnswered> {
    let id = DocumentId::new(household, DocKind::Core);
    documents::load(tx, id)?.ok_or(NotAnswered::Unknown)
}

/// Whether a family refused that its records follow it, or may have.
pub(super) fn sharing_refused(tx: &Tx<'_>, family: HouseholdId) -> Result<bool, NotAnswered> {
    let core = core_of(tx, family)?.document;
    let seen = view(family, &core, None).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    Ok(seen.consent.sharing.iter().any(|said| {
        let mut values = said.values();
        values.any(|word| word != "given")
    }))
}

/// On what ground a family's record follows it.
pub(super) enum Ground<'a> {
    /// Its card.
    Card,
    /// A reviewer of the area that it left says that it is this family.
    Reviewer(&'a Reviewer, String),
}

/// The record that a family was given at the door, and what was asked for it.
pub(super) struct Provisional {
    asking: Asking,
    hand_over: HandOver,
    /// Where the family is.
    area: AreaCode,
    /// Who asked.
    asker: Reviewer,
    held: Held,
}

impl Provisional {
    /// Reads it, if it waits.
    ///
    /// # Errors
    /// [`NotAnswered::Stale`] when it does not, or the family is not where it was.
    pub(super) fn of(tx: &Tx<'_>, asking: Asking) -> Result<Self, NotAnswered> {
        let (household, entry) = asking;
        let row = stored(tx, household)?.remove(&entry);
        let row = row.ok_or(NotAnswered::Unknown)?;
        if row.state != HandOverState::Proposed || !row.at_door {
            return Err(NotAnswered::Answered(row.state));
        }
        let area = residence::owner(tx, household)?.ok_or(NotAnswered::Unknown)?;
        let held = core_of(tx, household)?;
        let mut all = hand_overs(&held.document).into_iter();
        let hand_over = all.find(|one| one.id == entry);
        let hand_over = hand_over.ok_or(NotAnswered::Unknown)?;
        if hand_over.to.as_ref() != Some(&area) {
            return Err(NotAnswered::Stale);
        }
        let staff = author_of(tx, household, &hand_over.proposed_by)?;
        Ok(Self {
            asking,
            hand_over,
            asker: Reviewer {
                staff: staff.ok_or(NotAnswered::Unknown)?,
                areas: vec![area.clone()],
                kinds: DocKind::ALL.to_vec(),
            },
            area,
            held,
        })
    }

    /// Lets `family` follow: it lives where the provisional record says, takes over what that has, and what was asked is accepted.
    ///
    /// # Errors
    /// [`NotAnswered`]; the transaction is to be undone then.
    pub(super) fn accept(
        &self,
        tx: &Tx<'_>,
        family: HouseholdId,
        ground: &Ground<'_>,
        draws: &DoorDraws,
        stamp: &Stamp,
    ) -> Result<Settled, NotAnswered> {
        let now = stamp.at();
        let left = residence::owner(tx, family)?.ok_or(NotAnswered::Unknown)?;
        let (by, reason, card) = match ground {
            Ground::Card => (&self.asker, SHOWED_CARD, true),
            Ground::Reviewer(by, reason) => (*by, reason.as_str(), false),
        };
        let mut moved = MoveId::new(now, draws.entry);
        let mut settled = Settled::default();
        if left != self.area {
            let held = core_of(tx, family)?;
            moved = prepared(&held, &self.area).unwrap_or(moved);
            let edit = self.moves(moved, card.then(|| held.document.card()).flatten());
            let desk = Desk::of(tx, by.staff, &by.areas, &by.kinds, &draws.moved, now)?;
            // Who lets a family go does so for the area that it leaves.
            let area = if card { &self.area } else { &left };
            let ground = (&held.document, held.epoch);
            settled = desk.make(tx, ground, &[edit], area, &draws.moved, now)?;
        }
        let told = Told {
            id: DecisionId::new(now, draws.decision),
            reason,
            seconded: (by.staff != self.asker.staff).then_some(by.staff),
        };
        settled
            .moved
            .extend(self.join(tx, family, &told, draws, now)?);
        let (household, entry) = self.asking;
        // The joining may have written in it since.
        let held = core_of(tx, household)?;
        let edit = answered(entry, true, Some(reason.to_owned()), told.id);
        let desk = Desk::of(tx, by.staff, &by.areas, &by.kinds, &draws.answered, now)?;
        let area = match ground {
            Ground::Card => &self.area,
            Ground::Reviewer(..) => self.hand_over.from.as_ref().ok_or(NotAnswered::Stale)?,
        };
        let ground = (&held.document, held.epoch);
        let made = desk.make(tx, ground, &[edit], area, &draws.answered, now)?;
        settled.moved.extend(made.moved);
        let both = [left, self.area.clone()];
        note(
            tx,
            stamp,
            by,
            Action::HandOverAccepted,
            (family, moved),
            &both,
        )?;
        Ok(settled)
    }

    /// The family's own move, as the provisional record tells it.
    fn moves(&self, id: MoveId, card: Option<Card>) -> Edit {
        let one = &self.hand_over;
        Edit::Move(NewMove {
            id: Some(id),
            to: self.area.to_string(),
            on: one.on.clone().unwrap_or_default(),
            reason: one.reason.clone(),
            address: self.held.document.text_at("residence/address"),
            until: one.until.clone(),
            agreed: true,
            card: card.map(|card| card.to_string()),
        })
    }

    /// Joins the provisional record into the family's own, unless a field contradicts itself in either: then both live in one area,
    /// and whether they are one is asked there.
    fn join(
        &self,
        tx: &Tx<'_>,
        family: HouseholdId,
        told: &Told<'_>,
        draws: &DoorDraws,
        now: Timestamp,
    ) -> Result<BTreeSet<AreaCode>, NotAnswered> {
        let provisional = self.asking.0;
        let Some(persons) = duplicates::who_is_who(tx, provisional, family)? else {
            return Ok(BTreeSet::new());
        };
        let two = (provisional, family, &persons);
        match joining::join(tx, &self.asker, two, told, &draws.joined, now) {
            Ok(settled) => Ok(settled.moved),
            Err(Objection::Undecided(_)) => Ok(BTreeSet::new()),
            Err(Objection::Store(error)) => Err(error.into()),
            Err(other) => Err(NotAnswered::Refused(other.to_string())),
        }
    }
}

/// The move to an area that was prepared in a family's own record: it tells the story then.
fn prepared(own: &Held, to: &AreaCode) -> Option<MoveId> {
    let all = hand_overs(&own.document).into_iter();
    let mut here = all.filter(|one| {
        one.state == HandOverState::Proposed && !one.at_door && one.to.as_ref() == Some(to)
    });
    here.next().map(|one| one.id)
}

/// Who wrote a change of a household's core document.
fn author_of(
    tx: &Tx<'_>,
    household: HouseholdId,
    change: &ChangeHash,
) -> Result<Option<StaffId>, StoreError> {
    tx.query_opt(
        "SELECT staff FROM changes WHERE household = ?1 AND kind = ?2 AND hash = ?3",
        params![
            household.as_bytes(),
            DocKind::Core.code(),
            change.as_bytes()
        ],
        |row| row.array(0).map(StaffId::from_bytes),
    )
}

/// Families of these areas that the one at the door may be, the likeliest first: those that the register found, and that live in
/// the area that was asked.
pub(super) fn families(
    tx: &Tx<'_>,
    provisional: HouseholdId,
    asked: &AreaCode,
    answers_for: Option<&[AreaCode]>,
) -> Result<Vec<(HouseholdId, AreaCode)>, StoreError> {
    let mut found = Vec::new();
    for (family, area) in duplicates::waiting_with(tx, provisional)? {
        let theirs = match answers_for {
            Some(areas) => areas::is_within(tx, &area, areas)?,
            None => true,
        };
        if theirs && areas::is_within(tx, &area, std::slice::from_ref(asked))? {
            found.push((family, area));
        }
    }
    Ok(found)
}

#[cfg(test)]
#[path = "door_tests.rs"]
mod tests;
