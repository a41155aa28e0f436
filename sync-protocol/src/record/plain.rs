//! What a saved document shows, read from its columns without building the document: about a tenth of the time
//! that loading and looking takes.
//!
//! It proves nothing: whether bytes are a whole document is for [`super::Document::load`] to say. And it knows only
//! plain documents, where every field has one value and nobody was removed; of any other, and of bytes it is not
//! sure of, it says nothing, and the caller loads.
//!
//! Format: <https://automerge.org/automerge-binary-format-spec/>.

use std::collections::HashMap;

use super::value::Value;
use crate::Timestamp;
use crate::gate::{self, Columns, Input};
use crate::limits::DOCUMENT_ROWS_MAX;

/// Columns of a document that say anything here, by their specification; of its operations but for the last.
mod column {
    pub(super) const MAP_ACTOR: u64 = 0x01;
    pub(super) const MAP_COUNTER: u64 = 0x02;
    pub(super) const KEY: u64 = 0x15;
    pub(super) const ID_ACTOR: u64 = 0x21;
    pub(super) const ID_COUNTER: u64 = 0x23;
    pub(super) const INSERT: u64 = 0x34;
    pub(super) const ACTION: u64 = 0x42;
    pub(super) const VALUE_META: u64 = 0x56;
    pub(super) const VALUE: u64 = 0x57;
    pub(super) const SUCCESSORS: u64 = 0x80;
    pub(super) const SUCCESSOR_ACTOR: u64 = 0x81;
    pub(super) const SUCCESSOR_COUNTER: u64 = 0x83;
    /// Of the changes.
    pub(super) const CHANGE_TIME: u64 = 0x23;
}

const MAKE_MAP: u64 = 0;
const SET: u64 = 1;
const INCREMENT: u64 = 5;
/// What an entry's key begins with when the person or visit was removed.
const REMOVED: &str = "removed/";

/// One value as it lies in the bytes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Scalar<'s> {
    /// The field was cleared.
    Null,
    /// Yes or no.
    Flag(bool),
    /// A number, a counter's sum among them.
    Int(i64),
    /// Text.
    Text(&'s str),
}

impl Scalar<'_> {
    /// The same as a value of its own.
    pub(super) fn value(self) -> Option<Value> {
        match self {
            Self::Null => None,
            Self::Flag(flag) => Some(Value::Flag(flag)),
            Self::Int(number) => Some(Value::Int(number)),
            Self::Text(text) => Some(Value::Text(text.to_owned())),
        }
    }
}

/// What stands at a key.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Node<'s> {
    /// A value.
    Scalar(Scalar<'s>),
    /// A map, by its place among the maps.
    Map(usize),
}

/// The keys of one map, ascending, with what stands there.
pub(super) type Map<'s> = Vec<(&'s str, Node<'s>)>;

/// A plain document: its maps, the root first.
#[derive(Debug)]
pub(super) struct Plain<'s>(Vec<Map<'s>>);

impl<'s> Plain<'s> {
    /// Reads a saved document; `None` when it is not a plain one.
    pub(super) fn read(saved: &'s [u8]) -> Option<Self> {
        let operations = operations(saved)?;
        let increments = increments(&operations);
        let made = operations.iter().filter(|one| one.action == MAKE_MAP);
        let mut ids: Vec<Id> = made.map(|one| one.id).collect();
        ids.sort_unstable();
        let place = |id: &Id| Some(ids.binary_search(id).ok()? + 1);
        let mut maps = vec![Map::new(); ids.len() + 1];
        // Operations are in the order of their maps and keys; anything else is not for here.
        let (mut within, mut at) = (None, 0);
        for operation in &operations {
            if operation.map != within {
                within = operation.map;
                at = within.as_ref().map_or(Some(0), place)?;
            }
            let node = match operation.action {
                MAKE_MAP if operation.successors.is_empty() => Node::Map(place(&operation.id)?),
                SET => match operation.present(&increments)? {
                    Some(value) => Node::Scalar(value),
                    None => continue,
                },
                MAKE_MAP | INCREMENT => continue,
                _ => return None,
            };
            let removed = operation.key.starts_with(REMOVED) && node != Node::Scalar(Scalar::Null);
            let follows = maps[at].last().is_none_or(|(key, _)| *key < operation.key);
            if removed || !follows {
                return None;
            }
            maps[at].push((operation.key, node));
        }
        Some(Self(maps))
    }

