use super::*;
use crate::record::scene::*;
use crate::record::{id_number, view};

fn numbered(digits: &str) -> String {
    format!("{digits}{}", id_number::check_digit(digits).unwrap())
}

#[test]
fn every_edit_is_exactly_one_change_with_its_author() {
    let mut core = document(DocKind::Core);
    let mut health = document(DocKind::Health);
    let [move_id, again] = [41, 42].map(|n| MoveId::new(by(1).at, [n; 10]));
    let edits = [
        Edit::RegisterHousehold(NewHousehold {
            persons: vec![new_person(1)],
            ..NewHousehold::default()
        }),
        Edit::AddPerson(new_person(2)),
        correct(2, "birth", "2019-03"),
        remove(2, "去外地"),
        Edit::RestorePerson {
            person: person(2),
            note: "回来了".into(),
        },
        set(&[("contact/phone", "10000000009"), ("consent/care", "given")]),
        Edit::NoteNeed(NewNeed {
            kind: "school".into(),
            text: "小学学位".into(),
            person: Some(person(2)),
            ..NewNeed::default()
        }),
        Edit::NobodyHome {},
        Edit::Move(NewMove {
            to: "370781".into(),
            on: "2026-11-20".into(),
            ..NewMove::default()
        }),
        Edit::ProposeMove(NewHandOver {
            id: Some(move_id),
            to: "370782".into(),
            on: "2026-12-01".into(),
            ..NewHandOver::default()
        }),
        Edit::WithdrawMove {
            r#move: move_id,
            reason: "不走了".into(),
        },
        Edit::ProposeMove(NewHandOver {
            id: Some(again),
            to: "370782".into(),
            on: "2026-12-01".into(),
            ..NewHandOver::default()
        }),
        Edit::AnswerMove(MoveAnswer {
            r#move: again,
            accept: true,
            reason: Some("已联系".into()),
            decision: None,
        }),
        Edit::RecordVisit(NewVisit {
            id: Some(visit(1)),
            on: "2026-11-21".into(),
            kind: "other".into(),
            ..NewVisit::default()
        }),
        Edit::CorrectVisit {
            visit: visit(1),
            set: assign([("weight_g", Some(Value::Int(9000)))]),
        },
        Edit::SetHealth {
            person: person(1),
            set: assign([("allergy", text("青霉素"))]),
        },
    ];
    let mut seen_kinds = Vec::new();
    for (at, edit) in edits.into_iter().enumerate() {
        let author = by(at as u8 + 1);
        let edit = edit.with_ids(author.at, &mut || [at as u8; 10]);
        let document = if edit.document() == DocKind::Core {
            &mut core
        } else {
            &mut health
        };
        let before = document.changes().len();
        let change = document.edit(&edit, &author).unwrap();
        let changes = document.changes();
        assert_eq!(changes.len(), before + 1);
        assert_eq!(changes.last(), Some(&change));
        assert_eq!(document.heads(), [change.hash]);

        let facts = crate::record::inspect(&change.bytes).unwrap();
        assert_eq!(
            (facts.hash, facts.actor, facts.seq),
            (change.hash, author.actor, 1)
        );
        assert_eq!(
            (facts.time, facts.attribution.staff),
            (author.at, author.staff)
        );
        assert_eq!(facts.attribution.kind, edit.kind());
        document.touches(&facts).unwrap();
        seen_kinds.push(edit.kind());

        // The kind is the name its JSON gives it, and JSON brings the edit back.
        let json = serde_json::to_value(&edit).unwrap();
        assert_eq!(json["edit"], edit.kind());
        assert_eq!(serde_json::from_value::<Edit>(json).unwrap(), edit);
    }
    seen_kinds.sort_unstable();
    seen_kinds.dedup();
    assert_eq!(seen_kinds.len(), 15);
}

#[test]
fn what_was_registered_is_seen() {
    let (core, health) = family();
    let view = view(household(), &core, Some(&health)).unwrap();
    assert_eq!(
        view.residence.area.unwrap().agreed().unwrap(),
        by(1).area.as_str()
    );
    assert_eq!(view.persons.len(), 4);
    assert_eq!(
        view.persons[&person(2)]
            .birth
            .as_ref()
            .unwrap()
            .agreed()
            .unwrap(),
        "1920-02-12"
    );
    assert!(view.persons[&person(2)].languages.contains("zh"));
    assert_eq!(view.visits.len(), 10);
    assert_eq!(
        view.visits[&visit(3)].weight_g.as_ref().unwrap().agreed(),
        Some(&9_390)
    );
    assert!(view.contradictions.is_empty());
}

