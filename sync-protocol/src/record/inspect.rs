//! What a raw change says about itself, and what it would touch, without applying it.
//!
//! [`inspect`] needs the bytes only; [`Document::touches`] resolves the maps they write into. Both
//! judge structure, never meaning: a wrong date is a value for a person to review, a list is no value at
//! all. Authority (whose actor, which area) is judged by the caller on [`ChangeFacts`].

#[path = "reading.rs"]
mod reading;

use automerge::legacy::{Key, ObjectId, Op, OpId, OpType};
use automerge::{ObjId, ObjType, ROOT, ReadDoc, ScalarValue, ValueRef};
use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::attribution::Attribution;
use super::document::{Document, actor_of, read_change};
use super::genesis::{self, Lineage};
use super::schema::{Field, Shape, collection_named, field_at, is_entry_id};
use super::value::{FieldType, Value};
use crate::limits::TEXT_BYTES_MAX;
use crate::message::QuarantineReason;
use crate::{ActorId, AreaCode, ChangeHash, DocKind, Timestamp};

pub use reading::Reading;

/// Bytes of one key.
const KEY_BYTES_MAX: usize = 128;
/// The most that one operation adds to a counter.
const COUNTER_STEP_MAX: i64 = 1000;

/// What one change says of itself.
#[derive(Debug, Clone)]
pub struct ChangeFacts {
    /// Its hash.
    pub hash: ChangeHash,
    /// Who claims to have made it.
    pub actor: ActorId,
    /// The actor's how-manieth change of the document.
    pub seq: u64,
    /// What it builds on.
    pub deps: Vec<ChangeHash>,
    /// When, by the author's clock.
    pub time: Timestamp,
    /// Who, how and for which area, as claimed.
    pub attribution: Attribution,
    /// How many operations it has.
    pub op_count: usize,
    start_op: u64,
    ops: Vec<Op>,
}

/// One field a change writes.
#[derive(Debug, Clone, PartialEq)]
pub struct Touch {
    /// Its path.
    pub path: String,
    /// Its declaration; `None` for a key of a newer schema, which is kept and not shown.
    pub field: Option<&'static Field>,
    /// The value written, or the amount added to a counter; `None` clears.
    pub value: Option<Value>,
}

/// Why a change cannot be part of a household document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// The bytes are no acceptable change at all.
    #[error("the bytes are no acceptable change: {}", .0.name())]
    NotAChange(QuarantineReason),
    /// Its message is no attribution.
    #[error("the change does not say who made it")]
    NoAttribution,
    /// Its actor is the one of constants.
    #[error("the change uses the actor of genesis changes")]
    ReservedActor,
    /// It builds on nothing, changes nothing, or carries bytes beside its operations.
    #[error("the change has no parents, no operations, or bytes that mean nothing")]
    Hollow,
    /// It builds on changes the document lacks.
    #[error("the change builds on changes that are not here")]
    MissingDeps(Vec<ChangeHash>),
    /// Its operations are not numbered from the end of what it builds on.
    #[error("the change's operations are numbered from {found}, not from {expected}")]
    Numbering {
        /// What its parents call for.
        expected: u64,
        /// What it says.
        found: u64,
    },
    /// An operation that the record never uses: a deletion, list, text, mark, or write outside the maps.
    #[error("the change does what the record never does: {0}")]
    Forbidden(&'static str),
    /// A value of a kind its field does not hold.
    #[error("`{0}` does not hold values of that kind")]
    WrongType(String),
    /// A text or key over the bound.
    #[error("`{0}` is longer than the record allows")]
    TooLong(String),
    /// A new entry whose key is no UUIDv7, or is taken.
    #[error("`{0}` cannot be a new entry")]
    BadEntry(String),
}

