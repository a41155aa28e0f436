//! Lists of operations that once broke a promise, found once reviewers had come into the world: registers put back, copied
//! tablets, damaged logs, and a household that had left.

use sojourn_disk::{Call, Effect, Plan};
use sojourn_tests::simulation::{Fault::*, Op::*};

use super::{holds, met, sync, undisturbed};

/// The world forgot fates that a backup knows and a damaged register did not.
#[test]
fn a_backup_may_know_what_a_damaged_register_had_lost() {
    holds(
        20095,
        &[
            Register { tablet: 3, area: 0 },
            CloneTablet { tablet: 3 },
            Person {
                tablet: 3,
                household: 1,
            },
            CutServer,
            met(3, 1, 0, HalfOpen),
            BackUpServer,
            FlipServer { log: true },
            met(6, 2, 0, Reordered),
            RestoreServer,
        ],
    );
}

/// The register was put back and a tablet handed in again what it knew by bytes alone. Another tablet's new change had taken
/// the place of one of them; both were given up, the other one too.
#[test]
fn what_is_known_by_its_bytes_alone_waits_for_the_registers_copy() {
    holds(
        910,
        &[
            Register { tablet: 0, area: 0 },
            Register { tablet: 4, area: 1 },
            BackUpTablet { tablet: 1 },
            sync(6),
            met(4, 0, 1, KilledAfter),
            BackUpServer,
            Visit {
                tablet: 4,
                household: 3,
            },
            undisturbed(7, 0),
            Contradict {
                tablet: 1,
                other: 4,
                household: 6,
            },
            RestoreTablet { tablet: 1 },
            RestoreServer,
            met(1, 1, 1, ServerKilled),
            LateParts {
                tablet: 0,
                other: 1,
                household: 1,
                to: 1,
            },
        ],
    );
}

/// A copied tablet's visit had taken the place of the one that the register lost. The household moved on, and an empty health
/// document stayed.
#[test]
fn a_document_of_which_nothing_is_left_does_not_stay() {
    holds(
        913,
        &[
            Register { tablet: 0, area: 3 },
            Register { tablet: 2, area: 1 },
            CloneTablet { tablet: 0 },
            Visit {
                tablet: 6,
                household: 7,
            },
            Visit {
                tablet: 7,
                household: 7,
            },
            Register { tablet: 0, area: 2 },
            Poison { seed: 815_453 },
            met(2, 1, 1, RenewalLost),
            sync(7),
            met(6, 0, 1, ReplyCut { at: 107 }),
            Move {
                tablet: 6,
                household: 7,
                to: 1,
            },
            FlipServer { log: true },
            sync(6),
        ],
    );
}

/// Two copies of a document that have seen the same list what was written side by side as it came. The register's check took
/// that for damage.
#[test]
fn the_same_changes_in_another_order_are_the_same_document() {
    holds(
        520,
        &[
            Register { tablet: 0, area: 1 },
            Register { tablet: 1, area: 2 },
            Register { tablet: 2, area: 3 },
            Register { tablet: 4, area: 0 },
            CloneTablet { tablet: 4 },
            Sync {
                tablet: 4,
                retries: 2,
                fault: Some((1, ServerKilled)),
            },
            Sync {
                tablet: 2,
                retries: 0,
                fault: None,
            },
            Sync {
                tablet: 1,
                retries: 2,
                fault: Some((1, Slow)),
            },
            Sync {
                tablet: 0,
                retries: 1,
                fault: Some((1, Portal)),
            },
            Contradict {
                tablet: 1,
                other: 4,
                household: 4,
            },
            LateEdit {
                tablet: 1,
                other: 4,
                household: 1,
                to: 3,
            },
            LateParts {
                tablet: 1,
                other: 4,
                household: 7,
                to: 1,
            },
            BackUpServer,
            Contest {
                tablet: 0,
                other: 4,
                household: 4,
                to: 0,
            },
            Address {
                tablet: 6,
                household: 2,
            },
            Contradict {
                tablet: 1,
                other: 4,
                household: 7,
            },
            Sync {
                tablet: 6,
                retries: 0,
                fault: None,
            },
            RestoreServer,
            Sync {
                tablet: 6,
                retries: 2,
                fault: Some((1, Portal)),
            },
        ],
    );
}

