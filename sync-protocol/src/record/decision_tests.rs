use super::*;
use crate::record::scene::*;
use crate::record::{
    Assignments, Edit, EditError, NewDecision, RawChange, Value, contradictions, history, view,
    view_saved,
};
use crate::{DocKind, PersonId};
use automerge::transaction::Transactable as _;
use proptest::prelude::*;

fn decision(n: u8) -> DecisionId {
    DecisionId::new(by(1).at, [n; 10])
}

fn decide(about: &str, set: Assignments) -> Edit {
    Edit::Decide(NewDecision {
        id: Some(decision(1)),
        document: DocKind::Core,
        about: about.to_owned(),
        reason: "看过出生证".to_owned(),
        seconded: Some(by(4).staff),
        outcome: None,
        takes_over: false,
        goes_on: None,
        set,
    })
}

fn undo(reason: Option<&str>, set: Assignments) -> Edit {
    Edit::UndoDecision {
        decision: decision(1),
        document: DocKind::Core,
        reason: reason.map(str::to_owned),
        set,
    }
}

fn birth(n: u8) -> String {
    format!("persons/{}/birth", person(n))
}

/// Two copies of a household whose people wrote different birth dates of person 1.
fn contradicted() -> Document {
    let mut one = registered();
    let mut other = document(DocKind::Core);
    pull(&mut other, &one);
    one.edit(&correct(1, "birth", "1990"), &by(1)).unwrap();
    other.edit(&correct(1, "birth", "1991"), &by(2)).unwrap();
    pull(&mut one, &other);
    one
}

/// Writes of person 1 what no program of this version would.
fn write_unchecked(document: &mut Document, key: &str, value: &str) {
    let map = document
        .map_of("persons", Some(&person(1).to_string()))
        .unwrap();
    let inner = document.inner_mut();
    inner.set_actor(automerge::ActorId::from([8; 16]));
    let mut tx = inner.transaction();
    tx.put(map, key, value).unwrap();
    tx.commit();
}

/// The distinct values of a field, in order.
fn values(document: &Document, path: &str) -> Vec<Option<Value>> {
    let mut values = document.values_at(path);
    values.sort();
    values.dedup();
    values
}

/// Takes a decision back: one edit for each value, each by another author on the same ground.
fn take_back(document: &Document) -> Document {
    let mut changes: Vec<RawChange> = Vec::new();
    let decided = decided(document, decision(1)).unwrap();
    let edits = decided.edits_to_undo(decision(1), DocKind::Core, "原件不是他的");
    for (edit, author) in edits.iter().zip(10..) {
        changes.push(document.clone().edit(edit, &by(author)).unwrap());
    }
    let raw: Vec<&[u8]> = changes
        .iter()
        .map(|change| change.bytes.as_slice())
        .collect();
    document.with_changes(&raw).unwrap()
}

#[test]
fn a_decision_settles_a_contradiction_and_says_why() {
    let mut core = contradicted();
    let about = format!("contradiction {}", birth(1));
    let set = [(birth(1), text("1990"))].into();
    core.edit(&decide(&about, set), &by(3)).unwrap();
    assert_eq!(contradictions(&core), []);
    assert_eq!(values(&core, &birth(1)), [text("1990")]);
    let shown = view(household(), &core, None).unwrap();
    let told = &shown.decisions[&decision(1)];
    assert!(!told.is_undone());
    assert_eq!(
        told.about.as_ref().unwrap().values().collect::<Vec<_>>(),
        [&about]
    );
    assert_eq!(decisions(&core), shown.decisions);
    // The plain reader of saved bytes says the same.
    assert_eq!(view_saved(household(), &core.save(), None), Some(shown));
    let story = history(&core, Some(&birth(1)));
    assert_eq!(story.last().unwrap().edit.as_deref(), Some("decide"));
    assert_eq!(story.last().unwrap().staff, Some(by(3).staff));
}

#[test]
fn a_decision_taken_back_stays_and_the_values_stand_again() {
    let core = contradicted();
    let before = values(&core, &birth(1));
    for chosen in ["1990", "1991", "1992-03-04"] {
        let mut core = core.clone();
        core.edit(&decide("x", [(birth(1), text(chosen))].into()), &by(3))
            .unwrap();
        let back = take_back(&core);
        assert_eq!(values(&back, &birth(1)), before, "{chosen}");
        assert!(decisions(&back)[&decision(1)].is_undone());
        // On another copy, in another order, it is the same.
        let mut other = document(DocKind::Core);
        pull(&mut other, &back);
        assert_eq!(values(&other, &birth(1)), before);
    }
}

