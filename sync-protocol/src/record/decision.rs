//! What reviewers decided, kept in the document that it is about: so a decision travels, waits and is told like everything
//! else, and those who wrote the values read on their tablets what was decided and why.
//!
//! A decision is an entry that says which open question it settles (`about`, in the words of whoever keeps the questions)
//! and why; what follows from it is written in the same change. One that was taken back says so and stays.

use std::collections::BTreeMap;

use super::document::Document;
use super::maps::Maps;
use super::view::DecisionView;
use crate::{DecisionId, DocKind};

/// The collection of decisions in a kind of document; names differ across documents.
pub const fn decisions_of(kind: DocKind) -> &'static str {
    match kind {
        DocKind::Core => "decisions",
        DocKind::Health => "health_decisions",
    }
}

/// Whether a path lies in the decisions of any document.
pub fn is_decision(path: &str) -> bool {
    DocKind::ALL.into_iter().any(|kind| {
        path.strip_prefix(decisions_of(kind))
            .is_some_and(|rest| rest.starts_with('/'))
    })
}

/// Every decision of a document, those taken back among them.
pub fn decisions(document: &Document) -> BTreeMap<DecisionId, DecisionView> {
    Maps::Document(document).entries(decisions_of(document.id().kind), DecisionView::read)
}

impl DecisionView {
    /// Whether it was taken back.
    pub fn is_undone(&self) -> bool {
        self.undone.is_some()
    }
}

#[cfg(test)]
#[path = "decision_tests.rs"]
mod tests;