/// SQLite had moved a row of a household from one page to another before it was taken off, and its former place could be read.
#[test]
fn a_row_that_sqlite_moved_leaves_no_trace_of_a_household() {
    holds(
        270,
        &[
            Register { tablet: 0, area: 2 },
            Register { tablet: 1, area: 2 },
            Register { tablet: 4, area: 1 },
            BreakServer {
                plan: Plan {
                    call: Call::Sync,
                    after: 2,
                    times: 1,
                    effect: Effect::Kill,
                },
            },
            Register { tablet: 1, area: 0 },
            Move {
                tablet: 4,
                household: 5,
                to: 2,
            },
            Move {
                tablet: 4,
                household: 5,
                to: 2,
            },
            Phone {
                tablet: 7,
                household: 6,
            },
            Person {
                tablet: 1,
                household: 1,
            },
            Register { tablet: 0, area: 0 },
            Sync {
                tablet: 4,
                retries: 0,
                fault: Some((1, LaterServer)),
            },
            Decide {
                question: 7,
                choice: 0,
            },
            Decide {
                question: 1,
                choice: 0,
            },
            Visit {
                tablet: 6,
                household: 0,
            },
            Sync {
                tablet: 7,
                retries: 2,
                fault: Some((0, ReplyLost)),
            },
            Sync {
                tablet: 6,
                retries: 0,
                fault: None,
            },
            Visit {
                tablet: 0,
                household: 6,
            },
            Sync {
                tablet: 4,
                retries: 1,
                fault: Some((0, Portal)),
            },
            Address {
                tablet: 7,
                household: 6,
            },
            Phone {
                tablet: 1,
                household: 3,
            },
            TakeBack { decision: 6 },
            FlipServer { log: true },
            Visit {
                tablet: 0,
                household: 4,
            },
            Visit {
                tablet: 0,
                household: 7,
            },
            Sync {
                tablet: 1,
                retries: 2,
                fault: None,
            },
            Address {
                tablet: 0,
                household: 0,
            },
            Move {
                tablet: 4,
                household: 2,
                to: 0,
            },
            LateEdit {
                tablet: 0,
                other: 4,
                household: 0,
                to: 1,
            },
            Sync {
                tablet: 4,
                retries: 1,
                fault: None,
            },
            Contest {
                tablet: 1,
                other: 4,
                household: 5,
                to: 3,
            },
            Contest {
                tablet: 1,
                other: 0,
                household: 0,
                to: 2,
            },
            LateParts {
                tablet: 1,
                other: 0,
                household: 0,
                to: 1,
            },
        ],
    );
}

/// A move that a copied tablet had prepared already cannot be prepared a second time: whoever wrote it is told.
#[test]
fn a_move_prepared_by_a_copy_too_is_held() {
    holds(
        100_120,
        &[
            RegisterTwice {
                tablet: 6,
                other: 0,
                area: 0,
            },
            met(6, 1, 1, KilledBefore),
            Answer { which: 4, how: 3 },
            CloneTablet { tablet: 4 },
            BreakServer {
                plan: Plan {
                    call: Call::Write,
                    after: 70,
                    times: 1,
                    effect: Effect::Kill,
                },
            },
            Answer { which: 6, how: 0 },
            Propose {
                tablet: 4,
                household: 6,
                to: 1,
            },
        ],
    );
}

/// A family handed over to the area that it is already in has one entry in that area's trail.
#[test]
fn a_hand_over_within_one_area_can_be_answered() {
    holds(
        200_275,
        &[
            Register { tablet: 0, area: 3 },
            undisturbed(6, 2),
            met(4, 0, 1, NewerServer),
            Contest {
                tablet: 0,
                other: 4,
                household: 7,
                to: 1,
            },
            sync(4),
            Answer { which: 0, how: 1 },
        ],
    );
}

/// The world took a batch of forks for the end of a chain, while one whose answer was lost had come before it.
#[test]
fn a_fork_does_not_continue_a_chain_whose_answer_was_lost() {
    holds(
        100_090,
        &[
            FlipTablet {
                tablet: 4,
                log: true,
                closed: true,
            },
            FlipTablet {
                tablet: 6,
                log: true,
                closed: true,
            },
            met(0, 0, 1, Reordered),
            met(7, 0, 1, RenewalLost),
            CloneTablet { tablet: 0 },
            BreakServer {
                plan: Plan {
                    call: Call::Read,
                    after: 50,
                    times: 1,
                    effect: Effect::Error,
                },
            },
            met(4, 0, 1, RenewalLost),
            Move {
                tablet: 6,
                household: 3,
                to: 2,
            },
            Visit {
                tablet: 0,
                household: 1,
            },
            undisturbed(6, 0),
        ],
    );
}
