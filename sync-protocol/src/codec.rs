//! Frames: one version byte, one encoding byte, then CBOR (RFC 8949). Bounded on the way in, and total:
//! any bytes give a value or an error, never a panic.

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    compress,
    limits::CBOR_DEPTH_MAX,
    version::{PROTOCOL_VERSION, PROTOCOL_VERSION_MIN},
};

/// The media type of a frame.
pub const CONTENT_TYPE: &str = "application/vnd.sojourn";

const PLAIN: u8 = 0;
const ZSTD: u8 = 1;
/// Below this many bytes compression does not pay for its header.
const COMPRESS_FROM_BYTES: usize = 200;

/// How hard to compress, by what waits for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// A request or a short reply: zstd level 3.
    Quick,
    /// A page that crosses a slow link once while a tablet waits: zstd level 16. Level 12 takes a quarter of the time and
    /// 4 % more bytes, and the link is what people wait for.
    Page,
    /// What is compressed once, ahead of time, and sent many times: zstd level 19.
    Ahead,
}

impl Effort {
    const fn level(self) -> i32 {
        match self {
            Self::Quick => 3,
            Self::Page => 16,
            Self::Ahead => 19,
        }
    }
}

/// Bytes that are no frame of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// Another protocol version.
    #[error(
        "protocol version {found}; this side speaks {PROTOCOL_VERSION_MIN} to {PROTOCOL_VERSION}"
    )]
    Version {
        /// The version byte that came.
        found: u8,
    },
    /// An encoding byte that this version does not define.
    #[error("unknown frame encoding")]
    Encoding,
    /// The compressed part is damaged.
    #[error("damaged compressed frame")]
    Compression,
    /// More bytes than the bound for this message.
    #[error("a frame of more than {max} bytes")]
    TooLarge {
        /// The bound in bytes.
        max: usize,
    },
    /// Not CBOR, or not the CBOR of the message expected.
    #[error("not the message expected: {0}")]
    Cbor(String),
}

/// Writes a message as a frame, compressed when that is smaller.
pub fn encode<T: Serialize>(message: &T, effort: Effort) -> Vec<u8> {
    let cbor = to_cbor(message);
    if cbor.len() >= COMPRESS_FROM_BYTES {
        let packed = compress::compress(&cbor, effort.level());
        if packed.len() < cbor.len() {
            return framed(ZSTD, &packed);
        }
    }
    framed(PLAIN, &cbor)
}

/// Items of a list, compressed ahead of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packed {
    /// How many.
    pub items: u64,
    /// Their CBOR one after the other, as one Zstandard frame.
    pub bytes: Vec<u8>,
}

/// Compresses items of a list.
pub fn pack<T: Serialize>(items: &[T]) -> Packed {
    let cbor: Vec<u8> = items.iter().flat_map(to_cbor).collect();
    Packed {
        items: items.len() as u64,
        bytes: compress::compress(&cbor, Effort::Ahead.level()),
    }
}

/// Writes a message whose field `list` holds `items` and then what was packed. Compressed data may be several Zstandard
/// frames one after the other (RFC 8878, section 2), so that what was packed travels as it is.
///
/// `message` is a map without that field: it is left out while empty.
pub fn encode_with_packed<T: Serialize, I: Serialize>(
    message: &T,
    list: &str,
    items: &[I],
    packed: &[Packed],
) -> Vec<u8> {
    let mut cbor = to_cbor(message);
    let fields = cbor.first().map_or(0, |first| first & 0x1f);
    debug_assert!(
        matches!(cbor.first(), Some(0xa0..=0xb6)),
        "a map of few fields"
    );
    if let Some(first) = cbor.first_mut() {
        *first = 0xa0 | (fields + 1);
    }
    let count = items.len() as u64 + packed.iter().map(|part| part.items).sum::<u64>();
    cbor.extend(to_cbor(&list));
    let mut head = to_cbor(&count);
    // An unsigned number and the head of an array differ in their major type only.
    if let Some(first) = head.first_mut() {
        *first |= 0x80;
    }
    cbor.extend(head);
    for item in items {
        cbor.extend(to_cbor(item));
    }
    let mut body = compress::compress(&cbor, Effort::Page.level());
    for part in packed {
        body.extend_from_slice(&part.bytes);
    }
    framed(ZSTD, &body)
}

