//! Judging one batch against a snapshot: which fate each change meets, and what the households it touches
//! amount to afterwards. Reads, tries changes on scratch copies, and writes nothing.
//!
//! A document whose changes fail together is judged again change by change, each proved by itself; one that fails
//! even so is not touched.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, btree_map, hash_map};

use sojourn_sync_protocol::{
    ActorId, AreaCode, Card, ChangeHash, DeviceId, DocKind, DocumentId, HouseholdId,
    batch::{Batch, PushedChange},
    gate::{self, ChangeHead},
    message::{Fate, Grant, QuarantineReason},
    record::{
        Attribution, HandOver, Touch, Unfit, Value, hand_overs, inspect, is_decision, is_question,
    },
};

use super::quarantine::{self, Aside};
use super::scratch::{Scratch, guarded};
use super::standing::Standing;
use super::verdict::{Allowed, By, Circumstances, Responsibility, judge};
use crate::areas;
use crate::desk;
use crate::devices::{self, Device};
use crate::documents;
use crate::handover::authority;
use crate::projection::{self, IdHashKey, Rows};
use crate::residence;
use crate::review::{self, Items, RESIDENCE, Taken};
use crate::store::{StoreError, Tx};

/// A change that was accepted, on its way into the log.
#[derive(Debug, Clone)]
pub(super) struct Admitted {
    /// Its place in the batch.
    pub place: usize,
    /// Its place in the household's log.
    pub position: u64,
    /// What its head says.
    pub head: ChangeHead,
    /// Who made it.
    pub attribution: Attribution,
    /// The household had left the author's area.
    pub late: bool,
    /// Residences standing after it that are not in the tree.
    pub unknown: Vec<AreaCode>,
}

/// A household before and after.
#[derive(Debug)]
pub(super) struct Household {
    /// The place of the last change in its log, as read; what was decided holds while it does.
    pub position_before: u64,
    /// Who was responsible.
    pub owner_before: Option<AreaCode>,
    /// What waited for a person.
    pub items_before: Items,
    /// What it amounts to now.
    pub standing: Standing,
    /// Its documents that the batch names.
    pub documents: BTreeMap<DocKind, Scratch>,
    /// What was accepted, in order.
    pub admitted: Vec<Admitted>,
    /// The rows that people search.
    pub persons: Persons,
    /// Its hand-overs; `None` when nothing was written that they show.
    pub hand_overs: Option<Vec<HandOver>>,
}

/// What becomes of the rows that people search.
#[derive(Debug, Default)]
pub(super) enum Persons {
    /// Nothing was written that they show.
    #[default]
    Same,
    /// They are to be these.
    Ready(Rows),
    /// They are still to be made: the key of this database has not been drawn yet.
    Unmade,
}

/// How a document is treated that has failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Care {
    /// Each change is proved by itself.
    Each,
    /// None is taken in.
    Refuse,
}

/// The outcome for a whole batch.
#[derive(Debug, Default)]
pub(super) struct Judged {
    /// One fate for each change.
    pub fates: Vec<Fate>,
    /// Changes to keep aside.
    pub aside: Vec<Aside>,
    /// Whose every actor of the batch is or becomes; `None` for one not bound before.
    pub actors: BTreeMap<ActorId, Option<DeviceId>>,
    /// The households the batch names.
    pub households: BTreeMap<HouseholdId, Household>,
}

