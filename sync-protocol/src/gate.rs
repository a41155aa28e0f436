//! The first gate for bytes that claim to be an Automerge change: a bounded reading of the chunk that
//! allocates nothing by what the bytes promise.
//!
//! Run-length columns let 174 bytes hold 200,000 operations and a compressed chunk inflate to
//! gigabytes (both measured), so everything is counted here before Automerge sees a byte. What passes
//! is an uncompressed change chunk with a right checksum and no more than the operations, parents and
//! bytes allowed; whether its operations make sense is judged by `record` and on a scratch copy.
//!
//! Format: <https://automerge.org/automerge-binary-format-spec/>.

use sha2::{Digest as _, Sha256};

use crate::{
    ids::{ActorId, ChangeHash},
    limits::{
        CHANGE_BYTES_MAX, CHANGE_DEPS_MAX, CHANGE_OPS_MAX, CHANGE_TIME_MS_MAX, DOCUMENT_ROWS_MAX,
        TEXT_BYTES_MAX,
    },
    message::QuarantineReason,
    time::Timestamp,
};

const MAGIC: [u8; 4] = [0x85, 0x6f, 0x4a, 0x83];
const DOCUMENT_CHUNK: u8 = 0;
const CHANGE_CHUNK: u8 = 1;
const DEFLATED: u64 = 0b1000;
/// Predecessors of all operations together.
const PREDECESSORS_MAX: u64 = CHANGE_OPS_MAX as u64 * 4;
/// Actors named besides the author; one operation may overwrite values by several.
const OTHER_ACTORS_MAX: u64 = 1024;

/// What the head of a change says, read without Automerge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeHead {
    /// SHA-256 over chunk type, length and data.
    pub hash: ChangeHash,
    /// Changes it builds on.
    pub deps: Vec<ChangeHash>,
    /// Who made it.
    pub actor: ActorId,
    /// 1 for the actor's first change of the document, then one more each time.
    pub seq: u64,
    /// Number of its first operation.
    pub start_op: u64,
    /// When, by the author's clock.
    pub time: Timestamp,
    /// The attribution, as text.
    pub message: String,
    /// How many operations.
    pub ops: u64,
}

/// Reads the hash of a change chunk, checking frame and checksum but not what is inside.
pub fn change_hash(bytes: &[u8]) -> Result<ChangeHash, QuarantineReason> {
    chunk(bytes).map(|(hash, _)| hash)
}

/// Reads the head of a change and counts what its columns would unfold to.
///
/// # Errors
/// [`QuarantineReason::TooLarge`] for anything over a bound, [`QuarantineReason::Malformed`] otherwise.
pub fn read_head(bytes: &[u8]) -> Result<ChangeHead, QuarantineReason> {
    if bytes.len() > CHANGE_BYTES_MAX {
        return Err(QuarantineReason::TooLarge);
    }
    let (hash, data) = chunk(bytes)?;
    let mut input = Input(data);
    let count = input.uleb()?;
    if count > CHANGE_DEPS_MAX as u64 {
        return Err(QuarantineReason::TooLarge);
    }
    let mut deps = Vec::new();
    for _ in 0..count {
        deps.push(ChangeHash::from_slice(input.take(32)?).ok_or(QuarantineReason::Malformed)?);
    }
    let actor = input.prefixed()?;
    let actor = ActorId::from_slice(actor).ok_or(QuarantineReason::WrongActor)?;
    let seq = input.uleb()?;
    let start_op = input.uleb()?;
    let time = input.sleb()?;
    if time.unsigned_abs() > CHANGE_TIME_MS_MAX {
        return Err(QuarantineReason::Malformed);
    }
    let message = input.prefixed()?;
    if message.len() > TEXT_BYTES_MAX {
        return Err(QuarantineReason::TooLarge);
    }
    let message = std::str::from_utf8(message)
        .map_err(|_| QuarantineReason::Malformed)?
        .to_owned();
    let others = input.uleb()?;
    if others > OTHER_ACTORS_MAX {
        return Err(QuarantineReason::TooLarge);
    }
    for _ in 0..others {
        if input.prefixed()?.len() != 16 {
            return Err(QuarantineReason::WrongActor);
        }
    }
    let ops = count_columns(&mut input)?;
    if seq == 0 || start_op == 0 || start_op.saturating_add(ops) > u64::from(u32::MAX) {
        return Err(QuarantineReason::Malformed);
    }
    Ok(ChangeHead {
        hash,
        deps,
        actor,
        seq,
        start_op,
        time: Timestamp::from_millis(time),
        message,
        ops,
    })
}