    pub(super) fn root(&self) -> &Map<'s> {
        &self.0[0]
    }

    /// The map that stands at a key, if one does.
    pub(super) fn below(&self, map: &Map<'s>, key: &str) -> Option<&Map<'s>> {
        let at = map.binary_search_by(|(here, _)| (*here).cmp(key)).ok()?;
        self.map(map[at].1)
    }

    /// The map that this is, if it is one.
    pub(super) fn map(&self, node: Node<'s>) -> Option<&Map<'s>> {
        match node {
            Node::Map(place) => self.0.get(place),
            Node::Scalar(_) => None,
        }
    }
}

/// An operation's counter and actor.
type Id = (u64, u64);

struct Operation<'a> {
    map: Option<Id>,
    key: &'a str,
    id: Id,
    action: u64,
    kind: u64,
    raw: &'a [u8],
    successors: Vec<Id>,
}

/// A value's kind, in the low four bits of its description.
mod kind {
    pub(super) const NULL: u64 = 0;
    pub(super) const FALSE: u64 = 1;
    pub(super) const TRUE: u64 = 2;
    pub(super) const INT: u64 = 4;
    pub(super) const TEXT: u64 = 6;
    pub(super) const COUNTER: u64 = 8;
}

impl<'a> Operation<'a> {
    fn number(&self) -> Option<i64> {
        let mut input = Input(self.raw);
        let number = input.sleb().ok()?;
        input.0.is_empty().then_some(number)
    }

    /// The value a `SET` shows; the inner `None` when it is overwritten, the outer when that is not certain.
    #[allow(
        clippy::option_option,
        reason = "overwritten and uncertain are two things"
    )]
    fn present(&self, increments: &HashMap<Id, i64>) -> Option<Option<Scalar<'a>>> {
        if self.kind != kind::COUNTER && !self.successors.is_empty() {
            return Some(None);
        }
        let value = match self.kind {
            kind::NULL => Scalar::Null,
            kind::FALSE => Scalar::Flag(false),
            kind::TRUE => Scalar::Flag(true),
            kind::INT => Scalar::Int(self.number()?),
            kind::TEXT => Scalar::Text(std::str::from_utf8(self.raw).ok()?),
            kind::COUNTER => {
                let mut sum = self.number()?;
                for id in &self.successors {
                    match increments.get(id) {
                        Some(step) => sum = sum.checked_add(*step)?,
                        None => return Some(None),
                    }
                }
                Scalar::Int(sum)
            }
            _ => return None,
        };
        Some(Some(value))
    }
}

/// Every increment of a counter by its id.
fn increments(operations: &[Operation<'_>]) -> HashMap<Id, i64> {
    let steps = operations.iter().filter(|one| one.action == INCREMENT);
    steps
        .filter_map(|one| Some((one.id, one.number()?)))
        .collect()
}

/// The column with this specification; one that is not there is empty.
fn column_of<'a>(columns: &Columns<'a>, wanted: u64) -> Input<'a> {
    let found = columns.iter().find(|(spec, _)| *spec == wanted);
    Input(found.map_or(&[], |(_, data)| *data))
}

