//! Lists of operations that broke a promise once in a thousand seeds or less.

use sojourn_disk::{Call, Effect, Plan};
use sojourn_tests::simulation::{Fault::*, Op::*};

use super::{holds, met, sync, undisturbed};

#[test]
fn what_was_kept_aside_opens_no_hand_over_that_was_answered() {
    holds(
        30_000_063,
        &[
            Register { tablet: 0, area: 1 },
            BackUpTablet { tablet: 0 },
            undisturbed(6, 0),
            RestoreTablet { tablet: 0 },
            Answer { which: 0, how: 1 },
            Decide {
                question: 4,
                choice: 2,
            },
        ],
    );
}

#[test]
fn what_is_accepted_again_without_an_answer_is_promised_once() {
    holds(
        30_000_531,
        &[
            Register { tablet: 3, area: 3 },
            Register { tablet: 5, area: 0 },
            BreakServer {
                plan: Plan {
                    call: Call::Sync,
                    after: 2,
                    times: 1,
                    effect: Effect::Kill,
                },
            },
            met(5, 0, 1, KilledAfter),
            Register { tablet: 3, area: 1 },
            LateInJoined {
                tablet: 0,
                other: 3,
                area: 0,
                how: 4,
            },
            FlipServer { log: true },
            Answer { which: 6, how: 3 },
            Decide {
                question: 1,
                choice: 0,
            },
            FlipServer { log: true },
        ],
    );
}

#[test]
fn a_health_record_that_has_gone_ahead_of_its_household_is_begun_by_another_actor() {
    holds(
        30_000_702,
        &[
            Register { tablet: 0, area: 3 },
            Visit {
                tablet: 6,
                household: 0,
            },
            sync(6),
            met(7, 2, 1, NewerServer),
            LateParts {
                tablet: 1,
                other: 0,
                household: 0,
                to: 1,
            },
            Visit {
                tablet: 0,
                household: 0,
            },
        ],
    );
}

#[test]
fn what_a_colleague_handed_in_after_a_refusal_is_handed_in_again_like_the_rest() {
    holds(
        30_001_069,
        &[
            Register { tablet: 0, area: 2 },
            Register { tablet: 1, area: 2 },
            sync(6),
            met(4, 2, 1, Slow),
            met(1, 2, 1, ReplyLost),
            LateInJoined {
                tablet: 1,
                other: 4,
                area: 1,
                how: 2,
            },
            BackUpServer,
            LateEdit {
                tablet: 1,
                other: 4,
                household: 3,
                to: 1,
            },
            met(0, 1, 1, ServerKilled),
            Contradict {
                tablet: 0,
                other: 1,
                household: 3,
            },
            RestoreServer,
            undisturbed(7, 0),
            undisturbed(6, 2),
            Answer { which: 1, how: 1 },
            RestoreServer,
        ],
    );
}

#[test]
fn a_failed_read_while_two_records_are_joined_is_no_broken_promise() {
    holds(
        30_001_636,
        &[
            Register { tablet: 0, area: 3 },
            Register { tablet: 1, area: 1 },
            met(6, 2, 0, Portal),
            RegisterTwice {
                tablet: 6,
                other: 3,
                area: 3,
            },
            sync(7),
            undisturbed(4, 2),
            LateEdit {
                tablet: 0,
                other: 4,
                household: 0,
                to: 3,
            },
            sync(3),
            KillServer,
            Contest {
                tablet: 1,
                other: 0,
                household: 6,
                to: 2,
            },
            BreakServer {
                plan: Plan {
                    call: Call::Read,
                    after: 139,
                    times: 1,
                    effect: Effect::Error,
                },
            },
            sync(7),
            Join { which: 3, how: 4 },
        ],
    );
}

