//! The frame of Automerge's chunks and its numbers: <https://automerge.org/automerge-binary-format-spec/>.

use sha2::{Digest as _, Sha256};

const MAGIC: [u8; 4] = [0x85, 0x6f, 0x4a, 0x83];
/// Magic and checksum.
const HEAD_BYTES: usize = 8;

/// A whole document.
pub(crate) const DOCUMENT: u8 = 0;
/// One change.
pub(crate) const CHANGE: u8 = 1;

/// Puts a chunk together, with its length and a right checksum.
pub(crate) fn seal(kind: u8, data: &[u8]) -> Vec<u8> {
    let mut hashed = vec![kind];
    put_unsigned(&mut hashed, data.len() as u64);
    hashed.extend_from_slice(data);
    let mut chunk = MAGIC.to_vec();
    chunk.extend_from_slice(&Sha256::digest(&hashed)[..4]);
    chunk.extend(hashed);
    chunk
}

/// The kind and the data of the first chunk, and how long it is as a whole.
pub(crate) fn open(bytes: &[u8]) -> Option<(u8, &[u8], usize)> {
    if bytes.get(..4)? != MAGIC {
        return None;
    }
    let kind = *bytes.get(HEAD_BYTES)?;
    let mut input = Input(bytes.get(HEAD_BYTES + 1..)?);
    let len = usize::try_from(input.unsigned()?).ok()?;
    let data = input.take(len)?;
    Some((kind, data, bytes.len() - input.0.len()))
}

/// Bytes still to read.
pub(crate) struct Input<'a>(pub(crate) &'a [u8]);

impl<'a> Input<'a> {
    pub(crate) fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    pub(crate) fn prefixed(&mut self) -> Option<&'a [u8]> {
        let len = usize::try_from(self.unsigned()?).ok()?;
        self.take(len)
    }

    /// Unsigned LEB128.
    pub(crate) fn unsigned(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?[0];
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    /// Signed LEB128.
    pub(crate) fn signed(&mut self) -> Option<i64> {
        let mut value = 0i64;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?[0];
            value |= i64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                let sign = shift + 7;
                if sign < 64 && byte & 0x40 != 0 {
                    value |= -1 << sign;
                }
                return Some(value);
            }
        }
        None
    }
}

/// Writes unsigned LEB128.
pub(crate) fn put_unsigned(out: &mut Vec<u8>, mut value: u64) {
    loop {
        let low = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            out.push(low);
            return;
        }
        out.push(low | 0x80);
    }
}

/// Writes signed LEB128.
pub(crate) fn put_signed(out: &mut Vec<u8>, mut value: i64) {
    loop {
        let low = (value & 0x7f) as u8;
        value >>= 7;
        let done = (value == 0 && low & 0x40 == 0) || (value == -1 && low & 0x40 != 0);
        out.push(if done { low } else { low | 0x80 });
        if done {
            return;
        }
    }
}

/// Writes bytes behind their number.
pub(crate) fn put_prefixed(out: &mut Vec<u8>, bytes: &[u8]) {
    put_unsigned(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}
