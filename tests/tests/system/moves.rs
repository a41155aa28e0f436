//! Families that move: between areas, to two places at once, while somebody still writes.

use serde_json::{Value, json};
use sojourn_tests::{files, generate::Generator, processes::Tablet};

use crate::{
    NOW,
    office::{Office, sync, village},
};

/// Ids of the households on a tablet.
fn holds(tablet: &Tablet, id: &str) -> bool {
    tablet.run(["list", "--json"]).ok().contains(id)
}

/// The office's line for one household.
fn exported(office: &Office, id: &str) -> Value {
    let all = office
        .server
        .run(["households", "export", "--json"])
        .json_lines();
    all.into_iter()
        .find(|line| line["id"] == id)
        .expect("the household is in the register")
}

#[test]
fn two_moves_made_apart_leave_one_owner_and_a_contested_residence() {
    let office = Office::open();
    let tablets = [("a", "v1"), ("b", "v1"), ("c", "v2"), ("d", "v3")]
        .map(|(name, area)| office.tablet(name, area));
    let [a, b, c, d] = &tablets;
    let mut generator = Generator::new(2, NOW);
    let household = generator.household(&village("v1"), Some(3));
    let id = household.id.to_string();
    office.import(a, &[files::household_line(&household, NOW)]);
    sync(a);
    sync(b);
    a.run(["move", &id, "--to", "v2", "--reason", "work"]).ok();
    b.run(["move", &id, "--to", "v3", "--reason", "school"])
        .ok();
    for _ in 0..2 {
        for tablet in &tablets {
            assert_eq!(sync(tablet)["outcome"], "agreed");
        }
    }
    let line = exported(&office, &id);
    assert_eq!(
        line["area"], "v2",
        "the first move to arrive keeps the household"
    );
    assert_eq!(line["contested"], true);
    let contested = |review: &Value| review["kind"] == "contested-residence";
    assert!(
        line["reviews"].as_array().unwrap().iter().any(contested),
        "{line}"
    );
    assert_eq!(
        [a, b, c, d].map(|tablet| holds(tablet, &id)),
        [false, false, true, false]
    );

    // Whoever holds it sees both residences, and a person's decision ends it everywhere.
    let shown = c.run(["show", &id, "--json"]).json();
    assert!(shown.to_string().contains("\"contradicted\""), "{shown}");
    c.run(["edit", &id, "residence/area=v3"]).ok();
    for tablet in [c, d] {
        assert_eq!(sync(tablet)["outcome"], "agreed");
    }
    let line = exported(&office, &id);
    assert_eq!(
        (&line["area"], &line["contested"]),
        (&json!("v3"), &json!(false))
    );
    assert_eq!([c, d].map(|tablet| holds(tablet, &id)), [false, true]);
    office.close();
}

#[test]
fn an_edit_waits_for_its_household_to_leave_and_comes_along() {
    let office = Office::open();
    let [old, other, new] = [("old", "v1"), ("other", "v1"), ("new", "v3")]
        .map(|(name, area)| office.tablet(name, area));
    let mut generator = Generator::new(3, NOW);
    let household = generator.household(&village("v1"), Some(4));
    let id = household.id.to_string();
    office.import(&old, &[files::household_line(&household, NOW)]);
    sync(&old);
    sync(&other);
    old.run(["move", &id, "--to", "v3"]).ok();
    sync(&old);
    assert!(!holds(&old, &id));
    assert!(holds(&other, &id), "the other tablet does not know yet");
    other.run(["edit", &id, "contact/phone=10012345678"]).ok();
    let synced = sync(&other);
    assert_eq!(
        (&synced["outcome"], &synced["pushed"]),
        (&json!("agreed"), &json!(1))
    );
    assert!(
        !holds(&other, &id),
        "it is purged once its edit is handed in"
    );
    sync(&new);
    let shown = new.run(["show", &id, "--json"]).json();
    assert!(shown.to_string().contains("10012345678"), "{shown}");
    let line = exported(&office, &id);
    assert!(
        line["reviews"]
            .as_array()
            .unwrap()
            .iter()
            .any(|review| review["kind"] == "late-edit"),
        "{line}"
    );
    // And back again: the old village receives the whole household with what the new one wrote.
    new.run(["edit", &id, "contact/note=已入学"]).ok();
    new.run(["move", &id, "--to", "v1"]).ok();
    sync(&new);
    sync(&other);
    assert!(!holds(&new, &id) && holds(&other, &id));
    assert!(other.run(["show", &id, "--json"]).ok().contains("已入学"));
    office.close();
}

#[test]
fn nobody_receives_what_is_not_theirs() {
    let office = Office::open();
    let [mine, theirs] =
        [("mine", "v1"), ("theirs", "v2")].map(|(name, area)| office.tablet(name, area));
    let mut generator = Generator::new(4, NOW);
    let household = generator.household(&village("v1"), Some(2));
    let id = household.id.to_string();
    office.import(&mine, &[files::household_line(&household, NOW)]);
    sync(&mine);
    assert_eq!(sync(&theirs)["received"], 0);
    assert!(!holds(&theirs, &id));
    // Writing for an area outside the grant is refused on the tablet, before anything is written.
    let elsewhere = generator.household(&village("v1"), Some(2));
    let file = office.folder.path().join("elsewhere.json");
    std::fs::write(&file, files::household_line(&elsewhere, NOW).to_string()).unwrap();
    let refused = theirs.run([std::path::Path::new("add"), &file]);
    assert_eq!(refused.code, 15, "{}", refused.stderr);
    assert_eq!(theirs.run(["status", "--json"]).json()["pending"], 0);
    office.close();
}

