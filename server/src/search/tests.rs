use sojourn_sync_protocol::record::{Edit, NewHousehold, NewPerson, Value};
use sojourn_sync_protocol::{AreaCode, PersonId};

use super::{Asked, By, Found, Results, find};
use crate::check::{self, Problem, Row};
use crate::params;
use crate::rehearsal::{NOW, Register, Tablet, area, household, move_to, set};
use crate::staff::Role;

fn someone(n: u8) -> PersonId {
    PersonId::new(NOW, [n, 0, 0, 0, 0, 0, 0, 0, 0, 7])
}

fn family(n: u8, code: &str, name: &str, address: &str) -> Edit {
    let person = NewPerson {
        id: Some(someone(n)),
        name: name.to_owned(),
        birth: Some("1990-05".to_owned()),
        id_kind: Some("other".to_owned()),
        id_number: Some(format!("99000019900101{n:03}X")),
        ..NewPerson::default()
    };
    Edit::RegisterHousehold(NewHousehold {
        area: Some(area(code)),
        address: Some(address.to_owned()),
        phone: Some(format!("100765432{n:02}")),
        persons: vec![person],
        ..NewHousehold::default()
    })
}

/// Three households of village `a` and one of village `e`, in another county.
async fn villages() -> (Register, Tablet, Tablet) {
    let mut register = Register::new().await;
    let mut north = register.tablet(Role::Worker, &["a"]).await;
    let mut south = register.tablet(Role::Worker, &["e"]).await;
    north.edit(1, &family(1, "a", "王小明", "测试路12号"));
    north.edit(2, &family(2, "a", "吕芳", "测试路2号"));
    north.edit(3, &family(3, "a", "Maria Rosa", "河头村3号"));
    south.edit(4, &family(4, "e", "王小明", "南苑社区4号"));
    north.sync(&register).await;
    south.sync(&register).await;
    (register, north, south)
}

async fn look(register: &Register, codes: &[&str], asked: Asked) -> Results {
    let areas: Vec<AreaCode> = codes.iter().map(|code| area(code)).collect();
    let found = register
        .store
        .read("find", move |tx| find(tx, &areas, &asked));
    found.await.unwrap()
}

async fn found(register: &Register, codes: &[&str], text: &str) -> Vec<Found> {
    let asked = Asked {
        text: text.to_owned(),
        area: None,
        most: 10,
    };
    look(register, codes, asked).await.found
}

#[tokio::test]
async fn a_household_is_found_by_what_is_known_of_it() {
    let (register, ..) = villages().await;
    for (text, expected) in [
        ("小明", (1, By::Name)),
        ("wangxiaoming", (1, By::Sound)),
        ("wxm", (1, By::Sound)),
        ("lufang", (2, By::Sound)),
        ("rosa", (3, By::Name)),
        ("marja", (3, By::Sound)),
        ("10076543202", (2, By::Phone)),
        ("43203", (3, By::Phone)),
        ("002X", (2, By::Number)),
        ("99000019900101003x", (3, By::Number)),
        ("测试路12号", (1, By::Address)),
        ("吕芳 测试路", (2, By::Name)),
    ] {
        let found = found(&register, &["a"], text).await;
        let said: Vec<_> = found.iter().map(|one| (one.household, one.by)).collect();
        assert_eq!(said, [(household(expected.0), expected.1)], "{text}");
    }
    let by_phone = &found(&register, &["a"], "10076543201").await[0];
    assert_eq!((by_phone.name.as_str(), by_phone.person), ("王小明", None));
    let by_name = &found(&register, &["a"], "王小明").await[0];
    assert_eq!(by_name.person, Some(someone(1)));
    assert_eq!(by_name.birth.as_deref(), Some("1990-05"));
    assert_eq!((by_name.people, by_name.removed), (1, false));
    assert_eq!(by_name.addresses, ["测试路12号"]);
    assert!(
        found(&register, &["a"], "990000199001010099")
            .await
            .is_empty()
    );
    assert!(found(&register, &["a"], "  ").await.is_empty());
}