/// What [`super::Document::last_change`] says of a saved document; `None` when that is not certain.
pub(super) fn last_change_saved(saved: &[u8]) -> Option<Timestamp> {
    let parts = gate::saved_parts(saved).ok()?;
    let mut rest = Input(parts.rest);
    let mut heads = Vec::new();
    for _ in 0..parts.heads {
        heads.push(usize::try_from(rest.uleb().ok()?).ok()?);
    }
    heads.sort_unstable();
    let mut times = Deltas::new(column_of(&parts.changes, column::CHANGE_TIME));
    let (mut row, mut last) = (0, Timestamp::default());
    for head in heads {
        if head >= DOCUMENT_ROWS_MAX {
            return None;
        }
        while row <= head {
            let millis = i64::try_from(times.value()??).ok()?;
            row += 1;
            if row > head {
                last = last.max(Timestamp::from_millis(millis));
            }
        }
    }
    rest.0.is_empty().then_some(last)
}

fn operations(saved: &[u8]) -> Option<Vec<Operation<'_>>> {
    let columns = gate::saved_parts(saved).ok()?.operations;
    let data = |wanted| column_of(&columns, wanted);
    // Anything unheard of may change what the rest means.
    if Runs::<bool>::booleans(data(column::INSERT)).any(|inserted| inserted != Some(false)) {
        return None;
    }
    let mut map_actor = Runs::<u64>::new(data(column::MAP_ACTOR));
    let mut map_counter = Runs::<u64>::new(data(column::MAP_COUNTER));
    let mut keys = Runs::<&str>::new(data(column::KEY));
    let mut id_actor = Runs::<u64>::new(data(column::ID_ACTOR));
    let mut id_counter = Deltas::new(data(column::ID_COUNTER));
    let mut actions = Runs::<u64>::new(data(column::ACTION));
    let mut metas = Runs::<u64>::new(data(column::VALUE_META));
    let mut raw = data(column::VALUE);
    let mut counts = Runs::<u64>::new(data(column::SUCCESSORS));
    let mut successor_actor = Runs::<u64>::new(data(column::SUCCESSOR_ACTOR));
    let mut successor_counter = Deltas::new(data(column::SUCCESSOR_COUNTER));

    let mut operations = Vec::new();
    while let Some(action) = actions.step()? {
        if operations.len() == DOCUMENT_ROWS_MAX {
            return None;
        }
        let map = match (map_counter.value()?, map_actor.value()?) {
            (Some(counter), Some(actor)) => Some((counter, actor)),
            (None, None) => None,
            _ => return None,
        };
        let meta = metas.value()?.unwrap_or(0);
        let raw = raw.take(usize::try_from(meta >> 4).ok()?).ok()?;
        let mut successors = Vec::new();
        for _ in 0..counts.value()?.unwrap_or(0) {
            successors.push((successor_counter.value()??, successor_actor.value()??));
        }
        operations.push(Operation {
            map,
            key: keys.value()??,
            id: (id_counter.value()??, id_actor.value()??),
            action: action?,
            kind: meta & 0b1111,
            raw,
            successors,
        });
    }
    Some(operations)
}

/// What a run-length column holds.
trait Item<'a>: Copy {
    fn read(input: &mut Input<'a>) -> Option<Self>;
}

impl Item<'_> for u64 {
    fn read(input: &mut Input<'_>) -> Option<Self> {
        input.uleb().ok()
    }
}

impl Item<'_> for i64 {
    fn read(input: &mut Input<'_>) -> Option<Self> {
        input.sleb().ok()
    }
}

impl<'a> Item<'a> for &'a str {
    fn read(input: &mut Input<'a>) -> Option<Self> {
        std::str::from_utf8(input.prefixed().ok()?).ok()
    }
}

/// Reads a run-length column: a positive count repeats one value, a negative one precedes that many values, zero
/// precedes a count of nulls. A column that ends early goes on with nulls.
struct Runs<'a, T> {
    input: Input<'a>,
    left: u64,
    run: Run<T>,
}

enum Run<T> {
    Nulls,
    Same(T),
    Different,
}

