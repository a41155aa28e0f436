use proptest::prelude::*;

use super::*;

fn person(name: &str, birth: &str) -> Person {
    Person {
        names: vec![name.to_owned()],
        sex: Some("female".to_owned()),
        birth: birth.parse().ok(),
        phones: vec!["10012345678".to_owned()],
        origin: Some("河头村".to_owned()),
        address: Some("河头村村东12号".to_owned()),
        housemates: Some(vec![Housemate {
            name: "李强".to_owned(),
            born: Some(1986),
        }]),
        ..Person::default()
    }
}

fn without_contact(person: Person) -> Person {
    Person {
        phones: Vec::new(),
        address: None,
        ..person
    }
}

fn candidates(one: &Person, other: &Person) -> Vec<u32> {
    let mut index = Index::default();
    index.insert(7, &keys(PERSON, &one.record()));
    index.candidates(&keys(PERSON, &other.record()))
}

#[test]
fn each_slip_leaves_a_key_in_common() {
    let written = without_contact(person("王海燕", "1988-03-07"));
    for (name, birth) in [
        ("王海燕", "1988-07-03"),
        ("王海燕", "1988-03-17"),
        ("王海燕", "1978-03-07"),
        ("王海燕", "1988"),
        ("王海燕", ""),
        ("王海艳", "1988-03-07"),
        ("王海艳", "1989-11-29"),
        ("王海燕", "1960-11-29"),
        ("王海霞", "1988-03-07"),
        ("王海霞", "1988-03-29"),
        ("李海燕", "1988-11-07"),
        ("王燕海", "1961-01-01"),
        ("海燕王", ""),
        ("Haiyan Wang", "1960-11-29"),
        ("黄海燕", "1988-07-03"),
    ] {
        let other = without_contact(Person {
            origin: None,
            ..person(name, birth)
        });
        assert_eq!(candidates(&written, &other), [7], "{name} {birth}");
        assert_eq!(candidates(&other, &written), [7], "{name} {birth}");
    }
    let (chinese, latin) = (person("吕丽", "1988-03-07"), person("Li Lü", ""));
    assert_eq!(
        candidates(&without_contact(chinese), &without_contact(latin)),
        [7]
    );
    let stranger = without_contact(Person {
        origin: None,
        ..person("李强", "1961-01-01")
    });
    assert_eq!(candidates(&written, &stranger), [0u32; 0]);
}

#[test]
fn one_number_in_common_is_enough() {
    let one = person("王海燕", "1988-03-07");
    let other = Person {
        phones: vec!["10000000001".to_owned(), "100 1234 5678".to_owned()],
        address: None,
        ..person("李强", "1961-01-01")
    };
    assert_eq!(candidates(&one, &other), [7]);
    let hash = |person: Person| Person {
        id_hash: Some("a9".to_owned()),
        ..without_contact(person)
    };
    assert_eq!(candidates(&hash(one), &hash(other)), [7]);
}

#[test]
fn a_key_that_many_share_gives_way_to_finer_ones() {
    let mut index = Index::default();
    let shared = |at: u32| Person {
        phones: vec!["10012345678".to_owned()],
        birth: format!("{}-01-01", 1900 + at).parse().ok(),
        ..Person::default()
    };
    let count = u32::try_from(BLOCK_RECORDS_MAX).unwrap() + 20;
    for at in 0..count {
        index.insert(at, &keys(PERSON, &shared(at).record()));
    }
    let found = index.candidates(&keys(PERSON, &shared(5).record()));
    assert_eq!(
        found,
        [5],
        "of {count} with one telephone, those of one year"
    );
}

