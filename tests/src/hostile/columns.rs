//! The columns of a chunk: what each holds is run-length encoded, so a byte can promise millions of rows.

use super::chunk::{Input, put_signed, put_unsigned};
use super::dice::Dice;

/// In a column's specification: its data is deflated.
const DEFLATED: u64 = 0b1000;

/// Columns in the order they stand in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Columns(Vec<(u64, Vec<u8>)>);

impl Columns {
    /// Reads how many there are, of what kind and length.
    pub(super) fn read_list(input: &mut Input<'_>) -> Option<Vec<(u64, usize)>> {
        let count = input.unsigned()?;
        let mut list = Vec::new();
        for _ in 0..count {
            let spec = input.unsigned()?;
            list.push((spec, usize::try_from(input.unsigned()?).ok()?));
        }
        Some(list)
    }

    /// Reads what they hold.
    pub(super) fn read(list: &[(u64, usize)], input: &mut Input<'_>) -> Option<Self> {
        let column = |(spec, len): &(u64, usize)| Some((*spec, input.take(*len)?.to_vec()));
        list.iter()
            .map(column)
            .collect::<Option<Vec<_>>>()
            .map(Self)
    }

    pub(super) fn put_list(&self, out: &mut Vec<u8>) {
        put_unsigned(out, self.0.len() as u64);
        for (spec, data) in &self.0 {
            put_unsigned(out, *spec);
            put_unsigned(out, data.len() as u64);
        }
    }

    pub(super) fn put(&self, out: &mut Vec<u8>) {
        for (_, data) in &self.0 {
            out.extend_from_slice(data);
        }
    }

    /// Spoils one thing about them; `donor` is what the same columns hold elsewhere.
    pub(super) fn spoil(&mut self, dice: &mut Dice, donor: Option<&Self>) {
        if self.0.is_empty() {
            let data = dice.bytes(3);
            self.0.push((dice.number(0x15), data));
            return;
        }
        let at = dice.below(self.0.len());
        let other = dice.below(self.0.len());
        match dice.below(40) {
            0 => drop(self.0.remove(at)),
            1 => {
                let again = self.0[at].clone();
                self.0.insert(at, again);
            }
            2 => {
                let data = self.0[at].1.clone();
                self.0[at].1 = std::mem::replace(&mut self.0[other].1, data);
            }
            3 => self.0.swap(at, other),
            4 => self.0[at].0 ^= 1 << dice.below(7),
            5 => self.0[at].0 |= DEFLATED,
            6 => self.0[at].1 = run(dice),
            7 => self.0[at].1.extend(run(dice)),
            8 => rewrite_run(&mut self.0[at].1, dice),
            9 => {
                if let Some((_, data)) = donor.and_then(|donor| dice.pick(&donor.0)) {
                    self.0[at].1.clone_from(data);
                }
            }
            10..14 => dice.spoil(&mut self.0[at].1),
            // The right length, so that the values themselves are tried.
            _ => {
                let data = &mut self.0[at].1;
                let place = dice.below(data.len());
                if let Some(byte) = data.get_mut(place) {
                    *byte = if dice.one_in(2) {
                        byte.wrapping_add(1)
                    } else {
                        dice.byte()
                    };
                }
            }
        }
    }
}

/// A run of any length, of one value or of nulls.
fn run(dice: &mut Dice) -> Vec<u8> {
    let mut data = Vec::new();
    let count = dice.number(3);
    if dice.one_in(3) {
        put_signed(&mut data, 0);
        put_unsigned(&mut data, count);
    } else {
        put_signed(&mut data, count as i64);
        put_unsigned(&mut data, dice.number(1));
    }
    data
}

/// Changes the first number of the column, as a rule the length of its first run.
fn rewrite_run(data: &mut Vec<u8>, dice: &mut Dice) {
    let mut input = Input(data);
    let Some(count) = input.signed() else {
        return;
    };
    let rest = input.0.to_vec();
    data.clear();
    put_signed(data, dice.number(count as u64) as i64);
    data.extend(rest);
}
