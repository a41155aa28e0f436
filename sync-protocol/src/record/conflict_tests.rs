use super::*;
use crate::DocKind;
use crate::record::scene::*;
use crate::record::{Edit, EditError, MergeRule, NewMove, Shown, history, view};

/// Two copies of a registered household.
fn two() -> (Document, Document) {
    let one = registered();
    let mut other = document(DocKind::Core);
    pull(&mut other, &one);
    (one, other)
}

#[test]
fn different_values_of_a_review_field_both_show_until_someone_decides() {
    let (mut a, mut b) = two();
    a.edit(&correct(1, "birth", "1990-01-01"), &by(2)).unwrap();
    b.edit(&correct(1, "birth", "1991"), &by(3)).unwrap();
    merge(&mut a, &mut b);

    let found = contradictions(&a);
    assert_eq!(found, contradictions(&b));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].path, format!("persons/{}/birth", person(1)));
    let mut told: Vec<_> = found[0]
        .values
        .iter()
        .map(|v| (v.value.clone(), v.staff, v.at))
        .collect();
    told.sort();
    assert_eq!(
        told,
        [
            (text("1990-01-01"), Some(by(2).staff), by(2).at),
            (text("1991"), Some(by(3).staff), by(3).at)
        ]
    );
    let shown = seen(&a).persons.remove(&person(1)).unwrap().birth.unwrap();
    assert_eq!(shown.values().count(), 2);
    let winner = automerge_winner(&a, "birth");
    assert_eq!(found[0].values[0].value, winner);
    assert_eq!(
        shown.values().next().map(|text| Value::from(text.as_str())),
        winner
    );

    // Deciding overwrites both, even for the value that Automerge shows already.
    let winner = winner.unwrap().to_string();
    let decision = a.edit(&correct(1, "birth", &winner), &by(4)).unwrap();
    merge(&mut a, &mut b);
    assert!(contradictions(&b).is_empty());
    let told = history(&b, Some(&found[0].path));
    let last = told.last().unwrap();
    assert_eq!(
        (told.len(), last.change, last.staff),
        (3, decision.hash, Some(by(4).staff))
    );
    assert_eq!(last.value, Some(Value::from(winner.as_str())));
    b.touches(&crate::record::inspect(&decision.bytes).unwrap())
        .unwrap();
    assert_eq!(
        seen(&b).persons[&person(1)].birth,
        Some(Shown::Agreed(winner))
    );
}

fn automerge_winner(document: &Document, key: &str) -> Option<Value> {
    let map = document
        .map_of("persons", Some(&person(1).to_string()))
        .unwrap();
    match document.inner().get(map, key).unwrap().unwrap().0 {
        automerge::Value::Scalar(scalar) => Value::from_scalar(&scalar),
        automerge::Value::Object(_) => panic!("a map"),
    }
}

#[test]
fn equal_values_written_apart_are_no_contradiction() {
    let (mut a, mut b) = two();
    a.edit(&correct(1, "birth", "1990"), &by(2)).unwrap();
    b.edit(&correct(1, "birth", "1990"), &by(3)).unwrap();
    merge(&mut a, &mut b);
    assert!(contradictions(&a).is_empty());
    assert_eq!(
        seen(&a).persons[&person(1)].birth,
        Some(Shown::Agreed("1990".into()))
    );
    assert_eq!(
        a.edit(&correct(1, "birth", "1990"), &by(4)),
        Err(EditError::NothingChanged)
    );
}

#[test]
fn clearing_against_a_value_is_a_contradiction() {
    let (mut a, mut b) = two();
    a.edit(&correct(1, "birth", "1990"), &by(2)).unwrap();
    merge(&mut a, &mut b);
    a.edit(
        &Edit::CorrectPerson {
            person: person(1),
            set: assign([("birth", None)]),
        },
        &by(2),
    )
    .unwrap();
    b.edit(&correct(1, "birth", "1991"), &by(3)).unwrap();
    merge(&mut a, &mut b);
    let shown = serde_json::to_value(&seen(&a).persons[&person(1)].birth).unwrap();
    let values = shown["contradicted"].as_array().unwrap();
    assert!(values.contains(&serde_json::Value::Null) && values.contains(&"1991".into()));
}

#[test]
fn latest_union_and_counter_never_contradict() {
    let (mut a, mut b) = two();
    a.edit(&set(&[("contact/phone", "10000000002")]), &by(2))
        .unwrap();
    b.edit(&set(&[("contact/phone", "10000000003")]), &by(3))
        .unwrap();
    for (copy, author, tag) in [(&mut a, 2, "zh"), (&mut b, 3, "ug")] {
        let set = assign([(format!("languages/{tag}").as_str(), Some(Value::Flag(true)))]);
        copy.edit(
            &Edit::CorrectPerson {
                person: person(1),
                set,
            },
            &by(author),
        )
        .unwrap();
        copy.edit(&Edit::NobodyHome {}, &by(author)).unwrap();
    }
    merge(&mut a, &mut b);
    let one = seen(&a);
    assert_eq!(one, seen(&b));
    assert!(one.contradictions.is_empty());
    assert!(one.contact.phone.unwrap().agreed().is_some());
    assert_eq!(one.contact.unanswered, 2);
    let languages: Vec<_> = one.persons[&person(1)].languages.iter().cloned().collect();
    assert_eq!(languages, ["ug", "zh"]);

    // One takes a language away while another confirms it: who added it keeps it.
    let flag = |yes| Edit::CorrectPerson {
        person: person(1),
        set: assign([("languages/zh", Some(Value::Flag(yes)))]),
    };
    a.edit(&flag(false), &by(2)).unwrap();
    a.edit(&flag(true), &by(2)).unwrap();
    b.edit(&flag(false), &by(3)).unwrap();
    merge(&mut a, &mut b);
    assert!(seen(&b).persons[&person(1)].languages.contains("zh"));
    assert_eq!(history(&b, Some("contact/unanswered")).len(), 2);
}

