//! The household record: plain structs over one or two Automerge documents, `core` and `health`.
//!
//! Every object of a document comes from its genesis or is an entry that one actor created under a
//! fresh id, so that no two actors ever create the same map and hide one of the two. Values are
//! scalars. Taking away is a mark with a reason, never a deletion. What this program does not know
//! stays in the document untouched.
//!
//! Pure: no clock, no random source, no I/O. Whether a change may be accepted is decided elsewhere, on
//! what [`inspect`] and [`Document::touches`] report.

mod asking;
mod attribution;
mod conflict;
mod decision;
mod document;
mod edit;
mod genesis;
mod goes_on;
mod handover;
mod history;
pub mod id_number;
mod input;
mod inspect;
mod joining;
mod later;
mod maps;
mod plain;
mod plan;
mod schema;
mod shown;
mod splitting;
mod upgrade;
mod value;
mod view;

#[cfg(test)]
mod convergence_tests;
#[cfg(test)]
mod data_model_tests;
#[cfg(test)]
mod scene;

pub use asking::is_question;
pub use attribution::{Attribution, NoAttribution};
pub use conflict::{
    ConflictingValue, Contradiction, EditOfRemoved, contradictions, edits_of_removed,
    residence_values,
};
pub use decision::{
    Decided, DecisionOutcome, Written, about_aside, decided, decided_aside, decisions,
    decisions_of, is_decision, mistake_marks, values_before, written_by,
};
pub use document::{Document, RawChange, RecordError};
pub use edit::{Assignment, Assignments, Authorship, Edit, EditError};
pub use genesis::SCHEMA_VERSION;
pub use goes_on::{GoesOn, went_on};
pub use handover::{HandOver, HandOverState, about_hand_over, answered_hand_over, hand_overs};
pub use history::{HistoryEntry, history};
pub use input::{
    MoveAnswer, NewArrival, NewConsent, NewDecision, NewHandOver, NewHousehold, NewMove, NewNeed,
    NewPerson, NewVisit,
};
pub use inspect::{ChangeFacts, Outline, Reading, Touch, Unfit, inspect};
pub use joining::{
    GiveBack, Pairs, TakeOver, Undecided, beside, brought_people, give_back, take_over,
};
pub use later::written_after;
pub use schema::{FIELDS, Field, MergeRule, Sensitivity, field_at};
pub use shown::Shown;
pub use splitting::{CannotSplit, Leaving, Split, split};
pub use upgrade::upgrade;
pub use value::{FieldType, Value, ValueProblem};
pub use view::{
    ConsentView, ContactView, DecisionView, FactsView, Held, HouseholdView, MoveView, NeedView,
    PersonView, RemovedPerson, RemovedVisit, ResidenceView, VisitView, mask_id_number, view,
    view_held, view_saved,
};