#[test]
fn housemates_are_not_one_person_however_much_they_share() {
    let matcher = Matcher::new(PERSON, &Model::person(), None).unwrap();
    let score =
        |one: &Person, other: &Person| matcher.score(&one.record(), &other.record(), 20_000);
    let mother = person("王海燕", "1988-03-07");
    let heard = Person {
        names: vec!["王海艳".to_owned()],
        phones: Vec::new(),
        ..person("", "1988-07-03")
    };
    assert_eq!(
        score(&mother, &heard).decision,
        Decision::Same,
        "{:#?}",
        score(&mother, &heard)
    );
    let child = person("李子轩", "2014-05-02");
    let of_child = score(&mother, &child);
    assert_eq!(of_child.decision, Decision::Different);
    assert_eq!(of_child.rival, Rival::Housemates);
    let sister = person("王海霞", "1991-10-19");
    assert_eq!(
        score(&mother, &sister).decision,
        Decision::Different,
        "{:#?}",
        score(&mother, &sister)
    );
}

#[test]
fn a_score_is_what_its_reasons_say() {
    let model = Model::person();
    let (one, other) = (
        person("王海燕", "1988-03-07").record(),
        person("王海艳", "1988-03-08").record(),
    );
    let records = [one.clone(), other.clone(), person("王伟", "1990").record()];
    let frequencies = Frequencies::of(&records);
    let matcher = Matcher::new(PERSON, &model, Some(&frequencies)).unwrap();
    let score = matcher.score(&one, &other, 1_000);
    let fields: Vec<_> = score
        .reasons
        .iter()
        .map(|reason| (reason.field, reason.level))
        .collect();
    assert_eq!(fields[0], ("name", "chinese-homophone"));
    assert_eq!(fields[2], ("birth", "date-digit-slip"));
    assert!(
        fields.iter().all(|(field, _)| *field != "id"),
        "missing on both sides: {fields:?}"
    );
    let strangers: f64 = score
        .reasons
        .iter()
        .map(|reason| reason.against_strangers)
        .sum();
    let housemates: f64 = score
        .reasons
        .iter()
        .map(|reason| reason.against_housemates)
        .sum();
    assert!(
        score.weight <= strangers + 0.1 && score.weight > housemates,
        "{score:#?}"
    );
    assert!(matcher.score(&one, &other, 1_000_000).probability < score.probability);
    let empty = matcher.score(&Person::default().record(), &one, 1_000);
    assert!(
        empty.weight.abs() < 1e-9 && empty.reasons.is_empty(),
        "{empty:#?}"
    );
}

#[test]
fn agreeing_on_a_rare_name_says_more() {
    let mut records = vec![
        person("逄淑芹", "1950-01-01").record(),
        person("逄淑芹", "1950-01-01").record(),
    ];
    records.extend((0..60).map(|_| person("王伟", "1980-01-01").record()));
    let frequencies = Frequencies::of(&records);
    let matcher = Matcher::new(PERSON, &Model::person(), Some(&frequencies)).unwrap();
    let rarity = |at: usize| matcher.score(&records[at], &records[at + 1], 62).reasons[0].rarity;
    assert!(rarity(0) > 3.0, "{}", rarity(0));
    assert!(rarity(2) < 0.0, "{}", rarity(2));
}

#[test]
fn a_saved_model_reads_back_and_another_schemas_is_refused() {
    let model = Model::person();
    let read = Model::from_json(PERSON, &model.to_json()).unwrap();
    assert_eq!(read.to_json(), model.to_json());
    for (from, to) in [
        ("\"birth\"", "\"death\""),
        ("date-coarse", "date-vague"),
        ("\"same\": ", "\"same\": 7"),
        ("\"matches_per_record\": ", "\"matches_per_record\": -"),
        ("\"field\"", "\"fields\""),
    ] {
        let other = model.to_json().replacen(from, to, 1);
        assert!(Model::from_json(PERSON, &other).is_err(), "{to}");
    }
}