#[test]
fn a_family_that_is_about_to_leave_is_listed_so_and_stays_when_that_is_taken_back() {
    let office = Office::open();
    let [old, new] = [("old", "v1"), ("new", "v3")].map(|(name, area)| office.tablet(name, area));
    let mut generator = Generator::new(5, NOW);
    let household = generator.household(&village("v1"), Some(3));
    let id = household.id.to_string();
    office.import(&old, &[files::household_line(&household, NOW)]);
    let leaving = [
        "leaving",
        &id,
        "--to",
        "v3",
        "--on",
        "2026-12-01",
        "--reason",
        "school",
    ];
    old.run(leaving).ok();
    let again = old.run(leaving);
    assert_eq!(again.code, 19, "{}", again.stderr);
    assert!(
        again.stderr.contains("withdraw that one first"),
        "{}",
        again.stderr
    );
    sync(&old);
    sync(&new);
    assert!(holds(&old, &id) && !holds(&new, &id), "nobody moved yet");
    let row = &old.run(["list", "--json"]).json()[0];
    assert_eq!(
        (&row["moving_to"], &row["moving_on"]),
        (&json!("v3"), &json!("2026-12-01"))
    );
    for (lang, told) in [("en", "leaving for"), ("zh", "将于 2026-12-01 迁往")] {
        let listed = old.run(["list", "--lang", lang]).ok();
        assert!(listed.contains(told), "{listed}");
    }

    old.run(["stays", &id, "--reason", "在本地入学"]).ok();
    let gone = old.run(["stays", &id, "--reason", "x"]);
    assert_eq!(gone.code, 3, "{}", gone.stderr);
    assert_eq!(old.run(["list", "--json"]).json()[0]["moving_to"], "");
    let shown = old.run(["show", &id]).ok();
    assert!(
        shown.contains("withdrawn") && shown.contains("在本地入学"),
        "{shown}"
    );

    // A family that goes there after all takes the entry along that was prepared.
    old.run(leaving).ok();
    old.run(["move", &id, "--to", "v3", "--until", "2027-07"])
        .ok();
    sync(&old);
    sync(&new);
    assert!(!holds(&old, &id) && holds(&new, &id));
    let moves = new.run(["show", &id, "--json"]).json()["moves"].clone();
    let states: Vec<_> = moves.as_object().unwrap().values().collect();
    assert_eq!(states.len(), 2);
    assert_eq!(states[1]["state"], "accepted", "{moves}");
    assert_eq!(states[1]["until"], "2027-07");
    office.close();
}

#[test]
fn who_leaves_a_household_is_one_of_their_own_and_moves_with_what_is_theirs() {
    let office = Office::open();
    let [old, new] = [("old", "v1"), ("new", "v3")].map(|(name, area)| office.tablet(name, area));
    let mut generator = Generator::new(6, NOW);
    let household = generator.household(&village("v1"), Some(3));
    let id = household.id.to_string();
    office.import(&old, &[files::household_line(&household, NOW)]);
    let persons: Vec<String> = household
        .new
        .persons
        .iter()
        .filter_map(|person| Some(person.id?.to_string()))
        .collect();
    let who = persons.last().unwrap();
    old.run(["edit", &id, &format!("facts/{who}/allergy=青霉素")])
        .ok();
    sync(&old);

    // Without a signal: neither the whole household nor somebody else can leave so.
    let mut everybody = vec!["split", &id];
    everybody.extend(persons.iter().flat_map(|person| ["--person", person]));
    let refused = old.run(everybody);
    assert_eq!(refused.code, 19, "{}", refused.stderr);
    let stranger = old.run(["split", &id, "--person", &id]);
    assert_eq!(stranger.code, 3, "{}", stranger.stderr);
    let split = [
        "split",
        &id,
        "--person",
        who,
        "--on",
        "2026-11-20",
        "--address",
        "九号",
        "--json",
    ];
    let made = old.run(split).json();
    let theirs = made["household"].as_str().unwrap().to_owned();
    assert_ne!(theirs, id);
    assert_eq!(old.run(split).code, 3, "nobody leaves twice");

    old.run(["move", &theirs, "--to", "v3"]).ok();
    sync(&old);
    sync(&new);
    assert!(holds(&old, &id) && !holds(&old, &theirs), "the rest stays");
    assert!(holds(&new, &theirs) && !holds(&new, &id));
    let came = new.run(["show", &theirs, "--json"]).json();
    assert_eq!(came["persons"][who]["came_from"], json!(id));
    assert_eq!(came["facts"][who]["allergy"], json!("青霉素"));
    let left = old.run(["show", &id, "--json"]).json();
    assert_eq!(left["persons"][who]["removed"]["to"], json!(theirs));
    let here = left["persons"].as_object().unwrap().values();
    assert_eq!(
        here.filter(|person| person.get("removed").is_none())
            .count(),
        2
    );
    office.close();
}
