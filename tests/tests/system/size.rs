//! Sizes promised: an idle tablet of 5,000 households, and an empty one that fetches them.

use rusqlite::{Connection, OpenFlags};
use sojourn_tests::{files, generate::Generator, processes::Server};

use crate::{
    NOW,
    office::{Office, sync, village},
};

const HOUSEHOLDS: usize = 5000;
const PERSONS: usize = 4;
const VISITS: usize = 10;

#[test]
fn five_thousand_households_idle_in_a_thousand_bytes_and_arrive_near_the_floor() {
    let office = Office::open();
    let writer = office.tablet("writer", "v1");
    let mut generator = Generator::new(5000, NOW);
    let lines: Vec<_> = (0..HOUSEHOLDS)
        .flat_map(|_| {
            let household = generator.household(&village("v1"), Some(PERSONS));
            files::household_with_visits(&mut generator, &household, VISITS, NOW)
        })
        .collect();
    office.import(&writer, &lines);
    let pushed = sync(&writer);
    assert_eq!(pushed["pushed"], HOUSEHOLDS * (1 + VISITS));
    assert_eq!(pushed["outcome"], "agreed");

    let idle = sync(&writer);
    let bodies =
        idle["body_bytes_up"].as_u64().unwrap() + idle["body_bytes_down"].as_u64().unwrap();
    println!(
        "idle: {} round trip, {bodies} bytes of bodies",
        idle["round_trips"]
    );
    assert_eq!(idle["round_trips"], 1);
    assert!(
        bodies <= 1000,
        "{bodies} bytes of bodies while nothing changed"
    );

    let empty = office.tablet("empty", "v1");
    let fetched = sync(&empty);
    assert_eq!(fetched["outcome"], "agreed");
    assert_eq!(
        empty.run(["status", "--json"]).json()["households"],
        HOUSEHOLDS
    );
    let bytes =
        fetched["body_bytes_up"].as_u64().unwrap() + fetched["body_bytes_down"].as_u64().unwrap();
    let saved = saved_documents(&office.server);
    let floor = zstd::bulk::compress(&saved, 19)
        .expect("memory to memory")
        .len() as u64;
    let ratio = bytes as f64 / floor as f64;
    println!(
        "bootstrap: {bytes} bytes both ways in {} requests; {} saved, floor {floor}; ratio {ratio:.3}",
        fetched["round_trips"],
        saved.len()
    );
    assert!(
        ratio <= 1.15,
        "{bytes} bytes over a floor of {floor}: {ratio:.3}"
    );
    office.close();
}

/// Every document of the register saved uncompressed, one after the other, household by household.
fn saved_documents(server: &Server) -> Vec<u8> {
    let database = Connection::open_with_flags(
        server.data().join("sojourn.db"),
        OpenFlags::SQLITE_OPEN_READ_ONLY,
    )
    .expect("the register can be read");
    let mut documents = database
        .prepare("SELECT saved FROM documents ORDER BY household, kind")
        .expect("a table of documents");
    let rows = documents
        .query_map([], |row| row.get::<_, Vec<u8>>(0))
        .expect("rows");
    rows.flat_map(|row| row.expect("bytes")).collect()
}