impl Unfit {
    /// The reason under which such a change is kept aside.
    pub fn reason(&self) -> QuarantineReason {
        match self {
            Self::NotAChange(reason) => *reason,
            Self::NoAttribution => QuarantineReason::WrongAuthor,
            Self::ReservedActor => QuarantineReason::WrongActor,
            Self::TooLong(_) => QuarantineReason::TooLarge,
            _ => QuarantineReason::Structure,
        }
    }
}

/// Reads a change's facts from its bytes.
pub fn inspect(bytes: &[u8]) -> Result<ChangeFacts, Unfit> {
    let change = read_change(bytes).map_err(Unfit::NotAChange)?;
    if genesis::is_reserved(change.actor_id()) {
        return Err(Unfit::ReservedActor);
    }
    if change.deps().is_empty() || change.is_empty() || !change.extra_bytes().is_empty() {
        return Err(Unfit::Hollow);
    }
    let message = change.message().ok_or(Unfit::NoAttribution)?;
    let attribution = message.parse().map_err(|_| Unfit::NoAttribution)?;
    // An operation may name an author that the change's table lacks; Automerge's decoder indexes it.
    let decoded = catch_unwind(AssertUnwindSafe(|| change.decode()))
        .map_err(|_| Unfit::NotAChange(QuarantineReason::Malformed))?;
    Ok(ChangeFacts {
        hash: ChangeHash::from(&change.hash()),
        actor: actor_of(change.actor_id()),
        seq: change.seq(),
        deps: change.deps().iter().map(ChangeHash::from).collect(),
        time: Timestamp::from_millis(change.timestamp()),
        attribution,
        op_count: change.len(),
        start_op: change.start_op().get(),
        ops: decoded.operations,
    })
}

impl ChangeFacts {
    fn op_id(&self, at: usize) -> OpId {
        OpId(
            self.start_op.saturating_add(at as u64),
            (&self.actor).into(),
        )
    }
}

/// A map an operation writes into.
#[derive(Debug, Clone)]
enum Map {
    /// A collection of the genesis.
    Collection(String),
    /// An entry: collection and id.
    Entry(String),
}

/// The maps of a document and the ends of its changes, read once to judge many changes by. It goes on by changes
/// that are meant to be applied together later: what builds on one of them can be judged before it is applied.
#[derive(Debug, Clone)]
pub struct Outline {
    kind: DocKind,
    lineage: &'static Lineage,
    maps: HashMap<OpId, Map>,
    entries: HashSet<String>,
    /// Changes taken in, each with the number of its last operation.
    taken: HashMap<ChangeHash, u64>,
}

impl Outline {
    /// Whether a change has been taken in since the outline was read.
    pub fn has_taken(&self, hash: &ChangeHash) -> bool {
        self.taken.contains_key(hash)
    }

    /// The maps of the constants that a change builds on: a copy takes those in with it.
    fn maps_of_constants(&self, deps: &[ChangeHash]) -> Vec<(OpId, Map)> {
        let upto = deps
            .iter()
            .filter_map(|dep| self.lineage.position(dep))
            .max();
        let constants = upto.map_or(&[][..], |last| &self.lineage.changes()[..=last]);
        let mut maps = Vec::new();
        for constant in constants {
            let ids = constant.start_op().get()..;
            for (op, at) in constant.decode().operations.iter().zip(ids) {
                if let (OpType::Make(ObjType::Map), Key::Map(name)) = (&op.action, &op.key) {
                    let id = OpId(at, constant.actor_id().clone());
                    maps.push((id, Map::Collection(name.to_string())));
                }
            }
        }
        maps
    }

    /// Goes on by a change whose touches have been judged.
    pub fn take(&mut self, facts: &ChangeFacts) {
        self.maps.extend(self.maps_of_constants(&facts.deps));
        for (at, op) in facts.ops.iter().enumerate() {
            let (Key::Map(key), ObjectId::Id(map)) = (&op.key, &op.obj) else {
                continue;
            };
            if let (OpType::Make(ObjType::Map), Some(Map::Collection(name))) =
                (&op.action, self.maps.get(map))
            {
                let path = format!("{name}/{key}");
                self.entries.insert(path.clone());
                self.maps.insert(facts.op_id(at), Map::Entry(path));
            }
        }
        let last = facts.start_op + facts.ops.len() as u64 - 1;
        self.taken.insert(facts.hash, last);
    }

