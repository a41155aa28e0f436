//! One document in memory: Automerge with the rules of the record around it.
//!
//! It always holds its genesis. It never holds a change whose parents it lacks. A failed call leaves
//! it as it was.

use automerge::{
    Automerge, Change, LoadOptions, ObjId, ObjType, ROOT, ReadDoc, Value as AmValue, ValueRef,
};
use automerge::{OnPartialLoad, VerificationMode};
use std::collections::{BTreeSet, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::genesis::Lineage;
use super::schema::{self, Place};
use super::value::Value;
use crate::gate;
use crate::message::QuarantineReason;
use crate::{ActorId, Card, ChangeHash, DocumentId, Timestamp};

/// One change as it is stored and sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawChange {
    /// SHA-256 as Automerge computes it.
    pub hash: ChangeHash,
    /// Who made it.
    pub actor: ActorId,
    /// The actor's how-manieth change of this document, from 1.
    pub seq: u64,
    /// The uncompressed change chunk.
    pub bytes: Vec<u8>,
}

impl RawChange {
    pub(crate) fn of(change: &Change) -> Self {
        Self {
            hash: ChangeHash::from(&change.hash()),
            actor: actor_of(change.actor_id()),
            seq: change.seq(),
            bytes: change.raw_bytes().to_vec(),
        }
    }
}

/// Why a document or a change could not be taken in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// The saved bytes cannot be read: fall back on the raw changes.
    #[error("the saved document cannot be read: {0}")]
    Damaged(String),
    /// The bytes are of another kind of document.
    #[error("the document does not begin with this kind's genesis change")]
    OtherGenesis,
    /// Bytes that are no acceptable change.
    #[error("the bytes are no acceptable change: {}", .0.name())]
    NotAChange(QuarantineReason),
    /// Parents are unknown: fetch them first.
    #[error("the change {change} builds on changes that are not here")]
    MissingDeps {
        /// The change that cannot be placed.
        change: ChangeHash,
        /// What it builds on and is absent.
        deps: Vec<ChangeHash>,
    },
    /// Automerge refuses the change: its actor and number are taken, or its operations make no sense.
    #[error("the change cannot be merged: {0}")]
    Refused(String),
}

/// One household document.
#[derive(Debug, Clone)]
pub struct Document {
    id: DocumentId,
    inner: Automerge,
    lineage: &'static Lineage,
}

impl Document {
    /// A document with nothing written in it.
    pub fn new(id: DocumentId) -> Self {
        Self::with_lineage(id, Lineage::of_kind(id.kind))
    }

    pub(crate) fn with_lineage(id: DocumentId, lineage: &'static Lineage) -> Self {
        let mut inner = Automerge::new();
        inner
            .apply_changes([lineage.changes()[0].clone()])
            .expect("the genesis of this program applies to an empty document");
        Self { id, inner, lineage }
    }

    /// Reads what [`Document::save`] wrote, checking that it is whole.
    pub fn load(id: DocumentId, saved: &[u8]) -> Result<Self, RecordError> {
        Self::load_with_lineage(id, saved, Lineage::of_kind(id.kind))
    }

    pub(crate) fn load_with_lineage(
        id: DocumentId,
        saved: &[u8],
        lineage: &'static Lineage,
    ) -> Result<Self, RecordError> {
        // Run-length columns promise what they like: a kilobyte could unfold to all the memory there is.
        gate::check_saved(saved).map_err(|reason| {
            RecordError::Damaged(format!("it is no document: {}", reason.name()))
        })?;
        Self::read(id, saved, lineage, VerificationMode::Check)
    }

    /// Reads what this program itself loaded in full before it stored it. The checksum shows damage; the hashes
    /// of the changes are not computed again.
    pub fn load_stored(id: DocumentId, saved: &[u8]) -> Result<Self, RecordError> {
        let lineage = Lineage::of_kind(id.kind);
        Self::read(id, saved, lineage, VerificationMode::DontCheck)
    }

