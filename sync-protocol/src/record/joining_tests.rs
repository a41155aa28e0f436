use super::*;
use crate::record::scene::*;
use crate::record::{
    Authorship, Edit, EditError, GoesOn, HouseholdView, Leaving, NewDecision, NewHousehold,
    NewNeed, NewPerson, NewVisit, Shown, residence_values, split, view, view_saved, went_on,
};
use crate::{DocKind, DocumentId, HouseholdId, NeedId, Timestamp};
use proptest::prelude::*;

fn second() -> HouseholdId {
    HouseholdId::new(Timestamp::from_millis(1), [2; 10])
}

fn decision() -> DecisionId {
    DecisionId::new(by(1).at, [7; 10])
}

/// The record that goes on, and another of the same family: person 3 there is person 1 here, and person 4 is known there alone.
struct Two {
    core: Document,
    health: Document,
    other: Document,
    other_health: Document,
}

fn pairs() -> Pairs {
    [(person(3), person(1))].into()
}

impl Two {
    fn new() -> Self {
        let mut other = Document::new(DocumentId::new(second(), DocKind::Core));
        let new = NewHousehold {
            area: Some(area("370724001002")),
            address: Some("九号".into()),
            note: Some("晚上在家".into()),
            persons: vec![
                NewPerson {
                    birth: Some("1990".into()),
                    languages: ["yue".to_owned()].into(),
                    ..new_person(3)
                },
                new_person(4),
            ],
            ..NewHousehold::default()
        };
        other.edit(&Edit::RegisterHousehold(new), &by(5)).unwrap();
        Self {
            core: registered(),
            health: document(DocKind::Health),
            other,
            other_health: Document::new(DocumentId::new(second(), DocKind::Health)),
        }
    }

    fn visit_there(&mut self, number: u8, of: u8) {
        let edit = Edit::RecordVisit(visit_of(number, of));
        self.other_health.edit(&edit, &by(5)).unwrap();
    }

    fn ours(&self) -> HouseholdView {
        view(household(), &self.core, Some(&self.health)).unwrap()
    }

    fn theirs(&self) -> HouseholdView {
        view(second(), &self.other, Some(&self.other_health)).unwrap()
    }

    /// Takes the other record over, as a desk does.
    fn join(&mut self) {
        for (into, from) in [
            (&mut self.core, &self.other),
            (&mut self.health, &self.other_health),
        ] {
            let taken = take_over(into, from, &pairs(), None, decision()).unwrap();
            let kind = into.id().kind;
            let told = NewDecision {
                takes_over: true,
                set: taken.set.clone(),
                ..told(kind, &format!("possible-duplicate {}", second()))
            };
            into.edit(&Edit::Decide(told), &by(20)).unwrap();
            if !taken.beside.is_empty() {
                side_by_side(into, &beside(into, &taken, decision()));
            }
        }
        let told = NewDecision {
            goes_on: Some(GoesOn {
                household: household(),
                persons: pairs(),
            }),
            ..told(
                DocKind::Core,
                &format!("possible-duplicate {}", household()),
            )
        };
        self.other.edit(&Edit::Decide(told), &by(21)).unwrap();
    }

    /// Takes that back.
    fn part(&mut self) {
        let people = brought_people(&self.core, decision());
        for (into, from) in [
            (&mut self.core, &mut self.other),
            (&mut self.health, &mut self.other_health),
        ] {
            let kind = into.id().kind;
            let back = give_back(into, from, (decision(), &[]), &people)
                .unwrap()
                .unwrap();
            into.edit(&undo(kind, back.set), &by(30)).unwrap();
            if kind == DocKind::Core {
                from.edit(&undo(kind, back.other), &by(31)).unwrap();
            } else if !back.other.is_empty() {
                let told = NewDecision {
                    takes_over: true,
                    set: back.other,
                    ..told(kind, "parted")
                };
                from.edit(&Edit::Decide(told), &by(31)).unwrap();
            }
        }
    }
}

fn told(document: DocKind, about: &str) -> NewDecision {
    NewDecision {
        id: Some(decision()),
        document,
        about: about.to_owned(),
        reason: "同一户人家".to_owned(),
        seconded: None,
        outcome: None,
        takes_over: false,
        goes_on: None,
        set: Assignments::new(),
    }
}

fn undo(document: DocKind, set: Assignments) -> Edit {
    Edit::UndoDecision {
        decision: decision(),
        document,
        reason: Some("不是同一户".into()),
        set,
    }
}

