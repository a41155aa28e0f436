//! Every bound of the protocol, with its unit. Both sides hold to them; a stranger's client must too.

/// Bytes of an area code.
pub const AREA_CODE_BYTES_MAX: usize = 32;
/// Bytes of one raw change.
pub const CHANGE_BYTES_MAX: usize = 64 * 1024;
/// Operations in one change.
pub const CHANGE_OPS_MAX: usize = 4096;
/// Other changes that one change may name as its parents.
pub const CHANGE_DEPS_MAX: usize = 256;
/// How far from 1970 a change may say that it was made, either way, in milliseconds: to the end of the year 9999. Automerge
/// keeps the differences between such moments and panics over one that does not fit 64 bits.
pub const CHANGE_TIME_MS_MAX: u64 = 253_402_300_799_999;
/// Nested maps in a document, the root not counted.
pub const DOCUMENT_DEPTH_MAX: usize = 4;
/// Bytes of one document, saved without compression.
pub const DOCUMENT_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Operations in one document, and actors, changes and parents of changes together.
pub const DOCUMENT_ROWS_MAX: usize = 512 * 1024;
/// Bytes of a text value in the household record.
pub const TEXT_BYTES_MAX: usize = 4096;
/// Changes in one push batch.
pub const BATCH_CHANGES_MAX: usize = 512;
/// Bytes of raw changes in one push batch.
pub const BATCH_BYTES_MAX: usize = 256 * 1024;
/// Bytes of a request body as it travels.
pub const REQUEST_BYTES_MAX: usize = 1024 * 1024;
/// Bytes of a request frame once decompressed.
pub const REQUEST_FRAME_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Bytes of documents and changes that fill one page before the next begins, uncompressed. One entry may exceed it.
pub const PAGE_BYTES_TARGET: usize = 4 * 1024 * 1024;
/// Bytes of a reply frame once decompressed.
pub const REPLY_FRAME_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Areas that one cursor may name.
pub const CURSOR_AREAS_MAX: usize = 4096;
/// Nested values in a CBOR frame.
pub const CBOR_DEPTH_MAX: usize = 16;
/// Documents named in one verify request.
pub const VERIFY_DOCUMENTS_MAX: usize = 4096;
/// How far a tablet's clock may be from the server's, in milliseconds.
pub const CLOCK_SKEW_MS_MAX: i64 = 300_000;
/// How long an access token is valid, in milliseconds.
pub const TOKEN_MS: i64 = 600_000;
/// How long an enrolment code is valid, in milliseconds.
pub const ENROLMENT_CODE_MS: i64 = 600_000;