/// Counts what a saved document would unfold to.
///
/// # Errors
/// [`QuarantineReason::TooLarge`] for more than a document may hold, [`QuarantineReason::Malformed`] for what is not
/// exactly one uncompressed document chunk with a right checksum.
pub fn check_saved(bytes: &[u8]) -> Result<(), QuarantineReason> {
    let max = DOCUMENT_ROWS_MAX as u64;
    let (_, data) = chunk_of(DOCUMENT_CHUNK, bytes)?;
    let mut input = Input(data);
    let actors = input.uleb()?;
    if actors > max {
        return Err(QuarantineReason::TooLarge);
    }
    for _ in 0..actors {
        input.prefixed()?;
    }
    let heads = input.uleb()?;
    if heads > max {
        return Err(QuarantineReason::TooLarge);
    }
    for _ in 0..heads {
        input.take(32)?;
    }
    let mut columns = column_list(&mut input)?;
    columns.extend(column_list(&mut input)?);
    for (spec, len) in columns {
        if column_rows(spec, len, &mut input, max)? > max {
            return Err(QuarantineReason::TooLarge);
        }
    }
    Ok(())
}

/// Columns, each by its specification; nothing in them is counted.
pub(crate) type Columns<'a> = Vec<(u64, &'a [u8])>;

/// A saved document taken apart.
pub(crate) struct SavedParts<'a> {
    /// Of its changes.
    pub(crate) changes: Columns<'a>,
    /// Of its operations.
    pub(crate) operations: Columns<'a>,
    /// How many changes nothing builds on.
    pub(crate) heads: u64,
    /// What follows the columns: which changes those are.
    pub(crate) rest: &'a [u8],
}

/// Takes a saved document apart.
pub(crate) fn saved_parts(bytes: &[u8]) -> Result<SavedParts<'_>, QuarantineReason> {
    let (_, data) = chunk_of(DOCUMENT_CHUNK, bytes)?;
    let mut input = Input(data);
    for _ in 0..input.uleb()? {
        input.prefixed()?;
    }
    let heads = input.uleb()?;
    for _ in 0..heads {
        input.take(32)?;
    }
    let lists = [column_list(&mut input)?, column_list(&mut input)?];
    let mut columns = |list: Vec<(u64, u64)>| -> Result<Columns<'_>, QuarantineReason> {
        list.into_iter()
            .map(|(spec, len)| {
                let len = usize::try_from(len).map_err(|_| QuarantineReason::Malformed)?;
                Ok((spec, input.take(len)?))
            })
            .collect()
    };
    let [changes, operations] = lists.map(&mut columns);
    Ok(SavedParts {
        changes: changes?,
        operations: operations?,
        heads,
        rest: input.0,
    })
}

/// Splits one whole change chunk into its hash and its data.
fn chunk(bytes: &[u8]) -> Result<(ChangeHash, &[u8]), QuarantineReason> {
    chunk_of(CHANGE_CHUNK, bytes)
}