/// Two values of the same fields, by two authors who do not know of each other.
fn side_by_side(document: &mut Document, edits: &[Edit; 2]) {
    let mut changes = Vec::new();
    for (number, edit) in (22..).zip(edits) {
        changes.push(document.clone().edit(edit, &by(number)).unwrap());
    }
    let raw: Vec<&[u8]> = changes
        .iter()
        .map(|change| change.bytes.as_slice())
        .collect();
    *document = document.with_changes(&raw).unwrap();
}

fn visit_of(number: u8, of: u8) -> NewVisit {
    NewVisit {
        id: Some(visit(number)),
        person: Some(person(of)),
        on: "2026-11-02".into(),
        kind: "child".into(),
        ..NewVisit::default()
    }
}

/// A household as it shows itself, but for its decisions.
fn without_decisions(mut view: HouseholdView) -> HouseholdView {
    view.decisions.clear();
    view
}

#[test]
fn every_map_of_a_record_has_its_place_when_two_are_found() {
    for collection in COLLECTIONS {
        assert!(handling(collection.name).is_some(), "{}", collection.name);
    }
    assert_eq!(handling("permits"), None);
}

#[test]
fn the_record_that_goes_on_has_what_the_other_had() {
    let mut two = Two::new();
    two.visit_there(1, 3);
    two.visit_there(2, 4);
    two.join();
    let shown = two.ours();
    // Person 3 is person 1, and is better known now; person 4 came with a mark of how.
    assert_eq!(shown.persons.len(), 3);
    let known = &shown.persons[&person(1)];
    assert_eq!(known.birth, Some(Shown::Agreed("1990".into())));
    assert!(known.languages.contains("yue"));
    let came = &shown.persons[&person(4)];
    assert_eq!(came.name, Some(Shown::Agreed("测试4".into())));
    assert_eq!(came.copied, Some(Shown::Agreed(decision().to_string())));
    // Visits speak of the persons as they are called here.
    let seen = |number| shown.visits[&visit(number)].person.clone();
    assert_eq!(seen(1), Some(Shown::Agreed(person(1).to_string())));
    assert_eq!(seen(2), Some(Shown::Agreed(person(4).to_string())));
    // Empty fields are filled; where the family lives is what this record says.
    assert_eq!(shown.contact.note, Some(Shown::Agreed("晚上在家".into())));
    assert_eq!(shown.residence.address, Some(Shown::Agreed("一号".into())));
    assert_eq!(residence_values(&two.core).len(), 1);
    // Of two names a person decides.
    let name = format!("persons/{}/name", person(1));
    let paths: Vec<&str> = shown
        .contradictions
        .iter()
        .map(|c| c.path.as_str())
        .collect();
    assert_eq!(paths, [name.as_str()]);
    // The other record stays as it was and says where the family goes on.
    let theirs = two.theirs();
    assert_eq!(theirs.goes_on, Some(household()));
    let (by, there) = went_on(&two.other).unwrap();
    assert_eq!((by, there.persons), (decision(), pairs()));
    assert_eq!(went_on(&two.core), None);
    assert_eq!(theirs.persons.len(), 2);
    // Saved bytes show the same.
    let saved = (two.other.save(), two.other_health.save());
    assert_eq!(view_saved(second(), &saved.0, Some(&saved.1)), Some(theirs));
}

#[test]
fn undone_both_show_what_they_showed() {
    let mut two = Two::new();
    two.visit_there(1, 3);
    two.other.edit(&remove(4, "去外地"), &by(6)).unwrap();
    let before = (two.ours(), two.theirs());
    two.join();
    assert_eq!(two.ours().edits_of_removed, []);
    two.part();
    assert_eq!(went_on(&two.other), None);
    assert_eq!(without_decisions(two.ours()), before.0);
    assert_eq!(without_decisions(two.theirs()), before.1);
    // And they may be found to be one after all.
    let again = take_over(&two.core, &two.other, &pairs(), None, decision()).unwrap();
    assert!(
        again
            .set
            .contains_key(&format!("persons/{}/copied", person(4)))
            || again.set.is_empty()
    );
}

