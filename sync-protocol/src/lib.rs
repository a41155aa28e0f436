//! What a tablet and the server say to each other, and the household record they both hold.
//!
//! Pure: values in, values out. No clock, no randomness, no file, socket or thread; time and random
//! bytes are arguments. Builds for a browser (`wasm32-unknown-unknown`) as well as natively.

pub mod area;
pub mod batch;
mod card;
pub mod codec;
mod compress;
pub mod digest;
pub mod dpop;
pub mod gate;
pub mod ids;
pub mod limits;
pub mod linkage;
pub mod message;
pub mod record;
pub mod refusal;
pub mod search;
pub mod time;
pub mod version;

pub use area::{Area, AreaCode};
pub use card::{Card, NotACard};
pub use ids::{
    ActorId, ChangeHash, DecisionId, DeviceId, DocKind, DocumentId, HouseholdId, MoveId, NeedId,
    PersonId, StaffId, VisitId,
};
pub use time::{PartialDate, Timestamp};
