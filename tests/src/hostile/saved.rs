//! Mutants of a saved document: an uncompressed chunk of kind 0 and whatever stands behind it.

use super::chunk::{self, Input, put_prefixed, put_unsigned};
use super::columns::Columns;
use super::dice::Dice;

/// A saved document by its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Parts {
    actors: Vec<Vec<u8>>,
    heads: Vec<Vec<u8>>,
    changes: Columns,
    operations: Columns,
    /// Where each head stands among the changes.
    places: Vec<u8>,
    /// More chunks.
    behind: Vec<u8>,
}

impl Parts {
    fn read(bytes: &[u8]) -> Option<Self> {
        let (chunk::DOCUMENT, data, len) = chunk::open(bytes)? else {
            return None;
        };
        let mut input = Input(data);
        let count = input.unsigned()?;
        let actors = (0..count).map(|_| input.prefixed().map(<[u8]>::to_vec));
        let actors = actors.collect::<Option<_>>()?;
        let count = input.unsigned()?;
        let heads = (0..count).map(|_| input.take(32).map(<[u8]>::to_vec));
        let heads = heads.collect::<Option<_>>()?;
        let changes = Columns::read_list(&mut input)?;
        let operations = Columns::read_list(&mut input)?;
        Some(Self {
            actors,
            heads,
            changes: Columns::read(&changes, &mut input)?,
            operations: Columns::read(&operations, &mut input)?,
            places: input.0.to_vec(),
            behind: bytes[len..].to_vec(),
        })
    }

    fn data(&self) -> Vec<u8> {
        let mut data = Vec::new();
        put_unsigned(&mut data, self.actors.len() as u64);
        for actor in &self.actors {
            put_prefixed(&mut data, actor);
        }
        put_unsigned(&mut data, self.heads.len() as u64);
        self.heads.iter().for_each(|head| data.extend(head));
        self.changes.put_list(&mut data);
        self.operations.put_list(&mut data);
        self.changes.put(&mut data);
        self.operations.put(&mut data);
        data.extend_from_slice(&self.places);
        data
    }

    fn sealed(&self) -> Vec<u8> {
        let mut bytes = chunk::seal(chunk::DOCUMENT, &self.data());
        bytes.extend_from_slice(&self.behind);
        bytes
    }

    fn spoil(&mut self, dice: &mut Dice) {
        match dice.below(16) {
            0 => {
                let at = dice.below(self.actors.len());
                if let Some(actor) = self.actors.get_mut(at) {
                    dice.spoil(actor);
                }
            }
            1 => self.actors.push(dice.bytes(16)),
            2 => drop(self.actors.pop()),
            3 => self.actors.reverse(),
            4 => self.heads.push(dice.bytes(32)),
            5 => drop(self.heads.pop()),
            6 => dice.spoil(&mut self.places),
            7..11 => self.changes.spoil(dice, None),
            _ => self.operations.spoil(dice, None),
        }
    }
}

/// A mutant of a saved document; `behind` is a change that is put behind it now and then.
pub fn mutate(dice: &mut Dice, bytes: &[u8], behind: &[u8]) -> Vec<u8> {
    let Some(mut parts) = Parts::read(bytes) else {
        let mut bytes = bytes.to_vec();
        dice.spoil(&mut bytes);
        return bytes;
    };
    for _ in 0..=dice.below(2) {
        parts.spoil(dice);
    }
    match dice.below(12) {
        0 => {
            let mut data = parts.data();
            dice.spoil(&mut data);
            chunk::seal(chunk::DOCUMENT, &data)
        }
        1 => {
            let mut bytes = parts.sealed();
            dice.spoil(&mut bytes);
            bytes
        }
        2 => [bytes, behind].concat(),
        3 => [bytes, &super::change::mutate(dice, behind, behind)].concat(),
        _ => parts.sealed(),
    }
}

/// The document put together again without being spoilt.
#[cfg(test)]
pub(super) fn again(bytes: &[u8]) -> Option<Vec<u8>> {
    Parts::read(bytes).map(|parts| parts.sealed())
}

#[cfg(test)]
pub(super) mod tests {
    use sojourn_sync_protocol::{
        ActorId, DocKind, DocumentId, HouseholdId, StaffId, Timestamp,
        record::{Authorship, Document, Edit, NewHousehold},
    };

    /// A change, and the document that it made.
    pub(in crate::hostile) fn sample() -> (Vec<u8>, Vec<u8>) {
        let id = DocumentId::new(HouseholdId::from_bytes([7; 16]), DocKind::Core);
        let mut document = Document::new(id);
        let by = Authorship {
            actor: ActorId([3; 16]),
            staff: StaffId::from_bytes([4; 16]),
            area: "v1".parse().expect("a code"),
            at: Timestamp::from_millis(1_795_000_000_000),
        };
        let new = NewHousehold {
            area: Some(by.area.clone()),
            address: Some("1 号".into()),
            ..NewHousehold::default()
        };
        let edit = Edit::RegisterHousehold(new).with_ids(by.at, &mut || [9; 10]);
        let made = document.edit(&edit, &by).expect("an edit of the record");
        (made.bytes, document.save())
    }
}