#[test]
fn a_move_writes_residence_and_story_in_one_change() {
    let mut core = registered();
    let edit = Edit::Move(NewMove {
        to: "370781002".into(),
        on: "2026-11".into(),
        reason: Some("work".into()),
        ..NewMove::default()
    })
    .with_ids(by(2).at, &mut || [7; 10]);
    core.edit(&edit, &by(2)).unwrap();
    let view = seen(&core);
    assert_eq!(
        view.residence.area,
        Some(crate::record::Shown::Agreed("370781002".into()))
    );
    assert_eq!(
        view.residence.address, None,
        "the old address is no longer theirs"
    );
    let (_, entry) = view.moves.first_key_value().unwrap();
    assert_eq!(
        entry.from.as_ref().unwrap().agreed().unwrap(),
        by(1).area.as_str()
    );
    assert_eq!(entry.on.as_ref().unwrap().agreed().unwrap(), "2026-11");
}

#[test]
fn a_wrong_edit_says_what_to_do_and_writes_nothing() {
    let mut core = registered();
    let before = core.save();
    let unknown = person(9);
    let cases: Vec<(Edit, &str)> = vec![
        (
            set(&[("contact/fax", "1")]),
            "there is no field `contact/fax`",
        ),
        (
            set(&[("contact/phone", "one")]),
            "contact/phone: a telephone number is 3 to 32 digits, spaces, + and -",
        ),
        (
            set(&[("contact/unanswered", "3")]),
            "contact/unanswered: this number is only added to, never assigned",
        ),
        (
            set(&[("residence/area", "370781")]),
            "`residence/area` is changed with move",
        ),
        (
            set(&[(&format!("persons/{}/name", person(1)), "x")]),
            "is changed with correct-person",
        ),
        (
            set(&[(&format!("needs/{unknown}/state"), "met")]),
            "there is no needs/",
        ),
        (
            Edit::RegisterHousehold(NewHousehold::default()),
            "the household is registered already",
        ),
        (
            Edit::AddPerson(new_person(1)),
            "is in this household already",
        ),
        (
            Edit::AddPerson(NewPerson {
                id: None,
                ..new_person(3)
            }),
            "the new person has no id yet",
        ),
        (
            Edit::AddPerson(NewPerson {
                id: Some(PersonId::from_bytes([3; 16])),
                ..new_person(3)
            }),
            "is not named by a UUIDv7",
        ),
        (
            Edit::AddPerson(NewPerson {
                name: " ".into(),
                ..new_person(3)
            }),
            "name: the text is empty",
        ),
        (
            Edit::AddPerson(NewPerson {
                languages: ["Chinese".to_owned()].into(),
                ..new_person(3)
            }),
            "there is no field `languages/Chinese`",
        ),
        (
            Edit::AddPerson(NewPerson {
                id_number: Some("990000199001011230".into()),
                ..new_person(3)
            }),
            "id_number: the identity number is not valid: its last character",
        ),
        (correct(9, "name", "某"), "there is no persons/"),
        (
            correct(1, "sex", "f"),
            "choose one of: female, male, unspecified",
        ),
        (
            correct(1, "removed/reason", "died"),
            "is changed with remove-person",
        ),
        (
            Edit::CorrectPerson {
                person: person(1),
                set: assign([("name", None)]),
            },
            "name cannot be empty",
        ),
        (
            Edit::RestorePerson {
                person: person(1),
                note: "x".into(),
            },
            "is not removed",
        ),
        (
            Edit::SetHealth {
                person: person(1),
                set: assign([("allergy", text("x"))]),
            },
            "belongs to the household's health document",
        ),
        (correct(1, "name", "测试1"), "the record says so already"),
        (
            Edit::CorrectPerson {
                person: person(1),
                set: assign([("birth", None)]),
            },
            "the record says so already",
        ),
    ];
    for (edit, expected) in cases {
        let error = core.edit(&edit, &by(2)).unwrap_err().to_string();
        assert!(error.contains(expected), "{error} / {expected}");
    }
    assert_eq!(core.save(), before);

    let mut empty = document(DocKind::Core);
    assert_eq!(
        empty.edit(&Edit::AddPerson(new_person(1)), &by(1)),
        Err(EditError::NotRegistered)
    );
    core.edit(&remove(2, "走了"), &by(2)).unwrap();
    assert_eq!(
        core.edit(&correct(2, "name", "某"), &by(2)),
        Err(EditError::PersonRemoved(person(2)))
    );
}

