//! What a tablet is told when the server itself cannot do something. The cause goes to the log under a
//! number; the tablet hears the number, or how long to wait.

use sojourn_sync_protocol::refusal::Refusal;

use crate::clock;
use crate::store::StoreError;

/// How long a tablet waits before it tries a server that cannot store anything, milliseconds.
const UNAVAILABLE_RETRY_MS: u64 = 30_000;
/// How long it waits for a server that is restarting, milliseconds.
const CLOSED_RETRY_MS: u64 = 2_000;

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Busy { retry_after } => Refusal::Busy {
                retry_after_ms: u64::try_from(retry_after.as_millis()).unwrap_or(u64::MAX),
            },
            StoreError::Closed => Refusal::Unavailable {
                retry_after_ms: CLOSED_RETRY_MS,
            },
            StoreError::DiskFull => {
                tracing::error!("the disk is full: nothing can be stored");
                Refusal::Unavailable {
                    retry_after_ms: UNAVAILABLE_RETRY_MS,
                }
            }
            other => internal(&other),
        }
    }
}

/// Logs a fault of the server's own under a new number and gives the refusal that names it.
pub fn internal(cause: &dyn std::error::Error) -> Refusal {
    let id = u64::from_le_bytes(clock::random());
    let id = format!("{id:016x}");
    tracing::error!(id, cause = %cause, "a request failed");
    metrics::counter!("sojourn_internal_faults_total").increment(1);
    Refusal::Internal { id }
}
