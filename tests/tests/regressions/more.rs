//! More lists of operations that once broke a promise: of disks that fail to sync, of households on their way, of registers put back.

use sojourn_disk::{Call, Effect, Plan};
use sojourn_tests::simulation::{Fault::*, Op::*};

use super::{holds, met, sync, undisturbed};

/// A disk whose next sync fails.
const FAILED_SYNC: Plan = Plan {
    call: Call::Sync,
    after: 0,
    times: 1,
    effect: Effect::Error,
};

#[test]
fn a_household_that_moved_within_a_tablet_keeps_what_was_not_handed_in_yet() {
    holds(
        1042,
        &[
            Register { tablet: 3, area: 1 },
            met(3, 0, 0, ReplyLost),
            sync(5),
            Move {
                tablet: 5,
                household: 2,
                to: 3,
            },
            Visit {
                tablet: 3,
                household: 1,
            },
            sync(5),
        ],
    );
}

#[test]
fn what_is_built_on_a_failed_sync_outlives_a_kill_and_a_cut_of_power() {
    holds(
        2570,
        &[
            Register { tablet: 1, area: 2 },
            Register { tablet: 3, area: 1 },
            BreakServer {
                plan: Plan {
                    after: 3,
                    ..FAILED_SYNC
                },
            },
            RestartServer,
            met(3, 0, 1, RenewalLost),
            met(0, 1, 1, ServerKilled),
            met(1, 2, 1, Slow),
            CutServer,
        ],
    );
}

#[test]
fn an_edit_made_after_a_failed_sync_and_a_kill_outlives_a_cut_of_power() {
    holds(
        29,
        &[
            BreakTablet {
                tablet: 0,
                plan: FAILED_SYNC,
            },
            Register { tablet: 0, area: 0 },
            KillTablet { tablet: 0 },
            Register { tablet: 0, area: 0 },
            CutTablet { tablet: 0 },
        ],
    );
}

#[test]
fn a_visit_to_a_household_on_its_way_off_goes_with_it() {
    holds(
        1042,
        &[
            Register { tablet: 3, area: 1 },
            Move {
                tablet: 3,
                household: 3,
                to: 1,
            },
            met(5, 0, 0, Slow),
            met(3, 2, 1, ReplyCut { at: 46852 }),
            Phone {
                tablet: 3,
                household: 0,
            },
            met(3, 2, 1, NewerServer),
            Visit {
                tablet: 3,
                household: 1,
            },
        ],
    );
}

#[test]
fn an_edit_on_what_a_damaged_log_lost_and_keeps_aside_ends_its_session() {
    holds(
        1026,
        &[
            Register { tablet: 4, area: 0 },
            Orphans { many: 8 },
            Orphans { many: 10 },
            Register { tablet: 6, area: 0 },
            Sync {
                tablet: 0,
                retries: 0,
                fault: None,
            },
            Sync {
                tablet: 4,
                retries: 2,
                fault: None,
            },
            FlipServer { log: true },
            sync(4),
            Address {
                tablet: 4,
                household: 7,
            },
            FlipServer { log: true },
        ],
    );
}

#[test]
fn a_lost_change_whose_place_was_taken_ends_its_wait() {
    holds(
        779,
        &[
            Register { tablet: 0, area: 3 },
            CloneTablet { tablet: 6 },
            met(7, 0, 1, RenewalLost),
            BackUpServer,
            Sync {
                tablet: 6,
                retries: 2,
                fault: None,
            },
            Move {
                tablet: 6,
                household: 2,
                to: 3,
            },
            Address {
                tablet: 0,
                household: 7,
            },
            met(7, 0, 1, NewerTablet),
            RestoreServer,
            Sync {
                tablet: 6,
                retries: 2,
                fault: None,
            },
        ],
    );
}

