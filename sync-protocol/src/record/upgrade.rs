//! Bringing a document of an older schema up to this program's.
//!
//! A later schema is one more constant change that depends only on the constant before it. So everyone
//! who upgrades a document adds the very same bytes, and copies upgraded apart agree when they meet. A
//! document gets the constants when an edit first needs one of their maps, so that a household nobody
//! writes anything new in stays readable by older programs; a copy that receives an edit made on top of
//! a constant takes the constant first. An older program meets it as a change by nobody and keeps it.
//! Nothing here rewrites a value.

use super::document::Document;

/// Adds the constants the document lacks; says whether there were any.
pub fn upgrade(document: &mut Document) -> bool {
    document.add_missing_constants()
}

#[cfg(test)]
#[path = "upgrade_tests.rs"]
mod tests;