fn chunk_of(kind: u8, bytes: &[u8]) -> Result<(ChangeHash, &[u8]), QuarantineReason> {
    let mut input = Input(bytes);
    if input.take(4)? != MAGIC {
        return Err(QuarantineReason::Malformed);
    }
    let checksum = input.take(4)?;
    let hashed = input.0;
    if input.take(1)? != [kind] {
        return Err(QuarantineReason::Malformed);
    }
    let len = input.uleb()?;
    if len != input.0.len() as u64 {
        return Err(QuarantineReason::Malformed);
    }
    let hash: [u8; 32] = Sha256::digest(hashed).into();
    if hash[..4] != *checksum {
        return Err(QuarantineReason::Malformed);
    }
    Ok((ChangeHash(hash), input.0))
}

/// Reads the column list and counts rows; returns the number of operations (rows of the longest
/// column that is not grouped).
fn count_columns(input: &mut Input<'_>) -> Result<u64, QuarantineReason> {
    let columns = column_list(input)?;
    let grouped: Vec<u64> = columns
        .iter()
        .filter(|(spec, _)| spec & 0b111 == 0)
        .map(|(spec, _)| spec >> 4)
        .collect();
    let mut ops = 0;
    for (spec, len) in columns {
        let rows = column_rows(spec, len, input, PREDECESSORS_MAX)?;
        let in_group = spec & 0b111 != 0 && grouped.contains(&(spec >> 4));
        let max = if in_group {
            PREDECESSORS_MAX
        } else {
            CHANGE_OPS_MAX as u64
        };
        if rows > max {
            return Err(QuarantineReason::TooLarge);
        }
        if !in_group {
            ops = ops.max(rows);
        }
    }
    Ok(ops)
}

/// Specification and length of each column.
fn column_list(input: &mut Input<'_>) -> Result<Vec<(u64, u64)>, QuarantineReason> {
    let count = input.uleb()?;
    if count > 64 {
        return Err(QuarantineReason::Malformed);
    }
    let mut columns = Vec::new();
    for _ in 0..count {
        columns.push((input.uleb()?, input.uleb()?));
    }
    Ok(columns)
}

/// Rows of one column; more than `max` in it, or in its groups together, is too large.
fn column_rows(
    spec: u64,
    len: u64,
    input: &mut Input<'_>,
    max: u64,
) -> Result<u64, QuarantineReason> {
    if spec & DEFLATED != 0 {
        return Err(QuarantineReason::Malformed);
    }
    let len = usize::try_from(len).map_err(|_| QuarantineReason::Malformed)?;
    let data = Input(input.take(len)?);
    match spec & 0b111 {
        0 => {
            let (rows, total) = group_rows(data)?;
            if total > max {
                return Err(QuarantineReason::TooLarge);
            }
            Ok(rows)
        }
        kind @ (1..=3 | 5 | 6) => run_length_rows(data, kind, max),
        4 => boolean_rows(data),
        _ => Ok(0),
    }
}

/// Rows of a run-length column: a positive count repeats one value, a negative one precedes that many
/// values, zero precedes a count of nulls.
fn run_length_rows(mut data: Input<'_>, kind: u64, max: u64) -> Result<u64, QuarantineReason> {
    let mut rows = 0u64;
    while !data.0.is_empty() {
        let run = data.sleb()?;
        let (values, add) = match run {
            0 => (0, data.uleb()?),
            1.. => (1, run.unsigned_abs()),
            _ => (run.unsigned_abs(), run.unsigned_abs()),
        };
        rows = rows.saturating_add(add);
        if rows > max {
            return Err(QuarantineReason::TooLarge);
        }
        for _ in 0..values {
            match kind {
                3 => drop(data.sleb()?),
                5 => drop(data.prefixed()?),
                _ => drop(data.uleb()?),
            }
        }
    }
    Ok(rows)
}

/// Rows of a group column, and how many entries its groups hold together.
fn group_rows(mut data: Input<'_>) -> Result<(u64, u64), QuarantineReason> {
    let (mut rows, mut total) = (0u64, 0u64);
    while !data.0.is_empty() {
        let run = data.sleb()?;
        match run {
            0 => rows = rows.saturating_add(data.uleb()?),
            1.. => {
                rows = rows.saturating_add(run.unsigned_abs());
                total = total.saturating_add(data.uleb()?.saturating_mul(run.unsigned_abs()));
            }
            _ => {
                rows = rows.saturating_add(run.unsigned_abs());
                for _ in 0..run.unsigned_abs() {
                    total = total.saturating_add(data.uleb()?);
                }
            }
        }
    }
    Ok((rows, total))
}

