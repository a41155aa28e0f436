use super::*;
use crate::DocKind;
use crate::record::scene::*;
use crate::record::{Edit, MoveAnswer, NewHandOver, NewNeed, NewVisit, inspect};

fn entry(root: &str, id: impl std::fmt::Display) -> String {
    format!("{root}/{id}")
}

/// What an edit made on a copy of a document would write in the document.
fn read(document: &Document, edit: &Edit) -> Reading {
    let made = document.clone().edit(edit, &by(2)).unwrap();
    document.reading(&inspect(&made.bytes).unwrap())
}

#[test]
fn every_field_that_a_change_would_write_is_read_and_none_is_written() {
    let core = registered();
    let heads = core.heads();
    let found = read(&core, &correct(1, "birth", "1990"));
    let birth = format!("persons/{}/birth", person(1));
    assert_eq!(found.fields, [(birth.clone(), text("1990"))].into());
    assert!(found.adds.is_empty() && found.left_out == 0);
    assert_eq!(core.standing_at(&birth), []);
    assert_eq!(core.heads(), heads);

    let added = read(&core, &Edit::AddPerson(new_person(3)));
    let path = entry("persons", person(3));
    assert_eq!(added.adds, [path.clone()].into());
    assert_eq!(
        added.fields,
        [(format!("{path}/name"), text("测试3"))].into()
    );

    let visited = Edit::RecordVisit(NewVisit {
        id: Some(visit(1)),
        on: "2026-11-24".into(),
        kind: "child".into(),
        ..NewVisit::default()
    });
    let found = read(&document(DocKind::Health), &visited);
    assert_eq!(found.fields.len(), 2);
    assert_eq!(found.adds, [entry("visits", visit(1))].into());
}

#[test]
fn a_change_without_its_parents_is_read_where_that_is_certain() {
    let core = registered();
    let mut theirs = core.clone();
    theirs
        .edit(&Edit::AddPerson(new_person(3)), &by(2))
        .unwrap();
    let edits = [
        correct(3, "birth", "1990"),
        correct(1, "birth", "1991"),
        set(&[("contact/note", "晚上")]),
    ];
    let found = edits.map(|edit| {
        let made = theirs.edit(&edit, &by(2)).unwrap();
        core.reading(&inspect(&made.bytes).unwrap())
    });
    // The person whom the change before added is not here.
    assert_eq!((found[0].fields.len(), found[0].left_out), (0, 1));
    assert_eq!(found[1].fields.values().next(), Some(&text("1991")));
    assert_eq!(found[2].fields.values().next(), Some(&text("晚上")));
}

#[test]
fn one_number_given_to_two_entries_is_taken_for_neither() {
    // The author's history went two ways: each time the same operation adds another person.
    let ground = registered();
    let (mut here, mut there) = (ground.clone(), ground);
    here.edit(&Edit::AddPerson(new_person(3)), &by(2)).unwrap();
    there.edit(&Edit::AddPerson(new_person(4)), &by(2)).unwrap();
    let made = there.edit(&correct(4, "birth", "1990"), &by(2)).unwrap();
    let found = here.reading(&inspect(&made.bytes).unwrap());
    assert_eq!((found.fields.len(), found.left_out), (0, 1));
}

#[test]
fn what_no_decision_can_write_is_left_out() {
    let core = registered();
    let called = read(&core, &Edit::NobodyHome {});
    assert_eq!((called.fields.len(), called.left_out), (0, 1));
    let decided = Edit::Decide(crate::record::NewDecision {
        id: Some(crate::DecisionId::new(by(1).at, [1; 10])),
        document: DocKind::Core,
        about: "x".into(),
        reason: "自己定的".into(),
        seconded: None,
        outcome: None,
        takes_over: false,
        goes_on: None,
        set: Default::default(),
    });
    let found = read(&core, &decided);
    assert!(found.fields.is_empty() && found.adds.is_empty());
    assert_eq!(found.left_out, 3);
}

#[test]
fn a_hand_over_that_was_answered_is_not_proposed_again() {
    let id = crate::MoveId::new(by(1).at, [7; 10]);
    let propose = Edit::ProposeMove(NewHandOver {
        id: Some(id),
        to: "b".into(),
        on: "2026-12-01".into(),
        ..NewHandOver::default()
    });
    let mut core = registered();
    let proposed = core.edit(&propose, &by(2)).unwrap();
    let facts = inspect(&proposed.bytes).unwrap();
    let waits = core.reading(&facts);
    let state = format!("moves/{id}/state");
    assert_eq!(waits.fields[&state], text("proposed"));
    let answer = Edit::AnswerMove(MoveAnswer {
        r#move: id,
        accept: false,
        reason: Some("住在原处".into()),
        decision: None,
    });
    let answer = answer.with_ids(by(1).at, &mut || [9; 10]);
    core.edit(&answer, &by(3)).unwrap();
    let answered = core.reading(&facts);
    assert_eq!(answered.fields, [].into());
    assert_eq!(answered.left_out, waits.left_out + waits.fields.len());
}

#[test]
fn what_was_added_since_is_read_as_what_it_would_be() {
    let ground = registered();
    let need = NewNeed {
        id: Some(crate::NeedId::new(by(1).at, [1; 10])),
        kind: "school".into(),
        text: "小学学位".into(),
        ..NewNeed::default()
    };
    for edit in [Edit::AddPerson(new_person(3)), Edit::NoteNeed(need)] {
        let made = ground.clone().edit(&edit, &by(2)).unwrap();
        let mut since = ground.clone();
        since.edit(&edit, &by(3)).unwrap();
        let found = since.reading(&inspect(&made.bytes).unwrap());
        assert!(found.adds.is_empty() && found.left_out == 0);
        for (path, value) in &found.fields {
            assert_eq!(&since.standing_at(path), std::slice::from_ref(value));
        }
    }
    // Marked as a mistake meanwhile, it would be none any more.
    let made = ground
        .clone()
        .edit(&Edit::AddPerson(new_person(3)), &by(2))
        .unwrap();
    let mut since = ground;
    since.edit(&Edit::AddPerson(new_person(3)), &by(3)).unwrap();
    let removal = Edit::RemovePerson {
        person: person(3),
        reason: "mistake".into(),
        on: None,
        note: None,
        to: None,
    };
    since.edit(&removal, &by(3)).unwrap();
    let found = since.reading(&inspect(&made.bytes).unwrap());
    let mark = format!("persons/{}/removed/reason", person(3));
    assert_eq!(found.fields.get(&mark), Some(&None));
}
