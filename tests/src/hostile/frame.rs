//! Mutants of a frame: its two leading bytes, its compression, and the CBOR inside, item by item.

use super::dice::Dice;

const ZSTD: u8 = 1;
/// Bytes to which a frame is unfolded at most.
const UNFOLDED_MAX: usize = 64 * 1024 * 1024;
/// Zeros in a compressed frame that promises more than anybody accepts.
const BOMB_BYTES: usize = 40 * 1024 * 1024;
const ARRAY_OF_ONE: u8 = 0x81;
const MAJORS: u8 = 8;
/// Items within items that are told apart.
const DEPTH_MAX: usize = 64;

/// One item of CBOR: where it begins, how long its head is, where it ends with all it holds.
#[derive(Debug, Clone, Copy)]
struct Item {
    at: usize,
    head: usize,
    end: usize,
}

/// A compressed frame of a few kilobytes that unfolds to 40 MiB.
pub fn bomb() -> Vec<u8> {
    framed(ZSTD, &packed(&vec![0; BOMB_BYTES]))
}

/// A mutant of a frame.
pub fn mutate(dice: &mut Dice, frame: &[u8]) -> Vec<u8> {
    let mut frame = frame.to_vec();
    match dice.below(12) {
        0 => {
            dice.spoil(&mut frame);
            return frame;
        }
        1 => {
            let at = dice.below(2.min(frame.len()));
            if let Some(byte) = frame.get_mut(at) {
                *byte = dice.byte();
            }
            return frame;
        }
        _ => {}
    }
    let Some(mut cbor) = unfolded(&frame) else {
        dice.spoil(&mut frame);
        return frame;
    };
    for _ in 0..=dice.below(3) {
        spoil_cbor(dice, &mut cbor);
    }
    if dice.one_in(3) {
        let mut body = packed(&cbor);
        if dice.one_in(8) {
            dice.spoil(&mut body);
        }
        return framed(ZSTD, &body);
    }
    framed(0, &cbor)
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(bytes, 1).expect("memory to compress into")
}

fn framed(encoding: u8, body: &[u8]) -> Vec<u8> {
    [&[1, encoding], body].concat()
}

fn unfolded(frame: &[u8]) -> Option<Vec<u8>> {
    match frame.get(1)? {
        0 => Some(frame[2..].to_vec()),
        &ZSTD => zstd::bulk::decompress(&frame[2..], UNFOLDED_MAX).ok(),
        _ => None,
    }
}

fn spoil_cbor(dice: &mut Dice, cbor: &mut Vec<u8>) {
    let mut items = Vec::new();
    read_items(cbor, 0, 0, &mut items);
    let (Some(&item), Some(&other)) = (dice.pick(&items), dice.pick(&items)) else {
        dice.spoil(cbor);
        return;
    };
    let whole = item.at..item.end;
    match dice.below(10) {
        // Another kind of value with the same argument.
        0 => cbor[item.at] = cbor[item.at] & 0x1f | (dice.below(MAJORS.into()) as u8) << 5,
        // A length, a number or a tag that is not so.
        1 | 2 => {
            let major = cbor[item.at] & 0xe0;
            let head = head(major, dice.number(item.end as u64));
            cbor.splice(item.at..item.at + item.head, head);
        }
        // Of a length that is not told.
        3 => cbor[item.at] |= 0x1f,
        4 => drop(cbor.drain(whole)),
        5 => {
            let again = cbor[whole.clone()].to_vec();
            cbor.splice(item.end..item.end, again);
        }
        6 => {
            let instead = cbor[other.at..other.end].to_vec();
            cbor.splice(whole, instead);
        }
        7 => {
            let depth = dice.below(5000);
            cbor.splice(item.at..item.at, vec![ARRAY_OF_ONE; depth]);
        }
        8 => drop(cbor.splice(whole, [0xf6])),
        _ => {
            let mut inside = cbor[whole.clone()].to_vec();
            dice.spoil(&mut inside);
            cbor.splice(whole, inside);
        }
    }
}

/// The head of an item with an argument of eight bytes.
fn head(major: u8, argument: u64) -> Vec<u8> {
    let mut head = vec![major | 27];
    head.extend(argument.to_be_bytes());
    head
}

/// Lists the item at a place and everything in it; gives its end. Stops at what is no CBOR of definite length, or
/// nested deeper than any message.
fn read_items(cbor: &[u8], at: usize, depth: usize, items: &mut Vec<Item>) -> Option<usize> {
    if depth > DEPTH_MAX {
        return None;
    }
    let first = *cbor.get(at)?;
    let width = match first & 0x1f {
        0..24 => 0,
        24 => 1,
        25 => 2,
        26 => 4,
        27 => 8,
        _ => return None,
    };
    let mut argument = u64::from(first & 0x1f);
    if width > 0 {
        let bytes = cbor.get(at + 1..at + 1 + width)?;
        argument = bytes
            .iter()
            .fold(0, |sum, byte| sum << 8 | u64::from(*byte));
    }
    let head = 1 + width;
    let place = items.len();
    items.push(Item {
        at,
        head,
        end: at + head,
    });
    let mut end = at + head;
    match first >> 5 {
        2 | 3 => end = end.checked_add(usize::try_from(argument).ok()?)?,
        4 => {
            for _ in 0..argument {
                end = read_items(cbor, end, depth + 1, items)?;
            }
        }
        5 => {
            for _ in 0..argument.checked_mul(2)? {
                end = read_items(cbor, end, depth + 1, items)?;
            }
        }
        6 => end = read_items(cbor, end, depth + 1, items)?,
        _ => {}
    }
    if end > cbor.len() {
        items.truncate(place);
        return None;
    }
    items[place].end = end;
    Some(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_is_found() {
        // {"a": [1, h'0203'], "b": 300}
        let cbor = [
            0xa2, 0x61, b'a', 0x82, 1, 0x42, 2, 3, 0x61, b'b', 0x19, 1, 44,
        ];
        let mut items = Vec::new();
        assert_eq!(read_items(&cbor, 0, 0, &mut items), Some(cbor.len()));
        let spans: Vec<_> = items.iter().map(|item| (item.at, item.end)).collect();
        let expected = [(0, 13), (1, 3), (3, 8), (4, 5), (5, 8), (8, 10), (10, 13)];
        assert_eq!(spans, expected);
    }
}