#[test]
fn a_number_in_a_file_is_blamed_on_its_person() {
    let bad = NewPerson {
        birth: Some("soon".into()),
        ..new_person(2)
    };
    let new = NewHousehold {
        persons: vec![new_person(1), bad],
        ..NewHousehold::default()
    };
    let error = document(DocKind::Core)
        .edit(&Edit::RegisterHousehold(new), &by(1))
        .unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("persons[1].birth: write a date as"),
        "{error}"
    );
}

#[test]
fn an_identity_number_is_checked_against_its_kind() {
    let mut core = registered();
    let number = numbered("99000019900101001");
    core.edit(&correct(1, "id_number", &number.to_lowercase()), &by(1))
        .unwrap();
    let one = seen(&core).persons.remove(&person(1)).unwrap();
    assert_eq!(one.id_number.unwrap().agreed(), Some(&number));
    assert_eq!(one.id_kind.unwrap().agreed().unwrap(), "resident");

    let passport = |kind: Option<Value>, number: Option<Value>| Edit::CorrectPerson {
        person: person(2),
        set: assign([("id_kind", kind), ("id_number", number)]),
    };
    core.edit(&passport(text("passport"), text("E1234567")), &by(1))
        .unwrap();
    let error = core
        .edit(&correct(2, "id_kind", "resident"), &by(1))
        .unwrap_err();
    assert!(error.to_string().contains("17 digits"), "{error}");
    core.edit(&passport(None, None), &by(1)).unwrap();
    assert_eq!(seen(&core).persons[&person(2)].id_number, None);
}

#[test]
fn assignments_are_gathered_by_what_they_are_about() {
    let (one, two, seen) = (person(1), person(2), visit(1));
    let edits = Edit::from_assignments(&[
        "phone=10000000002".to_owned(),
        format!("persons/{one}/name=测试"),
        format!("persons/{two}/birth="),
        format!("persons/{one}/languages/ug=yes"),
        "consent/care=given".to_owned(),
        format!("facts/{one}/due_date=2027-03"),
        format!("visits/{seen}/weight_g=9100"),
    ])
    .unwrap();
    assert_eq!(
        edits,
        [
            set(&[("contact/phone", "10000000002"), ("consent/care", "given")]),
            Edit::CorrectPerson {
                person: one,
                set: assign([
                    ("name", text("测试")),
                    ("languages/ug", Some(Value::Flag(true)))
                ]),
            },
            Edit::CorrectPerson {
                person: two,
                set: assign([("birth", None)])
            },
            Edit::SetHealth {
                person: one,
                set: assign([("due_date", text("2027-03"))])
            },
            Edit::CorrectVisit {
                visit: seen,
                set: assign([("weight_g", Some(Value::Int(9100)))])
            },
        ]
    );
    for (text, expected) in [
        ("phone", "`phone` is not FIELD=VALUE"),
        ("fax=1", "there is no field `fax`"),
        ("persons/1/name=x", "there is no field `persons/1/name`"),
        ("care=maybe", "choose one of: given, refused, withdrawn"),
    ] {
        let error = Edit::from_assignments(&[text]).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    let removed = format!("persons/{one}/removed/reason=died");
    assert!(matches!(
        Edit::from_assignments(&[removed]),
        Err(EditError::OtherEdit { .. })
    ));
}

#[test]
fn a_file_with_an_unknown_key_is_refused_by_name() {
    let error = serde_json::from_str::<NewHousehold>(r#"{"adress": "x"}"#)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("unknown field `adress`") && error.contains("`address`"),
        "{error}"
    );
    let error = serde_json::from_str::<NewHousehold>(r#"{"persons": [{"nam": "x"}]}"#).unwrap_err();
    assert!(error.to_string().contains("unknown field `nam`"));
    let error = serde_json::from_str::<NewVisit>(r#"{"kind": "child"}"#)
        .unwrap_err()
        .to_string();
    assert!(error.contains("missing field `on`"), "{error}");
    assert!(serde_json::from_str::<NewHousehold>("{}").is_ok());
}

#[test]
fn a_held_edit_can_be_made_again_on_another_copy() {
    let mut first = registered();
    let mut second = document(DocKind::Core);
    pull(&mut second, &first);
    let edit = Edit::AddPerson(new_person(3));
    first.edit(&edit, &by(2)).unwrap();
    let stored = serde_json::to_string(&edit).unwrap();
    second
        .edit(&serde_json::from_str(&stored).unwrap(), &by(3))
        .unwrap();
    assert_eq!(seen(&first).persons, seen(&second).persons);
    assert_eq!(
        first.edit(&edit, &by(2)),
        Err(EditError::EntryExists {
            entry: format!("persons/{}", person(3))
        })
    );
}