#[test]
fn a_field_that_a_joining_filled_gets_back_what_was_written_unheard_meanwhile() {
    holds(
        30_004_287,
        &[
            Register { tablet: 0, area: 3 },
            Register { tablet: 1, area: 2 },
            Register { tablet: 2, area: 0 },
            Register { tablet: 3, area: 1 },
            Register { tablet: 4, area: 2 },
            Register { tablet: 5, area: 2 },
            Phone {
                tablet: 2,
                household: 1,
            },
            RegisterTwice {
                tablet: 6,
                other: 4,
                area: 0,
            },
            Answer { which: 0, how: 0 },
            Phone {
                tablet: 0,
                household: 5,
            },
            LateInJoined {
                tablet: 2,
                other: 4,
                area: 0,
                how: 7,
            },
            Join { which: 6, how: 3 },
            LateInJoined {
                tablet: 6,
                other: 0,
                area: 2,
                how: 5,
            },
            TakeBack { decision: 2 },
        ],
    );
}

#[test]
fn power_lost_while_a_log_is_folded_whose_sync_failed_leaves_a_sound_database() {
    holds(
        30_004_393,
        &[
            Register { tablet: 0, area: 2 },
            Register { tablet: 2, area: 3 },
            BreakServer {
                plan: at(Call::Sync, 4, Effect::Error),
            },
            undisturbed(6, 2),
            CutServer,
            undisturbed(2, 0),
            BreakServer {
                plan: at(Call::Write, 4, Effect::PowerLoss),
            },
            KillServer,
        ],
    );
}

#[test]
fn power_lost_on_a_tablet_while_a_log_is_folded_whose_sync_failed_leaves_a_sound_database() {
    holds(
        50_000_211,
        &[
            Arrive {
                tablet: 0,
                other: 4,
                area: 3,
                card: true,
            },
            BreakTablet {
                tablet: 6,
                plan: at(Call::Sync, 3, Effect::Error),
            },
            Phone {
                tablet: 6,
                household: 1,
            },
            FlipTablet {
                tablet: 6,
                log: true,
                closed: false,
            },
            met(6, 2, 0, Reordered),
            BreakTablet {
                tablet: 6,
                plan: at(Call::Write, 0, Effect::Kill),
            },
            Person {
                tablet: 6,
                household: 1,
            },
            CutTablet { tablet: 0 },
        ],
    );
}

#[test]
fn a_tablet_that_went_down_in_a_step_has_no_second_session_in_it() {
    holds(
        50_000_751,
        &[
            Register { tablet: 0, area: 2 },
            Register { tablet: 1, area: 2 },
            Register { tablet: 3, area: 2 },
            Arrive {
                tablet: 7,
                other: 7,
                area: 2,
                card: true,
            },
            met(6, 0, 0, KilledAfter),
            undisturbed(7, 0),
            Join { which: 4, how: 2 },
            LateEdit {
                tablet: 0,
                other: 1,
                household: 0,
                to: 1,
            },
            BreakTablet {
                tablet: 3,
                plan: at(Call::Write, 41, Effect::Error),
            },
            undisturbed(3, 0),
            LateParts {
                tablet: 0,
                other: 1,
                household: 7,
                to: 3,
            },
            met(3, 1, 1, KilledBefore),
            LateInJoined {
                tablet: 1,
                other: 1,
                area: 1,
                how: 5,
            },
        ],
    );
}