    fn judge_put(&self, path: String, scalar: &ScalarValue, map: &Map) -> Result<Touch, Unfit> {
        if let Map::Collection(name) = map
            && collection_named(name).is_some_and(|c| c.shape == Shape::Entries)
        {
            return Err(Unfit::Forbidden("a value where an entry belongs"));
        }
        let stored = matches!(
            scalar,
            ScalarValue::Null | ScalarValue::Boolean(_) | ScalarValue::Int(_) | ScalarValue::Str(_)
        );
        if !stored {
            return Err(Unfit::WrongType(path));
        }
        let value = Value::from_scalar(scalar);
        let field = field_at(self.kind, &path);
        if let Some(Value::Text(text)) = &value
            && text.len() > TEXT_BYTES_MAX
        {
            return Err(Unfit::TooLong(path));
        }
        if let Some(field) = field {
            let fits = match &value {
                None => field.ty != FieldType::Counter,
                // An area decides who is responsible, so its form is structure.
                Some(Value::Text(text)) if field.ty == FieldType::Area => {
                    text.parse::<AreaCode>().is_ok()
                }
                Some(value) => field.ty.stores(value),
            };
            if !fits {
                return Err(Unfit::WrongType(path));
            }
        }
        Ok(Touch { path, field, value })
    }
}

impl Document {
    /// What the change would write here, in order. The document must hold everything it builds on; the
    /// change itself may be in it or not.
    pub fn touches(&self, facts: &ChangeFacts) -> Result<Vec<Touch>, Unfit> {
        self.touches_in(&self.outline(), facts)
    }

    /// The same by an outline of this document, and of what has been taken into the outline since.
    pub fn touches_in(&self, outline: &Outline, facts: &ChangeFacts) -> Result<Vec<Touch>, Unfit> {
        let absent: Vec<_> = facts
            .deps
            .iter()
            .filter(|dep| !outline.has_taken(dep) && !self.has_or_constant(dep))
            .copied()
            .collect();
        if !absent.is_empty() {
            return Err(Unfit::MissingDeps(absent));
        }
        let expected = 1 + facts
            .deps
            .iter()
            .map(|dep| match outline.taken.get(dep) {
                Some(last) => *last,
                None => self.last_op(dep),
            })
            .max()
            .unwrap_or(0);
        if expected != facts.start_op {
            return Err(Unfit::Numbering {
                expected,
                found: facts.start_op,
            });
        }
        let known = self.has(&facts.hash);
        // Maps that come with the constants it builds on, then entries that the change itself makes.
        let mut made: HashMap<OpId, Map> =
            outline.maps_of_constants(&facts.deps).into_iter().collect();
        let mut touches = Vec::with_capacity(facts.ops.len());
        for (at, op) in facts.ops.iter().enumerate() {
            let Key::Map(key) = &op.key else {
                return Err(Unfit::Forbidden("a list"));
            };
            if op.insert {
                return Err(Unfit::Forbidden("a list"));
            }
            let map = match &op.obj {
                ObjectId::Root => return Err(Unfit::Forbidden("a write to the root")),
                ObjectId::Id(id) => made
                    .get(id)
                    .or_else(|| outline.maps.get(id))
                    .ok_or(Unfit::Forbidden("a write to a foreign map"))?
                    .clone(),
            };
            let path = match &map {
                Map::Collection(name) | Map::Entry(name) => format!("{name}/{key}"),
            };
            if key.len() > KEY_BYTES_MAX {
                return Err(Unfit::TooLong(path.chars().take(KEY_BYTES_MAX).collect()));
            }
            match (&op.action, &map) {
                (OpType::Make(ObjType::Map), Map::Collection(name)) => {
                    let entries = collection_named(name).is_none_or(|c| c.shape == Shape::Entries);
                    if !entries {
                        return Err(Unfit::Forbidden("a map where a value belongs"));
                    }
                    let twice = |map: &Map| matches!(map, Map::Entry(entry) if *entry == path);
                    let is_taken = outline.entries.contains(&path) || made.values().any(twice);
                    if !is_entry_id(key) || (!known && is_taken) {
                        return Err(Unfit::BadEntry(path));
                    }
                    made.insert(facts.op_id(at), Map::Entry(path));
                }
                (OpType::Put(scalar), map) => {
                    touches.push(outline.judge_put(path, scalar, map)?);
                }
                (OpType::Increment(by), _) => {
                    let field = field_at(self.id().kind, &path);
                    let counts = field.is_some_and(|field| field.ty == FieldType::Counter);
                    if !counts || !(1..=COUNTER_STEP_MAX).contains(by) {
                        return Err(Unfit::WrongType(path));
                    }
                    touches.push(Touch {
                        path,
                        field,
                        value: Some(Value::Int(*by)),
                    });
                }
                (OpType::Make(_), _) => return Err(Unfit::Forbidden("a nested map, list or text")),
                (OpType::Delete, _) => return Err(Unfit::Forbidden("a deletion")),
                _ => return Err(Unfit::Forbidden("a mark")),
            }
        }
        Ok(touches)
    }