    fn read(
        id: DocumentId,
        saved: &[u8],
        lineage: &'static Lineage,
        mode: VerificationMode,
    ) -> Result<Self, RecordError> {
        let options = LoadOptions::new()
            .on_partial_load(OnPartialLoad::Error)
            .verification_mode(mode);
        let inner = catch_unwind(AssertUnwindSafe(|| {
            Automerge::load_with_options(saved, options)
        }))
        .map_err(|_| RecordError::Damaged("its columns contradict each other".to_owned()))?
        .map_err(|error| RecordError::Damaged(error.to_string()))?;
        if inner.get_change_meta_by_hash(&lineage.genesis()).is_none() {
            return Err(RecordError::OtherGenesis);
        }
        Ok(Self { id, inner, lineage })
    }

    /// Which document it is.
    pub fn id(&self) -> DocumentId {
        self.id
    }

    /// The whole document with its history, uncompressed: whoever stores or sends it compresses many together.
    pub fn save(&self) -> Vec<u8> {
        self.inner.save_nocompress()
    }

    /// The changes nothing builds on yet, sorted.
    pub fn heads(&self) -> Vec<ChangeHash> {
        self.inner
            .get_heads()
            .iter()
            .map(ChangeHash::from)
            .collect()
    }

    /// Whether the document holds this change.
    pub fn has(&self, hash: &ChangeHash) -> bool {
        self.inner.get_change_meta_by_hash(&hash.into()).is_some()
    }

    /// The time of the latest change that nothing builds on yet, by its author's clock.
    pub fn last_change(&self) -> Timestamp {
        let heads = self.inner.get_heads();
        let metas = heads
            .iter()
            .filter_map(|head| self.inner.get_change_meta_by_hash(head));
        let times = metas.map(|meta| Timestamp::from_millis(meta.timestamp));
        times.max().unwrap_or_default()
    }

    /// Whether both show the same: every value at every key, each by the same operation, and those that contradict
    /// it too. Documents hold maps and scalars only; anything else is not the same.
    pub fn shows_the_same(&self, other: &Self) -> bool {
        same_map(&self.inner, &other.inner, &ROOT)
    }

    /// Every change people made, parents first; the program's constants are not among them.
    pub fn changes(&self) -> Vec<RawChange> {
        self.edits().iter().map(RawChange::of).collect()
    }

    /// The bytes of one change.
    pub fn change(&self, hash: &ChangeHash) -> Option<RawChange> {
        self.inner
            .get_change_by_hash(&hash.into())
            .map(|change| RawChange::of(&change))
    }

    /// Takes in raw changes, parents before children, and returns the hashes that were new. All or
    /// nothing: on an error the document is as before.
    pub fn apply_changes(&mut self, raw: &[&[u8]]) -> Result<Vec<ChangeHash>, RecordError> {
        let (next, applied) = self.merged(raw)?;
        if let Some(next) = next {
            self.inner = next;
        }
        Ok(applied)
    }

    /// A copy with these changes in it as well, parents before children; this document stays as it is.
    pub fn with_changes(&self, raw: &[&[u8]]) -> Result<Self, RecordError> {
        let (next, _) = self.merged(raw)?;
        Ok(Self {
            inner: next.unwrap_or_else(|| self.inner.clone()),
            ..*self
        })
    }

    /// Like [`Document::apply_changes`], for changes that nobody has tried on a copy before: what was new is read from the document
    /// again and must be the same bytes, because Automerge takes changes that it then cannot give back.
    pub fn take_in(&mut self, raw: &[&[u8]]) -> Result<Vec<RawChange>, RecordError> {
        let (next, applied) = self.merged(raw)?;
        let Some(next) = next else {
            return Ok(Vec::new());
        };
        let taken = catch_unwind(AssertUnwindSafe(|| {
            let read = |hash: &ChangeHash| next.get_change_by_hash(&hash.into());
            let taken = applied.iter().map(read).collect::<Option<Vec<_>>>()?;
            let given = |change: &Change| raw.contains(&change.raw_bytes());
            taken.iter().all(given).then_some(taken)
        }));
        let Ok(Some(taken)) = taken else {
            return Err(RecordError::Refused(
                "it cannot be read again once it is applied".to_owned(),
            ));
        };
        self.inner = next;
        Ok(taken.iter().map(RawChange::of).collect())
    }

