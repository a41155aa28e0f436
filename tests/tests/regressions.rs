//! Runs of the simulated world: lists of operations that once broke a promise, and a number of seeds.

use sojourn_tests::simulation::{Fault::*, Layout, Op, Op::*, play, play_quietly};

/// Seeds played, and operations in each.
const SEEDS: u64 = 24;
const OPS: usize = 60;

#[track_caller]
fn holds(seed: u64, ops: &[Op]) {
    if let Err(failure) = play(&Layout::two_counties(), seed, ops) {
        panic!("{}\n{:#?}", failure.what, failure.ops);
    }
}

#[test]
fn a_restored_server_without_a_feed_gets_its_household_back() {
    holds(
        9,
        &[
            Register { tablet: 2, area: 1 },
            BackUpServer,
            Sync {
                tablet: 2,
                retries: 0,
                fault: Some((2, Portal)),
            },
            RestoreServer,
        ],
    );
}

#[test]
fn an_edit_on_a_household_that_the_server_lost_brings_the_household_back() {
    holds(
        9,
        &[
            Register { tablet: 3, area: 2 },
            BackUpServer,
            Sync {
                tablet: 3,
                retries: 0,
                fault: None,
            },
            Address {
                tablet: 3,
                household: 3,
            },
            RestoreServer,
        ],
    );
}

#[test]
fn a_visit_to_a_household_that_the_server_lost_brings_the_household_back() {
    holds(
        46,
        &[
            BackUpServer,
            Register { tablet: 0, area: 2 },
            Sync {
                tablet: 6,
                retries: 2,
                fault: None,
            },
            Visit {
                tablet: 6,
                household: 6,
            },
            RestoreServer,
        ],
    );
}

#[test]
fn an_edit_handed_in_again_survives_a_fork() {
    holds(
        46,
        &[
            Register { tablet: 3, area: 2 },
            Sync {
                tablet: 3,
                retries: 0,
                fault: None,
            },
            BackUpServer,
            Phone {
                tablet: 3,
                household: 1,
            },
            Sync {
                tablet: 3,
                retries: 2,
                fault: None,
            },
            RestoreServer,
        ],
    );
}

#[test]
fn a_copied_tablets_edit_of_a_household_that_moved_away_is_handed_in() {
    holds(
        21,
        &[
            Register { tablet: 5, area: 0 },
            CloneTablet { tablet: 5 },
            Move {
                tablet: 5,
                household: 0,
                to: 1,
            },
            Sync {
                tablet: 6,
                retries: 1,
                fault: None,
            },
            Sync {
                tablet: 5,
                retries: 0,
                fault: Some((1, ServerKilled)),
            },
            Move {
                tablet: 5,
                household: 3,
                to: 3,
            },
        ],
    );
}

#[test]
fn one_seed_plays_one_run() {
    assert_eq!(play_quietly(7, OPS), play_quietly(7, OPS));
}

#[test]
fn the_world_holds_for_a_number_of_seeds() {
    for seed in 1..=SEEDS {
        if let Err(failure) = play_quietly(seed, OPS) {
            panic!("seed {seed}: {}", failure.what);
        }
    }
}