    /// Every map of the document by the operation that made it.
    pub fn outline(&self) -> Outline {
        let mut maps = HashMap::new();
        let mut entries = HashSet::new();
        let inner = self.inner();
        for collection in inner.map_range(&ROOT, ..) {
            let name = collection.key.to_string();
            if !matches!(collection.value, ValueRef::Object(ObjType::Map)) {
                continue;
            }
            let id = collection.id();
            for entry in inner.map_range(&id, ..) {
                if matches!(entry.value, ValueRef::Object(ObjType::Map)) {
                    let path = format!("{name}/{}", entry.key);
                    entries.insert(path.clone());
                    if let Some(op) = op_id(&entry.id()) {
                        maps.insert(op, Map::Entry(path));
                    }
                }
            }
            if let Some(op) = op_id(&id) {
                maps.insert(op, Map::Collection(name));
            }
        }
        Outline {
            kind: self.id().kind,
            lineage: self.lineage(),
            maps,
            entries,
            taken: HashMap::new(),
        }
    }

    fn has_or_constant(&self, hash: &ChangeHash) -> bool {
        self.has(hash) || self.constant(hash).is_some()
    }

    fn last_op(&self, hash: &ChangeHash) -> u64 {
        match self.inner().get_change_meta_by_hash(&hash.into()) {
            Some(meta) => meta.max_op,
            None => self.constant(hash).map_or(0, automerge::Change::max_op),
        }
    }
}

fn op_id(id: &ObjId) -> Option<OpId> {
    match id {
        ObjId::Root => None,
        ObjId::Id(counter, actor, _) => Some(OpId(*counter, actor.clone())),
    }
}

/// The paths an operation's object stands for, learned as a history is walked.
pub(crate) struct Paths(HashMap<OpId, String>);

impl Paths {
    pub(crate) fn new() -> Self {
        Self(HashMap::new())
    }

    /// The path an operation writes; remembers the map when it makes one. `None` for what lies in no map.
    pub(crate) fn of(&mut self, op: &Op, id: OpId) -> Option<String> {
        let Key::Map(key) = &op.key else { return None };
        let path = match &op.obj {
            ObjectId::Root => key.to_string(),
            ObjectId::Id(map) => format!("{}/{key}", self.0.get(map)?),
        };
        if let OpType::Make(ObjType::Map) = op.action {
            self.0.insert(id, path.clone());
        }
        Some(path)
    }
}

#[cfg(test)]
#[path = "inspect_tests.rs"]
mod tests;