#[test]
fn a_decision_tells_what_stood_before_and_whether_it_still_stands() {
    let mut core = contradicted();
    let before = values(&core, &birth(1));
    core.edit(&decide("x", [(birth(1), text("1990"))].into()), &by(3))
        .unwrap();
    let told = |core: &Document| decided(core, decision(1)).unwrap().fields[&birth(1)].clone();
    let field = Written {
        before: before.clone(),
        value: text("1990"),
        stands: true,
    };
    assert_eq!(told(&core), field);
    // A late third value contradicts it; the same value written again is somebody else's too.
    let mut late = contradicted();
    late.edit(&correct(1, "birth", "1993"), &by(6)).unwrap();
    let mut contested = core.clone();
    pull(&mut contested, &late);
    assert!(!told(&contested).stands);
    core.edit(&correct(1, "birth", "1994"), &by(6)).unwrap();
    core.edit(&correct(1, "birth", "1990"), &by(6)).unwrap();
    assert!(!told(&core).stands);
    assert_eq!(told(&core).before, before);
    assert_eq!(decided(&core, decision(2)), None);
    let first = core.changes()[0].hash;
    assert_eq!(values_before(&core, &first, &birth(1)), []);
}

#[test]
fn a_field_that_nobody_had_written_is_cleared_when_a_decision_is_taken_back() {
    let mut core = registered();
    core.edit(&decide("x", [(birth(1), text("1990"))].into()), &by(3))
        .unwrap();
    let back = take_back(&core);
    assert_eq!(values(&back, &birth(1)), [None]);
    let mut nothing = registered();
    nothing
        .edit(&decide("late-edit x", Assignments::new()), &by(3))
        .unwrap();
    assert!(decisions(&take_back(&nothing))[&decision(1)].is_undone());
}

#[test]
fn a_value_that_stands_can_be_chosen_though_it_is_wrong_and_a_new_one_is_checked() {
    let mut core = registered();
    let mut other = core.clone();
    core.edit(&correct(1, "birth", "1993"), &by(5)).unwrap();
    write_unchecked(&mut other, "birth", "今年");
    pull(&mut core, &other);
    let chosen = |value: &str| decide("x", [(birth(1), text(value))].into());
    assert!(matches!(
        core.clone().edit(&chosen("明年"), &by(3)),
        Err(EditError::BadValue { .. })
    ));
    core.edit(&chosen("今年"), &by(3)).unwrap();
    assert_eq!(values(&core, &birth(1)), [text("今年")]);
}

#[test]
fn a_decision_writes_what_the_record_declares_and_nothing_else() {
    let mut core = contradicted();
    let stranger = PersonId::new(by(1).at, [99; 10]);
    let nowhere = [
        ("contact/unanswered".to_owned(), Some(Value::Int(1))),
        (format!("decisions/{}/undone", decision(1)), text("x")),
        ("contact/messenger".to_owned(), text("x")),
        (format!("facts/{}/allergy", person(1)), text("x")),
    ];
    for (path, value) in nowhere {
        let set: Assignments = [(path.clone(), value)].into();
        let unknown = EditError::UnknownField { field: path };
        assert_eq!(core.edit(&decide("x", set), &by(3)), Err(unknown));
    }
    let phone = text("10000000001");
    let set: Assignments = [(format!("persons/{stranger}/phone"), phone)].into();
    assert!(matches!(
        core.edit(&decide("x", set), &by(3)),
        Err(EditError::NoSuchEntry { .. })
    ));
    let set: Assignments = [(format!("persons/{}/name", person(1)), None)].into();
    assert!(matches!(
        core.edit(&decide("x", set), &by(3)),
        Err(EditError::Required { .. })
    ));
    let set: Assignments = [(format!("persons/{}/id_number", person(1)), text("1"))].into();
    assert!(matches!(
        core.edit(&decide("x", set), &by(3)),
        Err(EditError::BadValue { .. })
    ));
    let undone = undo(Some("x"), Assignments::new());
    assert!(matches!(
        core.edit(&undone, &by(3)),
        Err(EditError::NoSuchEntry { .. })
    ));
    assert_eq!(decisions(&core).len(), 0);
}

