//! Zstandard (RFC 8878), one frame or several one after the other, bounded on the way in. Natively the C library, in a browser a Rust one.

use crate::codec::CodecError;

/// Compresses a whole frame body. `level` is zstd's, 1 to 19; a browser has one level only.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn compress(plain: &[u8], level: i32) -> Vec<u8> {
    zstd::bulk::compress(plain, level).expect("compressing memory to memory with a valid level")
}

/// Decompresses at most `max` bytes.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn decompress(packed: &[u8], max: usize) -> Result<Vec<u8>, CodecError> {
    let decoder =
        zstd::stream::read::Decoder::with_buffer(packed).map_err(|_| CodecError::Compression)?;
    bounded(decoder, max)
}

/// Compresses a whole frame body; the level is ignored.
#[cfg(target_arch = "wasm32")]
pub(crate) fn compress(plain: &[u8], _level: i32) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(plain, ruzstd::encoding::CompressionLevel::Fastest)
}

/// Decompresses at most `max` bytes, frame after frame.
#[cfg(target_arch = "wasm32")]
pub(crate) fn decompress(mut packed: &[u8], max: usize) -> Result<Vec<u8>, CodecError> {
    let mut plain = Vec::new();
    loop {
        let decoder = ruzstd::decoding::StreamingDecoder::new(&mut packed)
            .map_err(|_| CodecError::Compression)?;
        let left = max - plain.len();
        let frame = bounded(decoder, left).map_err(|error| match error {
            CodecError::TooLarge { .. } => CodecError::TooLarge { max },
            other => other,
        })?;
        plain.extend(frame);
        if packed.is_empty() {
            return Ok(plain);
        }
    }
}

/// Reads to the end, or refuses as soon as `max` is passed: a bomb costs no more than the bound.
fn bounded(decoder: impl std::io::Read, max: usize) -> Result<Vec<u8>, CodecError> {
    use std::io::Read as _;
    let mut plain = Vec::new();
    let limit = u64::try_from(max).unwrap_or(u64::MAX).saturating_add(1);
    decoder
        .take(limit)
        .read_to_end(&mut plain)
        .map_err(|_| CodecError::Compression)?;
    if plain.len() > max {
        return Err(CodecError::TooLarge { max });
    }
    Ok(plain)
}