/// Judges a batch that continues its chain.
pub(super) fn judge_batch(
    tx: &Tx<'_>,
    device: &Device,
    batch: &Batch,
) -> Result<Judged, StoreError> {
    let grant = devices::grant_at(tx, device.id, batch.grant)?;
    let key = IdHashKey::get(tx)?;
    let desk = desk::is_desk(tx, device.id)?;
    let mut care = HashMap::new();
    loop {
        let mut pass = Pass {
            tx,
            device,
            by: By {
                staff: device.staff,
                grant: grant.as_ref(),
            },
            home: device.grant.areas.first(),
            desk,
            others: HashSet::new(),
            batch,
            care: &care,
            suspects: HashSet::new(),
            refused: HashSet::new(),
            within: HashMap::new(),
            known: HashMap::new(),
            judged: Judged::default(),
        };
        for (place, change) in batch.changes.iter().enumerate() {
            pass.take(place, change)?;
        }
        pass.finish(key.as_ref());
        if pass.suspects.is_empty() {
            return Ok(pass.judged);
        }
        // Every round treats at least one more document with more care, and a refused one is never suspect.
        for suspect in pass.suspects {
            let more = match care.get(&suspect) {
                None => Care::Each,
                Some(Care::Each | Care::Refuse) => Care::Refuse,
            };
            care.insert(suspect, more);
        }
    }
}

/// Gives every change of a batch that does not continue its chain its fate: what the server holds already
/// is a duplicate, the rest is a fork.
pub(super) fn judge_fork(
    tx: &Tx<'_>,
    device: &Device,
    batch: &Batch,
) -> Result<Judged, StoreError> {
    let mut judged = Judged::default();
    for (place, change) in batch.changes.iter().enumerate() {
        if documents::has_change(tx, change.document, &change.hash())? {
            judged.fates.push(Fate::Duplicate);
            continue;
        }
        judged.fates.push(Fate::Fork);
        judged.aside.extend(kept_aside(
            place,
            &Fate::Fork,
            change,
            device.grant.areas.first(),
        ));
    }
    Ok(judged)
}

/// How a change is kept aside, when its fate calls for that.
fn kept_aside(
    place: usize,
    fate: &Fate,
    change: &PushedChange,
    home: Option<&AreaCode>,
) -> Option<Aside> {
    let reason = match fate {
        Fate::Quarantined { reason } => reason.name(),
        Fate::Fork => "fork",
        _ => return None,
    };
    let claimed = gate::read_head(&change.bytes)
        .ok()
        .and_then(|head| head.message.parse::<Attribution>().ok())
        .map(|who| who.area);
    Some(Aside {
        place,
        reason,
        area: home.cloned().or(claimed)?,
    })
}

/// Why a change did not get through.
enum Stop {
    Fate(Fate),
    Store(StoreError),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Stop::Store(error)
    }
}

impl From<QuarantineReason> for Stop {
    fn from(reason: QuarantineReason) -> Self {
        Stop::Fate(Fate::Quarantined { reason })
    }
}

/// One run through the batch.
struct Pass<'a, 'c> {
    tx: &'a Tx<'c>,
    device: &'a Device,
    by: By<'a>,
    home: Option<&'a AreaCode>,
    /// It is a reviewer's desk.
    desk: bool,
    /// Actors bound to devices of other members of staff.
    others: HashSet<ActorId>,
    batch: &'a Batch,
    care: &'a HashMap<DocumentId, Care>,
    suspects: HashSet<DocumentId>,
    refused: HashSet<(DocumentId, ChangeHash)>,
    within: HashMap<AreaCode, bool>,
    known: HashMap<AreaCode, bool>,
    judged: Judged,
}

impl Pass<'_, '_> {
    fn take(&mut self, place: usize, change: &PushedChange) -> Result<(), StoreError> {
        let fate = match self.admit(place, change) {
            Ok(late) => Fate::Accepted { late },
            Err(Stop::Fate(fate)) => fate,
            Err(Stop::Store(error)) => return Err(error),
        };
        if let Some(aside) = kept_aside(place, &fate, change, self.home) {
            self.refused.insert((change.document, change.hash()));
            self.judged.aside.push(aside);
        }
        self.judged.fates.push(fate);
        Ok(())
    }