#[test]
fn decisions_of_health_are_in_the_health_document() {
    let mut health = document(DocKind::Health);
    let allergy = format!("facts/{}/allergy", person(1));
    let Edit::Decide(new) = decide("x", [(allergy.clone(), text("青霉素"))].into()) else {
        unreachable!("a decision was made above");
    };
    let new = NewDecision {
        document: DocKind::Health,
        ..new
    };
    health.edit(&Edit::Decide(new), &by(3)).unwrap();
    assert_eq!(health.values_at(&allergy), [text("青霉素")]);
    let shown = view(household(), &registered(), Some(&health)).unwrap();
    assert_eq!(shown.decisions.len(), 1);
    assert!(is_decision("decisions/x/about") && is_decision("health_decisions/x/about"));
    assert!(!is_decision("decisions") && !is_decision("needs/x/text"));
}

proptest! {
    /// Whatever was decided, taking it back leaves the values that stood before it, cleared ones too.
    #[test]
    fn taken_back_equals_never_decided(
        wrote in prop::collection::btree_set(prop::option::of(1950i64..1960), 2..5),
        chosen in prop::option::of(1950i64..1970),
    ) {
        let year = |year: &Option<i64>| year.map(|year| Value::Text(year.to_string()));
        let ground = registered();
        let mut core = ground.clone();
        for (at, value) in wrote.iter().enumerate() {
            let mut apart = ground.clone();
            let author = by(20 + u8::try_from(at).unwrap());
            let set = [("birth".to_owned(), year(value))].into();
            // The cleared one is written over a value, or there would be nothing to clear.
            apart.edit(&correct(1, "birth", "1949"), &author).unwrap();
            apart.edit(&Edit::CorrectPerson { person: person(1), set }, &author).unwrap();
            pull(&mut core, &apart);
        }
        let before = values(&core, &birth(1));
        prop_assert_eq!(before.len(), wrote.len());
        core.edit(&decide("x", [(birth(1), year(&chosen))].into()), &by(3)).unwrap();
        prop_assert_eq!(values(&core, &birth(1)), [year(&chosen)]);
        let back = take_back(&core);
        prop_assert_eq!(values(&back, &birth(1)), before);
    }
}

#[test]
fn a_decision_adds_an_entry_when_it_sets_what_such_an_entry_needs() {
    let mut core = registered();
    let path = |key: &str| format!("persons/{}/{key}", person(3));
    let set = |keys: &[(&str, Option<Value>)]| -> Assignments {
        keys.iter()
            .map(|(key, value)| (path(key), value.clone()))
            .collect()
    };
    // Only the telephone of somebody who is not here.
    let phone = set(&[("phone", text("10000000001"))]);
    let nobody = core.edit(&decide("x", phone), &by(3));
    assert!(matches!(nobody, Err(EditError::NoSuchEntry { .. })));
    let unnamed = set(&[("name", None), ("phone", text("10000000001"))]);
    let nobody = core.edit(&decide("x", unnamed), &by(3));
    assert!(matches!(nobody, Err(EditError::NoSuchEntry { .. })));
    // The number is checked against the document that it is said to be of, as when a person is added.
    let passport = set(&[
        ("name", text("测试3")),
        ("id_kind", text("passport")),
        ("id_number", text("E12345678")),
    ]);
    let mut resident = passport.clone();
    resident.remove(&path("id_kind"));
    let wrong = core.edit(&decide("x", resident), &by(3));
    assert!(matches!(wrong, Err(EditError::BadValue { .. })));
    core.edit(&decide("x", passport), &by(3)).unwrap();
    assert_eq!(core.values_at(&path("name")), [text("测试3")]);
    assert_eq!(core.values_at(&path("id_kind")), [text("passport")]);
    // Taken back, it is marked as a mistake, and stays.
    let back = take_back(&core);
    let shown = seen(&back);
    assert!(shown.persons[&person(3)].removed.is_some());
    assert_eq!(back.values_at(&path("name")), [text("测试3")]);
    // A need is for somebody of the household.
    let need = format!("needs/{}", crate::NeedId::new(by(1).at, [1; 10]));
    let mut asked: Assignments = [
        ("kind", "school"),
        ("text", "小学学位"),
        ("state", "open"),
        ("urgency", "routine"),
    ]
    .into_iter()
    .map(|(key, value)| (format!("{need}/{key}"), text(value)))
    .collect();
    let stranger = text(&person(9).to_string());
    asked.insert(format!("{need}/person"), stranger);
    let nobody = registered().edit(&decide("x", asked.clone()), &by(3));
    assert!(matches!(nobody, Err(EditError::NoSuchEntry { .. })));
    asked.remove(&format!("{need}/kind"));
    let kind = registered().edit(&decide("x", asked), &by(3));
    assert!(matches!(kind, Err(EditError::Required { .. })));
}