#[test]
fn a_household_that_left_goes_once_a_lost_change_of_it_ends_its_wait() {
    holds(
        1240,
        &[
            Register { tablet: 0, area: 2 },
            Visit {
                tablet: 6,
                household: 7,
            },
            met(6, 2, 1, LaterServer),
            BackUpServer,
            CloneTablet { tablet: 6 },
            Phone {
                tablet: 6,
                household: 0,
            },
            sync(6),
            met(1, 0, 1, Duplicated),
            RestoreServer,
            LateEdit {
                tablet: 1,
                other: 0,
                household: 0,
                to: 1,
            },
        ],
    );
}

#[test]
fn a_restored_server_gives_no_two_grants_one_version() {
    holds(
        480,
        &[
            BackUpServer,
            Poison { seed: 199719 },
            met(0, 2, 0, Duplicated),
            Narrow { tablet: 3, area: 2 },
            Move {
                tablet: 6,
                household: 2,
                to: 2,
            },
            Sync {
                tablet: 0,
                retries: 0,
                fault: None,
            },
            Sync {
                tablet: 3,
                retries: 0,
                fault: None,
            },
            RestoreServer,
            Narrow { tablet: 3, area: 0 },
        ],
    );
}

#[test]
fn a_household_whose_document_was_lost_with_its_page_leaves_no_change_behind() {
    holds(
        2041,
        &[
            Register { tablet: 1, area: 0 },
            met(1, 2, 1, Delayed),
            Move {
                tablet: 7,
                household: 0,
                to: 2,
            },
            FlipTablet {
                tablet: 1,
                log: false,
                closed: true,
            },
        ],
    );
}

#[test]
fn a_change_that_waits_in_vain_does_not_keep_other_areas_from_getting_back_what_the_server_lost() {
    holds(
        2017,
        &[
            Register { tablet: 4, area: 0 },
            met(4, 2, 0, NewerServer),
            Register { tablet: 4, area: 1 },
            Poison { seed: 68978 },
            met(1, 0, 1, ReplyCut { at: 58246 }),
            CloneTablet { tablet: 7 },
            Move {
                tablet: 6,
                household: 5,
                to: 1,
            },
            Register { tablet: 1, area: 3 },
            sync(6),
            Address {
                tablet: 1,
                household: 3,
            },
            Contest {
                tablet: 1,
                other: 4,
                household: 7,
                to: 0,
            },
            Sync {
                tablet: 4,
                retries: 0,
                fault: None,
            },
            FlipServer { log: true },
        ],
    );
}

#[test]
fn a_household_outside_a_moved_grant_is_not_edited_while_it_waits_to_go() {
    holds(
        4450,
        &[
            Register { tablet: 1, area: 3 },
            met(7, 2, 0, KilledBefore),
            Narrow { tablet: 1, area: 2 },
            Register { tablet: 1, area: 3 },
            met(6, 0, 0, Slow),
            met(1, 0, 1, ReplyLost),
            met(7, 0, 1, KilledAfter),
            Address {
                tablet: 7,
                household: 6,
            },
        ],
    );
}

#[test]
fn a_restored_server_that_others_brought_as_far_again_is_told_apart() {
    holds(
        4944,
        &[
            Register { tablet: 0, area: 3 },
            Register { tablet: 1, area: 0 },
            Register { tablet: 3, area: 0 },
            Register { tablet: 4, area: 0 },
            met(0, 1, 1, ReplyLost),
            Move {
                tablet: 0,
                household: 7,
                to: 2,
            },
            undisturbed(7, 0),
            met(4, 2, 0, Reordered),
            BackUpServer,
            undisturbed(1, 2),
            met(0, 0, 1, ReplyLost),
            sync(5),
            RestoreServer,
            Move {
                tablet: 7,
                household: 3,
                to: 2,
            },
            undisturbed(3, 0),
            Contest {
                tablet: 1,
                other: 4,
                household: 3,
                to: 1,
            },
        ],
    );
}

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
