//! Lists of operations about people who left one household for another.

use sojourn_tests::simulation::{Fault::*, Op::*};

use super::{holds, met, sync};

#[test]
fn a_record_that_somebody_left_for_is_joined_with_the_one_they_left() {
    holds(
        90_000_128,
        &[
            Register { tablet: 4, area: 3 },
            RegisterTwice {
                tablet: 0,
                other: 6,
                area: 2,
            },
            met(6, 1, 0, ServerKilled),
            sync(4),
            Split {
                tablet: 4,
                household: 1,
            },
            Decide {
                question: 5,
                choice: 2,
            },
            Answer { which: 4, how: 3 },
            Decide {
                question: 2,
                choice: 0,
            },
        ],
    );
}

#[test]
fn whoever_left_is_marked_so_though_a_copied_tablet_added_them_too() {
    holds(
        90_000_879,
        &[
            Register { tablet: 0, area: 3 },
            BackUpServer,
            Answer { which: 0, how: 0 },
            RestoreServer,
            Split {
                tablet: 6,
                household: 0,
            },
            CloneTablet { tablet: 0 },
            Answer { which: 6, how: 3 },
        ],
    );
}

#[test]
fn somebody_who_had_left_the_other_record_is_no_question_once_that_is_joined() {
    holds(
        80_001_142,
        &[
            Register { tablet: 0, area: 3 },
            RegisterTwice {
                tablet: 0,
                other: 3,
                area: 0,
            },
            Split {
                tablet: 0,
                household: 3,
            },
            met(3, 0, 1, RequestCut { at: 94_246 }),
            Answer { which: 6, how: 2 },
            Join { which: 6, how: 6 },
            Part { which: 7 },
        ],
    );
}