/// Reads a frame of at most `max` bytes (uncompressed).
pub fn decode<T: DeserializeOwned>(frame: &[u8], max: usize) -> Result<T, CodecError> {
    let (version, rest) = frame.split_first().ok_or(CodecError::Encoding)?;
    if !(PROTOCOL_VERSION_MIN..=PROTOCOL_VERSION).contains(version) {
        return Err(CodecError::Version { found: *version });
    }
    match rest.split_first() {
        Some((&PLAIN, cbor)) if cbor.len() <= max => from_cbor(cbor),
        Some((&PLAIN, _)) => Err(CodecError::TooLarge { max }),
        Some((&ZSTD, packed)) => from_cbor(&compress::decompress(packed, max)?),
        _ => Err(CodecError::Encoding),
    }
}

/// Bare CBOR, for values kept in a database.
pub fn to_cbor<T: Serialize>(value: &T) -> Vec<u8> {
    let mut cbor = Vec::new();
    ciborium::into_writer(value, &mut cbor)
        .expect("our messages have string keys and memory to write to");
    cbor
}

/// Reads bare CBOR; trailing bytes are an error.
pub fn from_cbor<T: DeserializeOwned>(mut cbor: &[u8]) -> Result<T, CodecError> {
    let value = ciborium::de::from_reader_with_recursion_limit(&mut cbor, CBOR_DEPTH_MAX)
        .map_err(|error| CodecError::Cbor(error.to_string()))?;
    if cbor.is_empty() {
        Ok(value)
    } else {
        Err(CodecError::Cbor("bytes after the end".into()))
    }
}

fn framed(encoding: u8, body: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(body.len() + 2);
    frame.extend([PROTOCOL_VERSION, encoding]);
    frame.extend_from_slice(body);
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_comes_back_plain_and_compressed() {
        for text in ["短".to_owned(), "一".repeat(1000)] {
            let frame = encode(&text, Effort::Page);
            assert_eq!(decode::<String>(&frame, 8192), Ok(text));
        }
    }

    #[test]
    fn what_was_packed_reads_as_if_it_had_been_written_at_once() {
        #[derive(Debug, PartialEq, Serialize, serde::Deserialize)]
        struct Page {
            number: u64,
            #[serde(default, skip_serializing_if = "Vec::is_empty")]
            entries: Vec<String>,
            last: bool,
        }
        let page = |entries| Page {
            number: 7,
            entries,
            last: true,
        };
        let texts = |many: usize| -> Vec<String> { (0..many).map(|at| at.to_string()).collect() };
        for (fresh, one, two) in [(0, 3, 0), (2, 30, 300), (0, 0, 1)] {
            let (fresh, one, two) = (texts(fresh), texts(one), texts(two));
            let packed = [pack(&one), pack(&two)];
            let frame = encode_with_packed(&page(Vec::new()), "entries", &fresh, &packed);
            let all = [fresh, one, two].concat();
            assert_eq!(decode::<Page>(&frame, 8192), Ok(page(all)));
        }
        let packed = [pack(&texts(10_000))];
        let bomb = encode_with_packed(&page(Vec::new()), "entries", &texts(0), &packed);
        assert_eq!(
            decode::<Page>(&bomb, 1000),
            Err(CodecError::TooLarge { max: 1000 })
        );
    }

    #[test]
    fn a_bomb_costs_no_more_than_the_bound() {
        let bomb = encode(&"0".repeat(10_000_000), Effort::Quick);
        assert!(bomb.len() < 2000);
        assert_eq!(
            decode::<String>(&bomb, 1000),
            Err(CodecError::TooLarge { max: 1000 })
        );
    }

    #[test]
    fn every_wrong_frame_has_its_own_error() {
        assert_eq!(decode::<u8>(&[], 10), Err(CodecError::Encoding));
        assert_eq!(
            decode::<u8>(&[9, 0, 1], 10),
            Err(CodecError::Version { found: 9 })
        );
        assert_eq!(decode::<u8>(&[1, 7, 1], 10), Err(CodecError::Encoding));
        assert_eq!(decode::<u8>(&[1, 1, 1], 10), Err(CodecError::Compression));
        assert!(matches!(
            decode::<u8>(&[1, 0, 1, 1], 10),
            Err(CodecError::Cbor(_))
        ));
        let nested = [&[1u8, 0][..], &[0x81; 100], &[1]].concat();
        assert!(matches!(
            decode::<ciborium::Value>(&nested, 1000),
            Err(CodecError::Cbor(_))
        ));
    }
}