#[test]
fn households_are_compared_by_their_members() {
    use household::Overlap;
    let matcher = Matcher::new(PERSON, &Model::person(), None).unwrap();
    let family = [
        ("李强", "1986-02-11"),
        ("王海燕", "1988-03-07"),
        ("李子轩", "2014-05-02"),
        ("李一诺", "2019-08-21"),
    ];
    let compare = |one: &[usize], other: &[usize]| {
        let record = |at: &usize| person(family[*at].0, family[*at].1).record();
        let mut scores = Vec::new();
        for (here, a) in one.iter().enumerate() {
            for (there, b) in other.iter().enumerate() {
                scores.push((here, there, matcher.score(&record(a), &record(b), 20_000)));
            }
        }
        household::compare(one.len(), other.len(), &scores)
    };
    for (one, other, overlap) in [
        (&[0, 1, 2, 3][..], &[3, 2, 1, 0][..], Overlap::Whole),
        (&[0, 1, 2, 3], &[0, 1, 2], Overlap::Whole),
        (&[0, 1, 2], &[2, 3, 1], Overlap::Part),
        (&[0, 1], &[2, 1], Overlap::OnePerson),
        (&[0, 1], &[2, 3], Overlap::Nobody),
    ] {
        let found = compare(one, other);
        assert_eq!(found.overlap, overlap, "{one:?} {other:?}: {found:?}");
        for (here, there, _) in &found.pairs {
            assert_eq!(one[*here], other[*there], "{one:?} {other:?}");
        }
    }
}

fn text() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec![
        "王海燕",
        "王海艳",
        "王燕海",
        "欧阳丽",
        "李静",
        "李金",
        "張偉",
        "张伟",
        "Wang Haiyan",
        "anna brown",
        "ana brown",
        "brown",
        "smith anna",
        "买买提·艾力",
        "",
        "7",
        "单于",
    ]);
    prop_oneof![name.prop_map(str::to_owned), "[a-c王李海燕 0-2·]{0,6}"]
}

fn anybody() -> impl Strategy<Value = Person> {
    let date = prop_oneof![
        Just(None),
        (1980i16..1983, 1i8..13, 1i8..29)
            .prop_map(|(y, m, d)| format!("{y}-{m:02}-{d:02}").parse().ok())
    ];
    let phone = "1000000000[0-9]{0,2}";
    (
        prop::collection::vec(text(), 0..3),
        date,
        prop::collection::vec(phone, 0..3),
        prop::option::of(text()),
        prop::collection::vec(text(), 0..4),
    )
        .prop_map(|(names, birth, phones, address, others)| Person {
            names,
            birth,
            phones,
            origin: address.clone(),
            address,
            housemates: Some(
                others
                    .into_iter()
                    .map(|name| Housemate {
                        name,
                        born: Some(1980),
                    })
                    .collect(),
            ),
            ..Person::default()
        })
}

proptest! {
    #[test]
    fn a_comparison_is_the_same_either_way_round(one in anybody(), other in anybody()) {
        let (one, other) = (one.record(), other.record());
        prop_assert_eq!(one.compare(&other), other.compare(&one));
    }

    #[test]
    fn a_record_agrees_with_itself_and_finds_itself(one in anybody()) {
        let record = one.record();
        for agreement in record.compare(&record).into_iter().flatten() {
            let nearest = matches!(
                agreement.level.code(),
                "chinese-exact" | "latin-exact" | "number-exact" | "words-exact" | "date-exact" | "members-all"
            );
            prop_assert!(nearest, "{:?}", agreement);
        }
        let mut index = Index::default();
        let keys = keys(PERSON, &record);
        index.insert(3, &keys);
        let expected: &[u32] = if keys.is_empty() { &[] } else { &[3] };
        prop_assert_eq!(index.candidates(&keys), expected);
    }

    #[test]
    fn a_score_is_a_probability_whatever_is_compared(one in anybody(), other in anybody(), population in 0u64..u64::MAX) {
        let matcher = Matcher::new(PERSON, &Model::person(), None).unwrap();
        let score = matcher.score(&one.record(), &other.record(), population);
        prop_assert!((0.0..=1.0).contains(&score.probability), "{:?}", score);
        prop_assert!(score.weight.is_finite() && score.odds_bits.is_finite(), "{:?}", score);
    }
}
