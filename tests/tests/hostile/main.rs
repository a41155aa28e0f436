//! Bytes that no program of ours would make, put through everything that reads bytes: the server's ingest with a real
//! store, the tablet's inbox behind a server that lies, and every decoder by itself.
//!
//! No panic or abort escapes, what is stored can always be read, and whoever is honest is served as before. 200,000 mutants
//! in all; `HOSTILE_MUTANTS` sets another number, `HOSTILE_SEED` from which village on; a failure names its seed. The program
//! `hostile` tries many more, and `make fuzz` searches with coverage.

mod decoders;

use sojourn_tests::hostile::{
    Tally, hush_the_library, inbox,
    ingest::{self, CHANGE_AT_MOST, MEMORY_MIB_MAX},
};
use std::env;

/// Mutants that the tests try together.
const MUTANTS: u64 = 200_000;
/// Spoilt entries that one session with a lying server brings, about.
const LIES_A_SESSION: u64 = 8;

/// A number from the environment.
fn setting(name: &str, usual: u64) -> u64 {
    let given = env::var(name).ok();
    given.map_or(usual, |text| {
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is a number"))
    })
}

/// So many hundredths of all mutants.
fn share(hundredths: u64) -> u64 {
    setting("HOSTILE_MUTANTS", MUTANTS) * hundredths / 100
}

fn seed() -> u64 {
    setting("HOSTILE_SEED", 1)
}

fn expect_bounds(tally: &Tally) {
    println!("{tally}");
    let most = u64::try_from(CHANGE_AT_MOST.as_micros()).expect("seconds");
    assert!(tally.slowest_us < most, "{tally}");
    assert!(tally.peak_mib < MEMORY_MIB_MAX, "{tally}");
}

/// One village for each test, so that tests run side by side.
fn ingest_village(number: u64) {
    hush_the_library();
    let tally = ingest::village(seed() + number, share(28));
    expect_bounds(&tally);
    for needed in [
        "accepted",
        "malformed",
        "structure",
        "unsafe",
        "too-large",
        "library alone: panics",
    ] {
        let met = tally.met.keys().any(|name| name.contains(needed));
        assert!(met, "no mutant was {needed}: {tally}");
    }
}

#[test]
fn ingest_survives_and_serves_the_honest() {
    ingest_village(0);
}

#[test]
fn ingest_survives_in_another_village() {
    ingest_village(1);
}

#[test]
fn a_tablet_survives_a_server_that_lies() {
    hush_the_library();
    expect_bounds(&inbox::sessions(seed(), share(4) / LIES_A_SESSION));
}