#[tokio::test]
async fn nobody_is_found_outside_the_areas_of_who_asks() {
    let (register, mut north, _) = villages().await;
    let both = found(&register, &["p"], "王小明").await;
    assert_eq!(both.len(), 2);
    let south = found(&register, &["e"], "王小明").await;
    assert_eq!(south.len(), 1);
    assert_eq!(south[0].area, area("e"));
    assert!(found(&register, &["e"], "测试路").await.is_empty());
    assert!(
        found(&register, &["e"], "99000019900101001X")
            .await
            .is_empty()
    );
    let narrowed = |code: &str| Asked {
        text: "王小明".to_owned(),
        area: Some(area(code)),
        most: 10,
    };
    assert_eq!(look(&register, &["p"], narrowed("a")).await.found.len(), 1);
    assert!(
        look(&register, &["a"], narrowed("e"))
            .await
            .found
            .is_empty()
    );
    // Who moves is found where they live now.
    north.edit(1, &move_to("e", 1));
    north.sync(&register).await;
    assert!(found(&register, &["a"], "小明").await.is_empty());
    assert_eq!(found(&register, &["e"], "小明").await.len(), 2);
    register.expect_sound().await;
}

#[tokio::test]
async fn the_best_come_first_and_the_rest_is_said_to_be_there() {
    let (register, ..) = villages().await;
    let asked = |most| Asked {
        text: "测试路".to_owned(),
        area: None,
        most,
    };
    let one = look(&register, &["a"], asked(1)).await;
    assert_eq!((one.found.len(), one.more, one.everywhere), (1, true, true));
    let all = look(&register, &["a"], asked(2)).await;
    assert_eq!((all.found.len(), all.more), (2, false));
}

#[tokio::test]
async fn what_changes_is_found_by_what_it_is_now() {
    let (register, mut north, _) = villages().await;
    let renamed = Edit::CorrectPerson {
        person: someone(2),
        set: [("name".to_owned(), Some(Value::from("孙兰")))].into(),
    };
    north.edit(2, &renamed);
    north.edit(3, &set("contact/phone", "10012121212"));
    north.edit(3, &set("residence/address", "新址9号"));
    north.sync(&register).await;
    for (text, expected) in [("吕芳", 0), ("sunlan", 1), ("43203", 0), ("1001212", 1)] {
        assert_eq!(
            found(&register, &["a"], text).await.len(),
            expected,
            "{text}"
        );
    }
    assert!(found(&register, &["a"], "河头村").await.is_empty());
    assert_eq!(found(&register, &["a"], "新址").await.len(), 1);
    register.expect_sound().await;
}

async fn execute(register: &Register, sql: &'static str) {
    let run = register
        .store
        .write("tamper", move |tx| tx.execute(sql, params![]));
    assert!(run.await.unwrap() > 0, "{sql}");
}

#[tokio::test]
async fn no_text_holds_more_of_an_identity_number_than_its_mask_leaves() {
    let (register, ..) = villages().await;
    let texts = register.store.read("texts", |tx| {
        tx.query("SELECT lines || letters FROM search_lines", &[], |row| {
            row.text(0)
        })
    });
    let texts: Result<Vec<String>, crate::store::StoreError> = texts.await;
    let texts = texts.unwrap();
    assert_eq!(texts.len(), 4);
    assert!(texts.iter().all(|text| !text.contains("19900101")));
}

#[tokio::test]
async fn a_database_from_before_is_read_a_few_at_a_time() {
    let (register, ..) = villages().await;
    execute(&register, "DELETE FROM search_lines").await;
    execute(
        &register,
        "INSERT INTO search_unread (household) SELECT household FROM households",
    )
    .await;
    register.expect_sound().await;
    assert!(found(&register, &["p"], "王小明").await.is_empty());
    for expected in [3, 1, 0] {
        let read = register.store.write("read", |tx| super::read_some(tx, 3));
        assert_eq!(read.await.unwrap(), expected);
    }
    assert_eq!(found(&register, &["p"], "王小明").await.len(), 2);
    register.expect_sound().await;
}

#[tokio::test]
async fn the_check_names_texts_that_are_not_as_they_should_be() {
    for (sql, problem, faults) in [
        ("UPDATE search_lines SET letters = 'x'", Problem::Differs, 4),
        ("DELETE FROM search_lines", Problem::Missing, 4),
    ] {
        let (register, ..) = villages().await;
        execute(&register, sql).await;
        let report = check::check(&register.store).await.unwrap();
        assert_eq!(report.faults.len(), faults, "{sql}");
        for fault in report.faults {
            assert!(matches!(fault.row, Row::Search { .. }) && fault.problem == problem);
        }
    }
}