    /// Takes one change in; gives whether it is late.
    fn admit(&mut self, place: usize, change: &PushedChange) -> Result<bool, Stop> {
        let head = gate::read_head(&change.bytes)?;
        let id = change.document;
        self.open(id, head.actor)?;
        let household = &self.judged.households[&id.household];
        let scratch = &household.documents[&id.kind];
        let circumstances = Circumstances {
            held: scratch.holds(&head.hash),
            epoch: scratch.epoch,
            actor_of_others: self.others.contains(&head.actor),
            last_seq: scratch.last_seqs[&head.actor],
        };
        let (owner, stays) = (
            household.standing.owner.clone(),
            household.standing.stays.clone(),
        );
        let (by, desk) = (self.by, self.desk);
        let (tx, within) = (self.tx, RefCell::new(&mut self.within));
        let covers =
            |area: &AreaCode, grant: &Grant| is_within(tx, &mut within.borrow_mut(), area, grant);
        let responsible = |grant: &Grant| -> Result<_, StoreError> {
            let Some(owner) = &owner else {
                return Ok(Responsibility::Nobody);
            };
            if covers(owner, grant)? {
                return Ok(Responsibility::Present);
            }
            // A desk may be asked about the household, or have been shown its card: what it writes says so.
            if desk {
                return Ok(Responsibility::Asked);
            }
            for stay in &stays {
                if covers(&stay.area, grant)? {
                    return Ok(Responsibility::Former);
                }
            }
            Ok(Responsibility::Others)
        };
        let allowed = judge(
            (id, change.epoch),
            &head,
            &by,
            &circumstances,
            covers,
            responsible,
        )?
        .map_err(Stop::Fate)?;
        // A suspect document is judged again in the next round; what is said here is thrown away.
        if self.suspects.contains(&id) || self.care.get(&id) == Some(&Care::Refuse) {
            return Err(QuarantineReason::Unsafe.into());
        }
        let late = allowed.late;
        let outcome = guarded(|| self.merge(place, change, head, allowed));
        match outcome.unwrap_or_else(|reason| Err(reason.into())) {
            Err(Stop::Fate(Fate::Quarantined {
                reason: QuarantineReason::Unsafe,
            })) if !self.care.contains_key(&id) => {
                self.suspects.insert(id);
                Err(QuarantineReason::Unsafe.into())
            }
            other => other.map(|()| late),
        }
    }

    /// Reads what a change is judged by, once for each household, document and actor.
    fn open(&mut self, id: DocumentId, actor: ActorId) -> Result<(), StoreError> {
        let tx = self.tx;
        if let btree_map::Entry::Vacant(entry) = self.judged.actors.entry(actor) {
            let bound = devices::device_of_actor(tx, actor)?;
            if let Some(bound) = bound.filter(|bound| *bound != self.device.id)
                && devices::get(tx, bound)?.is_none_or(|other| other.staff != self.device.staff)
            {
                self.others.insert(actor);
            }
            entry.insert(bound);
        }
        let household = match self.judged.households.entry(id.household) {
            btree_map::Entry::Occupied(entry) => entry.into_mut(),
            btree_map::Entry::Vacant(entry) => {
                let items = review::of_household(tx, id.household)?;
                let standing = Standing::of(residence::get(tx, id.household)?, items.clone());
                entry.insert(Household {
                    position_before: standing.last_position,
                    owner_before: standing.owner.clone(),
                    items_before: items,
                    standing,
                    documents: BTreeMap::new(),
                    admitted: Vec::new(),
                    persons: Persons::Same,
                    hand_overs: None,
                })
            }
        };
        let scratch = match household.documents.entry(id.kind) {
            btree_map::Entry::Occupied(entry) => entry.into_mut(),
            btree_map::Entry::Vacant(entry) => entry.insert(match documents::load(tx, id)? {
                Some(held) => Scratch::of(held, documents::leaf(tx, id)?),
                None => Scratch::new(id),
            }),
        };
        if let hash_map::Entry::Vacant(entry) = scratch.last_seqs.entry(actor) {
            entry.insert(documents::last_seq(tx, id, actor)?);
        }
        Ok(())
    }

