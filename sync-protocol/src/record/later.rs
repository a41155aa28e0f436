//! What people write in a record after its family went on in another. It stays where it was written; whether it counts where the
//! family goes on, a person decides.
//!
//! Pure, and a function of the document alone, so that every copy finds the same. What reviewers decide is not asked about.

use std::collections::{BTreeMap, BTreeSet};

use automerge::Change;

use super::attribution::Attribution;
use super::decision::decided;
use super::document::Document;
use super::goes_on::went_on;
use super::history;
use super::joining::{PUT_BESIDE, can_be_taken_over};
use crate::ChangeHash;

/// The kinds of edit that only a reviewer makes.
const OF_REVIEWERS: [&str; 4] = ["decide", "undo-decision", PUT_BESIDE, "answer-move"];

/// Changes made without knowledge of the decision that the family goes on elsewhere, or after it, each with the fields that it wrote
/// and that could be taken over. Nothing for a record that goes on itself.
pub fn written_after(document: &Document) -> BTreeMap<ChangeHash, BTreeSet<String>> {
    let Some(made) = went_on(document).and_then(|(decision, _)| decided(document, decision)) else {
        return BTreeMap::new();
    };
    let since = document.inner().get_changes(&[(&made.change).into()]);
    let since: BTreeSet<ChangeHash> = since
        .iter()
        .filter(|change| !is_of_a_reviewer(change))
        .map(|change| ChangeHash::from(&change.hash()))
        .collect();
    if since.is_empty() {
        return BTreeMap::new();
    }
    let mut written: BTreeMap<ChangeHash, BTreeSet<String>> = BTreeMap::new();
    history::walk(document, |author, path, _| {
        let change = ChangeHash(author.hash().0);
        if since.contains(&change) {
            written.entry(change).or_default().insert(path.to_owned());
        }
    });
    written.retain(|_, paths| {
        paths.retain(|path| can_be_taken_over(document.id().kind, path));
        !paths.is_empty()
    });
    written
}

fn is_of_a_reviewer(change: &Change) -> bool {
    let attribution = change.message().and_then(|text| text.parse().ok());
    attribution.is_some_and(|by: Attribution| OF_REVIEWERS.contains(&by.kind.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::scene::*;
    use crate::record::{Edit, GoesOn, NewDecision, Pairs};
    use crate::{DecisionId, DocKind, HouseholdId, Timestamp};

    fn goes_on() -> Edit {
        Edit::Decide(NewDecision {
            id: Some(DecisionId::new(by(1).at, [7; 10])),
            document: DocKind::Core,
            about: "possible-duplicate x".to_owned(),
            reason: "同一户人家".to_owned(),
            seconded: None,
            outcome: None,
            takes_over: false,
            goes_on: Some(GoesOn {
                household: HouseholdId::new(Timestamp::from_millis(1), [2; 10]),
                persons: Pairs::new(),
            }),
            set: crate::record::Assignments::new(),
        })
    }

    #[test]
    fn what_is_written_after_is_found_and_what_was_known_before_is_not() {
        let mut core = registered();
        let mut elsewhere = core.clone();
        core.edit(&correct(1, "birth", "1990"), &by(2)).unwrap();
        assert!(written_after(&core).is_empty());
        core.edit(&goes_on(), &by(3)).unwrap();
        assert!(written_after(&core).is_empty());
        // One who did not know of it, and one who did.
        elsewhere
            .edit(&set(&[("contact/note", "晚上在家")]), &by(4))
            .unwrap();
        merge(&mut core, &mut elsewhere);
        core.edit(&correct(2, "birth", "1991"), &by(5)).unwrap();
        let found = written_after(&core);
        let paths: Vec<String> = found.values().flatten().cloned().collect();
        let birth = format!("persons/{}/birth", person(2));
        assert_eq!(
            BTreeSet::from_iter(paths),
            ["contact/note".to_owned(), birth].into()
        );
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn what_is_each_records_own_and_what_reviewers_decide_is_not_asked_about() {
        let mut core = registered();
        core.edit(&goes_on(), &by(3)).unwrap();
        core.edit(&set(&[("residence/address", "九号")]), &by(4))
            .unwrap();
        core.edit(&Edit::NobodyHome {}, &by(4)).unwrap();
        let undo = Edit::UndoDecision {
            decision: DecisionId::new(by(1).at, [7; 10]),
            document: DocKind::Core,
            reason: None,
            set: assign([("contact/note", text("晚上"))]),
        };
        core.edit(&undo, &by(5)).unwrap();
        assert!(written_after(&core).is_empty());
    }
}