    /// A copy with the changes in it, if any is new, and the hashes of those.
    fn merged(&self, raw: &[&[u8]]) -> Result<(Option<Automerge>, Vec<ChangeHash>), RecordError> {
        let mut fresh: Vec<Change> = Vec::with_capacity(raw.len());
        let mut known: HashSet<ChangeHash> = HashSet::new();
        let mut applied = Vec::new();
        for bytes in raw {
            let change = read_change(bytes).map_err(RecordError::NotAChange)?;
            let hash = ChangeHash::from(&change.hash());
            if known.contains(&hash) || self.has(&hash) {
                continue;
            }
            let mut missing = Vec::new();
            for dep in change.deps() {
                let dep = ChangeHash::from(dep);
                if known.contains(&dep) || self.has(&dep) {
                    continue;
                }
                match self.lineage.position(&dep) {
                    Some(at) => {
                        for constant in &self.lineage.changes()[..=at] {
                            let constant_hash = ChangeHash::from(&constant.hash());
                            if !self.has(&constant_hash) && known.insert(constant_hash) {
                                fresh.push(constant.clone());
                            }
                        }
                    }
                    None => missing.push(dep),
                }
            }
            if !missing.is_empty() {
                return Err(RecordError::MissingDeps {
                    change: hash,
                    deps: missing,
                });
            }
            if change.deps().is_empty() {
                return Err(RecordError::OtherGenesis);
            }
            known.insert(hash);
            applied.push(hash);
            fresh.push(change);
        }
        if fresh.is_empty() {
            return Ok((None, applied));
        }
        // A document is not to be trusted after Automerge failed midway, so a copy takes the risk.
        let mut next = self.inner.clone();
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            next.apply_changes(fresh).map(|()| next)
        }));
        let next = outcome
            .map_err(|_| RecordError::Refused("its operations contradict the document".to_owned()))?
            .map_err(|error| RecordError::Refused(error.to_string()))?;
        Ok((Some(next), applied))
    }

    pub(crate) fn add_missing_constants(&mut self) -> bool {
        let missing: Vec<Change> = self
            .lineage
            .changes()
            .iter()
            .filter(|constant| !self.has(&ChangeHash::from(&constant.hash())))
            .cloned()
            .collect();
        if missing.is_empty() {
            return false;
        }
        self.inner
            .apply_changes(missing)
            .expect("a constant builds only on the constants before it");
        true
    }

    pub(crate) fn lineage(&self) -> &'static Lineage {
        self.lineage
    }

    /// The constant change of this kind with this hash.
    pub(crate) fn constant(&self, hash: &ChangeHash) -> Option<&'static Change> {
        self.lineage
            .position(hash)
            .map(|at| &self.lineage.changes()[at])
    }

    pub(crate) fn inner(&self) -> &Automerge {
        &self.inner
    }

    pub(crate) fn inner_mut(&mut self) -> &mut Automerge {
        &mut self.inner
    }

    /// Every change, the constants too, parents first. None of a document that was saved by somebody who meant
    /// ill: such a one can be loaded, and Automerge panics over its changes.
    pub(crate) fn all_changes(&self) -> Vec<Change> {
        catch_unwind(AssertUnwindSafe(|| self.inner.get_changes(&[]))).unwrap_or_default()
    }

    /// The household's card; `None` of a document in which nobody has written. Where several wrote without knowing of one another
    /// there are as many cards: all of them are right, and this is one of them, the same on every copy.
    pub fn card(&self) -> Option<Card> {
        self.cards().first().copied()
    }

    /// Every card that is right.
    pub fn cards(&self) -> BTreeSet<Card> {
        let genesis = [self.lineage.genesis()];
        let firsts = self
            .edits()
            .into_iter()
            .filter(|change| change.deps() == genesis);
        firsts
            .map(|change| Card::of(self.id.household, change.raw_bytes()))
            .collect()
    }

    /// The changes people made, parents first.
    pub(crate) fn edits(&self) -> Vec<Change> {
        let mut changes = self.all_changes();
        changes.retain(|change| {
            self.lineage
                .position(&ChangeHash::from(&change.hash()))
                .is_none()
        });
        changes
    }

    /// The map a place lies in, if it exists.
    pub(crate) fn map_of(&self, root: &str, entry: Option<&str>) -> Option<ObjId> {
        let map = self.child_map(&ROOT, root)?;
        match entry {
            Some(entry) => self.child_map(&map, entry),
            None => Some(map),
        }
    }

    /// Whether the map of the genesis that a path begins with is here.
    pub(crate) fn has_collection_of(&self, path: &str) -> bool {
        schema::place(path).is_some_and(|place| self.map_of(place.root, None).is_some())
    }

    fn child_map(&self, parent: &ObjId, key: &str) -> Option<ObjId> {
        match self.inner.get(parent, key) {
            Ok(Some((AmValue::Object(ObjType::Map), map))) => Some(map),
            _ => None,
        }
    }

    /// Whether the entry of a collection exists.
    pub(crate) fn has_entry(&self, root: &str, entry: &str) -> bool {
        self.map_of(root, Some(entry)).is_some()
    }

    /// Every value written at a key and not overwritten, with the operation that wrote it; the winner last.
    pub(crate) fn values_in(&self, map: &ObjId, key: &str) -> Vec<(Option<Value>, ObjId)> {
        let all = self.inner.get_all(map, key).unwrap_or_default();
        all.into_iter()
            .filter_map(|(value, op)| match value {
                AmValue::Scalar(scalar) => Some((Value::from_scalar(&scalar), op)),
                AmValue::Object(_) => None,
            })
            .collect()
    }

    /// The text of a field that Automerge would show, whether or not others stand beside it.
    pub fn text_at(&self, path: &str) -> Option<String> {
        match self.values_at(path).pop()? {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// The same, by path.
    pub(crate) fn values_at(&self, path: &str) -> Vec<Option<Value>> {
        let Some(Place { root, entry, key }) = schema::place(path) else {
            return Vec::new();
        };
        let Some(map) = self.map_of(root, entry) else {
            return Vec::new();
        };
        self.values_in(&map, key)
            .into_iter()
            .map(|(value, _)| value)
            .collect()
    }
}

/// Whether a map of both holds the same.
fn same_map(one: &Automerge, other: &Automerge, map: &ObjId) -> bool {
    let mut theirs = other.map_range(map, ..);
    for item in one.map_range(map, ..) {
        let Some(their) = theirs.next() else {
            return false;
        };
        let same = item.key == their.key
            && item.conflict == their.conflict
            && item.value == their.value
            && item.id() == their.id();
        if !same {
            return false;
        }
        let key: &str = &item.key;
        if item.conflict && one.get_all(map, key).ok() != other.get_all(map, key).ok() {
            return false;
        }
        match item.value {
            ValueRef::Scalar(_) => {}
            ValueRef::Object(ObjType::Map) if same_map(one, other, &item.id()) => {}
            ValueRef::Object(_) => return false,
        }
    }
    theirs.next().is_none()
}

/// An actor id as ours; Automerge's are of any length, and one of another length belongs to nobody.
pub(crate) fn actor_of(actor: &automerge::ActorId) -> ActorId {
    ActorId::from_slice(actor.to_bytes()).unwrap_or(ActorId([0; 16]))
}

/// Reads a change within the gate's bounds.
pub(crate) fn read_change(bytes: &[u8]) -> Result<Change, QuarantineReason> {
    gate::read_head(bytes)?;
    // Automerge indexes with numbers from the bytes; what is left to go wrong becomes a refusal.
    catch_unwind(|| Change::try_from(bytes))
        .map_err(|_| QuarantineReason::Malformed)?
        .map_err(|_| QuarantineReason::Malformed)
}
