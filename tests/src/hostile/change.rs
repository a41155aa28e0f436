//! Mutants of one change: an uncompressed chunk of kind 1, taken apart into its fields and columns.

use super::chunk::{self, Input, put_prefixed, put_signed, put_unsigned};
use super::columns::Columns;
use super::dice::Dice;

/// Kinds of chunk that are none or that are compressed.
const OTHER_KINDS: [u8; 4] = [0, 2, 3, 9];

/// A change by its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Parts {
    deps: Vec<Vec<u8>>,
    actor: Vec<u8>,
    seq: u64,
    start_op: u64,
    time: i64,
    message: Vec<u8>,
    others: Vec<Vec<u8>>,
    columns: Columns,
    extra: Vec<u8>,
}

impl Parts {
    fn read(bytes: &[u8]) -> Option<Self> {
        let (chunk::CHANGE, data, _) = chunk::open(bytes)? else {
            return None;
        };
        let mut input = Input(data);
        let count = input.unsigned()?;
        let deps = (0..count).map(|_| input.take(32).map(<[u8]>::to_vec));
        let deps = deps.collect::<Option<_>>()?;
        let actor = input.prefixed()?.to_vec();
        let (seq, start_op) = (input.unsigned()?, input.unsigned()?);
        let time = input.signed()?;
        let message = input.prefixed()?.to_vec();
        let count = input.unsigned()?;
        let others = (0..count).map(|_| input.prefixed().map(<[u8]>::to_vec));
        let others = others.collect::<Option<_>>()?;
        let list = Columns::read_list(&mut input)?;
        let columns = Columns::read(&list, &mut input)?;
        Some(Self {
            deps,
            actor,
            seq,
            start_op,
            time,
            message,
            others,
            columns,
            extra: input.0.to_vec(),
        })
    }

    fn data(&self) -> Vec<u8> {
        let mut data = Vec::new();
        put_unsigned(&mut data, self.deps.len() as u64);
        self.deps.iter().for_each(|dep| data.extend(dep));
        put_prefixed(&mut data, &self.actor);
        put_unsigned(&mut data, self.seq);
        put_unsigned(&mut data, self.start_op);
        put_signed(&mut data, self.time);
        put_prefixed(&mut data, &self.message);
        put_unsigned(&mut data, self.others.len() as u64);
        for other in &self.others {
            put_prefixed(&mut data, other);
        }
        self.columns.put_list(&mut data);
        self.columns.put(&mut data);
        data.extend_from_slice(&self.extra);
        data
    }

    fn spoil_head(&mut self, dice: &mut Dice) {
        match dice.below(12) {
            0 => {
                let at = dice.below(self.deps.len());
                drop(self.deps.splice(at..self.deps.len().min(at + 1), []));
            }
            1 => self.deps.push(dice.bytes(32)),
            2 => self.deps.extend(self.deps.clone()),
            3 => self.seq = dice.number(self.seq),
            4 => self.start_op = dice.number(self.start_op),
            5 => self.time = dice.number(self.time as u64) as i64,
            6 => dice.spoil(&mut self.message),
            7 => self.message = vec![b'x'; [0, 4096, 5000][dice.below(3)]],
            8 => dice.spoil(&mut self.actor),
            9 => self.others.push(dice.bytes(16)),
            10 => self.others.push(self.actor.clone()),
            _ => {
                let many = 1 + dice.below(40);
                self.extra = dice.bytes(many);
            }
        }
    }
}

/// The same change by another author; bytes that are no change stay as they are.
pub fn by(bytes: &[u8], actor: [u8; 16]) -> Vec<u8> {
    let Some(mut parts) = Parts::read(bytes) else {
        return bytes.to_vec();
    };
    parts.actor = actor.to_vec();
    chunk::seal(chunk::CHANGE, &parts.data())
}

/// A mutant of a change. `donor` is another change, of which columns are taken now and then. Bytes that are no
/// change are spoilt without understanding.
pub fn mutate(dice: &mut Dice, bytes: &[u8], donor: &[u8]) -> Vec<u8> {
    let Some(mut parts) = Parts::read(bytes) else {
        let mut bytes = bytes.to_vec();
        dice.spoil(&mut bytes);
        return bytes;
    };
    let donor = Parts::read(donor);
    let many = [1, 1, 1, 2, 3][dice.below(5)];
    for _ in 0..many {
        if dice.one_in(6) {
            parts.spoil_head(dice);
        } else {
            let donor = donor.as_ref().map(|donor| &donor.columns);
            parts.columns.spoil(dice, donor);
        }
    }
    let mut data = parts.data();
    match dice.below(40) {
        // Lengths and counts that lie, under a right checksum.
        0 | 1 => {
            dice.spoil(&mut data);
            chunk::seal(chunk::CHANGE, &data)
        }
        2 => chunk::seal(OTHER_KINDS[dice.below(OTHER_KINDS.len())], &data),
        // A wrong checksum, length or magic.
        3 => {
            let mut bytes = chunk::seal(chunk::CHANGE, &data);
            dice.spoil(&mut bytes);
            bytes
        }
        4 => chunk::seal(chunk::CHANGE, &data).repeat(2),
        _ => chunk::seal(chunk::CHANGE, &data),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hostile::saved;

    #[test]
    fn what_is_not_spoilt_comes_back_as_it_was() {
        let (change, document) = saved::tests::sample();
        let parts = Parts::read(&change).expect("a change of the record");
        assert_eq!(chunk::seal(chunk::CHANGE, &parts.data()), change);
        assert_eq!(saved::again(&document), Some(document));
    }

    #[test]
    fn a_seed_gives_one_mutant_and_seeds_differ() {
        let (change, _) = saved::tests::sample();
        let mutant = |seed| mutate(&mut Dice::new(seed), &change, &change);
        assert_eq!(mutant(7), mutant(7));
        let all: std::collections::BTreeSet<_> = (0..200).map(mutant).collect();
        assert!(all.len() > 150, "{}", all.len());
    }
}