#[test]
fn what_was_written_in_copies_meanwhile_goes_to_where_they_came_from() {
    let mut two = Two::new();
    two.visit_there(1, 3);
    two.visit_there(2, 4);
    two.join();
    two.core
        .edit(&correct(4, "birth", "2001"), &by(25))
        .unwrap();
    let heavier = Edit::CorrectVisit {
        visit: visit(1),
        set: assign([("weight_g", Some(Value::Int(9000)))]),
    };
    two.health.edit(&heavier, &by(25)).unwrap();
    two.health
        .edit(&Edit::RecordVisit(visit_of(3, 4)), &by(25))
        .unwrap();
    two.health
        .edit(&Edit::RecordVisit(visit_of(4, 1)), &by(25))
        .unwrap();
    two.part();
    let (ours, theirs) = (two.ours(), two.theirs());
    assert_eq!(ours.persons.len(), 2);
    assert_eq!(
        theirs.persons[&person(4)].birth,
        Some(Shown::Agreed("2001".into()))
    );
    // The visit keeps the name by which the other record calls the person.
    let first = &theirs.visits[&visit(1)];
    assert_eq!(first.weight_g, Some(Shown::Agreed(9000)));
    assert_eq!(first.person, Some(Shown::Agreed(person(3).to_string())));
    // A visit of somebody who was copied goes with them; one of somebody who lives here stays.
    assert_eq!(theirs.visits.len(), 3);
    assert_eq!(ours.visits.keys().collect::<Vec<_>>(), [&visit(4)]);
}

#[test]
fn a_fact_of_somebody_who_was_copied_goes_with_them() {
    let mut two = Two::new();
    let allergy = |value: &str| Edit::SetHealth {
        person: person(4),
        set: assign([("allergy", text(value))]),
    };
    two.other_health.edit(&allergy("花生"), &by(5)).unwrap();
    two.join();
    two.health.edit(&allergy("花生、鸡蛋"), &by(25)).unwrap();
    two.part();
    let known = |view: HouseholdView| view.facts.get(&person(4)).cloned();
    assert_eq!(known(two.ours()).and_then(|facts| facts.allergy), None);
    let theirs = known(two.theirs()).unwrap().allergy;
    assert_eq!(theirs, Some(Shown::Agreed("花生、鸡蛋".into())));
}

#[test]
fn what_was_copied_and_taken_back_is_not_taken_over_the_other_way_round() {
    let mut two = Two::new();
    two.visit_there(1, 4);
    two.join();
    two.part();
    // Now the second record is the one that goes on.
    let other_way = [(person(1), person(3))].into();
    let again = DecisionId::new(by(1).at, [8; 10]);
    let taken = take_over(&two.other, &two.core, &other_way, None, again).unwrap();
    assert_eq!(taken.copied(), [format!("persons/{}", person(2))].into());
    let seen = take_over(&two.other_health, &two.health, &other_way, None, again).unwrap();
    assert_eq!(seen, TakeOver::default());
}

#[test]
fn what_is_taken_over_is_counted_as_fields_and_as_entries() {
    let two = Two::new();
    let taken = take_over(&two.core, &two.other, &pairs(), None, decision()).unwrap();
    let birth = format!("persons/{}/birth", person(1));
    let speaks = format!("persons/{}/languages/yue", person(1));
    let filled = ["contact/note", birth.as_str(), speaks.as_str()];
    assert_eq!(taken.filled(), filled.into());
    assert_eq!(taken.copied(), [format!("persons/{}", person(4))].into());
}

#[test]
fn a_value_that_was_decided_since_stays() {
    let mut two = Two::new();
    two.join();
    two.core
        .edit(&correct(1, "name", "测试三"), &by(26))
        .unwrap();
    two.core
        .edit(&set(&[("contact/note", "早上在家")]), &by(26))
        .unwrap();
    two.part();
    let shown = two.ours();
    assert_eq!(
        shown.persons[&person(1)].name,
        Some(Shown::Agreed("测试三".into()))
    );
    assert_eq!(shown.contact.note, Some(Shown::Agreed("早上在家".into())));
    assert_eq!(shown.persons[&person(1)].birth, None);
}

#[test]
fn contradictions_are_decided_before_records_are_joined() {
    let mut two = Two::new();
    let mut copy = two.other.clone();
    two.other
        .edit(&correct(3, "birth", "1991"), &by(6))
        .unwrap();
    copy.edit(&correct(3, "birth", "1992"), &by(7)).unwrap();
    two.other
        .apply_changes(&[&copy.changes().last().unwrap().bytes])
        .unwrap();
    let undecided = take_over(&two.core, &two.other, &pairs(), None, decision()).unwrap_err();
    assert_eq!(undecided.0, [format!("persons/{}/birth", person(3))].into());
}

