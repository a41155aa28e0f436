use super::*;
use crate::record::scene::*;
use crate::record::{Edit, NewConsent, NewHousehold, NewVisit};

#[test]
fn the_json_of_a_household_is_frozen() {
    let mut core = document(DocKind::Core);
    let new = NewHousehold {
        address: Some("一号".into()),
        phone: Some("10000000001".into()),
        consent: NewConsent {
            care: Some("given".into()),
            sharing: None,
        },
        persons: vec![new_person(1)],
        ..NewHousehold::default()
    };
    core.edit(&Edit::RegisterHousehold(new), &by(1)).unwrap();
    let mut other = document(DocKind::Core);
    pull(&mut other, &core);
    core.edit(&correct(1, "birth", "1990"), &by(2)).unwrap();
    other.edit(&correct(1, "birth", "1991-02"), &by(3)).unwrap();
    pull(&mut core, &other);
    let mut health = document(DocKind::Health);
    let new = NewVisit {
        id: Some(visit(1)),
        person: Some(person(1)),
        on: "2026-11-20".into(),
        kind: "follow-up".into(),
        systolic: Some(121),
        ..NewVisit::default()
    };
    health.edit(&Edit::RecordVisit(new), &by(1)).unwrap();
    let allergy = Edit::SetHealth {
        person: person(1),
        set: assign([("allergy", text("青霉素"))]),
    };
    health.edit(&allergy, &by(1)).unwrap();

    let seen = view(household(), &core, Some(&health)).unwrap();
    let json = serde_json::to_string_pretty(&seen).unwrap();
    assert_eq!(
        json,
        include_str!("fixtures/household_view.json").trim_end()
    );
    assert_eq!(serde_json::from_str::<HouseholdView>(&json).unwrap(), seen);
}

#[test]
fn numbers_are_masked_wherever_they_show() {
    let mut a = registered();
    let mut b = document(DocKind::Core);
    pull(&mut b, &a);
    for (copy, author, digits) in [
        (&mut a, 2, "99000019900101001"),
        (&mut b, 3, "99000019910101002"),
    ] {
        let number = format!("{digits}{}", id_number::check_digit(digits).unwrap());
        copy.edit(&correct(1, "id_number", &number), &by(author))
            .unwrap();
    }
    merge(&mut a, &mut b);
    let mut seen = seen(&a);
    assert!(
        serde_json::to_string(&seen)
            .unwrap()
            .contains("99000019900101001")
    );
    seen.mask_id_numbers();
    let json = serde_json::to_string(&seen).unwrap();
    assert!(
        !json.contains("99000019") && json.contains("99************"),
        "{json}"
    );
}

#[test]
fn documents_of_another_household_are_refused() {
    let core = registered();
    let other = HouseholdId::from_bytes([9; 16]);
    assert_eq!(view(other, &core, None), Err(RecordError::OtherGenesis));
    assert_eq!(
        view(household(), &core, Some(&core)),
        Err(RecordError::OtherGenesis)
    );
}