#[test]
fn two_moves_leave_the_residence_contested() {
    let (mut a, mut b) = two();
    let to = |area: &str, number: u8| {
        Edit::Move(NewMove {
            to: area.into(),
            on: "2026-11-20".into(),
            ..NewMove::default()
        })
        .with_ids(by(number).at, &mut || [number; 10])
    };
    a.edit(&to("370781", 2), &by(2)).unwrap();
    b.edit(&to("370702", 3), &by(3)).unwrap();
    merge(&mut a, &mut b);
    let areas = residence_values(&a);
    assert_eq!(areas, residence_values(&b));
    assert_eq!(areas.len(), 2);
    assert_eq!(seen(&a).moves.len(), 2);
    assert_eq!(
        Some(areas[0].as_str().into()),
        contradictions(&a)[0].values[0].value
    );

    a.edit(&set(&[("residence/area", "370702")]), &by(4))
        .unwrap();
    assert_eq!(residence_values(&a), [area("370702")]);
}

#[test]
fn an_edit_of_someone_removed_meanwhile_is_told_until_it_is_settled() {
    let (mut a, mut b) = two();
    let removal = a.edit(&remove(1, "搬走"), &by(2)).unwrap();
    let edit = b.edit(&correct(1, "phone", "10000000005"), &by(3)).unwrap();
    b.edit(&correct(2, "phone", "10000000006"), &by(3)).unwrap();
    merge(&mut a, &mut b);
    let expected = EditOfRemoved {
        person: person(1),
        removal: removal.hash,
        edit: edit.hash,
        paths: vec![format!("persons/{}/phone", person(1))],
    };
    assert_eq!(edits_of_removed(&a), std::slice::from_ref(&expected));
    assert_eq!(
        view(household(), &b, None).unwrap().edits_of_removed,
        [expected]
    );

    let mut confirmed = a.clone();
    confirmed
        .edit(&remove(1, "核实过,确已搬走"), &by(4))
        .unwrap();
    assert!(edits_of_removed(&confirmed).is_empty());
    let mut restored = a.clone();
    restored
        .edit(
            &Edit::RestorePerson {
                person: person(1),
                note: "还在".into(),
            },
            &by(4),
        )
        .unwrap();
    assert!(edits_of_removed(&restored).is_empty());
    assert_eq!(seen(&restored).persons[&person(1)].removed, None);
    assert_eq!(contradictions(&restored), []);
}

#[test]
fn a_removal_made_again_after_being_taken_back_is_held_against_the_edit() {
    let (mut a, mut b) = two();
    a.edit(&remove(1, "搬走"), &by(2)).unwrap();
    let restore = Edit::RestorePerson {
        person: person(1),
        note: "还在".into(),
    };
    a.edit(&restore, &by(2)).unwrap();
    let edit = b.edit(&correct(1, "phone", "10000000005"), &by(3)).unwrap();
    let mut restored = a.clone();
    pull(&mut restored, &b);
    assert!(edits_of_removed(&restored).is_empty());
    let again = a.edit(&remove(1, "确已搬走"), &by(2)).unwrap();
    merge(&mut a, &mut b);
    let found = edits_of_removed(&b);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].removal, found[0].edit), (again.hash, edit.hash));
}

#[test]
fn a_removal_that_knows_the_edit_is_no_conflict() {
    let (mut a, _) = two();
    a.edit(&correct(1, "phone", "10000000005"), &by(3)).unwrap();
    a.edit(&remove(1, "搬走"), &by(2)).unwrap();
    assert!(edits_of_removed(&a).is_empty());
    assert_eq!(
        seen(&a).persons[&person(1)]
            .removed
            .as_ref()
            .unwrap()
            .reason,
        Some(Shown::Agreed("moved-away".into()))
    );
}

#[test]
fn review_is_the_rule_of_every_safety_field() {
    for path in ["allergy", "due_date", "blood_group"] {
        let path = format!("facts/{}/{path}", person(1));
        assert_eq!(
            field_at(DocKind::Health, &path).unwrap().rule,
            MergeRule::Review
        );
    }
}

#[test]
fn health_facts_written_apart_for_a_person_are_all_kept() {
    let mut a = document(DocKind::Health);
    let mut b = document(DocKind::Health);
    let fact = |key: &str, value: &str| Edit::SetHealth {
        person: person(1),
        set: assign([(key, text(value))]),
    };
    a.edit(&fact("allergy", "青霉素"), &by(2)).unwrap();
    b.edit(&fact("blood_group", "O+"), &by(3)).unwrap();
    b.edit(&fact("allergy", "花生"), &by(3)).unwrap();
    merge(&mut a, &mut b);
    let whole = view(household(), &registered(), Some(&a)).unwrap();
    let facts = &whole.facts[&person(1)];
    assert_eq!(facts.blood_group, Some(Shown::Agreed("O+".into())));
    assert_eq!(facts.allergy.as_ref().unwrap().values().count(), 2);
    assert_eq!(whole.contradictions.len(), 1);
}