#[test]
fn somebody_gone_in_one_record_is_for_a_person_to_decide() {
    let mut two = Two::new();
    two.other.edit(&remove(3, "去外地"), &by(6)).unwrap();
    let taken = take_over(&two.core, &two.other, &pairs(), None, decision()).unwrap();
    let gone = format!("persons/{}/removed/reason", person(1));
    assert_eq!(taken.beside.get(&gone), Some(&text("moved-away")));
    two.join();
    let reason = two.ours().persons[&person(1)]
        .removed
        .clone()
        .unwrap()
        .reason;
    assert!(reason.unwrap().is_contradicted());
}

#[test]
fn what_comes_later_to_the_other_record_is_taken_over_by_itself() {
    let mut two = Two::new();
    two.join();
    two.other
        .edit(&correct(4, "birth", "2003"), &by(40))
        .unwrap();
    two.other
        .edit(&correct(3, "sex", "female"), &by(40))
        .unwrap();
    let late = two.other.heads()[0];
    let fields = crate::record::written_by(&two.other, &late);
    let only = fields.into_keys().collect();
    let (_, there) = went_on(&two.other).unwrap();
    let taken = take_over(
        &two.core,
        &two.other,
        &there.persons,
        Some(&only),
        decision(),
    )
    .unwrap();
    let sex = format!("persons/{}/sex", person(1));
    assert_eq!(taken.set, [(sex, text("female"))].into());
    assert_eq!(taken.beside, Assignments::new());
}

#[test]
fn what_comes_later_to_a_copy_replaces_what_was_copied() {
    let mut two = Two::new();
    two.join();
    two.other
        .edit(&correct(4, "name", "李改名"), &by(40))
        .unwrap();
    let only = crate::record::written_by(&two.other, &two.other.heads()[0]);
    let only = only.into_keys().collect();
    let taken = take_over(&two.core, &two.other, &pairs(), Some(&only), decision()).unwrap();
    let name = format!("persons/{}/name", person(4));
    assert_eq!(taken.set[&name], text("李改名"));
    assert_eq!(taken.beside, Assignments::new());
}

#[test]
fn nobody_but_a_decision_marks_a_copy() {
    let mut core = registered();
    let mark = correct(1, "copied", &decision().to_string());
    assert!(matches!(
        core.edit(&mark, &by(2)),
        Err(EditError::UnknownField { .. })
    ));
    let decided = NewDecision {
        set: [(format!("persons/{}/copied", person(1)), text("x"))].into(),
        ..told(DocKind::Core, "x")
    };
    assert!(core.edit(&Edit::Decide(decided), &by(2)).is_err());
    assert!(crate::record::is_decision(&format!(
        "persons/{}/copied",
        person(1)
    )));
}

/// One of the edits that staff make, on either record, by number.
fn some_edit(kind: u8, n: u8, core: bool) -> Edit {
    let somebody = if core { 1 + n % 2 } else { 3 + n % 2 };
    match kind % 6 {
        0 => set(&[("contact/phone", &format!("100000000{:02}", n % 100))]),
        1 => set(&[("residence/address", &format!("{n}号"))]),
        2 => correct(somebody, "birth", &format!("{}", 1950 + i32::from(n) % 60)),
        3 => correct(somebody, "phone", &format!("100000001{:02}", n % 100)),
        4 => Edit::AddPerson(new_person(if core { 40 + n % 20 } else { 70 + n % 20 })),
        _ => Edit::NoteNeed(NewNeed {
            id: Some(NeedId::new(by(1).at, [if core { n } else { n | 128 }; 10])),
            kind: "school".into(),
            text: format!("学位{n}"),
            person: Some(person(somebody)),
            ..NewNeed::default()
        }),
    }
}

