use super::*;
use crate::record::scene::*;
use crate::record::{Document, HouseholdView, NewNeed, view};
use crate::{DocKind, DocumentId, Timestamp};

fn other() -> HouseholdId {
    HouseholdId::new(Timestamp::from_millis(1_795_000_000_001), [9; 10])
}

fn leaving(persons: &[u8]) -> Leaving {
    Leaving {
        persons: persons.iter().copied().map(person).collect(),
        on: "2026-11-20".into(),
        ..Leaving::default()
    }
}

/// A household of two, of which the second has an allergy, a visit that is followed up, and asks for a school place.
fn lived_in() -> (Document, Document) {
    let (mut core, mut health) = (registered(), document(DocKind::Health));
    let need = NewNeed {
        id: Some(crate::NeedId::new(Timestamp::from_millis(1), [1; 10])),
        kind: "school".into(),
        text: "转学".into(),
        person: Some(person(2)),
        ..NewNeed::default()
    };
    core.edit(&Edit::NoteNeed(need), &by(1)).unwrap();
    let facts = Edit::SetHealth {
        person: person(2),
        set: assign([("allergy", text("青霉素"))]),
    };
    health.edit(&facts, &by(1)).unwrap();
    for (number, whose) in [(1, 1), (2, 2)] {
        let made = Edit::RecordVisit(NewVisit {
            id: Some(visit(number)),
            person: Some(person(whose)),
            on: "2026-10-01".into(),
            kind: "child".into(),
            weight_g: Some(9000),
            next_on: Some("2026-12-01".into()),
            ..NewVisit::default()
        });
        health.edit(&made, &by(1)).unwrap();
    }
    (core, health)
}

fn shown(core: &Document, health: &Document) -> HouseholdView {
    view(core.id().household, core, Some(health)).unwrap()
}

#[test]
fn who_leaves_takes_along_what_is_theirs_and_is_nowhere_twice() {
    let (mut core, health) = lived_in();
    let found = split(&shown(&core, &health), &leaving(&[2]), other()).unwrap();

    let mut new =
        [DocKind::Core, DocKind::Health].map(|kind| Document::new(DocumentId::new(other(), kind)));
    let [new_core, new_health] = &mut new;
    let register = Edit::RegisterHousehold(found.registered);
    new_core.edit(&register, &by(2)).unwrap();
    let mut made = 0;
    let mut ids = || {
        made += 1;
        [made; 10]
    };
    for edit in found.theirs {
        let edit = edit.with_ids(by(2).at, &mut ids);
        let document = match edit.document() {
            DocKind::Core => &mut *new_core,
            DocKind::Health => &mut *new_health,
        };
        document.edit(&edit, &by(2)).unwrap();
    }
    for edit in found.ours {
        core.edit(&edit, &by(2)).unwrap();
    }

    let (theirs, ours) = (shown(new_core, new_health), shown(&core, &health));
    let of = |shown: &Option<Shown<String>>| shown.as_ref().and_then(Shown::agreed).cloned();
    assert_eq!(theirs.persons.keys().collect::<Vec<_>>(), [&person(2)]);
    let came = &theirs.persons[&person(2)];
    assert_eq!(of(&came.name), of(&ours.persons[&person(2)].name));
    assert_eq!(of(&came.relation).as_deref(), Some("head"));
    assert_eq!(of(&came.came_from), Some(household().to_string()));
    assert_eq!(of(&theirs.residence.address), of(&ours.residence.address));
    assert_eq!(of(&theirs.residence.since).as_deref(), Some("2026-11-20"));
    assert_eq!(theirs.contact.phone, None, "the family's telephone stays");
    assert_eq!(
        of(&theirs.facts[&person(2)].allergy).as_deref(),
        Some("青霉素")
    );
    assert_eq!(theirs.visits.keys().collect::<Vec<_>>(), [&visit(2)]);
    let visited = &theirs.visits[&visit(2)];
    assert_eq!(visited.next_on, ours.visits[&visit(2)].next_on);
    assert_eq!(visited.weight_g, ours.visits[&visit(2)].weight_g);
    assert_eq!(of(&visited.came_from), Some(household().to_string()));
    let need = theirs.needs.values().next().unwrap();
    assert_eq!(of(&need.state).as_deref(), Some("open"));
    assert_eq!(of(&need.text).as_deref(), Some("转学"));

    let gone = ours.persons[&person(2)].removed.as_ref().unwrap();
    assert_eq!(of(&gone.reason).as_deref(), Some("moved-away"));
    assert_eq!(of(&gone.to), Some(other().to_string()));
    assert!(ours.persons[&person(1)].removed.is_none());
    let need = ours.needs.values().next().unwrap();
    assert_eq!(of(&need.state).as_deref(), Some("withdrawn"));
    assert_eq!(ours.visits.len(), 2, "what happened here stays here");

    // Back again, they are of the household as before.
    let back = Edit::RestorePerson {
        person: person(2),
        note: "回来了".into(),
    };
    core.edit(&back, &by(3)).unwrap();
    let removed = &shown(&core, &health).persons[&person(2)].removed;
    assert!(removed.is_none());
}

#[test]
fn what_stands_against_it_is_said() {
    let (mut core, health) = lived_in();
    let tried = |core: &Document, persons: &[u8]| {
        split(&shown(core, &health), &leaving(persons), other()).unwrap_err()
    };
    assert_eq!(tried(&core, &[]), CannotSplit::Nobody);
    assert_eq!(tried(&core, &[1, 2]), CannotSplit::Everybody);
    assert_eq!(tried(&core, &[7]), CannotSplit::NotHere(person(7)));

    let mut theirs = core.clone();
    core.edit(&correct(2, "birth", "2019"), &by(1)).unwrap();
    theirs.edit(&correct(2, "birth", "2020"), &by(2)).unwrap();
    merge(&mut core, &mut theirs);
    let field = format!("persons/{}/birth", person(2));
    assert_eq!(tried(&core, &[2]), CannotSplit::Contradicted { field });
    assert!(split(&shown(&core, &health), &leaving(&[1]), other()).is_ok());

    core.edit(&remove(2, "搬走"), &by(1)).unwrap();
    assert_eq!(tried(&core, &[2]), CannotSplit::NotHere(person(2)));
    assert_eq!(tried(&core, &[1]), CannotSplit::Everybody);
}