#[test]
fn an_entry_that_a_reviewer_took_of_a_change_kept_aside_may_stand_before_a_joining() {
    holds(
        50_000_293,
        &[
            Register { tablet: 0, area: 0 },
            Register { tablet: 1, area: 2 },
            Register { tablet: 3, area: 0 },
            Register { tablet: 4, area: 1 },
            Register { tablet: 5, area: 1 },
            RegisterTwice {
                tablet: 1,
                other: 1,
                area: 3,
            },
            Visit {
                tablet: 5,
                household: 6,
            },
            BreakServer {
                plan: Plan {
                    call: Call::Write,
                    after: 2,
                    times: 1,
                    effect: Effect::Kill,
                },
            },
            Arrive {
                tablet: 7,
                other: 2,
                area: 1,
                card: false,
            },
            Answer { which: 3, how: 2 },
            LateInJoined {
                tablet: 2,
                other: 7,
                area: 0,
                how: 2,
            },
            BreakServer {
                plan: Plan {
                    call: Call::Write,
                    after: 14,
                    times: 1,
                    effect: Effect::Full,
                },
            },
            Move {
                tablet: 5,
                household: 2,
                to: 1,
            },
            undisturbed(0, 0),
            Address {
                tablet: 0,
                household: 0,
            },
            met(7, 0, 1, Duplicated),
            FlipServer { log: true },
            Register { tablet: 3, area: 1 },
            Address {
                tablet: 2,
                household: 2,
            },
            met(2, 0, 1, Slow),
            Join { which: 6, how: 2 },
            Decide {
                question: 2,
                choice: 0,
            },
            Visit {
                tablet: 3,
                household: 7,
            },
            Move {
                tablet: 3,
                household: 7,
                to: 0,
            },
            undisturbed(7, 0),
            Move {
                tablet: 6,
                household: 4,
                to: 3,
            },
            Move {
                tablet: 7,
                household: 7,
                to: 1,
            },
            Arrive {
                tablet: 0,
                other: 3,
                area: 2,
                card: true,
            },
            Decide {
                question: 6,
                choice: 2,
            },
            Decide {
                question: 0,
                choice: 0,
            },
            Join { which: 6, how: 7 },
        ],
    );
}

#[test]
fn a_visit_to_a_household_that_is_lost_everywhere_waits_and_is_not_handed_in_for_ever() {
    holds(
        70_000_006,
        &[
            BackUpServer,
            LateInJoined {
                tablet: 5,
                other: 4,
                area: 3,
                how: 1,
            },
            Visit {
                tablet: 4,
                household: 4,
            },
            FlipTablet {
                tablet: 4,
                log: false,
                closed: true,
            },
            FlipTablet {
                tablet: 4,
                log: false,
                closed: false,
            },
            RestoreServer,
            met(4, 1, 1, KilledAfter),
            RestoreServer,
        ],
    );
}

#[test]
fn a_register_of_which_half_is_older_than_the_other_says_so_when_it_is_checked() {
    holds(
        80_001_579,
        &[
            Register { tablet: 0, area: 2 },
            Register { tablet: 1, area: 0 },
            Register { tablet: 2, area: 3 },
            Register { tablet: 3, area: 3 },
            Register { tablet: 4, area: 3 },
            Register { tablet: 5, area: 0 },
            Person {
                tablet: 2,
                household: 1,
            },
            Move {
                tablet: 0,
                household: 1,
                to: 2,
            },
            Address {
                tablet: 3,
                household: 2,
            },
            Move {
                tablet: 6,
                household: 5,
                to: 1,
            },
            JoinContradicted {
                tablet: 1,
                other: 0,
                area: 2,
                how: 6,
            },
            RegisterTwice {
                tablet: 5,
                other: 1,
                area: 1,
            },
            BreakServer {
                plan: at(Call::Write, 80, Effect::PowerLoss),
            },
            Answer { which: 3, how: 3 },
            met(1, 1, 1, ReplyCut { at: 22_698 }),
            Decide {
                question: 5,
                choice: 2,
            },
            met(2, 0, 1, HalfOpen),
            Answer { which: 0, how: 3 },
            BreakServer {
                plan: Plan {
                    times: 17,
                    ..at(Call::Write, 20, Effect::Full)
                },
            },
            KillServer,
            FlipServer { log: true },
        ],
    );
}

#[test]
fn a_tablet_that_is_killed_as_its_session_ends_kills_no_other() {
    holds(
        80_004_781,
        &[
            LateInJoined {
                tablet: 3,
                other: 3,
                area: 1,
                how: 6,
            },
            BreakTablet {
                tablet: 5,
                plan: at(Call::Sync, 0, Effect::PowerLoss),
            },
            met(5, 0, 1, KilledBefore),
        ],
    );
}

fn at(call: Call, after: u32, effect: Effect) -> Plan {
    Plan {
        call,
        after,
        times: 1,
        effect,
    }
}
