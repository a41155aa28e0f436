//! Runs of the simulated world: lists of operations that once broke a promise, and a number of seeds.

use sojourn_disk::{Call, Effect, Plan};
use sojourn_tests::simulation::{
    Fault::{self, *},
    Layout, Op,
    Op::*,
    play, play_quietly,
};

#[path = "regressions/joining.rs"]
mod joining;
#[path = "regressions/leaving.rs"]
mod leaving;
#[path = "regressions/more.rs"]
mod more;
#[path = "regressions/put_back.rs"]
mod put_back;
#[path = "regressions/seldom.rs"]
mod seldom;

/// Seeds played, and operations in each.
const SEEDS: u64 = 24;
const OPS: usize = 60;

/// A session that meets this at its request of this number.
const fn met(tablet: usize, retries: u32, at: usize, fault: Fault) -> Op {
    let fault = Some((at, fault));
    Sync {
        tablet,
        retries,
        fault,
    }
}

/// A session that nothing disturbs.
const fn sync(tablet: usize) -> Op {
    undisturbed(tablet, 1)
}

/// A session that nothing disturbs and that would bear so many failures.
const fn undisturbed(tablet: usize, retries: u32) -> Op {
    Sync {
        tablet,
        retries,
        fault: None,
    }
}

/// A bit turns on a tablet's disk.
const fn flip(tablet: usize, log: bool, closed: bool) -> Op {
    FlipTablet {
        tablet,
        log,
        closed,
    }
}

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
            met(2, 0, 2, Portal),
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
            undisturbed(3, 0),
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
            undisturbed(6, 2),
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
            undisturbed(3, 0),
            BackUpServer,
            Phone {
                tablet: 3,
                household: 1,
            },
            undisturbed(3, 2),
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
            sync(6),
            met(5, 0, 1, ServerKilled),
            Move {
                tablet: 5,
                household: 3,
                to: 3,
            },
        ],
    );
}