    /// Looks at a change's content and takes it into the scratch copy.
    fn merge(
        &mut self,
        place: usize,
        change: &PushedChange,
        head: ChangeHead,
        allowed: Allowed,
    ) -> Result<(), Stop> {
        let id = change.document;
        let facts = inspect(&change.bytes).map_err(|unfit| unfit.reason())?;
        let scratch = &self.judged.households[&id.household].documents[&id.kind];
        let touches = match scratch.touches(&facts) {
            Ok(touches) => touches,
            Err(Unfit::MissingDeps(absent)) => return Err(self.missing(id, &absent)?),
            Err(unfit) => return Err(unfit.reason().into()),
        };
        if head.seq != scratch.last_seqs[&head.actor] + 1 {
            // It builds on another change of its own actor without saying so, and that one is not here.
            return Err(Stop::Fate(Fate::MissingDeps));
        }
        if self.judged.households[&id.household]
            .standing
            .owner
            .is_none()
        {
            self.may_register(id, &touches)?;
        }
        let at_desks_alone = |touch: &Touch| is_decision(&touch.path) || is_question(&touch.path);
        if touches.iter().any(at_desks_alone) && !self.desk {
            return Err(QuarantineReason::NotAuthorised.into());
        }
        if allowed.only_answers {
            self.may_answer(id, &touches)?;
        }
        let careful = self.care.contains_key(&id);
        let batch = self.batch;
        let scratch = self.household(id).scratch(id);
        if careful {
            let alone = scratch.prove_alone(&change.bytes)?;
            scratch.replace(alone);
        }
        let taken = Taken {
            change: head.hash,
            late: allowed.late,
            contested: false,
            unknown: Vec::new(),
        };
        let residences = scratch
            .take((place, taken), &facts, &touches, batch)
            .map_err(|reason| {
                if careful {
                    reason
                } else {
                    QuarantineReason::Unsafe
                }
            })?;
        let unknown = self.unknown_of(&residences)?;
        let household = self.household(id);
        household.standing.move_on(id.kind, &residences, &unknown);
        let contested = household.standing.contested;
        household.scratch(id).note(contested, &unknown);
        let position = household.standing.last_position;
        household.admitted.push(Admitted {
            place,
            position,
            head,
            attribution: allowed.attribution,
            late: allowed.late,
            unknown,
        });
        Ok(())
    }

    fn household(&mut self, id: DocumentId) -> &mut Household {
        self.judged
            .households
            .get_mut(&id.household)
            .expect("a household is opened before its changes are merged")
    }

    /// What became of the changes that this one builds on.
    fn missing(&self, id: DocumentId, absent: &[ChangeHash]) -> Result<Stop, StoreError> {
        for dep in absent {
            if self.refused.contains(&(id, *dep))
                || quarantine::holds(self.tx, self.device.id, id, dep)?
            {
                return Ok(QuarantineReason::Descendant.into());
            }
        }
        Ok(Stop::Fate(Fate::MissingDeps))
    }

    /// A household begins with a core change that says it lives within the grant; anything else of it comes later.
    fn may_register(&mut self, id: DocumentId, touches: &[Touch]) -> Result<(), Stop> {
        let lives = touches.iter().find_map(area_in);
        let refused_before = |pass: &Self| {
            pass.refused
                .iter()
                .any(|(document, _)| document.household == id.household)
        };
        match (id.kind, lives, self.by.grant) {
            (DocKind::Core, Some(area), Some(grant))
                if is_within(self.tx, &mut self.within, &area, grant)? =>
            {
                Ok(())
            }
            (DocKind::Core, Some(_), _) => Err(QuarantineReason::NotAuthorised.into()),
            _ if refused_before(self)
                || quarantine::holds_of(self.tx, self.device.id, id.household)? =>
            {
                Err(QuarantineReason::Descendant.into())
            }
            // It builds on a registration that is not here.
            (DocKind::Health, ..) => Err(Stop::Fate(Fate::MissingDeps)),
            _ => Err(QuarantineReason::NotAuthorised.into()),
        }
    }