/// Rows of a boolean column: alternating counts of false and true.
fn boolean_rows(mut data: Input<'_>) -> Result<u64, QuarantineReason> {
    let mut rows = 0u64;
    while !data.0.is_empty() {
        rows = rows.saturating_add(data.uleb()?);
    }
    Ok(rows)
}

/// Bytes still to read.
pub(crate) struct Input<'a>(pub(crate) &'a [u8]);

impl<'a> Input<'a> {
    pub(crate) fn take(&mut self, len: usize) -> Result<&'a [u8], QuarantineReason> {
        let (taken, rest) = self
            .0
            .split_at_checked(len)
            .ok_or(QuarantineReason::Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(crate) fn prefixed(&mut self) -> Result<&'a [u8], QuarantineReason> {
        let len = usize::try_from(self.uleb()?).map_err(|_| QuarantineReason::Malformed)?;
        self.take(len)
    }

    /// Unsigned LEB128 of at most 64 bits.
    pub(crate) fn uleb(&mut self) -> Result<u64, QuarantineReason> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?[0];
            let part = u64::from(byte & 0x7f);
            if shift == 63 && part > 1 {
                break;
            }
            value |= part << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(QuarantineReason::Malformed)
    }

    /// Signed LEB128 of at most 64 bits.
    pub(crate) fn sleb(&mut self) -> Result<i64, QuarantineReason> {
        let mut value = 0i64;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?[0];
            value |= i64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                if shift < 57 && byte & 0x40 != 0 {
                    value |= -1i64 << (shift + 7);
                }
                return Ok(value);
            }
        }
        Err(QuarantineReason::Malformed)
    }
}

