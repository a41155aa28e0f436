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

/// A document that a tablet told of as lost when it was opened was taken for one that had gone without a word when it was opened again.
#[test]
fn what_was_lost_with_a_page_is_told_once() {
    let flip = |tablet, log, closed| FlipTablet {
        tablet,
        log,
        closed,
    };
    let visit = |tablet, household| Visit { tablet, household };
    holds(
        501_248,
        &[
            Register { tablet: 1, area: 2 },
            Register { tablet: 4, area: 1 },
            flip(1, true, true),
            Move {
                tablet: 4,
                household: 6,
                to: 0,
            },
            met(4, 2, 1, Slow),
            flip(4, false, false),
            met(1, 2, 0, RequestLost),
            Move {
                tablet: 1,
                household: 1,
                to: 2,
            },
            visit(1, 5),
            met(7, 2, 1, ReplyLost),
            flip(4, false, true),
            met(4, 0, 1, Duplicated),
            visit(4, 3),
            flip(4, false, true),
        ],
    );
}

#[test]
fn what_came_into_the_record_by_another_way_is_asked_about_no_more_when_its_refusal_is_taken_back()
{
    holds(
        6_000_058,
        &[
            Register { tablet: 1, area: 2 },
            BreakTablet {
                tablet: 1,
                plan: Plan {
                    after: 7,
                    ..FAILED_SYNC
                },
            },
            met(4, 2, 0, RenewalLost),
            FlipServer { log: true },
            met(1, 2, 0, RequestLost),
            Sync {
                tablet: 4,
                retries: 2,
                fault: None,
            },
            LateParts {
                tablet: 1,
                other: 4,
                household: 2,
                to: 0,
            },
            FlipServer { log: true },
            Sync {
                tablet: 7,
                retries: 1,
                fault: None,
            },
            Decide {
                question: 1,
                choice: 3,
            },
            Sync {
                tablet: 1,
                retries: 0,
                fault: None,
            },
            TakeBack { decision: 3 },
        ],
    );
}