#[test]
fn a_person_handed_in_again_without_its_edit_is_still_counted() {
    holds(
        17,
        &[
            Register { tablet: 5, area: 2 },
            Person {
                tablet: 5,
                household: 0,
            },
            BackUpServer,
            undisturbed(5, 0),
            RestoreServer,
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

#[test]
fn a_copy_of_a_tablet_that_lost_its_village_hands_in_its_edit() {
    holds(
        167,
        &[
            Register { tablet: 4, area: 0 },
            Narrow { tablet: 4, area: 2 },
            CloneTablet { tablet: 4 },
            Address {
                tablet: 6,
                household: 4,
            },
        ],
    );
}

#[test]
fn two_copies_that_lost_their_village_hand_in_their_edits() {
    holds(
        3,
        &[
            Register { tablet: 2, area: 1 },
            CloneTablet { tablet: 2 },
            Register { tablet: 6, area: 0 },
            Narrow { tablet: 6, area: 2 },
        ],
    );
}

#[test]
fn a_copy_that_lost_its_village_hands_in_a_visit() {
    holds(
        25,
        &[
            Register { tablet: 0, area: 3 },
            CloneTablet { tablet: 6 },
            Narrow { tablet: 0, area: 3 },
            Visit {
                tablet: 6,
                household: 1,
            },
        ],
    );
}

#[test]
fn the_third_copy_that_lost_its_village_hands_in_a_visit() {
    holds(
        31,
        &[
            Register { tablet: 2, area: 0 },
            CloneTablet { tablet: 5 },
            CloneTablet { tablet: 2 },
            Visit {
                tablet: 7,
                household: 7,
            },
            Narrow { tablet: 7, area: 2 },
        ],
    );
}

#[test]
fn a_tablet_enrolled_anew_hands_in_what_the_server_lost_of_its_former_self() {
    holds(
        128,
        &[
            Register { tablet: 5, area: 0 },
            BackUpServer,
            met(5, 1, 1, ReplyLost),
            RestoreServer,
            Phone {
                tablet: 5,
                household: 5,
            },
            Reenrol { tablet: 5 },
        ],
    );
}

#[test]
fn an_edit_on_top_waits_while_a_household_comes_back() {
    holds(
        46,
        &[
            BackUpServer,
            Reenrol { tablet: 6 },
            Register { tablet: 0, area: 2 },
            met(0, 0, 1, ReplyCut { at: 15055 }),
            RestoreServer,
            Address {
                tablet: 6,
                household: 3,
            },
        ],
    );
}

#[test]
fn a_move_on_top_waits_while_a_household_comes_back() {
    holds(
        69,
        &[
            Register { tablet: 0, area: 2 },
            BackUpServer,
            met(0, 1, 0, Slow),
            RestoreServer,
            Move {
                tablet: 0,
                household: 6,
                to: 3,
            },
            Reenrol { tablet: 0 },
        ],
    );
}

#[test]
fn what_only_a_neighbour_still_holds_comes_back() {
    holds(
        160,
        &[
            Register { tablet: 3, area: 3 },
            Move {
                tablet: 3,
                household: 5,
                to: 1,
            },
            BackUpServer,
            sync(3),
            sync(2),
            RestoreServer,
            Phone {
                tablet: 2,
                household: 4,
            },
        ],
    );
}

#[test]
fn an_author_gets_its_household_back_from_under_a_neighbours_copy() {
    holds(
        160,
        &[
            Register { tablet: 5, area: 0 },
            BackUpServer,
            met(5, 0, 0, Slow),
            Move {
                tablet: 5,
                household: 2,
                to: 1,
            },
            sync(3),
            RestoreServer,
        ],
    );
}

#[test]
fn a_visit_ends_its_session_though_the_household_was_lost() {
    holds(
        128,
        &[
            Register { tablet: 1, area: 3 },
            BackUpServer,
            sync(1),
            met(4, 2, 1, Portal),
            met(6, 2, 0, Duplicated),
            RestoreServer,
            met(4, 2, 0, Delayed),
            Visit {
                tablet: 6,
                household: 0,
            },
        ],
    );
}

#[test]
fn an_edit_of_a_household_that_left_outlives_a_restored_server() {
    holds(
        198,
        &[
            Register { tablet: 0, area: 2 },
            Register { tablet: 1, area: 1 },
            sync(6),
            BackUpServer,
            met(1, 2, 0, Portal),
            Person {
                tablet: 7,
                household: 2,
            },
            Move {
                tablet: 6,
                household: 5,
                to: 3,
            },
            sync(7),
            RestoreServer,
        ],
    );
}

#[test]
fn a_person_added_to_anothers_household_outlives_a_restored_server() {
    holds(
        198,
        &[
            Register { tablet: 0, area: 2 },
            Register { tablet: 1, area: 1 },
            Register { tablet: 3, area: 2 },
            Move {
                tablet: 3,
                household: 2,
                to: 0,
            },
            sync(6),
            BackUpServer,
            met(3, 0, 1, KilledBefore),
            met(1, 2, 0, Portal),
            Person {
                tablet: 7,
                household: 2,
            },
            sync(7),
            RestoreServer,
        ],
    );
}

#[test]
fn an_address_of_a_household_that_left_outlives_a_restored_server() {
    holds(
        78,
        &[
            Register { tablet: 0, area: 1 },
            met(0, 1, 0, Duplicated),
            sync(1),
            Visit {
                tablet: 1,
                household: 4,
            },
            Move {
                tablet: 7,
                household: 6,
                to: 3,
            },
            BackUpServer,
            Address {
                tablet: 0,
                household: 6,
            },
            sync(0),
            RestoreServer,
            met(1, 0, 1, ServerKilled),
        ],
    );
}

#[test]
fn edits_on_several_lost_changes_end_their_session() {
    holds(
        1085,
        &[
            Register { tablet: 0, area: 1 },
            Register { tablet: 1, area: 3 },
            Register { tablet: 4, area: 1 },
            BackUpServer,
            Move {
                tablet: 4,
                household: 6,
                to: 0,
            },
            met(4, 2, 0, ReplyCut { at: 77491 }),
            met(1, 1, 0, Delayed),
            met(0, 1, 1, Delayed),
            RestoreServer,
            Phone {
                tablet: 6,
                household: 0,
            },
            met(6, 1, 1, ReplyCut { at: 75677 }),
            Visit {
                tablet: 6,
                household: 5,
            },
            Visit {
                tablet: 6,
                household: 2,
            },
        ],
    );
}

#[test]
fn changes_in_doubt_survive_a_second_enrolment() {
    holds(
        1096,
        &[
            Register { tablet: 5, area: 1 },
            sync(5),
            Narrow { tablet: 1, area: 2 },
            sync(1),
            Reenrol { tablet: 7 },
            Reenrol { tablet: 7 },
        ],
    );
}

#[test]
fn changes_that_were_lost_survive_an_enrolment() {
    holds(
        1192,
        &[
            Register { tablet: 0, area: 0 },
            Register { tablet: 4, area: 0 },
            BackUpServer,
            met(4, 0, 1, KilledAfter),
            Move {
                tablet: 4,
                household: 7,
                to: 1,
            },
            met(0, 0, 1, Slow),
            RestoreServer,
            sync(4),
            met(0, 1, 1, KilledBefore),
            Reenrol { tablet: 6 },
        ],
    );
}

#[test]
fn what_was_given_back_to_a_restored_server_is_shown_as_it_is() {
    holds(
        17,
        &[
            Register { tablet: 5, area: 2 },
            Person {
                tablet: 5,
                household: 0,
            },
            BackUpServer,
            met(5, 0, 0, RequestLost),
            sync(5),
            RestoreServer,
        ],
    );
}

#[test]
fn an_edit_that_waits_for_a_document_lost_with_a_page_ends_its_wait() {
    holds(
        213,
        &[
            Register { tablet: 5, area: 3 },
            flip(6, true, false),
            FlipServer { log: false },
            Register { tablet: 6, area: 3 },
            sync(5),
            met(2, 2, 0, ReplyLost),
            FlipServer { log: true },
            undisturbed(0, 2),
            met(5, 0, 0, LaterTablet),
            BackUpServer,
            met(3, 0, 1, Delayed),
            FlipServer { log: true },
            flip(0, false, false),
            undisturbed(7, 0),
            met(0, 1, 1, RequestLost),
            flip(3, false, true),
            sync(3),
            met(5, 0, 0, Portal),
            LockTablet { tablet: 2 },
            CloneTablet { tablet: 5 },
            Address {
                tablet: 6,
                household: 3,
            },
            flip(6, false, true),
        ],
    );
}

#[test]
fn a_read_that_fails_once_while_a_tablet_opens_is_no_damage() {
    // Wherever in the opening it is.
    for after in (0..96).step_by(8) {
        let plan = Plan {
            call: Call::Read,
            after,
            times: 1,
            effect: Effect::Error,
        };
        holds(
            1154,
            &[
                Register { tablet: 1, area: 0 },
                LockTablet { tablet: 1 },
                BreakTablet { tablet: 1, plan },
                Phone {
                    tablet: 1,
                    household: 0,
                },
                KillTablet { tablet: 1 },
            ],
        );
    }
}