impl<'a, T: Item<'a>> Runs<'a, T> {
    fn new(input: Input<'a>) -> Self {
        Self {
            input,
            left: 0,
            run: Run::Nulls,
        }
    }

    /// The next row; the middle `None` at the end of the column, the outer for bytes that are no such column.
    #[allow(
        clippy::option_option,
        reason = "damage, the end and null are three things"
    )]
    fn step(&mut self) -> Option<Option<Option<T>>> {
        while self.left == 0 {
            if self.input.0.is_empty() {
                return Some(None);
            }
            match self.input.sleb().ok()? {
                0 => {
                    self.left = self.input.uleb().ok()?;
                    self.run = Run::Nulls;
                }
                run @ 1.. => {
                    self.left = run.unsigned_abs();
                    self.run = Run::Same(T::read(&mut self.input)?);
                }
                run => {
                    self.left = run.unsigned_abs();
                    self.run = Run::Different;
                }
            }
        }
        self.left -= 1;
        Some(Some(match &self.run {
            Run::Nulls => None,
            Run::Same(value) => Some(*value),
            Run::Different => Some(T::read(&mut self.input)?),
        }))
    }

    /// The next row of a column that goes on with nulls.
    #[allow(clippy::option_option, reason = "damage and null are two things")]
    fn value(&mut self) -> Option<Option<T>> {
        Some(self.step()?.flatten())
    }
}

impl Runs<'_, bool> {
    /// Alternating counts of false and true; `None` for bytes that are no such column. Equal rows count once.
    fn booleans(mut input: Input<'_>) -> impl Iterator<Item = Option<bool>> {
        let mut next = true;
        std::iter::from_fn(move || {
            loop {
                if input.0.is_empty() {
                    return None;
                }
                next = !next;
                match input.uleb() {
                    Ok(0) => {}
                    Ok(_) => return Some(Some(next)),
                    Err(_) => {
                        input = Input(&[]);
                        return Some(None);
                    }
                }
            }
        })
    }
}

/// Reads a column of differences.
struct Deltas<'a> {
    runs: Runs<'a, i64>,
    sum: i64,
}

impl<'a> Deltas<'a> {
    fn new(input: Input<'a>) -> Self {
        Self {
            runs: Runs::new(input),
            sum: 0,
        }
    }

    #[allow(clippy::option_option, reason = "damage and null are two things")]
    fn value(&mut self) -> Option<Option<u64>> {
        let Some(step) = self.runs.value()? else {
            return Some(None);
        };
        self.sum = self.sum.checked_add(step)?;
        Some(Some(u64::try_from(self.sum).ok()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DocKind;
    use crate::record::scene::*;
    use crate::record::{Edit, view, view_saved};
    use proptest::prelude::*;

    #[test]
    fn a_plain_household_is_read_and_another_is_left_to_the_document() {
        let mut core = registered();
        core.edit(&Edit::NobodyHome {}, &by(1)).unwrap();
        core.edit(&Edit::NobodyHome {}, &by(2)).unwrap();
        let fast = view_saved(household(), &core.save(), None).expect("it is plain");
        assert_eq!(fast.contact.unanswered, 2);
        assert_eq!(fast, view(household(), &core, None).unwrap());
        assert_eq!(last_change_saved(&core.save()), Some(core.last_change()));

        let mut other = document(DocKind::Core);
        pull(&mut other, &core);
        core.edit(&correct(1, "birth", "1990"), &by(1)).unwrap();
        other.edit(&correct(1, "birth", "1991"), &by(2)).unwrap();
        pull(&mut core, &other);
        assert_eq!(core.heads().len(), 2);
        assert_eq!(last_change_saved(&core.save()), Some(core.last_change()));
        assert!(Plain::read(&core.save()).is_none(), "two values");
        other.edit(&remove(1, "x"), &by(2)).unwrap();
        assert!(Plain::read(&other.save()).is_none(), "somebody removed");
    }

    proptest! {
        #[test]
        fn any_bytes_give_an_answer(at in 9usize..400, to in any::<u8>()) {
            let mut bytes = registered().save();
            let at = at % bytes.len();
            bytes[at] = to;
            let bytes = crate::gate::with_right_checksum(bytes);
            let _ = (Plain::read(&bytes), last_change_saved(&bytes));
        }
    }
}
