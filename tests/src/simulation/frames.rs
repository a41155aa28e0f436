//! Frames as programs of another age write them: with a version byte of their own, or with a field more.

use ciborium::Value;
use sojourn_sync_protocol::{
    codec::{self, Effort},
    limits::REPLY_FRAME_BYTES_MAX,
    version::PROTOCOL_VERSION,
};

/// In a protocol that this program does not speak.
pub(super) fn newer(frame: &[u8]) -> Vec<u8> {
    let mut frame = frame.to_vec();
    if let Some(version) = frame.first_mut() {
        *version = PROTOCOL_VERSION + 1;
    }
    frame
}

/// In this protocol, with a field that this program does not know.
pub(super) fn later(frame: &[u8]) -> Vec<u8> {
    let Ok(Value::Map(mut fields)) = codec::decode::<Value>(frame, REPLY_FRAME_BYTES_MAX) else {
        return frame.to_vec();
    };
    fields.push((
        Value::Text("of-later".into()),
        Value::Array(vec![Value::Bool(true)]),
    ));
    codec::encode(&Value::Map(fields), Effort::Quick)
}