    /// A desk that is asked about a hand-over may answer, one that was shown a card may let the household follow, and neither may do
    /// anything else in it.
    fn may_answer(&mut self, id: DocumentId, touches: &[Touch]) -> Result<(), Stop> {
        let document = self.judged.households[&id.household].documents[&id.kind].document();
        let standing = hand_overs(document);
        let named = standing.iter().filter_map(HandOver::asked).cloned();
        let moved_to = touches.iter().filter_map(area_in);
        let mut theirs = BTreeSet::new();
        for area in named.chain(moved_to) {
            if let Some(grant) = self.by.grant
                && is_within(self.tx, &mut self.within, &area, grant)?
            {
                theirs.insert(area);
            }
        }
        let is_asked = |one: &HandOver| one.asked().is_some_and(|asked| theirs.contains(asked));
        let is_right = |card: &Card| document.cards().contains(card);
        if authority::is_answer(touches, &standing, is_asked)
            || authority::follows_card(touches, &standing, is_right, |to| theirs.contains(to))
        {
            return Ok(());
        }
        Err(QuarantineReason::NotAuthorised.into())
    }

    /// Which of these areas are not in the tree.
    fn unknown_of(&mut self, areas: &[AreaCode]) -> Result<Vec<AreaCode>, StoreError> {
        let mut unknown = Vec::new();
        for area in areas {
            let known = match self.known.get(area) {
                Some(known) => *known,
                None => areas::is_known(self.tx, area)?,
            };
            self.known.insert(area.clone(), known);
            if !known {
                unknown.push(area.clone());
            }
        }
        Ok(unknown)
    }

    /// Applies and proves every document that changes were taken into, and makes what is derived from it.
    fn finish(&mut self, key: Option<&IdHashKey>) {
        for (household, found) in &mut self.judged.households {
            for (kind, scratch) in &mut found.documents {
                let id = DocumentId::new(*household, *kind);
                if self.suspects.contains(&id) {
                    continue;
                }
                let finished = scratch.finish(self.batch, &mut found.standing.items);
                let shown =
                    finished.and_then(|()| Ok((persons_of(scratch, key)?, scratch.hand_overs()?)));
                match shown {
                    Ok((persons, moves)) => {
                        if !matches!(persons, Persons::Same) {
                            found.persons = persons;
                        }
                        found.hand_overs = moves.or(found.hand_overs.take());
                    }
                    Err(_) => {
                        self.suspects.insert(id);
                    }
                }
            }
        }
    }
}

fn persons_of(scratch: &Scratch, key: Option<&IdHashKey>) -> Result<Persons, QuarantineReason> {
    if !scratch.shows_persons || scratch.document().id().kind != DocKind::Core {
        return Ok(Persons::Same);
    }
    let Some(key) = key else {
        return Ok(Persons::Unmade);
    };
    guarded(|| projection::rows_of(scratch.document(), key)).map(Persons::Ready)
}

impl Household {
    fn scratch(&mut self, id: DocumentId) -> &mut Scratch {
        self.documents
            .get_mut(&id.kind)
            .expect("a document is opened before its changes are merged")
    }

    /// Areas that the household passed through or came from, and is no longer in.
    pub(super) fn left(&self) -> BTreeSet<AreaCode> {
        let since = self.standing.stays.iter();
        let mut left: BTreeSet<AreaCode> = since
            .filter(|stay| stay.position > self.position_before)
            .map(|stay| stay.area.clone())
            .collect();
        left.extend(self.owner_before.clone());
        left.retain(|area| Some(area) != self.standing.owner.as_ref());
        left
    }
}

/// The area in which a household is to live by what is written.
fn area_in(touch: &Touch) -> Option<AreaCode> {
    match &touch.value {
        Some(Value::Text(area)) if touch.path == RESIDENCE => area.parse().ok(),
        _ => None,
    }
}

/// Whether an area lies within the grant, asked once for each area.
fn is_within(
    tx: &Tx<'_>,
    asked: &mut HashMap<AreaCode, bool>,
    area: &AreaCode,
    grant: &Grant,
) -> Result<bool, StoreError> {
    if let Some(within) = asked.get(area) {
        return Ok(*within);
    }
    let within = areas::is_within(tx, area, &grant.areas)?;
    asked.insert(area.clone(), within);
    Ok(within)
}
