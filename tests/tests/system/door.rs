//! A family at the door: it is registered where it is, without a connection, and its own record follows it.

use serde_json::{Value, json};
use sojourn_tests::processes::Tablet;

use crate::office::{Office, sync};

const OWN: &str = "01a1ee56-5e00-7101-8101-010101010101";
const PROVISIONAL: &str = "01a1ee56-5e00-7101-8101-020202020202";

fn family(id: &str, address: &str, child: &str) -> Value {
    json!({ "id": id, "address": address, "persons": [
        { "name": "李强", "birth": "1986-02-11", "relation": "head" },
        { "name": "王海燕", "birth": "1988-03-07", "relation": "spouse" },
        { "name": child, "birth": "2014-05-02", "relation": "child" },
    ] })
}

fn shown(tablet: &Tablet, id: &str) -> Value {
    tablet.run(["show", id, "--json"]).json()
}

#[test]
fn a_family_that_shows_its_card_is_served_at_once_and_nothing_is_typed_twice() {
    let office = Office::open();
    let [old, new] = [("old", "v1"), ("new", "v3")].map(|(name, area)| office.tablet(name, area));
    office.import(&old, &[family(OWN, "河头村前街8号", "李子轩")]);
    let card = old.run(["card", OWN, "--json"]).json();
    let card = card["card"].as_str().unwrap().to_owned();
    assert!(old.run(["card", OWN]).ok().starts_with(&card));
    sync(&old);

    // Nobody has a connection at the new door.
    office.import(&new, &[family(PROVISIONAL, "南苑社区3号", "李子轩")]);
    new.run(["edit", PROVISIONAL, "contact/phone=10012345678"])
        .ok();
    let mistyped = card.replace(&card[..4], "ZZZZ");
    let refused = new.run(["arrived", PROVISIONAL, "--from", "v1", "--card", &mistyped]);
    assert_eq!(refused.code, 19, "a slip of the pen is told at once");
    new.run(["arrived", PROVISIONAL, "--from", "v1", "--card", &card])
        .ok();
    assert_eq!(sync(&new)["outcome"], "agreed");

    // Its own record is there with the same session, and goes on with what was typed at the door.
    let own = shown(&new, OWN);
    assert_eq!(own["residence"]["area"], "v3");
    assert_eq!(own["residence"]["address"], "南苑社区3号");
    assert_eq!(own["contact"]["phone"], "10012345678");
    assert_eq!(own["persons"].as_object().unwrap().len(), 3);
    assert_eq!(shown(&new, PROVISIONAL)["goes_on"], OWN);
    assert_eq!(sync(&old)["outcome"], "agreed");
    assert!(!old.run(["list", "--json"]).ok().contains(OWN));
    office.close();
}

#[test]
fn what_was_asked_without_a_card_waits_and_can_be_taken_back() {
    let office = Office::open();
    let [old, new] = [("old", "v1"), ("new", "v3")].map(|(name, area)| office.tablet(name, area));
    office.import(&old, &[family(OWN, "河头村前街8号", "李子轩")]);
    office.import(&new, &[family(PROVISIONAL, "南苑社区3号", "李子轩")]);
    new.run(["arrived", PROVISIONAL, "--from", "v1"]).ok();
    for tablet in [&old, &new] {
        assert_eq!(sync(tablet)["outcome"], "agreed");
    }
    let asked = shown(&new, PROVISIONAL);
    assert!(asked["moves"].to_string().contains("proposed"), "{asked}");
    let listed = new.run(["list", "--json"]).json();
    assert_eq!(listed[0]["moving_to"], "", "it is going nowhere");
    assert!(!new.run(["list", "--json"]).ok().contains(OWN));
    new.run(["stays", PROVISIONAL, "--reason", "说错了"]).ok();
    assert_eq!(sync(&new)["outcome"], "agreed");
    let asked = shown(&new, PROVISIONAL);
    assert!(asked["moves"].to_string().contains("withdrawn"), "{asked}");
    assert!(old.run(["list", "--json"]).ok().contains(OWN));
    office.close();
}