fn do_all(document: &mut Document, edits: &[(u8, u8)], core: bool, author: &Authorship) {
    for (kind, n) in edits {
        // Saying the same again, or adding somebody twice, writes nothing.
        let _ = document.edit(&some_edit(*kind, n % 128, core), author);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the two records hold, joining and undoing leaves both as they were; what was written in the record that
    /// went on, in what is its own, stays.
    #[test]
    fn undone_is_as_if_it_had_never_been(
        here in proptest::collection::vec((0u8..6, 0u8..128), 0..8),
        there in proptest::collection::vec((0u8..6, 0u8..128), 0..8),
        later in proptest::collection::vec((4u8..6, 0u8..128), 0..4),
        visits in proptest::collection::vec((0u8..20, 3u8..5), 0..4),
    ) {
        let mut two = Two::new();
        do_all(&mut two.core, &here, true, &by(2));
        do_all(&mut two.other, &there, false, &by(6));
        for (number, of) in &visits {
            if !two.theirs().visits.contains_key(&visit(*number)) {
                two.visit_there(*number, *of);
            }
        }
        let mut never = (two.core.clone(), two.theirs());
        two.join();
        do_all(&mut two.core, &later, true, &by(24));
        do_all(&mut never.0, &later, true, &by(24));
        two.part();
        let without = view(household(), &never.0, Some(&document(DocKind::Health))).unwrap();
        prop_assert_eq!(without_decisions(two.ours()), without);
        prop_assert_eq!(without_decisions(two.theirs()), never.1);
    }
}

/// A household, and the one that its second member, with a visit and an allergy, left it for.
fn left() -> Two {
    let mut two = Two::new();
    let facts = Edit::SetHealth {
        person: person(2),
        set: assign([("allergy", text("青霉素"))]),
    };
    two.health.edit(&facts, &by(1)).unwrap();
    let visit = Edit::RecordVisit(visit_of(2, 2));
    two.health.edit(&visit, &by(1)).unwrap();
    two.other = Document::new(DocumentId::new(second(), DocKind::Core));
    let shown = view(household(), &two.core, Some(&two.health)).unwrap();
    let leaving = Leaving {
        persons: vec![person(2)],
        on: "2026-11-20".into(),
        ..Leaving::default()
    };
    let found = split(&shown, &leaving, second()).unwrap();
    let register = Edit::RegisterHousehold(found.registered);
    two.other.edit(&register, &by(2)).unwrap();
    for edit in found.theirs {
        let document = match edit.document() {
            DocKind::Core => &mut two.other,
            DocKind::Health => &mut two.other_health,
        };
        document.edit(&edit, &by(2)).unwrap();
    }
    for edit in found.ours {
        two.core.edit(&edit, &by(2)).unwrap();
    }
    two
}

#[test]
fn who_had_left_for_the_other_record_comes_back_as_they_were() {
    let mut two = left();
    let correct = Edit::CorrectPerson {
        person: person(2),
        set: assign([("school", text("enrolled"))]),
    };
    two.other.edit(&correct, &by(3)).unwrap();
    let before = view(household(), &two.core, Some(&two.health)).unwrap();
    let taken = take_over(&two.core, &two.other, &Pairs::new(), None, decision()).unwrap();
    assert_eq!(taken.copied(), BTreeSet::new(), "nobody is there twice");
    assert_eq!(taken.beside, Assignments::new());
    let health = take_over(
        &two.health,
        &two.other_health,
        &Pairs::new(),
        None,
        decision(),
    );
    assert_eq!(health.unwrap(), TakeOver::default(), "it is all there");
    let told = NewDecision {
        takes_over: true,
        set: taken.set,
        ..told(DocKind::Core, &format!("possible-duplicate {}", second()))
    };
    two.core.edit(&Edit::Decide(told), &by(20)).unwrap();

    let mut after = view(household(), &two.core, Some(&two.health)).unwrap();
    let back = after.persons.get_mut(&person(2)).unwrap();
    assert_eq!(back.removed, None);
    let school = back.school.take().unwrap();
    assert_eq!(school.agreed().map(String::as_str), Some("enrolled"));
    let gone = before.persons[&person(2)].clone();
    assert!(gone.removed.is_some());
    assert_eq!(
        *back,
        crate::record::PersonView {
            removed: None,
            ..gone
        }
    );

    // Taken back, they have left again.
    let people = brought_people(&two.core, decision());
    let back = give_back(&two.core, &two.other, (decision(), &[]), &people);
    let back = back.unwrap().unwrap();
    assert_eq!(back.other, Assignments::new());
    two.core
        .edit(&undo(DocKind::Core, back.set), &by(30))
        .unwrap();
    let parted = view(household(), &two.core, Some(&two.health)).unwrap();
    assert_eq!(parted.persons, before.persons);
}

#[test]
fn a_record_that_somebody_left_for_takes_over_what_they_left_without_them() {
    let two = left();
    let taken = take_over(&two.other, &two.core, &Pairs::new(), None, decision()).unwrap();
    let first = format!("persons/{}", person(1));
    assert_eq!(taken.copied(), BTreeSet::from([first]));
    let theirs = format!("persons/{}/", person(2));
    let filled = |path: &&str| path.starts_with(&theirs);
    let filled: Vec<&str> = taken.filled().into_iter().filter(filled).collect();
    assert_eq!(filled, Vec::<&str>::new(), "they have not left this one");
    assert_eq!(taken.beside, Assignments::new());
}