/// The chunk with the checksum that its data has.
#[cfg(test)]
pub(crate) fn with_right_checksum(mut bytes: Vec<u8>) -> Vec<u8> {
    let hash = Sha256::digest(&bytes[8..]);
    bytes[4..8].copy_from_slice(&hash[..4]);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use automerge::{
        AutoCommit, ObjType, ROOT, transaction::CommitOptions, transaction::Transactable as _,
    };
    use proptest::prelude::*;

    fn made(fields: usize) -> Vec<u8> {
        let mut doc = AutoCommit::new().with_actor(automerge::ActorId::from([7u8; 16]));
        let map = doc.put_object(ROOT, "persons", ObjType::Map).unwrap();
        for at in 0..fields {
            doc.put(&map, format!("k{at}"), at as i64).unwrap();
        }
        doc.commit_with(CommitOptions::default().with_message("1;x").with_time(-5))
            .unwrap();
        doc.get_last_local_change().unwrap().raw_bytes().to_vec()
    }

    #[test]
    fn it_reads_what_automerge_wrote() {
        let bytes = made(10);
        let change = automerge::Change::try_from(&bytes[..]).unwrap();
        let head = read_head(&bytes).unwrap();
        assert_eq!(head.hash.0, change.hash().0);
        assert_eq!((head.seq, head.start_op, head.ops), (1, 1, 11));
        assert_eq!((head.time.millis(), head.message.as_str()), (-5, "1;x"));
        assert_eq!(head.actor, ActorId([7; 16]));
    }

    #[test]
    fn a_moment_that_no_clock_shows_is_malformed() {
        let made_at = |time| {
            let mut doc = AutoCommit::new().with_actor(automerge::ActorId::from([7u8; 16]));
            doc.put(ROOT, "a", 1).unwrap();
            doc.commit_with(CommitOptions::default().with_time(time))
                .unwrap();
            let bytes = doc.get_last_local_change().unwrap().raw_bytes().to_vec();
            read_head(&bytes).map(|head| head.time.millis())
        };
        let max = CHANGE_TIME_MS_MAX as i64;
        for time in [max, -max] {
            assert_eq!(made_at(time), Ok(time));
        }
        for time in [max + 1, -max - 1, i64::MAX, i64::MIN] {
            assert_eq!(made_at(time), Err(QuarantineReason::Malformed));
        }
    }

    #[test]
    fn other_chunks_and_wrong_checksums_are_malformed() {
        let mut bytes = made(1);
        bytes[5] ^= 1;
        assert_eq!(read_head(&bytes), Err(QuarantineReason::Malformed));
        let mut bytes = made(1);
        bytes[8] = 2;
        assert_eq!(
            read_head(&with_right_checksum(bytes)),
            Err(QuarantineReason::Malformed)
        );
        assert_eq!(
            read_head(&AutoCommit::new().save()),
            Err(QuarantineReason::Malformed)
        );
        assert_eq!(read_head(&[]), Err(QuarantineReason::Malformed));
    }

    #[test]
    fn more_operations_than_allowed_are_refused_unread() {
        assert_eq!(
            read_head(&made(CHANGE_OPS_MAX)),
            Err(QuarantineReason::TooLarge)
        );
        // One run of 2⁴⁰ equal values in a few bytes.
        let column = [&[0x80, 0x80, 0x80, 0x80, 0x80, 0x20][..], &[1]].concat();
        assert_eq!(
            run_length_rows(Input(&column), 2, PREDECESSORS_MAX),
            Err(QuarantineReason::TooLarge)
        );
    }

    #[test]
    fn signed_numbers_are_read_to_their_ends() {
        for value in [0i64, -1, 63, 64, -64, -65, i64::MAX, i64::MIN] {
            let mut bytes = Vec::new();
            let mut rest = value;
            loop {
                let byte = (rest & 0x7f) as u8;
                rest >>= 7;
                let last = (rest == 0 && byte & 0x40 == 0) || (rest == -1 && byte & 0x40 != 0);
                bytes.push(if last { byte } else { byte | 0x80 });
                if last {
                    break;
                }
            }
            assert_eq!(Input(&bytes).sleb(), Ok(value));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_give_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = read_head(&bytes);
        }

        #[test]
        fn a_mutated_change_with_a_right_checksum_gives_an_answer(at in 10usize..200, to in any::<u8>()) {
            let mut bytes = made(6);
            let at = at % bytes.len();
            bytes[at.max(10)] = to;
            let _ = read_head(&with_right_checksum(bytes));
        }
    }

    #[test]
    fn a_saved_document_is_counted_before_it_is_read() {
        // No actors, no heads, one column of operations of one kind that promises a billion rows.
        let rows = [0x80, 0x94, 0xeb, 0xdc, 0x03, 7];
        let data = [&[0, 0, 0, 1, 1, rows.len() as u8][..], &rows].concat();
        let seal = |kind: u8, data: &[u8]| {
            let hashed = [&[kind, data.len() as u8], data].concat();
            [&MAGIC[..], &Sha256::digest(&hashed)[..4], &hashed].concat()
        };
        let judged = |bytes: &[u8]| check_saved(bytes);
        let bomb = seal(DOCUMENT_CHUNK, &data);
        assert!(bomb.len() < 30);
        assert_eq!(judged(&bomb), Err(QuarantineReason::TooLarge));
        let empty = seal(DOCUMENT_CHUNK, &[0, 0, 0, 0]);
        assert_eq!(judged(&empty), Ok(()));
        let malformed = Err(QuarantineReason::Malformed);
        assert_eq!(judged(&[&empty[..], &empty].concat()), malformed);
        assert_eq!(judged(&seal(CHANGE_CHUNK, &[0, 0, 0, 0])), malformed);
        assert_eq!(
            judged(&seal(DOCUMENT_CHUNK, &[0, 0, 1, 9, 0, 0])),
            malformed
        );
    }
}
