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
    /// A page that crosses a slow link once: zstd level 16. On 18 MB of household documents in 2 MiB
    /// pages: 1.13 times the bytes of level 19 over all at once (level 15: 1.16, level 12: 1.19).
    Page,
}

impl Effort {
    const fn level(self) -> i32 {
        match self {
            Self::Quick => 3,
            Self::Page => 16,
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
