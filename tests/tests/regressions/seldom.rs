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
